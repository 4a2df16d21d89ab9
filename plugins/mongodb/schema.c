/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Introspection: collections and views, what a validator says of them, and what is seen in a sample of their
 * documents. MongoDB knows no more of a collection, so a resource is open: there may be fields that were not
 * met.
 */
#include "define.h"
#include "plan.h"
#include "sample.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLE 1000
#define SAME_DOCUMENTS 28799 /* the code of that error */

struct reading {
	struct mongo_connection *conn;
	struct consort_error *error;
	int64_t most; /* documents of a sample */
	struct mongo_sample sample;
	struct consort_resource resource;
};

static uint32_t no_memory(const struct reading *reading)
{
	return consort_error_no_memory(reading->error);
}

/* --- documents --- */

/* Has `take` look at each document that a command answers with. */
static uint32_t each(struct reading *reading, enum mongo_kind kind, const bson_t *command,
		     uint32_t (*take)(struct reading *reading, const uint8_t *data, uint32_t size))
{
	struct mongo_cursor *cursor = mongo_cursor_new(reading->conn);
	const uint8_t *data = NULL;
	uint32_t status, size;

	if (!cursor)
		return no_memory(reading);
	status = mongo_cursor_run(cursor, kind, command, NULL, reading->error);
	while (!status) {
		status = mongo_cursor_document(cursor, &data, &size, reading->error);
		if (status || !data)
			break;
		status = take(reading, data, size);
	}
	mongo_cursor_close(cursor);
	return status;
}

static uint32_t take_sampled(struct reading *reading, const uint8_t *data, uint32_t size)
{
	return mongo_sample_add(&reading->sample, data, size) ? CONSORT_OK : no_memory(reading);
}

/* Documents that a stage chooses. */
static uint32_t read_chosen(struct reading *reading, const char *stage, int64_t most)
{
	bson_t command = BSON_INITIALIZER, pipeline, step, inside;
	bool random = !strcmp(stage, "$sample");
	uint32_t at = 0, status;

	BSON_APPEND_UTF8(&command, "aggregate", reading->resource.source);
	BSON_APPEND_ARRAY_BEGIN(&command, "pipeline", &pipeline);
	mongo_stage_begin(&pipeline, &at, &step);
	if (random)
		BSON_APPEND_DOCUMENT_BEGIN(&step, stage, &inside);
	BSON_APPEND_INT64(random ? &inside : &step, random ? "size" : stage, most);
	if (random)
		bson_append_document_end(&step, &inside);
	mongo_stage_end(&pipeline, &step);
	bson_append_array_end(&command, &pipeline);
	BSON_APPEND_DOCUMENT_BEGIN(&command, "cursor", &inside);
	bson_append_document_end(&command, &inside);
	status = each(reading, MONGO_ASIDE, &command, take_sampled);
	bson_destroy(&command);
	return status;
}

/* Of documents chosen at random: the first ones may be the oldest. MongoDB gives up where chance leads to the
 * same ones again and again, as it may soon after they were written; then the first ones do for the rest. */
static uint32_t read_sample(struct reading *reading)
{
	struct consort_error failed = CONSORT_ERROR_INIT, *error = reading->error;
	uint32_t status;

	reading->error = &failed;
	status = read_chosen(reading, "$sample", reading->most);
	reading->error = error;
	if (status == CONSORT_EENGINE && failed.code == SAME_DOCUMENTS)
		return read_chosen(reading, "$limit", reading->most - reading->sample.documents);
	if (status && error)
		*error = failed;
	return status;
}

/* --- attributes --- */

static int find_attribute(const struct reading *reading, const char *source)
{
	uint32_t i;

	for (i = 0; i < reading->resource.nattributes; i++)
		if (!strcmp(reading->resource.attributes[i]->source, source))
			return (int)i;
	return -1;
}

/* MongoDB's own key first, others by their names, since documents have them in orders of their own. */
static int by_name(const void *a, const void *b)
{
	const struct mongo_seen *left = a, *right = b;
	bool first = !strcmp(left->name, "_id"), second = !strcmp(right->name, "_id");

	return first || second ? second - first : strcmp(left->name, right->name);
}

/* Those that a validator tells come before all others, in its order. */
static uint32_t make_attributes(struct reading *reading)
{
	struct mongo_sample *sample = &reading->sample;
	const struct consort_attribute **list;
	uint32_t i;

	if (!mongo_sample_field(sample, "_id"))
		return no_memory(reading);
	qsort(sample->fields + sample->nstated, sample->nfields - sample->nstated, sizeof(*sample->fields),
	      by_name);
	list = consort_arena_array(&sample->arena, sample->nfields, sizeof(*list));
	if (!list)
		return no_memory(reading);
	for (i = 0; i < sample->nfields; i++) {
		list[i] = mongo_sample_attribute(sample, &sample->fields[i]);
		if (!list[i])
			return no_memory(reading);
	}
	reading->resource.attributes = list;
	reading->resource.nattributes = sample->nfields;
	return CONSORT_OK;
}

/* --- indexes --- */

/* The attributes of an index; false: it is over something else, or of another kind. */
static bool read_index_keys(struct reading *reading, const bson_iter_t *keys, uint32_t *positions,
			    uint32_t *out_count)
{
	bson_iter_t at;
	uint32_t count = 0;

	if (!bson_iter_recurse(keys, &at))
		return false;
	while (bson_iter_next(&at)) {
		int position = find_attribute(reading, bson_iter_key(&at));

		if (position < 0 || !BSON_ITER_HOLDS_NUMBER(&at) || count == reading->resource.nattributes)
			return false;
		positions[count++] = (uint32_t)position;
	}
	*out_count = count;
	return count > 0;
}

static uint32_t add_index(struct reading *reading, const char *name, bool unique, uint32_t *positions,
			  uint32_t count)
{
	struct consort_resource *resource = &reading->resource;
	struct consort_index *index = consort_arena_alloc(&reading->sample.arena, sizeof(*index));
	const struct consort_index **list =
		consort_arena_array(&reading->sample.arena, resource->nindexes + 1, sizeof(*list));

	if (!index || !list)
		return no_memory(reading);
	if (resource->nindexes)
		memcpy(list, resource->indexes, resource->nindexes * sizeof(*list));
	index->struct_size = sizeof(*index);
	index->flags = unique ? CONSORT_INDEX_UNIQUE : 0;
	index->name = consort_arena_text(&reading->sample.arena, name);
	index->attributes = positions;
	index->nattributes = count;
	list[resource->nindexes++] = index;
	resource->indexes = list;
	return index->name ? CONSORT_OK : no_memory(reading);
}

/* A key of our own making hides MongoDB's. */
static uint32_t take_key(struct reading *reading, uint32_t *positions, uint32_t count)
{
	int id = find_attribute(reading, "_id");
	struct consort_attribute *attribute = consort_arena_alloc(&reading->sample.arena, sizeof(*attribute));
	const struct consort_attribute **list =
		(const struct consort_attribute **)(uintptr_t)reading->resource.attributes;

	if (!attribute)
		return no_memory(reading);
	*attribute = *list[id];
	attribute->flags |= CONSORT_ATTRIBUTE_HIDDEN;
	list[id] = attribute;
	reading->resource.keys = positions;
	reading->resource.nkeys = count;
	return CONSORT_OK;
}

static uint32_t take_index(struct reading *reading, const uint8_t *data, uint32_t size)
{
	uint32_t *positions = consort_arena_array(&reading->sample.arena, reading->resource.nattributes + 1,
						  sizeof(*positions));
	bool unique = false, partial = false, found = false;
	const char *name = "";
	uint32_t count = 0;
	bson_iter_t at;

	if (!positions)
		return no_memory(reading);
	bson_iter_init_from_data(&at, data, size);
	while (bson_iter_next(&at)) {
		const char *key = bson_iter_key(&at);

		if (!strcmp(key, "name") && BSON_ITER_HOLDS_UTF8(&at))
			name = bson_iter_utf8(&at, NULL);
		else if (!strcmp(key, "unique"))
			unique = bson_iter_as_bool(&at);
		else if (!strcmp(key, "key"))
			found = read_index_keys(reading, &at, positions, &count);
		else if (!strcmp(key, "partialFilterExpression") || !strcmp(key, "sparse") ||
			 !strcmp(key, "collation"))
			partial = true;
	}
	if (!found || partial || !strcmp(name, "_id_"))
		return CONSORT_OK;
	if (unique && !strcmp(name, MONGO_NAME_KEY))
		return take_key(reading, positions, count);
	return add_index(reading, name, unique, positions, count);
}

static uint32_t read_indexes(struct reading *reading)
{
	uint32_t *key = consort_arena_alloc(&reading->sample.arena, sizeof(*key)), status;
	bson_t command = BSON_INITIALIZER;

	if (!key)
		return no_memory(reading);
	*key = (uint32_t)find_attribute(reading, "_id");
	reading->resource.keys = key;
	reading->resource.nkeys = 1;
	if (reading->resource.flags & CONSORT_RESOURCE_READ_ONLY)
		return CONSORT_OK;
	BSON_APPEND_UTF8(&command, "listIndexes", reading->resource.source);
	status = each(reading, MONGO_ASIDE, &command, take_index);
	bson_destroy(&command);
	return status;
}

/* --- collections --- */

static uint32_t read_collection(struct reading *reading, const bson_iter_t *collection,
				const struct consort_resource_sink *sink)
{
	bson_iter_t at, schema;
	uint32_t status = CONSORT_OK;

	consort_arena_reset(&reading->sample.arena);
	reading->sample = (struct mongo_sample){.arena = reading->sample.arena};
	reading->resource = (struct consort_resource){.struct_size = sizeof(reading->resource),
						      .flags = CONSORT_RESOURCE_OPEN};
	bson_iter_recurse(collection, &at);
	while (!status && bson_iter_next(&at)) {
		if (!strcmp(bson_iter_key(&at), "name"))
			reading->resource.source =
				consort_arena_text(&reading->sample.arena, bson_iter_utf8(&at, NULL));
		else if (!strcmp(bson_iter_key(&at), "type") &&
			 strcmp(bson_iter_utf8(&at, NULL), "collection") != 0)
			reading->resource.flags |= CONSORT_RESOURCE_READ_ONLY;
	}
	reading->resource.name = reading->resource.source;
	if (!reading->resource.source)
		return no_memory(reading);
	bson_iter_recurse(collection, &at);
	if (bson_iter_find_descendant(&at, "options.validator.$jsonSchema", &schema) &&
	    bson_iter_recurse(&schema, &at) && !mongo_sample_validator(&reading->sample, &at))
		return no_memory(reading);
	status = read_sample(reading);
	if (!status)
		status = make_attributes(reading);
	if (!status)
		status = read_indexes(reading);
	if (status)
		return status;
	status = sink->resource(sink->context, &reading->resource);
	if (status)
		consort_error_set(reading->error, status, "what was found could not be taken");
	return status;
}

/* Those that are wanted, out of the answer, since others are asked for meanwhile. */
static uint32_t list_collections(struct reading *reading, const char *source, bson_t *out)
{
	bson_t command = BSON_INITIALIZER, filter;
	struct mongo_cursor *cursor = mongo_cursor_new(reading->conn);
	const uint8_t *data = NULL;
	uint32_t status, size, at = 0;
	bson_t document;
	bson_iter_t name;

	if (!cursor)
		return no_memory(reading);
	BSON_APPEND_INT32(&command, "listCollections", 1);
	if (source) {
		BSON_APPEND_DOCUMENT_BEGIN(&command, "filter", &filter);
		BSON_APPEND_UTF8(&filter, "name", source);
		bson_append_document_end(&command, &filter);
	}
	status = mongo_cursor_run(cursor, MONGO_ASIDE, &command, NULL, reading->error);
	while (!status && !(status = mongo_cursor_document(cursor, &data, &size, reading->error)) && data) {
		const char *key;
		char digits[16];

		if (!bson_init_static(&document, data, size) ||
		    !bson_iter_init_find(&name, &document, "name") || !BSON_ITER_HOLDS_UTF8(&name) ||
		    !strncmp(bson_iter_utf8(&name, NULL), "system.", 7))
			continue;
		bson_uint32_to_string(at++, &key, digits, sizeof(digits));
		bson_append_document(out, key, -1, &document);
	}
	mongo_cursor_close(cursor);
	bson_destroy(&command);
	return status;
}

static uint32_t introspect(struct reading *reading, const char *source,
			   const struct consort_resource_sink *sink)
{
	bson_t found = BSON_INITIALIZER;
	uint32_t status = list_collections(reading, source, &found);
	bson_iter_t at;

	if (!status && source && bson_empty(&found)) {
		status = consort_error_set(reading->error, CONSORT_ENOTFOUND,
					   "database '%s' has no collection '%s'",
					   reading->conn->database->dbname, source);
		consort_copy_text(reading->error->origin, sizeof(reading->error->origin),
				  reading->conn->database->name);
	}
	bson_iter_init(&at, &found);
	while (!status && bson_iter_next(&at))
		status = read_collection(reading, &at, sink);
	bson_destroy(&found);
	return status;
}

static uint32_t schema_introspect(void *connection, const struct consort_call *call, const char *source,
				  const struct consort_setting *settings, uint32_t nsettings,
				  const struct consort_resource_sink *sink, struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	struct reading reading = {.conn = conn, .error = error, .most = SAMPLE};
	const struct consort_value *most = consort_setting_find(settings, nsettings, "sample");
	uint32_t status;

	if (most && !consort_value_is_null(most))
		reading.most = most->as.int64;
	if (reading.most < 1)
		return consort_error_set(error, CONSORT_EVALUE, "sample is 1 or more");
	status = mongo_enter(conn, call, error);
	if (status)
		return status;
	consort_arena_init(&reading.sample.arena, 0);
	status = introspect(&reading, source, sink);
	consort_arena_clear(&reading.sample.arena);
	mongo_leave(conn);
	return status;
}

const struct consort_schema_ops mongo_schema_ops = {
	.struct_size = sizeof(mongo_schema_ops),
	.introspect = schema_introspect,
	.define = mongo_define,
	.drop = mongo_drop,
};
