/* SPDX-License-Identifier: Apache-2.0 */
/* Handles as children hold them, and scopes with limits. */
#include "handle/handle.h"

/* --- handles --- */

void consort_handle_hold(struct consort *c)
{
	__atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED);
}

struct consort *consort_handle_derive(struct consort *c)
{
	struct consort *derived = calloc(1, sizeof(*derived));

	if (!derived)
		return NULL;
	consort_handle_hold(c);
	derived->references = 1;
	derived->root = c->root;
	derived->parent = c;
	derived->tx = c->tx;
	derived->deadline = c->deadline;
	derived->cancel = c->cancel;
	derived->trace_parent = c->trace_parent;
	derived->memory_limit = c->memory_limit;
	return derived;
}

void consort_handle_drop(struct consort *c)
{
	if (__atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL))
		return;
	if (c->owns_tx)
		consort_tx_free(c->tx);
	if (c->owns_cancel)
		consort_cancel_free(c->cancel);
	if (c->parent)
		consort_handle_drop(c->parent);
	else
		consort_root_drop(c->root);
	free(c->own_trace_parent);
	free(c);
}

enum consort_status consort_handle_check(const struct consort *c, struct consort_error *error)
{
	if (CONSORT_UNLIKELY(c->root->stamp != consort_fork_count))
		return consort_error_set(
			error, CONSORT_EFORKED,
			"this handle belongs to the parent process: open the manifest anew after fork");
	if (CONSORT_UNLIKELY(c->tx && !c->tx->connection))
		return consort_error_set(error, CONSORT_EINVAL, "the transaction of this handle has ended");
	return CONSORT_OK;
}

void consort_close(struct consort *c)
{
	if (!c)
		return;
	consort_transaction_close(c);
	consort_handle_drop(c);
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

enum consort_status consort_scope(struct consort *c, const struct consort_scope_options *options,
				  struct consort **out_scope, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, c, options, out_scope);
	struct consort *scope;

	if (!status)
		status = consort_handle_check(c, error);
	if (status)
		return status;
	if (options->struct_size < sizeof(*options) || options->flags || options->timeout < 0)
		return consort_error_set(
			error, CONSORT_EINVAL,
			options->timeout < 0
				? "a scope's timeout must not be negative"
				: "consort_scope_options: struct_size is not set, or unknown flags");
	if (options->cancel && c->cancel && options->cancel != c->cancel)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"the handle has a cancel token already: a scope of it cannot have another one");
	scope = consort_handle_derive(c);
	if (scope && options->trace_parent)
		scope->trace_parent = scope->own_trace_parent = strdup(options->trace_parent);
	if (!scope || (options->trace_parent && !scope->trace_parent)) {
		consort_close(scope);
		return consort_error_no_memory(error);
	}
	if (options->timeout)
		scope->deadline = earlier(c->deadline, consort_host_services()->clock() + options->timeout);
	if (options->cancel) {
		scope->cancel = consort_cancel_hold(options->cancel);
		scope->owns_cancel = true;
	}
	if (options->memory_limit && (!c->memory_limit || options->memory_limit < c->memory_limit))
		scope->memory_limit = options->memory_limit;
	*out_scope = scope;
	return CONSORT_OK;
}
