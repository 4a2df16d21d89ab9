/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queries Redis is given, asserted through explain and by what they find; and keys, values and names
 * that look like something else: glob patterns, the protocol's own bytes, quotes, braces. They are found as
 * they are.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALONE "redis@lookups"
#define CLUSTER "redis-cluster@lookups"

static const char resources[] =
	"[resource airport]\ndatabase = db\nsource = %s-airport\nkey = iata\nattribute.iata = text\n"
	"attribute.city = text\n"
	"[resource flight]\ndatabase = db\nsource = %s-flight\nkey = carrier, number\nattribute.carrier = "
	"text\n"
	"attribute.number = int64\nattribute.origin = text\nrelationship.airport = airport, origin -> iata\n"
	"[resource stamp]\ndatabase = db\nsource = %s-stamp\nkey = at\nattribute.at = timestamp codec ms\n"
	"attribute.name = text\n";

static void fill(const char *server)
{
	const char *name = testing_name();

	redis_ask(server, "hset %s-airport:SFO city 'San Francisco'", name);
	redis_ask(server, "hset %s-airport:LAX city 'Los Angeles'", name);
	redis_ask(server, "hset %s-flight:AA:1 origin SFO", name);
	redis_ask(server, "hset %s-flight:AA:2 origin LAX", name);
	redis_ask(server, "hset %s-flight:UA:1 origin LAX", name);
	redis_ask(server, "hset %s-stamp:978307200000 name new", name);
}

/* Each with what it finds; those of the first list are lookups, those of the second are not. */
static void lookups(const char *server)
{
	static const char *const given[][3] = {
		{"airport", "iata = 'SFO'", "SFO,San Francisco"},
		{"airport", "'SFO' = iata", "SFO,San Francisco"},
		{"airport", "iata in ('LAX', 'LAX', 'QQQ')", "LAX,Los Angeles"},
		{"airport", "iata = 'SFO' and city like 'San%'", "SFO,San Francisco"},
		{"airport", "iata in ('SFO', 'LAX') and city <> 'Los Angeles'", "SFO,San Francisco"},
		{"airport", "iata = ''", ""},
		{"airport", "iata = '*'", ""},
		{"flight", "carrier = 'AA' and number = 1", "AA,1,SFO"},
		{"flight", "number = 2 and carrier = 'AA'", "AA,2,LAX"},
		{"flight", "carrier in ('AA', 'UA') and number = 1 and origin = 'LAX'", "UA,1,LAX"},
		{"flight", "carrier = 'UA' and number in (1, 2)", "UA,1,LAX"},
		{"stamp", "at = '2001-01-01T00:00:00Z'", "2001-01-01T00:00:00Z,new"},
	};
	static const char *const kept[][3] = {
		{"airport", "city = 'Los Angeles'", "LAX,Los Angeles"},
		{"airport", "iata > 'M'", "SFO,San Francisco"},
		{"airport", "iata = 'SFO' or city = 'nowhere'", "SFO,San Francisco"},
		{"airport", "not iata = 'LAX'", "SFO,San Francisco"},
		{"flight", "carrier = 'UA'", "UA,1,LAX"},
		{"flight", "number = 2", "AA,2,LAX"},
		{"flight", "carrier = 'AA' and number > 1", "AA,2,LAX"},
	};
	struct consort *c = redis_open(server, NULL, NULL, resources);
	size_t i;

	fill(server);
	for (i = 0; i < sizeof(given) / sizeof(*given); i++) {
		const char *plan = redis_explain(c, given[i][0], NULL, given[i][1]);

		TESTING_CONTAINS(plan, "for each key HMGET");
		if (strstr(plan, "SCAN"))
			testing_text(plan, given[i][1], __FILE__, __LINE__);
		TESTING_TEXT(api_find(c, given[i][0], NULL, given[i][1], NULL), given[i][2]);
	}
	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		TESTING_CONTAINS(redis_explain(c, kept[i][0], NULL, kept[i][1]), "SCAN MATCH");
		TESTING_TEXT(api_find(c, kept[i][0], NULL, kept[i][1], NULL), kept[i][2]);
	}
	/* a relationship is followed by sets of keys */
	TESTING_TEXT(api_find(c, "flight", "carrier, number, airport.city", "origin = 'SFO'", NULL),
		     "AA,1,San Francisco");
	TESTING_CONTAINS(redis_explain(c, "flight", "airport.city", NULL), "for each key HMGET");
	consort_close(c);
}

static void test_lookups(void)
{
	lookups(ALONE);
}

static void test_lookups_cluster(void)
{
	lookups(CLUSTER);
}

/* --- what looks like something else --- */

static const char *const hostile[] = {
	"*",
	"?",
	"[a-z]",
	"\\",
	"\\*",
	"^-]",
	"a b",
	"\"q\"",
	"'q'",
	"{tag}",
	"}{",
	"%3A",
	":",
	"::",
	"\r\n",
	"$3\r\n",
	"*1\r\n$4\r\nPING\r\n",
	"x\r\nFLUSHALL\r\n",
	"\x01\x1f",
	"né",
	"",
};
#define HOSTILE (sizeof(hostile) / sizeof(*hostile))

static const char pairs[] =
	"[resource pair]\ndatabase = db\nsource = \"%s*[x]?\\\"\nkey = a, b\nattribute.a = text\n"
	"attribute.b = text\nattribute.v = text from \"f *\"\n"
	"[resource one]\ndatabase = db\nsource = \"%s-one{\"\nkey = a\nhash_tag = key\n"
	"attribute.a = text\nattribute.v = text\n"
	"[resource doc]\ndatabase = db\nsource = \"%s-doc[]\"\nkey = a\nrecord = json\n"
	"attribute.a = text\nattribute.v = text from \"v.*\"\n";

static void create(struct consort *c, const char *resource, const char *a, const char *b,
		   const char *attribute, const char *v)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = consort_record_new(c, resource);

	consort_record_set(r, "a", consort_text(a));
	if (b)
		consort_record_set(r, "b", consort_text(b));
	consort_record_set(r, attribute, consort_text(v));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
}

static void expect(struct consort *c, const char *resource, struct consort_args key, const char *attribute,
		   const char *v)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	API_OK(consort_get(c, resource, key, &r, &error));
	TESTING_TEXT(consort_record_text(r, attribute), v);
	consort_record_free(r);
}

static void literally(const char *server)
{
	struct consort *c = redis_open(server, NULL, NULL, pairs);
	char count[32];
	size_t i, j;

	for (i = 0; i < HOSTILE; i++) {
		create(c, "one", hostile[i], NULL, "v", hostile[i]);
		for (j = 0; j < HOSTILE; j++)
			create(c, "pair", hostile[i], hostile[j], "v", hostile[(i + j) % HOSTILE]);
	}
	for (i = 0; i < HOSTILE; i++) {
		expect(c, "one", CONSORT_ARGS(consort_text(hostile[i])), "v", hostile[i]);
		for (j = 0; j < HOSTILE; j++)
			expect(c, "pair", CONSORT_ARGS(consort_text(hostile[i]), consort_text(hostile[j])),
			       "v", hostile[(i + j) % HOSTILE]);
	}
	snprintf(count, sizeof(count), "%zu", HOSTILE * HOSTILE);
	TESTING_TEXT(api_find(c, "pair", "count(*)", NULL, NULL), count);
	snprintf(count, sizeof(count), "%zu,%zu", HOSTILE, HOSTILE);
	TESTING_TEXT(api_find(c, "one", "count(*), count(distinct v)", NULL, NULL), count);
	consort_close(c);
}

static void test_literally(void)
{
	literally(ALONE);
}

static void test_literally_cluster(void)
{
	literally(CLUSTER);
}

/* Written many at once, over each other and again, found by parameters, and deleted one by one: nothing but
 * the one that is meant changes. */
static void change_each(const char *server, const char *resource)
{
	struct consort *c = redis_open(server, NULL, NULL, pairs);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *records[HOSTILE];
	struct consort_query *q = consort_query_new(c, resource);
	char text[32];
	size_t i;

	for (i = 0; i < HOSTILE; i++) {
		records[i] = consort_record_new(c, resource);
		consort_record_set(records[i], "a", consort_text(hostile[i]));
		consort_record_set(records[i], "v", consort_text("first"));
	}
	API_OK(consort_create_many(c, records, HOSTILE, 0, NULL, &error));
	for (i = 0; i < HOSTILE; i++)
		consort_record_set(records[i], "v", consort_text(hostile[i]));
	API_OK(consort_upsert_many(c, records, HOSTILE, 0, NULL, &error));
	consort_query_where(q, "a = $1 and v = $1");
	consort_query_select(q, "a");
	for (i = 0; i < HOSTILE; i++)
		TESTING_TEXT(api_rows(q, CONSORT_ARGS(consort_text(hostile[i]))), hostile[i]);
	for (i = 0; i < HOSTILE; i++) {
		consort_record_set(records[i], "v", consort_text("last"));
		API_OK(consort_update(c, records[i], &error));
		snprintf(text, sizeof(text), "%zu", i + 1);
		TESTING_TEXT(api_find(c, resource, "count(*)", "v = 'last'", NULL), text);
	}
	for (i = 0; i < HOSTILE; i++) {
		API_OK(consort_delete(c, resource, CONSORT_ARGS(consort_text(hostile[i])), &error));
		snprintf(text, sizeof(text), "%zu", HOSTILE - i - 1);
		TESTING_TEXT(api_find(c, resource, "count(*)", NULL, NULL), text);
		consort_record_free(records[i]);
	}
	consort_query_free(q);
	consort_close(c);
}

static void test_changed(void)
{
	change_each(ALONE, "one");
	change_each(ALONE, "doc");
}

static void test_changed_cluster(void)
{
	change_each(CLUSTER, "one");
	change_each(CLUSTER, "doc");
}

/* Keys of others, which the resource's name would match if it were a pattern. */
static void test_neighbours(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, pairs);

	redis_ask(ALONE, "hset '%s-any-xy:1:2' v x", testing_name());
	redis_ask(ALONE, "hset '%s*x?:1:2' v x", testing_name());
	redis_ask(ALONE, "set '%s-doc:1' '{}'", testing_name());
	create(c, "pair", "1", "2", "v", "ours");
	TESTING_TEXT(api_find(c, "pair", NULL, NULL, NULL), "1,2,ours");
	TESTING_TEXT(api_find(c, "doc", NULL, NULL, NULL), "");
	consort_close(c);
}

/* A parameter is one argument, whatever is in it; what is about the connection is refused. */
static void test_native(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, pairs);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	size_t i;

	for (i = 0; i < HOSTILE; i++) {
		API_OK(consort_native(c, "db", "set $1 $2",
				      CONSORT_ARGS(consort_text(testing_name()), consort_text(hostile[i])),
				      &rows, NULL, &error));
		consort_cursor_close(rows);
		API_OK(consort_native(c, "db", "get $1", CONSORT_ARGS(consort_text(testing_name())), &rows,
				      NULL, &error));
		TESTING_TEXT(api_read(rows, &error), hostile[i]);
		consort_cursor_close(rows);
	}
	CU_ASSERT_EQUAL(consort_native(c, "db", "select 1", CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_native(c, "db", "get 'open", CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_ESYNTAX);
	CU_ASSERT_EQUAL(consort_native(c, "db", "get $1", CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_EINVAL);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"lookups", test_lookups},
		{"lookups-cluster", test_lookups_cluster},
		{"literally", test_literally},
		{"literally-cluster", test_literally_cluster},
		{"changed", test_changed},
		{"changed-cluster", test_changed_cluster},
		{"neighbours", test_neighbours},
		{"native", test_native},
		{NULL, NULL},
	};
	int code = testing_main("redis-lookups", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(CLUSTER);
	return code;
}
