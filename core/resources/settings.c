/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a [database] or [resource] section, by what its adapter lists. */
#include "resources/resources.h"

#include <stdio.h>

static const struct consort_option *find_option(const struct consort_plugin *plugin, uint32_t scope,
						const char *name)
{
	const struct consort_option *const *option;

	for (option = plugin->options; option && *option; option++)
		if ((*option)->scope == scope && !strcmp((*option)->name, name))
			return *option;
	return NULL;
}

/* The core's own keys of these sections, which a mistyped key may have meant too. */
static const char *const core_keys[][13] = {
	[CONSORT_OPTION_DATABASE] = {"type", "resources", "timeout", "optional", "features", "pool.max",
				     "pool.min", "pool.acquire_timeout", "pool.idle_timeout",
				     "pool.max_lifetime", "pool.keepalive", "pool.leak_warn", NULL},
	[CONSORT_OPTION_RESOURCE] = {"database", "source", "key", NULL},
};

/* "atribute.x" means "attribute.x". */
static const char *nearest_prefixed(const char *key, char *out, size_t size)
{
	static const char *const prefixes[] = {"attribute", "relationship", "index"};
	const char *dot = strchr(key, '.'), *nearest;
	char prefix[32];

	if (!dot || (size_t)(dot - key) >= sizeof(prefix))
		return NULL;
	memcpy(prefix, key, (size_t)(dot - key));
	prefix[dot - key] = '\0';
	nearest = consort_nearest(prefix, prefixes, 3);
	if (!nearest)
		return NULL;
	snprintf(out, size, "%s%s", nearest, dot);
	return out;
}

static enum consort_status unknown_option(const struct consort_plugin *plugin, uint32_t scope,
					  const struct consort_manifest_entry *entry,
					  struct consort_error *error)
{
	const struct consort_option *const *option;
	const char *words[256], *nearest;
	char hint[200], prefixed[160];
	size_t count = 0, i;

	for (i = 0; core_keys[scope][i]; i++)
		words[count++] = core_keys[scope][i];
	for (option = plugin->options; option && *option && count < 256; option++)
		if ((*option)->scope == scope)
			words[count++] = (*option)->name;
	nearest = scope == CONSORT_OPTION_RESOURCE ? nearest_prefixed(entry->key, prefixed, sizeof(prefixed))
						   : NULL;
	consort_hint(nearest ? nearest : consort_nearest(entry->key, words, count), hint, sizeof(hint));
	return consort_manifest_fail(error, CONSORT_EOPTION, entry,
				     "the adapter '%s' has no option '%s' for a %s%s", plugin->id, entry->key,
				     scope == CONSORT_OPTION_DATABASE ? "database" : "resource", hint);
}

static const struct consort_manifest_entry *find_entry(const struct consort_manifest_entry *entries,
						       uint32_t nentries, const char *key)
{
	uint32_t i;

	for (i = 0; i < nentries; i++)
		if (!strcmp(entries[i].key, key))
			return &entries[i];
	return NULL;
}

/* What may be shown of an option's value: a text as it is, or as it was written, with its unit. */
static enum consort_status mask(struct consort_manifest *manifest, const struct consort_option *option,
				const struct consort_manifest_entry *entry, struct consort_value *value,
				struct consort_error *error)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	const char *text = NULL;

	if (option->secret || entry->from_secret) {
		*value = consort_text("***");
		return CONSORT_OK;
	}
	if (option->type == CONSORT_OPTION_DURATION || option->type == CONSORT_OPTION_SIZE)
		*value = consort_text(entry->shown);
	if (value->type.id != CONSORT_TYPE_TEXT)
		return CONSORT_OK;
	consort_scrub(value->as.view.data, &shown);
	if (!shown.failed)
		text = consort_arena_text(&manifest->arena, shown.data);
	consort_buffer_clear(&shown);
	if (!text)
		return consort_error_no_memory(error);
	*value = consort_text(text);
	return CONSORT_OK;
}

/* One option's value into the lists, if it has one. */
static enum consort_status set_option(struct consort_manifest *manifest, const struct consort_option *option,
				      const struct consort_manifest_entry *entry,
				      const struct consort_manifest_entry *where,
				      struct consort_setting *setting, struct consort_setting *masked,
				      uint32_t *count, struct consort_error *error)
{
	struct consort_manifest_entry standard = *where;
	enum consort_status status;

	if (!entry && option->required)
		return consort_manifest_fail(error, CONSORT_EOPTION, where, "the option '%s' is missing: %s",
					     option->name, option->help ? option->help : "it is required");
	if (!entry && !option->default_value)
		return CONSORT_OK;
	if (!entry) {
		standard.key = option->name;
		standard.value = standard.shown = option->default_value;
		entry = &standard;
	}
	setting->name = option->name;
	status = consort_manifest_option(manifest, entry, option, &setting->value, error);
	if (status)
		return status;
	if (entry != &standard && ((option->secret && !consort_secret_add(manifest, entry->value)) ||
				   !consort_secret_add_within(manifest, entry->value)))
		return consort_error_no_memory(error);
	(*count)++;
	if (!masked)
		return CONSORT_OK;
	*masked = *setting;
	return mask(manifest, option, entry, &masked->value, error);
}

enum consort_status consort_settings_check(struct consort_manifest *manifest,
					   const struct consort_plugin *plugin, uint32_t scope,
					   const struct consort_manifest_entry *entries, uint32_t nentries,
					   const struct consort_manifest_entry *where,
					   const struct consort_setting **out_settings,
					   const struct consort_setting **out_masked, uint32_t *out_count,
					   struct consort_error *error)
{
	const struct consort_option *const *option;
	struct consort_setting *settings, *masked;
	uint32_t most = 0, count = 0, i;

	for (i = 0; i < nentries; i++)
		if (!find_option(plugin, scope, entries[i].key))
			return unknown_option(plugin, scope, &entries[i], error);
	for (option = plugin->options; option && *option; option++)
		most += (*option)->scope == scope &&
			((*option)->default_value || find_entry(entries, nentries, (*option)->name));
	settings = consort_arena_array(&manifest->arena, most, sizeof(*settings));
	masked = out_masked ? consort_arena_array(&manifest->arena, most, sizeof(*masked)) : settings;
	if (!settings || !masked)
		return consort_error_no_memory(error);
	for (option = plugin->options; option && *option; option++) {
		enum consort_status status;

		if ((*option)->scope != scope)
			continue;
		status = set_option(manifest, *option, find_entry(entries, nentries, (*option)->name), where,
				    &settings[count], out_masked ? &masked[count] : NULL, &count, error);
		if (status)
			return status;
	}
	*out_settings = settings;
	if (out_masked)
		*out_masked = masked;
	*out_count = count;
	return CONSORT_OK;
}
