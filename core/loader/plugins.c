/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions of consort/plugins.h: listing, explaining, loading and checking adapters for tools. */
#include "loader/loader.h"

#define CHECK_MILLISECONDS 10000

struct listing {
	consort_plugin_file_fn *fn;
	void *context;
	enum consort_status status; /* fn's, when it ended the walk */
	bool taken;                 /* one came that has no error */
};

static bool list_candidate(void *context, const struct consort_candidate *candidate)
{
	struct listing *listing = context;
	const struct consort_plugin_file file = {
		.struct_size = sizeof(file),
		.abi_major = candidate->note.abi_major,
		.abi_minor = candidate->note.abi_minor,
		.path = candidate->path,
		.id = candidate->note.id,
		.version = candidate->note.version,
		.features = candidate->note.features,
		.error = candidate->error.status ? &candidate->error : NULL,
	};

	if (!file.error)
		listing->taken = true;
	listing->status = listing->fn(listing->context, &file);
	return !listing->status;
}

static enum consort_status walk(const char *plugin_path, const char *type, struct listing *listing,
				struct consort_error *error)
{
	struct consort_search search;
	enum consort_status status;

	status = consort_search_init(&search, plugin_path, error);
	if (status)
		return status;
	status = consort_search_walk(&search, type, list_candidate, listing, error);
	consort_search_clear(&search);
	if (!status && listing->status)
		status = consort_error_set(error, listing->status, "the caller ended the listing of adapters");
	return status;
}

enum consort_status consort_plugins_list(const char *plugin_path, consort_plugin_file_fn *fn, void *context,
					 struct consort_error *error)
{
	struct listing listing = {.fn = fn, .context = context};
	enum consort_status status = CONSORT_NEED(error, fn);

	return status ? status : walk(plugin_path, NULL, &listing, error);
}

enum consort_status consort_plugins_explain(const char *plugin_path, const char *type, consort_plugin_file_fn *fn,
					    void *context, struct consort_error *error)
{
	struct listing listing = {.fn = fn, .context = context};
	enum consort_status status = CONSORT_NEED(error, type, fn);

	if (!status)
		status = walk(plugin_path, type, &listing, error);
	if (!status && !listing.taken)
		status = consort_error_set(error, CONSORT_ENOPLUGIN,
					   "no adapter of type '%.64s' can be taken from the plugin path", type);
	return status;
}

/* A text with a '/' is a file, any other one a type. */
static const char *as_file(const char *file_or_type)
{
	return strchr(file_or_type, '/') ? file_or_type : NULL;
}

static const char *as_type(const char *file_or_type)
{
	return strchr(file_or_type, '/') ? NULL : file_or_type;
}

enum consort_status consort_plugins_load(const char *plugin_path, const char *file_or_type, char **out_path,
					 const struct consort_plugin **out_plugin, struct consort_error *error)
{
	const struct consort_adapter *adapter = NULL;
	struct consort_search search;
	enum consort_status status = CONSORT_NEED(error, file_or_type);
	char *path = NULL;

	if (!status)
		status = consort_search_init(&search, plugin_path, error);
	if (status)
		return status;
	status = consort_loader_load(&search, as_type(file_or_type), as_file(file_or_type), &adapter, error);
	consort_search_clear(&search);
	if (status)
		return status;
	if (out_path) {
		path = strdup(adapter->path);
		if (!path)
			return consort_error_no_memory(error);
		*out_path = path;
	}
	if (out_plugin)
		*out_plugin = adapter->plugin;
	return CONSORT_OK;
}

enum consort_status consort_plugins_check(const char *plugin_path, const char *file_or_type,
					  struct consort_error *error)
{
	struct consort_candidate candidate = {0};
	struct consort_search search;
	enum consort_status status = CONSORT_NEED(error, file_or_type);

	if (!status)
		status = consort_search_init(&search, plugin_path, error);
	if (status)
		return status;
	status = consort_loader_find(&search, as_type(file_or_type), as_file(file_or_type), &candidate, error);
	consort_search_clear(&search);
	if (!status)
		status = consort_loader_try(&candidate, CHECK_MILLISECONDS, error);
	consort_candidate_clear(&candidate);
	return status;
}
