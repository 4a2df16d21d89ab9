/* SPDX-License-Identifier: Apache-2.0 */
/* The file and what it says of itself: nothing is connected to, most is not even called. */
#include "drive.h"

#include <consort/slots.h>

#include <dlfcn.h>

/* The descriptor, without a word from the library, which would refuse a bad one. */
static const struct consort_plugin *descriptor(struct conform *conform)
{
	void *file = dlopen(conform->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	consort_plugin_entry_fn *entry = NULL;
	const struct consort_plugin *plugin;
	void *symbol = file ? dlsym(file, "consort_plugin_entry_v1") : NULL;

	if (!file)
		conform_fail("the dynamic linker refuses it: %s", dlerror());
	REQUIRE(symbol, "it has no consort_plugin_entry_v1");
	memcpy(&entry, &symbol, sizeof(entry));
	plugin = entry();
	REQUIRE(plugin, "its entry returns no descriptor");
	REQUIRE(entry() == plugin, "its entry returns another descriptor the second time");
	return plugin;
}

static void test_entry(struct conform *conform)
{
	struct consort_buffer symbols = CONSORT_BUFFER_INIT;
	struct conform_note note;

	REQUIRE(conform_file_read(conform->path, &symbols, &note), "%s: %s", conform->path, symbols.data);
	REQUIRE(!strcmp(symbols.data, "consort_plugin_entry_v1\n"),
		"it exports:\n%sbuild it with hidden visibility and the SDK's plugin.map", symbols.data);
}

static void test_note(struct conform *conform)
{
	const struct consort_plugin *plugin = descriptor(conform);
	struct consort_buffer symbols = CONSORT_BUFFER_INIT;
	struct conform_note note;

	REQUIRE(conform_file_read(conform->path, &symbols, &note), "%s: %s", conform->path, symbols.data);
	REQUIRE(note.found, "it has no note; CONSORT_PLUGIN_EXPORT makes it");
	REQUIRE(note.abi_major == CONSORT_ABI_MAJOR, "the note says ABI %u, this kit knows %u",
		note.abi_major, CONSORT_ABI_MAJOR);
	REQUIRE(note.abi_minor == plugin->abi_minor, "the note says ABI 1.%u, the descriptor 1.%u",
		note.abi_minor, plugin->abi_minor);
	REQUIRE(!strcmp(note.id, plugin->id), "the note says '%s', the descriptor '%s'", note.id, plugin->id);
	REQUIRE(!strcmp(note.version, plugin->version), "the note says version '%s', the descriptor '%s'",
		note.version, plugin->version);
	REQUIRE(!memcmp(&note.features, &plugin->features, sizeof(note.features)),
		"the note says features %#llx %#llx, the descriptor %#llx %#llx",
		(unsigned long long)note.features.word[0], (unsigned long long)note.features.word[1],
		(unsigned long long)plugin->features.word[0], (unsigned long long)plugin->features.word[1]);
}

static void test_sizes(struct conform *conform)
{
	static const struct {
		const char *name;
		size_t table; /* offset of the pointer */
		size_t size;
	} tables[] = {
#define TABLE(ops) {#ops, offsetof(struct consort_plugin, ops), sizeof(struct consort_##ops##_ops)}
		TABLE(database), TABLE(connection), TABLE(query),  TABLE(write),   TABLE(transaction),
		TABLE(prepared), TABLE(schema),	    TABLE(native), TABLE(changes), TABLE(keyvalue),
#undef TABLE
	};
	const struct consort_plugin *plugin = descriptor(conform);
	const struct consort_option *const *option = plugin->options;
	size_t i;

	/* what is larger has fields of a later minor version; this kit knows the sizes of 1.0, the least
	 * there are */
	REQUIRE(plugin->struct_size >= sizeof(*plugin), "the descriptor has struct_size %u, not %zu",
		plugin->struct_size, sizeof(*plugin));
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *table;
		uint32_t size;

		memcpy(&table, (const char *)plugin + tables[i].table, sizeof(table));
		if (!table)
			continue;
		memcpy(&size, table, sizeof(size));
		REQUIRE(size >= tables[i].size, "table '%s' has struct_size %u, not %zu", tables[i].name,
			size, tables[i].size);
		REQUIRE(plugin->abi_minor > CONSORT_ABI_MINOR || size == tables[i].size,
			"table '%s' has struct_size %u, which is not that of ABI 1.%u (%zu)", tables[i].name,
			size, plugin->abi_minor, tables[i].size);
	}
	for (; option && *option; option++)
		REQUIRE((*option)->struct_size >= sizeof(**option), "option '%s' has struct_size %u, not %zu",
			(*option)->name ? (*option)->name : "", (*option)->struct_size, sizeof(**option));
}

/* Is the slot there for any of the features that are set? */
static bool is_needed(const struct consort_plugin *plugin, const struct consort_slot *slot)
{
	const struct consort_slot *each;
	uint32_t i;

	for (i = 0; (each = consort_slot_at(i)); i++)
		if (each->table == slot->table && each->offset == slot->offset &&
		    (each->feature == CONSORT_FEATURE_ALWAYS ||
		     consort_features_has(&plugin->features, each->feature)))
			return true;
	return false;
}

static void test_slots(struct conform *conform)
{
	const struct consort_plugin *plugin = descriptor(conform);
	const struct consort_slot *slot;
	uint32_t i;

	REQUIRE(plugin->init, "init is NULL");
	for (i = 0; (slot = consort_slot_at(i)); i++) {
		const bool set = consort_slot_operation(plugin, slot) != NULL,
			   needed = is_needed(plugin, slot);
		const char *feature = consort_feature_name(slot->feature);

		if (slot->feature == CONSORT_FEATURE_ALWAYS) {
			REQUIRE(set, "%s is NULL, which every adapter has", slot->name);
			continue;
		}
		REQUIRE(set || !consort_features_has(&plugin->features, slot->feature),
			"%s is NULL, though the feature %s is set", slot->name, feature);
		REQUIRE(!set || needed, "%s is set, though the feature %s, which needs it, is not",
			slot->name, feature);
	}
}

/* --- options --- */

static bool is_choice(const char *choices, const char *value)
{
	const size_t size = strlen(value);
	const char *at = choices;

	for (;; at++) {
		const size_t length = strcspn(at, ",");

		if (length == size && !memcmp(at, value, size))
			return true;
		at += length;
		if (!*at)
			return false;
	}
}

static bool default_fits(const struct consort_option *option)
{
	static const char *const words[] = {"yes", "no", "true", "false", "on", "off"};
	const char *value = option->default_value;
	struct consort_error error;
	struct consort_value parsed;
	int64_t number;
	size_t i;

	switch (option->type) {
	case CONSORT_OPTION_INT:
		return !consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), value, strlen(value), NULL,
					    &parsed, &error);
	case CONSORT_OPTION_BOOL:
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (!strcmp(words[i], value))
				return true;
		return false;
	case CONSORT_OPTION_DURATION:
		return consort_duration_parse(value, &number);
	case CONSORT_OPTION_SIZE:
		return consort_size_parse(value, &number);
	case CONSORT_OPTION_CHOICE:
		return is_choice(option->choices, value);
	default:
		return conform_is_text(value);
	}
}

static void test_options(struct conform *conform)
{
	const struct consort_plugin *plugin = descriptor(conform);
	const struct consort_option *const *options = plugin->options;
	size_t i, j;

	for (i = 0; options && options[i]; i++) {
		const struct consort_option *option = options[i];
		const char *name = option->name;

		REQUIRE(name && *name >= 'a' && *name <= 'z' &&
				strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(name),
			"option %zu has the name '%s', which is not of the form [a-z][a-z0-9_.-]*", i + 1,
			name ? name : "");
		REQUIRE(option->type >= CONSORT_OPTION_TEXT && option->type <= CONSORT_OPTION_CHOICE,
			"option '%s' has the unknown type %u", name, option->type);
		REQUIRE(option->scope == CONSORT_OPTION_DATABASE || option->scope == CONSORT_OPTION_RESOURCE,
			"option '%s' has the unknown scope %u", name, option->scope);
		REQUIRE(conform_is_text(option->help) && *option->help && !strchr(option->help, '\n'),
			"option '%s' has no help of one line", name);
		REQUIRE(option->type != CONSORT_OPTION_CHOICE || (option->choices && *option->choices),
			"option '%s' is a choice without choices", name);
		REQUIRE(!option->default_value || default_fits(option),
			"option '%s' has the default '%s', which it refuses", name, option->default_value);
		REQUIRE(!option->default_value || !(option->required || option->secret),
			"option '%s' is %s and has a default", name,
			option->required ? "required" : "secret");
		for (j = 0; j < i; j++)
			REQUIRE(options[j]->scope != option->scope || strcmp(options[j]->name, name),
				"option '%s' is listed twice", name);
	}
}

static void test_texts(struct conform *conform)
{
	const struct consort_plugin *plugin = descriptor(conform);
	const struct {
		const char *name, *text;
	} texts[] = {
		{"id", plugin->id},
		{"version", plugin->version},
		{"licence", plugin->licence},
		{"vendor", plugin->vendor},
		{"homepage", plugin->homepage},
		{"description", plugin->description},
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		REQUIRE(texts[i].text, "the descriptor's %s is NULL", texts[i].name);
		REQUIRE(conform_is_text(texts[i].text) && !strchr(texts[i].text, '\n'),
			"the descriptor's %s is no line of UTF-8", texts[i].name);
	}
	REQUIRE(*plugin->description, "the descriptor has no description");
}

/* All that the library looks at, in a process of its own. */
static void test_loads(struct conform *conform)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	if (consort_plugins_check(NULL, conform->path, &error))
		conform_fail("%s", error.message);
	conform_answer(&descriptor(conform)->features, sizeof(conform->claims));
}

const struct conform_test conform_file_tests[] = {
	TEST("entry-alone", test_entry, ALWAYS, 0, CONFORM_FILE,
	     "The file exports its entry, and no other symbol."),
	TEST("note-agrees", test_note, ALWAYS, 0, CONFORM_FILE,
	     "The note in the file says the same as the descriptor."),
	TEST("descriptor-texts", test_texts, ALWAYS, 0, CONFORM_FILE,
	     "The descriptor's texts are there, each a line of UTF-8."),
	TEST("descriptor-sizes", test_sizes, ALWAYS, 0, CONFORM_FILE,
	     "Descriptor, tables and options have the sizes of the ABI that they are built for."),
	TEST("slots-agree", test_slots, ALWAYS, 0, CONFORM_FILE,
	     "A slot is set if a feature that needs it is, and else NULL."),
	TEST("options-agree", test_options, ALWAYS, 0, CONFORM_FILE,
	     "Options have names, types, help and defaults that fit, each once."),
	TEST("library-loads", test_loads, ALWAYS, 0, CONFORM_FILE | CONFORM_FIRST,
	     "The library loads it: it can be trusted, fits, and does nothing odd while it is loaded."),
	CONFORM_END,
};
