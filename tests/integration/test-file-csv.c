/* SPDX-License-Identifier: Apache-2.0 */
/* The file adapter on CSV: RFC 4180 and what it leaves open, what is wrong, and what types come of it. */
#include "file-adapter.h"

#include <stdio.h>
#include <stdlib.h>

/* Reads case.csv, which is written first. */
static uint32_t read_text(struct adapter_test *test, const char *text, const char *const *settings)
{
	testing_write("case.csv", text);
	return file_test_read(test, "case.csv", settings, NULL);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Each text gives these records. */
static void test_forms(void)
{
	static const struct {
		const char *text, *records, *settings[3];
	} cases[] = {
		{"a,b\n1,2\n", "1|2\n", {NULL}},
		{"a,b\r\n1,2\r\n", "1|2\n", {NULL}},
		{"a,b\n1,2", "1|2\n", {NULL}},
		{"a,b\n\"1\",\"2\"", "1|2\n", {NULL}},
		{"\xef\xbb\xbf"
		 "a,b\n1,2\n",
		 "1|2\n",
		 {NULL}},
		{"a,b\n", "", {NULL}},
		{"a,b", "", {NULL}},
		/* NULL and the empty text */
		{"a,b,c\n,\"\",x\n", "NULL||x\n", {NULL}},
		{"a,b\n,\n", "NULL|NULL\n", {NULL}},
		{"a,b\nNA,\"x\"\n\"NA\",y\n", "NULL|x\nNULL|y\n", {"null=NA"}},
		/* quotes */
		{"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "x,y|say \"hi\"\n", {NULL}},
		{"a,b\n\"one\ntwo\",\"three\r\nfour\"\n5,6\n", "one\ntwo|three\r\nfour\n5|6\n", {NULL}},
		{"a,b\n\"\n\n\",x\n", "\n\n|x\n", {NULL}},
		{"'x,1','it''s'\n", "x,1|it's\n", {"quote='", "header=no"}},
		{"a,b\n5\" nail,\"\n", "5\" nail|\"\n", {"quote=none"}},
		/* blanks belong to fields; blank lines do not count, but are NULL in a single column */
		{"a,b\n x , y\t\n", " x | y\t\n", {NULL}},
		{"\n\na,b\n\n1,2\r\n\r\n3,4\n\n", "1|2\n3|4\n", {NULL}},
		{"a\n1\n\n3\n", "1\nNULL\n3\n", {NULL}},
		/* delimiters, and no header */
		{"a;b\n1,5;2\n", "1,5|2\n", {"delimiter=;"}},
		{"a\tb\n\"1\t2\"\t3\n", "1\t2|3\n", {"delimiter=tab"}},
		{"1,x\n2,y\n", "1|x\n2|y\n", {"header=no"}},
		{",x\n1,2\n", "1|2\n", {NULL}},
		{"caf\xc3\xa9,\xe2\x82\xac\n\xf0\x9f\x98\x80,\xc3\x9f\n",
		 "\xf0\x9f\x98\x80|\xc3\x9f\n",
		 {NULL}},
	};
	struct adapter_test test;
	size_t i;

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_text(&test, cases[i].text, cases[i].settings))
			fprintf(stderr, "%s", consort_error_text(&test.error));
		TESTING_TEXT(adapter_text(&test), cases[i].records);
	}
	adapter_close(&test);
}

/* Each text is refused with exactly this message. */
static void test_broken(void)
{
	static const struct {
		const char *text, *message, *settings[2];
		uint32_t status;
	} cases[] = {
		{"a,b\n1,2\n1\n", "case.csv:3: expected 2 columns, found 1", {NULL}, CONSORT_EPROTOCOL},
		{"a,b\n1,2,3\n", "case.csv:2: expected 2 columns, found 3", {NULL}, CONSORT_EPROTOCOL},
		{"a,b\n\"x\n\ny\",2\n\n1,2,3\n",
		 "case.csv:6: expected 2 columns, found 3",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b\n1,\"2\n3,4\n",
		 "case.csv:2: a quote in this record is not closed before the file ends",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b\n1,x\"y\"\n",
		 "case.csv:2: quotes that do not match, at character 4; a field that holds a quote is "
		 "quoted, and that quote doubled",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b\n1,2\n\"\xc3\xa9\n\xc3\xa9\" ,2\n",
		 "case.csv:4: quotes that do not match, at character 3; a field that holds a quote is "
		 "quoted, and that quote doubled",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b\n1,2\r3,4\n",
		 "case.csv:2: a carriage return inside a field without quotes; lines end with LF or CRLF",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b\n1,caf\xe9\n",
		 "case.csv:2: byte 0xe9 at character 6 is not UTF-8; convert the file to UTF-8 "
		 "(iconv -t utf-8)",
		 {NULL},
		 CONSORT_EPROTOCOL},
		{"a,b,a\n", "case.csv:1: two columns are named 'a'", {NULL}, CONSORT_EPROTOCOL},
		{"", "'case.csv' is empty: nothing tells its columns", {NULL}, CONSORT_EPROTOCOL},
		{"\n\n", "'case.csv' is empty: nothing tells its columns", {"header=no"}, CONSORT_EPROTOCOL},
		{"a,b\n",
		 "delimiter: ';;' is not one ASCII character; tab can be written as a word, and a manifest "
		 "takes the character ; in double quotes only",
		 {"delimiter=;;"},
		 CONSORT_EVALUE},
		/* what a manifest makes of "delimiter = ;" */
		{"a,b\n",
		 "delimiter: '' is not one ASCII character; tab can be written as a word, and a manifest "
		 "takes the character ; in double quotes only",
		 {"delimiter="},
		 CONSORT_EVALUE},
		{"a,b\n", "delimiter and quote are the same character", {"delimiter=\""}, CONSORT_EVALUE},
		{"a,b\n", "sample = -1 is negative; 0 reads every record", {"sample=-1"}, CONSORT_EVALUE},
	};
	struct adapter_test test;
	size_t i;

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(read_text(&test, cases[i].text, cases[i].settings), cases[i].status);
		TESTING_TEXT(test.error.message, cases[i].message);
	}
	testing_write_n("case.csv", "a,b\n1,2\n3\0,4\n", 13);
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, NULL), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message,
		     "case.csv:3: a NUL byte at character 2; this is no text, or no UTF-8");
	CU_ASSERT_EQUAL(test.error.position, 2);
	adapter_close(&test);
}

/* One column of these values is of this type. */
static void test_inference(void)
{
	static const struct {
		const char *values, *type;
	} cases[] = {
		{"true\nfalse", "bool"},
		{"true\n1", "text"},
		{"TRUE", "text"},
		{"yes", "text"},
		{"1\n-20\n0", "int64"},
		{"9223372036854775807\n-9223372036854775808", "int64"},
		{"9223372036854775808", "decimal(38,0)"},
		{"007", "text"},
		{"00M", "text"},
		{"+1", "text"},
		{"1 ", "text"},
		{"1\n2.5", "float64"},
		{"1e3", "float64"},
		{"-0", "float64"},
		{"1.", "text"},
		{".5", "text"},
		{"nan", "text"},
		{"9007199254740992\n0.5", "float64"},
		{"9007199254740993\n0.5", "decimal(38,1)"},
		/* more digits than a double keeps, but not more than a decimal has */
		{"0.1\n0.30000000000000004\n1e300", "float64"},
		{"0.10000000000000001\n123456789012.34567", "float64"},
		{"12345678901234567.89\n1", "decimal(38,2)"},
		{"0.1\n-1234567890123456789012345678901234567.8", "decimal(38,1)"},
		{"0.12\n1234567890123456789012345678901234567", "text"},
		{"0.1234567890123456789\n1e300", "text"},
		{"0.1234567890123456789\n1e3", "decimal(38,19)"},
		{"10000000000000000000", "decimal(38,0)"},
		{"99999999999999999999999999999999999999", "decimal(38,0)"},
		{"999999999999999999999999999999999999999", "text"},
		{"12345678901234567.89\n007", "text"},
		{"1e999", "text"},
		{"0x10", "text"},
		{"2001-02-28\n1969-12-31", "date"},
		{"2001-02-29", "text"},
		{"2001-2-3", "text"},
		{"2001-01-01x", "text"},
		{"2001-01-01T00:47:00Z\n2001-01-01 00:47:00", "timestamp"},
		{"2001-01-01T00:47:00+02:00", "timestamp"},
		{"2001-01-01T00:47:00.123456Z", "timestamp"},
		{"2001-01-01T25:00:00Z", "text"},
		{"2001-01-01\n2001-01-01T00:00:00Z", "text"},
		{"12:30:00", "time"},
		{"12:30", "text"},
		{"24:30:00", "text"},
		{"\"1\"\n\"2\"", "int64"},
		{"\"\"", "text"},
		{"\n\n5", "int64"},
		{"\n\n", "text"},
		{"{}", "text"},
	};
	struct adapter_test test;
	char file[256], expected[64];
	size_t i;

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(file, sizeof(file), "v\n%s\n", cases[i].values);
		snprintf(expected, sizeof(expected), "case.csv: v %s\n", cases[i].type);
		testing_write("case.csv", file);
		CU_ASSERT_EQUAL(file_test_describe(&test, "case.csv", NULL), CONSORT_OK);
		if (strcmp(test.text.data, expected))
			fprintf(stderr, "  of %s:\n", cases[i].values);
		TESTING_TEXT(test.text.data, expected);
	}
	adapter_close(&test);
}

/* No digit is lost in silence. */
static void test_digits(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("case.csv", "id,x\n1,0.1\n2,12345678901234567.89\n3,0.10000000000000001\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "1|0.10000000000000000\n2|12345678901234567.89000000000000000\n3|0.10000000000000001\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, SETTINGS("id = int64", "x = float64")),
			CONSORT_ERANGE);
	TESTING_TEXT(test.error.message, "case.csv:3: column 'x': 12345678901234567.89 has more digits than "
					 "a float64 keeps; to read it "
					 "as it is, declare attribute.x = text");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, SETTINGS("x = decimal(20,3)")),
			CONSORT_ERANGE);
	CU_ASSERT_EQUAL(read_text(&test, "x\n0.1\n0.30000000000000004\n1e23\n", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "0.1\n0.30000000000000004\n1e23\n");
	CU_ASSERT_EQUAL(
		read_text(&test, "x\n0.1\n0.12345678901234568\n0.123456789012345678\n", SETTINGS("sample=1")),
		CONSORT_ERANGE);
	TESTING_TEXT(test.error.message,
		     "case.csv:4: column 'x': 0.123456789012345678 has more digits than a float64 keeps; its "
		     "type was "
		     "inferred from the file's beginning, attribute.x = text declares another");
	CU_ASSERT_EQUAL(read_text(&test, "x\n12345678901234567890\n0.5\n", SETTINGS("sample=1")),
			CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message,
			 "case.csv:3: column 'x': 0.5 does not fit decimal(38,0); its type");
	adapter_close(&test);
}

/* What the sample did not show is an error that says what to write into the manifest. */
static void test_misfits(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	CU_ASSERT_EQUAL(read_text(&test, "id,n\n1,5\n2,6\n3,007\n", SETTINGS("sample=2")), CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "case.csv:4: column 'n': '007' is not an integer; its type was inferred from the "
		     "file's beginning, attribute.n = text declares another");
	TESTING_TEXT(test.error.attribute, "n");
	TESTING_TEXT(test.error.resource, "thing");
	CU_ASSERT_EQUAL(read_text(&test, "id,n\n1,5\n2,6\n3,007\n", SETTINGS("sample=0")), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|5\n2|6\n3|007\n");
	CU_ASSERT_EQUAL(read_text(&test, "x\n0.5\n9007199254740993\n", SETTINGS("sample=1")), CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "case.csv:3: column 'x': ");
	CU_ASSERT_EQUAL(read_text(&test, "x\n1\n9223372036854775808\n", SETTINGS("sample=1")),
			CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "9223372036854775808");
	adapter_close(&test);
}

static void test_declared(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("case.csv",
		      "code,at,price,tags\n007,2001-01-01T02:00:00+02:00,12.50,\"{ \"\"a\"\": [1, 2] }\"\n");
	CU_ASSERT_EQUAL(
		file_test_read(&test, "case.csv", NULL,
			       SETTINGS("price = decimal(12,2)", "number = int64 from code", "at = timestamp",
					"tags = json", "code = text", "t = text from tags")),
		CONSORT_OK);
	TESTING_TEXT(test.text.data, "12.50|7|2001-01-01T00:00:00Z|{\"a\":[1,2]}|007|{ \"a\": [1, 2] }\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, SETTINGS("cost = int64 from price")),
			CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "case.csv:2: column 'price': '12.50' is not an integer; to read it as it is, "
		     "declare attribute.cost = text from price");
	CU_ASSERT_EQUAL(file_test_read(&test, "case.csv", NULL, SETTINGS("prcie = text")), CONSORT_ENAME);
	TESTING_TEXT(test.error.message, "case.csv has no column 'prcie'; did you mean 'price'?");
	CU_ASSERT_NOT_EQUAL(file_test_read(&test, "case.csv", NULL, SETTINGS("at = json")), CONSORT_OK);
	TESTING_CONTAINS(test.error.message, "case.csv:2: column 'at'");
	adapter_close(&test);
}

/* Fields and records over many buffers, with the expected width of everything. */
static void test_long(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct adapter_test test;
	size_t i, rows = 0;
	char *at;

	file_test_open(&test, NULL);
	consort_buffer_text(&text, "a,b\n");
	for (i = 0; i < 3; i++) {
		size_t start = text.size + 1, length = 200000 + i * 30011;

		consort_buffer_printf(&text, "\"%0*d", (int)length, 7);
		for (at = text.data + start + 1; at < text.data + text.size; at += 4001)
			*at = '\n';
		consort_buffer_printf(&text, "\",%zu\n", i);
	}
	for (i = 0; i < 20000; i++)
		consort_buffer_printf(&text, "%zu,x\n", i);
	CU_ASSERT_FALSE_FATAL(text.failed);
	CU_ASSERT_EQUAL_FATAL(read_text(&test, text.data, NULL), CONSORT_OK);
	for (at = test.text.data; (at = strchr(at, '|')); at++)
		rows++;
	CU_ASSERT_EQUAL(rows, 20003);
	CU_ASSERT_EQUAL(test.text.size, text.size - 4 - 3 * 2); /* without header and quotes */
	TESTING_TEXT(test.text.data + test.text.size - 8, "19999|x\n");
	consort_buffer_clear(&text);
	adapter_close(&test);
}

/* Where a line, or a record, does not end the adapter does. */
static void test_endless(void)
{
	size_t size = ((size_t)65 << 20) + 6, i;
	char *text = malloc(size);
	struct adapter_test test;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	file_test_open(&test, NULL);
	memcpy(text, "a,b\n1,", 6);
	memset(text + 6, 'x', size - 6);
	testing_write_n("case.csv", text, size);
	CU_ASSERT_EQUAL(file_test_describe(&test, "case.csv", NULL), CONSORT_ERANGE);
	TESTING_TEXT(test.error.message, "case.csv:2: a line of more than 64 MiB");
	text[6] = '"';
	for (i = 7; i < size; i += 100)
		text[i] = '\n';
	testing_write_n("case.csv", text, size);
	CU_ASSERT_EQUAL(file_test_describe(&test, "case.csv", NULL), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message, "case.csv:2: a quote in this record is not closed within 64 MiB");
	adapter_close(&test);
	free(text);
}

static double column_sum(const char *text, int column)
{
	double sum = 0;
	int i;

	for (; *text; text = strchr(text, '\n') + 1) {
		const char *at = text;

		for (i = 0; i < column; i++)
			at = strchr(at, '|') + 1;
		sum += strtod(at, NULL);
	}
	return sum;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

static const char *last_line(struct adapter_test *test)
{
	test->text.data[test->text.size - 1] = '\0';
	return strrchr(test->text.data, '\n') + 1;
}

/* The shipped data; figures counted with Python's csv module. */
static void test_real_data(void)
{
	struct adapter_test test;

	file_test_open(&test, testing_source("examples/data"));
	CU_ASSERT_EQUAL(file_test_describe(&test, "flights.csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "flights.csv: id int64, departed_at timestamp, delay_min int64, distance_mi int64, "
		     "origin text, destination text\n");
	CU_ASSERT_EQUAL_FATAL(file_test_read(&test, "flights.csv", NULL, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(count_lines(test.text.data), 20000);
	CU_ASSERT_EQUAL(column_sum(test.text.data, 3), 14476934);
	CU_ASSERT_EQUAL(column_sum(test.text.data, 2), 154078);
	TESTING_TEXT(last_line(&test), "20000|2001-03-31T22:27:00Z|-9|83|CLT|GSO");

	CU_ASSERT_EQUAL(file_test_describe(&test, "airports.csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "airports.csv: iata text, name text, city text, state text, country text, "
		     "latitude float64, longitude float64\n");
	CU_ASSERT_EQUAL_FATAL(file_test_read(&test, "airports.csv", NULL, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(count_lines(test.text.data), 3376);
	TESTING_CONTAINS(test.text.data,
			 "\n35A|Union County, Troy Shelton|Union|SC|USA|34.68680111|-81.64121167\n");
	CU_ASSERT_DOUBLE_EQUAL(column_sum(test.text.data, 5), 135163.30376, 1e-4);
	TESTING_TEXT(last_line(&test), "ZZV|Zanesville Municipal|Zanesville|OH|USA|39.94445833|-81.89210528");

	CU_ASSERT_EQUAL(file_test_describe(&test, "seattle-weather-hourly.csv", NULL), CONSORT_OK);
	TESTING_CONTAINS(test.text.data,
			 ": observed_at timestamp, pressure_hpa float64, temperature_c float64, wind_ms");
	CU_ASSERT_EQUAL_FATAL(file_test_read(&test, "seattle-weather-hourly.csv", NULL, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(count_lines(test.text.data), 8759);
	CU_ASSERT_DOUBLE_EQUAL(column_sum(test.text.data, 2), 97466.8, 1e-6);
	TESTING_TEXT(last_line(&test), "2010-12-31T23:00:00Z|1016.7|4.3|4.0");
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"forms", test_forms},	       {"broken", test_broken},
		{"inference", test_inference}, {"digits", test_digits},
		{"misfits", test_misfits},     {"declared", test_declared},
		{"long", test_long},	       {"endless", test_endless},
		{"real_data", test_real_data}, {NULL, NULL},
	};

	return testing_main("file-csv", cases, argc, argv);
}
