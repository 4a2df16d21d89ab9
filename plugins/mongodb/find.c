/* SPDX-License-Identifier: Apache-2.0 */
/* The command of a compiled plan: a find where conditions, an order and a limit are all there is, else a
 * pipeline. */
#include "plan.h"

#include <string.h>

#define KEYS_MOST 100000
#define KEYS_BYTES ((uint64_t)8 << 20) /* of a command, which may have 16 MiB */
#define KEY_BYTES 24		       /* that a key takes besides its text */
#define FIRST_LEAST 101		       /* records in MongoDB's first batch, if nothing is said */
#define FIRST_MOST 1001

int64_t mongo_keys_until(const struct consort_batch *batch, int64_t from)
{
	uint64_t bytes = 0;
	int64_t row;
	uint32_t i;

	for (row = from; row < batch->nrows && row - from < KEYS_MOST; row++) {
		for (i = 0; i < batch->ncolumns; i++) {
			const struct consort_column *column = &batch->columns[i];

			bytes += KEY_BYTES;
			if (column->type.id == CONSORT_TYPE_TEXT || column->type.id == CONSORT_TYPE_BYTES)
				bytes += consort_column_view(column, row).size;
		}
		if (bytes > KEYS_BYTES && row > from)
			break;
	}
	return row;
}

/* --- projection --- */

static bool is_within(const struct mongo_column *column, const struct mongo_column *other)
{
	size_t size = strlen(other->key);

	return column != other && !strncmp(column->key, other->key, size) &&
	       (column->key[size] == '.' || (!column->key[size] && other < column));
}

/* Whole fields; of one that is named with a part of itself, the whole. */
void mongo_make_tail(struct mongo_compiled *compiled, bool grouped)
{
	bool id = false, any = false;
	uint32_t i, j;

	for (i = 0; i < compiled->ncolumns; i++)
		if (compiled->columns[i].storage.codec == MONGO_REST)
			return;
	if (grouped)
		return;
	for (i = 0; i < compiled->ncolumns; i++) {
		const struct mongo_column *column = &compiled->columns[i];

		for (j = 0; j < compiled->ncolumns && !is_within(column, &compiled->columns[j]); j++)
			;
		if (j < compiled->ncolumns)
			continue;
		BSON_APPEND_INT32(&compiled->tail, column->key, 1);
		any = true;
		id |= column->key_size == 3 && !memcmp(column->key, "_id", 3);
	}
	if (!id)
		BSON_APPEND_INT32(&compiled->tail, "_id", !any);
}

/* --- commands --- */

void mongo_append_collation(bson_t *out)
{
	bson_t collation;

	BSON_APPEND_DOCUMENT_BEGIN(out, "collation", &collation);
	BSON_APPEND_UTF8(&collation, "locale", "simple");
	bson_append_document_end(out, &collation);
}

/* A limit of 0 is none to MongoDB. */
static uint32_t append_limit(struct mongo_render *render, const struct mongo_stage *stage, bool *out_nothing,
			     bson_t *out)
{
	int64_t limit, offset;

	if (!stage)
		return CONSORT_OK;
	limit = mongo_render_limit(render, stage->limit);
	offset = mongo_render_limit(render, stage->offset);
	if (render->status)
		return render->status;
	if (offset > 0)
		BSON_APPEND_INT64(out, "skip", offset);
	if (limit > 0)
		BSON_APPEND_INT64(out, "limit", limit);
	*out_nothing = !limit;
	return CONSORT_OK;
}

/* One for each key come at once, and one more shows that there are no others. */
static void append_size(const struct mongo_keys *keys, bson_t *out)
{
	int64_t size = keys ? keys->to - keys->from + 1 : 0;

	if (size > FIRST_LEAST)
		BSON_APPEND_INT64(out, "batchSize", size < FIRST_MOST ? size : FIRST_MOST);
}

static uint32_t make_find(const struct mongo_compiled *compiled, struct mongo_render *render,
			  const struct mongo_keys *keys, bson_t *out)
{
	bson_t inside, more = BSON_INITIALIZER;
	bool nothing = false;
	uint32_t status;

	BSON_APPEND_UTF8(out, "find", compiled->resource->source);
	status = append_limit(render, compiled->limit, &nothing, &more);
	BSON_APPEND_DOCUMENT_BEGIN(out, "filter", &inside);
	if (nothing)
		mongo_match_nothing(&inside);
	else if (!status)
		status = mongo_render_match(render, compiled->stages, keys, &inside);
	bson_append_document_end(out, &inside);
	if (!bson_empty(&compiled->tail))
		BSON_APPEND_DOCUMENT(out, "projection", &compiled->tail);
	if (compiled->sort) {
		BSON_APPEND_DOCUMENT_BEGIN(out, "sort", &inside);
		mongo_render_sort(compiled->sort, &inside);
		bson_append_document_end(out, &inside);
		BSON_APPEND_BOOL(out, "allowDiskUse", true);
	}
	bson_concat(out, &more);
	bson_destroy(&more);
	append_size(keys, out);
	if (compiled->texts)
		mongo_append_collation(out);
	return status;
}

static uint32_t make_pipeline(const struct mongo_compiled *compiled, struct mongo_render *render,
			      const struct mongo_keys *keys, bson_t *out)
{
	bson_t pipeline, inside;
	uint32_t at = 0, status;

	BSON_APPEND_UTF8(out, "aggregate", compiled->resource->source);
	BSON_APPEND_ARRAY_BEGIN(out, "pipeline", &pipeline);
	status = mongo_render_stages(render, compiled->stages, keys, &at, &pipeline);
	if (!bson_empty(&compiled->tail)) {
		mongo_stage_begin(&pipeline, &at, &inside);
		BSON_APPEND_DOCUMENT(&inside, "$project", &compiled->tail);
		mongo_stage_end(&pipeline, &inside);
	}
	bson_append_array_end(out, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(out, "cursor", &inside);
	append_size(keys, &inside);
	bson_append_document_end(out, &inside);
	BSON_APPEND_BOOL(out, "allowDiskUse", true);
	if (compiled->texts)
		mongo_append_collation(out);
	return status;
}

uint32_t mongo_command_of(const struct mongo_compiled *compiled, const struct consort_run *run,
			  const struct mongo_keys *keys, bson_t *out, struct consort_error *error)
{
	struct mongo_render render = {.run = run, .error = error};

	return compiled->finds ? make_find(compiled, &render, keys, out)
			       : make_pipeline(compiled, &render, keys, out);
}

/* --- UPDATE and DELETE --- */

uint32_t mongo_change_offer(struct mongo_builder *builder, const struct consort_node *node,
			    struct mongo_relation *relation)
{
	struct mongo_storage storage;
	struct mongo_stage *stage;
	uint32_t i, status = CONSORT_OK;

	if (relation->loose || relation->grouped || relation->joined || relation->limited || relation->sorted)
		builder->reason = "which records are meant is decided in the core";
	for (i = 0; !status && node->kind == CONSORT_NODE_UPDATE && i < node->nattributes; i++) {
		if (node->exprs[i]->kind != CONSORT_EXPR_LITERAL &&
		    node->exprs[i]->kind != CONSORT_EXPR_PARAMETER)
			builder->reason = "MongoDB is given constants to set";
		status = mongo_storage_of(node->resource, node->resource->attributes[node->attributes[i]],
					  &storage, builder->error);
		if (!status && storage.codec == MONGO_REST)
			builder->reason = "the fields without an attribute are written record by record";
	}
	for (stage = relation->stages; stage; stage = stage->next)
		stage->checks = true;
	return status;
}

/* {$set: {…}, $unset: {…}} */
static uint32_t append_sets(const struct mongo_compiled *compiled, struct mongo_render *render, bson_t *out)
{
	const struct consort_node *node = compiled->change;
	bson_t set = BSON_INITIALIZER, unset = BSON_INITIALIZER;
	uint32_t status = CONSORT_OK, i;

	for (i = 0; !status && i < node->nattributes; i++) {
		const struct consort_attribute *attribute = node->resource->attributes[node->attributes[i]];
		const struct consort_expr *expr = node->exprs[i];
		const struct consort_value *value = expr->kind == CONSORT_EXPR_LITERAL ? &expr->value
						    : render->run ? consort_run_value(render->run, expr)
								  : NULL;

		if (!value)
			BSON_APPEND_UTF8(&set, attribute->source, "$");
		else if (consort_value_is_null(value))
			BSON_APPEND_BOOL(&unset, attribute->source, true);
		else
			status = mongo_encode(&compiled->stored[i], MONGO_STORE, value, attribute->name, &set,
					      attribute->source, strlen(attribute->source), NULL,
					      render->error);
	}
	if (!bson_empty(&set))
		BSON_APPEND_DOCUMENT(out, "$set", &set);
	if (!bson_empty(&unset))
		BSON_APPEND_DOCUMENT(out, "$unset", &unset);
	bson_destroy(&set);
	bson_destroy(&unset);
	return status;
}

uint32_t mongo_change_of(const struct mongo_compiled *compiled, const struct consort_run *run,
			 const struct mongo_keys *keys, bson_t *out, struct consort_error *error)
{
	bool updates = compiled->change->kind == CONSORT_NODE_UPDATE;
	struct mongo_render render = {.run = run, .error = error};
	bson_t list, one, part;
	uint32_t at = 0, status;

	bson_append_utf8(out, updates ? "update" : "delete", -1, compiled->resource->source, -1);
	bson_append_array_begin(out, updates ? "updates" : "deletes", -1, &list);
	mongo_stage_begin(&list, &at, &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &part);
	status = mongo_render_match(&render, compiled->stages, keys, &part);
	bson_append_document_end(&one, &part);
	if (!status && updates) {
		BSON_APPEND_DOCUMENT_BEGIN(&one, "u", &part);
		status = append_sets(compiled, &render, &part);
		bson_append_document_end(&one, &part);
		BSON_APPEND_BOOL(&one, "multi", true);
	} else {
		BSON_APPEND_INT32(&one, "limit", 0);
	}
	if (compiled->texts)
		mongo_append_collation(&one);
	mongo_stage_end(&list, &one);
	bson_append_array_end(out, &list);
	return status;
}
