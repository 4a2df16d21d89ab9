/* SPDX-License-Identifier: Apache-2.0 */
/* Values to elements. What a codec cannot hold is refused when it is stored; when it is compared with, it
 * becomes the value beside it that compares alike, or there is none. */
#include "types.h"

#include <consort/convert.h>
#include <limits.h>

#include "decimal.h"

#define DAY INT64_C(86400000) /* milliseconds */

struct encoding {
	const struct mongo_storage *storage;
	enum mongo_purpose purpose;
	const char *name; /* of the attribute */
	bson_t *out;
	const char *key;
	int key_size;
	bool *out_none;
	struct consort_error *error;
};

static uint32_t added(const struct encoding *encoding, bool done)
{
	return done ? CONSORT_OK
		    : consort_error_set(
			      encoding->error, CONSORT_ERANGE,
			      "attribute '%s': the value is larger than a document of MongoDB's can be",
			      encoding->name);
}

static uint32_t refuse(const struct encoding *encoding, const struct consort_value *value, const char *why)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char shown[CONSORT_SHOWN_SIZE];

	consort_value_print(value, &text);
	consort_error_set(encoding->error, CONSORT_ERANGE, "attribute '%s': %s %s", encoding->name,
			  text.data ? consort_shown(text.data, text.size, shown) : "the value", why);
	consort_copy_text(encoding->error->attribute, sizeof(encoding->error->attribute), encoding->name);
	consort_buffer_clear(&text);
	return CONSORT_ERANGE;
}

/* Nothing in MongoDB is equal to the value. */
static uint32_t none(const struct encoding *encoding)
{
	*encoding->out_none = true;
	return CONSORT_OK;
}

static uint32_t encode_timestamp(const struct encoding *encoding, const struct consort_value *value)
{
	int64_t micros = value->as.int64, floor = micros / 1000 - (micros % 1000 < 0);

	if (encoding->storage->codec == MONGO_MICROS)
		return added(encoding,
			     bson_append_int64(encoding->out, encoding->key, encoding->key_size, micros));
	if (micros % 1000) {
		if (encoding->purpose == MONGO_EQUAL)
			return none(encoding);
		if (encoding->purpose == MONGO_STORE && encoding->storage->codec != MONGO_MILLIS)
			return refuse(encoding, value,
				      "is finer than a millisecond, which MongoDB's dates do not keep; the "
				      "codec ms "
				      "would cut it");
		floor += encoding->purpose == MONGO_ABOVE;
	}
	return added(encoding,
		     bson_append_date_time(encoding->out, encoding->key, encoding->key_size, floor));
}

static uint32_t encode_decimal(const struct encoding *encoding, const struct consort_value *value)
{
	bson_decimal128_t decimal = {0, 0};

	if (mongo_decimal_to(value->as.decimal, value->type.scale, &decimal)) {
		if (encoding->purpose == MONGO_EQUAL)
			return none(encoding);
		if (encoding->purpose == MONGO_STORE)
			return refuse(encoding, value, "has more than the 34 digits of MongoDB's decimals");
		mongo_decimal_near(value->as.decimal, value->type.scale, encoding->purpose == MONGO_ABOVE,
				   &decimal);
	}
	return added(encoding,
		     bson_append_decimal128(encoding->out, encoding->key, encoding->key_size, &decimal));
}

static uint32_t encode_integer(const struct encoding *encoding, const struct consort_value *value)
{
	int64_t integer = value->as.int64;

	if (encoding->storage->codec == MONGO_INT32 && encoding->purpose == MONGO_STORE) {
		if (integer < INT32_MIN || integer > INT32_MAX)
			return refuse(encoding, value, "does not fit MongoDB's int");
		return added(encoding, bson_append_int32(encoding->out, encoding->key, encoding->key_size,
							 (int32_t)integer));
	}
	return added(encoding, bson_append_int64(encoding->out, encoding->key, encoding->key_size, integer));
}

static uint32_t encode_binary(const struct encoding *encoding, bson_subtype_t subtype, const void *data,
			      uint64_t size)
{
	return added(encoding,
		     size <= INT_MAX &&
			     bson_append_binary(encoding->out, encoding->key, encoding->key_size, subtype,
						data ? data : (const uint8_t *)"", (uint32_t)size));
}

static uint32_t encode_list(const struct encoding *encoding, const struct consort_value *value)
{
	struct mongo_storage item = {.codec = encoding->storage->element};
	uint32_t status = CONSORT_OK;
	bson_t inside;
	uint64_t i;

	if (!bson_append_array_begin(encoding->out, encoding->key, encoding->key_size, &inside))
		return added(encoding, false);
	for (i = 0; !status && i < value->as.list.count; i++) {
		const struct consort_value *at = &value->as.list.items[i];
		const char *key;
		char digits[16];
		size_t size = bson_uint32_to_string((uint32_t)i, &key, digits, sizeof(digits));

		if (consort_value_is_null(at))
			status = added(encoding, bson_append_null(&inside, key, (int)size));
		else
			status = mongo_encode(&item, MONGO_STORE, at, encoding->name, &inside, key, size,
					      NULL, encoding->error);
	}
	bson_append_array_end(encoding->out, &inside);
	return status;
}

/* By the value's type: numbers are compared with numbers of other types, too. */
static uint32_t encode(const struct encoding *encoding, const struct consort_value *value)
{
	const struct consort_view view = value->as.view;
	bson_t *out = encoding->out;
	bson_oid_t oid;
	uint32_t status;

	switch (value->type.id) {
	case CONSORT_TYPE_BOOL:
		return added(encoding,
			     bson_append_bool(out, encoding->key, encoding->key_size, value->as.int64 != 0));
	case CONSORT_TYPE_INT64:
		return encode_integer(encoding, value);
	case CONSORT_TYPE_FLOAT64:
		return added(encoding,
			     bson_append_double(out, encoding->key, encoding->key_size, value->as.float64));
	case CONSORT_TYPE_DECIMAL:
		return encode_decimal(encoding, value);
	case CONSORT_TYPE_TEXT:
		return added(encoding, view.size <= INT_MAX &&
					       bson_append_utf8(out, encoding->key, encoding->key_size,
								view.data ? view.data : "", (int)view.size));
	case CONSORT_TYPE_BYTES:
		return encode_binary(encoding, BSON_SUBTYPE_BINARY, view.data, view.size);
	case CONSORT_TYPE_TIMESTAMP:
		return encode_timestamp(encoding, value);
	case CONSORT_TYPE_DATE:
		return added(encoding, bson_append_date_time(out, encoding->key, encoding->key_size,
							     value->as.int64 * DAY));
	case CONSORT_TYPE_TIME:
		return added(encoding,
			     bson_append_int64(out, encoding->key, encoding->key_size, value->as.int64));
	case CONSORT_TYPE_UUID:
		return encode_binary(encoding, BSON_SUBTYPE_UUID, value->as.uuid, sizeof(value->as.uuid));
	case CONSORT_TYPE_OBJECTID:
		bson_oid_init_from_data(&oid, value->as.objectid);
		return added(encoding, bson_append_oid(out, encoding->key, encoding->key_size, &oid));
	case CONSORT_TYPE_JSON:
		status = mongo_parse(view, out, encoding->key, (size_t)encoding->key_size, encoding->error);
		if (status && status != CONSORT_ENOMEM)
			consort_error_prefix(encoding->error, "attribute '%s'", encoding->name);
		return status;
	case CONSORT_TYPE_LIST:
		return encode_list(encoding, value);
	default:
		return consort_error_set(encoding->error, CONSORT_EUNSUPPORTED,
					 "attribute '%s': MongoDB is given no value of this type",
					 encoding->name);
	}
}

uint32_t mongo_encode(const struct mongo_storage *storage, enum mongo_purpose purpose,
		      const struct consort_value *value, const char *name, bson_t *out, const char *key,
		      size_t key_size, bool *out_none, struct consort_error *error)
{
	const struct encoding encoding = {storage, purpose, name, out, key, (int)key_size, out_none, error};

	return encode(&encoding, value);
}

/* The items of a list in a batch. */
static uint32_t encode_items(const struct mongo_storage *storage, const struct consort_column *column,
			     int64_t row, const char *name, bson_t *out, const char *key, size_t key_size,
			     struct consort_error *error)
{
	const int32_t *offsets = (const int32_t *)column->values + column->offset + row;
	const struct mongo_storage item = {.codec = storage->element};
	uint32_t status = CONSORT_OK, count = 0;
	int32_t at;
	bson_t inside;

	bson_append_array_begin(out, key, (int)key_size, &inside);
	for (at = offsets[0]; !status && at < offsets[1]; at++) {
		const char *number;
		char digits[16];
		size_t size = bson_uint32_to_string(count++, &number, digits, sizeof(digits));

		status = mongo_encode_cell(&item, column->child, at, name, &inside, number, size, error);
	}
	bson_append_array_end(out, &inside);
	return status;
}

uint32_t mongo_encode_cell(const struct mongo_storage *storage, const struct consort_column *column,
			   int64_t row, const char *name, bson_t *out, const char *key, size_t key_size,
			   struct consort_error *error)
{
	const struct encoding encoding = {storage, MONGO_STORE, name, out, key, (int)key_size, NULL, error};
	struct consort_value value;

	if (column->type.id == CONSORT_TYPE_LIST && !consort_column_is_null(column, row))
		return encode_items(storage, column, row, name, out, key, key_size, error);
	value = consort_column_value(column, row);
	if (consort_value_is_null(&value))
		return added(&encoding, bson_append_null(out, key, (int)key_size));
	return encode(&encoding, &value);
}
