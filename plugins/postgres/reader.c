/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of results, and of COPY, to batches. */
#include "cursor.h"

static inline uint32_t append_cell(struct pg_reader *reader, uint32_t i, const char *data, int size,
				   struct consort_batch *batch, struct consort_error *error)
{
	const struct pg_column *from = &reader->columns[i];
	struct consort_column *column = &batch->columns[i];

	switch (from->plain) {
	case PG_INT8:
		if (CONSORT_UNLIKELY(size != 8))
			break;
		consort_append_int64(column, (int64_t)pg_get64(data));
		return CONSORT_OK;
	case PG_FLOAT8: {
		union {
			uint64_t bits;
			double number;
		} value = {.bits = pg_get64(data)};

		if (CONSORT_UNLIKELY(size != 8))
			break;
		consort_append_float64(column, value.number);
		return CONSORT_OK;
	}
	case PG_TIMESTAMP: {
		int64_t value;

		if (CONSORT_UNLIKELY(size != 8))
			break;
		value = (int64_t)pg_get64(data);
		if (CONSORT_UNLIKELY(value < -PG_MICROSECONDS_PLAIN || value > PG_MICROSECONDS_PLAIN))
			break;
		consort_append_int64(column, value + PG_EPOCH_MICROSECONDS);
		return CONSORT_OK;
	}
	case PG_TEXT:
		if (CONSORT_UNLIKELY(reader->decoder->unchecked))
			break;
		return consort_append_view(batch, column, data, (uint64_t)size)
			       ? consort_error_no_memory(error)
			       : CONSORT_OK;
	default:
		break;
	}
	if (CONSORT_UNLIKELY(reader->texts))
		return pg_decode_text(reader->decoder, from, data, (size_t)size, batch, column, error);
	return pg_decode(reader->decoder, from, data, (size_t)size, batch, column, error);
}

/* A row whose fields lie behind each other. */
uint32_t pg_append_fields(struct pg_reader *reader, const char *row, size_t size, struct consort_batch *batch,
			  struct consort_error *error)
{
	const char *end = row + size;
	uint32_t i, status;

	for (i = 0; i < reader->ncolumns; i++) {
		int32_t length;

		if (CONSORT_UNLIKELY(end - row < 4))
			break;
		length = (int32_t)pg_get32(row);
		row += 4;
		if (length < 0) {
			consort_append_null(&batch->columns[i]);
			continue;
		}
		if (CONSORT_UNLIKELY(length > end - row))
			break;
		status = append_cell(reader, i, row, length, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		row += length;
	}
	if (CONSORT_UNLIKELY(i < reader->ncolumns))
		return pg_fail_protocol(reader->conn, "a row is too short", error);
	return CONSORT_OK;
}

uint32_t pg_append_row(struct pg_reader *reader, const PGresult *result, int row, struct consort_batch *batch,
		       struct consort_error *error)
{
	uint32_t i, status;

	for (i = 0; i < reader->ncolumns; i++) {
		int length = PQgetlength(result, row, (int)i);

		if (CONSORT_UNLIKELY(!length && PQgetisnull(result, row, (int)i))) {
			consort_append_null(&batch->columns[i]);
			continue;
		}
		status = append_cell(reader, i, PQgetvalue(result, row, (int)i), length, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
	}
	return CONSORT_OK;
}
