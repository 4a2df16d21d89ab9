/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SORT. MongoDB has null before everything else, and NaN before all numbers; where the plan wants them
 * elsewhere a rank is computed and sorted by first, which costs the index.
 */
#include "plan.h"

#include <stdio.h>

#define RANK "_consort_r%u"
#define RANK_SIZE 24

static bool is_real(const struct mongo_term *term)
{
	return term->type.id == CONSORT_TYPE_FLOAT64;
}

/* Does the order ask for more than MongoDB's own? */
static bool needs_rank(const struct mongo_term *term, const struct consort_order *order)
{
	bool descending = order->flags & CONSORT_ORDER_DESCENDING,
	     first = order->flags & CONSORT_ORDER_NULLS_FIRST;

	return is_real(term) || (term->nullable && first == descending);
}

static bool is_constant(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER;
}

struct mongo_relation *mongo_sort(struct mongo_builder *builder, const struct consort_node *node,
				  struct mongo_relation *relation)
{
	struct mongo_stage *stage;
	uint32_t i;

	for (i = 0; i < node->norders; i++) {
		struct mongo_term *term =
			mongo_term_of(relation->terms, relation->nterms, node->orders[i]->expr);

		if (is_constant(node->orders[i]->expr))
			continue;
		if (!term)
			return mongo_refuse(builder, node, relation, "MongoDB is given orders of fields");
		if (term->nested)
			return mongo_refuse(builder, node, relation,
					    "MongoDB follows a path into lists, too");
		if (!mongo_codecs[term->storage.codec].order && !is_real(term))
			return mongo_refuse(builder, node, relation,
					    "MongoDB orders these values in its own way");
	}
	stage = mongo_stage_add(builder, relation, MONGO_STAGE_SORT);
	if (!stage)
		return NULL;
	stage->orders = node->orders;
	stage->norders = node->norders;
	for (i = 0; i < node->norders; i++) {
		struct mongo_term *term =
			mongo_term_of(relation->terms, relation->nterms, node->orders[i]->expr);

		if (!term)
			continue;
		mongo_use(builder, term);
		stage->ranks |= needs_rank(term, node->orders[i]);
	}
	relation->sorted = true;
	return mongo_accept(builder, node, relation);
}

/* --- BSON --- */

static void append_direction(bson_t *out, const char *path, bool descending)
{
	BSON_APPEND_INT32(out, path, descending ? -1 : 1);
}

void mongo_render_sort(const struct mongo_stage *stage, bson_t *out)
{
	char rank[RANK_SIZE];
	uint32_t i;

	for (i = 0; i < stage->norders; i++) {
		const struct consort_order *order = stage->orders[i];
		const struct mongo_term *term;

		if (is_constant(order->expr))
			continue;
		term = stage->terms[order->expr->index];
		if (needs_rank(term, order)) {
			snprintf(rank, sizeof(rank), RANK, i);
			append_direction(out, rank, order->flags & CONSORT_ORDER_DESCENDING);
		}
		/* a field that was sorted by already is not named again */
		if (!bson_has_field(out, term->path))
			append_direction(out, term->path, order->flags & CONSORT_ORDER_DESCENDING);
	}
}

/* {$cond: [{op: ["$path", than]}, then, …]; the last place is left open. */
static void begin_choice(bson_t *out, const char *key, bson_t *choice, bson_t *list)
{
	bson_append_document_begin(out, key, -1, choice);
	BSON_APPEND_ARRAY_BEGIN(choice, "$cond", list);
}

static void end_choice(bson_t *out, bson_t *choice, bson_t *list)
{
	bson_append_array_end(choice, list);
	bson_append_document_end(out, choice);
}

static void append_test(bson_t *list, const char *op, const char *path, bool null)
{
	bson_t test, sides;

	BSON_APPEND_DOCUMENT_BEGIN(list, "0", &test);
	bson_append_array_begin(&test, op, -1, &sides);
	mongo_append_path(&sides, "0", path);
	if (null)
		BSON_APPEND_NULL(&sides, "1");
	else
		BSON_APPEND_DOUBLE(&sides, "1", __builtin_nan(""));
	bson_append_array_end(&test, &sides);
	bson_append_document_end(list, &test);
}

/* In ascending order: NULL where the plan wants it, numbers, NaN. */
static void append_rank(bson_t *out, const char *key, const struct mongo_term *term,
			const struct consort_order *order)
{
	bool descending = order->flags & CONSORT_ORDER_DESCENDING,
	     first = order->flags & CONSORT_ORDER_NULLS_FIRST;
	bson_t outer, outer_list, inner, inner_list;

	begin_choice(out, key, &outer, &outer_list);
	append_test(&outer_list, "$lte", term->path, true);
	BSON_APPEND_INT32(&outer_list, "1", first != descending ? 0 : 3);
	if (is_real(term)) {
		begin_choice(&outer_list, "2", &inner, &inner_list);
		append_test(&inner_list, "$eq", term->path, false);
		BSON_APPEND_INT32(&inner_list, "1", 2);
		BSON_APPEND_INT32(&inner_list, "2", 1);
		end_choice(&outer_list, &inner, &inner_list);
	} else {
		BSON_APPEND_INT32(&outer_list, "2", 1);
	}
	end_choice(out, &outer, &outer_list);
}

void mongo_render_ranks(const struct mongo_stage *stage, uint32_t *at, bson_t *out)
{
	bson_t step, fields;
	char rank[RANK_SIZE];
	uint32_t i;

	if (!stage->ranks)
		return;
	mongo_stage_begin(out, at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$set", &fields);
	for (i = 0; i < stage->norders; i++) {
		const struct consort_order *order = stage->orders[i];
		const struct mongo_term *term =
			is_constant(order->expr) ? NULL : stage->terms[order->expr->index];

		if (!term || !needs_rank(term, order))
			continue;
		snprintf(rank, sizeof(rank), RANK, i);
		append_rank(&fields, rank, term, order);
	}
	bson_append_document_end(&step, &fields);
	mongo_stage_end(out, &step);
}
