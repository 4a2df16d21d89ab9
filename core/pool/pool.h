/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POOL_H
#define CONSORT_POOL_H

/*
 * Databases and their connections: an adapter opened with its options, what was negotiated, a bounded pool.
 *
 *     database.c    open, masks; errors of adapters made fit to leave the core
 *     absent.c      those that are optional and not there
 *     pool.c        taking a connection and giving it back
 *     queue.c       waiting for one, in the order of coming, and when another one is opened
 *     open.c        opening, what a new connection tells, closing
 *     sweep.c       what is over: idle for long, old; and who does not give back
 *     cancel.c      tokens that end calls
 *     connection.c  open cursors on a connection, and draining them; failed calls on it
 *
 * queue.h is what the pool's files share.
 */

#include <pthread.h>

#include <consort/database.h>
#include <consort/plugin.h>

#include "base/base.h"
#include "base/list.h"
#include "manifest/manifest.h"

/* --- database.c --- */

struct consort_pool {
	struct consort_pool_options options;
	int64_t (*clock)(void);		 /* for what takes seconds: a coarse one */
	pthread_mutex_t lock;		 /* of all below; not held while the adapter's code runs */
	struct consort_connection *idle; /* the one used last first: its caches are the warmest */
	struct consort_link all;	 /* of connections */
	struct consort_link waiters;	 /* in the order of coming; see queue.h */
	struct consort_pool_stats stats; /* but struct_size, max and open */
	uint32_t total;			 /* open, or being opened, or being closed */
	uint32_t doubt;			 /* raised when one was lost: idle ones of before may be lost too */
	int64_t standing;		 /* since when calls wait, or the last opening ended */
	int64_t patience;		 /* how long calls wait before another one is opened */
	uint32_t failures;		 /* of opening, one after the other */
	int64_t retry;			 /* when to try again */
	struct consort_error failure;	 /* of the last one */
	int64_t sweep;			 /* when to look for what is over */
};

struct consort_database {
	const char *name;
	const struct consort_plugin *plugin;
	const char *plugin_path;
	void *context;	/* the adapter's */
	uint32_t index; /* in the manifest's order; a run takes its connections in this order */
	bool absent; /* see absent.c */
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

	struct consort_pool pool;
};

/* Opens a database of a plugin. The config's texts must outlive it. *out_database: consort_database_close. */
enum consort_status consort_database_open(const struct consort_plugin *plugin, void *plugin_context,
					  const struct consort_database_config *config,
					  struct consort_database **out_database,
					  struct consort_error *error);
/* One that stands for an optional database which could not be opened: connecting to it fails with `why`. */
enum consort_status consort_database_absent(const char *type, const struct consort_database_config *config,
					    const struct consort_error *why,
					    struct consort_database **out_database,
					    struct consort_error *error);
/* Closes its connections too; none may be in use. forked: in a child, connections are abandoned. */
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

/* --- pool.c --- */

/* A cursor of an adapter that is open on a connection. */
struct consort_open_cursor {
	struct consort_open_cursor *next, *previous;
	bool busy; /* the adapter's cursor is open now, not only between two of them */
	/* Reads the rest into memory and closes the adapter's cursor. */
	enum consort_status (*drain)(struct consort_open_cursor *cursor, struct consort_error *error);
	/* Closes the adapter's cursor; reading on fails with `why`. */
	void (*end)(struct consort_open_cursor *cursor, const char *why);
};

#define CONSORT_LEAK_FRAMES 16

struct consort_connection {
	struct consort_database *database;
	void *context;			 /* the adapter's; NULL: abandoned */
	struct consort_link link;	 /* in the pool's list of all */
	struct consort_connection *next; /* in the list of idle ones */
	struct consort_open_cursor *cursors;
	uint32_t stamp; /* consort_fork_count at open */
	uint32_t dirty; /* atomic: was cancelled or late: reset before reuse */
	bool broken;	/* to be closed, not kept */
	bool used;	/* it was given back before */
	/* inside a transaction, where the first failure is kept, which dooms it; NULL outside */
	struct consort_error *failure;
	/* the pool's; times are its clock's */
	uint32_t doubt;	 /* the pool's when it was last known to work */
	int64_t expires; /* by pool.max_lifetime */
	int64_t fresh;	 /* until when it may be used unseen */
	int64_t released;
	int64_t acquired;
	int32_t thread; /* that took it; 0: idle */
	bool told;	/* that it was not given back */
	int nframes;	/* where it was taken, with pool.leak_warn */
	void *frames[CONSORT_LEAK_FRAMES];
	/* the token that reaches it, and its place there; guarded by the token's lock */
	struct consort_cancel *cancel;
	struct consort_link cancel_link;
};

/*
 * Takes a connection that works, opening one if need be; waits its turn while all are in use. Ends when the
 * call's deadline, pool.acquire_timeout or the token (NULL: none) does: ETIMEOUT names who holds the pool,
 * and what opening another one failed with is told in its place.
 */
enum consort_status consort_pool_acquire(struct consort_database *database, const struct consort_call *call,
					 struct consort_cancel *cancel,
					 struct consort_connection **out_connection,
					 struct consort_error *error);
/* Gives it back; its cursors must be closed. Never waits. */
void consort_pool_release(struct consort_connection *connection);
void consort_pool_read_stats(struct consort_database *database, struct consort_pool_stats *out_stats);

/* --- cancel.c --- */

struct consort_cancel {
	uint32_t references; /* atomic: the program's, and one of each scope */
	uint32_t fired;	     /* atomic; calls poll it */
	pthread_mutex_t lock;
	struct consort_link connections;
	struct consort_link watches;
};

/* One more reference, which consort_cancel_free gives back. */
struct consort_cancel *consort_cancel_hold(struct consort_cancel *cancel);

/* A call that sleeps on a condition, to be woken too when the token fires. */
struct consort_cancel_watch {
	struct consort_link link;
	pthread_mutex_t *lock; /* not held by who begins or ends a watch */
	pthread_cond_t *wake;
};

void consort_cancel_add(struct consort_cancel *cancel, struct consort_connection *connection);
/* If it has a token. */
void consort_cancel_remove(struct consort_connection *connection);
void consort_cancel_watch(struct consort_cancel *cancel, struct consort_cancel_watch *watch);
void consort_cancel_unwatch(struct consort_cancel *cancel, struct consort_cancel_watch *watch);
/* Sleeps until then, or until the token (NULL: none) fires. */
void consort_cancel_sleep(struct consort_cancel *cancel, int64_t until);

/* --- connection.c --- */

void consort_connection_add_cursor(struct consort_connection *connection, struct consort_open_cursor *cursor);
void consort_connection_remove_cursor(struct consort_connection *connection,
				      struct consort_open_cursor *cursor);
/* To be called before any statement: drains open cursors if the adapter cannot interleave. */
enum consort_status consort_connection_ready(struct consort_connection *connection, struct consort_error *error);
/* Ends all its cursors. */
void consort_connection_end_cursors(struct consort_connection *connection, const char *why);
/* Fails the transaction it is in, if any: the first failure is kept, and the error says so. */
void consort_connection_doom(struct consort_connection *connection, enum consort_status status,
			     struct consort_error *error);
/* After a failed call on it: marks it if it is lost or must be reset, and dooms its transaction unless only
 * no record was found. Returns as consort_database_failed. */
enum consort_status consort_connection_failed(struct consort_connection *connection, uint32_t status,
					      struct consort_error *error) CONSORT_COLD;

/* Where a run gets connections: the open transaction's, or a pool's. Implemented by the handle. */
struct consort_session {
	enum consort_status (*acquire)(struct consort_session *session, struct consort_database *database,
				       struct consort_connection **out_connection,
				       struct consort_error *error);
	void (*release)(struct consort_session *session, struct consort_connection *connection);
	const struct consort_call *call; /* of the calls made on them */
};

#endif
