/* SPDX-License-Identifier: Apache-2.0 */
/* What closing handles and giving back tokens leaves to those that still use them. */
#include "api.h"
#include "loader/loader.h"
#include "tx/tx.h"

static const char manifest[] = "[database db]\ntype = sqlite\npath = things.db\n"
			       "[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64\n";

static int64_t deadline;

enum consort_status __real_consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					       struct consort_error *error);
enum consort_status __wrap_consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					       struct consort_error *error);

enum consort_status __wrap_consort_tx_rollback(struct consort_tx *tx, const struct consort_call *call,
					       struct consort_error *error)
{
	deadline = call->deadline;
	CU_ASSERT_PTR_NULL(call->cancelled);
	return __real_consort_tx_rollback(tx, call, error);
}

/* A server that does not answer holds nobody up for good. */
static void test_rollback(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest), *in = NULL;
	int64_t before;

	API_OK(consort_begin(c, "db", &in, &error));
	before = consort_host_services()->clock();
	consort_close(in);
	CU_ASSERT_TRUE(deadline > before);
	CU_ASSERT_TRUE(deadline <= consort_host_services()->clock() + INT64_C(5000000000));
	consort_close(c);
}

/* A token lives as long as a scope that has it, and what was made of the scope. */
static void test_token(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest), *scope = NULL, *in = NULL;
	struct consort_scope_options options = {.struct_size = sizeof(options)};
	struct consort_query *q;
	struct consort_cursor *rows = NULL;

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	options.cancel = consort_cancel_new();
	API_OK(consort_scope(c, &options, &scope, &error));
	consort_cancel_free(options.cancel);
	API_OK(consort_begin(scope, "db", &in, &error));
	consort_close(scope);
	q = consort_query_new(in, "thing");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	API_OK(consort_commit(in, NULL, &error));
	consort_cursor_close(rows);
	consort_query_free(q);

	options.cancel = consort_cancel_new();
	API_OK(consort_scope(c, &options, &scope, &error));
	q = consort_query_new(scope, "thing");
	consort_close(scope);
	consort_cancel_fire(options.cancel);
	consort_cancel_free(options.cancel);
	CU_ASSERT_EQUAL(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error), CONSORT_ECANCELLED);
	consort_query_free(q);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"rollback", test_rollback}, {"token", test_token}, {NULL, NULL}};

	return testing_main("close", cases, argc, argv);
}
