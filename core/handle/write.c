/* SPDX-License-Identifier: Apache-2.0 */
/* Create, update, upsert and delete of one record: the shape of the write, a row of that shape, one call. */
#include "handle/handle.h"

#define KEYS_MOST 16

typedef uint32_t write_fn(void *connection, const struct consort_call *call,
			  const struct consort_write *write, const struct consort_batch *rows,
			  struct consort_write_result *result, struct consort_error *error);

static uint32_t feature_of(uint32_t kind)
{
	switch (kind) {
	case CONSORT_WRITE_INSERT:
		return CONSORT_FEATURE_CREATE;
	case CONSORT_WRITE_UPDATE:
		return CONSORT_FEATURE_UPDATE;
	case CONSORT_WRITE_DELETE:
		return CONSORT_FEATURE_DELETE;
	default:
		return CONSORT_FEATURE_UPSERT;
	}
}

static write_fn *slot_of(const struct consort_write_ops *ops, uint32_t kind)
{
	switch (kind) {
	case CONSORT_WRITE_INSERT:
		return ops->insert;
	case CONSORT_WRITE_UPDATE:
		return ops->update;
	case CONSORT_WRITE_DELETE:
		return ops->remove;
	default:
		return ops->upsert;
	}
}

/* --- without bulk write: a call a row --- */

struct one_row {
	struct consort_write_result *result;
	int64_t row;
};

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	const struct one_row *one = context;

	(void)row;
	one->result->row_failed(one->result->context, one->row, error);
}

static enum consort_status write_rows(struct consort_connection *connection, const struct consort_call *call,
				      const struct consort_shape *shape, write_fn *fn,
				      const struct consort_batch *rows, struct consort_write_result *result,
				      struct consort_error *error)
{
	struct consort_batch *single =
		consort_batch_new(shape->types, shape->write.nattributes, 1, UINT64_MAX);
	struct one_row one = {result, 0};
	struct consort_write_result of_one = *result;
	uint32_t status = CONSORT_OK;

	if (!single)
		return consort_error_no_memory(error);
	of_one.context = &one;
	of_one.row_failed = row_failed;
	for (; !status && one.row < rows->nrows; one.row++) {
		status = consort_batch_reset(single);
		if (!status)
			status = consort_batch_copy_row(single, 0, rows, one.row);
		if (status) {
			consort_error_no_memory(error);
			break;
		}
		consort_batch_end_row(single);
		of_one.affected = 0;
		status = fn(connection->context, call, &shape->write, single, &of_one, error);
		result->affected += of_one.affected;
	}
	consort_batch_free(single);
	return (enum consort_status)status;
}

enum consort_status consort_write_check(const struct consort_database *database,
					const struct consort_resource *resource, uint32_t kind,
					struct consort_error *error)
{
	enum consort_status status = consort_database_need(database, feature_of(kind), error);

	if (!status && resource->flags & CONSORT_RESOURCE_READ_ONLY)
		status = consort_error_set(error, CONSORT_EREADONLY, "%s: is read-only (a view, or a file)",
					   resource->name);
	return status;
}

enum consort_status consort_write_batch(struct consort_handle_session *session,
					struct consort_database *database, const struct consort_shape *shape,
					const struct consort_batch *rows, struct consort_write_result *result,
					struct consort_error *error)
{
	struct consort_connection *connection;
	enum consort_status status = session->base.acquire(&session->base, database, &connection, error);
	uint32_t answer;
	write_fn *fn;

	if (!status)
		status = consort_write_check(database, shape->write.resource, shape->kind, error);
	if (!status)
		status = consort_connection_ready(connection, error);
	if (status)
		return status;
	fn = slot_of(database->plugin->write, shape->kind);
	if (rows->nrows > 1 && !consort_database_has(database, CONSORT_FEATURE_BULK_WRITE))
		answer = write_rows(connection, &session->call, shape, fn, rows, result, error);
	else
		answer = fn(connection->context, &session->call, &shape->write, rows, result, error);
	if (CONSORT_UNLIKELY(answer))
		return consort_connection_failed(connection, answer, error);
	return CONSORT_OK;
}

/* --- shapes of records --- */

struct consort_batch *consort_shape_batch(const struct consort_shape *shape)
{
	return consort_batch_bounded(shape->types, shape->write.nattributes,
				     shape->kind == CONSORT_WRITE_INSERT ? CONSORT_CREATE_ROWS
									 : CONSORT_WRITE_ROWS);
}

#define POSITIONS_INLINE 64

struct positions {
	uint32_t fixed[2 * POSITIONS_INLINE];
	uint32_t *attributes, *returning;
	uint32_t nattributes, nreturning;
};

static bool begin_positions(struct positions *positions, uint32_t count)
{
	positions->attributes = positions->fixed;
	if (count > POSITIONS_INLINE)
		positions->attributes = malloc(2 * (size_t)count * sizeof(uint32_t));
	if (!positions->attributes)
		return false;
	positions->returning = positions->attributes + (count > POSITIONS_INLINE ? count : POSITIONS_INLINE);
	positions->nattributes = positions->nreturning = 0;
	return true;
}

static void end_positions(struct positions *positions)
{
	if (positions->attributes != positions->fixed)
		free(positions->attributes);
}

static bool is_key(const struct consort_resource *resource, uint32_t position)
{
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++)
		if (resource->keys[i] == position)
			return true;
	return false;
}

/* Every key attribute must be there, and an update must not have changed one that was read. */
static enum consort_status check_keys(const struct consort_record *r, uint32_t kind,
				      struct consort_error *error)
{
	const struct consort_resource *resource = r->access->resource;
	enum consort_status status = consort_access_check_key(r->access, resource->nkeys, error);
	uint32_t i;

	for (i = 0; !status && i < resource->nkeys; i++) {
		uint32_t at = resource->keys[i];
		struct consort_value value = consort_record_at(r, at), before;

		if (consort_value_is_null(&value))
			return consort_error_set(error, CONSORT_EINVAL, "%s.%s: the key must be set",
						 resource->name, resource->attributes[at]->name);
		if (kind != CONSORT_WRITE_UPDATE || !r->has_row || r->states[at] != CONSORT_CHANGED)
			continue;
		before = consort_batch_value(r->row, at, 0, NULL);
		if (consort_value_is_null(&before) || consort_value_compare(&before, &value))
			return consort_error_set(
				error, CONSORT_EINVAL,
				"%s.%s: an update cannot change the key; create a new record instead",
				resource->name, resource->attributes[at]->name);
	}
	return status;
}

enum consort_status consort_record_shape(struct consort_record *r, uint32_t kind, uint32_t flags,
					 bool returning, const struct consort_shape **out_shape,
					 struct consort_error *error)
{
	const struct consort_resource *resource = r->access->resource;
	struct consort_shape_request request = {.kind = kind, .flags = flags};
	enum consort_status status = CONSORT_OK;
	struct positions positions;
	uint32_t i;

	if (kind != CONSORT_WRITE_INSERT)
		status = check_keys(r, kind, error);
	if (status)
		return status;
	if (!begin_positions(&positions, resource->nattributes))
		return consort_error_no_memory(error);
	for (i = 0; i < resource->nattributes; i++) {
		if (kind == CONSORT_WRITE_UPDATE && is_key(resource, i))
			continue;
		if (r->states[i] == CONSORT_CHANGED || (kind == CONSORT_WRITE_UPSERT && is_key(resource, i)))
			positions.attributes[positions.nattributes++] = i;
		else if (returning && resource->attributes[i]->flags &
					      (CONSORT_ATTRIBUTE_GENERATED | CONSORT_ATTRIBUTE_READ_ONLY))
			positions.returning[positions.nreturning++] = i;
	}
	if (kind == CONSORT_WRITE_UPDATE && positions.nattributes) {
		for (i = 0; i < resource->nkeys; i++)
			positions.attributes[positions.nattributes++] = resource->keys[i];
		request.nkeys = resource->nkeys;
	}
	request.attributes = positions.attributes;
	request.nattributes = positions.nattributes;
	request.returning = positions.returning;
	request.nreturning = positions.nreturning;
	status = consort_access_shape(r->access, &request, out_shape, error);
	end_positions(&positions);
	return status;
}

/* The value, which is copied only if it was read. */
static const struct consort_value *value_at(const struct consort_record *r, uint32_t position,
					    struct consort_value *room)
{
	if (r->states[position] != CONSORT_FROM_ROW)
		return &r->values[position];
	*room = consort_record_at(r, position);
	return room;
}

enum consort_status consort_record_append(const struct consort_record *r, const struct consort_shape *shape,
					  struct consort_batch *batch, struct consort_error *error)
{
	struct consort_value read;
	uint32_t i;

	for (i = 0; i < shape->write.nattributes; i++)
		if (consort_append_value(batch, &batch->columns[i],
					 value_at(r, shape->write.attributes[i], &read)))
			return consort_error_no_memory(error);
	consort_batch_end_row(batch);
	return CONSORT_OK;
}

void consort_record_written(struct consort_record *r)
{
	uint32_t i;

	for (i = 0; i < r->access->resource->nattributes; i++)
		if (r->states[i] == CONSORT_CHANGED)
			r->states[i] = CONSORT_KEPT;
}

/* --- one record --- */

/* The only row's failure is the call's. */
static void keep_failure(void *context, int64_t row, const struct consort_error *error)
{
	(void)row;
	*(struct consort_error *)context = *error;
}

static enum consort_status ready_written(struct consort_record *r, const struct consort_shape *shape,
					 struct consort_error *error)
{
	if (r->shape == shape && r->written) {
		if (consort_batch_reset(r->written))
			return consort_error_no_memory(error);
		return CONSORT_OK;
	}
	consort_batch_free(r->written);
	r->shape = shape;
	r->written = consort_batch_new(shape->types, shape->write.nattributes, 1, UINT64_MAX);
	return r->written ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
}

/* What the database told of the row that was written. */
static enum consort_status keep_returned(struct consort_record *r, const struct consort_shape *shape,
					 const struct consort_batch *returned, struct consort_error *error)
{
	struct consort_arena scratch;
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	if (!returned || !returned->nrows)
		return CONSORT_OK;
	consort_arena_init(&scratch, 0);
	for (i = 0; !status && i < shape->write.nreturning; i++) {
		const struct consort_value value = consort_batch_value(returned, i, 0, &scratch);

		status = consort_record_keep(r, shape->write.returning[i], &value, error);
	}
	consort_arena_clear(&scratch);
	return status;
}

/* The record as the database has it now. */
static enum consort_status read_again(struct consort *c, const struct consort_record *r,
				      struct consort_record **out_again, struct consort_error *error)
{
	const struct consort_resource *resource = r->access->resource;
	struct consort_value key[KEYS_MOST];
	struct consort_args args = {key, resource->nkeys};
	uint32_t i;

	if (resource->nkeys > KEYS_MOST)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "%s: the key has more than %d attributes", resource->name,
					 KEYS_MOST);
	for (i = 0; i < resource->nkeys; i++)
		key[i] = consort_record_at(r, resource->keys[i]);
	return consort_get(c, resource->name, args, out_again, error);
}

static enum consort_status check_exists(struct consort *c, const struct consort_record *r,
					struct consort_error *error)
{
	struct consort_record *again = NULL;
	enum consort_status status = read_again(c, r, &again, error);

	consort_record_free(again);
	return status;
}

/* Without RETURNING: what was generated is read, if the key is known. The record is written in any case: what
 * cannot be read stays unknown. */
static void read_generated(struct consort *c, struct consort_record *r, const struct consort_shape *shape)
{
	const struct consort_resource *resource = r->access->resource;
	struct consort_record *again = NULL;
	struct consort_error error;
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++) {
		const struct consort_value value = consort_record_at(r, resource->keys[i]);

		if (consort_value_is_null(&value))
			return;
	}
	if (c->tx && !consort_database_has(r->access->database, CONSORT_FEATURE_READ_YOUR_WRITES))
		return; /* what would be read is what was there before */
	if (!resource->nkeys || read_again(c, r, &again, &error))
		return;
	for (i = 0; again->access == r->access && i < shape->write.nreturning; i++) {
		const struct consort_value value = consort_record_at(again, shape->write.returning[i]);

		if (consort_record_keep(r, shape->write.returning[i], &value, &error))
			break;
	}
	consort_record_free(again);
}

static enum consort_status write_row(struct consort *c, struct consort_record *r,
				     const struct consort_shape *shape, struct consort_error *error)
{
	struct consort_write_result result = {.struct_size = sizeof(result), .row_failed = keep_failure};
	struct consort_shape plain;
	struct consort_database *database = r->access->database;
	struct consort_handle_session session;
	struct consort_connection *connection;
	enum consort_status status;

	error->status = CONSORT_OK;
	result.context = error;
	consort_session_begin(&session, c);
	/* connecting tells whether it can return what it generated */
	status = session.base.acquire(&session.base, database, &connection, error);
	if (!status && shape->write.nreturning && consort_database_has(database, CONSORT_FEATURE_RETURNING)) {
		result.returned = consort_batch_new(shape->returned, shape->write.nreturning, 1, UINT64_MAX);
		if (!result.returned)
			status = consort_error_no_memory(error);
	} else if (!status && shape->write.nreturning) {
		plain = *shape;
		plain.write.nreturning = 0;
		shape = &plain;
	}
	if (!status)
		status = consort_write_batch(&session, database, shape, r->written, &result, error);
	if (!status && error->status)
		status = consort_connection_failed(connection, error->status, error);
	if (!status && !result.affected && shape->kind != CONSORT_WRITE_INSERT &&
	    shape->kind != CONSORT_WRITE_UPSERT)
		status = consort_error_set(error, CONSORT_ENOTFOUND, "%s: there is no record with that key",
					   r->access->resource->name);
	if (!status)
		status = keep_returned(r, shape, result.returned, error);
	consort_batch_free(result.returned);
	consort_session_end(&session);
	return status;
}

static enum consort_status write_record(struct consort *c, struct consort_record *r, uint32_t kind,
					struct consort_error *error)
{
	const struct consort_shape *shape;
	struct consort_error spare;
	enum consort_status status;

	consort_error_need(&error, &spare);
	status = consort_handle_check(c, error);
	if (!status)
		status = consort_record_status(r, error);
	if (!status && r->handle->root != c->root)
		status = consort_error_set(error, CONSORT_EINVAL,
					   "the record was made with another manifest's handle");
	if (!status)
		status = consort_record_shape(r, kind, 0, kind != CONSORT_WRITE_UPDATE, &shape, error);
	if (status)
		return status;
	if (kind == CONSORT_WRITE_UPDATE && !shape->write.nattributes)
		return check_exists(c, r, error); /* nothing was changed */
	if (!shape->write.nattributes)
		return consort_error_set(error, CONSORT_EINVAL, "%s: no attribute of the record is set",
					 r->access->resource->name);
	status = ready_written(r, shape, error);
	if (!status)
		status = consort_record_append(r, shape, r->written, error);
	if (!status)
		status = write_row(c, r, shape, error);
	if (status)
		return status;
	consort_record_written(r);
	if (shape->write.nreturning && !consort_database_has(r->access->database, CONSORT_FEATURE_RETURNING))
		read_generated(c, r, shape);
	return CONSORT_OK;
}

enum consort_status consort_create(struct consort *c, struct consort_record *r, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c);

	return status ? status : write_record(c, r, CONSORT_WRITE_INSERT, error);
}

enum consort_status consort_update(struct consort *c, struct consort_record *r, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c);

	return status ? status : write_record(c, r, CONSORT_WRITE_UPDATE, error);
}

enum consort_status consort_upsert(struct consort *c, struct consort_record *r, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c);

	return status ? status : write_record(c, r, CONSORT_WRITE_UPSERT, error);
}

enum consort_status consort_delete(struct consort *c, const char *resource, struct consort_args key,
				   struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, resource, CONSORT_GIVEN(key.values || !key.count));
	uint32_t of_key = CONSORT_OK;

	if (!status)
		status = consort_delete_many(c, resource, &key, 1, 0, &of_key, error);
	if (!status && of_key == CONSORT_ENOTFOUND)
		status = consort_error_set(error, CONSORT_ENOTFOUND, "%s: there is no record with that key",
					   resource);
	return status;
}
