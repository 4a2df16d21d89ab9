/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals: ours are scaled integers of 38 digits, BSON's have 34 and an exponent (IEEE 754, binary
 * encoding). */
#include "decimal.h"

#include <consort/convert.h>

#define BIAS 6176
#define COEFFICIENT_BITS 49 /* in the high word */

typedef unsigned __int128 wide;

static wide power10(unsigned exponent)
{
	wide power = 1;

	while (exponent--)
		power *= 10;
	return power;
}

bool mongo_decimal_make(const struct mongo_digits *digits, bson_decimal128_t *out)
{
	if (digits->coefficient >= power10(MONGO_DIGITS) || digits->exponent < -BIAS ||
	    digits->exponent > 6111)
		return false;
	out->low = (uint64_t)digits->coefficient;
	out->high = (uint64_t)(digits->coefficient >> 64) |
		    (uint64_t)(digits->exponent + BIAS) << COEFFICIENT_BITS |
		    (uint64_t)digits->negative << 63;
	return true;
}

bool mongo_decimal_split(const bson_decimal128_t *decimal, struct mongo_digits *out)
{
	uint64_t high = decimal->high;

	out->negative = high >> 63 != 0;
	if ((high >> 61 & 3) == 3) { /* infinite, no number, or a coefficient that is too large, which is 0 */
		if ((high >> 59 & 15) == 15)
			return false;
		out->coefficient = 0;
		out->exponent = (int32_t)(high >> 47 & 0x3fff) - BIAS;
		return true;
	}
	out->exponent = (int32_t)(high >> COEFFICIENT_BITS & 0x3fff) - BIAS;
	out->coefficient = (wide)(high & (((uint64_t)1 << COEFFICIENT_BITS) - 1)) << 64 | decimal->low;
	if (out->coefficient >= power10(MONGO_DIGITS))
		out->coefficient = 0;
	return true;
}

static struct mongo_digits digits_of(struct consort_decimal decimal, uint8_t scale)
{
	struct mongo_digits digits = {.negative = decimal.high < 0, .exponent = -(int32_t)scale};
	wide number = (wide)(uint64_t)decimal.high << 64 | decimal.low;

	digits.coefficient = digits.negative ? -number : number;
	return digits;
}

uint32_t mongo_decimal_to(struct consort_decimal decimal, uint8_t scale, bson_decimal128_t *out)
{
	struct mongo_digits digits = digits_of(decimal, scale);

	while (digits.coefficient >= power10(MONGO_DIGITS) && !(digits.coefficient % 10)) {
		digits.coefficient /= 10;
		digits.exponent++;
	}
	return mongo_decimal_make(&digits, out) ? CONSORT_OK : CONSORT_ERANGE;
}

void mongo_decimal_near(struct consort_decimal decimal, uint8_t scale, bool above, bson_decimal128_t *out)
{
	struct mongo_digits digits = digits_of(decimal, scale);

	while (digits.coefficient >= power10(MONGO_DIGITS)) {
		bool cut = digits.coefficient % 10 != 0;

		digits.coefficient /= 10;
		digits.coefficient += cut && above != digits.negative;
		digits.exponent++;
	}
	mongo_decimal_make(&digits, out);
}

uint32_t mongo_decimal_from(const bson_decimal128_t *decimal, struct consort_type type,
			    struct consort_decimal *out)
{
	struct mongo_digits digits;
	wide number;
	int32_t shift;

	if (!mongo_decimal_split(decimal, &digits))
		return CONSORT_ERANGE;
	number = digits.coefficient;
	for (shift = number ? digits.exponent + type.scale : 0; shift > 0; shift--) {
		number *= 10;
		if (number >= power10(type.precision))
			return CONSORT_ERANGE;
	}
	for (; shift < 0; shift++) {
		if (number % 10)
			return CONSORT_ERANGE;
		number /= 10;
	}
	if (number >= power10(type.precision))
		return CONSORT_ERANGE;
	number = digits.negative ? -number : number;
	*out = (struct consort_decimal){(uint64_t)number, (int64_t)(uint64_t)(number >> 64)};
	return CONSORT_OK;
}
