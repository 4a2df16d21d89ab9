/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a write's outcome when its request or its answer is lost: known where it is known, in doubt
 * where nobody here can know, and never the wrong one. What became of it is asked of the server itself.
 */
#include "postgres-server.h"

#include <stdio.h>
#include <string.h>

#define SERVER "postgres@commit"
#define NEW 4711 /* an item, whose text is in no other message */

/* Does the server have the new item? Waits for it, if it is to come. */
static bool is_there(bool expected)
{
	int64_t start = items_now();
	bool found;

	do {
		found = !strcmp(postgres_ask(SERVER, "DSN", "SELECT count(*) FROM item WHERE id = 4711"),
				"1");
	} while (expected && !found && items_now() - start < SOON);
	return found;
}

static struct consort *begin_create(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(items_create(in, NEW, &error));
	return in;
}

static void must_doubt(struct consort *in)
{
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = items_now();

	CU_ASSERT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	CU_ASSERT(items_now() - start < SOON);
}

/* A commit under a fault of the network, after which the item is there or not. */
static void commit_under(const struct proxy_fault *fault, void (*harm)(const char *server), bool there)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, "timeout = 2s"), *in = begin_create(c);
	struct harm *later = NULL;

	proxy_set(proxy, fault);
	if (harm)
		later = harm_later(proxy, SERVER, harm);
	must_doubt(in);
	if (later)
		harm_done(later);
	servers_start(SERVER);
	proxy_reset(proxy);
	proxy_pass(proxy);
	items_answer(c);
	CU_ASSERT_EQUAL(is_there(there), there);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_request_lost(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .before_text = "COMMIT"};

	commit_under(&fault, NULL, false);
}

static void test_answer_lost(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_text = "COMMIT"};

	commit_under(&fault, NULL, true);
}

static void test_answer_reset(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_RESET, .trigger = PROXY_TO_SERVER, .after_text = "COMMIT"};

	commit_under(&fault, NULL, true);
}

/* The deadline passes. */
static void test_request_swallowed(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT,
					  .ways = PROXY_TO_SERVER,
					  .trigger = PROXY_TO_SERVER,
					  .before_text = "COMMIT"};

	commit_under(&fault, NULL, false);
}

static void test_answer_swallowed(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT,
					  .ways = PROXY_TO_CLIENT,
					  .trigger = PROXY_TO_SERVER,
					  .after_text = "COMMIT"};

	commit_under(&fault, NULL, true);
}

/* The server never sees the request, and dies. */
static void test_server_killed(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT,
					  .ways = PROXY_TO_SERVER,
					  .trigger = PROXY_TO_SERVER,
					  .before_text = "COMMIT"};

	commit_under(&fault, servers_kill, false);
}

/* The server is stopped before it can answer, and goes on when nobody waits any more. */
static void test_server_stopped(void)
{
	struct consort *c = postgres_items(SERVER, NULL, "timeout = 3s"), *in = begin_create(c);

	servers_pause(SERVER);
	must_doubt(in);
	servers_resume(SERVER);
	items_answer(c);
	CU_ASSERT(is_there(true));
	consort_close(c);
}

/* A commit that the server refuses is known not to have happened. */
static void test_refused(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *in;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	postgres_ask(SERVER, "DSN", "DROP TABLE IF EXISTS pair");
	postgres_ask(
		SERVER, "DSN",
		"CREATE TABLE pair(id bigint PRIMARY KEY, other bigint REFERENCES pair DEFERRABLE INITIALLY "
		"DEFERRED)");
	in = begin_create(c);
	API_OK(consort_native(in, "db", "INSERT INTO pair VALUES (1, 2)", CONSORT_NO_ARGS, &rows, NULL,
			      &error));
	consort_cursor_close(rows);
	CU_ASSERT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.sqlstate, "23503");
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT(!is_there(false));
	items_answer(c);
	consort_close(c);
}

static enum consort_status create_new(struct consort *in, void *arg, struct consort_error *error)
{
	int *calls = arg;

	++*calls;
	return items_create(in, NEW, error);
}

/* The callback form: once, and in doubt. */
static void test_callback(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_text = "COMMIT"};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	int calls = 0;

	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(consort_transaction(c, "db", create_new, &calls, &outcome, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT_EQUAL(calls, 1);
	proxy_pass(proxy);
	CU_ASSERT(is_there(true));
	items_answer(c);
	consort_close(c);
	proxy_stop(proxy);
}

/* A record that is written by itself is its own transaction; whether it was, nobody can say. */
static void create_under(enum proxy_kind kind, bool there, enum consort_status expected)
{
	struct proxy_fault fault = {.kind = kind, .ways = PROXY_TO_CLIENT, .trigger = PROXY_TO_SERVER};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, "timeout = 2s");
	struct consort_error error = CONSORT_ERROR_INIT;

	*(there ? &fault.after_text : &fault.before_text) = "s4711";
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(items_create(c, NEW, &error), expected);
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	proxy_pass(proxy);
	CU_ASSERT_EQUAL(is_there(there), there);
	items_answer(c);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_create_request_lost(void)
{
	create_under(PROXY_CLOSE, false, CONSORT_EINDOUBT);
}

static void test_create_answer_lost(void)
{
	create_under(PROXY_CLOSE, true, CONSORT_EINDOUBT);
}

static void test_create_answer_swallowed(void)
{
	create_under(PROXY_SILENT, true, CONSORT_ETIMEOUT);
}

/* Many records have a transaction of their own. */
static void test_many(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_text = "COMMIT"};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *records[2];
	int i;

	for (i = 0; i < 2; i++) {
		records[i] = consort_record_new(c, "item");
		consort_record_set(records[i], "id", consort_int64(NEW + i));
	}
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(consort_create_many(c, records, 2, 0, NULL, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	CU_ASSERT(is_there(true));
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "5");
	for (i = 0; i < 2; i++)
		consort_record_free(records[i]);
	consort_close(c);
	proxy_stop(proxy);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"request-lost", test_request_lost},
		{"answer-lost", test_answer_lost},
		{"answer-reset", test_answer_reset},
		{"request-swallowed", test_request_swallowed},
		{"answer-swallowed", test_answer_swallowed},
		{"server-killed", test_server_killed},
		{"server-stopped", test_server_stopped},
		{"refused", test_refused},
		{"callback", test_callback},
		{"create-request-lost", test_create_request_lost},
		{"create-answer-lost", test_create_answer_lost},
		{"create-answer-swallowed", test_create_answer_swallowed},
		{"many", test_many},
		{NULL, NULL},
	};
	int result = testing_main("postgres-commit", cases, argc, argv);

	servers_remove(SERVER);
	return result;
}
