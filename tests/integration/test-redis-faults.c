/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Redis that fails while it is used: killed, stopped, started again, full, without our scripts. What was
 * under way ends with an error that says what is known of it, which is compared with what the server has, and
 * the next call works as soon as the server does.
 */
#include "redis-server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER "redis@faults"
#define KEPT "redis-kept@faults" /* has written what it says that it did */

static const char notes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			    "attribute.name = text\n";

static struct consort *open_notes(const struct proxy *proxy, const char *lines)
{
	return redis_open(SERVER, proxy, lines, notes);
}

/* So many notes at once; a status for each if that is wanted. */
static enum consort_status create_with(struct consort *c, int64_t first, size_t count, uint32_t flags,
				       uint32_t *statuses, struct consort_error *error)
{
	struct consort_record **records = calloc(count, sizeof(*records));
	enum consort_status status;
	size_t i;

	for (i = 0; i < count; i++) {
		records[i] = consort_record_new(c, "note");
		consort_record_set(records[i], "id", consort_int64(first + (int64_t)i));
		consort_record_set(records[i], "name", consort_text("a name of some length"));
	}
	status = consort_create_many(c, records, count, flags, statuses, error);
	for (i = 0; i < count; i++)
		consort_record_free(records[i]);
	free(records);
	return status;
}

static enum consort_status create_notes(struct consort *c, int64_t first, size_t count,
					struct consort_error *error)
{
	return create_with(c, first, count, 0, NULL, error);
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

/* --- what was written of many --- */

/* Whether each note from 1 to count is there, asked without what is tested. */
static bool *find_notes(const char *server, size_t count)
{
	const char *text = redis_ask(server,
				     "eval \"local r={} for i=1,%zu do r[i]=redis.call('EXISTS','%s:'..i) "
				     "end return table.concat(r)\" 0",
				     count, testing_name());
	bool *there = calloc(count, sizeof(*there));
	size_t i;

	CU_ASSERT_EQUAL_FATAL(strlen(text), count + 1);
	for (i = 0; i < count; i++)
		there[i] = text[i] == '1';
	return there;
}

/* A note of status OK is there, one that failed by itself is not; only of what is in doubt nothing is known.
 */
static void check_truth(const char *server, const uint32_t *statuses, size_t count, uint32_t failed,
			size_t *out_written, size_t *out_doubt)
{
	bool *there = find_notes(server, count);
	size_t i, lies = 0, written = 0, doubt = 0;

	for (i = 0; i < count; i++) {
		lies += statuses[i] == CONSORT_OK && !there[i];
		lies += (statuses[i] == failed || statuses[i] == CONSORT_ECANCELLED) && there[i];
		lies += statuses[i] != CONSORT_OK && statuses[i] != failed &&
			statuses[i] != CONSORT_ECANCELLED && statuses[i] != CONSORT_EINDOUBT;
		written += there[i];
		doubt += statuses[i] == CONSORT_EINDOUBT;
	}
	CU_ASSERT_EQUAL(lies, 0);
	*out_written = written;
	*out_doubt = doubt;
	free(there);
}

#define MANY 40000 /* more than the core gives to the adapter at once */

/* Cut between two of a batch's calls. A call of the script is whole or not there. */
static void lost_in_bulk(uint32_t flags)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_bytes = 4200000};
	struct proxy *proxy = redis_proxy(SERVER);
	struct consort *c = open_notes(proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t *statuses = calloc(MANY, sizeof(*statuses));
	size_t written, doubt;

	works(c, "0");
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(create_with(c, 1, MANY, flags, statuses, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	check_truth(SERVER, statuses, MANY, CONSORT_ECONNECTION, &written, &doubt);
	CU_ASSERT(written > 0 && written < MANY);
	CU_ASSERT(doubt > 0);
	CU_ASSERT_EQUAL(statuses[0], CONSORT_OK);
	CU_ASSERT_EQUAL(written % 256, 0);
	free(statuses);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_lost_in_bulk(void)
{
	lost_in_bulk(0);
}

static void test_lost_in_bulk_continued(void)
{
	lost_in_bulk(CONSORT_MANY_CONTINUE);
}

static void *kill_soon(void *proxy)
{
	CU_ASSERT(proxy_wait(proxy));
	servers_kill(KEPT);
	return NULL;
}

/* The server is killed while a batch is on its way, and started again with all that it had answered for. */
static void test_killed_in_bulk(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT,
					  .ways = PROXY_TO_SERVER,
					  .trigger = PROXY_TO_SERVER,
					  .after_bytes = 4200000};
	struct proxy *proxy = redis_proxy(KEPT);
	struct consort *c = redis_open(KEPT, proxy, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t *statuses = calloc(MANY, sizeof(*statuses));
	size_t written, doubt;
	char expected[32];
	pthread_t killer;

	works(c, "0");
	proxy_set(proxy, &fault);
	pthread_create(&killer, NULL, kill_soon, proxy);
	CU_ASSERT_EQUAL(create_with(c, 1, MANY, 0, statuses, &error), CONSORT_EINDOUBT);
	pthread_join(killer, NULL);
	proxy_pass(proxy);
	servers_start(KEPT);
	check_truth(KEPT, statuses, MANY, CONSORT_ECONNECTION, &written, &doubt);
	CU_ASSERT(written > 0 && written < MANY);
	CU_ASSERT(doubt > 0);
	CU_ASSERT_EQUAL(statuses[0], CONSORT_OK);
	snprintf(expected, sizeof(expected), "%zu", written);
	works(c, expected);
	free(statuses);
	consort_close(c);
	proxy_stop(proxy);
}

/* Memory ends in the middle of a batch; those that did not fit are told one by one if it goes on. */
static void full_in_bulk(uint32_t flags)
{
	struct consort *c = open_notes(NULL, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t *statuses = calloc(MANY, sizeof(*statuses));
	size_t written, doubt;
	long used;

	API_OK(create_note(c, MANY + 1, &error));
	used = strtol(strstr(redis_ask(SERVER, "info memory"), "used_memory:") + 12, NULL, 10);
	redis_ask(SERVER, "config set maxmemory-policy noeviction");
	redis_ask(SERVER, "config set maxmemory %ld", used + 2000000);
	CU_ASSERT_EQUAL(create_with(c, 1, MANY, flags, statuses, &error), CONSORT_EFULL);
	redis_ask(SERVER, "config set maxmemory 0");
	check_truth(SERVER, statuses, MANY, CONSORT_EFULL, &written, &doubt);
	CU_ASSERT(written > 0 && written < MANY);
	CU_ASSERT_EQUAL(doubt > 0, !flags);
	API_OK(create_note(c, MANY + 2, &error));
	free(statuses);
	consort_close(c);
}

static void test_full_in_bulk(void)
{
	full_in_bulk(0);
}

static void test_full_in_bulk_continued(void)
{
	full_in_bulk(CONSORT_MANY_CONTINUE);
}

/* --- stopped --- */

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

static void test_stopped_in_scan(void)
{
	struct consort *c = open_notes(NULL, "page = 50"), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows;
	int count = 1;

	API_OK(create_notes(c, 1, 20000, &error));
	scope = redis_within(c, 1000);
	rows = begin_reading(scope, &error);
	servers_pause(SERVER);
	while (consort_cursor_next(rows, &error))
		count++;
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ETIMEOUT);
	CU_ASSERT(count < 20000);
	consort_cursor_close(rows);
	consort_close(scope);
	servers_resume(SERVER);
	works(c, "20000");
	consort_close(c);
}

static void *fire_soon(void *cancel)
{
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	consort_cancel_fire(cancel);
	return NULL;
}

/* Another thread ends the wait, of a read and of a write. What comes late is nobody's answer. */
static void test_stopped_and_cancelled(void)
{
	struct consort_cancel *cancel = consort_cancel_new();
	const struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = cancel};
	struct consort *c = open_notes(NULL, NULL), *scope = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	pthread_t other;

	API_OK(create_note(c, 1, &error));
	API_OK(consort_scope(c, &options, &scope, &error));
	servers_pause(SERVER);
	pthread_create(&other, NULL, fire_soon, cancel);
	TESTING_CONTAINS(api_find(scope, "note", NULL, NULL, NULL), "status 14: ");
	pthread_join(other, NULL);
	consort_cancel_reset(cancel);
	pthread_create(&other, NULL, fire_soon, cancel);
	CU_ASSERT_EQUAL(create_note(scope, 2, &error), CONSORT_ECANCELLED);
	pthread_join(other, NULL);
	servers_resume(SERVER);
	TESTING_TEXT(api_find(c, "note", "name", "id = 1", NULL), "a name of some length");
	consort_close(scope);
	consort_cancel_free(cancel);
	consort_close(c);
}

/* --- started again --- */

/* Between two calls: the connections of the pool are made anew, and the scripts are loaded again. */
static void test_started_again(void)
{
	struct consort *c = redis_open(KEPT, NULL, NULL, notes);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	servers_stop(KEPT);
	TESTING_CONTAINS(api_find(c, "note", NULL, NULL, NULL), "status 12: ");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_ECONNECTION);
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	servers_start(KEPT);
	works(c, "1");
	API_OK(create_note(c, 2, &error));
	works(c, "2");
	consort_close(c);
}

/* Somebody takes our scripts away, and the server's scripts are not ours to keep. */
static void test_scripts_flushed(void)
{
	struct consort *c = open_notes(NULL, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	redis_ask(SERVER, "script flush");
	API_OK(create_notes(c, 2, 1000, &error));
	redis_ask(SERVER, "script flush");
	CU_ASSERT_EQUAL(create_note(c, 1, &error), CONSORT_ECONSTRAINT);
	redis_ask(SERVER, "script flush");
	API_OK(consort_delete(c, "note", CONSORT_ARGS(consort_int64(1)), &error));
	works(c, "1000");
	consort_close(c);
}

/* A script of another user runs for too long: we are told to come again, and nothing was done. */
static void test_busy(void)
{
	struct consort *c = open_notes(NULL, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(create_note(c, 1, &error));
	redis_ask(SERVER, "config set busy-reply-threshold 10");
	redis_ask(SERVER, "eval 'while true do end' 0 >/dev/null 2>&1 & sleep 0.2; true");
	CU_ASSERT_EQUAL(create_note(c, 2, &error), CONSORT_ECONFLICT);
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_CONTAINS(api_find(c, "note", NULL, "id = 1", NULL), "BUSY");
	redis_ask(SERVER, "script kill");
	API_OK(create_note(c, 2, &error));
	works(c, "2");
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
		{"lost-in-bulk-continued", test_lost_in_bulk_continued},
		{"killed-in-bulk", test_killed_in_bulk},
		{"full-in-bulk", test_full_in_bulk},
		{"full-in-bulk-continued", test_full_in_bulk_continued},
		{"stopped-in-scan", test_stopped_in_scan},
		{"stopped-and-cancelled", test_stopped_and_cancelled},
		{"started-again", test_started_again},
		{"scripts-flushed", test_scripts_flushed},
		{"busy", test_busy},
		{"full", test_full},
		{NULL, NULL},
	};
	int code = testing_main("redis-faults", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(KEPT);
	return code;
}
