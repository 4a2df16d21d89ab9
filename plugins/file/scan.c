/* SPDX-License-Identifier: Apache-2.0 */
/* A scan: the records of a source, whichever of its files they are in. */
#include "file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t file_scan_error(const struct file_scan *scan, uint64_t line, struct consort_error *error,
			 uint32_t status, const char *format, ...)
{
	char text[sizeof(error->message)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return consort_error_set(error, status, "%s:%" PRIu64 ": %s", scan->lines.name, line, text);
}

static uint32_t next_file(struct file_scan *scan, const struct consort_call *call,
			  struct consort_error *error)
{
	const struct file_source *source = scan->source;
	const char *name = source->files[scan->current++];
	const struct file_reader *reader = source->reader ? source->reader : file_reader_by_name(name);
	uint32_t status;

	if (!reader)
		return consort_error_set(
			error, CONSORT_EVALUE,
			"the name of '%s' does not tell its format; say format = csv or format = "
			"jsonl",
			name);
	if (scan->reader && reader != scan->reader)
		return consort_error_set(
			error, CONSORT_EVALUE,
			"'%s' is %s, but '%s' is %s; the files of one source have one format", name,
			reader->name, source->files[0], scan->reader->name);
	status = file_lines_open(&scan->lines, scan->database->folder, name, error);
	if (!status && !scan->reader) {
		scan->reader = reader;
		status = reader->make(scan, error);
	}
	return status || !reader->start ? status : reader->start(scan, call, error);
}

uint32_t file_scan_open(const struct file_database *database, const struct file_source *source,
			const struct consort_call *call, struct file_scan **out_scan,
			struct consort_error *error)
{
	struct file_scan *scan = calloc(1, sizeof(*scan));
	uint32_t status;

	if (!scan)
		return consort_error_no_memory(error);
	scan->database = database;
	scan->source = source;
	scan->lines.fd = -1;
	consort_arena_init(&scan->arena, 0);
	consort_arena_init(&scan->values, 0);
	scan->record.arena = &scan->arena;
	scan->json = consort_json_reader_new();
	status = scan->json ? next_file(scan, call, error) : consort_error_no_memory(error);
	if (status) {
		file_scan_close(scan);
		return status;
	}
	*out_scan = scan;
	return CONSORT_OK;
}

uint32_t file_scan_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			struct consort_error *error)
{
	uint32_t status;

	for (;;) {
		*out_more = false;
		if (scan->lines.fd >= 0) {
			consort_arena_reset(&scan->values);
			file_record_begin(&scan->record);
			status = scan->reader->next(scan, call, out_more, error);
			if (status || *out_more)
				return status;
			file_lines_close(&scan->lines);
		}
		if (scan->current == scan->source->nfiles)
			return CONSORT_OK;
		status = next_file(scan, call, error);
		if (status)
			return status;
	}
}

void file_scan_close(struct file_scan *scan)
{
	if (!scan)
		return;
	if (scan->state)
		scan->reader->free(scan);
	file_lines_clear(&scan->lines);
	consort_json_reader_free(scan->json);
	consort_buffer_clear(&scan->text);
	consort_arena_clear(&scan->values);
	consort_arena_clear(&scan->arena);
	free(scan);
}
