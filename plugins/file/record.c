/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that a scan stands on: columns by name, and the texts of the current values one behind the
 * other in a buffer that is used again for each record.
 */
#include "file.h"

#include <stdlib.h>

uint32_t file_record_find(const struct file_record *record, const char *name, size_t size, uint32_t guess)
{
	uint32_t i, at;

	for (i = 0, at = guess < record->count ? guess : 0; i < record->count; i++, at++) {
		if (at == record->count)
			at = 0;
		if (record->columns[at].name_size == size && !memcmp(record->columns[at].name, name, size))
			return at;
	}
	return FILE_NO_COLUMN;
}

/* "a.b.0" to three steps; a part of digits alone is a position in an array. */
static uint32_t split_path(struct file_record *record, struct file_column *column,
			   struct consort_error *error)
{
	const char *part = column->name;
	uint32_t i, count = 1;

	for (; *part; part++)
		count += *part == '.';
	if (count == 1)
		return CONSORT_OK;
	column->steps = consort_arena_array(record->arena, count, sizeof(*column->steps));
	if (!column->steps)
		return consort_error_no_memory(error);
	for (i = 0, part = column->name; i < count; i++) {
		size_t size = strcspn(part, "."), digits = strspn(part, "0123456789");

		if (digits == size && digits && digits < 10 && i) {
			column->steps[i].index = strtol(part, NULL, 10);
		} else {
			column->steps[i].key = part;
			column->steps[i].key_size = size;
		}
		part += size + 1;
	}
	column->nsteps = count;
	record->paths = true;
	return CONSORT_OK;
}

uint32_t file_record_add(struct file_record *record, const char *name, size_t size, bool path,
			 struct consort_error *error)
{
	struct file_column *column;
	uint32_t status = CONSORT_OK;

	if (record->count == FILE_COLUMNS_MAX)
		return consort_error_set(error, CONSORT_ERANGE, "more than %u columns", FILE_COLUMNS_MAX);
	if (record->count == record->capacity) {
		uint32_t capacity = record->capacity ? record->capacity * 2 : 16;
		struct file_column *columns = consort_arena_array(record->arena, capacity, sizeof(*columns));

		if (!columns)
			return consort_error_no_memory(error);
		if (record->count)
			memcpy(columns, record->columns, record->count * sizeof(*columns));
		record->columns = columns;
		record->capacity = capacity;
	}
	column = &record->columns[record->count];
	memset(column, 0, sizeof(*column));
	column->name = consort_arena_copy(record->arena, name, size);
	column->name_size = size;
	if (!column->name)
		return consort_error_no_memory(error);
	if (path)
		status = split_path(record, column, error);
	if (!status)
		record->count++;
	return status;
}

void file_record_begin(struct file_record *record)
{
	uint32_t i;

	for (i = 0; i < record->count; i++)
		record->columns[i].kind = CONSORT_JSON_NONE;
	consort_buffer_reset(&record->text);
}

void file_record_put(struct file_record *record, uint32_t column, uint32_t kind, const void *data,
		     size_t size)
{
	record->columns[column].kind = kind;
	record->columns[column].at = record->text.size;
	record->columns[column].size = size;
	consort_buffer_append(&record->text, data, size);
}

struct file_cell file_record_cell(const struct file_record *record, uint32_t column)
{
	const struct file_column *found = &record->columns[column];
	struct file_cell cell = {found->kind, {NULL, found->size}};

	cell.text.data = record->text.data + found->at;
	if (found->kind <= CONSORT_JSON_NULL)
		memset(&cell, 0, sizeof(cell));
	return cell;
}
