/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_BATCH_H
#define CONSORT_BATCH_H

/*
 * Batches: rows as columns in Arrow's memory layout.
 *
 * The host makes a batch and passes it to each `next`; the adapter appends rows with the inline functions
 * below and keeps no pointer to it. Fixed-width buffers hold max_rows from the start, so only text, bytes,
 * json and lists can need more room; no append allocates but by doubling such a buffer. An adapter that
 * holds Arrow arrays already hands one over with consort_batch_hand_over instead of appending.
 *
 * All functions here: the thread that owns the batch.
 */

#include <consort/arrow.h>
#include <consort/error.h>
#include <consort/types.h>

CONSORT_BEGIN

/* One column. Frozen. Row i of the batch stands at place offset + i of each buffer. */
struct consort_column {
	struct consort_type type;
	uint8_t *validity;            /* bit set: not NULL; NULL pointer: no NULL in the column */
	void *values;                 /* fixed-width values (BOOL: bits), or int32_t offsets, one more than rows */
	uint8_t *data;                /* TEXT, BYTES, JSON: what the offsets point into */
	struct consort_column *child; /* LIST: what the offsets count in */
	int64_t length;
	int64_t null_count;
	int64_t offset;               /* not 0 only where rows are lent or were handed over */
	int64_t capacity;             /* rows that validity and values have room for */
	uint64_t data_capacity;       /* bytes that data has room for */
};

/* Bits of consort_batch.flags */
#define CONSORT_BATCH_LAST 1u /* set by the adapter when it knows that no row follows; saves a call of next */

/* Growing. */
struct consort_batch {
	uint32_t struct_size;
	uint32_t flags;
	uint32_t ncolumns;
	uint32_t reserved;
	struct consort_column *columns;
	int64_t nrows;      /* whole rows so far; 0 after next means the end */
	int64_t max_rows;   /* `next` stops here */
	uint64_t bytes;     /* of variable-width data so far */
	uint64_t max_bytes; /* `next` stops after the row that passes this */
	void *host;         /* the maker's own */
	/* Makes room for `more` bytes behind column's data (LIST: `more` child rows). Returns a status; the maker's. */
	uint32_t (*reserve)(struct consort_batch *batch, struct consort_column *column, uint64_t more);
	/* Takes the array (a struct of ncolumns children) as the batch's rows; its release may run on any thread,
	 * later. Only into an empty batch; on failure the array stays the caller's. */
	uint32_t (*hand_over)(struct consort_batch *batch, struct ArrowArray *array, struct consort_error *error);
};

/* --- reading --- */

static inline int consort_column_is_null(const struct consort_column *column, int64_t row)
{
	int64_t at = column->offset + row;

	return column->validity && !((column->validity[at >> 3] >> (at & 7)) & 1);
}

static inline int consort_column_bool(const struct consort_column *column, int64_t row)
{
	int64_t at = column->offset + row;

	return (((const uint8_t *)column->values)[at >> 3] >> (at & 7)) & 1;
}

/* INT64, TIMESTAMP, TIME */
static inline int64_t consort_column_int64(const struct consort_column *column, int64_t row)
{
	return ((const int64_t *)column->values)[column->offset + row];
}

/* DATE */
static inline int32_t consort_column_int32(const struct consort_column *column, int64_t row)
{
	return ((const int32_t *)column->values)[column->offset + row];
}

static inline double consort_column_float64(const struct consort_column *column, int64_t row)
{
	return ((const double *)column->values)[column->offset + row];
}

static inline struct consort_decimal consort_column_decimal(const struct consort_column *column, int64_t row)
{
	return ((const struct consort_decimal *)column->values)[column->offset + row];
}

/* UUID (16 bytes), OBJECTID (12 bytes) */
static inline const uint8_t *consort_column_fixed(const struct consort_column *column, int64_t row)
{
	return (const uint8_t *)column->values +
	       (column->offset + row) * (column->type.id == CONSORT_TYPE_UUID ? 16 : 12);
}

/* TEXT, BYTES, JSON; borrowed from the batch */
static inline struct consort_view consort_column_view(const struct consort_column *column, int64_t row)
{
	const int32_t *offsets = (const int32_t *)column->values + column->offset + row;
	struct consort_view view;

	view.data = (const char *)column->data + offsets[0];
	view.size = (uint64_t)(offsets[1] - offsets[0]);
	return view;
}

/* Any type but LIST; text and bytes are borrowed from the batch. */
static inline struct consort_value consort_column_value(const struct consort_column *column, int64_t row)
{
	struct consort_value value = consort_null();

	if (column->type.id == CONSORT_TYPE_NULL || consort_column_is_null(column, row))
		return value;
	value.type = column->type;
	switch (column->type.id) {
	case CONSORT_TYPE_BOOL:
		value.as.int64 = consort_column_bool(column, row);
		break;
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_TIME:
		value.as.int64 = consort_column_int64(column, row);
		break;
	case CONSORT_TYPE_DATE:
		value.as.int64 = consort_column_int32(column, row);
		break;
	case CONSORT_TYPE_FLOAT64:
		value.as.float64 = consort_column_float64(column, row);
		break;
	case CONSORT_TYPE_DECIMAL:
		value.as.decimal = consort_column_decimal(column, row);
		break;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		value.as.view = consort_column_view(column, row);
		break;
	case CONSORT_TYPE_UUID:
		memcpy(value.as.uuid, consort_column_fixed(column, row), 16);
		break;
	case CONSORT_TYPE_OBJECTID:
		memcpy(value.as.objectid, consort_column_fixed(column, row), 12);
		break;
	default:
		return consort_null();
	}
	return value;
}

/* --- filling: one append for every column, then consort_batch_end_row --- */

static inline void consort_append_int64(struct consort_column *column, int64_t value)
{
	((int64_t *)column->values)[column->length++] = value;
}

static inline void consort_append_int32(struct consort_column *column, int32_t value)
{
	((int32_t *)column->values)[column->length++] = value;
}

static inline void consort_append_float64(struct consort_column *column, double value)
{
	((double *)column->values)[column->length++] = value;
}

static inline void consort_append_decimal(struct consort_column *column, struct consort_decimal value)
{
	((struct consort_decimal *)column->values)[column->length++] = value;
}

static inline void consort_append_bool(struct consort_column *column, int value)
{
	uint8_t *byte = (uint8_t *)column->values + (column->length >> 3);
	uint8_t bit = (uint8_t)(1u << (column->length & 7));

	*byte = (uint8_t)(value ? *byte | bit : *byte & ~bit);
	column->length++;
}

/* UUID (16 bytes), OBJECTID (12 bytes) */
static inline void consort_append_fixed(struct consort_column *column, const uint8_t *value)
{
	size_t width = column->type.id == CONSORT_TYPE_UUID ? 16 : 12;

	memcpy((uint8_t *)column->values + (size_t)column->length++ * width, value, width);
}

/* TEXT, BYTES, JSON: `size` bytes, copied. Returns CONSORT_OK, or CONSORT_ENOMEM with nothing appended. */
static inline uint32_t consort_append_view(struct consort_batch *batch, struct consort_column *column,
					   const void *data, uint64_t size)
{
	int32_t *offsets = (int32_t *)column->values + column->length;
	uint64_t used = (uint64_t)offsets[0];

	if (CONSORT_UNLIKELY(size > column->data_capacity - used)) {
		uint32_t status = batch->reserve(batch, column, size);

		if (status)
			return status;
	}
	if (size)
		memcpy(column->data + used, data, size);
	offsets[1] = (int32_t)(used + size);
	column->length++;
	batch->bytes += size;
	return CONSORT_OK;
}

/* NULL, for a column of any type. */
static inline void consort_append_null(struct consort_column *column)
{
	int64_t row = column->length++;

	column->validity[row >> 3] = (uint8_t)(column->validity[row >> 3] & ~(1u << (row & 7)));
	column->null_count++;
	switch (column->type.id) {
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_LIST:
		((int32_t *)column->values)[row + 1] = ((int32_t *)column->values)[row];
		break;
	case CONSORT_TYPE_NULL:
	case CONSORT_TYPE_BOOL:
		break;
	case CONSORT_TYPE_DATE:
		((int32_t *)column->values)[row] = 0;
		break;
	case CONSORT_TYPE_DECIMAL:
	case CONSORT_TYPE_UUID:
		memset((uint8_t *)column->values + row * 16, 0, 16);
		break;
	case CONSORT_TYPE_OBJECTID:
		memset((uint8_t *)column->values + row * 12, 0, 12);
		break;
	default:
		((int64_t *)column->values)[row] = 0;
	}
}

/* A value whose type is the column's, or NULL. LIST appends each item to the child and ends the list.
 * Returns CONSORT_OK, CONSORT_ENOMEM, or CONSORT_ETYPE with nothing appended. */
static inline uint32_t consort_append_value(struct consort_batch *batch, struct consort_column *column,
					    const struct consort_value *value)
{
	uint64_t i;

	if (consort_value_is_null(value)) {
		consort_append_null(column);
		return CONSORT_OK;
	}
	if (value->type.id != column->type.id)
		return CONSORT_ETYPE;
	switch (column->type.id) {
	case CONSORT_TYPE_BOOL:
		consort_append_bool(column, value->as.int64 != 0);
		return CONSORT_OK;
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_TIME:
		consort_append_int64(column, value->as.int64);
		return CONSORT_OK;
	case CONSORT_TYPE_DATE:
		consort_append_int32(column, (int32_t)value->as.int64);
		return CONSORT_OK;
	case CONSORT_TYPE_FLOAT64:
		consort_append_float64(column, value->as.float64);
		return CONSORT_OK;
	case CONSORT_TYPE_DECIMAL:
		consort_append_decimal(column, value->as.decimal);
		return CONSORT_OK;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return consort_append_view(batch, column, value->as.view.data, value->as.view.size);
	case CONSORT_TYPE_UUID:
		consort_append_fixed(column, value->as.uuid);
		return CONSORT_OK;
	case CONSORT_TYPE_OBJECTID:
		consort_append_fixed(column, value->as.objectid);
		return CONSORT_OK;
	case CONSORT_TYPE_LIST:
		if ((uint64_t)(column->child->capacity - column->child->length) < value->as.list.count) {
			uint32_t status = batch->reserve(batch, column, value->as.list.count);

			if (status)
				return status;
		}
		for (i = 0; i < value->as.list.count; i++) {
			uint32_t status = consort_append_value(batch, column->child, &value->as.list.items[i]);

			if (status)
				return status;
		}
		((int32_t *)column->values)[++column->length] = (int32_t)column->child->length;
		batch->bytes += value->as.list.count * 8;
		return CONSORT_OK;
	default:
		return CONSORT_ETYPE;
	}
}

/* Ends a row; true when the batch is full and `next` should return. */
static inline int consort_batch_end_row(struct consort_batch *batch)
{
	return ++batch->nrows >= batch->max_rows || batch->bytes >= batch->max_bytes;
}

CONSORT_END

#endif
