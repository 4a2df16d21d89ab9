/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths into documents, and full text. Only jsonb is walked: of a key that an object has twice json takes the
 * last one, the core the first, and jsonb has none. A step that does not lead on gives NULL in both, JSON's
 * null is NULL.
 */
#include "sql.h"

#include <string.h>

bool pg_starts_like_a_document(const struct consort_expr *literal)
{
	const struct consort_view text = literal->value.as.view;

	return consort_value_is_null(&literal->value) ? false
						      : text.size && (*text.data == '{' || *text.data == '[');
}

/* One step: a key, or a position that PostgreSQL's integers hold. */
static bool render_step(struct consort_sql_builder *builder, const struct consort_expr *step,
			const char *arrow, struct consort_buffer *out)
{
	if (step->kind != CONSORT_EXPR_LITERAL)
		return consort_sql_no(builder, "a step of a path is no literal");
	consort_buffer_text(out, arrow);
	if (step->type.id == CONSORT_TYPE_TEXT && !consort_value_is_null(&step->value)) {
		pg_quote_text(step->value.as.view.data, (size_t)step->value.as.view.size, out);
		consort_buffer_text(out, "::text");
		return true;
	}
	if (step->value.type.id != CONSORT_TYPE_INT64 || step->value.as.int64 > INT32_MAX ||
	    step->value.as.int64 < -INT32_MAX)
		return consort_sql_no(builder, "a step of a path is no key and no position");
	consort_buffer_printf(out, step->value.as.int64 < 0 ? "(%lld)" : "%lld",
			      (long long)step->value.as.int64);
	return true;
}

/* document -> step -> step, the last step by the arrow given */
static bool render_steps(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, const char *last, struct consort_buffer *out)
{
	const struct pg_storage *storage = pg_expr_storage(relation, expr->args[0]);
	uint32_t i;

	if (!storage || storage->codec != PG_JSONB || storage->converts)
		return consort_sql_no(builder, "only jsonb is walked as the core does");
	consort_buffer_char(out, '(');
	if (!pg_render(builder, relation, expr->args[0], storage, out))
		return false;
	for (i = 1; i < expr->nargs; i++)
		if (!render_step(builder, expr->args[i], i + 1 < expr->nargs ? " -> " : last, out))
			return false;
	consort_buffer_char(out, ')');
	return true;
}

bool pg_render_path(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out)
{
	consort_buffer_text(out, "nullif(");
	if (!render_steps(builder, relation, expr, " -> ", out))
		return false;
	consort_buffer_text(out, ", 'null'::jsonb)");
	return true;
}

bool pg_render_path_text(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out)
{
	return render_steps(builder, relation, expr, " ->> ", out);
}

/* A document of words, or one that PostgreSQL has taken apart already, and the words that it must all have.
 */
bool pg_render_match(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *words = expr->args[0];
	const struct pg_term *term = words->kind == CONSORT_EXPR_COLUMN && words->index < relation->nterms
					     ? pg_term_at(relation, words->index)
					     : NULL;
	const struct consort_attribute *attribute =
		term && term->base.resource ? term->base.resource->attributes[term->base.attribute] : NULL;

	if (attribute && term->raw && !strcmp(attribute->engine_type, "tsvector")) {
		consort_buffer_printf(out, "(%s", term->raw);
	} else {
		consort_buffer_text(out, "(to_tsvector(");
		if (!pg_render(builder, relation, words, NULL, out))
			return false;
		consort_buffer_char(out, ')');
	}
	consort_buffer_text(out, " @@ plainto_tsquery(");
	if (!pg_render(builder, relation, expr->args[1], NULL, out))
		return false;
	consort_buffer_text(out, "))");
	return true;
}
