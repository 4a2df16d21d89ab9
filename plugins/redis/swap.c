/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing records that are documents. A new one is SET where nothing is. One that is there is read, changed
 * here, and swapped for what was read; where somebody else was faster, once more.
 */
#include "index.h"
#include "tx.h"

#define TRIES_MOST 100

/* A row on its way. */
struct row {
	int64_t row;
	struct consort_view key, old, document; /* old: what was read; data NULL: nothing is there */
	bool pending;
};

struct batch {
	const struct redis_job *job;
	struct consort_arena arena;
	struct row *rows;
	uint32_t count;
	uint32_t worst; /* the status of the first row that failed */
	struct consort_error failure;
};

/* What becomes of a row that failed: the rows behind it go on, since they have been sent. */
static void note(struct batch *batch, struct row *row, uint32_t status)
{
	row->pending = false;
	if (!status || batch->worst)
		return;
	batch->worst = status;
	batch->failure = *batch->job->error;
}

static uint32_t keep(struct batch *batch, const char *data, uint64_t size, struct consort_view *out)
{
	out->data = consort_arena_copy(&batch->arena, data, (size_t)size);
	out->size = size;
	return out->data ? CONSORT_OK : consort_error_no_memory(batch->job->error);
}

/* The row's document: the old one with what is written. */
static uint32_t merge(struct batch *batch, struct row *row)
{
	const struct redis_job *job = batch->job;
	struct redis_connection *conn = job->conn;
	struct consort_value *values;
	uint32_t i, status = CONSORT_OK;

	consort_arena_reset(&conn->scratch);
	values = consort_arena_array(&conn->scratch, job->shape->nset, sizeof(*values));
	if (!values)
		return consort_error_no_memory(job->error);
	for (i = 0; !status && i < job->shape->nset; i++)
		status = consort_column_cell(&job->rows->columns[i], row->row, &conn->scratch, &values[i],
					     job->error);
	consort_buffer_reset(&conn->more);
	if (!status)
		status = redis_document_merge(conn, job->shape->layout, row->old, job->write->attributes,
					      values, job->shape->nset, &conn->more, job->error);
	return status ? status : keep(batch, conn->more.data, conn->more.size, &row->document);
}

static uint32_t find_keys(struct batch *batch, int64_t first, int64_t end)
{
	const struct redis_job *job = batch->job;
	uint32_t status = CONSORT_OK;

	for (; !status && first < end; first++) {
		struct row *row = &batch->rows[batch->count];

		consort_arena_reset(&job->conn->scratch);
		status = redis_job_key(job, first);
		if (status) {
			status = redis_job_failed(job, first);
			continue;
		}
		row->row = first;
		row->pending = true;
		status = keep(batch, job->conn->text.data, job->conn->text.size, &row->key);
		batch->count++;
	}
	return status;
}

/* Reads what is there of the rows that are pending. */
static uint32_t read_old(struct batch *batch)
{
	const struct redis_job *job = batch->job;
	struct redis_connection *conn = job->conn;
	uint32_t i, n = 0, status;

	redis_begin(conn);
	for (i = 0; i < batch->count; i++) {
		const struct row *row = &batch->rows[i];

		if (!row->pending)
			continue;
		redis_add(conn, redis_slot(conn, row->key.data, (size_t)row->key.size), 2);
		redis_arg_text(conn, "GET");
		redis_arg(conn, row->key.data, (size_t)row->key.size);
	}
	status = redis_run(conn, job->error);
	for (i = 0; !status && i < batch->count; i++) {
		struct row *row = &batch->rows[i];
		const struct redis_reply *reply;

		if (!row->pending)
			continue;
		reply = redis_reply(conn, n++);
		row->old = (struct consort_view){NULL, 0};
		if (redis_is_text(reply))
			status = keep(batch, reply->as.text, reply->size, &row->old);
		else if (redis_is_error(reply, "WRONGTYPE"))
			note(batch, row,
			     redis_job_refused(job, row->row, 'o', row->key.data, (size_t)row->key.size));
		else if (reply->kind == REDIS_REPLY_ERROR)
			status = redis_fail(conn, reply, job->shape->layout->resource, job->error);
		else if (job->kind == REDIS_UPDATE)
			note(batch, row,
			     redis_job_refused(job, row->row, 'm', row->key.data, (size_t)row->key.size));
	}
	return status;
}

/* Sets or swaps a row's document. */
static uint32_t add_write(struct batch *batch, const struct row *row)
{
	const struct redis_job *job = batch->job;
	const struct redis_layout *layout = job->shape->layout;
	struct redis_connection *conn = job->conn;
	int32_t slot = redis_slot(conn, row->key.data, (size_t)row->key.size);
	int64_t ttl = job->kind == REDIS_UPDATE ? 0 : layout->ttl;
	uint32_t status = redis_job_ends(job, row->row, &conn->text);
	bool ends = conn->text.size && strcmp(conn->text.data, "0") != 0;

	if (status)
		return status;
	if (conn->text.size)
		ttl = 0;
	consort_buffer_reset(&conn->more);
	status = redis_index_row(job, row->row, &conn->more);
	if (status)
		return status;
	if (row->old.data || layout->nindexes) {
		redis_add_script(conn, slot, REDIS_SCRIPT_ARGS + 6 + 3 * layout->nindexes, REDIS_SCRIPT_SWAP,
				 1 + 2 * layout->nindexes);
		redis_arg(conn, row->key.data, (size_t)row->key.size);
		redis_index_keys(layout, &conn->pipe.bytes);
		redis_arg(conn, row->old.data, (size_t)row->old.size);
		redis_arg(conn, row->document.data, (size_t)row->document.size);
		if (ttl)
			redis_arg_int(conn, ttl);
		else
			redis_arg_text(conn, "");
		redis_arg(conn, conn->text.data, conn->text.size);
		redis_arg_text(conn, row->old.data ? "" : "1");
		redis_arg_bytes(conn, conn->more.data, conn->more.size);
		conn->pipe.failed |= conn->more.failed;
		return CONSORT_OK;
	}
	redis_add(conn, slot, ttl || ends ? 6 : 4);
	redis_arg_text(conn, "SET");
	redis_arg(conn, row->key.data, (size_t)row->key.size);
	redis_arg(conn, row->document.data, (size_t)row->document.size);
	redis_arg_text(conn, "NX");
	if (ends) {
		redis_arg_text(conn, "PXAT");
		redis_arg(conn, conn->text.data, conn->text.size);
	} else if (ttl) {
		redis_arg_text(conn, "PX");
		redis_arg_int(conn, ttl);
	}
	return CONSORT_OK;
}

/* Writes those that are pending; who was late stays so. */
static uint32_t write_new(struct batch *batch)
{
	const struct redis_job *job = batch->job;
	struct redis_connection *conn = job->conn;
	uint32_t i, n = 0, status = CONSORT_OK;

	redis_begin(conn);
	for (i = 0; !status && i < batch->count; i++) {
		struct row *row = &batch->rows[i];

		if (!row->pending)
			continue;
		status = merge(batch, row);
		if (!status)
			status = add_write(batch, row);
		if (status) {
			note(batch, row, redis_job_failed(job, row->row));
			status = batch->worst;
		}
	}
	if (!status)
		status = redis_doubt(conn, redis_run(conn, job->error), job->error);
	for (i = 0; !status && i < batch->count; i++) {
		struct row *row = &batch->rows[i];
		const struct redis_reply *reply;

		if (!row->pending)
			continue;
		reply = redis_reply(conn, n++);
		if (reply->kind == REDIS_REPLY_ERROR) {
			redis_fail(conn, reply, job->shape->layout->resource, job->error);
			note(batch, row, redis_job_failed(job, row->row));
		} else if (redis_says(reply, "OK") ||
			   (reply->kind == REDIS_REPLY_INTEGER && reply->as.integer == 1)) {
			row->pending = false;
			job->result->affected++;
		} else if (job->kind == REDIS_INSERT) {
			note(batch, row,
			     redis_job_refused(job, row->row, 't', row->key.data, (size_t)row->key.size));
		}
	}
	return status;
}

static bool any_pending(const struct batch *batch)
{
	uint32_t i;

	for (i = 0; i < batch->count; i++)
		if (batch->rows[i].pending)
			return true;
	return false;
}

static uint32_t write_pending(struct batch *batch)
{
	const struct redis_job *job = batch->job;
	uint32_t status = CONSORT_OK, tries;

	for (tries = 0; !status && any_pending(batch); tries++) {
		if (tries == TRIES_MOST) {
			consort_error_set(
				job->error, CONSORT_ECONFLICT,
				"resource '%s': others changed the record each time it was to be written",
				job->shape->layout->resource->name);
			job->error->flags |= CONSORT_ERROR_RETRYABLE;
			return job->error->status;
		}
		if (job->kind != REDIS_INSERT)
			status = read_old(batch);
		if (!status)
			status = write_new(batch);
	}
	return status;
}

/* In a transaction: each row is decided by what its key holds, or will once the queue has run. */
static uint32_t queue_row(struct batch *batch, struct row *row)
{
	const struct redis_job *job = batch->job;
	const struct redis_layout *layout = job->shape->layout;
	struct redis_known *known = redis_tx_known(job->conn->tx, row->key.data, (size_t)row->key.size);
	char why = redis_tx_refuses(known, layout, job->kind);
	uint32_t status;

	if (why)
		return redis_job_refused(job, row->row, why, row->key.data, (size_t)row->key.size);
	row->old = known->text;
	status = merge(batch, row);
	if (!status)
		status = add_write(batch, row);
	if (!status)
		status = redis_tx_change(job->conn, known, layout, job->kind, &row->document, job->error);
	if (status)
		return redis_job_failed(job, row->row);
	job->result->affected++;
	return CONSORT_OK;
}

static uint32_t queue_all(struct batch *batch)
{
	const struct redis_job *job = batch->job;
	struct consort_view *keys = consort_arena_array(&batch->arena, batch->count, sizeof(*keys));
	uint32_t status = CONSORT_OK, i;

	if (!keys)
		return consort_error_no_memory(job->error);
	for (i = 0; i < batch->count; i++)
		keys[i] = batch->rows[i].key;
	status = redis_tx_watch(job->conn, keys, batch->count, REDIS_ASK_TEXT, job->error);
	if (status)
		return status;
	redis_tx_enter(job->conn, REDIS_SCRIPT_SWAP);
	for (i = 0; !status && i < batch->count; i++)
		status = queue_row(batch, &batch->rows[i]);
	redis_tx_leave(job->conn);
	return status;
}

uint32_t redis_write_documents(const struct redis_job *job, int64_t first, int64_t end)
{
	struct batch batch = {.job = job};
	uint32_t status = CONSORT_OK;

	consort_arena_init(&batch.arena, 0);
	batch.rows = consort_arena_array(&batch.arena, (size_t)(end - first), sizeof(*batch.rows));
	if (!batch.rows)
		status = consort_error_no_memory(job->error);
	if (!status)
		status = find_keys(&batch, first, end);
	if (!status)
		status = job->conn->tx ? queue_all(&batch) : write_pending(&batch);
	if (!status && batch.worst) {
		*job->error = batch.failure;
		status = batch.worst;
	}
	consort_arena_clear(&batch.arena);
	return status;
}
