/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a commit on Redis says when the server fails, has no memory left, has forgotten its scripts, or is a
 * cluster of which the transaction can only reach a part.
 */
#include "redis-notes.h"

#include <stdio.h>

#define SERVER "redis@commits"
#define CLUSTER "redis-cluster@commits"

/* --- servers that fail --- */

/* Between the write and the commit: nothing has happened. */
static void test_lost_before(void)
{
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, proxy), *in = notes_begin(c);
	uint32_t kind;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	proxy_reset(proxy);
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	TESTING_TEXT(notes_all(c), "");
	consort_close(c);
	proxy_stop(proxy);
}

/* The answer to EXEC is lost: it may have been done, and was. */
static void test_lost_behind(void)
{
	const struct proxy_fault fault = {.kind = PROXY_CLOSE,
					  .ways = PROXY_TO_CLIENT,
					  .trigger = PROXY_TO_SERVER,
					  .after_text = "EXEC\r\n"};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, proxy), *in = notes_begin(c);
	uint32_t kind;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_RETRYABLE);
	proxy_pass(proxy);
	TESTING_TEXT(notes_all(c), "1,a");
	consort_close(c);
	proxy_stop(proxy);
}

/* Nor is it known where a deadline ends the wait for the answer. */
static void test_late(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, proxy), *scope = redis_within(c, 300),
		       *in = notes_begin(scope);
	uint32_t kind;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
	proxy_pass(proxy);
	consort_close(scope);
	TESTING_TEXT(notes_all(c), "1,a");
	consort_close(c);
	proxy_stop(proxy);
}

/* A write that the deadline ends fails the transaction, and the connection is good for the next one. */
static void test_late_write(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, proxy), *scope = redis_within(c, 100),
		       *in = notes_begin(scope);

	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(notes_put(consort_create, in, 1, "a", &error), CONSORT_ETIMEOUT);
	proxy_pass(proxy);
	consort_close(in);
	consort_close(scope);
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 2, "b", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "2,b");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_killed(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = notes_begin(c);
	uint32_t kind;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	servers_kill(SERVER);
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	servers_start(SERVER);
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 1, "b", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,b");
	consort_close(c);
}

/* Memory is used up when it commits: nothing of it is there. */
static void test_full(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in;
	uint32_t kind;

	API_OK(notes_put(consort_create, c, 1, "a", &error));
	in = notes_begin(c);
	API_OK(notes_put(consort_update, in, 1, "b", &error));
	API_OK(notes_put(consort_create, in, 2, "c", &error));
	redis_ask(SERVER, "config set maxmemory-policy noeviction");
	redis_ask(SERVER, "config set maxmemory 1");
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EFULL);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	redis_ask(SERVER, "config set maxmemory 0");
	TESTING_TEXT(notes_all(c), "1,a");
	consort_close(c);
}

/* WATCH takes the longer the more is watched: there is an end to that. */
static void test_many(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = notes_begin(c);
	uint32_t kind;
	int id;

	for (id = 0; id < 10000; id++)
		API_OK(notes_put(consort_create, in, id, "a", &error));
	CU_ASSERT_EQUAL(notes_put(consort_create, in, id, "a", &error), CONSORT_EFULL);
	TESTING_CONTAINS(error.message, "more than 10000 records");
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EFULL);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "0");
	consort_close(c);
}

/* What fails when it runs leaves what ran beside it, and the commit does not say that nothing happened: this
 * user may write fields, and not remove one. */
static void test_part(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c, *in;
	struct consort_record *r;
	uint32_t kind;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser hoarder on '>x' '~*' +@all -hdel");
	redis_ask(SERVER, "hset %s:1 name a", testing_name());
	c = redis_open(SERVER, NULL, "user = hoarder\npassword = x", notes_resources());
	r = consort_record_new(c, "note");
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "name", consort_null());
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 2, "b", &error));
	API_OK(consort_update(in, r, &error));
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_CONTAINS(
		error.message,
		"1 of the transaction's 2 commands failed when they ran, and the others are not undone");
	TESTING_TEXT(notes_all(c), "1,a;2,b");
	/* where nothing ran, nothing is in doubt */
	consort_record_set(r, "name", consort_null());
	in = notes_begin(c);
	API_OK(consort_update(in, r, &error));
	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_EENGINE);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	consort_record_free(r);
	consort_close(c);
}

/* The server has forgotten its scripts: the queue brings them. */
static void test_scripts_gone(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = notes_begin(c);

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	API_OK(notes_put(consort_upsert, in, 1, "b", &error));
	redis_ask(SERVER, "script flush");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,b");
	consort_close(c);
}

/* A user that may not watch has no transactions. */
static void test_rights(void)
{
	struct consort *c;
	const char *why = NULL;

	servers_start(SERVER);
	redis_ask(SERVER, "acl setuser watchless on '>x' '~*' +@all -watch");
	c = redis_open(SERVER, NULL, "user = watchless\npassword = x", notes_resources());
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_TRANSACTIONS, &why));
	TESTING_TEXT(why, "this user may not run WATCH");
	CU_ASSERT_TRUE(consort_supports(c, "db", CONSORT_FEATURE_CREATE, NULL));
	consort_close(c);
}

/* --- clusters --- */

/* All of a transaction is in one slot; where hash_tag sees to that, it is as elsewhere. */
static void test_slots(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(CLUSTER, NULL), *in = notes_begin(c);
	char first[100], second[100];
	uint32_t kind;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	CU_ASSERT_EQUAL(notes_put(consort_create, in, 2, "b", &error), CONSORT_EUNSUPPORTED);
	snprintf(first, sizeof(first), "'%s:1'", testing_name());
	snprintf(second, sizeof(second), "'%s:2'", testing_name());
	TESTING_CONTAINS(error.message, first);
	TESTING_CONTAINS(error.message, second);
	TESTING_CONTAINS(error.message, "hash_tag = source");
	API_OK(consort_rollback(in, &error));
	/* one record, and all of them together */
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 1, "a", &error));
	API_OK(notes_commit(in, &kind, &error));
	in = notes_begin(c);
	API_OK(notes_put_into(consort_create, in, "close", 1, "a", &error));
	API_OK(notes_put_into(consort_create, in, "close", 2, "b", &error));
	TESTING_TEXT(api_find(in, "close", "id", NULL, NULL), "");
	API_OK(notes_commit(in, &kind, &error));
	TESTING_TEXT(api_find(c, "close", "id, name", NULL, "id"), "1,a;2,b");
	TESTING_TEXT(notes_all(c), "1,a");
	consort_close(c);
}

int main(int argc, char **argv)
{
#define BOTH(name, run)           \
	{"hash-" name, run},      \
	{                         \
		"json-" name, run \
	}
	static const struct testing_case cases[] = {
		{"rights", test_rights},
		BOTH("lost-before", test_lost_before),
		BOTH("lost-behind", test_lost_behind),
		BOTH("late", test_late),
		BOTH("late-write", test_late_write),
		BOTH("killed", test_killed),
		BOTH("full", test_full),
		BOTH("many", test_many),
		{"part", test_part},
		BOTH("scripts-gone", test_scripts_gone),
		BOTH("slots", test_slots),
		{NULL, NULL},
	};
	int code = testing_main("redis-commits", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(CLUSTER);
	return code;
}
