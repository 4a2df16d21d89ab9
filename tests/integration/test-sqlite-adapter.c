/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: reading. Types, wrong values, plans to SQL. */
#include "sqlite-adapter.h"

#include <stdio.h>
#include <stdlib.h>

#define FLIGHTS                                                                                           \
	"CREATE TABLE flight(id INTEGER PRIMARY KEY, origin TEXT NOT NULL, delay INTEGER, distance REAL," \
	" day DATE, at DATETIME, cancelled BOOLEAN);"                                                     \
	"INSERT INTO flight VALUES(1,'SFO',5,100.5,'2024-01-01','2024-01-01 10:00:00',0),"                \
	"(2,'LAX',NULL,NULL,NULL,NULL,NULL),(3,'SFO',-7,3,'1999-12-31','1999-12-31T23:59:59.5Z',1),"      \
	"(4,'sfo',90,1e300,'2024-02-29','2024-02-29 00:00:00+02:00',0);"

#define QUERY ADAPTER_QUERY
#define OK(call) ADAPTER_OK(&test, call)

/* --- values --- */

static void test_scan(void)
{
	struct adapter_test test;

	sqlite_test_open(&test, FLIGHTS, NULL);
	OK(adapter_run(&test, QUERY(.resource = "flight")));
	TESTING_TEXT(test.text.data, "1|SFO|5|100.5|2024-01-01|2024-01-01T10:00:00Z|false\n"
				     "2|LAX|NULL|NULL|NULL|NULL|NULL\n"
				     "3|SFO|-7|3.0|1999-12-31|1999-12-31T23:59:59.500000Z|true\n"
				     "4|sfo|90|1e300|2024-02-29|2024-02-28T22:00:00Z|false\n");
	test.max_rows = 1; /* batches end anywhere */
	OK(adapter_run(&test, QUERY(.resource = "flight", .select = "id")));
	TESTING_TEXT(test.text.data, "1\n2\n3\n4\n");
	adapter_close(&test);
}

static void test_forms(void)
{
	static const char *const declared[] = {
		"us = timestamp codec us",
		"ms = timestamp codec ms",
		"s = timestamp codec s",
		"iso = timestamp codec iso",
		"days = date codec days",
		"date = date",
		"tus = time codec us",
		"tiso = time codec iso",
		"ub = uuid",
		"ut = uuid codec text",
		"ob = objectid codec blob",
		"ot = objectid codec text",
		"d = decimal(10,2)",
		"dn = decimal(10,2)",
		"j = json",
		"num = int64",
		NULL,
	};
	struct adapter_test test;

	sqlite_test_open(
		&test,
		"CREATE TABLE x(us INTEGER, ms INTEGER, s INTEGER, iso TEXT, days INTEGER, date TEXT, tus "
		"INTEGER,"
		" tiso TEXT, ub BLOB, ut TEXT, ob BLOB, ot TEXT, d TEXT, dn DECIMAL(10,2), j JSON, any, num "
		"TEXT);"
		"INSERT INTO x VALUES(-1, -1, -1, '2000-01-01', -1, '0001-02-03', 86399999999, '10:00',"
		" x'000102030405060708090a0b0c0d0e0f', 'ffffffff-ffff-ffff-ffff-ffffffffffff',"
		" x'0102030405060708090a0b0c', 'ffeeddccbbaa998877665544', '-1.5', '12345.67',"
		" ' { \"a\" : [1, 2.50] } ', 1.5, '0042');"
		"INSERT INTO x(any, dn, d, num) VALUES(7, 3, '0', -1)",
		NULL);
	CU_ASSERT_PTR_NOT_NULL(adapter_resource(&test, "x", declared));
	OK(adapter_run(&test, QUERY(.resource = "x")));
	TESTING_TEXT(test.text.data,
		     "1969-12-31T23:59:59.999999Z|1969-12-31T23:59:59.999000Z|1969-12-31T23:59:59Z|2000-01-"
		     "01T00:00:00Z|"
		     "1969-12-31|0001-02-03|23:59:59.999999|10:00:00|00010203-0405-0607-0809-0a0b0c0d0e0f|"
		     "ffffffff-ffff-ffff-ffff-ffffffffffff|0102030405060708090a0b0c|ffeeddccbbaa998877665544|"
		     "-1.50|12345.67|"
		     "{\"a\":[1,2.50]}|1.5|42\n"
		     "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0.00|3.00|NULL|7|-1\n");
	adapter_close(&test);
}

/* A value that is not of its attribute's type ends the query, with an error that shows it. */
static void test_wrong_values(void)
{
	static const struct {
		const char *column, *value, *type, *message;
	} wrong[] = {
		{"INTEGER", "'abc'", NULL, "the text 'abc', which is not an integer"},
		{"INTEGER", "2.5", NULL, "the number 2.5, which is not an integer"},
		{"INTEGER", "x'00ff'", NULL, "a blob of 2 bytes, which is not an integer"},
		{"REAL", "'x'", NULL, "the text 'x', which is not"},
		{"NUMERIC", "9007199254740993", NULL, "the integer 9007199254740993, which is not"},
		{"TEXT", "x'61'", NULL, "a blob of 1 bytes, which is not"},
		{"TEXT", "'a' || char(0) || 'b'", NULL, "a text with a NUL (byte 2)"},
		{"TEXT", "CAST(x'61ff' AS TEXT)", NULL, "a text that is not UTF-8 (byte 2)"},
		{"BLOB", "'text'", NULL, "the text 'text', which is not"},
		{"BOOLEAN", "2", NULL, "the integer 2, which is not a bool"},
		{"DATE", "'2024-02-30'", NULL, "'2024-02-30', which is not a date as YYYY-MM-DD"},
		{"DATE", "'2024-2-3'", NULL, "which is not a date as YYYY-MM-DD"},
		{"DATETIME", "1700000000", NULL, "the integer 1700000000, which is not a timestamp as text"},
		{"DATETIME", "'yesterday'", NULL, "'yesterday'"},
		{"UUID", "'550E8400-E29B-41D4-A716-446655440000'", NULL, "lower case"},
		{"BLOB", "x'01'", "uuid", "a blob of 1 bytes, which is not a uuid"},
		{"INTEGER", "9223372036854775807", "timestamp codec s",
		 "which is not a timestamp in seconds"},
		{"INTEGER", "86400000000", "time", "which is not a time"},
		{"TEXT", "'1.234'", "decimal(10,2)", "attribute 'v'"},
		{"TEXT", "'{\"a\":'", "json", "attribute 'v'"},
		{"TEXT", "'twelve'", "int64", "attribute 'v'"},
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *declared[] = {NULL, NULL};
		char sql[512], declaration[64];
		struct adapter_test test;

		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s, n INTEGER); INSERT INTO x VALUES(%s, "
			 "1)",
			 wrong[i].column, wrong[i].value);
		sqlite_test_open(&test, sql, NULL);
		if (wrong[i].type) {
			snprintf(declaration, sizeof(declaration), "v = %s", wrong[i].type);
			declared[0] = declaration;
		}
		adapter_resource(&test, "x", declared);
		CU_ASSERT(adapter_run(&test, QUERY(.resource = "x", .select = "v")) != CONSORT_OK);
		TESTING_CONTAINS(test.error.message, wrong[i].message);
		TESTING_TEXT(test.error.resource, "x");
		TESTING_TEXT(test.error.attribute, "v");
		OK(adapter_run(&test, QUERY(.resource = "x", .select = "n"))); /* it is not looked at */
		adapter_close(&test);
	}
}

/* No condition, order, group or sum takes such a value for one of the type. */
static void test_wrong_values_used(void)
{
	static const struct adapter_query queries[] = {
		{.resource = "x", .select = "id", .where = "n > 5"},
		{.resource = "x", .select = "id", .where = "n <> 5"},
		{.resource = "x", .select = "id", .where = "not (n = 5)"},
		{.resource = "x", .select = "id", .order = "n desc"},
		{.resource = "x", .select = "sum(n)"},
		{.resource = "x", .select = "max(n)"},
		{.resource = "x", .select = "count(distinct n)"},
		{.resource = "x", .select = "n, count(*)", .group = "n"},
	};
	struct adapter_test test;
	size_t i;

	sqlite_test_open(&test,
			 "CREATE TABLE x(id INTEGER PRIMARY KEY, n INTEGER, s TEXT);"
			 "INSERT INTO x VALUES(1, 5, 'a'), (2, 'abc', 'x' || char(0) || 'y'), (3, 10, 'b')",
			 NULL);
	for (i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		CU_ASSERT_EQUAL(adapter_run(&test, queries[i]), CONSORT_ETYPE);
		TESTING_TEXT(test.error.message,
			     "resource 'x', attribute 'n': the table holds the text 'abc', which is not "
			     "an integer");
	}
	/* where the engine's own comparison rules it out, it is passed over */
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "id", .where = "n <= 5")));
	TESTING_TEXT(test.text.data, "1\n");
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "id", .where = "n > 5 and id <> 2")));
	TESTING_TEXT(test.text.data, "3\n");
	/* GLOB would find x\0y */
	CU_ASSERT_EQUAL(adapter_run(&test, QUERY(.resource = "x", .select = "id", .where = "s like 'x'")),
			CONSORT_ETYPE);
	TESTING_CONTAINS(test.error.message, "a text with a NUL");
	CU_ASSERT_EQUAL(adapter_run(&test, QUERY(.resource = "x", .select = "id", .where = "length(s) = 1")),
			CONSORT_ETYPE);
	adapter_close(&test);
}

/* --- plans --- */

static void test_sql(void)
{
	static const struct {
		struct adapter_query query;
		const char *sql;
	} cases[] = {
		{{.resource = "flight", .select = "id, origin"}, "SELECT \"id\", \"origin\" FROM \"flight\""},
		{{.resource = "flight", .select = "id", .where = "id = 7"},
		 "SELECT \"id\" FROM \"flight\" WHERE \"id\" = 7"},
		{{.resource = "flight", .select = "id", .where = "delay > 7 and origin = 'it''s'"},
		 "SELECT \"id\" FROM \"flight\" WHERE \"delay\" > 7 AND \"origin\" = 'it''s' AND "
		 "consort_int64(\"delay\", 'flight', 'delay')"},
		{{.resource = "strict", .select = "a", .where = "a > 7 and b like 'x*%'"},
		 "SELECT \"a\" FROM \"strict\" WHERE \"a\" > 7 AND (\"b\" GLOB 'x[*]*') AND "
		 "consort_text(\"b\", 'strict', 'b')"},
		{{.resource = "strict", .select = "a", .order = "a nulls first, b desc nulls last"},
		 "SELECT \"a\" FROM \"strict\" WHERE consort_text(\"b\", 'strict', 'b') ORDER BY \"a\", "
		 "\"b\" DESC"},
		{{.resource = "strict", .select = "a", .order = "a, b desc"},
		 "SELECT \"a\" FROM \"strict\" WHERE consort_text(\"b\", 'strict', 'b') ORDER BY \"a\" NULLS "
		 "LAST, \"b\" DESC NULLS FIRST"},
		{{.resource = "strict", .select = "c", .order = "c, c desc", .limit = 3, .offset = 2},
		 "SELECT \"c\" FROM \"strict\" ORDER BY \"c\", \"c\" DESC LIMIT 3 OFFSET 2"},
		{{.resource = "strict", .select = "n", .where = "n = 'a'", .order = "n"},
		 "SELECT \"n\" FROM \"strict\" WHERE (\"n\" = 'a' AND \"n\" COLLATE BINARY = 'a') ORDER BY "
		 "\"n\" COLLATE BINARY "
		 "NULLS LAST"},
		{{.resource = "strict",
		  .select = "b, sum(a) as total",
		  .group = "b",
		  .having = "sum(a) > 3",
		  .order = "total"},
		 "SELECT q1.c0, q1.c1 FROM (SELECT \"b\" AS c0, consort_sum_int64(\"a\") AS c1 FROM "
		 "\"strict\" WHERE consort_text(\"b\", 'strict', 'b') GROUP BY \"b\") "
		 "AS q1 WHERE q1.c1 > 3 ORDER BY q1.c1 NULLS LAST"},
	};
	struct adapter_test test;
	size_t i;

	sqlite_test_open(
		&test,
		FLIGHTS
		"CREATE TABLE strict(a INTEGER, b TEXT, c INTEGER NOT NULL, n TEXT COLLATE NOCASE) STRICT",
		NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		OK(adapter_explain(&test, cases[i].query));
		TESTING_TEXT(test.text.data, cases[i].sql);
	}
	adapter_close(&test);
}

static void test_refused(void)
{
	static const struct {
		const char *where, *reason;
	} cases[] = {
		{"delay + 1 > 5", "overflows"},
		{"delay / 2 = 1", "division by zero"},
		{"origin ilike 'sfo'", "ASCII"},
		{"lower(origin) = 'sfo'", "ASCII"},
		{"at is distinct from day", "as they are stored"},
		{"doc ->> 'a' = 'x'", "paths"},
		{"origin like origin", "pattern"},
		{"price = 1.5", "as they are stored"},
		{"delay::float8 > 2.5", "makes something up"},
	};
	static const char *const declared[] = {"doc = json", "price = decimal(5,1)", NULL};
	struct adapter_test test;
	size_t i;

	sqlite_test_open(&test,
			 FLIGHTS
			 "ALTER TABLE flight ADD COLUMN doc TEXT; ALTER TABLE flight ADD COLUMN price TEXT",
			 NULL);
	adapter_resource(&test, "flight", declared);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		OK(adapter_offer(&test,
				 QUERY(.resource = "flight", .select = "id", .where = cases[i].where)));
		TESTING_CONTAINS(adapter_text(&test), cases[i].reason);
	}
	OK(adapter_offer(&test, QUERY(.resource = "flight", .select = "id",
				      .where = "at > timestamp '2024-01-01 00:00:00'")));
	TESTING_CONTAINS(test.text.data, "superset: ");
	OK(adapter_offer(&test, QUERY(.resource = "flight", .select = "id", .order = "doc")));
	TESTING_CONTAINS(test.text.data, "does not order");
	OK(adapter_offer(&test, QUERY(.resource = "flight", .select = "sum(price)")));
	TESTING_CONTAINS(test.text.data, "stored as text");
	adapter_close(&test);
}

static void test_parameters(void)
{
	struct adapter_test test;
	struct adapter_query query = QUERY(.resource = "flight", .select = "id", .order = "id");

	sqlite_test_open(&test, FLIGHTS, NULL);
	query.where = "origin = $1 and delay > $2";
	query.args = CONSORT_ARGS(consort_text("SFO"), consort_int64(-10));
	OK(adapter_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n");
	query.where =
		"distance < $1"; /* NaN is greatest, and nothing that SQLite would compare so by itself */
	query.args = CONSORT_ARGS(consort_float64(__builtin_nan("")));
	OK(adapter_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n4\n");
	query.where = "distance = $1";
	OK(adapter_run(&test, query));
	CU_ASSERT_EQUAL(test.text.size, 0);
	query.where = "origin like $1";
	query.args = CONSORT_ARGS(consort_text("_F%"));
	OK(adapter_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n");
	query.args = CONSORT_ARGS(consort_text("a\\"));
	CU_ASSERT_EQUAL(adapter_run(&test, query), CONSORT_ESYNTAX);
	query.where = "day > $1"; /* a year that no stored text can show */
	query.args = CONSORT_ARGS(consort_date(-800000));
	OK(adapter_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n4\n");
	query.where = "day in ($1, $2)";
	query.args = CONSORT_ARGS(consort_date(19723), consort_null());
	test.error.status = 0;
	query.args = CONSORT_ARGS(consort_date(19723), consort_date(4000000));
	OK(adapter_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n");
	adapter_close(&test);
}

static void test_aggregates(void)
{
	struct adapter_test test;

	sqlite_test_open(&test,
			 "CREATE TABLE x(g TEXT COLLATE NOCASE, n INTEGER, f REAL, z, b BOOLEAN);"
			 "INSERT INTO x VALUES('a', 1, 0.5, -0.0, 1), ('A', 2, 1.5, 0.0, 0), ('a', NULL, "
			 "NULL, 1.0, 1),"
			 " (NULL, 9223372036854775807, 2, NULL, NULL)",
			 NULL);
	adapter_resource(&test, "x", (const char *const[]){"z = float64", NULL});
	OK(adapter_run(&test, QUERY(.resource = "x",
				    .select = "count(*), count(n), count(distinct g), min(f), max(g), "
					      "avg(f), max(b)")));
	TESTING_TEXT(test.text.data, "4|3|2|0.5|a|1.3333333333333333|true\n");
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "g, count(*), sum(n), avg(n)", .group = "g",
				    .order = "g")));
	TESTING_TEXT(test.text.data,
		     "A|1|2|2.0\na|2|1|1.0\nNULL|1|9223372036854775807|9.223372036854776e18\n");
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "z, count(*)", .group = "z", .order = "z")));
	TESTING_TEXT(test.text.data, "0.0|2\n1.0|1\nNULL|1\n");
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "sum(n), sum(f), count(*), min(g)",
				    .where = "n = 77")));
	TESTING_TEXT(test.text.data, "NULL|NULL|0|NULL\n");
	CU_ASSERT_EQUAL(adapter_run(&test, QUERY(.resource = "x", .select = "sum(n)")), CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "overflow");
	/* an overflow on the way is none: the sum has 128 bits */
	sqlite_test_raw("INSERT INTO x(n) VALUES(-5)");
	OK(adapter_run(&test, QUERY(.resource = "x", .select = "sum(n)")));
	TESTING_TEXT(test.text.data, "9223372036854775805\n");
	adapter_close(&test);
}

/* --- joins --- */

#define BOOKS                                                                                         \
	"CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT, country TEXT);"                       \
	"INSERT INTO author VALUES(1,'Le Guin','US'),(2,'Lem','PL'),(3,'Nobody',NULL);"               \
	"CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, author_id INTEGER REFERENCES author);" \
	"INSERT INTO book VALUES(10,'Solaris',2),(11,'Eden',2),(12,'Anonymous',NULL),(13,'Rocannon',1);"

static void test_left_join(void)
{
	struct adapter_test test;

	sqlite_test_open(&test, BOOKS, NULL);
	OK(adapter_run(&test, QUERY(.resource = "book", .select = "title, author.name", .order = "title")));
	TESTING_TEXT(test.text.data, "Anonymous|NULL\nEden|Lem\nRocannon|Le Guin\nSolaris|Lem\n");
	OK(adapter_run(&test, QUERY(.resource = "book", .select = "title",
				    .where = "author.name = 'Lem' and id > 10")));
	TESTING_TEXT(test.text.data, "Eden\n");
	OK(adapter_run(&test, QUERY(.resource = "book", .select = "author.country, count(*)",
				    .group = "author.country", .order = "count(*) desc, author.country")));
	TESTING_TEXT(test.text.data, "PL|2\nUS|1\nNULL|1\n");
	adapter_close(&test);
}

/* Other kinds, made of a left join's tree. */
static void test_other_joins(void)
{
	static const struct {
		uint32_t join;
		const char *answer;
	} kinds[] = {
		{CONSORT_JOIN_INNER, "10\n11\n13\n"},
		{CONSORT_JOIN_SEMI, "10\n11\n13\n"},
		{CONSORT_JOIN_ANTI, "12\n"},
	};
	struct consort_args none = CONSORT_NO_ARGS;
	struct adapter_test test;
	size_t i;

	sqlite_test_open(&test, BOOKS, NULL);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct consort_logical logical;
		struct consort_node *root = adapter_tree(
			&test, QUERY(.resource = "book", .select = "id, author.name", .order = "id"),
			&logical);
		struct consort_node *join = root, *project = root;
		const struct consort_expr *first;
		struct adapter_cursor cursor;
		int64_t rows;

		while (join->kind != CONSORT_NODE_JOIN)
			join = (struct consort_node *)join->inputs[0];
		join->join = kinds[i].join;
		/* only the left side's columns */
		while (project->kind != CONSORT_NODE_PROJECT)
			project = (struct consort_node *)project->inputs[0];
		first = project->exprs[0];
		CU_ASSERT_EQUAL(first->kind, CONSORT_EXPR_COLUMN);
		project->nexprs = project->nfields = 1;
		OK(adapter_begin_tree(&test, root, none, NULL, &cursor));
		OK(adapter_next_text(&test, &cursor, &rows));
		TESTING_TEXT(test.text.data, kinds[i].answer);
		adapter_end(&test, &cursor);
	}
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"scan", test_scan},
		{"forms", test_forms},
		{"wrong-values", test_wrong_values},
		{"wrong-values-used", test_wrong_values_used},
		{"sql", test_sql},
		{"refused", test_refused},
		{"parameters", test_parameters},
		{"aggregates", test_aggregates},
		{"left-join", test_left_join},
		{"other-joins", test_other_joins},
		{NULL, NULL},
	};

	return testing_main("sqlite-adapter", cases, argc, argv);
}
