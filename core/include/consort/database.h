/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_DATABASE_H
#define CONSORT_DATABASE_H

/*
 * Databases: what each can do and why not, and their own languages.
 */

#include <consort/cursor.h>
#include <consort/feature.h>
#include <consort/handle.h>

CONSORT_BEGIN

/*
 * Does this database have the feature, by the effective mask? 1 yes, 0 no. Connects if it has not yet; if
 * that fails, the answer is no and the reason says so.
 * *out_why: a sentence if not, "" if so; valid as long as the handle's manifest is open; may be NULL.
 * @since 0.1
 */
CONSORT_EXPORT int consort_supports(struct consort *c, const char *database, uint32_t feature, const char **out_why);

/* What is known of a database. Growing; texts live as long as the manifest is open. */
struct consort_database_info {
	uint32_t struct_size;
	uint32_t flags;
	const char *name;
	const char *type;
	const char *plugin_version;         /* this and the next: "" if the database is optional and was left out */
	const char *plugin_path;
	const char *server;                 /* NULL: not connected, see error */
	const char *user;
	struct consort_features plugin;     /* the three masks … */
	struct consort_features manifest;
	struct consort_features effective;  /* … and what is left */
	const struct consort_error *error;  /* why it could not be connected to, or NULL */
	uint32_t noptions;
	uint32_t reserved;
	const struct consort_setting *options; /* as validated; a secret is the text "***" */
};

/* Calls fn for the database of that name, or for each (NULL), in the manifest's order; connects to each if
 * `connect` is not 0. A status from fn ends it and is returned. Failing to connect is no error here. */
CONSORT_EXPORT enum consort_status
consort_databases(struct consort *c, const char *name, int connect,
		  enum consort_status (*fn)(void *context, const struct consort_database_info *info), void *context,
		  struct consort_error *error);

/* How the connections to a database stand, and what became of them since it was opened; a figure that is counted only
 * grows. Times are in nanoseconds. Growing: set struct_size. @since 0.1 */
struct consort_pool_stats {
	uint32_t struct_size;
	uint32_t max;          /* pool.max */
	uint32_t open;         /* connections, in use or idle */
	uint32_t idle;
	uint32_t opening;      /* connections that are being opened */
	uint32_t waiting;      /* calls that wait for a connection, or open one */
	uint64_t acquired;     /* connections taken; */
	uint64_t waited;       /* … calls that found none idle, */
	int64_t wait_time;     /* … and what they waited together */
	int64_t use_time;      /* that connections were in use */
	uint64_t timeouts;     /* calls that got none in time */
	uint64_t opened;       /* connections opened, */
	int64_t open_time;     /* … what that took, */
	uint64_t failed;       /* … and attempts that failed */
	uint64_t closed;       /* connections closed: old, idle for long, or lost */
	uint64_t leaks;        /* connections told in the log by pool.leak_warn */
};

/*
 * Reads them for the database of that name; connects to nothing. Any thread.
 * Errors: EINVAL (struct_size), ENAME.
 */
CONSORT_EXPORT enum consort_status consort_pool_read(struct consort *c, const char *database,
						      struct consort_pool_stats *out_stats,
						      struct consort_error *error);

/*
 * Runs a statement in the engine's own language, with parameters as that engine marks them. A statement
 * without rows gives a cursor without columns; *out_affected (may be NULL) tells how many records it
 * changed, -1 if the engine does not say. Errors: EUNSUPPORTED, EENGINE, ….
 */
CONSORT_EXPORT enum consort_status consort_native(struct consort *c, const char *database, const char *text,
						  struct consort_args args, struct consort_cursor **out_rows,
						  int64_t *out_affected, struct consort_error *error);

CONSORT_END

#endif
