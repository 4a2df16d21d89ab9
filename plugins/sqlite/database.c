/* SPDX-License-Identifier: Apache-2.0 */
/* Databases: what the options of a section say. Nothing is opened here. */
#include "sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/adapter.h>

static const char *const journals[] = {"wal", "delete", "truncate", "persist", "memory", "off"};
static const char *const levels[] = {"off", "normal", "full", "extra"};

static const struct consort_value *option(const struct consort_database_config *config, const char *name)
{
	return consort_setting_find(config->options, config->noptions, name);
}

/* Which of the words an option's text is; -1 if it is not given. */
static int choice(const struct consort_database_config *config, const char *name, const char *const *words,
		  int count)
{
	const struct consort_value *value = option(config, name);
	int i;

	for (i = 0; value && i < count; i++)
		if (strlen(words[i]) == value->as.view.size &&
		    !memcmp(words[i], value->as.view.data, value->as.view.size))
			return i;
	return -1;
}

static int64_t integer(const struct consort_database_config *config, const char *name, int64_t otherwise)
{
	const struct consort_value *value = option(config, name);

	return value && !consort_value_is_null(value) ? value->as.int64 : otherwise;
}

/* A manifest makes paths absolute, this one too. */
static bool is_memory(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, ":memory:");
}

static void free_database(struct lite_database *database)
{
	if (database->keeper)
		sqlite3_close(database->keeper);
	pthread_mutex_destroy(&database->lock);
	free(database->name);
	free(database->path);
	free(database);
}

/* The name of a store that the connections of one database share, and no other database of the process. */
static uint32_t name_store(struct lite_database *database, struct consort_error *error)
{
	static uint32_t counter;

	free(database->path);
	if (asprintf(&database->path, "file:/consort-%u?vfs=memdb",
		     __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED)) < 0) {
		database->path = NULL;
		return consort_error_no_memory(error);
	}
	database->memory = true;
	database->open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
	database->journal = "memory";
	return CONSORT_OK;
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	static const char *const modes[] = {"ro", "rw", "rwc"};
	static const int mode_flags[] = {SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE,
					 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
	const struct consort_value *path = option(config, "path");
	struct lite_database *database = calloc(1, sizeof(*database));
	int mode = choice(config, "mode", modes, 3), journal = choice(config, "journal", journals, 6);

	if (!database)
		return consort_error_no_memory(error);
	pthread_mutex_init(&database->lock, NULL);
	database->host = plugin;
	database->name = strdup(config->name);
	database->path = path ? strndup(path->as.view.data, path->as.view.size) : NULL;
	database->open_flags = mode_flags[mode < 0 ? 2 : mode];
	database->journal = journals[journal < 0 ? 0 : journal];
	database->synchronous = choice(config, "synchronous", levels, 4);
	database->busy_timeout = integer(config, "busy_timeout", 5000000000);
	database->cache_size = integer(config, "cache_size", 0);
	database->foreign_keys = integer(config, "foreign_keys", 1) != 0;
	if (!database->name || !database->path) {
		free_database(database);
		return consort_error_no_memory(error);
	}
	if (is_memory(database->path) && name_store(database, error)) {
		free_database(database);
		return CONSORT_ENOMEM;
	}
	*out_database = database;
	return CONSORT_OK;
}

static void database_close(void *context)
{
	free_database(context);
}

const struct consort_database_ops lite_database_ops = {
	.struct_size = sizeof(lite_database_ops),
	.open = database_open,
	.close = database_close,
};
