/* SPDX-License-Identifier: Apache-2.0 */
/* AGGREGATE: groups, every aggregate, and the values on which they go wrong elsewhere. */
#include "exec-source.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>

#define I(value) consort_int64(value)
#define N consort_null()
#define S(value) consort_text(value)
#define F(value) consort_float64(value)

static struct consort_aggregate made[16];

/* aggregates[i]: kind over a column, of a result type */
struct wanted {
	uint32_t kind;
	int column; /* negative: none */
	struct consort_type type;
};

/* Groups by the first ngroups columns. */
static const struct consort_step *aggregate_over(struct source *source, uint32_t ngroups,
						 const struct wanted *wanted, uint32_t count)
{
	const struct consort_field **of = keep(ngroups + count, sizeof(*of));
	struct consort_field *field = keep(count, sizeof(*field));
	const struct consort_aggregate **list = keep(count, sizeof(*list));
	const struct consort_expr **exprs = keep(ngroups + 1, sizeof(*exprs));
	struct consort_node *node = node_of(CONSORT_NODE_AGGREGATE);
	struct consort_step *step;
	uint32_t i;

	for (i = 0; i < ngroups; i++) {
		of[i] = source->fields[i];
		exprs[i] = column(i, source->fields[i]->type);
	}
	for (i = 0; i < count; i++) {
		made[i].struct_size = sizeof(made[i]);
		made[i].kind = wanted[i].kind;
		made[i].type = wanted[i].type;
		made[i].input = wanted[i].column < 0 ? NULL
						     : column((uint32_t)wanted[i].column,
							      source->fields[wanted[i].column]->type);
		list[i] = &made[i];
		field[i].struct_size = sizeof(field[i]);
		field[i].type = wanted[i].type;
		field[i].name = "aggregate";
		of[ngroups + i] = &field[i];
	}
	step = step_over(CONSORT_STEP_AGGREGATE, source_step(source), of, ngroups + count);
	step->exprs = exprs;
	step->nexprs = ngroups;
	node->aggregates = list;
	node->naggregates = count;
	step->node = node;
	return step;
}

/* Every aggregate over column 1, by column 0. */
static const struct consort_step *all_of(struct source *source, uint32_t ngroups, struct consort_type sum,
					 struct consort_type average)
{
	struct consort_type type = source->fields[1]->type;
	const struct wanted wanted[] = {
		{CONSORT_AGGREGATE_COUNT_ALL, -1, T_INT}, {CONSORT_AGGREGATE_COUNT, 1, T_INT},
		{CONSORT_AGGREGATE_SUM, 1, sum}, {CONSORT_AGGREGATE_AVG, 1, average},
		{CONSORT_AGGREGATE_MIN, 1, type}, {CONSORT_AGGREGATE_MAX, 1, type},
		{CONSORT_AGGREGATE_COUNT_DISTINCT, 1, T_INT},
	};

	return aggregate_over(source, ngroups, wanted, 7);
}

/* A table of two columns. */
static struct source *table(struct consort_type a, struct consort_type b, const struct consort_value *rows,
			    int64_t nrows)
{
	static struct source source;

	memset(&source, 0, sizeof(source));
	source.fields = fields(2, a, b);
	source.nfields = 2;
	source.rows = rows;
	source.nrows = nrows;
	source.per_batch = 2;
	return &source;
}

static void test_groups(void)
{
	const struct consort_value rows[] = {S("b"), I(1), S("a"), I(5), N, I(7), S("b"), I(3),
					     S("a"), N, N, I(7), S(""), N};

	TESTING_TEXT(run(all_of(table(T_TEXT, T_INT, rows, 7), 1, T_INT, T_FLOAT)),
		     "b|2|2|4|2.0|1|3|2 a|2|1|5|5.0|5|5|1 NULL|2|2|14|7.0|7|7|1 |1|0|NULL|NULL|NULL|NULL|0");
	/* no groups: one row */
	TESTING_TEXT(run(all_of(table(T_TEXT, T_INT, rows, 7), 0, T_INT, T_FLOAT)), "7|5|23|4.6|1|7|4");
	TESTING_TEXT(run(all_of(table(T_TEXT, T_INT, rows, 0), 0, T_INT, T_FLOAT)),
		     "0|0|NULL|NULL|NULL|NULL|0");
	TESTING_TEXT(run(all_of(table(T_TEXT, T_INT, rows, 0), 1, T_INT, T_FLOAT)), "");
	/* groups without aggregates */
	TESTING_TEXT(run(aggregate_over(table(T_TEXT, T_INT, rows, 7), 1, NULL, 0)), "b a NULL ");
	TESTING_TEXT(run(aggregate_over(table(T_TEXT, T_INT, rows, 7), 2, NULL, 0)),
		     "b|1 a|5 NULL|7 b|3 a|NULL |NULL");
}

static void test_floats(void)
{
	const struct consort_value rows[] = {F(-0.0), F(0.0), F(NAN), F(-0.0), F(0.0), F(-0.0),
					     F(-NAN), F(NAN), F(1), F(-INFINITY), F(1), F(2)};

	TESTING_TEXT(run(all_of(table(T_FLOAT, T_FLOAT, rows, 6), 1, T_FLOAT, T_FLOAT)),
		     "0.0|2|2|0.0|0.0|0.0|0.0|1 nan|2|2|nan|nan|-0.0|nan|2 1.0|2|2|-inf|-inf|-inf|2.0|2");
}

static char *negated(const char *number)
{
	char *text = malloc(strlen(number) + 2);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	text[0] = '-';
	return strcpy(text + 1, number) - 1;
}

static void test_sums(void)
{
	const struct consort_value large[] = {I(1), I(INT64_MAX), I(1), I(INT64_MAX), I(1), I(-INT64_MAX)};
	const struct consort_value decimals[] = {I(1), decimal("1.25"), I(1), decimal("2.50"),
						 I(1), decimal("-0.01"), I(2), N};
	const char *nines = "999999999999999999999999999999999999.99", *minus = testing_keep(negated(nines));
	const struct consort_value many[] = {I(1), decimal(nines), I(1), decimal("0.01")};
	const struct consort_value around[] = {I(1), decimal(nines),    I(1), decimal(nines), I(1),
					       decimal("0.07"),  I(1), decimal(minus), I(1), decimal(minus)};
	const char *most = "-99999999999999999999999999999999.999999";
	const struct consort_value largest[] = {I(1), decimal(most),       I(1), decimal(most),
						I(2), decimal("0.000000"), I(2), decimal("0.999999")};
	struct consort_type cents = consort_type_decimal(38, 2), finer = consort_type_decimal(38, 6),
			    millionths = finer;
	const struct wanted average = {CONSORT_AGGREGATE_AVG, 1, finer};

	/* more than int64 on the way, not in the end */
	TESTING_TEXT(
		run(all_of(table(T_INT, T_INT, large, 3), 1, T_INT, T_FLOAT)),
		"1|3|3|9223372036854775807|3.0744573456182584e18|-9223372036854775807|9223372036854775807|2");
	TESTING_CONTAINS(run(all_of(table(T_INT, T_INT, large, 2), 1, T_INT, T_FLOAT)), "integer overflow");
	TESTING_TEXT(run(all_of(table(T_INT, cents, decimals, 4), 1, cents, finer)),
		     "1|3|3|3.74|1.246667|-0.01|2.50|3 2|1|0|NULL|NULL|NULL|NULL|0");
	TESTING_CONTAINS(run(all_of(table(T_INT, cents, many, 2), 1, cents, finer)), "38 digits");
	/* nor do 38 digits have to do on the way, in whichever order the values come */
	TESTING_TEXT(run(all_of(table(T_INT, cents, around, 5), 1, cents, finer)),
		     "1|5|5|0.07|0.014000|-999999999999999999999999999999999999.99|"
		     "999999999999999999999999999999999999.99|3");
	TESTING_CONTAINS(run(all_of(table(T_INT, cents, around, 4), 1, cents, finer)), "38 digits");
	/* an average that has fewer digits than the sum */
	TESTING_TEXT(run(aggregate_over(table(T_INT, millionths, largest, 4), 1, &average, 1)),
		     "1|-99999999999999999999999999999999.999999 2|0.500000");
	/* an average with fewer digits than its input is rounded */
	TESTING_TEXT(run(all_of(table(T_INT, cents, decimals, 3), 0, cents, consort_type_decimal(38, 0))),
		     "3|3|3.74|1|-0.01|2.50|3");
}

static void test_least(void)
{
	const struct consort_value rows[] = {I(1), S("m"),
					     I(1), S("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"),
					     I(1), S(""),
					     I(2), S("é"),
					     I(2), S("z"),
					     I(1), S("A"),
					     I(3), N};
	const struct wanted wanted[] = {{CONSORT_AGGREGATE_MIN, 1, T_TEXT},
					{CONSORT_AGGREGATE_MAX, 1, T_TEXT},
					{CONSORT_AGGREGATE_COUNT_DISTINCT, 1, T_INT}};
	const struct wanted sum = {CONSORT_AGGREGATE_SUM, 1, T_TEXT};

	TESTING_TEXT(run(aggregate_over(table(T_INT, T_TEXT, rows, 7), 1, wanted, 3)),
		     "1||zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz|4 2|z|é|2 3|NULL|NULL|0");
	TESTING_CONTAINS(run(aggregate_over(table(T_INT, T_TEXT, rows, 7), 1, &sum, 1)), "no sum of");
}

/* More groups than a batch holds, in the order in which they came. */
static void test_many(void)
{
	static struct consort_value rows[20000 * 2];
	const struct wanted wanted[] = {{CONSORT_AGGREGATE_SUM, 1, T_INT},
					{CONSORT_AGGREGATE_COUNT_DISTINCT, 1, T_INT}};
	struct source *source = table(T_INT, T_INT, rows, 20000);
	const char *text, *at;
	int64_t i;

	for (i = 0; i < 20000; i++) {
		rows[i * 2] = I(i % 5000 * 7);
		rows[i * 2 + 1] = I(i / 10000);
	}
	source->per_batch = 0;
	text = run(aggregate_over(source, 1, wanted, 2));
	for (i = 0, at = text; i < 5000; i++) {
		char expected[32];
		int size = snprintf(expected, sizeof(expected), "%d|2|2%s", (int)i * 7, i < 4999 ? " " : "");

		CU_ASSERT_EQUAL_FATAL(strncmp(at, expected, (size_t)size), 0);
		at += size;
	}
	CU_ASSERT_EQUAL(*at, '\0');
	run_exec.memory_limit = 100000;
	CU_ASSERT_EQUAL(run_status(aggregate_over(source, 1, wanted, 2)), CONSORT_ENOMEM);
}

static void test_keys(void)
{
	struct consort_value one[] = {S("a"), S("b")}, two[] = {S("ab"), S("")}, list = N;
	struct consort_value rows[8];
	uint8_t uuid[16] = {1};

	/* what is next to each other must not run together */
	rows[0] = one[0], rows[1] = one[1], rows[2] = two[0], rows[3] = two[1];
	TESTING_TEXT(run(aggregate_over(table(T_TEXT, T_TEXT, rows, 2), 2, NULL, 0)), "a|b ab|");
	list.type = list_of(CONSORT_TYPE_TEXT);
	list.as.list.items = one;
	list.as.list.count = 2;
	rows[0] = list, rows[1] = consort_uuid(uuid), rows[2] = list, rows[3] = consort_uuid(uuid);
	rows[4] = list, rows[5] = N;
	list.as.list.count = 1;
	rows[6] = list, rows[7] = N;
	TESTING_TEXT(run(aggregate_over(table(list.type, consort_type_of(CONSORT_TYPE_UUID), rows, 4), 2,
					NULL, 0)),
		     "[\"a\",\"b\"]|01000000-0000-0000-0000-000000000000 [\"a\",\"b\"]|NULL [\"a\"]|NULL");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"groups", test_groups}, {"floats", test_floats}, {"sums", test_sums}, {"least", test_least},
		{"many", test_many}, {"keys", test_keys}, {NULL, NULL},
	};

	return testing_main("aggregate", cases, argc, argv);
}
