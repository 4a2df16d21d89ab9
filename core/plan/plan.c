/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding, from the leaves up. A *part* is what a subtree has become: still one tree for an adapter, with the
 * conjuncts that the core must check again above it, or finished as a step. A node joins its input's part if
 * the adapter takes it exactly and nothing is left to be checked below it; a FILTER gives the adapter what it
 * takes and leaves the rest pending; else the part is finished and the node becomes a step of the core.
 */
#include "plan/plan.h"

#include <consort/plugins.h>

#include "pool/pool.h"

struct part {
	struct consort_database *database;     /* of `remote` */
	const struct consort_node *remote;     /* NULL: finished as `step` */
	const struct consort_step *step;
	const struct consort_expr **pending;   /* conjuncts over remote's columns */
	uint32_t npending;
	struct consort_kept *kept;
	uint32_t nkept;
	double estimated_rows;
};

struct context {
	struct consort_planner *planner;
	struct consort_error *error;
};

static enum consort_status plan(struct context *context, const struct consort_node *node,
				const struct consort_answer *answer, struct part *part);

/* --- parts --- */

/* The list grown by one; NULL: no memory. */
static void *append(struct consort_arena *arena, const void *list, uint32_t count, size_t size)
{
	char *grown = consort_arena_array(arena, (size_t)count + 1, size);

	if (grown && count)
		memcpy(grown, list, count * size);
	return grown;
}

static enum consort_status keep(struct context *context, struct part *part, const struct consort_node *node,
				const struct consort_expr *conjunct, const char *reason, uint32_t fidelity)
{
	struct consort_kept *kept = append(context->planner->arena, part->kept, part->nkept, sizeof(*kept));

	if (!kept)
		return consort_error_no_memory(context->error);
	kept[part->nkept].node = node;
	kept[part->nkept].conjunct = conjunct;
	kept[part->nkept].reason = reason;
	kept[part->nkept].fidelity = fidelity;
	part->kept = kept;
	part->nkept++;
	return CONSORT_OK;
}

static enum consort_status add_pending(struct context *context, struct part *part, const struct consort_expr *conjunct)
{
	const struct consort_expr **pending = append(context->planner->arena, part->pending, part->npending,
						     sizeof(*pending));

	if (!pending)
		return consort_error_no_memory(context->error);
	pending[part->npending] = conjunct;
	part->pending = pending;
	part->npending++;
	return CONSORT_OK;
}

static struct consort_step *new_step(struct context *context, uint32_t kind, const struct consort_node *node,
				     const struct consort_step *input)
{
	struct consort_step *step = consort_arena_alloc(context->planner->arena, sizeof(*step));

	if (!step) {
		consort_error_no_memory(context->error);
		return NULL;
	}
	step->kind = kind;
	step->node = node;
	step->fields = node->fields;
	step->nfields = node->nfields;
	step->exprs = node->exprs;
	step->nexprs = node->nexprs;
	step->inputs[0] = input;
	step->estimated_rows = -1;
	return step;
}

/* Conjuncts that can fail go last, in their order: a cheap one before them may spare the failure. */
static enum consort_status add_filter(struct context *context, struct part *part,
				      const struct consort_expr *const *conjuncts, uint32_t count)
{
	const struct consort_expr **exprs = consort_arena_array(context->planner->arena, count, sizeof(*exprs));
	struct consort_step *step = consort_arena_alloc(context->planner->arena, sizeof(*step));
	uint32_t pass, i, n = 0;

	if (!exprs || !step)
		return consort_error_no_memory(context->error);
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < count; i++)
			if (((conjuncts[i]->flags & CONSORT_EXPR_CAN_FAIL) != 0) == (pass == 1))
				exprs[n++] = conjuncts[i];
	step->kind = CONSORT_STEP_FILTER;
	step->node = part->step->node;
	step->fields = part->step->fields;
	step->nfields = part->step->nfields;
	step->inputs[0] = part->step;
	step->exprs = exprs;
	step->nexprs = count;
	step->estimated_rows = -1;
	part->step = step;
	return CONSORT_OK;
}

/* Compiles what is remote and puts the pending conjuncts above it. */
static enum consort_status finish(struct context *context, struct part *part)
{
	struct consort_step *step;
	enum consort_status status;

	if (!part->remote)
		return CONSORT_OK;
	status = consort_plan_compile(context->planner, part->database, part->remote, NULL, 0, &step, context->error);
	if (status)
		return status;
	step->kept = part->kept;
	step->nkept = part->nkept;
	step->estimated_rows = part->estimated_rows;
	part->remote = NULL;
	part->step = step;
	if (part->npending)
		status = add_filter(context, part, part->pending, part->npending);
	return status;
}

/* --- what an adapter said of a node --- */

static uint32_t fidelity_of(const struct consort_answer *answer, uint32_t number)
{
	return number < answer->offer.count ? answer->offer.fidelity[number] : CONSORT_FIDELITY_NO;
}

static const char *reason_of(const struct consort_answer *answer, uint32_t number)
{
	const char *reason = number < answer->offer.count ? answer->offer.reason[number] : NULL;

	return reason ? reason : "the adapter does not take it";
}

/* Why a node was not even offered. */
static const char *missing_reason(struct context *context, const struct consort_node *node,
				  struct consort_database *database)
{
	int32_t feature;
	const char *reason;

	if (!database)
		return "its inputs live in several databases";
	if (context->planner->no_push)
		return "pushdown is switched off";
	feature = consort_plan_missing(context->planner, database, node);
	if (feature < 0)
		return "a node below it stayed in the core";
	reason = consort_arena_printf(context->planner->arena, "no %s: %s", consort_feature_name((uint32_t)feature),
				      consort_database_why(database, (uint32_t)feature));
	return reason ? reason : "the adapter does not take it";
}

/* May all of this tree be offered? */
static bool offerable(const struct consort_planner *planner, const struct consort_database *database,
		      const struct consort_node *node)
{
	uint32_t i;

	if (consort_plan_missing(planner, database, node) >= 0)
		return false;
	for (i = 0; i < node->ninputs; i++)
		if (!offerable(planner, database, node->inputs[i]))
			return false;
	return true;
}

/* Did the adapter take anything of this node? */
static bool refused(const struct consort_answer *answer, const struct consort_node *node)
{
	uint32_t i;

	if (fidelity_of(answer, node->number) != CONSORT_FIDELITY_NO)
		return false;
	for (i = 0; node->kind == CONSORT_NODE_FILTER && i < node->nexprs; i++)
		if (fidelity_of(answer, node->first_conjunct + i) != CONSORT_FIDELITY_NO)
			return false;
	return true;
}

/* Plans an input: under the same answer, unless that refused it as part of the larger tree; then it is offered
 * by itself. */
static enum consort_status plan_input(struct context *context, const struct consort_node *input,
				      const struct consort_answer *answer, struct part *part)
{
	return plan(context, input, answer && refused(answer, input) ? NULL : answer, part);
}

/* A copy of the node over the part's remote tree. */
static struct consort_node *over_remote(struct context *context, const struct consort_node *node,
					const struct part *part)
{
	struct consort_node *copy = consort_arena_alloc(context->planner->arena, sizeof(*copy));
	const struct consort_node **inputs = consort_arena_array(context->planner->arena, 1, sizeof(*inputs));

	if (!copy || !inputs) {
		consort_error_no_memory(context->error);
		return NULL;
	}
	*copy = *node;
	inputs[0] = part->remote;
	copy->inputs = inputs;
	return copy;
}

/* --- node by node --- */

static enum consort_status plan_scan(struct context *context, const struct consort_node *node,
				     const struct consort_answer *answer, struct part *part)
{
	struct consort_database *database = consort_plan_database(context->planner, node);
	enum consort_status status;

	if (!answer) {
		status = consort_database_need(database, CONSORT_FEATURE_READ, context->error);
		if (status)
			return status;
	}
	if (!answer || fidelity_of(answer, node->number) != CONSORT_FIDELITY_EXACT)
		return consort_error_set(context->error, CONSORT_EUNSUPPORTED,
					 "database '%s' does not read resource '%s': %s", database->name,
					 node->resource->name,
					 answer ? reason_of(answer, node->number) : "the adapter refuses it");
	part->database = database;
	part->remote = node;
	part->estimated_rows = answer->tree == node ? answer->offer.estimated_rows : -1;
	return CONSORT_OK;
}

/* Gives the adapter the conjuncts it takes; the others, and those it takes loosely, stay pending. */
static enum consort_status plan_filter(struct context *context, const struct consort_node *node,
				       const struct consort_answer *answer, struct part *part)
{
	const struct consort_expr **pushed = consort_arena_array(context->planner->arena, node->nexprs, sizeof(*pushed));
	enum consort_status status = plan_input(context, node->inputs[0], answer, part);
	struct consort_node *copy;
	uint32_t npushed = 0, i;

	if (!pushed)
		return consort_error_no_memory(context->error);
	if (status)
		return status;
	if (!part->remote)
		return add_filter(context, part, node->exprs, node->nexprs);
	for (i = 0; !status && i < node->nexprs; i++) {
		const struct consort_expr *conjunct = node->exprs[i];
		uint32_t fidelity = answer ? fidelity_of(answer, node->first_conjunct + i) : CONSORT_FIDELITY_NO;
		const char *reason = answer ? reason_of(answer, node->first_conjunct + i) :
					      missing_reason(context, node, part->database);

		if (conjunct->flags & CONSORT_EXPR_CAN_FAIL) {
			fidelity = CONSORT_FIDELITY_NO;
			reason = "it can fail, so it runs last, in the core";
		}
		if (fidelity != CONSORT_FIDELITY_NO)
			pushed[npushed++] = conjunct;
		if (fidelity != CONSORT_FIDELITY_EXACT) {
			status = keep(context, part, node, conjunct, reason, fidelity);
			if (!status)
				status = add_pending(context, part, conjunct);
		}
	}
	if (status || !npushed)
		return status;
	copy = over_remote(context, node, part);
	if (!copy)
		return CONSORT_ENOMEM;
	copy->exprs = pushed;
	copy->nexprs = npushed;
	part->remote = copy;
	part->estimated_rows = answer && answer->tree == node ? answer->offer.estimated_rows : -1;
	return CONSORT_OK;
}

/* A node that only goes to the adapter whole: SORT also over pending conjuncts, since filtering keeps order. */
static enum consort_status plan_whole(struct context *context, const struct consort_node *node,
				      const struct consort_answer *answer, uint32_t step_kind, struct part *part)
{
	enum consort_status status = plan_input(context, node->inputs[0], answer, part);
	const char *reason = NULL;
	struct consort_step *step;

	if (status)
		return status;
	if (part->remote) {
		if (!answer)
			reason = missing_reason(context, node, part->database);
		else if (fidelity_of(answer, node->number) != CONSORT_FIDELITY_EXACT)
			reason = reason_of(answer, node->number);
		else if (part->npending && node->kind != CONSORT_NODE_SORT)
			reason = "the core still filters below it";
		if (!reason) {
			part->remote = over_remote(context, node, part);
			part->estimated_rows = answer->tree == node ? answer->offer.estimated_rows : -1;
			return part->remote ? CONSORT_OK : CONSORT_ENOMEM;
		}
		status = keep(context, part, node, NULL, reason, CONSORT_FIDELITY_NO);
		if (!status)
			status = finish(context, part);
		if (status)
			return status;
	}
	step = new_step(context, step_kind, node, part->step);
	if (!step)
		return CONSORT_ENOMEM;
	part->step = step;
	return CONSORT_OK;
}

/* Columns as they are need no step. */
static bool is_identity(const struct consort_node *project, uint32_t ninput)
{
	uint32_t i;

	if (project->nexprs != ninput)
		return false;
	for (i = 0; i < project->nexprs; i++)
		if (project->exprs[i]->kind != CONSORT_EXPR_COLUMN || project->exprs[i]->index != i)
			return false;
	return true;
}

static enum consort_status plan_project(struct context *context, const struct consort_node *node,
					const struct consort_answer *answer, struct part *part)
{
	if (is_identity(node, node->inputs[0]->nfields))
		return plan_input(context, node->inputs[0], answer, part);
	return plan_whole(context, node, answer, CONSORT_STEP_PROJECT, part);
}

/* A LIMIT in the core right over a SORT in the core makes that a top-N. */
static enum consort_status plan_limit(struct context *context, const struct consort_node *node,
				      const struct consort_answer *answer, struct part *part)
{
	enum consort_status status = plan_whole(context, node, answer, CONSORT_STEP_LIMIT, part);
	const struct consort_step *sort = status || part->remote ? NULL : part->step->inputs[0];
	struct consort_node *limited;
	struct consort_step *copy;

	if (!sort || sort->kind != CONSORT_STEP_SORT || !node->limit)
		return status;
	limited = consort_arena_alloc(context->planner->arena, sizeof(*limited));
	copy = consort_arena_alloc(context->planner->arena, sizeof(*copy));
	if (!limited || !copy)
		return consort_error_no_memory(context->error);
	*limited = *sort->node;
	limited->limit = node->limit;
	limited->offset = node->offset;
	*copy = *sort;
	copy->node = limited;
	((struct consort_step *)part->step)->inputs[0] = copy;
	return CONSORT_OK;
}

/* --- joins --- */

/* The columns that the equalities of a join compare: left's and right's. */
static enum consort_status join_keys(struct context *context, const struct consort_node *join,
				     struct consort_step *step)
{
	uint32_t nleft = join->inputs[0]->nfields, i;
	uint32_t *outer = consort_arena_array(context->planner->arena, join->nexprs, sizeof(*outer));
	uint32_t *inner = consort_arena_array(context->planner->arena, join->nexprs, sizeof(*inner));

	if (!outer || !inner)
		return consort_error_no_memory(context->error);
	for (i = 0; i < join->nexprs; i++) {
		const struct consort_expr *on = join->exprs[i];
		const struct consort_expr *a = on->nargs == 2 ? on->args[0] : NULL, *b = a ? on->args[1] : NULL;

		if (on->kind != CONSORT_EXPR_CALL || on->op != CONSORT_OP_EQ || !a ||
		    a->kind != CONSORT_EXPR_COLUMN || b->kind != CONSORT_EXPR_COLUMN)
			return consort_error_set(context->error, CONSORT_EUNSUPPORTED,
						 "only equalities of attributes join databases");
		if (a->index >= nleft) {
			const struct consort_expr *swap = a;

			a = b;
			b = swap;
		}
		outer[i] = a->index;
		inner[i] = b->index - nleft;
	}
	step->nkeys = join->nexprs;
	step->outer_keys = outer;
	step->inner_keys = inner;
	return CONSORT_OK;
}

/* The right side as a tree that takes key sets: KEYED over it. */
static struct consort_node *keyed_tree(struct context *context, const struct consort_node *right,
				       const struct consort_step *lookup, struct consort_type **out_types)
{
	struct consort_arena *arena = context->planner->arena;
	struct consort_node *keyed = consort_arena_alloc(arena, sizeof(*keyed));
	const struct consort_expr **columns = consort_arena_array(arena, lookup->nkeys, sizeof(*columns));
	const struct consort_node **inputs = consort_arena_array(arena, 1, sizeof(*inputs));
	struct consort_type *types = consort_arena_array(arena, lookup->nkeys, sizeof(*types));
	uint32_t i;

	if (!keyed || !columns || !inputs || !types)
		return NULL;
	for (i = 0; i < lookup->nkeys; i++) {
		struct consort_expr *column = consort_arena_alloc(arena, sizeof(*column));

		if (!column)
			return NULL;
		column->struct_size = sizeof(*column);
		column->kind = CONSORT_EXPR_COLUMN;
		column->index = lookup->inner_keys[i];
		column->type = types[i] = right->fields[column->index]->type;
		column->position = -1;
		columns[i] = column;
	}
	inputs[0] = right;
	keyed->struct_size = sizeof(*keyed);
	keyed->kind = CONSORT_NODE_KEYED;
	keyed->fields = right->fields;
	keyed->nfields = right->nfields;
	keyed->inputs = inputs;
	keyed->ninputs = 1;
	keyed->exprs = columns;
	keyed->nexprs = lookup->nkeys;
	*out_types = types;
	return keyed;
}

/* Is this tree taken exactly as a whole? (A FILTER is its conjuncts.) */
static bool takes_exactly(const struct consort_answer *answer, const struct consort_node *node)
{
	uint32_t i;

	if (node->kind != CONSORT_NODE_FILTER && fidelity_of(answer, node->number) != CONSORT_FIDELITY_EXACT)
		return false;
	for (i = 0; (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN) && i < node->nexprs; i++)
		if (fidelity_of(answer, node->first_conjunct + i) != CONSORT_FIDELITY_EXACT)
			return false;
	for (i = 0; i < node->ninputs; i++)
		if (!takes_exactly(answer, node->inputs[i]))
			return false;
	return true;
}

/* Tries the inner side by key sets, if the adapter takes all of it exactly and has an index for it. *out_step stays
 * NULL if not. */
static enum consort_status plan_keyed(struct context *context, const struct consort_node *right,
				      const struct consort_step *lookup, struct consort_step **out_step)
{
	struct consort_database *database = consort_plan_database(context->planner, right);
	struct consort_answer *answer = NULL;
	struct consort_node *tree;
	struct consort_type *types;
	enum consort_status status;

	tree = keyed_tree(context, right, lookup, &types);
	if (!tree)
		return consort_error_no_memory(context->error);
	if (!database || !offerable(context->planner, database, tree))
		return CONSORT_OK;
	status = consort_plan_offer(context->planner, database, tree, &answer, context->error);
	if (status)
		return status;
	/* the hash table of the lookup compares again, so a superset of keys will do */
	if (!(answer->offer.flags & CONSORT_OFFER_KEYS_INDEXED) || !takes_exactly(answer, answer->tree->inputs[0]) ||
	    fidelity_of(answer, answer->tree->number) == CONSORT_FIDELITY_NO)
		return CONSORT_OK;
	status = consort_plan_compile(context->planner, database, answer->tree, types, lookup->nkeys, out_step,
				      context->error);
	if (!status)
		(*out_step)->max_keys = answer->offer.max_keys;
	return status;
}

/* Joins in the core: the left side is read, the right one asked for sets of keys, or read whole. */
static enum consort_status plan_lookup(struct context *context, const struct consort_node *node, const char *reason,
				       struct part *left, struct part *right)
{
	struct consort_step *step = new_step(context, CONSORT_STEP_LOOKUP, node, NULL), *inner = NULL;
	enum consort_status status;

	if (!step)
		return CONSORT_ENOMEM;
	if (node->join != CONSORT_JOIN_LEFT && node->join != CONSORT_JOIN_INNER)
		return consort_error_set(context->error, CONSORT_EUNSUPPORTED, "this join is not done in the core");
	status = join_keys(context, node, step);
	if (!status && left->remote && reason)
		status = keep(context, left, node, NULL, reason, CONSORT_FIDELITY_NO);
	if (!status)
		status = finish(context, left);
	if (status)
		return status;
	step->inputs[0] = left->step;
	step->join = node->join;
	status = plan_keyed(context, node->inputs[1], step, &inner);
	if (!status && !inner)
		status = finish(context, right);
	if (status)
		return status;
	step->inputs[1] = inner ? inner : right->step;
	if (inner)
		consort_plan_release(right->step);
	left->step = step;
	return CONSORT_OK;
}

static enum consort_status plan_join(struct context *context, const struct consort_node *node,
				     const struct consort_answer *answer, struct part *part)
{
	struct part right = {.estimated_rows = -1};
	const char *reason = NULL;
	enum consort_status status = plan_input(context, node->inputs[0], answer, part);
	uint32_t i;

	if (!status)
		status = plan_input(context, node->inputs[1], answer, &right);
	if (status) {
		consort_plan_release(part->step);
		part->step = NULL;
		return status;
	}
	if (!answer)
		reason = missing_reason(context, node, consort_plan_database(context->planner, node));
	else if (fidelity_of(answer, node->number) != CONSORT_FIDELITY_EXACT)
		reason = reason_of(answer, node->number);
	for (i = 0; !reason && i < node->nexprs; i++)
		if (fidelity_of(answer, node->first_conjunct + i) != CONSORT_FIDELITY_EXACT)
			reason = reason_of(answer, node->first_conjunct + i);
	if (!reason && (!part->remote || !right.remote || part->npending || right.npending))
		reason = "a node below it stayed in the core";
	if (!reason) {
		const struct consort_node **inputs = consort_arena_array(context->planner->arena, 2, sizeof(*inputs));
		struct consort_node *copy = over_remote(context, node, part);

		if (!inputs || !copy)
			return consort_error_no_memory(context->error);
		inputs[0] = part->remote;
		inputs[1] = right.remote;
		copy->inputs = inputs;
		part->remote = copy;
		part->estimated_rows = -1;
		return CONSORT_OK;
	}
	status = plan_lookup(context, node, reason, part, &right);
	if (status)
		consort_plan_release(right.step);
	return status;
}

/* --- the whole --- */

static enum consort_status plan(struct context *context, const struct consort_node *node,
				const struct consort_answer *answer, struct part *part)
{
	if (!answer) {
		struct consort_database *database = consort_plan_database(context->planner, node);

		if (database && offerable(context->planner, database, node)) {
			struct consort_answer *own;
			enum consort_status status = consort_plan_offer(context->planner, database, node, &own,
									context->error);

			if (status)
				return status;
			answer = own;
			node = own->tree;
		}
	}
	switch (node->kind) {
	case CONSORT_NODE_VALUES:
		part->step = new_step(context, CONSORT_STEP_VALUES, node, NULL);
		return part->step ? CONSORT_OK : CONSORT_ENOMEM;
	case CONSORT_NODE_SCAN:
		return plan_scan(context, node, answer, part);
	case CONSORT_NODE_FILTER:
		return plan_filter(context, node, answer, part);
	case CONSORT_NODE_PROJECT:
		return plan_project(context, node, answer, part);
	case CONSORT_NODE_AGGREGATE:
		return plan_whole(context, node, answer, CONSORT_STEP_AGGREGATE, part);
	case CONSORT_NODE_SORT:
		return plan_whole(context, node, answer, CONSORT_STEP_SORT, part);
	case CONSORT_NODE_LIMIT:
		return plan_limit(context, node, answer, part);
	case CONSORT_NODE_JOIN:
		return plan_join(context, node, answer, part);
	default:
		return consort_error_set(context->error, CONSORT_EINTERNAL, "the planner met a node of kind %u",
					 node->kind);
	}
}

enum consort_status consort_plan_make(struct consort_planner *planner, const struct consort_node *root,
				      const struct consort_step **out_step, struct consort_error *error)
{
	struct context context = {planner, error};
	struct part part = {.estimated_rows = -1};
	enum consort_status status = plan(&context, root, NULL, &part);

	if (!status)
		status = finish(&context, &part);
	if (status) {
		consort_plan_release(part.step);
		return status;
	}
	*out_step = part.step;
	return CONSORT_OK;
}

enum consort_status consort_plan_make_write(struct consort_planner *planner, const struct consort_node *root,
					    const struct consort_step **out_step, const char **out_reason,
					    struct consort_error *error)
{
	struct consort_database *database = consort_plan_database(planner, root);
	struct context context = {planner, error};
	struct consort_answer *answer;
	struct consort_step *step;
	enum consort_status status;
	const struct consort_node *filter = root->inputs[0];
	uint32_t i;

	*out_step = NULL;
	if (!offerable(planner, database, root) || !database->plugin->query->execute) {
		*out_reason = missing_reason(&context, root, database);
		return CONSORT_OK;
	}
	for (i = 0; filter->kind == CONSORT_NODE_FILTER && i < filter->nexprs; i++) {
		if (filter->exprs[i]->flags & CONSORT_EXPR_CAN_FAIL) {
			*out_reason = "a condition can fail, so it runs last, in the core";
			return CONSORT_OK;
		}
	}
	status = consort_plan_offer(planner, database, root, &answer, error);
	if (status)
		return status;
	if (!takes_exactly(answer, answer->tree)) {
		*out_reason = "the adapter does not take it exactly";
		for (i = 0; i < answer->offer.count; i++)
			if (answer->offer.fidelity[i] != CONSORT_FIDELITY_EXACT && answer->offer.reason[i])
				*out_reason = answer->offer.reason[i];
		return CONSORT_OK;
	}
	status = consort_plan_compile(planner, database, answer->tree, NULL, 0, &step, error);
	if (!status)
		*out_step = step;
	return status;
}
