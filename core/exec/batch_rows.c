/* SPDX-License-Identifier: Apache-2.0 */
/* Cells and rows of batches: reading, appending, copying between batches, and checking what
 * an adapter made. */
#include "exec/batches.h"

#include <inttypes.h>

int64_t consort_count_nulls(const uint8_t *validity, int64_t first, int64_t count)
{
	int64_t end = first + count, at = first, valid = 0;

	for (; at < end && at & 7; at++)
		valid += (validity[at >> 3] >> (at & 7)) & 1;
	for (; at + 8 <= end; at += 8)
		valid += __builtin_popcount(validity[at >> 3]);
	for (; at < end; at++)
		valid += (validity[at >> 3] >> (at & 7)) & 1;
	return count - valid;
}

static bool is_variable(uint16_t id)
{
	return id == CONSORT_TYPE_TEXT || id == CONSORT_TYPE_BYTES || id == CONSORT_TYPE_JSON;
}

static bool has_offsets(uint16_t id)
{
	return is_variable(id) || id == CONSORT_TYPE_LIST;
}

/* --- checking --- */

static bool is_whole(const struct consort_column *column, int64_t nrows)
{
	return column->length == nrows && column->null_count >= 0 && column->null_count <= nrows;
}

enum consort_status consort_column_check(const struct consort_column *column, uint32_t index, int64_t nrows,
					 struct consort_error *error)
{
	const int32_t *offsets;
	bool falls = false;
	uint64_t end;
	int64_t i;

	if (!is_whole(column, nrows))
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the adapter delivered a batch of %" PRId64
					 " rows whose column %" PRIu32 " has %" PRId64 " values, %" PRId64
					 " of them NULL",
					 nrows, index + 1, column->length, column->null_count);
	if (!nrows || !has_offsets(column->type.id))
		return CONSORT_OK;
	offsets = (const int32_t *)column->values + column->offset;
	end = column->child ? (uint64_t)column->child->length : column->data_capacity;
	for (i = 0; i < nrows; i++)
		falls |= offsets[i] >
			 offsets[i + 1]; /* without a jump: every batch of an adapter comes here */
	if (falls || offsets[0] < 0 || (uint64_t)offsets[nrows] > end)
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the adapter delivered a batch whose column %" PRIu32
					 " has offsets that are out of order or point behind its data",
					 index + 1);
	return column->child ? consort_column_check(column->child, index, column->child->length, error)
			     : CONSORT_OK;
}

enum consort_status consort_batch_check(const struct consort_batch *batch, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	if (CONSORT_UNLIKELY(batch->nrows < 0))
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the adapter delivered a batch of %" PRId64 " rows", batch->nrows);
	for (i = 0; i < batch->ncolumns && !status; i++) {
		const struct consort_column *column = &batch->columns[i];

		if (!has_offsets(column->type.id) && CONSORT_LIKELY(is_whole(column, batch->nrows)))
			continue;
		status = consort_column_check(column, i, batch->nrows, error);
	}
	return status;
}

/* --- reading --- */

enum consort_status consort_column_read(const struct consort_column *column, int64_t row,
					struct consort_arena *scratch, struct consort_value *out_value)
{
	const int32_t *offsets;
	struct consort_value *items;
	int32_t i, count;

	if (column->type.id != CONSORT_TYPE_LIST || consort_column_is_null(column, row)) {
		*out_value = consort_column_value(column, row);
		return CONSORT_OK;
	}
	offsets = (const int32_t *)column->values + column->offset + row;
	count = offsets[1] - offsets[0];
	items = consort_arena_array(scratch, (size_t)count, sizeof(*items));
	if (!items)
		return CONSORT_ENOMEM;
	for (i = 0; i < count; i++)
		items[i] = consort_column_value(column->child, offsets[0] + i);
	out_value->type = column->type;
	out_value->as.list.items = items;
	out_value->as.list.count = (uint64_t)count;
	return CONSORT_OK;
}

struct consort_value consort_batch_value(const struct consort_batch *batch, uint32_t column, int64_t row,
					 struct consort_arena *scratch)
{
	const struct consort_column *from = &batch->columns[column];
	struct consort_value value;

	if (CONSORT_LIKELY(from->type.id != CONSORT_TYPE_LIST))
		return consort_column_value(from, row);
	return consort_column_read(from, row, scratch, &value) ? consort_null() : value;
}

/* --- appending --- */

enum consort_status consort_batch_failed(enum consort_status status, struct consort_error *error)
{
	if (status == CONSORT_ENOMEM)
		return consort_error_no_memory(error);
	return consort_error_set(error, CONSORT_EINTERNAL, "a value came for a column of another type");
}

enum consort_status consort_batch_append_row(struct consort_batch *batch, const struct consort_value *values)
{
	uint32_t i, status;

	for (i = 0; i < batch->ncolumns; i++) {
		status = consort_append_value(batch, &batch->columns[i], &values[i]);
		if (status)
			return status;
	}
	consort_batch_end_row(batch);
	return CONSORT_OK;
}

enum consort_status consort_batch_put(struct consort_batch *batch, uint32_t at,
				      const struct consort_value *value, struct consort_error *error)
{
	struct consort_column *column = &batch->columns[at];
	struct consort_value scaled;
	uint32_t status;

	if (value->type.id == CONSORT_TYPE_DECIMAL && value->type.scale != column->type.scale) {
		status = consort_value_convert(value, column->type, NULL, &scaled, error);
		if (status)
			return status;
		value = &scaled;
	}
	status = consort_append_value(batch, column, value);
	return status ? consort_batch_failed(status, error) : CONSORT_OK;
}

static uint32_t copy_cell(struct consort_batch *batch, struct consort_column *column,
			  const struct consort_column *source, int64_t row);

static uint32_t copy_list(struct consort_batch *batch, struct consort_column *column,
			  const struct consort_column *source, int64_t row)
{
	const int32_t *offsets = (const int32_t *)source->values + source->offset + row;
	struct consort_column *child = column->child;
	uint32_t status = CONSORT_OK;
	int32_t i;

	if (child->capacity - child->length < offsets[1] - offsets[0])
		status = batch->reserve(batch, column, (uint64_t)(offsets[1] - offsets[0]));
	for (i = offsets[0]; i < offsets[1] && !status; i++)
		status = copy_cell(batch, child, source->child, i);
	if (status)
		return status;
	((int32_t *)column->values)[++column->length] = (int32_t)child->length;
	batch->bytes += (uint64_t)(offsets[1] - offsets[0]) * 8;
	return CONSORT_OK;
}

/* One cell to a column of the same type. */
static uint32_t copy_cell(struct consort_batch *batch, struct consort_column *column,
			  const struct consort_column *source, int64_t row)
{
	struct consort_value value;

	if (source->type.id == CONSORT_TYPE_LIST && !consort_column_is_null(source, row))
		return copy_list(batch, column, source, row);
	value = consort_column_value(source, row);
	return consort_append_value(batch, column, &value);
}

enum consort_status consort_batch_copy_row(struct consort_batch *batch, uint32_t at,
					   const struct consort_batch *source, int64_t row)
{
	uint32_t i, status;

	for (i = 0; i < source->ncolumns; i++) {
		status = copy_cell(batch, &batch->columns[at + i], &source->columns[i], row);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

/* The gathers of the commonest columns, a loop for each width. What stands in a NULL's place
 * does not matter. */

static void gather_64(struct consort_column *column, const struct consort_column *source,
		      const uint32_t *rows, uint32_t count)
{
	const int64_t *from = (const int64_t *)source->values + source->offset;
	int64_t *to = (int64_t *)column->values + column->length;
	uint32_t i;

	for (i = 0; i < count; i++)
		to[i] = from[rows[i]];
}

static void gather_32(struct consort_column *column, const struct consort_column *source,
		      const uint32_t *rows, uint32_t count)
{
	const int32_t *from = (const int32_t *)source->values + source->offset;
	int32_t *to = (int32_t *)column->values + column->length;
	uint32_t i;

	for (i = 0; i < count; i++)
		to[i] = from[rows[i]];
}

/* Ends a gather of fixed-width values: the rows, and which of them are NULL. */
static void gather_validity(struct consort_column *column, const struct consort_column *source,
			    const uint32_t *rows, uint32_t count)
{
	uint32_t i;

	for (i = 0; source->null_count && i < count; i++) {
		int64_t at = column->length + i;

		if (!consort_column_is_null(source, rows[i]))
			continue;
		column->validity[at >> 3] = (uint8_t)(column->validity[at >> 3] & ~(1u << (at & 7)));
		column->null_count++;
	}
	column->length += count;
}

static uint32_t gather_views(struct consort_batch *batch, struct consort_column *column,
			     const struct consort_column *source, const uint32_t *rows, uint32_t count)
{
	uint32_t i, status;

	for (i = 0; i < count; i++) {
		struct consort_view view;

		if (source->null_count && consort_column_is_null(source, rows[i])) {
			consort_append_null(column);
			continue;
		}
		view = consort_column_view(source, rows[i]);
		status = consort_append_view(batch, column, view.data, view.size);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

static uint32_t gather_column(struct consort_batch *batch, struct consort_column *column,
			      const struct consort_column *source, const uint32_t *rows, uint32_t count)
{
	uint32_t i, status = CONSORT_OK;

	if (source->type.id != column->type.id)
		return CONSORT_ETYPE;
	switch (source->type.id) {
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_FLOAT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_TIME:
		gather_64(column, source, rows, count);
		gather_validity(column, source, rows, count);
		return CONSORT_OK;
	case CONSORT_TYPE_DATE:
		gather_32(column, source, rows, count);
		gather_validity(column, source, rows, count);
		return CONSORT_OK;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return gather_views(batch, column, source, rows, count);
	default:
		for (i = 0; i < count && !status; i++)
			status = copy_cell(batch, column, source, rows[i]);
		return status;
	}
}

enum consort_status consort_batch_gather(struct consort_batch *batch, const struct consort_batch *source,
					 const uint32_t *rows, uint32_t count, struct consort_error *error)
{
	uint32_t i, status;

	for (i = 0; i < source->ncolumns; i++) {
		status = gather_column(batch, &batch->columns[i], &source->columns[i], rows, count);
		if (status)
			return consort_batch_failed(status, error);
	}
	batch->nrows += count;
	return CONSORT_OK;
}
