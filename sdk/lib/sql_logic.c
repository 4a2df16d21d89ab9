/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions that every SQL engine writes and means alike, once it takes what they are made of. */
#include "sql_build.h"

static bool chain(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, const char *word, struct consort_buffer *out)
{
	struct consort_sql_texts items = {0};
	uint32_t i;

	for (i = 0; i < expr->nargs; i++)
		if (!consort_sql_add_condition(builder, relation, expr->args[i], &items))
			return false;
	consort_buffer_char(out, '(');
	consort_sql_join(items.items, items.count, word, out);
	consort_buffer_char(out, ')');
	return true;
}

/* The argument, a condition, between two texts. */
static bool enclosed(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, const char *prefix, const char *suffix,
		     struct consort_buffer *out)
{
	consort_buffer_text(out, prefix);
	if (!builder->dialect->condition(builder, relation, expr->args[0], out))
		return false;
	consort_buffer_text(out, suffix);
	return true;
}

bool consort_sql_logic(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out)
{
	switch (expr->op) {
	case CONSORT_OP_AND:
		return chain(builder, relation, expr, " AND ", out);
	case CONSORT_OP_OR:
		return chain(builder, relation, expr, " OR ", out);
	case CONSORT_OP_NOT:
		return enclosed(builder, relation, expr, "(NOT (", "))", out);
	case CONSORT_OP_IS_TRUE:
		return enclosed(builder, relation, expr, "((", ") IS TRUE)", out);
	case CONSORT_OP_IS_FALSE:
		return enclosed(builder, relation, expr, "((", ") IS FALSE)", out);
	default:
		return consort_sql_no(builder, "it is no condition");
	}
}

/* Whether a column is NULL does not depend on what else it holds. */
bool consort_sql_null_test(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_expr *expr, consort_sql_render *render,
			   struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];

	if (arg->kind == CONSORT_EXPR_COLUMN && arg->index < relation->nterms &&
	    relation->terms[arg->index]->sql) {
		consort_buffer_text(out, relation->terms[arg->index]->sql);
	} else {
		consort_buffer_char(out, '(');
		if (!render(builder, relation, arg, NULL, out))
			return false;
		consort_buffer_char(out, ')');
	}
	consort_buffer_text(out, expr->op == CONSORT_OP_IS_NULL ? " IS NULL" : " IS NOT NULL");
	return true;
}

static bool coalesce(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, consort_sql_render *render, const void *want,
		     struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_text(out, expr->nargs > 1 ? "coalesce(" : "(");
	for (i = 0; i < expr->nargs; i++) {
		consort_buffer_text(out, i ? ", " : "");
		if (!render(builder, relation, expr->args[i], want, out))
			return false;
	}
	consort_buffer_char(out, ')');
	return true;
}

bool consort_sql_choice(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, consort_sql_render *render, const void *want,
			struct consort_buffer *out)
{
	uint32_t i;

	if (expr->op == CONSORT_OP_COALESCE)
		return coalesce(builder, relation, expr, render, want, out);
	consort_buffer_text(out, "CASE");
	for (i = 0; i + 1 < expr->nargs; i += 2) {
		consort_buffer_text(out, " WHEN ");
		if (!builder->dialect->condition(builder, relation, expr->args[i], out))
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

bool consort_sql_next_value(const struct consort_expr *choice, uint32_t *at)
{
	bool is_case = choice->op == CONSORT_OP_CASE;

	if (*at == UINT32_MAX)
		*at = is_case && choice->nargs > 1 ? 1 : 0;
	else
		*at += is_case && *at + 2 < choice->nargs ? 2 : 1;
	return *at < choice->nargs;
}
