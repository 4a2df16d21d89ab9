/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections whose keys are a table: [consort], [plugin NAME], [database NAME]. What a database's table
 * does not know is the adapter's option; elsewhere it is an error.
 */
#include <stddef.h>
#include <stdio.h>

#include <consort/host.h>
#include <consort/plugin.h>

#include "manifest/source.h"

#define MOST_CONNECTIONS 65535
#define ENTRY UINT32_MAX /* of a key: the entry itself is kept */

/* --- keys with a value of a type --- */

/* A key that a section knows. */
struct key {
	const char *name;
	uint32_t type; /* enum consort_option_type; ENTRY; 0: nothing is to be done */
	size_t offset; /* of the value in the object, with the type that fits */
	/* in place of a type */
	enum consort_status (*read)(struct consort_manifest *manifest,
				    const struct consort_manifest_entry *entry, void *object,
				    struct consort_error *error);
};

static enum consort_status read_key(struct consort_manifest *manifest,
				    const struct consort_manifest_entry *entry, const struct key *key,
				    void *object, struct consort_error *error)
{
	struct consort_option option = {.struct_size = sizeof(option), .type = key->type, .name = key->name};
	void *place = (char *)object + key->offset;
	struct consort_value value;
	enum consort_status status;

	if (key->read)
		return key->read(manifest, entry, object, error);
	if (key->type == ENTRY)
		*(const struct consort_manifest_entry **)place = entry;
	if (!key->type || key->type == ENTRY)
		return CONSORT_OK;
	status = consort_manifest_option(manifest, entry, &option, &value, error);
	if (status)
		return status;
	switch (key->type) {
	case CONSORT_OPTION_INT:
		if (value.as.int64 < 0 || value.as.int64 > MOST_CONNECTIONS)
			return consort_manifest_fail(error, CONSORT_EVALUE, entry, "%s: '%s' must be 0 to %d",
						     entry->key, entry->shown, MOST_CONNECTIONS);
		*(uint32_t *)place = (uint32_t)value.as.int64;
		break;
	case CONSORT_OPTION_BOOL:
		*(bool *)place = value.as.int64 != 0;
		break;
	case CONSORT_OPTION_DURATION:
		*(int64_t *)place = value.as.int64;
		break;
	case CONSORT_OPTION_SIZE:
		*(uint64_t *)place = (uint64_t)value.as.int64;
		break;
	default:
		*(const char **)place = value.as.view.data;
	}
	return CONSORT_OK;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static const char *nearest_key(const struct key *keys, const char *name)
{
	const char *names[16];
	size_t count;

	for (count = 0; keys[count].name && count < sizeof(names) / sizeof(names[0]); count++)
		names[count] = keys[count].name;
	return consort_nearest(name, names, count);
}

/* "[database core]" */
static const char *section_text(const struct consort_manifest_section *section, char *out, size_t size)
{
	const struct consort_manifest_entry *where = section->where;

	snprintf(out, size, "[%s%s%s]", where->key, *where->value ? " " : "", where->value);
	return out;
}

static enum consort_status fail_key(const struct consort_manifest_section *section,
				    const struct consort_manifest_entry *entry, const char *nearest,
				    struct consort_error *error)
{
	char hint[160], text[192];

	return consort_manifest_fail(error, CONSORT_EMANIFEST, entry, "unknown key '%s' in %s%s", entry->key,
				     section_text(section, text, sizeof(text)),
				     consort_hint(nearest, hint, sizeof(hint)));
}

/* --- [consort] --- */

static enum consort_status read_log(struct consort_manifest *manifest,
				    const struct consort_manifest_entry *entry, void *object,
				    struct consort_error *error)
{
	static const char *const levels[] = {"error", "warning", "info", "debug"};
	const char *colon = strrchr(entry->value, ':');
	size_t size = strlen(entry->value);
	uint32_t level = CONSORT_LOG_INFO;
	const char *path;
	char hint[64];

	(void)object;
	manifest->where_log = entry;
	if (colon && !strchr(colon, '/')) {
		for (level = CONSORT_LOG_ERROR;
		     level <= CONSORT_LOG_DEBUG && strcmp(colon + 1, levels[level - 1]); level++)
			;
		if (level > CONSORT_LOG_DEBUG)
			return consort_manifest_fail(
				error, CONSORT_EVALUE, entry,
				"log: '%s' must end with :error, :warning, :info or :debug%s", entry->shown,
				consort_hint(consort_nearest(colon + 1, levels, 4), hint, sizeof(hint)));
		size = (size_t)(colon - entry->value);
	}
	if (!size)
		return consort_manifest_fail(error, CONSORT_EVALUE, entry,
					     "log: 'stderr' or a file's path is missing");
	path = consort_arena_copy(&manifest->arena, entry->value, size);
	if (path && !strcmp(path, "stderr")) {
		manifest->log_level = level;
		return CONSORT_OK;
	}
	path = path ? consort_manifest_path(manifest, entry, path) : NULL;
	if (!path)
		return consort_error_no_memory(error);
	manifest->log_file = path;
	manifest->log_level = level;
	return CONSORT_OK;
}

static enum consort_status read_plugin_path(struct consort_manifest *manifest,
					    const struct consort_manifest_entry *entry, void *object,
					    struct consort_error *error)
{
	const char *at, *end, *folder, *path = NULL;

	(void)object;
	for (at = entry->value;; at = end + 1) {
		end = strchrnul(at, ':');
		if (end == at)
			return consort_manifest_fail(error, CONSORT_EVALUE, entry,
						     "plugin_path: a folder is missing");
		folder = consort_arena_copy(&manifest->arena, at, (size_t)(end - at));
		folder = folder ? consort_manifest_path(manifest, entry, folder) : NULL;
		if (folder)
			path = path ? consort_arena_printf(&manifest->arena, "%s:%s", path, folder) : folder;
		if (!folder || !path)
			return consort_error_no_memory(error);
		if (!*end)
			break;
	}
	manifest->plugin_path = path;
	return CONSORT_OK;
}

static const struct key consort_keys[] = {
	{"plugin_path", .read = read_plugin_path},
	{"log", .read = read_log},
	{"state", CONSORT_OPTION_PATH, offsetof(struct consort_manifest, state), NULL},
	{.name = "include"}, /* include.c has followed it */
	{"memory_limit", CONSORT_OPTION_SIZE, offsetof(struct consort_manifest, memory_limit), NULL},
	{.name = NULL},
};

/* --- [plugin NAME] --- */

/* A path is made absolute; a name is for the plugin path. */
static enum consort_status read_library(struct consort_manifest *manifest,
					const struct consort_manifest_entry *entry, void *object,
					struct consort_error *error)
{
	struct consort_manifest_plugin *plugin = object;

	if (!*entry->value)
		return consort_manifest_fail(error, CONSORT_EVALUE, entry,
					     "library: a file's name or path is missing");
	plugin->where_library = entry;
	plugin->library = strchr(entry->value, '/') ? consort_manifest_path(manifest, entry, entry->value)
						    : entry->value;
	return plugin->library ? CONSORT_OK : consort_error_no_memory(error);
}

static const struct key plugin_keys[] = {
	{"library", .read = read_library},
	{"features", ENTRY, offsetof(struct consort_manifest_plugin, features), NULL},
	{.name = NULL},
};

/* --- [database NAME] --- */

static enum consort_status read_type(struct consort_manifest *manifest,
				     const struct consort_manifest_entry *entry, void *object,
				     struct consort_error *error)
{
	struct consort_manifest_database *database = object;
	const char *c;

	(void)manifest;
	for (c = entry->value; (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			       (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
	     c++)
		;
	if (*c || c == entry->value)
		return consort_manifest_fail(error, CONSORT_EVALUE, entry,
					     "type: '%s' must be letters, digits, '_' and '-'", entry->shown);
	database->type = entry->value;
	database->where_type = entry;
	return CONSORT_OK;
}

static enum consort_status read_resources(struct consort_manifest *manifest,
					  const struct consort_manifest_entry *entry, void *object,
					  struct consort_error *error)
{
	(void)manifest;
	if (strcmp(entry->value, "*"))
		return consort_manifest_fail(error, CONSORT_EVALUE, entry,
					     "resources: '%s' must be *; what is not exposed whole is "
					     "declared by [resource NAME]",
					     entry->shown);
	((struct consort_manifest_database *)object)->expose_all = true;
	return CONSORT_OK;
}

#define SECONDS(n) ((int64_t)(n)*1000000000)

const struct consort_pool_options consort_pool_defaults = {
	.max = 10,
	.acquire_timeout = SECONDS(30),
	.idle_timeout = SECONDS(600),
	.max_lifetime = SECONDS(1800),
	.keepalive = SECONDS(1),
};

#define IN_DATABASE(member) offsetof(struct consort_manifest_database, member), NULL

static const struct key database_keys[] = {
	{"type", .read = read_type},
	{"resources", .read = read_resources},
	{"optional", CONSORT_OPTION_BOOL, IN_DATABASE(optional)},
	{"timeout", CONSORT_OPTION_DURATION, IN_DATABASE(timeout)},
	{"features", ENTRY, IN_DATABASE(features)},
	{"pool.max", CONSORT_OPTION_INT, IN_DATABASE(pool.max)},
	{"pool.min", CONSORT_OPTION_INT, IN_DATABASE(pool.min)},
	{"pool.acquire_timeout", CONSORT_OPTION_DURATION, IN_DATABASE(pool.acquire_timeout)},
	{"pool.idle_timeout", CONSORT_OPTION_DURATION, IN_DATABASE(pool.idle_timeout)},
	{"pool.max_lifetime", CONSORT_OPTION_DURATION, IN_DATABASE(pool.max_lifetime)},
	{"pool.keepalive", CONSORT_OPTION_DURATION, IN_DATABASE(pool.keepalive)},
	{"pool.leak_warn", CONSORT_OPTION_DURATION, IN_DATABASE(pool.leak_warn)},
	{.name = NULL},
};

/* A required key that is not there: a mistyped one is among the options. */
static enum consort_status fail_missing(const struct consort_manifest_section *section,
					const struct consort_manifest_entry *options, uint32_t noptions,
					const char *key, struct consort_error *error)
{
	uint32_t i;
	char text[192];

	for (i = 0; i < noptions; i++)
		if (consort_nearest(options[i].key, &key, 1))
			return fail_key(section, &options[i], key, error);
	return consort_manifest_fail(error, CONSORT_EMANIFEST, section->where, "%s has no '%s'",
				     section_text(section, text, sizeof(text)), key);
}

static enum consort_status read_database(struct consort_manifest *manifest,
					 const struct consort_manifest_section *section,
					 struct consort_manifest_database *out_database,
					 struct consort_error *error)
{
	struct consort_manifest_database database = {
		.name = section->where->value, .pool = consort_pool_defaults, .where = section->where};
	struct consort_manifest_entry *options;
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	if (strpbrk(section->where->value, ".,"))
		return consort_manifest_fail(error, CONSORT_EMANIFEST, section->where,
					     "the database's name '%s' must not have a dot or comma: they "
					     "stand behind it in 'database.table' and in lists",
					     section->where->value);
	options = consort_arena_array(&manifest->arena, section->nentries, sizeof(*options));
	if (!options)
		return consort_error_no_memory(error);
	for (i = 0; i < section->nentries && !status; i++) {
		const struct consort_manifest_entry *entry = &section->entries[i];
		const struct key *key = find_key(database_keys, entry->key);

		if (key)
			status = read_key(manifest, entry, key, &database, error);
		else if (!strncmp(entry->key, "pool.", 5))
			status = fail_key(section, entry, nearest_key(database_keys, entry->key), error);
		else
			options[database.noptions++] = *entry;
	}
	if (status)
		return status;
	if (!database.type)
		return fail_missing(section, options, database.noptions, "type", error);
	if (!database.pool.max)
		return consort_manifest_fail(error, CONSORT_EVALUE, section->where,
					     "pool.max must be 1 at least");
	if (database.pool.min > database.pool.max)
		return consort_manifest_fail(error, CONSORT_EVALUE, section->where,
					     "pool.min (%u) is more than pool.max (%u)", database.pool.min,
					     database.pool.max);
	database.options = options;
	*out_database = database;
	return CONSORT_OK;
}

/* --- any section --- */

/* One whose keys are all known. */
static enum consort_status read_keys(struct consort_manifest *manifest,
				     const struct consort_manifest_section *section, const struct key *keys,
				     void *object, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	uint32_t i;

	for (i = 0; i < section->nentries && !status; i++) {
		const struct consort_manifest_entry *entry = &section->entries[i];
		const struct key *key = find_key(keys, entry->key);

		status = key ? read_key(manifest, entry, key, object, error)
			     : fail_key(section, entry, nearest_key(keys, entry->key), error);
	}
	return status;
}

static enum consort_status read_plugin(struct consort_manifest *manifest,
				       const struct consort_manifest_section *section,
				       struct consort_manifest_plugin *out_plugin,
				       struct consort_error *error)
{
	struct consort_manifest_plugin plugin = {.name = section->where->value, .where = section->where};
	enum consort_status status = read_keys(manifest, section, plugin_keys, &plugin, error);

	if (!status)
		*out_plugin = plugin;
	return status;
}

static enum consort_status read_resource(struct consort_manifest *manifest,
					 const struct consort_manifest_section *section,
					 struct consort_manifest_resource *out_resource,
					 struct consort_error *error)
{
	enum consort_status status = consort_manifest_resource(manifest, section, out_resource, error);

	if (!status && !out_resource->database)
		return fail_missing(section, out_resource->options, out_resource->noptions, "database",
				    error);
	return status;
}

enum consort_status consort_manifest_section(struct consort_manifest *manifest,
					     const struct consort_manifest_section *section, void *object,
					     struct consort_error *error)
{
	enum consort_status status;

	if (section->kind == CONSORT_MANIFEST_CONSORT && *section->where->value)
		return consort_manifest_fail(error, CONSORT_EMANIFEST, section->where,
					     "[consort] takes no name");
	if (section->kind == CONSORT_MANIFEST_CONSORT)
		return read_keys(manifest, section, consort_keys, object, error);
	status = consort_manifest_name(section->where, section->where->key, section->where->value, error);
	if (status)
		return status;
	switch (section->kind) {
	case CONSORT_MANIFEST_PLUGIN:
		return read_plugin(manifest, section, object, error);
	case CONSORT_MANIFEST_DATABASE:
		return read_database(manifest, section, object, error);
	default:
		return read_resource(manifest, section, object, error);
	}
}
