/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_HANDLE_H
#define CONSORT_HANDLE_H

/*
 * The handle: an open manifest, and what is derived from it.
 */

#include <consort/error.h>
#include <consort/host.h>
#include <consort/types.h>

CONSORT_BEGIN

struct consort;
struct consort_cancel;

/* How to open. Growing: set struct_size to sizeof, the rest to 0. @since 0.1 */
struct consort_open_options {
	uint32_t struct_size;
	uint32_t flags;                 /* none yet */
	const char *path;               /* the manifest; NULL: none, only `databases` */
	const char *const *databases;   /* NULL-terminated "NAME=TYPE:OPTION=VALUE,…": each a database exposed whole,
	                                 * beside the manifest's; a comma in a value is written \, ; may be NULL */
	/* Receives log lines at most at `log_level`, from any thread, in place of the manifest's log; NULL: none. Those
	 * of other open manifests come too, since adapters do not tell which one a line is about. It must not open or
	 * close a manifest. */
	void (*log)(void *log_context, uint32_t level, const char *origin, const char *text);
	void *log_context;
	uint32_t log_level;             /* enum consort_log_level */
	uint32_t reserved;
};

/*
 * Opens a manifest: reads it, finds and loads the adapters it needs and checks every name and option. Connects
 * to nothing; a database is connected to, and introspected, when it is first used.
 * path: the manifest's file.
 * *out_consort: the handle, to be closed by consort_close. For all threads.
 * Errors: EMANIFEST, EOPTION, EVALUE with file and line (EMANIFEST too if the file cannot be read); ENOPLUGIN,
 * EUNTRUSTED, ELOAD, EABI; ENOMEM.
 * @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_open(const char *path, struct consort **out_consort,
						struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_open_with(const struct consort_open_options *options,
						     struct consort **out_consort, struct consort_error *error);

/*
 * Gives the handle back. A scope ends; an open transaction is rolled back, for which the server gets up to five
 * seconds, whatever the scope's limits. What was made from it stays usable until it is closed itself; connections
 * close when the last user is gone.
 */
CONSORT_EXPORT void consort_close(struct consort *c);

/* Limits for calls. Growing. @since 0.1 */
struct consort_scope_options {
	uint32_t struct_size;
	uint32_t flags;                 /* none yet */
	int64_t timeout;                /* nanoseconds from now for all calls together; 0: none of its own */
	struct consort_cancel *cancel;  /* held as long as the scope, and what is made of it, is there; NULL: none */
	const char *trace_parent;       /* W3C traceparent; NULL: none */
	uint64_t memory_limit;          /* bytes that one query's operators may hold; 0: the manifest's */
};

/*
 * A handle whose calls share limits; those of the parent hold too. Close it with consort_close. It may be made
 * of a transaction's handle and then takes part in it. One thread at a time.
 */
CONSORT_EXPORT enum consort_status consort_scope(struct consort *c, const struct consort_scope_options *options,
						 struct consort **out_scope, struct consort_error *error);

/* A token to end calls from elsewhere. NULL: no memory. */
CONSORT_EXPORT struct consort_cancel *consort_cancel_new(void);
/* Ends the calls that run under a scope with this token, and refuses later ones, with CONSORT_ECANCELLED. Any
 * thread; not a signal handler. Never blocks on a server. */
CONSORT_EXPORT void consort_cancel_fire(struct consort_cancel *cancel);
/* Makes it usable again once no call runs under it. */
CONSORT_EXPORT void consort_cancel_reset(struct consort_cancel *cancel);
/* Gives it back. Scopes that have it, and what was made of them (scopes, transactions, queries, cursors), keep it until
 * they are gone; it can only be fired before. */
CONSORT_EXPORT void consort_cancel_free(struct consort_cancel *cancel);

/* The library's version, "0.1.0". */
CONSORT_EXPORT const char *consort_version(void);

/* Frees a text or array that a function of this library gave to the caller to free. */
CONSORT_EXPORT void consort_free(void *memory);

CONSORT_END

#endif
