/* SPDX-License-Identifier: Apache-2.0 */
/* FILTER, PROJECT, LIMIT and SORT over tables of rows, with memory limits, deadlines and cancelling. */
#include "exec-source.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define I(value) consort_int64(value)
#define N consort_null()
#define S(value) consort_text(value)
#define F(value) consort_float64(value)



/* i, "t" and i % 7, i % 3 as float64 or NULL for 2 */
static struct source *numbers(int64_t count, int64_t per_batch)
{
	static struct source source;
	struct consort_value *rows = keep((size_t)count * 3 + 1, sizeof(*rows));
	static const char *const words[] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6"};
	int64_t i;

	for (i = 0; i < count; i++) {
		rows[i * 3] = I(i);
		rows[i * 3 + 1] = S(words[i % 7]);
		rows[i * 3 + 2] = i % 3 == 2 ? N : F((double)(i % 3));
	}
	memset(&source, 0, sizeof(source));
	source.fields = fields(3, T_INT, T_TEXT, T_FLOAT);
	source.nfields = 3;
	source.rows = rows;
	source.nrows = count;
	source.per_batch = per_batch;
	return &source;
}

static const struct consort_expr *c0(void)
{
	return column(0, T_INT);
}

static const struct consort_step *filter_over(const struct consort_step *input, const struct consort_expr *a,
					      const struct consort_expr *b)
{
	struct consort_step *step = step_over(CONSORT_STEP_FILTER, input, input->fields, input->nfields);
	const struct consort_expr **exprs = keep(2, sizeof(*exprs));

	exprs[0] = a;
	exprs[1] = b;
	step->exprs = exprs;
	step->nexprs = b ? 2 : 1;
	return step;
}

static const struct consort_expr *below(int64_t limit)
{
	return call(CONSORT_OP_LT, T_BOOL, c0(), literal(I(limit)));
}

static const struct consort_expr *multiple_of(int64_t of)
{
	return call(CONSORT_OP_EQ, T_BOOL, call(CONSORT_OP_MODULO, T_INT, c0(), literal(I(of))),
		    literal(I(0)));
}

/* --- FILTER and PROJECT --- */

static void test_filter(void)
{
	TESTING_TEXT(run(filter_over(source_step(numbers(20, 3)), multiple_of(6), NULL)),
		     "0|t0|0.0 6|t6|0.0 12|t5|0.0 18|t4|0.0");
	TESTING_TEXT(run(filter_over(source_step(numbers(20, 3)), multiple_of(6), below(10))),
		     "0|t0|0.0 6|t6|0.0");
	TESTING_TEXT(run(filter_over(source_step(numbers(20, 3)), below(0), NULL)), "");
	TESTING_TEXT(run(filter_over(source_step(numbers(0, 3)), below(10), NULL)), "");
	/* NULL is not true */
	TESTING_TEXT(run(filter_over(source_step(numbers(4, 2)),
				     call(CONSORT_OP_GE, T_BOOL, column(2, T_FLOAT), literal(F(0))), NULL)),
		     "0|t0|0.0 1|t1|1.0 3|t3|0.0");
	/* a conjunct sees only rows for which those before it are true */
	TESTING_TEXT(run(filter_over(source_step(numbers(4, 0)),
				     call(CONSORT_OP_GT, T_BOOL, c0(), literal(I(0))),
				     call(CONSORT_OP_EQ, T_BOOL,
					  call(CONSORT_OP_INTEGER_DIVIDE, T_INT, literal(I(6)), c0()),
					  literal(I(3))))),
		     "2|t2|NULL");
	TESTING_CONTAINS(run(filter_over(source_step(numbers(4, 0)),
					 call(CONSORT_OP_GT, T_BOOL,
					      call(CONSORT_OP_INTEGER_DIVIDE, T_INT, literal(I(6)), c0()),
					      literal(I(0))), NULL)), "division by zero");
}

/* A batch of which every row passes is handed on as it is. */
static void test_filter_untouched(void)
{
	struct source *source = numbers(10, 5);
	const struct consort_step *step = filter_over(source_step(source), below(5), NULL);
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;

	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(batch->nrows, 5);
	CU_ASSERT_PTR_EQUAL(batch, source->batch);
	CU_ASSERT_EQUAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	CU_ASSERT_PTR_NULL(batch);
	consort_operator_close(op);
}

static const struct consort_step *project_over(const struct consort_step *input)
{
	struct consort_step *step =
		step_over(CONSORT_STEP_PROJECT, input, fields(4, T_TEXT, T_INT, T_INT, T_TEXT), 4);
	const struct consort_expr **exprs = keep(4, sizeof(*exprs));

	exprs[0] = column(1, T_TEXT);
	exprs[1] = call(CONSORT_OP_MULTIPLY, T_INT, c0(), c0());
	exprs[2] = c0();
	exprs[3] = call(CONSORT_OP_CONCAT, T_TEXT, column(1, T_TEXT), literal(S("!")));
	step->exprs = exprs;
	step->nexprs = 4;
	return step;
}

static void test_project(void)
{
	const struct consort_step *step = project_over(source_step(numbers(5, 2)));
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	struct ArrowArray array;

	TESTING_TEXT(run(step), "t0|0|0|t0! t1|1|1|t1! t2|4|2|t2! t3|9|3|t3! t4|16|4|t4!");
	/* what was exported from a projection stays when the next batch comes */
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(consort_batch_take_array(batch, &array, NULL), CONSORT_OK);
	while (batch)
		CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	consort_operator_close(op);
	CU_ASSERT_EQUAL(((const int64_t *)array.children[1]->buffers[1])[1], 1);
	CU_ASSERT_EQUAL(((const int64_t *)array.children[2]->buffers[1])[1], 1);
	CU_ASSERT_EQUAL(memcmp(array.children[3]->buffers[2], "t0!t1!", 6), 0);
	array.release(&array);
}

/* A batch larger than the operators' own, as one that an adapter handed over, with every operator over it. */
static void test_large_batch(void)
{
	struct source *source = numbers(5000, 5000);
	const struct consort_step *step = filter_over(source_step(source), below(4000), NULL);
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	int64_t rows = 0, i;

	step = project_over(step);
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	for (;;) {
		CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
		if (!batch)
			break;
		CU_ASSERT_TRUE(batch->nrows <= CONSORT_BATCH_ROWS);
		for (i = 0; i < batch->nrows; i++, rows++)
			CU_ASSERT_EQUAL_FATAL(consort_column_int64(&batch->columns[1], i), rows * rows);
	}
	CU_ASSERT_EQUAL(rows, 4000);
	consort_operator_close(op);
	/* all rows pass */
	TESTING_CONTAINS(run(filter_over(source_step(source), below(5000), NULL)), " 4999|t1|1.0");
	CU_ASSERT_EQUAL(source->pulls > 0, 1);
}

/* --- LIMIT --- */

static const struct consort_step *limit_over(const struct consort_step *input,
					     const struct consort_expr *limit,
					     const struct consort_expr *offset)
{
	struct consort_step *step = step_over(CONSORT_STEP_LIMIT, input, input->fields, input->nfields);
	struct consort_node *node = node_of(CONSORT_NODE_LIMIT);

	node->limit = limit;
	node->offset = offset;
	step->node = node;
	return step;
}

static void test_limit(void)
{
	struct consort_value parameters[1] = {I(2)};
	struct source *source = numbers(10, 3);

	TESTING_TEXT(run(limit_over(source_step(source), literal(I(4)), NULL)),
		     "0|t0|0.0 1|t1|1.0 2|t2|NULL 3|t3|0.0");
	CU_ASSERT_EQUAL(source->pulls, 2);
	TESTING_TEXT(run(limit_over(source_step(numbers(10, 3)), literal(I(3)), literal(I(5)))),
		     "5|t5|NULL 6|t6|0.0 7|t0|1.0");
	TESTING_TEXT(run(limit_over(source_step(numbers(10, 3)), literal(I(100)), literal(I(9)))),
		     "9|t2|0.0");
	TESTING_TEXT(run(limit_over(source_step(numbers(10, 3)), literal(I(100)), literal(I(10)))), "");
	TESTING_TEXT(run(limit_over(source_step(numbers(3, 3)), NULL, literal(I(2)))), "2|t2|NULL");
	TESTING_TEXT(run(limit_over(source_step(numbers(2, 3)), literal(N), literal(N))),
		     "0|t0|0.0 1|t1|1.0");
	source = numbers(10, 3);
	TESTING_TEXT(run(limit_over(source_step(source), literal(I(0)), NULL)), "");
	CU_ASSERT_EQUAL(source->pulls, 0);
	TESTING_CONTAINS(run(limit_over(source_step(source), literal(I(-1)), NULL)),
			 "limit must not be negative");
	TESTING_CONTAINS(run(limit_over(source_step(source), NULL, literal(I(-1)))),
			 "offset must not be negative");
	TESTING_CONTAINS(run(limit_over(source_step(source), literal(S("x")), NULL)), "integer");
	run_exec.parameters = parameters;
	run_exec.nparameters = 1;
	TESTING_TEXT(run(limit_over(source_step(numbers(10, 3)), parameter(0, T_INT), NULL)),
		     "0|t0|0.0 1|t1|1.0");
}

/* --- SORT --- */

static struct consort_order orders[4];

static const struct consort_step *sort_over(const struct consort_step *input, uint32_t norders,
					    const struct consort_expr *limit)
{
	struct consort_step *step = step_over(CONSORT_STEP_SORT, input, input->fields, input->nfields);
	const struct consort_order **list = keep(4, sizeof(*list));
	struct consort_node *node = node_of(CONSORT_NODE_SORT);
	uint32_t i;

	for (i = 0; i < 4; i++)
		list[i] = &orders[i];
	node->orders = list;
	node->norders = norders;
	node->limit = limit;
	step->node = node;
	return step;
}

static void order_by(uint32_t at, const struct consort_expr *expr, uint32_t flags)
{
	orders[at].struct_size = sizeof(orders[at]);
	orders[at].expr = expr;
	orders[at].flags = flags;
}

static void test_sort(void)
{
	static struct consort_value rows[7 * 2];
	struct source source = {.nfields = 2, .rows = rows, .nrows = 7, .per_batch = 2};
	const double numbers_[6] = {1.5, NAN, -INFINITY, -0.0, 0.0, INFINITY};
	int i;

	source.fields = fields(2, T_FLOAT, T_INT);
	for (i = 0; i < 6; i++)
		rows[i * 2] = F(numbers_[i]);
	rows[12] = N;
	for (i = 0; i < 7; i++)
		rows[i * 2 + 1] = I(i);
	order_by(0, column(0, T_FLOAT), 0);
	TESTING_TEXT(run(sort_over(source_step(&source), 1, NULL)),
		     "-inf|2 -0.0|3 0.0|4 1.5|0 inf|5 nan|1 NULL|6");
	order_by(0, column(0, T_FLOAT), CONSORT_ORDER_NULLS_FIRST);
	TESTING_TEXT(run(sort_over(source_step(&source), 1, NULL)),
		     "NULL|6 -inf|2 -0.0|3 0.0|4 1.5|0 inf|5 nan|1");
	order_by(0, column(0, T_FLOAT), CONSORT_ORDER_DESCENDING);
	TESTING_TEXT(run(sort_over(source_step(&source), 1, NULL)),
		     "nan|1 inf|5 1.5|0 -0.0|3 0.0|4 -inf|2 NULL|6");
	order_by(0, column(0, T_FLOAT), CONSORT_ORDER_DESCENDING | CONSORT_ORDER_NULLS_FIRST);
	order_by(1, column(1, T_INT), CONSORT_ORDER_DESCENDING);
	TESTING_TEXT(run(sort_over(source_step(&source), 2, NULL)),
		     "NULL|6 nan|1 inf|5 1.5|0 0.0|4 -0.0|3 -inf|2");
	/* by nothing: the order as it comes */
	TESTING_TEXT(run(sort_over(source_step(&source), 0, NULL)),
		     "1.5|0 nan|1 -inf|2 -0.0|3 0.0|4 inf|5 NULL|6");
}

/* Many rows in random order with ties: sorted is stable, and the best are the first of all. */
static void test_sort_many(void)
{
	static struct consort_value rows[20000 * 2];
	static char texts[20000][8];
	struct source source = {.nfields = 2, .rows = rows, .nrows = 20000, .per_batch = 1000};
	uint32_t seed = 1, i, n;
	char *all, *prefix;
	const char *best;

	source.fields = fields(2, T_TEXT, T_INT);
	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		snprintf(texts[i], sizeof(texts[i]), "%04u", (seed >> 16) % 5000);
		rows[i * 2] = i % 50 ? S(texts[i]) : N;
		rows[i * 2 + 1] = I(i);
	}
	order_by(0, call(CONSORT_OP_CONCAT, T_TEXT, column(0, T_TEXT), literal(S("x"))), 0);
	all = strdup(run(sort_over(source_step(&source), 1, NULL)));
	CU_ASSERT_TRUE(run_memory > 20000 * 8);
	/* in order, ties by position */
	for (prefix = all, i = 0; i + 1 < 20000; i++) {
		char *next = strchr(prefix, ' ') + 1;
		int order = strncmp(prefix, next, 4);

		CU_ASSERT_TRUE_FATAL(order < 0 || (!order && atoi(prefix + 5) < atoi(next + 5)));
		prefix = next;
	}
	for (n = 1; n <= 20000; n = n * 3 + 1) {
		best = run(sort_over(source_step(&source), 1, literal(I(n))));
		CU_ASSERT_EQUAL(strncmp(best, all, strlen(best)), 0);
		for (i = 1, prefix = strchr(best, ' '); prefix; prefix = strchr(prefix + 1, ' '))
			i++;
		CU_ASSERT_EQUAL(i, n);
		if (n < 100)
			CU_ASSERT_TRUE(run_memory < 300000);
	}
	free(all);
}

/* Neighbours in each type's order, with NULLs and both directions: no shortcut of the sort contradicts it. */
static void check_order(struct consort_type type, const struct consort_value *pool, uint32_t count,
			uint32_t flags)
{
	static struct consort_value rows[500];
	const struct consort_step *step;
	struct source source = {.nfields = 1, .rows = rows, .nrows = 500, .per_batch = 100};
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	uint32_t seed = 99, i, nulls = 0;

	for (i = 0; i < 500; i++) {
		seed = seed * 1664525 + 1013904223;
		rows[i] = (seed >> 16) % (count + 1) < count ? pool[(seed >> 16) % (count + 1)] : N;
		nulls += (uint32_t)consort_value_is_null(&rows[i]);
	}
	source.fields = fields(1, type);
	order_by(0, column(0, type), flags);
	step = sort_over(source_step(&source), 1, NULL);
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(batch->nrows, 500);
	for (i = 0; i < 500; i++) {
		const struct consort_value value = consort_column_value(&batch->columns[0], i);
		const bool first = flags & CONSORT_ORDER_NULLS_FIRST;
		struct consort_value before;
		int order;

		CU_ASSERT_EQUAL_FATAL(consort_value_is_null(&value) != 0,
				      first ? i < nulls : i >= 500 - nulls);
		if (!i || consort_value_is_null(&value))
			continue;
		before = consort_column_value(&batch->columns[0], i - 1);
		order = consort_value_is_null(&before) ? 0 : consort_value_compare(&before, &value);
		CU_ASSERT_TRUE_FATAL(flags & CONSORT_ORDER_DESCENDING ? order >= 0 : order <= 0);
	}
	consort_operator_close(op);
}

static void test_sort_types(void)
{
	const struct consort_value integers[] = {I(INT64_MIN), I(-1), I(0), I(1), I(INT64_MAX)};
	const struct consort_value floats[] = {F(-INFINITY), F(-1.5), F(-0.0), F(0), F(1e-300), F(2),
					       F(INFINITY), F(NAN), F(-NAN), F(-1e-300)};
	const struct consort_value texts[] = {S(""), S("a"),
					      S("A"), S("abcdefgh"),
					      S("abcdefghi"), S("abcdefgz"),
					      S("\xc3\xa9"),  S("\xf0\x9f\x98\x80"),
					      S("abcdefg")};
	const struct consort_value dates[] = {consort_date(INT32_MIN), consort_date(-1),
					      consort_date(INT32_MAX)};
	const struct consort_value bytes[] = {consort_bytes("\0", 1), consort_bytes("", 0),
					      consort_bytes("\0\0", 2), consort_bytes("\xff", 1)};
	struct consort_value decimals[3] = {decimal("-1.50"), decimal("0.01"), decimal("12345.00")};
	uint32_t flags;

	for (flags = 0; flags < 4; flags++) {
		check_order(T_INT, integers, 5, flags);
		check_order(T_FLOAT, floats, 10, flags);
		check_order(T_TEXT, texts, 9, flags);
		check_order(T_DATE, dates, 3, flags);
		check_order(consort_type_of(CONSORT_TYPE_BYTES), bytes, 4, flags);
		check_order(consort_type_decimal(10, 2), decimals, 3, flags);
	}
}

/* --- limits of a run --- */

static void test_memory(void)
{
	order_by(0, c0(), CONSORT_ORDER_DESCENDING);
	run_exec.memory_limit = 64 << 10;
	TESTING_CONTAINS(run(sort_over(source_step(numbers(10000, 0)), 1, NULL)),
			 "memory limit of 65536 bytes");
	run_exec.memory_limit = 16 << 20;
	CU_ASSERT_EQUAL(run_status(sort_over(source_step(numbers(10000, 0)), 1, NULL)), CONSORT_OK);
}

static void test_charge(void)
{
	struct consort_exec exec = {.memory_limit = 100};

	CU_ASSERT_EQUAL(consort_exec_charge(&exec, 60, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_exec_charge(&exec, 41, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_exec_charge(&exec, UINT64_MAX, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(exec.memory_used, 60);
	CU_ASSERT_EQUAL(consort_exec_charge(&exec, 40, NULL), CONSORT_OK);
	consort_exec_discharge(&exec, 100);
	CU_ASSERT_EQUAL(exec.memory_used, 0);
}

static void test_cancel(void)
{
	uint32_t cancelled = 0;
	struct timespec now;

	order_by(0, c0(), 0);
	run_exec.call.cancelled = &cancelled;
	CU_ASSERT_EQUAL(run_status(sort_over(source_step(numbers(100, 10)), 1, NULL)), CONSORT_OK);
	cancelled = 1;
	CU_ASSERT_EQUAL(run_status(sort_over(source_step(numbers(100, 10)), 1, NULL)), CONSORT_ECANCELLED);
	cancelled = 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	run_exec.call.deadline = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - 1;
	CU_ASSERT_EQUAL(run_status(source_step(numbers(100, 10))), CONSORT_ETIMEOUT);
	run_exec.call.deadline += INT64_C(3600) * 1000000000;
	CU_ASSERT_EQUAL(run_status(source_step(numbers(100, 10))), CONSORT_OK);
}

static void test_failure(void)
{
	struct source *source = numbers(100, 10);

	order_by(0, c0(), 0);
	source->fail_at = 5;
	TESTING_CONTAINS(run(sort_over(filter_over(source_step(source), multiple_of(2), NULL), 1, NULL)),
			 "the source fails");
	source->pulls = 0;
	TESTING_CONTAINS(run(project_over(limit_over(source_step(source), literal(I(80)), literal(I(3))))),
			 "the source fails");
}

static void test_analyze(void)
{
	const struct consort_step *step = filter_over(source_step(numbers(100, 10)), multiple_of(2), NULL);
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;

	run_exec.analyze = 1;
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	do {
		CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
	} while (batch);
	CU_ASSERT_EQUAL(op->rows, 50);
	CU_ASSERT_EQUAL(op->batches, 10);
	CU_ASSERT_EQUAL(op->inputs[0]->rows, 100);
	CU_ASSERT_TRUE(op->nanoseconds >= op->inputs[0]->nanoseconds && op->inputs[0]->nanoseconds > 0);
	consort_operator_close(op);
	consort_operator_close(NULL);
}

static void test_unknown_step(void)
{
	CU_ASSERT_EQUAL(run_status(step_over(99, NULL, NULL, 0)), CONSORT_EINTERNAL);
	CU_ASSERT_EQUAL(run_status(step_over(0, NULL, NULL, 0)), CONSORT_EINTERNAL);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"filter", test_filter},
		{"filter-untouched", test_filter_untouched},
		{"project", test_project},
		{"large-batch", test_large_batch},
		{"limit", test_limit},
		{"sort", test_sort},
		{"sort-many", test_sort_many},
		{"sort-types", test_sort_types}, {"memory", test_memory},
		{"charge", test_charge},
		{"cancel", test_cancel},
		{"failure", test_failure},
		{"analyze", test_analyze},
		{"unknown-step", test_unknown_step},
		{NULL, NULL},
	};

	return testing_main("operators", cases, argc, argv);
}
