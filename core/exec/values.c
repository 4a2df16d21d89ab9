/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that the run was given, batch by batch. */
#include "exec/exec.h"

struct values {
	struct consort_operator op;
	uint32_t next;
};

static enum consort_status next(struct consort_operator *op, struct consort_batch **out_batch,
				struct consort_error *error)
{
	struct values *values = (struct values *)op;

	(void)error;
	*out_batch = values->next < op->exec->nvalues ? op->exec->values[values->next++] : NULL;
	return CONSORT_OK;
}

static void close_values(struct consort_operator *op)
{
	free(op);
}

static const struct consort_operator_ops operations = {.next = next, .close = close_values};

enum consort_status consort_values_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error)
{
	struct values *values = calloc(1, sizeof(*values));

	if (!values)
		return consort_error_no_memory(error);
	values->op.ops = &operations;
	values->op.exec = exec;
	values->op.step = step;
	*out_operator = &values->op;
	return CONSORT_OK;
}
