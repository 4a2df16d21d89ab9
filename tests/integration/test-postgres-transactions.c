/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL adapter: transactions, isolation, snapshots of several connections, and two phases. */
#include "postgres-adapter.h"

#include <stdio.h>
#include <unistd.h>

static struct adapter_test test;

#define OK(call) ADAPTER_OK(&test, call)
#define TABLE "CREATE TABLE x(id integer PRIMARY KEY, n integer); INSERT INTO x VALUES (1, 1);"

static uint32_t begin_on(void *connection, uint32_t isolation, uint32_t flags)
{
	const struct consort_transaction_options options = {
		.struct_size = sizeof(options), .isolation = isolation, .flags = flags};

	memset(&test.error, 0, sizeof(test.error));
	return test.plugin->transaction->begin(connection, &test.call, &options, &test.error);
}

static uint32_t begin(uint32_t flags)
{
	return begin_on(test.connection, CONSORT_ISOLATION_DEFAULT, flags);
}

static uint32_t commit(void)
{
	memset(&test.error, 0, sizeof(test.error));
	return test.plugin->transaction->commit(test.connection, &test.call, &test.error);
}

static uint32_t rollback(void)
{
	return test.plugin->transaction->rollback(test.connection, &test.call, &test.error);
}

static uint32_t wrote(void)
{
	uint32_t wrote = 99;

	OK(test.plugin->transaction->wrote(test.connection, &test.call, &wrote, &test.error));
	return wrote;
}

static const char *setting(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SHOW %s", name);
	OK(adapter_do(&test, sql));
	return adapter_text(&test);
}

static void test_options(void)
{
	static const char *const levels[] = {"read committed\n", "read committed\n", "repeatable read\n",
					     "serializable\n"};
	uint32_t i;

	postgres_test_open(&test, TABLE, NULL);
	for (i = 0; i < 4; i++) {
		OK(begin_on(test.connection, i, 0));
		TESTING_TEXT(setting("transaction_isolation"), levels[i]);
		OK(commit());
	}
	OK(begin(CONSORT_TRANSACTION_READ_ONLY));
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES (2, 2)"), CONSORT_EREADONLY);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	OK(rollback());
	postgres_test_close(&test);
	postgres_test_open(&test, TABLE, ADAPTER_LIST("options=-csynchronous_commit=off"));
	OK(begin(CONSORT_TRANSACTION_DECIDES));
	TESTING_TEXT(setting("synchronous_commit"), "on\n");
	OK(commit());
	TESTING_TEXT(setting("synchronous_commit"), "off\n");
	CU_ASSERT_EQUAL(begin(0x800), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(begin_on(test.connection, 9, 0), CONSORT_EUNSUPPORTED);
	OK(begin(0));
	CU_ASSERT_EQUAL(begin(0), CONSORT_EINVAL);
	OK(commit());
	CU_ASSERT_EQUAL(commit(), CONSORT_EINVAL);
	OK(rollback()); /* of nothing is nothing */
	postgres_test_close(&test);
}

static void test_wrote(void)
{
	postgres_test_open(&test, TABLE, NULL);
	OK(begin(0));
	OK(adapter_do(&test, "SELECT * FROM x"));
	CU_ASSERT_EQUAL(wrote(), 0);
	OK(adapter_do(&test, "UPDATE x SET n = 2"));
	CU_ASSERT_EQUAL(wrote(), 1);
	OK(rollback());
	postgres_test_close(&test);
}

/* A commit of what has failed rolls back, and says so. */
static void test_failed(void)
{
	postgres_test_open(&test, TABLE, NULL);
	OK(begin(0));
	OK(adapter_do(&test, "INSERT INTO x VALUES (2, 2)"));
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES (1, 1)"), CONSORT_ECONSTRAINT);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(adapter_do(&test, "SELECT 1"), CONSORT_ECONFLICT);
	TESTING_TEXT(test.error.sqlstate, "25P02");
	CU_ASSERT_EQUAL(commit(), CONSORT_ECONFLICT);
	TESTING_CONTAINS(test.error.message, "so it was rolled back");
	CU_ASSERT(!(test.error.flags & CONSORT_ERROR_TX_ABORTED));
	TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "1");
	/* a constraint that is checked at the end */
	OK(adapter_do(&test, "CREATE TABLE y(id integer REFERENCES x DEFERRABLE INITIALLY DEFERRED)"));
	OK(begin(0));
	OK(adapter_do(&test, "INSERT INTO y VALUES (7)"));
	CU_ASSERT_EQUAL(commit(), CONSORT_ECONSTRAINT);
	TESTING_TEXT(test.error.constraint, "y_id_fkey");
	OK(begin(0));
	OK(commit());
	postgres_test_close(&test);
}

static void test_savepoints(void)
{
	const struct consort_transaction_ops *ops;

	postgres_test_open(&test, TABLE, NULL);
	ops = test.plugin->transaction;
	OK(begin(0));
	OK(ops->savepoint(test.connection, &test.call, "one", &test.error));
	OK(adapter_do(&test, "INSERT INTO x VALUES (2, 2)"));
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES (2, 2)"), CONSORT_ECONSTRAINT);
	OK(ops->rollback_to(test.connection, &test.call, "one", &test.error));
	OK(adapter_do(&test, "INSERT INTO x VALUES (3, 3)"));
	OK(ops->release(test.connection, &test.call, "one", &test.error));
	CU_ASSERT_EQUAL(ops->rollback_to(test.connection, &test.call, "one", &test.error), CONSORT_ENAME);
	OK(rollback());
	CU_ASSERT_EQUAL(ops->savepoint(test.connection, &test.call, "one", &test.error), CONSORT_EINVAL);
	TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "1");
	postgres_test_close(&test);
}

/* Two transactions that both read and then write cannot both have been first. */
static void test_serialization(void)
{
	void *other;

	postgres_test_open(&test, TABLE, NULL);
	other = adapter_connect(&test);
	OK(begin_on(test.connection, CONSORT_ISOLATION_REPEATABLE_READ, 0));
	OK(adapter_do(&test, "SELECT n FROM x"));
	postgres_test_raw("UPDATE x SET n = 5");
	OK(adapter_do(&test, "SELECT n FROM x"));
	TESTING_TEXT(adapter_text(&test), "1\n");
	CU_ASSERT_EQUAL(adapter_do(&test, "UPDATE x SET n = n + 1"), CONSORT_ECONFLICT);
	TESTING_TEXT(test.error.sqlstate, "40001");
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	OK(rollback());
	test.plugin->connection->close(other, &test.call);
	postgres_test_close(&test);
}

/* Several connections see one state. */
static void test_snapshot(void)
{
	const struct consort_transaction_ops *ops;
	const char *snapshot = NULL;
	void *first, *second;

	postgres_test_open(&test, TABLE, NULL);
	ops = test.plugin->transaction;
	first = test.connection;
	second = adapter_connect(&test);
	CU_ASSERT_EQUAL(ops->snapshot_export(first, &test.call, &snapshot, &test.error), CONSORT_EINVAL);
	OK(begin_on(first, CONSORT_ISOLATION_REPEATABLE_READ, CONSORT_TRANSACTION_READ_ONLY));
	OK(ops->snapshot_export(first, &test.call, &snapshot, &test.error));
	postgres_test_raw("INSERT INTO x VALUES (2, 2)");
	OK(begin_on(second, CONSORT_ISOLATION_REPEATABLE_READ, CONSORT_TRANSACTION_READ_ONLY));
	OK(ops->snapshot_import(second, &test.call, snapshot, &test.error));
	test.connection = second;
	OK(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "1\n");
	OK(ops->commit(second, &test.call, &test.error));
	OK(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "2\n");
	OK(begin_on(second, CONSORT_ISOLATION_REPEATABLE_READ, 0));
	CU_ASSERT(ops->snapshot_import(second, &test.call, "nonsense'", &test.error) != CONSORT_OK);
	OK(ops->rollback(second, &test.call, &test.error));
	test.connection = first;
	OK(ops->commit(first, &test.call, &test.error));
	test.plugin->connection->close(second, &test.call);
	postgres_test_close(&test);
}

/* --- two phases --- */

static uint32_t take_branch(void *context, const char *id, int64_t age)
{
	(void)context;
	CU_ASSERT(age >= 0 && age < INT64_C(600000000));
	consort_buffer_printf(&test.text, "%s\n", id);
	return CONSORT_OK;
}

static const char *branches(const char *prefix)
{
	const struct consort_prepared_sink sink = {NULL, take_branch};

	consort_buffer_reset(&test.text);
	OK(test.plugin->prepared->list(test.connection, &test.call, prefix, &sink, &test.error));
	return adapter_text(&test);
}

static void prepare(const char *id, const char *sql)
{
	OK(begin(CONSORT_TRANSACTION_WILL_PREPARE));
	OK(adapter_do(&test, sql));
	OK(test.plugin->prepared->prepare(test.connection, &test.call, id, &test.error));
}

static void test_two_phases(void)
{
	const struct consort_prepared_ops *ops;
	char one[64], two[64], prefix[32], both[160];

	postgres_test_open(&test, TABLE, NULL);
	ops = test.plugin->prepared;
	snprintf(prefix, sizeof(prefix), "consort'%ld_", (long)getpid());
	snprintf(one, sizeof(one), "%s1", prefix);
	snprintf(two, sizeof(two), "%s2", prefix);
	snprintf(both, sizeof(both), "%s\n%s\n", one, two);
	prepare(one, "INSERT INTO x VALUES (2, 2)");
	prepare(two, "INSERT INTO x VALUES (3, 3)");
	TESTING_TEXT(branches(prefix), both);
	TESTING_TEXT(branches("nobody"), "");
	OK(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "1\n");
	/* from another connection, and once only */
	adapter_close(&test);
	OK(postgres_test_try(&test, NULL));
	OK(ops->commit_prepared(test.connection, &test.call, one, &test.error));
	CU_ASSERT_EQUAL(ops->commit_prepared(test.connection, &test.call, one, &test.error),
			CONSORT_ENOTFOUND);
	OK(ops->rollback_prepared(test.connection, &test.call, two, &test.error));
	CU_ASSERT_EQUAL(ops->rollback_prepared(test.connection, &test.call, two, &test.error),
			CONSORT_ENOTFOUND);
	TESTING_TEXT(branches(prefix), "");
	OK(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "2\n");
	/* what has failed is not prepared, nor is nothing */
	OK(begin(CONSORT_TRANSACTION_WILL_PREPARE));
	CU_ASSERT_EQUAL(adapter_do(&test, "INSERT INTO x VALUES (2, 2)"), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(ops->prepare(test.connection, &test.call, one, &test.error), CONSORT_ECONFLICT);
	TESTING_TEXT(branches(prefix), "");
	CU_ASSERT_EQUAL(ops->prepare(test.connection, &test.call, one, &test.error), CONSORT_EINVAL);
	OK(begin(0));
	OK(commit());
	postgres_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"options", test_options},
		{"wrote", test_wrote},
		{"failed", test_failed},
		{"savepoints", test_savepoints},
		{"serialization", test_serialization},
		{"snapshot", test_snapshot},
		{"two-phases", test_two_phases},
		{NULL, NULL},
	};

	return testing_main("postgres-transactions", cases, argc, argv);
}
