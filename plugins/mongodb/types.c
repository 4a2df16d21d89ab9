/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs: which attribute is kept in which. */
#include "types.h"

#include "mongodb.h"

#include <string.h>

#define TYPES(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct mongo_codec_info mongo_codecs[MONGO_CODECS] = {
	[MONGO_BOOL] = {CONSORT_TYPE_BOOL, "bool", TYPES("bool"), 1, 1},
	[MONGO_INT64] = {CONSORT_TYPE_INT64, "long", TYPES("long", "int"), 1, 1},
	[MONGO_INT32] = {CONSORT_TYPE_INT64, "int", TYPES("long", "int"), 1, 1},
	[MONGO_FLOAT64] = {CONSORT_TYPE_FLOAT64, "double", TYPES("double", "long", "int"), 1, 0},
	[MONGO_DECIMAL] = {CONSORT_TYPE_DECIMAL, "decimal", TYPES("decimal", "long", "int"), 1, 1},
	[MONGO_TEXT] = {CONSORT_TYPE_TEXT, "string", TYPES("string"), 1, 1},
	[MONGO_BYTES] = {CONSORT_TYPE_BYTES, "binData", TYPES("binData"), 1, 0},
	[MONGO_DATE] = {CONSORT_TYPE_TIMESTAMP, "date", TYPES("date"), 1, 1},
	[MONGO_MILLIS] = {CONSORT_TYPE_TIMESTAMP, "date", TYPES("date"), 1, 1},
	[MONGO_MICROS] = {CONSORT_TYPE_TIMESTAMP, "long", TYPES("long"), 1, 1},
	[MONGO_DAY] = {CONSORT_TYPE_DATE, "date", TYPES("date"), 1, 1},
	[MONGO_TIME] = {CONSORT_TYPE_TIME, "long", TYPES("long"), 1, 1},
	[MONGO_UUID] = {CONSORT_TYPE_UUID, "binData", TYPES("binData"), 1, 1},
	[MONGO_OBJECTID] = {CONSORT_TYPE_OBJECTID, "objectId", TYPES("objectId"), 1, 1},
	[MONGO_JSON] = {CONSORT_TYPE_JSON, NULL, NULL, 0, 0},
	[MONGO_LIST] = {CONSORT_TYPE_LIST, "array", TYPES("array"), 0, 0},
	[MONGO_REST] = {CONSORT_TYPE_JSON, NULL, NULL, 0, 0},
	[MONGO_ANY] = {CONSORT_TYPE_TEXT, NULL, NULL, 0, 0},
};

static const struct consort_codec_name names[] = {
	{CONSORT_TYPE_INT64, MONGO_INT64, "long"},	  {CONSORT_TYPE_INT64, MONGO_INT32, "int"},
	{CONSORT_TYPE_TIMESTAMP, MONGO_DATE, "date"},	  {CONSORT_TYPE_TIMESTAMP, MONGO_MILLIS, "ms"},
	{CONSORT_TYPE_TIMESTAMP, MONGO_MICROS, "micros"}, {CONSORT_TYPE_JSON, MONGO_JSON, "document"},
	{CONSORT_TYPE_JSON, MONGO_REST, "rest"},
};

static uint8_t default_codec(uint16_t type)
{
	switch (type) {
	case CONSORT_TYPE_BOOL:
		return MONGO_BOOL;
	case CONSORT_TYPE_INT64:
		return MONGO_INT64;
	case CONSORT_TYPE_FLOAT64:
		return MONGO_FLOAT64;
	case CONSORT_TYPE_DECIMAL:
		return MONGO_DECIMAL;
	case CONSORT_TYPE_BYTES:
		return MONGO_BYTES;
	case CONSORT_TYPE_TIMESTAMP:
		return MONGO_DATE;
	case CONSORT_TYPE_DATE:
		return MONGO_DAY;
	case CONSORT_TYPE_TIME:
		return MONGO_TIME;
	case CONSORT_TYPE_UUID:
		return MONGO_UUID;
	case CONSORT_TYPE_OBJECTID:
		return MONGO_OBJECTID;
	case CONSORT_TYPE_JSON:
		return MONGO_JSON;
	case CONSORT_TYPE_LIST:
		return MONGO_LIST;
	default:
		return MONGO_TEXT;
	}
}

struct mongo_storage mongo_plain_storage(struct consort_type type)
{
	return (struct mongo_storage){.codec = default_codec(type.id),
				      .element = default_codec(type.element)};
}

uint32_t mongo_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
			  struct mongo_storage *out_storage, struct consort_error *error)
{
	struct mongo_storage storage = mongo_plain_storage(attribute->type);
	uint32_t status = mongo_check_name("a field", attribute->source, error);

	if (status)
		return status;
	if (*attribute->codec)
		status = consort_codec_find(names, sizeof(names) / sizeof(*names), "MongoDB", resource,
					    attribute, &storage.codec, error);
	if (attribute->flags & CONSORT_ATTRIBUTE_UNKNOWN_TYPE && attribute->type.id == CONSORT_TYPE_TEXT)
		storage.codec = MONGO_ANY;
	if (!status)
		*out_storage = storage;
	return status;
}

bool mongo_is_field(const struct consort_resource *resource, const char *name, size_t size)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];

		if (!strncmp(attribute->source, name, size) &&
		    (!attribute->source[size] || attribute->source[size] == '.') &&
		    strcmp(attribute->codec, "rest"))
			return true;
	}
	return size == 3 && !memcmp(name, "_id", size);
}
