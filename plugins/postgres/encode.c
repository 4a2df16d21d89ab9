/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values to PostgreSQL's binary format: a length in four bytes, and as many bytes. To be stored, a value must
 * come back as it was: what the server would round, cut or pad is pg_refused here. To be compared, one beyond
 * the column's range becomes the end of the range, which compares as it does.
 */
#include "types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <consort/convert.h>

#define TIMESTAMP_LEAST (-INT64_C(211813488000000000)) /* 4713-01-01 BC */
#define TIMESTAMP_END INT64_C(9223371331200000000)     /* 294277-01-01 */
#define DATE_LEAST (-2451545)
#define DATE_END INT32_C(2145031949)

/* --- fields --- */

char *pg_add_field(struct consort_buffer *out, size_t size)
{
	size_t at = out->size;

	if (CONSORT_UNLIKELY(out->capacity - at < size + 5) && !consort_buffer_reserve(out, size + 4))
		return NULL;
	out->size = at + size + 4;
	pg_set32(out->data + at, (uint32_t)size);
	return out->data + at + 4;
}

static uint32_t add_bytes(struct consort_buffer *out, const void *data, uint64_t size,
			  struct consort_error *error)
{
	char *field;

	if (size > INT32_MAX - 64)
		return consort_error_set(error, CONSORT_ERANGE,
					 "a value of %llu bytes is too big for PostgreSQL",
					 (unsigned long long)size);
	field = pg_add_field(out, (size_t)size);
	if (!field)
		return consort_error_no_memory(error);
	if (size)
		memcpy(field, data, (size_t)size);
	return CONSORT_OK;
}

static uint32_t add64(struct consort_buffer *out, uint64_t value, struct consort_error *error)
{
	char *field = pg_add_field(out, 8);

	if (!field)
		return consort_error_no_memory(error);
	pg_set64(field, value);
	return CONSORT_OK;
}

static uint32_t add32(struct consort_buffer *out, uint32_t value, struct consort_error *error)
{
	char *field = pg_add_field(out, 4);

	if (!field)
		return consort_error_no_memory(error);
	pg_set32(field, value);
	return CONSORT_OK;
}

static uint32_t add_null(struct consort_buffer *out, struct consort_error *error)
{
	char *field = pg_add_field(out, 0);

	if (!field)
		return consort_error_no_memory(error);
	pg_set32(field - 4, UINT32_MAX);
	return CONSORT_OK;
}

uint32_t pg_refuse(const char *attribute, const struct consort_value *value, const char *why,
		   struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_value_print(value, &text);
	if (text.size > 60)
		text.size = 60;
	consort_error_set(error, CONSORT_ERANGE, "attribute '%s': %.*s %s", attribute, (int)text.size,
			  text.data && !text.failed ? text.data : "", why);
	consort_buffer_clear(&text);
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute);
	return error->status;
}

/* --- numbers --- */

static uint32_t encode_integer(const struct pg_storage *storage, const struct consort_value *value,
			       const char *attribute, struct consort_buffer *out, struct consort_error *error)
{
	int64_t integer = value->as.int64;
	char *field;

	switch (storage->codec) {
	case PG_INT2:
		if (integer != (int16_t)integer)
			return pg_refuse(attribute, value, "does not fit smallint", error);
		field = pg_add_field(out, 2);
		if (!field)
			return consort_error_no_memory(error);
		pg_set16(field, (uint16_t)integer);
		return CONSORT_OK;
	case PG_INT4:
		if (integer != (int32_t)integer)
			return pg_refuse(attribute, value, "does not fit integer", error);
		return add32(out, (uint32_t)integer, error);
	case PG_OID:
		if (integer != (uint32_t)integer)
			return pg_refuse(attribute, value, "does not fit oid", error);
		return add32(out, (uint32_t)integer, error);
	default:
		return add64(out, (uint64_t)integer, error);
	}
}

static uint32_t encode_real(const struct pg_storage *storage, const struct consort_value *value,
			    const char *attribute, struct consort_buffer *out, struct consort_error *error)
{
	double number = value->as.float64;
	float single = (float)number;
	uint64_t bits;
	uint32_t half;

	if (storage->codec == PG_FLOAT4) {
		if (!isnan(number) && (double)single != number)
			return pg_refuse(attribute, value, "has more digits than real keeps", error);
		memcpy(&half, &single, sizeof(half));
		return add32(out, half, error);
	}
	memcpy(&bits, &number, sizeof(bits));
	return add64(out, bits, error);
}

static uint32_t encode_numeric(const struct pg_storage *storage, enum pg_purpose purpose,
			       const struct consort_value *value, const char *attribute,
			       struct consort_buffer *out, struct consort_error *error)
{
	return pg_numeric_encode(value, purpose == PG_STORE ? storage->limit : -1, attribute, out, error);
}

/* --- times --- */

/* Is it a multiple of the column's unit? */
static bool too_fine(const struct pg_storage *storage, int64_t micros)
{
	static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10};

	return storage->limit >= 0 && storage->limit < 6 && micros % units[storage->limit];
}

static uint32_t encode_timestamp(const struct pg_storage *storage, enum pg_purpose purpose,
				 const struct consort_value *value, const char *attribute,
				 struct consort_buffer *out, struct consort_error *error)
{
	int64_t micros;

	if (__builtin_sub_overflow(value->as.int64, PG_EPOCH_MICROSECONDS, &micros))
		micros = INT64_MIN;
	if (micros < TIMESTAMP_LEAST || micros >= TIMESTAMP_END) {
		if (purpose == PG_STORE)
			return pg_refuse(attribute, value, "lies outside the years that PostgreSQL knows",
					 error);
		micros = micros < 0 ? INT64_MIN : INT64_MAX;
	} else if (purpose == PG_STORE && too_fine(storage, micros)) {
		return pg_refuse(attribute, value, "is finer than the column's timestamps", error);
	}
	return add64(out, (uint64_t)micros, error);
}

static uint32_t encode_date(enum pg_purpose purpose, const struct consort_value *value, const char *attribute,
			    struct consort_buffer *out, struct consort_error *error)
{
	int64_t days = value->as.int64 - PG_EPOCH_DAYS;

	if (days < DATE_LEAST || days >= DATE_END) {
		if (purpose == PG_STORE)
			return pg_refuse(attribute, value, "lies outside the years that PostgreSQL knows",
					 error);
		days = days < 0 ? INT32_MIN : INT32_MAX;
	}
	return add32(out, (uint32_t)days, error);
}

static uint32_t encode_time(const struct pg_storage *storage, enum pg_purpose purpose,
			    const struct consort_value *value, const char *attribute,
			    struct consort_buffer *out, struct consort_error *error)
{
	if (purpose == PG_STORE && too_fine(storage, value->as.int64))
		return pg_refuse(attribute, value, "is finer than the column's times", error);
	return add64(out, (uint64_t)value->as.int64, error);
}

/* --- texts and documents --- */

static int64_t count_characters(struct consort_view text)
{
	int64_t count = 0;
	uint64_t i;

	for (i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

/* The server would cut blanks off what is too long, and not give those of character(n) back. */
static uint32_t check_text(const struct pg_storage *storage, const struct consort_value *value,
			   const char *attribute, struct consort_error *error)
{
	const struct consort_view text = value->as.view;
	char why[64];

	if (storage->codec == PG_BPCHAR && text.size && text.data[text.size - 1] == ' ')
		return pg_refuse(attribute, value, "ends with a blank, which character(n) does not keep",
				 error);
	if (storage->limit < 0 || text.size <= (uint64_t)storage->limit ||
	    count_characters(text) <= storage->limit)
		return CONSORT_OK;
	snprintf(why, sizeof(why), "is longer than the column's %d characters", storage->limit);
	return pg_refuse(attribute, value, why, error);
}

static uint32_t encode_json(const struct pg_storage *storage, const struct consort_value *value,
			    struct consort_buffer *out, struct consort_error *error)
{
	uint32_t status;
	char *field;

	if (storage->codec == PG_JSON)
		return add_bytes(out, value->as.view.data, value->as.view.size, error);
	status = add_bytes(out, value->as.view.data, value->as.view.size + 1, error);
	if (status)
		return status;
	field = out->data + out->size - value->as.view.size - 1;
	memmove(field + 1, value->as.view.data, (size_t)value->as.view.size);
	*field = 1;
	return CONSORT_OK;
}

/* --- patterns --- */

static uint32_t check_pattern(const struct consort_value *value, struct consort_error *error)
{
	const struct consort_view pattern = value->as.view;
	uint64_t i;

	for (i = 0; i < pattern.size; i++)
		if (pattern.data[i] == '\\' && ++i == pattern.size)
			return consort_error_set(error, CONSORT_ESYNTAX,
						 "a LIKE pattern must not end with a backslash");
	return CONSORT_OK;
}

/*
 * One character of an ILIKE pattern that stands for itself, as a regular expression. Simple case folding
 * takes one character to one, so for those beyond ASCII any one will do: the core looks again. k and s have a
 * third form each (KELVIN SIGN, LONG S).
 */
static void add_character(struct consort_buffer *out, const char *text, uint64_t *at, uint64_t size)
{
	char c = text[*at], lower = (char)(c | 0x20);

	if ((unsigned char)c >= 0x80) {
		while (*at + 1 < size && ((unsigned char)text[*at + 1] & 0xc0) == 0x80)
			++*at;
		consort_buffer_char(out, '.');
	} else if (lower >= 'a' && lower <= 'z') {
		consort_buffer_printf(out, "[%c%c%s]", lower, lower - 0x20,
				      lower == 'k'   ? "\xe2\x84\xaa"
				      : lower == 's' ? "\xc5\xbf"
						     : "");
	} else if (c >= '0' && c <= '9') {
		consort_buffer_char(out, c);
	} else {
		consort_buffer_printf(out, "[%s%c]", c == '^' || c == '\\' ? "\\" : "", c);
	}
}

static uint32_t encode_regex(const struct consort_value *value, struct consort_buffer *out,
			     struct consort_error *error)
{
	struct consort_buffer regex = CONSORT_BUFFER_INIT;
	const struct consort_view pattern = value->as.view;
	uint32_t status = check_pattern(value, error);
	uint64_t i;

	if (status)
		return status;
	consort_buffer_text(&regex, "^");
	for (i = 0; i < pattern.size; i++) {
		if (pattern.data[i] == '%') {
			consort_buffer_text(&regex, ".*");
		} else if (pattern.data[i] == '_') {
			consort_buffer_char(&regex, '.');
		} else {
			i += pattern.data[i] == '\\';
			add_character(&regex, pattern.data, &i, pattern.size);
		}
	}
	consort_buffer_char(&regex, '$');
	status =
		regex.failed ? consort_error_no_memory(error) : add_bytes(out, regex.data, regex.size, error);
	consort_buffer_clear(&regex);
	return status;
}

/* --- arrays --- */

/* The header of an array of one dimension; false: no memory. */
static bool begin_array(struct consort_buffer *out, uint8_t element, uint64_t count, size_t *out_start)
{
	char *field = pg_add_field(out, count ? 20 : 12);

	if (!field)
		return false;
	*out_start = (size_t)(field - out->data);
	memset(field, 0, count ? 20 : 12);
	pg_set32(field + 8, pg_codecs[element].oid);
	if (count) {
		pg_set32(field, 1);
		pg_set32(field + 4, 1); /* there may be NULLs */
		pg_set32(field + 12, (uint32_t)count);
		pg_set32(field + 16, 1);
	}
	return true;
}

static uint32_t end_array(struct consort_buffer *out, size_t start, struct consort_error *error)
{
	size_t size = out->size - start;

	if (out->failed)
		return consort_error_no_memory(error);
	if (size > INT32_MAX - 64)
		return consort_error_set(error, CONSORT_ERANGE,
					 "an array of %zu bytes is too big for PostgreSQL", size);
	pg_set32(out->data + start - 4, (uint32_t)size);
	return CONSORT_OK;
}

static uint32_t encode_list(const struct pg_storage *storage, const struct consort_value *value,
			    const char *attribute, struct consort_buffer *out, struct consort_error *error)
{
	struct pg_storage item = *storage;
	uint32_t status = CONSORT_OK;
	size_t start;
	uint64_t i;

	if (!begin_array(out, storage->element, value->as.list.count, &start))
		return consort_error_no_memory(error);
	item.codec = storage->element;
	for (i = 0; !status && i < value->as.list.count; i++)
		status = pg_encode(&item, PG_STORE, &value->as.list.items[i], attribute, out, error);
	return status ? status : end_array(out, start, error);
}

uint32_t pg_encode_array(const struct pg_storage *storage, enum pg_purpose purpose,
			 const struct consort_column *column, int64_t rows, const char *attribute,
			 struct consort_buffer *out, int64_t *out_row, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	size_t start;
	int64_t row;

	if (!begin_array(out, storage->codec, (uint64_t)rows, &start))
		return consort_error_no_memory(error);
	for (row = 0; !status && row < rows; row++) {
		const struct consort_value value = consort_column_value(column, row);

		*out_row = row;
		status = pg_encode(storage, purpose, &value, attribute, out, error);
	}
	return status ? status : end_array(out, start, error);
}

/* --- attributes of another type than their column --- */

static uint32_t encode_converted(const struct pg_storage *storage, enum pg_purpose purpose,
				 const struct consort_value *value, const char *attribute,
				 struct consort_buffer *out, struct consort_error *error)
{
	struct pg_storage native = *storage;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_value converted;
	struct consort_decimal whole;
	uint32_t status;

	native.converts = false;
	switch (pg_codecs[storage->codec].family) {
	case PG_FAMILY_NUMERIC:
		return encode_numeric(storage, purpose, value, attribute, out, error);
	case PG_FAMILY_INTEGER:
		if (value->type.id == CONSORT_TYPE_DECIMAL) {
			if (consort_decimal_rescale(value->as.decimal, value->type.scale, 0, &whole) ||
			    whole.high != ((int64_t)whole.low < 0 ? -1 : 0))
				return pg_refuse(attribute, value, "is not what an integer column holds",
						 error);
			converted = consort_int64((int64_t)whole.low);
		} else {
			double number = value->as.float64;

			if (!(number >= -0x1p63 && number < 0x1p63) || (double)(int64_t)number != number)
				return pg_refuse(attribute, value, "is not what an integer column holds",
						 error);
			converted = consort_int64((int64_t)number);
		}
		break;
	case PG_FAMILY_DATE:
		if (value->as.int64 % INT64_C(86400000000))
			return pg_refuse(attribute, value, "is not what a column of dates holds", error);
		converted = consort_date((int32_t)(value->as.int64 / INT64_C(86400000000)));
		break;
	default:
		consort_value_print(value, &text);
		if (text.failed)
			return consort_error_no_memory(error);
		converted = consort_text_n(text.data ? text.data : "", text.size);
	}
	status = pg_encode(&native, purpose, &converted, attribute, out, error);
	consort_buffer_clear(&text);
	return status;
}

/* --- any --- */

static uint32_t encode_limit(const struct consort_value *value, enum pg_purpose purpose,
			     struct consort_buffer *out, struct consort_error *error)
{
	if (value->as.int64 < 0)
		return consort_error_set(error, CONSORT_ERANGE, "a %s must not be negative, this is %lld",
					 purpose == PG_LIMIT ? "limit" : "offset",
					 (long long)value->as.int64);
	return add64(out, (uint64_t)value->as.int64, error);
}

static uint32_t encode_text(const struct pg_storage *storage, enum pg_purpose purpose,
			    const struct consort_value *value, const char *attribute,
			    struct consort_buffer *out, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;

	if (purpose == PG_LIKE)
		status = check_pattern(value, error);
	else if (purpose == PG_STORE && (storage->codec == PG_BPCHAR || storage->codec == PG_TEXT))
		status = check_text(storage, value, attribute, error);
	return status ? status : add_bytes(out, value->as.view.data, value->as.view.size, error);
}

uint32_t pg_encode(const struct pg_storage *storage, enum pg_purpose purpose,
		   const struct consort_value *value, const char *attribute, struct consort_buffer *out,
		   struct consort_error *error)
{
	char *field;

	if (consort_value_is_null(value))
		return add_null(out, error);
	if (purpose == PG_LIMIT || purpose == PG_OFFSET)
		return encode_limit(value, purpose, out, error);
	if (purpose == PG_REGEX)
		return encode_regex(value, out, error);
	if (CONSORT_UNLIKELY(storage->converts))
		return encode_converted(storage, purpose, value, attribute, out, error);
	switch (storage->codec) {
	case PG_BOOL:
		field = pg_add_field(out, 1);
		if (!field)
			return consort_error_no_memory(error);
		*field = value->as.int64 != 0;
		return CONSORT_OK;
	case PG_INT2:
	case PG_INT4:
	case PG_INT8:
	case PG_OID:
		return encode_integer(storage, value, attribute, out, error);
	case PG_FLOAT4:
	case PG_FLOAT8:
		return encode_real(storage, value, attribute, out, error);
	case PG_NUMERIC:
		return encode_numeric(storage, purpose, value, attribute, out, error);
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		return encode_timestamp(storage, purpose, value, attribute, out, error);
	case PG_DATE:
		return encode_date(purpose, value, attribute, out, error);
	case PG_TIME:
		return encode_time(storage, purpose, value, attribute, out, error);
	case PG_UUID:
		return add_bytes(out, value->as.uuid, 16, error);
	case PG_BYTEA:
		if (value->type.id == CONSORT_TYPE_OBJECTID)
			return add_bytes(out, value->as.objectid, 12, error);
		return add_bytes(out, value->as.view.data, value->as.view.size, error);
	case PG_JSON:
	case PG_JSONB:
		return encode_json(storage, value, out, error);
	case PG_ARRAY:
		return encode_list(storage, value, attribute, out, error);
	default:
		return encode_text(storage, purpose, value, attribute, out, error);
	}
}
