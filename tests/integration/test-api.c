/* SPDX-License-Identifier: Apache-2.0 */
/* The public API over an embedded engine: what a program does, and what it is told when it errs. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char manifest[] =
	"[database travel]\n"
	"type = sqlite\n"
	"path = travel.db\n"
	"[database places]\n"
	"type = sqlite\n"
	"path = places.db\n"
	"[resource flight]\n"
	"database = travel\n"
	"source = flights\n"
	"key = id\n"
	"attribute.id = int64 not null\n"
	"attribute.origin = text not null\n"
	"attribute.destination = text\n"
	"attribute.delay = int64\n"
	"attribute.at = timestamp\n"
	"relationship.from_airport = airport, origin -> iata\n"
	"relationship.to_airport = airport, destination -> iata\n"
	"[resource airport]\n"
	"database = places\n"
	"source = airports\n"
	"key = iata\n"
	"attribute.iata = text not null\n"
	"attribute.city = text\n"
	"attribute.latitude = float64\n"
	"relationship.departures = flight, iata -> origin\n";

static struct consort *open_filled(void)
{
	struct consort *c = api_open(manifest);

	api_import(c, "flight",
		   "1,SFO,JFK,10,2001-01-01T00:00:00Z\n"
		   "2,SFO,LAX,-5,2001-01-02T00:00:00Z\n"
		   "3,JFK,SFO,90,2001-01-03T12:30:00Z\n"
		   "4,LAX,,,2001-01-04T00:00:00Z\n"
		   "5,SFO,XXX,61,\n");
	api_import(c, "airport", "SFO,San Francisco,37.61\nJFK,New York,40.63\nLAX,Los Angeles,33.94\n");
	return c;
}

static void test_records(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_record *r = NULL;

	API_OK(consort_get(c, "flight", CONSORT_ARGS(consort_int64(3)), &r, &error));
	TESTING_TEXT(consort_record_text(r, "origin"), "JFK");
	CU_ASSERT_EQUAL(consort_record_int64(r, "delay"), 90);
	consort_record_set(r, "delay", consort_int64(91));
	API_OK(consort_update(c, r, &error));
	CU_ASSERT_EQUAL(consort_record_int64(r, "delay"), 91);
	API_OK(consort_get(c, "flight", CONSORT_ARGS(consort_int64(4)), &r, &error));
	CU_ASSERT_TRUE(consort_record_is_null(r, "destination"));
	CU_ASSERT_EQUAL(consort_get(c, "flight", CONSORT_ARGS(consort_int64(99)), &r, &error), CONSORT_ENOTFOUND);
	consort_record_free(r);

	r = consort_record_new(c, "flight");
	consort_record_set(r, "id", consort_int64(6));
	consort_record_set(r, "origin", consort_text("O'Hare; drop table flights"));
	API_OK(consort_create(c, r, &error));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EINVAL); /* nothing is set any more */
	consort_record_set(r, "id", consort_int64(6));
	consort_record_set(r, "origin", consort_text("ORD"));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_ECONSTRAINT);
	API_OK(consort_upsert(c, r, &error));
	TESTING_TEXT(api_find(c, "flight", "id, origin, delay", "id in (3, 6)", "id"), "3,JFK,91;6,ORD,-");
	consort_record_free(r);
	API_OK(consort_delete(c, "flight", CONSORT_ARGS(consort_int64(6)), &error));
	CU_ASSERT_EQUAL(consort_delete(c, "flight", CONSORT_ARGS(consort_int64(6)), &error), CONSORT_ENOTFOUND);
	consort_close(c);
}

static void test_queries(void)
{
	struct consort *c = open_filled();
	struct consort_query *q;

	TESTING_TEXT(api_find(c, "flight", "id", "delay > 60", "id"), "3;5");
	TESTING_TEXT(api_find(c, "flight", "id", "not delay > 60", "id"), "1;2");
	TESTING_TEXT(api_find(c, "flight", "id, delay", NULL, "delay desc nulls last, id"), "3,90;5,61;1,10;2,-5;4,-");
	TESTING_TEXT(api_find(c, "flight", "id", "delay between -5 and 10 and origin like 'S%'", "id"), "1;2");
	TESTING_TEXT(api_find(c, "flight", "count(*), count(delay), sum(delay), avg(delay), min(at), max(origin)", NULL,
			      NULL),
		     "5,4,156,39.0,2001-01-01T00:00:00Z,SFO");
	TESTING_TEXT(api_find(c, "flight", "id, delay + 1, delay / 4, lower(origin)", "id = 3", NULL), "3,91,22,jfk");
	q = consort_query_new(c, "flight");
	consort_query_select(q, "origin, count(*) as n, sum(delay)");
	consort_query_group(q, "origin");
	consort_query_having(q, "count(*) > $1");
	consort_query_order(q, "n desc, origin");
	TESTING_TEXT(api_rows(q, CONSORT_ARGS(consort_int64(0))), "SFO,3,66;JFK,1,90;LAX,1,-");
	TESTING_TEXT(api_rows(q, CONSORT_ARGS(consort_int64(1))), "SFO,3,66");
	consort_query_free(q);
	q = consort_query_new(c, "flight");
	consort_query_select(q, "id");
	consort_query_order(q, "delay desc nulls last");
	consort_query_limit(q, 2);
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "3;5");
	consort_query_after(q, CONSORT_ARGS(consort_int64(5)));
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "1;2");
	consort_query_after(q, CONSORT_ARGS(consort_int64(2)));
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "4");
	consort_query_free(q);
	consort_close(c);
}

static void test_relationships(void)
{
	struct consort *c = open_filled();

	TESTING_TEXT(api_find(c, "flight", "id, from_airport.city, to_airport.city", NULL, "id"),
		     "1,San Francisco,New York;2,San Francisco,Los Angeles;3,New York,San Francisco;4,Los Angeles,-;"
		     "5,San Francisco,-");
	TESTING_TEXT(api_find(c, "flight", "id", "to_airport.latitude < 38.0", "id"), "2;3");
	TESTING_TEXT(api_find(c, "flight", "id", "to_airport.city is null", "id"), "4;5");
	TESTING_TEXT(api_find(c, "airport", "iata, departures.id", NULL, "iata, departures.id"),
		     "JFK,3;LAX,4;SFO,1;SFO,2;SFO,5");
	TESTING_TEXT(api_find(c, "airport", "iata", "departures.to_airport.city = 'New York'", "iata"), "SFO");
	consort_close(c);
}

static void test_sets_of_keys(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_record *records[2] = {NULL, NULL};
	const struct consort_args keys[] = {CONSORT_ARGS(consort_int64(5)), CONSORT_ARGS(consort_int64(42)),
					    CONSORT_ARGS(consort_int64(1))};
	struct consort_cursor *rows = NULL;
	int64_t sum = 0;

	API_OK(consort_get_many(c, "flight", keys, 3, &rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_columns(rows), 5);
	while (consort_cursor_next(rows, &error))
		sum += consort_cursor_int64(rows, 0);
	CU_ASSERT_EQUAL(sum, 6);
	consort_cursor_close(rows);

	API_OK(consort_get(c, "airport", CONSORT_ARGS(consort_text("SFO")), &records[0], &error));
	API_OK(consort_get(c, "airport", CONSORT_ARGS(consort_text("LAX")), &records[1], &error));
	API_OK(consort_load(c, records, 2, "departures", &rows, &error));
	sum = 0;
	while (consort_cursor_next(rows, &error))
		sum += consort_cursor_int64(rows, 0) * 100 + consort_cursor_int64(rows, 1);
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	CU_ASSERT_EQUAL(sum, 1 + 2 + 5 + 104);
	consort_cursor_close(rows);
	CU_ASSERT_EQUAL(consort_load(c, records, 2, "departure", &rows, &error), CONSORT_ENAME);
	TESTING_CONTAINS(error.message, "did you mean 'departures'?");
	consort_record_free(records[0]);
	consort_record_free(records[1]);
	consort_close(c);
}

static void test_transactions(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled(), *in = NULL;
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_record *r = NULL;

	API_OK(consort_begin(c, "travel", &in, &error));
	API_OK(consort_delete(in, "flight", CONSORT_ARGS(consort_int64(1)), &error));
	API_OK(consort_savepoint(in, "before", &error));
	API_OK(consort_delete(in, "flight", CONSORT_ARGS(consort_int64(2)), &error));
	TESTING_TEXT(api_find(in, "flight", "id", NULL, "id"), "3;4;5");
	API_OK(consort_rollback_to(in, "before", &error));
	TESTING_TEXT(api_find(in, "flight", "id", NULL, "id"), "2;3;4;5");
	/* the parent, on this thread, for the same database; a database that was not listed */
	CU_ASSERT_EQUAL(consort_get(c, "flight", CONSORT_ARGS(consort_int64(3)), &r, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "transaction");
	CU_ASSERT_EQUAL(consort_get(in, "airport", CONSORT_ARGS(consort_text("SFO")), &r, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "not part of this transaction");
	API_OK(consort_get(c, "airport", CONSORT_ARGS(consort_text("SFO")), &r, &error));
	consort_record_free(r);
	API_OK(consort_commit(in, &outcome, &error));
	CU_ASSERT_EQUAL(outcome.kind, CONSORT_OUTCOME_COMMITTED);
	TESTING_TEXT(api_find(c, "flight", "id", NULL, "id"), "2;3;4;5");
	API_OK(consort_begin(c, "travel", &in, &error));
	API_OK(consort_delete(in, "flight", CONSORT_ARGS(consort_int64(2)), &error));
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(api_find(c, "flight", "id", NULL, "id"), "2;3;4;5");
	CU_ASSERT_EQUAL(consort_begin(c, "travel, places", &in, &error), CONSORT_EUNSUPPORTED);
	CU_ASSERT_EQUAL(consort_begin(c, "travl", &in, &error), CONSORT_ENAME);
	TESTING_CONTAINS(error.message, "did you mean 'travel'?");
	consort_close(c);
}

static void test_by_query(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_query *q = consort_query_new(c, "flight");
	int64_t affected = -1;

	consort_query_where(q, "origin = 'SFO'");
	API_OK(consort_update_where(q, "delay = delay + $1", CONSORT_ARGS(consort_int64(100)), &affected, &error));
	CU_ASSERT_EQUAL(affected, 3);
	TESTING_TEXT(api_find(c, "flight", "id, delay", NULL, "id"), "1,110;2,95;3,90;4,-;5,161");
	consort_query_where(q, "delay > 100");
	API_OK(consort_delete_where(q, CONSORT_NO_ARGS, &affected, &error));
	CU_ASSERT_EQUAL(affected, 2);
	TESTING_TEXT(api_find(c, "flight", "id", NULL, "id"), "2;3;4");
	consort_query_free(q);
	consort_close(c);
}

static void test_mistakes(void)
{
	struct consort *c = open_filled();

	TESTING_TEXT(api_find(c, "flight", "id", "dealy > 1", NULL),
		     "status 3: flight: no attribute 'dealy'; did you mean 'delay'? (at 1 in \"dealy > 1\")");
	TESTING_TEXT(api_find(c, "flight", "id", "delay > 'x'", NULL),
		     "status 4: flight.delay: cannot compare an integer with text 'x' (at 9 in \"delay > 'x'\")");
	TESTING_TEXT(api_find(c, "fligth", NULL, NULL, NULL),
		     "status 3: unknown resource 'fligth'; did you mean 'flight'?");
	TESTING_CONTAINS(api_find(c, "flight", "id", "id = 1; drop table flights", NULL), "status 2: ");
	TESTING_CONTAINS(api_find(c, "flight", "id", "id = 1 group by id", NULL), "status 2: ");
	TESTING_CONTAINS(api_find(c, "flight", "id", "id = $1", NULL), "takes 1 parameter, but 0 were given");
	TESTING_CONTAINS(api_find(c, "flight", "delay / 0", "id = 1", NULL), "status 5: ");
	consort_close(c);
}

static void test_fork(void)
{
	struct consort *c = open_filled();
	struct consort_query *q = consort_query_new(c, "flight");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	int status = 0;
	pid_t pid;

	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		struct consort_record *r = NULL;
		struct consort_cursor *more = NULL;
		int bad = consort_get(c, "flight", CONSORT_ARGS(consort_int64(1)), &r, &error) != CONSORT_EFORKED ||
			  consort_query_run(q, CONSORT_NO_ARGS, &more, &error) != CONSORT_EFORKED;

		consort_cursor_close(rows);
		consort_query_free(q);
		consort_close(c);
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	consort_cursor_close(rows);
	TESTING_TEXT(api_find(c, "flight", "count(*)", NULL, NULL), "5");
	consort_query_free(q);
	consort_close(c);
}

static void test_order_of_closing(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_query *q = consort_query_new(c, "flight");
	struct consort_plan *plan = NULL;
	struct consort_cursor *rows = NULL;

	consort_query_order(q, "id");
	API_OK(consort_query_prepare(q, &plan, &error));
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	consort_close(c);
	consort_query_free(q);
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_int64(rows, 0), 1);
	consort_cursor_close(rows);
	consort_plan_free(plan);
}

static void test_arrow_stream(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_query *q = consort_query_new(c, "flight");
	struct consort_cursor *rows = NULL;
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	struct ArrowArray array;
	int64_t count = 0;

	consort_query_select(q, "id, origin, at");
	consort_query_order(q, "id");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	API_OK(consort_cursor_take_stream(rows, &stream, &error));
	consort_cursor_close(rows);
	consort_query_free(q);
	consort_close(c);
	CU_ASSERT_EQUAL(stream.get_schema(&stream, &schema), 0);
	TESTING_TEXT(schema.children[2]->format, "tsu:UTC");
	TESTING_TEXT(schema.children[1]->name, "origin");
	schema.release(&schema);
	for (;;) {
		CU_ASSERT_EQUAL_FATAL(stream.get_next(&stream, &array), 0);
		if (!array.release)
			break;
		count += array.length;
		array.release(&array);
	}
	CU_ASSERT_EQUAL(count, 4); /* the first was read as a row */
	stream.release(&stream);
}

/* What could not be made goes through the setters, and is told by what uses it. */
static void test_made_of_no_memory(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_filled();
	struct consort_cursor *rows = NULL;
	struct consort_record *none = NULL;
	struct consort_plan *plan = NULL;
	char *text = NULL;

	consort_query_select(NULL, "id");
	consort_query_where(NULL, "id = 1");
	consort_query_group(NULL, "id");
	consort_query_having(NULL, "true");
	consort_query_order(NULL, "id");
	consort_query_limit(NULL, 1);
	consort_query_offset(NULL, 1);
	consort_query_after(NULL, CONSORT_ARGS(consort_int64(1)));
	CU_ASSERT_EQUAL(consort_query_run(NULL, CONSORT_NO_ARGS, &rows, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_query_prepare(NULL, &plan, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_query_explain(NULL, CONSORT_EXPLAIN_TEXT, 0, CONSORT_NO_ARGS, &text, &error),
			CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_update_where(NULL, "id = 1", CONSORT_NO_ARGS, NULL, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_delete_where(NULL, CONSORT_NO_ARGS, NULL, &error), CONSORT_ENOMEM);
	consort_query_free(NULL);

	consort_record_set(NULL, "id", consort_int64(1));
	consort_record_clear(NULL);
	CU_ASSERT_EQUAL(consort_record_status(NULL, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_create(c, NULL, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_update(c, NULL, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_upsert(c, NULL, &error), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_create_many(c, &none, 1, 0, NULL, &error), CONSORT_ENOMEM);
	consort_record_free(NULL);
	CU_ASSERT_PTR_NULL(rows);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"records", test_records}, {"queries", test_queries}, {"relationships", test_relationships},
		{"sets-of-keys", test_sets_of_keys}, {"transactions", test_transactions}, {"by-query", test_by_query},
		{"mistakes", test_mistakes}, {"fork", test_fork}, {"order-of-closing", test_order_of_closing},
		{"arrow-stream", test_arrow_stream}, {"made-of-no-memory", test_made_of_no_memory}, {NULL, NULL},
	};

	return testing_main("api", cases, argc, argv);
}
