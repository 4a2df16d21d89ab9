/* SPDX-License-Identifier: Apache-2.0 */
/* Values as texts in Redis, by each attribute's codec. */
#include "redis.h"

uint32_t redis_blame(const struct redis_layout *layout, uint32_t attribute, struct consort_error *error)
{
	const struct consort_resource *resource = layout->resource;

	consort_copy_text(error->resource, sizeof(error->resource), resource->name);
	consort_copy_text(error->attribute, sizeof(error->attribute), resource->attributes[attribute]->name);
	if (error->status != CONSORT_ENOMEM)
		consort_error_prefix(error, "resource '%s', attribute '%s'", resource->name,
				     resource->attributes[attribute]->name);
	return error->status;
}

/* What one of a number's units is in those of the value; 0: it is no number. */
static int64_t unit_of(uint8_t codec)
{
	switch (codec) {
	case REDIS_CODEC_INT:
	case REDIS_CODEC_US:
	case REDIS_CODEC_DAYS:
		return 1;
	case REDIS_CODEC_MS:
	case REDIS_CODEC_EXPIRES:
		return 1000;
	case REDIS_CODEC_S:
		return 1000000;
	default:
		return 0;
	}
}

static void append_int(struct consort_buffer *out, int64_t integer)
{
	char text[24], *end = text + sizeof(text);
	char *at = redis_digits(integer < 0 ? -(uint64_t)integer : (uint64_t)integer, end);

	if (integer < 0)
		*--at = '-';
	consort_buffer_append(out, at, (size_t)(end - at));
}

uint32_t redis_encode(const struct redis_layout *layout, uint32_t attribute,
		      const struct consort_value *value, struct consort_buffer *out,
		      struct consort_error *error)
{
	uint8_t codec = layout->attributes[attribute].codec;
	int64_t unit = unit_of(codec);
	struct consort_value plain = *value;

	if (unit) {
		if (value->as.int64 % unit) {
			consort_error_set(error, CONSORT_ERANGE,
					  "the time has digits that its codec does not keep: it counts %s",
					  unit == 1000 ? "milliseconds" : "seconds");
			return redis_blame(layout, attribute, error);
		}
		append_int(out, value->as.int64 / unit);
		return CONSORT_OK;
	}
	switch (value->type.id) {
	case CONSORT_TYPE_INT64:
		append_int(out, value->as.int64);
		return CONSORT_OK;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_JSON:
		consort_buffer_append(out, value->as.view.data, (size_t)value->as.view.size);
		return CONSORT_OK;
	case CONSORT_TYPE_BYTES:
		if (codec != REDIS_CODEC_RAW)
			break;
		consort_buffer_append(out, value->as.view.data, (size_t)value->as.view.size);
		return CONSORT_OK;
	case CONSORT_TYPE_UUID:
		if (codec != REDIS_CODEC_RAW)
			break;
		consort_buffer_append(out, value->as.uuid, 16);
		return CONSORT_OK;
	case CONSORT_TYPE_OBJECTID:
		if (codec != REDIS_CODEC_RAW)
			break;
		consort_buffer_append(out, value->as.objectid, 12);
		return CONSORT_OK;
	case CONSORT_TYPE_FLOAT64:
		if (value->as.float64 == 0)
			plain.as.float64 = 0; /* -0 is 0 */
		break;
	default:
		break;
	}
	consort_value_print(&plain, out);
	return CONSORT_OK;
}

/* --- and back --- */

static uint32_t fail_value(const struct redis_layout *layout, uint32_t attribute, const char *text,
			   uint64_t size, uint32_t status, const char *why, struct consort_error *error)
{
	char shown[CONSORT_SHOWN_SIZE];

	consort_error_set(error, status, "'%s' %s", consort_shown(text, size, shown), why);
	return redis_blame(layout, attribute, error);
}

/* A whole number as everybody writes it; false: look closer. */
static bool plain_int(const char *text, uint64_t size, int64_t *out)
{
	bool negative = size && *text == '-';
	int64_t number = 0;
	uint64_t i = negative;

	if (size - negative - 1 >= 18)
		return false;
	for (; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	*out = negative ? -number : number;
	return true;
}

static uint32_t decode_number(const struct redis_layout *layout, uint32_t attribute, const char *text,
			      uint64_t size, int64_t unit, struct consort_value *out,
			      struct consort_error *error)
{
	const struct redis_attribute *own = &layout->attributes[attribute];
	int64_t number;

	if (!plain_int(text, size, &number)) {
		struct consort_value value;

		if (consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text, size, NULL, &value, error))
			return redis_blame(layout, attribute, error);
		number = value.as.int64;
	}
	if (__builtin_mul_overflow(number, unit, &number) ||
	    (own->type.id == CONSORT_TYPE_TIME && (number < 0 || number >= INT64_C(86400000000))) ||
	    (own->type.id == CONSORT_TYPE_DATE && (number < INT32_MIN || number > INT32_MAX)) ||
	    (own->type.id == CONSORT_TYPE_BOOL && (number < 0 || number > 1)))
		return fail_value(layout, attribute, text, size, CONSORT_ERANGE, "is out of its type's range",
				  error);
	*out = consort_integer_of(own->type.id, number);
	return CONSORT_OK;
}

static uint32_t decode_raw(const struct redis_layout *layout, uint32_t attribute, const char *text,
			   uint64_t size, struct consort_value *out, struct consort_error *error)
{
	struct consort_type type = layout->attributes[attribute].type;

	if (type.id == CONSORT_TYPE_BYTES) {
		*out = consort_bytes(text, size);
		return CONSORT_OK;
	}
	if (size != (type.id == CONSORT_TYPE_UUID ? 16 : 12))
		return fail_value(layout, attribute, text, size, CONSORT_ETYPE,
				  "has another size than its type", error);
	*out = type.id == CONSORT_TYPE_UUID ? consort_uuid((const uint8_t *)text)
					    : consort_objectid((const uint8_t *)text);
	return CONSORT_OK;
}

uint32_t redis_decode(const struct redis_layout *layout, uint32_t attribute, const char *text, uint64_t size,
		      struct consort_arena *scratch, struct consort_value *out_value,
		      struct consort_error *error)
{
	const struct redis_attribute *own = &layout->attributes[attribute];
	int64_t unit = unit_of(own->codec);

	if (unit)
		return decode_number(layout, attribute, text, size, unit, out_value, error);
	if (own->codec == REDIS_CODEC_RAW)
		return decode_raw(layout, attribute, text, size, out_value, error);
	if (consort_value_parse(own->type, text, size, scratch, out_value, error))
		return redis_blame(layout, attribute, error);
	return CONSORT_OK;
}

uint32_t redis_decode_into(const struct redis_layout *layout, uint32_t attribute, const char *text,
			   uint64_t size, struct consort_arena *scratch, struct consort_batch *batch,
			   struct consort_column *column, struct consort_error *error)
{
	struct consort_value value;
	int64_t number;
	uint32_t status;

	if (column->type.id == CONSORT_TYPE_INT64 && CONSORT_LIKELY(plain_int(text, size, &number))) {
		consort_append_int64(column, number);
		return CONSORT_OK;
	}
	if (column->type.id == CONSORT_TYPE_TEXT && !consort_append_text(batch, column, text, size))
		return CONSORT_OK;
	status = redis_decode(layout, attribute, text, size, scratch, &value, error);
	if (CONSORT_UNLIKELY(status))
		return status;
	return consort_append_value(batch, column, &value) ? consort_error_no_memory(error) : CONSORT_OK;
}
