/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are ended from another thread or by a deadline: soon, as a whole, and with all usable
 * afterwards. */
#include "api.h"
#include "items.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS 3000		  /* of which each meets each: 9 million pairs, 27 billion triples */
#define PROMPT (50 * MILLISECOND) /* how soon a call must return that was ended */
#define ATTEMPTS 5		  /* the machine may be busy */

struct firing {
	struct consort_cancel *cancel;
	int64_t delay;
	int64_t at; /* when it fired */
};

static void *fire(void *argument)
{
	struct firing *firing = argument;
	struct timespec delay = {.tv_nsec = firing->delay};

	nanosleep(&delay, NULL);
	firing->at = items_now();
	consort_cancel_fire(firing->cancel);
	return NULL;
}

/* Reads a query to its end; its status. */
static enum consort_status run_query(struct consort *c, const char *select, const char *order)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_cursor *rows = NULL;
	enum consort_status status;

	consort_query_select(q, select);
	if (order)
		consort_query_order(q, order);
	status = consort_query_run(q, CONSORT_NO_ARGS, &rows, &error);
	while (!status && consort_cursor_next(rows, &error))
		;
	if (!status)
		status = consort_cursor_status(rows);
	CU_ASSERT_EQUAL(error.status, status);
	consort_cursor_close(rows);
	consort_query_free(q);
	return status;
}

static enum consort_status join_pushed(struct consort *c)
{
	return run_query(c, "count(same.same.id)", NULL);
}

static enum consort_status join_in_core(struct consort *c)
{
	enum consort_status status;

	setenv("CONSORT_NO_PUSHDOWN", "1", 1);
	status = run_query(c, "count(same.same.id)", NULL);
	unsetenv("CONSORT_NO_PUSHDOWN");
	return status;
}

static enum consort_status rows_of_join(struct consort *c)
{
	return run_query(c, "id, same.id, same.same.s", NULL);
}

static enum consort_status sort_in_core(struct consort *c)
{
	enum consort_status status;

	setenv("CONSORT_NO_PUSHDOWN", "1", 1);
	status = run_query(c, "id, same.s", "same.s desc, id");
	unsetenv("CONSORT_NO_PUSHDOWN");
	return status;
}

static enum consort_status update_much(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_native(
		c, "db",
		"UPDATE item SET s = (SELECT count(*) FROM item a, item b WHERE a.s || b.s = item.s)",
		CONSORT_NO_ARGS, &rows, NULL, &error);

	consort_cursor_close(rows);
	return status;
}

struct load {
	const char *name;
	enum consort_status (*run)(struct consort *c);
};

static const struct load loads[] = {
	{"a join in SQLite", join_pushed}, {"a join in the core", join_in_core},
	{"a join's rows", rows_of_join},   {"a sort in the core", sort_in_core},
	{"a native update", update_much},  {NULL, NULL},
};

/* The smallest delay of some attempts between the moment it should end and the return. */
static int64_t attempt_cancel(struct consort *c, const struct load *load)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct firing firing = {consort_cancel_new(), 60 * MILLISECOND, 0};
	struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = firing.cancel};
	int64_t best = INT64_MAX;
	int i;

	for (i = 0; i < ATTEMPTS && best > PROMPT; i++) {
		struct consort *scope = NULL;
		pthread_t thread;
		int64_t late;

		API_OK(consort_scope(c, &options, &scope, &error));
		pthread_create(&thread, NULL, fire, &firing);
		CU_ASSERT_EQUAL(load->run(scope), CONSORT_ECANCELLED);
		late = items_now();
		pthread_join(thread, NULL);
		late -= firing.at;
		best = late < best ? late : best;
		CU_ASSERT_EQUAL(run_query(scope, "id", NULL), CONSORT_ECANCELLED); /* later calls too */
		consort_cancel_reset(firing.cancel);
		CU_ASSERT_EQUAL(run_query(scope, "id", NULL), CONSORT_OK);
		consort_close(scope);
	}
	consort_cancel_free(firing.cancel);
	return best;
}

static int64_t attempt_deadline(struct consort *c, const struct load *load)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_scope_options options = {.struct_size = sizeof(options), .timeout = 60 * MILLISECOND};
	int64_t best = INT64_MAX;
	int i;

	for (i = 0; i < ATTEMPTS && best > PROMPT; i++) {
		struct consort *scope = NULL;
		int64_t start = items_now(), late;

		API_OK(consort_scope(c, &options, &scope, &error));
		CU_ASSERT_EQUAL(load->run(scope), CONSORT_ETIMEOUT);
		late = items_now() - start - options.timeout;
		CU_ASSERT_TRUE(late >= 0);
		best = late < best ? late : best;
		consort_close(scope);
	}
	return best;
}

static void check_prompt(const char *what, const struct load *load, int64_t late)
{
	if (late > PROMPT)
		fprintf(stderr, "  %s, %s: %lld us late\n", load->name, what, (long long)(late / 1000));
	CU_ASSERT_TRUE(late <= PROMPT);
}

static void test_cancel(void)
{
	struct consort *c = items_open(ITEMS, ROWS);
	const struct load *load;

	for (load = loads; load->name; load++)
		check_prompt("cancelled", load, attempt_cancel(c, load));
	CU_ASSERT_EQUAL(run_query(c, "id", NULL), CONSORT_OK);
	TESTING_TEXT(api_find(c, "item", "count(*), min(s)", NULL, NULL), "3000,s1");
	consort_close(c);
}

static void test_deadline(void)
{
	struct consort *c = items_open(ITEMS, ROWS);
	const struct load *load;

	for (load = loads; load->name; load++)
		check_prompt("deadline", load, attempt_deadline(c, load));
	TESTING_TEXT(api_find(c, "item", "count(*), min(s)", NULL, NULL), "3000,s1");
	consort_close(c);
}

/* The database's own limit counts where the handle has none. */
static void test_default_deadline(void)
{
	struct consort *c = items_open(ITEMS, ROWS);

	consort_close(c);
	c = api_open(ITEMS_DATABASE "timeout = 80ms\n" ITEMS_RESOURCES);
	CU_ASSERT_EQUAL(join_pushed(c), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(join_in_core(c), CONSORT_ETIMEOUT);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3000");
	consort_close(c);
}

/* A call that waits, for a lock or for a connection, is ended too. */
static enum consort_status wait_for_lock(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = consort_record_new(c, "note");
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(1));
	status = consort_create(c, r, &error);
	consort_record_free(r);
	return status;
}

static void test_waiting(void)
{
	static const struct load lock = {"waiting for a lock", wait_for_lock},
				 pool = {"waiting for the pool", join_pushed};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, ROWS), *other = api_open(ITEMS), *in = NULL;
	struct consort_cursor *rows[4] = {NULL};
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_record *r;
	int i;

	API_OK(consort_begin(other, "db", &in, &error));
	r = consort_record_new(in, "note");
	consort_record_set(r, "id", consort_int64(7));
	API_OK(consort_create(in, r, &error));
	check_prompt("cancelled", &lock, attempt_cancel(c, &lock));
	check_prompt("deadline", &lock, attempt_deadline(c, &lock));
	consort_record_free(r);
	API_OK(consort_rollback(in, &error));
	for (i = 0; i < 4; i++)
		API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows[i], &error));
	check_prompt("deadline", &pool, attempt_deadline(c, &pool));
	for (i = 0; i < 4; i++)
		consort_cursor_close(rows[i]);
	consort_query_free(q);
	CU_ASSERT_EQUAL(wait_for_lock(c), CONSORT_OK);
	consort_close(other);
	consort_close(c);
}

/* In a transaction it is a failure like others: what was done before is there after going back to a savepoint. */
static void test_in_transaction(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, ROWS), *in = NULL, *scope = NULL;
	struct consort_scope_options options = {.struct_size = sizeof(options), .timeout = 60 * MILLISECOND};

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(consort_delete(in, "item", CONSORT_ARGS(consort_int64(1)), &error));
	API_OK(consort_savepoint(in, "before", &error));
	API_OK(consort_scope(in, &options, &scope, &error));
	CU_ASSERT_EQUAL(join_pushed(scope), CONSORT_ETIMEOUT);
	consort_close(scope);
	TESTING_CONTAINS(api_find(in, "item", "count(*)", NULL, NULL),
			 "takes nothing but a rollback, of all or to a savepoint, since a call failed: the deadline "
			 "passed");
	API_OK(consort_rollback_to(in, "before", &error));
	TESTING_TEXT(api_find(in, "item", "count(*)", NULL, NULL), "2999");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "2999");
	consort_close(c);
}

/* Fired again and again while calls begin and end: a call is whole or cancelled, never something between. */
static void *fire_often(void *argument)
{
	struct firing *firing = argument;

	while (!__atomic_load_n(&firing->at, __ATOMIC_ACQUIRE)) {
		consort_cancel_fire(firing->cancel);
		sched_yield();
	}
	return NULL;
}

static void test_races(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, 2000), *scope = NULL;
	struct firing firing = {.cancel = consort_cancel_new()};
	struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = firing.cancel};
	int whole = 0, cancelled = 0, i;
	pthread_t thread;

	API_OK(consort_scope(c, &options, &scope, &error));
	pthread_create(&thread, NULL, fire_often, &firing);
	for (i = 0; i < 400; i++) {
		enum consort_status status;

		consort_cancel_reset(firing.cancel);
		status = run_query(scope, "id, s", "s");
		whole += status == CONSORT_OK;
		cancelled += status == CONSORT_ECANCELLED;
	}
	__atomic_store_n(&firing.at, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(whole + cancelled, 400);
	CU_ASSERT_TRUE(cancelled > 0);
	consort_cancel_reset(firing.cancel);
	CU_ASSERT_EQUAL(run_query(scope, "id", NULL), CONSORT_OK);
	consort_close(scope);
	consort_cancel_free(firing.cancel);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"cancel", test_cancel},
		{"deadline", test_deadline},
		{"default-deadline", test_default_deadline},
		{"waiting", test_waiting},
		{"in-transaction", test_in_transaction},
		{"races", test_races},
		{NULL, NULL},
	};

	return testing_main("cancel", cases, argc, argv);
}
