/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON: paths, members, elements, compact texts, what is refused, and how much memory it takes. */
#include <consort/convert.h>
#include <consort/json.h>

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct consort_json_reader *reader;

/* --- memory: the linker sends this program's calls here (--wrap) --- */

static unsigned long allocations;
static unsigned long fail_at; /* the allocation from now that finds none; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static int finds_memory(void)
{
	return ++allocations != fail_at;
}

void *__wrap_malloc(size_t size)
{
	return finds_memory() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return finds_memory() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return finds_memory() ? __real_realloc(old, size) : NULL;
}

/* --- reading --- */

static struct consort_view view_of(const char *text)
{
	struct consort_view view = {text, strlen(text)};

	return view;
}

static void open_reader(void)
{
	reader = consort_json_reader_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
}

static void close_reader(void)
{
	consort_json_reader_free(reader);
	reader = NULL;
}

/* "kind text", as "number 1e5", "none"; of a copy of the document that is gone when the value is read. */
static const char *at_n(const char *document, uint64_t size, const struct consort_json_step *steps,
			uint32_t nsteps)
{
	static char result[4096];
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_json_value value = {99, 0, {NULL, 0}};
	char *copy = malloc(size + 1);
	struct consort_view view = {copy, size};
	uint32_t status;

	memcpy(copy, document, size);
	status = consort_json_at(reader, view, steps, nsteps, &value, &error);
	memset(copy, '#', size);
	free(copy);
	if (status) {
		CU_ASSERT_EQUAL(value.kind, 99);
		CU_ASSERT_EQUAL(error.status, status);
		snprintf(result, sizeof(result), "%u@%d %s", status, error.position, error.message);
	} else if (value.kind == CONSORT_JSON_BOOL) {
		snprintf(result, sizeof(result), "a boolean %s", value.boolean ? "true" : "false");
	} else {
		snprintf(result, sizeof(result), "%s%s%.*s", consort_json_noun(value.kind),
			 value.text.size ? " " : "", (int)value.text.size,
			 value.text.size ? value.text.data : "");
	}
	return result;
}

/* A path written as a.b.0.-1 */
static const char *at(const char *document, const char *path)
{
	struct consort_json_step steps[16];
	uint32_t count = 0;

	while (*path) {
		size_t size = strcspn(path, ".");
		char *end;

		memset(&steps[count], 0, sizeof(steps[count]));
		steps[count].index = strtoll(path, &end, 10);
		if (end != path + size) {
			steps[count].key = path;
			steps[count].key_size = size;
		}
		count++;
		path += size + (path[size] == '.');
	}
	return at_n(document, strlen(document), steps, count);
}

static void test_root(void)
{
	open_reader();
	TESTING_TEXT(at(" 1 ", ""), "a number 1");
	TESTING_TEXT(at("1", ""), "a number 1");
	TESTING_TEXT(at("-0", ""), "a number -0");
	TESTING_TEXT(at("1.50e+05", ""), "a number 1.50e+05");
	TESTING_TEXT(at("123456789012345678901234567890.10", ""),
		     "a number 123456789012345678901234567890.10");
	TESTING_TEXT(at("1e999999", ""), "a number 1e999999");
	TESTING_TEXT(at("true", ""), "a boolean true");
	TESTING_TEXT(at("false", ""), "a boolean false");
	TESTING_TEXT(at("null", ""), "null");
	TESTING_TEXT(at("\"\"", ""), "a string");
	TESTING_TEXT(at("\"a b\"", ""), "a string a b");
	TESTING_TEXT(at("{}", ""), "an object {}");
	TESTING_TEXT(at("[ ]", ""), "an array []");
	TESTING_TEXT(at(" { \"a\" : [ 1 , 2.0 , { \"b\" : null } ] , \"c\" : \"\\u0041\\/\" }\n", ""),
		     "an object {\"a\":[1,2.0,{\"b\":null}],\"c\":\"A/\"}");
	close_reader();
}

static void test_paths(void)
{
	const char *document =
		"{\"a\": {\"b\": [10, [20, 21], {\"c\": \"deep\"}], \"\": 7}, \"n\": null, \"a.b\": 1}";
	const struct consort_json_step empty_key[] = {{"a", 1, 0}, {"", 0, 0}};

	open_reader();
	TESTING_TEXT(at(document, "a.b.0"), "a number 10");
	TESTING_TEXT(at(document, "a.b.1"), "an array [20,21]");
	TESTING_TEXT(at(document, "a.b.1.1"), "a number 21");
	TESTING_TEXT(at(document, "a.b.2.c"), "a string deep");
	TESTING_TEXT(at(document, "a.b"), "an array [10,[20,21],{\"c\":\"deep\"}]");
	TESTING_TEXT(at(document, "n"), "null");
	TESTING_TEXT(at(document, "b"), "nothing");
	TESTING_TEXT(at(document, "a.b.3"), "nothing");
	TESTING_TEXT(at(document, "a.b.c"), "nothing");
	TESTING_TEXT(at(document, "a.0"), "nothing");
	TESTING_TEXT(at(document, "n.x"), "nothing");
	TESTING_TEXT(at(document, "a.b.0.x"), "nothing");
	TESTING_TEXT(at_n(document, strlen(document), empty_key, 2), "a number 7");
	TESTING_TEXT(at("[{\"a\":1},{\"a\":2}]", "1.a"), "a number 2");
	TESTING_TEXT(at("[[],[5]]", "1.0"), "a number 5");
	TESTING_TEXT(at("[[[1,2],[3,4]],[[5,6],[7,8]]]", "1.0.1"), "a number 6");
	close_reader();
}

static void test_negative_positions(void)
{
	const char *document = "{\"x\": [0, [1, 2, 3], {\"y\": [[4], [5, 6]]}], \"z\": [1]}";

	open_reader();
	TESTING_TEXT(at("[1,2,3]", "-1"), "a number 3");
	TESTING_TEXT(at("[1,2,3]", "-3"), "a number 1");
	TESTING_TEXT(at("[1,2,3]", "-4"), "nothing");
	TESTING_TEXT(at("[]", "-1"), "nothing");
	TESTING_TEXT(at("{\"a\":1}", "-1"), "nothing");
	TESTING_TEXT(at("5", "-1"), "nothing");
	TESTING_TEXT(at("[1,2,3]", "-9223372036854775808"), "nothing");
	TESTING_TEXT(at("[1,2,3]", "9223372036854775807"), "nothing");
	TESTING_TEXT(at(document, "x.-2.-1"), "a number 3");
	TESTING_TEXT(at(document, "x.-1.y.-1.-2"), "a number 5");
	TESTING_TEXT(at(document, "x.-1.y.-2"), "an array [4]");
	TESTING_TEXT(at(document, "x.-3.-1"), "nothing");
	TESTING_TEXT(at(document, "-1"), "nothing");
	TESTING_TEXT(at(" [ [ 1 ] , [ 2 ] ] ", "-1.0"), "a number 2");
	/* a broken text is told although the array before it is whole */
	TESTING_CONTAINS(at("{\"a\":[1,2],}", "a.-1"), "invalid JSON at byte 12");
	close_reader();
}

static void test_first_key_counts(void)
{
	open_reader();
	TESTING_TEXT(at("{\"a\":1,\"a\":2}", "a"), "a number 1");
	TESTING_TEXT(at("{\"a\":1,\"a\":{\"b\":2}}", "a.b"), "nothing");
	TESTING_TEXT(at("{\"a\":{},\"a\":{\"b\":2}}", "a.b"), "nothing");
	TESTING_TEXT(at("{\"a\":[],\"a\":[2]}", "a.-1"), "nothing");
	TESTING_TEXT(at("{\"a\":[1],\"a\":[2]}", "a.-1"), "a number 1");
	TESTING_TEXT(at("{\"\\u0061\":1,\"a\":2}", "a"), "a number 1");
	TESTING_TEXT(at("{\"a\":1,\"a\":2}", ""), "an object {\"a\":1,\"a\":2}");
	close_reader();
}

static void test_strings(void)
{
	open_reader();
	TESTING_TEXT(at("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "0"), "a string \"\\/\b\f\n\r\t");
	TESTING_TEXT(at("[\"\\u00e9\\u20ac\"]", "0"), "a string \xc3\xa9\xe2\x82\xac");
	TESTING_TEXT(at("[\"x\\uD83D\\uDE00y\"]", "0"), "a string x\xf0\x9f\x98\x80y");
	TESTING_TEXT(at("[\"\xf0\x9f\x98\x80\"]", "0"), "a string \xf0\x9f\x98\x80");
	TESTING_TEXT(at("[\"\\uffff\\uE000\"]", "0"), "a string \xef\xbf\xbf\xee\x80\x80");
	TESTING_TEXT(at("[ \"\\u00e9\\n\\u0001\x7f\" ]", ""), "an array [\"\xc3\xa9\\n\\u0001\x7f\"]");
	TESTING_TEXT(at("[\"\\\\u0000\"]", "0"), "a string \\u0000");
	TESTING_TEXT(at("{\"\\\"k\\\"\":\"\\n\"}", "\"k\""), "a string \n");
	/* characters that no text can hold */
	TESTING_TEXT(at("[\"ab\\u0000\"]", "0"),
		     "5@5 invalid JSON at byte 5: a text cannot hold the NUL character");
	TESTING_TEXT(at("{\"\\u0000\":1}", ""),
		     "5@3 invalid JSON at byte 3: a text cannot hold the NUL character");
	TESTING_CONTAINS(at("[\"\\ud800\"]", ""), "5@3 invalid JSON at byte 3: half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\udc00\"]", ""), "half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\ud800\\ud800\"]", ""), "half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\ud800x\\udc00\"]", ""), "half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\ud800\\u0041\"]", ""), "half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\ud83d\\ude00\\ud83d\"]", "1"), "half a surrogate pair");
	TESTING_CONTAINS(at("[\"\\ud800\",\"\\udc00\"]", ""),
			 "5@3 invalid JSON at byte 3: half a surrogate pair");
	close_reader();
}

static void test_invalid(void)
{
	static const char *const texts[][2] = {
		{"", "2@0 invalid JSON at byte 0: the text ends too early"},
		{"  ", "byte 2: the text ends too early"}, {"[1,2", "byte 4: the text ends too early"},
		{"{\"a\"", "byte 4: the text ends too early"}, {"\"abc", "byte 4: the text ends too early"},
		{"-", "byte 1: malformed number"}, {"tru", "byte 3: invalid"},
		{"[1,]", "2@4 invalid JSON at byte 4: "}, {"[,1]", "2@2 invalid JSON at byte 2: "},
		{"{\"a\":1,}", "2@8 invalid JSON at byte 8: "}, {"{a:1}", "2@2 invalid JSON at byte 2: "},
		{"{1:2}", "invalid object key (must be a string)"},
		{"{\"a\" 1}", "2@6 invalid JSON at byte 6: "}, {"[1 2]", "2@4 invalid JSON at byte 4: "},
		{"[1}", "2@3 invalid JSON at byte 3: "}, {"1 2", "trailing garbage"},
		{"{} x", "trailing garbage"}, {"[]]", "trailing garbage"},
		{"[1] \"", "2@5 invalid JSON at byte 5: trailing garbage"},
		{"1\"x", "2@2 invalid JSON at byte 2: trailing"}, {"// c\n1", "comment"},
		{"[1] /* c */", "trailing garbage"}, {"'a'", "2@1 invalid JSON at byte 1: "},
		{"[01]", "invalid JSON"}, {"[1.]", "invalid JSON"}, {"[.5]", "invalid JSON"},
		{"[+1]", "invalid JSON"}, {"[1e]", "invalid JSON"}, {"[0x1]", "invalid JSON"},
		{"NaN", "invalid JSON"}, {"nulL", "invalid JSON"}, {"[\"a\nb\"]", "invalid JSON"},
		{"[\"\\x\"]", "invalid JSON"}, {"[\"\\u12g4\"]", "invalid JSON"},
		{"[\"\xff\"]", "2@3 invalid JSON at byte 3: this is no UTF-8"},
		{"[\"\xc0\x80\"]", "this is no UTF-8"}, {"[\"\xed\xa0\x80\"]", "this is no UTF-8"},
		{"[\"\xc3\xa9\xc3\xa9\",x]", "2@7 invalid JSON at byte 9: "},
		{"\xef\xbb\xbf[]", "2@1 invalid JSON"},
	};
	size_t i;

	open_reader();
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *result = at(texts[i][0], "");

		CU_ASSERT_EQUAL(result[0], '2');
		TESTING_CONTAINS(result, texts[i][1]);
		CU_ASSERT_PTR_NULL(strchr(result, '\n'));
	}
	TESTING_TEXT(at_n("[1,\0]", 5, NULL, 0), "2@4 invalid JSON at byte 4: a NUL byte");
	TESTING_CONTAINS(at_n("\"a\0b\"", 5, NULL, 0), "a NUL byte");
	/* and the reader is none the worse */
	TESTING_TEXT(at("[1]", ""), "an array [1]");
	CU_ASSERT_EQUAL(consort_json_at(reader, view_of("x"), NULL, 0, &(struct consort_json_value){0}, NULL),
			CONSORT_ESYNTAX);
	CU_ASSERT_EQUAL(consort_json_at(reader, (struct consort_view){NULL, 0}, NULL, 0,
					&(struct consort_json_value){0}, NULL),
			CONSORT_ESYNTAX);
	close_reader();
}

static void test_depth(void)
{
	char text[2 * 100000 + 2];

	open_reader();
	memset(text, '[', 512);
	memset(text + 512, ']', 512);
	text[1024] = '\0';
	CU_ASSERT_NSTRING_EQUAL(at(text, ""), "an array [[", 11);
	memset(text, '[', 513);
	memset(text + 513, ']', 513);
	text[1026] = '\0';
	TESTING_TEXT(at(text, ""),
		     "5@513 invalid JSON at byte 513: objects and arrays are nested deeper than 512");
	memset(text, '[', 200000);
	text[200000] = '\0';
	TESTING_CONTAINS(at(text, "1"), "nested deeper than 512");
	/* width is not depth */
	memset(text, '[', 1);
	for (size_t i = 0; i < 2000; i++)
		memcpy(text + 1 + 3 * i, "[],", 3);
	memcpy(text + 6001, "1]", 3);
	TESTING_TEXT(at(text, "-1"), "a number 1");
	close_reader();
}

/* --- members and elements --- */

static char seen[8192];
static uint32_t stop_after;

static void note(const char *text, uint64_t size)
{
	size_t used = strlen(seen);

	snprintf(seen + used, sizeof(seen) - used, "%.*s", (int)size, size ? text : "");
}

static uint32_t on_element(void *context, const struct consort_json_value *value)
{
	CU_ASSERT_PTR_EQUAL(context, &stop_after);
	note(consort_json_noun(value->kind), strlen(consort_json_noun(value->kind)));
	note("=", 1);
	note(value->kind == CONSORT_JSON_BOOL && value->boolean ? "true" : "",
	     4 * (value->kind == CONSORT_JSON_BOOL));
	note(value->text.data, value->text.size);
	note(";", 1);
	return stop_after && !--stop_after ? CONSORT_ECANCELLED : CONSORT_OK;
}

static uint32_t on_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	note(key.data, key.size);
	note(":", 1);
	return on_element(context, value);
}

static uint32_t members(const char *document, struct consort_error *error)
{
	seen[0] = '\0';
	return consort_json_members(reader, view_of(document), on_member, &stop_after, error);
}

static uint32_t elements(const char *document, struct consort_error *error)
{
	seen[0] = '\0';
	return consort_json_elements(reader, view_of(document), on_element, &stop_after, error);
}

static void test_members(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	open_reader();
	CU_ASSERT_EQUAL(
		members("{\"a\":1, \"b\\n\":\"x\\ty\", \"c\":{\"a\":[1, 2]}, \"\":null, \"d\":true}",
			NULL),
		CONSORT_OK);
	TESTING_TEXT(seen,
		     "a:a number=1;b\n:a string=x\ty;c:an object={\"a\":[1,2]};:null=;d:a boolean=true;");
	CU_ASSERT_EQUAL(members("{\"k\\u0041\":\"\\u0042\",\"kB\":[]}", NULL), CONSORT_OK);
	TESTING_TEXT(seen, "kA:a string=B;kB:an array=[];");
	CU_ASSERT_EQUAL(members("{}", NULL), CONSORT_OK);
	TESTING_TEXT(seen, "");
	CU_ASSERT_EQUAL(members("[1]", &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "the JSON text is an array, not an object");
	CU_ASSERT_EQUAL(members(" 5", &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "the JSON text is a number, not an object");
	CU_ASSERT_EQUAL(members("[1", &error), CONSORT_ESYNTAX);
	TESTING_TEXT(seen, "");
	CU_ASSERT_EQUAL(members("{\"\u00e9\":1,\"b\":{\"b\":1,\"b\":1},\"\\u00e9\":3,\"c\":4}", &error),
			CONSORT_ERANGE);
	TESTING_TEXT(error.message, "invalid JSON at byte 34: the member '\u00e9' stands twice in one object");
	CU_ASSERT_EQUAL(error.position, 33);
	TESTING_TEXT(seen, "\u00e9:a number=1;b:an object={\"b\":1,\"b\":1};");
	CU_ASSERT_EQUAL(members("{\"a\":1,\"b\":", &error), CONSORT_ESYNTAX);
	TESTING_TEXT(seen, "a:a number=1;");
	stop_after = 2;
	CU_ASSERT_EQUAL(members("{\"a\":1,\"b\":[1],\"c\":1}", NULL), CONSORT_ECANCELLED);
	TESTING_TEXT(seen, "a:a number=1;b:an array=[1];");
	CU_ASSERT_EQUAL(members("{\"c\":1}", NULL), CONSORT_OK);
	TESTING_TEXT(seen, "c:a number=1;");
	close_reader();
}

static void test_elements(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	open_reader();
	CU_ASSERT_EQUAL(elements("[1, \"a\\n\", [2, [3]], {\"b\": 4}, null, false]", NULL), CONSORT_OK);
	TESTING_TEXT(seen,
		     "a number=1;a string=a\n;an array=[2,[3]];an object={\"b\":4};null=;a boolean=;");
	CU_ASSERT_EQUAL(elements("[]", NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(elements("{\"a\":[1]}", &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "the JSON text is an object, not an array");
	TESTING_TEXT(seen, "");
	close_reader();
}

static uint32_t count_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	uint32_t *count = context;
	char expected[16];

	snprintf(expected, sizeof(expected), "k%u", *count);
	CU_ASSERT_TRUE(key.size == strlen(expected) && !memcmp(key.data, expected, key.size));
	CU_ASSERT_TRUE(value->text.size == 1 && value->text.data[0] == '1');
	++*count;
	return CONSORT_OK;
}

/* 20,000 keys, and then one of them again, which is found, and not in quadratic time. */
static void test_many_keys(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t count = 0, i;

	open_reader();
	for (i = 0; i <= 20000; i++)
		consort_buffer_printf(&text, "%s\"k%u\":1", i ? "," : "{", i < 20000 ? i : 17);
	consort_buffer_char(&text, '}');
	CU_ASSERT_EQUAL(consort_json_members(reader, view_of(text.data), count_member, &count, NULL),
			CONSORT_ERANGE);
	CU_ASSERT_EQUAL(count, 20000);
	/* a small object after it has none of its keys */
	count = 0;
	CU_ASSERT_EQUAL(consort_json_members(reader, view_of("{\"k0\":1,\"k1\":1}"), count_member, &count, NULL),
			CONSORT_OK);
	CU_ASSERT_EQUAL(count, 2);
	consort_buffer_clear(&text);
	close_reader();
}

static uint32_t within(void *context, const struct consort_json_value *value)
{
	struct consort_json_value other;
	struct consort_buffer out = CONSORT_BUFFER_INIT;

	CU_ASSERT_EQUAL(consort_json_at(reader, value->text, NULL, 0, &other, context), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_json_compact(reader, value->text, &out, NULL), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_json_elements(reader, value->text, within, NULL, NULL), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_json_members(reader, value->text, NULL, NULL, NULL), CONSORT_EINVAL);
	note(value->text.data, value->text.size);
	return CONSORT_OK;
}

static void test_within_itself(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	open_reader();
	seen[0] = '\0';
	CU_ASSERT_EQUAL(consort_json_elements(reader, view_of("[[1],[2]]"), within, &error, NULL),
			CONSORT_OK);
	TESTING_CONTAINS(error.message, "within its own callback");
	TESTING_TEXT(seen, "[1][2]");
	close_reader();
}

/* --- compact --- */

static void test_compact(void)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;

	open_reader();
	consort_buffer_text(&out, "[");
	CU_ASSERT_EQUAL(
		consort_json_compact(reader,
				     view_of(" { \"a\" : [ 1.0 , -0E+1 , \"\\u0041\\/\" , [ ] , { } ] ,\t"
					     "\"a\" : true } \r\n"),
				     &out, NULL),
		CONSORT_OK);
	TESTING_TEXT(out.data, "[{\"a\":[1.0,-0E+1,\"A/\",[],{}],\"a\":true}");
	CU_ASSERT_EQUAL(consort_json_compact(reader, view_of("[1,2,x"), &out, &error), CONSORT_ESYNTAX);
	TESTING_TEXT(out.data, "[{\"a\":[1.0,-0E+1,\"A/\",[],{}],\"a\":true}");
	consort_buffer_reset(&out);
	CU_ASSERT_EQUAL(consort_json_compact(reader, view_of(" 12 "), &out, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_json_compact(reader, view_of("\"a\""), &out, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_json_compact(reader, view_of("null"), &out, NULL), CONSORT_OK);
	TESTING_TEXT(out.data, "12\"a\"null");
	out.failed = 1;
	CU_ASSERT_EQUAL(consort_json_compact(reader, view_of("[1]"), &out, &error), CONSORT_ENOMEM);
	consort_buffer_clear(&out);
	close_reader();
}

/* Once it has read a text of some size, a reader needs no more memory for others of that size. */
static void test_steady_memory(void)
{
	const struct consort_json_step steps[] = {{"k", 1, 0}, {NULL, 0, -1}};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_json_value value;
	int i;

	open_reader();
	consort_buffer_text(&text, "{\"long\":\"\\n");
	for (i = 0; i < 20000; i++)
		consort_buffer_char(&text, 'x');
	consort_buffer_text(&text, "\",\"k\":[1,[2,{\"a\":\"\\u00e9\"}]]}");
	for (i = 0; i < 8; i++)
		consort_json_at(reader, view_of(text.data), steps, 2, &value, NULL);
	allocations = 0;
	for (i = 0; i < 1000; i++)
		consort_json_at(reader, view_of(text.data), steps, 2, &value, NULL);
	CU_ASSERT_EQUAL(allocations, 0);
	CU_ASSERT_TRUE(value.text.size == 14 && !memcmp(value.text.data, "[2,{\"a\":\"\xc3\xa9\"}]", 14));
	consort_buffer_clear(&text);
	close_reader();
}

static uint32_t ignore_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	(void)context;
	(void)key;
	(void)value;
	return CONSORT_OK;
}

/* What a caller does with a new reader, from its making to its end. */
static uint32_t use_reader(const char *text, struct consort_error *error)
{
	const struct consort_json_step step = {"k", 1, 0};
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct consort_json_value value;
	uint32_t status = CONSORT_ENOMEM;

	reader = consort_json_reader_new();
	if (!reader) {
		consort_error_no_memory(error);
		return status;
	}
	status = consort_json_at(reader, view_of(text), &step, 1, &value, error);
	if (!status)
		status = consort_json_members(reader, view_of(text), ignore_member, NULL, error);
	if (!status)
		status = consort_json_compact(reader, view_of(text), &out, error);
	consort_buffer_clear(&out);
	close_reader();
	return status;
}

/* Whichever allocation finds no memory, that is what the call says. */
static void test_no_memory(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	unsigned long needed, at;
	int i;

	consort_buffer_text(&text, "{\"k\":[");
	for (i = 0; i < 300; i++)
		consort_buffer_char(&text, '[');
	for (i = 0; i < 300; i++)
		consort_buffer_char(&text, ']');
	consort_buffer_text(&text, ",\"\\n");
	for (i = 0; i < 5000; i++)
		consort_buffer_char(&text, 'x');
	consort_buffer_text(&text, "\"]");
	for (i = 0; i < 100; i++)
		consort_buffer_printf(&text, ",\"key%d\":1", i);
	consort_buffer_char(&text, '}');
	allocations = 0;
	CU_ASSERT_EQUAL(use_reader(text.data, NULL), CONSORT_OK);
	needed = allocations;
	CU_ASSERT_TRUE(needed > 10);
	for (at = 1; at <= needed; at++) {
		struct consort_error error = CONSORT_ERROR_INIT;
		uint32_t status;

		allocations = 0;
		fail_at = at;
		status = use_reader(text.data, &error);
		fail_at = 0;
		CU_ASSERT_EQUAL(status, CONSORT_ENOMEM);
		CU_ASSERT_EQUAL(error.status, CONSORT_ENOMEM);
	}
	consort_buffer_clear(&text);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"root", test_root}, {"paths", test_paths}, {"negative-positions", test_negative_positions},
		{"first-key-counts", test_first_key_counts}, {"strings", test_strings},
		{"invalid", test_invalid}, {"depth", test_depth}, {"members", test_members},
		{"elements", test_elements}, {"many-keys", test_many_keys},
		{"within-itself", test_within_itself}, {"compact", test_compact},
		{"steady-memory", test_steady_memory}, {"no-memory", test_no_memory}, {NULL, NULL},
	};

	return testing_main("json", cases, argc, argv);
}
