/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_FEATURE_H
#define CONSORT_FEATURE_H

/*
 * Features: what an adapter promises by setting a bit, and what the core does where the bit is clear.
 *
 * Three masks, each of which can only take away: the plugin's (what this code can ever do), the manifest's
 * (what the operator allows), the connection's (what this server, version, licence and role allow). Their
 * intersection is the effective mask, which consort_supports() answers from. The slots that a bit requires
 * are named here and never change; the loader refuses a plugin that sets a bit over an empty slot.
 * A bit that the core does not know is ignored.
 */

#include <consort/abi.h>

CONSORT_BEGIN

/* Bit numbers; word = number / 64. @since 0.1 */
enum consort_feature {
	/* Reads every record of a resource: offer and compile of a bare SCAN, open, next, close.
	 * Clear: the resource cannot be queried at all. */
	CONSORT_FEATURE_READ = 0,
	/* write.insert puts one record or a batch. Clear: consort_create answers EUNSUPPORTED; as for all writes. */
	CONSORT_FEATURE_CREATE = 1,
	/* write.update changes only the attributes named, of the record with that key. */
	CONSORT_FEATURE_UPDATE = 2,
	/* write.remove removes the record with that key. */
	CONSORT_FEATURE_DELETE = 3,
	/* write.upsert inserts or, where the key is there, updates; one step to every observer.
	 * Clear: refused; the core never imitates it by a read and a write. */
	CONSORT_FEATURE_UPSERT = 4,
	/* A batch of many rows in one call of a write slot travels by the engine's own bulk path.
	 * Clear: the core calls once a row. */
	CONSORT_FEATURE_BULK_WRITE = 5,
	/* Writes fill `returned` with the attributes asked for, as stored. Clear: the core reads the record again
	 * by its key where it has one, else generated values stay unknown. */
	CONSORT_FEATURE_RETURNING = 6,
	/* FILTER nodes may be offered. Clear: the core filters. */
	CONSORT_FEATURE_FILTER = 7,
	/* SORT nodes may be offered. Clear: the core sorts. */
	CONSORT_FEATURE_SORT = 8,
	/* LIMIT nodes may be offered. Clear: the core stops reading. */
	CONSORT_FEATURE_LIMIT = 9,
	/* AGGREGATE nodes without groups may be offered. Clear: the core aggregates. */
	CONSORT_FEATURE_AGGREGATE = 10,
	/* AGGREGATE nodes with groups may be offered. Clear: the core groups. */
	CONSORT_FEATURE_GROUP = 11,
	/* JOIN nodes of two inputs in the same database may be offered. Clear: the core joins. */
	CONSORT_FEATURE_JOIN = 12,
	/* KEYED nodes may be offered: records whose key is in a set given at open, without reading all others.
	 * Clear: the core reads the whole resource once and picks. */
	CONSORT_FEATURE_KEY_LOOKUP = 13,
	/* PATH expressions into documents may be offered. Clear: the core evaluates them. */
	CONSORT_FEATURE_NESTED_PATHS = 14,
	/* Records may hold fields that no attribute declares, and an update leaves them alone. */
	CONSORT_FEATURE_SCHEMALESS = 15,
	/* MATCH expressions (full text) may be offered. Clear: such a query is refused. */
	CONSORT_FEATURE_FULL_TEXT = 16,
	/* TIME_BUCKET calls may be offered. Clear: the core evaluates them. */
	CONSORT_FEATURE_TIME_BUCKET = 17,
	/* Several cursors may be open on one connection and be read in turns, also between its other calls; each
	 * shows the state of its start, whatever is written meanwhile.
	 * Clear: the core drains an open cursor before the connection's next call. */
	CONSORT_FEATURE_CONCURRENT_CURSORS = 18,
	/* transaction.begin, commit, rollback. Clear: consort_begin refuses. */
	CONSORT_FEATURE_TRANSACTIONS = 19,
	/* transaction.savepoint, release, rollback_to. Clear: a savepoint is refused. */
	CONSORT_FEATURE_SAVEPOINTS = 20,
	/* prepared.prepare, commit_prepared, rollback_prepared, list: a prepared branch survives the connection
	 * and the server. Clear: at most one such database can take part in a transaction of several. */
	CONSORT_FEATURE_PREPARE_COMMIT = 21,
	/* A commit is durable and all or nothing together with a row written in the same transaction, so it may
	 * hold the decision of a transaction over several databases. Clear: it never does. */
	CONSORT_FEATURE_LAST_RESOURCE = 22,
	/* transaction.snapshot_export and snapshot_import: several connections see one state. Clear: a query with
	 * several remotes on this database reads them one after the other on one connection. */
	CONSORT_FEATURE_SNAPSHOT_EXPORT = 23,
	/* schema.introspect lists tables or the like with their attributes, keys and relationships.
	 * Clear: every attribute must be declared. */
	CONSORT_FEATURE_INTROSPECT = 24,
	/* schema.define and schema.drop. Clear: `consort define` refuses. */
	CONSORT_FEATURE_DEFINE = 25,
	/* define also makes the indexes that a declaration asks for. Clear: a declaration with indexes is refused. */
	CONSORT_FEATURE_INDEXES = 26,
	/* native.open runs the engine's own language. Clear: refused. */
	CONSORT_FEATURE_NATIVE = 27,
	/* keyvalue.get, set, remove, compare_and_set. Clear: cannot serve as a cache. */
	CONSORT_FEATURE_KEY_VALUE = 28,
	/* keyvalue.add: atomic counters. */
	CONSORT_FEATURE_COUNTERS = 29,
	/* keyvalue.set and define honour a time to live. */
	CONSORT_FEATURE_TIME_TO_LIVE = 30,
	/* changes.open, next, confirm, close: the engine tells of committed changes. */
	CONSORT_FEATURE_CHANGE_FEED = 31,
	/* connection.cancel wakes a call that waits, from any thread. Clear: only a deadline ends the call. */
	CONSORT_FEATURE_CANCEL = 32,
	/* next delivers with memory bounded by the batch, however long the result. Clear: the adapter (or its
	 * client library) holds whole results, which explain says. */
	CONSORT_FEATURE_STREAMING = 33,
	/* define honours a resource's option `retention`, a duration that the adapter lists: records that are
	 * older go, at the latest when define is called again, if needed. introspect tells it. */
	CONSORT_FEATURE_RETENTION = 34,
	/* The same for its option `compression`, a duration: records that are older are compressed, and read as
	 * before. */
	CONSORT_FEATURE_COMPRESSION = 35,
	/* define makes and keeps continuous aggregates: a resource is one by its option `continuous_aggregate`, a
	 * text in the engine's language; define, if needed, brings it up to date. */
	CONSORT_FEATURE_CONTINUOUS_AGGREGATES = 36,
	/* query.explain writes what the engine is sent. Clear: explain shows the plan's nodes only. */
	CONSORT_FEATURE_EXPLAIN = 37,
	/* With TRANSACTIONS: what a transaction reads shows what it has written. Clear: it reads what the engine has
	 * without that. The core then reads nothing again that the transaction wrote: generated values stay unknown
	 * where RETURNING is clear too. */
	CONSORT_FEATURE_READ_YOUR_WRITES = 38,
	/* With TRANSACTIONS: a commit applies all that was written or nothing, whatever fails. Clear: a commit that
	 * fails tells so, and may leave a part. The core makes no transaction of its own there (for many records, or
	 * a write by query: they are written as without TRANSACTIONS), and it is never one of several databases of a
	 * transaction: the loader refuses PREPARE_COMMIT and LAST_RESOURCE without it. */
	CONSORT_FEATURE_ATOMIC_COMMIT = 39,
	CONSORT_FEATURE_COUNT
};

/* A mask. Frozen. */
struct consort_features {
	uint64_t word[2];
};

#define CONSORT_FEATURE_BIT(feature) ((uint64_t)1 << ((feature) % 64))

static inline int consort_features_has(const struct consort_features *mask, uint32_t feature)
{
	return feature < 128 && (mask->word[feature / 64] & CONSORT_FEATURE_BIT(feature)) != 0;
}

static inline void consort_features_add(struct consort_features *mask, uint32_t feature)
{
	if (feature < 128)
		mask->word[feature / 64] |= CONSORT_FEATURE_BIT(feature);
}

static inline void consort_features_remove(struct consort_features *mask, uint32_t feature)
{
	if (feature < 128)
		mask->word[feature / 64] &= ~CONSORT_FEATURE_BIT(feature);
}

static inline struct consort_features consort_features_and(struct consort_features a, struct consort_features b)
{
	a.word[0] &= b.word[0];
	a.word[1] &= b.word[1];
	return a;
}

CONSORT_END

#endif
