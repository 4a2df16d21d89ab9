/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any allocation may fail: the adapter's own and SQLite's are made to, one after the other, while everything
 * is done once. Each time the answer is "out of memory", or right because SQLite did without; nothing leaks,
 * nothing crashes, nothing half done stays. And steady reading makes no allocation. The adapter is linked in
 * with --wrap.
 */
#include "sqlite-adapter.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* --- SQLite's allocations --- */

static sqlite3_mem_methods own;

static void *lite_malloc(int size)
{
	return fails() ? NULL : own.xMalloc(size);
}

static void *lite_realloc(void *memory, int size)
{
	return fails() ? NULL : own.xRealloc(memory, size);
}

static void take_over_sqlite(void)
{
	sqlite3_mem_methods methods;

	CU_ASSERT_EQUAL_FATAL(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own), SQLITE_OK);
	methods = own;
	methods.xMalloc = lite_malloc;
	methods.xRealloc = lite_realloc;
	CU_ASSERT_EQUAL_FATAL(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_initialize(), SQLITE_OK);
}

/* --- everything once --- */

static struct adapter_test test;
static const struct consort_node *tree;
static struct consort_resource *resource;
static struct consort_batch *rows, *batch, *returned;
static void *connection;
static const char *path;

static uint32_t ignore(void *context, const struct consort_resource *found)
{
	(void)context;
	(void)found;
	return CONSORT_OK;
}

static uint32_t read_some(void)
{
	struct consort_value values[] = {consort_text("a")};
	struct consort_run run = {.struct_size = sizeof(run), .nparameters = 1, .parameters = values};
	struct consort_type types[] = {{.id = CONSORT_TYPE_TEXT}};
	struct consort_statement statement = {.struct_size = sizeof(statement),
					      .id = 77,
					      .root = tree,
					      .nparameters = 1,
					      .parameters = types};
	const struct consort_query_ops *query = test.plugin->query;
	void *compiled = NULL, *cursor = NULL;
	uint32_t status = query->compile(test.database, &statement, &compiled, &test.error);

	if (!status)
		status = query->open(connection, &test.call, compiled, &run, &cursor, &test.error);
	consort_batch_reset(batch);
	batch->max_rows = 1;
	if (!status)
		status = query->next(cursor, &test.call, batch, &test.error);
	/* a write, which puts the rest of the cursor aside */
	if (!status) {
		struct consort_write_result result = {.struct_size = sizeof(result), .returned = returned};
		struct consort_write write = {.struct_size = sizeof(write),
					      .id = 78,
					      .resource = resource,
					      .nattributes = 3,
					      .attributes = (const uint32_t[]){0, 1, 2},
					      .nreturning = 1,
					      .returning = (const uint32_t[]){1}};

		consort_batch_reset(returned);
		status = test.plugin->write->upsert(connection, &test.call, &write, rows, &result,
						    &test.error);
		if (!status)
			CU_ASSERT_EQUAL(result.affected, 2);
	}
	consort_batch_reset(batch);
	batch->max_rows = 100;
	if (!status)
		status = query->next(cursor, &test.call, batch, &test.error);
	if (!status)
		CU_ASSERT_EQUAL(batch->nrows, 2);
	if (cursor)
		query->close(cursor);
	if (compiled)
		query->compiled_free(test.database, compiled);
	return status;
}

static uint32_t run_native(void)
{
	struct consort_value values[] = {consort_int64(2)};
	struct consort_run run = {.struct_size = sizeof(run), .nparameters = 1, .parameters = values};
	const struct consort_field *const *fields;
	void *cursor = NULL;
	uint32_t nfields, status;
	int64_t affected;

	status = test.plugin->native->open(connection, &test.call,
					   "SELECT count(*), 'x' FROM item WHERE id < $1", &run, &cursor,
					   &fields, &nfields, &affected, &test.error);
	if (!status)
		test.plugin->query->close(cursor);
	return status;
}

static uint32_t run_all(void)
{
	struct consort_setting settings[] = {{"path", consort_text(path)},
					     {"synchronous", consort_text("off")}};
	struct consort_database_config config = {sizeof(config), 2, "local", settings};
	struct consort_transaction_options options = {.struct_size = sizeof(options)};
	struct consort_resource_sink sink = {NULL, ignore};
	uint32_t status;

	connection = NULL;
	test.database = NULL;
	status = test.plugin->database->open(test.context, &config, &test.database, &test.error);
	if (!status)
		status = test.plugin->connection->open(test.database, &test.call, &connection, &test.error);
	if (!status)
		status = test.plugin->schema->introspect(connection, &test.call, NULL, NULL, 0, &sink,
							 &test.error);
	if (!status)
		status = test.plugin->transaction->begin(connection, &test.call, &options, &test.error);
	if (!status)
		status = read_some();
	if (!status)
		status = run_native();
	if (!status)
		status = test.plugin->transaction->commit(connection, &test.call, &test.error);
	if (connection)
		test.plugin->connection->close(connection, &test.call);
	if (test.database)
		test.plugin->database->close(test.database);
	return status;
}

static void prepare(void)
{
	struct consort_type types[] = {
		{.id = CONSORT_TYPE_INT64}, {.id = CONSORT_TYPE_TEXT}, {.id = CONSORT_TYPE_DATE}};
	struct consort_value values[] = {consort_int64(1), consort_text("new"),	 consort_date(1),
					 consort_int64(9), consort_text("nine"), consort_null()};
	struct consort_logical logical;
	struct consort_node *root;

	take_over_sqlite();
	path = sqlite_test_path();
	sqlite_test_open(&test,
			 "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, day DATE, j JSON);"
			 "INSERT INTO item VALUES(1, 'a', '2024-01-01', '{\"a\": 1}'), (2, 'b', NULL, '[]'), "
			 "(3, 'c', NULL, NULL)",
			 NULL);
	resource = adapter_resource(&test, "item", NULL);
	root = adapter_tree(&test,
			    (struct adapter_query){.resource = "item",
						   .select = "id, name, day, j",
						   .where = "name >= $1 and day is null or id < 5",
						   .order = "name"},
			    &logical);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	tree = root;
	batch = consort_batch_for_fields(root->fields, root->nfields, 100);
	rows = consort_batch_new(types, 3, 2, 1 << 20);
	returned = consort_batch_new(types + 1, 1, 2, 1 << 20);
	consort_batch_append_row(rows, values);
	consort_batch_append_row(rows, values + 3);
	test.plugin->connection->close(test.connection, &test.call);
	test.plugin->database->close(test.database);
}

static void finish(void)
{
	consort_batch_free(batch);
	consort_batch_free(rows);
	consort_batch_free(returned);
	consort_buffer_clear(&test.text);
	consort_arena_clear(&test.arena);
}

static void test_sweep(void)
{
	long bound, failed = 0;
	uint32_t status = CONSORT_OK;

	prepare();
	for (bound = 0; bound < 20000; bound++) {
		sqlite_test_raw(
			"DELETE FROM item; INSERT INTO item(id, name) VALUES(1, 'a'), (2, 'b'), (3, 'c')");
		memset(&test.error, 0, sizeof(test.error));
		allocations_left = bound;
		status = run_all();
		if (allocations_left >= 0)
			break;
		allocations_left = -1;
		failed += status != CONSORT_OK;
		if (status && status != CONSORT_ENOMEM) {
			fprintf(stderr, "allocation %ld: status %u: %s\n", bound, status, test.error.message);
			CU_FAIL("running out of memory is told as such");
			break;
		}
		/* all of the write or nothing */
		TESTING_TEXT(
			sqlite_test_raw(
				"SELECT group_concat(name, '') FROM (SELECT name FROM item ORDER BY id)"),
			status ? "abc" : "newbcnine");
		if (CU_get_number_of_failures())
			break;
	}
	allocations_left = -1;
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	CU_ASSERT_TRUE(failed > 300);
	CU_ASSERT_TRUE(bound < 20000);
	finish();
}

/* Ten thousand rows more cost no allocation more. */
static void test_steady(void)
{
	struct adapter_cursor cursor;
	int64_t total = 0;
	long before = -1;

	take_over_sqlite();
	sqlite_test_open(
		&test,
		"CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, day DATE, x REAL, u UUID, at DATETIME);"
		"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 20000) INSERT INTO "
		"item SELECT i,"
		" 'name ' || (i + 1000000), '2024-01-01', i / 2.0, '550e8400-e29b-41d4-a716-446655440000',"
		" '2024-01-01 10:00:00' FROM g",
		NULL);
	CU_ASSERT_EQUAL(adapter_begin(&test, (struct adapter_query){.resource = "item"}, &cursor),
			CONSORT_OK);
	do {
		consort_batch_reset(cursor.batch);
		CU_ASSERT_EQUAL_FATAL(
			test.plugin->query->next(cursor.cursor, &test.call, cursor.batch, &test.error),
			CONSORT_OK);
		total += cursor.batch->nrows;
		if (total == 10000)
			before = allocations;
	} while (!(cursor.batch->flags & CONSORT_BATCH_LAST));
	CU_ASSERT_EQUAL(total, 20000);
	/* SQLite reads its pages into new memory until its cache is full */
	CU_ASSERT_TRUE(allocations - before < 10000 / 25);
	adapter_end(&test, &cursor);
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"sweep", test_sweep}, {"steady", test_steady}, {NULL, NULL}};

	return testing_main("sqlite-memory", cases, argc, argv);
}
