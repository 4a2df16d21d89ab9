/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types. A column's type is the narrowest that all values of the sample fit, and reading holds every later
 * value to the same rule: what is no integer in the sample's eyes is no integer later either. So "007" never
 * becomes 7, and a file means the same whether its sample was long or short, or there is an error.
 */
#include "file.h"

#include <ctype.h>

#define DECIMAL_DIGITS 38

/* Does it begin like the picture? 9 is a digit, T a T or a space, all else itself. */
static bool begins(struct consort_view text, const char *picture)
{
	const char *at = text.data;

	if (text.size < strlen(picture))
		return false;
	for (; *picture; picture++, at++)
		if (*picture == '9'   ? !isdigit((unsigned char)*at)
		    : *picture == 'T' ? *at != 'T' && *at != ' '
				      : *at != *picture)
			return false;
	return true;
}

/* Is a number written as JSON writes it: no plus sign, no leading zero, digits on both sides of a point? */
static bool is_plain(struct consort_view text)
{
	const char *point = text.size ? memchr(text.data, '.', text.size) : NULL;
	struct consort_view digits = text;

	if (begins(text, "-"))
		digits.data++, digits.size--;
	if (!begins(digits, "9") || (begins(digits, "99") && *digits.data == '0'))
		return false;
	return !point || (point + 1 < text.data + text.size && isdigit((unsigned char)point[1]));
}

/* Is it an integer that int64 may not hold? It is no measurement, so decimal. */
static bool is_long_integer(struct consort_view text)
{
	return text.size > 18 && !memchr(text.data, '.', text.size) && !memchr(text.data, 'e', text.size) &&
	       !memchr(text.data, 'E', text.size);
}

/* Is it written as values of that type are, when nobody declared one? Conversion sees to the rest. */
static bool looks_like(uint16_t type, const struct file_column *column)
{
	bool untyped = column->kind == FILE_UNTYPED, number = untyped || column->kind == CONSORT_JSON_NUMBER;
	bool string = untyped || column->kind == CONSORT_JSON_STRING;

	switch (type) {
	case CONSORT_TYPE_BOOL:
		return column->kind == CONSORT_JSON_BOOL ||
		       (untyped && (begins(column->text, "true") || begins(column->text, "false")));
	case CONSORT_TYPE_INT64: /* 0 has no sign to keep */
		return number && is_plain(column->text) && !begins(column->text, "-0");
	case CONSORT_TYPE_FLOAT64:
	case CONSORT_TYPE_DECIMAL:
		return number && is_plain(column->text);
	case CONSORT_TYPE_DATE:
		return string && begins(column->text, "9999-99-99");
	case CONSORT_TYPE_TIME:
		return string && begins(column->text, "99:99:99");
	case CONSORT_TYPE_TIMESTAMP:
		return string && begins(column->text, "9999-99-99T99:99:99");
	case CONSORT_TYPE_JSON:
		return column->kind == CONSORT_JSON_OBJECT || column->kind == CONSORT_JSON_ARRAY;
	default:
		return true;
	}
}

/* A document as the JSON reader delivered it, or a text that holds one, made compact. */
static uint32_t document(struct file_scan *scan, const struct file_column *column,
			 struct consort_value *out_value, struct consort_error *error)
{
	struct consort_view text = column->text;
	uint32_t status;

	if (column->kind == FILE_UNTYPED || column->kind == CONSORT_JSON_STRING) {
		consort_buffer_reset(&scan->text);
		status = consort_json_compact(scan->json, text, &scan->text, error);
		if (status)
			return status;
		text.data = scan->text.data;
		text.size = scan->text.size;
	}
	*out_value = consort_view_of(CONSORT_TYPE_JSON, text.data, text.size);
	return CONSORT_OK;
}

uint32_t file_value(struct file_scan *scan, uint32_t at, struct consort_type type, bool inferred,
		    struct consort_value *out_value, struct consort_error *error)
{
	const struct file_column *column = &scan->record.columns[at];
	struct consort_view text = column->text;
	char shown[CONSORT_SHOWN_SIZE];

	if (inferred && !looks_like(type.id, column))
		return consort_error_set(error, CONSORT_ETYPE, "'%s' is not %s",
					 consort_shown(text.data, text.size, shown), consort_type_noun(type));
	if (type.id == CONSORT_TYPE_JSON)
		return document(scan, column, out_value, error);
	if (type.id == CONSORT_TYPE_FLOAT64 &&
	    ((inferred && is_long_integer(text)) || !consort_float64_keeps(text.data, text.size)))
		return consort_error_set(error, CONSORT_ERANGE, "%s has more digits than a float64 keeps",
					 consort_shown(text.data, text.size, shown));
	return consort_value_parse(type, text.data, text.size, &scan->values, out_value, error);
}

/* --- guesses --- */

/* Narrowest first; what fits none of them is text. */
static const uint16_t guesses[] = {
	CONSORT_TYPE_BOOL, CONSORT_TYPE_INT64,	   CONSORT_TYPE_FLOAT64, CONSORT_TYPE_DECIMAL,
	CONSORT_TYPE_DATE, CONSORT_TYPE_TIMESTAMP, CONSORT_TYPE_TIME,	 CONSORT_TYPE_JSON,
};

#define NGUESSES (sizeof(guesses) / sizeof(guesses[0]))

static bool fits(struct file_scan *scan, uint32_t at, uint16_t type)
{
	const struct file_column *column = &scan->record.columns[at];
	struct file_guess *guess = &scan->record.columns[at].guess;
	struct consort_decimal decimal;
	struct consort_value value;
	uint8_t precision, scale;

	if (type != CONSORT_TYPE_DECIMAL)
		return !file_value(scan, at, consort_type_of(type), true, &value, NULL);
	if (!looks_like(type, column) ||
	    consort_decimal_parse(column->text.data, column->text.size, &decimal, &precision, &scale, NULL))
		return false;
	if (scale > guess->scale)
		guess->scale = scale;
	if (precision > scale && precision - scale > guess->whole)
		guess->whole = (uint8_t)(precision - scale);
	return guess->whole + guess->scale <= DECIMAL_DIGITS;
}

void file_guess_add(struct file_scan *scan, uint32_t at)
{
	struct file_guess *guess = &scan->record.columns[at].guess;
	size_t i;

	if (scan->record.columns[at].kind <= CONSORT_JSON_NULL)
		return;
	guess->seen = true;
	for (i = 0; i < NGUESSES; i++)
		if (!(guess->ruled_out & (1u << guesses[i])) && !fits(scan, at, guesses[i]))
			guess->ruled_out |= 1u << guesses[i];
}

struct consort_type file_guess_type(const struct file_guess *guess)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_TEXT);
	size_t i = 0;

	while (i < NGUESSES && (guess->ruled_out & (1u << guesses[i])))
		i++;
	if (guess->seen && i < NGUESSES)
		type = consort_type_of(guesses[i]);
	if (type.id == CONSORT_TYPE_DECIMAL) {
		type.precision = DECIMAL_DIGITS;
		type.scale = guess->scale;
	}
	return type;
}
