/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of fields, told from some documents. Numbers of different widths are one type; what goes together in
 * no other way is text, as MongoDB would show it. Everything that was met is told with its count.
 */
#include "sample.h"

#include <consort/convert.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

enum kind {
	INT,
	LONG,
	DOUBLE,
	DECIMAL,
	STRING,
	BOOL,
	DATE,
	OBJECTID,
	BINARY,
	UUID,
	DOCUMENT,
	ARRAY,
	NOTHING,
	OTHER
};

static const char *const words[MONGO_TYPES] = {
	[INT] = "int",	      [LONG] = "long",	[DOUBLE] = "double",   [DECIMAL] = "decimal",
	[STRING] = "string",  [BOOL] = "bool",	[DATE] = "date",       [OBJECTID] = "objectId",
	[BINARY] = "binData", [UUID] = "uuid",	[DOCUMENT] = "object", [ARRAY] = "array",
	[NOTHING] = "null",   [OTHER] = "other"};

static enum kind kind_of(const bson_iter_t *value)
{
	bson_subtype_t subtype;
	const uint8_t *data;
	uint32_t size;

	switch (bson_iter_type(value)) {
	case BSON_TYPE_INT32:
		return INT;
	case BSON_TYPE_INT64:
		return LONG;
	case BSON_TYPE_DOUBLE:
		return DOUBLE;
	case BSON_TYPE_DECIMAL128:
		return DECIMAL;
	case BSON_TYPE_UTF8:
		return STRING;
	case BSON_TYPE_BOOL:
		return BOOL;
	case BSON_TYPE_DATE_TIME:
		return DATE;
	case BSON_TYPE_OID:
		return OBJECTID;
	case BSON_TYPE_BINARY:
		bson_iter_binary(value, &subtype, &size, &data);
		return subtype == BSON_SUBTYPE_BINARY		    ? BINARY
		       : subtype == BSON_SUBTYPE_UUID && size == 16 ? UUID
								    : OTHER;
	case BSON_TYPE_DOCUMENT:
		return DOCUMENT;
	case BSON_TYPE_ARRAY:
		return ARRAY;
	case BSON_TYPE_NULL:
	case BSON_TYPE_UNDEFINED:
		return NOTHING;
	default:
		return OTHER;
	}
}

struct mongo_seen *mongo_sample_field(struct mongo_sample *sample, const char *name)
{
	struct mongo_seen *field;
	uint32_t i;

	for (i = 0; i < sample->nfields; i++)
		if (!strcmp(sample->fields[i].name, name))
			return &sample->fields[i];
	if (sample->nfields == sample->room) {
		uint32_t room = sample->room * 2 + 16;
		struct mongo_seen *more = consort_arena_array(&sample->arena, room, sizeof(*more));

		if (!more)
			return NULL;
		if (sample->nfields)
			memcpy(more, sample->fields, sample->nfields * sizeof(*more));
		sample->fields = more;
		sample->room = room;
	}
	field = &sample->fields[sample->nfields];
	memset(field, 0, sizeof(*field));
	field->name = consort_arena_text(&sample->arena, name);
	if (!field->name)
		return NULL;
	field->codec = "";
	sample->nfields++;
	return field;
}

static void add_decimal(struct mongo_seen *field, const bson_iter_t *value)
{
	struct mongo_digits digits;
	bson_decimal128_t decimal;
	uint8_t count = 0;

	bson_iter_decimal128(value, &decimal);
	if (!mongo_decimal_split(&decimal, &digits) || digits.exponent < -MONGO_DIGITS ||
	    digits.exponent > MONGO_DIGITS) {
		field->odd = true;
		return;
	}
	for (; digits.coefficient; digits.coefficient /= 10)
		count++;
	if (digits.exponent < 0 && -digits.exponent > field->scale)
		field->scale = (uint8_t)-digits.exponent;
	if (count + digits.exponent > field->whole)
		field->whole = (uint8_t)(count + digits.exponent);
}

bool mongo_sample_add(struct mongo_sample *sample, const uint8_t *data, size_t size)
{
	bson_iter_t at, item;

	sample->documents++;
	if (!bson_iter_init_from_data(&at, data, size))
		return true;
	while (bson_iter_next(&at)) {
		const char *name = bson_iter_key(&at);
		struct mongo_seen *field;
		enum kind kind = kind_of(&at);

		/* no source can name it */
		if (!*name || *name == '$' || strchr(name, '.') ||
		    !consort_utf8_valid(name, strlen(name), NULL))
			continue;
		field = mongo_sample_field(sample, name);
		if (!field)
			return false;
		field->counts[kind]++;
		field->total++;
		if (kind == DECIMAL)
			add_decimal(field, &at);
		if (kind == ARRAY && bson_iter_recurse(&at, &item))
			while (bson_iter_next(&item))
				field->items[kind_of(&item)]++;
	}
	return true;
}

/* --- validators --- */

/* "timestamp", or "timestamp codec micros", as define writes it */
static bool read_stated(struct mongo_sample *sample, struct mongo_seen *field, const char *text)
{
	const char *codec = strstr(text, " codec ");
	char *type = consort_arena_copy(&sample->arena, text, codec ? (size_t)(codec - text) : strlen(text));

	if (!type)
		return false;
	if (consort_type_parse(type, &field->type, NULL))
		field->type = consort_type_of(CONSORT_TYPE_NULL);
	else if (codec)
		field->codec = consort_arena_text(&sample->arena, codec + strlen(" codec "));
	return field->codec != NULL;
}

static bool read_property(struct mongo_sample *sample, const bson_iter_t *property)
{
	struct mongo_seen *field = mongo_sample_field(sample, bson_iter_key(property));
	bson_iter_t at;

	if (!field)
		return false;
	if (!bson_iter_recurse(property, &at))
		return true;
	while (bson_iter_next(&at))
		if (!strcmp(bson_iter_key(&at), "description") && BSON_ITER_HOLDS_UTF8(&at) &&
		    !read_stated(sample, field, bson_iter_utf8(&at, NULL)))
			return false;
	return true;
}

static bool read_required(struct mongo_sample *sample, const bson_iter_t *name)
{
	struct mongo_seen *field;

	if (!BSON_ITER_HOLDS_UTF8(name))
		return true;
	field = mongo_sample_field(sample, bson_iter_utf8(name, NULL));
	if (field)
		field->required = field->type.id != CONSORT_TYPE_NULL;
	return field != NULL;
}

/* Reads each of what stands under that name; true if there is nothing. */
static bool read_each(struct mongo_sample *sample, const bson_iter_t *schema, const char *name,
		      bool (*read)(struct mongo_sample *sample, const bson_iter_t *item))
{
	bson_iter_t at = *schema, inside;

	while (bson_iter_next(&at))
		if (!strcmp(bson_iter_key(&at), name) && bson_iter_recurse(&at, &inside))
			while (bson_iter_next(&inside))
				if (!read(sample, &inside))
					return false;
	return true;
}

/* Properties come first: their order is that of the attributes, and required is told of what has a type. */
bool mongo_sample_validator(struct mongo_sample *sample, const bson_iter_t *schema)
{
	bool done = read_each(sample, schema, "properties", read_property) &&
		    read_each(sample, schema, "required", read_required);

	sample->nstated = sample->nfields;
	return done;
}

/* --- types --- */

/* The type of values of these kinds; id NULL: there is none, or no value. */
static struct consort_type type_of(const uint32_t *counts, const struct mongo_seen *field)
{
	static const uint16_t types[] = {
		[STRING] = CONSORT_TYPE_TEXT,	 [BOOL] = CONSORT_TYPE_BOOL,
		[DATE] = CONSORT_TYPE_TIMESTAMP, [OBJECTID] = CONSORT_TYPE_OBJECTID,
		[BINARY] = CONSORT_TYPE_BYTES,	 [UUID] = CONSORT_TYPE_UUID,
		[DOCUMENT] = CONSORT_TYPE_JSON,	 [ARRAY] = CONSORT_TYPE_JSON,
	};
	uint32_t values = 0, whole = counts[INT] + counts[LONG], i;
	struct consort_type type = consort_type_of(CONSORT_TYPE_NULL);

	for (i = 0; i < MONGO_TYPES; i++)
		values += i == NOTHING ? 0 : counts[i];
	if (!values)
		return type;
	if (whole == values)
		return consort_type_of(CONSORT_TYPE_INT64);
	if (whole + counts[DOUBLE] == values)
		return consort_type_of(CONSORT_TYPE_FLOAT64);
	if (whole + counts[DECIMAL] == values && !field->odd && field->whole + field->scale <= 38)
		return consort_type_decimal(38, field->scale);
	if (counts[DOCUMENT] + counts[ARRAY] == values)
		return consort_type_of(CONSORT_TYPE_JSON);
	for (i = STRING; i <= UUID; i++)
		if (counts[i] == values)
			type = consort_type_of(types[i]);
	return type;
}

/* A list of scalars, where all that was met are; else a document. */
static struct consort_type list_of(const struct mongo_seen *field)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_JSON), item;

	if (field->counts[ARRAY] + field->counts[NOTHING] != field->total)
		return type;
	item = type_of(field->items, field);
	if (item.id == CONSORT_TYPE_NULL || item.id == CONSORT_TYPE_JSON || item.id == CONSORT_TYPE_DECIMAL)
		return type;
	type = consort_type_of(CONSORT_TYPE_LIST);
	type.element = item.id;
	return type;
}

/* "long 990, int 10 of 1005 sampled" */
static const char *tell(struct mongo_sample *sample, const struct mongo_seen *field)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *told;
	uint32_t i;

	for (i = 0; i < MONGO_TYPES; i++)
		if (field->counts[i])
			consort_buffer_printf(&text, "%s%s %u", text.size ? ", " : "", words[i],
					      field->counts[i]);
	consort_buffer_printf(&text, "%sof %u sampled", text.size ? " " : "none ", sample->documents);
	told = text.failed ? NULL : consort_arena_text(&sample->arena, text.data);
	consort_buffer_clear(&text);
	return told;
}

struct consort_attribute *mongo_sample_attribute(struct mongo_sample *sample, const struct mongo_seen *field)
{
	struct consort_attribute *attribute = consort_arena_alloc(&sample->arena, sizeof(*attribute));
	bool id = !strcmp(field->name, "_id");

	if (!attribute)
		return NULL;
	attribute->struct_size = sizeof(*attribute);
	attribute->name = attribute->source = field->name;
	attribute->codec = field->codec;
	attribute->engine_type = tell(sample, field);
	attribute->type = field->type.id != CONSORT_TYPE_NULL ? field->type : type_of(field->counts, field);
	if (field->type.id == CONSORT_TYPE_NULL && attribute->type.id == CONSORT_TYPE_JSON &&
	    field->counts[ARRAY])
		attribute->type = list_of(field);
	if (attribute->type.id == CONSORT_TYPE_NULL) {
		attribute->type = consort_type_of(id ? CONSORT_TYPE_OBJECTID : CONSORT_TYPE_TEXT);
		attribute->flags |= id && !field->total ? 0 : CONSORT_ATTRIBUTE_UNKNOWN_TYPE;
		if (id && field->total)
			attribute->type = consort_type_of(CONSORT_TYPE_TEXT);
	}
	if (id || field->required)
		attribute->flags |= CONSORT_ATTRIBUTE_NOT_NULL;
	if (id && attribute->type.id == CONSORT_TYPE_OBJECTID)
		attribute->flags |= CONSORT_ATTRIBUTE_GENERATED;
	return attribute->engine_type ? attribute : NULL;
}
