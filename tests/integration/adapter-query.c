/* SPDX-License-Identifier: Apache-2.0 */
/* Plans from texts or by hand, offered, compiled and read. */
#include "adapter.h"

static void *copy(struct adapter_test *test, const void *data, size_t size)
{
	void *memory = consort_arena_alloc(&test->arena, size);

	memcpy(memory, data, size);
	return memory;
}

/* --- plans --- */

/* A copy with numbers for nodes and conjuncts. */
static struct consort_node *number_tree(struct adapter_test *test, const struct consort_node *node,
					uint32_t *next)
{
	struct consort_node *numbered = copy(test, node, sizeof(*node));
	const struct consort_node **inputs =
		consort_arena_array(&test->arena, node->ninputs, sizeof(*inputs));
	uint32_t i;

	numbered->inputs = inputs;
	for (i = 0; i < node->ninputs; i++)
		inputs[i] = number_tree(test, node->inputs[i], next);
	numbered->number = (*next)++;
	numbered->first_conjunct = *next;
	if (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN)
		*next += node->nexprs;
	return numbered;
}

struct consort_node *adapter_tree(struct adapter_test *test, struct adapter_query query,
				  struct consort_logical *out_logical)
{
	struct consort_clauses clauses = {.resource = query.resource,
					  .select = query.select,
					  .where = &query.where,
					  .nwhere = query.where ? 1 : 0,
					  .group = query.group,
					  .having = query.having,
					  .order = query.order,
					  .offset = query.offset};
	struct consort_names names = {.context = test, .resource = adapter_find};
	uint32_t next = 0;

	clauses.limit = query.limit == 0 ? -1 : query.limit < 0 ? 0 : query.limit;
	memset(&test->error, 0, sizeof(test->error));
	if (consort_query_resolve(&clauses, &names, &test->arena, out_logical, &test->error))
		return NULL;
	return number_tree(test, out_logical->root, &next);
}

static struct consort_node *must_tree(struct adapter_test *test, struct adapter_query query)
{
	struct consort_logical logical;
	struct consort_node *root = adapter_tree(test, query, &logical);

	ADAPTER_MUST(test, root);
	return root;
}

struct consort_node *adapter_scan(struct adapter_test *test, const struct consort_resource *resource)
{
	uint32_t count = resource->nattributes, i;
	uint32_t *attributes = consort_arena_array(&test->arena, count, sizeof(*attributes));
	struct consort_field *fields = consort_arena_array(&test->arena, count, sizeof(*fields));
	const struct consort_field **list = consort_arena_array(&test->arena, count, sizeof(*list));
	struct consort_node *node = consort_arena_alloc(&test->arena, sizeof(*node));

	for (i = 0; i < count; i++) {
		attributes[i] = i;
		fields[i].struct_size = sizeof(*fields);
		fields[i].name = resource->attributes[i]->name;
		fields[i].type = resource->attributes[i]->type;
		list[i] = &fields[i];
	}
	node->struct_size = sizeof(*node);
	node->kind = CONSORT_NODE_SCAN;
	node->resource = resource;
	node->nattributes = node->nfields = count;
	node->attributes = attributes;
	node->fields = list;
	return node;
}

struct consort_node *adapter_keyed(struct adapter_test *test, const char *resource, const char *select,
				  uint32_t nkeys)
{
	struct consort_logical logical;
	struct consort_node *root = adapter_tree(test, ADAPTER_QUERY(.resource = resource, .select = select),
						 &logical),
			    *scan = root;
	struct consort_node *node = consort_arena_alloc(&test->arena, sizeof(*node));
	const struct consort_expr **exprs = consort_arena_array(&test->arena, nkeys, sizeof(*exprs));
	const struct consort_node **inputs = consort_arena_array(&test->arena, 1, sizeof(*inputs));
	uint32_t i;

	while (scan->kind != CONSORT_NODE_SCAN)
		scan = (struct consort_node *)scan->inputs[0];
	for (i = 0; i < nkeys; i++) {
		struct consort_expr *expr = consort_arena_alloc(&test->arena, sizeof(*expr));

		expr->struct_size = sizeof(*expr);
		expr->kind = CONSORT_EXPR_COLUMN;
		expr->index = i;
		expr->type = scan->fields[i]->type;
		exprs[i] = expr;
	}
	inputs[0] = scan;
	node->struct_size = sizeof(*node);
	node->kind = CONSORT_NODE_KEYED;
	node->number = node->first_conjunct = scan->number + 1;
	node->fields = scan->fields;
	node->nfields = scan->nfields;
	node->inputs = inputs;
	node->ninputs = 1;
	node->exprs = exprs;
	node->nexprs = nkeys;
	return node;
}

struct consort_batch *adapter_keys(struct consort_type a, struct consort_type b, uint32_t nkeys, int64_t rows)
{
	struct consort_type types[2] = {a, b};

	return consort_batch_new(types, nkeys, rows, (uint64_t)1 << 20);
}

/* --- offers --- */

static uint32_t count_numbers(const struct consort_node *node)
{
	bool conjuncts = node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN;

	return node->first_conjunct + (conjuncts ? node->nexprs : 0);
}

uint32_t adapter_offer_tree(struct adapter_test *test, const struct consort_node *root)
{
	uint32_t count = count_numbers(root), i, status;
	struct consort_offer answer = {.struct_size = sizeof(answer), .count = count};

	answer.fidelity = consort_arena_array(&test->arena, count, 1);
	answer.reason = consort_arena_array(&test->arena, count, sizeof(*answer.reason));
	consort_buffer_reset(&test->text);
	status = test->plugin->query->offer(test->database, root, &answer, &test->error);
	for (i = 0; !status && i < count; i++)
		if (answer.fidelity[i] != CONSORT_FIDELITY_EXACT)
			consort_buffer_printf(&test->text, "%u: %s%s\n", i,
					      answer.fidelity[i] == CONSORT_FIDELITY_SUPERSET ? "superset: "
											      : "",
					      answer.reason[i] ? answer.reason[i] : "?");
	if (answer.flags & CONSORT_OFFER_KEYS_INDEXED)
		consort_buffer_text(&test->text, "indexed\n");
	return status;
}

uint32_t adapter_offer(struct adapter_test *test, struct adapter_query query)
{
	return adapter_offer_tree(test, must_tree(test, query));
}

/* --- cursors --- */

static struct consort_batch *batch_for(struct adapter_test *test, const struct consort_field *const *fields,
				       uint32_t nfields)
{
	return consort_batch_for_fields(fields, nfields, test->max_rows ? test->max_rows : 100);
}

static struct consort_type *types_of(struct adapter_test *test, struct consort_args args)
{
	struct consort_type *types = consort_arena_array(&test->arena, args.count, sizeof(*types));
	uint64_t i;

	for (i = 0; i < args.count; i++)
		types[i] = args.values[i].type;
	return types;
}

uint32_t adapter_begin_tree(struct adapter_test *test, const struct consort_node *root,
			    struct consort_args args, const struct consort_batch *keys,
			    struct adapter_cursor *cursor)
{
	struct consort_statement statement = {.struct_size = sizeof(statement),
					      .id = consort_next_id(),
					      .root = root,
					      .nparameters = (uint32_t)args.count,
					      .parameters = types_of(test, args),
					      .nkeys = keys ? keys->ncolumns : 0};
	struct consort_run run = {.struct_size = sizeof(run),
				  .nparameters = (uint32_t)args.count,
				  .parameters = args.values,
				  .keys = keys};
	uint32_t status;

	memset(cursor, 0, sizeof(*cursor));
	cursor->statement = copy(test, &statement, sizeof(statement));
	cursor->batch = batch_for(test, root->fields, root->nfields);
	consort_buffer_reset(&test->text);
	status = test->plugin->query->compile(test->database, cursor->statement, &cursor->compiled,
					      &test->error);
	if (!status)
		status = test->plugin->query->open(test->connection, &test->call, cursor->compiled, &run,
						   &cursor->cursor, &test->error);
	return status;
}

uint32_t adapter_begin(struct adapter_test *test, struct adapter_query query, struct adapter_cursor *cursor)
{
	return adapter_begin_tree(test, must_tree(test, query), query.args, NULL, cursor);
}

void adapter_print(struct adapter_test *test, const struct consort_batch *batch)
{
	struct consort_arena scratch;
	int64_t row;
	uint32_t i;

	consort_arena_init(&scratch, 0);
	for (row = 0; row < batch->nrows; row++) {
		for (i = 0; i < batch->ncolumns; i++) {
			struct consort_value value = consort_batch_value(batch, i, row, &scratch);

			if (i)
				consort_buffer_char(&test->text, '|');
			if (consort_value_is_null(&value))
				consort_buffer_text(&test->text, "NULL");
			consort_value_print(&value, &test->text);
		}
		consort_buffer_char(&test->text, '\n');
	}
	consort_arena_clear(&scratch);
}

uint32_t adapter_next(struct adapter_test *test, struct adapter_cursor *cursor)
{
	uint32_t status;

	consort_batch_reset(cursor->batch);
	status = test->plugin->query->next(cursor->cursor, &test->call, cursor->batch, &test->error);
	if (!status)
		ADAPTER_MUST(test, !consort_batch_check(cursor->batch, &test->error));
	return status;
}

uint32_t adapter_next_text(struct adapter_test *test, struct adapter_cursor *cursor, int64_t *out_rows)
{
	uint32_t status = adapter_next(test, cursor);

	if (status)
		return status;
	adapter_print(test, cursor->batch);
	*out_rows = cursor->batch->nrows;
	return CONSORT_OK;
}

static bool more(const struct adapter_cursor *cursor)
{
	return cursor->batch->nrows && !(cursor->batch->flags & CONSORT_BATCH_LAST);
}

uint32_t adapter_read(struct adapter_test *test, struct adapter_cursor *cursor)
{
	uint32_t status;
	int64_t rows;

	do
		status = adapter_next_text(test, cursor, &rows);
	while (!status && more(cursor));
	return status;
}

uint32_t adapter_drain(struct adapter_test *test, struct adapter_cursor *cursor, int64_t *out_rows)
{
	uint32_t status;

	*out_rows = 0;
	do {
		status = adapter_next(test, cursor);
		*out_rows += status ? 0 : cursor->batch->nrows;
	} while (!status && more(cursor));
	return status;
}

void adapter_end(struct adapter_test *test, struct adapter_cursor *cursor)
{
	if (cursor->cursor)
		test->plugin->query->close(cursor->cursor);
	if (cursor->compiled)
		test->plugin->query->compiled_free(test->database, cursor->compiled);
	consort_batch_free(cursor->batch);
	memset(cursor, 0, sizeof(*cursor));
}

/* --- queries as a whole --- */

uint32_t adapter_run(struct adapter_test *test, struct adapter_query query)
{
	struct consort_node *root = must_tree(test, query);
	struct adapter_cursor cursor;
	uint32_t status = adapter_offer_tree(test, root);

	if (status || test->text.size) {
		fprintf(stderr, "not taken: %s%s", test->text.data, status ? test->error.message : "");
		CU_FAIL("the query is not taken whole");
		return CONSORT_EUNSUPPORTED;
	}
	status = adapter_begin_tree(test, root, query.args, NULL, &cursor);
	if (!status)
		status = adapter_read(test, &cursor);
	adapter_end(test, &cursor);
	return status;
}

static uint32_t take_text(void *context, const char *text, uint64_t size)
{
	consort_buffer_append(context, text, size);
	return CONSORT_OK;
}

uint32_t adapter_explain_tree(struct adapter_test *test, const struct consort_node *root,
			      struct consort_args args)
{
	struct consort_text_sink sink = {&test->text, take_text};
	struct adapter_cursor cursor;
	uint32_t status = adapter_begin_tree(test, root, args, NULL, &cursor);

	if (!status)
		status = test->plugin->query->explain(test->database, cursor.compiled, &sink, &test->error);
	adapter_end(test, &cursor);
	return status;
}

uint32_t adapter_explain(struct adapter_test *test, struct adapter_query query)
{
	return adapter_explain_tree(test, must_tree(test, query), query.args);
}

uint32_t adapter_native(struct adapter_test *test, const char *statement, struct consort_args args,
			int64_t *out_affected)
{
	struct consort_run run = {
		.struct_size = sizeof(run), .nparameters = (uint32_t)args.count, .parameters = args.values};
	const struct consort_field *const *fields = NULL;
	struct adapter_cursor cursor = {0};
	uint32_t nfields = 0, status;

	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	status = test->plugin->native->open(test->connection, &test->call, statement, &run, &cursor.cursor,
					    &fields, &nfields, out_affected, &test->error);
	if (status)
		return status;
	if (nfields) {
		cursor.batch = batch_for(test, fields, nfields);
		status = adapter_read(test, &cursor);
	}
	adapter_end(test, &cursor);
	return status;
}

uint32_t adapter_do(struct adapter_test *test, const char *statement)
{
	int64_t affected;

	return adapter_native(test, statement, CONSORT_NO_ARGS, &affected);
}
