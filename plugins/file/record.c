/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that a scan stands on: columns by name, and the texts of the current values one behind the other
 * in a buffer that is used again for each record.
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
	uint32_t count = 1;

	while ((part = strchr(part, '.')))
		part++, count++;
	if (count == 1)
		return CONSORT_OK;
	column->steps = consort_arena_array(record->arena, count, sizeof(*column->steps));
	if (!column->steps)
		return consort_error_no_memory(error);
	for (part = column->name; column->nsteps < count; column->nsteps++) {
		struct consort_json_step *step = &column->steps[column->nsteps];
		size_t size = strcspn(part, "."), digits = strspn(part, "0123456789");

		if (column->nsteps && digits == size && digits && digits < 10) {
			step->index = strtol(part, NULL, 10);
		} else {
			step->key = part;
			step->key_size = size;
		}
		part += size + 1;
	}
	record->paths = true;
	return CONSORT_OK;
}

uint32_t file_record_add(struct file_record *record, const char *name, size_t size, bool path,
			 struct consort_error *error)
{
	struct file_column *column;

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
	if (path && split_path(record, column, error))
		return CONSORT_ENOMEM;
	record->count++;
	return CONSORT_OK;
}

void file_record_begin(struct file_record *record)
{
	uint32_t i;

	for (i = 0; i < record->count; i++)
		record->columns[i].kind = CONSORT_JSON_NONE;
}
