/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query builder, which keeps texts, and the plans that are made of them. A query that could not be made,
 * NULL, goes through the setters to what runs it, which tells that there was no memory.
 */
#include "handle/handle.h"

/* --- the builder --- */

struct consort_query *consort_query_new(struct consort *c, const char *resource)
{
	struct consort_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	consort_arena_init(&q->arena, 0);
	q->limit = -1;
	q->status = CONSORT_NEED(&q->error, c, resource);
	if (q->status)
		return q;
	q->resource = consort_arena_text(&q->arena, resource);
	if (!q->resource) {
		free(q);
		return NULL;
	}
	q->handle = c;
	consort_handle_hold(c);
	return q;
}

/* The kept plan no longer fits. */
static void changed(struct consort_query *q)
{
	consort_plan_free(q->plan);
	q->plan = NULL;
}

void consort_query_free(struct consort_query *q)
{
	if (!q)
		return;
	changed(q);
	if (q->handle)
		consort_handle_drop(q->handle);
	consort_arena_clear(&q->arena);
	free(q);
}

/* The first error is kept. */
static void no_memory(struct consort_query *q)
{
	if (!q->status)
		q->status = consort_error_no_memory(&q->error);
}

static void set_text(struct consort_query *q, const char **place, const char *text)
{
	*place = consort_arena_text(&q->arena, text);
	if (text && !*place)
		no_memory(q);
	changed(q);
}

void consort_query_select(struct consort_query *q, const char *columns)
{
	if (q)
		set_text(q, &q->select, columns);
}

void consort_query_where(struct consort_query *q, const char *condition)
{
	const char **where;

	if (!q || q->status)
		return;
	q->status = CONSORT_NEED(&q->error, condition);
	if (q->status)
		return;
	where = consort_arena_array(&q->arena, q->nwhere + 1, sizeof(*where));
	if (!where) {
		no_memory(q);
		return;
	}
	if (q->nwhere)
		memcpy(where, q->where, q->nwhere * sizeof(*where));
	q->where = where;
	set_text(q, &q->where[q->nwhere++], condition);
}

void consort_query_group(struct consort_query *q, const char *expressions)
{
	if (q)
		set_text(q, &q->group, expressions);
}

void consort_query_having(struct consort_query *q, const char *condition)
{
	if (q)
		set_text(q, &q->having, condition);
}

void consort_query_order(struct consort_query *q, const char *orders)
{
	if (q)
		set_text(q, &q->order, orders);
}

static void set_number(struct consort_query *q, int64_t *place, int64_t records)
{
	if (records < 0 && !q->status)
		q->status =
			consort_error_set(&q->error, CONSORT_ERANGE, "limit and offset must not be negative");
	*place = records;
	changed(q);
}

void consort_query_limit(struct consort_query *q, int64_t records)
{
	if (q)
		set_number(q, &q->limit, records);
}

void consort_query_offset(struct consort_query *q, int64_t records)
{
	if (q)
		set_number(q, &q->offset, records);
}

void consort_query_after(struct consort_query *q, struct consort_args key)
{
	uint64_t i;

	if (!q || q->status)
		return;
	q->status = CONSORT_NEED(&q->error, CONSORT_GIVEN(key.values || !key.count));
	if (q->status)
		return;
	q->after = consort_arena_array(&q->arena, key.count, sizeof(*q->after));
	q->nafter = q->after ? (uint32_t)key.count : 0;
	if (!q->after)
		no_memory(q);
	for (i = 0; i < q->nafter; i++) {
		struct consort_value *value = &q->after[i];

		*value = key.values[i];
		if (value->type.id == CONSORT_TYPE_TEXT || value->type.id == CONSORT_TYPE_BYTES ||
		    value->type.id == CONSORT_TYPE_JSON) {
			value->as.view.data =
				consort_arena_copy(&q->arena, value->as.view.data, value->as.view.size);
			if (!value->as.view.data)
				no_memory(q);
		}
	}
	changed(q);
}

struct consort_clauses consort_query_clauses(const struct consort_query *q)
{
	const struct consort_clauses clauses = {.resource = q->resource,
						.select = q->select,
						.where = q->where,
						.nwhere = q->nwhere,
						.nafter = q->nafter,
						.group = q->group,
						.having = q->having,
						.order = q->order,
						.limit = q->limit,
						.offset = q->offset};

	return clauses;
}

enum consort_status consort_query_check(const struct consort_query *q, struct consort_error *error)
{
	if (!q)
		return consort_error_no_memory(error);
	if (!q->status)
		return consort_handle_check(q->handle, error);
	if (error)
		*error = q->error;
	return q->status;
}

/* --- plans --- */

static struct consort_database *database_of(void *context, const struct consort_resource *resource)
{
	struct consort_root *root = context;

	return consort_map_get(&root->catalog.databases_by_name, resource->database);
}

struct consort_planner consort_plan_planner(struct consort_root *root, struct consort_arena *arena,
					    const struct consort_logical *logical)
{
	const struct consort_planner planner = {.arena = arena,
						.database_of = database_of,
						.context = root,
						.nparameters = logical->nparameters,
						.parameters = logical->parameters,
						.no_push = secure_getenv("CONSORT_NO_PUSHDOWN") != NULL};

	return planner;
}

struct consort_plan *consort_plan_new(struct consort_root *root)
{
	struct consort_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->references = 1;
	plan->root = root;
	plan->generation = __atomic_load_n(&root->generation, __ATOMIC_ACQUIRE);
	consort_arena_init(&plan->arena, 0);
	return plan;
}

void consort_plan_free(struct consort_plan *plan)
{
	struct consort_root *held;

	if (!plan || __atomic_sub_fetch(&plan->references, 1, __ATOMIC_ACQ_REL))
		return;
	if (plan->root->stamp == consort_fork_count) {
		consort_plan_release(plan->step);
		consort_plan_release(plan->after);
	}
	held = plan->holds_root ? plan->root : NULL;
	consort_arena_clear(&plan->arena);
	free(plan);
	if (held)
		consort_root_drop(held);
}

static void collect(const struct consort_step *step, struct consort_database **databases)
{
	uint32_t i;

	if (!step)
		return;
	if (step->kind == CONSORT_STEP_REMOTE)
		databases[step->database->index] = step->database;
	for (i = 0; i < 2; i++)
		collect(step->inputs[i], databases);
}

enum consort_status consort_plan_collect(struct consort_plan *plan, struct consort_error *error)
{
	uint32_t count = plan->root->catalog.ndatabases, i;

	plan->databases = consort_arena_array(&plan->arena, count, sizeof(struct consort_database *));
	if (!plan->databases)
		return consort_error_no_memory(error);
	collect(plan->step, plan->databases);
	collect(plan->after, plan->databases);
	for (i = 0; i < count; i++)
		if (plan->databases[i])
			plan->databases[plan->ndatabases++] = plan->databases[i];
	return CONSORT_OK;
}

/* Resolves and plans the clauses. */
static enum consort_status make_plan(struct consort_query *q, struct consort_plan *plan,
				     struct consort_error *error)
{
	const struct consort_clauses clauses = consort_query_clauses(q);
	struct consort_handle_session session;
	struct consort_planner planner;
	struct consort_names names;
	enum consort_status status;

	consort_session_begin(&session, q->handle);
	names = consort_session_names(&session);
	status = consort_query_resolve(&clauses, &names, &plan->arena, &plan->logical, error);
	if (!status) {
		planner = consort_plan_planner(plan->root, &plan->arena, &plan->logical);
		status = consort_plan_make(&planner, plan->logical.root, &plan->step, error);
	}
	if (!status && plan->logical.after)
		status = consort_plan_make(&planner, plan->logical.after, &plan->after, error);
	if (!status)
		status = consort_plan_collect(plan, error);
	consort_session_end(&session);
	return status;
}

/* The key to page after becomes the plan's own. */
static enum consort_status keep_after_key(const struct consort_query *q, struct consort_plan *plan,
					  struct consort_error *error)
{
	const struct consort_logical *logical = &plan->logical;
	struct consort_value *key = consort_arena_array(&plan->arena, q->nafter, sizeof(*key));
	uint32_t i;

	if (!key)
		return consort_error_no_memory(error);
	for (i = 0; i < q->nafter; i++) {
		enum consort_status status = consort_value_accept(
			&q->after[i], logical->parameters[logical->nuser + i], &plan->arena, &key[i], error);

		if (status) {
			consort_error_prefix(error, "the key to page after");
			return status;
		}
	}
	plan->after_key = key;
	return CONSORT_OK;
}

enum consort_status consort_query_plan(struct consort_query *q, struct consort_plan **out_plan,
				       struct consort_error *error)
{
	enum consort_status status = consort_query_check(q, error);
	struct consort_root *root;
	struct consort_plan *plan;

	if (status)
		return status;
	root = q->handle->root;
	if (q->plan && q->plan->generation != __atomic_load_n(&root->generation, __ATOMIC_ACQUIRE))
		changed(q);
	if (!q->plan) {
		plan = consort_plan_new(root);
		if (!plan)
			return consort_error_no_memory(error);
		status = make_plan(q, plan, error);
		if (!status)
			status = keep_after_key(q, plan, error);
		if (status) {
			consort_plan_free(plan);
			return status;
		}
		q->plan = plan;
	}
	*out_plan = q->plan;
	return CONSORT_OK;
}

enum consort_status consort_query_prepare(struct consort_query *q, struct consort_plan **out_plan,
					  struct consort_error *error)
{
	struct consort_plan *plan;
	enum consort_status status = CONSORT_NEED(error, out_plan);

	if (!status)
		status = consort_query_plan(q, &plan, error);
	if (status)
		return status;
	if (!plan->holds_root) {
		consort_root_hold(plan->root);
		plan->holds_root = true;
	}
	__atomic_add_fetch(&plan->references, 1, __ATOMIC_RELAXED);
	*out_plan = plan;
	return CONSORT_OK;
}

uint32_t consort_plan_parameters(const struct consort_plan *plan)
{
	return plan ? plan->logical.nuser : 0;
}

struct consort_type consort_plan_parameter_type(const struct consort_plan *plan, uint32_t index)
{
	return index < consort_plan_parameters(plan) ? plan->logical.parameters[index]
						     : consort_type_of(CONSORT_TYPE_NULL);
}

enum consort_status consort_query_run(struct consort_query *q, struct consort_args args,
				      struct consort_cursor **out_rows, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, CONSORT_GIVEN(args.values || !args.count), out_rows);
	struct consort_plan *plan;

	if (!status)
		status = consort_query_plan(q, &plan, error);
	if (status)
		return status;
	return consort_plan_start(q->handle, plan, args, false, out_rows, NULL, error);
}

enum consort_status consort_plan_run(struct consort *c, struct consort_plan *plan, struct consort_args args,
				     struct consort_cursor **out_rows, struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, plan, CONSORT_GIVEN(args.values || !args.count), out_rows);

	return status ? status : consort_plan_start(c, plan, args, false, out_rows, NULL, error);
}
