/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random queries from a seed, in every placement and beside SQLite; and each predicate p by ternary
 * partitioning: p, not p and p is null are all the records there are. CONSORT_TEST_SEED=N replays a failure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define SEED 7
#define QUERIES 100
#define PATHS 60

/* What is expected: SQLite's word, or else that of the first placement. */
struct known {
	struct random_query q;
	char *lines; /* of the whole query */
	char *all;   /* keys of all records */
};

static uint64_t seed;

static struct consort_query *make_query(struct consort *c, const struct random_query *q, const char *format)
{
	struct consort_query *made = consort_query_new(c, "edge");
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (format) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		consort_buffer_printf(&text, format, q->where.data);
#pragma GCC diagnostic pop
		consort_query_where(made, text.data);
		consort_buffer_clear(&text);
	}
	return made;
}

static char *finish(struct consort_query *q, const struct random_query *of, int sort, struct known *known)
{
	const struct consort_args args = {of->args, of->nargs};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	struct consort_type types[8];
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	char *lines;
	unsigned i;

	if (consort_query_run(q, args, &rows, &error))
		lines = strdup(error.message);
	else
		lines = world_read(rows, 17, &error);
	if (error.status)
		fprintf(stderr, "  %s\n", error.message);
	if (sort)
		world_sort(lines);
	if (known && rows && of->exact) {
		sqlite3 *oracle = world_oracle();

		for (i = 0; i < consort_cursor_columns(rows) && i < 8; i++)
			types[i] = consort_cursor_type(rows, i);
		consort_buffer_printf(&sql, "SELECT %s", of->sql_select.data);
		random_from(of, &sql);
		consort_buffer_printf(&sql, " WHERE %s%s", of->sql.data,
				      of->sql_tail.data ? of->sql_tail.data : "");
		known->lines = world_ask(oracle, sql.data, types, i, 17);
		if (sort)
			world_sort(known->lines);
		sqlite3_close(oracle);
		consort_buffer_clear(&sql);
	} else if (known) {
		known->lines = strdup(lines);
	}
	consort_cursor_close(rows);
	consort_query_free(q);
	return lines;
}

/* The whole query's lines. */
static char *run_whole(struct consort *c, const struct random_query *of, struct known *known)
{
	struct consort_query *q = make_query(c, of, "%s");

	consort_query_select(q, of->select.data);
	if (of->grouped)
		consort_query_group(q, of->group.data);
	else
		consort_query_order(q, of->order.data);
	if (of->limit)
		consort_query_limit(q, of->limit);
	if (of->offset)
		consort_query_offset(q, of->offset);
	return finish(q, of, of->grouped, known);
}

/* Keys of the records for which a form of the predicate is true, unsorted; `format` NULL: of all. */
static char *run_keys(struct consort *c, const struct random_query *of, const char *format)
{
	struct consort_query *q = make_query(c, of, format);
	struct random_query none = *of;
	char select[32] = "id";

	if (of->via >= 0)
		snprintf(select, sizeof(select), "id, by_%s.id", world_pools[of->via].name);
	if (!format)
		none.nargs = 0;
	consort_query_select(q, select);
	return finish(q, &none, 0, NULL);
}

static void check(const char *who, const char *what, const struct random_query *q, const char *lines,
		  const char *expected)
{
	int same = !strcmp(lines, expected);

	if (!same)
		fprintf(stderr,
			"  CONSORT_TEST_SEED=%llu, %s, %s: select %s where %s order %s limit %ld offset %ld\n"
			"  sql: %s\n  has:  %.200s\n  not:  %.200s\n",
			(unsigned long long)seed, who, what, q->select.data, q->where.data,
			q->order.data ? q->order.data : "-", q->limit, q->offset, q->sql.data, lines,
			expected);
	CU_ASSERT_TRUE(same);
}

static const char *const forms[] = {"%s", "not (%s)", "(%s) is null"};

/* p, not p and p is null: together all, and none twice. */
static void check_partition(const char *who, struct consort *c, const struct known *known)
{
	struct consort_buffer all = CONSORT_BUFFER_INIT;
	unsigned i;

	for (i = 0; i < 3; i++) {
		char *keys = run_keys(c, &known->q, forms[i]);

		consort_buffer_text(&all, keys);
		free(keys);
	}
	consort_buffer_text(&all, "");
	world_sort(all.data);
	check(who, "partition", &known->q, all.data, known->all);
	consort_buffer_clear(&all);
}

static size_t count_lines(const char *lines)
{
	size_t count = 0;

	for (; (lines = strchr(lines, '\n')); lines++)
		count++;
	return count;
}

/* The predicate as a column is true as often as it lets a record through. */
static void check_count(const char *who, struct consort *c, const struct known *known)
{
	static const char form[] = "count(*), sum(case when %s then 1 else 0 end)";
	struct consort_buffer select = CONSORT_BUFFER_INIT;
	struct consort_query *q = make_query(c, &known->q, NULL);
	char *through = run_keys(c, &known->q, "%s"), *lines, expected[64];

	consort_buffer_printf(&select, form, known->q.where.data);
	snprintf(expected, sizeof(expected), "%zu|%zu\n", count_lines(known->all), count_lines(through));
	consort_query_select(q, select.data);
	lines = finish(q, &known->q, 0, NULL);
	check(who, "count", &known->q, lines, expected);
	free(lines);
	consort_buffer_clear(&select);
	free(through);
}

static void check_placement(const struct world_placement *placement, int first, struct known *known,
			    size_t count)
{
	struct consort *c = world_open(placement);
	size_t i;

	for (i = 0; i < count; i++) {
		char *lines = run_whole(c, &known[i].q, first ? &known[i] : NULL);

		check(placement->name, "rows", &known[i].q, lines, known[i].lines);
		free(lines);
		if (first) {
			known[i].all = run_keys(c, &known[i].q, NULL);
			world_sort(known[i].all);
		}
		check_partition(placement->name, c, &known[i]);
		check_count(placement->name, c, &known[i]);
	}
	consort_close(c);
}

/* --- parts of documents --- */

struct path {
	char *where, *lines[3]; /* keys, as the first placement has them */
};

static char *run_path(struct consort *c, const char *format, const char *where)
{
	struct consort_query *q = consort_query_new(c, "paper");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_cursor *rows = NULL;
	char *lines;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	consort_buffer_printf(&text, format, where);
#pragma GCC diagnostic pop
	consort_query_select(q, "id");
	consort_query_where(q, text.data);
	lines = consort_query_run(q, CONSORT_NO_ARGS, &rows, &error) ? strdup(error.message)
								     : world_read(rows, 17, &error);
	if (error.status)
		fprintf(stderr, "  %s\n", error.message);
	world_sort(lines);
	consort_cursor_close(rows);
	consort_query_free(q);
	consort_buffer_clear(&text);
	return lines;
}

static void check_paths(const char *who, struct consort *c, struct path *paths)
{
	unsigned i, j;

	for (i = 0; i < PATHS; i++)
		for (j = 0; j < 3; j++) {
			char *lines = run_path(c, forms[j], paths[i].where);
			int same = !paths[i].lines[j] || !strcmp(lines, paths[i].lines[j]);

			if (!same)
				fprintf(stderr,
					"  CONSORT_TEST_SEED=%llu, %s: %s, form %u\n  has: %.200s\n  not: "
					"%.200s\n",
					(unsigned long long)seed, who, paths[i].where, j, lines,
					paths[i].lines[j]);
			CU_ASSERT_TRUE(same);
			if (paths[i].lines[j])
				free(lines);
			else
				paths[i].lines[j] = lines;
		}
}

static void try_paths(const struct world_placement *placements, uint64_t state)
{
	struct path paths[PATHS] = {{NULL, {NULL}}};
	unsigned i;

	for (i = 0; i < PATHS; i++) {
		struct consort_buffer where = CONSORT_BUFFER_INIT;

		random_path(&where, &state, world_below(&state, 3));
		paths[i].where = consort_buffer_steal(&where);
	}
	for (; placements->name; placements++) {
		struct consort *c = world_open(placements);

		check_paths(placements->name, c, paths);
		consort_close(c);
	}
	for (i = 0; i < PATHS; i++) {
		free(paths[i].where);
		free(paths[i].lines[0]);
		free(paths[i].lines[1]);
		free(paths[i].lines[2]);
	}
}

static void try_placements(const struct world_placement *placements, uint64_t state)
{
	struct known *known = calloc(QUERIES, sizeof(*known));
	const struct world_placement *placement;
	size_t i;

	for (i = 0; i < QUERIES; i++)
		random_make(&known[i].q, &state);
	for (placement = placements; placement->name; placement++)
		check_placement(placement, placement == placements, known, QUERIES);
	for (i = 0; i < QUERIES; i++) {
		random_clear(&known[i].q);
		free(known[i].lines);
		free(known[i].all);
	}
	free(known);
}

static void try_world(const struct world_placement *placements, uint64_t otherwise)
{
	uint64_t state = seed = world_seed(otherwise);

	world_make(placements, world_random(&state), WORLD_REAL);
	try_placements(placements, state);
	try_paths(placements, state);
	world_drop(placements);
}

static void test_queries(void)
{
	try_world(world_placements, SEED);
}

static void test_postgres(void)
{
	try_world(world_postgres_placements, SEED + 1);
}

static void test_mongodb(void)
{
	try_world(world_mongodb_placements, SEED + 2);
}

static void test_redis(void)
{
	try_world(world_redis_placements, SEED + 3);
}

static void test_mixed(void)
{
	try_world(world_mixed_placements, SEED + 4);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"queries", test_queries}, {"postgres", test_postgres}, {"mongodb", test_mongodb},
		{"redis", test_redis},	   {"mixed", test_mixed},	{NULL, NULL},
	};

	return testing_main("random-queries", cases, argc, argv);
}
