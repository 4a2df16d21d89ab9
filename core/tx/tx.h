/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TX_H
#define CONSORT_TX_H

/*
 * Transactions: a connection that is kept from begin to the end. Over one database so far; what makes one
 * outcome of several comes here too.
 */

#include <consort/transaction.h>

#include "base/base.h"
#include "pool/pool.h"

/* The open transactions of one manifest. */
struct consort_tx_list {
	pthread_mutex_t lock;
	struct consort_link open;
	uint32_t count; /* atomic */
};

struct consort_tx {
	struct consort_link link;
	struct consort_tx_list *list;
	struct consort_database *database;
	struct consort_connection *connection; /* NULL once it has ended */
	pthread_t thread;		       /* that began it */
	struct consort_error failure;	/* the first one since the place it can go back to; status OK: none */
	struct consort_link savepoints; /* the last one marked is the last */
	bool defined;			/* changed the schema */
};

void consort_tx_list_init(struct consort_tx_list *list);
void consort_tx_list_clear(struct consort_tx_list *list);
/* The transaction that this thread has open on the database, or NULL. */
struct consort_tx *consort_tx_holding(struct consort_tx_list *list, const struct consort_database *database);

/* Begins on a connection, which the transaction takes on success. Whatever the error, it goes back to who
 * gave it. */
enum consort_status consort_tx_begin(struct consort_tx_list *list, struct consort_connection *connection,
				     const struct consort_call *call,
				     const struct consort_begin_options *options, struct consort_tx **out_tx,
				     struct consort_error *error);
/* EINVAL, and what failed first, if it takes nothing but a rollback. */
enum consort_status consort_tx_check(const struct consort_tx *tx, struct consort_error *error);
/* The call to undo something with: also who is late or was cancelled wants that, in some milliseconds if the
 * call has no time left. */
struct consort_call consort_tx_undoing(const struct consort_call *call);
/* Both end it, whatever comes back: cursors end, the connection goes back to its pool. */
enum consort_status consort_tx_commit(struct consort_tx *tx, const struct consort_call *call,
				      struct consort_outcome *outcome, struct consort_error *error);
enum consort_status consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					struct consort_error *error);
/* Fills an outcome of this kind without details; NULL is legal. */
void consort_outcome_set(struct consort_outcome *outcome, uint32_t kind);
/* In a forked child: forgets it. */
void consort_tx_abandon(struct consort_tx *tx);
void consort_tx_free(struct consort_tx *tx);

enum consort_savepoint_action {
	CONSORT_SAVEPOINT_SET,
	CONSORT_SAVEPOINT_RELEASE,
	CONSORT_SAVEPOINT_ROLLBACK
};
enum consort_status consort_tx_savepoint(struct consort_tx *tx, const struct consort_call *call,
					 enum consort_savepoint_action action, const char *name,
					 struct consort_error *error);

#endif
