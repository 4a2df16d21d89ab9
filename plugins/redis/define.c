/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Define and drop. Redis needs nothing to be made for records; what is defined are indexes, which define
 * fills from the records that are there, some at a time, while others write. Whoever writes by the same
 * declaration keeps the entries of what it writes, so that when all have been met the index is complete, and
 * is marked so.
 */
#include "define.h"
#include "items.h"
#include "tx.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define KNOWN_FLAGS (CONSORT_SCHEMA_DRY_RUN | CONSORT_SCHEMA_IF_NEEDED)

static uint32_t tell(struct redis_define *define, const char *text)
{
	uint32_t status;

	if (!define->sink)
		return CONSORT_OK;
	status = define->sink->write(define->sink->context, text, strlen(text));
	return status ? consort_error_set(define->error, status, "what would be run could not be written")
		      : CONSORT_OK;
}

static void add_unlink(struct redis_define *define, const char *key)
{
	redis_add(define->conn, redis_define_slot(define, key), 2);
	redis_arg_text(define->conn, "UNLINK");
	redis_arg_text(define->conn, key);
}

static uint64_t sum_of_replies(const struct redis_connection *conn)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < conn->pipe.count; i++)
		if (redis_reply(conn, i)->kind == REDIS_REPLY_INTEGER)
			sum += (uint64_t)redis_reply(conn, i)->as.integer;
	return sum;
}

/* --- define --- */

/* Is the resource defined? The fields that had indexes then go into define->names: "=", each, and a NUL. */
static uint32_t find_defined(struct redis_define *define, bool *out_defined)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	const struct redis_reply *fields;
	uint32_t status;
	uint64_t i;

	redis_begin(conn);
	redis_add(conn, redis_define_slot(define, layout->defined), 4);
	redis_arg_text(conn, "ZRANGE");
	redis_arg_text(conn, layout->defined);
	redis_arg_text(conn, "0");
	redis_arg_text(conn, "-1");
	status = redis_run_well(conn, define->error);
	if (status)
		return status;
	fields = redis_reply(conn, 0);
	*out_defined = fields->kind == REDIS_REPLY_ARRAY && fields->size > 0;
	for (i = 0; *out_defined && i < fields->size; i++)
		if (redis_is_text(&fields->as.items[i]) && *fields->as.items[i].as.text == '=')
			consort_buffer_append(&define->names, fields->as.items[i].as.text,
					      (size_t)fields->as.items[i].size + 1);
	return define->names.failed ? consort_error_no_memory(define->error) : CONSORT_OK;
}

static bool is_declared(const struct redis_layout *layout, const char *field)
{
	uint32_t i;

	for (i = 0; i < layout->nindexes; i++)
		if (!strcmp(layout->attributes[layout->indexes[i].attribute].field, field))
			return true;
	return false;
}

/* Removes indexes that were defined: all of them, or those that are not declared any more. */
static uint32_t unlink_named(struct redis_define *define, bool all)
{
	struct redis_connection *conn = define->conn;
	size_t at, size;

	redis_begin(conn);
	for (at = 0; at < define->names.size; at += size + 1) {
		const char *name = define->names.data + at, *field = name + 1;
		char *entries = redis_index_name(define->layout, "index", field);
		char *values = redis_index_name(define->layout, "value", field);

		size = strlen(name);
		if (!entries || !values)
			return consort_error_no_memory(define->error);
		if (!all && is_declared(define->layout, field))
			continue;
		add_unlink(define, entries);
		add_unlink(define, values);
		if (all)
			continue;
		redis_add(conn, redis_define_slot(define, define->layout->defined), 3);
		redis_arg_text(conn, "ZREM");
		redis_arg_text(conn, define->layout->defined);
		redis_arg_text(conn, name);
	}
	if (all)
		add_unlink(define, define->layout->defined);
	return conn->pipe.count ? redis_run_well(conn, define->error) : CONSORT_OK;
}

/* Makes a token that tells whether somebody else has begun again meanwhile. */
static uint32_t make_token(struct redis_define *define)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return consort_error_set(define->error, CONSORT_EINTERNAL, "there is no randomness: %s",
					 strerror(errno));
	snprintf(define->token, sizeof(define->token), "?%016llx", (unsigned long long)random);
	return CONSORT_OK;
}

/* Indexes that are not complete begin from nothing. */
static uint32_t begin_indexes(struct redis_define *define)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	uint32_t i, status = make_token(define);
	bool *complete = consort_arena_array(&define->arena, layout->nindexes, sizeof(*complete));

	if (!status && !complete)
		status = consort_error_no_memory(define->error);
	if (status || !layout->nindexes)
		return status;
	redis_begin(conn);
	for (i = 0; i < layout->nindexes; i++) {
		redis_add(conn, redis_define_slot(define, layout->indexes[i].entries), 3);
		redis_arg_text(conn, "ZSCORE");
		redis_arg_text(conn, layout->indexes[i].entries);
		redis_arg_text(conn, layout->indexes[i].marker);
	}
	status = redis_run_well(conn, define->error);
	for (i = 0; !status && i < layout->nindexes; i++)
		complete[i] = redis_reply(conn, i)->kind != REDIS_REPLY_NIL;
	if (status)
		return status;
	redis_begin(conn);
	for (i = 0; i < layout->nindexes; i++) {
		if (!complete[i]) {
			add_unlink(define, layout->indexes[i].entries);
			add_unlink(define, layout->indexes[i].values);
		}
		redis_add(conn, redis_define_slot(define, layout->indexes[i].entries), 4);
		redis_arg_text(conn, "ZADD");
		redis_arg_text(conn, layout->indexes[i].entries);
		redis_arg_text(conn, "0");
		redis_arg_text(conn, define->token);
	}
	return redis_run_well(conn, define->error);
}

static uint32_t finish_indexes(struct redis_define *define)
{
	struct redis_connection *conn = define->conn;
	const struct redis_layout *layout = define->layout;
	uint32_t status = redis_script_load(conn, REDIS_SCRIPT_FINISH, define->error), i;

	if (status)
		return status;
	redis_begin(conn);
	redis_add_script(conn, redis_define_slot(define, layout->defined),
			 REDIS_SCRIPT_ARGS + 2 + 3 * layout->nindexes, REDIS_SCRIPT_FINISH,
			 1 + layout->nindexes);
	redis_arg_text(conn, layout->defined);
	for (i = 0; i < layout->nindexes; i++)
		redis_arg_text(conn, layout->indexes[i].entries);
	redis_arg_text(conn, define->token);
	for (i = 0; i < layout->nindexes; i++) {
		redis_arg_text(conn, layout->indexes[i].marker);
		redis_arg_text(conn, layout->attributes[layout->indexes[i].attribute].field);
	}
	status = redis_run_well(conn, define->error);
	if (status || redis_reply(conn, 0)->as.integer == 1)
		return status;
	consort_error_set(define->error, CONSORT_ECONFLICT,
			  "resource '%s': somebody else defined or dropped it at the same time",
			  layout->resource->name);
	define->error->flags |= CONSORT_ERROR_RETRYABLE;
	return CONSORT_ECONFLICT;
}

static uint32_t tell_define(struct redis_define *define)
{
	const struct redis_layout *layout = define->layout;
	struct consort_buffer *out = &define->text;
	uint32_t i, status;

	consort_buffer_reset(out);
	for (i = 0; i < layout->nindexes; i++) {
		const struct redis_index *index = &layout->indexes[i];
		const char *field = layout->attributes[index->attribute].field;

		consort_buffer_printf(out,
				      "for each key: ZADD %s 0 =<%s><key>; HSET %s <key> =<%s>\n"
				      "ZADD %s 0 %s\n",
				      index->entries, field, index->values, field, index->entries,
				      index->marker);
	}
	consort_buffer_printf(out, "ZADD %s 0 !\n", layout->defined);
	status = out->failed ? consort_error_no_memory(define->error) : tell(define, out->data);
	return status;
}

static uint32_t run_define(struct redis_define *define)
{
	const struct redis_layout *layout = define->layout;
	bool defined = false;
	uint32_t i, status = find_defined(define, &defined);

	if (!status && defined && !define->if_needed)
		return consort_error_set(define->error, CONSORT_ECONFLICT, "resource '%s' is defined already",
					 layout->resource->name);
	if (!status)
		status = tell_define(define);
	if (status || define->dry)
		return status;
	status = unlink_named(define, false);
	if (!status)
		status = begin_indexes(define);
	if (!status && layout->nindexes)
		status = redis_script_load(define->conn, REDIS_SCRIPT_ENTER, define->error);
	if (!status && layout->nindexes)
		status = redis_each_page(define, redis_enter_page);
	for (i = 0; !status && i < layout->nindexes; i++)
		status = redis_sweep(define, &layout->indexes[i]);
	return status ? status : finish_indexes(define);
}

/* --- drop --- */

static uint32_t unlink_page(struct redis_define *define)
{
	struct redis_connection *conn = define->conn;
	uint32_t i, status;

	redis_begin(conn);
	for (i = 0; i < define->nkeys; i++) {
		redis_add(conn, redis_slot(conn, define->keys[i].data, (size_t)define->keys[i].size), 2);
		redis_arg_text(conn, "UNLINK");
		redis_arg(conn, define->keys[i].data, (size_t)define->keys[i].size);
	}
	status = redis_run_well(conn, define->error);
	define->removed += status ? 0 : sum_of_replies(conn);
	return status;
}

static uint32_t run_drop(struct redis_define *define)
{
	const struct redis_layout *layout = define->layout;
	struct consort_buffer *out = &define->text;
	uint32_t i, status;
	bool defined = false;

	consort_buffer_reset(out);
	consort_buffer_text(out, "for each key of SCAN MATCH ");
	redis_key_pattern(layout, out);
	consort_buffer_text(out, ": UNLINK <key>\n");
	for (i = 0; i < layout->nindexes; i++)
		consort_buffer_printf(out, "UNLINK %s; UNLINK %s\n", layout->indexes[i].entries,
				      layout->indexes[i].values);
	consort_buffer_printf(out, "UNLINK %s\n", layout->defined);
	status = out->failed ? consort_error_no_memory(define->error) : tell(define, out->data);
	if (status || define->dry)
		return status;
	status = redis_each_page(define, unlink_page);
	if (!status)
		status = find_defined(define, &defined);
	if (!status)
		status = unlink_named(define, true);
	if (!status && !defined && !define->removed && !define->if_needed)
		return consort_error_set(define->error, CONSORT_ENOTFOUND,
					 "resource '%s': nothing of it is there", layout->resource->name);
	return status;
}

/* --- the operations --- */

static uint32_t change(void *connection, const struct consort_call *call,
		       const struct consort_resource *resource, uint32_t flags,
		       const struct consort_text_sink *sink, uint32_t (*run)(struct redis_define *define),
		       struct consort_error *error)
{
	struct redis_define define = {.conn = connection,
				      .sink = sink,
				      .error = error,
				      .dry = flags & CONSORT_SCHEMA_DRY_RUN,
				      .if_needed = flags & CONSORT_SCHEMA_IF_NEEDED};
	uint32_t status;

	if (flags & ~KNOWN_FLAGS)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of define or drop",
					 (unsigned)flags);
	status = redis_enter(connection, call, error);
	if (!status)
		status = redis_tx_refuse(connection, "define or drop", error);
	if (status)
		return status;
	consort_arena_init(&define.arena, 0);
	status = redis_layout_make(resource, &define.layout, error);
	if (!status)
		status = redis_items_refuse(define.layout, error);
	if (!status)
		status = redis_indexes_check(connection, define.layout, error);
	if (!status)
		status = redis_define_fields(&define);
	if (!status)
		status = run(&define);
	redis_leave(connection);
	redis_layout_free(define.layout);
	consort_buffer_clear(&define.names);
	consort_buffer_clear(&define.args);
	consort_buffer_clear(&define.text);
	consort_arena_clear(&define.arena);
	return status;
}

static uint32_t schema_define(void *connection, const struct consort_call *call,
			      const struct consort_resource *resource, uint32_t flags,
			      const struct consort_text_sink *sink, struct consort_error *error)
{
	return change(connection, call, resource, flags, sink, run_define, error);
}

static uint32_t schema_drop(void *connection, const struct consort_call *call,
			    const struct consort_resource *resource, uint32_t flags,
			    const struct consort_text_sink *sink, struct consort_error *error)
{
	return change(connection, call, resource, flags, sink, run_drop, error);
}

const struct consort_schema_ops redis_schema_ops = {
	.struct_size = sizeof(redis_schema_ops),
	.define = schema_define,
	.drop = schema_drop,
};
