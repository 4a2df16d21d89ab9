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

	return literal->value.type.id == CONSORT_TYPE_TEXT && text.size &&
	       (*text.data == '{' || *text.data == '[');
}

static bool is_position(const struct consort_expr *step)
{
	return step->value.type.id == CONSORT_TYPE_INT64;
}

/* One step: a key, or a position that PostgreSQL's integers hold. */
static bool render_step(struct consort_sql_builder *builder, const struct consort_expr *step,
			const char *arrow, struct consort_buffer *out)
{
	int64_t position;

	if (step->kind != CONSORT_EXPR_LITERAL)
		return consort_sql_no(builder, "a step of a path is no literal");
	if (step->type.id == CONSORT_TYPE_TEXT && !consort_value_is_null(&step->value)) {
		consort_buffer_text(out, arrow);
		pg_quote_text(step->value.as.view.data, (size_t)step->value.as.view.size, out);
		consort_buffer_text(out, "::text");
		return true;
	}
	position = step->value.as.int64;
	if (!is_position(step) || position > INT32_MAX || position < -INT32_MAX)
		return consort_sql_no(builder, "a step of a path is no key and no position");
	consort_buffer_printf(out,
			      position < 0 ? ", 'strict $[last - %lld]', '{}', true)"
					   : ", 'strict $[%lld]', '{}', true)",
			      (long long)(position < 0 ? -1 - position : position));
	return true;
}

/*
 * document -> step -> step, the last one as text if that is wanted. To the arrow a number is an array of
 * itself and its position 0, which a strict path knows better.
 */
static bool render_steps(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, bool text, struct consort_buffer *out)
{
	const struct pg_storage *storage = pg_expr_storage(relation, expr->args[0]);
	uint32_t last = expr->nargs - 1, i;

	if (!storage || storage->codec != PG_JSONB || storage->converts)
		return consort_sql_no(builder, "only jsonb is walked as the core does");
	consort_buffer_char(out, '(');
	for (i = 1; i <= last; i++)
		consort_buffer_text(out, is_position(expr->args[i]) ? "jsonb_path_query_first(" : "");
	if (!pg_render(builder, relation, expr->args[0], storage, out))
		return false;
	for (i = 1; i <= last; i++)
		if (!render_step(builder, expr->args[i], text && i == last ? " ->> " : " -> ", out))
			return false;
	consort_buffer_text(out, text && is_position(expr->args[last]) ? " #>> '{}')" : ")");
	return true;
}

bool pg_render_path(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out)
{
	consort_buffer_text(out, "nullif(");
	if (!render_steps(builder, relation, expr, false, out))
		return false;
	consort_buffer_text(out, ", 'null'::jsonb)");
	return true;
}

bool pg_render_path_text(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out)
{
	return render_steps(builder, relation, expr, true, out);
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
