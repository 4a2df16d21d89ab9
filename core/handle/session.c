/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of one call or run. Each database's connection is taken once: the transaction's own inside
 * one, else one of the pool, which then serves all of the run's statements on that database.
 */
#include "handle/handle.h"

static struct consort_connection **place(struct consort_handle_session *session, uint32_t i)
{
	return i < CONSORT_SESSION_INLINE ? &session->held[i] : &session->more[i - CONSORT_SESSION_INLINE];
}

/* Room for one more, so that keeping it cannot fail. */
static bool reserve(struct consort_handle_session *session)
{
	uint32_t more =
		session->nheld + 1 > CONSORT_SESSION_INLINE ? session->nheld + 1 - CONSORT_SESSION_INLINE : 0;
	struct consort_connection **grown;

	if (!more)
		return true;
	grown = realloc(session->more, more * sizeof(*grown));
	if (!grown)
		return false;
	session->more = grown;
	return true;
}

static enum consort_status of_transaction(struct consort_handle_session *session,
					  struct consort_database *database,
					  struct consort_connection **out_connection,
					  struct consort_error *error)
{
	struct consort *c = session->handle;

	if (c->tx->database != database)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"database '%s' is not part of this transaction, which was begun on '%s'",
			database->name, c->tx->database->name);
	if (!c->tx->connection)
		return consort_error_set(error, CONSORT_EINVAL, "the transaction of this handle has ended");
	if (CONSORT_UNLIKELY(c->tx->failure.status))
		return consort_tx_check(c->tx, error);
	*out_connection = c->tx->connection;
	if (c->cancel && !c->tx->connection->cancel) {
		consort_cancel_add(c->cancel, c->tx->connection);
		session->has_token = true;
	}
	return CONSORT_OK;
}

static enum consort_status take(struct consort_handle_session *session, struct consort_database *database,
				struct consort_connection **out_connection, struct consort_error *error)
{
	struct consort *c = session->handle;
	enum consort_status status;

	consort_session_limit(session, database);
	if (c->tx)
		return of_transaction(session, database, out_connection, error);
	if (consort_tx_holding(&c->root->transactions, database))
		return consort_error_set(
			error, CONSORT_EINVAL,
			"this thread has a transaction open on database '%s': use that transaction's handle",
			database->name);
	status = consort_pool_acquire(database, &session->call, c->cancel, out_connection, error);
	if (!status && c->cancel)
		consort_cancel_add(c->cancel, *out_connection);
	return status;
}

static enum consort_status acquire(struct consort_session *base, struct consort_database *database,
				   struct consort_connection **out_connection, struct consort_error *error)
{
	struct consort_handle_session *session = (struct consort_handle_session *)base;
	struct consort_connection *connection;
	enum consort_status status;
	uint32_t i;

	for (i = 0; i < session->nheld; i++) {
		connection = *place(session, i);
		if (connection->database == database) {
			*out_connection = connection;
			return CONSORT_OK;
		}
	}
	if (CONSORT_UNLIKELY(consort_call_cancelled(&session->call)))
		return consort_error_set(error, CONSORT_ECANCELLED, "cancelled");
	if (!reserve(session))
		return consort_error_no_memory(error);
	status = take(session, database, &connection, error);
	if (status)
		return status;
	*place(session, session->nheld++) = connection;
	*out_connection = connection;
	return CONSORT_OK;
}

/* Kept until the session ends. */
static void release(struct consort_session *session, struct consort_connection *connection)
{
	(void)session;
	(void)connection;
}

void consort_session_limit(struct consort_handle_session *session, const struct consort_database *database)
{
	int64_t deadline;

	if (session->handle->deadline || !database->timeout)
		return;
	deadline = consort_host_services()->clock() + database->timeout;
	if (!session->call.deadline || deadline < session->call.deadline)
		session->call.deadline = deadline;
}

void consort_session_begin(struct consort_handle_session *session, struct consort *c)
{
	session->base.acquire = acquire;
	session->base.release = release;
	session->base.call = &session->call;
	session->handle = c;
	session->call.struct_size = sizeof(session->call);
	session->call.flags = 0;
	session->call.deadline = c->deadline;
	session->call.cancelled = c->cancel ? &c->cancel->fired : NULL;
	session->call.trace_parent = c->trace_parent;
	session->call.memory_limit = c->memory_limit;
	session->more = NULL;
	session->nheld = 0;
	session->has_token = false;
	session->again = false;
}

void consort_session_end(struct consort_handle_session *session)
{
	struct consort *c = session->handle;
	uint32_t i;

	if (c->tx) {
		/* the transaction keeps its connection, if it has not ended meanwhile */
		if (session->has_token && c->tx->connection)
			consort_cancel_remove(c->tx->connection);
		session->has_token = false;
		session->nheld = 0;
	}
	for (i = 0; i < session->nheld; i++) {
		struct consort_connection *connection = *place(session, i);

		consort_cancel_remove(connection);
		consort_pool_release(connection);
	}
	session->nheld = 0;
	free(session->more);
	session->more = NULL;
}

bool consort_session_is_lost(struct consort_handle_session *session, const struct consort_error *error)
{
	bool lost = false;
	uint32_t i;

	if (session->again || session->handle->tx || error->status != CONSORT_ECONNECTION)
		return false;
	for (i = 0; i < session->nheld; i++) {
		const struct consort_connection *connection = *place(session, i);

		lost |= connection->broken && connection->used;
	}
	return lost;
}

bool consort_session_again(struct consort_handle_session *session, struct consort_error *error)
{
	if (!consort_session_is_lost(session, error))
		return false;
	consort_session_end(session);
	session->again = true;
	*error = (struct consort_error)CONSORT_ERROR_INIT;
	return true;
}

/* --- resources by name --- */

enum consort_status consort_find_resource(struct consort_handle_session *session, const char *name,
					  struct consort_entry **out_entry,
					  const struct consort_resource **out_resource,
					  struct consort_error *error)
{
	struct consort_catalog *catalog = &session->handle->root->catalog;
	struct consort_entry *entry;
	enum consort_status status = consort_catalog_find(catalog, &session->base, name, &entry, error);

	if (!status)
		status = consort_catalog_describe(catalog, &session->base, entry, out_resource, error);
	if (!status)
		*out_entry = entry;
	/* what introspection took is not kept: what runs next takes its connections all at once */
	consort_session_end(session);
	return status;
}

static enum consort_status find_for_query(void *context, const char *name,
					  const struct consort_resource **out_resource,
					  struct consort_error *error)
{
	struct consort_entry *entry;

	return consort_find_resource(context, name, &entry, out_resource, error);
}

static enum consort_status find_target(void *context, const struct consort_resource *from,
				       const struct consort_relationship *via,
				       const struct consort_resource **out_resource,
				       struct consort_error *error)
{
	struct consort_handle_session *session = context;
	const struct consort_resource *target = NULL;
	enum consort_status status = find_for_query(session, via->target, &target, error);

	if (!status)
		status = consort_catalog_check_links(&session->handle->root->catalog, from, error);
	if (!status)
		*out_resource = target;
	return status;
}

struct consort_names consort_session_names(struct consort_handle_session *session)
{
	struct consort_names names = {session, find_for_query, find_target};

	return names;
}
