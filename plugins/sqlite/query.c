/* SPDX-License-Identifier: Apache-2.0 */
/* Offers, compiled statements and cursors. The way of a row: sqlite3_step, a switch for each column, the
 * batch. */
#include "sql.h"

#include <stdlib.h>
#include <string.h>

/* --- offer and compile --- */

static struct lite_build new_build(const struct lite_database *database)
{
	struct lite_build build = {.utf8 = __atomic_load_n(&database->utf8, __ATOMIC_RELAXED) != 0};

	return build;
}

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	struct lite_build build = new_build(database);

	return consort_sql_offer(&lite_dialect, &build, tree, answer, error);
}

static uint32_t add_columns(void *own, const struct consort_sql_relation *relation,
			    struct consort_sql_statement *statement, struct consort_error *error)
{
	struct lite_compiled *compiled = (struct lite_compiled *)statement;
	struct lite_column *columns =
		consort_arena_array(&statement->arena, relation->nterms, sizeof(*columns));
	uint32_t i;

	(void)own;
	if (!columns)
		return consort_error_no_memory(error);
	for (i = 0; i < relation->nterms; i++) {
		const struct lite_term *term = lite_term_at(relation, i);
		const struct lite_checked *checked = term->checked;

		lite_column_set(&columns[i], term->storage.codec, term->base.type);
		columns[i].resource = checked ? checked->resource : "";
		columns[i].attribute = checked ? checked->attribute : term->base.sql;
	}
	compiled->columns = columns;
	compiled->ncolumns = relation->nterms;
	return CONSORT_OK;
}

static void query_compiled_free(void *database, void *context)
{
	struct lite_compiled *compiled = context;

	(void)database;
	consort_arena_clear(&compiled->base.arena);
	free(compiled);
}

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	struct lite_compiled *compiled = calloc(1, sizeof(*compiled));
	struct lite_build build = new_build(database);
	uint32_t status;

	if (!compiled)
		return consort_error_no_memory(error);
	status = consort_sql_compile(&lite_dialect, &build, statement, add_columns, &compiled->base, error);
	if (status) {
		query_compiled_free(database, compiled);
		return status;
	}
	compiled->checks = build.checks;
	*out_compiled = compiled;
	return CONSORT_OK;
}

static uint32_t query_explain(void *database, void *context, const struct consort_text_sink *sink,
			      struct consort_error *error)
{
	(void)database;
	return consort_sql_explain(context, sink, error);
}

/* --- binding --- */

static uint32_t bind_slot(struct lite_statement *cursor, const struct consort_sql_slot *slot,
			  uint32_t position, const struct consort_value *value, struct consort_error *error)
{
	struct lite_cell cell;
	uint32_t status;
	int code;

	if (CONSORT_LIKELY(value->type.id == CONSORT_TYPE_INT64 &&
			   lite_slot_storage(slot)->codec == LITE_INT64)) {
		code = sqlite3_bind_int64(cursor->stmt, (int)position, value->as.int64);
	} else {
		status = lite_encode(lite_slot_storage(slot), slot->purpose, value, slot->attribute, true,
				     &cursor->memory, &cell, error);
		if (status)
			return status;
		code = lite_bind(cursor->stmt, (int)position, &cell);
	}
	return code ? lite_fail(cursor->conn, code, cursor->resource, error) : CONSORT_OK;
}

static uint32_t bind_parameters(struct lite_statement *cursor, const struct lite_compiled *compiled,
				const struct consort_run *run, struct consort_error *error)
{
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < compiled->base.nslots; i++) {
		const struct consort_sql_slot *slot = &compiled->base.slots[i];

		if (slot->source == CONSORT_SQL_KEY)
			continue;
		if (slot->source == CONSORT_SQL_PARAMETER && slot->index >= run->nparameters)
			return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
						 slot->index + 1);
		status = bind_slot(cursor, slot, i + 1,
				   slot->source == CONSORT_SQL_LITERAL ? slot->literal
								       : &run->parameters[slot->index],
				   error);
	}
	return status;
}

/* Encodes the whole key set, since it is gone when open returns. */
static uint32_t keep_keys(struct lite_statement *cursor, const struct lite_compiled *compiled,
			  const struct consort_batch *keys, struct consort_error *error)
{
	struct lite_cell *cells;
	int64_t row;
	uint32_t i, status = CONSORT_OK;

	if (!keys || keys->ncolumns != compiled->base.nkeys)
		return consort_error_set(error, CONSORT_EINVAL, "the key set is missing or of another width");
	cells = consort_arena_array(&cursor->memory.arena, (size_t)keys->nrows * compiled->base.nslots,
				    sizeof(*cells));
	if (!cells)
		return consort_error_no_memory(error);
	cursor->keys = cells;
	cursor->nkeys = (uint32_t)keys->nrows;
	for (row = 0; row < keys->nrows; row++, cells += compiled->base.nslots) {
		for (i = 0; !status && i < compiled->base.nslots; i++) {
			const struct consort_sql_slot *slot = &compiled->base.slots[i];
			struct consort_value value;

			if (slot->source != CONSORT_SQL_KEY)
				continue;
			value = consort_column_value(&keys->columns[slot->index], row);
			status = lite_encode(lite_slot_storage(slot), LITE_COMPARE, &value, slot->attribute,
					     true, &cursor->memory, &cells[i], error);
		}
	}
	return status;
}

static int bind_key(struct lite_statement *cursor)
{
	const struct lite_compiled *compiled = cursor->compiled;
	const struct lite_cell *cells = cursor->keys + (size_t)cursor->key * compiled->base.nslots;
	int code = SQLITE_OK;
	uint32_t i;

	for (i = 0; !code && i < compiled->base.nslots; i++)
		if (compiled->base.slots[i].source == CONSORT_SQL_KEY)
			code = lite_bind(cursor->stmt, (int)i + 1, &cells[i]);
	cursor->key++;
	return code;
}

/* --- cursors --- */

/* A key set is looked up key by key; outside a transaction a statement that stands on a row keeps all of them
 * in one snapshot. */
static uint32_t hold(struct lite_connection *conn, struct consort_error *error)
{
	static const char sql[] = "SELECT 1 FROM sqlite_schema UNION ALL SELECT 1";
	int code = SQLITE_OK;

	if (!conn->holder)
		code = sqlite3_prepare_v3(conn->db, sql, sizeof(sql), SQLITE_PREPARE_PERSISTENT,
					  &conn->holder, NULL);
	if (!code && !conn->held)
		code = sqlite3_step(conn->holder) == SQLITE_ROW ? SQLITE_OK : sqlite3_reset(conn->holder);
	if (code)
		return lite_fail(conn, code, NULL, error);
	conn->held++;
	return CONSORT_OK;
}

static void unhold(struct lite_connection *conn)
{
	if (--conn->held == 0)
		sqlite3_reset(conn->holder);
}

int lite_cursor_step(struct lite_statement *cursor)
{
	int code;

	if (CONSORT_UNLIKELY(cursor->pending)) {
		cursor->pending = false;
		return SQLITE_ROW;
	}
	if (CONSORT_LIKELY(!cursor->compiled || cursor->spill))
		return sqlite3_step(cursor->rows);
	for (;;) {
		if (cursor->on_key) {
			code = sqlite3_step(cursor->stmt);
			cursor->on_key = !cursor->single;
			if (code != SQLITE_DONE)
				return code;
		}
		if (cursor->key == cursor->nkeys)
			return SQLITE_DONE;
		sqlite3_reset(cursor->stmt);
		code = bind_key(cursor);
		if (code)
			return code;
		cursor->on_key = true;
	}
}

void lite_cursor_start(struct lite_statement *cursor)
{
	struct lite_connection *conn = cursor->conn;

	cursor->next_cursor = conn->cursors;
	cursor->link = &conn->cursors;
	if (cursor->next_cursor)
		cursor->next_cursor->link = &cursor->next_cursor;
	conn->cursors = cursor;
}

static uint32_t get_statement(struct lite_connection *conn, const struct lite_compiled *compiled,
			      struct lite_statement **out_cursor, struct consort_error *error)
{
	struct lite_statement *cursor = lite_statement_take(conn, compiled->base.id);
	uint32_t status;

	if (CONSORT_UNLIKELY(!cursor)) {
		if (compiled->checks && (status = lite_define_checks(conn, error)))
			return status;
		status = lite_statement_prepare(conn, compiled->base.id, compiled->base.sql,
						compiled->base.size, &cursor, error);
		if (status)
			return status;
	}
	cursor->columns = compiled->columns;
	cursor->ncolumns = compiled->ncolumns;
	cursor->resource = compiled->base.resource;
	cursor->single = compiled->base.single;
	cursor->compiled = compiled->base.nkeys ? compiled : NULL;
	cursor->key = 0;
	cursor->on_key = cursor->done = false;
	if (compiled->base.nslots)
		consort_arena_reset(&cursor->memory.arena);
	*out_cursor = cursor;
	return CONSORT_OK;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *context,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct lite_connection *conn = connection;
	const struct lite_compiled *compiled = context;
	struct lite_statement *cursor = NULL;
	uint32_t status = lite_enter(conn, call, error);

	if (CONSORT_UNLIKELY(status))
		return status;
	status = get_statement(conn, compiled, &cursor, error);
	if (!status)
		status = bind_parameters(cursor, compiled, run, error);
	if (!status && compiled->base.nkeys)
		status = keep_keys(cursor, compiled, run->keys, error);
	if (!status && compiled->base.nkeys && cursor->nkeys > 1) {
		status = hold(conn, error);
		cursor->holds = !status;
	}
	lite_leave(conn);
	if (CONSORT_UNLIKELY(status)) {
		if (cursor)
			lite_statement_give(cursor);
		return status;
	}
	lite_cursor_start(cursor);
	*out_cursor = cursor;
	return CONSORT_OK;
}

/* A value that a batch keeps as SQLite does; false: it is a text that is not well-formed, or too much. */
static inline bool append_plain(sqlite3_value *value, int class, struct consort_batch *batch,
				struct consort_column *column)
{
	const char *text;

	switch (class) {
	case SQLITE_INTEGER:
		consort_append_int64(column, sqlite3_value_int64(value));
		return true;
	case SQLITE_FLOAT:
		consort_append_float64(column, sqlite3_value_double(value));
		return true;
	default:
		text = (const char *)sqlite3_value_text(value);
		return CONSORT_LIKELY(text != NULL) &&
		       !consort_append_text(batch, column, text, (uint64_t)sqlite3_value_bytes(value));
	}
}

static inline uint32_t append_row(struct lite_statement *cursor, struct consort_batch *batch,
				  struct consort_error *error)
{
	const struct lite_column *from = cursor->columns;
	struct consort_column *column = batch->columns;
	int i, n = (int)cursor->ncolumns;
	uint32_t status;

	for (i = 0; i < n; i++, from++, column++) {
		sqlite3_value *value = sqlite3_column_value(cursor->rows, i);
		int class = sqlite3_value_type(value);

		if (CONSORT_LIKELY(class == from->plain && append_plain(value, class, batch, column)))
			continue;
		status = lite_decode(cursor, i, value, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
	}
	return CONSORT_OK;
}

static inline int next_row(struct lite_statement *cursor)
{
	return CONSORT_LIKELY(!cursor->compiled && !cursor->pending) ? sqlite3_step(cursor->rows)
								     : lite_cursor_step(cursor);
}

static uint32_t query_next(void *context, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct lite_statement *cursor = context;
	struct lite_connection *conn = cursor->conn;
	bool last = cursor->single && !cursor->compiled;
	uint32_t status;
	int code;

	if (CONSORT_UNLIKELY(cursor->done)) {
		batch->flags |= CONSORT_BATCH_LAST;
		return CONSORT_OK;
	}
	status = lite_enter(conn, call, error);
	while (CONSORT_LIKELY(!status)) {
		code = next_row(cursor);
		if (CONSORT_UNLIKELY(code != SQLITE_ROW)) {
			if (code == SQLITE_DONE)
				cursor->done = true;
			else
				status = lite_fail(conn, code, cursor->resource, error);
			break;
		}
		status = append_row(cursor, batch, error);
		if (CONSORT_UNLIKELY(status))
			break;
		if (consort_batch_end_row(batch) || last) {
			cursor->done = last;
			break;
		}
	}
	if (cursor->done)
		batch->flags |= CONSORT_BATCH_LAST;
	lite_leave(conn);
	return status;
}

static void query_close(void *context)
{
	struct lite_statement *cursor = context;

	*cursor->link = cursor->next_cursor;
	if (cursor->next_cursor)
		cursor->next_cursor->link = cursor->link;
	if (CONSORT_UNLIKELY(cursor->holds)) {
		unhold(cursor->conn);
		cursor->holds = false;
	}
	if (CONSORT_UNLIKELY(cursor->spill))
		lite_unspill(cursor);
	lite_statement_give(cursor);
}

/* --- UPDATE and DELETE --- */

static uint32_t run_change(struct lite_statement *change, int64_t *out_affected, struct consort_error *error)
{
	struct lite_connection *conn = change->conn;
	int64_t affected = 0;
	int code;

	do {
		if (change->compiled) {
			sqlite3_reset(change->stmt);
			if (change->key == change->nkeys)
				break;
			code = bind_key(change);
			if (code)
				return lite_fail(conn, code, change->resource, error);
		}
		code = sqlite3_step(change->stmt);
		if (code != SQLITE_DONE)
			return lite_fail(conn, code, change->resource, error);
		affected += sqlite3_changes64(conn->db);
	} while (change->compiled);
	*out_affected = affected;
	return CONSORT_OK;
}

static uint32_t query_execute(void *connection, const struct consort_call *call, void *context,
			      const struct consort_run *run, int64_t *out_affected,
			      struct consort_error *error)
{
	struct lite_connection *conn = connection;
	const struct lite_compiled *compiled = context;
	struct lite_statement *change = NULL;
	uint32_t status = lite_enter(conn, call, error);
	bool several;

	if (status)
		return status;
	status = lite_settle(conn, error);
	if (!status)
		status = get_statement(conn, compiled, &change, error);
	if (!status)
		status = bind_parameters(change, compiled, run, error);
	if (!status && compiled->base.nkeys)
		status = keep_keys(change, compiled, run->keys, error);
	several = !status && compiled->base.nkeys && change->nkeys > 1;
	if (several)
		status = lite_group_begin(conn, error);
	if (!status)
		status = run_change(change, out_affected, error);
	if (change)
		lite_statement_give(change);
	if (several)
		status = lite_group_end(conn, status, error);
	lite_leave(conn);
	return status;
}

const struct consort_query_ops lite_query_ops = {
	.struct_size = sizeof(lite_query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = query_compiled_free,
	.open = query_open,
	.next = query_next,
	.close = query_close,
	.execute = query_execute,
	.explain = query_explain,
};
