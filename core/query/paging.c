/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paging: only records behind the one with a given key. The order is completed by the key, so it is total;
 * the record's values in that order are read by its key first, and are parameters of the query. A record is
 * behind it when, for some i, it has the same values before the i-th and a later one there.
 */
#include "query/build.h"

static const struct consort_type bool_type = {.id = CONSORT_TYPE_BOOL};

/* A parameter of the core's own, behind the user's. */
static struct consort_expr *own_parameter(struct consort_resolver *r, struct consort_type type)
{
	if (!consort_query_grow(r, &r->parameters, r->nparameters, &r->parameters_capacity,
				sizeof(*r->parameters)))
		return NULL;
	r->parameters[r->nparameters] = (struct consort_parameter){.type = type, .at = -1};
	return consort_query_parameter(r, r->nparameters++, -1);
}

static struct consort_expr *call(struct consort_resolver *r, enum consort_op op, struct consort_expr *a,
				 struct consort_expr *b)
{
	return a ? consort_query_call(r, op, bool_type, a, b, -1) : NULL;
}

/* Adds the key's attributes that it is not ordered by yet; `out_key`: key = values given. */
static bool complete_order(struct consort_resolved *q, struct consort_exprs *out_key)
{
	struct consort_resolver *r = &q->r;
	const struct consort_resource *resource = r->sources[0].resource;
	uint32_t i, j;

	for (i = 0; i < resource->nkeys; i++) {
		struct consort_expr *column = consort_query_column(r, 0, resource->keys[i], -1);
		struct consort_expr *value = column ? own_parameter(r, column->type) : NULL;

		if (!value || !consort_exprs_add(r, out_key, call(r, CONSORT_OP_EQ, column, value)))
			return false;
		for (j = 0; j < q->nsortings && !consort_query_equal(q->sortings[j].expr, column); j++)
			;
		if (j < q->nsortings)
			continue;
		if (!consort_query_grow(r, &q->sortings, q->nsortings, &q->sortings_capacity,
					sizeof(*q->sortings)))
			return false;
		q->sortings[q->nsortings++] =
			(struct consort_sorting){.expr = column, .item = UINT32_MAX, .at = -1};
	}
	return true;
}

/* Is a record's value later in the order than the one paged after? */
static struct consort_expr *later(struct consort_resolver *r, const struct consort_sorting *sorting,
				  struct consort_expr *value)
{
	bool descending = sorting->flags & CONSORT_ORDER_DESCENDING,
	     first = sorting->flags & CONSORT_ORDER_NULLS_FIRST;
	struct consort_expr *expr = sorting->expr, *beyond, *null, *other;

	beyond = call(r, descending ? CONSORT_OP_LT : CONSORT_OP_GT, expr, value);
	if (!beyond || (expr->flags & CONSORT_EXPR_NOT_NULL))
		return beyond;
	null = call(r, CONSORT_OP_IS_NULL, first ? value : expr, NULL);
	other = null ? call(r, CONSORT_OP_NOT_NULL, first ? expr : value, NULL) : NULL;
	other = other ? call(r, CONSORT_OP_AND, null, other) : NULL;
	return other ? call(r, CONSORT_OP_OR, beyond, other) : NULL;
}

static struct consort_expr *same(struct consort_resolver *r, const struct consort_sorting *sorting,
				 struct consort_expr *value)
{
	bool not_null = sorting->expr->flags & CONSORT_EXPR_NOT_NULL;

	return call(r, not_null ? CONSORT_OP_EQ : CONSORT_OP_NOT_DISTINCT, sorting->expr, value);
}

/* values[0…at) the same, and then later */
static struct consort_expr *behind_at(struct consort_resolved *q, const struct consort_exprs *values,
				      uint32_t at)
{
	struct consort_resolver *r = &q->r;
	struct consort_expr **args =
		consort_arena_array(r->arena, (size_t)at + 1, sizeof(struct consort_expr *));
	uint32_t i;

	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i <= at; i++) {
		if (!consort_query_share(r, q->sortings[i].expr))
			return NULL;
		args[i] = i < at ? same(r, &q->sortings[i], values->items[i])
				 : later(r, &q->sortings[i], values->items[i]);
		if (!args[i])
			return NULL;
	}
	return at ? consort_query_call_n(r, CONSORT_OP_AND, bool_type, args, at + 1, -1) : args[0];
}

static struct consort_expr *behind(struct consort_resolved *q)
{
	struct consort_resolver *r = &q->r;
	struct consort_expr **args =
		consort_arena_array(r->arena, q->nsortings, sizeof(struct consort_expr *));
	struct consort_exprs values = {0};
	uint32_t i;

	if (!args)
		return consort_query_no_memory(r);
	for (i = 0; i < q->nsortings; i++) {
		if (q->sortings[i].expr->type.id == CONSORT_TYPE_JSON)
			return consort_query_fail_for(
				r, q->sortings[i].expr, -1, CONSORT_ETYPE,
				"paging in the order of JSON is not understood: order by a part "
				"of it as text or number");
		if (!consort_exprs_add(r, &values, own_parameter(r, q->sortings[i].expr->type)))
			return NULL;
	}
	for (i = 0; i < q->nsortings; i++) {
		args[i] = behind_at(q, &values, i);
		if (!args[i])
			return NULL;
	}
	return q->nsortings > 1 ? consort_query_call_n(r, CONSORT_OP_OR, bool_type, args, q->nsortings, -1)
				: args[0];
}

/* Are all of these attributes of a source among those that its relationship compares? */
static bool compares_all(const struct consort_resolver *r, const struct consort_source *source,
			 const uint32_t *attributes, uint32_t count)
{
	uint32_t i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < source->via->nattributes; j++)
			if (r->slots[source->to[j]].attribute == attributes[i])
				break;
		if (j == source->via->nattributes)
			return false;
	}
	return count > 0;
}

/* Does a relationship lead to one record at most, by a key or unique index there? */
static bool leads_to_one(const struct consort_resolver *r, const struct consort_source *source)
{
	const struct consort_resource *resource = source->resource;
	uint32_t i;

	if (compares_all(r, source, resource->keys, resource->nkeys))
		return true;
	for (i = 0; i < resource->nindexes; i++)
		if ((resource->indexes[i]->flags & CONSORT_INDEX_UNIQUE) &&
		    compares_all(r, source, resource->indexes[i]->attributes,
				 resource->indexes[i]->nattributes))
			return true;
	return false;
}

/* A record that gives several rows is no place to go on behind. */
static bool check_sources(struct consort_resolver *r)
{
	uint32_t i;

	for (i = 1; i < r->nsources; i++) {
		const struct consort_source *source = &r->sources[i];

		if (!leads_to_one(r, source))
			return consort_query_fail(
				r, -1, CONSORT_EINVAL,
				"a query that follows %s.%s cannot be paged after a key: that may lead to "
				"several records of %s, which has no key or unique index in '%s' alone",
				r->sources[source->parent].resource->name, source->via->name,
				source->resource->name, source->via->to[0]);
	}
	return true;
}

bool consort_resolve_after(struct consort_resolved *q, struct consort_exprs *out_key)
{
	struct consort_resolver *r = &q->r;
	const struct consort_resource *resource = r->sources[0].resource;

	if (!resource->nkeys)
		return consort_query_fail(r, -1, CONSORT_EINVAL, "%s has no key to page after",
					  resource->name);
	if (q->clauses->nafter != resource->nkeys)
		return consort_query_fail(r, -1, CONSORT_EINVAL,
					  "the key of %s has %u attribute%s, but %u %s given", resource->name,
					  resource->nkeys, resource->nkeys == 1 ? "" : "s",
					  q->clauses->nafter, q->clauses->nafter == 1 ? "was" : "were");
	r->text = NULL;
	return check_sources(r) && complete_order(q, out_key) && consort_exprs_add(r, &q->where, behind(q));
}
