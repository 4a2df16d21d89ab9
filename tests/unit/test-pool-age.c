/* SPDX-License-Identifier: Apache-2.0 */
/* The pool over time, which the tests make: what is checked, closed and told, and when. */
#include "actor.h"

#include <stdio.h>

#include "testing.h"

#define SECOND ((int64_t)1000000000)
#define MOST 100

/* A database in the tests' time with this many idle connections, of which the last of `held` is used first.
 */
static struct consort_database *open_idle(struct consort_pool_options options,
					  struct consort_connection **held, int count)
{
	struct consort_database *database = actor_open(options);
	int i;

	database->pool.clock = actor_clock;
	for (i = 0; i < count; i++)
		held[i] = actor_take(database);
	for (i = 0; i < count; i++)
		consort_pool_release(held[i]);
	return database;
}

static struct consort_pool_stats stats_of(struct consort_database *database)
{
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};

	consort_pool_read_stats(database, &stats);
	return stats;
}

/* Takes one and gives it back; which. */
static struct consort_connection *use(struct consort_database *database)
{
	struct consort_connection *connection = actor_take(database);

	consort_pool_release(connection);
	return connection;
}

static void test_keepalive(void)
{
	struct consort_connection *only;
	struct consort_database *database =
		open_idle((struct consort_pool_options){.max = 2, .keepalive = 10 * SECOND}, &only, 1);

	actor_time += 9 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), only);
	actor_time += 9 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), only);
	CU_ASSERT_EQUAL(actor.pings, 0);
	actor_time += 10 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), only);
	CU_ASSERT_EQUAL(actor.pings, 1);
	CU_ASSERT_PTR_EQUAL(use(database), only);
	CU_ASSERT_EQUAL(actor.pings, 1);
	/* time in use is not idle time */
	CU_ASSERT_PTR_EQUAL(actor_take(database), only);
	actor_time += 100 * SECOND;
	consort_pool_release(only);
	CU_ASSERT_PTR_EQUAL(use(database), only);
	CU_ASSERT_EQUAL(actor.pings, 1);
	/* 0: never */
	database->pool.options.keepalive = 0;
	use(database);
	actor_time += 1000 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), only);
	CU_ASSERT_EQUAL(actor.pings, 1);
	actor_close(database);
}

/* The caller who finds a dead one does not notice. */
static void test_dead_when_idle(void)
{
	struct consort_connection *held[3];
	struct consort_database *database =
		open_idle((struct consort_pool_options){.max = 3, .keepalive = 10 * SECOND}, held, 3);
	int i;

	for (i = 0; i < 3; i++)
		actor_of(held[i])->dead = i != 1;
	actor_time += 10 * SECOND;
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 2);
	CU_ASSERT_EQUAL(actor.pings, 2);
	CU_ASSERT_EQUAL(actor.closes, 1);
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 4);
	CU_ASSERT_EQUAL(actor.closes, 2);
	CU_ASSERT_EQUAL(actor.opens, 4);
	CU_ASSERT_EQUAL(stats_of(database).open, 2);
	CU_ASSERT_EQUAL(stats_of(database).closed, 2);
	actor_close(database);
}

/* What was idle for too long is closed, the ones used last stay, pool.min of them in any case. */
static void test_idle_timeout(void)
{
	struct consort_connection *held[6];
	struct consort_database *database = open_idle(
		(struct consort_pool_options){.max = 6, .min = 2, .idle_timeout = 60 * SECOND}, held, 6);

	actor_time += 30 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), held[5]);
	actor_time += 29 * SECOND;
	use(database);
	CU_ASSERT_EQUAL(stats_of(database).idle, 6);
	actor_time += 2 * SECOND;
	use(database);
	CU_ASSERT_EQUAL(stats_of(database).idle, 2);
	CU_ASSERT_EQUAL(stats_of(database).open, 2);
	CU_ASSERT_EQUAL(actor.closes, 4);
	/* the next in line is the one that was used last before them */
	CU_ASSERT_PTR_EQUAL(actor_take(database), held[5]);
	CU_ASSERT_PTR_EQUAL(actor_take(database), held[4]);
	consort_pool_release(held[4]);
	consort_pool_release(held[5]);
	actor_time += 1000 * SECOND;
	use(database);
	CU_ASSERT_EQUAL(stats_of(database).idle, 2);
	actor_close(database);
}

/* One that is found idle for too long is not used any more, if more than pool.min are open. */
static void test_idle_too_long(void)
{
	struct consort_connection *held[2];
	struct consort_database *database = open_idle(
		(struct consort_pool_options){
			.max = 2, .min = 1, .keepalive = SECOND, .idle_timeout = 60 * SECOND},
		held, 2);

	actor_time += 100 * SECOND;
	CU_ASSERT_PTR_EQUAL(use(database), held[0]);
	CU_ASSERT_EQUAL(actor.closes, 1);
	CU_ASSERT_EQUAL(actor.pings, 1);
	actor_close(database);
}

/* Connections that are opened together do not end together. */
static void test_lifetime(void)
{
	struct consort_connection *held[MOST];
	struct consort_database *database = open_idle(
		(struct consort_pool_options){.max = MOST, .max_lifetime = 1000 * SECOND}, held, MOST);
	int64_t born = actor_time, earliest = INT64_MAX, latest = 0;
	int i;

	for (i = 0; i < MOST; i++) {
		earliest = held[i]->expires < earliest ? held[i]->expires : earliest;
		latest = held[i]->expires > latest ? held[i]->expires : latest;
	}
	CU_ASSERT_TRUE(earliest > born + 900 * SECOND);
	CU_ASSERT_TRUE(latest <= born + 1000 * SECOND);
	CU_ASSERT_TRUE(latest - earliest > 50 * SECOND);
	actor_time = earliest - 1;
	use(database);
	CU_ASSERT_EQUAL(actor.closes, 0);
	actor_time = (earliest + latest) / 2;
	use(database);
	CU_ASSERT_TRUE(actor.closes > 0 && actor.closes < MOST - 1);
	actor_time = latest;
	use(database);
	CU_ASSERT_EQUAL(stats_of(database).open, 1);
	CU_ASSERT_EQUAL(actor.opens, MOST + 1);
	actor_close(database);
}

/* One that is in use when its time comes is closed when it is given back. */
static void test_lifetime_in_use(void)
{
	struct consort_connection *only;
	struct consort_database *database =
		open_idle((struct consort_pool_options){.max = 1, .max_lifetime = 100 * SECOND}, &only, 1);

	CU_ASSERT_PTR_EQUAL(actor_take(database), only);
	actor_time += 100 * SECOND;
	CU_ASSERT_EQUAL(actor.closes, 0);
	consort_pool_release(only);
	CU_ASSERT_EQUAL(actor.closes, 1);
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 2);
	actor_close(database);
}

static void test_times(void)
{
	struct consort_connection *only;
	struct consort_database *database = open_idle((struct consort_pool_options){.max = 1}, &only, 1);

	CU_ASSERT_PTR_EQUAL(actor_take(database), only);
	actor_time += 7 * SECOND;
	consort_pool_release(only);
	CU_ASSERT_EQUAL(stats_of(database).use_time, 7 * SECOND);
	actor_close(database);
}

/* --- leaks --- */

static void test_leak(void)
{
	struct consort_connection *held[3];
	struct consort_database *database =
		open_idle((struct consort_pool_options){.max = 3, .leak_warn = 30 * SECOND}, held, 3);
	struct consort_connection *leak = actor_take(database), *other;
	char expected[128];

	actor_listen();
	actor_time += 20 * SECOND;
	other = actor_take(database);
	actor_time += 9 * SECOND;
	use(database);
	TESTING_TEXT(actor_heard(), "");
	actor_time += SECOND;
	use(database);
	snprintf(expected, sizeof(expected),
		 "stage: a connection has not been given back for 30.0 s (pool.leak_warn): thread %d took it",
		 consort_thread_number());
	TESTING_CONTAINS(actor_heard(), expected);
	CU_ASSERT_EQUAL(stats_of(database).leaks, 1);
	/* it is told once */
	actor_listen();
	actor_time += 10 * SECOND;
	use(database);
	TESTING_TEXT(actor_heard(), "");
	actor_time += 10 * SECOND;
	use(database);
	TESTING_CONTAINS(actor_heard(), "for 30.0 s");
	CU_ASSERT_EQUAL(stats_of(database).leaks, 2);
	/* and again when it is taken again */
	consort_pool_release(other);
	consort_pool_release(leak);
	CU_ASSERT_PTR_EQUAL(actor_take(database), leak);
	actor_listen();
	actor_time += 31 * SECOND;
	use(database);
	TESTING_CONTAINS(actor_heard(), "for 31.0 s");
	consort_pool_release(leak);
	actor_close(database);
}

/* A pool that leaks have used up tells of them when a call waits in vain. */
static void test_leak_of_all(void)
{
	struct consort_connection *only;
	struct consort_database *database =
		open_idle((struct consort_pool_options){.max = 1, .leak_warn = 30 * SECOND}, &only, 1);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_PTR_EQUAL(actor_take(database), only);
	actor_time += 40 * SECOND;
	actor_listen();
	CU_ASSERT_EQUAL(actor_try(database, 1, &error), CONSORT_ETIMEOUT);
	TESTING_CONTAINS(error.message, "this thread has held one for 40.0 s");
	TESTING_CONTAINS(actor_heard(), "has not been given back for 40.0 s");
	consort_pool_release(only);
	actor_close(database);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"keepalive", test_keepalive},
		{"dead-when-idle", test_dead_when_idle},
		{"idle-timeout", test_idle_timeout},
		{"idle-too-long", test_idle_too_long},
		{"lifetime", test_lifetime},
		{"lifetime-in-use", test_lifetime_in_use},
		{"times", test_times},
		{"leak", test_leak},
		{"leak-of-all", test_leak_of_all},
		{NULL, NULL},
	};

	return testing_main("pool-age", cases, argc, argv);
}
