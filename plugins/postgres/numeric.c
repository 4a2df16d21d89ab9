/* SPDX-License-Identifier: Apache-2.0 */
/* numeric, both ways: groups of four decimal digits with a weight and a sign, to decimals, doubles and texts.
 */
#include "types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <consort/convert.h>

#define NUMERIC_NAN 0xc000
#define NUMERIC_INFINITY 0xd000
#define NUMERIC_NEGATIVE 0x4000

/* --- from the server --- */

bool pg_numeric_read(const char *data, size_t size, struct pg_numeric *out)
{
	if (size < 8)
		return false;
	out->count = (int16_t)pg_get16(data);
	out->weight = (int16_t)pg_get16(data + 2);
	out->sign = pg_get16(data + 4);
	out->scale = pg_get16(data + 6);
	out->groups = data + 8;
	return out->count >= 0 && size == 8 + 2 * (size_t)out->count;
}

static int group_at(const struct pg_numeric *numeric, int i)
{
	return i >= 0 && i < numeric->count ? pg_get16(numeric->groups + 2 * i) : 0;
}

void pg_numeric_print(const struct pg_numeric *numeric, struct consort_buffer *out)
{
	int i, places = numeric->scale;
	char group[8];

	if (numeric->sign == NUMERIC_NAN || (numeric->sign & NUMERIC_INFINITY) == NUMERIC_INFINITY) {
		consort_buffer_text(out, numeric->sign == NUMERIC_NAN	     ? "NaN"
					 : numeric->sign == NUMERIC_INFINITY ? "Infinity"
									     : "-Infinity");
		return;
	}
	if (numeric->sign == NUMERIC_NEGATIVE)
		consort_buffer_char(out, '-');
	if (numeric->weight < 0)
		consort_buffer_char(out, '0');
	for (i = 0; i <= numeric->weight; i++)
		consort_buffer_printf(out, i ? "%04d" : "%d", group_at(numeric, i));
	if (places)
		consort_buffer_char(out, '.');
	for (i = numeric->weight + 1; places > 0; i++, places -= 4) {
		snprintf(group, sizeof(group), "%04d", group_at(numeric, i));
		consort_buffer_append(out, group, places < 4 ? (size_t)places : 4);
	}
}

static unsigned __int128 power_of_ten(int exponent)
{
	unsigned __int128 power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

bool pg_numeric_scale(const struct pg_numeric *numeric, struct consort_type type, struct consort_decimal *out)
{
	unsigned __int128 sum = 0, bound = power_of_ten(type.precision);
	__int128 value;
	int i;

	if (numeric->sign != 0 && numeric->sign != NUMERIC_NEGATIVE)
		return false;
	for (i = 0; i < numeric->count; i++) {
		int exponent = 4 * (numeric->weight - i) + type.scale;
		unsigned group = (unsigned)group_at(numeric, i);

		if (!group)
			continue;
		if (exponent > 38 || exponent <= -4)
			return false;
		if (exponent < 0) {
			unsigned divisor = (unsigned)power_of_ten(-exponent);

			if (group % divisor)
				return false;
			sum += group / divisor;
		} else {
			unsigned __int128 power = power_of_ten(exponent);

			if (power > bound / group)
				return false;
			sum += power * group;
		}
		if (sum >= bound)
			return false;
	}
	value = numeric->sign ? -(__int128)sum : (__int128)sum;
	out->low = (uint64_t)value;
	out->high = (int64_t)(value >> 64);
	return true;
}

/* --- to the server --- */

/* The decimal text of a number, [-]digits[.digits][e[+-]digits], taken apart. */
struct digits {
	char text[64];
	int count; /* of digits, with none that is zero in front or at the end */
	int point; /* how many of them stand before the point; may be negative, or more than count */
	int scale; /* digits behind the point, as written */
	bool negative;
};

static void take_apart(const char *text, size_t size, struct digits *out)
{
	bool behind = false;
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < size; i++) {
		if (text[i] == '-') {
			out->negative = true;
		} else if (text[i] == '.') {
			behind = true;
		} else if (text[i] == 'e' || text[i] == 'E') {
			int exponent = (int)strtol(text + i + 1, NULL, 10);

			out->point += exponent;
			out->scale = out->scale > exponent ? out->scale - exponent : 0;
			break;
		} else {
			out->scale += behind;
			if (text[i] == '0' && !out->count) {
				out->point -= behind;
				continue;
			}
			out->point += !behind;
			if (out->count < (int)sizeof(out->text))
				out->text[out->count++] = text[i];
		}
	}
	while (out->count && out->text[out->count - 1] == '0')
		out->count--;
}

/* How many groups of four digits, aligned to the point, and what the first one is worth. */
static int group_digits(const struct digits *digits, uint16_t groups[20], int *out_weight)
{
	int weight = digits->point > 0 ? (digits->point + 3) / 4 - 1 : -((-digits->point) / 4) - 1;
	int pad = 4 * (weight + 1) - digits->point, count = (pad + digits->count + 3) / 4, i, j;

	for (i = 0; i < count; i++) {
		unsigned group = 0;

		for (j = 4 * i - pad; j < 4 * i - pad + 4; j++)
			group = group * 10 +
				(j >= 0 && j < digits->count ? (unsigned)(digits->text[j] - '0') : 0);
		groups[i] = (uint16_t)group;
	}
	*out_weight = weight;
	return count;
}

static uint32_t add_numeric(struct consort_buffer *out, const uint16_t *groups, int count, int weight,
			    uint16_t sign, int scale, struct consort_error *error)
{
	char *field = pg_add_field(out, 8 + 2 * (size_t)count);
	int i;

	if (!field)
		return consort_error_no_memory(error);
	pg_set16(field, (uint16_t)count);
	pg_set16(field + 2, (uint16_t)weight);
	pg_set16(field + 4, sign);
	pg_set16(field + 6, (uint16_t)scale);
	for (i = 0; i < count; i++)
		pg_set16(field + 8 + 2 * i, groups[i]);
	return CONSORT_OK;
}

uint32_t pg_numeric_encode(const struct consort_value *value, int32_t limit, const char *attribute,
			   struct consort_buffer *out, struct consort_error *error)
{
	char text[CONSORT_DECIMAL_SIZE > CONSORT_FLOAT64_SIZE ? CONSORT_DECIMAL_SIZE : CONSORT_FLOAT64_SIZE];
	struct digits digits;
	uint16_t groups[20];
	size_t size;
	int count, weight = 0;

	if (value->type.id == CONSORT_TYPE_FLOAT64) {
		if (isnan(value->as.float64))
			return add_numeric(out, NULL, 0, 0, NUMERIC_NAN, 0, error);
		if (isinf(value->as.float64))
			return pg_refuse(attribute, value, "does not fit numeric", error);
		size = consort_float64_print(value->as.float64, text);
	} else if (value->type.id == CONSORT_TYPE_INT64) {
		size = consort_decimal_print(consort_decimal_from_int64(value->as.int64), 0, text);
	} else {
		size = consort_decimal_print(value->as.decimal, value->type.scale, text);
	}
	take_apart(text, size, &digits);
	if (limit >= 0 && digits.count && digits.count - digits.point > limit - PG_SCALE_BASE)
		return pg_refuse(attribute, value, "has digits that the column rounds off", error);
	count = digits.count ? group_digits(&digits, groups, &weight) : 0;
	return add_numeric(out, groups, count, weight, digits.negative && count ? NUMERIC_NEGATIVE : 0,
			   digits.scale, error);
}
