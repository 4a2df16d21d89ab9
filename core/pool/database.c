/* SPDX-License-Identifier: Apache-2.0 */
/* Databases: an adapter opened with its options, its masks, and its errors made fit to leave the core. */
#include "pool/queue.h"

#include <consort/plugins.h>

#include "loader/loader.h"

#define CLOSING ((int64_t)1000000000) /* for all connections of a database together */

static void init_pool(struct consort_pool *pool)
{
	pool->options = consort_pool_defaults;
	pool->clock = consort_host_services()->clock_coarse;
	pthread_mutex_init(&pool->lock, NULL);
	consort_list_init(&pool->all);
	consort_list_init(&pool->waiters);
}

enum consort_status consort_database_open(const struct consort_plugin *plugin, void *plugin_context,
					  const struct consort_database_config *config,
					  struct consort_database **out_database, struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_database *database = calloc(1, sizeof(*database));
	uint32_t status;

	if (!database)
		return consort_error_no_memory(error);
	pthread_mutex_init(&database->lock, NULL);
	init_pool(&database->pool);
	consort_arena_init(&database->arena, 0);
	database->name = config->name;
	database->plugin = plugin;
	database->manifest_mask.word[0] = database->manifest_mask.word[1] = ~(uint64_t)0;
	status = plugin->database->open(plugin_context, config, &database->context, &local);
	if (status) {
		status = consort_database_failed(database, status, &local);
		if (error)
			*error = local;
		database->context = NULL;
		consort_database_close(database, false);
		return status;
	}
	*out_database = database;
	return CONSORT_OK;
}

/* In a child, the lists are as the fork found them, which can be read forwards at any time. */
static void close_connections(struct consort_pool *pool, bool forked)
{
	const struct consort_call call = {.struct_size = sizeof(call),
					  .deadline = consort_host_services()->clock() + CLOSING};
	struct consort_link *link, *next;

	for (link = pool->all.next; link != &pool->all; link = next) {
		struct consort_connection *connection = CONSORT_LINKED(link, struct consort_connection, link);

		next = link->next;
		if (forked)
			consort_connection_abandon(connection);
		else
			connection->database->plugin->connection->close(connection->context, &call);
		free(connection);
	}
}

void consort_database_close(struct consort_database *database, bool forked)
{
	if (!database)
		return;
	close_connections(&database->pool, forked);
	if (database->context && !forked)
		database->plugin->database->close(database->context);
	consort_arena_clear(&database->arena);
	pthread_mutex_destroy(&database->pool.lock);
	pthread_mutex_destroy(&database->lock);
	free(database);
}

const char *consort_database_why(const struct consort_database *database, uint32_t feature)
{
	const char *why;

	if (feature >= CONSORT_FEATURE_COUNT)
		return "no such feature";
	if (!consort_features_has(&database->plugin->features, feature))
		return "the adapter does not have it";
	if (!consort_features_has(&database->manifest_mask, feature))
		return "the manifest takes it away";
	why = __atomic_load_n(&database->why[feature], __ATOMIC_ACQUIRE);
	if (why)
		return why;
	return "this server does not have it";
}

enum consort_status consort_database_need(const struct consort_database *database, uint32_t feature,
					  struct consort_error *error)
{
	const char *name;

	if (consort_database_has(database, feature))
		return CONSORT_OK;
	name = consort_feature_name(feature);
	consort_error_set(error, CONSORT_EUNSUPPORTED, "database '%s' does not support %s: %s",
			  database->name, name ? name : "this", consort_database_why(database, feature));
	if (error)
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
	return CONSORT_EUNSUPPORTED;
}

enum consort_status consort_database_failed(const struct consort_database *database, uint32_t status,
					    struct consort_error *error)
{
	bool known = status > CONSORT_OK && status < CONSORT_STATUS_COUNT;

	if (!error)
		return known ? (enum consort_status)status : CONSORT_EPROTOCOL;
	if (status == CONSORT_ENOMEM && error->status != status) {
		consort_error_no_memory(error);
	} else if (!known || error->status != status || !error->message[0]) {
		/* the adapter breaks the contract */
		status = consort_error_set(error, known ? status : CONSORT_EPROTOCOL,
					   "the adapter '%s' failed without saying why (status %u)",
					   database->plugin->id, status);
	}
	if (!error->origin[0])
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
	consort_scrub_error(error);
	return (enum consort_status)status;
}
