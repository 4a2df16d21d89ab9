/* SPDX-License-Identifier: Apache-2.0 */
/* The names of types, and texts as messages show them. */
#include "values.h"

#include <consort/nearest.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct type_name {
	const char *name;
	const char *noun;
};

static const struct type_name names[CONSORT_TYPE_COUNT] = {
	[CONSORT_TYPE_NULL] = {"null", "NULL"},
	[CONSORT_TYPE_BOOL] = {"bool", "a boolean"},
	[CONSORT_TYPE_INT64] = {"int64", "an integer"},
	[CONSORT_TYPE_FLOAT64] = {"float64", "a float64"},
	[CONSORT_TYPE_DECIMAL] = {"decimal", "a decimal"},
	[CONSORT_TYPE_TEXT] = {"text", "text"},
	[CONSORT_TYPE_BYTES] = {"bytes", "bytes"},
	[CONSORT_TYPE_TIMESTAMP] = {"timestamp", "a timestamp"},
	[CONSORT_TYPE_DATE] = {"date", "a date"},
	[CONSORT_TYPE_TIME] = {"time", "a time"},
	[CONSORT_TYPE_UUID] = {"uuid", "a uuid"},
	[CONSORT_TYPE_OBJECTID] = {"objectid", "an objectid"},
	[CONSORT_TYPE_JSON] = {"json", "JSON"},
	[CONSORT_TYPE_LIST] = {"list", "a list"},
};

/* What SQL calls them, for the hint only. */
static const struct {
	const char *word;
	const char *name;
} synonyms[] = {
	{"int", "int64"}, {"integer", "int64"}, {"bigint", "int64"}, {"smallint", "int64"},
	{"int4", "int64"}, {"int8", "int64"}, {"int32", "int64"}, {"long", "int64"}, {"double", "float64"},
	{"real", "float64"}, {"float", "float64"}, {"float8", "float64"}, {"double precision", "float64"},
	{"numeric", "decimal"}, {"decimal128", "decimal"}, {"varchar", "text"}, {"string", "text"},
	{"char", "text"}, {"utf8", "text"}, {"boolean", "bool"}, {"blob", "bytes"}, {"bytea", "bytes"},
	{"binary", "bytes"}, {"datetime", "timestamp"}, {"timestamptz", "timestamp"}, {"oid", "objectid"},
	{"guid", "uuid"}, {"document", "json"}, {"object", "json"}, {"jsonb", "json"},
	{"array", "list of text"},
};

static size_t append(char *out, size_t size, size_t capacity, const char *text)
{
	consort_copy_text(out + size, capacity - size, text);
	return size + strlen(out + size);
}

static size_t print_scalar(uint16_t id, uint8_t precision, uint8_t scale, char *out, size_t size,
			   size_t capacity)
{
	if (id >= CONSORT_TYPE_COUNT)
		return size + (size_t)snprintf(out + size, capacity - size, "type %u", id);
	size = append(out, size, capacity, names[id].name);
	if (id == CONSORT_TYPE_DECIMAL)
		size += (size_t)snprintf(out + size, capacity - size, "(%u,%u)", precision, scale);
	return size;
}

const char *consort_type_name(struct consort_type type, char out[CONSORT_TYPE_NAME_SIZE])
{
	size_t size = 0;

	if (type.id == CONSORT_TYPE_LIST) {
		size = append(out, 0, CONSORT_TYPE_NAME_SIZE, "list of ");
		type.id = type.element;
	}
	print_scalar(type.id, type.precision, type.scale, out, size, CONSORT_TYPE_NAME_SIZE);
	return out;
}

void consort_type_print(struct consort_type type, struct consort_buffer *out)
{
	char name[CONSORT_TYPE_NAME_SIZE];

	consort_buffer_text(out, consort_type_name(type, name));
}

const char *consort_type_noun(struct consort_type type)
{
	return type.id < CONSORT_TYPE_COUNT ? names[type.id].noun : "a value of a newer type";
}

/* --- parsing --- */

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

/* The nearest type's name to a word of `size` characters, or NULL. */
static const char *suggest(const char *word)
{
	struct consort_nearest_search search;
	size_t i;

	for (i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (!strcasecmp(word, synonyms[i].word))
			return synonyms[i].name;
	consort_nearest_begin(&search, word);
	for (i = CONSORT_TYPE_BOOL; i < CONSORT_TYPE_LIST; i++)
		consort_nearest_consider(&search, names[i].name);
	if (!search.best && !strncasecmp(word, "list", 4))
		return "list of text";
	return search.best;
}

static uint32_t unknown_type(const char *text, struct consort_error *error)
{
	char word[CONSORT_SHOWN_SIZE], shown[CONSORT_SHOWN_SIZE], hint[64];
	size_t size = strcspn(text, "(");

	while (size && is_blank(text[size - 1]))
		size--;
	consort_shown(text, size, word);
	return consort_error_set(error, CONSORT_ETYPE, "unknown type '%s'%s",
				 consort_shown(text, strlen(text), shown),
				 consort_hint(suggest(word), hint, sizeof(hint)));
}

/* Up to three digits between blanks. */
static const char *parse_small(const char *p, unsigned *out_number)
{
	const char *start = p = skip_blanks(p);

	for (*out_number = 0; *p >= '0' && *p <= '9' && p - start < 3; p++)
		*out_number = *out_number * 10 + (unsigned)(*p - '0');
	return p > start ? skip_blanks(p) : NULL;
}

/* "(precision)" or "(precision,scale)" */
static uint32_t parse_decimal(const char *text, const char *p, struct consort_type *type,
			      const char **out_end, struct consort_error *error)
{
	unsigned precision = 0, scale = 0;
	char shown[CONSORT_SHOWN_SIZE];

	p = skip_blanks(p);
	p = *p == '(' ? parse_small(p + 1, &precision) : NULL;
	if (p && *p == ',')
		p = parse_small(p + 1, &scale);
	if (!p || *p != ')' || precision < 1 || precision > DECIMAL_DIGITS || scale > precision)
		return consort_error_set(error, CONSORT_ETYPE,
					 "type '%s' needs a number of digits from 1 to %d and how many of "
					 "them stand behind the point, as in decimal(12,2)",
					 consort_shown(text, strlen(text), shown), DECIMAL_DIGITS);
	type->precision = (uint8_t)precision;
	type->scale = (uint8_t)scale;
	*out_end = p + 1;
	return CONSORT_OK;
}

uint32_t consort_type_parse(const char *text, struct consort_type *out_type, struct consort_error *error)
{
	struct consort_type type = consort_type_of(0);
	const char *p = skip_blanks(text);
	size_t size;
	uint16_t id;
	int list = 0;

	text = p;
	if (!strncmp(p, "list", 4) && is_blank(p[4]) && !strncmp(skip_blanks(p + 4), "of", 2)) {
		p = skip_blanks(p + 4) + 2;
		if (!is_blank(*p))
			return unknown_type(text, error);
		p = skip_blanks(p);
		list = 1;
	}
	size = strcspn(p, " \t(");
	for (id = CONSORT_TYPE_BOOL; id < CONSORT_TYPE_LIST; id++)
		if (*p == *names[id].name && !strncmp(p, names[id].name, size) && !names[id].name[size])
			break;
	if (id == CONSORT_TYPE_LIST)
		return unknown_type(p, error);
	if (id == CONSORT_TYPE_DECIMAL) {
		uint32_t status = parse_decimal(text, p + size, &type, &p, error);

		if (status)
			return status;
	} else {
		p += size;
	}
	if (*skip_blanks(p))
		return unknown_type(text, error);
	type.id = list ? CONSORT_TYPE_LIST : id;
	type.element = list ? id : 0;
	*out_type = type;
	return CONSORT_OK;
}

/* --- texts in messages --- */

const char *consort_shown(const char *text, uint64_t size, char out[CONSORT_SHOWN_SIZE])
{
	const uint64_t room = CONSORT_SHOWN_SIZE - 4; /* for "..." and a NUL */
	uint64_t used = size < room ? size : room, at, left = used;
	char *p = out;

	if (used)
		memcpy(out, text, used);
	out[used] = '\0';
	while (!consort_utf8_valid(p, left, &at)) {
		if (left - at < 4 && used < size) { /* a character that was cut */
			used -= left - at;
			out[used] = '\0';
			break;
		}
		p[at] = '?';
		p += at + 1;
		left -= at + 1;
	}
	for (p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (used < size)
		memcpy(out + used, "...", 4);
	return out;
}
