/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doubles as texts, in the shortest form that reads back the same, and back. The C library converts, but
 * never sees a decimal point, whose form depends on the host program's locale: numbers go to strtod as digits
 * with an exponent, and what printf puts between the digits is skipped.
 */
#include "values.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More digits than tell any two doubles' midpoint (767): the rest matters only by being zero or not. */
#define LONGEST_DIGITS 800
/* 10^22 is the greatest power of ten that a double holds exactly. */
#define EXACT_POWER 22

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,	 1e3,  1e4,  1e5,  1e6,	 1e7,
					       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* One rounded operation on two exact doubles is as exact as strtod. Not where registers are wider. */
static int is_plain(void)
{
	return FLT_EVAL_METHOD == 0;
}

/* digits[0…count) with the point behind the first `whole` of them, if they are so many. */
static size_t place_point(const char *digits, int count, int whole, char *out)
{
	size_t size = 0;

	if (whole > -4 && whole <= 0) {
		out[size++] = '0';
		out[size++] = '.';
		memset(out + size, '0', (size_t)-whole);
		size += (size_t)-whole;
		memcpy(out + size, digits, (size_t)count);
		return size + (size_t)count;
	}
	if (whole > 0 && whole <= 16) {
		int i;

		for (i = 0; i < count || i < whole; i++) {
			if (i == whole)
				out[size++] = '.';
			out[size++] = i < count ? digits[i] : '0';
		}
		if (count <= whole) {
			out[size++] = '.';
			out[size++] = '0';
		}
		return size;
	}
	out[size++] = digits[0];
	if (count > 1) {
		out[size++] = '.';
		memcpy(out + size, digits + 1, (size_t)count - 1);
		size += (size_t)count - 1;
	}
	return size + (size_t)snprintf(out + size, 8, "e%d", whole - 1);
}

/* Up to 15 digits: as m / 10^k with the least k. Two doubles never share such a number. */
static int short_digits(double number, char *digits, int *out_count, int *out_whole)
{
	int k;

	if (!is_plain() || number >= 1e15 || number < 1e-5)
		return 0;
	for (k = 0; k <= EXACT_POWER; k++) {
		double scaled = number * powers[k];
		uint64_t m;

		if (scaled >= 1e15)
			return 0;
		m = (uint64_t)(scaled + 0.5);
		if ((double)m / powers[k] == number) {
			*out_count = (int)consort_digits_print(m, digits);
			*out_whole = *out_count - k;
			return 1;
		}
	}
	return 0;
}

/* Does digits[0…count), 0.ddd * 10^whole, read back as the number? */
static int reads_back(const char *digits, int count, int whole, double number)
{
	char text[CONSORT_FLOAT64_SIZE];

	snprintf(text, sizeof(text), "%.*se%d", count, digits, whole - count);
	return strtod(text, NULL) == number;
}

/* The number rounded to `count` digits. */
static void round_digits(double number, int count, char *digits, int *out_whole)
{
	char text[CONSORT_FLOAT64_SIZE];
	const char *p = text;
	int i = 0;

	snprintf(text, sizeof(text), "%.*e", count - 1, number);
	for (; *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[i++] = *p;
	*out_whole = (int)strtol(p + 1, NULL, 10) + 1;
}

/* The next number of as many digits; not for 999… */
static void count_up(char *digits, int count)
{
	while (count > 1 && digits[count - 1] == '9')
		digits[--count] = '0';
	digits[count - 1]++;
}

/*
 * The fewest digits that read back. 17 always do; a normal number that fewer than 15 stand for shows them,
 * with zeros behind, when it is rounded to 15. Below a power of two the doubles lie twice as close as above
 * it, so there the nearest number of 16 digits may be too far down while the next one up is near enough.
 */
static void shortest_digits(double number, char *digits, int *out_count, int *out_whole)
{
	int count = number < DBL_MIN ? 1 : 15, exponent;

	for (; count < 17; count++) {
		round_digits(number, count, digits, out_whole);
		if (reads_back(digits, count, *out_whole, number))
			break;
		if (count == 16 && frexp(number, &exponent) == 0.5 &&
		    memcmp(digits, "9999999999999999", 16) != 0) {
			count_up(digits, count);
			if (reads_back(digits, count, *out_whole, number))
				break;
		}
	}
	if (count == 17)
		round_digits(number, count, digits, out_whole);
	while (count > 1 && digits[count - 1] == '0')
		count--;
	*out_count = count;
}

size_t consort_float64_print(double number, char out[CONSORT_FLOAT64_SIZE])
{
	char digits[40];
	size_t size = 0;
	int count, whole;

	if (isnan(number)) {
		memcpy(out, "nan", 4);
		return 3;
	}
	if (signbit(number))
		out[size++] = '-';
	number = fabs(number);
	if (isinf(number)) {
		memcpy(out + size, "inf", 4);
		return size + 3;
	}
	if (number == 0) {
		digits[0] = '0';
		count = whole = 1;
	} else if (!short_digits(number, digits, &count, &whole)) {
		shortest_digits(number, digits, &count, &whole);
	}
	size += place_point(digits, count, whole, out + size);
	out[size] = '\0';
	return size;
}

static int parse_name(const char *text, uint64_t size, double *out_number)
{
	int negative = size && *text == '-';

	if (size && (*text == '-' || *text == '+')) {
		text++;
		size--;
	}
	if ((size == 3 && !strncasecmp(text, "inf", 3)) || (size == 8 && !strncasecmp(text, "infinity", 8)))
		*out_number = negative ? -INFINITY : INFINITY;
	else if (size == 3 && !strncasecmp(text, "nan", 3))
		*out_number = NAN;
	else
		return 0;
	return 1;
}

/* The nearest double to a number that is not 0. */
static double nearest_double(const struct consort_number *number)
{
	char text[LONGEST_DIGITS + 32];
	int64_t scale = number->scale;
	uint64_t count = 0, m = 0;
	const char *p;
	int sticky = 0;

	for (p = number->digits; p < number->end; p++) {
		if (*p == '.')
			continue;
		if (count < LONGEST_DIGITS) {
			text[count++] = *p;
			m = m * 10 + (uint64_t)(*p - '0'); /* used for up to 15 digits */
		} else {
			sticky |= *p != '0';
			scale--;
		}
	}
	if (is_plain() && count <= 15 && scale >= -EXACT_POWER && scale <= EXACT_POWER)
		return scale < 0 ? (double)m * powers[-scale] : (double)m / powers[scale];
	if (sticky) {
		text[count++] = '1';
		scale++;
	}
	snprintf(text + count, sizeof(text) - count, "e%lld", -(long long)scale);
	return strtod(text, NULL);
}

uint32_t consort_float64_parse(const char *text, uint64_t size, double *out_number,
			       struct consort_error *error)
{
	struct consort_number number;
	char shown[CONSORT_SHOWN_SIZE];
	double result = 0;

	if (!consort_number_scan(text, size, &number)) {
		if (parse_name(text, size, out_number))
			return CONSORT_OK;
		return consort_error_set(error, CONSORT_ETYPE, "'%s' is not a number",
					 consort_shown(text, size, shown));
	}
	if (number.count) {
		result = nearest_double(&number);
		if (isinf(result) || result == 0)
			return consort_error_set(error, CONSORT_ERANGE, "%s is too %s for float64",
						 consort_shown(text, size, shown),
						 result == 0 ? "small" : "great");
	}
	*out_number = number.negative ? -result : result;
	return CONSORT_OK;
}

int consort_float64_keeps(const char *text, uint64_t size)
{
	char printed[LONGEST_DIGITS + 32], *at = printed;
	struct consort_number number;
	const char *digit, *end;
	double nearest;
	int64_t whole;

	if (!consort_number_scan(text, size, &number) || !number.count)
		return 1;
	whole = (int64_t)number.count - number.scale; /* 0.ddd * 10^whole */
	/* zeros at the end say nothing */
	for (end = number.end; end[-1] == '0' || end[-1] == '.'; end--)
		number.count -= end[-1] == '0';
	if (number.count <= DBL_DIG && whole > DBL_MIN_10_EXP && whole < DBL_MAX_10_EXP)
		return 1;
	nearest = nearest_double(&number);
	if (number.count > LONGEST_DIGITS || isinf(nearest) || nearest == 0)
		return 0;
	snprintf(printed, sizeof(printed), "%.*e", (int)number.count - 1, nearest);
	for (digit = number.digits; digit < end; digit++) {
		if (*digit == '.')
			continue;
		while (*at < '0' || *at > '9')
			at++;
		if (*at++ != *digit)
			return 0;
	}
	return strtol(at + 1, NULL, 10) + 1 == whole;
}
