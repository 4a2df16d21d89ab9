/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database is a folder, and a connection no more than the proof that it was there: each cursor opens its
 * own files.
 */
#include "file.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <consort/adapter.h>

/* --- database --- */

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct file_database *database = calloc(1, sizeof(*database));
	const struct consort_value *path = consort_setting_find(config->options, config->noptions, "path");

	if (!database)
		return consort_error_no_memory(error);
	consort_arena_init(&database->arena, 0);
	database->host = plugin;
	database->name = consort_arena_text(&database->arena, config->name);
	database->folder =
		consort_arena_copy(&database->arena, path->as.view.data, (size_t)path->as.view.size);
	if (!database->name || !database->folder) {
		consort_arena_clear(&database->arena);
		free(database);
		return consort_error_no_memory(error);
	}
	*out_database = database;
	return CONSORT_OK;
}

static void database_close(void *object)
{
	struct file_database *database = object;

	consort_arena_clear(&database->arena);
	free(database);
}

const struct consort_database_ops file_database_ops = {
	.struct_size = sizeof(file_database_ops),
	.open = database_open,
	.close = database_close,
};

/* --- connection --- */

static uint32_t check_folder(const struct file_database *database, struct consort_error *error)
{
	struct stat status;

	if (stat(database->folder, &status))
		return file_system_error(error, "open the folder", database->folder);
	if (!S_ISDIR(status.st_mode))
		return consort_error_set(error, CONSORT_ECONNECTION,
					 "'%s' is not a folder; path names the folder that the"
					 " files are in",
					 database->folder);
	return CONSORT_OK;
}

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct file_connection *connection = calloc(1, sizeof(*connection));
	uint32_t status;

	if (!connection)
		return consort_error_no_memory(error);
	connection->database = database;
	status = file_check(connection, call, error);
	if (!status)
		status = check_folder(database, error);
	if (!status) {
		connection->identity = realpath(connection->database->folder, NULL);
		if (!connection->identity)
			status = file_system_error(error, "open the folder", connection->database->folder);
	}
	if (status) {
		free(connection);
		return status;
	}
	*out_connection = connection;
	return CONSORT_OK;
}

static void connection_close(void *object, const struct consort_call *call)
{
	struct file_connection *connection = object;

	(void)call;
	free(connection->identity);
	free(connection);
}

static uint32_t connection_ping(void *object, const struct consort_call *call, struct consort_error *error)
{
	struct file_connection *connection = object;
	uint32_t status = file_check(connection, call, error);

	return status ? status : check_folder(connection->database, error);
}

static uint32_t connection_reset(void *object, const struct consort_call *call, struct consort_error *error)
{
	struct file_connection *connection = object;

	connection->cancelled = 0;
	return file_check(connection, call, error);
}

static void connection_info(void *object, struct consort_connection_info *info)
{
	struct file_connection *connection = object;

	info->server = "a folder of files";
	info->identity = connection->identity;
	info->user = "";
}

static void connection_cancel(void *object)
{
	((struct file_connection *)object)->cancelled = 1;
}

const struct consort_connection_ops file_connection_ops = {
	.struct_size = sizeof(file_connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = consort_plain_abandon,
	.features = consort_plain_features,
	.info = connection_info,
	.cancel = connection_cancel,
};
