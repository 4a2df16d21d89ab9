/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POOL_QUEUE_H
#define CONSORT_POOL_QUEUE_H

/*
 * What the files of the pool share.
 *
 * Calls that find no idle connection queue up, and a connection that comes free is handed to the first of
 * them: no one who comes later gets past. While a queue stands, another connection is opened by the call that
 * came last, which would wait for the longest; the first in the queue gets it. One is opened at a time, and
 * only after the queue has stood for as long as opening takes: a burst is served by the connections that are
 * there, and a load that lasts gets more of them.
 */

#include "pool/pool.h"

/* A call that waits; on its thread's stack. Guarded by the pool's lock. */
struct consort_waiter {
	struct consort_link link;
	pthread_cond_t wake;
	const struct consort_call *call;
	struct consort_cancel *cancel;
	struct consort_connection *given;
	int32_t thread;
	bool opening; /* it is in the adapter's code: nothing is handed to it */
	bool failed;  /* with the pool's failure */
	bool again;   /* it had its turn, but what it got was lost: first in the queue, and no need to wait */
	int64_t since, until;
};

/* A span from then on; 0 is for ever. */
static inline int64_t consort_later(int64_t time, int64_t span)
{
	int64_t later;

	return span && !__builtin_add_overflow(time, span, &later) ? later : INT64_MAX;
}

/* --- queue.c --- */

/* Waits for a connection, or opens one. */
enum consort_status consort_pool_wait(struct consort_database *database, struct consort_waiter *waiter,
				      struct consort_connection **out_connection,
				      struct consort_error *error);
/* With the lock held: to the first who waits, else to the idle ones. */
void consort_pool_give(struct consort_pool *pool, struct consort_connection *connection, int64_t now);
/* With the lock held: has one who waits look whether to open one now. */
void consort_pool_wake(struct consort_pool *pool);

/* --- pool.c --- */

/* With the lock held: the idle one that was used last, or NULL. */
struct consort_connection *consort_pool_pop(struct consort_pool *pool, int32_t thread, int64_t now);
/* With the lock held: a connection changes hands. */
void consort_pool_take(struct consort_pool *pool, struct consort_connection *connection, int32_t thread,
		       int64_t now);

/* --- open.c --- */

enum consort_status consort_connection_open(struct consort_database *database,
					    const struct consort_call *call,
					    struct consort_connection **out_connection,
					    struct consort_error *error);
/* In the child of a fork. What is left of it goes with its database. */
void consort_connection_abandon(struct consort_connection *connection);
/* Closes a list of connections that are neither idle nor in use; until that is done they count. */
void consort_pool_retire(struct consort_database *database, struct consort_connection *connections);
/* A change of state, told in the log. */
void consort_pool_log(const struct consort_database *database, uint32_t level, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* --- sweep.c --- */

/* Has it been idle for longer than pool.idle_timeout? */
bool consort_connection_stale(const struct consort_connection *connection, int64_t now);
/* With the lock held: puts idle ones that are over in front of a list. */
void consort_pool_sweep(struct consort_pool *pool, int64_t now, struct consort_connection **list);
/* Notes where a connection was taken. */
void consort_leak_note(struct consort_connection *connection);
/* Tells in the log of those that were not given back for pool.leak_warn. */
void consort_pool_tell_leaks(struct consort_database *database);
/* With the lock held: the one that has been held for the longest, or NULL. */
const struct consort_connection *consort_pool_longest(const struct consort_pool *pool);
/* "12.3 s" */
const char *consort_pool_duration(int64_t nanoseconds, char *out, size_t size);

#endif
