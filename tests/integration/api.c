/* SPDX-License-Identifier: Apache-2.0 */
/* Short forms for tests through the public API. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>

void api_ok(enum consort_status status, const struct consort_error *error, const char *call, const char *file, int line)
{
	if (!status)
		return;
	fprintf(stderr, "%s:%d: %s\n  status %d: %s\n", file, line, call, (int)status, consort_error_text(error));
	CU_assertImplementation(CU_FALSE, (unsigned)line, call, file, "", CU_TRUE);
}

struct consort *api_open(const char *manifest)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;

	API_OK(consort_open(testing_write("consort.ini", manifest), &c, &error));
	return c;
}

const char *api_error(const struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_printf(&text, "status %u: %s", error->status, consort_error_text(error));
	return testing_keep(consort_buffer_steal(&text));
}

const char *api_read(struct consort_cursor *rows, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t i;

	while (consort_cursor_next(rows, error)) {
		if (text.size)
			consort_buffer_char(&text, ';');
		for (i = 0; i < consort_cursor_columns(rows); i++) {
			const struct consort_value value = consort_cursor_value(rows, i);

			if (i)
				consort_buffer_char(&text, ',');
			if (consort_value_is_null(&value))
				consort_buffer_char(&text, '-');
			else
				consort_value_print(&value, &text);
		}
	}
	if (consort_cursor_status(rows)) {
		*error = *consort_cursor_error(rows);
		consort_buffer_clear(&text);
		return api_error(error);
	}
	return testing_keep(consort_buffer_steal(&text));
}

const char *api_rows(struct consort_query *q, struct consort_args args)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	const char *text;

	if (consort_query_run(q, args, &rows, &error))
		return api_error(&error);
	text = api_read(rows, &error);
	consort_cursor_close(rows);
	return text;
}

const char *api_find(struct consort *c, const char *resource, const char *select, const char *where, const char *order)
{
	struct consort_query *q = consort_query_new(c, resource);
	const char *text;

	if (select)
		consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	if (order)
		consort_query_order(q, order);
	text = api_rows(q, CONSORT_NO_ARGS);
	consort_query_free(q);
	return text;
}

void api_import(struct consort *c, const char *resource, const char *csv)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	struct consort_arena arena;
	const char *line = csv;

	consort_arena_init(&arena, 0);
	API_OK(consort_define(c, resource, CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	API_OK(consort_writer_open(c, resource, NULL, CONSORT_WRITER_CREATE, 0, &w, &error));
	batch = consort_writer_batch(w);
	while (*line) {
		size_t length = strcspn(line, "\n");
		const char *at = line;
		uint32_t i;

		for (i = 0; i < batch->ncolumns; i++) {
			size_t size = strcspn(at, ",\n");
			struct consort_value value = consort_null();

			if (size)
				API_OK(consort_value_parse(batch->columns[i].type, at, size, &arena, &value, &error));
			CU_ASSERT_EQUAL_FATAL(consort_append_value(batch, &batch->columns[i], &value), CONSORT_OK);
			at += size + (at[size] == ',');
		}
		if (consort_batch_end_row(batch))
			API_OK(consort_writer_flush(w, &error));
		line += length + (line[length] == '\n');
	}
	API_OK(consort_writer_flush(w, &error));
	consort_writer_close(w);
	consort_arena_clear(&arena);
}
