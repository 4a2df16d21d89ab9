/* SPDX-License-Identifier: Apache-2.0 */
/* What the core knows of each feature: its name, what it stands on, and which slots of an adapter it misses.
 */
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
	[CONSORT_FEATURE_READ_YOUR_WRITES] = "read_your_writes",
	[CONSORT_FEATURE_ATOMIC_COMMIT] = "atomic_commit",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CONSORT_FEATURE_COUNT, "every feature has a name");

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

int32_t consort_feature_basis(uint32_t feature)
{
	switch (feature) {
	case CONSORT_FEATURE_READ_YOUR_WRITES:
	case CONSORT_FEATURE_ATOMIC_COMMIT:
		return CONSORT_FEATURE_TRANSACTIONS;
	case CONSORT_FEATURE_PREPARE_COMMIT:
	case CONSORT_FEATURE_LAST_RESOURCE:
		return CONSORT_FEATURE_ATOMIC_COMMIT;
	default:
		return -1;
	}
}

const char *consort_feature_empty_slot(const struct consort_plugin *plugin, uint32_t feature)
{
	const struct consort_slot *slot;
	uint32_t i;

	for (i = 0; (slot = consort_slot_at(i)); i++)
		if (slot->feature == feature && !consort_slot_operation(plugin, slot))
			return slot->name;
	return NULL;
}
