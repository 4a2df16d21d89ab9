/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records by key: the statements of a write's shape, made once for each connection, and single rows.
 * Parameters have the column's type and are binary; for a type without a counterpart they are texts, with a
 * cast.
 */
#include "write.h"

#include <stdlib.h>
#include <string.h>

#include "sql.h"

/* --- SQL --- */

static const struct consort_attribute *written(const struct consort_write *write, uint32_t column)
{
	return write->resource->attributes[write->attributes[column]];
}

/* By its text, cast to the column's type. */
static bool is_cast(const struct pg_storage *storage)
{
	uint8_t codec = storage->codec == PG_ARRAY ? storage->element : storage->codec;

	return codec == PG_OTHER || codec == PG_ENUM || codec == PG_CITEXT;
}

void pg_append_store_cast(const struct pg_storage *storage, const struct consort_attribute *attribute,
			  struct consort_buffer *out)
{
	if (!is_cast(storage))
		return;
	consort_buffer_text(out, "::");
	pg_base_type(attribute->engine_type, out);
}

static void render_columns(const struct consort_write *write, struct consort_buffer *sql)
{
	uint32_t i;

	for (i = 0; i < write->nattributes; i++) {
		consort_buffer_text(sql, i ? ", " : "");
		consort_sql_quote(sql, written(write, i)->source);
	}
}

static void render_into(const struct consort_write *write, struct consort_buffer *sql)
{
	consort_buffer_text(sql, "INSERT INTO ");
	pg_quote_source(write->resource->source, sql);
	if (!write->nattributes)
		return;
	consort_buffer_text(sql, " (");
	render_columns(write, sql);
	consort_buffer_char(sql, ')');
}

static void render_insert(const struct consort_write *write, const struct pg_storage *storages,
			  struct consort_buffer *sql)
{
	uint32_t i;

	render_into(write, sql);
	if (!write->nattributes) {
		consort_buffer_text(sql, " DEFAULT VALUES");
		return;
	}
	for (i = 0; i < write->nattributes; i++) {
		consort_buffer_printf(sql, "%s$%u", i ? ", " : " VALUES (", i + 1);
		pg_append_store_cast(&storages[i], written(write, i), sql);
	}
	consort_buffer_char(sql, ')');
}

/* The key's row becomes the new one; a row that is all key is written over itself, so that it counts and
 * returns. */
static void render_conflict(const struct consort_write *write, struct consort_buffer *sql)
{
	const struct consort_resource *resource = write->resource;
	bool any = false, first = true;
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++) {
		consort_buffer_text(sql, i ? ", " : " ON CONFLICT (");
		consort_sql_quote(sql, resource->attributes[resource->keys[i]]->source);
	}
	consort_buffer_text(sql, ") DO UPDATE SET ");
	for (i = 0; i < write->nattributes; i++)
		any |= !consort_write_is_key(write, i);
	for (i = 0; i < write->nattributes; i++) {
		if (any && consort_write_is_key(write, i))
			continue;
		consort_buffer_text(sql, first ? "" : ", ");
		first = false;
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_text(sql, " = excluded.");
		consort_sql_quote(sql, written(write, i)->source);
	}
}

/* A key's column; where its own equality is laxer than the core's, also by its bytes. */
static void render_key_column(const struct consort_attribute *attribute, const struct pg_storage *storage,
			      uint32_t number, struct consort_buffer *sql)
{
	bool loose = storage->codec == PG_BPCHAR || storage->codec == PG_CITEXT ||
		     storage->collation == PG_COLLATION_LOOSE;

	consort_sql_quote(sql, attribute->source);
	consort_buffer_printf(sql, " = $%u", number);
	if (storage->codec == PG_BPCHAR)
		consort_buffer_text(sql, "::bpchar");
	else
		pg_append_store_cast(storage, attribute, sql);
	if (!loose)
		return;
	consort_buffer_text(sql, " AND (");
	consort_sql_quote(sql, attribute->source);
	consort_buffer_printf(sql, ")::text COLLATE \"C\" = $%u", number);
}

static void render_key(const struct consort_write *write, const struct pg_storage *storages,
		       struct consort_buffer *sql)
{
	uint32_t first = write->nattributes - write->nkeys, i;

	for (i = first; i < write->nattributes; i++) {
		consort_buffer_text(sql, i == first ? " WHERE " : " AND ");
		render_key_column(written(write, i), &storages[i], i + 1, sql);
	}
}

static void render_update(const struct consort_write *write, const struct pg_storage *storages,
			  struct consort_buffer *sql)
{
	uint32_t nset = write->nattributes - write->nkeys, i;

	consort_buffer_text(sql, "UPDATE ");
	pg_quote_source(write->resource->source, sql);
	consort_buffer_text(sql, " SET ");
	for (i = 0; i < nset; i++) {
		consort_buffer_text(sql, i ? ", " : "");
		consort_sql_quote(sql, written(write, i)->source);
		consort_buffer_printf(sql, " = $%u", i + 1);
		pg_append_store_cast(&storages[i], written(write, i), sql);
	}
	render_key(write, storages, sql);
}

static void render_returning(const struct consort_write *write, const struct pg_column *columns,
			     struct consort_buffer *sql)
{
	uint32_t i;

	for (i = 0; i < write->nreturning; i++) {
		consort_buffer_text(sql, i ? ", " : " RETURNING ");
		pg_append_attribute(write->resource, write->resource->attributes[write->returning[i]], "", 0,
				    sql);
		if (columns[i].storage.codec == PG_OTHER)
			consort_buffer_text(sql, "::text");
	}
}

static void render(enum pg_write_kind kind, const struct consort_write *write,
		   const struct pg_storage *storages, struct consort_buffer *sql)
{
	switch (kind) {
	case PG_UPDATE:
		render_update(write, storages, sql);
		break;
	case PG_REMOVE:
		consort_buffer_text(sql, "DELETE FROM ");
		pg_quote_source(write->resource->source, sql);
		render_key(write, storages, sql);
		break;
	default:
		render_insert(write, storages, sql);
		if (kind == PG_UPSERT)
			render_conflict(write, sql);
	}
}

/* INSERT … SELECT … FROM unnest($1, $2, …) */
static void render_arrays(const struct consort_write *write, const struct pg_storage *storages,
			  struct consort_buffer *sql)
{
	uint32_t i;

	render_into(write, sql);
	for (i = 0; i < write->nattributes; i++) {
		consort_buffer_printf(sql, "%su.c%u", i ? ", " : " SELECT ", i);
		pg_append_store_cast(&storages[i], written(write, i), sql);
	}
	for (i = 0; i < write->nattributes; i++)
		consort_buffer_printf(sql, "%s$%u", i ? ", " : " FROM unnest(", i + 1);
	for (i = 0; i < write->nattributes; i++)
		consort_buffer_printf(sql, "%sc%u", i ? ", " : ") AS u(", i);
	consort_buffer_char(sql, ')');
}

static void render_copy(const struct consort_write *write, struct consort_buffer *sql)
{
	consort_buffer_text(sql, "COPY ");
	pg_quote_source(write->resource->source, sql);
	consort_buffer_text(sql, " (");
	render_columns(write, sql);
	consort_buffer_text(sql, ") FROM STDIN (FORMAT binary)");
}

/* --- plans --- */

/* Keys must compare as their bytes do, or another record would be changed. */
static uint32_t check_key(const struct consort_write *write, uint32_t column,
			  const struct pg_storage *storage, struct consort_error *error)
{
	const struct consort_attribute *attribute = written(write, column);

	if (storage->collation != PG_COLLATION_LOOSE && storage->codec != PG_CITEXT)
		return CONSORT_OK;
	return consort_error_set(
		error, CONSORT_EUNSUPPORTED,
		"resource '%s': PostgreSQL compares key '%s' (%s) in a way that an upsert could change the "
		"record of another key",
		write->resource->name, attribute->name, attribute->engine_type);
}

static uint32_t refuse_part(const struct consort_write *write, uint32_t column, struct consort_error *error)
{
	const struct consort_attribute *attribute = written(write, column);

	consort_error_set(error, CONSORT_EUNSUPPORTED,
			  "resource '%s': '%s' is a part of a document (%s), which is written as a whole",
			  write->resource->name, attribute->name, attribute->source);
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute->name);
	return error->status;
}

static uint32_t find_storages(enum pg_write_kind kind, const struct consort_write *write,
			      struct pg_storage *storages, const char **names, struct consort_error *error)
{
	uint32_t status = CONSORT_OK, i;

	for (i = 0; !status && i < write->nattributes; i++) {
		names[i] = written(write, i)->name;
		status = pg_storage_of(write->resource, written(write, i), &storages[i], error);
		if (!status && storages[i].nested)
			status = refuse_part(write, i, error);
		if (!status && kind == PG_UPSERT && consort_write_is_key(write, i))
			status = check_key(write, i, &storages[i], error);
	}
	return status;
}

/* A key may be one that the column cannot hold: there is no such record then. */
static void widen(struct pg_storage *storage)
{
	switch (pg_codecs[storage->codec].family) {
	case PG_FAMILY_INTEGER:
		storage->codec = PG_INT8;
		break;
	case PG_FAMILY_REAL:
		storage->codec = PG_FLOAT8;
		break;
	case PG_FAMILY_TEXT:
		storage->codec = PG_TEXT;
		break;
	default:
		break;
	}
}

static uint32_t find_columns(const struct consort_write *write, struct consort_arena *arena,
			     struct pg_reader *reader, struct consort_error *error)
{
	struct pg_column *columns = consort_arena_array(arena, write->nreturning, sizeof(*columns));
	uint32_t i, status = CONSORT_OK;

	if (!columns)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < write->nreturning; i++) {
		const struct consort_attribute *attribute = write->resource->attributes[write->returning[i]];

		status = pg_storage_of(write->resource, attribute, &columns[i].storage, error);
		columns[i].type = attribute->type;
		columns[i].plain = PG_CODECS;
		columns[i].resource = write->resource->name;
		columns[i].attribute = attribute->name;
	}
	reader->columns = columns;
	reader->ncolumns = write->nreturning;
	return status;
}

/* The types of parameters, or of arrays of them; NULL: no memory. */
static const Oid *find_types(const struct pg_write_plan *plan, const struct consort_write *write, bool arrays,
			     struct consort_arena *arena)
{
	Oid *types = consort_arena_array(arena, write->nattributes, sizeof(*types));
	uint32_t i;

	for (i = 0; types && i < write->nattributes; i++) {
		const struct pg_storage *storage = &plan->storages[i];

		types[i] = arrays			? pg_codecs[storage->codec].array
			   : storage->codec == PG_ARRAY ? pg_codecs[storage->element].array
							: pg_codecs[storage->codec].oid;
	}
	return types;
}

static const char *keep(struct consort_buffer *sql, struct consort_arena *arena)
{
	const char *text = sql->failed ? NULL : consort_arena_copy(arena, sql->data, sql->size);

	consort_buffer_reset(sql);
	return text;
}

/* What rows of it can be sent as together. */
static bool add_bulk(struct pg_write_plan *plan, const struct consort_write *write,
		     struct consort_arena *arena, struct consort_buffer *sql)
{
	bool arrays = write->nattributes > 0, copies = arrays && !write->nreturning;
	uint32_t i;

	for (i = 0; i < write->nattributes; i++) {
		arrays &= plan->storages[i].codec != PG_ARRAY;
		copies &= !is_cast(&plan->storages[i]) && plan->storages[i].codec != PG_ARRAY;
	}
	if (arrays) {
		render_arrays(write, plan->storages, sql);
		render_returning(write, plan->reader.columns, sql);
		plan->arrays.sql = keep(sql, arena);
		plan->arrays.types = find_types(plan, write, true, arena);
		plan->arrays.nparameters = write->nattributes;
		if (!plan->arrays.sql || !plan->arrays.types)
			return false;
	}
	if (copies) {
		render_copy(write, sql);
		plan->copy = keep(sql, arena);
		if (!plan->copy)
			return false;
	}
	return true;
}

static uint32_t make_plan(struct pg_connection *conn, enum pg_write_kind kind,
			  const struct consort_write *write, struct consort_arena *arena,
			  struct pg_write_plan **out_plan, struct consort_error *error)
{
	struct pg_write_plan *plan = consort_arena_alloc(arena, sizeof(*plan));
	struct pg_storage *storages = consort_arena_array(arena, write->nattributes, sizeof(*storages));
	const char **names = consort_arena_array(arena, write->nattributes, sizeof(*names));
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	uint32_t status, i;

	if (!plan || !storages || !names)
		return consort_error_no_memory(error);
	status = find_storages(kind, write, storages, names, error);
	plan->kind = kind;
	plan->storages = storages;
	plan->names = names;
	plan->first_key = write->nattributes - (kind == PG_UPDATE || kind == PG_REMOVE ? write->nkeys : 0);
	plan->reader.conn = conn;
	plan->reader.decoder = &conn->decoder;
	if (!status)
		status = find_columns(write, arena, &plan->reader, error);
	if (status)
		return status;
	render(kind, write, storages, &sql);
	render_returning(write, plan->reader.columns, &sql);
	for (i = plan->first_key; i < write->nattributes; i++)
		widen(&storages[i]);
	plan->row.sql = keep(&sql, arena);
	plan->row.types = find_types(plan, write, false, arena);
	plan->row.nparameters = write->nattributes;
	if (!plan->row.sql || !plan->row.types || (kind == PG_INSERT && !add_bulk(plan, write, arena, &sql)))
		status = consort_error_no_memory(error);
	consort_buffer_clear(&sql);
	if (!status)
		*out_plan = plan;
	return status;
}

static uint32_t get_plan(struct pg_write_call *call, enum pg_write_kind kind, struct consort_error *error)
{
	struct pg_write_plan *plan = NULL;
	uint32_t status = pg_statement_get(call->conn, call->write->id, &call->statement, error);

	if (status)
		return status;
	if (CONSORT_UNLIKELY(!call->statement->plan)) {
		status = make_plan(call->conn, kind, call->write, &call->statement->own, &plan, error);
		if (status)
			return status;
		call->statement->plan = plan;
	}
	call->plan = call->statement->plan;
	return CONSORT_OK;
}

/* --- rows --- */

bool pg_write_is_row_failure(const struct consort_error *error)
{
	switch (error->status) {
	case CONSORT_ECONSTRAINT:
	case CONSORT_ERANGE:
	case CONSORT_ETYPE:
	case CONSORT_EENGINE:
		return !(error->flags & CONSORT_ERROR_CONNECTION_DEAD);
	default:
		return false;
	}
}

void pg_write_row_failed(struct pg_write_call *call, int64_t row, const struct consort_error *error)
{
	if (call->result->row_failed)
		call->result->row_failed(call->result->context, row, error);
}

uint32_t pg_write_take(struct pg_write_call *call, int64_t row, const PGresult *result,
		       struct consort_error *error)
{
	const struct consort_resource *resource = call->write->resource;
	int64_t changed = pg_affected(result);
	struct consort_batch *returned = call->write->nreturning ? call->result->returned : NULL;
	struct consort_error missing;
	uint32_t status = CONSORT_OK;
	int i;

	if (!changed && (call->plan->kind == PG_UPDATE || call->plan->kind == PG_REMOVE)) {
		consort_error_set(&missing, CONSORT_ENOTFOUND, "resource '%s' has no record with this key",
				  resource->name);
		consort_copy_text(missing.resource, sizeof(missing.resource), resource->name);
		pg_write_row_failed(call, row, &missing);
	}
	call->affected += changed;
	for (i = 0; returned && !status && i < PQntuples(result); i++) {
		status = pg_append_row(&call->plan->reader, result, i, returned, error);
		if (!status)
			consort_batch_end_row(returned);
	}
	return status;
}

/* The only row, as a statement of its own. */
static uint32_t write_one(struct pg_write_call *call, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;

	pg_parameters_begin(call->conn);
	status = pg_write_encode(call, 0, error);
	if (CONSORT_LIKELY(!status))
		status = pg_run(call->conn, call->statement, &call->plan->row, call->write->resource, &result,
				error);
	if (CONSORT_LIKELY(!status))
		status = pg_write_take(call, 0, result, error);
	else if (pg_write_is_row_failure(error))
		pg_write_row_failed(call, 0, error);
	PQclear(result);
	return status;
}

static uint32_t do_write(void *connection, const struct consort_call *call, enum pg_write_kind kind,
			 const struct consort_write *write, const struct consort_batch *rows,
			 struct consort_write_result *result, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	struct pg_write_call own = {.conn = conn, .write = write, .rows = rows, .result = result};
	uint32_t status = consort_write_check_rows(write, rows, error);

	if (!status)
		status = pg_enter(conn, call, error);
	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = get_plan(&own, kind, error);
	if (!status && CONSORT_LIKELY(rows->nrows == 1 && !(write->flags & CONSORT_WRITE_CONTINUE)))
		status = write_one(&own, error);
	else if (!status && rows->nrows)
		status = pg_write_many(&own, error);
	if (!status)
		result->affected = own.affected;
	pg_leave(conn);
	return status;
}

static uint32_t write_insert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, PG_INSERT, write, rows, result, error);
}

static uint32_t write_update(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, PG_UPDATE, write, rows, result, error);
}

static uint32_t write_remove(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, PG_REMOVE, write, rows, result, error);
}

static uint32_t write_upsert(void *connection, const struct consort_call *call,
			     const struct consort_write *write, const struct consort_batch *rows,
			     struct consort_write_result *result, struct consort_error *error)
{
	return do_write(connection, call, PG_UPSERT, write, rows, result, error);
}

const struct consort_write_ops pg_write_ops = {
	.struct_size = sizeof(pg_write_ops),
	.insert = write_insert,
	.update = write_update,
	.remove = write_remove,
	.upsert = write_upsert,
};
