/* SPDX-License-Identifier: Apache-2.0 */
/* Parts: what a subtree has become while the planner decides, and finishing them as steps. */
#include "plan/parts.h"

/* The list grown by one; NULL: no memory. */
static void *append(struct consort_arena *arena, const void *list, uint32_t count, size_t size)
{
	char *grown = consort_arena_array(arena, (size_t)count + 1, size);

	if (grown && count)
		memcpy(grown, list, count * size);
	return grown;
}

enum consort_status consort_part_keep(struct consort_planning *planning, struct consort_part *part,
				      const struct consort_node *node, const struct consort_expr *conjunct,
				      const char *reason, uint32_t fidelity)
{
	struct consort_kept *kept = append(planning->planner->arena, part->kept, part->nkept, sizeof(*kept));

	if (!kept)
		return consort_error_no_memory(planning->error);
	kept[part->nkept].node = node;
	kept[part->nkept].conjunct = conjunct;
	kept[part->nkept].reason = reason;
	kept[part->nkept].fidelity = fidelity;
	part->kept = kept;
	part->nkept++;
	return CONSORT_OK;
}

enum consort_status consort_part_pend(struct consort_planning *planning, struct consort_part *part,
				      const struct consort_expr *conjunct)
{
	const struct consort_expr **pending =
		append(planning->planner->arena, part->pending, part->npending, sizeof(*pending));

	if (!pending)
		return consort_error_no_memory(planning->error);
	pending[part->npending] = conjunct;
	part->pending = pending;
	part->npending++;
	return CONSORT_OK;
}

struct consort_step *consort_step_new(struct consort_planning *planning, uint32_t kind,
				      const struct consort_node *node, const struct consort_step *input)
{
	struct consort_step *step = consort_arena_alloc(planning->planner->arena, sizeof(*step));

	if (!step) {
		consort_error_no_memory(planning->error);
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
enum consort_status consort_part_filter(struct consort_planning *planning, struct consort_part *part,
					const struct consort_expr *const *conjuncts, uint32_t count)
{
	const struct consort_expr **exprs =
		consort_arena_array(planning->planner->arena, count, sizeof(*exprs));
	struct consort_step *step = consort_arena_alloc(planning->planner->arena, sizeof(*step));
	uint32_t pass, i, n = 0;

	if (!exprs || !step)
		return consort_error_no_memory(planning->error);
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
enum consort_status consort_part_finish(struct consort_planning *planning, struct consort_part *part)
{
	struct consort_step *step;
	enum consort_status status;

	if (!part->remote)
		return CONSORT_OK;
	status = consort_plan_compile(planning->planner, part->database, part->remote, NULL, 0, &step,
				      planning->error);
	if (status)
		return status;
	step->kept = part->kept;
	step->nkept = part->nkept;
	step->estimated_rows = part->estimated_rows;
	part->remote = NULL;
	part->step = step;
	if (part->npending)
		status = consort_part_filter(planning, part, part->pending, part->npending);
	return status;
}

/* A copy of the node over the part's remote tree. */
struct consort_node *consort_part_over(struct consort_planning *planning, const struct consort_node *node,
				       const struct consort_part *part)
{
	struct consort_node *copy = consort_arena_alloc(planning->planner->arena, sizeof(*copy));
	const struct consort_node **inputs =
		consort_arena_array(planning->planner->arena, 1, sizeof(*inputs));

	if (!copy || !inputs) {
		consort_error_no_memory(planning->error);
		return NULL;
	}
	*copy = *node;
	inputs[0] = part->remote;
	copy->inputs = inputs;
	return copy;
}
