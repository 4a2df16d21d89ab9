/* SPDX-License-Identifier: Apache-2.0 */
/* Operators between expressions: comparisons, lists, patterns, arithmetic, steps into documents. */
#include "query/resolver.h"

/* What stands between two expressions, as the parser names it. */
enum family { COMPARISON, ARITHMETIC, CONCATENATION, STEP, STEP_TEXT };

static const struct infix {
	const char *name;
	enum family family;
	enum consort_op op;
} infixes[] = {
	{"=", COMPARISON, CONSORT_OP_EQ},	{"<>", COMPARISON, CONSORT_OP_NE},
	{"<", COMPARISON, CONSORT_OP_LT},	{"<=", COMPARISON, CONSORT_OP_LE},
	{">", COMPARISON, CONSORT_OP_GT},	{">=", COMPARISON, CONSORT_OP_GE},
	{"+", ARITHMETIC, CONSORT_OP_ADD},	{"-", ARITHMETIC, CONSORT_OP_SUBTRACT},
	{"*", ARITHMETIC, CONSORT_OP_MULTIPLY}, {"/", ARITHMETIC, CONSORT_OP_DIVIDE},
	{"%", ARITHMETIC, CONSORT_OP_MODULO},	{"||", CONCATENATION, CONSORT_OP_CONCAT},
	{"->", STEP, CONSORT_OP_PATH},		{"->>", STEP_TEXT, CONSORT_OP_PATH_TEXT},
};

static const struct consort_type bool_type = {.id = CONSORT_TYPE_BOOL};
static const struct consort_type text_type = {.id = CONSORT_TYPE_TEXT};

/* The operator's name without a schema. */
static const char *name_of(const PgQuery__AExpr *node)
{
	const PgQuery__Node *last = node->n_name ? node->name[node->n_name - 1] : NULL;

	return last && last->node_case == PG_QUERY__NODE__NODE_STRING ? last->string->sval : "";
}

static const struct infix *find_infix(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(infixes) / sizeof(infixes[0]); i++)
		if (!strcmp(infixes[i].name, name))
			return &infixes[i];
	return NULL;
}

/* --- comparisons --- */

static bool is_order(enum consort_op op)
{
	return op >= CONSORT_OP_LT && op <= CONSORT_OP_GE;
}

static bool check_comparable(struct consort_resolver *r, const struct consort_expr *expr, bool order)
{
	if (expr->type.id == CONSORT_TYPE_LIST)
		return consort_query_fail_for(r, expr, expr->position, CONSORT_ETYPE,
					      "lists cannot be compared");
	if (order && expr->type.id == CONSORT_TYPE_JSON)
		return consort_query_fail_for(
			r, expr, expr->position, CONSORT_ETYPE,
			"JSON is neither less nor greater: compare a part of it as text or number");
	return true;
}

struct consort_expr *consort_query_compare(struct consort_resolver *r, enum consort_op op,
					   struct consort_expr *left, struct consort_expr *right, int32_t at)
{
	struct consort_expr *sides[] = {left, right};

	if (!left || !right || !consort_query_agree(r, CONSORT_AGREE_COMPARE, sides, 2) ||
	    !check_comparable(r, sides[0], is_order(op)) || !check_comparable(r, sides[1], is_order(op)))
		return NULL;
	return consort_query_call(r, op, bool_type, sides[0], sides[1], at);
}

/* x [NOT] IN (a, b, …) */
static struct consort_expr *list_test(struct consort_resolver *r, const PgQuery__AExpr *node, int32_t at)
{
	const PgQuery__List *list =
		node->rexpr && node->rexpr->node_case == PG_QUERY__NODE__NODE_LIST ? node->rexpr->list : NULL;
	struct consort_expr **args, *in;
	uint32_t count, i;

	if (!list)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "in needs a list of values, like (1, 2)");
	count = (uint32_t)list->n_items + 1;
	args = consort_arena_array(r->arena, count, sizeof(struct consort_expr *));
	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i < count; i++) {
		args[i] = consort_query_expr(r, i ? list->items[i - 1] : node->lexpr);
		if (!args[i])
			return NULL;
	}
	if (!consort_query_agree(r, CONSORT_AGREE_SAME, args, count) || !check_comparable(r, args[0], false))
		return NULL;
	in = consort_query_call_n(r, CONSORT_OP_IN, bool_type, args, count, at);
	if (!in || strcmp(name_of(node), "<>"))
		return in;
	return consort_query_call(r, CONSORT_OP_NOT, bool_type, in, NULL, at);
}

/* x [NOT] BETWEEN a AND b, as two comparisons */
static struct consort_expr *range_test(struct consort_resolver *r, const PgQuery__AExpr *node, bool within,
				       int32_t at)
{
	const PgQuery__List *bounds = node->rexpr->list;
	struct consort_expr *sides[3], *low, *high;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		sides[i] = consort_query_expr(r, i ? bounds->items[i - 1] : node->lexpr);
		if (!sides[i])
			return NULL;
	}
	if (!consort_query_share(r, sides[0]) || !consort_query_agree(r, CONSORT_AGREE_COMPARE, sides, 3))
		return NULL;
	low = consort_query_compare(r, within ? CONSORT_OP_GE : CONSORT_OP_LT, sides[0], sides[1], at);
	high = consort_query_compare(r, within ? CONSORT_OP_LE : CONSORT_OP_GT, sides[0], sides[2], at);
	if (!low || !high)
		return NULL;
	return consort_query_call(r, within ? CONSORT_OP_AND : CONSORT_OP_OR, bool_type, low, high, at);
}

/* Does every backslash of a literal pattern have something behind it? */
static bool is_whole(const struct consort_expr *pattern)
{
	struct consort_view text = pattern->value.as.view;
	uint64_t i;

	if (pattern->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&pattern->value))
		return true;
	for (i = 0; i < text.size; i++)
		if (text.data[i] == '\\' && ++i == text.size)
			return false;
	return true;
}

/* x [NOT] [I]LIKE pattern */
static struct consort_expr *pattern_test(struct consort_resolver *r, const PgQuery__AExpr *node,
					 enum consort_op op, int32_t at)
{
	const char *who = op == CONSORT_OP_LIKE ? "like" : "ilike";
	struct consort_expr *text, *pattern, *like;

	if (node->rexpr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
	    node->rexpr->func_call->n_funcname == 2)
		return consort_query_fail(r, at, CONSORT_ESYNTAX,
					  "escape is not understood: a backslash escapes in %s", who);
	text = consort_query_expr(r, node->lexpr);
	pattern = text ? consort_query_expr(r, node->rexpr) : NULL;
	text = pattern ? consort_query_need(r, text, text_type, who) : NULL;
	pattern = text ? consort_query_need(r, pattern, text_type, who) : NULL;
	if (pattern && !is_whole(pattern))
		return consort_query_fail(r, pattern->position, CONSORT_ESYNTAX,
					  "a pattern must not end with a backslash");
	like = pattern ? consort_query_call(r, op, bool_type, text, pattern, at) : NULL;
	if (!like || name_of(node)[0] != '!')
		return like;
	return consort_query_call(r, CONSORT_OP_NOT, bool_type, like, NULL, at);
}

/* --- arithmetic --- */

static uint8_t larger(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* The decimal that holds every result, or as many digits of it as there are. */
static bool decimal_result(struct consort_resolver *r, enum consort_op op, struct consort_type a,
			   struct consort_type b, int32_t at, struct consort_type *out_type)
{
	int scale = larger(a.scale, b.scale);
	int whole = larger((uint8_t)(a.precision - a.scale), (uint8_t)(b.precision - b.scale));

	if (op == CONSORT_OP_MULTIPLY) {
		scale = a.scale + b.scale;
		whole = a.precision + b.precision - scale;
	} else if (op == CONSORT_OP_DIVIDE) {
		scale = larger((uint8_t)scale, 6);
		whole = 38;
	} else if (op != CONSORT_OP_MODULO) {
		whole++;
	}
	if (scale > 38)
		return consort_query_fail(
			r, at, CONSORT_ETYPE,
			"the product has %d digits behind the point: cast one side to fewer", scale);
	*out_type = consort_type_decimal((uint8_t)(whole + scale > 38 ? 38 : whole + scale), (uint8_t)scale);
	return true;
}

static struct consort_expr *arithmetic(struct consort_resolver *r, enum consort_op op,
				       struct consort_expr *left, struct consort_expr *right, int32_t at)
{
	struct consort_expr *sides[] = {left, right};
	struct consort_type type;

	if (!consort_query_agree(r, CONSORT_AGREE_CALCULATE, sides, 2))
		return NULL;
	type = sides[0]->type;
	if (type.id == CONSORT_TYPE_DECIMAL && !decimal_result(r, op, type, sides[1]->type, at, &type))
		return NULL;
	if (op == CONSORT_OP_DIVIDE && type.id == CONSORT_TYPE_INT64)
		op = CONSORT_OP_INTEGER_DIVIDE;
	return consort_query_call(r, op, type, sides[0], sides[1], at);
}

/* + or - in front; the parser has put the sign into literals already */
static struct consort_expr *signed_expr(struct consort_resolver *r, const PgQuery__AExpr *node, int32_t at)
{
	const char *name = name_of(node);
	struct consort_expr *expr;

	if (strcmp(name, "-") && strcmp(name, "+"))
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "the operator %s is not understood", name);
	expr = consort_query_expr(r, node->rexpr);
	if (!expr || !consort_query_agree(r, CONSORT_AGREE_CALCULATE, &expr, 1))
		return NULL;
	if (name[0] == '+')
		return expr;
	return consort_query_call(r, CONSORT_OP_NEGATE, expr->type, expr, NULL, at);
}

/* --- texts and documents --- */

/* a || b || c as one */
static struct consort_expr *concatenation(struct consort_resolver *r, struct consort_expr *left,
					  struct consort_expr *right, int32_t at)
{
	bool grows = left->kind == CONSORT_EXPR_CALL && left->op == CONSORT_OP_CONCAT;
	uint32_t nargs = grows ? left->nargs : 1;
	struct consort_expr **args =
		consort_arena_array(r->arena, (size_t)nargs + 1, sizeof(struct consort_expr *));

	if (!args)
		return consort_query_no_memory(r);
	if (grows)
		memcpy(args, left->args, nargs * sizeof(*args));
	else
		args[0] = consort_query_need(r, left, text_type, "||");
	args[nargs] = args[0] ? consort_query_need(r, right, text_type, "||") : NULL;
	return args[nargs] ? consort_query_call_n(r, CONSORT_OP_CONCAT, text_type, args, nargs + 1, at)
			   : NULL;
}

/* document -> step, document ->> step */
static struct consort_expr *step(struct consort_resolver *r, struct consort_expr *document,
				 struct consort_expr *key, bool text, int32_t at)
{
	struct consort_expr *path;

	if (document->type.id != CONSORT_TYPE_JSON)
		return consort_query_fail_for(r, document, document->position, CONSORT_ETYPE,
					      "%s needs JSON on its left, not %s", text ? "->>" : "->",
					      consort_type_noun(document->type));
	if (key->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&key->value) ||
	    (key->type.id != CONSORT_TYPE_TEXT && key->type.id != CONSORT_TYPE_INT64))
		return consort_query_fail(r, key->position, CONSORT_ESYNTAX,
					  "a step into a document is a name or a position, like 'a' or 0");
	if (!consort_query_check_step(r, key))
		return NULL;
	path = consort_query_path(r, document, key, text, at);
	if (path && !text)
		path->flags |= CONSORT_QUERY_FLEXIBLE;
	return path;
}

/* --- all of them --- */

static struct consort_expr *binary(struct consort_resolver *r, const PgQuery__AExpr *node, int32_t at)
{
	const struct infix *infix = find_infix(name_of(node));
	struct consort_expr *left, *right;

	if (!infix)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "the operator %s is not understood",
					  name_of(node));
	left = consort_query_expr(r, node->lexpr);
	right = left ? consort_query_expr(r, node->rexpr) : NULL;
	if (!right)
		return NULL;
	switch (infix->family) {
	case COMPARISON:
		return consort_query_compare(r, infix->op, left, right, at);
	case ARITHMETIC:
		return arithmetic(r, infix->op, left, right, at);
	case CONCATENATION:
		return concatenation(r, left, right, at);
	default:
		return step(r, left, right, infix->family == STEP_TEXT, at);
	}
}

/* NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END. */
static struct consort_expr *nullif(struct consort_resolver *r, const PgQuery__AExpr *node, int32_t at)
{
	struct consort_expr *sides[2],
		**args = consort_arena_array(r->arena, 3, sizeof(struct consort_expr *));

	if (!args)
		return consort_query_no_memory(r);
	sides[0] = consort_query_expr(r, node->lexpr);
	sides[1] = sides[0] ? consort_query_expr(r, node->rexpr) : NULL;
	if (!sides[1] || !consort_query_share(r, sides[0]) ||
	    !consort_query_agree(r, CONSORT_AGREE_COMPARE, sides, 2))
		return NULL;
	args[0] = consort_query_compare(r, CONSORT_OP_EQ, sides[0], sides[1], at);
	args[1] = args[0] ? consort_query_null(r, sides[0]->type, at) : NULL;
	args[2] = sides[0];
	return args[1] ? consort_query_call_n(r, CONSORT_OP_CASE, sides[0]->type, args, 3, at) : NULL;
}

struct consort_expr *consort_query_operation(struct consort_resolver *r, const PgQuery__AExpr *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	struct consort_expr *left;

	switch (node->kind) {
	case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
		return node->lexpr ? binary(r, node, at) : signed_expr(r, node, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
	case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
		left = consort_query_expr(r, node->lexpr);
		return consort_query_compare(r,
					     node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT
						     ? CONSORT_OP_DISTINCT
						     : CONSORT_OP_NOT_DISTINCT,
					     left, left ? consort_query_expr(r, node->rexpr) : NULL, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
		return nullif(r, node, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
		return list_test(r, node, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
		return pattern_test(r, node, CONSORT_OP_LIKE, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
		return pattern_test(r, node, CONSORT_OP_ILIKE, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
		return range_test(r, node, true, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
		return range_test(r, node, false, at);
	case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "similar to is not understood: use like");
	case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
	case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "between symmetric is not understood");
	case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
	case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
		return consort_query_fail(r, at, CONSORT_ESYNTAX,
					  "any and all are not understood: use in (…)");
	default:
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "this operator is not understood");
	}
}
