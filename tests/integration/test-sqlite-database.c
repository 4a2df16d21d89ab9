/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: opening a file and what forbids it, what a connection can do, files of other kinds. */
#include "sqlite-adapter.h"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct adapter_test test;

/* --- opening --- */

static void test_not_a_database(void)
{
	const char *path = testing_write(
		"t.db", "This is a text, and long enough to be taken for a header, which it is not.\n"
			"This is a text, and long enough to be taken for a header, which it is not.\n");

	CU_ASSERT_EQUAL(sqlite_test_try(&test, path, NULL), CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "t.db' is not a SQLite database");
	TESTING_TEXT(test.error.origin, "local");
	adapter_close(&test);
}

static void test_missing(void)
{
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_path("no/such/t.db"), NULL), CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "/no/such' does not exist");
	adapter_close(&test);
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_path("t.db"), (const char *const[]){"mode=rw", NULL}),
			CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "t.db' does not exist");
	adapter_close(&test);
	CU_ASSERT_EQUAL(sqlite_test_try(&test, testing_folder(), NULL), CONSORT_ECONNECTION);
	adapter_close(&test);
}

static void test_damaged(void)
{
	FILE *file;

	sqlite_test_open(&test,
			 "CREATE TABLE x(id INTEGER PRIMARY KEY, v TEXT);"
			 "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<5000)"
			 " INSERT INTO x SELECT i, 'v'||i FROM g",
			 (const char *const[]){"journal=delete", NULL});
	CU_ASSERT_PTR_NOT_NULL(adapter_resource(&test, "x", NULL));
	test.plugin->connection->close(test.connection, &test.call);
	file = fopen(sqlite_test_path(), "r+");
	fseek(file, 4096, SEEK_SET);
	for (int i = 0; i < 8000; i++)
		fputc(0x5a, file);
	fclose(file);
	test.connection = adapter_connect(&test);
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "x"}), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(test.error.message, "is damaged");
	adapter_close(&test);
}

static void test_read_only(void)
{
	struct adapter_write write = {
		.resource = "x", .attributes = "id", .values = CONSORT_ARGS(consort_int64(1))};

	sqlite_test_open(&test, "CREATE TABLE x(id INTEGER PRIMARY KEY)",
			 (const char *const[]){"mode=ro", NULL});
	TESTING_CONTAINS(test.missing, "1: the database is opened with mode = ro\n");  /* CREATE */
	TESTING_CONTAINS(test.missing, "25: the database is opened with mode = ro\n"); /* DEFINE */
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "x", .select = "count(*)"}),
			CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT, write), CONSORT_EREADONLY);
	adapter_close(&test);
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
		snprintf(expected, sizeof(expected), "sqlite:%s", sqlite_test_path());
		TESTING_TEXT(info.identity, expected);
		snprintf(expected, sizeof(expected), "SQLite %s", sqlite3_libversion());
		TESTING_TEXT(info.server, expected);
		TESTING_TEXT(info.user, "");
		adapter_close(&test);
	}
	CU_ASSERT_EQUAL(sqlite_test_try(&test, "/somewhere/:memory:", NULL), CONSORT_OK);
	TESTING_TEXT(test.missing, "22: a memory database does not outlive its process\n");
	adapter_close(&test);
}

static void test_settings(void)
{
	sqlite_test_open(
		&test, NULL,
		(const char *const[]){"cache_size=1048576", "foreign_keys=no", "synchronous=off", NULL});
	CU_ASSERT_EQUAL(
		adapter_do(&test,
			   "SELECT (SELECT cache_size FROM pragma_cache_size), (SELECT foreign_keys FROM "
			   "pragma_foreign_keys),"
			   " (SELECT synchronous FROM pragma_synchronous), (SELECT journal_mode FROM "
			   "pragma_journal_mode)"),
		CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "-1024|0|0|wal\n");
	adapter_close(&test);
	sqlite_test_open(&test, NULL, NULL);
	CU_ASSERT_EQUAL(
		adapter_do(&test,
			   "SELECT (SELECT foreign_keys FROM pragma_foreign_keys), (SELECT synchronous FROM"
			   " pragma_synchronous)"),
		CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "1|1\n");
	adapter_close(&test);
}

/* All connections of a memory database share one store, which lives as long as the database; another has its
 * own. */
static void test_memory(void)
{
	struct adapter_test other;
	void *first;

	CU_ASSERT_EQUAL(sqlite_test_try(&test, ":memory:", NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(sqlite_test_try(&other, ":memory:", NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "CREATE TABLE x(a)"), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(7)"), CONSORT_OK);
	first = test.connection;
	test.connection = adapter_connect(&test);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "7\n");
	test.plugin->connection->close(test.connection, &test.call);
	test.plugin->connection->close(first, &test.call);
	test.connection = adapter_connect(&test);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "7\n");
	CU_ASSERT(adapter_native(&other, "SELECT a FROM x", CONSORT_NO_ARGS, &(int64_t){0}) == CONSORT_ENAME);
	adapter_close(&other);
	adapter_close(&test);
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
	CU_ASSERT_EQUAL(adapter_do(&test, "CREATE TABLE x(a)"), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES('kept')"), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES(zeroblob(1000000))"), CONSORT_EFULL);
	TESTING_CONTAINS(test.error.message, "t.db");
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error),
			CONSORT_OK);
	CU_ASSERT(adapter_do(&test,
			     "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<3000)"
			     " INSERT INTO x SELECT randomblob(1000) FROM g") != CONSORT_OK ||
		  test.plugin->transaction->commit(test.connection, &test.call, &test.error) != CONSORT_OK);
	CU_ASSERT_EQUAL(test.error.status, CONSORT_EFULL);
	CU_ASSERT_EQUAL(test.plugin->transaction->rollback(test.connection, &test.call, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT a FROM x"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "kept\n");
	adapter_close(&test);
	umount(folder);
}

/* --- other encodings --- */

/* A database in UTF-16 gives the same texts, also those that were put aside, but orders them otherwise. */
static void test_utf16(void)
{
	struct adapter_cursor cursor;
	int64_t rows;

	sqlite_test_open(&test,
			 "PRAGMA encoding = 'UTF-16le'; CREATE TABLE x(id INTEGER PRIMARY KEY, t TEXT);"
			 "INSERT INTO x VALUES(1, 'é'), (2, '\xf0\x9f\x98\x80'), (3, 'a')",
			 NULL);
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "x",
								  .select = "t",
								  .where = "t like '_' and t <> 'a'",
								  .order = "id"}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "é\n\xf0\x9f\x98\x80\n");
	CU_ASSERT_EQUAL(adapter_offer(&test, (struct adapter_query){.resource = "x", .where = "t > 'b'"}),
			CONSORT_OK);
	TESTING_CONTAINS(adapter_text(&test), "does not order");
	CU_ASSERT_EQUAL(adapter_offer(&test, (struct adapter_query){.resource = "x", .order = "t"}),
			CONSORT_OK);
	TESTING_CONTAINS(adapter_text(&test), "does not order");
	CU_ASSERT_EQUAL(adapter_offer(&test, (struct adapter_query){.resource = "x", .select = "max(t)"}),
			CONSORT_OK);
	TESTING_CONTAINS(adapter_text(&test), "does not order");
	test.max_rows = 1;
	CU_ASSERT_EQUAL(adapter_begin(&test, (struct adapter_query){.resource = "x"}, &cursor), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_next_text(&test, &cursor, &rows), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_do(&test, "DELETE FROM x"), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_next_text(&test, &cursor, &rows), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "2|\xf0\x9f\x98\x80\n");
	adapter_end(&test, &cursor);
	adapter_close(&test);
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
		{"full", test_full},
		{"utf16", test_utf16},
		{NULL, NULL},
	};

	return testing_main("sqlite-database", cases, argc, argv);
}
