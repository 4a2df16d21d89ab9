/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting. Sockets never block; every wait looks at the socket, the deadline and the descriptor that a cancel
 * writes to. Who waits too long, or is cancelled, goes away at once and leaves the connection unsettled: the
 * server is told by a thread of its own, and what it still answers is read by whoever settles the connection.
 */
#include "postgres.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define CONNECT_SLICE INT64_C(20000000) /* nothing wakes whom a cancel finds while connecting */

static bool is_cancelled(const struct pg_connection *conn)
{
	return !conn->heedless && (__atomic_load_n(&conn->cancelled, __ATOMIC_RELAXED) ||
				   (conn->call && consort_call_cancelled(conn->call)));
}

static uint32_t fail_poll(struct pg_connection *conn, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ECONNECTION, "the connection cannot be waited for: %s",
			  strerror(errno));
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return error->status;
}

/* The caller goes; the server may be at work for whom nobody waits. */
static uint32_t give_up(struct pg_connection *conn, uint32_t status, struct consort_error *error)
{
	if (status == CONSORT_ETIMEOUT)
		consort_error_set(error, status, "the deadline passed before PostgreSQL answered");
	else
		consort_error_set(error, status, "the call was cancelled");
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	if (conn->transaction != PG_TX_NONE && !conn->keeps)
		error->flags |= CONSORT_ERROR_TX_ABORTED;
	if (conn->keeps)
		return status;
	pg_cancel_start(conn);
	conn->unsettled = true;
	return status;
}

uint32_t pg_wait(struct pg_connection *conn, bool writing, struct consort_error *error)
{
	struct pollfd fds[2] = {
		{.fd = PQsocket(conn->pq), .events = (short)(writing ? POLLIN | POLLOUT : POLLIN)},
		{.fd = conn->wake, .events = POLLIN}};
	int code;

	if (CONSORT_UNLIKELY(fds[0].fd < 0))
		return pg_fail_lost(conn, error);
	if (CONSORT_UNLIKELY(is_cancelled(conn)))
		return give_up(conn, CONSORT_ECANCELLED, error);
	code = consort_poll_until(conn->host, fds, conn->heedless ? 1 : 2, conn->call ? conn->call->deadline : 0);
	if (CONSORT_LIKELY(code > 0 && fds[0].revents))
		return CONSORT_OK;
	if (code < 0)
		return fail_poll(conn, error);
	return give_up(conn, code ? CONSORT_ECANCELLED : CONSORT_ETIMEOUT, error);
}

uint32_t pg_wait_connect(struct pg_connection *conn, int descriptor, short events, int64_t connect_timeout,
			 struct consort_error *error)
{
	struct pollfd fd = {.fd = descriptor, .events = events};
	int64_t call = conn->call->deadline;
	bool own = connect_timeout && (!call || connect_timeout < call);
	int64_t deadline = own ? connect_timeout : call;

	for (;;) {
		int64_t now = conn->host->clock(), until = now + CONNECT_SLICE;
		int code;

		if (is_cancelled(conn))
			return consort_error_set(error, CONSORT_ECANCELLED,
						 "the call was cancelled while it connected");
		if (deadline && now >= deadline)
			return consort_error_set(error, CONSORT_ETIMEOUT, "the %s passed",
						 own ? "connect_timeout" : "deadline");
		if (deadline && deadline < until)
			until = deadline;
		code = consort_poll_until(conn->host, &fd, 1, until);
		if (code < 0)
			return fail_poll(conn, error);
		if (code)
			return CONSORT_OK;
	}
}

uint32_t pg_flush(struct pg_connection *conn, struct consort_error *error)
{
	uint32_t status;
	int code;

	while ((code = PQflush(conn->pq)) > 0) {
		status = pg_wait(conn, true, error);
		if (status)
			return status;
		if (!PQconsumeInput(conn->pq))
			return pg_fail_lost(conn, error);
	}
	return code ? pg_fail_lost(conn, error) : CONSORT_OK;
}

uint32_t pg_next_result(struct pg_connection *conn, PGresult **out_result, struct consort_error *error)
{
	/* libpq takes a lack of memory for a message that is not whole: asked again, it may find it is */
	while (PQisBusy(conn->pq) && PQisBusy(conn->pq)) {
		uint32_t status = pg_wait(conn, false, error);

		if (CONSORT_UNLIKELY(status))
			return status;
		if (CONSORT_UNLIKELY(!PQconsumeInput(conn->pq)))
			return pg_fail_lost(conn, error);
	}
	*out_result = PQgetResult(conn->pq);
	return CONSORT_OK;
}

/* --- what nobody wants to read --- */

/* Rows of a COPY. */
static uint32_t discard_copy(struct pg_connection *conn, struct consort_error *error)
{
	char *row = NULL;
	uint32_t status;
	int size;

	while ((size = PQgetCopyData(conn->pq, &row, 1)) >= 0) {
		PQfreemem(row);
		row = NULL;
		if (size)
			continue;
		status = pg_wait(conn, false, error);
		if (status)
			return status;
		if (!PQconsumeInput(conn->pq))
			return pg_fail_lost(conn, error);
	}
	return CONSORT_OK;
}

uint32_t pg_discard_results(struct pg_connection *conn, PGresult **out_late, struct consort_error *error)
{
	uint32_t status = pg_flush(conn, error);
	PGresult *result = NULL;
	bool synced = false;

	while (!status) {
		ExecStatusType kind;

		status = pg_next_result(conn, &result, error);
		if (status)
			break;
		kind = PQresultStatus(result);
		if (result && kind == PGRES_FATAL_ERROR && out_late && !*out_late)
			*out_late = result;
		else
			PQclear(result);
		if (PQstatus(conn->pq) == CONNECTION_BAD)
			return pg_fail_lost(conn, error);
		if (kind == PGRES_COPY_OUT)
			status = discard_copy(conn, error);
		else if (kind == PGRES_COPY_IN && PQputCopyEnd(conn->pq, "given up") > 0)
			status = pg_flush(conn, error);
		/* in pipeline mode each statement's results end with a NULL of their own, and so does the
		 * mark at the end of all */
		synced |= kind == PGRES_PIPELINE_SYNC;
		if (!result && !conn->pipeline)
			return CONSORT_OK;
		if (!result && synced && PQexitPipelineMode(conn->pq)) {
			conn->pipeline = false;
			return CONSORT_OK;
		}
	}
	return status;
}

/* Until the cancel request, if there is one, was taken or has failed. */
static uint32_t await_cancel(struct pg_connection *conn, struct consort_error *error)
{
	struct pollfd fd = {.fd = pg_cancel_descriptor(conn), .events = POLLIN};
	int code = 1;

	if (fd.fd >= 0)
		code = consort_poll_until(conn->host, &fd, 1, conn->call ? conn->call->deadline : 0);
	if (code < 0)
		return fail_poll(conn, error);
	if (!code)
		return give_up(conn, CONSORT_ETIMEOUT, error);
	pg_cancel_end(conn);
	return CONSORT_OK;
}

uint32_t pg_settle(struct pg_connection *conn, struct consort_error *error)
{
	bool heedless = conn->heedless, keeps = conn->keeps;
	uint32_t status;

	conn->heedless = conn->keeps = true;
	status = await_cancel(conn, error);
	if (!status)
		status = pg_discard_results(conn, NULL, error);
	/* a request that came when its statement had ended hits what comes next: this, which is nothing */
	if (!status && !PQsendQuery(conn->pq, ""))
		status = pg_fail_lost(conn, error);
	if (!status)
		status = pg_discard_results(conn, NULL, error);
	if (!status)
		conn->unsettled = conn->discarding = false;
	conn->heedless = heedless;
	conn->keeps = keeps;
	return status;
}
