/* SPDX-License-Identifier: Apache-2.0 */
/* Types by name, values as text and as JSON, conversion, and the order of what is no number. */
#include "value-helpers.h"

#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- types --- */

static const char *type_round(const char *text)
{
	static struct consort_buffer buffer;
	struct consort_type type;
	struct consort_error error = CONSORT_ERROR_INIT;

	consort_buffer_reset(&buffer);
	if (consort_type_parse(text, &type, &error))
		consort_buffer_text(&buffer, error.message);
	else
		consort_type_print(type, &buffer);
	return buffer.data;
}

static void test_type_names(void)
{
	static const char *const names[] = {
		"bool", "int64", "float64", "text", "bytes", "timestamp", "date", "time", "uuid", "objectid",
		"json", "decimal(12,2)", "decimal(38,38)", "decimal(1,0)", "list of int64",
		"list of decimal(5,1)",
	};
	struct consort_type type = consort_type_of(99);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		TESTING_TEXT(type_round(names[i]), names[i]);
	TESTING_TEXT(type_round("  decimal ( 12 , 2 ) "), "decimal(12,2)");
	TESTING_TEXT(type_round("decimal(7)"), "decimal(7,0)");
	TESTING_TEXT(type_round("list  of\ttext"), "list of text");
	CU_ASSERT_EQUAL(consort_type_parse("list of decimal(9,3)", &type, NULL), CONSORT_OK);
	CU_ASSERT_TRUE(type.id == CONSORT_TYPE_LIST && type.element == CONSORT_TYPE_DECIMAL &&
		       type.precision == 9 && type.scale == 3 && !type.reserved);
	TESTING_TEXT(consort_type_noun(consort_type_of(CONSORT_TYPE_INT64)), "an integer");
	CU_ASSERT_PTR_NOT_NULL(consort_type_noun(consort_type_of(999)));
}

static void test_type_hints(void)
{
	static const char *const synonyms[][2] = {
		{"integer", "int64"}, {"BIGINT", "int64"}, {"double", "float64"}, {"real", "float64"},
		{"numeric(10,2)", "decimal"}, {"varchar(20)", "text"}, {"string", "text"},
		{"boolean", "bool"}, {"blob", "bytes"}, {"bytea", "bytes"}, {"datetime", "timestamp"},
		{"timestamptz", "timestamp"}, {"timestmap", "timestamp"}, {"INT64", "int64"},
		{"texts", "text"},
	};
	struct consort_type type = consort_type_of(CONSORT_TYPE_UUID);
	char expected[96];
	size_t i;

	for (i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
		snprintf(expected, sizeof(expected), "unknown type '%s'; did you mean '%s'?", synonyms[i][0],
			 synonyms[i][1]);
		TESTING_TEXT(type_round(synonyms[i][0]), expected);
	}
	TESTING_TEXT(type_round("list of integer"), "unknown type 'integer'; did you mean 'int64'?");
	TESTING_TEXT(type_round("xyzzy"), "unknown type 'xyzzy'");
	TESTING_TEXT(type_round(""), "unknown type ''");
	TESTING_CONTAINS(type_round("list"), "unknown type 'list'");
	TESTING_CONTAINS(type_round("list of list of text"), "unknown type");
	TESTING_CONTAINS(type_round("null"), "unknown type 'null'");
	TESTING_CONTAINS(type_round("int64 null"), "unknown type 'int64 null'");
	TESTING_CONTAINS(type_round("decimal"), "decimal(12,2)");
	TESTING_CONTAINS(type_round("decimal(39,0)"), "1 to 38");
	TESTING_CONTAINS(type_round("decimal(0)"), "1 to 38");
	TESTING_CONTAINS(type_round("decimal(5,6)"), "behind");
	TESTING_CONTAINS(type_round("decimal(5,2"), "decimal(5,2");
	TESTING_CONTAINS(type_round("decimal(5,2)x"), "unknown type");
	TESTING_CONTAINS(type_round("decimal(4294967297,0)"), "1 to 38");
	CU_ASSERT_EQUAL(consort_type_parse("nonsense", &type, NULL), CONSORT_ETYPE);
	CU_ASSERT_EQUAL(type.id, CONSORT_TYPE_UUID);
}

static void test_bool(void)
{
	same_text(CONSORT_TYPE_BOOL, "true");
	same_text(CONSORT_TYPE_BOOL, "false");
	TESTING_TEXT(shown(parsed(consort_type_of(CONSORT_TYPE_BOOL), "TRUE")), "true");
	fails_as(CONSORT_TYPE_BOOL, "yes", CONSORT_ETYPE, "'yes' is not a boolean");
	fails_as(CONSORT_TYPE_BOOL, "1", CONSORT_ETYPE, "'1' is not a boolean");
}

/* --- texts, bytes, ids --- */

static void test_text(void)
{
	same_text(CONSORT_TYPE_TEXT, "");
	same_text(CONSORT_TYPE_TEXT, "na\xc3\xafve \xf0\x9f\x98\x80");
	fails(consort_type_of(CONSORT_TYPE_TEXT), "ab\0c", 4, CONSORT_ERANGE, "NUL byte, at byte 3");
	fails(consort_type_of(CONSORT_TYPE_TEXT), "abc\xff", 4, CONSORT_ERANGE, "not valid UTF-8, at byte 4");
	fails(consort_type_of(CONSORT_TYPE_TEXT), "\xed\xa0\x80", 3, CONSORT_ERANGE,
	      "not valid UTF-8, at byte 1");
	CU_ASSERT_EQUAL(parsed_n(consort_type_of(CONSORT_TYPE_TEXT), NULL, 0).as.view.size, 0);
}

static void test_bytes(void)
{
	struct consort_value value = consort_null();

	same_text(CONSORT_TYPE_BYTES, "\\x");
	same_text(CONSORT_TYPE_BYTES, "\\x00ff10");
	TESTING_TEXT(shown(parsed(consort_type_of(CONSORT_TYPE_BYTES), "\\xABcd")), "\\xabcd");
	fails_as(CONSORT_TYPE_BYTES, "abc", CONSORT_ETYPE, "'abc' is not bytes: write \\x");
	fails_as(CONSORT_TYPE_BYTES, "\\x1", CONSORT_ETYPE, "is not bytes");
	fails_as(CONSORT_TYPE_BYTES, "\\x1g", CONSORT_ETYPE, "is not bytes");
	fails_as(CONSORT_TYPE_BYTES, "", CONSORT_ETYPE, "is not bytes");
	CU_ASSERT_EQUAL(
		consort_value_parse(consort_type_of(CONSORT_TYPE_BYTES), "\\x00", 4, NULL, &value, NULL),
		CONSORT_EINVAL);
}

static void test_ids(void)
{
	same_text(CONSORT_TYPE_UUID, "00112233-4455-6677-8899-aabbccddeeff");
	TESTING_TEXT(
		shown(parsed(consort_type_of(CONSORT_TYPE_UUID), "00112233-4455-6677-8899-AABBCCDDEEFF")),
		"00112233-4455-6677-8899-aabbccddeeff");
	fails_as(CONSORT_TYPE_UUID, "00112233-4455-6677-8899-aabbccddeef", CONSORT_ETYPE, "is not a uuid");
	fails_as(CONSORT_TYPE_UUID, "00112233-4455-6677-8899-aabbccddeefg", CONSORT_ETYPE, "is not a uuid");
	fails_as(CONSORT_TYPE_UUID, "001122334-455-6677-8899-aabbccddeeff", CONSORT_ETYPE, "is not a uuid");
	same_text(CONSORT_TYPE_OBJECTID, "507f1f77bcf86cd799439011");
	fails_as(CONSORT_TYPE_OBJECTID, "507f1f77bcf86cd79943901", CONSORT_ETYPE, "is not an objectid");
	fails_as(CONSORT_TYPE_OBJECTID, "507f1f77bcf86cd79943901z", CONSORT_ETYPE, "is not an objectid");
	fails_as(CONSORT_TYPE_NULL, "x", CONSORT_ETYPE, "is not NULL");
}

/* A long or binary text does not spoil the message. */
static void test_shown_values(void)
{
	char text[200];

	memset(text, '1', sizeof(text));
	memcpy(text + 79, "\xe2\x82\xac", 3); /* across the cut */
	fails(consort_type_of(CONSORT_TYPE_INT64), text, sizeof(text), CONSORT_ETYPE,
	      "1...' is not an integer");
	fails(consort_type_of(CONSORT_TYPE_INT64), "a\nb\xff\xc3\xa9", 6, CONSORT_ETYPE,
	      "'a?b?\xc3\xa9' is not");
}

/* --- JSON tokens --- */

static void test_print_json(void)
{
	struct consort_value items[3] = {consort_int64(1), consort_null(), consort_text("a\"\n\x01\x7f\\/")};
	struct consort_value list = consort_null();
	const uint8_t bytes[2] = {0, 0xab};

	list.type.id = CONSORT_TYPE_LIST;
	list.as.list.items = items;
	list.as.list.count = 3;
	TESTING_TEXT(shown_json(list), "[1,null,\"a\\\"\\n\\u0001\x7f\\\\/\"]");
	TESTING_TEXT(shown(list), "[1,null,\"a\\\"\\n\\u0001\x7f\\\\/\"]");
	list.as.list.count = 0;
	TESTING_TEXT(shown_json(list), "[]");
	TESTING_TEXT(shown_json(consort_null()), "null");
	TESTING_TEXT(shown(consort_null()), "");
	TESTING_TEXT(shown_json(consort_bool(7)), "true");
	TESTING_TEXT(shown_json(consort_int64(9007199254740992)), "9007199254740992");
	TESTING_TEXT(shown_json(consort_int64(9007199254740993)), "\"9007199254740993\"");
	TESTING_TEXT(shown_json(consort_int64(INT64_MIN)), "\"-9223372036854775808\"");
	TESTING_TEXT(shown_json(consort_float64(0.5)), "0.5");
	TESTING_TEXT(shown_json(consort_float64((double)NAN)), "\"NaN\"");
	TESTING_TEXT(shown_json(consort_float64((double)INFINITY)), "\"Infinity\"");
	TESTING_TEXT(shown_json(consort_float64(-(double)INFINITY)), "\"-Infinity\"");
	TESTING_TEXT(shown_json(number("-0.50")), "-0.50");
	TESTING_TEXT(shown_json(consort_json("{\"a\":1}")), "{\"a\":1}");
	TESTING_TEXT(shown_json(consort_bytes(bytes, 2)), "\"\\\\x00ab\"");
	TESTING_TEXT(shown_json(consort_timestamp(0)), "\"1970-01-01T00:00:00Z\"");
	TESTING_TEXT(shown_json(consort_date(-1)), "\"1969-12-31\"");
	TESTING_TEXT(shown_json(consort_time(0)), "\"00:00:00\"");
	TESTING_TEXT(shown_json(consort_text("b\b\f\r\t")), "\"b\\b\\f\\r\\t\"");
}

/* --- values whose texts are JSON --- */

static void test_json_values(void)
{
	struct consort_type json = consort_type_of(CONSORT_TYPE_JSON);
	const char *compact = "{\"a\":[1,2]}";
	struct consort_value value = parsed(json, compact);

	CU_ASSERT_PTR_EQUAL(value.as.view.data, compact);
	TESTING_TEXT(shown(parsed(json, " { \"a\" : [ 1, 2 ] } ")), compact);
	TESTING_TEXT(shown(parsed(json, "\"\\u0041\"")), "\"A\"");
	CU_ASSERT_EQUAL(consort_value_parse(json, "[ 1 ]", 5, NULL, &value, NULL), CONSORT_OK);
	TESTING_TEXT(shown(value), "[ 1 ]");
	fails_as(CONSORT_TYPE_JSON, "{\"a\":}", CONSORT_ESYNTAX, "invalid JSON at byte 6");
	fails_as(CONSORT_TYPE_JSON, "", CONSORT_ESYNTAX, "ends too early");
	value = consort_text("[1, 2]");
	CU_ASSERT_EQUAL(consort_value_convert(&value, json, &scratch, &value, NULL), CONSORT_OK);
	TESTING_TEXT(shown(value), "[1,2]");
}

static struct consort_type list_of(const char *element)
{
	struct consort_type type = consort_type_of(0);
	char name[64];

	snprintf(name, sizeof(name), "list of %s", element);
	CU_ASSERT_EQUAL(consort_type_parse(name, &type, NULL), CONSORT_OK);
	return type;
}

static void test_lists(void)
{
	struct consort_value value = parsed(list_of("int64"), "[1, null, -2, \"9223372036854775807\"]");

	CU_ASSERT_EQUAL_FATAL(value.as.list.count, 4);
	CU_ASSERT_TRUE(value.type.id == CONSORT_TYPE_LIST && value.type.element == CONSORT_TYPE_INT64);
	CU_ASSERT_EQUAL(value.as.list.items[2].as.int64, -2);
	CU_ASSERT_EQUAL(value.as.list.items[3].as.int64, INT64_MAX);
	TESTING_TEXT(shown(value), "[1,null,-2,\"9223372036854775807\"]");
	TESTING_TEXT(shown(parsed(list_of("int64"), "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]")),
		     "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]");
	CU_ASSERT_EQUAL(parsed(list_of("text"), "[]").as.list.count, 0);
	TESTING_TEXT(shown(parsed(list_of("text"), "[\"a\\n\", \"\", \"\\ud83d\\ude00\"]")),
		     "[\"a\\n\",\"\",\"\xf0\x9f\x98\x80\"]");
	TESTING_TEXT(shown(parsed(list_of("decimal(5,2)"), "[1.5, \"2\"]")), "[1.50,2.00]");
}

static void test_list_elements(void)
{
	TESTING_TEXT(shown(parsed(list_of("float64"), "[1, 0.1, \"NaN\", \"-Infinity\"]")),
		     "[1.0,0.1,\"NaN\",\"-Infinity\"]");
	TESTING_TEXT(shown(parsed(list_of("bool"), "[true, false]")), "[true,false]");
	TESTING_TEXT(shown(parsed(list_of("bytes"), "[\"\\\\x00ff\"]")), "[\"\\\\x00ff\"]");
	TESTING_TEXT(shown(parsed(list_of("timestamp"), "[\"2001-01-01 00:47\"]")),
		     "[\"2001-01-01T00:47:00Z\"]");
	TESTING_TEXT(shown(parsed(list_of("json"), "[{\"a\": [1, 2]}, 5, \"x\\n\", true, null]")),
		     "[{\"a\":[1,2]},5,\"x\\n\",true,null]");
}

static void test_lists_refused(void)
{
	struct consort_value value;

	fails(list_of("int64"), "[1,\"x\"]", 7, CONSORT_ETYPE, "element 2: 'x' is not an integer");
	fails(list_of("int64"), "[1.5]", 5, CONSORT_ETYPE, "element 1: '1.5' is not an integer");
	fails(list_of("int64"), "[1,[2]]", 7, CONSORT_ETYPE, "element 2: an array is not an integer");
	fails(list_of("text"), "[5]", 3, CONSORT_ETYPE, "element 1: a number is not text");
	fails(list_of("bool"), "[\"true\"]", 8, CONSORT_ETYPE, "element 1: a string is not a boolean");
	fails(list_of("float64"), "[1e400]", 7, CONSORT_ERANGE, "element 1: 1e400 is too great for float64");
	fails(list_of("int64"), "5", 1, CONSORT_ETYPE, "the JSON text is a number, not an array");
	fails(list_of("int64"), "[1", 2, CONSORT_ESYNTAX, "invalid JSON");
	CU_ASSERT_EQUAL(consort_value_parse(list_of("int64"), "[]", 2, NULL, &value, NULL), CONSORT_EINVAL);
}

/* What does not fit the arena is told, of every type that needs one. */
static void test_small_arena(void)
{
	static const char *const texts[][2] = {
		{"bytes", "\\x00112233445566778899aabbccddeeff00"},
		{"json", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"},
		{"list of int64", "[1]"}, {"list of text", "[\"a text that is longer\"]"},
		{"list of json", "[[1, 2, 3, 4, 5, 6, 7, 8]]"},
		{"list of bytes", "[\"\\\\x00112233445566778899aabbccddeeff00\"]"},
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct consort_type type = consort_type_of(0);
		struct consort_value value = consort_int64(42);
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort_arena arena;

		consort_arena_init(&arena, 16);
		CU_ASSERT_EQUAL(consort_type_parse(texts[i][0], &type, NULL), CONSORT_OK);
		CU_ASSERT_EQUAL(consort_value_parse(type, texts[i][1], strlen(texts[i][1]), &arena, &value,
						    &error),
				CONSORT_ENOMEM);
		CU_ASSERT_TRUE(error.status == CONSORT_ENOMEM && value.as.int64 == 42);
		consort_arena_clear(&arena);
	}
}

/* --- conversion --- */

static void converts(struct consort_value value, struct consort_type type, const char *expected)
{
	struct consort_value out = consort_null();

	CU_ASSERT_EQUAL(consort_value_convert(&value, type, &scratch, &out, NULL), CONSORT_OK);
	TESTING_TEXT(shown(out), expected);
	CU_ASSERT_TRUE(consort_type_equal(out.type, consort_value_is_null(&value) ? value.type : type));
}

static void does_not_convert(struct consort_value value, struct consort_type type, uint32_t status,
			     const char *message)
{
	struct consort_value out = consort_int64(42);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_value_convert(&value, type, &scratch, &out, &error), status);
	TESTING_TEXT(error.message, message);
	CU_ASSERT_EQUAL(out.as.int64, 42);
}

static void test_convert(void)
{
	struct consort_type float64 = consort_type_of(CONSORT_TYPE_FLOAT64),
			    text = consort_type_of(CONSORT_TYPE_TEXT);
	struct consort_type timestamp = consort_type_of(CONSORT_TYPE_TIMESTAMP);

	converts(consort_null(), float64, "");
	converts(consort_int64(5), consort_type_of(CONSORT_TYPE_INT64), "5");
	converts(consort_int64(9007199254740992), float64, "9007199254740992.0");
	converts(consort_int64(INT64_MIN), float64, "-9.223372036854776e18");
	does_not_convert(consort_int64(9007199254740993), float64, CONSORT_ERANGE,
			 "9007199254740993 does not fit float64 exactly");
	does_not_convert(consort_int64(INT64_MAX), float64, CONSORT_ERANGE,
			 "9223372036854775807 does not fit float64 exactly");
	converts(consort_int64(-12), consort_type_decimal(4, 2), "-12.00");
	does_not_convert(consort_int64(123), consort_type_decimal(4, 2), CONSORT_ERANGE,
			 "123 does not fit decimal(4,2)");
	converts(number("1.50"), consort_type_decimal(38, 37), "1.5000000000000000000000000000000000000");
	converts(number("1.50"), consort_type_decimal(2, 1), "1.5");
	does_not_convert(number("1.25"), consort_type_decimal(3, 1), CONSORT_ERANGE,
			 "1.25 does not fit decimal(3,1)");
	does_not_convert(number("99.9"), consort_type_decimal(3, 2), CONSORT_ERANGE,
			 "99.9 does not fit decimal(3,2)");
	converts(consort_text("12"), consort_type_of(CONSORT_TYPE_INT64), "12");
	does_not_convert(consort_text("12x"), consort_type_of(CONSORT_TYPE_INT64), CONSORT_ETYPE,
			 "'12x' is not an integer");
	converts(consort_date(-1), timestamp, "1969-12-31T00:00:00Z");
	does_not_convert(consort_date(INT32_MAX), timestamp, CONSORT_ERANGE,
			 "+5881580-07-11 does not fit timestamp");
	converts(consort_json("[1]"), text, "[1]");
	does_not_convert(consort_int64(1), text, CONSORT_ETYPE, "cannot use an integer as text");
	does_not_convert(consort_float64(1), consort_type_decimal(3, 0), CONSORT_ETYPE,
			 "cannot use a float64 as a decimal");
	does_not_convert(number("1.0"), float64, CONSORT_ETYPE, "cannot use a decimal as a float64");
	does_not_convert(consort_bool(1), consort_type_of(CONSORT_TYPE_INT64), CONSORT_ETYPE,
			 "cannot use a boolean as an integer");
	does_not_convert(consort_timestamp(0), consort_type_of(CONSORT_TYPE_DATE), CONSORT_ETYPE,
			 "cannot use a timestamp as a date");
}

static int compare(struct consort_value a, struct consort_value b)
{
	int order = consort_value_compare(&a, &b), back = consort_value_compare(&b, &a);

	CU_ASSERT_TRUE((order < 0) == (back > 0) && (order == 0) == (back == 0));
	return (order > 0) - (order < 0);
}

static void test_order(void)
{
	struct consort_value items[] = {consort_int64(1), consort_int64(2), consort_null()};
	struct consort_value a = consort_null(), b;
	uint8_t low[16] = {0x7f}, high[16] = {0x80};

	CU_ASSERT_EQUAL(compare(consort_text("a"), consort_text("A")), 1);
	CU_ASSERT_EQUAL(compare(consort_text("a"), consort_text("a ")), -1);
	CU_ASSERT_EQUAL(compare(consort_text("\xf0\x9f\x98\x80"), consort_text("\xef\xbf\xbd")), 1);
	CU_ASSERT_EQUAL(compare(consort_text_n(NULL, 0), consort_text("")), 0);
	CU_ASSERT_EQUAL(compare(consort_text("z"), consort_text("\xc3\xa9")), -1);
	CU_ASSERT_EQUAL(compare(consort_bytes("\xff", 1), consort_bytes("\x01\x02", 2)), 1);
	CU_ASSERT_EQUAL(compare(consort_uuid(low), consort_uuid(high)), -1);
	CU_ASSERT_EQUAL(compare(consort_objectid(high), consort_objectid(low)), 1);
	CU_ASSERT_EQUAL(compare(consort_timestamp(-1), consort_timestamp(0)), -1);
	CU_ASSERT_EQUAL(compare(consort_bool(0), consort_bool(1)), -1);
	CU_ASSERT_EQUAL(compare(consort_null(), consort_null()), 0);
	a.type.id = CONSORT_TYPE_LIST;
	a.as.list.items = items;
	a.as.list.count = 2;
	b = a;
	CU_ASSERT_EQUAL(compare(a, b), 0);
	b.as.list.count = 3;
	CU_ASSERT_EQUAL(compare(a, b), -1);
	b.as.list.items = items + 1;
	b.as.list.count = 1;
	CU_ASSERT_EQUAL(compare(a, b), -1);
	b.as.list.items = items + 2;
	CU_ASSERT_EQUAL(compare(a, b), -1);
}

/* JSON in its order, each text less than the next: null, numbers by value however they are written, texts, … */
static void test_json_order(void)
{
	static const char tens[] = "100000000000000000000000000000000000000000000000000000000000000000000000000000000";
	const char *const ordered[] = {
		"null", "-1e999", "-1", "-1e-999", "0", "1e-400", "0.5", "1", "1.0", "1e0", "1e2", "9007199254740992",
		"9007199254740993", "12345678901234567890123456789012345678",
		"99999999999999999999999999999999999999", "2e62", tens, "1e300", "1e999", "\"\"", "\"a\"",
		"false", "true", "[1]", "[]", "{\"a\":1}", "{}",
	};
	size_t count = sizeof(ordered) / sizeof(ordered[0]), i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < count; j++) {
			int order = compare(consort_json(ordered[i]), consort_json(ordered[j]));

			if (order != (i > j) - (i < j))
				fprintf(stderr, "  %s beside %s: %d\n", ordered[i], ordered[j], order);
			CU_ASSERT_EQUAL(order, (i > j) - (i < j));
		}
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"type-names", test_type_names}, {"type-hints", test_type_hints}, {"bool", test_bool},
		{"text", test_text}, {"bytes", test_bytes}, {"ids", test_ids}, {"shown", test_shown_values},
		{"print-json", test_print_json}, {"json-values", test_json_values}, {"lists", test_lists},
		{"list-elements", test_list_elements}, {"lists-refused", test_lists_refused},
		{"small-arena", test_small_arena},
		{"convert", test_convert}, {"order", test_order}, {"json-order", test_json_order},
		{NULL, NULL},
	};

	return testing_main("convert", cases, argc, argv);
}
