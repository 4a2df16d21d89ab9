/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a descriptor keep the contract? All of it is checked here, once, so that nothing above needs to doubt
 * it: sizes, texts, agreement with the note, needs, slots, options. What is unknown but harmless passes: a
 * larger struct, a younger minor version, a feature bit without a name.
 */
#include "loader/loader.h"

#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)NULL)->field))

struct subject {
	const struct consort_plugin *plugin;
	const char *path;
	const struct consort_note_info *note; /* or NULL */
	const struct consort_host *host;
	struct consort_error *error;          /* where refusals go */
};

/* Fills the error with a sentence about the adapter; its value is the status. */
#define REFUSE(subject, format, ...) \
	consort_error_set((subject)->error, CONSORT_EABI, "%s: " format, (subject)->path, ##__VA_ARGS__)

/* --- sizes --- */

static enum consort_status check_tables(const struct subject *subject)
{
	/* up to the last field of minor version 0: never changed */
	static const struct {
		const char *name;
		uint32_t table; /* offset of the pointer */
		uint32_t minimum;
	} tables[] = {
#define TABLE(ops, last) {#ops, offsetof(struct consort_plugin, ops), END_OF(struct consort_##ops##_ops, last)}
		TABLE(database, close), TABLE(connection, cancel), TABLE(query, explain), TABLE(write, upsert),
		TABLE(transaction, snapshot_import), TABLE(prepared, list), TABLE(schema, drop),
		TABLE(native, open), TABLE(changes, forget), TABLE(keyvalue, add),
#undef TABLE
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *table;
		uint32_t size;

		memcpy(&table, (const char *)subject->plugin + tables[i].table, sizeof(table));
		if (!table)
			continue;
		memcpy(&size, table, sizeof(size));
		if (size < tables[i].minimum)
			return REFUSE(subject, "its table '%s' has struct_size %u; ABI %u.0 needs at least %u",
				      tables[i].name, size, CONSORT_ABI_MAJOR, tables[i].minimum);
	}
	return CONSORT_OK;
}

static enum consort_status check_sizes(const struct subject *subject)
{
	const uint32_t size = subject->plugin->struct_size, minimum = END_OF(struct consort_plugin, keyvalue);

	if (size < minimum)
		return REFUSE(subject, "its descriptor has struct_size %u; ABI %u.0 needs at least %u", size,
			      CONSORT_ABI_MAJOR, minimum);
	return check_tables(subject);
}

/* --- texts and the note --- */

static enum consort_status check_texts(const struct subject *subject)
{
	const struct consort_plugin *plugin = subject->plugin;
	const struct {
		const char *name, *text;
	} texts[] = {
		{"id", plugin->id}, {"version", plugin->version}, {"licence", plugin->licence},
		{"vendor", plugin->vendor}, {"homepage", plugin->homepage},
		{"description", plugin->description},
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!texts[i].text)
			return REFUSE(subject, "its descriptor's %s is NULL", texts[i].name);
	if (!consort_id_valid(plugin->id))
		return REFUSE(subject, "its id '%.40s' is not of the form [a-z][a-z0-9_-]*, under 32 bytes",
			      plugin->id);
	if (!consort_version_valid(plugin->version))
		return REFUSE(subject, "its version '%.40s' is not 1 to 15 printable ASCII characters",
			      plugin->version);
	return CONSORT_OK;
}

/* The note's features against the descriptor's, also those without a name. */
static enum consort_status check_note_features(const struct subject *subject)
{
	const struct consort_features *in_note = &subject->note->features;
	const struct consort_features *in_plugin = &subject->plugin->features;
	uint32_t feature;

	for (feature = 0; feature < 128; feature++) {
		const char *name = consort_feature_name(feature), *who;

		if (consort_features_has(in_note, feature) == consort_features_has(in_plugin, feature))
			continue;
		who = consort_features_has(in_note, feature) ? "note" : "descriptor";
		if (name)
			return REFUSE(subject, "its note and its descriptor differ: only the %s sets feature '%s'",
				      who, name);
		return REFUSE(subject, "its note and its descriptor differ: only the %s sets feature bit %u", who,
			      feature);
	}
	return CONSORT_OK;
}

static enum consort_status check_note(const struct subject *subject)
{
	const struct consort_plugin *plugin = subject->plugin;
	const struct consort_note_info *note = subject->note;

	if (!note)
		return CONSORT_OK;
	if (note->abi_major != CONSORT_ABI_MAJOR || note->abi_minor != plugin->abi_minor)
		return REFUSE(subject, "its note and its descriptor differ: ABI %u.%u against %u.%u",
			      note->abi_major, note->abi_minor, CONSORT_ABI_MAJOR, plugin->abi_minor);
	if (strcmp(note->id, plugin->id) != 0)
		return REFUSE(subject, "its note and its descriptor differ: id '%s' against '%s'", note->id,
			      plugin->id);
	if (strcmp(note->version, plugin->version) != 0)
		return REFUSE(subject, "its note and its descriptor differ: version '%s' against '%s'",
			      note->version, plugin->version);
	return check_note_features(subject);
}

/* --- needs and slots --- */

static enum consort_status check_needs(const struct subject *subject)
{
	static const char *const names[] = {
		[CONSORT_HOST_ONCE] = " (once)", [CONSORT_HOST_LOG] = " (log)", [CONSORT_HOST_CLOCK] = " (clock)",
		[CONSORT_HOST_EXTENSIONS] = " (extensions)",
	};
	const struct consort_host *host = subject->host;
	uint32_t need;

	_Static_assert(sizeof(names) / sizeof(names[0]) == CONSORT_HOST_FEATURE_COUNT, "all have names");
	for (need = 0; need < 128; need++)
		if (consort_features_has(&subject->plugin->requires_host, need) &&
		    !consort_features_has(&host->features, need))
			return REFUSE(subject, "needs the host feature %u%s, which this core (%s) does not have; "
				      "a newer one may", need, need < CONSORT_HOST_FEATURE_COUNT ? names[need] : "",
				      host->version);
	return CONSORT_OK;
}

static enum consort_status check_slots(const struct subject *subject)
{
	const struct consort_plugin *plugin = subject->plugin;
	const char *slot = plugin->init ? consort_feature_empty_slot(plugin, CONSORT_FEATURE_ALWAYS) : "init";
	uint32_t feature;
	int32_t basis;

	if (slot)
		return REFUSE(subject, "%s is NULL; every adapter must have it", slot);
	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		if (!consort_features_has(&plugin->features, feature))
			continue;
		basis = consort_feature_basis(feature);
		if (basis >= 0 && !consort_features_has(&plugin->features, (uint32_t)basis))
			return REFUSE(subject, "sets feature '%s' without '%s', on which it stands",
				      consort_feature_name(feature), consort_feature_name((uint32_t)basis));
		slot = consort_feature_empty_slot(plugin, feature);
		if (slot)
			return REFUSE(subject, "sets feature '%s' but %s is NULL", consort_feature_name(feature),
				      slot);
	}
	return CONSORT_OK;
}

/* --- options --- */

static bool option_name_valid(const char *name)
{
	return *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(name);
}

/* One option by itself: what is wrong with it, or NULL. Its name is valid. */
static const char *option_fault(const struct consort_option *option)
{
	if (option->type < CONSORT_OPTION_TEXT || option->type > CONSORT_OPTION_CHOICE)
		return "has a type that this core does not know";
	if (option->scope != CONSORT_OPTION_DATABASE && option->scope != CONSORT_OPTION_RESOURCE)
		return "has a scope that this core does not know";
	if (option->type == CONSORT_OPTION_CHOICE && (!option->choices || !*option->choices))
		return "is a choice without choices";
	if (!option->help)
		return "has no help";
	return NULL;
}

static enum consort_status check_option(const struct subject *subject, size_t index)
{
	const struct consort_option *const *options = subject->plugin->options, *option = options[index];
	const uint32_t minimum = END_OF(struct consort_option, help);
	const char *fault;
	size_t i;

	if (option->struct_size < minimum)
		return REFUSE(subject, "option %zu has struct_size %u; ABI %u.0 needs at least %u", index + 1,
			      option->struct_size, CONSORT_ABI_MAJOR, minimum);
	if (!option->name || !option_name_valid(option->name))
		return REFUSE(subject, "option %zu has the name '%.64s', which is not of the form [a-z][a-z0-9_.-]*",
			      index + 1, option->name ? option->name : "");
	fault = option_fault(option);
	for (i = 0; i < index && !fault; i++)
		if (options[i]->scope == option->scope && !strcmp(options[i]->name, option->name))
			fault = "is listed twice";
	return fault ? REFUSE(subject, "its option '%.64s' %s", option->name, fault) : CONSORT_OK;
}

static enum consort_status check_options(const struct subject *subject)
{
	enum consort_status status = CONSORT_OK;
	size_t i;

	for (i = 0; subject->plugin->options && subject->plugin->options[i] && !status; i++)
		status = check_option(subject, i);
	return status;
}

enum consort_status consort_loader_negotiate(const struct consort_plugin *plugin, const char *path,
					     const struct consort_note_info *note,
					     const struct consort_host *host, struct consort_error *error)
{
	static enum consort_status (*const checks[])(const struct subject *) = {
		check_sizes, check_texts, check_note, check_needs, check_slots, check_options,
	};
	const struct subject subject = {plugin, path, note, host, error};
	enum consort_status status = CONSORT_OK;
	size_t i;

	if (!plugin)
		return REFUSE(&subject, "its entry returned no descriptor");
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]) && !status; i++)
		status = checks[i](&subject);
	return status;
}
