/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they are written, and decimals: integers of 128 bits beside a power of ten. */
#include "values.h"

#include <string.h>

/* No exponent beyond this makes a difference: no text is long enough to bring the number back into reach. */
#define FARTHEST_EXPONENT (INT64_C(1) << 60)

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads [+-]digits up to `end`, saturating; false if there are none or something follows. */
static int scan_exponent(const char *p, const char *end, int64_t *out_exponent)
{
	int negative = p < end && *p == '-';
	int64_t exponent = 0;

	if (p < end && (*p == '+' || *p == '-'))
		p++;
	if (p == end)
		return 0;
	for (; p < end; p++) {
		if (!is_digit(*p))
			return 0;
		if (exponent < FARTHEST_EXPONENT / 10 - 1)
			exponent = exponent * 10 + (*p - '0');
		else
			exponent = FARTHEST_EXPONENT;
	}
	*out_exponent = negative ? -exponent : exponent;
	return 1;
}

int consort_number_scan(const char *text, uint64_t size, struct consort_number *out_number)
{
	const char *p = text, *end = size ? text + size : text;
	struct consort_number number = {0};
	int64_t exponent = 0;
	int any = 0, point = 0;

	if (p < end && (*p == '+' || *p == '-'))
		number.negative = *p++ == '-';
	for (; p < end; p++) {
		if (*p == '.' && !point) {
			point = 1;
			continue;
		}
		if (!is_digit(*p))
			break;
		any = 1;
		number.scale += point;
		if (!number.count && *p == '0')
			continue;
		if (!number.count++)
			number.digits = p;
		number.end = p + 1;
	}
	if (!any)
		return 0;
	number.integer = !point && p == end;
	if (p < end && ((*p != 'e' && *p != 'E') || !scan_exponent(p + 1, end, &exponent)))
		return 0;
	number.scale -= exponent;
	*out_number = number;
	return 1;
}

unsigned __int128 consort_power10(unsigned exponent)
{
	static const uint64_t powers[] = {
		UINT64_C(1), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000),
		UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000),
		UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
		UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
		UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
		UINT64_C(10000000000000000000),
	};

	if (exponent < 20)
		return powers[exponent];
	return (unsigned __int128)powers[19] * powers[exponent - 19];
}

size_t consort_digits_print(unsigned __int128 number, char *out)
{
	char digits[40];
	size_t at = sizeof(digits), size;

	/* dividing 128 bits is slow: take off 19 digits at once */
	while (number > UINT64_MAX) {
		uint64_t low = (uint64_t)(number % UINT64_C(10000000000000000000));
		int i;

		number /= UINT64_C(10000000000000000000);
		for (i = 0; i < 19; i++, low /= 10)
			digits[--at] = (char)('0' + low % 10);
	}
	for (uint64_t rest = (uint64_t)number; rest || at == sizeof(digits); rest /= 10)
		digits[--at] = (char)('0' + rest % 10);
	size = sizeof(digits) - at;
	memcpy(out, digits + at, size);
	return size;
}

size_t consort_decimal_print(struct consort_decimal decimal, uint8_t scale, char out[CONSORT_DECIMAL_SIZE])
{
	__int128 number = consort_decimal_wide(decimal);
	char digits[40];
	size_t count = consort_digits_print(consort_magnitude(number), digits), size = 0, whole, zeros;

	if (scale > DECIMAL_DIGITS)
		scale = DECIMAL_DIGITS; /* no decimal has more; the room for the text is bounded */
	whole = count > scale ? count - scale : 0;
	zeros = count < scale ? scale - count : 0;
	if (number < 0)
		out[size++] = '-';
	if (whole)
		memcpy(out + size, digits, whole);
	else
		out[size] = '0';
	size += whole ? whole : 1;
	if (scale) {
		out[size++] = '.';
		memset(out + size, '0', zeros);
		memcpy(out + size + zeros, digits + whole, count - whole);
		size += scale;
	}
	out[size] = '\0';
	return size;
}

/* Leaves zeros at the end of the fraction out, as far as that is needed for the number to fit. */
static void drop_zeros(struct consort_number *number)
{
	while (number->scale > 0 && (number->scale > DECIMAL_DIGITS || number->count > DECIMAL_DIGITS)) {
		const char *last = number->end - 1;

		if (*last == '.')
			last--;
		if (*last != '0')
			return;
		number->end = last;
		number->count--;
		number->scale--;
	}
}

static uint8_t greater(uint64_t a, uint64_t b)
{
	return (uint8_t)(a > b ? a : b);
}

uint32_t consort_decimal_parse(const char *text, uint64_t size, struct consort_decimal *out,
			       uint8_t *out_precision, uint8_t *out_scale, struct consort_error *error)
{
	struct consort_number number;
	unsigned __int128 magnitude = 0;
	char shown[CONSORT_SHOWN_SIZE];
	const char *p;
	uint64_t digits;

	if (!consort_number_scan(text, size, &number))
		return consort_error_set(error, CONSORT_ETYPE, "'%s' is not a number",
					 consort_shown(text, size, shown));
	if (!number.count && number.scale > DECIMAL_DIGITS)
		number.scale = DECIMAL_DIGITS;
	if (!number.count && number.scale < 0)
		number.scale = 0;
	drop_zeros(&number);
	if (number.count > DECIMAL_DIGITS || number.scale > DECIMAL_DIGITS ||
	    number.scale < -DECIMAL_DIGITS ||
	    (number.scale < 0 && number.count + (uint64_t)-number.scale > DECIMAL_DIGITS))
		return consort_error_set(error, CONSORT_ERANGE,
					 "'%s' has more than the %d digits of a decimal",
					 consort_shown(text, size, shown), DECIMAL_DIGITS);
	for (p = number.digits; p < number.end; p++)
		if (*p != '.')
			magnitude = magnitude * 10 + (unsigned)(*p - '0');
	digits = number.count;
	if (number.scale < 0) {
		magnitude *= consort_power10((unsigned)-number.scale);
		digits += (uint64_t)-number.scale;
		number.scale = 0;
	}
	*out = consort_decimal_narrow(number.negative ? -(__int128)magnitude : (__int128)magnitude);
	*out_scale = (uint8_t)number.scale;
	*out_precision = greater(greater(digits, (uint64_t)number.scale), 1);
	return CONSORT_OK;
}

uint32_t consort_decimal_rescale(struct consort_decimal decimal, uint8_t from, uint8_t to,
				 struct consort_decimal *out)
{
	__int128 number = consort_decimal_wide(decimal), power;
	unsigned by = (unsigned)(from > to ? from - to : to - from);

	if (by > DECIMAL_DIGITS)
		return CONSORT_ERANGE;
	power = (__int128)consort_power10(by);
	if (from > to && number % power)
		return CONSORT_ERANGE;
	if (from > to)
		number /= power;
	else if (__builtin_mul_overflow(number, power, &number))
		return CONSORT_ERANGE;
	if (!consort_decimal_fits(consort_decimal_narrow(number), DECIMAL_DIGITS))
		return CONSORT_ERANGE;
	*out = consort_decimal_narrow(number);
	return CONSORT_OK;
}

struct consort_decimal consort_decimal_from_int64(int64_t integer)
{
	return consort_decimal_narrow(integer);
}
