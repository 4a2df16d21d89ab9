/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions on one database, with each engine: what is kept, and what a failure leaves behind. */
#include "engines.h"

#include <stdbool.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)

static struct consort *begin(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	return in;
}

/* --- ends --- */

static void test_ends(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *other = engines_open_again("", ""), *in;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome), .kind = 99};

	in = begin(c);
	API_OK(account_create(in, 1, "a", 10, &error));
	TESTING_TEXT(account_ids(in), engines_own("1", ""));
	TESTING_TEXT(account_ids(other), "");
	API_OK(consort_commit(in, &outcome, &error));
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	TESTING_TEXT(account_ids(other), "1");

	in = begin(c);
	API_OK(account_create(in, 2, "b", 10, &error));
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(account_ids(other), "1");

	in = begin(c);
	API_OK(account_create(in, 3, "c", 10, &error));
	consort_close(in);
	TESTING_TEXT(account_ids(other), "1");

	/* nothing at all */
	API_OK(consort_commit(begin(c), &outcome, &error));
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	API_OK(consort_commit(begin(c), NULL, &error));
	consort_close(other);
	engines_close(c);
}

/* A transaction's handle takes part with all that is made of it; its end ends that. */
static void test_handles(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c =
		engines_open("", "[database other]\ntype = sqlite\npath = other.db\nresources = *\n");
	struct consort *in, *scope = NULL, *none = NULL;
	struct consort_scope_options options = {.struct_size = sizeof(options),
						.timeout = 60000 * MILLISECOND};
	const struct consort_resource *resource = NULL;
	struct consort_cursor *rows = NULL;
	struct consort_query *q;

	API_OK(account_create(c, 1, "a", 1, &error));
	in = begin(c);
	API_OK(consort_scope(in, &options, &scope, &error));
	API_OK(account_create(scope, 2, "b", 1, &error));
	API_OK(account_create(in, 3, "c", 1, &error));
	TESTING_TEXT(account_ids(in), engines_own("1,2,3", "1"));
	TESTING_TEXT(account_ids(scope), engines_own("1,2,3", "1"));
	/* the parent's database is the transaction's, on this thread */
	CU_ASSERT_EQUAL(account_create(c, 4, "d", 1, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "this thread has a transaction open on database 'db'");
	CU_ASSERT_EQUAL(consort_begin(c, "db", &none, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_begin(in, "db", &none, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "use a savepoint inside it");
	CU_ASSERT_EQUAL(consort_begin(scope, "db", &none, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_commit(scope, NULL, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "did not begin a transaction");
	CU_ASSERT_EQUAL(consort_begin(c, "db, other", &none, &error), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_describe(in, "other.x", &resource, &error), CONSORT_EINVAL);
	TESTING_TEXT(error.message,
		     "database 'other' is not part of this transaction, which was begun on 'db'");
	/* none of that failed it */
	q = consort_query_new(scope, "account");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_TRUE_FATAL(consort_cursor_next(rows, &error));
	API_OK(consort_commit(in, NULL, &error));
	while (consort_cursor_next(rows, &error))
		;
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_EINVAL);
	TESTING_CONTAINS(consort_cursor_error(rows)->message, "its transaction has ended");
	consort_cursor_close(rows);
	consort_query_free(q);
	CU_ASSERT_EQUAL(account_create(scope, 4, "d", 1, &error), CONSORT_EINVAL);
	TESTING_TEXT(error.message, "the transaction of this handle has ended");
	consort_close(scope);
	TESTING_TEXT(account_ids(c), "1,2,3");
	engines_close(c);
}

/* --- failures --- */

static void expect_failed(struct consort *in, const char *why)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	CU_ASSERT_EQUAL(account_create(in, 100, "late", 1, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message,
			 "the transaction on 'db' takes nothing but a rollback, of all or to a savepoint, "
			 "since a call failed: ");
	TESTING_CONTAINS(error.message, why);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(consort_get(in, "account", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_savepoint(in, "late", &error),
			engines_have(ENGINES_SAVEPOINTS) ? CONSORT_EINVAL : CONSORT_EUNSUPPORTED);
	consort_record_free(r);
}

/* A statement that fails leaves nothing of itself, and fails the transaction. */
static void test_failed_statement(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *in;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	int round;

	API_OK(account_create(c, 1, "a", 1, &error));
	for (round = 0; round < 2; round++) {
		in = begin(c);
		API_OK(account_create(in, 2, "b", 1, &error));
		CU_ASSERT_EQUAL(account_create(in, 1, "again", 1, &error), CONSORT_ECONSTRAINT);
		CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_TX_ABORTED);
		expect_failed(in, error.message);
		if (round) {
			API_OK(consort_rollback(in, &error));
		} else {
			CU_ASSERT_EQUAL(consort_commit(in, &outcome, &error), CONSORT_ECONSTRAINT);
			TESTING_CONTAINS(error.message,
					 "the transaction on 'db' was rolled back, since a call failed: ");
			CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_TX_ABORTED);
			CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
		}
		TESTING_TEXT(api_find(c, "account", NULL, NULL, NULL), "1,a,1");
	}
	/* outside of one, it is only itself */
	CU_ASSERT_EQUAL(account_create(c, 1, "again", 1, &error), CONSORT_ECONSTRAINT);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_TX_ABORTED);
	engines_close(c);
}

/* Going back to a savepoint heals it. */
static void test_healed(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open_with(ENGINES_SAVEPOINTS, "", ""), *in = begin(c);
	int round;

	API_OK(account_create(in, 1, "a", 1, &error));
	API_OK(consort_savepoint(in, "one", &error));
	for (round = 0; round < 3; round++) {
		API_OK(account_create(in, 2, "b", 1, &error));
		CU_ASSERT_EQUAL(account_create(in, 3, NULL, 1, &error), CONSORT_ECONSTRAINT);
		expect_failed(in, error.message);
		CU_ASSERT_EQUAL(consort_release(in, "one", &error), CONSORT_EINVAL);
		API_OK(consort_rollback_to(in, "one", &error));
		TESTING_TEXT(account_ids(in), "1");
	}
	API_OK(account_create(in, 4, "d", 1, &error));
	API_OK(consort_release(in, "one", &error));
	API_OK(account_create(in, 5, "e", 1, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(account_ids(c), "1,4,5");
	engines_close(c);
}

/* What was not asked of the database, or not found there, fails nothing. */
static void test_no_failures(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *in;
	struct consort_record *r = NULL;
	struct consort_cursor *rows = NULL;
	struct consort_query *q;

	API_OK(account_create(c, 1, "a", 1, &error));
	in = begin(c);
	API_OK(account_create(in, 2, "b", 1, &error));
	CU_ASSERT_EQUAL(consort_get(in, "account", CONSORT_ARGS(consort_int64(7)), &r, &error),
			CONSORT_ENOTFOUND);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(consort_delete(in, "account", CONSORT_ARGS(consort_int64(7)), &error),
			CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(account_set(in, 7, 1, &error), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(consort_get(in, "acount", CONSORT_ARGS(consort_int64(7)), &r, &error), CONSORT_ENAME);
	CU_ASSERT_EQUAL(consort_get(in, "account", CONSORT_ARGS(consort_text("x")), &r, &error),
			CONSORT_ETYPE);
	TESTING_CONTAINS(api_find(in, "account", "no_such", NULL, NULL), "no_such");
	TESTING_CONTAINS(api_find(in, "account", NULL, "id = = 1", NULL), "status 2: ");
	q = consort_query_new(in, "account");
	consort_query_select(q, "1 / (balance - 1)");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ERANGE);
	consort_cursor_close(rows);
	consort_query_free(q);
	TESTING_TEXT(account_ids(in), engines_own("1,2", "1"));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(account_ids(c), "1,2");
	engines_close(c);
}

/* Many records: whatever ends it, nothing of it stays. */
static void test_failed_set(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open_with(ENGINES_SAVEPOINTS, "", ""), *in;
	struct consort_record *records[3];
	struct consort_query *q;
	int64_t affected = 0;
	int i;

	API_OK(account_create(c, 3, "c", 1, &error));
	for (i = 0; i < 3; i++) {
		records[i] = consort_record_new(c, "account");
		consort_record_set(records[i], "id", consort_int64(i + 1));
		consort_record_set(records[i], "owner", consort_text("x"));
	}
	/* by itself */
	CU_ASSERT_EQUAL(consort_create_many(c, records, 3, 0, NULL, &error), CONSORT_ECONSTRAINT);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_TX_ABORTED);
	TESTING_TEXT(account_ids(c), "3");
	/* in a transaction */
	in = begin(c);
	API_OK(consort_savepoint(in, "before", &error));
	CU_ASSERT_EQUAL(consort_create_many(in, records, 3, 0, NULL, &error), CONSORT_ECONSTRAINT);
	expect_failed(in, error.message);
	API_OK(consort_rollback_to(in, "before", &error));
	TESTING_TEXT(account_ids(in), "3");
	/* also if one of several is not there */
	CU_ASSERT_EQUAL(consort_update_many(in, records, 3, 0, NULL, &error), CONSORT_ENOTFOUND);
	expect_failed(in, error.message);
	API_OK(consort_rollback_to(in, "before", &error));
	TESTING_TEXT(api_find(in, "account", "owner", NULL, NULL), "c");
	q = consort_query_new(in, "account");
	consort_query_where(q, "id > 0");
	CU_ASSERT_EQUAL(consort_update_where(q, "owner = null", CONSORT_NO_ARGS, &affected, &error),
			CONSORT_ECONSTRAINT);
	expect_failed(in, error.message);
	consort_query_free(q);
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(api_find(c, "account", "owner", NULL, NULL), "c");
	for (i = 0; i < 3; i++)
		consort_record_free(records[i]);
	engines_close(c);
}

static void test_read_only(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options),
						.flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *in = NULL;

	API_OK(account_create(c, 1, "a", 1, &error));
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	TESTING_TEXT(account_ids(in), "1");
	CU_ASSERT_EQUAL(account_create(in, 2, "b", 1, &error), CONSORT_EREADONLY);
	expect_failed(in, error.message);
	CU_ASSERT_EQUAL(consort_commit(in, NULL, &error), CONSORT_EREADONLY);
	/* the next one on that connection writes */
	in = begin(c);
	API_OK(account_create(in, 2, "b", 1, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(account_ids(c), "1,2");
	engines_close(c);
}

/* What others commit is not seen by who only reads meanwhile, unless less is asked for, and given. */
static void test_isolation(void)
{
	static const struct {
		uint32_t isolation;
		bool apart; /* on every engine */
	} levels[] = {{CONSORT_ISOLATION_DEFAULT, false},
		      {CONSORT_ISOLATION_READ_COMMITTED, false},
		      {CONSORT_ISOLATION_REPEATABLE_READ, true},
		      {CONSORT_ISOLATION_SERIALIZABLE, true}};
	struct consort_begin_options options = {.struct_size = sizeof(options),
						.flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *other = engines_open_again("", ""), *in = NULL;
	/* these read what is there when they read */
	bool sees = !strncmp(testing_name(), "postgres", strlen("postgres")) ||
		    !strncmp(testing_name(), "redis", strlen("redis"));
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		options.isolation = levels[i].isolation;
		if ((options.isolation == CONSORT_ISOLATION_SERIALIZABLE &&
		     !engines_have(ENGINES_SERIALIZABLE)) ||
		    (options.isolation == CONSORT_ISOLATION_REPEATABLE_READ &&
		     !engines_have(ENGINES_REPEATS))) {
			CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error),
					CONSORT_EUNSUPPORTED);
			continue;
		}
		API_OK(account_create(c, 1, "a", 1, &error));
		API_OK(consort_begin_with(c, "db", &options, &in, &error));
		TESTING_TEXT(api_find(in, "account", NULL, NULL, NULL), "1,a,1");
		API_OK(account_set(other, 1, 2, &error));
		TESTING_TEXT(api_find(in, "account", NULL, NULL, NULL),
			     sees && !levels[i].apart ? "1,a,2" : "1,a,1");
		API_OK(consort_commit(in, NULL, &error));
		API_OK(consort_delete(c, "account", CONSORT_ARGS(consort_int64(1)), &error));
	}
	consort_close(other);
	engines_close(c);
}

static void test_bad_options(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *in = NULL;

	options.flags = 8;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EINVAL);
	options.flags = 0;
	options.isolation = 9;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EINVAL);
	options.isolation = 0;
	options.attempts = 2;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "consort_transaction_with");
	options.attempts = 0;
	options.struct_size = 4;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_begin(c, "", &in, &error), CONSORT_ENAME);
	CU_ASSERT_EQUAL(consort_begin(c, "dv", &in, &error), CONSORT_ENAME);
	CU_ASSERT_PTR_NULL(in);
	API_OK(consort_begin(c, " db ", &in, &error));
	API_OK(consort_rollback(in, &error));
	engines_close(c);
}

/* --- savepoints --- */

static void test_savepoints(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open_with(ENGINES_SAVEPOINTS, "", ""), *in = begin(c);
	struct consort_query *q;
	struct consort_cursor *rows = NULL;
	char name[80];

	API_OK(account_create(in, 1, "a", 1, &error));
	API_OK(consort_savepoint(in, "s1", &error));
	API_OK(account_create(in, 2, "b", 1, &error));
	API_OK(consort_savepoint(in, "s2", &error));
	API_OK(account_create(in, 3, "c", 1, &error));
	API_OK(consort_savepoint(in, "s3", &error));
	API_OK(account_create(in, 4, "d", 1, &error));
	TESTING_TEXT(account_ids(in), "1,2,3,4");
	API_OK(consort_rollback_to(in, "s2", &error));
	TESTING_TEXT(account_ids(in), "1,2");
	/* s3 went with it, s2 is there still */
	CU_ASSERT_EQUAL(consort_rollback_to(in, "s3", &error), CONSORT_ENAME);
	TESTING_TEXT(error.message, "the transaction on 'db' has no savepoint 's3'");
	API_OK(account_create(in, 5, "e", 1, &error));
	API_OK(consort_rollback_to(in, "s2", &error));
	TESTING_TEXT(account_ids(in), "1,2");
	/* releasing keeps what was done, and forgets those behind it */
	API_OK(account_create(in, 6, "f", 1, &error));
	API_OK(consort_release(in, "s1", &error));
	TESTING_TEXT(account_ids(in), "1,2,6");
	CU_ASSERT_EQUAL(consort_rollback_to(in, "s1", &error), CONSORT_ENAME);
	CU_ASSERT_EQUAL(consort_release(in, "s2", &error), CONSORT_ENAME);
	/* a name may be used again, and hides the older place */
	API_OK(consort_savepoint(in, "x", &error));
	API_OK(account_create(in, 7, "g", 1, &error));
	API_OK(consort_savepoint(in, "x", &error));
	API_OK(account_create(in, 8, "h", 1, &error));
	API_OK(consort_rollback_to(in, "x", &error));
	TESTING_TEXT(account_ids(in), "1,2,6,7");
	API_OK(consort_release(in, "x", &error));
	API_OK(consort_rollback_to(in, "x", &error));
	TESTING_TEXT(account_ids(in), "1,2,6");
	/* cursors end with what they read */
	q = consort_query_new(in, "account");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	API_OK(consort_rollback_to(in, "x", &error));
	CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
	TESTING_CONTAINS(consort_cursor_error(rows)->message, "was rolled back to a savepoint");
	consort_cursor_close(rows);
	consort_query_free(q);
	/* names */
	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	API_OK(consort_savepoint(in, name, &error));
	API_OK(consort_rollback_to(in, name, &error));
	name[63] = 'n';
	name[64] = '\0';
	CU_ASSERT_EQUAL(consort_savepoint(in, name, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_savepoint(in, "", &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_savepoint(in, "a; drop", &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_savepoint(in, "A", &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_savepoint(c, "a", &error), CONSORT_EINVAL);
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(account_ids(c), "1,2,6");
	engines_close(c);
}

/* A table that was made and unmade is not there for others, nor for who goes back. */
static void test_defined(void)
{
	static const char scratch[] = "[resource scratch]\ndatabase = db\nkey = id\nattribute.id = int64\n";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open_with(ENGINES_DEFINES, "", scratch), *in = begin(c);

	API_OK(consort_drop(in, "scratch", CONSORT_DEFINE_IF_NEEDED, NULL, &error));
	API_OK(consort_savepoint(in, "before", &error));
	API_OK(consort_define(in, "scratch", 0, NULL, &error));
	TESTING_TEXT(api_find(in, "scratch", "count(*)", NULL, NULL), "0");
	API_OK(consort_rollback_to(in, "before", &error));
	API_OK(consort_define(in, "scratch", 0, NULL, &error));
	API_OK(consort_rollback(in, &error));
	API_OK(consort_define(c, "scratch", 0, NULL, &error));
	TESTING_TEXT(api_find(c, "scratch", "count(*)", NULL, NULL), "0");
	API_OK(consort_drop(c, "scratch", 0, NULL, &error));
	engines_close(c);
}

/* What stands on transactions goes with them. */
static void test_without(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("features = -transactions\n", ""), *in = NULL;
	const char *why = NULL;

	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_READ_YOUR_WRITES, &why));
	TESTING_TEXT(why,
		     engines_own("it needs transactions, which is missing", "the adapter does not have it"));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_ATOMIC_COMMIT, &why));
	TESTING_TEXT(why,
		     engines_own("it needs transactions, which is missing", "the adapter does not have it"));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_LAST_RESOURCE, NULL));
	CU_ASSERT_EQUAL(consort_begin(c, "db", &in, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "the manifest takes it away");
	engines_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"ends", test_ends},
		{"handles", test_handles},
		{"failed-statement", test_failed_statement},
		{"healed", test_healed},
		{"no-failures", test_no_failures},
		{"failed-set", test_failed_set},
		{"read-only", test_read_only},
		{"isolation", test_isolation},
		{"bad-options", test_bad_options},
		{"savepoints", test_savepoints},
		{"defined", test_defined},
		{"without", test_without},
		{NULL, NULL},
	};

	return engines_main("transactions", cases, argc, argv);
}
