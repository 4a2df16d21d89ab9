/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_PLUGIN_H
#define CONSORT_PLUGIN_H

/*
 * The contract between the core and an engine adapter.
 *
 * An adapter is a shared object with one exported symbol, consort_plugin_entry_v1, and an ELF note that
 * repeats what is needed to find it; CONSORT_PLUGIN_EXPORT makes both. The entry returns a static
 * descriptor, which points to tables of operations. Objects nest:
 *
 *     plugin (per host) > database (per [database] section) > connection > cursor
 *
 * each a pointer of the adapter's own that the core passes back as the first argument.
 *
 * Rules for every operation:
 *  - It returns enum consort_status as uint32_t; not OK means that *error is filled (error is never NULL
 *    here) and that no out-parameter was touched.
 *  - It honours call->deadline and call->cancelled, and refuses unknown bits of call->flags.
 *  - A connection and what belongs to it is used by one thread at a time, not always the same one; database
 *    operations (offer, compile, connection.open) run concurrently. `cancel` alone comes from any thread
 *    at any time.
 *  - Who allocates frees: what comes out of `open` goes back into `close`; texts that go out live as long
 *    as the object they came from.
 *  - MUST slots are never NULL; MAY slots belong to the feature bit named with them and are NULL without it.
 */

#include <consort/batch.h>
#include <consort/error.h>
#include <consort/feature.h>
#include <consort/host.h>
#include <consort/plan.h>
#include <consort/resource.h>

CONSORT_BEGIN

/* --- options --- */

enum consort_option_type {
	CONSORT_OPTION_TEXT = 1,
	CONSORT_OPTION_INT = 2,      /* 64-bit, decimal → INT64 */
	CONSORT_OPTION_BOOL = 3,     /* yes, no, true, false, on, off → BOOL */
	CONSORT_OPTION_DURATION = 4, /* 250ms, 5s, 2m, 1h, 7d → INT64 nanoseconds */
	CONSORT_OPTION_SIZE = 5,     /* 4096, 64KiB, 16MiB, 1GiB → INT64 bytes */
	CONSORT_OPTION_PATH = 6,     /* a file or folder; made absolute against the manifest's folder → TEXT */
	CONSORT_OPTION_CHOICE = 7    /* one of `choices` → TEXT */
};

enum consort_option_scope {
	CONSORT_OPTION_DATABASE = 1, /* stands in [database NAME] */
	CONSORT_OPTION_RESOURCE = 2  /* stands in [resource NAME] of such a database */
};

/* An option that the adapter takes; no other one ever reaches it. Growing. */
struct consort_option {
	uint32_t struct_size;
	uint32_t type;              /* enum consort_option_type */
	uint32_t scope;             /* enum consort_option_scope */
	uint8_t required;
	uint8_t secret;             /* never shown; scrubbed from every text that leaves the core */
	uint16_t reserved;
	const char *name;           /* lower case; dots allowed */
	const char *default_value;  /* as in the manifest; NULL: absent unless given */
	const char *choices;        /* CHOICE: "wal,delete,memory" */
	const char *help;           /* one line; never NULL */
};

/* --- database: MUST --- */

/* Growing. */
struct consort_database_config {
	uint32_t struct_size;
	uint32_t noptions;
	const char *name;                       /* the [database NAME] */
	const struct consort_setting *options;  /* validated; those with a default are always there */
};

struct consort_database_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST. Keeps what it needs of config (copied); connects to nothing. An error about an option has its name as
	 * `attribute`. */
	uint32_t (*open)(void *plugin, const struct consort_database_config *config, void **out_database,
			 struct consort_error *error);
	/* MUST. All its connections and compiled statements are gone already. */
	void (*close)(void *database);
};

/* --- connection: MUST --- */

/* Where features() says why a bit of the plugin's is missing here. Frozen. */
struct consort_feature_sink {
	void *context;
	void (*missing)(void *context, uint32_t feature, const char *why);
};

/* What a connection is to; texts live as long as the connection. Growing. */
struct consort_connection_info {
	uint32_t struct_size;
	uint32_t flags;
	const char *server;      /* "SQLite 3.40.1" */
	const char *identity;    /* the same text for two databases that are one store (host, port, name; file) */
	const char *user;        /* whom the server takes us for; may be empty */
};

struct consort_connection_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST */
	uint32_t (*open)(void *database, const struct consort_call *call, void **out_connection,
			 struct consort_error *error);
	/* MUST. Also of a dead connection; never blocks for longer than call->deadline. */
	void (*close)(void *connection, const struct consort_call *call);
	/* MUST. Is it alive? Asks the server where there is one. */
	uint32_t (*ping)(void *connection, const struct consort_call *call, struct consort_error *error);
	/* MUST. Makes it as new for the next user: no transaction, no cursor, session settings as after open.
	 * Called when a user left a mess, not on every release. Failing means: discard it. */
	uint32_t (*reset)(void *connection, const struct consort_call *call, struct consort_error *error);
	/* MUST. In the child of a fork: closes descriptors, says no goodbye, takes no lock, frees nothing. */
	void (*abandon)(void *connection);
	/* MUST. *mask comes in as the plugin's and leaves without what this server, version, licence or role
	 * does not have; tells sink why. */
	void (*features)(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink);
	/* MUST. Fills *info, whose struct_size the host has set. */
	void (*info)(void *connection, struct consort_connection_info *info);
	/* MAY: CANCEL. Any thread, at any time between open and close; wakes the call that waits, which then
	 * returns ECANCELLED; never blocks. A call without a token (call->cancelled) need not wake.
	 * The core resets or closes the connection before its next use. */
	void (*cancel)(void *connection);
};

/* --- query: MUST with READ --- */

/* What open and execute run with. Growing; valid during the call, values too. */
struct consort_run {
	uint32_t struct_size;
	uint32_t nparameters;
	const struct consort_value *parameters; /* each of the type compiled for, or NULL */
	const struct consort_batch *keys;       /* KEYED: the key set, no NULL, no duplicate; else NULL */
};

struct consort_query_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with READ. Pure, cheap, any thread. Fills the answer (plan.h). */
	uint32_t (*offer)(void *database, const struct consort_node *tree, struct consort_offer *answer,
			  struct consort_error *error);
	/* MUST with READ. Any thread. The statement, and all it points to, outlives what is compiled. */
	uint32_t (*compile)(void *database, const struct consort_statement *statement, void **out_compiled,
			    struct consort_error *error);
	/* MUST with READ. No cursor of it is open; connections may still cache by its id. */
	void (*compiled_free)(void *database, void *compiled);
	/* MUST with READ. Starts it; the run's values are not needed afterwards. */
	uint32_t (*open)(void *connection, const struct consort_call *call, void *compiled,
			 const struct consort_run *run, void **out_cursor, struct consort_error *error);
	/* MUST with READ. Appends rows to the empty batch until it is full or the result ends; none: the end.
	 * Sets CONSORT_BATCH_LAST when it knows that this was all. After a failure only close follows; whole rows that
	 * it had appended are given to the program first. */
	uint32_t (*next)(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			 struct consort_error *error);
	/* MUST with READ. At any time; ends the server's work where that is cheap. */
	void (*close)(void *cursor);
	/* MAY: runs a compiled UPDATE or DELETE node. MUST be set where offer answers anything else than NO to one. */
	uint32_t (*execute)(void *connection, const struct consort_call *call, void *compiled,
			    const struct consort_run *run, int64_t *out_affected, struct consort_error *error);
	/* MAY: EXPLAIN. Writes what the engine is sent for it, in its own language, without parameters' values. */
	uint32_t (*explain)(void *database, void *compiled, const struct consort_text_sink *sink,
			    struct consort_error *error);
};

/* --- write: MUST with CREATE, UPDATE, DELETE or UPSERT --- */

/* Bits of consort_write.flags */
#define CONSORT_WRITE_CONTINUE 1u /* go on after a row that fails, as if it had not been there */

/* The shape of a write. Immutable, made once and used for many batches. Growing. */
struct consort_write {
	uint32_t struct_size;
	uint32_t flags;
	uint64_t id;                 /* never used again in the process: key for statement caches */
	const struct consort_resource *resource;
	uint32_t nattributes;        /* columns of the rows batch */
	uint32_t nkeys;              /* UPDATE, DELETE: the last nkeys columns are the key, behind at least one other
	                              * column in an UPDATE, all of them in a DELETE; INSERT: 0; UPSERT: 0, conflicts
	                              * are on the resource's key, whose attributes are among the columns */
	const uint32_t *attributes;  /* batch column i holds attribute attributes[i] of the resource */
	uint32_t nreturning;
	uint32_t reserved;
	const uint32_t *returning;   /* columns of `returned` */
};

/* What became of a batch. Growing; made by the host. */
struct consort_write_result {
	uint32_t struct_size;
	uint32_t reserved;
	int64_t affected;            /* rows written; an update or delete of a key that is not there counts 0 */
	struct consort_batch *returned; /* RETURNING: a row for each one written, in their order; NULL: not wanted */
	void *context;
	/* Called once for each row (from 0), in any order, that failed, or whose key was not there (ENOTFOUND: such
	 * a row is no failure of the batch). Without CONSORT_WRITE_CONTINUE the call stops at the first failure and
	 * returns its status, with everything of the batch undone where the engine can (else `affected` tells). */
	void (*row_failed)(void *context, int64_t row, const struct consort_error *error);
};

/* Outside of a transaction, EINDOUBT tells that the connection was lost before the answer came. */
struct consort_write_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MAY: CREATE */
	uint32_t (*insert)(void *connection, const struct consort_call *call, const struct consort_write *write,
			   const struct consort_batch *rows, struct consort_write_result *result,
			   struct consort_error *error);
	/* MAY: UPDATE */
	uint32_t (*update)(void *connection, const struct consort_call *call, const struct consort_write *write,
			   const struct consort_batch *rows, struct consort_write_result *result,
			   struct consort_error *error);
	/* MAY: DELETE; every column is a key's */
	uint32_t (*remove)(void *connection, const struct consort_call *call, const struct consort_write *write,
			   const struct consort_batch *rows, struct consort_write_result *result,
			   struct consort_error *error);
	/* MAY: UPSERT */
	uint32_t (*upsert)(void *connection, const struct consort_call *call, const struct consort_write *write,
			   const struct consort_batch *rows, struct consort_write_result *result,
			   struct consort_error *error);
};

/* --- transaction: MUST with TRANSACTIONS --- */

enum consort_isolation {
	CONSORT_ISOLATION_DEFAULT = 0,
	CONSORT_ISOLATION_READ_COMMITTED = 1,
	CONSORT_ISOLATION_REPEATABLE_READ = 2, /* or snapshot */
	CONSORT_ISOLATION_SERIALIZABLE = 3
};

/* Bits of consort_transaction_options.flags */
#define CONSORT_TRANSACTION_READ_ONLY 1u
#define CONSORT_TRANSACTION_WILL_PREPARE 2u /* prepare follows with `global_id` */
#define CONSORT_TRANSACTION_DECIDES 4u      /* this one holds the decision: strictest durability */

/* Growing. */
struct consort_transaction_options {
	uint32_t struct_size;
	uint32_t flags;
	uint32_t isolation;      /* enum consort_isolation; the engine may give a stricter one, never a weaker */
	uint32_t reserved;
	const char *global_id;   /* under 64 bytes, printable ASCII, with the branch number; NULL: a local one */
};

enum consort_outcome_kind {
	CONSORT_OUTCOME_NONE = 0,
	CONSORT_OUTCOME_COMMITTED = 1,
	CONSORT_OUTCOME_COMMITTED_PENDING = 2, /* decided; some branches are still to be told */
	CONSORT_OUTCOME_ABORTED = 3,
	CONSORT_OUTCOME_UNKNOWN = 4,           /* the answer to the commit was lost */
	CONSORT_OUTCOME_HEURISTIC = 5          /* branches ended against the decision */
};

struct consort_transaction_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with TRANSACTIONS */
	uint32_t (*begin)(void *connection, const struct consort_call *call,
			  const struct consort_transaction_options *options, struct consort_error *error);
	/* MUST with TRANSACTIONS. OK: committed. Else error->status is EINDOUBT if the outcome is not known, or,
	 * without ATOMIC_COMMIT, a part was written; any other status means that it was rolled back. */
	uint32_t (*commit)(void *connection, const struct consort_call *call, struct consort_error *error);
	/* MUST with TRANSACTIONS. After it the connection has no transaction, or is dead. */
	uint32_t (*rollback)(void *connection, const struct consort_call *call, struct consort_error *error);
	/* MAY: SAVEPOINTS; names are [a-z0-9_]+ */
	uint32_t (*savepoint)(void *connection, const struct consort_call *call, const char *name,
			      struct consort_error *error);
	uint32_t (*release)(void *connection, const struct consort_call *call, const char *name,
			    struct consort_error *error);
	uint32_t (*rollback_to)(void *connection, const struct consort_call *call, const char *name,
				struct consort_error *error);
	/* MAY. Has this transaction written? Without it the core takes every write call, and native, as yes. */
	uint32_t (*wrote)(void *connection, const struct consort_call *call, uint32_t *out_wrote,
			  struct consort_error *error);
	/* MAY: SNAPSHOT_EXPORT. A text that snapshot_import of other connections takes while this transaction is
	 * open; it lives as long as the transaction. */
	uint32_t (*snapshot_export)(void *connection, const struct consort_call *call, const char **out_snapshot,
				    struct consort_error *error);
	uint32_t (*snapshot_import)(void *connection, const struct consort_call *call, const char *snapshot,
				    struct consort_error *error);
};

/* --- prepared: MUST with PREPARE_COMMIT --- */

/* Frozen. */
struct consort_prepared_sink {
	void *context;
	/* age in microseconds, negative if unknown */
	uint32_t (*branch)(void *context, const char *global_id, int64_t age);
};

struct consort_prepared_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with PREPARE_COMMIT. Ends the connection's transaction into a prepared branch. EINDOUBT: it may or
	 * may not be prepared, now or later. */
	uint32_t (*prepare)(void *connection, const struct consort_call *call, const char *global_id,
			    struct consort_error *error);
	/* MUST with PREPARE_COMMIT. From any connection to the same database. ENOTFOUND: no such branch is known. */
	uint32_t (*commit_prepared)(void *connection, const struct consort_call *call, const char *global_id,
				    struct consort_error *error);
	uint32_t (*rollback_prepared)(void *connection, const struct consort_call *call, const char *global_id,
				      struct consort_error *error);
	/* MUST with PREPARE_COMMIT. Branches of this database whose id starts with prefix. */
	uint32_t (*list)(void *connection, const struct consort_call *call, const char *prefix,
			 const struct consort_prepared_sink *sink, struct consort_error *error);
};

/* --- schema: MUST with INTROSPECT or DEFINE --- */

/* Frozen. A status from resource() ends the introspection with it. */
struct consort_resource_sink {
	void *context;
	uint32_t (*resource)(void *context, const struct consort_resource *resource);
};

/* Bits of flags of define and drop */
#define CONSORT_SCHEMA_DRY_RUN 1u   /* only write to sink what would be run */
#define CONSORT_SCHEMA_IF_NEEDED 2u /* define what is missing; drop what is there */

struct consort_schema_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MAY: INTROSPECT. source NULL: all of the database; else that one (a resource that reads several things,
	 * like a glob, as one), ENOTFOUND if it is not there. `settings` are the resource's options, if any. */
	uint32_t (*introspect)(void *connection, const struct consort_call *call, const char *source,
			       const struct consort_setting *settings, uint32_t nsettings,
			       const struct consort_resource_sink *sink, struct consort_error *error);
	/* MAY: DEFINE. Makes the table or the like, its key and indexes; writes to sink (if not NULL) what it runs.
	 * An existing one without IF_NEEDED is ECONFLICT. */
	uint32_t (*define)(void *connection, const struct consort_call *call,
			   const struct consort_resource *resource, uint32_t flags,
			   const struct consort_text_sink *sink, struct consort_error *error);
	/* MAY: DEFINE */
	uint32_t (*drop)(void *connection, const struct consort_call *call,
			 const struct consort_resource *resource, uint32_t flags,
			 const struct consort_text_sink *sink, struct consort_error *error);
};

/* --- native: MUST with NATIVE --- */

struct consort_native_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with NATIVE. Runs one statement with its parameters bound, never pasted. The cursor is read with
	 * query.next and query.close; fields live as long as it. No rows: *out_nfields is 0 and *out_affected
	 * tells (-1: unknown). */
	uint32_t (*open)(void *connection, const struct consort_call *call, const char *text,
			 const struct consort_run *run, void **out_cursor,
			 const struct consort_field *const **out_fields, uint32_t *out_nfields,
			 int64_t *out_affected, struct consort_error *error);
};

/* --- changes: MUST with CHANGE_FEED --- */

enum consort_change_kind {
	CONSORT_CHANGE_INSERT = 1,
	CONSORT_CHANGE_UPDATE = 2,
	CONSORT_CHANGE_DELETE = 3,
	CONSORT_CHANGE_COMMIT = 4 /* end of a transaction; only position and time are set */
};

/* One change. Growing; valid during the sink's call. */
struct consort_change {
	uint32_t struct_size;
	uint32_t kind;
	const struct consort_resource *resource;
	const char *position;              /* opaque; to resume after this change */
	int64_t time;                      /* of the commit, microseconds since 1970, 0 if unknown */
	uint32_t nvalues;
	uint32_t reserved;
	const uint32_t *attributes;        /* positions in the resource's attributes */
	const struct consort_value *before; /* [nvalues], or NULL */
	const struct consort_value *after;  /* [nvalues], or NULL */
};

/* Frozen. */
struct consort_change_sink {
	void *context;
	uint32_t (*change)(void *context, const struct consort_change *change);
};

struct consort_changes_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with CHANGE_FEED. Takes the connection until close. position NULL: from now. `name` tells the feed
	 * apart where the engine keeps its place. */
	uint32_t (*open)(void *connection, const struct consort_call *call, const char *name,
			 const struct consort_resource *const *resources, uint32_t nresources,
			 const char *position, void **out_feed, struct consort_error *error);
	/* MUST with CHANGE_FEED. Delivers what is there, else waits until the deadline (ETIMEOUT: nothing came). */
	uint32_t (*next)(void *feed, const struct consort_call *call, const struct consort_change_sink *sink,
			 struct consort_error *error);
	/* MUST with CHANGE_FEED. All up to this position is dealt with and need not be kept. */
	uint32_t (*confirm)(void *feed, const struct consort_call *call, const char *position,
			    struct consort_error *error);
	/* MUST with CHANGE_FEED */
	void (*close)(void *feed);
	/* MUST with CHANGE_FEED. Forgets the place kept under that name. */
	uint32_t (*forget)(void *connection, const struct consort_call *call, const char *name,
			   struct consort_error *error);
};

/* --- keyvalue: MUST with KEY_VALUE --- */

/* Times to live are in microseconds; 0: for ever. Keys and values are bytes. */
struct consort_keyvalue_ops {
	uint32_t struct_size;
	uint32_t reserved;
	/* MUST with KEY_VALUE. Fills *out_value, valid until the connection's next call; ENOTFOUND. */
	uint32_t (*get)(void *connection, const struct consort_call *call, struct consort_view key,
			struct consort_view *out_value, int64_t *out_time_to_live, struct consort_error *error);
	/* MUST with KEY_VALUE */
	uint32_t (*set)(void *connection, const struct consort_call *call, struct consort_view key,
			struct consort_view value, int64_t time_to_live, struct consort_error *error);
	/* MUST with KEY_VALUE; ENOTFOUND */
	uint32_t (*remove)(void *connection, const struct consort_call *call, struct consort_view key,
			   struct consort_error *error);
	/* MUST with KEY_VALUE. Sets if the value is `expected` (NULL: if absent); else ECONFLICT. */
	uint32_t (*compare_and_set)(void *connection, const struct consort_call *call, struct consort_view key,
				    const struct consort_view *expected, struct consort_view value,
				    int64_t time_to_live, struct consort_error *error);
	/* MAY: COUNTERS. Adds (absent counts as 0) and tells the new value. */
	uint32_t (*add)(void *connection, const struct consort_call *call, struct consort_view key, int64_t delta,
			int64_t time_to_live, int64_t *out_value, struct consort_error *error);
};

/* --- the plugin --- */

/* The descriptor: static, constant. Texts are never NULL; empty where there is nothing to say. Growing. */
struct consort_plugin {
	uint32_t struct_size;
	uint32_t abi_minor;                   /* CONSORT_ABI_MINOR of the headers it was built with */
	const char *id;                       /* the type in manifests: [a-z][a-z0-9_-]*, under 32 bytes */
	const char *version;                  /* its own, under 16 bytes */
	const char *licence;                  /* SPDX expression */
	const char *vendor;
	const char *homepage;
	const char *description;              /* one line */
	struct consort_features features;     /* what this code can ever do */
	struct consort_features requires_host; /* enum consort_host_feature bits that it cannot do without */
	const struct consort_option *const *options; /* NULL-terminated; may be NULL */
	/* MUST. Once per host, before anything else; two hosts in a process get two contexts. */
	uint32_t (*init)(const struct consort_host *host, void **out_plugin, struct consort_error *error);
	/* MAY. When the host is closed; all its databases are. */
	void (*shutdown)(void *plugin);
	/* MAY. A vendor's extension of the plugin ("org.acme.thing/1"), or NULL. Any thread. */
	const void *(*get_extension)(const char *name);
	const struct consort_database_ops *database;       /* MUST */
	const struct consort_connection_ops *connection;   /* MUST */
	const struct consort_query_ops *query;
	const struct consort_write_ops *write;
	const struct consort_transaction_ops *transaction;
	const struct consort_prepared_ops *prepared;
	const struct consort_schema_ops *schema;
	const struct consort_native_ops *native;
	const struct consort_changes_ops *changes;
	const struct consort_keyvalue_ops *keyvalue;
};

/* The only exported symbol; its name carries the ABI's major version. Idempotent; stores nothing. */
CONSORT_EXPORT const struct consort_plugin *consort_plugin_entry_v1(void);

typedef const struct consort_plugin *consort_plugin_entry_fn(void);

CONSORT_END

#include <consort/export.h>

#endif
