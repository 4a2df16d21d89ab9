/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: a manifest to databases, each with its adapter, its options checked and its masks, and a
 * catalogue. Nothing is connected to.
 */
#include "handle/handle.h"

#include <stdio.h>

const char *consort_version(void)
{
	return PACKAGE_VERSION;
}

void consort_free(void *memory)
{
	free(memory);
}

/* --- the root --- */

void consort_root_hold(struct consort_root *root)
{
	__atomic_add_fetch(&root->references, 1, __ATOMIC_RELAXED);
}

static void free_root(struct consort_root *root)
{
	bool forked = root->stamp != consort_fork_count;
	uint32_t i;

	/* compiled statements go before their databases */
	if (root->has_catalog) {
		uint32_t ndatabases = root->catalog.ndatabases;
		struct consort_database **databases = root->catalog.databases;

		if (!forked)
			consort_catalog_clear(&root->catalog);
		for (i = 0; i < ndatabases; i++)
			consort_database_close(databases[i], forked);
		free(databases);
	}
	for (i = 0; i < root->nplugins && !forked; i++)
		if (root->plugins[i].plugin->shutdown)
			root->plugins[i].plugin->shutdown(root->plugins[i].context);
	free(root->plugins);
	if (!forked)
		consort_tx_list_clear(&root->transactions);
	consort_log_close(root);
	consort_search_clear(&root->search);
	consort_manifest_free(root->manifest);
	free(root);
}

void consort_root_drop(struct consort_root *root)
{
	if (!__atomic_sub_fetch(&root->references, 1, __ATOMIC_ACQ_REL))
		free_root(root);
}

/* --- adapters --- */

static const struct consort_manifest_plugin *find_plugin_section(const struct consort_manifest *manifest,
								 const char *type)
{
	uint32_t i;

	for (i = 0; i < manifest->nplugins; i++)
		if (!strcmp(manifest->plugins[i].name, type))
			return &manifest->plugins[i];
	return NULL;
}

/* The plugin's context in this manifest, made when it is first used. */
static enum consort_status use_plugin(struct consort_root *root, const struct consort_plugin *plugin,
				      void **out_context, struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_used_plugin *plugins;
	void *context = NULL;
	uint32_t i, status;

	for (i = 0; i < root->nplugins; i++) {
		if (root->plugins[i].plugin == plugin) {
			*out_context = root->plugins[i].context;
			return CONSORT_OK;
		}
	}
	plugins = realloc(root->plugins, (root->nplugins + 1) * sizeof(*plugins));
	if (!plugins)
		return consort_error_no_memory(error);
	root->plugins = plugins;
	status = plugin->init(consort_host_services(), &context, &local);
	if (status) {
		consort_error_set(error, status < CONSORT_STATUS_COUNT ? status : CONSORT_EPROTOCOL,
				  "the adapter '%s' could not be initialised: %s", plugin->id,
				  consort_error_text(&local));
		return status < CONSORT_STATUS_COUNT ? (enum consort_status)status : CONSORT_EPROTOCOL;
	}
	plugins[root->nplugins].plugin = plugin;
	plugins[root->nplugins++].context = context;
	*out_context = context;
	return CONSORT_OK;
}

static enum consort_status unknown_feature(const struct consort_manifest_entry *where, const char *word,
					   struct consort_error *error)
{
	const char *names[CONSORT_FEATURE_COUNT];
	char hint[160];
	uint32_t i;

	for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
		names[i] = consort_feature_name(i);
	return consort_manifest_fail(
		error, CONSORT_EMANIFEST, where, "unknown feature '%s'%s", word,
		consort_hint(consort_nearest(word, names, CONSORT_FEATURE_COUNT), hint, sizeof(hint)));
}

/* Takes "-join -filter" away from a mask. where may be NULL: nothing. */
static enum consort_status take_away(struct consort_features *mask,
				     const struct consort_manifest_entry *where, struct consort_error *error)
{
	static const char between[] = " \t,";
	const char *at = where ? where->value : "";
	char word[64];

	while (*(at += strspn(at, between))) {
		size_t size = strcspn(at, between);
		int32_t feature;

		snprintf(word, sizeof(word), "%.*s", (int)size, at);
		at += size;
		if (word[0] != '-')
			return consort_manifest_fail(error, CONSORT_EMANIFEST, where,
						     "features can only be taken away: write '-%s'", word);
		feature = consort_feature_find(word + 1);
		if (feature < 0)
			return unknown_feature(where, word + 1, error);
		consort_features_remove(mask, (uint32_t)feature);
	}
	return CONSORT_OK;
}

/* --- databases --- */

/* The adapter of its type, initialised. */
static enum consort_status find_adapter(struct consort_root *root,
					const struct consort_manifest_database *declared,
					const struct consort_manifest_plugin *section,
					const struct consort_adapter **out_adapter, void **out_context,
					struct consort_error *error)
{
	const char *library = section ? section->library : NULL;
	enum consort_status status;

	status = consort_loader_load(&root->search, declared->type, library, out_adapter, error);
	if (!status)
		status = use_plugin(root, (*out_adapter)->plugin, out_context, error);
	if (!status)
		return CONSORT_OK;
	consort_error_prefix(error, "database '%s'", declared->name);
	consort_manifest_blame(error, library ? section->where_library : declared->where_type);
	return status;
}

/* The line that an adapter complains of: the option's, if it names one of them, or the section's. */
static const struct consort_manifest_entry *line_of(const struct consort_manifest_database *declared,
						    const struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < declared->noptions; i++)
		if (!strcmp(declared->options[i].key, error->attribute))
			return &declared->options[i];
	return declared->where;
}

static enum consort_status open_database(struct consort_root *root,
					 const struct consort_manifest_database *declared,
					 const struct consort_manifest_plugin *section,
					 struct consort_database_config *config,
					 struct consort_database **out_database, struct consort_error *error)
{
	const struct consort_adapter *adapter = NULL;
	const struct consort_setting *masked = NULL;
	enum consort_status status;
	void *context = NULL;

	status = find_adapter(root, declared, section, &adapter, &context, error);
	if (!status)
		status = consort_settings_check(root->manifest, adapter->plugin, CONSORT_OPTION_DATABASE,
						declared->options, declared->noptions, declared->where,
						&config->options, &masked, &config->noptions, error);
	if (status)
		return status;
	status = consort_database_open(adapter->plugin, context, config, out_database, error);
	if (status) {
		consort_manifest_blame(error, line_of(declared, error));
		return status;
	}
	(*out_database)->plugin_path = adapter->path;
	(*out_database)->options = masked;
	(*out_database)->noptions = config->noptions;
	(*out_database)->pool.options = declared->pool;
	return CONSORT_OK;
}

/* Can the rest do without a database that failed so? What the manifest has wrong is to be put right. */
static bool can_be_absent(const struct consort_manifest_database *declared, enum consort_status status)
{
	return declared->optional && status != CONSORT_ENOMEM && status != CONSORT_EMANIFEST &&
	       status != CONSORT_EOPTION && status != CONSORT_EVALUE;
}

static enum consort_status leave_out(const struct consort_manifest_database *declared,
				     const struct consort_database_config *config,
				     struct consort_database **out_database, struct consort_error *error)
{
	const struct consort_error why = *error;
	struct consort_error told = why;

	consort_error_prefix(&told, "goes on without this database, which is optional");
	consort_host_services()->log(CONSORT_LOG_WARNING, declared->name, told.message);
	*error = (struct consort_error)CONSORT_ERROR_INIT;
	return consort_database_absent(declared->type, config, &why, out_database, error);
}

static enum consort_status add_database(struct consort_root *root,
					const struct consort_manifest_database *declared,
					struct consort_error *error)
{
	const struct consort_manifest_plugin *section = find_plugin_section(root->manifest, declared->type);
	struct consort_database_config *config = consort_arena_alloc(&root->manifest->arena, sizeof(*config));
	struct consort_catalog *catalog = &root->catalog;
	struct consort_database *database = NULL;
	enum consort_status status;

	if (!config)
		return consort_error_no_memory(error);
	config->struct_size = sizeof(*config);
	config->name = declared->name;
	status = open_database(root, declared, section, config, &database, error);
	if (status && can_be_absent(declared, status))
		status = leave_out(declared, config, &database, error);
	if (status)
		return status;
	catalog->databases[catalog->ndatabases] = database;
	database->index = catalog->ndatabases++;
	database->expose_all = declared->expose_all;
	database->timeout = declared->timeout;
	if (section)
		status = take_away(&database->manifest_mask, section->features, error);
	if (!status)
		status = take_away(&database->manifest_mask, declared->features, error);
	if (!status && !consort_map_put(&catalog->databases_by_name, declared->name, database))
		status = consort_error_no_memory(error);
	return status;
}

static enum consort_status fill_root(struct consort_root *root, const struct consort_open_options *options,
				     struct consort_error *error)
{
	struct consort_features unused = {{0, 0}}; /* sections that no database uses are checked too */
	struct consort_manifest *manifest;
	struct consort_error spare;
	const char *const *text;
	enum consort_status status = consort_manifest_read(options->path, &root->manifest, error);
	uint32_t i;

	if (status)
		return status;
	consort_error_need(&error, &spare);
	manifest = root->manifest;
	for (text = options->databases; !status && text && *text; text++)
		status = consort_manifest_add(manifest, *text, error);
	if (!status)
		status = consort_log_open(root, options, error);
	if (!status)
		status = consort_search_init(&root->search, manifest->plugin_path, error);
	if (status)
		return status;
	root->has_catalog = true;
	root->catalog.manifest = manifest;
	root->catalog.access_free = consort_access_free;
	root->catalog.databases =
		calloc(manifest->ndatabases ? manifest->ndatabases : 1, sizeof(*root->catalog.databases));
	consort_catalog_prepare(&root->catalog);
	if (!root->catalog.databases)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < manifest->nplugins; i++)
		status = take_away(&unused, manifest->plugins[i].features, error);
	for (i = 0; !status && i < manifest->ndatabases; i++)
		status = add_database(root, &manifest->databases[i], error);
	if (!status)
		status = consort_catalog_init(&root->catalog, error);
	return status;
}

static enum consort_status check_options(const struct consort_open_options *options,
					 struct consort_error *error)
{
	if (options->struct_size < sizeof(*options))
		return consort_error_set(error, CONSORT_EINVAL,
					 "consort_open_options.struct_size is not set");
	if (options->flags)
		return consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x to open with",
					 options->flags);
	return CONSORT_OK;
}

enum consort_status consort_open_with(const struct consort_open_options *options,
				      struct consort **out_consort, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, options, out_consort);
	struct consort_root *root = NULL;
	struct consort *c = NULL;

	if (!status)
		status = check_options(options, error);
	if (status)
		return status;
	root = calloc(1, sizeof(*root));
	c = calloc(1, sizeof(*c));
	if (!root || !c) {
		free(root);
		free(c);
		return consort_error_no_memory(error);
	}
	root->references = 1;
	root->stamp = consort_fork_count;
	consort_tx_list_init(&root->transactions);
	status = fill_root(root, options, error);
	if (status) {
		if (error)
			consort_scrub_error(error);
		consort_root_drop(root);
		free(c);
		return status;
	}
	c->references = 1;
	c->root = root;
	c->memory_limit = root->manifest->memory_limit;
	*out_consort = c;
	return CONSORT_OK;
}

enum consort_status consort_open(const char *path, struct consort **out_consort, struct consort_error *error)
{
	const struct consort_open_options options = {.struct_size = sizeof(options), .path = path};
	enum consort_status status = CONSORT_NEED(error, path, out_consort);

	return status ? status : consort_open_with(&options, out_consort, error);
}

/* --- for tools --- */

enum consort_status consort_plugins_path(const char *manifest, char **out_path, struct consort_error *error)
{
	struct consort_manifest *read;
	enum consort_status status = CONSORT_NEED(error, manifest, out_path);
	char *path;

	if (!status)
		status = consort_manifest_read(manifest, &read, error);
	if (status)
		return status;
	path = strdup(read->plugin_path ? read->plugin_path : "");
	consort_manifest_free(read);
	if (!path)
		return consort_error_no_memory(error);
	*out_path = path;
	return CONSORT_OK;
}
