/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner beside an adapter that answers as a case says: what no engine at hand does, an adapter of
 * somebody else's may.
 */
#include "plan/plan.h"
#include "exec-helpers.h"
#include "pool/pool.h"
#include "testing.h"

#include <stdio.h>

static struct consort_database database;
static struct consort_arena arena;
static uint8_t of_conjuncts; /* fidelity of every conjunct */

static uint32_t offer(void *context, const struct consort_node *tree, struct consort_offer *answer,
		      struct consort_error *error)
{
	uint32_t i;

	(void)context, (void)error;
	for (i = 0; i < answer->count; i++)
		answer->fidelity[i] = CONSORT_FIDELITY_EXACT;
	for (; tree->ninputs; tree = tree->inputs[0])
		for (i = 0; tree->kind == CONSORT_NODE_FILTER && i < tree->nexprs; i++)
			answer->fidelity[tree->first_conjunct + i] = of_conjuncts;
	return CONSORT_OK;
}

static uint32_t compile(void *context, const struct consort_statement *statement, void **out_compiled,
			struct consort_error *error)
{
	(void)context, (void)error;
	*out_compiled = (void *)(uintptr_t)statement;
	return CONSORT_OK;
}

static void compiled_free(void *context, void *compiled)
{
	(void)context, (void)compiled;
}

static struct consort_database *database_of(void *context, const struct consort_resource *resource)
{
	(void)context, (void)resource;
	return &database;
}

static struct consort_planner begin(uint8_t fidelity)
{
	static const struct consort_query_ops query = {.struct_size = sizeof(query),
						       .offer = offer,
						       .compile = compile,
						       .compiled_free = compiled_free};
	static const struct consort_plugin plugin = {
		.struct_size = sizeof(plugin), .id = "test", .query = &query};
	const struct consort_planner planner = {.arena = &arena, .database_of = database_of};

	database.name = "db";
	database.plugin = &plugin;
	database.effective.word[0] =
		CONSORT_FEATURE_BIT(CONSORT_FEATURE_READ) | CONSORT_FEATURE_BIT(CONSORT_FEATURE_FILTER);
	of_conjuncts = fidelity;
	consort_arena_clear(&arena); /* the plan before */
	return planner;
}

/* A resource with the key c0, and its scan. */
static struct consort_node *scan(void)
{
	static const struct consort_attribute c0 = {.struct_size = sizeof(c0),
						    .type = {.id = CONSORT_TYPE_INT64},
						    .name = "c0",
						    .source = "c0"},
					      c1 = {.struct_size = sizeof(c1),
						    .type = {.id = CONSORT_TYPE_INT64},
						    .name = "c1",
						    .source = "c1"};
	static const struct consort_attribute *const attributes[] = {&c0, &c1};
	static const uint32_t key = 0;
	static const struct consort_resource resource = {.struct_size = sizeof(resource),
							 .name = "thing",
							 .source = "thing",
							 .nattributes = 2,
							 .attributes = attributes,
							 .nkeys = 1,
							 .keys = &key};

	return consort_make_scan(&arena, &resource);
}

static enum consort_status plan_filter(struct consort_planner *planner, const struct consort_expr *conjunct,
				       const struct consort_step **out_step, struct consort_error *error)
{
	struct consort_node *filter = consort_make_node(&arena, CONSORT_NODE_FILTER, scan(), NULL);

	filter->exprs = &conjunct;
	filter->nexprs = 1;
	*out_step = NULL;
	return consort_plan_make(planner, filter, out_step, error);
}

/* Scan with column = 5. */
static const struct consort_step *plan_equal(uint8_t fidelity, uint32_t at)
{
	struct consort_planner planner = begin(fidelity);
	const struct consort_step *step;
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL_FATAL(
		plan_filter(&planner,
			    call(CONSORT_OP_EQ, T_BOOL, column(at, T_INT), literal(consort_int64(5))), &step,
			    &error),
		CONSORT_OK);
	return step;
}

/* One record at most is what a whole key gives, where the adapter takes it exactly. */
static void test_at_most_one(void)
{
	const struct consort_step *step = plan_equal(CONSORT_FIDELITY_EXACT, 0);

	CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_REMOTE);
	CU_ASSERT_TRUE(step->at_most_one);
	step = plan_equal(CONSORT_FIDELITY_EXACT, 1);
	CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_REMOTE);
	CU_ASSERT_FALSE(step->at_most_one);
	/* 'a' = 'A ', and the like: sent, and there may be several to check again */
	step = plan_equal(CONSORT_FIDELITY_SUPERSET, 0);
	CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_FILTER);
	CU_ASSERT_EQUAL(step->inputs[0]->kind, CONSORT_STEP_REMOTE);
	CU_ASSERT_EQUAL(step->inputs[0]->node->kind, CONSORT_NODE_FILTER);
	CU_ASSERT_FALSE(step->inputs[0]->at_most_one);
	step = plan_equal(CONSORT_FIDELITY_NO, 0);
	CU_ASSERT_EQUAL(step->inputs[0]->node->kind, CONSORT_NODE_SCAN);
	CU_ASSERT_FALSE(step->inputs[0]->at_most_one);
	consort_arena_clear(&arena);
}

static enum consort_status plan_join(uint32_t left, uint32_t right, const struct consort_step **out_step,
				     struct consort_error *error)
{
	struct consort_planner planner = begin(CONSORT_FIDELITY_EXACT);
	struct consort_node *a = scan(), *b = scan();
	struct consort_node *join = consort_make_node(&arena, CONSORT_NODE_JOIN, a, b);
	const struct consort_expr *on =
		call(CONSORT_OP_EQ, T_BOOL, column(left, T_INT), column(right, T_INT));

	join->join = CONSORT_JOIN_LEFT;
	join->exprs = &on;
	join->nexprs = 1;
	join->fields = fields(4, T_INT, T_INT, T_INT, T_INT);
	join->nfields = 4;
	return consort_plan_make(&planner, join, out_step, error);
}

/* A join's equality has a column of each side, in either order. */
static void test_sides(void)
{
	static const uint32_t columns[][2] = {{0, 3}, {3, 0}, {0, 1}, {2, 3}};
	const struct consort_step *step = NULL;
	uint32_t i;

	for (i = 0; i < 4; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;
		enum consort_status status = plan_join(columns[i][0], columns[i][1], &step, &error);

		CU_ASSERT_EQUAL(status, i < 2 ? CONSORT_OK : CONSORT_EUNSUPPORTED);
		if (status) {
			TESTING_TEXT(error.message, "only equalities between the two sides join databases");
			continue;
		}
		CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_LOOKUP);
		CU_ASSERT_EQUAL(step->outer_keys[0], 0);
		CU_ASSERT_EQUAL(step->inner_keys[0], 1);
	}
	consort_arena_clear(&arena);
}

/* An adapter that takes whatever it is shown is not believed about what its database cannot do. */
static void test_withheld(void)
{
	static const struct {
		uint32_t op, feature;
		const char *reason;
	} cases[] = {
		{CONSORT_OP_PATH, CONSORT_FEATURE_NESTED_PATHS,
		 "no nested_paths: the adapter does not have it"},
		{CONSORT_OP_PATH_TEXT, CONSORT_FEATURE_NESTED_PATHS,
		 "no nested_paths: the adapter does not have it"},
		{CONSORT_OP_TIME_BUCKET, CONSORT_FEATURE_TIME_BUCKET,
		 "no time_bucket: the adapter does not have it"},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_step *step;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct consort_planner planner = begin(CONSORT_FIDELITY_EXACT);
		const struct consort_expr *inside =
			call(cases[i].op, T_TEXT, column(1, T_JSON), literal(consort_int64(1)));
		const struct consort_expr *conjunct = call(CONSORT_OP_NOT_NULL, T_BOOL, inside);

		CU_ASSERT_EQUAL_FATAL(plan_filter(&planner, conjunct, &step, &error), CONSORT_OK);
		CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_FILTER);
		CU_ASSERT_EQUAL_FATAL(step->inputs[0]->nkept, 1);
		TESTING_TEXT(step->inputs[0]->kept[0].reason, cases[i].reason);
		database.effective.word[0] |= CONSORT_FEATURE_BIT(cases[i].feature);
		CU_ASSERT_EQUAL_FATAL(plan_filter(&planner, conjunct, &step, &error), CONSORT_OK);
		CU_ASSERT_EQUAL(step->kind, CONSORT_STEP_REMOTE);
	}
	consort_arena_clear(&arena);
}

/* There is no answer to a match that no database takes, also where no record would be looked at. */
static void test_match(void)
{
	struct consort_planner planner = begin(CONSORT_FIDELITY_EXACT);
	const struct consort_expr *match =
		call(CONSORT_OP_MATCH, T_BOOL, column(1, T_TEXT), literal(consort_text("word")));
	const struct consort_expr *inside = call(CONSORT_OP_OR, T_BOOL, match, match);
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_step *step;

	CU_ASSERT_EQUAL(plan_filter(&planner, inside, &step, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message, "database 'db' does not support full_text: the adapter does not have it");
	database.effective.word[0] |= CONSORT_FEATURE_BIT(CONSORT_FEATURE_FULL_TEXT);
	CU_ASSERT_EQUAL(plan_filter(&planner, inside, &step, &error), CONSORT_OK);
	of_conjuncts = CONSORT_FIDELITY_SUPERSET; /* which nobody could check */
	CU_ASSERT_EQUAL(plan_filter(&planner, match, &step, &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message,
		     "only a database's full text search does a match, and none takes it here");
	consort_arena_clear(&arena);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {{"at-most-one", test_at_most_one},
						    {"sides", test_sides},
						    {"withheld", test_withheld},
						    {"match", test_match},
						    {NULL, NULL}};

	return testing_main("plan", cases, argc, argv);
}
