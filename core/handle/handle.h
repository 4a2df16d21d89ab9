/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_CORE_HANDLE_H
#define CONSORT_CORE_HANDLE_H

/*
 * The host API: handles over all layers below.
 *
 *     open.c         a manifest to databases and a catalogue
 *     scope.c        handles of handles, limits
 *     session.c      connections for a call or run
 *     transaction.c  transactions as handles
 *     query.c        the builder
 *     plan.c         plans of queries, kept and made anew
 *     run.c          plans, and native statements, to cursors
 *     byquery.c      update and delete by query
 *     explain.c      plans as text
 *     record.c       values by name
 *     access.c       what is kept for a resource's records
 *     get.c          a record by its key
 *     load.c         records by sets of keys
 *     write.c        create, update, upsert, delete
 *     many.c         the same for sets of records
 *     writer.c       the same in columns
 *     values.c       programs' values, checked
 *     catalog.c      describe, define, drop
 *     database.c     what each database can do
 *     log.c          lines to where the manifest says
 */

#include <consort/consort.h>

#include "base/base.h"
#include "exec/exec.h"
#include "loader/loader.h"
#include "manifest/manifest.h"
#include "plan/plan.h"
#include "pool/pool.h"
#include "query/query.h"
#include "resources/resources.h"
#include "tx/tx.h"

/* An adapter that this manifest uses, initialised once. */
struct consort_used_plugin {
	const struct consort_plugin *plugin;
	void *context;
};

/* What all handles of an open manifest share. */
struct consort_root {
	uint32_t references; /* atomic */
	uint32_t stamp;	     /* consort_fork_count at open */
	struct consort_manifest *manifest;
	struct consort_search search;
	struct consort_used_plugin *plugins;
	uint32_t nplugins;
	struct consort_catalog catalog;
	bool has_catalog;
	struct consort_tx_list transactions;
	struct consort_log *log; /* NULL: none was asked for */
};

/* --- log.c --- */

/* Sends log lines where the program or the manifest wants them, until _close. */
enum consort_status consort_log_open(struct consort_root *root, const struct consort_open_options *options,
				     struct consort_error *error);
void consort_log_close(struct consort_root *root);

/* --- open.c --- */

void consort_root_hold(struct consort_root *root);
void consort_root_drop(struct consort_root *root);

/* A handle: the root's limits, or those of a scope; inside a transaction or not. */
struct consort {
	uint32_t references; /* atomic: children that use it */
	struct consort_root *root;
	struct consort *parent; /* held; NULL for the first */
	struct consort_tx *tx;	/* of this handle or of one it was made of */
	bool owns_tx;
	int64_t deadline; /* of the scope; 0: none */
	struct consort_cancel *cancel;
	bool owns_cancel; /* a reference of its own; else of the handle that it was made of */
	const char *trace_parent;
	char *own_trace_parent;       /* what this scope was given */
	uint64_t memory_limit;
};

void consort_handle_hold(struct consort *c);
/* A handle of that one, which it holds, with its limits. NULL: no memory. */
struct consort *consort_handle_derive(struct consort *c);
void consort_handle_drop(struct consort *c);
/* EFORKED in a child of the process that opened it; EINVAL when its transaction has ended. */
enum consort_status consort_handle_check(const struct consort *c, struct consort_error *error);

/* --- session.c --- */

#define CONSORT_SESSION_INLINE 4

/* The connections of one call or run: each database's once, the transaction's own where it has one. */
struct consort_handle_session {
	struct consort_session base;
	struct consort *handle;
	struct consort_call call;
	struct consort_connection *held[CONSORT_SESSION_INLINE];
	struct consort_connection **more; /* beyond those */
	uint32_t nheld;
	bool has_token; /* it made the handle's cancel token reach the transaction's connection */
	bool again;	/* consort_session_again said yes */
};

void consort_session_begin(struct consort_handle_session *session, struct consort *c);
/* Gives back what it took from pools. */
void consort_session_end(struct consort_handle_session *session);
/*
 * May what failed be tried again, which has only read and given out nothing yet? Once, if a connection turned out to
 * be lost that had waited in its pool, and never in a transaction. If so, the session is as after its end, with the
 * deadline it had, and the error is empty.
 */
bool consort_session_again(struct consort_handle_session *session, struct consort_error *error);
/* Will it say yes? What works with its connections has to end before it is asked. */
bool consort_session_is_lost(struct consort_handle_session *session, const struct consort_error *error);
/* The database's own default deadline, where the handle has none. */
void consort_session_limit(struct consort_handle_session *session, const struct consort_database *database);

/* --- transaction.c --- */

/* Rolls back the transaction that this handle began, if it is open. */
void consort_transaction_close(struct consort *in);

/* --- lookups for calls --- */

enum consort_status consort_find_resource(struct consort_handle_session *session, const char *name,
					  struct consort_entry **out_entry,
					  const struct consort_resource **out_resource,
					  struct consort_error *error);
/* Names for the resolver, through a session. */
struct consort_names consort_session_names(struct consort_handle_session *session);

/* --- query.c, plan.c, run.c --- */

/* Immutable once it is shared, but for `renewed`. */
struct consort_plan {
	uint32_t references; /* atomic */
	uint32_t generation; /* the catalogue's when it was made */
	bool holds_root;     /* given to the program */
	struct consort_root *root;
	struct consort_arena arena;
	struct consort_logical logical;
	const struct consort_step *step;
	const struct consort_step *after;      /* delivers the order values to page after */
	const struct consort_value *after_key; /* [logical.nafter_key] */
	uint64_t ndatabases;
	struct consort_database **databases; /* that it reads, by index */
	struct consort_clauses clauses;	     /* with holds_root: what it was made of */
	struct consort_plan *renewed; /* atomic; the same made of later resources, the latest first; owned */
};

struct consort_query {
	struct consort *handle; /* NULL: it was not given one */
	struct consort_arena arena;
	const char *resource, *select, *group, *having, *order;
	const char **where;
	uint32_t nwhere;
	int64_t limit, offset;
	struct consort_value *after;
	uint32_t nafter;
	enum consort_status status; /* of the first setter that failed */
	struct consort_error error;
	struct consort_plan *plan; /* kept until a setter changes the query */
};

/* A handle that works, a builder whose setters did not fail. */
enum consort_status consort_query_check(const struct consort_query *q, struct consort_error *error);
struct consort_clauses consort_query_clauses(const struct consort_query *q);
/* An empty plan; consort_plan_free. */
struct consort_plan *consort_plan_new(struct consort_root *root);
/* A plan of these clauses, through that handle. after: [clauses->nafter] the key to page after. */
enum consort_status consort_plan_of_clauses(struct consort *c, const struct consort_clauses *clauses,
					    const struct consort_value *after, struct consort_plan **out_plan,
					    struct consort_error *error);
/* Was nothing defined or dropped since the plan was made? */
static inline bool consort_plan_is_current(const struct consort_plan *plan)
{
	return plan->generation == consort_catalog_generation(&plan->root->catalog);
}
/* The kept plan, or a new one. Borrowed. */
enum consort_status consort_query_plan(struct consort_query *q, struct consort_plan **out_plan,
				       struct consort_error *error);
/* A planner for the plan's arena. */
struct consort_planner consort_plan_planner(struct consort_root *root, struct consort_arena *arena,
					    const struct consort_logical *logical);
/* Fills plan->databases from its steps. */
enum consort_status consort_plan_collect(struct consort_plan *plan, struct consort_error *error);
/* EINVAL if the plan is of another manifest; what consort_handle_check says. */
enum consort_status consort_plan_check(const struct consort *c, const struct consort_plan *plan,
				       struct consort_error *error);
/* Runs the plan; with analyze, *out_op is its root operator. */
enum consort_status consort_plan_start(struct consort *c, struct consort_plan *plan, struct consort_args args,
				       bool analyze, struct consort_cursor **out_rows,
				       struct consort_operator **out_op, struct consort_error *error);
/* The session of a cursor of a plan, for what shall use the same connections. */
struct consort_handle_session *consort_cursor_session(const struct consort_cursor *rows);
/* Rows for a VALUES step. */
struct consort_values {
	struct consort_batch **batches;
	uint32_t count;
};
void consort_values_clear(struct consort_values *values);
/* Runs a plan without parameters over these rows, which it takes on success. */
enum consort_status consort_plan_start_values(struct consort *c, struct consort_plan *plan,
					      struct consort_values *values, struct consort_cursor **out_rows,
					      struct consort_error *error);

/* --- values.c --- */

/* Arguments as parameters of these types, in the arena. */
enum consort_status consort_args_convert(struct consort_args args, const struct consort_type *types,
					 uint32_t count, struct consort_arena *arena,
					 struct consort_value *out_values, struct consort_error *error);
/* A value of that type, checked (consort_value_check) and, with an arena, copied there. */
enum consort_status consort_value_accept(const struct consort_value *value, struct consort_type type,
					 struct consort_arena *arena, struct consort_value *out_value,
					 struct consort_error *error);
/* "resource.attribute: " in front of the message, and both as what the error is about. */
void consort_error_blame(struct consort_error *error, const char *resource, const char *attribute);

/* --- access.c --- */

enum consort_write_kind {
	CONSORT_WRITE_INSERT = 1,
	CONSORT_WRITE_UPDATE = 2,
	CONSORT_WRITE_DELETE = 3,
	CONSORT_WRITE_UPSERT = 4
};

/* A shape of writes that the program uses. Never changed once published. */
struct consort_shape {
	struct consort_shape *next;
	uint32_t kind; /* enum consort_write_kind */
	struct consort_write write;
	const struct consort_type *types;    /* of the rows' columns */
	const struct consort_type *returned; /* of the returned columns */
};

/* What the record calls keep for a resource. */
struct consort_access {
	struct consort_access *next; /* for an earlier description of the same entry */
	const struct consort_resource *resource;
	struct consort_database *database;
	struct consort_root *root; /* borrowed: it owns this */
	uint32_t generation;	   /* atomic; the catalogue's when it was last found to be right */
	struct consort_arena arena;
	pthread_mutex_t lock;		      /* of the arena */
	struct consort_shape *shapes;	      /* atomic */
	struct consort_plan *get;	      /* atomic; by whole key, all attributes */
	struct consort_map attributes;	      /* name → &resource->attributes[position] */
	const struct consort_type *key_types; /* [resource->nkeys] */
};

#define CONSORT_NO_ATTRIBUTE UINT32_MAX

/* What is kept for a resource by name, made on first use. */
enum consort_status consort_access_open(struct consort_handle_session *session, const char *name,
					struct consort_access **out_access, struct consort_error *error);
void consort_access_free(struct consort_access *access);
/* The attribute's position, or CONSORT_NO_ATTRIBUTE. */
uint32_t consort_access_attribute(const struct consort_access *access, const char *name);
/* ENAME with the nearest one. */
enum consort_status consort_access_unknown(const struct consort_access *access, const char *name,
					   struct consort_error *error);
/* The shape for these attributes; of UPDATE and DELETE the last nkeys are the key. */
struct consort_shape_request {
	uint32_t kind, flags;
	const uint32_t *attributes;
	uint32_t nattributes, nkeys;
	const uint32_t *returning;
	uint32_t nreturning;
};
enum consort_status consort_access_shape(struct consort_access *access,
					 const struct consort_shape_request *request,
					 const struct consort_shape **out_shape, struct consort_error *error);
/* The plan of a get. Borrowed. */
enum consort_status consort_access_get_plan(struct consort_access *access, struct consort_plan **out_plan,
					    struct consort_error *error);
/* EREADONLY for an attribute that the engine takes no value for. */
enum consort_status consort_access_settable(const struct consort_access *access, uint32_t position,
					    struct consort_error *error);
/* EINVAL unless the resource has a key of that many attributes. */
enum consort_status consort_access_check_key(const struct consort_access *access, uint64_t count,
					     struct consort_error *error);
/* consort_value_accept for the key's attribute of that number; the error names it. */
enum consort_status consort_access_key_value(const struct consort_access *access, uint32_t key,
					     const struct consort_value *value, struct consort_arena *arena,
					     struct consort_value *out_value, struct consort_error *error);

/* --- record.c --- */

enum consort_value_state {
	CONSORT_FROM_ROW = 0, /* as read, or not set */
	CONSORT_KEPT = 1,     /* in `values`, known to the database */
	CONSORT_CHANGED = 2   /* in `values`, to be written */
};

struct consort_record {
	struct consort *handle;
	struct consort_access *access; /* NULL: the resource was not found, see error */
	struct consort_value *values;  /* [attributes] */
	uint8_t *states;	       /* [attributes] enum consort_value_state */
	uint32_t next;		       /* the attribute behind the one that was set last */
	struct consort_arena arena;    /* texts of values */
	struct consort_batch *row;     /* what get read: all attributes, one row; NULL: nothing */
	bool has_row;
	bool touched;		     /* some state is not FROM_ROW */
	struct consort_error *error; /* the first one of a setter, or NULL */
	bool no_memory;		     /* to keep that error */
	const struct consort_shape *shape;
	struct consort_batch *written; /* a row of that shape, used again */
};

enum consort_status consort_record_make(struct consort *c, struct consort_access *access,
					struct consort_record **out_record, struct consort_error *error);
/* The value of an attribute: set, or read; NULL type if neither. */
struct consort_value consort_record_at(const struct consort_record *r, uint32_t position);
/* A value that the database told, copied. */
enum consort_status consort_record_keep(struct consort_record *r, uint32_t position,
					const struct consort_value *value, struct consort_error *error);

/* --- write.c --- */

/* EUNSUPPORTED or EREADONLY, with the reason, where such writes (enum consort_write_kind) cannot be at all. The
 * database was connected to. */
enum consort_status consort_write_check(const struct consort_database *database,
					const struct consort_resource *resource, uint32_t kind,
					struct consort_error *error);
/* Runs a batch through the adapter's write table, row by row if it has no bulk write. error is not NULL. */
enum consort_status consort_write_batch(struct consort_handle_session *session,
					struct consort_database *database, const struct consort_shape *shape,
					const struct consort_batch *rows, struct consort_write_result *result,
					struct consort_error *error);
/* A batch for many rows of that shape; NULL: no memory. */
struct consort_batch *consort_shape_batch(const struct consort_shape *shape);
/* The shape for writing this record. */
enum consort_status consort_record_shape(struct consort_record *r, uint32_t kind, uint32_t flags,
					 bool returning, const struct consort_shape **out_shape,
					 struct consort_error *error);
/* Appends the record's values for that shape to a batch. */
enum consort_status consort_record_append(const struct consort_record *r, const struct consort_shape *shape,
					  struct consort_batch *batch, struct consort_error *error);
/* Changes are written: they are kept values now. */
void consort_record_written(struct consort_record *r);

/* --- many.c --- */

/* Runs fn so that all it writes to the database is undone if it fails, where the database can: in a transaction of its
 * own, or with the handle's, which fails with it. */
typedef enum consort_status consort_write_fn(struct consort *in, void *arg, struct consort_error *error);
enum consort_status consort_atomically(struct consort *c, struct consort_database *database,
				       consort_write_fn *fn, void *arg, struct consort_error *error);

#endif
