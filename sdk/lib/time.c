/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps, dates and times as texts (ISO 8601, proleptic Gregorian calendar), and back. Years from 0000 to
 * 9999 have four digits; those before and after have a sign and as many digits as they need, so that every
 * value has a text that reads back the same.
 */
#include "values.h"

int64_t consort_days_from_civil(int64_t year, uint32_t month, uint32_t day)
{
	/* years start in March here, so that the leap day is the last one; an era has 400 of them */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void consort_civil_from_days(int64_t days, int64_t *out_year, uint32_t *out_month, uint32_t *out_day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
	int64_t year_of_era = (day_of_era - leap_days) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	*out_day = (uint32_t)(day_of_year - (153 * month + 2) / 5 + 1);
	*out_month = (uint32_t)(month < 10 ? month + 3 : month - 9);
	*out_year = year_of_era + era * 400 + (*out_month <= 2);
}

/* At least `width` digits. */
static size_t put_number(char *out, uint64_t number, size_t width)
{
	uint64_t rest = number;
	size_t size = 0, at;

	do
		size++;
	while (rest /= 10);
	if (size < width)
		size = width;
	for (at = size; at--; number /= 10)
		out[at] = (char)('0' + number % 10);
	return size;
}

static size_t put_date(char *out, int64_t days)
{
	uint32_t month, day;
	int64_t year;
	size_t size = 0;

	consort_civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999)
		out[size++] = year < 0 ? '-' : '+';
	size += put_number(out + size, (uint64_t)(year < 0 ? -year : year), 4);
	out[size++] = '-';
	size += put_number(out + size, month, 2);
	out[size++] = '-';
	return size + put_number(out + size, day, 2);
}

static size_t put_time(char *out, uint64_t microseconds)
{
	uint64_t seconds = microseconds / 1000000, fraction = microseconds % 1000000;
	size_t size = put_number(out, seconds / 3600, 2);

	out[size++] = ':';
	size += put_number(out + size, seconds / 60 % 60, 2);
	out[size++] = ':';
	size += put_number(out + size, seconds % 60, 2);
	if (fraction) {
		out[size++] = '.';
		size += put_number(out + size, fraction, 6);
	}
	return size;
}

size_t consort_timestamp_print(int64_t microseconds, char out[CONSORT_TIME_SIZE])
{
	int64_t days = microseconds / MICROSECONDS_PER_DAY, rest = microseconds % MICROSECONDS_PER_DAY;
	size_t size;

	if (rest < 0) {
		rest += MICROSECONDS_PER_DAY;
		days--;
	}
	size = put_date(out, days);
	out[size++] = 'T';
	size += put_time(out + size, (uint64_t)rest);
	out[size++] = 'Z';
	return size;
}

size_t consort_date_print(int64_t days, char out[CONSORT_TIME_SIZE])
{
	return put_date(out, days);
}

size_t consort_time_print(int64_t microseconds, char out[CONSORT_TIME_SIZE])
{
	return put_time(out, (uint64_t)microseconds);
}

/* --- reading --- */

/* What is left of a text; `wrong` says what is out of range in a text of the right form. */
struct scan {
	const char *p;
	const char *end;
	const char *wrong;
};

static int skip(struct scan *scan, char character)
{
	if (scan->p == scan->end || *scan->p != character)
		return 0;
	scan->p++;
	return 1;
}

/* As many digits as there are, at least `least` and at most `most`. */
static int scan_digits(struct scan *scan, int least, int most, int64_t *out_number)
{
	int64_t number = 0;
	int count = 0;

	while (scan->p < scan->end && *scan->p >= '0' && *scan->p <= '9' && count < most) {
		number = number * 10 + (*scan->p++ - '0');
		count++;
	}
	*out_number = number;
	return count >= least;
}

static int64_t month_days(int64_t year, int64_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static int scan_date(struct scan *scan, int64_t *out_days)
{
	int negative = skip(scan, '-'), is_signed = negative || skip(scan, '+');
	int64_t year, month, day;

	if (!scan_digits(scan, 4, is_signed ? 7 : 4, &year) || !skip(scan, '-') ||
	    !scan_digits(scan, 2, 2, &month) || !skip(scan, '-') || !scan_digits(scan, 2, 2, &day))
		return 0;
	if (negative)
		year = -year;
	if (month < 1 || month > 12)
		scan->wrong = "a month is 01 to 12";
	else if (day < 1 || day > month_days(year, month))
		scan->wrong = "that month has no such day";
	else
		*out_days = consort_days_from_civil(year, (uint32_t)month, (uint32_t)day);
	return 1;
}

static int scan_fraction(struct scan *scan, int64_t *out_microseconds)
{
	int64_t more, fraction;
	const char *start = scan->p;

	if (!scan_digits(scan, 1, 6, &fraction))
		return 0;
	for (; scan->p - start < 6; start--)
		fraction *= 10;
	while (scan_digits(scan, 1, 1, &more))
		if (more)
			scan->wrong = "it is finer than a microsecond";
	*out_microseconds = fraction;
	return 1;
}

/* hh:mm[:ss[.f…]] */
static int scan_time(struct scan *scan, int64_t *out_microseconds)
{
	int64_t hour, minute, second = 0, fraction = 0;

	if (!scan_digits(scan, 2, 2, &hour) || !skip(scan, ':') || !scan_digits(scan, 2, 2, &minute))
		return 0;
	if (skip(scan, ':') &&
	    (!scan_digits(scan, 2, 2, &second) || (skip(scan, '.') && !scan_fraction(scan, &fraction))))
		return 0;
	if (hour > 23)
		scan->wrong = "an hour is 00 to 23, midnight is 00:00:00";
	else if (minute > 59)
		scan->wrong = "a minute is 00 to 59";
	else if (second > 59)
		scan->wrong = "a second is 00 to 59, leap seconds are not kept";
	*out_microseconds = ((hour * 60 + minute) * 60 + second) * MICROSECONDS_PER_SECOND + fraction;
	return 1;
}

/* Nothing, Z, or +hh, +hhmm, +hh:mm */
static int scan_zone(struct scan *scan, int64_t *out_microseconds)
{
	int64_t hour, minute = 0;
	int west;

	*out_microseconds = 0;
	if (scan->p == scan->end || skip(scan, 'Z') || skip(scan, 'z'))
		return 1;
	west = skip(scan, '-');
	if (!west && !skip(scan, '+'))
		return 0;
	if (!scan_digits(scan, 2, 2, &hour))
		return 0;
	if ((skip(scan, ':') || scan->p < scan->end) && !scan_digits(scan, 2, 2, &minute))
		return 0;
	if (hour > 23 || minute > 59)
		scan->wrong = "a zone is at most 23:59 from UTC";
	*out_microseconds = (west ? -1 : 1) * (hour * 60 + minute) * 60 * MICROSECONDS_PER_SECOND;
	return 1;
}

static int scan_timestamp(struct scan *scan, int64_t *out_microseconds)
{
	int64_t days = 0, time = 0, zone = 0;
	__int128 sum;

	if (!scan_date(scan, &days))
		return 0;
	if (scan->p < scan->end) {
		if (!skip(scan, 'T') && !skip(scan, 't') && !skip(scan, ' '))
			return 0;
		if (!scan_time(scan, &time) || !scan_zone(scan, &zone))
			return 0;
	}
	sum = (__int128)days * MICROSECONDS_PER_DAY + time - zone;
	if (sum < INT64_MIN || sum > INT64_MAX)
		scan->wrong = "years reach from -290308 to 294247";
	*out_microseconds = (int64_t)sum;
	return 1;
}

uint32_t consort_time_parse(uint16_t type, const char *text, uint64_t size, int64_t *out_value,
			    struct consort_error *error)
{
	struct scan scan = {text, size ? text + size : text, NULL};
	char shown[CONSORT_SHOWN_SIZE];
	int64_t value = 0;
	int good;

	if (type == CONSORT_TYPE_TIMESTAMP)
		good = scan_timestamp(&scan, &value);
	else if (type == CONSORT_TYPE_DATE)
		good = scan_date(&scan, &value);
	else
		good = scan_time(&scan, &value);
	if (type == CONSORT_TYPE_DATE && (value < INT32_MIN || value > INT32_MAX))
		scan.wrong = "years reach from -5877641 to 5881580";
	if (!good || scan.p != scan.end)
		return consort_error_set(error, CONSORT_ETYPE, "'%s' is not %s",
					 consort_shown(text, size, shown),
					 consort_type_noun(consort_type_of(type)));
	if (scan.wrong)
		return consort_error_set(error, CONSORT_ERANGE, "'%s' is not %s: %s",
					 consort_shown(text, size, shown),
					 consort_type_noun(consort_type_of(type)), scan.wrong);
	*out_value = value;
	return CONSORT_OK;
}
