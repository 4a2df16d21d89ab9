/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: made, looked after, given to the next user, closed. */
#include "mongodb.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

uint32_t mongo_enter(struct mongo_connection *conn, const struct consort_call *call,
		     struct consort_error *error)
{
	uint32_t status = consort_call_check(call, error);

	if (CONSORT_UNLIKELY(status))
		return status;
	if (CONSORT_UNLIKELY(__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	if (CONSORT_UNLIKELY(conn->unsettled)) {
		bool open = conn->transaction != MONGO_TX_NONE;

		consort_error_set(error, CONSORT_ECONFLICT, "a command of this connection was given up; %s",
				  open ? "roll its transaction back"
				       : "it must be reset before it is used again");
		error->flags |= open ? CONSORT_ERROR_TX_ABORTED : 0;
		return error->status;
	}
	conn->given_up = 0;
	conn->call = call;
	return CONSORT_OK;
}

/* --- open and close --- */

static void free_connection(struct mongo_connection *conn)
{
	mongo_cursors_lose(conn, "its connection was closed");
	/* what is left of a transaction the server ends by itself: nobody waits for that */
	conn->given_up = CONSORT_ECANCELLED;
	if (conn->session)
		mongoc_client_session_destroy(conn->session);
	if (conn->aside)
		mongoc_client_session_destroy(conn->aside);
	if (conn->client)
		mongoc_client_destroy(conn->client);
	bson_destroy(&conn->options);
	bson_destroy(&conn->aside_options);
	if (conn->wake >= 0)
		close(conn->wake);
	consort_arena_clear(&conn->scratch);
	consort_buffer_clear(&conn->text);
	free(conn->server);
	free(conn->identity);
	free(conn->user);
	free(conn);
}

static uint32_t new_connection(struct mongo_database *database, struct mongo_connection **out_conn,
			       struct consort_error *error)
{
	struct mongo_connection *conn = mongo_alloc(sizeof(*conn));
	bson_error_t said = {0};

	if (!conn)
		return consort_error_no_memory(error);
	conn->database = database;
	conn->host = database->host;
	bson_init(&conn->options);
	bson_init(&conn->aside_options);
	consort_arena_init(&conn->scratch, 0);
	conn->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (conn->wake < 0) {
		free_connection(conn);
		return consort_error_no_memory(error);
	}
	conn->client = mongoc_client_new_from_uri_with_error(database->uri, &said);
	if (!conn->client) {
		mongo_fail(conn, &said, NULL, NULL, error);
		free_connection(conn);
		return error->status;
	}
	mongoc_client_set_error_api(conn->client, MONGOC_ERROR_API_VERSION_2);
	mongoc_client_set_stream_initiator(conn->client, mongo_stream_open, conn);
	*out_conn = conn;
	return CONSORT_OK;
}

static uint32_t connection_open(void *context, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct mongo_database *database = context;
	struct mongo_connection *conn = NULL;
	uint32_t status = consort_call_check(call, error);

	if (!status)
		status = new_connection(database, &conn, error);
	if (!status)
		status = mongo_enter(conn, call, error);
	if (!status)
		status = mongo_meet(conn, error);
	if (conn)
		mongo_leave(conn);
	if (status) {
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
		if (conn)
			free_connection(conn);
		return status;
	}
	*out_connection = conn;
	return CONSORT_OK;
}

/* A transaction that is still open is rolled back, if that can be said at once. */
static void connection_close(void *connection, const struct consort_call *call)
{
	struct mongo_connection *conn = connection;

	conn->call = call;
	conn->heedless = true;
	conn->given_up = 0;
	if (conn->transaction != MONGO_TX_NONE && !conn->unsettled)
		mongo_tx_drop(conn);
	mongo_cursors_end(conn);
	free_connection(conn);
}

/* --- between users --- */

static uint32_t connection_ping(void *connection, const struct consort_call *call,
				struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	bson_t command = BSON_INITIALIZER, reply;
	uint32_t status = mongo_enter(conn, call, error);

	if (!status) {
		BSON_APPEND_INT32(&command, "ping", 1);
		status = mongo_run(conn, MONGO_PLAIN, &command, 0, NULL, &reply, error);
		bson_destroy(&reply);
		mongo_leave(conn);
	}
	bson_destroy(&command);
	return status;
}

static uint32_t connection_reset(void *connection, const struct consort_call *call,
				 struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	uint32_t status = consort_call_check(call, error);
	eventfd_t woken;

	if (status) /* nothing has happened, and cursors go on */
		return status;
	__atomic_store_n(&conn->cancelled, 0, __ATOMIC_RELAXED);
	eventfd_read(conn->wake, &woken);
	conn->call = call;
	conn->given_up = 0;
	if (conn->transaction != MONGO_TX_NONE)
		mongo_tx_drop(conn);
	mongo_cursors_end(conn);
	if (mongo_given_up(conn) == CONSORT_ETIMEOUT)
		status = consort_error_set(error, CONSORT_ETIMEOUT, "the deadline passed");
	mongo_leave(conn);
	if (status || !conn->unsettled)
		return status;
	/* its socket is closed, and libmongoc would wait before it makes another */
	consort_error_set(error, CONSORT_ECONNECTION,
			  "a command of this connection was given up, and the connection with it");
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	return CONSORT_ECONNECTION;
}

static void connection_abandon(void *connection)
{
	struct mongo_connection *conn = connection;

	mongo_streams_abandon(conn);
	close(conn->wake);
}

/* The flag stays until reset, so a cancel that comes between two calls is not lost. */
static void connection_cancel(void *connection)
{
	struct mongo_connection *conn = connection;

	__atomic_store_n(&conn->cancelled, 1, __ATOMIC_RELAXED);
	eventfd_write(conn->wake, 1);
}

const struct consort_connection_ops mongo_connection_ops = {
	.struct_size = sizeof(mongo_connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = connection_abandon,
	.features = mongo_features,
	.info = mongo_info,
	.cancel = connection_cancel,
};
