/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations each feature needs. */
#include <consort/slots.h>

#define SLOT(bit, ops, slot) \
	{CONSORT_FEATURE_##bit, offsetof(struct consort_plugin, ops), \
	 offsetof(struct consort_##ops##_ops, slot), #ops "." #slot}

/* Fixed when a bit is born: rows are added for new bits, never for old ones (feature.h, plugin.h). */
static const struct consort_slot slots[] = {
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

const struct consort_slot *consort_slot_at(uint32_t index)
{
	return index < sizeof(slots) / sizeof(slots[0]) ? &slots[index] : NULL;
}

const void *consort_slot_place(const struct consort_plugin *plugin, const struct consort_slot *slot)
{
	const char *table;
	uint32_t size;

	memcpy(&table, (const char *)plugin + slot->table, sizeof(table));
	if (!table)
		return NULL;
	memcpy(&size, table, sizeof(size));
	return size < slot->offset + sizeof(consort_operation *) ? NULL : table + slot->offset;
}

consort_operation *consort_slot_operation(const struct consort_plugin *plugin, const struct consort_slot *slot)
{
	const void *place = consort_slot_place(plugin, slot);
	consort_operation *operation = NULL;

	if (place)
		memcpy(&operation, place, sizeof(operation));
	return operation;
}
