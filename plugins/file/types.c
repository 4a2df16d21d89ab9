/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types. A column's type is the narrowest that all values of the sample fit, and reading holds every later
 * value to the same rule: what is no integer in the sample's eyes is no integer later either. So "007" never
 * becomes 7, and a file means the same whether its sample was long or short, or there is an error.
 */
#include "file.h"

#include <ctype.h>

void file_convert_clear(struct file_convert *convert)
{
	consort_json_reader_free(convert->json);
	consort_buffer_clear(&convert->text);
	consort_arena_clear(&convert->scratch);
}

enum number { NO_NUMBER, INTEGER, FRACTION };

static const char *digits(const char *at, const char *end)
{
	while (at < end && isdigit((unsigned char)*at))
		at++;
	return at;
}

/* A number as JSON writes it: no leading zero, no plus sign, digits on both sides of a point. An integer 0
 * has no sign to keep, so -0 is a fraction. */
static enum number number_shape(struct consort_view text)
{
	const char *at = text.data, *end = at + text.size, *from;
	enum number shape = INTEGER;

	if (at < end && *at == '-')
		at++;
	from = at;
	at = digits(at, end);
	if (at == from || (*from == '0' && at - from > 1))
		return NO_NUMBER;
	if (at == end && *from == '0' && from > text.data)
		return FRACTION;
	if (at < end && *at == '.') {
		from = ++at;
		at = digits(at, end);
		if (at == from)
			return NO_NUMBER;
		shape = FRACTION;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		from = at;
		at = digits(at, end);
		if (at == from)
			return NO_NUMBER;
		shape = FRACTION;
	}
	return at == end ? shape : NO_NUMBER;
}

/* Skips what looks like the picture: 9 is a digit, T a T or a space, all else itself. NULL: it does not. */
static const char *skip(const char *at, const char *end, const char *picture)
{
	for (; *picture; picture++, at++) {
		if (!at || at == end)
			return NULL;
		if (*picture == '9' ? !isdigit((unsigned char)*at) :
		    *picture == 'T' ? *at != 'T' && *at != ' ' :
				      *at != *picture)
			return NULL;
	}
	return at;
}

/* Does it look like a date, a time (with seconds), a timestamp (a zone is welcome)? */
static bool time_shape(uint16_t type, struct consort_view text)
{
	const char *end = text.data + text.size, *zone;
	const char *at = skip(text.data, end,
			      type == CONSORT_TYPE_DATE ? "9999-99-99" :
			      type == CONSORT_TYPE_TIME ? "99:99:99" :
							  "9999-99-99T99:99:99");

	if (type != CONSORT_TYPE_DATE && at && at < end && *at == '.')
		at = digits(at + 1, end);
	if (type != CONSORT_TYPE_TIMESTAMP || !at || at == end)
		return at == end;
	zone = *at == '+' ? skip(at, end, "+99:99") :
	       *at == '-' ? skip(at, end, "-99:99") :
			    skip(at, end, "Z");
	return zone == end;
}

/* Is it written as values of that type are, when nobody declared one? */
static bool looks_like(uint16_t type, const struct file_cell *cell)
{
	bool untyped = cell->kind == FILE_UNTYPED;
	struct consort_view text = cell->text;

	switch (type) {
	case CONSORT_TYPE_BOOL:
		return cell->kind == CONSORT_JSON_BOOL ||
		       (untyped && ((text.size == 4 && !memcmp(text.data, "true", 4)) ||
				    (text.size == 5 && !memcmp(text.data, "false", 5))));
	case CONSORT_TYPE_INT64:
		return (untyped || cell->kind == CONSORT_JSON_NUMBER) && number_shape(text) == INTEGER;
	case CONSORT_TYPE_FLOAT64:
		return (untyped || cell->kind == CONSORT_JSON_NUMBER) && number_shape(text) != NO_NUMBER;
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
	case CONSORT_TYPE_TIMESTAMP:
		return (untyped || cell->kind == CONSORT_JSON_STRING) && time_shape(type, text);
	case CONSORT_TYPE_JSON:
		return cell->kind == CONSORT_JSON_OBJECT || cell->kind == CONSORT_JSON_ARRAY;
	default:
		return true;
	}
}

/* How much of a text a message shows: 40 bytes at most, whole characters. */
static int shown(struct consort_view text)
{
	int size = text.size < 40 ? (int)text.size : 40;

	while (size && (uint64_t)size < text.size && (text.data[size] & 0xc0) == 0x80)
		size--;
	return size;
}

/* A document: as the JSON reader delivered it, or a text that holds one, made compact. */
static uint32_t document(struct file_convert *convert, const struct file_cell *cell,
			 struct consort_value *out_value, struct consort_error *error)
{
	struct consort_view text = cell->text;
	uint32_t status;

	if (cell->kind != CONSORT_JSON_OBJECT && cell->kind != CONSORT_JSON_ARRAY) {
		if (!convert->json)
			convert->json = consort_json_reader_new();
		if (!convert->json)
			return consort_error_no_memory(error);
		consort_buffer_reset(&convert->text);
		status = consort_json_compact(convert->json, text, &convert->text, error);
		if (status)
			return status;
		if (convert->text.data[0] != '{' && convert->text.data[0] != '[')
			return consort_error_set(error, CONSORT_ETYPE, "'%.*s' is no JSON object or array",
						 shown(text), text.data);
		text.data = convert->text.data;
		text.size = convert->text.size;
	}
	*out_value = consort_view_of(CONSORT_TYPE_JSON, text.data, text.size);
	return CONSORT_OK;
}

uint32_t file_value(struct file_convert *convert, struct consort_type type, bool inferred,
		    const struct file_cell *cell, struct consort_value *out_value,
		    struct consort_error *error)
{
	struct consort_value value;
	uint32_t status;

	consort_arena_reset(&convert->scratch);
	if (inferred && !looks_like(type.id, cell))
		return consort_error_set(error, CONSORT_ETYPE, "'%.*s' is not %s", shown(cell->text),
					 cell->text.data, consort_type_noun(type));
	if (type.id == CONSORT_TYPE_JSON)
		return document(convert, cell, out_value, error);
	/* an integer becomes a double only if that keeps all its digits */
	if (inferred && type.id == CONSORT_TYPE_FLOAT64 && cell->text.size > 15 &&
	    number_shape(cell->text) == INTEGER) {
		status = consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), cell->text.data,
					     cell->text.size, &convert->scratch, &value, error);
		return status ? status :
				consort_value_convert(&value, type, &convert->scratch, out_value, error);
	}
	return consort_value_parse(type, cell->text.data, cell->text.size, &convert->scratch, out_value,
				   error);
}

/* Narrowest first; what fits none of them is text. */
static const uint16_t guesses[] = {
	CONSORT_TYPE_BOOL,      CONSORT_TYPE_INT64, CONSORT_TYPE_FLOAT64, CONSORT_TYPE_DATE,
	CONSORT_TYPE_TIMESTAMP, CONSORT_TYPE_TIME,  CONSORT_TYPE_JSON,
};

#define NGUESSES (sizeof(guesses) / sizeof(guesses[0]))

void file_guess_add(struct file_guess *guess, struct file_convert *convert, const struct file_cell *cell)
{
	struct consort_value value;
	size_t i;

	if (cell->kind <= CONSORT_JSON_NULL)
		return;
	guess->seen = true;
	for (i = 0; i < NGUESSES; i++)
		if (!(guess->ruled_out & (1u << guesses[i])) &&
		    file_value(convert, consort_type_of(guesses[i]), true, cell, &value, NULL))
			guess->ruled_out |= 1u << guesses[i];
}

struct consort_type file_guess_type(const struct file_guess *guess)
{
	size_t i;

	for (i = 0; guess->seen && i < NGUESSES; i++)
		if (!(guess->ruled_out & (1u << guesses[i])))
			return consort_type_of(guesses[i]);
	return consort_type_of(CONSORT_TYPE_TEXT);
}
