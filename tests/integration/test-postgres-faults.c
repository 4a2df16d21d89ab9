/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL server that fails while it is used: killed, stopped, told to end a session, out of time, out
 * of room, in a deadlock. What was under way ends with an error that says so, and the next call of the same
 * handle works as soon as the server does.
 */
#include "postgres-server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER "postgres@faults"
#define QUOTA "postgres-quota@faults"

/* The rows of a plan, of which the first one has been read. */
static struct consort_cursor *begin_reading(struct consort *c, struct consort_plan *plan, bool condition,
					    struct consort_error *error)
{
	const struct consort_args args = condition ? CONSORT_ARGS(consort_int64(0)) : CONSORT_NO_ARGS;
	struct consort_cursor *rows = NULL;

	api_ok(consort_plan_run(c, plan, args, &rows, error), error, "consort_plan_run", __FILE__, __LINE__);
	CU_ASSERT_FATAL(consort_cursor_next(rows, error));
	return rows;
}

/* --- killed --- */

/* The second run of a plan may be read in another way than the first, which nobody knew the size of. */
static void kill_in_scan(bool condition)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct consort_plan *plan = postgres_plan_many(c, condition);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows;
	int64_t count;
	int run;

	for (run = 0; run < 2; run++) {
		rows = begin_reading(c, plan, condition, &error);
		count = 1;
		API_OK(postgres_read_many(rows, &count, &error));
		CU_ASSERT_EQUAL(count, MANY);
		consort_cursor_close(rows);

		rows = begin_reading(c, plan, condition, &error);
		count = 1;
		servers_kill(SERVER);
		CU_ASSERT_EQUAL(postgres_read_many(rows, &count, &error), CONSORT_ECONNECTION);
		CU_ASSERT(count < MANY);
		CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
		TESTING_TEXT(error.origin, "db");
		consort_cursor_close(rows);
		TESTING_CONTAINS(api_find(c, "item", NULL, NULL, NULL), "status 12: ");
		servers_start(SERVER);
		items_answer(c);
	}
	consort_plan_free(plan);
	consort_close(c);
}

static void test_killed_in_scan(void)
{
	kill_in_scan(false);
}

static void test_killed_in_scan_with_parameter(void)
{
	kill_in_scan(true);
}

/* Each flush is whole or not there. */
static void test_killed_in_bulk(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct consort_writer *w = items_writer(c);
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(items_flush(w, 100, 500, &error));
	servers_kill(SERVER);
	CU_ASSERT_EQUAL(items_flush(w, 1000, 500, &error), CONSORT_ECONNECTION);
	consort_writer_close(w);
	servers_start(SERVER);
	TESTING_TEXT(api_find(c, "item", "count(*), max(id)", NULL, NULL), "503,599");
	consort_close(c);
}

/* The server dies while a flush is on its way: by itself nobody can say what became of it, in a transaction
 * everybody can. */
static void kill_in_flush(bool transaction)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT,
					  .ways = PROXY_TO_SERVER,
					  .trigger = PROXY_TO_SERVER,
					  .after_bytes = 2000};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct harm *later;
	struct consort_writer *w;
	enum consort_status status;
	bool known;

	if (transaction)
		API_OK(consort_begin(c, "db", &in, &error));
	w = items_writer(in ? in : c);
	API_OK(items_flush(w, 100, 500, &error));
	proxy_set(proxy, &fault);
	later = harm_later(proxy, SERVER, servers_kill);
	status = items_flush(w, 1000, 500, &error);
	known = transaction || *error.sqlstate; /* some die without a last word, some with one */
	CU_ASSERT_EQUAL(status, known ? CONSORT_ECONNECTION : CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(!(error.flags & CONSORT_ERROR_RETRYABLE), !known);
	harm_done(later);
	consort_writer_close(w);
	if (transaction) {
		CU_ASSERT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_ECONNECTION);
		CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	}
	servers_start(SERVER);
	proxy_pass(proxy);
	TESTING_TEXT(api_find(c, "item", "count(*), max(id)", NULL, NULL), transaction ? "3,3" : "503,599");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_killed_in_flush(void)
{
	kill_in_flush(false);
}

static void test_killed_in_flush_of_transaction(void)
{
	kill_in_flush(true);
}

/* Nothing of a transaction is there, and commit says that it knows. */
static void test_killed_in_transaction(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w;

	API_OK(consort_begin(c, "db", &in, &error));
	w = items_writer(in);
	API_OK(items_flush(w, 100, 500, &error));
	servers_kill(SERVER);
	CU_ASSERT_EQUAL(items_flush(w, 1000, 500, &error), CONSORT_ECONNECTION);
	CU_ASSERT(error.flags & CONSORT_ERROR_TX_ABORTED);
	consort_writer_close(w);
	CU_ASSERT_NOT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	servers_start(SERVER);
	items_answer(c);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3");
	consort_close(c);
}

/* The processes that serve this handle's connections, which are as many as that. */
static void find_backends(struct consort *c, pid_t *pids, size_t count)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows[4] = {NULL};
	size_t i;

	for (i = 0; i < count; i++)
		API_OK(consort_native(c, "db", "SELECT pg_backend_pid()", CONSORT_NO_ARGS, &rows[i], NULL,
				      &error));
	for (i = 0; i < count; i++) {
		pids[i] = atoi(api_read(rows[i], &error));
		consort_cursor_close(rows[i]);
	}
}

/* A server process that crashes takes all others with it, so every connection of the pool is lost at once. */
static void test_crash_of_one(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	const struct timespec pause = {0, 10 * MILLISECOND};
	int64_t start = items_now();
	const char *text;
	pid_t pids[4];

	find_backends(c, pids, 4);
	CU_ASSERT_FATAL(pids[0] > 1 && pids[3] > 1 && pids[0] != pids[3]);
	CU_ASSERT_EQUAL_FATAL(kill(pids[0], SIGKILL), 0);
	while (!kill(pids[3], 0) && items_now() - start < SOON)
		nanosleep(&pause, NULL);
	/* it starts again by itself, and refuses whoever comes before that */
	do {
		nanosleep(&pause, NULL);
		text = api_find(c, "item", "count(*)", NULL, NULL);
	} while (!strncmp(text, "status 12: ", 11) && items_now() - start < SOON);
	TESTING_TEXT(text, "3");
	consort_close(c);
}

/* --- stopped for longer than the deadline --- */

static void check_in_time(int64_t start)
{
	CU_ASSERT(items_now() - start < SOON);
}

static void test_stopped_query(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *scope;
	struct consort_record *record = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start;

	servers_pause(SERVER);
	start = items_now();
	scope = items_within(c, 200);
	TESTING_CONTAINS(api_find(scope, "item", "id", NULL, NULL), "status 13: ");
	consort_close(scope);
	scope = items_within(c, 200);
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &record, &error),
			CONSORT_ETIMEOUT);
	consort_close(scope);
	check_in_time(start);
	servers_resume(SERVER);
	items_answer(c);
	consort_close(c);
}

static void test_stopped_scan(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *scope;
	struct consort_plan *plan = postgres_plan_many(c, false);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows;
	int64_t start, count = 1;

	scope = items_within(c, 5000);
	rows = begin_reading(scope, plan, false, &error);
	servers_pause(SERVER);
	start = items_now();
	CU_ASSERT_EQUAL(postgres_read_many(rows, &count, &error), CONSORT_ETIMEOUT);
	check_in_time(start);
	CU_ASSERT(count < MANY);
	consort_cursor_close(rows);
	consort_close(scope);
	consort_plan_free(plan);
	servers_resume(SERVER);
	items_answer(c);
	consort_close(c);
}

/* A handle that has no connection yet, and one whose transaction has begun. */
static void test_stopped_connect_and_rollback(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *in = NULL;
	struct consort *fresh = api_open(postgres_manifest(SERVER, NULL, "timeout = 200ms"));
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(items_create(in, 10, &error));
	servers_pause(SERVER);
	start = items_now();
	TESTING_CONTAINS(api_find(fresh, "item", "id", NULL, NULL), "status 13: ");
	CU_ASSERT_NOT_EQUAL(consort_rollback(in, &error), CONSORT_OK);
	check_in_time(start);
	servers_resume(SERVER);
	consort_close(fresh);
	items_answer(c);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3");
	consort_close(c);
}

/* --- told to end --- */

static void terminate(const char *condition)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE usename = "
		 "'consort' "
		 "AND pid <> pg_backend_pid() AND %s",
		 condition);
	CU_ASSERT_NOT_EQUAL(atoi(postgres_ask(SERVER, "ADMIN_DSN", sql)), 0);
}

static void test_terminated_while_idle(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *record = NULL;

	/* nobody knew, and reading begins again */
	terminate("state = 'idle'");
	items_answer(c);
	API_OK(consort_get(c, "item", CONSORT_ARGS(consort_int64(1)), &record, &error));
	terminate("state = 'idle'");
	API_OK(consort_get(c, "item", CONSORT_ARGS(consort_int64(2)), &record, &error));
	TESTING_TEXT(consort_record_text(record, "s"), "s2");
	consort_record_free(record);
	consort_close(c);
}

static void test_terminated_in_scan(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct consort_plan *plan = postgres_plan_many(c, false);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = begin_reading(c, plan, false, &error);
	int64_t count = 1;

	/* it waits for its client meanwhile, and cannot say a word: the function's answer is not waited for
	 */
	postgres_ask(SERVER, "ADMIN_DSN",
		     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'consort' AND "
		     "state = 'active'");
	CU_ASSERT_EQUAL(postgres_read_many(rows, &count, &error), CONSORT_ECONNECTION);
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	CU_ASSERT(count < MANY);
	consort_cursor_close(rows);
	consort_plan_free(plan);
	items_answer(c);
	consort_close(c);
}

static void test_terminated_in_transaction(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(items_create(in, 10, &error));
	terminate("state = 'idle in transaction'");
	CU_ASSERT_EQUAL(items_create(in, 11, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.sqlstate, "57P01");
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	CU_ASSERT(error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_NOT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	items_answer(c);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3");
	consort_close(c);
}

/* Two items, between which the first attempt loses its connection. */
static enum consort_status create_two(struct consort *in, void *arg, struct consort_error *error)
{
	int *calls = arg;
	enum consort_status status = items_create(in, 10, error);

	if (!status && !(*calls)++)
		terminate("state = 'idle in transaction'");
	return status ? status : items_create(in, 11, error);
}

static void test_terminated_and_run_again(void)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 3};
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	int calls = 0;

	CU_ASSERT_EQUAL(consort_transaction(c, "db", create_two, &calls, &outcome, &error),
			CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	calls = 0;
	API_OK(consort_transaction_with(c, "db", &options, create_two, &calls, &outcome, &error));
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	CU_ASSERT_EQUAL(calls, 2);
	TESTING_TEXT(api_find(c, "item", "count(*), max(id)", NULL, NULL), "5,11");
	consort_close(c);
}

/* --- the server's own limits --- */

static void test_statement_timeout(void)
{
	struct consort *c = postgres_items(SERVER, NULL, "options = -c statement_timeout=200");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	int64_t start = items_now();
	enum consort_status status =
		consort_native(c, "db", "SELECT pg_sleep(3600)", CONSORT_NO_ARGS, &rows, NULL, &error);

	if (!status) {
		api_read(rows, &error);
		status = consort_cursor_status(rows);
		consort_cursor_close(rows);
	}
	CU_ASSERT_EQUAL(status, CONSORT_ETIMEOUT);
	TESTING_TEXT(error.sqlstate, "57014");
	check_in_time(start);
	items_answer(c);
	consort_close(c);
}

struct rival {
	struct consort *c;
	int64_t first, second;
	uint32_t attempts;
	pthread_barrier_t *both;
	enum consort_status status;
	struct consort_error error;
};

static enum consort_status set_owner(struct consort *in, int64_t id, struct consort_error *error)
{
	struct consort_query *q = consort_query_new(in, "item");
	enum consort_status status;

	consort_query_where(q, "id = $1");
	status = consort_update_where(q, "owner = owner + 1", CONSORT_ARGS(consort_int64(id)), NULL, error);
	consort_query_free(q);
	return status;
}

/* Both rows, one after the other; between them it waits for the other one, the first time. */
static enum consort_status set_both(struct consort *in, void *arg, struct consort_error *error)
{
	struct rival *rival = arg;
	enum consort_status status = set_owner(in, rival->first, error);

	if (rival->both)
		pthread_barrier_wait(rival->both);
	rival->both = NULL;
	return status ? status : set_owner(in, rival->second, error);
}

static void *run_rival(void *context)
{
	struct rival *rival = context;
	const struct consort_begin_options options = {.struct_size = sizeof(options),
						      .attempts = rival->attempts};

	rival->status =
		consort_transaction_with(rival->c, "db", &options, set_both, rival, NULL, &rival->error);
	return NULL;
}

/* Two that want the same rows in opposite order; both are begun before either one goes on. */
static void run_rivals(struct rival *a, struct rival *b)
{
	pthread_barrier_t both;
	pthread_t other;

	pthread_barrier_init(&both, NULL, 2);
	a->both = b->both = &both;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, run_rival, b), 0);
	run_rival(a);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&both);
}

static void test_deadlock(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL);
	struct rival a = {.c = c, .first = 1, .second = 2, .attempts = 1};
	struct rival b = {.c = c, .first = 2, .second = 1, .attempts = 1}, *loser;

	run_rivals(&a, &b);
	loser = a.status ? &a : &b;
	CU_ASSERT_EQUAL((loser == &a ? &b : &a)->status, CONSORT_OK);
	CU_ASSERT_EQUAL(loser->status, CONSORT_ECONFLICT);
	CU_ASSERT(loser->error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_TEXT(loser->error.sqlstate, "40P01");
	run_rival(loser);
	CU_ASSERT_EQUAL(loser->status, CONSORT_OK);
	TESTING_TEXT(api_find(c, "item", "id, owner", NULL, "id"), "1,2;2,2;3,0");

	/* asked to, the library runs the loser again */
	a.attempts = b.attempts = 5;
	run_rivals(&a, &b);
	CU_ASSERT_EQUAL(a.status, CONSORT_OK);
	CU_ASSERT_EQUAL(b.status, CONSORT_OK);
	TESTING_TEXT(api_find(c, "item", "id, owner", NULL, "id"), "1,4;2,4;3,0");
	consort_close(c);
}

/* A lock that somebody keeps: the deadline is the caller's, and the server is told that nobody waits. */
static void test_lock(void)
{
	struct consort *c = postgres_items(SERVER, NULL, NULL), *in = NULL, *scope;
	struct consort *other = api_open(postgres_manifest(SERVER, NULL, NULL));
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = items_now();

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(set_owner(in, 1, &error));
	scope = items_within(other, 300);
	CU_ASSERT_EQUAL(set_owner(scope, 1, &error), CONSORT_ETIMEOUT);
	check_in_time(start);
	consort_close(scope);
	while (strcmp(postgres_ask(SERVER, "DSN", "SELECT count(*) FROM pg_locks WHERE NOT granted"), "0"))
		CU_ASSERT_FATAL(items_now() - start < SOON);
	API_OK(consort_commit(in, NULL, &error));
	API_OK(set_owner(other, 1, &error));
	TESTING_TEXT(api_find(c, "item", "owner", "id = 1", NULL), "2");
	consort_close(other);
	consort_close(c);
}

/* Rows of a kilobyte, which is not compressed, until the table's file is larger than the server may write. */
static enum consort_status fill_disk(struct consort *c, struct consort_error *error)
{
	int64_t id, most = atoll(servers_get(QUOTA, "QUOTA")) / 1024 * 2;
	struct consort_writer *w = items_writer(c);
	struct consort_batch *batch = consort_writer_batch(w);
	enum consort_status status = CONSORT_OK;
	char s[1024];

	memset(s, 'x', sizeof(s));
	for (id = 100; !status && id < most; id++) {
		consort_append_int64(&batch->columns[0], id);
		consort_append_view(batch, &batch->columns[1], s, sizeof(s));
		if (consort_batch_end_row(batch))
			status = consort_writer_flush(w, error);
	}
	consort_writer_close(w);
	return status;
}

static void test_disk_full(void)
{
	struct consort *c = postgres_items(QUOTA, NULL, NULL), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	CU_ASSERT_EQUAL(fill_disk(in, &error), CONSORT_EFULL);
	TESTING_TEXT(error.sqlstate, "53100");
	CU_ASSERT_NOT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	items_answer(c);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3");
	API_OK(items_create(c, 4, &error));
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"killed-in-scan", test_killed_in_scan},
		{"killed-in-scan-with-parameter", test_killed_in_scan_with_parameter},
		{"killed-in-bulk", test_killed_in_bulk},
		{"killed-in-flush", test_killed_in_flush},
		{"killed-in-flush-of-transaction", test_killed_in_flush_of_transaction},
		{"killed-in-transaction", test_killed_in_transaction},
		{"crash-of-one", test_crash_of_one},
		{"stopped-query", test_stopped_query},
		{"stopped-scan", test_stopped_scan},
		{"stopped-connect-and-rollback", test_stopped_connect_and_rollback},
		{"terminated-while-idle", test_terminated_while_idle},
		{"terminated-in-scan", test_terminated_in_scan},
		{"terminated-in-transaction", test_terminated_in_transaction},
		{"terminated-and-run-again", test_terminated_and_run_again},
		{"statement-timeout", test_statement_timeout},
		{"deadlock", test_deadlock},
		{"lock", test_lock},
		{"disk-full", test_disk_full},
		{NULL, NULL},
	};
	int result = testing_main("postgres-faults", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(QUOTA);
	return result;
}
