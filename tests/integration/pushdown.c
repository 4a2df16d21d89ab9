/* SPDX-License-Identifier: Apache-2.0 */
/* Random conditions, what the core makes of them, and what an engine does. */
#include "pushdown.h"

static uint64_t state;

void pushdown_begin(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t pushdown_pick(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % limit);
}

/* --- conditions --- */

/* Of a list that ends with NULL. */
static const char *one_of(const char *const *list)
{
	uint32_t count = 0;

	while (list[count])
		count++;
	return list[pushdown_pick(count)];
}

static void condition(const struct pushdown *pushdown, struct consort_buffer *out, int depth);

static void comparison(const struct pushdown *pushdown, struct consort_buffer *out)
{
	static const char *const operators[] = {
		"=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from",
	};
	const struct pushdown_group *group = &pushdown->groups[pushdown_pick(pushdown->ngroups)];
	const char *column = PUSHDOWN_ANY(group->columns);

	switch (pushdown_pick(8)) {
	case 0:
		consort_buffer_printf(out, "%s %s %s", column, PUSHDOWN_ANY(operators),
				      PUSHDOWN_ANY(group->columns));
		break;
	case 1:
		consort_buffer_printf(out, "%s %s %s", PUSHDOWN_ANY(group->literals), PUSHDOWN_ANY(operators),
				      column);
		break;
	case 2:
		consort_buffer_printf(out, "%s %sin (%s, %s, %s)", column, pushdown_pick(2) ? "not " : "",
				      PUSHDOWN_ANY(group->literals), PUSHDOWN_ANY(group->literals),
				      PUSHDOWN_ANY(group->literals));
		break;
	case 3:
		consort_buffer_printf(out, "%s %sbetween %s and %s", column, pushdown_pick(2) ? "not " : "",
				      PUSHDOWN_ANY(group->literals), PUSHDOWN_ANY(group->literals));
		break;
	default:
		consort_buffer_printf(out, "%s %s %s", column, PUSHDOWN_ANY(operators),
				      PUSHDOWN_ANY(group->literals));
	}
}

static void text_condition(const struct pushdown *pushdown, struct consort_buffer *out)
{
	static const char *const operators[] = {"=", "<>", "<", ">="};

	switch (pushdown_pick(6)) {
	case 0:
		consort_buffer_printf(out, "length(%s) %s %u", one_of(pushdown->texts),
				      PUSHDOWN_ANY(operators), pushdown_pick(4));
		break;
	case 1:
		consort_buffer_printf(out, "%s || %s %s 'aa'", one_of(pushdown->texts),
				      one_of(pushdown->texts), PUSHDOWN_ANY(operators));
		break;
	case 2:
		consort_buffer_printf(out, "coalesce(%s, %s, 'a') %s %s", one_of(pushdown->texts),
				      one_of(pushdown->texts), PUSHDOWN_ANY(operators),
				      one_of(pushdown->texts));
		break;
	case 3:
		consort_buffer_printf(out, "i::text %s '42'", PUSHDOWN_ANY(operators));
		break;
	default:
		consort_buffer_printf(out, "%s %slike %s", one_of(pushdown->texts),
				      pushdown_pick(2) ? "not " : "", one_of(pushdown->patterns));
	}
}

static void other_condition(const struct pushdown *pushdown, struct consort_buffer *out, int depth)
{
	static const char *const tests[] = {
		"b", "not b", "b is true", "b is false", "b is not true", "b = true", "b is null"};

	switch (pushdown_pick(pushdown->more ? 6 : 4)) {
	case 0:
		consort_buffer_printf(out, "%s is %snull", one_of(pushdown->any),
				      pushdown_pick(2) ? "not " : "");
		break;
	case 1:
		consort_buffer_text(out, PUSHDOWN_ANY(tests));
		break;
	case 2:
		consort_buffer_text(out, "case when ");
		condition(pushdown, out, depth - 1);
		consort_buffer_printf(out, " then i else j end > %s",
				      PUSHDOWN_ANY(pushdown->groups[0].literals));
		break;
	case 3:
		consort_buffer_printf(out, "coalesce(f, g) > %s", PUSHDOWN_ANY(pushdown->groups[1].literals));
		break;
	default:
		consort_buffer_text(out, one_of(pushdown->more));
	}
}

static void condition(const struct pushdown *pushdown, struct consort_buffer *out, int depth)
{
	uint32_t kind = depth > 0 ? pushdown_pick(10) : 4 + pushdown_pick(6);

	if (kind < 2) {
		consort_buffer_char(out, '(');
		condition(pushdown, out, depth - 1);
		consort_buffer_text(out, kind ? " and " : " or ");
		condition(pushdown, out, depth - 1);
		consort_buffer_char(out, ')');
	} else if (kind < 3) {
		consort_buffer_text(out, "not (");
		condition(pushdown, out, depth - 1);
		consort_buffer_char(out, ')');
	} else if (kind < 7) {
		comparison(pushdown, out);
	} else if (kind < 9) {
		text_condition(pushdown, out);
	} else {
		other_condition(pushdown, out, depth);
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

/* Does the core find it true for a row? What is an error must be let through to be told, unless it is beside
 * what may rule it out: other conditions, or NULL. */
static bool holds(struct adapter_test *test, const struct consort_expr *expr,
		  const struct consort_batch *batch, uint32_t row)
{
	bool beside = expr->op == CONSORT_OP_AND || expr->op == CONSORT_OP_OR || expr->op == CONSORT_OP_NOT,
	     result;
	struct consort_value value;
	struct consort_eval eval;
	uint32_t i;

	for (i = 0; i < expr->nargs; i++)
		beside |= expr->args[i]->kind == CONSORT_EXPR_LITERAL &&
			  consort_value_is_null(&expr->args[i]->value);
	consort_eval_init(&eval, NULL, 0);
	if (consort_eval_rows(&eval, expr, batch, &row, 1, &value, &test->error)) {
		CU_ASSERT(expr->flags & CONSORT_EXPR_CAN_FAIL);
		result = !beside;
	} else {
		result = !consort_value_is_null(&value) && value.as.int64;
	}
	consort_eval_clear(&eval);
	return result;
}

/* The ids for which the core finds the condition true. */
static void core_answer(struct adapter_test *test, const struct consort_node *filter,
			struct consort_buffer *out)
{
	const struct consort_node *scan = filter->inputs[0];
	struct consort_args none = CONSORT_NO_ARGS;
	struct adapter_cursor cursor;
	uint32_t i, e, id = 0;
	bool found[100], ids[100] = {false};

	CU_ASSERT_EQUAL(adapter_begin_tree(test, scan, none, NULL, &cursor), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(
		test->plugin->query->next(cursor.cursor, &test->call, cursor.batch, &test->error),
		CONSORT_OK);
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++) {
		found[i] = true;
	}
	while (strcmp(scan->fields[id]->name, "id"))
		id++;
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++)
		for (e = 0; found[i] && e < filter->nexprs; e++)
			found[i] = holds(test, filter->exprs[e], cursor.batch, i);
	for (i = 0; i < (uint32_t)cursor.batch->nrows; i++)
		ids[consort_column_int64(&cursor.batch->columns[id], i)] = found[i];
	print_ids(ids, out);
	adapter_end(test, &cursor);
}

/* The ids that the engine finds. */
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
		CU_FAIL_FATAL("the engine cannot run it");
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

static void try_condition(struct adapter_test *test, const struct pushdown *pushdown, uint64_t seed,
			  struct pushdown_counts *counts)
{
	struct consort_buffer where = CONSORT_BUFFER_INIT, core = CONSORT_BUFFER_INIT,
			      pushed = CONSORT_BUFFER_INIT;
	struct consort_offer answer = {.struct_size = sizeof(answer), .count = 64};
	uint8_t fidelity[64] = {0};
	const char *reasons[64] = {NULL};
	struct consort_logical logical;
	const struct consort_node *root, *filter;
	uint32_t i, worst = CONSORT_FIDELITY_EXACT;

	pushdown_begin(seed);
	condition(pushdown, &where, 3);
	root = adapter_tree(
		test,
		(struct adapter_query){.resource = pushdown->table, .select = "id, i", .where = where.data},
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
				(unsigned long long)seed, pushdown->table, where.data, core.data,
				pushed.data);
			CU_FAIL("the engine and the core differ");
		}
	}
	consort_buffer_clear(&where);
	consort_buffer_clear(&core);
	consort_buffer_clear(&pushed);
}

struct pushdown_counts pushdown_try(struct adapter_test *test, const struct pushdown *pushdown)
{
	struct pushdown_counts counts = {0, 0, 0, 0};
	int i;

	for (i = 0; i < pushdown->conditions; i++) {
		try_condition(test, pushdown, seed_of(i), &counts);
		if (CU_get_number_of_failures() > 3 || getenv("CONSORT_TEST_SEED"))
			break;
	}
	return counts;
}
