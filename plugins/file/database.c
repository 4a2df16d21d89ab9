/* SPDX-License-Identifier: Apache-2.0 */
/* A database is a folder, and a connection no more than the proof that it was there. */
#include "file.h"

#include <stdlib.h>
#include <sys/stat.h>

static void database_close(void *object)
{
	struct file_database *database = object;

	file_samples_free(database);
	pthread_mutex_destroy(&database->lock);
	free(database->name);
	free(database->folder);
	free(database->identity);
	free(database);
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct file_database *database = calloc(1, sizeof(*database));
	const struct consort_value *path = consort_setting_find(config->options, config->noptions, "path");

	if (!database)
		return consort_error_no_memory(error);
	pthread_mutex_init(&database->lock, NULL);
	database->host = plugin;
	database->name = strdup(config->name);
	database->folder = strndup(path->as.view.data, (size_t)path->as.view.size);
	if (database->folder)
		database->identity = realpath(database->folder, NULL);
	if (!database->identity && database->folder)
		database->identity = strdup(database->folder);
	if (!database->name || !database->identity) {
		database_close(database);
		return consort_error_no_memory(error);
	}
	*out_database = database;
	return CONSORT_OK;
}

const struct consort_database_ops file_database_ops = {
	.struct_size = sizeof(file_database_ops),
	.open = database_open,
	.close = database_close,
};

/* --- connection --- */

static uint32_t connection_ping(void *object, const struct consort_call *call, struct consort_error *error)
{
	const struct file_database *database = object;
	uint32_t status = consort_call_check(call, error);
	struct stat info;

	if (status)
		return status;
	if (stat(database->folder, &info))
		return file_system_error(error, "open the folder", database->folder);
	if (!S_ISDIR(info.st_mode))
		return consort_error_set(error, CONSORT_ECONNECTION,
					 "'%s' is not a folder; path names the folder that the files are in",
					 database->folder);
	return CONSORT_OK;
}

static uint32_t connection_open(void *database, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	uint32_t status = connection_ping(database, call, error);

	return status ? status : consort_plain_open(database, call, out_connection, error);
}

static void connection_info(void *object, struct consort_connection_info *info)
{
	const struct file_database *database = object;

	info->server = "a folder of files";
	info->identity = database->identity;
	info->user = "";
}

/* No call waits: each looks at its token with every buffer. */
static void connection_cancel(void *object)
{
	(void)object;
}

const struct consort_connection_ops file_connection_ops = {
	.struct_size = sizeof(file_connection_ops),
	.open = connection_open,
	.close = consort_plain_close,
	.ping = connection_ping,
	.reset = consort_plain_check,
	.abandon = consort_plain_abandon,
	.features = consort_plain_features,
	.info = connection_info,
	.cancel = connection_cancel,
};
