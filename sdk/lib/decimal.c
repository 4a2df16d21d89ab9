/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on decimals. A product of two has up to 76 digits, more than 128 bits hold, so whether a result
 * fits is known before it is made.
 */
#include "values.h"

typedef unsigned __int128 magnitude;

/* The number with that sign, if it has at most 38 digits. */
static uint32_t give(magnitude number, int negative, struct consort_decimal *out)
{
	if (number >= consort_power10(DECIMAL_DIGITS))
		return CONSORT_ERANGE;
	*out = consort_decimal_narrow(negative ? -(__int128)number : (__int128)number);
	return CONSORT_OK;
}

/* number * factor, if that has at most 38 digits. */
static uint32_t multiply(magnitude number, magnitude factor, magnitude *out)
{
	if (factor && number > (consort_power10(DECIMAL_DIGITS) - 1) / factor)
		return CONSORT_ERANGE;
	*out = number * factor;
	return CONSORT_OK;
}

uint32_t consort_decimal_add(struct consort_decimal a, struct consort_decimal b, struct consort_decimal *out)
{
	__int128 sum;

	if (__builtin_add_overflow(consort_decimal_wide(a), consort_decimal_wide(b), &sum))
		return CONSORT_ERANGE;
	return give(consort_magnitude(sum), sum < 0, out);
}

uint32_t consort_decimal_negate(struct consort_decimal a, struct consort_decimal *out)
{
	__int128 number = consort_decimal_wide(a);

	return give(consort_magnitude(number), number > 0, out);
}

uint32_t consort_decimal_subtract(struct consort_decimal a, struct consort_decimal b,
				  struct consort_decimal *out)
{
	uint32_t status = consort_decimal_negate(b, &b);

	return status ? status : consort_decimal_add(a, b, out);
}

uint32_t consort_decimal_multiply(struct consort_decimal a, struct consort_decimal b,
				  struct consort_decimal *out)
{
	__int128 x = consort_decimal_wide(a), y = consort_decimal_wide(b);
	magnitude product;

	if (multiply(consort_magnitude(x), consort_magnitude(y), &product))
		return CONSORT_ERANGE;
	return give(product, (x < 0) != (y < 0), out);
}

/* Doubles quotient and rest of a division by `by`, and adds `more` < by to what was divided. */
static void shift_in(magnitude *quotient, magnitude *rest, magnitude by, magnitude more)
{
	*quotient *= 2;
	*rest *= 2;
	if (*rest >= by) {
		*rest -= by;
		*quotient += 1;
	}
	*rest += more;
	if (*rest >= by) {
		*rest -= by;
		*quotient += 1;
	}
}

uint32_t consort_decimal_divide(struct consort_decimal a, struct consort_decimal b, int shift,
				struct consort_decimal *out)
{
	__int128 x = consort_decimal_wide(a), y = consort_decimal_wide(b);
	magnitude by = consort_magnitude(y), quotient, rest;

	if (shift < 0 && (shift < -DECIMAL_DIGITS || multiply(by, consort_power10((unsigned)-shift), &by)))
		return CONSORT_ERANGE;
	if (!by || by >= consort_power10(DECIMAL_DIGITS))
		return CONSORT_ERANGE;
	quotient = consort_magnitude(x) / by;
	rest = consort_magnitude(x) % by;
	for (; shift > 0; shift--) {
		/* one digit more: the rest times ten, which may not fit, as ((rest * 2) * 2 + rest) * 2 */
		magnitude digit = 0, ten = rest;

		shift_in(&digit, &ten, by, 0);
		shift_in(&digit, &ten, by, rest);
		shift_in(&digit, &ten, by, 0);
		if (multiply(quotient, 10, &quotient))
			return CONSORT_ERANGE;
		quotient += digit;
		rest = ten;
	}
	if (rest >= by - rest)
		quotient++;
	return give(quotient, (x < 0) != (y < 0), out);
}

uint32_t consort_decimal_modulo(struct consort_decimal a, struct consort_decimal b,
				struct consort_decimal *out)
{
	__int128 x = consort_decimal_wide(a), y = consort_decimal_wide(b);

	if (!y)
		return CONSORT_ERANGE;
	return give(consort_magnitude(x) % consort_magnitude(y), x < 0, out);
}
