/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are written, as fields: those of COPY, and parameters. */
#include "write.h"

#include <string.h>

/*
 * Puts the value at the row, of one of the commonest columns without NULLs, as a field straight from the
 * column's buffers. Where the field ends; NULL: it goes the long way, or there is no room up to `end`.
 */
static inline char *put_plain(const struct pg_storage *storage, const struct consort_column *column,
			      int64_t row, char *at, const char *end)
{
	struct consort_view view;
	uint64_t bits;
	double number;

	if (CONSORT_UNLIKELY(column->null_count || storage->converts || storage->limit >= 0 || end - at < 12))
		return NULL;
	switch (storage->codec) {
	case PG_INT8:
		bits = (uint64_t)consort_column_int64(column, row);
		break;
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		bits = (uint64_t)consort_column_int64(column, row) - (uint64_t)PG_EPOCH_MICROSECONDS;
		if ((int64_t)bits < -PG_MICROSECONDS_PLAIN || (int64_t)bits > PG_MICROSECONDS_PLAIN)
			return NULL;
		break;
	case PG_FLOAT8:
		number = consort_column_float64(column, row);
		memcpy(&bits, &number, sizeof(bits));
		break;
	case PG_TEXT:
		view = consort_column_view(column, row);
		if (CONSORT_UNLIKELY(!view.size || view.size > (uint64_t)(end - at - 4)))
			return NULL;
		pg_set32(at, (uint32_t)view.size);
		memcpy(at + 4, view.data, view.size);
		return at + 4 + view.size;
	default:
		return NULL;
	}
	pg_set32(at, 8);
	pg_set64(at + 4, bits);
	return at + 12;
}

/* Appends any value. */
static uint32_t encode_cell(struct pg_write_call *call, uint32_t i, int64_t row, struct consort_error *error)
{
	const struct pg_write_plan *plan = call->plan;
	struct pg_connection *conn = call->conn;
	struct consort_value value;
	uint32_t status;

	consort_arena_reset(&conn->scratch);
	status = consort_column_cell(&call->rows->columns[i], row, &conn->scratch, &value, error);
	if (status)
		return status;
	return pg_encode(&plan->storages[i], i < plan->first_key ? PG_STORE : PG_COMPARE, &value,
			 plan->names[i], &conn->cells, error);
}

uint32_t pg_write_encode(struct pg_write_call *call, int64_t row, struct consort_error *error)
{
	const struct consort_column *columns = call->rows->columns;
	const struct pg_storage *storages = call->plan->storages;
	struct consort_buffer *out = &call->conn->cells;
	uint32_t count = call->write->nattributes, i, status;
	char *at, *next;

	/* as much as most rows need */
	if (out->capacity - out->size <= (size_t)count * 32 &&
	    !consort_buffer_reserve(out, (size_t)count * 32))
		return consort_error_no_memory(error);
	at = out->data + out->size;
	for (i = 0; i < count; i++) {
		next = put_plain(&storages[i], &columns[i], row, at, out->data + out->capacity);
		if (CONSORT_LIKELY(next)) {
			at = next;
			continue;
		}
		out->size = (size_t)(at - out->data);
		status = encode_cell(call, i, row, error);
		if (status)
			return status;
		at = out->data + out->size;
	}
	out->size = (size_t)(at - out->data);
	return CONSORT_OK;
}
