/* SPDX-License-Identifier: Apache-2.0 */
/* Functions, aggregates, CASE and casts. */
#include "query/resolver.h"

#include <stdio.h>

/* What calling a function makes. */
enum shape { OF_TEXT, OF_TEXTS, OF_ANY, AGGREGATE };

static const struct function {
	const char *name;
	enum shape shape;
	enum consort_op op;
	enum consort_aggregate_kind aggregate;
	uint16_t result; /* OF_TEXT, OF_TEXTS, which takes two */
} functions[] = {
	{"lower", OF_TEXT, CONSORT_OP_LOWER, 0, CONSORT_TYPE_TEXT},
	{"upper", OF_TEXT, CONSORT_OP_UPPER, 0, CONSORT_TYPE_TEXT},
	{"length", OF_TEXT, CONSORT_OP_LENGTH, 0, CONSORT_TYPE_INT64},
	{"match", OF_TEXTS, CONSORT_OP_MATCH, 0, CONSORT_TYPE_BOOL},
	{"count", AGGREGATE, CONSORT_OP_NONE, CONSORT_AGGREGATE_COUNT, 0},
	{"sum", AGGREGATE, CONSORT_OP_NONE, CONSORT_AGGREGATE_SUM, 0},
	{"avg", AGGREGATE, CONSORT_OP_NONE, CONSORT_AGGREGATE_AVG, 0},
	{"min", AGGREGATE, CONSORT_OP_NONE, CONSORT_AGGREGATE_MIN, 0},
	{"max", AGGREGATE, CONSORT_OP_NONE, CONSORT_AGGREGATE_MAX, 0},
	/* known to the parser itself; here for hints */
	{"coalesce", OF_ANY, CONSORT_OP_COALESCE, 0, 0},
	{"nullif", OF_ANY, CONSORT_OP_NONE, 0, 0},
};

#define NFUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static void *unknown_function(struct consort_resolver *r, const char *name, int32_t at)
{
	const char *known[NFUNCTIONS], *nearest;
	char hint[160] = "; there are";
	size_t i;

	for (i = 0; i < NFUNCTIONS; i++)
		known[i] = functions[i].name;
	nearest = consort_nearest(name, known, NFUNCTIONS);
	if (nearest)
		consort_hint(nearest, hint, sizeof(hint));
	for (i = 0; !nearest && i < NFUNCTIONS; i++) {
		size_t used = strlen(hint);

		snprintf(hint + used, sizeof(hint) - used, "%s %s", i ? "," : "", known[i]);
	}
	return consort_query_fail(r, at, CONSORT_ENAME, "no function '%s'%s", name, hint);
}

/* A schema in front: written there, or the parser's own for what SQL has a syntax of its own for. That is
 * told as it was written. */
static void *refuse_schema(struct consort_resolver *r, const char *name, int32_t at)
{
	static const char *const operators[][2] = {
		{"timezone", "at time zone is not understood: all times are UTC"},
		{"overlaps", "overlaps is not understood"},
		{"is_normalized", "is normalized is not understood: texts are equal when their bytes are"},
		{"pg_collation_for", "collation for is not understood: texts compare by their bytes"},
	};
	uint32_t token = consort_text_token(r->text, at);
	struct consort_word word;
	size_t i;

	if (token + 1 < r->text->ntokens && r->text->tokens[token + 1].kind == '.')
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "a function has no schema in front here");
	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (!strcmp(operators[i][0], name))
			return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s", operators[i][1]);
	if (!consort_text_word(r->text, token, r->scratch, &word))
		return consort_query_no_memory(r);
	return unknown_function(r, word.folded ? word.folded : word.text, at);
}

/* --- aggregates --- */

/* The type of an aggregate over this input; false with an error if there is none. */
static bool aggregate_type(struct consort_resolver *r, const struct function *function,
			   const struct consort_expr *input, struct consort_type *out_type)
{
	struct consort_type type = input->type;

	switch (function->aggregate) {
	case CONSORT_AGGREGATE_SUM:
		*out_type = type.id == CONSORT_TYPE_DECIMAL ? consort_type_decimal(38, type.scale) : type;
		return true;
	case CONSORT_AGGREGATE_AVG:
		*out_type = type.id == CONSORT_TYPE_DECIMAL
				    ? consort_type_decimal(38, type.scale > 6 ? type.scale : 6)
				    : consort_type_of(CONSORT_TYPE_FLOAT64);
		return true;
	case CONSORT_AGGREGATE_MIN:
	case CONSORT_AGGREGATE_MAX:
		*out_type = type;
		if (type.id != CONSORT_TYPE_JSON && type.id != CONSORT_TYPE_LIST)
			return true;
		break;
	case CONSORT_AGGREGATE_COUNT_DISTINCT:
		*out_type = consort_type_of(CONSORT_TYPE_INT64);
		if (type.id != CONSORT_TYPE_LIST)
			return true;
		break;
	default:
		*out_type = consort_type_of(CONSORT_TYPE_INT64);
		return true;
	}
	return consort_query_fail_for(r, input, input->position, CONSORT_ETYPE, "%s does not take %s",
				      function->name, consort_type_noun(type));
}

/* The number of an aggregate like that one, made if it is new. */
static bool number_of(struct consort_resolver *r, const struct consort_aggregate *wanted,
		      uint32_t *out_number)
{
	struct consort_aggregate *made;
	uint32_t i;

	for (i = 0; i < r->naggregates; i++) {
		const struct consort_aggregate *other = r->aggregates[i];

		*out_number = i;
		if (other->kind == wanted->kind &&
		    (other->input == wanted->input ||
		     (other->input && wanted->input && consort_query_equal(other->input, wanted->input))))
			return true;
	}
	made = consort_arena_alloc(r->arena, sizeof(*made));
	if (!made)
		return consort_query_no_memory(r);
	if (!consort_query_grow(r, &r->aggregates, r->naggregates, &r->aggregates_capacity, sizeof(made)))
		return false;
	*made = *wanted;
	*out_number = r->naggregates;
	r->aggregates[r->naggregates++] = made;
	return true;
}

/* What the aggregate is over; NULL with an error. */
static struct consort_expr *aggregate_input(struct consort_resolver *r, const struct function *function,
					    const PgQuery__FuncCall *node, int32_t at)
{
	bool adds =
		function->aggregate == CONSORT_AGGREGATE_SUM || function->aggregate == CONSORT_AGGREGATE_AVG;
	const char *refused = r->aggregates_refused;
	struct consort_expr *input;

	if (node->n_args != 1)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s takes one value", function->name);
	r->aggregates_refused = "inside another aggregate";
	input = consort_query_expr(r, node->args[0]);
	r->aggregates_refused = refused;
	if (!input || !consort_query_agree(r, adds ? CONSORT_AGREE_CALCULATE : CONSORT_AGREE_SAME, &input, 1))
		return NULL;
	return input;
}

static struct consort_expr *aggregate(struct consort_resolver *r, const struct function *function,
				      const PgQuery__FuncCall *node, int32_t at)
{
	struct consort_aggregate wanted = {.struct_size = sizeof(wanted), .kind = function->aggregate};
	struct consort_expr *input, *expr;
	struct function as = *function;
	uint32_t number = 0;

	if (r->aggregates_refused)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s is an aggregate, which cannot stand %s",
					  function->name, r->aggregates_refused);
	if (node->agg_star && function->aggregate == CONSORT_AGGREGATE_COUNT) {
		wanted.kind = CONSORT_AGGREGATE_COUNT_ALL;
		wanted.type = consort_type_of(CONSORT_TYPE_INT64);
	} else {
		if (node->agg_distinct && function->aggregate != CONSORT_AGGREGATE_COUNT)
			return consort_query_fail(r, at, CONSORT_ESYNTAX,
						  "distinct is understood in count only");
		if (node->agg_distinct)
			as.aggregate = wanted.kind = CONSORT_AGGREGATE_COUNT_DISTINCT;
		input = aggregate_input(r, function, node, at);
		if (!input || !aggregate_type(r, &as, input, &wanted.type))
			return NULL;
		wanted.input = input;
	}
	if (!number_of(r, &wanted, &number))
		return NULL;
	expr = consort_query_make(r, CONSORT_EXPR_COLUMN, wanted.type, at);
	if (!expr)
		return NULL;
	expr->index = number;
	expr->flags = CONSORT_QUERY_AGGREGATE;
	if (wanted.type.id == CONSORT_TYPE_INT64 && wanted.kind != CONSORT_AGGREGATE_SUM &&
	    wanted.kind != CONSORT_AGGREGATE_MIN && wanted.kind != CONSORT_AGGREGATE_MAX)
		expr->flags |= CONSORT_EXPR_NOT_NULL; /* a count */
	return expr;
}

/* --- functions --- */

static const struct function *find_function(const char *name)
{
	size_t i;

	for (i = 0; i < NFUNCTIONS; i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}

struct consort_expr *consort_query_function(struct consort_resolver *r, const PgQuery__FuncCall *node)
{
	const PgQuery__Node *last = node->funcname[node->n_funcname - 1];
	const char *name = last->node_case == PG_QUERY__NODE__NODE_STRING ? last->string->sval : "";
	int32_t at = consort_text_at(r->text, node->location);
	const struct function *function = find_function(name);
	struct consort_expr *args[2] = {NULL, NULL};
	size_t i;

	if (node->n_funcname > 1)
		return refuse_schema(r, name, at);
	if (!function)
		return unknown_function(r, name, at);
	if (node->over)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "window functions are not understood");
	if (node->agg_filter || node->n_agg_order || node->agg_within_group || node->func_variadic)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s takes a value and nothing else", name);
	if (function->shape == AGGREGATE)
		return aggregate(r, function, node, at);
	if (node->n_args != (function->shape == OF_TEXTS ? 2 : 1) || node->agg_star || node->agg_distinct)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s takes %s", name,
					  function->shape == OF_TEXTS ? "two values" : "one value");
	for (i = 0; i < node->n_args; i++) {
		args[i] = consort_query_expr(r, node->args[i]);
		args[i] = args[i] ? consort_query_need(r, args[i], consort_type_of(CONSORT_TYPE_TEXT), name) : NULL;
		if (!args[i])
			return NULL;
	}
	return consort_query_call(r, function->op, consort_type_of(function->result), args[0], args[1], at);
}

/* --- CASE --- */

/* Brings the results of a CASE (each second argument, and the last) to one type. */
static bool agree_results(struct consort_resolver *r, struct consort_expr **args, uint32_t nargs)
{
	uint32_t count = nargs / 2 + 1, i;
	struct consort_expr **results = consort_arena_array(r->scratch, count, sizeof(struct consort_expr *));

	if (!results)
		return consort_query_no_memory(r);
	for (i = 0; i < count; i++)
		results[i] = args[i + 1 < count ? 2 * i + 1 : nargs - 1];
	if (!consort_query_agree(r, CONSORT_AGREE_SAME, results, count))
		return false;
	for (i = 0; i < count; i++)
		args[i + 1 < count ? 2 * i + 1 : nargs - 1] = results[i];
	return true;
}

/* CASE WHEN condition THEN …, or CASE subject WHEN value THEN …, whose conditions are comparisons. */
struct consort_expr *consort_query_case(struct consort_resolver *r, const PgQuery__CaseExpr *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	uint32_t nwhen = (uint32_t)node->n_args, nargs = 2 * nwhen + 1, i;
	struct consort_expr **args = consort_arena_array(r->arena, nargs, sizeof(struct consort_expr *));
	struct consort_expr *subject = NULL;

	if (!args)
		return consort_query_no_memory(r);
	if (node->arg && !(subject = consort_query_expr(r, node->arg)))
		return NULL;
	for (i = 0; i < nwhen; i++) {
		const PgQuery__CaseWhen *when = node->args[i]->case_when;

		if (!subject)
			args[2 * i] = consort_query_condition(r, when->expr);
		else if (consort_query_share(r, subject))
			args[2 * i] = consort_query_compare(r, CONSORT_OP_EQ, subject,
							    consort_query_expr(r, when->expr),
							    consort_text_at(r->text, when->location));
		if (!args[2 * i] || !(args[2 * i + 1] = consort_query_expr(r, when->result)))
			return NULL;
	}
	args[nargs - 1] = node->defresult ? consort_query_expr(r, node->defresult)
					  : consort_query_null(r, consort_type_of(CONSORT_TYPE_NULL), at);
	if (!args[nargs - 1] || !agree_results(r, args, nargs))
		return NULL;
	return consort_query_call_n(r, CONSORT_OP_CASE, args[nargs - 1]->type, args, nargs, at);
}

/* --- casts --- */

/* What SQL calls our types, as the parser hands it over */
static const struct {
	const char *name;
	uint16_t id;
} sql_types[] = {
	{"int2", CONSORT_TYPE_INT64},	   {"int4", CONSORT_TYPE_INT64},
	{"int8", CONSORT_TYPE_INT64},	   {"float8", CONSORT_TYPE_FLOAT64},
	{"numeric", CONSORT_TYPE_DECIMAL}, {"varchar", CONSORT_TYPE_TEXT},
	{"bytea", CONSORT_TYPE_BYTES},	   {"timestamptz", CONSORT_TYPE_TIMESTAMP},
	{"jsonb", CONSORT_TYPE_JSON},
};

static int32_t modifier(const PgQuery__TypeName *type, size_t i)
{
	const PgQuery__Node *node = i < type->n_typmods ? type->typmods[i] : NULL;

	if (!node || node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
	    node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
		return -1;
	return node->a_const->ival->ival;
}

static bool type_of(struct consort_resolver *r, const PgQuery__TypeName *node, int32_t at,
		    struct consort_type *out_type)
{
	const PgQuery__Node *last = node->n_names ? node->names[node->n_names - 1] : NULL;
	const char *name = last && last->node_case == PG_QUERY__NODE__NODE_STRING ? last->string->sval : "";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_type type;
	struct consort_word word;
	size_t i;

	if (!consort_text_word(r->text, consort_text_token(r->text, at), r->scratch, &word))
		return consort_query_no_memory(r);
	for (i = 0; i < sizeof(sql_types) / sizeof(sql_types[0]); i++)
		if (!strcmp(sql_types[i].name, name))
			break;
	type = consort_type_of(i < sizeof(sql_types) / sizeof(sql_types[0]) ? sql_types[i].id : 0);
	if (node->n_array_bounds || node->setof || node->pct_type)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "a cast to a list is not understood");
	if (type.id == CONSORT_TYPE_DECIMAL || !strcmp(name, "decimal")) {
		int32_t precision = modifier(node, 0), scale = node->n_typmods > 1 ? modifier(node, 1) : 0;

		if (node->n_typmods < 1 || node->n_typmods > 2 || precision < 1 || precision > 38 ||
		    scale < 0 || scale > precision)
			return consort_query_fail(r, at, CONSORT_ETYPE,
						  "a decimal needs its digits, from 1 to 38, and how many "
						  "stand behind the point, "
						  "like decimal(12,2)");
		*out_type = consort_type_decimal((uint8_t)precision, (uint8_t)scale);
		return true;
	}
	if (node->n_typmods)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "%s takes no length here", word.text);
	if (!type.id && consort_type_parse(name, &type, &error)) {
		/* as it was written, where the parser calls it otherwise: float4, timetz */
		if (consort_type_parse(word.text, &type, &error) == CONSORT_OK)
			consort_type_parse(name, &type, &error);
		return consort_query_fail(r, at, CONSORT_ETYPE, "%s", error.message);
	}
	*out_type = type;
	return true;
}

struct consort_expr *consort_query_cast(struct consort_resolver *r, const PgQuery__TypeCast *node)
{
	int32_t at = consort_text_at(r->text, node->type_name->location);
	struct consort_expr *expr;
	struct consort_type type;

	if (!type_of(r, node->type_name, at, &type))
		return NULL;
	expr = consort_query_expr(r, node->arg);
	return expr ? consort_query_convert(r, expr, type, at) : NULL;
}
