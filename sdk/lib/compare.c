/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of values. Numbers of different types are compared as they are, never by turning one into the
 * other's type: first their whole parts, as integers of 128 bits, then the fractions.
 */
#include "values.h"

#include <math.h>
#include <string.h>

#define SIGN(a, b) (((a) > (b)) - ((a) < (b)))

/* A finite number: whole + fraction, both of one sign; the fraction below 1. */
struct parts {
	__int128 whole;
	__int128 digits; /* decimal: the fraction * 10^scale */
	uint8_t scale;
	double fraction; /* float64 */
};

static struct parts split_decimal(struct consort_decimal decimal, uint8_t scale)
{
	struct parts parts = {0};
	__int128 number = consort_decimal_wide(decimal), power;

	parts.scale = scale > DECIMAL_DIGITS ? DECIMAL_DIGITS : scale;
	power = (__int128)consort_power10(parts.scale);
	parts.whole = number / power;
	parts.digits = number % power;
	return parts;
}

/*
 * digits / 10^scale against a fraction from 0 to below 1, neither negative: fraction is m / 2^k with an
 * integer m, and digits * 2^k / 10^scale is made bit by bit until it is known to be more than m.
 */
static int compare_fractions(unsigned __int128 digits, uint8_t scale, double fraction)
{
	unsigned __int128 power = consort_power10(scale);
	uint64_t m, quotient = 0;
	int exponent, k;

	if (!digits || fraction == 0)
		return SIGN(digits != 0, fraction != 0);
	m = (uint64_t)ldexp(frexp(fraction, &exponent), 53);
	/* digits / 10^scale is at least 10^-38, which is more than 2^-127 */
	if (exponent < -127)
		return 1;
	for (k = 53 - exponent; k > 0 && quotient <= m; k--) {
		digits *= 2;
		quotient *= 2;
		if (digits >= power) {
			digits -= power;
			quotient++;
		}
	}
	if (quotient != m)
		return SIGN(quotient, m);
	return digits != 0;
}

/* float64 against decimal or int64 */
static int compare_float64(double number, struct parts other)
{
	double whole;
	int negative = signbit(number) != 0;

	if (isnan(number) || number >= 0x1p127)
		return 1;
	if (number < -0x1p127)
		return -1;
	whole = trunc(number);
	if ((__int128)whole != other.whole)
		return SIGN((__int128)whole, other.whole);
	number -= whole;
	if (other.digits && (other.digits < 0) != negative)
		return other.digits < 0 ? 1 : -1;
	if (negative)
		return compare_fractions(consort_magnitude(other.digits), other.scale, -number);
	return -compare_fractions(consort_magnitude(other.digits), other.scale, number);
}

static int compare_parts(struct parts a, struct parts b)
{
	if (a.whole != b.whole)
		return SIGN(a.whole, b.whole);
	/* below 10^scale each, so that both fit as parts of 10^(greater scale) */
	if (a.scale < b.scale)
		a.digits *= (__int128)consort_power10((unsigned)(b.scale - a.scale));
	else
		b.digits *= (__int128)consort_power10((unsigned)(a.scale - b.scale));
	return SIGN(a.digits, b.digits);
}

static int compare_doubles(double a, double b)
{
	if (isnan(a) || isnan(b))
		return SIGN(isnan(a) != 0, isnan(b) != 0);
	return SIGN(a, b);
}

static int is_number(const struct consort_value *value)
{
	return value->type.id == CONSORT_TYPE_INT64 || value->type.id == CONSORT_TYPE_FLOAT64 ||
	       value->type.id == CONSORT_TYPE_DECIMAL;
}

static struct parts split(const struct consort_value *value)
{
	struct parts parts = {0};

	if (value->type.id == CONSORT_TYPE_DECIMAL)
		return split_decimal(value->as.decimal, value->type.scale);
	parts.whole = value->as.int64;
	return parts;
}

static int compare_numbers(const struct consort_value *a, const struct consort_value *b)
{
	int a_float = a->type.id == CONSORT_TYPE_FLOAT64, b_float = b->type.id == CONSORT_TYPE_FLOAT64;

	if (a_float && b_float)
		return compare_doubles(a->as.float64, b->as.float64);
	if (a_float)
		return compare_float64(a->as.float64, split(b));
	if (b_float)
		return -compare_float64(b->as.float64, split(a));
	if (a->type.id == b->type.id && a->type.scale == b->type.scale)
		return SIGN(consort_decimal_wide(a->as.decimal), consort_decimal_wide(b->as.decimal));
	return compare_parts(split(a), split(b));
}

static int compare_views(struct consort_view a, struct consort_view b)
{
	uint64_t size = a.size < b.size ? a.size : b.size;
	int order = size ? memcmp(a.data, b.data, size) : 0;

	return order ? order : SIGN(a.size, b.size);
}

/* Where a JSON value stands among the kinds: numbers, texts, booleans, arrays, objects; null first. */
static int json_rank(struct consort_view json)
{
	switch (json.size ? json.data[0] : 'n') {
	case 'n':
		return 0;
	case '"':
		return 2;
	case 't':
	case 'f':
		return 3;
	case '[':
		return 4;
	case '{':
		return 5;
	default:
		return 1;
	}
}

/* A JSON number, exact if it has at most 38 digits, else the nearest double. */
static struct consort_value json_number(struct consort_view json)
{
	struct consort_number written = {0};
	struct consort_decimal decimal;
	uint8_t precision, scale;
	double number;

	if (!consort_decimal_parse(json.data, json.size, &decimal, &precision, &scale, NULL))
		return consort_decimal_of(decimal, precision, scale);
	if (!consort_float64_parse(json.data, json.size, &number, NULL))
		return consort_float64(number);
	/* too great for a double, or too small */
	if (!consort_number_scan(json.data, json.size, &written) || (int64_t)written.count < written.scale)
		return consort_float64(0);
	return consort_float64(written.negative ? -HUGE_VAL : HUGE_VAL);
}

/* By kind, numbers by their value; then by bytes, so that only equal texts are equal. */
static int compare_json(struct consort_view a, struct consort_view b)
{
	int a_rank = json_rank(a), b_rank = json_rank(b), order;

	if (a_rank != b_rank)
		return SIGN(a_rank, b_rank);
	if (a_rank == 1) {
		const struct consort_value left = json_number(a), right = json_number(b);

		order = compare_numbers(&left, &right);
		if (order)
			return order;
	}
	return compare_views(a, b);
}

/* Item by item, NULL after all else; then the shorter first. */
static int compare_lists(const struct consort_items *a, const struct consort_items *b)
{
	uint64_t i;

	for (i = 0; i < a->count && i < b->count; i++) {
		const struct consort_value *x = &a->items[i], *y = &b->items[i];
		int x_null = consort_value_is_null(x), y_null = consort_value_is_null(y);
		int order = x_null || y_null ? x_null - y_null : consort_value_compare(x, y);

		if (order)
			return order;
	}
	return SIGN(a->count, b->count);
}

int consort_value_compare(const struct consort_value *a, const struct consort_value *b)
{
	if (a->type.id == CONSORT_TYPE_INT64 && b->type.id == CONSORT_TYPE_INT64)
		return SIGN(a->as.int64, b->as.int64);
	if (is_number(a) && is_number(b))
		return compare_numbers(a, b);
	if (a->type.id != b->type.id)
		return SIGN(a->type.id, b->type.id); /* against the contract, but still an order */
	switch (a->type.id) {
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
		return compare_views(a->as.view, b->as.view);
	case CONSORT_TYPE_JSON:
		return compare_json(a->as.view, b->as.view);
	case CONSORT_TYPE_UUID:
		return memcmp(a->as.uuid, b->as.uuid, sizeof(a->as.uuid));
	case CONSORT_TYPE_OBJECTID:
		return memcmp(a->as.objectid, b->as.objectid, sizeof(a->as.objectid));
	case CONSORT_TYPE_LIST:
		return compare_lists(&a->as.list, &b->as.list);
	case CONSORT_TYPE_NULL:
		return 0;
	default:
		return SIGN(a->as.int64, b->as.int64);
	}
}
