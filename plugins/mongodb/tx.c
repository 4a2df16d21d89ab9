/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions of the session: reads see one snapshot, and a commit is acknowledged by a majority. The server
 * ends a transaction when a command in it fails. Several writes that are one for the core are a transaction
 * of their own where there are any.
 */
#include "mongodb.h"

#define KNOWN_FLAGS \
	(CONSORT_TRANSACTION_READ_ONLY | CONSORT_TRANSACTION_WILL_PREPARE | CONSORT_TRANSACTION_DECIDES)

static void ended(struct mongo_connection *conn)
{
	conn->transaction = MONGO_TX_NONE;
	conn->read_only = conn->wrote = false;
	mongo_cursors_lose(conn, "its transaction has ended");
}

static uint32_t can_begin(const struct mongo_connection *conn,
			  const struct consort_transaction_options *options, struct consort_error *error)
{
	if (conn->transaction != MONGO_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "this connection has a transaction already");
	if (options->flags & ~KNOWN_FLAGS)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of a transaction");
	if (options->flags & CONSORT_TRANSACTION_WILL_PREPARE)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "MongoDB cannot prepare a commit");
	if (options->isolation >= CONSORT_ISOLATION_SERIALIZABLE)
		return consort_error_set(
			error, CONSORT_EUNSUPPORTED,
			"MongoDB's transactions see a snapshot, which is less than serializable");
	if (!conn->replica_set && !conn->sharded)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "transactions need a replica set, and this server stands alone");
	return CONSORT_OK;
}

static uint32_t start(struct mongo_connection *conn, bool decides, struct consort_error *error)
{
	mongoc_transaction_opt_t *options = mongoc_transaction_opts_new();
	mongoc_read_concern_t *snapshot = mongoc_read_concern_new();
	mongoc_write_concern_t *majority = mongoc_write_concern_new();
	mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
	bson_error_t said = {0};
	bool done;

	mongoc_read_concern_set_level(snapshot, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
	mongoc_write_concern_set_wmajority(majority, 0);
	if (decides)
		mongoc_write_concern_set_journal(majority, true);
	mongoc_transaction_opts_set_read_concern(options, snapshot);
	mongoc_transaction_opts_set_write_concern(options, majority);
	mongoc_transaction_opts_set_read_prefs(options, primary);
	done = mongoc_client_session_start_transaction(conn->session, options, &said);
	mongoc_read_prefs_destroy(primary);
	mongoc_write_concern_destroy(majority);
	mongoc_read_concern_destroy(snapshot);
	mongoc_transaction_opts_destroy(options);
	if (!done)
		return mongo_fail(conn, &said, NULL, NULL, error);
	conn->transaction = MONGO_TX_OPEN;
	return CONSORT_OK;
}

static uint32_t transaction_begin(void *connection, const struct consort_call *call,
				  const struct consort_transaction_options *options,
				  struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	uint32_t status = mongo_enter(conn, call, error);

	if (status)
		return status;
	status = can_begin(conn, options, error);
	if (!status)
		status = start(conn, options->flags & CONSORT_TRANSACTION_DECIDES, error);
	if (!status)
		conn->read_only = options->flags & CONSORT_TRANSACTION_READ_ONLY;
	mongo_leave(conn);
	return status;
}

/* Was the answer lost on the way? Then nobody here knows. */
static uint32_t doubt(struct mongo_connection *conn, const bson_t *reply, struct consort_error *error)
{
	bool lost = error->status == CONSORT_ECONNECTION || error->status == CONSORT_ETIMEOUT ||
		    error->status == CONSORT_ECANCELLED || error->status == CONSORT_EPROTOCOL ||
		    error->status == CONSORT_EINDOUBT;

	if (!lost && !mongoc_error_has_label(reply, "UnknownTransactionCommitResult"))
		return error->status;
	consort_error_prefix(error, "the answer to the commit was lost, its outcome is not known");
	error->status = CONSORT_EINDOUBT;
	error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	conn->unsettled = true;
	return error->status;
}

static uint32_t commit(struct mongo_connection *conn, struct consort_error *error)
{
	bson_error_t said = {0};
	bson_t reply;
	uint32_t status = CONSORT_OK;

	if (!mongoc_client_session_commit_transaction(conn->session, &reply, &said)) {
		mongo_fail(conn, &said, &reply, NULL, error);
		status = doubt(conn, &reply, error);
		error->flags &= ~(uint32_t)CONSORT_ERROR_TX_ABORTED;
	}
	bson_destroy(&reply);
	return status;
}

static uint32_t transaction_commit(void *connection, const struct consort_call *call,
				   struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	uint32_t status;

	if (conn->transaction == MONGO_TX_NONE)
		return consort_error_set(error, CONSORT_EINVAL, "there is no transaction to commit");
	status = mongo_enter(conn, call, error);
	if (status) {
		conn->call = call;
		mongo_tx_drop(conn);
		error->flags &= ~(uint32_t)CONSORT_ERROR_TX_ABORTED;
	} else {
		status = commit(conn, error);
		ended(conn);
	}
	mongo_leave(conn);
	return status;
}

/* An abort that does not get through is made good by the server, which ends what is left alone. A command
 * that was given up leaves the session behind, and its successor is another one. */
void mongo_tx_drop(struct mongo_connection *conn)
{
	bool heedless = conn->heedless;
	struct consort_error ignored = CONSORT_ERROR_INIT;

	conn->heedless = true;
	conn->given_up = 0;
	if (conn->unsettled)
		conn->unsettled = mongo_session_renew(conn, &ignored) != CONSORT_OK;
	else if (mongoc_client_session_in_transaction(conn->session))
		mongoc_client_session_abort_transaction(conn->session, NULL);
	conn->heedless = heedless;
	ended(conn);
}

static uint32_t transaction_rollback(void *connection, const struct consort_call *call,
				     struct consort_error *error)
{
	struct mongo_connection *conn = connection;

	conn->call = call;
	mongo_tx_drop(conn);
	mongo_leave(conn);
	if (!conn->unsettled)
		return CONSORT_OK;
	consort_error_set(error, CONSORT_ECONNECTION,
			  "the connection could not be used again after what was given up");
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	return CONSORT_ECONNECTION;
}

static uint32_t transaction_wrote(void *connection, const struct consort_call *call, uint32_t *out_wrote,
				  struct consort_error *error)
{
	const struct mongo_connection *conn = connection;

	(void)call;
	(void)error;
	*out_wrote = conn->wrote;
	return CONSORT_OK;
}

const struct consort_transaction_ops mongo_transaction_ops = {
	.struct_size = sizeof(mongo_transaction_ops),
	.begin = transaction_begin,
	.commit = transaction_commit,
	.rollback = transaction_rollback,
	.wrote = transaction_wrote,
};

/* --- writes --- */

uint32_t mongo_may_write(struct mongo_connection *conn, struct consort_error *error)
{
	if (conn->read_only) {
		consort_error_set(error, CONSORT_EREADONLY, "this transaction only reads");
		error->flags |= CONSORT_ERROR_TX_ABORTED;
		return CONSORT_EREADONLY;
	}
	conn->wrote = true;
	return CONSORT_OK;
}

uint32_t mongo_group_begin(struct mongo_connection *conn, bool *out_grouped, struct consort_error *error)
{
	uint32_t status;

	if (conn->transaction != MONGO_TX_NONE || (!conn->replica_set && !conn->sharded))
		return CONSORT_OK;
	status = start(conn, false, error);
	*out_grouped = !status;
	return status;
}

uint32_t mongo_group_end(struct mongo_connection *conn, bool grouped, uint32_t status,
			 struct consort_error *error)
{
	if (!grouped) {
		if (status && conn->transaction != MONGO_TX_NONE)
			error->flags |= CONSORT_ERROR_TX_ABORTED;
		return status;
	}
	if (!status) {
		status = commit(conn, error);
	} else {
		error->flags &= ~(uint32_t)CONSORT_ERROR_TX_ABORTED;
		if (!conn->unsettled && mongoc_client_session_in_transaction(conn->session))
			mongoc_client_session_abort_transaction(conn->session, NULL);
	}
	ended(conn);
	return status;
}
