/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of a query: scans and joins with their conditions, then aggregate, having, sort, limit,
 * projection. The sort stands below the projection, so what is sorted by need not be selected.
 */
#include "query/build.h"

#define NO_ITEM UINT32_MAX

static uint32_t field_flags(const struct consort_expr *expr)
{
	return expr->flags & CONSORT_EXPR_NOT_NULL ? CONSORT_ATTRIBUTE_NOT_NULL : 0;
}

/* Its text, as a name for a column that has none. */
static const char *text_of(struct consort_resolver *r, const struct consort_expr *expr,
			   const struct consort_node *input)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *copy = NULL;

	consort_expr_print(expr, input->fields, input->nfields, &text);
	if (!text.failed)
		copy = consort_arena_copy(r->arena, text.data, text.size);
	consort_buffer_clear(&text);
	return copy ? copy : consort_query_no_memory(r);
}

static const char *aggregate_text(struct consort_resolver *r, const struct consort_aggregate *aggregate,
				  const struct consort_node *input)
{
	static const char *const heads[] = {
		[CONSORT_AGGREGATE_COUNT_ALL] = "count(*",
		[CONSORT_AGGREGATE_COUNT] = "count(",
		[CONSORT_AGGREGATE_SUM] = "sum(",
		[CONSORT_AGGREGATE_AVG] = "avg(",
		[CONSORT_AGGREGATE_MIN] = "min(",
		[CONSORT_AGGREGATE_MAX] = "max(",
		[CONSORT_AGGREGATE_COUNT_DISTINCT] = "count(distinct ",
	};
	const char *inside = aggregate->input ? text_of(r, aggregate->input, input) : "", *name;

	if (!inside)
		return NULL;
	name = consort_arena_printf(r->arena, "%s%s)", heads[aggregate->kind], inside);
	return name ? name : consort_query_no_memory(r);
}

/* --- aggregate --- */

static bool is_grouped(const struct consort_resolved *q)
{
	return q->groups.count || q->r.naggregates || q->having;
}

static bool aggregate_fields(struct consort_resolved *q, struct consort_node *node,
			     const struct consort_node *input)
{
	struct consort_resolver *r = &q->r;
	struct consort_field **fields;
	uint32_t i;

	if (!consort_node_fields(r, node, node->nexprs + node->naggregates, &fields))
		return false;
	for (i = 0; i < node->nfields; i++) {
		const char *name;

		if (i < node->nexprs) {
			name = text_of(r, node->exprs[i], input);
			fields[i] = name ? consort_field_make(r, name, node->exprs[i]->type,
							      field_flags(node->exprs[i]))
					 : NULL;
		} else {
			const struct consort_aggregate *aggregate = node->aggregates[i - node->nexprs];
			bool counts = aggregate->kind <= CONSORT_AGGREGATE_COUNT ||
				      aggregate->kind == CONSORT_AGGREGATE_COUNT_DISTINCT;

			name = aggregate_text(r, aggregate, input);
			fields[i] = name ? consort_field_make(r, name, aggregate->type,
							      counts ? CONSORT_ATTRIBUTE_NOT_NULL : 0)
					 : NULL;
		}
		if (!fields[i])
			return false;
	}
	return true;
}

/* Having alone: a group without columns, so its records are counted. */
static bool add_count(struct consort_resolver *r)
{
	struct consort_aggregate *count = consort_arena_alloc(r->arena, sizeof(*count));

	if (!count)
		return consort_query_no_memory(r);
	if (!consort_query_grow(r, &r->aggregates, r->naggregates, &r->aggregates_capacity, sizeof(count)))
		return false;
	*count = (struct consort_aggregate){.struct_size = sizeof(*count),
					    .kind = CONSORT_AGGREGATE_COUNT_ALL,
					    .type = consort_type_of(CONSORT_TYPE_INT64)};
	r->aggregates[r->naggregates++] = count;
	return true;
}

static struct consort_node *aggregate(struct consort_resolved *q, const struct consort_place *place,
				      const struct consort_node *input)
{
	struct consort_resolver *r = &q->r;
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_AGGREGATE, input, NULL);
	const struct consort_aggregate **aggregates =
		consort_arena_array(r->arena, r->naggregates, sizeof(struct consort_aggregate *));
	struct consort_exprs groups;
	uint32_t i;

	if (!aggregates)
		return consort_query_no_memory(r);
	if (!node || !consort_place_exprs(place, &q->groups, &groups))
		return NULL;
	for (i = 0; i < r->naggregates; i++) {
		struct consort_aggregate *made = r->aggregates[i];

		if (made->input && !(made->input = consort_place_expr(place, made->input)))
			return NULL;
		aggregates[i] = made;
	}
	node->exprs = (const struct consort_expr *const *)groups.items;
	node->nexprs = groups.count;
	node->aggregates = aggregates;
	node->naggregates = r->naggregates;
	return aggregate_fields(q, node, input) ? node : NULL;
}

/* --- sort, limit, project --- */

static struct consort_node *sort(struct consort_resolved *q, const struct consort_place *place,
				 struct consort_expr *const *columns, const struct consort_node *input)
{
	struct consort_resolver *r = &q->r;
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_SORT, input, NULL);
	struct consort_order **orders =
		consort_arena_array(r->arena, q->nsortings, sizeof(struct consort_order *));
	uint32_t i;

	if (!node || !orders)
		return consort_query_no_memory(r);
	r->text = q->order;
	for (i = 0; i < q->nsortings; i++) {
		const struct consort_sorting *sorting = &q->sortings[i];

		orders[i] = consort_arena_alloc(r->arena, sizeof(**orders));
		if (!orders[i])
			return consort_query_no_memory(r);
		orders[i]->struct_size = sizeof(**orders);
		orders[i]->flags = sorting->flags;
		orders[i]->expr = sorting->item == NO_ITEM ? consort_place_expr(place, sorting->expr)
							   : columns[sorting->item];
		if (!orders[i]->expr)
			return NULL;
	}
	node->orders = (const struct consort_order *const *)orders;
	node->norders = q->nsortings;
	return node;
}

static struct consort_node *limit(struct consort_resolved *q, const struct consort_node *input)
{
	struct consort_resolver *r = &q->r;
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_LIMIT, input, NULL);

	if (!node)
		return NULL;
	if (q->clauses->limit >= 0 &&
	    !(node->limit = consort_query_literal(r, consort_int64(q->clauses->limit), -1)))
		return NULL;
	if (q->clauses->offset &&
	    !(node->offset = consort_query_literal(r, consort_int64(q->clauses->offset), -1)))
		return NULL;
	return node;
}

/* `named`: the columns' names, or NULL to call them by their texts. */
static struct consort_node *project(struct consort_resolver *r, const struct consort_exprs *columns,
				    const struct consort_column_item *named, const struct consort_node *input)
{
	struct consort_node *node = consort_node_make(r, CONSORT_NODE_PROJECT, input, NULL);
	struct consort_field **fields;
	uint32_t i;

	if (!node || !consort_node_fields(r, node, columns->count, &fields))
		return NULL;
	for (i = 0; i < columns->count; i++) {
		const struct consort_expr *expr = columns->items[i];
		const char *name = named ? named[i].name : text_of(r, expr, input);
		uint32_t flags = field_flags(expr);

		if (expr->kind == CONSORT_EXPR_COLUMN)
			flags |= input->fields[expr->index]->flags & CONSORT_ATTRIBUTE_STRICT;
		fields[i] = name ? consort_field_make(r, name, expr->type, flags) : NULL;
		if (!fields[i])
			return NULL;
	}
	node->exprs = (const struct consort_expr *const *)columns->items;
	node->nexprs = columns->count;
	return node;
}

/* --- the whole --- */

static bool use_all(struct consort_resolved *q, struct consort_layout *layout)
{
	uint32_t i;

	if (!consort_layout_init(layout, &q->r))
		return false;
	for (i = 0; i < q->ncolumns; i++)
		consort_layout_use(layout, q->columns[i].expr);
	for (i = 0; i < q->groups.count; i++)
		consort_layout_use(layout, q->groups.items[i]);
	for (i = 0; i < q->r.naggregates; i++)
		if (q->r.aggregates[i]->input)
			consort_layout_use(layout, q->r.aggregates[i]->input);
	for (i = 0; i < q->nsortings; i++)
		consort_layout_use(layout, q->sortings[i].expr);
	return true;
}

static bool place_columns(struct consort_resolved *q, const struct consort_place *place,
			  struct consort_exprs *out)
{
	uint32_t i;

	*out = (struct consort_exprs){
		consort_arena_array(q->r.arena, q->ncolumns, sizeof(struct consort_expr *)), q->ncolumns,
		q->ncolumns};
	if (!out->items)
		return consort_query_no_memory(&q->r);
	q->r.text = q->select;
	for (i = 0; i < q->ncolumns; i++) {
		out->items[i] = consort_place_expr(place, q->columns[i].expr);
		if (!out->items[i])
			return false;
	}
	return true;
}

static struct consort_node *build(struct consort_resolved *q)
{
	struct consort_layout layout = {0};
	struct consort_place place = {.layout = &layout, .groups = &q->groups};
	struct consort_exprs columns, having;
	struct consort_node *node = use_all(q, &layout) ? consort_layout_build(&layout, &q->where) : NULL;

	if (node && is_grouped(q)) {
		if (!q->groups.count && !q->r.naggregates && !add_count(&q->r))
			return NULL;
		node = aggregate(q, &place, node);
		place.grouped = true;
	}
	if (!node || !place_columns(q, &place, &columns))
		return NULL;
	if (q->having_conjuncts.count) {
		q->r.text = q->having;
		node = consort_place_exprs(&place, &q->having_conjuncts, &having)
			       ? consort_node_filter(&q->r, node, &having)
			       : NULL;
	}
	if (node && q->nsortings)
		node = sort(q, &place, columns.items, node);
	if (node && (q->clauses->limit >= 0 || q->clauses->offset))
		node = limit(q, node);
	return node ? project(&q->r, &columns, q->columns, node) : NULL;
}

/* The record to page behind, found by its key: what it is ordered by. */
static struct consort_node *build_after(struct consort_resolved *q, const struct consort_exprs *key)
{
	struct consort_resolver *r = &q->r;
	struct consort_layout layout = {0};
	const struct consort_place place = {.layout = &layout};
	struct consort_exprs orders = {0}, placed;
	struct consort_node *input;
	uint32_t i;

	if (!consort_layout_init(&layout, r))
		return NULL;
	for (i = 0; i < q->nsortings; i++) {
		consort_layout_use(&layout, q->sortings[i].expr);
		if (!consort_exprs_add(r, &orders, q->sortings[i].expr))
			return NULL;
	}
	input = consort_layout_build(&layout, key);
	if (!input || !consort_place_exprs(&place, &orders, &placed))
		return NULL;
	return project(r, &placed, NULL, input);
}

static bool check_numbers(struct consort_resolved *q)
{
	if (q->clauses->limit < -1)
		return consort_query_fail(&q->r, -1, CONSORT_ERANGE, "a limit is not negative");
	if (q->clauses->offset < 0)
		return consort_query_fail(&q->r, -1, CONSORT_ERANGE, "an offset is not negative");
	return true;
}

static bool resolve(struct consort_resolved *q, struct consort_logical *logical)
{
	struct consort_resolver *r = &q->r;
	struct consort_exprs key = {0};

	if (!check_numbers(q) || !consort_query_base(r, q->clauses->resource) || !consort_resolve_select(q) ||
	    !consort_resolve_where(q) || !consort_resolve_group(q) || !consort_resolve_having(q) ||
	    !consort_resolve_order(q))
		return false;
	logical->nuser = r->nparameters;
	if (q->clauses->nafter) {
		if (is_grouped(q))
			return consort_query_fail(
				r, -1, CONSORT_ESYNTAX,
				"a query with groups or aggregates has no key to page after");
		logical->nafter_key = q->clauses->nafter;
		if (!consort_resolve_after(q, &key))
			return false;
	}
	if (!consort_query_settle(r))
		return false;
	r->text = NULL;
	logical->root = build(q);
	if (logical->root && key.count)
		logical->after = build_after(q, &key);
	return logical->root && (!key.count || logical->after);
}

bool consort_resolve_parameters(struct consort_resolver *r, struct consort_logical *logical)
{
	struct consort_type *types = consort_arena_array(r->arena, r->nparameters, sizeof(*types));
	uint32_t i;

	if (!types)
		return consort_query_no_memory(r);
	for (i = 0; i < r->nparameters; i++)
		types[i] = r->parameters[i].type;
	logical->parameters = types;
	logical->nparameters = r->nparameters;
	return true;
}

enum consort_status consort_query_resolve(const struct consort_clauses *clauses,
					  const struct consort_names *names, struct consort_arena *arena,
					  struct consort_logical *out_logical, struct consort_error *error)
{
	struct consort_arena scratch;
	struct consort_resolved q = {
		.r = {.names = names, .arena = arena, .scratch = &scratch, .error = error},
		.clauses = clauses};
	struct consort_logical logical = {0};

	consort_arena_init(&scratch, 0);
	if (resolve(&q, &logical) && consort_resolve_parameters(&q.r, &logical))
		*out_logical = logical;
	consort_arena_clear(&scratch);
	return q.r.status;
}
