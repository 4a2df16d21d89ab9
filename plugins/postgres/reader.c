/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of results, and of COPY, to batches. */
#include "cursor.h"

/* Any value. */
static uint32_t __attribute__((__noinline__))
decode_cell(struct pg_reader *reader, const struct pg_column *from, struct consort_column *column,
	    const char *data, int size, struct consort_batch *batch, struct consort_error *error)
{
	if (CONSORT_UNLIKELY(reader->texts))
		return pg_decode_text(reader->decoder, from, data, (size_t)size, batch, column, error);
	return pg_decode(reader->decoder, from, data, (size_t)size, batch, column, error);
}

/* The commonest ones are copied here. */
static inline uint32_t __attribute__((__always_inline__))
append_cell(struct pg_reader *reader, const struct pg_column *from, struct consort_column *column,
	    const char *data, int size, struct consort_batch *batch, struct consort_error *error)
{
	union {
		int64_t integer;
		double number;
	} value;

	if (from->plain == PG_TEXT && CONSORT_LIKELY(!reader->decoder->unchecked))
		return consort_append_view(batch, column, data, (uint64_t)size)
			       ? consort_error_no_memory(error)
			       : CONSORT_OK;
	if (from->plain == PG_CODECS || CONSORT_UNLIKELY(size != 8))
		return decode_cell(reader, from, column, data, size, batch, error);
	value.integer = (int64_t)pg_get64(data);
	switch (from->plain) {
	case PG_INT8:
		consort_append_int64(column, value.integer);
		return CONSORT_OK;
	case PG_FLOAT8:
		consort_append_float64(column, value.number);
		return CONSORT_OK;
	case PG_TIMESTAMP:
		if (CONSORT_UNLIKELY(value.integer < -PG_MICROSECONDS_PLAIN ||
				     value.integer > PG_MICROSECONDS_PLAIN))
			break;
		consort_append_int64(column, value.integer + PG_EPOCH_MICROSECONDS);
		return CONSORT_OK;
	default:
		break;
	}
	return decode_cell(reader, from, column, data, size, batch, error);
}

/* A row whose fields lie behind each other. */
uint32_t pg_append_fields(struct pg_reader *reader, const char *row, size_t size, struct consort_batch *batch,
			  struct consort_error *error)
{
	const struct pg_column *from = reader->columns, *end = from + reader->ncolumns;
	struct consort_column *column = batch->columns;
	const char *row_end = row + size;
	uint32_t status;

	for (; from < end; from++, column++) {
		int32_t length;

		if (CONSORT_UNLIKELY(row_end - row < 4))
			break;
		length = (int32_t)pg_get32(row);
		row += 4;
		if (length < 0) {
			consort_append_null(column);
			continue;
		}
		if (CONSORT_UNLIKELY(length > row_end - row))
			break;
		status = append_cell(reader, from, column, row, length, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		row += length;
	}
	if (CONSORT_UNLIKELY(from < end))
		return pg_fail_protocol(reader->conn, "a row is too short", error);
	return CONSORT_OK;
}

uint32_t pg_append_row(struct pg_reader *reader, const PGresult *result, int row, struct consort_batch *batch,
		       struct consort_error *error)
{
	const struct pg_column *from = reader->columns;
	struct consort_column *column = batch->columns;
	int count = (int)reader->ncolumns, i;
	uint32_t status;

	for (i = 0; i < count; i++, from++, column++) {
		int length = PQgetlength(result, row, i);

		if (CONSORT_UNLIKELY(!length && PQgetisnull(result, row, i))) {
			consort_append_null(column);
			continue;
		}
		status = append_cell(reader, from, column, PQgetvalue(result, row, i), length, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
	}
	return CONSORT_OK;
}
