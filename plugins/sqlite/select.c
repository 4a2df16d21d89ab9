/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans to SELECTs. Each node adds a clause to the SELECT of what is below it; where SQL's order of clauses
 * does not allow that, what is below becomes a subquery.
 */
#include "sql.h"

#include <string.h>

void lite_answer(struct lite_builder *builder, uint32_t number, uint32_t fidelity, const char *reason)
{
	if (!builder->offer) {
		if (fidelity == CONSORT_FIDELITY_NO && !builder->status)
			builder->status =
				consort_error_set(builder->error, CONSORT_EUNSUPPORTED,
						  "SQLite cannot run this part of a plan: %s", reason);
		return;
	}
	if (number < builder->offer->count) {
		builder->offer->fidelity[number] = (uint8_t)fidelity;
		builder->offer->reason[number] = reason;
	}
}

struct lite_relation *lite_out_of_memory(struct lite_builder *builder)
{
	builder->status = consort_error_no_memory(builder->error);
	return NULL;
}

/* A node that is not taken: nothing can stand on it. */
struct lite_relation *lite_refuse(struct lite_builder *builder, const struct consort_node *node,
				  struct lite_relation *relation, const char *reason)
{
	lite_answer(builder, node->number, CONSORT_FIDELITY_NO, reason);
	relation->reason = "what it needs stays in the core";
	return relation;
}

struct lite_relation *lite_take(struct lite_builder *builder, const struct consort_node *node,
				struct lite_relation *relation)
{
	lite_answer(builder, node->number, CONSORT_FIDELITY_EXACT, NULL);
	return relation;
}

struct lite_relation *lite_relation_new(struct lite_builder *builder, uint32_t nterms)
{
	struct lite_relation *relation = consort_arena_alloc(builder->arena, sizeof(*relation));

	if (!relation)
		return lite_out_of_memory(builder);
	relation->nterms = nterms;
	relation->terms = consort_arena_array(builder->arena, nterms, sizeof(*relation->terms));
	return relation->terms ? relation : lite_out_of_memory(builder);
}

static bool add_checked(struct lite_builder *builder, struct lite_relation *relation, struct lite_term *term,
			const char *resource, const char *attribute)
{
	struct lite_checked *checked = consort_arena_alloc(builder->arena, sizeof(*checked));

	if (!checked)
		return lite_out_of_memory(builder);
	checked->sql = term->sql;
	checked->codec = term->storage.codec;
	checked->resource = resource;
	checked->attribute = attribute;
	checked->next = relation->checked;
	relation->checked = checked;
	term->checked = checked;
	return true;
}

/* --- clauses --- */

/* Conditions in their order, then the checks: they see only rows that the others let through. */
static struct lite_texts conditions(struct lite_builder *builder, const struct lite_relation *relation)
{
	struct lite_texts all = {0};
	const struct lite_checked *checked;
	uint32_t i;

	for (i = 0; i < relation->where.count; i++)
		lite_add_text(builder, &all, relation->where.items[i]);
	for (checked = relation->checked; checked; checked = checked->next) {
		struct consort_buffer call = CONSORT_BUFFER_INIT;
		const char *text;

		if (!checked->used || checked->codec == LITE_CONVERT)
			continue;
		consort_buffer_printf(&call, "consort_%s(%s, ", lite_codecs[checked->codec].name,
				      checked->sql);
		consort_buffer_quoted(&call, checked->resource, strlen(checked->resource), '\'');
		consort_buffer_text(&call, ", ");
		consort_buffer_quoted(&call, checked->attribute, strlen(checked->attribute), '\'');
		consort_buffer_char(&call, ')');
		text = lite_take_text(builder, &call);
		if (text)
			lite_add_text(builder, &all, text);
		builder->checks = true;
	}
	return all;
}

void lite_render_where(struct lite_builder *builder, const struct lite_relation *relation,
		       struct consort_buffer *out)
{
	struct lite_texts all = conditions(builder, relation);

	if (!all.count)
		return;
	consort_buffer_text(out, " WHERE ");
	lite_join_texts(all.items, all.count, " AND ", out);
}

static void render_list(const struct lite_texts *texts, const char *clause, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < texts->count; i++) {
		consort_buffer_text(out, i ? ", " : clause);
		consort_buffer_text(out, texts->items[i]);
	}
}

void lite_render_select(struct lite_builder *builder, const struct lite_relation *relation, bool named,
			struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_text(out, "SELECT ");
	for (i = 0; i < relation->nterms; i++) {
		consort_buffer_text(out, i ? ", " : "");
		consort_buffer_text(out, relation->terms[i].sql ? relation->terms[i].sql : "NULL");
		if (named)
			consort_buffer_printf(out, " AS c%u", i);
	}
	if (!relation->nterms)
		consort_buffer_char(out, '1');
	consort_buffer_text(out, " FROM ");
	consort_buffer_text(out, relation->from);
	lite_render_where(builder, relation, out);
	render_list(&relation->group, " GROUP BY ", out);
	render_list(&relation->order, " ORDER BY ", out);
	if (relation->limit || relation->offset)
		consort_buffer_printf(out, " LIMIT %s", relation->limit ? relation->limit : "-1");
	if (relation->offset)
		consort_buffer_printf(out, " OFFSET %s", relation->offset);
}

/* The relation as a subquery, with nothing but columns. */
struct lite_relation *lite_wrap(struct lite_builder *builder, const struct lite_relation *relation)
{
	struct lite_relation *outer = lite_relation_new(builder, relation->nterms);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t alias = builder->naliases++, i;

	if (!outer)
		return NULL;
	consort_buffer_char(&text, '(');
	lite_render_select(builder, relation, true, &text);
	consort_buffer_printf(&text, ") AS q%u", alias);
	outer->from = lite_take_text(builder, &text);
	outer->ntables = 1;
	outer->keyed = relation->keyed;
	outer->single = relation->single;
	for (i = 0; outer->from && i < relation->nterms; i++) {
		const struct lite_term *inner = &relation->terms[i];
		struct lite_term *term = &outer->terms[i];

		*term = *inner;
		term->checked = NULL;
		if (!inner->sql)
			continue;
		term->sql = consort_arena_printf(builder->arena, "q%u.c%u", alias, i);
		if (!term->sql)
			return lite_out_of_memory(builder);
		if (inner->checked &&
		    !add_checked(builder, outer, term, inner->checked->resource, inner->checked->attribute))
			return NULL;
	}
	return outer->from ? outer : NULL;
}

/* A relation that more conditions, or a join, can be added to. */
struct lite_relation *lite_open_where(struct lite_builder *builder, struct lite_relation *relation)
{
	return relation->aggregated || relation->limit || relation->offset ? lite_wrap(builder, relation)
									   : relation;
}

/* --- nodes --- */

static struct lite_relation *scan(struct lite_builder *builder, const struct consort_node *node)
{
	const struct consort_resource *resource = node->resource;
	struct lite_relation *relation = lite_relation_new(builder, node->nattributes);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t alias = builder->naliases++, i;

	if (!relation)
		return NULL;
	lite_quote(&text, resource->source);
	if (builder->joins)
		consort_buffer_printf(&text, " AS t%u", alias);
	relation->from = lite_take_text(builder, &text);
	relation->ntables = 1;
	for (i = 0; relation->from && i < node->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[node->attributes[i]];
		struct lite_term *term = &relation->terms[i];

		builder->status = lite_storage_of(resource, attribute, &term->storage, builder->error);
		if (builder->status)
			return NULL;
		if (builder->joins)
			consort_buffer_printf(&text, "t%u.", alias);
		lite_quote(&text, attribute->source);
		term->sql = lite_take_text(builder, &text);
		term->type = attribute->type;
		term->nullable = !(attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL);
		term->resource = resource;
		term->attribute = node->attributes[i];
		if (!term->sql || !add_checked(builder, relation, term, resource->name, attribute->name))
			return NULL;
	}
	return relation->from ? lite_take(builder, node, relation) : NULL;
}

/* Does the conjunct fix a unique column? Then one row is all there can be. */
static bool finds_one(const struct lite_relation *relation, const struct consort_expr *expr)
{
	uint32_t i;

	if (relation->ntables != 1 || expr->kind != CONSORT_EXPR_CALL || expr->op != CONSORT_OP_EQ ||
	    expr->nargs != 2)
		return false;
	for (i = 0; i < 2; i++) {
		const struct consort_expr *side = expr->args[i], *other = expr->args[1 - i];

		if (side->kind == CONSORT_EXPR_COLUMN && side->index < relation->nterms &&
		    relation->terms[side->index].resource && relation->terms[side->index].storage.unique &&
		    (other->kind == CONSORT_EXPR_LITERAL || other->kind == CONSORT_EXPR_PARAMETER))
			return true;
	}
	return false;
}

static bool add_condition(struct lite_builder *builder, struct lite_relation *relation,
			  const struct consort_expr *expr, bool loosely, struct lite_texts *to)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t nslots = builder->nslots;
	const char *condition;

	if (loosely ? !lite_render_superset(builder, relation, expr, &text)
		    : !lite_render(builder, relation, expr, NULL, &text)) {
		consort_buffer_clear(&text);
		builder->nslots = nslots;
		return false;
	}
	condition = lite_take_text(builder, &text);
	return condition && lite_add_text(builder, to, condition);
}

bool lite_add_conjunct(struct lite_builder *builder, struct lite_relation *relation,
		       const struct consort_expr *expr, struct lite_texts *to)
{
	return add_condition(builder, relation, expr, false, to);
}

static uint32_t filter_conjunct(struct lite_builder *builder, struct lite_relation *relation,
				const struct consort_expr *expr)
{
	const char *reason;

	if (lite_add_conjunct(builder, relation, expr, &relation->where)) {
		relation->single |= finds_one(relation, expr);
		return CONSORT_FIDELITY_EXACT;
	}
	reason = builder->reason;
	if (add_condition(builder, relation, expr, true, &relation->where)) {
		builder->reason = "its text is compared by day only";
		return CONSORT_FIDELITY_SUPERSET;
	}
	builder->reason = reason;
	return CONSORT_FIDELITY_NO;
}

static struct lite_relation *filter(struct lite_builder *builder, const struct consort_node *node,
				    struct lite_relation *relation)
{
	uint32_t exact = 0, taken = 0, i;

	relation = lite_open_where(builder, relation);
	for (i = 0; relation && i < node->nexprs; i++) {
		uint32_t fidelity = filter_conjunct(builder, relation, node->exprs[i]);

		if (builder->status)
			return NULL;
		lite_answer(builder, node->first_conjunct + i, fidelity,
			    fidelity == CONSORT_FIDELITY_EXACT ? NULL : builder->reason);
		exact += fidelity == CONSORT_FIDELITY_EXACT;
		taken += fidelity != CONSORT_FIDELITY_NO;
	}
	if (relation)
		lite_answer(builder, node->number,
			    exact == node->nexprs ? CONSORT_FIDELITY_EXACT
			    : taken		  ? CONSORT_FIDELITY_SUPERSET
						  : CONSORT_FIDELITY_NO,
			    exact == node->nexprs ? NULL : "some of its conditions stay in the core");
	return relation;
}

/* Are the key's columns what an index starts with? */
static bool is_indexed(const uint32_t *columns, uint32_t ncolumns, const uint32_t *wanted, uint32_t nwanted)
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

	if (is_indexed(resource->keys, resource->nkeys, wanted, nwanted))
		return true;
	for (i = 0; i < resource->nindexes; i++)
		if (is_indexed(resource->indexes[i]->attributes, resource->indexes[i]->nattributes, wanted,
			       nwanted))
			return true;
	return false;
}

/* One column of the key, by a slot that is bound for each key. */
static const char *key_condition(struct lite_builder *builder, const struct lite_term *term, uint32_t index)
{
	struct lite_slot slot = {
		.source = LITE_KEY, .purpose = LITE_COMPARE, .index = index, .attribute = "key"};
	struct consort_buffer right = CONSORT_BUFFER_INIT, text = CONSORT_BUFFER_INIT;

	slot.storage.codec = term->storage.codec;
	if (term->checked && term->storage.checked)
		term->checked->used = true;
	if (lite_render_slot(builder, &slot, &right) && !right.failed)
		lite_render_equality(term, term->sql, " = ", right.data, &text);
	consort_buffer_clear(&right);
	return lite_take_text(builder, &text);
}

static struct lite_relation *keyed(struct lite_builder *builder, const struct consort_node *node,
				   struct lite_relation *relation)
{
	uint32_t *attributes = consort_arena_array(builder->arena, node->nexprs, sizeof(*attributes)), i;
	const struct consort_resource *resource = NULL;
	bool bare = true;

	if (!attributes)
		return lite_out_of_memory(builder);
	relation = lite_open_where(builder, relation);
	for (i = 0; relation && i < node->nexprs; i++) {
		const struct consort_expr *expr = node->exprs[i];
		struct lite_term *term = expr->kind == CONSORT_EXPR_COLUMN && expr->index < relation->nterms
						 ? &relation->terms[expr->index]
						 : NULL;
		const char *condition;

		if (!term || !term->sql || !term->storage.equality)
			return lite_refuse(builder, node, relation,
					   "SQLite cannot look keys of this type up as they are stored");
		condition = key_condition(builder, term, i);
		if (!condition || !lite_add_text(builder, &relation->where, condition))
			return NULL;
		bare = bare && term->resource && (!resource || resource == term->resource);
		resource = term->resource;
		attributes[i] = term->attribute;
		if (node->nexprs == 1 && relation->ntables == 1 && term->resource && term->storage.unique)
			relation->single = true;
	}
	if (!relation)
		return NULL;
	relation->keyed = true;
	if (builder->offer && bare && resource && keys_indexed(resource, attributes, node->nexprs))
		builder->offer->flags |= CONSORT_OFFER_KEYS_INDEXED;
	return lite_take(builder, node, relation);
}

static bool project_term(struct lite_builder *builder, struct lite_relation *relation,
			 const struct consort_expr *expr, struct lite_term *term)
{
	const struct lite_storage *storage = lite_expr_storage(relation, expr);
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (expr->kind == CONSORT_EXPR_COLUMN && expr->index < relation->nterms) {
		*term = relation->terms[expr->index];
		return true;
	}
	if (lite_may_be_nan(expr)) {
		builder->reason = "SQLite would make NULL of a NaN";
		return false;
	}
	term->type = expr->type;
	term->storage = storage ? *storage : lite_plain_storage(expr->type);
	term->storage.checked = term->storage.unique = 0;
	term->nullable = !(expr->flags & CONSORT_EXPR_NOT_NULL);
	if (!lite_render(builder, relation, expr, &term->storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	term->sql = lite_take_text(builder, &text);
	return term->sql != NULL;
}

static struct lite_relation *project(struct lite_builder *builder, const struct consort_node *node,
				     struct lite_relation *relation)
{
	struct lite_term *terms = consort_arena_array(builder->arena, node->nexprs, sizeof(*terms));
	uint32_t i;

	if (!terms)
		return lite_out_of_memory(builder);
	for (i = 0; i < node->nexprs; i++)
		if (!project_term(builder, relation, node->exprs[i], &terms[i]))
			return builder->status ? NULL : lite_refuse(builder, node, relation, builder->reason);
	relation->terms = terms;
	relation->nterms = node->nexprs;
	return lite_take(builder, node, relation);
}

/* --- order and limit --- */

static bool order_text(struct lite_builder *builder, struct lite_relation *relation,
		       const struct consort_order *order, struct lite_texts *texts)
{
	const struct lite_storage *storage = lite_expr_storage(relation, order->expr);
	const struct consort_expr *expr = order->expr;
	bool descending = order->flags & CONSORT_ORDER_DESCENDING,
	     first = order->flags & CONSORT_ORDER_NULLS_FIRST;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *taken;

	if (lite_is_constant(expr))
		return true; /* it orders nothing, and an integer would name a column */
	if (!storage) {
		builder->reason = "SQLite does not compute this as the core does";
		return false;
	}
	if (!lite_orders(builder, storage)) {
		builder->reason = "SQLite does not order values of this type as they are stored";
		return false;
	}
	if (!lite_render(builder, relation, expr, storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	if (storage->collated)
		consort_buffer_text(&text, " COLLATE BINARY");
	if (descending)
		consort_buffer_text(&text, " DESC");
	/* NULL is SQLite's least value; saying so where nothing is NULL would cost the index */
	if (first == descending &&
	    (expr->kind == CONSORT_EXPR_COLUMN ? relation->terms[expr->index].nullable
					       : !(expr->flags & CONSORT_EXPR_NOT_NULL)))
		consort_buffer_text(&text, first ? " NULLS FIRST" : " NULLS LAST");
	taken = lite_take_text(builder, &text);
	return taken && lite_add_text(builder, texts, taken);
}

static struct lite_relation *sort(struct lite_builder *builder, const struct consort_node *node,
				  struct lite_relation *relation)
{
	struct lite_texts order = {0};
	uint32_t i;

	if (relation->keyed)
		return lite_refuse(builder, node, relation, "keys are looked up one by one");
	if (relation->limit || relation->offset)
		relation = lite_wrap(builder, relation);
	for (i = 0; relation && i < node->norders; i++)
		if (!order_text(builder, relation, node->orders[i], &order))
			return builder->status ? NULL : lite_refuse(builder, node, relation, builder->reason);
	if (!relation)
		return NULL;
	relation->order = order;
	return lite_take(builder, node, relation);
}

static const char *limit_text(struct lite_builder *builder, const struct consort_expr *expr,
			      enum lite_purpose purpose)
{
	struct lite_slot slot = {.source = LITE_PARAMETER, .purpose = (uint8_t)purpose, .index = expr->index};
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (expr->kind == CONSORT_EXPR_PARAMETER)
		lite_render_slot(builder, &slot, &text);
	else
		consort_buffer_printf(&text, "%lld", (long long)expr->value.as.int64);
	return lite_take_text(builder, &text);
}

static bool is_limit(const struct consort_expr *expr)
{
	return !expr || expr->kind == CONSORT_EXPR_PARAMETER ||
	       (expr->kind == CONSORT_EXPR_LITERAL && expr->value.type.id == CONSORT_TYPE_INT64 &&
		expr->value.as.int64 >= 0);
}

static struct lite_relation *limit(struct lite_builder *builder, const struct consort_node *node,
				   struct lite_relation *relation)
{
	if (relation->keyed)
		return lite_refuse(builder, node, relation, "keys are looked up one by one");
	if (!is_limit(node->limit) || !is_limit(node->offset))
		return lite_refuse(builder, node, relation, "the limit is no number from 0");
	if (relation->limit || relation->offset)
		relation = lite_wrap(builder, relation);
	if (!relation)
		return NULL;
	if (node->limit)
		relation->limit = limit_text(builder, node->limit, LITE_LIMIT);
	if (node->offset)
		relation->offset = limit_text(builder, node->offset, LITE_OFFSET);
	if (node->limit && node->limit->kind == CONSORT_EXPR_LITERAL && node->limit->value.as.int64 <= 1)
		relation->single = true;
	return builder->status ? NULL : lite_take(builder, node, relation);
}

/* --- the tree --- */

static struct lite_relation *over_input(struct lite_builder *builder, const struct consort_node *node)
{
	struct lite_relation *relation = lite_relation_of(builder, node->inputs[0]);

	if (!relation)
		return NULL;
	if (relation->reason)
		return lite_refuse(builder, node, relation, relation->reason);
	switch (node->kind) {
	case CONSORT_NODE_FILTER:
		return filter(builder, node, relation);
	case CONSORT_NODE_KEYED:
		return keyed(builder, node, relation);
	case CONSORT_NODE_PROJECT:
		return project(builder, node, relation);
	case CONSORT_NODE_AGGREGATE:
		return lite_aggregate(builder, node, relation);
	case CONSORT_NODE_SORT:
		return sort(builder, node, relation);
	case CONSORT_NODE_LIMIT:
		return limit(builder, node, relation);
	default:
		return lite_refuse(builder, node, relation, "SQLite does not know this part of a plan");
	}
}

struct lite_relation *lite_relation_of(struct lite_builder *builder, const struct consort_node *node)
{
	struct lite_relation *relation = NULL;

	if (builder->status)
		return NULL;
	if (node->kind == CONSORT_NODE_SCAN)
		relation = scan(builder, node);
	else if (node->kind == CONSORT_NODE_JOIN)
		relation = lite_join(builder, node);
	else if (node->ninputs == 1)
		relation = over_input(builder, node);
	else
		lite_answer(builder, node->number, CONSORT_FIDELITY_NO,
			    "SQLite does not know this part of a plan");
	if (!relation && !builder->status && builder->offer) /* an unknown leaf: something to stand on */
		relation = lite_relation_new(builder, 0);
	if (relation && !relation->from)
		relation->reason = "SQLite does not know what is below it";
	return relation;
}
