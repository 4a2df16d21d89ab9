/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by key and in bulk: one prepared statement, bound again for each row straight from the batch's
 * columns. Several rows are one transaction, or one savepoint inside a transaction.
 */
#include "sqlite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { INSERT, UPDATE, REMOVE, UPSERT };

/* What a cached statement needs to know of its write; in the statement's `own` arena. */
struct write_plan {
	uint32_t nbinds;
	const struct lite_storage *storages; /* [nbinds] */
	const uint32_t *columns;	     /* ?i+1 is bound to the batch's column columns[i] */
	const char *const *names;	     /* [nbinds] */
};

/* --- SQL --- */

static const struct consort_attribute *written(const struct consort_write *write, uint32_t column)
{
	return write->resource->attributes[write->attributes[column]];
}

static void render_columns(const struct consort_write *write, const char *pattern, struct consort_buffer *sql)
{
	uint32_t i;

	for (i = 0; i < write->nattributes; i++) {
		consort_buffer_text(sql, i ? ", " : "");
		if (pattern)
			consort_buffer_printf(sql, "%s%u", pattern, i + 1);
		else
			consort_sql_quote(sql, written(write, i)->source);
	}
}

static void render_insert(const struct consort_write *write, struct consort_buffer *sql)
{
	consort_buffer_text(sql, "INSERT INTO ");
	consort_sql_quote(sql, write->resource->source);
	if (!write->nattributes) {
		consort_buffer_text(sql, " DEFAULT VALUES");
		return;
	}
	consort_buffer_text(sql, " (");
	render_columns(write, NULL, sql);
	consort_buffer_text(sql, ") VALUES (");
	render_columns(write, "?", sql);
	consort_buffer_char(sql, ')');
}

/* The key's row becomes the new one; a row that is all key is written over itself, so that it counts and
 * returns. */
static void render_conflict(const struct consort_write *write, struct consort_buffer *sql)
{
	const struct consort_resource *resource = write->resource;
	bool any = false;
	uint32_t i;

	consort_buffer_text(sql, " ON CONFLICT (");
	for (i = 0; i < resource->nkeys; i++) {
		consort_buffer_text(sql, i ? ", " : "");
		consort_sql_quote(sql, resource->attributes[resource->keys[i]]->source);
	}
	consort_buffer_text(sql, ") DO UPDATE SET ");
	for (i = 0; i < write->nattributes; i++)
		any |= !consort_write_is_key(write, i);
	for (i = 0; i < write->nattributes; i++) {
		if (any && consort_write_is_key(write, i))
			continue;
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_text(sql, " = excluded.");
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_text(sql, ", ");
	}
	if (!sql->failed)
		sql->size -= 2;
}

static void render_key(const struct consort_write *write, const struct lite_storage *storages,
		       struct consort_buffer *sql)
{
	uint32_t first = write->nattributes - write->nkeys, i;

	for (i = first; i < write->nattributes; i++) {
		consort_buffer_text(sql, i == first ? " WHERE " : " AND ");
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_printf(sql, " = ?%u", i + 1);
		if (!storages[i].collated)
			continue;
		consort_buffer_text(sql, " AND ");
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_printf(sql, " COLLATE BINARY = ?%u", i + 1);
	}
}

static void render_update(const struct consort_write *write, const struct lite_storage *storages,
			  struct consort_buffer *sql)
{
	uint32_t nset = write->nattributes - write->nkeys, i;

	consort_buffer_text(sql, "UPDATE ");
	consort_sql_quote(sql, write->resource->source);
	consort_buffer_text(sql, " SET ");
	/* nothing to set: the key's own first column, to itself */
	if (!nset) {
		consort_sql_quote(sql, written(write, 0)->source);
		consort_buffer_text(sql, " = ");
		consort_sql_quote(sql, written(write, 0)->source);
	}
	for (i = 0; i < nset; i++) {
		consort_buffer_text(sql, i ? ", " : "");
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_printf(sql, " = ?%u", i + 1);
	}
	render_key(write, storages, sql);
}

static void render_returning(const struct consort_write *write, struct consort_buffer *sql)
{
	uint32_t i;

	for (i = 0; i < write->nreturning; i++) {
		consort_buffer_text(sql, i ? ", " : " RETURNING ");
		consort_sql_quote(sql, write->resource->attributes[write->returning[i]]->source);
	}
}

static void render(enum kind kind, const struct consort_write *write, const struct lite_storage *storages,
		   struct consort_buffer *sql)
{
	switch (kind) {
	case UPDATE:
		render_update(write, storages, sql);
		break;
	case REMOVE:
		consort_buffer_text(sql, "DELETE FROM ");
		consort_sql_quote(sql, write->resource->source);
		render_key(write, storages, sql);
		break;
	default:
		render_insert(write, sql);
		if (kind == UPSERT)
			render_conflict(write, sql);
	}
	render_returning(write, sql);
}

/* --- preparing --- */

/* Keys must compare as their bytes do, or the wrong record would be written. */
static uint32_t check_key(enum kind kind, const struct consort_write *write, uint32_t column,
			  const struct lite_storage *storage, struct consort_error *error)
{
	const struct consort_attribute *attribute = written(write, column);
	const char *collation = attribute->engine_type ? strstr(attribute->engine_type, " COLLATE ") : NULL;

	if (!storage->equality)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "resource '%s': SQLite cannot find records by '%s' as it is stored",
					 write->resource->name, attribute->name);
	if (kind == UPSERT && collation)
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"resource '%s': key '%s' has the collation%s, under which an upsert could change "
			"the record of another key",
			write->resource->name, attribute->name, collation + 8);
	return CONSORT_OK;
}

static uint32_t find_storages(enum kind kind, const struct consort_write *write,
			      struct lite_storage *storages, const char **names, struct consort_error *error)
{
	uint32_t first = write->nattributes - (kind == UPDATE || kind == REMOVE ? write->nkeys : 0), i;
	uint32_t status = CONSORT_OK;

	for (i = 0; !status && i < write->nattributes; i++) {
		names[i] = written(write, i)->name;
		status = lite_storage_of(write->resource, written(write, i), &storages[i], error);
		if (!status && (i >= first || (kind == UPSERT && consort_write_is_key(write, i))))
			status = check_key(kind, write, i, &storages[i], error);
	}
	return status;
}

static uint32_t find_columns(const struct consort_write *write, struct consort_arena *arena,
			     const struct lite_column **out_columns, struct consort_error *error)
{
	struct lite_column *columns = consort_arena_array(arena, write->nreturning, sizeof(*columns));
	struct lite_storage storage;
	uint32_t i, status = CONSORT_OK;

	if (!columns)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < write->nreturning; i++) {
		const struct consort_attribute *attribute = write->resource->attributes[write->returning[i]];

		status = lite_storage_of(write->resource, attribute, &storage, error);
		lite_column_set(&columns[i], storage.codec, attribute->type);
		columns[i].resource = write->resource->name;
		columns[i].attribute = attribute->name;
	}
	*out_columns = columns;
	return status;
}

static uint32_t prepare(struct lite_connection *conn, enum kind kind, const struct consort_write *write,
			struct lite_statement **out_statement, struct consort_error *error)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	struct lite_statement *statement = NULL;
	struct lite_storage *storages;
	const struct lite_column *columns = NULL;
	struct write_plan *plan;
	struct consort_arena arena;
	const char **names;
	uint32_t status;

	consort_arena_init(&arena, 0);
	plan = consort_arena_alloc(&arena, sizeof(*plan));
	storages = consort_arena_array(&arena, write->nattributes, sizeof(*storages));
	names = consort_arena_array(&arena, write->nattributes, sizeof(*names));
	status = plan && storages && names ? find_storages(kind, write, storages, names, error)
					   : consort_error_no_memory(error);
	if (!status)
		status = find_columns(write, &arena, &columns, error);
	if (!status) {
		render(kind, write, storages, &sql);
		status = sql.failed ? consort_error_no_memory(error)
				    : lite_statement_prepare(conn, write->id, sql.data, sql.size, &statement,
							     error);
	}
	consort_buffer_clear(&sql);
	if (status) {
		consort_arena_clear(&arena);
		return status;
	}
	plan->nbinds = write->nattributes;
	plan->storages = storages;
	plan->names = names;
	statement->plan = plan;
	statement->columns = columns;
	statement->ncolumns = write->nreturning;
	statement->resource = write->resource;
	statement->own = arena;
	*out_statement = statement;
	return CONSORT_OK;
}

/* --- rows --- */

static __attribute__((__noinline__)) uint32_t bind_other(struct lite_statement *statement, uint32_t i,
							 const struct consort_column *column, int64_t row,
							 struct consort_error *error)
{
	const struct write_plan *plan = statement->plan;
	struct consort_value value;
	struct lite_cell cell;
	uint32_t status = consort_column_cell(column, row, &statement->memory.arena, &value, error);
	int code;

	if (status)
		return status;
	status = lite_encode(&plan->storages[i], LITE_STORE, &value, plan->names[i], false,
			     &statement->memory, &cell, error);
	if (status)
		return status;
	code = lite_bind(statement->stmt, (int)i + 1, &cell);
	return code ? lite_fail(statement->conn, code, statement->resource, error) : CONSORT_OK;
}

/* The common codecs, straight from the column's buffers; -1: the long way. */
static inline int bind_cell(sqlite3_stmt *stmt, int position, uint8_t codec,
			    const struct consort_column *column, int64_t row)
{
	struct consort_view view;
	double number;

	/* a column that counts no NULLs has none, whatever its bits */
	if (column->null_count && consort_column_is_null(column, row))
		return sqlite3_bind_null(stmt, position);
	switch (codec) {
	case LITE_INT64:
	case LITE_MICROS:
		return sqlite3_bind_int64(stmt, position, consort_column_int64(column, row));
	case LITE_FLOAT64:
		number = consort_column_float64(column, row);
		return isnan(number) ? -1 : sqlite3_bind_double(stmt, position, number);
	case LITE_TEXT:
		/* the host has seen to it that this is UTF-8 without NULs */
		view = consort_column_view(column, row);
		if (!view.data)
			return -1;
		return sqlite3_bind_text(stmt, position, view.data, (int)view.size, SQLITE_STATIC);
	default:
		return -1;
	}
}

static uint32_t bind_row(struct lite_statement *statement, const struct consort_batch *rows, int64_t row,
			 struct consort_error *error)
{
	const struct write_plan *plan = statement->plan;
	const struct lite_storage *storage = plan->storages;
	const struct consort_column *column = rows->columns;
	bool reset = false;
	uint32_t i;

	for (i = 0; i < plan->nbinds; i++, storage++, column++) {
		int code = bind_cell(statement->stmt, (int)i + 1, storage->codec, column, row);
		uint32_t status;

		if (CONSORT_LIKELY(code == SQLITE_OK))
			continue;
		if (code > 0)
			return lite_fail(statement->conn, code, statement->resource, error);
		if (!reset)
			consort_arena_reset(&statement->memory.arena);
		reset = true;
		status = bind_other(statement, i, column, row, error);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

/* Runs the statement once; what it returns goes to the host's batch. */
static uint32_t step_row(struct lite_statement *statement, struct consort_batch *returned,
			 int64_t *written_rows, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	int64_t rows = 0;
	int code;

	while ((code = sqlite3_step(statement->stmt)) == SQLITE_ROW) {
		rows++;
		if (returned && !status) {
			status = lite_decode_row(statement, returned, error);
			if (!status)
				consort_batch_end_row(returned);
		}
	}
	if (code == SQLITE_DONE && !statement->ncolumns)
		rows = sqlite3_changes64(statement->conn->db);
	if (code != SQLITE_DONE && !status)
		status = lite_fail(statement->conn, code, statement->resource, error);
	sqlite3_reset(statement->stmt);
	*written_rows = rows;
	return status;
}

/* Is it the row's own fault, so that others may still be written? */
static bool is_row_failure(const struct consort_error *error)
{
	switch (error->status) {
	case CONSORT_ECONSTRAINT:
	case CONSORT_ERANGE:
	case CONSORT_ETYPE:
	case CONSORT_EENGINE:
		return !(error->flags & CONSORT_ERROR_TX_ABORTED);
	default:
		return false;
	}
}

/* A batch on its way. */
struct batch {
	struct lite_statement *statement;
	enum kind kind;
	const struct consort_write *write;
	const struct consort_batch *rows;
	struct consort_write_result *result;
	bool *told; /* [rows] the failures that were told, if rows are written again; NULL: none yet */
	int64_t affected;
};

static void tell(const struct batch *batch, int64_t row, const struct consort_error *error)
{
	if (batch->result->row_failed)
		batch->result->row_failed(batch->result->context, row, error);
}

/* The row is left out, now and when those beside it are written again. */
static uint32_t skip_row(struct batch *batch, int64_t row, struct consort_error *error)
{
	if (!batch->told)
		batch->told = calloc((size_t)batch->rows->nrows, sizeof(*batch->told));
	if (!batch->told)
		return consort_error_no_memory(error);
	batch->told[row] = true;
	tell(batch, row, error);
	return CONSORT_OK;
}

static uint32_t not_found(struct batch *batch, int64_t row, struct consort_error *error)
{
	const struct consort_resource *resource = batch->write->resource;
	struct consort_error own = CONSORT_ERROR_INIT;

	consort_error_set(&own, CONSORT_ENOTFOUND, "resource '%s' has no record with this key",
			  resource->name);
	consort_copy_text(own.resource, sizeof(own.resource), resource->name);
	if (batch->write->flags & CONSORT_WRITE_CONTINUE)
		return skip_row(batch, row, &own) ? consort_error_no_memory(error) : CONSORT_OK;
	tell(batch, row, &own);
	return CONSORT_OK;
}

static uint32_t write_rows(struct batch *batch, int64_t first, int64_t end, int64_t *out_affected,
			   struct consort_error *error)
{
	const struct consort_write *write = batch->write;
	struct consort_batch *returned = write->nreturning ? batch->result->returned : NULL;
	int64_t row, affected = 0, changed;
	uint32_t status;

	for (row = first; row < end; row++) {
		if (CONSORT_UNLIKELY(batch->told && batch->told[row]))
			continue;
		status = bind_row(batch->statement, batch->rows, row, error);
		if (CONSORT_LIKELY(!status))
			status = step_row(batch->statement, returned, &changed, error);
		if (CONSORT_UNLIKELY(status)) {
			if (is_row_failure(error) && (write->flags & CONSORT_WRITE_CONTINUE))
				status = skip_row(batch, row, error);
			else if (is_row_failure(error))
				tell(batch, row, error);
			if (status)
				return status;
			continue;
		}
		if (!changed && (batch->kind == UPDATE || batch->kind == REMOVE))
			status = not_found(batch, row, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		affected += changed;
	}
	*out_affected = affected;
	return CONSORT_OK;
}

/* Rows as one transaction; what returns nothing and is a single one needs none. */
static uint32_t write_group(struct batch *batch, int64_t first, int64_t end, struct consort_error *error)
{
	struct lite_connection *conn = batch->statement->conn;
	bool grouped = end - first > 1 || batch->write->nreturning;
	uint32_t status = grouped ? lite_group_begin(conn, error) : CONSORT_OK;
	int64_t affected = 0;

	if (status)
		return status;
	status = write_rows(batch, first, end, &affected, error);
	if (grouped)
		status = lite_group_end(conn, status, error);
	if (!status)
		batch->affected += affected;
	return status;
}

/* Each row that can be. Where the rows were good and their commit is not, a deferred constraint is broken by
 * one of them, which is found by halves. What was returned cannot be taken back. */
static uint32_t write_each(struct batch *batch, int64_t first, int64_t end, struct consort_error *error)
{
	uint32_t status = write_group(batch, first, end, error);
	int64_t middle = first + (end - first) / 2;

	if (status != CONSORT_ECONSTRAINT || end - first < 2 || batch->write->nreturning)
		return status;
	status = write_each(batch, first, middle, error);
	return status ? status : write_each(batch, middle, end, error);
}

static uint32_t do_write(void *connection, const struct consort_call *call, enum kind kind,
			 const struct consort_write *write, const struct consort_batch *rows,
			 struct consort_write_result *result, struct consort_error *error)
{
	struct lite_connection *conn = connection;
	struct batch batch = {.kind = kind, .write = write, .rows = rows, .result = result};
	uint32_t status = lite_enter(conn, call, error);

	if (status)
		return status;
	status = consort_write_check_rows(write, rows, error);
	if (!status)
		status = lite_settle(conn, error);
	batch.statement = status ? NULL : lite_statement_take(conn, write->id);
	if (!status && !batch.statement)
		status = prepare(conn, kind, write, &batch.statement, error);
	if (!status)
		status = (write->flags & CONSORT_WRITE_CONTINUE ? write_each
								: write_group)(&batch, 0, rows->nrows, error);
	/* the batch's buffers stay bound; nothing looks at them before the next row is */
	if (batch.statement)
		lite_statement_release(batch.statement);
	if (!status)
		result->affected = batch.affected;
	free(batch.told);
	lite_leave(conn);
	return status;
}

static uint32_t write_insert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, INSERT, write, rows, result, error);
}

static uint32_t write_update(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, UPDATE, write, rows, result, error);
}

static uint32_t write_remove(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, REMOVE, write, rows, result, error);
}

static uint32_t write_upsert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, UPSERT, write, rows, result, error);
}

const struct consort_write_ops lite_write_ops = {
	.struct_size = sizeof(lite_write_ops),
	.insert = write_insert,
	.update = write_update,
	.remove = write_remove,
	.upsert = write_upsert,
};
