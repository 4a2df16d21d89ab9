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
		{NULL, NULL},
	};

	return testing_main("mongodb-conditions", cases, argc, argv);
}
