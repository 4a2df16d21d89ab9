/* SPDX-License-Identifier: Apache-2.0 */
/* LOOKUP: joins by sets of keys and over a whole inner side; and all operators when memory runs out. */
#include "exec-source.h"
#include "testing.h"

#include <stdio.h>

#define I(value) consort_int64(value)
#define N consort_null()
#define S(value) consort_text(value)

/* --- running out of memory --- */

static int64_t allocations, fail_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool finds_memory(void)
{
	return ++allocations != fail_at;
}

void *__wrap_malloc(size_t size)
{
	return finds_memory() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return finds_memory() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return finds_memory() ? __real_realloc(old, size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return finds_memory() ? __real_aligned_alloc(alignment, size) : NULL;
}

/* --- tables --- */

/* Flights: number, airport (NULL for each 10th), day */
static struct source *flights(int64_t count, int64_t airports)
{
	static struct source source;
	static char names[1000][8];
	struct consort_value *rows = keep((size_t)count * 3 + 1, sizeof(*rows));
	int64_t i;

	for (i = 0; i < airports; i++)
		snprintf(names[i], sizeof(names[i]), "A%d", (int)i);
	for (i = 0; i < count; i++) {
		rows[i * 3] = I(i);
		rows[i * 3 + 1] = i % 10 == 9 ? N : S(names[i % airports]);
		rows[i * 3 + 2] = I(i % 2);
	}
	memset(&source, 0, sizeof(source));
	source.fields = fields(3, T_INT, T_TEXT, T_INT);
	source.nfields = 3;
	source.rows = rows;
	source.nrows = count;
	return &source;
}

/* Airports A0, A2, A4, …: city and name; A0 is there twice, and there is one without a name. */
static struct source *airports(int64_t count, bool keyed)
{
	static struct source source;
	static char names[1000][8], cities[1000][16];
	struct consort_value *rows = keep((size_t)(count + 2) * 2, sizeof(*rows));
	int64_t i;

	for (i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "A%d", (int)i * 2);
		snprintf(cities[i], sizeof(cities[i]), "city%d", (int)i * 2);
		rows[i * 2] = S(cities[i]);
		rows[i * 2 + 1] = S(names[i]);
	}
	rows[count * 2] = S("nowhere");
	rows[count * 2 + 2] = S("twice");
	rows[count * 2 + 3] = S("A0");
	memset(&source, 0, sizeof(source));
	source.fields = fields(2, T_TEXT, T_TEXT);
	source.nfields = 2;
	source.rows = rows;
	source.nrows = count + 2;
	source.nkeys = keyed;
	source.keys[0] = 1;
	return &source;
}

static const uint32_t airport_of_flight[] = {1}, name_of_airport[] = {1};

static const struct consort_step *lookup_over(const struct consort_step *outer,
					      const struct consort_step *inner, uint32_t join)
{
	const struct consort_field **of = keep(outer->nfields + inner->nfields, sizeof(*of));
	struct consort_step *step;

	memcpy(of, outer->fields, outer->nfields * sizeof(*of));
	memcpy(of + outer->nfields, inner->fields, inner->nfields * sizeof(*of));
	step = step_over(CONSORT_STEP_LOOKUP, outer, of, outer->nfields + inner->nfields);
	step->inputs[1] = inner;
	step->join = join;
	step->nkeys = 1;
	step->outer_keys = airport_of_flight;
	step->inner_keys = name_of_airport;
	return step;
}

static void test_small(void)
{
	static const char left[] =
		"0|A0|0|city0|A0 0|A0|0|twice|A0 1|A1|1|NULL|NULL 2|A2|0|city2|A2 3|A0|1|city0|A0 "
		"3|A0|1|twice|A0";
	static const char inner[] =
		"0|A0|0|city0|A0 0|A0|0|twice|A0 2|A2|0|city2|A2 3|A0|1|city0|A0 3|A0|1|twice|A0";
	int keyed;

	for (keyed = 0; keyed < 2; keyed++) {
		const struct consort_step *outer = source_step(flights(4, 3)),
					  *of = source_step(airports(2, keyed));

		TESTING_TEXT(run(lookup_over(outer, of, CONSORT_JOIN_LEFT)), left);
		TESTING_TEXT(run(lookup_over(outer, of, CONSORT_JOIN_INNER)), inner);
		/* NULL matches nothing, not even a NULL */
		outer = source_step(flights(10, 1000));
		CU_ASSERT_PTR_NOT_NULL(
			strstr(run(lookup_over(outer, of, CONSORT_JOIN_LEFT)), "9|NULL|1|NULL|NULL"));
		CU_ASSERT_PTR_NULL(strstr(run(lookup_over(outer, of, CONSORT_JOIN_INNER)), "9|NULL"));
		TESTING_TEXT(run(lookup_over(source_step(flights(0, 1)), of, CONSORT_JOIN_LEFT)), "");
	}
}

/* Each key is asked for once, in sets that are not larger than they may be. */
static void test_sets(void)
{
	struct source *inner = airports(300, true);
	struct source *outer = flights(20000, 500);
	const struct consort_step *step =
		lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_LEFT);
	char *all = strdup(run(step));

	/* every tenth airport is never asked for: its flights have none */
	CU_ASSERT_EQUAL(inner->asked_keys, 450);
	CU_ASSERT_TRUE(inner->restarts <= 3);
	CU_ASSERT_TRUE(inner->most_keys <= 500);
	/* the same with other sizes of batches and sets */
	inner->max_keys = 7;
	inner->asked_keys = inner->most_keys = 0;
	inner->per_batch = 2;
	outer->per_batch = 5;
	TESTING_TEXT(run(lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_LEFT)), all);
	CU_ASSERT_EQUAL(inner->asked_keys, 450);
	CU_ASSERT_EQUAL(inner->most_keys, 7);
	/* and read whole */
	inner->nkeys = 0;
	inner->restarts = inner->pulls = 0;
	TESTING_TEXT(run(lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_LEFT)), all);
	CU_ASSERT_EQUAL(inner->restarts, 0);
	CU_ASSERT_EQUAL(inner->pulls, 152);
	free(all);
}

/* Small batches, as a filter leaves them, do not mean small sets. */
static void test_gathered(void)
{
	struct source *inner = airports(300, true);
	struct source *outer = flights(2000, 1000);

	outer->per_batch = 1;
	CU_ASSERT_EQUAL(run_status(lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_INNER)),
			CONSORT_OK);
	CU_ASSERT_TRUE(inner->restarts <= 4);
	CU_ASSERT_EQUAL(inner->asked_keys, 900);
}

/* An adapter that gives rows of keys that were not asked for, or not now, makes no rows twice. */
static void test_sloppy(void)
{
	struct source *inner = airports(300, true);
	struct source *outer = flights(3000, 500);
	const struct consort_step *step =
		lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_LEFT);
	char *all = strdup(run(step));

	inner->sloppy = 1;
	inner->max_keys = 10;
	TESTING_TEXT(run(lookup_over(source_step(outer), source_step(inner), CONSORT_JOIN_LEFT)), all);
	free(all);
}

/* More keys than are kept known: nothing is lost. */
static void test_forgotten(void)
{
	static struct consort_value outer_rows[30000 * 2], inner_rows[15000 * 2];
	struct source outer = {.nfields = 2, .rows = outer_rows, .nrows = 30000};
	struct source inner = {.nfields = 2, .rows = inner_rows, .nrows = 15000, .nkeys = 1, .keys = {1}};
	const struct consort_step *step;
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	int64_t i, rows = 0;

	for (i = 0; i < 30000; i++) {
		outer_rows[i * 2] = I(i);
		outer_rows[i * 2 + 1] = I(i % 15000);
		inner_rows[i % 15000 * 2] = I(i % 15000 * 3);
		inner_rows[i % 15000 * 2 + 1] = I(i % 15000);
	}
	outer.fields = inner.fields = fields(2, T_INT, T_INT);
	inner.nkeys = 0;
	step = lookup_over(source_step(&outer), source_step(&inner), CONSORT_JOIN_INNER);
	CU_ASSERT_EQUAL(run_status(step), CONSORT_OK);
	inner.nkeys = 1;
	inner.nrows = 100; /* so that the test's own search is short */
	step = lookup_over(source_step(&outer), source_step(&inner), CONSORT_JOIN_INNER);
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec, step, &op, NULL), CONSORT_OK);
	for (;;) {
		CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
		if (!batch)
			break;
		CU_ASSERT_TRUE(batch->nrows <= CONSORT_BATCH_ROWS);
		for (i = 0; i < batch->nrows; i++, rows++) {
			CU_ASSERT_EQUAL(consort_column_int64(&batch->columns[2], i),
					consort_column_int64(&batch->columns[0], i) % 15000 * 3);
		}
	}
	consort_operator_close(op);
	CU_ASSERT_EQUAL(rows, 200);
	CU_ASSERT_EQUAL(inner.asked_keys, 30000);
}

/* A key with many rows fills several batches, each within bounds. */
static void test_to_many(void)
{
	static struct consort_value inner_rows[5000 * 2];
	struct consort_value outer_rows[] = {I(1), I(7), I(2), I(8), I(3), I(7)};
	struct source outer = {.nfields = 2, .rows = outer_rows, .nrows = 3};
	struct source inner = {.nfields = 2, .rows = inner_rows, .nrows = 5000, .nkeys = 1, .keys = {1}};
	struct consort_operator *op = NULL;
	struct consort_batch *batch = NULL;
	int64_t i, rows = 0;

	for (i = 0; i < 5000; i++) {
		inner_rows[i * 2] = I(i);
		inner_rows[i * 2 + 1] = I(7);
	}
	outer.fields = inner.fields = fields(2, T_INT, T_INT);
	CU_ASSERT_EQUAL_FATAL(consort_operator_open(&run_exec,
						    lookup_over(source_step(&outer), source_step(&inner),
								CONSORT_JOIN_LEFT),
						    &op, NULL),
			      CONSORT_OK);
	for (;;) {
		CU_ASSERT_EQUAL_FATAL(consort_operator_next(op, &batch, NULL), CONSORT_OK);
		if (!batch)
			break;
		CU_ASSERT_TRUE(batch->nrows <= CONSORT_BATCH_ROWS);
		for (i = 0; i < batch->nrows; i++, rows++) {
			const int64_t expected = rows < 5000 ? 1 : rows == 5000 ? 2 : 3;

			CU_ASSERT_EQUAL(consort_column_int64(&batch->columns[0], i), expected);
			if (expected == 2) {
				CU_ASSERT_TRUE(consort_column_is_null(&batch->columns[2], i));
			} else {
				CU_ASSERT_EQUAL(consort_column_int64(&batch->columns[2], i),
						(rows + (rows > 5000 ? 4999 : 0)) % 5000);
			}
		}
	}
	CU_ASSERT_EQUAL(rows, 10001);
	consort_operator_close(op);
	run_exec.memory_limit = 50000;
	CU_ASSERT_EQUAL(run_status(lookup_over(source_step(&outer), source_step(&inner), CONSORT_JOIN_LEFT)),
			CONSORT_ENOMEM);
}

static void test_composite(void)
{
	static const uint32_t outer_keys[] = {0, 1}, inner_keys[] = {1, 0};
	const struct consort_value outer_rows[] = {I(1),   S("a"), I(1), S("b"), I(2),
						   S("a"), I(1),   N, N, S("a")};
	const struct consort_value inner_rows[] = {S("a"), I(2), S("b"), I(1), S("b"), I(2), N, I(1)};
	struct source outer = {.nfields = 2, .rows = outer_rows, .nrows = 5};
	struct source inner = {.nfields = 2, .rows = inner_rows, .nrows = 4, .nkeys = 2, .keys = {1, 0}};
	struct consort_step *step;

	outer.fields = fields(2, T_INT, T_TEXT);
	inner.fields = fields(2, T_TEXT, T_INT);
	step = (struct consort_step *)(uintptr_t)lookup_over(source_step(&outer), source_step(&inner),
							     CONSORT_JOIN_LEFT);
	step->nkeys = 2;
	step->outer_keys = outer_keys;
	step->inner_keys = inner_keys;
	TESTING_TEXT(run(step), "1|a|NULL|NULL 1|b|b|1 2|a|a|2 1|NULL|NULL|NULL NULL|a|NULL|NULL");
}

static void test_failure(void)
{
	struct source *inner = airports(300, true);
	const struct consort_step *step = lookup_over(source_step(flights(5000, 500)), source_step(inner),
						      CONSORT_JOIN_LEFT);

	inner->fail_at = 2;
	TESTING_CONTAINS(run(step), "the source fails");
}

/* --- all operators, each allocation failing once --- */

static const struct consort_step *tree(void)
{
	static struct consort_order order = {.struct_size = sizeof(order)};
	static const struct consort_order *orders[1] = {&order};
	static struct consort_aggregate made[2] = {
		{.struct_size = sizeof(*made), .kind = CONSORT_AGGREGATE_MAX},
		{.struct_size = sizeof(*made), .kind = CONSORT_AGGREGATE_COUNT_DISTINCT},
	};
	static const struct consort_aggregate *aggregates[2] = {&made[0], &made[1]};
	static const struct consort_expr *exprs[4];
	struct consort_node *node = node_of(CONSORT_NODE_AGGREGATE);
	struct consort_step *step;

	step = (struct consort_step *)(uintptr_t)lookup_over(source_step(flights(3000, 50)),
							     source_step(airports(20, true)),
							     CONSORT_JOIN_INNER);
	step = step_over(CONSORT_STEP_FILTER, step, step->fields, step->nfields);
	exprs[0] = call(CONSORT_OP_OR, T_BOOL,
			call(CONSORT_OP_ILIKE, T_BOOL, column(3, T_TEXT), literal(S("CITY%"))),
			call(CONSORT_OP_IN, T_BOOL, column(0, T_INT), literal(I(3)), literal(I(4))));
	step->exprs = &exprs[0];
	step->nexprs = 1;
	step = step_over(CONSORT_STEP_AGGREGATE, step, fields(3, T_TEXT, T_TEXT, T_INT), 3);
	exprs[1] = call(CONSORT_OP_UPPER, T_TEXT, column(3, T_TEXT));
	made[0].input = call(CONSORT_OP_CONCAT, T_TEXT, column(1, T_TEXT), literal(S("!")));
	made[0].type = T_TEXT;
	made[1].input = call(CONSORT_OP_PATH_TEXT, T_TEXT,
			     call(CONSORT_OP_CAST, T_JSON, call(CONSORT_OP_CAST, T_TEXT, column(0, T_INT))));
	made[1].type = T_INT;
	step->exprs = &exprs[1];
	step->nexprs = 1;
	node->aggregates = aggregates;
	node->naggregates = 2;
	step->node = node;
	step = step_over(CONSORT_STEP_SORT, step, step->fields, step->nfields);
	order.expr = call(CONSORT_OP_LOWER, T_TEXT, column(0, T_TEXT));
	order.flags = CONSORT_ORDER_DESCENDING;
	node = node_of(CONSORT_NODE_SORT);
	node->orders = orders;
	node->norders = 1;
	node->limit = literal(I(3));
	step->node = node;
	step = step_over(CONSORT_STEP_LIMIT, step, step->fields, step->nfields);
	step->node = node;
	step = step_over(CONSORT_STEP_PROJECT, step, fields(2, T_TEXT, T_INT), 2);
	exprs[2] = column(0, T_TEXT);
	exprs[3] = call(CONSORT_OP_ADD, T_INT, column(2, T_INT), literal(I(1)));
	step->exprs = &exprs[2];
	step->nexprs = 2;
	return step;
}

static void test_no_memory(void)
{
	const struct consort_step *step = tree();
	enum consort_status status;
	int64_t n;

	TESTING_TEXT(run(step), "CITY8|61 CITY6|61 CITY4|61");
	for (n = 1;; n++) {
		allocations = 0;
		fail_at = n;
		status = run_status(step);
		fail_at = 0;
		if (allocations < n)
			break;
		CU_ASSERT_EQUAL_FATAL(status, CONSORT_ENOMEM);
	}
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	CU_ASSERT_TRUE(n > 100);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"small", test_small}, {"sets", test_sets},
		{"gathered", test_gathered},   {"sloppy", test_sloppy},
		{"forgotten", test_forgotten}, {"to-many", test_to_many},
		{"composite", test_composite}, {"failure", test_failure},
		{"no-memory", test_no_memory}, {NULL, NULL},
	};

	return testing_main("lookup", cases, argc, argv);
}
