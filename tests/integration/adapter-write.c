/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the write table. */
#include "adapter.h"

/* "a, b" to positions. */
static const uint32_t *positions(struct adapter_test *test, const struct consort_resource *resource,
				 const char *names, uint32_t *out_count)
{
	uint32_t *list = consort_arena_array(&test->arena, resource->nattributes, sizeof(*list));

	*out_count = 0;
	while (names && *names) {
		size_t size = strcspn(names, ",");

		list[(*out_count)++] = adapter_attribute(resource, names, size);
		names += size;
		names += strspn(names, ", ");
	}
	return list;
}

static struct consort_batch *make_batch(struct adapter_test *test, const struct consort_resource *resource,
					const uint32_t *attributes, uint32_t count, int64_t most,
					struct consort_args values)
{
	struct consort_type *types = consort_arena_array(&test->arena, count, sizeof(*types));
	struct consort_batch *batch;
	uint64_t i;

	for (i = 0; i < count; i++)
		types[i] = resource->attributes[attributes[i]]->type;
	batch = consort_batch_new(types, count, most, (uint64_t)1 << 20);
	for (i = 0; i < values.count; i += count)
		ADAPTER_MUST(test, !consort_batch_append_row(batch, values.values + i));
	if (!count)
		batch->nrows = 1;
	return batch;
}

static void row_failed(void *context, int64_t row, const struct consort_error *error)
{
	struct adapter_test *test = context;

	consort_buffer_printf(&test->text, "failed %lld: %s\n", (long long)row, error->message);
}

uint32_t adapter_write(struct adapter_test *test, enum adapter_write_kind kind, struct adapter_write what)
{
	const struct consort_resource *resource = adapter_resource(test, what.resource, NULL);
	struct consort_write write = {.struct_size = sizeof(write),
				      .flags = what.flags,
				      .id = what.id ? what.id : consort_next_id(),
				      .resource = resource,
				      .nkeys = what.nkeys};
	struct consort_write_result result = {
		.struct_size = sizeof(result), .context = test, .row_failed = row_failed};
	const struct consort_write_ops *ops = test->plugin->write;
	struct consort_batch *rows;
	uint32_t status;
	int64_t most;

	write.attributes = positions(test, resource, what.attributes, &write.nattributes);
	write.returning = positions(test, resource, what.returning, &write.nreturning);
	most = write.nattributes && what.values.count ? (int64_t)(what.values.count / write.nattributes) : 1;
	rows = make_batch(test, resource, write.attributes, write.nattributes, most, what.values);
	if (write.nreturning)
		result.returned =
			make_batch(test, resource, write.returning, write.nreturning, most, CONSORT_NO_ARGS);
	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	status = (kind == ADAPTER_INSERT   ? ops->insert
		  : kind == ADAPTER_UPDATE ? ops->update
		  : kind == ADAPTER_REMOVE
			  ? ops->remove
			  : ops->upsert)(test->connection, &test->call, &write, rows, &result, &test->error);
	if (!status)
		consort_buffer_printf(&test->text, "affected %lld\n", (long long)result.affected);
	if (!status && result.returned)
		adapter_print(test, result.returned);
	consort_batch_free(rows);
	consort_batch_free(result.returned);
	return status;
}

uint32_t adapter_change(struct adapter_test *test, const char *resource, const char *where,
			const char *assignments, struct consort_args args, int64_t *out_affected)
{
	const struct consort_clauses clauses = {.resource = resource,
						.where = &where,
						.nwhere = where ? 1 : 0,
						.limit = -1,
						.assignments = assignments};
	const struct consort_names names = {.context = test, .resource = adapter_find};
	struct consort_type *types = consort_arena_array(&test->arena, args.count, sizeof(*types));
	struct consort_statement statement = {.struct_size = sizeof(statement),
					      .id = consort_next_id(),
					      .nparameters = (uint32_t)args.count,
					      .parameters = types};
	const struct consort_run run = {
		.struct_size = sizeof(run), .nparameters = (uint32_t)args.count, .parameters = args.values};
	struct consort_logical logical;
	void *compiled;
	uint32_t status;
	uint64_t i;

	memset(&test->error, 0, sizeof(test->error));
	ADAPTER_MUST(test, !consort_query_resolve_write(&clauses, !assignments, &names, &test->arena,
							&logical, &test->error));
	for (i = 0; i < args.count; i++)
		types[i] = args.values[i].type;
	statement.root = logical.root;
	status = test->plugin->query->compile(test->database, &statement, &compiled, &test->error);
	if (status)
		return status;
	status = test->plugin->query->execute(test->connection, &test->call, compiled, &run, out_affected,
					      &test->error);
	test->plugin->query->compiled_free(test->database, compiled);
	return status;
}
