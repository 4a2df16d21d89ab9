/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of rows, in batches that end by rows and by bytes like any other. */
#include "exec/tables.h"

void consort_rows_init(struct consort_rows *rows, struct consort_exec *exec,
		       const struct consort_field *const *fields, uint32_t nfields)
{
	memset(rows, 0, sizeof(*rows));
	rows->exec = exec;
	rows->fields = fields;
	rows->nfields = nfields;
}

void consort_rows_clear(struct consort_rows *rows)
{
	uint32_t i;

	if (!rows->exec)
		return;
	for (i = 0; i < rows->nbatches; i++)
		consort_batch_free(rows->batches[i]);
	free(rows->batches);
	consort_exec_discharge(rows->exec, rows->charged);
	consort_rows_init(rows, rows->exec, rows->fields, rows->nfields);
}

static enum consort_status charge(struct consort_rows *rows, uint64_t bytes, struct consort_error *error)
{
	enum consort_status status = consort_exec_charge(rows->exec, bytes, error);

	if (!status)
		rows->charged += bytes;
	return status;
}

static enum consort_status add_batch(struct consort_rows *rows, struct consort_error *error)
{
	struct consort_batch **batches, *batch;
	uint32_t n = rows->nbatches;

	/* a power of two: the array is full */
	if (!(n & (n - 1))) {
		batches = realloc(rows->batches, (n ? (size_t)n * 2 : 1) * sizeof(struct consort_batch *));
		if (!batches)
			return consort_error_no_memory(error);
		rows->batches = batches;
	}
	batch = consort_batch_for_fields(rows->fields, rows->nfields, CONSORT_BATCH_ROWS);
	if (!batch)
		return consort_error_no_memory(error);
	rows->batches[rows->nbatches++] = batch;
	return charge(rows, consort_batch_memory(batch), error);
}

/* The batch that has room for a row. */
static enum consort_status open_batch(struct consort_rows *rows, struct consort_batch **out_batch,
				      struct consort_error *error)
{
	struct consort_batch *last = rows->nbatches ? rows->batches[rows->nbatches - 1] : NULL;
	enum consort_status status = CONSORT_OK;

	if (!last || last->nrows >= last->max_rows || last->bytes >= last->max_bytes)
		status = add_batch(rows, error);
	if (!status)
		*out_batch = rows->batches[rows->nbatches - 1];
	return status;
}

enum consort_status consort_rows_add(struct consort_rows *rows, const struct consort_batch *batch,
				     uint32_t row, struct consort_row *out_place, struct consort_error *error)
{
	struct consort_batch *to = NULL;
	enum consort_status status = open_batch(rows, &to, error);
	uint64_t before;

	if (status)
		return status;
	before = consort_batch_memory(to);
	status = consort_batch_copy_row(to, 0, batch, row);
	if (status)
		return consort_batch_failed(status, error);
	out_place->batch = rows->nbatches - 1;
	out_place->row = (uint32_t)to->nrows;
	consort_batch_end_row(to);
	rows->count++;
	return charge(rows, consort_batch_memory(to) - before, error);
}

enum consort_status consort_rows_add_all(struct consort_rows *rows, const struct consort_batch *batch,
					 uint32_t first, uint32_t count, struct consort_error *error)
{
	/* rows that are large as a whole go one by one, so that the batches end where they should */
	const uint32_t most = batch->bytes > CONSORT_BATCH_BYTES ? 1 : CONSORT_BATCH_ROWS;
	uint32_t numbers[CONSORT_BATCH_ROWS], done, some, i;

	for (done = 0; done < count; done += some) {
		struct consort_batch *to = NULL;
		enum consort_status status = open_batch(rows, &to, error);
		uint64_t before;

		if (status)
			return status;
		before = consort_batch_memory(to);
		some = (uint32_t)(to->max_rows - to->nrows);
		some = some < most ? some : most;
		some = some < count - done ? some : count - done;
		for (i = 0; i < some; i++)
			numbers[i] = first + done + i;
		status = consort_batch_gather(to, batch, numbers, some, error);
		if (status)
			return status;
		rows->count += some;
		status = charge(rows, consort_batch_memory(to) - before, error);
		if (status)
			return status;
	}
	return CONSORT_OK;
}
