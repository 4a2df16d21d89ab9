/* SPDX-License-Identifier: Apache-2.0 */
/* Values as texts and as JSON tokens. */
#include "values.h"

#include <consort/json.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Beyond it a reader that keeps numbers as doubles would take another integer for this one. */
#define GREATEST_JSON_INTEGER (INT64_C(1) << 53)

static void print_int64(int64_t number, struct consort_buffer *out)
{
	char text[24];
	size_t size = 0;

	if (number < 0)
		text[size++] = '-';
	size += consort_digits_print(consort_magnitude(number), text + size);
	consort_buffer_append(out, text, size);
}

static void print_hexadecimal(const void *data, uint64_t size, struct consort_buffer *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;
	char text[256];
	uint64_t i;
	size_t used = 0;

	for (i = 0; i < size; i++) {
		text[used++] = digits[bytes[i] >> 4];
		text[used++] = digits[bytes[i] & 15];
		if (used == sizeof(text)) {
			consort_buffer_append(out, text, used);
			used = 0;
		}
	}
	consort_buffer_append(out, text, used);
}

static void print_uuid(const uint8_t uuid[16], struct consort_buffer *out)
{
	static const uint8_t sizes[] = {4, 2, 2, 2, 6};
	size_t i, at = 0;

	for (i = 0; i < sizeof(sizes); i++) {
		if (i)
			consort_buffer_char(out, '-');
		print_hexadecimal(uuid + at, sizes[i], out);
		at += sizes[i];
	}
}

static void print_float64(double number, struct consort_buffer *out)
{
	char text[CONSORT_FLOAT64_SIZE];

	consort_buffer_append(out, text, consort_float64_print(number, text));
}

static void print_decimal(const struct consort_value *value, struct consort_buffer *out)
{
	char text[CONSORT_DECIMAL_SIZE];

	consort_buffer_append(out, text, consort_decimal_print(value->as.decimal, value->type.scale, text));
}

static void print_time(const struct consort_value *value, struct consort_buffer *out)
{
	char text[CONSORT_TIME_SIZE];
	size_t size;

	if (value->type.id == CONSORT_TYPE_TIMESTAMP)
		size = consort_timestamp_print(value->as.int64, text);
	else if (value->type.id == CONSORT_TYPE_DATE)
		size = consort_date_print(value->as.int64, text);
	else
		size = consort_time_print(value->as.int64, text);
	consort_buffer_append(out, text, size);
}

void consort_value_print(const struct consort_value *value, struct consort_buffer *out)
{
	switch (value->type.id) {
	case CONSORT_TYPE_BOOL:
		consort_buffer_text(out, value->as.int64 ? "true" : "false");
		break;
	case CONSORT_TYPE_INT64:
		print_int64(value->as.int64, out);
		break;
	case CONSORT_TYPE_FLOAT64:
		print_float64(value->as.float64, out);
		break;
	case CONSORT_TYPE_DECIMAL:
		print_decimal(value, out);
		break;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_JSON:
		consort_buffer_append(out, value->as.view.data, value->as.view.size);
		break;
	case CONSORT_TYPE_BYTES:
		consort_buffer_text(out, "\\x");
		print_hexadecimal(value->as.view.data, value->as.view.size, out);
		break;
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TIME:
		print_time(value, out);
		break;
	case CONSORT_TYPE_UUID:
		print_uuid(value->as.uuid, out);
		break;
	case CONSORT_TYPE_OBJECTID:
		print_hexadecimal(value->as.objectid, sizeof(value->as.objectid), out);
		break;
	case CONSORT_TYPE_LIST:
		consort_value_print_json(value, out);
		break;
	default:
		break;
	}
}

static void print_json_list(const struct consort_items *list, struct consort_buffer *out)
{
	uint64_t i;

	consort_buffer_char(out, '[');
	for (i = 0; i < list->count; i++) {
		if (i)
			consort_buffer_char(out, ',');
		consort_value_print_json(&list->items[i], out);
	}
	consort_buffer_char(out, ']');
}

static void print_json_float64(double number, struct consort_buffer *out)
{
	if (isnan(number))
		consort_buffer_text(out, "\"NaN\"");
	else if (isinf(number))
		consort_buffer_text(out, number < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		print_float64(number, out);
}

static void print_between_quotes(const struct consort_value *value, struct consort_buffer *out)
{
	consort_buffer_char(out, '"');
	if (value->type.id == CONSORT_TYPE_BYTES)
		consort_buffer_char(out, '\\'); /* of \x */
	consort_value_print(value, out);
	consort_buffer_char(out, '"');
}

void consort_value_print_json(const struct consort_value *value, struct consort_buffer *out)
{
	switch (value->type.id) {
	case CONSORT_TYPE_NULL:
		consort_buffer_text(out, "null");
		break;
	case CONSORT_TYPE_INT64:
		if (value->as.int64 > GREATEST_JSON_INTEGER || value->as.int64 < -GREATEST_JSON_INTEGER)
			print_between_quotes(value, out);
		else
			print_int64(value->as.int64, out);
		break;
	case CONSORT_TYPE_FLOAT64:
		print_json_float64(value->as.float64, out);
		break;
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_DECIMAL:
	case CONSORT_TYPE_JSON:
		consort_value_print(value, out);
		break;
	case CONSORT_TYPE_TEXT:
		consort_json_quote(out, value->as.view.data, value->as.view.size);
		break;
	case CONSORT_TYPE_LIST:
		print_json_list(&value->as.list, out);
		break;
	default:
		print_between_quotes(value, out);
	}
}
