/* SPDX-License-Identifier: Apache-2.0 */
/* Many records: runs of the same shape as batches, all of them undone together when one fails. */
#include "handle/handle.h"

/* --- all or nothing --- */

static enum consort_status behind_savepoint(struct consort *c,
					    enum consort_status (*fn)(struct consort *in, void *arg,
								      struct consort_error *error),
					    void *arg, struct consort_error *error)
{
	static const char name[] = "consort_many";
	enum consort_status status = consort_savepoint(c, name, error);

	if (status)
		return status;
	status = fn(c, arg, error);
	if (status)
		consort_rollback_to(c, name, NULL);
	consort_release(c, name, NULL);
	return status;
}

enum consort_status consort_atomically(struct consort *c, struct consort_database *database,
				       enum consort_status (*fn)(struct consort *in, void *arg,
								 struct consort_error *error),
				       void *arg, struct consort_error *error)
{
	if (c->tx && consort_database_has(database, CONSORT_FEATURE_SAVEPOINTS))
		return behind_savepoint(c, fn, arg, error);
	if (!c->tx && consort_database_has(database, CONSORT_FEATURE_TRANSACTIONS))
		return consort_transaction(c, database->name, fn, arg, NULL, error);
	return fn(c, arg, error);
}

/* --- batches of records --- */

struct many {
	struct consort_access *access;
	struct consort_record *const *records;
	size_t count;
	uint32_t kind, flags; /* of the write */
	uint32_t *statuses;
	size_t first;		       /* record of the batch's first row */
	struct consort_error *failure; /* the first row's that failed */
	bool failed;
};

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct many *many = context;

	if (many->statuses)
		many->statuses[many->first + (size_t)row] = error->status;
	if (!many->failed)
		*many->failure = *error;
	many->failed = true;
}

/* The records from many->first on that have one shape, as a batch; how many they are. */
static enum consort_status fill_batch(struct many *many, const struct consort_shape *shape,
				      struct consort_batch *batch, size_t *out_rows,
				      struct consort_error *error)
{
	size_t row = many->first;

	for (; row < many->count && batch->nrows < batch->max_rows && batch->bytes < batch->max_bytes;
	     row++) {
		const struct consort_shape *next;
		enum consort_status status = consort_record_shape(many->records[row], many->kind, many->flags,
								  false, &next, error);

		if (status || next != shape)
			break; /* the next batch's business */
		status = consort_record_append(many->records[row], shape, batch, error);
		if (status)
			return status;
	}
	*out_rows = row - many->first;
	return CONSORT_OK;
}

static enum consort_status write_batches(struct consort *c, void *arg, struct consort_error *error)
{
	struct many *many = arg;
	struct consort_handle_session session;
	enum consort_status status = CONSORT_OK;
	struct consort_batch *batch = NULL;
	const struct consort_shape *shape, *of_batch = NULL;
	size_t rows = 0;

	consort_session_begin(&session, c);
	for (many->first = 0; !status && many->first < many->count; many->first += rows) {
		struct consort_write_result result = {
			.struct_size = sizeof(result), .context = many, .row_failed = row_failed};

		rows = 1;
		status = consort_record_shape(many->records[many->first], many->kind, many->flags, false,
					      &shape, error);
		if (status)
			break;
		if (!shape->write.nattributes && many->kind == CONSORT_WRITE_UPDATE)
			continue; /* nothing was changed */
		if (shape != of_batch) {
			consort_batch_free(batch);
			batch = consort_batch_new(shape->types, shape->write.nattributes, CONSORT_BATCH_ROWS,
						  CONSORT_BATCH_BYTES);
			of_batch = shape;
		}
		if (!batch || consort_batch_reset(batch)) {
			status = consort_error_no_memory(error);
			break;
		}
		status = fill_batch(many, shape, batch, &rows, error);
		if (!status)
			status = consort_write_batch(&session, many->access->database, shape, batch, &result,
						     error);
	}
	consort_batch_free(batch);
	consort_session_end(&session);
	return status;
}

/* Records that cannot be written as they are: their own error, or another resource. */
static enum consort_status check_records(struct consort *c, struct many *many, struct consort_error *error)
{
	size_t i;

	for (i = 0; i < many->count; i++) {
		enum consort_status status = consort_record_status(many->records[i], error);

		if (!status && !i)
			many->access = many->records[0]->access;
		if (!status &&
		    (many->records[i]->access != many->access || many->records[i]->handle->root != c->root))
			status = consort_error_set(error, CONSORT_EINVAL,
						   "the records are not all of one resource");
		if (status) {
			if (many->statuses)
				many->statuses[i] = status;
			consort_error_prefix(error, "record %zu", i + 1);
			return status;
		}
	}
	return CONSORT_OK;
}

/* What was undone, or not reached, was not written. */
static void mark_undone(struct many *many)
{
	size_t i;

	for (i = 0; many->statuses && i < many->count; i++)
		if (!many->statuses[i])
			many->statuses[i] = CONSORT_ECANCELLED;
}

static enum consort_status write_many(struct consort *c, struct consort_record *const *records, size_t count,
				      uint32_t kind, uint32_t flags, uint32_t *statuses,
				      struct consort_error *error)
{
	struct consort_error failure, spare;
	struct many many = {
		.records = records, .count = count, .kind = kind, .statuses = statuses, .failure = &failure};
	enum consort_status status = consort_handle_check(c, error);
	size_t i;

	consort_error_need(&error, &spare);
	if (!status && flags & ~CONSORT_MANY_CONTINUE)
		status = consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x", flags);
	if (status || !count)
		return status;
	if (flags & CONSORT_MANY_CONTINUE)
		many.flags = CONSORT_WRITE_CONTINUE;
	for (i = 0; statuses && i < count; i++)
		statuses[i] = CONSORT_OK;
	status = check_records(c, &many, error);
	if (!status)
		status = many.flags
				 ? write_batches(c, &many, error)
				 : consort_atomically(c, many.access->database, write_batches, &many, error);
	if (status && !many.flags)
		mark_undone(&many);
	if (!status && many.failed) {
		*error = failure;
		status = (enum consort_status)failure.status;
	}
	for (i = 0; i < count; i++)
		if (!status || (many.flags && statuses && !statuses[i]))
			consort_record_written(records[i]);
	return status;
}

enum consort_status consort_create_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	return write_many(c, records, count, CONSORT_WRITE_INSERT, flags, statuses, error);
}

enum consort_status consort_update_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	return write_many(c, records, count, CONSORT_WRITE_UPDATE, flags, statuses, error);
}

enum consort_status consort_upsert_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	return write_many(c, records, count, CONSORT_WRITE_UPSERT, flags, statuses, error);
}

/* --- deleting by keys --- */

struct many_keys {
	struct many many;
	const struct consort_args *keys;
};

/* Appends keys from `first` on; how many. */
static enum consort_status fill_keys(struct many_keys *all, struct consort_batch *batch, size_t *out_rows,
				     struct consort_error *error)
{
	const struct consort_access *access = all->many.access;
	struct consort_arena scratch;
	enum consort_status status = CONSORT_OK;
	size_t row = all->many.first;
	uint32_t i;

	consort_arena_init(&scratch, 0);
	for (; !status && row < all->many.count && batch->nrows < batch->max_rows; row++) {
		const struct consort_args *key = &all->keys[row];

		status = consort_access_check_key(access, key->count, error);
		for (i = 0; !status && i < access->resource->nkeys; i++) {
			struct consort_value value;

			status =
				consort_access_key_value(access, i, &key->values[i], &scratch, &value, error);
			if (!status && consort_append_value(batch, &batch->columns[i], &value))
				status = consort_error_no_memory(error);
		}
		if (status)
			break;
		consort_batch_end_row(batch);
	}
	consort_arena_clear(&scratch);
	*out_rows = row - all->many.first;
	return status;
}

static enum consort_status delete_batches(struct consort *c, void *arg, struct consort_error *error)
{
	struct many_keys *all = arg;
	struct many *many = &all->many;
	const struct consort_resource *resource = many->access->resource;
	const struct consort_shape_request request = {.kind = CONSORT_WRITE_DELETE,
						      .flags = many->flags,
						      .attributes = resource->keys,
						      .nattributes = resource->nkeys,
						      .nkeys = resource->nkeys};
	struct consort_handle_session session;
	const struct consort_shape *shape;
	struct consort_batch *batch;
	enum consort_status status = consort_access_shape(many->access, &request, &shape, error);
	size_t rows = 0;

	if (status)
		return status;
	batch = consort_batch_new(shape->types, shape->write.nattributes,
				  many->count < CONSORT_BATCH_ROWS ? (int64_t)many->count
								   : CONSORT_BATCH_ROWS,
				  CONSORT_BATCH_BYTES);
	if (!batch)
		return consort_error_no_memory(error);
	consort_session_begin(&session, c);
	for (many->first = 0; !status && many->first < many->count; many->first += rows) {
		struct consort_write_result result = {
			.struct_size = sizeof(result), .context = many, .row_failed = row_failed};

		if (consort_batch_reset(batch))
			status = consort_error_no_memory(error);
		if (!status)
			status = fill_keys(all, batch, &rows, error);
		if (!status)
			status = consort_write_batch(&session, many->access->database, shape, batch, &result,
						     error);
	}
	consort_batch_free(batch);
	consort_session_end(&session);
	return status;
}

enum consort_status consort_delete_many(struct consort *c, const char *resource,
					const struct consort_args *keys, size_t count, uint32_t flags,
					uint32_t *statuses, struct consort_error *error)
{
	struct consort_error failure, spare;
	struct many_keys all = {.many = {.count = count,
					 .kind = CONSORT_WRITE_DELETE,
					 .statuses = statuses,
					 .failure = &failure},
				.keys = keys};
	enum consort_status status = consort_handle_check(c, error);
	struct consort_handle_session session;
	size_t i;

	consort_error_need(&error, &spare);
	if (status || !count)
		return status;
	if (flags & CONSORT_MANY_CONTINUE)
		all.many.flags = CONSORT_WRITE_CONTINUE;
	for (i = 0; statuses && i < count; i++)
		statuses[i] = CONSORT_OK;
	consort_session_begin(&session, c);
	status = consort_access_open(&session, resource, &all.many.access, error);
	consort_session_end(&session);
	if (!status)
		status = consort_access_check_key(all.many.access, keys[0].count, error);
	if (status)
		return status;
	if (all.many.flags || count == 1)
		status = delete_batches(c, &all, error);
	else
		status = consort_atomically(c, all.many.access->database, delete_batches, &all, error);
	if (status && !all.many.flags)
		mark_undone(&all.many);
	/* a key that was not there is told in statuses, and is no failure */
	if (!status && all.many.failed && failure.status != CONSORT_ENOTFOUND) {
		*error = failure;
		status = (enum consort_status)failure.status;
	}
	return status;
}
