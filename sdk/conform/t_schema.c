/* SPDX-License-Identifier: Apache-2.0 */
/* What there is, and making more of it: introspection, define, drop; and the engine's own language. */
#include "drive.h"

/* --- introspection --- */

struct seen {
	size_t count;
	size_t stop;	   /* answer with a status at this one; 0: never */
	const char *fault; /* what was wrong with any */
};

static const char *resource_fault(const struct consort_resource *resource)
{
	uint32_t i;

	if (!resource->source || !*resource->source ||
	    !consort_utf8_valid(resource->source, strlen(resource->source), NULL))
		return "a resource has no source";
	for (i = 0; i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];

		if (!attribute->source || !attribute->name ||
		    !consort_utf8_valid(attribute->source, strlen(attribute->source), NULL))
			return "an attribute has no name or source";
		if (attribute->type.id == CONSORT_TYPE_NULL || attribute->type.id >= CONSORT_TYPE_COUNT)
			return "an attribute has no type";
		if (attribute->type.id == CONSORT_TYPE_DECIMAL &&
		    (!attribute->type.precision || attribute->type.precision > 38 ||
		     attribute->type.scale > attribute->type.precision))
			return "a decimal has no such precision or scale";
	}
	for (i = 0; i < resource->nkeys; i++)
		if (resource->keys[i] >= resource->nattributes)
			return "a key is no attribute";
	return NULL;
}

static uint32_t look(void *context, const struct consort_resource *resource)
{
	struct seen *seen = context;

	seen->count++;
	if (!seen->fault)
		seen->fault = resource_fault(resource);
	return seen->stop && seen->count >= seen->stop ? CONSORT_ECANCELLED : CONSORT_OK;
}

static uint32_t introspect(struct subject *subject, const char *source, struct seen *seen)
{
	const struct consort_resource_sink sink = {seen, look};

	return CALL(subject, schema, introspect, source, NULL, 0, &sink);
}

static void test_introspect(struct conform *conform)
{
	struct seen seen = {0};
	struct subject subject;
	struct world world;

	world_begin(&world, &subject, conform);
	subject_need(&subject, introspect(&subject, NULL, &seen), "schema.introspect of all");
	REQUIRE(!seen.fault, "what schema.introspect tells is not as it should be: %s", seen.fault);
	REQUIRE(seen.count, "schema.introspect of all tells of nothing, though '%s' is there",
		world.resource->source);
	world_end(&world, &subject);
}

static void test_unknown(struct conform *conform)
{
	struct seen seen = {0};
	struct subject subject;

	subject_open(&subject, conform);
	EXPECT(introspect(&subject, "conform has no such resource", &seen), ENOTFOUND,
	       "schema.introspect of what is not there");
	REQUIRE(!seen.count, "schema.introspect of what is not there tells of something");
	subject_close(&subject);
}

static void test_one(struct conform *conform)
{
	struct seen seen = {0};
	struct subject subject;
	struct world world;

	world_begin(&world, &subject, conform);
	subject_need(&subject, introspect(&subject, world.resource->source, &seen),
		     "schema.introspect of one resource");
	REQUIRE(seen.count == 1, "schema.introspect of '%s' tells of %zu resources", world.resource->source,
		seen.count);
	world_end(&world, &subject);
}

static void test_sink(struct conform *conform)
{
	struct seen seen = {.stop = 1};
	struct subject subject;
	struct world world;
	uint32_t status;

	world_begin(&world, &subject, conform);
	status = introspect(&subject, NULL, &seen);
	REQUIRE(seen.count == 1, "schema.introspect goes on after the sink has answered with a status");
	REQUIRE(status == CONSORT_ECANCELLED,
		"schema.introspect answers status %u, where the sink ended it with %u", status,
		CONSORT_ECANCELLED);
	world_end(&world, &subject);
}

/* --- define and drop --- */

/* With a resource of ours, which was defined. */
static void begin_made(struct world *world, struct subject *subject, struct conform *conform)
{
	world_begin(world, subject, conform);
	if (!world->made)
		conform_skip("resources are named on the command line, and none is defined");
}

static void test_told(struct conform *conform)
{
	const struct consort_resource *told;
	struct subject subject;
	struct world world;
	uint32_t i, j;

	begin_made(&world, &subject, conform);
	told = subject_describe(&subject, world.resource->source);
	REQUIRE(told, "what was defined as '%s' is not told, or under another name", world.resource->source);
	REQUIRE(told->nkeys == 1 && !strcmp(told->attributes[told->keys[0]]->source, "id"),
		"what was defined with the key 'id' is told with another one");
	for (i = 0; i < world.resource->nattributes; i++) {
		const struct consort_attribute *defined = world.resource->attributes[i];
		struct consort_buffer was = CONSORT_BUFFER_INIT, is = CONSORT_BUFFER_INIT;

		for (j = 0; j < told->nattributes && strcmp(told->attributes[j]->source, defined->source);
		     j++)
			;
		REQUIRE(j < told->nattributes, "'%s' was defined, and is not told", defined->source);
		consort_type_print(defined->type, &was);
		consort_type_print(told->attributes[j]->type, &is);
		/* an engine with fewer types tells of what it keeps; the declaration then says what it means
		 */
		REQUIRE(told->attributes[j]->type.id == defined->type.id ||
				(defined->type.id != CONSORT_TYPE_INT64 &&
				 defined->type.id != CONSORT_TYPE_TEXT),
			"'%s' was defined as %s, and is told to be %s", defined->source, was.data, is.data);
		consort_buffer_clear(&was);
		consort_buffer_clear(&is);
	}
	world_end(&world, &subject);
}

static uint32_t define(struct subject *subject, const struct world *world, uint32_t flags)
{
	return CALL(subject, schema, define, world->resource, flags, NULL);
}

static uint32_t drop(struct subject *subject, const struct world *world, uint32_t flags)
{
	return CALL(subject, schema, drop, world->resource, flags, NULL);
}

static bool is_there(struct subject *subject, const struct world *world)
{
	struct seen seen = {0};

	/* without introspection a scan tells as well, or, where nothing must be made for records, define
	 * itself */
	if (subject_has(subject, CONSORT_FEATURE_INTROSPECT))
		return introspect(subject, world->resource->source, &seen) == CONSORT_OK;
	if (subject_has(subject, CONSORT_FEATURE_SCHEMALESS))
		return define(subject, world, CONSORT_SCHEMA_DRY_RUN) == CONSORT_ECONFLICT;
	return subject_rows(subject, tree_scan(world->resource), NULL, 0) != NULL;
}

static void test_define(struct conform *conform)
{
	struct subject subject;
	struct world world;

	begin_made(&world, &subject, conform);
	EXPECT(define(&subject, &world, 0), ECONFLICT, "schema.define of what is there");
	subject_need(&subject, define(&subject, &world, CONSORT_SCHEMA_IF_NEEDED),
		     "schema.define, if needed, of what is there");
	subject_need(&subject, drop(&subject, &world, 0), "schema.drop");
	REQUIRE(!is_there(&subject, &world), "what was dropped is still there");
	subject_need(&subject, define(&subject, &world, CONSORT_SCHEMA_IF_NEEDED),
		     "schema.define, if needed, of what is not there");
	REQUIRE(is_there(&subject, &world), "what was defined, if needed, is not there");
	world_end(&world, &subject);
}

static void test_drop(struct conform *conform)
{
	struct subject subject;
	struct world world;

	begin_made(&world, &subject, conform);
	subject_need(&subject, drop(&subject, &world, 0), "schema.drop");
	EXPECT(drop(&subject, &world, 0), ENOTFOUND, "schema.drop of what is not there");
	subject_need(&subject, drop(&subject, &world, CONSORT_SCHEMA_IF_NEEDED),
		     "schema.drop, if needed, of what is not there");
	world_end(&world, &subject);
}

static void test_dry(struct conform *conform)
{
	struct consort_buffer script = CONSORT_BUFFER_INIT;
	const struct consort_text_sink sink = {&script, conform_append_text};
	struct subject subject;
	struct world world;

	begin_made(&world, &subject, conform);
	subject_need(&subject, CALL(&subject, schema, drop, world.resource, CONSORT_SCHEMA_DRY_RUN, &sink),
		     "a dry run of schema.drop");
	REQUIRE(script.size && consort_utf8_valid(script.data, script.size, NULL),
		"a dry run of schema.drop writes nothing");
	REQUIRE(is_there(&subject, &world), "a dry run of schema.drop drops");
	subject_need(&subject, drop(&subject, &world, 0), "schema.drop");
	consort_buffer_reset(&script);
	subject_need(&subject, CALL(&subject, schema, define, world.resource, CONSORT_SCHEMA_DRY_RUN, &sink),
		     "a dry run of schema.define");
	REQUIRE(script.size && consort_utf8_valid(script.data, script.size, NULL),
		"a dry run of schema.define writes nothing");
	REQUIRE(!is_there(&subject, &world), "a dry run of schema.define defines");
	world_end(&world, &subject);
}

/* The same resource under another name, with a unique index on an attribute that is no key. */
static struct consort_resource *with_index(struct world *world, uint32_t attribute)
{
	struct consort_resource *copy = STRUCT(struct consort_resource);
	struct consort_index *index = STRUCT(struct consort_index);
	const struct consort_index **indexes = conform_frozen(sizeof(*indexes));
	uint32_t *attributes = conform_frozen(sizeof(*attributes));

	*copy = *world->resource;
	copy->source = copy->name = world_table(world);
	attributes[0] = attribute;
	index->flags = CONSORT_INDEX_UNIQUE;
	index->name = "";
	index->attributes = attributes;
	index->nattributes = 1;
	indexes[0] = index;
	copy->indexes = indexes;
	copy->nindexes = 1;
	return copy;
}

static void test_indexes(struct conform *conform)
{
	struct writing writing = {0};
	struct consort_resource *resource;
	struct consort_value *row;
	struct subject subject;
	struct world world;
	uint32_t attribute, status;

	world_begin(&world, &subject, conform);
	for (attribute = 0; attribute < world.resource->nattributes; attribute++)
		if (!world_is_key(&world, attribute) &&
		    world.resource->attributes[attribute]->type.id == CONSORT_TYPE_INT64)
			break;
	if (!world.made || attribute == world.resource->nattributes)
		conform_skip("there is no resource of our own with an integer to be indexed");
	resource = with_index(&world, attribute);
	row = conform_frozen((resource->nattributes + 1) * sizeof(*row));
	status = CALL(&subject, schema, define, resource, 0, NULL);
	if (status == CONSORT_EUNSUPPORTED) {
		world_end(&world, &subject);
		return;
	}
	subject_need(&subject, status, "schema.define with an index");
	world_row(&world, 0, row);
	subject_need(&subject,
		     subject_write(&subject, subject.plugin->write->insert, resource, &writing, row, 1),
		     "write.insert into what has an index");
	world_row(&world, 3, row); /* another key, and the same values */
	EXPECT(subject_write(&subject, subject.plugin->write->insert, resource, &writing, row, 1),
	       ECONSTRAINT, "a second record of one value under a unique index");
	subject_need(&subject, CALL(&subject, schema, drop, resource, 0, NULL),
		     "schema.drop of what has an index");
	world_end(&world, &subject);
}

/* --- the engine's own language --- */

static uint32_t run_native(struct subject *subject, const char *text, struct reading *reading)
{
	const struct consort_field *const *fields = NULL;
	struct consort_run *run = STRUCT(struct consort_run);
	struct consort_type *types;
	uint32_t nfields = 0, status, i;
	int64_t affected = 0;

	memset(reading, 0, sizeof(*reading));
	status = CALL(subject, native, open, text, run, &reading->cursor, &fields, &nfields, &affected);
	if (status)
		return status;
	types = conform_frozen((nfields + 1) * sizeof(*types));
	for (i = 0; i < nfields; i++) {
		REQUIRE(fields[i]->name, "a column of a native statement has no name");
		types[i] = fields[i]->type;
	}
	reading->batch = conform_batch(types, nfields, 256);
	return CONSORT_OK;
}

static void test_native(struct conform *conform)
{
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	struct subject subject;
	struct reading reading;
	uint32_t status;

	subject_open(&subject, conform);
	status = run_native(&subject, "conform: no language has \x01 such a statement", &reading);
	REQUIRE(status == CONSORT_ESYNTAX || status == CONSORT_EENGINE || status == CONSORT_ENAME ||
			status == CONSORT_EINVAL || status == CONSORT_EUNSUPPORTED,
		"a native statement that is none answers status %u", status);
	REQUIRE(subject.error->message[0], "a native statement that is none is refused without a word");
	subject_need(&subject, CALL(&subject, connection, ping),
		     "ping after a native statement that was refused");
	if (conform->native) {
		subject_need(&subject, run_native(&subject, conform->native, &reading), conform->native);
		subject_need(&subject, subject_collect(&subject, &reading, &lines),
			     "reading a native statement's rows");
		REQUIRE(lines.size, "'%s' gives no rows", conform->native);
		subject.plugin->query->close(reading.cursor);
	}
	subject_close(&subject);
}

const struct conform_test conform_schema_tests[] = {
	TEST("introspect-all", test_introspect, INTROSPECT, 0, 0,
	     "Introspection tells resources with their attributes, types and keys."),
	TEST("introspect-one", test_one, INTROSPECT, 0, 0, "Introspection of a source tells that one alone."),
	TEST("introspect-unknown", test_unknown, INTROSPECT, 0, 0,
	     "Introspection of what is not there is ENOTFOUND."),
	TEST("introspect-sink", test_sink, INTROSPECT, 0, 0,
	     "A status from the sink ends the introspection, and is what it answers."),
	TEST("define-told", test_told, DEFINE, NEED_FEATURE(INTROSPECT), 0,
	     "What is defined is told by introspection: the key, and each attribute."),
	TEST("define-again", test_define, DEFINE, 0, 0,
	     "Defining what is there is ECONFLICT, unless it is only if needed."),
	TEST("define-dry", test_dry, DEFINE, 0, 0, "A dry run writes what would be run, and runs nothing."),
	TEST("define-indexes", test_indexes, INDEXES, NEED_FEATURE(CREATE), 0,
	     "A unique index that is defined is kept, and one that cannot be is EUNSUPPORTED."),
	TEST("drop-missing", test_drop, DEFINE, 0, 0,
	     "Dropping what is not there is ENOTFOUND, unless it is only if needed."),
	TEST("native-refused", test_native, NATIVE, 0, 0,
	     "A native statement that the engine refuses is an error, and the connection goes on."),
	CONFORM_END,
};
