/* SPDX-License-Identifier: Apache-2.0 */
/* Decided subtrees to REMOTE steps, and what was compiled for them back to the adapters. */
#include "plan/parts.h"

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
