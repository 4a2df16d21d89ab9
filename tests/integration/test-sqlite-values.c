/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that SQLite keeps and an attribute cannot have, and values that a column would keep as another:
 * whatever part of a query runs where, the one is an error that names resource, attribute and value, and the
 * other refused.
 */
#include "sqlite-adapter.h"

#include <consort/consort.h>
#include <string.h>

#include "api.h"

/* --- values of another form --- */

static struct consort *open_column(const char *declaration)
{
	char manifest[512];

	snprintf(manifest, sizeof(manifest),
		 "[database db]\ntype = sqlite\npath = t.db\n[resource x]\ndatabase = db\nkey = id\n%s%s\n",
		 declaration ? "attribute.v = " : "", declaration ? declaration : "");
	return api_open(manifest);
}

static const char *run(struct consort *c, const char *select, const char *where, const char *group,
		       const char *order)
{
	struct consort_query *q = consort_query_new(c, "x");
	const char *text;

	consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	if (group)
		consort_query_group(q, group);
	if (order)
		consort_query_order(q, order);
	text = api_rows(q, CONSORT_NO_ARGS);
	consort_query_free(q);
	return text;
}

/* The value is used as soon as a row with it is delivered, ordered, grouped, counted or let through. */
static void test_wrong(void)
{
	static const struct {
		const char *column, *good, *bad, *declared, *literal, *message;
	} cases[] = {
		{"INTEGER", "5", "'abc'", NULL, "5", "the text 'abc', which is not an integer"},
		{"INTEGER", "5", "2.5", NULL, "5", "the number 2.5, which is not an integer"},
		{"", "5", "5.5", "int64", "5", "the number 5.5, which is not an integer"},
		{"REAL", "1.5", "'x'", NULL, "1.5", "the text 'x', which is not"},
		{"NUMERIC", "1.5", "9007199254740993", NULL, "1.5",
		 "the integer 9007199254740993, which is not"},
		{"TEXT", "'a'", "x'61'", NULL, "'a'", "a blob of 1 bytes, which is not text"},
		{"TEXT", "'a'", "'b' || char(0)", NULL, "'a'", "a text with a NUL (byte 2)"},
		{"TEXT", "'a'", "CAST(x'61ff' AS TEXT)", NULL, "'a'", "a text that is not UTF-8 (byte 2)"},
		{"BLOB", "x'01'", "'text'", NULL, "'\\x01'", "the text 'text', which is not bytes"},
		{"BOOLEAN", "1", "2", NULL, "true", "the integer 2, which is not a bool"},
		{"DATE", "'2024-01-01'", "'2024-02-30'", NULL, "date '2024-01-01'", "'2024-02-30'"},
		{"DATE", "'2024-01-01'", "''", NULL, "date '2024-01-01'", "the text ''"},
		{"DATETIME", "'2024-01-01'", "'yesterday'", NULL, "timestamp '2024-01-01'", "'yesterday'"},
		{"INTEGER", "0", "9223372036854775807", "timestamp codec s", "timestamp '1970-01-01'",
		 "which is not a timestamp in seconds"},
		{"UUID", "'550e8400-e29b-41d4-a716-446655440000'", "'550E8400-E29B-41D4-A716-446655440001'",
		 NULL, "uuid '550e8400-e29b-41d4-a716-446655440000'", "lower case"},
		{"JSON", "'{}'", "'{\"a\":'", NULL, "json '{}'", "invalid JSON"},
		{"JSON", "'{}'", "9e999", NULL, "json '{}'", "the number inf"},
		{"TEXT", "'1.50'", "'1.234'", "decimal(10,2)", "1.50", "1.234"},
		{"TEXT", "'0.5'", "'0.1234567890123456789'", "float64", "0.5",
		 "more digits than a float64 keeps"},
		{"TEXT) STRICT", "'a'", "'b' || char(0)", NULL, "'a'", "a text with a NUL (byte 2)"},
		{"INTEGER) STRICT", "1", "2", "bool", "true", "the integer 2, which is not a bool"},
	};
	size_t i, j;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char sql[512], differs[128], unequal[128], distinct[128];
		const struct {
			const char *select, *where, *group, *order;
		} queries[] = {
			{"v", NULL, NULL, NULL},
			{"id", NULL, NULL, "v"},
			{"id", NULL, NULL, "v desc"},
			{"count(*)", NULL, "v", NULL},
			{"count(distinct v)", NULL, NULL, NULL},
			{"id", differs, NULL, NULL},
			{"id", unequal, NULL, NULL},
			{"id", distinct, NULL, NULL},
			{"count(*)", differs, NULL, NULL},
		};
		struct consort *c;

		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x; CREATE TABLE x(id INTEGER PRIMARY KEY, v %s%s;"
			 "INSERT INTO x VALUES(1, %s), (2, %s), (3, NULL)",
			 cases[i].column, strchr(cases[i].column, ')') ? "" : ")", cases[i].good,
			 cases[i].bad);
		sqlite_test_raw(sql);
		snprintf(differs, sizeof(differs), "v <> %s", cases[i].literal);
		snprintf(unequal, sizeof(unequal), "not (v = %s)", cases[i].literal);
		snprintf(distinct, sizeof(distinct), "v is distinct from %s", cases[i].literal);
		c = open_column(cases[i].declared);
		for (j = 0; j < sizeof(queries) / sizeof(*queries); j++) {
			const char *answer = run(c, queries[j].select, queries[j].where, queries[j].group,
						 queries[j].order);

			TESTING_CONTAINS(answer, "resource 'x', attribute 'v'");
			TESTING_CONTAINS(answer, cases[i].message);
		}
		/* what does not need the value does not look at it */
		TESTING_TEXT(run(c, "id", "v is not null", NULL, "id"), "1;2");
		TESTING_TEXT(run(c, "count(v)", NULL, NULL, NULL), "2");
		TESTING_TEXT(run(c, "id", "id <> 2", NULL, "id"), "1;3");
		consort_close(c);
	}
}

/* Equality finds no value of another form, but where a column keeps doubles that are integers. */
static void test_equal(void)
{
	struct consort *c;

	sqlite_test_raw("CREATE TABLE x(id INTEGER PRIMARY KEY, v INTEGER, t TEXT COLLATE NOCASE);"
			"INSERT INTO x VALUES(1, 5, 'a'), (2, 'abc', x'61'), (3, 5.0, 'A')");
	c = open_column(NULL);
	TESTING_TEXT(run(c, "id", "v = 5", NULL, "id"), "1;3");
	TESTING_TEXT(run(c, "id, v", "v in (4, 5)", NULL, "v, id"), "1,5;3,5");
	TESTING_TEXT(run(c, "id", "t = 'a'", NULL, "t"), "1");
	consort_close(c);
	sqlite_test_raw("DROP TABLE x; CREATE TABLE x(id INTEGER PRIMARY KEY, v);"
			"INSERT INTO x VALUES(1, 5), (2, 5.0)");
	c = open_column("int64");
	TESTING_CONTAINS(run(c, "id", "v = 5", NULL, NULL), "the number 5.0, which is not an integer");
	consort_close(c);
}

/* A value that no column can have, as something to compare with, is equal to nothing that is there. */
static void test_stand_ins(void)
{
	struct consort *c;

	sqlite_test_raw("CREATE TABLE x(id INTEGER PRIMARY KEY, v DATE, f REAL, s INTEGER);"
			"INSERT INTO x VALUES(1, '', 'NaN', 1.5), (2, ':', 1.0, 7)");
	c = api_open("[database db]\ntype = sqlite\npath = t.db\n[resource x]\ndatabase = db\n"
		     "attribute.s = timestamp codec s\n");
	TESTING_TEXT(run(c, "id", "v = date '-0001-01-01'", NULL, NULL), "");
	TESTING_TEXT(run(c, "id", "v = date '+10000-01-01'", NULL, NULL), "");
	TESTING_TEXT(run(c, "id", "f = 'nan'::float8", NULL, NULL), "");
	TESTING_TEXT(run(c, "id", "s = timestamp '1970-01-01 00:00:01.5'", NULL, NULL), "");
	consort_close(c);
}

/* --- JSON in columns of any affinity --- */

/* What is written is there again, digit by digit, or was refused. */
static void test_json_kept(void)
{
	static const struct {
		const char *column, *json;
		bool refused;
	} cases[] = {
		{"JSON", "42", false},
		{"JSON", "-9223372036854775808", false},
		{"JSON", "9223372036854775807", false},
		{"JSON", "0.1", false},
		{"JSON", "-1.5", false},
		{"JSON", "1e300", false},
		{"JSON", "12345678901234567890", true},
		{"JSON", "9223372036854775808", true},
		{"JSON", "1.10", true},
		{"JSON", "1.0", true},
		{"JSON", "-0", true},
		{"JSON", "-0.0", true},
		{"JSON", "1e2", true},
		{"JSON", "1e400", true},
		{"JSON", "0.30000000000000000001", true},
		{"JSON", "\"42\"", false},
		{"JSON", "\"1.10\"", false},
		{"JSON", "null", false},
		{"JSON", "true", false},
		{"JSON", "[1.10,12345678901234567890]", false},
		{"JSON", "{\"a\":1.0}", false},
		{"INTEGER", "42", false},
		{"INTEGER", "0.5", false},
		{"INTEGER", "1.0", true},
		{"REAL", "0.5", false},
		{"REAL", "1.0", false},
		{"REAL", "-0.0", true},
		{"REAL", "1", true},
		{"TEXT", "12345678901234567890", false},
		{"TEXT", "1.10", false},
		{"BLOB", "1e400", false},
		{"", "-0", false},
	};
	struct adapter_test test;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_value value = consort_json(cases[i].json);
		char sql[128], expected[64];
		uint32_t status;

		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s)", cases[i].column);
		sqlite_test_open(&test, sql, NULL);
		adapter_resource(&test, "x", ADAPTER_LIST("v = json"));
		status = adapter_write(
			&test, ADAPTER_INSERT,
			(struct adapter_write){.resource = "x", .attributes = "v", .values = {&value, 1}});
		CU_ASSERT_EQUAL(status, cases[i].refused ? CONSORT_ERANGE : CONSORT_OK);
		if (cases[i].refused) {
			TESTING_CONTAINS(test.error.message, "attribute 'v': ");
			TESTING_CONTAINS(test.error.message, "make it TEXT");
		}
		ADAPTER_OK(&test, adapter_run(&test, ADAPTER_QUERY(.resource = "x")));
		snprintf(expected, sizeof(expected), "%s\n", cases[i].json);
		TESTING_TEXT(adapter_text(&test), cases[i].refused ? "" : expected);
		adapter_close(&test);
	}
}

/* Numbers that others have put there are read as the JSON numbers that they are, and compared as such. */
static void test_json_numbers(void)
{
	struct consort *c;

	sqlite_test_raw("CREATE TABLE x(id INTEGER PRIMARY KEY, v JSON);"
			"INSERT INTO x VALUES(1, '42'), (2, '1.50'), (3, 9007199254740993), (4, '\"42\"'),"
			" (5, '[ 1.0 ]'), (6, NULL)");
	c = open_column(NULL);
	TESTING_TEXT(run(c, "id, v", NULL, NULL, "id"), "1,42;2,1.5;3,9007199254740993;4,\"42\";5,[1.0];6,-");
	TESTING_TEXT(run(c, "id", "v = json '42'", NULL, NULL), "1");
	TESTING_TEXT(run(c, "id", "v = json '42.0'", NULL, NULL), "");
	TESTING_TEXT(run(c, "id", "v in (json '\"42\"', json '[1.0]')", NULL, "id"), "4;5");
	TESTING_TEXT(run(c, "id", "v <> json '42'", NULL, "id"), "2;3;4;5");
	TESTING_TEXT(run(c, "id", NULL, NULL, "v, id"), "2;1;3;4;5;6");
	consort_close(c);
}

/* --- texts in columns of numeric affinity --- */

/* SQLite itself tells which of them become numbers. */
static void test_numeric_texts(void)
{
	static const char *const texts[] = {
		"12",	 "-12",	  "+12",   " 12 ",  "1.5", ".5",    "1.",    "1e5",	   "1E+5",
		"1e-5",	 "1.5e5", "\t7\n", "0x10",  "1e",  "1e+",   ".",     "-",	   "+",
		"",	 "e5",	  "12a",   "1 2",   "--1", "1-2",   "1.2.3", "12 monkeys", "2024-01-01",
		"10:00", "inf",	  "nan",   "-.5e1", "- 1", "1_000",
	};
	struct adapter_test test;
	size_t i;

	sqlite_test_open(&test, "CREATE TABLE x(v STRING); CREATE TABLE raw(v STRING)", NULL);
	adapter_resource(&test, "x", ADAPTER_LIST("v = text"));
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct consort_value value = consort_text(texts[i]);
		char sql[128];
		uint32_t status;
		bool stays;

		snprintf(sql, sizeof(sql),
			 "DELETE FROM raw; INSERT INTO raw VALUES('%s'); SELECT typeof(v) FROM raw",
			 texts[i]);
		status = adapter_write(
			&test, ADAPTER_INSERT,
			(struct adapter_write){.resource = "x", .attributes = "v", .values = {&value, 1}});
		stays = !strcmp(sqlite_test_raw(sql), "text");
		if (stays != !status)
			fprintf(stderr, "'%s': status %u\n", texts[i], status);
		CU_ASSERT_EQUAL(stays, !status);
	}
	adapter_close(&test);
}

/* Object ids may be all digits. */
static void test_numeric_objectid(void)
{
	struct consort_value value = {.type = {.id = CONSORT_TYPE_OBJECTID}};
	struct adapter_test test;

	sqlite_test_open(&test, "CREATE TABLE x(v NUMERIC)", NULL);
	adapter_resource(&test, "x", ADAPTER_LIST("v = objectid codec text"));
	memset(value.as.objectid, 0x11, sizeof(value.as.objectid));
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT,
				      (struct adapter_write){
					      .resource = "x", .attributes = "v", .values = {&value, 1}}),
			CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "would become a number");
	value.as.objectid[0] = 0xaa;
	ADAPTER_OK(&test, adapter_write(&test, ADAPTER_INSERT,
					(struct adapter_write){
						.resource = "x", .attributes = "v", .values = {&value, 1}}));
	ADAPTER_OK(&test, adapter_run(&test, ADAPTER_QUERY(.resource = "x")));
	TESTING_TEXT(adapter_text(&test), "aa1111111111111111111111\n");
	adapter_close(&test);
}

/* A codec of integers over a column that has none. */
static void test_codec_and_column(void)
{
	struct adapter_test test;

	sqlite_test_open(&test, "CREATE TABLE x(t TEXT, r REAL, n NUMERIC)", NULL);
	adapter_resource(&test, "x", ADAPTER_LIST("t = timestamp codec us", "n = timestamp codec us"));
	CU_ASSERT_EQUAL(adapter_offer(&test, ADAPTER_QUERY(.resource = "x", .select = "n")), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_offer(&test, ADAPTER_QUERY(.resource = "x", .select = "t")), CONSORT_EVALUE);
	TESTING_TEXT(test.error.message,
		     "resource 'x', attribute 't': codec 'us' stores integers, of which the "
		     "column's type TEXT makes texts");
	adapter_close(&test);
}

/* --- nesting --- */

static const char deep[] =
	"[database db]\ntype = sqlite\npath = t.db\n"
	"[resource x]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.v = text\n";

/* `before`, so many times, the condition, `after`, as often. */
static const char *nested(const char *before, const char *after, uint32_t times, struct consort_buffer *out)
{
	uint32_t i;

	out->size = 0;
	for (i = 0; i < times; i++)
		consort_buffer_text(out, before);
	consort_buffer_text(out, "id = 1");
	for (i = 0; i < times; i++)
		consort_buffer_text(out, after);
	return out->data;
}

/* What is too much for SQLite's parser stays in the library, also in the middle of a larger statement. */
static void test_nesting(void)
{
	static const struct {
		const char *before, *after;
		uint32_t most;
	} cases[] = {
		{"not not ", "", 49},
		{"(id < 0 or (id > 0 and ", "))", 40},
		{"(", ") is true", 32},
		{"case when id < 0 then false else ", " end", 32},
		{"case when id > 0 then ", " end", 32},
		{"coalesce(case when id < 0 then true end, ", ")", 45},
		{"(id > 0) = (", ")", 49},
		{"(id > 0) in (id < 0, ", ")", 49},
	};
	struct consort *c = api_open(deep);
	struct consort_buffer text = CONSORT_BUFFER_INIT, whole = CONSORT_BUFFER_INIT;
	uint32_t i, n, k;

	api_import(c, "x", "1,a\n2,b\n");
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (n = 1; n <= cases[i].most; n++) {
			TESTING_TEXT(
				run(c, "id", nested(cases[i].before, cases[i].after, n, &text), NULL, NULL),
				"1");
			whole.size = 0;
			for (k = 10; k < 40; k++)
				consort_buffer_printf(&whole, "id <> %u and ", k);
			consort_buffer_printf(&whole, "(%s)", text.data);
			TESTING_TEXT(run(c, "count(*), min(v)", whole.data, text.data, NULL), "1,a");
		}
	}
	consort_buffer_clear(&text);
	consort_buffer_clear(&whole);
	consort_close(c);
}

/* A call has no more arguments than SQLite takes. */
static void test_many_arguments(void)
{
	struct consort *c = api_open(deep);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t i;

	api_import(c, "x", "1,a\n2,\n");
	consort_buffer_text(&text, "coalesce(v");
	for (i = 0; i < 1000; i++)
		consort_buffer_text(&text, ", v");
	consort_buffer_text(&text, ") = 'a'");
	TESTING_TEXT(run(c, "id", text.data, NULL, NULL), "1");
	consort_buffer_clear(&text);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"wrong", test_wrong},
		{"equal", test_equal},
		{"stand-ins", test_stand_ins},
		{"json-kept", test_json_kept},
		{"json-numbers", test_json_numbers},
		{"numeric-texts", test_numeric_texts},
		{"numeric-objectid", test_numeric_objectid},
		{"codec-and-column", test_codec_and_column},
		{"nesting", test_nesting},
		{"many-arguments", test_many_arguments},
		{NULL, NULL},
	};

	return testing_main("sqlite-values", cases, argc, argv);
}
