/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and expressions for plans that are made by hand, without texts: records by key, key sets, writes by
 * query. */
#include "plan/plan.h"

static struct consort_expr *new_expr(struct consort_arena *arena, uint32_t kind, uint32_t index,
				     struct consort_type type)
{
	struct consort_expr *expr = consort_arena_alloc(arena, sizeof(*expr));

	if (!expr)
		return NULL;
	expr->struct_size = sizeof(*expr);
	expr->kind = kind;
	expr->type = type;
	expr->index = index;
	expr->position = -1;
	return expr;
}

struct consort_expr *consort_make_column(struct consort_arena *arena, uint32_t index,
					 struct consort_type type)
{
	return new_expr(arena, CONSORT_EXPR_COLUMN, index, type);
}

struct consort_expr *consort_make_parameter(struct consort_arena *arena, uint32_t index,
					    struct consort_type type)
{
	return new_expr(arena, CONSORT_EXPR_PARAMETER, index, type);
}

struct consort_expr *consort_make_equal(struct consort_arena *arena, const struct consort_expr *left,
					const struct consort_expr *right)
{
	struct consort_expr *equal =
		new_expr(arena, CONSORT_EXPR_CALL, 0, consort_type_of(CONSORT_TYPE_BOOL));
	const struct consort_expr **args = consort_arena_array(arena, 2, sizeof(*args));

	if (!equal || !args || !left || !right)
		return NULL;
	args[0] = left;
	args[1] = right;
	equal->op = CONSORT_OP_EQ;
	equal->args = args;
	equal->nargs = 2;
	return equal;
}

struct consort_field *consort_make_field(struct consort_arena *arena, const char *name,
					 struct consort_type type, uint32_t flags)
{
	struct consort_field *field = consort_arena_alloc(arena, sizeof(*field));

	if (!field)
		return NULL;
	field->struct_size = sizeof(*field);
	field->flags = flags;
	field->type = type;
	field->name = name;
	return field;
}

struct consort_node *consort_make_node(struct consort_arena *arena, uint32_t kind,
				       const struct consort_node *left, const struct consort_node *right)
{
	struct consort_node *node = consort_arena_alloc(arena, sizeof(*node));
	const struct consort_node **inputs = consort_arena_array(arena, 2, sizeof(*inputs));

	if (!node || !inputs)
		return NULL;
	inputs[0] = left;
	inputs[1] = right;
	node->struct_size = sizeof(*node);
	node->kind = kind;
	node->inputs = inputs;
	node->ninputs = right ? 2 : left ? 1 : 0;
	if (left) {
		node->fields = left->fields;
		node->nfields = left->nfields;
	}
	return node;
}

struct consort_node *consort_make_scan(struct consort_arena *arena, const struct consort_resource *resource)
{
	struct consort_node *scan = consort_make_node(arena, CONSORT_NODE_SCAN, NULL, NULL);
	const struct consort_field **fields =
		consort_arena_array(arena, resource->nattributes, sizeof(*fields));
	uint32_t *attributes = consort_arena_array(arena, resource->nattributes, sizeof(*attributes)), i;

	if (!scan || !fields || !attributes)
		return NULL;
	for (i = 0; i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];

		attributes[i] = i;
		fields[i] = consort_make_field(
			arena, attribute->name, attribute->type,
			attribute->flags & (CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_STRICT));
		if (!fields[i])
			return NULL;
	}
	scan->resource = resource;
	scan->nattributes = scan->nfields = resource->nattributes;
	scan->attributes = attributes;
	scan->fields = fields;
	return scan;
}
