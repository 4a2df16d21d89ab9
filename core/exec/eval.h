/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_EVAL_H
#define CONSORT_EXEC_EVAL_H

/*
 * What the parts of the evaluation share. An expression is evaluated node by node, each for a vector of rows
 * at once; what does not depend on a row is evaluated once for the vector. Private to eval*.c.
 */

#include "exec/exec.h"

#define CONSORT_VECTOR_ROWS CONSORT_BATCH_ROWS

/* Room for the values of one node, and for the rows that a part of it still concerns. Kept for
 * the next use. */
struct consort_vector {
	struct consort_value values[CONSORT_VECTOR_ROWS];
	uint32_t rows[CONSORT_VECTOR_ROWS];
	uint32_t places[CONSORT_VECTOR_ROWS];
	uint8_t keep[CONSORT_VECTOR_ROWS];
};

/* The known values of an IN's list, in order; kept as long as the evaluation, whose parameters
 * do not change. */
struct consort_in_set {
	struct consort_in_set *next;
	const struct consort_expr *expr;
	uint32_t count;
	uint32_t has_null;
	struct consort_value values[];
};

/* The values of an argument: one for each row, or one for all. */
struct consort_operand {
	const struct consort_value *values;
	uint32_t step; /* 1, or 0: the same for all */
};

static inline const struct consort_value *consort_operand_at(const struct consort_operand *operand,
							     uint32_t i)
{
	return &operand->values[(size_t)i * operand->step];
}

/* Computes out[0…count) of a call from its arguments, each of which has a value for every row. */
typedef enum consort_status consort_kernel(struct consort_eval *eval, const struct consort_expr *expr,
					   const struct consort_operand *args, uint32_t count,
					   struct consort_value *out, struct consort_error *error);

/* eval_compare.c */
consort_kernel consort_eval_compare; /* EQ … DISTINCT */
consort_kernel consort_eval_test;    /* NOT, IS_NULL … IS_FALSE */
/* The value of a literal or parameter that is there; else NULL. */
const struct consort_value *consort_eval_known(const struct consort_eval *eval,
					       const struct consort_expr *expr);
/* The set of what is known of an IN's list; NULL: no memory. */
const struct consort_in_set *consort_eval_in_set(struct consort_eval *eval, const struct consort_expr *expr);
bool consort_in_set_has(const struct consort_in_set *set, const struct consort_value *value);

/* eval_arithmetic.c */
consort_kernel consort_eval_arithmetic; /* ADD … MODULO */
consort_kernel consort_eval_negate;
consort_kernel consort_eval_time_bucket;

/* eval_text.c */
consort_kernel consort_eval_like; /* LIKE, ILIKE */
consort_kernel consort_eval_case; /* LOWER, UPPER */
consort_kernel consort_eval_length;
consort_kernel consort_eval_concat;

/* eval_cast.c */
consort_kernel consort_eval_cast;
consort_kernel consort_eval_path; /* PATH, PATH_TEXT */

/* unicode.c: one mapping of characters for all engines and systems, always to one character */

enum consort_mapping { CONSORT_MAP_LOWER, CONSORT_MAP_UPPER, CONSORT_MAP_FOLD };
/* The text mapped, in the arena; unchanged text is borrowed. False: no memory. */
bool consort_text_map(enum consort_mapping mapping, struct consort_view text, struct consort_arena *arena,
		      struct consort_view *out_text);

#endif
