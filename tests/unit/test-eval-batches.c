/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions over batches: all rows or some, guards, patterns and sets that are used again, lists. */
#include "exec-helpers.h"
#include "testing.h"

#include <stdio.h>

#define I(value) literal(consort_int64(value))
#define S(value) literal(consort_text(value))

static struct consort_value out[3000];

/* Rows i: i, i as float64 or NULL for odd ones, its text, whether it is divisible by 3. */
static struct consort_batch *numbers(uint32_t count)
{
	const struct consort_field *const *of = fields(4, T_INT, T_FLOAT, T_TEXT, T_BOOL);
	struct consort_batch *batch = consort_batch_for_fields(of, 4, count);
	char text[16];
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct consort_value row[4];

		snprintf(text, sizeof(text), "n%u", i);
		row[0] = consort_int64(i);
		row[1] = i % 2 ? consort_null() : consort_float64(i);
		row[2] = consort_text(text);
		row[3] = consort_bool(i % 3 == 0);
		CU_ASSERT_EQUAL_FATAL(consort_batch_append_row(batch, row), CONSORT_OK);
	}
	return batch;
}

/* A batch of more rows than a vector, all rows and some of them. */
static void test_batches(void)
{
	struct consort_batch *batch = numbers(3000);
	struct consort_value parameters[1] = {consort_int64(1500)};
	const struct consort_expr *less_than =
		call(CONSORT_OP_LT, T_BOOL, column(0, T_INT), parameter(0, T_INT));
	const struct consort_expr *twice =
		call(CONSORT_OP_ADD, T_FLOAT, column(1, T_FLOAT), column(1, T_FLOAT));
	const struct consort_expr *when = call(CONSORT_OP_CASE, T_TEXT, column(3, T_BOOL), column(2, T_TEXT),
					       less_than, S("low"), S("high"));
	struct consort_eval eval;
	uint32_t rows[1000], i;

	consort_eval_init(&eval, parameters, 1);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, less_than, batch, NULL, 3000, out, NULL), CONSORT_OK);
	for (i = 0; i < 3000; i++)
		CU_ASSERT_EQUAL_FATAL(out[i].as.int64, i < 1500);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, twice, batch, NULL, 3000, out, NULL), CONSORT_OK);
	for (i = 0; i < 3000; i++)
		CU_ASSERT_TRUE_FATAL(i % 2 ? consort_value_is_null(&out[i]) : out[i].as.float64 == 2.0 * i);
	for (i = 0; i < 1000; i++)
		rows[i] = i * 3 % 2999;
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, when, batch, rows, 1000, out, NULL), CONSORT_OK);
	for (i = 0; i < 1000; i++) {
		const char *text = shown(out[i]);

		if (rows[i] % 3) {
			TESTING_TEXT(text, rows[i] < 1500 ? "low" : "high");
		} else {
			CU_ASSERT_EQUAL_FATAL((uint32_t)atoi(text + 1), rows[i]);
		}
	}
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, parameter(0, T_INT), batch, NULL, 3000, out, NULL),
			CONSORT_OK);
	CU_ASSERT_EQUAL(out[2999].as.int64, 1500);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, call(CONSORT_OP_ADD, T_INT, I(1), I(2)), batch, NULL, 3000,
					  out, NULL),
			CONSORT_OK);
	CU_ASSERT_EQUAL(out[2999].as.int64, 3);
	/* nothing is evaluated for no rows */
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, call(CONSORT_OP_INTEGER_DIVIDE, T_INT, I(1), I(0)), batch,
					  rows, 0, out, NULL),
			CONSORT_OK);
	consort_eval_clear(&eval);
	consort_batch_free(batch);
}

/* Guards protect row by row: 1 / i only where i is not 0. */
static void test_guards(void)
{
	struct consort_batch *batch = numbers(10);
	const struct consort_expr *i0 = column(0, T_INT);
	const struct consort_expr *not_zero = call(CONSORT_OP_NE, T_BOOL, i0, I(0));
	const struct consort_expr *quotient = call(CONSORT_OP_INTEGER_DIVIDE, T_INT, I(10), i0);
	const struct consort_expr *guarded =
		call(CONSORT_OP_AND, T_BOOL, not_zero, call(CONSORT_OP_GT, T_BOOL, quotient, I(2)));
	const struct consort_expr *nested =
		call(CONSORT_OP_OR, T_BOOL, call(CONSORT_OP_EQ, T_BOOL, i0, I(0)),
		     call(CONSORT_OP_AND, T_BOOL, guarded, call(CONSORT_OP_NE, T_BOOL, i0, I(2))));
	struct consort_eval eval;
	uint32_t i;

	consort_eval_init(&eval, NULL, 0);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, guarded, batch, NULL, 10, out, NULL), CONSORT_OK);
	for (i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(out[i].as.int64, i >= 1 && i <= 3);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, nested, batch, NULL, 10, out, NULL), CONSORT_OK);
	for (i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(out[i].as.int64, i == 0 || i == 1 || i == 3);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, quotient, batch, NULL, 10, out, NULL), CONSORT_ERANGE);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, call(CONSORT_OP_CASE, T_INT, not_zero, quotient, I(-1)),
					  batch, NULL, 10, out, NULL),
			CONSORT_OK);
	CU_ASSERT_EQUAL(out[0].as.int64, -1);
	CU_ASSERT_EQUAL(out[9].as.int64, 1);
	CU_ASSERT_EQUAL(eval.depth, 0);
	consort_eval_clear(&eval);
	consort_batch_free(batch);
}

/* A pattern per row, and a set that is used again. */
static void test_per_row(void)
{
	struct consort_batch *batch = numbers(100);
	const struct consort_expr *like_itself = call(CONSORT_OP_ILIKE, T_BOOL, S("N7"), column(2, T_TEXT));
	const struct consort_expr *in =
		call(CONSORT_OP_IN, T_BOOL, column(2, T_TEXT), S("n9"), S("n1"), S("n55"));
	struct consort_eval eval;
	uint32_t i;

	consort_eval_init(&eval, NULL, 0);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, like_itself, batch, NULL, 100, out, NULL), CONSORT_OK);
	for (i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(out[i].as.int64, i == 7);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, in, batch, NULL, 100, out, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, in, batch, NULL, 100, out, NULL), CONSORT_OK);
	CU_ASSERT_PTR_NOT_NULL(eval.sets);
	for (i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(out[i].as.int64, i == 9 || i == 1 || i == 55);
	consort_eval_clear(&eval);
	consort_batch_free(batch);
}

static void test_lists(void)
{
	struct consort_value items[2] = {consort_text("a"), consort_null()}, value = consort_null();
	const struct consort_field *const *of = fields(1, list_of(CONSORT_TYPE_TEXT));
	struct consort_batch *batch;
	struct consort_eval eval;

	value.type = list_of(CONSORT_TYPE_TEXT);
	value.as.list.items = items;
	value.as.list.count = 2;
	batch = batch_of(of, 1, &value, 1);
	consort_eval_init(&eval, NULL, 0);
	CU_ASSERT_EQUAL(consort_eval_rows(&eval, column(0, value.type), batch, NULL, 1, out, NULL),
			CONSORT_OK);
	TESTING_TEXT(shown(out[0]), "[\"a\",null]");
	CU_ASSERT_EQUAL(consort_eval_rows(&eval,
					  call(CONSORT_OP_EQ, T_BOOL, column(0, value.type), literal(value)),
					  batch, NULL, 1, out, NULL),
			CONSORT_OK);
	TESTING_TEXT(shown(out[0]), "true");
	consort_eval_clear(&eval);
	consort_batch_free(batch);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"batches", test_batches},
		{"guards", test_guards},
		{"per-row", test_per_row},
		{"lists", test_lists},
		{NULL, NULL},
	};

	return testing_main("eval-batches", cases, argc, argv);
}
