/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors. Keys come from a scan or from what the statement looks up; their records are fetched in one run of
 * commands for many of them, which also asks for the next keys. A key whose record is gone by then gives
 * none.
 */
#include "index.h"
#include "query.h"
#include "tx.h"

#include <stdlib.h>

#define REPLIES_MOST ((uint64_t)1 << 20) /* bytes of records that are fetched at a time, about */

struct cursor {
	struct redis_cursor base;
	struct redis_connection *conn;
	const struct redis_compiled *compiled;
	struct redis_scan scan;
	/* keys whose records are still to be fetched, in turns in one of the two arenas */
	struct consort_arena arenas[2];
	struct consort_view *keys;
	uint32_t arena, nkeys, next, room;
	/* those that were, from keys[first] on */
	struct redis_pipe pipe;
	uint32_t first, count, at, stride, chunk;
	uint8_t *there;		   /* [count] in the pipe's arena */
	bool scans, repeats, done; /* repeats: the constants may be those of one key twice */
};

/* --- keys --- */

static uint32_t add_key(struct cursor *cursor, const char *key, size_t size, struct consort_error *error)
{
	struct consort_arena *arena = &cursor->arenas[cursor->arena];
	const char *copy = consort_arena_copy(arena, key, size);
	struct consort_view *keys = cursor->keys;

	if (cursor->nkeys == cursor->room) {
		uint32_t room = cursor->room ? 2 * cursor->room : 64;

		keys = consort_arena_array(arena, room, sizeof(*keys));
		if (keys && cursor->nkeys)
			memcpy(keys, cursor->keys, cursor->nkeys * sizeof(*keys));
		cursor->room = room;
	}
	if (!copy || !keys)
		return consort_error_no_memory(error);
	cursor->keys = keys;
	keys[cursor->nkeys++] = (struct consort_view){copy, size};
	return CONSORT_OK;
}

static uint32_t check_texts(const struct cursor *cursor, const struct redis_reply *array,
			    struct consort_error *error)
{
	uint64_t i;

	for (i = 0; i < array->size; i++)
		if (!redis_is_text(&array->as.items[i]))
			return redis_fail_protocol(cursor->conn,
						   "among keys there is something that is no text", error);
	return CONSORT_OK;
}

/* A key that was found, if it is of a record of the resource, and was not met before. */
static uint32_t take_key(struct cursor *cursor, const char *key, uint64_t size, struct consort_error *error)
{
	struct redis_connection *conn = cursor->conn;
	const struct redis_layout *layout = cursor->compiled->layout;
	struct consort_value *values;
	uint32_t status;
	bool ours = false;

	consort_arena_reset(&conn->scratch);
	values = consort_arena_array(&conn->scratch, layout->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	status = redis_key_parse(layout, key, size, &conn->scratch, &conn->text, values, &ours, error);
	if (!status && ours)
		status = redis_seen_add(&cursor->scan.seen, key, (size_t)size, &ours, error);
	return status || !ours ? status : add_key(cursor, key, (size_t)size, error);
}

static uint32_t take_page(struct cursor *cursor, const struct redis_reply *reply, struct consort_error *error)
{
	const struct redis_reply *page = NULL;
	uint32_t status = redis_scan_take(cursor->conn, &cursor->scan, reply, &page, error);
	uint64_t i;

	if (!status)
		status = check_texts(cursor, page, error);
	if (status)
		return status;
	cursor->arena ^= 1;
	consort_arena_reset(&cursor->arenas[cursor->arena]);
	cursor->keys = NULL;
	cursor->nkeys = cursor->next = cursor->room = 0;
	for (i = 0; !status && i < page->size; i++)
		status = take_key(cursor, page->as.items[i].as.text, page->as.items[i].size, error);
	return status;
}

static uint32_t take_entries(struct cursor *cursor, const struct redis_reply *entries,
			     struct consort_error *error)
{
	uint32_t status = check_texts(cursor, entries, error);
	uint64_t i, size;

	for (i = 0; !status && i < entries->size; i++) {
		const struct redis_reply *entry = &entries->as.items[i];
		const char *key = redis_index_key(entry->as.text, entry->size, &size);

		if (key)
			status = take_key(cursor, key, size, error);
	}
	return status;
}

static uint32_t add_lookup(struct cursor *cursor, const struct consort_value *values,
			   struct consort_error *error)
{
	struct consort_buffer *text = &cursor->conn->text;
	uint32_t status;
	bool fresh = true;

	consort_buffer_reset(text);
	status = redis_key_make(cursor->compiled->layout, values, text, error);
	if (!status && cursor->repeats)
		status = redis_seen_add(&cursor->scan.seen, text->data, text->size, &fresh, error);
	return status || !fresh ? status : add_key(cursor, text->data, text->size, error);
}

/* All combinations of the constants that are not NULL. */
static uint32_t add_choices(struct cursor *cursor, const struct consort_run *run,
			    struct consort_value *values, uint32_t part, struct consort_error *error)
{
	const struct redis_choice *choice;
	uint32_t i, status = CONSORT_OK;

	if (part == cursor->compiled->layout->nkeys)
		return add_lookup(cursor, values, error);
	choice = &cursor->compiled->choices[part];
	for (i = 0; !status && i < choice->count; i++) {
		const struct consort_expr *constant = choice->constants[i];

		if (constant->kind == CONSORT_EXPR_PARAMETER && constant->index >= run->nparameters)
			return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
						 constant->index + 1);
		values[part] = *consort_run_value(run, constant);
		if (!consort_value_is_null(&values[part]))
			status = add_choices(cursor, run, values, part + 1, error);
	}
	return status;
}

static uint32_t add_key_set(struct cursor *cursor, const struct consort_batch *keys,
			    struct consort_value *values, struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	uint32_t i, status = CONSORT_OK;
	int64_t row;

	if (!keys || keys->ncolumns != compiled->layout->nkeys)
		return consort_error_set(error, CONSORT_EINVAL, "the key set is missing or of another width");
	for (row = 0; !status && row < keys->nrows; row++) {
		for (i = 0; i < compiled->layout->nkeys; i++)
			values[i] = consort_column_value(&keys->columns[compiled->from[i]], row);
		status = add_lookup(cursor, values, error);
	}
	return status;
}

static uint32_t start(struct cursor *cursor, const struct consort_run *run, struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	struct redis_connection *conn = cursor->conn;
	const struct redis_reply *entries = NULL;
	struct consort_value *values;
	uint32_t status = CONSORT_OK, i;

	if (compiled->conditions)
		status = redis_seek(conn, compiled, run, &entries, error);
	if (status)
		return status;
	cursor->scans = !entries && (compiled->access == REDIS_ACCESS_SCAN || compiled->conditions);
	cursor->stride = (!cursor->scans || compiled->nfields ? 1u : 0u) + (compiled->expires >= 0 ? 1u : 0u);
	cursor->chunk = (uint32_t)conn->database->page;
	if (cursor->scans)
		return redis_scan_begin(conn, compiled->layout, &cursor->scan, error);
	if (entries)
		return take_entries(cursor, entries, error);
	consort_arena_reset(&conn->scratch);
	values = consort_arena_array(&conn->scratch, compiled->layout->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	if (compiled->access != REDIS_ACCESS_KEYS)
		return add_key_set(cursor, run->keys, values, error);
	for (i = 0; i < compiled->layout->nkeys; i++)
		cursor->repeats |= compiled->choices[i].count > 1;
	return add_choices(cursor, run, values, 0, error);
}

/* --- fetching --- */

static void ask_for(struct cursor *cursor, const struct consort_view *key)
{
	const struct redis_compiled *compiled = cursor->compiled;
	struct redis_connection *conn = cursor->conn;
	int32_t slot = redis_slot(conn, key->data, (size_t)key->size);
	bool json = compiled->layout->record == REDIS_JSON;

	if (compiled->nfields && !json) {
		redis_add(conn, slot, 2 + compiled->nfields);
		redis_arg_text(conn, "HMGET");
		redis_arg(conn, key->data, (size_t)key->size);
		redis_arg_bytes(conn, compiled->words.data, compiled->words.size);
	} else if (compiled->nfields || !cursor->scans) {
		redis_add(conn, slot, 2);
		redis_arg_text(conn, !json ? "HLEN" : compiled->nfields ? "GET" : "STRLEN");
		redis_arg(conn, key->data, (size_t)key->size);
	}
	if (compiled->expires < 0)
		return;
	redis_add(conn, slot, 2);
	redis_arg_text(conn, "PEXPIRETIME");
	redis_arg(conn, key->data, (size_t)key->size);
}

enum { ABSENT, THERE, UNSURE };

/* What HMGET answered: as many texts as it was asked for, or NULLs. */
static uint32_t judge_fields(const struct cursor *cursor, const struct redis_reply *reply, uint8_t *out_there,
			     struct consort_error *error)
{
	uint64_t i;

	if (reply->kind != REDIS_REPLY_ARRAY || reply->size != cursor->compiled->nfields)
		return redis_fail_protocol(cursor->conn, "HMGET has another number of values", error);
	*out_there = UNSURE;
	for (i = 0; i < reply->size; i++) {
		const struct redis_reply *field = &reply->as.items[i];

		if (redis_is_text(field))
			*out_there = THERE;
		else if (field->kind != REDIS_REPLY_NIL)
			return redis_fail_protocol(cursor->conn, "HMGET has values that are no texts", error);
	}
	return CONSORT_OK;
}

/* Is there a record, by what its key answered? None of the fields that were asked for does not say. */
static uint32_t judge(const struct cursor *cursor, uint32_t i, uint8_t *out_there,
		      struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	const struct redis_reply *reply;

	*out_there = THERE;
	if (!cursor->stride)
		return CONSORT_OK;
	reply = &cursor->pipe.commands[i * cursor->stride].reply;
	if (CONSORT_UNLIKELY(reply->kind == REDIS_REPLY_ERROR)) {
		if (!redis_is_error(reply, "WRONGTYPE"))
			return redis_fail(cursor->conn, reply, compiled->layout->resource, error);
		*out_there = ABSENT; /* some other thing has such a key */
		return CONSORT_OK;
	}
	if (compiled->nfields && compiled->layout->record == REDIS_HASH)
		return judge_fields(cursor, reply, out_there, error);
	if (compiled->nfields && reply->kind == REDIS_REPLY_NIL)
		*out_there = ABSENT;
	else if (compiled->nfields ? !redis_is_text(reply) : reply->kind != REDIS_REPLY_INTEGER)
		return redis_fail_protocol(cursor->conn, "what a key has is told in another way", error);
	else if (!compiled->nfields) /* HLEN, STRLEN, PEXPIRETIME */
		*out_there = reply->as.integer == 0 || reply->as.integer == -2 ? ABSENT : THERE;
	return CONSORT_OK;
}

/* Asks for those of which nothing was found whether they are there. */
static uint32_t make_sure(struct cursor *cursor, struct consort_error *error)
{
	struct redis_connection *conn = cursor->conn;
	uint32_t status, i, n = 0;

	redis_begin(conn);
	for (i = 0; i < cursor->count; i++) {
		const struct consort_view *key = &cursor->keys[cursor->first + i];

		if (cursor->there[i] != UNSURE)
			continue;
		redis_add(conn, redis_slot(conn, key->data, (size_t)key->size), 2);
		redis_arg_text(conn, "HLEN");
		redis_arg(conn, key->data, (size_t)key->size);
	}
	status = redis_run(conn, error);
	for (i = 0; !status && i < cursor->count; i++) {
		const struct redis_reply *reply;

		if (cursor->there[i] != UNSURE)
			continue;
		reply = redis_reply(conn, n++);
		if (reply->kind == REDIS_REPLY_ERROR && !redis_is_error(reply, "WRONGTYPE"))
			status = redis_fail(conn, reply, cursor->compiled->layout->resource, error);
		cursor->there[i] =
			reply->kind == REDIS_REPLY_INTEGER && reply->as.integer > 0 ? THERE : ABSENT;
	}
	return status;
}

/* An index has entries of records that have ended, or that others have removed. That they cannot be removed
 * is no failure of the one who reads. */
static uint32_t forget_absent(struct cursor *cursor, struct consort_error *error)
{
	struct redis_connection *conn = cursor->conn;
	struct consort_view *gone;
	uint32_t i, count = 0, status;

	if (conn->replica || conn->tx)
		return CONSORT_OK;
	gone = consort_arena_array(&cursor->pipe.replies, cursor->count, sizeof(*gone));
	if (!gone)
		return consort_error_no_memory(error);
	for (i = 0; i < cursor->count; i++)
		if (cursor->there[i] == ABSENT)
			gone[count++] = cursor->keys[cursor->first + i];
	status = count ? redis_forget(conn, cursor->compiled->layout, gone, count, error) : CONSORT_OK;
	return status == CONSORT_EPERMISSION ? CONSORT_OK : status;
}

static uint32_t judge_all(struct cursor *cursor, struct consort_error *error)
{
	uint32_t i, status = CONSORT_OK;
	bool unsure = false;

	cursor->there = consort_arena_array(&cursor->pipe.replies, cursor->count, 1);
	if (!cursor->there)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < cursor->count; i++) {
		status = judge(cursor, i, &cursor->there[i], error);
		unsure |= cursor->there[i] == UNSURE;
	}
	if (!status && unsure)
		status = make_sure(cursor, error);
	return !status && cursor->compiled->conditions && !cursor->scans ? forget_absent(cursor, error)
									 : status;
}

/* Fewer records at a time where they are large. */
static void adapt(struct cursor *cursor)
{
	uint64_t bytes = cursor->pipe.replies.used;
	uint32_t most = (uint32_t)cursor->conn->database->page;

	if (bytes > REPLIES_MOST)
		cursor->chunk = (uint32_t)(cursor->chunk * REPLIES_MOST / bytes);
	else if (cursor->chunk < most)
		cursor->chunk *= 2;
	cursor->chunk = cursor->chunk < 1 ? 1 : cursor->chunk > most ? most : cursor->chunk;
}

/* The next records, of keys that are known, and more keys behind the last of those. */
static uint32_t fetch(struct cursor *cursor, struct consort_error *error)
{
	struct redis_connection *conn = cursor->conn;
	uint32_t count = cursor->nkeys - cursor->next, i, status;
	struct redis_pipe pipe;
	bool more;

	if (count > cursor->chunk)
		count = cursor->chunk;
	status = conn->tx ? redis_tx_watch(conn, &cursor->keys[cursor->next], count, REDIS_ASK_NOTHING, error)
			  : CONSORT_OK;
	if (status)
		return status;
	redis_begin(conn);
	for (i = 0; i < count; i++)
		ask_for(cursor, &cursor->keys[cursor->next + i]);
	more = cursor->scans && cursor->next + count == cursor->nkeys && !redis_scan_is_over(&cursor->scan);
	if (more)
		redis_scan_ask(conn, cursor->compiled->layout, &cursor->scan);
	status = redis_run(conn, error);
	if (status)
		return status;
	pipe = conn->pipe;
	conn->pipe = cursor->pipe;
	cursor->pipe = pipe;
	cursor->first = cursor->next;
	cursor->count = count;
	cursor->at = 0;
	cursor->next += count;
	status = judge_all(cursor, error);
	adapt(cursor);
	return status;
}

/* Takes the keys that came with the records which have all been delivered. */
static uint32_t refill(struct cursor *cursor, struct consort_error *error)
{
	uint32_t behind = cursor->count * cursor->stride, status = CONSORT_OK;

	cursor->count = cursor->at = 0;
	if (behind < cursor->pipe.count)
		status = take_page(cursor, &cursor->pipe.commands[behind].reply, error);
	cursor->pipe.count = 0;
	if (!status && cursor->scans && cursor->next == cursor->nkeys && redis_scan_is_over(&cursor->scan)) {
		status = redis_scan_close_pass(cursor->conn, &cursor->scan, error);
		cursor->done = !status && redis_scan_is_over(&cursor->scan);
	} else if (!cursor->scans) {
		cursor->done = cursor->next == cursor->nkeys;
	}
	return status;
}

/* --- rows --- */

static uint32_t append_parts(struct cursor *cursor, const struct consort_view *key,
			     struct consort_batch *batch, struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	const struct redis_layout *layout = compiled->layout;
	struct consort_arena *scratch = &cursor->conn->scratch;
	struct consort_value *values;
	uint32_t status, i;
	bool ours;

	if (layout->nkeys == 1 && compiled->nparts == 1)
		return redis_decode_into(layout, layout->keys[0], key->data + layout->head_size,
					 key->size - layout->head_size - layout->tail_size, scratch, batch,
					 &batch->columns[compiled->parts[0]], error);
	values = consort_arena_array(scratch, layout->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	status = redis_key_parse(layout, key->data, key->size, scratch, NULL, values, &ours, error);
	for (i = 0; !status && i < compiled->nparts; i++) {
		uint32_t column = compiled->parts[i];
		int32_t part = layout->attributes[compiled->attributes[column]].part;

		if (consort_append_value(batch, &batch->columns[column], &values[part]))
			status = consort_error_no_memory(error);
	}
	return status;
}

static uint32_t append_fields(struct cursor *cursor, const struct redis_reply *reply,
			      struct consort_batch *batch, struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	uint32_t i, status = CONSORT_OK;

	if (compiled->layout->record == REDIS_JSON)
		return redis_document_read(
			cursor->conn, compiled->layout, (struct consort_view){reply->as.text, reply->size},
			compiled->fields, compiled->columns, compiled->nfields, batch, error);
	for (i = 0; !status && i < compiled->nfields; i++) {
		const struct redis_reply *field = &reply->as.items[i];
		struct consort_column *column = &batch->columns[compiled->columns[i]];

		if (redis_is_text(field))
			status = redis_decode_into(compiled->layout, compiled->fields[i], field->as.text,
						   field->size, &cursor->conn->scratch, batch, column, error);
		else
			consort_append_null(column);
	}
	return status;
}

static uint32_t append_expires(struct cursor *cursor, const struct redis_reply *reply,
			       struct consort_batch *batch, struct consort_error *error)
{
	struct consort_column *column = &batch->columns[cursor->compiled->expires];

	if (reply->kind == REDIS_REPLY_ERROR)
		return redis_fail(cursor->conn, reply, cursor->compiled->layout->resource, error);
	if (reply->kind != REDIS_REPLY_INTEGER || reply->as.integer < 0)
		consort_append_null(column);
	else
		consort_append_int64(column, reply->as.integer * 1000);
	return CONSORT_OK;
}

static uint32_t append_row(struct cursor *cursor, struct consort_batch *batch, struct consort_error *error)
{
	const struct redis_compiled *compiled = cursor->compiled;
	const struct redis_command *commands =
		cursor->stride ? &cursor->pipe.commands[cursor->at * cursor->stride] : NULL;
	uint32_t status = CONSORT_OK;

	consort_arena_reset(&cursor->conn->scratch);
	if (compiled->nparts)
		status = append_parts(cursor, &cursor->keys[cursor->first + cursor->at], batch, error);
	if (!status && compiled->nfields)
		status = append_fields(cursor, &commands[0].reply, batch, error);
	if (!status && compiled->expires >= 0)
		status = append_expires(cursor, &commands[cursor->stride - 1].reply, batch, error);
	return status;
}

static uint32_t cursor_next(struct redis_cursor *base, const struct consort_call *call,
			    struct consort_batch *batch, struct consort_error *error)
{
	struct cursor *cursor = (struct cursor *)base;
	uint32_t status = redis_enter(cursor->conn, call, error);
	bool full = false;

	while (!status && !full && !cursor->done) {
		for (; !status && !full && cursor->at < cursor->count; cursor->at++) {
			if (cursor->there[cursor->at] != THERE)
				continue;
			status = append_row(cursor, batch, error);
			full = !status && consort_batch_end_row(batch);
		}
		if (status || (full && cursor->at < cursor->count))
			break;
		status = refill(cursor, error);
		if (!status && !full && !cursor->done)
			status = fetch(cursor, error);
	}
	if (!status && cursor->done)
		batch->flags |= CONSORT_BATCH_LAST;
	redis_leave(cursor->conn);
	return status;
}

/* --- open and close --- */

static void cursor_close(struct redis_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;
	struct redis_connection *conn = cursor->conn;

	/* the next call needs the room that this one has made, if the connection has none of its own */
	if (!conn->pipe.room && !conn->unsettled) {
		struct redis_pipe pipe = conn->pipe;

		conn->pipe = cursor->pipe;
		cursor->pipe = pipe;
	}
	redis_pipe_free(&cursor->pipe);
	redis_scan_end(&cursor->scan);
	consort_arena_clear(&cursor->arenas[0]);
	consort_arena_clear(&cursor->arenas[1]);
	free(cursor);
}

uint32_t redis_cursor_open(struct redis_connection *conn, const struct redis_compiled *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct cursor *cursor = calloc(1, sizeof(*cursor));
	uint32_t status;

	if (!cursor)
		return consort_error_no_memory(error);
	consort_arena_init(&cursor->arenas[0], 0);
	consort_arena_init(&cursor->arenas[1], 0);
	consort_arena_init(&cursor->pipe.replies, 0);
	cursor->base.next = cursor_next;
	cursor->base.close = cursor_close;
	cursor->conn = conn;
	cursor->compiled = compiled;
	status = start(cursor, run, error);
	/* here, so that the core can begin again if the connection was lost in its pool */
	if (!status)
		status = fetch(cursor, error);
	if (status) {
		cursor_close(&cursor->base);
		return status;
	}
	*out_cursor = cursor;
	return CONSORT_OK;
}
