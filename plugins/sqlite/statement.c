/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared statements of a connection, by the id of what they were made from. One that is in use is not
 * shared: a second user of the same id prepares another, and both are kept. The oldest idle ones are dropped.
 */
#include "sqlite.h"

#include <limits.h>
#include <stdlib.h>

static struct lite_statement **slot_of(struct lite_connection *conn, uint64_t id)
{
	return &conn->slots[id & (LITE_CACHE_SLOTS - 1)];
}

static void free_statement(struct lite_statement *statement)
{
	sqlite3_finalize(statement->stmt);
	consort_json_reader_free(statement->json);
	consort_arena_clear(&statement->memory.arena);
	consort_buffer_clear(&statement->memory.text);
	consort_arena_clear(&statement->own);
	free(statement);
}

static void drop(struct lite_statement *statement)
{
	struct lite_connection *conn = statement->conn;
	struct lite_statement **link = slot_of(conn, statement->id);

	while (*link != statement)
		link = &(*link)->chain;
	*link = statement->chain;
	conn->ncached--;
	free_statement(statement);
}

static void drop_oldest(struct lite_connection *conn)
{
	struct lite_statement *oldest = NULL, *at;
	size_t i;

	for (i = 0; i < LITE_CACHE_SLOTS; i++)
		for (at = conn->slots[i]; at; at = at->chain)
			if (!at->busy && (!oldest || at->used < oldest->used))
				oldest = at;
	if (oldest)
		drop(oldest);
}

struct lite_statement *lite_statement_take(struct lite_connection *conn, uint64_t id)
{
	struct lite_statement *at;

	for (at = *slot_of(conn, id); at; at = at->chain) {
		if (at->id == id && !at->busy) {
			at->busy = true;
			return at;
		}
	}
	return NULL;
}

uint32_t lite_statement_adopt(struct lite_connection *conn, uint64_t id, sqlite3_stmt *stmt,
			      struct lite_statement **out_statement, struct consort_error *error)
{
	struct lite_statement *statement = calloc(1, sizeof(*statement)), **slot;

	if (!statement) {
		sqlite3_finalize(stmt);
		return consort_error_no_memory(error);
	}
	statement->conn = conn;
	statement->stmt = statement->rows = stmt;
	statement->id = id;
	statement->busy = true;
	consort_arena_init(&statement->memory.arena, 0);
	consort_arena_init(&statement->own, 0);
	if (id) {
		if (conn->ncached >= LITE_CACHE_MOST)
			drop_oldest(conn);
		slot = slot_of(conn, id);
		statement->chain = *slot;
		*slot = statement;
		conn->ncached++;
	}
	*out_statement = statement;
	return CONSORT_OK;
}

uint32_t lite_statement_prepare(struct lite_connection *conn, uint64_t id, const char *sql, size_t size,
				struct lite_statement **out_statement, struct consort_error *error)
{
	sqlite3_stmt *stmt = NULL;
	int code = size > INT_MAX ? SQLITE_TOOBIG
				  : sqlite3_prepare_v3(conn->db, sql, (int)size, SQLITE_PREPARE_PERSISTENT,
						       &stmt, NULL);

	if (code)
		return lite_fail(conn, code, NULL, error);
	return lite_statement_adopt(conn, id, stmt, out_statement, error);
}

void lite_statement_give(struct lite_statement *statement)
{
	sqlite3_reset(statement->stmt);
	lite_statement_release(statement);
}

void lite_statement_release(struct lite_statement *statement)
{
	if (!statement->id) {
		free_statement(statement);
		return;
	}
	statement->busy = false;
	statement->used = ++statement->conn->uses;
	if (CONSORT_UNLIKELY(statement->conn->ncached > LITE_CACHE_MOST))
		drop(statement);
}

void lite_statements_clear(struct lite_connection *conn)
{
	size_t i;

	for (i = 0; i < LITE_CACHE_SLOTS; i++)
		while (conn->slots[i])
			drop(conn->slots[i]);
}
