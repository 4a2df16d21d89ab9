/* SPDX-License-Identifier: Apache-2.0 */
/* Updates and deletes by query: one node over the scan of the resource and its conditions. */
#include "query/build.h"

/* The attribute that an assignment names, if it may be set. */
static bool target_of(struct consort_resolved *q, const PgQuery__ResTarget *node, uint32_t *out_attribute)
{
	struct consort_resolver *r = &q->r;
	const struct consort_resource *resource = r->sources[0].resource;
	int32_t at = consort_text_at(r->text, node->location);
	struct consort_word word;
	int64_t found;
	uint32_t i;

	if (!consort_text_word(r->text, consort_text_token(r->text, at), r->scratch, &word))
		return consort_query_no_memory(r);
	if (node->n_indirection)
		return consort_query_fail(r, at, CONSORT_ESYNTAX, "only whole attributes can be set");
	found = consort_query_attribute(resource, &word);
	if (found < 0)
		return consort_query_unknown(r, resource, false, &word);
	for (i = 0; i < resource->nkeys; i++)
		if (resource->keys[i] == found)
			return consort_query_fail(r, at, CONSORT_EINVAL,
						  "%s.%s is of the key, which cannot be changed by query",
						  resource->name, word.text);
	if (resource->attributes[found]->flags & CONSORT_ATTRIBUTE_READ_ONLY)
		return consort_query_fail(r, at, CONSORT_EREADONLY, "%s.%s cannot be set", resource->name,
					  word.text);
	*out_attribute = (uint32_t)found;
	return true;
}

static bool resolve_assignments(struct consort_resolved *q, uint32_t **out_attributes,
				struct consort_exprs *out_exprs)
{
	const struct consort_text *text =
		consort_resolve_text(q, CONSORT_CLAUSE_ASSIGNMENTS, q->clauses->assignments);
	struct consort_resolver *r = &q->r;
	const struct consort_resource *resource = r->sources[0].resource;
	uint32_t *attributes, i, j;

	if (!text)
		return false;
	r->aggregates_refused = "in assignments";
	*out_attributes = attributes = consort_arena_array(r->arena, text->nnodes, sizeof(*attributes));
	if (!attributes)
		return consort_query_no_memory(r);
	for (i = 0; i < text->nnodes; i++) {
		const PgQuery__ResTarget *node = text->nodes[i]->res_target;
		struct consort_expr *expr;

		if (!target_of(q, node, &attributes[i]))
			return false;
		for (j = 0; j < i; j++)
			if (attributes[j] == attributes[i])
				return consort_query_fail(r, consort_text_at(text, node->location),
							  CONSORT_ESYNTAX, "%s.%s is set twice",
							  resource->name,
							  resource->attributes[attributes[i]]->name);
		expr = consort_query_expr(r, node->val);
		expr = expr ? consort_query_assign(r, expr, attributes[i]) : NULL;
		if (!consort_exprs_add(r, out_exprs, expr))
			return false;
	}
	return true;
}

/* What a write cannot mean is refused, not left out. */
static bool check_clauses(struct consort_resolved *q, const char *verb)
{
	const struct consort_clauses *c = q->clauses;

	if (c->limit >= 0 || c->offset || c->nafter || c->group || c->having)
		return consort_query_fail(&q->r, -1, CONSORT_EINVAL,
					  "%s by query takes conditions only: no limit, offset, "
					  "paging, group or having",
					  verb);
	return true;
}

/* The node over its input; the key's slots come first, so that the scan's columns do. */
static struct consort_node *build(struct consort_resolved *q, const uint32_t *attributes,
				  const struct consort_exprs *assigned)
{
	struct consort_resolver *r = &q->r;
	const struct consort_resource *resource = r->sources[0].resource;
	struct consort_layout layout = {0};
	const struct consort_place place = {.layout = &layout};
	struct consort_node *node, *input;
	struct consort_exprs placed;
	uint32_t i;

	if (!consort_layout_init(&layout, r))
		return NULL;
	for (i = 0; i < resource->nkeys; i++)
		consort_layout_use_slot(&layout, i);
	for (i = 0; i < assigned->count; i++)
		consort_layout_use(&layout, assigned->items[i]);
	input = consort_layout_build(&layout, &q->where);
	if (!input || !consort_place_exprs(&place, assigned, &placed))
		return NULL;
	node = consort_node_make(r, attributes ? CONSORT_NODE_UPDATE : CONSORT_NODE_DELETE, input, NULL);
	if (!node)
		return NULL;
	node->fields = NULL;
	node->nfields = 0;
	node->resource = resource;
	node->attributes = attributes;
	node->nattributes = node->nexprs = placed.count;
	node->exprs = (const struct consort_expr *const *)placed.items;
	return node;
}

static bool resolve(struct consort_resolved *q, bool delete_records, struct consort_logical *logical)
{
	struct consort_resolver *r = &q->r;
	struct consort_exprs assigned = {0};
	const struct consort_resource *resource;
	uint32_t *attributes = NULL, slot, i;

	if (!check_clauses(q, delete_records ? "a delete" : "an update") ||
	    !consort_query_base(r, q->clauses->resource))
		return false;
	resource = r->sources[0].resource;
	if (resource->flags & CONSORT_RESOURCE_READ_ONLY)
		return consort_query_fail(r, -1, CONSORT_EREADONLY, "%s cannot be written", resource->name);
	for (i = 0; i < resource->nkeys; i++)
		if (!consort_query_slot(r, 0, resource->keys[i], &slot))
			return false;
	r->alone = "a write by query";
	if (!delete_records && !resolve_assignments(q, &attributes, &assigned))
		return false;
	if (!consort_resolve_where(q) || !consort_query_settle(r))
		return false;
	r->text = NULL;
	logical->nuser = r->nparameters;
	logical->root = build(q, attributes, &assigned);
	return logical->root && consort_resolve_parameters(r, logical);
}

enum consort_status consort_query_resolve_write(const struct consort_clauses *clauses, bool delete_records,
						const struct consort_names *names,
						struct consort_arena *arena,
						struct consort_logical *out_logical,
						struct consort_error *error)
{
	struct consort_arena scratch;
	struct consort_resolved q = {
		.r = {.names = names, .arena = arena, .scratch = &scratch, .error = error},
		.clauses = clauses};
	struct consort_logical logical = {0};

	if (!delete_records && !clauses->assignments)
		return consort_error_set(error, CONSORT_EINVAL, "an update by query needs assignments");
	consort_arena_init(&scratch, 0);
	if (resolve(&q, delete_records, &logical))
		*out_logical = logical;
	consort_arena_clear(&scratch);
	return q.r.status;
}
