/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction over one database. */
#include "tx/tx.h"

void consort_tx_list_init(struct consort_tx_list *list)
{
	pthread_mutex_init(&list->lock, NULL);
	list->first = NULL;
	list->count = 0;
}

void consort_tx_list_clear(struct consort_tx_list *list)
{
	pthread_mutex_destroy(&list->lock);
}

struct consort_tx *consort_tx_holding(struct consort_tx_list *list, const struct consort_database *database)
{
	struct consort_tx *tx;

	if (CONSORT_LIKELY(!__atomic_load_n(&list->count, __ATOMIC_RELAXED)))
		return NULL;
	pthread_mutex_lock(&list->lock);
	for (tx = list->first; tx; tx = tx->next)
		if (tx->database == database && pthread_equal(tx->thread, pthread_self()))
			break;
	pthread_mutex_unlock(&list->lock);
	return tx;
}

static void add(struct consort_tx_list *list, struct consort_tx *tx)
{
	pthread_mutex_lock(&list->lock);
	tx->next = list->first;
	if (tx->next)
		tx->next->previous = tx;
	list->first = tx;
	__atomic_add_fetch(&list->count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&list->lock);
}

static void unlist(struct consort_tx *tx)
{
	struct consort_tx_list *list = tx->list;

	pthread_mutex_lock(&list->lock);
	if (tx->next)
		tx->next->previous = tx->previous;
	if (tx->previous)
		tx->previous->next = tx->next;
	else
		list->first = tx->next;
	__atomic_sub_fetch(&list->count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&list->lock);
}

enum consort_status consort_tx_begin(struct consort_tx_list *list, struct consort_connection *connection,
				     const struct consort_call *call,
				     const struct consort_begin_options *options, struct consort_tx **out_tx,
				     struct consort_error *error)
{
	const struct consort_transaction_options how = {
		.struct_size = sizeof(how), .flags = options->flags, .isolation = options->isolation};
	struct consort_database *database = connection->database;
	struct consort_error local = CONSORT_ERROR_INIT;
	enum consort_status status = consort_database_need(database, CONSORT_FEATURE_TRANSACTIONS, error);
	struct consort_tx *tx;

	if (status)
		return status;
	if (options->flags & ~CONSORT_TRANSACTION_READ_ONLY)
		return consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x to begin with",
					 options->flags);
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return consort_error_no_memory(error);
	status = (enum consort_status)database->plugin->transaction->begin(connection->context, call, &how,
									   &local);
	if (status) {
		status = consort_connection_failed(connection, status, &local);
		if (error)
			*error = local;
		free(tx);
		return status;
	}
	tx->list = list;
	tx->database = database;
	tx->connection = connection;
	tx->thread = pthread_self();
	add(list, tx);
	*out_tx = tx;
	return CONSORT_OK;
}

/* Gives the connection back. A transaction that may still be open on it is ended by the reset before reuse.
 */
static void leave(struct consort_tx *tx, bool clean)
{
	struct consort_connection *connection = tx->connection;

	if (!clean)
		__atomic_store_n(&connection->dirty, 1, __ATOMIC_RELAXED);
	tx->connection = NULL;
	unlist(tx);
	consort_pool_release(connection);
}

void consort_outcome_set(struct consort_outcome *outcome, uint32_t kind)
{
	if (!outcome)
		return;
	outcome->kind = kind;
	if (CONSORT_HAS(outcome, pending))
		outcome->pending = 0;
	if (CONSORT_HAS(outcome, id))
		outcome->id[0] = '\0';
	if (CONSORT_HAS(outcome, detail))
		outcome->detail[0] = '\0';
}

enum consort_status consort_tx_commit(struct consort_tx *tx, const struct consort_call *call,
				      struct consort_outcome *outcome, struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_connection *connection = tx->connection;
	enum consort_status status;

	if (tx->spoilt) {
		consort_outcome_set(outcome, CONSORT_OUTCOME_ABORTED);
		consort_tx_rollback(tx, call, NULL);
		return consort_error_set(
			error, CONSORT_ECONFLICT,
			"the transaction was rolled back: a part of it that failed could not be undone");
	}
	consort_connection_end_cursors(connection, "its transaction has ended");
	status = (enum consort_status)tx->database->plugin->transaction->commit(connection->context, call,
										&local);
	if (status)
		status = consort_connection_failed(connection, status, &local);
	if (!status)
		consort_outcome_set(outcome, CONSORT_OUTCOME_COMMITTED);
	else
		consort_outcome_set(outcome, status == CONSORT_EINDOUBT ? CONSORT_OUTCOME_UNKNOWN
									: CONSORT_OUTCOME_ABORTED);
	leave(tx, status == CONSORT_OK);
	if (status && error)
		*error = local;
	return status;
}

enum consort_status consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_connection *connection = tx->connection;
	enum consort_status status;

	consort_connection_end_cursors(connection, "its transaction has ended");
	status = (enum consort_status)tx->database->plugin->transaction->rollback(connection->context, call,
										  &local);
	if (status)
		status = consort_connection_failed(connection, status, &local);
	leave(tx, status == CONSORT_OK);
	if (status && error)
		*error = local;
	return status;
}

void consort_tx_abandon(struct consort_tx *tx)
{
	/* the list's lock may have been held by a thread that does not exist here */
	tx->connection = NULL;
}

void consort_tx_free(struct consort_tx *tx)
{
	free(tx);
}

static bool is_name(const char *name)
{
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return size > 0 && size < 64 && !name[size];
}

enum consort_status consort_tx_savepoint(struct consort_tx *tx, const struct consort_call *call,
					 enum consort_savepoint_action action, const char *name,
					 struct consort_error *error)
{
	const struct consort_transaction_ops *ops = tx->database->plugin->transaction;
	struct consort_error local = CONSORT_ERROR_INIT;
	enum consort_status status = consort_database_need(tx->database, CONSORT_FEATURE_SAVEPOINTS, error);

	if (status)
		return status;
	if (!is_name(name))
		return consort_error_set(error, CONSORT_EINVAL,
					 "'%s' cannot name a savepoint: use lower-case letters, digits and "
					 "_, under 64 of them",
					 name);
	if (action == CONSORT_SAVEPOINT_ROLLBACK)
		consort_connection_end_cursors(tx->connection,
					       "its transaction was rolled back to a savepoint");
	else
		status = consort_connection_ready(tx->connection, true, error);
	if (status)
		return status;
	if (action == CONSORT_SAVEPOINT_SET)
		status = (enum consort_status)ops->savepoint(tx->connection->context, call, name, &local);
	else if (action == CONSORT_SAVEPOINT_RELEASE)
		status = (enum consort_status)ops->release(tx->connection->context, call, name, &local);
	else
		status = (enum consort_status)ops->rollback_to(tx->connection->context, call, name, &local);
	if (status)
		status = consort_connection_failed(tx->connection, status, &local);
	if (status && error)
		*error = local;
	return status;
}
