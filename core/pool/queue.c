/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a connection, in the order of coming, and opening another one: who does it, when, and what
 * follows if that fails. queue.h has the idea.
 */
#include "pool/queue.h"

#include <stdio.h>

#include "loader/loader.h"

#define MILLISECOND ((int64_t)1000000)
#define PATIENCE_LEAST (5 * MILLISECOND)
#define PATIENCE_MOST (100 * MILLISECOND)
#define RETRY_LEAST (10 * MILLISECOND)
#define RETRY_MOST (1000 * MILLISECOND)

static int64_t now(void)
{
	return consort_host_services()->clock();
}

/* --- the queue --- */

static struct consort_waiter *waiter_of(struct consort_link *link)
{
	return CONSORT_LINKED(link, struct consort_waiter, link);
}

void consort_pool_wake(struct consort_pool *pool)
{
	if (!consort_list_empty(&pool->waiters))
		pthread_cond_signal(&waiter_of(pool->waiters.previous)->wake);
}

void consort_pool_give(struct consort_pool *pool, struct consort_connection *connection, int64_t time)
{
	struct consort_link *link;

	CONSORT_EACH(link, &pool->waiters) {
		struct consort_waiter *waiter = waiter_of(link);

		if (waiter->opening)
			continue;
		waiter->given = connection;
		consort_pool_take(pool, connection, waiter->thread, time);
		/* out of the queue now, so that nothing else is given to it; it wakes up when it comes to
		 * that */
		consort_list_remove(link);
		pthread_cond_signal(&waiter->wake);
		return;
	}
	connection->next = pool->idle;
	pool->idle = connection;
	pool->stats.idle++;
}

/* Is one idle, or held by another thread, which could give it back? */
static bool may_come(const struct consort_pool *pool, int32_t thread)
{
	const struct consort_link *link;

	if (pool->idle)
		return true;
	CONSORT_EACH(link, &pool->all) {
		const struct consort_connection *connection =
			CONSORT_LINKED(link, const struct consort_connection, link);

		if (connection->thread && connection->thread != thread)
			return true;
	}
	return false;
}

static void join(struct consort_pool *pool, struct consort_waiter *waiter)
{
	if (consort_list_empty(&pool->waiters))
		pool->standing = waiter->since;
	consort_list_insert(waiter->again ? pool->waiters.next : &pool->waiters, &waiter->link);
	pool->stats.waiting++;
}

static bool is_last(const struct consort_pool *pool, const struct consort_waiter *waiter)
{
	return pool->waiters.previous == &waiter->link;
}

static void leave(struct consort_pool *pool, struct consort_waiter *waiter)
{
	bool last = is_last(pool, waiter);

	consort_list_remove(&waiter->link);
	pool->stats.waiting--;
	if (last)
		consort_pool_wake(pool);
}

/* --- opening one --- */

/* When this waiter, which is the last, is to open one. */
static int64_t opens_at(const struct consort_pool *pool, const struct consort_waiter *waiter)
{
	int64_t standing, half;

	if (pool->stats.opening || pool->total >= pool->options.max)
		return INT64_MAX;
	if (pool->total < pool->options.min || waiter->again || !may_come(pool, waiter->thread))
		return pool->retry;
	standing = consort_later(pool->standing, pool->patience);
	/* who has little time keeps half of it for opening */
	half = waiter->since + (waiter->until - waiter->since) / 2;
	if (half < standing)
		standing = half;
	return standing > pool->retry ? standing : pool->retry;
}

/* What an opening took tells how long it pays to wait for one that is given back. */
static void opened(struct consort_pool *pool, struct consort_connection *connection, int64_t took)
{
	pool->patience = took < PATIENCE_LEAST ? PATIENCE_LEAST : took > PATIENCE_MOST ? PATIENCE_MOST : took;
	pool->failures = 0;
	pool->retry = 0;
	pool->stats.opened++;
	pool->stats.open_time += took;
	consort_list_insert(&pool->all, &connection->link);
	consort_pool_give(pool, connection, pool->clock());
}

/* The server is left alone for a while, twice as long after each failure. If there is no connection to wait
 * for, all who wait get the error. */
static void failed(struct consort_pool *pool, const struct consort_error *error, bool ended)
{
	int64_t pause = RETRY_LEAST << (pool->failures < 7 ? pool->failures : 7);

	pool->total--;
	if (error->status == CONSORT_ECANCELLED || error->status == CONSORT_ENOMEM)
		return;
	if (pause > RETRY_MOST)
		pause = RETRY_MOST;
	pool->failures++;
	pool->stats.failed++;
	pool->retry = now() + pause - (int64_t)consort_random_below((uint64_t)pause / 2);
	pool->failure = *error;
	while (!ended && !pool->total && !consort_list_empty(&pool->waiters)) {
		struct consort_waiter *waiter = waiter_of(pool->waiters.next);

		waiter->failed = true;
		consort_list_remove(&waiter->link);
		pthread_cond_signal(&waiter->wake);
	}
}

/* Opens one for the first in the queue. With the lock held, which it gives up meanwhile. */
static enum consort_status open_one(struct consort_database *database, struct consort_waiter *waiter,
				    struct consort_error *error)
{
	struct consort_pool *pool = &database->pool;
	struct consort_connection *connection = NULL;
	struct consort_call call = *waiter->call;
	int64_t start = now();
	uint32_t failures = pool->failures;
	enum consort_status status;

	/* while others may give one back, not all of the time is spent on a server that does not answer */
	call.deadline = waiter->until == INT64_MAX ? 0 : waiter->until;
	if (call.deadline && may_come(pool, waiter->thread))
		call.deadline = start + (waiter->until - start) / 2;
	waiter->opening = true;
	pool->stats.opening++;
	pool->total++;
	pthread_mutex_unlock(&pool->lock);
	status = consort_connection_open(database, &call, &connection, error);
	if (status && !failures)
		consort_pool_log(database, CONSORT_LOG_WARNING, "cannot be connected to: %s",
				 consort_error_text(error));
	else if (!status && failures)
		consort_pool_log(database, CONSORT_LOG_INFO, "can be connected to again");
	pthread_mutex_lock(&pool->lock);
	waiter->opening = false;
	pool->stats.opening--;
	pool->standing = now();
	if (status)
		failed(pool, error, pool->standing >= waiter->until);
	else
		opened(pool, connection, pool->standing - start);
	consort_pool_wake(pool);
	return status;
}

/* --- waiting --- */

static enum consort_status fail_with(const struct consort_error *failure, struct consort_error *error)
{
	if (error)
		*error = *failure;
	return (enum consort_status)failure->status;
}

/* "; thread 4711 has held one for 12.3 s" */
static const char *holder(const struct consort_pool *pool, const struct consort_waiter *waiter, char *out,
			  size_t size)
{
	const struct consort_connection *longest = consort_pool_longest(pool);
	char who[32] = "this thread", held[32];

	if (!longest)
		return "";
	if (longest->thread != waiter->thread)
		snprintf(who, sizeof(who), "thread %d", longest->thread);
	snprintf(out, size, "; %s has held one for %s", who,
		 consort_pool_duration(pool->clock() - longest->acquired, held, sizeof(held)));
	return out;
}

/* Why none came: what opening one failed with, else who has them. */
static enum consort_status none_came(const struct consort_database *database,
				     const struct consort_waiter *waiter, struct consort_error *error)
{
	const struct consort_pool *pool = &database->pool;
	const struct consort_pool_stats *stats = &pool->stats;
	char waited[32], who[96];

	if (pool->failures)
		return fail_with(&pool->failure, error);
	consort_error_set(
		error, CONSORT_ETIMEOUT,
		"database '%s': no connection became free within %s, which %s allowed: %u of %u are in "
		"use%s; calls waiting: %u (close cursors and transactions sooner, or raise pool.max)",
		database->name, consort_pool_duration(now() - waiter->since, waited, sizeof(waited)),
		waiter->until == waiter->call->deadline ? "the call's deadline" : "pool.acquire_timeout",
		pool->total - stats->opening - stats->idle, pool->options.max,
		holder(pool, waiter, who, sizeof(who)), stats->waiting);
	if (error) {
		error->flags |= CONSORT_ERROR_RETRYABLE;
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
	}
	return CONSORT_ETIMEOUT;
}

/* With the lock held. */
static enum consort_status wait_turn(struct consort_database *database, struct consort_waiter *waiter,
				     struct consort_error *error)
{
	struct consort_pool *pool = &database->pool;

	for (;;) {
		int64_t time = now(), opens = is_last(pool, waiter) ? opens_at(pool, waiter) : INT64_MAX;

		if (pool->idle && !waiter->given)
			waiter->given = consort_pool_pop(pool, waiter->thread, pool->clock());
		if (waiter->given)
			return CONSORT_OK;
		if (waiter->failed)
			return fail_with(&pool->failure, error);
		if (consort_call_cancelled(waiter->call))
			return consort_error_set(error, CONSORT_ECANCELLED,
						 "cancelled while waiting for a connection to '%s'",
						 database->name);
		if (time >= waiter->until || (!pool->total && pool->retry > waiter->until)) {
			pool->stats.timeouts++;
			return none_came(database, waiter, error);
		}
		if (time >= opens) {
			struct consort_error local = CONSORT_ERROR_INIT;
			enum consort_status status = open_one(database, waiter, &local);

			if (status == CONSORT_ENOMEM || (status && !may_come(pool, waiter->thread)))
				return fail_with(&local, error);
			continue;
		}
		consort_wake_wait(&waiter->wake, &pool->lock, opens < waiter->until ? opens : waiter->until);
	}
}

enum consort_status consort_pool_wait(struct consort_database *database, struct consort_waiter *waiter,
				      struct consort_connection **out_connection, struct consort_error *error)
{
	struct consort_pool *pool = &database->pool;
	struct consort_cancel_watch watch = {.lock = &pool->lock, .wake = &waiter->wake};
	enum consort_status status;
	int64_t start = now();

	consort_wake_init(&waiter->wake);
	waiter->given = NULL;
	if (waiter->cancel)
		consort_cancel_watch(waiter->cancel, &watch);
	pthread_mutex_lock(&pool->lock);
	join(pool, waiter);
	status = wait_turn(database, waiter, error);
	leave(pool, waiter);
	pool->stats.waited++;
	pool->stats.wait_time += now() - start;
	pthread_mutex_unlock(&pool->lock);
	if (waiter->cancel)
		consort_cancel_unwatch(waiter->cancel, &watch);
	pthread_cond_destroy(&waiter->wake);
	if (status)
		consort_pool_tell_leaks(database);
	else
		*out_connection = waiter->given;
	return status;
}
