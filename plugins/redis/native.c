/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as the caller wrote them: words between blanks, or in quotes, and $1 for a parameter, which
 * becomes an argument of its own, whatever is in it. An array's items are rows; items that are arrays are
 * shown as JSON.
 */
#include "query.h"
#include "tx.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define WORDS_MOST 65536

/* --- words --- */

struct words {
	struct consort_arena arena;
	struct consort_view *words;
	uint32_t count, room;
};

static uint32_t add_word(struct words *words, const char *data, size_t size, struct consort_error *error)
{
	if (words->count == words->room) {
		uint32_t room = words->room ? 2 * words->room : 16;
		struct consort_view *more =
			room > WORDS_MOST ? NULL : consort_arena_array(&words->arena, room, sizeof(*more));

		if (!more)
			return consort_error_no_memory(error);
		if (words->count)
			memcpy(more, words->words, words->count * sizeof(*more));
		words->words = more;
		words->room = room;
	}
	words->words[words->count++] = (struct consort_view){data, size};
	return CONSORT_OK;
}

/* "$12" as a word of its own: the parameter's position; -1: it is none. */
static int64_t parameter_of(const char *word, size_t size)
{
	int64_t number = 0;
	size_t i;

	if (size < 2 || size > 6 || *word != '$')
		return -1;
	for (i = 1; i < size; i++) {
		if (!isdigit((unsigned char)word[i]))
			return -1;
		number = number * 10 + (word[i] - '0');
	}
	return number - 1;
}

static uint32_t add_parameter(struct words *words, int64_t position, const struct consort_run *run,
			      struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const struct consort_value *value;
	const char *copy;
	uint32_t status;

	if (position < 0 || position >= (int64_t)run->nparameters)
		return consort_error_set(error, CONSORT_EINVAL, "parameter $%lld is missing",
					 (long long)position + 1);
	value = &run->parameters[position];
	if (consort_value_is_null(value))
		return consort_error_set(error, CONSORT_ERANGE,
					 "parameter $%lld is NULL, which Redis does not have",
					 (long long)position + 1);
	if (value->type.id == CONSORT_TYPE_BYTES)
		consort_buffer_append(&text, value->as.view.data, (size_t)value->as.view.size);
	else
		consort_value_print(value, &text);
	copy = text.failed ? NULL : consort_arena_copy(&words->arena, text.data, text.size);
	status = copy ? add_word(words, copy, text.size, error) : consort_error_no_memory(error);
	consort_buffer_clear(&text);
	return status;
}

/* What stands in quotes, from behind the first one; a backslash takes the next character as it is. NULL: no
 * end. */
static const char *unquote(const char *at, char quote, char *out, size_t *out_size)
{
	for (; *at && *at != quote; at++) {
		if (*at == '\\' && at[1])
			at++;
		out[(*out_size)++] = *at;
	}
	return *at ? at + 1 : NULL;
}

static uint32_t split(struct words *words, const char *text, const struct consort_run *run,
		      struct consort_error *error)
{
	const char *at = text;
	uint32_t status = CONSORT_OK;

	while (!status && *(at += strspn(at, " \t\r\n"))) {
		const char *start = at;
		size_t size = 0;
		bool quoted = false;
		char *word = consort_arena_alloc(&words->arena, strlen(at) + 1);

		if (!word)
			return consort_error_no_memory(error);
		while (at && *at && !strchr(" \t\r\n", *at)) {
			if (*at == '"' || *at == '\'') {
				quoted = true;
				at = unquote(at + 1, *at, word, &size);
			} else {
				word[size++] = *at++;
			}
		}
		if (!at) {
			consort_error_set(error, CONSORT_ESYNTAX, "a quote is not closed");
			error->position = (int32_t)(start - text) + 1;
			return CONSORT_ESYNTAX;
		}
		if (!quoted && *word == '$' && parameter_of(word, size) >= 0)
			status = add_parameter(words, parameter_of(word, size), run, error);
		else
			status = add_word(words, word, size, error);
	}
	return status;
}

/* What would change the session for the connection's next user, or answer more than once. */
static uint32_t check_command(const struct words *words, struct consort_error *error)
{
	static const char *const refused[] = {
		"AUTH",	      "HELLO",	     "SELECT",	     "QUIT",	     "RESET",	  "MULTI",
		"EXEC",	      "DISCARD",     "WATCH",	     "UNWATCH",	     "SUBSCRIBE", "PSUBSCRIBE",
		"SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR",	  "SYNC",
		"PSYNC",      "REPLCONF",    "CLIENT",	     "READONLY",     "READWRITE", "ASKING",
	};
	size_t i;

	if (!words->count)
		return consort_error_set(error, CONSORT_ESYNTAX, "there is no command");
	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (words->words[0].size == strlen(refused[i]) &&
		    !strncasecmp(words->words[0].data, refused[i], strlen(refused[i])))
			return consort_error_set(error, CONSORT_EUNSUPPORTED,
						 "%s is for the whole connection, which others use too",
						 refused[i]);
	return CONSORT_OK;
}

/* --- running --- */

static void add_words(struct redis_connection *conn, const struct words *words)
{
	uint32_t i;

	for (i = 0; i < words->count; i++)
		redis_arg(conn, words->words[i].data, (size_t)words->words[i].size);
}

/* The slot of the command's first key, as the server tells it. */
static uint32_t find_slot(struct redis_connection *conn, const struct words *words, int32_t *out_slot,
			  struct consort_error *error)
{
	const struct redis_reply *reply;
	uint32_t status;

	*out_slot = REDIS_ANY;
	if (!conn->map)
		return CONSORT_OK;
	redis_begin(conn);
	redis_add(conn, REDIS_ANY, 2 + words->count);
	redis_arg_text(conn, "COMMAND");
	redis_arg_text(conn, "GETKEYS");
	add_words(conn, words);
	status = redis_run(conn, error);
	if (status)
		return status;
	reply = redis_reply(conn, 0);
	if (reply->kind == REDIS_REPLY_ARRAY && reply->size && redis_is_text(&reply->as.items[0]))
		*out_slot = redis_slot(conn, reply->as.items[0].as.text, (size_t)reply->as.items[0].size);
	else if (words->count > 1 && redis_is_error(reply, "NOPERM"))
		*out_slot = redis_slot(conn, words->words[1].data, (size_t)words->words[1].size);
	return CONSORT_OK;
}

/* --- what it answered --- */

struct native_cursor {
	struct redis_cursor base;
	struct redis_connection *conn;
	struct redis_pipe pipe;
	const struct redis_reply *rows;
	uint64_t count, at;
	struct consort_field field;
	const struct consort_field *fields[1];
};

static void print_json(const struct redis_reply *reply, struct consort_buffer *out)
{
	uint64_t i;

	switch (reply->kind) {
	case REDIS_REPLY_NIL:
		consort_buffer_text(out, "null");
		return;
	case REDIS_REPLY_INTEGER:
		consort_buffer_printf(out, "%lld", (long long)reply->as.integer);
		return;
	case REDIS_REPLY_ARRAY:
		consort_buffer_char(out, '[');
		for (i = 0; i < reply->size; i++) {
			consort_buffer_text(out, i ? "," : "");
			print_json(&reply->as.items[i], out);
		}
		consort_buffer_char(out, ']');
		return;
	default:
		if (consort_utf8_valid(reply->as.text, reply->size, NULL)) {
			consort_json_quote(out, reply->as.text, reply->size);
		} else {
			struct consort_value bytes = consort_bytes(reply->as.text, reply->size);

			consort_value_print_json(&bytes, out);
		}
	}
}

/* The type that can hold all of the rows. */
static uint16_t type_of(const struct redis_reply *rows, uint64_t count)
{
	bool numbers = false, texts = false, bytes = false;
	uint64_t i;

	for (i = 0; i < count; i++) {
		if (rows[i].kind == REDIS_REPLY_ARRAY)
			return CONSORT_TYPE_JSON;
		if (rows[i].kind == REDIS_REPLY_INTEGER)
			numbers = true;
		else if (rows[i].kind != REDIS_REPLY_NIL)
			texts = true;
		bytes |= rows[i].kind != REDIS_REPLY_NIL && rows[i].kind != REDIS_REPLY_INTEGER &&
			 !consort_utf8_valid(rows[i].as.text, rows[i].size, NULL);
	}
	if (bytes)
		return numbers ? CONSORT_TYPE_JSON : CONSORT_TYPE_BYTES;
	return numbers && !texts ? CONSORT_TYPE_INT64 : CONSORT_TYPE_TEXT;
}

static uint32_t append_row(struct native_cursor *cursor, struct consort_batch *batch,
			   struct consort_error *error)
{
	const struct redis_reply *row = &cursor->rows[cursor->at];
	struct consort_buffer *text = &cursor->conn->text;
	struct consort_column *column = batch->columns;

	consort_buffer_reset(text);
	if (row->kind == REDIS_REPLY_NIL && cursor->field.type.id != CONSORT_TYPE_JSON) {
		consort_append_null(column);
		return CONSORT_OK;
	}
	if (cursor->field.type.id == CONSORT_TYPE_INT64) {
		consort_append_int64(column, row->as.integer);
		return CONSORT_OK;
	}
	if (cursor->field.type.id == CONSORT_TYPE_JSON || row->kind == REDIS_REPLY_INTEGER)
		print_json(row, text);
	else
		consort_buffer_append(text, row->as.text, (size_t)row->size);
	if (text->failed || consort_append_view(batch, column, text->data, text->size))
		return consort_error_no_memory(error);
	return CONSORT_OK;
}

static uint32_t native_next(struct redis_cursor *base, const struct consort_call *call,
			    struct consort_batch *batch, struct consort_error *error)
{
	struct native_cursor *cursor = (struct native_cursor *)base;
	uint32_t status = redis_enter(cursor->conn, call, error);
	bool full = false;

	while (!status && !full && cursor->at < cursor->count) {
		status = append_row(cursor, batch, error);
		cursor->at++;
		full = !status && consort_batch_end_row(batch);
	}
	if (!status && cursor->at == cursor->count)
		batch->flags |= CONSORT_BATCH_LAST;
	redis_leave(cursor->conn);
	return status;
}

static void native_close(struct redis_cursor *base)
{
	struct native_cursor *cursor = (struct native_cursor *)base;

	redis_pipe_free(&cursor->pipe);
	free(cursor);
}

static uint32_t take_reply(struct redis_connection *conn, struct native_cursor **out_cursor,
			   struct consort_error *error)
{
	struct native_cursor *cursor = calloc(1, sizeof(*cursor));
	const struct redis_reply *reply;

	if (!cursor)
		return consort_error_no_memory(error);
	cursor->base.next = native_next;
	cursor->base.close = native_close;
	cursor->conn = conn;
	cursor->pipe = conn->pipe;
	memset(&conn->pipe, 0, sizeof(conn->pipe));
	reply = &cursor->pipe.commands[0].reply;
	cursor->rows = reply->kind == REDIS_REPLY_ARRAY ? reply->as.items : reply;
	cursor->count = reply->kind == REDIS_REPLY_ARRAY    ? reply->size
			: reply->kind == REDIS_REPLY_STATUS ? 0
							    : 1;
	cursor->field.struct_size = sizeof(cursor->field);
	cursor->field.name = "value";
	cursor->field.type = consort_type_of(type_of(cursor->rows, cursor->count));
	cursor->fields[0] = &cursor->field;
	*out_cursor = cursor;
	return CONSORT_OK;
}

static uint32_t run_words(struct redis_connection *conn, const struct words *words,
			  struct native_cursor **out_cursor, struct consort_error *error)
{
	int32_t slot;
	uint32_t status = find_slot(conn, words, &slot, error);

	if (status)
		return status;
	redis_begin(conn);
	redis_add(conn, slot, words->count);
	add_words(conn, words);
	status = redis_doubt(conn, redis_run_well(conn, error), error);
	return status ? status : take_reply(conn, out_cursor, error);
}

static uint32_t native_open(void *connection, const struct consort_call *call, const char *text,
			    const struct consort_run *run, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	struct native_cursor *cursor = NULL;
	struct words words = {.count = 0};
	uint32_t status;

	consort_arena_init(&words.arena, 0);
	status = redis_enter(conn, call, error);
	if (!status)
		status = redis_tx_refuse(conn, "a command of Redis's own", error);
	if (!status)
		status = split(&words, text, run, error);
	if (!status)
		status = check_command(&words, error);
	if (!status)
		status = run_words(conn, &words, &cursor, error);
	redis_leave(conn);
	consort_arena_clear(&words.arena);
	if (status)
		return status;
	*out_cursor = cursor;
	*out_fields = cursor->fields;
	*out_nfields = cursor->pipe.commands[0].reply.kind != REDIS_REPLY_STATUS;
	*out_affected = -1;
	return CONSORT_OK;
}

const struct consort_native_ops redis_native_ops = {
	.struct_size = sizeof(redis_native_ops),
	.open = native_open,
};
