/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_HELPERS_H
#define CONSORT_EXEC_HELPERS_H

/* What the tests of the executor share: making types, expressions and batches in a line, and showing rows.
 * What they return lives as long as the case, which is a process. */

#include "exec/exec.h"

#define T_BOOL consort_type_of(CONSORT_TYPE_BOOL)
#define T_INT consort_type_of(CONSORT_TYPE_INT64)
#define T_FLOAT consort_type_of(CONSORT_TYPE_FLOAT64)
#define T_TEXT consort_type_of(CONSORT_TYPE_TEXT)
#define T_JSON consort_type_of(CONSORT_TYPE_JSON)
#define T_TIMESTAMP consort_type_of(CONSORT_TYPE_TIMESTAMP)
#define T_DATE consort_type_of(CONSORT_TYPE_DATE)

/* Zeroed memory that lives as long as the case. */
void *keep(size_t count, size_t size);

struct consort_type list_of(uint16_t element);
/* "123.45" with its own precision and scale */
struct consort_value decimal(const char *text);

const struct consort_expr *literal(struct consort_value value);
const struct consort_expr *column(uint32_t index, struct consort_type type);
const struct consort_expr *parameter(uint32_t index, struct consort_type type);
const struct consort_expr *call_n(uint32_t op, struct consort_type type,
				  const struct consort_expr *const *args, uint32_t nargs);
/* call(op, type, arg, …) */
#define call(op, type, ...)                                                                                  \
	call_n(op, type, (const struct consort_expr *const[]){__VA_ARGS__},                                  \
	       sizeof((const struct consort_expr *const[]){__VA_ARGS__}) /                                   \
		       sizeof(const struct consort_expr *))

/* fields(n, type, …): n fields named c0, c1, … */
const struct consort_field *const *fields(uint32_t count, ...);

/* A batch of these fields and rows[0…nrows * nfields). */
struct consort_batch *batch_of(const struct consort_field *const *of, uint32_t nfields,
			       const struct consort_value *rows, int64_t nrows);
/* The text of a value, "NULL" for NULL. */
const char *shown(struct consort_value value);
/* Row `row` as "a|b|c". */
const char *shown_row(const struct consort_batch *batch, int64_t row);

#endif
