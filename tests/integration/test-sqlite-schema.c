/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: introspection, define and drop. */
#include "sqlite-adapter.h"

#include <stdio.h>
#include <stdlib.h>

static struct adapter_test test;

/* --- introspection --- */

static bool hidden; /* attributes are shown, too */

static void describes(const char *sql, const char *source, const char *expected)
{
	remove(testing_path("t.db"));
	sqlite_test_open(&test, sql, NULL);
	test.show_hidden = hidden;
	CU_ASSERT_EQUAL(adapter_describe(&test, source), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), expected);
	adapter_close(&test);
}

static void test_types(void)
{
	describes("CREATE TABLE x(a INT, b BIGINT, c VARCHAR(10), d DOUBLE PRECISION, e BLOB, f BOOLEAN, g "
		  "TIMESTAMP, h DATE,"
		  " i TIME, j UUID, k JSON, l DECIMAL(10,2), m, n MONEY, o \"DATETIME\", p NUMERIC, q CLOB)",
		  "x",
		  "x:\n  a int64 'INT'\n  b int64 'BIGINT'\n  c text 'VARCHAR(10)'\n  d float64 'DOUBLE "
		  "PRECISION'\n  e bytes "
		  "'BLOB'\n  f bool 'BOOLEAN'\n  g timestamp 'TIMESTAMP'\n  h date 'DATE'\n  i time 'TIME'\n "
		  " j uuid 'UUID'\n"
		  "  k json 'JSON'\n  l float64 'DECIMAL(10,2)'\n  m text '' unknown\n  n text 'MONEY' "
		  "unknown\n  o timestamp "
		  "'DATETIME'\n  p float64 'NUMERIC'\n  q text 'CLOB'\n");
	describes("CREATE TABLE x(a INT, b INTEGER, c TEXT, d REAL, e BLOB, f ANY) STRICT", "x",
		  "x:\n  a int64 'INT' strict\n  b int64 'INTEGER' strict\n  c text 'TEXT' strict\n  d "
		  "float64 'REAL' strict\n"
		  "  e bytes 'BLOB' strict\n  f text 'ANY' unknown\n");
}

/* What can be read although no column of the table's own says so. */
static void test_hidden(void)
{
	hidden = true;
	describes("CREATE TABLE x(a INT, oid TEXT)", "x",
		  "x:\n  a int64 'INT'\n  oid text 'TEXT'\n  rowid int64 '' not-null generated strict\n"
		  "  _rowid_ int64 '' not-null generated strict\n");
	describes("CREATE TABLE x(a INT PRIMARY KEY) WITHOUT ROWID", "x",
		  "x:\n  a int64 'INT UNIQUE' not-null\n  key a\n");
	describes("CREATE TABLE t(a INT); CREATE VIEW x AS SELECT a FROM t", "x",
		  "x (read-only):\n  a int64 'INT'\n");
	hidden = false;
}

static void test_keys(void)
{
	describes("CREATE TABLE x(id INTEGER PRIMARY KEY, v)", "x",
		  "x:\n  id int64 'INTEGER PRIMARY KEY' not-null generated strict\n  v text '' unknown\n  "
		  "key id\n");
	/* these are no row numbers */
	describes("CREATE TABLE x(id INT PRIMARY KEY)", "x", "x:\n  id int64 'INT UNIQUE'\n  key id\n");
	describes("CREATE TABLE x(id INTEGER PRIMARY KEY DESC)", "x",
		  "x:\n  id int64 'INTEGER UNIQUE'\n  key id\n");
	describes("CREATE TABLE x(id INTEGER PRIMARY KEY) WITHOUT ROWID", "x",
		  "x:\n  id int64 'INTEGER UNIQUE' not-null\n  key id\n");
	describes("CREATE TABLE x(a TEXT, b INTEGER, c TEXT COLLATE NOCASE UNIQUE, PRIMARY KEY(b, a))", "x",
		  "x:\n  a text 'TEXT'\n  b int64 'INTEGER'\n  c text 'TEXT UNIQUE COLLATE NOCASE'\n  key b, "
		  "a\n"
		  "  index '' unique c\n");
}

static void test_everything_else(void)
{
	describes(
		"CREATE TABLE x(a INTEGER NOT NULL DEFAULT 5, b AS (a + 1), c INTEGER AS (a) STORED);"
		"CREATE INDEX i1 ON x(a, c); CREATE UNIQUE INDEX i2 ON x(c); CREATE INDEX i3 ON x(a + 1);"
		"CREATE INDEX i4 ON x(a) WHERE a > 5",
		"x",
		"x:\n  a int64 'INTEGER' not-null generated\n  b text '' generated read-only unknown\n"
		"  c int64 'INTEGER UNIQUE' generated read-only\n  index 'i1' a c\n  index 'i2' unique c\n");
	describes("CREATE TABLE author(id INTEGER PRIMARY KEY); CREATE TABLE airport(iata TEXT PRIMARY KEY);"
		  "CREATE TABLE pair(a, b, PRIMARY KEY(a, b));"
		  "CREATE TABLE x(author_id INTEGER REFERENCES author, editor_id REFERENCES author(id), "
		  "origin TEXT REFERENCES "
		  "airport(iata), p, q, author INTEGER, lost REFERENCES nowhere, FOREIGN KEY(p, q) "
		  "REFERENCES pair)",
		  "x",
		  "x:\n  author_id int64 'INTEGER'\n  editor_id text '' unknown\n  origin text 'TEXT'\n  p "
		  "text '' unknown\n"
		  "  q text '' unknown\n  author int64 'INTEGER'\n  lost text '' unknown\n"
		  "  link author_id_author_2 = author, author_id -> id\n  link editor = author, editor_id -> "
		  "id\n"
		  "  link origin_airport = airport, origin -> iata\n  link pair = pair, p -> a, q -> b\n");
	describes("CREATE TABLE x(a INTEGER, b TEXT); CREATE VIEW v AS SELECT a, b || 'x' AS c, count(*) AS "
		  "n FROM x",
		  "v", "v (read-only):\n  a int64 'INTEGER'\n  c text '' unknown\n  n text '' unknown\n");
}

/* Identifiers that look like SQL, with quotes, dots, spaces, beyond ASCII and very long. */
static void test_names(void)
{
#define LONG "a_name_of_far_more_than_sixty_three_characters_which_sqlite_does_not_mind_at_all"
	sqlite_test_open(&test,
			 "CREATE TABLE \"a.b \"\"c\"\"; drop table x --\"(\"select\" INTEGER PRIMARY KEY, "
			 "\"it's\" TEXT, \"größe\" "
			 "INTEGER, " LONG
			 " TEXT); INSERT INTO \"a.b \"\"c\"\"; drop table x --\" VALUES(1, 'x', 2, 'y')",
			 NULL);
	CU_ASSERT_EQUAL(adapter_describe(&test, "a.b \"c\"; drop table x --"), CONSORT_OK);
	TESTING_CONTAINS(adapter_text(&test),
			 "it's text 'TEXT'\n  größe int64 'INTEGER'\n  " LONG " text 'TEXT'");
	CU_ASSERT_EQUAL(
		adapter_run(&test, (struct adapter_query){.resource = "a.b \"c\"; drop table x --",
							  .where = "\"größe\" = 2 and \"it's\" = 'x'"}),
		CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "1|x|2|y\n");
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_UPDATE,
				      (struct adapter_write){.resource = "a.b \"c\"; drop table x --",
							     .attributes = "it's, select",
							     .nkeys = 1,
							     .values = CONSORT_ARGS(consort_text("'); --"),
										    consort_int64(1))}),
			CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_run(&test, (struct adapter_query){.resource = "a.b \"c\"; drop table x --",
								  .select = "\"it's\""}),
			CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "'); --\n");
	adapter_close(&test);
}

static void test_listing(void)
{
	sqlite_test_open(&test,
			 "CREATE TABLE b(x INTEGER); CREATE TABLE a(x INTEGER PRIMARY KEY AUTOINCREMENT);"
			 "CREATE TABLE gone(x); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone;"
			 "CREATE VIRTUAL TABLE f USING fts5(t)",
			 NULL);
	CU_ASSERT_EQUAL(adapter_describe(&test, NULL), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "a:\n  x int64 'INTEGER PRIMARY KEY' not-null generated strict\n  key x\n"
		     "b:\n  x int64 'INTEGER'\nf:\n  t text '' unknown\n");
	TESTING_CONTAINS(test.log, "gone");
	CU_ASSERT_EQUAL(adapter_describe(&test, "broken"), CONSORT_ENAME);
	CU_ASSERT_EQUAL(adapter_describe(&test, "nothing"), CONSORT_ENOTFOUND);
	TESTING_CONTAINS(test.error.message, "has no table 'nothing'");
	adapter_close(&test);
}

/* --- define and drop --- */

static void test_define(void)
{
	static const char *const flight[] = {
		"id int64", "origin text - not null", "at timestamp", "day date", "doc json", NULL};
	static const char *const airport[] = {"iata text", "country text", "lat float64 - not null",
					      "u uuid text", NULL};
	const struct consort_index index = {.struct_size = sizeof(index),
					    .name = "",
					    .nattributes = 2,
					    .attributes = (const uint32_t[]){1, 2}};
	const struct consort_index unique = {.struct_size = sizeof(unique),
					     .flags = CONSORT_INDEX_UNIQUE,
					     .name = "mine",
					     .nattributes = 1,
					     .attributes = (const uint32_t[]){3}};
	struct consort_resource *resource;
	struct adapter_shape shape;

	sqlite_test_open(&test, NULL, NULL);
	resource = adapter_shape(&test, &shape, "flight", flight, (const uint32_t[]){0}, 1);
	resource->indexes = (const struct consort_index *const[]){&index, &unique};
	resource->nindexes = 2;
	CU_ASSERT_EQUAL(adapter_define(&test, resource, CONSORT_SCHEMA_DRY_RUN), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "CREATE TABLE \"flight\" (\n  \"id\" INTEGER PRIMARY KEY,\n  \"origin\" TEXT "
		     "NOT NULL,\n  \"at\" INTEGER,\n"
		     "  \"day\" TEXT,\n  \"doc\" TEXT\n) STRICT;\n"
		     "CREATE INDEX \"flight_origin_at_index\" ON \"flight\" (\"origin\", \"at\");\n"
		     "CREATE UNIQUE INDEX \"mine\" ON \"flight\" (\"day\");\n");
	CU_ASSERT_EQUAL(adapter_describe(&test, "flight"), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_describe(&test, "flight"), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "flight:\n  id int64 'INTEGER PRIMARY KEY' not-null generated strict\n  origin text "
		     "'TEXT' not-null "
		     "strict\n  at int64 'INTEGER' strict\n  day text 'TEXT UNIQUE' strict\n  doc text "
		     "'TEXT' strict\n"
		     "  key id\n  index 'flight_origin_at_index' origin at\n  index 'mine' unique day\n");
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_ECONFLICT);
	TESTING_CONTAINS(test.error.message, "has a table 'flight' already");
	CU_ASSERT_EQUAL(adapter_define(&test, resource, CONSORT_SCHEMA_IF_NEEDED), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "");

	/* a key of texts, with small rows: one tree */
	resource = adapter_shape(&test, &shape, "airport", airport, (const uint32_t[]){1, 0}, 2);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "CREATE TABLE \"airport\" (\n  \"iata\" TEXT NOT NULL,\n  \"country\" TEXT NOT NULL,\n"
		     "  \"lat\" REAL NOT NULL,\n  \"u\" TEXT,\n  PRIMARY KEY (\"country\", \"iata\")\n"
		     ") STRICT, WITHOUT ROWID;\n");
	CU_ASSERT_EQUAL(adapter_drop(&test, resource, CONSORT_SCHEMA_DRY_RUN), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_drop(&test, resource, 0), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "DROP TABLE \"airport\";\n");
	CU_ASSERT_EQUAL(adapter_drop(&test, resource, 0), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(adapter_drop(&test, resource, CONSORT_SCHEMA_IF_NEEDED), CONSORT_OK);

	/* words that introspection reads back */
	resource = adapter_shape(&test, &shape, "loose", flight, (const uint32_t[]){0}, 1);
	shape.strict = (struct consort_setting){"strict", consort_bool(0)};
	resource->settings = &shape.strict;
	resource->nsettings = 1;
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test),
		     "CREATE TABLE \"loose\" (\n  \"id\" INTEGER PRIMARY KEY,\n  \"origin\" TEXT NOT NULL,\n"
		     "  \"at\" DATETIME,\n  \"day\" DATE,\n  \"doc\" JSON\n);\n");
	CU_ASSERT_EQUAL(adapter_describe(&test, "loose"), CONSORT_OK);
	TESTING_CONTAINS(adapter_text(&test),
			 "at timestamp 'DATETIME'\n  day date 'DATE'\n  doc json 'JSON'\n");
	adapter_close(&test);
}

static void test_define_missing(void)
{
	static const char *const more[] = {"id int64", "a text", "b timestamp", NULL};
	static const char *const never[] = {"id int64", "c int64 - not null", NULL};
	struct consort_resource *resource;
	struct adapter_shape shape;

	sqlite_test_open(&test, "CREATE TABLE x(id INTEGER PRIMARY KEY, a TEXT); CREATE VIEW v AS SELECT 1",
			 NULL);
	resource = adapter_shape(&test, &shape, "x", more, (const uint32_t[]){0}, 1);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, CONSORT_SCHEMA_IF_NEEDED), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "ALTER TABLE \"x\" ADD COLUMN \"b\" INTEGER;\n");
	resource = adapter_shape(&test, &shape, "x", never, (const uint32_t[]){0}, 1);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, CONSORT_SCHEMA_IF_NEEDED), CONSORT_ECONFLICT);
	TESTING_CONTAINS(test.error.message, "lacks the column 'c'");
	resource = adapter_shape(&test, &shape, "v", more, NULL, 0);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, CONSORT_SCHEMA_IF_NEEDED), CONSORT_ECONFLICT);
	TESTING_CONTAINS(test.error.message, "has a view 'v' already");
	CU_ASSERT_EQUAL(adapter_drop(&test, resource, 0), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "DROP VIEW \"v\";\n");
	adapter_close(&test);
}

/* What fails in the middle has changed nothing. */
static void test_define_fails(void)
{
	static const char *const attributes[] = {"id int64", "a text", NULL};
	static const char *const codec[] = {"id int64", "at timestamp fortnights", NULL};
	const struct consort_index index = {.struct_size = sizeof(index),
					    .name = "taken",
					    .nattributes = 1,
					    .attributes = (const uint32_t[]){1}};
	struct consort_resource *resource;
	struct adapter_shape shape;

	sqlite_test_open(&test, "CREATE TABLE other(a); CREATE INDEX taken ON other(a)", NULL);
	resource = adapter_shape(&test, &shape, "x", attributes, (const uint32_t[]){0}, 1);
	resource->indexes = (const struct consort_index *const[]){&index};
	resource->nindexes = 1;
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_EENGINE);
	TESTING_CONTAINS(test.error.message, "taken");
	CU_ASSERT_EQUAL(adapter_describe(&test, "x"), CONSORT_ENOTFOUND);
	resource = adapter_shape(&test, &shape, "x", codec, (const uint32_t[]){0}, 1);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_EVALUE);
	TESTING_CONTAINS(test.error.message, "no codec 'fortnights' for timestamp; there are us, ms, s, iso");
	resource = adapter_shape(&test, &shape, "x", attributes + 2, NULL, 0);
	CU_ASSERT_EQUAL(adapter_define(&test, resource, 0), CONSORT_EINVAL);
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"types", test_types},
		{"hidden", test_hidden},
		{"keys", test_keys},
		{"everything-else", test_everything_else},
		{"names", test_names},
		{"listing", test_listing},
		{"define", test_define},
		{"define-missing", test_define_missing},
		{"define-fails", test_define_fails},
		{NULL, NULL},
	};

	return testing_main("sqlite-schema", cases, argc, argv);
}
