/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_H
#define CONSORT_EXEC_H

/*
 * The executor: operators that pull batches. Knows plans and connections, nothing of SQL or manifests.
 *
 *     remote.c   rows from an adapter         filter.c   FILTER and PROJECT
 *     lookup.c   joins by key lookups         hash.c     tables of rows by key
 *     aggregate.c, sort.c, limit.c            eval.c     expressions over batches
 *     batch*.c   the host's batches           cursor.c   what a program reads; stream.c: as Arrow
 */

#include <consort/host.h>
#include <consort/json.h>

#include "exec/batches.h"
#include "plan/plan.h"
#include "pool/pool.h"

#define CONSORT_LOOKUP_KEYS 1000 /* keys in one set at most */

/* --- eval.c --- */

/* What an evaluation works with. The scratch arena holds texts that it makes; whoever drives it resets it. */
struct consort_eval {
	const struct consort_value *parameters;
	uint32_t nparameters;
	struct consort_arena scratch;
	/* its own, freed by _clear */
	struct consort_json_reader *json; /* made when first needed */
	struct consort_buffer text;
	struct consort_in_set *sets;
	struct consort_vector **vectors;  /* a stack of them, used again and again */
	uint32_t nvectors;
	uint32_t depth;
};

void consort_eval_init(struct consort_eval *eval, const struct consort_value *parameters, uint32_t nparameters);
void consort_eval_clear(struct consort_eval *eval);

/*
 * Evaluates for rows rows[0…count) of the batch (NULL: 0…count); the value of row rows[i] goes to out[i]. AND,
 * OR, CASE and COALESCE evaluate from left to right, each argument only for the rows that still need it. Values
 * borrow from the batch, the parameters, the expression or the scratch arena.
 */
enum consort_status consort_eval_rows(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_batch *batch, const uint32_t *rows, uint32_t count,
				      struct consort_value *out, struct consort_error *error);
/* One expression without columns (limit, key, assignment of a literal). */
enum consort_status consort_eval_constant(struct consort_eval *eval, const struct consort_expr *expr,
					  struct consort_value *out, struct consort_error *error);

/* --- operators --- */

/* What the operators of one run share. */
struct consort_exec {
	struct consort_session *session;
	struct consort_call call;
	const struct consort_value *parameters;
	uint32_t nparameters;
	uint32_t analyze;        /* count rows, batches and time into each operator's figures */
	uint64_t memory_used;
	uint64_t memory_limit;   /* 0: none */
};

/* Counts bytes against the limit: ENOMEM "the query needs more than …" when they pass it. */
enum consort_status consort_exec_charge(struct consort_exec *exec, uint64_t bytes, struct consort_error *error);
void consort_exec_discharge(struct consort_exec *exec, uint64_t bytes);
/* Deadline and cancel, for loops of the core's own. */
enum consort_status consort_exec_check(const struct consort_exec *exec, struct consort_error *error);

struct consort_operator;

struct consort_operator_ops {
	/* The next batch, the operator's own until its next call; NULL at the end. */
	enum consort_status (*next)(struct consort_operator *op, struct consort_batch **out_batch,
				    struct consort_error *error);
	void (*close)(struct consort_operator *op);
};

struct consort_operator {
	const struct consort_operator_ops *ops;
	struct consort_exec *exec;
	const struct consort_step *step;
	struct consort_operator *inputs[2]; /* closed by consort_operator_close */
	int64_t rows, batches, nanoseconds; /* with analyze */
};

/* Opens the operator for a step, and those below it. */
enum consort_status consort_operator_open(struct consort_exec *exec, const struct consort_step *step,
					  struct consort_operator **out_operator, struct consort_error *error);
/* The next batch through ops->next, counted with analyze. */
enum consort_status consort_operator_next(struct consort_operator *op, struct consort_batch **out_batch,
					  struct consort_error *error);
/* NULL is legal. */
void consort_operator_close(struct consort_operator *op);

/* One a kind of step; each allocates its own struct with struct consort_operator first. */
enum consort_status consort_remote_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_filter_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_project_open(struct consort_exec *exec, const struct consort_step *step,
					 struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_lookup_open(struct consort_exec *exec, const struct consort_step *step,
					struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_aggregate_open(struct consort_exec *exec, const struct consort_step *step,
					   struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_sort_open(struct consort_exec *exec, const struct consort_step *step,
				      struct consort_operator **out_operator, struct consort_error *error);
enum consort_status consort_limit_open(struct consort_exec *exec, const struct consort_step *step,
				       struct consort_operator **out_operator, struct consort_error *error);

/* limit.c, for sort.c too: the value of a limit or offset, or `none` if there is none. `what` is for messages. */
enum consort_status consort_limit_value(const struct consort_exec *exec, const struct consort_expr *expr,
					const char *what, int64_t none, int64_t *out_value,
					struct consort_error *error);

/* remote.c, for lookup.c: starts a REMOTE step again with this key set (NULL: none). Its cursor before is closed. */
enum consort_status consort_remote_restart(struct consort_operator *op, const struct consort_batch *keys,
					   struct consort_error *error);

#endif
