/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's result codes and messages as statuses, with the names that only its messages tell. */
#include "sqlite.h"

#include <errno.h>
#include <string.h>

struct constraint {
	int code;
	const char *sqlstate;
	const char *name;   /* of the constraint where SQLite tells none */
	const char *prefix; /* of its message: columns, or the constraint's name, follow */
	bool columns;
};

static const struct constraint constraints[] = {
	{SQLITE_CONSTRAINT_UNIQUE, "23505", "UNIQUE", "UNIQUE constraint failed: ", true},
	{SQLITE_CONSTRAINT_PRIMARYKEY, "23505", "PRIMARY KEY", "UNIQUE constraint failed: ", true},
	{SQLITE_CONSTRAINT_ROWID, "23505", "PRIMARY KEY", "UNIQUE constraint failed: ", true},
	{SQLITE_CONSTRAINT_NOTNULL, "23502", "NOT NULL", "NOT NULL constraint failed: ", true},
	{SQLITE_CONSTRAINT_CHECK, "23514", "CHECK", "CHECK constraint failed: ", false},
	{SQLITE_CONSTRAINT_FOREIGNKEY, "23503", "FOREIGN KEY", "", false},
	{SQLITE_CONSTRAINT_TRIGGER, "", "TRIGGER", "", false},
};

/* "table.column, table.column" to the attribute, the first of several, and the table if nobody knows it
 * better. */
static void take_columns(struct consort_error *error, const struct consort_resource *resource,
			 const char *columns)
{
	size_t prefix = resource ? strlen(resource->source) : 0;
	char column[sizeof(error->attribute)];
	const char *start, *end;

	if (!strncmp(columns, "index '", 7)) {
		consort_copy_text(error->constraint, sizeof(error->constraint), columns + 7);
		error->constraint[strcspn(error->constraint, "'")] = '\0';
		return;
	}
	start = strchr(columns, '.');
	if (resource && !strncmp(columns, resource->source, prefix) && columns[prefix] == '.')
		start = columns + prefix;
	if (!start)
		return;
	end = strstr(start, ", ");
	if (!end)
		end = start + strlen(start);
	if ((size_t)(end - start) > sizeof(column))
		return;
	memcpy(column, start + 1, (size_t)(end - start - 1));
	column[end - start - 1] = '\0';
	consort_copy_text(error->attribute, sizeof(error->attribute), consort_resource_name_of(resource, column));
}

static uint32_t constraint_failed(int code, const char *message, const struct consort_resource *resource,
				  struct consort_error *error)
{
	size_t i;

	consort_error_set(error, CONSORT_ECONSTRAINT, "%s", message);
	for (i = 0; i < sizeof(constraints) / sizeof(*constraints); i++) {
		const struct constraint *kind = &constraints[i];
		size_t prefix = strlen(kind->prefix);

		if (kind->code != code)
			continue;
		consort_copy_text(error->sqlstate, sizeof(error->sqlstate), kind->sqlstate);
		consort_copy_text(error->constraint, sizeof(error->constraint), kind->name);
		if (!prefix || strncmp(message, kind->prefix, prefix))
			break;
		if (kind->columns)
			take_columns(error, resource, message + prefix);
		else
			consort_copy_text(error->constraint, sizeof(error->constraint), message + prefix);
	}
	return error->status;
}

/* "cannot store TEXT value in INTEGER column t.a", of a STRICT table */
static uint32_t datatype_failed(const char *message, const struct consort_resource *resource,
				struct consort_error *error)
{
	const char *column = strstr(message, " column ");

	consort_error_set(error, CONSORT_ETYPE, "%s", message);
	if (column)
		take_columns(error, resource, column + 8);
	return error->status;
}

static uint32_t io_failed(struct lite_connection *conn, int code, const char *message,
			  struct consort_error *error)
{
	const char *path = conn->database->path;

	if (code == SQLITE_IOERR_NOMEM)
		return consort_error_no_memory(error);
	if (sqlite3_system_errno(conn->db) == ENOSPC)
		return consort_error_set(error, CONSORT_EFULL, "the disk of '%s' is full", path);
	return consort_error_set(error, CONSORT_ECONNECTION, "'%s' cannot be read or written: %s", path,
				 message);
}

/* SQLITE_ERROR: what the message is about decides. */
static uint32_t statement_failed(const char *message, struct consort_error *error)
{
	if (!strncmp(message, "no such table: ", 15) || !strncmp(message, "no such column: ", 16) ||
	    !strncmp(message, "no such function: ", 18) || strstr(message, " has no column named "))
		return consort_error_set(error, CONSORT_ENAME, "%s", message);
	if (strstr(message, "syntax error") || !strncmp(message, "unrecognized token", 18) ||
	    !strcmp(message, "incomplete input"))
		return consort_error_set(error, CONSORT_ESYNTAX, "%s", message);
	if (!strcmp(message, "integer overflow"))
		return consort_error_set(error, CONSORT_ERANGE, "%s", message);
	return consort_error_set(error, CONSORT_EENGINE, "%s", message);
}

static uint32_t interrupted(struct lite_connection *conn, struct consort_error *error)
{
	if (conn->stopped == CONSORT_ETIMEOUT)
		return consort_error_set(error, CONSORT_ETIMEOUT,
					 "the deadline passed while SQLite was at work");
	return consort_error_set(error, CONSORT_ECANCELLED, "the call was cancelled");
}

static uint32_t busy(struct lite_connection *conn, int code, const char *message, struct consort_error *error)
{
	if (conn->stopped)
		return interrupted(conn, error);
	if (code == SQLITE_BUSY_SNAPSHOT)
		consort_error_set(error, CONSORT_ECONFLICT,
				  "another transaction has written since this one read; run it again");
	else
		consort_error_set(error, CONSORT_ECONFLICT, "'%s' is locked by another writer: %s",
				  conn->database->path, message);
	error->flags |= CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t classify(struct lite_connection *conn, int code, const struct consort_resource *resource,
			 struct consort_error *error)
{
	const char *message = sqlite3_errmsg(conn->db), *path = conn->database->path;

	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		if (code == SQLITE_CONSTRAINT_DATATYPE)
			return datatype_failed(message, resource, error);
		return constraint_failed(code, message, resource, error);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return busy(conn, code, message, error);
	case SQLITE_INTERRUPT:
		return interrupted(conn, error);
	case SQLITE_READONLY:
		if (conn->read_only)
			return consort_error_set(error, CONSORT_EREADONLY, "this transaction only reads");
		return consort_error_set(error, CONSORT_EREADONLY, "'%s' only reads: %s", path, message);
	case SQLITE_FULL:
		return consort_error_set(error, CONSORT_EFULL, "'%s' cannot grow: %s", path, message);
	case SQLITE_NOMEM:
		return consort_error_no_memory(error);
	case SQLITE_IOERR:
		return io_failed(conn, code, message, error);
	case SQLITE_TOOBIG:
		return consort_error_set(error, CONSORT_ERANGE, "a value is too big for SQLite");
	case SQLITE_NOTADB:
		return consort_error_set(error, CONSORT_ECONNECTION, "'%s' is not a SQLite database", path);
	case SQLITE_CORRUPT:
		return consort_error_set(error, CONSORT_EPROTOCOL, "'%s' is damaged: %s", path, message);
	case SQLITE_CANTOPEN:
		return consort_error_set(error, CONSORT_ECONNECTION, "'%s' cannot be opened: %s", path,
					 message);
	case SQLITE_AUTH:
	case SQLITE_PERM:
		return consort_error_set(error, CONSORT_EPERMISSION, "%s", message);
	case SQLITE_MISMATCH:
		return consort_error_set(error, CONSORT_ETYPE, "%s", message);
	case SQLITE_ERROR:
		return statement_failed(message, error);
	default:
		return consort_error_set(error, CONSORT_EENGINE, "%s", message);
	}
}

uint32_t lite_fail(struct lite_connection *conn, int code, const struct consort_resource *resource,
		   struct consort_error *error)
{
	if (conn->raised.status) {
		*error = conn->raised;
		conn->raised.status = 0;
	} else {
		classify(conn, code, resource, error);
		error->code = code;
	}
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	if (resource && !error->resource[0])
		consort_copy_text(error->resource, sizeof(error->resource), resource->name);
	if (conn->transaction == LITE_TX_OPEN && sqlite3_get_autocommit(conn->db))
		conn->transaction = LITE_TX_BROKEN;
	if (conn->transaction == LITE_TX_BROKEN)
		error->flags |= CONSORT_ERROR_TX_ABORTED;
	return error->status;
}

uint32_t lite_fail_open(const struct lite_database *database, sqlite3 *db, int code,
			struct consort_error *error)
{
	const char *message = db ? sqlite3_errmsg(db) : sqlite3_errstr(code), *path = database->path;
	int reason = db ? sqlite3_system_errno(db) : 0;
	const char *slash = strrchr(path, '/');

	switch (code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : code & 0xff) {
	case SQLITE_NOMEM:
		return consort_error_no_memory(error);
	case SQLITE_NOTADB:
		consort_error_set(error, CONSORT_ECONNECTION, "'%s' is not a SQLite database", path);
		break;
	case SQLITE_BUSY:
		consort_error_set(error, CONSORT_ECONFLICT, "'%s' is locked by another program", path);
		error->flags |= CONSORT_ERROR_RETRYABLE;
		break;
	case SQLITE_CANTOPEN:
		if (slash && reason == ENOENT && (database->open_flags & SQLITE_OPEN_CREATE))
			consort_error_set(error, CONSORT_ECONNECTION,
					  "'%s' cannot be created: the folder '%.*s' does not exist", path,
					  (int)(slash - path), path);
		else if (reason == ENOENT)
			consort_error_set(error, CONSORT_ECONNECTION,
					  "'%s' does not exist (mode = rwc creates it)", path);
		else
			consort_error_set(error, CONSORT_ECONNECTION, "'%s' cannot be opened: %s", path,
					  reason ? strerror(reason) : message);
		break;
	default:
		consort_error_set(error, CONSORT_ECONNECTION, "'%s' cannot be opened: %s", path, message);
	}
	error->code = code;
	consort_copy_text(error->origin, sizeof(error->origin), database->name);
	return error->status;
}
