/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: three-valued logic, exact comparison, checked arithmetic, texts, casts, documents. */
#include "exec-helpers.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>

#define B(value) literal(consort_bool(value))
#define I(value) literal(consort_int64(value))
#define F(value) literal(consort_float64(value))
#define S(value) literal(consort_text(value))
#define J(value) literal(consort_json(value))
#define D(value) literal(decimal(value))
#define N literal(consort_null())

static const char *evaluate(const struct consort_expr *expr)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value = consort_int64(4711);
	struct consort_eval eval;
	const char *text;

	consort_eval_init(&eval, NULL, 0);
	if (consort_eval_constant(&eval, expr, &value, &error)) {
		static char message[sizeof(error.message) + 16];

		CU_ASSERT_NOT_EQUAL(error.status, CONSORT_OK);
		snprintf(message, sizeof(message), "%u: %s", error.status, error.message);
		text = message;
	} else {
		CU_ASSERT_EQUAL(error.status, CONSORT_OK);
		text = shown(value);
	}
	CU_ASSERT_EQUAL(eval.depth, 0);
	consort_eval_clear(&eval);
	return text;
}

#define IS(expr, expected) TESTING_TEXT(evaluate(expr), expected)
#define FAILS(expr, status, part)                                  \
	do {                                                       \
		const char *text_ = evaluate(expr);                \
		CU_ASSERT_EQUAL(atoi(text_), status);              \
		TESTING_CONTAINS(text_, part);                     \
	} while (0)

/* --- logic --- */

static const struct consort_expr *truth(int value)
{
	return value < 0 ? N : B(value);
}

static void test_logic(void)
{
	static const char *const all[3][3] = {{"false", "false", "false"},
					      {"false", "true", "NULL"},
					      {"false", "NULL", "NULL"}};
	static const char *const any[3][3] = {{"false", "true", "NULL"},
					      {"true", "true", "true"},
					      {"NULL", "true", "NULL"}};
	static const int values[3] = {0, 1, -1};
	int a, b;

	for (a = 0; a < 3; a++) {
		for (b = 0; b < 3; b++) {
			IS(call(CONSORT_OP_AND, T_BOOL, truth(values[a]), truth(values[b])), all[a][b]);
			IS(call(CONSORT_OP_OR, T_BOOL, truth(values[a]), truth(values[b])), any[a][b]);
		}
	}
	IS(call(CONSORT_OP_NOT, T_BOOL, B(1)), "false");
	IS(call(CONSORT_OP_NOT, T_BOOL, B(0)), "true");
	IS(call(CONSORT_OP_NOT, T_BOOL, N), "NULL");
	IS(call(CONSORT_OP_IS_NULL, T_BOOL, N), "true");
	IS(call(CONSORT_OP_IS_NULL, T_BOOL, I(0)), "false");
	IS(call(CONSORT_OP_NOT_NULL, T_BOOL, N), "false");
	IS(call(CONSORT_OP_NOT_NULL, T_BOOL, S("")), "true");
	IS(call(CONSORT_OP_IS_TRUE, T_BOOL, B(1)), "true");
	IS(call(CONSORT_OP_IS_TRUE, T_BOOL, N), "false");
	IS(call(CONSORT_OP_IS_FALSE, T_BOOL, B(0)), "true");
	IS(call(CONSORT_OP_IS_FALSE, T_BOOL, N), "false");
	IS(call(CONSORT_OP_IS_FALSE, T_BOOL, B(1)), "false");
}

/* What is not needed is not evaluated, so it cannot fail. */
static void test_lazy(void)
{
	const struct consort_expr *bad =
		call(CONSORT_OP_EQ, T_BOOL, call(CONSORT_OP_INTEGER_DIVIDE, T_INT, I(1), I(0)), I(1));
	const struct consort_expr *bad_number = call(CONSORT_OP_INTEGER_DIVIDE, T_INT, I(1), I(0));

	IS(call(CONSORT_OP_AND, T_BOOL, B(0), bad), "false");
	FAILS(call(CONSORT_OP_AND, T_BOOL, N, bad), CONSORT_ERANGE, "division by zero in 1 / 0");
	IS(call(CONSORT_OP_OR, T_BOOL, B(1), bad), "true");
	FAILS(call(CONSORT_OP_OR, T_BOOL, bad, B(1)), CONSORT_ERANGE, "division by zero");
	IS(call(CONSORT_OP_COALESCE, T_INT, N, I(2), bad_number), "2");
	IS(call(CONSORT_OP_COALESCE, T_INT, N, N), "NULL");
	IS(call(CONSORT_OP_CASE, T_INT, B(0), bad_number, B(1), I(5), bad_number), "5");
	IS(call(CONSORT_OP_CASE, T_INT, N, bad_number, I(6)), "6");
	IS(call(CONSORT_OP_CASE, T_INT, B(0), I(1)), "NULL");
	FAILS(call(CONSORT_OP_CASE, T_INT, B(0), I(5), bad_number), CONSORT_ERANGE, "division by zero");
}

/* --- comparison --- */

/* a < b in every form */
static void less(const struct consort_expr *a, const struct consort_expr *b)
{
	IS(call(CONSORT_OP_LT, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_LE, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_NE, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_DISTINCT, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_EQ, T_BOOL, a, b), "false");
	IS(call(CONSORT_OP_GT, T_BOOL, a, b), "false");
	IS(call(CONSORT_OP_GE, T_BOOL, a, b), "false");
	IS(call(CONSORT_OP_GT, T_BOOL, b, a), "true");
	IS(call(CONSORT_OP_LE, T_BOOL, b, a), "false");
}

static void equal(const struct consort_expr *a, const struct consort_expr *b)
{
	IS(call(CONSORT_OP_EQ, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_LE, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_GE, T_BOOL, a, b), "true");
	IS(call(CONSORT_OP_LT, T_BOOL, a, b), "false");
	IS(call(CONSORT_OP_NE, T_BOOL, a, b), "false");
	IS(call(CONSORT_OP_NOT_DISTINCT, T_BOOL, a, b), "true");
}

static void test_compare(void)
{
	less(I(INT64_MIN), I(INT64_MAX));
	/* 2^53 + 1 has no float64 of its own */
	less(F(9007199254740992.0), I(9007199254740993));
	less(I(9007199254740993), F(9007199254740994.0));
	equal(F(9007199254740992.0), I(9007199254740992));
	less(F(1e38), D("99999999999999999999999999999999999999")); /* 1e38 is a little less */
	less(D("0.1"), F(0.1)); /* the nearest double is a little more */
	equal(D("1.50"), D("1.5"));
	equal(F(-0.0), F(0.0));
	equal(F(NAN), F(NAN));
	less(F(INFINITY), F(NAN));
	less(I(INT64_MAX), F(NAN));
	less(S("A"), S("a"));
	less(S("a"), S("a "));
	less(S("z"), S("é"));
	less(S("\xef\xbf\xbd"), S("\xf0\x9f\x98\x80")); /* by bytes, beyond the BMP is greater */
	less(literal(consort_timestamp(-1)), literal(consort_timestamp(0)));
	less(B(0), B(1));
	IS(call(CONSORT_OP_EQ, T_BOOL, I(1), N), "NULL");
	IS(call(CONSORT_OP_NE, T_BOOL, N, N), "NULL");
	IS(call(CONSORT_OP_NOT_DISTINCT, T_BOOL, N, N), "true");
	IS(call(CONSORT_OP_DISTINCT, T_BOOL, N, N), "false");
	IS(call(CONSORT_OP_DISTINCT, T_BOOL, I(1), N), "true");
	IS(call(CONSORT_OP_NOT_DISTINCT, T_BOOL, N, I(1)), "false");
}

static void test_in(void)
{
	const struct consort_expr *sum = call(CONSORT_OP_ADD, T_INT, I(1), I(1));
	const struct consort_expr *args[102];
	int i;

	IS(call(CONSORT_OP_IN, T_BOOL, I(2), I(1), I(2)), "true");
	IS(call(CONSORT_OP_IN, T_BOOL, I(3), I(1), I(2)), "false");
	IS(call(CONSORT_OP_IN, T_BOOL, I(3), I(1), N), "NULL");
	IS(call(CONSORT_OP_IN, T_BOOL, I(1), I(1), N), "true");
	IS(call(CONSORT_OP_IN, T_BOOL, N, I(1)), "NULL");
	IS(call(CONSORT_OP_IN, T_BOOL, I(2), I(1), sum), "true");
	IS(call(CONSORT_OP_IN, T_BOOL, I(3), I(1), sum), "false");
	IS(call(CONSORT_OP_IN, T_BOOL, I(3), sum, call(CONSORT_OP_ADD, T_INT, N, I(1))), "NULL");
	IS(call(CONSORT_OP_IN, T_BOOL, I(2), sum, N), "true");
	IS(call(CONSORT_OP_IN, T_BOOL, F(2), I(1), D("2.0")), "true");
	IS(call(CONSORT_OP_IN, T_BOOL, F(NAN), F(1), F(NAN)), "true");
	args[0] = I(50);
	for (i = 0; i < 101; i++)
		args[i + 1] = I((i * 37) % 101);
	IS(call_n(CONSORT_OP_IN, T_BOOL, args, 102), "true");
	args[0] = I(101);
	IS(call_n(CONSORT_OP_IN, T_BOOL, args, 102), "false");
	FAILS(call(CONSORT_OP_IN, T_BOOL, I(1), parameter(3, T_INT)), CONSORT_EINVAL, "$4");
}

/* --- arithmetic --- */

#define MATH(op, type, a, b) call(CONSORT_OP_##op, type, a, b)

static void test_integers(void)
{
	IS(MATH(ADD, T_INT, I(INT64_MAX - 1), I(1)), "9223372036854775807");
	FAILS(MATH(ADD, T_INT, I(INT64_MAX), I(1)), CONSORT_ERANGE,
	      "integer overflow in 9223372036854775807 + 1");
	FAILS(MATH(SUBTRACT, T_INT, I(INT64_MIN), I(1)), CONSORT_ERANGE, "integer overflow");
	FAILS(MATH(MULTIPLY, T_INT, I(INT64_MIN), I(-1)), CONSORT_ERANGE, "integer overflow");
	IS(MATH(MULTIPLY, T_INT, I(-3), I(7)), "-21");
	IS(MATH(INTEGER_DIVIDE, T_INT, I(5), I(2)), "2");
	IS(MATH(INTEGER_DIVIDE, T_INT, I(-5), I(2)), "-2");
	IS(MATH(INTEGER_DIVIDE, T_INT, I(5), I(-1)), "-5");
	FAILS(MATH(INTEGER_DIVIDE, T_INT, I(INT64_MIN), I(-1)), CONSORT_ERANGE, "integer overflow");
	FAILS(MATH(INTEGER_DIVIDE, T_INT, I(5), I(0)), CONSORT_ERANGE, "division by zero in 5 / 0");
	IS(MATH(MODULO, T_INT, I(-5), I(3)), "-2");
	IS(MATH(MODULO, T_INT, I(5), I(-3)), "2");
	IS(MATH(MODULO, T_INT, I(INT64_MIN), I(-1)), "0");
	FAILS(MATH(MODULO, T_INT, I(5), I(0)), CONSORT_ERANGE, "division by zero in 5 % 0");
	IS(MATH(ADD, T_INT, N, I(1)), "NULL");
	IS(MATH(INTEGER_DIVIDE, T_INT, N, I(0)), "NULL");
	IS(call(CONSORT_OP_NEGATE, T_INT, I(5)), "-5");
	IS(call(CONSORT_OP_NEGATE, T_INT, N), "NULL");
	FAILS(call(CONSORT_OP_NEGATE, T_INT, I(INT64_MIN)), CONSORT_ERANGE, "integer overflow");
}

static void test_floats(void)
{
	IS(MATH(DIVIDE, T_FLOAT, F(5), F(2)), "2.5");
	FAILS(MATH(DIVIDE, T_FLOAT, F(5), F(-0.0)), CONSORT_ERANGE, "division by zero");
	FAILS(MATH(MODULO, T_FLOAT, F(5), F(0)), CONSORT_ERANGE, "division by zero");
	IS(MATH(MODULO, T_FLOAT, F(-5.5), F(2)), "-1.5");
	IS(MATH(MULTIPLY, T_FLOAT, F(1e308), F(10)), "inf");
	IS(MATH(SUBTRACT, T_FLOAT, F(INFINITY), F(INFINITY)), "nan");
	IS(MATH(ADD, T_FLOAT, F(0.1), F(0.2)), "0.30000000000000004");
	IS(call(CONSORT_OP_NEGATE, T_FLOAT, F(1.5)), "-1.5");
}

static void test_decimals(void)
{
	const char *nines = "99999999999999999999999999999999999999";
	struct consort_type wide = consort_type_decimal(38, 0), cents = consort_type_decimal(38, 2);

	IS(MATH(ADD, cents, D("1.5"), D("2.25")), "3.75");
	IS(MATH(SUBTRACT, cents, D("1.5"), D("2.25")), "-0.75");
	IS(MATH(MULTIPLY, consort_type_decimal(38, 3), D("-1.5"), D("2.25")), "-3.375");
	FAILS(MATH(ADD, wide, D(nines), D("1")), CONSORT_ERANGE, "decimal overflow");
	FAILS(MATH(SUBTRACT, wide, call(CONSORT_OP_NEGATE, wide, D(nines)), D("1")), CONSORT_ERANGE,
	      "99999999999999999999999999999999999999 - 1");
	FAILS(MATH(MULTIPLY, wide, D(nines), D(nines)), CONSORT_ERANGE, "decimal overflow");
	IS(MATH(MULTIPLY, wide, D(nines), D("-1")), "-99999999999999999999999999999999999999");
	IS(MATH(DIVIDE, consort_type_decimal(38, 6), D("1"), D("3")), "0.333333");
	IS(MATH(DIVIDE, consort_type_decimal(38, 6), D("2"), D("-3")), "-0.666667");
	IS(MATH(DIVIDE, consort_type_decimal(38, 0), D("2.5"), D("1")), "3");
	IS(MATH(DIVIDE, consort_type_decimal(38, 0), D("-2.5"), D("1")), "-3");
	IS(MATH(DIVIDE, consort_type_decimal(38, 0), D("2.49"), D("1")), "2");
	IS(MATH(DIVIDE, consort_type_decimal(38, 10), D("1"), D(nines)), "0.0000000000");
	/* the rest times ten does not fit 128 bits */
	IS(MATH(DIVIDE, consort_type_decimal(38, 37), D("88888888888888888888888888888888888888"), D(nines)),
	   "0.8888888888888888888888888888888888889");
	FAILS(MATH(DIVIDE, cents, D("1.5"), D("0.00")), CONSORT_ERANGE, "division by zero in 1.5 / 0.00");
	FAILS(MATH(DIVIDE, consort_type_decimal(38, 2), D(nines), D("0.5")), CONSORT_ERANGE,
	      "decimal overflow");
	IS(MATH(MODULO, cents, D("-5.5"), D("0.75")), "-0.25");
	FAILS(MATH(MODULO, cents, D("1"), D("0")), CONSORT_ERANGE, "division by zero");
	IS(call(CONSORT_OP_NEGATE, cents, D("-0.05")), "0.05");
}

static void test_bucket(void)
{
	const int64_t day = INT64_C(86400000000);
	struct consort_type t = T_TIMESTAMP;

#define BUCKET(time, width, origin)                                                                          \
	call(CONSORT_OP_TIME_BUCKET, t, literal(consort_timestamp(time)), I(width),                          \
	     literal(consort_timestamp(origin)))
	IS(BUCKET(day + 5, day, 0), "1970-01-02T00:00:00Z");
	IS(BUCKET(-1, day, 0), "1969-12-31T00:00:00Z");
	IS(BUCKET(0, day, 0), "1970-01-01T00:00:00Z");
	IS(BUCKET(0, day, 1000000), "1969-12-31T00:00:01Z");
	IS(BUCKET(INT64_MAX, 1, INT64_MIN), "+294247-01-10T04:00:54.775807Z");
	FAILS(BUCKET(0, 0, 0), CONSORT_ERANGE, "0 microseconds wide");
	FAILS(BUCKET(0, -5, 0), CONSORT_ERANGE, "-5 microseconds wide");
	FAILS(BUCKET(INT64_MIN, day, 0), CONSORT_ERANGE, "before all timestamps");
	IS(call(CONSORT_OP_TIME_BUCKET, t, N, I(1), literal(consort_timestamp(0))), "NULL");
}

/* --- texts --- */

static const char *like(const char *text, const char *pattern)
{
	return evaluate(call(CONSORT_OP_LIKE, T_BOOL, S(text), S(pattern)));
}

static const char *ilike(const char *text, const char *pattern)
{
	return evaluate(call(CONSORT_OP_ILIKE, T_BOOL, S(text), S(pattern)));
}

static void test_like(void)
{
	static const struct {
		const char *text, *pattern, *result;
	} cases[] = {
		{"", "", "true"},
		{"", "%", "true"},
		{"", "_", "false"},
		{"a", "", "false"},
		{"abc", "abc", "true"},
		{"abc", "ABC", "false"},
		{"abc", "a%", "true"},
		{"abc", "%c", "true"},
		{"abc", "%b%", "true"},
		{"abc", "a_c", "true"},
		{"abc", "a_", "false"},
		{"abc", "___", "true"},
		{"abc", "____", "false"},
		{"abc", "%%%", "true"},
		{"abc", "%_%_%", "true"},
		{"ab", "%_%_%_%", "false"},
		{"é", "_", "true"},
		{"😀x", "_x", "true"},
		{"😀", "__", "false"},
		{"日本語", "日%語", "true"},
		{"a%c", "a\\%c", "true"},
		{"abc", "a\\%c", "false"},
		{"a_c", "a\\_c", "true"},
		{"a\\c", "a\\\\c", "true"},
		{"abc", "a\\bc", "true"},
		{"\\", "%\\\\", "true"},
		{"a\nb", "a_b", "true"},
		{"a\nb", "a%", "true"},
		{"a ", "a", "false"},
		{"mississippi", "%iss%ip%", "true"},
		{"mississippi", "m%iss%ippi_", "false"},
		{"aaab", "%aab", "true"},
		{"xéy", "%é_", "true"},
	};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		TESTING_TEXT(like(cases[i].text, cases[i].pattern), cases[i].result);
	IS(call(CONSORT_OP_LIKE, T_BOOL, N, S("%")), "NULL");
	IS(call(CONSORT_OP_LIKE, T_BOOL, S("a"), N), "NULL");
	FAILS(call(CONSORT_OP_LIKE, T_BOOL, S("a"), S("a\\")), CONSORT_ESYNTAX, "end with a backslash");
	FAILS(call(CONSORT_OP_ILIKE, T_BOOL, S("a"), S("a\\\\\\")), CONSORT_ESYNTAX, "end with a backslash");
	IS(call(CONSORT_OP_LIKE, T_BOOL, N, S("a\\")), "NULL");
	/* would take for ever if each % were tried everywhere */
	for (i = 0; i < 20000; i++)
		consort_buffer_char(&text, 'a');
	TESTING_TEXT(like(text.data, "%a%a%a%a%a%a%a%a%a%a%a%a%b"), "false");
	consort_buffer_clear(&text);
}

/* What LIKE means, without care for time; bytes are characters here. */
static bool like_slowly(const char *text, const char *pattern)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '%')
		return like_slowly(text, pattern + 1) || (*text && like_slowly(text + 1, pattern));
	if (!*text)
		return false;
	if (*pattern == '\\')
		pattern++;
	else if (*pattern == '_')
		return like_slowly(text + 1, pattern + 1);
	return *text == *pattern && like_slowly(text + 1, pattern + 1);
}

static void test_like_random(void)
{
	static const char letters[] = "ab%_\\";
	char text[10], pattern[10];
	uint32_t seed = 4711;
	int round, i;

	for (round = 0; round < 20000; round++) {
		for (i = 0; i < 9; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = letters[(seed >> 16) % (round % 4 ? 2 : 5)];
			pattern[i] = letters[(seed >> 24) % 5];
		}
		text[(seed >> 8) % 10] = '\0';
		pattern[(seed >> 12) % 10] = '\0';
		text[9] = pattern[9] = '\0';
		/* no backslash at the end */
		for (i = 0; pattern[i]; i++)
			if (pattern[i] == '\\' && !pattern[++i])
				pattern[--i] = '%';
		if (strcmp(like(text, pattern), like_slowly(text, pattern) ? "true" : "false")) {
			fprintf(stderr, "'%s' LIKE '%s'\n", text, pattern);
			CU_FAIL("LIKE is not what it means");
		}
	}
	CU_ASSERT_EQUAL(round, 20000);
}

static void test_fold(void)
{
	TESTING_TEXT(ilike("ABC", "a_c"), "true");
	TESTING_TEXT(ilike("STRASSE", "straße"), "false"); /* simple folding maps one to one */
	TESTING_TEXT(ilike("ÀÉ", "àé"), "true");
	TESTING_TEXT(ilike("ΣΊΣΥΦΟΣ", "σίσυφος"), "true"); /* final sigma */
	TESTING_TEXT(ilike("ſ", "S"), "true");
	TESTING_TEXT(ilike("\xe2\x84\xaa", "k"), "true"); /* the Kelvin sign */
	TESTING_TEXT(ilike("İ", "i"), "false");
	TESTING_TEXT(ilike("ı", "I"), "false");
	TESTING_TEXT(ilike("ẞ", "ß"), "true");
	TESTING_TEXT(ilike("DŽ", "dž"), "true");
	TESTING_TEXT(ilike("100%", "100\\%"), "true");
	TESTING_TEXT(ilike("𐐀", "𐐨"), "true");
	IS(call(CONSORT_OP_LOWER, T_TEXT, S("ÀB\xe2\x84\xaa 1Σ")), "àbk 1σ");
	IS(call(CONSORT_OP_UPPER, T_TEXT, S("straße ɐ ÿ")), "STRAßE Ɐ Ÿ");
	IS(call(CONSORT_OP_UPPER, T_TEXT, S("")), "");
	IS(call(CONSORT_OP_LOWER, T_TEXT, N), "NULL");
}

static void test_text(void)
{
	IS(call(CONSORT_OP_LENGTH, T_INT, S("é😀a")), "3");
	IS(call(CONSORT_OP_LENGTH, T_INT, S("")), "0");
	IS(call(CONSORT_OP_LENGTH, T_INT, literal(consort_bytes("\xc3\xa9", 2))), "2");
	IS(call(CONSORT_OP_LENGTH, T_INT, N), "NULL");
	IS(call(CONSORT_OP_CONCAT, T_TEXT, S("a"), S(""), S("é")), "aé");
	IS(call(CONSORT_OP_CONCAT, T_TEXT, S("1"), S("2"), S("3"), S("4"), S("5"), S("6")), "123456");
	IS(call(CONSORT_OP_CONCAT, T_TEXT, S("a"), N), "NULL");
}

/* --- casts and documents --- */

static const char *cast(const struct consort_expr *expr, struct consort_type type)
{
	return evaluate(call(CONSORT_OP_CAST, type, expr));
}

static void test_cast(void)
{
	TESTING_TEXT(cast(N, T_INT), "NULL");
	TESTING_TEXT(cast(F(3), T_INT), "3");
	FAILS(call(CONSORT_OP_CAST, T_INT, F(1.5)), CONSORT_ERANGE, "1.5 does not fit int64");
	FAILS(call(CONSORT_OP_CAST, T_INT, F(0x1p63)), CONSORT_ERANGE, "does not fit int64");
	TESTING_TEXT(cast(F(-0x1p63), T_INT), "-9223372036854775808");
	FAILS(call(CONSORT_OP_CAST, T_INT, F(NAN)), CONSORT_ERANGE, "does not fit int64");
	TESTING_TEXT(cast(D("3.00"), T_INT), "3");
	FAILS(call(CONSORT_OP_CAST, T_INT, D("3.01")), CONSORT_ERANGE, "3.01 does not fit int64");
	TESTING_TEXT(cast(D("-9223372036854775808"), T_INT), "-9223372036854775808");
	FAILS(call(CONSORT_OP_CAST, T_INT, D("9223372036854775808")), CONSORT_ERANGE, "does not fit int64");
	TESTING_TEXT(cast(D("0.1"), T_FLOAT), "0.1");
	TESTING_TEXT(cast(F(0.1), consort_type_decimal(5, 2)), "0.10");
	FAILS(call(CONSORT_OP_CAST, consort_type_decimal(5, 2), F(0.125)), CONSORT_ERANGE, "0.125");
	FAILS(call(CONSORT_OP_CAST, consort_type_decimal(5, 2), F(INFINITY)), CONSORT_ERANGE, "decimal(5,2)");
	FAILS(call(CONSORT_OP_CAST, consort_type_decimal(3, 2), I(10)), CONSORT_ERANGE, "10 does not fit");
	FAILS(call(CONSORT_OP_CAST, T_FLOAT, I(9007199254740993)), CONSORT_ERANGE, "9007199254740993");
	TESTING_TEXT(cast(I(7), T_TEXT), "7");
	TESTING_TEXT(cast(F(1e21), T_TEXT), "1e21");
	TESTING_TEXT(cast(B(1), T_TEXT), "true");
	TESTING_TEXT(cast(B(1), T_INT), "1");
	TESTING_TEXT(cast(I(0), T_BOOL), "false");
	FAILS(call(CONSORT_OP_CAST, T_BOOL, I(2)), CONSORT_ERANGE, "2 does not fit bool");
	TESTING_TEXT(cast(S("42"), T_INT), "42");
	CU_ASSERT_NOT_EQUAL(atoi(cast(S("x"), T_INT)), 0);
	TESTING_TEXT(cast(S("2001-02-03"), T_DATE), "2001-02-03");
	TESTING_TEXT(cast(S("2001-02-03"), T_TIMESTAMP), "2001-02-03T00:00:00Z");
	TESTING_TEXT(cast(literal(consort_date(-1)), T_TIMESTAMP), "1969-12-31T00:00:00Z");
	TESTING_TEXT(cast(literal(consort_timestamp(-1)), T_DATE), "1969-12-31");
	TESTING_TEXT(cast(literal(consort_timestamp(INT64_MIN)), T_DATE), "-290308-12-21");
	TESTING_TEXT(cast(literal(consort_timestamp(-1)), consort_type_of(CONSORT_TYPE_TIME)),
		     "23:59:59.999999");
	TESTING_TEXT(cast(I(5), T_JSON), "5");
	TESTING_TEXT(cast(S("{\"a\": 1}"), T_JSON), "{\"a\":1}");
	FAILS(call(CONSORT_OP_CAST, T_INT, literal(consort_bytes("x", 1))), CONSORT_ETYPE, "cannot use");
}

static void test_json_casts(void)
{
	TESTING_TEXT(cast(J("5"), T_INT), "5");
	TESTING_TEXT(cast(J("5.0"), T_INT), "5");
	TESTING_TEXT(cast(J("1e3"), T_INT), "1000");
	FAILS(call(CONSORT_OP_CAST, T_INT, J("5.5")), CONSORT_ERANGE, "5.5 does not fit int64");
	TESTING_TEXT(cast(J("\"5\""), T_INT), "5");
	TESTING_TEXT(cast(J("0.5"), T_FLOAT), "0.5");
	TESTING_TEXT(cast(J("0.5"), consort_type_decimal(10, 2)), "0.50");
	TESTING_TEXT(cast(J("true"), T_BOOL), "true");
	TESTING_TEXT(cast(J("null"), T_INT), "NULL");
	TESTING_TEXT(cast(J("\"2001-02-03\""), T_DATE), "2001-02-03");
	TESTING_TEXT(cast(J("[\"a\",null]"), list_of(CONSORT_TYPE_TEXT)), "[\"a\",null]");
	TESTING_TEXT(cast(J("{\"a\":1}"), T_TEXT), "{\"a\":1}");
	FAILS(call(CONSORT_OP_CAST, T_INT, J("{\"a\":1}")), CONSORT_ETYPE, "object");
	FAILS(call(CONSORT_OP_CAST, T_INT, J("true")), CONSORT_ETYPE, "true or false");
}

static void test_path(void)
{
	const char *document =
		"{\"a\":{\"b\":[1,\"x\\n\",null,{\"c\":true}]},\"é\":\"\\u00e9\",\"n\":1.50,\"0\":\"zero\"}";
	const struct consort_expr *doc = J(document);

	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("a"), S("b"), I(1)), "x\n");
	IS(call(CONSORT_OP_PATH, T_JSON, doc, S("a"), S("b"), I(1)), "\"x\\n\"");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("a"), S("b"), I(2)), "NULL");
	IS(call(CONSORT_OP_PATH, T_JSON, doc, S("a"), S("b"), I(2)), "NULL");
	IS(call(CONSORT_OP_PATH, T_JSON, doc, S("a"), S("b"), I(-1)), "{\"c\":true}");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("a"), S("b"), I(3), S("c")), "true");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("é")), "é");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("n")), "1.50");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, doc, S("nothing")), "NULL");
	IS(call(CONSORT_OP_PATH_TEXT, T_TEXT, N, S("a")), "NULL");
	FAILS(call(CONSORT_OP_PATH, T_JSON, doc, N), CONSORT_ETYPE, "step");
	CU_ASSERT_EQUAL(atoi(evaluate(call(CONSORT_OP_PATH, T_JSON, J("{\"a\":"), S("a")))), CONSORT_ESYNTAX);
}

static void test_unknown(void)
{
	FAILS(call(CONSORT_OP_MATCH, T_BOOL, S("a"), S("a")), CONSORT_EUNSUPPORTED, "operator");
	FAILS(call(999, T_BOOL, S("a")), CONSORT_EUNSUPPORTED, "operator");
	FAILS(column(0, T_INT), CONSORT_EINTERNAL, "column 1");
	FAILS(parameter(0, T_INT), CONSORT_EINVAL, "$1");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"logic", test_logic},
		{"lazy", test_lazy},
		{"compare", test_compare},
		{"in", test_in},
		{"integers", test_integers},
		{"floats", test_floats},
		{"decimals", test_decimals},
		{"bucket", test_bucket},
		{"like", test_like}, {"like-random", test_like_random},
		{"fold", test_fold},
		{"text", test_text},
		{"cast", test_cast},
		{"json-casts", test_json_casts},
		{"path", test_path},
		{"unknown", test_unknown},
		{NULL, NULL},
	};

	return testing_main("eval", cases, argc, argv);
}
