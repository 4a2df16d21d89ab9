/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_H
#define CONSORT_MONGODB_H

/*
 * The MongoDB adapter's insides:
 *
 *     plugin.c                     tables and options
 *     database.c                   options to libmongoc's URI
 *     connection.c, session.c      what a connection is, and what the server tells of itself
 *     stream.c                     sockets that never wait beyond a deadline or a cancel
 *     kill.c                       telling the server to stop
 *     command.c, error.c           a command and its answer; codes and labels to statuses
 *     types.h                      how values are stored, both ways
 *     plan.h, query.c, cursor.c    plans to commands, and their rows
 *     write.c, change.c            records by key, in bulk and by condition
 *     tx.c                         transactions, and several writes as one
 *     schema.c, sample.c, define.c introspection and its opposite
 *     native.c                     commands as the caller wrote them
 *     feed.c                       changes that others make
 *
 * A connection is one client of libmongoc's, of the kind that has no threads: the core pools connections, so
 * each of them is used as the client of a pool would be, and everything that waits does so in stream.c.
 */

#include <mongoc/mongoc.h>
#include <stdbool.h>

#include <consort/adapter.h>
#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/plugin.h>

#define MONGO_FEATURE(name) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##name)
#define MONGO_NAME_KEY "consort_key" /* the index of a key that is not _id */

/* --- databases --- */

struct mongo_database {
	const struct consort_host *host;
	char *name;
	char *dbname;
	mongoc_uri_t *uri;
	int64_t connect_timeout;   /* nanoseconds, for each server */
	int64_t selection_timeout; /* nanoseconds that a server is waited for */
	bool tls;
	mongoc_ssl_opt_t ssl;
	struct consort_arena arena;
};

/* --- connections --- */

enum mongo_transaction { MONGO_TX_NONE, MONGO_TX_OPEN };

struct mongo_stream;
struct mongo_cursor;

/* A cursor of the server's that is to end. */
struct mongo_stale {
	int64_t id;
	uint32_t server;
	bool aside;
	char *collection;
};

struct mongo_connection {
	struct mongo_database *database;
	const struct consort_host *host;
	mongoc_client_t *client;
	mongoc_client_session_t *session; /* of all that this connection does; NULL: the server has none */
	mongoc_client_session_t *aside;	  /* of what a transaction cannot have in it: introspection */
	bson_t aside_options;
	bson_t options;			 /* that name the session */
	int wake;			 /* an eventfd, written to by cancel */
	const struct consort_call *call; /* the one that runs, or NULL */
	uint32_t cancelled;		 /* atomic; set by cancel, cleared by reset */
	uint32_t given_up;		 /* why stream.c ended a wait of this call: a status, or 0 */
	bool heedless;			 /* waits do not look at cancels */
	bool unsettled;			 /* a command was given up: only a rollback or a reset may follow */
	struct mongo_stream *streams;	 /* open ones */
	enum mongo_transaction transaction;
	bool read_only, wrote;	      /* this transaction */
	struct mongo_cursor *cursors; /* open ones */
	struct mongo_stale stale[16];
	uint32_t nstale;
	struct consort_arena scratch; /* of one value */
	struct consort_buffer text;   /* likewise */
	/* what the server told */
	bool replica_set, sharded, writable;
	bool reader;  /* the user may not write, */
	bool unaware; /* nor see changes of the database */
	int32_t wire;
	char *server, *identity, *user;
};

/* Every call on a connection stands between these. _enter refuses unknown flags, a cancelled or unsettled
 * connection, and a deadline that has passed. */
uint32_t mongo_enter(struct mongo_connection *conn, const struct consort_call *call,
		     struct consort_error *error);
static inline void mongo_leave(struct mongo_connection *conn)
{
	conn->call = NULL;
}

/* Whether what waits is to be given up, and why; 0: it is not. */
uint32_t mongo_given_up(struct mongo_connection *conn);
/* Nanoseconds until the call's deadline, at most `most`; negative: it has passed. */
int64_t mongo_remaining(const struct mongo_connection *conn, int64_t most);
/* Waits that long, or until the call is given up, with which it answers then. */
uint32_t mongo_pause(struct mongo_connection *conn, int64_t nanoseconds);

/* --- stream.c --- */

/* libmongoc's initiator of streams; user_data is the connection. */
mongoc_stream_t *mongo_stream_open(const mongoc_uri_t *uri, const mongoc_host_list_t *host, void *user_data,
				   bson_error_t *error);
/* Closes the descriptors and nothing else, in the child of a fork. */
void mongo_streams_abandon(struct mongo_connection *conn);

/* --- cursor.c --- */

/* The server's cursors of a connection end; those of ours say so when they are read. */
void mongo_cursors_end(struct mongo_connection *conn);
/* They are gone already. */
void mongo_cursors_lose(struct mongo_connection *conn, const char *why);

/* --- kill.c --- */

/* Has the server end what the connection's session does, and does not wait for it. */
void mongo_kill_start(const struct mongo_connection *conn);

/* --- session.c --- */

/* Asks the server who it is, and starts the session. */
uint32_t mongo_meet(struct mongo_connection *conn, struct consort_error *error);
/* A new session instead of the one that there may be, which is not used again. */
uint32_t mongo_session_renew(struct mongo_connection *conn, struct consort_error *error);
void mongo_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink);
void mongo_info(void *connection, struct consort_connection_info *info);

/* --- command.c --- */

enum mongo_kind {
	MONGO_READ,  /* with the URI's read preference and concern */
	MONGO_WRITE, /* with its write concern */
	MONGO_PLAIN, /* with neither */
	MONGO_ASIDE  /* the same, and not in a transaction that is open */
};

/* Zeroed memory for a struct with a bson_t in it, which is aligned to more than malloc does; for free. */
void *mongo_alloc(size_t size);
/* Runs a command of the database. *reply is initialized in any case. server: 0, or whom to ask. A command
 * that fails as a whole is an error about `resource`, which may be NULL; what a reply says of single writes
 * is not looked at. */
uint32_t mongo_run(struct mongo_connection *conn, enum mongo_kind kind, const bson_t *command,
		   uint32_t server, const struct consort_resource *resource, bson_t *reply,
		   struct consort_error *error);
/* Adds maxTimeMS, what is left of the call's time, to a command that ends with the call. */
void mongo_add_time(const struct mongo_connection *conn, bson_t *command);
/* The document or array of that name in a document; false: there is none. */
bool mongo_part(const bson_t *document, const char *name, bson_iter_t *out_inside);
/* The number of that name, or `otherwise`. */
int64_t mongo_number(const bson_t *document, const char *name, int64_t otherwise);

/* --- error.c --- */

/* A failed command's reply, or what libmongoc says. */
uint32_t mongo_fail(struct mongo_connection *conn, const bson_error_t *said, const bson_t *reply,
		    const struct consort_resource *resource, struct consort_error *error);
/* An element of writeErrors, or a writeConcernError. */
uint32_t mongo_fail_write(const bson_iter_t *failure, const struct consort_resource *resource,
			  struct consort_error *error);
/* "it": a name that MongoDB would take for something else. */
uint32_t mongo_check_name(const char *what, const char *name, struct consort_error *error);

/* --- several writes as one --- */

/* A transaction of its own, or nothing where one is open already or the server has none. _end commits it, or
 * undoes it if status is not OK, and returns status or why it could not commit. */
uint32_t mongo_group_begin(struct mongo_connection *conn, bool *out_grouped, struct consort_error *error);
uint32_t mongo_group_end(struct mongo_connection *conn, bool grouped, uint32_t status,
			 struct consort_error *error);
/* May this connection write now? */
uint32_t mongo_may_write(struct mongo_connection *conn, struct consort_error *error);
/* Ends the transaction whatever its state. */
void mongo_tx_drop(struct mongo_connection *conn);

extern const struct consort_database_ops mongo_database_ops;
extern const struct consort_connection_ops mongo_connection_ops;
extern const struct consort_query_ops mongo_query_ops;
extern const struct consort_write_ops mongo_write_ops;
extern const struct consort_transaction_ops mongo_transaction_ops;
extern const struct consort_schema_ops mongo_schema_ops;
extern const struct consort_native_ops mongo_native_ops;
extern const struct consort_changes_ops mongo_changes_ops;

#endif
