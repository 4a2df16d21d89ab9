/* SPDX-License-Identifier: Apache-2.0 */
/* The file adapter on JSON Lines: members as columns, kinds as types, paths, and what is wrong. */
#include "file-adapter.h"

#include <stdio.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Describes and reads case.jsonl, which is written first. */
static uint32_t describe_text(struct adapter_test *test, const char *text)
{
	testing_write("case.jsonl", text);
	return file_test_describe(test, "case.jsonl", NULL);
}

static uint32_t read_text(struct adapter_test *test, const char *text, const char *const *settings,
			  const char *const *declared)
{
	testing_write("case.jsonl", text);
	return file_test_read(test, "case.jsonl", settings, declared);
}

static void test_members(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	CU_ASSERT_EQUAL(describe_text(&test, "{\"b\":1,\"a\":\"x\"}\n\n{\"a\":null,\"c\":true}\n"),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "case.jsonl: b int64, a text, c bool\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.jsonl", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|x|NULL\nNULL|NULL|true\n");
	/* no line feed at the end, CRLF, a byte order mark, order of members */
	CU_ASSERT_EQUAL(read_text(&test, "\xef\xbb\xbf{\"a\":1,\"b\":\"\"}\r\n \r\n{\"b\":\"y\",\"a\":2}",
				  NULL, NULL),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|\n2|y\n");
	CU_ASSERT_EQUAL(read_text(&test, "", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(adapter_text(&test), "");
	/* documents stay documents, compact */
	CU_ASSERT_EQUAL(
		read_text(&test, "{\"d\":{ \"x\" : [1, null], \"y\":\"\\u00e9\"},\"l\":[ ]}\n", NULL, NULL),
		CONSORT_OK);
	TESTING_TEXT(test.text.data, "{\"x\":[1,null],\"y\":\"\xc3\xa9\"}|[]\n");
	adapter_close(&test);
}

/* One member with these values, one a line, is of this type. */
static void test_inference(void)
{
	static const struct {
		const char *values[4], *type;
	} cases[] = {
		{{"true", "false"}, "bool"},
		{{"1", "-2"}, "int64"},
		{{"1", "2.5"}, "float64"},
		{{"1.0"}, "float64"},
		{{"9007199254740993", "0.5"}, "decimal(38,1)"},
		{{"18446744073709551615"}, "decimal(38,0)"},
		{{"\"1\""}, "text"},
		{{"\"true\""}, "text"},
		{{"\"2001-01-01\""}, "date"},
		{{"\"2001-01-01T00:00:00Z\""}, "timestamp"},
		{{"\"12:00:00\""}, "time"},
		{{"{}", "[1]"}, "json"},
		{{"1", "\"x\""}, "text"},
		{{"{}", "1"}, "text"},
		{{"true", "1"}, "text"},
		{{"null"}, "text"},
		{{"null", "7"}, "int64"},
	};
	struct adapter_test test;
	char file[512], expected[64];
	size_t i, j;

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int at = 0;

		for (j = 0; j < 4 && cases[i].values[j]; j++)
			at += snprintf(file + at, sizeof(file) - (size_t)at, "{\"v\":%s}\n",
				       cases[i].values[j]);
		snprintf(expected, sizeof(expected), "case.jsonl: v %s\n", cases[i].type);
		CU_ASSERT_EQUAL(describe_text(&test, file), CONSORT_OK);
		TESTING_TEXT(test.text.data, expected);
	}
	/* where kinds are mixed each value is its text */
	CU_ASSERT_EQUAL(
		read_text(&test, "{\"v\":1}\n{\"v\":\"x\"}\n{\"v\":false}\n{\"v\":{\"a\":[]}}\n", NULL, NULL),
		CONSORT_OK);
	TESTING_TEXT(test.text.data, "1\nx\nfalse\n{\"a\":[]}\n");
	CU_ASSERT_EQUAL(read_text(&test, "{\"v\":1}\n{\"v\":\"2\"}\n", LIST("sample=1"), NULL),
			CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "case.jsonl:2: column 'v': '2' is not an integer; its type was inferred from the "
		     "file's beginning, attribute.v = text declares another");
	CU_ASSERT_EQUAL(read_text(&test, "{\"v\":{}}\n{\"v\":2}\n", LIST("sample=1"), NULL), CONSORT_ETYPE);
	adapter_close(&test);
}

static void test_declared(void)
{
	static const char text[] =
		"{\"a\":{\"b\":{\"c\":5},\"l\":[\"x\",{\"y\":\"z\"}],\"t\":\"12.50\"},\"n\":\"7\"}\n"
		"{\"a\":{\"b\":null},\"n\":8}\n{\"a\":3,\"a.b.c\":6}\n{\"n\":null}\n";
	struct adapter_test test;

	file_test_open(&test, NULL);
	CU_ASSERT_EQUAL(
		read_text(&test, text, NULL,
			  LIST("c = int64 from a.b.c", "second = text from a.l.1.y", "n = int64",
			       "price = decimal(12,2) from a.t", "missing = text", "b = json from a.b")),
		CONSORT_OK);
	TESTING_TEXT(test.text.data, "5|z|7|12.50|NULL|{\"c\":5}\nNULL|NULL|8|NULL|NULL|NULL\n"
				     "6|NULL|NULL|NULL|NULL|NULL\nNULL|NULL|NULL|NULL|NULL|NULL\n");
	CU_ASSERT_EQUAL(read_text(&test, text, NULL, LIST("price = int64 from a.t")), CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "case.jsonl:1: column 'a.t': '12.50' is not an integer; to read it as it is, "
		     "declare attribute.price = text from a.t");
	CU_ASSERT_EQUAL(read_text(&test, "{\"l\":[3,null,4]}\n{}\n", NULL, LIST("l = list of int64")),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "[3,null,4]\nNULL\n");
	adapter_close(&test);
}

static void test_broken(void)
{
	struct adapter_test test;
	size_t i;
	static const struct {
		const char *line, *message;
	} cases[] = {
		{"{\"a\":2", "case.jsonl:3: "},
		{"{\"a\":2}}", "case.jsonl:3: "},
		{"{\"a\":02}", "case.jsonl:3: "},
		{"{\"a\" 2}", "case.jsonl:3: "},
		{"{\"a\":2} {\"a\":3}", "case.jsonl:3: "},
		{"{a:2}", "case.jsonl:3: "},
		{"[1]", "case.jsonl:3: a JSON value that is no object; each line holds one object"},
		{"2", "case.jsonl:3: a JSON value that is no object; each line holds one object"},
		{"{\"a\":\"\xff\"}", "case.jsonl:3: byte 0xff at character 7 is not UTF-8"},
		{"{\"a\":\"\\u0000\"}", "case.jsonl:3: "},
		{"{\"a\":2,\"b\":1,\"a\":3}",
		 "case.jsonl:3: invalid JSON at byte 16: the member 'a' stands twice in one object"},
	};

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), "{\"a\":\"x\"}\n\n%s\n{\"a\":\"y\"}\n", cases[i].line);
		/* found by the sample, and by reading what the sample did not see */
		CU_ASSERT_NOT_EQUAL(read_text(&test, text, NULL, NULL), CONSORT_OK);
		TESTING_CONTAINS(test.error.message, cases[i].message);
		CU_ASSERT_NOT_EQUAL(read_text(&test, text, LIST("sample=1"), NULL), CONSORT_OK);
		TESTING_CONTAINS(test.error.message, cases[i].message);
	}
	CU_ASSERT_EQUAL(read_text(&test, "{\"a\":1}\n{\"a\":\n", NULL, LIST("a = int64")), CONSORT_EPROTOCOL);
	CU_ASSERT_TRUE(test.error.position > 0);
	adapter_close(&test);
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (; (text = strstr(text, part)); text++)
		found++;
	return found;
}

/* The shipped data; figures counted with Python's json module. */
static void test_real_data(void)
{
	struct adapter_test test;

	file_test_open(&test, testing_source("examples/data"));
	CU_ASSERT_EQUAL(file_test_describe(&test, "birdstrikes.jsonl", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "birdstrikes.jsonl: _id int64, airport text, state text, flight_date date, "
		     "aircraft json, phase text, time_of_day text, damage text, wildlife json, cost json, "
		     "speed_knots int64\n");
	CU_ASSERT_EQUAL_FATAL(file_test_read(&test, "birdstrikes.jsonl", NULL,
					     LIST("_id = int64", "model = text from aircraft.model",
						  "cost = int64 from cost.total", "speed_knots = int64",
						  "day = date from flight_date")),
			      CONSORT_OK);
	CU_ASSERT_EQUAL(count(test.text.data, "\n"), 3000);
	CU_ASSERT_EQUAL(count(test.text.data, "|B-737-300|"), 197);
	CU_ASSERT_EQUAL(count(test.text.data, "|NULL|"), 3000 - 2447);
	TESTING_CONTAINS(test.text.data, "1|T-38A|0|300|1990-01-08\n");
	TESTING_CONTAINS(test.text.data, "\n3000|MD-82|0|NULL|1994-11-21\n");

	CU_ASSERT_EQUAL(file_test_describe(&test, "earthquakes.jsonl", NULL), CONSORT_OK);
	TESTING_CONTAINS(test.text.data, ": mag float64, place text, time int64, updated int64, tz int64,");
	TESTING_CONTAINS(test.text.data, " felt int64, cdi float64, mmi float64, alert text,");
	TESTING_CONTAINS(test.text.data, " gap float64, magType text,");
	TESTING_CONTAINS(test.text.data, ", geometry json\n");
	CU_ASSERT_EQUAL_FATAL(file_test_read(&test, "earthquakes.jsonl", NULL, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(count(test.text.data, "\n"), 1707);
	CU_ASSERT_EQUAL_FATAL(
		file_test_read(&test, "earthquakes.jsonl", NULL,
			       LIST("felt = int64", "depth = float64 from geometry.coordinates.2")),
		CONSORT_OK);
	CU_ASSERT_EQUAL(count(test.text.data, "NULL|"), 1580);
	CU_ASSERT_EQUAL(count(test.text.data, "|3.28\n"), 1);
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"members", test_members}, {"inference", test_inference}, {"declared", test_declared},
		{"broken", test_broken},   {"real_data", test_real_data}, {NULL, NULL},
	};

	return testing_main("file-jsonl", cases, argc, argv);
}
