/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_TABLES_H
#define CONSORT_EXEC_TABLES_H

/*
 * What operators remember: keys by their values, and rows. Both count against the memory limit of the
 * execution. Private to the operators.
 */

#include "exec/exec.h"

/* --- hash.c: distinct tuples of values, numbered from 0 in the order in which they came --- */

struct consort_hash {
	struct consort_exec *exec;
	uint32_t nkeys;             /* values in a tuple; 0 is legal: there is one tuple then */
	uint32_t count;
	uint32_t capacity; /* of hashes and keys; the table has twice as many places, a power of two */
	uint32_t *table;            /* open addressing: number + 1, or 0 */
	uint64_t *hashes;
	struct consort_value *keys; /* [count * nkeys], owned; -0 is 0 */
	struct consort_arena arena;
	uint64_t charged;
};

/* The value with what it borrows copied; -0 as 0. False: no memory. */
bool consort_value_copy(struct consort_arena *arena, const struct consort_value *value,
			struct consort_value *out);

#define CONSORT_HASH_NONE UINT32_MAX

void consort_hash_init(struct consort_hash *hash, struct consort_exec *exec, uint32_t nkeys);
void consort_hash_clear(struct consort_hash *hash);
/* The tuple's number; NULL equals NULL, NaN equals NaN, -0 equals 0. Adds it, copied, if it is not there:
 * then it is the last one. */
enum consort_status consort_hash_put(struct consort_hash *hash, const struct consort_value *tuple,
				     uint32_t *out_number, struct consort_error *error);
/* CONSORT_HASH_NONE: not there. */
uint32_t consort_hash_find(const struct consort_hash *hash, const struct consort_value *tuple);

/* --- rows.c: copies of rows --- */

/* Where a row is kept. */
struct consort_row {
	uint32_t batch;
	uint32_t row;
};

struct consort_rows {
	struct consort_exec *exec;
	const struct consort_field *const *fields;
	uint32_t nfields;
	uint32_t nbatches;
	struct consort_batch **batches;
	uint64_t count;
	uint64_t charged;
};

void consort_rows_init(struct consort_rows *rows, struct consort_exec *exec,
		       const struct consort_field *const *fields, uint32_t nfields);
void consort_rows_clear(struct consort_rows *rows);
/* Copies a row of a batch of these fields, and tells where it is now. */
enum consort_status consort_rows_add(struct consort_rows *rows, const struct consort_batch *batch,
				     uint32_t row, struct consort_row *out_place,
				     struct consort_error *error);
/* Copies rows [first, first + count). */
enum consort_status consort_rows_add_all(struct consort_rows *rows, const struct consort_batch *batch,
					 uint32_t first, uint32_t count, struct consort_error *error);

#endif
