/* SPDX-License-Identifier: Apache-2.0 */
/* What giving back tokens and closing handles leaves to those that still use them. */
#include "api.h"

static const char manifest[] = "[database db]\ntype = sqlite\npath = things.db\n"
			       "[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64\n";

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
	static const struct testing_case cases[] = {{"token", test_token}, {NULL, NULL}};

	return testing_main("close", cases, argc, argv);
}
