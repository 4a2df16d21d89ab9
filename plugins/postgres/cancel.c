/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the server to stop a statement. libpq's request blocks for as long as the network likes, so an
 * errand does it, which nobody waits for but who wants to use the connection again.
 */
#include "postgres.h"

#define REQUESTS_MOST 32 /* that wait for servers which do not answer */

static struct consort_errands requests = {.most = REQUESTS_MOST};

static void deliver(void *request)
{
	char message[256];

	PQcancel(request, message, sizeof(message));
}

static void free_request(void *request)
{
	PQfreeCancel(request);
}

void pg_cancel_start(struct pg_connection *conn)
{
	PGcancel *request;

	if (conn->cancel || PQstatus(conn->pq) != CONNECTION_OK)
		return;
	request = PQgetCancel(conn->pq);
	if (!request)
		return;
	conn->cancel = consort_errand_start(&requests, deliver, free_request, request);
	if (!conn->cancel)
		PQfreeCancel(request);
}

int pg_cancel_descriptor(const struct pg_connection *conn)
{
	return conn->cancel ? consort_errand_descriptor(conn->cancel) : -1;
}

void pg_cancel_end(struct pg_connection *conn)
{
	consort_errand_drop(conn->cancel);
	conn->cancel = NULL;
}
