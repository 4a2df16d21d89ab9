/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL adapter: values of every type, both ways, and those that no attribute can hold. */
#include "postgres-adapter.h"

static struct adapter_test test;

#define OK(call) ADAPTER_OK(&test, call)
#define QUERY(...) ADAPTER_QUERY(__VA_ARGS__)

/* --- reading --- */

static const struct {
	const char *type, *value, *is, *shown;
} values[] = {
	{"boolean", "true", "bool", "true"},
	{"smallint", "-32768", "int64", "-32768"},
	{"integer", "2147483647", "int64", "2147483647"},
	{"bigint", "-9223372036854775808", "int64", "-9223372036854775808"},
	{"oid", "4294967295", "int64", "4294967295"},
	{"real", "0.1", "float64", "0.10000000149011612"},
	{"double precision", "5e-324", "float64", "5e-324"},
	{"double precision", "'-Infinity'", "float64", "-inf"},
	{"double precision", "'NaN'", "float64", "nan"},
	{"double precision", "'-0'", "float64", "-0.0"},
	{"numeric(38,4)", "-9999999999999999999999999999999999.9999", "decimal(38,4)",
	 "-9999999999999999999999999999999999.9999"},
	{"numeric(38,38)", "0.00000000000000000000000000000000000001", "decimal(38,38)",
	 "0.00000000000000000000000000000000000001"},
	{"numeric(38)", "99999999999999999999999999999999999999", "decimal(38,0)",
	 "99999999999999999999999999999999999999"},
	{"numeric(6,2)", "10000", NULL, NULL},
	{"numeric(7,2)", "10000.5", "decimal(7,2)", "10000.50"},
	{"numeric(5,-2)", "123456", "decimal(7,0)", "123500"},
	{"numeric(2,5)", "0.00012", "decimal(5,5)", "0.00012"},
	{"numeric", "1.5", "decimal(38,20)", "1.50000000000000000000"},
	{"numeric", "0", "decimal(38,20)", "0.00000000000000000000"},
	{"text", "'a\\b''ü\xf0\x9f\x98\x80'", "text", "a\\b'ü\xf0\x9f\x98\x80"},
	{"varchar(20)", "'abc '", "text", "abc "},
	{"char(5)", "'ab'", "text", "ab"},
	{"name", "'abc'", "text", "abc"},
	{"\"char\"", "'x'", "text", "x"},
	{"bytea", "'\\x00ff'", "bytes", "\\x00ff"},
	{"timestamptz", "'2001-02-03 04:05:06.789+02'", "timestamp", "2001-02-03T02:05:06.789000Z"},
	{"timestamp", "'1969-12-31 23:59:59.999999'", "timestamp", "1969-12-31T23:59:59.999999Z"},
	{"timestamp(0)", "'2001-02-03 04:05:06.7'", "timestamp", "2001-02-03T04:05:07Z"},
	{"timestamptz", "'4713-01-01 00:00:00+00 BC'", "timestamp", "-4712-01-01T00:00:00Z"},
	{"date", "'1999-12-31'", "date", "1999-12-31"},
	{"date", "'0001-12-31 BC'", "date", "0000-12-31"},
	{"time", "'23:59:59.999999'", "time", "23:59:59.999999"},
	{"uuid", "'550E8400-e29b-41d4-a716-446655440000'", "uuid", "550e8400-e29b-41d4-a716-446655440000"},
	{"json", "'{\"a\" : [1, 2.50, \"x y\"], \"b\": null}'", "json",
	 "{\"a\":[1,2.50,\"x y\"],\"b\":null}"},
	{"jsonb", "'{\"b\": \"a, b: \\\"c\\\"\", \"a\": [1, {}]}'", "json",
	 "{\"a\":[1,{}],\"b\":\"a, b: \\\"c\\\"\"}"},
	{"integer[]", "'{1,NULL,-3}'", "list of int64", "[1,null,-3]"},
	{"text[]", "'{}'", "list of text", "[]"},
	{"numeric(5,2)[]", "'{1.5,2}'", "list of decimal(5,2)", "[1.50,2.00]"},
	{"timestamptz[]", "'{2001-01-01 00:00+00}'", "list of timestamp", "[\"2001-01-01T00:00:00Z\"]"},
	{"mood", "'happy'", "text", "happy"},
	{"mood[]", "'{sad,happy}'", "list of text", "[\"sad\",\"happy\"]"},
	{"positive", "7", "int64", "7"},
	{"short", "'ab'", "text", "ab"},
	{"interval", "'1 day 02:03'", "text", "1 day 02:03:00"},
	{"inet", "'10.0.0.1/8'", "text", "10.0.0.1/8"},
	{"int4range", "'[1,5)'", "text", "[1,5)"},
	{"timetz", "'10:00+02'", "text", "10:00:00+02"},
	{"interval[]", "'{1 day}'", "text", "{\"1 day\"}"},
	{"\"Odd.Type\"", "'x'", "text", "x"},
};
#define NVALUES (sizeof(values) / sizeof(*values))

#define TYPES                                                                                             \
	"CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);" \
	"CREATE DOMAIN short AS varchar(5); CREATE TYPE \"Odd.Type\" AS ENUM ('x');"

/* SQL that is true where x.v and y.v are the same; numbers may be written with other zeros at the end, and
 * json with other blanks. */
static const char *same(const char *type)
{
	return strstr(type, "numeric") || !strcmp(type, "json") ? "to_jsonb(x.v) = to_jsonb(y.v)"
								: "x.v::text = y.v::text";
}

static void test_read(void)
{
	size_t i;

	postgres_test_open(&test, TYPES, NULL);
	for (i = 0; i < NVALUES; i++) {
		struct consort_buffer sql = CONSORT_BUFFER_INIT, type = CONSORT_BUFFER_INIT;
		const struct consort_resource *resource;

		if (!values[i].is)
			continue;
		consort_buffer_printf(&sql, "CREATE TABLE x%zu(v %s); INSERT INTO x%zu VALUES (%s), (NULL)",
				      i, values[i].type, i, values[i].value);
		postgres_test_raw(sql.data);
		consort_buffer_reset(&sql);
		consort_buffer_printf(&sql, "x%zu", i);
		adapter_forget(&test);
		resource = adapter_resource(&test, sql.data, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(resource);
		consort_type_print(resource->attributes[0]->type, &type);
		TESTING_TEXT(type.data, values[i].is);
		OK(adapter_run(&test, QUERY(.resource = sql.data)));
		consort_buffer_reset(&sql);
		consort_buffer_printf(&sql, "%s\nNULL\n", values[i].shown);
		TESTING_TEXT(adapter_text(&test), sql.data);
		consort_buffer_clear(&sql);
		consort_buffer_clear(&type);
	}
	postgres_test_close(&test);
}

/* A value that no attribute of that type can hold ends the query with an error that shows it. */
static void test_wrong_values(void)
{
	static const struct {
		const char *type, *value, *declared, *message;
	} wrong[] = {
		{"timestamptz", "'infinity'", NULL, "the timestamp infinity"},
		{"timestamp", "'-infinity'", NULL, "the timestamp -infinity"},
		{"date", "'infinity'", NULL, "the date infinity"},
		{"time", "'24:00'", NULL, "the time 24:00:00"},
		{"numeric(5,2)", "'NaN'", NULL, "NaN, which does not fit decimal(5,2)"},
		{"numeric", "'-Infinity'", NULL, "-Infinity"},
		{"numeric", "1e30", NULL,
		 "1000000000000000000000000000000, which does not fit decimal(38,20)"},
		{"numeric", "1.000000000000000000001", NULL, "1.000000000000000000001, which does not fit"},
		{"numeric", "12.345", "v = decimal(10,2)", "12.345, which does not fit decimal(10,2)"},
		{"numeric", "12.5", "v = int64", "12.5, which does not fit int64"},
		{"integer[]", "'{{1,2},{3,4}}'", NULL, "an array of 2 dimensions"},
		{"text", "'abc'", "v = int64", "attribute 'v'"},
		{"text", "'{\"a\":'", "v = json", "attribute 'v'"},
		{"text", "'1.234'", "v = decimal(10,2)", "attribute 'v'"},
		{"bytea", "'\\x00'", "v = objectid", "a value of 1 bytes"},
	};
	size_t i;

	postgres_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char sql[256];

		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s, n integer); INSERT INTO x VALUES (%s, "
			 "1)",
			 wrong[i].type, wrong[i].value);
		postgres_test_raw(sql);
		adapter_forget(&test);
		adapter_resource(&test, "x", wrong[i].declared ? ADAPTER_LIST(wrong[i].declared) : NULL);
		CU_ASSERT(adapter_run(&test, QUERY(.resource = "x", .select = "v")) != CONSORT_OK);
		TESTING_CONTAINS(test.error.message, wrong[i].message);
		TESTING_TEXT(test.error.resource, "x");
		TESTING_TEXT(test.error.attribute, "v");
		OK(adapter_run(&test, QUERY(.resource = "x", .select = "n"))); /* it is not looked at */
	}
	postgres_test_close(&test);
}

/* Attributes of another type than their column. */
static void test_declared(void)
{
	static const struct {
		const char *type, *value, *declared, *shown;
	} cases[] = {
		{"numeric", "42.00", "v = int64", "42"},
		{"numeric(10,3)", "1.250", "v = float64", "1.25"},
		{"numeric", "12.50", "v = decimal(10,2)", "12.50"},
		{"bigint", "42", "v = decimal(20,1)", "42.0"},
		{"bigint", "42", "v = text", "42"},
		{"integer", "-3", "v = float64", "-3.0"},
		{"text", "'2001-02-03T04:05:06Z'", "v = timestamp", "2001-02-03T04:05:06Z"},
		{"text", "' {\"a\" : 1} '", "v = json", "{\"a\":1}"},
		{"char(6)", "'7'", "v = int64", "7"},
		{"date", "'2001-02-03'", "v = timestamp", "2001-02-03T00:00:00Z"},
		{"bytea", "'\\x0102030405060708090a0b0c'", "v = objectid", "0102030405060708090a0b0c"},
		{"jsonb", "'{\"a\":1}'", "v = text", "{\"a\": 1}"},
		{"timestamptz", "'2001-01-01 00:00+00'", "v = text", "2001-01-01 00:00:00+00"},
	};
	size_t i;

	postgres_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_value value = consort_text(cases[i].shown);
		char sql[256], shown[256];
		struct consort_arena scratch;
		const struct consort_resource *resource;

		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s); INSERT INTO x VALUES (%s)",
			 cases[i].type, cases[i].value);
		postgres_test_raw(sql);
		adapter_forget(&test);
		resource = adapter_resource(&test, "x", ADAPTER_LIST(cases[i].declared));
		OK(adapter_run(&test, QUERY(.resource = "x")));
		snprintf(shown, sizeof(shown), "%s\n", cases[i].shown);
		TESTING_TEXT(adapter_text(&test), shown);
		/* and back */
		consort_arena_init(&scratch, 0);
		CU_ASSERT_EQUAL(
			consort_value_convert(&value, resource->attributes[0]->type, &scratch, &value, NULL),
			CONSORT_OK);
		postgres_test_raw("CREATE TABLE y AS SELECT * FROM x; TRUNCATE x");
		OK(adapter_write(&test, ADAPTER_INSERT,
				 (struct adapter_write){
					 .resource = "x", .attributes = "v", .values = CONSORT_ARGS(value)}));
		snprintf(sql, sizeof(sql), "SELECT %s FROM x, y", same(cases[i].type));
		if (strcmp(cases[i].type, "text"))
			TESTING_TEXT(postgres_test_raw(sql), "t");
		OK(adapter_run(&test, QUERY(.resource = "x")));
		TESTING_TEXT(adapter_text(&test), shown);
		postgres_test_raw("DROP TABLE y");
		consort_arena_clear(&scratch);
	}
	postgres_test_close(&test);
}

static void test_no_conversion(void)
{
	postgres_test_open(&test, "CREATE TABLE x(v uuid)", NULL);
	adapter_resource(&test, "x", ADAPTER_LIST("v = int64"));
	CU_ASSERT_EQUAL(adapter_offer(&test, QUERY(.resource = "x")), CONSORT_EVALUE);
	TESTING_TEXT(test.error.message,
		     "resource 'x', attribute 'v': a column of type uuid is not read as int64");
	adapter_forget(&test);
	adapter_resource(&test, "x", ADAPTER_LIST("v = uuid codec blob"));
	CU_ASSERT_EQUAL(adapter_offer(&test, QUERY(.resource = "x")), CONSORT_EVALUE);
	TESTING_CONTAINS(test.error.message, "PostgreSQL has no codec 'blob' for uuid");
	postgres_test_close(&test);
}

/* --- writing --- */

/* What was read goes into another table of that type, one by one and in bulk, and is the same there. */
static void test_write(void)
{
	size_t i;

	postgres_test_open(&test, TYPES, NULL);
	for (i = 0; i < NVALUES; i++) {
		struct consort_value value = consort_text(values[i].shown), many[40];
		const struct consort_resource *resource;
		struct consort_arena scratch;
		char sql[512];
		int k;

		if (!values[i].is || strchr(values[i].is, 'l') == values[i].is) /* lists have no parser */
			continue;
		snprintf(sql, sizeof(sql),
			 "DROP TABLE IF EXISTS x, y; CREATE TABLE x(v %s); CREATE TABLE y(v %s); INSERT INTO "
			 "y VALUES (%s)",
			 values[i].type, values[i].type, values[i].value);
		postgres_test_raw(sql);
		adapter_forget(&test);
		resource = adapter_resource(&test, "x", NULL);
		consort_arena_init(&scratch, 0);
		ADAPTER_MUST(&test, !consort_value_convert(&value, resource->attributes[0]->type, &scratch,
							   &value, &test.error));
		for (k = 0; k < 40; k++)
			many[k] = k == 20 ? consort_null() : value;
		OK(adapter_write(
			&test, ADAPTER_INSERT,
			(struct adapter_write){.resource = "x", .attributes = "v", .values = {many, 1}}));
		OK(adapter_write(
			&test, ADAPTER_INSERT,
			(struct adapter_write){.resource = "x", .attributes = "v", .values = {many, 40}}));
		snprintf(
			sql, sizeof(sql),
			"SELECT count(*) || ' ' || count(x.v) || ' ' || count(*) FILTER (WHERE %s) FROM x, y",
			same(values[i].type));
		TESTING_TEXT(postgres_test_raw(sql), "41 40 40");
		consort_arena_clear(&scratch);
	}
	postgres_test_close(&test);
}

static void test_write_lists(void)
{
	const struct consort_value items[] = {consort_int64(1), consort_null(), consort_int64(-3)};
	const struct consort_value moods[] = {consort_text("sad"), consort_text("happy")};
	struct consort_value row[] = {consort_null(), consort_null()};

	postgres_test_open(&test, TYPES "CREATE TABLE x(a integer[], m mood[])", NULL);
	row[0].type = row[1].type = consort_type_of(CONSORT_TYPE_LIST);
	row[0].type.element = CONSORT_TYPE_INT64;
	row[0].as.list.items = items;
	row[0].as.list.count = 3;
	row[1].type.element = CONSORT_TYPE_TEXT;
	row[1].as.list.items = moods;
	row[1].as.list.count = 2;
	OK(adapter_write(&test, ADAPTER_INSERT,
			 (struct adapter_write){.resource = "x", .attributes = "a, m", .values = {row, 2}}));
	row[0].as.list.count = 0;
	OK(adapter_write(&test, ADAPTER_INSERT,
			 (struct adapter_write){.resource = "x", .attributes = "a, m", .values = {row, 2}}));
	TESTING_TEXT(postgres_test_raw("SELECT string_agg(a::text || m::text, ' ') FROM x"),
		     "{1,NULL,-3}{sad,happy} {}{sad,happy}");
	postgres_test_close(&test);
}

/* What the server would round, cut or pad is refused. */
static void test_write_refused(void)
{
	static const struct {
		const char *type;
		struct consort_value value;
		const char *message;
	} cases[] = {
		{"smallint",
		 {.type.id = CONSORT_TYPE_INT64, .as.int64 = 40000},
		 "40000 does not fit smallint"},
		{"integer", {.type.id = CONSORT_TYPE_INT64, .as.int64 = 3000000000}, "does not fit integer"},
		{"oid", {.type.id = CONSORT_TYPE_INT64, .as.int64 = -1}, "does not fit oid"},
		{"real", {.type.id = CONSORT_TYPE_FLOAT64, .as.float64 = 0.1}, "more digits than real keeps"},
		{"varchar(3)",
		 {.type.id = CONSORT_TYPE_TEXT, .as.view = {"abc ", 4}},
		 "longer than the column's 3"},
		{"char(3)", {.type.id = CONSORT_TYPE_TEXT, .as.view = {"a ", 2}}, "ends with a blank"},
		{"timestamp(0)",
		 {.type.id = CONSORT_TYPE_TIMESTAMP, .as.int64 = 1500000},
		 "finer than the column's timestamps"},
		{"timestamptz(3)", {.type.id = CONSORT_TYPE_TIMESTAMP, .as.int64 = 1}, "finer than"},
		{"time(0)", {.type.id = CONSORT_TYPE_TIME, .as.int64 = 1}, "finer than the column's times"},
		{"timestamptz",
		 {.type.id = CONSORT_TYPE_TIMESTAMP, .as.int64 = INT64_MIN},
		 "outside the years"},
		{"date", {.type.id = CONSORT_TYPE_DATE, .as.int64 = INT32_MAX}, "outside the years"},
		{"mood",
		 {.type.id = CONSORT_TYPE_TEXT, .as.view = {"angry", 5}},
		 "invalid input value for enum mood"},
		{"positive", {.type.id = CONSORT_TYPE_INT64, .as.int64 = -1}, "violates check constraint"},
	};
	size_t i;

	postgres_test_open(&test, TYPES, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_value many[40];
		char sql[128];
		int k;

		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s)", cases[i].type);
		postgres_test_raw(sql);
		adapter_forget(&test);
		for (k = 0; k < 40; k++)
			many[k] = k == 30 ? cases[i].value : consort_null();
		CU_ASSERT(adapter_write(&test, ADAPTER_INSERT,
					(struct adapter_write){.resource = "x",
							       .attributes = "v",
							       .values = {many + 30, 1}}) != CONSORT_OK);
		TESTING_CONTAINS(test.error.message, cases[i].message);
		TESTING_CONTAINS(adapter_text(&test), "failed 0: ");
		CU_ASSERT(adapter_write(&test, ADAPTER_INSERT,
					(struct adapter_write){.resource = "x",
							       .attributes = "v",
							       .values = {many, 40}}) != CONSORT_OK);
		TESTING_CONTAINS(test.error.message, cases[i].message);
		TESTING_CONTAINS(adapter_text(&test), "failed 30: ");
		TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "0");
	}
	postgres_test_close(&test);
}

static struct consort_value parsed(struct consort_type type, const char *text)
{
	struct consort_value value = consort_null();

	CU_ASSERT_EQUAL(consort_value_parse(type, text, strlen(text), NULL, &value, NULL), CONSORT_OK);
	return value;
}

/* An attribute that holds more digits than its column. */
static void test_write_rounded(void)
{
	static const struct {
		const char *type, *declared, *refused, *kept;
	} cases[] = {
		{"numeric(12,2)", "v = float64", "1.239", "1.25"},
		{"numeric(12,2)", "v = decimal(20,6)", "1.239999", "-7.100000"},
		{"numeric(12,2)", "v = decimal(20,6)", "0.000001", "0.000000"},
		{"numeric(4)", "v = float64", "0.5", "1200.0"},
		{"numeric", "v = decimal(20,6)", NULL, "1.239999"},
	};
	size_t i;

	postgres_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct consort_resource *resource;
		struct consort_value value;
		char text[128];

		snprintf(text, sizeof(text), "DROP TABLE IF EXISTS x; CREATE TABLE x(v %s)", cases[i].type);
		postgres_test_raw(text);
		adapter_forget(&test);
		resource = adapter_resource(&test, "x", ADAPTER_LIST(cases[i].declared));
		if (cases[i].refused) {
			value = parsed(resource->attributes[0]->type, cases[i].refused);
			CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT,
						      (struct adapter_write){.resource = "x",
									     .attributes = "v",
									     .values = CONSORT_ARGS(value)}),
					CONSORT_ERANGE);
			TESTING_CONTAINS(test.error.message, "has digits that the column rounds off");
		}
		value = parsed(resource->attributes[0]->type, cases[i].kept);
		OK(adapter_write(&test, ADAPTER_INSERT,
				 (struct adapter_write){
					 .resource = "x", .attributes = "v", .values = CONSORT_ARGS(value)}));
		OK(adapter_run(&test, QUERY(.resource = "x")));
		snprintf(text, sizeof(text), "%s\n", cases[i].kept);
		TESTING_TEXT(adapter_text(&test), text);
	}
	postgres_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"read", test_read},
		{"wrong-values", test_wrong_values},
		{"declared", test_declared},
		{"no-conversion", test_no_conversion},
		{"write", test_write},
		{"write-lists", test_write_lists},
		{"write-refused", test_write_refused},
		{"write-rounded", test_write_rounded},
		{NULL, NULL},
	};

	return testing_main("postgres-values", cases, argc, argv);
}
