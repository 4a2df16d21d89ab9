/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a command: batches of documents, the first in the command's own answer, others by getMore. A set of
 * keys may take several commands, one after the other. What a cursor leaves open on the server is ended by
 * the connection's next command, since close must not wait.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((int64_t)512 << 10) /* that a batch should have */
#define BATCH_LEAST 16
#define BATCH_MOST 100000

struct mongo_cursor *mongo_cursor_new(struct mongo_connection *conn)
{
	struct mongo_cursor *cursor = mongo_alloc(sizeof(*cursor));

	if (!cursor)
		return NULL;
	cursor->conn = conn;
	consort_arena_init(&cursor->own, 0);
	cursor->next = conn->cursors;
	cursor->link = &conn->cursors;
	if (cursor->next)
		cursor->next->link = &cursor->next;
	conn->cursors = cursor;
	return cursor;
}

/* --- cursors of the server that nobody reads --- */

static void leave(struct mongo_cursor *cursor)
{
	struct mongo_connection *conn = cursor->conn;
	struct mongo_stale *stale;

	if (!cursor->id || cursor->lost.status || conn->unsettled)
		return;
	if (conn->nstale < sizeof(conn->stale) / sizeof(*conn->stale)) {
		stale = &conn->stale[conn->nstale++];
		*stale = (struct mongo_stale){cursor->id, cursor->server, cursor->aside, cursor->collection};
		cursor->collection = NULL;
	}
	cursor->id = 0;
}

/* Ends them; whether that works is nobody's concern. */
static void sweep(struct mongo_connection *conn)
{
	struct consort_error ignored = CONSORT_ERROR_INIT;

	while (conn->nstale) {
		struct mongo_stale *stale = &conn->stale[--conn->nstale];
		bson_t command = BSON_INITIALIZER, list, reply;

		BSON_APPEND_UTF8(&command, "killCursors", stale->collection);
		BSON_APPEND_ARRAY_BEGIN(&command, "cursors", &list);
		BSON_APPEND_INT64(&list, "0", stale->id);
		bson_append_array_end(&command, &list);
		mongo_run(conn, stale->aside ? MONGO_ASIDE : MONGO_PLAIN, &command, stale->server, NULL,
			  &reply, &ignored);
		bson_destroy(&reply);
		bson_destroy(&command);
		free(stale->collection);
	}
}

void mongo_cursors_lose(struct mongo_connection *conn, const char *why)
{
	struct mongo_cursor *cursor;

	for (cursor = conn->cursors; cursor; cursor = cursor->next) {
		if (cursor->lost.status || !cursor->id)
			continue;
		consort_error_set(&cursor->lost, CONSORT_ECONNECTION, "the open result was lost: %s", why);
		cursor->id = 0;
	}
	while (conn->nstale)
		free(conn->stale[--conn->nstale].collection);
}

void mongo_cursors_end(struct mongo_connection *conn)
{
	struct mongo_cursor *cursor;

	for (cursor = conn->cursors; cursor; cursor = cursor->next)
		leave(cursor);
	if (!conn->unsettled)
		sweep(conn);
	mongo_cursors_lose(conn, "its connection was reset");
}

/* --- batches --- */

static void drop_reply(struct mongo_cursor *cursor)
{
	if (cursor->replied)
		bson_destroy(&cursor->reply);
	cursor->replied = false;
}

/* Takes the cursor of a reply, whose rows are in `batch`. */
static uint32_t take_reply(struct mongo_cursor *cursor, const char *batch, struct consort_error *error)
{
	bson_iter_t at, inside, name = {0};
	bool found = false;

	if (!bson_iter_init_find(&at, &cursor->reply, "cursor") || !bson_iter_recurse(&at, &inside))
		return consort_error_set(error, CONSORT_EPROTOCOL, "the server's answer has no cursor");
	while (bson_iter_next(&inside)) {
		const char *key = bson_iter_key(&inside);

		if (!strcmp(key, "id"))
			cursor->id = bson_iter_as_int64(&inside);
		else if (!strcmp(key, "ns"))
			name = inside;
		else if (!strcmp(key, batch))
			found = bson_iter_recurse(&inside, &cursor->rows);
	}
	if (!found)
		return consort_error_set(error, CONSORT_EPROTOCOL, "the server's answer has no rows");
	cursor->size += cursor->reply.len;
	if (cursor->id && !cursor->collection && BSON_ITER_HOLDS_UTF8(&name)) {
		const char *dot = strchr(bson_iter_utf8(&name, NULL), '.');

		cursor->collection = strdup(dot ? dot + 1 : "");
		if (!cursor->collection)
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

/* Who is asked, where that is not the primary in any case: others must be asked for the rest, too. */
static uint32_t choose_server(struct mongo_cursor *cursor)
{
	struct mongo_connection *conn = cursor->conn;
	const mongoc_read_prefs_t *prefs = mongoc_uri_get_read_prefs_t(conn->database->uri);
	mongoc_server_description_t *server;

	if (conn->transaction != MONGO_TX_NONE ||
	    (!conn->sharded && mongoc_read_prefs_get_mode(prefs) == MONGOC_READ_PRIMARY))
		return 0;
	server = mongoc_client_select_server(conn->client, false, prefs, NULL);
	if (!server)
		return 0;
	cursor->server = mongoc_server_description_id(server);
	mongoc_server_description_destroy(server);
	return cursor->server;
}

uint32_t mongo_cursor_run(struct mongo_cursor *cursor, enum mongo_kind kind, const bson_t *command,
			  const struct consort_resource *resource, struct consort_error *error)
{
	struct mongo_connection *conn = cursor->conn;
	uint32_t status;

	if (CONSORT_UNLIKELY(conn->nstale))
		sweep(conn);
	drop_reply(cursor);
	cursor->aside = kind == MONGO_ASIDE;
	status = mongo_run(conn, kind, command, choose_server(cursor), resource, &cursor->reply, error);
	cursor->replied = true;
	return status ? status : take_reply(cursor, "firstBatch", error);
}

uint32_t mongo_cursor_take(struct mongo_cursor *cursor, struct consort_error *error)
{
	return take_reply(cursor, "firstBatch", error);
}

/* As many as make a batch of the size that is wanted, by those that came so far. */
static int64_t next_size(const struct mongo_cursor *cursor)
{
	int64_t count = cursor->count ? BATCH_BYTES / (cursor->size / cursor->count + 1) : BATCH_LEAST;

	return count < BATCH_LEAST ? BATCH_LEAST : count > BATCH_MOST ? BATCH_MOST : count;
}

/* milliseconds: that a change stream is waited for, else 0 */
static uint32_t get_more(struct mongo_cursor *cursor, int64_t milliseconds, struct consort_error *error)
{
	const struct mongo_compiled *compiled = cursor->compiled;
	bson_t command = BSON_INITIALIZER;
	uint32_t status;

	BSON_APPEND_INT64(&command, "getMore", cursor->id);
	BSON_APPEND_UTF8(&command, "collection", cursor->collection);
	BSON_APPEND_INT64(&command, "batchSize", next_size(cursor));
	if (milliseconds)
		BSON_APPEND_INT64(&command, "maxTimeMS", milliseconds);
	drop_reply(cursor);
	status = mongo_run(cursor->conn, cursor->aside ? MONGO_ASIDE : MONGO_PLAIN, &command, cursor->server,
			   compiled ? compiled->resource : NULL, &cursor->reply, error);
	cursor->replied = true;
	if (!status)
		status = take_reply(cursor, "nextBatch", error);
	bson_destroy(&command);
	return status;
}

/* More rows, if there are; *out_more false: there are none. */
static uint32_t next_batch(struct mongo_cursor *cursor, bool *out_more, struct consort_error *error)
{
	*out_more = true;
	if (CONSORT_UNLIKELY(cursor->lost.status)) {
		*error = cursor->lost;
		return error->status;
	}
	if (cursor->id)
		return get_more(cursor, 0, error);
	if (cursor->command < cursor->ncommands)
		return mongo_cursor_run(cursor, MONGO_READ, cursor->commands[cursor->command++],
					cursor->compiled->resource, error);
	*out_more = false;
	return CONSORT_OK;
}

uint32_t mongo_cursor_await(struct mongo_cursor *cursor, int64_t milliseconds, struct consort_error *error)
{
	if (cursor->lost.status) {
		*error = cursor->lost;
		return error->status;
	}
	if (!cursor->id)
		return consort_error_set(error, CONSORT_ENAME, "the server has ended this feed");
	return get_more(cursor, milliseconds, error);
}

/* A record of nothing: counts are 0, all else NULL. */
static uint32_t read_nothing(struct mongo_cursor *cursor, struct consort_batch *batch,
			     struct consort_error *error)
{
	static const uint8_t nothing[] = {5, 0, 0, 0, 0};
	uint32_t status = mongo_read_row(&cursor->reader, nothing, sizeof(nothing), batch, error);

	if (!status)
		consort_batch_end_row(batch);
	return status;
}

static inline uint32_t next_document(struct mongo_cursor *cursor, const uint8_t **out_data,
				     uint32_t *out_size, struct consort_error *error)
{
	bool more = true;
	uint32_t status;

	while (CONSORT_UNLIKELY(!bson_iter_next(&cursor->rows))) {
		status = next_batch(cursor, &more, error);
		*out_data = NULL;
		if (status || !more)
			return status;
	}
	if (CONSORT_UNLIKELY(!BSON_ITER_HOLDS_DOCUMENT(&cursor->rows)))
		return consort_error_set(error, CONSORT_EPROTOCOL, "the server sent a row that is none");
	bson_iter_document(&cursor->rows, out_size, out_data);
	return CONSORT_OK;
}

uint32_t mongo_cursor_document(struct mongo_cursor *cursor, const uint8_t **out_data, uint32_t *out_size,
			       struct consort_error *error)
{
	return next_document(cursor, out_data, out_size, error);
}

static uint32_t read_rows(struct mongo_cursor *cursor, struct consort_batch *batch,
			  struct consort_error *error)
{
	const uint8_t *data;
	uint32_t status, size;

	for (;;) {
		status = next_document(cursor, &data, &size, error);
		if (CONSORT_UNLIKELY(status || !data))
			break;
		status = mongo_read_row(&cursor->reader, data, size, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		cursor->count++;
		if (consort_batch_end_row(batch))
			return CONSORT_OK;
	}
	cursor->done = !status;
	if (cursor->done && cursor->compiled && cursor->compiled->lone && !cursor->count)
		return read_nothing(cursor, batch, error);
	return status;
}

uint32_t mongo_cursor_next(void *context, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct mongo_cursor *cursor = context;
	struct mongo_connection *conn = cursor->conn;
	uint32_t status = CONSORT_OK;

	if (CONSORT_LIKELY(!cursor->done)) {
		status = mongo_enter(conn, call, error);
		if (status)
			return status;
		status = read_rows(cursor, batch, error);
		mongo_leave(conn);
	}
	if (cursor->done)
		batch->flags |= CONSORT_BATCH_LAST;
	return status;
}

void mongo_cursor_close(void *context)
{
	struct mongo_cursor *cursor = context;
	uint32_t i;

	leave(cursor);
	*cursor->link = cursor->next;
	if (cursor->next)
		cursor->next->link = cursor->link;
	drop_reply(cursor);
	for (i = 0; i < cursor->ncommands; i++)
		bson_destroy(cursor->commands[i]);
	free(cursor->commands);
	free(cursor->collection);
	mongo_reader_clear(&cursor->reader);
	consort_arena_clear(&cursor->own);
	free(cursor);
}
