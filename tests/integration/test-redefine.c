/* SPDX-License-Identifier: Apache-2.0 */
/* What was introspected, planned and prepared, after a define or drop made it something else. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

static const char manifest[] = "[database db]\ntype = sqlite\npath = things.db\nresources = *\n"
			       "[database other]\ntype = sqlite\npath = others.db\n"
			       "[resource else]\ndatabase = other\nkey = id\nattribute.id = int64\n";

static void native(struct consort *c, const char *text)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	API_OK(consort_native(c, "db", text, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
}

/* Through Consort, which then knows that it is gone. */
static void drop(struct consort *c, const char *resource)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_drop(c, resource, 0, NULL, &error));
}

static struct consort *open_things(void)
{
	struct consort *c = api_open(manifest);

	native(c, "create table thing (id integer primary key, s text) strict");
	native(c, "insert into thing values (1, 'one'), (2, 'two')");
	return c;
}

static struct consort_plan *prepare(struct consort *c, const char *select, const char *where)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "db.thing");
	struct consort_plan *plan = NULL;

	if (select)
		consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	consort_query_order(q, "id");
	API_OK(consort_query_prepare(q, &plan, &error));
	/* the texts are the plan's own from here on */
	consort_query_free(q);
	return plan;
}

static const char *run(struct consort *c, struct consort_plan *plan, struct consort_args args)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	const char *text;

	if (consort_plan_run(c, plan, args, &rows, &error))
		return api_error(&error);
	text = api_read(rows, &error);
	consort_cursor_close(rows);
	return text;
}

/* Of the same shape, it goes on; and comes back after a time without. */
static void test_prepared(void)
{
	struct consort *c = open_things();
	struct consort_plan *plan = prepare(c, "id, s", "id >= $1");
	const struct consort_args one = CONSORT_ARGS(consort_int64(1));

	TESTING_TEXT(run(c, plan, one), "1,one;2,two");
	drop(c, "db.thing");
	TESTING_TEXT(run(c, plan, one), "status 3: what the prepared query reads was defined anew: "
					"unknown resource 'db.thing'");
	native(c, "create table thing (more real, s text, id integer primary key) strict");
	native(c, "insert into thing values (0.5, 'three', 3)");
	TESTING_TEXT(run(c, plan, one), "3,three");
	TESTING_TEXT(run(c, plan, one), "3,three");
	drop(c, "db.thing");
	native(c, "create table thing (id integer primary key, s text) strict");
	TESTING_TEXT(run(c, plan, one), "");
	consort_plan_free(plan);
	consort_close(c);
}

/* Other columns than the program knows are not given. */
static void test_other_columns(void)
{
	struct consort *c = open_things();
	struct consort_plan *named = prepare(c, "id, s", NULL), *all = prepare(c, NULL, NULL);

	drop(c, "db.thing");
	native(c, "create table thing (id integer primary key, s integer) strict");
	TESTING_TEXT(run(c, named, CONSORT_NO_ARGS),
		     "status 4: what the prepared query reads was defined anew: column 's' was text, and "
		     "would be an integer now");
	drop(c, "db.thing");
	native(c, "create table thing (id integer primary key, s text, more text) strict");
	TESTING_TEXT(run(c, named, CONSORT_NO_ARGS), "");
	TESTING_TEXT(run(c, all, CONSORT_NO_ARGS),
		     "status 4: what the prepared query reads was defined anew: it gave 2 columns, and would "
		     "give 3 now");
	drop(c, "db.thing");
	native(c, "create table thing (id integer primary key, t text) strict");
	TESTING_TEXT(run(c, named, CONSORT_NO_ARGS),
		     "status 3: what the prepared query reads was defined anew: db.thing: no attribute 's' "
		     "(at 5 in \"id, s\")");
	TESTING_TEXT(run(c, all, CONSORT_NO_ARGS),
		     "status 4: what the prepared query reads was defined anew: column 2 was called 's', and "
		     "would be called 't' now");
	consort_plan_free(named);
	consort_plan_free(all);
	consort_close(c);
}

/* The key to page after is made anew too. */
static void test_paging(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things();
	struct consort_query *q = consort_query_new(c, "db.thing");
	struct consort_plan *plan = NULL;

	consort_query_select(q, "s");
	consort_query_after(q, CONSORT_ARGS(consort_int64(1)));
	API_OK(consort_query_prepare(q, &plan, &error));
	TESTING_TEXT(run(c, plan, CONSORT_NO_ARGS), "two");
	drop(c, "db.thing");
	native(c, "create table thing (id text primary key, s text) strict");
	TESTING_TEXT(run(c, plan, CONSORT_NO_ARGS),
		     "status 4: what the prepared query reads was defined anew: the key to page after: "
		     "cannot use an integer as text");
	drop(c, "db.thing");
	native(c, "create table thing (id integer primary key, s text) strict");
	native(c, "insert into thing values (1, 'x'), (7, 'y')");
	TESTING_TEXT(run(c, plan, CONSORT_NO_ARGS), "y");
	consort_query_free(q);
	consort_plan_free(plan);
	consort_close(c);
}

/* A cursor of a plan that was made anew outlives both; a plan lives on after its handle. */
static void test_life(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things();
	struct consort_plan *plan = prepare(c, "id", NULL);
	struct consort_cursor *rows = NULL;

	API_OK(consort_define(c, "else", 0, NULL, &error));
	API_OK(consort_plan_run(c, plan, CONSORT_NO_ARGS, &rows, &error));
	drop(c, "else");
	TESTING_TEXT(run(c, plan, CONSORT_NO_ARGS), "1;2");
	consort_plan_free(plan);
	TESTING_TEXT(api_read(rows, &error), "1;2");
	consort_cursor_close(rows);
	plan = prepare(c, "id", NULL);
	consort_close(c);
	consort_plan_free(plan);
}

static enum consort_status count_resource(void *context, const struct consort_resource *resource,
					  const struct consort_error *error)
{
	char *names = context;

	CU_ASSERT_PTR_NULL(error);
	strcat(names, names[0] ? " " : "");
	strcat(names, resource->name);
	return CONSORT_OK;
}

static const char *resources(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char names[256] = "";

	API_OK(consort_resources(c, 0, count_resource, names, &error));
	return testing_keep(strdup(names));
}

/* What a database exposed whole has no longer is neither listed nor found. */
static void test_exposed(void)
{
	struct consort *c = open_things();

	native(c, "create table other (id integer primary key) strict");
	TESTING_TEXT(resources(c), "else db.other db.thing");
	drop(c, "db.thing");
	TESTING_TEXT(resources(c), "else db.other");
	TESTING_TEXT(api_find(c, "db.thing", NULL, NULL, NULL), "status 3: unknown resource 'db.thing'");
	TESTING_TEXT(api_find(c, "db.othr", NULL, NULL, NULL),
		     "status 3: unknown resource 'db.othr'; did you mean 'db.other'?");
	/* by other means too */
	native(c, "drop table other");
	native(c, "create table thing (id integer primary key) strict");
	TESTING_TEXT(resources(c), "else db.thing");
	TESTING_TEXT(api_find(c, "db.thing", NULL, NULL, NULL), "");
	consort_close(c);
}

/* A drop that is rolled back. */
static void test_rollback(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_things(), *in = NULL;
	struct consort_plan *plan = prepare(c, "s", NULL);

	API_OK(consort_begin(c, "db", &in, &error));
	drop(in, "db.thing");
	TESTING_TEXT(run(in, plan, CONSORT_NO_ARGS), "status 3: what the prepared query reads was defined "
						     "anew: unknown resource 'db.thing'");
	API_OK(consort_rollback(in, &error));
	TESTING_TEXT(run(c, plan, CONSORT_NO_ARGS), "one;two");
	TESTING_TEXT(resources(c), "else db.thing");
	consort_plan_free(plan);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"prepared", test_prepared},
		{"other-columns", test_other_columns},
		{"paging", test_paging},
		{"life", test_life},
		{"exposed", test_exposed},
		{"rollback", test_rollback},
		{NULL, NULL},
	};

	return testing_main("redefine", cases, argc, argv);
}
