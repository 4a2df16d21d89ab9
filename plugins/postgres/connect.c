/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting. A name is looked up by a thread, and each of its addresses tried; then the next host of the
 * list, as libpq does when it may block: whom it cannot reach, or what starts up or is not of the kind that
 * is wanted, it passes over; a server that refuses us has spoken for all. Each step has connect_timeout, all
 * together the call's deadline.
 */
#include "connect.h"

#include <poll.h>
#include <string.h>

/* What the server remarks is for the log. */
static void on_notice(void *context, const char *message)
{
	const struct pg_connection *conn = context;
	char line[512];

	consort_copy_text(line, sizeof(line), message);
	line[strcspn(line, "\n")] = '\0';
	conn->host->log(CONSORT_LOG_DEBUG, conn->database->name, line);
}

static int64_t timeout_of(const struct pg_connection *conn)
{
	int64_t timeout = conn->database->connect_timeout;

	return timeout ? conn->host->clock() + timeout : 0;
}

static uint32_t poll_session(struct pg_connection *conn, struct consort_error *error)
{
	PostgresPollingStatusType poll = PGRES_POLLING_WRITING;
	int64_t timeout = timeout_of(conn);
	uint32_t status;

	if (PQstatus(conn->pq) == CONNECTION_BAD)
		return pg_fail_connect(conn, error);
	while (poll != PGRES_POLLING_OK) {
		status = pg_wait_connect(conn, PQsocket(conn->pq),
					 poll == PGRES_POLLING_READING ? POLLIN : POLLOUT, timeout, error);
		if (status == CONSORT_ETIMEOUT)
			consort_error_prefix(error, "connecting to %s, port %s", PQhost(conn->pq),
					     PQport(conn->pq));
		if (status)
			return status;
		poll = PQconnectPoll(conn->pq);
		if (poll == PGRES_POLLING_FAILED)
			return pg_fail_connect(conn, error);
	}
	PQsetErrorVerbosity(conn->pq, PQERRORS_DEFAULT);
	return PQsetnonblocking(conn->pq, 1) ? consort_error_no_memory(error) : CONSORT_OK;
}

/* A session at that address. NULL: what the place says needs none. */
static uint32_t try_address(struct pg_connection *conn, const struct pg_place *place, const char *address,
			    const char *session, struct consort_error *error)
{
	const char *const more[PG_KEYWORDS_MORE][2] = {{"host", place->host},
						       {"hostaddr", address},
						       {"port", place->port},
						       {"target_session_attrs", session}};

	PQfinish(conn->pq);
	conn->pq = pg_start_connecting(conn->database, more, PG_KEYWORDS_MORE);
	if (!conn->pq)
		return consort_error_no_memory(error);
	PQsetNoticeProcessor(conn->pq, on_notice, conn);
	PQsetErrorVerbosity(conn->pq, PQERRORS_VERBOSE);
	return poll_session(conn, error);
}

/* May another place do, after this? */
static bool goes_on(const struct pg_connection *conn, const struct consort_error *error)
{
	const struct consort_call *call = conn->call;

	switch (error->status) {
	case CONSORT_ECONNECTION:
		return !*error->sqlstate || !strcmp(error->sqlstate, "57P03");
	case CONSORT_ETIMEOUT:
		return !call->deadline || conn->host->clock() < call->deadline;
	default:
		return false;
	}
}

/* What has failed so far, and the next failure: all are told, the last one's status counts. */
static void add_failure(struct consort_error *told, struct consort_error *next)
{
	if (*told->message && next->status != CONSORT_ENOMEM)
		consort_error_prefix(next, "%s; then", told->message);
	*told = *next;
}

static uint32_t try_addresses(struct pg_connection *conn, const struct pg_place *place,
			      const char *const *addresses, uint32_t count, const char *session,
			      struct consort_error *told)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;

		if (!try_address(conn, place, addresses[i], session, &error))
			return CONSORT_OK;
		add_failure(told, &error);
		if (!goes_on(conn, told))
			break;
	}
	return told->status;
}

static uint32_t look_up(struct pg_connection *conn, const struct pg_place *place, const char *session,
			struct consort_error *told)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_lookup *lookup = NULL;
	const char *const *addresses = NULL;
	uint32_t status = consort_lookup_start(place->host, &lookup, &error), count = 0;

	if (!status && consort_lookup_descriptor(lookup) >= 0)
		status = pg_wait_connect(conn, consort_lookup_descriptor(lookup), POLLIN, timeout_of(conn),
					 &error);
	if (!status)
		status = consort_lookup_answer(lookup, &addresses, &count, &error);
	if (status == CONSORT_ETIMEOUT)
		consort_error_prefix(&error, "looking up host '%s'", place->host);
	if (status)
		add_failure(told, &error);
	else
		status = try_addresses(conn, place, addresses, count, session, told);
	consort_lookup_close(lookup);
	return status;
}

/* A host that is a folder, or one of Linux's abstract names, has no address. */
static bool has_name(const struct pg_place *place)
{
	return !place->hostaddr && place->host && *place->host != '/' && *place->host != '@';
}

static uint32_t try_places(struct pg_connection *conn, const char *session, struct consort_error *error)
{
	const struct pg_database *database = conn->database;
	struct consort_error told = CONSORT_ERROR_INIT;
	uint32_t status = CONSORT_OK, i;

	for (i = 0; i < database->nplaces; i++) {
		const struct pg_place *place = &database->places[i];

		status = has_name(place) ? look_up(conn, place, session, &told)
					 : try_addresses(conn, place, &place->hostaddr, 1, session, &told);
		if (!status || !goes_on(conn, &told))
			break;
	}
	if (status)
		*error = told;
	return status;
}

uint32_t pg_connect(struct pg_connection *conn, struct consort_error *error)
{
	uint32_t status;

	if (!conn->database->prefers_standby)
		return try_places(conn, NULL, error);
	status = try_places(conn, "standby", error);
	if (!status || !goes_on(conn, error))
		return status;
	*error = (struct consort_error)CONSORT_ERROR_INIT;
	return try_places(conn, "any", error);
}
