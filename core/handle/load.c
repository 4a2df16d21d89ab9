/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by sets of keys: an inner join of the keys, as VALUES, with the resource. The planner makes key
 * look-ups of it where the adapter has them, and one read of the whole resource where not.
 */
#include "handle/handle.h"

/* What is joined: columns of the keys' rows, the first `nlead` of which are delivered before the target's. */
struct join_request {
	struct consort_access *target;
	const struct consort_type *types; /* of the keys' columns, lead columns first */
	uint32_t nlead, nkeys;
	const uint32_t *attributes; /* [nkeys] of the target */
};

/* Values (lead and key columns). */
static struct consort_node *values_node(struct consort_arena *arena, const struct join_request *request)
{
	struct consort_node *values = consort_make_node(arena, CONSORT_NODE_VALUES, NULL, NULL);
	uint32_t count = request->nlead + request->nkeys, i;
	const struct consort_field **fields = consort_arena_array(arena, count, sizeof(*fields));

	if (!values || !fields)
		return NULL;
	for (i = 0; i < count; i++) {
		fields[i] =
			consort_make_field(arena, "record", request->types[i], CONSORT_ATTRIBUTE_NOT_NULL);
		if (!fields[i])
			return NULL;
	}
	values->fields = fields;
	values->nfields = count;
	return values;
}

/* Join (Values, Scan) on the keys. */
static struct consort_node *join_node(struct consort_arena *arena, const struct join_request *request)
{
	struct consort_node *values = values_node(arena, request);
	struct consort_node *scan = consort_make_scan(arena, request->target->resource);
	struct consort_node *join =
		values && scan ? consort_make_node(arena, CONSORT_NODE_JOIN, values, scan) : NULL;
	const struct consort_expr **on = consort_arena_array(arena, request->nkeys, sizeof(*on));
	const struct consort_field **fields;
	uint32_t i;

	if (!join || !on)
		return NULL;
	fields = consort_arena_array(arena, values->nfields + scan->nfields, sizeof(*fields));
	if (!fields)
		return NULL;
	for (i = 0; i < values->nfields + scan->nfields; i++)
		fields[i] = i < values->nfields ? values->fields[i] : scan->fields[i - values->nfields];
	for (i = 0; i < request->nkeys; i++) {
		struct consort_type type = request->types[request->nlead + i];

		on[i] = consort_make_equal(
			arena, consort_make_column(arena, request->nlead + i, type),
			consort_make_column(arena, values->nfields + request->attributes[i], type));
		if (!on[i])
			return NULL;
	}
	join->join = CONSORT_JOIN_INNER;
	join->fields = fields;
	join->nfields = values->nfields + scan->nfields;
	join->exprs = on;
	join->nexprs = request->nkeys;
	return join;
}

/* Project (lead, target's attributes) over it. */
static struct consort_node *join_tree(struct consort_arena *arena, const struct join_request *request)
{
	struct consort_node *join = join_node(arena, request);
	struct consort_node *project =
		join ? consort_make_node(arena, CONSORT_NODE_PROJECT, join, NULL) : NULL;
	uint32_t count = request->nlead + request->target->resource->nattributes, i;
	const struct consort_expr **columns = consort_arena_array(arena, count, sizeof(*columns));
	const struct consort_field **fields = consort_arena_array(arena, count, sizeof(*fields));

	if (!project || !columns || !fields)
		return NULL;
	for (i = 0; i < count; i++) {
		uint32_t from = i < request->nlead ? i : i + request->nkeys;

		fields[i] = join->fields[from];
		columns[i] = consort_make_column(arena, from, fields[i]->type);
		if (!columns[i])
			return NULL;
	}
	project->fields = fields;
	project->exprs = columns;
	project->nfields = project->nexprs = count;
	return project;
}

static enum consort_status make_plan(const struct join_request *request, struct consort_plan **out_plan,
				     struct consort_error *error)
{
	struct consort_plan *plan = consort_plan_new(request->target->root);
	struct consort_planner planner;
	enum consort_status status = CONSORT_OK;

	if (!plan)
		return consort_error_no_memory(error);
	plan->logical.root = join_tree(&plan->arena, request);
	planner = consort_plan_planner(plan->root, &plan->arena, &plan->logical);
	if (!plan->logical.root)
		status = consort_error_no_memory(error);
	if (!status)
		status = consort_plan_make(&planner, plan->logical.root, &plan->step, error);
	if (!status)
		status = consort_plan_collect(plan, error);
	if (status)
		consort_plan_free(plan);
	else
		*out_plan = plan;
	return status;
}

/* --- the keys as batches --- */

static enum consort_status add_batch(struct consort_values *values, const struct consort_type *types,
				     uint32_t ntypes, struct consort_batch **out_batch,
				     struct consort_error *error)
{
	struct consort_batch **batches = realloc(values->batches, (values->count + 1) * sizeof(*batches));

	if (!batches)
		return consort_error_no_memory(error);
	values->batches = batches;
	batches[values->count] = consort_batch_new(types, ntypes, CONSORT_BATCH_ROWS, CONSORT_BATCH_BYTES);
	if (!batches[values->count])
		return consort_error_no_memory(error);
	*out_batch = batches[values->count++];
	return CONSORT_OK;
}

void consort_values_clear(struct consort_values *values)
{
	uint32_t i;

	for (i = 0; i < values->count; i++)
		consort_batch_free(values->batches[i]);
	free(values->batches);
	values->batches = NULL;
	values->count = 0;
}

/* Appends a row, in a new batch when the last one is full. */
static enum consort_status add_row(struct consort_values *values, const struct consort_type *types,
				   uint32_t ntypes, const struct consort_value *row,
				   struct consort_error *error)
{
	struct consort_batch *batch = values->count ? values->batches[values->count - 1] : NULL;
	enum consort_status status;

	if (!batch || batch->nrows >= batch->max_rows || batch->bytes >= batch->max_bytes) {
		status = add_batch(values, types, ntypes, &batch, error);
		if (status)
			return status;
	}
	if (consort_batch_append_row(batch, row))
		return consort_error_no_memory(error);
	return CONSORT_OK;
}

static enum consort_status run(struct consort *c, const struct join_request *request,
			       struct consort_values *values, struct consort_cursor **out_rows,
			       struct consort_error *error)
{
	struct consort_plan *plan = NULL;
	enum consort_status status = make_plan(request, &plan, error);

	if (!status) {
		status = consort_plan_start_values(c, plan, values, out_rows, error);
		consort_plan_free(plan);
	}
	consort_values_clear(values);
	return status;
}

enum consort_status consort_get_many(struct consort *c, const char *resource, const struct consort_args *keys,
				     size_t count, struct consort_cursor **out_rows,
				     struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, resource, CONSORT_GIVEN(keys || !count), out_rows);
	struct join_request request = {0};
	struct consort_values values = {0};
	struct consort_handle_session session;
	struct consort_error spare;
	struct consort_arena scratch;
	struct consort_value *row;
	uint32_t k;
	size_t i;

	consort_error_need(&error, &spare);
	if (!status)
		status = consort_handle_check(c, error);
	if (status)
		return status;
	consort_arena_init(&scratch, 0);
	consort_session_begin(&session, c);
	status = consort_access_open(&session, resource, &request.target, error);
	consort_session_end(&session);
	if (status)
		return status;
	request.nkeys = request.target->resource->nkeys;
	request.types = request.target->key_types;
	request.attributes = request.target->resource->keys;
	status = consort_access_check_key(request.target, request.nkeys, error);
	if (status)
		return status;
	row = consort_arena_array(&scratch, request.nkeys, sizeof(*row));
	if (!row)
		status = consort_error_no_memory(error);
	for (i = 0; !status && i < count; i++) {
		status = CONSORT_NEED(error, CONSORT_GIVEN(keys[i].values || !keys[i].count));
		if (!status)
			status = consort_access_check_key(request.target, keys[i].count, error);
		for (k = 0; !status && k < request.nkeys; k++)
			status = consort_access_key_value(request.target, k, &keys[i].values[k], &scratch,
							  &row[k], error);
		if (!status)
			status = add_row(&values, request.types, request.nkeys, row, error);
		if (status)
			consort_error_prefix(error, "key %zu", i + 1);
	}
	if (!status)
		status = run(c, &request, &values, out_rows, error);
	consort_values_clear(&values);
	consort_arena_clear(&scratch);
	return status;
}

/* --- relationships --- */

static const struct consort_relationship *find_relationship(const struct consort_resource *resource,
							    const char *name, struct consort_error *error)
{
	const char *words[64];
	char hint[160];
	uint32_t i;

	for (i = 0; i < resource->nrelationships; i++) {
		if (!strcmp(resource->relationships[i]->name, name))
			return resource->relationships[i];
		if (i < 64)
			words[i] = resource->relationships[i]->name;
	}
	consort_hint(consort_nearest(name, words, i < 64 ? i : 64), hint, sizeof(hint));
	consort_error_set(error, CONSORT_ENAME, "%s: no relationship '%s'%s", resource->name, name, hint);
	return NULL;
}

/* The columns that the relationship compares, on both sides. */
static enum consort_status follow(struct consort_handle_session *session, const struct consort_access *access,
				  const struct consort_relationship *relationship,
				  struct consort_arena *arena, struct join_request *request,
				  uint32_t **out_from, struct consort_error *error)
{
	uint32_t count = relationship->nattributes, i;
	struct consort_type *types = consort_arena_array(arena, count + 1, sizeof(*types));
	uint32_t *from = consort_arena_array(arena, count, sizeof(*from));
	uint32_t *to = consort_arena_array(arena, count, sizeof(*to));
	enum consort_status status =
		consort_access_open(session, relationship->target, &request->target, error);

	if (status)
		return status;
	if (!types || !from || !to)
		return consort_error_no_memory(error);
	types[0] = consort_type_of(CONSORT_TYPE_INT64);
	for (i = 0; i < count; i++) {
		from[i] = consort_access_attribute(access, relationship->from[i]);
		if (from[i] == CONSORT_NO_ATTRIBUTE)
			return consort_access_unknown(access, relationship->from[i], error);
		to[i] = consort_access_attribute(request->target, relationship->to[i]);
		if (to[i] == CONSORT_NO_ATTRIBUTE)
			return consort_access_unknown(request->target, relationship->to[i], error);
		types[i + 1] = request->target->resource->attributes[to[i]]->type;
	}
	request->types = types;
	request->nlead = 1;
	request->nkeys = count;
	request->attributes = to;
	*out_from = from;
	return CONSORT_OK;
}

/* A row (position, key) for each record whose key has no NULL. */
static enum consort_status add_records(struct consort_values *values, const struct join_request *request,
				       struct consort_record *const *records, size_t count,
				       const uint32_t *from, struct consort_arena *scratch,
				       struct consort_error *error)
{
	struct consort_value *row = consort_arena_array(scratch, request->nkeys + 1, sizeof(*row));
	enum consort_status status = row ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
	size_t i;

	for (i = 0; !status && i < count; i++) {
		bool missing = false;
		uint32_t k;

		status = consort_record_status(records[i], error);
		if (!status && records[i]->access != records[0]->access)
			status = consort_error_set(error, CONSORT_EINVAL,
						   "the records are not all of one resource");
		if (status)
			break;
		row[0] = consort_int64((int64_t)i);
		for (k = 0; !status && k < request->nkeys; k++) {
			const struct consort_value value = consort_record_at(records[i], from[k]);

			missing |= consort_value_is_null(&value) != 0;
			status = consort_value_accept(&value, request->types[k + 1], scratch, &row[k + 1],
						      error);
		}
		if (!status && !missing)
			status = add_row(values, request->types, request->nkeys + 1, row, error);
	}
	return status;
}

enum consort_status consort_load(struct consort *c, struct consort_record *const *records, size_t count,
				 const char *relationship, struct consort_cursor **out_rows,
				 struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, CONSORT_GIVEN(records || !count), relationship, out_rows);
	const struct consort_relationship *found;
	struct join_request request = {0};
	struct consort_values values = {0};
	struct consort_handle_session session;
	struct consort_error spare;
	struct consort_arena scratch;
	uint32_t *from = NULL;

	consort_error_need(&error, &spare);
	if (!status)
		status = consort_handle_check(c, error);
	if (!status && !count)
		status = consort_error_set(error, CONSORT_EINVAL, "there are no records to load '%s' for",
					   relationship);
	if (!status)
		status = consort_record_status(records[0], error);
	if (!status && records[0]->handle->root != c->root)
		status = consort_error_set(error, CONSORT_EINVAL,
					   "the records were made with another manifest's handle");
	if (status)
		return status;
	found = find_relationship(records[0]->access->resource, relationship, error);
	if (!found)
		return CONSORT_ENAME;
	consort_arena_init(&scratch, 0);
	consort_session_begin(&session, c);
	status = follow(&session, records[0]->access, found, &scratch, &request, &from, error);
	consort_session_end(&session);
	if (!status)
		status = add_records(&values, &request, records, count, from, &scratch, error);
	if (!status)
		status = run(c, &request, &values, out_rows, error);
	consort_values_clear(&values);
	consort_arena_clear(&scratch);
	return status;
}
