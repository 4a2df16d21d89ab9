/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions, in the language of find and $match, which indexes serve. They have three values: so each is
 * made in a sense, true or false, negations are pushed to the leaves, and NULL is in neither sense.
 */
#include "match.h"

#include <stdio.h>

#define EXACT CONSORT_FIDELITY_EXACT
#define SUPERSET CONSORT_FIDELITY_SUPERSET
#define NO CONSORT_FIDELITY_NO

static uint32_t match(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
		      bson_t *out);

uint32_t mongo_refuse_match(const struct mongo_matching *matching, const char *reason)
{
	matching->render->reason = reason;
	return NO;
}

void mongo_match_nothing(bson_t *out)
{
	bson_t array, everything;

	BSON_APPEND_ARRAY_BEGIN(out, "$nor", &array);
	BSON_APPEND_DOCUMENT_BEGIN(&array, "0", &everything);
	bson_append_document_end(&array, &everything);
	bson_append_array_end(out, &array);
}

static uint32_t nothing(bson_t *out)
{
	mongo_match_nothing(out);
	return EXACT;
}

/* --- constants --- */

bool mongo_is_constant(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER;
}

/* The value; NULL: it is not known yet. */
const struct consort_value *mongo_known(const struct mongo_matching *matching,
					const struct consort_expr *expr)
{
	if (expr->kind == CONSORT_EXPR_LITERAL)
		return &expr->value;
	return matching->render->run ? consort_run_value(matching->render->run, expr) : NULL;
}

void mongo_append_placeholder(bson_t *out, const char *key, const struct consort_expr *expr)
{
	char text[16];

	snprintf(text, sizeof(text), "$%u", expr->index + 1);
	BSON_APPEND_UTF8(out, key, text);
}

/* Appends a constant under that key; *out_none if nothing can be equal to it. */
bool mongo_append_constant(const struct mongo_matching *matching, const struct mongo_term *term,
			   const struct consort_expr *expr, enum mongo_purpose purpose, bson_t *out,
			   const char *key, size_t key_size, bool *out_none)
{
	const struct consort_value *value = mongo_known(matching, expr);
	struct mongo_storage storage = term->storage;

	if (!value) {
		mongo_append_placeholder(out, key, expr);
		return true;
	}
	if (value->type.id != term->type.id)
		storage = mongo_plain_storage(value->type);
	matching->render->status = mongo_encode(&storage, purpose, value, term->name, out, key, key_size,
						out_none, matching->render->error);
	return !matching->render->status;
}

/* Do values of these types meet in MongoDB as they do in the core? */
bool mongo_go_together(const struct mongo_term *term, struct consort_type type)
{
	if (type.id == CONSORT_TYPE_NULL || type.id == term->type.id)
		return true;
	if (term->type.id == CONSORT_TYPE_INT64)
		return type.id == CONSORT_TYPE_FLOAT64 || type.id == CONSORT_TYPE_DECIMAL;
	return type.id == CONSORT_TYPE_INT64 &&
	       (term->type.id == CONSORT_TYPE_FLOAT64 || term->type.id == CONSORT_TYPE_DECIMAL);
}

/* The column of a condition whose values MongoDB compares as the core does; NULL with the reason. */
struct mongo_term *mongo_comparable(const struct mongo_matching *matching, const struct consort_expr *expr,
				    bool ordered)
{
	struct mongo_term *term = mongo_term_of(matching->terms, matching->nterms, expr);

	if (!term) {
		mongo_refuse_match(matching,
				   "MongoDB is given conditions on fields, not on what is computed of them");
		return NULL;
	}
	if (!mongo_codecs[term->storage.codec].equality) {
		mongo_refuse_match(matching,
				   "MongoDB compares documents, lists and mixed types in its own way");
		return NULL;
	}
	if (ordered && !mongo_codecs[term->storage.codec].order && term->storage.codec != MONGO_FLOAT64) {
		mongo_refuse_match(matching, "MongoDB orders binary values by their length");
		return NULL;
	}
	if (matching->render->builder)
		mongo_use(matching->render->builder, term);
	return term;
}

/* A path that leads into a list meets each of its elements. */
uint32_t mongo_path_fidelity(const struct mongo_matching *matching, const struct mongo_term *term)
{
	if (!term->nested)
		return EXACT;
	matching->render->reason = "MongoDB follows a path into lists, too";
	return SUPERSET;
}

/* --- logic --- */

/* All of them, or one of them. Of all, those that MongoDB cannot have may be left to the core. */
static uint32_t combine(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			bson_t *out)
{
	bool all = (expr->op == CONSORT_OP_AND) == sense;
	uint32_t worst = EXACT, count = 0, i;
	bson_t list;

	bson_append_array_begin(out, all ? "$and" : "$or", -1, &list);
	for (i = 0; i < expr->nargs; i++) {
		bson_t part = BSON_INITIALIZER;
		uint32_t fidelity = match(matching, expr->args[i], sense, &part);
		const char *key;
		char digits[16];
		size_t size = bson_uint32_to_string(count, &key, digits, sizeof(digits));

		if (fidelity != NO) {
			bson_append_document(&list, key, (int)size, &part);
			count++;
		}
		bson_destroy(&part);
		if (fidelity == NO && (!all || matching->render->status)) {
			count = 0;
			break;
		}
		fidelity = fidelity == NO ? SUPERSET : fidelity;
		worst = fidelity < worst ? fidelity : worst;
	}
	bson_append_array_end(out, &list);
	return count ? worst : NO;
}

/* Where the condition does not have that truth value, be it the other one or NULL. */
static uint32_t none_of(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			bson_t *out)
{
	bson_t list, part;
	uint32_t fidelity;

	BSON_APPEND_ARRAY_BEGIN(out, "$nor", &list);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &part);
	fidelity = match(matching, expr, sense, &part);
	bson_append_document_end(&list, &part);
	bson_append_array_end(out, &list);
	return fidelity == EXACT ? EXACT : NO;
}

/* A value that is a condition itself. */
static uint32_t truth(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
		      bson_t *out)
{
	const struct consort_value *value;
	struct mongo_term *term;

	if (!mongo_is_constant(expr)) {
		term = mongo_comparable(matching, expr, false);
		if (!term)
			return NO;
		bson_append_bool(out, term->path, -1, sense);
		return mongo_path_fidelity(matching, term);
	}
	value = mongo_known(matching, expr);
	if (!value || (!consort_value_is_null(value) && (value->as.int64 != 0) == sense))
		return EXACT;
	return nothing(out);
}

static uint32_t match(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
		      bson_t *out)
{
	if (expr->kind != CONSORT_EXPR_CALL)
		return truth(matching, expr, sense, out);
	if (mongo_tests_path(expr))
		return mongo_match_path(matching, expr, sense, out);
	switch (expr->op) {
	case CONSORT_OP_EQ:
	case CONSORT_OP_NE:
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
		return mongo_match_compare(matching, expr, sense, out);
	case CONSORT_OP_NOT_DISTINCT:
		return mongo_match_distinct(matching, expr, sense, out);
	case CONSORT_OP_DISTINCT:
		return mongo_match_distinct(matching, expr, !sense, out);
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
		return combine(matching, expr, sense, out);
	case CONSORT_OP_NOT:
		return match(matching, expr->args[0], !sense, out);
	case CONSORT_OP_IS_NULL:
		return mongo_match_null(matching, expr, sense, out);
	case CONSORT_OP_NOT_NULL:
		return mongo_match_null(matching, expr, !sense, out);
	case CONSORT_OP_IS_TRUE:
		return sense ? match(matching, expr->args[0], true, out)
			     : none_of(matching, expr->args[0], true, out);
	case CONSORT_OP_IS_FALSE:
		return sense ? match(matching, expr->args[0], false, out)
			     : none_of(matching, expr->args[0], false, out);
	case CONSORT_OP_IN:
		return mongo_match_in(matching, expr, sense, out);
	case CONSORT_OP_LIKE:
		return mongo_match_like(matching, expr, sense, out);
	default:
		return mongo_refuse_match(matching, "MongoDB is given no such operator");
	}
}

uint32_t mongo_match(struct mongo_render *render, struct mongo_term *const *terms, uint32_t nterms,
		     const struct consort_expr *expr, bool sense, bson_t *out)
{
	const struct mongo_matching matching = {render, terms, nterms};
	uint32_t fidelity = match(&matching, expr, sense, out);

	return render->status ? NO : fidelity;
}
