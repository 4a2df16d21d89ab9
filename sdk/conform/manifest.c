/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest that the library is given: two databases of the same options, `subject` with all features and
 * `plain`, which leaves to the library whatever it can do itself; and one resource in both, if it is to be
 * declared.
 */
#include "drive.h"

#include <stdio.h>
#include <unistd.h>

#define PLAIN "-filter -sort -limit -aggregate -group -join -key_lookup -nested_paths -full_text -time_bucket"

static bool is_path(const struct consort_plugin *plugin, const char *name, size_t size)
{
	const struct consort_option *const *known = plugin->options;

	for (; known && *known; known++)
		if (!strncmp((*known)->name, name, size) && !(*known)->name[size])
			return (*known)->type == CONSORT_OPTION_PATH;
	return false;
}

/* "name = value", the value in quotes; a path starts at our working folder, not at the manifest's. */
static void add_option(struct consort_buffer *out, const struct consort_plugin *plugin, const char *option)
{
	const char *value = strchr(option, '=');
	char folder[4096] = "";
	size_t size;

	NEED(value);
	size = (size_t)(value++ - option);
	if (is_path(plugin, option, size) && !strchr("/:$", *value))
		NEED(getcwd(folder, sizeof(folder)));
	consort_buffer_append(out, option, size);
	consort_buffer_text(out, " = \"");
	for (size = 0; folder[size]; size++)
		consort_buffer_printf(out, folder[size] == '"' ? "\"\"" : "%c", folder[size]);
	consort_buffer_text(out, *folder ? "/" : "");
	for (; *value; value++)
		consort_buffer_printf(out, *value == '"' ? "\"\"" : "%c", *value);
	consort_buffer_text(out, "\"\n");
}

static void add_database(struct consort_buffer *out, const struct conform *conform,
			 const struct consort_plugin *plugin, const char *name, const char *features)
{
	size_t i;

	consort_buffer_printf(out, "[database %s]\ntype = %s\nresources = *\n", name, plugin->id);
	for (i = 0; i < conform->noptions; i++)
		add_option(out, plugin, conform->options[i]);
	if (features)
		consort_buffer_printf(out, "features = %s\n", features);
	consort_buffer_char(out, '\n');
}

/* What stands behind "source:" on the command line: "name type, …", the first being the key. */
static void add_declared(struct consort_buffer *out, const char *declared)
{
	const char *at = declared;
	bool first = true;

	for (; *at; first = false) {
		size_t name = strcspn(at += strspn(at, " "), " ,"), rest;

		if (first)
			consort_buffer_printf(out, "key = %.*s\n", (int)name, at);
		rest = strcspn(at + name, ",(");
		if (at[name + rest] == '(') /* of a decimal */
			rest += strcspn(at + name + rest, ")");
		rest += strcspn(at + name + rest, ",");
		consort_buffer_printf(out, "attribute.%.*s =%.*s\n", (int)name, at, (int)rest, at + name);
		at += name + rest;
		at += *at == ',';
	}
}

static void add_resource(struct consort_buffer *out, const struct conform *conform,
			 const struct consort_plugin *plugin, const char *name, const char *database,
			 const char *source)
{
	const char *declared = strchr(source, ':');
	size_t i;

	consort_buffer_printf(out, "[resource %s]\ndatabase = %s\nsource = \"%.*s\"\n", name, database,
			      (int)(declared ? declared - source : (int)strlen(source)), source);
	for (i = 0; i < conform->nsettings; i++)
		add_option(out, plugin, conform->settings[i]);
	if (declared)
		add_declared(out, declared + 1);
	if (conform->peer && !conform->nresources)
		consort_buffer_printf(out, "relationship.peer = %s, %s -> id\n", name, conform->peer);
	consort_buffer_char(out, '\n');
}

struct consort *conform_open(struct conform *conform, const char *features, const char *source)
{
	const struct consort_plugin *plugin = conform_load(conform);
	struct consort_buffer out = CONSORT_BUFFER_INIT, plain = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	char path[160];
	FILE *file;

	consort_buffer_printf(&out, "[plugin %s]\nlibrary = \"%s\"\n\n", plugin->id, conform->path);
	add_database(&out, conform, plugin, "subject", features);
	consort_buffer_printf(&plain, "%s %s", PLAIN, features ? features : "");
	add_database(&out, conform, plugin, "plain", plain.data);
	if (source) {
		add_resource(&out, conform, plugin, "item", "subject", source);
		add_resource(&out, conform, plugin, "plain_item", "plain", source);
	}
	NEED(!out.failed && !plain.failed);
	snprintf(path, sizeof(path), "%s/%d.ini", conform->folder, (int)getpid());
	file = fopen(path, "w");
	NEED(file && fputs(out.data, file) >= 0 && !fclose(file));
	consort_buffer_clear(&out);
	consort_buffer_clear(&plain);
	if (consort_open(path, &c, &error))
		conform_fail("the manifest cannot be opened: %s", error.message);
	unlink(path);
	return c;
}

/* --- the options as the library makes them of the manifest --- */

static struct consort_setting *settings;
static uint32_t nsettings;

/* What was given on the command line: as it stands, or an environment variable's value; NULL: nothing. */
static const char *given(const struct conform *conform, const char *name)
{
	const size_t size = strlen(name);
	const char *value = NULL;
	char variable[256];
	size_t i;

	for (i = 0; i < conform->noptions; i++)
		if (!strncmp(conform->options[i], name, size) && conform->options[i][size] == '=')
			value = conform->options[i] + size + 1;
	if (value && sscanf(value, "${env:%255[^}]}", variable) == 1)
		value = getenv(variable);
	return value;
}

/* Texts are shown without what is secret in them, so they are taken from the command line; but not a path,
 * which the library makes a whole one. */
static enum consort_status keep_options(void *context, const struct consort_database_info *info)
{
	struct conform *conform = context;
	const struct consort_plugin *plugin = conform_load(conform);
	uint32_t i;

	nsettings = info->noptions;
	settings = calloc(nsettings + 1, sizeof(*settings));
	NEED(settings);
	for (i = 0; i < nsettings; i++) {
		const struct consort_value *value = &info->options[i].value;
		const char *text = given(conform, info->options[i].name);

		settings[i].name = strdup(info->options[i].name);
		settings[i].value = *value;
		if (value->type.id != CONSORT_TYPE_TEXT)
			continue;
		if (!text || is_path(plugin, settings[i].name, strlen(settings[i].name)))
			text = strndup(value->as.view.data, (size_t)value->as.view.size);
		settings[i].value = consort_text(text);
	}
	return CONSORT_OK;
}

const struct consort_database_config *conform_config(struct conform *conform, const char *name)
{
	struct consort_database_config *config = STRUCT(struct consort_database_config);
	struct consort_setting *copy;

	if (!settings) {
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort *c = conform_open(conform, NULL, NULL);

		if (consort_databases(c, "subject", 0, keep_options, conform, &error))
			conform_fail("the options cannot be read: %s", error.message);
		consort_close(c);
	}
	copy = conform_frozen((nsettings + 1) * sizeof(*copy));
	memcpy(copy, settings, nsettings * sizeof(*copy));
	config->name = name;
	config->options = copy;
	config->noptions = nsettings;
	return config;
}
