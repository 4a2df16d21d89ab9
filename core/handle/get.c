/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record by its key. The plan is kept with the resource; where the adapter takes it whole, as nearly
 * every one does, the row goes from its cursor into the record's own batch and nothing else is made.
 */
#include "exec/cursor.h"
#include "handle/handle.h"

#define KEYS_INLINE 8

static enum consort_status not_found(const struct consort_access *access, struct consort_error *error)
{
	return consort_error_set(error, CONSORT_ENOTFOUND, "%s: there is no record with that key",
				 access->resource->name);
}

/* The record's row, empty. */
static enum consort_status ready_row(struct consort_record *r, const struct consort_step *step,
				     struct consort_error *error)
{
	if (r->row)
		return consort_batch_reset(r->row) ? (enum consort_status)consort_error_no_memory(error)
						   : CONSORT_OK;
	r->row = consort_batch_for_fields(step->fields, step->nfields, 1);
	return r->row ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
}

/* Straight from the adapter. */
static enum consort_status read_row(struct consort_handle_session *session, const struct consort_step *step,
				    const struct consort_value *key, uint32_t nkeys,
				    struct consort_batch *row, struct consort_error *error)
{
	const struct consort_query_ops *ops = step->database->plugin->query;
	const struct consort_run run = {.struct_size = sizeof(run), .nparameters = nkeys, .parameters = key};
	struct consort_connection *connection;
	enum consort_status status =
		session->base.acquire(&session->base, step->database, &connection, error);
	uint32_t answer;
	void *cursor;

	if (!status)
		status = consort_connection_ready(connection, error);
	if (status)
		return status;
	answer = ops->open(connection->context, &session->call, step->compiled, &run, &cursor, error);
	if (CONSORT_UNLIKELY(answer))
		return consort_connection_failed(connection, answer, error);
	answer = ops->next(cursor, &session->call, row, error);
	if (CONSORT_UNLIKELY(answer))
		status = consort_connection_failed(connection, answer, error);
	else if (CONSORT_UNLIKELY(consort_batch_check(row, error)))
		status = consort_connection_failed(connection, CONSORT_EPROTOCOL, error);
	ops->close(cursor);
	return status;
}

/* Through the executor, where the core has to help. */
static enum consort_status run_plan(struct consort *c, struct consort_plan *plan, struct consort_args key,
				    struct consort_batch *row, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_plan_start(c, plan, key, false, &rows, NULL, error);

	if (!status && consort_cursor_next(rows, error)) {
		status = consort_batch_copy_row(row, 0, rows->batch, rows->row);
		if (status)
			consort_error_no_memory(error);
		else
			consort_batch_end_row(row);
	}
	if (!status && consort_cursor_status(rows)) {
		status = consort_cursor_status(rows);
		if (error)
			*error = *consort_cursor_error(rows);
	}
	consort_cursor_close(rows);
	return status;
}

/* Key values as the key's types. */
static enum consort_status convert_key(struct consort_record *r, struct consort_args key,
				       struct consort_value *out, struct consort_error *error)
{
	const struct consort_access *access = r->access;
	uint32_t i;

	for (i = 0; i < access->resource->nkeys; i++) {
		/* a value of the right type is only borrowed; a conversion may need memory */
		bool same = consort_type_equal(key.values[i].type, access->key_types[i]);
		enum consort_status status = consort_access_key_value(
			access, i, &key.values[i], same ? NULL : &r->arena, &out[i], error);

		if (CONSORT_UNLIKELY(status))
			return status;
	}
	return CONSORT_OK;
}

static enum consort_status fill(struct consort_handle_session *session, struct consort_record *r,
				struct consort_args key, struct consort_error *error)
{
	struct consort_access *access = r->access;
	struct consort_value values[KEYS_INLINE];
	struct consort_plan *plan;
	enum consort_status status = consort_access_check_key(access, key.count, error);

	if (!status)
		status = consort_access_get_plan(access, &plan, error);
	if (!status)
		status = ready_row(r, plan->step, error);
	if (status)
		return status;
	if (plan->step->kind == CONSORT_STEP_REMOTE && plan->step->at_most_one && key.count <= KEYS_INLINE) {
		status = convert_key(r, key, values, error);
		if (!status)
			status = read_row(session, plan->step, values, (uint32_t)key.count, r->row, error);
	} else {
		status = run_plan(session->handle, plan, key, r->row, error);
	}
	if (!status && !r->row->nrows)
		status = not_found(access, error);
	return status;
}

/* Is this a record to fill again? */
static bool is_record_of(const struct consort_record *r, const struct consort *c, const char *resource)
{
	return r->access && r->handle->root == c->root && !strcmp(r->access->resource->name, resource);
}

/* Is what its resource looks like still known to be so? */
static bool is_current(const struct consort_record *r)
{
	return __atomic_load_n(&r->access->generation, __ATOMIC_ACQUIRE) ==
	       consort_catalog_generation(&r->access->root->catalog);
}

/* The record to fill: the given one, or a new one if there is none, or if its resource was defined anew. */
static enum consort_status find_record(struct consort_handle_session *session, const char *resource,
				       struct consort_record **record, struct consort_error *error)
{
	struct consort_record *r = *record;
	struct consort_access *access;
	enum consort_status status;

	if (r && !is_record_of(r, session->handle, resource))
		return consort_error_set(error, CONSORT_EINVAL,
					 "*out_record is neither NULL nor a record of '%s'", resource);
	if (CONSORT_LIKELY(r && is_current(r)))
		return CONSORT_OK;
	status = consort_access_open(session, resource, &access, error);
	if (status || (r && r->access == access))
		return status;
	return consort_record_make(session->handle, access, record, error);
}

enum consort_status consort_get(struct consort *c, const char *resource, struct consort_args key,
				struct consort_record **out_record, struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, resource, CONSORT_GIVEN(key.values || !key.count), out_record);
	struct consort_handle_session session;
	struct consort_record *r;
	struct consort_error spare;

	if (!status)
		status = consort_handle_check(c, error);
	if (CONSORT_UNLIKELY(status))
		return status;
	r = *out_record;
	consort_error_need(&error, &spare);
	consort_session_begin(&session, c);
	do {
		status = find_record(&session, resource, &r, error);
		if (status)
			break;
		if (CONSORT_UNLIKELY(r->touched || r->error))
			consort_record_clear(r);
		else
			consort_arena_reset(&r->arena);
		r->has_row = false;
		status = fill(&session, r, key, error);
	} while (CONSORT_UNLIKELY(status) && consort_session_again(&session, error));
	consort_session_end(&session);
	if (!status) {
		r->has_row = true;
		if (r != *out_record)
			consort_record_free(*out_record);
		*out_record = r;
	} else if (r != *out_record) {
		consort_record_free(r);
	}
	return status;
}
