/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands. libmongoc chooses the server, adds the session, concerns and preference, and tries again what may
 * be. It is told not to wait for a server that is not there: that is done here, as long as the URI and the
 * call allow.
 */
#include "mongodb.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define PAUSE (50 * MILLISECOND) /* between two looks for a server */

void *mongo_alloc(size_t size)
{
	void *memory = aligned_alloc(BSON_ALIGNOF(bson_t), size);

	return memory ? memset(memory, 0, size) : NULL;
}

static bool once(struct mongo_connection *conn, enum mongo_kind kind, const bson_t *command,
		 const bson_t *options, bson_t *reply, bson_error_t *said)
{
	const char *database = conn->database->dbname;

	switch (kind) {
	case MONGO_READ:
		return mongoc_client_read_command_with_opts(conn->client, database, command, NULL, options,
							    reply, said);
	case MONGO_WRITE:
		return mongoc_client_write_command_with_opts(conn->client, database, command, options, reply,
							     said);
	default:
		return mongoc_client_command_with_opts(conn->client, database, command, NULL, options, reply,
						       said);
	}
}

/* No server was found, so nothing was sent. */
static bool is_selection(const bson_error_t *said)
{
	return said->domain == MONGOC_ERROR_SERVER_SELECTION &&
	       said->code == MONGOC_ERROR_SERVER_SELECTION_FAILURE;
}

/* It was sent, and its answer was lost or made no sense; or the server was interrupted in it, as it shut down
 * or was no primary any more. */
static bool may_be_done(const bson_error_t *said)
{
	switch (said->domain) {
	case MONGOC_ERROR_STREAM:
		return said->code == MONGOC_ERROR_STREAM_SOCKET;
	case MONGOC_ERROR_PROTOCOL:
		return said->code == MONGOC_ERROR_PROTOCOL_INVALID_REPLY;
	case MONGOC_ERROR_SERVER:
		return said->code == 189 || said->code == 11600 || said->code == 11602;
	default:
		return false;
	}
}

uint32_t mongo_run(struct mongo_connection *conn, enum mongo_kind kind, const bson_t *command,
		   uint32_t server, const struct consort_resource *resource, bson_t *reply,
		   struct consort_error *error)
{
	const int64_t end = conn->host->clock() + conn->database->selection_timeout;
	const bson_t *options = kind == MONGO_ASIDE ? &conn->aside_options : &conn->options;
	bson_error_t said = {0}, reason = {0};
	bson_t directed;
	bool done;

	if (CONSORT_UNLIKELY(server)) {
		bson_copy_to(options, &directed);
		BSON_APPEND_INT32(&directed, "serverId", (int32_t)server);
		options = &directed;
	}
	for (;;) {
		done = once(conn, kind, command, options, reply, &said);
		if (CONSORT_LIKELY(done) || !is_selection(&said) || conn->given_up ||
		    conn->host->clock() >= end || mongo_pause(conn, PAUSE))
			break;
		/* a server that has just failed is not asked again at once, and then its words are missing */
		if (strchr(said.message, '['))
			reason = said;
		bson_destroy(reply);
	}
	if (!done && is_selection(&said) && reason.code && !strchr(said.message, '['))
		said = reason;
	if (CONSORT_UNLIKELY(server))
		bson_destroy(&directed);
	if (CONSORT_LIKELY(done))
		return CONSORT_OK;
	mongo_fail(conn, &said, reply, resource, error);
	/* in a transaction the commit decides */
	if (kind == MONGO_WRITE && error->status == CONSORT_ECONNECTION &&
	    conn->transaction == MONGO_TX_NONE && may_be_done(&said)) {
		error->status = CONSORT_EINDOUBT;
		error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	}
	if (kind == MONGO_ASIDE && !conn->unsettled)
		error->flags &= ~(uint32_t)CONSORT_ERROR_TX_ABORTED;
	return error->status;
}

void mongo_add_time(const struct mongo_connection *conn, bson_t *command)
{
	int64_t left;

	if (!conn->call->deadline)
		return;
	left = mongo_remaining(conn, (int64_t)INT32_MAX * MILLISECOND);
	BSON_APPEND_INT64(command, "maxTimeMS", left < MILLISECOND ? 1 : left / MILLISECOND);
}

bool mongo_part(const bson_t *document, const char *name, bson_iter_t *out_inside)
{
	bson_iter_t at;

	return bson_iter_init_find(&at, document, name) && bson_iter_recurse(&at, out_inside);
}

int64_t mongo_number(const bson_t *document, const char *name, int64_t otherwise)
{
	bson_iter_t at;

	return bson_iter_init_find(&at, document, name) && BSON_ITER_HOLDS_NUMBER(&at)
		       ? bson_iter_as_int64(&at)
		       : otherwise;
}
