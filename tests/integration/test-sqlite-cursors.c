/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: sets of keys, cursors beside each other and beside writes, the cache of statements. */
#include "sqlite-adapter.h"

#define FLIGHTS                                                                                       \
	"CREATE TABLE flight(id INTEGER PRIMARY KEY, origin TEXT, distance REAL, at DATETIME, delay " \
	"INTEGER);"                                                                                   \
	"INSERT INTO flight VALUES(1,'SFO',100.5,'2024-01-01 10:00:00',5), (2,'LAX',NULL,NULL,NULL)," \
	"(3,'SFO',3,'1999-12-31T23:59:59.5Z',-7), (4,'sfo',1e300,'2024-02-29 00:00:00+02:00',90);"

#define QUERY ADAPTER_QUERY
#define OK(call) ADAPTER_OK(&test, call)

/* --- keys --- */

static void test_keys(void)
{
	struct consort_type int64 = consort_type_of(CONSORT_TYPE_INT64),
			    text = consort_type_of(CONSORT_TYPE_TEXT);
	struct consort_args none = CONSORT_NO_ARGS;
	struct consort_value key[2];
	struct consort_batch *keys = adapter_keys(int64, text, 1, 1000);
	struct adapter_cursor cursor;
	struct adapter_test test;
	int64_t rows, total = 0, i;

	sqlite_test_open(
		&test,
		"CREATE TABLE x(id INTEGER PRIMARY KEY, v TEXT);"
		"WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<5000) INSERT INTO x "
		"SELECT i, 'v'||i FROM g;"
		"CREATE TABLE pair(a INTEGER, b TEXT COLLATE NOCASE, c INTEGER, PRIMARY KEY(a, b));"
		"INSERT INTO pair VALUES(1,'x',7),(1,'Y',8),(2,'x',9),(2,NULL,10);"
		"CREATE TABLE plain(a INTEGER, b INTEGER); INSERT INTO plain VALUES(1,1),(1,2),(3,3)",
		NULL);
	for (i = 0; i < 1000; i++) {
		key[0] = consort_int64(i * 7 - 10);
		CU_ASSERT_EQUAL(consort_batch_append_row(keys, key), CONSORT_OK);
	}
	test.max_rows = 64;
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "x", "id, v", 1), none, keys, &cursor));
	consort_batch_reset(keys); /* the set is not needed any more */
	do {
		OK(adapter_next_text(&test, &cursor, &rows));
		total += rows;
	} while (rows);
	CU_ASSERT_EQUAL(total, 714);
	TESTING_CONTAINS(test.text.data, "4|v4\n11|v11\n");
	TESTING_CONTAINS(test.text.data, "4995|v4995\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);

	/* several columns, one of which the engine compares without case */
	keys = adapter_keys(int64, text, 2, 10);
	key[0] = consort_int64(1);
	key[1] = consort_text("X");
	consort_batch_append_row(keys, key);
	key[1] = consort_text("Y");
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(2);
	key[1] = consort_text("x");
	consort_batch_append_row(keys, key);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "pair", "a, b, c", 2), none, keys, &cursor));
	OK(adapter_next_text(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|Y|8\n2|x|9\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);

	/* a key that finds several rows */
	keys = adapter_keys(int64, text, 1, 10);
	key[0] = consort_int64(1);
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(3);
	consort_batch_append_row(keys, key);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "plain", "a, b", 1), none, keys, &cursor));
	OK(adapter_next_text(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|1\n1|2\n3|3\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);
	adapter_close(&test);
}

/* The keys of one set see one state, whatever others write meanwhile. */
static void test_keys_snapshot(void)
{
	struct consort_type int64 = consort_type_of(CONSORT_TYPE_INT64);
	struct consort_batch *keys = adapter_keys(int64, int64, 1, 10);
	struct consort_args none = CONSORT_NO_ARGS;
	struct consort_value key;
	struct adapter_cursor cursor;
	struct adapter_test test;
	int64_t rows;

	sqlite_test_open(
		&test,
		"CREATE TABLE x(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO x VALUES(1,'old'),(2,'old')",
		NULL);
	key = consort_int64(1);
	consort_batch_append_row(keys, &key);
	key = consort_int64(2);
	consort_batch_append_row(keys, &key);
	test.max_rows = 1;
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "x", "id, v", 1), none, keys, &cursor));
	OK(adapter_next_text(&test, &cursor, &rows));
	sqlite_test_raw("UPDATE x SET v = 'new'");
	OK(adapter_next_text(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|old\n2|old\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "v", .where = "id = 1")));
	TESTING_TEXT(test.text.data, "new\n");
	adapter_close(&test);
}

/* --- cursors --- */

static void test_cursors(void)
{
	struct adapter_query query = QUERY(.resource = "flight", .select = "id", .order = "id");
	struct adapter_cursor one, two;
	struct adapter_test test;
	int64_t rows;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(adapter_begin(&test, query, &one));
	OK(adapter_begin(&test, query, &two));
	OK(adapter_next_text(&test, &one, &rows));
	OK(adapter_next_text(&test, &two, &rows));
	OK(adapter_next_text(&test, &two, &rows));
	OK(adapter_next_text(&test, &one, &rows));
	TESTING_TEXT(test.text.data, "1\n1\n2\n2\n");
	adapter_end(&test, &one);
	OK(adapter_next_text(&test, &two, &rows));
	adapter_end(&test, &two);
	TESTING_TEXT(test.text.data, "1\n1\n2\n2\n3\n");
	adapter_close(&test);
}

/* An open cursor shows the state at its start, whatever its own connection writes. */
static void test_cursor_and_writes(void)
{
	struct adapter_cursor one, two;
	struct adapter_test test;
	int64_t rows;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(adapter_begin(&test, QUERY(.resource = "flight", .select = "id, origin, distance, at"), &one));
	OK(adapter_begin(&test, QUERY(.resource = "flight", .select = "id", .order = "id desc"), &two));
	OK(adapter_next_text(&test, &one, &rows));
	OK(adapter_native(&test, "UPDATE flight SET origin = 'XXX', id = id + 100", CONSORT_NO_ARGS, &rows));
	CU_ASSERT_EQUAL(rows, 4);
	OK(adapter_native(&test, "DELETE FROM flight", CONSORT_NO_ARGS, &rows));
	do
		OK(adapter_next_text(&test, &one, &rows));
	while (rows && !(one.batch->flags & CONSORT_BATCH_LAST));
	TESTING_TEXT(test.text.data, "2|LAX|NULL|NULL\n3|SFO|3.0|1999-12-31T23:59:59.500000Z\n"
				     "4|sfo|1e300|2024-02-28T22:00:00Z\n");
	consort_buffer_reset(&test.text);
	do
		OK(adapter_next_text(&test, &two, &rows));
	while (rows && !(two.batch->flags & CONSORT_BATCH_LAST));
	TESTING_TEXT(test.text.data, "4\n3\n2\n1\n");
	adapter_end(&test, &one);
	adapter_end(&test, &two);
	adapter_close(&test);
}

/* A statement runs again after its cursor was spilt, closed early, or read to its end. */
static void test_cursor_again(void)
{
	struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	struct adapter_test test;
	int64_t rows;
	int i;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(adapter_begin(&test, QUERY(.resource = "flight", .select = "id", .order = "id"), &cursor));
	for (i = 0; i < 4; i++) {
		OK(adapter_next_text(&test, &cursor, &rows));
		if (i == 1)
			OK(adapter_native(&test, "UPDATE flight SET delay = 0", CONSORT_NO_ARGS, &rows));
		while (i == 2 && rows)
			OK(adapter_next_text(&test, &cursor, &rows));
		test.plugin->query->close(cursor.cursor);
		OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run,
					    &cursor.cursor, &test.error));
	}
	consort_buffer_reset(&test.text);
	OK(adapter_next_text(&test, &cursor, &rows));
	OK(adapter_next_text(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1\n2\n");
	adapter_end(&test, &cursor);
	adapter_close(&test);
}

/* More statements than the cache keeps, some of them in use. */
static void test_cache(void)
{
	struct adapter_cursor open[10];
	struct adapter_test test;
	int64_t rows;
	int i;

	sqlite_test_open(&test, FLIGHTS, NULL);
	for (i = 0; i < 10; i++)
		OK(adapter_begin(&test, QUERY(.resource = "flight", .select = "id"), &open[i]));
	for (i = 0; i < 200; i++)
		OK(adapter_run(&test, QUERY(.resource = "flight", .select = "id", .where = "id = 1")));
	for (i = 0; i < 10; i++) {
		OK(adapter_next_text(&test, &open[i], &rows));
		CU_ASSERT_EQUAL(rows, 4);
		adapter_end(&test, &open[i]);
	}
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"keys", test_keys},
		{"keys-snapshot", test_keys_snapshot},
		{"cursors", test_cursors},
		{"cursor-and-writes", test_cursor_and_writes},
		{"cursor-again", test_cursor_again},
		{"cache", test_cache},
		{NULL, NULL},
	};

	return testing_main("sqlite-cursors", cases, argc, argv);
}
