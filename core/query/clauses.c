/* SPDX-License-Identifier: Apache-2.0 */
/* The clauses of a query, each from its text to expressions: conditions, columns with their names, orders. */
#include "query/build.h"

#define NO_ITEM UINT32_MAX
#define MOST_KEYS 256 /* items of group, of order */

bool consort_exprs_add(struct consort_resolver *r, struct consort_exprs *list, struct consort_expr *expr)
{
	if (!expr ||
	    !consort_query_grow(r, &list->items, list->count, &list->capacity, sizeof(struct consort_expr *)))
		return false;
	list->items[list->count++] = expr;
	return true;
}

const struct consort_text *consort_resolve_text(struct consort_resolved *q, enum consort_clause clause,
						const char *text)
{
	struct consort_resolver *r = &q->r;
	struct consort_text *parsed = consort_arena_alloc(r->scratch, sizeof(*parsed));

	if (!parsed)
		return consort_query_no_memory(r);
	r->status = consort_text_parse(clause, text, r->scratch, parsed, r->error);
	if (r->status)
		return NULL;
	r->text = parsed;
	return parsed;
}

/* --- conditions --- */

static bool add_conjuncts(struct consort_resolver *r, struct consort_exprs *list,
			  struct consort_expr *condition)
{
	uint32_t i;

	if (!condition || condition->op != CONSORT_OP_AND)
		return consort_exprs_add(r, list, condition);
	for (i = 0; i < condition->nargs; i++)
		if (!add_conjuncts(r, list, consort_query_own(condition->args[i])))
			return false;
	return true;
}

bool consort_resolve_where(struct consort_resolved *q)
{
	uint32_t i;

	q->r.aggregates_refused = "in where: use having";
	for (i = 0; i < q->clauses->nwhere; i++) {
		const struct consort_text *text =
			consort_resolve_text(q, CONSORT_CLAUSE_WHERE, q->clauses->where[i]);

		if (!text || !add_conjuncts(&q->r, &q->where, consort_query_condition(&q->r, text->nodes[0])))
			return false;
	}
	return true;
}

bool consort_resolve_having(struct consort_resolved *q)
{
	q->r.aggregates_refused = NULL;
	if (!q->clauses->having)
		return true;
	q->having = consort_resolve_text(q, CONSORT_CLAUSE_HAVING, q->clauses->having);
	return q->having && add_conjuncts(&q->r, &q->having_conjuncts,
					  consort_query_condition(&q->r, q->having->nodes[0]));
}

/* --- the select list --- */

static bool add_column(struct consort_resolved *q, struct consort_expr *expr, const char *name,
		       const char *path, bool alias)
{
	struct consort_resolver *r = &q->r;

	if (!expr)
		return false;
	if (!name)
		return consort_query_no_memory(r);
	if (!consort_query_grow(r, &q->columns, q->ncolumns, &q->columns_capacity, sizeof(*q->columns)))
		return false;
	q->columns[q->ncolumns++] = (struct consort_column_item){expr, name, path, alias};
	return true;
}

/* A column that is an attribute: called by its name, or by the path to it. */
static bool add_attribute(struct consort_resolved *q, struct consort_expr *expr)
{
	const struct consort_slot *slot = &q->r.slots[expr->index];
	const struct consort_source *source = &q->r.sources[slot->source];
	const char *name = source->resource->attributes[slot->attribute]->name;
	const char *path =
		slot->source ? consort_arena_printf(q->r.arena, "%s.%s", source->path, name) : name;

	if (!path)
		return consort_query_no_memory(&q->r);
	return add_column(q, expr, name, path, false);
}

static bool add_all(struct consort_resolved *q, uint32_t source, int32_t at)
{
	uint32_t count = q->r.sources[source].resource->nattributes, i;

	for (i = 0; i < count; i++) {
		struct consort_expr *expr = consort_query_column(&q->r, source, i, at);

		if (!expr || !add_attribute(q, expr))
			return false;
	}
	return true;
}

static bool is_star(const PgQuery__Node *node)
{
	return node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
	       node->column_ref->fields[node->column_ref->n_fields - 1]->node_case ==
		       PG_QUERY__NODE__NODE_A_STAR;
}

static bool add_star(struct consort_resolved *q, const PgQuery__ColumnRef *node)
{
	int32_t at = consort_text_at(q->r.text, node->location);
	uint32_t source = 0;

	if (node->n_fields > 1 && !consort_query_star(&q->r, at, &source))
		return false;
	return add_all(q, source, at);
}

/* The text from one token to before another, without what blanks it ends with. */
static char *slice(struct consort_resolved *q, uint32_t from, uint32_t to)
{
	const struct consort_text *text = q->r.text;
	int32_t start = text->tokens[from].start, end = text->tokens[to - 1].end;

	return consort_arena_copy(q->r.arena, text->text + start, (size_t)(end - start));
}

/* tokens[from…to) are `expression [[AS] name]`. */
static bool add_item(struct consort_resolved *q, const PgQuery__ResTarget *item, uint32_t from, uint32_t to)
{
	struct consort_resolver *r = &q->r;
	struct consort_expr *expr = consort_query_expr(r, item->val);
	struct consort_word word;

	if (!expr || !consort_query_agree(r, CONSORT_AGREE_SAME, &expr, 1))
		return false;
	if (item->name[0]) { /* protobuf-c has "" for none */
		if (!consort_text_word(r->text, to - 1, r->arena, &word))
			return consort_query_no_memory(r);
		return add_column(q, expr, word.text, NULL, true);
	}
	if (item->val->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
		return add_column(q, expr, slice(q, from, to), NULL, false);
	if (expr->kind == CONSORT_EXPR_COLUMN)
		return add_attribute(q, expr);
	/* a path into a document */
	return add_column(q, expr, expr->args[expr->nargs - 1]->value.as.view.data, slice(q, from, to),
			  false);
}

/* Columns with the same short name are called by their paths. */
static bool tell_apart(struct consort_resolved *q)
{
	struct consort_map names = {0};
	bool done = true;
	uint32_t i;

	for (i = 0; done && i < q->ncolumns; i++) {
		struct consort_column_item *column = &q->columns[i],
					   *other = consort_map_get(&names, column->name);

		if (!other) {
			done = consort_map_put(&names, column->name, column);
			continue;
		}
		if (other->path)
			other->name = other->path;
		if (column->path)
			column->name = column->path;
	}
	consort_map_clear(&names);
	return done || consort_query_no_memory(&q->r);
}

bool consort_resolve_select(struct consort_resolved *q)
{
	const struct consort_text *text;
	size_t i;

	q->r.aggregates_refused = NULL;
	if (!q->clauses->select)
		return add_all(q, 0, -1);
	text = q->select = consort_resolve_text(q, CONSORT_CLAUSE_SELECT, q->clauses->select);
	for (i = 0; text && i < text->nnodes; i++) {
		const PgQuery__ResTarget *item = text->nodes[i]->res_target, *next = NULL;
		uint32_t from = consort_text_token(text, consort_text_at(text, item->location)),
			 to = text->ntokens;

		if (i + 1 < text->nnodes) {
			next = text->nodes[i + 1]->res_target;
			to = consort_text_token(text, consort_text_at(text, next->location)) - 1;
		}
		if (is_star(item->val) ? !add_star(q, item->val->column_ref) : !add_item(q, item, from, to))
			return false;
	}
	return text && tell_apart(q);
}

/* --- group and order --- */

/* The column of the select list that this name was given to by AS: as written, else whatever its case. */
static uint32_t column_called(const struct consort_resolved *q, const char *name)
{
	uint32_t i, found = NO_ITEM;

	for (i = 0; i < q->ncolumns; i++) {
		const struct consort_column_item *column = &q->columns[i];

		if (!column->alias)
			continue;
		if (!strcmp(column->name, name))
			return i;
		if (found == NO_ITEM && !strcasecmp(column->name, name))
			found = i;
	}
	return found;
}

/* The column that an item of group or order names: its position, or a name given in select. NO_ITEM: none.
 * In group an attribute of that name comes first, as in SQL. False: an error. */
static bool find_column(struct consort_resolved *q, const PgQuery__Node *node, uint32_t *out_item)
{
	struct consort_resolver *r = &q->r;
	struct consort_word words[CONSORT_QUERY_WORDS];
	uint32_t count;
	int32_t at;

	*out_item = NO_ITEM;
	if (node->node_case == PG_QUERY__NODE__NODE_A_CONST) {
		const PgQuery__AConst *constant = node->a_const;
		bool integer = constant->val_case == PG_QUERY__A__CONST__VAL_IVAL;

		at = consort_text_at(r->text, constant->location);
		if (!integer || constant->ival->ival < 1 || (uint32_t)constant->ival->ival > q->ncolumns)
			return consort_query_fail(r, at, CONSORT_ERANGE,
						  "%s by a number means a column of select, 1 to %u",
						  consort_text_clause(r->text), q->ncolumns);
		*out_item = (uint32_t)constant->ival->ival - 1;
		return true;
	}
	if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
		return true;
	at = consort_text_at(r->text, node->column_ref->location);
	if (!consort_text_name(r->text, consort_text_token(r->text, at), r->scratch, words, &count))
		return consort_query_no_memory(r);
	if (count != 1 || (r->text->clause == CONSORT_CLAUSE_GROUP &&
			   consort_query_attribute(r->sources[0].resource, &words[0]) >= 0))
		return true;
	*out_item = column_called(q, words[0].text);
	return true;
}

/* The text of group or order; NULL with an error. */
static const struct consort_text *key_text(struct consort_resolved *q, enum consort_clause clause,
					   const char *text)
{
	const struct consort_text *parsed = consort_resolve_text(q, clause, text);

	if (parsed && parsed->nnodes > MOST_KEYS)
		return consort_query_fail(&q->r, -1, CONSORT_ESYNTAX, "%s takes up to %d items",
					  consort_text_clause(parsed), MOST_KEYS);
	return parsed;
}

/* The expression of an item of group or order, of a type that has an order. */
static struct consort_expr *key_expr(struct consort_resolved *q, const PgQuery__Node *node,
				     uint32_t *out_item)
{
	struct consort_resolver *r = &q->r;
	struct consort_expr *expr;

	if (!find_column(q, node, out_item))
		return NULL;
	expr = *out_item == NO_ITEM ? consort_query_expr(r, node) : q->columns[*out_item].expr;
	if (!expr || !consort_query_agree(r, CONSORT_AGREE_SAME, &expr, 1))
		return NULL;
	if (expr->type.id == CONSORT_TYPE_LIST)
		return consort_query_fail_for(r, expr, expr->position, CONSORT_ETYPE,
					      "%s by a list is not understood", consort_text_clause(r->text));
	return expr;
}

/* Does it stand on an aggregate? */
static bool has_aggregate(const struct consort_expr *expr)
{
	uint32_t i;

	if (expr->kind == CONSORT_EXPR_COLUMN)
		return expr->flags & CONSORT_QUERY_AGGREGATE;
	for (i = 0; i < expr->nargs; i++)
		if (has_aggregate(expr->args[i]))
			return true;
	return false;
}

bool consort_resolve_group(struct consort_resolved *q)
{
	const struct consort_text *text;
	uint32_t item;
	size_t i;

	if (!q->clauses->group)
		return true;
	if (!q->clauses->select)
		return consort_query_fail(&q->r, -1, CONSORT_ESYNTAX, "a query with group needs select");
	q->r.aggregates_refused = "in group";
	text = key_text(q, CONSORT_CLAUSE_GROUP, q->clauses->group);
	for (i = 0; text && i < text->nnodes; i++) {
		struct consort_expr *expr = key_expr(q, text->nodes[i], &item);

		if (expr && has_aggregate(expr))
			return consort_query_fail(&q->r, 0, CONSORT_ESYNTAX,
						  "column %u of select is an aggregate, which cannot "
						  "stand in group",
						  item + 1);
		if (!consort_exprs_add(&q->r, &q->groups, expr))
			return false;
	}
	return text != NULL;
}

static bool add_sorting(struct consort_resolved *q, const PgQuery__SortBy *node)
{
	struct consort_resolver *r = &q->r;
	struct consort_sorting sorting = {.at = -1};

	if (node->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING)
		return consort_query_fail(r, consort_text_at(r->text, node->location), CONSORT_ESYNTAX,
					  "using is not understood: write asc or desc");
	sorting.expr = key_expr(q, node->node, &sorting.item);
	if (!sorting.expr ||
	    !consort_query_grow(r, &q->sortings, q->nsortings, &q->sortings_capacity, sizeof(sorting)))
		return false;
	if (node->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC)
		sorting.flags = CONSORT_ORDER_DESCENDING | CONSORT_ORDER_NULLS_FIRST;
	if (node->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST)
		sorting.flags |= CONSORT_ORDER_NULLS_FIRST;
	else if (node->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST)
		sorting.flags &= ~CONSORT_ORDER_NULLS_FIRST;
	q->sortings[q->nsortings++] = sorting;
	return true;
}

bool consort_resolve_order(struct consort_resolved *q)
{
	size_t i;

	q->r.aggregates_refused = NULL;
	if (!q->clauses->order)
		return true;
	q->order = key_text(q, CONSORT_CLAUSE_ORDER, q->clauses->order);
	for (i = 0; q->order && i < q->order->nnodes; i++)
		if (!add_sorting(q, q->order->nodes[i]->sort_by))
			return false;
	return q->order != NULL;
}
