/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQLite makes of a plan's nodes. It keeps any value in any column, so a statement checks the columns
 * whose values it uses: a list of them goes with each relation.
 */
#include "sql.h"

#include <string.h>

/* --- tables and their columns --- */

static void table(struct consort_sql_builder *builder, const struct consort_resource *resource,
		  struct consort_buffer *out)
{
	(void)builder;
	consort_sql_quote(out, resource->source);
}

static bool add_checked(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			struct lite_term *term, const char *resource, const char *attribute)
{
	struct lite_checked *checked = consort_arena_alloc(builder->arena, sizeof(*checked));

	if (!checked)
		return consort_sql_no_memory(builder);
	checked->sql = term->base.sql;
	checked->codec = term->storage.codec;
	checked->resource = resource;
	checked->attribute = attribute;
	checked->next = relation->own;
	relation->own = checked;
	term->checked = checked;
	return true;
}

static bool column(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   struct consort_sql_term *base)
{
	const struct consort_attribute *attribute = base->resource->attributes[base->attribute];
	struct lite_term *term = (struct lite_term *)base;

	builder->status = lite_storage_of(base->resource, attribute, &term->storage, builder->error);
	if (builder->status)
		return false;
	base->unique = term->storage.unique;
	return add_checked(builder, relation, term, base->resource->name, attribute->name);
}

/* A subquery's columns are checked where the statement uses them, not inside. */
static bool wrapped(struct consort_sql_builder *builder, const struct consort_sql_relation *relation,
		    struct consort_sql_relation *outer)
{
	uint32_t i;

	for (i = 0; i < outer->nterms; i++) {
		const struct lite_checked *inner = lite_term_at(relation, i)->checked;
		struct lite_term *term = lite_term_at(outer, i);

		term->checked = NULL;
		if (term->base.sql && inner &&
		    !add_checked(builder, outer, term, inner->resource, inner->attribute))
			return false;
	}
	return true;
}

static void joined(struct consort_sql_relation *left, struct consort_sql_relation *right,
		   struct consort_sql_relation *both)
{
	struct lite_checked *checked = left->own;

	both->own = checked ? checked : right->own;
	while (checked && checked->next)
		checked = checked->next;
	if (checked)
		checked->next = right->own;
}

/* What is equal to a value of the column's form has that form. */
static void fixed(struct consort_sql_term *base)
{
	struct lite_term *term = (struct lite_term *)base;

	if (term->checked && term->storage.pinned)
		term->checked->sure = true;
}

/* They stand behind the conditions: they see only rows that the others let through. */
static void checks(struct consort_sql_builder *builder, const struct consort_sql_relation *relation,
		   struct consort_sql_texts *out)
{
	const struct lite_checked *checked;

	for (checked = relation->own; checked; checked = checked->next) {
		struct consort_buffer call = CONSORT_BUFFER_INIT;
		const char *text;

		if (!checked->used || checked->sure || checked->codec == LITE_CONVERT)
			continue;
		consort_buffer_printf(&call, "consort_%s(%s, ", lite_codecs[checked->codec].name,
				      checked->sql);
		consort_buffer_quoted(&call, checked->resource, strlen(checked->resource), '\'');
		consort_buffer_text(&call, ", ");
		consort_buffer_quoted(&call, checked->attribute, strlen(checked->attribute), '\'');
		consort_buffer_char(&call, ')');
		text = consort_sql_take(builder, &call);
		if (text)
			consort_sql_add(builder, out, text);
		lite_build(builder)->checks = true;
	}
}

/* --- nodes --- */

static bool loose_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			    const struct consort_expr *expr, struct consort_buffer *out)
{
	if (!lite_render_superset(builder, relation, expr, out))
		return false;
	builder->reason = "its text is compared by day only";
	return true;
}

/* One column of the key, by a slot that is bound for each key. */
static bool key(struct consort_sql_builder *builder, struct lite_term *term, uint32_t index,
		struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {
		.source = CONSORT_SQL_KEY, .purpose = LITE_COMPARE, .index = index, .attribute = "key"};
	const struct lite_storage storage = {.codec = term->storage.codec};
	struct consort_buffer right = CONSORT_BUFFER_INIT;
	bool taken = lite_render_slot(builder, &slot, &storage, &right);

	if (term->checked && term->storage.checked)
		term->checked->used = true;
	fixed(&term->base);
	if (right.failed)
		out->failed = 1;
	else
		lite_render_equality(&term->storage, term->base.sql, " = ", right.data, out);
	consort_buffer_clear(&right);
	return taken;
}

static bool keys(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		 const struct consort_node *node, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < node->nexprs; i++) {
		struct lite_term *term = lite_term_at(relation, node->exprs[i]->index);

		if (!term->storage.equality)
			return consort_sql_no(builder,
					      "SQLite cannot look keys of this type up as they are stored");
		consort_buffer_text(out, i ? " AND " : "");
		if (!key(builder, term, i, out))
			return false;
	}
	return true;
}

static bool value(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_sql_term *base)
{
	const struct lite_storage *storage = lite_expr_storage(relation, expr);
	struct lite_term *term = (struct lite_term *)base;
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (lite_may_be_nan(expr))
		return consort_sql_no(builder, "SQLite would make NULL of a NaN");
	term->storage = storage ? *storage : lite_plain_storage(expr->type);
	term->storage.checked = term->storage.unique = 0;
	if (!lite_render(builder, relation, expr, &term->storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	base->sql = consort_sql_take(builder, &text);
	return base->sql != NULL;
}

static bool order(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct lite_storage *storage = lite_expr_storage(relation, expr);

	if (!storage)
		return consort_sql_no(builder, "SQLite does not compute this as the core does");
	if (!lite_orders(builder, storage))
		return consort_sql_no(builder,
				      "SQLite does not order values of this type as they are stored");
	if (!lite_render(builder, relation, expr, storage, out))
		return false;
	if (storage->collated)
		consort_buffer_text(out, " COLLATE BINARY");
	return true;
}

static bool limit(struct consort_sql_builder *builder, const struct consort_expr *expr, bool offset,
		  struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {.source = CONSORT_SQL_PARAMETER,
					      .purpose = offset ? LITE_OFFSET : LITE_LIMIT,
					      .index = expr->index};
	const struct lite_storage storage = {0};

	return lite_render_slot(builder, &slot, &storage, out);
}

const struct consort_sql_dialect lite_dialect = {
	.engine = "SQLite",
	.unlimited = "-1",
	.keys_apart = "keys are looked up one by one",
	.term_size = sizeof(struct lite_term),
	.nulls_least = true,
	.table = table,
	.column = column,
	.condition = lite_render_condition,
	.loose_condition = loose_condition,
	.keys = keys,
	.value = value,
	.group = lite_render_group,
	.aggregate = lite_render_aggregate,
	.order = order,
	.limit = limit,
	.stored = lite_render_stored,
	.checks = checks,
	.wrapped = wrapped,
	.fixed = fixed,
	.joined = joined,
};
