/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages to a pipeline, and the expressions that fail for a value of another type than its attribute's: the
 * message goes through a conversion that cannot succeed, since that is how an expression of MongoDB's can
 * fail with words of ours.
 */
#include "plan.h"

#include <stdio.h>
#include <string.h>

void mongo_stage_begin(bson_t *out, uint32_t *at, bson_t *stage)
{
	const char *key;
	char digits[16];
	size_t size = bson_uint32_to_string((*at)++, &key, digits, sizeof(digits));

	bson_append_document_begin(out, key, (int)size, stage);
}

void mongo_stage_end(bson_t *out, bson_t *stage)
{
	bson_append_document_end(out, stage);
}

/* --- checks --- */

void mongo_append_path(bson_t *out, const char *key, const char *path)
{
	char small[256];
	size_t size = strlen(path);
	char *text = size + 2 > sizeof(small) ? bson_malloc(size + 2) : small;

	text[0] = '$';
	memcpy(text + 1, path, size + 1);
	bson_append_utf8(out, key, -1, text, (int)size + 1);
	if (text != small)
		bson_free(text);
}

/* {$in: [{$type: "$path"}, [types…]]} */
static void append_type_test(bson_t *out, const char *key, const char *path, const char *const *types)
{
	bson_t test, sides, type, list;
	char digits[16];
	uint32_t i;

	bson_append_document_begin(out, key, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$in", &sides);
	BSON_APPEND_DOCUMENT_BEGIN(&sides, "0", &type);
	mongo_append_path(&type, "$type", path);
	bson_append_document_end(&sides, &type);
	BSON_APPEND_ARRAY_BEGIN(&sides, "1", &list);
	for (i = 0; types[i]; i++) {
		const char *number;
		size_t size = bson_uint32_to_string(i, &number, digits, sizeof(digits));

		bson_append_utf8(&list, number, (int)size, types[i], -1);
	}
	bson_append_array_end(&sides, &list);
	bson_append_array_end(&test, &sides);
	bson_append_document_end(out, &test);
}

static void append_literal(bson_t *out, const char *key, const char *text)
{
	bson_t literal;

	bson_append_document_begin(out, key, -1, &literal);
	BSON_APPEND_UTF8(&literal, "$literal", text);
	bson_append_document_end(out, &literal);
}

/* {$toInt: {$concat: ["consort: resource 'r', attribute 'a': the document holds a value of the type ",
 * {$type: …}, …]}} */
static void append_failure(bson_t *out, const char *key, const struct mongo_term *term)
{
	bson_t failure, concat, list, type;
	char text[512];

	bson_append_document_begin(out, key, -1, &failure);
	BSON_APPEND_DOCUMENT_BEGIN(&failure, "$toInt", &concat);
	BSON_APPEND_ARRAY_BEGIN(&concat, "$concat", &list);
	snprintf(text, sizeof(text),
		 MONGO_CHECK_MARK
		 "resource '%.120s', attribute '%.120s': a document holds a value of MongoDB's type ",
		 term->resource ? term->resource->name : "", term->name);
	append_literal(&list, "0", text);
	BSON_APPEND_DOCUMENT_BEGIN(&list, "1", &type);
	mongo_append_path(&type, "$type", term->path);
	bson_append_document_end(&list, &type);
	snprintf(text, sizeof(text), ", which is not %s" MONGO_CHECK_END, consort_type_noun(term->type));
	append_literal(&list, "2", text);
	bson_append_array_end(&concat, &list);
	bson_append_document_end(&failure, &concat);
	bson_append_document_end(out, &failure);
}

void mongo_append_checked(bson_t *out, const char *key, const struct mongo_term *term)
{
	static const char *const nulls[] = {"null", "missing", "undefined", NULL};
	const char *const *types = mongo_codecs[term->storage.codec].types;
	bson_t outer, outer_list, inner, inner_list;

	if (!types || term->computed) {
		mongo_append_path(out, key, term->path);
		return;
	}
	bson_append_document_begin(out, key, -1, &outer);
	BSON_APPEND_ARRAY_BEGIN(&outer, "$cond", &outer_list);
	append_type_test(&outer_list, "0", term->path, types);
	mongo_append_path(&outer_list, "1", term->path);
	BSON_APPEND_DOCUMENT_BEGIN(&outer_list, "2", &inner);
	BSON_APPEND_ARRAY_BEGIN(&inner, "$cond", &inner_list);
	append_type_test(&inner_list, "0", term->path, nulls);
	BSON_APPEND_NULL(&inner_list, "1");
	append_failure(&inner_list, "2", term);
	bson_append_array_end(&inner, &inner_list);
	bson_append_document_end(&outer_list, &inner);
	bson_append_array_end(&outer, &outer_list);
	bson_append_document_end(out, &outer);
}

/* {$gte: [checked, MinKey]}: true, or it fails */
static void append_true(bson_t *out, const char *key, const struct mongo_term *term)
{
	bson_t test, sides;

	bson_append_document_begin(out, key, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$gte", &sides);
	mongo_append_checked(&sides, "0", term);
	BSON_APPEND_MINKEY(&sides, "1");
	bson_append_array_end(&test, &sides);
	bson_append_document_end(out, &test);
}

static bool is_checked(const struct mongo_term *term)
{
	return term->used && !term->computed && term->resource && !term->nested;
}

void mongo_append_check(bson_t *out, struct mongo_term *const *terms, uint32_t nterms)
{
	uint32_t count = 0, i;
	bson_t all, list;
	char digits[16];

	for (i = 0; i < nterms; i++)
		count += is_checked(terms[i]);
	if (!count)
		return;
	BSON_APPEND_DOCUMENT_BEGIN(out, "$expr", &all);
	BSON_APPEND_ARRAY_BEGIN(&all, "$and", &list);
	for (count = i = 0; i < nterms; i++) {
		const char *number;

		if (!is_checked(terms[i]))
			continue;
		bson_uint32_to_string(count++, &number, digits, sizeof(digits));
		append_true(&list, number, terms[i]);
	}
	bson_append_array_end(&all, &list);
	bson_append_document_end(out, &all);
}

/* --- MATCH and KEYS --- */

/* Appends a key column's value; the core has taken NULL out. */
static uint32_t append_key(struct mongo_render *render, const struct mongo_term *term,
			   const struct consort_column *column, int64_t row, bson_t *out, const char *key,
			   bool *out_none)
{
	struct consort_value value = consort_column_value(column, row);
	struct mongo_storage storage =
		value.type.id == term->type.id ? term->storage : mongo_plain_storage(value.type);

	return mongo_encode(&storage, MONGO_EQUAL, &value, term->name, out, key, strlen(key), out_none,
			    render->error);
}

/* {path: {$in: […]}} */
static uint32_t append_in(struct mongo_render *render, const struct mongo_stage *stage,
			  const struct mongo_keys *keys, bson_t *out)
{
	const struct mongo_term *term = stage->terms[stage->exprs[0]->index];
	uint32_t status = CONSORT_OK, count = 0;
	bson_t test, list;
	char digits[16];
	int64_t row;

	bson_append_document_begin(out, term->path, -1, &test);
	BSON_APPEND_ARRAY_BEGIN(&test, "$in", &list);
	if (!keys)
		BSON_APPEND_UTF8(&list, "0", "…");
	for (row = keys ? keys->from : 0; !status && keys && row < keys->to; row++) {
		bool none = false;
		const char *number;

		bson_uint32_to_string(count, &number, digits, sizeof(digits));
		status = append_key(render, term, &keys->batch->columns[0], row, &list, number, &none);
		count += !none;
	}
	bson_append_array_end(&test, &list);
	bson_append_document_end(out, &test);
	return status;
}

/* {$or: [{a: …, b: …}, …]} */
static uint32_t append_or(struct mongo_render *render, const struct mongo_stage *stage,
			  const struct mongo_keys *keys, bson_t *out)
{
	uint32_t status = CONSORT_OK, at = 0, i;
	bson_t list, all;
	int64_t row;

	BSON_APPEND_ARRAY_BEGIN(out, "$or", &list);
	for (row = keys ? keys->from : 0; !status && (keys ? row < keys->to : row < 1); row++) {
		mongo_stage_begin(&list, &at, &all);
		for (i = 0; !status && i < stage->nexprs; i++) {
			const struct mongo_term *term = stage->terms[stage->exprs[i]->index];
			bool none = false;

			if (!keys) {
				BSON_APPEND_UTF8(&all, term->path, "…");
				continue;
			}
			status = append_key(render, term, &keys->batch->columns[i], row, &all, term->path,
					    &none);
			if (none)
				mongo_match_nothing(&all);
		}
		mongo_stage_end(&list, &all);
	}
	bson_append_array_end(out, &list);
	return status;
}

static uint32_t append_keys(struct mongo_render *render, const struct mongo_stage *stage,
			    const struct mongo_keys *keys, bson_t *out)
{
	return stage->nexprs == 1 ? append_in(render, stage, keys, out) : append_or(render, stage, keys, out);
}

static bool is_condition(const struct mongo_stage *stage)
{
	return stage->kind == MONGO_STAGE_MATCH || stage->kind == MONGO_STAGE_KEYS;
}

/* One condition of the stages, to an empty document. */
static uint32_t append_condition(struct mongo_render *render, const struct mongo_stage *stage, uint32_t i,
				 const struct mongo_keys *keys, bson_t *out)
{
	if (stage->kind == MONGO_STAGE_KEYS)
		return append_keys(render, stage, keys, out);
	if (mongo_match(render, stage->terms, stage->nterms, stage->exprs[i], true, out) || render->status)
		return render->status;
	return consort_error_set(render->error, CONSORT_EINTERNAL,
				 "a condition was taken that MongoDB cannot have: %s", render->reason);
}

static uint32_t conditions_of(const struct mongo_stage *stage)
{
	return stage->kind == MONGO_STAGE_KEYS ? 1 : stage->nexprs;
}

uint32_t mongo_render_match(struct mongo_render *render, const struct mongo_stage *stages,
			    const struct mongo_keys *keys, bson_t *out)
{
	const struct mongo_stage *stage, *checked = NULL;
	uint32_t count = 0, at = 0, status = CONSORT_OK, i;
	bson_t list, part;

	for (stage = stages; stage && is_condition(stage); stage = stage->next) {
		count += conditions_of(stage);
		checked = stage->checks ? stage : checked;
	}
	if (count > 1)
		BSON_APPEND_ARRAY_BEGIN(out, "$and", &list);
	for (stage = stages; stage && is_condition(stage); stage = stage->next) {
		for (i = 0; !status && i < conditions_of(stage); i++) {
			if (count == 1) {
				status = append_condition(render, stage, i, keys, out);
				continue;
			}
			mongo_stage_begin(&list, &at, &part);
			status = append_condition(render, stage, i, keys, &part);
			mongo_stage_end(&list, &part);
		}
	}
	if (count > 1)
		bson_append_array_end(out, &list);
	if (checked)
		mongo_append_check(out, checked->terms, checked->nterms);
	return status;
}

/* --- pipelines --- */

int64_t mongo_render_limit(struct mongo_render *render, const struct consort_expr *expr)
{
	const struct consort_value *value;

	if (!expr)
		return -1;
	if (expr->kind == CONSORT_EXPR_LITERAL)
		return expr->value.as.int64;
	value = render->run ? consort_run_value(render->run, expr) : NULL;
	if (!value || consort_value_is_null(value))
		return value || render->run ? -1 : 1;
	if (value->as.int64 < 0)
		render->status = consort_error_set(render->error, CONSORT_ERANGE, "a limit is less than 0");
	return value->as.int64;
}

static void append_number(bson_t *out, uint32_t *at, const char *word, int64_t number)
{
	bson_t step;

	mongo_stage_begin(out, at, &step);
	bson_append_int64(&step, word, -1, number);
	mongo_stage_end(out, &step);
}

/* MongoDB takes no limit of 0. */
static uint32_t append_limit(struct mongo_render *render, const struct mongo_stage *stage, uint32_t *at,
			     bson_t *out)
{
	int64_t limit = mongo_render_limit(render, stage->limit),
		offset = mongo_render_limit(render, stage->offset);
	bson_t step, nothing;

	if (render->status)
		return render->status;
	if (offset > 0)
		append_number(out, at, "$skip", offset);
	if (limit > 0) {
		append_number(out, at, "$limit", limit);
	} else if (!limit) {
		mongo_stage_begin(out, at, &step);
		BSON_APPEND_DOCUMENT_BEGIN(&step, "$match", &nothing);
		mongo_match_nothing(&nothing);
		bson_append_document_end(&step, &nothing);
		mongo_stage_end(out, &step);
	}
	return CONSORT_OK;
}

static void append_sort(const struct mongo_stage *stage, uint32_t *at, bson_t *out)
{
	bson_t orders = BSON_INITIALIZER, step;

	mongo_render_ranks(stage, at, out);
	mongo_render_sort(stage, &orders);
	if (!bson_empty(&orders)) {
		mongo_stage_begin(out, at, &step);
		BSON_APPEND_DOCUMENT(&step, "$sort", &orders);
		mongo_stage_end(out, &step);
	}
	bson_destroy(&orders);
}

static uint32_t append_match(struct mongo_render *render, const struct mongo_stage *stage,
			     const struct mongo_keys *keys, uint32_t *at, bson_t *out)
{
	struct mongo_stage alone = *stage;
	bson_t step, condition;
	uint32_t status;

	if (!conditions_of(stage))
		return CONSORT_OK;
	alone.next = NULL;
	mongo_stage_begin(out, at, &step);
	BSON_APPEND_DOCUMENT_BEGIN(&step, "$match", &condition);
	status = mongo_render_match(render, &alone, keys, &condition);
	bson_append_document_end(&step, &condition);
	mongo_stage_end(out, &step);
	return status;
}

uint32_t mongo_render_stages(struct mongo_render *render, const struct mongo_stage *stages,
			     const struct mongo_keys *keys, uint32_t *at, bson_t *out)
{
	uint32_t status = CONSORT_OK;

	for (; !status && stages; stages = stages->next) {
		switch (stages->kind) {
		case MONGO_STAGE_MATCH:
		case MONGO_STAGE_KEYS:
			status = append_match(render, stages, keys, at, out);
			break;
		case MONGO_STAGE_SORT:
			append_sort(stages, at, out);
			break;
		case MONGO_STAGE_LIMIT:
			status = append_limit(render, stages, at, out);
			break;
		case MONGO_STAGE_GROUP:
			mongo_render_group(stages, at, out);
			break;
		case MONGO_STAGE_JOIN:
			status = mongo_render_join(render, stages, at, out);
			break;
		}
	}
	return status;
}
