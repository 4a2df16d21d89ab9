/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions to SQL. Taken is only what PostgreSQL provably computes as the core does; every other kind,
 * operator or type is not taken, and says why. Every operand is cast to the type that its value travels as,
 * so that nothing is computed in a smaller one.
 */
#include "sql.h"

#include <math.h>
#include <string.h>

#define DEPTH_MOST 100
#define INT64_DIGITS 19

static const struct pg_storage boolean = {.codec = PG_BOOL, .limit = -1};
static const struct pg_storage integer = {.codec = PG_INT8, .limit = -1};
static const struct pg_storage real = {.codec = PG_FLOAT8, .limit = -1};
static const struct pg_storage numeric = {.codec = PG_NUMERIC, .limit = -1};
/* of more than one column, perhaps, whose collations need not go together */
static const struct pg_storage text = {.codec = PG_TEXT, .collation = PG_COLLATION_LOOSE, .limit = -1};
static const struct pg_storage timestamp = {.codec = PG_TIMESTAMP, .limit = -1};
static const struct pg_storage date = {.codec = PG_DATE, .limit = -1};
static const struct pg_storage time_of_day = {.codec = PG_TIME, .limit = -1};
static const struct pg_storage bytes = {.codec = PG_BYTEA, .limit = -1};
static const struct pg_storage uuid = {.codec = PG_UUID, .limit = -1};
static const struct pg_storage document = {.codec = PG_JSONB, .limit = -1};
static const struct pg_storage list = {.codec = PG_ARRAY, .limit = -1};

/* What is computed. */
static const struct pg_storage *computed(struct consort_type type)
{
	switch (type.id) {
	case CONSORT_TYPE_BOOL:
		return &boolean;
	case CONSORT_TYPE_INT64:
		return &integer;
	case CONSORT_TYPE_FLOAT64:
		return &real;
	case CONSORT_TYPE_DECIMAL:
		return &numeric;
	case CONSORT_TYPE_TEXT:
		return &text;
	case CONSORT_TYPE_TIMESTAMP:
		return &timestamp;
	case CONSORT_TYPE_DATE:
		return &date;
	case CONSORT_TYPE_TIME:
		return &time_of_day;
	case CONSORT_TYPE_BYTES:
		return &bytes;
	case CONSORT_TYPE_UUID:
		return &uuid;
	case CONSORT_TYPE_JSON:
		return &document;
	default:
		return &list;
	}
}

const struct pg_storage *pg_expr_storage(struct consort_sql_relation *relation,
					 const struct consort_expr *expr)
{
	const struct pg_storage *storage = NULL;
	uint32_t i = UINT32_MAX;

	if (expr->kind == CONSORT_EXPR_COLUMN)
		return expr->index < relation->nterms ? &pg_term_at(relation, expr->index)->storage : NULL;
	if (expr->kind != CONSORT_EXPR_CALL)
		return NULL;
	switch (expr->op) {
	case CONSORT_OP_COALESCE:
	case CONSORT_OP_CASE:
		/* with and without a time zone do not mix: the first decides */
		while (!storage && consort_sql_next_value(expr, &i))
			storage = pg_expr_storage(relation, expr->args[i]);
		return storage && storage->codec == PG_TIMESTAMPTZ ? storage : computed(expr->type);
	case CONSORT_OP_CAST:
		if (consort_type_equal(expr->type, expr->args[0]->type))
			return pg_expr_storage(relation, expr->args[0]);
		return computed(expr->type);
	default:
		return computed(expr->type);
	}
}

/* --- constants --- */

bool pg_render_slot(struct consort_sql_builder *builder, const struct consort_sql_slot *slot,
		    const struct pg_storage *storage, struct consort_buffer *out)
{
	struct consort_sql_slot stored = *slot;
	uint32_t number;

	memcpy(stored.storage, storage, sizeof(*storage));
	number = consort_sql_placeholder(builder, &stored);
	consort_buffer_printf(out, "$%u", number);
	return number != 0;
}

void pg_quote_text(const char *string, size_t size, struct consort_buffer *out)
{
	size_t start = 0, i;

	consort_buffer_text(out, memchr(string, '\\', size) ? " E'" : "'");
	for (i = 0; i < size; i++) {
		if (string[i] != '\'' && string[i] != '\\')
			continue;
		consort_buffer_append(out, string + start, i - start);
		consort_buffer_char(out, string[i]);
		start = i;
	}
	consort_buffer_append(out, string + start, size - start);
	consort_buffer_char(out, '\'');
}

/* Years that both write with four digits. */
static bool is_plain_day(int64_t days)
{
	return days >= consort_days_from_civil(1, 1, 1) && days <= consort_days_from_civil(9999, 12, 31);
}

bool pg_is_plain(const struct consort_value *value)
{
	if (value->type.id == CONSORT_TYPE_DATE)
		return is_plain_day(value->as.int64);
	if (value->type.id == CONSORT_TYPE_TIMESTAMP)
		return is_plain_day(value->as.int64 / INT64_C(86400000000) - 1) &&
		       is_plain_day(value->as.int64 / INT64_C(86400000000) + 1);
	return value->type.id != CONSORT_TYPE_LIST && value->type.id != CONSORT_TYPE_OBJECTID &&
	       value->type.id != CONSORT_TYPE_JSON;
}

static void render_number(const struct consort_value *value, const struct pg_storage *storage,
			  struct consort_buffer *out)
{
	struct consort_buffer digits = CONSORT_BUFFER_INIT;
	bool bare =
		value->type.id == CONSORT_TYPE_INT64 && value->as.int64 >= 0 && value->as.int64 <= INT32_MAX;

	consort_value_print(value, &digits);
	if (digits.failed)
		out->failed = 1;
	else if (bare && storage->codec != PG_FLOAT8)
		consort_buffer_text(out, digits.data);
	else
		consort_buffer_printf(out, "'%s'::%s", digits.data, pg_codecs[storage->codec].name);
	consort_buffer_clear(&digits);
}

void pg_append_quoted(const struct consort_value *value, const struct pg_storage *storage,
		      struct consort_buffer *out)
{
	struct consort_buffer printed = CONSORT_BUFFER_INIT;

	consort_value_print(value, &printed);
	if (printed.failed)
		out->failed = 1;
	else
		pg_quote_text(printed.data ? printed.data : "", printed.size, out);
	consort_buffer_printf(out, "::%s", pg_codecs[storage->codec].name);
	consort_buffer_clear(&printed);
}

static bool render_literal(struct consort_sql_builder *builder, const struct consort_expr *expr,
			   const struct pg_storage *storage, enum pg_purpose purpose,
			   struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {.source = CONSORT_SQL_LITERAL,
					      .purpose = (uint8_t)purpose,
					      .literal = &expr->value,
					      .attribute = "literal"};

	if (!pg_is_plain(&expr->value))
		return pg_render_slot(builder, &slot, storage, out);
	switch (expr->value.type.id) {
	case CONSORT_TYPE_BOOL:
		consort_buffer_text(out, expr->value.as.int64 ? "true" : "false");
		return true;
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_FLOAT64:
	case CONSORT_TYPE_DECIMAL:
		render_number(&expr->value, storage, out);
		return true;
	default:
		pg_append_quoted(&expr->value, storage, out);
		return true;
	}
}

/* A regular expression, or a pattern that is checked now, since the core would refuse a wrong one for any
 * record. */
static bool render_pattern(struct consort_sql_builder *builder, const struct consort_expr *expr,
			   enum pg_purpose purpose, struct consort_buffer *out)
{
	struct consort_buffer encoded = CONSORT_BUFFER_INIT;
	struct consort_error ignored = CONSORT_ERROR_INIT;
	uint32_t status = pg_encode(&text, purpose, &expr->value, "pattern", &encoded, &ignored);

	if (!status) {
		pg_quote_text(encoded.data + 4, encoded.size - 4, out);
		consort_buffer_text(out, "::text");
	}
	consort_buffer_clear(&encoded);
	if (status == CONSORT_ENOMEM)
		return consort_sql_no_memory(builder);
	return !status || consort_sql_no(builder, "the pattern is wrong, which the core tells");
}

bool pg_render_constant(struct consort_sql_builder *builder, const struct consort_expr *expr,
			const struct pg_storage *storage, enum pg_purpose purpose, struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {.source = CONSORT_SQL_PARAMETER,
					      .purpose = (uint8_t)purpose,
					      .index = expr->index,
					      .attribute = "parameter"};

	if (expr->kind == CONSORT_EXPR_PARAMETER)
		return pg_render_slot(builder, &slot, storage, out);
	if (consort_value_is_null(&expr->value)) {
		consort_buffer_printf(out, "NULL::%s", pg_codecs[storage->codec].name);
		return true;
	}
	if (purpose == PG_LIKE || purpose == PG_REGEX)
		return render_pattern(builder, expr, purpose, out);
	return render_literal(builder, expr, storage, purpose, out);
}

/* --- columns --- */

/* Would SQL of this storage have to be cast to be of that one's type? */
static bool needs_cast(const struct pg_storage *from, const struct pg_storage *to)
{
	return from->codec != to->codec && from->codec != PG_OTHER;
}

/* As the type that `want` travels as. */
static void append_as(struct consort_sql_builder *builder, const struct pg_storage *from,
		      const struct pg_storage *want, const char *sql, struct consort_buffer *out)
{
	if (pg_codecs[want->codec].family == PG_FAMILY_TEXT)
		pg_append_text(builder, from, sql, false, out);
	else if (!needs_cast(from, want))
		consort_buffer_text(out, sql);
	else if (pg_codecs[want->codec].family == PG_FAMILY_TIMESTAMP && from->codec != PG_DATE)
		consort_buffer_printf(out, "(%s AT TIME ZONE 'UTC')", sql);
	else
		consort_buffer_printf(out, "(%s)::%s", sql, pg_codecs[want->codec].name);
}

static bool render_column(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, const struct pg_storage *want,
			  struct consort_buffer *out)
{
	const struct pg_term *term;

	if (expr->index >= relation->nterms)
		return consort_sql_no(builder, "it names a column that is not there");
	term = pg_term_at(relation, expr->index);
	if (!term->base.sql)
		return consort_sql_no(builder, term->base.reason);
	if (term->storage.converts ||
	    (term->storage.codec == PG_JSONB && term->base.type.id == CONSORT_TYPE_TEXT))
		return consort_sql_no(builder, "the column is of another type than the attribute");
	append_as(builder, &term->storage, want, term->base.sql, out);
	return true;
}

/* --- calls --- */

static bool render_operands(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			    const struct consort_expr *expr, const char *operation,
			    const struct pg_storage *want, struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_char(out, '(');
	for (i = 0; i < expr->nargs; i++) {
		const struct consort_expr *arg = expr->args[i];

		consort_buffer_text(out, i ? operation : "");
		if (!pg_render(builder, relation, arg, want, out))
			return false;
		/* two integers that are written out would be added in the smallest type that holds them */
		if (!i && arg->kind == CONSORT_EXPR_LITERAL && want->codec == PG_INT8)
			consort_buffer_text(out, "::bigint");
	}
	consort_buffer_char(out, ')');
	return true;
}

static bool render_arithmetic(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			      const struct consort_expr *expr, struct consort_buffer *out)
{
	static const char *const operations[] = {
		[CONSORT_OP_ADD] = " + ",
		[CONSORT_OP_SUBTRACT] = " - ",
		[CONSORT_OP_MULTIPLY] = " * ",
		[CONSORT_OP_DIVIDE] = NULL,
		[CONSORT_OP_INTEGER_DIVIDE] = " / ",
		[CONSORT_OP_MODULO] = " % ",
	};

	if (expr->op == CONSORT_OP_NEGATE) {
		consort_buffer_text(out, "(- ");
		if (!pg_render(builder, relation, expr->args[0], computed(expr->type), out))
			return false;
		consort_buffer_char(out, ')');
		return true;
	}
	if (expr->type.id == CONSORT_TYPE_FLOAT64)
		return consort_sql_no(builder, "PostgreSQL has no infinite result of finite doubles");
	if (!operations[expr->op])
		return consort_sql_no(builder, "PostgreSQL rounds a quotient at another digit");
	return render_operands(builder, relation, expr, operations[expr->op], computed(expr->type), out);
}

static bool render_length(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];
	bool characters = arg->type.id == CONSORT_TYPE_TEXT;

	if (characters && !pg_knows_characters(builder))
		return false;
	consort_buffer_text(out, characters ? "length(" : "octet_length(");
	if (!pg_render(builder, relation, arg, computed(arg->type), out))
		return false;
	consort_buffer_text(out, ")::bigint");
	return true;
}

static bool render_choice(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, const struct pg_storage *want,
			  struct consort_buffer *out)
{
	if (expr->flags & CONSORT_EXPR_CAN_FAIL)
		return consort_sql_no(builder,
				      "PostgreSQL may compute a branch that is not taken, and it can fail");
	consort_buffer_char(out, '(');
	if (!consort_sql_choice(builder, relation, expr, pg_render, want, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

/* What PostgreSQL's cast makes of every value as the core's does. */
static bool is_faithful(struct consort_type from, struct consort_type to)
{
	switch (to.id) {
	case CONSORT_TYPE_TEXT:
		return from.id == CONSORT_TYPE_INT64 || from.id == CONSORT_TYPE_BOOL ||
		       from.id == CONSORT_TYPE_UUID;
	case CONSORT_TYPE_DECIMAL:
		return from.id == CONSORT_TYPE_INT64 && to.precision - to.scale >= INT64_DIGITS;
	case CONSORT_TYPE_FLOAT64:
		return from.id == CONSORT_TYPE_DECIMAL;
	case CONSORT_TYPE_INT64:
		return from.id == CONSORT_TYPE_BOOL;
	case CONSORT_TYPE_TIMESTAMP:
		return from.id == CONSORT_TYPE_DATE;
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
		return from.id == CONSORT_TYPE_TIMESTAMP;
	default:
		return false;
	}
}

static bool render_cast(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct pg_storage *want,
			struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];
	const struct pg_storage *from =
		arg->type.id == CONSORT_TYPE_TIMESTAMP ? &timestamp : computed(arg->type);

	if (consort_type_equal(expr->type, arg->type))
		return pg_render(builder, relation, arg, want, out);
	if (!is_faithful(arg->type, expr->type))
		return consort_sql_no(builder, "PostgreSQL's cast rounds, or reads and writes other forms");
	consort_buffer_char(out, '(');
	if (!pg_render(builder, relation, arg, from, out))
		return false;
	if (arg->type.id == CONSORT_TYPE_BOOL && expr->type.id == CONSORT_TYPE_INT64)
		consort_buffer_text(out, "::integer");
	consort_buffer_printf(out, ")::%s", pg_codecs[computed(expr->type)->codec].name);
	return true;
}

static bool render_call(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct pg_storage *want,
			struct consort_buffer *out)
{
	switch (expr->op) {
	case CONSORT_OP_EQ:
	case CONSORT_OP_NE:
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
	case CONSORT_OP_NOT_DISTINCT:
	case CONSORT_OP_DISTINCT:
		return pg_render_compare(builder, relation, expr, out);
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
	case CONSORT_OP_NOT:
	case CONSORT_OP_IS_TRUE:
	case CONSORT_OP_IS_FALSE:
		return consort_sql_logic(builder, relation, expr, out);
	case CONSORT_OP_IN:
		return pg_render_in(builder, relation, expr, out);
	case CONSORT_OP_LIKE:
	case CONSORT_OP_ILIKE:
		return pg_render_like(builder, relation, expr, out);
	case CONSORT_OP_MATCH:
		return pg_render_match(builder, relation, expr, out);
	case CONSORT_OP_ADD:
	case CONSORT_OP_SUBTRACT:
	case CONSORT_OP_MULTIPLY:
	case CONSORT_OP_DIVIDE:
	case CONSORT_OP_INTEGER_DIVIDE:
	case CONSORT_OP_MODULO:
	case CONSORT_OP_NEGATE:
		return render_arithmetic(builder, relation, expr, out);
	case CONSORT_OP_CONCAT:
		return render_operands(builder, relation, expr, " || ", &text, out);
	case CONSORT_OP_LENGTH:
		return render_length(builder, relation, expr, out);
	case CONSORT_OP_COALESCE:
	case CONSORT_OP_CASE:
		return render_choice(builder, relation, expr, want, out);
	case CONSORT_OP_CAST:
		return render_cast(builder, relation, expr, want, out);
	case CONSORT_OP_PATH:
		return pg_render_path(builder, relation, expr, out);
	case CONSORT_OP_PATH_TEXT:
		return consort_sql_no(builder, "PostgreSQL puts blanks into objects and arrays");
	case CONSORT_OP_LOWER:
	case CONSORT_OP_UPPER:
		return consort_sql_no(builder, "PostgreSQL maps case as its locale does");
	default:
		return consort_sql_no(builder, "PostgreSQL has no such operator");
	}
}

static bool render_any(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, const struct pg_storage *want,
		       struct consort_buffer *out)
{
	struct consort_buffer call = CONSORT_BUFFER_INIT;
	const struct pg_storage *own;
	bool taken;

	if (expr->kind == CONSORT_EXPR_COLUMN)
		return render_column(builder, relation, expr, want, out);
	if (consort_sql_is_constant(expr))
		return pg_render_constant(builder, expr, want, PG_COMPARE, out);
	if (expr->kind != CONSORT_EXPR_CALL)
		return consort_sql_no(builder, "PostgreSQL has no such expression");
	if (expr->op == CONSORT_OP_IS_NULL || expr->op == CONSORT_OP_NOT_NULL)
		return pg_render_null_test(builder, relation, expr, out);
	own = pg_expr_storage(relation, expr);
	taken = render_call(builder, relation, expr, own, &call);
	if (call.failed)
		out->failed = 1;
	else if (taken && own && needs_cast(own, want))
		append_as(builder, own, want, call.data, out);
	else if (taken)
		consort_buffer_text(out, call.data);
	consort_buffer_clear(&call);
	return taken;
}

bool pg_render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
	       const struct consort_expr *expr, const void *want, struct consort_buffer *out)
{
	const struct pg_storage *storage = want ? want : computed(expr->type);
	bool taken;

	if (builder->status)
		return false;
	if (++builder->depth > DEPTH_MOST)
		taken = consort_sql_no(builder, "it is nested too deeply");
	else
		taken = render_any(builder, relation, expr, storage, out);
	builder->depth--;
	return taken;
}

bool pg_render_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out)
{
	return pg_render(builder, relation, expr, &boolean, out);
}
