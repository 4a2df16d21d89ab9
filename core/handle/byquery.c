/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Update and delete by query. Where the adapter takes the node whole it is one statement. Else the keys (and
 * the values to set) are read by a query, and written by key in batches: in a transaction where the engine
 * has them, on one connection in any case.
 */
#include "exec/cursor.h"
#include "handle/handle.h"

struct by_query {
	struct consort_plan *plan; /* its logical root is the UPDATE or DELETE */
	struct consort_access *access;
	struct consort_args args;
	uint32_t kind; /* enum consort_write_kind */
	int64_t affected;
};

/* --- in one statement --- */

static enum consort_status execute(struct consort *c, struct by_query *by, struct consort_error *error)
{
	const struct consort_logical *logical = &by->plan->logical;
	const struct consort_step *step = by->plan->step;
	struct consort_run run = {.struct_size = sizeof(run), .nparameters = logical->nuser};
	struct consort_handle_session session;
	struct consort_connection *connection;
	struct consort_arena arena;
	struct consort_value *values;
	enum consort_status status = CONSORT_OK;
	uint32_t answer;

	consort_arena_init(&arena, 0);
	consort_session_begin(&session, c);
	values = consort_arena_array(&arena, logical->nuser, sizeof(*values));
	if (!values)
		status = consort_error_no_memory(error);
	if (!status)
		status = consort_args_convert(by->args, logical->parameters, logical->nuser, &arena, values,
					      error);
	run.parameters = values;
	if (!status)
		status = session.base.acquire(&session.base, step->database, &connection, error);
	if (!status)
		status = consort_connection_ready(connection, error);
	if (!status) {
		answer = step->database->plugin->query->execute(connection->context, &session.call,
								step->compiled, &run, &by->affected, error);
		status = answer ? consort_connection_failed(connection, answer, error) : CONSORT_OK;
	}
	consort_session_end(&session);
	consort_arena_clear(&arena);
	return status;
}

/* --- by keys --- */

/* Project (values to set, key) over what the write's node selects from, whose columns start with the key. */
static struct consort_node *read_tree(struct consort_arena *arena, const struct consort_node *write,
				      const struct consort_resource *resource)
{
	uint32_t nset = write->kind == CONSORT_NODE_UPDATE ? write->nexprs : 0,
		 count = nset + resource->nkeys, i;
	struct consort_node *project = consort_make_node(arena, CONSORT_NODE_PROJECT, write->inputs[0], NULL);
	const struct consort_expr **exprs = consort_arena_array(arena, count, sizeof(*exprs));
	const struct consort_field **fields = consort_arena_array(arena, count, sizeof(*fields));

	if (!project || !exprs || !fields)
		return NULL;
	for (i = 0; i < count; i++) {
		uint32_t attribute = i < nset ? write->attributes[i] : resource->keys[i - nset];
		struct consort_type type = resource->attributes[attribute]->type;

		exprs[i] = i < nset ? write->exprs[i] : consort_make_column(arena, i - nset, type);
		fields[i] = consort_make_field(arena, "", type, 0);
		if (!exprs[i] || !fields[i])
			return NULL;
	}
	project->exprs = exprs;
	project->nexprs = project->nfields = count;
	project->fields = fields;
	return project;
}

static enum consort_status shape_of(const struct by_query *by, const struct consort_node *write,
				    const struct consort_shape **out_shape, struct consort_error *error)
{
	const struct consort_resource *resource = by->access->resource;
	uint32_t nset = by->kind == CONSORT_WRITE_UPDATE ? write->nexprs : 0, i;
	uint32_t *positions = calloc(nset + resource->nkeys + 1, sizeof(*positions));
	struct consort_shape_request request = {.kind = by->kind,
						.attributes = positions,
						.nattributes = nset + resource->nkeys,
						.nkeys = resource->nkeys};
	enum consort_status status;

	if (!positions)
		return consort_error_no_memory(error);
	for (i = 0; i < nset; i++)
		positions[i] = write->attributes[i];
	for (i = 0; i < resource->nkeys; i++)
		positions[nset + i] = resource->keys[i];
	status = consort_access_shape(by->access, &request, out_shape, error);
	free(positions);
	return status;
}

/* A record that another one deleted in between is no failure. */
static void row_gone(void *context, int64_t row, const struct consort_error *error)
{
	(void)context;
	(void)row;
	(void)error;
}

static enum consort_status write_rows(struct consort *in, void *arg, struct consort_error *error)
{
	struct by_query *by = arg;
	const struct consort_node *write = by->plan->logical.root;
	struct consort_handle_session *session;
	const struct consort_shape *shape;
	struct consort_cursor *rows = NULL;
	enum consort_status status = shape_of(by, write, &shape, error);

	if (!status)
		status = consort_plan_start(in, by->plan, by->args, false, &rows, NULL, error);
	if (status)
		return status;
	/* what is still to be read then is read into memory before the first write */
	session = consort_cursor_session(rows);
	for (;;) {
		struct consort_write_result result = {.struct_size = sizeof(result), .row_failed = row_gone};
		const struct consort_batch *batch;

		status = consort_cursor_batch(rows, &batch, error);
		if (status || !batch)
			break;
		status = consort_write_batch(session, by->access->database, shape, batch, &result, error);
		if (status)
			break;
		by->affected += result.affected;
	}
	consort_cursor_close(rows);
	return status;
}

static enum consort_status write_by_keys(struct consort *c, struct by_query *by,
					 struct consort_planner *planner, struct consort_error *error)
{
	struct consort_plan *plan = by->plan;
	struct consort_node *read;
	enum consort_status status = consort_access_check_key(by->access, by->access->resource->nkeys, error);

	if (status)
		return status;
	read = read_tree(&plan->arena, plan->logical.root, by->access->resource);
	if (!read)
		return consort_error_no_memory(error);
	status = consort_plan_make(planner, read, &plan->step, error);
	if (!status)
		status = consort_plan_collect(plan, error);
	if (!status)
		status = consort_atomically(c, by->access->database, write_rows, by, error);
	return status;
}

/* --- both --- */

static enum consort_status resolve(struct consort_query *q, const char *assignments, struct by_query *by,
				   struct consort_error *error)
{
	struct consort_clauses clauses = consort_query_clauses(q);
	struct consort_handle_session session;
	struct consort_names names;
	enum consort_status status;

	clauses.assignments = assignments;
	consort_session_begin(&session, q->handle);
	names = consort_session_names(&session);
	status = consort_query_resolve_write(&clauses, !assignments, &names, &by->plan->arena,
					     &by->plan->logical, error);
	if (!status)
		status = consort_access_open(&session, q->resource, &by->access, error);
	consort_session_end(&session);
	if (!status)
		status = consort_write_check(by->access->database, by->access->resource, by->kind, error);
	return status;
}

static enum consort_status write_where(struct consort_query *q, const char *assignments,
				       struct consort_args args, int64_t *out_affected,
				       struct consort_error *error)
{
	struct by_query by = {.args = args,
			      .kind = assignments ? CONSORT_WRITE_UPDATE : CONSORT_WRITE_DELETE};
	enum consort_status status = consort_query_check(q, error);
	struct consort_planner planner;
	struct consort_error spare;

	consort_error_need(&error, &spare);
	if (!status &&
	    (q->select || q->group || q->having || q->order || q->limit >= 0 || q->offset || q->nafter))
		status = consort_error_set(error, CONSORT_EINVAL,
					   "an update or delete by query takes only conditions (where)");
	if (status)
		return status;
	by.plan = consort_plan_new(q->handle->root);
	if (!by.plan)
		return consort_error_no_memory(error);
	status = resolve(q, assignments, &by, error);
	if (!status) {
		planner = consort_plan_planner(q->handle->root, &by.plan->arena, &by.plan->logical);
		status = consort_plan_make_write(&planner, by.plan->logical.root, &by.plan->step, error);
	}
	if (!status)
		status = by.plan->step ? execute(q->handle, &by, error)
				       : write_by_keys(q->handle, &by, &planner, error);
	consort_plan_free(by.plan);
	if (!status && out_affected)
		*out_affected = by.affected;
	return status;
}

enum consort_status consort_update_where(struct consort_query *q, const char *assignments,
					 struct consort_args args, int64_t *out_affected,
					 struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, assignments, CONSORT_GIVEN(args.values || !args.count));

	return status ? status : write_where(q, assignments, args, out_affected, error);
}

enum consort_status consort_delete_where(struct consort_query *q, struct consort_args args,
					 int64_t *out_affected, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, CONSORT_GIVEN(args.values || !args.count));

	return status ? status : write_where(q, NULL, args, out_affected, error);
}
