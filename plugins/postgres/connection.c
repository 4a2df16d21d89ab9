/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: made, looked after, given to the next user, closed. Nothing here waits but within a deadline.
 */
#include "adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "connect.h"

uint32_t pg_enter(struct pg_connection *conn, const struct consort_call *call, struct consort_error *error)
{
	uint32_t status;

	status = consort_call_check(call, error);
	if (CONSORT_UNLIKELY(status))
		return status;
	if (CONSORT_UNLIKELY(__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	if (CONSORT_UNLIKELY(conn->unsettled)) {
		consort_error_set(error, CONSORT_ECONFLICT, "a statement of this connection was given up; %s",
				  conn->transaction == PG_TX_NONE ? "it must be reset before it is used again"
								  : "roll its transaction back");
		error->flags |= conn->transaction == PG_TX_NONE ? 0u : CONSORT_ERROR_TX_ABORTED;
		return error->status;
	}
	conn->call = call;
	if (CONSORT_UNLIKELY(conn->discarding)) {
		status = pg_settle(conn, error);
		if (status) {
			conn->call = NULL;
			return status;
		}
	}
	return CONSORT_OK;
}

/* --- open and close --- */

static void free_connection(struct pg_connection *conn)
{
	pg_statements_clear(conn);
	pg_cursors_clear(conn);
	pg_cancel_end(conn);
	PQfinish(conn->pq);
	if (conn->wake >= 0)
		close(conn->wake);
	consort_buffer_clear(&conn->cells);
	consort_buffer_clear(&conn->text);
	consort_arena_clear(&conn->scratch);
	pg_decoder_clear(&conn->decoder);
	free(conn->values);
	free(conn->lengths);
	free(conn->formats);
	free(conn->server);
	free(conn->identity);
	free(conn->user);
	free(conn);
}

static struct pg_connection *new_connection(struct pg_database *database)
{
	struct pg_connection *conn = calloc(1, sizeof(*conn));
	uint64_t random = 0;

	if (!conn)
		return NULL;
	conn->database = database;
	conn->host = database->host;
	consort_arena_init(&conn->scratch, 0);
	consort_arena_init(&conn->decoder.arena, 0);
	conn->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (uint64_t)database->host->clock() ^ (uint64_t)(uintptr_t)conn;
	snprintf(conn->prefix, sizeof(conn->prefix), "c%016llx", (unsigned long long)random);
	if (conn->wake < 0) {
		free_connection(conn);
		return NULL;
	}
	return conn;
}

uint32_t pg_connection_open(void *context, const struct consort_call *call, void **out_connection,
			    struct consort_error *error)
{
	struct pg_database *database = context;
	struct pg_connection *conn = new_connection(database);
	uint32_t status;

	if (!conn)
		return consort_error_no_memory(error);
	status = pg_enter(conn, call, error);
	if (!status)
		status = pg_connect(conn, error);
	if (!status)
		status = pg_meet(conn, error);
	pg_leave(conn);
	if (status) {
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
		free_connection(conn);
		return status;
	}
	*out_connection = conn;
	return CONSORT_OK;
}

/* Never waits: libpq sends its goodbye if the socket takes it at once. */
void pg_connection_close(void *connection, const struct consort_call *call)
{
	(void)call;
	free_connection(connection);
}

/* --- between users --- */

uint32_t pg_connection_ping(void *connection, const struct consort_call *call, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	uint32_t status = pg_enter(conn, call, error);

	if (status)
		return status;
	status = pg_claim(conn, error);
	if (!status)
		status = pg_exec(conn, "", error);
	pg_leave(conn);
	return status;
}

/* DISCARD ALL but for the prepared statements, whose names nobody else uses. */
static const char clean[] = "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *;"
			    " SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP";

uint32_t pg_connection_reset(void *connection, const struct consort_call *call, struct consort_error *error)
{
	struct pg_connection *conn = connection;
	uint32_t status = consort_call_check(call, error);
	eventfd_t woken;

	if (status) /* nothing has happened, and cursors go on */
		return status;
	__atomic_store_n(&conn->cancelled, 0, __ATOMIC_RELAXED);
	eventfd_read(conn->wake, &woken);
	conn->discarding |= conn->unsettled || conn->stream;
	conn->unsettled = false;
	pg_cursors_abandon(conn);
	status = pg_enter(conn, call, error);
	if (status)
		return status;
	if (PQtransactionStatus(conn->pq) != PQTRANS_IDLE)
		status = pg_exec(conn, "ROLLBACK", error);
	conn->transaction = PG_TX_NONE;
	conn->read_only = false;
	if (!status)
		status = pg_exec(conn, clean, error);
	if (!status)
		status = pg_configure(conn, error);
	pg_leave(conn);
	return status;
}

/* No goodbye, which would end the parent's session; nothing is freed. */
void pg_connection_abandon(void *connection)
{
	const struct pg_connection *conn = connection;

	if (PQsocket(conn->pq) >= 0)
		close(PQsocket(conn->pq));
	close(conn->wake);
}

/* The flag stays until reset, so a cancel that comes between two calls is not lost. */
void pg_connection_cancel(void *connection)
{
	struct pg_connection *conn = connection;

	__atomic_store_n(&conn->cancelled, 1, __ATOMIC_RELAXED);
	eventfd_write(conn->wake, 1);
}

const struct consort_connection_ops pg_connection_ops = {
	PG_CONNECTION_OPERATIONS,
	.features = pg_features,
	.info = pg_info,
};
