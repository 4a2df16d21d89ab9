/* SPDX-License-Identifier: Apache-2.0 */
/* What a program reads: rows through typed accessors, or batches. */
#include "exec/cursor.h"

#include <assert.h>

struct consort_cursor *consort_cursor_new(struct consort_operator *op,
					  const struct consort_field *const *fields, uint32_t nfields,
					  void *owner, void (*owner_free)(void *owner))
{
	struct consort_cursor *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	rows->op = op;
	rows->fields = fields;
	rows->nfields = nfields;
	rows->row = -1;
	rows->owner = owner;
	rows->owner_free = owner_free;
	consort_arena_init(&rows->scratch, 0);
	return rows;
}

void consort_cursor_close(struct consort_cursor *rows)
{
	if (!rows)
		return;
	/* in a child of a fork its connection, and what that holds, stay as they are */
	if (!rows->stamp || *rows->stamp == consort_fork_count) {
		consort_operator_close(rows->op);
		if (rows->owner_free)
			rows->owner_free(rows->owner);
	}
	consort_arena_clear(&rows->scratch);
	free(rows);
}

/* Keeps the error of a call, and gives it to the caller. */
static enum consort_status fail(struct consort_cursor *rows, struct consort_error *error)
{
	rows->batch = NULL;
	rows->ended = true;
	if (error)
		*error = rows->error;
	return (enum consort_status)rows->error.status;
}

enum consort_status consort_cursor_pull(struct consort_cursor *rows, struct consort_batch **out_batch,
					struct consort_error *error)
{
	enum consort_status status;

	do
		status = rows->op ? consort_operator_next(rows->op, out_batch, error)
				  : (enum consort_status)error->status;
	while (CONSORT_UNLIKELY(status) && rows->again && rows->again(rows->owner, &rows->op, error));
	rows->again = NULL;
	return status;
}

static enum consort_status next_batch(struct consort_cursor *rows, struct consort_error *error)
{
	enum consort_status status;

	rows->batch = NULL;
	rows->row = -1;
	if (rows->error.status)
		return fail(rows, error);
	if (rows->ended)
		return CONSORT_OK;
	if (CONSORT_UNLIKELY(rows->stamp && *rows->stamp != consort_fork_count))
		status = consort_error_set(&rows->error, CONSORT_EFORKED,
					   "this cursor belongs to the parent process");
	else
		status = consort_cursor_pull(rows, &rows->batch, &rows->error);
	if (status)
		return fail(rows, error);
	if (!rows->batch)
		rows->ended = true;
	return CONSORT_OK;
}

int consort_cursor_next(struct consort_cursor *rows, struct consort_error *error)
{
	if (CONSORT_NEED(error, rows))
		return 0;
	if (CONSORT_LIKELY(rows->batch && rows->row + 1 < rows->batch->nrows)) {
		rows->row++;
		if (CONSORT_UNLIKELY(rows->scratch.used != 0))
			consort_arena_reset(&rows->scratch);
		return 1;
	}
	do {
		if (next_batch(rows, error))
			return 0;
	} while (rows->batch && !rows->batch->nrows);
	consort_arena_reset(&rows->scratch);
	if (!rows->batch)
		return 0;
	rows->row = 0;
	return 1;
}

enum consort_status consort_cursor_batch(struct consort_cursor *rows, const struct consort_batch **out_batch,
					 struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, rows, out_batch);

	if (status)
		return status;
	if (rows->batch && rows->row >= 0 && rows->row + 1 < rows->batch->nrows)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"a batch can be taken only where a batch starts, not after consort_cursor_next "
			"gave a part of one");
	status = next_batch(rows, error);
	if (status)
		return status;
	if (rows->batch)
		rows->row = rows->batch->nrows - 1; /* its rows are given */
	*out_batch = rows->batch;
	return CONSORT_OK;
}

enum consort_status consort_cursor_status(const struct consort_cursor *rows)
{
	return rows ? (enum consort_status)rows->error.status : CONSORT_EINVAL;
}

const struct consort_error *consort_cursor_error(const struct consort_cursor *rows)
{
	return rows && rows->error.status ? &rows->error : NULL;
}

uint32_t consort_cursor_columns(const struct consort_cursor *rows)
{
	return rows ? rows->nfields : 0;
}

const char *consort_cursor_name(const struct consort_cursor *rows, uint32_t column)
{
	return column < consort_cursor_columns(rows) ? rows->fields[column]->name : "";
}

struct consort_type consort_cursor_type(const struct consort_cursor *rows, uint32_t column)
{
	return column < consort_cursor_columns(rows) ? rows->fields[column]->type
						     : consort_type_of(CONSORT_TYPE_NULL);
}

int32_t consort_cursor_column(const struct consort_cursor *rows, const char *name)
{
	uint32_t i;

	for (i = 0; name && i < consort_cursor_columns(rows); i++)
		if (!strcmp(rows->fields[i]->name, name))
			return (int32_t)i;
	return -1;
}

/* --- accessors --- */

/* Is there a current row with that column? */
static inline bool has_cell(const struct consort_cursor *rows, uint32_t column)
{
	return rows && rows->batch && rows->row >= 0 && column < rows->nfields;
}

/* The column of the current row, if its type is one of those in the mask and it is not NULL. */
static const struct consort_column *cell(const struct consort_cursor *rows, uint32_t column, uint32_t types)
{
	const struct consort_column *at;

	if (!has_cell(rows, column))
		return NULL;
	at = &rows->batch->columns[column];
	assert((types >> at->type.id & 1) || at->type.id == CONSORT_TYPE_NULL);
	if (!(types >> at->type.id & 1) || consort_column_is_null(at, rows->row))
		return NULL;
	return at;
}

#define TYPE(name) (1u << CONSORT_TYPE_##name)

int consort_cursor_is_null(const struct consort_cursor *rows, uint32_t column)
{
	if (!has_cell(rows, column))
		return 1;
	return rows->batch->columns[column].type.id == CONSORT_TYPE_NULL ||
	       consort_column_is_null(&rows->batch->columns[column], rows->row);
}

int consort_cursor_bool(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(BOOL));

	return at ? consort_column_bool(at, rows->row) : 0;
}

int64_t consort_cursor_int64(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(INT64));

	return at ? consort_column_int64(at, rows->row) : 0;
}

double consort_cursor_float64(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(FLOAT64));

	return at ? consort_column_float64(at, rows->row) : 0;
}

struct consort_decimal consort_cursor_decimal(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(DECIMAL));
	const struct consort_decimal zero = {0, 0};

	return at ? consort_column_decimal(at, rows->row) : zero;
}

struct consort_view consort_cursor_text_view(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(TEXT) | TYPE(JSON) | TYPE(BYTES));
	const struct consort_view empty = {"", 0};

	return at ? consort_column_view(at, rows->row) : empty;
}

struct consort_view consort_cursor_bytes(const struct consort_cursor *rows, uint32_t column)
{
	return consort_cursor_text_view(rows, column);
}

const char *consort_cursor_text(struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(TEXT) | TYPE(JSON));
	struct consort_view view;
	const char *text;

	if (!at)
		return "";
	view = consort_column_view(at, rows->row);
	text = consort_arena_copy(&rows->scratch, view.data, view.size);
	return text ? text : "";
}

int64_t consort_cursor_timestamp(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(TIMESTAMP));

	return at ? consort_column_int64(at, rows->row) : 0;
}

int32_t consort_cursor_date(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(DATE));

	return at ? consort_column_int32(at, rows->row) : 0;
}

int64_t consort_cursor_time(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(TIME));

	return at ? consort_column_int64(at, rows->row) : 0;
}

static const uint8_t zeroes[16];

const uint8_t *consort_cursor_uuid(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(UUID));

	return at ? consort_column_fixed(at, rows->row) : zeroes;
}

const uint8_t *consort_cursor_objectid(const struct consort_cursor *rows, uint32_t column)
{
	const struct consort_column *at = cell(rows, column, TYPE(OBJECTID));

	return at ? consort_column_fixed(at, rows->row) : zeroes;
}

struct consort_value consort_cursor_value(struct consort_cursor *rows, uint32_t column)
{
	if (!has_cell(rows, column))
		return consort_null();
	return consort_batch_value(rows->batch, column, rows->row, &rows->scratch);
}
