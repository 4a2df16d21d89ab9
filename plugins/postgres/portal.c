/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Larger results in a transaction: cursors of the server's, fetched from page by page, so that statements in
 * between do not disturb them, and closing one early does not end the transaction.
 */
#include "cursor.h"

#include <stdio.h>
#include <string.h>

#define PAGE_FIRST 64	     /* rows fetched from a portal at first, */
#define PAGE_MOST 4096	     /* and at most, */
#define PAGE_BYTES (1 << 20) /* if they have no more bytes than this */

enum { PORTAL_FREE, PORTAL_OPEN, PORTAL_DEAD };

bool pg_portal_is_free(const struct pg_connection *conn)
{
	return memchr(conn->portals, PORTAL_FREE, PG_PORTALS) ||
	       memchr(conn->portals, PORTAL_DEAD, PG_PORTALS);
}

/* One that was closed is used again first, so that what the server keeps is bounded. */
static uint8_t choose_portal(const struct pg_connection *conn)
{
	const uint8_t *found = memchr(conn->portals, PORTAL_DEAD, PG_PORTALS);

	if (!found)
		found = memchr(conn->portals, PORTAL_FREE, PG_PORTALS);
	return (uint8_t)(found - conn->portals);
}

static int send_text(struct pg_connection *conn, const char *sql)
{
	return PQsendQueryParams(conn->pq, sql, 0, NULL, NULL, NULL, NULL, 1);
}

uint32_t pg_portal_open(struct pg_cursor *cursor, const struct pg_source *source, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	uint8_t portal = choose_portal(conn);
	uint32_t status = pg_parameters_end(conn, source->nparameters, error);
	char text[64];
	int sent;

	if (status)
		return status;
	cursor->fetch = PAGE_FIRST;
	consort_buffer_reset(&conn->text);
	consort_buffer_printf(&conn->text, "DECLARE consort_%u NO SCROLL CURSOR FOR ", portal);
	consort_buffer_text(&conn->text, source->sql);
	if (conn->text.failed)
		return consort_error_no_memory(error);
	PQenterPipelineMode(conn->pq);
	conn->pipeline = true;
	snprintf(text, sizeof(text), "CLOSE consort_%u", portal);
	sent = conn->portals[portal] != PORTAL_DEAD || send_text(conn, text);
	sent = sent && PQsendQueryParams(conn->pq, conn->text.data, (int)source->nparameters, source->types,
					 conn->values, conn->lengths, conn->formats, 1);
	snprintf(text, sizeof(text), "FETCH %d FROM consort_%u", cursor->fetch, portal);
	if (!sent || !send_text(conn, text) || !PQpipelineSync(conn->pq))
		return pg_fail_lost(conn, error);
	cursor->portal = portal;
	conn->portals[portal] = PORTAL_OPEN;
	return CONSORT_OK;
}

/* How many rows to fetch next: about a megabyte, by a few rows of the page before. */
static void adjust_page(struct pg_cursor *cursor)
{
	int count = PQntuples(cursor->result), step = 1 + count / 16, samples = 0, i;
	uint64_t bytes = 0;
	uint32_t column;

	for (i = 0; i < count; i += step, samples++)
		for (column = 0; column < cursor->reader.ncolumns; column++)
			bytes += (uint64_t)PQgetlength(cursor->result, i, (int)column);
	bytes = samples ? bytes / (uint64_t)samples + 1 : 1;
	cursor->fetch = bytes > PAGE_BYTES		 ? 1
			: bytes < PAGE_BYTES / PAGE_MOST ? PAGE_MOST
							 : (int)(PAGE_BYTES / bytes);
}

/* Takes the page that the pipeline of pg_portal_open, or a FETCH, delivers. */
uint32_t pg_read_page(struct pg_cursor *cursor, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	PGresult *result = NULL, *last = NULL;
	uint32_t status = pg_flush(conn, error);

	/* the last result with rows is the page; before it come the answers to CLOSE and DECLARE */
	while (!status) {
		ExecStatusType kind;

		status = pg_next_result(conn, &result, error);
		if (status)
			break;
		if (!result && (!conn->pipeline || last))
			break;
		if (!result) /* the end of CLOSE or DECLARE */
			continue;
		kind = PQresultStatus(result);
		if (kind == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			return pg_fail_protocol(conn, "a FETCH has no result", error);
		}
		if (kind == PGRES_FATAL_ERROR) {
			PQclear(last);
			conn->portals[cursor->portal] = PORTAL_FREE;
			return pg_fail_statement(cursor, result, error);
		}
		if (kind == PGRES_TUPLES_OK)
			last = result;
		else
			PQclear(result);
	}
	if (!status)
		status = pg_end_stream(cursor, error);
	if (!status)
		status = pg_check_columns(cursor, last, error);
	if (status) {
		PQclear(last);
		return status;
	}
	pg_clear_result(cursor);
	cursor->result = last;
	cursor->started = true;
	return CONSORT_OK;
}

static uint32_t fetch_page(struct pg_cursor *cursor, struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	uint32_t status = CONSORT_OK;
	char text[64];

	if (conn->stream != cursor) {
		status = pg_claim(conn, error);
		if (status)
			return status;
		adjust_page(cursor);
		snprintf(text, sizeof(text), "FETCH %d FROM consort_%u", cursor->fetch, cursor->portal);
		if (!send_text(conn, text))
			return pg_fail_lost(conn, error);
		conn->stream = cursor;
	}
	return pg_read_page(cursor, error);
}

uint32_t pg_next_from_portal(struct pg_cursor *cursor, struct consort_batch *batch,
			     struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	bool full = false;

	if (!cursor->result)
		status = fetch_page(cursor, error);
	while (!status && !full) {
		status = pg_take_rows(cursor, batch, &full, error);
		if (status || cursor->row < PQntuples(cursor->result))
			break;
		if (PQntuples(cursor->result) < cursor->fetch) {
			cursor->done = true;
			break;
		}
		if (!full)
			status = fetch_page(cursor, error);
		else
			break;
	}
	return status;
}

/* The name is free for the next one, which closes this one before: a closing of its own would cost a round
 * trip. */
void pg_portal_close(struct pg_cursor *cursor)
{
	struct pg_connection *conn = cursor->conn;

	if (conn->portals[cursor->portal] == PORTAL_OPEN && !cursor->failure.status)
		conn->portals[cursor->portal] = PORTAL_DEAD;
}

void pg_portals_lost(struct pg_connection *conn, const char *why)
{
	struct pg_cursor *cursor;

	memset(conn->portals, PORTAL_FREE, sizeof(conn->portals));
	for (cursor = conn->cursors; cursor; cursor = cursor->next) {
		if (cursor->way != PG_PORTAL || cursor->done)
			continue;
		pg_cursor_lost(cursor, why);
	}
}
