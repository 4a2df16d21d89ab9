/* SPDX-License-Identifier: Apache-2.0 */
/* Values from texts: what does not stand for a value of the type is refused, never changed into one. */
#include "values.h"

#include <string.h>
#include <strings.h>

/* "'12x' is not an integer" */
static uint32_t no_value(struct consort_type type, const char *text, uint64_t size,
			 struct consort_error *error)
{
	char shown[CONSORT_SHOWN_SIZE];

	return consort_error_set(error, CONSORT_ETYPE, "'%s' is not %s", consort_shown(text, size, shown),
				 consort_type_noun(type));
}

static uint32_t no_fit(struct consort_type type, const char *text, uint64_t size, struct consort_error *error)
{
	char shown[CONSORT_SHOWN_SIZE], name[CONSORT_TYPE_NAME_SIZE];

	return consort_error_set(error, CONSORT_ERANGE, "%s does not fit %s",
				 consort_shown(text, size, shown), consort_type_name(type, name));
}

static uint32_t parse_bool(struct consort_type type, const char *text, uint64_t size,
			   struct consort_value *value, struct consort_error *error)
{
	if (size == 4 && !strncasecmp(text, "true", 4))
		value->as.int64 = 1;
	else if (size == 5 && !strncasecmp(text, "false", 5))
		value->as.int64 = 0;
	else
		return no_value(type, text, size, error);
	return CONSORT_OK;
}

static uint32_t parse_int64(struct consort_type type, const char *text, uint64_t size,
			    struct consort_value *value, struct consort_error *error)
{
	struct consort_number number;
	uint64_t magnitude = 0;
	const char *p;

	if (!consort_number_scan(text, size, &number) || !number.integer)
		return no_value(type, text, size, error);
	if (number.count > 19)
		return no_fit(type, text, size, error);
	for (p = number.digits; p < number.end; p++)
		magnitude = magnitude * 10 + (uint64_t)(*p - '0');
	if (magnitude > (uint64_t)INT64_MAX + (uint64_t)number.negative)
		return no_fit(type, text, size, error);
	value->as.int64 = number.negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return CONSORT_OK;
}

static uint32_t parse_decimal(struct consort_type type, const char *text, uint64_t size,
			      struct consort_value *value, struct consort_error *error)
{
	struct consort_decimal decimal;
	uint8_t precision, scale;
	uint32_t status = consort_decimal_parse(text, size, &decimal, &precision, &scale, error);

	if (status)
		return status;
	if (consort_decimal_rescale(decimal, scale, type.scale, &decimal) ||
	    !consort_decimal_fits(decimal, type.precision))
		return no_fit(type, text, size, error);
	value->as.decimal = decimal;
	return CONSORT_OK;
}

static uint32_t parse_text(const char *text, uint64_t size, struct consort_value *value,
			   struct consort_error *error)
{
	uint64_t at;

	if (!consort_utf8_valid(text, size, &at))
		return consort_error_set(error, CONSORT_ERANGE, "%s, at byte %llu",
					 text[at] ? "the text is not valid UTF-8"
						  : "text cannot hold a NUL byte",
					 (unsigned long long)at + 1);
	value->as.view.data = text;
	value->as.view.size = size;
	return CONSORT_OK;
}

static int hexadecimal(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `count` bytes from twice as many digits; false if there is anything else. */
static int decode_hexadecimal(const char *text, uint64_t count, uint8_t *out)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		int high = hexadecimal(text[2 * i]), low = hexadecimal(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 1;
}

static uint32_t parse_bytes(struct consort_type type, const char *text, uint64_t size,
			    struct consort_arena *scratch, struct consort_value *value,
			    struct consort_error *error)
{
	uint64_t count = size / 2 - (size >= 2);
	uint8_t *bytes;

	if (size < 2 || size % 2 || text[0] != '\\' || text[1] != 'x')
		goto wrong;
	if (!scratch)
		return consort_error_set(error, CONSORT_EINVAL, "no arena to decode bytes into");
	bytes = consort_arena_alloc(scratch, count);
	if (!bytes)
		return consort_error_no_memory(error);
	if (!decode_hexadecimal(text + 2, count, bytes))
		goto wrong;
	value->as.view.data = (const char *)bytes;
	value->as.view.size = count;
	return CONSORT_OK;
wrong:
	no_value(type, text, size, error);
	if (error)
		consort_copy_text(error->message + strlen(error->message),
				  sizeof(error->message) - strlen(error->message),
				  ": write \\x and two hexadecimal digits for each");
	return CONSORT_ETYPE;
}

static uint32_t parse_uuid(struct consort_type type, const char *text, uint64_t size,
			   struct consort_value *value, struct consort_error *error)
{
	static const uint8_t starts[] = {0, 9, 14, 19, 24}, sizes[] = {4, 2, 2, 2, 6};
	size_t i, at = 0;
	int good = size == 36;

	for (i = 0; good && i < sizeof(sizes); i++) {
		good = (!i || text[starts[i] - 1] == '-') &&
		       decode_hexadecimal(text + starts[i], sizes[i], value->as.uuid + at);
		at += sizes[i];
	}
	return good ? CONSORT_OK : no_value(type, text, size, error);
}

static uint32_t parse_objectid(struct consort_type type, const char *text, uint64_t size,
			       struct consort_value *value, struct consort_error *error)
{
	if (size != 24 || !decode_hexadecimal(text, 12, value->as.objectid))
		return no_value(type, text, size, error);
	return CONSORT_OK;
}

uint32_t consort_value_parse(struct consort_type type, const char *text, uint64_t size,
			     struct consort_arena *scratch, struct consort_value *out_value,
			     struct consort_error *error)
{
	struct consort_value value = consort_null();
	uint32_t status;

	value.type = type;
	switch (type.id) {
	case CONSORT_TYPE_BOOL:
		status = parse_bool(type, text, size, &value, error);
		break;
	case CONSORT_TYPE_INT64:
		status = parse_int64(type, text, size, &value, error);
		break;
	case CONSORT_TYPE_FLOAT64:
		status = consort_float64_parse(text, size, &value.as.float64, error);
		break;
	case CONSORT_TYPE_DECIMAL:
		status = parse_decimal(type, text, size, &value, error);
		break;
	case CONSORT_TYPE_TEXT:
		status = parse_text(text, size, &value, error);
		break;
	case CONSORT_TYPE_BYTES:
		status = parse_bytes(type, text, size, scratch, &value, error);
		break;
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
		status = consort_time_parse(type.id, text, size, &value.as.int64, error);
		break;
	case CONSORT_TYPE_UUID:
		status = parse_uuid(type, text, size, &value, error);
		break;
	case CONSORT_TYPE_OBJECTID:
		status = parse_objectid(type, text, size, &value, error);
		break;
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_LIST:
		status = consort_json_value_parse(type, text, size, scratch, &value, error);
		break;
	default:
		status = no_value(type, text, size, error);
	}
	if (status)
		return status;
	*out_value = value;
	return CONSORT_OK;
}
