/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL as the caller wrote it. The server says what types its parameters and columns have; a result with a
 * column of a type that has no counterpart comes in PostgreSQL's text format, every other one in the binary
 * one.
 */
#include "cursor.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- what kind of statement it is --- */

/* Behind blanks, comments and opening parentheses. */
static const char *skip_blanks(const char *text)
{
	int depth = 0;

	for (;;) {
		if (!depth && text[0] == '-' && text[1] == '-') {
			text += strcspn(text, "\n");
		} else if (text[0] == '/' && text[1] == '*') {
			depth++;
			text += 2;
		} else if (depth && text[0] == '*' && text[1] == '/') {
			depth--;
			text += 2;
		} else if (*text && (depth || isspace((unsigned char)*text) || *text == '(')) {
			text++;
		} else {
			return text;
		}
	}
}

/* Takes the next word; false: it is another one. */
static bool take_word(const char **text, const char *word)
{
	const char *start = skip_blanks(*text);
	size_t size = strlen(word);

	if (strncasecmp(start, word, size) || isalnum((unsigned char)start[size]) || start[size] == '_')
		return false;
	*text = start + size;
	return true;
}

static bool starts_with_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (take_word(&text, *words))
			return true;
	return false;
}

static bool makes_temporary(const char *text)
{
	static const char *const kinds[] = {"TEMP", "TEMPORARY", NULL};

	if (!take_word(&text, "CREATE"))
		return false;
	if (take_word(&text, "OR"))
		take_word(&text, "REPLACE");
	if (!take_word(&text, "LOCAL"))
		take_word(&text, "GLOBAL");
	return starts_with_any(text, kinds);
}

/* Settings that end with the transaction disturb nobody. */
static bool sets_session(const char *text)
{
	static const char *const harmless[] = {"LOCAL", "TRANSACTION", "CONSTRAINTS", NULL};

	return take_word(&text, "RESET") || (take_word(&text, "SET") && !starts_with_any(text, harmless));
}

static uint32_t check_kind(const char *text, struct consort_error *error)
{
	static const char *const transactions[] = {"BEGIN", "START",	 "COMMIT",  "END",     "ROLLBACK",
						   "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", NULL};
	static const char *const sessions[] = {"LISTEN",  "UNLISTEN", "DISCARD", "DEALLOCATE",
					       "DECLARE", "FETCH",    "MOVE",	 "CLOSE",
					       "EXECUTE", "LOAD",     NULL};

	if (!*skip_blanks(text))
		return consort_error_set(error, CONSORT_ESYNTAX, "there is no statement to run");
	if (starts_with_any(text, transactions))
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"transactions are begun and ended through Consort, not by a statement");
	if (take_word(&text, "COPY"))
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "COPY has no rows for a cursor: use import and export, or a writer");
	if (starts_with_any(text, sessions) || sets_session(text) || makes_temporary(text))
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"the statement would change the session for whoever uses it next: settings are "
			"options of the database, and nothing is temporary");
	return CONSORT_OK;
}

/* Does it only read, so that it may be stopped when nobody wants the rest? */
static bool only_reads(const char *text)
{
	static const char *const reads[] = {"SELECT", "VALUES", "TABLE", "SHOW", NULL};

	return starts_with_any(text, reads);
}

/* --- parameters --- */

/* As the type that the server takes it for. */
static uint32_t encode_parameter(struct pg_connection *conn, const struct consort_value *value, Oid type,
				 uint32_t index, int *out_format, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_value converted = *value;
	struct pg_storage storage;
	struct consort_type wanted = pg_type_of_oid(type, -1, &storage);
	struct consort_arena scratch;
	uint32_t status = CONSORT_OK;
	char name[16];

	snprintf(name, sizeof(name), "$%u", index + 1);
	consort_arena_init(&scratch, 0);
	*out_format = storage.codec != PG_OTHER;
	if (!consort_value_is_null(value) && storage.codec == PG_OTHER) {
		consort_value_print(value, &text);
		converted = consort_text_n(text.data ? text.data : "", text.size);
		status = text.failed ? consort_error_no_memory(error) : CONSORT_OK;
	} else if (value->type.id != wanted.id && !consort_value_is_null(value)) {
		if (wanted.id == CONSORT_TYPE_DECIMAL && value->type.id == CONSORT_TYPE_FLOAT64)
			wanted = value->type;
		status = consort_value_convert(value, wanted, &scratch, &converted, error);
		if (status && status != CONSORT_ENOMEM)
			consort_error_prefix(error, "parameter %s", name);
	}
	if (!status)
		status = pg_encode(&storage, PG_STORE, &converted, name, &conn->cells, error);
	consort_buffer_clear(&text);
	consort_arena_clear(&scratch);
	return status;
}

static uint32_t encode_parameters(struct pg_connection *conn, const PGresult *description,
				  const struct consort_run *run, int *formats, struct consort_error *error)
{
	uint32_t count = (uint32_t)PQnparams(description), status = CONSORT_OK, i;

	if (count > run->nparameters)
		return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
					 run->nparameters + 1);
	pg_parameters_begin(conn);
	for (i = 0; !status && i < count; i++)
		status = encode_parameter(conn, &run->parameters[i], PQparamtype(description, (int)i), i,
					  &formats[i], error);
	return status ? status : pg_parameters_end(conn, count, error);
}

/* --- columns --- */

static uint32_t describe(struct pg_cursor *cursor, const PGresult *description,
			 const struct consort_field *const **out_fields, struct consort_error *error)
{
	uint32_t n = (uint32_t)PQnfields(description), i;
	struct pg_column *columns = consort_arena_array(&cursor->own, n, sizeof(*columns));
	struct consort_field *fields = consort_arena_array(&cursor->own, n, sizeof(*fields));
	const struct consort_field **list = consort_arena_array(&cursor->own, n, sizeof(*list));

	if (!columns || !fields || !list)
		return consort_error_no_memory(error);
	for (i = 0; i < n; i++) {
		columns[i].type = pg_type_of_oid(PQftype(description, (int)i), PQfmod(description, (int)i),
						 &columns[i].storage);
		cursor->reader.texts |= columns[i].storage.codec == PG_OTHER;
	}
	for (i = 0; i < n; i++) {
		if (cursor->reader.texts && columns[i].type.id == CONSORT_TYPE_LIST)
			columns[i].type = consort_type_of(CONSORT_TYPE_TEXT);
		columns[i].plain = PG_CODECS;
		columns[i].resource = "";
		columns[i].attribute = consort_arena_text(&cursor->own, PQfname(description, (int)i));
		if (!columns[i].attribute)
			return consort_error_no_memory(error);
		fields[i].struct_size = sizeof(*fields);
		fields[i].type = columns[i].type;
		fields[i].name = columns[i].attribute;
		list[i] = &fields[i];
	}
	cursor->reader.columns = columns;
	cursor->reader.ncolumns = n;
	*out_fields = list;
	return CONSORT_OK;
}

/* --- running --- */

/* Has the server say what the statement takes and gives. */
static uint32_t prepare(struct pg_connection *conn, const char *text, PGresult **out_description,
			struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;

	if (!PQsendPrepare(conn->pq, "", text, 0, NULL))
		return pg_fail_lost(conn, error);
	status = pg_only_result(conn, &result, error);
	PQclear(result);
	if (status)
		return status;
	if (!PQsendDescribePrepared(conn->pq, ""))
		return pg_fail_lost(conn, error);
	return pg_only_result(conn, out_description, error);
}

static uint32_t run_to_end(struct pg_cursor *cursor, int64_t *out_affected, struct consort_error *error)
{
	uint32_t status = pg_doubt(cursor->conn, pg_only_result(cursor->conn, &cursor->result, error), error);
	const char *count;

	if (status)
		return status;
	count = PQcmdTuples(cursor->result);
	if (!cursor->reader.ncolumns) {
		*out_affected = *count ? strtoll(count, NULL, 10) : -1;
		cursor->done = true;
	}
	cursor->started = true;
	return CONSORT_OK;
}

static uint32_t start(struct pg_cursor *cursor, const char *text, const PGresult *description,
		      const struct consort_run *run, int64_t *out_affected, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	int nparameters = PQnparams(description);
	int *formats = consort_arena_array(&cursor->own, (size_t)nparameters, sizeof(*formats));
	uint32_t status = formats ? encode_parameters(conn, description, run, formats, error)
				  : consort_error_no_memory(error);

	if (status)
		return status;
	if (!PQsendQueryPrepared(conn->pq, "", nparameters, conn->values, conn->lengths, formats,
				 !cursor->reader.texts))
		return pg_fail_lost(conn, error);
	if (!cursor->reader.ncolumns || !only_reads(text))
		return run_to_end(cursor, out_affected, error);
	cursor->way = PG_ROWS;
	PQsetSingleRowMode(conn->pq);
	conn->stream = cursor;
	return CONSORT_OK;
}

static uint32_t native_open(void *connection, const struct consort_call *call, const char *text,
			    const struct consort_run *run, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	const struct consort_field *const *fields = NULL;
	struct pg_connection *conn = connection;
	struct pg_cursor *cursor = NULL;
	PGresult *description = NULL;
	int64_t affected = -1;
	uint32_t status = check_kind(text, error);

	if (!status)
		status = pg_enter(conn, call, error);
	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = prepare(conn, text, &description, error);
	if (!status) {
		cursor = pg_cursor_new(conn, PG_WHOLE);
		status = cursor ? describe(cursor, description, &fields, error)
				: consort_error_no_memory(error);
	}
	if (!status)
		status = start(cursor, text, description, run, &affected, error);
	PQclear(description);
	pg_leave(conn);
	if (status) {
		if (cursor)
			pg_cursor_close(cursor);
		return status;
	}
	*out_cursor = cursor;
	*out_fields = fields;
	*out_nfields = cursor->reader.ncolumns;
	*out_affected = affected;
	return CONSORT_OK;
}

const struct consort_native_ops pg_native_ops = {
	.struct_size = sizeof(pg_native_ops),
	.open = native_open,
};
