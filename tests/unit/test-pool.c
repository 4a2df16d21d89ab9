/* SPDX-License-Identifier: Apache-2.0 */
/* The pool among threads: who gets a connection, when another one is opened, and how waiting ends. */
#include "actor.h"

#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

#define MILLISECOND ((int64_t)1000000)
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)

static struct consort_pool_stats stats_of(struct consort_database *database)
{
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};

	consort_pool_read_stats(database, &stats);
	CU_ASSERT_EQUAL(stats.struct_size, sizeof(stats));
	return stats;
}

/* What was given back last is used first, with its caches; the rest may fall idle. */
static void test_reuse(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 4});
	struct consort_connection *first = actor_take(database), *second = actor_take(database);
	struct consort_pool_stats stats;
	int i;

	CU_ASSERT_PTR_NOT_EQUAL(first, second);
	consort_pool_release(first);
	consort_pool_release(second);
	for (i = 0; i < 10; i++) {
		CU_ASSERT_PTR_EQUAL(actor_take(database), second);
		consort_pool_release(second);
	}
	stats = stats_of(database);
	CU_ASSERT_EQUAL(stats.max, 4);
	CU_ASSERT_EQUAL(stats.open, 2);
	CU_ASSERT_EQUAL(stats.idle, 2);
	CU_ASSERT_EQUAL(stats.opening, 0);
	CU_ASSERT_EQUAL(stats.waiting, 0);
	CU_ASSERT_EQUAL(stats.acquired, 12);
	CU_ASSERT_EQUAL(stats.opened, 2);
	CU_ASSERT_EQUAL(stats.closed, 0);
	CU_ASSERT_EQUAL(actor.opens, 2);
	CU_ASSERT_EQUAL(actor.pings, 0);
	actor_close(database);
	CU_ASSERT_EQUAL(actor.closes, 2);
}

/* --- the order of coming --- */

struct caller {
	struct consort_database *database;
	pthread_t id;
	int number;
	int64_t timeout;
	struct consort_cancel *cancel;
	/* what came of it */
	int32_t thread;
	uint32_t done;
	int order;
	enum consort_status status;
	struct consort_error error;
};

static int served; /* counts those that got one */

static void *call(void *argument)
{
	struct caller *caller = argument;
	struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_connection *connection = NULL;

	caller->thread = consort_thread_number();
	if (caller->timeout)
		call.deadline = actor_now() + caller->timeout;
	if (caller->cancel)
		call.cancelled = &caller->cancel->fired;
	caller->status =
		consort_pool_acquire(caller->database, &call, caller->cancel, &connection, &caller->error);
	if (!caller->status) {
		caller->order = __atomic_add_fetch(&served, 1, __ATOMIC_ACQ_REL);
		consort_pool_release(connection);
	}
	STORE(caller->done, 1);
	return NULL;
}

static void start(struct caller *caller, struct consort_database *database)
{
	caller->database = database;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&caller->id, NULL, call, caller), 0);
}

static void finish(struct caller *caller)
{
	pthread_join(caller->id, NULL);
}

/* Each waits before the next one comes. */
static void test_order(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database);
	struct caller callers[20] = {{0}};
	int i;

	for (i = 0; i < 20; i++) {
		start(&callers[i], database);
		actor_until_waiting(database, (uint32_t)i + 1);
	}
	consort_pool_release(held);
	for (i = 0; i < 20; i++) {
		finish(&callers[i]);
		CU_ASSERT_EQUAL(callers[i].status, CONSORT_OK);
		CU_ASSERT_EQUAL(callers[i].order, i + 1);
	}
	CU_ASSERT_EQUAL(stats_of(database).waited, 21); /* the first opened one */
	CU_ASSERT_EQUAL(actor.opens, 1);
	actor_close(database);
}

/* Nobody gets past those who wait: not even who has just given back. */
static void test_no_barging(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database);
	struct caller caller = {0};
	int i;

	for (i = 0; i < 100; i++) {
		int before = LOAD(served);

		start(&caller, database);
		actor_until_waiting(database, 1);
		consort_pool_release(held);
		held = actor_take(database);
		CU_ASSERT_EQUAL(LOAD(served), before + 1);
		finish(&caller);
	}
	consort_pool_release(held);
	actor_close(database);
}

/* --- growing --- */

/* The one who came last opens, the one who came first gets it. */
static void test_who_opens(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 2});
	struct consort_connection *held = actor_take(database);
	struct caller first = {0}, last = {0};

	STORE(actor.hold, 1);
	/* so that both are in the queue before one opens */
	pthread_mutex_lock(&database->pool.lock);
	database->pool.patience = 300 * MILLISECOND;
	pthread_mutex_unlock(&database->pool.lock);
	start(&first, database);
	actor_until_waiting(database, 1);
	start(&last, database);
	actor_until_waiting(database, 2);
	while (LOAD(actor.opens) < 2)
		sched_yield();
	CU_ASSERT_EQUAL(stats_of(database).opening, 1);
	STORE(actor.hold, 0);
	finish(&first);
	finish(&last);
	CU_ASSERT_EQUAL(first.order, 1);
	CU_ASSERT_EQUAL(last.order, 2);
	CU_ASSERT_EQUAL(actor.opens, 2);
	CU_ASSERT_EQUAL(actor.opened_by[1], last.thread);
	consort_pool_release(held);
	actor_close(database);
}

/* One who opens is passed over by what is given back, and takes what is idle when the opening fails. */
static void test_opener_is_passed_over(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 2});
	struct consort_connection *held = actor_take(database);
	struct caller opener = {0};

	STORE(actor.hold, 1);
	STORE(actor.refuse, CONSORT_ECONNECTION);
	start(&opener, database);
	while (LOAD(actor.opens) < 2)
		sched_yield();
	consort_pool_release(held);
	CU_ASSERT_EQUAL(stats_of(database).idle, 1);
	CU_ASSERT_EQUAL(LOAD(opener.done), 0);
	STORE(actor.hold, 0);
	finish(&opener);
	CU_ASSERT_EQUAL(opener.status, CONSORT_OK);
	CU_ASSERT_EQUAL(stats_of(database).failed, 1);
	actor_close(database);
}

/* 50 threads come at once, and there is need for a few connections: as long as opening one takes, those that
 * are there serve many. */
static void test_burst(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 50});
	struct caller callers[50] = {{0}};
	int i;

	STORE(actor.hold, 1);
	STORE(actor.slow, 100 * MILLISECOND);
	for (i = 0; i < 50; i++)
		start(&callers[i], database);
	actor_until_waiting(database, 50);
	STORE(actor.hold, 0);
	for (i = 0; i < 50; i++) {
		finish(&callers[i]);
		CU_ASSERT_EQUAL(callers[i].status, CONSORT_OK);
	}
	CU_ASSERT_EQUAL(actor.most_opening, 1);
	CU_ASSERT_TRUE(actor.opens <= 5);
	CU_ASSERT_EQUAL(stats_of(database).wait_time > 100 * MILLISECOND, 1);
	actor_close(database);
}

/* Who holds all connections by itself does not wait for others to give one back. */
static void test_alone(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 8});
	struct consort_connection *held[8];
	int i;

	for (i = 0; i < 8; i++) {
		held[i] = actor_take(database);
		database->pool.patience = INT64_MAX / 2;
	}
	CU_ASSERT_EQUAL(actor_try(database, MILLISECOND, NULL), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(actor.opens, 8);
	for (i = 0; i < 8; i++)
		consort_pool_release(held[i]);
	actor_close(database);
}

/* Up to pool.min, there is no waiting either. */
static void test_least(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 4, .min = 2});
	struct consort_connection *held = actor_take(database);
	struct caller second = {0}, third = {.timeout = 100 * MILLISECOND};

	database->pool.patience = INT64_MAX / 2;
	start(&second, database);
	finish(&second);
	CU_ASSERT_EQUAL(second.status, CONSORT_OK);
	CU_ASSERT_EQUAL(actor.opens, 2);
	/* of its time, half is kept for opening */
	database->pool.options.min = 0;
	database->pool.patience = INT64_MAX / 2;
	CU_ASSERT_PTR_NOT_NULL(actor_take(database));
	start(&third, database);
	finish(&third);
	CU_ASSERT_EQUAL(third.status, CONSORT_OK);
	CU_ASSERT_EQUAL(actor.opens, 3);
	(void)held;
	actor_close(database);
}

/* --- how waiting ends --- */

static void test_timeout(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 2});
	struct consort_connection *mine = actor_take(database), *other = actor_take(database);
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = actor_now();

	database->pool.options.acquire_timeout = 20 * MILLISECOND;
	CU_ASSERT_EQUAL(actor_try(database, 0, &error), CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(actor_now() - start >= 20 * MILLISECOND);
	TESTING_CONTAINS(error.message, "database 'stage': no connection became free within ");
	TESTING_CONTAINS(
		error.message,
		", which pool.acquire_timeout allowed: 2 of 2 are in use; this thread has held one for ");
	TESTING_CONTAINS(error.message,
			 "; calls waiting: 1 (close cursors and transactions sooner, or raise pool.max)");
	TESTING_TEXT(error.origin, "stage");
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	database->pool.options.acquire_timeout = 0;
	CU_ASSERT_EQUAL(actor_try(database, 10 * MILLISECOND, &error), CONSORT_ETIMEOUT);
	TESTING_CONTAINS(error.message, ", which the call's deadline allowed: ");
	CU_ASSERT_EQUAL(actor_try(database, 1, NULL), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(stats_of(database).timeouts, 3);
	CU_ASSERT_EQUAL(stats_of(database).waiting, 0);
	consort_pool_release(mine);
	CU_ASSERT_EQUAL(actor_try(database, 1, &error), CONSORT_OK);
	consort_pool_release(other);
	actor_close(database);
}

/* A holder in another thread is told by its number, as debuggers know it. */
static void *hold(void *argument)
{
	struct caller *caller = argument;
	struct consort_connection *held = actor_take(caller->database);

	STORE(caller->thread, consort_thread_number());
	while (!LOAD(caller->done))
		sched_yield();
	consort_pool_release(held);
	return NULL;
}

static void test_holder(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct caller holder = {.database = database};
	struct consort_error error = CONSORT_ERROR_INIT;
	char expected[64];

	CU_ASSERT_EQUAL_FATAL(pthread_create(&holder.id, NULL, hold, &holder), 0);
	while (!LOAD(holder.thread))
		sched_yield();
	CU_ASSERT_EQUAL(actor_try(database, MILLISECOND, &error), CONSORT_ETIMEOUT);
	snprintf(expected, sizeof(expected), "1 of 1 are in use; thread %d has held one for ", holder.thread);
	TESTING_CONTAINS(error.message, expected);
	STORE(holder.done, 1);
	finish(&holder);
	actor_close(database);
}

/* One of several gives up, by its deadline or its token; the others keep their order. */
static void test_giving_up(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database);
	struct caller callers[4] = {{0}};
	int i;

	callers[1].timeout = 300 * MILLISECOND;
	callers[2].cancel = consort_cancel_new();
	for (i = 0; i < 4; i++) {
		start(&callers[i], database);
		actor_until_waiting(database, (uint32_t)i + 1);
	}
	consort_cancel_fire(callers[2].cancel);
	finish(&callers[2]);
	finish(&callers[1]);
	CU_ASSERT_EQUAL(callers[1].status, CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(callers[2].status, CONSORT_ECANCELLED);
	TESTING_TEXT(callers[2].error.message, "cancelled while waiting for a connection to 'stage'");
	actor_until_waiting(database, 2);
	consort_pool_release(held);
	finish(&callers[0]);
	finish(&callers[3]);
	CU_ASSERT_EQUAL(callers[0].order, 1);
	CU_ASSERT_EQUAL(callers[3].order, 2);
	CU_ASSERT_EQUAL(stats_of(database).waiting, 0);
	CU_ASSERT_EQUAL(stats_of(database).idle, 1);
	consort_cancel_free(callers[2].cancel);
	actor_close(database);
}

/* One who opens gives up: another one opens in its place, with time of its own. */
static void test_opener_gives_up(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct caller cancelled = {.cancel = consort_cancel_new()}, late = {.timeout = 300 * MILLISECOND},
		      patient = {0};

	STORE(actor.hold, 1);
	start(&cancelled, database);
	while (LOAD(actor.opens) < 1)
		sched_yield();
	start(&patient, database);
	actor_until_waiting(database, 2);
	start(&late, database);
	actor_until_waiting(database, 3);
	consort_cancel_fire(cancelled.cancel);
	finish(&cancelled);
	CU_ASSERT_EQUAL(cancelled.status, CONSORT_ECANCELLED);
	finish(&late);
	CU_ASSERT_EQUAL(late.status, CONSORT_ETIMEOUT);
	while (!LOAD(actor.opening))
		sched_yield();
	STORE(actor.hold, 0);
	finish(&patient);
	CU_ASSERT_EQUAL(patient.status, CONSORT_OK);
	CU_ASSERT_EQUAL(actor.opened_by[actor.opens - 1], patient.thread);
	CU_ASSERT_EQUAL(actor.most_opening, 1);
	consort_cancel_free(cancelled.cancel);
	actor_close(database);
}

/* A call's deadline goes to the server with it; pool.acquire_timeout does if that is nearer. */
static void test_deadline_of_opening(void)
{
	struct consort_database *database =
		actor_open((struct consort_pool_options){.max = 3, .acquire_timeout = 1000 * MILLISECOND});
	struct consort_connection *held;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = actor_now();

	held = actor_take(database);
	CU_ASSERT_TRUE(actor.deadlines[0] >= start + 1000 * MILLISECOND);
	CU_ASSERT_TRUE(actor.deadlines[0] <= actor_now() + 1000 * MILLISECOND);
	start = actor_now();
	CU_ASSERT_EQUAL(actor_try(database, 500 * MILLISECOND, &error), CONSORT_OK);
	CU_ASSERT_TRUE(actor.deadlines[1] >= start + 500 * MILLISECOND);
	CU_ASSERT_TRUE(actor.deadlines[1] <= actor_now() + 500 * MILLISECOND);
	consort_pool_release(held);
	actor_close(database);
}

/* --- a child --- */

static void *keep_lock(void *argument)
{
	struct caller *caller = argument;

	pthread_mutex_lock(&caller->database->pool.lock);
	STORE(caller->thread, 1);
	while (!LOAD(caller->done))
		sched_yield();
	pthread_mutex_unlock(&caller->database->pool.lock);
	return NULL;
}

/* A child gives back and closes without a word to the server, whatever lock was held in the parent. */
static void test_fork(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 3});
	struct consort_connection *held = actor_take(database), *idle = actor_take(database);
	struct caller locker = {.database = database};
	int status = 1;
	pid_t pid;

	consort_pool_release(idle);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&locker.id, NULL, keep_lock, &locker), 0);
	while (!LOAD(locker.thread))
		sched_yield();
	pid = fork();
	if (!pid) {
		alarm(20);
		consort_pool_release(held);
		consort_database_close(database, true);
		_exit(actor.abandons == 2 && !actor.closes && !actor.resets && !actor.pings ? 0 : 2);
	}
	STORE(locker.done, 1);
	finish(&locker);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	consort_pool_release(held);
	CU_ASSERT_EQUAL(stats_of(database).idle, 2);
	CU_ASSERT_EQUAL(actor.abandons, 0);
	actor_close(database);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"reuse", test_reuse},
		{"order", test_order},
		{"no-barging", test_no_barging},
		{"who-opens", test_who_opens},
		{"opener-is-passed-over", test_opener_is_passed_over},
		{"burst", test_burst},
		{"alone", test_alone},
		{"least", test_least},
		{"timeout", test_timeout},
		{"holder", test_holder},
		{"giving-up", test_giving_up},
		{"opener-gives-up", test_opener_gives_up},
		{"deadline-of-opening", test_deadline_of_opening},
		{"fork", test_fork},
		{NULL, NULL},
	};

	return testing_main("pool", cases, argc, argv);
}
