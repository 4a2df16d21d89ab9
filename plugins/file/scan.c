/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan: the records of a source, whichever of its files they are in. Reading and introspection both stand
 * on it.
 */
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
	const char *name = scan->files[scan->current++];
	const struct file_reader *reader =
		scan->format.reader ? scan->format.reader : file_reader_by_name(name);
	uint32_t status;

	if (!reader)
		return consort_error_set(error, CONSORT_EVALUE,
					 "the name of '%s' does not tell its format; say format = csv"
					 " or format = jsonl",
					 name);
	if (scan->reader && reader != scan->reader)
		return consort_error_set(error, CONSORT_EVALUE,
					 "'%s' is %s, but '%s' is %s; the files of one source have one"
					 " format",
					 name, reader->name, scan->files[0], scan->reader->name);
	file_lines_close(&scan->lines);
	status = file_lines_open(&scan->lines, name, error);
	if (!status && !scan->reader) {
		scan->reader = reader;
		status = reader->make(scan, error);
	}
	return status || !reader->start ? status : reader->start(scan, call, error);
}

uint32_t file_scan_open(const struct file_connection *connection, const struct consort_call *call,
			const char *source, const struct consort_setting *settings, uint32_t nsettings,
			struct file_scan **out_scan, struct consort_error *error)
{
	struct file_scan *scan = NULL;
	uint32_t status = file_check(connection, call, error);

	if (status)
		return status;
	scan = calloc(1, sizeof(*scan));
	if (!scan)
		return consort_error_no_memory(error);
	scan->connection = scan->lines.connection = connection;
	scan->lines.fd = -1;
	consort_arena_init(&scan->arena, 0);
	scan->record.arena = &scan->arena;
	status = file_format_read(settings, nsettings, &scan->format, error);
	if (!status)
		status = file_find(scan, source, error);
	if (!status)
		status = next_file(scan, call, error);
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
		if (scan->lines.fd >= 0) {
			status = scan->reader->next(scan, call, out_more, error);
			if (!status && scan->record.text.failed)
				status = consort_error_no_memory(error);
			if (status || *out_more)
				return status;
			file_scan_skip(scan);
		}
		*out_more = false;
		if (scan->current == scan->nfiles)
			return CONSORT_OK;
		status = next_file(scan, call, error);
		if (status)
			return status;
	}
}

void file_scan_skip(struct file_scan *scan)
{
	file_lines_close(&scan->lines);
}

void file_scan_close(struct file_scan *scan)
{
	if (!scan)
		return;
	if (scan->state)
		scan->reader->free(scan);
	file_lines_clear(&scan->lines);
	consort_buffer_clear(&scan->record.text);
	consort_arena_clear(&scan->arena);
	free(scan);
}
