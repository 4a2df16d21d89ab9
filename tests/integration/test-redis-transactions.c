/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions on Redis: what is decided when a record is written, what is seen before the commit and by
 * whom, and who wins when two write one record.
 */
#include "redis-notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "redis@transactions"

/* --- what is promised, and what is not --- */

static void test_features(void)
{
	struct consort *c = notes_open(SERVER, NULL);
	const char *why = NULL;

	CU_ASSERT_TRUE(consort_supports(c, "db", CONSORT_FEATURE_TRANSACTIONS, NULL));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_READ_YOUR_WRITES, &why));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_ATOMIC_COMMIT, &why));
	CU_ASSERT_FALSE(consort_supports(c, "db", CONSORT_FEATURE_SAVEPOINTS, &why));
	consort_close(c);
}

static void test_isolation(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = NULL;

	options.isolation = CONSORT_ISOLATION_SERIALIZABLE;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EUNSUPPORTED);
	options.isolation = CONSORT_ISOLATION_REPEATABLE_READ;
	CU_ASSERT_EQUAL(consort_begin_with(c, "db", &options, &in, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "read committed");
	options.isolation = CONSORT_ISOLATION_READ_COMMITTED;
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* Nobody sees it before the commit, the transaction itself neither; then everybody does. */
static void test_unseen(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *other = notes_open(SERVER, NULL), *in;
	uint32_t kind;

	API_OK(notes_put(consort_create, c, 1, "old", &error));
	in = notes_begin(c);
	API_OK(notes_put(consort_update, in, 1, "new", &error));
	API_OK(notes_put(consort_create, in, 2, "b", &error));
	TESTING_TEXT(notes_all(in), "1,old");
	TESTING_TEXT(notes_all(other), "1,old");
	API_OK(notes_commit(in, &kind, &error));
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_COMMITTED);
	TESTING_TEXT(notes_all(other), "1,new;2,b");
	in = notes_begin(c);
	API_OK(notes_drop(in, 1, &error));
	API_OK(notes_put(consort_upsert, in, 3, "c", &error));
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(notes_all(c), "1,new;2,b");
	consort_close(other);
	consort_close(c);
}

/* What may not be written is told at once. Attributes that are not written stay. */
static void test_decided(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in;

	API_OK(notes_put(consort_create, c, 1, "a", &error));
	redis_ask(SERVER, "lpush %s:9 x", testing_name());
	in = notes_begin(c);
	CU_ASSERT_EQUAL(notes_put(consort_create, in, 1, "b", &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.constraint, "key");
	API_OK(consort_rollback(in, &error));
	in = notes_begin(c);
	CU_ASSERT_EQUAL(notes_put(consort_update, in, 2, "b", &error), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(notes_drop(in, 2, &error), CONSORT_ENOTFOUND);
	/* that was no failure of the transaction's */
	API_OK(notes_put(consort_update, in, 1, "c", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,c");
	in = notes_begin(c);
	CU_ASSERT_EQUAL(notes_put(consort_upsert, in, 9, "b", &error), CONSORT_ETYPE);
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* A record that the transaction has written is written again: decided by what it will be. */
static void test_again(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = notes_begin(c);
	struct consort_record *r;

	API_OK(notes_put(consort_create, in, 1, "a", &error));
	r = consort_record_new(in, "note");
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "size", consort_int64(7));
	API_OK(consort_update(in, r, &error));
	consort_record_free(r);
	API_OK(notes_put(consort_create, in, 2, "b", &error));
	API_OK(notes_drop(in, 2, &error));
	CU_ASSERT_EQUAL(notes_put(consort_update, in, 2, "c", &error), CONSORT_ENOTFOUND);
	API_OK(notes_put(consort_create, in, 2, "d", &error));
	API_OK(notes_put(consort_upsert, in, 3, "e", &error));
	API_OK(notes_put(consort_upsert, in, 3, "f", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(api_find(c, "note", "id, name, size", NULL, "id"), "1,a,7;2,d,-;3,f,-");
	in = notes_begin(c);
	API_OK(notes_put(consort_update, in, 1, "x", &error));
	CU_ASSERT_EQUAL(notes_put(consort_create, in, 1, "y", &error), CONSORT_ECONSTRAINT);
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

/* Many records in one call: one that is refused takes those of its call with it, and the transaction. */
static void test_many(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in;
	struct consort_record *records[600];
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 600; i++) {
			records[i] = consort_record_new(c, "note");
			consort_record_set(records[i], "id", consort_int64(i));
			consort_record_set(records[i], "name", consort_text("many"));
		}
		in = notes_begin(c);
		if (round)
			API_OK(notes_drop(in, 500, &error));
		CU_ASSERT_EQUAL(consort_create_many(in, records, 600, 0, NULL, &error),
				round ? CONSORT_ECONSTRAINT : CONSORT_OK);
		if (round)
			API_OK(consort_rollback(in, &error));
		else
			API_OK(consort_commit(in, NULL, &error));
		TESTING_TEXT(api_find(c, "note", "count(*)", NULL, NULL), "600");
		for (i = 0; i < 600; i++)
			consort_record_free(records[i]);
	}
	consort_close(c);
}

static void test_by_query(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *other = notes_open(SERVER, NULL), *in;
	struct consort_query *q;
	int64_t affected = 0, id;

	for (id = 1; id < 6; id++)
		API_OK(notes_put(consort_create, c, id, "a", &error));
	in = notes_begin(c);
	q = consort_query_new(in, "note");
	consort_query_where(q, "id > 3");
	API_OK(consort_update_where(q, "name = 'b'", CONSORT_NO_ARGS, &affected, &error));
	consort_query_free(q);
	CU_ASSERT_EQUAL(affected, 2);
	TESTING_TEXT(notes_all(other), "1,a;2,a;3,a;4,a;5,a");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(other), "1,a;2,a;3,a;4,b;5,b");
	consort_close(other);
	consort_close(c);
}

static void test_time_to_live(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in;
	struct consort_record *r = consort_record_new(c, "brief");
	long left;

	in = notes_begin(c);
	API_OK(notes_put_into(consort_create, in, "brief", 1, "a", &error));
	consort_record_set(r, "id", consort_int64(2));
	consort_record_set(r, "ends", consort_timestamp(INT64_C(4102444800000000)));
	API_OK(consort_create(in, r, &error));
	API_OK(notes_put_into(consort_update, in, "brief", 2, "b", &error));
	consort_record_free(r);
	API_OK(consort_commit(in, NULL, &error));
	left = strtol(redis_ask(SERVER, "ttl brief-%s:1", testing_name()), NULL, 10);
	CU_ASSERT_TRUE(left > 3500 && left <= 3600);
	TESTING_TEXT(redis_ask(SERVER, "pexpiretime brief-%s:2", testing_name()), "4102444800000;");
	TESTING_TEXT(api_find(c, "brief", "name", "id = 2", NULL), "b");
	consort_close(c);
}

/* The index has what the record is, from the commit on. */
static void test_indexes(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in;

	API_OK(consort_define(c, "close", 0, NULL, &error));
	API_OK(notes_put_into(consort_create, c, "close", 1, "a", &error));
	in = notes_begin(c);
	API_OK(notes_put_into(consort_update, in, "close", 1, "b", &error));
	API_OK(notes_put_into(consort_create, in, "close", 2, "a", &error));
	API_OK(notes_put_into(consort_create, in, "close", 3, "c", &error));
	API_OK(notes_put_into(consort_update, in, "close", 3, "d", &error));
	TESTING_TEXT(api_find(in, "close", "id", "name = 'a'", NULL), "1");
	API_OK(consort_commit(in, NULL, &error));
	TESTING_CONTAINS(redis_explain(c, "close", "id", "name = 'a'"), "consort.index");
	TESTING_TEXT(api_find(c, "close", "id", "name = 'a'", NULL), "2");
	TESTING_TEXT(api_find(c, "close", "id", "name = 'b'", NULL), "1");
	TESTING_TEXT(api_find(c, "close", "id", "name = 'c'", NULL), "");
	TESTING_TEXT(api_find(c, "close", "id", "name = 'd'", NULL), "3");
	in = notes_begin(c);
	CU_ASSERT_EQUAL(consort_define(in, "close", CONSORT_DEFINE_IF_NEEDED, NULL, &error),
			CONSORT_EUNSUPPORTED);
	API_OK(consort_rollback(in, &error));
	API_OK(consort_drop(c, "close", 0, NULL, &error));
	consort_close(c);
}

static void test_refused(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *in = notes_begin(c);
	struct consort_cursor *rows = NULL;

	CU_ASSERT_EQUAL(consort_native(in, "db", "incr x", CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "cannot wait for a transaction's commit");
	API_OK(consort_rollback(in, &error));
	consort_close(c);
}

static void test_read_only(void)
{
	struct consort_begin_options options = {.struct_size = sizeof(options),
						.flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *other = notes_open(SERVER, NULL), *in = NULL;

	API_OK(notes_put(consort_create, c, 1, "a", &error));
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	TESTING_TEXT(notes_all(in), "1,a");
	API_OK(notes_put(consort_update, other, 1, "b", &error));
	TESTING_TEXT(notes_all(in), "1,b");
	API_OK(consort_commit(in, NULL, &error));
	API_OK(consort_begin_with(c, "db", &options, &in, &error));
	CU_ASSERT_EQUAL(notes_put(consort_create, in, 2, "b", &error), CONSORT_EREADONLY);
	API_OK(consort_rollback(in, &error));
	consort_close(other);
	consort_close(c);
}

/* --- two at a time --- */

static void expect_conflict(struct consort *in)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t kind;

	CU_ASSERT_EQUAL(notes_commit(in, &kind, &error), CONSORT_ECONFLICT);
	CU_ASSERT_EQUAL(kind, CONSORT_OUTCOME_ABORTED);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_TEXT(error.sqlstate, "40001");
	TESTING_TEXT(error.origin, "db");
}

static void test_races(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *other = notes_open(SERVER, NULL), *in;

	/* both create it */
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 1, "mine", &error));
	API_OK(notes_put(consort_create, in, 2, "too", &error));
	API_OK(notes_put(consort_create, other, 1, "theirs", &error));
	expect_conflict(in);
	TESTING_TEXT(notes_all(c), "1,theirs");
	/* it was changed behind a read that something is decided by */
	in = notes_begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 1", NULL), "theirs");
	API_OK(notes_put(consort_update, other, 1, "changed", &error));
	API_OK(notes_put(consort_create, in, 3, "by it", &error));
	expect_conflict(in);
	/* also where nothing was read */
	in = notes_begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 4", NULL), "");
	API_OK(notes_put(consort_create, other, 4, "there", &error));
	API_OK(notes_put(consort_create, in, 3, "by it", &error));
	expect_conflict(in);
	/* a scan is about the records that it found, not about those that come */
	in = notes_begin(c);
	TESTING_TEXT(notes_all(in), "1,changed;4,there");
	API_OK(notes_put(consort_create, other, 5, "new", &error));
	API_OK(notes_put(consort_create, in, 3, "by it", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,changed;3,by it;4,there;5,new");
	/* what only reads decides nothing */
	in = notes_begin(c);
	TESTING_TEXT(api_find(in, "note", "name", "id = 1", NULL), "changed");
	API_OK(notes_put(consort_update, other, 1, "again", &error));
	API_OK(consort_commit(in, NULL, &error));
	/* the others' records are nobody's business */
	in = notes_begin(c);
	API_OK(notes_put(consort_update, in, 1, "mine", &error));
	API_OK(notes_drop(other, 3, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,mine;4,there;5,new");
	consort_close(other);
	consort_close(c);
}

struct body {
	struct consort *other;
	int calls;
};

static enum consort_status add_one(struct consort *in, void *arg, struct consort_error *error)
{
	struct body *body = arg;
	struct consort_record *r = NULL;
	enum consort_status status = consort_get(in, "note", CONSORT_ARGS(consort_int64(1)), &r, error);
	char name[32];

	if (!status) {
		snprintf(name, sizeof(name), "%ld", strtol(consort_record_text(r, "name"), NULL, 10) + 1);
		status = notes_put(consort_update, in, 1, name, error);
	}
	if (!status && body->calls++ < 2)
		status = notes_put(consort_update, body->other, 1, "100", error);
	consort_record_free(r);
	return status;
}

/* One that lost is run again, and reads what the other one wrote. */
static void test_run_again(void)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options), .attempts = 5};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL);
	struct body body = {notes_open(SERVER, NULL), 0};

	API_OK(notes_put(consort_create, c, 1, "1", &error));
	API_OK(consort_transaction_with(c, "db", &options, add_one, &body, NULL, &error));
	CU_ASSERT_EQUAL(body.calls, 3);
	TESTING_TEXT(notes_all(c), "1,101");
	consort_close(body.other);
	consort_close(c);
}

/* What was rolled back, or closed, watches nothing any more. */
static void test_nothing_watched(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = notes_open(SERVER, NULL), *other = notes_open(SERVER, NULL), *in;

	API_OK(notes_put(consort_create, c, 1, "a", &error));
	in = notes_begin(c);
	API_OK(notes_put(consort_update, in, 1, "b", &error));
	API_OK(consort_rollback(in, &error));
	API_OK(notes_put(consort_update, other, 1, "c", &error));
	in = notes_begin(c);
	API_OK(notes_put(consort_create, in, 2, "d", &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(notes_all(c), "1,c;2,d");
	consort_close(other);
	consort_close(c);
}

int main(int argc, char **argv)
{
#define BOTH(name, run)           \
	{"hash-" name, run},      \
	{                         \
		"json-" name, run \
	}
	static const struct testing_case cases[] = {
		{"features", test_features},
		{"isolation", test_isolation},
		{"refused", test_refused},
		BOTH("unseen", test_unseen),
		BOTH("decided", test_decided),
		BOTH("again", test_again),
		BOTH("many", test_many),
		BOTH("by-query", test_by_query),
		BOTH("time-to-live", test_time_to_live),
		BOTH("indexes", test_indexes),
		BOTH("read-only", test_read_only),
		BOTH("races", test_races),
		BOTH("run-again", test_run_again),
		BOTH("nothing-watched", test_nothing_watched),
		{NULL, NULL},
	};
	int code = testing_main("redis-transactions", cases, argc, argv);

	servers_remove(SERVER);
	return code;
}
