/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions to SQL. Taken is only what SQLite provably evaluates as the core does; every other kind,
 * operator or type is not taken, and says why. semantics.md names the traps.
 */
#include "sql.h"

#include <math.h>
#include <string.h>

/* Where it cannot grow, the stack of SQLite's parser has 100 places. One condition gets these; the rest is
 * for the statement around it, with subqueries and other conditions. */
#define PLACES_MOST 60
#define ARGS_MOST 100 /* SQLite may be built to take no more in a call */

static bool render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   const struct consort_expr *expr, const void *want, struct consort_buffer *out);

/* --- storage of values --- */

struct lite_storage lite_plain_storage(struct consort_type type)
{
	struct lite_storage storage = {0};

	storage.codec = (uint8_t)lite_default_codec(type);
	storage.equality = lite_codecs[storage.codec].equality;
	storage.order = lite_codecs[storage.codec].order;
	return storage;
}

static const struct lite_storage *plain(uint32_t codec)
{
	static const struct lite_storage boolean = {.codec = LITE_BOOL, .equality = true, .order = true};
	static const struct lite_storage integer = {.codec = LITE_INT64, .equality = true, .order = true};
	static const struct lite_storage text = {.codec = LITE_TEXT, .equality = true, .order = true};

	return codec == LITE_BOOL ? &boolean : codec == LITE_INT64 ? &integer : &text;
}

const struct lite_storage *lite_expr_storage(struct consort_sql_relation *relation,
					     const struct consort_expr *expr)
{
	const struct lite_storage *storage = NULL;
	uint32_t i = UINT32_MAX;

	if (expr->kind == CONSORT_EXPR_COLUMN)
		return expr->index < relation->nterms ? &lite_term_at(relation, expr->index)->storage : NULL;
	if (expr->kind != CONSORT_EXPR_CALL)
		return NULL;
	switch (expr->op) {
	case CONSORT_OP_CONCAT:
		return plain(LITE_TEXT);
	case CONSORT_OP_LENGTH:
		return plain(LITE_INT64);
	case CONSORT_OP_CAST:
		return expr->type.id == CONSORT_TYPE_TEXT ? plain(LITE_TEXT)
							  : lite_expr_storage(relation, expr->args[0]);
	case CONSORT_OP_COALESCE:
	case CONSORT_OP_CASE:
		while (!storage && consort_sql_next_value(expr, &i))
			storage = lite_expr_storage(relation, expr->args[i]);
		return storage;
	default:
		return expr->type.id == CONSORT_TYPE_BOOL ? plain(LITE_BOOL) : NULL;
	}
}

bool lite_may_be_nan(const struct consort_expr *expr)
{
	return expr->type.id == CONSORT_TYPE_FLOAT64 &&
	       (expr->kind == CONSORT_EXPR_PARAMETER ||
		(expr->kind == CONSORT_EXPR_LITERAL && isnan(expr->value.as.float64)));
}

/* --- leaves --- */

bool lite_render_slot(struct consort_sql_builder *builder, const struct consort_sql_slot *slot,
		      const struct lite_storage *storage, struct consort_buffer *out)
{
	struct consort_sql_slot stored = *slot;
	uint32_t number;

	memcpy(stored.storage, storage, sizeof(*storage));
	number = consort_sql_placeholder(builder, &stored);
	consort_buffer_printf(out, "?%u", number);
	return number != 0;
}

static void render_blob(const struct consort_view *view, struct consort_buffer *out)
{
	uint64_t i;

	consort_buffer_text(out, "x'");
	for (i = 0; i < view->size; i++)
		consort_buffer_printf(out, "%02x", (unsigned char)view->data[i]);
	consort_buffer_char(out, '\'');
}

/* A literal as it would be bound, written out. Bound are doubles, since SQLite does not read every decimal
 * form back, and stand-ins, for check.c. */
static bool render_cell(struct consort_sql_builder *builder, const struct lite_cell *cell,
			const struct consort_sql_slot *slot, const struct lite_storage *storage,
			struct consort_buffer *out)
{
	switch (cell->stand_in ? SQLITE_FLOAT : cell->kind) {
	case SQLITE_NULL:
		consort_buffer_text(out, "NULL");
		return true;
	case SQLITE_INTEGER:
		consort_buffer_printf(out, "%lld", (long long)cell->as.integer);
		return true;
	case SQLITE_TEXT:
		consort_buffer_quoted(out, cell->as.view.data, cell->as.view.size, '\'');
		return true;
	case SQLITE_BLOB:
		render_blob(&cell->as.view, out);
		return true;
	default:
		return lite_render_slot(builder, slot, storage, out);
	}
}

static bool render_literal(struct consort_sql_builder *builder, const struct consort_expr *expr,
			   const struct lite_storage *want, enum lite_purpose purpose,
			   struct consort_buffer *out)
{
	struct consort_sql_slot slot = {.source = CONSORT_SQL_LITERAL,
					.purpose = (uint8_t)purpose,
					.literal = &expr->value,
					.attribute = "literal"};
	struct consort_error ignored = CONSORT_ERROR_INIT;
	struct lite_memory memory = {.text = CONSORT_BUFFER_INIT};
	struct lite_cell cell;
	bool taken;

	consort_arena_init(&memory.arena, 0);
	if (!lite_encode(want, purpose, &expr->value, "literal", true, &memory, &cell, &ignored))
		taken = render_cell(builder, &cell, &slot, want, out);
	else if (ignored.status == CONSORT_ENOMEM)
		taken = consort_sql_no_memory(builder);
	else
		taken = consort_sql_no(builder, "a literal has no counterpart in SQLite");
	consort_arena_clear(&memory.arena);
	consort_buffer_clear(&memory.text);
	return taken;
}

bool lite_render_constant(struct consort_sql_builder *builder, const struct consort_expr *expr,
			  const struct lite_storage *want, enum lite_purpose purpose,
			  struct consort_buffer *out)
{
	bool null = expr->kind == CONSORT_EXPR_LITERAL && consort_value_is_null(&expr->value);
	struct lite_storage own = null ? *plain(LITE_INT64) : lite_plain_storage(expr->type);
	struct consort_sql_slot slot = {.source = CONSORT_SQL_PARAMETER,
					.purpose = (uint8_t)purpose,
					.index = expr->index,
					.attribute = "parameter"};

	if (want && !null && lite_codecs[want->codec].type == expr->type.id)
		own.codec = want->codec;
	if ((own.codec == LITE_CONVERT || own.codec == LITE_JSON || own.codec == LITE_ISO) &&
	    purpose == LITE_COMPARE)
		return consort_sql_no(builder,
				      "SQLite cannot compare values of this type as they are stored");
	if (expr->kind == CONSORT_EXPR_LITERAL)
		return render_literal(builder, expr, &own, purpose, out);
	own = (struct lite_storage){.codec = own.codec};
	return lite_render_slot(builder, &slot, &own, out);
}

/* A column; its value counts, so it is checked unless it cannot be wrong. */
static bool render_column(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct lite_term *term;

	if (expr->index >= relation->nterms)
		return consort_sql_no(builder, "it names a column that is not there");
	term = lite_term_at(relation, expr->index);
	if (!term->base.sql)
		return consort_sql_no(builder, term->base.reason);
	if (term->checked && term->storage.checked)
		term->checked->used = true;
	consort_buffer_text(out, term->base.sql);
	return true;
}

/* --- texts --- */

static bool render_concat(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_char(out, '(');
	for (i = 0; i < expr->nargs; i++) {
		if (i)
			consort_buffer_text(out, " || ");
		if (!lite_render_text(builder, relation, expr->args[i], out))
			return false;
	}
	consort_buffer_char(out, ')');
	return true;
}

/* Characters of a text, bytes of bytes. */
static bool render_length(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];

	consort_buffer_text(out, "length(");
	if (arg->type.id == CONSORT_TYPE_TEXT ? !lite_render_text(builder, relation, arg, out)
					      : !render(builder, relation, arg, NULL, out))
		return false;
	consort_buffer_char(out, ')');
	return arg->type.id == CONSORT_TYPE_TEXT || arg->type.id == CONSORT_TYPE_BYTES ||
	       consort_sql_no(builder, "SQLite has no such length");
}

/* --- any type --- */

/* The arguments that are values must all be stored in the same way. */
static bool one_storage(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want)
{
	uint32_t i = UINT32_MAX;

	while (consort_sql_next_value(expr, &i)) {
		const struct lite_storage *storage = lite_expr_storage(relation, expr->args[i]);

		if (storage && (storage->codec != want->codec || !storage->equality))
			return consort_sql_no(builder, "its arguments are stored in different ways");
		if (lite_may_be_nan(expr->args[i]))
			return consort_sql_no(builder, "SQLite would make NULL of a NaN");
	}
	return true;
}

static bool render_choice(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, const struct lite_storage *want,
			  struct consort_buffer *out)
{
	const struct lite_storage *own = lite_expr_storage(relation, expr);
	struct lite_storage storage = own ? *own : want ? *want : lite_plain_storage(expr->type);

	if (expr->op == CONSORT_OP_COALESCE && expr->nargs > ARGS_MOST)
		return consort_sql_no(builder, "it has more arguments than SQLite takes");
	if (!one_storage(builder, relation, expr, &storage))
		return false;
	return consort_sql_choice(builder, relation, expr, render, &storage, out);
}

static bool render_cast(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want,
			struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];
	const struct lite_storage *storage = lite_expr_storage(relation, arg);

	if (consort_type_equal(expr->type, arg->type))
		return render(builder, relation, arg, want, out);
	if (expr->type.id != CONSORT_TYPE_TEXT || arg->type.id != CONSORT_TYPE_INT64 ||
	    (storage && storage->codec != LITE_INT64))
		return consort_sql_no(builder, "SQLite's CAST never fails, it makes something up");
	consort_buffer_text(out, "CAST(");
	if (!render(builder, relation, arg, plain(LITE_INT64), out))
		return false;
	consort_buffer_text(out, " AS TEXT)");
	return true;
}

/* --- calls --- */

static bool render_call(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want,
			struct consort_buffer *out)
{
	switch (expr->op) {
	case CONSORT_OP_EQ:
		return lite_render_compare(builder, relation, expr, " = ", false, out);
	case CONSORT_OP_NE:
		return lite_render_compare(builder, relation, expr, " <> ", false, out);
	case CONSORT_OP_LT:
		return lite_render_compare(builder, relation, expr, " < ", true, out);
	case CONSORT_OP_LE:
		return lite_render_compare(builder, relation, expr, " <= ", true, out);
	case CONSORT_OP_GT:
		return lite_render_compare(builder, relation, expr, " > ", true, out);
	case CONSORT_OP_GE:
		return lite_render_compare(builder, relation, expr, " >= ", true, out);
	case CONSORT_OP_NOT_DISTINCT:
		return lite_render_compare(builder, relation, expr, " IS ", false, out);
	case CONSORT_OP_DISTINCT:
		return lite_render_compare(builder, relation, expr, " IS NOT ", false, out);
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
	case CONSORT_OP_NOT:
	case CONSORT_OP_IS_TRUE:
	case CONSORT_OP_IS_FALSE:
		return consort_sql_logic(builder, relation, expr, out);
	case CONSORT_OP_IS_NULL:
	case CONSORT_OP_NOT_NULL:
		return consort_sql_null_test(builder, relation, expr, render, out);
	case CONSORT_OP_IN:
		return lite_render_in(builder, relation, expr, out);
	case CONSORT_OP_LIKE:
		return lite_render_like(builder, relation, expr, out);
	case CONSORT_OP_CONCAT:
		return render_concat(builder, relation, expr, out);
	case CONSORT_OP_LENGTH:
		return render_length(builder, relation, expr, out);
	case CONSORT_OP_COALESCE:
	case CONSORT_OP_CASE:
		return render_choice(builder, relation, expr, want, out);
	case CONSORT_OP_CAST:
		return render_cast(builder, relation, expr, want, out);
	case CONSORT_OP_ADD:
	case CONSORT_OP_SUBTRACT:
	case CONSORT_OP_MULTIPLY:
	case CONSORT_OP_NEGATE:
		return consort_sql_no(
			builder, "SQLite turns an integer that overflows into a double, and NaN into NULL");
	case CONSORT_OP_DIVIDE:
	case CONSORT_OP_INTEGER_DIVIDE:
	case CONSORT_OP_MODULO:
		return consort_sql_no(builder, "SQLite makes NULL of a division by zero");
	case CONSORT_OP_ILIKE:
	case CONSORT_OP_LOWER:
	case CONSORT_OP_UPPER:
		return consort_sql_no(builder, "SQLite folds the case of ASCII letters only");
	case CONSORT_OP_PATH:
	case CONSORT_OP_PATH_TEXT:
		return consort_sql_no(builder, "SQLite's paths rewrite numbers and do not see escaped keys");
	default:
		return consort_sql_no(builder, "SQLite has no such operator");
	}
}

/* How many places an expression holds at most while its last argument is parsed. AND and OR are written by
 * halves, each three places for `x AND (`. The most is eight, of an IN with a collation: `(x AND x IN
 * (list,`. */
static uint32_t places(const struct consort_expr *expr)
{
	uint32_t most = 3, halved;

	if (expr->kind != CONSORT_EXPR_CALL)
		return 1;
	switch (expr->op) {
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
		for (halved = expr->nargs; halved > 1; halved -= halved / 2)
			most += halved > 8 ? 3 : 0;
		return most;
	case CONSORT_OP_NOT:
	case CONSORT_OP_IS_TRUE:
	case CONSORT_OP_IS_FALSE:
	case CONSORT_OP_IS_NULL:
	case CONSORT_OP_NOT_NULL:
	case CONSORT_OP_CONCAT:
		return most;
	default:
		return 8;
	}
}

static bool render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   const struct consort_expr *expr, const void *want, struct consort_buffer *out)
{
	uint32_t own = places(expr);
	bool taken = false;

	if (builder->status)
		return false;
	builder->depth += own;
	if (builder->depth > PLACES_MOST)
		consort_sql_no(builder, "it is nested too deeply for SQLite");
	else if (expr->kind == CONSORT_EXPR_COLUMN)
		taken = render_column(builder, relation, expr, out);
	else if (consort_sql_is_constant(expr))
		taken = lite_render_constant(builder, expr, want, LITE_COMPARE, out);
	else if (expr->kind == CONSORT_EXPR_CALL)
		taken = render_call(builder, relation, expr, want, out);
	else
		consort_sql_no(builder, "SQLite has no such expression");
	builder->depth -= own;
	return taken;
}

bool lite_render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		 const struct consort_expr *expr, const struct lite_storage *want, struct consort_buffer *out)
{
	return render(builder, relation, expr, want, out);
}

bool lite_render_stored(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_resource *resource, const struct consort_attribute *attribute,
			const struct consort_expr *expr, struct consort_buffer *out)
{
	struct consort_sql_slot slot = {
		.purpose = LITE_STORE, .index = expr->index, .attribute = attribute->name};
	const struct lite_storage *own = lite_expr_storage(relation, expr);
	struct lite_storage storage;

	builder->status = lite_storage_of(resource, attribute, &storage, builder->error);
	if (builder->status)
		return false;
	if (attribute->type.id == CONSORT_TYPE_LIST)
		return consort_sql_no(builder, "lists are written by key");
	if (consort_sql_is_constant(expr)) {
		slot.source =
			expr->kind == CONSORT_EXPR_LITERAL ? CONSORT_SQL_LITERAL : CONSORT_SQL_PARAMETER;
		slot.literal = &expr->value;
		return lite_render_slot(builder, &slot, &storage, out);
	}
	if (own && (own->codec != storage.codec || !own->equality))
		return consort_sql_no(builder, "the two sides are stored in different ways");
	return render(builder, relation, expr, &storage, out);
}

bool lite_render_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_expr *expr, struct consort_buffer *out)
{
	return render(builder, relation, expr, plain(LITE_BOOL), out);
}
