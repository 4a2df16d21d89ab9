/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme: a whole adapter in one file. Its engine is an array of notes in memory; put your client library in its place.
 * <consort/plugin.h> is the contract. For each section of a manifest the core opens a database, which connects to
 * nothing, and then connections to it: many threads use many of them at once, and one thread at a time each of them.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <consort/adapter.h>
#include <consort/convert.h>
#include <consort/plugin.h>
#pragma GCC diagnostic ignored "-Wunused-parameter" /* operations are given more than each of them needs */

#define ID "acme"
#define RELEASE "0.1"
#define MOST 1000 /* notes */
/* Features are promises, and each takes operations from the tables at the end. Begin with READ and INTROSPECT: what an
 * adapter does not promise, the core does itself or refuses. */
#define BIT(feature) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##feature)
#define FEATURES (BIT(READ) | BIT(STREAMING) | BIT(INTROSPECT) | BIT(FILTER) | BIT(CREATE) | BIT(UPDATE) | BIT(DELETE))

struct note { /* what the engine keeps */
	int64_t id;
	uint64_t size;
	char text[240];
};

struct database {
	char identity[32];
	pthread_mutex_t lock; /* over what follows, which all connections share */
	int64_t count;
	struct note notes[MOST]; /* in the order of their ids */
};

/* Where the note with that id is, or would be. */
static struct note *find(struct database *database, int64_t id)
{
	struct note *note = database->notes;

	while (note < &database->notes[database->count] && note->id < id)
		note++;
	return note;
}

/* --- database and connection --- */

/* Whatever fails fills the error: what was wrong, where, and what to do. Out-parameters change only on success. */
static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct database *database = calloc(1, sizeof(*database));

	if (!database)
		return consort_error_no_memory(error);
	snprintf(database->identity, sizeof(database->identity), "memory at %p", (void *)database);
	pthread_mutex_init(&database->lock, NULL);
	*out_database = database;
	return CONSORT_OK;
}

static void database_close(void *database)
{
	pthread_mutex_destroy(&((struct database *)database)->lock);
	free(database);
}

/* There is nothing to connect to: the database stands for each connection, and the SDK has the other operations. With
 * a server, open, ping and reset ask it, cancel wakes who waits, and features takes away what it cannot do. */
static void connection_info(void *connection, struct consort_connection_info *info)
{
	info->server = "notes in memory";
	info->identity = ((struct database *)connection)->identity; /* two of a name would be taken for one store */
	info->user = "";
}

/* --- what there is: one table, and its key --- */

#define COLUMN(name, type) &(const struct consort_attribute){sizeof(struct consort_attribute), \
	CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_STRICT, {.id = type}, name, name, "", ""}
static const struct consort_resource table = {
	.struct_size = sizeof(table), .name = "note", .source = "note", .nkeys = 1, .keys = (const uint32_t[]){0},
	.nattributes = 2, .attributes = (const struct consort_attribute *const[]){
		COLUMN("id", CONSORT_TYPE_INT64), COLUMN("text", CONSORT_TYPE_TEXT)}};

static uint32_t introspect(void *connection, const struct consort_call *call, const char *source,
			   const struct consort_setting *settings, uint32_t nsettings,
			   const struct consort_resource_sink *sink, struct consort_error *error)
{
	uint32_t status = consort_call_check(call, error);

	if (!status && source && strcmp(source, table.source) != 0)
		status = consort_error_set(error, CONSORT_ENOTFOUND, "there is no '%s' here, only 'note'", source);
	return status ? status : sink->resource(sink->context, &table);
}

/* --- reading --- */

/* How exactly could the engine do each part of a plan? EXACT is as docs/semantics.md has it, for every value there can
 * be; SUPERSET finds more, and the core checks again; when in doubt it is NO. Here: the bare table, and "id = 7". */
static uint32_t query_offer(void *database, const struct consort_node *node, struct consort_offer *answer,
			    struct consort_error *error)
{
	uint32_t i;

	consort_offer_scan(node, answer, "notes are only found by their ids");
	for (; node->ninputs == 1; node = node->inputs[0])
		for (i = 0; node->kind == CONSORT_NODE_FILTER && i < node->nexprs; i++)
			if (consort_condition_equals(node, i, "id", consort_type_of(CONSORT_TYPE_INT64)))
				answer->fidelity[node->first_conjunct + i] = CONSORT_FIDELITY_EXACT;
	return CONSORT_OK;
}

struct cursor {
	struct database *database;
	int64_t first, last; /* ids still to come */
	int ended;
	uint32_t from[]; /* which of the table's columns each column of the batch is */
};

/* Starts what was taken: a SCAN, or a FILTER over one. The SDK's compile has left the plan as it is. */
static uint32_t query_open(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	const struct consort_node *node = compiled, *scan = node->ninputs ? node->inputs[0] : node;
	struct cursor *cursor = calloc(1, sizeof(*cursor) + scan->nattributes * sizeof(uint32_t));
	uint32_t i, status = cursor ? consort_call_check(call, error) : consort_error_no_memory(error);

	/* a manifest may name and order attributes as it likes, and declare what is not there */
	for (i = 0; i < scan->nattributes && !status; i++)
		status = consort_attribute_find(&table, scan->resource, scan->attributes[i], &cursor->from[i], error);
	if (status) {
		free(cursor);
		return status;
	}
	*cursor = (struct cursor){connection, INT64_MIN, INT64_MAX, 0};
	for (i = 0; node != scan && i < node->nexprs; i++) {
		const struct consort_value *value = consort_run_value(run, node->exprs[i]->args[1]);
		const int64_t id = value->as.int64;

		cursor->ended |= consort_value_is_null(value) || id < cursor->first || id > cursor->last;
		cursor->first = cursor->last = id;
	}
	*out_cursor = cursor;
	return CONSORT_OK;
}

/* Looks its place up each time, since notes come and go between the calls. */
static uint32_t query_next(void *object, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct cursor *cursor = object;
	struct database *database = cursor->database;
	uint32_t status = consort_call_check(call, error), i;
	const struct note *note, *end;

	pthread_mutex_lock(&database->lock);
	end = &database->notes[status || cursor->ended ? 0 : database->count];
	for (note = find(database, cursor->first); note < end && note->id <= cursor->last; note++) {
		const struct consort_value row[] = {consort_int64(note->id), consort_text_n(note->text, note->size)};

		for (i = 0; i < batch->ncolumns && !status; i++)
			if (consort_append_value(batch, &batch->columns[i], &row[cursor->from[i]]))
				status = consort_error_no_memory(error);
		cursor->ended = note->id == cursor->last;
		cursor->first = note->id + !cursor->ended;
		if (status || consort_batch_end_row(batch))
			break;
	}
	pthread_mutex_unlock(&database->lock);
	return status;
}

/* --- writing: a row a call, since BULK_WRITE is not promised --- */

static uint32_t change(struct database *database, const struct note *note, int inserts, int removes,
		       struct consort_error *error)
{
	struct note *place = find(database, note->id), *end = &database->notes[database->count];
	const int there = place < end && place->id == note->id;

	if (inserts && there)
		return consort_error_set(error, CONSORT_ECONSTRAINT, "the id %lld is taken", (long long)note->id);
	if (inserts && database->count == MOST)
		return consort_error_set(error, CONSORT_EFULL, "there are %d notes already", MOST);
	if (!inserts && !there)
		return consort_error_set(error, CONSORT_ENOTFOUND, "there is no note %lld", (long long)note->id);
	memmove(place + inserts, place + removes, (size_t)(end - place - removes) * sizeof(*note));
	if (!removes)
		*place = *note;
	database->count += inserts - removes;
	return CONSORT_OK;
}

/* By nkeys the core tells what is to be done: without a key among the columns insert, with nothing else remove. */
static uint32_t write_row(void *connection, const struct consort_call *call, const struct consort_write *write,
			  const struct consort_batch *rows, struct consort_write_result *result,
			  struct consort_error *error)
{
	const int inserts = !write->nkeys, removes = write->nkeys == write->nattributes;
	struct consort_value row[] = {consort_null(), consort_null()};
	struct database *database = connection;
	struct note note = {0};
	uint32_t status = consort_call_check_write(call, write, error), i, column;

	for (i = 0; i < write->nattributes && !status; i++) {
		status = consort_attribute_find(&table, write->resource, write->attributes[i], &column, error);
		if (!status)
			row[column] = consort_column_value(&rows->columns[i], 0);
	}
	if (status)
		return status;
	note.id = row[0].as.int64;
	note.size = row[1].as.view.size;
	if (consort_value_is_null(&row[0]) || (!removes && consort_value_is_null(&row[1])))
		status = consort_error_set(error, CONSORT_ECONSTRAINT, "a note has no NULL");
	else if (note.size > sizeof(note.text))
		status = consort_error_set(error, CONSORT_ERANGE, "a note has up to %zu bytes", sizeof(note.text));
	else if (note.size)
		memcpy(note.text, row[1].as.view.data, note.size);
	pthread_mutex_lock(&database->lock);
	if (!status)
		status = change(database, &note, inserts, removes, error);
	pthread_mutex_unlock(&database->lock);
	if (status) /* what failed is this row, not the call */
		result->row_failed(result->context, 0, error);
	else
		result->affected = 1;
	return status == CONSORT_ENOTFOUND || write->flags & CONSORT_WRITE_CONTINUE ? CONSORT_OK : status;
}

/* --- what it all amounts to --- */

#define OPS(table, ...) \
	&(const struct consort_##table##_ops){.struct_size = sizeof(struct consort_##table##_ops), __VA_ARGS__}
static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin), .abi_minor = CONSORT_ABI_MINOR, .id = ID, .version = RELEASE, .licence = "",
	.vendor = "", .homepage = "", .description = "notes in memory", .features = {{FEATURES, 0}},
	.init = consort_plain_init, .database = OPS(database, .open = database_open, .close = database_close),
	.connection = OPS(connection, .open = consort_plain_open, .close = consort_plain_close,
			  .ping = consort_plain_check, .reset = consort_plain_check, .abandon = consort_plain_abandon,
			  .features = consort_plain_features, .info = connection_info),
	.query = OPS(query, .offer = query_offer, .compile = consort_plain_compile, .open = query_open,
		     .next = query_next, .close = free, .compiled_free = consort_plain_compiled_free),
	.write = OPS(write, .insert = write_row, .update = write_row, .remove = write_row),
	.schema = OPS(schema, .introspect = introspect)};

CONSORT_PLUGIN_EXPORT(&plugin, ID, RELEASE, FEATURES, 0);
