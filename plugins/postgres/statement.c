/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements and their parameters. Prepared ones are kept by the id of what they were made from, the ones
 * used last, and have names that no other connection uses: behind a pooler several clients' statements live
 * in one session, and a pooler's DISCARD ALL makes them unknown, which is noticed when one is used.
 */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define UNPREPARED_MOST 64 /* entries of a cache that prepares nothing */

/* --- parameters --- */

void pg_parameters_begin(struct pg_connection *conn)
{
	conn->cells.size = 0;
	conn->cells.failed = 0;
}

static bool make_room(struct pg_connection *conn, uint32_t count)
{
	const char **values = realloc(conn->values, count * sizeof(char *));
	int *lengths, *formats;
	uint32_t i;

	if (values)
		conn->values = values;
	lengths = realloc(conn->lengths, count * sizeof(int));
	if (lengths)
		conn->lengths = lengths;
	formats = realloc(conn->formats, count * sizeof(int));
	if (formats)
		conn->formats = formats;
	if (!values || !lengths || !formats)
		return false;
	for (i = 0; i < count; i++)
		formats[i] = 1;
	conn->room = count;
	return true;
}

uint32_t pg_parameters_at(struct pg_connection *conn, size_t *at, uint32_t count, struct consort_error *error)
{
	const char *cell = conn->cells.data + *at;
	uint32_t i;

	if (count > conn->room && !make_room(conn, count))
		return consort_error_no_memory(error);
	for (i = 0; i < count; i++) {
		int32_t size = (int32_t)pg_get32(cell);

		cell += 4;
		conn->values[i] = size < 0 ? NULL : cell;
		conn->lengths[i] = size < 0 ? 0 : size;
		cell += conn->lengths[i];
	}
	*at = (size_t)(cell - conn->cells.data);
	return CONSORT_OK;
}

uint32_t pg_parameters_end(struct pg_connection *conn, uint32_t count, struct consort_error *error)
{
	size_t at = 0;

	return count ? pg_parameters_at(conn, &at, count, error) : CONSORT_OK;
}

/* --- statements that are not prepared --- */

/* The one result of a statement, whatever it says, and what follows it, which is its end. */
uint32_t pg_read_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error)
{
	PGresult *result = NULL, *next = NULL;
	uint32_t status = pg_flush(conn, error);

	while (!status) {
		status = pg_next_result(conn, &next, error);
		if (status || !next)
			break;
		/* of several statements the last one's, or the error that ended them */
		PQclear(result);
		result = next;
	}
	/* what the server said before it hung up is what is told */
	if (status && PQstatus(conn->pq) == CONNECTION_BAD && PQresultErrorField(result, PG_DIAG_SQLSTATE))
		status = CONSORT_OK;
	if (status)
		PQclear(result);
	else
		*out_result = result;
	return status;
}

static bool is_good(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK ||
	       PQresultStatus(result) == PGRES_EMPTY_QUERY;
}

uint32_t pg_only_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status = pg_read_result(conn, &result, error);

	if (!status && !is_good(result))
		status = pg_fail(conn, result, NULL, error);
	if (!status)
		*out_result = result;
	return status;
}

int64_t pg_affected(const PGresult *result)
{
	const char *digits = PQcmdTuples((PGresult *)(uintptr_t)result);
	int64_t count = 0;

	for (; *digits; digits++)
		count = count * 10 + (*digits - '0');
	return count;
}

uint32_t pg_query(struct pg_connection *conn, const char *sql, uint32_t nparameters,
		  const char *const *parameters, PGresult **out_result, struct consort_error *error)
{
	int sent = nparameters ? PQsendQueryParams(conn->pq, sql, (int)nparameters, NULL, parameters, NULL,
						   NULL, 0)
			       : PQsendQuery(conn->pq, sql);

	return sent ? pg_only_result(conn, out_result, error) : pg_fail_lost(conn, error);
}

uint32_t pg_exec(struct pg_connection *conn, const char *sql, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status = pg_query(conn, sql, 0, NULL, &result, error);

	PQclear(result);
	return status;
}

/* --- the cache --- */

static struct pg_statement **slot_of(struct pg_connection *conn, uint64_t id)
{
	return &conn->slots[id & (PG_CACHE_SLOTS - 1)];
}

static struct pg_statement *find(struct pg_connection *conn, uint64_t id)
{
	struct pg_statement *at = *slot_of(conn, id);

	while (at && at->id != id)
		at = at->chain;
	return at;
}

static void free_statement(struct pg_statement *statement)
{
	consort_arena_clear(&statement->own);
	free(statement);
}

static void drop(struct pg_connection *conn, struct pg_statement *statement)
{
	struct pg_statement **link = slot_of(conn, statement->id);

	while (*link != statement)
		link = &(*link)->chain;
	*link = statement->chain;
	conn->ncached--;
	free_statement(statement);
}

void pg_statements_clear(struct pg_connection *conn)
{
	size_t i;

	for (i = 0; i < PG_CACHE_SLOTS; i++)
		while (conn->slots[i])
			drop(conn, conn->slots[i]);
}

static struct pg_statement *oldest(struct pg_connection *conn)
{
	struct pg_statement *oldest = NULL, *at;
	size_t i;

	for (i = 0; i < PG_CACHE_SLOTS; i++)
		for (at = conn->slots[i]; at; at = at->chain)
			if (!oldest || at->used < oldest->used)
				oldest = at;
	return oldest;
}

/* The server forgets it; if a pooler had it forgotten before, so much the better. */
static uint32_t deallocate(struct pg_connection *conn, const struct pg_statement *statement,
			   struct consort_error *error)
{
	char sql[96];
	uint32_t status;

	if (!statement->prepared && !statement->lingers)
		return CONSORT_OK;
	snprintf(sql, sizeof(sql), "DEALLOCATE \"%s\"", statement->name);
	status = pg_exec(conn, sql, error);
	return status && !strcmp(error->sqlstate, "26000") && conn->transaction == PG_TX_NONE ? CONSORT_OK
											      : status;
}

uint32_t pg_statement_get(struct pg_connection *conn, uint64_t id, struct pg_statement **out_statement,
			  struct consort_error *error)
{
	struct pg_statement *statement = find(conn, id);
	uint32_t most = conn->database->statements_most, status = CONSORT_OK;

	if (CONSORT_LIKELY(statement != NULL)) {
		statement->used = ++conn->uses;
		*out_statement = statement;
		return CONSORT_OK;
	}
	while (!status && conn->ncached >= (most ? most : UNPREPARED_MOST)) {
		struct pg_statement *last = oldest(conn);

		status = deallocate(conn, last, error);
		if (!status)
			drop(conn, last);
	}
	statement = status ? NULL : calloc(1, sizeof(*statement));
	if (!statement)
		return status ? status : consort_error_no_memory(error);
	consort_arena_init(&statement->own, 0);
	statement->id = id;
	statement->used = ++conn->uses;
	statement->chain = *slot_of(conn, id);
	*slot_of(conn, id) = statement;
	conn->ncached++;
	*out_statement = statement;
	return CONSORT_OK;
}

uint32_t pg_statement_prepare(struct pg_connection *conn, struct pg_statement *statement,
			      const struct pg_source *source, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;

	if (CONSORT_LIKELY(statement->prepared || !conn->database->statements_most))
		return CONSORT_OK;
	status = deallocate(conn, statement, error);
	if (status)
		return status;
	statement->lingers = false;
	snprintf(statement->name, sizeof(statement->name), "%s_%llu", conn->prefix,
		 (unsigned long long)++conn->names);
	if (!PQsendPrepare(conn->pq, statement->name, source->sql, (int)source->nparameters, source->types))
		return pg_fail_lost(conn, error);
	status = pg_only_result(conn, &result, error);
	PQclear(result);
	statement->prepared = !status;
	return status;
}

uint32_t pg_statement_send(struct pg_connection *conn, const struct pg_statement *statement,
			   const struct pg_source *source, struct consort_error *error)
{
	int count = (int)source->nparameters, sent;

	if (CONSORT_LIKELY(statement->prepared))
		sent = PQsendQueryPrepared(conn->pq, statement->name, count, conn->values, conn->lengths,
					   conn->formats, 1);
	else
		sent = PQsendQueryParams(conn->pq, source->sql, count, source->types, conn->values,
					 conn->lengths, conn->formats, 1);
	return sent ? CONSORT_OK : pg_fail_lost(conn, error);
}

/* 26000: a pooler's DISCARD ALL, or another session behind it. 0A000 from there: the columns are of other
 * types now. */
bool pg_statement_is_stale(struct pg_statement *statement, const PGresult *result)
{
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
	bool changed =
		pg_has_sqlstate(result, "0A000") && function && !strcmp(function, "RevalidateCachedQuery");

	if (!statement->prepared || (!changed && !pg_has_sqlstate(result, "26000")))
		return false;
	statement->lingers = changed;
	statement->prepared = false;
	return true;
}

uint32_t pg_fail_stale(struct pg_connection *conn, PGresult *result, const struct consort_resource *resource,
		       struct consort_error *error)
{
	pg_fail(conn, result, resource, error);
	consort_error_prefix(error, "a statement has to be prepared anew; run the transaction again");
	error->status = CONSORT_ECONFLICT;
	error->flags |= CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t send_and_read(struct pg_connection *conn, struct pg_statement *statement,
			      const struct pg_source *source, PGresult **out_result,
			      struct consort_error *error)
{
	uint32_t status = pg_statement_prepare(conn, statement, source, error);

	if (!status)
		status = pg_parameters_end(conn, source->nparameters, error);
	if (!status)
		status = pg_statement_send(conn, statement, source, error);
	return status ? status : pg_doubt(conn, pg_read_result(conn, out_result, error), error);
}

uint32_t pg_run(struct pg_connection *conn, struct pg_statement *statement, const struct pg_source *source,
		const struct consort_resource *resource, PGresult **out_result, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status = send_and_read(conn, statement, source, &result, error);

	if (!status && !is_good(result) && pg_statement_is_stale(statement, result)) {
		if (conn->transaction != PG_TX_NONE)
			return pg_fail_stale(conn, result, resource, error);
		PQclear(result);
		status = send_and_read(conn, statement, source, &result, error);
	}
	if (!status && CONSORT_UNLIKELY(!is_good(result)))
		status = pg_fail(conn, result, resource, error);
	if (CONSORT_LIKELY(!status))
		*out_result = result;
	return status;
}
