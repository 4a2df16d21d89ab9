/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins: by the adapter where both sides are its own; else the left side is read, and the right one asked for
 * sets of keys where it has an index for them, or read whole.
 */
#include "plan/parts.h"

/* The columns that the equalities of a join compare: left's and right's. */
static enum consort_status join_keys(struct consort_planning *planning, const struct consort_node *join,
				     struct consort_step *step)
{
	uint32_t nleft = join->inputs[0]->nfields, i;
	uint32_t *outer = consort_arena_array(planning->planner->arena, join->nexprs, sizeof(*outer));
	uint32_t *inner = consort_arena_array(planning->planner->arena, join->nexprs, sizeof(*inner));

	if (!outer || !inner)
		return consort_error_no_memory(planning->error);
	for (i = 0; i < join->nexprs; i++) {
		const struct consort_expr *on = join->exprs[i];
		const struct consort_expr *a = on->nargs == 2 ? on->args[0] : NULL,
					  *b = a ? on->args[1] : NULL;

		if (on->kind != CONSORT_EXPR_CALL || on->op != CONSORT_OP_EQ || !a ||
		    a->kind != CONSORT_EXPR_COLUMN || b->kind != CONSORT_EXPR_COLUMN)
			return consort_error_set(planning->error, CONSORT_EUNSUPPORTED,
						 "only equalities of attributes join databases");
		if (a->index >= nleft) {
			const struct consort_expr *swap = a;

			a = b;
			b = swap;
		}
		if (a->index >= nleft || b->index < nleft)
			return consort_error_set(planning->error, CONSORT_EUNSUPPORTED,
						 "only equalities between the two sides join databases");
		outer[i] = a->index;
		inner[i] = b->index - nleft;
	}
	step->nkeys = join->nexprs;
	step->outer_keys = outer;
	step->inner_keys = inner;
	return CONSORT_OK;
}

/* The right side as a tree that takes key sets: KEYED over it. NULL: no memory. */
static struct consort_node *keyed_tree(struct consort_arena *arena, const struct consort_node *right,
				       const struct consort_step *lookup, struct consort_type **out_types)
{
	struct consort_node *keyed = consort_make_node(arena, CONSORT_NODE_KEYED, right, NULL);
	const struct consort_expr **columns = consort_arena_array(arena, lookup->nkeys, sizeof(*columns));
	struct consort_type *types = consort_arena_array(arena, lookup->nkeys, sizeof(*types));
	uint32_t i;

	if (!keyed || !columns || !types)
		return NULL;
	for (i = 0; i < lookup->nkeys; i++) {
		types[i] = right->fields[lookup->inner_keys[i]]->type;
		columns[i] = consort_make_column(arena, lookup->inner_keys[i], types[i]);
		if (!columns[i])
			return NULL;
	}
	keyed->exprs = columns;
	keyed->nexprs = lookup->nkeys;
	*out_types = types;
	return keyed;
}

/* Tries the inner side by key sets, if the adapter takes all of it exactly and has an index for it. *out_step
 * stays NULL if not. */
static enum consort_status plan_keyed(struct consort_planning *planning, const struct consort_node *right,
				      const struct consort_step *lookup, struct consort_step **out_step)
{
	struct consort_database *database = consort_plan_database(planning->planner, right);
	struct consort_answer *answer = NULL;
	struct consort_node *tree;
	struct consort_type *types;
	enum consort_status status;

	tree = keyed_tree(planning->planner->arena, right, lookup, &types);
	if (!tree)
		return consort_error_no_memory(planning->error);
	if (!database || !consort_plan_offerable(planning->planner, database, tree))
		return CONSORT_OK;
	status = consort_plan_offer(planning->planner, database, tree, &answer, planning->error);
	if (status)
		return status;
	/* the hash table of the lookup compares again, so a superset of keys will do */
	if (!(answer->offer.flags & CONSORT_OFFER_KEYS_INDEXED) ||
	    !consort_answer_exact(answer, answer->tree->inputs[0]) ||
	    consort_answer_fidelity(answer, answer->tree->number) == CONSORT_FIDELITY_NO)
		return CONSORT_OK;
	status = consort_plan_compile(planning->planner, database, answer->tree, types, lookup->nkeys,
				      out_step, planning->error);
	if (!status)
		(*out_step)->max_keys = answer->offer.max_keys;
	return status;
}

/* Joins in the core: the left side is read, the right one asked for sets of keys, or read whole. */
static enum consort_status plan_lookup(struct consort_planning *planning, const struct consort_node *node,
				       const char *reason, struct consort_part *left,
				       struct consort_part *right)
{
	struct consort_step *step = consort_step_new(planning, CONSORT_STEP_LOOKUP, node, NULL),
			    *inner = NULL;
	enum consort_status status;

	if (!step)
		return CONSORT_ENOMEM;
	if (node->join != CONSORT_JOIN_LEFT && node->join != CONSORT_JOIN_INNER)
		return consort_error_set(planning->error, CONSORT_EUNSUPPORTED,
					 "this join is not done in the core");
	status = join_keys(planning, node, step);
	if (!status && left->remote && reason)
		status = consort_part_keep(planning, left, node, NULL, reason, CONSORT_FIDELITY_NO);
	if (!status)
		status = consort_part_finish(planning, left);
	if (status)
		return status;
	step->inputs[0] = left->step;
	step->join = node->join;
	status = plan_keyed(planning, node->inputs[1], step, &inner);
	if (!status && !inner)
		status = consort_part_finish(planning, right);
	if (status)
		return status;
	step->inputs[1] = inner ? inner : right->step;
	if (inner)
		consort_plan_release(right->step);
	left->step = step;
	return CONSORT_OK;
}

enum consort_status consort_plan_join(struct consort_planning *planning, const struct consort_node *node,
				      const struct consort_answer *answer, struct consort_part *part)
{
	struct consort_part right = {.estimated_rows = -1};
	const char *reason = NULL;
	enum consort_status status = consort_plan_input(planning, node->inputs[0], answer, part);
	uint32_t i;

	if (!status)
		status = consort_plan_input(planning, node->inputs[1], answer, &right);
	if (status) {
		consort_plan_release(part->step);
		part->step = NULL;
		return status;
	}
	if (!answer)
		reason = consort_plan_missing_reason(planning, node,
						     consort_plan_database(planning->planner, node));
	else if (consort_answer_fidelity(answer, node->number) != CONSORT_FIDELITY_EXACT)
		reason = consort_answer_reason(answer, node->number);
	for (i = 0; !reason && i < node->nexprs; i++)
		if (consort_answer_fidelity(answer, node->first_conjunct + i) != CONSORT_FIDELITY_EXACT)
			reason = consort_answer_reason(answer, node->first_conjunct + i);
	if (!reason && (!part->remote || !right.remote || part->npending || right.npending))
		reason = "a node below it stayed in the core";
	if (!reason) {
		const struct consort_node **inputs =
			consort_arena_array(planning->planner->arena, 2, sizeof(*inputs));
		struct consort_node *copy = consort_part_over(planning, node, part);

		if (!inputs || !copy)
			return consort_error_no_memory(planning->error);
		inputs[0] = part->remote;
		inputs[1] = right.remote;
		copy->inputs = inputs;
		part->remote = copy;
		part->estimated_rows = -1;
		return CONSORT_OK;
	}
	status = plan_lookup(planning, node, reason, part, &right);
	if (status)
		consort_plan_release(right.step);
	return status;
}
