/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_H
#define CONSORT_POSTGRES_H

/*
 * The PostgreSQL adapter's insides, which an adapter of an extension of PostgreSQL links too.
 *
 *     adapter.h                             what an adapter puts into its descriptor
 *     connect.h                             options, and connecting
 *     database.c, connection.c, session.c   what a database and a connection are
 *     wait.c, cancel.c                      sockets that never block, deadlines, and telling the server to
 * stop error.c                               SQLSTATEs to statuses statement.c prepared statements, results
 *     cursor.h                              rows on their way, and what open cursors have still to deliver
 *     query.c                               offer, compile, open; sql.h is about making SQL
 *     write.h                               records by key and in bulk
 *     tx.c                                  transactions, also in two phases, and snapshots
 *     schema.c, define.c, native.c          the rest; types.h is about values
 */

#include <libpq-fe.h>
#include <stdio.h>

#include <consort/adapter.h>
#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/errand.h>
#include <consort/convert.h>
#include <consort/plugin.h>
#include <consort/sql.h>

#include "types.h"

/* --- databases --- */

#define PG_KEYWORDS_MOST 64 /* of libpq's, which has some 40 */
#define PG_KEYWORDS_MORE 4  /* that come with each place */

#define PG_YIELD_SLOTS 256 /* a power of two */

struct pg_database {
	const struct consort_host *host;
	char *name;
	const char **keywords; /* of libpq, ending with NULL; with the values in `arena` */
	const char **values;
	const struct pg_place *places; /* [nplaces] where to connect to, in this order */
	uint32_t nplaces;
	bool prefers_standby;	  /* of all places a standby, else any */
	int64_t connect_timeout;  /* nanoseconds for each address; 0: none but the call's deadline */
	uint32_t statements_most; /* prepared ones that a connection keeps; 0: none are prepared */
	struct consort_arena arena;
	/* what the first connection told; atomic */
	uint32_t facts; /* PG_FACT_… */
	/* hashes of statements, each in its place, and as their last bit whether they gave many rows; atomic */
	uint64_t yields[PG_YIELD_SLOTS];
};

#define PG_FACT_KNOWN 1u
#define PG_FACT_UTF8 2u	     /* characters are what they are to the core */
#define PG_FACT_C_DEFAULT 4u /* the default collation is by bytes */

/* --- connections --- */

enum pg_transaction { PG_TX_NONE, PG_TX_OPEN };

#define PG_CACHE_SLOTS 128 /* a power of two */

#define PG_PORTALS 64 /* open at once in a transaction */

struct pg_cursor;
struct pg_statement;
struct pg_place;

struct pg_connection {
	struct pg_database *database;
	const struct consort_host *host;
	PGconn *pq;
	int wake;			 /* an eventfd, written to by cancel */
	const struct consort_call *call; /* the one that runs, or NULL */
	uint32_t cancelled;		 /* atomic; set by cancel, cleared by reset */
	bool unsettled;			 /* a statement was given up: only what settles it may be done */
	bool discarding;	       /* the same of a result that nobody wants: the next call settles it */
	bool heedless;		       /* waits do not look at cancels */
	bool keeps;		       /* a wait that ends early leaves what is under way as it is */
	struct consort_errand *cancel; /* telling it so */
	enum pg_transaction transaction;
	bool read_only;		     /* this transaction */
	bool pipeline;		     /* in libpq's pipeline mode */
	struct consort_buffer cells; /* parameters on their way */
	const char **values;	     /* [room] */
	int *lengths, *formats;
	uint32_t room;
	char prefix[24]; /* of the names of its prepared statements */
	uint64_t names;	 /* given so far */
	struct pg_statement *slots[PG_CACHE_SLOTS];
	uint32_t ncached;
	uint64_t uses;		      /* the clock of the cache */
	struct pg_cursor *cursors;    /* open ones */
	struct pg_cursor *spare;      /* closed ones */
	struct pg_cursor *stream;     /* whose rows are on their way */
	uint8_t portals[PG_PORTALS];  /* cursor.c's */
	char snapshot[64];	      /* exported by this transaction */
	struct consort_buffer text;   /* of a statement that is made when it runs */
	struct consort_arena scratch; /* of one row that is written */
	struct pg_decoder decoder;    /* of what writes return */
	/* what the server told */
	int version;
	bool standby, superuser, default_read_only, fsync;
	bool unchecked; /* it does not see to it that texts are UTF-8 */
	int64_t prepared_most;
	int64_t statement_timeout; /* that a session begins with, in nanoseconds; 0: none */
	int64_t started;	   /* if there is one: not after what runs */
	char *server, *identity, *user;
};

/* Every call on a connection stands between these. _enter refuses unknown flags, a cancelled or unsettled
 * connection, and a deadline that has passed. */
uint32_t pg_enter(struct pg_connection *conn, const struct consort_call *call, struct consort_error *error);
static inline void pg_leave(struct pg_connection *conn)
{
	conn->call = NULL;
}

/* --- wait.c, cancel.c --- */

/* Waits until the socket can be read (or also written). A deadline that passes and a cancel leave the
 * connection unsettled, if a statement is at work. */
uint32_t pg_wait(struct pg_connection *conn, bool writing, struct consort_error *error);
/* The same while a connection is made, for any descriptor and events, until connect_timeout, if it is not 0,
 * or the call's deadline. */
uint32_t pg_wait_connect(struct pg_connection *conn, int fd, short events, int64_t connect_timeout,
			 struct consort_error *error);
/* Sends all that libpq has buffered, reading what comes meanwhile. */
uint32_t pg_flush(struct pg_connection *conn, struct consort_error *error);
/* The next result, NULL at the end of a statement's. */
uint32_t pg_next_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error);
/* Reads and forgets what a statement still answers, and ends a pipeline. *out_late, if wanted, comes in as
 * NULL and gets an error that is among it: a commit that failed. */
uint32_t pg_discard_results(struct pg_connection *conn, PGresult **out_late, struct consort_error *error);
/* After a statement was given up: waits until the server has nothing to answer any more and no cancel request
 * is under way, so that the connection can be used again. */
uint32_t pg_settle(struct pg_connection *conn, struct consort_error *error) CONSORT_COLD;

/* Asks the server, from a thread of its own, to stop what this connection runs. */
void pg_cancel_start(struct pg_connection *conn);
/* A descriptor that can be read once the request was delivered or has failed; -1: it has, or there is none.
 */
int pg_cancel_descriptor(const struct pg_connection *conn);
/* Lets go of the request. */
void pg_cancel_end(struct pg_connection *conn);

/* --- error.c --- */

/* What the server's error means. resource: what it is about, or NULL. Takes the result, if there is one. */
uint32_t pg_fail(struct pg_connection *conn, PGresult *result, const struct consort_resource *resource,
		 struct consort_error *error) CONSORT_COLD;
/* The connection is lost. */
uint32_t pg_fail_lost(struct pg_connection *conn, struct consort_error *error) CONSORT_COLD;
/* What a statement that writes, and was sent, has failed with: EINDOUBT if it was its own transaction and its
 * answer was lost with the connection. */
uint32_t pg_doubt(const struct pg_connection *conn, uint32_t status, struct consort_error *error);
/* Could not be made. */
uint32_t pg_fail_connect(struct pg_connection *conn, struct consort_error *error) CONSORT_COLD;
/* An answer that makes no sense. */
uint32_t pg_fail_protocol(struct pg_connection *conn, const char *what,
			  struct consort_error *error) CONSORT_COLD;
bool pg_has_sqlstate(const PGresult *result, const char *sqlstate);

/* --- statement.c --- */

/* Parameters of the next statement: fields appended to conn->cells, whose number is told then. Binary, but
 * those of a NULL formats array are texts. */
void pg_parameters_begin(struct pg_connection *conn);
uint32_t pg_parameters_end(struct pg_connection *conn, uint32_t count, struct consort_error *error);
/* The same of those from *at in the cells on, which is moved behind them. */
uint32_t pg_parameters_at(struct pg_connection *conn, size_t *at, uint32_t count,
			  struct consort_error *error);

/* The last result of what was sent, whatever it says, and its end; the same of what is not to be an error. */
uint32_t pg_read_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error);
uint32_t pg_only_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error);
/* How many rows the statement changed. */
int64_t pg_affected(const PGresult *result);
/* A statement that runs at once and whose result is small; parameters are texts. Result: PGRES_TUPLES_OK or
 * PGRES_COMMAND_OK. */
uint32_t pg_query(struct pg_connection *conn, const char *sql, uint32_t nparameters,
		  const char *const *parameters, PGresult **out_result, struct consort_error *error);
/* One without a result. */
uint32_t pg_exec(struct pg_connection *conn, const char *sql, struct consort_error *error);

/* What a connection knows of a statement. */
struct pg_statement {
	uint64_t id;
	struct pg_statement *chain; /* in its slot */
	uint64_t used;		    /* the cache's clock */
	bool prepared;		    /* under `name` */
	bool lingers;		    /* the server still has it under `name`, as it was once */
	char name[48];
	void *plan; /* write.c's, in `own` */
	struct consort_arena own;
};

/* What is to be prepared, or sent. */
struct pg_source {
	const char *sql;
	uint32_t nparameters;
	const Oid *types; /* [nparameters] */
};

/* The entry of that id; a new one is not prepared. It lives until two others were got. */
uint32_t pg_statement_get(struct pg_connection *conn, uint64_t id, struct pg_statement **out_statement,
			  struct consort_error *error);
/* Has the server prepare it, if it has not. */
uint32_t pg_statement_prepare(struct pg_connection *conn, struct pg_statement *statement,
			      const struct pg_source *source, struct consort_error *error);
/* Sends it with the parameters that the connection points to, and asks for a binary result. */
uint32_t pg_statement_send(struct pg_connection *conn, const struct pg_statement *statement,
			   const struct pg_source *source, struct consort_error *error);
/* Did it fail since the server knows it no longer as it was? Outside of transactions it can be prepared and
 * sent again. */
bool pg_statement_is_stale(struct pg_statement *statement, const PGresult *result);
/* The same inside of one: it has to be run again. Takes the result. */
uint32_t pg_fail_stale(struct pg_connection *conn, PGresult *result, const struct consort_resource *resource,
		       struct consort_error *error) CONSORT_COLD;
/* Sends it, prepared if it is not, and gives its result, which is held in memory. */
uint32_t pg_run(struct pg_connection *conn, struct pg_statement *statement, const struct pg_source *source,
		const struct consort_resource *resource, PGresult **out_result, struct consort_error *error);
/* All of them; the server knows them no more. */
void pg_statements_clear(struct pg_connection *conn);

/* --- session.c --- */

/* Sets the session up; the same, and asks what the server is. */
uint32_t pg_configure(struct pg_connection *conn, struct consort_error *error);
uint32_t pg_meet(struct pg_connection *conn, struct consort_error *error);
void pg_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink);
void pg_info(void *connection, struct consort_connection_info *info);

/* --- cursor.c, aside.c, portal.c; cursor.h has the rest --- */

/* Makes the connection free for a statement: what is on its way to a cursor is put aside. */
uint32_t pg_claim(struct pg_connection *conn, struct consort_error *error);
/* Forgets what is on its way. */
void pg_cursors_abandon(struct pg_connection *conn);
void pg_cursors_clear(struct pg_connection *conn);
/* All portals are gone, with their transaction or by CLOSE ALL. */
void pg_portals_lost(struct pg_connection *conn, const char *why);

/* --- values that are stored --- */

/* "::type" behind a parameter that is sent as text for a column of another type. */
void pg_append_store_cast(const struct pg_storage *storage, const struct consort_attribute *attribute,
			  struct consort_buffer *out);

extern const struct consort_database_ops pg_database_ops;
extern const struct consort_connection_ops pg_connection_ops;
uint32_t pg_connection_open(void *database, const struct consort_call *call, void **out_connection,
			    struct consort_error *error);
void pg_connection_close(void *connection, const struct consort_call *call);
uint32_t pg_connection_ping(void *connection, const struct consort_call *call, struct consort_error *error);
uint32_t pg_connection_reset(void *connection, const struct consort_call *call, struct consort_error *error);
void pg_connection_abandon(void *connection);
void pg_connection_cancel(void *connection);
extern const struct consort_query_ops pg_query_ops;
extern const struct consort_write_ops pg_write_ops;
extern const struct consort_transaction_ops pg_transaction_ops;
extern const struct consort_prepared_ops pg_prepared_ops;
extern const struct consort_schema_ops pg_schema_ops;
extern const struct consort_native_ops pg_native_ops;
uint32_t pg_define(void *connection, const struct consort_call *call, const struct consort_resource *resource,
		   uint32_t flags, const struct consort_text_sink *sink, struct consort_error *error);
uint32_t pg_drop(void *connection, const struct consort_call *call, const struct consort_resource *resource,
		 uint32_t flags, const struct consort_text_sink *sink, struct consort_error *error);
#define PG_FEATURE(name) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##name)

#endif
