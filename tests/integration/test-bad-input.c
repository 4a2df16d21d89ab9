/* SPDX-License-Identifier: Apache-2.0 */
/* What a program is told when names, values or expressions are wrong: each by status and
 * message. */
#include "api.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DATABASE "[database db]\ntype = sqlite\npath = things.db\n"

static const char manifest[] = DATABASE
	"[resource thing]\ndatabase = db\nsource = things\nkey = id\n"
	"attribute.id = int64 not null\nattribute.i = int64\nattribute.f = float64\nattribute.s = text\n"
	"attribute.d = decimal(10,2)\nattribute.moment = timestamp\nattribute.day = date\nattribute.tm = "
	"time\n"
	"attribute.b = bool\nattribute.u = uuid\nattribute.raw = bytes\nattribute.doc = json\n"
	"attribute.o = objectid\nattribute.l = list of int64\n"
	"relationship.twin = thing, i -> id\n";

static struct consort *open_things(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);
	struct consort_record *r = consort_record_new(c, "thing");

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "i", consort_int64(7));
	consort_record_set(r, "s", consort_text("x"));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
	return c;
}

static void check(const char *what, const char *actual, const char *expected)
{
	int found = strstr(actual, expected) != NULL;

	if (!found)
		fprintf(stderr, "  %s:\n    actual:   %s\n    expected: %s\n", what, actual, expected);
	CU_ASSERT_TRUE(found);
}

/* --- expressions --- */

static void test_conditions(void)
{
	static const char *const cases[][2] = {
		{"dealy = 1", "status 3: thing: no attribute 'dealy'"},
		{"twn.i = 1",
		 "status 3: thing: no attribute or relationship 'twn'; did you mean 'twin'? (at 1 in"},
		{"twin.nope = 1", "status 3: thing: no attribute 'nope' (at 6 in"},
		{"twin = 1",
		 "status 3: thing.twin is a relationship: name an attribute behind it, like twin.id"},
		{"i.x = 1", "status 3: thing.i: an integer has nothing inside"},
		{"foo(i) = 1", "status 3: no function 'foo'"},
		{"lowr(s) = 'x'", "status 3: no function 'lowr'; did you mean 'lower'?"},
		{"i ~ 'x'", "status 2: the operator ~ is not understood (at 3 in"},
		{"i == 1", "status 2: the operator == is not understood"},
		{"i =", "status 2: syntax error at end of input"},
		{"", "status 2: the text of where is empty"},
		{"(i = 1", "status 2: syntax error"},
		{"i = 1)", "status 2: ')' closes nothing (at 6 in"},
		{"i in ()", "status 2: syntax error"},
		{"s similar to 'x'", "status 2: similar to is not understood: use like"},
		{"count(*) > 1", "status 2: count is an aggregate, which cannot stand in where: use having"},
		{"i = 'x'", "status 4: thing.i: cannot compare an integer with text 'x' (at 5 in"},
		{"s = 5", "status 4: thing.s: cannot compare text with an integer"},
		{"b = 1", "status 4: thing.b: cannot compare a boolean with an integer"},
		{"d = f", "status 4: thing.d: cannot compare a decimal with a float64: cast one of them"},
		{"doc < '{}'", "status 4: thing.doc: JSON is neither less nor greater"},
		{"l = 1", "status 4: thing.l: cannot compare a list with an integer"},
		{"moment > 'x'", "status 4: thing.moment: 'x' is not a timestamp"},
		{"u = 'zz'", "status 4: thing.u: 'zz' is not a uuid"},
		{"raw = 'xy'", "status 4: thing.raw: 'xy' is not bytes"},
		{"i", "status 4: thing.i: a condition needs a boolean, not an integer"},
		{"i + 'a' = 1", "status 4: thing.i: cannot calculate with an integer and text 'a'"},
		{"s like 5", "status 4: like needs text, not an integer"},
		{"i::foo = 1", "status 4: unknown type 'foo'"},
		{"s::int64 = 1", "status 4: 'x' is not an integer"},
		{"day = '2001-02-30'",
		 "status 5: thing.day: '2001-02-30' is not a date: that month has no such day"},
		{"tm = '24:00:00'", "status 5: thing.tm: '24:00:00' is not a time"},
		{"f = 1e999", "status 5: 1e999 is too great for float64"},
		{"i / 0 = 1", "status 5: division by zero"},
		{"i + 9223372036854775807 > 0", "status 5: integer overflow in 7 + 9223372036854775807"},
		/* what looks like SQL is no expression, or a value */
		{"i = 1; drop table things", "status 2: ';' does not belong in an expression (at 6 in"},
		{"i = 1 union select 1", "status 2: 'union' does not belong in an expression"},
		{"i = 1 limit 1", "status 2: 'limit' does not belong in an expression"},
		{"i = (select 1)", "status 2: a sub-select is not understood here"},
		{"exists (select 1)", "status 2: a sub-select is not understood here"},
		/* bytes */
		{"s = '\xff'", "status 2: the text of where is not UTF-8 (at byte 6)"},
		{"s = '\xed\xa0\x80'", "status 2: the text of where is not UTF-8"},
		{"s = E'\\000'", "status 2: "},
		{"s = U&'\\0000'", "status 2: "},
		/* parameters */
		{"i = $1", "status 1: the query takes 1 parameter, but 0 were given"},
		{"i = $0", "status 2: parameters are $1 to $65535"},
		{"i = $99999999999", "status 2: parameters are $1 to $65535"},
		{"$1 = $2", "status 4: cannot tell the type of $1: write $1::text"},
		{"doc.a > $1", "status 4: cannot tell the type of $1, since a path into JSON is read as what "
			       "it meets: write $1::float8 for a number, $1::text for a text (at 9 in"},
	};
	struct consort *c = open_things();
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		check(cases[i][0], api_find(c, "thing", "id", cases[i][0], NULL), cases[i][1]);
	/* beyond what a column can hold, but comparable */
	TESTING_TEXT(api_find(c, "thing", "id", "i < 99999999999999999999", NULL), "1");
	TESTING_TEXT(api_find(c, "thing", "id", "i = 99999999999999999999", NULL), "");
	TESTING_TEXT(api_find(c, "thing", "i", NULL, NULL), "7");
	consort_close(c);
}

static void test_clauses(void)
{
	static const char *const selects[][2] = {
		{"", "status 2: the text of select is empty"},
		{"nope", "status 3: thing: no attribute 'nope'"},
		{"*, nope.*", "status 3: thing: no attribute or relationship 'nope'"},
		{"id from things", "status 2: 'from' does not belong in an expression"},
		{"distinct id", "status 2: select distinct is not understood: group by the columns"},
		{"id, count(*)", "status 4: thing.id: must appear in group, or inside an aggregate"},
		{"sum(s)", "status 4: thing.s: cannot calculate with text"},
		{"sum(count(*))",
		 "status 2: count is an aggregate, which cannot stand inside another aggregate"},
		{"max(id) over ()", "status 2: window functions are not understood"},
		{"coalesce(i, 'x')", "status 4: thing.i: cannot mix an integer and text 'x'"},
		{"array[1]", "status 2: array"},
	};
	static const char *const orders[][2] = {
		{"nope", "status 3: thing: no attribute 'nope'"},
		{"2", "status 5: order by a number means a column of select, 1 to 1"},
		{"l", "status 4: thing.l: order by a list is not understood"},
		{"id using >", "status 2: using is not understood: write asc or desc"},
	};
	struct consort *c = open_things();
	struct consort_query *q;
	size_t i;

	for (i = 0; i < COUNT(selects); i++)
		check(selects[i][0], api_find(c, "thing", selects[i][0], NULL, NULL), selects[i][1]);
	for (i = 0; i < COUNT(orders); i++)
		check(orders[i][0], api_find(c, "thing", "id", NULL, orders[i][0]), orders[i][1]);
	check("resource", api_find(c, "thin", NULL, NULL, NULL),
	      "status 3: unknown resource 'thin'; did you mean 'thing'?");
	check("resource", api_find(c, "", NULL, NULL, NULL), "status 3: unknown resource ''");
	check("resource", api_find(c, NULL, NULL, NULL, NULL),
	      "status 1: consort_query_new: resource must not be NULL");
	q = consort_query_new(c, "thing");
	consort_query_limit(q, -1);
	check("limit", api_rows(q, CONSORT_NO_ARGS), "status 5: limit and offset must not be negative");
	consort_query_free(q);
	q = consort_query_new(c, "thing");
	consort_query_after(q, CONSORT_ARGS(consort_text("x")));
	check("after", api_rows(q, CONSORT_NO_ARGS),
	      "status 4: the key to page after: cannot use text as an integer");
	consort_query_after(q, CONSORT_ARGS(consort_int64(1), consort_int64(2)));
	check("after", api_rows(q, CONSORT_NO_ARGS),
	      "status 1: the key of thing has 1 attribute, but 2 were given");
	consort_query_after(q, CONSORT_ARGS(consort_int64(77)));
	check("after", api_rows(q, CONSORT_NO_ARGS),
	      "status 7: there is no record with the key to page after");
	consort_query_free(q);
	consort_close(c);
}

static void test_parameters(void)
{
	struct consort *c = open_things();
	struct consort_query *q = consort_query_new(c, "thing");

	consort_query_select(q, "id");
	consort_query_where(q, "i = $1 or s = $2");
	check("type", api_rows(q, CONSORT_ARGS(consort_text("x"), consort_null())),
	      "status 4: $1: cannot use text as an integer");
	check("type", api_rows(q, CONSORT_ARGS(consort_float64(1.5), consort_null())),
	      "status 4: $1: cannot use a float64 as an integer");
	check("utf-8", api_rows(q, CONSORT_ARGS(consort_null(), consort_text("a\xff"))),
	      "status 5: $2: the text is not UTF-8 (byte 2 is 0xff)");
	check("nul", api_rows(q, CONSORT_ARGS(consort_null(), consort_text_n("a\0b", 3))),
	      "status 5: $2: a text cannot hold a NUL byte (it has one at byte 2)");
	check("many", api_rows(q, CONSORT_ARGS(consort_null(), consort_null(), consort_null())),
	      "status 1: the query takes 2 parameters, but 3 were given");
	TESTING_TEXT(api_rows(q, CONSORT_ARGS(consort_null(), consort_text("' or 1 = 1 --"))), "");
	TESTING_TEXT(api_rows(q, CONSORT_ARGS(consort_null(), consort_text("x"))), "1");
	consort_query_free(q);
	consort_close(c);
}

static void test_updates(void)
{
	static const char *const cases[][2] = {
		{"", "status 2: the text of assignments is empty"},
		{"nope = 1", "status 3: thing: no attribute 'nope'"},
		{"i = 'x'", "status 4: thing.i: an integer cannot be set to text 'x'"},
		{"i = 1, i = 2", "status 2: thing.i is set twice"},
		{"id = 2", "status 1: thing.id is of the key, which cannot be changed by query"},
		{"twin.i = 1", "status 2: only whole attributes can be set"},
		{"i = twin.i", "status 2: a write by query cannot follow relationships"},
		{"i = 1 where id = 2", "status 2: 'where' does not belong in an expression"},
		{"i = 1; drop table things", "status 2: ';' does not belong in an expression"},
		{"d = 123456789", "status 5: thing.d: 123456789 does not fit decimal(10,2)"},
		{"f = 'nan'::float64", "status 5: attribute 'f': nan is nothing that SQLite can store"},
		{"i = i * 9223372036854775807", "status 5: integer overflow"},
		{"i = i / 0", "status 5: division by zero"},
		{"doc = '{'", "status 2: thing.doc: invalid JSON at byte 1"},
		{"i = count(*)", "status 2: count is an aggregate, which cannot stand in assignments"},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things();
	struct consort_query *q = consort_query_new(c, "thing");
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		int64_t affected = -7;

		CU_ASSERT_NOT_EQUAL(consort_update_where(q, cases[i][0], CONSORT_NO_ARGS, &affected, &error),
				    CONSORT_OK);
		check(cases[i][0], api_error(&error), cases[i][1]);
		CU_ASSERT_EQUAL(affected, -7);
	}
	consort_query_limit(q, 1);
	CU_ASSERT_EQUAL(consort_delete_where(q, CONSORT_NO_ARGS, NULL, &error), CONSORT_EINVAL);
	TESTING_CONTAINS(error.message, "takes only conditions (where)");
	TESTING_TEXT(api_find(c, "thing", "id, i, s", NULL, NULL), "1,7,x");
	consort_query_free(q);
	consort_close(c);
}

/* --- values --- */

struct value_case {
	const char *attribute;
	struct consort_value value;
	uint32_t status;
	const char *message;
};

static void check_value(struct consort *c, const struct value_case *test)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = consort_record_new(c, "thing");

	consort_record_set(r, "id", consort_int64(2));
	consort_record_set(r, test->attribute, test->value);
	CU_ASSERT_EQUAL(consort_create(c, r, &error), test->status);
	check(test->attribute, error.message, test->message);
	CU_ASSERT_EQUAL(error.status, test->status);
	TESTING_TEXT(error.attribute, test->attribute);
	consort_record_free(r);
}

static void test_values(void)
{
	const struct value_case cases[] = {
		{"i", consort_text("12"), CONSORT_ETYPE, "thing.i: cannot use text as an integer"},
		{"i", consort_float64(1.5), CONSORT_ETYPE, "thing.i: cannot use a float64 as an integer"},
		{"i", consort_bool(1), CONSORT_ETYPE, "thing.i: cannot use a boolean as an integer"},
		{"i", consort_integer_of(77, 1), CONSORT_ETYPE,
		 "thing.i: cannot use a value of a newer type"},
		{"f", consort_float64(NAN), CONSORT_ERANGE,
		 "nan is nothing that SQLite can store: it would become NULL"},
		{"f", consort_int64(9007199254740993), CONSORT_ERANGE,
		 "9007199254740993 does not fit float64 exactly"},
		{"s", consort_int64(5), CONSORT_ETYPE, "thing.s: cannot use an integer as text"},
		{"s", consort_text("\xff"), CONSORT_ERANGE,
		 "thing.s: the text is not UTF-8 (byte 1 is 0xff)"},
		{"s", consort_text("\xc0\xaf"), CONSORT_ERANGE,
		 "thing.s: the text is not UTF-8 (byte 1 is 0xc0)"},
		{"s", consort_text("\xed\xa0\x80"), CONSORT_ERANGE, "thing.s: the text is not UTF-8"},
		{"s", consort_text_n("a\0b", 3), CONSORT_ERANGE, "thing.s: a text cannot hold a NUL byte"},
		{"d", consort_float64(0.5), CONSORT_ETYPE, "thing.d: cannot use a float64 as a decimal"},
		{"d", consort_int64(123456789), CONSORT_ERANGE,
		 "thing.d: 123456789 does not fit decimal(10,2)"},
		{"d", consort_decimal_of((struct consort_decimal){1234, 0}, 10, 3), CONSORT_ERANGE,
		 "thing.d: 1.234 does not fit decimal(10,2)"},
		{"d", consort_decimal_of((struct consort_decimal){0, 1}, 10, 2), CONSORT_ERANGE,
		 "thing.d: 184467440737095516.16 does not fit decimal(10,2)"},
		{"moment", consort_int64(5), CONSORT_ETYPE,
		 "thing.moment: cannot use an integer as a timestamp"},
		{"moment", consort_text("yesterday"), CONSORT_ETYPE,
		 "thing.moment: 'yesterday' is not a timestamp"},
		{"moment", consort_text("2001-02-30T00:00:00Z"), CONSORT_ERANGE,
		 "that month has no such day"},
		{"day", consort_date(INT32_MAX), CONSORT_ERANGE, "lies outside the years 0000 to 9999"},
		{"day", consort_integer_of(CONSORT_TYPE_DATE, INT64_MAX), CONSORT_ERANGE,
		 "thing.day: a date is made of 92233720"},
		{"tm", consort_time(86400000000), CONSORT_ERANGE,
		 "thing.tm: a time is made of 86400000000, which is not from 0"},
		{"tm", consort_time(-1), CONSORT_ERANGE, "thing.tm: a time is made of -1"},
		{"tm", consort_text("24:00"), CONSORT_ERANGE, "thing.tm: '24:00' is not a time"},
		{"b", consort_int64(1), CONSORT_ETYPE, "thing.b: cannot use an integer as a boolean"},
		{"b", consort_integer_of(CONSORT_TYPE_BOOL, 7), CONSORT_ERANGE,
		 "thing.b: a boolean is made of 7"},
		{"u", consort_text("xyz"), CONSORT_ETYPE, "thing.u: 'xyz' is not a uuid"},
		{"u", consort_bytes("a", 1), CONSORT_ETYPE, "thing.u: cannot use bytes as a uuid"},
		{"raw", consort_text("\\xzz"), CONSORT_ETYPE, "thing.raw: '\\xzz' is not bytes"},
		{"o", consort_text("zz"), CONSORT_ETYPE, "thing.o: 'zz' is not an objectid"},
		{"doc", consort_json("{"), CONSORT_ESYNTAX, "thing.doc: invalid JSON at byte 1"},
		{"doc", consort_json("{\"a\":1} x"), CONSORT_ESYNTAX, "thing.doc: invalid JSON at byte 9"},
		{"doc", consort_json("[\"\\u0000\"]"), CONSORT_ERANGE,
		 "thing.doc: invalid JSON at byte 3: a text cannot hold the NUL"},
		{"doc", consort_json("[\"\xff\"]"), CONSORT_ESYNTAX, "thing.doc: invalid JSON at byte 3"},
		{"l", consort_text("[1]"), CONSORT_ETYPE, "thing.l: cannot use text as a list"},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things();
	struct consort_record *r;
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		check_value(c, &cases[i]);
	TESTING_TEXT(api_find(c, "thing", "count(*)", NULL, NULL), "1");
	r = consort_record_new(c, "thing");
	consort_record_set(r, "idd", consort_int64(1));
	CU_ASSERT_EQUAL(consort_record_status(r, &error), CONSORT_ENAME);
	TESTING_TEXT(error.message, "thing: no attribute 'idd'; did you mean 'id'?");
	consort_record_clear(r);
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EINVAL);
	consort_record_set(r, "id", consort_int64(2));
	consort_record_set(r, "s", consort_text("'; drop table things; --"));
	consort_record_set(r, "doc", consort_json("{ \"a\" : [1, 2 ] }"));
	consort_record_set(r, "f", consort_float64(INFINITY));
	API_OK(consort_create(c, r, &error));
	TESTING_TEXT(api_find(c, "thing", "s, doc, f", "id = 2", NULL),
		     "'; drop table things; --,{\"a\":[1,2]},inf");
	consort_record_free(r);
	consort_close(c);
}

static void test_keys(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things();
	struct consort_record *r = NULL;
	struct consort_cursor *rows = NULL;
	const struct consort_args two = CONSORT_ARGS(consort_int64(1), consort_int64(2)),
				  text = CONSORT_ARGS(consort_text("x"));

	CU_ASSERT_EQUAL(consort_get(c, "thing", text, &r, &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "thing.id: cannot use text as an integer");
	CU_ASSERT_EQUAL(consort_get(c, "thing", two, &r, &error), CONSORT_EINVAL);
	TESTING_TEXT(error.message, "thing: the key has 1 attribute, but 2 values were given");
	CU_ASSERT_EQUAL(consort_get(c, "thing", CONSORT_ARGS(consort_null()), &r, &error), CONSORT_ENOTFOUND);
	CU_ASSERT_EQUAL(consort_get(c, "thng", two, &r, &error), CONSORT_ENAME);
	TESTING_TEXT(error.message, "unknown resource 'thng'; did you mean 'thing'?");
	CU_ASSERT_EQUAL(consort_delete(c, "thing", text, &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "thing.id: cannot use text as an integer");
	CU_ASSERT_EQUAL(consort_get_many(c, "thing", &text, 1, &rows, &error), CONSORT_ETYPE);
	TESTING_TEXT(error.message, "key 1: thing.id: cannot use text as an integer");
	CU_ASSERT_PTR_NULL(r);
	consort_close(c);
}

/* --- columns --- */

static void check_writer(struct consort *c, const char *attributes, const struct consort_value *value,
			 uint32_t status, const char *message)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;
	uint32_t result = consort_writer_open(c, "thing", attributes, CONSORT_WRITER_CREATE, 0, &w, &error);

	if (!result) {
		struct consort_batch *batch = consort_writer_batch(w);

		consort_append_int64(&batch->columns[0], 10);
		if (batch->ncolumns > 1)
			consort_append_null(&batch->columns[1]);
		consort_batch_end_row(batch);
		consort_append_int64(&batch->columns[0], 11);
		if (value)
			CU_ASSERT_EQUAL(consort_append_value(batch, &batch->columns[1], value), CONSORT_OK);
		consort_batch_end_row(batch);
		result = consort_writer_flush(w, &error);
		CU_ASSERT_EQUAL(consort_writer_written(w), 0);
	}
	CU_ASSERT_EQUAL(result, status);
	check(attributes, error.message, message);
	consort_writer_close(w);
}

static void test_writers(void)
{
	const struct consort_value bad_text = consort_text("a\xff"), nul = consort_text_n("a\0", 2),
				   early = consort_time(-1);
	const struct consort_value json = consort_json("{"), nan = consort_float64(NAN);
	const struct consort_value decimal = consort_decimal_of((struct consort_decimal){0, 1}, 10, 2);
	struct consort *c = open_things();

	check_writer(c, "id, idd", NULL, CONSORT_ENAME, "thing: no attribute 'idd'; did you mean 'id'?");
	check_writer(c, "id, id", NULL, CONSORT_ENAME, "thing: attribute 'id' is given twice");
	check_writer(c, "id,", NULL, CONSORT_ENAME, "an attribute's name is missing");
	check_writer(c, "id, s", NULL, CONSORT_EINVAL, "thing.s: the batch has 1 values for 2 rows");
	check_writer(c, "id, s", &bad_text, CONSORT_ERANGE,
		     "thing.s: row 2: the text is not UTF-8 (byte 2 is 0xff)");
	check_writer(c, "id, s", &nul, CONSORT_ERANGE, "thing.s: row 2: a text cannot hold a NUL byte");
	check_writer(c, "id, tm", &early, CONSORT_ERANGE, "thing.tm: row 2: a time is made of -1");
	check_writer(c, "id, doc", &json, CONSORT_ESYNTAX, "thing.doc: row 2: invalid JSON at byte 1");
	check_writer(c, "id, d", &decimal, CONSORT_ERANGE,
		     "thing.d: row 2: 184467440737095516.16 does not fit decimal(10,2)");
	check_writer(c, "id, f", &nan, CONSORT_ERANGE, "nan is nothing that SQLite can store");
	TESTING_TEXT(api_find(c, "thing", "count(*)", NULL, NULL), "1");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"conditions", test_conditions}, {"clauses", test_clauses},
		{"parameters", test_parameters}, {"updates", test_updates},
		{"values", test_values},	 {"keys", test_keys},
		{"writers", test_writers},	 {NULL, NULL},
	};

	return testing_main("bad-input", cases, argc, argv);
}
