/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue while what it introspects is defined anew: a connection whose adapter tells one shape after
 * the other, and lets a define come between its answer and the catalogue. And what it makes of what was
 * found.
 */
#include "resources/resources.h"
#include "testing.h"

static struct consort_catalog catalog;
static struct consort_database database;
static struct consort_connection connection;
static uint32_t asked;	 /* introspections so far */
static uint32_t defines; /* how many of them a define overtakes */

static const struct consort_attribute id = {.struct_size = sizeof(id),
					    .type = {.id = CONSORT_TYPE_INT64},
					    .name = "id",
					    .source = "id",
					    .engine_type = "",
					    .codec = ""},
				      text = {.struct_size = sizeof(text),
					      .type = {.id = CONSORT_TYPE_TEXT},
					      .name = "s",
					      .source = "s",
					      .engine_type = "",
					      .codec = ""};

/* Table "old" with one attribute until the last define, then "new" with two. */
static uint32_t introspect(void *context, const struct consort_call *call, const char *source,
			   const struct consort_setting *settings, uint32_t nsettings,
			   const struct consort_resource_sink *sink, struct consort_error *error)
{
	static const struct consort_attribute *const attributes[] = {&id, &text};
	bool is_new = asked++ >= defines;
	const struct consort_resource resource = {.struct_size = sizeof(resource),
						  .name = is_new ? "new" : "old",
						  .source = is_new ? "new" : "old",
						  .nattributes = is_new ? 2 : 1,
						  .attributes = attributes};

	(void)context, (void)call, (void)settings, (void)nsettings, (void)error;
	CU_ASSERT_EQUAL(sink->resource(sink->context, &resource), CONSORT_OK);
	if (!is_new)
		consort_catalog_forget(&catalog, &database);
	(void)source;
	return CONSORT_OK;
}

static enum consort_status acquire(struct consort_session *session, struct consort_database *wanted,
				   struct consort_connection **out_connection, struct consort_error *error)
{
	(void)session, (void)error;
	CU_ASSERT_PTR_EQUAL(wanted, &database);
	*out_connection = &connection;
	return CONSORT_OK;
}

static void release(struct consort_session *session, struct consort_connection *given)
{
	(void)session, (void)given;
}

static const struct consort_call call = {.struct_size = sizeof(call)};
static struct consort_session session = {acquire, release, &call};

static void access_free(struct consort_access *access)
{
	CU_ASSERT_PTR_NULL(access);
}

static void begin(uint32_t overtaken)
{
	static const struct consort_schema_ops schema = {.struct_size = sizeof(schema),
							 .introspect = introspect};
	static const struct consort_plugin plugin = {
		.struct_size = sizeof(plugin), .id = "test", .schema = &schema};
	static struct consort_manifest manifest;
	static struct consort_database *databases[] = {&database};
	struct consort_error error = CONSORT_ERROR_INIT;

	asked = 0;
	defines = overtaken;
	database.name = "db";
	database.plugin = &plugin;
	database.expose_all = true;
	database.effective.word[0] = CONSORT_FEATURE_BIT(CONSORT_FEATURE_INTROSPECT);
	connection.database = &database;
	consort_catalog_prepare(&catalog);
	catalog.manifest = &manifest;
	catalog.databases = databases;
	catalog.ndatabases = 1;
	catalog.access_free = access_free;
	CU_ASSERT_TRUE(consort_map_put(&catalog.databases_by_name, "db", &database));
	CU_ASSERT_EQUAL(consort_catalog_init(&catalog, &error), CONSORT_OK);
}

/* The list that a define overtook is not taken: the database is asked until none did. */
static void test_list(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_entry *entry = NULL;

	begin(3);
	CU_ASSERT_EQUAL(consort_catalog_find(&catalog, &session, "db.new", &entry, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(asked, 4);
	TESTING_TEXT(entry->name, "db.new");
	CU_ASSERT_EQUAL(consort_catalog_find(&catalog, &session, "db.old", &entry, &error), CONSORT_ENAME);
	TESTING_TEXT(entry->name, "db.new");
	consort_catalog_clear(&catalog);
}

/* Nor is a description: it would be the resource's until the next define. */
static void test_describe(void)
{
	const struct consort_resource *resource = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_entry *entry = NULL;

	begin(0);
	CU_ASSERT_EQUAL(consort_catalog_find(&catalog, &session, "db.new", &entry, &error), CONSORT_OK);
	asked = 0;
	defines = 2;
	CU_ASSERT_EQUAL(consort_catalog_describe(&catalog, &session, entry, &resource, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(asked, 3);
	CU_ASSERT_EQUAL(resource->nattributes, 2);
	/* and that is kept */
	CU_ASSERT_EQUAL(consort_catalog_describe(&catalog, &session, entry, &resource, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(asked, 3);
	CU_ASSERT_EQUAL(resource->nattributes, 2);
	consort_catalog_clear(&catalog);
}

/* What introspection hides is no attribute; keys and indexes go with those that are left. */
static void test_hidden(void)
{
	static const struct consort_attribute number = {.struct_size = sizeof(number),
							.flags = CONSORT_ATTRIBUTE_HIDDEN,
							.type = {.id = CONSORT_TYPE_INT64},
							.name = "number",
							.source = "number",
							.engine_type = "",
							.codec = ""};
	static const struct consort_attribute *const attributes[] = {&text, &number, &id};
	static const uint32_t positions[] = {2, 0, 1};
	static const struct consort_index both = {.struct_size = sizeof(both),
						  .name = "both",
						  .nattributes = 2,
						  .attributes = positions},
					  odd = {.struct_size = sizeof(odd),
						 .name = "odd",
						 .nattributes = 3,
						 .attributes = positions};
	static const struct consort_index *const indexes[] = {&odd, &both};
	static const struct consort_resource found = {.struct_size = sizeof(found),
						      .nattributes = 3,
						      .nkeys = 1,
						      .attributes = attributes,
						      .keys = positions,
						      .nindexes = 2,
						      .indexes = indexes};
	const struct consort_resource *resource = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_entry *entry = NULL;

	begin(0);
	CU_ASSERT_EQUAL(consort_catalog_find(&catalog, &session, "db.new", &entry, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_resource_merge(&catalog, entry, &found, false, &resource, &error),
			CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(resource->nattributes, 2);
	CU_ASSERT_EQUAL_FATAL(resource->nkeys, 1);
	TESTING_TEXT(resource->attributes[resource->keys[0]]->name, "id");
	CU_ASSERT_EQUAL_FATAL(resource->nindexes, 1);
	TESTING_TEXT(resource->indexes[0]->name, "both");
	CU_ASSERT_EQUAL(resource->indexes[0]->attributes[0], 1);
	CU_ASSERT_EQUAL(resource->indexes[0]->attributes[1], 0);
	consort_catalog_clear(&catalog);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"list", test_list}, {"describe", test_describe}, {"hidden", test_hidden}, {NULL, NULL}};

	return testing_main("catalog", cases, argc, argv);
}
