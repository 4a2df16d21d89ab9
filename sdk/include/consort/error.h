/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ERROR_H
#define CONSORT_ERROR_H

/*
 * Errors: a fixed-size struct that the caller owns, filled once by the function that fails. There is nothing
 * to release. Every function that takes an error may be given NULL.
 */

#include <consort/abi.h>

CONSORT_BEGIN

/* What went wrong, for code to act on. Values never change. @since 0.1 */
enum consort_status {
	CONSORT_OK = 0,
	CONSORT_EINVAL = 1,        /* an argument breaks the function's contract */
	CONSORT_ESYNTAX = 2,       /* an expression, or SQL, that does not parse or is not understood */
	CONSORT_ENAME = 3,         /* an unknown resource, attribute, database, relationship, … */
	CONSORT_ETYPE = 4,         /* types that do not go together */
	CONSORT_ERANGE = 5,        /* a value that its type or the engine cannot hold; overflow; division by zero */
	CONSORT_EUNSUPPORTED = 6,  /* a feature that is not in the effective mask */
	CONSORT_ENOTFOUND = 7,     /* no such record */
	CONSORT_ECONFLICT = 8,     /* serialization failure, deadlock, busy: the same again may succeed */
	CONSORT_ECONSTRAINT = 9,   /* unique, foreign key, not null, check */
	CONSORT_EAUTH = 10,        /* the server does not accept who we are */
	CONSORT_EPERMISSION = 11,  /* it does, but we may not do this */
	CONSORT_ECONNECTION = 12,  /* no connection, or it was lost; a file that cannot be opened or read */
	CONSORT_ETIMEOUT = 13,     /* the deadline passed */
	CONSORT_ECANCELLED = 14,   /* the cancel token fired */
	CONSORT_ENOMEM = 15,       /* memory, or the query's memory limit, is used up */
	CONSORT_EFULL = 16,        /* the engine's disk, or another bound of its storage, is used up */
	CONSORT_EREADONLY = 17,    /* the database, connection or transaction only reads */
	CONSORT_EENGINE = 18,      /* the engine refused for a reason of its own; see code and sqlstate */
	CONSORT_EPROTOCOL = 19,    /* an answer that makes no sense: a broken server, file or adapter */
	CONSORT_EINDOUBT = 20,     /* a commit, or a lone write, whose outcome is not known */
	CONSORT_EINTERNAL = 21,    /* a bug in Consort or an adapter */
	CONSORT_EAGAIN = 22,       /* reserved for calls that do not block */
	CONSORT_EFORKED = 23,      /* a parent's handle, used in the child of a fork */
	CONSORT_EMIX = 24,         /* databases that cannot take part in one transaction together */
	CONSORT_EMANIFEST = 25,    /* the manifest is wrong */
	CONSORT_EOPTION = 26,      /* an unknown option */
	CONSORT_EVALUE = 27,       /* an option's value is wrong */
	CONSORT_ENOPLUGIN = 28,    /* loader, resolve: no adapter of that type was found */
	CONSORT_EUNTRUSTED = 29,   /* loader, verify: owner, mode or note of the file */
	CONSORT_ELOAD = 30,        /* loader, open: the dynamic linker refused the file */
	CONSORT_EABI = 31,         /* loader, negotiate: file and core do not agree on the contract */
	CONSORT_STATUS_COUNT
};

/* Bits of consort_error.flags */
#define CONSORT_ERROR_RETRYABLE 1u      /* nothing was done, or it was undone: the same again may succeed */
#define CONSORT_ERROR_TX_ABORTED 2u     /* the transaction accepts only rollback now */
#define CONSORT_ERROR_CONNECTION_DEAD 4u /* the connection must not be used again */

/* Frozen. Every text is NUL-terminated; empty where it does not apply. A longer text is cut at a character's
 * boundary. */
struct consort_error {
	uint32_t status;        /* enum consort_status */
	uint32_t flags;
	int64_t code;           /* the engine's own code, 0 if none */
	int32_t position;       /* in the text that was parsed: characters from 1, 0 if none */
	uint32_t reserved;
	char sqlstate[8];       /* five characters, or empty */
	char origin[64];        /* who says so: a database's name, a plugin's, or empty for the core */
	char resource[128];     /* table, collection or resource it is about */
	char attribute[128];    /* column or attribute it is about */
	char constraint[128];   /* constraint that refused */
	char message[1024];     /* a sentence for a person: what was wrong, where, what to do */
};

#ifdef __cplusplus
#define CONSORT_ERROR_INIT {}
#else
#define CONSORT_ERROR_INIT {0}
#endif

/* The message; never NULL. Valid as long as *error. */
static inline const char *consort_error_text(const struct consort_error *error)
{
	if (!error)
		return "";
	return error->message[0] ? error->message : (error->status ? "unknown error" : "no error");
}

CONSORT_END

#endif
