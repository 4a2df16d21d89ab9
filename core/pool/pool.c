/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of a database: at most `max` connections, the one used last first, and what each new one tells of
 * the server. No lock of the pool is held while the adapter's code runs.
 */
#include "pool/pool.h"

#include <stdio.h>
#include <time.h>

#include "loader/loader.h"

#define SECOND ((int64_t)1000000000)
#define CANCEL_LATENCY (SECOND / 20) /* a waiter notices a cancel within this time */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* A change of state, told in the log. */
static void tell(const struct consort_database *database, uint32_t level, const char *what,
		 const char *detail)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", what, detail && *detail ? ": " : "", detail ? detail : "");
	consort_host_services()->log(level, database->name, text);
}

static void close_connection(struct consort_connection *connection)
{
	const struct consort_connection_ops *ops = connection->database->plugin->connection;
	const struct consort_call call = {.struct_size = sizeof(call), .deadline = now() + SECOND};

	if (connection->stamp != consort_fork_count)
		ops->abandon(connection->context);
	else
		ops->close(connection->context, &call);
	free(connection);
}

/* --- what a new connection tells --- */

struct missing {
	struct consort_arena arena;
	const char *why[CONSORT_FEATURE_COUNT];
};

static void note_missing(void *context, uint32_t feature, const char *why)
{
	struct missing *missing = context;

	if (feature < CONSORT_FEATURE_COUNT && why)
		missing->why[feature] = consort_arena_text(&missing->arena, why);
}

static const char *keep_text(struct consort_database *database, const char *text)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	char *copy = NULL;

	if (text)
		consort_scrub(text, &shown);
	if (text && !shown.failed)
		copy = consort_arena_text(&database->arena, shown.data);
	consort_buffer_clear(&shown);
	return copy;
}

/* Publishes what was told, unless it is known already. */
static bool publish(struct consort_database *database, struct consort_features mask,
		    const struct missing *missing, const struct consort_connection_info *info)
{
	bool changed;
	uint32_t i;

	pthread_mutex_lock(&database->lock);
	changed = !database->known || mask.word[0] != database->effective.word[0] ||
		  mask.word[1] != database->effective.word[1];
	if (changed) {
		const char *server = keep_text(database, info->server),
			   *user = keep_text(database, info->user);

		for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
			__atomic_store_n(&database->why[i], keep_text(database, missing->why[i]),
					 __ATOMIC_RELEASE);
		__atomic_store_n(&database->server, server ? server : "", __ATOMIC_RELEASE);
		database->user = user ? user : "";
		__atomic_store_n(&database->effective.word[0], mask.word[0], __ATOMIC_RELAXED);
		__atomic_store_n(&database->effective.word[1], mask.word[1], __ATOMIC_RELAXED);
		__atomic_store_n(&database->known, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&database->lock);
	return changed;
}

/* Sets the effective mask from the first connection; a later one that offers something else replaces it. */
static void learn(struct consort_database *database, void *connection)
{
	struct consort_connection_info info = {.struct_size = sizeof(info)};
	struct consort_features mask = database->plugin->features;
	struct missing missing = {0};
	const struct consort_feature_sink sink = {&missing, note_missing};

	consort_arena_init(&missing.arena, 0);
	database->plugin->connection->features(connection, &mask, &sink);
	database->plugin->connection->info(connection, &info);
	mask = consort_features_and(consort_features_and(mask, database->plugin->features),
				    database->manifest_mask);
	if (publish(database, mask, &missing, &info))
		tell(database, CONSORT_LOG_INFO, "connected", database->server);
	consort_arena_clear(&missing.arena);
}

static enum consort_status open_connection(struct consort_database *database, const struct consort_call *call,
					   struct consort_connection **out_connection,
					   struct consort_error *error)
{
	struct consort_connection *connection = calloc(1, sizeof(*connection));
	struct consort_error local = CONSORT_ERROR_INIT;
	uint32_t status;

	if (!connection)
		return consort_error_no_memory(error);
	connection->database = database;
	connection->stamp = consort_fork_count;
	status = database->plugin->connection->open(database->context, call, &connection->context, &local);
	if (status) {
		status = consort_database_failed(database, status, &local);
		if (error)
			*error = local;
		free(connection);
		return status;
	}
	learn(database, connection->context);
	*out_connection = connection;
	return CONSORT_OK;
}

/* --- acquire and release --- */

static enum consort_status exhausted(struct consort_database *database, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ETIMEOUT,
			  "database '%s': no connection became free in time; all %u of its pool are in use "
			  "(close cursors and transactions sooner, or raise pool.max)",
			  database->name, database->pool.max);
	if (error)
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
	return CONSORT_ETIMEOUT;
}

/* Waits, with the pool's lock held, until there is an idle connection or room for a new one. */
static enum consort_status wait_for_room(struct consort_database *database, const struct consort_call *call,
					 struct consort_error *error)
{
	int64_t until = now() + database->pool.acquire_timeout;

	if (call->deadline && call->deadline < until)
		until = call->deadline;
	while (!database->idle && database->total >= database->pool.max) {
		int64_t time = now(), wake = until;
		struct timespec at;

		if (time >= until)
			return exhausted(database, error);
		if (consort_call_cancelled(call))
			return consort_error_set(error, CONSORT_ECANCELLED,
						 "cancelled while waiting for a connection to '%s'",
						 database->name);
		if (call->cancelled && time + CANCEL_LATENCY < until)
			wake = time + CANCEL_LATENCY;
		at.tv_sec = wake / SECOND;
		at.tv_nsec = wake % SECOND;
		pthread_cond_timedwait(&database->pool_free, &database->pool_lock, &at);
	}
	return CONSORT_OK;
}

enum consort_status consort_pool_acquire(struct consort_database *database, const struct consort_call *call,
					 struct consort_connection **out_connection,
					 struct consort_error *error)
{
	struct consort_connection *connection;
	enum consort_status status = CONSORT_OK;

	pthread_mutex_lock(&database->pool_lock);
	if (CONSORT_UNLIKELY(!database->idle && database->total >= database->pool.max))
		status = wait_for_room(database, call, error);
	if (status) {
		pthread_mutex_unlock(&database->pool_lock);
		return status;
	}
	connection = database->idle;
	if (connection)
		database->idle = connection->next;
	else
		database->total++;
	pthread_mutex_unlock(&database->pool_lock);
	if (connection) {
		connection->next = NULL;
		*out_connection = connection;
		return CONSORT_OK;
	}
	status = open_connection(database, call, out_connection, error);
	if (status) {
		pthread_mutex_lock(&database->pool_lock);
		database->total--;
		pthread_cond_signal(&database->pool_free);
		pthread_mutex_unlock(&database->pool_lock);
	}
	return status;
}

/* Makes a connection that its user left in disorder fit for the next one; false: it must go. */
static bool tidy(struct consort_connection *connection)
{
	struct consort_call call = {.struct_size = sizeof(call)};
	struct consort_error error = CONSORT_ERROR_INIT;

	if (connection->broken || connection->stamp != consort_fork_count)
		return false;
	if (CONSORT_LIKELY(!__atomic_load_n(&connection->dirty, __ATOMIC_RELAXED)))
		return true;
	__atomic_store_n(&connection->dirty, 0, __ATOMIC_RELAXED);
	call.deadline = now() + SECOND;
	return connection->database->plugin->connection->reset(connection->context, &call, &error) ==
	       CONSORT_OK;
}

void consort_pool_release(struct consort_connection *connection)
{
	struct consort_database *database = connection->database;
	bool keep = tidy(connection);

	if (!keep) {
		tell(database, CONSORT_LOG_WARNING,
		     "a connection was lost, or could not be reset, and is closed", NULL);
		close_connection(connection);
	}
	pthread_mutex_lock(&database->pool_lock);
	if (keep) {
		connection->next = database->idle;
		database->idle = connection;
	} else {
		database->total--;
	}
	pthread_cond_signal(&database->pool_free);
	pthread_mutex_unlock(&database->pool_lock);
}
