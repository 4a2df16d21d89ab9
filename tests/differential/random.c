/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates, grown from a seed. Every choice is written to both texts at once. */
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/arena.h>
#include <consort/convert.h>

struct maker {
	struct random_query *q;
	uint64_t *seed;
};

static const char *const comparisons[][2] = {
	{"=", "="},
	{"<>", "<>"},
	{"<", "<"},
	{"<=", "<="},
	{">", ">"},
	{">=", ">="},
	{"is distinct from", "IS NOT"},
	{"is not distinct from", "IS"},
};

static void predicate(struct maker *maker, unsigned depth);

static unsigned below(struct maker *maker, unsigned limit)
{
	return world_below(maker->seed, limit);
}

/* The same to both. */
static void both(struct maker *maker, const char *text)
{
	consort_buffer_text(&maker->q->where, text);
	consort_buffer_text(&maker->q->sql, text);
}

static void each(struct maker *maker, const char *ours, const char *theirs)
{
	consort_buffer_text(&maker->q->where, ours);
	consort_buffer_text(&maker->q->sql, theirs);
}

/* --- values --- */

static void column(struct maker *maker, unsigned column)
{
	const char *name = world_pools[column].name;

	if (maker->q->via >= 0 && !below(maker, 3)) {
		consort_buffer_printf(&maker->q->where, "by_%s.%s", world_pools[maker->q->via].name, name);
		consort_buffer_printf(&maker->q->sql, "o.%s", name);
	} else {
		consort_buffer_text(&maker->q->where, name);
		consort_buffer_printf(&maker->q->sql, "e.%s", name);
	}
}

static void literal(struct consort_buffer *out, unsigned column, const struct world_value *value)
{
	const char *text = value->text ? value->text : "null";

	if (!value->text || column == WORLD_B)
		consort_buffer_text(out, text);
	else if (column == WORLD_I || column == WORLD_D)
		consort_buffer_text(out, text);
	else if (column == WORLD_F && !strchr("i-", text[0]))
		consort_buffer_text(out, text);
	else {
		consort_buffer_quoted(out, text, strlen(text), '\'');
		consort_buffer_text(out, column == WORLD_F ? "::float64" : "");
	}
}

static void parameter(struct maker *maker, unsigned column, const struct world_value *value)
{
	struct random_query *q = maker->q;
	static struct consort_arena arena; /* of byte strings, until the case ends */
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_type type;

	if (value->text && (consort_type_parse(world_pools[column].type, &type, &error) ||
			    consort_value_parse(type, value->text, strlen(value->text), &arena,
						&q->args[q->nargs], &error))) {
		fprintf(stderr, "%s: %s\n", value->text, error.message);
		abort();
	}
	if (!value->text)
		q->args[q->nargs] = consort_null();
	consort_buffer_printf(&q->where, "$%u", ++q->nargs);
}

/* A seeded value of that column's type: as a literal or as a parameter. */
static void constant(struct maker *maker, unsigned column, int may_be_null)
{
	const struct world_pool *pool = &world_pools[column];
	unsigned at = may_be_null && !below(maker, 12) ? 0 : 1 + below(maker, pool->count - 1);
	const struct world_value *value = &pool->values[at];

	if (maker->q->nargs < RANDOM_MOST_ARGS && !below(maker, 3))
		parameter(maker, column, value);
	else
		literal(&maker->q->where, column, value);
	consort_buffer_text(&maker->q->sql, value->sql);
}

/* --- tests --- */

static void compare(struct maker *maker)
{
	unsigned which = below(maker, WORLD_COLUMNS), how = below(maker, 8);

	if (which == WORLD_D && how >= 2 && how <= 5)
		maker->q->exact = 0;
	column(maker, which);
	both(maker, " ");
	each(maker, comparisons[how][0], comparisons[how][1]);
	both(maker, " ");
	if (!below(maker, 4))
		column(maker, which);
	else
		constant(maker, which, 1);
}

/* Integers and doubles meet. */
static void compare_numbers(struct maker *maker)
{
	unsigned how = below(maker, 8), first = below(maker, 2) ? WORLD_I : WORLD_F;

	column(maker, first);
	both(maker, " ");
	each(maker, comparisons[how][0], comparisons[how][1]);
	both(maker, " ");
	column(maker, first == WORLD_I ? WORLD_F : WORLD_I);
}

static void among(struct maker *maker)
{
	unsigned which = below(maker, WORLD_COLUMNS), count = 1 + below(maker, 4), i;

	column(maker, which);
	both(maker, below(maker, 3) ? " IN (" : " NOT IN (");
	for (i = 0; i < count; i++) {
		both(maker, i ? ", " : "");
		constant(maker, which, 1);
	}
	both(maker, ")");
}

static void between(struct maker *maker)
{
	unsigned which = below(maker, WORLD_COLUMNS);

	if (which == WORLD_D)
		maker->q->exact = 0;
	column(maker, which);
	both(maker, below(maker, 3) ? " BETWEEN " : " NOT BETWEEN ");
	constant(maker, which, 1);
	both(maker, " AND ");
	constant(maker, which, 0);
}

static void like(struct maker *maker)
{
	static const char *const patterns[] = {
		"%",   "_",   "a%", "%a",	  "%a%", "_a",	"a_",	"",   "\\%", "%\\_%", "a\\\\b",
		"%*%", "%[%", "A_", "%\xc3\xa9%", "__",	 "_%_", "%\"%", "% ", "1._", "a%b",
	};
	const char *pattern = patterns[below(maker, sizeof(patterns) / sizeof(*patterns))];

	column(maker, WORLD_S);
	both(maker, below(maker, 4) ? " LIKE '" : " NOT LIKE '");
	both(maker, pattern);
	each(maker, "'", "' ESCAPE '\\'");
}

static void function(struct maker *maker)
{
	char number[16];

	switch (below(maker, 4)) {
	case 0:
		both(maker, "length(");
		column(maker, WORLD_S);
		both(maker, below(maker, 2) ? ") > " : ") = ");
		snprintf(number, sizeof(number), "%u", below(maker, 4));
		both(maker, number);
		break;
	case 1:
		both(maker, "coalesce(");
		column(maker, WORLD_S);
		both(maker, ", 'a') = ");
		constant(maker, WORLD_S, 0);
		break;
	case 2:
		both(maker, "nullif(");
		column(maker, WORLD_I);
		both(maker, ", ");
		constant(maker, WORLD_I, 0);
		both(maker, ") IS NULL");
		break;
	default:
		column(maker, WORLD_S);
		both(maker, " || 'a' > ");
		constant(maker, WORLD_S, 0);
	}
}

static void test(struct maker *maker)
{
	switch (below(maker, 9)) {
	case 0:
	case 1:
	case 2:
		compare(maker);
		break;
	case 3:
		compare_numbers(maker);
		break;
	case 4:
		among(maker);
		break;
	case 5:
		between(maker);
		break;
	case 6:
		like(maker);
		break;
	case 7:
		function(maker);
		break;
	default:
		column(maker, below(maker, WORLD_COLUMNS));
		both(maker, below(maker, 2) ? " IS NULL" : " IS NOT NULL");
	}
}

/* --- logic --- */

static void nested(struct maker *maker, const char *before, unsigned depth, const char *behind)
{
	both(maker, before);
	predicate(maker, depth);
	both(maker, behind);
}

static void predicate(struct maker *maker, unsigned depth)
{
	if (!depth || !below(maker, 5)) {
		if (below(maker, 12))
			test(maker);
		else
			column(maker, WORLD_B);
		return;
	}
	depth--;
	switch (below(maker, 10)) {
	case 0:
	case 1:
	case 2:
		nested(maker, "(", depth, ") AND (");
		nested(maker, "", depth, ")");
		break;
	case 3:
	case 4:
	case 5:
		nested(maker, "(", depth, ") OR (");
		nested(maker, "", depth, ")");
		break;
	case 6:
		nested(maker, "NOT (", depth, ")");
		break;
	case 7:
		nested(maker, "(", depth, below(maker, 2) ? ") IS TRUE" : ") IS NOT FALSE");
		break;
	case 8:
		nested(maker, "CASE WHEN ", depth, " THEN ");
		nested(maker, "", depth, " ELSE ");
		nested(maker, "", depth, " END");
		break;
	default:
		nested(maker, "(", depth, below(maker, 2) ? ") = (" : ") <> (");
		nested(maker, "", depth, ")");
	}
}

/* --- what stands around it --- */

static void add_order(struct maker *maker, unsigned column, int *first)
{
	const char *name = world_pools[column].name;
	struct random_query *q = maker->q;
	int descending = below(maker, 2) != 0, nulls_first = below(maker, 2) != 0;

	if (column == WORLD_D)
		return;
	consort_buffer_printf(&q->order, "%s%s %s nulls %s", *first ? "" : ", ", name,
			      descending ? "desc" : "asc", nulls_first ? "first" : "last");
	consort_buffer_printf(&q->sql_tail, "%se.%s %s NULLS %s", *first ? " ORDER BY " : ", ", name,
			      descending ? "DESC" : "ASC", nulls_first ? "FIRST" : "LAST");
	*first = 0;
}

/* Rows in a total order, perhaps only some of them. */
static void ordered(struct maker *maker)
{
	struct random_query *q = maker->q;
	unsigned count = below(maker, 3), i;
	int first = 1;

	consort_buffer_text(&q->select, "id");
	consort_buffer_text(&q->sql_select, "e.id");
	for (i = 0; i < count; i++)
		add_order(maker, below(maker, WORLD_COLUMNS), &first);
	consort_buffer_printf(&q->order, "%sid", first ? "" : ", ");
	consort_buffer_printf(&q->sql_tail, "%se.id", first ? " ORDER BY " : ", ");
	if (q->via >= 0) {
		consort_buffer_printf(&q->select, ", by_%s.id", world_pools[q->via].name);
		consort_buffer_printf(&q->order, ", by_%s.id", world_pools[q->via].name);
		consort_buffer_text(&q->sql_select, ", o.id");
		consort_buffer_text(&q->sql_tail, ", o.id NULLS LAST");
	}
	q->limit = below(maker, 2) ? 1 + (long)below(maker, 60) : 0;
	q->offset = below(maker, 3) ? 0 : 1 + (long)below(maker, 30);
	if (q->limit || q->offset)
		consort_buffer_printf(&q->sql_tail, " LIMIT %ld OFFSET %ld", q->limit ? q->limit : -1,
				      q->offset);
}

static void grouped(struct maker *maker)
{
	static const unsigned counted[] = {WORLD_I, WORLD_F, WORLD_S, WORLD_AT, WORLD_DAY, WORLD_TM, WORLD_U};
	struct random_query *q = maker->q;
	const char *by = world_pools[below(maker, WORLD_COLUMNS)].name;
	const char *of = world_pools[counted[below(maker, 7)]].name;

	q->grouped = 1;
	consort_buffer_printf(&q->select, "%s, count(*), count(%s), min(%s), max(%s), count(distinct %s)", by,
			      of, of, of, of);
	consort_buffer_printf(&q->sql_select,
			      "e.%s, count(*), count(e.%s), min(e.%s), max(e.%s), count(DISTINCT e.%s)", by,
			      of, of, of, of);
	consort_buffer_text(&q->group, by);
	consort_buffer_printf(&q->sql_tail, " GROUP BY e.%s", by);
}

void random_make(struct random_query *q, uint64_t *seed)
{
	struct maker maker = {q, seed};

	memset(q, 0, sizeof(*q));
	q->exact = 1;
	/* a join by few different values has many rows */
	q->via = below(&maker, 4) ? -1 : (int)below(&maker, WORLD_DAY);
	predicate(&maker, 1 + below(&maker, 3));
	if (!strstr(q->where.data, "by_")) /* what is not followed is not joined */
		q->via = -1;
	if (below(&maker, 3))
		ordered(&maker);
	else
		grouped(&maker);
}

void random_clear(struct random_query *q)
{
	consort_buffer_clear(&q->where);
	consort_buffer_clear(&q->sql);
	consort_buffer_clear(&q->select);
	consort_buffer_clear(&q->group);
	consort_buffer_clear(&q->order);
	consort_buffer_clear(&q->sql_select);
	consort_buffer_clear(&q->sql_tail);
}

void random_from(const struct random_query *q, struct consort_buffer *sql)
{
	consort_buffer_text(sql, " FROM edge e");
	if (q->via >= 0)
		consort_buffer_printf(sql, " LEFT JOIN other o ON e.%s = o.%s", world_pools[q->via].name,
				      world_pools[q->via].name);
}
