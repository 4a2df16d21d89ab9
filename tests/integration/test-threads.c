/* SPDX-License-Identifier: Apache-2.0 */
/* One handle for many threads, and a pool smaller than they are many. */
#include "api.h"
#include "items.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 16
#define ROUNDS 30

/* --- one handle, many threads --- */

struct shared {
	struct consort *c;
	struct consort_plan *plan;
	pthread_barrier_t start;
	const struct consort_resource *described[THREADS];
};

struct worker {
	struct shared *shared;
	int number;
	int failures;
	char message[256];
};

static void fail(struct worker *worker, const char *what, const struct consort_error *error)
{
	if (!worker->failures++)
		snprintf(worker->message, sizeof(worker->message), "%s: %.200s", what,
			 consort_error_text(error));
}

static void run_workers(struct shared *shared, void *(*work)(void *))
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int i;

	memset(workers, 0, sizeof(workers));
	pthread_barrier_init(&shared->start, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		workers[i].shared = shared;
		workers[i].number = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		if (workers[i].failures)
			fprintf(stderr, "  thread %d: %d failures, first %s\n", i, workers[i].failures,
				workers[i].message);
		CU_ASSERT_EQUAL(workers[i].failures, 0);
	}
	pthread_barrier_destroy(&shared->start);
}

static void get_one(struct worker *worker, int64_t id, struct consort_record **record)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char expected[16];

	snprintf(expected, sizeof(expected), "s%d", (int)id);
	if (consort_get(worker->shared->c, "item", CONSORT_ARGS(consort_int64(id)), record, &error))
		fail(worker, "get", &error);
	else if (strcmp(consort_record_text(*record, "s"), expected))
		fail(worker, "another record's text", &error);
}

/* Runs the shared plan, or a query of its own; both give the ids up to a bound. */
static void count_rows(struct worker *worker, int bound, int own)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	struct consort_query *q = NULL;
	enum consort_status status;
	int count = 0;

	if (own) {
		q = consort_query_new(worker->shared->c, "item");
		consort_query_select(q, "id");
		consort_query_where(q, "id <= $1");
		status = consort_query_run(q, CONSORT_ARGS(consort_int64(bound)), &rows, &error);
	} else {
		status = consort_plan_run(worker->shared->c, worker->shared->plan,
					  CONSORT_ARGS(consort_int64(bound)), &rows, &error);
	}
	while (!status && consort_cursor_next(rows, &error))
		count++;
	if (status || consort_cursor_status(rows) || count != bound)
		fail(worker, own ? "query" : "plan", &error);
	consort_cursor_close(rows);
	consort_query_free(q);
}

/* A record of its own, in a transaction of its own. */
static void create_one(struct worker *worker, int64_t id)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL;
	struct consort_record *r;

	if (consort_begin(worker->shared->c, "db", &in, &error)) {
		fail(worker, "begin", &error);
		return;
	}
	r = consort_record_new(in, "note");
	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "s", consort_text("note"));
	if (consort_create(in, r, &error))
		fail(worker, "create", &error);
	consort_record_free(r);
	if (id % 3 ? consort_commit(in, NULL, &error) : consort_rollback(in, &error))
		fail(worker, "end", &error);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct consort_record *record = NULL;
	int i;

	pthread_barrier_wait(&worker->shared->start);
	for (i = 1; i <= ROUNDS; i++) {
		get_one(worker, 1 + (worker->number * 31 + i) % 200, &record);
		count_rows(worker, 1 + (worker->number + i) % 100, i % 2);
		if (i % 5 == 0)
			create_one(worker, worker->number * ROUNDS + i);
	}
	consort_record_free(record);
	return NULL;
}

static void test_shared(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct shared shared = {.c = items_open(ITEMS, 200)};
	struct consort_query *q = consort_query_new(shared.c, "item");

	consort_query_where(q, "id <= $1");
	API_OK(consort_query_prepare(q, &shared.plan, &error));
	consort_query_free(q);
	run_workers(&shared, work);
	/* of six a thread, the ids that 3 divides were rolled back: 15 and 30 */
	TESTING_TEXT(api_find(shared.c, "note", "count(*)", NULL, NULL), "64");
	consort_plan_free(shared.plan);
	consort_close(shared.c);
}

/* --- first use --- */

static void *describe(void *argument)
{
	struct worker *worker = argument;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *record = NULL;

	pthread_barrier_wait(&worker->shared->start);
	if (consort_describe(worker->shared->c, "item", &worker->shared->described[worker->number], &error))
		fail(worker, "describe", &error);
	get_one(worker, 1, &record);
	count_rows(worker, 5, 1);
	if (!consort_supports(worker->shared->c, "db", CONSORT_FEATURE_JOIN, NULL))
		fail(worker, "supports", &error);
	consort_record_free(record);
	return NULL;
}

static void test_first_use(void)
{
	struct shared shared = {0};
	int round, i;

	consort_close(items_open(ITEMS, 10));
	for (round = 0; round < 5; round++) {
		shared.c = api_open(ITEMS);
		run_workers(&shared, describe);
		for (i = 1; i < THREADS; i++)
			CU_ASSERT_PTR_EQUAL(shared.described[i], shared.described[0]);
		consort_close(shared.c);
	}
}

/* Resources are made and dropped while others are read. */
static void *define(void *argument)
{
	struct worker *worker = argument;
	struct consort_error error = CONSORT_ERROR_INIT;
	int i;

	pthread_barrier_wait(&worker->shared->start);
	for (i = 0; i < 10; i++) {
		if (worker->number)
			count_rows(worker, 7, 1);
		else if (consort_define(worker->shared->c, "memo", 0, NULL, &error) ||
			 consort_drop(worker->shared->c, "memo", 0, NULL, &error))
			fail(worker, "define", &error);
	}
	return NULL;
}

static void test_define(void)
{
	struct shared shared = {.c = items_open(ITEMS, 10)};

	run_workers(&shared, define);
	consort_close(shared.c);
}

/* --- the pool --- */

static void test_exhausted(void)
{
	static const char small[] = "[database db]\ntype = sqlite\npath = items.db\npool.max = 2\n"
				    "pool.acquire_timeout = 100ms\n" ITEMS_RESOURCES;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(small, 3000);
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_cursor *first = NULL, *second = NULL, *third = NULL;
	int64_t start;

	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &first, &error));
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &second, &error));
	start = items_now();
	CU_ASSERT_EQUAL(consort_query_run(q, CONSORT_NO_ARGS, &third, &error), CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(items_now() - start >= 100 * MILLISECOND);
	TESTING_CONTAINS(error.message, "database 'db': no connection became free within ");
	TESTING_CONTAINS(error.message, ", which pool.acquire_timeout allowed: 2 of 2 are in use; this thread has held "
					"one for ");
	TESTING_CONTAINS(error.message,
			 "; calls waiting: 1 (close cursors and transactions sooner, or raise pool.max)");
	TESTING_TEXT(error.origin, "db");
	CU_ASSERT_PTR_NULL(third);
	consort_cursor_close(first);
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &third, &error));
	consort_cursor_close(third);
	consort_cursor_close(second);
	consort_query_free(q);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"shared", test_shared},
		{"first-use", test_first_use},
		{"define", test_define},
		{"exhausted", test_exhausted},
		{NULL, NULL},
	};

	return testing_main("threads", cases, argc, argv);
}
