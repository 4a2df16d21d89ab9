/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: reading. Types, wrong values, plans to SQL, keys, cursors. */
#include "sqlite-adapter.h"

#include <stdio.h>
#include <stdlib.h>

#define FLIGHTS                                                                                           \
	"CREATE TABLE flight(id INTEGER PRIMARY KEY, origin TEXT NOT NULL, delay INTEGER, distance REAL," \
	" day DATE, at DATETIME, cancelled BOOLEAN);"                                                     \
	"INSERT INTO flight VALUES(1,'SFO',5,100.5,'2024-01-01','2024-01-01 10:00:00',0),"                \
	"(2,'LAX',NULL,NULL,NULL,NULL,NULL),(3,'SFO',-7,3,'1999-12-31','1999-12-31T23:59:59.5Z',1),"      \
	"(4,'sfo',90,1e300,'2024-02-29','2024-02-29 00:00:00+02:00',0);"

#define QUERY(...) ((struct sqlite_query){__VA_ARGS__})
#define OK(call)                                                                                       \
	CU_assertImplementation(sqlite_ok(&test, (call)) == CONSORT_OK, __LINE__, #call, __FILE__, "", \
				CU_FALSE)

/* Shows what went wrong. */
static uint32_t sqlite_ok(const struct sqlite_test *test, uint32_t status)
{
	if (status)
		fprintf(stderr, "status %u: %s\n", status, test->error.message);
	return status;
}

/* --- values --- */

static void test_scan(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test, FLIGHTS, NULL);
	OK(sqlite_test_run(&test, QUERY(.resource = "flight")));
	TESTING_TEXT(test.text.data, "1|SFO|5|100.5|2024-01-01|2024-01-01T10:00:00Z|false\n"
				     "2|LAX|NULL|NULL|NULL|NULL|NULL\n"
				     "3|SFO|-7|3.0|1999-12-31|1999-12-31T23:59:59.500000Z|true\n"
				     "4|sfo|90|1e300|2024-02-29|2024-02-28T22:00:00Z|false\n");
	test.max_rows = 1; /* batches end anywhere */
	OK(sqlite_test_run(&test, QUERY(.resource = "flight", .select = "id")));
	TESTING_TEXT(test.text.data, "1\n2\n3\n4\n");
	sqlite_test_close(&test);
}

static void test_forms(void)
{
	static const char *const declared[] = {
		"us timestamp us",
		"ms timestamp ms",
		"s timestamp s",
		"iso timestamp iso",
		"days date days",
		"date date",
		"tus time us",
		"tiso time iso",
		"ub uuid",
		"ut uuid text",
		"ob objectid blob",
		"ot objectid text",
		"d decimal(10,2)",
		"dn decimal(10,2)",
		"j json",
		"num int64",
		NULL,
	};
	struct sqlite_test test;

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
	CU_ASSERT_PTR_NOT_NULL(sqlite_test_resource(&test, "x", declared));
	OK(sqlite_test_run(&test, QUERY(.resource = "x")));
	TESTING_TEXT(test.text.data,
		     "1969-12-31T23:59:59.999999Z|1969-12-31T23:59:59.999000Z|1969-12-31T23:59:59Z|2000-01-"
		     "01T00:00:00Z|"
		     "1969-12-31|0001-02-03|23:59:59.999999|10:00:00|00010203-0405-0607-0809-0a0b0c0d0e0f|"
		     "ffffffff-ffff-ffff-ffff-ffffffffffff|0102030405060708090a0b0c|ffeeddccbbaa998877665544|"
		     "-1.50|12345.67|"
		     "{\"a\":[1,2.50]}|1.5|42\n"
		     "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0.00|3.00|NULL|7|-1\n");
	sqlite_test_close(&test);
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
		{"INTEGER", "9223372036854775807", "timestamp s", "which is not a timestamp in seconds"},
		{"INTEGER", "86400000000", "time", "which is not a time"},
		{"TEXT", "'1.234'", "decimal(10,2)", "attribute 'v'"},
		{"TEXT", "'{\"a\":'", "json", "attribute 'v'"},
		{"TEXT", "'twelve'", "int64", "attribute 'v'"},
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *declared[] = {NULL, NULL};
		char sql[512], declaration[64];
		struct sqlite_test test;

		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s, n INTEGER); INSERT INTO x VALUES(%s, "
			 "1)",
			 wrong[i].column, wrong[i].value);
		sqlite_test_open(&test, sql, NULL);
		if (wrong[i].type) {
			snprintf(declaration, sizeof(declaration), "v %s", wrong[i].type);
			declared[0] = declaration;
		}
		sqlite_test_resource(&test, "x", declared);
		CU_ASSERT(sqlite_test_run(&test, QUERY(.resource = "x", .select = "v")) != CONSORT_OK);
		TESTING_CONTAINS(test.error.message, wrong[i].message);
		TESTING_TEXT(test.error.resource, "x");
		TESTING_TEXT(test.error.attribute, "v");
		OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "n"))); /* it is not looked at */
		sqlite_test_close(&test);
	}
}

/* No condition, order, group or sum takes such a value for one of the type. */
static void test_wrong_values_used(void)
{
	static const struct sqlite_query queries[] = {
		{.resource = "x", .select = "id", .where = "n > 5"},
		{.resource = "x", .select = "id", .where = "n <> 5"},
		{.resource = "x", .select = "id", .where = "not (n = 5)"},
		{.resource = "x", .select = "id", .order = "n desc"},
		{.resource = "x", .select = "sum(n)"},
		{.resource = "x", .select = "max(n)"},
		{.resource = "x", .select = "count(distinct n)"},
		{.resource = "x", .select = "n, count(*)", .group = "n"},
	};
	struct sqlite_test test;
	size_t i;

	sqlite_test_open(&test,
			 "CREATE TABLE x(id INTEGER PRIMARY KEY, n INTEGER, s TEXT);"
			 "INSERT INTO x VALUES(1, 5, 'a'), (2, 'abc', 'x' || char(0) || 'y'), (3, 10, 'b')",
			 NULL);
	for (i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		CU_ASSERT_EQUAL(sqlite_test_run(&test, queries[i]), CONSORT_ETYPE);
		TESTING_TEXT(test.error.message,
			     "resource 'x', attribute 'n': the table holds the text 'abc', which is not "
			     "an integer");
	}
	/* where the engine's own comparison rules it out, it is passed over */
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "id", .where = "n <= 5")));
	TESTING_TEXT(test.text.data, "1\n");
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "id", .where = "n > 5 and id <> 2")));
	TESTING_TEXT(test.text.data, "3\n");
	/* GLOB would find x\0y */
	CU_ASSERT_EQUAL(sqlite_test_run(&test, QUERY(.resource = "x", .select = "id", .where = "s like 'x'")),
			CONSORT_ETYPE);
	TESTING_CONTAINS(test.error.message, "a text with a NUL");
	CU_ASSERT_EQUAL(
		sqlite_test_run(&test, QUERY(.resource = "x", .select = "id", .where = "length(s) = 1")),
		CONSORT_ETYPE);
	sqlite_test_close(&test);
}

/* --- plans --- */

static void test_sql(void)
{
	static const struct {
		struct sqlite_query query;
		const char *sql;
	} cases[] = {
		{{.resource = "flight", .select = "id, origin"}, "SELECT \"id\", \"origin\" FROM \"flight\""},
		{{.resource = "flight", .select = "id", .where = "id = 7"},
		 "SELECT \"id\" FROM \"flight\" WHERE \"id\" = 7"},
		{{.resource = "flight", .select = "id", .where = "delay > 7 and origin = 'it''s'"},
		 "SELECT \"id\" FROM \"flight\" WHERE \"delay\" > 7 AND \"origin\" = 'it''s' AND "
		 "consort_text(\"origin\", 'flight', 'origin') AND consort_int64(\"delay\", 'flight', "
		 "'delay')"},
		{{.resource = "strict", .select = "a", .where = "a > 7 and b like 'x*%'"},
		 "SELECT \"a\" FROM \"strict\" WHERE \"a\" > 7 AND (\"b\" GLOB 'x[*]*') AND "
		 "consort_text(\"b\", 'strict', 'b')"},
		{{.resource = "strict", .select = "a", .order = "a nulls first, b desc nulls last"},
		 "SELECT \"a\" FROM \"strict\" ORDER BY \"a\", \"b\" DESC"},
		{{.resource = "strict", .select = "a", .order = "a, b desc"},
		 "SELECT \"a\" FROM \"strict\" ORDER BY \"a\" NULLS LAST, \"b\" DESC NULLS FIRST"},
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
		 "\"strict\" GROUP BY \"b\") "
		 "AS q1 WHERE q1.c1 > 3 ORDER BY q1.c1 NULLS LAST"},
	};
	struct sqlite_test test;
	size_t i;

	sqlite_test_open(
		&test,
		FLIGHTS
		"CREATE TABLE strict(a INTEGER, b TEXT, c INTEGER NOT NULL, n TEXT COLLATE NOCASE) STRICT",
		NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		OK(sqlite_test_explain(&test, cases[i].query));
		TESTING_TEXT(test.text.data, cases[i].sql);
	}
	sqlite_test_close(&test);
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
	static const char *const declared[] = {"doc json", "price decimal(5,1)", NULL};
	struct sqlite_test test;
	size_t i;

	sqlite_test_open(&test,
			 FLIGHTS
			 "ALTER TABLE flight ADD COLUMN doc TEXT; ALTER TABLE flight ADD COLUMN price TEXT",
			 NULL);
	sqlite_test_resource(&test, "flight", declared);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		OK(sqlite_test_offer(&test,
				     QUERY(.resource = "flight", .select = "id", .where = cases[i].where)));
		TESTING_CONTAINS(test.text.data ? test.text.data : "", cases[i].reason);
	}
	OK(sqlite_test_offer(&test, QUERY(.resource = "flight", .select = "id",
					  .where = "at > timestamp '2024-01-01 00:00:00'")));
	TESTING_CONTAINS(test.text.data, "superset: ");
	OK(sqlite_test_offer(&test, QUERY(.resource = "flight", .select = "id", .order = "doc")));
	TESTING_CONTAINS(test.text.data, "does not order");
	OK(sqlite_test_offer(&test, QUERY(.resource = "flight", .select = "sum(price)")));
	TESTING_CONTAINS(test.text.data, "stored as text");
	sqlite_test_close(&test);
}

static void test_parameters(void)
{
	struct sqlite_test test;
	struct sqlite_query query = QUERY(.resource = "flight", .select = "id", .order = "id");

	sqlite_test_open(&test, FLIGHTS, NULL);
	query.where = "origin = $1 and delay > $2";
	query.args = CONSORT_ARGS(consort_text("SFO"), consort_int64(-10));
	OK(sqlite_test_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n");
	query.where =
		"distance < $1"; /* NaN is greatest, and nothing that SQLite would compare so by itself */
	query.args = CONSORT_ARGS(consort_float64(__builtin_nan("")));
	OK(sqlite_test_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n4\n");
	query.where = "distance = $1";
	OK(sqlite_test_run(&test, query));
	CU_ASSERT_EQUAL(test.text.size, 0);
	query.where = "origin like $1";
	query.args = CONSORT_ARGS(consort_text("_F%"));
	OK(sqlite_test_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n");
	query.args = CONSORT_ARGS(consort_text("a\\"));
	CU_ASSERT_EQUAL(sqlite_test_run(&test, query), CONSORT_ESYNTAX);
	query.where = "day > $1"; /* a year that no stored text can show */
	query.args = CONSORT_ARGS(consort_date(-800000));
	OK(sqlite_test_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n3\n4\n");
	query.where = "day in ($1, $2)";
	query.args = CONSORT_ARGS(consort_date(19723), consort_null());
	test.error.status = 0;
	query.args = CONSORT_ARGS(consort_date(19723), consort_date(4000000));
	OK(sqlite_test_run(&test, query));
	TESTING_TEXT(test.text.data, "1\n");
	sqlite_test_close(&test);
}

static void test_aggregates(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test,
			 "CREATE TABLE x(g TEXT COLLATE NOCASE, n INTEGER, f REAL, z, b BOOLEAN);"
			 "INSERT INTO x VALUES('a', 1, 0.5, -0.0, 1), ('A', 2, 1.5, 0.0, 0), ('a', NULL, "
			 "NULL, 1.0, 1),"
			 " (NULL, 9223372036854775807, 2, NULL, NULL)",
			 NULL);
	sqlite_test_resource(&test, "x", (const char *const[]){"z float64", NULL});
	OK(sqlite_test_run(&test, QUERY(.resource = "x",
					.select = "count(*), count(n), count(distinct g), min(f), max(g), "
						  "avg(f), max(b)")));
	TESTING_TEXT(test.text.data, "4|3|2|0.5|a|1.3333333333333333|true\n");
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "g, count(*), sum(n), avg(n)",
					.group = "g", .order = "g")));
	TESTING_TEXT(test.text.data,
		     "A|1|2|2.0\na|2|1|1.0\nNULL|1|9223372036854775807|9.223372036854776e18\n");
	OK(sqlite_test_run(&test,
			   QUERY(.resource = "x", .select = "z, count(*)", .group = "z", .order = "z")));
	TESTING_TEXT(test.text.data, "0.0|2\n1.0|1\nNULL|1\n");
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "sum(n), sum(f), count(*), min(g)",
					.where = "n = 77")));
	TESTING_TEXT(test.text.data, "NULL|NULL|0|NULL\n");
	CU_ASSERT_EQUAL(sqlite_test_run(&test, QUERY(.resource = "x", .select = "sum(n)")), CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "overflow");
	/* an overflow on the way is none: the sum has 128 bits */
	sqlite_test_raw(&test, "INSERT INTO x(n) VALUES(-5)");
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "sum(n)")));
	TESTING_TEXT(test.text.data, "9223372036854775805\n");
	sqlite_test_close(&test);
}

/* --- joins --- */

#define BOOKS                                                                                         \
	"CREATE TABLE author(id INTEGER PRIMARY KEY, name TEXT, country TEXT);"                       \
	"INSERT INTO author VALUES(1,'Le Guin','US'),(2,'Lem','PL'),(3,'Nobody',NULL);"               \
	"CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, author_id INTEGER REFERENCES author);" \
	"INSERT INTO book VALUES(10,'Solaris',2),(11,'Eden',2),(12,'Anonymous',NULL),(13,'Rocannon',1);"

static void test_left_join(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test, BOOKS, NULL);
	OK(sqlite_test_run(&test,
			   QUERY(.resource = "book", .select = "title, author.name", .order = "title")));
	TESTING_TEXT(test.text.data, "Anonymous|NULL\nEden|Lem\nRocannon|Le Guin\nSolaris|Lem\n");
	OK(sqlite_test_run(&test, QUERY(.resource = "book", .select = "title",
					.where = "author.name = 'Lem' and id > 10")));
	TESTING_TEXT(test.text.data, "Eden\n");
	OK(sqlite_test_run(&test,
			   QUERY(.resource = "book", .select = "author.country, count(*)",
				 .group = "author.country", .order = "count(*) desc, author.country")));
	TESTING_TEXT(test.text.data, "PL|2\nUS|1\nNULL|1\n");
	sqlite_test_close(&test);
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
	struct sqlite_test test;
	size_t i;

	sqlite_test_open(&test, BOOKS, NULL);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct consort_logical logical;
		struct consort_node *root = sqlite_test_tree(
			&test, QUERY(.resource = "book", .select = "id, author.name", .order = "id"),
			&logical);
		struct consort_node *join = root, *project = root;
		const struct consort_expr *first;
		struct sqlite_cursor cursor;
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
		OK(sqlite_test_begin_tree(&test, root, none, NULL, &cursor));
		OK(sqlite_test_next(&test, &cursor, &rows));
		TESTING_TEXT(test.text.data, kinds[i].answer);
		sqlite_test_end(&test, &cursor);
	}
	sqlite_test_close(&test);
}

/* --- keys --- */

/* KEYED over the scan of a resource. */
static struct consort_node *keyed(struct sqlite_test *test, const char *resource, const char *select,
				  uint32_t nkeys)
{
	struct consort_logical logical;
	struct consort_node *root = sqlite_test_tree(test, QUERY(.resource = resource, .select = select),
						     &logical),
			    *scan = root;
	struct consort_node *node = consort_arena_alloc(&test->arena, sizeof(*node));
	const struct consort_expr **exprs = consort_arena_array(&test->arena, nkeys, sizeof(*exprs));
	const struct consort_node **inputs = consort_arena_array(&test->arena, 1, sizeof(*inputs));
	uint32_t i;

	while (scan->kind != CONSORT_NODE_SCAN)
		scan = (struct consort_node *)scan->inputs[0];
	for (i = 0; i < nkeys; i++) {
		struct consort_expr *expr = consort_arena_alloc(&test->arena, sizeof(*expr));

		expr->struct_size = sizeof(*expr);
		expr->kind = CONSORT_EXPR_COLUMN;
		expr->index = i;
		expr->type = scan->fields[i]->type;
		exprs[i] = expr;
	}
	inputs[0] = scan;
	node->struct_size = sizeof(*node);
	node->kind = CONSORT_NODE_KEYED;
	node->number = node->first_conjunct = scan->number + 1;
	node->fields = scan->fields;
	node->nfields = scan->nfields;
	node->inputs = inputs;
	node->ninputs = 1;
	node->exprs = exprs;
	node->nexprs = nkeys;
	return node;
}

static struct consort_batch *key_batch(struct consort_type a, struct consort_type b, uint32_t n, int64_t rows)
{
	struct consort_type types[2] = {a, b};

	return consort_batch_new(types, n, rows, (uint64_t)1 << 20);
}

static void test_keys(void)
{
	struct consort_type int64 = consort_type_of(CONSORT_TYPE_INT64),
			    text = consort_type_of(CONSORT_TYPE_TEXT);
	struct consort_args none = CONSORT_NO_ARGS;
	struct consort_value key[2];
	struct consort_batch *keys = key_batch(int64, text, 1, 1000);
	struct sqlite_cursor cursor;
	struct sqlite_test test;
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
	OK(sqlite_test_begin_tree(&test, keyed(&test, "x", "id, v", 1), none, keys, &cursor));
	consort_batch_reset(keys); /* the set is not needed any more */
	do {
		OK(sqlite_test_next(&test, &cursor, &rows));
		total += rows;
	} while (rows);
	CU_ASSERT_EQUAL(total, 714);
	TESTING_CONTAINS(test.text.data, "4|v4\n11|v11\n");
	TESTING_CONTAINS(test.text.data, "4995|v4995\n");
	sqlite_test_end(&test, &cursor);
	consort_batch_free(keys);

	/* several columns, one of which the engine compares without case */
	keys = key_batch(int64, text, 2, 10);
	key[0] = consort_int64(1);
	key[1] = consort_text("X");
	consort_batch_append_row(keys, key);
	key[1] = consort_text("Y");
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(2);
	key[1] = consort_text("x");
	consort_batch_append_row(keys, key);
	OK(sqlite_test_begin_tree(&test, keyed(&test, "pair", "a, b, c", 2), none, keys, &cursor));
	OK(sqlite_test_next(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|Y|8\n2|x|9\n");
	sqlite_test_end(&test, &cursor);
	consort_batch_free(keys);

	/* a key that finds several rows */
	keys = key_batch(int64, text, 1, 10);
	key[0] = consort_int64(1);
	consort_batch_append_row(keys, key);
	key[0] = consort_int64(3);
	consort_batch_append_row(keys, key);
	OK(sqlite_test_begin_tree(&test, keyed(&test, "plain", "a, b", 1), none, keys, &cursor));
	OK(sqlite_test_next(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|1\n1|2\n3|3\n");
	sqlite_test_end(&test, &cursor);
	consort_batch_free(keys);
	sqlite_test_close(&test);
}

/* The keys of one set see one state, whatever others write meanwhile. */
static void test_keys_snapshot(void)
{
	struct consort_type int64 = consort_type_of(CONSORT_TYPE_INT64);
	struct consort_batch *keys = key_batch(int64, int64, 1, 10);
	struct consort_args none = CONSORT_NO_ARGS;
	struct consort_value key;
	struct sqlite_cursor cursor;
	struct sqlite_test test;
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
	OK(sqlite_test_begin_tree(&test, keyed(&test, "x", "id, v", 1), none, keys, &cursor));
	OK(sqlite_test_next(&test, &cursor, &rows));
	sqlite_test_raw(&test, "UPDATE x SET v = 'new'");
	OK(sqlite_test_next(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1|old\n2|old\n");
	sqlite_test_end(&test, &cursor);
	consort_batch_free(keys);
	OK(sqlite_test_run(&test, QUERY(.resource = "x", .select = "v", .where = "id = 1")));
	TESTING_TEXT(test.text.data, "new\n");
	sqlite_test_close(&test);
}

/* --- cursors --- */

static void test_cursors(void)
{
	struct sqlite_query query = QUERY(.resource = "flight", .select = "id", .order = "id");
	struct sqlite_cursor one, two;
	struct sqlite_test test;
	int64_t rows;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(sqlite_test_begin(&test, query, &one));
	OK(sqlite_test_begin(&test, query, &two));
	OK(sqlite_test_next(&test, &one, &rows));
	OK(sqlite_test_next(&test, &two, &rows));
	OK(sqlite_test_next(&test, &two, &rows));
	OK(sqlite_test_next(&test, &one, &rows));
	TESTING_TEXT(test.text.data, "1\n1\n2\n2\n");
	sqlite_test_end(&test, &one);
	OK(sqlite_test_next(&test, &two, &rows));
	sqlite_test_end(&test, &two);
	TESTING_TEXT(test.text.data, "1\n1\n2\n2\n3\n");
	sqlite_test_close(&test);
}

/* An open cursor shows the state at its start, whatever its own connection writes. */
static void test_cursor_and_writes(void)
{
	struct sqlite_cursor one, two;
	struct sqlite_test test;
	int64_t rows;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(sqlite_test_begin(&test, QUERY(.resource = "flight", .select = "id, origin, distance, at"), &one));
	OK(sqlite_test_begin(&test, QUERY(.resource = "flight", .select = "id", .order = "id desc"), &two));
	OK(sqlite_test_next(&test, &one, &rows));
	OK(sqlite_test_native(&test, "UPDATE flight SET origin = 'XXX', id = id + 100", CONSORT_NO_ARGS,
			      &rows));
	CU_ASSERT_EQUAL(rows, 4);
	OK(sqlite_test_native(&test, "DELETE FROM flight", CONSORT_NO_ARGS, &rows));
	do
		OK(sqlite_test_next(&test, &one, &rows));
	while (rows && !(one.batch->flags & CONSORT_BATCH_LAST));
	TESTING_TEXT(test.text.data, "2|LAX|NULL|NULL\n3|SFO|3.0|1999-12-31T23:59:59.500000Z\n"
				     "4|sfo|1e300|2024-02-28T22:00:00Z\n");
	consort_buffer_reset(&test.text);
	do
		OK(sqlite_test_next(&test, &two, &rows));
	while (rows && !(two.batch->flags & CONSORT_BATCH_LAST));
	TESTING_TEXT(test.text.data, "4\n3\n2\n1\n");
	sqlite_test_end(&test, &one);
	sqlite_test_end(&test, &two);
	sqlite_test_close(&test);
}

/* A statement runs again after its cursor was spilt, closed early, or read to its end. */
static void test_cursor_again(void)
{
	struct consort_run run = {.struct_size = sizeof(run)};
	struct sqlite_cursor cursor;
	struct sqlite_test test;
	int64_t rows;
	int i;

	sqlite_test_open(&test, FLIGHTS, NULL);
	test.max_rows = 1;
	OK(sqlite_test_begin(&test, QUERY(.resource = "flight", .select = "id", .order = "id"), &cursor));
	for (i = 0; i < 4; i++) {
		OK(sqlite_test_next(&test, &cursor, &rows));
		if (i == 1)
			OK(sqlite_test_native(&test, "UPDATE flight SET delay = 0", CONSORT_NO_ARGS, &rows));
		while (i == 2 && rows)
			OK(sqlite_test_next(&test, &cursor, &rows));
		test.plugin->query->close(cursor.cursor);
		OK(test.plugin->query->open(test.connection, &test.call, cursor.compiled, &run,
					    &cursor.cursor, &test.error));
	}
	consort_buffer_reset(&test.text);
	OK(sqlite_test_next(&test, &cursor, &rows));
	OK(sqlite_test_next(&test, &cursor, &rows));
	TESTING_TEXT(test.text.data, "1\n2\n");
	sqlite_test_end(&test, &cursor);
	sqlite_test_close(&test);
}

/* More statements than the cache keeps, some of them in use. */
static void test_cache(void)
{
	struct sqlite_cursor open[10];
	struct sqlite_test test;
	int64_t rows;
	int i;

	sqlite_test_open(&test, FLIGHTS, NULL);
	for (i = 0; i < 10; i++)
		OK(sqlite_test_begin(&test, QUERY(.resource = "flight", .select = "id"), &open[i]));
	for (i = 0; i < 200; i++)
		OK(sqlite_test_run(&test, QUERY(.resource = "flight", .select = "id", .where = "id = 1")));
	for (i = 0; i < 10; i++) {
		OK(sqlite_test_next(&test, &open[i], &rows));
		CU_ASSERT_EQUAL(rows, 4);
		sqlite_test_end(&test, &open[i]);
	}
	sqlite_test_close(&test);
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
		{"keys", test_keys},
		{"keys-snapshot", test_keys_snapshot},
		{"cursors", test_cursors},
		{"cursor-and-writes", test_cursor_and_writes},
		{"cursor-again", test_cursor_again},
		{"cache", test_cache},
		{NULL, NULL},
	};

	return testing_main("sqlite-adapter", cases, argc, argv);
}
