/* SPDX-License-Identifier: Apache-2.0 */
/* JOIN nodes: inner and left joins in FROM, semi and anti joins as EXISTS in WHERE. */
#include "sql.h"

#include <string.h>

/* Conditions over both sides' columns, each exact or the join is not taken. */
static bool join_on(struct lite_builder *builder, const struct consort_node *node, struct lite_relation *both,
		    struct lite_texts *on)
{
	bool all = true;
	uint32_t i;

	for (i = 0; i < node->nexprs; i++) {
		bool exact = lite_add_conjunct(builder, both, node->exprs[i], on);

		if (builder->status)
			return false;
		lite_answer(builder, node->first_conjunct + i,
			    exact ? CONSORT_FIDELITY_EXACT : CONSORT_FIDELITY_NO,
			    exact ? NULL : builder->reason);
		all = all && exact;
	}
	return all;
}

static bool add_all(struct lite_builder *builder, struct lite_texts *to, const struct lite_texts *from)
{
	uint32_t i;

	for (i = 0; i < from->count; i++)
		if (!lite_add_text(builder, to, from->items[i]))
			return false;
	return true;
}

/* A semi or anti join: a condition on the left side. The right side's checks stand inside. */
static struct lite_relation *exists(struct lite_builder *builder, const struct consort_node *node,
				    struct lite_relation *left, struct lite_relation *right,
				    struct lite_texts *on)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *condition;

	if (!add_all(builder, &right->where, on))
		return NULL;
	consort_buffer_printf(&text, "%s (SELECT 1 FROM %s",
			      node->join == CONSORT_JOIN_ANTI ? "NOT EXISTS" : "EXISTS", right->from);
	lite_render_where(builder, right, &text);
	consort_buffer_char(&text, ')');
	condition = lite_take_text(builder, &text);
	if (!condition || !lite_add_text(builder, &left->where, condition))
		return NULL;
	return lite_take(builder, node, left);
}

static void append_checked(struct lite_relation *relation, struct lite_checked *more)
{
	struct lite_checked **link = &relation->checked;

	while (*link)
		link = &(*link)->next;
	*link = more;
}

static struct lite_relation *join_sides(struct lite_builder *builder, const struct consort_node *node,
					struct lite_relation *left, struct lite_relation *right,
					struct lite_relation *both, struct lite_texts *on)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	bool outer = node->join == CONSORT_JOIN_LEFT;
	uint32_t i;

	if (!add_all(builder, &both->where, &left->where) ||
	    !add_all(builder, outer ? on : &both->where, &right->where))
		return NULL;
	consort_buffer_printf(&text, "%s%s%s ON ", left->from, outer ? " LEFT JOIN " : " JOIN ", right->from);
	if (on->count)
		lite_join_texts(on->items, on->count, " AND ", &text);
	else
		consort_buffer_char(&text, '1');
	both->from = lite_take_text(builder, &text);
	both->ntables = left->ntables + right->ntables;
	for (i = left->nterms; outer && i < both->nterms; i++)
		both->terms[i].nullable = true;
	both->checked = left->checked;
	append_checked(both, right->checked);
	return both->from ? lite_take(builder, node, both) : NULL;
}

struct lite_relation *lite_join(struct lite_builder *builder, const struct consort_node *node)
{
	struct lite_relation *left = lite_relation_of(builder, node->inputs[0]);
	struct lite_relation *right = left ? lite_relation_of(builder, node->inputs[1]) : NULL, *both;
	struct lite_texts on = {0};

	if (!right)
		return NULL;
	if (left->reason || right->reason)
		return lite_refuse(builder, node, left, "what it needs stays in the core");
	if (left->keyed || right->keyed)
		return lite_refuse(builder, node, left, "keys are looked up one by one");
	if (node->join < CONSORT_JOIN_INNER || node->join > CONSORT_JOIN_ANTI ||
	    node->join == CONSORT_JOIN_FULL)
		return lite_refuse(builder, node, left, "SQLite before 3.39 has no such join");
	left = lite_open_where(builder, left);
	right = right->ntables > 1 ? lite_wrap(builder, right) : lite_open_where(builder, right);
	both = left && right ? lite_relation_new(builder, left->nterms + right->nterms) : NULL;
	if (!both)
		return NULL;
	memcpy(both->terms, left->terms, left->nterms * sizeof(*left->terms));
	memcpy(both->terms + left->nterms, right->terms, right->nterms * sizeof(*right->terms));
	if (!join_on(builder, node, both, &on))
		return builder->status ? NULL
				       : lite_refuse(builder, node, both, "a condition of it is not taken");
	if (node->join == CONSORT_JOIN_SEMI || node->join == CONSORT_JOIN_ANTI)
		return exists(builder, node, left, right, &on);
	return join_sides(builder, node, left, right, both, &on);
}
