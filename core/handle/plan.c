/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: made of a query's clauses, kept with the query or given to the program. One that the program keeps
 * outlives what was introspected for it: after a define or drop it is made anew of the same clauses when it
 * is run, and refused if that would give other columns or take other parameters.
 */
#include "handle/handle.h"

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
	plan->generation = consort_catalog_generation(&root->catalog);
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
	consort_plan_free(plan->renewed);
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
static enum consort_status make(struct consort *c, const struct consort_clauses *clauses,
				struct consort_plan *plan, struct consort_error *error)
{
	struct consort_handle_session session;
	struct consort_planner planner;
	struct consort_names names;
	enum consort_status status;

	consort_session_begin(&session, c);
	names = consort_session_names(&session);
	status = consort_query_resolve(clauses, &names, &plan->arena, &plan->logical, error);
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
static enum consort_status keep_after_key(struct consort_plan *plan, const struct consort_value *after,
					  uint32_t nafter, struct consort_error *error)
{
	const struct consort_logical *logical = &plan->logical;
	struct consort_value *key = consort_arena_array(&plan->arena, nafter, sizeof(*key));
	uint32_t i;

	if (!key)
		return consort_error_no_memory(error);
	for (i = 0; i < nafter; i++) {
		enum consort_status status = consort_value_accept(
			&after[i], logical->parameters[logical->nuser + i], &plan->arena, &key[i], error);

		if (status) {
			consort_error_prefix(error, "the key to page after");
			return status;
		}
	}
	plan->after_key = key;
	return CONSORT_OK;
}

enum consort_status consort_plan_of_clauses(struct consort *c, const struct consort_clauses *clauses,
					    const struct consort_value *after, struct consort_plan **out_plan,
					    struct consort_error *error)
{
	struct consort_plan *plan = consort_plan_new(c->root);
	enum consort_status status;

	if (!plan)
		return consort_error_no_memory(error);
	status = make(c, clauses, plan, error);
	if (!status)
		status = keep_after_key(plan, after, clauses->nafter, error);
	if (status)
		consort_plan_free(plan);
	else
		*out_plan = plan;
	return status;
}

/* --- plans of the program --- */

/* A copy of a text that may be NULL; false: no memory. */
static bool copy_text(struct consort_arena *arena, const char **text)
{
	const char *copy = consort_arena_text(arena, *text);

	if (*text && !copy)
		return false;
	*text = copy;
	return true;
}

/* What to make the plan of again. */
static enum consort_status keep_clauses(struct consort_plan *plan, struct consort_clauses clauses,
					struct consort_error *error)
{
	const char **where = consort_arena_array(&plan->arena, clauses.nwhere, sizeof(*where));
	bool copied = where && copy_text(&plan->arena, &clauses.resource) &&
		      copy_text(&plan->arena, &clauses.select) && copy_text(&plan->arena, &clauses.group) &&
		      copy_text(&plan->arena, &clauses.having) && copy_text(&plan->arena, &clauses.order);
	uint32_t i;

	for (i = 0; copied && i < clauses.nwhere; i++) {
		where[i] = clauses.where[i];
		copied = copy_text(&plan->arena, &where[i]);
	}
	if (!copied)
		return consort_error_no_memory(error);
	clauses.where = where;
	plan->clauses = clauses;
	return CONSORT_OK;
}

enum consort_status consort_query_prepare(struct consort_query *q, struct consort_plan **out_plan,
					  struct consort_error *error)
{
	struct consort_plan *plan;
	enum consort_status status = CONSORT_NEED(error, out_plan);

	if (!status)
		status = consort_query_plan(q, &plan, error);
	if (!status && !plan->holds_root)
		status = keep_clauses(plan, consort_query_clauses(q), error);
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

/* --- after a define or drop --- */

/* A program reads columns by their number and type: a plan that gives others is another query's. */
static enum consort_status check_columns(const struct consort_plan *plan, const struct consort_plan *made,
					 struct consort_error *error)
{
	const struct consort_node *was = plan->logical.root, *is = made->logical.root;
	uint32_t i;

	if (was->nfields != is->nfields)
		return consort_error_set(error, CONSORT_ETYPE, "it gave %u columns, and would give %u now",
					 was->nfields, is->nfields);
	for (i = 0; i < was->nfields; i++) {
		const struct consort_field *before = was->fields[i], *now = is->fields[i];

		if (strcmp(before->name, now->name))
			return consort_error_set(error, CONSORT_ETYPE,
						 "column %u was called '%s', and would be called '%s' now",
						 i + 1, before->name, now->name);
		if (!consort_type_equal(before->type, now->type))
			return consort_error_set(
				error, CONSORT_ETYPE, "column '%s' was %s, and would be %s now", before->name,
				consort_type_noun(before->type), consort_type_noun(now->type));
	}
	return CONSORT_OK;
}

static enum consort_status make_again(struct consort *c, const struct consort_plan *plan,
				      struct consort_plan **out_made, struct consort_error *error)
{
	struct consort_plan *made = NULL;
	enum consort_status status =
		consort_plan_of_clauses(c, &plan->clauses, plan->after_key, &made, error);

	if (!status)
		status = check_columns(plan, made, error);
	if (!status) {
		*out_made = made;
		return CONSORT_OK;
	}
	if (error)
		consort_error_prefix(error, "what the prepared query reads was defined anew");
	consort_plan_free(made);
	return status;
}

/* The plan made of the resources as they are now. Those made before stay: they may be running. */
static enum consort_status renew(struct consort *c, struct consort_plan *plan, struct consort_plan **out_plan,
				 struct consort_error *error)
{
	struct consort_plan *latest = __atomic_load_n(&plan->renewed, __ATOMIC_ACQUIRE), *made = NULL;
	enum consort_status status;

	while (!latest || !consort_plan_is_current(latest)) {
		status = made ? CONSORT_OK : make_again(c, plan, &made, error);
		if (status)
			return status;
		made->renewed = latest;
		if (__atomic_compare_exchange_n(&plan->renewed, &latest, made, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE)) {
			*out_plan = made;
			return CONSORT_OK;
		}
		made->renewed = NULL; /* another thread was faster */
	}
	consort_plan_free(made);
	*out_plan = latest;
	return CONSORT_OK;
}

enum consort_status consort_plan_run(struct consort *c, struct consort_plan *plan, struct consort_args args,
				     struct consort_cursor **out_rows, struct consort_error *error)
{
	enum consort_status status =
		CONSORT_NEED(error, c, plan, CONSORT_GIVEN(args.values || !args.count), out_rows);

	if (!status)
		status = consort_plan_check(c, plan, error);
	if (!status && CONSORT_UNLIKELY(!consort_plan_is_current(plan)))
		status = renew(c, plan, &plan, error);
	return status ? status : consort_plan_start(c, plan, args, false, out_rows, NULL, error);
}
