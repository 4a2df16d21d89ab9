/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FILTER and PROJECT. Neither copies what it can pass on: a filter hands on a batch of which every row
 * passes, and a projection borrows the columns that it only renames. Both work through large batches piece by
 * piece.
 */
#include "exec/exec.h"

/* What is being read from inputs[0]. */
struct piece {
	struct consort_batch *batch; /* NULL: none yet */
	int64_t next;                /* first row that was not taken */
};

/* The next rows of the input, CONSORT_BATCH_ROWS at most; *out_count 0 at the end. */
static enum consort_status next_piece(struct consort_operator *op, struct piece *piece, int64_t *out_first,
				      uint32_t *out_count, struct consort_error *error)
{
	int64_t left;

	if (!piece->batch || piece->next >= piece->batch->nrows) {
		enum consort_status status;

		piece->batch = NULL;
		status = consort_operator_next(op->inputs[0], &piece->batch, error);
		if (status)
			return status;
		piece->next = 0;
	}
	left = piece->batch ? piece->batch->nrows - piece->next : 0;
	*out_first = piece->next;
	*out_count = (uint32_t)(left < CONSORT_BATCH_ROWS ? left : CONSORT_BATCH_ROWS);
	piece->next += *out_count;
	return CONSORT_OK;
}

/* --- FILTER --- */

struct filter {
	struct consort_operator op;
	struct consort_eval eval;
	struct consort_batch *batch; /* rows that passed */
	struct piece piece;
	uint32_t rows[CONSORT_BATCH_ROWS];
	struct consort_value values[CONSORT_BATCH_ROWS];
};

/* Keeps those of filter->rows for which every conjunct is true. */
static enum consort_status select_rows(struct filter *filter, uint32_t *count, struct consort_error *error)
{
	const struct consort_step *step = filter->op.step;
	uint32_t c, i, kept;

	consort_arena_reset(&filter->eval.scratch);
	for (c = 0; c < step->nexprs && *count; c++) {
		enum consort_status status =
			consort_eval_rows(&filter->eval, step->exprs[c], filter->piece.batch, filter->rows,
					  *count, filter->values, error);

		if (status)
			return status;
		for (i = kept = 0; i < *count; i++) {
			filter->rows[kept] = filter->rows[i];
			kept += !consort_value_is_null(&filter->values[i]) && filter->values[i].as.int64;
		}
		*count = kept;
	}
	return CONSORT_OK;
}

static enum consort_status filter_next(struct consort_operator *op, struct consort_batch **out_batch,
				       struct consort_error *error)
{
	struct filter *filter = (struct filter *)op;
	uint32_t taken, count, i;
	int64_t first;

	if (consort_batch_reset(filter->batch))
		return consort_error_no_memory(error);
	do {
		enum consort_status status = next_piece(op, &filter->piece, &first, &taken, error);

		if (status)
			return status;
		for (i = 0; i < taken; i++)
			filter->rows[i] = (uint32_t)first + i;
		count = taken;
		status = select_rows(filter, &count, error);
		if (status)
			return status;
	} while (taken && !count);
	*out_batch = NULL;
	if (!taken)
		return CONSORT_OK;
	if (count == filter->piece.batch->nrows) {
		*out_batch = filter->piece.batch;
		return CONSORT_OK;
	}
	*out_batch = filter->batch;
	return consort_batch_gather(filter->batch, filter->piece.batch, filter->rows, count, error);
}

static void filter_close(struct consort_operator *op)
{
	struct filter *filter = (struct filter *)op;

	consort_eval_clear(&filter->eval);
	consort_batch_free(filter->batch);
	free(filter);
}

enum consort_status consort_filter_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = filter_next, .close = filter_close};
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return consort_error_no_memory(error);
	filter->op.ops = &operations;
	filter->op.exec = exec;
	filter->op.step = step;
	consort_eval_init(&filter->eval, exec->parameters, exec->nparameters);
	filter->batch = consort_batch_for_fields(step->fields, step->nfields, CONSORT_BATCH_ROWS);
	if (!filter->batch) {
		filter_close(&filter->op);
		return consort_error_no_memory(error);
	}
	*out_operator = &filter->op;
	return CONSORT_OK;
}

/* --- PROJECT --- */

struct project {
	struct consort_operator op;
	struct consort_eval eval;
	struct consort_batch *batch;    /* what is delivered: borrowed columns only */
	struct consort_batch *computed; /* those of `batch` that are no columns of the input, in order */
	struct piece piece;
	uint32_t rows[CONSORT_BATCH_ROWS];
	struct consort_value values[CONSORT_BATCH_ROWS];
};

/* Computes column `at` of the computed ones. */
static enum consort_status compute(struct project *project, const struct consort_expr *expr, uint32_t at,
				   int64_t first, uint32_t count, struct consort_error *error)
{
	enum consort_status status;
	uint32_t i;

	consort_arena_reset(&project->eval.scratch);
	for (i = 0; i < count; i++)
		project->rows[i] = (uint32_t)first + i;
	status = consort_eval_rows(&project->eval, expr, project->piece.batch, project->rows, count,
				   project->values, error);
	for (i = 0; i < count && !status; i++)
		status = consort_batch_put(project->computed, at, &project->values[i], error);
	return status;
}

static enum consort_status project_next(struct consort_operator *op, struct consort_batch **out_batch,
					struct consort_error *error)
{
	struct project *project = (struct project *)op;
	enum consort_status status;
	uint32_t count, i, computed = 0;
	int64_t first;

	if (consort_batch_reset(project->batch) || consort_batch_reset(project->computed))
		return consort_error_no_memory(error);
	status = next_piece(op, &project->piece, &first, &count, error);
	if (status)
		return status;
	*out_batch = NULL;
	if (!count)
		return CONSORT_OK;
	for (i = 0; i < op->step->nexprs; i++) {
		const struct consort_expr *expr = op->step->exprs[i];

		if (expr->kind == CONSORT_EXPR_COLUMN) {
			consort_batch_borrow(project->batch, i, project->piece.batch, expr->index, first,
					     count);
			continue;
		}
		status = compute(project, expr, computed, first, count, error);
		if (status)
			return status;
		consort_batch_borrow(project->batch, i, project->computed, computed++, 0, count);
	}
	project->batch->nrows = count;
	*out_batch = project->batch;
	return CONSORT_OK;
}

static void project_close(struct consort_operator *op)
{
	struct project *project = (struct project *)op;

	consort_eval_clear(&project->eval);
	consort_batch_free(project->batch);
	consort_batch_free(project->computed);
	free(project);
}

/* The two batches of a projection. */
static bool make_batches(struct project *project, const struct consort_step *step)
{
	const struct consort_field **fields = calloc(step->nfields + 1, sizeof(*fields));
	uint32_t i, count = 0;

	for (i = 0; fields && i < step->nexprs; i++)
		if (step->exprs[i]->kind != CONSORT_EXPR_COLUMN)
			fields[count++] = step->fields[i];
	if (fields)
		project->computed = consort_batch_for_fields(fields, count, CONSORT_BATCH_ROWS);
	project->batch = consort_batch_for_fields(step->fields, step->nfields, 0);
	free(fields);
	return project->batch && project->computed;
}

enum consort_status consort_project_open(struct consort_exec *exec, const struct consort_step *step,
					 struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = project_next, .close = project_close};
	struct project *project = calloc(1, sizeof(*project));

	if (!project)
		return consort_error_no_memory(error);
	project->op.ops = &operations;
	project->op.exec = exec;
	project->op.step = step;
	consort_eval_init(&project->eval, exec->parameters, exec->nparameters);
	if (!make_batches(project, step)) {
		project_close(&project->op);
		return consort_error_no_memory(error);
	}
	*out_operator = &project->op;
	return CONSORT_OK;
}
