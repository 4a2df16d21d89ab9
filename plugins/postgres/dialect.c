/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL makes of a plan's nodes. */
#include "sql.h"

#include <string.h>

/* --- tables and their columns --- */

/* Up to the next dot that stands in no quotes; *at is behind it. `quote` is what a quote in it becomes. */
static void append_part(const char **at, const char *quote, struct consort_buffer *out)
{
	const char *text = *at;
	bool quoted = *text == '"';

	for (text += quoted; *text && (quoted ? *text != '"' || text[1] == '"' : *text != '.'); text++) {
		if (*text != '"') {
			consort_buffer_char(out, *text);
			continue;
		}
		consort_buffer_text(out, quote);
		text += quoted;
	}
	*at = text + (quoted && *text);
}

void pg_quote_source(const char *source, struct consort_buffer *out)
{
	for (;;) {
		consort_buffer_char(out, '"');
		append_part(&source, "\"\"", out);
		consort_buffer_char(out, '"');
		if (*source != '.')
			break;
		consort_buffer_char(out, '.');
		source++;
	}
}

void pg_append_last_part(const char *source, struct consort_buffer *out)
{
	size_t start = out->size;

	for (;; source++) {
		out->size = start;
		append_part(&source, "\"", out);
		if (*source != '.')
			return;
	}
}

static void table(struct consort_sql_builder *builder, const struct consort_resource *resource,
		  struct consort_buffer *out)
{
	(void)builder;
	pg_quote_source(resource->source, out);
}

/* Is it by itself a key, or under a unique index? */
static bool is_unique(const struct consort_resource *resource, uint32_t attribute)
{
	uint32_t i;

	if (resource->nkeys == 1 && resource->keys[0] == attribute)
		return true;
	for (i = 0; i < resource->nindexes; i++)
		if ((resource->indexes[i]->flags & CONSORT_INDEX_UNIQUE) &&
		    resource->indexes[i]->nattributes == 1 &&
		    resource->indexes[i]->attributes[0] == attribute)
			return true;
	return false;
}

/* "a.b" as -> 'a' -> 'b' */
static void append_steps(const char *path, struct consort_buffer *out)
{
	for (;;) {
		size_t size = strcspn(path, ".");

		consort_buffer_text(out, " -> ");
		pg_quote_text(path, size, out);
		if (!path[size])
			return;
		path += size + 1;
	}
}

void pg_append_attribute(const struct consort_resource *resource, const struct consort_attribute *attribute,
			 const char *alias, size_t alias_size, struct consort_buffer *out)
{
	const char *path;
	const struct consort_attribute *document = pg_document_of(resource, attribute, &path);

	consort_buffer_text(out, document ? "nullif(" : "");
	consort_buffer_append(out, alias, alias_size);
	consort_sql_quote(out, document ? document->source : attribute->source);
	if (!document)
		return;
	consort_buffer_text(out, strcmp(document->engine_type, "jsonb") ? "::jsonb" : "");
	append_steps(path, out);
	consort_buffer_text(out, ", 'null'::jsonb)");
}

/* base->sql is the column's name behind the table's alias. */
static bool part(struct consort_sql_builder *builder, struct consort_sql_term *base)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	pg_append_attribute(base->resource, base->resource->attributes[base->attribute], base->sql,
			    strcspn(base->sql, "\""), &text);
	base->sql = consort_sql_take(builder, &text);
	return base->sql != NULL;
}

static bool column(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   struct consort_sql_term *base)
{
	const struct consort_attribute *attribute = base->resource->attributes[base->attribute];
	struct pg_term *term = (struct pg_term *)base;

	(void)relation;
	builder->status = pg_storage_of(base->resource, attribute, &term->storage, builder->error);
	if (builder->status)
		return false;
	if (term->storage.nested)
		return part(builder, base);
	base->unique = is_unique(base->resource, base->attribute);
	if (term->storage.codec != PG_OTHER)
		return true;
	/* any other type is the text that it is written as */
	term->raw = base->sql;
	base->sql = consort_arena_printf(builder->arena, "(%s)::text", term->raw);
	return base->sql || consort_sql_no_memory(builder);
}

static bool wrapped(struct consort_sql_builder *builder, const struct consort_sql_relation *relation,
		    struct consort_sql_relation *outer)
{
	uint32_t i;

	(void)builder;
	(void)relation;
	for (i = 0; i < outer->nterms; i++)
		((struct pg_term *)outer->terms[i])->raw = NULL;
	return true;
}

/* --- nodes --- */

/* The array of one column's keys. */
static bool render_keys(struct consort_sql_builder *builder, const struct pg_term *term, uint32_t index,
			struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {
		.source = CONSORT_SQL_KEY, .purpose = PG_COMPARE, .index = index, .attribute = "key"};
	struct pg_storage storage = term->storage;

	if (term->storage.converts || pg_codecs[storage.codec].family == PG_NO_FAMILY)
		return consort_sql_no(builder,
				      "PostgreSQL does not compare keys of this type as the core does");
	if (pg_codecs[storage.codec].family == PG_FAMILY_INTEGER)
		storage.codec = PG_INT8;
	else if (pg_codecs[storage.codec].family == PG_FAMILY_REAL)
		storage.codec = PG_FLOAT8;
	else if (pg_codecs[storage.codec].family == PG_FAMILY_TEXT)
		storage.codec = PG_TEXT;
	return pg_render_slot(builder, &slot, &storage, out);
}

/* One column: also by its own equality, which has the index, where that is a laxer one. */
static bool key(struct consort_sql_builder *builder, const struct pg_term *term, struct consort_buffer *out)
{
	const struct consort_attribute *attribute =
		term->base.resource ? term->base.resource->attributes[term->base.attribute] : NULL;
	struct consort_buffer type = CONSORT_BUFFER_INIT;

	if (attribute && (term->storage.codec == PG_BPCHAR || term->storage.codec == PG_CITEXT)) {
		consort_buffer_printf(out, "%s = ANY (", term->base.sql);
		if (!render_keys(builder, term, 0, out))
			return false;
		pg_base_type(attribute->engine_type, &type);
		consort_buffer_printf(out, "::%s[]) AND ",
				      term->storage.codec == PG_BPCHAR ? "bpchar"
				      : type.failed		       ? ""
								       : type.data);
		consort_buffer_clear(&type);
	} else if (term->storage.collation == PG_COLLATION_LOOSE) {
		consort_buffer_printf(out, "%s = ANY (", term->base.sql);
		if (!render_keys(builder, term, 0, out))
			return false;
		consort_buffer_text(out, ") AND ");
	}
	if (pg_codecs[term->storage.codec].family == PG_FAMILY_TEXT)
		pg_append_text(builder, &term->storage, term->base.sql, false, out);
	else
		consort_buffer_text(out, term->base.sql);
	consort_buffer_text(out, " = ANY (");
	if (!render_keys(builder, term, 0, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

static bool keys(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		 const struct consort_node *node, struct consort_buffer *out)
{
	uint32_t i;

	if (node->nexprs == 1)
		return key(builder, pg_term_at(relation, node->exprs[0]->index), out);
	for (i = 0; i < node->nexprs; i++) {
		const struct pg_term *term = pg_term_at(relation, node->exprs[i]->index);

		consort_buffer_text(out, i ? ", " : "(");
		if (pg_codecs[term->storage.codec].family == PG_FAMILY_TEXT)
			pg_append_text(builder, &term->storage, term->base.sql, false, out);
		else
			consort_buffer_text(out, term->base.sql);
	}
	consort_buffer_text(out, ") IN (SELECT * FROM unnest(");
	for (i = 0; i < node->nexprs; i++) {
		consort_buffer_text(out, i ? ", " : "");
		if (!render_keys(builder, pg_term_at(relation, node->exprs[i]->index), i, out))
			return false;
	}
	consort_buffer_text(out, "))");
	return true;
}

/* PATH_TEXT is delivered as the document that the path leads to, whose text decode.c makes. */
static bool value(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_sql_term *base)
{
	struct pg_term *term = (struct pg_term *)base;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const struct pg_storage *storage = pg_expr_storage(relation, expr);
	bool path = expr->kind == CONSORT_EXPR_CALL && expr->op == CONSORT_OP_PATH_TEXT, taken;

	if (expr->flags & CONSORT_EXPR_CAN_FAIL)
		return consort_sql_no(builder, "it can fail, which would end PostgreSQL's transaction");
	term->storage = storage ? *storage : pg_plain_storage(expr->type);
	if (path)
		term->storage = pg_plain_storage(consort_type_of(CONSORT_TYPE_JSON));
	taken = path ? pg_render_path(builder, relation, expr, &text)
		     : pg_render(builder, relation, expr, &term->storage, &text);
	if (!taken) {
		consort_buffer_clear(&text);
		return false;
	}
	/* of integers that are written out, and of parameters, it would be another type */
	if (expr->kind == CONSORT_EXPR_PARAMETER ||
	    (expr->kind == CONSORT_EXPR_LITERAL && expr->type.id == CONSORT_TYPE_INT64))
		consort_buffer_printf(&text, "::%s", pg_codecs[term->storage.codec].name);
	base->sql = consort_sql_take(builder, &text);
	return base->sql != NULL;
}

static bool order(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_buffer *out)
{
	return pg_render_comparable(builder, relation, expr, true, out);
}

static bool limit(struct consort_sql_builder *builder, const struct consort_expr *expr, bool offset,
		  struct consort_buffer *out)
{
	const struct consort_sql_slot slot = {.source = CONSORT_SQL_PARAMETER,
					      .purpose = offset ? PG_OFFSET : PG_LIMIT,
					      .index = expr->index,
					      .attribute = offset ? "offset" : "limit"};
	const struct pg_storage storage = pg_plain_storage(consort_type_of(CONSORT_TYPE_INT64));

	return pg_render_slot(builder, &slot, &storage, out);
}

/* Does the column keep all that such an expression makes? */
static bool fits(const struct pg_storage *from, struct consort_type type, const struct pg_storage *to,
		 const struct consort_attribute *attribute)
{
	if (to->codec != PG_NUMERIC)
		return from->limit == to->limit;
	return consort_type_equal(type, attribute->type) &&
	       (to->limit < 0 || PG_SCALE_BASE + type.scale <= to->limit);
}

static bool stored(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   const struct consort_resource *resource, const struct consort_attribute *attribute,
		   const struct consort_expr *expr, struct consort_buffer *out)
{
	struct consort_sql_slot slot = {.purpose = PG_STORE,
					.source = expr->kind == CONSORT_EXPR_LITERAL ? CONSORT_SQL_LITERAL
										     : CONSORT_SQL_PARAMETER,
					.index = expr->index,
					.literal = &expr->value,
					.attribute = attribute->name};
	const struct pg_storage *own = pg_expr_storage(relation, expr);
	struct pg_storage storage;

	builder->status = pg_storage_of(resource, attribute, &storage, builder->error);
	if (builder->status)
		return false;
	if (storage.nested)
		return consort_sql_no(builder, "a part of a document is written with the document");
	if (consort_sql_is_constant(expr)) {
		if (!pg_render_slot(builder, &slot, &storage, out))
			return false;
		pg_append_store_cast(&storage, attribute, out);
		return true;
	}
	/* what the server would round or cut to fit is written by key, where it is looked at */
	if (!own || own->codec != storage.codec || own->converts || storage.converts ||
	    pg_codecs[storage.codec].family == PG_NO_FAMILY || storage.codec == PG_OTHER ||
	    storage.codec == PG_ENUM || !fits(own, expr->type, &storage, attribute))
		return consort_sql_no(builder, "the two sides are stored in different ways");
	return pg_render(builder, relation, expr, &storage, out);
}

const struct consort_sql_dialect pg_dialect = {
	.engine = "PostgreSQL",
	.term_size = sizeof(struct pg_term),
	.table = table,
	.column = column,
	.condition = pg_render_condition,
	.loose_condition = pg_render_loosely,
	.keys = keys,
	.value = value,
	.group = pg_render_group,
	.aggregate = pg_render_aggregate,
	.order = order,
	.limit = limit,
	.stored = stored,
	.wrapped = wrapped,
};
