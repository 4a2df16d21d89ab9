/* SPDX-License-Identifier: Apache-2.0 */
/* Negotiation on descriptors: what is refused, with which words, and what passes. */
#include "loader/loader.h"
#include "loader/zoo/zoo.h"
#include "testing.h"

#include <stdio.h>

static const struct consort_note_info good_note = {
	.abi_major = CONSORT_ABI_MAJOR,
	.abi_minor = CONSORT_ABI_MINOR,
	.features = {{ZOO_FEATURES, 0}},
	.id = "zoo",
	.version = "1.2",
};

static void expect_ok(const struct consort_plugin *plugin, const struct consort_note_info *note)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_loader_negotiate(plugin, "/p.so", note, consort_host_services(), &error),
			CONSORT_OK);
	TESTING_TEXT(error.message, "");
}

static void expect_refused(const struct consort_plugin *plugin, const struct consort_note_info *note,
			   const char *message)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char expected[512];

	snprintf(expected, sizeof(expected), "/p.so: %s", message);
	CU_ASSERT_EQUAL(consort_loader_negotiate(plugin, "/p.so", note, consort_host_services(), &error),
			CONSORT_EABI);
	CU_ASSERT_EQUAL(error.status, CONSORT_EABI);
	TESTING_TEXT(error.message, expected);
	CU_ASSERT_EQUAL(consort_loader_negotiate(plugin, "/p.so", note, consort_host_services(), NULL),
			CONSORT_EABI);
}

static void test_descriptor(void)
{
	struct consort_plugin plugin = zoo_plugin;
	char message[128];

	expect_ok(&plugin, NULL);
	expect_ok(&plugin, &good_note);
	expect_refused(NULL, NULL, "its entry returned no descriptor");
	plugin.struct_size = sizeof(plugin) - 1;
	snprintf(message, sizeof(message), "its descriptor has struct_size %u; ABI 1.0 needs at least %zu",
		 plugin.struct_size, sizeof(plugin));
	expect_refused(&plugin, NULL, message);
	plugin.struct_size = 0;
	snprintf(message, sizeof(message), "its descriptor has struct_size 0; ABI 1.0 needs at least %zu",
		 sizeof(plugin));
	expect_refused(&plugin, NULL, message);
	plugin.struct_size = sizeof(plugin) + 800; /* a later minor version's */
	expect_ok(&plugin, NULL);
	plugin.struct_size = UINT32_MAX;
	expect_ok(&plugin, NULL);
}

#define EXPECT_TEXT(field, value, message)                                                                   \
	do {                                                                                                 \
		struct consort_plugin plugin = zoo_plugin;                                                   \
		plugin.field = value;                                                                        \
		expect_refused(&plugin, NULL, message);                                                      \
	} while (0)

static void test_texts(void)
{
	EXPECT_TEXT(id, NULL, "its descriptor's id is NULL");
	EXPECT_TEXT(version, NULL, "its descriptor's version is NULL");
	EXPECT_TEXT(licence, NULL, "its descriptor's licence is NULL");
	EXPECT_TEXT(vendor, NULL, "its descriptor's vendor is NULL");
	EXPECT_TEXT(homepage, NULL, "its descriptor's homepage is NULL");
	EXPECT_TEXT(description, NULL, "its descriptor's description is NULL");
	EXPECT_TEXT(id, "", "its id '' is not of the form [a-z][a-z0-9_-]*, under 32 bytes");
	EXPECT_TEXT(id, "1st", "its id '1st' is not of the form [a-z][a-z0-9_-]*, under 32 bytes");
	EXPECT_TEXT(id, "Zoo", "its id 'Zoo' is not of the form [a-z][a-z0-9_-]*, under 32 bytes");
	EXPECT_TEXT(id, "../zoo", "its id '../zoo' is not of the form [a-z][a-z0-9_-]*, under 32 bytes");
	EXPECT_TEXT(id, "z23456789012345678901234567890123",
		    "its id 'z23456789012345678901234567890123' is not of the form [a-z][a-z0-9_-]*, under 32 "
		    "bytes");
	EXPECT_TEXT(version, "", "its version '' is not 1 to 15 printable ASCII characters");
	EXPECT_TEXT(version, "1 2", "its version '1 2' is not 1 to 15 printable ASCII characters");
	EXPECT_TEXT(version, "1234567890123456",
		    "its version '1234567890123456' is not 1 to 15 printable ASCII characters");
}

static void test_longest_texts(void)
{
	struct consort_plugin plugin = zoo_plugin;

	plugin.id = "z2345678901234567890123456789-_";
	plugin.version = "1.2.3~rc1+dfsg-";
	expect_ok(&plugin, NULL);
}

static void test_note(void)
{
	struct consort_plugin plugin = zoo_plugin;
	struct consort_note_info note = good_note;

	snprintf(note.id, sizeof(note.id), "ape");
	expect_refused(&plugin, &note, "its note and its descriptor differ: id 'ape' against 'zoo'");
	note = good_note;
	snprintf(note.version, sizeof(note.version), "1.20");
	expect_refused(&plugin, &note, "its note and its descriptor differ: version '1.20' against '1.2'");
	note = good_note;
	note.abi_minor = 4;
	expect_refused(&plugin, &note, "its note and its descriptor differ: ABI 1.4 against 1.0");
	note = good_note;
	note.abi_major = 2;
	expect_refused(&plugin, &note, "its note and its descriptor differ: ABI 2.0 against 1.0");
	note = good_note;
	consort_features_remove(&note.features, CONSORT_FEATURE_CREATE);
	expect_refused(&plugin, &note,
		       "its note and its descriptor differ: only the descriptor sets feature 'create'");
	note = good_note;
	consort_features_add(&note.features, 127);
	expect_refused(&plugin, &note,
		       "its note and its descriptor differ: only the note sets feature bit 127");
}

static void test_needs(void)
{
	struct consort_plugin plugin = zoo_plugin;
	struct consort_host poor = *consort_host_services();
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t need;

	for (need = 0; need < CONSORT_HOST_FEATURE_COUNT; need++)
		consort_features_add(&plugin.requires_host, need);
	expect_ok(&plugin, NULL);
	consort_features_add(&plugin.requires_host, 77);
	expect_refused(&plugin, NULL,
		       "needs the host feature 77, which this core (" PACKAGE_VERSION ") does not have; a "
		       "newer one may");
	consort_features_remove(&poor.features, CONSORT_HOST_CLOCK);
	CU_ASSERT_EQUAL(consort_loader_negotiate(&plugin, "/p.so", NULL, &poor, &error), CONSORT_EABI);
	TESTING_CONTAINS(error.message, "needs the host feature 2 (clock), which this core");
}

/* --- slots --- */

static void some_operation(void)
{
}

/* A descriptor with every table, and every slot set; tests empty one at a time. */
static struct {
	struct consort_database_ops database;
	struct consort_connection_ops connection;
	struct consort_query_ops query;
	struct consort_write_ops write;
	struct consort_transaction_ops transaction;
	struct consort_prepared_ops prepared;
	struct consort_schema_ops schema;
	struct consort_native_ops native;
	struct consort_changes_ops changes;
	struct consort_keyvalue_ops keyvalue;
	struct consort_plugin plugin;
} full;

static void fill(void *table, uint32_t size)
{
	void (*operation)(void) = some_operation;
	size_t at;

	memset(table, 0, size);
	memcpy(table, &size, sizeof(size));
	for (at = 8; at < size; at += sizeof(operation))
		memcpy((char *)table + at, &operation, sizeof(operation));
}

static void fill_all(void)
{
	uint32_t feature;

	full.plugin = zoo_plugin;
#define FILL(table) (fill(&full.table, sizeof(full.table)), full.plugin.table = &full.table)
	FILL(database);
	FILL(connection);
	FILL(query);
	FILL(write);
	FILL(transaction);
	FILL(prepared);
	FILL(schema);
	FILL(native);
	FILL(changes);
	FILL(keyvalue);
#undef FILL
	for (feature = 0; feature < 128; feature++) /* those without a name too: they are ignored */
		consort_features_add(&full.plugin.features, feature);
}

/* What feature.h and plugin.h promise of each bit. */
static const struct {
	const char *feature, *slots;
} promised[] = {
	{"read", "query.offer query.compile query.compiled_free query.open query.next query.close"},
	{"create", "write.insert"},
	{"update", "write.update"},
	{"delete", "write.remove"},
	{"upsert", "write.upsert"},
	{"bulk_write", ""},
	{"returning", ""},
	{"filter", ""},
	{"sort", ""},
	{"limit", ""},
	{"aggregate", ""},
	{"group", ""},
	{"join", ""},
	{"key_lookup", ""},
	{"nested_paths", ""},
	{"schemaless", ""},
	{"full_text", ""},
	{"time_bucket", ""},
	{"concurrent_cursors", ""},
	{"transactions", "transaction.begin transaction.commit transaction.rollback"},
	{"savepoints", "transaction.savepoint transaction.release transaction.rollback_to"},
	{"prepare_commit", "prepared.prepare prepared.commit_prepared prepared.rollback_prepared "
			   "prepared.list"},
	{"last_resource", ""},
	{"snapshot_export", "transaction.snapshot_export transaction.snapshot_import"},
	{"introspect", "schema.introspect"},
	{"define", "schema.define schema.drop"},
	{"indexes", "schema.define"},
	{"native", "native.open query.next query.close"},
	{"key_value", "keyvalue.get keyvalue.set keyvalue.remove keyvalue.compare_and_set"},
	{"counters", "keyvalue.add"},
	{"time_to_live", ""},
	{"change_feed", "changes.open changes.next changes.confirm changes.close changes.forget"},
	{"cancel", "connection.cancel"},
	{"streaming", ""},
	{"retention", "schema.define"},
	{"compression", "schema.define"},
	{"continuous_aggregates", "schema.define"},
	{"explain", "query.explain"},
	{"read_your_writes", ""},
	{"atomic_commit", ""},
};

#define SLOT(table, slot) {#table "." #slot, &full.table.slot}
static const struct {
	const char *name;
	void *place;
} slots[] = {
	SLOT(query, offer), SLOT(query, compile), SLOT(query, compiled_free), SLOT(query, open),
	SLOT(query, next), SLOT(query, close), SLOT(query, execute), SLOT(query, explain),
	SLOT(write, insert), SLOT(write, update), SLOT(write, remove), SLOT(write, upsert),
	SLOT(transaction, begin), SLOT(transaction, commit), SLOT(transaction, rollback),
	SLOT(transaction, savepoint), SLOT(transaction, release), SLOT(transaction, rollback_to),
	SLOT(transaction, wrote), SLOT(transaction, snapshot_export), SLOT(transaction, snapshot_import),
	SLOT(prepared, prepare), SLOT(prepared, commit_prepared), SLOT(prepared, rollback_prepared),
	SLOT(prepared, list),
	SLOT(schema, introspect), SLOT(schema, define), SLOT(schema, drop),
	SLOT(native, open),
	SLOT(changes, open), SLOT(changes, next), SLOT(changes, confirm), SLOT(changes, close),
	SLOT(changes, forget),
	SLOT(keyvalue, get), SLOT(keyvalue, set), SLOT(keyvalue, remove), SLOT(keyvalue, compare_and_set),
	SLOT(keyvalue, add),
	SLOT(connection, cancel),
};

static bool has_word(const char *words, const char *word)
{
	const char *at = strstr(words, word);
	size_t size = strlen(word);

	while (at && !((at == words || at[-1] == ' ') && (at[size] == ' ' || !at[size])))
		at = strstr(at + 1, word);
	return at != NULL;
}

/* Every feature alone with every slot emptied in turn: refused exactly where it was promised. */
static void test_slots(void)
{
	size_t feature, i;

	CU_ASSERT_EQUAL_FATAL(sizeof(promised) / sizeof(promised[0]), CONSORT_FEATURE_COUNT);
	fill_all();
	expect_ok(&full.plugin, NULL);
	for (feature = 0; feature < CONSORT_FEATURE_COUNT; feature++) {
		size_t found = 0, expected = promised[feature].slots[0] ? 1 : 0;
		const char *space;
		int32_t basis;

		for (space = promised[feature].slots; *space; space++)
			expected += *space == ' ';
		for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
			char message[128];

			fill_all();
			memset(&full.plugin.features, 0, sizeof(full.plugin.features));
			for (basis = (int32_t)feature; basis >= 0; basis = consort_feature_basis((uint32_t)basis))
				consort_features_add(&full.plugin.features, (uint32_t)basis);
			if (feature != CONSORT_FEATURE_TRANSACTIONS &&
			    consort_features_has(&full.plugin.features, CONSORT_FEATURE_TRANSACTIONS) &&
			    has_word(promised[CONSORT_FEATURE_TRANSACTIONS].slots, slots[i].name))
				continue; /* what it stands on needs it */
			memset(slots[i].place, 0, sizeof(void (*)(void)));
			if (!has_word(promised[feature].slots, slots[i].name)) {
				expect_ok(&full.plugin, NULL);
				continue;
			}
			found++;
			snprintf(message, sizeof(message), "sets feature '%s' but %s is NULL",
				 promised[feature].feature, slots[i].name);
			expect_refused(&full.plugin, NULL, message);
		}
		CU_ASSERT_EQUAL(found, expected);
	}
}

/* A feature without the one that it stands on. */
static void test_bases(void)
{
	const struct {
		uint32_t feature, basis;
		const char *message;
	} cases[] = {
		{CONSORT_FEATURE_READ_YOUR_WRITES, CONSORT_FEATURE_TRANSACTIONS,
		 "sets feature 'read_your_writes' without 'transactions', on which it stands"},
		{CONSORT_FEATURE_ATOMIC_COMMIT, CONSORT_FEATURE_TRANSACTIONS,
		 "sets feature 'atomic_commit' without 'transactions', on which it stands"},
		{CONSORT_FEATURE_PREPARE_COMMIT, CONSORT_FEATURE_ATOMIC_COMMIT,
		 "sets feature 'prepare_commit' without 'atomic_commit', on which it stands"},
		{CONSORT_FEATURE_LAST_RESOURCE, CONSORT_FEATURE_ATOMIC_COMMIT,
		 "sets feature 'last_resource' without 'atomic_commit', on which it stands"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fill_all();
		memset(&full.plugin.features, 0, sizeof(full.plugin.features));
		consort_features_add(&full.plugin.features, CONSORT_FEATURE_TRANSACTIONS);
		consort_features_add(&full.plugin.features, cases[i].feature);
		consort_features_remove(&full.plugin.features, cases[i].basis);
		expect_refused(&full.plugin, NULL, cases[i].message);
		consort_features_add(&full.plugin.features, cases[i].basis);
		expect_ok(&full.plugin, NULL);
	}
}

static void test_required_slots(void)
{
	const struct {
		const char *name;
		void *place;
	} required[] = {
		{"init", &full.plugin.init},
		SLOT(database, open), SLOT(database, close),
		SLOT(connection, open), SLOT(connection, close), SLOT(connection, ping), SLOT(connection, reset),
		SLOT(connection, abandon), SLOT(connection, features),
		SLOT(connection, info),
	};
	size_t i;

	for (i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		char message[128];

		fill_all();
		memset(required[i].place, 0, sizeof(void (*)(void)));
		snprintf(message, sizeof(message), "%s is NULL; every adapter must have it",
			 required[i].name);
		expect_refused(&full.plugin, NULL, message);
	}
	fill_all();
	full.plugin.database = NULL;
	expect_refused(&full.plugin, NULL, "database.open is NULL; every adapter must have it");
	fill_all();
	full.plugin.connection = NULL;
	expect_refused(&full.plugin, NULL, "connection.open is NULL; every adapter must have it");
	fill_all();
	full.plugin.write = NULL;
	expect_refused(&full.plugin, NULL, "sets feature 'create' but write.insert is NULL");
	fill_all();
	full.plugin.shutdown = NULL;
	full.plugin.get_extension = NULL;
	expect_ok(&full.plugin, NULL);
}

static void test_table_sizes(void)
{
	char message[128];

	fill_all();
	full.keyvalue.struct_size -= 8;
	snprintf(message, sizeof(message),
		 "its table 'keyvalue' has struct_size %u; ABI 1.0 needs at least %zu",
		 full.keyvalue.struct_size, sizeof(full.keyvalue));
	expect_refused(&full.plugin, NULL, message);
	fill_all();
	full.database.struct_size = 0;
	snprintf(message, sizeof(message),
		 "its table 'database' has struct_size 0; ABI 1.0 needs at least %zu", sizeof(full.database));
	expect_refused(&full.plugin, NULL, message);
	fill_all();
	full.query.struct_size += 80; /* a later minor version's */
	expect_ok(&full.plugin, NULL);
}

/* CONSORT_HAS is how either side reads the other's younger fields. */
static void test_has(void)
{
	struct consort_plugin plugin = zoo_plugin;

	CU_ASSERT_TRUE(CONSORT_HAS(&plugin, keyvalue));
	plugin.struct_size = offsetof(struct consort_plugin, keyvalue);
	CU_ASSERT_FALSE(CONSORT_HAS(&plugin, keyvalue));
	CU_ASSERT_TRUE(CONSORT_HAS(&plugin, changes));
	plugin.struct_size += 1; /* a part of a field is none */
	CU_ASSERT_FALSE(CONSORT_HAS(&plugin, keyvalue));
}

/* --- options --- */

static void expect_option(const struct consort_option *option, const char *message)
{
	static const struct consort_option first = {
		.struct_size = sizeof(first),
		.type = CONSORT_OPTION_INT,
		.scope = CONSORT_OPTION_DATABASE,
		.name = "port",
		.help = "where it listens",
	};
	const struct consort_option *const options[] = {&first, option, NULL};
	struct consort_plugin plugin = zoo_plugin;

	plugin.options = options;
	if (message)
		expect_refused(&plugin, NULL, message);
	else
		expect_ok(&plugin, NULL);
}

static void test_options(void)
{
	const struct consort_option good = {
		.struct_size = sizeof(good),
		.type = CONSORT_OPTION_CHOICE,
		.scope = CONSORT_OPTION_RESOURCE,
		.name = "tls.mode-1_x",
		.choices = "on,off",
		.help = "",
	};
	struct consort_option option = good;
	char message[128];

	expect_option(&good, NULL);
	option.struct_size += 64;
	expect_option(&option, NULL);
	option.struct_size = offsetof(struct consort_option, help);
	snprintf(message, sizeof(message), "option 2 has struct_size %u; ABI 1.0 needs at least %zu",
		 option.struct_size, sizeof(option));
	expect_option(&option, message);
#define EXPECT_OPTION(field, value, message)                                                                 \
	do {                                                                                                 \
		option = good;                                                                               \
		option.field = value;                                                                        \
		expect_option(&option, message);                                                             \
	} while (0)
	EXPECT_OPTION(name, NULL, "option 2 has the name '', which is not of the form [a-z][a-z0-9_.-]*");
	EXPECT_OPTION(name, "", "option 2 has the name '', which is not of the form [a-z][a-z0-9_.-]*");
	EXPECT_OPTION(name, "Port",
		      "option 2 has the name 'Port', which is not of the form [a-z][a-z0-9_.-]*");
	EXPECT_OPTION(name, "a b", "option 2 has the name 'a b', which is not of the form [a-z][a-z0-9_.-]*");
	EXPECT_OPTION(name, ".a", "option 2 has the name '.a', which is not of the form [a-z][a-z0-9_.-]*");
	EXPECT_OPTION(type, 0, "its option 'tls.mode-1_x' has a type that this core does not know");
	EXPECT_OPTION(type, 8, "its option 'tls.mode-1_x' has a type that this core does not know");
	EXPECT_OPTION(scope, 0, "its option 'tls.mode-1_x' has a scope that this core does not know");
	EXPECT_OPTION(scope, 3, "its option 'tls.mode-1_x' has a scope that this core does not know");
	EXPECT_OPTION(choices, NULL, "its option 'tls.mode-1_x' is a choice without choices");
	EXPECT_OPTION(choices, "", "its option 'tls.mode-1_x' is a choice without choices");
	EXPECT_OPTION(help, NULL, "its option 'tls.mode-1_x' has no help");
	EXPECT_OPTION(name, "port", NULL); /* the same name in the other scope is another option */
	option.scope = CONSORT_OPTION_DATABASE;
	expect_option(&option, "its option 'port' is listed twice");
}

static void test_names(void)
{
	size_t i;

	for (i = 0; i < CONSORT_FEATURE_COUNT; i++) {
		TESTING_TEXT(consort_feature_name((uint32_t)i), promised[i].feature);
		CU_ASSERT_EQUAL(consort_feature_find(promised[i].feature), (int32_t)i);
	}
	CU_ASSERT_PTR_NULL(consort_feature_name(CONSORT_FEATURE_COUNT));
	CU_ASSERT_PTR_NULL(consort_feature_name(UINT32_MAX));
	CU_ASSERT_EQUAL(consort_feature_find("teleport"), -1);
	CU_ASSERT_EQUAL(consort_feature_find(""), -1);
	CU_ASSERT_EQUAL(consort_feature_find(NULL), -1);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"descriptor", test_descriptor},
		{"texts", test_texts},
		{"longest_texts", test_longest_texts},
		{"note", test_note},
		{"needs", test_needs},
		{"slots", test_slots},
		{"bases", test_bases},
		{"required_slots", test_required_slots},
		{"table_sizes", test_table_sizes},
		{"has", test_has},
		{"options", test_options},
		{"names", test_names},
		{NULL, NULL},
	};

	return testing_main("negotiate", cases, argc, argv);
}
