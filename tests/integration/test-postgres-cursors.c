/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL adapter: the ways that rows come, cursors beside each other and beside writes, sets of keys,
 * prepared statements that the server forgets. */
#include "postgres-adapter.h"

#include <math.h>
#include <stdio.h>

static struct adapter_test test;

#define OK(call) ADAPTER_OK(&test, call)
#define QUERY ADAPTER_QUERY

/* 5,000 rows of about 100 bytes: more than is fetched, or kept in memory, at once. */
#define ROWS                                                        \
	"CREATE TABLE x(id bigint PRIMARY KEY, n integer, t text);" \
	"INSERT INTO x SELECT i, i % 10, repeat(chr(97 + i % 26), 100) FROM generate_series(1, 5000) AS i;"
#define COUNT 5000
#define SUM ((int64_t)COUNT * (COUNT + 1) / 2)

static void begin(uint32_t isolation)
{
	const struct consort_transaction_options options = {.struct_size = sizeof(options),
							    .isolation = isolation};

	OK(test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error));
}

static void commit(void)
{
	OK(test.plugin->transaction->commit(test.connection, &test.call, &test.error));
}

/* What is left of a cursor over `id, …`: how many rows, and the sum of their ids. */
static void expect_rest(struct adapter_cursor *cursor, int64_t rows, int64_t sum)
{
	int64_t i;

	do {
		OK(adapter_next(&test, cursor));
		for (i = 0; i < cursor->batch->nrows; i++)
			sum -= consort_column_int64(&cursor->batch->columns[0], i);
		rows -= cursor->batch->nrows;
	} while (cursor->batch->nrows && !(cursor->batch->flags & CONSORT_BATCH_LAST));
	CU_ASSERT_EQUAL(rows, 0);
	CU_ASSERT_EQUAL(sum, 0);
}

/* --- ways --- */

/* Outside of a transaction, again by COPY when it had many rows, and in one. */
static void test_ways(void)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	int round;

	postgres_test_open(&test, ROWS, NULL);
	test.max_rows = 700;
	OK(adapter_begin(&test, QUERY(.resource = "x"), &cursor));
	for (round = 0; round < 4; round++) {
		if (round == 3)
			begin(0);
		if (round) {
			OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run,
						    &cursor.cursor, &test.error));
		}
		expect_rest(&cursor, COUNT, SUM);
		/* it stays at its end */
		OK(adapter_next(&test, &cursor));
		CU_ASSERT_EQUAL(cursor.batch->nrows, 0);
		CU_ASSERT(cursor.batch->flags & CONSORT_BATCH_LAST);
		test.plugin->query->close(cursor.cursor);
		cursor.cursor = NULL;
	}
	commit();
	adapter_end(&test, &cursor);
	postgres_test_close(&test);
}

/* COPY tells of a change of the table's columns, and of an error in the middle. */
static void test_copy_fails(void)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	int64_t rows;

	postgres_test_open(&test,
			   ROWS
			   "CREATE FUNCTION fragile(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN"
			   " IF i = 4000 AND current_setting('a.b', true) = 'on' THEN RAISE 'broken'; END IF;"
			   " RETURN i; END $$; CREATE VIEW v AS SELECT fragile(id) AS id FROM x;",
			   NULL);
	OK(adapter_begin(&test, QUERY(.resource = "v"), &cursor));
	OK(adapter_drain(&test, &cursor, &rows));
	CU_ASSERT_EQUAL(rows, COUNT);
	test.plugin->query->close(cursor.cursor);
	postgres_test_raw(
		"CREATE OR REPLACE FUNCTION fragile(i bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN"
		" IF i = 4000 THEN RAISE 'broken'; END IF; RETURN i; END $$");
	OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run, &cursor.cursor,
				    &test.error));
	CU_ASSERT_EQUAL(adapter_drain(&test, &cursor, &rows), CONSORT_EENGINE);
	CU_ASSERT(rows < 4000 && rows > 0);
	TESTING_TEXT(test.error.message, "broken");
	TESTING_TEXT(test.error.sqlstate, "P0001");
	adapter_end(&test, &cursor);
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "5000\n");
	postgres_test_close(&test);
}

/* 1,600 rows, and how each was asked for. */
#define TOLD                                                                                          \
	"CREATE TABLE w(id bigint, f double precision, \"t$1'\"\"\" text, at timestamptz, d date, b " \
	"boolean,"                                                                                    \
	" u uuid, n numeric(12, 2), raw bytea);"                                                      \
	"INSERT INTO w SELECT i, i / 8.0, E'it''s \\\\ \"$1\" ' || i,"                                \
	" '2024-01-01 00:00:00+00'::timestamptz + i * interval '1.000001 s', '2024-01-01'::date + i," \
	" i > 300, lpad(i::text, 32, '0')::uuid, i / 100.0, i::text::bytea"                           \
	" FROM generate_series(1, 1600) AS i;"                                                        \
	"CREATE VIEW told AS SELECT *, current_query() AS query FROM w;"

struct told {
	const char *where;
	struct consort_value value;
	int rows;
	bool copied; /* when it is asked for again */
};

static void expect_told(const struct told *told, const char *way)
{
	int rows = 0;
	const char *at;

	OK(adapter_run(&test, QUERY(.resource = "told", .select = "query", .where = told->where,
				    .args = CONSORT_ARGS(told->value))));
	for (at = adapter_text(&test); *at; at = strchr(at, '\n') + 1) {
		if (strncmp(at, way, strlen(way)))
			break;
		rows++;
	}
	if (rows != told->rows)
		fprintf(stderr, "%s: %d rows by %s, then: %.200s\n", told->where, rows, way, at);
	CU_ASSERT_EQUAL(rows, told->rows);
}

/* A COPY has the values of parameters in its text; what has no text that means the same is sent beside it. */
static void test_copied_parameters(void)
{
	static const uint8_t uuid[16] = {[14] = 0x03};
	const struct told cases[] = {
		{"id > $1", consort_int64(300), 1300, true},
		{"id > $1", consort_int64(INT64_MIN), 1600, true},
		{"id > $1", consort_int64(300), 1300, true},
		{"f > $1", consort_float64(37.5), 1300, true},
		{"f > $1", consort_float64(-0x1p-1074), 1600, true},
		{"f < $1", consort_float64(HUGE_VAL), 1600, false},
		{"\"t$1'\"\"\" <> $1", consort_text("it's \\ \"$1\" 300"), 1599, true},
		{"\"t$1'\"\"\" <> $1", consort_text("'; DROP TABLE w; --"), 1600, true},
		{"\"t$1'\"\"\" <> $1", consort_text("\\'"), 1600, true},
		{"at > $1", consort_timestamp(INT64_C(1704067500000300)), 1300, true},
		{"at > $1", consort_timestamp(INT64_C(-100000000000000000)), 1600, false},
		{"d > $1", consort_date(19723 + 300), 1300, true},
		{"b = $1", consort_bool(1), 1300, true},
		{"u <> $1", consort_uuid(uuid), 1599, true},
		{"n > $1", consort_decimal_of(consort_decimal_from_int64(300), 12, 2), 1300, true},
		{"raw <> $1", consort_bytes("300", 3), 1599, false},
	};
	size_t i;

	postgres_test_open(&test, TOLD, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool again = i && !strcmp(cases[i].where, cases[i - 1].where);

		expect_told(&cases[i], again && cases[i].copied ? "COPY (" : "SELECT ");
		expect_told(&cases[i], cases[i].copied ? "COPY (" : "SELECT ");
	}
	/* none, where there were many before */
	expect_told(&(struct told){"d > $1", consort_null(), 0, true}, "COPY (");
	expect_told(&(struct told){"d > $1", consort_date(19723), 1600, true}, "SELECT ");
	postgres_test_close(&test);
}

/* What has no parameters is copied when it runs for the first time, and from then on if it had many rows. */
static void test_copied_first(void)
{
	int round;

	postgres_test_open(&test,
			   TOLD "CREATE VIEW few AS SELECT id, current_query() AS query FROM w WHERE id < 4",
			   NULL);
	for (round = 0; round < 3; round++) {
		OK(adapter_run(&test, QUERY(.resource = "few", .select = "query")));
		CU_ASSERT(!strncmp(adapter_text(&test), round ? "SELECT " : "COPY (", 6));
		OK(adapter_run(&test, QUERY(.resource = "told", .select = "query")));
		CU_ASSERT(!strncmp(adapter_text(&test), "COPY (", 6));
	}
	postgres_test_close(&test);
}

/* Closed early, whatever the way; the connection goes on. */
static void test_closed_early(void)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	int round;

	postgres_test_open(
		&test, ROWS "INSERT INTO x SELECT id + 10000 * i, n, t FROM x, generate_series(1, 20) AS i",
		NULL);
	test.max_rows = 10;
	OK(adapter_begin(&test, QUERY(.resource = "x"), &cursor));
	for (round = 0; round < 6; round++) {
		if (round == 4)
			begin(0);
		if (round)
			OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run,
						    &cursor.cursor, &test.error));
		if (round == 1) /* to its end: it is copied from then on */
			expect_rest(&cursor, 21 * COUNT, 21 * SUM + 5000 * INT64_C(10000) * 210);
		else if (round != 3) /* also without having read a row */
			OK(adapter_next(&test, &cursor));
		test.plugin->query->close(cursor.cursor);
		cursor.cursor = NULL;
		OK(adapter_run(&test, QUERY(.resource = "x", .select = "n", .where = "id = 7")));
		TESTING_TEXT(adapter_text(&test), "7\n");
	}
	commit();
	adapter_end(&test, &cursor);
	postgres_test_close(&test);
}

/* --- beside each other --- */

static void try_beside(void)
{
	struct adapter_cursor one, two, three;

	test.max_rows = 300;
	OK(adapter_begin(&test, QUERY(.resource = "x", .select = "id, t"), &one));
	OK(adapter_next(&test, &one));
	CU_ASSERT_EQUAL(one.batch->nrows, 300);
	OK(adapter_begin(&test, QUERY(.resource = "x", .select = "id, t", .order = "id desc"), &two));
	OK(adapter_begin(&test,
			 QUERY(.resource = "x", .select = "id", .where = "n = $1",
			       .args = CONSORT_ARGS(consort_int64(3))),
			 &three));
	OK(adapter_next(&test, &two));
	CU_ASSERT_EQUAL(consort_column_int64(&two.batch->columns[0], 0), 5000);
	OK(adapter_next(&test, &one));
	CU_ASSERT_EQUAL(consort_column_int64(&one.batch->columns[0], 0), 301);
	/* writes do not change what they show */
	OK(adapter_do(&test, "DELETE FROM x WHERE id > 100"));
	expect_rest(&two, 4700, SUM - 300 * INT64_C(4701) - 299 * 150);
	expect_rest(&three, 500, 500 * INT64_C(3) + 10 * 499 * 250);
	expect_rest(&one, 4400, SUM - 600 * 601 / 2);
	adapter_end(&test, &two);
	adapter_end(&test, &one);
	adapter_end(&test, &three);
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "100\n");
}

static void test_beside(void)
{
	postgres_test_open(&test, ROWS, NULL);
	try_beside();
	postgres_test_close(&test);
}

static void test_beside_in_transaction(void)
{
	postgres_test_open(&test, ROWS, NULL);
	begin(0);
	try_beside();
	commit();
	TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "100");
	postgres_test_close(&test);
}

/* An error behind rows that were put aside comes where it would have come. */
static void test_beside_fails(void)
{
	struct adapter_cursor cursor;
	int64_t rows;

	postgres_test_open(&test, ROWS "CREATE VIEW v AS SELECT id, 10 / (4900 - id) AS q FROM x ORDER BY id",
			   NULL);
	OK(adapter_begin(&test, QUERY(.resource = "v"), &cursor));
	OK(adapter_next(&test, &cursor));
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "5000\n");
	CU_ASSERT_EQUAL(adapter_drain(&test, &cursor, &rows), CONSORT_ERANGE);
	CU_ASSERT(rows + 100 <= 4899);
	TESTING_CONTAINS(test.error.message, "division by zero");
	adapter_end(&test, &cursor);
	postgres_test_close(&test);
}

/* More cursors than there are names for portals. */
static void test_many(void)
{
	struct adapter_cursor cursors[80];
	int i;

	postgres_test_open(&test, ROWS, NULL);
	begin(0);
	for (i = 0; i < 80; i++) {
		OK(adapter_begin(&test, QUERY(.resource = "x"), &cursors[i]));
		OK(adapter_next(&test, &cursors[i]));
	}
	for (i = 0; i < 80; i++) {
		if (i % 2)
			expect_rest(&cursors[i], COUNT - 100, SUM - 5050);
		adapter_end(&test, &cursors[i]);
	}
	OK(adapter_begin(&test, QUERY(.resource = "x"), &cursors[0]));
	expect_rest(&cursors[0], COUNT, SUM);
	adapter_end(&test, &cursors[0]);
	commit();
	postgres_test_close(&test);
}

/* What a rollback, of all or to a savepoint, takes from a cursor. */
static void test_rolled_back(void)
{
	struct adapter_cursor one, two;
	int64_t rows;

	postgres_test_open(&test, ROWS, NULL);
	begin(0);
	OK(adapter_begin(&test, QUERY(.resource = "x"), &one));
	OK(adapter_next(&test, &one));
	OK(test.plugin->transaction->savepoint(test.connection, &test.call, "s", &test.error));
	OK(test.plugin->transaction->rollback_to(test.connection, &test.call, "s", &test.error));
	CU_ASSERT_EQUAL(adapter_drain(&test, &one, &rows), CONSORT_EINVAL);
	TESTING_CONTAINS(test.error.message,
			 "the cursor cannot be read on: its transaction was rolled back to a savepoint");
	OK(adapter_begin(&test, QUERY(.resource = "x"), &two));
	OK(adapter_next(&test, &two));
	OK(test.plugin->transaction->rollback(test.connection, &test.call, &test.error));
	CU_ASSERT_EQUAL(adapter_drain(&test, &two, &rows), CONSORT_EINVAL);
	TESTING_CONTAINS(test.error.message, "its transaction has ended");
	adapter_end(&test, &one);
	adapter_end(&test, &two);
	OK(adapter_begin(&test, QUERY(.resource = "x"), &one));
	expect_rest(&one, COUNT, SUM);
	adapter_end(&test, &one);
	postgres_test_close(&test);
}

/* --- keys --- */

static void test_keys(void)
{
	const struct consort_type int64 = consort_type_of(CONSORT_TYPE_INT64),
				  text = consort_type_of(CONSORT_TYPE_TEXT);
	struct consort_batch *keys = adapter_keys(int64, text, 1, 1000);
	struct adapter_cursor cursor;
	struct consort_value key[2];
	int64_t i;

	postgres_test_open(
		&test,
		ROWS
		"SELECT pg_advisory_xact_lock(20260101); CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;"
		"CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
		"CREATE TABLE pair(a integer, b text COLLATE loose, c integer);"
		"INSERT INTO pair VALUES (1, 'x', 7), (1, 'Y', 8), (2, 'x', 9), (2, NULL, 10);"
		"CREATE TABLE padded(k character(4) PRIMARY KEY, n integer); INSERT INTO padded VALUES ('a', "
		"1), ('A', 2);"
		"CREATE TABLE folded(k citext PRIMARY KEY, n integer); INSERT INTO folded VALUES ('a', 1), "
		"('B', 2);"
		"CREATE TABLE loose(k text COLLATE loose PRIMARY KEY); INSERT INTO loose VALUES ('a'), "
		"('B');",
		NULL);
	/* also of a value that the column cannot hold */
	for (i = 0; i < 1000; i++) {
		key[0] = consort_int64(i == 500 ? INT64_MAX : i * 7 - 10);
		CU_ASSERT_EQUAL(consort_batch_append_row(keys, key), CONSORT_OK);
	}
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "x", "id, n", 1), CONSORT_NO_ARGS, keys, &cursor));
	consort_batch_reset(keys); /* the set is not needed any more */
	OK(adapter_drain(&test, &cursor, &i));
	CU_ASSERT_EQUAL(i, 713);
	adapter_end(&test, &cursor);
	key[0] = consort_int64(3000000000);
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(3);
	consort_batch_append_row(keys, key);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "x", "n, id", 1), CONSORT_NO_ARGS, keys, &cursor));
	OK(adapter_drain(&test, &cursor, &i));
	CU_ASSERT_EQUAL(i, 500);
	adapter_end(&test, &cursor);
	consort_batch_free(keys);
	/* several columns, one of which the server compares without case */
	keys = adapter_keys(int64, text, 2, 10);
	key[0] = consort_int64(1);
	key[1] = consort_text("X");
	consort_batch_append_row(keys, key);
	key[1] = consort_text("Y");
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(2);
	key[1] = consort_text("x");
	consort_batch_append_row(keys, key);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "pair", "a, b, c", 2), CONSORT_NO_ARGS, keys,
			      &cursor));
	OK(adapter_read(&test, &cursor));
	TESTING_TEXT(adapter_text(&test), "1|Y|8\n2|x|9\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);
	/* one column, by whose index it is found although its equality is laxer */
	keys = adapter_keys(text, text, 1, 10);
	key[0] = consort_text("a");
	consort_batch_append_row(keys, key);
	key[0] = consort_text("b");
	consort_batch_append_row(keys, key);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "padded", "k, n", 1), CONSORT_NO_ARGS, keys,
			      &cursor));
	OK(adapter_read(&test, &cursor));
	TESTING_TEXT(adapter_text(&test), "a|1\n");
	adapter_end(&test, &cursor);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "folded", "k, n", 1), CONSORT_NO_ARGS, keys,
			      &cursor));
	OK(adapter_read(&test, &cursor));
	TESTING_TEXT(adapter_text(&test), "a|1\n");
	adapter_end(&test, &cursor);
	OK(adapter_begin_tree(&test, adapter_keyed(&test, "loose", "k", 1), CONSORT_NO_ARGS, keys, &cursor));
	OK(adapter_read(&test, &cursor));
	TESTING_TEXT(adapter_text(&test), "a\n");
	adapter_end(&test, &cursor);
	consort_batch_free(keys);
	postgres_test_close(&test);
}

/* --- prepared statements --- */

static const char *prepared(void)
{
	OK(adapter_do(&test, "SELECT count(*) FROM pg_prepared_statements"));
	return adapter_text(&test);
}

static void try_stale(const char *disturb)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	int64_t rows;

	OK(adapter_begin(&test, QUERY(.resource = "x", .select = "id, n", .where = "id < 4", .order = "id"),
			 &cursor));
	OK(adapter_drain(&test, &cursor, &rows));
	test.plugin->query->close(cursor.cursor);
	postgres_test_raw(disturb);
	OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run, &cursor.cursor,
				    &test.error));
	OK(adapter_drain(&test, &cursor, &rows));
	CU_ASSERT_EQUAL(rows, 3);
	adapter_end(&test, &cursor);
}

/* A column that changes its type has the server refuse the statement as it was prepared. */
static void test_changed(void)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursor;
	int64_t rows;

	postgres_test_open(&test, ROWS, NULL);
	try_stale("ALTER TABLE x ADD COLUMN more text");
	OK(adapter_begin(&test, QUERY(.resource = "x", .select = "id, t", .where = "id < 4"), &cursor));
	OK(adapter_drain(&test, &cursor, &rows));
	test.plugin->query->close(cursor.cursor);
	postgres_test_raw("ALTER TABLE x ALTER t TYPE varchar(200)");
	OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run, &cursor.cursor,
				    &test.error));
	OK(adapter_drain(&test, &cursor, &rows));
	CU_ASSERT_EQUAL(rows, 3);
	test.plugin->query->close(cursor.cursor);
	/* in a transaction it ends that, which may be run again */
	postgres_test_raw("ALTER TABLE x ALTER t TYPE text");
	begin(0);
	OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run, &cursor.cursor,
				    &test.error));
	OK(adapter_drain(&test, &cursor, &rows));
	CU_ASSERT_EQUAL(rows, 3);
	commit();
	adapter_end(&test, &cursor);
	postgres_test_close(&test);
}

/* A pooler's DISCARD ALL. */
static void test_discarded(void)
{
	const struct consort_value row[] = {consort_int64(9000), consort_int64(1)};
	const struct adapter_write write = {
		.resource = "x", .attributes = "id, n", .id = consort_next_id(), .values = {row, 2}};
	const struct adapter_write key = {
		.resource = "x", .attributes = "id", .nkeys = 1, .id = consort_next_id(), .values = {row, 1}};

	postgres_test_open(
		&test,
		ROWS "CREATE FUNCTION discard() RETURNS void LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN"
		     " FOR s IN SELECT name FROM pg_prepared_statements WHERE name LIKE 'c%' LOOP EXECUTE"
		     " 'DEALLOCATE ' || quote_ident(s); END LOOP; END $$",
		NULL);
	OK(adapter_write(&test, ADAPTER_INSERT, write));
	OK(adapter_write(&test, ADAPTER_REMOVE, key));
	OK(adapter_do(&test, "SELECT discard()"));
	TESTING_TEXT(prepared(), "0\n");
	OK(adapter_write(&test, ADAPTER_INSERT, write));
	OK(adapter_write(&test, ADAPTER_REMOVE, key));
	CU_ASSERT_EQUAL(strtol(prepared(), NULL, 10), 2);
	/* in a transaction */
	OK(adapter_do(&test, "SELECT discard()"));
	begin(0);
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT, write), CONSORT_ECONFLICT);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	TESTING_CONTAINS(test.error.message, "run the transaction again");
	OK(test.plugin->transaction->rollback(test.connection, &test.call, &test.error));
	begin(0);
	OK(adapter_write(&test, ADAPTER_INSERT, write));
	commit();
	postgres_test_close(&test);
}

/* The cache is bounded, and what falls out of it is forgotten by the server too. */
static void test_cache(void)
{
	const struct consort_run run = {.struct_size = sizeof(run)};
	struct adapter_cursor cursors[20];
	int64_t rows;
	int i, round;

	postgres_test_open(&test, ROWS, ADAPTER_LIST("statement_cache=8"));
	for (i = 0; i < 20; i++) {
		OK(adapter_begin(&test, QUERY(.resource = "x", .select = "n", .where = "id = 7"),
				 &cursors[i]));
		OK(adapter_drain(&test, &cursors[i], &rows));
		test.plugin->query->close(cursors[i].cursor);
	}
	CU_ASSERT(strtol(prepared(), NULL, 10) <= 8);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 20; i++) {
			OK(test.plugin->query->open(test.connection, &test.call, cursors[i].compiled, &run,
						    &cursors[i].cursor, &test.error));
			OK(adapter_drain(&test, &cursors[i], &rows));
			CU_ASSERT_EQUAL(rows, 1);
			test.plugin->query->close(cursors[i].cursor);
		}
	}
	for (i = 0; i < 20; i++) {
		cursors[i].cursor = NULL;
		adapter_end(&test, &cursors[i]);
	}
	CU_ASSERT(strtol(prepared(), NULL, 10) <= 8);
	postgres_test_close(&test);
	/* nothing is prepared at all */
	postgres_test_open(&test, ROWS, ADAPTER_LIST("statement_cache=0"));
	for (i = 0; i < 3; i++)
		OK(adapter_run(&test, QUERY(.resource = "x", .select = "n", .where = "id = 7")));
	TESTING_TEXT(prepared(), "0\n");
	postgres_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"ways", test_ways},
		{"copy-fails", test_copy_fails},
		{"copied-parameters", test_copied_parameters},
		{"closed-early", test_closed_early},
		{"beside", test_beside},
		{"beside-in-transaction", test_beside_in_transaction},
		{"beside-fails", test_beside_fails},
		{"many", test_many},
		{"copied-first", test_copied_first},
		{"rolled-back", test_rolled_back},
		{"keys", test_keys},
		{"changed", test_changed},
		{"discarded", test_discarded},
		{"cache", test_cache},
		{NULL, NULL},
	};

	return testing_main("postgres-cursors", cases, argc, argv);
}
