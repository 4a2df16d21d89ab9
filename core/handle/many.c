/* SPDX-License-Identifier: Apache-2.0 */
/* Many records: runs of the same shape as batches, all of them undone together when one fails. */
#include "handle/handle.h"

/* --- all or nothing --- */

enum consort_status consort_atomically(struct consort *c, struct consort_database *database,
				       consort_write_fn *fn, void *arg, struct consort_error *error)
{
	enum consort_status status;

	if (!c->tx && consort_database_has(database, CONSORT_FEATURE_ATOMIC_COMMIT))
		return consort_transaction(c, database->name, fn, arg, NULL, error);
	status = fn(c, arg, error);
	/* a part may be written, whatever the reason: it goes with the rest of the transaction */
	if (status && c->tx)
		consort_connection_doom(c->tx->connection, status, error);
	return status;
}

/* --- batches of records --- */

struct many {
	struct consort_access *access;
	struct consort_record *const *records;
	size_t count;
	uint32_t kind;
	bool go_on;		       /* CONSORT_MANY_CONTINUE */
	uint32_t *statuses;	       /* [count] ECANCELLED until a record's turn has come */
	size_t first;		       /* record of the batch's first row */
	struct consort_error *failure; /* of the first record that failed */
	bool failed;
};

/* A record that failed by itself. Deleting what is not there is told, but is no failure. */
static void note_failure(struct many *many, size_t at, const struct consort_error *error)
{
	many->statuses[at] = error->status;
	if (many->failed || (many->kind == CONSORT_WRITE_DELETE && error->status == CONSORT_ENOTFOUND))
		return;
	*many->failure = *error;
	many->failed = true;
}

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct many *many = context;

	note_failure(many, many->first + (size_t)row, error);
}

/* What is known of the records of a batch that failed, but for those that were told of by themselves. */
static uint32_t status_of_rest(const struct consort_handle_session *session, uint32_t status,
			       const struct consort_write_result *result)
{
	if (!session->handle->tx && (status == CONSORT_EINDOUBT || result->affected > 0))
		return CONSORT_EINDOUBT;
	return CONSORT_ECANCELLED;
}

/* Writes a batch of `rows` records from many->first on; each gets its status. */
static enum consort_status write_batch(struct many *many, struct consort_handle_session *session,
				       const struct consort_shape *shape, const struct consort_batch *batch,
				       size_t rows, struct consort_error *error)
{
	struct consort_write_result result = {
		.struct_size = sizeof(result), .context = many, .row_failed = row_failed};
	enum consort_status status;
	size_t i;

	for (i = 0; i < rows; i++)
		many->statuses[many->first + i] = CONSORT_OK;
	status = consort_write_batch(session, many->access->database, shape, batch, &result, error);
	for (i = 0; status && i < rows; i++)
		if (!many->statuses[many->first + i])
			many->statuses[many->first + i] = status_of_rest(session, status, &result);
	if (!status && many->failed && !many->go_on) {
		*error = *many->failure;
		status = (enum consort_status)error->status;
	}
	return status;
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
		enum consort_status status;

		if (many->statuses[row] != CONSORT_ECANCELLED ||
		    consort_record_shape(many->records[row], many->kind, shape->write.flags, false, &next,
					 error) ||
		    next != shape)
			break; /* the next batch's business */
		status = consort_record_append(many->records[row], shape, batch, error);
		if (status)
			return status;
	}
	*out_rows = row - many->first;
	return CONSORT_OK;
}

/* The shape of the record whose turn it is; NULL without an error: it is dealt with already. */
static enum consort_status next_shape(struct many *many, const struct consort_shape **out_shape,
				      struct consort_error *error)
{
	uint32_t flags = many->go_on ? CONSORT_WRITE_CONTINUE : 0;
	enum consort_status status;

	*out_shape = NULL;
	if (many->statuses[many->first] != CONSORT_ECANCELLED)
		return CONSORT_OK;
	status = consort_record_shape(many->records[many->first], many->kind, flags, false, out_shape, error);
	if (!status && !(*out_shape)->write.nattributes && many->kind != CONSORT_WRITE_UPDATE)
		status = consort_error_set(error, CONSORT_EINVAL, "%s: no attribute of the record is set",
					   many->access->resource->name);
	if (!status && !(*out_shape)->write.nattributes) {
		many->statuses[many->first] = CONSORT_OK; /* nothing was changed */
		*out_shape = NULL;
	}
	if (status) {
		note_failure(many, many->first, error);
		*out_shape = NULL;
	}
	return many->go_on ? CONSORT_OK : status;
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
		rows = 1;
		status = next_shape(many, &shape, error);
		if (status || !shape)
			continue;
		if (shape != of_batch) {
			consort_batch_free(batch);
			batch = consort_shape_batch(shape);
			of_batch = shape;
		}
		if (!batch || consort_batch_reset(batch)) {
			status = consort_error_no_memory(error);
			break;
		}
		status = fill_batch(many, shape, batch, &rows, error);
		if (!status)
			status = write_batch(many, &session, shape, batch, rows, error);
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
		struct consort_record *record = many->records[i];
		enum consort_status status = consort_record_status(record, error);

		if (!status && !many->access)
			many->access = record->access;
		if (!status && (record->access != many->access || record->handle->root != c->root))
			status = consort_error_set(error, CONSORT_EINVAL,
						   "the records are not all of one resource");
		if (!status)
			continue;
		consort_error_prefix(error, "record %zu", i + 1);
		note_failure(many, i, error);
		if (!many->go_on)
			return status;
	}
	return CONSORT_OK;
}

/* Runs `write` over the set and settles what is told: without go_on all or nothing. */
static enum consort_status write_set(struct consort *c, struct many *many, consort_write_fn *write, void *arg,
				     struct consort_error *error)
{
	bool together = !many->go_on && many->count > 1; /* one record is written or not */
	enum consort_status status;
	bool undone;
	size_t i;

	if (together)
		status = consort_atomically(c, many->access->database, write, arg, error);
	else
		status = write(c, arg, error);
	undone = status && (c->tx || (together && consort_database_has(many->access->database,
								       CONSORT_FEATURE_ATOMIC_COMMIT)));
	for (i = 0; undone && i < many->count; i++)
		if (!many->statuses[i])
			many->statuses[i] = CONSORT_ECANCELLED;
	if (!status && many->failed) {
		*error = *many->failure;
		status = (enum consort_status)error->status;
	}
	return status;
}

/* The statuses of a set, the program's or our own. NULL: no memory. */
static uint32_t *begin_statuses(uint32_t *statuses, size_t count)
{
	size_t i;

	if (!statuses)
		statuses = calloc(count, sizeof(*statuses));
	for (i = 0; statuses && i < count; i++)
		statuses[i] = CONSORT_ECANCELLED;
	return statuses;
}

static enum consort_status check_set(struct consort *c, uint32_t flags, struct consort_error *error)
{
	enum consort_status status = consort_handle_check(c, error);

	if (!status && flags & ~CONSORT_MANY_CONTINUE)
		status = consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x", flags);
	return status;
}

static enum consort_status write_many(struct consort *c, struct consort_record *const *records, size_t count,
				      uint32_t kind, uint32_t flags, uint32_t *statuses,
				      struct consort_error *error)
{
	struct consort_error failure, spare;
	struct many many = {.records = records,
			    .count = count,
			    .kind = kind,
			    .failure = &failure,
			    .go_on = (flags & CONSORT_MANY_CONTINUE) != 0};
	enum consort_status status;
	size_t i;

	consort_error_need(&error, &spare);
	status = check_set(c, flags, error);
	if (status || !count)
		return status;
	many.statuses = begin_statuses(statuses, count);
	if (!many.statuses)
		return consort_error_no_memory(error);
	status = check_records(c, &many, error);
	if (!status && many.access)
		status = write_set(c, &many, write_batches, &many, error);
	else if (!status)
		status = (enum consort_status)failure.status;
	for (i = 0; i < count; i++)
		if (!many.statuses[i])
			consort_record_written(records[i]);
	if (!statuses)
		free(many.statuses);
	return status;
}

enum consort_status consort_create_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, CONSORT_GIVEN(records || !count));

	return status ? status : write_many(c, records, count, CONSORT_WRITE_INSERT, flags, statuses, error);
}

enum consort_status consort_update_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, CONSORT_GIVEN(records || !count));

	return status ? status : write_many(c, records, count, CONSORT_WRITE_UPDATE, flags, statuses, error);
}

enum consort_status consort_upsert_many(struct consort *c, struct consort_record *const *records,
					size_t count, uint32_t flags, uint32_t *statuses,
					struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, CONSORT_GIVEN(records || !count));

	return status ? status : write_many(c, records, count, CONSORT_WRITE_UPSERT, flags, statuses, error);
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

		status = CONSORT_NEED(error, CONSORT_GIVEN(key->values || !key->count));
		if (!status)
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
						      .flags = many->go_on ? CONSORT_WRITE_CONTINUE : 0,
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
		if (consort_batch_reset(batch))
			status = consort_error_no_memory(error);
		if (!status)
			status = fill_keys(all, batch, &rows, error);
		if (!status)
			status = write_batch(many, &session, shape, batch, rows, error);
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
					 .failure = &failure,
					 .go_on = (flags & CONSORT_MANY_CONTINUE) != 0},
				.keys = keys};
	struct consort_handle_session session;
	enum consort_status status = CONSORT_NEED(error, c, resource, CONSORT_GIVEN(keys || !count));

	consort_error_need(&error, &spare);
	if (!status)
		status = check_set(c, flags, error);
	if (status || !count)
		return status;
	consort_session_begin(&session, c);
	status = consort_access_open(&session, resource, &all.many.access, error);
	consort_session_end(&session);
	if (!status)
		status = consort_access_check_key(all.many.access, all.many.access->resource->nkeys, error);
	if (status)
		return status;
	all.many.statuses = begin_statuses(statuses, count);
	if (!all.many.statuses)
		return consort_error_no_memory(error);
	status = write_set(c, &all.many, delete_batches, &all, error);
	if (!statuses)
		free(all.many.statuses);
	return status;
}
