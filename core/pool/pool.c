/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of a database: taking a connection and giving it back. The common case is one lock, the connection
 * that was used last, and a look at a coarse clock; the rest is elsewhere.
 */
#include "pool/queue.h"

#include "loader/loader.h"

#define SECOND ((int64_t)1000000000)

/* --- taking --- */

void consort_pool_take(struct consort_pool *pool, struct consort_connection *connection, int32_t thread,
		       int64_t now)
{
	connection->next = NULL;
	connection->thread = thread;
	connection->acquired = now;
	pool->stats.acquired++;
}

struct consort_connection *consort_pool_pop(struct consort_pool *pool, int32_t thread, int64_t now)
{
	struct consort_connection *connection = pool->idle;

	if (!connection)
		return NULL;
	pool->idle = connection->next;
	pool->stats.idle--;
	consort_pool_take(pool, connection, thread, now);
	return connection;
}

/* Known to work, and not too old? */
static bool is_fit(const struct consort_connection *connection)
{
	return connection->acquired < connection->fresh &&
	       connection->doubt == __atomic_load_n(&connection->database->pool.doubt, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&connection->dirty, __ATOMIC_RELAXED);
}

/* Has it lived, or been idle, for longer than it may? */
static bool is_over(const struct consort_connection *connection)
{
	struct consort_pool *pool = &connection->database->pool;
	bool surplus;

	if (connection->acquired >= connection->expires)
		return true;
	pthread_mutex_lock(&pool->lock);
	surplus = pool->total > pool->options.min;
	pthread_mutex_unlock(&pool->lock);
	return surplus && consort_connection_stale(connection, connection->acquired);
}

/* Asks the server whether it works; if its last user was late or cancelled, makes it as new. */
static enum consort_status check(struct consort_connection *connection, const struct consort_waiter *waiter,
				 struct consort_error *error)
{
	const struct consort_connection_ops *ops = connection->database->plugin->connection;
	uint32_t doubt = __atomic_load_n(&connection->database->pool.doubt, __ATOMIC_RELAXED);
	int64_t most = consort_host_services()->clock() + SECOND;
	struct consort_call call = *waiter->call;
	uint32_t status;

	call.deadline = waiter->until < most ? waiter->until : most;
	if (__atomic_exchange_n(&connection->dirty, 0, __ATOMIC_RELAXED))
		status = ops->reset(connection->context, &call, error);
	else
		status = ops->ping(connection->context, &call, error);
	if (status)
		return consort_database_failed(connection->database, status, error);
	connection->doubt = doubt;
	return CONSORT_OK;
}

/* It did not pass. The one who asked may be the reason; else it is closed. */
static bool give_up(struct consort_connection *connection, const struct consort_waiter *waiter)
{
	struct consort_database *database = connection->database;

	if (consort_call_cancelled(waiter->call) || consort_host_services()->clock() >= waiter->until) {
		__atomic_store_n(&connection->dirty, 1, __ATOMIC_RELAXED);
		consort_pool_release(connection);
		return true;
	}
	connection->broken = true;
	__atomic_add_fetch(&database->pool.doubt, 1, __ATOMIC_RELAXED);
	consort_pool_retire(database, connection);
	return false;
}

/* With what was idle, if there was one, or by waiting, until one passes. */
static enum consort_status acquire_checked(struct consort_database *database, struct consort_waiter *waiter,
					   struct consort_connection *connection,
					   struct consort_connection **out_connection,
					   struct consort_error *error)
{
	for (;;) {
		struct consort_error local = CONSORT_ERROR_INIT;
		enum consort_status status = CONSORT_OK;

		if (!connection)
			status = consort_pool_wait(database, waiter, &connection, error);
		if (status)
			return status;
		if (is_fit(connection))
			break;
		if (is_over(connection)) {
			consort_pool_retire(database, connection);
		} else {
			status = check(connection, waiter, &local);
			if (!status)
				break;
			if (give_up(connection, waiter)) {
				if (error)
					*error = local;
				return status;
			}
		}
		connection = NULL;
		waiter->again = true;
	}
	*out_connection = connection;
	return CONSORT_OK;
}

static enum consort_status acquire_slowly(struct consort_database *database, const struct consort_call *call,
					  struct consort_cancel *cancel, struct consort_connection *idle,
					  struct consort_connection **out_connection,
					  struct consort_error *error)
{
	int64_t now = consort_host_services()->clock();
	struct consort_waiter waiter = {
		.call = call, .cancel = cancel, .thread = consort_thread_number(), .since = now};

	waiter.until = consort_later(now, database->pool.options.acquire_timeout);
	if (call->deadline && call->deadline < waiter.until)
		waiter.until = call->deadline;
	return acquire_checked(database, &waiter, idle, out_connection, error);
}

enum consort_status consort_pool_acquire(struct consort_database *database, const struct consort_call *call,
					 struct consort_cancel *cancel,
					 struct consort_connection **out_connection,
					 struct consort_error *error)
{
	struct consort_pool *pool = &database->pool;
	int32_t thread = consort_thread_number();
	int64_t now = pool->clock();
	struct consort_connection *connection;
	enum consort_status status;

	pthread_mutex_lock(&pool->lock);
	connection = consort_pool_pop(pool, thread, now);
	pthread_mutex_unlock(&pool->lock);
	if (CONSORT_UNLIKELY(!connection || !is_fit(connection))) {
		status = acquire_slowly(database, call, cancel, connection, &connection, error);
		if (status)
			return status;
	}
	if (CONSORT_UNLIKELY(pool->options.leak_warn))
		consort_leak_note(connection);
	*out_connection = connection;
	return CONSORT_OK;
}

/* --- giving back --- */

void consort_pool_release(struct consort_connection *connection)
{
	struct consort_database *database = connection->database;
	struct consort_pool *pool = &database->pool;
	struct consort_connection *over = NULL;
	int64_t now = pool->clock();
	bool swept = now >= __atomic_load_n(&pool->sweep, __ATOMIC_RELAXED);

	if (CONSORT_UNLIKELY(connection->stamp != consort_fork_count)) {
		/* a child's copy: the pool's lock may have been held by a thread that does not exist here */
		consort_connection_abandon(connection);
		return;
	}
	connection->fresh = consort_later(now, pool->options.keepalive);
	if (connection->expires < connection->fresh)
		connection->fresh = connection->expires;
	pthread_mutex_lock(&pool->lock);
	pool->stats.use_time += now - connection->acquired;
	connection->released = now;
	connection->thread = 0;
	connection->told = false;
	connection->used = true;
	if (CONSORT_LIKELY(!connection->broken && now < connection->expires))
		consort_pool_give(pool, connection, now);
	else
		over = connection;
	if (CONSORT_UNLIKELY(connection->broken))
		__atomic_add_fetch(&pool->doubt, 1, __ATOMIC_RELAXED);
	if (CONSORT_UNLIKELY(swept))
		consort_pool_sweep(pool, now, &over);
	pthread_mutex_unlock(&pool->lock);
	if (CONSORT_UNLIKELY(over))
		consort_pool_retire(database, over);
	if (CONSORT_UNLIKELY(swept))
		consort_pool_tell_leaks(database);
}

/* --- how it stands --- */

void consort_pool_read_stats(struct consort_database *database, struct consort_pool_stats *out_stats)
{
	struct consort_pool *pool = &database->pool;
	uint32_t struct_size = out_stats->struct_size;

	pthread_mutex_lock(&pool->lock);
	*out_stats = pool->stats;
	out_stats->open = pool->total - pool->stats.opening;
	pthread_mutex_unlock(&pool->lock);
	out_stats->struct_size = struct_size;
	out_stats->max = pool->options.max;
}
