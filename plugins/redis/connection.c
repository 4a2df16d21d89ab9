/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: made to the first node that takes us, looked after, given to the next user, closed. */
#include "tx.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

uint32_t redis_enter(struct redis_connection *conn, const struct consort_call *call,
		     struct consort_error *error)
{
	uint32_t status = consort_call_check(call, error);

	if (CONSORT_UNLIKELY(status))
		return status;
	if (CONSORT_UNLIKELY(__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED)))
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	if (CONSORT_UNLIKELY(conn->unsettled))
		return consort_error_set(
			error, CONSORT_ECONFLICT,
			"a command of this connection was given up; it must be reset before it is "
			"used again");
	conn->call = call;
	conn->until = call->deadline;
	return CONSORT_OK;
}

/* --- open and close --- */

static void free_connection(struct redis_connection *conn)
{
	redis_tx_drop(conn);
	redis_links_free(conn);
	redis_pipe_free(&conn->pipe);
	redis_map_free(conn->map);
	redis_shapes_free(conn);
	if (conn->wake >= 0)
		close(conn->wake);
	consort_arena_clear(&conn->scratch);
	consort_buffer_clear(&conn->text);
	consort_buffer_clear(&conn->more);
	consort_json_reader_free(conn->json);
	free(conn->polls);
	free(conn->server);
	free(conn->identity);
	free(conn->user);
	free(conn);
}

/* Has the call itself some time left? */
static bool has_time(const struct redis_connection *conn)
{
	return !conn->until || conn->host->clock() < conn->until;
}

/* To one of the nodes, in their order; the last one's error counts. */
static uint32_t connect_home(struct redis_connection *conn, struct consort_error *error)
{
	const struct redis_database *database = conn->database;
	struct redis_link *link;
	uint32_t i, status = CONSORT_ECONNECTION;

	for (i = 0; i < database->nnodes; i++) {
		redis_links_free(conn);
		status = redis_link_get(conn, database->nodes[i], &link, error);
		if (status != CONSORT_ECONNECTION && !(status == CONSORT_ETIMEOUT && has_time(conn)))
			break;
	}
	return status;
}

static uint32_t connection_open(void *context, const struct consort_call *call, void **out_connection,
				struct consort_error *error)
{
	struct redis_database *database = context;
	struct redis_connection *conn = calloc(1, sizeof(*conn));
	uint32_t status;

	if (!conn)
		return consort_error_no_memory(error);
	conn->database = database;
	conn->host = database->host;
	conn->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	conn->alone = true;
	status = conn->wake < 0 ? consort_error_no_memory(error) : redis_enter(conn, call, error);
	if (!status)
		status = connect_home(conn, error);
	if (!status)
		status = redis_meet(conn, error);
	redis_leave(conn);
	if (status) {
		consort_copy_text(error->origin, sizeof(error->origin), database->name);
		error->flags &= ~(uint32_t)CONSORT_ERROR_CONNECTION_DEAD;
		free_connection(conn);
		return status;
	}
	*out_connection = conn;
	return CONSORT_OK;
}

static void connection_close(void *connection, const struct consort_call *call)
{
	(void)call;
	free_connection(connection);
}

/* --- between users --- */

static uint32_t connection_ping(void *connection, const struct consort_call *call,
				struct consort_error *error)
{
	struct redis_connection *conn = connection;
	uint32_t status = redis_enter(conn, call, error);

	if (status)
		return status;
	redis_begin(conn);
	redis_add(conn, REDIS_ANY, 1);
	redis_arg_text(conn, "PING");
	conn->alone = true;
	status = redis_run_well(conn, error);
	redis_leave(conn);
	return status;
}

static uint32_t connection_reset(void *connection, const struct consort_call *call,
				 struct consort_error *error)
{
	struct redis_connection *conn = connection;
	uint32_t status = consort_call_check(call, error);
	eventfd_t woken;

	if (status)
		return status;
	redis_tx_drop(conn);
	__atomic_store_n(&conn->cancelled, 0, __ATOMIC_RELAXED);
	eventfd_read(conn->wake, &woken);
	conn->call = call;
	conn->until = call->deadline;
	conn->alone = true;
	status = redis_settle(conn, error);
	if (!status)
		status = redis_unwatch(conn, error);
	redis_leave(conn);
	return status;
}

/* No goodbye, which would be read as the parent's; nothing is freed. */
static void connection_abandon(void *connection)
{
	const struct redis_connection *conn = connection;
	const struct redis_link *link;

	for (link = conn->links; link; link = link->next)
		if (link->reader)
			close(link->fd);
	close(conn->wake);
}

/* The flag stays until reset, so a cancel that comes between two calls is not lost. */
static void connection_cancel(void *connection)
{
	struct redis_connection *conn = connection;

	__atomic_store_n(&conn->cancelled, 1, __ATOMIC_RELAXED);
	eventfd_write(conn->wake, 1);
}

const struct consort_connection_ops redis_connection_ops = {
	.struct_size = sizeof(redis_connection_ops),
	.open = connection_open,
	.close = connection_close,
	.ping = connection_ping,
	.reset = connection_reset,
	.abandon = connection_abandon,
	.features = redis_features,
	.info = redis_info,
	.cancel = connection_cancel,
};
