/* SPDX-License-Identifier: Apache-2.0 */
/* Offers and compiled plans. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* --- offer --- */

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	struct consort_arena arena;
	struct mongo_builder builder = {.arena = &arena, .error = error, .offer = answer};

	(void)database;
	consort_arena_init(&arena, 0);
	mongo_relation_of(&builder, tree);
	consort_arena_clear(&arena);
	return builder.status;
}

/* --- compile --- */

/* The columns of the plan, and behind them those whose values are only looked at. */
static uint32_t count_columns(const struct mongo_relation *relation)
{
	return relation->nterms + (relation->grouped ? 0 : relation->nbase);
}

static void set_column(struct mongo_column *column, const struct mongo_term *term, uint32_t place)
{
	mongo_column_set(column, term->path, term->storage, term->type);
	if (term->storage.codec == MONGO_REST)
		column->key_size = SIZE_MAX; /* it is no field's */
	column->place = place;
	column->attribute = term->name;
	column->resource = term->resource ? term->resource->name : "";
	column->strict = term->computed;
	column->zero = term->counts;
	column->required = term->resource && !term->nullable;
}

static bool is_delivered(const struct mongo_relation *relation, const struct mongo_term *term)
{
	uint32_t i;

	for (i = 0; i < relation->nterms; i++)
		if (relation->terms[i] == term)
			return true;
	return false;
}

static uint32_t add_columns(struct mongo_compiled *compiled, const struct mongo_relation *relation,
			    struct consort_error *error)
{
	struct mongo_column *columns =
		consort_arena_array(&compiled->arena, count_columns(relation), sizeof(*columns));
	uint32_t i;

	if (!columns)
		return consort_error_no_memory(error);
	for (i = 0; i < relation->nterms; i++)
		set_column(&columns[compiled->ncolumns++], relation->terms[i], i);
	for (i = 0; i < relation->nbase && !relation->grouped; i++) {
		const struct mongo_term *term = relation->base[i];

		if (term->used && !term->nested && !is_delivered(relation, term))
			set_column(&columns[compiled->ncolumns++], term, NONE);
	}
	mongo_columns_link(columns, compiled->ncolumns);
	compiled->columns = columns;
	return CONSORT_OK;
}

/* Are the stages conditions, then perhaps an order, then perhaps a limit? */
static void find_if_so(struct mongo_compiled *compiled)
{
	const struct mongo_stage *stage = compiled->stages;

	while (stage && (stage->kind == MONGO_STAGE_MATCH || stage->kind == MONGO_STAGE_KEYS))
		stage = stage->next;
	if (stage && stage->kind == MONGO_STAGE_SORT && !stage->ranks) {
		compiled->sort = stage;
		stage = stage->next;
	}
	if (stage && stage->kind == MONGO_STAGE_LIMIT) {
		compiled->limit = stage;
		stage = stage->next;
	}
	compiled->finds = !stage;
}

/* Is the one condition that a unique field is equal to a constant? */
static bool is_single(const struct mongo_relation *relation)
{
	const struct mongo_stage *stage = relation->stages;
	const struct mongo_term *term;
	const struct consort_expr *expr;

	if (relation->lone)
		return true;
	if (!stage || stage->kind != MONGO_STAGE_MATCH || stage->nexprs != 1 || stage->next)
		return false;
	expr = stage->exprs[0];
	if (expr->kind != CONSORT_EXPR_CALL || expr->op != CONSORT_OP_EQ)
		return false;
	term = mongo_term_of(stage->terms, stage->nterms,
			     expr->args[0]->kind == CONSORT_EXPR_COLUMN ? expr->args[0] : expr->args[1]);
	return term && !strcmp(term->path, "_id");
}

static void take_keys(struct mongo_compiled *compiled)
{
	const struct mongo_stage *stage;

	for (stage = compiled->stages; stage; stage = stage->next)
		if (stage->kind == MONGO_STAGE_KEYS)
			compiled->keys = stage;
}

static uint32_t take_stored(struct mongo_compiled *compiled, struct consort_error *error)
{
	const struct consort_node *node = compiled->change;
	uint32_t status = CONSORT_OK, i;

	compiled->stored =
		consort_arena_array(&compiled->arena, node->nattributes, sizeof(*compiled->stored));
	if (!compiled->stored)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < node->nattributes; i++)
		status = mongo_storage_of(node->resource, node->resource->attributes[node->attributes[i]],
					  &compiled->stored[i], error);
	return status;
}

static uint32_t compile(struct mongo_compiled *compiled, const struct consort_statement *statement,
			struct consort_error *error)
{
	struct mongo_builder builder = {.arena = &compiled->arena, .error = error};
	struct mongo_relation *relation;
	uint32_t status;

	if (statement->flags)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of a statement",
					 (unsigned)statement->flags);
	relation = mongo_relation_of(&builder, statement->root);
	if (builder.status)
		return builder.status;
	compiled->id = statement->id;
	compiled->resource = relation->resource;
	compiled->stages = relation->stages;
	compiled->lone = relation->lone;
	compiled->single = is_single(relation);
	compiled->texts = builder.texts;
	compiled->nkeys = statement->nkeys;
	take_keys(compiled);
	if (statement->root->kind == CONSORT_NODE_UPDATE || statement->root->kind == CONSORT_NODE_DELETE) {
		compiled->change = statement->root;
		return take_stored(compiled, error);
	}
	find_if_so(compiled);
	status = add_columns(compiled, relation, error);
	if (!status)
		mongo_make_tail(compiled, relation->grouped);
	return status;
}

static void query_compiled_free(void *database, void *context)
{
	struct mongo_compiled *compiled = context;

	(void)database;
	bson_destroy(&compiled->tail);
	consort_arena_clear(&compiled->arena);
	free(compiled);
}

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	struct mongo_compiled *compiled = mongo_alloc(sizeof(*compiled));
	uint32_t status;

	if (!compiled)
		return consort_error_no_memory(error);
	consort_arena_init(&compiled->arena, 0);
	bson_init(&compiled->tail);
	status = compile(compiled, statement, error);
	if (status) {
		query_compiled_free(database, compiled);
		return status;
	}
	*out_compiled = compiled;
	return CONSORT_OK;
}

/* The command as JSON, with $1 where a parameter's value would be. */
static uint32_t query_explain(void *database, void *context, const struct consort_text_sink *sink,
			      struct consort_error *error)
{
	const struct mongo_compiled *compiled = context;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	bson_t command = BSON_INITIALIZER;
	uint32_t status;

	(void)database;
	status = compiled->change ? mongo_change_of(compiled, NULL, NULL, &command, error)
				  : mongo_command_of(compiled, NULL, NULL, &command, error);
	if (!status)
		status = mongo_print_rest(bson_get_data(&command), command.len, NULL, NULL, &text, error);
	if (!status) {
		status = sink->write(sink->context, text.data, text.size);
		if (status)
			consort_error_set(error, status, "what would be sent could not be written");
	}
	consort_buffer_clear(&text);
	bson_destroy(&command);
	return status;
}

/* --- running --- */

/* The commands of all keys, since these are gone when open returns. */
static uint32_t make_commands(struct mongo_cursor *cursor, const struct mongo_compiled *compiled,
			      const struct consort_run *run, struct consort_error *error)
{
	struct mongo_keys keys = {.batch = run->keys};
	uint32_t status = CONSORT_OK, room = 0;

	if (!run->keys || run->keys->ncolumns != compiled->nkeys)
		return consort_error_set(error, CONSORT_EINVAL, "the key set is missing or of another width");
	while (!status && keys.from < run->keys->nrows) {
		keys.to = mongo_keys_until(run->keys, keys.from);
		if (cursor->ncommands == room) {
			bson_t **more = realloc(cursor->commands, (room = room * 2 + 1) * sizeof(*more));

			if (!more)
				return consort_error_no_memory(error);
			cursor->commands = more;
		}
		cursor->commands[cursor->ncommands] = bson_new();
		status = mongo_command_of(compiled, run, &keys, cursor->commands[cursor->ncommands++], error);
		keys.from = keys.to;
	}
	return status;
}

static uint32_t start(struct mongo_cursor *cursor, const struct mongo_compiled *compiled,
		      const struct consort_run *run, struct consort_error *error)
{
	bson_t command = BSON_INITIALIZER;
	uint32_t status;

	cursor->compiled = compiled;
	cursor->reader.resource = compiled->resource;
	if (compiled->keys) {
		status = make_commands(cursor, compiled, run, error);
		if (!status && !cursor->ncommands)
			cursor->done = true;
		else if (!status)
			status = mongo_cursor_run(cursor, MONGO_READ, cursor->commands[cursor->command++],
						  compiled->resource, error);
	} else {
		status = mongo_command_of(compiled, run, NULL, &command, error);
		if (!status && compiled->single)
			mongo_add_time(cursor->conn, &command);
		if (!status)
			status = mongo_cursor_run(cursor, MONGO_READ, &command, compiled->resource, error);
	}
	bson_destroy(&command);
	return status;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *context,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct mongo_connection *conn = connection;
	const struct mongo_compiled *compiled = context;
	struct mongo_cursor *cursor = NULL;
	uint32_t status = mongo_enter(conn, call, error);

	if (CONSORT_UNLIKELY(status))
		return status;
	cursor = mongo_cursor_new(conn);
	if (!cursor || !mongo_reader_init(&cursor->reader, compiled->columns, compiled->ncolumns))
		status = consort_error_no_memory(error);
	if (!status)
		status = start(cursor, compiled, run, error);
	mongo_leave(conn);
	if (CONSORT_UNLIKELY(status)) {
		if (cursor)
			mongo_cursor_close(cursor);
		return status;
	}
	*out_cursor = cursor;
	return CONSORT_OK;
}

const struct consort_query_ops mongo_query_ops = {
	.struct_size = sizeof(mongo_query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = query_compiled_free,
	.open = query_open,
	.next = mongo_cursor_next,
	.close = mongo_cursor_close,
	.execute = mongo_execute,
	.explain = query_explain,
};
