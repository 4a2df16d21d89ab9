/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: one node of the parser's tree to one expression, and how it tells what is wrong. Only what is
 * listed here is understood; everything else is refused where it stands.
 */
#include "query/resolver.h"

#include <stdarg.h>
#include <stdio.h>

#define MOST_PARAMETERS 65535

/* --- failing --- */

static void *CONSORT_PRINTF(5, 0)
	vfail(struct consort_resolver *r, const struct consort_slot *slot, int32_t at,
	      enum consort_status status, const char *format, va_list arguments)
{
	char sentence[640];
	size_t used = 0;

	if (r->status)
		return NULL;
	if (slot) {
		const struct consort_resource *resource = r->sources[slot->source].resource;

		used = (size_t)snprintf(sentence, sizeof(sentence), "%.100s.%.100s: ", resource->name,
					resource->attributes[slot->attribute]->name);
	}
	vsnprintf(sentence + used, sizeof(sentence) - used, format, arguments);
	r->status = r->text ? consort_text_fail(r->text, at, r->error, status, sentence)
			    : consort_error_set(r->error, status, "%s", sentence);
	if (slot && r->error) {
		const struct consort_resource *resource = r->sources[slot->source].resource;

		consort_copy_text(r->error->resource, sizeof(r->error->resource), resource->name);
		consort_copy_text(r->error->attribute, sizeof(r->error->attribute),
				  resource->attributes[slot->attribute]->name);
	}
	return NULL;
}

void *consort_query_fail(struct consort_resolver *r, int32_t at, enum consort_status status,
			 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfail(r, NULL, at, status, format, arguments);
	va_end(arguments);
	return NULL;
}

void *consort_query_fail_for(struct consort_resolver *r, const struct consort_expr *expr, int32_t at,
			     enum consort_status status, const char *format, ...)
{
	va_list arguments;

	/* the column itself, or what is read from it */
	while (expr && expr->kind == CONSORT_EXPR_CALL &&
	       (expr->op == CONSORT_OP_PATH || expr->op == CONSORT_OP_PATH_TEXT ||
		expr->op == CONSORT_OP_CAST))
		expr = expr->args[0];
	if (expr && (expr->kind != CONSORT_EXPR_COLUMN || (expr->flags & CONSORT_QUERY_AGGREGATE)))
		expr = NULL;
	va_start(arguments, format);
	vfail(r, expr ? &r->slots[expr->index] : NULL, at, status, format, arguments);
	va_end(arguments);
	return NULL;
}

void *consort_query_no_memory(struct consort_resolver *r)
{
	if (!r->status)
		r->status = consort_error_no_memory(r->error);
	return NULL;
}

bool consort_query_grow(struct consort_resolver *r, void *array, uint32_t count, uint32_t *capacity,
			size_t size)
{
	uint32_t more = *capacity ? *capacity * 2 : 8;
	void *old, *grown;

	if (count < *capacity)
		return true;
	memcpy(&old, array, sizeof(old));
	grown = consort_arena_array(r->scratch, more, size);
	if (!grown)
		return consort_query_no_memory(r);
	if (count)
		memcpy(grown, old, count * size);
	memcpy(array, &grown, sizeof(grown));
	*capacity = more;
	return true;
}

/* --- literals and parameters --- */

/* A number as written: int64 if it fits, float64 with an exponent, else decimal. */
static struct consort_expr *number(struct consort_resolver *r, const char *text, int32_t at)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value = consort_null();
	size_t size = strlen(text);
	uint32_t status;

	if (strpbrk(text, "eE")) {
		status = consort_value_parse(consort_type_of(CONSORT_TYPE_FLOAT64), text, size, NULL, &value,
					     &error);
	} else if (!strchr(text, '.') && !consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text, size,
							      NULL, &value, NULL)) {
		status = CONSORT_OK;
	} else {
		value.type = consort_type_decimal(1, 0);
		status = consort_decimal_parse(text, size, &value.as.decimal, &value.type.precision,
					       &value.type.scale, &error);
	}
	if (status)
		return consort_query_fail(r, at, status, "%s", error.message);
	return consort_query_literal(r, value, at);
}

static struct consort_expr *literal(struct consort_resolver *r, const PgQuery__AConst *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	char *copy;

	if (node->isnull)
		return consort_query_null(r, consort_type_of(CONSORT_TYPE_NULL), at);
	switch (node->val_case) {
	case PG_QUERY__A__CONST__VAL_IVAL:
		return consort_query_literal(r, consort_int64(node->ival->ival), at);
	case PG_QUERY__A__CONST__VAL_FVAL:
		return number(r, node->fval->fval, at);
	case PG_QUERY__A__CONST__VAL_BOOLVAL:
		return consort_query_literal(r, consort_bool(node->boolval->boolval), at);
	case PG_QUERY__A__CONST__VAL_SVAL:
		copy = consort_arena_text(r->arena, node->sval->sval);
		return copy ? consort_query_literal(r, consort_text(copy), at) : consort_query_no_memory(r);
	default:
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "a bit string is not understood");
	}
}

/* Its number is read from the text: the parser lets it overflow. */
static struct consort_expr *parameter(struct consort_resolver *r, const PgQuery__ParamRef *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	unsigned long number_of = at < 0 ? 0 : strtoul(r->text->text + at + 1, NULL, 10);

	if (number_of < 1 || number_of > MOST_PARAMETERS)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "parameters are $1 to $%d",
					  MOST_PARAMETERS);
	while (r->nparameters < number_of) {
		if (!consort_query_grow(r, &r->parameters, r->nparameters, &r->parameters_capacity,
					sizeof(*r->parameters)))
			return NULL;
		memset(&r->parameters[r->nparameters++], 0, sizeof(*r->parameters));
	}
	return consort_query_parameter(r, (uint32_t)number_of - 1, at);
}

/* --- names --- */

static struct consort_expr *column(struct consort_resolver *r, const PgQuery__ColumnRef *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	const PgQuery__Node *last = node->n_fields ? node->fields[node->n_fields - 1] : NULL;

	if (last && last->node_case == PG_QUERY__NODE__NODE_A_STAR)
		return consort_query_fail(r, at, CONSORT_ESYNTAX,
					  "* stands for columns in select and in count(*) only");
	return consort_query_name(r, at);
}

/* (document).name[0]: steps behind an expression */
static struct consort_expr *indirection(struct consort_resolver *r, const PgQuery__AIndirection *node)
{
	struct consort_expr *document = consort_query_expr(r, node->arg);
	size_t i;

	for (i = 0; document && i < node->n_indirection; i++) {
		const PgQuery__Node *item = node->indirection[i];
		struct consort_expr *step = NULL;

		if (document->type.id != CONSORT_TYPE_JSON)
			return consort_query_fail_for(r, document, document->position, CONSORT_ETYPE,
						      "%s has nothing inside",
						      consort_type_noun(document->type));
		if (item->node_case == PG_QUERY__NODE__NODE_STRING) {
			char *key = consort_arena_text(r->arena, item->string->sval);

			step = key ? consort_query_literal(r, consort_text(key), document->position)
				   : consort_query_no_memory(r);
		} else if (item->node_case == PG_QUERY__NODE__NODE_A_INDICES && !item->a_indices->is_slice) {
			step = consort_query_expr(r, item->a_indices->uidx);
		}
		if (!step || step->kind != CONSORT_EXPR_LITERAL ||
		    (step->value.type.id != CONSORT_TYPE_INT64 && step->value.type.id != CONSORT_TYPE_TEXT))
			return consort_query_fail(
				r, document->position, CONSORT_ESYNTAX,
				"a step into a document is a name or a position, like .a or [0]");
		if (!consort_query_check_step(r, step))
			return NULL;
		document = consort_query_path(r, document, step, false, document->position);
		if (document)
			document->flags |= CONSORT_QUERY_FLEXIBLE;
	}
	return document;
}

/* --- logic --- */

static const struct consort_type bool_type = {.id = CONSORT_TYPE_BOOL};

struct consort_expr *consort_query_condition(struct consort_resolver *r, const PgQuery__Node *node)
{
	struct consort_expr *expr = consort_query_expr(r, node);

	return expr ? consort_query_need(r, expr, bool_type, "a condition") : NULL;
}

static struct consort_expr *logic(struct consort_resolver *r, const PgQuery__BoolExpr *node)
{
	static const enum consort_op ops[] = {
		[PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR] = CONSORT_OP_AND,
		[PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR] = CONSORT_OP_OR,
		[PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR] = CONSORT_OP_NOT,
	};
	struct consort_expr **args =
		consort_arena_array(r->arena, node->n_args, sizeof(struct consort_expr *));
	size_t i;

	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i < node->n_args; i++) {
		args[i] = consort_query_condition(r, node->args[i]);
		if (!args[i])
			return NULL;
	}
	return consort_query_call_n(r, ops[node->boolop], bool_type, args, (uint32_t)node->n_args,
				    consort_text_at(r->text, node->location));
}

static struct consort_expr *null_test(struct consort_resolver *r, const PgQuery__NullTest *node)
{
	struct consort_expr *expr = consort_query_expr(r, node->arg);

	if (!expr)
		return NULL;
	return consort_query_call(r,
				  node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL
					  ? CONSORT_OP_IS_NULL
					  : CONSORT_OP_NOT_NULL,
				  bool_type, expr, NULL, consort_text_at(r->text, node->location));
}

/* IS [NOT] TRUE, FALSE, UNKNOWN */
static struct consort_expr *truth_test(struct consort_resolver *r, const PgQuery__BooleanTest *node)
{
	static const struct {
		enum consort_op op;
		bool negated;
	} tests[] = {
		[PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = {CONSORT_OP_IS_TRUE, false},
		[PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = {CONSORT_OP_IS_TRUE, true},
		[PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = {CONSORT_OP_IS_FALSE, false},
		[PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = {CONSORT_OP_IS_FALSE, true},
		[PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = {CONSORT_OP_IS_NULL, false},
		[PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = {CONSORT_OP_NOT_NULL, false},
	};
	int32_t at = consort_text_at(r->text, node->location);
	struct consort_expr *expr = consort_query_condition(r, node->arg);

	expr = expr ? consort_query_call(r, tests[node->booltesttype].op, bool_type, expr, NULL, at) : NULL;
	if (!expr || !tests[node->booltesttype].negated)
		return expr;
	return consort_query_call(r, CONSORT_OP_NOT, bool_type, expr, NULL, at);
}

static struct consort_expr *coalesce(struct consort_resolver *r, const PgQuery__CoalesceExpr *node)
{
	struct consort_expr **args =
		consort_arena_array(r->arena, node->n_args, sizeof(struct consort_expr *));
	size_t i;

	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i < node->n_args; i++) {
		args[i] = consort_query_expr(r, node->args[i]);
		if (!args[i])
			return NULL;
	}
	if (!consort_query_agree(r, CONSORT_AGREE_SAME, args, (uint32_t)node->n_args))
		return NULL;
	return consort_query_call_n(r, CONSORT_OP_COALESCE, args[0]->type, args, (uint32_t)node->n_args,
				    consort_text_at(r->text, node->location));
}

/* --- what is not understood --- */

static void *refuse(struct consort_resolver *r, int32_t location, const char *what)
{
	int32_t at = consort_text_at(r->text, location);

	return consort_query_fail(r, at < 0 ? 0 : at, CONSORT_ESYNTAX, "%s", what);
}

/* current_date, user, …: words without parentheses, which may have been meant as names */
static void *refuse_word(struct consort_resolver *r, const PgQuery__SQLValueFunction *node)
{
	int32_t at = consort_text_at(r->text, node->location);
	struct consort_word word;

	if (!consort_text_word(r->text, consort_text_token(r->text, at), r->scratch, &word))
		return consort_query_no_memory(r);
	return consort_query_fail(
		r, at, CONSORT_ESYNTAX,
		"%s is a function of SQL that is not understood: give its value as a parameter; if it is "
		"a name, write \"%s\"",
		word.text, word.text);
}

static void *refuse_node(struct consort_resolver *r, const PgQuery__Node *node)
{
	switch (node->node_case) {
	case PG_QUERY__NODE__NODE_SUB_LINK:
		return refuse(r, node->sub_link->location, "a sub-select is not understood here");
	case PG_QUERY__NODE__NODE_ROW_EXPR:
		return refuse(r, node->row_expr->location,
			      "rows of values are not understood: compare one by one");
	case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
		return refuse(r, node->a_array_expr->location, "array[…] is not understood: use in (…)");
	case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
		return refuse_word(r, node->sqlvalue_function);
	case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
		return refuse(r, node->collate_clause->location,
			      "collate is not understood: texts compare by their bytes");
	case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
		return refuse(r, node->min_max_expr->location,
			      "greatest and least are not understood: use case");
	case PG_QUERY__NODE__NODE_GROUPING_FUNC:
		return refuse(r, node->grouping_func->location, "grouping is not understood");
	case PG_QUERY__NODE__NODE_GROUPING_SET:
		return refuse(r, node->grouping_set->location, "grouping sets are not understood");
	case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
		return refuse(r, node->set_to_default->location, "default is not understood");
	case PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF:
		return refuse(r, -1, "attributes are set one by one");
	case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR:
		return refuse(r, node->named_arg_expr->location, "values have no names here");
	case PG_QUERY__NODE__NODE_XML_EXPR:
		return refuse(r, node->xml_expr->location, "XML is not understood");
	case PG_QUERY__NODE__NODE_XML_SERIALIZE:
		return refuse(r, node->xml_serialize->location, "XML is not understood");
	default:
		return refuse(r, -1, "this is not understood");
	}
}

struct consort_expr *consort_query_expr(struct consort_resolver *r, const PgQuery__Node *node)
{
	switch (node->node_case) {
	case PG_QUERY__NODE__NODE_A_CONST:
		return literal(r, node->a_const);
	case PG_QUERY__NODE__NODE_PARAM_REF:
		return parameter(r, node->param_ref);
	case PG_QUERY__NODE__NODE_COLUMN_REF:
		return column(r, node->column_ref);
	case PG_QUERY__NODE__NODE_A_INDIRECTION:
		return indirection(r, node->a_indirection);
	case PG_QUERY__NODE__NODE_A_EXPR:
		return consort_query_operation(r, node->a_expr);
	case PG_QUERY__NODE__NODE_BOOL_EXPR:
		return logic(r, node->bool_expr);
	case PG_QUERY__NODE__NODE_NULL_TEST:
		return null_test(r, node->null_test);
	case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
		return truth_test(r, node->boolean_test);
	case PG_QUERY__NODE__NODE_FUNC_CALL:
		return consort_query_function(r, node->func_call);
	case PG_QUERY__NODE__NODE_COALESCE_EXPR:
		return coalesce(r, node->coalesce_expr);
	case PG_QUERY__NODE__NODE_CASE_EXPR:
		return consort_query_case(r, node->case_expr);
	case PG_QUERY__NODE__NODE_TYPE_CAST:
		return consort_query_cast(r, node->type_cast);
	default:
		return refuse_node(r, node);
	}
}
