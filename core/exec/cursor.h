/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CORE_CURSOR_H
#define CONSORT_CORE_CURSOR_H

/* The cursor's struct, for cursor.c and stream.c. */

#include <consort/cursor.h>

#include "exec/exec.h"

struct consort_cursor {
	struct consort_operator *op;
	const struct consort_field *const *fields;
	uint32_t nfields;
	bool ended;
	struct consort_batch *batch;  /* the operator's; NULL before the first and at the end */
	int64_t row;                  /* the current one; -1 before the first */
	struct consort_error error;   /* what ended it */
	struct consort_arena scratch; /* texts of the current row */
	const uint32_t *stamp;        /* the fork stamp of its handle, or NULL */
	void *owner;
	void (*owner_free)(void *owner);
	/* After a failure, and while nothing was given out yet: may it begin again? Then *op is another one, or NULL
	 * with the error of making it. NULL: never. */
	bool (*again)(void *owner, struct consort_operator **op, struct consort_error *error);
};

/* The next batch of the operator, also one of another that has taken its place; NULL at the end. */
enum consort_status consort_cursor_pull(struct consort_cursor *rows, struct consort_batch **out_batch,
					struct consort_error *error);

#endif
