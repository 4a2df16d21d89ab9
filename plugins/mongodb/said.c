/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions on what a path leads to, read as text or as another type. As text, a value that is none is its
 * JSON, which is known well enough to tell mostly what a condition says of it; as any other type it is an
 * error that the core tells, so it is let through.
 */
#include <math.h>
#include <string.h>

#include "path.h"

#define EXACT CONSORT_FIDELITY_EXACT
#define SUPERSET CONSORT_FIDELITY_SUPERSET
#define NO CONSORT_FIDELITY_NO
#define ALL_KINDS ((1u << MONGO_KINDS) - 1)

/* --- tests of a value --- */

static bool append_constant(const struct mongo_test *test, const struct consort_expr *constant, bson_t *out,
			    const char *key)
{
	const struct mongo_term term = {.storage = mongo_plain_storage(constant->type),
					.type = constant->type,
					.name = test->path.text.data};

	return mongo_append_constant(test->matching, &term, constant, MONGO_STORE, out, key, strlen(key),
				     NULL);
}

/* {$in: […]}, or {$nin: […, null]} */
static bool append_list(const struct mongo_test *test, bool sense, bson_t *out)
{
	char digits[16];
	uint32_t at = 0, i;
	const char *key;
	bson_t list;
	bool done = true;

	bson_append_array_begin(out, sense ? "$in" : "$nin", -1, &list);
	for (i = 0; done && i < test->nconstants; i++) {
		const struct consort_value *value = mongo_known(test->matching, test->constants[i]);

		if (value && consort_value_is_null(value))
			continue;
		bson_uint32_to_string(at++, &key, digits, sizeof(digits));
		done = append_constant(test, test->constants[i], &list, key);
	}
	bson_uint32_to_string(at, &key, digits, sizeof(digits));
	if (!sense)
		BSON_APPEND_NULL(&list, key);
	bson_append_array_end(out, &list);
	return done;
}

/* What MongoDB tests a value of the constant's own type with. */
static bool append_test(const struct mongo_test *test, bool sense, bson_t *out)
{
	static const char *const words[] = {[CONSORT_OP_LT] = "$lt",
					    [CONSORT_OP_LE] = "$lte",
					    [CONSORT_OP_GT] = "$gt",
					    [CONSORT_OP_GE] = "$gte"};

	switch (test->op) {
	case CONSORT_OP_LIKE:
		if (!sense)
			BSON_APPEND_NULL(out, "$ne");
		return mongo_append_regex(test->matching, test->constants[0], out, sense ? "$regex" : "$not");
	case CONSORT_OP_EQ:
		if (sense)
			return append_constant(test, test->constants[0], out, "$eq");
		return append_list(test, false, out);
	case CONSORT_OP_IN:
		return append_list(test, sense, out);
	default:
		return append_constant(test, test->constants[0], out, words[test->op]);
	}
}

/* "$nor": none of them is, and what the path leads to is none if `last` says so. */
static void append_no_lists(bson_t *out, const struct mongo_path *path, bool last)
{
	uint32_t at = 0;
	bson_t list;

	BSON_APPEND_ARRAY_BEGIN(out, "$nor", &list);
	mongo_append_lists(&list, &at, path);
	if (last)
		mongo_append_types(&list, &at, path->text.data, MONGO_KIND(ARRAY));
	bson_append_array_end(out, &list);
}

/* --- as text --- */

/* What a condition may say of the JSON texts of values that are no text. */
enum { MAY_BE_TRUE = 1, MAY_BE_FALSE = 2 };

/* Texts that begin with a byte from `from` to `to`, or one text. */
struct said {
	uint32_t kinds;
	unsigned char from, to;
	const char *text;
};

static const struct said said[] = {
	{MONGO_KIND(INT) | MONGO_KIND(LONG) | MONGO_KIND(DOUBLE) | MONGO_KIND(DECIMAL), '-', '9', NULL},
	{MONGO_KIND(DOUBLE) | MONGO_KIND(DECIMAL), '{', '{',
	 NULL}, /* NaN, and what JSON would write as a double */
	{MONGO_KIND(BOOL), 't', 't', "true"},
	{MONGO_KIND(BOOL), 'f', 'f', "false"},
	{MONGO_KIND(ARRAY), '[', '[', NULL},
	{ALL_KINDS & ~(MONGO_KIND(OBJECT) - 1), '{', '{', NULL},
	{MONGO_KIND(SYMBOL) | MONGO_KIND(REGEX) | MONGO_KIND(UNDEFINED), '{', '{', NULL},
};

static unsigned say_of_order(const struct said *of, uint32_t op, const struct consort_value *with)
{
	const struct consort_value text = consort_text(of->text ? of->text : "");
	const unsigned char first = with->as.view.size ? (unsigned char)*with->as.view.data : 0;
	int order = 1;

	if (of->text)
		order = consort_value_compare(&text, with);
	else if (first > of->to)
		order = -1;
	else if (first >= of->from)
		return MAY_BE_TRUE | MAY_BE_FALSE;
	switch (op) {
	case CONSORT_OP_LT:
		return order < 0 ? MAY_BE_TRUE : MAY_BE_FALSE;
	case CONSORT_OP_LE:
		return order <= 0 ? MAY_BE_TRUE : MAY_BE_FALSE;
	case CONSORT_OP_GT:
		return order > 0 ? MAY_BE_TRUE : MAY_BE_FALSE;
	case CONSORT_OP_GE:
		return order >= 0 ? MAY_BE_TRUE : MAY_BE_FALSE;
	default:
		return order == 0 ? MAY_BE_TRUE : MAY_BE_FALSE;
	}
}

static unsigned say_of_pattern(const struct said *of, struct consort_view pattern)
{
	const unsigned char first = pattern.size ? (unsigned char)*pattern.data : 0;

	if (pattern.size && (strchr("%_\\", first) || (first >= of->from && first <= of->to)))
		return MAY_BE_TRUE | MAY_BE_FALSE;
	return MAY_BE_FALSE;
}

static unsigned say(const struct mongo_test *test, const struct said *of)
{
	unsigned result = MAY_BE_FALSE, one;
	uint32_t i;

	for (i = 0; i < test->nconstants; i++) {
		const struct consort_value *value = mongo_known(test->matching, test->constants[i]);

		if (!value)
			return MAY_BE_TRUE | MAY_BE_FALSE;
		if (consort_value_is_null(value))
			continue;
		one = test->op == CONSORT_OP_LIKE ? say_of_pattern(of, value->as.view)
						  : say_of_order(of, test->op, value);
		result = ((result | one) & MAY_BE_TRUE) | (result & one & MAY_BE_FALSE);
	}
	return result;
}

/* {path: {test}} as an element of `list`; `kind` is the only one that is meant, if there is one. */
static bool append_choice(const struct mongo_test *test, bool sense, const char *kind, bson_t *list,
			  uint32_t *at)
{
	bson_t choice, tests;
	bool done;

	mongo_stage_begin(list, at, &choice);
	bson_append_document_begin(&choice, test->path.text.data, -1, &tests);
	done = append_test(test, sense, &tests);
	if (kind)
		BSON_APPEND_UTF8(&tests, "$type", kind);
	bson_append_document_end(&choice, &tests);
	mongo_stage_end(list, &choice);
	return done;
}

uint32_t mongo_match_as_text(const struct mongo_test *test, bool sense, bson_t *out)
{
	const uint32_t unlike =
		MONGO_KIND(ARRAY) | MONGO_KIND(SYMBOL) | MONGO_KIND(REGEX) | MONGO_KIND(UNDEFINED);
	uint32_t taken = 0, left = 0, at = 0, i;
	bson_t list;
	bool done;

	for (i = 0; i < sizeof(said) / sizeof(*said); i++) {
		const unsigned may = say(test, &said[i]);

		taken |= may & MAY_BE_TRUE ? said[i].kinds : 0;
		left |= may & MAY_BE_FALSE ? said[i].kinds : 0;
	}
	BSON_APPEND_ARRAY_BEGIN(out, "$or", &list);
	done = append_choice(test, sense, sense ? "string" : NULL, &list, &at);
	if (!sense || taken)
		mongo_append_types(&list, &at, test->path.text.data, sense ? taken : unlike);
	bson_append_array_end(out, &list);
	if (!test->path.positions &&
	    (strchr(test->path.text.data, '.') || (sense && !(taken & MONGO_KIND(ARRAY)))))
		append_no_lists(out, &test->path, sense && !(taken & MONGO_KIND(ARRAY)));
	if (!done)
		return NO;
	if (test->path.positions)
		test->matching->render->reason = "MongoDB takes a position for a key, too";
	else if (taken & left)
		test->matching->render->reason = "what is no text is compared as its JSON, in the core";
	else
		return EXACT;
	return SUPERSET;
}

/* --- as another type --- */

/* The kinds of values that MongoDB compares with the constants as the core does. */
static uint32_t comparable(const struct mongo_test *test)
{
	uint32_t mask = test->path.type == CONSORT_TYPE_BOOL
				? MONGO_KIND(BOOL)
				: MONGO_KIND(INT) | MONGO_KIND(LONG) | MONGO_KIND(DOUBLE),
		 i;

	if (test->path.type == CONSORT_TYPE_INT64) /* a double may have to be none */
		mask &= ~MONGO_KIND(DOUBLE);
	for (i = 0; i < test->nconstants; i++) {
		const struct consort_value *value = mongo_known(test->matching, test->constants[i]);
		double number = !value || consort_value_is_null(value)	 ? 0
				: value->type.id == CONSORT_TYPE_FLOAT64 ? value->as.float64
									 : (double)value->as.int64;

		if (isnan(number))
			mask = 0;
		else if (fabs(number) >= 0x1p53 && test->path.type == CONSORT_TYPE_FLOAT64)
			mask &= ~MONGO_KIND(LONG); /* it is read as the nearest double */
	}
	return mask;
}

/* NaN and infinity, which JSON has not */
static void append_unwritten(bson_t *list, uint32_t *at, const char *path)
{
	bson_t choice, tests, values;

	mongo_stage_begin(list, at, &choice);
	bson_append_document_begin(&choice, path, -1, &tests);
	BSON_APPEND_ARRAY_BEGIN(&tests, "$in", &values);
	BSON_APPEND_DOUBLE(&values, "0", (double)NAN);
	BSON_APPEND_DOUBLE(&values, "1", (double)INFINITY);
	BSON_APPEND_DOUBLE(&values, "2", -(double)INFINITY);
	bson_append_array_end(&tests, &values);
	bson_append_document_end(&choice, &tests);
	mongo_stage_end(list, &choice);
}

uint32_t mongo_match_as_type(const struct mongo_test *test, bool sense, bson_t *out)
{
	const uint32_t mask = comparable(test);
	uint32_t at = 0;
	bson_t list;
	bool done;

	BSON_APPEND_ARRAY_BEGIN(out, "$or", &list);
	done = append_choice(test, sense, NULL, &list, &at);
	mongo_append_types(&list, &at, test->path.text.data, ALL_KINDS & ~mask);
	if (mask & MONGO_KIND(DOUBLE))
		append_unwritten(&list, &at, test->path.text.data);
	bson_append_array_end(out, &list);
	test->matching->render->reason = "what is of another type there is an error, which the core tells";
	return done ? SUPERSET : NO;
}
