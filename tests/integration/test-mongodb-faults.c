/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong with a MongoDB server, or on the way to it: the error says what is known, waits end in
 * time, and the next call finds a connection that works.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

#include "mongodb-server.h"

#define ALONE "mongodb@mongofaults"
#define SET "mongodb-rs@mongofaults"
#define MANY 20000

/* The set's uri with another option. */
static const char *with_option(const char *option)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_printf(&text, "uri = \"%s%s\"", servers_get(SET, "URI"), option);
	return testing_keep(consort_buffer_steal(&text));
}

/* --- killed --- */

static void test_killed_in_scan(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, MANY);
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	int64_t count = 0;

	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	servers_kill(ALONE);
	while (consort_cursor_next(rows, &error))
		count++;
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(count < MANY - 1);
	consort_cursor_close(rows);
	consort_query_free(q);
	servers_start(ALONE);
	items_answer(c);
	consort_close(c);
}

/* The server is gone before a write is sent, or while its answer is on the way. */
static void test_killed_in_write(void)
{
	static const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .ways = PROXY_BOTH, .trigger = PROXY_TO_SERVER, .after_text = "insert"};
	struct proxy *proxy = mongodb_proxy(ALONE);
	struct consort *c = mongodb_items(ALONE, proxy, 3);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	enum consort_status status;

	items_answer(c);
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(items_create(c, 100, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	items_answer(c);
	/* what became of it can be found out */
	status = consort_get(c, "item", CONSORT_ARGS(consort_int64(100)), &r, &error);
	CU_ASSERT_TRUE(status == CONSORT_OK || status == CONSORT_ENOTFOUND);
	consort_record_free(r);
	API_OK(items_create(c, 101, &error));
	consort_close(c);
	proxy_stop(proxy);
}

/* Each flush before the end is there, and the one that found no server is not, and says so. */
static void kill_between_flushes(const char *server)
{
	struct proxy *proxy = mongodb_proxy(server);
	struct consort *c = mongodb_items(server, proxy, 3);
	struct consort_writer *w = items_writer(c);
	struct consort_error error = CONSORT_ERROR_INIT;
	enum consort_status status;

	API_OK(items_flush(w, 100, 500, &error));
	servers_kill(server);
	status = items_flush(w, 1000, 500, &error);
	CU_ASSERT(status == CONSORT_ECONNECTION || status == CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(!(error.flags & CONSORT_ERROR_RETRYABLE), status == CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(consort_writer_written(w), 500);
	consort_writer_close(w);
	servers_start(server);
	TESTING_TEXT(api_find(c, "item", "count(*), max(id)", NULL, NULL), "503,599");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_killed_in_bulk(void)
{
	kill_between_flushes(ALONE);
}

static void test_killed_in_bulk_of_set(void)
{
	kill_between_flushes(SET);
}

/* Items from 1000 on, so large that they take three commands. */
#define LARGE 3200
static enum consort_status flush_large(struct consort_writer *w, struct consort_error *error)
{
	struct consort_batch *batch = consort_writer_batch(w);
	char s[8000];
	int i;

	memset(s, 'x', sizeof(s));
	for (i = 0; i < LARGE; i++) {
		consort_append_int64(&batch->columns[0], 1000 + i);
		consort_append_view(batch, &batch->columns[1], s, sizeof(s));
		consort_batch_end_row(batch);
	}
	return consort_writer_flush(w, error);
}

/*
 * The server dies while a flush is on its way. One that stands alone has done what the writer counts, and of
 * the command that was on its way nobody knows; a set has done all or nothing.
 */
static void kill_in_flush(const char *server, size_t after, bool transaction)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .ways = PROXY_BOTH, .trigger = PROXY_TO_SERVER, .after_bytes = after};
	struct proxy *proxy = mongodb_proxy(server);
	struct consort *c = mongodb_items(server, proxy, 3), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w;
	struct harm *later;
	char expected[32];
	int64_t told;

	if (transaction)
		API_OK(consort_begin(c, "db", &in, &error));
	w = items_writer(in ? in : c);
	API_OK(items_flush(w, 100, 500, &error));
	proxy_set(proxy, &fault);
	later = harm_later(proxy, server, servers_kill);
	CU_ASSERT_EQUAL(flush_large(w, &error), strcmp(server, SET) ? CONSORT_EINDOUBT : CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(!(error.flags & CONSORT_ERROR_RETRYABLE), strcmp(server, SET) != 0);
	harm_done(later);
	told = consort_writer_written(w) - 500;
	consort_writer_close(w);
	if (transaction) {
		CU_ASSERT(error.flags & CONSORT_ERROR_TX_ABORTED);
		CU_ASSERT_NOT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_OK);
		CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	}
	servers_start(server);
	proxy_pass(proxy);
	CU_ASSERT_EQUAL(told > 0, !strcmp(server, ALONE) && after > 12 << 20);
	snprintf(expected, sizeof(expected), "%d", (int)told + (transaction ? 0 : 500));
	TESTING_TEXT(api_find(c, "item", "count(*)", "id >= 100", NULL), expected);
	consort_close(c);
	proxy_stop(proxy);
}

#define FIRST_COMMAND 2000
#define SECOND_COMMAND (14 << 20)

static void test_killed_in_flush(void)
{
	kill_in_flush(ALONE, FIRST_COMMAND, false);
	kill_in_flush(ALONE, SECOND_COMMAND, false);
}

static void test_killed_in_flush_of_set(void)
{
	kill_in_flush(SET, FIRST_COMMAND, false);
	kill_in_flush(SET, SECOND_COMMAND, false);
}

static void test_killed_in_flush_of_transaction(void)
{
	kill_in_flush(SET, SECOND_COMMAND, true);
}

/* A record that is there already, in the first command of three: what stands before it is kept and counted
 * where there are no transactions, and nothing behind it is written. */
static void test_refused_in_flush(void)
{
	static const struct {
		const char *server;
		int kept;
	} cases[] = {{ALONE, 400}, {SET, 0}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort *c = mongodb_items(cases[i].server, NULL, 3);
		struct consort_writer *w = items_writer(c);
		struct consort_error error = CONSORT_ERROR_INIT;
		char expected[32];

		API_OK(items_create(c, 1400, &error));
		CU_ASSERT_EQUAL(flush_large(w, &error), CONSORT_ECONSTRAINT);
		CU_ASSERT_EQUAL(consort_writer_written(w), cases[i].kept);
		consort_writer_close(w);
		snprintf(expected, sizeof(expected), "%d,1400", cases[i].kept + 1);
		TESTING_TEXT(api_find(c, "item", "count(*), max(id)", "id >= 1000", NULL), expected);
		consort_close(c);
	}
}

/* Killed, or told to end, while it writes, or just before or after: what is told may not be wrong. */
static void kill_while_writing(const char *server, void (*harm)(const char *server))
{
	static const struct proxy_fault fault = {.kind = PROXY_DELAY,
						 .ways = PROXY_TO_CLIENT,
						 .milliseconds = 200,
						 .trigger = PROXY_TO_SERVER,
						 .after_bytes = 2000};
	struct proxy *proxy = mongodb_proxy(server);
	struct consort *c = mongodb_items(server, proxy, 3);
	struct consort_writer *w = items_writer(c);
	struct consort_error error = CONSORT_ERROR_INIT;
	enum consort_status status;
	struct harm *later;
	int there, told;

	proxy_set(proxy, &fault);
	later = harm_later(proxy, server, harm);
	status = items_flush(w, 1000, 20000, &error);
	harm_done(later);
	told = (int)consort_writer_written(w);
	consort_writer_close(w);
	servers_start(server);
	proxy_pass(proxy);
	there = atoi(api_find(c, "item", "count(*)", "id >= 1000", NULL));
	CU_ASSERT(status == CONSORT_OK || status == CONSORT_EINDOUBT || status == CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(told, status ? 0 : 20000);
	CU_ASSERT(status == CONSORT_EINDOUBT || there == told);
	CU_ASSERT(!strcmp(server, ALONE) || there == 0 || there == 20000);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_killed_while_writing(void)
{
	kill_while_writing(ALONE, servers_kill);
	kill_while_writing(SET, servers_kill);
}

static void test_stopping_while_writing(void)
{
	kill_while_writing(ALONE, servers_stop);
	kill_while_writing(SET, servers_stop);
}

/* In a transaction everybody knows: nothing happened. */
static void test_killed_in_transaction(void)
{
	struct consort *c = mongodb_items(SET, NULL, 3), *in = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(items_create(in, 100, &error));
	servers_kill(SET);
	CU_ASSERT_EQUAL(items_create(in, 101, &error), CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	consort_rollback(in, &error);
	servers_start(SET);
	TESTING_TEXT(api_find(c, "item", "count(*)", "id >= 100", NULL), "0");
	consort_close(c);
}

static void test_killed_in_commit(void)
{
	static const struct proxy_fault fault = {.kind = PROXY_CLOSE,
						 .ways = PROXY_BOTH,
						 .trigger = PROXY_TO_SERVER,
						 .after_text = "commitTransaction"};
	struct proxy *proxy = mongodb_proxy(SET);
	struct consort *c = mongodb_items(SET, proxy, 3), *in = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(items_create(in, 100, &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(consort_commit(in, NULL, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	items_answer(c);
	consort_close(c);
	proxy_stop(proxy);
}

/* --- silent --- */

/* Nothing is heard of a server that is stopped; the deadline ends the wait. */
static void test_stopped(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, 3), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	int64_t start;

	items_answer(c);
	servers_pause(ALONE);
	scope = items_within(c, 300);
	start = items_now();
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	CU_ASSERT_EQUAL(items_create(scope, 100, &error), CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	servers_resume(ALONE);
	items_answer(c);
	consort_close(scope);
	consort_close(c);
}

static void *cancel_soon(void *token)
{
	usleep(100 * 1000);
	consort_cancel_fire(token);
	return NULL;
}

/* A cancel from another thread ends the wait too, though there is no deadline. */
static void test_cancelled(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, 3), *scope = NULL;
	struct consort_cancel *token = consort_cancel_new();
	struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = token};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	pthread_t thread;

	API_OK(consort_scope(c, &options, &scope, &error));
	items_answer(scope);
	servers_pause(ALONE);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_soon, token), 0);
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	servers_resume(ALONE);
	items_answer(c);
	consort_close(scope);
	consort_close(c);
	consort_cancel_free(token);
}

/* What a call that was given up does at the server ends there, too. */
static void test_ended_at_server(void)
{
	static const char slow[] =
		"{\"find\": \"item\", \"filter\": {\"$where\": \"sleep(100000) || true\"}}";
	static const char asked[] = "[{\"$currentOp\": {}}, {\"$match\": {\"command.find\": \"item\", "
				    "\"command.filter.$where\": {\"$exists\": true}}}]";
	struct consort *c = mongodb_items(ALONE, NULL, 3), *scope = items_within(c, 300);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	int64_t end = items_now() + SOON;

	CU_ASSERT_EQUAL(consort_native(scope, "db", slow, CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_ETIMEOUT);
	while (*mongodb_ask(ALONE, "admin", asked))
		CU_ASSERT_FATAL(items_now() < end);
	items_answer(c);
	consort_close(scope);
	consort_close(c);
}

/* --- the way --- */

/* An answer that is cut off is no answer. */
static void test_truncated(void)
{
	static const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .ways = PROXY_BOTH, .trigger = PROXY_TO_CLIENT, .after_bytes = 3000};
	struct proxy *proxy = mongodb_proxy(ALONE);
	struct consort *c = mongodb_items(ALONE, proxy, MANY);
	struct consort_query *q = consort_query_new(c, "item");

	items_answer(c);
	proxy_set(proxy, &fault);
	TESTING_CONTAINS(api_rows(q, CONSORT_NO_ARGS), "status 12: ");
	proxy_pass(proxy);
	items_answer(c);
	consort_query_free(q);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_refused(void)
{
	struct proxy *proxy = mongodb_proxy(ALONE);
	struct consort *c = mongodb_items(ALONE, proxy, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	proxy_refuse(proxy, true);
	proxy_reset(proxy);
	other = items_within(c, 500);
	CU_ASSERT_NOT_EQUAL(consort_get(other, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			    CONSORT_OK);
	proxy_refuse(proxy, false);
	items_answer(c);
	consort_close(other);
	consort_close(c);
	proxy_stop(proxy);
}

/* --- who we are --- */

static void test_wrong_password(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	mongodb_make_user(ALONE, "somebody", "readWrite");
	other = api_open(mongodb_manifest(ALONE, NULL,
					  "user = somebody\npassword = s3cret-not\nauth_source = faults"));
	CU_ASSERT_EQUAL(consort_get(other, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_EAUTH);
	CU_ASSERT_PTR_NULL(strstr(error.message, "s3cret"));
	consort_close(other);
	other = api_open(
		mongodb_manifest(ALONE, NULL, "user = somebody\npassword = s3cret\nauth_source = faults"));
	items_answer(other);
	consort_close(other);
	mongodb_ask(ALONE, "faults", "{\"dropUser\": \"somebody\"}");
	consort_close(c);
}

/* A role that only reads has no writes to offer, and a reason. */
static void test_reader(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;

	mongodb_make_user(ALONE, "reader", "read");
	other = api_open(
		mongodb_manifest(ALONE, NULL, "user = reader\npassword = s3cret\nauth_source = faults"));
	items_answer(other);
	CU_ASSERT_EQUAL(items_create(other, 100, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "roles do not let it insert");
	consort_close(other);
	mongodb_ask(ALONE, "faults", "{\"dropUser\": \"reader\"}");
	consort_close(c);
}

/* --- no primary --- */

/* Makes the only member step down, and lets it be elected again. */
static void step_down(void)
{
	mongodb_ask(SET, "admin", "{\"replSetStepDown\": 60, \"force\": true}");
}

static void step_up(void)
{
	mongodb_ask(SET, "admin", "{\"replSetFreeze\": 0}");
}

/* Nothing is written, and nothing is waited for beyond the deadline, or what the URI says. */
static void test_no_primary(void)
{
	struct consort *c = mongodb_items(SET, NULL, 3), *scope = items_within(c, 500), *brief;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = items_now();

	step_down();
	CU_ASSERT_NOT_EQUAL(items_create(scope, 100, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(items_create(scope, 101, &error), CONSORT_ETIMEOUT);
	brief = api_open(mongodb_manifest(SET, NULL, with_option("&serverSelectionTimeoutMS=300")));
	CU_ASSERT_EQUAL(items_create(brief, 102, &error), CONSORT_ECONNECTION);
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	step_up();
	TESTING_TEXT(api_find(c, "item", "count(*)", "id >= 100", NULL), "0");
	consort_close(brief);
	consort_close(scope);
	consort_close(c);
}

/* Reads go where the preference lets them. */
static void test_reads_without_primary(void)
{
	struct consort *c = mongodb_items(SET, NULL, 3), *scope, *any, *brief;
	struct consort_error error = CONSORT_ERROR_INIT;

	any = api_open(mongodb_manifest(SET, NULL, with_option("&readPreference=primaryPreferred")));
	items_answer(any);
	step_down();
	items_answer(any);
	scope = items_within(c, 300);
	TESTING_CONTAINS(api_find(scope, "item", "count(*)", NULL, NULL), "status 13: ");
	brief = items_within(any, 300);
	CU_ASSERT_NOT_EQUAL(items_create(brief, 100, &error), CONSORT_OK);
	step_up();
	items_answer(c);
	API_OK(items_create(any, 100, &error));
	consort_close(brief);
	consort_close(scope);
	consort_close(any);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"killed-in-scan", test_killed_in_scan},
		{"killed-in-write", test_killed_in_write},
		{"killed-in-bulk", test_killed_in_bulk},
		{"killed-in-bulk-of-set", test_killed_in_bulk_of_set},
		{"killed-in-flush", test_killed_in_flush},
		{"killed-in-flush-of-set", test_killed_in_flush_of_set},
		{"killed-in-flush-of-transaction", test_killed_in_flush_of_transaction},
		{"refused-in-flush", test_refused_in_flush},
		{"killed-while-writing", test_killed_while_writing},
		{"stopping-while-writing", test_stopping_while_writing},
		{"killed-in-transaction", test_killed_in_transaction},
		{"killed-in-commit", test_killed_in_commit},
		{"stopped", test_stopped},
		{"cancelled", test_cancelled},
		{"ended-at-server", test_ended_at_server},
		{"truncated", test_truncated},
		{"refused", test_refused},
		{"wrong-password", test_wrong_password},
		{"reader", test_reader},
		{"no-primary", test_no_primary},
		{"reads-without-primary", test_reads_without_primary},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-faults", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(SET);
	return status;
}
