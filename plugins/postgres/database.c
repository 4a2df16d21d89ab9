/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin and its databases: their beginning and end. */
#include "adapter.h"

#include <stdlib.h>

#include "connect.h"

uint32_t pg_plugin_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	if (!PQisthreadsafe())
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "this libpq was built for one thread only");
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

static void database_close(void *context)
{
	struct pg_database *database = context;

	consort_arena_clear(&database->arena);
	free(database);
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct pg_database *database = calloc(1, sizeof(*database));
	uint32_t status;

	if (!database)
		return consort_error_no_memory(error);
	consort_arena_init(&database->arena, 0);
	database->host = plugin;
	database->name = consort_arena_text(&database->arena, config->name);
	status = database->name ? pg_take_options(database, config, error) : consort_error_no_memory(error);
	if (status) {
		database_close(database);
		return status;
	}
	*out_database = database;
	return CONSORT_OK;
}

const struct consort_database_ops pg_database_ops = {
	.struct_size = sizeof(pg_database_ops),
	.open = database_open,
	.close = database_close,
};
