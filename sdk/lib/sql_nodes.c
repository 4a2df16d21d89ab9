/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's nodes, each as a clause of the relation below it. */
#include "sql_build.h"

#include <string.h>

static struct consort_sql_relation *refuse_for_reason(struct consort_sql_builder *builder,
						      const struct consort_node *node,
						      struct consort_sql_relation *relation)
{
	return builder->status ? NULL : consort_sql_refuse(builder, node, relation, builder->reason);
}

/* --- SCAN --- */

static struct consort_sql_relation *scan(struct consort_sql_builder *builder, const struct consort_node *node)
{
	const struct consort_resource *resource = node->resource;
	struct consort_sql_relation *relation = consort_sql_relation_new(builder, node->nattributes);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t alias = builder->naliases++, i;

	if (!relation)
		return NULL;
	builder->dialect->table(builder, resource, &text);
	if (builder->joins)
		consort_buffer_printf(&text, " AS t%u", alias);
	relation->from = consort_sql_take(builder, &text);
	relation->ntables = 1;
	for (i = 0; relation->from && i < node->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[node->attributes[i]];
		struct consort_sql_term *term = consort_sql_term_new(builder);

		if (!term)
			return NULL;
		relation->terms[i] = term;
		if (builder->joins)
			consort_buffer_printf(&text, "t%u.", alias);
		consort_sql_quote(&text, attribute->source);
		term->sql = consort_sql_take(builder, &text);
		term->type = attribute->type;
		term->nullable = !(attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL);
		term->resource = resource;
		term->attribute = node->attributes[i];
		if (!term->sql || !builder->dialect->column(builder, relation, term))
			return NULL;
	}
	return relation->from ? consort_sql_accept(builder, node, relation) : NULL;
}

/* --- FILTER --- */

typedef bool render_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			      const struct consort_expr *expr, struct consort_buffer *out);

static bool add_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, render_condition *render,
			  struct consort_sql_texts *to)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t nslots = builder->nslots;
	const char *condition;

	if (!render(builder, relation, expr, &text)) {
		consort_buffer_clear(&text);
		builder->nslots = nslots;
		return false;
	}
	condition = consort_sql_take(builder, &text);
	return condition && consort_sql_add(builder, to, condition);
}

bool consort_sql_add_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			       const struct consort_expr *expr, struct consort_sql_texts *to)
{
	return add_condition(builder, relation, expr, builder->dialect->condition, to);
}

/* The column that the conjunct says is equal to a constant, or to one of some; NULL if there is none. */
static struct consort_sql_term *fixed_term(const struct consort_sql_relation *relation,
					   const struct consort_expr *expr)
{
	uint32_t column = 0, i;

	if (expr->kind != CONSORT_EXPR_CALL || expr->nargs < 2 ||
	    (expr->op != CONSORT_OP_EQ && expr->op != CONSORT_OP_IN))
		return NULL;
	if (expr->op == CONSORT_OP_EQ && expr->args[1]->kind == CONSORT_EXPR_COLUMN)
		column = 1;
	for (i = 0; i < expr->nargs; i++)
		if (i != column && !consort_sql_is_constant(expr->args[i]))
			return NULL;
	if (expr->args[column]->kind != CONSORT_EXPR_COLUMN || expr->args[column]->index >= relation->nterms)
		return NULL;
	return relation->terms[expr->args[column]->index];
}

static uint32_t filter_conjunct(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				const struct consort_expr *expr)
{
	render_condition *loosely = builder->dialect->loose_condition;
	struct consort_sql_term *fixed = fixed_term(relation, expr);
	const char *reason;

	if (consort_sql_add_condition(builder, relation, expr, &relation->where)) {
		/* of a unique column one row is all there can be */
		if (fixed && expr->op == CONSORT_OP_EQ && relation->ntables == 1 && fixed->resource &&
		    fixed->unique)
			relation->single = true;
		if (fixed && builder->dialect->fixed)
			builder->dialect->fixed(fixed);
		return CONSORT_FIDELITY_EXACT;
	}
	reason = builder->reason;
	if (!builder->status && loosely && add_condition(builder, relation, expr, loosely, &relation->where))
		return CONSORT_FIDELITY_SUPERSET;
	builder->reason = reason;
	return CONSORT_FIDELITY_NO;
}

static struct consort_sql_relation *filter(struct consort_sql_builder *builder,
					   const struct consort_node *node,
					   struct consort_sql_relation *relation)
{
	uint32_t exact = 0, taken = 0, i;

	relation = consort_sql_open_where(builder, relation);
	for (i = 0; relation && i < node->nexprs; i++) {
		uint32_t fidelity = filter_conjunct(builder, relation, node->exprs[i]);

		if (builder->status)
			return NULL;
		consort_sql_answer(builder, node->first_conjunct + i, fidelity,
				   fidelity == CONSORT_FIDELITY_EXACT ? NULL : builder->reason);
		exact += fidelity == CONSORT_FIDELITY_EXACT;
		taken += fidelity != CONSORT_FIDELITY_NO;
	}
	if (relation)
		consort_sql_answer(builder, node->number,
				   exact == node->nexprs ? CONSORT_FIDELITY_EXACT
				   : taken		 ? CONSORT_FIDELITY_SUPERSET
							 : CONSORT_FIDELITY_NO,
				   exact == node->nexprs ? NULL : "some of its conditions stay in the core");
	return relation;
}

/* --- KEYED --- */

/* Are the key's columns what an index starts with? */
static bool starts_with(const uint32_t *columns, uint32_t ncolumns, const uint32_t *wanted, uint32_t nwanted)
{
	uint32_t i, j;

	if (ncolumns < nwanted)
		return false;
	for (i = 0; i < nwanted; i++) {
		for (j = 0; j < nwanted && columns[j] != wanted[i]; j++)
			;
		if (j == nwanted)
			return false;
	}
	return true;
}

static bool keys_indexed(const struct consort_resource *resource, const uint32_t *wanted, uint32_t nwanted)
{
	uint32_t i;

	if (starts_with(resource->keys, resource->nkeys, wanted, nwanted))
		return true;
	for (i = 0; i < resource->nindexes; i++)
		if (starts_with(resource->indexes[i]->attributes, resource->indexes[i]->nattributes, wanted,
				nwanted))
			return true;
	return false;
}

static struct consort_sql_relation *keyed(struct consort_sql_builder *builder,
					  const struct consort_node *node,
					  struct consort_sql_relation *relation)
{
	uint32_t *attributes = consort_arena_array(builder->arena, node->nexprs, sizeof(*attributes)), i;
	const struct consort_resource *resource = NULL;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *condition;
	bool bare = true;

	if (!attributes)
		return consort_sql_out_of_memory(builder);
	relation = consort_sql_open_where(builder, relation);
	for (i = 0; relation && i < node->nexprs; i++) {
		const struct consort_expr *expr = node->exprs[i];
		const struct consort_sql_term *term =
			expr->kind == CONSORT_EXPR_COLUMN && expr->index < relation->nterms
				? relation->terms[expr->index]
				: NULL;

		if (!term || !term->sql)
			return consort_sql_refuse(builder, node, relation,
						  "its keys are no columns of a table");
		bare = bare && term->resource && (!resource || resource == term->resource);
		resource = term->resource;
		attributes[i] = term->attribute;
		if (node->nexprs == 1 && relation->ntables == 1 && term->resource && term->unique)
			relation->single = true;
	}
	if (!relation)
		return NULL;
	if (!builder->dialect->keys(builder, relation, node, &text)) {
		consort_buffer_clear(&text);
		return refuse_for_reason(builder, node, relation);
	}
	condition = consort_sql_take(builder, &text);
	if (!condition || !consort_sql_add(builder, &relation->where, condition))
		return NULL;
	relation->keyed = true;
	if (builder->offer && bare && resource && keys_indexed(resource, attributes, node->nexprs))
		builder->offer->flags |= CONSORT_OFFER_KEYS_INDEXED;
	return consort_sql_accept(builder, node, relation);
}

/* --- PROJECT --- */

static struct consort_sql_term *project_term(struct consort_sql_builder *builder,
					     struct consort_sql_relation *relation,
					     const struct consort_expr *expr)
{
	struct consort_sql_term *term;

	if (expr->kind == CONSORT_EXPR_COLUMN && expr->index < relation->nterms)
		return relation->terms[expr->index];
	term = consort_sql_term_new(builder);
	if (!term)
		return NULL;
	term->type = expr->type;
	term->nullable = !(expr->flags & CONSORT_EXPR_NOT_NULL);
	return builder->dialect->value(builder, relation, expr, term) ? term : NULL;
}

static struct consort_sql_relation *project(struct consort_sql_builder *builder,
					    const struct consort_node *node,
					    struct consort_sql_relation *relation)
{
	struct consort_sql_term **terms =
		consort_arena_array(builder->arena, node->nexprs, sizeof(struct consort_sql_term *));
	uint32_t i;

	if (!terms)
		return consort_sql_out_of_memory(builder);
	for (i = 0; i < node->nexprs; i++) {
		terms[i] = project_term(builder, relation, node->exprs[i]);
		if (!terms[i])
			return refuse_for_reason(builder, node, relation);
	}
	relation->terms = terms;
	relation->nterms = node->nexprs;
	return consort_sql_accept(builder, node, relation);
}

/* --- AGGREGATE --- */

static struct consort_sql_term *group_term(struct consort_sql_builder *builder,
					   struct consort_sql_relation *relation,
					   const struct consort_expr *expr, struct consort_sql_texts *groups)
{
	struct consort_sql_term *term = consort_sql_term_new(builder);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *group;

	if (!term)
		return NULL;
	term->type = expr->type;
	term->nullable = expr->kind != CONSORT_EXPR_COLUMN || expr->index >= relation->nterms ||
			 relation->terms[expr->index]->nullable;
	if (!builder->dialect->group(builder, relation, expr, term, &text)) {
		consort_buffer_clear(&text);
		return NULL;
	}
	group = consort_sql_take(builder, &text);
	return group && consort_sql_add(builder, groups, group) ? term : NULL;
}

static struct consort_sql_term *aggregate_term(struct consort_sql_builder *builder,
					       struct consort_sql_relation *relation,
					       const struct consort_aggregate *aggregate)
{
	struct consort_sql_term *term = consort_sql_term_new(builder);

	if (!term)
		return NULL;
	term->type = aggregate->type;
	term->nullable = aggregate->kind != CONSORT_AGGREGATE_COUNT_ALL &&
			 aggregate->kind != CONSORT_AGGREGATE_COUNT &&
			 aggregate->kind != CONSORT_AGGREGATE_COUNT_DISTINCT;
	return builder->dialect->aggregate(builder, relation, aggregate, term) ? term : NULL;
}

static bool adds_doubles(const struct consort_node *node)
{
	uint32_t i;

	for (i = 0; i < node->naggregates; i++) {
		const struct consort_aggregate *aggregate = node->aggregates[i];

		if ((aggregate->kind == CONSORT_AGGREGATE_SUM || aggregate->kind == CONSORT_AGGREGATE_AVG) &&
		    aggregate->input->type.id == CONSORT_TYPE_FLOAT64)
			return true;
	}
	return false;
}

static struct consort_sql_relation *aggregate(struct consort_sql_builder *builder,
					      const struct consort_node *node,
					      struct consort_sql_relation *relation)
{
	uint32_t nterms = node->nexprs + node->naggregates, i;
	struct consort_sql_texts groups = {0};
	struct consort_sql_term **terms;

	relation = consort_sql_open_where(builder, relation);
	terms = relation ? consort_arena_array(builder->arena, nterms, sizeof(struct consort_sql_term *))
			 : NULL;
	if (!terms)
		return consort_sql_out_of_memory(builder);
	for (i = 0; i < nterms; i++) {
		terms[i] = i < node->nexprs
				   ? group_term(builder, relation, node->exprs[i], &groups)
				   : aggregate_term(builder, relation, node->aggregates[i - node->nexprs]);
		if (!terms[i])
			return refuse_for_reason(builder, node, relation);
	}
	relation->group = groups;
	relation->order.count = 0;
	relation->aggregated = true;
	relation->single = !node->nexprs;
	relation->terms = terms;
	relation->nterms = nterms;
	consort_sql_answer(builder, node->number, CONSORT_FIDELITY_EXACT,
			   adds_doubles(node) ? "a sum of doubles depends on the order of the rows" : NULL);
	return relation;
}

/* --- SORT and LIMIT --- */

static bool add_order(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_order *order, struct consort_sql_texts *texts)
{
	bool descending = order->flags & CONSORT_ORDER_DESCENDING;
	bool first = order->flags & CONSORT_ORDER_NULLS_FIRST;
	const struct consort_expr *expr = order->expr;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *item;

	if (consort_sql_is_constant(expr))
		return true; /* it orders nothing, and an integer would name a column */
	if (!builder->dialect->order(builder, relation, expr, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	if (descending)
		consort_buffer_text(&text, " DESC");
	/* saying so where nothing is NULL, or where it is so anyway, would cost the index */
	if (first != (builder->dialect->nulls_least != descending) &&
	    (expr->kind == CONSORT_EXPR_COLUMN ? relation->terms[expr->index]->nullable
					       : !(expr->flags & CONSORT_EXPR_NOT_NULL)))
		consort_buffer_text(&text, first ? " NULLS FIRST" : " NULLS LAST");
	item = consort_sql_take(builder, &text);
	return item && consort_sql_add(builder, texts, item);
}

static struct consort_sql_relation *sort(struct consort_sql_builder *builder, const struct consort_node *node,
					 struct consort_sql_relation *relation)
{
	struct consort_sql_texts order = {0};
	uint32_t i;

	if (relation->limit || relation->offset)
		relation = consort_sql_wrap(builder, relation);
	for (i = 0; relation && i < node->norders; i++)
		if (!add_order(builder, relation, node->orders[i], &order))
			return refuse_for_reason(builder, node, relation);
	if (!relation)
		return NULL;
	relation->order = order;
	return consort_sql_accept(builder, node, relation);
}

static bool is_limit(const struct consort_expr *expr)
{
	return !expr || expr->kind == CONSORT_EXPR_PARAMETER ||
	       (expr->kind == CONSORT_EXPR_LITERAL && expr->value.type.id == CONSORT_TYPE_INT64 &&
		expr->value.as.int64 >= 0);
}

static const char *limit_text(struct consort_sql_builder *builder, const struct consort_expr *expr,
			      bool offset)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (expr->kind == CONSORT_EXPR_PARAMETER)
		builder->dialect->limit(builder, expr, offset, &text);
	else
		consort_buffer_printf(&text, "%lld", (long long)expr->value.as.int64);
	return consort_sql_take(builder, &text);
}

static struct consort_sql_relation *limit(struct consort_sql_builder *builder,
					  const struct consort_node *node,
					  struct consort_sql_relation *relation)
{
	if (!is_limit(node->limit) || !is_limit(node->offset))
		return consort_sql_refuse(builder, node, relation, "the limit is no number from 0");
	if (relation->limit || relation->offset)
		relation = consort_sql_wrap(builder, relation);
	if (!relation)
		return NULL;
	if (node->limit)
		relation->limit = limit_text(builder, node->limit, false);
	if (node->offset)
		relation->offset = limit_text(builder, node->offset, true);
	if (node->limit && node->limit->kind == CONSORT_EXPR_LITERAL && node->limit->value.as.int64 <= 1)
		relation->single = true;
	return builder->status ? NULL : consort_sql_accept(builder, node, relation);
}

/* --- the tree --- */

static struct consort_sql_relation *over_input(struct consort_sql_builder *builder,
					       const struct consort_node *node)
{
	struct consort_sql_relation *relation = consort_sql_relation_of(builder, node->inputs[0]);
	const char *apart = builder->dialect->keys_apart;

	if (!relation)
		return NULL;
	if (relation->reason)
		return consort_sql_refuse(builder, node, relation, relation->reason);
	if (apart && relation->keyed && node->kind != CONSORT_NODE_FILTER &&
	    node->kind != CONSORT_NODE_PROJECT)
		return consort_sql_refuse(builder, node, relation, apart);
	switch (node->kind) {
	case CONSORT_NODE_FILTER:
		return filter(builder, node, relation);
	case CONSORT_NODE_KEYED:
		return keyed(builder, node, relation);
	case CONSORT_NODE_PROJECT:
		return project(builder, node, relation);
	case CONSORT_NODE_AGGREGATE:
		return aggregate(builder, node, relation);
	case CONSORT_NODE_SORT:
		return sort(builder, node, relation);
	case CONSORT_NODE_LIMIT:
		return limit(builder, node, relation);
	default:
		return consort_sql_refuse(builder, node, relation,
					  "the adapter does not know this part of a plan");
	}
}

struct consort_sql_relation *consort_sql_relation_of(struct consort_sql_builder *builder,
						     const struct consort_node *node)
{
	struct consort_sql_relation *relation = NULL;

	if (builder->status)
		return NULL;
	if (node->kind == CONSORT_NODE_SCAN)
		relation = scan(builder, node);
	else if (node->kind == CONSORT_NODE_JOIN)
		relation = consort_sql_join_nodes(builder, node);
	else if (node->ninputs == 1)
		relation = over_input(builder, node);
	else
		consort_sql_answer(builder, node->number, CONSORT_FIDELITY_NO,
				   "the adapter does not know this part of a plan");
	if (!relation && !builder->status && builder->offer) /* an unknown leaf: something to stand on */
		relation = consort_sql_relation_new(builder, 0);
	if (relation && !relation->from)
		relation->reason = "the adapter does not know what is below it";
	return relation;
}
