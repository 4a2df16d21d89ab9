/* SPDX-License-Identifier: Apache-2.0 */
/* JOIN: $lookup of another collection of the database by one attribute of each. NULL meets nothing. */
#include "plan.h"

#include <stdio.h>

#define AS "_consort_j%u"
#define AS_SIZE 24

/* Is the right side a collection, perhaps with conditions? */
static bool is_plain(const struct mongo_relation *relation)
{
	return !relation->keyed && !relation->grouped && !relation->joined && !relation->limited &&
	       !relation->sorted;
}

static struct mongo_term *right_term(struct mongo_builder *builder, const struct mongo_term *from,
				     uint32_t number, bool outer)
{
	struct mongo_term *term = mongo_term_new(builder);

	if (!term)
		return NULL;
	*term = *from;
	term->path = consort_arena_printf(builder->arena, AS ".%s", number, from->path);
	term->nullable |= outer;
	if (!term->path)
		mongo_no_memory(builder);
	return term->path ? term : NULL;
}

/* The two columns of "left = right", in that order; NULL and the reason. */
static const char *find_keys(const struct consort_node *node, const struct mongo_relation *left,
			     const struct mongo_relation *right, struct mongo_term **out_left,
			     struct mongo_term **out_right)
{
	const struct consort_expr *expr = node->nexprs == 1 ? node->exprs[0] : NULL, *a, *b;

	if (!expr || expr->kind != CONSORT_EXPR_CALL || expr->op != CONSORT_OP_EQ ||
	    expr->args[0]->kind != CONSORT_EXPR_COLUMN || expr->args[1]->kind != CONSORT_EXPR_COLUMN)
		return "MongoDB is given joins by one attribute of each side";
	a = expr->args[0]->index < left->nterms ? expr->args[0] : expr->args[1];
	b = a == expr->args[0] ? expr->args[1] : expr->args[0];
	if (a->index >= left->nterms || b->index < left->nterms || b->index - left->nterms >= right->nterms)
		return "MongoDB is given joins by one attribute of each side";
	*out_left = left->terms[a->index];
	*out_right = right->terms[b->index - left->nterms];
	if ((*out_left)->type.id != (*out_right)->type.id || (*out_left)->nested || (*out_right)->nested ||
	    !mongo_codecs[(*out_left)->storage.codec].equality ||
	    !mongo_codecs[(*out_right)->storage.codec].equality)
		return "MongoDB does not compare these attributes as the core does";
	if (mongo_codecs[(*out_left)->storage.codec].schema !=
		    mongo_codecs[(*out_right)->storage.codec].schema &&
	    (*out_left)->type.id == CONSORT_TYPE_TIMESTAMP)
		return "the two sides keep their values differently";
	return NULL;
}

static const char *why_not(const struct consort_node *node, const struct mongo_relation *left,
			   const struct mongo_relation *right)
{
	if (node->join == CONSORT_JOIN_FULL || node->join < CONSORT_JOIN_INNER ||
	    node->join > CONSORT_JOIN_ANTI)
		return "MongoDB has no such join";
	if (left->keyed || left->grouped || !is_plain(right))
		return "MongoDB joins collections alone";
	return NULL;
}

static bool keeps_right(const struct consort_node *node)
{
	return node->join == CONSORT_JOIN_INNER || node->join == CONSORT_JOIN_LEFT;
}

/* The join's columns, over the left relation. */
static struct mongo_relation *add_terms(struct mongo_builder *builder, const struct consort_node *node,
					struct mongo_relation *left, const struct mongo_relation *right,
					uint32_t number)
{
	uint32_t nterms = left->nterms + (keeps_right(node) ? right->nterms : 0), i;
	struct mongo_term **terms = consort_arena_array(builder->arena, nterms, sizeof(struct mongo_term *));

	if (!terms)
		return mongo_no_memory(builder);
	for (i = 0; i < nterms; i++) {
		terms[i] = i < left->nterms ? left->terms[i]
					    : right_term(builder, right->terms[i - left->nterms], number,
							 node->join == CONSORT_JOIN_LEFT);
		if (!terms[i])
			return NULL;
	}
	left->terms = terms;
	left->nterms = nterms;
	return left;
}

struct mongo_relation *mongo_join(struct mongo_builder *builder, const struct consort_node *node)
{
	struct mongo_relation *left = mongo_relation_of(builder, node->inputs[0]);
	struct mongo_relation *right = left ? mongo_relation_of(builder, node->inputs[1]) : NULL;
	struct mongo_term *left_key = NULL, *right_key = NULL;
	struct mongo_stage *stage, *below;
	const char *reason;

	if (!left || !right)
		return NULL;
	reason = left->reason ? left->reason : right->reason ? right->reason : why_not(node, left, right);
	if (!reason)
		reason = find_keys(node, left, right, &left_key, &right_key);
	if (reason)
		return mongo_refuse(builder, node, left, reason);
	mongo_use(builder, left_key);
	mongo_use(builder, right_key);
	stage = mongo_stage_add(builder, left, MONGO_STAGE_JOIN);
	if (!stage)
		return NULL;
	stage->right = right;
	stage->join = node->join;
	stage->number = builder->njoins++;
	stage->left_key = left_key;
	stage->right_key = right_key;
	for (below = right->stages; below; below = below->next)
		below->checks = true;
	left->joined = true;
	if (builder->offer) /* its one condition */
		builder->offer->fidelity[node->first_conjunct] = CONSORT_FIDELITY_EXACT;
	left = add_terms(builder, node, left, right, stage->number);
	return left ? mongo_accept(builder, node, left) : NULL;
}

/* --- BSON --- */

/* {$match: {key: {$ne: null}, $expr: …}}, and the right side's own conditions */
static uint32_t append_right(struct mongo_render *render, const struct mongo_stage *stage, bson_t *out)
{
	bson_t step, condition, test;
	uint32_t at = 0, status;

	mongo_stage_begin(out, &at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$match", &condition);
	bson_append_document_begin(&condition, stage->right_key->path, -1, &test);
	BSON_APPEND_NULL(&test, "$ne");
	bson_append_document_end(&condition, &test);
	mongo_append_check(&condition, &stage->right_key, 1);
	bson_append_document_end(&step, &condition);
	mongo_stage_end(out, &step);
	status = mongo_render_stages(render, stage->right->stages, NULL, &at, out);
	if (stage->join != CONSORT_JOIN_SEMI && stage->join != CONSORT_JOIN_ANTI)
		return status;
	mongo_stage_begin(out, &at, &step);
	BSON_APPEND_INT32(&step, "$limit", 1);
	mongo_stage_end(out, &step);
	return status;
}

/* What becomes of the records that were found. */
static void append_found(const struct mongo_stage *stage, const char *as, uint32_t *at, bson_t *out)
{
	bson_t step, inside, test;
	char path[AS_SIZE + 2];

	mongo_stage_begin(out, at, &step);
	switch (stage->join) {
	case CONSORT_JOIN_SEMI:
	case CONSORT_JOIN_ANTI:
		BSON_APPEND_DOCUMENT_BEGIN(&step, "$match", &inside);
		snprintf(path, sizeof(path), "%s.0", as);
		bson_append_document_begin(&inside, path, -1, &test);
		BSON_APPEND_BOOL(&test, "$exists", stage->join == CONSORT_JOIN_SEMI);
		bson_append_document_end(&inside, &test);
		break;
	default:
		BSON_APPEND_DOCUMENT_BEGIN(&step, "$unwind", &inside);
		mongo_append_path(&inside, "path", as);
		BSON_APPEND_BOOL(&inside, "preserveNullAndEmptyArrays", stage->join == CONSORT_JOIN_LEFT);
	}
	bson_append_document_end(&step, &inside);
	mongo_stage_end(out, &step);
}

uint32_t mongo_render_join(struct mongo_render *render, const struct mongo_stage *stage, uint32_t *at,
			   bson_t *out)
{
	bson_t step, lookup, pipeline;
	char as[AS_SIZE];
	uint32_t status;

	snprintf(as, sizeof(as), AS, stage->number);
	mongo_stage_begin(out, at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$lookup", &lookup);
	BSON_APPEND_UTF8(&lookup, "from", stage->right->resource->source);
	BSON_APPEND_UTF8(&lookup, "localField", stage->left_key->path);
	BSON_APPEND_UTF8(&lookup, "foreignField", stage->right_key->path);
	BSON_APPEND_ARRAY_BEGIN(&lookup, "pipeline", &pipeline);
	status = append_right(render, stage, &pipeline);
	bson_append_array_end(&lookup, &pipeline);
	BSON_APPEND_UTF8(&lookup, "as", as);
	bson_append_document_end(&step, &lookup);
	mongo_stage_end(out, &step);
	append_found(stage, as, at, out);
	return status;
}
