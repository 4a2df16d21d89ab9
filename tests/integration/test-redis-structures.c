/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists, sets, sorted sets and streams as resources: their items as rows, what is asked for by a command of
 * its own, asserted through explain and beside what the core finds in all of them, while others write, and in
 * a cluster.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALONE "redis@structures"
#define CLUSTER "redis-cluster@structures"

static const char resources[] =
	"[resource task]\ndatabase = db\nsource = %s:tasks\nrecord = list\nkey = position\n"
	"attribute.position = int64\nattribute.value = text\n"
	"[resource tag]\ndatabase = db\nsource = %s:tags\nrecord = set\nkey = name\n"
	"attribute.name = text from member\n"
	"[resource number]\ndatabase = db\nsource = %s:numbers\nrecord = set\nattribute.member = int64\n"
	"[resource score]\ndatabase = db\nsource = %s:scores\nrecord = sorted_set\nkey = member\n"
	"attribute.member = text\nattribute.score = float64\n"
	"[resource time]\ndatabase = db\nsource = %s:scores\nrecord = sorted_set\n"
	"attribute.member = text\nattribute.score = int64\n"
	"[resource event]\ndatabase = db\nsource = %s:events\nrecord = stream\nkey = id\n"
	"attribute.id = text\nattribute.at = timestamp from id\nattribute.kind = text\nattribute.n = int64\n"
	"[resource note]\ndatabase = db\nsource = %s:note\nkey = id\nattribute.id = int64\nattribute.tag = "
	"text\n"
	"relationship.tag_of = tag, tag -> name\nrelationship.score_of = score, tag -> member\n";

static struct consort *open_filled(const char *server, const char *lines)
{
	const char *name = testing_name();

	servers_start(server);
	redis_ask(server, "rpush '%s:tasks' wash '' 'né' wash dry", name);
	redis_ask(server, "sadd '%s:tags' a b 'c d' '' 'é'", name);
	redis_ask(server, "sadd '%s:numbers' 3 -1 9007199254740993", name);
	redis_ask(server, "zadd '%s:scores' 1 one 2 two 2 'zwei' -5 minus inf max -inf min 0 zero", name);
	redis_ask(server, "xadd '%s:events' 1000-1 kind start n 1", name);
	redis_ask(server, "xadd '%s:events' 1000-2 kind go", name);
	redis_ask(server, "xadd '%s:events' 2000-0 kind stop n 7 other x n 8", name);
	redis_ask(server, "xadd '%s:events' 1700000000000-5 n -3", name);
	return redis_open(server, NULL, lines, resources);
}

/* --- what they are --- */

#define EVENTS                                                                                              \
	"1000-1,1970-01-01T00:00:01Z,start,1;1000-2,1970-01-01T00:00:01Z,go,-;2000-0,1970-01-01T00:00:02Z," \
	"stop,8;"                                                                                           \
	"1700000000000-5,2023-11-14T22:13:20Z,-,-3"

static void items(const char *server)
{
	struct consort *c = open_filled(server, "page = 2");

	TESTING_TEXT(api_find(c, "task", NULL, NULL, NULL), "0,wash;1,;2,né;3,wash;4,dry");

	/* the first is empty */
	TESTING_TEXT(api_find(c, "tag", "count(*)", NULL, NULL), "5");
	TESTING_TEXT(api_find(c, "tag", NULL, NULL, "name"), "a;b;c d;é");
	TESTING_TEXT(api_find(c, "number", NULL, NULL, "member"), "-1;3;9007199254740993");
	TESTING_TEXT(api_find(c, "score", NULL, NULL, "score, member"),
		     "min,-inf;minus,-5.0;zero,0.0;one,1.0;two,2.0;zwei,2.0;max,inf");
	TESTING_TEXT(api_find(c, "event", NULL, NULL, NULL), EVENTS);
	TESTING_TEXT(api_find(c, "event", "kind", "n is null", NULL), "go");
	consort_close(c);
}

static void test_items(void)
{
	items(ALONE);
}

static void test_items_cluster(void)
{
	items(CLUSTER);
}

static void test_missing(void)
{
	static const char *const all[] = {"task", "tag", "number", "score", "event"};
	struct consort *c = redis_open(ALONE, NULL, NULL, resources);
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++)
		TESTING_TEXT(api_find(c, all[i], "count(*)", NULL, NULL), "0");
	TESTING_TEXT(api_find(c, "task", NULL, "position = 0", NULL), "");
	TESTING_TEXT(api_find(c, "tag", NULL, "name = 'a'", NULL), "");
	TESTING_TEXT(api_find(c, "score", NULL, "score > 0", NULL), "");
	TESTING_TEXT(api_find(c, "event", NULL, "id = '1-0'", NULL), "");
	consort_close(c);
}

/* --- what is given to Redis --- */

static const char *order_of(const char *resource)
{
	if (!strcmp(resource, "task"))
		return "position";
	if (!strcmp(resource, "event"))
		return "id";
	return strcmp(resource, "tag") != 0 ? "member" : "name";
}

static void lookups(const char *server)
{
	/* each with the command that it becomes */
	static const char *const shapes[][3] = {
		{"task", "position = 3", "LINDEX"},
		{"task", "position in (4, 0, 4, 9, -1, null)", "LINDEX"},
		{"task", "position = -1", "LINDEX"},
		{"task", "position > 1", "LRANGE"},
		{"task", "position < 2", "LRANGE"},
		{"task", "position between 1 and 3 and value = 'wash'", "LRANGE"},
		{"task", "position > 3 and position < 2", "LRANGE"},
		{"task", "position >= -7", "LRANGE"},
		{"task", "position < null", "LRANGE"},
		{"tag", "name = 'c d'", "SISMEMBER"},
		{"tag", "name in ('', 'x', 'é', 'é')", "SISMEMBER"},
		{"tag", "name > 'a'", "SSCAN"},
		{"number", "member = 3", "SSCAN"},
		{"score", "member = 'two'", "ZSCORE"},
		{"score", "member in ('two', 'three', 'max') and score > 2", "ZSCORE"},
		{"score", "score > 1", "ZRANGEBYSCORE"},
		{"score", "score >= 1 and score < 2.5", "ZRANGEBYSCORE"},
		{"score", "score = 2", "ZRANGEBYSCORE"},
		{"score", "score <= 0", "ZRANGEBYSCORE"},
		{"score", "score < cast('nan' as float8)", "ZRANGEBYSCORE"},
		{"score", "score >= cast('nan' as float8)", "ZRANGEBYSCORE"},
		{"score", "score = cast('-inf' as float8)", "ZRANGEBYSCORE"},
		{"score", "score > 1 and score < 1", "ZRANGEBYSCORE"},
		{"score", "score = null", "ZRANGEBYSCORE"},
		{"score", "score <> 1", "ZSCAN"},
		{"event", "id = '2000-0'", "XRANGE"},
		{"event",
		 "id in ('1000-1', '1000', '01000-1', 'x', '', '5-5', '18446744073709551616-0', "
		 "'18446744073709551615-0')",
		 "XRANGE"},
		{"event", "at > '1970-01-01T00:00:01Z'", "<min> <max>"},
		{"event", "at >= '1970-01-01T00:00:01Z' and at < '1970-01-01T00:00:02Z'", "<min> <max>"},
		{"event", "at = '1970-01-01T00:00:01Z'", "<min> <max>"},
		{"event", "at < '1970-01-01T00:00:01.0005Z'", "<min> <max>"},
		{"event", "at > '1960-01-01T00:00:00Z'", "<min> <max>"},
		{"event", "at < '1960-01-01T00:00:00Z'", "<min> <max>"},
		{"event", "kind = 'go'", "- +"},
		{"event", "id > '1000-1'", "- +"},
	};
	struct consort *c = open_filled(server, "page = 2");
	char whole[256];
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const char *order = order_of(shapes[i][0]);

		/* what stands in parentheses with a truth is the core's alone */
		snprintf(whole, sizeof(whole), "(%s) is true", shapes[i][1]);
		TESTING_CONTAINS(redis_explain(c, shapes[i][0], NULL, shapes[i][1]), shapes[i][2]);
		TESTING_TEXT(api_find(c, shapes[i][0], NULL, shapes[i][1], order),
			     api_find(c, shapes[i][0], NULL, whole, order));
	}
	TESTING_TEXT(api_find(c, "event", "id", "at = '1970-01-01T00:00:01Z'", NULL), "1000-1;1000-2");
	TESTING_TEXT(api_find(c, "task", NULL, "position in (4, 0)", "position"), "0,wash;4,dry");
	/* relationships */
	redis_ask(server, "hset '%s:note:1' tag 'c d'", testing_name());
	redis_ask(server, "hset '%s:note:2' tag two", testing_name());
	redis_ask(server, "hset '%s:note:3' tag none", testing_name());
	TESTING_CONTAINS(redis_explain(c, "note", "id, tag_of.name", NULL), "SISMEMBER");
	TESTING_TEXT(api_find(c, "note", "id, tag_of.name, score_of.score", NULL, "id"),
		     "1,c d,-;2,-,2.0;3,-,-");
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

/* --- many --- */

static void many(const char *server)
{
	const char *name = testing_name();
	struct consort *c = redis_open(server, NULL, "page = 100", resources);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	redis_ask(server, "eval \"for i=0,2499 do redis.call('RPUSH',KEYS[1],'v'..i) end\" 1 '%s:tasks'",
		  name);
	redis_ask(server, "eval \"for i=0,2499 do redis.call('SADD',KEYS[1],'m'..i) end\" 1 '%s:tags'", name);
	redis_ask(server, "eval \"for i=0,2499 do redis.call('ZADD',KEYS[1],i%%7,'m'..i) end\" 1 '%s:scores'",
		  name);
	redis_ask(server,
		  "eval \"for i=0,2499 do redis.call('XADD',KEYS[1],'5-'..(i+1),'n',i) end "
		  "redis.call('XADD',KEYS[1],'5-18446744073709551615','n','2500') "
		  "redis.call('XADD',KEYS[1],'6-0','n','2501')\" 1 '%s:events'",
		  name);
	TESTING_TEXT(api_find(c, "task", "count(*), count(distinct position), max(position)", NULL, NULL),
		     "2500,2500,2499");
	TESTING_TEXT(api_find(c, "task", "count(distinct value)", "position >= 50 and position < 350", NULL),
		     "300");
	TESTING_TEXT(api_find(c, "tag", "count(*), count(distinct name)", NULL, NULL), "2500,2500");
	TESTING_TEXT(api_find(c, "score", "count(*), count(distinct member), sum(score)", NULL, NULL),
		     "2500,2500,7497.0");
	TESTING_TEXT(api_find(c, "score", "count(*)", "score = 3", NULL), "357");
	TESTING_TEXT(api_find(c, "event", "count(*), count(distinct id), sum(n)", NULL, NULL),
		     "2502,2502,3128751");
	API_OK(consort_get(c, "task", CONSORT_ARGS(consort_int64(1234)), &r, &error));
	TESTING_TEXT(consort_record_text(r, "value"), "v1234");
	consort_record_free(r);
	consort_close(c);
}

static void test_many(void)
{
	many(ALONE);
}

static void test_many_cluster(void)
{
	many(CLUSTER);
}

/* More than are asked for at one moment. */
static void test_scores(void)
{
	struct consort *c = redis_open(ALONE, NULL, NULL, resources);

	redis_ask(ALONE, "eval \"for i=1,100050 do redis.call('ZADD',KEYS[1],i,i) end\" 1 '%s:scores'",
		  testing_name());
	TESTING_TEXT(api_find(c, "score", "count(*)", "score > 10", NULL), "100040");
	TESTING_TEXT(api_find(c, "score", "count(*)", "score > 100", NULL), "99950");
	TESTING_TEXT(api_find(c, "time", "count(*), max(score)", "score between 5 and 99", NULL), "95,99");
	consort_close(c);
}

/* While others add and remove, what stays is found once. */
static void test_changing(void)
{
	const char *name = testing_name();
	struct consort *c = redis_open(ALONE, NULL, "page = 50", resources);
	unsigned port = (unsigned)strtoul(servers_get(ALONE, "PORT"), NULL, 10);
	char command[512];
	int i, code;
	pid_t pid;

	redis_ask(ALONE,
		  "eval \"for i=1,1000 do redis.call('SADD',KEYS[1],'stays'..i) "
		  "redis.call('ZADD',KEYS[2],i,'stays'..i) end\" 2 '%s:tags' '%s:scores'",
		  name, name);
	snprintf(command, sizeof(command),
		 "-r 200 eval \"for i=1,300 do local m='x'..math.random(3000) if "
		 "redis.call('SREM',KEYS[1],m)==0 then "
		 "redis.call('SADD',KEYS[1],m) redis.call('ZADD',KEYS[2],math.random(1000),m) else "
		 "redis.call('ZREM',KEYS[2],m) end end\" 2 '%s:tags' '%s:scores'",
		 name, name);
	pid = fork();
	if (!pid) {
		redis_ask_at(port, command);
		_exit(0);
	}
	for (i = 0; i < 20; i++) {
		TESTING_TEXT(api_find(c, "tag", "count(*), count(distinct name)", "name like 'stays%'", NULL),
			     "1000,1000");
		TESTING_TEXT(api_find(c, "score", "count(*), count(distinct member)", "member like 'stays%'",
				      NULL),
			     "1000,1000");
		TESTING_TEXT(api_find(c, "score", "count(*)", "member like 'stays%' and score <= 500", NULL),
			     "500");
	}
	waitpid(pid, &code, 0);
	consort_close(c);
}

/* --- what is refused --- */

static void test_refused(void)
{
	static const char *const all[] = {"task", "tag", "score", "event"};
	static const char *const kinds[] = {"list", "set", "sorted set", "stream"};
	struct consort *c = open_filled(ALONE, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		CU_ASSERT_EQUAL(consort_define(c, all[i], 0, NULL, &error), CONSORT_EUNSUPPORTED);
		CU_ASSERT_EQUAL(consort_drop(c, all[i], 0, NULL, &error), CONSORT_EUNSUPPORTED);
		TESTING_CONTAINS(error.message, kinds[i]);
	}
	r = consort_record_new(c, "task");
	consort_record_set(r, "position", consort_int64(0));
	consort_record_set(r, "value", consort_text("x"));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "is a list, which is only read");
	CU_ASSERT_EQUAL(consort_upsert(c, r, &error), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_update(c, r, &error), CONSORT_EUNSUPPORTED);
	consort_record_free(r);
	CU_ASSERT_EQUAL(consort_delete(c, "event", CONSORT_ARGS(consort_text("1000-1")), &error),
			CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "is a stream, which is only read");
	TESTING_TEXT(api_find(c, "event", NULL, NULL, NULL), EVENTS);
	consort_close(c);
}

static void test_wrong_type(void)
{
	static const char *const all[][3] = {{"task", "tasks", "list"},
					     {"tag", "tags", "set"},
					     {"score", "scores", "sorted set"},
					     {"event", "events", "stream"}};
	struct consort *c = redis_open(ALONE, NULL, NULL, resources);
	char wanted[128];
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		redis_ask(ALONE, "set '%s:%s' x", testing_name(), all[i][1]);
		snprintf(wanted, sizeof(wanted), "the key '%s:%s' holds something else than a %s",
			 testing_name(), all[i][1], all[i][2]);
		TESTING_CONTAINS(api_find(c, all[i][0], NULL, NULL, NULL), wanted);
	}
	/* an item that is not of its attribute's type */
	redis_ask(ALONE, "sadd '%s:numbers' x", testing_name());
	TESTING_CONTAINS(api_find(c, "number", NULL, NULL, NULL), "attribute 'member'");
	consort_close(c);
}

static void refuse(const char *lines, const char *why)
{
	char text[256];
	struct consort *c;

	snprintf(text, sizeof(text), "[resource x]\ndatabase = db\nsource = %%s\n%s", lines);
	c = redis_open(ALONE, NULL, NULL, text);
	TESTING_CONTAINS(api_find(c, "x", NULL, NULL, NULL), why);
	consort_close(c);
}

static void test_declarations(void)
{
	refuse("record = list\nattribute.what = text\n", "an item of a list has a position");
	refuse("record = list\nattribute.position = text\n", "an item of a list has a position");
	refuse("record = set\nattribute.score = float64\n", "an item of a set has a member");
	refuse("record = sorted_set\nattribute.name = text\n",
	       "an item of a sorted set has a member and a score");
	refuse("record = stream\nattribute.id = int64\n", "the id of a stream's entry");
	refuse("record = set\nattribute.member = text\nindex.m = member\n", "a set has no indexes");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"items", test_items},
		{"items-cluster", test_items_cluster},
		{"missing", test_missing},
		{"lookups", test_lookups},
		{"lookups-cluster", test_lookups_cluster},
		{"many", test_many},
		{"many-cluster", test_many_cluster},
		{"scores", test_scores},
		{"changing", test_changing},
		{"refused", test_refused},
		{"wrong-type", test_wrong_type},
		{"declarations", test_declarations},
		{NULL, NULL},
	};
	int code = testing_main("redis-structures", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(CLUSTER);
	return code;
}
