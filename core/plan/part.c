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

/* --- finishing --- */

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

/* Of what the adapter takes exactly: a superset of one record may be several. */
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
	step->at_most_one = !part->npending && at_most_one(part->remote);
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
