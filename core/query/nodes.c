/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes: scans of what is used, joins along relationships with conditions as far down as they may go, and
 * expressions put to their place above them. Joins are a chain to the left, so a column keeps its index from
 * where it is joined up to the aggregate or the projection.
 */
#include "query/build.h"

#define NOT_THERE UINT32_MAX

/* --- nodes --- */

struct consort_node *consort_node_make(struct consort_resolver *r, enum consort_node_kind kind,
				       const struct consort_node *left, const struct consort_node *right)
{
	struct consort_node *node = consort_arena_alloc(r->arena, sizeof(*node));
	const struct consort_node **inputs;

	if (!node)
		return consort_query_no_memory(r);
	node->struct_size = sizeof(*node);
	node->kind = kind;
	if (!left)
		return node;
	inputs = consort_arena_array(r->arena, 2, sizeof(*inputs));
	if (!inputs)
		return consort_query_no_memory(r);
	inputs[0] = left;
	inputs[1] = right;
	node->inputs = inputs;
	node->ninputs = right ? 2 : 1;
	node->fields = left->fields;
	node->nfields = left->nfields;
	return node;
}

struct consort_field *consort_field_make(struct consort_resolver *r, const char *name,
					 struct consort_type type, uint32_t flags)
{
	struct consort_field *field = consort_arena_alloc(r->arena, sizeof(*field));

	if (!field)
		return consort_query_no_memory(r);
	*field = (struct consort_field){sizeof(*field), flags, type, name};
	return field;
}

bool consort_node_fields(struct consort_resolver *r, struct consort_node *node, uint32_t count,
			 struct consort_field ***out_fields)
{
	*out_fields = consort_arena_array(r->arena, count, sizeof(**out_fields));
	if (!*out_fields)
		return consort_query_no_memory(r);
	node->fields = (const struct consort_field *const *)*out_fields;
	node->nfields = count;
	return true;
}

struct consort_node *consort_node_filter(struct consort_resolver *r, const struct consort_node *input,
					 const struct consort_exprs *conjuncts)
{
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_FILTER, input, NULL);

	if (!node)
		return NULL;
	node->exprs = (const struct consort_expr *const *)conjuncts->items;
	node->nexprs = conjuncts->count;
	return node;
}

/* --- layout --- */

bool consort_layout_init(struct consort_layout *layout, struct consort_resolver *r)
{
	const struct consort_resource *base = r->sources[0].resource;
	uint32_t i;

	/* a scan has a column, whatever is asked for */
	if (!consort_query_slot(r, 0, base->nkeys ? base->keys[0] : 0, &layout->fallback))
		return false;
	layout->r = r;
	layout->columns = consort_arena_array(r->scratch, r->nslots, sizeof(*layout->columns));
	layout->joined = consort_arena_array(r->scratch, r->nsources, sizeof(*layout->joined));
	if (!layout->columns || !layout->joined)
		return consort_query_no_memory(r);
	for (i = 0; i < r->nslots; i++)
		layout->columns[i] = NOT_THERE;
	layout->joined[0] = true;
	return true;
}

/* The place is given later; until then any number marks a slot that is used. */
void consort_layout_use_slot(struct consort_layout *layout, uint32_t slot)
{
	layout->columns[slot] = 0;
}

static void use_source(struct consort_layout *layout, uint32_t source)
{
	const struct consort_resolver *r = layout->r;

	for (; !layout->joined[source]; source = r->sources[source].parent) {
		const struct consort_source *joined = &r->sources[source];
		uint32_t i;

		layout->joined[source] = true;
		for (i = 0; i < joined->via->nattributes; i++) {
			consort_layout_use_slot(layout, joined->from[i]);
			consort_layout_use_slot(layout, joined->to[i]);
		}
	}
}

void consort_layout_use(struct consort_layout *layout, const struct consort_expr *expr)
{
	uint32_t i;

	if (expr->kind == CONSORT_EXPR_COLUMN && !(expr->flags & CONSORT_QUERY_AGGREGATE)) {
		consort_layout_use_slot(layout, expr->index);
		use_source(layout, layout->r->slots[expr->index].source);
	}
	for (i = 0; i < expr->nargs; i++)
		consort_layout_use(layout, expr->args[i]);
}

/* Gives each slot that is used its column: source by source, in the order of first use. */
static void place_slots(struct consort_layout *layout)
{
	const struct consort_resolver *r = layout->r;
	uint32_t source, slot, column = 0;

	for (source = 0; source < r->nsources; source++) {
		for (slot = 0; slot < r->nslots; slot++)
			if (r->slots[slot].source == source && layout->columns[slot] != NOT_THERE)
				layout->columns[slot] = column++;
		if (!column)
			layout->columns[layout->fallback] = column++;
	}
}

/* --- expressions in their place --- */

static struct consort_expr *copy_of(struct consort_resolver *r, const struct consort_expr *expr)
{
	struct consort_expr *copy = consort_arena_alloc(r->arena, sizeof(*copy));

	if (!copy)
		return consort_query_no_memory(r);
	*copy = *expr;
	copy->flags &= ~CONSORT_QUERY_FLAGS;
	return copy;
}

static struct consort_expr *column_at(struct consort_resolver *r, const struct consort_expr *expr,
				      uint32_t index)
{
	struct consort_expr *column = consort_query_make(r, CONSORT_EXPR_COLUMN, expr->type, expr->position);

	if (!column)
		return NULL;
	column->index = index;
	column->flags = expr->flags & CONSORT_EXPR_NOT_NULL;
	return column;
}

/* A column, or a group's whole expression, where it now stands. NULL without an error: it is neither. */
static struct consort_expr *place_column(const struct consort_place *place, const struct consort_expr *expr)
{
	struct consort_resolver *r = place->layout->r;
	uint32_t i;

	if (!place->grouped)
		return expr->kind == CONSORT_EXPR_COLUMN
			       ? column_at(r, expr, place->layout->columns[expr->index])
			       : NULL;
	for (i = 0; i < place->groups->count; i++)
		if (consort_query_equal(expr, place->groups->items[i]))
			return column_at(r, expr, i);
	if (expr->kind != CONSORT_EXPR_COLUMN)
		return NULL;
	if (expr->flags & CONSORT_QUERY_AGGREGATE)
		return column_at(r, expr, place->groups->count + expr->index);
	return consort_query_fail_for(r, expr, expr->position, CONSORT_ETYPE,
				      "must appear in group, or inside an aggregate");
}

struct consort_expr *consort_place_expr(const struct consort_place *place, const struct consort_expr *expr)
{
	struct consort_resolver *r = place->layout->r;
	struct consort_expr *placed = place_column(place, expr), **args;
	uint32_t i;

	if (placed || r->status)
		return placed;
	placed =
		expr->flags & CONSORT_QUERY_FLAGS || expr->nargs ? copy_of(r, expr) : consort_query_own(expr);
	if (!placed || !expr->nargs)
		return placed;
	args = consort_arena_array(r->arena, expr->nargs, sizeof(struct consort_expr *));
	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i < expr->nargs; i++) {
		args[i] = consort_place_expr(place, expr->args[i]);
		if (!args[i])
			return NULL;
	}
	placed->args = (const struct consort_expr *const *)args;
	return placed;
}

bool consort_place_exprs(const struct consort_place *place, const struct consort_exprs *exprs,
			 struct consort_exprs *out)
{
	struct consort_resolver *r = place->layout->r;
	uint32_t i;

	*out = (struct consort_exprs){
		consort_arena_array(r->arena, exprs->count, sizeof(struct consort_expr *)), 0, exprs->count};
	if (!out->items)
		return consort_query_no_memory(r);
	for (i = 0; i < exprs->count; i++) {
		out->items[i] = consort_place_expr(place, exprs->items[i]);
		if (!out->items[i])
			return false;
		out->count++;
	}
	return true;
}

/* --- scans and joins --- */

static struct consort_node *scan(struct consort_layout *layout, uint32_t source)
{
	struct consort_resolver *r = layout->r;
	const struct consort_resource *resource = r->sources[source].resource;
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_SCAN, NULL, NULL);
	struct consort_field **fields;
	uint32_t *attributes, count = 0, slot;

	for (slot = 0; slot < r->nslots; slot++)
		count += r->slots[slot].source == source && layout->columns[slot] != NOT_THERE;
	attributes = consort_arena_array(r->arena, count, sizeof(*attributes));
	if (!attributes)
		return consort_query_no_memory(r);
	if (!node || !consort_node_fields(r, node, count, &fields))
		return NULL;
	node->resource = resource;
	node->attributes = attributes;
	node->nattributes = count;
	for (slot = 0, count = 0; slot < r->nslots; slot++) {
		uint32_t attribute = r->slots[slot].attribute;
		const struct consort_attribute *what;

		if (r->slots[slot].source != source || layout->columns[slot] == NOT_THERE)
			continue;
		what = resource->attributes[attribute];
		attributes[count] = attribute;
		fields[count] = consort_field_make(
			r, what->name, what->type,
			what->flags & (CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_STRICT));
		if (!fields[count++])
			return NULL;
	}
	return node;
}

static struct consort_expr *slot_column(struct consort_layout *layout, uint32_t slot)
{
	struct consort_resolver *r = layout->r;
	const struct consort_slot *at = &r->slots[slot];
	struct consort_expr *column = consort_query_make(
		r, CONSORT_EXPR_COLUMN, r->sources[at->source].resource->attributes[at->attribute]->type, -1);

	if (column)
		column->index = layout->columns[slot];
	return column;
}

/* left's columns, then right's, which are all NULL where there is no match */
static bool join_fields(struct consort_resolver *r, struct consort_node *join,
			const struct consort_node *left, const struct consort_node *right)
{
	struct consort_field **fields;
	uint32_t i;

	if (!consort_node_fields(r, join, left->nfields + right->nfields, &fields))
		return false;
	memcpy(fields, left->fields, left->nfields * sizeof(*fields));
	for (i = 0; i < right->nfields; i++) {
		const struct consort_field *field = right->fields[i];

		fields[left->nfields + i] = consort_field_make(r, field->name, field->type,
							       field->flags & ~CONSORT_ATTRIBUTE_NOT_NULL);
		if (!fields[left->nfields + i])
			return false;
	}
	return true;
}

static struct consort_node *join(struct consort_layout *layout, const struct consort_node *left,
				 uint32_t source)
{
	struct consort_resolver *r = layout->r;
	const struct consort_source *joined = &r->sources[source];
	uint32_t count = joined->via->nattributes, i;
	struct consort_node *right = scan(layout, source);
	struct consort_node *node = right ? consort_node_make(r, CONSORT_NODE_JOIN, left, right) : NULL;
	struct consort_expr **exprs = consort_arena_array(r->arena, count, sizeof(struct consort_expr *));

	if (!node)
		return NULL;
	if (!exprs)
		return consort_query_no_memory(r);
	for (i = 0; i < count; i++) {
		struct consort_expr *here = slot_column(layout, joined->from[i]);
		struct consort_expr *there = here ? slot_column(layout, joined->to[i]) : NULL;

		exprs[i] = there ? consort_query_call(r, CONSORT_OP_EQ, consort_type_of(CONSORT_TYPE_BOOL),
						      here, there, -1)
				 : NULL;
		if (!exprs[i])
			return NULL;
	}
	node->join = CONSORT_JOIN_LEFT;
	node->exprs = (const struct consort_expr *const *)exprs;
	node->nexprs = count;
	return join_fields(r, node, left, right) ? node : NULL;
}

/* The last source that it needs. */
static uint32_t source_of(const struct consort_resolver *r, const struct consort_expr *expr)
{
	uint32_t last = expr->kind == CONSORT_EXPR_COLUMN ? r->slots[expr->index].source : 0, i;

	for (i = 0; i < expr->nargs; i++) {
		uint32_t source = source_of(r, expr->args[i]);

		last = source > last ? source : last;
	}
	return last;
}

/* The conjuncts that belong right above a source's join. What can fail stays above the last one, and last. */
static struct consort_node *filter_above(const struct consort_place *place, const struct consort_node *input,
					 const struct consort_exprs *conjuncts, uint32_t source, bool last)
{
	struct consort_resolver *r = place->layout->r;
	struct consort_exprs here = {0}, placed;
	uint32_t i;

	for (i = 0; i < conjuncts->count; i++) {
		struct consort_expr *conjunct = conjuncts->items[i];

		if (!(conjunct->flags & CONSORT_EXPR_CAN_FAIL) && source_of(r, conjunct) == source &&
		    !consort_exprs_add(r, &here, conjunct))
			return NULL;
	}
	for (i = 0; last && i < conjuncts->count; i++)
		if ((conjuncts->items[i]->flags & CONSORT_EXPR_CAN_FAIL) &&
		    !consort_exprs_add(r, &here, conjuncts->items[i]))
			return NULL;
	if (!here.count)
		return (struct consort_node *)(uintptr_t)input;
	return consort_place_exprs(place, &here, &placed) ? consort_node_filter(r, input, &placed) : NULL;
}

struct consort_node *consort_layout_build(struct consort_layout *layout,
					  const struct consort_exprs *conjuncts)
{
	const struct consort_place place = {.layout = layout};
	struct consort_resolver *r = layout->r;
	struct consort_node *node = NULL;
	uint32_t source, last = 0, i;

	for (i = 0; i < conjuncts->count; i++)
		consort_layout_use(layout, conjuncts->items[i]);
	place_slots(layout);
	for (source = 0; source < r->nsources; source++)
		last = layout->joined[source] ? source : last;
	for (source = 0; source <= last; source++) {
		if (!layout->joined[source])
			continue;
		node = source ? join(layout, node, source) : scan(layout, 0);
		node = node ? filter_above(&place, node, conjuncts, source, source == last) : NULL;
		if (!node)
			return NULL;
	}
	return node;
}
