/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an adapter how exactly it could take a subtree: numbering, and the features that each kind needs. */
#include "plan/parts.h"

#include <consort/plugins.h>

struct consort_database *consort_plan_database(const struct consort_planner *planner,
					       const struct consort_node *node)
{
	struct consort_database *database = NULL;
	uint32_t i;

	if (node->kind == CONSORT_NODE_SCAN)
		return planner->database_of(planner->context, node->resource);
	for (i = 0; i < node->ninputs; i++) {
		struct consort_database *below = consort_plan_database(planner, node->inputs[i]);

		if (!below || (database && database != below))
			return NULL;
		database = below;
	}
	return database;
}

/* What a node asks of an adapter. */
static uint32_t feature_of(const struct consort_node *node)
{
	switch (node->kind) {
	case CONSORT_NODE_FILTER:
		return CONSORT_FEATURE_FILTER;
	case CONSORT_NODE_KEYED:
		return CONSORT_FEATURE_KEY_LOOKUP;
	case CONSORT_NODE_AGGREGATE:
		return node->nexprs ? CONSORT_FEATURE_GROUP : CONSORT_FEATURE_AGGREGATE;
	case CONSORT_NODE_SORT:
		return CONSORT_FEATURE_SORT;
	case CONSORT_NODE_LIMIT:
		return CONSORT_FEATURE_LIMIT;
	case CONSORT_NODE_JOIN:
		return CONSORT_FEATURE_JOIN;
	case CONSORT_NODE_UPDATE:
		return CONSORT_FEATURE_UPDATE;
	case CONSORT_NODE_DELETE:
		return CONSORT_FEATURE_DELETE;
	default:
		return CONSORT_FEATURE_READ;
	}
}

/* The feature that offering a node of this kind needs, for one the database has not; else -1. */
static int32_t missing(const struct consort_planner *planner, const struct consort_database *database,
		       const struct consort_node *node)
{
	uint32_t feature = feature_of(node);

	if (planner->no_push && node->kind != CONSORT_NODE_SCAN)
		return (int32_t)feature;
	return consort_database_has(database, feature) ? -1 : (int32_t)feature;
}

/* A copy of the tree with numbers for nodes and conjuncts. */
static struct consort_node *number_tree(struct consort_arena *arena, const struct consort_node *node,
					uint32_t *next)
{
	struct consort_node *copy = consort_arena_alloc(arena, sizeof(*copy));
	const struct consort_node **inputs = consort_arena_array(arena, node->ninputs, sizeof(*inputs));
	uint32_t i;

	if (!copy || !inputs)
		return NULL;
	*copy = *node;
	copy->inputs = inputs;
	for (i = 0; i < node->ninputs; i++) {
		inputs[i] = number_tree(arena, node->inputs[i], next);
		if (!inputs[i])
			return NULL;
	}
	copy->number = (*next)++;
	copy->first_conjunct = *next;
	if (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN)
		*next += node->nexprs;
	return copy;
}

enum consort_status consort_plan_offer(struct consort_planner *planner, struct consort_database *database,
				       const struct consort_node *tree, struct consort_answer **out_answer,
				       struct consort_error *error)
{
	struct consort_answer *answer = consort_arena_alloc(planner->arena, sizeof(*answer));
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_offer *offer;
	uint32_t count = 0, status;

	if (!answer)
		return consort_error_no_memory(error);
	answer->database = database;
	answer->tree = number_tree(planner->arena, tree, &count);
	offer = &answer->offer;
	offer->struct_size = sizeof(*offer);
	offer->count = count;
	offer->fidelity = consort_arena_array(planner->arena, count, sizeof(*offer->fidelity));
	offer->reason = consort_arena_array(planner->arena, count, sizeof(*offer->reason));
	offer->estimated_rows = offer->estimated_bytes = offer->start_cost = -1;
	if (!answer->tree || !offer->fidelity || !offer->reason)
		return consort_error_no_memory(error);
	status = database->plugin->query->offer(database->context, answer->tree, offer, &local);
	if (status) {
		status = consort_database_failed(database, status, &local);
		if (error)
			*error = local;
		return (enum consort_status)status;
	}
	if (consort_answer_withhold(planner, answer, answer->tree))
		return consort_error_no_memory(error);
	*out_answer = answer;
	return CONSORT_OK;
}

/* --- what it said --- */

uint32_t consort_answer_fidelity(const struct consort_answer *answer, uint32_t number)
{
	return number < answer->offer.count ? answer->offer.fidelity[number] : CONSORT_FIDELITY_NO;
}

const char *consort_answer_reason(const struct consort_answer *answer, uint32_t number)
{
	const char *reason = number < answer->offer.count ? answer->offer.reason[number] : NULL;

	return reason ? reason : "the adapter does not take it";
}

/* Why a node was not even offered. */
const char *consort_plan_missing_reason(struct consort_planning *planning, const struct consort_node *node,
					struct consort_database *database)
{
	int32_t feature;
	const char *reason;

	if (!database)
		return "its inputs live in several databases";
	if (planning->planner->no_push)
		return "pushdown is switched off";
	feature = missing(planning->planner, database, node);
	if (feature < 0)
		return "a node below it stayed in the core";
	reason = consort_arena_printf(planning->planner->arena, "no %s: %s",
				      consort_feature_name((uint32_t)feature),
				      consort_database_why(database, (uint32_t)feature));
	return reason ? reason : "the adapter does not take it";
}

/* May all of this tree be offered? */
bool consort_plan_offerable(const struct consort_planner *planner, const struct consort_database *database,
			    const struct consort_node *node)
{
	uint32_t i;

	if (missing(planner, database, node) >= 0)
		return false;
	for (i = 0; i < node->ninputs; i++)
		if (!consort_plan_offerable(planner, database, node->inputs[i]))
			return false;
	return true;
}

/* Is this tree taken exactly as a whole? (A FILTER is its conjuncts.) */
bool consort_answer_exact(const struct consort_answer *answer, const struct consort_node *node)
{
	uint32_t i;

	if (node->kind != CONSORT_NODE_FILTER &&
	    consort_answer_fidelity(answer, node->number) != CONSORT_FIDELITY_EXACT)
		return false;
	for (i = 0;
	     (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN) && i < node->nexprs; i++)
		if (consort_answer_fidelity(answer, node->first_conjunct + i) != CONSORT_FIDELITY_EXACT)
			return false;
	for (i = 0; i < node->ninputs; i++)
		if (!consort_answer_exact(answer, node->inputs[i]))
			return false;
	return true;
}
