/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV as RFC 4180 has it, by libcsv in strict mode. libcsv is fed a line at a time, so that a record ends
 * where a feed ends and line numbers are exact. A line without a quote needs no state machine: it is cut at
 * its delimiters right here, which is several times as fast and means the same.
 */
#include "file.h"

#include <csv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SAME_COLUMNS "the files of one source must have the same columns"

struct state {
	struct csv_parser parser;
	struct file_scan *scan;
	bool naming;                 /* the record's fields name the columns: they go to … */
	struct consort_buffer names; /* … this, each with a NUL behind it */
	uint32_t *columns;           /* the file's i-th column is columns[i] of the record */
	uint32_t nfields;            /* of the current record so far */
	bool complete;               /* the record has ended … */
	bool extra;                  /* … and yet there was another field */
};

/* Blanks around a field are part of it (RFC 4180, 2.4). */
static int no_blank(unsigned char character)
{
	(void)character;
	return 0;
}

/* A field; data NULL for an empty one without quotes. */
static void take_field(void *data, size_t size, void *context)
{
	struct state *state = context;
	struct file_record *record = &state->scan->record;
	const struct consort_view *null = &state->scan->format.null;
	uint32_t field = state->nfields++;

	state->extra |= state->complete;
	if (state->naming) {
		if (data)
			consort_buffer_append(&state->names, data, size);
		consort_buffer_char(&state->names, '\0');
		return;
	}
	if (field >= record->count)
		return;
	if (data && null->size && size == null->size && !memcmp(data, null->data, size))
		data = NULL;
	file_record_put(record, state->columns[field], data ? FILE_UNTYPED : CONSORT_JSON_NULL, data,
			data ? size : 0);
}

static void take_end(int terminator, void *context)
{
	(void)terminator;
	((struct state *)context)->complete = true;
}

/* A line without quotes, its end cut off. */
static void split(struct state *state, const char *at, const char *end)
{
	char delimiter = state->scan->format.delimiter;

	for (;;) {
		const char *stop = memchr(at, delimiter, (size_t)(end - at));

		if (!stop)
			stop = end;
		take_field(stop > at ? (void *)(uintptr_t)at : NULL, (size_t)(stop - at), state);
		if (stop == end)
			break;
		at = stop + 1;
	}
	state->complete = true;
}

static uint32_t broken_quotes(const struct file_scan *scan, struct consort_view line, size_t at,
			      struct consort_error *error)
{
	int32_t position = file_characters(line.data, at) + 1;

	file_scan_error(scan, scan->lines.number, error, CONSORT_EPROTOCOL,
			"quotes that do not match, at character %" PRId32 "; a field that holds a quote is "
			"quoted, and that quote doubled (or set quote = none)",
			position);
	error->position = position;
	return error->status;
}

/* Feeds a line to libcsv. The last line of a file gets the line feed that it lacks. */
static uint32_t feed(struct state *state, struct consort_view line, struct consort_error *error)
{
	size_t used = csv_parse(&state->parser, line.data, (size_t)line.size, take_field, take_end, state);

	if (used < line.size && csv_error(&state->parser) == CSV_EPARSE)
		return broken_quotes(state->scan, line, used, error);
	if (used == line.size && line.data[line.size - 1] != '\n')
		used += csv_parse(&state->parser, "\n", 1, take_field, take_end, state) - 1;
	if (used < line.size)
		return consort_error_no_memory(error);
	if (state->extra)
		return file_scan_error(
			state->scan, state->scan->lines.number, error, CONSORT_EPROTOCOL,
			"a carriage return inside a field without quotes; lines end with LF or CRLF");
	return CONSORT_OK;
}

/* What stands before the line's end. */
static size_t content(struct consort_view line)
{
	size_t size = (size_t)line.size;

	if (size && line.data[size - 1] == '\n')
		size--;
	if (size && line.data[size - 1] == '\r')
		size--;
	return size;
}

/* The line that a record starts with. Blank ones are left out, except where records have one field: NULL. */
static uint32_t first_line(struct state *state, const struct consort_call *call,
			   struct consort_view *out_line, struct consort_error *error)
{
	struct file_scan *scan = state->scan;
	bool blank_counts = !state->naming && scan->record.count == 1;
	uint32_t status;

	do
		status = file_lines_next(&scan->lines, call, out_line, error);
	while (!status && out_line->data && !content(*out_line) && !blank_counts);
	scan->line = scan->lines.number;
	return status;
}

/* Reads the lines of one record; *out_more false: there is none. */
static uint32_t read_record(struct state *state, const struct consort_call *call, bool *out_more,
			    struct consort_error *error)
{
	struct file_scan *scan = state->scan;
	struct consort_view line = {NULL, 0};
	uint64_t bytes = 0;
	uint32_t status;
	size_t size;

	file_record_begin(&scan->record);
	state->nfields = 0;
	state->complete = false;
	status = first_line(state, call, &line, error);
	*out_more = line.data != NULL;
	if (status || !line.data)
		return status;
	size = content(line);
	if (!memchr(line.data, scan->format.quote, size) && !memchr(line.data, '\r', size)) {
		split(state, line.data, line.data + size);
		return CONSORT_OK;
	}
	for (;;) {
		bytes += line.size;
		status = feed(state, line, error);
		if (status || state->complete)
			break;
		status = file_lines_next(&scan->lines, call, &line, error);
		if (!status && (!line.data || bytes > FILE_RECORD_MAX))
			status = file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
						 "a quote in this record is not closed%s",
						 line.data ? " within 64 MiB" : " before the file ends");
		if (status)
			break;
	}
	return status;
}

/* Finds a file's columns in the record by name; the first file's are added. A record's kinds, of no use
 * yet, mark the columns that were found. */
static uint32_t take_names(struct state *state, struct consort_error *error)
{
	struct file_scan *scan = state->scan;
	struct file_record *record = &scan->record;
	const char *name = state->names.data, *known;
	bool first = !record->count;
	uint32_t i, at, status;
	char number[16];

	if (first)
		state->columns = consort_arena_array(&scan->arena, state->nfields, sizeof(*state->columns));
	if (state->names.failed || !state->columns)
		return consort_error_no_memory(error);
	for (i = 0; i < state->nfields; i++, name += strlen(name) + 1) {
		snprintf(number, sizeof(number), "c%" PRIu32, i + 1);
		known = *name && scan->format.header ? name : number;
		at = file_record_find(record, known, strlen(known), i);
		if (at == FILE_NO_COLUMN && !first)
			return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
					       "column '%s' is not in '%s'; " SAME_COLUMNS, known,
					       scan->files[0]);
		if (at != FILE_NO_COLUMN && record->columns[at].kind)
			return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
					       "two columns are named '%s'", known);
		if (at == FILE_NO_COLUMN) {
			at = record->count;
			status = file_record_add(record, known, strlen(known), false, error);
			if (status) {
				consort_error_prefix(error, "%s", scan->lines.name);
				return status;
			}
		}
		record->columns[at].kind = FILE_UNTYPED;
		state->columns[i] = at;
	}
	for (i = 0; i < record->count; i++)
		if (!record->columns[i].kind)
			return file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
					       "column '%s' of '%s' is missing; " SAME_COLUMNS,
					       record->columns[i].name, scan->files[0]);
	return CONSORT_OK;
}

/* The first record tells the columns. Where it is no header it only counts them, and is read again. */
static uint32_t csv_start(struct file_scan *scan, const struct consort_call *call,
			  struct consort_error *error)
{
	struct state *state = scan->state;
	bool more = true;
	uint32_t status;

	state->naming = true;
	consort_buffer_reset(&state->names);
	status = read_record(state, call, &more, error);
	state->naming = false;
	if (!status && !more)
		status = consort_error_set(error, CONSORT_EPROTOCOL,
					   "'%s' is empty: nothing tells its columns", scan->lines.name);
	if (!status)
		status = take_names(state, error);
	if (!status && !scan->format.header)
		status = file_lines_rewind(&scan->lines, error);
	return status;
}

static uint32_t csv_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			 struct consort_error *error)
{
	struct state *state = scan->state;
	uint32_t status = read_record(state, call, out_more, error);

	if (!status && *out_more && state->nfields != scan->record.count)
		status = file_scan_error(scan, scan->line, error, CONSORT_EPROTOCOL,
					 "expected %" PRIu32 " columns, found %" PRIu32, scan->record.count,
					 state->nfields);
	return status;
}

static void csv_end(struct file_scan *scan)
{
	struct state *state = scan->state;

	csv_free(&state->parser);
	consort_buffer_clear(&state->names);
}

static uint32_t csv_make(struct file_scan *scan, struct consort_error *error)
{
	struct state *state = consort_arena_alloc(&scan->arena, sizeof(*state));

	if (!state || csv_init(&state->parser, CSV_STRICT | CSV_EMPTY_IS_NULL))
		return consort_error_no_memory(error);
	csv_set_space_func(&state->parser, no_blank);
	csv_set_blk_size(&state->parser, (size_t)1 << 20); /* big steps: it grows linearly */
	csv_set_delim(&state->parser, (unsigned char)scan->format.delimiter);
	csv_set_quote(&state->parser, (unsigned char)scan->format.quote);
	state->scan = scan;
	scan->state = state;
	return CONSORT_OK;
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
