/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding, from the leaves up. A *part* is what a subtree has become: still one tree for an adapter, with
 * the conjuncts that the core must check again above it, or finished as a step. A node joins its input's part
 * if the adapter takes it exactly and nothing is left to be checked below it; a FILTER gives the adapter what
 * it takes and leaves the rest pending; else the part is finished and the node becomes a step of the core.
 */
#include "plan/parts.h"

static enum consort_status plan(struct consort_planning *planning, const struct consort_node *node,
				const struct consort_answer *answer, struct consort_part *part);

/* Did the adapter take anything of this node? */
static bool refused(const struct consort_answer *answer, const struct consort_node *node)
{
	uint32_t i;

	if (consort_answer_fidelity(answer, node->number) != CONSORT_FIDELITY_NO)
		return false;
	for (i = 0; node->kind == CONSORT_NODE_FILTER && i < node->nexprs; i++)
		if (consort_answer_fidelity(answer, node->first_conjunct + i) != CONSORT_FIDELITY_NO)
			return false;
	return true;
}

/* Plans an input: under the same answer, unless that refused it as part of the larger tree; then it is
 * offered by itself. */
enum consort_status consort_plan_input(struct consort_planning *planning, const struct consort_node *input,
				       const struct consort_answer *answer, struct consort_part *part)
{
	return plan(planning, input, answer && refused(answer, input) ? NULL : answer, part);
}

/* --- node by node --- */

static enum consort_status plan_scan(struct consort_planning *planning, const struct consort_node *node,
				     const struct consort_answer *answer, struct consort_part *part)
{
	struct consort_database *database = consort_plan_database(planning->planner, node);
	enum consort_status status;

	if (!answer) {
		status = consort_database_need(database, CONSORT_FEATURE_READ, planning->error);
		if (status)
			return status;
	}
	if (!answer || consort_answer_fidelity(answer, node->number) != CONSORT_FIDELITY_EXACT)
		return consort_error_set(
			planning->error, CONSORT_EUNSUPPORTED,
			"database '%s' does not read resource '%s': %s", database->name, node->resource->name,
			answer ? consort_answer_reason(answer, node->number) : "the adapter refuses it");
	part->database = database;
	part->remote = node;
	part->estimated_rows = answer->tree == node ? answer->offer.estimated_rows : -1;
	return CONSORT_OK;
}

/* Gives the adapter the conjuncts it takes; the others, and those it takes loosely, stay pending. */
static enum consort_status plan_filter(struct consort_planning *planning, const struct consort_node *node,
				       const struct consort_answer *answer, struct consort_part *part)
{
	const struct consort_expr **pushed =
		consort_arena_array(planning->planner->arena, node->nexprs, sizeof(*pushed));
	enum consort_status status = consort_plan_input(planning, node->inputs[0], answer, part);
	struct consort_node *copy;
	uint32_t npushed = 0, i;

	if (!pushed)
		return consort_error_no_memory(planning->error);
	if (status)
		return status;
	if (!part->remote)
		return consort_part_filter(planning, part, node->exprs, node->nexprs);
	for (i = 0; !status && i < node->nexprs; i++) {
		const struct consort_expr *conjunct = node->exprs[i];
		uint32_t fidelity = answer ? consort_answer_fidelity(answer, node->first_conjunct + i)
					   : CONSORT_FIDELITY_NO;
		const char *reason = answer ? consort_answer_reason(answer, node->first_conjunct + i)
					    : consort_plan_missing_reason(planning, node, part->database);

		/* but a superset of it, which cannot fail, spares records */
		if ((conjunct->flags & CONSORT_EXPR_CAN_FAIL) && fidelity != CONSORT_FIDELITY_SUPERSET) {
			fidelity = CONSORT_FIDELITY_NO;
			reason = "it can fail, so it runs last, in the core";
		}
		if (fidelity != CONSORT_FIDELITY_NO)
			pushed[npushed++] = conjunct;
		if (fidelity != CONSORT_FIDELITY_EXACT) {
			status = consort_part_keep(planning, part, node, conjunct, reason, fidelity);
			if (!status)
				status = consort_part_pend(planning, part, conjunct);
		}
	}
	if (status || !npushed)
		return status;
	copy = consort_part_over(planning, node, part);
	if (!copy)
		return CONSORT_ENOMEM;
	copy->exprs = pushed;
	copy->nexprs = npushed;
	part->remote = copy;
	part->estimated_rows = answer && answer->tree == node ? answer->offer.estimated_rows : -1;
	return CONSORT_OK;
}

/* A node that only goes to the adapter whole: SORT also over pending conjuncts, since filtering keeps order.
 */
static enum consort_status plan_whole(struct consort_planning *planning, const struct consort_node *node,
				      const struct consort_answer *answer, uint32_t step_kind,
				      struct consort_part *part)
{
	enum consort_status status = consort_plan_input(planning, node->inputs[0], answer, part);
	const char *reason = NULL;
	struct consort_step *step;

	if (status)
		return status;
	if (part->remote) {
		if (!answer)
			reason = consort_plan_missing_reason(planning, node, part->database);
		else if (consort_answer_fidelity(answer, node->number) != CONSORT_FIDELITY_EXACT)
			reason = consort_answer_reason(answer, node->number);
		else if (part->npending && node->kind != CONSORT_NODE_SORT)
			reason = "the core still filters below it";
		if (!reason) {
			part->remote = consort_part_over(planning, node, part);
			part->estimated_rows = answer->tree == node ? answer->offer.estimated_rows : -1;
			return part->remote ? CONSORT_OK : CONSORT_ENOMEM;
		}
		status = consort_part_keep(planning, part, node, NULL, reason, CONSORT_FIDELITY_NO);
		if (!status)
			status = consort_part_finish(planning, part);
		if (status)
			return status;
	}
	step = consort_step_new(planning, step_kind, node, part->step);
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

static enum consort_status plan_project(struct consort_planning *planning, const struct consort_node *node,
					const struct consort_answer *answer, struct consort_part *part)
{
	if (is_identity(node, node->inputs[0]->nfields))
		return consort_plan_input(planning, node->inputs[0], answer, part);
	return plan_whole(planning, node, answer, CONSORT_STEP_PROJECT, part);
}

/* A LIMIT in the core right over a SORT in the core makes that a top-N. */
static enum consort_status plan_limit(struct consort_planning *planning, const struct consort_node *node,
				      const struct consort_answer *answer, struct consort_part *part)
{
	enum consort_status status = plan_whole(planning, node, answer, CONSORT_STEP_LIMIT, part);
	const struct consort_step *sort = status || part->remote ? NULL : part->step->inputs[0];
	struct consort_node *limited;
	struct consort_step *copy;

	if (!sort || sort->kind != CONSORT_STEP_SORT || !node->limit)
		return status;
	limited = consort_arena_alloc(planning->planner->arena, sizeof(*limited));
	copy = consort_arena_alloc(planning->planner->arena, sizeof(*copy));
	if (!limited || !copy)
		return consort_error_no_memory(planning->error);
	*limited = *sort->node;
	limited->limit = node->limit;
	limited->offset = node->offset;
	*copy = *sort;
	copy->node = limited;
	((struct consort_step *)part->step)->inputs[0] = copy;
	return CONSORT_OK;
}

/* --- the whole --- */

static enum consort_status plan(struct consort_planning *planning, const struct consort_node *node,
				const struct consort_answer *answer, struct consort_part *part)
{
	if (!answer) {
		struct consort_database *database = consort_plan_database(planning->planner, node);

		if (database && consort_plan_offerable(planning->planner, database, node)) {
			struct consort_answer *own;
			enum consort_status status =
				consort_plan_offer(planning->planner, database, node, &own, planning->error);

			if (status)
				return status;
			answer = own;
			node = own->tree;
		}
	}
	switch (node->kind) {
	case CONSORT_NODE_VALUES:
		part->step = consort_step_new(planning, CONSORT_STEP_VALUES, node, NULL);
		return part->step ? CONSORT_OK : CONSORT_ENOMEM;
	case CONSORT_NODE_SCAN:
		return plan_scan(planning, node, answer, part);
	case CONSORT_NODE_FILTER:
		return plan_filter(planning, node, answer, part);
	case CONSORT_NODE_PROJECT:
		return plan_project(planning, node, answer, part);
	case CONSORT_NODE_AGGREGATE:
		return plan_whole(planning, node, answer, CONSORT_STEP_AGGREGATE, part);
	case CONSORT_NODE_SORT:
		return plan_whole(planning, node, answer, CONSORT_STEP_SORT, part);
	case CONSORT_NODE_LIMIT:
		return plan_limit(planning, node, answer, part);
	case CONSORT_NODE_JOIN:
		return consort_plan_join(planning, node, answer, part);
	default:
		return consort_error_set(planning->error, CONSORT_EINTERNAL,
					 "the planner met a node of kind %u", node->kind);
	}
}

enum consort_status consort_plan_make(struct consort_planner *planner, const struct consort_node *root,
				      const struct consort_step **out_step, struct consort_error *error)
{
	struct consort_planning planning = {planner, error};
	struct consort_part part = {.estimated_rows = -1};
	enum consort_status status = plan(&planning, root, NULL, &part);

	if (!status)
		status = consort_part_finish(&planning, &part);
	if (!status)
		status = consort_plan_check_core(part.step, error);
	if (status) {
		consort_plan_release(part.step);
		return status;
	}
	*out_step = part.step;
	return CONSORT_OK;
}

enum consort_status consort_plan_make_write(struct consort_planner *planner, const struct consort_node *root,
					    const struct consort_step **out_step, struct consort_error *error)
{
	struct consort_database *database = consort_plan_database(planner, root);
	const struct consort_node *filter = root->inputs[0];
	struct consort_answer *answer;
	struct consort_step *step;
	enum consort_status status;
	uint32_t i;

	*out_step = NULL;
	if (!consort_plan_offerable(planner, database, root) || !database->plugin->query->execute)
		return CONSORT_OK;
	/* a condition that can fail runs last, in the core */
	for (i = 0; filter->kind == CONSORT_NODE_FILTER && i < filter->nexprs; i++)
		if (filter->exprs[i]->flags & CONSORT_EXPR_CAN_FAIL)
			return CONSORT_OK;
	status = consort_plan_offer(planner, database, root, &answer, error);
	if (status || !consort_answer_exact(answer, answer->tree))
		return status;
	status = consort_plan_compile(planner, database, answer->tree, NULL, 0, &step, error);
	if (!status)
		*out_step = step;
	return status;
}
