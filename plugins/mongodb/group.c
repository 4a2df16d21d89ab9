/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AGGREGATE. MongoDB's accumulators pass over what is no number; so each value goes through an expression
 * that fails for one of another type. A sum of integers that does not fit comes as a double, which the reader
 * takes for what it is.
 */
#include "plan.h"

#include <stdio.h>

#define PATH_SIZE 24

static const char *why_no_group(struct mongo_term *term)
{
	if (!term)
		return "MongoDB is given groups of fields";
	if (term->nested)
		return "MongoDB follows a path into lists, too";
	if (!mongo_codecs[term->storage.codec].equality)
		return "MongoDB compares documents, lists and mixed types in its own way";
	return NULL;
}

static const char *why_no_aggregate(const struct consort_aggregate *aggregate, const struct mongo_term *term)
{
	if (aggregate->kind == CONSORT_AGGREGATE_COUNT_ALL)
		return NULL;
	if (!term)
		return "MongoDB is given aggregates of fields";
	if (term->nested || term->storage.codec == MONGO_REST)
		return "MongoDB follows a path into lists, too";
	switch (aggregate->kind) {
	case CONSORT_AGGREGATE_COUNT:
		return NULL;
	case CONSORT_AGGREGATE_SUM:
	case CONSORT_AGGREGATE_AVG:
		return term->type.id == CONSORT_TYPE_DECIMAL ? "MongoDB's decimals round beyond 34 digits"
							     : NULL;
	case CONSORT_AGGREGATE_MIN:
	case CONSORT_AGGREGATE_MAX:
		if (term->type.id == CONSORT_TYPE_FLOAT64)
			return "NaN is least in MongoDB";
		return mongo_codecs[term->storage.codec].order ? NULL
							       : "MongoDB orders these values in its own way";
	default:
		return "MongoDB would hold all the values to count different ones";
	}
}

/* --- terms --- */

static struct mongo_term *group_term(struct mongo_builder *builder, const struct mongo_term *from,
				     uint32_t at)
{
	struct mongo_term *term = mongo_term_new(builder);

	if (!term)
		return NULL;
	*term = *from;
	term->path = consort_arena_printf(builder->arena, "_id.g%u", at);
	term->resource = NULL;
	term->computed = true;
	term->used = false;
	if (!term->path)
		mongo_no_memory(builder);
	return term->path ? term : NULL;
}

static struct mongo_term *aggregate_term(struct mongo_builder *builder,
					 const struct consort_aggregate *aggregate,
					 const struct mongo_term *from, uint32_t at)
{
	struct mongo_term *term = mongo_term_new(builder);

	if (!term)
		return NULL;
	term->path = term->name = consort_arena_printf(builder->arena, "a%u", at);
	term->type = aggregate->type;
	term->storage = mongo_plain_storage(aggregate->type);
	if (aggregate->kind == CONSORT_AGGREGATE_MIN || aggregate->kind == CONSORT_AGGREGATE_MAX)
		term->storage = from->storage;
	term->computed = true;
	term->counts =
		aggregate->kind == CONSORT_AGGREGATE_COUNT || aggregate->kind == CONSORT_AGGREGATE_COUNT_ALL;
	term->nullable = !term->counts;
	if (!term->path)
		mongo_no_memory(builder);
	return term->path ? term : NULL;
}

/* What was let through so far is looked at by the server, since nobody else sees it. */
static void check_below(const struct mongo_relation *relation)
{
	struct mongo_stage *stage;

	for (stage = relation->stages; stage; stage = stage->next)
		stage->checks = true;
}

static struct mongo_term *term_for(const struct mongo_relation *relation, const struct consort_node *node,
				   uint32_t at)
{
	const struct consort_expr *expr =
		at < node->nexprs ? node->exprs[at] : node->aggregates[at - node->nexprs]->input;

	return expr ? mongo_term_of(relation->terms, relation->nterms, expr) : NULL;
}

struct mongo_relation *mongo_group(struct mongo_builder *builder, const struct consort_node *node,
				   struct mongo_relation *relation)
{
	uint32_t nterms = node->nexprs + node->naggregates, i;
	struct mongo_term **terms = consort_arena_array(builder->arena, nterms, sizeof(struct mongo_term *));
	struct mongo_stage *stage;

	if (!terms)
		return mongo_no_memory(builder);
	if (relation->grouped)
		return mongo_refuse(builder, node, relation, "groups of groups are the core's");
	for (i = 0; i < nterms; i++) {
		struct mongo_term *from = term_for(relation, node, i);
		const char *reason = i < node->nexprs
					     ? why_no_group(from)
					     : why_no_aggregate(node->aggregates[i - node->nexprs], from);

		if (reason)
			return mongo_refuse(builder, node, relation, reason);
		if (from)
			mongo_use(builder, from);
		terms[i] = i < node->nexprs ? group_term(builder, from, i)
					    : aggregate_term(builder, node->aggregates[i - node->nexprs],
							     from, i - node->nexprs);
		if (!terms[i])
			return NULL;
	}
	check_below(relation);
	stage = mongo_stage_add(builder, relation, MONGO_STAGE_GROUP);
	if (!stage)
		return NULL;
	stage->exprs = (const struct consort_expr **)(uintptr_t)node->exprs;
	stage->nexprs = node->nexprs;
	stage->aggregates = node->aggregates;
	stage->naggregates = node->naggregates;
	relation->terms = terms;
	relation->nterms = nterms;
	relation->grouped = true;
	relation->sorted = false;
	relation->lone = !node->nexprs;
	return mongo_accept(builder, node, relation);
}

/* --- BSON --- */

/* {$sum: {$cond: [{$gt: ["$path", null]}, 1, 0]}}: null and what is missing are less than any value */
static void append_count(bson_t *out, const char *key, const struct mongo_term *term)
{
	bson_t sum, choice, list, test, sides;

	bson_append_document_begin(out, key, -1, &sum);
	BSON_APPEND_DOCUMENT_BEGIN(&sum, "$sum", &choice);
	BSON_APPEND_ARRAY_BEGIN(&choice, "$cond", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$gt", &sides);
	mongo_append_path(&sides, "0", term->path);
	BSON_APPEND_NULL(&sides, "1");
	bson_append_array_end(&test, &sides);
	bson_append_document_end(&list, &test);
	BSON_APPEND_INT32(&list, "1", 1);
	BSON_APPEND_INT32(&list, "2", 0);
	bson_append_array_end(&choice, &list);
	bson_append_document_end(&sum, &choice);
	bson_append_document_end(out, &sum);
}

static void append_aggregate(bson_t *out, const char *key, const struct consort_aggregate *aggregate,
			     const struct mongo_term *term)
{
	static const char *const words[] = {
		[CONSORT_AGGREGATE_SUM] = "$sum",
		[CONSORT_AGGREGATE_AVG] = "$avg",
		[CONSORT_AGGREGATE_MIN] = "$min",
		[CONSORT_AGGREGATE_MAX] = "$max",
	};
	bson_t made;

	if (aggregate->kind == CONSORT_AGGREGATE_COUNT) {
		append_count(out, key, term);
		return;
	}
	bson_append_document_begin(out, key, -1, &made);
	if (aggregate->kind == CONSORT_AGGREGATE_COUNT_ALL)
		BSON_APPEND_INT64(&made, "$sum", 1);
	else
		mongo_append_checked(&made, words[aggregate->kind], term);
	bson_append_document_end(out, &made);
}

static void append_groups(const struct mongo_stage *stage, bson_t *out)
{
	char key[PATH_SIZE];
	bson_t groups;
	uint32_t i;

	if (!stage->nexprs) {
		BSON_APPEND_NULL(out, "_id");
		return;
	}
	BSON_APPEND_DOCUMENT_BEGIN(out, "_id", &groups);
	for (i = 0; i < stage->nexprs; i++) {
		snprintf(key, sizeof(key), "g%u", i);
		mongo_append_checked(&groups, key, stage->terms[stage->exprs[i]->index]);
	}
	bson_append_document_end(out, &groups);
}

/* A sum of nothing is 0 to MongoDB: so the values are counted too. */
static void append_emptied(const struct mongo_stage *stage, bson_t *out)
{
	char key[PATH_SIZE], count[PATH_SIZE];
	uint32_t i;

	for (i = 0; i < stage->naggregates; i++) {
		bson_t choice, list, test, sides;

		if (stage->aggregates[i]->kind != CONSORT_AGGREGATE_SUM)
			continue;
		snprintf(key, sizeof(key), "a%u", i);
		snprintf(count, sizeof(count), "n%u", i);
		bson_append_document_begin(out, key, -1, &choice);
		BSON_APPEND_ARRAY_BEGIN(&choice, "$cond", &list);
		BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &test);
		BSON_APPEND_ARRAY_BEGIN(&test, "$eq", &sides);
		mongo_append_path(&sides, "0", count);
		BSON_APPEND_INT32(&sides, "1", 0);
		bson_append_array_end(&test, &sides);
		bson_append_document_end(&list, &test);
		BSON_APPEND_NULL(&list, "1");
		mongo_append_path(&list, "2", key);
		bson_append_array_end(&choice, &list);
		bson_append_document_end(out, &choice);
	}
}

void mongo_render_group(const struct mongo_stage *stage, uint32_t *at, bson_t *out)
{
	bson_t step, inside;
	char key[PATH_SIZE];
	bool sums = false;
	uint32_t i;

	mongo_stage_begin(out, at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$group", &inside);
	append_groups(stage, &inside);
	for (i = 0; i < stage->naggregates; i++) {
		const struct consort_aggregate *aggregate = stage->aggregates[i];
		const struct mongo_term *term =
			aggregate->input ? stage->terms[aggregate->input->index] : NULL;

		snprintf(key, sizeof(key), "a%u", i);
		append_aggregate(&inside, key, aggregate, term);
		if (aggregate->kind != CONSORT_AGGREGATE_SUM)
			continue;
		snprintf(key, sizeof(key), "n%u", i);
		append_count(&inside, key, term);
		sums = true;
	}
	bson_append_document_end(&step, &inside);
	mongo_stage_end(out, &step);
	if (!sums)
		return;
	mongo_stage_begin(out, at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$set", &inside);
	append_emptied(stage, &inside);
	bson_append_document_end(&step, &inside);
	mongo_stage_end(out, &step);
}
