/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CONVERT_H
#define CONSORT_CONVERT_H

/*
 * Between values and texts, and checked arithmetic on decimals: one form for all engines. Part of the static
 * SDK library. All but the appends pure, from any thread. Texts come as pointer and size and need no NUL.
 */

#include <consort/batch.h>
#include <consort/buffer.h>
#include <consort/error.h>
#include <consort/types.h>
#include <string.h>

CONSORT_BEGIN

/* Fills *error if it is not NULL, and returns status. Message by printf; position 0, flags 0. */
uint32_t consort_error_set(struct consort_error *error, uint32_t status, const char *format, ...)
	CONSORT_PRINTF(3, 4) CONSORT_COLD;
/* "context: " in front of the message. */
void consort_error_prefix(struct consort_error *error, const char *format, ...) CONSORT_PRINTF(2, 3)
	CONSORT_COLD;
/* The usual sentence for memory. */
uint32_t consort_error_no_memory(struct consort_error *error) CONSORT_COLD;
/* Copies at most size - 1 bytes and a NUL, cutting at a UTF-8 character's boundary. For error's texts. */
void consort_copy_text(char *out, size_t size, const char *text);

/* Room for a value's text in a message. */
#define CONSORT_SHOWN_SIZE 84
/* A text as a message shows it, without quotes: control characters and wrong UTF-8 as '?', the end of a long one as
 * "...". Returns out. */
const char *consort_shown(const char *text, uint64_t size, char out[CONSORT_SHOWN_SIZE]);

/* Is it well-formed UTF-8 (no surrogates, nothing overlong, up to U+10FFFF)? NUL bytes count as wrong.
 * *out_at, if wanted, is the offset of the first wrong byte. */
int consort_utf8_valid(const char *text, uint64_t size, uint64_t *out_at);

/* Not 0 if one of eight bytes is NUL or not ASCII. */
static inline uint64_t consort_odd_bytes(uint64_t eight)
{
	return (eight | (eight - 0x0101010101010101u)) & 0x8080808080808080u;
}

/* Copies 8 to 32 bytes of ASCII, as words that overlap. 0: it is another size or there are odd bytes; what is
 * written then means nothing. */
static inline int consort_copy_plain(uint8_t *to, const char *text, uint64_t size)
{
	uint64_t first, last, odd;

	if (CONSORT_UNLIKELY(size - 8 > 24))
		return 0;
	memcpy(&first, text, 8);
	memcpy(&last, text + size - 8, 8);
	memcpy(to, &first, 8);
	memcpy(to + size - 8, &last, 8);
	odd = consort_odd_bytes(first) | consort_odd_bytes(last);
	if (size > 16) {
		memcpy(&first, text + 8, 8);
		memcpy(&last, text + size - 16, 8);
		memcpy(to + 8, &first, 8);
		memcpy(to + size - 16, &last, 8);
		odd |= consort_odd_bytes(first) | consort_odd_bytes(last);
	}
	return !odd;
}

/* consort_append_text the long way. */
uint32_t consort_append_checked(struct consort_batch *batch, struct consort_column *column, const char *text,
				uint64_t size);

/* consort_append_view of a TEXT that the engine has not checked: EVALUE, with nothing appended, unless
 * consort_utf8_valid. A short text of ASCII, as most are, is checked while it is copied. */
static inline uint32_t consort_append_text(struct consort_batch *batch, struct consort_column *column,
					   const char *text, uint64_t size)
{
	int32_t *offsets = (int32_t *)column->values + column->length;
	uint64_t used = (uint64_t)offsets[0];

	if (CONSORT_UNLIKELY(size > column->data_capacity - used ||
			     !consort_copy_plain(column->data + used, text, size)))
		return consort_append_checked(batch, column, text, size);
	offsets[1] = (int32_t)(used + size);
	column->length++;
	batch->bytes += size;
	return CONSORT_OK;
}

/* Names of types as the manifest and describe write them: "int64", "decimal(12,2)", "list of text". */
void consort_type_print(struct consort_type type, struct consort_buffer *out);
/* The reverse; decimal(12) is decimal(12,0). ETYPE with the nearest known word otherwise, also for what SQL
 * calls a type: "unknown type 'integer'; did you mean 'int64'?". */
uint32_t consort_type_parse(const char *text, struct consort_type *out_type, struct consort_error *error);
/* What a value of it is, for messages: "an integer", "text", "a timestamp". Static. */
const char *consort_type_noun(struct consort_type type);

/*
 * The text of a value, as csv and messages show it: integers and decimals in full, doubles in the shortest
 * form that reads back the same (always with a point, an exponent, or nan/inf, so it is no integer), booleans
 * true and false, timestamps 2001-01-01T00:47:00Z with .ssssss only if not zero, dates 2001-01-01, times
 * 00:47:00, uuids in lower case with hyphens, objectids and bytes as lower-case hexadecimal (bytes behind
 * \x), NULL as nothing, lists as JSON. Years before 0000 and after 9999 have a sign: +10000-01-01,
 * -0001-12-31 (the year 0000 is 1 BC).
 */
void consort_value_print(const struct consort_value *value, struct consort_buffer *out);
/* A JSON token: numbers exact, int64 beyond +-2^53 as strings since many readers would round them, non-finite
 * doubles as "NaN", "Infinity", "-Infinity", everything without a JSON type as a string of the form above. */
void consort_value_print_json(const struct consort_value *value, struct consort_buffer *out);
/*
 * The value of that type that a text stands for: the forms above, the whole text, without blanks around it.
 * Also true and false, nan, inf and infinity in any case; numbers with an exponent for float64 and decimal;
 * for timestamps a space for the T, a zone Z, +hh, +hhmm, +hh:mm or none (UTC), no seconds, no time at all
 * (midnight); up to six digits of a second, more if they are 0. Not hour 24, not second 60.
 * ETYPE for a text that has not the type's form, ERANGE for one whose value does not exist (a 30th of
 * February, a NUL byte in a text) or does not fit; the message names value and type. TEXT is checked and
 * borrowed from `text`. BYTES and LIST need `scratch` to hold what they decode to; JSON is borrowed if it is
 * compact, else made so in `scratch` (borrowed as it is if that is NULL).
 */
struct consort_arena;
uint32_t consort_value_parse(struct consort_type type, const char *text, uint64_t size,
			     struct consort_arena *scratch, struct consort_value *out_value,
			     struct consort_error *error);
/*
 * The value as another type, where that loses nothing: int64 → float64 (if exact) and decimal; decimal to
 * another scale (if exact); text → any type by parse; date → timestamp; json → text. NULL stays NULL.
 * ETYPE if the types do not go together, ERANGE if the value does not fit.
 */
uint32_t consort_value_convert(const struct consort_value *value, struct consort_type type,
			       struct consort_arena *scratch, struct consort_value *out_value,
			       struct consort_error *error);

/*
 * Can a value's type hold it? For values that were made by hand. ERANGE for text that is not UTF-8 or has a NUL
 * byte, a bool that is neither 0 nor 1, a date, time or decimal out of range; ESYNTAX for JSON that is none. Items
 * of lists are not looked at.
 */
uint32_t consort_value_check(const struct consort_value *value, struct consort_error *error);

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (algorithm: H. Hinnant, "chrono-compatible
 * low-level date algorithms", days_from_civil and civil_from_days). For days that dates or
 * timestamps can hold. */
int64_t consort_days_from_civil(int64_t year, uint32_t month, uint32_t day);
void consort_civil_from_days(int64_t days, int64_t *out_year, uint32_t *out_month, uint32_t *out_day);

/* Room for any double's text, with its NUL. */
#define CONSORT_FLOAT64_SIZE 32
/* The shortest text that reads back the same; returns its length. */
size_t consort_float64_print(double number, char out[CONSORT_FLOAT64_SIZE]);
/*
 * Does a double keep the number that the text is: written with as many digits, is the nearest double that number
 * again? So it is for all numbers of 15 digits that are not very small, and for every double that was printed, with
 * however many digits; not for 0.1234567890123456789. True for a text that is no number.
 */
int consort_float64_keeps(const char *text, uint64_t size);

/* Room for any decimal's text, with sign, point and NUL. */
#define CONSORT_DECIMAL_SIZE 48
size_t consort_decimal_print(struct consort_decimal decimal, uint8_t scale, char out[CONSORT_DECIMAL_SIZE]);
/* Parses [+-]digits[.digits][e[+-]digits], where the digits on one side of the point may be missing.
 * *out_precision and *out_scale are what it needs as written, less zeros at the end that would not fit.
 * ERANGE for more than 38 digits, ETYPE for no number. */
uint32_t consort_decimal_parse(const char *text, uint64_t size, struct consort_decimal *out,
			       uint8_t *out_precision, uint8_t *out_scale, struct consort_error *error);
/* To another scale, exact or ERANGE. No message. */
uint32_t consort_decimal_rescale(struct consort_decimal decimal, uint8_t from, uint8_t to,
				 struct consort_decimal *out);
struct consort_decimal consort_decimal_from_int64(int64_t integer);

/*
 * Arithmetic on decimals of at most 38 digits. ERANGE, without a message, for a result with more of them, and for a
 * division by zero. Sums, differences and remainders are of one scale; the scale of a product is the sum of both.
 */
uint32_t consort_decimal_add(struct consort_decimal a, struct consort_decimal b, struct consort_decimal *out);
uint32_t consort_decimal_subtract(struct consort_decimal a, struct consort_decimal b, struct consort_decimal *out);
uint32_t consort_decimal_multiply(struct consort_decimal a, struct consort_decimal b, struct consort_decimal *out);
/* a * 10^shift / b, rounded half away from zero; the quotient's scale is a's less b's and plus shift, which may be
 * negative. */
uint32_t consort_decimal_divide(struct consort_decimal a, struct consort_decimal b, int shift,
				struct consort_decimal *out);
/* The sign is that of a. */
uint32_t consort_decimal_modulo(struct consort_decimal a, struct consort_decimal b, struct consort_decimal *out);
uint32_t consort_decimal_negate(struct consort_decimal a, struct consort_decimal *out);

/*
 * The order of two values, neither NULL, of one type or both numbers: negative, 0, positive. int64, float64
 * and decimal compare exactly; NaN equals NaN and is greatest; -0 equals 0; texts, bytes, json, uuids and
 * objectids compare as unsigned bytes; lists item by item, NULL last, then the shorter first.
 */
int consort_value_compare(const struct consort_value *a, const struct consort_value *b);

/* "250ms", "5s", "2m", "1h", "7d", "0" → nanoseconds. 0: not of that form, or too long. */
int consort_duration_parse(const char *text, int64_t *out_nanoseconds);
/* "4096", "64KiB", "16MiB", "1GiB", "2TiB" → bytes. 0: not of that form, or too large. */
int consort_size_parse(const char *text, int64_t *out_bytes);

CONSORT_END

#endif
