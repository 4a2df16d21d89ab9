/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions to SQL. Taken is only what SQLite provably evaluates as the core does; every other kind,
 * operator or type is not taken, and says why. semantics.md names the traps.
 */
#include "sql.h"

#include <math.h>
#include <string.h>

#define DEPTH_MOST \
	100    /* SQLite refuses expressions deeper than 1000, and each of ours may be several of its */
#define FLAT 8 /* items joined without nesting */

static bool render(struct lite_builder *builder, struct lite_relation *relation,
		   const struct consort_expr *expr, const struct lite_storage *want,
		   struct consort_buffer *out);

bool lite_no(struct lite_builder *builder, const char *reason)
{
	builder->reason = reason;
	return false;
}

static bool failed(struct lite_builder *builder, uint32_t status)
{
	builder->status = status;
	builder->reason = "it cannot be compiled";
	return false;
}

const char *lite_take_text(struct lite_builder *builder, struct consort_buffer *text)
{
	char *copy = text->failed
			     ? NULL
			     : consort_arena_copy(builder->arena, text->data ? text->data : "", text->size);

	consort_buffer_clear(text);
	if (!copy)
		failed(builder, consort_error_no_memory(builder->error));
	return copy;
}

bool lite_add_text(struct lite_builder *builder, struct lite_texts *texts, const char *text)
{
	if (texts->count == texts->room) {
		uint32_t room = texts->room ? texts->room * 2 : 4;
		const char **items = consort_arena_array(builder->arena, room, sizeof(*items));

		if (!items)
			return failed(builder, consort_error_no_memory(builder->error));
		if (texts->count)
			memcpy(items, texts->items, texts->count * sizeof(*items));
		texts->items = items;
		texts->room = room;
	}
	texts->items[texts->count++] = text;
	return true;
}

void lite_join_texts(const char *const *items, uint32_t count, const char *word, struct consort_buffer *out)
{
	uint32_t half = count / 2, i;

	if (count > FLAT) {
		consort_buffer_char(out, '(');
		lite_join_texts(items, half, word, out);
		consort_buffer_printf(out, ")%s(", word);
		lite_join_texts(items + half, count - half, word, out);
		consort_buffer_char(out, ')');
		return;
	}
	for (i = 0; i < count; i++) {
		if (i)
			consort_buffer_text(out, word);
		consort_buffer_text(out, items[i]);
	}
}

void lite_quote(struct consort_buffer *sql, const char *identifier)
{
	consort_buffer_quoted(sql, identifier, strlen(identifier), '"');
}

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

const struct lite_storage *lite_expr_storage(struct lite_relation *relation, const struct consort_expr *expr)
{
	const struct lite_storage *storage = NULL;
	uint32_t i;

	if (expr->kind == CONSORT_EXPR_COLUMN)
		return expr->index < relation->nterms ? &relation->terms[expr->index].storage : NULL;
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
		for (i = 0; !storage && i < expr->nargs; i++)
			storage = lite_expr_storage(relation, expr->args[i]);
		return storage;
	case CONSORT_OP_CASE:
		for (i = 1; !storage && i < expr->nargs; i += i + 2 < expr->nargs ? 2 : 1)
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

bool lite_render_slot(struct lite_builder *builder, const struct lite_slot *slot, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < builder->nslots; i++) {
		const struct lite_slot *other = &builder->slots[i];

		if (slot->source != LITE_LITERAL && other->source == slot->source &&
		    other->index == slot->index && other->purpose == slot->purpose &&
		    !memcmp(&other->storage, &slot->storage, sizeof(slot->storage)))
			break;
	}
	if (i == builder->nslots) {
		if (builder->nslots == builder->slot_room) {
			uint32_t room = builder->slot_room ? builder->slot_room * 2 : 8;
			struct lite_slot *slots = consort_arena_array(builder->arena, room, sizeof(*slots));

			if (!slots)
				return failed(builder, consort_error_no_memory(builder->error));
			if (builder->nslots)
				memcpy(slots, builder->slots, builder->nslots * sizeof(*slots));
			builder->slots = slots;
			builder->slot_room = room;
		}
		builder->slots[builder->nslots++] = *slot;
	}
	consort_buffer_printf(out, "?%u", i + 1);
	return true;
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
static bool render_cell(struct lite_builder *builder, const struct lite_cell *cell,
			const struct lite_slot *slot, struct consort_buffer *out)
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
		return lite_render_slot(builder, slot, out);
	}
}

static bool render_literal(struct lite_builder *builder, const struct consort_expr *expr,
			   const struct lite_storage *want, enum lite_purpose purpose,
			   struct consort_buffer *out)
{
	struct lite_slot slot = {.source = LITE_LITERAL,
				 .purpose = (uint8_t)purpose,
				 .storage = *want,
				 .literal = &expr->value,
				 .attribute = "literal"};
	struct consort_error ignored = CONSORT_ERROR_INIT;
	struct lite_memory memory = {.text = CONSORT_BUFFER_INIT};
	struct lite_cell cell;
	bool taken;

	consort_arena_init(&memory.arena, 0);
	if (!lite_encode(want, purpose, &expr->value, "literal", true, &memory, &cell, &ignored))
		taken = render_cell(builder, &cell, &slot, out);
	else if (ignored.status == CONSORT_ENOMEM)
		taken = failed(builder, consort_error_no_memory(builder->error));
	else
		taken = lite_no(builder, "a literal has no counterpart in SQLite");
	consort_arena_clear(&memory.arena);
	consort_buffer_clear(&memory.text);
	return taken;
}

bool lite_render_constant(struct lite_builder *builder, const struct consort_expr *expr,
			  const struct lite_storage *want, enum lite_purpose purpose,
			  struct consort_buffer *out)
{
	bool null = expr->kind == CONSORT_EXPR_LITERAL && consort_value_is_null(&expr->value);
	struct lite_storage own = null ? *plain(LITE_INT64) : lite_plain_storage(expr->type);
	struct lite_slot slot = {.source = LITE_PARAMETER,
				 .purpose = (uint8_t)purpose,
				 .index = expr->index,
				 .attribute = "parameter"};

	if (want && !null && lite_codecs[want->codec].type == expr->type.id)
		own.codec = want->codec;
	if ((own.codec == LITE_CONVERT || own.codec == LITE_JSON || own.codec == LITE_ISO) &&
	    purpose == LITE_COMPARE)
		return lite_no(builder, "SQLite cannot compare values of this type as they are stored");
	if (expr->kind == CONSORT_EXPR_LITERAL)
		return render_literal(builder, expr, &own, purpose, out);
	slot.storage.codec = own.codec;
	return lite_render_slot(builder, &slot, out);
}

/* A column; its value counts, so it is checked unless it cannot be wrong. */
static bool render_column(struct lite_builder *builder, struct lite_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct lite_term *term;

	if (expr->index >= relation->nterms)
		return lite_no(builder, "it names a column that is not there");
	term = &relation->terms[expr->index];
	if (!term->sql)
		return lite_no(builder, term->reason);
	if (term->checked && term->storage.checked)
		term->checked->used = true;
	consort_buffer_text(out, term->sql);
	return true;
}

/* --- logic --- */

static bool render_chain(struct lite_builder *builder, struct lite_relation *relation,
			 const struct consort_expr *expr, const char *word, struct consort_buffer *out)
{
	struct lite_texts items = {0};
	uint32_t i;

	for (i = 0; i < expr->nargs; i++) {
		struct consort_buffer item = CONSORT_BUFFER_INIT;
		const char *text;

		if (!render(builder, relation, expr->args[i], plain(LITE_BOOL), &item)) {
			consort_buffer_clear(&item);
			return false;
		}
		text = lite_take_text(builder, &item);
		if (!text || !lite_add_text(builder, &items, text))
			return false;
	}
	consort_buffer_char(out, '(');
	lite_join_texts(items.items, items.count, word, out);
	consort_buffer_char(out, ')');
	return true;
}

/* (argument suffix), of a truth value */
static bool render_truth(struct lite_builder *builder, struct lite_relation *relation,
			 const struct consort_expr *expr, const char *prefix, const char *suffix,
			 struct consort_buffer *out)
{
	consort_buffer_text(out, prefix);
	if (!render(builder, relation, expr->args[0], plain(LITE_BOOL), out))
		return false;
	consort_buffer_text(out, suffix);
	return true;
}

/* Whether a column is NULL does not depend on what else it holds. */
static bool render_null_test(struct lite_builder *builder, struct lite_relation *relation,
			     const struct consort_expr *expr, const char *test, struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];

	if (arg->kind == CONSORT_EXPR_COLUMN && arg->index < relation->nterms &&
	    relation->terms[arg->index].sql) {
		consort_buffer_text(out, relation->terms[arg->index].sql);
	} else {
		consort_buffer_char(out, '(');
		if (!render(builder, relation, arg, NULL, out))
			return false;
		consort_buffer_char(out, ')');
	}
	consort_buffer_text(out, test);
	return true;
}

/* --- texts --- */

static bool render_concat(struct lite_builder *builder, struct lite_relation *relation,
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
static bool render_length(struct lite_builder *builder, struct lite_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];

	consort_buffer_text(out, "length(");
	if (arg->type.id == CONSORT_TYPE_TEXT ? !lite_render_text(builder, relation, arg, out)
					      : !render(builder, relation, arg, NULL, out))
		return false;
	consort_buffer_char(out, ')');
	return arg->type.id == CONSORT_TYPE_TEXT || arg->type.id == CONSORT_TYPE_BYTES ||
	       lite_no(builder, "SQLite has no such length");
}

/* --- any type --- */

/* The arguments that are values must all be stored in the same way. */
static bool one_storage(struct lite_builder *builder, struct lite_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want)
{
	bool is_case = expr->op == CONSORT_OP_CASE;
	uint32_t i;

	for (i = is_case ? 1 : 0; i < expr->nargs; i += is_case && i + 2 < expr->nargs ? 2 : 1) {
		const struct lite_storage *storage = lite_expr_storage(relation, expr->args[i]);

		if (storage && (storage->codec != want->codec || !storage->equality))
			return lite_no(builder, "its arguments are stored in different ways");
		if (lite_may_be_nan(expr->args[i]))
			return lite_no(builder, "SQLite would make NULL of a NaN");
	}
	return true;
}

static bool render_coalesce(struct lite_builder *builder, struct lite_relation *relation,
			    const struct consort_expr *expr, const struct lite_storage *want,
			    struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_text(out, expr->nargs > 1 ? "coalesce(" : "(");
	for (i = 0; i < expr->nargs; i++) {
		if (i)
			consort_buffer_text(out, ", ");
		if (!render(builder, relation, expr->args[i], want, out))
			return false;
	}
	consort_buffer_char(out, ')');
	return true;
}

static bool render_case(struct lite_builder *builder, struct lite_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want,
			struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_text(out, "CASE");
	for (i = 0; i + 1 < expr->nargs; i += 2) {
		consort_buffer_text(out, " WHEN ");
		if (!render(builder, relation, expr->args[i], plain(LITE_BOOL), out))
			return false;
		consort_buffer_text(out, " THEN ");
		if (!render(builder, relation, expr->args[i + 1], want, out))
			return false;
	}
	if (i < expr->nargs) {
		consort_buffer_text(out, " ELSE ");
		if (!render(builder, relation, expr->args[i], want, out))
			return false;
	}
	consort_buffer_text(out, " END");
	return true;
}

static bool render_choice(struct lite_builder *builder, struct lite_relation *relation,
			  const struct consort_expr *expr, const struct lite_storage *want,
			  struct consort_buffer *out)
{
	const struct lite_storage *own = lite_expr_storage(relation, expr);
	struct lite_storage storage = own ? *own : want ? *want : lite_plain_storage(expr->type);

	if (!one_storage(builder, relation, expr, &storage))
		return false;
	if (expr->op == CONSORT_OP_COALESCE)
		return render_coalesce(builder, relation, expr, &storage, out);
	return render_case(builder, relation, expr, &storage, out);
}

static bool render_cast(struct lite_builder *builder, struct lite_relation *relation,
			const struct consort_expr *expr, const struct lite_storage *want,
			struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];
	const struct lite_storage *storage = lite_expr_storage(relation, arg);

	if (consort_type_equal(expr->type, arg->type))
		return render(builder, relation, arg, want, out);
	if (expr->type.id != CONSORT_TYPE_TEXT || arg->type.id != CONSORT_TYPE_INT64 ||
	    (storage && storage->codec != LITE_INT64))
		return lite_no(builder, "SQLite's CAST never fails, it makes something up");
	consort_buffer_text(out, "CAST(");
	if (!render(builder, relation, arg, plain(LITE_INT64), out))
		return false;
	consort_buffer_text(out, " AS TEXT)");
	return true;
}

/* --- calls --- */

static bool render_call(struct lite_builder *builder, struct lite_relation *relation,
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
		return render_chain(builder, relation, expr, " AND ", out);
	case CONSORT_OP_OR:
		return render_chain(builder, relation, expr, " OR ", out);
	case CONSORT_OP_NOT:
		return render_truth(builder, relation, expr, "(NOT (", "))", out);
	case CONSORT_OP_IS_TRUE:
		return render_truth(builder, relation, expr, "((", ") IS TRUE)", out);
	case CONSORT_OP_IS_FALSE:
		return render_truth(builder, relation, expr, "((", ") IS FALSE)", out);
	case CONSORT_OP_IS_NULL:
		return render_null_test(builder, relation, expr, " IS NULL", out);
	case CONSORT_OP_NOT_NULL:
		return render_null_test(builder, relation, expr, " IS NOT NULL", out);
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
		return lite_no(builder,
			       "SQLite turns an integer that overflows into a double, and NaN into NULL");
	case CONSORT_OP_DIVIDE:
	case CONSORT_OP_INTEGER_DIVIDE:
	case CONSORT_OP_MODULO:
		return lite_no(builder, "SQLite makes NULL of a division by zero");
	case CONSORT_OP_ILIKE:
	case CONSORT_OP_LOWER:
	case CONSORT_OP_UPPER:
		return lite_no(builder, "SQLite folds the case of ASCII letters only");
	case CONSORT_OP_PATH:
	case CONSORT_OP_PATH_TEXT:
		return lite_no(builder, "SQLite's paths rewrite numbers and do not see escaped keys");
	default:
		return lite_no(builder, "SQLite has no such operator");
	}
}

static bool render(struct lite_builder *builder, struct lite_relation *relation,
		   const struct consort_expr *expr, const struct lite_storage *want,
		   struct consort_buffer *out)
{
	bool taken = false;

	if (builder->status)
		return false;
	if (++builder->depth > DEPTH_MOST)
		lite_no(builder, "it is nested too deeply for SQLite");
	else if (expr->kind == CONSORT_EXPR_COLUMN)
		taken = render_column(builder, relation, expr, out);
	else if (lite_is_constant(expr))
		taken = lite_render_constant(builder, expr, want, LITE_COMPARE, out);
	else if (expr->kind == CONSORT_EXPR_CALL)
		taken = render_call(builder, relation, expr, want, out);
	else
		lite_no(builder, "SQLite has no such expression");
	builder->depth--;
	return taken;
}

bool lite_render(struct lite_builder *builder, struct lite_relation *relation,
		 const struct consort_expr *expr, const struct lite_storage *want, struct consort_buffer *out)
{
	return render(builder, relation, expr, want, out);
}

bool lite_render_stored(struct lite_builder *builder, struct lite_relation *relation,
			const struct consort_resource *resource, const struct consort_attribute *attribute,
			const struct consort_expr *expr, struct consort_buffer *out)
{
	struct lite_slot slot = {.purpose = LITE_STORE, .index = expr->index, .attribute = attribute->name};
	const struct lite_storage *own = lite_expr_storage(relation, expr);

	builder->status = lite_storage_of(resource, attribute, &slot.storage, builder->error);
	if (builder->status)
		return false;
	if (attribute->type.id == CONSORT_TYPE_LIST)
		return lite_no(builder, "lists are written by key");
	if (lite_is_constant(expr)) {
		slot.source = expr->kind == CONSORT_EXPR_LITERAL ? LITE_LITERAL : LITE_PARAMETER;
		slot.literal = &expr->value;
		return lite_render_slot(builder, &slot, out);
	}
	if (own && (own->codec != slot.storage.codec || !own->equality))
		return lite_no(builder, "the two sides are stored in different ways");
	return render(builder, relation, expr, &slot.storage, out);
}
