/* SPDX-License-Identifier: Apache-2.0 */
/* Values of every type: those at the edges of what a type can hold, where engines differ, and any others. */
#include "drive.h"

#include <inttypes.h>
#include <stdio.h>

/* xorshift64*; a seed of 0 would stay there. */
uint64_t conform_random(struct conform *conform)
{
	uint64_t x = conform->random ? conform->random : 0x9e3779b97f4a7c15u;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	conform->random = x;
	return x * 0x2545f4914f6cdd1du;
}

uint32_t conform_below(struct conform *conform, uint32_t limit)
{
	return limit ? (uint32_t)(conform_random(conform) >> 33) % limit : 0;
}

/* --- edges: as texts; the first three of each type are ordinary --- */

static const char *const bools[] = {"true", "false", "true", NULL};
static const char *const integers[] = {
	"1",
	"2",
	"-7",
	"0",
	"-1",
	"10",
	"9223372036854775807",
	"-9223372036854775808",
	"-9223372036854775807",
	"9007199254740993",
	"9007199254740992",
	"2147483648",
	"-2147483649",
	"4294967296",
	"255",
	"65536",
	NULL,
};
static const char *const floats[] = {
	"1.5",
	"2.0",
	"-7.25",
	"0.0",
	"-0.0",
	"0.1",
	"1e308",
	"-1e308",
	"1.7976931348623157e308",
	"5e-324",
	"2.2250738585072014e-308",
	"9007199254740992.0",
	"9007199254740994.0",
	"1e16",
	"0.30000000000000004",
	"inf",
	"-inf",
	"nan",
	NULL,
};
static const char *const texts[] = {
	"one",	      "two words", "Three",
	"",	      " ",	   "one ",
	" one",	      "ONE",	   "One",
	"a\nb\tc\rd", "é",	   "e\xcc\x81",
	"É",	      "ß",	   "ẞ",
	"İ",	      "ı",	   "ſ",
	"ς",	      "日本語",	   "\xf0\x9f\x9a\x80",
	"'",	      "it's",	   "\"",
	"\\",	      "100%",	   "_",
	"%",	      "a_c",	   "NULL",
	"null",	      "0",	   "1",
	"true",	      "\x01\x7f",  "\xef\xbf\xbd",
	"--",	      ";",	   "$1",
	"?",	      ":a",	   "{}",
	NULL,
};
static const char *const binaries[] = {
	"\\x616263", "\\x00ff",
	"\\x20",     "\\x",
	"\\x00",     "\\xff",
	"\\x0000",   "\\x5c",
	"\\x27",     "\\xc3",
	"\\xe28000", "\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f7f80818283feff",
	NULL,
};
static const char *const timestamps[] = {
	"2001-02-03T04:05:06Z",	    "2024-02-29T23:59:59.5Z",	   "1999-12-31T00:00:00Z",
	"1970-01-01T00:00:00Z",	    "1969-12-31T23:59:59.999999Z", "2001-02-03T04:05:06.000001Z",
	"2001-02-03T04:05:06.001Z", "0001-01-01T00:00:00Z",	   "9999-12-31T23:59:59.999999Z",
	"1582-10-10T12:00:00Z",	    "0000-02-29T00:00:00Z",	   "+12345-06-07T08:09:10Z",
	"2038-01-19T03:14:08Z",	    "1900-02-28T23:59:59Z",	   NULL,
};
static const char *const dates[] = {
	"2001-02-03", "2024-02-29", "1999-12-31",  "1970-01-01",   "1969-12-31", "0001-01-01", "9999-12-31",
	"1582-10-10", "0000-02-29", "-0001-12-31", "+12345-06-07", "1900-03-01", NULL,
};
static const char *const times[] = {
	"04:05:06",	   "12:00:00",	      "23:59:59",   "00:00:00",
	"23:59:59.999999", "00:00:00.000001", "04:05:06.5", NULL,
};
static const char *const uuids[] = {
	"6ccd780c-baba-1026-9564-5b8c656024db",
	"550e8400-e29b-41d4-a716-446655440000",
	"123e4567-e89b-12d3-a456-426614174000",
	"00000000-0000-0000-0000-000000000000",
	"ffffffff-ffff-ffff-ffff-ffffffffffff",
	"80000000-0000-0000-0000-000000000000",
	"00000000-0000-0000-8000-000000000000",
	"01000000-0000-0000-0000-000000000000",
	NULL,
};
static const char *const objectids[] = {
	"507f1f77bcf86cd799439011",
	"0123456789abcdef01234567",
	"65a1b2c3d4e5f60718293a4b",
	"000000000000000000000000",
	"ffffffffffffffffffffffff",
	"800000000000000000000000",
	NULL,
};
static const char *const documents[] = {
	"{\"a\":1}",
	"[1,2,3]",
	"{\"a\":\"x\",\"b\":{\"c\":true}}",
	"{}",
	"[]",
	"[null]",
	"{\"a\":null}",
	"[12345678901234567890123]",
	"[1.50]",
	"[0.1]",
	"{\"a\":\"\\u0001 \\\"é\\\\日本\"}",
	"[[[[[]]]]]",
	"[\"\"]",
	"{\"\":0}",
	"[true,false,null,-1]",
	"{\"a\":[{\"b\":\"c\"}]}",
	NULL,
};

static const char *const *edges_of(uint16_t type)
{
	switch (type) {
	case CONSORT_TYPE_BOOL:
		return bools;
	case CONSORT_TYPE_INT64:
		return integers;
	case CONSORT_TYPE_FLOAT64:
		return floats;
	case CONSORT_TYPE_TEXT:
		return texts;
	case CONSORT_TYPE_BYTES:
		return binaries;
	case CONSORT_TYPE_TIMESTAMP:
		return timestamps;
	case CONSORT_TYPE_DATE:
		return dates;
	case CONSORT_TYPE_TIME:
		return times;
	case CONSORT_TYPE_UUID:
		return uuids;
	case CONSORT_TYPE_OBJECTID:
		return objectids;
	case CONSORT_TYPE_JSON:
		return documents;
	default:
		return NULL;
	}
}

static struct consort_value parse(struct consort_type type, const char *text, struct consort_arena *arena)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value;
	const char *kept = consort_arena_text(arena, text);

	NEED(kept);
	if (consort_value_parse(type, kept, strlen(kept), arena, &value, &error))
		conform_fail("the kit: '%s' is no value: %s", text, error.message);
	return value;
}

/* 10^digits - 1, with a sign, is the greatest or the least of the type; a single digit at the end is its
 * smallest step. */
static struct consort_value decimal_edge(struct consort_type type, uint32_t n)
{
	static const int64_t small[] = {1, 2, -7, 0, -1};
	struct consort_decimal unscaled, ten = consort_decimal_from_int64(10);
	char text[CONSORT_DECIMAL_SIZE];
	int i;

	if (n > 7)
		return consort_null();
	unscaled = consort_decimal_from_int64(n < 5 ? small[n] : n == 7 ? 5 : 0);
	/* whole numbers, where there is room for them */
	for (i = 0; n < 5 && type.precision > type.scale && i < type.scale; i++)
		NEED(!consort_decimal_multiply(unscaled, ten, &unscaled));
	for (i = 0; (n == 5 || n == 6) && i < type.precision; i++)
		text[i] = '9';
	if (n == 5 || n == 6) {
		uint8_t precision, scale;

		NEED(!consort_decimal_parse(text, type.precision, &unscaled, &precision, &scale, NULL));
		if (n == 6)
			NEED(!consort_decimal_negate(unscaled, &unscaled));
	}
	return consort_decimal_of(unscaled, type.precision, type.scale);
}

static struct consort_type element_of(struct consort_type type)
{
	type.id = type.element;
	type.element = 0;
	return type;
}

/* Of none, one, three and many items, and of NULLs. */
static struct consort_value list_edge(struct consort_type type, uint32_t n, struct consort_arena *arena)
{
	static const uint64_t counts[] = {1, 3, 2, 0, 1, 40};
	struct consort_value value = consort_null(), *items;
	uint64_t i;

	if (n >= sizeof(counts) / sizeof(counts[0]))
		return value;
	items = consort_arena_array(arena, counts[n] + 1, sizeof(*items));
	NEED(items);
	for (i = 0; i < counts[n]; i++)
		items[i] = n == 4 ? consort_null() : conform_edge(element_of(type), (uint32_t)(i % 3), arena);
	value.type = type;
	value.as.list.items = items;
	value.as.list.count = counts[n];
	return value;
}

struct consort_value conform_edge(struct consort_type type, uint32_t n, struct consort_arena *arena)
{
	const char *const *edges = edges_of(type.id);
	uint32_t i;

	if (type.id == CONSORT_TYPE_DECIMAL)
		return decimal_edge(type, n);
	if (type.id == CONSORT_TYPE_LIST)
		return list_edge(type, n, arena);
	for (i = 0; edges && i < n && edges[i]; i++)
		;
	return edges && edges[i] ? parse(type, edges[i], arena) : consort_null();
}

static uint32_t count_edges(struct consort_type type, struct consort_arena *arena)
{
	uint32_t n = 0;

	for (;; n++) {
		const struct consort_value value = conform_edge(type, n, arena);

		if (consort_value_is_null(&value))
			return n;
	}
}

/* --- any value --- */

static struct consort_value any_text(struct conform *conform, struct consort_arena *arena)
{
	static const char letters[] = "aAbBzZ %_.-\\9";
	uint32_t size = conform_below(conform, 7), i;
	char text[8] = "";

	for (i = 0; i < size; i++)
		text[i] = letters[conform_below(conform, sizeof(letters) - 1)];
	return consort_text(consort_arena_text(arena, text));
}

struct consort_value conform_value(struct conform *conform, struct consort_type type,
				   struct consort_arena *arena)
{
	int64_t near = (int64_t)conform_below(conform, 40) - 20;

	if (conform_below(conform, 5) < 3)
		return conform_edge(type, conform_below(conform, count_edges(type, arena)), arena);
	switch (type.id) {
	case CONSORT_TYPE_INT64:
		return consort_int64(near);
	case CONSORT_TYPE_FLOAT64:
		return consort_float64((double)near / 4);
	case CONSORT_TYPE_TEXT:
		return any_text(conform, arena);
	case CONSORT_TYPE_TIMESTAMP:
		return consort_timestamp(1000000000000000 + near * 3600000000);
	case CONSORT_TYPE_DATE:
		return consort_date((int32_t)(12000 + near));
	case CONSORT_TYPE_TIME:
		return consort_time((near + 20) * 1000000);
	default:
		return conform_different(type, conform_random(conform) % 50, arena);
	}
}

struct consort_value conform_different(struct consort_type type, uint64_t n, struct consort_arena *arena)
{
	char text[64];
	uint8_t id[16] = {0};
	uint64_t most = 1;
	int i;

	for (i = 0; i < 8; i++)
		id[11 - i] = (uint8_t)(n >> 8 * i);
	switch (type.id) {
	case CONSORT_TYPE_BOOL:
		return consort_bool((int)(n & 1));
	case CONSORT_TYPE_INT64:
		return consort_int64((int64_t)n + 100);
	case CONSORT_TYPE_FLOAT64:
		return consort_float64((double)n + 100.5);
	case CONSORT_TYPE_TIMESTAMP:
		return consort_timestamp(1000000000000000 + (int64_t)n * 1000000);
	case CONSORT_TYPE_DATE:
		return consort_date((int32_t)(10000 + n));
	case CONSORT_TYPE_TIME:
		return consort_time((int64_t)(n % 86400) * 1000000);
	case CONSORT_TYPE_UUID:
		return consort_uuid(id);
	case CONSORT_TYPE_OBJECTID:
		return consort_objectid(id);
	case CONSORT_TYPE_JSON:
		snprintf(text, sizeof(text), "{\"n\":%" PRIu64 "}", n);
		return parse(type, text, arena);
	case CONSORT_TYPE_DECIMAL:
		for (i = 0; i < type.precision && i < 18; i++)
			most *= 10;
		return consort_decimal_of(consort_decimal_from_int64((int64_t)(n % most)), type.precision,
					  type.scale);
	case CONSORT_TYPE_BYTES:
		return consort_bytes(consort_arena_copy(arena, id, 12), 12);
	case CONSORT_TYPE_LIST:
		return list_edge(type, (uint32_t)(n % 4), arena);
	default:
		snprintf(text, sizeof(text), "key %06" PRIu64, n);
		return consort_text(consort_arena_text(arena, text));
	}
}

/* --- comparing and printing --- */

bool conform_value_equal(const struct consort_value *a, const struct consort_value *b)
{
	if (consort_value_is_null(a) || consort_value_is_null(b))
		return consort_value_is_null(a) && consort_value_is_null(b);
	return consort_type_equal(a->type, b->type) && !consort_value_compare(a, b);
}

/* Texts with their quotes, so that NULL and odd blanks are seen, and rows take one line. */
void conform_value_print(const struct consort_value *value, struct consort_buffer *out)
{
	conform_memory_hold();
	if (consort_value_is_null(value))
		consort_buffer_text(out, "NULL");
	else if (value->type.id == CONSORT_TYPE_TEXT)
		consort_json_quote(out, value->as.view.data, value->as.view.size);
	else
		consort_value_print(value, out);
	conform_memory_release();
}

bool conform_value_literal(const struct consort_value *value, struct consort_buffer *out)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	bool quoted = true;

	switch (value->type.id) {
	case CONSORT_TYPE_NULL:
		consort_buffer_text(out, "null");
		return true;
	case CONSORT_TYPE_LIST:
	case CONSORT_TYPE_JSON:
		return false;
	case CONSORT_TYPE_FLOAT64: /* neither infinite nor NaN, for which there is no number */
		if (value->as.float64 - value->as.float64 != 0)
			return false;
		quoted = false;
		break;
	case CONSORT_TYPE_INT64:
		if (value->as.int64 == INT64_MIN)
			return false;
		quoted = false;
		break;
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_DECIMAL:
		quoted = false;
		break;
	default:
		break;
	}
	consort_value_print(value, &text);
	if (quoted)
		consort_buffer_quoted(out, text.data ? text.data : "", text.size, '\'');
	else
		consort_buffer_text(out, text.data);
	consort_buffer_clear(&text);
	return true;
}
