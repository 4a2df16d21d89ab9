/* SPDX-License-Identifier: Apache-2.0 */
/* What the core knows of each feature: its name, and the slots that its bit requires. */
#include "loader/loader.h"

static const char *const names[] = {
	[CONSORT_FEATURE_READ] = "read",
	[CONSORT_FEATURE_CREATE] = "create",
	[CONSORT_FEATURE_UPDATE] = "update",
	[CONSORT_FEATURE_DELETE] = "delete",
	[CONSORT_FEATURE_UPSERT] = "upsert",
	[CONSORT_FEATURE_BULK_WRITE] = "bulk_write",
	[CONSORT_FEATURE_RETURNING] = "returning",
	[CONSORT_FEATURE_FILTER] = "filter",
	[CONSORT_FEATURE_SORT] = "sort",
	[CONSORT_FEATURE_LIMIT] = "limit",
	[CONSORT_FEATURE_AGGREGATE] = "aggregate",
	[CONSORT_FEATURE_GROUP] = "group",
	[CONSORT_FEATURE_JOIN] = "join",
	[CONSORT_FEATURE_KEY_LOOKUP] = "key_lookup",
	[CONSORT_FEATURE_NESTED_PATHS] = "nested_paths",
	[CONSORT_FEATURE_SCHEMALESS] = "schemaless",
	[CONSORT_FEATURE_FULL_TEXT] = "full_text",
	[CONSORT_FEATURE_TIME_BUCKET] = "time_bucket",
	[CONSORT_FEATURE_CONCURRENT_CURSORS] = "concurrent_cursors",
	[CONSORT_FEATURE_TRANSACTIONS] = "transactions",
	[CONSORT_FEATURE_SAVEPOINTS] = "savepoints",
	[CONSORT_FEATURE_PREPARE_COMMIT] = "prepare_commit",
	[CONSORT_FEATURE_LAST_RESOURCE] = "last_resource",
	[CONSORT_FEATURE_SNAPSHOT_EXPORT] = "snapshot_export",
	[CONSORT_FEATURE_INTROSPECT] = "introspect",
	[CONSORT_FEATURE_DEFINE] = "define",
	[CONSORT_FEATURE_INDEXES] = "indexes",
	[CONSORT_FEATURE_NATIVE] = "native",
	[CONSORT_FEATURE_KEY_VALUE] = "key_value",
	[CONSORT_FEATURE_COUNTERS] = "counters",
	[CONSORT_FEATURE_TIME_TO_LIVE] = "time_to_live",
	[CONSORT_FEATURE_CHANGE_FEED] = "change_feed",
	[CONSORT_FEATURE_CANCEL] = "cancel",
	[CONSORT_FEATURE_STREAMING] = "streaming",
	[CONSORT_FEATURE_RETENTION] = "retention",
	[CONSORT_FEATURE_COMPRESSION] = "compression",
	[CONSORT_FEATURE_CONTINUOUS_AGGREGATES] = "continuous_aggregates",
	[CONSORT_FEATURE_EXPLAIN] = "explain",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CONSORT_FEATURE_COUNT, "every feature has a name");

struct slot {
	uint32_t feature;
	uint32_t table;  /* offset of the table's pointer in the descriptor */
	uint32_t offset; /* in the table */
	const char *name;
};

#define SLOT(bit, ops, slot)                                                                                   \
	{                                                                                                      \
		CONSORT_FEATURE_##bit, offsetof(struct consort_plugin, ops),                                   \
			offsetof(struct consort_##ops##_ops, slot), #ops "." #slot                             \
	}

/* Fixed when a bit is born: rows are added for new bits, never for old ones (feature.h, plugin.h). */
static const struct slot slots[] = {
	SLOT(ALWAYS, database, open), SLOT(ALWAYS, database, close),
	SLOT(ALWAYS, connection, open), SLOT(ALWAYS, connection, close), SLOT(ALWAYS, connection, ping),
	SLOT(ALWAYS, connection, reset), SLOT(ALWAYS, connection, abandon),
	SLOT(ALWAYS, connection, features), SLOT(ALWAYS, connection, info),
	SLOT(READ, query, offer), SLOT(READ, query, compile), SLOT(READ, query, compiled_free),
	SLOT(READ, query, open), SLOT(READ, query, next), SLOT(READ, query, close),
	SLOT(CREATE, write, insert), SLOT(UPDATE, write, update), SLOT(DELETE, write, remove),
	SLOT(UPSERT, write, upsert),
	SLOT(TRANSACTIONS, transaction, begin), SLOT(TRANSACTIONS, transaction, commit),
	SLOT(TRANSACTIONS, transaction, rollback),
	SLOT(SAVEPOINTS, transaction, savepoint), SLOT(SAVEPOINTS, transaction, release),
	SLOT(SAVEPOINTS, transaction, rollback_to),
	SLOT(PREPARE_COMMIT, prepared, prepare), SLOT(PREPARE_COMMIT, prepared, commit_prepared),
	SLOT(PREPARE_COMMIT, prepared, rollback_prepared), SLOT(PREPARE_COMMIT, prepared, list),
	SLOT(SNAPSHOT_EXPORT, transaction, snapshot_export),
	SLOT(SNAPSHOT_EXPORT, transaction, snapshot_import),
	SLOT(INTROSPECT, schema, introspect),
	SLOT(DEFINE, schema, define), SLOT(DEFINE, schema, drop),
	SLOT(INDEXES, schema, define), SLOT(RETENTION, schema, define),
	SLOT(COMPRESSION, schema, define), SLOT(CONTINUOUS_AGGREGATES, schema, define),
	SLOT(NATIVE, native, open), SLOT(NATIVE, query, next), SLOT(NATIVE, query, close),
	SLOT(KEY_VALUE, keyvalue, get), SLOT(KEY_VALUE, keyvalue, set), SLOT(KEY_VALUE, keyvalue, remove),
	SLOT(KEY_VALUE, keyvalue, compare_and_set),
	SLOT(COUNTERS, keyvalue, add),
	SLOT(CHANGE_FEED, changes, open), SLOT(CHANGE_FEED, changes, next),
	SLOT(CHANGE_FEED, changes, confirm), SLOT(CHANGE_FEED, changes, close),
	SLOT(CHANGE_FEED, changes, forget),
	SLOT(CANCEL, connection, cancel),
	SLOT(EXPLAIN, query, explain),
};

const char *consort_feature_name(uint32_t feature)
{
	return feature < CONSORT_FEATURE_COUNT ? names[feature] : NULL;
}

int32_t consort_feature_find(const char *name)
{
	int32_t feature;

	for (feature = 0; name && feature < CONSORT_FEATURE_COUNT; feature++)
		if (!strcmp(names[feature], name))
			return feature;
	return -1;
}

/* A slot behind the table's end, which its maker did not know, is as empty as a NULL. */
static bool slot_is_set(const struct consort_plugin *plugin, const struct slot *slot)
{
	void (*operation)(void) = NULL;
	const char *table;
	uint32_t table_size;

	memcpy(&table, (const char *)plugin + slot->table, sizeof(table));
	if (!table)
		return false;
	memcpy(&table_size, table, sizeof(table_size));
	if (table_size < slot->offset + sizeof(operation))
		return false;
	memcpy(&operation, table + slot->offset, sizeof(operation));
	return operation != NULL;
}

const char *consort_feature_empty_slot(const struct consort_plugin *plugin, uint32_t feature)
{
	size_t i;

	for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (slots[i].feature == feature && !slot_is_set(plugin, &slots[i]))
			return slots[i].name;
	return NULL;
}
