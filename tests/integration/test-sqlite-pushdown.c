/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SQLite adapter takes must mean what the core means. Random conditions over a table of hard values
 * are offered: one that is taken exactly must find the very rows that the core's own evaluation finds, one
 * that is taken loosely at least those. A failing seed is printed; CONSORT_TEST_SEED runs that one alone.
 */
#include "sqlite-adapter.h"

#include <stdio.h>
#include <stdlib.h>

#define CONDITIONS 4000

static uint64_t state;

static uint32_t pick(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % limit);
}

#define ANY(list) (list)[pick(sizeof(list) / sizeof(*(list)))]

/* --- the table --- */

static const char *const integers[] = {
	"NULL",
	"0",
	"1",
	"-1",
	"2",
	"5",
	"9007199254740992",
	"9007199254740993",
	"-9007199254740993",
	"9223372036854775807",
	"-9223372036854775808",
	"42",
};
static const char *const doubles[] = {
	"NULL",
	"0.0",
	"-0.0",
	"1.0",
	"0.1",
	"-2.5",
	"9007199254740992.0",
	"9e999",
	"-9e999",
	"1e-320",
	"42.0",
	"9223372036854775807.0",
};
static const char *const texts[] = {
	"NULL",
	"''",
	"'a'",
	"'A'",
	"'a '",
	"'ab'",
	"'a%b'",
	"'a_b'",
	"'é'",
	"'É'",
	"'\xf0\x9f\x98\x80'",
	"'[a]'",
	"'*'",
	"'?'",
	"'a\\b'",
	"'z'",
	"'it''s'",
	"'123'",
	"'a]b'",
};
static const char *const dates[] = {"NULL",	    "'1999-12-31'", "'2024-02-29'",
				    "'0001-01-01'", "'9999-12-31'", "'1970-01-01'"};
static const char *const moments[] = {
	"NULL",
	"'2024-02-29 12:00:00'",
	"'2024-02-29T12:00:00.5Z'",
	"'2024-02-29 23:30:00-01:00'",
	"'2024-03-01 00:15:00+02:00'",
	"'1969-12-31 23:59:59.999999'",
	"'0000-01-01 00:00:00+01:00'",
	"'9999-12-31 23:59:59'",
};
static const char *const seconds[] = {"NULL", "0", "-1", "1709208000", "1709208001", "253402300799"};
static const char *const micros[] = {"NULL", "0", "-1", "1709208000000000", "1709208000500000"};
static const char *const uuids[] = {
	"NULL",
	"'00000000-0000-0000-0000-000000000000'",
	"'ffffffff-ffff-ffff-ffff-ffffffffffff'",
	"'550e8400-e29b-41d4-a716-446655440000'",
};
static const char *const uuid_blobs[] = {
	"NULL",
	"x'00000000000000000000000000000000'",
	"x'ffffffffffffffffffffffffffffffff'",
	"x'550e8400e29b41d4a716446655440000'",
};
static const char *const blobs[] = {"NULL", "x''", "x'00'", "x'ff'", "x'6162'", "x'610062'"};
static const char *const bools[] = {"NULL", "0", "1"};
static const char *const decimals[] = {"NULL", "'1.50'", "'-0.01'", "'12345678901234567890.12'"};

static void fill(struct consort_buffer *sql, const char *table, bool strict)
{
	int row;

	consort_buffer_printf(
		sql,
		strict ? "CREATE TABLE %s(id INTEGER PRIMARY KEY, i INTEGER, j INTEGER, f REAL, g REAL,"
			 " t TEXT, v TEXT, n TEXT COLLATE NOCASE, b INTEGER, d TEXT, m TEXT, s INTEGER,"
			 " us INTEGER, u TEXT, ub BLOB, raw BLOB, p TEXT) STRICT;"
		       : "CREATE TABLE %s(id INTEGER PRIMARY KEY, i INTEGER, j BIGINT, f REAL, g DOUBLE,"
			 " t TEXT, v VARCHAR(20), n TEXT COLLATE NOCASE, b BOOLEAN, d DATE, m DATETIME,"
			 " s INTEGER, us INTEGER, u UUID, ub BLOB, raw BLOB, p TEXT);"
			 "CREATE INDEX flex_i ON flex(i); CREATE INDEX flex_t ON flex(t);"
			 "CREATE INDEX flex_n ON flex(n); CREATE INDEX flex_m ON flex(m);"
			 "CREATE INDEX flex_f ON flex(f); CREATE INDEX flex_d ON flex(d);",
		table);
	for (row = 0; row < 60; row++)
		consort_buffer_printf(sql,
				      "INSERT INTO %s(i,j,f,g,t,v,n,b,d,m,s,us,u,ub,raw,p)"
				      " VALUES(%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s);",
				      table, ANY(integers), ANY(integers), ANY(doubles), ANY(doubles),
				      ANY(texts), ANY(texts), ANY(texts), ANY(bools), ANY(dates),
				      ANY(moments), ANY(seconds), ANY(micros), ANY(uuids), ANY(uuid_blobs),
				      ANY(blobs), ANY(decimals));
}

/* --- conditions --- */

struct group {
	const char *columns[4];
	const char *literals[10];
};

static const struct group groups[] = {
	{{"i", "j", "i", "id"},
	 {"0", "1", "-1", "5", "9007199254740993", "9223372036854775807", "42", "2.5", "null",
	  "9007199254740992.0"}},
	{{"f", "g", "f", "i"},
	 {"0.0", "1.0", "0.1", "-2.5", "9007199254740992.0", "42", "1e300", "-1e300", "null",
	  "9007199254740993"}},
	{{"t", "v", "n", "t"},
	 {"'a'", "'A'", "'a '", "''", "'é'", "'AB'", "'z'", "'it''s'", "null", "'123'"}},
	{{"d", "d", "d", "d"},
	 {"date '1999-12-31'", "date '2024-02-29'", "date '2024-03-01'", "date '9999-12-31'", "null",
	  "date '0001-01-01'", "date '1970-01-01'", "date '1969-12-31'", "date '+12000-01-01'",
	  "date '-0100-01-01'"}},
	{{"m", "m", "m", "m"},
	 {"timestamp '2024-02-29 12:00:00'", "timestamp '2024-02-29 22:15:00'",
	  "timestamp '2024-03-01 00:30:00'", "timestamp '1970-01-01 00:00:00'", "null",
	  "timestamp '9999-12-31 23:59:59'", "timestamp '0001-01-01 00:00:00'",
	  "timestamp '+20000-01-01 00:00:00'", "timestamp '2024-02-29 12:00:00.5'",
	  "timestamp '-0001-01-01 00:00:00'"}},
	{{"s", "s", "us", "s"},
	 {"timestamp '2024-02-29 12:00:00'", "timestamp '2024-02-29 12:00:00.5'",
	  "timestamp '2024-02-29 12:00:01'", "timestamp '1970-01-01 00:00:00'",
	  "timestamp '1969-12-31 23:59:59'", "timestamp '1969-12-31 23:59:59.999999'", "null",
	  "timestamp '9999-12-31 23:59:59'", "timestamp '+20000-01-01 00:00:00'",
	  "timestamp '1970-01-01 00:00:00.000001'"}},
	{{"u", "ub", "u", "ub"},
	 {"uuid '550e8400-e29b-41d4-a716-446655440000'", "uuid '00000000-0000-0000-0000-000000000000'",
	  "uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "uuid '550e8400-e29b-41d4-a716-446655440001'",
	  "null", "null", "uuid '7fffffff-ffff-ffff-ffff-ffffffffffff'",
	  "uuid '550E8400-E29B-41D4-A716-446655440000'", "null", "null"}},
	{{"p", "p", "p", "p"},
	 {"1.5", "1.50", "0", "-0.01", "null", "12345678901234567890.12", "2", "3", "4", "5"}},
};

static const char *const patterns[] = {
	"'a%'", "'%a%'", "'_'", "'a_b'", "'a\\%b'", "'a\\_b'", "'%\\\\%'",	     "''",
	"'%'",	"'[a]'", "'*'", "'?'",	 "'A%'",    "'__'",    "'\xf0\x9f\x98\x80'", "'%]%'",
};

static void condition(struct consort_buffer *out, int depth);

static void comparison(struct consort_buffer *out)
{
	static const char *const operators[] = {
		"=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from",
	};
	const struct group *group = &ANY(groups);
	const char *column = ANY(group->columns);

	switch (pick(8)) {
	case 0:
		consort_buffer_printf(out, "%s %s %s", column, ANY(operators), ANY(group->columns));
		break;
	case 1:
		consort_buffer_printf(out, "%s %s %s", ANY(group->literals), ANY(operators), column);
		break;
	case 2:
		consort_buffer_printf(out, "%s %sin (%s, %s, %s)", column, pick(2) ? "not " : "",
				      ANY(group->literals), ANY(group->literals), ANY(group->literals));
		break;
	case 3:
		consort_buffer_printf(out, "%s %sbetween %s and %s", column, pick(2) ? "not " : "",
				      ANY(group->literals), ANY(group->literals));
		break;
	default:
		consort_buffer_printf(out, "%s %s %s", column, ANY(operators), ANY(group->literals));
	}
}

static void text_condition(struct consort_buffer *out)
{
	static const char *const columns[] = {"t", "v", "n"};
	static const char *const operators[] = {"=", "<>", "<", ">="};

	switch (pick(6)) {
	case 0:
		consort_buffer_printf(out, "length(%s) %s %u", ANY(columns), ANY(operators), pick(4));
		break;
	case 1:
		consort_buffer_printf(out, "%s || %s %s 'aa'", ANY(columns), ANY(columns), ANY(operators));
		break;
	case 2:
		consort_buffer_printf(out, "coalesce(%s, %s, 'a') %s %s", ANY(columns), ANY(columns),
				      ANY(operators), ANY(columns));
		break;
	case 3:
		consort_buffer_printf(out, "i::text %s '42'", ANY(operators));
		break;
	default:
		consort_buffer_printf(out, "%s %slike %s", ANY(columns), pick(2) ? "not " : "",
				      ANY(patterns));
	}
}

static void other_condition(struct consort_buffer *out, int depth)
{
	static const char *const columns[] = {"i", "f", "t", "b", "d", "m", "u", "p", "raw"};
	static const char *const tests[] = {
		"b", "not b", "b is true", "b is false", "b is not true", "b = true", "b is null"};

	switch (pick(4)) {
	case 0:
		consort_buffer_printf(out, "%s is %snull", ANY(columns), pick(2) ? "not " : "");
		break;
	case 1:
		consort_buffer_text(out, ANY(tests));
		break;
	case 2:
		consort_buffer_text(out, "case when ");
		condition(out, depth - 1);
		consort_buffer_printf(out, " then i else j end > %s", ANY(groups[0].literals));
		break;
	default:
		consort_buffer_printf(out, "coalesce(f, g) > %s", ANY(groups[1].literals));
	}
}

static void condition(struct consort_buffer *out, int depth)
{
	uint32_t kind = depth > 0 ? pick(10) : 4 + pick(6);

	if (kind < 2) {
		consort_buffer_char(out, '(');
		condition(out, depth - 1);
		consort_buffer_text(out, kind ? " and " : " or ");
		condition(out, depth - 1);
		consort_buffer_char(out, ')');
	} else if (kind < 3) {
		consort_buffer_text(out, "not (");
		condition(out, depth - 1);
		consort_buffer_char(out, ')');
	} else if (kind < 7) {
		comparison(out);
	} else if (kind < 9) {
		text_condition(out);
	} else {
		other_condition(out, depth);
	}
}

/* --- comparing --- */

/* Ids under 100, ascending, a line each. */
static void print_ids(const bool *found, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < 100; i++)
		if (found[i])
			consort_buffer_printf(out, "%u\n", i);
}

/* The ids for which the core finds the condition true. */
static void core_answer(struct adapter_test *test, const struct consort_node *filter,
			struct consort_buffer *out)
{
	const struct consort_node *scan = filter->inputs[0];
	struct consort_args none = CONSORT_NO_ARGS;
	struct adapter_cursor cursor;
	struct consort_eval eval;
	struct consort_value values[100];
	uint32_t rows[100], i, e, id = 0;
	bool found[100], ids[100] = {false};

	CU_ASSERT_EQUAL(adapter_begin_tree(test, scan, none, NULL, &cursor), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(
		test->plugin->query->next(cursor.cursor, &test->call, cursor.batch, &test->error),
		CONSORT_OK);
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++) {
		rows[i] = i;
		found[i] = true;
	}
	while (strcmp(scan->fields[id]->name, "id"))
		id++;
	consort_eval_init(&eval, NULL, 0);
	for (e = 0; e < filter->nexprs; e++) {
		if (consort_eval_rows(&eval, filter->exprs[e], cursor.batch, rows,
				      (uint32_t)cursor.batch->nrows, values, &test->error)) {
			fprintf(stderr, "%s\n", test->error.message);
			CU_FAIL_FATAL("the core cannot evaluate it");
		}
		for (i = 0; i < (uint32_t)cursor.batch->nrows; i++)
			found[i] &= !consort_value_is_null(&values[i]) && values[i].as.int64;
	}
	consort_eval_clear(&eval);
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++)
		ids[consort_column_int64(&cursor.batch->columns[id], i)] = found[i];
	print_ids(ids, out);
	adapter_end(test, &cursor);
}

/* The ids that SQLite finds. */
static void pushed_answer(struct adapter_test *test, const struct consort_node *filter,
			  struct consort_buffer *out)
{
	struct consort_args none = CONSORT_NO_ARGS;
	struct adapter_cursor cursor;
	bool found[100] = {false};
	uint32_t i, id = 0;

	while (strcmp(filter->fields[id]->name, "id"))
		id++;
	if (adapter_begin_tree(test, filter, none, NULL, &cursor) ||
	    test->plugin->query->next(cursor.cursor, &test->call, cursor.batch, &test->error)) {
		fprintf(stderr, "%s\n", test->error.message);
		CU_FAIL_FATAL("SQLite cannot run it");
	}
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++)
		found[consort_column_int64(&cursor.batch->columns[id], i)] = true;
	print_ids(found, out);
	adapter_end(test, &cursor);
}

static bool contains_all(const char *all, const char *some)
{
	for (; *some; some += strcspn(some, "\n") + 1) {
		char line[32];
		const char *at;

		snprintf(line, sizeof(line), "\n%.*s\n", (int)strcspn(some, "\n"), some);
		at = strstr(all, line + 1);
		if (!(at == all && at) && !strstr(all, line))
			return false;
	}
	return true;
}

/* A FILTER, wherever it stands under the projection. */
static const struct consort_node *find_filter(const struct consort_node *node)
{
	while (node->kind != CONSORT_NODE_FILTER)
		node = node->inputs[0];
	return node;
}

static uint64_t seed_of(int index)
{
	const char *text = getenv("CONSORT_TEST_SEED");

	return text ? strtoull(text, NULL, 10) : (uint64_t)index + 1;
}

struct counts {
	int exact, loose, no, nonempty;
};

static void try_condition(struct adapter_test *test, const char *table, uint64_t seed, struct counts *counts)
{
	struct consort_buffer where = CONSORT_BUFFER_INIT, core = CONSORT_BUFFER_INIT,
			      pushed = CONSORT_BUFFER_INIT;
	struct consort_offer answer = {.struct_size = sizeof(answer), .count = 64};
	uint8_t fidelity[64] = {0};
	const char *reasons[64] = {NULL};
	struct consort_logical logical;
	const struct consort_node *root, *filter;
	uint32_t i, worst = CONSORT_FIDELITY_EXACT;

	state = seed * 0x9e3779b97f4a7c15u + 1;
	condition(&where, 3);
	root = adapter_tree(test,
			    (struct adapter_query){.resource = table, .select = "id, i", .where = where.data},
			    &logical);
	if (!root) { /* a literal that is no value of the column's type */
		consort_buffer_clear(&where);
		return;
	}
	filter = find_filter(root);
	CU_ASSERT_FATAL(filter->first_conjunct + filter->nexprs <= 64);
	answer.fidelity = fidelity;
	answer.reason = reasons;
	CU_ASSERT_EQUAL(test->plugin->query->offer(test->database, filter, &answer, &test->error),
			CONSORT_OK);
	for (i = 0; i < filter->nexprs; i++)
		if (fidelity[filter->first_conjunct + i] < worst)
			worst = fidelity[filter->first_conjunct + i];
	counts->exact += worst == CONSORT_FIDELITY_EXACT;
	counts->loose += worst == CONSORT_FIDELITY_SUPERSET;
	counts->no += worst == CONSORT_FIDELITY_NO;
	if (worst != CONSORT_FIDELITY_NO) {
		core_answer(test, filter, &core);
		pushed_answer(test, filter, &pushed);
		consort_buffer_text(&core, "");
		consort_buffer_text(&pushed, "");
		counts->nonempty += core.size > 0;
		if (worst == CONSORT_FIDELITY_EXACT ? strcmp(core.data, pushed.data) != 0
						    : !contains_all(pushed.data, core.data)) {
			fprintf(stderr, "seed %llu, table %s: %s\ncore:\n%spushed:\n%s",
				(unsigned long long)seed, table, where.data, core.data, pushed.data);
			CU_FAIL("SQLite and the core differ");
		}
	}
	consort_buffer_clear(&where);
	consort_buffer_clear(&core);
	consort_buffer_clear(&pushed);
}

static void test_table(const char *table, bool strict)
{
	static const char *const flex[] = {"s = timestamp codec s", "us = timestamp codec us",
					   "p = decimal(38,2)", "ub = uuid", NULL};
	static const char *const rigid[] = {"s = timestamp codec s",
					    "us = timestamp codec us",
					    "p = decimal(38,2)",
					    "ub = uuid",
					    "b = bool",
					    "d = date",
					    "m = timestamp",
					    "u = uuid codec text",
					    NULL};
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	struct counts counts = {0, 0, 0, 0};
	struct adapter_test test;
	int i;

	state = 12345;
	fill(&sql, table, strict);
	sqlite_test_open(&test, sql.data, NULL);
	consort_buffer_clear(&sql);
	CU_ASSERT_PTR_NOT_NULL_FATAL(adapter_resource(&test, table, strict ? rigid : flex));
	for (i = 0; i < CONDITIONS; i++) {
		try_condition(&test, table, seed_of(i), &counts);
		if (CU_get_number_of_failures() > 3 || getenv("CONSORT_TEST_SEED"))
			break;
	}
	if (i == CONDITIONS) {
		/* the test has tested something */
		CU_ASSERT(counts.exact > CONDITIONS / 3);
		CU_ASSERT(counts.loose > CONDITIONS / 100);
		CU_ASSERT(counts.no > CONDITIONS / 50);
		CU_ASSERT(counts.nonempty > CONDITIONS / 4);
	}
	adapter_close(&test);
}

static void test_flexible(void)
{
	test_table("flex", false);
}

static void test_strict(void)
{
	test_table("rigid", true);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"conditions", test_flexible},
		{"conditions-strict", test_strict},
		{NULL, NULL},
	};

	return testing_main("sqlite-pushdown", cases, argc, argv);
}
