/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as the caller wrote them, in extended JSON: {"find": "c", "filter": {"n": {"$param": 1}}}. A
 * parameter is a value and never text of the command. An answer is a row for each document of its cursor, or
 * one row, of one column.
 */
#include "plan.h"

#include <string.h>

/* The command's name: its first member. */
static const char *name_of(const bson_t *command)
{
	bson_iter_t at;

	return bson_iter_init(&at, command) && bson_iter_next(&at) ? bson_iter_key(&at) : "";
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/* What belongs to the connection, or would change it for whoever uses it next. */
static uint32_t check(const bson_t *command, struct consort_error *error)
{
	static const char *const transactions[] = {"commitTransaction",
						   "abortTransaction",
						   "prepareTransaction",
						   "startSession",
						   "endSessions",
						   "refreshSessions",
						   NULL};
	static const char *const sessions[] = {"authenticate", "logout",  "saslStart", "saslContinue",
					       "hello",	       "getMore", NULL};
	static const char *const members[] = {"lsid",	    "txnNumber", "startTransaction",
					      "autocommit", "$db",	 NULL};
	const char *name = name_of(command);
	bson_iter_t at;

	if (!*name)
		return consort_error_set(error, CONSORT_ESYNTAX,
					 "there is no command to run: {\"find\": \"…\"}");
	if (is_one_of(name, transactions))
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"transactions are begun and ended through Consort, not by a command");
	if (is_one_of(name, sessions))
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "'%s' belongs to the connection, which others use too", name);
	bson_iter_init(&at, command);
	while (bson_iter_next(&at))
		if (is_one_of(bson_iter_key(&at), members))
			return consort_error_set(error, CONSORT_EUNSUPPORTED,
						 "'%s' is the connection's to say", bson_iter_key(&at));
	return CONSORT_OK;
}

/* A pipeline alone is one over the database; an aggregate needs a cursor, which nobody likes to write. */
static uint32_t parse(const char *text, const struct consort_run *run, bson_t *out,
		      struct consort_error *error)
{
	struct consort_view json = {text, strlen(text)};
	const char *first = text + strspn(text, " \t\r\n");
	bson_t pipeline;
	uint32_t status;

	if (*first == '[') {
		BSON_APPEND_INT32(out, "aggregate", 1);
		BSON_APPEND_ARRAY_BEGIN(out, "pipeline", &pipeline);
		status = mongo_parse_elements(json, run, &pipeline, error);
		bson_append_array_end(out, &pipeline);
	} else {
		status = mongo_parse_members(json, run, out, error);
	}
	if (!status && !strcmp(name_of(out), "aggregate") && !bson_has_field(out, "cursor")) {
		BSON_APPEND_DOCUMENT_BEGIN(out, "cursor", &pipeline);
		bson_append_document_end(out, &pipeline);
	}
	return status ? status : check(out, error);
}

/* Does it change documents, so that its answer is a count? */
static bool writes(const char *name)
{
	static const char *const names[] = {"insert", "update", "delete", NULL};

	return is_one_of(name, names);
}

static bool reads(const char *name)
{
	static const char *const names[] = {
		"find",	     "aggregate",	"count",       "distinct", "dbStats",
		"collStats", "listCollections", "listIndexes", "ping",	   "buildInfo",
		NULL};

	return is_one_of(name, names);
}

/* --- answers --- */

static uint32_t describe(struct mongo_cursor *cursor, const struct consort_field *const **out_fields,
			 struct consort_error *error)
{
	struct mongo_column *column = consort_arena_alloc(&cursor->own, sizeof(*column));
	struct consort_field *field = consort_arena_alloc(&cursor->own, sizeof(*field));
	const struct consort_field **list = consort_arena_alloc(&cursor->own, sizeof(*list));

	if (!column || !field || !list)
		return consort_error_no_memory(error);
	mongo_column_set(column, "document", (struct mongo_storage){.codec = MONGO_REST},
			 consort_type_of(CONSORT_TYPE_JSON));
	column->key_size = SIZE_MAX;
	mongo_columns_link(column, 1);
	field->struct_size = sizeof(*field);
	field->flags = CONSORT_ATTRIBUTE_NOT_NULL;
	field->type = column->type;
	field->name = "document";
	list[0] = field;
	*out_fields = list;
	return mongo_reader_init(&cursor->reader, column, 1) ? CONSORT_OK : consort_error_no_memory(error);
}

/* The answer's only row, without what it says of the cluster. */
static uint32_t keep_answer(struct mongo_cursor *cursor, struct consort_error *error)
{
	bson_t row = BSON_INITIALIZER, answer = BSON_INITIALIZER, rows;

	bson_copy_to_excluding_noinit(&cursor->reply, &row, "ok", "$clusterTime", "operationTime", NULL);
	BSON_APPEND_ARRAY_BEGIN(&answer, "rows", &rows);
	BSON_APPEND_DOCUMENT(&rows, "0", &row);
	bson_append_array_end(&answer, &rows);
	bson_destroy(&row);
	bson_destroy(&cursor->reply);
	bson_steal(&cursor->reply, &answer);
	return mongo_part(&cursor->reply, "rows", &cursor->rows) ? CONSORT_OK
								 : consort_error_no_memory(error);
}

static uint32_t run(struct mongo_cursor *cursor, const bson_t *command, bool *out_rows, int64_t *out_affected,
		    struct consort_error *error)
{
	struct mongo_connection *conn = cursor->conn;
	const char *name = name_of(command);
	bson_iter_t failures;
	uint32_t status = reads(name) ? CONSORT_OK : mongo_may_write(conn, error);

	if (!status)
		status = mongo_run(conn, writes(name) ? MONGO_WRITE : MONGO_PLAIN, command, 0, NULL,
				   &cursor->reply, error);
	else
		return status;
	cursor->replied = true;
	if (status)
		return status;
	if (writes(name)) {
		*out_affected = mongo_number(&cursor->reply, "n", -1);
		*out_rows = false;
		if (mongo_part(&cursor->reply, "writeErrors", &failures) && bson_iter_next(&failures))
			return mongo_fail_write(&failures, NULL, error);
		return CONSORT_OK;
	}
	*out_rows = true;
	if (bson_has_field(&cursor->reply, "cursor"))
		return mongo_cursor_take(cursor, error);
	return keep_answer(cursor, error);
}

static uint32_t native_open(void *connection, const struct consort_call *call, const char *text,
			    const struct consort_run *parameters, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	const struct consort_field *const *fields = NULL;
	struct mongo_connection *conn = connection;
	struct mongo_cursor *cursor = NULL;
	bson_t command = BSON_INITIALIZER;
	int64_t affected = -1;
	bool rows = false;
	uint32_t status = mongo_enter(conn, call, error);

	if (!status) {
		status = parse(text, parameters, &command, error);
		cursor = status ? NULL : mongo_cursor_new(conn);
		if (!status)
			status = cursor ? describe(cursor, &fields, error) : consort_error_no_memory(error);
		if (!status)
			status = run(cursor, &command, &rows, &affected, error);
		mongo_leave(conn);
	}
	bson_destroy(&command);
	if (status) {
		if (cursor)
			mongo_cursor_close(cursor);
		return status;
	}
	cursor->done = !rows;
	*out_cursor = cursor;
	*out_fields = fields;
	*out_nfields = rows;
	*out_affected = affected;
	return CONSORT_OK;
}

const struct consort_native_ops mongo_native_ops = {
	.struct_size = sizeof(mongo_native_ops),
	.open = native_open,
};
