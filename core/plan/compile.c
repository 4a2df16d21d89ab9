/* SPDX-License-Identifier: Apache-2.0 */
/* Decided subtrees to REMOTE steps, and what was compiled for them back to the adapters. */
#include "plan/parts.h"

/* Does a conjunct fix this column to one value? */
static bool fixes(const struct consort_expr *conjunct, uint32_t column)
{
	uint32_t i;

	if (conjunct->kind != CONSORT_EXPR_CALL || conjunct->op != CONSORT_OP_EQ)
		return false;
	for (i = 0; i < 2; i++) {
		const struct consort_expr *side = conjunct->args[i], *other = conjunct->args[1 - i];

		if (side->kind == CONSORT_EXPR_COLUMN && side->index == column &&
		    (other->kind == CONSORT_EXPR_LITERAL || other->kind == CONSORT_EXPR_PARAMETER))
			return true;
	}
	return false;
}

static bool fixes_any(const struct consort_node *filter, uint32_t column)
{
	uint32_t i;

	for (i = 0; i < filter->nexprs; i++)
		if (fixes(filter->exprs[i], column))
			return true;
	return false;
}

/* A FILTER right over a SCAN that gives a whole key. */
static bool gives_key(const struct consort_node *filter)
{
	const struct consort_node *scan = filter->inputs[0];
	const struct consort_resource *resource = scan->resource;
	uint32_t i, column;

	if (scan->kind != CONSORT_NODE_SCAN || !resource->nkeys)
		return false;
	for (i = 0; i < resource->nkeys; i++) {
		for (column = 0; column < scan->nattributes; column++)
			if (scan->attributes[column] == resource->keys[i])
				break;
		if (column == scan->nattributes || !fixes_any(filter, column))
			return false;
	}
	return true;
}

static bool at_most_one(const struct consort_node *node)
{
	for (;; node = node->inputs[0]) {
		switch (node->kind) {
		case CONSORT_NODE_FILTER:
			if (gives_key(node))
				return true;
			break;
		case CONSORT_NODE_AGGREGATE:
			return node->nexprs == 0;
		case CONSORT_NODE_PROJECT:
		case CONSORT_NODE_SORT:
		case CONSORT_NODE_LIMIT:
			break;
		default:
			return false;
		}
	}
}

enum consort_status consort_plan_compile(struct consort_planner *planner, struct consort_database *database,
					 const struct consort_node *tree, const struct consort_type *keys,
					 uint32_t nkeys, struct consort_step **out_step,
					 struct consort_error *error)
{
	struct consort_statement *statement = consort_arena_alloc(planner->arena, sizeof(*statement));
	struct consort_step *step = consort_arena_alloc(planner->arena, sizeof(*step));
	struct consort_error local = CONSORT_ERROR_INIT;
	uint32_t status;

	if (!statement || !step)
		return consort_error_no_memory(error);
	statement->struct_size = sizeof(*statement);
	statement->id = consort_next_id();
	statement->root = tree;
	statement->nparameters = planner->nparameters;
	statement->parameters = planner->parameters;
	statement->nkeys = nkeys;
	statement->keys = keys;
	step->kind = CONSORT_STEP_REMOTE;
	step->node = tree;
	step->fields = tree->fields;
	step->nfields = tree->nfields;
	step->database = database;
	step->statement = statement;
	step->keyed = nkeys > 0;
	step->at_most_one = at_most_one(tree);
	step->estimated_rows = -1;
	status = database->plugin->query->compile(database->context, statement, &step->compiled, &local);
	if (status) {
		status = consort_database_failed(database, status, &local);
		if (error)
			*error = local;
		return (enum consort_status)status;
	}
	*out_step = step;
	return CONSORT_OK;
}

void consort_plan_release(const struct consort_step *step)
{
	uint32_t i;

	if (!step)
		return;
	for (i = 0; i < 2; i++)
		consort_plan_release(step->inputs[i]);
	if (step->kind == CONSORT_STEP_REMOTE && step->compiled)
		step->database->plugin->query->compiled_free(step->database->context, step->compiled);
}
