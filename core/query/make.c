/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making expressions, with their flags computed from below: whether they can be NULL, and whether evaluating
 * them can fail. Texts stay texts of the parser's; whoever makes a literal has copied what it holds.
 */
#include "query/resolver.h"

#define MOST_EXPRS 262144 /* written out as trees; a text of 64 KiB has a quarter of that */

struct consort_expr *consort_query_make(struct consort_resolver *r, enum consort_expr_kind kind,
					struct consort_type type, int32_t at)
{
	struct consort_expr *expr = consort_arena_alloc(r->arena, sizeof(*expr));

	if (!expr)
		return consort_query_no_memory(r);
	expr->struct_size = sizeof(*expr);
	expr->kind = kind;
	expr->type = type;
	expr->position = at;
	r->nexprs++;
	return expr;
}

struct consort_expr *consort_query_literal(struct consort_resolver *r, struct consort_value value, int32_t at)
{
	struct consort_expr *expr = consort_query_make(r, CONSORT_EXPR_LITERAL, value.type, at);

	if (!expr)
		return NULL;
	expr->value = value;
	if (!consort_value_is_null(&value))
		expr->flags = CONSORT_EXPR_NOT_NULL;
	return expr;
}

struct consort_expr *consort_query_null(struct consort_resolver *r, struct consort_type type, int32_t at)
{
	return consort_query_make(r, CONSORT_EXPR_LITERAL, type, at);
}

struct consort_expr *consort_query_parameter(struct consort_resolver *r, uint32_t index, int32_t at)
{
	struct consort_expr *expr =
		consort_query_make(r, CONSORT_EXPR_PARAMETER, r->parameters[index].type, at);

	if (!expr)
		return NULL;
	expr->index = index;
	if (!r->parameters[index].text) {
		r->parameters[index].text = r->text;
		r->parameters[index].at = at;
	}
	if (expr->type.id)
		return expr;
	if (!consort_query_grow(r, &r->unbound, r->nunbound, &r->unbound_capacity,
				sizeof(struct consort_expr *)))
		return NULL;
	r->unbound[r->nunbound++] = expr;
	return expr;
}

/* --- flags --- */

static bool not_null(const struct consort_expr *expr)
{
	return expr->flags & CONSORT_EXPR_NOT_NULL;
}

static bool all_not_null(const struct consort_expr *call, uint32_t from, uint32_t step)
{
	uint32_t i;

	for (i = from; i < call->nargs; i += step)
		if (!not_null(call->args[i]))
			return false;
	return true;
}

static bool never_null(const struct consort_expr *call)
{
	uint32_t i;

	switch (call->op) {
	case CONSORT_OP_NOT_DISTINCT:
	case CONSORT_OP_DISTINCT:
	case CONSORT_OP_IS_NULL:
	case CONSORT_OP_NOT_NULL:
	case CONSORT_OP_IS_TRUE:
	case CONSORT_OP_IS_FALSE:
		return true;
	case CONSORT_OP_PATH:
	case CONSORT_OP_PATH_TEXT:
		return false;
	case CONSORT_OP_CAST:
		/* JSON's null is NULL as any other type */
		return not_null(call->args[0]) &&
		       (call->args[0]->type.id != CONSORT_TYPE_JSON || call->type.id == CONSORT_TYPE_JSON);
	case CONSORT_OP_COALESCE:
		for (i = 0; i < call->nargs; i++)
			if (not_null(call->args[i]))
				return true;
		return false;
	case CONSORT_OP_CASE:
		return all_not_null(call, 1, 2) && not_null(call->args[call->nargs - 1]);
	default:
		return all_not_null(call, 0, 1);
	}
}

/* Is the divisor a literal that is neither 0 nor -1? Then no int64 division fails. */
static bool safe_divisor(const struct consort_expr *divisor)
{
	if (divisor->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&divisor->value))
		return false;
	if (divisor->type.id == CONSORT_TYPE_INT64)
		return divisor->value.as.int64 != 0 && divisor->value.as.int64 != -1;
	return divisor->type.id == CONSORT_TYPE_FLOAT64 && divisor->value.as.float64 != 0;
}

/* Can a cast from one type to the other meet a value that does not fit? */
static bool cast_fails(struct consort_type from, struct consort_type to)
{
	if (from.id == to.id)
		return to.id == CONSORT_TYPE_DECIMAL &&
		       (from.scale > to.scale || from.precision - from.scale > to.precision - to.scale);
	if (to.id == CONSORT_TYPE_TEXT || (to.id == CONSORT_TYPE_JSON && from.id != CONSORT_TYPE_TEXT))
		return false;
	switch (from.id) {
	case CONSORT_TYPE_INT64:
		return to.id != CONSORT_TYPE_DECIMAL || to.precision - to.scale < 19;
	case CONSORT_TYPE_DECIMAL:
		return to.id != CONSORT_TYPE_FLOAT64; /* the nearest one will do */
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_TIMESTAMP:
		return false;
	default:
		return true;
	}
}

/* Can the operation itself fail, whatever is below it? */
static bool fails(const struct consort_expr *call)
{
	uint16_t type = call->type.id;

	switch (call->op) {
	case CONSORT_OP_ADD:
	case CONSORT_OP_SUBTRACT:
	case CONSORT_OP_MULTIPLY:
		return type == CONSORT_TYPE_INT64 ||
		       (type == CONSORT_TYPE_DECIMAL && call->type.precision == 38);
	case CONSORT_OP_NEGATE:
		return type == CONSORT_TYPE_INT64;
	case CONSORT_OP_DIVIDE:
	case CONSORT_OP_INTEGER_DIVIDE:
	case CONSORT_OP_MODULO:
		return !safe_divisor(call->args[1]);
	case CONSORT_OP_LIKE:
	case CONSORT_OP_ILIKE:
		/* a computed pattern may end with a backslash; a parameter's fails wherever it is sent */
		return call->args[1]->kind == CONSORT_EXPR_COLUMN || call->args[1]->kind == CONSORT_EXPR_CALL;
	case CONSORT_OP_CAST:
		return cast_fails(call->args[0]->type, call->type);
	default:
		return false;
	}
}

struct consort_expr *consort_query_call_n(struct consort_resolver *r, enum consort_op op,
					  struct consort_type type, struct consort_expr **args,
					  uint32_t nargs, int32_t at)
{
	struct consort_expr *expr = consort_query_make(r, CONSORT_EXPR_CALL, type, at);
	uint32_t i;

	if (!expr)
		return NULL;
	expr->op = op;
	expr->nargs = nargs;
	expr->args = (const struct consort_expr *const *)args;
	for (i = 0; i < nargs; i++)
		expr->flags |= args[i]->flags & CONSORT_EXPR_CAN_FAIL;
	if (fails(expr))
		expr->flags |= CONSORT_EXPR_CAN_FAIL;
	if (never_null(expr))
		expr->flags |= CONSORT_EXPR_NOT_NULL;
	return expr;
}

struct consort_expr *consort_query_call(struct consort_resolver *r, enum consort_op op,
					struct consort_type type, struct consort_expr *a,
					struct consort_expr *b, int32_t at)
{
	struct consort_expr **args = consort_arena_array(r->arena, 2, sizeof(struct consort_expr *));

	if (!args)
		return consort_query_no_memory(r);
	args[0] = a;
	args[1] = b;
	return consort_query_call_n(r, op, type, args, b ? 2 : 1, at);
}

/* --- trees --- */

/* Nodes of the tree, counted up to `most`. */
static uint32_t weigh(const struct consort_expr *expr, uint32_t most)
{
	uint32_t weight = 1, i;

	for (i = 0; i < expr->nargs && weight < most; i++)
		weight += weigh(expr->args[i], most - weight);
	return weight;
}

bool consort_query_share(struct consort_resolver *r, const struct consort_expr *expr)
{
	uint32_t left = r->nexprs < MOST_EXPRS ? MOST_EXPRS - r->nexprs : 0;
	uint32_t weight = weigh(expr, left);

	if (weight >= left) {
		consort_query_fail(
			r, expr->position, CONSORT_ESYNTAX,
			"the expression is too long when between, nullif and case are written out");
		return false;
	}
	r->nexprs += weight;
	return true;
}

static bool equal_values(const struct consort_value *a, const struct consort_value *b)
{
	if (!consort_type_equal(a->type, b->type))
		return false;
	switch (a->type.id) {
	case CONSORT_TYPE_NULL:
		return true;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return a->as.view.size == b->as.view.size &&
		       !memcmp(a->as.view.data, b->as.view.data, a->as.view.size);
	default:
		return !memcmp(&a->as, &b->as, sizeof(a->as));
	}
}

bool consort_query_equal(const struct consort_expr *a, const struct consort_expr *b)
{
	uint32_t i;

	if (a == b)
		return true;
	if (a->kind != b->kind || a->op != b->op || a->index != b->index || a->nargs != b->nargs ||
	    (a->flags ^ b->flags) & CONSORT_QUERY_AGGREGATE || !consort_type_equal(a->type, b->type) ||
	    !equal_values(&a->value, &b->value))
		return false;
	for (i = 0; i < a->nargs; i++)
		if (!consort_query_equal(a->args[i], b->args[i]))
			return false;
	return true;
}
