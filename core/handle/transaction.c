/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions as handles. */
#include "handle/handle.h"

/* The one database that a list names. */
static enum consort_status find_database(struct consort *c, const char *databases,
					 struct consort_database **out_database, struct consort_error *error)
{
	const char *start = databases + strspn(databases, " \t");
	size_t size = strlen(start);
	char name[128];

	while (size && (start[size - 1] == ' ' || start[size - 1] == '\t'))
		size--;
	if (memchr(start, ',', size))
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "a transaction takes one database in this version, not '%s'",
					 databases);
	if (!size || size >= sizeof(name))
		return consort_error_set(error, CONSORT_ENAME, "a transaction needs a database's name");
	memcpy(name, start, size);
	name[size] = '\0';
	return consort_catalog_database(&c->root->catalog, name, out_database, error);
}

static enum consort_status check_options(const struct consort *c, const struct consort_begin_options *options,
					 struct consort_error *error)
{
	if (c->tx)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"this handle is in a transaction already; use a savepoint inside it");
	if (options->struct_size < sizeof(*options))
		return consort_error_set(error, CONSORT_EINVAL,
					 "consort_begin_options.struct_size is not set");
	if (options->flags & ~CONSORT_TRANSACTION_READ_ONLY)
		return consort_error_set(error, CONSORT_EINVAL, "unknown flags 0x%x to begin with",
					 options->flags);
	if (options->isolation > CONSORT_ISOLATION_SERIALIZABLE)
		return consort_error_set(error, CONSORT_EINVAL, "unknown isolation level %u",
					 options->isolation);
	return CONSORT_OK;
}

/* A connection that turns out to be lost is replaced once: nothing was sent on it yet, and the pool asks the
 * others whether they work. */
static enum consort_status begin_on(struct consort_handle_session *session, struct consort_database *database,
				    const struct consort_begin_options *options, struct consort *in,
				    struct consort_error *error)
{
	struct consort_tx_list *list = &in->root->transactions;
	struct consort_connection *connection;
	enum consort_status status;
	int attempt = 0;

	do {
		consort_session_end(session);
		status = session->base.acquire(&session->base, database, &connection, error);
		if (status)
			return status;
		status = consort_tx_begin(list, connection, &session->call, options, &in->tx, error);
	} while (status && connection->broken && !attempt++);
	if (status)
		return status;
	/* the transaction has taken it; a token reaches it while a call runs */
	consort_cancel_remove(connection);
	session->nheld = 0;
	in->owns_tx = true;
	return CONSORT_OK;
}

static enum consort_status begin(struct consort *c, const char *databases,
				 const struct consort_begin_options *options, struct consort **out_in,
				 struct consort_error *error)
{
	struct consort_handle_session session;
	struct consort_database *database;
	enum consort_status status = consort_handle_check(c, error);
	struct consort *in;

	if (!status)
		status = check_options(c, options, error);
	if (!status)
		status = find_database(c, databases, &database, error);
	if (status)
		return status;
	in = consort_handle_derive(c);
	if (!in)
		return consort_error_no_memory(error);
	consort_session_begin(&session, c);
	status = begin_on(&session, database, options, in, error);
	consort_session_end(&session);
	if (status)
		consort_handle_drop(in);
	else
		*out_in = in;
	return status;
}

enum consort_status consort_begin_with(struct consort *c, const char *databases,
				       const struct consort_begin_options *options, struct consort **out_in,
				       struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, databases, options, out_in);

	if (!status && options->attempts > 1)
		status = consort_error_set(error, CONSORT_EINVAL,
					   "only consort_transaction_with, which has a function to call, "
					   "makes more than one attempt");
	return status ? status : begin(c, databases, options, out_in, error);
}

enum consort_status consort_begin(struct consort *c, const char *databases, struct consort **out_in,
				  struct consort_error *error)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options)};
	enum consort_status status = CONSORT_NEED(error, c, databases, out_in);

	return status ? status : begin(c, databases, &options, out_in, error);
}

/* --- ending --- */

/* Ends its transaction, which is open. */
static enum consort_status end(struct consort *in, bool commit, struct consort_outcome *outcome,
			       struct consort_error *error)
{
	struct consort_handle_session session;
	enum consort_status status;

	consort_cancel_remove(in->tx->connection);
	consort_session_begin(&session, in);
	consort_session_limit(&session, in->tx->database);
	if (commit)
		status = consort_tx_commit(in->tx, &session.call, outcome, error);
	else
		status = consort_tx_rollback(in->tx, &session.call, error);
	/* others see the schema change with a commit; what this one saw is gone with a rollback */
	if (in->tx->defined)
		consort_catalog_forget(&in->root->catalog, in->tx->database);
	return status;
}

void consort_transaction_close(struct consort *in)
{
	if (!in->owns_tx || !in->tx->connection)
		return;
	if (in->root->stamp != consort_fork_count)
		consort_tx_abandon(in->tx);
	else
		end(in, false, NULL, NULL);
}

/* A transaction that has ended already, or was not begun by this handle, is a bug of the caller. */
static enum consort_status end_and_close(struct consort *in, bool commit, struct consort_outcome *outcome,
					 struct consort_error *error)
{
	enum consort_status status = consort_handle_check(in, error);

	if (!status && !in->owns_tx)
		status = consort_error_set(error, CONSORT_EINVAL, "this handle did not begin a transaction");
	if (status == CONSORT_EINVAL)
		return status;
	if (!status)
		status = end(in, commit, outcome, error);
	consort_close(in);
	return status;
}

enum consort_status consort_commit(struct consort *in, struct consort_outcome *outcome,
				   struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, in);

	return status ? status : end_and_close(in, true, outcome, error);
}

enum consort_status consort_rollback(struct consort *in, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, in);

	return status ? status : end_and_close(in, false, NULL, error);
}

/* --- with a function --- */

#define PAUSE_LEAST ((int64_t)5 * 1000000)
#define PAUSE_MOST ((int64_t)1000 * 1000000)

/* One attempt. The handle is held meanwhile, in case that fn ends it. */
static enum consort_status attempt(struct consort *in, consort_transaction_fn *fn, void *arg,
				   struct consort_outcome *outcome, struct consort_error *error)
{
	enum consort_status status = fn(in, arg, error);
	struct consort_error failure;

	if (!in->tx->connection)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"the function ended its transaction, which is its caller's business");
	if (!status)
		return end_and_close(in, true, outcome, error);
	/* whatever fn made of the failure, the transaction may succeed when it is run again */
	failure = in->tx->failure;
	if (failure.status)
		error->flags |= failure.flags & CONSORT_ERROR_RETRYABLE;
	error->flags &= ~CONSORT_ERROR_TX_ABORTED;
	end_and_close(in, false, NULL, NULL);
	return status;
}

static enum consort_status run(struct consort *c, const char *databases,
			       const struct consort_begin_options *options, consort_transaction_fn *fn,
			       void *arg, struct consort_outcome *outcome, struct consort_error *error)
{
	struct consort *in = NULL;
	enum consort_status status = begin(c, databases, options, &in, error);

	consort_outcome_set(outcome, status ? CONSORT_OUTCOME_NONE : CONSORT_OUTCOME_ABORTED);
	if (status)
		return status;
	consort_handle_hold(in);
	status = attempt(in, fn, arg, outcome, error);
	consort_handle_drop(in);
	return status;
}

/* Sleeps before the next attempt, so long that those who met here do not meet again; false if there is no
 * time. */
static bool pause_before(const struct consort *c, uint32_t attempts)
{
	int64_t until =
		consort_host_services()->clock() + consort_random_pause(attempts, PAUSE_LEAST, PAUSE_MOST);

	if (c->deadline && until >= c->deadline)
		return false;
	consort_cancel_sleep(c->cancel, until);
	return true;
}

enum consort_status consort_transaction_with(struct consort *c, const char *databases,
					     const struct consort_begin_options *options,
					     consort_transaction_fn *fn, void *arg,
					     struct consort_outcome *outcome, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, databases, options, fn);
	struct consort_error spare;
	uint32_t attempts = 0;

	if (status)
		return status;
	consort_error_need(&error, &spare);
	for (;;) {
		/* fn may return a status without a word */
		error->status = CONSORT_OK;
		error->flags = 0;
		error->message[0] = '\0';
		status = run(c, databases, options, fn, arg, outcome, error);
		if (!status || status == CONSORT_EINDOUBT || !(error->flags & CONSORT_ERROR_RETRYABLE) ||
		    ++attempts >= options->attempts || !pause_before(c, attempts))
			return status;
	}
}

enum consort_status consort_transaction(struct consort *c, const char *databases, consort_transaction_fn *fn,
					void *arg, struct consort_outcome *outcome,
					struct consort_error *error)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options)};
	enum consort_status status = CONSORT_NEED(error, c, databases, fn);

	return status ? status : consort_transaction_with(c, databases, &options, fn, arg, outcome, error);
}

/* --- savepoints --- */

static enum consort_status savepoint(struct consort *in, enum consort_savepoint_action action,
				     const char *name, struct consort_error *error)
{
	struct consort_handle_session session;
	enum consort_status status = consort_handle_check(in, error);

	if (!status && !in->tx)
		status = consort_error_set(error, CONSORT_EINVAL, "a savepoint needs a transaction's handle");
	if (status)
		return status;
	consort_session_begin(&session, in);
	consort_session_limit(&session, in->tx->database);
	status = consort_tx_savepoint(in->tx, &session.call, action, name, error);
	consort_session_end(&session);
	if (action == CONSORT_SAVEPOINT_ROLLBACK && in->tx->defined)
		consort_catalog_forget(&in->root->catalog, in->tx->database);
	return status;
}

enum consort_status consort_savepoint(struct consort *in, const char *name, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, in, name);

	return status ? status : savepoint(in, CONSORT_SAVEPOINT_SET, name, error);
}

enum consort_status consort_rollback_to(struct consort *in, const char *name, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, in, name);

	return status ? status : savepoint(in, CONSORT_SAVEPOINT_ROLLBACK, name, error);
}

enum consort_status consort_release(struct consort *in, const char *name, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, in, name);

	return status ? status : savepoint(in, CONSORT_SAVEPOINT_RELEASE, name, error);
}
