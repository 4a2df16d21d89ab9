/* SPDX-License-Identifier: Apache-2.0 */
/* The same queries over the same data in every placement, and beside SQLite's own answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shapes.h"
#include "world.h"

#define MOST_ARGS 4
#define MOST_COLUMNS 16
#define SEED 20260101

/* What the placements before gave. */
struct known {
	char *lines;
	struct consort_type types[MOST_COLUMNS];
	unsigned ntypes;
};

static struct consort_args parse_args(const char *text, char *copy, size_t size, struct consort_value *values)
{
	struct consort_args args = {values, 0};
	char *at = copy, *save = NULL;

	if (!text)
		return args;
	snprintf(copy, size, "%s", text);
	for (at = strtok_r(copy, "|", &save); at; at = strtok_r(NULL, "|", &save)) {
		struct consort_value value = consort_null();

		if (*at == 'i')
			value = consort_int64(strtoll(at + 2, NULL, 10));
		else if (*at == 'f')
			value = consort_float64(strtod(at + 2, NULL));
		else if (*at == 't')
			value = consort_text(at + 2);
		values[args.count++] = value;
	}
	return args;
}

static struct consort_query *make_query(struct consort *c, const struct shape *shape)
{
	struct consort_query *q = consort_query_new(c, shape->resource);
	struct consort_value values[MOST_ARGS];
	char copy[256];

	if (shape->select)
		consort_query_select(q, shape->select);
	if (shape->where)
		consort_query_where(q, shape->where);
	if (shape->group)
		consort_query_group(q, shape->group);
	if (shape->having)
		consort_query_having(q, shape->having);
	if (shape->order)
		consort_query_order(q, shape->order);
	if (shape->limit)
		consort_query_limit(q, shape->limit);
	if (shape->offset)
		consort_query_offset(q, shape->offset);
	if (shape->after)
		consort_query_after(q, parse_args(shape->after, copy, sizeof(copy), values));
	return q;
}

/* The query's lines, sorted unless their sequence counts, and its columns' types. */
static void answer(struct consort *c, const struct shape *shape, struct known *out)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = make_query(c, shape);
	struct consort_cursor *rows = NULL;
	struct consort_value values[MOST_ARGS];
	char copy[256];

	out->ntypes = 0;
	if (consort_query_run(q, parse_args(shape->args, copy, sizeof(copy), values), &rows, &error)) {
		snprintf(copy, sizeof(copy), "status %u", error.status);
		out->lines = strdup(copy);
	} else {
		out->ntypes = consort_cursor_columns(rows);
		for (unsigned i = 0; i < out->ntypes; i++)
			out->types[i] = consort_cursor_type(rows, i);
		out->lines = world_read(rows, shape->flags & SHAPE_ROUNDED ? 12 : 17, &error);
	}
	if (!(shape->flags & SHAPE_FAILS) && error.status)
		fprintf(stderr, "  %s\n", error.message);
	if (!(shape->flags & SHAPE_ORDERED))
		world_sort(out->lines);
	consort_cursor_close(rows);
	consort_query_free(q);
}

/* The first line in which two results differ. */
static void tell_difference(const char *a, const char *b)
{
	while (*a && *a == *b) {
		const char *line = strchr(a, '\n');
		size_t size = line ? (size_t)(line - a) + 1 : strlen(a);

		if (strncmp(a, b, size))
			break;
		a += size;
		b += size;
	}
	fprintf(stderr, "    is:     %.*s\n    was:    %.*s\n", (int)strcspn(a, "\n"), a,
		(int)strcspn(b, "\n"), b);
}

static void check(const char *who, const struct shape *shape, const char *lines, const char *expected)
{
	int same = !strcmp(lines, expected);

	if (!same) {
		fprintf(stderr, "  %s: select %s from %s where %s order %s\n", who,
			shape->select ? shape->select : "*", shape->resource,
			shape->where ? shape->where : "-", shape->order ? shape->order : "-");
		tell_difference(lines, expected);
	}
	CU_ASSERT_TRUE(same);
}

static void ask_oracle(sqlite3 *oracle, const struct shape *shape, const struct known *known)
{
	int digits = shape->flags & SHAPE_ROUNDED ? 12 : 17;
	char *lines = world_ask(oracle, shape->sql, known->types, known->ntypes, digits);

	if (!(shape->flags & SHAPE_ORDERED))
		world_sort(lines);
	check("oracle", shape, known->lines, lines);
	free(lines);
}

/* All shapes in each placement; the first one's answers are what the others' have to be. */
static void try_placements(const struct world_placement *placements)
{
	const struct world_placement *placement;
	struct known *known;
	sqlite3 *oracle;
	size_t count = 0, i;

	while (shapes[count].resource)
		count++;
	known = calloc(count, sizeof(*known));
	oracle = world_oracle();
	for (placement = placements; placement->name; placement++) {
		struct consort *c = world_open(placement);

		for (i = 0; i < count; i++) {
			struct known given = {0};

			answer(c, &shapes[i], &given);
			if (placement == placements) {
				known[i] = given;
				CU_ASSERT_EQUAL(!strncmp(given.lines, "status", 6),
						(shapes[i].flags & SHAPE_FAILS) != 0);
				if (shapes[i].sql)
					ask_oracle(oracle, &shapes[i], &given);
				continue;
			}
			check(placement->name, &shapes[i], given.lines, known[i].lines);
			free(given.lines);
		}
		consort_close(c);
	}
	for (i = 0; i < count; i++)
		free(known[i].lines);
	free(known);
	sqlite3_close(oracle);
}

static void try_world(const struct world_placement *placements)
{
	world_make(placements, world_seed(SEED), 0);
	try_placements(placements);
	world_drop(placements);
}

static void test_placements(void)
{
	try_world(world_placements);
}

static void test_postgres(void)
{
	try_world(world_postgres_placements);
}

static void test_mongodb(void)
{
	try_world(world_mongodb_placements);
}

static void test_redis(void)
{
	try_world(world_redis_placements);
}

static void test_mixed(void)
{
	try_world(world_mixed_placements);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"placements", test_placements}, {"postgres", test_postgres}, {"mongodb", test_mongodb},
		{"redis", test_redis},		 {"mixed", test_mixed},	      {NULL, NULL},
	};

	return testing_main("differential", cases, argc, argv);
}
