/* SPDX-License-Identifier: Apache-2.0 */
/* Integers, decimals and doubles: their texts, their limits and their exact order. */
#include "value-helpers.h"

#include "testing.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- integers, decimals --- */

static void test_int64(void)
{
	same_text(CONSORT_TYPE_INT64, "0");
	same_text(CONSORT_TYPE_INT64, "9223372036854775807");
	same_text(CONSORT_TYPE_INT64, "-9223372036854775808");
	TESTING_TEXT(shown(parsed(consort_type_of(CONSORT_TYPE_INT64), "+007")), "7");
	TESTING_TEXT(shown(parsed(consort_type_of(CONSORT_TYPE_INT64), "-0")), "0");
	fails_as(CONSORT_TYPE_INT64, "12x", CONSORT_ETYPE, "'12x' is not an integer");
	fails_as(CONSORT_TYPE_INT64, "", CONSORT_ETYPE, "'' is not an integer");
	fails_as(CONSORT_TYPE_INT64, "-", CONSORT_ETYPE, "'-' is not an integer");
	fails_as(CONSORT_TYPE_INT64, " 1", CONSORT_ETYPE, "' 1' is not an integer");
	fails_as(CONSORT_TYPE_INT64, "1.0", CONSORT_ETYPE, "'1.0' is not an integer");
	fails_as(CONSORT_TYPE_INT64, "1e3", CONSORT_ETYPE, "'1e3' is not an integer");
	fails_as(CONSORT_TYPE_INT64, "9223372036854775808", CONSORT_ERANGE,
		 "9223372036854775808 does not fit int64");
	fails_as(CONSORT_TYPE_INT64, "-9223372036854775809", CONSORT_ERANGE,
		 "-9223372036854775809 does not fit int64");
	fails_as(CONSORT_TYPE_INT64, "18446744073709551617", CONSORT_ERANGE, "does not fit int64");
	fails_as(CONSORT_TYPE_INT64, "99999999999999999999", CONSORT_ERANGE, "does not fit int64");
	fails(consort_type_of(CONSORT_TYPE_INT64), "1\0002", 3, CONSORT_ETYPE, "'1?2' is not an integer");
	fails(consort_type_of(CONSORT_TYPE_INT64), NULL, 0, CONSORT_ETYPE, "'' is not an integer");
}

static void decimal_is(const char *text, const char *expected, unsigned precision, unsigned scale)
{
	struct consort_decimal decimal = {0, 0};
	uint8_t got_precision = 0, got_scale = 0;
	char out[CONSORT_DECIMAL_SIZE];

	CU_ASSERT_EQUAL(consort_decimal_parse(text, strlen(text), &decimal, &got_precision, &got_scale, NULL),
			CONSORT_OK);
	CU_ASSERT_EQUAL(consort_decimal_print(decimal, got_scale, out), strlen(expected));
	TESTING_TEXT(out, expected);
	CU_ASSERT_EQUAL(got_precision, precision);
	CU_ASSERT_EQUAL(got_scale, scale);
}

#define NINES_38 "99999999999999999999999999999999999999"

static void test_decimal_parse(void)
{
	static const char *const wrong[] = {"", ".", "+", "e5", "1e", "1e+", "1.2.3", "0x10", "1 ",
					    "--1", "nan", "1e5.0"};
	struct consort_decimal decimal;
	struct consort_error error = CONSORT_ERROR_INIT;
	uint8_t precision, scale;
	size_t i;

	decimal_is("0", "0", 1, 0);
	decimal_is("-0.00", "0.00", 2, 2);
	decimal_is("1.50", "1.50", 3, 2);
	decimal_is("-0.05", "-0.05", 2, 2);
	decimal_is("000.10", "0.10", 2, 2);
	decimal_is(".5", "0.5", 1, 1);
	decimal_is("5.", "5", 1, 0);
	decimal_is("1.5e1", "15", 2, 0);
	decimal_is("1e3", "1000", 4, 0);
	decimal_is("25E-3", "0.025", 3, 3);
	decimal_is("0e999999999999999999999", "0", 1, 0);
	decimal_is("0e-999999999999999999999", "0.00000000000000000000000000000000000000", 38, 38);
	decimal_is(NINES_38, NINES_38, 38, 0);
	decimal_is("-" NINES_38, "-" NINES_38, 38, 0);
	decimal_is("-0." NINES_38, "-0." NINES_38, 38, 38);
	decimal_is("1e37", "10000000000000000000000000000000000000", 38, 0);
	decimal_is("1e-38", "0.00000000000000000000000000000000000001", 38, 38);
	decimal_is("1.0000000000000000000000000000000000000000000000000",
		   "1.0000000000000000000000000000000000000", 38, 37);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_EQUAL(
			consort_decimal_parse(wrong[i], strlen(wrong[i]), &decimal, &precision, &scale, NULL),
			CONSORT_ETYPE);
	CU_ASSERT_EQUAL(consort_decimal_parse("1e38", 4, &decimal, &precision, &scale, &error),
			CONSORT_ERANGE);
	TESTING_TEXT(error.message, "'1e38' has more than the 38 digits of a decimal");
	CU_ASSERT_EQUAL(consort_decimal_parse("1e-39", 5, &decimal, &precision, &scale, NULL),
			CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_decimal_parse("1" NINES_38, 39, &decimal, &precision, &scale, NULL),
			CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_decimal_parse("0.1" NINES_38, 41, &decimal, &precision, &scale, NULL),
			CONSORT_ERANGE);
}

static void test_decimal_rescale(void)
{
	struct consort_decimal decimal = consort_decimal_from_int64(-12300), out = {7, 7};
	char text[CONSORT_DECIMAL_SIZE];

	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 3, 1, &out), CONSORT_OK);
	consort_decimal_print(out, 1, text);
	TESTING_TEXT(text, "-12.3");
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 3, 0, &out), CONSORT_ERANGE);
	consort_decimal_print(out, 1, text);
	TESTING_TEXT(text, "-12.3");
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 0, 33, &out), CONSORT_OK);
	consort_decimal_print(out, 33, text);
	TESTING_TEXT(text, "-12300.000000000000000000000000000000000");
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 0, 34, &out), CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 0, 38, &out), CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 0, 200, &out), CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_decimal_rescale(consort_decimal_from_int64(INT64_MIN), 0, 0, &out),
			CONSORT_OK);
	CU_ASSERT_TRUE(out.high == -1 && out.low == (uint64_t)INT64_MIN);
	/* the least 128-bit integer has no place among decimals, but must not break anything */
	decimal.low = 0;
	decimal.high = INT64_MIN;
	consort_decimal_print(decimal, 38, text);
	TESTING_TEXT(text, "-1.70141183460469231731687303715884105728");
	CU_ASSERT_EQUAL(consort_decimal_rescale(decimal, 0, 0, &out), CONSORT_ERANGE);
}

static void test_decimal_values(void)
{
	TESTING_TEXT(shown(parsed(consort_type_decimal(5, 2), "12.5")), "12.50");
	TESTING_TEXT(shown(parsed(consort_type_decimal(5, 2), "999.99")), "999.99");
	TESTING_TEXT(shown(parsed(consort_type_decimal(5, 2), "1.23000")), "1.23");
	fails(consort_type_decimal(5, 2), "1000", 4, CONSORT_ERANGE, "1000 does not fit decimal(5,2)");
	fails(consort_type_decimal(5, 2), "1.234", 5, CONSORT_ERANGE, "1.234 does not fit decimal(5,2)");
	fails(consort_type_decimal(5, 2), "abc", 3, CONSORT_ETYPE, "'abc' is not a number");
	fails(consort_type_decimal(38, 38), "1", 1, CONSORT_ERANGE, "1 does not fit decimal(38,38)");
}

/* --- doubles --- */

static void double_is(double value, const char *expected)
{
	char text[CONSORT_FLOAT64_SIZE];
	double back = parsed(consort_type_of(CONSORT_TYPE_FLOAT64), expected).as.float64;

	CU_ASSERT_EQUAL(consort_float64_print(value, text), strlen(expected));
	TESTING_TEXT(text, expected);
	CU_ASSERT_TRUE(memcmp(&back, &value, sizeof(back)) == 0 || (isnan(back) && isnan(value)));
}

static void test_float64_print(void)
{
	double_is(0.0, "0.0");
	double_is(-0.0, "-0.0");
	double_is(1, "1.0");
	double_is(-2.5, "-2.5");
	double_is(0.1, "0.1");
	double_is(0.1 + 0.2, "0.30000000000000004");
	double_is(1.0 / 3, "0.3333333333333333");
	double_is(100000, "100000.0");
	double_is(31.95376472, "31.95376472");
	double_is(9007199254740991.0, "9007199254740991.0");
	double_is(9007199254740992.0, "9007199254740992.0");
	double_is(1e15, "1000000000000000.0");
	double_is(1e16, "1e16");
	double_is(1e22, "1e22");
	double_is(1e23, "1e23");
	double_is(-1.5e300, "-1.5e300");
	double_is(0.0001, "0.0001");
	double_is(0.00001, "1e-5");
	double_is(1.25e-7, "1.25e-7");
	double_is(DBL_MAX, "1.7976931348623157e308");
	double_is(DBL_MIN, "2.2250738585072014e-308");
	double_is(5e-324, "5e-324");
	double_is(1e-323, "1e-323");
	/* the nearest of 16 digits ends in 1 and reads back as another */
	double_is(0x1p-44, "5.684341886080802e-14");
	double_is(0x1p-1022 - 0x1p-1074, "2.225073858507201e-308");
	double_is((double)INFINITY, "inf");
	double_is(-(double)INFINITY, "-inf");
	double_is((double)NAN, "nan");
}

/* Any bits read back as they were, in no more digits than the C library needs. */
static void test_float64_round(void)
{
	uint64_t bits = 0x9e3779b97f4a7c15u;
	int i, wrong = 0, longer = 0;

	for (i = 0; i < 200000; i++) {
		char text[CONSORT_FLOAT64_SIZE], reference[40];
		double value, back = 0;
		size_t size;
		int digits;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&value, &bits, sizeof(value));
		if (i % 3 == 0)
			value = (double)(int64_t)(bits >> 40) / 1000;
		if (!isfinite(value))
			continue;
		size = consort_float64_print(value, text);
		CU_ASSERT_TRUE_FATAL(size < sizeof(text) && strlen(text) == size);
		wrong += consort_value_parse(consort_type_of(CONSORT_TYPE_FLOAT64), text, size, NULL,
					     &(struct consort_value){0}, NULL) != CONSORT_OK;
		wrong += strtod(text, NULL) != value;
		back = parsed_n(consort_type_of(CONSORT_TYPE_FLOAT64), text, size).as.float64;
		wrong += memcmp(&back, &value, sizeof(back)) != 0;
		for (digits = 1; digits <= 17; digits++) {
			snprintf(reference, sizeof(reference), "%.*e", digits - 1, value);
			if (strtod(reference, NULL) == value)
				break;
		}
		for (size = 0; text[size] && text[size] != 'e'; size++)
			digits -= text[size] >= '0' && text[size] <= '9';
		longer += digits < -6; /* zeros before or behind the point of a fixed form */
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(longer, 0);
}

/* Figures by Python's decimal module: the double of a number with n digits, rounded to n digits. */
static void test_float64_keeps(void)
{
	static const char *const kept[] = {
		"0.1",
		"0.10",
		"00.10",
		".5",
		"7.",
		"0.30000000000000004",
		"0.10000000000000001",
		"0.1000000000000000055511151231257827",
		"1234567890.1234567",
		"9007199254740992",
		"9007199254740994",
		"10000000000000000000000",
		"3e28",
		"1e23",
		"-1.7976931348623157e308",
		"4.9406564584124654e-324",
		"5e-324",
		"2.2250738585072014e-308",
		"0.5000000000000000000000000",
		"1.5e-5",
		"0e999",
		"nan",
		"x",
	};
	static const char *const lost[] = {
		"0.1234567890123456789",
		"999999999999999.95",
		"9007199254740993",
		"12345678901234567",
		"12345678901234567890",
		"123456789012345e300",
		"1.7976931348623158e308",
		"4e-324",
		"1.2345e-320",
		"9.9999999999999999",
		"1e400",
		"1e-400",
		"100000000000000000000000000000000000000001",
		"0.1e-10000000000",
	};
	char longest[1000], text[60];
	uint64_t bits = 1;
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (!consort_float64_keeps(kept[i], strlen(kept[i])))
			CU_FAIL("a number is lost that is kept");
	for (i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		if (consort_float64_keeps(lost[i], strlen(lost[i])))
			CU_FAIL("a number is kept that is lost");
	memset(longest, '9', sizeof(longest));
	CU_ASSERT_FALSE(consort_float64_keeps(longest, sizeof(longest)));
	/* whatever was printed of a double */
	for (i = 0; i < 100000; i++) {
		double value;

		bits = bits * 6364136223846793005u + 1442695040888963407u;
		memcpy(&value, &bits, sizeof(value));
		snprintf(text, sizeof(text), "%.*g", 17 + (int)(i % 20), value);
		CU_ASSERT_TRUE_FATAL(consort_float64_keeps(text, strlen(text)));
	}
}

static void float_reads(const char *text, double expected)
{
	double value = parsed(consort_type_of(CONSORT_TYPE_FLOAT64), text).as.float64;

	CU_ASSERT_TRUE(memcmp(&value, &expected, sizeof(value)) == 0);
}

static void test_float64_parse(void)
{
	char text[2000];

	float_reads("1", 1);
	float_reads("-0", -0.0);
	float_reads("+.5", 0.5);
	float_reads("5.", 5);
	float_reads("1E5", 1e5);
	float_reads("0e999999", 0);
	float_reads("9007199254740993", 9007199254740992.0); /* halfway: to even */
	float_reads("9007199254740993.0000000000000000000001", 9007199254740994.0);
	float_reads("123456789012345678901234567890", 123456789012345678901234567890.0);
	float_reads("0.000001", 1e-6);
	float_reads("2.4703282292062328e-324", 5e-324);
	float_reads("Infinity", (double)INFINITY);
	float_reads("-INF", -(double)INFINITY);
	CU_ASSERT_TRUE(isnan(parsed(consort_type_of(CONSORT_TYPE_FLOAT64), "NaN").as.float64));
	/* a midpoint told by its 1,900th digit */
	memset(text, '0', sizeof(text));
	memcpy(text, "9007199254740993.", 17);
	text[1900] = '\0';
	float_reads(text, 9007199254740992.0);
	text[1899] = '1';
	float_reads(text, 9007199254740994.0);
	/* zeros in front are no digits */
	memset(text, '0', sizeof(text));
	memcpy(text + 1500, "17e0", 5);
	float_reads(text, 17);
	fails_as(CONSORT_TYPE_FLOAT64, "1e400", CONSORT_ERANGE, "1e400 is too great for float64");
	fails_as(CONSORT_TYPE_FLOAT64, "-1e999999999999999999999", CONSORT_ERANGE,
		 "is too great for float64");
	fails_as(CONSORT_TYPE_FLOAT64, "1e-400", CONSORT_ERANGE, "1e-400 is too small for float64");
	fails_as(CONSORT_TYPE_FLOAT64, "0x10", CONSORT_ETYPE, "'0x10' is not a number");
	fails_as(CONSORT_TYPE_FLOAT64, "1,5", CONSORT_ETYPE, "'1,5' is not a number");
	fails_as(CONSORT_TYPE_FLOAT64, "infinit", CONSORT_ETYPE, "'infinit' is not a number");
	fails_as(CONSORT_TYPE_FLOAT64, "", CONSORT_ETYPE, "'' is not a number");
}

/* A locale with a decimal comma, made for this case so that it need not be installed. */
static int use_comma(void)
{
	static const char source[] = "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\n"
				     "END LC_NUMERIC\n";
	char command[2048];

	snprintf(command, sizeof(command), "localedef -c -i '%s' -f UTF-8 '%s/comma.UTF-8' >/dev/null 2>&1",
		 testing_write("comma", source), testing_folder());
	if (system(command) < 0 || setenv("LOCPATH", testing_folder(), 1))
		return 0;
	return setlocale(LC_NUMERIC, "comma.UTF-8") != NULL && localeconv()->decimal_point[0] == ',';
}

static void test_float64_locale(void)
{
	char text[16];

	if (!use_comma())
		testing_skip("install localedef and its sources (Debian: libc-bin, locales)");
	snprintf(text, sizeof(text), "%.1f", 1.5);
	TESTING_TEXT(text, "1,5");
	double_is(1.5, "1.5");
	double_is(0.1 + 0.2, "0.30000000000000004");
	double_is(1234567.0 / 7, "176366.7142857143");
	double_is(1.7976931348623157e308, "1.7976931348623157e308");
}

/* --- order --- */

/* The texts stand in ascending order, each greater than the one before; "=" joins equal ones. */
static void test_number_order(void)
{
	static const char *const order[] = {
		"-inf", "-1e300", ("-" NINES_38), "-1e19", "-9223372036854775808.5", "-9223372036854775808",
		"=-9223372036854775808.0", "=-9223372036854775808e0", "-9223372036854775807.9",
		"-9007199254740993", "-9007199254740992", "=-9007199254740992e0", "-1.5", "=-1.5e0",
		"=-1.500", "-1", "=-1e0", "-0.10000000000000000555111512312578270212", "-0.1e0",
		"-0.10000000000000000555111512312578270211", "-0.1",
		"-0.00000000000000000000000000000000000001", "-1e-300", "0", "=-0e0", "=0e0", "=0.00",
		"5e-324", "0.00000000000000000000000000000000000001", "1.00000001e-38", "0.1",
		"0.1000000000000000055511151231257827021", "0.1e0",
		"0.10000000000000000555111512312578270212", "0.3", "=0.300", "0.5", "=5e-1", "1", "=1.0",
		"=1e0", "1.0000000000000000000000000000000000001", "1.0000000000000002e0",
		"9007199254740991", "=9007199254740991e0", "9007199254740992", "=9007199254740992e0",
		"=9007199254740992.0", "9007199254740992.5", "9007199254740993", "=9007199254740993.0",
		"9007199254740994e0", "=9007199254740994", "9223372036854775806", "9223372036854775807",
		"9223372036854775807.5", "9223372036854775808e0", "=9223372036854775808",
		"9223372036854775809", "1e38", NINES_38, "1e300", "inf", "nan", "=nan",
	};
	struct consort_value values[sizeof(order) / sizeof(order[0])];
	int ranks[sizeof(order) / sizeof(order[0])];
	size_t count = sizeof(order) / sizeof(order[0]), i, j;

	for (i = 0; i < count; i++) {
		int equal = order[i][0] == '=';

		values[i] = number(order[i] + equal);
		ranks[i] = i ? ranks[i - 1] + !equal : 0;
	}
	for (i = 0; i < count; i++) {
		for (j = 0; j < count; j++) {
			int got = consort_value_compare(&values[i], &values[j]);
			int sign = (got > 0) - (got < 0),
			    expected = (ranks[i] > ranks[j]) - (ranks[i] < ranks[j]);

			if (sign != expected)
				fprintf(stderr, "%s against %s: %d\n", order[i], order[j], got);
			CU_ASSERT_EQUAL(sign, expected);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"int64", test_int64}, {"decimal-parse", test_decimal_parse},
		{"decimal-rescale", test_decimal_rescale}, {"decimal-values", test_decimal_values},
		{"float64-print", test_float64_print}, {"float64-round", test_float64_round},
		{"float64-keeps", test_float64_keeps},
		{"float64-parse", test_float64_parse}, {"float64-locale", test_float64_locale},
		{"order", test_number_order}, {NULL, NULL},
	};

	return testing_main("number", cases, argc, argv);
}
