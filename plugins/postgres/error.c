/* SPDX-License-Identifier: Apache-2.0 */
/* SQLSTATEs, and libpq's own complaints, as statuses. */
#include "postgres.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define RETRY CONSORT_ERROR_RETRYABLE
#define DEAD CONSORT_ERROR_CONNECTION_DEAD

/* The first that fits counts; two characters stand for a class. */
static const struct {
	const char *sqlstate;
	uint16_t status, flags;
} states[] = {
	{"08", CONSORT_ECONNECTION, RETRY | DEAD},
	{"0A", CONSORT_EUNSUPPORTED, 0},
	{"22P02", CONSORT_ETYPE, 0},   /* invalid text representation */
	{"22P03", CONSORT_ETYPE, 0},   /* invalid binary representation */
	{"22007", CONSORT_ETYPE, 0},   /* invalid datetime format */
	{"22025", CONSORT_ESYNTAX, 0}, /* invalid escape sequence */
	{"2201B", CONSORT_ESYNTAX, 0}, /* invalid regular expression */
	{"22", CONSORT_ERANGE, 0},
	{"23", CONSORT_ECONSTRAINT, 0},
	{"25006", CONSORT_EREADONLY, 0},
	{"25P02", CONSORT_ECONFLICT, 0}, /* in a failed transaction */
	{"28", CONSORT_EAUTH, 0},
	{"3D000", CONSORT_ECONNECTION, 0}, /* no such database */
	{"3B001", CONSORT_ENAME, 0},	   /* no such savepoint */
	{"3F000", CONSORT_ENAME, 0},
	{"34000", CONSORT_ENAME, 0},	/* no such cursor */
	{"40003", CONSORT_EINDOUBT, 0}, /* statement completion unknown */
	{"40", CONSORT_ECONFLICT, RETRY},
	{"42501", CONSORT_EPERMISSION, 0},
	{"42P01", CONSORT_ENAME, 0}, /* undefined table, column, function, object, parameter */
	{"42703", CONSORT_ENAME, 0},
	{"42883", CONSORT_ENAME, 0},
	{"42704", CONSORT_ENAME, 0},
	{"42P02", CONSORT_ENAME, 0},
	{"42P07", CONSORT_ECONFLICT, 0}, /* a table, object or schema that is there already */
	{"42710", CONSORT_ECONFLICT, 0},
	{"42P06", CONSORT_ECONFLICT, 0},
	{"42804", CONSORT_ETYPE, 0}, /* datatype mismatch, cannot coerce, indeterminate datatype */
	{"42846", CONSORT_ETYPE, 0},
	{"42P18", CONSORT_ETYPE, 0},
	{"42", CONSORT_ESYNTAX, 0},
	{"44000", CONSORT_ECONSTRAINT, 0},     /* a view's WITH CHECK OPTION */
	{"53100", CONSORT_EFULL, 0},	       /* disk full */
	{"53300", CONSORT_ECONNECTION, RETRY}, /* too many connections */
	{"53400", CONSORT_EFULL, 0},
	{"54", CONSORT_ERANGE, 0},
	{"55006", CONSORT_ECONFLICT, RETRY},	     /* object in use */
	{"55P03", CONSORT_ECONFLICT, RETRY},	     /* lock not available */
	{"57P03", CONSORT_ECONNECTION, RETRY},	     /* it starts or stops */
	{"57P0", CONSORT_ECONNECTION, RETRY | DEAD}, /* shutdown, crash, idle session timeout */
	{"57014", CONSORT_ECANCELLED, 0},
	{"58030", CONSORT_EENGINE, 0},
	{"XX001", CONSORT_EPROTOCOL, 0}, /* data corrupted */
	{"XX002", CONSORT_EPROTOCOL, 0},
};

static uint32_t status_of(const char *sqlstate, uint32_t *out_flags)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (strncmp(states[i].sqlstate, sqlstate, strlen(states[i].sqlstate)))
			continue;
		*out_flags = states[i].flags;
		return states[i].status;
	}
	*out_flags = 0;
	return CONSORT_EENGINE;
}

bool pg_has_sqlstate(const PGresult *result, const char *sqlstate)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state && !strcmp(state, sqlstate);
}

/* --- names --- */

/* The first column of 'Key (a, "B c")=(…) already exists.', whatever language the words are in. */
static bool column_of_key(const char *detail, char *out, size_t size)
{
	const char *start = strchr(detail, '('), *end = start ? strstr(start, ")=(") : NULL;
	size_t used = 0;
	bool quoted;

	if (!end)
		return false;
	quoted = start[1] == '"';
	for (start += quoted ? 2 : 1; start < end && used + 1 < size; start++) {
		if (quoted ? *start == '"' && start[1] != '"' : *start == ',')
			break;
		start += quoted && *start == '"';
		out[used++] = *start;
	}
	out[used] = '\0';
	return used > 0;
}

static void take_names(const PGresult *result, const struct consort_resource *resource,
		       struct consort_error *error)
{
	const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
	const char *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	char key[sizeof(error->attribute)];

	if (resource || table)
		consort_copy_text(error->resource, sizeof(error->resource),
				  resource ? resource->name : table);
	if (constraint)
		consort_copy_text(error->constraint, sizeof(error->constraint), constraint);
	if (!column && constraint && detail && error->status == CONSORT_ECONSTRAINT &&
	    column_of_key(detail, key, sizeof(key)))
		column = key;
	if (column)
		consort_copy_text(error->attribute, sizeof(error->attribute),
				  consort_resource_name_of(resource, column));
}

/* --- failed statements --- */

/* libpq's words, and the resolver's */
static bool is_no_memory(const char *message)
{
	return strstr(message, "out of memory") || strstr(message, gai_strerror(EAI_MEMORY));
}

/* "what: detail (hint)" */
static void take_message(const PGresult *result, uint32_t status, struct consort_error *error)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	consort_error_set(error, status, "%s%s%s%s%s%s", message ? message : "it failed without saying why",
			  detail ? ": " : "", detail ? detail : "", hint ? " (" : "", hint ? hint : "",
			  hint ? ")" : "");
}

/* Does the server still have a transaction for us, and one that has not failed? */
static bool has_failed(const struct pg_connection *conn)
{
	PGTransactionStatusType state = PQtransactionStatus(conn->pq);

	return conn->transaction != PG_TX_NONE && state != PQTRANS_INTRANS && state != PQTRANS_ACTIVE;
}

static uint32_t finish(struct pg_connection *conn, struct consort_error *error)
{
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	if (conn->transaction != PG_TX_NONE &&
	    (has_failed(conn) || PQtransactionStatus(conn->pq) == PQTRANS_ACTIVE))
		error->flags |= CONSORT_ERROR_TX_ABORTED;
	return error->status;
}

/* Was it the server's own clock that stopped a statement, and no administrator? SQLSTATE is the same, and the
 * message is in the server's language; so it is ours, which started before, that tells. A limit that was set
 * within the session is not known here, and only told in English. */
static bool is_late(const struct pg_connection *conn, const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	int64_t limit = conn->statement_timeout;

	if (limit && conn->host->clock() - conn->started >= limit - limit / 256) /* clocks drift */
		return true;
	return message && strstr(message, "statement timeout");
}

uint32_t pg_fail(struct pg_connection *conn, PGresult *result, const struct consort_resource *resource,
		 struct consort_error *error)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *position = result ? PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) : NULL;
	uint32_t status, flags;

	if (!state) {
		bool lost = PQstatus(conn->pq) == CONNECTION_BAD;
		const char *message = result ? PQresultErrorMessage(result) : PQerrorMessage(conn->pq);

		if (lost)
			pg_fail_lost(conn, error);
		else if (is_no_memory(message))
			consort_error_no_memory(error);
		else
			pg_fail_protocol(conn, message, error);
		PQclear(result);
		return finish(conn, error);
	}
	status = status_of(state, &flags);
	if (!strcmp(state, "57014") && is_late(conn, result))
		status = CONSORT_ETIMEOUT;
	take_message(result, status, error);
	error->flags = flags;
	consort_copy_text(error->sqlstate, sizeof(error->sqlstate), state);
	if (position)
		error->position = (int32_t)strtol(position, NULL, 10);
	take_names(result, resource, error);
	PQclear(result);
	return finish(conn, error);
}

/* The first line of what libpq says, without its full stop. */
static void first_line(const char *message, char *out, size_t size)
{
	size_t length;

	consort_copy_text(out, size, message);
	out[strcspn(out, "\n")] = '\0';
	length = strlen(out);
	if (length && out[length - 1] == '.')
		out[length - 1] = '\0';
}

uint32_t pg_fail_lost(struct pg_connection *conn, struct consort_error *error)
{
	PGresult *result, *told = NULL;
	bool copies = false;
	char message[512];

	/* the server may have said why before it hung up */
	while (!copies && !PQisBusy(conn->pq) && (result = PQgetResult(conn->pq))) {
		ExecStatusType kind = PQresultStatus(result);

		copies = kind == PGRES_COPY_OUT || kind == PGRES_COPY_IN;
		if (!told && PQresultErrorField(result, PG_DIAG_SQLSTATE))
			told = result;
		else
			PQclear(result);
	}
	if (told) {
		pg_fail(conn, told, NULL, error);
	} else {
		first_line(PQerrorMessage(conn->pq), message, sizeof(message));
		if (is_no_memory(message)) {
			consort_error_no_memory(error);
		} else {
			consort_error_set(error, CONSORT_ECONNECTION, "the connection was lost: %s",
					  *message ? message : "the server has gone");
			error->flags |= CONSORT_ERROR_RETRYABLE;
		}
	}
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	return finish(conn, error);
}

uint32_t pg_doubt(const struct pg_connection *conn, uint32_t status, struct consort_error *error)
{
	if (status != CONSORT_ECONNECTION || conn->transaction != PG_TX_NONE || *error->sqlstate)
		return status;
	consort_error_prefix(error, "the answer was lost, and whether it was done is not known");
	error->status = CONSORT_EINDOUBT;
	error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	return error->status;
}

uint32_t pg_fail_protocol(struct pg_connection *conn, const char *what, struct consort_error *error)
{
	char message[512];

	first_line(what, message, sizeof(message));
	consort_error_set(error, CONSORT_EPROTOCOL, "PostgreSQL's answer is not understood: %s", message);
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	return finish(conn, error);
}

/* --- connections that could not be made --- */

/* "FATAL:  28P01: text" → "28P01", and the five characters, colon and blank are taken out. */
static bool take_state(char *message, char state[6])
{
	char *at;
	int i;

	for (at = strstr(message, ":  "); at; at = strstr(at + 1, ":  ")) {
		for (i = 0; i < 5 && (isdigit((unsigned char)at[3 + i]) || isupper((unsigned char)at[3 + i]));
		     i++)
			;
		if (i < 5 || at[8] != ':' || at[9] != ' ')
			continue;
		if (!*state) {
			memcpy(state, at + 3, 5);
			state[5] = '\0';
		}
		memmove(at + 2, at + 10, strlen(at + 10) + 1);
	}
	return *state != '\0';
}

/* Passwords are in none of libpq's messages; should one be, it does not leave. */
static void hide(char *message, const char *secret)
{
	size_t size = secret ? strlen(secret) : 0;
	char *at;

	if (size < 3)
		return;
	for (at = strstr(message, secret); at; at = strstr(at + size, secret))
		memset(at, '*', size);
}

/* "a\n\tb\n" → "a; b" */
static void join_lines(const char *from, char *to, size_t size)
{
	const char *end = to + size - 3; /* room for what a character becomes at most */

	for (; *from && to < end; from++) {
		if (*from != '\n') {
			*to++ = *from;
			continue;
		}
		while (isspace((unsigned char)from[1]))
			from++;
		if (from[1]) {
			*to++ = ';';
			*to++ = ' ';
		}
	}
	*to = '\0';
}

uint32_t pg_fail_connect(struct pg_connection *conn, struct consort_error *error)
{
	uint32_t status = CONSORT_ECONNECTION, flags = CONSORT_ERROR_RETRYABLE;
	char message[1024], joined[1024], state[6] = "";
	char *line, *rest;

	consort_copy_text(message, sizeof(message), PQerrorMessage(conn->pq));
	hide(message, PQpass(conn->pq));
	if (is_no_memory(message))
		return consort_error_no_memory(error);
	if (take_state(message, state)) {
		status = status_of(state, &flags);
		flags &= ~(uint32_t)CONSORT_ERROR_CONNECTION_DEAD;
	} else if (PQconnectionNeedsPassword(conn->pq)) {
		status = CONSORT_EAUTH;
		flags = 0;
	}
	/* where in PostgreSQL's sources it said so; several servers' messages are lines */
	while ((line = strstr(message, "\nLOCATION:"))) {
		rest = strchr(line + 1, '\n');
		memmove(line, rest ? rest : line + strlen(line), strlen(rest ? rest : "") + 1);
	}
	join_lines(message, joined, sizeof(joined));
	consort_error_set(error, status, "%s", *joined ? joined : "PostgreSQL cannot be reached");
	error->flags |= flags;
	consort_copy_text(error->sqlstate, sizeof(error->sqlstate), state);
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return status;
}
