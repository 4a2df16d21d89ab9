/* SPDX-License-Identifier: Apache-2.0 */
/* The pool as programs meet it, with each engine: bursts, more threads than connections, and old age. */
#include "engines.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MILLISECOND 1000000

struct crowd {
	struct consort *c;
	pthread_barrier_t start;
	int rounds;
};

struct member {
	struct crowd *crowd;
	pthread_t id;
	int number;
	int failures;
	char message[256];
};

static void fail(struct member *member, const char *what, const struct consort_error *error)
{
	if (!member->failures++)
		snprintf(member->message, sizeof(member->message), "%s: %.200s", what,
			 consort_error_text(error));
}

/* Runs so many threads, which all begin at once; none of them may fail. */
static void run_crowd(struct crowd *crowd, int count, void *(*work)(void *))
{
	static struct member members[64];
	int i;

	memset(members, 0, sizeof(members));
	pthread_barrier_init(&crowd->start, NULL, (unsigned)count);
	for (i = 0; i < count; i++) {
		members[i].crowd = crowd;
		members[i].number = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&members[i].id, NULL, work, &members[i]), 0);
	}
	for (i = 0; i < count; i++) {
		pthread_join(members[i].id, NULL);
		CU_ASSERT_EQUAL(members[i].failures, 0);
		TESTING_TEXT(members[i].message, "");
	}
	pthread_barrier_destroy(&crowd->start);
}

static struct consort_pool_stats stats_of(struct consort *c)
{
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_pool_read(c, "db", &stats, &error));
	return stats;
}

static void read_one(struct member *member, struct consort_record **record)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	if (consort_get(member->crowd->c, "account", CONSORT_ARGS(consort_int64(member->number)), record,
			&error))
		fail(member, "get", &error);
	else if (consort_record_int64(*record, "id") != member->number)
		fail(member, "another record", &error);
}

/* --- a burst --- */

#define BURST 50

static void *read_once(void *arg)
{
	struct member *member = arg;
	struct consort_record *record = NULL;

	pthread_barrier_wait(&member->crowd->start);
	read_one(member, &record);
	consort_record_free(record);
	return NULL;
}

/* All come at once, each for a moment: those connections that are there serve many. */
static void test_burst(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct crowd crowd = {.c = engines_open("pool.max = 50\n", "")};
	struct consort_pool_stats stats;
	int i;

	for (i = 0; i < BURST; i++)
		API_OK(account_create(crowd.c, i, "a", 0, &error));
	run_crowd(&crowd, BURST, read_once);
	stats = stats_of(crowd.c);
	CU_ASSERT_TRUE(stats.opened <= BURST / 2);
	CU_ASSERT_EQUAL(stats.idle, stats.open);
	CU_ASSERT_EQUAL(stats.waiting, 0);
	CU_ASSERT_EQUAL(stats.failed, 0);
	engines_close(crowd.c);
}

/* --- many threads, few connections --- */

#define THREADS 64

static enum consort_status count_up(struct consort *in, void *arg, struct consort_error *error)
{
	struct member *member = arg;
	struct consort_record *r = NULL;
	enum consort_status status =
		consort_get(in, "account", CONSORT_ARGS(consort_int64(member->number)), &r, error);

	if (!status)
		status = account_set(in, member->number, consort_record_int64(r, "balance") + 1, error);
	consort_record_free(r);
	return status;
}

static void *read_and_count(void *arg)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 1000};
	struct member *member = arg;
	struct consort_record *record = NULL;
	int i;

	pthread_barrier_wait(&member->crowd->start);
	for (i = 0; i < member->crowd->rounds; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;

		read_one(member, &record);
		if (i % 4 == 3 && consort_transaction_with(member->crowd->c, "db", &options, count_up, member,
							   NULL, &error))
			fail(member, "transaction", &error);
	}
	consort_record_free(record);
	return NULL;
}

/* Everyone gets a turn, nobody gets a connection that another one uses, and none is opened beyond the bound.
 */
static void test_crowd(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct crowd crowd = {.c = engines_open("pool.max = 5\npool.acquire_timeout = 10m\n", ""),
			      .rounds = 12};
	struct consort_pool_stats stats;
	char expected[32];
	int i;

	for (i = 0; i < THREADS; i++)
		API_OK(account_create(crowd.c, i, "a", 0, &error));
	run_crowd(&crowd, THREADS, read_and_count);
	stats = stats_of(crowd.c);
	CU_ASSERT_TRUE(stats.opened <= 5);
	CU_ASSERT_EQUAL(stats.idle, stats.open);
	CU_ASSERT_EQUAL(stats.waiting, 0);
	CU_ASSERT_EQUAL(stats.timeouts, 0);
	CU_ASSERT_TRUE(stats.acquired >= THREADS * 15);
	snprintf(expected, sizeof(expected), "%d,3,3", THREADS * 3);
	TESTING_TEXT(api_find(crowd.c, "account", "sum(balance), min(balance), max(balance)", NULL, NULL),
		     expected);
	engines_close(crowd.c);
}

/* --- one that is held --- */

struct holding {
	struct consort *c;
	pthread_barrier_t both;
	enum consort_status status;
};

static void *hold(void *arg)
{
	struct holding *holding = arg;
	struct consort *in = NULL;

	holding->status = consort_begin(holding->c, "db", &in, NULL);
	pthread_barrier_wait(&holding->both);
	pthread_barrier_wait(&holding->both);
	if (!holding->status)
		holding->status = consort_rollback(in, NULL);
	return NULL;
}

/* Another thread's transaction has the only connection: the error tells of it, and its end helps. */
static void test_held(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct holding holding = {.c = engines_open("pool.max = 1\n", "")};
	const struct consort_scope_options options = {.struct_size = sizeof(options),
						      .timeout = 50 * MILLISECOND};
	struct consort_record *record = NULL;
	struct consort *scope = NULL;
	pthread_t thread;

	API_OK(account_create(holding.c, 1, "a", 7, &error));
	pthread_barrier_init(&holding.both, NULL, 2);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, hold, &holding), 0);
	pthread_barrier_wait(&holding.both);
	API_OK(consort_scope(holding.c, &options, &scope, &error));
	CU_ASSERT_EQUAL(consort_get(scope, "account", CONSORT_ARGS(consort_int64(1)), &record, &error),
			CONSORT_ETIMEOUT);
	consort_close(scope);
	TESTING_CONTAINS(error.message, "which the call's deadline allowed: 1 of 1 are in use; thread ");
	TESTING_CONTAINS(error.message, " has held one for ");
	TESTING_TEXT(error.origin, "db");
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	pthread_barrier_wait(&holding.both);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&holding.both);
	CU_ASSERT_EQUAL(holding.status, CONSORT_OK);
	API_OK(consort_get(holding.c, "account", CONSORT_ARGS(consort_int64(1)), &record, &error));
	consort_record_free(record);
	engines_close(holding.c);
}

/* --- old age --- */

/* Connections that are over are replaced, and no call notices. */
static void test_lifetime(void)
{
	const struct timespec pause = {.tv_nsec = 5 * MILLISECOND};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("pool.max = 2\npool.max_lifetime = 20ms\n", "");
	struct consort_record *record = NULL;
	int i;

	API_OK(account_create(c, 1, "a", 7, &error));
	for (i = 0; i < 30; i++) {
		API_OK(consort_get(c, "account", CONSORT_ARGS(consort_int64(1)), &record, &error));
		nanosleep(&pause, NULL);
	}
	CU_ASSERT_TRUE(stats_of(c).closed >= 3);
	CU_ASSERT_TRUE(stats_of(c).open <= 2);
	consort_record_free(record);
	engines_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"burst", test_burst},	     {"crowd", test_crowd}, {"held", test_held},
		{"lifetime", test_lifetime}, {NULL, NULL},
	};

	return engines_main("pooling", cases, argc, argv);
}
