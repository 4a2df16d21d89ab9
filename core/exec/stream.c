/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of a cursor as an Arrow C stream: batches move out of the cursor without being copied. */
#include "exec/cursor.h"

#include <errno.h>

struct stream {
	struct consort_cursor rows;
	struct consort_batch *rest; /* rows left of a batch that was being read by rows */
};

static int errno_of(enum consort_status status)
{
	switch (status) {
	case CONSORT_ENOMEM:
		return ENOMEM;
	case CONSORT_ECANCELLED:
		return ECANCELED;
	case CONSORT_ETIMEOUT:
		return ETIMEDOUT;
	case CONSORT_EINVAL:
	case CONSORT_ETYPE:
	case CONSORT_ERANGE:
		return EINVAL;
	default:
		return EIO;
	}
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct stream *state = stream->private_data;
	enum consort_status status =
		consort_fields_schema(state->rows.fields, state->rows.nfields, out, &state->rows.error);

	return status ? errno_of(status) : 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct stream *state = stream->private_data;
	struct consort_cursor *rows = &state->rows;
	struct consort_batch *batch = state->rest;
	enum consort_status status;

	memset(out, 0, sizeof(*out)); /* released: the end */
	if (rows->stamp && *rows->stamp != consort_fork_count)
		consort_error_set(&rows->error, CONSORT_EFORKED, "this stream belongs to the parent process");
	if (rows->error.status)
		return errno_of((enum consort_status)rows->error.status);
	if (batch) {
		state->rest = NULL;
		status = consort_batch_take_array(batch, out, &rows->error);
		consort_batch_free(batch);
		return status ? errno_of(status) : 0;
	}
	if (rows->ended)
		return 0;
	status = consort_cursor_pull(rows, &batch, &rows->error);
	if (status)
		return errno_of(status);
	if (!batch) {
		rows->ended = true;
		return 0;
	}
	status = consort_batch_take_array(batch, out, &rows->error);
	return status ? errno_of(status) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
	struct stream *state = stream->private_data;

	return state->rows.error.status ? consort_error_text(&state->rows.error) : NULL;
}

static void release(struct ArrowArrayStream *stream)
{
	struct stream *state = stream->private_data;

	consort_batch_free(state->rest);
	/* in a child of a fork its connection, and what that holds, stay as they are */
	if (!state->rows.stamp || *state->rows.stamp == consort_fork_count) {
		consort_operator_close(state->rows.op);
		if (state->rows.owner_free)
			state->rows.owner_free(state->rows.owner);
	}
	consort_arena_clear(&state->rows.scratch);
	free(state);
	stream->release = NULL;
}

/* The rows behind the current one, in a batch of their own; NULL if there are none. */
static enum consort_status take_rest(struct consort_cursor *rows, struct consort_batch **out_rest)
{
	struct consort_batch *rest;
	int64_t row;

	*out_rest = NULL;
	if (!rows->batch || rows->row + 1 >= rows->batch->nrows)
		return CONSORT_OK;
	rest = consort_batch_for_fields(rows->fields, rows->nfields, rows->batch->nrows);
	if (!rest)
		return CONSORT_ENOMEM;
	for (row = rows->row + 1; row < rows->batch->nrows; row++) {
		if (consort_batch_copy_row(rest, 0, rows->batch, row)) {
			consort_batch_free(rest);
			return CONSORT_ENOMEM;
		}
		consort_batch_end_row(rest);
	}
	*out_rest = rest;
	return CONSORT_OK;
}

enum consort_status consort_cursor_take_stream(struct consort_cursor *rows,
					       struct ArrowArrayStream *out_stream,
					       struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, rows, out_stream);
	struct stream *state;

	if (status)
		return status;
	if (rows->error.status) {
		if (error)
			*error = rows->error;
		return (enum consort_status)rows->error.status;
	}
	state = calloc(1, sizeof(*state));
	if (!state)
		return consort_error_no_memory(error);
	if (take_rest(rows, &state->rest)) {
		free(state);
		return consort_error_no_memory(error);
	}
	state->rows = *rows;
	state->rows.batch = NULL;
	rows->op = NULL;
	rows->owner_free = NULL;
	rows->batch = NULL;
	rows->ended = true;
	consort_arena_init(&rows->scratch, 0);
	/* the names of columns live with the owner, which the stream has now */
	rows->nfields = 0;
	rows->fields = NULL;
	rows->stamp = NULL;
	rows->owner = NULL;
	*out_stream = (struct ArrowArrayStream){.get_schema = get_schema,
						.get_next = get_next,
						.get_last_error = get_last_error,
						.release = release,
						.private_data = state};
	return CONSORT_OK;
}
