/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: all, by an integer, by words in a column, by a column's time bucket. */
#include "meadow.h"

static int is_constant(const struct consort_expr *expr, uint16_t type)
{
	return (expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER) &&
	       expr->type.id == type;
}

static int is_column(const struct consort_expr *expr, uint16_t type)
{
	return expr->kind == CONSORT_EXPR_COLUMN && expr->type.id == type;
}

static int is_bucket(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_CALL && expr->op == CONSORT_OP_TIME_BUCKET &&
	       is_column(expr->args[0], CONSORT_TYPE_TIMESTAMP) &&
	       expr->args[1]->kind == CONSORT_EXPR_LITERAL && expr->args[1]->value.as.int64 > 0 &&
	       expr->args[2]->kind == CONSORT_EXPR_LITERAL;
}

static int is_taken(const struct consort_expr *expr)
{
	if (expr->kind != CONSORT_EXPR_CALL)
		return 0;
	if (expr->op == CONSORT_OP_MATCH)
		return is_column(expr->args[0], CONSORT_TYPE_TEXT) &&
		       is_constant(expr->args[1], CONSORT_TYPE_TEXT);
	return expr->op == CONSORT_OP_EQ && is_constant(expr->args[1], expr->args[0]->type.id) &&
	       (is_bucket(expr->args[0]) || is_column(expr->args[0], CONSORT_TYPE_INT64));
}

static uint32_t query_offer(void *database, const struct consort_node *node, struct consort_offer *answer,
			    struct consort_error *error)
{
	uint32_t i;

	consort_offer_scan(node, answer, "a meadow finds integers, words and time buckets");
	for (; node->ninputs == 1; node = node->inputs[0])
		for (i = 0; node->kind == CONSORT_NODE_FILTER && node->inputs[0]->kind == CONSORT_NODE_SCAN &&
			    i < node->nexprs;
		     i++)
			if (is_taken(node->exprs[i]))
				answer->fidelity[node->first_conjunct + i] = CONSORT_FIDELITY_EXACT;
	return CONSORT_OK;
}

struct cursor {
	struct database *database;
	const struct consort_node *filter, *scan; /* filter: NULL, or over the scan */
	struct consort_value *constants;	  /* of its conjuncts */
	int64_t next;
	int ended;
};

static void query_close(void *object)
{
	struct cursor *cursor = object;
	uint32_t i;

	for (i = 0; cursor->constants && i < cursor->filter->nexprs; i++)
		if (cursor->constants[i].type.id == CONSORT_TYPE_TEXT)
			free((char *)(uintptr_t)cursor->constants[i].as.view.data);
	free(cursor->constants);
	free(cursor);
}

static uint32_t keep_constants(struct cursor *cursor, const struct consort_run *run,
			       struct consort_error *error)
{
	const struct consort_node *filter = cursor->filter;
	uint32_t i;

	cursor->constants = calloc(filter->nexprs + 1, sizeof(*cursor->constants));
	if (!cursor->constants)
		return consort_error_no_memory(error);
	for (i = 0; i < filter->nexprs; i++) {
		struct consort_value value = *consort_run_value(run, filter->exprs[i]->args[1]);

		if (value.type.id == CONSORT_TYPE_TEXT) {
			char *copy = malloc(value.as.view.size + 1);

			if (!copy)
				return consort_error_no_memory(error);
			memcpy(copy, value.as.view.data, value.as.view.size);
			value.as.view.data = copy;
		}
		cursor->constants[i] = value;
	}
	return CONSORT_OK;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	const struct consort_node *root = compiled;
	struct cursor *cursor = calloc(1, sizeof(*cursor));
	uint32_t status = cursor ? consort_call_check(call, error) : consort_error_no_memory(error);

	if (cursor) {
		cursor->database = connection;
		cursor->filter = root->kind == CONSORT_NODE_FILTER ? root : NULL;
		cursor->scan = root->kind == CONSORT_NODE_FILTER ? root->inputs[0] : root;
		cursor->next = INT64_MIN;
	}
	if (!status && cursor->filter)
		status = keep_constants(cursor, run, error);
	if (!status)
		*out_cursor = cursor;
	else if (cursor)
		query_close(cursor);
	return status;
}

static int has_word(struct consort_view text, const char *word, size_t size)
{
	size_t at, end;

	for (at = 0; at < text.size; at = end + 1) {
		for (end = at; end < text.size && text.data[end] != ' '; end++)
			;
		if (end - at == size && !memcmp(text.data + at, word, size))
			return 1;
	}
	return 0;
}

static int has_words(struct consort_view text, struct consort_view words)
{
	size_t at, end;

	for (at = 0; at < words.size; at = end + 1) {
		for (end = at; end < words.size && words.data[end] != ' '; end++)
			;
		if (end > at && !has_word(text, words.data + at, end - at))
			return 0;
	}
	return 1;
}

static int64_t bucket_of(int64_t time, int64_t width, int64_t origin)
{
	const int64_t into = (time - origin) % width;

	return time - (into < 0 ? into + width : into);
}

static int is_found(const struct cursor *cursor, const struct record *record)
{
	const struct consort_node *scan = cursor->scan;
	uint32_t i;

	for (i = 0; cursor->filter && i < cursor->filter->nexprs; i++) {
		const struct consort_expr *expr = cursor->filter->exprs[i], *side = expr->args[0];
		const struct consort_expr *column = side->kind == CONSORT_EXPR_CALL ? side->args[0] : side;
		const struct consort_value *constant = &cursor->constants[i];
		const struct consort_value *value =
			value_of(record, scan->resource->attributes[scan->attributes[column->index]]->source);

		if (consort_value_is_null(value) || consort_value_is_null(constant))
			return 0;
		if (expr->op == CONSORT_OP_MATCH ? !has_words(value->as.view, constant->as.view)
		    : side != column		 ? bucket_of(value->as.int64, side->args[1]->value.as.int64,
							     side->args[2]->value.as.int64) != constant->as.int64
						 : value->as.int64 != constant->as.int64)
			return 0;
	}
	return 1;
}

static uint32_t append(const struct consort_node *scan, const struct record *record,
		       struct consort_batch *batch, struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++) {
		const char *name = scan->resource->attributes[scan->attributes[i]]->source;
		const struct consort_value *value = value_of(record, name);

		if (!consort_value_is_null(value) && !consort_type_equal(value->type, batch->columns[i].type))
			return consort_error_set(error, CONSORT_ETYPE, "'%s' is %s here", name,
						 consort_type_noun(value->type));
		if (consort_append_value(batch, &batch->columns[i], value))
			return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

static uint32_t query_next(void *object, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct cursor *cursor = object;
	struct database *database = cursor->database;
	uint32_t status = consort_call_check(call, error);
	struct table *table = NULL;
	size_t i;

	pthread_mutex_lock(&database->lock);
	if (!status)
		status = need_table(database, cursor->scan->resource->source, &table, error);
	for (i = status || cursor->ended ? SIZE_MAX : find_record(table, cursor->next);
	     !status && i < table->count; i++) {
		cursor->ended = table->records[i]->id == INT64_MAX;
		cursor->next = table->records[i]->id + !cursor->ended;
		if (!is_found(cursor, table->records[i]))
			continue;
		status = append(cursor->scan, table->records[i], batch, error);
		if (!status && consort_batch_end_row(batch))
			break;
	}
	pthread_mutex_unlock(&database->lock);
	return status;
}

const struct consort_query_ops query_ops =
	OPS(query, .offer = query_offer, .compile = consort_plain_compile, .open = query_open,
	    .next = query_next, .close = query_close, .compiled_free = consort_plain_compiled_free);
