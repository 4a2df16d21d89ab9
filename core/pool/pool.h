/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POOL_H
#define CONSORT_POOL_H

/*
 * Databases and their connections: an adapter opened with its options, what was negotiated, a bounded pool.
 *
 *     database.c    open, masks; errors of adapters made fit to leave the core
 *     pool.c        acquire and release, and what a new connection tells
 *     connection.c  open cursors on a connection, and draining them
 */

#include <pthread.h>

#include <consort/plugin.h>

#include "base/base.h"

struct consort_cancel;

/* --- database.c --- */

/* How a database is pooled. */
struct consort_pool_options {
	uint32_t max;		 /* connections */
	int64_t acquire_timeout; /* nanoseconds of waiting for one */
};

struct consort_database {
	const char *name;
	const struct consort_plugin *plugin;
	const char *plugin_path;
	void *context;	/* the adapter's */
	uint32_t index; /* in the manifest's order; a run takes its connections in this order */
	bool expose_all;
	int64_t timeout; /* default deadline of a call, ns; 0: none */
	struct consort_features manifest_mask;
	const struct consort_setting *options; /* validated; values of secrets masked */
	uint32_t noptions;

	/* what connections told; `known` is published last */
	pthread_mutex_t lock;
	uint32_t known;				/* atomic */
	struct consort_features effective;	/* words are atomic */
	struct consort_arena arena;		/* texts below */
	const char *why[CONSORT_FEATURE_COUNT]; /* atomic; why a bit is missing */
	const char *server;			/* atomic */
	const char *user;

	/* the pool */
	struct consort_pool_options pool;
	pthread_mutex_t pool_lock;
	pthread_cond_t pool_free;
	struct consort_connection *idle;
	uint32_t total; /* open, or being opened */
};

/* Opens a database of a plugin. The config's texts must outlive it. *out_database: consort_database_close. */
enum consort_status consort_database_open(const struct consort_plugin *plugin, void *plugin_context,
					  const struct consort_database_config *config,
					  struct consort_database **out_database,
					  struct consort_error *error);
/* Closes idle connections too; none may be in use. forked: in a child, connections are abandoned. */
void consort_database_close(struct consort_database *database, bool forked);

/* Does the effective mask have it? Only meaningful once a connection has been made. */
static inline bool consort_database_has(const struct consort_database *database, uint32_t feature)
{
	return (__atomic_load_n(&database->effective.word[feature / 64], __ATOMIC_RELAXED) &
		CONSORT_FEATURE_BIT(feature)) != 0;
}
/* Why it has not; a sentence, never NULL. */
const char *consort_database_why(const struct consort_database *database, uint32_t feature);
/* EUNSUPPORTED naming the feature, the database and the reason, unless it has it. */
enum consort_status consort_database_need(const struct consort_database *database, uint32_t feature,
					  struct consort_error *error);
/*
 * What every failed call of an adapter goes through: a status that the core knows, a filled error, the
 * database as its origin, no secrets. Returns the status.
 */
enum consort_status consort_database_failed(const struct consort_database *database, uint32_t status,
					    struct consort_error *error);

/* --- connection.c, pool.c --- */

/* A cursor of an adapter that is open on a connection. */
struct consort_open_cursor {
	struct consort_open_cursor *next, *previous;
	bool busy; /* the adapter's cursor is open now, not only between two of them */
	/* Reads the rest into memory and closes the adapter's cursor. */
	enum consort_status (*drain)(struct consort_open_cursor *cursor, struct consort_error *error);
	/* Closes the adapter's cursor; reading on fails with `why`. */
	void (*end)(struct consort_open_cursor *cursor, const char *why);
};

struct consort_connection {
	struct consort_database *database;
	void *context;			 /* the adapter's */
	struct consort_connection *next; /* in the idle list */
	struct consort_open_cursor *cursors;
	uint32_t stamp; /* consort_fork_count at open */
	uint32_t dirty; /* atomic: was cancelled, or is in a transaction: reset before reuse */
	bool broken;	/* to be closed, not kept */
	/* in the list of the cancel token that reaches it; guarded by the token's lock */
	struct consort_connection *cancel_next, *cancel_previous;
	struct consort_cancel *cancel;
};

/* Takes a connection, opening one if need be; waits while all are in use. ETIMEOUT names pool and size. */
enum consort_status consort_pool_acquire(struct consort_database *database, const struct consort_call *call,
					 struct consort_connection **out_connection,
					 struct consort_error *error);
/* Gives it back; its cursors must be closed. */
void consort_pool_release(struct consort_connection *connection);

void consort_connection_add_cursor(struct consort_connection *connection, struct consort_open_cursor *cursor);
void consort_connection_remove_cursor(struct consort_connection *connection,
				      struct consort_open_cursor *cursor);
/* To be called before any statement: drains open cursors if the statement writes, or if the adapter cannot
 * interleave. */
enum consort_status consort_connection_ready(struct consort_connection *connection, bool writes,
					     struct consort_error *error);
/* Ends all its cursors. */
void consort_connection_end_cursors(struct consort_connection *connection, const char *why);
/* After a failed call on it: marks it if it is lost or must be reset. Returns as consort_database_failed. */
enum consort_status consort_connection_failed(struct consort_connection *connection, uint32_t status,
					      struct consort_error *error);

/* Where a run gets connections: the open transaction's, or a pool's. Implemented by the handle. */
struct consort_session {
	enum consort_status (*acquire)(struct consort_session *session, struct consort_database *database,
				       struct consort_connection **out_connection,
				       struct consort_error *error);
	void (*release)(struct consort_session *session, struct consort_connection *connection);
	const struct consort_call *call; /* of the calls made on them */
};

#endif
