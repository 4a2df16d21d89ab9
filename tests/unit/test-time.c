/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps, dates, times and the calendar, to the ends of their ranges. */
#include "value-helpers.h"

#include "testing.h"

static void timestamp_is(const char *text, int64_t microseconds, const char *printed)
{
	CU_ASSERT_EQUAL(parsed(consort_type_of(CONSORT_TYPE_TIMESTAMP), text).as.int64, microseconds);
	TESTING_TEXT(shown(consort_timestamp(microseconds)), printed);
}

static void test_timestamp(void)
{
	timestamp_is("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z");
	timestamp_is("2001-01-01 00:47", 978310020000000, "2001-01-01T00:47:00Z");
	timestamp_is("2001-01-01", 978307200000000, "2001-01-01T00:00:00Z");
	timestamp_is("1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z");
	timestamp_is("1969-12-31t23:59:59.9997z", -300, "1969-12-31T23:59:59.999700Z");
	timestamp_is("2000-02-29T12:00:00.5+05:30", 951805800500000, "2000-02-29T06:30:00.500000Z");
	timestamp_is("2000-01-01 00:00:00-08", 946713600000000, "2000-01-01T08:00:00Z");
	timestamp_is("2000-01-01 00:00:00+0130", 946679400000000, "1999-12-31T22:30:00Z");
	timestamp_is("2000-01-01T00:00:00.1234560000Z", 946684800123456, "2000-01-01T00:00:00.123456Z");
	timestamp_is("0001-01-01T00:00:00Z", -62135596800000000, "0001-01-01T00:00:00Z");
	timestamp_is("0000-03-01T00:00:00Z", -62162035200000000, "0000-03-01T00:00:00Z");
	timestamp_is("9999-12-31T23:59:59.999999Z", 253402300799999999, "9999-12-31T23:59:59.999999Z");
	timestamp_is("+10000-01-01T00:00:00Z", 253402300800000000, "+10000-01-01T00:00:00Z");
	timestamp_is("-0001-12-31T23:59:59Z", -62167219201000000, "-0001-12-31T23:59:59Z");
	timestamp_is("+294247-01-10T04:00:54.775807Z", INT64_MAX, "+294247-01-10T04:00:54.775807Z");
	timestamp_is("-290308-12-21T19:59:05.224192Z", INT64_MIN, "-290308-12-21T19:59:05.224192Z");
}

static void test_timestamp_refused(void)
{
	static const char *const malformed[] = {
		"", "2001", "2001-01", "2001-1-1", "01-01-2001", "2001/01/01", "2001-01-01T",
		"2001-01-01T00", "2001-01-01T00:00:00.Z", "2001-01-01T00:00:00ZZ", "2001-01-01T00:00:00Z ",
		"2001-01-01Z", "2001-01-01  00:00", "2001-01-01T00:00:00+5", "2001-01-01T00:00:00+05:",
		"2001-01-01T00:00:00+05:3", "20010-01-01", "2001-01-01T00:00:0", "infinity", "now",
		"+2001-01", "2001-01-01T00:00:00 BC",
	};
	static const char *const impossible[][2] = {
		{"2001-13-01", "a month is 01 to 12"}, {"0000-00-00", "a month is 01 to 12"},
		{"2001-02-30T00:00:00Z", "no such day"}, {"2001-02-29", "no such day"},
		{"1900-02-29", "no such day"}, {"2001-04-31", "no such day"}, {"2001-01-00", "no such day"},
		{"2001-01-01T24:00:00Z", "an hour is 00 to 23"},
		{"2001-01-01T00:60:00Z", "a minute is 00 to 59"}, {"2016-12-31T23:59:60Z", "leap seconds"},
		{"2001-01-01T00:00:00.1234567Z", "finer than a microsecond"},
		{"2001-01-01T00:00:00+24:00", "from UTC"}, {"2001-01-01T00:00:00+05:60", "from UTC"},
		{"+294247-01-10T04:00:54.775808Z", "years reach"},
		{"-290308-12-21T19:59:05.224191Z", "years reach"}, {"+9999999-01-01", "years reach"},
	};
	size_t i;

	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		fails_as(CONSORT_TYPE_TIMESTAMP, malformed[i], CONSORT_ETYPE, "is not a timestamp");
	for (i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		fails_as(CONSORT_TYPE_TIMESTAMP, impossible[i][0], CONSORT_ERANGE, "is not a timestamp: ");
		fails_as(CONSORT_TYPE_TIMESTAMP, impossible[i][0], CONSORT_ERANGE, impossible[i][1]);
	}
	/* the end of the range is reached through a zone too */
	timestamp_is("+294247-01-10T05:00:54.775807+01:00", INT64_MAX, "+294247-01-10T04:00:54.775807Z");
	fails_as(CONSORT_TYPE_TIMESTAMP, "+294247-01-10T03:00:54.775808-01:00", CONSORT_ERANGE,
		 "years reach");
}

static void test_date_time(void)
{
	same_text(CONSORT_TYPE_DATE, "1970-01-01");
	same_text(CONSORT_TYPE_DATE, "2000-02-29");
	same_text(CONSORT_TYPE_DATE, "0001-01-01");
	same_text(CONSORT_TYPE_DATE, "9999-12-31");
	same_text(CONSORT_TYPE_DATE, "+5881580-07-11");
	same_text(CONSORT_TYPE_DATE, "-5877641-06-23");
	CU_ASSERT_EQUAL(parsed(consort_type_of(CONSORT_TYPE_DATE), "+5881580-07-11").as.int64, INT32_MAX);
	CU_ASSERT_EQUAL(parsed(consort_type_of(CONSORT_TYPE_DATE), "-5877641-06-23").as.int64, INT32_MIN);
	fails_as(CONSORT_TYPE_DATE, "+5881580-07-12", CONSORT_ERANGE, "years reach");
	fails_as(CONSORT_TYPE_DATE, "2001-02-29", CONSORT_ERANGE, "'2001-02-29' is not a date: ");
	fails_as(CONSORT_TYPE_DATE, "2001-01-01T00:00:00Z", CONSORT_ETYPE, "is not a date");
	same_text(CONSORT_TYPE_TIME, "00:47:00");
	same_text(CONSORT_TYPE_TIME, "23:59:59.999999");
	CU_ASSERT_EQUAL(parsed(consort_type_of(CONSORT_TYPE_TIME), "00:01").as.int64, 60000000);
	CU_ASSERT_EQUAL(parsed(consort_type_of(CONSORT_TYPE_TIME), "00:00:00.000001").as.int64, 1);
	fails_as(CONSORT_TYPE_TIME, "24:00:00", CONSORT_ERANGE,
		 "'24:00:00' is not a time: an hour is 00 to 23");
	fails_as(CONSORT_TYPE_TIME, "12:00:00Z", CONSORT_ETYPE, "is not a time");
	fails_as(CONSORT_TYPE_TIME, "12", CONSORT_ETYPE, "is not a time");
}

static void test_calendar(void)
{
	int64_t days, year, last = 0;
	uint32_t month, day;

	CU_ASSERT_EQUAL(consort_days_from_civil(1970, 1, 1), 0);
	CU_ASSERT_EQUAL(consort_days_from_civil(2000, 3, 1), 11017);
	CU_ASSERT_EQUAL(consort_days_from_civil(0, 3, 1), -719468);
	/* every day of eight centuries around the year 0, and of four after 1600 */
	for (days = consort_days_from_civil(-400, 1, 1); days < consort_days_from_civil(2001, 1, 1); days++) {
		if (days == consort_days_from_civil(400, 1, 1))
			days = consort_days_from_civil(1600, 1, 1);
		consort_civil_from_days(days, &year, &month, &day);
		if (consort_days_from_civil(year, month, day) != days || month < 1 || month > 12 || day < 1 ||
		    day > 31 || (last && year * 10000 + month * 100 + day <= last))
			break;
		last = year * 10000 + month * 100 + day;
	}
	CU_ASSERT_EQUAL(days, consort_days_from_civil(2001, 1, 1));
	CU_ASSERT_EQUAL(last, 20001231);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"timestamp", test_timestamp}, {"timestamp-refused", test_timestamp_refused},
		{"date-time", test_date_time}, {"calendar", test_calendar}, {NULL, NULL},
	};

	return testing_main("time", cases, argc, argv);
}
