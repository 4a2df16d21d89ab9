/* SPDX-License-Identifier: Apache-2.0 */
/* Offers, compiled statements, and opening cursors: the way of the rows is chosen here. */
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define FEW 1000 /* rows that are held in memory */

/* --- offer and compile --- */

static uint32_t query_offer(void *context, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	const struct pg_database *database = context;
	uint32_t facts = __atomic_load_n(&database->facts, __ATOMIC_RELAXED);

	return consort_sql_offer(&pg_dialect, &facts, tree, answer, error);
}

/* The codec whose values a cursor copies. */
static uint8_t plain_of(const struct pg_storage *storage)
{
	if (storage->converts)
		return PG_CODECS;
	switch (storage->codec) {
	case PG_INT8:
	case PG_FLOAT8:
	case PG_TEXT:
		return storage->codec;
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		return PG_TIMESTAMP;
	default:
		return PG_CODECS;
	}
}

static uint32_t add_columns(void *own, const struct consort_sql_relation *relation,
			    struct consort_sql_statement *statement, struct consort_error *error)
{
	struct pg_compiled *compiled = (struct pg_compiled *)statement;
	struct pg_column *columns =
		consort_arena_array(&statement->arena, relation->nterms, sizeof(*columns));
	uint32_t i;

	(void)own;
	if (!columns)
		return consort_error_no_memory(error);
	for (i = 0; i < relation->nterms; i++) {
		const struct pg_term *term = pg_term_at(relation, i);
		const struct consort_resource *resource = term->base.resource;

		columns[i].storage = term->storage;
		columns[i].type = term->base.type;
		columns[i].plain = plain_of(&term->storage);
		columns[i].resource = resource ? resource->name : "";
		columns[i].attribute =
			resource ? resource->attributes[term->base.attribute]->name : term->base.sql;
	}
	compiled->columns = columns;
	compiled->ncolumns = relation->nterms;
	return CONSORT_OK;
}

/* The types of the placeholders. */
static uint32_t add_types(struct pg_compiled *compiled, struct consort_error *error)
{
	Oid *types = consort_arena_array(&compiled->base.arena, compiled->base.nslots, sizeof(*types));
	uint32_t i;

	if (!types)
		return consort_error_no_memory(error);
	for (i = 0; i < compiled->base.nslots; i++) {
		const struct consort_sql_slot *slot = &compiled->base.slots[i];
		const struct pg_storage *storage = pg_slot_storage(slot);

		types[i] = slot->source == CONSORT_SQL_KEY ? pg_codecs[storage->codec].array
			   : storage->codec == PG_ARRAY	   ? pg_codecs[storage->element].array
							   : pg_codecs[storage->codec].oid;
	}
	compiled->types = types;
	return CONSORT_OK;
}

/* Does the plan bound its own result? */
static bool is_few(const struct consort_node *root)
{
	for (; root->ninputs == 1; root = root->inputs[0])
		if (root->kind == CONSORT_NODE_LIMIT && root->limit &&
		    root->limit->kind == CONSORT_EXPR_LITERAL && root->limit->value.as.int64 <= FEW)
			return true;
	return false;
}

/* FNV-1a; never one whose last bit alone is set, or none. */
static uint64_t hash_of(const char *sql)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *sql; sql++)
		hash = (hash ^ (unsigned char)*sql) * UINT64_C(0x100000001b3);
	return hash > 1 ? hash : 2;
}

static void query_compiled_free(void *database, void *context)
{
	struct pg_compiled *compiled = context;

	(void)database;
	consort_arena_clear(&compiled->base.arena);
	free(compiled);
}

static uint32_t query_compile(void *context, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	const struct pg_database *database = context;
	uint32_t facts = __atomic_load_n(&database->facts, __ATOMIC_RELAXED), status;
	struct pg_compiled *compiled = calloc(1, sizeof(*compiled));

	if (!compiled)
		return consort_error_no_memory(error);
	status = consort_sql_compile(&pg_dialect, &facts, statement, add_columns, &compiled->base, error);
	if (!status)
		status = add_types(compiled, error);
	if (status) {
		query_compiled_free(context, compiled);
		return status;
	}
	compiled->few = compiled->base.single || is_few(statement->root);
	compiled->hash = hash_of(compiled->base.sql);
	*out_compiled = compiled;
	return CONSORT_OK;
}

static uint32_t query_explain(void *database, void *context, const struct consort_text_sink *sink,
			      struct consort_error *error)
{
	(void)database;
	return consort_sql_explain(context, sink, error);
}

/* --- parameters --- */

static uint32_t encode_slot(struct pg_connection *conn, const struct consort_sql_slot *slot,
			    const struct consort_run *run, struct consort_error *error)
{
	const struct pg_storage *storage = pg_slot_storage(slot);
	enum pg_purpose purpose = (enum pg_purpose)slot->purpose;
	int64_t row;

	switch (slot->source) {
	case CONSORT_SQL_LITERAL:
		return pg_encode(storage, purpose, slot->literal, slot->attribute, &conn->cells, error);
	case CONSORT_SQL_PARAMETER:
		if (slot->index >= run->nparameters)
			return consort_error_set(error, CONSORT_EINVAL, "parameter $%u is missing",
						 slot->index + 1);
		return pg_encode(storage, purpose, &run->parameters[slot->index], slot->attribute,
				 &conn->cells, error);
	default:
		if (!run->keys || slot->index >= run->keys->ncolumns)
			return consort_error_set(error, CONSORT_EINVAL,
						 "the key set is missing or of another width");
		return pg_encode_array(storage, purpose, &run->keys->columns[slot->index], run->keys->nrows,
				       slot->attribute, &conn->cells, &row, error);
	}
}

static uint32_t encode_slots(struct pg_connection *conn, const struct pg_compiled *compiled,
			     const struct consort_run *run, struct consort_error *error)
{
	uint32_t status = CONSORT_OK, i;

	pg_parameters_begin(conn);
	for (i = 0; !status && i < compiled->base.nslots; i++)
		status = encode_slot(conn, &compiled->base.slots[i], run, error);
	return status;
}

/* --- cursors --- */

static enum pg_way choose_way(struct pg_connection *conn, const struct pg_compiled *compiled)
{
	if (compiled->few)
		return PG_WHOLE;
	if (conn->transaction != PG_TX_NONE)
		return pg_portal_is_free(conn) ? PG_PORTAL : PG_WHOLE;
	switch (pg_yield_of(conn->database, compiled->hash)) {
	case PG_MANY:
		return PG_COPY;
	case PG_FEW:
		return PG_ROWS;
	default: /* to prepare a statement takes longer than to copy what it gives once */
		return compiled->base.nslots ? PG_ROWS : PG_COPY;
	}
}

static uint32_t send_statement(struct pg_connection *conn, const struct pg_compiled *compiled,
			       struct consort_error *error)
{
	const struct pg_source source = {compiled->base.sql, compiled->base.nslots, compiled->types};
	struct pg_statement *statement;
	uint32_t status = pg_statement_get(conn, compiled->base.id, &statement, error);

	if (!status)
		status = pg_statement_prepare(conn, statement, &source, error);
	if (!status)
		status = pg_parameters_end(conn, source.nparameters, error);
	return status ? status : pg_statement_send(conn, statement, &source, error);
}

static uint32_t send_copy(struct pg_cursor *cursor, const struct pg_compiled *compiled,
			  struct consort_error *error)
{
	struct pg_connection *conn = cursor->conn;
	uint32_t status = pg_parameters_end(conn, compiled->base.nslots, error);

	if (status)
		return status;
	if (pg_make_copy(conn, compiled))
		return PQsendQuery(conn->pq, conn->text.data) ? CONSORT_OK : pg_fail_lost(conn, error);
	cursor->way = PG_ROWS;
	return send_statement(conn, compiled, error);
}

static uint32_t start(struct pg_cursor *cursor, const struct pg_compiled *compiled,
		      struct consort_error *error)
{
	const struct pg_source source = {compiled->base.sql, compiled->base.nslots, compiled->types};
	struct pg_connection *conn = cursor->conn;
	uint32_t status;

	switch (cursor->way) {
	case PG_PORTAL:
		status = pg_portal_open(cursor, &source, error);
		break;
	case PG_COPY:
		status = send_copy(cursor, compiled, error);
		break;
	default:
		status = send_statement(conn, compiled, error);
	}
	if (!status && cursor->way == PG_ROWS)
		PQsetSingleRowMode(conn->pq);
	if (!status)
		conn->stream = cursor;
	return status;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *context,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	const struct pg_compiled *compiled = context;
	struct pg_cursor *cursor = NULL;
	uint32_t status = pg_enter(conn, call, error);

	if (CONSORT_UNLIKELY(status))
		return status;
	status = pg_claim(conn, error);
	if (CONSORT_LIKELY(!status))
		status = encode_slots(conn, compiled, run, error);
	if (CONSORT_LIKELY(!status)) {
		cursor = pg_cursor_new(conn, choose_way(conn, compiled));
		status = cursor ? CONSORT_OK : consort_error_no_memory(error);
	}
	if (CONSORT_LIKELY(!status)) {
		cursor->compiled = compiled;
		cursor->resource = compiled->base.resource;
		cursor->reader.columns = compiled->columns;
		cursor->reader.ncolumns = compiled->ncolumns;
		status = start(cursor, compiled, error);
	}
	pg_leave(conn);
	if (CONSORT_UNLIKELY(status)) {
		if (cursor)
			pg_cursor_close(cursor);
		return status;
	}
	*out_cursor = cursor;
	return CONSORT_OK;
}

/* --- UPDATE and DELETE --- */

static uint32_t query_execute(void *connection, const struct consort_call *call, void *context,
			      const struct consort_run *run, int64_t *out_affected,
			      struct consort_error *error)
{
	struct pg_connection *conn = connection;
	const struct pg_compiled *compiled = context;
	const struct pg_source source = {compiled->base.sql, compiled->base.nslots, compiled->types};
	struct pg_statement *statement = NULL;
	PGresult *result = NULL;
	uint32_t status = pg_enter(conn, call, error);

	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = pg_statement_get(conn, compiled->base.id, &statement, error);
	if (!status)
		status = encode_slots(conn, compiled, run, error);
	if (!status)
		status = pg_run(conn, statement, &source, compiled->base.resource, &result, error);
	if (!status)
		*out_affected = pg_affected(result);
	PQclear(result);
	pg_leave(conn);
	return status;
}

const struct consort_query_ops pg_query_ops = {
	.struct_size = sizeof(pg_query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = query_compiled_free,
	.open = query_open,
	.next = pg_cursor_next,
	.close = pg_cursor_close,
	.execute = query_execute,
	.explain = query_explain,
};
