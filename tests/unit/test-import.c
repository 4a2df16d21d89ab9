/* SPDX-License-Identifier: Apache-2.0 */
/* What import reads: lines, CSV and its broken forms, JSON Lines; and how far it came. */
#include "testing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../tools/import.h"

/* The records of a text: fields in <>, NULL as -, records ended by |; what is wrong as !. */
static const char *records(uint32_t kind, const char *data, size_t size, size_t header)
{
	static struct consort_buffer text;
	const char *path = testing_write_n("in", data, size);
	int fd = open(path, O_RDONLY);
	struct consort_error error = CONSORT_ERROR_INIT;
	enum consort_status status;
	struct input in;
	bool more = true, broken;
	size_t i;

	consort_buffer_reset(&text);
	consort_buffer_text(&text, "");
	CU_ASSERT_FALSE_FATAL(input_open(&in, kind, fd, "in", &error));
	for (;;) {
		status = input_next(&in, header, &more, &broken, &error);
		if (!more && !status)
			break;
		consort_buffer_printf(&text, "%llu", (unsigned long long)in.line);
		if (status) {
			CU_ASSERT_TRUE(broken);
			CU_ASSERT_EQUAL(status, CONSORT_ESYNTAX);
			consort_buffer_text(&text, "!");
			continue;
		}
		for (i = 0; kind == INPUT_CSV && i < in.nfields; i++)
			consort_buffer_printf(&text, in.fields[i].data ? "<%.*s>" : "-",
					      (int)in.fields[i].size, in.fields[i].data);
		if (kind == INPUT_JSONL)
			consort_buffer_printf(&text, "<%s>", in.text.data);
		consort_buffer_char(&text, '|');
	}
	CU_ASSERT_EQUAL(in.next.offset, size);
	input_clear(&in);
	close(fd);
	return text.data;
}

#define CSV(text, header) records(INPUT_CSV, text, sizeof(text) - 1, header)

static void test_csv(void)
{
	TESTING_TEXT(CSV("", 2), "");
	TESTING_TEXT(CSV("a,b\n1,2\n", 2), "1<a><b>|2<1><2>|");
	TESTING_TEXT(CSV("a,b\r\n1,2\r\n", 2), "1<a><b>|2<1><2>|");
	TESTING_TEXT(CSV("a,b", 2), "1<a><b>|");
	TESTING_TEXT(CSV("5", 2), "1<5>|");
	TESTING_TEXT(CSV("a,\"b\"", 2), "1<a><b>|");
	/* NULL and the empty text */
	TESTING_TEXT(CSV(",\"\",\n", 3), "1-<>-|");
	/* blanks belong to fields */
	TESTING_TEXT(CSV(" a , \tb\n", 2), "1< a >< \tb>|");
	/* quotes, commas and lines in fields; the number is that of the first line */
	TESTING_TEXT(CSV("\"x\"\"y\",\"a,b\"\n\"two\r\nlines\",3\nz,4\n", 2),
		     "1<x\"y><a,b>|2<two\r\nlines><3>|4<z><4>|");
	/* blank lines: none, or one NULL where there is one column */
	TESTING_TEXT(CSV("a,b\n\n\r\nc,d\n\n", 2), "1<a><b>|4<c><d>|");
	TESTING_TEXT(CSV("a\n\nb\n", 1), "1<a>|2-|3<b>|");
	TESTING_TEXT(CSV("\xef\xbb\xbf" "a,b\n", 2), "1<a><b>|");
}

static void test_broken_csv(void)
{
	/* the records around it come */
	TESTING_TEXT(CSV("a,b\nc\"d,e\nf,g\n", 2), "1<a><b>|2!3<f><g>|");
	TESTING_TEXT(CSV("a,b\n\"c\"d,e\nf,g\n", 2), "1<a><b>|2!3<f><g>|");
	TESTING_TEXT(CSV("a,b\n1,2\r3,4\nf,g\n", 2), "1<a><b>|2!3<f><g>|");
	/* a quote that is never closed takes the rest */
	TESTING_TEXT(CSV("a,b\n\"c,d\ne,f\n", 2), "1<a><b>|2!");
	/* a line of 300,000 characters, more than is read at once */
	{
		size_t size = 300000;
		char *data = malloc(size + 5);

		CU_ASSERT_PTR_NOT_NULL_FATAL(data);
		memset(data, 'x', size);
		memcpy(data + size, "\nyz\n", 5);
		TESTING_CONTAINS(records(INPUT_CSV, data, size + 4, 1), "xxx>|2<yz>|");
		free(data);
	}
}

static void test_json_lines(void)
{
	TESTING_TEXT(records(INPUT_JSONL, "{}\n \t\r\n{\"a\":1} \r\n[", 18, 0), "1<{}>|3<{\"a\":1}>|4<[>|");
}

static void test_places(void)
{
	const char *path = testing_write("in", "a,b\n1,2\n\"3\n\",4\n5,6\n");
	int fd = open(path, O_RDONLY);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct place place;
	struct input in;
	bool more, broken;
	int i;

	CU_ASSERT_FALSE_FATAL(input_open(&in, INPUT_CSV, fd, "in", &error));
	for (i = 0; i < 3; i++)
		CU_ASSERT_FALSE(input_next(&in, 2, &more, &broken, &error));
	place = in.next;
	CU_ASSERT_EQUAL(place.offset, 15);
	CU_ASSERT_EQUAL(place.line, 4);
	CU_ASSERT_EQUAL(place.record, 3);
	for (i = 0; i < 2; i++)
		CU_ASSERT_FALSE(input_next(&in, 2, &more, &broken, &error));
	CU_ASSERT_FALSE(more);
	CU_ASSERT_FALSE(input_seek(&in, &place, &error));
	CU_ASSERT_FALSE(input_next(&in, 2, &more, &broken, &error));
	CU_ASSERT_TRUE(more);
	CU_ASSERT_EQUAL(in.line, 5);
	CU_ASSERT_EQUAL(in.next.record, 4);
	CU_ASSERT_TRUE(in.fields[0].size == 1 && *in.fields[0].data == '5');
	input_clear(&in);
	close(fd);
}

static void load(const char *file, bool resume, enum consort_status expected, bool expected_found,
		 struct state *state)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	int fd = open(file, O_RDONLY);
	bool found = true;

	CU_ASSERT_FALSE_FATAL(state_init(state, fd, file, "flight", &error));
	CU_ASSERT_EQUAL(state_load(state, resume, &found, &error), expected);
	CU_ASSERT_EQUAL(found, expected_found);
	close(fd);
}

static void test_state(void)
{
	const char *file = testing_write("data.csv", "a,b\n1,2\n"),
		   *path = testing_path("data.csv.consort-resume");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct tool tool = {0};
	struct state state, again;
	FILE *changed;

	load(file, true, CONSORT_OK, false, &state);
	state.done.offset = 4;
	state.done.line = 1;
	state.done.record = 18446744073709551615u;
	state.pending = 7;
	state.rejects_size = 99;
	CU_ASSERT_FALSE(state_save(&state, &tool, &error));
	CU_ASSERT_FALSE(access(path, R_OK));
	load(file, true, CONSORT_OK, true, &again);
	CU_ASSERT_EQUAL(again.done.offset, 4);
	CU_ASSERT_EQUAL(again.done.line, 1);
	CU_ASSERT_EQUAL(again.done.record, 18446744073709551615u);
	CU_ASSERT_EQUAL(again.pending, 7);
	CU_ASSERT_EQUAL(again.rejects_size, 99);
	state_clear(&again);
	/* Starting over must be said. */
	load(file, false, CONSORT_EINVAL, false, &again);
	state_clear(&again);
	/* Another file is nothing to go on with. */
	changed = fopen(file, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(changed);
	fputs("3,4\n", changed);
	fclose(changed);
	load(file, false, CONSORT_OK, false, &again);
	state_clear(&again);
	load(file, true, CONSORT_EINVAL, false, &again);
	state_clear(&again);
	/* A state that is not whole is not taken for none: nobody knows what is there. */
	testing_write("data.csv.consort-resume", "{\"consort\":\"import\",\"resource\":\"flight\"");
	load(file, true, CONSORT_EINVAL, false, &again);
	state_clear(&again);
	load(file, false, CONSORT_EINVAL, false, &again);
	state_remove(&again);
	CU_ASSERT_TRUE(access(path, F_OK));
	state_clear(&again);
	state_clear(&state);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"csv", test_csv}, {"broken-csv", test_broken_csv}, {"json-lines", test_json_lines},
		{"places", test_places}, {"state", test_state}, {NULL, NULL},
	};

	return testing_main("import", cases, argc, argv);
}
