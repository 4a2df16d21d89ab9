/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Redis that fails while it is used, or does not let one do everything: killed, stopped, full, a replica, a
 * wrong password, a user with few rights, a network that drops and truncates. What was under way ends with an
 * error that says what is known of it, and the next call works as soon as the server does.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "redis@faults"

static const char notes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			    "attribute.name = text\n";

static struct consort *open_notes(const struct proxy *proxy, const char *lines)
{
	return redis_open(SERVER, proxy, lines, notes);
}

/* So many notes at once. */
static enum consort_status create_notes(struct consort *c, int64_t first, size_t count,
					struct consort_error *error)
{
	struct consort_record **records = calloc(count, sizeof(*records));
	enum consort_status status;
	size_t i;

	for (i = 0; i < count; i++) {
		records[i] = consort_record_new(c, "note");
		consort_record_set(records[i], "id", consort_int64(first + (int64_t)i));
		consort_record_set(records[i], "name", consort_text("a name of some length"));
	}
	status = consort_create_many(c, records, count, 0, NULL, error);
	for (i = 0; i < count; i++)
		consort_record_free(records[i]);
	free(records);
	return status;
}

static enum consort_status create_note(struct consort *c, int64_t id, struct consort_error *error)
{
	return create_notes(c, id, 1, error);
}

static void works(struct consort *c, const char *count)
{
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), count);
}

/* --- killed and stopped --- */

static struct consort_cursor *begin_reading(struct consort *c, struct consort_error *error)
{
	struct consort_query *q = consort_query_new(c, "note");
	struct consort_cursor *rows = NULL;

	api_ok(consort_query_run(q, CONSORT_NO_ARGS, &rows, error), error, "consort_query_run", __FILE__,
	       __LINE__);
	consort_query_free(q);
	CU_ASSERT_FATAL(consort_cursor_next(rows, error));
	return rows;
}

static void test_killed_in_scan(void)
{
	struct consort *c = open_notes(NULL, "page = 50");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows;
	int count = 1;

	API_OK(create_notes(c, 1, 20000, &error));
	rows = begin_reading(c, &error);
	servers_kill(SERVER);
	while (consort_cursor_next(rows, &error))
		count++;
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ECONNECTION);
	CU_ASSERT(count < 20000);
	TESTING_TEXT(error.origin, "db");
	consort_cursor_close(rows);
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 12: ");
	servers_start(SERVER);
	works(c, "0"); /* it kept nothing */
	API_OK(create_note(c, 1, &error));
	consort_close(c);
}

/* The answer to a write is lost with the connection: whether it was done is not known, and so it is told. */
static void test_answer_lost(void)
{
	const struct proxy_fault fault = {.kind = PROXY_CLOSE,
					  .ways = PROXY_TO_CLIENT,
					  .trigger = PROXY_TO_SERVER,
					  .after_text = "EVALSHA"};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EINDOUBT);
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	proxy_pass(proxy);
	TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "a name of some length");
	consort_close(c);
	proxy_stop(proxy);
}

/* Killed between two of a batch's calls: what is told to be written is there, but for a call whose answer was
 * lost. */
static void test_lost_in_bulk(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_bytes = 100000};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	long count;

	works(c, "0");
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(create_notes(c, 1, 5000, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	count = strtol(api_find(c, "note", "count(*)", NULL, NULL), NULL, 10);
	CU_ASSERT(count > 0 && count < 5000);
	CU_ASSERT_EQUAL(count % 256, 0); /* a call is whole or not there */
	consort_close(c);
	proxy_stop(proxy);
}

static void test_stopped(void)
{
	struct consort *c = open_notes(NULL, NULL), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	servers_pause(SERVER);
	scope = redis_within(c, 50);
	TESTING_CONTAINS(api_find(scope, "note", NULL, NULL, NULL), "status 13: ");
	consort_close(scope);
	scope = redis_within(c, 50);
	CU_ASSERT_EQUAL(create_note(scope, 2, &error), CONSORT_ETIMEOUT);
	consort_close(scope);
	servers_resume(SERVER);
	TESTING_TEXT(api_find(c, "note", "id", "id = 1", NULL), "1");
	consort_close(c);
}

/* --- the network --- */

/* In the middle of an answer. */
static void test_truncated(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_CLIENT, .after_bytes = 2000};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *rows;

	API_OK(create_notes(c, 1, 500, &error));
	proxy_set(proxy, &fault);
	rows = api_find(c, "note", NULL, NULL, NULL);
	TESTING_CONTAINS(rows, "status 12: ");
	proxy_pass(proxy);
	works(c, "500");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_silent(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_BOTH};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	proxy_set(proxy, &fault);
	scope = redis_within(c, 50);
	TESTING_CONTAINS(api_find(scope, "note", NULL, NULL, NULL), "status 13: ");
	consort_close(scope);
	proxy_pass(proxy);
	works(c, "1");
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
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 13: ");
	consort_close(c);
	proxy_stop(proxy);
}

/* What waited in its pool and was lost is made anew; a read does not notice. */
static void test_lost_while_idle(void)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	proxy_reset(proxy);
	works(c, "1");
	consort_close(c);
	proxy_stop(proxy);
}

/* --- who may do what --- */

/* Why the database lacks the feature. */
static const char *why(struct consort *c, uint32_t feature)
{
	const char *text = NULL;

	api_find(c, "note", "id", "id = 1", NULL); /* so that it is connected to */
	CU_ASSERT(!consort_supports(c, "db", feature, &text));
	return text ? text : "";
}

static void test_wrong_password(void)
{
	struct consort *c;
	const char *text;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser wrong on '>right' '~*' +@all");
	c = open_notes(NULL, "user = wrong\npassword = a secret of mine");
	text = api_find(c, "note", NULL, NULL, NULL);
	TESTING_CONTAINS(text, "status 10: ");
	CU_ASSERT_PTR_NULL(strstr(text, "a secret of mine"));
	consort_close(c);
}

static void test_reader(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser reader on '>x' '~*' +@read +@connection +@transaction");
	redis_ask(SERVER, "hset %s:1 name there", testing_name());
	c = open_notes(NULL, "user = reader\npassword = ${env:REDIS_TEST_PASSWORD}");
	TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "there");
	TESTING_TEXT(why(c, CONSORT_FEATURE_CREATE), "this user may not run HSET");
	TESTING_TEXT(why(c, CONSORT_FEATURE_DELETE), "this user may not run DEL");
	TESTING_TEXT(why(c, CONSORT_FEATURE_COUNTERS), "this user may not run EVALSHA");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_EUNSUPPORTED);
	consort_close(c);
}

/* Keys that the user may not touch. */
static void test_other_keys(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser narrow on '>x' '~elsewhere:*' +@all");
	c = open_notes(NULL, "user = narrow\npassword = x");
	CU_ASSERT_EQUAL(create_note(c, 1, &error), CONSORT_EPERMISSION);
	consort_close(c);
}

/* --- full --- */

static void test_full(void)
{
	struct consort *c = open_notes(NULL, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	redis_ask(SERVER, "config set maxmemory-policy noeviction");
	redis_ask(SERVER, "config set maxmemory 1");
	CU_ASSERT_EQUAL(create_notes(c, 2, 300, &error), CONSORT_EFULL);
	works(c, "1");
	redis_ask(SERVER, "config set maxmemory 0");
	API_OK(create_notes(c, 2, 300, &error));
	works(c, "301");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"killed-in-scan", test_killed_in_scan},
		{"answer-lost", test_answer_lost},
		{"lost-in-bulk", test_lost_in_bulk},
		{"stopped", test_stopped},
		{"truncated", test_truncated},
		{"silent", test_silent},
		{"never-greets", test_never_greets},
		{"lost-while-idle", test_lost_while_idle},
		{"wrong-password", test_wrong_password},
		{"reader", test_reader},
		{"other-keys", test_other_keys},
		{"full", test_full},
		{NULL, NULL},
	};
	int code;

	setenv("REDIS_TEST_PASSWORD", "x", 1);
	code = testing_main("redis-faults", cases, argc, argv);
	servers_remove(SERVER);
	return code;
}
