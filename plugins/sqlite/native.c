/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL as the caller wrote it: one statement, its parameters bound. A result column that is a table's has the
 * type its declaration stands for; any other takes the type of its first value (text if that is NULL, and
 * then takes numbers as text). A later value of another type is an error: a CAST in the statement says what
 * is meant.
 */
#include "sqlite.h"

#include <string.h>

/* Which of the run's parameters a statement's parameter is: $1, ?1, or ? by its place. */
static uint32_t parameter_index(sqlite3_stmt *stmt, int position, uint32_t *out_index,
				struct consort_error *error)
{
	const char *name = sqlite3_bind_parameter_name(stmt, position);
	unsigned long number = 0;
	const char *digit;

	if (!name) {
		*out_index = (uint32_t)position - 1;
		return CONSORT_OK;
	}
	for (digit = name + 1; *digit >= '0' && *digit <= '9' && number < 1000000; digit++)
		number = number * 10 + (unsigned long)(*digit - '0');
	if ((name[0] != '$' && name[0] != '?') || *digit || !number)
		return consort_error_set(error, CONSORT_ENAME,
					 "parameter '%s' has no value: parameters are $1, $2, …", name);
	*out_index = (uint32_t)number - 1;
	return CONSORT_OK;
}

static uint32_t bind_parameters(struct lite_statement *cursor, const struct consort_run *run,
				struct consort_error *error)
{
	int count = sqlite3_bind_parameter_count(cursor->stmt), i, code;
	uint32_t index = 0, used = 0, status;

	for (i = 1; i <= count; i++) {
		struct lite_storage storage;
		struct lite_cell cell;

		/* ?5 alone makes five parameters, four of them without a name or use */
		status = parameter_index(cursor->stmt, i, &index, error);
		if (status)
			return status;
		if (index >= run->nparameters)
			return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
						 index + 1);
		if (used <= index)
			used = index + 1;
		storage = (struct lite_storage){
			.codec = (uint8_t)lite_default_codec(run->parameters[index].type)};
		status = lite_encode(&storage, LITE_STORE, &run->parameters[index], "parameter", true,
				     &cursor->memory, &cell, error);
		if (status)
			return status;
		code = lite_bind(cursor->stmt, i, &cell);
		if (code)
			return lite_fail(cursor->conn, code, NULL, error);
	}
	if (used < run->nparameters)
		return consort_error_set(error, CONSORT_EINVAL,
					 "the statement takes %u parameter%s, but %u were given", used,
					 used == 1 ? "" : "s", run->nparameters);
	return CONSORT_OK;
}

/* Is there a second statement behind the first one? Comments are none. */
static bool has_more(struct lite_connection *conn, const char *tail)
{
	sqlite3_stmt *stmt = NULL;
	bool more = false;

	while (!more && *tail) {
		more = sqlite3_prepare_v3(conn->db, tail, -1, 0, &stmt, &tail) || stmt;
		sqlite3_finalize(stmt);
	}
	return more;
}

static uint32_t prepare(struct lite_connection *conn, const char *text, struct lite_statement **out_cursor,
			struct consort_error *error)
{
	sqlite3_stmt *stmt = NULL;
	const char *tail = text;
	uint32_t seen, status;
	int code;

	conn->native = 0;
	code = sqlite3_prepare_v3(conn->db, text, -1, 0, &stmt, &tail);
	seen = conn->native;
	if (code)
		return lite_fail(conn, code, NULL, error);
	if (!stmt)
		return consort_error_set(error, CONSORT_ESYNTAX, "there is no statement to run");
	if (has_more(conn, tail))
		status = consort_error_set(error, CONSORT_ESYNTAX, "only one statement can be run at a time");
	else if (seen & LITE_NATIVE_TRANSACTION)
		status = consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"transactions are begun and ended through Consort, not by a statement");
	else if (seen & LITE_NATIVE_SESSION)
		status = consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"the statement would change the session for whoever uses it next: settings "
			"are options of the database, and nothing is attached or temporary");
	else
		return lite_statement_adopt(conn, 0, stmt, out_cursor, error);
	sqlite3_finalize(stmt);
	return status;
}

/* Of a value that no column's declaration tells about. */
static enum lite_codec codec_of_class(int class)
{
	switch (class) {
	case SQLITE_INTEGER:
		return LITE_INT64;
	case SQLITE_FLOAT:
		return LITE_FLOAT64;
	case SQLITE_BLOB:
		return LITE_BYTES;
	default:
		return LITE_CONVERT;
	}
}

static void type_column(struct lite_statement *cursor, int column, bool row, struct lite_column *out,
			uint32_t *out_flags)
{
	const char *declared = sqlite3_column_decltype(cursor->stmt, column);
	struct consort_attribute attribute = {.struct_size = sizeof(attribute), .name = "", .codec = ""};
	const struct consort_resource resource = {.struct_size = sizeof(resource), .name = ""};
	struct consort_error ignored;
	struct lite_storage storage;
	enum lite_codec codec;

	out->attribute = sqlite3_column_name(cursor->stmt, column);
	if (!out->attribute)
		out->attribute = "";
	out->resource = "";
	if (declared && *declared) {
		attribute.engine_type = declared;
		attribute.type = lite_type_of(declared, false, out_flags);
		attribute.flags = *out_flags;
		if (!lite_storage_of(&resource, &attribute, &storage, &ignored)) {
			lite_column_set(out, storage.codec, attribute.type);
			return;
		}
	}
	codec = codec_of_class(row ? sqlite3_column_type(cursor->stmt, column) : SQLITE_NULL);
	lite_column_set(out, codec,
			consort_type_of(codec == LITE_CONVERT ? CONSORT_TYPE_TEXT : lite_codecs[codec].type));
}

/* Runs to the first row, which tells types. */
static uint32_t describe(struct lite_statement *cursor, const struct consort_field *const **out_fields,
			 struct consort_error *error)
{
	uint32_t n = (uint32_t)sqlite3_column_count(cursor->stmt), i;
	struct lite_column *columns = consort_arena_array(&cursor->own, n, sizeof(*columns));
	struct consort_field *fields = consort_arena_array(&cursor->own, n, sizeof(*fields));
	const struct consort_field **list = consort_arena_array(&cursor->own, n, sizeof(*list));
	int code = sqlite3_step(cursor->stmt);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return lite_fail(cursor->conn, code, NULL, error);
	if (!columns || !fields || !list)
		return consort_error_no_memory(error);
	for (i = 0; i < n; i++) {
		type_column(cursor, (int)i, code == SQLITE_ROW, &columns[i], &fields[i].flags);
		columns[i].attribute = consort_arena_text(&cursor->own, columns[i].attribute);
		if (!columns[i].attribute)
			return consort_error_no_memory(error);
		fields[i].struct_size = sizeof(*fields);
		fields[i].flags = 0;
		fields[i].type = columns[i].type;
		fields[i].name = columns[i].attribute;
		list[i] = &fields[i];
	}
	cursor->columns = columns;
	cursor->ncolumns = n;
	cursor->pending = code == SQLITE_ROW;
	cursor->done = code == SQLITE_DONE;
	*out_fields = list;
	return CONSORT_OK;
}

/* A statement without a result. */
static uint32_t run(struct lite_statement *cursor, int64_t *out_affected, struct consort_error *error)
{
	sqlite3 *db = cursor->conn->db;
	int64_t before = sqlite3_total_changes64(db);
	int code = sqlite3_step(cursor->stmt);

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		return lite_fail(cursor->conn, code, NULL, error);
	*out_affected = sqlite3_total_changes64(db) == before ? 0 : sqlite3_changes64(db);
	cursor->done = true;
	return CONSORT_OK;
}

static uint32_t open_cursor(struct lite_connection *conn, const char *text, const struct consort_run *values,
			    struct lite_statement **out_cursor,
			    const struct consort_field *const **out_fields, int64_t *out_affected,
			    struct consort_error *error)
{
	struct lite_statement *cursor;
	uint32_t status = prepare(conn, text, &cursor, error);
	bool writes;

	if (status)
		return status;
	writes = !sqlite3_stmt_readonly(cursor->stmt);
	if (writes) {
		conn->defined = true;
		status = lite_settle(conn, error);
	}
	if (!status)
		status = bind_parameters(cursor, values, error);
	if (!status)
		status = sqlite3_column_count(cursor->stmt) ? describe(cursor, out_fields, error)
							    : run(cursor, out_affected, error);
	if (status) {
		lite_statement_give(cursor);
		return status;
	}
	lite_cursor_start(cursor);
	/* what a RETURNING returns is put aside at once, so that the write is over when this returns */
	if (writes)
		status = lite_settle(conn, error);
	if (status)
		lite_query_ops.close(cursor);
	else
		*out_cursor = cursor;
	return status;
}

static uint32_t native_open(void *connection, const struct consort_call *call, const char *text,
			    const struct consort_run *values, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	const struct consort_field *const *fields = NULL;
	struct lite_connection *conn = connection;
	struct lite_statement *cursor = NULL;
	int64_t affected = -1;
	uint32_t status = lite_enter(conn, call, error);

	if (status)
		return status;
	status = open_cursor(conn, text, values, &cursor, &fields, &affected, error);
	lite_leave(conn);
	if (status)
		return status;
	*out_cursor = cursor;
	*out_fields = fields;
	*out_nfields = cursor->ncolumns;
	*out_affected = affected;
	return CONSORT_OK;
}

const struct consort_native_ops lite_native_ops = {
	.struct_size = sizeof(lite_native_ops),
	.open = native_open,
};
