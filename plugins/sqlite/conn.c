/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections. A connection belongs to one thread at a time, so SQLite's own mutexes are off
 * (NOMUTEX). Deadline and cancel are looked at by a progress handler, every thousand steps or so of SQLite's
 * machine, and by a busy handler of our own, since SQLite's sleeps through both.
 */
#include "sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_STEPS 1000
#define MEMORY_MOST ((sqlite3_int64)1 << 40) /* of a memory database; SQLite's own bound is 1 GiB */

/* --- what SQLite calls while it works --- */

/* Must the call end? Says why in conn->stopped. */
static bool must_stop(struct lite_connection *conn, int64_t now)
{
	const struct consort_call *call = conn->call;

	if (__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED) || (call && consort_call_cancelled(call)))
		conn->stopped = CONSORT_ECANCELLED;
	else if (call && call->deadline && now >= call->deadline)
		conn->stopped = CONSORT_ETIMEOUT;
	return conn->stopped != 0;
}

static int on_progress(void *context)
{
	struct lite_connection *conn = context;

	return must_stop(conn, conn->host->clock_coarse());
}

static int on_busy(void *context, int count)
{
	struct lite_connection *conn = context;
	int64_t now = conn->host->clock(), pause = count < 10 ? 500000 : 2000000, left;
	struct timespec time = {0, 0};

	if (!count)
		conn->busy_since = now;
	left = conn->busy_since + conn->database->busy_timeout - now;
	if (must_stop(conn, now) || left <= 0)
		return 0;
	if (conn->call && conn->call->deadline && conn->call->deadline - now < left)
		left = conn->call->deadline - now;
	time.tv_nsec = (long)(left < pause ? left : pause);
	nanosleep(&time, NULL);
	return 1;
}

/* Does a PRAGMA with an argument only ask, or work on the file? */
static bool asks(const char *name)
{
	static const char *const names[] = {
		"table_info",	   "table_xinfo",    "table_list",	   "index_list",
		"index_info",	   "index_xinfo",    "foreign_key_list",   "foreign_key_check",
		"integrity_check", "quick_check",    "optimize",	   "wal_checkpoint",
		"user_version",	   "application_id", "incremental_vacuum",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

/* Notes what a native statement would do to the session; forbids nothing. */
static int on_authorize(void *context, int action, const char *a, const char *b, const char *c, const char *d)
{
	struct lite_connection *conn = context;

	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_PRAGMA:
		if (b && !asks(a))
			conn->native |= LITE_NATIVE_SESSION;
		break;
	case SQLITE_ATTACH:
	case SQLITE_DETACH:
	case SQLITE_CREATE_TEMP_INDEX:
	case SQLITE_CREATE_TEMP_TABLE:
	case SQLITE_CREATE_TEMP_TRIGGER:
	case SQLITE_CREATE_TEMP_VIEW:
		conn->native |= LITE_NATIVE_SESSION;
		break;
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
		conn->native |= LITE_NATIVE_TRANSACTION;
		break;
	default:
		break;
	}
	return SQLITE_OK;
}

/* --- connections --- */

uint32_t lite_enter(struct lite_connection *conn, const struct consort_call *call,
		    struct consort_error *error)
{
	if (CONSORT_UNLIKELY(call->flags))
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "SQLite's calls always block");
	conn->stopped = 0;
	if (CONSORT_UNLIKELY(__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED) ||
			     consort_call_cancelled(call)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	if (CONSORT_UNLIKELY(call->deadline && conn->host->clock_coarse() >= call->deadline))
		return consort_error_set(error, CONSORT_ETIMEOUT,
					 "the deadline passed before SQLite was asked");
	if (CONSORT_UNLIKELY(conn->transaction != LITE_TX_NONE)) {
		if (sqlite3_get_autocommit(conn->db))
			conn->transaction = LITE_TX_BROKEN;
		if (conn->transaction == LITE_TX_BROKEN) {
			consort_error_set(
				error, CONSORT_ECONFLICT,
				"SQLite has rolled this transaction back after an error; roll back and run "
				"it again");
			error->flags |= CONSORT_ERROR_TX_ABORTED | CONSORT_ERROR_RETRYABLE;
			return error->status;
		}
	}
	conn->call = call;
	return CONSORT_OK;
}

uint32_t lite_exec(struct lite_connection *conn, const char *sql, struct consort_error *error)
{
	int code = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);

	return code ? lite_fail(conn, code, NULL, error) : CONSORT_OK;
}

/* Runs a PRAGMA; its answer, if it has one, goes to out. */
static int pragma(struct lite_connection *conn, const char *sql, char *out, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);

	if (!code) {
		code = sqlite3_step(stmt);
		if (code == SQLITE_ROW && out && sqlite3_column_text(stmt, 0))
			consort_copy_text(out, size, (const char *)sqlite3_column_text(stmt, 0));
		if (code == SQLITE_ROW || code == SQLITE_DONE)
			code = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return code;
}

/* The journal mode as asked for, or what the file allows. */
static int set_journal(struct lite_connection *conn)
{
	const char *wanted = conn->database->journal;
	int code = pragma(conn, "PRAGMA journal_mode", conn->journal, sizeof(conn->journal));
	char sql[64];

	if (code || conn->database->memory || sqlite3_db_readonly(conn->db, "main") == 1 ||
	    !strcmp(conn->journal, wanted))
		return code;
	snprintf(sql, sizeof(sql), "PRAGMA journal_mode=%s", wanted);
	code = pragma(conn, sql, conn->journal, sizeof(conn->journal));
	/* another program is in the middle of something: what it uses will do */
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		code = pragma(conn, "PRAGMA journal_mode", conn->journal, sizeof(conn->journal));
	if (!code && strcmp(conn->journal, wanted))
		conn->host->log(CONSORT_LOG_WARNING, conn->database->name,
				"the journal mode asked for cannot be set; the file keeps the one it has");
	return code;
}

/* Session settings, at open and reset. */
static int configure(struct lite_connection *conn)
{
	const struct lite_database *database = conn->database;
	char sql[96];
	int code;

	snprintf(sql, sizeof(sql), "PRAGMA foreign_keys=%d", database->foreign_keys);
	code = pragma(conn, sql, NULL, 0);
	if (!code)
		code = pragma(conn, "PRAGMA query_only=0", NULL, 0);
	if (!code && database->cache_size) {
		snprintf(sql, sizeof(sql), "PRAGMA cache_size=-%lld",
			 (long long)(database->cache_size + 1023) / 1024);
		code = pragma(conn, sql, NULL, 0);
	}
	if (!code)
		code = set_journal(conn);
	if (code)
		return code;
	conn->synchronous = database->synchronous >= 0	   ? database->synchronous
			    : strcmp(conn->journal, "wal") ? 2
							   : 1;
	snprintf(sql, sizeof(sql), "PRAGMA synchronous=%d", conn->synchronous);
	return pragma(conn, sql, NULL, 0);
}

/* In a database of UTF-16 texts are ordered by other bytes. */
static int find_encoding(struct lite_connection *conn)
{
	char encoding[16] = "";
	int code;

	if (__atomic_load_n(&conn->database->utf8, __ATOMIC_RELAXED))
		return SQLITE_OK;
	code = pragma(conn, "PRAGMA encoding", encoding, sizeof(encoding));
	if (!code && !strcmp(encoding, "UTF-8"))
		__atomic_store_n(&conn->database->utf8, 1, __ATOMIC_RELAXED);
	return code;
}

static int open_handle(const struct lite_database *database, sqlite3 **out_db)
{
	sqlite3_int64 most = MEMORY_MOST;
	int code = sqlite3_open_v2(database->path, out_db,
				   database->open_flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (!code && database->memory)
		sqlite3_file_control(*out_db, "main", SQLITE_FCNTL_SIZE_LIMIT, &most);
	return code;
}

/* The first connection to a memory database is joined by one that keeps the store when all others are closed.
 */
static int keep_store(struct lite_database *database)
{
	int code = SQLITE_OK;

	pthread_mutex_lock(&database->lock);
	if (database->memory && !database->keeper) {
		code = open_handle(database, &database->keeper);
		if (code) {
			sqlite3_close(database->keeper);
			database->keeper = NULL;
		}
	}
	pthread_mutex_unlock(&database->lock);
	return code;
}

static void free_connection(struct lite_connection *conn)
{
	size_t i;

	lite_statements_clear(conn);
	for (i = 0; i < LITE_GROUP_STATEMENTS; i++)
		sqlite3_finalize(conn->group[i]);
	sqlite3_finalize(conn->holder);
	consort_arena_clear(&conn->scratch);
	consort_buffer_clear(&conn->text);
	sqlite3_close_v2(conn->db);
	free(conn->identity);
	free(conn);
}

/* The file's own name, whatever links led to it. */
static char *identify(const struct lite_connection *conn)
{
	char *real = conn->database->memory ? NULL : realpath(conn->database->path, NULL), *identity = NULL;

	if (asprintf(&identity, "sqlite:%s", real ? real : conn->database->path) < 0)
		identity = NULL;
	free(real);
	return identity;
}

static uint32_t connection_open(void *context, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct lite_database *database = context;
	struct lite_connection *conn = calloc(1, sizeof(*conn));
	uint32_t status = CONSORT_OK;
	int code = SQLITE_OK;

	if (!conn)
		return consort_error_no_memory(error);
	conn->database = database;
	conn->host = database->host;
	status = lite_enter(conn, call, error);
	if (status)
		goto out;
	code = keep_store(database);
	if (!code)
		code = open_handle(database, &conn->db);
	if (!code) {
		/* a name in double quotes that no column has is an error, not a text */
		sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
		sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
		sqlite3_busy_handler(conn->db, on_busy, conn);
		sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
		sqlite3_set_authorizer(conn->db, on_authorize, conn);
		code = configure(conn);
		if (!code)
			code = find_encoding(conn);
		/* from now on: it forbids journal = off */
		sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	}
	if (code) {
		status = conn->stopped ? lite_fail(conn, code, NULL, error)
				       : lite_fail_open(database, conn->db, code, error);
		goto out;
	}
	snprintf(conn->server, sizeof(conn->server), "SQLite %s", sqlite3_libversion());
	conn->identity = identify(conn);
	if (!conn->identity)
		status = consort_error_no_memory(error);
out:
	lite_leave(conn);
	if (status)
		free_connection(conn);
	else
		*out_connection = conn;
	return status;
}

static void connection_close(void *connection, const struct consort_call *call)
{
	(void)call;
	free_connection(connection);
}

/* Nothing that could have died: only a cancelled connection, or one whose file has gone bad, is not alive. */
static uint32_t connection_ping(void *connection, const struct consort_call *call,
				struct consort_error *error)
{
	struct lite_connection *conn = connection;
	uint32_t status = lite_enter(conn, call, error);
	int code;

	if (status)
		return status;
	code = pragma(conn, "PRAGMA schema_version", NULL, 0);
	if (code)
		status = lite_fail(conn, code, NULL, error);
	lite_leave(conn);
	return status;
}

static uint32_t connection_reset(void *connection, const struct consort_call *call,
				 struct consort_error *error)
{
	struct lite_connection *conn = connection;
	uint32_t status;
	int code;

	__atomic_store_n(&conn->cancelled, 0, __ATOMIC_RELAXED);
	conn->transaction = LITE_TX_NONE;
	status = lite_enter(conn, call, error);
	if (status)
		return status;
	code = sqlite3_get_autocommit(conn->db) ? SQLITE_OK
						: sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
	if (!code)
		code = configure(conn);
	if (code)
		status = lite_fail(conn, code, NULL, error);
	conn->read_only = false;
	lite_leave(conn);
	return status;
}

/* Closing would write the parent's write-ahead log back and delete it; closing descriptors alone would drop
 * this process's locks only, but SQLite keeps the descriptors to itself. So the child leaks them: they cost
 * it nothing, its own connections to the file are new ones. */
static void connection_abandon(void *connection)
{
	(void)connection;
}

const char *lite_undurable(const struct lite_connection *conn)
{
	if (conn->database->memory)
		return "a memory database does not outlive its process";
	if (sqlite3_db_readonly(conn->db, "main") == 1)
		return "the database only reads";
	if (!strcmp(conn->journal, "off") || !strcmp(conn->journal, "memory"))
		return "a crash can leave half a transaction with this journal mode";
	if (!strcmp(conn->journal, "wal") ? conn->synchronous < 2 : conn->synchronous < 3)
		return !strcmp(conn->journal, "wal")
			       ? "a power cut can undo a commit: it needs synchronous = full or extra"
			       : "a power cut can undo a commit: it needs synchronous = extra, or journal = "
				 "wal";
	return NULL;
}

static void connection_features(void *connection, struct consort_features *mask,
				const struct consort_feature_sink *sink)
{
	static const uint32_t writes[] = {
		CONSORT_FEATURE_CREATE, CONSORT_FEATURE_UPDATE,	    CONSORT_FEATURE_DELETE,
		CONSORT_FEATURE_UPSERT, CONSORT_FEATURE_BULK_WRITE, CONSORT_FEATURE_RETURNING,
		CONSORT_FEATURE_DEFINE, CONSORT_FEATURE_INDEXES,
	};
	const struct lite_connection *conn = connection;
	const char *why = lite_undurable(conn);
	size_t i;

	if (why) {
		consort_features_remove(mask, CONSORT_FEATURE_LAST_RESOURCE);
		sink->missing(sink->context, CONSORT_FEATURE_LAST_RESOURCE, why);
	}
	if (sqlite3_db_readonly(conn->db, "main") != 1)
		return;
	why = conn->database->open_flags & SQLITE_OPEN_READONLY ? "the database is opened with mode = ro"
								: "the file may not be written";
	for (i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		consort_features_remove(mask, writes[i]);
		sink->missing(sink->context, writes[i], why);
	}
}

static void connection_info(void *connection, struct consort_connection_info *info)
{
	const struct lite_connection *conn = connection;

	info->server = conn->server;
	info->identity = conn->identity;
	info->user = "";
}

/* The flag stays until reset, so a cancel that comes between two calls is not lost; an interrupt that comes
 * then is forgotten by SQLite before the next statement starts. */
static void connection_cancel(void *connection)
{
	struct lite_connection *conn = connection;

	__atomic_store_n(&conn->cancelled, 1, __ATOMIC_RELAXED);
	sqlite3_interrupt(conn->db);
}

const struct consort_connection_ops lite_connection_ops = {
	.struct_size = sizeof(lite_connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = connection_abandon,
	.features = connection_features,
	.info = connection_info,
	.cancel = connection_cancel,
};
