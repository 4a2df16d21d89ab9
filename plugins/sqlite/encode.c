/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values to what is bound. To be stored, a value must fit its column or is refused. To be compared with, one
 * that the column could never hold becomes something that SQLite orders in the right place: NaN a text (every
 * number is below every text), a second between two seconds the number in the middle, a year beyond 9999 a
 * text behind every date.
 */
#include "sqlite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_MICROS ((int64_t)86400 * 1000000)
#define DOUBLE_DIGITS 15 /* decimal digits that any double keeps */

/* Texts before and behind every date; behind every number too. Nobody stores them, so nothing is equal to
 * them. */
#define BEFORE "/ no day that consort shows"
#define BEHIND ": no value that consort shows"
#define BETWEEN 0.381966 /* of the way from one second to the next, likewise */

static uint32_t set_integer(struct lite_cell *cell, int64_t integer)
{
	cell->kind = SQLITE_INTEGER;
	cell->as.integer = integer;
	return CONSORT_OK;
}

static uint32_t set_view(struct lite_cell *cell, int kind, const char *data, size_t size)
{
	cell->kind = kind;
	cell->as.view.data = data;
	cell->as.view.size = size;
	return CONSORT_OK;
}

static uint32_t set_stand_in(struct lite_cell *cell, const char *text)
{
	cell->stand_in = true;
	return set_view(cell, SQLITE_TEXT, text, strlen(text));
}

static uint32_t set_copy(struct lite_cell *cell, int kind, const void *data, size_t size,
			 struct lite_memory *memory, struct consort_error *error)
{
	const char *copy = consort_arena_copy(&memory->arena, data, size);

	return copy ? set_view(cell, kind, copy, size) : consort_error_no_memory(error);
}

static uint32_t refuse(const char *attribute, const struct consort_value *value, const char *why,
		       struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_value_print(value, &text);
	consort_error_set(error, CONSORT_ERANGE, "attribute '%s': %s %s", attribute,
			  text.data && !text.failed ? text.data : "a value", why);
	consort_buffer_clear(&text);
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute);
	return error->status;
}

/* --- by codec --- */

static uint32_t encode_float64(enum lite_purpose purpose, const struct consort_value *value,
			       const char *attribute, struct lite_cell *cell, struct consort_error *error)
{
	if (isnan(value->as.float64)) {
		if (purpose == LITE_STORE)
			return refuse(attribute, value,
				      "is nothing that SQLite can store: it would become NULL", error);
		return set_stand_in(cell, BEHIND);
	}
	cell->kind = SQLITE_FLOAT;
	cell->as.real = value->as.float64;
	return CONSORT_OK;
}

static uint32_t encode_text(const struct consort_value *value, const char *attribute, bool copy,
			    struct lite_memory *memory, struct lite_cell *cell, struct consort_error *error)
{
	struct consort_view view = value->as.view;
	uint64_t at;

	if (CONSORT_UNLIKELY(!consort_utf8_valid(view.data, view.size, &at))) {
		consort_error_set(error, CONSORT_ERANGE, "attribute '%s': the text %s at byte %llu",
				  attribute, view.data[at] ? "is not UTF-8" : "has a NUL",
				  (unsigned long long)at + 1);
		consort_copy_text(error->attribute, sizeof(error->attribute), attribute);
		return error->status;
	}
	if (copy)
		return set_copy(cell, SQLITE_TEXT, view.data, view.size, memory, error);
	return set_view(cell, SQLITE_TEXT, view.data, view.size);
}

/* Microseconds in coarser units. Between two of them lies none, but a double does. */
static uint32_t encode_coarse(enum lite_purpose purpose, const struct consort_value *value, int64_t unit,
			      const char *attribute, struct lite_cell *cell, struct consort_error *error)
{
	int64_t micros = value->as.int64, floor = micros / unit - (micros % unit < 0);

	if (micros % unit == 0)
		return set_integer(cell, micros / unit);
	if (purpose == LITE_STORE)
		return refuse(attribute, value,
			      unit == 1000 ? "is finer than the column's milliseconds"
					   : "is finer than the column's seconds",
			      error);
	cell->kind = SQLITE_FLOAT;
	cell->stand_in = true;
	cell->as.real = (double)floor + BETWEEN;
	return CONSORT_OK;
}

/* Is the year one that four digits show? */
static int year_side(int64_t days)
{
	return days < consort_days_from_civil(0, 1, 1)	      ? -1
	       : days > consort_days_from_civil(9999, 12, 31) ? 1
							      : 0;
}

/* YYYY-MM-DD; a year beyond that, when comparing, as a text before or behind all of them */
static uint32_t encode_day(int64_t days, struct lite_memory *memory, struct lite_cell *cell,
			   struct consort_error *error)
{
	int side = year_side(days);
	uint32_t month, day;
	int64_t year;
	char text[32];

	if (side)
		return set_stand_in(cell, side < 0 ? BEFORE : BEHIND);
	consort_civil_from_days(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02u-%02u", (int)year, month, day);
	return set_copy(cell, SQLITE_TEXT, text, 10, memory, error);
}

static uint32_t encode_date(enum lite_purpose purpose, const struct consort_value *value,
			    const char *attribute, struct lite_memory *memory, struct lite_cell *cell,
			    struct consort_error *error)
{
	if (purpose == LITE_STORE && year_side(value->as.int64))
		return refuse(attribute, value, "lies outside the years 0000 to 9999", error);
	return encode_day(value->as.int64, memory, cell, error);
}

static int64_t day_of(int64_t micros)
{
	return micros / DAY_MICROS - (micros % DAY_MICROS < 0);
}

/* The value's text, as the core writes it. */
static uint32_t encode_printed(const struct consort_value *value, struct lite_memory *memory,
			       struct lite_cell *cell, struct consort_error *error)
{
	consort_buffer_reset(&memory->text);
	consort_value_print(value, &memory->text);
	if (memory->text.failed)
		return consort_error_no_memory(error);
	return set_copy(cell, SQLITE_TEXT, memory->text.data ? memory->text.data : "", memory->text.size,
			memory, error);
}

/* 2001-01-01 00:47:00[.ssssss], as SQLite's own functions write it */
static uint32_t encode_iso(const struct consort_value *value, const char *attribute,
			   struct lite_memory *memory, struct lite_cell *cell, struct consort_error *error)
{
	uint32_t status;

	if (year_side(day_of(value->as.int64)))
		return refuse(attribute, value, "lies outside the years 0000 to 9999", error);
	status = encode_printed(value, memory, cell, error);
	if (!status) {
		((char *)(uintptr_t)cell->as.view.data)[10] = ' ';
		cell->as.view.size--; /* the Z */
	}
	return status;
}

/* --- columns of numeric affinity, which make numbers of texts --- */

static bool is_numeric_column(const struct lite_storage *storage)
{
	return storage->affinity >= LITE_AFFINITY_NUMERIC;
}

static size_t skip(struct consort_view text, size_t at, const char *characters)
{
	while (at < text.size && text.data[at] && strchr(characters, text.data[at]))
		at++;
	return at;
}

/* Would such a column make a number of the text? As sqlite3AtoF reads it: to its end, with blanks around. */
static bool is_numeric(struct consort_view text)
{
	static const char blanks[] = " \t\n\v\f\r", digits[] = "0123456789";
	size_t at = skip(text, 0, blanks), start, count;

	at += at < text.size && (text.data[at] == '+' || text.data[at] == '-');
	start = at;
	at = skip(text, at, digits);
	count = at - start;
	if (at < text.size && text.data[at] == '.') {
		start = ++at;
		at = skip(text, at, digits);
		count += at - start;
	}
	if (!count)
		return false;
	if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
		at++;
		at += at < text.size && (text.data[at] == '+' || text.data[at] == '-');
		start = at;
		at = skip(text, at, digits);
		if (at == start)
			return false;
	}
	return skip(text, at, blanks) == text.size;
}

/* A text must stay one. */
static uint32_t encode_stays_text(const struct lite_storage *storage, enum lite_purpose purpose,
				  const struct consort_value *value, const char *attribute,
				  struct lite_memory *memory, struct lite_cell *cell,
				  struct consort_error *error)
{
	uint32_t status = value->type.id == CONSORT_TYPE_TEXT
				  ? encode_text(value, attribute, true, memory, cell, error)
				  : encode_printed(value, memory, cell, error);

	if (!status && purpose == LITE_STORE && is_numeric_column(storage) && is_numeric(cell->as.view))
		return refuse(attribute, value, "would become a number in this column; make it TEXT", error);
	return status;
}

/* The number that such a column makes of a JSON number: REAL columns have no integers and no -0,
 * the others no doubles that are integers. */
static uint32_t stored_number(const struct lite_storage *storage, struct consort_view text,
			      struct consort_value *out)
{
	struct consort_value number;
	uint32_t status = consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text.data, text.size, NULL,
					      &number, NULL);
	double real;

	if (status)
		status = consort_value_parse(consort_type_of(CONSORT_TYPE_FLOAT64), text.data, text.size,
					     NULL, &number, NULL);
	if (status)
		return status;
	real = number.type.id == CONSORT_TYPE_INT64 ? (double)number.as.int64 : number.as.float64;
	if (storage->affinity == LITE_AFFINITY_REAL)
		number = consort_float64(real == 0 ? 0 : real);
	else if (number.type.id == CONSORT_TYPE_FLOAT64 && real > -0x1p63 && real < 0x1p63 &&
		 (double)(int64_t)real == real)
		number = consort_int64((int64_t)real);
	*out = number;
	return CONSORT_OK;
}

/* JSON is a text, but a number that stands alone becomes one in such a column: it must come back as it was
 * written, digit by digit. */
static uint32_t encode_json(const struct lite_storage *storage, const struct consort_value *value,
			    const char *attribute, bool copy, struct lite_memory *memory,
			    struct lite_cell *cell, struct consort_error *error)
{
	struct consort_view text = value->as.view;
	struct consort_value number;
	uint32_t status;

	if (!is_numeric_column(storage) || !is_numeric(text))
		return encode_text(value, attribute, copy, memory, cell, error);
	while (text.size && strchr(" \t\n\r", *text.data))
		text.data++, text.size--;
	while (text.size && strchr(" \t\n\r", text.data[text.size - 1]))
		text.size--;
	status = stored_number(storage, text, &number);
	consort_buffer_reset(&memory->text);
	if (!status)
		consort_value_print(&number, &memory->text);
	if (memory->text.failed)
		return consort_error_no_memory(error);
	if (status || memory->text.size != text.size || memcmp(memory->text.data, text.data, text.size))
		return refuse(attribute, value,
			      "would come back as another number from this column; make it TEXT", error);
	if (number.type.id == CONSORT_TYPE_INT64)
		return set_integer(cell, number.as.int64);
	cell->kind = SQLITE_FLOAT;
	cell->as.real = number.as.float64;
	return CONSORT_OK;
}

static uint32_t count_digits(struct consort_view text)
{
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < text.size; i++)
		if (text.data[i] >= '0' && text.data[i] <= '9' && (count || text.data[i] != '0'))
			count++;
	return count;
}

/* Into a column whose affinity may change what it is given: whatever would come back different is refused. */
static uint32_t encode_converted(const struct lite_storage *storage, const struct consort_value *value,
				 const char *attribute, struct lite_memory *memory, struct lite_cell *cell,
				 struct consort_error *error)
{
	uint32_t status;

	switch (is_numeric_column(storage) ? value->type.id : CONSORT_TYPE_NULL) {
	case CONSORT_TYPE_BOOL:
		return set_integer(cell, value->as.int64);
	case CONSORT_TYPE_INT64:
		if (storage->affinity == LITE_AFFINITY_REAL &&
		    (value->as.int64 > (int64_t)1 << 53 || value->as.int64 < -((int64_t)1 << 53)))
			return refuse(attribute, value, "is more than a REAL column keeps", error);
		return set_integer(cell, value->as.int64);
	case CONSORT_TYPE_DECIMAL:
		status = encode_printed(value, memory, cell, error);
		if (!status && count_digits(cell->as.view) > DOUBLE_DIGITS)
			return refuse(attribute, value,
				      "has more digits than a numeric column keeps; make it TEXT", error);
		return status;
	default:
		return encode_stays_text(storage, LITE_STORE, value, attribute, memory, cell, error);
	}
}

/* --- patterns and limits --- */

static uint32_t encode_glob(const struct consort_value *value, struct lite_memory *memory,
			    struct lite_cell *cell, struct consort_error *error)
{
	const char *pattern = value->as.view.data;
	size_t size = (size_t)value->as.view.size, i;
	char *glob = consort_arena_array(&memory->arena, size + 1, 3), *out = glob;

	if (!glob)
		return consort_error_no_memory(error);
	for (i = 0; i < size; i++) {
		char c = pattern[i];

		if (c == '%') {
			*out++ = '*';
			continue;
		}
		if (c == '_') {
			*out++ = '?';
			continue;
		}
		if (c == '\\' && ++i == size)
			return consort_error_set(error, CONSORT_ESYNTAX,
						 "a LIKE pattern must not end with a backslash");
		c = pattern[i];
		if (c == '*' || c == '?' || c == '[') {
			*out++ = '[';
			*out++ = c;
			c = ']';
		}
		*out++ = c;
	}
	return set_view(cell, SQLITE_TEXT, glob, (size_t)(out - glob));
}

static uint32_t encode_limit(const struct consort_value *value, enum lite_purpose purpose,
			     struct lite_cell *cell, struct consort_error *error)
{
	if (consort_value_is_null(value))
		return set_integer(cell, purpose == LITE_LIMIT ? -1 : 0);
	if (value->as.int64 < 0)
		return consort_error_set(error, CONSORT_ERANGE, "a %s must not be negative, this is %lld",
					 purpose == LITE_LIMIT ? "limit" : "offset",
					 (long long)value->as.int64);
	return set_integer(cell, value->as.int64);
}

uint32_t lite_encode(const struct lite_storage *storage, enum lite_purpose purpose,
		     const struct consort_value *value, const char *attribute, bool copy,
		     struct lite_memory *memory, struct lite_cell *cell, struct consort_error *error)
{
	cell->stand_in = false;
	if (purpose == LITE_LIMIT || purpose == LITE_OFFSET)
		return encode_limit(value, purpose, cell, error);
	if (consort_value_is_null(value)) {
		cell->kind = SQLITE_NULL;
		return CONSORT_OK;
	}
	if (purpose == LITE_GLOB)
		return encode_glob(value, memory, cell, error);
	if (purpose == LITE_DAY_FROM || purpose == LITE_DAY_TO)
		return encode_day(day_of(value->as.int64) + (purpose == LITE_DAY_FROM ? -2 : 2), memory, cell,
				  error);
	switch (storage->codec) {
	case LITE_INT64:
	case LITE_MICROS:
	case LITE_BOOL:
	case LITE_DAYS:
	case LITE_TIME_MICROS:
		return set_integer(cell, value->as.int64);
	case LITE_FLOAT64:
	case LITE_SUM:
		return encode_float64(purpose, value, attribute, cell, error);
	case LITE_TEXT:
		return encode_text(value, attribute, copy, memory, cell, error);
	case LITE_JSON:
		return encode_json(storage, value, attribute, copy, memory, cell, error);
	case LITE_BYTES:
		if (copy)
			return set_copy(cell, SQLITE_BLOB, value->as.view.data, value->as.view.size, memory,
					error);
		return set_view(cell, SQLITE_BLOB, value->as.view.data, value->as.view.size);
	case LITE_MILLIS:
		return encode_coarse(purpose, value, 1000, attribute, cell, error);
	case LITE_SECONDS:
		return encode_coarse(purpose, value, 1000000, attribute, cell, error);
	case LITE_ISO:
		return encode_iso(value, attribute, memory, cell, error);
	case LITE_DATE:
		return encode_date(purpose, value, attribute, memory, cell, error);
	case LITE_UUID:
		return set_copy(cell, SQLITE_BLOB, value->as.uuid, 16, memory, error);
	case LITE_OBJECTID:
		return set_copy(cell, SQLITE_BLOB, value->as.objectid, 12, memory, error);
	case LITE_UUID_TEXT:
	case LITE_OBJECTID_TEXT:
		return encode_stays_text(storage, purpose, value, attribute, memory, cell, error);
	default:
		return encode_converted(storage, value, attribute, memory, cell, error);
	}
}

int lite_bind(sqlite3_stmt *stmt, int position, const struct lite_cell *cell)
{
	const char *data = cell->as.view.data ? cell->as.view.data : "";

	switch (cell->kind) {
	case SQLITE_INTEGER:
		return sqlite3_bind_int64(stmt, position, cell->as.integer);
	case SQLITE_FLOAT:
		return sqlite3_bind_double(stmt, position, cell->as.real);
	case SQLITE_TEXT:
		return sqlite3_bind_text64(stmt, position, data, cell->as.view.size, SQLITE_STATIC,
					   SQLITE_UTF8);
	case SQLITE_BLOB:
		return sqlite3_bind_blob64(stmt, position, data, cell->as.view.size, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, position);
	}
}
