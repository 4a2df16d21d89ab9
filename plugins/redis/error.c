/* SPDX-License-Identifier: Apache-2.0 */
/* The server's errors, by their first words, as statuses. */
#include "redis.h"

#include <string.h>
#include <strings.h>

#define RETRY CONSORT_ERROR_RETRYABLE

/* The first that the message begins with counts. */
static const struct {
	const char *words;
	uint16_t status, flags;
} meanings[] = {
	{"NOAUTH", CONSORT_EAUTH, 0},
	{"WRONGPASS", CONSORT_EAUTH, 0},
	{"ERR invalid password", CONSORT_EAUTH, 0},
	{"ERR AUTH <password> called without", CONSORT_EAUTH, 0},
	{"ERR Client sent AUTH", CONSORT_EAUTH, 0},
	{"NOPERM", CONSORT_EPERMISSION, 0},
	{"DENIED", CONSORT_EPERMISSION, 0},
	{"READONLY", CONSORT_EREADONLY, 0},
	{"OOM", CONSORT_EFULL, 0},
	{"MISCONF", CONSORT_EFULL, 0}, /* it cannot write its files */
	{"WRONGTYPE", CONSORT_ETYPE, 0},
	{"LOADING", CONSORT_ECONNECTION, RETRY},
	{"MASTERDOWN", CONSORT_ECONNECTION, RETRY},
	{"CLUSTERDOWN", CONSORT_ECONNECTION, RETRY},
	{"MOVED", CONSORT_ECONNECTION, RETRY}, /* the cluster sends us in circles */
	{"ASK", CONSORT_ECONNECTION, RETRY},
	{"TRYAGAIN", CONSORT_ECONFLICT, RETRY},
	{"BUSY", CONSORT_ECONFLICT, RETRY}, /* a script runs for too long */
	{"NOREPLICAS", CONSORT_ECONFLICT, RETRY},
	{"CROSSSLOT", CONSORT_EUNSUPPORTED, 0},
	{"ERR max number of clients", CONSORT_ECONNECTION, RETRY},
	{"ERR unknown command", CONSORT_ESYNTAX, 0},
	{"ERR unknown subcommand", CONSORT_ESYNTAX, 0},
	{"ERR wrong number of arguments", CONSORT_ESYNTAX, 0},
	{"ERR syntax error", CONSORT_ESYNTAX, 0},
	{"ERR DB index is out of range", CONSORT_EVALUE, 0},
	{"ERR SELECT is not allowed in cluster mode", CONSORT_EVALUE, 0},
	{"ERR increment or decrement would overflow", CONSORT_ERANGE, 0},
	{"ERR value is not an integer or out of range", CONSORT_ETYPE, 0},
	{"ERR hash value is not", CONSORT_ETYPE, 0},
};

uint32_t redis_fail(const struct redis_connection *conn, const struct redis_reply *reply,
		    const struct consort_resource *resource, struct consort_error *error)
{
	const char *text = reply->as.text;
	uint32_t status = CONSORT_EENGINE, flags = 0;
	char shown[512];
	size_t i;

	for (i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (strncasecmp(text, meanings[i].words, strlen(meanings[i].words)))
			continue;
		status = meanings[i].status;
		flags = meanings[i].flags;
		break;
	}
	consort_copy_text(shown, sizeof(shown), text);
	consort_error_set(error, status, "%s", strncmp(shown, "ERR ", 4) ? shown : shown + 4);
	error->flags = flags;
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	if (resource)
		consort_copy_text(error->resource, sizeof(error->resource), resource->name);
	return status;
}

uint32_t redis_fail_protocol(const struct redis_connection *conn, const char *what,
			     struct consort_error *error)
{
	consort_error_set(error, CONSORT_EPROTOCOL, "Redis's answer is not understood: %s", what);
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return error->status;
}

uint32_t redis_fail_lost(struct redis_link *link, const char *why, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ECONNECTION, "the connection to %s was lost: %s", link->node,
			  *why ? why : "the server has gone, or refused us");
	error->flags |= CONSORT_ERROR_RETRYABLE | CONSORT_ERROR_CONNECTION_DEAD;
	consort_copy_text(error->origin, sizeof(error->origin), link->conn->database->name);
	redis_link_lose(link);
	return error->status;
}

uint32_t redis_doubt(const struct redis_connection *conn, uint32_t status, struct consort_error *error)
{
	if (status != CONSORT_ECONNECTION || !conn->sent)
		return status;
	consort_error_prefix(error, "the answer was lost, and whether it was done is not known");
	error->status = CONSORT_EINDOUBT;
	error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	return error->status;
}
