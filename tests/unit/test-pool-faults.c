/* SPDX-License-Identifier: Apache-2.0 */
/* The pool when things go wrong: servers that refuse or hang, connections that are lost, calls that are
 * cancelled; and 64 threads with all of that. */
#include "actor.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "testing.h"

#define MILLISECOND ((int64_t)1000000)
#define LOAD(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)
#define STORE(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELEASE)

static struct consort_pool_stats stats_of(struct consort_database *database)
{
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};

	consort_pool_read_stats(database, &stats);
	return stats;
}

/* --- a server that refuses --- */

struct caller {
	struct consort_database *database;
	pthread_t id;
	enum consort_status status;
	struct consort_error error;
};

static void *call(void *argument)
{
	struct caller *caller = argument;

	caller->status = actor_try(caller->database, 0, &caller->error);
	return NULL;
}

/* All who wait get what the one attempt failed with, not a timeout. */
static void test_refused(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 8});
	struct caller callers[8];
	int i;

	memset(callers, 0, sizeof(callers));
	STORE(actor.refuse, CONSORT_EAUTH);
	STORE(actor.hold, 1);
	for (i = 0; i < 8; i++) {
		callers[i].database = database;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&callers[i].id, NULL, call, &callers[i]), 0);
	}
	actor_until_waiting(database, 8);
	STORE(actor.hold, 0);
	for (i = 0; i < 8; i++) {
		pthread_join(callers[i].id, NULL);
		CU_ASSERT_EQUAL(callers[i].status, CONSORT_EAUTH);
		CU_ASSERT_EQUAL(callers[i].error.status, CONSORT_EAUTH);
		TESTING_TEXT(callers[i].error.message, "refused (attempt 1)");
		TESTING_TEXT(callers[i].error.origin, "stage");
	}
	CU_ASSERT_EQUAL(actor.opens, 1);
	CU_ASSERT_EQUAL(stats_of(database).open, 0);
	CU_ASSERT_EQUAL(stats_of(database).failed, 1);
	actor_close(database);
}

/* Attempts become rarer; only bounds from below are asserted. */
static void test_pauses(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 4});
	struct consort_error error = CONSORT_ERROR_INIT;
	int i;

	actor_listen();
	STORE(actor.refuse, CONSORT_ECONNECTION);
	for (i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(actor_try(database, 0, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.message, "refused (attempt 6)");
	CU_ASSERT_EQUAL(actor.opens, 6);
	for (i = 1; i < 6; i++)
		CU_ASSERT_TRUE(actor.opened_at[i] - actor.opened_at[i - 1] >=
			       (10 * MILLISECOND << (i - 1)) / 2);
	/* who has less time than the pause gets the last error at once */
	CU_ASSERT_EQUAL(actor_try(database, MILLISECOND, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.message, "refused (attempt 6)");
	CU_ASSERT_EQUAL(actor.opens, 6);
	TESTING_TEXT(actor_heard(), "stage: cannot be connected to: refused (attempt 1)\n");
	/* and then it is up again: who waits for its turn connects, and the next need not wait */
	STORE(actor.refuse, 0);
	CU_ASSERT_EQUAL(actor_try(database, 0, &error), CONSORT_OK);
	TESTING_CONTAINS(actor_heard(), "stage: can be connected to again\n");
	CU_ASSERT_EQUAL(database->pool.failures, 0);
	CU_ASSERT_EQUAL(database->pool.retry, 0);
	actor_close(database);
}

/* While some connections are in use, who finds the server full waits for one of them. */
static void *give_back(void *argument)
{
	struct caller *caller = argument;
	struct consort_connection *held = actor_take(caller->database);

	STORE(actor.refuse, CONSORT_ECONNECTION);
	__atomic_store_n(&caller->status, CONSORT_EAGAIN, __ATOMIC_RELEASE);
	while (LOAD(actor.opens) < 3) /* the other one has tried twice */
		sched_yield();
	consort_pool_release(held);
	return NULL;
}

static void test_full_server(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 4});
	struct caller holder = {.database = database};
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&holder.id, NULL, give_back, &holder), 0);
	while (!LOAD(holder.status))
		sched_yield();
	CU_ASSERT_EQUAL(actor_try(database, 0, &error), CONSORT_OK);
	pthread_join(holder.id, NULL);
	CU_ASSERT_TRUE(actor.opens >= 3);
	/* whose own connections they are cannot wait for itself */
	CU_ASSERT_PTR_NOT_NULL(actor_take(database));
	CU_ASSERT_EQUAL(actor_try(database, 0, &error), CONSORT_ECONNECTION);
	actor_close(database);
}

/* --- connections that are lost --- */

/* One is lost: the others that are idle are asked before their next use, and no caller notices those that are
 * dead. */
static void test_lost(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 4});
	struct consort_connection *held[4];
	struct consort_error error = CONSORT_ERROR_INIT;
	int i;

	for (i = 0; i < 4; i++)
		held[i] = actor_take(database);
	for (i = 0; i < 3; i++) {
		actor_of(held[i])->dead = i != 0;
		consort_pool_release(held[i]);
	}
	actor_listen();
	consort_error_set(&error, CONSORT_ECONNECTION, "lost");
	CU_ASSERT_EQUAL(consort_connection_failed(held[3], CONSORT_ECONNECTION, &error), CONSORT_ECONNECTION);
	consort_pool_release(held[3]);
	CU_ASSERT_EQUAL(actor.closes, 1);
	TESTING_TEXT(actor_heard(), "stage: a connection was lost, or could not be reset, and is closed\n");
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 1);
	CU_ASSERT_EQUAL(actor.pings, 3);
	CU_ASSERT_EQUAL(actor.closes, 3);
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 5);
	consort_pool_release(held[0]);
	CU_ASSERT_PTR_EQUAL(actor_take(database), held[0]);
	/* its ping was enough */
	CU_ASSERT_EQUAL(actor.pings, 3);
	actor_close(database);
}

/* A lost one that is given back makes room: who waits opens another one. */
static void test_lost_makes_room(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database);
	struct caller caller = {.database = database};

	CU_ASSERT_EQUAL_FATAL(pthread_create(&caller.id, NULL, call, &caller), 0);
	actor_until_waiting(database, 1);
	held->broken = true;
	consort_pool_release(held);
	pthread_join(caller.id, NULL);
	CU_ASSERT_EQUAL(caller.status, CONSORT_OK);
	CU_ASSERT_EQUAL(actor.opens, 2);
	CU_ASSERT_EQUAL(actor.most_alive, 1);
	actor_close(database);
}

/* --- cancelled and late calls --- */

/* What was cancelled or late is made as new before its next use, by who uses it; the one who was late has no
 * time. */
static void test_dirty(void)
{
	static const enum consort_status statuses[] = {CONSORT_ETIMEOUT, CONSORT_ECANCELLED};
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		struct consort_connection *held = actor_take(database);

		consort_error_set(&error, statuses[i], "ended");
		CU_ASSERT_EQUAL(consort_connection_failed(held, statuses[i], &error), statuses[i]);
		consort_pool_release(held);
		CU_ASSERT_EQUAL(actor.resets, i);
		CU_ASSERT_PTR_EQUAL(actor_take(database), held);
		CU_ASSERT_EQUAL(actor.resets, i + 1);
		consort_pool_release(held);
		CU_ASSERT_PTR_EQUAL(actor_take(database), held);
		CU_ASSERT_EQUAL(actor.resets, i + 1);
		consort_pool_release(held);
	}
	CU_ASSERT_EQUAL(actor.closes, 0);
	actor_close(database);
}

/* One that cannot be reset is replaced. */
static void test_reset_fails(void)
{
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database);

	actor_of(held)->dead = 1;
	STORE(held->dirty, 1);
	consort_pool_release(held);
	CU_ASSERT_EQUAL(actor_of(actor_take(database))->number, 2);
	CU_ASSERT_EQUAL(actor.closes, 1);
	CU_ASSERT_EQUAL(actor.most_alive, 1);
	actor_close(database);
}

/* Whoever asks too late is the reason that it was not reset: it stays. */
static void test_late_for_reset(void)
{
	const struct consort_call late = {.struct_size = sizeof(late), .deadline = 1};
	struct consort_database *database = actor_open((struct consort_pool_options){.max = 1});
	struct consort_connection *held = actor_take(database), *none = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	actor_of(held)->dead = 1;
	STORE(held->dirty, 1);
	consort_pool_release(held);
	CU_ASSERT_EQUAL(consort_pool_acquire(database, &late, NULL, &none, &error), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL(actor.closes, 0);
	CU_ASSERT_EQUAL(stats_of(database).idle, 1);
	actor_of(held)->dead = 0;
	CU_ASSERT_PTR_EQUAL(actor_take(database), held);
	CU_ASSERT_EQUAL(actor.resets, 2);
	consort_pool_release(held);
	actor_close(database);
}

/* --- all at once --- */

#define THREADS 64
#define ROUNDS 200
#define MOST 8

struct stress {
	struct consort_database *database;
	struct consort_cancel *cancel; /* fired again and again */
	pthread_barrier_t start;
	uint32_t stop, shared, wrong;
	uint32_t got, late, cancelled, refused;
};

/* Nobody else has it, and it works. */
static void use(struct stress *stress, struct consort_connection *connection, uint64_t choice)
{
	struct actor_connection *own = actor_of(connection);

	if (__atomic_add_fetch(&own->users, 1, __ATOMIC_ACQ_REL) != 1)
		__atomic_add_fetch(&stress->shared, 1, __ATOMIC_ACQ_REL);
	if (choice % 7 == 0)
		sched_yield();
	if (choice % 31 == 0)
		connection->broken = true;
	if (choice % 37 == 0)
		STORE(connection->dirty, 1);
	if (choice % 41 == 0)
		STORE(own->dead, 1);
	__atomic_sub_fetch(&own->users, 1, __ATOMIC_ACQ_REL);
}

static void *work(void *argument)
{
	struct stress *stress = argument;
	int i;

	pthread_barrier_wait(&stress->start);
	for (i = 0; i < ROUNDS; i++) {
		uint64_t choice = consort_random_below(1000);
		struct consort_cancel *cancel = choice % 3 ? NULL : stress->cancel;
		struct consort_call call = {.struct_size = sizeof(call),
					    .cancelled = cancel ? &cancel->fired : NULL,
					    .deadline = choice % 5 ? 0 : actor_now() + MILLISECOND};
		struct consort_connection *connection = NULL;
		struct consort_error error = CONSORT_ERROR_INIT;
		uint32_t *count = &stress->wrong;

		switch (consort_pool_acquire(stress->database, &call, cancel, &connection, &error)) {
		case CONSORT_OK:
			count = &stress->got;
			if (cancel)
				consort_cancel_add(cancel, connection);
			use(stress, connection, choice);
			consort_cancel_remove(connection);
			consort_pool_release(connection);
			break;
		case CONSORT_ETIMEOUT:
			count = &stress->late;
			break;
		case CONSORT_ECANCELLED:
			count = &stress->cancelled;
			break;
		case CONSORT_ECONNECTION:
			count = &stress->refused;
			break;
		default:
			fprintf(stderr, "  %s\n", consort_error_text(&error));
		}
		__atomic_add_fetch(count, 1, __ATOMIC_ACQ_REL);
	}
	return NULL;
}

static void *fire(void *argument)
{
	struct stress *stress = argument;

	while (!LOAD(stress->stop)) {
		consort_cancel_fire(stress->cancel);
		nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
		consort_cancel_reset(stress->cancel);
		nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
	}
	return NULL;
}

static void test_stress(void)
{
	struct stress stress = {.cancel = consort_cancel_new()};
	pthread_t threads[THREADS], firing;
	struct consort_pool_stats stats;
	int i;

	stress.database = actor_open((struct consort_pool_options){.max = MOST,
								   .min = 2,
								   .keepalive = MILLISECOND,
								   .idle_timeout = 5 * MILLISECOND,
								   .max_lifetime = 20 * MILLISECOND,
								   .leak_warn = 1000 * MILLISECOND});
	STORE(actor.refuse, CONSORT_ECONNECTION);
	STORE(actor.refuse_each, 10);
	pthread_barrier_init(&stress.start, NULL, THREADS);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&firing, NULL, fire, &stress), 0);
	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, work, &stress), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	STORE(stress.stop, 1);
	pthread_join(firing, NULL);
	stats = stats_of(stress.database);
	CU_ASSERT_EQUAL(stress.shared, 0);
	CU_ASSERT_EQUAL(stress.wrong, 0);
	CU_ASSERT_EQUAL(stress.got + stress.late + stress.cancelled + stress.refused, THREADS * ROUNDS);
	CU_ASSERT_TRUE(stress.got > 0);
	CU_ASSERT_TRUE(actor.most_alive <= MOST);
	CU_ASSERT_EQUAL(actor.most_opening, 1);
	CU_ASSERT_EQUAL(stats.waiting, 0);
	CU_ASSERT_EQUAL(stats.opening, 0);
	CU_ASSERT_EQUAL(stats.open, actor.alive);
	CU_ASSERT_EQUAL(stats.idle, stats.open);
	CU_ASSERT_EQUAL(stats.opened - stats.closed, stats.open);
	consort_cancel_free(stress.cancel);
	pthread_barrier_destroy(&stress.start);
	actor_close(stress.database);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"refused", test_refused},
		{"pauses", test_pauses},
		{"full-server", test_full_server},
		{"lost", test_lost},
		{"lost-makes-room", test_lost_makes_room},
		{"dirty", test_dirty},
		{"reset-fails", test_reset_fails},
		{"late-for-reset", test_late_for_reset},
		{"stress", test_stress},
		{NULL, NULL},
	};

	return testing_main("pool-faults", cases, argc, argv);
}
