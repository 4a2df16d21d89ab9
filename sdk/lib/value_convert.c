/* SPDX-License-Identifier: Apache-2.0 */
/* Values as another type, as far as that loses nothing. */
#include "values.h"

#include <string.h>

/* "'9007199254740993' has no exact float64", "1.25 does not fit decimal(3,1)" */
static uint32_t no_fit(const struct consort_value *value, struct consort_type type,
		       struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char shown[CONSORT_SHOWN_SIZE], name[CONSORT_TYPE_NAME_SIZE];

	consort_value_print(value, &text);
	consort_error_set(error, CONSORT_ERANGE, "%s does not fit %s%s",
			  consort_shown(text.data, text.size, shown), consort_type_name(type, name),
			  type.id == CONSORT_TYPE_FLOAT64 ? " exactly" : "");
	consort_buffer_clear(&text);
	return CONSORT_ERANGE;
}

static uint32_t to_decimal(const struct consort_value *value, struct consort_type type,
			   struct consort_value *out, struct consort_error *error)
{
	struct consort_decimal decimal = value->as.decimal;
	uint8_t scale = value->type.scale;

	if (value->type.id == CONSORT_TYPE_INT64) {
		decimal = consort_decimal_from_int64(value->as.int64);
		scale = 0;
	}
	if (consort_decimal_rescale(decimal, scale, type.scale, &decimal) ||
	    !consort_decimal_fits(decimal, type.precision))
		return no_fit(value, type, error);
	*out = consort_decimal_of(decimal, type.precision, type.scale);
	return CONSORT_OK;
}

static uint32_t to_float64(const struct consort_value *value, struct consort_type type,
			   struct consort_value *out, struct consort_error *error)
{
	double number = (double)value->as.int64;

	/* 2^63 is a double but no int64 */
	if (number >= 0x1p63 || (int64_t)number != value->as.int64)
		return no_fit(value, type, error);
	*out = consort_float64(number);
	return CONSORT_OK;
}

static uint32_t to_timestamp(const struct consort_value *value, struct consort_type type,
			     struct consort_value *out, struct consort_error *error)
{
	int64_t microseconds;

	if (__builtin_mul_overflow(value->as.int64, MICROSECONDS_PER_DAY, &microseconds))
		return no_fit(value, type, error);
	*out = consort_timestamp(microseconds);
	return CONSORT_OK;
}

uint32_t consort_value_convert(const struct consort_value *value, struct consort_type type,
			       struct consort_arena *scratch, struct consort_value *out_value,
			       struct consort_error *error)
{
	uint16_t from = value->type.id;
	char name[CONSORT_TYPE_NAME_SIZE];

	if (from == CONSORT_TYPE_NULL || consort_type_equal(value->type, type)) {
		*out_value = *value;
		return CONSORT_OK;
	}
	if (from == CONSORT_TYPE_TEXT)
		return consort_value_parse(type, value->as.view.data, value->as.view.size, scratch, out_value,
					   error);
	if (from == CONSORT_TYPE_JSON && type.id == CONSORT_TYPE_TEXT) {
		*out_value = consort_text_n(value->as.view.data, value->as.view.size);
		return CONSORT_OK;
	}
	if ((from == CONSORT_TYPE_INT64 || from == CONSORT_TYPE_DECIMAL) && type.id == CONSORT_TYPE_DECIMAL)
		return to_decimal(value, type, out_value, error);
	if (from == CONSORT_TYPE_INT64 && type.id == CONSORT_TYPE_FLOAT64)
		return to_float64(value, type, out_value, error);
	if (from == CONSORT_TYPE_DATE && type.id == CONSORT_TYPE_TIMESTAMP)
		return to_timestamp(value, type, out_value, error);
	return consort_error_set(error, CONSORT_ETYPE, "cannot use %s as %s", consort_type_noun(value->type),
				 from == type.id ? consort_type_name(type, name) : consort_type_noun(type));
}
