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

enum consort_status consort_begin_with(struct consort *c, const char *databases,
				       const struct consort_begin_options *options, struct consort **out_in,
				       struct consort_error *error)
{
	struct consort_handle_session session;
	struct consort_connection *connection = NULL;
	struct consort_database *database;
	enum consort_status status = CONSORT_NEED(error, c, databases, options, out_in);
	struct consort *in;

	if (!status)
		status = consort_handle_check(c, error);
	if (status)
		return status;
	if (c->tx)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"this handle is in a transaction already; use a savepoint inside it");
	if (options->struct_size < sizeof(*options))
		return consort_error_set(error, CONSORT_EINVAL,
					 "consort_begin_options.struct_size is not set");
	status = find_database(c, databases, &database, error);
	if (status)
		return status;
	in = consort_handle_derive(c);
	if (!in)
		return consort_error_no_memory(error);
	consort_session_begin(&session, c);
	status = session.base.acquire(&session.base, database, &connection, error);
	if (!status)
		status = consort_tx_begin(&c->root->transactions, connection, &session.call, options, &in->tx,
					  error);
	if (!status) {
		/* the transaction has taken it; the token reaches it while a call runs */
		consort_cancel_remove(connection);
		session.nheld = 0;
		in->owns_tx = true;
		*out_in = in;
	}
	consort_session_end(&session);
	if (status)
		consort_handle_drop(in);
	return status;
}

enum consort_status consort_begin(struct consort *c, const char *databases, struct consort **out_in,
				  struct consort_error *error)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options)};
	enum consort_status status = CONSORT_NEED(error, c, databases, out_in);

	return status ? status : consort_begin_with(c, databases, &options, out_in, error);
}

/* What commit and rollback check first; a transaction that was closed already is a bug of the caller. */
static enum consort_status check_ending(struct consort *in, struct consort_error *error)
{
	enum consort_status status = consort_handle_check(in, error);

	if (!status && !in->owns_tx)
		status = consort_error_set(error, CONSORT_EINVAL, "this handle did not begin a transaction");
	return status;
}

/* What others see of the schema changes with a commit; what this one saw is gone with a rollback. */
static void ended(struct consort *in)
{
	if (in->tx->defined)
		consort_catalog_forget(&in->root->catalog, in->tx->database);
}

enum consort_status consort_commit(struct consort *in, struct consort_outcome *outcome,
				   struct consort_error *error)
{
	struct consort_handle_session session;
	enum consort_status status = CONSORT_NEED(error, in);

	if (!status)
		status = check_ending(in, error);
	if (status == CONSORT_EINVAL)
		return status;
	if (!status) {
		consort_cancel_remove(in->tx->connection);
		consort_session_begin(&session, in);
		consort_session_limit(&session, in->tx->database);
		status = consort_tx_commit(in->tx, &session.call, outcome, error);
		ended(in);
	}
	consort_close(in);
	return status;
}

enum consort_status consort_rollback(struct consort *in, struct consort_error *error)
{
	struct consort_handle_session session;
	enum consort_status status = CONSORT_NEED(error, in);

	if (!status)
		status = check_ending(in, error);
	if (status == CONSORT_EINVAL)
		return status;
	if (!status) {
		consort_cancel_remove(in->tx->connection);
		consort_session_begin(&session, in);
		consort_session_limit(&session, in->tx->database);
		/* a cancelled or late caller still wants it rolled back */
		session.call.cancelled = NULL;
		session.call.deadline = consort_host_services()->clock() + CONSORT_LAST_WORD;
		status = consort_tx_rollback(in->tx, &session.call, error);
		ended(in);
	}
	consort_close(in);
	return status;
}

enum consort_status consort_transaction(struct consort *c, const char *databases, consort_transaction_fn *fn,
					void *arg, struct consort_outcome *outcome,
					struct consort_error *error)
{
	struct consort *in = NULL;
	enum consort_status status = CONSORT_NEED(error, c, databases, fn);

	if (!status)
		status = consort_begin(c, databases, &in, error);
	if (status)
		return status;
	status = fn(in, arg, error);
	if (!status)
		return consort_commit(in, outcome, error);
	consort_rollback(in, NULL);
	consort_outcome_set(outcome, CONSORT_OUTCOME_ABORTED);
	return status;
}

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
