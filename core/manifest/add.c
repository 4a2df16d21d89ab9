/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases from the command line: "NAME=TYPE:OPTION=VALUE,…" is read as a [database NAME] with
 * `resources = *`. In a value, \, is a comma and ${…} is replaced; the shell has done the quoting. Messages
 * show the text only as far as its type, since options may hold passwords.
 */
#include "manifest/source.h"

struct addition {
	struct consort_manifest *manifest;
	struct consort_manifest_entry *lines; /* the section's, and its entries behind that */
	uint32_t nentries;
	struct consort_map keys;
	struct consort_error *error;
};

static enum consort_status add_entry(struct addition *addition, const char *key, const char *value)
{
	struct consort_manifest_entry *entry = &addition->lines[++addition->nentries];

	entry->file = addition->lines->file;
	entry->key = key;
	entry->value = value;
	if (consort_map_get(&addition->keys, key))
		return consort_manifest_fail(addition->error, CONSORT_EMANIFEST, entry, "'%s' is given twice",
					     key);
	if (!consort_map_put(&addition->keys, key, entry))
		return consort_error_no_memory(addition->error);
	return consort_manifest_expand(addition->manifest, entry, addition->error);
}

#define FAIL(addition, ...) \
	consort_manifest_fail((addition)->error, CONSORT_EMANIFEST, (addition)->lines, __VA_ARGS__)

/* "OPTION=VALUE,…", taken apart in place. */
static enum consort_status add_options(struct addition *addition, char *text)
{
	enum consort_status status = CONSORT_OK;
	char *from, *to, *value;
	bool more = true;

	while (more && !status) {
		for (from = to = text; *from && *from != ','; from++) {
			from += from[0] == '\\' && from[1] == ',';
			*to++ = *from;
		}
		more = *from;
		*to = '\0';
		value = strchr(text, '=');
		if (!value || value == text)
			return FAIL(addition,
				    "option %u does not read OPTION=VALUE; write \\, for a comma in a value",
				    addition->nentries);
		*value = '\0';
		status = add_entry(addition, text, value + 1);
		text = from + 1;
	}
	return status;
}

static enum consort_status check_name(struct addition *addition)
{
	const struct consort_manifest *manifest = addition->manifest;
	const struct consort_manifest_entry *first;
	uint32_t i;

	for (i = 0; i < manifest->ndatabases; i++) {
		if (strcmp(manifest->databases[i].name, addition->lines->value))
			continue;
		first = manifest->databases[i].where;
		if (!first->line)
			return FAIL(addition, "a database of that name is added twice");
		return FAIL(addition, "a database of that name stands at %s:%u", first->file, first->line);
	}
	return CONSORT_OK;
}

/* Appends the database; the array grows by doubling. */
static enum consort_status append(struct addition *addition)
{
	struct consort_manifest *manifest = addition->manifest;
	struct consort_manifest_section section = {
		.kind = CONSORT_MANIFEST_DATABASE,
		.nentries = addition->nentries,
		.where = addition->lines,
		.entries = addition->lines + 1,
	};
	struct consort_manifest_database database, *databases;
	uint32_t capacity = manifest->database_capacity;
	enum consort_status status = check_name(addition);

	if (status)
		return status;
	status = consort_manifest_section(manifest, &section, &database, addition->error);
	if (status)
		return status;
	database.expose_all = true;
	if (manifest->ndatabases == capacity) {
		capacity = capacity ? capacity * 2 : 4;
		databases = consort_arena_array(&manifest->arena, capacity, sizeof(*databases));
		if (!databases)
			return consort_error_no_memory(addition->error);
		memcpy(databases, manifest->databases, manifest->ndatabases * sizeof(*databases));
		manifest->databases = databases;
		manifest->database_capacity = capacity;
	}
	manifest->databases[manifest->ndatabases++] = database;
	return CONSORT_OK;
}

enum consort_status consort_manifest_add(struct consort_manifest *manifest, const char *text,
					 struct consort_error *error)
{
	struct addition addition = {.manifest = manifest, .error = error};
	size_t name = strcspn(text, "="), head = name + strcspn(text + name, ":"), colon = strcspn(text, ":"),
	       commas = 0, i;
	char *copy = consort_arena_text(&manifest->arena, text);
	enum consort_status status;

	for (i = head; text[i]; i++)
		commas += text[i] == ',';
	addition.lines = consort_arena_array(&manifest->arena, commas + 3, sizeof(*addition.lines));
	if (!copy || !addition.lines)
		return consort_error_no_memory(error);
	addition.lines->file = "-d";
	if (!consort_utf8_valid(text, strlen(text), NULL))
		return FAIL(&addition, "the text is not UTF-8");
	/* what stands behind the first ':' may be secret, also where NAME= was forgotten */
	if (!text[name] || !name || head == name + 1 || colon < name)
		return FAIL(&addition, "'%.*s' does not read NAME=TYPE:OPTION=VALUE,…", (int)colon, text);
	copy[name] = copy[head] = '\0';
	addition.lines->key = "database";
	addition.lines->value = copy;
	addition.lines->file = consort_arena_printf(&manifest->arena, "-d %s", copy);
	if (!addition.lines->file)
		return consort_error_no_memory(error);
	status = add_entry(&addition, "type", copy + name + 1);
	if (!status && text[head] && text[head + 1])
		status = add_options(&addition, copy + head + 1);
	if (!status)
		status = append(&addition);
	consort_map_clear(&addition.keys);
	return status;
}
