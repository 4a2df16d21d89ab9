/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens adapters, and remembers those that are open. A file stays mapped for ever (RTLD_NODELETE): client
 * libraries leave thread keys and callbacks behind that must not point into nothing.
 */
#include "loader/loader.h"

#include <dlfcn.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>

/* dlerror's text in English, whatever the program's locale: it is looked into, and goes into a sentence. */
static const char *dl_error(void)
{
	locale_t english = newlocale(LC_ALL_MASK, "C", NULL), former = uselocale(english);
	const char *text = dlerror();

	uselocale(former);
	if (english)
		freelocale(english);
	return text ? text : "for no given reason";
}

/* Fills `error` with a sentence about the file; its value is the status. */
#define REFUSE(status, path, format, ...) \
	consort_error_set(error, status, "%s: " format, path, ##__VA_ARGS__)

/* The dynamic linker names what it stumbled over before the first ": ". A path is a file that it found; a bare
 * name is a library that it found nowhere. */
static enum consort_status explain_dl_error(const char *path, struct consort_error *error)
{
	const char *text = dl_error(), *colon = strstr(text, ": "), *why = colon ? colon + 2 : text;
	const char *symbol = strstr(text, "undefined symbol: ");
	size_t size = colon ? (size_t)(colon - text) : 0;
	bool itself = size == strlen(path) && !memcmp(text, path, size);

	if (itself && symbol)
		return REFUSE(CONSORT_ELOAD, path, "uses the symbol %s, which none of its libraries has",
			      symbol + strlen("undefined symbol: "));
	if (itself)
		return REFUSE(CONSORT_ELOAD, path, "the dynamic linker refuses it: %s", why);
	if (size && !memchr(text, '/', size))
		return REFUSE(CONSORT_ELOAD, path, "the library %.*s that it needs is not installed, or is not on "
			      "the dynamic linker's path (%s)", (int)size, text, why);
	return REFUSE(CONSORT_ELOAD, path, "a library that it needs cannot be loaded: %s", text);
}

/* No entry that is known: tells what the file has instead. */
static enum consort_status explain_no_entry(void *library, const char *path, struct consort_error *error)
{
	char symbol[32];
	uint32_t major;

	for (major = CONSORT_ABI_MAJOR + 1; major < CONSORT_ABI_MAJOR + 10; major++) {
		snprintf(symbol, sizeof(symbol), "consort_plugin_entry_v%u", major);
		if (dlsym(library, symbol))
			return REFUSE(CONSORT_EABI, path, "has the entry of ABI %u, though its note tells of ABI "
				      "%u; this core supports %u", major, CONSORT_ABI_MAJOR, CONSORT_ABI_MAJOR);
	}
	return REFUSE(CONSORT_EABI, path, "exports no consort_plugin_entry_v%u; is it linked with the SDK's "
		      "plugin.map?", CONSORT_ABI_MAJOR);
}

enum consort_status consort_loader_open(const struct consort_candidate *candidate,
					const struct consort_plugin **out_plugin, struct consort_error *error)
{
	void *library = dlopen(candidate->canonical, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *symbol;
	const struct consort_plugin *plugin;
	consort_plugin_entry_fn *entry;
	enum consort_status status;

	if (!library)
		return explain_dl_error(candidate->canonical, error);
	/* the newest version that is known comes first; so far there is one */
	symbol = dlsym(library, "consort_plugin_entry_v1");
	if (!symbol)
		return explain_no_entry(library, candidate->canonical, error);
	memcpy(&entry, &symbol, sizeof(entry));
	plugin = entry();
	status = consort_loader_negotiate(plugin, candidate->canonical, &candidate->note,
					  consort_host_services(), error);
	if (!status)
		*out_plugin = plugin;
	return status;
}

/* --- what is loaded --- */

/* Loaded adapters by canonical path; grows only. The lock is held for look-up and insertion, never while plugin
 * code runs. */
static struct consort_map adapters;
static pthread_mutex_t adapters_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct consort_adapter *find_adapter(const char *path)
{
	const struct consort_adapter *adapter;

	pthread_mutex_lock(&adapters_lock);
	adapter = consort_map_get(&adapters, path);
	pthread_mutex_unlock(&adapters_lock);
	return adapter;
}

/* Another thread may have been faster; then its entry is taken. NULL: no memory. */
static const struct consort_adapter *add_adapter(const struct consort_plugin *plugin, const char *path)
{
	struct consort_adapter *adapter = malloc(sizeof(*adapter)), *there;
	char *copy = strdup(path);

	if (!adapter || !copy)
		goto fail;
	adapter->plugin = plugin;
	adapter->path = copy;
	pthread_mutex_lock(&adapters_lock);
	there = consort_map_get(&adapters, copy);
	if (!there && consort_map_put(&adapters, copy, adapter)) {
		pthread_mutex_unlock(&adapters_lock);
		return adapter;
	}
	pthread_mutex_unlock(&adapters_lock);
	free(copy);
	free(adapter);
	return there;
fail:
	free(copy);
	free(adapter);
	return NULL;
}

enum consort_status consort_loader_load(const struct consort_search *search, const char *type, const char *library,
					const struct consort_adapter **out_adapter, struct consort_error *error)
{
	struct consort_candidate candidate = {0};
	const struct consort_adapter *adapter = NULL;
	const struct consort_plugin *plugin;
	enum consort_status status;

	status = consort_loader_find(search, type, library, &candidate, error);
	if (status)
		return status;
	adapter = find_adapter(candidate.canonical);
	if (!adapter)
		status = consort_loader_open(&candidate, &plugin, error);
	if (!adapter && !status) {
		adapter = add_adapter(plugin, candidate.canonical);
		if (!adapter)
			status = consort_error_no_memory(error);
	}
	if (!status)
		*out_adapter = adapter;
	consort_candidate_clear(&candidate);
	return status;
}
