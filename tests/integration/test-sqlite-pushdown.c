/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQLite adapter takes of random conditions, over tables with and without STRICT: see pushdown.h. */
#include "pushdown.h"
#include "sqlite-adapter.h"

#define CONDITIONS 4000

#define ANY PUSHDOWN_ANY

/* --- the table --- */

static const char *const integers[] = {
	"NULL",
	"0",
	"1",
	"-1",
	"2",
	"5",
	"9007199254740992",
	"9007199254740993",
	"-9007199254740993",
	"9223372036854775807",
	"-9223372036854775808",
	"42",
};
static const char *const doubles[] = {
	"NULL",
	"0.0",
	"-0.0",
	"1.0",
	"0.1",
	"-2.5",
	"9007199254740992.0",
	"9e999",
	"-9e999",
	"1e-320",
	"42.0",
	"9223372036854775807.0",
};
static const char *const texts[] = {
	"NULL",
	"''",
	"'a'",
	"'A'",
	"'a '",
	"'ab'",
	"'a%b'",
	"'a_b'",
	"'é'",
	"'É'",
	"'\xf0\x9f\x98\x80'",
	"'[a]'",
	"'*'",
	"'?'",
	"'a\\b'",
	"'z'",
	"'it''s'",
	"'123'",
	"'a]b'",
};
static const char *const dates[] = {"NULL",	    "'1999-12-31'", "'2024-02-29'",
				    "'0001-01-01'", "'9999-12-31'", "'1970-01-01'"};
static const char *const moments[] = {
	"NULL",
	"'2024-02-29 12:00:00'",
	"'2024-02-29T12:00:00.5Z'",
	"'2024-02-29 23:30:00-01:00'",
	"'2024-03-01 00:15:00+02:00'",
	"'1969-12-31 23:59:59.999999'",
	"'0000-01-01 00:00:00+01:00'",
	"'9999-12-31 23:59:59'",
};
static const char *const seconds[] = {"NULL", "0", "-1", "1709208000", "1709208001", "253402300799"};
static const char *const micros[] = {"NULL", "0", "-1", "1709208000000000", "1709208000500000"};
static const char *const uuids[] = {
	"NULL",
	"'00000000-0000-0000-0000-000000000000'",
	"'ffffffff-ffff-ffff-ffff-ffffffffffff'",
	"'550e8400-e29b-41d4-a716-446655440000'",
};
static const char *const uuid_blobs[] = {
	"NULL",
	"x'00000000000000000000000000000000'",
	"x'ffffffffffffffffffffffffffffffff'",
	"x'550e8400e29b41d4a716446655440000'",
};
static const char *const blobs[] = {"NULL", "x''", "x'00'", "x'ff'", "x'6162'", "x'610062'"};
static const char *const bools[] = {"NULL", "0", "1"};
static const char *const decimals[] = {"NULL", "'1.50'", "'-0.01'", "'12345678901234567890.12'"};

static void fill(struct consort_buffer *sql, const char *table, bool strict)
{
	int row;

	consort_buffer_printf(
		sql,
		strict ? "CREATE TABLE %s(id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, f REAL, g REAL,"
			 " t TEXT, v TEXT, n TEXT COLLATE NOCASE, b INTEGER, d TEXT, m TEXT, s INTEGER,"
			 " us INTEGER, u TEXT, ub BLOB, raw BLOB, p TEXT) STRICT;"
		       : "CREATE TABLE %s(id INTEGER PRIMARY KEY, i INTEGER, j BIGINT, f REAL, g DOUBLE,"
			 " t TEXT, v VARCHAR(20), n TEXT COLLATE NOCASE, b BOOLEAN, d DATE, m DATETIME,"
			 " s INTEGER, us INTEGER, u UUID, ub BLOB, raw BLOB, p TEXT);"
			 "CREATE INDEX flex_i ON flex(i); CREATE INDEX flex_t ON flex(t);"
			 "CREATE INDEX flex_n ON flex(n); CREATE INDEX flex_m ON flex(m);"
			 "CREATE INDEX flex_f ON flex(f); CREATE INDEX flex_d ON flex(d);",
		table);
	for (row = 0; row < 60; row++)
		consort_buffer_printf(sql,
				      "INSERT INTO %s(i,j,f,g,t,v,n,b,d,m,s,us,u,ub,raw,p)"
				      " VALUES(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s);",
				      table, ANY(integers), ANY(integers), ANY(doubles), ANY(doubles),
				      ANY(texts), ANY(texts), ANY(texts), ANY(bools), ANY(dates),
				      ANY(moments), ANY(seconds), ANY(micros), ANY(uuids), ANY(uuid_blobs),
				      ANY(blobs), ANY(decimals));
}

/* --- conditions --- */

static const struct pushdown_group groups[] = {
	{{"i", "j", "i", "id"},
	 {"0", "1", "-1", "5", "9007199254740993", "9223372036854775807", "42", "2.5", "null",
	  "9007199254740992.0"}},
	{{"f", "g", "f", "i"},
	 {"0.0", "1.0", "0.1", "-2.5", "9007199254740992.0", "42", "1e300", "-1e300", "null",
	  "9007199254740993"}},
	{{"t", "v", "n", "t"},
	 {"'a'", "'A'", "'a '", "''", "'é'", "'AB'", "'z'", "'it''s'", "null", "'123'"}},
	{{"d", "d", "d", "d"},
	 {"date '1999-12-31'", "date '2024-02-29'", "date '2024-03-01'", "date '9999-12-31'", "null",
	  "date '0001-01-01'", "date '1970-01-01'", "date '1969-12-31'", "date '+12000-01-01'",
	  "date '-0100-01-01'"}},
	{{"m", "m", "m", "m"},
	 {"timestamp '2024-02-29 12:00:00'", "timestamp '2024-02-29 22:15:00'",
	  "timestamp '2024-03-01 00:30:00'", "timestamp '1970-01-01 00:00:00'", "null",
	  "timestamp '9999-12-31 23:59:59'", "timestamp '0001-01-01 00:00:00'",
	  "timestamp '+20000-01-01 00:00:00'", "timestamp '2024-02-29 12:00:00.5'",
	  "timestamp '-0001-01-01 00:00:00'"}},
	{{"s", "s", "us", "s"},
	 {"timestamp '2024-02-29 12:00:00'", "timestamp '2024-02-29 12:00:00.5'",
	  "timestamp '2024-02-29 12:00:01'", "timestamp '1970-01-01 00:00:00'",
	  "timestamp '1969-12-31 23:59:59'", "timestamp '1969-12-31 23:59:59.999999'", "null",
	  "timestamp '9999-12-31 23:59:59'", "timestamp '+20000-01-01 00:00:00'",
	  "timestamp '1970-01-01 00:00:00.000001'"}},
	{{"u", "ub", "u", "ub"},
	 {"uuid '550e8400-e29b-41d4-a716-446655440000'", "uuid '00000000-0000-0000-0000-000000000000'",
	  "uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "uuid '550e8400-e29b-41d4-a716-446655440001'",
	  "null", "null", "uuid '7fffffff-ffff-ffff-ffff-ffffffffffff'",
	  "uuid '550E8400-E29B-41D4-A716-446655440000'", "null", "null"}},
	{{"p", "p", "p", "p"},
	 {"1.5", "1.50", "0", "-0.01", "null", "12345678901234567890.12", "2", "3", "4", "5"}},
};

static const char *const patterns[] = {
	"'a%'", "'%a%'", "'_'", "'a_b'", "'a\\%b'", "'a\\_b'", "'%\\\\%'",	     "''",
	"'%'",	"'[a]'", "'*'", "'?'",	 "'A%'",    "'__'",    "'\xf0\x9f\x98\x80'", "'%]%'",
	NULL,
};
static const char *const text_columns[] = {"t", "v", "n", NULL};
static const char *const columns[] = {"i", "f", "t", "b", "d", "m", "u", "p", "raw", NULL};

static void test_table(const char *table, bool strict)
{
	static const char *const flex[] = {"s = timestamp codec s", "us = timestamp codec us",
					   "p = decimal(38,2)", "ub = uuid", NULL};
	static const char *const rigid[] = {"s = timestamp codec s",
					    "us = timestamp codec us",
					    "p = decimal(38,2)",
					    "ub = uuid",
					    "b = bool",
					    "d = date",
					    "m = timestamp",
					    "u = uuid codec text",
					    NULL};
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	const struct pushdown pushdown = {.table = table,
					  .groups = groups,
					  .ngroups = sizeof(groups) / sizeof(*groups),
					  .texts = text_columns,
					  .patterns = patterns,
					  .any = columns,
					  .conditions = CONDITIONS};
	struct adapter_test test;
	struct pushdown_counts counts;

	pushdown_begin(12345);
	fill(&sql, table, strict);
	sqlite_test_open(&test, sql.data, NULL);
	consort_buffer_clear(&sql);
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(&test, table, strict ? rigid : flex));
	counts = pushdown_try(&test, &pushdown);
	if (!getenv("CONSORT_TEST_SEED")) {
		/* the test has tested something */
		CU_ASSERT(counts.exact > CONDITIONS / 3);
		CU_ASSERT(counts.loose > CONDITIONS / 100);
		CU_ASSERT(counts.no > CONDITIONS / 50);
		CU_ASSERT(counts.nonempty > CONDITIONS / 4);
	}
	adapter_close(&test);
}

static void test_flexible(void)
{
	test_table("flex", false);
}

static void test_strict(void)
{
	test_table("rigid", true);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"conditions", test_flexible},
		{"conditions-strict", test_strict},
		{NULL, NULL},
	};

	return testing_main("sqlite-pushdown", cases, argc, argv);
}
