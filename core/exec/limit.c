/* SPDX-License-Identifier: Apache-2.0 */
/* LIMIT and OFFSET: slices of batches, without copies; the input is not asked for more than is wanted. */
#include "exec/exec.h"

#include <inttypes.h>

struct limit {
	struct consort_operator op;
	struct consort_batch *batch; /* a borrowed slice */
	int64_t skip;                /* rows still to leave out */
	int64_t left;                /* rows still to deliver */
};

enum consort_status consort_limit_value(const struct consort_exec *exec, const struct consort_expr *expr,
					const char *what, int64_t none, int64_t *out_value,
					struct consort_error *error)
{
	struct consort_value value = consort_null();
	struct consort_eval eval;
	enum consort_status status = CONSORT_OK;

	consort_eval_init(&eval, exec->parameters, exec->nparameters);
	if (expr)
		status = consort_eval_constant(&eval, expr, &value, error);
	if (!status && !consort_value_is_null(&value) && value.type.id != CONSORT_TYPE_INT64)
		status = consort_error_set(error, CONSORT_ETYPE, "%s must be an integer, not %s", what,
					   consort_type_noun(value.type));
	if (!status && !consort_value_is_null(&value) && value.as.int64 < 0)
		status = consort_error_set(error, CONSORT_ERANGE, "%s must not be negative, and is %" PRId64,
					   what, value.as.int64);
	if (!status)
		*out_value = consort_value_is_null(&value) ? none : value.as.int64;
	consort_eval_clear(&eval);
	return status;
}

/* The next batch with rows behind those to leave out. */
static enum consort_status skip_rows(struct limit *limit, struct consort_batch **out_batch,
				     struct consort_error *error)
{
	for (;;) {
		enum consort_status status = consort_operator_next(limit->op.inputs[0], out_batch, error);

		if (status || !*out_batch || (*out_batch)->nrows > limit->skip)
			return status;
		limit->skip -= (*out_batch)->nrows;
	}
}

static enum consort_status limit_next(struct consort_operator *op, struct consort_batch **out_batch,
				      struct consort_error *error)
{
	struct limit *limit = (struct limit *)op;
	struct consort_batch *input = NULL;
	enum consort_status status;
	int64_t count;
	uint32_t i;

	if (consort_batch_reset(limit->batch))
		return consort_error_no_memory(error);
	*out_batch = NULL;
	if (!limit->left)
		return CONSORT_OK;
	status = skip_rows(limit, &input, error);
	if (status || !input)
		return status;
	count = input->nrows - limit->skip < limit->left ? input->nrows - limit->skip : limit->left;
	limit->left -= count;
	if (count == input->nrows) {
		*out_batch = input;
		return CONSORT_OK;
	}
	for (i = 0; i < input->ncolumns; i++)
		consort_batch_borrow(limit->batch, i, input, i, limit->skip, count);
	limit->batch->nrows = count;
	limit->skip = 0;
	*out_batch = limit->batch;
	return CONSORT_OK;
}

static void limit_close(struct consort_operator *op)
{
	struct limit *limit = (struct limit *)op;

	consort_batch_free(limit->batch);
	free(limit);
}

enum consort_status consort_limit_open(struct consort_exec *exec, const struct consort_step *step,
				       struct consort_operator **out_operator, struct consort_error *error)
{
	static const struct consort_operator_ops operations = {.next = limit_next, .close = limit_close};
	struct limit *limit = calloc(1, sizeof(*limit));
	enum consort_status status;

	if (!limit)
		return consort_error_no_memory(error);
	limit->op.ops = &operations;
	limit->op.exec = exec;
	limit->op.step = step;
	status = consort_limit_value(exec, step->node->limit, "the limit", INT64_MAX, &limit->left, error);
	if (!status)
		status = consort_limit_value(exec, step->node->offset, "the offset", 0, &limit->skip, error);
	limit->batch = consort_batch_for_fields(step->fields, step->nfields, 0);
	if (!status && !limit->batch)
		status = consort_error_no_memory(error);
	if (status) {
		limit_close(&limit->op);
		return status;
	}
	*out_operator = &limit->op;
	return CONSORT_OK;
}
