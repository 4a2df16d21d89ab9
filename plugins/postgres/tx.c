/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: begin and end, savepoints, snapshots; and in two phases. */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_FLAGS \
	(CONSORT_TRANSACTION_READ_ONLY | CONSORT_TRANSACTION_WILL_PREPARE | CONSORT_TRANSACTION_DECIDES)

static void ended(struct pg_connection *conn)
{
	conn->transaction = PG_TX_NONE;
	conn->read_only = false;
	pg_portals_lost(conn, "its transaction has ended");
}

static const char *level(uint32_t isolation)
{
	switch (isolation) {
	case CONSORT_ISOLATION_READ_COMMITTED:
		return " ISOLATION LEVEL READ COMMITTED";
	case CONSORT_ISOLATION_REPEATABLE_READ:
		return " ISOLATION LEVEL REPEATABLE READ";
	case CONSORT_ISOLATION_SERIALIZABLE:
		return " ISOLATION LEVEL SERIALIZABLE";
	default:
		return "";
	}
}

static uint32_t can_begin(const struct pg_connection *conn, const struct consort_transaction_options *options,
			  struct consort_error *error)
{
	if (conn->transaction != PG_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "this connection has a transaction already");
	if (options->flags & ~KNOWN_FLAGS)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of a transaction");
	if (options->isolation > CONSORT_ISOLATION_SERIALIZABLE)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown isolation level %u",
					 options->isolation);
	if ((options->flags & CONSORT_TRANSACTION_WILL_PREPARE) && !conn->prepared_most)
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"a transaction cannot be prepared: the server's max_prepared_transactions is 0");
	return CONSORT_OK;
}

static uint32_t transaction_begin(void *connection, const struct consort_call *call,
				  const struct consort_transaction_options *options,
				  struct consort_error *error)
{
	struct pg_connection *conn = connection;
	bool read_only = options->flags & CONSORT_TRANSACTION_READ_ONLY;
	uint32_t status = pg_enter(conn, call, error);
	char sql[160];

	if (status)
		return status;
	status = can_begin(conn, options, error);
	if (!status)
		status = pg_claim(conn, error);
	/* whoever decides waits for the disk, whatever the session is set to */
	snprintf(sql, sizeof(sql), "BEGIN%s%s%s", level(options->isolation), read_only ? " READ ONLY" : "",
		 options->flags & CONSORT_TRANSACTION_DECIDES ? "; SET LOCAL synchronous_commit = on" : "");
	if (!status)
		status = pg_exec(conn, sql, error);
	if (!status) {
		conn->transaction = PG_TX_OPEN;
		conn->read_only = read_only;
	}
	pg_leave(conn);
	return status;
}

/* Whatever the connection's state: afterwards there is no transaction, or the connection is dead. A cancel
 * that was meant for what went before does not keep it from being undone. */
static uint32_t roll_back(struct pg_connection *conn, const struct consort_call *call,
			  struct consort_error *error)
{
	uint32_t status = CONSORT_OK;

	conn->call = call;
	conn->heedless = true;
	if (conn->stream)
		pg_cursors_abandon(conn);
	if (conn->unsettled || conn->discarding || PQtransactionStatus(conn->pq) == PQTRANS_ACTIVE)
		status = pg_settle(conn, error);
	if (!status && PQtransactionStatus(conn->pq) != PQTRANS_IDLE)
		status = pg_exec(conn, "ROLLBACK", error);
	if (status)
		error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	conn->heedless = false;
	conn->call = NULL;
	ended(conn);
	return status;
}

static uint32_t transaction_rollback(void *connection, const struct consort_call *call,
				     struct consort_error *error)
{
	return roll_back(connection, call, error);
}

/* Was the answer lost on the way? Then nobody here knows. */
static uint32_t doubt(struct pg_connection *conn, uint32_t status, struct consort_error *error)
{
	if (status != CONSORT_ECONNECTION && status != CONSORT_ETIMEOUT && status != CONSORT_ECANCELLED &&
	    status != CONSORT_EPROTOCOL)
		return status;
	consort_error_prefix(error, "the answer to the commit was lost, its outcome is not known");
	error->status = CONSORT_EINDOUBT;
	error->flags = (error->flags & ~(uint32_t)CONSORT_ERROR_RETRYABLE) | CONSORT_ERROR_CONNECTION_DEAD;
	ended(conn);
	return error->status;
}

/* A statement that ends the transaction. The server answers COMMIT of a transaction that has failed, and
 * PREPARE TRANSACTION of one, with ROLLBACK. */
static uint32_t end_by(struct pg_connection *conn, const struct consort_call *call, const char *sql,
		       struct consort_error *error)
{
	struct consort_error ignored = CONSORT_ERROR_INIT;
	PGresult *result = NULL;
	uint32_t status = pg_enter(conn, call, error);

	if (!status) {
		status = pg_claim(conn, error);
		if (!status) {
			status = pg_query(conn, sql, 0, NULL, &result, error);
			/* a server that ends, or loses us, while it commits leaves us in doubt */
			if (status && (!*error->sqlstate || !strncmp(error->sqlstate, "57P", 3) ||
				       !strncmp(error->sqlstate, "08", 2)))
				status = doubt(conn, status, error);
		}
		pg_leave(conn);
	}
	if (!status && !strcmp(PQcmdStatus(result), "ROLLBACK"))
		status =
			consort_error_set(error, CONSORT_ECONFLICT,
					  "a statement of the transaction had failed, so it was rolled back");
	PQclear(result);
	if (status != CONSORT_OK && status != CONSORT_EINDOUBT) {
		roll_back(conn, call, &ignored);
		error->flags = (error->flags & ~(uint32_t)CONSORT_ERROR_TX_ABORTED) |
			       (ignored.flags & CONSORT_ERROR_CONNECTION_DEAD);
	}
	if (!status)
		ended(conn);
	return status;
}

static uint32_t transaction_commit(void *connection, const struct consort_call *call,
				   struct consort_error *error)
{
	struct pg_connection *conn = connection;

	if (conn->transaction == PG_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "there is no transaction to commit");
	return end_by(conn, call, "COMMIT", error);
}

/* --- savepoints --- */

static uint32_t savepoint_do(struct pg_connection *conn, const char *verb, const char *name,
			     struct consort_error *error)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	uint32_t status;

	if (conn->transaction == PG_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "there is no transaction for savepoint '%s'",
					 name);
	consort_buffer_text(&sql, verb);
	consort_sql_quote(&sql, name);
	status = sql.failed ? consort_error_no_memory(error) : pg_exec(conn, sql.data, error);
	consort_buffer_clear(&sql);
	return status;
}

static uint32_t in_transaction(struct pg_connection *conn, const struct consort_call *call, const char *verb,
			       const char *name, struct consort_error *error)
{
	uint32_t status = pg_enter(conn, call, error);

	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = savepoint_do(conn, verb, name, error);
	pg_leave(conn);
	return status;
}

static uint32_t transaction_savepoint(void *connection, const struct consort_call *call, const char *name,
				      struct consort_error *error)
{
	return in_transaction(connection, call, "SAVEPOINT ", name, error);
}

static uint32_t transaction_release(void *connection, const struct consort_call *call, const char *name,
				    struct consort_error *error)
{
	return in_transaction(connection, call, "RELEASE ", name, error);
}

/* Like a rollback it undoes what was given up, or cancelled. Portals that were declared since are gone, and
 * which those are is not worth knowing. */
static uint32_t transaction_rollback_to(void *connection, const struct consort_call *call, const char *name,
					struct consort_error *error)
{
	struct pg_connection *conn = connection;
	uint32_t status = CONSORT_OK;

	conn->call = call;
	conn->heedless = true;
	if (conn->stream)
		pg_cursors_abandon(conn);
	if (conn->unsettled || conn->discarding || PQtransactionStatus(conn->pq) == PQTRANS_ACTIVE)
		status = pg_settle(conn, error);
	if (!status)
		status = savepoint_do(conn, "ROLLBACK TO ", name, error);
	if (!status && conn->transaction != PG_TX_NONE)
		status = pg_exec(conn, "CLOSE ALL", error);
	pg_portals_lost(conn, "its transaction was rolled back to a savepoint");
	conn->heedless = false;
	conn->call = NULL;
	return status;
}

/* --- what a transaction has done, and sees --- */

/* A query of one text, which may be NULL. */
static uint32_t ask(struct pg_connection *conn, const struct consort_call *call, const char *sql,
		    PGresult **out_result, struct consort_error *error)
{
	uint32_t status = pg_enter(conn, call, error);

	if (status)
		return status;
	if (conn->transaction == PG_TX_NONE)
		status = consort_error_set(error, CONSORT_EINVAL, "there is no transaction");
	if (!status)
		status = pg_claim(conn, error);
	if (!status)
		status = pg_query(conn, sql, 0, NULL, out_result, error);
	pg_leave(conn);
	return status;
}

static uint32_t transaction_wrote(void *connection, const struct consort_call *call, uint32_t *out_wrote,
				  struct consort_error *error)
{
	struct pg_connection *conn = connection;
	PGresult *result = NULL;
	uint32_t status = ask(conn, call,
			      conn->version >= 130000 ? "SELECT pg_current_xact_id_if_assigned()"
						      : "SELECT txid_current_if_assigned()",
			      &result, error);

	if (!status)
		*out_wrote = !PQgetisnull(result, 0, 0);
	PQclear(result);
	return status;
}

static uint32_t transaction_snapshot_export(void *connection, const struct consort_call *call,
					    const char **out_snapshot, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	PGresult *result = NULL;
	uint32_t status = ask(conn, call, "SELECT pg_export_snapshot()", &result, error);

	if (!status)
		consort_copy_text(conn->snapshot, sizeof(conn->snapshot), PQgetvalue(result, 0, 0));
	if (!status)
		*out_snapshot = conn->snapshot;
	PQclear(result);
	return status;
}

static uint32_t transaction_snapshot_import(void *connection, const struct consort_call *call,
					    const char *snapshot, struct consort_error *error)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	PGresult *result = NULL;
	uint32_t status;

	consort_buffer_text(&sql, "SET TRANSACTION SNAPSHOT ");
	consort_buffer_quoted(&sql, snapshot, strlen(snapshot), '\'');
	status =
		sql.failed ? consort_error_no_memory(error) : ask(connection, call, sql.data, &result, error);
	consort_buffer_clear(&sql);
	PQclear(result);
	return status;
}

const struct consort_transaction_ops pg_transaction_ops = {
	.struct_size = sizeof(pg_transaction_ops),
	.begin = transaction_begin,
	.commit = transaction_commit,
	.rollback = transaction_rollback,
	.savepoint = transaction_savepoint,
	.release = transaction_release,
	.rollback_to = transaction_rollback_to,
	.wrote = transaction_wrote,
	.snapshot_export = transaction_snapshot_export,
	.snapshot_import = transaction_snapshot_import,
};

/* --- two phases --- */

/* "VERB 'global id'" */
static char *with_id(const char *verb, const char *global_id)
{
	struct consort_buffer sql = CONSORT_BUFFER_INIT;

	consort_buffer_text(&sql, verb);
	consort_buffer_quoted(&sql, global_id, strlen(global_id), '\'');
	return consort_buffer_steal(&sql);
}

static uint32_t prepared_prepare(void *connection, const struct consort_call *call, const char *global_id,
				 struct consort_error *error)
{
	struct pg_connection *conn = connection;
	uint32_t status;
	char *sql;

	if (conn->transaction == PG_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "there is no transaction to prepare");
	sql = with_id("PREPARE TRANSACTION ", global_id);
	status = sql ? end_by(conn, call, sql, error) : consort_error_no_memory(error);
	free(sql);
	return status;
}

/* Ends a branch. 42704: there is none, or somebody else has ended it. */
static uint32_t end_branch(struct pg_connection *conn, const struct consort_call *call, const char *verb,
			   const char *global_id, struct consort_error *error)
{
	char *sql = with_id(verb, global_id);
	uint32_t status = sql ? pg_enter(conn, call, error) : consort_error_no_memory(error);

	if (status)
		goto out;
	status = pg_claim(conn, error);
	if (!status)
		status = pg_exec(conn, sql, error);
	if (status && !strcmp(error->sqlstate, "42704"))
		status = error->status = CONSORT_ENOTFOUND;
	pg_leave(conn);
out:
	free(sql);
	return status;
}

static uint32_t prepared_commit(void *connection, const struct consort_call *call, const char *global_id,
				struct consort_error *error)
{
	return end_branch(connection, call, "COMMIT PREPARED ", global_id, error);
}

static uint32_t prepared_rollback(void *connection, const struct consort_call *call, const char *global_id,
				  struct consort_error *error)
{
	return end_branch(connection, call, "ROLLBACK PREPARED ", global_id, error);
}

static uint32_t prepared_list(void *connection, const struct consort_call *call, const char *prefix,
			      const struct consort_prepared_sink *sink, struct consort_error *error)
{
	static const char sql[] =
		"SELECT gid, (extract(epoch FROM clock_timestamp() - prepared) * 1000000)::bigint"
		" FROM pg_prepared_xacts WHERE database = current_database()"
		" AND starts_with(gid, $1) ORDER BY gid";
	struct pg_connection *conn = connection;
	PGresult *result = NULL;
	uint32_t status = pg_enter(conn, call, error);
	int i;

	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = pg_query(conn, sql, 1, &prefix, &result, error);
	for (i = 0; !status && i < PQntuples(result); i++) {
		status = sink->branch(sink->context, PQgetvalue(result, i, 0),
				      strtoll(PQgetvalue(result, i, 1), NULL, 10));
		if (status)
			consort_error_set(error, status, "a prepared transaction could not be taken");
	}
	PQclear(result);
	pg_leave(conn);
	return status;
}

const struct consort_prepared_ops pg_prepared_ops = {
	.struct_size = sizeof(pg_prepared_ops),
	.prepare = prepared_prepare,
	.commit_prepared = prepared_commit,
	.rollback_prepared = prepared_rollback,
	.list = prepared_list,
};
