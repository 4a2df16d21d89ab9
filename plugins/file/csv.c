/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: the first record names the columns, which all files of a source must have, in any order. */
#include "file.h"

#include <inttypes.h>
#include <stdio.h>

#include <consort/csv.h>

#define SAME_COLUMNS "the files of one source must have the same columns"

struct state {
	struct consort_csv *csv;
	uint32_t *columns; /* the file's i-th field is columns[i] of the record; NULL before the first file's
			      names */
};

/* --- records --- */

/* Reads the lines of one record; *out_more false: there is none. Blank lines in front are left out, except
 * where records have one field: NULL. */
static uint32_t read_record(struct file_scan *scan, const struct consort_call *call, bool blank_counts,
			    bool *out_more, struct consort_error *error)
{
	struct state *state = scan->state;
	struct consort_view line = {NULL, 0};
	int complete = 0;
	uint64_t bytes;
	uint32_t status;

	do
		status = file_lines_next(&scan->lines, call, &line, error);
	while (!status && line.data && !consort_csv_content(line) && !blank_counts);
	scan->line = scan->lines.number;
	*out_more = line.data != NULL;
	for (bytes = line.size; !status && line.data; bytes += line.size) {
		status = consort_csv_line(state->csv, line, &complete, error);
		if (status == CONSORT_ESYNTAX) {
			consort_error_prefix(error, "%s:%" PRIu64, scan->lines.name, scan->lines.number);
			status = error->status = CONSORT_EPROTOCOL;
		}
		if (status || complete)
			break;
		status = file_lines_next(&scan->lines, call, &line, error);
		if (!status && (!line.data || bytes > FILE_RECORD_MAX))
			status = file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
						 "a quote in this record is not closed%s",
						 line.data ? " within 64 MiB" : " before the file ends");
	}
	return status;
}

static uint32_t csv_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			 struct consort_error *error)
{
	const struct consort_view *null = &scan->source->null, *fields;
	struct state *state = scan->state;
	uint32_t status = read_record(scan, call, scan->record.count == 1, out_more, error), count, i;

	if (status || !*out_more)
		return status;
	count = consort_csv_fields(state->csv, &fields);
	if (count != scan->record.count)
		return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
				       "expected %" PRIu32 " columns, found %" PRIu32, scan->record.count,
				       count);
	for (i = 0; i < count; i++) {
		struct file_column *column = &scan->record.columns[state->columns[i]];
		bool is_null = !fields[i].data || (null->size && fields[i].size == null->size &&
						   !memcmp(fields[i].data, null->data, null->size));

		column->kind = is_null ? CONSORT_JSON_NULL : FILE_UNTYPED;
		column->text = fields[i];
	}
	return CONSORT_OK;
}

/* --- columns --- */

/* The record's column of that name; the first file's are added. A record's kinds, of no use yet, mark the
 * columns that were found. */
static uint32_t take_name(struct file_scan *scan, struct consort_view name, uint32_t field, bool first,
			  struct consort_error *error)
{
	struct file_record *record = &scan->record;
	uint32_t at = file_record_find(record, name.data, (size_t)name.size, field);

	if (at == FILE_NO_COLUMN && !first)
		return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
				       "column '%.*s' is not in '%s'; " SAME_COLUMNS, (int)name.size,
				       name.data, scan->source->files[0]);
	if (at != FILE_NO_COLUMN && record->columns[at].kind)
		return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
				       "two columns are named '%.*s'", (int)name.size, name.data);
	if (at == FILE_NO_COLUMN) {
		at = record->count;
		if (file_record_add(record, name.data, (size_t)name.size, false, error)) {
			consort_error_prefix(error, "%s", scan->lines.name);
			return error->status;
		}
	}
	record->columns[at].kind = FILE_UNTYPED;
	((struct state *)scan->state)->columns[field] = at;
	return CONSORT_OK;
}

static uint32_t take_names(struct file_scan *scan, struct consort_error *error)
{
	struct file_record *record = &scan->record;
	struct state *state = scan->state;
	const struct consort_view *fields;
	uint32_t count = consort_csv_fields(state->csv, &fields), i, status;
	bool first = !state->columns;
	char number[16];

	/* there are not more fields than columns, or one of them has no column */
	if (first)
		state->columns = consort_arena_array(&scan->arena, count, sizeof(*state->columns));
	if (!state->columns)
		return consort_error_no_memory(error);
	file_record_begin(record);
	for (i = 0; i < count; i++) {
		struct consort_view name = fields[i];

		if (!name.size || !scan->source->header) {
			name.data = number;
			name.size = (uint64_t)snprintf(number, sizeof(number), "c%" PRIu32, i + 1);
		}
		status = take_name(scan, name, i, first, error);
		if (status)
			return status;
	}
	for (i = 0; i < record->count; i++)
		if (!record->columns[i].kind)
			return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
					       "column '%s' of '%s' is missing; " SAME_COLUMNS,
					       record->columns[i].name, scan->source->files[0]);
	return CONSORT_OK;
}

/* The first record tells the columns. Where it is no header it only counts them, and is read again. */
static uint32_t csv_start(struct file_scan *scan, const struct consort_call *call,
			  struct consort_error *error)
{
	bool more = true;
	uint32_t status = read_record(scan, call, false, &more, error);

	if (!status && !more)
		status = consort_error_set(error, CONSORT_EPROTOCOL,
					   "'%s' is empty: nothing tells its columns", scan->lines.name);
	if (!status)
		status = take_names(scan, error);
	if (!status && !scan->source->header)
		status = file_lines_rewind(&scan->lines, error);
	return status;
}

static void csv_end(struct file_scan *scan)
{
	consort_csv_free(((struct state *)scan->state)->csv);
}

static uint32_t csv_make(struct file_scan *scan, struct consort_error *error)
{
	struct state *state = consort_arena_alloc(&scan->arena, sizeof(*state));

	if (!state)
		return consort_error_no_memory(error);
	scan->state = state;
	state->csv = consort_csv_new(scan->source->delimiter, scan->source->quote);
	return state->csv ? CONSORT_OK : consort_error_no_memory(error);
}

static const char *const extensions[] = {"csv", NULL};

const struct file_reader file_csv = {
	.name = "csv",
	.extensions = extensions,
	.make = csv_make,
	.free = csv_end,
	.start = csv_start,
	.next = csv_next,
};
