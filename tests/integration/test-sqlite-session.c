/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: opening and what forbids it, locks, deadlines, cancel, features, native statements. */
#include "sqlite-adapter.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct sqlite_test test;

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

static uint32_t native(const char *sql)
{
	int64_t affected;

	return sqlite_test_native(&test, sql, CONSORT_NO_ARGS, &affected);
}

static const char *text(void)
{
	return test.text.data ? test.text.data : "";
}

/* --- opening --- */

static void test_not_a_database(void)
{
	const char *path = testing_write(
		"t.db", "This is a text, and long enough to be taken for a header, which it is not.\n"
			"This is a text, and long enough to be taken for a header, which it is not.\n");

	CU_ASSERT_EQUAL(sqlite_test_try(&test, path, NULL), CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "t.db' is not a SQLite database");
	TESTING_TEXT(test.error.origin, "local");
	sqlite_test_close(&test);
}

static void test_missing(void)
{
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_path("no/such/t.db"), NULL), CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "/no/such' does not exist");
	sqlite_test_close(&test);
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_path("t.db"), (const char *const[]){"mode=rw", NULL}),
			CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "t.db' does not exist");
	sqlite_test_close(&test);
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_folder(), NULL), CONSORT_ECONNECTION);
	sqlite_test_close(&test);
}

static void test_damaged(void)
{
	FILE *file;

	sqlite_test_open(&test,
			 "CREATE TABLE x(id INTEGER PRIMARY KEY, v TEXT);"
			 "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<5000)"
			 " INSERT INTO x SELECT i, 'v'||i FROM g",
			 (const char *const[]){"journal=delete", NULL});
	CU_ASSERT_PTR_NOT_NULL(sqlite_test_resource(&test, "x", NULL));
	test.plugin->connection->close(test.connection, &test.call);
	file = fopen(test.path, "r+");
	fseek(file, 4096, SEEK_SET);
	for (int i = 0; i < 8000; i++)
		fputc(0x5a, file);
	fclose(file);
	test.connection = sqlite_test_connect(&test);
	CU_ASSERT_EQUAL(sqlite_test_run(&test, (struct sqlite_query){.resource = "x"}), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(test.error.message, "is damaged");
	sqlite_test_close(&test);
}

static void test_read_only(void)
{
	struct sqlite_write write = {
		.resource = "x", .attributes = "id", .values = CONSORT_ARGS(consort_int64(1))};

	sqlite_test_open(&test, "CREATE TABLE x(id INTEGER PRIMARY KEY)",
			 (const char *const[]){"mode=ro", NULL});
	TESTING_CONTAINS(test.missing, "1: the database is opened with mode = ro\n");  /* CREATE */
	TESTING_CONTAINS(test.missing, "25: the database is opened with mode = ro\n"); /* DEFINE */
	CU_ASSERT_EQUAL(sqlite_test_run(&test, (struct sqlite_query){.resource = "x", .select = "count(*)"}),
			CONSORT_OK);
	CU_ASSERT_EQUAL(sqlite_test_write(&test, SQLITE_TEST_INSERT, write), CONSORT_EREADONLY);
	sqlite_test_close(&test);
}

/* Which features are missing for a set of options. */
static void test_features(void)
{
	static const struct {
		const char *options[3];
		const char *why; /* of LAST_RESOURCE; "": it is there */
	} cases[] = {
		{{NULL}, "22: a power cut can undo a commit: it needs synchronous = full or extra\n"},
		{{"synchronous=full", NULL}, ""},
		{{"synchronous=extra", NULL}, ""},
		{{"journal=delete", NULL},
		 "22: a power cut can undo a commit: it needs synchronous = extra, or journal = wal\n"},
		{{"journal=delete", "synchronous=extra", NULL}, ""},
		{{"journal=memory", "synchronous=extra", NULL},
		 "22: a crash can leave half a transaction with this journal mode\n"},
		{{"journal=off", NULL}, "22: a crash can leave half a transaction with this journal mode\n"},
	};
	struct consort_connection_info info = {.struct_size = sizeof(info)};
	char expected[4200];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unlink(testing_path("t.db"));
		sqlite_test_open(&test, NULL, cases[i].options);
		TESTING_TEXT(test.missing, cases[i].why);
		test.plugin->connection->info(test.connection, &info);
		snprintf(expected, sizeof(expected), "sqlite:%s", test.path);
		TESTING_TEXT(info.identity, expected);
		snprintf(expected, sizeof(expected), "SQLite %s", sqlite3_libversion());
		TESTING_TEXT(info.server, expected);
		TESTING_TEXT(info.user, "");
		sqlite_test_close(&test);
	}
	CU_ASSERT_EQUAL(sqlite_test_try(&test, "/somewhere/:memory:", NULL), CONSORT_OK);
	TESTING_TEXT(test.missing, "22: a memory database does not outlive its process\n");
	sqlite_test_close(&test);
}

static void test_settings(void)
{
	sqlite_test_open(
		&test, NULL,
		(const char *const[]){"cache_size=1048576", "foreign_keys=no", "synchronous=off", NULL});
	CU_ASSERT_EQUAL(native("SELECT (SELECT cache_size FROM pragma_cache_size), (SELECT foreign_keys FROM "
			       "pragma_foreign_keys),"
			       " (SELECT synchronous FROM pragma_synchronous), (SELECT journal_mode FROM "
			       "pragma_journal_mode)"),
			CONSORT_OK);
	TESTING_TEXT(text(), "-1024|0|0|wal\n");
	sqlite_test_close(&test);
	sqlite_test_open(&test, NULL, NULL);
	CU_ASSERT_EQUAL(
		native("SELECT (SELECT foreign_keys FROM pragma_foreign_keys), (SELECT synchronous FROM"
		       " pragma_synchronous)"),
		CONSORT_OK);
	TESTING_TEXT(text(), "1|1\n");
	sqlite_test_close(&test);
}

/* All connections of a memory database share one store, which lives as long as the database; another has its
 * own. */
static void test_memory(void)
{
	struct sqlite_test other;
	void *first;

	CU_ASSERT_EQUAL(sqlite_test_try(&test, ":memory:", NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(sqlite_test_try(&other, ":memory:", NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(native("CREATE TABLE x(a)"), CONSORT_OK);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(7)"), CONSORT_OK);
	first = test.connection;
	test.connection = sqlite_test_connect(&test);
	CU_ASSERT_EQUAL(native("SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(text(), "7\n");
	test.plugin->connection->close(test.connection, &test.call);
	test.plugin->connection->close(first, &test.call);
	test.connection = sqlite_test_connect(&test);
	CU_ASSERT_EQUAL(native("SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(text(), "7\n");
	CU_ASSERT(sqlite_test_native(&other, "SELECT a FROM x", CONSORT_NO_ARGS, &(int64_t){0}) ==
		  CONSORT_ENAME);
	sqlite_test_close(&other);
	sqlite_test_close(&test);
}

/* --- locks --- */

static void *lock_holder(void)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(test.path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void test_locked(void)
{
	int64_t start;
	sqlite3 *db;

	sqlite_test_open(&test, "CREATE TABLE x(a)", (const char *const[]){"busy_timeout=100000000", NULL});
	db = lock_holder();
	start = now();
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_ECONFLICT);
	CU_ASSERT(milliseconds_since(start) >= 95 && milliseconds_since(start) < 2000);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_CONTAINS(test.error.message, "is locked by another writer");
	CU_ASSERT_EQUAL(native("SELECT a FROM x"), CONSORT_OK);
	/* the call's deadline comes first */
	test.call.deadline = now() + 20000000;
	start = now();
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_ETIMEOUT);
	CU_ASSERT(milliseconds_since(start) < 500);
	test.call.deadline = 0;
	sqlite3_close(db);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_OK);
	sqlite_test_close(&test);
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
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_OK);
	pthread_join(thread, NULL);
	sqlite_test_close(&test);
}

/* --- ending calls --- */

static void test_deadline(void)
{
	int64_t start = now();

	sqlite_test_open(&test, NULL, NULL);
	test.call.deadline = start + 30000000;
	CU_ASSERT_EQUAL(native(FOR_EVER), CONSORT_ETIMEOUT);
	CU_ASSERT(milliseconds_since(start) < 500);
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_ETIMEOUT); /* it has passed */
	test.call.deadline = now() + 10000000000;
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_OK);
	sqlite_test_close(&test);
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
	int64_t start;

	sqlite_test_open(&test, NULL, NULL);
	start = now();
	pthread_create(&thread, NULL, cancel_soon, NULL);
	CU_ASSERT_EQUAL(native(FOR_EVER), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT(milliseconds_since(start) < 500);
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_ECANCELLED); /* until it is reset */
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_OK);
	/* one that comes when nothing runs does not hit what comes after the reset */
	test.plugin->connection->cancel(test.connection);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_OK);

	test.call.cancelled = &token;
	pthread_create(&thread, NULL, cancel_soon, &token);
	CU_ASSERT_EQUAL(native(FOR_EVER), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_ECANCELLED);
	token = 0;
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_OK);
	sqlite_test_close(&test);
}

/* While waiting for a lock, too. */
static void test_cancel_waiting(void)
{
	pthread_t thread;
	int64_t start;
	sqlite3 *db;

	sqlite_test_open(&test, "CREATE TABLE x(a)", NULL);
	db = lock_holder();
	start = now();
	pthread_create(&thread, NULL, cancel_soon, NULL);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT(milliseconds_since(start) < 500);
	sqlite3_close(db);
	sqlite_test_close(&test);
}

static void test_unknown_flags(void)
{
	sqlite_test_open(&test, NULL, NULL);
	test.call.flags = CONSORT_CALL_NONBLOCK;
	CU_ASSERT_EQUAL(native("SELECT 1"), CONSORT_EUNSUPPORTED);
	test.call.flags = 0;
	CU_ASSERT_EQUAL(test.plugin->connection->ping(test.connection, &test.call, &test.error), CONSORT_OK);
	sqlite_test_close(&test);
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
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(1)"), CONSORT_OK);
	options.flags = 0;
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(2)"), CONSORT_OK);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	TESTING_TEXT(sqlite_test_raw(&test, "SELECT count(*) FROM x"), "1");
	sqlite_test_close(&test);
}

/* --- a full disk --- */

static void test_full(void)
{
	struct consort_transaction_options options = {.struct_size = sizeof(options)};
	char folder[4096], path[4200];

	snprintf(folder, sizeof(folder), "%s", testing_path("small"));
	if (mkdir(folder, 0700) || mount("tmpfs", folder, "tmpfs", 0, "size=300k"))
		testing_skip("run as a user who may mount a tmpfs");
	snprintf(path, sizeof(path), "%s/t.db", folder);
	CU_ASSERT_EQUAL(sqlite_test_try(&test, path, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(native("CREATE TABLE x(a)"), CONSORT_OK);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES('kept')"), CONSORT_OK);
	CU_ASSERT_EQUAL(native("INSERT INTO x VALUES(zeroblob(1000000))"), CONSORT_EFULL);
	TESTING_CONTAINS(test.error.message, "t.db");
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error),
			CONSORT_OK);
	CU_ASSERT(native("WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<3000)"
			 " INSERT INTO x SELECT randomblob(1000) FROM g") != CONSORT_OK ||
		  test.plugin->transaction->commit(test.connection, &test.call, &test.error) != CONSORT_OK);
	CU_ASSERT_EQUAL(test.error.status, CONSORT_EFULL);
	CU_ASSERT_EQUAL(test.plugin->transaction->rollback(test.connection, &test.call, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(native("SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(text(), "kept\n");
	sqlite_test_close(&test);
	umount(folder);
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
		native("SELECT id, t, at, id * 1.5, count(*) OVER () AS n, NULL FROM x;  -- and no more"),
		CONSORT_OK);
	TESTING_TEXT(text(), "1|a|2024-01-01T00:00:00Z|1.5|2|NULL\n2|NULL|NULL|3.0|2|NULL\n");
	CU_ASSERT_EQUAL(sqlite_test_native(&test, "SELECT $2, $1, ?3, ?", args, &affected), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(sqlite_test_native(&test, "SELECT $2, $1, $1 + 1, typeof(?3)", args, &affected),
			CONSORT_OK);
	TESTING_TEXT(text(), "x|7|8|integer\n");
	CU_ASSERT_EQUAL(sqlite_test_native(&test, "UPDATE x SET t = $2 WHERE id < $1", args, &affected),
			CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 2);
	CU_ASSERT_EQUAL(sqlite_test_native(&test, "CREATE TABLE y(a)", CONSORT_NO_ARGS, &affected),
			CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 0);
	CU_ASSERT_EQUAL(native("INSERT INTO x(t) VALUES('new') RETURNING id, t"), CONSORT_OK);
	TESTING_TEXT(text(), "3|new\n");
	CU_ASSERT_EQUAL(native("PRAGMA table_info(y)"), CONSORT_OK);
	sqlite_test_close(&test);
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
	TESTING_TEXT(sqlite_test_raw(&test, "INSERT INTO x VALUES(4); SELECT count(*) FROM x"), "4");
	test.plugin->query->close(cursor);
	sqlite_test_close(&test);
}

/* A database in UTF-16 gives the same texts, also those that were put aside, but orders them otherwise. */
static void test_utf16(void)
{
	struct sqlite_cursor cursor;
	int64_t rows;

	sqlite_test_open(&test,
			 "PRAGMA encoding = 'UTF-16le'; CREATE TABLE x(id INTEGER PRIMARY KEY, t TEXT);"
			 "INSERT INTO x VALUES(1, 'é'), (2, '\xf0\x9f\x98\x80'), (3, 'a')",
			 NULL);
	CU_ASSERT_EQUAL(sqlite_test_run(&test, (struct sqlite_query){.resource = "x",
								     .select = "t",
								     .where = "t like '_' and t <> 'a'",
								     .order = "id"}),
			CONSORT_OK);
	TESTING_TEXT(text(), "é\n\xf0\x9f\x98\x80\n");
	CU_ASSERT_EQUAL(sqlite_test_offer(&test, (struct sqlite_query){.resource = "x", .where = "t > 'b'"}),
			CONSORT_OK);
	TESTING_CONTAINS(text(), "does not order");
	CU_ASSERT_EQUAL(sqlite_test_offer(&test, (struct sqlite_query){.resource = "x", .order = "t"}),
			CONSORT_OK);
	TESTING_CONTAINS(text(), "does not order");
	CU_ASSERT_EQUAL(sqlite_test_offer(&test, (struct sqlite_query){.resource = "x", .select = "max(t)"}),
			CONSORT_OK);
	TESTING_CONTAINS(text(), "does not order");
	test.max_rows = 1;
	CU_ASSERT_EQUAL(sqlite_test_begin(&test, (struct sqlite_query){.resource = "x"}, &cursor),
			CONSORT_OK);
	CU_ASSERT_EQUAL(sqlite_test_next(&test, &cursor, &rows), CONSORT_OK);
	CU_ASSERT_EQUAL(native("DELETE FROM x"), CONSORT_OK);
	CU_ASSERT_EQUAL(sqlite_test_next(&test, &cursor, &rows), CONSORT_OK);
	TESTING_TEXT(text(), "2|\xf0\x9f\x98\x80\n");
	sqlite_test_end(&test, &cursor);
	sqlite_test_close(&test);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS 50

/* A connection of its own, over the same database: offers, compiles, reads and writes. */
static void *work(void *number)
{
	struct consort_logical logical;
	const struct consort_node *root;
	struct sqlite_test own = test;
	struct sqlite_cursor cursor;
	int64_t rows, affected;
	char sql[64];
	int i;

	own.connection = NULL;
	memset(&own.text, 0, sizeof(own.text));
	consort_arena_init(&own.arena, 0);
	own.nresources = 0;
	if (own.plugin->connection->open(own.database, &own.call, &own.connection, &own.error))
		return "open";
	root = sqlite_test_tree(
		&own,
		(struct sqlite_query){.resource = "x", .select = "id, t", .where = "id > 0 and t = 'a'"},
		&logical);
	for (i = 0; i < ROUNDS; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO x VALUES(%d, 'a')", *(int *)number * 1000 + i);
		if (sqlite_test_native(&own, sql, CONSORT_NO_ARGS, &affected) ||
		    sqlite_test_begin_tree(&own, root, CONSORT_NO_ARGS, NULL, &cursor) ||
		    sqlite_test_next(&own, &cursor, &rows) || rows < i)
			return "round";
		sqlite_test_end(&own, &cursor);
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
	CU_ASSERT_EQUAL(native("CREATE TABLE x(id INTEGER PRIMARY KEY, t TEXT)"), CONSORT_OK);
	for (i = 0; i < THREADS; i++) {
		numbers[i] = i + 1;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&ids[i], NULL, work, &numbers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(ids[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	CU_ASSERT_EQUAL(native("SELECT count(*) FROM x"), CONSORT_OK);
	TESTING_TEXT(text(), "200\n");
	sqlite_test_close(&test);
}

static void test_threads(void)
{
	threads(testing_path("t.db"));
}

static void test_threads_memory(void)
{
	threads(":memory:");
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
	size_t i;

	sqlite_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL(native(cases[i].sql), cases[i].status);
		TESTING_CONTAINS(test.error.message, cases[i].message);
	}
	/* what no conversion changes is no error */
	CU_ASSERT_EQUAL(native("SELECT NULL UNION ALL SELECT 7 UNION ALL SELECT 'x'"), CONSORT_OK);
	TESTING_TEXT(text(), "NULL\n7\nx\n");
	CU_ASSERT_EQUAL(native("SELECT 1.5 UNION ALL SELECT 7"), CONSORT_OK);
	TESTING_TEXT(text(), "1.5\n7.0\n");
	sqlite_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"not-a-database", test_not_a_database},
		{"missing", test_missing},
		{"damaged", test_damaged},
		{"read-only", test_read_only},
		{"features", test_features},
		{"settings", test_settings},
		{"memory", test_memory},
		{"locked", test_locked},
		{"wait", test_wait},
		{"deadline", test_deadline},
		{"cancel", test_cancel},
		{"cancel-waiting", test_cancel_waiting},
		{"unknown-flags", test_unknown_flags},
		{"reset", test_reset},
		{"full", test_full},
		{"native", test_native},
		{"native-refused", test_native_refused},
		{"native-returning", test_native_returning},
		{"utf16", test_utf16},
		{"threads", test_threads},
		{"threads-memory", test_threads_memory},
		{NULL, NULL},
	};

	return testing_main("sqlite-session", cases, argc, argv);
}
