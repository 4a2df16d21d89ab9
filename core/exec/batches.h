/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXEC_BATCHES_H
#define CONSORT_EXEC_BATCHES_H

/*
 * The host's batches: made, filled, read, shared between operators, exchanged with Arrow. A batch handed from
 * one operator to the next may be read until its owner's next call. Any number of rows: only batches of the
 * core's own end at CONSORT_BATCH_ROWS.
 */

#include <consort/batch.h>
#include <consort/plan.h>

#include "base/base.h"

#define CONSORT_BATCH_ROWS 1024
/* Of records to be written, and to be created: what begins a bulk load takes an engine as long as a thousand
 * rows of it. */
#define CONSORT_WRITE_ROWS 8192
#define CONSORT_CREATE_ROWS 32768
#define CONSORT_BATCH_BYTES ((uint64_t)4 << 20)

/* --- batch.c: the batch and its buffers --- */

/* An empty batch with these columns; with max_rows 0 for columns that are all borrowed. NULL: no memory. */
struct consort_batch *consort_batch_new(const struct consort_type *types, uint32_t ncolumns, int64_t max_rows,
					uint64_t max_bytes);
struct consort_batch *consort_batch_for_fields(const struct consort_field *const *fields, uint32_t nfields,
					       int64_t max_rows);
/* One that has room for fewer rows than max_rows where they have many columns. */
struct consort_batch *consort_batch_bounded(const struct consort_type *types, uint32_t ncolumns,
					    int64_t max_rows);
/* Empties it; keeps its buffers unless someone else still holds them. ENOMEM: it may only be
 * freed or reset. */
enum consort_status consort_batch_reset(struct consort_batch *batch);
/* NULL is legal. */
void consort_batch_free(struct consort_batch *batch);
/* Bytes that its buffers hold, without what it borrows from other batches. */
uint64_t consort_batch_memory(const struct consort_batch *batch);
/*
 * Makes the empty column `at` rows [first, first + count) of the source's column `from`, which has its type.
 * The rows may be read until the source is reset; what was exported from here stays as it is even then. The
 * caller sets batch->nrows.
 */
void consort_batch_borrow(struct consort_batch *batch, uint32_t at, const struct consort_batch *source,
			  uint32_t from, int64_t first, int64_t count);

/* Buffers, counted by reference from any thread. */
struct consort_storage;

struct consort_storage *consort_storage_hold(struct consort_storage *storage);
/* NULL is legal. */
void consort_storage_drop(struct consort_storage *storage);
/* Takes the array, of about so many bytes; dropping releases it. NULL: no memory, and the array stays. */
struct consort_storage *consort_storage_of_array(struct ArrowArray *array, uint64_t bytes);
/* What holds the column's buffers; borrowed. */
struct consort_storage *consort_batch_storage(const struct consort_batch *batch, uint32_t column);
/* Puts a column that lies over the storage, which it then holds too, in place of the empty one at `at`. */
void consort_batch_lend(struct consort_batch *batch, uint32_t at, const struct consort_column *column,
			struct consort_storage *storage);

/* --- batch_rows.c: cells and rows --- */

/* Clear bits of `count` from bit `first`. */
int64_t consort_count_nulls(const uint8_t *validity, int64_t first, int64_t count);
/* Checks what an adapter delivered: equal lengths, offsets in order and within the data. EPROTOCOL naming the
 * column. */
enum consort_status consort_batch_check(const struct consort_batch *batch, struct consort_error *error);
enum consort_status consort_column_check(const struct consort_column *column, uint32_t index, int64_t nrows,
					 struct consort_error *error);
/* Fills the error for what the appends below return: no memory, or a value of another type, which
 * is a bug. */
enum consort_status consort_batch_failed(enum consort_status status, struct consort_error *error);
/* Appends a row of values. */
enum consort_status consort_batch_append_row(struct consort_batch *batch, const struct consort_value *values);
/* Appends a value that was computed for the column; a decimal is brought to its scale. Does not
 * end the row. */
enum consort_status consort_batch_put(struct consort_batch *batch, uint32_t at,
				      const struct consort_value *value, struct consort_error *error);
/* Appends row `row` of all of the source's columns to the columns from `at` on; does not end the row. */
enum consort_status consort_batch_copy_row(struct consort_batch *batch, uint32_t at,
					   const struct consort_batch *source, int64_t row);
/* Appends rows rows[0…count) of a batch with the same columns. */
enum consort_status consort_batch_gather(struct consort_batch *batch, const struct consort_batch *source,
					 const uint32_t *rows, uint32_t count, struct consort_error *error);
/* One value of a column; LIST values are borrowed from items, which grows in `scratch`. ENOMEM only. */
enum consort_status consort_column_read(const struct consort_column *column, int64_t row,
					struct consort_arena *scratch, struct consort_value *out_value);
/* The same; NULL when there is no memory for a list. */
struct consort_value consort_batch_value(const struct consort_batch *batch, uint32_t column, int64_t row,
					 struct consort_arena *scratch);

/* --- batch_arrow.c: the Arrow C data interface --- */

/* The batch's hand_over. EINVAL for a batch that is not empty, EPROTOCOL for an array that does not match. */
uint32_t consort_batch_hand_over_array(struct consort_batch *batch, struct ArrowArray *array,
				       struct consort_error *error);
/*
 * Exports the batch's rows as a struct array, without a copy: array and batch hold the same buffers, and the
 * batch takes fresh ones at its next reset. The array, and each child moved out of it, is released on any
 * thread.
 */
enum consort_status consort_batch_take_array(struct consort_batch *batch, struct ArrowArray *out_array,
					     struct consort_error *error);
/* The schema of such arrays: a struct of the fields. */
enum consort_status consort_fields_schema(const struct consort_field *const *fields, uint32_t nfields,
					  struct ArrowSchema *out_schema, struct consort_error *error);

#endif
