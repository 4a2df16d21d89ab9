/* SPDX-License-Identifier: Apache-2.0 */
/* What all operators share: opening a tree of them, the step to the next batch, deadline,
 * cancel and memory. */
#include "exec/exec.h"

#include <inttypes.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* --- the run --- */

enum consort_status consort_exec_charge(struct consort_exec *exec, uint64_t bytes,
					struct consort_error *error)
{
	if (exec->memory_limit &&
	    (bytes > exec->memory_limit || exec->memory_used > exec->memory_limit - bytes))
		return consort_error_set(error, CONSORT_ENOMEM,
					 "the query needs more than its memory limit of %" PRIu64
					 " bytes; let it read less, or raise the limit", exec->memory_limit);
	exec->memory_used += bytes;
	return CONSORT_OK;
}

void consort_exec_discharge(struct consort_exec *exec, uint64_t bytes)
{
	exec->memory_used -= bytes < exec->memory_used ? bytes : exec->memory_used;
}

enum consort_status consort_exec_check(const struct consort_exec *exec, struct consort_error *error)
{
	if (CONSORT_UNLIKELY(consort_call_cancelled(&exec->call)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the query was cancelled");
	if (exec->call.deadline && CONSORT_UNLIKELY(now() >= exec->call.deadline))
		return consort_error_set(error, CONSORT_ETIMEOUT, "the query's deadline has passed");
	return CONSORT_OK;
}

/* --- the tree --- */

typedef enum consort_status opener(struct consort_exec *exec, const struct consort_step *step,
				   struct consort_operator **out_operator, struct consort_error *error);

enum consort_status consort_operator_open(struct consort_exec *exec, const struct consort_step *step,
					  struct consort_operator **out_operator, struct consort_error *error)
{
	static opener *const openers[] = {
		[CONSORT_STEP_REMOTE] = consort_remote_open, [CONSORT_STEP_FILTER] = consort_filter_open,
		[CONSORT_STEP_PROJECT] = consort_project_open, [CONSORT_STEP_LOOKUP] = consort_lookup_open,
		[CONSORT_STEP_AGGREGATE] = consort_aggregate_open, [CONSORT_STEP_SORT] = consort_sort_open,
		[CONSORT_STEP_LIMIT] = consort_limit_open, [CONSORT_STEP_VALUES] = consort_values_open,
	};
	struct consort_operator *op = NULL;
	enum consort_status status;
	uint32_t i;

	if (!step->kind || step->kind >= sizeof(openers) / sizeof(*openers))
		return consort_error_set(error, CONSORT_EINTERNAL, "there is no step of kind %" PRIu32,
					 step->kind);
	status = openers[step->kind](exec, step, &op, error);
	for (i = 0; i < 2 && !status; i++)
		if (step->inputs[i])
			status = consort_operator_open(exec, step->inputs[i], &op->inputs[i], error);
	if (status) {
		consort_operator_close(op);
		return status;
	}
	*out_operator = op;
	return CONSORT_OK;
}

enum consort_status consort_operator_next(struct consort_operator *op, struct consort_batch **out_batch,
					  struct consort_error *error)
{
	enum consort_status status = consort_exec_check(op->exec, error);
	int64_t start;

	if (status)
		return status;
	if (!op->exec->analyze)
		return op->ops->next(op, out_batch, error);
	start = now();
	status = op->ops->next(op, out_batch, error);
	op->nanoseconds += now() - start;
	if (!status && *out_batch) {
		op->rows += (*out_batch)->nrows;
		op->batches++;
	}
	return status;
}

void consort_operator_close(struct consort_operator *op)
{
	struct consort_operator *inputs[2];

	if (!op)
		return;
	memcpy(inputs, op->inputs, sizeof(inputs));
	op->ops->close(op);
	consort_operator_close(inputs[0]);
	consort_operator_close(inputs[1]);
}
