/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_VALUES_H
#define CONSORT_VALUES_H

/*
 * What the conversions share among themselves: numbers as they are written, 128-bit integers behind decimals,
 * times, and texts as messages show them. Private to sdk/lib.
 */

#include <consort/arena.h>
#include <consort/convert.h>

#define MICROSECONDS_PER_SECOND INT64_C(1000000)
#define MICROSECONDS_PER_DAY INT64_C(86400000000)
#define DECIMAL_DIGITS 38

/* --- number.c --- */

/* A number as it is written: (-1)^negative * digits / 10^scale */
struct consort_number {
	int negative;
	int integer;        /* written without a point and an exponent */
	const char *digits; /* from the first that is not 0, maybe with a point among them */
	const char *end;    /* behind the last */
	uint64_t count;     /* digits there, without the point; 0: the number is 0 */
	int64_t scale;      /* digits after the point, less the exponent */
};

/* [+-](digits[.[digits]] | .digits)[e[+-]digits], whole; false if the text is anything else. */
int consort_number_scan(const char *text, uint64_t size, struct consort_number *out_number);
/* 10^exponent, for 0 to 38 */
unsigned __int128 consort_power10(unsigned exponent);
/* Digits without leading zeros, at least one; no NUL. At most 39 of them; returns how many. */
size_t consort_digits_print(unsigned __int128 number, char *out);

static inline __int128 consort_decimal_wide(struct consort_decimal decimal)
{
	return (__int128)((unsigned __int128)(uint64_t)decimal.high << 64 | decimal.low);
}

static inline struct consort_decimal consort_decimal_narrow(__int128 number)
{
	struct consort_decimal decimal = {(uint64_t)number, (int64_t)(number >> 64)};

	return decimal;
}

static inline unsigned __int128 consort_magnitude(__int128 number)
{
	return number < 0 ? -(unsigned __int128)number : (unsigned __int128)number;
}

/* Does a decimal have at most so many digits? */
static inline int consort_decimal_fits(struct consort_decimal decimal, unsigned precision)
{
	return consort_magnitude(consort_decimal_wide(decimal)) < consort_power10(precision);
}

/* --- float.c --- */

/* The nearest double of a text that holds a number, "nan", "inf" or "infinity" in any case. */
uint32_t consort_float64_parse(const char *text, uint64_t size, double *out_number,
			       struct consort_error *error);

/* --- time.c --- */

/* Room for +294247-01-10T04:00:54.775807Z, or a date whose year has 7 digits. */
#define CONSORT_TIME_SIZE 40
/* Each returns the length of the text, which has no NUL. */
size_t consort_timestamp_print(int64_t microseconds, char out[CONSORT_TIME_SIZE]);
size_t consort_date_print(int64_t days, char out[CONSORT_TIME_SIZE]);
size_t consort_time_print(int64_t microseconds, char out[CONSORT_TIME_SIZE]);
/* TIMESTAMP, DATE or TIME */
uint32_t consort_time_parse(uint16_t type, const char *text, uint64_t size, int64_t *out_value,
			    struct consort_error *error);

/* --- value_json.c --- */

/* JSON and LIST: the two whose texts are JSON. */
uint32_t consort_json_value_parse(struct consort_type type, const char *text, uint64_t size,
				  struct consort_arena *scratch, struct consort_value *out_value,
				  struct consort_error *error);

/* --- type.c --- */

/* Room for any type's name. */
#define CONSORT_TYPE_NAME_SIZE 32
const char *consort_type_name(struct consort_type type, char out[CONSORT_TYPE_NAME_SIZE]);

#endif
