/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types: how expressions that meet (in a comparison, a list, a sum) come to types that go together.
 *
 * Columns and what is computed from them are *firm*: nothing casts them silently, but where no value can be
 * lost or where numbers are calculated with. The rest adapts: a NULL and a parameter take the type of what
 * they meet, a literal converts where that is exact (a text to what has no literals of its own, like a
 * timestamp), a path into a document is read as what is asked for. A path that meets a number literal is read
 * as float64, the number type of JSON, unless the literal is an integer beyond float64's exact ones. A path
 * and a parameter, which both take what they meet, tell each other nothing: that is refused. What was cast in
 * the text is firm, a literal too.
 */
#include "query/resolver.h"

#include <stdio.h>

#define EXACT_IN_FLOAT64 ((int64_t)1 << 53)

enum standing { FREE, TEXT_LITERAL, NUMBER_LITERAL, DOCUMENT, FIRM };

/* What an expression is to be brought to, and the words for when it cannot. */
struct goal {
	enum consort_agreement how;
	struct consort_type type;
	const struct consort_expr *holder; /* who has that type */
	const char *who;		   /* or who needs it */
};

static bool is_number(struct consort_type type)
{
	return type.id == CONSORT_TYPE_INT64 || type.id == CONSORT_TYPE_FLOAT64 ||
	       type.id == CONSORT_TYPE_DECIMAL;
}

/* A decimal and a float64 never meet without a cast. */
static bool is_decimal_and_float(struct consort_type a, struct consort_type b)
{
	return (a.id == CONSORT_TYPE_DECIMAL && b.id == CONSORT_TYPE_FLOAT64) ||
	       (a.id == CONSORT_TYPE_FLOAT64 && b.id == CONSORT_TYPE_DECIMAL);
}

static enum standing standing_of(struct consort_resolver *r, struct consort_expr *expr)
{
	if (expr->flags & CONSORT_QUERY_FLEXIBLE)
		return DOCUMENT;
	if (expr->kind == CONSORT_EXPR_PARAMETER && !expr->type.id)
		expr->type = r->parameters[expr->index].type;
	if (!expr->type.id)
		return FREE;
	if (expr->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&expr->value) ||
	    (expr->flags & CONSORT_QUERY_CAST))
		return FIRM;
	if (expr->type.id == CONSORT_TYPE_TEXT)
		return TEXT_LITERAL;
	return is_number(expr->type) ? NUMBER_LITERAL : FIRM;
}

/* "an integer", "text 'x'", "text $1" */
struct description {
	char text[96];
};

static struct description describe(const struct consort_expr *expr)
{
	const char *noun = consort_type_noun(expr->type);
	struct description d;

	if (expr->kind == CONSORT_EXPR_PARAMETER)
		snprintf(d.text, sizeof(d.text), "%s $%u", noun, expr->index + 1);
	else if (expr->kind == CONSORT_EXPR_LITERAL && expr->value.type.id == CONSORT_TYPE_TEXT &&
		 expr->value.as.view.size <= 40)
		snprintf(d.text, sizeof(d.text), "%s '%.*s'", noun, (int)expr->value.as.view.size,
			 expr->value.as.view.data);
	else
		snprintf(d.text, sizeof(d.text), "%s", noun);
	return d;
}

static struct consort_expr *no_fit(struct consort_resolver *r, const struct consort_expr *beside,
				   const struct consort_expr *literal, struct consort_type type)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_value_print(&literal->value, &text);
	consort_buffer_text(&text, " does not fit ");
	consort_type_print(type, &text);
	consort_query_fail_for(r, beside, literal->position, CONSORT_ERANGE, "%s",
			       text.failed ? "it" : text.data);
	consort_buffer_clear(&text);
	return NULL;
}

static struct consort_expr *mismatch(struct consort_resolver *r, const struct goal *goal,
				     const struct consort_expr *expr)
{
	static const char *const words[][2] = {
		[CONSORT_AGREE_COMPARE] = {"compare", "with"},
		[CONSORT_AGREE_SAME] = {"mix", "and"},
		[CONSORT_AGREE_CALCULATE] = {"calculate with", "and"},
	};
	bool numbers = is_number(goal->type) && is_number(expr->type);

	if (!goal->who && expr->kind == CONSORT_EXPR_LITERAL && numbers)
		return no_fit(r, goal->holder, expr, goal->type);
	if (goal->who)
		return consort_query_fail_for(r, expr, expr->position, CONSORT_ETYPE, "%s needs %s, not %s",
					      goal->who, consort_type_noun(goal->type), describe(expr).text);
	return consort_query_fail_for(r, goal->holder, expr->position, CONSORT_ETYPE, "cannot %s %s %s %s%s",
				      words[goal->how][0], describe(goal->holder).text, words[goal->how][1],
				      describe(expr).text, numbers ? ": cast one of them" : "");
}

/* --- literals --- */

static struct consort_expr *moved(struct consort_resolver *r, struct consort_value value,
				  const struct consort_expr *literal)
{
	return consort_query_literal(r, value, literal->position);
}

/* A number as another type of number, if that is exact; a decimal literal's float64 is the nearest one. */
static bool convert_number(const struct consort_value *value, struct consort_type type,
			   struct consort_value *out)
{
	struct consort_decimal decimal = value->as.decimal;
	struct consort_value exact = *value;
	char text[CONSORT_DECIMAL_SIZE > CONSORT_FLOAT64_SIZE ? CONSORT_DECIMAL_SIZE : CONSORT_FLOAT64_SIZE];
	size_t size;

	if (value->type.id == CONSORT_TYPE_FLOAT64) {
		size = consort_float64_print(value->as.float64, text);
		exact.type = consort_type_decimal(1, 0);
		if (consort_decimal_parse(text, size, &exact.as.decimal, &exact.type.precision,
					  &exact.type.scale, NULL))
			return false;
		decimal = exact.as.decimal;
	}
	if (exact.type.id == CONSORT_TYPE_DECIMAL && type.id == CONSORT_TYPE_INT64) {
		if (consort_decimal_rescale(decimal, exact.type.scale, 0, &decimal) ||
		    decimal.high != ((int64_t)decimal.low < 0 ? -1 : 0))
			return false;
		*out = consort_int64((int64_t)decimal.low);
		return true;
	}
	if (exact.type.id == CONSORT_TYPE_DECIMAL && type.id == CONSORT_TYPE_FLOAT64) {
		size = consort_decimal_print(decimal, exact.type.scale, text);
		return !consort_value_parse(type, text, size, NULL, out, NULL);
	}
	return !consort_value_convert(&exact, type, NULL, out, NULL);
}

/* A decimal of just the digits that an integer literal has. */
static struct consort_expr *as_decimal(struct consort_resolver *r, const struct consort_expr *literal)
{
	struct consort_value value;
	uint8_t digits = 1;
	int64_t rest;

	for (rest = literal->value.as.int64; rest > 9 || rest < -9; rest /= 10)
		digits++;
	value = consort_decimal_of(consort_decimal_from_int64(literal->value.as.int64), digits, 0);
	return moved(r, value, literal);
}

/* Types whose literals are written as texts */
static bool is_written_as_text(struct consort_type type)
{
	switch (type.id) {
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
	case CONSORT_TYPE_UUID:
	case CONSORT_TYPE_OBJECTID:
	case CONSORT_TYPE_JSON:
		return true;
	default:
		return false;
	}
}

/* `beside`: whose column stands in front of the message. */
static struct consort_expr *read_text(struct consort_resolver *r, const struct consort_expr *literal,
				      struct consort_type type, const struct consort_expr *beside)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value;
	uint32_t status = consort_value_parse(type, literal->value.as.view.data, literal->value.as.view.size,
					      r->arena, &value, &error);

	if (status)
		return consort_query_fail_for(r, beside, literal->position, status, "%s", error.message);
	return moved(r, value, literal);
}

/* --- documents and parameters --- */

/* What a path leads to, as that type: a text's characters, else the value. */
static struct consort_expr *read_document(struct consort_resolver *r, struct consort_expr *path,
					  struct consort_type type)
{
	struct consort_expr **args = (struct consort_expr **)(uintptr_t)path->args;

	if (type.id == CONSORT_TYPE_TEXT)
		return consort_query_call_n(r, CONSORT_OP_PATH_TEXT, type, args, path->nargs, path->position);
	path = consort_query_call_n(r, CONSORT_OP_PATH, path->type, args, path->nargs, path->position);
	if (!path || type.id == CONSORT_TYPE_JSON)
		return path;
	return consort_query_call(r, CONSORT_OP_CAST, type, path, NULL, path->position);
}

static struct consort_expr *bind(struct consort_resolver *r, struct consort_expr *parameter,
				 struct consort_type type)
{
	r->parameters[parameter->index].type = type;
	parameter->type = type;
	return parameter;
}

static struct consort_expr *cast(struct consort_resolver *r, struct consort_expr *expr,
				 struct consort_type type)
{
	struct consort_value value;

	if (expr->kind == CONSORT_EXPR_LITERAL && !consort_value_is_null(&expr->value) &&
	    !consort_value_convert(&expr->value, type, r->arena, &value, NULL))
		return moved(r, value, expr);
	return consort_query_call(r, CONSORT_OP_CAST, type, expr, NULL, expr->position);
}

/* --- adapting one expression --- */

/* A firm expression, or a literal that would lose something: what may be cast, or left. NULL without an
 * error: they do not go together. */
static struct consort_expr *adapt_firm(struct consort_resolver *r, const struct goal *goal,
				       struct consort_expr *expr)
{
	struct consort_type from = expr->type, to = goal->type;
	struct consort_value value;

	if (consort_type_equal(from, to) ||
	    (from.id == CONSORT_TYPE_DECIMAL && to.id == CONSORT_TYPE_DECIMAL &&
	     goal->how != CONSORT_AGREE_SAME))
		return expr;
	if (from.id == CONSORT_TYPE_DATE && to.id == CONSORT_TYPE_TIMESTAMP)
		return cast(r, expr, to);
	if (!is_number(from) || !is_number(to))
		return NULL;
	if (from.id == CONSORT_TYPE_DECIMAL && to.id == CONSORT_TYPE_DECIMAL) {
		if (expr->kind != CONSORT_EXPR_LITERAL)
			return cast(r, expr, to);
		if (consort_value_is_null(&expr->value))
			return consort_query_null(r, to, expr->position);
		return consort_value_convert(&expr->value, to, NULL, &value, NULL) ? NULL
										   : moved(r, value, expr);
	}
	if (goal->how == CONSORT_AGREE_SAME || is_decimal_and_float(from, to))
		return NULL;
	if (goal->how == CONSORT_AGREE_COMPARE)
		return expr;
	return cast(r, expr, to.id == CONSORT_TYPE_DECIMAL ? consort_type_decimal(19, 0) : to);
}

static struct consort_expr *adapt_number(struct consort_resolver *r, const struct goal *goal,
					 struct consort_expr *literal)
{
	struct consort_value value;

	if (literal->type.id == goal->type.id && literal->type.id != CONSORT_TYPE_DECIMAL)
		return literal;
	if (goal->how == CONSORT_AGREE_CALCULATE && goal->type.id == CONSORT_TYPE_DECIMAL) {
		if (literal->type.id == CONSORT_TYPE_INT64)
			return as_decimal(r, literal);
		if (literal->type.id == CONSORT_TYPE_DECIMAL)
			return literal;
	}
	if (is_number(goal->type) && convert_number(&literal->value, goal->type, &value))
		return moved(r, value, literal);
	return adapt_firm(r, goal, literal);
}

static struct consort_expr *adapt(struct consort_resolver *r, const struct goal *goal,
				  struct consort_expr *expr)
{
	struct consort_expr *adapted;

	switch (standing_of(r, expr)) {
	case FREE:
		if (expr->kind == CONSORT_EXPR_PARAMETER)
			return bind(r, expr, goal->type);
		return consort_query_null(r, goal->type, expr->position);
	case DOCUMENT:
		adapted = goal->type.id == CONSORT_TYPE_LIST ? NULL : read_document(r, expr, goal->type);
		break;
	case TEXT_LITERAL:
		if (is_written_as_text(goal->type))
			return read_text(r, expr, goal->type, goal->holder);
		adapted = goal->type.id == CONSORT_TYPE_TEXT ? expr : NULL;
		break;
	case NUMBER_LITERAL:
		adapted = adapt_number(r, goal, expr);
		break;
	default:
		adapted = adapt_firm(r, goal, expr);
	}
	if (!adapted && !r->status)
		return mismatch(r, goal, expr);
	return adapted;
}

/* --- agreeing --- */

/* The type that holds what both hold, as far as they are to be brought to one; else the first. */
static struct consort_type common(enum consort_agreement how, enum standing standing, struct consort_type a,
				  struct consort_type b)
{
	bool widens =
		how == CONSORT_AGREE_CALCULATE || (how == CONSORT_AGREE_SAME && standing == NUMBER_LITERAL);

	if (a.id == CONSORT_TYPE_DATE && b.id == CONSORT_TYPE_TIMESTAMP)
		return b;
	if (!is_number(a) || !is_number(b) || how == CONSORT_AGREE_COMPARE || is_decimal_and_float(a, b))
		return a;
	if (widens && a.id == CONSORT_TYPE_INT64 && b.id == CONSORT_TYPE_DECIMAL)
		a = consort_type_decimal(19, 0);
	if (widens && b.id == CONSORT_TYPE_INT64 && a.id == CONSORT_TYPE_DECIMAL)
		b = consort_type_decimal(19, 0);
	if (a.id == CONSORT_TYPE_DECIMAL && b.id == CONSORT_TYPE_DECIMAL) {
		int whole = a.precision - a.scale > b.precision - b.scale ? a.precision - a.scale
									  : b.precision - b.scale;
		uint8_t scale = a.scale > b.scale ? a.scale : b.scale;

		return whole + scale <= 38 ? consort_type_decimal((uint8_t)(whole + scale), scale) : a;
	}
	return widens && b.id == CONSORT_TYPE_FLOAT64 ? b : a;
}

/* The common type of those that stand like this; *holder is the first, NULL if there is none. */
static struct consort_type gather(struct consort_resolver *r, enum consort_agreement how,
				  struct consort_expr *const *exprs, uint32_t count, enum standing standing,
				  const struct consort_expr **holder)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_NULL);
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (standing_of(r, exprs[i]) != standing)
			continue;
		type = *holder ? common(how, standing, type, exprs[i]->type) : exprs[i]->type;
		if (!*holder)
			*holder = exprs[i];
	}
	return type;
}

static bool has(struct consort_resolver *r, struct consort_expr *const *exprs, uint32_t count,
		enum standing standing)
{
	const struct consort_expr *holder = NULL;

	gather(r, CONSORT_AGREE_COMPARE, exprs, count, standing, &holder);
	return holder != NULL;
}

static bool beyond_float64(struct consort_expr *const *exprs, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (exprs[i]->kind == CONSORT_EXPR_LITERAL && exprs[i]->value.type.id == CONSORT_TYPE_INT64 &&
		    (exprs[i]->value.as.int64 > EXACT_IN_FLOAT64 ||
		     exprs[i]->value.as.int64 < -EXACT_IN_FLOAT64))
			return true;
	return false;
}

static const struct consort_expr *free_parameter(struct consort_expr *const *exprs, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (exprs[i]->kind == CONSORT_EXPR_PARAMETER && !exprs[i]->type.id)
			return exprs[i];
	return NULL;
}

static void *unknown_parameter(struct consort_resolver *r, int32_t at, uint32_t index)
{
	return consort_query_fail(r, at, CONSORT_ETYPE,
				  "cannot tell the type of $%u: write $%u::text, or what type it is",
				  index + 1, index + 1);
}

static void *parameter_beside_path(struct consort_resolver *r, const struct consort_expr *parameter)
{
	uint32_t number = parameter->index + 1;

	return consort_query_fail(
		r, parameter->position, CONSORT_ETYPE,
		"cannot tell the type of $%u, since a path into JSON is read as what it meets: "
		"write $%u::float8 for a number, $%u::text for a text",
		number, number, number);
}

/* The type that these come to; false: an error was filled. */
static bool choose(struct consort_resolver *r, struct goal *goal, struct consort_expr *const *exprs,
		   uint32_t count)
{
	bool documents = has(r, exprs, count, DOCUMENT);
	const struct consort_expr *number = NULL, *parameter;
	struct consort_type literal;

	goal->type = gather(r, goal->how, exprs, count, FIRM, &goal->holder);
	literal = gather(r, goal->how, exprs, count, NUMBER_LITERAL, &number);
	if (goal->holder) {
		/* an integer and 1.5 are calculated with as decimals */
		if (number && goal->how == CONSORT_AGREE_CALCULATE && goal->type.id == CONSORT_TYPE_INT64)
			goal->type = literal;
		return true;
	}
	if (number) {
		goal->type = literal;
		goal->holder = number;
		/* a parameter beside 1.5 may have more digits than that */
		if (literal.id == CONSORT_TYPE_DECIMAL && free_parameter(exprs, count))
			goal->type = consort_type_decimal(38, literal.scale > 6 ? literal.scale : 6);
		if (documents)
			goal->type = consort_type_of(beyond_float64(exprs, count) ? CONSORT_TYPE_INT64
										  : CONSORT_TYPE_FLOAT64);
		return true;
	}
	goal->type = gather(r, goal->how, exprs, count, TEXT_LITERAL, &goal->holder);
	if (goal->holder)
		return true;
	parameter = free_parameter(exprs, count);
	if (documents) {
		goal->type = gather(r, goal->how, exprs, count, DOCUMENT, &goal->holder);
		if (goal->how == CONSORT_AGREE_CALCULATE)
			goal->type = consort_type_of(CONSORT_TYPE_FLOAT64);
		else if (parameter)
			return parameter_beside_path(r, parameter);
		else if (goal->how == CONSORT_AGREE_COMPARE && has(r, exprs, count, FREE))
			goal->type =
				consort_type_of(CONSORT_TYPE_TEXT); /* NULL, which has an order as text */
		return true;
	}
	if (parameter)
		return unknown_parameter(r, parameter->position, parameter->index);
	goal->holder = exprs[0];
	goal->type = consort_type_of(goal->how == CONSORT_AGREE_CALCULATE ? CONSORT_TYPE_INT64
									  : CONSORT_TYPE_TEXT);
	return true;
}

bool consort_query_agree(struct consort_resolver *r, enum consort_agreement how, struct consort_expr **exprs,
			 uint32_t count)
{
	struct goal goal = {how, consort_type_of(CONSORT_TYPE_NULL), NULL, NULL};
	uint32_t i;

	if (!choose(r, &goal, exprs, count))
		return false;
	if (how == CONSORT_AGREE_CALCULATE && !is_number(goal.type))
		return consort_query_fail_for(r, goal.holder, goal.holder->position, CONSORT_ETYPE,
					      "cannot calculate with %s", describe(goal.holder).text);
	for (i = 0; i < count; i++) {
		exprs[i] = adapt(r, &goal, exprs[i]);
		if (!exprs[i])
			return false;
	}
	return true;
}

struct consort_expr *consort_query_need(struct consort_resolver *r, struct consort_expr *expr,
					struct consort_type type, const char *who)
{
	struct goal goal = {CONSORT_AGREE_COMPARE, type, expr, who};

	if (standing_of(r, expr) == FIRM && expr->type.id != type.id)
		return mismatch(r, &goal, expr);
	return adapt(r, &goal, expr);
}

/* --- casts --- */

/* Is there a meaning in casting one to the other? */
static bool castable(struct consort_type from, struct consort_type to)
{
	bool as_text = from.id == CONSORT_TYPE_TEXT || from.id == CONSORT_TYPE_JSON ||
		       to.id == CONSORT_TYPE_TEXT || to.id == CONSORT_TYPE_JSON;

	if (to.id == CONSORT_TYPE_LIST)
		return false;
	if (as_text || from.id == to.id || (is_number(from) && is_number(to)))
		return true;
	switch (from.id) {
	case CONSORT_TYPE_BOOL:
		return to.id == CONSORT_TYPE_INT64;
	case CONSORT_TYPE_INT64:
		return to.id == CONSORT_TYPE_BOOL;
	case CONSORT_TYPE_DATE:
		return to.id == CONSORT_TYPE_TIMESTAMP;
	case CONSORT_TYPE_TIMESTAMP:
		return to.id == CONSORT_TYPE_DATE || to.id == CONSORT_TYPE_TIME;
	default:
		return false;
	}
}

/* A literal keeps the type that was written; what was made of it here is nobody else's. */
static struct consort_expr *fixed(struct consort_expr *expr)
{
	if (expr && expr->kind == CONSORT_EXPR_LITERAL)
		expr->flags |= CONSORT_QUERY_CAST;
	return expr;
}

static struct consort_expr *explicit_cast(struct consort_resolver *r, struct consort_expr *expr,
					  struct consort_type type, int32_t at)
{
	enum standing standing = standing_of(r, expr);
	struct goal goal = {CONSORT_AGREE_COMPARE, type, expr, "the cast"};
	struct consort_value value;

	if (standing == FREE || (standing == DOCUMENT && type.id != CONSORT_TYPE_LIST))
		return adapt(r, &goal, expr);
	if (consort_type_equal(expr->type, type))
		return expr;
	if (standing == TEXT_LITERAL && type.id != CONSORT_TYPE_LIST)
		return read_text(r, expr, type, NULL);
	if (standing == NUMBER_LITERAL && convert_number(&expr->value, type, &value))
		return moved(r, value, expr);
	if (!castable(expr->type, type))
		return consort_query_fail_for(r, expr, at, CONSORT_ETYPE, "cannot cast %s to %s",
					      describe(expr).text, consort_type_noun(type));
	return consort_query_call(r, CONSORT_OP_CAST, type, expr, NULL, at);
}

struct consort_expr *consort_query_convert(struct consort_resolver *r, struct consort_expr *expr,
					   struct consort_type type, int32_t at)
{
	return fixed(explicit_cast(r, expr, type, at));
}

/* Where an attribute takes another type's values: what a cast does not lose, or tells. */
static bool assignable(struct consort_type from, struct consort_type to)
{
	if (to.id == CONSORT_TYPE_DECIMAL)
		return from.id == CONSORT_TYPE_INT64 || from.id == CONSORT_TYPE_DECIMAL;
	return (to.id == CONSORT_TYPE_FLOAT64 && from.id == CONSORT_TYPE_INT64) ||
	       (to.id == CONSORT_TYPE_TIMESTAMP && from.id == CONSORT_TYPE_DATE);
}

struct consort_expr *consort_query_assign(struct consort_resolver *r, struct consort_expr *expr,
					  uint32_t attribute)
{
	struct consort_expr *target = consort_query_column(r, 0, attribute, -1);
	struct goal goal = {.how = CONSORT_AGREE_SAME, .holder = target};
	enum standing standing = standing_of(r, expr);
	struct consort_value value;

	if (!target)
		return NULL;
	goal.type = target->type;
	if (standing == FREE || (standing == DOCUMENT && goal.type.id != CONSORT_TYPE_LIST))
		return adapt(r, &goal, expr);
	if (consort_type_equal(expr->type, goal.type))
		return expr;
	if (standing == NUMBER_LITERAL && is_number(goal.type)) {
		if (convert_number(&expr->value, goal.type, &value))
			return moved(r, value, expr);
		return no_fit(r, target, expr, goal.type);
	}
	if (standing == TEXT_LITERAL && is_written_as_text(goal.type))
		return read_text(r, expr, goal.type, target);
	if (assignable(expr->type, goal.type))
		return cast(r, expr, goal.type);
	return consort_query_fail_for(r, target, expr->position, CONSORT_ETYPE, "%s cannot be set to %s",
				      consort_type_noun(goal.type), describe(expr).text);
}

bool consort_query_settle(struct consort_resolver *r)
{
	uint32_t i;

	for (i = 0; i < r->nunbound; i++)
		r->unbound[i]->type = r->parameters[r->unbound[i]->index].type;
	for (i = 0; i < r->nparameters; i++) {
		if (!r->parameters[i].text || r->parameters[i].type.id)
			continue;
		r->text = r->parameters[i].text;
		return unknown_parameter(r, r->parameters[i].at, i);
	}
	return true;
}
