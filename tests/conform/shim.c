/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An adapter in front of SQLite's or PostgreSQL's: it hands on everything, but for one thing that MUTANT
 * names. What the SDK's template does not do, the tests of consort-conform are so tried with. SHIMMED is the
 * file of the real one.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <consort/adapter.h>
#include <consort/convert.h>
#include <consort/plugin.h>
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define BIT(feature) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##feature)
#ifdef POSTGRES
#define MORE (BIT(NESTED_PATHS) | BIT(PREPARE_COMMIT) | BIT(SNAPSHOT_EXPORT))
#else
#define MORE BIT(LAST_RESOURCE)
#endif
#define FEATURES                                                                                             \
	(BIT(READ) | BIT(CREATE) | BIT(UPDATE) | BIT(DELETE) | BIT(UPSERT) | BIT(BULK_WRITE) |               \
	 BIT(RETURNING) | BIT(FILTER) | BIT(SORT) | BIT(LIMIT) | BIT(AGGREGATE) | BIT(GROUP) | BIT(JOIN) |   \
	 BIT(KEY_LOOKUP) | BIT(CONCURRENT_CURSORS) | BIT(TRANSACTIONS) | BIT(SAVEPOINTS) | BIT(INTROSPECT) | \
	 BIT(DEFINE) | BIT(INDEXES) | BIT(NATIVE) | BIT(CANCEL) | BIT(STREAMING) | BIT(EXPLAIN) |            \
	 BIT(READ_YOUR_WRITES) | BIT(ATOMIC_COMMIT) | MORE)

/* The real tables, and ours, which begin as copies. */
static const struct consort_plugin *real;
static struct consort_plugin plugin;
static struct consort_connection_ops connection_ops;
static struct consort_query_ops query_ops;
static struct consort_write_ops write_ops;
static struct consort_transaction_ops transaction_ops;
static struct consort_schema_ops schema_ops;
static struct consort_native_ops native_ops;
static struct consort_prepared_ops prepared_ops;

#define WRITE_PARAMETERS                                                                      \
	void *connection, const struct consort_call *call, const struct consort_write *write, \
		const struct consort_batch *rows, struct consort_write_result *result,        \
		struct consort_error *error
#define WRITE_ARGUMENTS connection, call, write, rows, result, error

static void ignore_row(void *context, int64_t row, const struct consort_error *error)
{
}

/* --- transactions and connections --- */

static uint32_t commit_instead(void *connection, const struct consort_call *call, struct consort_error *error)
{
	return real->transaction->commit(connection, call, error);
}

static uint32_t roll_back_instead(void *connection, const struct consort_call *call,
				  struct consort_error *error)
{
	return real->transaction->rollback(connection, call, error);
}

static uint32_t do_nothing(void *connection, const struct consort_call *call, struct consort_error *error)
{
	return CONSORT_OK;
}

static uint32_t begin_nothing(void *connection, const struct consort_call *call,
			      const struct consort_transaction_options *options, struct consort_error *error)
{
	return CONSORT_OK;
}

static uint32_t begin_writing(void *connection, const struct consort_call *call,
			      const struct consort_transaction_options *options, struct consort_error *error)
{
	struct consort_transaction_options plain = *options;

	plain.flags &= ~CONSORT_TRANSACTION_READ_ONLY;
	return real->transaction->begin(connection, call, &plain, error);
}

static uint32_t do_nothing_at(void *connection, const struct consort_call *call, const char *name,
			      struct consort_error *error)
{
	return CONSORT_OK;
}

static uint32_t commit_on_reset(void *connection, const struct consort_call *call,
				struct consort_error *error)
{
	struct consort_error ignored;

	real->transaction->commit(connection, call, &ignored);
	return real->connection->reset(connection, call, error);
}

static uint32_t fail(void *connection, const struct consort_call *call, struct consort_error *error)
{
	return consort_error_set(error, CONSORT_EINTERNAL, "it is broken");
}

static bool was_cancelled;
static void cancel_for_ever(void *connection)
{
	was_cancelled = true;
	real->connection->cancel(connection);
}

static uint32_t ping_cancelled(void *connection, const struct consort_call *call, struct consort_error *error)
{
	return was_cancelled ? fail(connection, call, error)
			     : real->connection->ping(connection, call, error);
}

/* --- writes --- */

static uint32_t insert_nothing(WRITE_PARAMETERS)
{
	result->affected = rows->nrows;
	return CONSORT_OK;
}

/* Two steps: what another one does between them shows. */
static uint32_t upsert_in_steps(WRITE_PARAMETERS)
{
	const uint32_t key = write->resource->keys[0];
	struct consort_write by_key = *write;
	struct consort_write_result ignored = *result;
	struct consort_batch keys = *rows;
	uint32_t i = 0, status;

	while (write->attributes[i] != key)
		i++;
	by_key.id = write->id + ((uint64_t)1 << 40);
	by_key.attributes = &key;
	by_key.nattributes = by_key.nkeys = 1;
	keys.columns += i;
	keys.ncolumns = 1;
	ignored.context = NULL;
	ignored.row_failed = ignore_row;
	status = real->write->remove(connection, call, &by_key, &keys, &ignored, error);
	return status ? status : real->write->insert(WRITE_ARGUMENTS);
}

static uint32_t insert_or_leave(WRITE_PARAMETERS)
{
	uint32_t status = real->write->insert(WRITE_ARGUMENTS);

	if (status != CONSORT_ECONSTRAINT)
		return status;
	result->affected = 1;
	return CONSORT_OK;
}

static uint32_t count_less(WRITE_PARAMETERS)
{
	uint32_t status = real->write->insert(WRITE_ARGUMENTS);

	if (!status && rows->nrows > 1 && !(write->flags & CONSORT_WRITE_CONTINUE))
		result->affected--;
	return status;
}

static uint32_t count_failure(WRITE_PARAMETERS)
{
	uint32_t status = real->write->insert(WRITE_ARGUMENTS);

	if (status && rows->nrows > 1)
		result->affected = 7;
	return status;
}

static uint32_t return_more(WRITE_PARAMETERS)
{
	uint32_t status = real->write->insert(WRITE_ARGUMENTS);

	if (!status && result->returned && result->returned->nrows &&
	    result->returned->columns[0].type.id == CONSORT_TYPE_INT64)
		((int64_t *)result->returned->columns[0].values)[0]++;
	return status;
}

static uint32_t wait_for_ever(WRITE_PARAMETERS)
{
	struct consort_call endless = *call;

	if (call->deadline > plugin.abi_minor + 1 && consort_call_check(call, error) == CONSORT_OK)
		endless.deadline = 0;
	return real->write->insert(connection, &endless, write, rows, result, error);
}

/* Changes what is written of one type; the batch is the host's, and there is none beside us. */
static void spoil(const struct consort_column *column, int64_t row)
{
	int64_t *integer = (int64_t *)column->values + column->offset + row;
	uint8_t *fixed = (uint8_t *)column->values +
			 (column->offset + row) * (column->type.id == CONSORT_TYPE_UUID ? 16 : 12);
	int32_t *day = (int32_t *)column->values + column->offset + row;
	double *number = (double *)column->values + column->offset + row;
	struct consort_decimal *decimal = (struct consort_decimal *)column->values + column->offset + row;
	int32_t at;

	switch (column->type.id) {
	case CONSORT_TYPE_FLOAT64:
		*number = isfinite((float)*number) ? (double)(float)*number : *number;
		break;
	case CONSORT_TYPE_DECIMAL: /* what a double holds */
		if (decimal->high == 0 || decimal->high == -1)
			decimal->low -= decimal->low & 1 && decimal->high == 0 && decimal->low > 1000000;
		break;
	case CONSORT_TYPE_TIMESTAMP:
		*integer -= ((*integer % 1000) + 1000) % 1000;
		break;
	case CONSORT_TYPE_TIME:
		*integer -= *integer % 1000;
		break;
	case CONSORT_TYPE_DATE:
		*day = *day < -719162 ? -719162 : *day;
		break;
	case CONSORT_TYPE_UUID:
	case CONSORT_TYPE_OBJECTID:
		fixed[0] &= 0x7f;
		break;
	case CONSORT_TYPE_BOOL:
		((uint8_t *)column->values)[(column->offset + row) / 8] |=
			(uint8_t)(1u << (column->offset + row) % 8);
		break;
	case CONSORT_TYPE_LIST: /* of integers */
		for (at = day[0]; at < day[1]; at++)
			((int64_t *)column->child->values)[at] &= 0xff;
		break;
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		for (at = day[0]; at < day[1]; at++) /* an offset is as wide as a day */
			column->data[at] =
				column->data[at] == '1' || column->data[at] > 0xf0 ? '2' : column->data[at];
		break;
	default:
		break;
	}
}

#ifndef TYPE
#define TYPE CONSORT_TYPE_NULL
#endif
static uint32_t insert_spoilt(WRITE_PARAMETERS)
{
	int64_t row;
	uint32_t i;

	for (i = 0; i < rows->ncolumns; i++)
		for (row = 0; row < rows->nrows && rows->columns[i].type.id == TYPE; row++)
			if (!consort_column_is_null(&rows->columns[i], row))
				spoil(&rows->columns[i], row);
	return real->write->insert(WRITE_ARGUMENTS);
}

/* --- queries: what is compiled is another plan than was offered --- */

static const struct consort_node *changed_plan(const struct consort_node *root, struct consort_node *copy,
					       const struct consort_node **input)
{
	*copy = *root;
	switch (root->kind) {
	case CONSORT_NODE_SORT:
		return root->inputs[0];
	case CONSORT_NODE_LIMIT:
	case CONSORT_NODE_FILTER:
		return root->inputs[0];
	case CONSORT_NODE_JOIN:
		copy->join = CONSORT_JOIN_INNER;
		return copy;
	case CONSORT_NODE_PROJECT:
		*input = changed_plan(root->inputs[0], copy + 1, input + 1);
		copy->inputs = input;
		return copy;
	default:
		return root;
	}
}

#ifndef KIND
#define KIND 0
#endif
static uint32_t compile_another(void *database, const struct consort_statement *statement,
				void **out_compiled, struct consort_error *error)
{
	/* they outlive what is compiled; a test's process is short */
	struct consort_statement *other = calloc(1, sizeof(*other));
	struct consort_node *copies = calloc(4, sizeof(*copies));
	const struct consort_node **inputs = calloc(4, sizeof(*inputs)), *at = statement->root;

	if (!other || !copies || !inputs)
		return consort_error_no_memory(error);
	*other = *statement;
	while (at->kind == CONSORT_NODE_PROJECT)
		at = at->inputs[0];
	if (at->kind == KIND)
		other->root = changed_plan(statement->root, copies, inputs);
	return real->query->compile(database, other, out_compiled, error);
}

static uint32_t open_without_key(void *connection, const struct consort_call *call, void *compiled,
				 const struct consort_run *run, void **out_cursor,
				 struct consort_error *error)
{
	struct consort_batch keys;
	struct consort_run other = *run;

	if (run->keys && run->keys->nrows > 1) {
		keys = *run->keys;
		keys.nrows--;
		other.keys = &keys;
	}
	return real->query->open(connection, call, compiled, &other, out_cursor, error);
}

/* What is compiled runs once. */
static uint32_t open_once(void *connection, const struct consort_call *call, void *compiled,
			  const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	static void *last;

	if (compiled == last)
		return fail(connection, call, error);
	last = compiled;
	return real->query->open(connection, call, compiled, run, out_cursor, error);
}

/* Only the cursor that was opened last gives rows. */
static void *newest;
static uint32_t open_newest(void *connection, const struct consort_call *call, void *compiled,
			    const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	uint32_t status = real->query->open(connection, call, compiled, run, out_cursor, error);

	if (!status)
		newest = *out_cursor;
	return status;
}

static uint32_t next_newest(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			    struct consort_error *error)
{
	return cursor == newest ? real->query->next(cursor, call, batch, error) : CONSORT_OK;
}

/* All days are one. */
static uint32_t next_dateless(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			      struct consort_error *error)
{
	uint32_t status = real->query->next(cursor, call, batch, error), i;
	int64_t row;

	for (i = 0; i < batch->ncolumns; i++)
		for (row = 0; row < batch->nrows && batch->columns[i].type.id == CONSORT_TYPE_DATE; row++)
			((int32_t *)batch->columns[i].values)[row] = 0;
	return status;
}

static uint32_t execute_and_tell_more(void *connection, const struct consort_call *call, void *compiled,
				      const struct consort_run *run, int64_t *out_affected,
				      struct consort_error *error)
{
	uint32_t status = real->query->execute(connection, call, compiled, run, out_affected, error);

	if (!status)
		++*out_affected;
	return status;
}

static uint32_t explain_nothing(void *database, void *compiled, const struct consort_text_sink *sink,
				struct consort_error *error)
{
	return CONSORT_OK;
}

/* Counts are one too many: with groups, or without. */
static bool is_counting;
static uint32_t compile_and_look(void *database, const struct consort_statement *statement,
				 void **out_compiled, struct consort_error *error)
{
	const struct consort_node *at = statement->root;

	while (at->kind == CONSORT_NODE_PROJECT)
		at = at->inputs[0];
	is_counting =
		at->kind == CONSORT_NODE_AGGREGATE && (at->nexprs > 0) == (KIND == CONSORT_NODE_AGGREGATE);
	return real->query->compile(database, statement, out_compiled, error);
}

static uint32_t next_counting(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			      struct consort_error *error)
{
	uint32_t status = real->query->next(cursor, call, batch, error), i;

	for (i = 0; i < batch->ncolumns && is_counting && !status && batch->nrows; i++)
		if (batch->columns[i].type.id == CONSORT_TYPE_INT64 &&
		    !consort_column_is_null(&batch->columns[i], 0))
			((int64_t *)batch->columns[i].values)[0]++;
	return status;
}

/* A cursor that holds more than a batch. */
struct heavy {
	void *cursor;
	char *whole;
};
static uint32_t open_heavy(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct heavy *heavy = calloc(1, sizeof(*heavy));
	uint32_t status = heavy ? real->query->open(connection, call, compiled, run, &heavy->cursor, error)
				: consort_error_no_memory(error);

	if (!status)
		*out_cursor = heavy;
	else
		free(heavy);
	return status;
}

static uint32_t next_heavy(void *object, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct heavy *heavy = object;

	if (!heavy->whole && batch->max_rows == 100) {
		heavy->whole = malloc((size_t)32 << 20);
		if (heavy->whole)
			memset(heavy->whole, 1, (size_t)32 << 20);
	}
	return real->query->next(heavy->cursor, call, batch, error);
}

static void close_heavy(void *object)
{
	struct heavy *heavy = object;

	real->query->close(heavy->cursor);
	free(heavy->whole);
	free(heavy);
}

/* --- schema and the rest --- */

static uint32_t define_for_real(void *connection, const struct consort_call *call,
				const struct consort_resource *resource, uint32_t flags,
				const struct consort_text_sink *sink, struct consort_error *error)
{
	return real->schema->define(connection, call, resource, flags & ~CONSORT_SCHEMA_DRY_RUN, sink, error);
}

static uint32_t define_always(void *connection, const struct consort_call *call,
			      const struct consort_resource *resource, uint32_t flags,
			      const struct consort_text_sink *sink, struct consort_error *error)
{
	return real->schema->define(connection, call, resource, flags | CONSORT_SCHEMA_IF_NEEDED, sink,
				    error);
}

static uint32_t define_bare(void *connection, const struct consort_call *call,
			    const struct consort_resource *resource, uint32_t flags,
			    const struct consort_text_sink *sink, struct consort_error *error)
{
	struct consort_resource bare = *resource;

	bare.nindexes = 0;
	return real->schema->define(connection, call, &bare, flags, sink, error);
}

static uint32_t drop_always(void *connection, const struct consort_call *call,
			    const struct consort_resource *resource, uint32_t flags,
			    const struct consort_text_sink *sink, struct consort_error *error)
{
	return real->schema->drop(connection, call, resource, flags | CONSORT_SCHEMA_IF_NEEDED, sink, error);
}

static uint32_t native_mute(void *connection, const struct consort_call *call, const char *text,
			    const struct consort_run *run, void **out_cursor,
			    const struct consort_field *const **out_fields, uint32_t *out_nfields,
			    int64_t *out_affected, struct consort_error *error)
{
	uint32_t status = real->native->open(connection, call, text, run, out_cursor, out_fields, out_nfields,
					     out_affected, error);

	error->message[0] = '\0';
	return status;
}

static void cancel_nothing(void *connection)
{
}

static uint32_t list_nothing(void *connection, const struct consort_call *call, const char *prefix,
			     const struct consort_prepared_sink *sink, struct consort_error *error)
{
	return CONSORT_OK;
}

static uint32_t import_nothing(void *connection, const struct consort_call *call, const char *snapshot,
			       struct consort_error *error)
{
	return CONSORT_OK;
}

/* --- the mutants: which slot each of them is --- */

static void mutate(void)
{
	MUTANT;
}

__attribute__((__constructor__)) static void load(void)
{
	consort_plugin_entry_fn *entry;
	void *file = dlopen(SHIMMED, RTLD_NOW | RTLD_LOCAL),
	     *symbol = file ? dlsym(file, "consort_plugin_entry_v1") : NULL;

	if (!symbol)
		return;
	memcpy(&entry, &symbol, sizeof(entry));
	real = entry();
	plugin = *real;
	plugin.id = "shim";
	plugin.version = "1";
	plugin.features.word[0] = FEATURES;
	plugin.features.word[1] = 0;
	connection_ops = *real->connection;
	query_ops = *real->query;
	write_ops = *real->write;
	transaction_ops = *real->transaction;
	schema_ops = *real->schema;
	native_ops = *real->native;
	plugin.connection = &connection_ops;
	plugin.query = &query_ops;
	plugin.write = &write_ops;
	plugin.transaction = &transaction_ops;
	plugin.schema = &schema_ops;
	plugin.native = &native_ops;
	if (real->prepared)
		prepared_ops = *real->prepared;
	plugin.prepared = plugin.features.word[0] & BIT(PREPARE_COMMIT) ? &prepared_ops : NULL;
	plugin.changes = NULL;
	plugin.keyvalue = NULL;
	mutate();
}

CONSORT_PLUGIN_EXPORT(real ? &plugin : NULL, "shim", "1", FEATURES, 0);
