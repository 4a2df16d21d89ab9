/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network between Consort and Redis that cuts, trickles and is silent, and a server that talks nonsense. No
 * row is wrong, no result that was cut is told as complete, no length that is only said is believed, and the
 * next call works.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SERVER "redis@network"
#define COUNT 500

static const char notes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			    "attribute.name = text\n"
			    "[resource paper]\ndatabase = db\nsource = %s-paper\nkey = id\nrecord = json\n"
			    "attribute.id = int64\nattribute.name = text\n";

static struct consort *open_notes(const struct proxy *proxy, const char *lines)
{
	return redis_open(SERVER, proxy, lines, notes);
}

static void fill(const char *kind, int count)
{
	redis_ask(SERVER,
		  "eval \"for i=1,%d do redis.call('hset','%s:'..i,'name','n'..i) "
		  "redis.call('set','%s-paper:'..i,'{}') end return '%s'\" 0",
		  count, testing_name(), testing_name(), kind);
}

static const char *count_of(struct consort *c)
{
	return api_find(c, "note", "count(*), count(distinct name)", NULL, NULL);
}

/* --- cut --- */

/* While connecting, and while the first query is answered, after every so many bytes. */
static void cut(enum proxy_kind kind, size_t step)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	size_t bytes, total;

	fill("cut", 3);
	TESTING_TEXT(count_of(c), "3,3");
	total = (size_t)proxy_bytes(proxy, PROXY_TO_CLIENT);
	consort_close(c);
	CU_ASSERT(total > 500);
	for (bytes = 0; bytes < total - 1; bytes += step) {
		const struct proxy_fault fault = {
			.kind = kind, .trigger = PROXY_TO_CLIENT, .after_bytes = bytes};

		proxy_set(proxy, &fault);
		c = open_notes(proxy, NULL);
		TESTING_CONTAINS(count_of(c), "status 12: ");
		proxy_pass(proxy);
		TESTING_TEXT(count_of(c), "3,3");
		consort_close(c);
	}
	proxy_stop(proxy);
}

static void test_closed(void)
{
	cut(PROXY_CLOSE, 29);
}

static void test_reset(void)
{
	cut(PROXY_RESET, 97);
}

/* --- a byte at a time --- */

static void test_trickle(void)
{
	const struct proxy_fault fault = {.kind = PROXY_TRICKLE, .ways = PROXY_BOTH};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *record;

	fill("trickle", COUNT);
	proxy_set(proxy, &fault);
	TESTING_TEXT(count_of(c), "500,500");
	record = consort_record_new(c, "note");
	consort_record_set(record, "id", consort_int64(COUNT + 1));
	consort_record_set(record, "name", consort_text("by byte"));
	API_OK(consort_create(c, record, &error));
	consort_record_free(record);
	TESTING_TEXT(api_find(c, "note", "name", "id in (1, 501)", "id"), "n1;by byte");
	consort_close(c);
	proxy_stop(proxy);
}

/* --- nonsense --- */

static long peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* What is said instead of the answer to a command, while a resource is asked for id 1; the status that
 * follows. */
struct nonsense {
	const char *command, *resource, *says;
	int status;
};

static const struct nonsense nonsense[] = {
	{"HMGET", "note", "@12", 19},
	{"HMGET", "note", "no protocol at all\r\n", 19},
	{"HMGET", "note", "\x16\x03\x01\r\n", 19},
	{"HMGET", "note", "$99999999999999999999\r\n", 19},
	{"HMGET", "note", "$-5\r\n", 19},
	{"HMGET", "note", "*-7\r\n", 19},
	{"HMGET", "note", "*99999999999999999999\r\n", 19},
	{"HMGET", "note", ":12x\r\n", 19},
	{"HMGET", "note", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", 19},
	/* well said, and no answer to that */
	{"HMGET", "note", "+OK\r\n", 19},
	{"HMGET", "note", ":1\r\n", 19},
	{"HMGET", "note", "$2\r\nab\r\n", 19},
	{"HMGET", "note", "$-1\r\n", 19},
	{"HMGET", "note", "*0\r\n", 19},
	{"HMGET", "note", "*-1\r\n", 19},
	{"HMGET", "note", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", 19},
	{"HMGET", "note", "*1\r\n:5\r\n", 19},
	{"HMGET", "note", "*1\r\n*1\r\n$1\r\na\r\n", 19},
	{"HMGET", "note", "*1\r\n$1\r\na\r\n+OK\r\n", 19}, /* and one more */
	{"HMGET", "note", "-\r\n", 18},
	{"GET", "paper", "*1\r\n$1\r\na\r\n", 19},
	{"GET", "paper", ":1\r\n", 19},
	/* only the beginning: nothing of that size is made room for */
	{"HMGET", "note", "*2147483647\r\n$1\r\na\r\n", 13},
	{"HMGET", "note", "*1\r\n*1000000000\r\n*1000000000\r\n", 13},
	{"HMGET", "note", "$2000000000\r\nabc", 13},
	{"HMGET", "note", "$9223372036854775807\r\nabc", 13},
	{"HMGET", "note", "*1\r", 13},
};

static void test_nonsense(void)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL), *scope;
	long before;
	size_t i;

	fill("nonsense", 1);
	TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "n1");
	before = peak_kilobytes();
	for (i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		const struct nonsense *one = &nonsense[i];
		const struct proxy_fault fault = {.kind = PROXY_LIE,
						  .trigger = PROXY_TO_SERVER,
						  .after_text = one->command,
						  .lie = one->says};
		char expected[32];

		snprintf(expected, sizeof(expected), "status %d: ", one->status);
		proxy_set(proxy, &fault);
		scope = redis_within(c, one->status == 13 ? 50 : 20000);
		TESTING_CONTAINS(api_find(scope, one->resource, "name", "id = 1", NULL), expected);
		consort_close(scope);
		if (CU_get_number_of_failures())
			break;
		proxy_reset(proxy); /* what it says late is no fault of the network */
		proxy_pass(proxy);
		TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "n1");
	}
	if (i < sizeof(nonsense) / sizeof(*nonsense))
		fprintf(stderr, "  it said %s\n", nonsense[i].says);
	CU_ASSERT(peak_kilobytes() - before < 50000);
	consort_close(c);
	proxy_stop(proxy);
}

/* The same of what is said to a greeting, a scan, a write and a native command. */
static void test_nonsense_elsewhere(void)
{
	static const char *const says[] = {"+OK\r\n",
					   ":7\r\n",
					   "$-1\r\n",
					   "*0\r\n",
					   "*1\r\n:1\r\n",
					   "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n",
					   "*2\r\n:0\r\n*0\r\n",
					   "?\r\n"};
	static const char *const commands[] = {"HELLO", "INFO", "SCAN", "EVALSHA", "GET"};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i, j;

	fill("elsewhere", 3);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		for (j = 0; j < sizeof(says) / sizeof(*says); j++) {
			const struct proxy_fault fault = {.kind = PROXY_LIE,
							  .trigger = PROXY_TO_SERVER,
							  .after_text = commands[i],
							  .lie = says[j]};
			struct consort *c = open_notes(proxy, NULL), *scope = redis_within(c, 100);
			struct consort_record *record = consort_record_new(c, "note");

			proxy_set(proxy, &fault);
			count_of(scope);
			api_find(scope, "paper", "name", "id = 1", NULL);
			consort_record_set(record, "id", consort_int64(1));
			consort_record_set(record, "name", consort_text("n1"));
			consort_upsert(scope, record, &error);
			consort_record_free(record);
			consort_close(scope);
			proxy_reset(proxy); /* what it says late is no fault of the network */
			proxy_pass(proxy);
			TESTING_TEXT(count_of(c), "3,3");
			consort_close(c);
		}
	proxy_stop(proxy);
}

/* --- silent --- */

static void test_silent(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_BOTH};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL), *scope;

	fill("silent", 1);
	TESTING_TEXT(count_of(c), "1,1");
	proxy_set(proxy, &fault);
	scope = redis_within(c, 50);
	TESTING_CONTAINS(count_of(scope), "status 13: ");
	consort_close(scope);
	proxy_pass(proxy);
	TESTING_TEXT(count_of(c), "1,1");
	consort_close(c);
	proxy_stop(proxy);
}

/* A server that takes the connection and never says a word. */
static void test_never_greets(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_BOTH};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, "connect_timeout = 50ms");

	proxy_set(proxy, &fault);
	TESTING_CONTAINS(count_of(c), "status 13: ");
	consort_close(c);
	proxy_stop(proxy);
}

/* What waited in its pool and was lost is made anew; a read does not notice. */
static void test_lost_while_idle(void)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);

	fill("idle", 1);
	TESTING_TEXT(count_of(c), "1,1");
	proxy_reset(proxy);
	TESTING_TEXT(count_of(c), "1,1");
	consort_close(c);
	proxy_stop(proxy);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"closed", test_closed},
		{"reset", test_reset},
		{"trickle", test_trickle},
		{"nonsense", test_nonsense},
		{"nonsense-elsewhere", test_nonsense_elsewhere},
		{"silent", test_silent},
		{"never-greets", test_never_greets},
		{"lost-while-idle", test_lost_while_idle},
		{NULL, NULL},
	};
	int code = testing_main("redis-network", cases, argc, argv);

	servers_remove(SERVER);
	return code;
}
