/* SPDX-License-Identifier: Apache-2.0 */
/* Values that a program made by hand: can their type hold them? */
#include "values.h"

static uint32_t check_text(struct consort_view text, struct consort_error *error)
{
	uint64_t at = 0;

	if (consort_utf8_valid(text.data, text.size, &at))
		return CONSORT_OK;
	if (text.data[at] == '\0')
		return consort_error_set(error, CONSORT_ERANGE,
					 "a text cannot hold a NUL byte (it has one at byte %llu)",
					 (unsigned long long)at + 1);
	return consort_error_set(error, CONSORT_ERANGE, "the text is not UTF-8 (byte %llu is 0x%02x)",
				 (unsigned long long)at + 1, (unsigned char)text.data[at]);
}

static uint32_t check_decimal(const struct consort_value *value, struct consort_error *error)
{
	struct consort_type type = value->type;
	char text[CONSORT_DECIMAL_SIZE];

	if (type.precision < 1 || type.precision > DECIMAL_DIGITS || type.scale > type.precision)
		return consort_error_set(error, CONSORT_ERANGE, "there is no decimal(%u,%u)", type.precision,
					 type.scale);
	if (consort_decimal_fits(value->as.decimal, type.precision))
		return CONSORT_OK;
	if (!consort_decimal_fits(value->as.decimal, DECIMAL_DIGITS))
		return consort_error_set(error, CONSORT_ERANGE, "a decimal has more than %d digits",
					 DECIMAL_DIGITS);
	consort_decimal_print(value->as.decimal, type.scale, text);
	return consort_error_set(error, CONSORT_ERANGE, "%s does not fit decimal(%u,%u)", text,
				 type.precision, type.scale);
}

static uint32_t check_between(const struct consort_value *value, int64_t least, int64_t most,
			      struct consort_error *error)
{
	if (value->as.int64 >= least && value->as.int64 <= most)
		return CONSORT_OK;
	return consort_error_set(error, CONSORT_ERANGE, "%s is made of %lld, which is not from %lld to %lld",
				 consort_type_noun(value->type), (long long)value->as.int64, (long long)least,
				 (long long)most);
}

uint32_t consort_value_check(const struct consort_value *value, struct consort_error *error)
{
	struct consort_value read;

	switch (value->type.id) {
	case CONSORT_TYPE_TEXT:
		return check_text(value->as.view, error);
	case CONSORT_TYPE_JSON:
		return consort_value_parse(value->type, value->as.view.data, value->as.view.size, NULL, &read,
					   error);
	case CONSORT_TYPE_DECIMAL:
		return check_decimal(value, error);
	case CONSORT_TYPE_BOOL:
		return check_between(value, 0, 1, error);
	case CONSORT_TYPE_DATE:
		return check_between(value, INT32_MIN, INT32_MAX, error);
	case CONSORT_TYPE_TIME:
		return check_between(value, 0, MICROSECONDS_PER_DAY - 1, error);
	default:
		return CONSORT_OK;
	}
}
