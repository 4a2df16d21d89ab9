/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors that are open on a connection: what must happen to them before its next statement. */
#include "pool/pool.h"

void consort_connection_add_cursor(struct consort_connection *connection, struct consort_open_cursor *cursor)
{
	cursor->previous = NULL;
	cursor->next = connection->cursors;
	if (cursor->next)
		cursor->next->previous = cursor;
	connection->cursors = cursor;
}

void consort_connection_remove_cursor(struct consort_connection *connection,
				      struct consort_open_cursor *cursor)
{
	if (cursor->next)
		cursor->next->previous = cursor->previous;
	if (cursor->previous)
		cursor->previous->next = cursor->next;
	else
		connection->cursors = cursor->next;
	cursor->next = cursor->previous = NULL;
}

enum consort_status consort_connection_ready(struct consort_connection *connection, struct consort_error *error)
{
	struct consort_open_cursor *cursor;

	if (CONSORT_LIKELY(!connection->cursors))
		return CONSORT_OK;
	if (consort_database_has(connection->database, CONSORT_FEATURE_CONCURRENT_CURSORS))
		return CONSORT_OK;
	for (cursor = connection->cursors; cursor; cursor = cursor->next) {
		enum consort_status status = cursor->busy ? cursor->drain(cursor, error) : CONSORT_OK;

		if (status)
			return status;
	}
	return CONSORT_OK;
}

void consort_connection_end_cursors(struct consort_connection *connection, const char *why)
{
	while (connection->cursors)
		connection->cursors->end(connection->cursors, why);
}

void consort_connection_doom(struct consort_connection *connection, enum consort_status status,
			     struct consort_error *error)
{
	struct consort_error *failure = connection->failure;

	if (!failure)
		return;
	if (!failure->status && error)
		*failure = *error;
	else if (!failure->status)
		consort_error_set(failure, status, "a call failed");
	if (error)
		error->flags |= CONSORT_ERROR_TX_ABORTED;
}

enum consort_status consort_connection_failed(struct consort_connection *connection, uint32_t status,
					      struct consort_error *error)
{
	enum consort_status known = consort_database_failed(connection->database, status, error);

	if (known == CONSORT_ECONNECTION || known == CONSORT_EPROTOCOL ||
	    (error && (error->flags & CONSORT_ERROR_CONNECTION_DEAD)))
		connection->broken = true;
	if (known == CONSORT_ETIMEOUT || known == CONSORT_ECANCELLED)
		__atomic_store_n(&connection->dirty, 1, __ATOMIC_RELAXED);
	if (error)
		error->flags &= ~CONSORT_ERROR_TX_ABORTED;
	if (known != CONSORT_ENOTFOUND)
		consort_connection_doom(connection, known, error);
	return known;
}
