/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQLITE_H
#define CONSORT_SQLITE_H

/*
 * The SQLite adapter's insides:
 *
 *     plugin.c     tables and options             types.c    how values are stored (storage.h)
 *     database.c   databases                      decode.c   out of SQLite
 *     conn.c       connections                    encode.c   into it
 *     error.c      SQLite's codes to statuses     check.c    SQL functions that check and sum exactly
 *     statement.c  prepared statements, cached    select.c   plans to SQL: the dialect (sql.h), with
 * aggregate.c, spill.c      open cursors before a write               expr.c and compare.c tx.c transactions
 * query.c    offers, compiled statements, cursors schema.c     introspect                     write.c records
 * by key and in bulk define.c     define and drop                native.c   SQL as the caller wrote it
 */

#include <pthread.h>

#include <consort/adapter.h>
#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/plugin.h>
#include <consort/sql.h>

#include "storage.h"

/* --- databases and connections --- */

struct lite_database {
	const struct consort_host *host;
	char *name;
	char *path; /* the file; for a memory database the URI of its store */
	bool memory;
	int open_flags;
	const char *journal;  /* static */
	int synchronous;      /* 0 off … 3 extra; -1: normal for WAL, full otherwise */
	int64_t busy_timeout; /* nanoseconds */
	int64_t cache_size;   /* bytes; 0: SQLite's own */
	bool foreign_keys;
	uint32_t utf8;	      /* atomic; a connection has seen that texts are kept, so compared, as UTF-8 */
	pthread_mutex_t lock; /* of keeper */
	sqlite3 *keeper;      /* a memory database lives as long as it is open */
};

enum lite_transaction { LITE_TX_NONE, LITE_TX_OPEN, LITE_TX_BROKEN };

#define LITE_CACHE_SLOTS 128 /* a power of two */
#define LITE_GROUP_STATEMENTS 6
#define LITE_CACHE_MOST 64 /* statements that a connection keeps */

struct lite_connection {
	struct lite_database *database;
	const struct consort_host *host;
	sqlite3 *db;
	const struct consort_call *call; /* the one that runs, or NULL */
	uint32_t cancelled;		 /* atomic; set by cancel, cleared by reset */
	uint32_t stopped;		 /* why a handler of conn.c ended the call: a status, or 0 */
	int64_t busy_since;
	struct consort_error raised; /* by a function of check.c; its status is 0 if none */
	bool checks;		     /* the functions of check.c are there */
	enum lite_transaction transaction;
	bool read_only;	  /* this transaction */
	bool defined;	  /* this transaction changed the schema */
	int64_t changes;  /* sqlite3_total_changes64 when it began */
	uint32_t native;  /* what the authorizer sees while a native statement is prepared */
	char journal[16]; /* as it is */
	int synchronous;  /* as it is */
	char *identity;
	char server[32];
	struct lite_statement *slots[LITE_CACHE_SLOTS];
	uint32_t ncached;
	uint64_t uses;				    /* the clock of the cache */
	struct lite_statement *cursors;		    /* open ones */
	struct consort_arena scratch;		    /* of one value */
	struct consort_buffer text;		    /* likewise */
	sqlite3_stmt *group[LITE_GROUP_STATEMENTS]; /* tx.c's */
	sqlite3_stmt *holder;			    /* holds a snapshot while it stands on a row */
	uint32_t held;				    /* cursors that need it */
};

#define LITE_NATIVE_SESSION 1u	   /* a PRAGMA that sets something, ATTACH, a temporary object */
#define LITE_NATIVE_TRANSACTION 2u /* BEGIN, COMMIT, SAVEPOINT, … */

/* Every call on a connection stands between these. _enter refuses unknown flags, a cancelled connection, a
 * deadline that has passed and a transaction that SQLite has rolled back. */
uint32_t lite_enter(struct lite_connection *conn, const struct consort_call *call,
		    struct consort_error *error);
static inline void lite_leave(struct lite_connection *conn)
{
	conn->call = NULL;
}
/* Runs SQL without rows. */
uint32_t lite_exec(struct lite_connection *conn, const char *sql, struct consort_error *error);
/* What SQLite's result code means. resource: what it is about, or NULL. */
uint32_t lite_fail(struct lite_connection *conn, int code, const struct consort_resource *resource,
		   struct consort_error *error);
uint32_t lite_fail_open(const struct lite_database *database, sqlite3 *db, int code,
			struct consort_error *error);
/* Why a commit may be lost or torn; NULL: it is durable. */
const char *lite_undurable(const struct lite_connection *conn);

extern const struct consort_database_ops lite_database_ops;
extern const struct consort_connection_ops lite_connection_ops;
extern const struct consort_query_ops lite_query_ops;
extern const struct consort_write_ops lite_write_ops;
extern const struct consort_transaction_ops lite_transaction_ops;
extern const struct consort_schema_ops lite_schema_ops;
extern const struct consort_native_ops lite_native_ops;
uint32_t lite_define(void *connection, const struct consort_call *call,
		     const struct consort_resource *resource, uint32_t flags,
		     const struct consort_text_sink *sink, struct consort_error *error);
uint32_t lite_drop(void *connection, const struct consort_call *call, const struct consort_resource *resource,
		   uint32_t flags, const struct consort_text_sink *sink, struct consort_error *error);
#define LITE_FEATURE(name) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##name)

/* --- SQL --- */

/* A compiled statement: slot i is bound to ?i+1. Immutable. */
struct lite_compiled {
	struct consort_sql_statement base;
	const struct lite_column *columns;
	uint32_t ncolumns;
	bool checks; /* calls functions of check.c */
};

/* How the value of a placeholder is stored. */
static inline const struct lite_storage *lite_slot_storage(const struct consort_sql_slot *slot)
{
	return (const struct lite_storage *)(const void *)slot->storage;
}

/* Makes the functions that compiled SQL calls. */
uint32_t lite_define_checks(struct lite_connection *conn, struct consort_error *error);

/* --- prepared statements, which are cursors too --- */

struct lite_statement {
	uint64_t id;		      /* 0: not to be cached */
	struct lite_statement *chain; /* in its slot */
	uint64_t used;		      /* the cache's clock when it was given back */
	struct lite_connection *conn;
	sqlite3_stmt *stmt;
	bool busy;
	/* the cursor */
	bool single, done, holds, on_key;
	bool pending; /* stmt stands on a row that was not delivered */
	uint32_t ncolumns;
	const struct lite_column *columns;
	const struct consort_resource *resource;
	sqlite3_stmt *rows; /* stmt, or what replaced it: see spill.c */
	sqlite3 *spill;
	struct lite_statement *next_cursor, **link;
	const struct lite_compiled *compiled; /* KEYED only */
	const struct lite_cell *keys;	      /* nkeys rows of compiled->nkeys cells */
	uint32_t nkeys, key;
	struct consort_json_reader *json;
	struct lite_memory memory; /* of this use */
	struct consort_arena own;  /* of the statement */
	const void *plan;	   /* write.c's, in `own` */
};

/* An idle statement of that id, or NULL; a new one. Either is busy until it is given back. */
struct lite_statement *lite_statement_take(struct lite_connection *conn, uint64_t id);
uint32_t lite_statement_prepare(struct lite_connection *conn, uint64_t id, const char *sql, size_t size,
				struct lite_statement **out_statement, struct consort_error *error);
/* The same of what SQLite has prepared already; it is finalized on failure. */
uint32_t lite_statement_adopt(struct lite_connection *conn, uint64_t id, sqlite3_stmt *stmt,
			      struct lite_statement **out_statement, struct consort_error *error);
void lite_statement_give(struct lite_statement *statement);
/* The same of one that is reset already. */
void lite_statement_release(struct lite_statement *statement);
void lite_statements_clear(struct lite_connection *conn);

/* Puts it into the list of open cursors, before its first row. */
void lite_cursor_start(struct lite_statement *cursor);
/* The next row of a cursor: SQLITE_ROW, SQLITE_DONE or an error's code. */
int lite_cursor_step(struct lite_statement *cursor);
uint32_t lite_decode_row(struct lite_statement *cursor, struct consort_batch *batch,
			 struct consort_error *error);
/* Puts what open cursors have not delivered aside, so that they show the state at their start whatever is
 * written. */
uint32_t lite_settle(struct lite_connection *conn, struct consort_error *error);
void lite_unspill(struct lite_statement *cursor);

/* Several changes that happen all or not at all: a transaction, or a savepoint inside one. _end undoes them
 * if status is not OK, and returns it or why it could not commit. */
uint32_t lite_group_begin(struct lite_connection *conn, struct consort_error *error);
uint32_t lite_group_end(struct lite_connection *conn, uint32_t status, struct consort_error *error);

#endif
