/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions. One that may write takes the write lock at once (BEGIN IMMEDIATE), so that it waits where
 * waiting helps and cannot fail later because another one wrote in between.
 */
#include "sqlite.h"

#include <stdio.h>
#include <string.h>

#define KNOWN_FLAGS \
	(CONSORT_TRANSACTION_READ_ONLY | CONSORT_TRANSACTION_WILL_PREPARE | CONSORT_TRANSACTION_DECIDES)

static void ended(struct lite_connection *conn)
{
	if (conn->read_only)
		sqlite3_exec(conn->db, "PRAGMA query_only=0", NULL, NULL, NULL);
	conn->read_only = false;
	conn->transaction = LITE_TX_NONE;
}

static uint32_t can_begin(const struct lite_connection *conn,
			  const struct consort_transaction_options *options, struct consort_error *error)
{
	const char *why;

	if (conn->transaction != LITE_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "this connection has a transaction already");
	if (options->flags & ~KNOWN_FLAGS)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of a transaction");
	if (options->flags & CONSORT_TRANSACTION_WILL_PREPARE)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "SQLite cannot prepare a commit");
	why = options->flags & CONSORT_TRANSACTION_DECIDES ? lite_undurable(conn) : NULL;
	if (why)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "'%s' cannot hold a decision: %s",
					 conn->database->path, why);
	return CONSORT_OK;
}

static uint32_t transaction_begin(void *connection, const struct consort_call *call,
				  const struct consort_transaction_options *options,
				  struct consort_error *error)
{
	struct lite_connection *conn = connection;
	bool read_only = options->flags & CONSORT_TRANSACTION_READ_ONLY;
	uint32_t status = lite_enter(conn, call, error);

	if (status)
		return status;
	status = can_begin(conn, options, error);
	if (!status && read_only)
		status = lite_exec(conn, "PRAGMA query_only=1", error);
	if (!status) {
		conn->read_only = read_only;
		conn->defined = false;
		conn->changes = sqlite3_total_changes64(conn->db);
		status = lite_exec(conn, read_only ? "BEGIN" : "BEGIN IMMEDIATE", error);
		if (status)
			ended(conn);
		else
			conn->transaction = LITE_TX_OPEN;
	}
	lite_leave(conn);
	return status;
}

/* Whatever the connection's state: afterwards there is no transaction. */
static uint32_t roll_back(struct lite_connection *conn, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;

	conn->stopped = 0;
	conn->call = NULL;
	if (!sqlite3_get_autocommit(conn->db)) {
		int code = sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);

		if (code && !sqlite3_get_autocommit(conn->db)) {
			status = lite_fail(conn, code, NULL, error);
			error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
		}
	}
	ended(conn);
	return status;
}

static uint32_t transaction_commit(void *connection, const struct consort_call *call,
				   struct consort_error *error)
{
	struct lite_connection *conn = connection;
	struct consort_error ignored = CONSORT_ERROR_INIT;
	uint32_t status;
	int code;

	if (conn->transaction == LITE_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "there is no transaction to commit");
	status = lite_enter(conn, call, error);
	if (!status) {
		code = sqlite3_exec(conn->db, "COMMIT", NULL, NULL, NULL);
		if (!code) {
			ended(conn);
			lite_leave(conn);
			return CONSORT_OK;
		}
		status = lite_fail(conn, code, NULL, error);
		/* the log may hold the commit although the disk would not say so */
		if ((code & 0xff) == SQLITE_IOERR && status != CONSORT_EFULL)
			status = error->status = CONSORT_EINDOUBT;
	}
	roll_back(conn, &ignored);
	error->flags =
		(error->flags & ~CONSORT_ERROR_TX_ABORTED) | (ignored.flags & CONSORT_ERROR_CONNECTION_DEAD);
	return status;
}

static uint32_t transaction_rollback(void *connection, const struct consort_call *call,
				     struct consort_error *error)
{
	(void)call;
	return roll_back(connection, error);
}

static uint32_t savepoint_do(struct lite_connection *conn, const struct consort_call *call, const char *verb,
			     const char *name, bool undoes, struct consort_error *error)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	uint32_t status = lite_enter(conn, call, error);

	if (status)
		return status;
	if (conn->transaction == LITE_TX_NONE) {
		status = consort_error_set(error, CONSORT_EINVAL,
					   "there is no transaction for savepoint '%s'", name);
		goto out;
	}
	consort_buffer_text(&sql, verb);
	consort_sql_quote(&sql, name);
	if (sql.failed)
		status = consort_error_no_memory(error);
	if (!status && undoes)
		status = lite_settle(conn, error);
	if (!status)
		status = lite_exec(conn, sql.data, error);
out:
	consort_buffer_clear(&sql);
	lite_leave(conn);
	return status;
}

static uint32_t transaction_savepoint(void *connection, const struct consort_call *call, const char *name,
				      struct consort_error *error)
{
	return savepoint_do(connection, call, "SAVEPOINT ", name, false, error);
}

static uint32_t transaction_release(void *connection, const struct consort_call *call, const char *name,
				    struct consort_error *error)
{
	return savepoint_do(connection, call, "RELEASE ", name, false, error);
}

static uint32_t transaction_rollback_to(void *connection, const struct consort_call *call, const char *name,
					struct consort_error *error)
{
	return savepoint_do(connection, call, "ROLLBACK TO ", name, true, error);
}

/* The state of BEGIN IMMEDIATE is "write" from its start, so changes are counted instead. */
static uint32_t transaction_wrote(void *connection, const struct consort_call *call, uint32_t *out_wrote,
				  struct consort_error *error)
{
	const struct lite_connection *conn = connection;

	(void)call;
	(void)error;
	*out_wrote = conn->defined || sqlite3_total_changes64(conn->db) != conn->changes;
	return CONSORT_OK;
}

/* --- several changes as one --- */

enum { GROUP_BEGIN, GROUP_COMMIT, GROUP_ROLLBACK, GROUP_SAVE, GROUP_RELEASE, GROUP_UNDO };

static const char *const group_sql[LITE_GROUP_STATEMENTS] = {
	[GROUP_BEGIN] = "BEGIN IMMEDIATE",
	[GROUP_COMMIT] = "COMMIT",
	[GROUP_ROLLBACK] = "ROLLBACK",
	[GROUP_SAVE] = "SAVEPOINT consort_group",
	[GROUP_RELEASE] = "RELEASE consort_group",
	[GROUP_UNDO] = "ROLLBACK TO consort_group",
};

static int group_run(struct lite_connection *conn, int which)
{
	sqlite3_stmt **stmt = &conn->group[which];
	int code = SQLITE_OK;

	if (!*stmt)
		code = sqlite3_prepare_v3(conn->db, group_sql[which], -1, SQLITE_PREPARE_PERSISTENT, stmt,
					  NULL);
	if (!code) {
		sqlite3_step(*stmt);
		code = sqlite3_reset(*stmt);
	}
	return code;
}

uint32_t lite_group_begin(struct lite_connection *conn, struct consort_error *error)
{
	int code = group_run(conn, conn->transaction == LITE_TX_NONE ? GROUP_BEGIN : GROUP_SAVE);

	return code ? lite_fail(conn, code, NULL, error) : CONSORT_OK;
}

uint32_t lite_group_end(struct lite_connection *conn, uint32_t status, struct consort_error *error)
{
	bool inside = conn->transaction != LITE_TX_NONE;
	int code = SQLITE_OK;

	if (!status) {
		code = group_run(conn, inside ? GROUP_RELEASE : GROUP_COMMIT);
		if (!code)
			return CONSORT_OK;
		status = lite_fail(conn, code, NULL, error);
	}
	/* after some errors SQLite has rolled everything back by itself */
	if (!sqlite3_get_autocommit(conn->db)) {
		if (inside) {
			group_run(conn, GROUP_UNDO);
			group_run(conn, GROUP_RELEASE);
		} else {
			group_run(conn, GROUP_ROLLBACK);
		}
	}
	return status;
}

const struct consort_transaction_ops lite_transaction_ops = {
	.struct_size = sizeof(lite_transaction_ops),
	.begin = transaction_begin,
	.commit = transaction_commit,
	.rollback = transaction_rollback,
	.savepoint = transaction_savepoint,
	.release = transaction_release,
	.rollback_to = transaction_rollback_to,
	.wrote = transaction_wrote,
};
