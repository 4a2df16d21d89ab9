/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: writes wait in a queue until the commit, which the server runs in one step, unless a key that
 * is watched has changed. What it has begun to run it does not undo: a command that fails there leaves the
 * others, and the commit says so.
 */
#include "tx.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BYTES_MOST ((size_t)64 << 20) /* of the queue, and of what is known of keys */
#define KNOWN_FLAGS \
	(CONSORT_TRANSACTION_READ_ONLY | CONSORT_TRANSACTION_WILL_PREPARE | CONSORT_TRANSACTION_DECIDES)

/* --- the queue --- */

/* The connection's pipe for the queue, or back. */
static void swap(struct redis_connection *conn)
{
	struct redis_pipe pipe = conn->pipe;

	conn->pipe = conn->tx->queue;
	conn->tx->queue = pipe;
}

void redis_tx_enter(struct redis_connection *conn, enum redis_script script)
{
	struct redis_tx *tx = conn->tx;

	swap(conn);
	if (!conn->pipe.count) {
		redis_add(conn, tx->slot, 1);
		redis_arg_text(conn, "MULTI");
	}
	if (tx->scripts & 1u << script)
		return;
	/* a script that the server has lost would fail in the middle of the others */
	redis_add(conn, tx->slot, 3);
	redis_arg_text(conn, "SCRIPT");
	redis_arg_text(conn, "LOAD");
	redis_arg_text(conn, redis_script_text(script));
	tx->scripts |= 1u << script;
}

void redis_tx_leave(struct redis_connection *conn)
{
	swap(conn);
}

uint32_t redis_tx_write(struct redis_connection *conn, struct redis_tx_mark *out_mark,
			struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;

	if (tx->read_only) {
		consort_error_set(error, CONSORT_EREADONLY, "the transaction only reads");
		consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
		return CONSORT_EREADONLY;
	}
	tx->changes++;
	*out_mark = (struct redis_tx_mark){tx->queue.count, tx->scripts, tx->queue.bytes.size};
	return CONSORT_OK;
}

static void take_back(struct redis_tx *tx, const struct redis_tx_mark *mark)
{
	uint32_t i;

	tx->queue.count = mark->count;
	tx->queue.bytes.size = mark->size;
	tx->queue.bytes.failed = 0;
	tx->queue.failed = false;
	tx->scripts = mark->scripts;
	for (i = 0; i < tx->room; i++) {
		struct redis_known *known = &tx->table[i];

		if (!known->key.data || known->change != tx->changes)
			continue;
		known->kind = known->kind_before;
		known->text = known->text_before;
	}
}

uint32_t redis_tx_done(struct redis_connection *conn, const struct redis_tx_mark *mark, uint32_t status,
		       struct consort_error *error)
{
	struct redis_tx *tx = conn->tx;

	if (!status && (tx->queue.failed || tx->queue.bytes.failed))
		status = consort_error_no_memory(error);
	if (!status && tx->queue.bytes.size + tx->arena.used > BYTES_MOST) {
		consort_error_set(
			error, CONSORT_EFULL,
			"the transaction would hold more than %zu MiB until its commit; write less in one",
			BYTES_MOST >> 20);
		status = error->status;
	}
	if (status)
		take_back(tx, mark);
	return status;
}

uint32_t redis_tx_refuse(const struct redis_connection *conn, const char *what, struct consort_error *error)
{
	if (CONSORT_LIKELY(!conn->tx))
		return CONSORT_OK;
	consort_error_set(error, CONSORT_EUNSUPPORTED,
			  "%s cannot wait for a transaction's commit; use another connection", what);
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	return CONSORT_EUNSUPPORTED;
}

/* --- begin and end --- */

void redis_tx_drop(struct redis_connection *conn)
{
	struct redis_tx *tx = conn->tx;

	conn->tx = NULL;
	if (!tx)
		return;
	redis_pipe_free(&tx->queue);
	consort_arena_clear(&tx->arena);
	free(tx->table);
	free(tx);
}

uint32_t redis_unwatch(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_link *link;
	uint32_t status = CONSORT_OK;

	for (link = conn->links; !status && link; link = link->next) {
		if (!link->watched)
			continue;
		redis_begin(conn);
		redis_add(conn, REDIS_ANY, 1);
		redis_arg_text(conn, "UNWATCH");
		status = redis_run_on(conn, link, error);
		if (!status && redis_reply(conn, 0)->kind == REDIS_REPLY_ERROR)
			status = redis_fail(conn, redis_reply(conn, 0), NULL, error);
		link->watched = status != CONSORT_OK;
	}
	return status;
}

static uint32_t can_begin(const struct redis_connection *conn,
			  const struct consort_transaction_options *options, struct consort_error *error)
{
	if (conn->tx)
		return consort_error_set(error, CONSORT_EINVAL, "this connection has a transaction already");
	if (options->flags & ~KNOWN_FLAGS)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags of a transaction");
	if (options->flags & (CONSORT_TRANSACTION_WILL_PREPARE | CONSORT_TRANSACTION_DECIDES))
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "Redis cannot prepare a commit, nor hold a decision");
	if (options->isolation > CONSORT_ISOLATION_READ_COMMITTED)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "a transaction in Redis reads what is there at the moment, each "
					 "time: it is read committed");
	return CONSORT_OK;
}

static uint32_t transaction_begin(void *connection, const struct consort_call *call,
				  const struct consort_transaction_options *options,
				  struct consort_error *error)
{
	struct redis_connection *conn = connection;
	uint32_t status = redis_enter(conn, call, error);

	if (!status)
		status = can_begin(conn, options, error);
	if (!status)
		status = redis_unwatch(conn, error);
	redis_leave(conn);
	if (status)
		return status;
	conn->tx = calloc(1, sizeof(*conn->tx));
	if (!conn->tx)
		return consort_error_no_memory(error);
	consort_arena_init(&conn->tx->arena, 0);
	conn->tx->slot = REDIS_ANY;
	conn->tx->read_only = options->flags & CONSORT_TRANSACTION_READ_ONLY;
	return CONSORT_OK;
}

/* What was queued is dropped here; what is watched, at the server, unless that has to wait for reset. */
static uint32_t transaction_rollback(void *connection, const struct consort_call *call,
				     struct consort_error *error)
{
	struct redis_connection *conn = connection;
	struct consort_error ignored;
	uint32_t status = CONSORT_OK;

	redis_tx_drop(conn);
	if (redis_enter(conn, call, &ignored))
		return CONSORT_OK;
	status = redis_unwatch(conn, error);
	redis_leave(conn);
	return status;
}

/* --- commit --- */

/* The server runs nothing of what has not reached it whole. */
static uint32_t fail_sent(struct redis_connection *conn, struct redis_link *link, uint32_t status,
			  struct consort_error *error)
{
	bool whole = conn->sent && link->sending >= conn->pipe.count;

	redis_link_lose(link);
	error->flags |= CONSORT_ERROR_CONNECTION_DEAD;
	if (!whole)
		return status;
	consort_error_prefix(error, "the answer to the commit was lost, its outcome is not known");
	error->status = CONSORT_EINDOUBT;
	error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t fail_conflict(const struct redis_connection *conn, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ECONFLICT,
			  "a record that the transaction has read or written was changed by another one");
	consort_copy_text(error->sqlstate, sizeof(error->sqlstate), "40001");
	consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
	error->flags |= CONSORT_ERROR_RETRYABLE;
	return error->status;
}

/* EXECABORT: a command was refused, and none has run. */
static uint32_t fail_aborted(struct redis_connection *conn, const struct redis_reply *exec,
			     struct consort_error *error)
{
	static const char because[] = "because of: ";
	struct redis_reply reason = *exec;
	const char *at = strstr(exec->as.text, because);
	uint32_t i;

	for (i = 0; i < conn->pipe.count; i++)
		if (redis_reply(conn, i)->kind == REDIS_REPLY_ERROR && redis_reply(conn, i) != exec)
			return redis_tx_fail(conn, redis_reply(conn, i), error);
	if (at && redis_is_error(exec, "EXECABORT")) {
		reason.as.text = at + sizeof(because) - 1;
		reason.size = strlen(reason.as.text);
	}
	return redis_fail(conn, &reason, NULL, error);
}

/* What has run says what it wrote: a script which records not, the others OK or 1. Text is of SCRIPT LOAD. */
static uint32_t judge(struct redis_connection *conn, const struct redis_reply *ran,
		      struct consort_error *error)
{
	const struct redis_reply *failure = NULL;
	uint64_t i, failed = 0, done = 0;

	for (i = 0; i < ran->size; i++) {
		const struct redis_reply *reply = &ran->as.items[i];

		if (reply->kind == REDIS_REPLY_STRING)
			continue;
		if (reply->kind == REDIS_REPLY_STATUS ||
		    (reply->kind == REDIS_REPLY_INTEGER && reply->as.integer == 1) ||
		    (reply->kind == REDIS_REPLY_ARRAY && !reply->size)) {
			done++;
			continue;
		}
		failed++;
		if (!failure || failure->kind != REDIS_REPLY_ERROR)
			failure = reply;
	}
	if (!failed)
		return CONSORT_OK;
	if (failure->kind == REDIS_REPLY_ERROR)
		redis_fail(conn, failure, NULL, error);
	else
		fail_conflict(conn, error);
	if (!done)
		return error->status;
	consort_error_prefix(
		error,
		"%llu of the transaction's %llu commands failed when they ran, and the others are "
		"not undone",
		(unsigned long long)failed, (unsigned long long)(failed + done));
	error->status = CONSORT_EINDOUBT;
	error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t take_outcome(struct redis_connection *conn, struct consort_error *error)
{
	const struct redis_reply *exec = redis_reply(conn, conn->pipe.count - 1);

	if (exec->kind == REDIS_REPLY_NIL)
		return fail_conflict(conn, error);
	if (exec->kind == REDIS_REPLY_ERROR)
		return fail_aborted(conn, exec, error);
	if (exec->kind == REDIS_REPLY_ARRAY && exec->size == conn->pipe.count - 2)
		return judge(conn, exec, error);
	return redis_fail_protocol(conn, "EXEC answers something else", error);
}

/* Has the server closed the connection, as far as we know? What is sent then is taken by nobody, and does not
 * fail. */
static bool is_gone(const struct redis_link *link)
{
	ssize_t got;
	char byte;

	do
		got = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return !got || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

/* MULTI, what was queued, and EXEC, in one go. */
static uint32_t execute(struct redis_connection *conn, struct consort_error *error)
{
	struct redis_link *link = conn->tx->link;
	uint32_t status;

	if (!link->watched || is_gone(link))
		return redis_fail_lost(link, "before the commit was sent", error);
	swap(conn);
	redis_add(conn, conn->tx->slot, 1);
	redis_arg_text(conn, "EXEC");
	status = redis_run_on(conn, link, error);
	link->watched = false; /* whatever it answers, it watches nothing any more */
	status = status ? fail_sent(conn, link, status, error) : take_outcome(conn, error);
	swap(conn);
	return status;
}

static uint32_t transaction_commit(void *connection, const struct consort_call *call,
				   struct consort_error *error)
{
	struct redis_connection *conn = connection;
	uint32_t status =
		conn->tx ? redis_enter(conn, call, error)
			 : consort_error_set(error, CONSORT_EINVAL, "this connection has no transaction");

	if (!status)
		status = conn->tx->queue.count ? execute(conn, error) : redis_unwatch(conn, error);
	redis_tx_drop(conn);
	redis_leave(conn);
	return status;
}

static uint32_t transaction_wrote(void *connection, const struct consort_call *call, uint32_t *out_wrote,
				  struct consort_error *error)
{
	const struct redis_connection *conn = connection;
	uint32_t status = consort_call_check(call, error);

	if (!status)
		*out_wrote = conn->tx && conn->tx->queue.count;
	return status;
}

const struct consort_transaction_ops redis_transaction_ops = {
	.struct_size = sizeof(redis_transaction_ops),
	.begin = transaction_begin,
	.commit = transaction_commit,
	.rollback = transaction_rollback,
	.wrote = transaction_wrote,
};
