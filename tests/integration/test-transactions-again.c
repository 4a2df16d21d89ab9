/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions with a function, with each engine: how they end, when they are run again, and many at once. */
#include "engines.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)

struct body {
	int calls;
	int fail_until;		    /* the call that succeeds */
	enum consort_status status; /* of those before */
	uint32_t flags;
	int64_t id;
	int ignore; /* a failure of the database */
	int end;    /* 1: commits, 2: rolls back */
	struct consort_cancel *cancel;
};

static enum consort_status body(struct consort *in, void *arg, struct consort_error *error)
{
	struct body *body = arg;

	body->calls++;
	if (account_create(in, body->id, "body", body->calls, error))
		return body->ignore ? CONSORT_OK : (enum consort_status)error->status;
	if (body->end)
		return body->end == 1 ? consort_commit(in, NULL, error) : consort_rollback(in, error);
	if (body->cancel && body->calls == 2)
		consort_cancel_fire(body->cancel);
	if (body->calls >= body->fail_until)
		return CONSORT_OK;
	if (body->flags) {
		error->status = body->status;
		error->flags |= body->flags;
	}
	return body->status;
}

static void test_function(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", "");
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct body good = {.id = 1}, bad = {.id = 2, .fail_until = 9, .status = CONSORT_EPERMISSION},
		    twice = {.id = 1}, ignoring = {.id = 1, .ignore = 1};

	API_OK(consort_transaction(c, "db", body, &good, &outcome, &error));
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &bad, &outcome, &error), CONSORT_EPERMISSION);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_EQUAL(bad.calls, 1);
	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &twice, &outcome, &error), CONSORT_ECONSTRAINT);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_TX_ABORTED);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	/* a failure that the function does not tell of is found by the commit */
	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &ignoring, &outcome, NULL), CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	TESTING_TEXT(account_ids(c), "1");
	engines_close(c);
}

/* The end is not the function's business, but it does no harm. */
static void test_function_that_ends(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", "");
	struct body commits = {.id = 1, .end = 1}, rolls_back = {.id = 2, .end = 2};

	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &commits, NULL, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "the function ended its transaction");
	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &rolls_back, NULL, &error), CONSORT_EINVAL);
	TESTING_TEXT(account_ids(c), "1");
	engines_close(c);
}

static void test_again(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 5};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", "");
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct body third = {.id = 1,
			     .fail_until = 3,
			     .status = CONSORT_ECONFLICT,
			     .flags = CONSORT_ERROR_RETRYABLE},
		    never = {.id = 2,
			     .fail_until = 99,
			     .status = CONSORT_ECONFLICT,
			     .flags = CONSORT_ERROR_RETRYABLE},
		    other = {.id = 2, .fail_until = 99, .status = CONSORT_ECONFLICT}, constraint = {.id = 1};

	API_OK(consort_transaction_with(c, "db", &options, body, &third, &outcome, &error));
	CU_ASSERT_EQUAL(third.calls, 3);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	/* what the attempts before did is undone */
	TESTING_TEXT(api_find(c, "account", NULL, NULL, NULL), "1,body,3");
	CU_ASSERT_EQUAL(consort_transaction_with(c, "db", &options, body, &never, &outcome, &error),
			CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(never.calls, 5);
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_EQUAL(consort_transaction_with(c, "db", &options, body, &other, &outcome, &error),
			CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(other.calls, 1);
	CU_ASSERT_EQUAL(consort_transaction_with(c, "db", &options, body, &constraint, NULL, &error),
			CONSORT_ECONSTRAINT);
	CU_ASSERT_EQUAL(constraint.calls, 1);
	/* without being asked, once */
	never.calls = 0;
	CU_ASSERT_EQUAL(consort_transaction(c, "db", body, &never, NULL, NULL), CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(never.calls, 1);
	TESTING_TEXT(account_ids(c), "1");
	engines_close(c);
}

/* Attempts end with the handle's deadline and with its token. */
static void test_again_ends(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = UINT32_MAX};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open("", ""), *scope = NULL;
	struct consort_scope_options limits = {.struct_size = sizeof(limits), .timeout = 1000 * MILLISECOND};
	struct body late = {.id = 1,
			    .fail_until = 1 << 30,
			    .status = CONSORT_ECONFLICT,
			    .flags = CONSORT_ERROR_RETRYABLE},
		    cancelled = late;
	enum consort_status status;

	TESTING_TEXT(account_ids(c), ""); /* so that the deadline's time is not spent on connecting */
	API_OK(consort_scope(c, &limits, &scope, &error));
	status = consort_transaction_with(scope, "db", &options, body, &late, NULL, &error);
	CU_ASSERT_TRUE(status == CONSORT_ECONFLICT || status == CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(late.calls > 1);
	consort_close(scope);
	limits.timeout = 0;
	limits.cancel = cancelled.cancel = consort_cancel_new();
	API_OK(consort_scope(c, &limits, &scope, &error));
	CU_ASSERT_EQUAL(consort_transaction_with(scope, "db", &options, body, &cancelled, NULL, &error),
			CONSORT_ECANCELLED);
	CU_ASSERT_EQUAL(cancelled.calls, 2);
	consort_close(scope);
	consort_cancel_free(limits.cancel);
	TESTING_TEXT(account_ids(c), "");
	engines_close(c);
}

/* --- many at once --- */

#define THREADS 8
#define ROUNDS 20

struct adder {
	struct consort *c;
	pthread_barrier_t *start;
	pthread_t id;
	int calls, failures;
	char message[256];
};

/* Reads, and writes one more than it read. */
static enum consort_status add_one(struct consort *in, void *arg, struct consort_error *error)
{
	struct adder *adder = arg;
	struct consort_record *r = NULL;
	enum consort_status status = consort_get(in, "account", CONSORT_ARGS(consort_int64(1)), &r, error);

	adder->calls++;
	if (!status)
		status = account_set(in, 1, consort_record_int64(r, "balance") + 1, error);
	consort_record_free(r);
	return status;
}

static void *add(void *arg)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options),
						      .isolation = CONSORT_ISOLATION_SERIALIZABLE,
						      .attempts = 1000};
	struct adder *adder = arg;
	int i;

	pthread_barrier_wait(adder->start);
	for (i = 0; i < ROUNDS; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;

		if (consort_transaction_with(adder->c, "db", &options, add_one, adder, NULL, &error) &&
		    !adder->failures++)
			snprintf(adder->message, sizeof(adder->message), "%.250s",
				 consort_error_text(&error));
	}
	return NULL;
}

/* Serializable transactions that are run again lose no update. */
static void test_serializable(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = engines_open_with(ENGINES_SERIALIZABLE, "pool.max = 4\n", "");
	struct adder adders[THREADS];
	pthread_barrier_t start;
	char expected[32];
	int i;

	API_OK(account_create(c, 1, "a", 0, &error));
	memset(adders, 0, sizeof(adders));
	pthread_barrier_init(&start, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		adders[i].c = c;
		adders[i].start = &start;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&adders[i].id, NULL, add, &adders[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(adders[i].id, NULL);
		CU_ASSERT_EQUAL(adders[i].failures, 0);
		TESTING_TEXT(adders[i].message, "");
		CU_ASSERT_TRUE(adders[i].calls >= ROUNDS);
	}
	pthread_barrier_destroy(&start);
	snprintf(expected, sizeof(expected), "%d", THREADS * ROUNDS);
	TESTING_TEXT(api_find(c, "account", "balance", NULL, NULL), expected);
	engines_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"function", test_function},
		{"function-that-ends", test_function_that_ends},
		{"again", test_again},
		{"again-ends", test_again_ends},
		{"serializable", test_serializable},
		{NULL, NULL},
	};

	return engines_main("transactions-again", cases, argc, argv);
}
