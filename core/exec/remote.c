/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from an adapter. While its cursor is open it is listed with the connection, whose next statement may
 * ask it to drain: it then reads the rest into memory and goes on from there.
 */
#include "exec/exec.h"

#include <stddef.h>

/* A batch that was read ahead. */
struct drained {
	struct drained *next;
	struct consort_batch *batch;
};

struct remote {
	struct consort_operator op;
	struct consort_open_cursor open;
	struct consort_connection *connection;
	struct consort_database *database;
	void *cursor; /* the adapter's; NULL: none */
	struct consort_type *types;
	uint32_t ntypes;
	struct consort_batch *batch;
	struct drained *first, **last;
	struct drained *current; /* the one that was handed out */
	uint64_t drained_bytes;
	const char *ended;	       /* why reading on fails */
	struct consort_error *failure; /* what follows the rows that came before it; NULL: nothing */
	int64_t max_rows;
};

static struct remote *of_open(struct consort_open_cursor *cursor)
{
	return (struct remote *)(void *)((char *)cursor - offsetof(struct remote, open));
}

static void close_cursor(struct remote *remote)
{
	if (!remote->cursor)
		return;
	remote->database->plugin->query->close(remote->cursor);
	remote->cursor = NULL;
	remote->open.busy = false;
}

static void free_drained(struct remote *remote)
{
	while (remote->first) {
		struct drained *drained = remote->first;

		remote->first = drained->next;
		consort_batch_free(drained->batch);
		free(drained);
	}
	if (remote->current) {
		consort_batch_free(remote->current->batch);
		free(remote->current);
		remote->current = NULL;
	}
	remote->last = &remote->first;
	consort_exec_discharge(remote->op.exec, remote->drained_bytes);
	remote->drained_bytes = 0;
}

/* Takes back what was appended behind the last whole row; false if there are no whole rows. */
static bool trim(struct consort_batch *batch)
{
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++) {
		struct consort_column *column = &batch->columns[i];

		if (column->length < batch->nrows)
			return false;
		for (; column->length > batch->nrows; column->length--)
			column->null_count -= consort_column_is_null(column, column->length - 1);
	}
	return batch->nrows > 0;
}

/* The adapter failed. Whole rows that came before are given first, unless nobody waits for them. */
static enum consort_status fetch_failed(struct remote *remote, enum consort_status status,
					struct consort_batch *batch, struct consort_error *error)
{
	struct consort_error failure;

	consort_error_need(&error, &failure);
	status = consort_connection_failed(remote->connection, status, error);
	close_cursor(remote);
	if (status == CONSORT_ECANCELLED || status == CONSORT_ETIMEOUT || !trim(batch))
		return status;
	remote->failure = malloc(sizeof(*remote->failure));
	if (!remote->failure)
		return status;
	*remote->failure = *error;
	*error = (struct consort_error)CONSORT_ERROR_INIT; /* not yet */
	return CONSORT_OK;
}

/* One batch from the adapter; nrows 0 at the end. Closes the adapter's cursor when it has no more. */
static enum consort_status fetch(struct remote *remote, struct consort_batch *batch,
				 struct consort_error *error)
{
	enum consort_status status = consort_batch_reset(batch);

	if (status)
		return consort_error_no_memory(error);
	status = remote->database->plugin->query->next(remote->cursor, &remote->op.exec->call, batch, error);
	if (CONSORT_UNLIKELY(status))
		return fetch_failed(remote, status, batch, error);
	status = consort_batch_check(batch, error);
	if (CONSORT_UNLIKELY(status)) {
		close_cursor(remote);
		return consort_connection_failed(remote->connection, status, error);
	}
	if (!batch->nrows || (batch->flags & CONSORT_BATCH_LAST))
		close_cursor(remote);
	return CONSORT_OK;
}

static enum consort_status drain(struct consort_open_cursor *open, struct consort_error *error)
{
	struct remote *remote = of_open(open);
	struct consort_error local = CONSORT_ERROR_INIT;
	enum consort_status status = CONSORT_OK;

	while (!status && remote->cursor) {
		struct drained *drained = calloc(1, sizeof(*drained));
		struct consort_batch *batch = consort_batch_new(remote->types, remote->ntypes,
								CONSORT_BATCH_ROWS, CONSORT_BATCH_BYTES);
		uint64_t bytes;

		if (!drained || !batch) {
			free(drained);
			consort_batch_free(batch);
			status = consort_error_no_memory(&local);
			break;
		}
		drained->batch = batch;
		*remote->last = drained;
		remote->last = &drained->next;
		status = fetch(remote, batch, &local);
		bytes = consort_batch_memory(batch);
		if (!status)
			status = consort_exec_charge(remote->op.exec, bytes, &local);
		if (!status)
			remote->drained_bytes += bytes;
	}
	if (status == CONSORT_ENOMEM) {
		consort_error_prefix(&local, "an open cursor on '%s' could not be kept for later",
				     remote->database->name);
		if (error)
			*error = local;
	}
	if (!status)
		return CONSORT_OK;
	close_cursor(remote);
	remote->ended = "its rows could not be kept when another statement followed";
	/* a cursor that was late or cancelled anyway does not hold up the statement */
	return status == CONSORT_ENOMEM ? status : CONSORT_OK;
}

static void end(struct consort_open_cursor *open, const char *why)
{
	struct remote *remote = of_open(open);

	close_cursor(remote);
	free_drained(remote);
	remote->ended = why;
	/* the connection is no longer this run's */
	consort_connection_remove_cursor(remote->connection, open);
	remote->connection = NULL;
}

/* The next drained batch, if there is one. */
static bool take_drained(struct remote *remote, struct consort_batch **out_batch)
{
	struct drained *drained;

	if (remote->current) {
		consort_batch_free(remote->current->batch);
		free(remote->current);
		remote->current = NULL;
	}
	drained = remote->first;
	if (!drained)
		return false;
	remote->first = drained->next;
	if (!remote->first)
		remote->last = &remote->first;
	remote->current = drained;
	*out_batch = drained->batch->nrows ? drained->batch : NULL;
	return true;
}

/* Why there are no more rows: OK, or what the adapter failed with behind the last one. */
static enum consort_status at_end(const struct remote *remote, struct consort_error *error)
{
	if (!remote->failure)
		return CONSORT_OK;
	if (error)
		*error = *remote->failure;
	return (enum consort_status)remote->failure->status;
}

static enum consort_status next(struct consort_operator *op, struct consort_batch **out_batch,
				struct consort_error *error)
{
	struct remote *remote = (struct remote *)op;
	enum consort_status status;

	if (CONSORT_UNLIKELY(remote->ended))
		return consort_error_set(error, CONSORT_EINVAL, "the cursor cannot be read on: %s",
					 remote->ended);
	if (CONSORT_UNLIKELY(remote->first || remote->current) && take_drained(remote, out_batch))
		return CONSORT_OK;
	if (!remote->cursor) {
		*out_batch = NULL;
		return at_end(remote, error);
	}
	if (!remote->batch) {
		remote->batch = consort_batch_new(remote->types, remote->ntypes, remote->max_rows,
						  CONSORT_BATCH_BYTES);
		if (!remote->batch)
			return consort_error_no_memory(error);
	}
	status = fetch(remote, remote->batch, error);
	if (status)
		return status;
	*out_batch = remote->batch->nrows ? remote->batch : NULL;
	return CONSORT_OK;
}

static void close_remote(struct consort_operator *op)
{
	struct remote *remote = (struct remote *)op;

	close_cursor(remote);
	free_drained(remote);
	consort_batch_free(remote->batch);
	if (remote->connection) {
		consort_connection_remove_cursor(remote->connection, &remote->open);
		op->exec->session->release(op->exec->session, remote->connection);
	}
	free(remote->failure);
	free(remote->types);
	free(remote);
}

static const struct consort_operator_ops operations = {.next = next, .close = close_remote};

/* An operator with a connection, but no cursor yet. */
static enum consort_status new_remote(struct consort_exec *exec, struct consort_database *database,
				      struct remote **out_remote, struct consort_error *error)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	enum consort_status status;

	if (!remote)
		return consort_error_no_memory(error);
	remote->op.ops = &operations;
	remote->op.exec = exec;
	remote->database = database;
	remote->open.drain = drain;
	remote->open.end = end;
	remote->last = &remote->first;
	remote->max_rows = CONSORT_BATCH_ROWS;
	status = exec->session->acquire(exec->session, database, &remote->connection, error);
	if (status) {
		free(remote);
		return status;
	}
	consort_connection_add_cursor(remote->connection, &remote->open);
	*out_remote = remote;
	return CONSORT_OK;
}

static enum consort_status set_types(struct remote *remote, const struct consort_field *const *fields,
				     uint32_t nfields, struct consort_error *error)
{
	uint32_t i;

	remote->types = calloc(nfields ? nfields : 1, sizeof(*remote->types));
	if (!remote->types)
		return consort_error_no_memory(error);
	for (i = 0; i < nfields; i++)
		remote->types[i] = fields[i]->type;
	remote->ntypes = nfields;
	return CONSORT_OK;
}

enum consort_status consort_remote_restart(struct consort_operator *op, const struct consort_batch *keys,
					   struct consort_error *error)
{
	struct remote *remote = (struct remote *)op;
	struct consort_exec *exec = op->exec;
	const struct consort_run run = {.struct_size = sizeof(run),
					.nparameters = exec->nparameters,
					.parameters = exec->parameters,
					.keys = keys};
	enum consort_status status;
	void *cursor;

	close_cursor(remote);
	free_drained(remote);
	if (remote->ended)
		return consort_error_set(error, CONSORT_EINVAL, "the cursor cannot be read on: %s",
					 remote->ended);
	status = at_end(remote, error);
	if (!status)
		status = consort_connection_ready(remote->connection, error);
	if (status)
		return status;
	status = remote->database->plugin->query->open(remote->connection->context, &exec->call,
						       op->step->compiled, &run, &cursor, error);
	if (status)
		return consort_connection_failed(remote->connection, status, error);
	remote->cursor = cursor;
	remote->open.busy = true;
	return CONSORT_OK;
}

enum consort_status consort_remote_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error)
{
	struct remote *remote = NULL;
	enum consort_status status = new_remote(exec, step->database, &remote, error);

	if (status)
		return status;
	remote->op.step = step;
	if (step->at_most_one)
		remote->max_rows = 1;
	status = set_types(remote, step->fields, step->nfields, error);
	if (!status && !step->keyed)
		status = consort_remote_restart(&remote->op, NULL, error);
	if (status) {
		close_remote(&remote->op);
		return status;
	}
	*out_operator = &remote->op;
	return CONSORT_OK;
}

enum consort_status consort_native_open(struct consort_exec *exec, struct consort_database *database,
					const char *text, struct consort_operator **out_operator,
					const struct consort_field *const **out_fields, uint32_t *out_nfields,
					int64_t *out_affected, struct consort_error *error)
{
	const struct consort_run run = {
		.struct_size = sizeof(run), .nparameters = exec->nparameters, .parameters = exec->parameters};
	struct remote *remote = NULL;
	enum consort_status status = new_remote(exec, database, &remote, error);
	void *cursor;

	if (status)
		return status;
	status = consort_database_need(database, CONSORT_FEATURE_NATIVE, error);
	if (!status)
		status = consort_connection_ready(remote->connection, error);
	if (status)
		goto fail;
	*out_nfields = 0;
	*out_affected = -1;
	status = database->plugin->native->open(remote->connection->context, &exec->call, text, &run, &cursor,
						out_fields, out_nfields, out_affected, error);
	if (status) {
		status = consort_connection_failed(remote->connection, status, error);
		goto fail;
	}
	remote->cursor = cursor;
	remote->open.busy = true;
	status = set_types(remote, *out_fields, *out_nfields, error);
	if (status)
		goto fail;
	*out_operator = &remote->op;
	return CONSORT_OK;
fail:
	close_remote(&remote->op);
	return status;
}
