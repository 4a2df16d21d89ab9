/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TYPES_H
#define CONSORT_TYPES_H

/*
 * Types and values: one meaning over all engines. Types and their Arrow counterparts are given here once;
 * batch.h holds columns of them.
 */

#include <string.h>

#include <consort/abi.h>

CONSORT_BEGIN

/* @since 0.1 */
enum consort_type_id {
	CONSORT_TYPE_NULL = 0,      /* of a value: NULL; of a column: nothing but NULL */
	CONSORT_TYPE_BOOL = 1,      /* Arrow bool, a bit a value */
	CONSORT_TYPE_INT64 = 2,     /* Arrow int64 */
	CONSORT_TYPE_FLOAT64 = 3,   /* Arrow float64 (IEEE 754 double) */
	CONSORT_TYPE_DECIMAL = 4,   /* Arrow decimal128(precision, scale), precision 1 to 38, scale 0 to precision */
	CONSORT_TYPE_TEXT = 5,      /* Arrow utf8: valid UTF-8 without NUL bytes, compared byte by byte */
	CONSORT_TYPE_BYTES = 6,     /* Arrow binary */
	CONSORT_TYPE_TIMESTAMP = 7, /* Arrow timestamp[us, UTC]: microseconds since 1970-01-01T00:00:00Z */
	CONSORT_TYPE_DATE = 8,      /* Arrow date32: days since 1970-01-01 */
	CONSORT_TYPE_TIME = 9,      /* Arrow time64[us]: microseconds since midnight, below 86,400,000,000 */
	CONSORT_TYPE_UUID = 10,     /* Arrow fixed-size binary (16), ordered as unsigned bytes */
	CONSORT_TYPE_OBJECTID = 11, /* Arrow fixed-size binary (12), ordered as unsigned bytes */
	CONSORT_TYPE_JSON = 12,     /* Arrow utf8: one JSON document or array, compact */
	CONSORT_TYPE_LIST = 13,     /* Arrow list of a scalar type named by `element` */
	CONSORT_TYPE_COUNT          /* of the kinds known to this header; grows with new minors */
};

/* A type. Frozen. Unused fields are 0. */
struct consort_type {
	uint16_t id;       /* enum consort_type_id */
	uint16_t element;  /* LIST: the elements' type id */
	uint8_t precision; /* DECIMAL, or a list of it: 1 to 38 */
	uint8_t scale;     /* DECIMAL, or a list of it: digits after the point */
	uint16_t reserved;
};

/* A 128-bit two's-complement integer, to be divided by 10^scale of its type. Frozen; Arrow's order of words
 * on little-endian machines, the only ones supported so far. */
struct consort_decimal {
	uint64_t low;
	int64_t high;
};

/* Borrowed bytes; not NUL-terminated unless said so. Frozen. */
struct consort_view {
	const char *data;
	uint64_t size;
};

struct consort_value;

/* Borrowed list elements. Frozen. */
struct consort_items {
	const struct consort_value *items;
	uint64_t count;
};

/* One value, or NULL. Frozen, 24 bytes. Text, bytes, json and lists are borrowed from whoever made the value
 * and live as long as the function that hands them over says. */
struct consort_value {
	struct consort_type type; /* type.id is CONSORT_TYPE_NULL for NULL */
	union {
		int64_t int64; /* BOOL (0 or 1), INT64, TIMESTAMP, DATE, TIME */
		double float64;
		struct consort_decimal decimal;
		struct consort_view view; /* TEXT, BYTES, JSON */
		uint8_t uuid[16];
		uint8_t objectid[12];
		struct consort_items list;
	} as;
};

/* What a call gets as its `$1`, `$2`, …; made by CONSORT_ARGS. Frozen. */
struct consort_args {
	const struct consort_value *values;
	uint64_t count;
};

/* --- making types and values; all pure, from any thread --- */

static inline struct consort_type consort_type_of(uint16_t id)
{
	struct consort_type type = {0, 0, 0, 0, 0};

	type.id = id;
	return type;
}

static inline struct consort_type consort_type_decimal(uint8_t precision, uint8_t scale)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_DECIMAL);

	type.precision = precision;
	type.scale = scale;
	return type;
}

static inline int consort_type_equal(struct consort_type a, struct consort_type b)
{
	return a.id == b.id && a.element == b.element && a.precision == b.precision && a.scale == b.scale;
}

static inline struct consort_value consort_null(void)
{
	struct consort_value value;

	memset(&value, 0, sizeof(value));
	return value;
}

static inline int consort_value_is_null(const struct consort_value *value)
{
	return value->type.id == CONSORT_TYPE_NULL;
}

/* A value of one of the types kept in as.int64. */
static inline struct consort_value consort_integer_of(uint16_t id, int64_t integer)
{
	struct consort_value value = consort_null();

	value.type.id = id;
	value.as.int64 = integer;
	return value;
}

static inline struct consort_value consort_bool(int boolean)
{
	return consort_integer_of(CONSORT_TYPE_BOOL, boolean ? 1 : 0);
}

static inline struct consort_value consort_int64(int64_t integer)
{
	return consort_integer_of(CONSORT_TYPE_INT64, integer);
}

static inline struct consort_value consort_float64(double number)
{
	struct consort_value value = consort_null();

	value.type.id = CONSORT_TYPE_FLOAT64;
	value.as.float64 = number;
	return value;
}

/* unscaled / 10^scale, of the type decimal(precision, scale) */
static inline struct consort_value consort_decimal_of(struct consort_decimal unscaled, uint8_t precision, uint8_t scale)
{
	struct consort_value value = consort_null();

	value.type = consort_type_decimal(precision, scale);
	value.as.decimal = unscaled;
	return value;
}

/* microseconds since 1970-01-01T00:00:00Z */
static inline struct consort_value consort_timestamp(int64_t microseconds)
{
	return consort_integer_of(CONSORT_TYPE_TIMESTAMP, microseconds);
}

/* days since 1970-01-01 */
static inline struct consort_value consort_date(int32_t days)
{
	return consort_integer_of(CONSORT_TYPE_DATE, days);
}

/* microseconds since midnight */
static inline struct consort_value consort_time(int64_t microseconds)
{
	return consort_integer_of(CONSORT_TYPE_TIME, microseconds);
}

/* Bytes of TEXT, BYTES or JSON, borrowed. */
static inline struct consort_value consort_view_of(uint16_t id, const void *data, uint64_t size)
{
	struct consort_value value = consort_null();

	value.type.id = id;
	value.as.view.data = (const char *)data;
	value.as.view.size = size;
	return value;
}

/* NUL-terminated UTF-8, borrowed; NULL makes a NULL. */
static inline struct consort_value consort_text(const char *text)
{
	return text ? consort_view_of(CONSORT_TYPE_TEXT, text, strlen(text)) : consort_null();
}

static inline struct consort_value consort_text_n(const char *text, uint64_t size)
{
	return consort_view_of(CONSORT_TYPE_TEXT, text, size);
}

static inline struct consort_value consort_bytes(const void *data, uint64_t size)
{
	return consort_view_of(CONSORT_TYPE_BYTES, data, size);
}

/* NUL-terminated JSON text, borrowed; NULL makes a NULL. */
static inline struct consort_value consort_json(const char *text)
{
	return text ? consort_view_of(CONSORT_TYPE_JSON, text, strlen(text)) : consort_null();
}

static inline struct consort_value consort_uuid(const uint8_t bytes[16])
{
	struct consort_value value = consort_null();

	value.type.id = CONSORT_TYPE_UUID;
	memcpy(value.as.uuid, bytes, 16);
	return value;
}

static inline struct consort_value consort_objectid(const uint8_t bytes[12])
{
	struct consort_value value = consort_null();

	value.type.id = CONSORT_TYPE_OBJECTID;
	memcpy(value.as.objectid, bytes, 12);
	return value;
}

CONSORT_END

/* CONSORT_ARGS(consort_text("SFO"), consort_int64(60)): arguments that live to the end of the statement (C++)
 * or block (C). CONSORT_NO_ARGS: none. */
#ifdef __cplusplus
#include <initializer_list>
static inline struct consort_args consort_args_of(std::initializer_list<struct consort_value> values)
{
	struct consort_args args = {values.begin(), values.size()};

	return args;
}
#define CONSORT_ARGS(...) consort_args_of({__VA_ARGS__})
#define CONSORT_NO_ARGS consort_args_of({})
#else
#define CONSORT_ARGS(...)                                                       \
	((struct consort_args){(const struct consort_value[]){__VA_ARGS__},     \
			       sizeof((const struct consort_value[]){__VA_ARGS__}) / sizeof(struct consort_value)})
#define CONSORT_NO_ARGS ((struct consort_args){NULL, 0})
#endif

#endif
