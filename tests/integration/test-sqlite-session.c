/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: locks, deadlines, cancel, native statements, threads. */
#include "sqlite-adapter.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct adapter_test test;

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t milliseconds_since(int64_t start)
{
	return (now() - start) / 1000000;
}

/* Runs for ever. */
#define FOR_EVER "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g) SELECT count(*) FROM g"

/* --- locks --- */

static void *lock_holder(void)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(sqlite_test_path(), &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void test_locked(void)
{
	int64_t start;
	sqlite3 *db;

	sqlite_test_open(&test, "CREATE TABLE x(a)", (const char *const[]){"busy_timeout=100ms", NULL});
	db = lock_holder();
	start = now();
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_ECONFLICT);
	CU_ASSERT(milliseconds_since(start) >= 95);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_CONTAINS(test.error.message, "is locked by another writer");
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT a FROM x"), CONSORT_OK);
	/* the call's deadline comes first */
	test.call.deadline = now() + 20000000;
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_ETIMEOUT);
	test.call.deadline = 0;
	sqlite3_close(db);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_OK);
	adapter_close(&test);
}

static void *unlock_soon(void *db)
{
	usleep(50000);
	sqlite3_close(db);
	return NULL;
}

/* A writer waits for another. */
static void test_wait(void)
{
	pthread_t thread;

	sqlite_test_open(&test, "CREATE TABLE x(a)", NULL);
	pthread_create(&thread, NULL, unlock_soon, lock_holder());
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_OK);
	pthread_join(thread, NULL);
	adapter_close(&test);
}

/* --- ending calls --- */

static void test_deadline(void)
{
	sqlite_test_open(&test, NULL, NULL);
	test.call.deadline = now() + 30000000;
	CU_ASSERT_EQUAL(adapter_do(&test, FOR_EVER), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_ETIMEOUT); /* it has passed */
	test.call.deadline = now() + 10000000000;
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_OK);
	adapter_close(&test);
}

static void *cancel_soon(void *token)
{
	usleep(30000);
	if (token)
		__atomic_store_n((uint32_t *)token, 1, __ATOMIC_RELAXED);
	else
		test.plugin->connection->cancel(test.connection);
	return NULL;
}

static void test_cancel(void)
{
	uint32_t token = 0;
	pthread_t thread;

	sqlite_test_open(&test, NULL, NULL);
	pthread_create(&thread, NULL, cancel_soon, NULL);
	CU_ASSERT_EQUAL(adapter_do(&test, FOR_EVER), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_ECANCELLED); /* until it is reset */
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_OK);
	/* one that comes when nothing runs does not hit what comes after the reset */
	test.plugin->connection->cancel(test.connection);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_OK);

	test.call.cancelled = &token;
	pthread_create(&thread, NULL, cancel_soon, &token);
	CU_ASSERT_EQUAL(adapter_do(&test, FOR_EVER), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_ECANCELLED);
	token = 0;
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_OK);
	adapter_close(&test);
}

/* While waiting for a lock, too. */
static void test_cancel_waiting(void)
{
	pthread_t thread;
	sqlite3 *db;

	sqlite_test_open(&test, "CREATE TABLE x(a)", NULL);
	db = lock_holder();
	pthread_create(&thread, NULL, cancel_soon, NULL);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	sqlite3_close(db);
	adapter_close(&test);
}

static void test_unknown_flags(void)
{
	sqlite_test_open(&test, NULL, NULL);
	test.call.flags = CONSORT_CALL_NONBLOCK;
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_EUNSUPPORTED);
	test.call.flags = 0;
	CU_ASSERT_EQUAL(test.plugin->connection->ping(test.connection, &test.call, &test.error), CONSORT_OK);
	adapter_close(&test);
}

/* A mess, and the connection as new. */
static void test_reset(void)
{
	struct consort_transaction_options options = {.struct_size = sizeof(options),
						      .flags = CONSORT_TRANSACTION_READ_ONLY};

	sqlite_test_open(&test, "CREATE TABLE x(a)", NULL);
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(1)"), CONSORT_OK);
	options.flags = 0;
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(2)"), CONSORT_OK);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	TESTING_TEXT(sqlite_test_raw("SELECT count(*) FROM x"), "1");
	adapter_close(&test);
}

/* --- native statements --- */

static void test_native(void)
{
	struct consort_args args = CONSORT_ARGS(consort_int64(7), consort_text("x"), consort_bool(1));
	int64_t affected = 77;

	sqlite_test_open(&test,
			 "CREATE TABLE x(id INTEGER PRIMARY KEY, t TEXT, at DATETIME);"
			 "INSERT INTO x VALUES(1, 'a', '2024-01-01 00:00:00'), (2, NULL, NULL)",
			 NULL);
	CU_ASSERT_EQUAL(
		adapter_do(&test,
			   "SELECT id, t, at, id * 1.5, count(*) OVER () AS n, NULL FROM x;  -- and no more"),
		CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "1|a|2024-01-01T00:00:00Z|1.5|2|NULL\n2|NULL|NULL|3.0|2|NULL\n");
	CU_ASSERT_EQUAL(adapter_native(&test, "SELECT $2, $1, ?3, ?", args, &affected), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(adapter_native(&test, "SELECT $2, $1, $1 + 1, typeof(?3)", args, &affected),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "x|7|8|integer\n");
	args.count = 2;
	CU_ASSERT_EQUAL(adapter_native(&test, "UPDATE x SET t = $2 WHERE id < $1", args, &affected),
			CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 2);
	CU_ASSERT_EQUAL(adapter_native(&test, "CREATE TABLE y(a)", CONSORT_NO_ARGS, &affected), CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 0);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x(t) VALUES('new') RETURNING id, t"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "3|new\n");
	CU_ASSERT_EQUAL(adapter_do(&test, "PRAGMA table_info(y)"), CONSORT_OK);
	adapter_close(&test);
}

/* A statement that writes and returns rows has written when it is open, whatever is read of it. */
static void test_native_returning(void)
{
	struct consort_run run = {.struct_size = sizeof(run)};
	const struct consort_field *const *fields;
	uint32_t nfields;
	int64_t affected;
	void *cursor = NULL;

	sqlite_test_open(&test, "CREATE TABLE x(id INTEGER PRIMARY KEY)", NULL);
	CU_ASSERT_EQUAL(test.plugin->native->open(test.connection, &test.call,
						  "INSERT INTO x VALUES(1), (2), (3) RETURNING id", &run,
						  &cursor, &fields, &nfields, &affected, &test.error),
			CONSORT_OK);
	TESTING_TEXT(sqlite_test_raw("INSERT INTO x VALUES(4); SELECT count(*) FROM x"), "4");
	test.plugin->query->close(cursor);
	adapter_close(&test);
}

static void test_native_refused(void)
{
	static const struct {
		const char *sql, *message;
		uint32_t status;
	} cases[] = {
		{"SELECT 1; SELECT 2", "only one statement", CONSORT_ESYNTAX},
		{"SELECT 1; nonsense", "only one statement", CONSORT_ESYNTAX},
		{"", "no statement", CONSORT_ESYNTAX},
		{" -- nothing", "no statement", CONSORT_ESYNTAX},
		{"SELECT :name", "':name'", CONSORT_ENAME},
		{"SELECT $1", "parameter $1 is missing", CONSORT_EINVAL},
		{"BEGIN", "through Consort", CONSORT_EUNSUPPORTED},
		{"ROLLBACK", "through Consort", CONSORT_EUNSUPPORTED},
		{"SAVEPOINT a", "through Consort", CONSORT_EUNSUPPORTED},
		{"PRAGMA foreign_keys = 0", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"ATTACH 'x' AS y", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"CREATE TEMP TABLE x(a)", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"SELEC 1", "syntax error", CONSORT_ESYNTAX},
		{"SELECT a FROM nowhere", "no such table", CONSORT_ENAME},
		{"SELECT \"text\"", "no such column", CONSORT_ENAME},
		{"SELECT 1 UNION ALL SELECT 2.5", "which is not an integer", CONSORT_ETYPE},
		{"SELECT x'00' UNION ALL SELECT 'a'", "which is not bytes", CONSORT_ETYPE},
	};
	const struct consort_args two = CONSORT_ARGS(consort_int64(7), consort_int64(8));
	int64_t affected = 0;
	size_t i;

	sqlite_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL(adapter_do(&test, cases[i].sql), cases[i].status);
		TESTING_CONTAINS(test.error.message, cases[i].message);
	}
	CU_ASSERT_EQUAL(adapter_native(&test, "SELECT $1", two, &affected), CONSORT_EINVAL);
	TESTING_TEXT(test.error.message, "the statement takes 1 parameter, but 2 were given");
	CU_ASSERT_EQUAL(adapter_native(&test, "SELECT 1", two, &affected), CONSORT_EINVAL);
	TESTING_TEXT(test.error.message, "the statement takes 0 parameters, but 2 were given");
	CU_ASSERT_EQUAL(adapter_native(&test, "SELECT ?2", two, &affected), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "8\n");
	/* what no conversion changes is no error */
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT NULL UNION ALL SELECT 7 UNION ALL SELECT 'x'"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "NULL\n7\nx\n");
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1.5 UNION ALL SELECT 7"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "1.5\n7.0\n");
	adapter_close(&test);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS 50

/* A connection of its own, over the same database: offers, compiles, reads and writes. */
static void *work(void *number)
{
	struct consort_logical logical;
	const struct consort_node *root;
	struct adapter_test own = test;
	struct adapter_cursor cursor;
	int64_t rows, affected;
	char sql[64];
	int i;

	own.connection = NULL;
	memset(&own.text, 0, sizeof(own.text));
	consort_arena_init(&own.arena, 0);
	own.nresources = 0;
	if (own.plugin->connection->open(own.database, &own.call, &own.connection, &own.error))
		return "open";
	root = adapter_tree(
		&own,
		(struct adapter_query){.resource = "x", .select = "id, t", .where = "id > 0 and t = 'a'"},
		&logical);
	for (i = 0; i < ROUNDS; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO x VALUES(%d, 'a')", *(int *)number * 1000 + i);
		if (adapter_native(&own, sql, CONSORT_NO_ARGS, &affected) ||
		    adapter_begin_tree(&own, root, CONSORT_NO_ARGS, NULL, &cursor) ||
		    adapter_next_text(&own, &cursor, &rows) || rows < i)
			return "round";
		adapter_end(&own, &cursor);
	}
	own.plugin->connection->close(own.connection, &own.call);
	consort_buffer_clear(&own.text);
	consort_arena_clear(&own.arena);
	return NULL;
}

static void threads(const char *path)
{
	int numbers[THREADS], i;
	pthread_t ids[THREADS];
	void *failed;

	CU_ASSERT_EQUAL_FATAL(sqlite_test_try(&test, path, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "CREATE TABLE x(id INTEGER PRIMARY KEY, t TEXT)"), CONSORT_OK);
	for (i = 0; i < THREADS; i++) {
		numbers[i] = i + 1;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&ids[i], NULL, work, &numbers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(ids[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT count(*) FROM x"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "200\n");
	adapter_close(&test);
}

static void test_threads(void)
{
	threads(testing_path("t.db"));
}

static void test_threads_memory(void)
{
	threads(":memory:");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"locked", test_locked},
		{"wait", test_wait},
		{"deadline", test_deadline},
		{"cancel", test_cancel},
		{"cancel-waiting", test_cancel_waiting},
		{"unknown-flags", test_unknown_flags},
		{"reset", test_reset},
		{"native", test_native},
		{"native-refused", test_native_refused},
		{"native-returning", test_native_returning},
		{"threads", test_threads},
		{"threads-memory", test_threads_memory},
		{NULL, NULL},
	};

	return testing_main("sqlite-session", cases, argc, argv);
}
