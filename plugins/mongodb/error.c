/* SPDX-License-Identifier: Apache-2.0 */
/* The server's codes and labels, and libmongoc's own complaints, as statuses. */
#include "mongodb.h"

#include "types.h"

#include <string.h>

#define RETRY CONSORT_ERROR_RETRYABLE
#define DEAD CONSORT_ERROR_CONNECTION_DEAD

static const struct {
	int32_t code;
	uint16_t status, flags;
} codes[] = {
	{6, CONSORT_ECONNECTION, RETRY | DEAD},	    /* HostUnreachable */
	{7, CONSORT_ECONNECTION, RETRY | DEAD},	    /* HostNotFound */
	{9, CONSORT_ESYNTAX, 0},		    /* FailedToParse */
	{13, CONSORT_EPERMISSION, 0},		    /* Unauthorized */
	{18, CONSORT_EAUTH, 0},			    /* AuthenticationFailed */
	{24, CONSORT_ECONFLICT, RETRY},		    /* LockTimeout */
	{26, CONSORT_ENAME, 0},			    /* NamespaceNotFound */
	{28, CONSORT_ETYPE, 0},			    /* PathNotViable */
	{46, CONSORT_ECONFLICT, RETRY},		    /* LockBusy */
	{48, CONSORT_ECONFLICT, 0},		    /* NamespaceExists */
	{50, CONSORT_ETIMEOUT, 0},		    /* MaxTimeMSExpired */
	{59, CONSORT_EUNSUPPORTED, 0},		    /* CommandNotFound */
	{64, CONSORT_EINDOUBT, 0},		    /* WriteConcernFailed */
	{66, CONSORT_ECONSTRAINT, 0},		    /* ImmutableField */
	{89, CONSORT_ECONNECTION, RETRY | DEAD},    /* NetworkTimeout */
	{91, CONSORT_ECONNECTION, RETRY | DEAD},    /* ShutdownInProgress */
	{100, CONSORT_EINDOUBT, 0},		    /* UnsatisfiableWriteConcern */
	{112, CONSORT_ECONFLICT, RETRY},	    /* WriteConflict */
	{117, CONSORT_ECONFLICT, RETRY},	    /* ConflictingOperationInProgress */
	{121, CONSORT_ECONSTRAINT, 0},		    /* DocumentValidationFailure */
	{166, CONSORT_EUNSUPPORTED, 0},		    /* CommandNotSupportedOnView */
	{189, CONSORT_ECONNECTION, RETRY | DEAD},   /* PrimarySteppedDown */
	{225, CONSORT_ECONFLICT, RETRY},	    /* TransactionTooOld */
	{237, CONSORT_ECANCELLED, 0},		    /* CursorKilled */
	{239, CONSORT_ECONFLICT, RETRY},	    /* SnapshotTooOld */
	{241, CONSORT_ETYPE, 0},		    /* ConversionFailure */
	{244, CONSORT_ECONFLICT, RETRY},	    /* TransactionAborted */
	{246, CONSORT_ECONFLICT, RETRY},	    /* SnapshotUnavailable */
	{251, CONSORT_ECONFLICT, RETRY},	    /* NoSuchTransaction */
	{260, CONSORT_EVALUE, 0},		    /* InvalidResumeToken */
	{262, CONSORT_ETIMEOUT, 0},		    /* ExceededTimeLimit */
	{263, CONSORT_EUNSUPPORTED, 0},		    /* OperationNotSupportedInTransaction */
	{286, CONSORT_ENOTFOUND, 0},		    /* ChangeStreamHistoryLost */
	{292, CONSORT_ENOMEM, 0},		    /* QueryExceededMemoryLimitNoDiskUseAllowed */
	{9001, CONSORT_ECONNECTION, RETRY | DEAD},  /* SocketException */
	{10107, CONSORT_ECONNECTION, RETRY | DEAD}, /* NotWritablePrimary */
	{10334, CONSORT_ERANGE, 0},		    /* BSONObjectTooLarge */
	{11000, CONSORT_ECONSTRAINT, 0},	    /* DuplicateKey */
	{11600, CONSORT_ECONNECTION, RETRY | DEAD}, /* InterruptedAtShutdown */
	{11601, CONSORT_ECANCELLED, 0},		    /* Interrupted */
	{11602, CONSORT_ECONNECTION, RETRY | DEAD}, /* InterruptedDueToReplStateChange */
	{13435, CONSORT_ECONNECTION, RETRY | DEAD}, /* NotPrimaryNoSecondaryOk */
	{13436, CONSORT_ECONNECTION, RETRY | DEAD}, /* NotPrimaryOrSecondary */
	{14031, CONSORT_EFULL, 0},		    /* OutOfDiskSpace */
	{17280, CONSORT_ERANGE, 0},		    /* KeyTooLong, or a document */
	{17419, CONSORT_ERANGE, 0},		    /* the document would be larger than 16 MB */
	{17420, CONSORT_ERANGE, 0},
};

static uint32_t status_of(int32_t code, uint32_t *out_flags)
{
	size_t i;

	*out_flags = 0;
	for (i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].code != code)
			continue;
		*out_flags = codes[i].flags;
		return codes[i].status;
	}
	return CONSORT_EENGINE;
}

/* --- what a message tells --- */

/* The text behind a mark in the message, up to another. */
static void take_between(const char *message, const char *mark, const char *end, char *out, size_t size)
{
	const char *from = strstr(message, mark), *to = from ? strstr(from + strlen(mark), end) : NULL;
	char name[256];

	if (!to)
		return;
	from += strlen(mark);
	if ((size_t)(to - from) >= sizeof(name))
		return;
	memcpy(name, from, (size_t)(to - from));
	name[to - from] = '\0';
	consort_copy_text(out, size, name);
}

/* "E11000 duplicate key error collection: db.c index: NAME dup key: { FIELD: 1 }" */
static void take_duplicate(const char *message, const struct consort_resource *resource,
			   struct consort_error *error)
{
	char field[128] = "";

	take_between(message, " index: ", " dup key: ", error->constraint, sizeof(error->constraint));
	take_between(message, " dup key: { ", ": ", field, sizeof(field));
	if (*field)
		consort_copy_text(error->attribute, sizeof(error->attribute),
				  consort_resource_name_of(resource, field));
}

/* Fills the error from a code and a message of the server's. */
static uint32_t fill(int32_t code, const char *message, const struct consort_resource *resource,
		     struct consort_error *error)
{
	char checked[512] = "";
	uint32_t flags, status = status_of(code, &flags);

	if (code == 241)
		take_between(message, MONGO_CHECK_MARK, MONGO_CHECK_END, checked, sizeof(checked));
	consort_error_set(error, status, "%s", *checked ? checked : message);
	error->flags = flags;
	error->code = code;
	if (resource)
		consort_copy_text(error->resource, sizeof(error->resource), resource->name);
	if (code == 11000)
		take_duplicate(message, resource, error);
	return status;
}

uint32_t mongo_fail_write(const bson_iter_t *failure, const struct consort_resource *resource,
			  struct consort_error *error)
{
	const char *message = "the write was refused";
	bson_iter_t field;
	int32_t code = 0;

	if (bson_iter_recurse(failure, &field)) {
		while (bson_iter_next(&field)) {
			if (!strcmp(bson_iter_key(&field), "code"))
				code = (int32_t)bson_iter_as_int64(&field);
			else if (!strcmp(bson_iter_key(&field), "errmsg") && BSON_ITER_HOLDS_UTF8(&field))
				message = bson_iter_utf8(&field, NULL);
		}
	}
	return fill(code, message, resource, error);
}

/* --- failed commands --- */

/* Was the connection lost, or never made? */
static bool is_lost(const bson_error_t *said)
{
	return said->domain == MONGOC_ERROR_STREAM || said->domain == MONGOC_ERROR_SERVER_SELECTION ||
	       (said->domain == MONGOC_ERROR_CLIENT && said->code == MONGOC_ERROR_CLIENT_NOT_READY) ||
	       said->domain == MONGOC_ERROR_PROTOCOL;
}

/* What a server may have wanted that closes the connection without a word. */
static const char *hint_of(const struct mongo_database *database, const bson_error_t *said)
{
	if (!strstr(said->message, "calling hello"))
		return "";
	if (!database->tls)
		return "; the server may ask for TLS (tls=true in the uri)";
	return database->ssl.pem_file ? "; the server may not accept the certificate in tls_certificate_file"
				      : "; the server may ask for a certificate (tls_certificate_file)";
}

static uint32_t fail_here(const struct mongo_database *database, const bson_error_t *said,
			  struct consort_error *error)
{
	if (said->domain == MONGOC_ERROR_CLIENT && said->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
		consort_error_set(error, CONSORT_EAUTH, "%s", said->message);
	else if (is_lost(said))
		consort_error_set(error, CONSORT_ECONNECTION, "%s%s", said->message, hint_of(database, said));
	else if (said->domain == MONGOC_ERROR_BSON)
		consort_error_set(error, CONSORT_ERANGE, "%s", said->message);
	else
		consort_error_set(error, CONSORT_EENGINE, "%s", said->message);
	if (error->status == CONSORT_ECONNECTION)
		error->flags |= RETRY | DEAD;
	return error->status;
}

/* A wait was ended: what the server still does is to end too. */
static uint32_t give_up(struct mongo_connection *conn, struct consort_error *error)
{
	conn->unsettled = true;
	mongo_kill_start(conn);
	if (conn->given_up == CONSORT_ECANCELLED)
		return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
	return consort_error_set(error, CONSORT_ETIMEOUT, "the deadline passed while MongoDB was waited for");
}

uint32_t mongo_fail(struct mongo_connection *conn, const bson_error_t *said, const bson_t *reply,
		    const struct consort_resource *resource, struct consort_error *error)
{
	if (conn->given_up)
		give_up(conn, error);
	else if (said->domain == MONGOC_ERROR_SERVER)
		fill((int32_t)said->code, said->message, resource, error);
	else
		fail_here(conn->database, said, error);
	if (reply && mongoc_error_has_label(reply, "TransientTransactionError"))
		error->flags |= RETRY;
	if (conn->transaction != MONGO_TX_NONE)
		error->flags |= CONSORT_ERROR_TX_ABORTED;
	if (error->flags & DEAD)
		mongo_cursors_lose(conn, "the connection was lost");
	return error->status;
}

uint32_t mongo_check_name(const char *what, const char *name, struct consort_error *error)
{
	const char *at = name;

	for (;;) {
		size_t size = strcspn(at, ".");

		if (!size || *at == '$')
			return consort_error_set(
				error, CONSORT_ENAME,
				"'%s' cannot be the name of %s: MongoDB takes it for something else", name,
				what);
		if (!at[size])
			return CONSORT_OK;
		at += size + 1;
	}
}
