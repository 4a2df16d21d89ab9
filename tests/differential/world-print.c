/* SPDX-License-Identifier: Apache-2.0 */
/* Results as lines, from Consort and from SQLite, to be compared. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/convert.h>

static void print_float64(double number, int digits, struct consort_buffer *out)
{
	consort_buffer_printf(out, "%.*g", digits, number == 0 ? 0.0 : number);
}

static void print_bytes(const void *data, size_t size, struct consort_buffer *out)
{
	size_t i;

	consort_buffer_text(out, "x");
	for (i = 0; i < size; i++)
		consort_buffer_printf(out, "%02x", ((const unsigned char *)data)[i]);
}

/* A text on one line. */
static void print_text(const char *text, size_t size, struct consort_buffer *out)
{
	size_t i;

	consort_buffer_char(out, '\'');
	for (i = 0; i < size; i++)
		consort_buffer_char(out, text[i] == '\n' ? '\t' : text[i]);
}

void world_print(const struct consort_value *value, int digits, struct consort_buffer *out)
{
	switch (value->type.id) {
	case CONSORT_TYPE_NULL:
		consort_buffer_text(out, "NULL");
		break;
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_TIME:
		consort_buffer_printf(out, "%lld", (long long)value->as.int64);
		break;
	case CONSORT_TYPE_FLOAT64:
		print_float64(value->as.float64, digits, out);
		break;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_JSON:
		print_text(value->as.view.data, value->as.view.size, out);
		break;
	case CONSORT_TYPE_BYTES:
		print_bytes(value->as.view.data, value->as.view.size, out);
		break;
	case CONSORT_TYPE_UUID:
		print_bytes(value->as.uuid, 16, out);
		break;
	default:
		consort_buffer_char(out, '\'');
		consort_value_print(value, out);
	}
}

char *world_read(struct consort_cursor *rows, int digits, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t i;

	while (consort_cursor_next(rows, error)) {
		for (i = 0; i < consort_cursor_columns(rows); i++) {
			const struct consort_value value = consort_cursor_value(rows, i);

			if (i)
				consort_buffer_char(&text, '|');
			world_print(&value, digits, &text);
		}
		consort_buffer_char(&text, '\n');
	}
	if (consort_cursor_status(rows)) {
		consort_buffer_reset(&text);
		consort_buffer_printf(&text, "status %d", (int)consort_cursor_status(rows));
	}
	return consort_buffer_steal(&text);
}

static void print_cell(sqlite3_stmt *stmt, int column, struct consort_type type, int digits,
		       struct consort_buffer *out)
{
	int kind = sqlite3_column_type(stmt, column);

	if (kind == SQLITE_NULL)
		consort_buffer_text(out, "NULL");
	else if (type.id == CONSORT_TYPE_FLOAT64)
		print_float64(sqlite3_column_double(stmt, column), digits, out);
	else if (kind == SQLITE_INTEGER)
		consort_buffer_printf(out, "%lld", (long long)sqlite3_column_int64(stmt, column));
	else if (kind == SQLITE_FLOAT)
		consort_buffer_printf(out, "float %.17g", sqlite3_column_double(stmt, column));
	else if (kind == SQLITE_BLOB)
		print_bytes(sqlite3_column_blob(stmt, column), (size_t)sqlite3_column_bytes(stmt, column),
			    out);
	else
		print_text((const char *)sqlite3_column_text(stmt, column),
			   (size_t)sqlite3_column_bytes(stmt, column), out);
}

char *world_ask(sqlite3 *oracle, const char *sql, const struct consort_type *types, unsigned ntypes,
		int digits)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	sqlite3_stmt *stmt = NULL;
	unsigned i;
	int code = sqlite3_prepare_v2(oracle, sql, -1, &stmt, NULL);

	while (!code && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (i = 0; i < (unsigned)sqlite3_column_count(stmt); i++) {
			if (i)
				consort_buffer_char(&text, '|');
			print_cell(stmt, (int)i, i < ntypes ? types[i] : consort_type_of(0), digits, &text);
		}
		consort_buffer_char(&text, '\n');
		code = SQLITE_OK;
	}
	if (code != SQLITE_DONE) {
		fprintf(stderr, "oracle: %s\n  %s\n", sql, sqlite3_errmsg(oracle));
		abort();
	}
	sqlite3_finalize(stmt);
	return consort_buffer_steal(&text);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void world_sort(char *lines)
{
	size_t count = 0, i, size = strlen(lines);
	char *copy = strdup(lines), *at = copy, **all = calloc(size + 1, sizeof(*all)), *to = lines;

	if (!copy || !all)
		abort();
	while (*at) {
		char *end = strchr(at, '\n');

		all[count++] = at;
		if (!end)
			break;
		*end = '\0';
		at = end + 1;
	}
	qsort(all, count, sizeof(*all), compare_lines);
	for (i = 0; i < count; i++) {
		to = stpcpy(to, all[i]);
		if (to < lines + size)
			*to++ = '\n';
	}
	free(all);
	free(copy);
}
