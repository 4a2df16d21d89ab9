/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SORT, stable and in memory. Rows are copied as they come; their keys are computed once, when the batch that
 * keeps them is complete. With a limit only so many rows are kept: whenever there are twice as many they are
 * sorted, the best stay, and from then on a row that is no better than the last of them is not copied at all.
 */
#include "exec/tables.h"

#define MOST_BEST ((int64_t)1 << 20) /* above this limit, sorting all is as good */
#define CHECKED_ROWS ((uint64_t)1 << 16)

/* A row that is kept. Most comparisons are decided by `prefix`, in which a smaller one comes first. */
struct entry {
	uint64_t prefix;
	const struct consort_value *keys; /* [norders] */
	struct consort_row place;
};

/* Rows with their keys, in order once they are sorted. */
struct sorted {
	struct consort_rows rows;
	struct consort_eval eval;     /* its scratch holds texts of keys */
	struct consort_value **keys;  /* [rows.nbatches] of each batch: [nrows * norders] */
	uint32_t nkeys;               /* batches that have keys */
	struct entry *entries;
	uint64_t count;
	uint64_t charged;
};

struct sort {
	struct consort_operator op;
	struct consort_eval eval;     /* keys of the input, to pass rows over */
	struct consort_batch *batch;  /* what is delivered */
	struct sorted sorted;
	int64_t most;                 /* rows to keep; 0: all */
	struct consort_value *edge;   /* [norders] keys of the last row that may be kept, in edge_arena */
	struct consort_arena edge_arena;
	bool has_edge;
	uint64_t delivered;
	bool finished;
	struct consort_value *values; /* [norders * CONSORT_BATCH_ROWS], by order */
	uint32_t rows[CONSORT_BATCH_ROWS];
};

static uint32_t norders(const struct sort *sort)
{
	return sort->op.step->node->norders;
}

/* --- order --- */

/* Key `i` of a row stands at a[i * step]. */
static int compare_keys(const struct sort *sort, const struct consort_value *a, size_t a_step,
			const struct consort_value *b)
{
	const struct consort_order *const *orders = sort->op.step->node->orders;
	uint32_t i;

	for (i = 0; i < norders(sort); i++, a += a_step, b++) {
		const uint32_t flags = orders[i]->flags;
		int order;

		if (consort_value_is_null(a) || consort_value_is_null(b)) {
			order = consort_value_is_null(a) - consort_value_is_null(b);
			if (flags & CONSORT_ORDER_NULLS_FIRST)
				order = -order;
		} else {
			order = consort_value_compare(a, b);
			if (flags & CONSORT_ORDER_DESCENDING)
				order = order < 0 ? 1 : -(order > 0);
		}
		if (order)
			return order;
	}
	return 0;
}

/* The first key as an integer that never contradicts its order, though different keys may have the same. */
static uint64_t prefix_of(const struct sort *sort, const struct consort_value *key)
{
	const uint64_t sign = UINT64_C(1) << 63;
	const uint32_t flags = norders(sort) ? sort->op.step->node->orders[0]->flags : 0;
	uint64_t prefix = 0;
	uint32_t i;

	if (!norders(sort))
		return 0;
	switch (key->type.id) {
	case CONSORT_TYPE_NULL:
		return flags & CONSORT_ORDER_NULLS_FIRST ? 0 : UINT64_MAX;
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
		prefix = (uint64_t)key->as.int64 ^ sign;
		break;
	case CONSORT_TYPE_FLOAT64:
		if (key->as.float64 != key->as.float64)
			prefix = UINT64_MAX;
		else if (key->as.float64 != 0)
			memcpy(&prefix, &key->as.float64, sizeof(prefix));
		if (prefix != UINT64_MAX)
			prefix = prefix & sign ? ~prefix : prefix | sign;
		break;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
		for (i = 0; i < 8; i++)
			prefix = prefix << 8 |
				 (i < key->as.view.size ? (unsigned char)key->as.view.data[i] : 0);
		break;
	default:
		break; /* the same for all */
	}
	return flags & CONSORT_ORDER_DESCENDING ? ~prefix : prefix;
}

static inline bool comes_after(const struct sort *sort, const struct entry *a, const struct entry *b)
{
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix;
	return compare_keys(sort, a->keys, 1, b->keys) > 0;
}

/* Merges from[first, middle) and from[middle, end), each in order, to to[first…]. */
static void merge(const struct sort *sort, const struct entry *from, struct entry *to, uint64_t first,
		  uint64_t middle, uint64_t end)
{
	uint64_t left = first, right = middle, at;

	for (at = first; at < end; at++) {
		if (left < middle && (right >= end || !comes_after(sort, &from[left], &from[right])))
			to[at] = from[left++];
		else
			to[at] = from[right++];
	}
}

/* Merge sort from below: runs of 1, 2, 4, … rows. `spare` has room for all; *out_entries is one
 * of the two. */
static enum consort_status merge_sort(const struct sort *sort, struct entry *entries, struct entry *spare,
				      uint64_t count, struct entry **out_entries, struct consort_error *error)
{
	uint64_t width, first, since = 0;

	for (width = 1; width < count; width *= 2) {
		struct entry *swap = entries;

		for (first = 0; first < count; first += 2 * width) {
			uint64_t middle = count - first < width ? count : first + width;
			uint64_t end = count - first < 2 * width ? count : first + 2 * width;
			enum consort_status status = CONSORT_OK;

			merge(sort, entries, spare, first, middle, end);
			since += end - first;
			if (since >= CHECKED_ROWS) {
				since = 0;
				status = consort_exec_check(sort->op.exec, error);
			}
			if (status)
				return status;
		}
		entries = spare;
		spare = swap;
	}
	*out_entries = entries;
	return CONSORT_OK;
}

/* --- rows with keys --- */

static void sorted_init(struct sort *sort, struct sorted *sorted)
{
	const struct consort_step *step = sort->op.step;

	memset(sorted, 0, sizeof(*sorted));
	consort_rows_init(&sorted->rows, sort->op.exec, step->fields, step->nfields);
	consort_eval_init(&sorted->eval, sort->op.exec->parameters, sort->op.exec->nparameters);
}

static void sorted_clear(struct sort *sort, struct sorted *sorted)
{
	uint32_t i;

	for (i = 0; i < sorted->nkeys; i++)
		free(sorted->keys[i]);
	free(sorted->keys);
	free(sorted->entries);
	consort_rows_clear(&sorted->rows);
	consort_eval_clear(&sorted->eval);
	consort_exec_discharge(sort->op.exec, sorted->charged);
	memset(sorted, 0, sizeof(*sorted));
}

static enum consort_status charge(struct sort *sort, struct sorted *sorted, uint64_t bytes,
				  struct consort_error *error)
{
	enum consort_status status = consort_exec_charge(sort->op.exec, bytes, error);

	if (!status)
		sorted->charged += bytes;
	return status;
}

/* The keys of one batch of rows. */
static enum consort_status compute_keys(struct sort *sort, struct sorted *sorted, uint32_t index,
					struct consort_error *error)
{
	const struct consort_batch *batch = sorted->rows.batches[index];
	const uint64_t used = sorted->eval.scratch.used;
	const uint32_t count = (uint32_t)batch->nrows, n = norders(sort);
	struct consort_value *keys = calloc((size_t)count * n + 1, sizeof(*keys));
	enum consort_status status = CONSORT_OK;
	uint32_t o, i;

	if (!keys)
		return consort_error_no_memory(error);
	for (o = 0; o < n && !status; o++) {
		status = consort_eval_rows(&sorted->eval, sort->op.step->node->orders[o]->expr, batch, NULL,
					   count, sort->values, error);
		for (i = 0; i < count; i++)
			keys[(size_t)i * n + o] = sort->values[i];
	}
	if (!status)
		status =
			charge(sort, sorted,
			       (uint64_t)count * n * sizeof(*keys) + sorted->eval.scratch.used - used, error);
	if (status) {
		free(keys);
		return status;
	}
	sorted->keys[index] = keys;
	sorted->nkeys = index + 1;
	return CONSORT_OK;
}

/* Puts the rows in order. Once, when all of them are there. */
static enum consort_status sort_rows(struct sort *sort, struct sorted *sorted, struct consort_error *error)
{
	const struct consort_rows *rows = &sorted->rows;
	const size_t size = (size_t)rows->count * sizeof(struct entry);
	struct entry *entries = NULL, *spare = NULL, *in_order;
	enum consort_status status;
	uint64_t at = 0;
	uint32_t b, i;

	sorted->keys = calloc((size_t)rows->nbatches + 1, sizeof(*sorted->keys));
	status = sorted->keys ? charge(sort, sorted, 2 * size, error) : consort_error_no_memory(error);
	for (b = 0; b < rows->nbatches && !status; b++)
		status = compute_keys(sort, sorted, b, error);
	if (status)
		return status;
	entries = malloc(size + 1);
	spare = malloc(size + 1);
	if (!entries || !spare) {
		status = consort_error_no_memory(error);
		goto out;
	}
	for (b = 0; b < rows->nbatches; b++) {
		for (i = 0; i < rows->batches[b]->nrows; i++, at++) {
			entries[at].keys = sorted->keys[b] + (size_t)i * norders(sort);
			entries[at].prefix = prefix_of(sort, entries[at].keys);
			entries[at].place.batch = b;
			entries[at].place.row = i;
		}
	}
	status = merge_sort(sort, entries, spare, rows->count, &in_order, error);
	if (status)
		goto out;
	sorted->entries = in_order;
	sorted->count = rows->count;
	if (in_order == entries)
		entries = NULL;
	else
		spare = NULL;
	sorted->charged -= size; /* one of the two is freed */
	consort_exec_discharge(sort->op.exec, size);
out:
	free(entries);
	free(spare);
	return status;
}

/* --- the best rows only --- */

/* Remembers the keys of the last of the best: what comes later must be better. */
static bool set_edge(struct sort *sort, const struct entry *last)
{
	uint32_t o;

	consort_arena_reset(&sort->edge_arena);
	for (o = 0; o < norders(sort); o++)
		if (!consort_value_copy(&sort->edge_arena, &last->keys[o], &sort->edge[o]))
			return false;
	return true;
}

/* Sorts what is kept, which is more than is wanted, and keeps the best of it. */
static enum consort_status prune(struct sort *sort, struct consort_error *error)
{
	struct sorted best;
	struct consort_row place;
	enum consort_status status = sort_rows(sort, &sort->sorted, error);
	int64_t i;

	if (status)
		return status;
	sorted_init(sort, &best);
	for (i = 0; i < sort->most && !status; i++) {
		const struct consort_row from = sort->sorted.entries[i].place;

		status = consort_rows_add(&best.rows, sort->sorted.rows.batches[from.batch], from.row, &place,
					  error);
	}
	sort->has_edge = !status && set_edge(sort, &sort->sorted.entries[sort->most - 1]);
	if (!status && !sort->has_edge)
		status = consort_error_no_memory(error);
	sorted_clear(sort, &sort->sorted);
	sort->sorted = best;
	return status;
}

/* Of rows [first, first + count) those that are better than the edge. */
static enum consort_status take_better(struct sort *sort, const struct consort_batch *batch, uint32_t first,
				       uint32_t count, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	struct consort_row place;
	uint32_t o, i;

	consort_arena_reset(&sort->eval.scratch);
	for (i = 0; i < count; i++)
		sort->rows[i] = first + i;
	for (o = 0; o < norders(sort) && !status; o++)
		status = consort_eval_rows(&sort->eval, sort->op.step->node->orders[o]->expr, batch,
					   sort->rows, count, sort->values + (size_t)o * CONSORT_BATCH_ROWS,
					   error);
	for (i = 0; i < count && !status; i++)
		if (compare_keys(sort, sort->values + i, CONSORT_BATCH_ROWS, sort->edge) < 0)
			status = consort_rows_add(&sort->sorted.rows, batch, first + i, &place, error);
	return status;
}

/* --- the operator --- */

static enum consort_status read_input(struct sort *sort, struct consort_error *error)
{
	struct consort_batch *batch = NULL;
	enum consort_status status;

	do {
		int64_t first, count;

		status = consort_operator_next(sort->op.inputs[0], &batch, error);
		for (first = 0; !status && batch && first < batch->nrows; first += count) {
			count = batch->nrows - first < CONSORT_BATCH_ROWS ? batch->nrows - first
									  : CONSORT_BATCH_ROWS;
			if (sort->has_edge)
				status = take_better(sort, batch, (uint32_t)first, (uint32_t)count, error);
			else
				status = consort_rows_add_all(&sort->sorted.rows, batch, (uint32_t)first,
							      (uint32_t)count, error);
			if (!status && sort->most &&
			    sort->sorted.rows.count >= (uint64_t)sort->most * 2 + CONSORT_BATCH_ROWS)
				status = prune(sort, error);
		}
	} while (!status && batch);
	return status ? status : sort_rows(sort, &sort->sorted, error);
}

static enum consort_status sort_next(struct consort_operator *op, struct consort_batch **out_batch,
				     struct consort_error *error)
{
	struct sort *sort = (struct sort *)op;
	struct sorted *sorted = &sort->sorted;
	enum consort_status status = CONSORT_OK;
	bool full = false;

	if (!sort->finished) {
		status = read_input(sort, error);
		if (status)
			return status;
		sort->finished = true;
		if (sort->most && sorted->count > (uint64_t)sort->most)
			sorted->count = (uint64_t)sort->most;
	}
	if (consort_batch_reset(sort->batch))
		return consort_error_no_memory(error);
	while (!full && !status && sort->delivered < sorted->count) {
		const struct consort_row from = sorted->entries[sort->delivered++].place;

		status = consort_batch_copy_row(sort->batch, 0, sorted->rows.batches[from.batch], from.row);
		full = consort_batch_end_row(sort->batch);
	}
	*out_batch = sort->batch->nrows ? sort->batch : NULL;
	return status ? consort_batch_failed(status, error) : CONSORT_OK;
}

static void sort_close(struct consort_operator *op)
{
	struct sort *sort = (struct sort *)op;

	sorted_clear(sort, &sort->sorted);
	consort_eval_clear(&sort->eval);
	consort_arena_clear(&sort->edge_arena);
	consort_batch_free(sort->batch);
	free(sort->edge);
	free(sort->values);
	free(sort);
}

/* How many rows a limit right above can ask for; 0: all. */
static enum consort_status read_limit(struct sort *sort, struct consort_error *error)
{
	const struct consort_node *node = sort->op.step->node;
	int64_t limit = 0, offset = 0;
	enum consort_status status;

	status = consort_limit_value(sort->op.exec, node->limit, "the limit", MOST_BEST, &limit, error);
	if (!status)
		status = consort_limit_value(sort->op.exec, node->offset, "the offset", 0, &offset, error);
	if (!status && limit < MOST_BEST && offset < MOST_BEST - limit)
		sort->most = limit + offset;
	return status;
}

enum consort_status consort_sort_open(struct consort_exec *exec, const struct consort_step *step,
				      struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = sort_next, .close = sort_close};
	struct sort *sort = calloc(1, sizeof(*sort));
	enum consort_status status;

	if (!sort)
		return consort_error_no_memory(error);
	sort->op.ops = &operations;
	sort->op.exec = exec;
	sort->op.step = step;
	sorted_init(sort, &sort->sorted);
	consort_eval_init(&sort->eval, exec->parameters, exec->nparameters);
	consort_arena_init(&sort->edge_arena, 0);
	sort->batch = consort_batch_for_fields(step->fields, step->nfields, CONSORT_BATCH_ROWS);
	sort->values = calloc((size_t)norders(sort) * CONSORT_BATCH_ROWS + 1, sizeof(*sort->values));
	sort->edge = calloc((size_t)norders(sort) + 1, sizeof(*sort->edge));
	if (sort->batch && sort->values && sort->edge)
		status = read_limit(sort, error);
	else
		status = consort_error_no_memory(error);
	if (status) {
		sort_close(&sort->op);
		return status;
	}
	*out_operator = &sort->op;
	return CONSORT_OK;
}
