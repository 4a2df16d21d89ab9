/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: taking a connection and giving it back, against an uncontended lock and unlock of a mutex; and 64
 * threads on 8 connections, each of which is held as long as a small query to a server takes. What is waited
 * shows whether some threads wait longer than others: with an order of coming, all waits are about the same.
 *
 *     make bench-pool && ./bench-pool
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/loader.h"
#include "pool/pool.h"

#define OPERATIONS 1000000
#define THREADS 64
#define CONNECTIONS 8
#define SECONDS 2
#define HOLD 100000 /* nanoseconds */
#define WAITS_MOST 200000

/* --- an adapter whose connections do nothing --- */

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	(void)config;
	(void)error;
	*out_database = plugin;
	return CONSORT_OK;
}

static void database_close(void *database)
{
	(void)database;
}

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	(void)call;
	(void)error;
	*out_connection = database;
	return CONSORT_OK;
}

static void connection_close(void *connection, const struct consort_call *call)
{
	(void)connection;
	(void)call;
}

static uint32_t connection_works(void *connection, const struct consort_call *call,
				 struct consort_error *error)
{
	(void)connection;
	(void)call;
	(void)error;
	return CONSORT_OK;
}

static void connection_abandon(void *connection)
{
	(void)connection;
}

static void connection_features(void *connection, struct consort_features *mask,
				const struct consort_feature_sink *sink)
{
	(void)connection;
	(void)mask;
	(void)sink;
}

static void connection_info(void *connection, struct consort_connection_info *info)
{
	(void)connection;
	info->server = info->identity = info->user = "";
}

static const struct consort_database_ops database_ops = {
	.struct_size = sizeof(database_ops), .open = database_open, .close = database_close};
static const struct consort_connection_ops connection_ops = {
	.struct_size = sizeof(connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_works,
	.reset = connection_works,
	.abandon = connection_abandon,
	.features = connection_features,
	.info = connection_info,
};
static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.id = "idle",
	.database = &database_ops,
	.connection = &connection_ops,
};

static struct consort_database *open_database(uint32_t max)
{
	static const struct consort_database_config config = {.struct_size = sizeof(config), .name = "bench"};
	struct consort_database *database = NULL;

	if (consort_database_open(&plugin, &database, &config, &database, NULL))
		bench_die("the database cannot be opened");
	database->pool.options.max = max;
	return database;
}

/* --- one thread --- */

static struct consort_database *single;

static uint64_t lock_and_unlock(int64_t operations)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int64_t i;

	for (i = 0; i < operations; i++) {
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
	}
	return (uint64_t)operations;
}

static uint64_t acquire_and_release(int64_t operations)
{
	const struct consort_call call = {.struct_size = sizeof(call)};
	int64_t i;

	for (i = 0; i < operations; i++) {
		struct consort_connection *connection;

		if (consort_pool_acquire(single, &call, NULL, &connection, NULL))
			bench_die("no connection");
		consort_pool_release(connection);
	}
	return (uint64_t)operations;
}

/* --- many threads --- */

struct worker {
	struct consort_database *database;
	pthread_t id;
	int32_t *waits; /* nanoseconds */
	int count;
};

static uint32_t stop; /* atomic */

static void *work(void *argument)
{
	const struct consort_call call = {.struct_size = sizeof(call)};
	const struct timespec hold = {.tv_nsec = HOLD};
	struct worker *worker = argument;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED) && worker->count < WAITS_MOST) {
		struct consort_connection *connection;
		int64_t start = consort_host_services()->clock();

		if (consort_pool_acquire(worker->database, &call, NULL, &connection, NULL))
			bench_die("no connection");
		worker->waits[worker->count++] = (int32_t)(consort_host_services()->clock() - start);
		nanosleep(&hold, NULL);
		consort_pool_release(connection);
	}
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void tell(const struct worker *workers, double elapsed)
{
	int i, total = 0, least = workers[0].count, most = 0;
	int32_t *all;

	for (i = 0; i < THREADS; i++) {
		total += workers[i].count;
		least = workers[i].count < least ? workers[i].count : least;
		most = workers[i].count > most ? workers[i].count : most;
	}
	all = malloc((size_t)total * sizeof(*all));
	if (!all)
		bench_die("out of memory");
	for (i = 0, total = 0; i < THREADS; total += workers[i++].count)
		memcpy(all + total, workers[i].waits, (size_t)workers[i].count * sizeof(*all));
	qsort(all, (size_t)total, sizeof(*all), ascending);
	bench_note("taken", total / elapsed, "a second");
	bench_note("wait, 1 of 100 below", all[total / 100] / 1e3, "us");
	bench_note("wait, median", all[total / 2] / 1e3, "us");
	bench_note("wait, 1 of 100 above", all[total - 1 - total / 100] / 1e3, "us");
	bench_note("wait, longest", all[total - 1] / 1e3, "us");
	bench_note("by a thread, least", least, "times");
	bench_note("by a thread, most", most, "times");
	free(all);
}

/* What is measured is the queue, not the pool's growth. */
static void open_all(struct consort_database *database)
{
	const struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_connection *held[CONNECTIONS];
	int i;

	for (i = 0; i < CONNECTIONS; i++)
		if (consort_pool_acquire(database, &call, NULL, &held[i], NULL))
			bench_die("no connection");
	for (i = 0; i < CONNECTIONS; i++)
		consort_pool_release(held[i]);
}

static void run_threads(void)
{
	struct consort_database *database = open_database(CONNECTIONS);
	static struct worker workers[THREADS];
	const struct timespec duration = {.tv_sec = SECONDS};
	int64_t start;
	int i;

	open_all(database);
	start = consort_host_services()->clock();
	for (i = 0; i < THREADS; i++) {
		workers[i].database = database;
		workers[i].waits = malloc(WAITS_MOST * sizeof(*workers[i].waits));
		if (!workers[i].waits || pthread_create(&workers[i].id, NULL, work, &workers[i]))
			bench_die("no thread");
	}
	nanosleep(&duration, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].id, NULL);
	printf("%d threads on %d connections, each held for %d us:\n", THREADS, CONNECTIONS, HOLD / 1000);
	tell(workers, (double)(consort_host_services()->clock() - start) / 1e9);
	for (i = 0; i < THREADS; i++)
		free(workers[i].waits);
	consort_database_close(database, false);
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"acquire and release",
		 OPERATIONS,
		 {{"mutex", lock_and_unlock}},
		 acquire_and_release,
		 8,
		 NULL},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};
	cpu_set_t all;

	single = open_database(1);
	if (bench_run("pool", measures, argc, argv)) {
		/* the comparison is pinned to one core, this is not */
		memset(&all, 0xff, sizeof(all));
		if (sched_setaffinity(0, sizeof(all), &all))
			fprintf(stderr, "still pinned to one core: %s\n", strerror(errno));
		run_threads();
	}
	consort_database_close(single, false);
	return bench_end();
}
