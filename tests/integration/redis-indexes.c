/* SPDX-License-Identifier: Apache-2.0 */
#include "redis-indexes.h"

#include <consort/buffer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES                                                                                       \
	"attribute.id = int64\nattribute.i = int64\nattribute.f = float64\nattribute.t = text\n"         \
	"attribute.b = bool\nattribute.p = decimal(20,2)\nattribute.m = timestamp\nattribute.d = date\n" \
	"attribute.u = uuid\nattribute.r = bytes\n"
#define KEYS "key = id\nhash_tag = source\n"
#define INDEXES "index.some = i, f, t\nindex.more = b, p, m, d, u, r\n"
#define RESOURCES(record)                                                                                \
	"[resource x]\ndatabase = db\nsource = %s\nrecord = " record "\n" KEYS ATTRIBUTES INDEXES        \
	"[resource y]\ndatabase = db\nsource = %s\nrecord = " record "\n" KEYS ATTRIBUTES                \
	"[resource z]\ndatabase = db\nsource = %s-z\nrecord = " record "\nkey = id\nhash_tag = source\n" \
	"attribute.id = int64\nattribute.t = text\nrelationship.x = x, t -> t\n"

const char *const redis_index_variants[] = {RESOURCES("hash"), RESOURCES("json")};
const char *const redis_indexes[] = {"i", "f", "t", "b", "p", "m", "d", "u", "r"};

/* --- records at random --- */

static uint64_t state;

void redis_index_begin(uint64_t seed)
{
	state = seed * 7919 + 1;
}

uint32_t redis_index_pick(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % limit);
}

const char *const redis_index_values[][9] = {
	{"", "0", "1", "-1", "256", "-256", "9007199254740993", "9223372036854775807",
	 "-9223372036854775808"},
	{"", "0", "-0.0", "1.5", "-1.5", "1e300", "-inf", "inf", "nan"},
	{"", "a", "ab", "A", "é", "z", "a%b", "a\\b", "\xf0\x9f\x98\x80"},
	{"", "true", "false", "true", "false", "true", "false", "true", "false"},
	{"", "0", "1.50", "-0.01", "255.99", "-256", "99999999999999999.99", "-1.5", "0.01"},
	{"", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2024-02-29T12:00:00Z",
	 "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1970-01-01T00:00:00.000256Z",
	 "2024-02-29T12:00:00.5Z", "2000-01-01T00:00:00Z"},
	{"", "1970-01-01", "1969-12-31", "2024-02-29", "0001-01-01", "9999-12-31", "2000-01-01", "1999-12-31",
	 "2001-09-09"},
	{"", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
	 "ffffffff-ffff-ffff-ffff-ffffffffffff", "550e8400-e29b-41d4-a716-446655440000",
	 "7fffffff-0000-0000-0000-000000000000", "80000000-0000-0000-0000-000000000000",
	 "00010000-0000-0000-0000-000000000000", "00ff0000-0000-0000-0000-000000000000"},
	{"", "\\x00", "\\x0000", "\\x0001", "\\x00ff", "\\xff", "\\x6162", "\\x61", "\\x616200"},
};

const char *redis_index_records(int count)
{
	struct consort_buffer csv = CONSORT_BUFFER_INIT;
	size_t column;
	int id;

	for (id = 1; id <= count; id++) {
		consort_buffer_printf(&csv, "%d", id);
		for (column = 0; column < REDIS_INDEX_COUNT; column++)
			consort_buffer_printf(&csv, ",%s", REDIS_INDEX_ANY(redis_index_values[column]));
		consort_buffer_text(&csv, "\n");
	}
	return testing_keep(consort_buffer_steal(&csv));
}

long redis_index_entries(const char *server, const char *attribute)
{
	char key[128];

	snprintf(key, sizeof(key), "{%s}:", testing_name());
	return strtol(redis_ask(server, "zcard 'consort.index:%zu:%s%s'", strlen(key), key, attribute), NULL,
		      10) -
	       1;
}

void redis_index_check(struct consort *c, const char *server)
{
	static const char *const lowest[] = {"i >= -9223372036854775807 - 1",
					     "f >= cast('-inf' as float8)",
					     "t >= ''",
					     "b >= false",
					     "p >= -999999999999999999.99",
					     "m >= '0001-01-01T00:00:00Z'",
					     "d >= '0001-01-01'",
					     "u >= '00000000-0000-0000-0000-000000000000'",
					     "r >= '\\x'"};
	char select[64], order[64], key[128];
	size_t i;

	for (i = 0; i < REDIS_INDEX_COUNT; i++) {
		long count;

		snprintf(select, sizeof(select), "id, %s", redis_indexes[i]);
		snprintf(order, sizeof(order), "%s, id", redis_indexes[i]);
		TESTING_TEXT(api_find(c, "x", select, lowest[i], order),
			     api_find(c, "y", select, lowest[i], order));
		snprintf(select, sizeof(select), "count(%s)", redis_indexes[i]);
		count = strtol(api_find(c, "y", select, NULL, NULL), NULL, 10);
		CU_ASSERT_EQUAL(redis_index_entries(server, redis_indexes[i]), count);
		snprintf(key, sizeof(key), "{%s}:", testing_name());
		CU_ASSERT_EQUAL(strtol(redis_ask(server, "hlen 'consort.value:%zu:%s%s'", strlen(key), key,
						 redis_indexes[i]),
				       NULL, 10),
				count);
	}
}
