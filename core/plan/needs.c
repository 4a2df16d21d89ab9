/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that need a feature of their own: an adapter's word on them counts only where its database has
 * that feature, and a match is nothing that the core could do.
 */
#include "plan/parts.h"

#include <consort/plugins.h>

/* READ: none but what any reading needs. */
static uint32_t feature_of(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_PATH:
	case CONSORT_OP_PATH_TEXT:
		return CONSORT_FEATURE_NESTED_PATHS;
	case CONSORT_OP_MATCH:
		return CONSORT_FEATURE_FULL_TEXT;
	case CONSORT_OP_TIME_BUCKET:
		return CONSORT_FEATURE_TIME_BUCKET;
	default:
		return CONSORT_FEATURE_READ;
	}
}

/* Is that beyond the database, or, without one, beyond the core? */
static bool lacks(const struct consort_database *database, uint32_t op)
{
	return database ? !consort_database_has(database, feature_of(op)) : op == CONSORT_OP_MATCH;
}

/* The first operator in it that is; OP_NONE: none is. */
static uint32_t find_op(const struct consort_database *database, const struct consort_expr *expr)
{
	uint32_t op = CONSORT_OP_NONE, i;

	if (expr->kind == CONSORT_EXPR_CALL && lacks(database, expr->op))
		return expr->op;
	for (i = 0; i < expr->nargs && !op; i++)
		op = find_op(database, expr->args[i]);
	return op;
}

static uint32_t find_op_of_node(const struct consort_database *database, const struct consort_node *node)
{
	uint32_t op = CONSORT_OP_NONE, i;

	for (i = 0; i < node->nexprs && !op; i++)
		op = find_op(database, node->exprs[i]);
	for (i = 0; i < node->naggregates && !op; i++)
		if (node->aggregates[i]->input)
			op = find_op(database, node->aggregates[i]->input);
	for (i = 0; i < node->norders && !op; i++)
		op = find_op(database, node->orders[i]->expr);
	return op;
}

static enum consort_status withhold(struct consort_planner *planner, struct consort_answer *answer,
				    uint32_t op, uint32_t number)
{
	const char *reason;

	if (!op || number >= answer->offer.count)
		return CONSORT_OK;
	reason = consort_arena_printf(planner->arena, "no %s: %s", consort_feature_name(feature_of(op)),
				      consort_database_why(answer->database, feature_of(op)));
	answer->offer.fidelity[number] = CONSORT_FIDELITY_NO;
	answer->offer.reason[number] = reason;
	return reason ? CONSORT_OK : CONSORT_ENOMEM;
}

enum consort_status consort_answer_withhold(struct consort_planner *planner, struct consort_answer *answer,
					    const struct consort_node *node)
{
	const bool conjuncts = node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN;
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; i < node->ninputs && !status; i++)
		status = consort_answer_withhold(planner, answer, node->inputs[i]);
	if (!conjuncts && !status)
		return withhold(planner, answer, find_op_of_node(answer->database, node), node->number);
	for (i = 0; i < node->nexprs && !status; i++)
		status = withhold(planner, answer, find_op(answer->database, node->exprs[i]),
				  node->first_conjunct + i);
	return status;
}

/* --- what is left for the core --- */

static const struct consort_database *database_below(const struct consort_step *step)
{
	while (step && step->kind != CONSORT_STEP_REMOTE)
		step = step->inputs[0];
	return step ? step->database : NULL;
}

enum consort_status consort_plan_check_core(const struct consort_step *step, struct consort_error *error)
{
	const struct consort_database *database = database_below(step);
	enum consort_status status = CONSORT_OK;
	uint32_t i, op = CONSORT_OP_NONE;

	if (!step || step->kind == CONSORT_STEP_REMOTE)
		return CONSORT_OK;
	/* a FILTER step has the conjuncts that stayed; its node is another one's */
	for (i = 0; i < step->nexprs && !op; i++)
		op = find_op(NULL, step->exprs[i]);
	if (!op && step->kind != CONSORT_STEP_FILTER)
		op = find_op_of_node(NULL, step->node);
	if (op && database)
		status = consort_database_need(database, feature_of(op), error);
	if (op && !status)
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"only a database's full text search does a match, and none takes it here");
	for (i = 0; i < 2 && !status; i++)
		status = consort_plan_check_core(step->inputs[i], error);
	return status;
}
