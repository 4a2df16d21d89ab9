/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction over one database. What a failed call leaves behind is the same with every engine: engines
 * that would go on after it are not asked to, and those that would not are healed by a savepoint alone.
 */
#include "tx/tx.h"

#include "loader/loader.h"

#define UNDOING_MOST ((int64_t)5 * 1000000000)
#define UNDOING_LEAST ((int64_t)5 * 1000000)

/* --- the open ones --- */

void consort_tx_list_init(struct consort_tx_list *list)
{
	pthread_mutex_init(&list->lock, NULL);
	consort_list_init(&list->open);
	list->count = 0;
}

void consort_tx_list_clear(struct consort_tx_list *list)
{
	pthread_mutex_destroy(&list->lock);
}

struct consort_tx *consort_tx_holding(struct consort_tx_list *list, const struct consort_database *database)
{
	struct consort_tx *found = NULL;
	struct consort_link *link;

	if (CONSORT_LIKELY(!__atomic_load_n(&list->count, __ATOMIC_RELAXED)))
		return NULL;
	pthread_mutex_lock(&list->lock);
	CONSORT_EACH(link, &list->open) {
		struct consort_tx *tx = CONSORT_LINKED(link, struct consort_tx, link);

		if (tx->database == database && pthread_equal(tx->thread, pthread_self()))
			found = tx;
	}
	pthread_mutex_unlock(&list->lock);
	return found;
}

static void enlist(struct consort_tx_list *list, struct consort_tx *tx)
{
	tx->list = list;
	pthread_mutex_lock(&list->lock);
	consort_list_insert(&list->open, &tx->link);
	__atomic_add_fetch(&list->count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&list->lock);
}

static void unlist(struct consort_tx *tx)
{
	pthread_mutex_lock(&tx->list->lock);
	consort_list_remove(&tx->link);
	__atomic_sub_fetch(&tx->list->count, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&tx->list->lock);
}

/* --- failures --- */

enum consort_status consort_tx_check(const struct consort_tx *tx, struct consort_error *error)
{
	const struct consort_error *failure = &tx->failure;

	if (CONSORT_LIKELY(!failure->status))
		return CONSORT_OK;
	consort_error_set(error, CONSORT_EINVAL,
			  "the transaction on '%s' takes nothing but a rollback, of all or to a savepoint, "
			  "since a call "
			  "failed: %s",
			  tx->database->name, consort_error_text(failure));
	if (error)
		error->flags |= CONSORT_ERROR_TX_ABORTED | (failure->flags & CONSORT_ERROR_RETRYABLE);
	return CONSORT_EINVAL;
}

struct consort_call consort_tx_undoing(const struct consort_call *call)
{
	int64_t now = consort_host_services()->clock();
	struct consort_call own = *call;

	own.cancelled = NULL;
	if (!own.deadline || own.deadline > now + UNDOING_MOST)
		own.deadline = now + UNDOING_MOST;
	if (own.deadline < now + UNDOING_LEAST)
		own.deadline = now + UNDOING_LEAST;
	return own;
}

/* --- begin and end --- */

enum consort_status consort_tx_begin(struct consort_tx_list *list, struct consort_connection *connection,
				     const struct consort_call *call,
				     const struct consort_begin_options *options, struct consort_tx **out_tx,
				     struct consort_error *error)
{
	const struct consort_transaction_options how = {
		.struct_size = sizeof(how), .flags = options->flags, .isolation = options->isolation};
	struct consort_database *database = connection->database;
	enum consort_status status = consort_database_need(database, CONSORT_FEATURE_TRANSACTIONS, error);
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_tx *tx;

	if (status)
		return status;
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
	tx->database = database;
	tx->connection = connection;
	tx->thread = pthread_self();
	consort_list_init(&tx->savepoints);
	connection->failure = &tx->failure;
	enlist(list, tx);
	*out_tx = tx;
	return CONSORT_OK;
}

/* Gives the connection back. */
static void leave(struct consort_tx *tx)
{
	struct consort_connection *connection = tx->connection;

	tx->connection = NULL;
	connection->failure = NULL;
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

/* What is over is nobody's transaction any more. */
static enum consort_status give_error(struct consort_error *local, struct consort_error *error)
{
	local->flags &= ~CONSORT_ERROR_TX_ABORTED;
	if (error)
		*error = *local;
	return (enum consort_status)local->status;
}

/* A failed one cannot be committed. */
static enum consort_status commit_failed(struct consort_tx *tx, const struct consort_call *call,
					 struct consort_error *error)
{
	struct consort_error failure = tx->failure;

	consort_error_prefix(&failure, "the transaction on '%s' was rolled back, since a call failed",
			     tx->database->name);
	consort_tx_rollback(tx, call, NULL);
	return give_error(&failure, error);
}

enum consort_status consort_tx_commit(struct consort_tx *tx, const struct consort_call *call,
				      struct consort_outcome *outcome, struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct consort_connection *connection = tx->connection;
	uint32_t kind = CONSORT_OUTCOME_COMMITTED;
	enum consort_status status;

	consort_outcome_set(outcome, CONSORT_OUTCOME_ABORTED);
	if (tx->failure.status)
		return commit_failed(tx, call, error);
	consort_connection_end_cursors(connection, "its transaction has ended");
	connection->failure = NULL;
	status = (enum consort_status)tx->database->plugin->transaction->commit(connection->context, call,
										&local);
	if (status) {
		status = consort_connection_failed(connection, status, &local);
		kind = status == CONSORT_EINDOUBT ? CONSORT_OUTCOME_UNKNOWN : CONSORT_OUTCOME_ABORTED;
		/* the next user has it reset; of one that may still be committing nothing is known */
		connection->broken |= status == CONSORT_EINDOUBT;
		__atomic_store_n(&connection->dirty, 1, __ATOMIC_RELAXED);
	}
	leave(tx);
	consort_outcome_set(outcome, kind);
	return status ? give_error(&local, error) : CONSORT_OK;
}

enum consort_status consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	const struct consort_call own = consort_tx_undoing(call);
	struct consort_connection *connection = tx->connection;
	enum consort_status status = CONSORT_OK;

	consort_connection_end_cursors(connection, "its transaction has ended");
	connection->failure = NULL;
	/* with a connection that is lost, so is its transaction */
	if (!connection->broken)
		status = (enum consort_status)tx->database->plugin->transaction->rollback(connection->context,
											  &own, &local);
	if (status) {
		status = consort_connection_failed(connection, status, &local);
		/* it is closed, which ends the transaction whenever the server gets to know */
		connection->broken = true;
	}
	leave(tx);
	return status ? give_error(&local, error) : CONSORT_OK;
}

void consort_tx_abandon(struct consort_tx *tx)
{
	/* the list's lock may have been held by a thread that does not exist here */
	tx->connection = NULL;
}

/* --- savepoints --- */

struct savepoint {
	struct consort_link link;
	char name[64];
};

static struct savepoint *savepoint_of(struct consort_link *link)
{
	return CONSORT_LINKED(link, struct savepoint, link);
}

/* Forgets the places marked after that one. */
static void forget_after(struct consort_tx *tx, const struct consort_link *place)
{
	while (tx->savepoints.previous != place) {
		struct consort_link *last = tx->savepoints.previous;

		consort_list_remove(last);
		free(savepoint_of(last));
	}
}

void consort_tx_free(struct consort_tx *tx)
{
	if (!tx)
		return;
	forget_after(tx, &tx->savepoints);
	free(tx);
}

/* The last place of that name. */
static struct savepoint *find_savepoint(struct consort_tx *tx, const char *name)
{
	struct consort_link *link;

	for (link = tx->savepoints.previous; link != &tx->savepoints; link = link->previous)
		if (!strcmp(savepoint_of(link)->name, name))
			return savepoint_of(link);
	return NULL;
}

static enum consort_status new_savepoint(const char *name, struct savepoint **out_savepoint,
					 struct consort_error *error)
{
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	struct savepoint *savepoint;

	if (!size || size >= sizeof(savepoint->name) || name[size])
		return consort_error_set(
			error, CONSORT_EINVAL,
			"'%s' cannot name a savepoint: use lower-case letters, digits and _, under 64 "
			"of them",
			name);
	savepoint = calloc(1, sizeof(*savepoint));
	if (!savepoint)
		return consort_error_no_memory(error);
	memcpy(savepoint->name, name, size);
	consort_list_init(&savepoint->link);
	*out_savepoint = savepoint;
	return CONSORT_OK;
}

static uint32_t run(const struct consort_tx *tx, const struct consort_call *call,
		    enum consort_savepoint_action action, const char *name, struct consort_error *error)
{
	const struct consort_transaction_ops *ops = tx->database->plugin->transaction;

	switch (action) {
	case CONSORT_SAVEPOINT_SET:
		return ops->savepoint(tx->connection->context, call, name, error);
	case CONSORT_SAVEPOINT_RELEASE:
		return ops->release(tx->connection->context, call, name, error);
	default:
		return ops->rollback_to(tx->connection->context, call, name, error);
	}
}

/* The place that is meant, or a new one. */
static enum consort_status find_or_make(struct consort_tx *tx, enum consort_savepoint_action action,
					const char *name, struct savepoint **out_savepoint,
					struct consort_error *error)
{
	if (action == CONSORT_SAVEPOINT_SET)
		return new_savepoint(name, out_savepoint, error);
	*out_savepoint = find_savepoint(tx, name);
	if (!*out_savepoint)
		return consort_error_set(error, CONSORT_ENAME,
					 "the transaction on '%s' has no savepoint '%s'", tx->database->name,
					 name);
	return CONSORT_OK;
}

enum consort_status consort_tx_savepoint(struct consort_tx *tx, const struct consort_call *call,
					 enum consort_savepoint_action action, const char *name,
					 struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT;
	struct savepoint *savepoint = NULL;
	enum consort_status status = consort_database_need(tx->database, CONSORT_FEATURE_SAVEPOINTS, error);

	if (!status && action != CONSORT_SAVEPOINT_ROLLBACK)
		status = consort_tx_check(tx, error);
	if (!status && action != CONSORT_SAVEPOINT_ROLLBACK)
		status = consort_connection_ready(tx->connection, error);
	if (!status)
		status = find_or_make(tx, action, name, &savepoint, error);
	if (status)
		return status;
	if (action == CONSORT_SAVEPOINT_ROLLBACK)
		consort_connection_end_cursors(tx->connection,
					       "its transaction was rolled back to a savepoint");
	status = (enum consort_status)run(tx, call, action, name, &local);
	if (status) {
		status = consort_connection_failed(tx->connection, status, &local);
		if (error)
			*error = local;
	} else if (action == CONSORT_SAVEPOINT_SET) {
		consort_list_insert(&tx->savepoints, &savepoint->link);
		savepoint = NULL;
	} else {
		forget_after(tx, action == CONSORT_SAVEPOINT_RELEASE ? savepoint->link.previous
								     : &savepoint->link);
		tx->failure.status = CONSORT_OK;
	}
	if (action == CONSORT_SAVEPOINT_SET)
		free(savepoint);
	return status;
}
