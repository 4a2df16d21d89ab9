/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored values to columns of a batch: NULLs, and every codec that is more than a copy (query.c copies). A
 * value that does not have its codec's form is an error that shows it, never a conversion nobody asked for.
 */
#include "sqlite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_MICROS ((int64_t)86400 * 1000000)

/* --- forms --- */

static bool exact_double(int64_t integer)
{
	return (integer >= -((int64_t)1 << 53) && integer <= ((int64_t)1 << 53)) ||
	       ((double)integer < 9223372036854775808.0 && (int64_t)(double)integer == integer);
}

static bool is_hex(const char *text, int size)
{
	int i;

	for (i = 0; i < size; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return true;
}

static int nibble(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static void from_hex(const char *text, uint8_t *out, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		out[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
}

/* 8-4-4-4-12 digits in lower case */
static bool parse_uuid(const char *text, int size, uint8_t out[16])
{
	static const uint8_t groups[] = {8, 4, 4, 4, 12};
	int i;

	if (size != 36)
		return false;
	for (i = 0; i < 5; i++) {
		if (!is_hex(text, groups[i]) || (i < 4 && text[groups[i]] != '-'))
			return false;
		from_hex(text, out, groups[i] / 2);
		out += groups[i] / 2;
		text += groups[i] + 1;
	}
	return true;
}

static bool digits(const char *text, int count, uint32_t *out)
{
	*out = 0;
	for (; count; count--, text++) {
		if (*text < '0' || *text > '9')
			return false;
		*out = *out * 10 + (uint32_t)(*text - '0');
	}
	return true;
}

/* YYYY-MM-DD, a day that exists */
static bool parse_date(const char *text, int size, int64_t *out_days)
{
	uint32_t year, month, day, month_back, day_back;
	int64_t year_back;

	if (size != 10 || !digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) ||
	    text[7] != '-' || !digits(text + 8, 2, &day) || month < 1 || month > 12)
		return false;
	*out_days = consort_days_from_civil(year, month, day);
	consort_civil_from_days(*out_days, &year_back, &month_back, &day_back);
	return month_back == month && day_back == day;
}

static bool integer_has_form(enum lite_codec codec, int64_t integer)
{
	int64_t product;

	switch (codec) {
	case LITE_BOOL:
		return integer == 0 || integer == 1;
	case LITE_MILLIS:
		return !__builtin_mul_overflow(integer, 1000, &product);
	case LITE_SECONDS:
		return !__builtin_mul_overflow(integer, 1000000, &product);
	case LITE_DAYS:
		return integer >= INT32_MIN && integer <= INT32_MAX;
	case LITE_TIME_MICROS:
		return integer >= 0 && integer < DAY_MICROS;
	case LITE_FLOAT64:
		return exact_double(integer);
	default:
		return true;
	}
}

static bool text_has_form(enum lite_codec codec, const char *text, int size)
{
	uint8_t uuid[16];
	int64_t days;

	switch (codec) {
	case LITE_DATE:
		return parse_date(text, size, &days);
	case LITE_UUID_TEXT:
		return parse_uuid(text, size, uuid);
	case LITE_OBJECTID_TEXT:
		return size == 24 && is_hex(text, 24);
	case LITE_ISO: /* the form itself is checked when it is read; compare.c relies on four digits */
		return size >= 10 && text[0] >= '0' && text[0] <= '9';
	default:
		return consort_utf8_valid(text, (uint64_t)size, NULL);
	}
}

bool lite_has_form(enum lite_codec codec, sqlite3_value *value)
{
	int type = sqlite3_value_type(value), size;

	if (type == SQLITE_NULL || codec == LITE_CONVERT)
		return true;
	if (codec == LITE_JSON && type == SQLITE_FLOAT)
		return isfinite(sqlite3_value_double(value));
	if (type != lite_codecs[codec].storage &&
	    !((codec == LITE_FLOAT64 || codec == LITE_JSON) && type == SQLITE_INTEGER))
		return false;
	switch (type) {
	case SQLITE_INTEGER:
		return integer_has_form(codec, sqlite3_value_int64(value));
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_value_text(value);

		return text && text_has_form(codec, text, sqlite3_value_bytes(value));
	}
	case SQLITE_BLOB:
		size = sqlite3_value_bytes(value);
		return codec == LITE_UUID ? size == 16 : codec == LITE_OBJECTID ? size == 12 : true;
	default:
		return true;
	}
}

/* --- messages --- */

static void show(sqlite3_value *value, char *out, size_t size)
{
	char number[CONSORT_FLOAT64_SIZE], shown[CONSORT_SHOWN_SIZE];
	uint64_t at, bytes;
	const char *text;

	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		snprintf(out, size, "the integer %lld", (long long)sqlite3_value_int64(value));
		return;
	case SQLITE_FLOAT:
		consort_float64_print(sqlite3_value_double(value), number);
		snprintf(out, size, "the number %s", number);
		return;
	case SQLITE_TEXT:
		text = (const char *)sqlite3_value_text(value);
		bytes = (uint64_t)sqlite3_value_bytes(value);
		if (!text || consort_utf8_valid(text, bytes, &at))
			snprintf(out, size, "the text '%s'", consort_shown(text, text ? bytes : 0, shown));
		else
			snprintf(out, size,
				 text[at] ? "a text that is not UTF-8 (byte %llu)"
					  : "a text with a NUL (byte %llu)",
				 (unsigned long long)at + 1);
		return;
	case SQLITE_BLOB:
		snprintf(out, size, "a blob of %d bytes", sqlite3_value_bytes(value));
		return;
	default:
		snprintf(out, size, "NULL");
	}
}

static const char *form_of(const struct lite_column *from)
{
	switch (from->codec) {
	case LITE_MICROS:
		return "a timestamp in microseconds (other codecs: ms, s, iso)";
	case LITE_MILLIS:
		return "a timestamp in milliseconds";
	case LITE_SECONDS:
		return "a timestamp in seconds";
	case LITE_ISO:
		return "a timestamp as text (other codecs: us, ms, s)";
	case LITE_DAYS:
		return "a date in days since 1970 (other codec: iso)";
	case LITE_DATE:
		return "a date as YYYY-MM-DD";
	case LITE_TIME_MICROS:
		return "a time in microseconds since midnight (other codec: iso)";
	case LITE_UUID:
		return "a uuid of 16 bytes (other codec: text)";
	case LITE_UUID_TEXT:
		return "a uuid in lower case with hyphens (other codec: blob)";
	case LITE_BOOL:
		return "a bool, 0 or 1";
	default:
		return consort_type_noun(from->type);
	}
}

static void name_column(const struct lite_column *from, char *out, size_t size)
{
	if (from->resource[0])
		snprintf(out, size, "resource '%s', attribute '%s'", from->resource, from->attribute);
	else
		snprintf(out, size, "column '%s'", from->attribute);
}

uint32_t lite_wrong_value(const struct lite_column *from, sqlite3_value *value, struct consort_error *error)
{
	char name[320], shown[160];

	name_column(from, name, sizeof(name));
	show(value, shown, sizeof(shown));
	consort_error_set(error, CONSORT_ETYPE, "%s: the table holds %s, which is not %s", name, shown,
			  form_of(from));
	consort_copy_text(error->resource, sizeof(error->resource), from->resource);
	consort_copy_text(error->attribute, sizeof(error->attribute), from->attribute);
	return error->status;
}

/* A conversion's error, with the column it happened in. */
static uint32_t blame(const struct lite_column *from, struct consort_error *error)
{
	char name[320];

	name_column(from, name, sizeof(name));
	consort_error_prefix(error, "%s", name);
	consort_copy_text(error->resource, sizeof(error->resource), from->resource);
	consort_copy_text(error->attribute, sizeof(error->attribute), from->attribute);
	return error->status;
}

/* --- conversions --- */

static struct consort_value generic(sqlite3_value *value)
{
	switch (sqlite3_value_type(value)) {
	case SQLITE_INTEGER:
		return consort_int64(sqlite3_value_int64(value));
	case SQLITE_FLOAT:
		return consort_float64(sqlite3_value_double(value));
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_value_text(value);

		return consort_text_n(text, (uint64_t)sqlite3_value_bytes(value));
	}
	default:
		return consort_bytes(sqlite3_value_blob(value), (uint64_t)sqlite3_value_bytes(value));
	}
}

/* A number as the text it would be written as, for text and decimal attributes. */
static uint32_t from_number(struct lite_connection *conn, const struct lite_column *from,
			    const struct consort_value *number, struct consort_value *out,
			    struct consort_error *error)
{
	consort_buffer_reset(&conn->text);
	consort_value_print(number, &conn->text);
	if (conn->text.failed)
		return consort_error_no_memory(error);
	return consort_value_parse(from->type, conn->text.data, conn->text.size, &conn->scratch, out, error);
}

static uint32_t convert(struct lite_connection *conn, const struct lite_column *from, sqlite3_value *value,
			struct consort_value *out, struct consort_error *error)
{
	struct consort_value stored = generic(value);
	char shown[CONSORT_SHOWN_SIZE];

	if (stored.type.id == CONSORT_TYPE_FLOAT64 &&
	    (from->type.id == CONSORT_TYPE_INT64 || from->type.id == CONSORT_TYPE_BOOL) &&
	    stored.as.float64 >= -0x1p63 && stored.as.float64 < 0x1p63 &&
	    (double)(int64_t)stored.as.float64 == stored.as.float64)
		stored = consort_int64((int64_t)stored.as.float64);
	switch (stored.type.id) {
	case CONSORT_TYPE_TEXT:
		if (from->type.id == CONSORT_TYPE_FLOAT64 &&
		    !consort_float64_keeps(stored.as.view.data, stored.as.view.size))
			return consort_error_set(
				error, CONSORT_ERANGE, "%s has more digits than a float64 keeps",
				consort_shown(stored.as.view.data, stored.as.view.size, shown));
		return consort_value_parse(from->type, stored.as.view.data, stored.as.view.size,
					   &conn->scratch, out, error);
	case CONSORT_TYPE_INT64:
		if (from->type.id == CONSORT_TYPE_TEXT)
			return from_number(conn, from, &stored, out, error);
		if (from->type.id == CONSORT_TYPE_BOOL && (stored.as.int64 == 0 || stored.as.int64 == 1))
			*out = consort_bool((int)stored.as.int64);
		else
			return consort_value_convert(&stored, from->type, &conn->scratch, out, error);
		return CONSORT_OK;
	case CONSORT_TYPE_FLOAT64:
		if (from->type.id == CONSORT_TYPE_TEXT || from->type.id == CONSORT_TYPE_DECIMAL)
			return from_number(conn, from, &stored, out, error);
		return consort_value_convert(&stored, from->type, &conn->scratch, out, error);
	default:
		return lite_wrong_value(from, value, error);
	}
}

static uint32_t append_converted(struct lite_connection *conn, const struct lite_column *from,
				 sqlite3_value *value, struct consort_batch *batch,
				 struct consort_column *column, struct consort_error *error)
{
	struct consort_value converted;
	uint32_t status;

	consort_arena_reset(&conn->scratch);
	status = convert(conn, from, value, &converted, error);
	if (status)
		return error->attribute[0] ? status : blame(from, error);
	return consort_append_value(batch, column, &converted);
}

/* A text, compact, or the text of a number. */
static uint32_t append_json(struct lite_connection *conn, struct consort_json_reader **json,
			    const struct lite_column *from, sqlite3_value *value, struct consort_batch *batch,
			    struct consort_column *column, struct consort_error *error)
{
	struct consort_value stored = generic(value);

	if (!*json)
		*json = consort_json_reader_new();
	if (!*json)
		return consort_error_no_memory(error);
	consort_buffer_reset(&conn->text);
	if (stored.type.id != CONSORT_TYPE_TEXT)
		consort_value_print(&stored, &conn->text);
	else if (consort_json_compact(*json, stored.as.view, &conn->text, error))
		return blame(from, error);
	if (conn->text.failed)
		return consort_error_no_memory(error);
	return consort_append_view(batch, column, conn->text.data, conn->text.size);
}

void lite_column_set(struct lite_column *column, enum lite_codec codec, struct consort_type type)
{
	column->codec = (uint8_t)codec;
	column->type = type;
	switch (codec) {
	case LITE_INT64:
	case LITE_MICROS:
	case LITE_FLOAT64:
	case LITE_SUM:
	case LITE_TEXT:
		column->plain = lite_codecs[codec].storage;
		break;
	default:
		column->plain = 0;
	}
}

uint32_t lite_decode(struct lite_statement *cursor, int i, sqlite3_value *value, struct consort_batch *batch,
		     struct consort_error *error)
{
	const struct lite_column *from = &cursor->columns[i];
	struct consort_column *column = &batch->columns[i];
	int type = sqlite3_value_type(value), size;
	uint32_t status = CONSORT_OK;
	uint8_t fixed[16];
	int64_t integer;
	const char *text;

	if (type == SQLITE_NULL) {
		consort_append_null(column);
		return CONSORT_OK;
	}
	if (type == SQLITE_TEXT && !sqlite3_value_text(value)) /* of UTF-16, for which there is no memory */
		return consort_error_no_memory(error);
	if (from->codec == LITE_SUM && type == SQLITE_BLOB) {
		consort_append_float64(column, (double)NAN);
		return CONSORT_OK;
	}
	if (!lite_has_form(from->codec, value))
		return lite_wrong_value(from, value, error);
	integer = type == SQLITE_INTEGER ? sqlite3_value_int64(value) : 0;
	text = type == SQLITE_TEXT ? (const char *)sqlite3_value_text(value) : sqlite3_value_blob(value);
	size = type == SQLITE_TEXT || type == SQLITE_BLOB ? sqlite3_value_bytes(value) : 0;
	switch (from->codec) {
	case LITE_INT64:
	case LITE_MICROS:
	case LITE_TIME_MICROS:
		consort_append_int64(column, integer);
		break;
	case LITE_MILLIS:
		consort_append_int64(column, integer * 1000);
		break;
	case LITE_SECONDS:
		consort_append_int64(column, integer * 1000000);
		break;
	case LITE_FLOAT64:
	case LITE_SUM:
		consort_append_float64(column, sqlite3_value_double(value));
		break;
	case LITE_BOOL:
		consort_append_bool(column, integer != 0);
		break;
	case LITE_DATE:
		parse_date(text, size, &integer);
		consort_append_int32(column, (int32_t)integer);
		break;
	case LITE_DAYS:
		consort_append_int32(column, (int32_t)integer);
		break;
	case LITE_UUID_TEXT:
		parse_uuid(text, size, fixed);
		consort_append_fixed(column, fixed);
		break;
	case LITE_OBJECTID_TEXT:
		from_hex(text, fixed, 12);
		consort_append_fixed(column, fixed);
		break;
	case LITE_UUID:
	case LITE_OBJECTID:
		consort_append_fixed(column, (const uint8_t *)text);
		break;
	case LITE_TEXT:
	case LITE_BYTES:
		status = consort_append_view(batch, column, text, (uint64_t)size);
		break;
	case LITE_JSON:
		status = append_json(cursor->conn, &cursor->json, from, value, batch, column, error);
		break;
	default:
		status = append_converted(cursor->conn, from, value, batch, column, error);
	}
	return status == CONSORT_ENOMEM ? consort_error_no_memory(error) : status;
}

uint32_t lite_decode_row(struct lite_statement *cursor, struct consort_batch *batch,
			 struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	int i;

	for (i = 0; !status && i < (int)cursor->ncolumns; i++)
		status = lite_decode(cursor, i, sqlite3_column_value(cursor->rows, i), batch, error);
	return status;
}
