/* SPDX-License-Identifier: Apache-2.0 */
/* Null tests and comparisons of a field with a constant. What a field that is missing, or null, or NaN would
 * match by itself is put right. */
#include <math.h>
#include <string.h>

#include "match.h"

#define EXACT CONSORT_FIDELITY_EXACT
#define NO CONSORT_FIDELITY_NO

static uint32_t nothing(bson_t *out)
{
	mongo_match_nothing(out);
	return EXACT;
}

/* --- null --- */

static void is_null(const struct mongo_term *term, bson_t *out)
{
	bson_t tests, negated;

	BSON_APPEND_DOCUMENT_BEGIN(out, term->path, &tests);
	BSON_APPEND_NULL(&tests, "$eq");
	BSON_APPEND_DOCUMENT_BEGIN(&tests, "$not", &negated);
	BSON_APPEND_UTF8(&negated, "$type", "array");
	bson_append_document_end(&tests, &negated);
	bson_append_document_end(out, &tests);
}

static void append_not_null(bson_t *out, const char *path)
{
	bson_t test;

	bson_append_document_begin(out, path, -1, &test);
	BSON_APPEND_NULL(&test, "$ne");
	bson_append_document_end(out, &test);
}

/* A list with a null in it is not null itself. */
static void is_not_null(const struct mongo_term *term, bson_t *out)
{
	bson_t choices, choice, test;

	BSON_APPEND_ARRAY_BEGIN(out, "$or", &choices);
	BSON_APPEND_DOCUMENT_BEGIN(&choices, "0", &choice);
	append_not_null(&choice, term->path);
	bson_append_document_end(&choices, &choice);
	BSON_APPEND_DOCUMENT_BEGIN(&choices, "1", &choice);
	bson_append_document_begin(&choice, term->path, -1, &test);
	BSON_APPEND_UTF8(&test, "$type", "array");
	bson_append_document_end(&choice, &test);
	bson_append_document_end(&choices, &choice);
	bson_append_array_end(out, &choices);
}

uint32_t mongo_match_null(const struct mongo_matching *matching, const struct consort_expr *expr, bool wanted,
			  bson_t *out)
{
	const struct mongo_term *term = mongo_term_of(matching->terms, matching->nterms, expr->args[0]);

	if (!term)
		return mongo_refuse_match(
			matching, "MongoDB is given conditions on fields, not on what is computed of them");
	if (term->nested || term->storage.codec == MONGO_REST)
		return mongo_refuse_match(
			matching,
			"what a path leads to may be missing for MongoDB and be there for the core");
	if (wanted)
		is_null(term, out);
	else
		is_not_null(term, out);
	return EXACT;
}

/* --- comparisons --- */

uint32_t mongo_inverted(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_EQ:
		return CONSORT_OP_NE;
	case CONSORT_OP_NE:
		return CONSORT_OP_EQ;
	case CONSORT_OP_LT:
		return CONSORT_OP_GE;
	case CONSORT_OP_GE:
		return CONSORT_OP_LT;
	case CONSORT_OP_GT:
		return CONSORT_OP_LE;
	default:
		return CONSORT_OP_GT;
	}
}

uint32_t mongo_mirrored(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_LT:
		return CONSORT_OP_GT;
	case CONSORT_OP_GT:
		return CONSORT_OP_LT;
	case CONSORT_OP_LE:
		return CONSORT_OP_GE;
	case CONSORT_OP_GE:
		return CONSORT_OP_LE;
	default:
		return op;
	}
}

/* {path: {$nin: [value, null]}} */
static uint32_t differs(const struct mongo_matching *matching, const struct mongo_term *term,
			const struct consort_expr *value, bson_t *out)
{
	bson_t test, list;
	bool none = false, done;

	bson_append_document_begin(out, term->path, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$nin", &list);
	done = mongo_append_constant(matching, term, value, MONGO_EQUAL, &list, "0", 1, &none);
	BSON_APPEND_NULL(&list, none ? "0" : "1");
	bson_append_array_end(&test, &list);
	bson_append_document_end(out, &test);
	return done ? mongo_path_fidelity(matching, term) : NO;
}

/* {path: value} */
static uint32_t equals(const struct mongo_matching *matching, const struct mongo_term *term,
		       const struct consort_expr *value, bson_t *out)
{
	bool none = false;

	if (!mongo_append_constant(matching, term, value, MONGO_EQUAL, out, term->path, strlen(term->path),
				   &none))
		return NO;
	return none ? nothing(out) : mongo_path_fidelity(matching, term);
}

/* {path: {$lt: value}} */
static bool append_range(const struct mongo_matching *matching, const struct mongo_term *term, uint32_t op,
			 const struct consort_expr *value, bson_t *out)
{
	static const char *const words[] = {[CONSORT_OP_LT] = "$lt",
					    [CONSORT_OP_LE] = "$lte",
					    [CONSORT_OP_GT] = "$gt",
					    [CONSORT_OP_GE] = "$gte"};
	bool below = op == CONSORT_OP_LE || op == CONSORT_OP_GT, done;
	bson_t test;

	bson_append_document_begin(out, term->path, -1, &test);
	done = mongo_append_constant(matching, term, value, below ? MONGO_BELOW : MONGO_ABOVE, &test,
				     words[op], strlen(words[op]), NULL);
	bson_append_document_end(out, &test);
	return done;
}

/* Greater than a number is NaN, too. */
static uint32_t or_nan(const struct mongo_matching *matching, const struct mongo_term *term, uint32_t op,
		       const struct consort_expr *value, bson_t *out)
{
	bson_t choices, choice;
	bool done;

	BSON_APPEND_ARRAY_BEGIN(out, "$or", &choices);
	BSON_APPEND_DOCUMENT_BEGIN(&choices, "0", &choice);
	done = append_range(matching, term, op, value, &choice);
	bson_append_document_end(&choices, &choice);
	BSON_APPEND_DOCUMENT_BEGIN(&choices, "1", &choice);
	bson_append_double(&choice, term->path, -1, (double)NAN);
	bson_append_document_end(&choices, &choice);
	bson_append_array_end(out, &choices);
	return done ? mongo_path_fidelity(matching, term) : NO;
}

/* MongoDB has NaN in no order. */
static uint32_t beside_nan(const struct mongo_matching *matching, const struct mongo_term *term, uint32_t op,
			   const struct consort_expr *value, bson_t *out)
{
	switch (op) {
	case CONSORT_OP_LT:
		return differs(matching, term, value, out);
	case CONSORT_OP_LE:
		append_not_null(out, term->path);
		return mongo_path_fidelity(matching, term);
	case CONSORT_OP_GE:
		return equals(matching, term, value, out);
	default:
		return nothing(out);
	}
}

static uint32_t compare_with(const struct mongo_matching *matching, struct mongo_term *term, uint32_t op,
			     const struct consort_expr *constant, bson_t *out)
{
	const struct consort_value *value = mongo_known(matching, constant);

	if (value && consort_value_is_null(value))
		return nothing(out);
	if (op == CONSORT_OP_EQ)
		return equals(matching, term, constant, out);
	if (op == CONSORT_OP_NE)
		return differs(matching, term, constant, out);
	if (value && value->type.id == CONSORT_TYPE_FLOAT64 && isnan(value->as.float64))
		return beside_nan(matching, term, op, constant, out);
	if (term->type.id == CONSORT_TYPE_FLOAT64 && (op == CONSORT_OP_GT || op == CONSORT_OP_GE))
		return or_nan(matching, term, op, constant, out);
	return append_range(matching, term, op, constant, out) ? mongo_path_fidelity(matching, term) : NO;
}

/* The column and the constant of a comparison, and what it is with the column to the left. */
static struct mongo_term *sides(const struct mongo_matching *matching, const struct consort_expr *expr,
				uint32_t *op, const struct consort_expr **out_constant)
{
	bool turned = mongo_is_constant(expr->args[0]);
	const struct consort_expr *column = expr->args[turned], *constant = expr->args[!turned];
	struct mongo_term *term;

	if (!mongo_is_constant(constant)) {
		mongo_refuse_match(matching, "MongoDB is given comparisons of a field with a constant");
		return NULL;
	}
	*op = turned ? mongo_mirrored(expr->op) : expr->op;
	term = mongo_comparable(matching, column, *op >= CONSORT_OP_LT && *op <= CONSORT_OP_GE);
	if (term && !mongo_go_together(term, constant->type)) {
		mongo_refuse_match(matching, "MongoDB does not compare these types as the core does");
		return NULL;
	}
	*out_constant = constant;
	return term;
}

uint32_t mongo_match_compare(const struct mongo_matching *matching, const struct consort_expr *expr,
			     bool sense, bson_t *out)
{
	const struct consort_expr *constant = NULL;
	uint32_t op = 0;
	struct mongo_term *term = sides(matching, expr, &op, &constant);

	return term ? compare_with(matching, term, sense ? op : mongo_inverted(op), constant, out) : NO;
}

/* NULL equals NULL. */
uint32_t mongo_match_distinct(const struct mongo_matching *matching, const struct consort_expr *expr,
			      bool same, bson_t *out)
{
	const struct consort_expr *constant = NULL;
	const struct consort_value *value;
	uint32_t op = 0;
	struct mongo_term *term = sides(matching, expr, &op, &constant);
	bool none = false, done;
	bson_t test;

	if (!term)
		return NO;
	if (term->nested)
		return mongo_refuse_match(
			matching,
			"what a path leads to may be missing for MongoDB and be there for the core");
	value = mongo_known(matching, constant);
	if (value && consort_value_is_null(value)) {
		if (same)
			is_null(term, out);
		else
			is_not_null(term, out);
		return EXACT;
	}
	if (same)
		return equals(matching, term, constant, out);
	bson_init(&test);
	done = mongo_append_constant(matching, term, constant, MONGO_EQUAL, &test, "$ne", 3, &none);
	if (done && !none) /* else it differs from everything */
		BSON_APPEND_DOCUMENT(out, term->path, &test);
	bson_destroy(&test);
	return done ? EXACT : NO;
}
