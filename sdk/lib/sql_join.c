/* SPDX-License-Identifier: Apache-2.0 */
/* JOIN nodes: inner and left joins in FROM, semi and anti joins as EXISTS in WHERE. */
#include "sql_build.h"

#include <string.h>

/* Conditions over both sides' columns, each exact or the join is not taken. */
static bool join_on(struct consort_sql_builder *builder, const struct consort_node *node,
		    struct consort_sql_relation *both, struct consort_sql_texts *on)
{
	bool all = true;
	uint32_t i;

	for (i = 0; i < node->nexprs; i++) {
		bool exact = consort_sql_add_condition(builder, both, node->exprs[i], on);

		if (builder->status)
			return false;
		consort_sql_answer(builder, node->first_conjunct + i,
				   exact ? CONSORT_FIDELITY_EXACT : CONSORT_FIDELITY_NO,
				   exact ? NULL : builder->reason);
		all = all && exact;
	}
	return all;
}

static bool add_all(struct consort_sql_builder *builder, struct consort_sql_texts *to,
		    const struct consort_sql_texts *from)
{
	uint32_t i;

	for (i = 0; i < from->count; i++)
		if (!consort_sql_add(builder, to, from->items[i]))
			return false;
	return true;
}

/* A semi or anti join: a condition on the left side. */
static struct consort_sql_relation *exists(struct consort_sql_builder *builder,
					   const struct consort_node *node, struct consort_sql_relation *left,
					   struct consort_sql_relation *right, struct consort_sql_texts *on)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *condition;

	if (!add_all(builder, &right->where, on))
		return NULL;
	consort_buffer_printf(&text, "%s (SELECT 1 FROM %s",
			      node->join == CONSORT_JOIN_ANTI ? "NOT EXISTS" : "EXISTS", right->from);
	consort_sql_render_where(builder, right, &text);
	consort_buffer_char(&text, ')');
	condition = consort_sql_take(builder, &text);
	if (!condition || !consort_sql_add(builder, &left->where, condition))
		return NULL;
	return consort_sql_accept(builder, node, left);
}

/* Terms of a side that may have no record for the other's. */
static bool make_nullable(struct consort_sql_builder *builder, struct consort_sql_term **terms,
			  uint32_t nterms)
{
	uint32_t i;

	for (i = 0; i < nterms; i++) {
		terms[i] = consort_sql_term_copy(builder, terms[i]);
		if (!terms[i])
			return false;
		terms[i]->nullable = true;
	}
	return true;
}

static struct consort_sql_relation *join_sides(struct consort_sql_builder *builder,
					       const struct consort_node *node,
					       struct consort_sql_relation *left,
					       struct consort_sql_relation *right,
					       struct consort_sql_relation *both,
					       struct consort_sql_texts *on)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	bool outer = node->join == CONSORT_JOIN_LEFT;

	if (!add_all(builder, &both->where, &left->where) ||
	    !add_all(builder, outer ? on : &both->where, &right->where))
		return NULL;
	consort_buffer_printf(&text, "%s%s%s ON ", left->from, outer ? " LEFT JOIN " : " JOIN ", right->from);
	if (on->count)
		consort_sql_join(on->items, on->count, " AND ", &text);
	else
		consort_buffer_text(&text, "1 = 1");
	both->from = consort_sql_take(builder, &text);
	both->ntables = left->ntables + right->ntables;
	both->keyed = left->keyed || right->keyed;
	if (!both->from || (outer && !make_nullable(builder, both->terms + left->nterms, right->nterms)))
		return NULL;
	if (builder->dialect->joined)
		builder->dialect->joined(left, right, both);
	return consort_sql_accept(builder, node, both);
}

/* Why the dialect does not take this join over these sides; NULL: it may. */
static const char *obstacle(const struct consort_sql_builder *builder, const struct consort_node *node,
			    const struct consort_sql_relation *left, const struct consort_sql_relation *right)
{
	const struct consort_sql_dialect *dialect = builder->dialect;

	if (left->reason || right->reason)
		return "what it needs stays in the core";
	if (dialect->keys_apart && (left->keyed || right->keyed))
		return dialect->keys_apart;
	return node->join < CONSORT_JOIN_INNER || node->join > CONSORT_JOIN_ANTI ||
	       node->join == CONSORT_JOIN_FULL
		       ? "the adapter does not know this join"
		       : NULL;
}

struct consort_sql_relation *consort_sql_join_nodes(struct consort_sql_builder *builder,
						    const struct consort_node *node)
{
	struct consort_sql_relation *left = consort_sql_relation_of(builder, node->inputs[0]);
	struct consort_sql_relation *right = left ? consort_sql_relation_of(builder, node->inputs[1]) : NULL;
	struct consort_sql_relation *both;
	struct consort_sql_texts on = {0};
	const char *reason;

	if (!right)
		return NULL;
	reason = obstacle(builder, node, left, right);
	if (reason)
		return consort_sql_refuse(builder, node, left, reason);
	left = consort_sql_open_where(builder, left);
	right = right->ntables > 1 ? consort_sql_wrap(builder, right) : consort_sql_open_where(builder, right);
	both = left && right ? consort_sql_relation_new(builder, left->nterms + right->nterms) : NULL;
	if (!both)
		return NULL;
	memcpy(both->terms, left->terms, left->nterms * sizeof(struct consort_sql_term *));
	memcpy(both->terms + left->nterms, right->terms, right->nterms * sizeof(struct consort_sql_term *));
	if (!join_on(builder, node, both, &on))
		return builder->status
			       ? NULL
			       : consort_sql_refuse(builder, node, both, "a condition of it is not taken");
	if (node->join == CONSORT_JOIN_SEMI || node->join == CONSORT_JOIN_ANTI)
		return exists(builder, node, left, right, &on);
	return join_sides(builder, node, left, right, both, &on);
}
