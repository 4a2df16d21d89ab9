/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_DECIMAL_H
#define CONSORT_MONGODB_DECIMAL_H

/* Decimals: ours are scaled integers of 38 digits, BSON's have 34 and an exponent. All pure. */

#include <bson/bson.h>
#include <stdbool.h>

#include <consort/types.h>

#define MONGO_DIGITS 34

/* A decimal128 that is a number: coefficient * 10^exponent. */
struct mongo_digits {
	unsigned __int128 coefficient;
	int32_t exponent;
	bool negative;
};

/* False: more than 34 digits, or an exponent out of range. */
bool mongo_decimal_make(const struct mongo_digits *digits, bson_decimal128_t *out);
/* False: infinite, or no number. */
bool mongo_decimal_split(const bson_decimal128_t *decimal, struct mongo_digits *out);
/* ERANGE, without a message, for more than 34 digits. */
uint32_t mongo_decimal_to(struct consort_decimal decimal, uint8_t scale, bson_decimal128_t *out);
/* To 34 digits, towards below or above. */
void mongo_decimal_near(struct consort_decimal decimal, uint8_t scale, bool above, bson_decimal128_t *out);
/* ERANGE, without a message, for what is no decimal of that precision and scale. */
uint32_t mongo_decimal_from(const bson_decimal128_t *decimal, struct consort_type type,
			    struct consort_decimal *out);

#endif
