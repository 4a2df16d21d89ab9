/* SPDX-License-Identifier: Apache-2.0 */
/* What the MongoDB adapter takes of random conditions, over fields of every type: see pushdown.h. */
#include "mongodb-adapter.h"
#include "pushdown.h"

#define CONDITIONS 3000
#define ANY PUSHDOWN_ANY

/* --- the collection; "" is no field at all --- */

static const char *const integers[] = {"",
				       "null",
				       "{\"$numberInt\": \"0\"}",
				       "{\"$numberInt\": \"1\"}",
				       "{\"$numberLong\": \"-1\"}",
				       "{\"$numberLong\": \"5\"}",
				       "{\"$numberInt\": \"42\"}",
				       "{\"$numberLong\": \"9007199254740993\"}",
				       "{\"$numberLong\": \"9223372036854775807\"}"};
static const char *const doubles[] = {"",
				      "null",
				      "0.0",
				      "{\"$numberDouble\": \"-0.0\"}",
				      "1.0",
				      "0.1",
				      "-2.5",
				      "9007199254740992.0",
				      "{\"$numberDouble\": \"Infinity\"}",
				      "{\"$numberDouble\": \"-Infinity\"}",
				      "{\"$numberDouble\": \"NaN\"}",
				      "{\"$numberInt\": \"42\"}"};
static const char *const texts[] = {
	"",	   "null",    "\"\"",	    "\"a\"",   "\"A\"",	  "\"ab\"",   "\"a b\"",
	"\"a%b\"", "\"a_b\"", "\"é\"",	    "\"É\"",   "\"z\"",	  "\"Z\"",    "\"\xf0\x9f\x98\x80\"",
	"\"[a]\"", "\"*\"",   "\"a\\\\b\"", "\"a.c\"", "\"123\"", "\"it's\"", "\"a\\nb\"",
	"\"$a\"",  "\"^a$\""};
static const char *const bools[] = {"", "null", "true", "false"};
static const char *const dates[] = {"",
				    "null",
				    "{\"$date\": {\"$numberLong\": \"0\"}}",
				    "{\"$date\": {\"$numberLong\": \"-1\"}}",
				    "{\"$date\": {\"$numberLong\": \"1709208000000\"}}",
				    "{\"$date\": {\"$numberLong\": \"1709208000001\"}}"};
static const char *const decimals[] = {"",
				       "null",
				       "{\"$numberDecimal\": \"1.50\"}",
				       "{\"$numberDecimal\": \"1.5\"}",
				       "{\"$numberDecimal\": \"-0.01\"}",
				       "{\"$numberDecimal\": \"42\"}",
				       "{\"$numberInt\": \"0\"}",
				       "{\"$numberDecimal\": \"-0\"}",
				       "{\"$numberDecimal\": \"99999999999999999999999999.99\"}"};
static const char *const uuids[] = {"", "null", "{\"$uuid\": \"00000000-0000-0000-0000-000000000000\"}",
				    "{\"$uuid\": \"ffffffff-ffff-ffff-ffff-ffffffffffff\"}",
				    "{\"$uuid\": \"550e8400-e29b-41d4-a716-446655440000\"}"};
static const char *const blobs[] = {"",
				    "null",
				    "{\"$binary\": {\"base64\": \"\", \"subType\": \"00\"}}",
				    "{\"$binary\": {\"base64\": \"AA==\", \"subType\": \"00\"}}",
				    "{\"$binary\": {\"base64\": \"/w==\", \"subType\": \"00\"}}",
				    "{\"$binary\": {\"base64\": \"YWI=\", \"subType\": \"00\"}}"};
static const char *const oids[] = {"", "null", "{\"$oid\": \"000000000000000000000000\"}",
				   "{\"$oid\": \"0123456789abcdef01234567\"}"};
static const char *const lists[] = {"", "null", "[]", "[null]", "[\"a\", null]", "[\"a\"]"};
static const char *const documents[] = {"",
					"null",
					"{}",
					"{\"n\": 1, \"s\": \"a\"}",
					"{\"n\": null}",
					"{\"n\": {\"$numberLong\": \"5\"}, \"s\": \"A\"}",
					"[{\"n\": 5, \"s\": \"a\"}, {\"n\": 1}]",
					"{\"n\": 42, \"s\": \"\"}",
					"5"};

static void add(struct consort_buffer *out, const char *field, const char *value)
{
	if (*value)
		consort_buffer_printf(out, ", \"%s\": %s", field, value);
}

static void fill(void)
{
	struct consort_buffer command = CONSORT_BUFFER_INIT;
	int row;

	consort_buffer_text(&command, "{\"insert\": \"x\", \"documents\": [");
	for (row = 1; row <= 80; row++) {
		consort_buffer_printf(&command, "%s{\"_id\": {\"$numberLong\": \"%d\"}", row > 1 ? ", " : "",
				      row);
		add(&command, "i", ANY(integers));
		add(&command, "j", ANY(integers));
		add(&command, "f", ANY(doubles));
		add(&command, "g", ANY(doubles));
		add(&command, "t", ANY(texts));
		add(&command, "v", ANY(texts));
		add(&command, "b", ANY(bools));
		add(&command, "m", ANY(dates));
		add(&command, "p", ANY(decimals));
		add(&command, "u", ANY(uuids));
		add(&command, "raw", ANY(blobs));
		add(&command, "o", ANY(oids));
		add(&command, "l", ANY(lists));
		add(&command, "doc", ANY(documents));
		consort_buffer_text(&command, "}");
	}
	consort_buffer_text(&command, "]}");
	CU_ASSERT_FATAL(!command.failed);
	mongodb_test_raw(command.data);
	consort_buffer_clear(&command);
}

static const char *const declared[] = {"id = int64 from _id",
				       "i = int64",
				       "j = int64",
				       "f = float64",
				       "g = float64",
				       "t = text",
				       "v = text",
				       "b = bool",
				       "m = timestamp",
				       "p = decimal(38,2)",
				       "u = uuid",
				       "raw = bytes",
				       "o = objectid",
				       "l = list of text",
				       "n = int64 from doc.n",
				       "s = text from doc.s",
				       NULL};

/* --- conditions --- */

static const struct pushdown_group groups[] = {
	{{"i", "j", "id", "n"},
	 {"0", "1", "-1", "5", "9007199254740993", "9223372036854775807", "42", "2.5", "null",
	  "9007199254740992.0"}},
	{{"f", "g", "f", "i"},
	 {"0.0", "1.0", "0.1", "-2.5", "9007199254740992.0", "42", "1e300", "cast('nan' as float8)", "null",
	  "9007199254740993"}},
	{{"t", "v", "s", "t"}, {"'a'", "'A'", "'a '", "''", "'é'", "'AB'", "'z'", "'it''s'", "null", "'$a'"}},
	{{"m", "m", "m", "m"},
	 {"'1970-01-01T00:00:00Z'", "'1970-01-01T00:00:00.0005Z'", "'1969-12-31T23:59:59.999Z'",
	  "'1969-12-31T23:59:59.9995Z'", "'2024-02-29T12:00:00Z'", "'2024-02-29T12:00:00.000001Z'",
	  "'2024-02-29T12:00:00.001Z'", "'9999-12-31T00:00:00Z'", "null", "'0001-01-01T00:00:00Z'"}},
	{{"p", "p", "p", "i"},
	 {"1.5::decimal(3,2)", "0::decimal(1,0)", "42::decimal(4,2)", "-0.01::decimal(3,2)",
	  "1.501::decimal(4,3)", "null", "99999999999999999999999999.99::decimal(28,2)", "5::decimal(1,0)",
	  "12345678901234567890123456789012345678::decimal(38,0)", "-1::decimal(1,0)"}},
	{{"u", "u", "u", "u"},
	 {"'00000000-0000-0000-0000-000000000000'", "'550e8400-e29b-41d4-a716-446655440000'",
	  "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "null", "'550e8400-e29b-41d4-a716-446655440001'",
	  "'00000000-0000-0000-0000-000000000001'", "'7fffffff-0000-0000-0000-000000000000'",
	  "'80000000-0000-0000-0000-000000000000'", "null", "'550e8400-e29b-41d4-a716-446655440000'"}},
	{{"raw", "raw", "raw", "raw"},
	 {"'\\x'", "'\\x00'", "'\\xff'", "'\\x6162'", "null", "'\\x61'", "'\\x0000'", "'\\xff'", "'\\x00'",
	  "'\\x'"}},
};
static const char *const text_columns[] = {"t", "v", "s", NULL};
static const char *const columns[] = {"i", "j",	  "f", "t", "b", "m", "p",
				      "u", "raw", "o", "l", "n", "s", NULL};
static const char *const patterns[] = {"'a%'",	  "'%a'",    "'_'", "'a_b'",  "'%'",   "''",
				       "'a\\%b'", "'[a]'",   "'*'", "'a.c'",  "'^a$'", "null",
				       "'a%b%'",  "'\\\\%'", "'É'", "'a\nb'", NULL};
static const char *const more[] = {"l is null",
				   "l is not null",
				   "(i > 1) is null",
				   "(b and i > 1) is not true",
				   "(t = 'a') is false",
				   "o = '0123456789abcdef01234567'",
				   NULL};

static void try_conditions(bool indexed)
{
	static const char *const fields[] = {"i", "f", "t", "m", "p", "u", "raw", "doc.n"};
	const struct pushdown pushdown = {.table = "x",
					  .groups = groups,
					  .ngroups = sizeof(groups) / sizeof(*groups),
					  .texts = text_columns,
					  .patterns = patterns,
					  .any = columns,
					  .more = more,
					  .conditions = CONDITIONS};
	struct pushdown_counts counts;
	struct adapter_test test;
	char command[256];
	size_t i;

	mongodb_test_open(&test, "mongodb", NULL);
	pushdown_begin(12345);
	fill();
	for (i = 0; indexed && i < sizeof(fields) / sizeof(*fields); i++) {
		snprintf(command, sizeof(command),
			 "{\"createIndexes\": \"x\", \"indexes\": [{\"key\": {\"%s\": 1}, \"name\": "
			 "\"i%zu\"}]}",
			 fields[i], i);
		mongodb_test_raw(command);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(&test, "x", declared));
	counts = pushdown_try(&test, &pushdown);
	if (!getenv("CONSORT_TEST_SEED")) {
		/* the test has tested something */
		CU_ASSERT(counts.exact > CONDITIONS / 10);
		CU_ASSERT(counts.loose > CONDITIONS / 50);
		CU_ASSERT(counts.no > CONDITIONS / 50);
		CU_ASSERT(counts.nonempty > CONDITIONS / 10);
	}
	mongodb_test_close(&test);
}

/* --- paths into documents --- */

static const char *const anything[] = {
	"",
	"null",
	"{\"$numberInt\": \"5\"}",
	"{\"$numberInt\": \"0\"}",
	"{\"$numberLong\": \"-1\"}",
	"{\"$numberLong\": \"9007199254740993\"}",
	"5.0",
	"5.5",
	"{\"$numberDouble\": \"-0.0\"}",
	"{\"$numberDouble\": \"NaN\"}",
	"{\"$numberDouble\": \"-Infinity\"}",
	"{\"$numberDecimal\": \"5\"}",
	"{\"$numberDecimal\": \"1.50\"}",
	"{\"$numberDecimal\": \"1E+400\"}",
	"true",
	"false",
	"\"\"",
	"\"a\"",
	"\"a\"",
	"\"A\"",
	"\"ab\"",
	"\"true\"",
	"\"5\"",
	"\"zoo\"",
	"\"{\\\"a\\\":5}\"",
	"\"[]\"",
	"\"é\"",
	"{\"$date\": {\"$numberLong\": \"0\"}}",
	"{\"$oid\": \"0123456789abcdef01234567\"}",
	"{\"$binary\": {\"base64\": \"AA==\", \"subType\": \"00\"}}",
	"{\"$symbol\": \"a\"}",
	"{\"$undefined\": true}",
	"{\"$regularExpression\": {\"pattern\": \"\\\\Aa.*\\\\z\", \"options\": \"s\"}}",
	"{\"$timestamp\": {\"t\": 1, \"i\": 1}}",
	"{\"$code\": \"a\"}",
	"{\"$minKey\": 1}",
	"{\"a\": 5}",
	"{}",
	"[]",
	"[\"a\"]",
	"[null, 5]",
	"[{\"a\": \"a\", \"0\": 5}]"};

static void add_any(struct consort_buffer *out, const char *field)
{
	const char *value = ANY(anything);

	if (*value)
		consort_buffer_printf(out, "\"%s\": %s, ", field, value);
}

/* "id" ends it, since what is not there leaves no comma behind. */
static void add_document(struct consort_buffer *out, int depth)
{
	static const char *const keys[] = {"a", "n", "0", "a.b", "$a", "a", "é"};
	size_t i;

	consort_buffer_text(out, "{");
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) /* one of them may be there twice */
		if (pushdown_pick(4))
			add_any(out, keys[i]);
	if (depth && pushdown_pick(4)) {
		consort_buffer_text(out, "\"o\": ");
		add_document(out, depth - 1);
		consort_buffer_text(out, ", \"l\": [");
		add_document(out, depth - 1);
		consort_buffer_printf(out, ", %s, [5, \"a\"]], ", pushdown_pick(2) ? "\"a\"" : "5");
	}
	consort_buffer_text(out, "\"id\": 1}");
}

static void fill_documents(void)
{
	struct consort_buffer command = CONSORT_BUFFER_INIT;
	int row;

	consort_buffer_text(&command, "{\"insert\": \"x\", \"documents\": [");
	for (row = 1; row <= 90; row++) {
		consort_buffer_printf(&command, "%s{\"_id\": {\"$numberLong\": \"%d\"}", row > 1 ? ", " : "",
				      row);
		add(&command, "i", ANY(integers));
		consort_buffer_text(&command, ", ");
		add_any(&command, "x");
		consort_buffer_text(&command, "\"doc\": ");
		switch (pushdown_pick(8)) {
		case 0:
			consort_buffer_text(&command, "[");
			add_document(&command, 1);
			consort_buffer_text(&command, ", \"a\"]");
			break;
		case 1:
			consort_buffer_text(&command, row % 2 ? "5" : "null");
			break;
		default:
			add_document(&command, 2);
		}
		consort_buffer_text(&command, "}");
	}
	consort_buffer_text(&command, "]}");
	CU_ASSERT_FATAL(!command.failed);
	mongodb_test_raw(command.data);
	consort_buffer_clear(&command);
}

static const char *const with_documents[] = {"id = int64 from _id",
					     "i = int64",
					     "j = int64",
					     "f = float64",
					     "g = float64",
					     "b = bool",
					     "doc = json",
					     "inner = json from doc.o",
					     "more = json codec rest",
					     NULL};

static const struct pushdown_group path_groups[] = {
	{{"(doc -> 'n')::int8", "(doc ->> 'n')::int8", "(doc -> 'o' -> 'n')::int8",
	  "(doc -> 'l' -> 1)::int8"},
	 {"0", "5", "-1", "42", "9007199254740993", "5.5", "null", "5e0", "-9223372036854775808", "1"}},
	{{"doc.n", "(doc -> 'o' ->> 'n')::float8", "doc -> 'l' -> 0 -> 'n'", "more.x"},
	 {"5", "0", "5.5", "9007199254740993", "9007199254740992e0", "'nan'::float8", "null", "1e308", "-1",
	  "-9007199254740994e0"}},
	{{"doc ->> 'a'", "doc.o.a", "inner ->> 'a'", "more ->> 'x'"},
	 {"'a'", "'A'", "''", "'true'", "'5'", "'{\"a\":5}'", "'[]'", "'zoo'", "'é'", "null"}},
	{{"doc -> 'l' ->> 1", "doc -> 'l' -> 2 ->> 0", "doc -> 'l' -> 0 ->> 'a'", "doc ->> '0'"},
	 {"'a'", "'A'", "''", "'false'", "'5'", "'{'", "'[5,\"a\"]'", "'tea'", "'z'", "null"}},
	{{"(doc -> 'n')::bool", "(doc ->> 'a')::bool", "(inner -> 'n')::bool", "(more ->> 'x')::bool"},
	 {"true", "false", "null", "true", "false", "true", "false", "true", "false", "true"}},
};
static const char *const path_texts[] = {"doc ->> 'a'",
					 "doc ->> 'n'",
					 "doc -> 'o' ->> 'a'",
					 "inner ->> 'n'",
					 "doc -> 'l' -> 0 ->> 'a'",
					 "more ->> 'x'",
					 "doc ->> 'é'",
					 NULL};
static const char *const paths[] = {
	"doc",		"doc -> 'a'",  "doc ->> 'o'",	  "doc -> 'o' -> 'a'",	  "doc -> 'a' -> 'a'",
	"inner -> 'a'", "more -> 'x'", "doc -> 'l' -> 0", "doc ->> 'nothing'",	  "more -> 'doc'",
	"doc -> 'a.b'", "doc -> '$a'", "doc -> '0'",	  "(doc -> 'n')::float8", NULL};
static const char *const path_patterns[] = {"'a%'",  "'%a'", "'_'",   "'t%'", "'5'", "'%'",  "''",
					    "'z_o'", "'{%'", "'\\a'", "null", "'é'", "'[%'", NULL};
static const char *const path_more[] = {"doc.n is distinct from 5",
					"doc ->> 'a' is distinct from 'a'",
					"doc ->> 'a' is not distinct from null",
					"(doc ->> 'a' = 'a') is not true",
					"(doc ->> 'a' like 'a%') is not false",
					"(doc -> 'a')::bool",
					"not (doc ->> 'n')::bool",
					"doc -> 'a' = '\"a\"'::json",
					"more ->> '_id' = '5'",
					NULL};

static void try_paths(bool indexed)
{
	static const struct pushdown pushdown = {.table = "x",
						 .groups = path_groups,
						 .ngroups = sizeof(path_groups) / sizeof(*path_groups),
						 .texts = path_texts,
						 .patterns = path_patterns,
						 .any = paths,
						 .more = path_more,
						 .conditions = CONDITIONS};
	struct pushdown_counts counts;
	struct adapter_test test;

	mongodb_test_open(&test, "mongodb", NULL);
	mongodb_test_raw("{\"create\": \"x\"}"); /* so that all but what is declared is `more` */
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(&test, "x", with_documents));
	pushdown_begin(54321);
	fill_documents();
	if (indexed)
		mongodb_test_raw(
			"{\"createIndexes\": \"x\", \"indexes\": [{\"key\": {\"doc.a\": 1}, \"name\": "
			"\"a\"}, "
			"{\"key\": {\"doc.o.a\": 1}, \"name\": \"oa\"}, {\"key\": {\"doc.n\": 1}, \"name\": "
			"\"n\"}, {\"key\": {\"x\": 1}, \"name\": \"x\"}]}");
	counts = pushdown_try(&test, &pushdown);
	if (!getenv("CONSORT_TEST_SEED")) {
		CU_ASSERT(counts.exact > CONDITIONS / 20);
		CU_ASSERT(counts.loose > CONDITIONS / 10);
		CU_ASSERT(counts.no > CONDITIONS / 50);
		CU_ASSERT(counts.nonempty > CONDITIONS / 10);
	}
	mongodb_test_close(&test);
}

static void test_paths(void)
{
	try_paths(false);
}

static void test_paths_by_index(void)
{
	try_paths(true);
}

/* --- */

static void test_conditions(void)
{
	try_conditions(false);
}

static void test_indexes(void)
{
	try_conditions(true);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"conditions", test_conditions},
		{"conditions-by-index", test_indexes},
		{"paths", test_paths},
		{"paths-by-index", test_paths_by_index},
		{NULL, NULL},
	};

	return testing_main("mongodb-conditions", cases, argc, argv);
}
