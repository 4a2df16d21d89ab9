/* SPDX-License-Identifier: Apache-2.0 */
/* A plan's nodes, each as a stage over the one below. What one says of a node holds for offers and compiles
 * alike. */
#include "plan.h"

#include <string.h>

static struct mongo_relation *relation_of(struct mongo_builder *builder, const struct consort_node *node);

/* --- parts --- */

struct mongo_relation *mongo_no_memory(struct mongo_builder *builder)
{
	if (!builder->status)
		builder->status = consort_error_no_memory(builder->error);
	return NULL;
}

static void answer(struct mongo_builder *builder, uint32_t number, uint32_t fidelity, const char *reason)
{
	if (!builder->offer || number >= builder->offer->count)
		return;
	builder->offer->fidelity[number] = (uint8_t)fidelity;
	builder->offer->reason[number] = reason;
}

struct mongo_relation *mongo_accept(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation)
{
	answer(builder, node->number, CONSORT_FIDELITY_EXACT, NULL);
	return relation;
}

struct mongo_relation *mongo_refuse(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation, const char *reason)
{
	answer(builder, node->number, CONSORT_FIDELITY_NO, reason);
	if (builder->offer) {
		relation->reason = reason;
		return relation;
	}
	builder->status = consort_error_set(builder->error, CONSORT_EUNSUPPORTED, "%s", reason);
	return NULL;
}

static struct mongo_relation *new_relation(struct mongo_builder *builder, uint32_t nterms)
{
	struct mongo_relation *relation = consort_arena_alloc(builder->arena, sizeof(*relation));

	if (!relation)
		return mongo_no_memory(builder);
	relation->end = &relation->stages;
	relation->terms = consort_arena_array(builder->arena, nterms, sizeof(struct mongo_term *));
	relation->nterms = nterms;
	return relation->terms ? relation : mongo_no_memory(builder);
}

struct mongo_term *mongo_term_new(struct mongo_builder *builder)
{
	struct mongo_term *term = consort_arena_alloc(builder->arena, sizeof(*term));

	if (!term)
		mongo_no_memory(builder);
	return term;
}

struct mongo_term *mongo_term_of(struct mongo_term *const *terms, uint32_t nterms,
				 const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_COLUMN && expr->index < nterms ? terms[expr->index] : NULL;
}

void mongo_use(struct mongo_builder *builder, struct mongo_term *term)
{
	term->used = true;
	builder->texts |= term->type.id == CONSORT_TYPE_TEXT;
}

struct mongo_stage *mongo_stage_add(struct mongo_builder *builder, struct mongo_relation *relation,
				    enum mongo_stage_kind kind)
{
	struct mongo_stage *stage = consort_arena_alloc(builder->arena, sizeof(*stage));

	if (!stage) {
		mongo_no_memory(builder);
		return NULL;
	}
	stage->kind = kind;
	stage->terms = relation->terms;
	stage->nterms = relation->nterms;
	*relation->end = stage;
	relation->end = &stage->next;
	return stage;
}

/* --- SCAN --- */

static struct mongo_relation *scan(struct mongo_builder *builder, const struct consort_node *node)
{
	struct mongo_relation *relation = new_relation(builder, node->nattributes);
	uint32_t i;

	if (!relation)
		return NULL;
	relation->resource = node->resource;
	relation->base = relation->terms;
	relation->nbase = relation->nterms;
	for (i = 0; i < node->nattributes; i++) {
		const struct consort_attribute *attribute = node->resource->attributes[node->attributes[i]];
		struct mongo_term *term = mongo_term_new(builder);

		if (!term)
			return NULL;
		relation->terms[i] = term;
		term->path = attribute->source;
		term->type = attribute->type;
		term->resource = node->resource;
		term->attribute = node->attributes[i];
		term->name = attribute->name;
		term->nullable = !(attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL);
		term->nested = strchr(attribute->source, '.') != NULL;
		builder->status = mongo_storage_of(node->resource, attribute, &term->storage, builder->error);
		if (builder->status)
			return NULL;
	}
	return mongo_accept(builder, node, relation);
}

/* --- FILTER --- */

static uint32_t fidelity_of(struct mongo_builder *builder, struct mongo_relation *relation,
			    const struct consort_expr *expr)
{
	struct mongo_render render = {.error = builder->error, .builder = builder};
	bson_t trial = BSON_INITIALIZER;
	uint32_t fidelity = mongo_match(&render, relation->terms, relation->nterms, expr, true, &trial);

	bson_destroy(&trial);
	if (expr->flags & CONSORT_EXPR_CAN_FAIL && fidelity == CONSORT_FIDELITY_EXACT) {
		fidelity = CONSORT_FIDELITY_SUPERSET;
		render.reason = "it can fail, which the core tells";
	}
	builder->status = render.status;
	builder->reason = fidelity == CONSORT_FIDELITY_EXACT ? NULL : render.reason;
	return fidelity;
}

static struct mongo_relation *filter(struct mongo_builder *builder, const struct consort_node *node,
				     struct mongo_relation *relation)
{
	struct mongo_stage *stage;
	uint32_t exact = 0, i;

	if (relation->lone)
		return mongo_refuse(builder, node, relation,
				    "MongoDB makes no record of nothing, which the core does");
	stage = mongo_stage_add(builder, relation, MONGO_STAGE_MATCH);
	if (!stage)
		return NULL;
	stage->exprs = consort_arena_array(builder->arena, node->nexprs, sizeof(*stage->exprs));
	if (!stage->exprs)
		return mongo_no_memory(builder);
	for (i = 0; i < node->nexprs; i++) {
		uint32_t fidelity = fidelity_of(builder, relation, node->exprs[i]);

		if (builder->status)
			return NULL;
		answer(builder, node->first_conjunct + i, fidelity, builder->reason);
		exact += fidelity == CONSORT_FIDELITY_EXACT;
		if (fidelity != CONSORT_FIDELITY_NO)
			stage->exprs[stage->nexprs++] = node->exprs[i];
	}
	relation->loose |= exact < node->nexprs;
	answer(builder, node->number,
	       exact == node->nexprs ? CONSORT_FIDELITY_EXACT
	       : stage->nexprs	     ? CONSORT_FIDELITY_SUPERSET
				     : CONSORT_FIDELITY_NO,
	       exact == node->nexprs ? NULL : "some of its conditions stay in the core");
	return relation;
}

/* --- KEYED --- */

static bool is_first(const uint32_t *columns, uint32_t ncolumns, const struct mongo_term *term)
{
	return ncolumns && columns[0] == term->attribute;
}

static bool is_indexed(const struct consort_resource *resource, const struct mongo_term *term)
{
	uint32_t i;

	if (!resource || !strcmp(term->path, "_id"))
		return true;
	for (i = 0; i < resource->nindexes; i++)
		if (is_first(resource->indexes[i]->attributes, resource->indexes[i]->nattributes, term))
			return true;
	return is_first(resource->keys, resource->nkeys, term);
}

static struct mongo_relation *keyed(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation)
{
	struct mongo_stage *stage;
	bool indexed = false;
	uint32_t i;

	if (relation->grouped || relation->joined || relation->limited || relation->keyed)
		return mongo_refuse(builder, node, relation,
				    "MongoDB is given key sets of a collection alone");
	for (i = 0; i < node->nexprs; i++) {
		struct mongo_term *term = mongo_term_of(relation->terms, relation->nterms, node->exprs[i]);

		if (!term || term->nested || !mongo_codecs[term->storage.codec].equality)
			return mongo_refuse(builder, node, relation,
					    "MongoDB does not compare these keys as the core does");
		mongo_use(builder, term);
		indexed |= is_indexed(relation->resource, term);
	}
	stage = mongo_stage_add(builder, relation, MONGO_STAGE_KEYS);
	if (!stage)
		return NULL;
	stage->exprs = consort_arena_array(builder->arena, node->nexprs, sizeof(*stage->exprs));
	if (!stage->exprs)
		return mongo_no_memory(builder);
	memcpy(stage->exprs, node->exprs, node->nexprs * sizeof(*stage->exprs));
	stage->nexprs = node->nexprs;
	relation->keyed = true;
	if (builder->offer && indexed)
		builder->offer->flags |= CONSORT_OFFER_KEYS_INDEXED;
	return mongo_accept(builder, node, relation);
}

/* --- PROJECT and LIMIT --- */

static struct mongo_relation *project(struct mongo_builder *builder, const struct consort_node *node,
				      struct mongo_relation *relation)
{
	struct mongo_term **terms =
		consort_arena_array(builder->arena, node->nexprs, sizeof(struct mongo_term *));
	uint32_t i;

	if (!terms)
		return mongo_no_memory(builder);
	for (i = 0; i < node->nexprs; i++) {
		terms[i] = mongo_term_of(relation->terms, relation->nterms, node->exprs[i]);
		if (!terms[i])
			return mongo_refuse(builder, node, relation,
					    "what is computed of fields is the core's");
	}
	relation->terms = terms;
	relation->nterms = node->nexprs;
	return mongo_accept(builder, node, relation);
}

static bool is_limit(const struct consort_expr *expr)
{
	return !expr || expr->kind == CONSORT_EXPR_PARAMETER ||
	       (expr->kind == CONSORT_EXPR_LITERAL && expr->value.type.id == CONSORT_TYPE_INT64 &&
		expr->value.as.int64 >= 0);
}

static struct mongo_relation *limit(struct mongo_builder *builder, const struct consort_node *node,
				    struct mongo_relation *relation)
{
	struct mongo_stage *stage;

	if (!is_limit(node->limit) || !is_limit(node->offset))
		return mongo_refuse(builder, node, relation, "the limit is no number from 0");
	if (relation->lone)
		return mongo_refuse(builder, node, relation,
				    "MongoDB makes no record of nothing, which the core does");
	stage = mongo_stage_add(builder, relation, MONGO_STAGE_LIMIT);
	if (!stage)
		return NULL;
	stage->limit = node->limit;
	stage->offset = node->offset;
	relation->limited = true;
	return mongo_accept(builder, node, relation);
}

/* --- UPDATE and DELETE --- */

static struct mongo_relation *change(struct mongo_builder *builder, const struct consort_node *node,
				     struct mongo_relation *relation)
{
	builder->reason = NULL;
	builder->status = mongo_change_offer(builder, node, relation);
	if (builder->status)
		return NULL;
	return builder->reason ? mongo_refuse(builder, node, relation, builder->reason)
			       : mongo_accept(builder, node, relation);
}

/* --- the tree --- */

static struct mongo_relation *over_input(struct mongo_builder *builder, const struct consort_node *node)
{
	struct mongo_relation *relation = relation_of(builder, node->inputs[0]);

	if (!relation)
		return NULL;
	if (relation->reason)
		return mongo_refuse(builder, node, relation, relation->reason);
	if (relation->keyed && node->kind != CONSORT_NODE_FILTER && node->kind != CONSORT_NODE_PROJECT &&
	    node->kind != CONSORT_NODE_UPDATE && node->kind != CONSORT_NODE_DELETE)
		return mongo_refuse(builder, node, relation, "a set of keys may take several commands");
	switch (node->kind) {
	case CONSORT_NODE_FILTER:
		return filter(builder, node, relation);
	case CONSORT_NODE_KEYED:
		return keyed(builder, node, relation);
	case CONSORT_NODE_PROJECT:
		return project(builder, node, relation);
	case CONSORT_NODE_AGGREGATE:
		return mongo_group(builder, node, relation);
	case CONSORT_NODE_SORT:
		return mongo_sort(builder, node, relation);
	case CONSORT_NODE_LIMIT:
		return limit(builder, node, relation);
	case CONSORT_NODE_UPDATE:
	case CONSORT_NODE_DELETE:
		return change(builder, node, relation);
	default:
		return mongo_refuse(builder, node, relation, "the adapter does not know this part of a plan");
	}
}

static struct mongo_relation *unknown(struct mongo_builder *builder, const struct consort_node *node)
{
	struct mongo_relation *relation = new_relation(builder, 0);

	return relation ? mongo_refuse(builder, node, relation,
				       "the adapter does not know this part of a plan")
			: NULL;
}

static struct mongo_relation *relation_of(struct mongo_builder *builder, const struct consort_node *node)
{
	if (builder->status)
		return NULL;
	if (node->kind == CONSORT_NODE_SCAN)
		return scan(builder, node);
	if (node->kind == CONSORT_NODE_JOIN)
		return mongo_join(builder, node);
	return node->ninputs == 1 ? over_input(builder, node) : unknown(builder, node);
}

struct mongo_relation *mongo_relation_of(struct mongo_builder *builder, const struct consort_node *node)
{
	return relation_of(builder, node);
}
