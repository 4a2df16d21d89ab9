/* SPDX-License-Identifier: Apache-2.0 */
/* Records of CSV from lines: forms of RFC 4180, what is wrong, and the same records as libcsv alone gives. */
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/csv.h>

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

static struct consort_buffer found;

static void note(const void *data, size_t size)
{
	consort_buffer_append(&found, data ? data : "-", data ? size : 1);
	consort_buffer_char(&found, '|');
}

/* Feeds the text line by line: "field|field|\n" for each record, - for an empty field without quotes; "~" for
 * a line after which the record goes on. */
static uint32_t feed(struct consort_csv *csv, const char *text, size_t size, struct consort_error *error)
{
	const char *end = text + size;

	consort_buffer_reset(&found);
	while (text < end) {
		const char *feed = memchr(text, '\n', (size_t)(end - text));
		struct consort_view line = {text, (uint64_t)((feed ? feed + 1 : end) - text)};
		const struct consort_view *fields;
		uint32_t count, i, status;
		int complete = 0;

		status = consort_csv_line(csv, line, &complete, error);
		if (status)
			return status;
		text += line.size;
		if (!complete) {
			consort_buffer_char(&found, '~');
			continue;
		}
		count = consort_csv_fields(csv, &fields);
		for (i = 0; i < count; i++)
			note(fields[i].data, (size_t)fields[i].size);
		consort_buffer_char(&found, '\n');
	}
	consort_buffer_char(&found, '\0');
	return CONSORT_OK;
}

static void test_forms(void)
{
	static const struct {
		const char *text, *records;
		char delimiter, quote;
	} cases[] = {
		{"a,b\n", "a|b|\n", ',', '"'},
		{"a,b\r\n1,2", "a|b|\n1|2|\n", ',', '"'},
		{"\"a\",\"b\"", "a|b|\n", ',', '"'},
		{",\"\",\n", "-||-|\n", ',', '"'},
		{"\"\"\n", "|\n", ',', '"'},
		{"\n", "-|\n", ',', '"'},
		{" a , b\t\n", " a | b\t|\n", ',', '"'},
		{"\"x,y\",\"say \"\"hi\"\"\"\n", "x,y|say \"hi\"|\n", ',', '"'},
		{"\"one\ntwo\r\n\",3\n4,5\n", "~~one\ntwo\r\n|3|\n4|5|\n", ',', '"'},
		{"a;'it''s;'\n", "a|it's;|\n", ';', '\''},
		{"5\" nail,\"\n", "5\" nail|\"|\n", ',', '\0'},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_csv *csv = consort_csv_new(cases[i].delimiter, cases[i].quote);

		CU_ASSERT_EQUAL(feed(csv, cases[i].text, strlen(cases[i].text), NULL), CONSORT_OK);
		TESTING_TEXT(found.data, cases[i].records);
		consort_csv_free(csv);
	}
	consort_csv_free(NULL);
	consort_buffer_clear(&found);
}

/* After a mistake the next line begins a record. */
static void test_broken(void)
{
	static const struct {
		const char *text, *message;
		int32_t position;
	} cases[] = {
		{"1,x\"y\"\n", "quotes that do not match, at character 4", 4},
		{"\"\xc3\xa9\" ,2\n", "quotes that do not match, at character 4", 4},
		{"\"a\n\xc3\xa9\" ,2\n", "quotes that do not match, at character 3", 3},
		{"1,2\r3,4\n", "a carriage return inside a field without quotes", 0},
	};
	struct consort_csv *csv = consort_csv_new(',', '"');
	struct consort_error error;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL(feed(csv, cases[i].text, strlen(cases[i].text), &error), CONSORT_ESYNTAX);
		TESTING_CONTAINS(error.message, cases[i].message);
		CU_ASSERT_EQUAL(error.position, cases[i].position);
		CU_ASSERT_EQUAL(feed(csv, "1,\"2\"\n", 6, NULL), CONSORT_OK);
		TESTING_TEXT(found.data, "1|2|\n");
	}
	/* a record that nobody ends */
	CU_ASSERT_EQUAL(feed(csv, "1,\"2\n", 5, NULL), CONSORT_OK);
	TESTING_TEXT(found.data, "~");
	consort_csv_restart(csv);
	CU_ASSERT_EQUAL(feed(csv, "\"3\",4\n", 6, NULL), CONSORT_OK);
	TESTING_TEXT(found.data, "3|4|\n");
	consort_csv_free(csv);
	consort_buffer_clear(&found);
}

static void own_field(void *data, size_t size, void *context)
{
	(void)context;
	note(data, size);
}

static void own_end(int terminator, void *context)
{
	(void)terminator;
	(void)context;
	consort_buffer_char(&found, '\n');
}

static int no_blank(unsigned char character)
{
	(void)character;
	return 0;
}

/* Random texts of the characters that count: libcsv gets all at once, and says the same, or refuses them,
 * too. */
static void test_libcsv(void)
{
	static const char characters[] = "aa,,\"\"\n\n b";
	struct consort_csv *csv = consort_csv_new(',', '"');
	uint64_t state = 1;
	int i, taken = 0;

	for (i = 0; i < 50000; i++) {
		struct csv_parser parser;
		char text[32], *ours;
		size_t size, at;
		uint32_t status;

		state = state * 6364136223846793005u + 1442695040888963407u;
		size = 1 + (state >> 60);
		for (at = 0; at < size; at++)
			text[at] = characters[(state >> (at * 3 + 5)) % (sizeof(characters) - 1)];
		status = feed(csv, text, size, NULL);
		ours = consort_buffer_steal(&found);
		CU_ASSERT_EQUAL_FATAL(csv_init(&parser, CSV_STRICT | CSV_EMPTY_IS_NULL | CSV_STRICT_FINI), 0);
		csv_set_space_func(&parser, no_blank);
		if (csv_parse(&parser, text, size, own_field, own_end, NULL) != size) {
			CU_ASSERT_EQUAL_FATAL(status, CONSORT_ESYNTAX);
		} else if (!status && !strchr(ours, '~') && !strstr(ours, "\n-|\n") &&
			   strncmp(ours, "-|\n", 3)) {
			/* whole records, and no blank lines, which libcsv leaves out */
			csv_fini(&parser, own_field, own_end, NULL);
			consort_buffer_char(&found, '\0');
			TESTING_TEXT(found.data, ours);
			taken++;
		}
		csv_free(&parser);
		consort_buffer_clear(&found);
		free(ours);
		consort_csv_restart(csv);
	}
	CU_ASSERT_TRUE(taken > 5000);
	consort_csv_free(csv);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"forms", test_forms}, {"broken", test_broken}, {"libcsv", test_libcsv}, {NULL, NULL}};

	return testing_main("csv", cases, argc, argv);
}
