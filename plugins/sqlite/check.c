/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL functions of the adapter's own. In a table that is not STRICT any column may hold anything, and SQLite
 * compares and sums it all the same; so every column that a statement uses goes through
 * consort_CODEC(value, 'resource', 'attribute'), which is 1, or ends the statement with an error that shows
 * the value. And sums are checked: of integers in 128 bits, of doubles so that nothing becomes NULL.
 */
#include "sqlite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
	struct lite_connection *conn;
	enum lite_codec codec;
};

static void raise(sqlite3_context *context, struct lite_connection *conn)
{
	sqlite3_result_error(context, conn->raised.message, -1);
}

static void check_value(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct check *check = sqlite3_user_data(context);
	struct lite_column column = {0};

	(void)count;
	/* where a condition says column = ?1, SQLite may hand ?1 over for the column: encode.c's stand-in for
	 * a value that no column can hold, and nothing to complain of */
	if (CONSORT_LIKELY(lite_has_form(check->codec, values[0])) || sqlite3_value_frombind(values[0])) {
		sqlite3_result_int(context, 1);
		return;
	}
	column.codec = (uint8_t)check->codec;
	column.resource = (const char *)sqlite3_value_text(values[1]);
	column.attribute = (const char *)sqlite3_value_text(values[2]);
	if (!column.resource || !column.attribute) {
		sqlite3_result_error_nomem(context);
		return;
	}
	column.type = consort_type_of(lite_codecs[check->codec].type);
	lite_wrong_value(&column, values[0], &check->conn->raised);
	raise(context, check->conn);
}

/* --- sums --- */

/* Two's complement, 128 bits. */
struct integer_sum {
	uint64_t low;
	int64_t high;
	int64_t count;
};

static void sum_int64(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct integer_sum *sum;
	int64_t value;

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	sum = sqlite3_aggregate_context(context, sizeof(*sum));
	if (!sum) {
		sqlite3_result_error_nomem(context);
		return;
	}
	value = sqlite3_value_int64(values[0]);
	sum->low += (uint64_t)value;
	sum->high += (value < 0 ? -1 : 0) + (sum->low < (uint64_t)value ? 1 : 0);
	sum->count++;
}

static void sum_int64_final(sqlite3_context *context)
{
	const struct integer_sum *sum = sqlite3_aggregate_context(context, 0);
	const struct check *check = sqlite3_user_data(context);
	int64_t total;

	if (!sum || !sum->count)
		return;
	total = (int64_t)sum->low;
	if (sum->high != (total < 0 ? -1 : 0)) {
		consort_error_set(&check->conn->raised, CONSORT_ERANGE,
				  "integer overflow: a sum does not fit int64");
		raise(context, check->conn);
		return;
	}
	sqlite3_result_int64(context, total);
}

/* The 128-bit sum, rounded once, through the count: the core's own division. */
static void average_int64_final(sqlite3_context *context)
{
	const struct integer_sum *sum = sqlite3_aggregate_context(context, 0);
	__int128 total;

	if (!sum || !sum->count)
		return;
	total = (__int128)(((unsigned __int128)(uint64_t)sum->high << 64) | sum->low);
	sqlite3_result_double(context, (double)total / (double)sum->count);
}

struct double_sum {
	double total;
	int64_t count;
};

static void sum_float64(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct double_sum *sum;

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	sum = sqlite3_aggregate_context(context, sizeof(*sum));
	if (!sum) {
		sqlite3_result_error_nomem(context);
		return;
	}
	sum->total += sqlite3_value_double(values[0]);
	sum->count++;
}

/* NaN, of infinities of both signs: see LITE_SUM. */
static void finish_float64(sqlite3_context *context, double result)
{
	if (isnan(result))
		sqlite3_result_zeroblob(context, 0);
	else
		sqlite3_result_double(context, result);
}

static void sum_float64_final(sqlite3_context *context)
{
	const struct double_sum *sum = sqlite3_aggregate_context(context, 0);

	if (sum && sum->count)
		finish_float64(context, sum->total);
}

static void average_float64_final(sqlite3_context *context)
{
	const struct double_sum *sum = sqlite3_aggregate_context(context, 0);

	if (sum && sum->count)
		finish_float64(context, sum->total / (double)sum->count);
}

/* --- making them --- */

typedef void sql_function(sqlite3_context *context, int count, sqlite3_value **values);

static int define(struct lite_connection *conn, const char *name, enum lite_codec codec, int arguments,
		  sql_function *function, sql_function *step, void (*final)(sqlite3_context *context))
{
	struct check *check = calloc(1, sizeof(*check));

	if (!check)
		return SQLITE_NOMEM;
	check->conn = conn;
	check->codec = codec;
	return sqlite3_create_function_v2(conn->db, name, arguments,
					  SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, check,
					  function, step, final, free);
}

static const struct {
	const char *name;
	enum lite_codec codec;
	sql_function *step;
	void (*final)(sqlite3_context *context);
} sums[] = {
	{"consort_sum_int64", LITE_INT64, sum_int64, sum_int64_final},
	{"consort_avg_int64", LITE_INT64, sum_int64, average_int64_final},
	{"consort_sum_float64", LITE_FLOAT64, sum_float64, sum_float64_final},
	{"consort_avg_float64", LITE_FLOAT64, sum_float64, average_float64_final},
};

uint32_t lite_define_checks(struct lite_connection *conn, struct consort_error *error)
{
	int codec, code = SQLITE_OK;
	char name[32];
	size_t i;

	if (conn->checks)
		return CONSORT_OK;
	for (codec = LITE_ADOPT + 1; !code && codec < LITE_CONVERT; codec++) {
		snprintf(name, sizeof(name), "consort_%s", lite_codecs[codec].name);
		code = define(conn, name, (enum lite_codec)codec, 3, check_value, NULL, NULL);
	}
	for (i = 0; !code && i < sizeof(sums) / sizeof(*sums); i++)
		code = define(conn, sums[i].name, sums[i].codec, 1, NULL, sums[i].step, sums[i].final);
	if (code)
		return lite_fail(conn, code, NULL, error);
	conn->checks = true;
	return CONSORT_OK;
}
