/* SPDX-License-Identifier: Apache-2.0 */
/* Relations as SELECTs and subqueries, writes by query, and whole statements. */
#include "sql_build.h"

#include <consort/host.h>
#include <string.h>

/* --- clauses --- */

void consort_sql_render_where(struct consort_sql_builder *builder,
			      const struct consort_sql_relation *relation, struct consort_buffer *out)
{
	struct consort_sql_texts all = {0};
	uint32_t i;

	for (i = 0; i < relation->where.count; i++)
		consort_sql_add(builder, &all, relation->where.items[i]);
	if (builder->dialect->checks)
		builder->dialect->checks(builder, relation, &all);
	if (!all.count)
		return;
	consort_buffer_text(out, " WHERE ");
	consort_sql_join(all.items, all.count, " AND ", out);
}

static void render_list(const struct consort_sql_texts *texts, const char *clause, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < texts->count; i++) {
		consort_buffer_text(out, i ? ", " : clause);
		consort_buffer_text(out, texts->items[i]);
	}
}

void consort_sql_render_select(struct consort_sql_builder *builder,
			       const struct consort_sql_relation *relation, bool named,
			       struct consort_buffer *out)
{
	const char *unlimited = relation->offset ? builder->dialect->unlimited : NULL;
	const char *limit = relation->limit ? relation->limit : unlimited;
	uint32_t i;

	consort_buffer_text(out, "SELECT ");
	for (i = 0; i < relation->nterms; i++) {
		const char *sql = relation->terms[i]->sql;

		consort_buffer_text(out, i ? ", " : "");
		consort_buffer_text(out, sql ? sql : "NULL");
		if (named)
			consort_buffer_printf(out, " AS c%u", i);
	}
	if (!relation->nterms)
		consort_buffer_char(out, '1');
	consort_buffer_text(out, " FROM ");
	consort_buffer_text(out, relation->from);
	consort_sql_render_where(builder, relation, out);
	render_list(&relation->group, " GROUP BY ", out);
	render_list(&relation->order, " ORDER BY ", out);
	if (limit)
		consort_buffer_printf(out, " LIMIT %s", limit);
	if (relation->offset)
		consort_buffer_printf(out, " OFFSET %s", relation->offset);
}

/* --- subqueries --- */

struct consort_sql_relation *consort_sql_wrap(struct consort_sql_builder *builder,
					      const struct consort_sql_relation *relation)
{
	struct consort_sql_relation *outer = consort_sql_relation_new(builder, relation->nterms);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t alias = builder->naliases++, i;

	if (!outer)
		return NULL;
	consort_buffer_char(&text, '(');
	consort_sql_render_select(builder, relation, true, &text);
	consort_buffer_printf(&text, ") AS q%u", alias);
	outer->from = consort_sql_take(builder, &text);
	outer->ntables = 1;
	outer->keyed = relation->keyed;
	outer->single = relation->single;
	for (i = 0; outer->from && i < relation->nterms; i++) {
		struct consort_sql_term *term = consort_sql_term_copy(builder, relation->terms[i]);

		if (!term)
			return NULL;
		outer->terms[i] = term;
		if (!term->sql)
			continue;
		term->sql = consort_arena_printf(builder->arena, "q%u.c%u", alias, i);
		if (!term->sql)
			return consort_sql_out_of_memory(builder);
	}
	if (!outer->from ||
	    (builder->dialect->wrapped && !builder->dialect->wrapped(builder, relation, outer)))
		return NULL;
	return outer;
}

struct consort_sql_relation *consort_sql_open_where(struct consort_sql_builder *builder,
						    struct consort_sql_relation *relation)
{
	return relation->aggregated || relation->limit || relation->offset
		       ? consort_sql_wrap(builder, relation)
		       : relation;
}

/* --- statements --- */

/* UPDATE and DELETE of what a SCAN, FILTER or KEYED finds. */
static bool render_change(struct consort_sql_builder *builder, const struct consort_node *node,
			  struct consort_buffer *sql)
{
	struct consort_sql_relation *relation = consort_sql_relation_of(builder, node->inputs[0]);
	const struct consort_resource *resource = node->resource;
	uint32_t i;

	if (!relation)
		return false;
	if (relation->reason || relation->ntables != 1 || relation->aggregated || relation->limit ||
	    relation->offset) {
		consort_sql_answer(builder, node->number, CONSORT_FIDELITY_NO,
				   "it changes more than one table's records");
		return false;
	}
	consort_buffer_text(sql, node->kind == CONSORT_NODE_UPDATE ? "UPDATE " : "DELETE FROM ");
	builder->dialect->table(builder, resource, sql);
	for (i = 0; node->kind == CONSORT_NODE_UPDATE && i < node->nexprs; i++) {
		const struct consort_attribute *attribute = resource->attributes[node->attributes[i]];

		consort_buffer_text(sql, i ? ", " : " SET ");
		consort_sql_quote(sql, attribute->source);
		consort_buffer_text(sql, " = ");
		if (!builder->dialect->stored(builder, relation, resource, attribute, node->exprs[i], sql)) {
			if (!builder->status)
				consort_sql_answer(builder, node->number, CONSORT_FIDELITY_NO,
						   builder->reason);
			return false;
		}
	}
	consort_sql_render_where(builder, relation, sql);
	consort_sql_answer(builder, node->number, CONSORT_FIDELITY_EXACT, NULL);
	return !builder->status;
}

static bool is_change(const struct consort_node *node)
{
	return node->kind == CONSORT_NODE_UPDATE || node->kind == CONSORT_NODE_DELETE;
}

static bool has_join(const struct consort_node *node)
{
	uint32_t i;

	if (node->kind == CONSORT_NODE_JOIN)
		return true;
	for (i = 0; i < node->ninputs; i++)
		if (has_join(node->inputs[i]))
			return true;
	return false;
}

/* The resource that messages about the whole statement name. */
static const struct consort_resource *resource_of(const struct consort_node *node)
{
	while (!node->resource && node->ninputs)
		node = node->inputs[0];
	return node->resource;
}

uint32_t consort_sql_offer(const struct consort_sql_dialect *dialect, void *own,
			   const struct consort_node *tree, struct consort_offer *answer,
			   struct consort_error *error)
{
	struct consort_arena arena;
	struct consort_sql_builder builder = {.dialect = dialect,
					      .own = own,
					      .arena = &arena,
					      .error = error,
					      .offer = answer,
					      .joins = has_join(tree)};
	struct consort_buffer sql = CONSORT_BUFFER_INIT;

	consort_arena_init(&arena, 0);
	if (is_change(tree))
		render_change(&builder, tree, &sql);
	else
		consort_sql_relation_of(&builder, tree);
	consort_buffer_clear(&sql);
	consort_arena_clear(&arena);
	return builder.status;
}

uint32_t consort_sql_compile(const struct consort_sql_dialect *dialect, void *own,
			     const struct consort_statement *statement,
			     uint32_t (*columns)(void *own, const struct consort_sql_relation *relation,
						 struct consort_sql_statement *out,
						 struct consort_error *error),
			     struct consort_sql_statement *out, struct consort_error *error)
{
	struct consort_sql_builder builder = {.dialect = dialect,
					      .own = own,
					      .arena = &out->arena,
					      .error = error,
					      .joins = has_join(statement->root)};
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	struct consort_sql_relation *relation;

	consort_arena_init(&out->arena, 0);
	if (statement->flags)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of a statement");
	out->id = statement->id;
	out->nkeys = statement->nkeys;
	out->resource = resource_of(statement->root);
	out->writes = is_change(statement->root);
	if (out->writes) {
		render_change(&builder, statement->root, &sql);
	} else {
		relation = consort_sql_relation_of(&builder, statement->root);
		if (relation && !builder.status) {
			consort_sql_render_select(&builder, relation, false, &sql);
			out->single = relation->single;
			if (!builder.status)
				builder.status = columns(own, relation, out, error);
		}
	}
	out->size = sql.size;
	out->sql = consort_sql_take(&builder, &sql);
	out->slots = builder.slots;
	out->nslots = builder.nslots;
	return builder.status;
}

uint32_t consort_sql_explain(const struct consort_sql_statement *statement,
			     const struct consort_text_sink *sink, struct consort_error *error)
{
	uint32_t status = sink->write(sink->context, statement->sql, statement->size);

	return status ? consort_error_set(error, status, "the text could not be taken") : CONSORT_OK;
}
