/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a column is declared as to how its values are stored. An attribute's engine_type is the declared
 * type, followed by what else introspection knows of the column: " PRIMARY KEY" or " UNIQUE" (alone, not with
 * others), and " COLLATE name" unless it is BINARY. "INTEGER PRIMARY KEY" is always the row's number itself,
 * which cannot be anything but an integer.
 */
#include "sqlite.h"

#include <string.h>
#include <strings.h>

const struct lite_codec_info lite_codecs[LITE_CODECS] = {
	[LITE_INT64] = {"int64", CONSORT_TYPE_INT64, SQLITE_INTEGER, false, true, true, false},
	[LITE_FLOAT64] = {"float64", CONSORT_TYPE_FLOAT64, SQLITE_FLOAT, false, true, true, false},
	[LITE_TEXT] = {"text", CONSORT_TYPE_TEXT, SQLITE_TEXT, true, true, true, false},
	[LITE_BYTES] = {"bytes", CONSORT_TYPE_BYTES, SQLITE_BLOB, false, true, true, false},
	[LITE_MICROS] = {"us", CONSORT_TYPE_TIMESTAMP, SQLITE_INTEGER, false, true, true, false},
	[LITE_BOOL] = {"bool", CONSORT_TYPE_BOOL, SQLITE_INTEGER, true, true, true, false},
	[LITE_MILLIS] = {"ms", CONSORT_TYPE_TIMESTAMP, SQLITE_INTEGER, true, true, true, false},
	[LITE_SECONDS] = {"s", CONSORT_TYPE_TIMESTAMP, SQLITE_INTEGER, true, true, true, false},
	[LITE_ISO] = {"iso", CONSORT_TYPE_TIMESTAMP, SQLITE_TEXT, true, false, false, true},
	[LITE_DAYS] = {"days", CONSORT_TYPE_DATE, SQLITE_INTEGER, true, true, true, false},
	[LITE_DATE] = {"date", CONSORT_TYPE_DATE, SQLITE_TEXT, true, true, true, true},
	[LITE_TIME_MICROS] = {"time", CONSORT_TYPE_TIME, SQLITE_INTEGER, true, true, true, false},
	[LITE_UUID] = {"uuid", CONSORT_TYPE_UUID, SQLITE_BLOB, true, true, true, false},
	[LITE_UUID_TEXT] = {"uuid_text", CONSORT_TYPE_UUID, SQLITE_TEXT, true, true, true, true},
	[LITE_OBJECTID] = {"objectid", CONSORT_TYPE_OBJECTID, SQLITE_BLOB, true, true, true, false},
	[LITE_OBJECTID_TEXT] = {"objectid_text", CONSORT_TYPE_OBJECTID, SQLITE_TEXT, true, true, true, false},
	[LITE_JSON] = {"json", CONSORT_TYPE_JSON, SQLITE_TEXT, true, false, false, false},
	[LITE_SUM] = {"sum", CONSORT_TYPE_FLOAT64, SQLITE_FLOAT, true, true, true, false},
	[LITE_CONVERT] = {"convert", CONSORT_TYPE_NULL, 0, true, false, false, false},
};

/* Codecs as manifests name them. */
static const struct consort_codec_name names[] = {
	{CONSORT_TYPE_TIMESTAMP, LITE_MICROS, "us"},	{CONSORT_TYPE_TIMESTAMP, LITE_MILLIS, "ms"},
	{CONSORT_TYPE_TIMESTAMP, LITE_SECONDS, "s"},	{CONSORT_TYPE_TIMESTAMP, LITE_ISO, "iso"},
	{CONSORT_TYPE_DATE, LITE_DAYS, "days"},		{CONSORT_TYPE_DATE, LITE_DATE, "iso"},
	{CONSORT_TYPE_TIME, LITE_TIME_MICROS, "us"},	{CONSORT_TYPE_TIME, LITE_CONVERT, "iso"},
	{CONSORT_TYPE_UUID, LITE_UUID, "blob"},		{CONSORT_TYPE_UUID, LITE_UUID_TEXT, "text"},
	{CONSORT_TYPE_OBJECTID, LITE_OBJECTID, "blob"}, {CONSORT_TYPE_OBJECTID, LITE_OBJECTID_TEXT, "text"},
	{CONSORT_TYPE_DECIMAL, LITE_CONVERT, "text"},	{CONSORT_TYPE_JSON, LITE_JSON, "text"},
	{CONSORT_TYPE_LIST, LITE_CONVERT, "json"},
};

/* --- declared types --- */

static bool contains(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

/* The rules of "Determination Of Column Affinity", in their order. */
enum lite_affinity lite_affinity_of(const char *declared)
{
	if (contains(declared, "INT"))
		return LITE_AFFINITY_INTEGER;
	if (contains(declared, "CHAR") || contains(declared, "CLOB") || contains(declared, "TEXT"))
		return LITE_AFFINITY_TEXT;
	if (!*declared || contains(declared, "BLOB"))
		return LITE_AFFINITY_NONE;
	if (contains(declared, "REAL") || contains(declared, "FLOA") || contains(declared, "DOUB"))
		return LITE_AFFINITY_REAL;
	return LITE_AFFINITY_NUMERIC;
}

/* Words that say more than the affinity they have. */
static const struct {
	const char *word;
	uint16_t type;
} words[] = {
	{"BOOL", CONSORT_TYPE_BOOL},	       {"BOOLEAN", CONSORT_TYPE_BOOL},
	{"TIMESTAMP", CONSORT_TYPE_TIMESTAMP}, {"TIMESTAMPTZ", CONSORT_TYPE_TIMESTAMP},
	{"DATETIME", CONSORT_TYPE_TIMESTAMP},  {"DATE", CONSORT_TYPE_DATE},
	{"TIME", CONSORT_TYPE_TIME},	       {"UUID", CONSORT_TYPE_UUID},
	{"GUID", CONSORT_TYPE_UUID},	       {"JSON", CONSORT_TYPE_JSON},
	{"DECIMAL", CONSORT_TYPE_FLOAT64},     {"NUMERIC", CONSORT_TYPE_FLOAT64},
	{"NUMBER", CONSORT_TYPE_FLOAT64},
};

struct consort_type lite_type_of(const char *declared, bool strict, uint32_t *out_flags)
{
	size_t length = strcspn(declared, " ("), i;

	for (i = 0; !strict && i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == length && !strncasecmp(words[i].word, declared, length))
			return consort_type_of(words[i].type);
	switch (strict && !strcasecmp(declared, "ANY") ? LITE_AFFINITY_NUMERIC : lite_affinity_of(declared)) {
	case LITE_AFFINITY_INTEGER:
		return consort_type_of(CONSORT_TYPE_INT64);
	case LITE_AFFINITY_REAL:
		return consort_type_of(CONSORT_TYPE_FLOAT64);
	case LITE_AFFINITY_TEXT:
		return consort_type_of(CONSORT_TYPE_TEXT);
	case LITE_AFFINITY_NONE:
		if (*declared)
			return consort_type_of(CONSORT_TYPE_BYTES);
		break;
	default:
		break;
	}
	*out_flags |= CONSORT_ATTRIBUTE_UNKNOWN_TYPE;
	return consort_type_of(CONSORT_TYPE_TEXT);
}

/* --- storage --- */

enum lite_codec lite_default_codec(struct consort_type type)
{
	switch (type.id) {
	case CONSORT_TYPE_BOOL:
		return LITE_BOOL;
	case CONSORT_TYPE_INT64:
		return LITE_INT64;
	case CONSORT_TYPE_FLOAT64:
		return LITE_FLOAT64;
	case CONSORT_TYPE_TEXT:
		return LITE_TEXT;
	case CONSORT_TYPE_BYTES:
		return LITE_BYTES;
	case CONSORT_TYPE_TIMESTAMP:
		return LITE_MICROS;
	case CONSORT_TYPE_DATE:
		return LITE_DATE;
	case CONSORT_TYPE_TIME:
		return LITE_TIME_MICROS;
	case CONSORT_TYPE_UUID:
		return LITE_UUID;
	case CONSORT_TYPE_OBJECTID:
		return LITE_OBJECTID;
	case CONSORT_TYPE_JSON:
		return LITE_JSON;
	default:
		return LITE_CONVERT;
	}
}

/* What is stored in a column of that affinity unless a codec is named. */
static enum lite_codec codec_for(const struct consort_attribute *attribute, enum lite_affinity affinity)
{
	bool text = affinity == LITE_AFFINITY_TEXT, none = affinity == LITE_AFFINITY_NONE;
	bool integer = affinity == LITE_AFFINITY_INTEGER;

	switch (attribute->type.id) {
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_INT64:
		return text || affinity == LITE_AFFINITY_REAL ? LITE_CONVERT
							      : lite_default_codec(attribute->type);
	case CONSORT_TYPE_FLOAT64:
		return text ? LITE_CONVERT : LITE_FLOAT64;
	case CONSORT_TYPE_TEXT:
		return (text || none) && !(attribute->flags & CONSORT_ATTRIBUTE_UNKNOWN_TYPE) ? LITE_TEXT
											      : LITE_CONVERT;
	case CONSORT_TYPE_TIMESTAMP:
		return integer || none ? LITE_MICROS : LITE_ISO;
	case CONSORT_TYPE_DATE:
		return integer ? LITE_DAYS : LITE_DATE;
	case CONSORT_TYPE_TIME:
		return integer || none ? LITE_TIME_MICROS : LITE_CONVERT;
	case CONSORT_TYPE_UUID:
		return text || affinity == LITE_AFFINITY_NUMERIC ? LITE_UUID_TEXT : LITE_UUID;
	case CONSORT_TYPE_OBJECTID:
		return text ? LITE_OBJECTID_TEXT : LITE_OBJECTID;
	default:
		return lite_default_codec(attribute->type);
	}
}

/* Does the column leave values of that codec, and what they are compared with, as they are? */
static bool keeps(enum lite_affinity affinity, const struct lite_codec_info *codec)
{
	switch (codec->storage) {
	case SQLITE_INTEGER:
		return affinity != LITE_AFFINITY_TEXT && affinity != LITE_AFFINITY_REAL;
	case SQLITE_FLOAT:
		return affinity != LITE_AFFINITY_TEXT;
	case SQLITE_TEXT:
		return affinity == LITE_AFFINITY_TEXT || affinity == LITE_AFFINITY_NONE ||
		       codec->never_numeric;
	default:
		return true;
	}
}

static int storage_of_affinity(enum lite_affinity affinity)
{
	switch (affinity) {
	case LITE_AFFINITY_INTEGER:
		return SQLITE_INTEGER;
	case LITE_AFFINITY_REAL:
		return SQLITE_FLOAT;
	case LITE_AFFINITY_TEXT:
		return SQLITE_TEXT;
	default:
		return SQLITE_BLOB;
	}
}

/* The codec that the attribute names. One of integers needs a column that leaves integers as they are. */
static uint32_t find_codec(const struct consort_resource *resource, const struct consort_attribute *attribute,
			   enum lite_affinity affinity, uint8_t *out_codec, struct consort_error *error)
{
	bool view = resource->flags & CONSORT_RESOURCE_READ_ONLY;
	const struct lite_codec_info *codec;
	uint8_t found;

	if (consort_codec_find(names, sizeof(names) / sizeof(*names), "SQLite", resource, attribute, &found, error))
		return CONSORT_EVALUE;
	codec = &lite_codecs[found];
	if (!view && codec->storage == SQLITE_INTEGER && !keeps(affinity, codec))
		return consort_error_set(
			error, CONSORT_EVALUE,
			"resource '%s', attribute '%s': codec '%s' stores integers, of which the "
			"column's type %s makes %s",
			resource->name, attribute->name, attribute->codec, attribute->engine_type,
			affinity == LITE_AFFINITY_TEXT ? "texts" : "doubles");
	*out_codec = found;
	return CONSORT_OK;
}

/* Does = with a value of the codec find only values that have its form? Not where a double lies that is equal
 * to an integer: in columns without affinity. */
static bool is_pinned(enum lite_affinity affinity, const struct lite_codec_info *codec)
{
	return codec->equality && (codec->storage != SQLITE_INTEGER || affinity == LITE_AFFINITY_INTEGER ||
				   affinity == LITE_AFFINITY_NUMERIC);
}

uint32_t lite_storage_of(const struct consort_resource *resource, const struct consort_attribute *attribute,
			 struct lite_storage *out_storage, struct consort_error *error)
{
	const char *declared = attribute->engine_type ? attribute->engine_type : "";
	const char *key = strstr(declared, " PRIMARY KEY"), *unique = strstr(declared, " UNIQUE");
	const char *collate = strstr(declared, " COLLATE ");
	bool strict = attribute->flags & CONSORT_ATTRIBUTE_STRICT, own;
	struct lite_storage storage = {0};
	const struct lite_codec_info *codec;
	char base[64];

	consort_copy_text(base, sizeof(base), declared);
	if (key || unique || collate) {
		const char *end = key ? key : unique ? unique : collate;

		if ((size_t)(end - declared) < sizeof(base))
			base[end - declared] = '\0';
	}
	storage.affinity =
		(uint8_t)(strict && !strcasecmp(base, "ANY") ? LITE_AFFINITY_NONE : lite_affinity_of(base));
	if (attribute->codec && *attribute->codec) {
		uint32_t status = find_codec(resource, attribute, storage.affinity, &storage.codec, error);

		if (status)
			return status;
	} else {
		storage.codec = (uint8_t)codec_for(attribute, storage.affinity);
	}
	codec = &lite_codecs[storage.codec];
	own = strict || !strcmp(declared, "INTEGER PRIMARY KEY");
	storage.checked = !own || codec->loose || codec->storage != storage_of_affinity(storage.affinity);
	storage.equality = codec->equality && keeps(storage.affinity, codec);
	storage.order = codec->order && keeps(storage.affinity, codec);
	storage.pinned = is_pinned(storage.affinity, codec);
	storage.unique = key || unique;
	storage.collated = codec->storage == SQLITE_TEXT &&
			   (collate || !*declared || (resource->flags & CONSORT_RESOURCE_READ_ONLY));
	*out_storage = storage;
	return CONSORT_OK;
}
