/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file adapter's allocations: any of them may fail, and steady reading makes none. The adapter is linked
 * in, with --wrap, so that its allocations and those of the SDK library come to the functions below.
 */
#include <consort/plugin.h>

#include "exec/exec.h"
#include "loader/loader.h"
#include "testing.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static long allocations_left = -1; /* negative: no bound */
static long allocations;

static bool fails(void)
{
	allocations++;
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

/* --- a host that holds a database, and a scan of four columns --- */

static struct consort_attribute attributes[] = {
	{sizeof(attributes[0]), 0, {CONSORT_TYPE_INT64, 0, 0, 0, 0}, "id", "id", "", ""},
	{sizeof(attributes[0]), 0, {CONSORT_TYPE_TEXT, 0, 0, 0, 0}, "name", "name", "", ""},
	{sizeof(attributes[0]),
	 CONSORT_ATTRIBUTE_DECLARED,
	 {CONSORT_TYPE_JSON, 0, 0, 0, 0},
	 "doc",
	 "doc",
	 "",
	 ""},
	{sizeof(attributes[0]), 0, {CONSORT_TYPE_FLOAT64, 0, 0, 0, 0}, "x", "x", "", ""},
};
static const struct consort_attribute *const attribute_list[] = {&attributes[0], &attributes[1],
								 &attributes[2], &attributes[3]};
static const uint32_t positions[] = {0, 1, 2, 3};
static struct consort_resource resource = {
	.struct_size = sizeof(resource), .name = "thing", .nattributes = 4, .attributes = attribute_list};
static const struct consort_node node = {.struct_size = sizeof(node),
					 .kind = CONSORT_NODE_SCAN,
					 .resource = &resource,
					 .nattributes = 4,
					 .attributes = positions};
static const struct consort_call call = {.struct_size = sizeof(call)};
static struct consort_batch *batch;

static void make_batch(void)
{
	struct consort_type types[4];
	int i;

	for (i = 0; i < 4; i++)
		types[i] = attributes[i].type;
	batch = consort_batch_new(types, 4, 100, (uint64_t)1 << 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
}

static uint32_t ignore(void *context, const struct consort_resource *found)
{
	(void)context;
	CU_ASSERT_EQUAL(found->nattributes, 4);
	return CONSORT_OK;
}

/* Reads all; *out_steady: allocations after the first batch. */
static uint32_t read_all(const struct consort_plugin *plugin, void *connection, int64_t *out_rows,
			 long *out_steady, struct consort_error *error)
{
	struct consort_run run = {.struct_size = sizeof(run)};
	struct consort_statement statement = {.struct_size = sizeof(statement), .root = &node};
	void *compiled = NULL, *cursor = NULL;
	uint32_t status = plugin->query->compile(NULL, &statement, &compiled, error);
	long before = -1;

	*out_rows = 0;
	if (!status)
		status = plugin->query->open(connection, &call, compiled, &run, &cursor, error);
	while (!status) {
		status = consort_batch_reset(batch);
		if (status) {
			consort_error_no_memory(error);
			break;
		}
		status = plugin->query->next(cursor, &call, batch, error);
		*out_rows += batch->nrows;
		if (before < 0)
			before = allocations;
		if (batch->flags & CONSORT_BATCH_LAST)
			break;
	}
	*out_steady = allocations - before;
	if (cursor)
		plugin->query->close(cursor);
	if (compiled)
		plugin->query->compiled_free(NULL, compiled);
	return status;
}

/* Everything from the host to the last row. */
static uint32_t run_all(int64_t *out_rows, long *out_steady, struct consort_error *error)
{
	const struct consort_plugin *plugin = consort_plugin_entry_v1();
	struct consort_setting path = {"path", consort_text(testing_folder())};
	struct consort_database_config config = {sizeof(config), 1, "drop", &path};
	struct consort_resource_sink sink = {NULL, ignore};
	void *context = NULL, *database = NULL, *connection = NULL;
	uint32_t status = plugin->init(consort_host_services(), &context, error);

	if (!status)
		status = plugin->database->open(context, &config, &database, error);
	if (!status)
		status = plugin->connection->open(database, &call, &connection, error);
	if (!status)
		status =
			plugin->schema->introspect(connection, &call, resource.source, NULL, 0, &sink, error);
	if (!status)
		status = read_all(plugin, connection, out_rows, out_steady, error);
	if (connection)
		plugin->connection->close(connection, &call);
	if (database)
		plugin->database->close(database);
	return status;
}

/* Fails the first allocation, then the second, and so on until none is left to fail. */
static void sweep(const char *name, const char *text, int64_t expected)
{
	struct consort_error error;
	int64_t rows = 0;
	long steady, bound;
	uint32_t status;

	testing_write(name, text);
	resource.source = name;
	make_batch();
	for (bound = 0; bound < 2000; bound++) {
		memset(&error, 0, sizeof(error));
		allocations_left = bound;
		status = run_all(&rows, &steady, &error);
		if (allocations_left >= 0)
			break;
		CU_ASSERT_EQUAL(status, CONSORT_ENOMEM);
		CU_ASSERT_EQUAL(error.status, status);
		TESTING_CONTAINS(error.message, "out of memory");
	}
	allocations_left = -1;
	CU_ASSERT_TRUE(bound > 20 && bound < 2000);
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	CU_ASSERT_EQUAL(rows, expected);
	consort_batch_free(batch);
}

static void test_csv(void)
{
	sweep("case.csv", "id,name,doc,x\n1,\"a \"\"b\"\"\nc\",\"{ \"\"d\"\": [1] }\",1\n2,,,2.5\n", 2);
}

static void test_jsonl(void)
{
	sweep("case.jsonl", "{\"id\":1,\"name\":\"a\\nb\",\"doc\":{\"d\":[1]},\"x\":1}\n{\"x\":2.5}\n", 2);
}

/* Ten thousand records more cost no allocation more. */
static void steady(const char *name, const char *header, const char *record)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	int64_t rows = 0;
	long count = -1;
	int i;

	consort_buffer_text(&text, header);
	for (i = 0; i < 10000; i++)
		consort_buffer_text(&text, record);
	CU_ASSERT_FALSE_FATAL(text.failed);
	testing_write(name, text.data);
	consort_buffer_clear(&text);
	resource.source = name;
	make_batch();
	CU_ASSERT_EQUAL(run_all(&rows, &count, &error), CONSORT_OK);
	TESTING_TEXT(error.message, "");
	CU_ASSERT_EQUAL(rows, 10000);
	CU_ASSERT_EQUAL(count, 0);
	consort_batch_free(batch);
}

static void test_steady(void)
{
	steady("plain.csv", "id,name,doc,x\n", "17,a name of some length,[],2.5\n");
	steady("quoted.csv", "id,name,doc,x\n", "17,\"a \"\"name\"\"\nof some length\",{},2.5\n");
	steady("case.jsonl", "",
	       "{\"id\":17,\"name\":\"a name of some length\",\"doc\":{\"d\":[1]},\"x\":2.5}\n");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"csv", test_csv}, {"jsonl", test_jsonl}, {"steady", test_steady}, {NULL, NULL}};

	return testing_main("file-memory", cases, argc, argv);
}
