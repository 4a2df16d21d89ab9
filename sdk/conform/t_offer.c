/* SPDX-License-Identifier: Apache-2.0 */
/* Offers: what is answered, to what is known and to what is not. */
#include "drive.h"

#define FUTURE 999u /* a kind, operator or type that no header has yet */

/* A plan of everything over one resource: limit, sort, group, filter. */
static struct consort_node *large_tree(const struct consort_resource *resource)
{
	const struct consort_node *scan = tree_scan(resource);
	const struct consort_node *filter = tree_filter(scan, tree_compare(scan, 0, CONSORT_OP_EQ, 0));
	const struct consort_node *group = tree_aggregate(filter, CONSORT_AGGREGATE_COUNT_ALL, -1, 0);

	return tree_limit(tree_sort(group, 0, 0), 3);
}

static struct consort_offer *offered(struct subject *subject, struct consort_node *root)
{
	struct consort_offer *offer;

	subject_need(subject, tree_offer(subject, root, &offer), "query.offer");
	return offer;
}

static void test_pure(struct conform *conform)
{
	struct consort_offer *first, *second;
	struct consort_node *root;
	struct subject subject;
	struct world world;
	uint32_t i;

	world_begin(&world, &subject, conform);
	root = large_tree(world.resource);
	first = offered(&subject, root);
	for (i = 0; i < 3; i++) {
		second = offered(&subject, root);
		REQUIRE(!memcmp(first->fidelity, second->fidelity, first->count) &&
				first->max_keys == second->max_keys && first->flags == second->flags,
			"the same plan gets another answer the next time");
	}
	world_end(&world, &subject);
}

static void test_form(struct conform *conform)
{
	const struct consort_node *scan;
	struct subject subject;
	struct world world;
	const char *fault;

	world_begin(&world, &subject, conform);
	scan = tree_scan(world.resource);
	fault = tree_offer_fault(offered(&subject, (struct consort_node *)(uintptr_t)scan));
	REQUIRE(!fault, "the answer to a scan: %s", fault);
	fault = tree_offer_fault(offered(&subject, large_tree(world.resource)));
	REQUIRE(!fault, "the answer to a larger plan: %s", fault);
	REQUIRE(tree_taken(&subject, (struct consort_node *)(uintptr_t)scan),
		"a bare scan of a resource that is there is not"
		" taken");
	world_end(&world, &subject);
}

/* Nothing but NO for the node or conjunct of that number, which is about a field. */
static void expect_no(struct subject *subject, struct consort_node *root, bool conjunct,
		      const struct consort_field *field, const char *what)
{
	struct consort_offer *offer = offered(subject, root);
	const uint32_t number = conjunct ? root->first_conjunct : root->number;

	REQUIRE(offer->fidelity[number] == CONSORT_FIDELITY_NO, "%s is taken, as if it were known, with '%s'",
		what, field->name);
}

static void test_unknown(struct conform *conform)
{
	const struct consort_type boolean = consort_type_of(CONSORT_TYPE_BOOL),
				  future = consort_type_of(FUTURE);
	struct consort_expr *expr;
	const struct consort_node *scan;
	struct consort_node *node;
	struct subject subject;
	struct world world;
	uint32_t i;

	world_begin(&world, &subject, conform);
	scan = tree_scan(world.resource);
	expect_no(&subject, tree_over(FUTURE, scan), false, scan->fields[0],
		  "a kind of node that does not exist yet");
	for (i = 0; i < scan->nfields; i++) {
		expect_no(&subject, tree_filter(scan, tree_compare(scan, i, FUTURE, 0)), true,
			  scan->fields[i], "an operator that does not exist yet");
		expect_no(&subject,
			  tree_filter(scan, tree_call(CONSORT_OP_EQ, boolean, tree_column(scan, i),
						      tree_parameter(0, future))),
			  true, scan->fields[i], "a parameter of a type that does not exist yet");
		expr = (struct consort_expr *)(uintptr_t)tree_parameter(0, scan->fields[i]->type);
		expr->kind = FUTURE;
		expect_no(&subject,
			  tree_filter(scan, tree_call(CONSORT_OP_EQ, boolean, tree_column(scan, i), expr)),
			  true, scan->fields[i], "a kind of expression that does not exist yet");
		node = tree_aggregate(scan, FUTURE, (int)i, -1);
		expect_no(&subject, node, false, scan->fields[i], "an aggregate that does not exist yet");
		node = tree_sort(scan, i, 0);
		((struct consort_order *)(uintptr_t)node->orders[0])->expr =
			tree_call(FUTURE, scan->fields[i]->type, tree_column(scan, i), NULL);
		expect_no(&subject, node, false, scan->fields[i],
			  "a sort by an operator that does not exist yet");
	}
	expect_no(&subject, tree_join(scan, tree_scan(world.resource), FUTURE, 0, 0), false, scan->fields[0],
		  "a kind of join that does not exist yet");
	world_end(&world, &subject);
}

/* --- features that are of use --- */

static bool any_filter(struct subject *subject, const struct consort_node *scan)
{
	static const uint32_t ops[] = {CONSORT_OP_EQ, CONSORT_OP_LT, CONSORT_OP_GE, CONSORT_OP_NOT_NULL};
	uint32_t i, op;

	for (i = 0; i < scan->nfields; i++)
		for (op = 0; op < 4; op++) {
			const struct consort_expr *condition =
				ops[op] == CONSORT_OP_NOT_NULL
					? tree_call(ops[op], consort_type_of(CONSORT_TYPE_BOOL),
						    tree_column(scan, i), NULL)
					: tree_compare(scan, i, ops[op], 0);
			struct consort_node *filter = tree_filter(scan, condition);

			if (offered(subject, filter)->fidelity[filter->first_conjunct] != CONSORT_FIDELITY_NO)
				return true;
		}
	return false;
}

static bool any_sort(struct subject *subject, const struct consort_node *scan)
{
	uint32_t i, flags;

	for (i = 0; i < scan->nfields; i++)
		for (flags = 0; flags < 4; flags++)
			if (tree_taken(subject, tree_sort(scan, i, flags)))
				return true;
	return false;
}

static bool any_limit(struct subject *subject, const struct consort_node *scan)
{
	return tree_taken(subject, tree_limit(scan, 3));
}

static bool any_aggregate(struct subject *subject, const struct consort_node *scan)
{
	return tree_taken(subject, tree_aggregate(scan, CONSORT_AGGREGATE_COUNT_ALL, -1, -1));
}

static bool any_group(struct subject *subject, const struct consort_node *scan)
{
	uint32_t i;

	for (i = 0; i < scan->nfields; i++)
		if (tree_taken(subject, tree_aggregate(scan, CONSORT_AGGREGATE_COUNT_ALL, -1, (int)i)))
			return true;
	return false;
}

static bool any_join(struct subject *subject, const struct consort_node *scan)
{
	uint32_t i;

	for (i = 0; i < scan->nfields; i++)
		if (tree_taken(subject,
			       tree_join(scan, tree_scan(scan->resource), CONSORT_JOIN_LEFT, i, i)) ||
		    tree_taken(subject, tree_join(scan, tree_scan(scan->resource), CONSORT_JOIN_INNER, i, i)))
			return true;
	return false;
}

static bool any_lookup(struct subject *subject, const struct consort_node *scan)
{
	uint32_t i;

	for (i = 0; i < scan->nfields; i++)
		if (tree_taken(subject, tree_keyed(scan, i)))
			return true;
	return false;
}

static const struct {
	int feature;
	bool (*any)(struct subject *subject, const struct consort_node *scan);
	const char *what;
} uses[] = {
	{CONSORT_FEATURE_FILTER, any_filter,
	 "no simple condition on any attribute is taken, not even loosely"},
	{CONSORT_FEATURE_SORT, any_sort, "sorting by no attribute is taken"},
	{CONSORT_FEATURE_LIMIT, any_limit, "a limit over a bare scan is not taken"},
	{CONSORT_FEATURE_AGGREGATE, any_aggregate, "not even count(*) is taken"},
	{CONSORT_FEATURE_GROUP, any_group, "grouping by no attribute is taken"},
	{CONSORT_FEATURE_JOIN, any_join, "joining the resource with itself is not taken on any attribute"},
	{CONSORT_FEATURE_KEY_LOOKUP, any_lookup, "key sets of no attribute are taken"},
};

static void test_used(struct conform *conform)
{
	struct subject subject;
	struct world world;
	size_t i;

	world_begin(&world, &subject, conform);
	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (subject_has(&subject, uses[i].feature))
			REQUIRE(uses[i].any(&subject, tree_scan(world.resource)),
				"the feature %s is set, but %s",
				consort_feature_name((uint32_t)uses[i].feature), uses[i].what);
	world_end(&world, &subject);
}

/* --- threads --- */

static uint32_t offer_and_compile(struct subject *subject, void *resource)
{
	const struct consort_query_ops *query = subject->plugin->query;
	uint32_t status = CONSORT_OK;
	int i;

	for (i = 0; i < 200 && !status; i++) {
		struct consort_offer *offer;
		void *compiled = NULL;

		status = tree_offer(subject, large_tree(resource), &offer);
		if (!status)
			status = query->compile(subject->database,
						subject_statement(tree_scan(resource), NULL, 0), &compiled,
						subject_error(subject));
		if (compiled)
			query->compiled_free(subject->database, compiled);
	}
	return status;
}

static void test_threads(struct conform *conform)
{
	struct subject subject;
	struct world world;

	world_begin(&world, &subject, conform);
	subject_threads(&subject, false, offer_and_compile, (void *)(uintptr_t)world.resource);
	world_end(&world, &subject);
}

const struct conform_test conform_offer_tests[] = {
	TEST("offer-form", test_form, READ, 0, 0,
	     "An answer has a place for each number of the plan; a bare scan is taken."),
	TEST("offer-pure", test_pure, READ, 0, 0, "The same plan gets the same answer."),
	TEST("offer-unknown", test_unknown, READ, 0, 0,
	     "What an adapter does not know, anywhere in a plan, it answers NO."),
	TEST("offer-threads", test_threads, READ, 0, 0, "offer and compile run in several threads at once."),
	TEST("features-used", test_used, READ, 0, 0,
	     "A feature that is set takes the plainest form of what it is for."),
	CONFORM_END,
};
