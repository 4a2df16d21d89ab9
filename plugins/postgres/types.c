/* SPDX-License-Identifier: Apache-2.0 */
/* From what introspection wrote about a column, or a result's type, to how its values travel. */
#include "types.h"

#include <stdlib.h>
#include <string.h>

#include <consort/adapter.h>
#include <consort/convert.h>

#define WORD_SIZE 64
#define DECIMAL_DIGITS 38
/* What numeric without digits is read as: enough places for what avg() makes of integers. */
#define UNBOUNDED_SCALE 20

const struct pg_codec_info pg_codecs[PG_CODECS] = {
	[PG_BOOL] = {"boolean", 16, 1000, CONSORT_TYPE_BOOL, PG_FAMILY_BOOL, 1},
	[PG_INT2] = {"smallint", 21, 1005, CONSORT_TYPE_INT64, PG_FAMILY_INTEGER, 2},
	[PG_INT4] = {"integer", 23, 1007, CONSORT_TYPE_INT64, PG_FAMILY_INTEGER, 4},
	[PG_INT8] = {"bigint", 20, 1016, CONSORT_TYPE_INT64, PG_FAMILY_INTEGER, 8},
	[PG_OID] = {"oid", 26, 1028, CONSORT_TYPE_INT64, PG_FAMILY_INTEGER, 4},
	[PG_FLOAT4] = {"real", 700, 1021, CONSORT_TYPE_FLOAT64, PG_FAMILY_REAL, 4},
	[PG_FLOAT8] = {"double precision", 701, 1022, CONSORT_TYPE_FLOAT64, PG_FAMILY_REAL, 8},
	[PG_NUMERIC] = {"numeric", 1700, 1231, CONSORT_TYPE_DECIMAL, PG_FAMILY_NUMERIC, 0},
	[PG_TEXT] = {"text", 25, 1009, CONSORT_TYPE_TEXT, PG_FAMILY_TEXT, 0},
	[PG_BPCHAR] = {"character", 1042, 1014, CONSORT_TYPE_TEXT, PG_FAMILY_TEXT, 0},
	[PG_CITEXT] = {"citext", 25, 1009, CONSORT_TYPE_TEXT, PG_FAMILY_TEXT, 0},
	[PG_ENUM] = {"text", 25, 1009, CONSORT_TYPE_TEXT, PG_FAMILY_TEXT, 0},
	[PG_BYTEA] = {"bytea", 17, 1001, CONSORT_TYPE_BYTES, PG_FAMILY_BYTES, 0},
	[PG_TIMESTAMP] = {"timestamp without time zone", 1114, 1115, CONSORT_TYPE_TIMESTAMP,
			  PG_FAMILY_TIMESTAMP, 8},
	[PG_TIMESTAMPTZ] = {"timestamp with time zone", 1184, 1185, CONSORT_TYPE_TIMESTAMP,
			    PG_FAMILY_TIMESTAMP, 8},
	[PG_DATE] = {"date", 1082, 1182, CONSORT_TYPE_DATE, PG_FAMILY_DATE, 4},
	[PG_TIME] = {"time without time zone", 1083, 1183, CONSORT_TYPE_TIME, PG_FAMILY_TIME, 8},
	[PG_UUID] = {"uuid", 2950, 2951, CONSORT_TYPE_UUID, PG_FAMILY_UUID, 16},
	[PG_JSON] = {"json", 114, 199, CONSORT_TYPE_JSON, PG_NO_FAMILY, 0},
	[PG_JSONB] = {"jsonb", 3802, 3807, CONSORT_TYPE_JSON, PG_NO_FAMILY, 0},
	[PG_ARRAY] = {"", 0, 0, CONSORT_TYPE_LIST, PG_NO_FAMILY, 0},
	[PG_OTHER] = {"text", 25, 1009, CONSORT_TYPE_TEXT, PG_FAMILY_TEXT, 0},
};

/* Words of format_type() beside the codecs' own names. */
static const struct {
	const char *word;
	enum pg_codec codec;
} words[] = {
	{"character varying", PG_TEXT},
	{"name", PG_TEXT},
	{"bpchar", PG_BPCHAR},
};

/* Codecs as manifests name them. */
static const struct consort_codec_name names[] = {
	{CONSORT_TYPE_INT64, PG_INT8, "int8"},
	{CONSORT_TYPE_INT64, PG_INT4, "int4"},
	{CONSORT_TYPE_INT64, PG_INT2, "int2"},
	{CONSORT_TYPE_FLOAT64, PG_FLOAT8, "float8"},
	{CONSORT_TYPE_FLOAT64, PG_FLOAT4, "float4"},
	{CONSORT_TYPE_TIMESTAMP, PG_TIMESTAMPTZ, "timestamptz"},
	{CONSORT_TYPE_TIMESTAMP, PG_TIMESTAMP, "timestamp"},
	{CONSORT_TYPE_JSON, PG_JSONB, "jsonb"},
	{CONSORT_TYPE_JSON, PG_JSON, "json"},
};

/* --- what an engine_type says --- */

struct parsed {
	uint8_t codec, element, collation;
	int nmodifiers;
	int modifiers[2];
};

static const char *suffix_of(const char *engine_type)
{
	static const char *const suffixes[] = {" (enum)", " (domain ", " COLLATE "};
	const char *first = engine_type + strlen(engine_type), *at;
	size_t i;

	for (i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		at = strstr(engine_type, suffixes[i]);
		if (at && at < first)
			first = at;
	}
	return first;
}

void pg_base_type(const char *engine_type, struct consort_buffer *out)
{
	consort_buffer_append(out, engine_type, (size_t)(suffix_of(engine_type) - engine_type));
}

/* Copies a type's name without its modifiers, which are "(12,2)" in the middle or at the end. */
static bool split(const char *text, size_t size, char word[WORD_SIZE], struct parsed *out)
{
	size_t used = 0, i;

	out->nmodifiers = 0;
	for (i = 0; i < size; i++) {
		if (text[i] == '(' && !out->nmodifiers) {
			char *end;

			do {
				out->modifiers[out->nmodifiers++] = (int)strtol(text + i + 1, &end, 10);
				i = (size_t)(end - text);
			} while (text[i] == ',' && out->nmodifiers < 2);
			if (text[i] != ')')
				return false;
			continue;
		}
		if (used == WORD_SIZE - 1)
			return false;
		word[used++] = text[i];
	}
	word[used] = '\0';
	return true;
}

static bool has_end(const char *word, const char *end)
{
	size_t size = strlen(word), tail = strlen(end);

	return size >= tail && !strcmp(word + size - tail, end);
}

static enum pg_codec codec_of_word(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].word, word))
			return words[i].codec;
	for (i = 0; i < PG_ARRAY; i++)
		if (i != PG_ENUM && !strcmp(pg_codecs[i].name, word))
			return (enum pg_codec)i;
	/* an extension's type may lie in a schema that is not on the search path */
	return has_end(word, ".citext") ? PG_CITEXT : PG_OTHER;
}

static enum pg_collation collation_of(const char *suffix)
{
	const char *collate = strstr(suffix, " COLLATE ");

	if (!collate)
		return PG_COLLATION_DEFAULT;
	if (has_end(collate, " (nondeterministic)"))
		return PG_COLLATION_LOOSE;
	return !strcmp(collate, " COLLATE \"C\"") || !strcmp(collate, " COLLATE \"POSIX\"")
		       ? PG_COLLATION_C
		       : PG_COLLATION_NAMED;
}

static struct parsed parse(const char *engine_type)
{
	const char *suffix = suffix_of(engine_type);
	size_t size = (size_t)(suffix - engine_type);
	bool array = size > 2 && !memcmp(suffix - 2, "[]", 2);
	struct parsed parsed = {.codec = PG_OTHER};
	char word[WORD_SIZE];

	if (!strncmp(suffix, " (enum)", 7))
		parsed.codec = PG_ENUM;
	else if (split(engine_type, array ? size - 2 : size, word, &parsed))
		parsed.codec = (uint8_t)codec_of_word(word);
	parsed.collation = (uint8_t)collation_of(suffix);
	if (array) {
		parsed.element = parsed.codec;
		parsed.codec = parsed.element == PG_OTHER ? PG_OTHER : PG_ARRAY;
	}
	return parsed;
}

/* numeric(precision, scale), where a scale may also be negative, or more than the precision */
static struct consort_type decimal_of(const struct parsed *parsed)
{
	int precision = parsed->nmodifiers ? parsed->modifiers[0] : DECIMAL_DIGITS;
	int scale = parsed->nmodifiers > 1 ? parsed->modifiers[1] : parsed->nmodifiers ? 0 : UNBOUNDED_SCALE;

	if (scale < 0) {
		precision -= scale;
		scale = 0;
	}
	if (precision < scale)
		precision = scale;
	return consort_type_decimal((uint8_t)(precision > DECIMAL_DIGITS ? DECIMAL_DIGITS : precision),
				    (uint8_t)(scale > DECIMAL_DIGITS ? DECIMAL_DIGITS : scale));
}

static struct consort_type native_type(const struct parsed *parsed)
{
	uint8_t codec = parsed->codec == PG_ARRAY ? parsed->element : parsed->codec;
	struct consort_type type =
		codec == PG_NUMERIC ? decimal_of(parsed) : consort_type_of(pg_codecs[codec].type);

	if (parsed->codec == PG_ARRAY) {
		type.element = type.id;
		type.id = CONSORT_TYPE_LIST;
	}
	return type;
}

/* numeric(p,s) with more places than a decimal has digits: hardly a value of it would be one. */
static bool is_too_fine(const struct parsed *parsed)
{
	uint8_t codec = parsed->codec == PG_ARRAY ? parsed->element : parsed->codec;

	return codec == PG_NUMERIC && parsed->nmodifiers > 1 && parsed->modifiers[1] > DECIMAL_DIGITS;
}

struct consort_type pg_type_of(const char *engine_type, uint32_t *out_flags)
{
	struct parsed parsed = parse(engine_type);

	if (parsed.codec != PG_OTHER && !is_too_fine(&parsed))
		return native_type(&parsed);
	*out_flags |= CONSORT_ATTRIBUTE_UNKNOWN_TYPE;
	return consort_type_of(CONSORT_TYPE_TEXT);
}

/* --- attributes --- */

struct pg_storage pg_plain_storage(struct consort_type type)
{
	struct pg_storage storage = {.limit = -1, .collation = PG_COLLATION_DEFAULT};
	static const uint8_t codecs[] = {
		[CONSORT_TYPE_NULL] = PG_TEXT,	     [CONSORT_TYPE_BOOL] = PG_BOOL,
		[CONSORT_TYPE_INT64] = PG_INT8,	     [CONSORT_TYPE_FLOAT64] = PG_FLOAT8,
		[CONSORT_TYPE_DECIMAL] = PG_NUMERIC, [CONSORT_TYPE_TEXT] = PG_TEXT,
		[CONSORT_TYPE_BYTES] = PG_BYTEA,     [CONSORT_TYPE_TIMESTAMP] = PG_TIMESTAMPTZ,
		[CONSORT_TYPE_DATE] = PG_DATE,	     [CONSORT_TYPE_TIME] = PG_TIME,
		[CONSORT_TYPE_UUID] = PG_UUID,	     [CONSORT_TYPE_OBJECTID] = PG_BYTEA,
		[CONSORT_TYPE_JSON] = PG_JSONB,	     [CONSORT_TYPE_LIST] = PG_ARRAY,
	};

	storage.codec = type.id < sizeof(codecs) ? codecs[type.id] : PG_OTHER;
	if (type.id == CONSORT_TYPE_LIST)
		storage.element = type.element < sizeof(codecs) ? codecs[type.element] : PG_OTHER;
	return storage;
}

static uint32_t no_conversion(const struct consort_resource *resource,
			      const struct consort_attribute *attribute, struct consort_error *error)
{
	struct consort_buffer type = CONSORT_BUFFER_INIT;

	consort_type_print(attribute->type, &type);
	consort_error_set(
		error, CONSORT_EVALUE, "resource '%s', attribute '%s': a column of type %s is not read as %s",
		resource->name, attribute->name, attribute->engine_type, type.data ? type.data : "that");
	consort_buffer_clear(&type);
	return CONSORT_EVALUE;
}

/* Can values of the column become the attribute's where nothing is lost, and back? */
static bool converts(const struct pg_storage *storage, struct consort_type to)
{
	switch (storage->codec) {
	case PG_TEXT:
	case PG_BPCHAR:
	case PG_CITEXT:
	case PG_ENUM:
	case PG_OTHER:
		return true;
	case PG_INT2:
	case PG_INT4:
	case PG_INT8:
	case PG_OID:
		return to.id == CONSORT_TYPE_DECIMAL || to.id == CONSORT_TYPE_FLOAT64;
	case PG_NUMERIC:
		return to.id == CONSORT_TYPE_INT64 || to.id == CONSORT_TYPE_FLOAT64;
	case PG_DATE:
		return to.id == CONSORT_TYPE_TIMESTAMP;
	default:
		return false;
	}
}

/* An attribute of another type than its column. */
static uint32_t adapt(const struct consort_resource *resource, const struct consort_attribute *attribute,
		      struct consort_type native, struct pg_storage *storage, struct consort_error *error)
{
	struct consort_type to = attribute->type;

	if (consort_type_equal(native, to) || (native.id == CONSORT_TYPE_DECIMAL && to.id == native.id) ||
	    (native.id == CONSORT_TYPE_BYTES && to.id == CONSORT_TYPE_OBJECTID) ||
	    (storage->codec == PG_ARRAY && to.id == CONSORT_TYPE_LIST && to.element == native.element))
		return CONSORT_OK;
	if (to.id == CONSORT_TYPE_TEXT) {
		storage->codec = PG_OTHER;
		return CONSORT_OK;
	}
	if (!converts(storage, to))
		return no_conversion(resource, attribute, error);
	storage->converts = true;
	return CONSORT_OK;
}

const struct consort_attribute *pg_document_of(const struct consort_resource *resource,
					       const struct consort_attribute *attribute,
					       const char **out_path)
{
	uint32_t i;

	if (attribute->engine_type && *attribute->engine_type)
		return NULL;
	for (i = 0; i < resource->nattributes; i++) {
		const struct consort_attribute *other = resource->attributes[i];
		size_t size = strlen(other->source);
		uint8_t codec;

		if (strncmp(attribute->source, other->source, size) || attribute->source[size] != '.' ||
		    !other->engine_type)
			continue;
		codec = parse(other->engine_type).codec;
		*out_path = attribute->source + size + 1;
		if (codec == PG_JSONB || codec == PG_JSON)
			return other;
	}
	return NULL;
}

/* A text is read as ->> reads it. */
static struct pg_storage storage_of_part(struct consort_type type)
{
	struct pg_storage storage = {.codec = PG_JSONB, .nested = true, .limit = -1};

	storage.converts = type.id != CONSORT_TYPE_JSON && type.id != CONSORT_TYPE_TEXT;
	return storage;
}

static int32_t limit_of(const struct parsed *parsed)
{
	uint8_t codec = parsed->codec == PG_ARRAY ? parsed->element : parsed->codec;

	if (!parsed->nmodifiers)
		return -1;
	if (codec != PG_NUMERIC)
		return parsed->modifiers[0];
	return PG_SCALE_BASE + (parsed->nmodifiers > 1 ? parsed->modifiers[1] : 0);
}

uint32_t pg_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
		       struct pg_storage *out_storage, struct consort_error *error)
{
	struct pg_storage storage = pg_plain_storage(attribute->type);
	struct parsed parsed;
	const char *path;

	if (attribute->codec && *attribute->codec &&
	    consort_codec_find(names, sizeof(names) / sizeof(*names), "PostgreSQL", resource, attribute,
			       &storage.codec, error))
		return CONSORT_EVALUE;
	if (pg_document_of(resource, attribute, &path)) {
		*out_storage = storage_of_part(attribute->type);
		return CONSORT_OK;
	}
	if (!attribute->engine_type || !*attribute->engine_type) {
		*out_storage = storage;
		return CONSORT_OK;
	}
	parsed = parse(attribute->engine_type);
	storage.codec = parsed.codec;
	storage.element = parsed.element;
	storage.collation = parsed.collation;
	storage.limit = limit_of(&parsed);
	*out_storage = storage;
	return adapt(resource, attribute, native_type(&parsed), out_storage, error);
}

/* --- define --- */

static void decimal_name(struct consort_type type, struct consort_buffer *out)
{
	consort_buffer_printf(out, "numeric(%u,%u)", type.precision, type.scale);
}

uint32_t pg_column_type(const struct consort_resource *resource, const struct consort_attribute *attribute,
			struct consort_buffer *out, struct consort_error *error)
{
	struct consort_attribute bare = *attribute;
	struct pg_storage storage;
	bool list = attribute->type.id == CONSORT_TYPE_LIST;
	uint8_t codec;
	uint32_t status;

	bare.engine_type = "";
	status = pg_storage_of(resource, &bare, &storage, error);
	if (status)
		return status;
	codec = list ? storage.element : storage.codec;
	if (codec == PG_NUMERIC)
		decimal_name(attribute->type, out);
	else
		consort_buffer_text(out, pg_codecs[codec].name);
	/* the order of texts is by bytes: an index serves it if the column has it, too */
	if (codec == PG_TEXT && !list)
		consort_buffer_text(out, " COLLATE \"C\"");
	if (list)
		consort_buffer_text(out, "[]");
	return CONSORT_OK;
}

/* --- results of native statements --- */

struct consort_type pg_type_of_oid(uint32_t oid, int32_t modifier, struct pg_storage *out_storage)
{
	struct parsed parsed = {.codec = PG_OTHER};
	uint8_t codec;

	switch (oid) {
	case 1043: /* character varying */
	case 19:   /* name */
	case 705:  /* a literal of no type yet */
		parsed.codec = PG_TEXT;
		break;
	default:
		for (codec = 0; codec < PG_ARRAY; codec++) {
			if (codec == PG_CITEXT || codec == PG_ENUM)
				continue;
			if (pg_codecs[codec].oid == oid)
				parsed.codec = codec;
			if (pg_codecs[codec].array == oid) {
				parsed.codec = PG_ARRAY;
				parsed.element = codec;
			}
		}
	}
	if (modifier >= 4 && (parsed.codec == PG_NUMERIC || parsed.element == PG_NUMERIC)) {
		parsed.nmodifiers = 2;
		parsed.modifiers[0] = ((modifier - 4) >> 16) & 0xffff;
		parsed.modifiers[1] = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
	}
	if (is_too_fine(&parsed))
		parsed = (struct parsed){.codec = PG_OTHER};
	*out_storage = (struct pg_storage){.codec = parsed.codec, .element = parsed.element, .limit = -1};
	return native_type(&parsed);
}
