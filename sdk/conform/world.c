/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adapter, driven through the library as a program does: a manifest with two databases of the same
 * options, one with all features and one that leaves everything but reading and writing to the library; a
 * resource with the same records in both, and its records. Where the adapter defines, the resource is ours,
 * with every type it takes; else it is one that is there, and if the adapter writes, records of ours are
 * added and removed again.
 */
#include "drive.h"

#include <unistd.h>

#define OUR_KEYS 1000000 /* keys of records of ours start there, so that they do not meet others */

static const struct {
	uint16_t id;
	const char *declaration;
} columns[] = {
	{CONSORT_TYPE_BOOL, "a_bool = bool"},
	{CONSORT_TYPE_INT64, "an_int = int64"},
	{CONSORT_TYPE_FLOAT64, "a_float = float64"},
	{CONSORT_TYPE_DECIMAL, "a_decimal = decimal(12,2)"},
	{CONSORT_TYPE_TEXT, "a_text = text"},
	{CONSORT_TYPE_BYTES, "some_bytes = bytes"},
	{CONSORT_TYPE_TIMESTAMP, "a_timestamp = timestamp"},
	{CONSORT_TYPE_DATE, "a_date = date"},
	{CONSORT_TYPE_TIME, "a_time = time"},
	{CONSORT_TYPE_UUID, "a_uuid = uuid"},
	{CONSORT_TYPE_OBJECTID, "an_objectid = objectid"},
	{CONSORT_TYPE_JSON, "a_json = json"},
	{CONSORT_TYPE_LIST, "a_list = list of int64"},
};

/* --- opening --- */

static bool defines(const struct conform *conform)
{
	return consort_features_has(&conform->facts.features, CONSORT_FEATURE_DEFINE) && !conform->nresources;
}

char *world_table(struct world *world)
{
	static unsigned number;
	char *name;

	conform_memory_hold();
	name = consort_arena_printf(&world->arena, "%s%d_%u", world->conform->prefix, (int)getpid(),
				    ++number);
	conform_memory_release();
	NEED(name);
	return name;
}

/* A table of our own, as a source with its declaration. */
static char *own_table(struct world *world)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	char *text;
	size_t i;

	consort_buffer_printf(&out, "%s:id int64 not null", world_table(world));
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const char *equals = strchr(columns[i].declaration, '=');

		if (world->conform->facts.types >> columns[i].id & 1)
			consort_buffer_printf(&out, ", %.*s%s", (int)(equals - columns[i].declaration),
					      columns[i].declaration, equals + 2);
	}
	text = consort_arena_text(&world->arena, out.data);
	consort_buffer_clear(&out);
	NEED(text);
	return text;
}

/* The name of a resource that is there: one that can be written if there is such a one, else any. */
struct search {
	struct world *world;
	char *name;
	bool writable;
};

static enum consort_status consider(void *context, const struct consort_resource *resource,
				    const struct consort_error *error)
{
	struct search *search = context;
	const bool writable = resource->nkeys && !(resource->flags & CONSORT_RESOURCE_READ_ONLY);

	if (error || strncmp(resource->name, "subject.", 8) ||
	    (search->name && (search->writable || !writable)))
		return CONSORT_OK;
	search->name = consort_arena_text(&search->world->arena, resource->name + 8);
	search->writable = writable;
	return search->name ? CONSORT_OK : CONSORT_ENOMEM;
}

static void find_resource(struct world *world)
{
	struct search search = {world, NULL, false};
	struct consort_error error = CONSORT_ERROR_INIT;

	if (consort_resources(world->c, 0, consider, &search, &error))
		conform_fail("resources cannot be listed: %s", error.message);
	if (!search.name)
		conform_skip("there is no resource: name one with --resource");
	world->item = consort_arena_printf(&world->arena, "subject.%s", search.name);
	world->plain = consort_arena_printf(&world->arena, "plain.%s", search.name);
	NEED(world->item && world->plain);
}

bool world_is_declared(const struct world *world)
{
	return world->conform->nresources
		       ? strchr(world->conform->resources[world->conform->which], ':') != NULL
		       : defines(world->conform);
}

void world_open(struct world *world, struct conform *conform, const char *features)
{
	const char *source = NULL;

	memset(world, 0, sizeof(*world));
	world->conform = conform;
	consort_arena_init(&world->arena, 0);
	if (conform->nresources)
		source = conform->resources[conform->which];
	else if (defines(conform))
		source = own_table(world);
	world->c = conform_open(conform, features, source);
	world->item = source ? consort_arena_text(&world->arena, "item") : NULL;
	world->plain = source ? consort_arena_text(&world->arena, "plain_item") : NULL;
}

/* --- the resource --- */

static void define(struct world *world, const char *name)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	if (consort_define(world->c, name, 0, NULL, &error))
		conform_fail("a resource cannot be defined: %s", error.message);
}

void world_make(struct world *world)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	if (!world->item)
		find_resource(world);
	world->made = defines(world->conform);
	if (world->made) {
		define(world, world->item);
		if (!world->conform->facts.shared)
			define(world, world->plain);
	}
	if (consort_describe(world->c, world->item, &world->resource, &error))
		conform_fail("the resource cannot be described: %s", error.message);
}

bool world_is_key(const struct world *world, uint32_t attribute)
{
	uint32_t i;

	for (i = 0; i < world->resource->nkeys; i++)
		if (world->resource->keys[i] == attribute)
			return true;
	return false;
}

struct consort_args world_key(struct world *world, const struct consort_value *row)
{
	const struct consort_resource *resource = world->resource;
	struct consort_value *key = consort_arena_array(&world->arena, resource->nkeys + 1, sizeof(*key));
	struct consort_args args = {key, resource->nkeys};
	uint32_t i;

	NEED(key);
	for (i = 0; i < resource->nkeys; i++)
		key[i] = row[resource->keys[i]];
	return args;
}

static bool is_set(const struct consort_attribute *attribute)
{
	return !(attribute->flags & CONSORT_ATTRIBUTE_READ_ONLY);
}

void world_row(struct world *world, size_t nth, struct consort_value *out_row)
{
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++) {
		const struct consort_attribute *attribute = world->resource->attributes[i];

		if (world_is_key(world, i))
			out_row[i] = conform_different(attribute->type, OUR_KEYS + nth, &world->arena);
		else
			out_row[i] = conform_edge(attribute->type, (uint32_t)nth % 3, &world->arena);
	}
}

struct consort_value *world_new_row(struct world *world, size_t nth)
{
	struct consort_value *row = conform_frozen((world->resource->nattributes + 1) * sizeof(*row));

	world_row(world, nth, row);
	return row;
}

void world_need_writes(const struct world *world)
{
	if (!world->resource->nkeys || world->resource->flags & CONSORT_RESOURCE_READ_ONLY)
		conform_skip("'%s' has no key, or is read-only", world->resource->name);
}

static struct consort_record *record_of(struct world *world, const char *name,
					const struct consort_value *row)
{
	struct consort_record *record = consort_record_new(world->c, name);
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++)
		if (is_set(world->resource->attributes[i]))
			consort_record_set(record, world->resource->attributes[i]->name, row[i]);
	return record;
}

enum consort_status world_create(struct world *world, const char *name, const struct consort_value *row,
				 struct consort_error *error)
{
	struct consort_record *record = record_of(world, name, row);
	enum consort_status status = consort_create(world->c, record, error);

	consort_record_free(record);
	return status;
}

/* --- records --- */

/* Keys are edges first; no two are the same. The rest is anything, and NULL now and then. */
static void any_row(struct world *world, size_t nth, struct consort_value *row)
{
	struct conform *conform = world->conform;
	uint32_t i;

	for (i = 0; i < world->resource->nattributes; i++) {
		const struct consort_attribute *attribute = world->resource->attributes[i];
		const bool key = world_is_key(world, i);
		struct consort_value edge =
			key && world->made ? conform_edge(attribute->type, (uint32_t)nth, &world->arena)
					   : consort_null();

		if (!consort_value_is_null(&edge))
			row[i] = edge;
		else if (key)
			row[i] = conform_different(attribute->type, OUR_KEYS + nth, &world->arena);
		else if (!(attribute->flags & CONSORT_ATTRIBUTE_NOT_NULL) && !conform_below(conform, 6))
			row[i] = consort_null();
		else
			row[i] = conform_value(conform, attribute->type, &world->arena);
	}
}

/* Writes rows; statuses[i] tells of each. */
static void write_rows(struct world *world, const char *name, const struct consort_value *rows, size_t nrows,
		       uint32_t *statuses)
{
	struct consort_record **records = consort_arena_array(&world->arena, nrows + 1, sizeof(*records));
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	NEED(records);
	for (i = 0; i < nrows; i++)
		records[i] = record_of(world, name, rows + i * world->resource->nattributes);
	if (consort_create_many(world->c, records, nrows, CONSORT_MANY_CONTINUE, statuses, &error))
		for (i = 0; i < nrows; i++)
			if (statuses[i] == CONSORT_ECANCELLED)
				conform_fail("records cannot be created: %s", error.message);
	for (i = 0; i < nrows; i++)
		consort_record_free(records[i]);
}

/* Writes rows of our own. What the engine refuses is left out; the most of it must be taken. */
static void write_own(struct world *world, size_t nrows)
{
	const uint32_t width = world->resource->nattributes;
	uint32_t *statuses = consort_arena_array(&world->arena, nrows + 1, sizeof(*statuses));
	size_t i, taken = 0;

	world->rows = consort_arena_array(&world->arena, nrows * width + 1, sizeof(*world->rows));
	NEED(world->rows && statuses);
	for (i = 0; i < nrows; i++)
		any_row(world, i, world->rows + i * width);
	world->wrote = true;
	write_rows(world, world->item, world->rows, nrows, statuses);
	for (i = 0; i < nrows; i++)
		if (!statuses[i])
			memmove(world->rows + taken++ * width, world->rows + i * width,
				width * sizeof(*world->rows));
	world->nrows = taken;
	REQUIRE(taken * 4 >= nrows, "of %zu records of ordinary and unusual values only %zu could be created",
		nrows, taken);
	if (world->conform->facts.shared)
		return;
	write_rows(world, world->plain, world->rows, taken, statuses);
	for (i = 0; i < taken; i++)
		REQUIRE(!statuses[i], "a record that one database took, another of the same options refused");
}

/* Keeps records that are there, for values to ask for. */
static void read_there(struct world *world, size_t nrows)
{
	const uint32_t width = world->resource->nattributes;
	struct consort_query *query = consort_query_new(world->c, world->plain);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	uint32_t i;

	world->rows = consort_arena_array(&world->arena, nrows * width + 1, sizeof(*world->rows));
	NEED(world->rows);
	if (consort_query_run(query, CONSORT_NO_ARGS, &rows, &error))
		conform_fail("the resource cannot be read: %s", error.message);
	while (world->nrows < nrows && consort_cursor_next(rows, &error)) {
		for (i = 0; i < width; i++) {
			struct consort_value value = consort_cursor_value(rows, i);

			if (value.type.id == CONSORT_TYPE_TEXT || value.type.id == CONSORT_TYPE_BYTES ||
			    value.type.id == CONSORT_TYPE_JSON)
				value.as.view.data = consort_arena_copy(&world->arena, value.as.view.data,
									value.as.view.size);
			else if (value.type.id == CONSORT_TYPE_LIST)
				value = consort_null();
			world->rows[world->nrows * width + i] = value;
		}
		world->nrows++;
	}
	if (consort_cursor_status(rows))
		conform_fail("the resource cannot be read: %s", error.message);
	consort_cursor_close(rows);
	consort_query_free(query);
}

static bool writes(const struct world *world)
{
	return consort_features_has(&world->conform->facts.features, CONSORT_FEATURE_CREATE) &&
	       world->resource->nkeys && !(world->resource->flags & CONSORT_RESOURCE_READ_ONLY);
}

void world_fill(struct world *world, size_t nrows)
{
	world_make(world);
	if (writes(world))
		write_own(world, nrows);
	else
		read_there(world, nrows);
}

void world_lend(struct world *world, struct subject *subject, bool rows)
{
	const struct consort_plugin *plugin = subject->plugin;
	struct writing writing = {0};
	size_t i;

	if (world->conform->facts.shared)
		return;
	if (world->made)
		subject_need(subject,
			     plugin->schema->define(subject->connection, subject->call, world->resource, 0,
						    NULL, subject_error(subject)),
			     "schema.define");
	for (i = 0; rows && world->wrote && i < world->nrows; i++)
		subject_need(subject,
			     subject_write(subject, plugin->write->insert, world->resource, &writing,
					   world->rows + i * world->resource->nattributes, 1),
			     "write.insert");
}

static void clean(struct world *world, const char *name)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	if (world->made)
		consort_drop(world->c, name, CONSORT_DEFINE_IF_NEEDED, NULL, &error);
	else if (world->wrote &&
		 consort_features_has(&world->conform->facts.features, CONSORT_FEATURE_DELETE))
		for (i = 0; i < world->nrows; i++)
			consort_delete(world->c, name,
				       world_key(world, world->rows + i * world->resource->nattributes),
				       &error);
}

void world_close(struct world *world)
{
	if (world->resource) {
		clean(world, world->item);
		if (!world->conform->facts.shared)
			clean(world, world->plain);
	}
	consort_close(world->c);
	consort_arena_clear(&world->arena);
}

/* Tests number their records from 0 on; none has more than these. */
#define SWEPT 1300

void world_sweep(struct conform *conform)
{
	struct consort_error ignored;
	struct world world;
	size_t i;

	if (defines(conform) || !consort_features_has(&conform->facts.features, CONSORT_FEATURE_DELETE))
		return;
	world_open(&world, conform, NULL);
	world_make(&world);
	for (i = 0; writes(&world) && i < SWEPT; i++)
		consort_delete(world.c, world.item, world_key(&world, world_new_row(&world, i)), &ignored);
	world_close(&world);
}

void world_begin(struct world *world, struct subject *subject, struct conform *conform)
{
	world_open(world, conform, NULL);
	world_make(world);
	subject_open(subject, conform);
	world_lend(world, subject, false);
}

void world_end(struct world *world, struct subject *subject)
{
	subject_close(subject);
	world_close(world);
}

enum consort_status world_print(struct consort_cursor *rows, struct consort_buffer *out)
{
	uint32_t i;

	while (consort_cursor_next(rows, NULL)) {
		for (i = 0; i < consort_cursor_columns(rows); i++) {
			const struct consort_value value = consort_cursor_value(rows, i);

			consort_buffer_text(out, i ? "|" : "");
			conform_value_print(&value, out);
		}
		consort_buffer_char(out, '\n');
	}
	return consort_cursor_status(rows);
}

char *world_rows(struct world *world, const char *name)
{
	struct consort_query *query = consort_query_new(world->c, name);
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	if (consort_query_run(query, CONSORT_NO_ARGS, &rows, &error))
		conform_fail("%s cannot be read: %s", name, error.message);
	if (world_print(rows, &lines))
		conform_fail("%s cannot be read to its end: %s", name, consort_cursor_error(rows)->message);
	consort_cursor_close(rows);
	consort_query_free(query);
	return conform_sorted(&lines);
}
