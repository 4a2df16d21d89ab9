/* SPDX-License-Identifier: Apache-2.0 */
/* Databases: where the server is, and who we are. Nothing is connected to here. */
#include "redis.h"

#include <ctype.h>
#include <stdlib.h>

/* The value of an option that was given, as a text of our own; NULL if none was. */
static const char *text_of(struct redis_database *database, const struct consort_database_config *config,
			   const char *name, bool *failed)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);
	const char *text;

	if (!value || consort_value_is_null(value) || !value->as.view.size)
		return NULL;
	text = consort_arena_copy(&database->arena, value->as.view.data, (size_t)value->as.view.size);
	*failed |= !text;
	return text;
}

static int64_t number_of(const struct consort_database_config *config, const char *name, int64_t otherwise)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	return value && !consort_value_is_null(value) ? value->as.int64 : otherwise;
}

static bool is_port(const char *text)
{
	long port = strtol(text, NULL, 10);

	return isdigit((unsigned char)*text) && strspn(text, "0123456789") == strlen(text) && port > 0 &&
	       port < 65536;
}

/* "a:1, b:2" → nodes */
static uint32_t take_nodes(struct redis_database *database, const char *list, struct consort_error *error)
{
	const char **nodes;
	uint32_t most = 1;
	const char *at;

	for (at = list; *at; at++)
		most += *at == ',';
	nodes = consort_arena_array(&database->arena, most, sizeof(*nodes));
	if (!nodes)
		return consort_error_no_memory(error);
	for (at = list; *at; at += *at == ',') {
		size_t size;
		const char *port;
		char *node;

		at += strspn(at, " ");
		size = strcspn(at, ",");
		node = consort_arena_copy(&database->arena, at, size);
		if (!node)
			return consort_error_no_memory(error);
		at += size;
		while (size && node[size - 1] == ' ')
			node[--size] = '\0';
		port = strrchr(node, ':');
		if (!port || port == node || !is_port(port + 1))
			return consort_error_set(
				error, CONSORT_EVALUE,
				"database '%s': nodes has '%s', which is not a host and a port "
				"(10.0.0.1:6379, 10.0.0.2:6379)",
				database->name, node);
		nodes[database->nnodes++] = node;
	}
	database->nodes = nodes;
	return CONSORT_OK;
}

static uint32_t take_place(struct redis_database *database, const struct consort_database_config *config,
			   struct consort_error *error)
{
	bool failed = false;
	const char *nodes = text_of(database, config, "nodes", &failed);
	const char *host = text_of(database, config, "host", &failed);
	const char *socket = text_of(database, config, "socket", &failed), **node;
	int64_t port = number_of(config, "port", 6379);

	if ((nodes != NULL) + (host != NULL) + (socket != NULL) > 1)
		return consort_error_set(error, CONSORT_EVALUE,
					 "database '%s': give one of host, socket and nodes", database->name);
	if (port < 1 || port > 65535)
		return consort_error_set(error, CONSORT_EVALUE, "database '%s': port is between 1 and 65535",
					 database->name);
	if (nodes)
		return take_nodes(database, nodes, error);
	node = consort_arena_array(&database->arena, 1, sizeof(*node));
	if (!node || failed)
		return consort_error_no_memory(error);
	*node = socket ? socket
		       : consort_arena_printf(&database->arena,
					      host && strchr(host, ':') ? "[%s]:%d" : "%s:%d",
					      host ? host : "127.0.0.1", (int)port);
	database->nodes = node;
	database->nnodes = 1;
	return *node ? CONSORT_OK : consort_error_no_memory(error);
}

static uint32_t take_options(struct redis_database *database, const struct consort_database_config *config,
			     struct consort_error *error)
{
	bool failed = false;
	uint32_t status = take_place(database, config, error);

	if (status)
		return status;
	database->user = text_of(database, config, "user", &failed);
	database->password = text_of(database, config, "password", &failed);
	database->number = number_of(config, "db", 0);
	database->connect_timeout = number_of(config, "connect_timeout", 0);
	database->page = number_of(config, "page", 512);
	if (failed)
		return consort_error_no_memory(error);
	if (database->number < 0)
		return consort_error_set(error, CONSORT_EVALUE, "database '%s': db is 0 or greater",
					 database->name);
	if (database->page < 1 || database->page > 10000)
		return consort_error_set(error, CONSORT_EVALUE, "database '%s': page is between 1 and 10000",
					 database->name);
	return redis_tls_new(database, config, error);
}

static void database_close(void *context)
{
	struct redis_database *database = context;

	redis_map_free(database->map);
	redis_tls_free(database);
	pthread_mutex_destroy(&database->lock);
	consort_arena_clear(&database->arena);
	free(database);
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct redis_database *database = calloc(1, sizeof(*database));
	uint32_t status;

	if (!database)
		return consort_error_no_memory(error);
	consort_arena_init(&database->arena, 0);
	pthread_mutex_init(&database->lock, NULL);
	database->host = plugin;
	database->name = consort_arena_text(&database->arena, config->name);
	status = database->name ? take_options(database, config, error) : consort_error_no_memory(error);
	if (status) {
		database_close(database);
		return status;
	}
	*out_database = database;
	return CONSORT_OK;
}

const struct consort_database_ops redis_database_ops = {
	.struct_size = sizeof(redis_database_ops),
	.open = database_open,
	.close = database_close,
};
