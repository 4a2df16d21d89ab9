/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths into documents, what conditions there are on them, and null. MongoDB follows a path into lists, too,
 * which the core does not: so what must not be a list is asked for.
 */
#include "path.h"

#include <string.h>

#define EXACT CONSORT_FIDELITY_EXACT
#define NO CONSORT_FIDELITY_NO

/* --- types --- */

static const char *const kinds[MONGO_KINDS] = {
	[MONGO_IS_DOUBLE] = "double",
	[MONGO_IS_INT] = "int",
	[MONGO_IS_LONG] = "long",
	[MONGO_IS_DECIMAL] = "decimal",
	[MONGO_IS_STRING] = "string",
	[MONGO_IS_BOOL] = "bool",
	[MONGO_IS_ARRAY] = "array",
	[MONGO_IS_SYMBOL] = "symbol",
	[MONGO_IS_REGEX] = "regex",
	[MONGO_IS_UNDEFINED] = "undefined",
	[MONGO_IS_OBJECT] = "object",
	"binData",
	"objectId",
	"date",
	"dbPointer",
	"javascript",
	"javascriptWithScope",
	"timestamp",
	"minKey",
	"maxKey",
};

void mongo_append_types(bson_t *list, uint32_t *at, const char *path, uint32_t mask)
{
	bson_t choice, test, names;
	uint32_t count = 0, i;

	mongo_stage_begin(list, at, &choice);
	bson_append_document_begin(&choice, path, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$type", &names);
	for (i = 0; i < MONGO_KINDS; i++) {
		const char *key;
		char digits[16];
		size_t size;

		if (!(mask & 1u << i))
			continue;
		size = bson_uint32_to_string(count++, &key, digits, sizeof(digits));
		bson_append_utf8(&names, key, (int)size, kinds[i], -1);
	}
	bson_append_array_end(&test, &names);
	bson_append_document_end(&choice, &test);
	mongo_stage_end(list, &choice);
}

/* --- paths --- */

static const struct consort_expr *below_cast(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_CALL && expr->op == CONSORT_OP_CAST ? expr->args[0] : expr;
}

static bool is_path(const struct consort_expr *expr)
{
	expr = below_cast(expr);
	return expr->kind == CONSORT_EXPR_CALL &&
	       (expr->op == CONSORT_OP_PATH || expr->op == CONSORT_OP_PATH_TEXT);
}

/* Why not, or NULL. */
static const char *add_step(struct mongo_path *path, const struct consort_expr *step)
{
	const struct consort_view key = step->value.as.view;

	if (step->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&step->value))
		return "a step of a path is no literal";
	if (path->text.size)
		consort_buffer_char(&path->text, '.');
	if (step->value.type.id == CONSORT_TYPE_INT64) {
		consort_buffer_printf(&path->text, "%lld", (long long)step->value.as.int64);
		path->positions = true;
		return step->value.as.int64 < 0 ? "MongoDB counts no position from the end" : NULL;
	}
	if (step->value.type.id != CONSORT_TYPE_TEXT || !key.size || *key.data == '$' ||
	    memchr(key.data, '.', (size_t)key.size))
		return "MongoDB would take a key of this path for something else";
	consort_buffer_append(&path->text, key.data, (size_t)key.size);
	return NULL;
}

/* The field that holds the document; of those without an attribute the path's first key is one. */
static const char *add_field(struct mongo_path *path, const struct mongo_term *term,
			     const struct consort_expr *first)
{
	if (!term || term->computed ||
	    (term->storage.codec != MONGO_JSON && term->storage.codec != MONGO_REST))
		return "MongoDB is given paths into fields alone";
	if (term->storage.codec == MONGO_JSON) {
		consort_buffer_text(&path->text, term->path);
		return NULL;
	}
	if (strcmp(term->path, term->resource->attributes[term->attribute]->source) ||
	    first->value.type.id != CONSORT_TYPE_TEXT ||
	    mongo_is_field(term->resource, first->value.as.view.data, (size_t)first->value.as.view.size))
		return "the path does not begin at a field without an attribute";
	return NULL;
}

/* False: it is refused. *out is to be cleared in any case. */
static bool read_path(const struct mongo_matching *matching, const struct consort_expr *expr,
		      struct mongo_path *out)
{
	const struct consort_expr *path = below_cast(expr);
	const char *reason = add_field(out, mongo_term_of(matching->terms, matching->nterms, path->args[0]),
				       path->args[1]);
	uint32_t i;

	for (i = 1; !reason && i < path->nargs; i++)
		reason = add_step(out, path->args[i]);
	out->type = expr->type.id;
	if (out->text.failed)
		matching->render->status = consort_error_no_memory(matching->render->error);
	else if (reason)
		mongo_refuse_match(matching, reason);
	else if (matching->render->builder)
		matching->render->builder->texts |= out->type == CONSORT_TYPE_TEXT;
	return !reason && !out->text.failed;
}

/* Appends for each document on the way that it is a list. */
void mongo_append_lists(bson_t *list, uint32_t *at, const struct mongo_path *path)
{
	size_t size = strcspn(path->text.data, ".");
	bson_t choice, test;

	for (; path->text.data[size]; size += 1 + strcspn(path->text.data + size + 1, ".")) {
		mongo_stage_begin(list, at, &choice);
		bson_append_document_begin(&choice, path->text.data, (int)size, &test);
		BSON_APPEND_UTF8(&test, "$type", "array");
		bson_append_document_end(&choice, &test);
		mongo_stage_end(list, &choice);
	}
}

/* --- null --- */

static uint32_t match_null(const struct mongo_matching *matching, const struct mongo_path *path, bool wanted,
			   bson_t *out)
{
	bson_t list, choice, test, negated, names;
	uint32_t at = 0;

	if (path->positions || (path->type != CONSORT_TYPE_TEXT && path->type != CONSORT_TYPE_JSON))
		return mongo_refuse_match(matching,
					  "a list has more at a position to MongoDB than to the core");
	bson_append_array_begin(out, wanted ? "$or" : "$nor", -1, &list);
	mongo_append_lists(&list, &at, path);
	mongo_stage_begin(&list, &at, &choice);
	bson_append_document_begin(&choice, path->text.data, -1, &test);
	BSON_APPEND_NULL(&test, "$eq");
	BSON_APPEND_DOCUMENT_BEGIN(&test, "$not", &negated);
	BSON_APPEND_ARRAY_BEGIN(&negated, "$type", &names);
	BSON_APPEND_UTF8(&names, "0", "array");
	BSON_APPEND_UTF8(&names, "1", "undefined");
	bson_append_array_end(&negated, &names);
	bson_append_document_end(&test, &negated);
	bson_append_document_end(&choice, &test);
	mongo_stage_end(&list, &choice);
	bson_append_array_end(out, &list);
	return EXACT;
}

/* --- the whole --- */

/* Why the path is not compared with these constants, or NULL. */
static const char *why_not(const struct mongo_test *test, bool sense)
{
	uint32_t i;

	if (test->path.type != CONSORT_TYPE_TEXT && test->path.type != CONSORT_TYPE_BOOL &&
	    test->path.type != CONSORT_TYPE_INT64 && test->path.type != CONSORT_TYPE_FLOAT64)
		return "what a path leads to is read as this type in the core";
	if (test->path.positions && !sense)
		return "a list has more at a position to MongoDB than to the core";
	for (i = 0; i < test->nconstants; i++) {
		const uint32_t type = test->constants[i]->type.id;

		if (!mongo_is_constant(test->constants[i]))
			return "MongoDB is given comparisons of a path with constants";
		if (type != CONSORT_TYPE_NULL && type != test->path.type &&
		    (test->path.type == CONSORT_TYPE_TEXT || test->path.type == CONSORT_TYPE_BOOL ||
		     (type != CONSORT_TYPE_INT64 && type != CONSORT_TYPE_FLOAT64)))
			return "MongoDB does not compare these types as the core does";
	}
	return NULL;
}

/* A comparison with NULL is never true, nor is IN ever false beside one. */
static bool is_never(const struct mongo_test *test, bool sense)
{
	uint32_t i;

	for (i = 0; i < test->nconstants; i++) {
		const struct consort_value *value = mongo_known(test->matching, test->constants[i]);

		if (value && consort_value_is_null(value) && (test->op != CONSORT_OP_IN || !sense))
			return true;
	}
	return false;
}

static uint32_t match_test(const struct mongo_test *test, bool sense, bson_t *out)
{
	const char *reason = why_not(test, sense);

	if (reason)
		return mongo_refuse_match(test->matching, reason);
	if (is_never(test, sense)) {
		mongo_match_nothing(out);
		return EXACT;
	}
	return test->path.type == CONSORT_TYPE_TEXT ? mongo_match_as_text(test, sense, out)
						    : mongo_match_as_type(test, sense, out);
}

/* NULL equals NULL, and is another than everything else. */
static uint32_t match_distinct(struct mongo_test *test, bool same, bson_t *out)
{
	const struct consort_expr *constant = test->constants[0];
	uint32_t fidelity, at = 0;
	bson_t list, part;

	if (constant->kind != CONSORT_EXPR_LITERAL)
		return mongo_refuse_match(test->matching,
					  "MongoDB is given comparisons of a path with constants");
	if (consort_value_is_null(&constant->value))
		return match_null(test->matching, &test->path, same, out);
	test->op = CONSORT_OP_EQ;
	if (same)
		return match_test(test, true, out);
	BSON_APPEND_ARRAY_BEGIN(out, "$nor", &list);
	mongo_stage_begin(&list, &at, &part);
	fidelity = match_test(test, true, &part);
	mongo_stage_end(&list, &part);
	bson_append_array_end(out, &list);
	return fidelity == EXACT ? EXACT : NO;
}

static uint32_t match_call(struct mongo_test *test, const struct consort_expr *expr, bool sense, bson_t *out)
{
	static const struct consort_expr yes = {.kind = CONSORT_EXPR_LITERAL,
						.type = {.id = CONSORT_TYPE_BOOL},
						.value = {.type = {.id = CONSORT_TYPE_BOOL}, .as.int64 = 1}};
	static const struct consort_expr *const is_true[] = {&yes};

	switch (expr->op) {
	case CONSORT_OP_IS_NULL:
	case CONSORT_OP_NOT_NULL:
		return match_null(test->matching, &test->path, sense == (expr->op == CONSORT_OP_IS_NULL),
				  out);
	case CONSORT_OP_DISTINCT:
	case CONSORT_OP_NOT_DISTINCT:
		return match_distinct(test, sense == (expr->op == CONSORT_OP_NOT_DISTINCT), out);
	case CONSORT_OP_IN:
	case CONSORT_OP_LIKE:
		test->op = expr->op;
		return match_test(test, sense, out);
	case CONSORT_OP_CAST:
		test->op = CONSORT_OP_EQ;
		test->constants = is_true;
		test->nconstants = 1;
		return match_test(test, sense, out);
	default:
		test->op = is_path(expr->args[0]) ? expr->op : mongo_mirrored(expr->op);
		if (test->op == CONSORT_OP_EQ)
			return match_test(test, sense, out);
		if (test->op == CONSORT_OP_NE) {
			test->op = CONSORT_OP_EQ;
			return match_test(test, !sense, out);
		}
		test->op = sense ? test->op : mongo_inverted(test->op);
		return match_test(test, true, out);
	}
}

bool mongo_tests_path(const struct consort_expr *expr)
{
	switch (expr->op) {
	case CONSORT_OP_EQ:
	case CONSORT_OP_NE:
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
	case CONSORT_OP_NOT_DISTINCT:
	case CONSORT_OP_DISTINCT:
		return is_path(expr->args[0]) || is_path(expr->args[1]);
	case CONSORT_OP_IS_NULL:
	case CONSORT_OP_NOT_NULL:
	case CONSORT_OP_IN:
	case CONSORT_OP_LIKE:
		return is_path(expr->args[0]);
	case CONSORT_OP_CAST:
		return is_path(expr);
	default:
		return false;
	}
}

uint32_t mongo_match_path(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			  bson_t *out)
{
	const bool alone = expr->op == CONSORT_OP_CAST, turned = !alone && !is_path(expr->args[0]);
	struct mongo_test test = {.matching = matching, .constants = expr->args + !turned};
	uint32_t fidelity = NO;

	test.nconstants = turned ? 1 : expr->nargs - 1;
	if (read_path(matching, alone ? expr : expr->args[turned], &test.path))
		fidelity = match_call(&test, expr, sense, out);
	consort_buffer_clear(&test.path.text);
	return fidelity;
}
