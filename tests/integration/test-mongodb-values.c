/* SPDX-License-Identifier: Apache-2.0 */
/* Values between BSON and the library, both ways; and what a write leaves alone. */
#include "mongodb-adapter.h"

/* Documents of every kind of value come out as JSON, and go in again as they were. */
static void test_documents(void)
{
	static const char document[] =
		"{\"i\":5,\"f\":1.5,\"w\":2.0,\"p\":1.50,\"s\":\"x\",\"a\":[1,null,{\"b\":true}],"
		"\"o\":{\"$oid\":\"0123456789abcdef01234567\"},\"d\":{\"$date\":{\"$numberLong\":\"-1\"}},"
		"\"n\":{\"$numberDouble\":\"NaN\"},\"q\":{\"$numberDecimal\":\"1.5\"},"
		"\"r\":{\"$regularExpression\":{\"pattern\":\"^a\",\"options\":\"i\"}},"
		"\"y\":{\"$binary\":{\"base64\":\"AAEC\",\"subType\":\"05\"}},\"t\":{\"$timestamp\":{\"t\":1,"
		"\"i\":2}},"
		"\"c\":{\"$code\":\"f()\"},\"l\":{\"$minKey\":1},\"m\":{\"$maxKey\":1},\"u\":{\"$undefined\":"
		"true}}";
	const struct consort_args values = CONSORT_ARGS(consort_int64(1), consort_json(document));
	struct adapter_test test;
	char expected[1024];

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw("{\"create\": \"x\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(
		adapter_resource(&test, "x", ADAPTER_LIST("id = int64 from _id", "doc = json")));
	ADAPTER_OK(&test, adapter_write(&test, ADAPTER_INSERT,
					(struct adapter_write){
						.resource = "x", .attributes = "id, doc", .values = values}));
	TESTING_TEXT(adapter_text(&test), "affected 1\n");
	ADAPTER_OK(&test, adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "doc")));
	snprintf(expected, sizeof(expected), "%s\n", document);
	TESTING_TEXT(adapter_text(&test), expected);
	/* what libmongoc sees is of these types */
	TESTING_CONTAINS(mongodb_test_documents("x"), "\"i\" : { \"$numberLong\" : \"5\" }");
	TESTING_CONTAINS(mongodb_test_documents("x"), "\"p\" : { \"$numberDecimal\" : \"1.50\" }");
	TESTING_CONTAINS(mongodb_test_documents("x"), "\"w\" : { \"$numberDouble\" : \"2.0\" }");
	mongodb_test_close(&test);
}

/* Fields without an attribute, as one that no attribute can name, are seen in one of codec rest. An update
 * leaves alone what it does not name. */
static void test_rest(void)
{
	const struct consort_args values =
		CONSORT_ARGS(consort_text("new"), consort_null(), consort_int64(1));
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": {\"$numberLong\": \"1\"}, \"s\": "
			 "\"old\", \"gone\": "
			 "true, \"more\": {\"a\": 1}, \"$odd\": 2}]}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(
		&test, "x",
		ADAPTER_LIST("id = int64 from _id", "s = text", "gone = bool", "rest = json codec rest")));
	ADAPTER_OK(&test, adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "rest, s")));
	TESTING_TEXT(adapter_text(&test), "{\"$odd\":2}|old\n");
	ADAPTER_OK(&test, adapter_write(&test, ADAPTER_UPDATE,
					(struct adapter_write){.resource = "x",
							       .attributes = "s, gone, id",
							       .nkeys = 1,
							       .values = values}));
	TESTING_TEXT(mongodb_test_documents("x"), "{ \"_id\" : { \"$numberLong\" : \"1\" }, \"s\" : \"new\", "
						  "\"more\" : { \"a\" : { \"$numberInt\" : \"1\" } "
						  "}, \"$odd\" : { \"$numberInt\" : \"2\" } }\n");
	mongodb_test_close(&test);
}

/* A field of another type than its attribute is an error that names it, where an answer needs it. */
static void test_wrong_types(void)
{
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw(
		"{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"i\": 5}, {\"_id\": 2, \"i\": \"five\"}, "
		"{\"_id\": 3, \"i\": [5, 6]}, {\"_id\": 4}]}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(
		adapter_resource(&test, "x", ADAPTER_LIST("id = int64 from _id", "i = int64")));
	CU_ASSERT_EQUAL(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "i")), CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "resource 'x', attribute 'i': the document holds \"five\", which is not an "
		     "integer (int64)");
	CU_ASSERT_EQUAL(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "id", .where = "i = 5")),
			CONSORT_ETYPE);
	CU_ASSERT_EQUAL(
		adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)", .where = "i > 4")),
		CONSORT_ETYPE);
	TESTING_TEXT(test.error.message,
		     "resource 'x', attribute 'i': a document holds a value of MongoDB's type array, "
		     "which is not an integer");
	CU_ASSERT_EQUAL(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "sum(i)")),
			CONSORT_ETYPE);
	/* what is ruled out is not looked at */
	ADAPTER_OK(&test,
		   adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "id", .where = "i is null")));
	TESTING_TEXT(adapter_text(&test), "4\n");
	mongodb_test_close(&test);
}

/* A value that MongoDB would round is refused, or cut where that is asked for. */
static void test_refused(void)
{
	const struct consort_args fine =
		CONSORT_ARGS(consort_int64(1), consort_timestamp(1001), consort_null());
	const struct consort_args cut =
		CONSORT_ARGS(consort_int64(2), consort_null(), consort_timestamp(1001));
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw("{\"create\": \"x\"}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(
		&test, "x",
		ADAPTER_LIST("id = int64 from _id", "at = timestamp", "about = timestamp codec ms")));
	CU_ASSERT_EQUAL(adapter_write(&test, ADAPTER_INSERT,
				      (struct adapter_write){.resource = "x",
							     .attributes = "id, at, about",
							     .values = fine}),
			CONSORT_ERANGE);
	TESTING_CONTAINS(test.error.message, "finer than a millisecond");
	ADAPTER_OK(&test,
		   adapter_write(&test, ADAPTER_INSERT,
				 (struct adapter_write){
					 .resource = "x", .attributes = "id, at, about", .values = cut}));
	TESTING_TEXT(mongodb_test_documents("x"), "{ \"_id\" : { \"$numberLong\" : \"2\" }, \"about\" : { "
						  "\"$date\" : { \"$numberLong\" : \"1\" } } }\n");
	mongodb_test_close(&test);
}

/* Introspection says what it saw, and how often. */
static void test_sampled(void)
{
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw("{\"insert\": \"x\", \"documents\": [{\"_id\": 1, \"n\": 1, \"t\": \"a\"}, "
			 "{\"_id\": 2, \"n\": 2.5, "
			 "\"t\": 1}, {\"_id\": 3, \"n\": null, \"a\": [\"x\"]}]}");
	ADAPTER_OK(&test, adapter_describe(&test, "x"));
	TESTING_CONTAINS(adapter_text(&test), "int 1, double 1, null 1 of 3 sampled");
	TESTING_CONTAINS(adapter_text(&test), "int 1, string 1 of 3 sampled");
	TESTING_CONTAINS(adapter_text(&test), "array 1 of 3 sampled");
	mongodb_test_close(&test);
}

/* A validator's properties tell order and types, wherever it says what must be there. */
static void test_validator(void)
{
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw(
		"{\"create\": \"x\", \"validator\": {\"$jsonSchema\": {\"required\": [\"c\", \"z\"], "
		"\"properties\": {\"b\": {\"description\": \"text\"}, \"c\": {\"description\": "
		"\"int64\"}, \"a\": {\"description\": \"date\"}}}}}");
	ADAPTER_OK(&test, adapter_describe(&test, "x"));
	TESTING_TEXT(adapter_text(&test),
		     "x:\n  b text 'none of 0 sampled'\n  c int64 'none of 0 sampled' not-null\n"
		     "  a date 'none of 0 sampled'\n  z text 'none of 0 sampled' unknown\n"
		     "  _id objectid 'none of 0 sampled' not-null generated\n  key _id\n");
	mongodb_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"documents", test_documents},
		{"rest", test_rest},
		{"wrong-types", test_wrong_types},
		{"refused", test_refused},
		{"sampled", test_sampled},
		{"validator", test_validator},
		{NULL, NULL},
	};

	return testing_main("mongodb-values", cases, argc, argv);
}
