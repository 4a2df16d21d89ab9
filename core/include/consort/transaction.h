/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TRANSACTION_H
#define CONSORT_TRANSACTION_H

/*
 * Transactions: another handle, through which every call takes part.
 *
 * While a transaction holds a database, using that database through the parent handle on the same thread is an
 * error (EINVAL), as is using, through the transaction's handle, a database that it did not list.
 *
 * A call that fails leaves nothing of itself behind, and fails the transaction, with whatever engine: its error has
 * CONSORT_ERROR_TX_ABORTED, and from then on the transaction takes nothing but a rollback, of all or to a savepoint,
 * which heals it. Other calls answer EINVAL and say what failed first; a commit rolls back, and answers with that.
 *
 * What does not fail a transaction: a call that is refused before the database is asked (names, syntax, types, what the
 * database cannot do); one record that is not there (ENOTFOUND); a row that cannot be computed.
 *
 * What a transaction reads shows what it has written where the database has the feature READ_YOUR_WRITES, and a commit
 * that fails has written nothing where it has ATOMIC_COMMIT. Most have both; a database whose transactions are a queue
 * that is sent at the commit has neither.
 */

#include <consort/handle.h>
#include <consort/plugin.h>

CONSORT_BEGIN

/* How a transaction ended. Growing: set struct_size. @since 0.1 */
struct consort_outcome {
	uint32_t struct_size;
	uint32_t kind;     /* enum consort_outcome_kind */
	uint32_t pending;  /* COMMITTED_PENDING: branches still to be told */
	uint32_t reserved;
	char id[64];       /* UNKNOWN, HEURISTIC: the transaction's id; else empty */
	char detail[256];  /* HEURISTIC: the branches concerned */
};

/* How to begin. Growing. @since 0.1 */
struct consort_begin_options {
	uint32_t struct_size;
	uint32_t flags;      /* CONSORT_TRANSACTION_READ_ONLY */
	uint32_t isolation;  /* enum consort_isolation; the engine may give a stricter one */
	uint32_t attempts;   /* consort_transaction_with: how often at the most; 0 is 1. Else 0 */
};

/*
 * Begins a transaction.
 * databases: names, separated by commas. More than one: EUNSUPPORTED in this version.
 * *out_in: the handle to work through; ended by consort_commit or consort_rollback, also by consort_close
 * (which rolls back). One thread at a time.
 * Errors: ENAME, EUNSUPPORTED (naming feature and database), and what connecting says.
 * @since 0.1
 */
CONSORT_EXPORT enum consort_status consort_begin(struct consort *c, const char *databases, struct consort **out_in,
						 struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_begin_with(struct consort *c, const char *databases,
						      const struct consort_begin_options *options,
						      struct consort **out_in, struct consort_error *error);

/*
 * Commits and ends `in` with its cursors, whatever comes back.
 * outcome: filled also on failure; may be NULL.
 * OK: committed. EINDOUBT: the outcome is not known (CONSORT_OUTCOME_UNKNOWN), the connection was lost on the way to
 * it, or, without ATOMIC_COMMIT, it is a part of what was written. Anything else: rolled back, the error says why; with
 * CONSORT_ERROR_RETRYABLE the same again may succeed.
 */
CONSORT_EXPORT enum consort_status consort_commit(struct consort *in, struct consort_outcome *outcome,
						  struct consort_error *error);
/* Rolls back and ends `in` with its cursors, whatever comes back. */
CONSORT_EXPORT enum consort_status consort_rollback(struct consort *in, struct consort_error *error);

/*
 * The callback form: begins, calls fn(in, arg, error), commits if it returns CONSORT_OK and rolls back otherwise,
 * returning fn's status. fn must not end `in` itself.
 *
 * With options->attempts, all of it is done again, fn too, while it fails in a way that says CONSORT_ERROR_RETRYABLE (a
 * serialization failure, a deadlock, a connection lost before the commit, or an error of fn's own with that flag): so
 * often at the most, after a pause of random length, up to twice as long each time, and within the handle's deadline.
 * After EINDOUBT it is never done again.
 */
typedef enum consort_status consort_transaction_fn(struct consort *in, void *arg, struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_transaction(struct consort *c, const char *databases,
						       consort_transaction_fn *fn, void *arg,
						       struct consort_outcome *outcome,
						       struct consort_error *error);
CONSORT_EXPORT enum consort_status consort_transaction_with(struct consort *c, const char *databases,
							    const struct consort_begin_options *options,
							    consort_transaction_fn *fn, void *arg,
							    struct consort_outcome *outcome,
							    struct consort_error *error);

/* Marks a place to roll back to; names are [a-z0-9_]+, under 64 bytes. A name that is marked already is hidden by the
 * new place until that is released. */
CONSORT_EXPORT enum consort_status consort_savepoint(struct consort *in, const char *name,
						     struct consort_error *error);
/* Undoes all since that place, which stays marked; cursors of `in` end. A failed transaction goes on from there.
 * Errors: ENAME, there is no such place. */
CONSORT_EXPORT enum consort_status consort_rollback_to(struct consort *in, const char *name,
						       struct consort_error *error);
/* Forgets the place, and those marked since, and keeps what was done. Errors: ENAME. */
CONSORT_EXPORT enum consort_status consort_release(struct consort *in, const char *name,
						   struct consort_error *error);

CONSORT_END

#endif
