/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors beside writes: the state at their start, their end with a transaction, what they may hold; and
 * writes by query where the adapter does not take the condition. */
#include "api.h"
#include "items.h"

#include <stdio.h>
#include <string.h>

#define ROWS 3000 /* more than one batch */

/* With cursors that may be read in turns, and without. */
static const char *const manifests[] = {
	ITEMS,
	ITEMS_DATABASE "features = -concurrent_cursors\n" ITEMS_RESOURCES,
	ITEMS_DATABASE "features = -concurrent_cursors -filter -sort -limit\n" ITEMS_RESOURCES,
};
#define NMANIFESTS (sizeof(manifests) / sizeof(manifests[0]))

static struct consort_cursor *open_ids(struct consort *c, const char *where, const char *order)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_cursor *rows = NULL;

	consort_query_select(q, "id, s");
	if (where)
		consort_query_where(q, where);
	if (order)
		consort_query_order(q, order);
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	consort_query_free(q);
	return rows;
}

/* Reads on to the end: how many rows, and the sum of their ids. */
static int64_t read_rest(struct consort_cursor *rows, int64_t *out_sum)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t count = 0;

	*out_sum = 0;
	while (consort_cursor_next(rows, &error)) {
		*out_sum += consort_cursor_int64(rows, 0);
		count++;
	}
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	return count;
}

static void update_all(struct consort *c, const char *where, const char *assignments, int64_t expected)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "item");
	int64_t affected = -1;

	if (where)
		consort_query_where(q, where);
	API_OK(consort_update_where(q, assignments, CONSORT_NO_ARGS, &affected, &error));
	CU_ASSERT_EQUAL(affected, expected);
	consort_query_free(q);
}

static void create_item(struct consort *c, int64_t id)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = consort_record_new(c, "item");

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "owner", consort_int64(0));
	consort_record_set(r, "s", consort_text("new"));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
}

/* A cursor of a transaction shows what was there when it was opened, whatever the transaction does then. */
static void test_state_at_start(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < NMANIFESTS; i++) {
		struct consort *c = items_open(manifests[i], ROWS), *in = NULL;
		struct consort_cursor *rows, *more;
		struct consort_query *q;
		int64_t sum;

		API_OK(consort_begin(c, "db", &in, &error));
		rows = open_ids(in, "s like 's%'", NULL);
		more = open_ids(in, NULL, "id desc");
		CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
		CU_ASSERT_TRUE(consort_cursor_next(more, &error));
		CU_ASSERT_EQUAL(consort_cursor_int64(more, 0), ROWS);
		update_all(in, "id <= 100", "s = 'changed'", 100);
		create_item(in, ROWS + 1);
		q = consort_query_new(in, "item");
		consort_query_where(q, "id > 2000");
		API_OK(consort_delete_where(q, CONSORT_NO_ARGS, NULL, &error));
		consort_query_free(q);
		/* two batches were not read yet when all that happened */
		CU_ASSERT_EQUAL(1 + read_rest(rows, &sum), ROWS);
		CU_ASSERT_EQUAL(read_rest(more, &sum), ROWS - 1);
		CU_ASSERT_EQUAL(sum, (int64_t)ROWS * (ROWS - 1) / 2);
		consort_cursor_close(rows);
		consort_cursor_close(more);
		TESTING_TEXT(api_find(in, "item", "count(*), max(id)", NULL, NULL), "2000,2000");
		TESTING_TEXT(api_find(in, "item", "count(*)", "s = 'changed'", NULL), "100");
		API_OK(consort_rollback(in, &error));
		TESTING_TEXT(api_find(c, "item", "count(*), max(id)", NULL, NULL), "3000,3000");
		consort_close(c);
	}
}

/* Each record is seen once, though it is changed, deleted, or made again behind the cursor. */
static void test_updating_while_iterating(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < NMANIFESTS; i++) {
		struct consort *c = items_open(manifests[i], ROWS), *in = NULL;
		struct consort_record *r = NULL;
		struct consort_cursor *rows;
		int64_t count = 0;

		API_OK(consort_begin(c, "db", &in, &error));
		rows = open_ids(in, NULL, "id");
		while (consort_cursor_next(rows, &error)) {
			int64_t id = consort_cursor_int64(rows, 0);

			CU_ASSERT_EQUAL_FATAL(id, ++count);
			if (id % 3 == 0) {
				API_OK(consort_delete(in, "item", CONSORT_ARGS(consort_int64(id)), &error));
			} else if (id % 3 == 1) {
				API_OK(consort_get(in, "item", CONSORT_ARGS(consort_int64(id)), &r, &error));
				consort_record_set(r, "s", consort_text("seen"));
				API_OK(consort_update(in, r, &error));
			} else {
				create_item(in, id + 10 * ROWS);
			}
		}
		CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
		CU_ASSERT_EQUAL(count, ROWS);
		consort_cursor_close(rows);
		consort_record_free(r);
		API_OK(consort_commit(in, NULL, &error));
		TESTING_TEXT(api_find(c, "item", "count(*)", "s = 'seen'", NULL), "1000");
		TESTING_TEXT(api_find(c, "item", "count(*)", "s = 'new'", NULL), "1000");
		TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3000");
		consort_close(c);
	}
}

/* Outside a transaction a cursor has a connection of its own. */
static void test_without_transaction(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, ROWS);
	struct consort_cursor *rows = open_ids(c, NULL, NULL);
	int64_t sum;

	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	update_all(c, NULL, "s = 'changed'", ROWS);
	CU_ASSERT_EQUAL(1 + read_rest(rows, &sum), ROWS);
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	consort_cursor_close(rows);
	TESTING_TEXT(api_find(c, "item", "count(*)", "s = 'changed'", NULL), "3000");
	consort_close(c);
}

static void check_ended(struct consort_cursor *rows, const char *why)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t count = 0;

	while (consort_cursor_next(rows, &error))
		count++;
	CU_ASSERT_TRUE(count < ROWS - 1); /* what it had in its hands is given, and no more */
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(error.status, CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, why);
	consort_cursor_close(rows);
}

static void test_ended_by_transaction(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < NMANIFESTS; i++) {
		struct consort *c = items_open(manifests[i], ROWS), *in = NULL;
		struct consort_cursor *rows;

		API_OK(consort_begin(c, "db", &in, &error));
		rows = open_ids(in, NULL, NULL);
		CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
		API_OK(consort_commit(in, NULL, &error));
		check_ended(rows, "its transaction has ended");
		API_OK(consort_begin(c, "db", &in, &error));
		rows = open_ids(in, NULL, NULL);
		CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
		API_OK(consort_rollback(in, &error));
		check_ended(rows, "its transaction has ended");
		API_OK(consort_begin(c, "db", &in, &error));
		API_OK(consort_savepoint(in, "here", &error));
		rows = open_ids(in, NULL, NULL);
		CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
		API_OK(consort_rollback_to(in, "here", &error));
		check_ended(rows, "roll");
		TESTING_TEXT(api_find(in, "item", "count(*)", NULL, NULL), "3000");
		rows = open_ids(in, NULL, NULL);
		consort_close(in); /* rolls back */
		check_ended(rows, "its transaction has ended");
		TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "3000");
		consort_close(c);
	}
}

/* The handle of a transaction that has ended answers, and does nothing. */
static enum consort_status end_twice(struct consort *in, void *arg, struct consort_error *error)
{
	struct consort_record *r = NULL;
	struct consort *scope = NULL;
	struct consort_scope_options options = {.struct_size = sizeof(options)};

	(void)arg;
	CU_ASSERT_EQUAL(consort_scope(in, &options, &scope, error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_rollback(in, error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &r, error),
			CONSORT_EINVAL);
	TESTING_CONTAINS(error->message, "has ended");
	consort_close(scope);
	return CONSORT_OK;
}

static void test_after_the_end(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, 5), *in = NULL;

	API_OK(consort_begin(c, "db", &in, &error));
	end_twice(in, NULL, &error);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "5");
	consort_close(c);
}

/* What does not fit is told by the write that needs it, and by the cursor; the transaction goes on. */
static void test_memory_limit(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_scope_options options = {.struct_size = sizeof(options), .memory_limit = 16384};
	struct consort *c = items_open(manifests[1], ROWS), *in = NULL, *scope = NULL;
	struct consort_cursor *rows;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(consort_scope(in, &options, &scope, &error));
	rows = open_ids(scope, NULL, NULL);
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_delete(in, "item", CONSORT_ARGS(consort_int64(1)), &error), CONSORT_ENOMEM);
	TESTING_CONTAINS(error.message, "memory limit");
	while (consort_cursor_next(rows, &error))
		;
	CU_ASSERT_NOT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	consort_cursor_close(rows);
	API_OK(consort_delete(in, "item", CONSORT_ARGS(consort_int64(2)), &error));
	/* operators are held to it too */
	TESTING_CONTAINS(api_find(scope, "item", "id, lower(s)", NULL, "lower(s)"),
			 "memory limit of 16384 bytes");
	consort_close(scope);
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(api_find(c, "item", "count(*), min(id)", NULL, NULL), "2999,1");
	consort_close(c);
}

/* --- writes by query --- */

/* A condition that the adapter does not take, and one that fails on the way: keys are read, then written, all
 * or none. */
static void test_by_keys(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < NMANIFESTS; i++) {
		struct consort *c = items_open(manifests[i], ROWS);
		struct consort_query *q;
		int64_t affected = -1;

		update_all(c, "upper(s) like 'S1%'", "s = lower(s) || '!', owner = id % 7", 1111);
		TESTING_TEXT(api_find(c, "item", "id, owner, s", "id in (1, 2, 17)", "id"),
			     "1,1,s1!;2,0,s2;17,3,s17!");
		/* the condition speaks of the record as it was, and of what is written */
		update_all(c, "lower(s) ilike 's1%!' and owner < 7", "s = 's2', owner = owner + 100", 1111);
		TESTING_TEXT(api_find(c, "item", "count(*)", "owner >= 100", NULL), "1111");
		q = consort_query_new(c, "item");
		consort_query_where(q, "lower(s) like 's%' and 6 / (id - 2500) < 100");
		CU_ASSERT_EQUAL(consort_update_where(q, "s = 'lost'", CONSORT_NO_ARGS, &affected, &error),
				CONSORT_ERANGE);
		TESTING_CONTAINS(error.message, "division by zero");
		CU_ASSERT_EQUAL(consort_delete_where(q, CONSORT_NO_ARGS, &affected, &error), CONSORT_ERANGE);
		CU_ASSERT_EQUAL(affected, -1);
		TESTING_TEXT(api_find(c, "item", "count(*)", "s = 'lost'", NULL), "0");
		consort_query_free(q);
		q = consort_query_new(c, "item");
		/* fails at the 2500th record that is written */
		CU_ASSERT_EQUAL(consort_update_where(q, "owner = 1000 / (id - 2500), s = 'lost'",
						     CONSORT_NO_ARGS, &affected, &error),
				CONSORT_ERANGE);
		TESTING_TEXT(api_find(c, "item", "count(*)", "s = 'lost'", NULL), "0");
		consort_query_where(q, "upper(s) = $1");
		API_OK(consort_delete_where(q, CONSORT_ARGS(consort_text("S2")), &affected, &error));
		CU_ASSERT_EQUAL(affected, 1112);
		TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "1888");
		consort_query_free(q);
		consort_close(c);
	}
}

/* --- reading --- */

static void test_accessors(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = items_open(ITEMS, ROWS);
	struct consort_cursor *rows = open_ids(c, NULL, "id");
	const struct consort_batch *batch = NULL;
	int64_t seen = 0;

	/* before the first row, and columns that are not there */
	CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), 0);
	TESTING_TEXT(consort_cursor_text(rows, 1), "");
	CU_ASSERT_TRUE(consort_cursor_is_null(rows, 0));
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_int64(rows, 99), 0);
	TESTING_TEXT(consort_cursor_name(rows, 99), "");
	TESTING_TEXT(consort_cursor_name(rows, 1), "s");
	CU_ASSERT_EQUAL(consort_cursor_column(rows, "s"), 1);
	CU_ASSERT_EQUAL(consort_cursor_column(rows, "none"), -1);
	CU_ASSERT_EQUAL(consort_cursor_type(rows, 99).id, CONSORT_TYPE_NULL);
	/* in the middle of a batch no batch can be had; at its start, all of it */
	CU_ASSERT_EQUAL(consort_cursor_batch(rows, &batch, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	for (seen = 1; seen < 1024; seen++)
		CU_ASSERT_TRUE_FATAL(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), 1024);
	API_OK(consort_cursor_batch(rows, &batch, &error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
	CU_ASSERT_EQUAL(consort_column_int64(&batch->columns[0], 0), 1025);
	seen += batch->nrows;
	while (consort_cursor_next(rows, &error))
		CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), ++seen);
	CU_ASSERT_EQUAL(seen, ROWS);
	API_OK(consort_cursor_batch(rows, &batch, &error));
	CU_ASSERT_PTR_NULL(batch);
	CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), 0);
	consort_cursor_close(rows);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"state-at-start", test_state_at_start},
		{"updating-while-iterating", test_updating_while_iterating},
		{"without-transaction", test_without_transaction},
		{"ended-by-transaction", test_ended_by_transaction},
		{"after-the-end", test_after_the_end},
		{"memory-limit", test_memory_limit},
		{"by-keys", test_by_keys},
		{"accessors", test_accessors},
		{NULL, NULL},
	};

	return testing_main("cursors", cases, argc, argv);
}
