/* SPDX-License-Identifier: Apache-2.0 */
/* From sections to the manifest: what sections have to agree on, and databases added by text. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "manifest/source.h"

/* What a manifest may take: 64 MiB of files need less, but ${file:…} can be told often. */
#define MOST_MEMORY ((uint64_t)2 << 30)

/* --- errors --- */

enum consort_status consort_manifest_fail(struct consort_error *error, enum consort_status status,
					  const struct consort_manifest_entry *where, const char *format, ...)
{
	char text[sizeof(error->message)];
	va_list arguments;

	if (!error)
		return status;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	consort_error_set(error, status, "%s", text);
	if (where)
		consort_manifest_blame(error, where);
	return status;
}

void consort_manifest_blame(struct consort_error *error, const struct consort_manifest_entry *where)
{
	if (where->line)
		consort_error_prefix(error, "%s:%u", where->file, where->line);
	else
		consort_error_prefix(error, "%s", where->file);
}

/* Is there a control character (ASCII's, or U+0080 to U+009F)? */
static bool has_control(const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0))
			return true;
	}
	return false;
}

enum consort_status consort_manifest_name(const struct consort_manifest_entry *where, const char *noun,
					  const char *name, struct consort_error *error)
{
	size_t size = strlen(name);

	if (!size)
		return consort_manifest_fail(error, CONSORT_EMANIFEST, where, "the %s's name is missing",
					     noun);
	if (size > CONSORT_MANIFEST_NAME)
		return consort_manifest_fail(error, CONSORT_EMANIFEST, where,
					     "the %s's name has %zu bytes, at most %u are allowed", noun,
					     size, CONSORT_MANIFEST_NAME);
	if (has_control(name) || *name == ' ' || name[size - 1] == ' ')
		return consort_manifest_fail(error, CONSORT_EMANIFEST, where,
					     "the %s's name has a control character, or a space at an end",
					     noun);
	return CONSORT_OK;
}

/* --- from sections to the manifest --- */

struct build {
	struct consort_manifest *manifest;
	const struct consort_manifest_source *source;
	struct consort_error *error;
	struct consort_map names[CONSORT_MANIFEST_KINDS]; /* of each kind of section, to its object */
	struct consort_map keys;			  /* of [consort] in any file, to their entries */
};

static const struct consort_manifest_entry *where_of(uint32_t kind, const void *object)
{
	switch (kind) {
	case CONSORT_MANIFEST_PLUGIN:
		return ((const struct consort_manifest_plugin *)object)->where;
	case CONSORT_MANIFEST_DATABASE:
		return ((const struct consort_manifest_database *)object)->where;
	default:
		return ((const struct consort_manifest_resource *)object)->where;
	}
}

/* Each file may have a [consort], but a key of it only one place (`include` is each file's own). */
static enum consort_status check_keys(struct build *build, const struct consort_manifest_section *section)
{
	const struct consort_manifest_entry *first;
	uint32_t i;

	for (i = 0; i < section->nentries; i++) {
		const struct consort_manifest_entry *entry = &section->entries[i];

		if (!strcmp(entry->key, "include"))
			continue;
		first = consort_map_get(&build->keys, entry->key);
		if (first)
			return consort_manifest_fail(build->error, CONSORT_EMANIFEST, entry,
						     "'%s' of [consort] is given twice, first at %s:%u",
						     first->key, first->file, first->line);
		if (!consort_map_put(&build->keys, entry->key, (void *)(uintptr_t)entry))
			return consort_error_no_memory(build->error);
	}
	return CONSORT_OK;
}

/* Makes the section's object, the next of its kind. */
static enum consort_status add_section(struct build *build, const struct consort_manifest_section *section)
{
	struct consort_manifest *manifest = build->manifest;
	struct consort_map *names = &build->names[section->kind];
	const struct consort_manifest_entry *where = section->where, *first;
	enum consort_status status;
	void *object = manifest;

	if (section->kind == CONSORT_MANIFEST_CONSORT) {
		status = check_keys(build, section);
		if (status)
			return status;
		return consort_manifest_section(manifest, section, object, build->error);
	}
	object = consort_map_get(names, where->value);
	if (object) {
		first = where_of(section->kind, object);
		return consort_manifest_fail(build->error, CONSORT_EMANIFEST, where,
					     "[%s %s] stands twice, first at %s:%u", where->key, where->value,
					     first->file, first->line);
	}
	if (section->kind == CONSORT_MANIFEST_PLUGIN)
		object = &manifest->plugins[manifest->nplugins++];
	else if (section->kind == CONSORT_MANIFEST_DATABASE)
		object = &manifest->databases[manifest->ndatabases++];
	else
		object = &manifest->resources[manifest->nresources++];
	status = consort_manifest_section(manifest, section, object, build->error);
	if (!status && !consort_map_put(names, where->value, object))
		status = consort_error_no_memory(build->error);
	return status;
}

static bool make_arrays(struct build *build)
{
	struct consort_manifest *manifest = build->manifest;
	uint32_t counts[CONSORT_MANIFEST_KINDS] = {0}, i;

	for (i = 0; i < build->source->nsections; i++)
		counts[build->source->sections[i].kind]++;
	manifest->plugins = consort_arena_array(&manifest->arena, counts[CONSORT_MANIFEST_PLUGIN],
						sizeof(*manifest->plugins));
	manifest->databases = consort_arena_array(&manifest->arena, counts[CONSORT_MANIFEST_DATABASE],
						  sizeof(*manifest->databases));
	manifest->resources = consort_arena_array(&manifest->arena, counts[CONSORT_MANIFEST_RESOURCE],
						  sizeof(*manifest->resources));
	manifest->database_capacity = counts[CONSORT_MANIFEST_DATABASE];
	return manifest->plugins && manifest->databases && manifest->resources &&
	       consort_map_reserve(&build->names[CONSORT_MANIFEST_RESOURCE], counts[CONSORT_MANIFEST_RESOURCE]);
}

/* The target is a resource, or stands in a database that is exposed whole. */
static enum consort_status check_target(struct build *build,
					const struct consort_manifest_relationship *relationship)
{
	const struct consort_map *resources = &build->names[CONSORT_MANIFEST_RESOURCE];
	const struct consort_manifest_entry *where = relationship->where;
	const char *target = relationship->target, *shown = consort_manifest_quotable(where, target);
	const struct consort_manifest_database *database = NULL;
	size_t prefix = strcspn(target, ".");
	const char *nearest = NULL;
	char hint[160];

	if (consort_map_get(resources, target))
		return CONSORT_OK;
	if (target[prefix] && target[prefix + 1])
		database = consort_map_get_n(&build->names[CONSORT_MANIFEST_DATABASE], target, prefix);
	if (database && database->expose_all)
		return CONSORT_OK;
	if (database)
		return consort_manifest_fail(build->error, CONSORT_EMANIFEST, where,
					     "%s: '%s' is no resource; it would be if [database %s] had "
					     "'resources = *'",
					     where->key, shown, database->name);
	if (!where->from_secret)
		nearest = consort_nearest_key(target, resources);
	return consort_manifest_fail(build->error, CONSORT_EMANIFEST, where,
				     "%s: there is no resource '%s'%s", where->key, shown,
				     consort_hint(nearest, hint, sizeof(hint)));
}

static enum consort_status check_resource(struct build *build,
					  const struct consort_manifest_resource *resource)
{
	const struct consort_map *databases = &build->names[CONSORT_MANIFEST_DATABASE];
	const struct consort_manifest_entry *where = resource->where_database;
	enum consort_status status = CONSORT_OK;
	const char *nearest;
	char hint[160];
	uint32_t i;

	if (!consort_map_get(databases, resource->database)) {
		nearest = where->from_secret ? NULL : consort_nearest_key(resource->database, databases);
		return consort_manifest_fail(build->error, CONSORT_EMANIFEST, where,
					     "there is no [database %s] for resource '%s'%s", where->shown,
					     resource->name, consort_hint(nearest, hint, sizeof(hint)));
	}
	for (i = 0; i < resource->nrelationships && !status; i++)
		status = check_target(build, &resource->relationships[i]);
	return status;
}

static enum consort_status build_all(struct consort_manifest *manifest,
				     const struct consort_manifest_source *source,
				     struct consort_error *error)
{
	struct build build = {.manifest = manifest, .source = source, .error = error};
	enum consort_status status = make_arrays(&build) ? CONSORT_OK : consort_error_no_memory(error);
	uint32_t i;

	for (i = 0; i < source->nsections && !status; i++)
		status = add_section(&build, &source->sections[i]);
	for (i = 0; i < manifest->nresources && !status; i++)
		status = check_resource(&build, &manifest->resources[i]);
	for (i = 0; i < CONSORT_MANIFEST_KINDS; i++)
		consort_map_clear(&build.names[i]);
	consort_map_clear(&build.keys);
	return status;
}

/* --- the life of a manifest --- */

/* Where relative paths begin; the folder of a path is what stands before its last slash. */
static enum consort_status set_folders(struct consort_manifest *manifest, const char *path,
				       struct consort_error *error)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct consort_arena *arena = &manifest->arena;
	char working[PATH_MAX];

	if (!getcwd(working, sizeof(working)))
		return consort_manifest_fail(error, CONSORT_EMANIFEST, NULL,
					     "cannot tell the working folder: %m");
	manifest->path = consort_arena_text(arena, path ? path : "");
	manifest->working = manifest->folder = consort_arena_text(arena, working);
	if (slash)
		manifest->folder = consort_arena_copy(arena, path, slash > path ? (size_t)(slash - path) : 1);
	if (slash && *path != '/' && manifest->folder)
		manifest->folder = consort_arena_join(arena, working, "/", manifest->folder, NULL);
	return manifest->path && manifest->working && manifest->folder ? CONSORT_OK
								       : consort_error_no_memory(error);
}

enum consort_status consort_manifest_read(const char *path, struct consort_manifest **out_manifest,
					  struct consort_error *error)
{
	struct consort_manifest *manifest = calloc(1, sizeof(*manifest));
	struct consort_manifest_source source = {0};
	enum consort_status status;

	if (!manifest)
		return consort_error_no_memory(error);
	consort_arena_init(&manifest->arena, MOST_MEMORY);
	status = set_folders(manifest, path, error);
	if (!status && path)
		status = consort_source_read(&source, manifest, path, error);
	if (!status)
		status = build_all(manifest, &source, error);
	consort_source_clear(&source);
	if (!status) {
		*out_manifest = manifest;
		return CONSORT_OK;
	}
	if (error)
		consort_scrub_error(error);
	consort_manifest_free(manifest);
	return status;
}

void consort_manifest_free(struct consort_manifest *manifest)
{
	if (!manifest)
		return;
	consort_secrets_forget(manifest);
	consort_arena_clear(&manifest->arena);
	free(manifest);
}
