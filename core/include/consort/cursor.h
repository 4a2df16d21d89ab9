/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CURSOR_H
#define CONSORT_CURSOR_H

/*
 * Cursors: rows of a result, one at a time through typed accessors, or in batches.
 *
 *     while (consort_cursor_next(rows, &err))
 *             use(consort_cursor_int64(rows, 0), consort_cursor_text(rows, 1));
 *     if (consort_cursor_status(rows)) …
 *
 * An accessor's type must be the column's: anything else is an assertion in debug builds and a zero value
 * otherwise, never a conversion. NULL reads as the zero value (0, "", …); consort_cursor_is_null tells. Before
 * the first row, behind the last one and for a column that is not there they give zero values too.
 */

#include <consort/batch.h>
#include <consort/error.h>
#include <consort/types.h>

CONSORT_BEGIN

struct consort_cursor;

/* To the next row: 1, or 0 at the end and on an error, which fills *error; consort_cursor_status keeps it. */
CONSORT_EXPORT int consort_cursor_next(struct consort_cursor *rows, struct consort_error *error);
/* CONSORT_OK, or what ended the cursor. */
CONSORT_EXPORT enum consort_status consort_cursor_status(const struct consort_cursor *rows);
/* The whole error that ended it, or NULL; valid as long as the cursor. */
CONSORT_EXPORT const struct consort_error *consort_cursor_error(const struct consort_cursor *rows);

CONSORT_EXPORT uint32_t consort_cursor_columns(const struct consort_cursor *rows);
/* Valid as long as the cursor; "" for a column that is not there. */
CONSORT_EXPORT const char *consort_cursor_name(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT struct consort_type consort_cursor_type(const struct consort_cursor *rows, uint32_t column);
/* The first column of that name, or -1. */
CONSORT_EXPORT int32_t consort_cursor_column(const struct consort_cursor *rows, const char *name);

CONSORT_EXPORT int consort_cursor_is_null(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT int consort_cursor_bool(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT int64_t consort_cursor_int64(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT double consort_cursor_float64(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT struct consort_decimal consort_cursor_decimal(const struct consort_cursor *rows, uint32_t column);
/* TEXT or JSON, NUL-terminated, never NULL, valid until the next row */
CONSORT_EXPORT const char *consort_cursor_text(struct consort_cursor *rows, uint32_t column);
/* TEXT, JSON or BYTES without copying; valid until the next row */
CONSORT_EXPORT struct consort_view consort_cursor_text_view(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT struct consort_view consort_cursor_bytes(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT int64_t consort_cursor_timestamp(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT int32_t consort_cursor_date(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT int64_t consort_cursor_time(const struct consort_cursor *rows, uint32_t column);
/* 16 and 12 bytes; valid until the next row; zeroes for NULL */
CONSORT_EXPORT const uint8_t *consort_cursor_uuid(const struct consort_cursor *rows, uint32_t column);
CONSORT_EXPORT const uint8_t *consort_cursor_objectid(const struct consort_cursor *rows, uint32_t column);
/* Any type as a value; what it borrows is valid until the next row. */
CONSORT_EXPORT struct consort_value consort_cursor_value(struct consort_cursor *rows, uint32_t column);

/*
 * The next batch, in Arrow's layout (batch.h has the accessors), borrowed until the next call on the cursor;
 * *out_batch is NULL at the end. Rows that consort_cursor_next has given are not given again, so the two may
 * be mixed at a batch's start only: EINVAL in the middle of one.
 */
CONSORT_EXPORT enum consort_status consort_cursor_batch(struct consort_cursor *rows,
							const struct consort_batch **out_batch,
							struct consort_error *error);

/*
 * Turns the rest of the result into an Arrow C stream, which owns it; the cursor remains to be closed, and is
 * at its end. The stream's release closes what it holds; one thread at a time.
 */
CONSORT_EXPORT enum consort_status consort_cursor_take_stream(struct consort_cursor *rows,
							      struct ArrowArrayStream *out_stream,
							      struct consort_error *error);

/* Ends it; what was not read is thrown away. */
CONSORT_EXPORT void consort_cursor_close(struct consort_cursor *rows);

CONSORT_END

#endif
