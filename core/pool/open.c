/* SPDX-License-Identifier: Apache-2.0 */
/* Connections come and go: opening, what a new one tells of the server, closing. No lock is held meanwhile.
 */
#include "pool/queue.h"

#include <stdarg.h>
#include <stdio.h>

#include "loader/loader.h"

/* What closing gets of time: it is done on behalf of calls that have other things to do. */
#define CLOSING ((int64_t)5000000)

void consort_pool_log(const struct consort_database *database, uint32_t level, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	consort_host_services()->log(level, database->name, text);
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

/* What stands on a feature that is missing is missing too, whoever took that away. */
static void take_baseless(struct consort_features *mask, struct missing *missing)
{
	uint32_t feature;
	int32_t basis;
	char why[64];

	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		for (basis = consort_feature_basis(feature);
		     basis >= 0 && consort_features_has(mask, (uint32_t)basis);)
			basis = consort_feature_basis((uint32_t)basis);
		if (basis < 0 || !consort_features_has(mask, feature))
			continue;
		consort_features_remove(mask, feature);
		snprintf(why, sizeof(why), "it needs %s, which is missing",
			 consort_feature_name((uint32_t)basis));
		note_missing(missing, feature, why);
	}
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
	take_baseless(&mask, &missing);
	if (publish(database, mask, &missing, &info))
		consort_pool_log(database, CONSORT_LOG_INFO, "connected%s%s", *database->server ? ": " : "",
				 database->server);
	consort_arena_clear(&missing.arena);
}

/* --- opening and closing --- */

/* Up to a tenth less than what was asked for, so that those opened together do not end together. */
static int64_t expiry(int64_t now, int64_t lifetime)
{
	return consort_later(now, lifetime - (int64_t)consort_random_below((uint64_t)lifetime / 10));
}

enum consort_status consort_connection_open(struct consort_database *database,
					    const struct consort_call *call,
					    struct consort_connection **out_connection,
					    struct consort_error *error)
{
	struct consort_connection *connection = calloc(1, sizeof(*connection));
	uint32_t status;

	if (!connection)
		return consort_error_no_memory(error);
	connection->database = database;
	connection->stamp = consort_fork_count;
	connection->doubt = __atomic_load_n(&database->pool.doubt, __ATOMIC_RELAXED);
	consort_list_init(&connection->link);
	consort_list_init(&connection->cancel_link);
	status = database->plugin->connection->open(database->context, call, &connection->context, error);
	if (status) {
		free(connection);
		return consort_database_failed(database, status, error);
	}
	learn(database, connection->context);
	connection->released = database->pool.clock();
	connection->expires = expiry(connection->released, database->pool.options.max_lifetime);
	connection->fresh = INT64_MAX;
	*out_connection = connection;
	return CONSORT_OK;
}

void consort_connection_abandon(struct consort_connection *connection)
{
	if (connection->context)
		connection->database->plugin->connection->abandon(connection->context);
	connection->context = NULL;
}

void consort_pool_retire(struct consort_database *database, struct consort_connection *connections)
{
	const struct consort_call call = {.struct_size = sizeof(call),
					  .deadline = consort_host_services()->clock() + CLOSING};
	struct consort_pool *pool = &database->pool;

	while (connections) {
		struct consort_connection *connection = connections;

		connections = connection->next;
		if (connection->broken)
			consort_pool_log(database, CONSORT_LOG_WARNING,
					 "a connection was lost, or could not be reset, and is closed");
		database->plugin->connection->close(connection->context, &call);
		pthread_mutex_lock(&pool->lock);
		consort_list_remove(&connection->link);
		pool->total--;
		pool->stats.closed++;
		consort_pool_wake(pool);
		pthread_mutex_unlock(&pool->lock);
		free(connection);
	}
}
