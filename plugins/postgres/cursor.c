/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors: rows to batches, whatever way they come. Outside of transactions rows stream, each a result of
 * libpq's or a row of COPY; closing early there has the server stop. In a transaction that would be its end,
 * so larger results come from a portal, page by page, and statements between its pages do not disturb it.
 */
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

#define MANY 1000 /* rows that are worth a COPY next time */

/* --- how much statements give --- */

static uint64_t *place_of(struct pg_database *database, uint64_t hash)
{
	return &database->yields[(hash >> 1) & (PG_YIELD_SLOTS - 1)];
}

enum pg_yield pg_yield_of(struct pg_database *database, uint64_t hash)
{
	uint64_t known = __atomic_load_n(place_of(database, hash), __ATOMIC_RELAXED);

	if ((known ^ hash) >> 1)
		return PG_UNKNOWN;
	return known & 1 ? PG_MANY : PG_FEW;
}

/* In the place of what another statement gave. */
static void remember(struct pg_database *database, uint64_t hash, bool many)
{
	__atomic_store_n(place_of(database, hash), (hash & ~UINT64_C(1)) | many, __ATOMIC_RELAXED);
}

/* --- life --- */

struct pg_cursor *pg_cursor_new(struct pg_connection *conn, enum pg_way way)
{
	struct pg_cursor *cursor = conn->spare;

	if (cursor) {
		conn->spare = cursor->next;
	} else {
		cursor = calloc(1, sizeof(*cursor));
		if (!cursor)
			return NULL;
		cursor->conn = conn;
		consort_arena_init(&cursor->own, 0);
		consort_arena_init(&cursor->decoder.arena, 0);
		cursor->reader.conn = conn;
		cursor->reader.decoder = &cursor->decoder;
		cursor->decoder.unchecked = conn->unchecked;
	}
	cursor->way = (uint8_t)way;
	cursor->started = cursor->done = cursor->reader.texts = false;
	cursor->compiled = NULL;
	cursor->resource = NULL;
	cursor->reader.columns = NULL;
	cursor->reader.ncolumns = 0;
	cursor->row = 0;
	cursor->delivered = 0;
	cursor->failure.status = CONSORT_OK;
	cursor->next = conn->cursors;
	cursor->link = &conn->cursors;
	if (cursor->next)
		cursor->next->link = &cursor->next;
	conn->cursors = cursor;
	return cursor;
}

void pg_clear_result(struct pg_cursor *cursor)
{
	PQclear(cursor->result);
	cursor->result = NULL;
	cursor->row = 0;
}

static void free_cursor(struct pg_cursor *cursor)
{
	pg_clear_result(cursor);
	pg_aside_clear(&cursor->aside);
	pg_decoder_clear(&cursor->decoder);
	consort_arena_clear(&cursor->own);
	free(cursor);
}

void pg_cursors_clear(struct pg_connection *conn)
{
	while (conn->spare) {
		struct pg_cursor *cursor = conn->spare;

		conn->spare = cursor->next;
		free_cursor(cursor);
	}
}

void pg_cursor_lost(struct pg_cursor *cursor, const char *why)
{
	cursor->done = true;
	consort_error_set(&cursor->failure, CONSORT_EINVAL, "the cursor cannot be read on: %s", why);
}

void pg_cursors_abandon(struct pg_connection *conn)
{
	static const char why[] = "its connection was reset";

	if (conn->stream)
		pg_cursor_lost(conn->stream, why);
	conn->stream = NULL;
	pg_portals_lost(conn, why);
}

uint32_t pg_end_stream(struct pg_cursor *cursor, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	PGresult *late = NULL;
	uint32_t status;

	conn->stream = NULL;
	status = pg_discard_results(conn, &late, error);
	conn->discarding |= status && conn->keeps;
	if (!status && late)
		return pg_fail(conn, late, cursor->resource, error);
	PQclear(late);
	return status;
}

/* --- the first answer --- */

uint32_t pg_check_columns(struct pg_cursor *cursor, const PGresult *result, struct consort_error *error)
{
	if (CONSORT_LIKELY((uint32_t)PQnfields(result) == cursor->reader.ncolumns ||
			   !cursor->reader.ncolumns))
		return CONSORT_OK;
	return pg_fail_protocol(cursor->conn, "a result has another number of columns", error);
}

/* Sends a prepared statement anew that the server knows no longer as it was. Its parameters are still there.
 */
static uint32_t send_again(struct pg_cursor *cursor, struct pg_statement *statement,
			   struct consort_error *error)
{
	const struct pg_compiled *compiled = cursor->compiled;
	const struct pg_source source = {compiled->base.sql, compiled->base.nslots, compiled->types};
	struct pg_connection *conn = cursor->conn;
	uint32_t status = pg_discard_results(conn, NULL, error);

	if (!status)
		status = pg_statement_prepare(conn, statement, &source, error);
	if (!status)
		status = pg_statement_send(conn, statement, &source, error);
	if (!status && cursor->way == PG_ROWS)
		PQsetSingleRowMode(conn->pq);
	return status ? status : pg_flush(conn, error);
}

/* What the server has to say behind an error: what became of the transaction. */
static void end_failed(struct pg_cursor *cursor, const PGresult *result)
{
	struct consort_error ignored = CONSORT_ERROR_INIT;

	cursor->done = true;
	if (PQresultStatus(result) == PGRES_FATAL_ERROR && PQstatus(cursor->conn->pq) == CONNECTION_OK)
		pg_end_stream(cursor, &ignored);
	cursor->conn->stream = NULL;
}

uint32_t pg_fail_statement(struct pg_cursor *cursor, PGresult *result, struct consort_error *error)
{
	end_failed(cursor, result);
	return pg_fail(cursor->conn, result, cursor->resource, error);
}

uint32_t pg_first_result(struct pg_cursor *cursor, PGresult **out_result, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	struct pg_statement *statement;
	PGresult *result = NULL;
	ExecStatusType kind;
	bool again = false;
	uint32_t status;

	for (;;) {
		status = pg_flush(conn, error);
		if (!status)
			status = pg_next_result(conn, &result, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		kind = PQresultStatus(result);
		if (CONSORT_LIKELY(kind == PGRES_TUPLES_OK || kind == PGRES_SINGLE_TUPLE ||
				   kind == PGRES_COPY_OUT))
			break;
		if (kind != PGRES_FATAL_ERROR || again || !cursor->compiled || cursor->way == PG_COPY)
			return pg_fail_statement(cursor, result, error);
		status = pg_statement_get(conn, cursor->compiled->base.id, &statement, error);
		if (status || !pg_statement_is_stale(statement, result))
			return pg_fail_statement(cursor, result, error);
		if (conn->transaction != PG_TX_NONE) {
			end_failed(cursor, result);
			return pg_fail_stale(conn, result, cursor->resource, error);
		}
		PQclear(result);
		again = true;
		status = send_again(cursor, statement, error);
		if (status)
			return status;
	}
	cursor->started = true;
	status = pg_check_columns(cursor, result, error);
	if (status)
		PQclear(result);
	else
		*out_result = result;
	return status;
}

/* --- one result in memory --- */

uint32_t pg_read_whole(struct pg_cursor *cursor, struct consort_error *error)
{
	uint32_t status = pg_first_result(cursor, &cursor->result, error);

	return status ? status : pg_end_stream(cursor, error);
}

uint32_t pg_take_rows(struct pg_cursor *cursor, struct consort_batch *batch, bool *out_full,
		      struct consort_error *error)
{
	int count = PQntuples(cursor->result);
	uint32_t status;

	*out_full = false;
	while (cursor->row < count && !*out_full) {
		status = pg_append_row(&cursor->reader, cursor->result, cursor->row, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		cursor->row++;
		*out_full = consort_batch_end_row(batch);
	}
	return CONSORT_OK;
}

static uint32_t next_whole(struct pg_cursor *cursor, struct consort_batch *batch, struct consort_error *error)
{
	uint32_t status = cursor->result ? CONSORT_OK : pg_read_whole(cursor, error);
	bool full;

	if (CONSORT_LIKELY(!status))
		status = pg_take_rows(cursor, batch, &full, error);
	cursor->done = !status && cursor->row == PQntuples(cursor->result);
	return status;
}

/* --- rows on their way --- */

uint32_t pg_next_row(struct pg_cursor *cursor, PGresult **out_result, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	PGresult *result = NULL;
	uint32_t status;

	if (CONSORT_LIKELY(cursor->started))
		status = pg_next_result(conn, &result, error);
	else
		status = pg_first_result(cursor, &result, error);
	if (CONSORT_UNLIKELY(status))
		return status;
	if (CONSORT_LIKELY(PQresultStatus(result) == PGRES_SINGLE_TUPLE)) {
		*out_result = result;
		return CONSORT_OK;
	}
	*out_result = NULL;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return pg_fail_statement(cursor, result, error);
	PQclear(result);
	cursor->done = true;
	return pg_end_stream(cursor, error);
}

static uint32_t next_rows(struct pg_cursor *cursor, struct consort_batch *batch, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;
	bool full = false;

	do {
		status = pg_next_row(cursor, &result, error);
		if (CONSORT_UNLIKELY(status || !result))
			return status;
		status = pg_append_row(&cursor->reader, result, 0, batch, error);
		PQclear(result);
		if (CONSORT_LIKELY(!status))
			full = consort_batch_end_row(batch);
	} while (!status && !full);
	return status;
}

/* The next row of a COPY; *out_row is NULL at the end. */
uint32_t pg_next_copied(struct pg_cursor *cursor, char **out_row, int *out_size, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	PGresult *result = NULL;
	uint32_t status = CONSORT_OK;
	int size;

	if (CONSORT_UNLIKELY(!cursor->started)) {
		status = pg_first_result(cursor, &result, error);
		PQclear(result);
	}
	while (!status) {
		size = PQgetCopyData(conn->pq, out_row, 1);
		if (CONSORT_LIKELY(size > 0)) {
			*out_size = size;
			return CONSORT_OK;
		}
		if (size == -2) /* no memory; what is left of the rows goes with the cursor */
			return pg_fail(conn, NULL, cursor->resource, error);
		if (size < 0)
			break;
		status = pg_wait(conn, false, error);
		if (!status && !PQconsumeInput(conn->pq))
			status = pg_fail_lost(conn, error);
	}
	*out_row = NULL;
	if (!status)
		status = pg_next_result(conn, &result, error);
	if (status)
		return status;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		return pg_fail_statement(cursor, result, error);
	PQclear(result);
	cursor->done = true;
	return pg_end_stream(cursor, error);
}

/* The fields of a row of COPY: behind the header, which comes with the first one, and their number; none at
 * the end of all. */
bool pg_copied_fields(char *row, int size, const char **out_fields, size_t *out_size)
{
	static const char signature[] = "PGCOPY\n\377\r\n";
	int start = size >= 19 && !memcmp(row, signature, sizeof(signature)) ? 19 : 0;

	if (size - start < 2 || pg_get16(row + start) == UINT16_MAX)
		return false;
	*out_fields = row + start + 2;
	*out_size = (size_t)(size - start - 2);
	return true;
}

static uint32_t next_copy(struct pg_cursor *cursor, struct consort_batch *batch, struct consort_error *error)
{
	const char *fields;
	uint32_t status;
	bool full = false;
	char *row = NULL;
	size_t size;
	int length = 0;

	do {
		status = pg_next_copied(cursor, &row, &length, error);
		if (CONSORT_UNLIKELY(status || !row))
			return status;
		if (CONSORT_LIKELY(pg_copied_fields(row, length, &fields, &size))) {
			status = pg_append_fields(&cursor->reader, fields, size, batch, error);
			if (CONSORT_LIKELY(!status))
				full = consort_batch_end_row(batch);
		}
		PQfreemem(row);
	} while (!status && !full);
	return status;
}

/* --- operations --- */

static uint32_t next_rows_of(struct pg_cursor *cursor, struct consort_batch *batch,
			     struct consort_error *error)
{
	switch (cursor->way) {
	case PG_WHOLE:
		return next_whole(cursor, batch, error);
	case PG_ROWS:
		return next_rows(cursor, batch, error);
	case PG_COPY:
		return next_copy(cursor, batch, error);
	case PG_PORTAL:
		return pg_next_from_portal(cursor, batch, error);
	default:
		return pg_next_from_aside(cursor, batch, error);
	}
}

uint32_t pg_cursor_next(void *context, const struct consort_call *call, struct consort_batch *batch,
			struct consort_error *error)
{
	struct pg_cursor *cursor = context;
	struct pg_connection *conn = cursor->conn;
	uint32_t status = CONSORT_OK;

	if (CONSORT_LIKELY(!cursor->done)) {
		status = pg_enter(conn, call, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		status = next_rows_of(cursor, batch, error);
		pg_leave(conn);
		cursor->delivered += batch->nrows;
	}
	if (CONSORT_UNLIKELY(!status && cursor->done && cursor->failure.status)) {
		*error = cursor->failure;
		return error->status;
	}
	if (cursor->done)
		batch->flags |= CONSORT_BATCH_LAST;
	return status;
}

void pg_cursor_close(void *context)
{
	struct pg_cursor *cursor = context;
	struct pg_connection *conn = cursor->conn;
	const struct pg_compiled *compiled = cursor->compiled;

	if (conn->stream == cursor)
		pg_drop_stream(conn);
	if (cursor->way == PG_PORTAL)
		pg_portal_close(cursor);
	if (compiled && cursor->way != PG_WHOLE && cursor->done && !cursor->failure.status)
		remember(conn->database, compiled->hash, cursor->delivered >= MANY);
	pg_clear_result(cursor);
	pg_aside_clear(&cursor->aside);
	consort_arena_clear(&cursor->own);
	*cursor->link = cursor->next;
	if (cursor->next)
		cursor->next->link = cursor->link;
	cursor->next = conn->spare;
	conn->spare = cursor;
}
