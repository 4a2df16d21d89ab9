/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_SOURCE_H
#define CONSORT_EXEC_SOURCE_H

/* REMOTE steps without an adapter, which give the rows of a table, and running a tree of steps over them. */

#include "exec-helpers.h"

struct source {
	const struct consort_field *const *fields;
	uint32_t nfields;
	const struct consort_value *rows; /* [nrows * nfields] */
	int64_t nrows;
	int64_t per_batch;                /* rows in a batch; 0: CONSORT_BATCH_ROWS */
	uint32_t nkeys;                   /* not 0: keyed by columns keys[] */
	uint32_t keys[4];
	uint32_t max_keys;
	uint32_t sloppy;                  /* gives every row, whatever the key set: as a bad adapter would */
	int64_t fail_at;                  /* the next that fails; 0: none */
	/* what happened */
	const struct consort_batch *batch; /* the last one that was given */
	int64_t pulls;
	int64_t restarts;
	int64_t most_keys;
	int64_t asked_keys;
};

const struct consort_step *source_step(struct source *source);
/* A step with one input; what it needs besides is set by the caller. */
struct consort_step *step_over(uint32_t kind, const struct consort_step *input,
			       const struct consort_field *const *of, uint32_t nfields);
/* A node for a step; owned by the case. */
struct consort_node *node_of(uint32_t kind);

/* How the trees run. */
extern struct consort_exec run_exec;
/* The most memory a run counted at the end of a batch. */
extern uint64_t run_memory;

/* All rows as "a|b c|d …", or "STATUS: message". Checks that all memory is discharged. */
const char *run(const struct consort_step *step);
/* The same for its status only. */
enum consort_status run_status(const struct consort_step *step);

#endif
