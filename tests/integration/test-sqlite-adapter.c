/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite adapter: opening, reading, writing. */
#include "sqlite-adapter.h"

#include <stdlib.h>

#define FLIGHTS                                                                                                    \
	"CREATE TABLE flight(id INTEGER PRIMARY KEY, origin TEXT NOT NULL, delay INTEGER, distance REAL,"          \
	" day DATE, at DATETIME, cancelled BOOLEAN);"                                                              \
	"INSERT INTO flight VALUES(1,'SFO',5,100.5,'2024-01-01','2024-01-01 10:00:00',0),"                         \
	"(2,'LAX',NULL,NULL,NULL,NULL,NULL),(3,'SFO',-7,3,'1999-12-31','1999-12-31T23:59:59.5Z',1),"              \
	"(4,'sfo',90,1e300,'2024-02-29','2024-02-29 00:00:00+02:00',0);"

static void test_scan(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test, FLIGHTS, NULL);
	CU_ASSERT_EQUAL(sqlite_test_run(&test, (struct sqlite_query){.resource = "flight"}), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|SFO|5|100.5|2024-01-01|2024-01-01T10:00:00Z|false\n"
				     "2|LAX|NULL|NULL|NULL|NULL|NULL\n"
				     "3|SFO|-7|3.0|1999-12-31|1999-12-31T23:59:59.500000Z|true\n"
				     "4|sfo|90|1e300|2024-02-29|2024-02-28T22:00:00Z|false\n");
	sqlite_test_close(&test);
}

static void test_filter(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test, FLIGHTS, NULL);
	CU_ASSERT_EQUAL(sqlite_test_run(&test, (struct sqlite_query){.resource = "flight", .select = "id, delay",
								     .where = "origin = $1 and delay > $2",
								     .order = "delay desc nulls last",
								     .args = CONSORT_ARGS(consort_text("SFO"),
											  consort_int64(-10))}),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|5\n3|-7\n");
	sqlite_test_close(&test);
}

static void test_write(void)
{
	struct sqlite_test test;

	sqlite_test_open(&test, FLIGHTS, NULL);
	CU_ASSERT_EQUAL(sqlite_test_write(&test, SQLITE_TEST_INSERT,
					  (struct sqlite_write){.resource = "flight", .attributes = "origin, distance",
								.returning = "id, origin",
								.values = CONSORT_ARGS(consort_text("NRT"),
										       consort_float64(1.5))}),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "affected 1\n5|NRT\n");
	CU_ASSERT_EQUAL(sqlite_test_write(&test, SQLITE_TEST_UPDATE,
					  (struct sqlite_write){.resource = "flight", .attributes = "delay, id",
								.nkeys = 1,
								.values = CONSORT_ARGS(consort_int64(9),
										       consort_int64(5),
										       consort_int64(9),
										       consort_int64(77))}),
			CONSORT_OK);
	TESTING_TEXT(test.text.data, "failed 1: resource 'flight' has no record with this key\naffected 1\n");
	TESTING_TEXT(sqlite_test_raw(&test, "SELECT delay FROM flight WHERE id=5"), "9");
	sqlite_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"scan", test_scan}, {"filter", test_filter}, {"write", test_write}, {NULL, NULL},
	};

	return testing_main("sqlite-adapter", cases, argc, argv);
}
