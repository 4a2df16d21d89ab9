/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in Redis, as hashes and as documents, on a server and in a cluster: what is stored is looked at
 * with redis-cli, and what redis-cli stores is read. Which queries are lookups is asserted through explain.
 */
#include "redis-server.h"

#include <consort/convert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALONE "redis@records"
#define CLUSTER "redis-cluster@records"

#define TYPES                                                                                             \
	"attribute.id = int64\nattribute.name = text\nattribute.value = float64\nattribute.flag = bool\n" \
	"attribute.price = decimal(12,2)\nattribute.at = timestamp\nattribute.day = date\n"               \
	"attribute.tags = list of text\nattribute.doc = json\n"
static const char hashes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\n" TYPES;
static const char documents[] =
	"[resource note]\ndatabase = db\nsource = %s\nkey = id\nrecord = json\n" TYPES;

/* --- writing with short words --- */

/* "id=1 name=x": creates, updates or upserts it; a value is a JSON token or else a text. */
typedef enum consort_status write_fn(struct consort *c, struct consort_record *r,
				     struct consort_error *error);

static enum consort_status write_with(write_fn *fn, struct consort *c, int64_t id, const char *name,
				      struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "note");
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "name", consort_text(name));
	status = fn(c, r, error);
	consort_record_free(r);
	return status;
}

static enum consort_status delete_note(struct consort *c, int64_t id, struct consort_error *error)
{
	return consort_delete(c, "note", CONSORT_ARGS(consort_int64(id)), error);
}

/* --- one record --- */

static void create_full(struct consort *c)
{
	static const struct consort_value tags[] = {
		{.type = {.id = CONSORT_TYPE_TEXT}, .as.view = {"a", 1}},
		{.type = {.id = CONSORT_TYPE_TEXT}, .as.view = {"b \"c\"", 5}}};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = consort_record_new(c, "note");
	struct consort_value list = consort_null();

	list.type.id = CONSORT_TYPE_LIST;
	list.type.element = CONSORT_TYPE_TEXT;
	list.as.list.items = tags;
	list.as.list.count = 2;
	consort_record_set(r, "id", consort_int64(-7));
	consort_record_set(r, "name", consort_text("héllo"));
	consort_record_set(r, "value", consort_float64(-0.5));
	consort_record_set(r, "flag", consort_bool(1));
	consort_record_set(r, "price", consort_decimal_of(consort_decimal_from_int64(1250), 12, 2));
	consort_record_set(r, "at", consort_timestamp(INT64_C(978307200000001)));
	consort_record_set(r, "day", consort_date(11323));
	consort_record_set(r, "tags", list);
	consort_record_set(r, "doc", consort_json("{\"b\":1.10,\"a\":null}"));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
}

#define FULL                                                                                        \
	"-7,héllo,-0.5,true,12.50,2001-01-01T00:00:00.000001Z,2001-01-01,[\"a\",\"b \\\"c\\\"\"]," \
	"{\"b\":1.10,\"a\":null}"

static void all_types(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);

	create_full(c);
	TESTING_TEXT(api_find(c, "note", NULL, NULL, NULL), FULL);
	TESTING_TEXT(api_find(c, "note", NULL, "id = -7", NULL), FULL);
	if (resources == hashes)
		TESTING_TEXT(redis_ask(server, "hmget %s:-7 id name value flag price at day tags doc",
				       testing_name()),
			     "-7;héllo;-0.5;true;12.50;2001-01-01T00:00:00.000001Z;2001-01-01;[\"a\",\"b "
			     "\\\"c\\\"\"];{\"b\":1.10,\"a\":null};");
	else
		TESTING_TEXT(
			redis_ask(server, "get %s:-7", testing_name()),
			"{\"id\":-7,\"name\":\"héllo\",\"value\":-0.5,\"flag\":true,\"price\":12.50,"
			"\"at\":\"2001-01-01T00:00:00.000001Z\",\"day\":\"2001-01-01\",\"tags\":[\"a\",\"b "
			"\\\"c\\\"\"],\"doc\":{\"b\":1.10,\"a\":null}};");
	consort_close(c);
}

static void life_of_a_record(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(write_with(consort_update, c, 1, "x", &error), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(delete_note(c, 1, &error), CONSORT_ENOTFOUND);
	API_OK(write_with(consort_create, c, 1, "one", &error));
	CU_ASSERT_EQUAL(write_with(consort_create, c, 1, "another", &error), CONSORT_ECONSTRAINT);
	TESTING_CONTAINS(error.message, "is there already");
	TESTING_TEXT(api_find(c, "note", "id, name, value", NULL, NULL), "1,one,-");
	API_OK(write_with(consort_update, c, 1, "two", &error));
	API_OK(write_with(consort_upsert, c, 1, "three", &error));
	API_OK(write_with(consort_upsert, c, 2, "four", &error));
	TESTING_TEXT(api_find(c, "note", "id, name", NULL, "id"), "1,three;2,four");
	/* the last of what it had: the record is still there */
	API_OK(write_with(consort_update, c, 1, NULL, &error));
	TESTING_TEXT(api_find(c, "note", "id, name", NULL, "id"), "1,-;2,four");
	TESTING_TEXT(api_find(c, "note", "id, name", "id = 1", NULL), "1,-");
	TESTING_TEXT(api_find(c, "note", "id", "id in (1, 2, 2, 3)", "id"), "1;2");
	TESTING_TEXT(api_find(c, "note", "name", "id in (1, 5)", NULL), "-");
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "2");
	API_OK(delete_note(c, 1, &error));
	TESTING_TEXT(api_find(c, "note", "id", NULL, NULL), "2");
	consort_close(c);
}

/* A field or member that nobody declares stays, and so do its digits. */
static void undeclared_stays(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	bool hash = resources == hashes;

	if (hash)
		redis_ask(server, "hset %s:1 own kept name x", testing_name());
	else
		redis_ask(server, "set %s:1 '{\"own\":1.10,\"name\":\"x\",\"big\":123456789012345678901234}'",
			  testing_name());
	TESTING_TEXT(api_find(c, "note", "id, name", NULL, NULL), "1,x");
	API_OK(write_with(consort_update, c, 1, "y", &error));
	if (hash)
		TESTING_TEXT(redis_ask(server, "hmget %s:1 own name", testing_name()), "kept;y;");
	else
		TESTING_TEXT(redis_ask(server, "get %s:1", testing_name()),
			     "{\"own\":1.10,\"name\":\"y\",\"big\":123456789012345678901234};");
	consort_close(c);
}

/* Keys that are no record of the resource: written in another way, of another type, of a neighbour. */
static void what_is_no_record(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *name = testing_name();

	API_OK(write_with(consort_create, c, 1, "one", &error));
	redis_ask(server, "hset %s:01 name x", name);
	redis_ask(server, "hset %s:1:more name x", name);
	redis_ask(server, "hset %s2:5 name x", name);
	redis_ask(server, "rpush %s:3 x", name);
	redis_ask(server, "set %s:text x", name);
	TESTING_TEXT(api_find(c, "note", "id, name", NULL, NULL), "1,one");
	TESTING_TEXT(api_find(c, "note", "id, name", "id = 3", NULL), "");
	CU_ASSERT_EQUAL(write_with(consort_create, c, 3, "x", &error), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(write_with(consort_upsert, c, 3, "x", &error), CONSORT_ETYPE);
	CU_ASSERT_EQUAL(delete_note(c, 3, &error), CONSORT_ENOTFOUND);
	TESTING_TEXT(redis_ask(server, "lrange %s:3 0 -1", name), "x;");
	consort_close(c);
}

/* A text that is not of its attribute's type is never taken for something else. */
static void wrong_values(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	const char *name = testing_name();

	if (resources == hashes)
		redis_ask(server, "hset %s:1 value much name x", name);
	else
		redis_ask(server, "set %s:1 '{\"value\":\"much\",\"name\":\"x\"}'", name);
	TESTING_TEXT(api_find(c, "note", "id, name", NULL, NULL), "1,x");
	TESTING_CONTAINS(api_find(c, "note", "id, value", NULL, NULL), "attribute 'value'");
	TESTING_CONTAINS(api_find(c, "note", "id, value", NULL, NULL), "status 4: ");
	if (resources == hashes)
		return consort_close(c);
	redis_ask(server, "set %s:1 'not json'", name);
	TESTING_CONTAINS(api_find(c, "note", "id, value", NULL, NULL), "is no JSON object");
	consort_close(c);
}

/* --- many --- */

#define MANY 5000

static struct consort_record **make_many(struct consort *c, int64_t first)
{
	struct consort_record **records = calloc(MANY, sizeof(*records));
	char name[32];
	int64_t i;

	for (i = 0; i < MANY; i++) {
		records[i] = consort_record_new(c, "note");
		snprintf(name, sizeof(name), "name %lld", (long long)(first + i));
		consort_record_set(records[i], "id", consort_int64(first + i));
		consort_record_set(records[i], "name", consort_text(name));
	}
	return records;
}

static void free_many(struct consort_record **records)
{
	int i;

	for (i = 0; i < MANY; i++)
		consort_record_free(records[i]);
	free(records);
}

/* All are met, each once, and those of a set of keys are found in its order. */
static void many_records(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, "page = 100", resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record **records = make_many(c, 1);

	API_OK(consort_create_many(c, records, MANY, 0, NULL, &error));
	TESTING_TEXT(api_find(c, "note", "count(*), count(distinct id), sum(id), count(distinct name)", NULL,
			      NULL),
		     "5000,5000,12502500,5000");
	TESTING_TEXT(api_find(c, "note", "id", "name = 'name 4321'", NULL), "4321");
	free_many(records);
	consort_close(c);
}

/* A record that is there already: those behind it may be written in a cluster, and what was is what is told.
 */
static void many_with_a_failure(const char *server, const char *resources)
{
	struct consort *c = redis_open(server, NULL, NULL, resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record **records = make_many(c, 1);
	uint32_t *statuses = calloc(MANY, sizeof(*statuses));
	char expected[64];
	int i, written = 0;

	API_OK(write_with(consort_create, c, 1000, "before", &error));
	CU_ASSERT_EQUAL(consort_create_many(c, records, MANY, CONSORT_MANY_CONTINUE, statuses, &error),
			CONSORT_ECONSTRAINT);
	for (i = 0; i < MANY; i++)
		written += statuses[i] == CONSORT_OK;
	CU_ASSERT_EQUAL(written, MANY - 1);
	CU_ASSERT_EQUAL(statuses[999], CONSORT_ECONSTRAINT);
	snprintf(expected, sizeof(expected), "%d", MANY);
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), expected);
	TESTING_TEXT(api_find(c, "note", "name", "id = 1000", NULL), "before");
	free(statuses);
	free_many(records);
	consort_close(c);
}

/* --- each on both kinds of servers, with both kinds of records --- */

#define FOUR(name)                                   \
	static void test_##name##_hash(void)         \
	{                                            \
		name(ALONE, hashes);                 \
	}                                            \
	static void test_##name##_json(void)         \
	{                                            \
		name(ALONE, documents);              \
	}                                            \
	static void test_##name##_hash_cluster(void) \
	{                                            \
		name(CLUSTER, hashes);               \
	}                                            \
	static void test_##name##_json_cluster(void) \
	{                                            \
		name(CLUSTER, documents);            \
	}
FOUR(all_types)
FOUR(life_of_a_record)
FOUR(undeclared_stays)
FOUR(what_is_no_record)
FOUR(wrong_values)
FOUR(many_records)
FOUR(many_with_a_failure)

/* On one server a call of the script writes all of its rows or none. */
static void test_all_or_none(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, hashes);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record **records = make_many(c, 1);

	API_OK(write_with(consort_create, c, 200, "before", &error));
	CU_ASSERT_EQUAL(consort_create_many(c, records, 250, 0, NULL, &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(api_find(c, "note", "id", NULL, NULL), "200");
	free_many(records);
	consort_close(c);
}

#define CASES(name)                                                               \
	{#name "-hash", test_##name##_hash}, {#name "-json", test_##name##_json}, \
		{#name "-hash-cluster", test_##name##_hash_cluster},              \
	{                                                                         \
#name "-json-cluster", test_##name##_json_cluster                 \
	}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		CASES(all_types),
		CASES(life_of_a_record),
		CASES(undeclared_stays),
		CASES(what_is_no_record),
		CASES(wrong_values),
		CASES(many_records),
		CASES(many_with_a_failure),
		{"all-or-none", test_all_or_none},
		{NULL, NULL},
	};
	int code = testing_main("redis-records", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(CLUSTER);
	return code;
}
