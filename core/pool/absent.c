/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases that are optional and could not be opened: each stands in its place under its name, as the
 * database of an adapter that can do nothing, and whoever wants to connect to it is told the reason.
 */
#include "pool/pool.h"

struct absent {
	struct consort_plugin plugin;
	struct consort_error why;
};

static uint32_t refuse(void *context, const struct consort_call *call, void **out_connection,
		       struct consort_error *error)
{
	const struct absent *absent = context;

	(void)call;
	(void)out_connection;
	*error = absent->why;
	return absent->why.status;
}

static uint32_t take_place(void *plugin, const struct consort_database_config *config, void **out_database,
			   struct consort_error *error)
{
	(void)config;
	(void)error;
	*out_database = plugin;
	return CONSORT_OK;
}

static void give_place(void *context)
{
	free(context);
}

enum consort_status consort_database_absent(const char *type, const struct consort_database_config *config,
					    const struct consort_error *why,
					    struct consort_database **out_database,
					    struct consort_error *error)
{
	static const struct consort_database_ops database_ops = {
		.struct_size = sizeof(database_ops), .open = take_place, .close = give_place};
	static const struct consort_connection_ops connection_ops = {.struct_size = sizeof(connection_ops),
								     .open = refuse};
	struct absent *absent = calloc(1, sizeof(*absent));
	enum consort_status status;

	if (!absent)
		return consort_error_no_memory(error);
	absent->plugin = (struct consort_plugin){.struct_size = sizeof(absent->plugin),
						 .id = type,
						 .version = "",
						 .database = &database_ops,
						 .connection = &connection_ops};
	absent->why = *why;
	status = consort_database_open(&absent->plugin, absent, config, out_database, error);
	if (status) {
		free(absent);
		return status;
	}
	(*out_database)->absent = true;
	(*out_database)->plugin_path = "";
	return CONSORT_OK;
}
