/* SPDX-License-Identifier: Apache-2.0 */
/* The command's formats: what each makes of values, widths, and what happens when writing fails. */
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "../../tools/tools.h"

static const struct output_column columns[] = {
	OUTPUT_INTEGER("id"), OUTPUT_TEXT("text"), {"amount", {CONSORT_TYPE_DECIMAL, 0, 38, 2, 0}}};

static const char *read_back(const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	return text;
}

/* What a format makes of rows of three values, with a terminal of that width (0: none). */
static const char *written(struct tool *tool, uint32_t format, size_t width,
			   const struct consort_value *values, size_t nrows)
{
	const char *path = testing_path("out");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct output o;
	size_t i;

	CU_ASSERT_FALSE_FATAL(output_open(&o, tool, fd, "out", format, columns, 3, &error));
	o.width = width;
	o.utf8 = true;
	for (i = 0; i < nrows; i++)
		CU_ASSERT_FALSE(output_row(&o, values + 3 * i, &error));
	CU_ASSERT_FALSE(output_close(&o, &error));
	output_clear(&o);
	close(fd);
	return read_back(path);
}

static struct consort_value cents(int64_t amount)
{
	struct consort_decimal unscaled = {(uint64_t)amount, amount < 0 ? -1 : 0};

	return consort_decimal_of(unscaled, 38, 2);
}

static void test_csv(void)
{
	const struct consort_value values[] = {
		consort_int64(INT64_MIN), consort_text("a,b"), cents(-5),
		consort_null(), consort_text(""), consort_null(),
		consort_int64(1), consort_text("say \"x\"\r\ny"), cents(100),
		consort_int64(2), consort_text(" blank"), cents(0),
		consort_int64(3), consort_text("plain 'text'; ok"), cents(1),
	};
	struct tool tool = {0};

	TESTING_TEXT(written(&tool, OUTPUT_CSV, 0, values, 5),
		     "id,text,amount\n"
		     "-9223372036854775808,\"a,b\",-0.05\n"
		     ",\"\",\n"
		     "1,\"say \"\"x\"\"\r\ny\",1.00\n"
		     "2,\" blank\",0.00\n"
		     "3,plain 'text'; ok,0.01\n");
}

static void test_json(void)
{
	const struct consort_value values[] = {
		consort_int64(INT64_MAX), consort_text("\"\\\n\x01é"), cents(150),
		consort_int64((int64_t)1 << 53), consort_null(), consort_null(),
		consort_int64(-((int64_t)1 << 53) - 1), consort_text(""), cents(0),
	};
	struct tool tool = {0};

	TESTING_TEXT(written(&tool, OUTPUT_JSONL, 0, values, 3),
		     "{\"id\":9223372036854775807,\"text\":\"\\\"\\\\\\n\\u0001é\",\"amount\":1.50}\n"
		     "{\"id\":9007199254740992,\"text\":null,\"amount\":null}\n"
		     "{\"id\":-9007199254740993,\"text\":\"\",\"amount\":0.00}\n");
	tool.json_safe = true;
	TESTING_TEXT(
		written(&tool, OUTPUT_JSON, 0, values, 3),
		"[\n{\"id\":\"9223372036854775807\",\"text\":\"\\\"\\\\\\n\\u0001é\",\"amount\":\"1.50\"},\n"
		"{\"id\":9007199254740992,\"text\":null,\"amount\":null},\n"
		"{\"id\":\"-9007199254740993\",\"text\":\"\",\"amount\":\"0.00\"}\n]\n");
	TESTING_TEXT(written(&tool, OUTPUT_JSON, 0, values, 0), "[]\n");
}

static void test_json_lists(void)
{
	struct consort_value items[] = {consort_int64(INT64_MAX), consort_null(), consort_int64(5)};
	struct consort_value list = consort_null();
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	list.type = consort_type_of(CONSORT_TYPE_LIST);
	list.type.element = CONSORT_TYPE_INT64;
	list.as.list.items = items;
	list.as.list.count = 3;
	output_json_value(&text, &list, false);
	TESTING_TEXT(text.data, "[9223372036854775807,null,5]");
	consort_buffer_reset(&text);
	output_json_value(&text, &list, true);
	TESTING_TEXT(text.data, "[\"9223372036854775807\",null,5]");
	consort_buffer_clear(&text);
}

static void test_table(void)
{
	const struct consort_value values[] = {
		consort_int64(1), consort_text("日本"), cents(12345),
		consort_int64(-20), consort_text("e\u0301"), consort_null(),
		consort_null(), consort_text(""), cents(5),
	};
	struct tool tool = {0};

	TESTING_TEXT(written(&tool, OUTPUT_TABLE, 0, values, 3),
		     "  id  text  amount\n"
		     "────  ────  ──────\n"
		     "   1  日本  123.45\n"
		     " -20  e\u0301       NULL\n"
		     "NULL          0.05\n");
}

static void test_table_is_cut(void)
{
	const struct consort_value values[] = {
		consort_int64(1), consort_text("a long text that does not fit"), cents(12345),
		consort_int64(2), consort_text("日本日本日本日本日本日本"), cents(1),
	};
	struct tool tool = {0};

	TESTING_TEXT(written(&tool, OUTPUT_TABLE, 24, values, 2),
		     "id  text          amount\n"
		     "──  ────────────  ──────\n"
		     " 1  a long text…  123.45\n"
		     " 2  日本日本日…     0.01\n");
	/* Too many columns for the width: one value a line. */
	TESTING_TEXT(written(&tool, OUTPUT_TABLE, 10, values, 1),
		     "── 1 ──\n"
		     "id      1\n"
		     "text    a long text that does not fit\n"
		     "amount  123.45\n");
}

/* Rows behind the first thousand come with the widths of these. */
static void test_table_goes_on(void)
{
	struct consort_value *values = calloc(3 * 1500, sizeof(*values));
	struct tool tool = {0};
	const char *text;
	size_t i, lines = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(values);
	for (i = 0; i < 1500; i++) {
		values[3 * i] = consort_int64((int64_t)i);
		values[3 * i + 1] = consort_text(i < 1000 ? "x" : "wider than before");
		values[3 * i + 2] = cents(5);
	}
	text = written(&tool, OUTPUT_TABLE, 0, values, 1500);
	TESTING_CONTAINS(text, "\n999  x       0.05\n1000  wider than before    0.05\n");
	for (; *text; text++)
		lines += *text == '\n';
	CU_ASSERT_EQUAL(lines, 1502);
	text = written(&tool, OUTPUT_TABLE, 40, values, 1500);
	TESTING_CONTAINS(text, "\n1499  wid…    0.05\n");
	TESTING_CONTAINS(text, "\n 42  x       0.05\n");
	free(values);
}

static const char *escaped(const char *data, size_t size, size_t width)
{
	static struct consort_buffer text;

	consort_buffer_reset(&text);
	CU_ASSERT_EQUAL(text_escape(&text, data, size, false), width);
	return text.data;
}

static void test_escapes(void)
{
	CU_ASSERT_TRUE(text_locale() || true);
	TESTING_TEXT(escaped("a\x1b[2Jb\n\r\t\x7f", 10, 19), "a\\x1b[2Jb\\n\\r\\t\\x7f");
	/* C1, a bidirectional override, a byte order mark */
	TESTING_TEXT(escaped("\xc2\x9b\xe2\x80\xae\xef\xbb\xbf", 8, 18), "\\u009b\\u202e\\ufeff");
	/* broken UTF-8: alone, overlong, cut */
	TESTING_TEXT(escaped("\xff\xc0\xaf\xe2\x82", 5, 20), "\\xff\\xc0\\xaf\\xe2\\x82");
	TESTING_TEXT(escaped("€ 日 😀", 12, 7), "€ 日 😀");
}

static void test_json_of_any_bytes(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	report_json_quote(&text, "a\xff\"\0é\xc3", 7);
	TESTING_TEXT(text.data, "\"a\uFFFD\\\"\\u0000é\uFFFD\"");
	consort_buffer_reset(&text);
	report_json_quote(&text, "", 0);
	TESTING_TEXT(text.data, "\"\"");
	consort_buffer_clear(&text);
}

static void test_writing_fails(void)
{
	struct consort_value values[] = {consort_int64(1), consort_text("x"), cents(1)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct tool tool = {0};
	int ends[2], fd = open("/dev/full", O_WRONLY);
	struct output o;
	size_t i;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_FALSE(output_open(&o, &tool, fd, "out", OUTPUT_CSV, columns, 3, &error));
	CU_ASSERT_FALSE(output_row(&o, values, &error));
	CU_ASSERT_EQUAL(output_close(&o, &error), CONSORT_ECONNECTION);
	TESTING_CONTAINS(consort_error_text(&error), "out: cannot write: No space left");
	output_clear(&o);
	close(fd);
	/* Not only at the end. */
	signal(SIGPIPE, SIG_IGN);
	CU_ASSERT_FALSE_FATAL(pipe(ends));
	close(ends[0]);
	CU_ASSERT_FALSE(output_open(&o, &tool, ends[1], "out", OUTPUT_CSV, columns, 3, &error));
	for (i = 0; i < 100000 && !output_row(&o, values, &error); i++)
		;
	CU_ASSERT_TRUE(i < 100000);
	CU_ASSERT_TRUE(tool.broken_pipe);
	output_clear(&o);
	close(ends[1]);
}

static void test_numbers(void)
{
	char number[REPORT_NUMBER_SIZE];

	TESTING_TEXT(report_number(0, number), "0");
	TESTING_TEXT(report_number(999, number), "999");
	TESTING_TEXT(report_number(1000, number), "1,000");
	TESTING_TEXT(report_number(UINT64_MAX, number), "18,446,744,073,709,551,615");
	TESTING_TEXT(report_records(0, number), "0 records");
	TESTING_TEXT(report_records(1, number), "1 record");
	TESTING_TEXT(report_records(1000, number), "1,000 records");
	TESTING_TEXT(report_records(UINT64_MAX, number), "18,446,744,073,709,551,615 records");
}

/* A text as text_fact shows it on a terminal of that width. */
static const char *fact(size_t width, const char *label, const char *text)
{
	static struct consort_buffer out;

	consort_buffer_reset(&out);
	text_fact(&out, width, label, text);
	consort_buffer_append(&out, "", 0);
	return out.data;
}

static void test_wrapping(void)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;

	text_locale();
	TESTING_TEXT(fact(80, "features", ""), "");
	TESTING_TEXT(fact(80, "features", NULL), "");
	TESTING_TEXT(fact(80, "features", "read create"), "  features    read create\n");
	/* at a blank, which is left out; a word that just fits stays */
	TESTING_TEXT(fact(25, "features", "read update find"),
		     "  features    read update\n              find\n");
	/* where hardly a word fits, nothing is gained */
	TESTING_TEXT(fact(24, "features", "read update find"), "  features    read update find\n");
	TESTING_TEXT(fact(26, "f", "abcdefghijkl mno"), "  f           abcdefghijkl\n              mno\n");
	/* a word longer than the line is cut; a character of two columns is not */
	TESTING_TEXT(fact(26, "f", "abcdefghijklmno"), "  f           abcdefghijkl\n              mno\n");
	TESTING_TEXT(fact(25, "f", "日本語テキスト"), "  f           日本語テキ\n              スト\n");
	/* a label that is longer than its column */
	TESTING_TEXT(fact(80, "quite_a_label", "x"), "  quite_a_label x\n");
	TESTING_TEXT(fact(80, "f", "a\033[31m\n"), "  f           a\\x1b[31m\\n\n");
	text_detail(&out, 30, "below it, deeper");
	TESTING_TEXT(out.data, "                below it,\n                deeper\n");
	consort_buffer_clear(&out);
}

static void test_expanded_is_wrapped(void)
{
	const struct consort_value values[] = {
		consort_int64(1),
		consort_text("a text that is too long"),
		consort_null(),
	};
	struct tool tool = {0};

	TESTING_TEXT(written(&tool, OUTPUT_EXPANDED, 25, values, 1),
		     "── 1 ──\nid      1\ntext    a text that is\n        too long\namount  NULL\n");
	/* what is no terminal gets every value in a line */
	TESTING_TEXT(written(&tool, OUTPUT_EXPANDED, 0, values, 1),
		     "── 1 ──\nid      1\ntext    a text that is too long\namount  NULL\n");
}

static void test_exit_statuses(void)
{
	static const unsigned char expected[CONSORT_STATUS_COUNT] = {
		[CONSORT_EINVAL] = 2,	 [CONSORT_ESYNTAX] = 2,	    [CONSORT_ENAME] = 2,
		[CONSORT_ETYPE] = 2,	 [CONSORT_ERANGE] = 2,	    [CONSORT_EUNSUPPORTED] = 6,
		[CONSORT_ENOTFOUND] = 1, [CONSORT_ECONFLICT] = 6,   [CONSORT_ECONSTRAINT] = 6,
		[CONSORT_EAUTH] = 5,	 [CONSORT_EPERMISSION] = 6, [CONSORT_ECONNECTION] = 5,
		[CONSORT_ETIMEOUT] = 7,	 [CONSORT_ECANCELLED] = 7,  [CONSORT_ENOMEM] = 6,
		[CONSORT_EFULL] = 6,	 [CONSORT_EREADONLY] = 6,   [CONSORT_EENGINE] = 6,
		[CONSORT_EPROTOCOL] = 2, [CONSORT_EINDOUBT] = 8,    [CONSORT_EINTERNAL] = 6,
		[CONSORT_EAGAIN] = 6,	 [CONSORT_EFORKED] = 6,	    [CONSORT_EMIX] = 2,
		[CONSORT_EMANIFEST] = 3, [CONSORT_EOPTION] = 3,	    [CONSORT_EVALUE] = 3,
		[CONSORT_ENOPLUGIN] = 4, [CONSORT_EUNTRUSTED] = 4,  [CONSORT_ELOAD] = 4,
		[CONSORT_EABI] = 4,
	};
	uint32_t status;

	for (status = 0; status < CONSORT_STATUS_COUNT; status++)
		CU_ASSERT_EQUAL(report_exit_status(status), expected[status]);
	CU_ASSERT_EQUAL(report_exit_status(CONSORT_STATUS_COUNT), 6);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"csv", test_csv},
		{"json", test_json},
		{"json-lists", test_json_lists},
		{"table", test_table},
		{"table-is-cut", test_table_is_cut},
		{"table-goes-on", test_table_goes_on},
		{"escapes", test_escapes},
		{"json-of-any-bytes", test_json_of_any_bytes},
		{"writing-fails", test_writing_fails},
		{"numbers", test_numbers},
		{"wrapping", test_wrapping},
		{"expanded-is-wrapped", test_expanded_is_wrapped},
		{"exit-statuses", test_exit_statuses},
		{NULL, NULL},
	};

	return testing_main("output", cases, argc, argv);
}
