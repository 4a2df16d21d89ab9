/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_PLUGINS_H
#define CONSORT_PLUGINS_H

/*
 * Adapters on the plugin path, for tools: what is there, what it says of itself, why it is refused.
 *
 * The path: the manifest's plugin_path, then CONSORT_PLUGIN_PATH, the user's folder
 * ($XDG_DATA_HOME or ~/.local/share)/consort/plugins, the system's folder. The environment and the user's
 * folder are left out in a privileged process.
 */

#include <consort/error.h>
#include <consort/plugin.h>

CONSORT_BEGIN

/* "key_lookup", or NULL for a number that is no feature; and the reverse, -1 if unknown. */
CONSORT_EXPORT const char *consort_feature_name(uint32_t feature);
CONSORT_EXPORT int32_t consort_feature_find(const char *name);

/*
 * The plugin_path of a manifest, for the functions below: absolute folders, ':'-separated, "" if it names none.
 * *out_path: to be freed with consort_free. Errors: as consort_open for a manifest that is wrong. @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_plugins_path(const char *manifest, char **out_path,
							struct consort_error *error);

/* An adapter's file, as its note tells. Growing; valid during the callback. */
struct consort_plugin_file {
	uint32_t struct_size;
	uint16_t abi_major;
	uint16_t abi_minor;
	const char *path;
	const char *id;                    /* "" when error is set and the note could not be read */
	const char *version;
	struct consort_features features;
	const struct consort_error *error; /* why it would not be taken, or NULL */
};

typedef enum consort_status consort_plugin_file_fn(void *context, const struct consort_plugin_file *file);

/*
 * Calls fn for every consort-*.so on the path, in the path's order, from their notes alone: no plugin code
 * runs. plugin_path: a ':'-separated list to search first, or NULL. @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_plugins_list(const char *plugin_path, consort_plugin_file_fn *fn,
							void *context, struct consort_error *error);

/* The same for one type, with the first that has no error being the one that is taken; a folder of the path
 * that cannot be searched comes as a file with an error. Answers OK, or ENOPLUGIN when none can be taken. */
CONSORT_EXPORT enum consort_status consort_plugins_explain(const char *plugin_path, const char *type,
							   consort_plugin_file_fn *fn, void *context,
							   struct consort_error *error);

/*
 * Loads a file (a text with a '/') or type, runs its entry, and verifies all that open would verify.
 * *out_path: where it was found, to be freed with consort_free; may be NULL.
 * *out_plugin: its descriptor, valid as long as the process; may be NULL.
 */
CONSORT_EXPORT enum consort_status consort_plugins_load(const char *plugin_path, const char *file_or_type,
							char **out_path, const struct consort_plugin **out_plugin,
							struct consort_error *error);

/* The same in a child process, so that a plugin that crashes, hangs (10 s) or exits is only an error. */
CONSORT_EXPORT enum consort_status consort_plugins_check(const char *plugin_path, const char *file_or_type,
							 struct consort_error *error);

CONSORT_END

#endif
