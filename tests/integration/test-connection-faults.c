/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions whose connection, commit or rollback fails, as an adapter is told to: what is tried again,
 * what never is, and what becomes of the connection. */
#include "api.h"
#include "loader/keeper.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the adapter was asked, "begin on 1; …". */
static char heard[8192];

static void hear(void *context, uint32_t level, const char *origin, const char *text)
{
	(void)context;
	(void)origin;
	if (level != CONSORT_LOG_DEBUG)
		return;
	if (heard[0])
		strncat(heard, "; ", sizeof(heard) - strlen(heard) - 1);
	strncat(heard, text, sizeof(heard) - strlen(heard) - 1);
}

static struct consort *open_puppet(const char *script)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_open_options options = {
		.struct_size = sizeof(options), .log = hear, .log_level = CONSORT_LOG_DEBUG};
	struct consort *c = NULL;

	if (access(testing_path("consort-puppet.so"), F_OK))
		keeper_place("puppet", "consort-puppet.so");
	options.path = testing_write("consort.ini", keeper_text("[consort]\nplugin_path = .\n[database db]\n"
								"type = puppet\npool.max = 2\n%s",
								script));
	heard[0] = '\0';
	API_OK(consort_open_with(&options, &c, &error));
	return c;
}

static enum consort_status run_native(struct consort *c, const char *text, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_native(c, "db", text, CONSORT_NO_ARGS, &rows, NULL, error);

	consort_cursor_close(rows);
	return status;
}

/* The texts in turn, one for each call; the last one for all further calls. */
struct body {
	const char *texts[4];
	int calls;
};

static enum consort_status body(struct consort *in, void *arg, struct consort_error *error)
{
	struct body *body = arg;
	int turn = body->calls++;

	while (turn && !body->texts[turn])
		turn--;
	return run_native(in, body->texts[turn], error);
}

/* Runs a transaction that may be run three times; its status. */
static enum consort_status transact(const char *script, struct body *how, struct consort_outcome *outcome,
				    struct consort_error *error)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 3};
	struct consort *c = open_puppet(script);
	enum consort_status status;

	outcome->struct_size = sizeof(*outcome);
	status = consort_transaction_with(c, "db", &options, body, how, outcome, error);
	consort_close(c);
	return status;
}

static void test_commit_conflicts(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_outcome outcome;
	struct body work = {.texts = {"work"}};

	CU_ASSERT_EQUAL(transact("commit = 8r 8r 0\n", &work, &outcome, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	CU_ASSERT_EQUAL(work.calls, 3);
	/* after a commit that failed, the connection is made as new */
	TESTING_TEXT(heard,
		     "open on 1; begin on 1; work on 1; commit on 1; reset on 1; begin on 1; work on 1; "
		     "commit on 1; reset on 1; begin on 1; work on 1; commit on 1; close on 1");
	work.calls = 0;
	CU_ASSERT_EQUAL(transact("commit = 8r 8r 8r\n", &work, &outcome, &error), CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_EQUAL(work.calls, 3);
	/* what does not say that it may succeed is not tried again */
	work.calls = 0;
	CU_ASSERT_EQUAL(transact("commit = 9\n", &work, &outcome, &error), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_EQUAL(work.calls, 1);
}

/* Never after a commit of which nobody knows, even if the adapter says that it may succeed. */
static void test_in_doubt(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_outcome outcome;
	struct body work = {.texts = {"work"}};

	CU_ASSERT_EQUAL(transact("commit = 20r\n", &work, &outcome, &error), CONSORT_EINDOUBT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_UNKNOWN);
	CU_ASSERT_EQUAL(work.calls, 1);
	TESTING_TEXT(heard, "open on 1; begin on 1; work on 1; commit on 1; close on 1");
}

static void test_statement_conflicts(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_outcome outcome;
	struct body work = {.texts = {"fail 8r", "fail 12rd", "work"}};

	CU_ASSERT_EQUAL(transact("", &work, &outcome, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	/* with a connection that is lost there is nothing to roll back */
	TESTING_TEXT(heard, "open on 1; begin on 1; fail 8r on 1; rollback on 1; begin on 1; fail 12rd on 1; "
			    "close on 1; open on 2; begin on 2; work on 2; commit on 2; close on 2");
}

/* A connection that was lost while it was idle is noticed by begin, which has not sent anything yet. */
static void test_begin_on_lost(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_puppet("begin = 0 12d 0\npool.keepalive = 0\n"), *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(consort_commit(in, NULL, &error));
	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(heard,
		     "open on 1; begin on 1; commit on 1; begin on 1; close on 1; open on 2; begin on 2; "
		     "commit on 2");
	consort_close(c);
	/* a new one that is lost too is told */
	c = open_puppet("begin = 12d 12d 0\n");
	CU_ASSERT_EQUAL(consort_begin(c, "db", &in, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(heard, "open on 1; begin on 1; close on 1; open on 2; begin on 2; close on 2");
	consort_close(c);
}

/* So is what only reads, once and outside a transaction, if the connection had waited in the pool. */
static void test_read_on_lost(void)
{
	static const char thing[] =
		"[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64 not null\n";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	struct consort *c, *in = NULL;

	c = open_puppet(
		keeper_text("read = 0 12 0 12d 0 12 12 12d 0 13d 0 12\npool.keepalive = 0\n%s", thing));
	API_OK(consort_get(c, "thing", CONSORT_ARGS(consort_int64(1)), &r, &error));
	API_OK(consort_get(c, "thing", CONSORT_ARGS(consort_int64(1)), &r, &error));
	CU_ASSERT_EQUAL(error.status, CONSORT_OK);
	CU_ASSERT_EQUAL(consort_record_int64(r, "id"), 1);
	TESTING_TEXT(heard, "open on 1; read on 1; read on 1; close on 1; open on 2; read on 2");
	heard[0] = '\0';
	TESTING_TEXT(api_find(c, "thing", NULL, NULL, NULL), "1");
	TESTING_TEXT(heard, "read on 2; close on 2; open on 3; read on 3");
	heard[0] = '\0';
	TESTING_CONTAINS(api_find(c, "thing", NULL, NULL, NULL), "status 12: as told (12)");
	TESTING_TEXT(heard, "read on 3; close on 3; open on 4; read on 4; close on 4");
	heard[0] = '\0';
	TESTING_CONTAINS(api_find(c, "thing", NULL, NULL, NULL), "status 12: as told (12)");
	TESTING_TEXT(heard, "open on 5; read on 5; close on 5");
	heard[0] = '\0';
	TESTING_TEXT(api_find(c, "thing", NULL, NULL, NULL), "1");
	TESTING_CONTAINS(api_find(c, "thing", NULL, NULL, NULL), "status 13: as told (13)");
	TESTING_TEXT(heard, "open on 6; read on 6; read on 6; close on 6");
	heard[0] = '\0';
	TESTING_TEXT(api_find(c, "thing", NULL, NULL, NULL), "1");
	heard[0] = '\0';
	API_OK(consort_begin(c, "db", &in, &error));
	CU_ASSERT_EQUAL(consort_get(in, "thing", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_TX_ABORTED);
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(heard, "begin on 7; read on 7; close on 7");
	consort_record_free(r);
	consort_close(c);
}

/* A rollback that fails closes the connection, which undoes it too. */
static void test_rollback_fails(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_puppet("rollback = 13 13\n"), *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(run_native(in, "work", &error));
	CU_ASSERT_EQUAL(consort_rollback(in, &error), CONSORT_ETIMEOUT);
	API_OK(consort_begin(c, "db", &in, &error));
	consort_close(in);
	TESTING_TEXT(heard,
		     "open on 1; begin on 1; work on 1; rollback on 1; close on 1; open on 2; begin on 2; "
		     "rollback on 2; close on 2");
	consort_close(c);
}

/* Who was cancelled, or is late, is rolled back all the same. */
static void test_cancelled(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_puppet(""), *scope = NULL, *in = NULL;
	struct consort_scope_options limits = {.struct_size = sizeof(limits), .cancel = consort_cancel_new()};

	API_OK(consort_scope(c, &limits, &scope, &error));
	API_OK(consort_begin(scope, "db", &in, &error));
	consort_cancel_fire(limits.cancel);
	API_OK(consort_rollback(in, &error));
	CU_ASSERT_EQUAL(consort_begin(scope, "db", &in, &error), CONSORT_ECANCELLED);
	consort_close(scope);
	consort_cancel_free(limits.cancel);
	limits.cancel = NULL;
	limits.timeout = 1;
	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(consort_scope(in, &limits, &scope, &error));
	consort_close(scope);
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(heard, "open on 1; begin on 1; rollback on 1; begin on 1; rollback on 1");
	consort_close(c);
}

/* Without savepoints a failed transaction can only be rolled back. */
static void test_no_savepoints(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_puppet(""), *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	CU_ASSERT_EQUAL(consort_savepoint(in, "s", &error), CONSORT_EUNSUPPORTED);
	API_OK(run_native(in, "work", &error));
	CU_ASSERT_EQUAL(run_native(in, "fail 18", &error), CONSORT_EENGINE);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(run_native(in, "work", &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "since a call failed: as told (18)");
	CU_ASSERT_EQUAL(consort_commit(in, NULL, &error), CONSORT_EENGINE);
	TESTING_TEXT(heard, "open on 1; begin on 1; work on 1; fail 18 on 1; rollback on 1");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"commit-conflicts", test_commit_conflicts},
		{"in-doubt", test_in_doubt},
		{"statement-conflicts", test_statement_conflicts},
		{"begin-on-lost", test_begin_on_lost},
		{"read-on-lost", test_read_on_lost},
		{"rollback-fails", test_rollback_fails},
		{"cancelled", test_cancelled},
		{"no-savepoints", test_no_savepoints},
		{NULL, NULL},
	};

	return testing_main("connection-faults", cases, argc, argv);
}
