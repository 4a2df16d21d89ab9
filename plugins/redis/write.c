/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by key and in bulk. Many rows are one call of a script, which looks at all of them before it writes
 * the first: they are written all or none. In a cluster a call reaches one slot only, so there each row is
 * one of its own, unless all records of the resource lie together.
 */
#include "index.h"
#include "items.h"
#include "tx.h"

#include <stdlib.h>

#define ROWS_MOST 256		     /* of one call of the script: how long the server does nothing else */
#define BYTES_MOST ((size_t)1 << 20) /* likewise */

/* --- shapes --- */

static void free_shape(struct redis_shape *shape)
{
	if (shape)
		redis_layout_free(shape->layout);
	free(shape);
}

void redis_shapes_free(struct redis_connection *conn)
{
	uint32_t i;

	for (i = 0; i < REDIS_SHAPES; i++)
		free_shape(conn->shapes[i]);
}

static uint32_t take_columns(struct redis_shape *shape, const struct consort_write *write,
			     struct consort_error *error)
{
	const struct redis_layout *layout = shape->layout;
	uint32_t *keys = consort_arena_array(&shape->layout->arena, layout->nkeys, sizeof(*keys));
	uint32_t first = write->nattributes - write->nkeys, i, j;

	if (!keys)
		return consort_error_no_memory(error);
	shape->keys = keys;
	shape->nset = first;
	shape->expires = -1;
	for (j = 0; j < first; j++) {
		const struct redis_attribute *own = &layout->attributes[write->attributes[j]];

		if (own->codec == REDIS_CODEC_EXPIRES)
			shape->expires = (int32_t)j;
		if (write->nkeys && own->part >= 0) {
			consort_error_set(error, CONSORT_EUNSUPPORTED,
					  "a record's key in Redis cannot be changed");
			return redis_blame(layout, write->attributes[j], error);
		}
	}
	for (i = 0; i < layout->nkeys; i++) {
		for (j = write->nkeys ? first : 0; j < write->nattributes; j++)
			if (write->attributes[j] == layout->keys[i])
				break;
		if (j == write->nattributes) {
			consort_error_set(error, CONSORT_ECONSTRAINT,
					  "a record needs a value for it, which its key in "
					  "Redis is made of");
			return redis_blame(layout, layout->keys[i], error);
		}
		keys[i] = j;
	}
	shape->indexed = redis_index_columns(layout, write, first, &shape->layout->arena);
	return shape->indexed ? CONSORT_OK : consort_error_no_memory(error);
}

static uint32_t get_shape(struct redis_connection *conn, const struct consort_write *write,
			  const struct redis_shape **out_shape, struct consort_error *error)
{
	struct redis_shape **place = &conn->shapes[write->id % REDIS_SHAPES], *shape = *place;
	uint32_t status;

	if (CONSORT_LIKELY(shape && shape->id == write->id)) {
		*out_shape = shape;
		return CONSORT_OK;
	}
	shape = calloc(1, sizeof(*shape));
	if (!shape)
		return consort_error_no_memory(error);
	shape->id = write->id;
	status = redis_layout_make(write->resource, &shape->layout, error);
	if (!status)
		status = redis_items_refuse(shape->layout, error);
	if (!status)
		status = take_columns(shape, write, error);
	if (status) {
		free_shape(shape);
		return status;
	}
	free_shape(*place);
	*out_shape = *place = shape;
	return CONSORT_OK;
}

/* --- rows --- */

static uint32_t no_key(const struct redis_job *job, uint32_t part)
{
	const struct redis_layout *layout = job->shape->layout;

	consort_error_set(job->error, CONSORT_ECONSTRAINT, "it is part of the key, and cannot be NULL");
	return redis_blame(layout, layout->keys[part], job->error);
}

uint32_t redis_job_key(const struct redis_job *job, int64_t row)
{
	struct redis_connection *conn = job->conn;
	const struct redis_layout *layout = job->shape->layout;
	struct consort_value one, *values = &one;
	uint32_t i;

	consort_buffer_reset(&conn->text);
	if (layout->nkeys > 1)
		values = consort_arena_array(&conn->scratch, layout->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(job->error);
	for (i = 0; i < layout->nkeys; i++) {
		values[i] = consort_column_value(&job->rows->columns[job->shape->keys[i]], row);
		if (consort_value_is_null(&values[i]))
			return no_key(job, i);
	}
	return redis_key_make(layout, values, &conn->text, job->error);
}

uint32_t redis_job_failed(const struct redis_job *job, int64_t row)
{
	struct consort_error *error = job->error;
	uint32_t status = error->status;

	consort_copy_text(error->origin, sizeof(error->origin), job->conn->database->name);
	if (job->result->row_failed)
		job->result->row_failed(job->result->context, row, error);
	return status == CONSORT_ENOTFOUND || job->goes_on ? CONSORT_OK : status;
}

/* Says why the row with that key may not be written. */
static uint32_t fail_row(const struct redis_job *job, char why, const char *key, size_t size)
{
	const struct redis_layout *layout = job->shape->layout;
	struct consort_error *error = job->error;
	char shown[CONSORT_SHOWN_SIZE];

	consort_shown(key, size, shown);
	if (why == 'm') {
		consort_error_set(error, CONSORT_ENOTFOUND, "resource '%s': there is no record '%s'",
				  layout->resource->name, shown);
	} else if (why == 't') {
		consort_error_set(error, CONSORT_ECONSTRAINT, "resource '%s': the key '%s' is there already",
				  layout->resource->name, shown);
		consort_copy_text(error->constraint, sizeof(error->constraint), "key");
		consort_copy_text(error->attribute, sizeof(error->attribute),
				  layout->resource->attributes[layout->keys[0]]->name);
	} else {
		consort_error_set(
			error, CONSORT_ETYPE, "resource '%s': the key '%s' holds something else than a %s",
			layout->resource->name, shown, layout->record == REDIS_JSON ? "string" : "hash");
	}
	consort_copy_text(error->resource, sizeof(error->resource), layout->resource->name);
	return error->status;
}

uint32_t redis_job_refused(const struct redis_job *job, int64_t row, char why, const char *key, size_t size)
{
	fail_row(job, why, key, size);
	return redis_job_failed(job, row);
}

/* --- in a transaction --- */

/* Watches the records of the rows, and asks what they hold. What is wrong with a key is told later. */
static uint32_t watch_rows(const struct redis_job *job)
{
	struct consort_error ignored = CONSORT_ERROR_INIT, *error = job->error;
	struct redis_job silent = *job;
	struct consort_arena arena;
	struct consort_view *keys;
	uint32_t status = CONSORT_OK, count = 0;
	int64_t row;

	consort_arena_init(&arena, 0);
	keys = consort_arena_array(&arena, (size_t)job->rows->nrows, sizeof(*keys));
	silent.error = &ignored;
	for (row = 0; keys && row < job->rows->nrows; row++) {
		const struct consort_buffer *text = &job->conn->text;

		consort_arena_reset(&job->conn->scratch);
		if (redis_job_key(&silent, row))
			continue;
		keys[count].data = consort_arena_copy(&arena, text->data, text->size);
		if (!keys[count].data)
			break;
		keys[count++].size = text->size;
	}
	if (!keys || row < job->rows->nrows)
		status = consort_error_no_memory(error);
	if (!status)
		status = redis_tx_watch(job->conn, keys, count, REDIS_ASK_KIND, error);
	consort_arena_clear(&arena);
	return status;
}

/* Decides about the row whose key is in conn->text, as its script will at the commit. */
static uint32_t admit_row(const struct redis_job *job)
{
	const struct redis_layout *layout = job->shape->layout;
	const struct consort_buffer *key = &job->conn->text;
	struct redis_known *known = redis_tx_known(job->conn->tx, key->data, key->size);
	char why = redis_tx_refuses(known, layout, job->kind);

	return why ? fail_row(job, why, key->data, key->size)
		   : redis_tx_change(job->conn, known, layout, job->kind, NULL, job->error);
}

uint32_t redis_job_ends(const struct redis_job *job, int64_t row, struct consort_buffer *out)
{
	int32_t column = job->shape->expires;
	struct consort_value value;

	consort_buffer_reset(out);
	if (column < 0)
		return CONSORT_OK;
	value = consort_column_value(&job->rows->columns[column], row);
	if (!consort_value_is_null(&value))
		return redis_encode(job->shape->layout, job->write->attributes[column], &value, out,
				    job->error);
	consort_buffer_char(out, '0');
	return CONSORT_OK;
}

/* --- the script's arguments --- */

/* What is gathered for one call. */
struct call {
	struct consort_buffer keys, args, part;
	uint32_t nrows, nargs;
	int32_t slot;
	int64_t rows[ROWS_MOST];
};

static uint32_t add_text(struct call *call, const void *data, size_t size)
{
	redis_append_arg(&call->args, data, size);
	return 1;
}

static uint32_t add_number(struct call *call, uint32_t number)
{
	char text[16];

	return add_text(call, text, (size_t)snprintf(text, sizeof(text), "%u", number));
}

static uint32_t add_value(struct call *call, const struct redis_job *job, uint32_t column, int64_t row,
			  uint32_t *out_args)
{
	const struct redis_attribute *own = &job->shape->layout->attributes[job->write->attributes[column]];
	struct consort_value value;
	uint32_t status = consort_column_cell(&job->rows->columns[column], row, &job->conn->scratch, &value,
					      job->error);

	if (status)
		return status;
	*out_args += add_text(call, own->field, own->field_size);
	if (value.type.id == CONSORT_TYPE_TEXT) {
		*out_args += add_text(call, value.as.view.data, (size_t)value.as.view.size);
		return CONSORT_OK;
	}
	consort_buffer_reset(&call->part);
	status = redis_encode(job->shape->layout, job->write->attributes[column], &value, &call->part,
			      job->error);
	*out_args += add_text(call, call->part.data, call->part.size);
	call->args.failed |= call->part.failed;
	return status;
}

/* When the record ends. */
static uint32_t add_ends(struct call *call, const struct redis_job *job, int64_t row)
{
	uint32_t status = redis_job_ends(job, row, &call->part);

	add_text(call, call->part.data, call->part.size);
	call->args.failed |= call->part.failed;
	return status;
}

static bool is_set(const struct redis_job *job, uint32_t column, int64_t row)
{
	return (int32_t)column != job->shape->expires &&
	       !consort_column_is_null(&job->rows->columns[column], row);
}

static bool is_removed(const struct redis_job *job, uint32_t column, int64_t row)
{
	return job->kind != REDIS_INSERT && (int32_t)column != job->shape->expires &&
	       consort_column_is_null(&job->rows->columns[column], row);
}

/* The row as the script wants it. */
static uint32_t add_row(struct call *call, const struct redis_job *job, int64_t row)
{
	const struct redis_shape *shape = job->shape;
	uint32_t nset = 0, nremoved = 0, column, status = add_ends(call, job, row), nargs = 1;

	for (column = 0; column < shape->nset; column++) {
		nset += is_set(job, column, row);
		nremoved += is_removed(job, column, row);
	}
	nargs += add_number(call, 2 * nset);
	for (column = 0; !status && column < shape->nset; column++)
		if (is_set(job, column, row))
			status = add_value(call, job, column, row, &nargs);
	nargs += add_number(call, nremoved);
	for (column = 0; column < shape->nset; column++) {
		const struct redis_attribute *own =
			&shape->layout->attributes[job->write->attributes[column]];

		if (is_removed(job, column, row))
			nargs += add_text(call, own->field, own->field_size);
	}
	/* a hash cannot be empty: without another field it keeps its key's */
	nargs += add_number(call, nremoved && !nset ? 2 * shape->layout->nkeys : 0);
	for (column = 0; !status && nremoved && !nset && column < shape->layout->nkeys; column++)
		status = add_value(call, job, shape->keys[column], row, &nargs);
	if (!status)
		status = redis_index_row(job, row, &call->args);
	call->nargs += nargs + shape->layout->nindexes;
	return status;
}

/* Adds a row, or tells that it cannot be written; *out_added. */
static uint32_t gather_row(struct call *call, const struct redis_job *job, int64_t row)
{
	size_t keys = call->keys.size, args = call->args.size;
	uint32_t nargs = call->nargs, status;

	consort_arena_reset(&job->conn->scratch);
	status = redis_job_key(job, row);
	if (!status) {
		redis_append_arg(&call->keys, job->conn->text.data, job->conn->text.size);
		call->slot = redis_slot(job->conn, job->conn->text.data, job->conn->text.size);
	}
	if (!status && job->kind != REDIS_REMOVE)
		status = add_row(call, job, row);
	if (!status && job->conn->tx)
		status = admit_row(job);
	if (!status) {
		call->rows[call->nrows++] = row;
		return CONSORT_OK;
	}
	call->keys.size = keys;
	call->args.size = args;
	call->nargs = nargs;
	return redis_job_failed(job, row);
}

static void add_call(const struct redis_job *job, struct call *call)
{
	static const char *const ops[] = {
		[REDIS_INSERT] = "c", [REDIS_UPDATE] = "u", [REDIS_REMOVE] = "d", [REDIS_UPSERT] = "p"};
	struct redis_connection *conn = job->conn;
	const struct redis_layout *layout = job->shape->layout;
	bool lives = layout->ttl && (job->kind == REDIS_INSERT || job->kind == REDIS_UPSERT);
	uint32_t nkeys = call->nrows + 2 * layout->nindexes;

	redis_add_script(conn, call->slot, REDIS_SCRIPT_ARGS + nkeys + 5 + call->nargs, REDIS_SCRIPT_WRITE,
			 nkeys);
	redis_arg_bytes(conn, call->keys.data, call->keys.size);
	redis_index_keys(layout, &conn->pipe.bytes);
	redis_arg_text(conn, ops[job->kind]);
	if (lives)
		redis_arg_int(conn, layout->ttl);
	else
		redis_arg_text(conn, "");
	redis_arg_text(conn, job->goes_on ? "1" : "0");
	redis_arg_text(conn, layout->record == REDIS_JSON ? "string" : "hash");
	redis_arg_int(conn, call->nrows);
	redis_arg_bytes(conn, call->args.data, call->args.size);
	conn->pipe.failed |= call->keys.failed || call->args.failed;
}

static void clear_call(struct call *call)
{
	consort_buffer_reset(&call->keys);
	consort_buffer_reset(&call->args);
	call->nrows = call->nargs = 0;
}

/* --- what the script answered --- */

/* The server refused all rows of a call. */
static uint32_t all_failed(const struct redis_job *job, const struct redis_reply *reply, const int64_t *rows,
			   uint32_t nrows)
{
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < nrows; i++) {
		redis_fail(job->conn, reply, job->shape->layout->resource, job->error);
		status = redis_job_failed(job, rows[i]);
	}
	return status;
}

/* Tells of rows that were not written. */
static uint32_t take_answer(const struct redis_job *job, const struct redis_reply *reply, const int64_t *rows,
			    uint32_t nrows)
{
	uint32_t status = CONSORT_OK;
	int64_t written = nrows;
	uint64_t i;

	if (reply->kind == REDIS_REPLY_ERROR)
		return all_failed(job, reply, rows, nrows);
	if (reply->kind != REDIS_REPLY_ARRAY)
		return redis_fail_protocol(job->conn, "the script answers no list", job->error);
	for (i = 0; !status && i + 1 < reply->size; i += 2) {
		const struct redis_reply *number = &reply->as.items[i], *why = &reply->as.items[i + 1];

		if (number->kind != REDIS_REPLY_INTEGER || number->as.integer < 1 ||
		    number->as.integer > (int64_t)nrows || !redis_is_text(why))
			return redis_fail_protocol(job->conn, "the script answers no numbers", job->error);
		consort_arena_reset(&job->conn->scratch);
		status = redis_job_key(job, rows[number->as.integer - 1]);
		if (!status)
			status = redis_job_refused(job, rows[number->as.integer - 1], *why->as.text,
						   job->conn->text.data, job->conn->text.size);
		written--;
	}
	if (!status)
		job->result->affected += written;
	return status;
}

/* One call for all of the rows, which must lie in one slot. */
static uint32_t write_together(const struct redis_job *job, struct call *call, int64_t first,
			       int64_t *out_end)
{
	struct redis_connection *conn = job->conn;
	uint32_t status = CONSORT_OK;
	int64_t row = first;

	clear_call(call);
	for (; !status && row < job->rows->nrows && call->nrows < ROWS_MOST && call->args.size < BYTES_MOST;
	     row++)
		status = gather_row(call, job, row);
	*out_end = row;
	if (status || !call->nrows)
		return status;
	if (conn->tx) {
		redis_tx_enter(conn, REDIS_SCRIPT_WRITE);
		add_call(job, call);
		redis_tx_leave(conn);
		job->result->affected += call->nrows;
		return CONSORT_OK;
	}
	redis_begin(conn);
	add_call(job, call);
	status = redis_doubt(conn, redis_run(conn, job->error), job->error);
	return status ? status : take_answer(job, redis_reply(conn, 0), call->rows, call->nrows);
}

/* A call for each row, sent at once. A row that fails is told, but those behind it have been sent too. */
static uint32_t write_apart(const struct redis_job *job, struct call *call, int64_t first, int64_t *out_end)
{
	struct redis_connection *conn = job->conn;
	int64_t rows[ROWS_MOST], row = first;
	uint32_t status = CONSORT_OK, worst = CONSORT_OK, nrows = 0, i;
	struct consort_error failure;

	redis_begin(conn);
	for (; !status && row < job->rows->nrows && nrows < ROWS_MOST && conn->pipe.bytes.size < BYTES_MOST;
	     row++) {
		clear_call(call);
		status = gather_row(call, job, row);
		if (!status && call->nrows) {
			add_call(job, call);
			rows[nrows++] = row;
		}
	}
	*out_end = row;
	if (!status && nrows)
		status = redis_doubt(conn, redis_run(conn, job->error), job->error);
	for (i = 0; !status && i < nrows; i++) {
		uint32_t one = take_answer(job, redis_reply(conn, i), &rows[i], 1);

		if (one && !worst) {
			worst = one;
			failure = *job->error;
		}
	}
	if (!status && worst)
		*job->error = failure;
	return status ? status : worst;
}

/* --- the table --- */

static uint32_t write_all(const struct redis_job *job)
{
	const struct redis_layout *layout = job->shape->layout;
	bool documents = layout->record == REDIS_JSON && job->kind != REDIS_REMOVE;
	bool together = !job->conn->map || layout->together || job->conn->tx;
	struct call *call = NULL;
	int64_t row = 0, end = 0;
	uint32_t status = CONSORT_OK;

	if (!documents && job->conn->tx)
		status = watch_rows(job);
	if (!documents && !(call = calloc(1, sizeof(*call))))
		return consort_error_no_memory(job->error);
	for (; !status && row < job->rows->nrows; row = end) {
		if (documents) {
			end = row + ROWS_MOST < job->rows->nrows ? row + ROWS_MOST : job->rows->nrows;
			status = redis_write_documents(job, row, end);
		} else {
			status = together ? write_together(job, call, row, &end)
					  : write_apart(job, call, row, &end);
		}
	}
	if (call) {
		consort_buffer_clear(&call->keys);
		consort_buffer_clear(&call->args);
		consort_buffer_clear(&call->part);
	}
	free(call);
	return status;
}

static uint32_t write_rows(enum redis_write_kind kind, struct redis_connection *conn,
			   const struct consort_call *call, const struct consort_write *write,
			   const struct consort_batch *rows, struct consort_write_result *result,
			   struct consort_error *error)
{
	struct redis_job job = {.conn = conn,
				.kind = kind,
				.write = write,
				.rows = rows,
				.result = result,
				.goes_on = (write->flags & CONSORT_WRITE_CONTINUE) != 0,
				.error = error};
	struct redis_tx_mark mark;
	uint32_t status = consort_write_check_rows(write, rows, error);

	if (status)
		return status;
	status = redis_enter(conn, call, error);
	if (status)
		return status;
	result->affected = 0;
	status = get_shape(conn, write, &job.shape, error);
	if (!status)
		status = redis_indexes_check(conn, job.shape->layout, error);
	if (!status && (job.shape->layout->record == REDIS_HASH || kind == REDIS_REMOVE))
		status = redis_script_load(conn, REDIS_SCRIPT_WRITE, error);
	else if (!status)
		status = redis_script_load(conn, REDIS_SCRIPT_SWAP, error);
	if (!status && conn->tx)
		status = redis_tx_write(conn, &mark, error);
	if (!status) {
		status = write_all(&job);
		if (conn->tx)
			status = redis_tx_done(conn, &mark, status, error);
		if (conn->tx && status)
			result->affected = 0;
	}
	redis_leave(conn);
	return status;
}

#define OPERATION(name, kind)                                                                     \
	static uint32_t name(void *connection, const struct consort_call *call,                   \
			     const struct consort_write *write, const struct consort_batch *rows, \
			     struct consort_write_result *result, struct consort_error *error)    \
	{                                                                                         \
		return write_rows(kind, connection, call, write, rows, result, error);            \
	}
OPERATION(write_insert, REDIS_INSERT)
OPERATION(write_update, REDIS_UPDATE)
OPERATION(write_remove, REDIS_REMOVE)
OPERATION(write_upsert, REDIS_UPSERT)

const struct consort_write_ops redis_write_ops = {
	.struct_size = sizeof(redis_write_ops),
	.insert = write_insert,
	.update = write_update,
	.remove = write_remove,
	.upsert = write_upsert,
};
