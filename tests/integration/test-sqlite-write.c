/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: writing by key, in bulk and by query; transactions; what goes wrong there. */
#include "sqlite-adapter.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE                                                                                               \
	"CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, n INTEGER CHECK(n < 100), f " \
	"REAL,"                                                                                             \
	" made TEXT DEFAULT 'now', twice INTEGER AS (n * 2));"                                              \
	"CREATE TABLE part(item INTEGER REFERENCES item(id), no INTEGER, PRIMARY KEY(item, no)) WITHOUT "   \
	"ROWID;"                                                                                            \
	"INSERT INTO item(id, name, n) VALUES(1, 'one', 1), (2, 'two', 2)"

#define VALUES(...) CONSORT_ARGS(__VA_ARGS__)
#define I(value) consort_int64(value)
#define T(value) consort_text(value)

static struct adapter_test test;

static void open_test(const char *sql)
{
	sqlite_test_open(&test, sql, NULL);
}

static uint32_t insert(const char *attributes, const char *returning, struct consort_args values)
{
	return adapter_write(&test, ADAPTER_INSERT,
			     (struct adapter_write){.resource = "item",
						    .attributes = attributes,
						    .returning = returning,
						    .values = values});
}

static const char *rows(void)
{
	return sqlite_test_raw(
		"SELECT group_concat(id || name || coalesce(n, '-'), ' ') FROM (SELECT * FROM item "
		"ORDER BY id)");
}

/* --- by key --- */

static void test_insert(void)
{
	open_test(TABLE);
	CU_ASSERT_EQUAL(insert("name, n", "id, made, twice", VALUES(T("three"), I(3))), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 1\n3|now|6\n");
	CU_ASSERT_EQUAL(
		insert("id, name, n", NULL, VALUES(I(7), T("seven"), I(7), I(8), T("eight"), consort_null())),
		CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 2\n");
	TESTING_TEXT(rows(), "1one1 2two2 3three3 7seven7 8eight-");
	CU_ASSERT_EQUAL(insert("id, name, n", "id", VALUES(I(20), T("x"), I(1), I(21), T("y"), I(1))),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 2\n20\n21\n");
	adapter_close(&test);
}

/* Nothing but defaults. */
static void test_insert_nothing(void)
{
	open_test("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT DEFAULT 'x', n INTEGER)");
	CU_ASSERT_EQUAL(insert("", "id, name", CONSORT_NO_ARGS), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 1\n1|x\n");
	adapter_close(&test);
}

static void test_constraints(void)
{
	static const struct {
		const char *attributes, *name, *sqlstate, *attribute, *constraint;
		int64_t id, n;
	} cases[] = {
		{"id, name, n", "new", "23505", "id", "PRIMARY KEY", 1, 5},
		{"id, name, n", "one", "23505", "name", "UNIQUE", 9, 5},
		{"id, name, n", NULL, "23502", "name", "NOT NULL", 9, 5},
		{"id, name, n", "new", "23514", "", "n < 100", 9, 500},
	};
	size_t i;

	open_test(TABLE);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL(insert(cases[i].attributes, NULL,
				       VALUES(I(cases[i].id), T(cases[i].name), I(cases[i].n))),
				CONSORT_ECONSTRAINT);
		TESTING_TEXT(test.error.sqlstate, cases[i].sqlstate);
		TESTING_TEXT(test.error.attribute, cases[i].attribute);
		TESTING_TEXT(test.error.constraint, cases[i].constraint);
		TESTING_TEXT(test.error.resource, "item");
		CU_ASSERT(test.error.code != 0);
	}
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT,
				      (struct adapter_write){.resource = "part",
							     .attributes = "item, no",
							     .values = VALUES(I(99), I(1))}),
			CONSORT_ECONSTRAINT);
	TESTING_TEXT(test.error.sqlstate, "23503");
	TESTING_TEXT(test.error.constraint, "FOREIGN KEY");
	TESTING_TEXT(rows(), "1one1 2two2");
	adapter_close(&test);
}

static void test_batches(void)
{
	open_test(TABLE);
	/* all or nothing */
	CU_ASSERT_EQUAL(insert("id, name, n", NULL,
			       VALUES(I(3), T("a"), I(1), I(4), T("one"), I(1), I(5), T("b"), I(1))),
			CONSORT_ECONSTRAINT);
	TESTING_CONTAINS(adapter_text(&test), "failed 1: UNIQUE constraint failed: item.name\n");
	TESTING_TEXT(rows(), "1one1 2two2");
	/* whatever fits */
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT,
				      (struct adapter_write){.resource = "item",
							     .attributes = "id, name, n",
							     .returning = "id",
							     .flags = CONSORT_WRITE_CONTINUE,
							     .values = VALUES(I(3), T("a"), I(1), I(4),
									      T("one"), I(1), I(5), T("b"),
									      I(101), I(6), T("c"), I(1))}),
			CONSORT_OK);
	TESTING_TEXT(
		adapter_text(&test),
		"failed 1: UNIQUE constraint failed: item.name\nfailed 2: CHECK constraint failed: n < 100\n"
		"affected 2\n3\n6\n");
	TESTING_TEXT(rows(), "1one1 2two2 3a1 6c1");
	/* inside a transaction the rest of it stays */
	CU_ASSERT_EQUAL(test.plugin->transaction->begin(
				test.connection, &test.call,
				&(struct consort_transaction_options){.struct_size = 32}, &test.error),
			CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(10), T("ten"))), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(11), T("x"), I(12), T("ten"))),
			CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(test.plugin->transaction->commit(test.connection, &test.call, &test.error),
			CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2 3a1 6c1 10ten-");
	adapter_close(&test);
}

static void test_update_and_delete(void)
{
	open_test(TABLE);
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_UPDATE,
				      (struct adapter_write){.resource = "item",
							     .attributes = "n, id",
							     .nkeys = 1,
							     .returning = "id, twice",
							     .values = VALUES(I(10), I(1), I(11), I(99))}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "failed 1: resource 'item' has no record with this key\naffected 1\n1|20\n");
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_UPDATE,
				      (struct adapter_write){.resource = "item",
							     .attributes = "id",
							     .nkeys = 1,
							     .values = VALUES(I(2))}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 1\n");
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_REMOVE,
				      (struct adapter_write){.resource = "item",
							     .attributes = "id",
							     .nkeys = 1,
							     .returning = "name",
							     .values = VALUES(I(2), I(5))}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "failed 1: resource 'item' has no record with this key\naffected 1\ntwo\n");
	TESTING_TEXT(rows(), "1one10");
	adapter_close(&test);
}

static uint32_t upsert(const char *resource, const char *attributes, const char *returning,
		       struct consort_args values)
{
	return adapter_write(&test, ADAPTER_UPSERT,
			     (struct adapter_write){.resource = resource,
						    .attributes = attributes,
						    .returning = returning,
						    .values = values});
}

static void test_upsert(void)
{
	open_test(TABLE ";CREATE TABLE word(w TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER)");
	CU_ASSERT_EQUAL(upsert("item", "id, name", "id, n", VALUES(I(1), T("uno"), I(3), T("tre"))),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 2\n1|1\n3|NULL\n");
	CU_ASSERT_EQUAL(upsert("part", "item, no", "no", VALUES(I(1), I(1), I(1), I(1))), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 2\n1\n1\n");
	CU_ASSERT_EQUAL(upsert("item", "id, name", NULL, VALUES(I(3), T("two"))), CONSORT_ECONSTRAINT);
	TESTING_TEXT(rows(), "1uno1 2two2 3tre-");
	/* 'A' would change the record of 'a' */
	CU_ASSERT_EQUAL(upsert("word", "w, n", NULL, VALUES(T("A"), I(1))), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(test.error.message, "NOCASE");
	adapter_close(&test);
}

/* A key that SQLite compares without case finds the record of these very bytes only. */
static void test_collated_key(void)
{
	open_test("CREATE TABLE word(w TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER); INSERT INTO word "
		  "VALUES('a', 1)");
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_UPDATE,
				      (struct adapter_write){.resource = "word",
							     .attributes = "n, w",
							     .nkeys = 1,
							     .values = VALUES(I(2), T("A"), I(3), T("a"))}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "failed 0: resource 'word' has no record with this key\naffected 1\n");
	TESTING_TEXT(sqlite_test_raw("SELECT w || n FROM word"), "a3");
	adapter_close(&test);
}

/* --- values --- */

/* What would come back different is refused. */
static void test_refused_values(void)
{
	static const struct {
		const char *column, *type, *value, *message;
	} cases[] = {
		{"REAL", NULL, "nan", "NULL"},
		{"DATE", NULL, "+10000-01-01", "years 0000 to 9999"},
		{"DATETIME", NULL, "-0001-01-01T00:00:00Z", "years 0000 to 9999"},
		{"INTEGER", "timestamp codec s", "2024-01-01T00:00:00.5Z", "finer than the column's seconds"},
		{"INTEGER", "timestamp codec ms", "2024-01-01T00:00:00.0005Z",
		 "finer than the column's milliseconds"},
		{"INTEGER", "text", "0123", "would become a number"},
		{"NUMERIC", "decimal(38,2)", "12345678901234567.89", "digits"},
		{"REAL", "int64", "9007199254740993", "more than a REAL column keeps"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *declared[] = {NULL, NULL};
		struct consort_resource *resource;
		struct consort_value value;
		char sql[128], declaration[64];

		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS item; CREATE TABLE item(v %s)",
			 cases[i].column);
		open_test(sql);
		snprintf(declaration, sizeof(declaration), "v = %s", cases[i].type ? cases[i].type : "");
		if (cases[i].type)
			declared[0] = declaration;
		resource = adapter_resource(&test, "item", declared);
		CU_ASSERT_EQUAL_FATAL(consort_value_parse(resource->attributes[0]->type, cases[i].value,
							  strlen(cases[i].value), &test.arena, &value,
							  &test.error),
				      CONSORT_OK);
		CU_ASSERT_EQUAL(insert("v", NULL, VALUES(value)), CONSORT_ERANGE);
		TESTING_CONTAINS(test.error.message, cases[i].message);
		TESTING_TEXT(test.error.attribute, "v");
		TESTING_TEXT(sqlite_test_raw("SELECT count(*) FROM item"), "0");
		adapter_close(&test);
	}
}

/* Every type through a table that define makes, and as it lies there. */
static void round_trip(const char *strict)
{
	static const struct {
		const char *name, *type, *value;
	} all[] = {
		{"i", "int64", "-9223372036854775808"},
		{"f", "float64", "0.1"},
		{"b", "bool", "true"},
		{"d", "decimal(38,10)", "-1234567890123456789012345678.0123456789"},
		{"t", "text", "é 'x' \"y\""},
		{"y", "bytes", "\\x00ff"},
		{"ts", "timestamp", "1969-12-31T23:59:59.999999Z"},
		{"dt", "date", "2024-02-29"},
		{"tm", "time", "23:59:59.999999"},
		{"u", "uuid", "550e8400-e29b-41d4-a716-446655440000"},
		{"o", "objectid", "507f1f77bcf86cd799439011"},
		{"j", "json", "{\"a\":[1,null]}"},
	};
	struct consort_resource resource = {
		.struct_size = sizeof(resource), .name = "item", .source = "item"};
	struct consort_setting setting = {"strict", consort_bool(!strcmp(strict, "yes"))};
	struct consort_attribute attributes[16];
	const struct consort_attribute *list[16];
	struct consort_value values[16], copy;
	struct consort_buffer names = CONSORT_BUFFER_INIT, expected = CONSORT_BUFFER_INIT;
	const char *declared[17] = {NULL};
	char declarations[16][64];
	uint32_t i;

	open_test(NULL);
	memset(attributes, 0, sizeof(attributes));
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		attributes[i] = (struct consort_attribute){.struct_size = sizeof(attributes[i]),
							   .name = all[i].name,
							   .source = all[i].name,
							   .engine_type = "",
							   .codec = ""};
		CU_ASSERT_EQUAL_FATAL(consort_type_parse(all[i].type, &attributes[i].type, &test.error),
				      CONSORT_OK);
		CU_ASSERT_EQUAL_FATAL(consort_value_parse(attributes[i].type, all[i].value,
							  strlen(all[i].value), &test.arena, &values[i],
							  &test.error),
				      CONSORT_OK);
		list[i] = &attributes[i];
		snprintf(declarations[i], sizeof(declarations[i]), "%s = %s", all[i].name, all[i].type);
		declared[i] = declarations[i];
		consort_buffer_printf(&names, "%s%s", i ? ", " : "", all[i].name);
		copy = values[i];
		consort_buffer_text(&expected, i ? "|" : "");
		consort_value_print(&copy, &expected);
	}
	consort_buffer_char(&expected, '\n');
	resource.attributes = list;
	resource.nattributes = i;
	resource.settings = &setting;
	resource.nsettings = 1;
	CU_ASSERT_EQUAL(
		test.plugin->schema->define(test.connection, &test.call, &resource, 0, NULL, &test.error),
		CONSORT_OK);
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(&test, "item", declared));
	CU_ASSERT_EQUAL(insert(names.data, NULL, (struct consort_args){values, i}), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "item"}), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), expected.data);
	/* and NULL in each */
	for (i = 0; i < resource.nattributes; i++)
		values[i] = consort_null();
	CU_ASSERT_EQUAL(insert(names.data, NULL, (struct consort_args){values, i}), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "item", .where = "i is null"}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n");
	consort_buffer_clear(&names);
	consort_buffer_clear(&expected);
	adapter_close(&test);
}

static void test_types_strict(void)
{
	round_trip("yes");
}

static void test_types_flexible(void)
{
	round_trip("no");
}

static void test_lists(void)
{
	struct consort_value items[] = {consort_text("a"), consort_null(), consort_text("b \"c\"")};
	struct consort_value list = consort_null();
	struct consort_type type = {.id = CONSORT_TYPE_LIST, .element = CONSORT_TYPE_TEXT};
	struct consort_resource *resource;

	open_test("CREATE TABLE item(id INTEGER PRIMARY KEY, tags TEXT)");
	resource = adapter_resource(&test, "item", NULL);
	((struct consort_attribute *)resource->attributes[1])->type = type;
	list.type = type;
	list.as.list.items = items;
	list.as.list.count = 3;
	CU_ASSERT_EQUAL(insert("id, tags", "tags", VALUES(I(1), list)), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "affected 1\n[\"a\",null,\"b \\\"c\\\"\"]\n");
	TESTING_TEXT(sqlite_test_raw("SELECT tags FROM item"), "[\"a\",null,\"b \\\"c\\\"\"]");
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "item", .select = "tags"}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "[\"a\",null,\"b \\\"c\\\"\"]\n");
	adapter_close(&test);
}

/* --- by query --- */

static uint32_t change(const char *where, const char *assignments, struct consort_args args,
		       int64_t *out_affected)
{
	return adapter_change(&test, "item", where, assignments, args, out_affected);
}

static void test_by_query(void)
{
	int64_t affected = -1;

	open_test(TABLE);
	CU_ASSERT_EQUAL(change("n > $1", "f = 2.5, name = name || '!'", VALUES(I(1)), &affected), CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 1);
	CU_ASSERT_EQUAL(change(NULL, "n = $1", VALUES(I(7)), &affected), CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 2);
	TESTING_TEXT(rows(), "1one7 2two!7");
	TESTING_TEXT(sqlite_test_raw("SELECT f FROM item WHERE id = 2"), "2.5");
	CU_ASSERT_EQUAL(change("id = 1", "n = $1", VALUES(I(700)), &affected), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(change("id = 1", "f = $1", VALUES(consort_float64(__builtin_nan(""))), &affected),
			CONSORT_ERANGE);
	CU_ASSERT_EQUAL(change("id = 1", NULL, CONSORT_NO_ARGS, &affected), CONSORT_OK);
	CU_ASSERT_EQUAL(affected, 1);
	TESTING_TEXT(rows(), "2two!7");
	CU_ASSERT_EQUAL(change("n + 1 = 3", NULL, CONSORT_NO_ARGS, &affected), CONSORT_EUNSUPPORTED);
	adapter_close(&test);
}

/* --- transactions --- */

static uint32_t begin(uint32_t flags)
{
	struct consort_transaction_options options = {.struct_size = sizeof(options), .flags = flags};

	memset(&test.error, 0, sizeof(test.error));
	return test.plugin->transaction->begin(test.connection, &test.call, &options, &test.error);
}

static uint32_t commit(void)
{
	memset(&test.error, 0, sizeof(test.error));
	return test.plugin->transaction->commit(test.connection, &test.call, &test.error);
}

static uint32_t roll_back(void)
{
	return test.plugin->transaction->rollback(test.connection, &test.call, &test.error);
}

static uint32_t wrote(void)
{
	uint32_t answer = 77;

	CU_ASSERT_EQUAL(test.plugin->transaction->wrote(test.connection, &test.call, &answer, &test.error),
			CONSORT_OK);
	return answer;
}

static void test_transactions(void)
{
	open_test(TABLE);
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(wrote(), 0);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(3), T("x"))), CONSORT_OK);
	CU_ASSERT_EQUAL(wrote(), 1);
	CU_ASSERT_EQUAL(begin(0), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(roll_back(), CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2");
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(3), T("x"))), CONSORT_OK);
	CU_ASSERT_EQUAL(commit(), CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2 3x-");
	CU_ASSERT_EQUAL(commit(), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(roll_back(), CONSORT_OK); /* of nothing */

	CU_ASSERT_EQUAL(begin(CONSORT_TRANSACTION_READ_ONLY), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(4), T("y"))), CONSORT_EREADONLY);
	TESTING_CONTAINS(test.error.message, "only reads");
	CU_ASSERT_EQUAL(commit(), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(4), T("y"))), CONSORT_OK);

	CU_ASSERT_EQUAL(begin(CONSORT_TRANSACTION_WILL_PREPARE), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(begin(CONSORT_TRANSACTION_DECIDES), CONSORT_EUNSUPPORTED); /* synchronous = normal */
	TESTING_CONTAINS(test.error.message, "synchronous");
	CU_ASSERT_EQUAL(begin(1u << 20), CONSORT_EUNSUPPORTED);
	adapter_close(&test);
}

static void test_savepoints(void)
{
	const struct consort_transaction_ops *tx;
	struct adapter_cursor cursor;
	int64_t count;

	open_test(TABLE);
	tx = test.plugin->transaction;
	CU_ASSERT_EQUAL(tx->savepoint(test.connection, &test.call, "a", &test.error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(3), T("x"))), CONSORT_OK);
	CU_ASSERT_EQUAL(tx->savepoint(test.connection, &test.call, "a", &test.error), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(4), T("y"), I(5), T("z"))), CONSORT_OK);
	/* a cursor that began before shows what was there then */
	test.max_rows = 1;
	CU_ASSERT_EQUAL(
		adapter_begin(&test,
			      (struct adapter_query){.resource = "item", .select = "id", .order = "id"},
			      &cursor),
		CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_next_text(&test, &cursor, &count), CONSORT_OK);
	CU_ASSERT_EQUAL(tx->rollback_to(test.connection, &test.call, "a", &test.error), CONSORT_OK);
	while (count && !(cursor.batch->flags & CONSORT_BATCH_LAST))
		CU_ASSERT_EQUAL_FATAL(adapter_next_text(&test, &cursor, &count), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "1\n2\n3\n4\n5\n");
	adapter_end(&test, &cursor);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(6), T("six"))), CONSORT_OK);
	CU_ASSERT_EQUAL(tx->release(test.connection, &test.call, "a", &test.error), CONSORT_OK);
	CU_ASSERT(tx->release(test.connection, &test.call, "a", &test.error) != CONSORT_OK);
	CU_ASSERT_EQUAL(commit(), CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2 3x- 6six-");
	adapter_close(&test);
}

/* When SQLite itself has rolled back, nothing else runs outside the transaction by mistake. */
static void test_broken_transaction(void)
{
	int64_t affected;

	open_test(TABLE ";CREATE TRIGGER t BEFORE INSERT ON item WHEN new.id = 666 BEGIN SELECT "
			"RAISE(ROLLBACK, 'gone'); END");
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(3), T("x"))), CONSORT_OK);
	CU_ASSERT(insert("id, name", NULL, VALUES(I(666), T("y"))) != CONSORT_OK);
	TESTING_TEXT(test.error.message, "gone");
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(4), T("z"))), CONSORT_ECONFLICT);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(adapter_native(&test, "DELETE FROM item", CONSORT_NO_ARGS, &affected),
			CONSORT_ECONFLICT);
	CU_ASSERT(commit() != CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2");
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name", NULL, VALUES(I(4), T("z"))), CONSORT_OK);
	CU_ASSERT_EQUAL(commit(), CONSORT_OK);
	TESTING_TEXT(rows(), "1one1 2two2 4z-");
	adapter_close(&test);
}

/* A deferred foreign key is refused by the commit, which then has rolled back. */
static void test_failing_commit(void)
{
	open_test("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, n INTEGER REFERENCES item(id) "
		  "DEFERRABLE INITIALLY "
		  "DEFERRED)");
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(insert("id, name, n", NULL, VALUES(I(1), T("x"), I(99))), CONSORT_OK);
	CU_ASSERT_EQUAL(commit(), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(begin(0), CONSORT_OK);
	CU_ASSERT_EQUAL(roll_back(), CONSORT_OK);
	TESTING_TEXT(sqlite_test_raw("SELECT count(*) FROM item"), "0");
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"insert", test_insert},
		{"insert-nothing", test_insert_nothing},
		{"constraints", test_constraints},
		{"batches", test_batches},
		{"update-and-delete", test_update_and_delete},
		{"upsert", test_upsert},
		{"collated-key", test_collated_key},
		{"refused-values", test_refused_values},
		{"types-strict", test_types_strict},
		{"types-flexible", test_types_flexible},
		{"lists", test_lists},
		{"by-query", test_by_query},
		{"transactions", test_transactions},
		{"savepoints", test_savepoints},
		{"broken-transaction", test_broken_transaction},
		{"failing-commit", test_failing_commit},
		{NULL, NULL},
	};

	return testing_main("sqlite-write", cases, argc, argv);
}
