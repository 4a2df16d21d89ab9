/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers and compiled statements. Redis finds records by their keys: what compares all of a key's attributes
 * with constants is a lookup, and everything else the core does over what a scan gives.
 */
#include "index.h"
#include "items.h"

#include <stdlib.h>

#define LOOKUPS_MOST 65536 /* keys that constants may stand for */

static const char by_index[] = "a record may have changed since the index was read; the core looks again";
static const char not_keys[] = "Redis finds records by their whole key; the core does the rest";

/* --- offer --- */

bool redis_is_constant(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER;
}

/* Is this conjunct "column = constant" or "column in (constants)" for the attribute? */
static bool chooses(const struct consort_node *scan, const struct consort_expr *expr, uint32_t attribute,
		    struct redis_choice *out_choice)
{
	const struct consort_expr *column;
	uint32_t first = 1, count, i;

	if (expr->kind != CONSORT_EXPR_CALL || expr->nargs < 2 ||
	    (expr->op != CONSORT_OP_EQ && expr->op != CONSORT_OP_IN))
		return false;
	column = expr->args[0];
	count = expr->nargs - 1;
	if (expr->op == CONSORT_OP_EQ && redis_is_constant(column)) { /* the other way round */
		column = expr->args[1];
		first = 0;
		count = 1;
	}
	if (column->kind != CONSORT_EXPR_COLUMN || column->index >= scan->nattributes ||
	    scan->attributes[column->index] != attribute)
		return false;
	for (i = first; i < first + count; i++)
		if (!redis_is_constant(expr->args[i]) ||
		    !consort_type_equal(expr->args[i]->type, column->type))
			return false;
	out_choice->count = count;
	out_choice->constants = expr->args + first;
	return true;
}

/* Which conjunct chooses the attribute; nexprs: none. */
static uint32_t find_choice(const struct consort_node *filter, uint32_t attribute,
			    struct redis_choice *out_choice)
{
	uint32_t i;

	for (i = 0; i < filter->nexprs; i++)
		if (chooses(filter->inputs[0], filter->exprs[i], attribute, out_choice))
			break;
	return i;
}

/* How many keys the constants stand for; 0: some attribute has none, or they are too many. */
static uint64_t count_lookups(const struct consort_node *filter)
{
	const struct consort_resource *resource = filter->inputs[0]->resource;
	struct redis_choice choice;
	uint64_t product = resource->nkeys > 0 && !redis_is_item(redis_record_of(resource));
	uint32_t i;

	for (i = 0; product && i < resource->nkeys; i++) {
		if (find_choice(filter, resource->keys[i], &choice) == filter->nexprs)
			return 0;
		product *= choice.count;
		if (product > LOOKUPS_MOST)
			return 0;
	}
	return product;
}

/* Is there an index for it, or a command that finds items by it? */
static bool condition_serves(const struct consort_node *scan, const struct redis_condition *condition)
{
	return redis_is_item(redis_record_of(scan->resource))
		       ? redis_items_serve(scan, condition)
		       : redis_is_indexed(scan->resource, condition->attribute);
}

static bool is_served(const struct consort_node *filter, uint32_t conjunct, struct redis_condition *out)
{
	const struct consort_node *scan = filter->inputs[0];

	return redis_condition_of(scan, filter->exprs[conjunct], out) && condition_serves(scan, out);
}

static void offer_conditions(const struct consort_node *filter, struct consort_offer *answer)
{
	struct redis_condition condition;
	uint32_t i;

	for (i = 0; i < filter->nexprs; i++) {
		if (!is_served(filter, i, &condition))
			continue;
		answer->fidelity[filter->first_conjunct + i] = CONSORT_FIDELITY_SUPERSET;
		answer->reason[filter->first_conjunct + i] = by_index;
	}
}

static void offer_filter(const struct consort_node *filter, struct consort_offer *answer)
{
	const struct consort_resource *resource = filter->inputs[0]->resource;
	uint64_t product = count_lookups(filter);
	struct redis_choice choice;
	uint32_t i;

	if (!product) {
		offer_conditions(filter, answer);
		return;
	}
	for (i = 0; i < resource->nkeys; i++) {
		uint32_t conjunct = filter->first_conjunct + find_choice(filter, resource->keys[i], &choice);

		answer->fidelity[conjunct] = CONSORT_FIDELITY_EXACT;
		answer->reason[conjunct] = NULL;
	}
	answer->estimated_rows = (double)product;
}

/* Are the key set's columns the key's attributes, each once? */
static bool is_keyed(const struct consort_node *keyed)
{
	const struct consort_node *scan = keyed->inputs[0];
	const struct consort_resource *resource = scan->resource;
	uint32_t i, j;

	if (keyed->nexprs != resource->nkeys || redis_is_item(redis_record_of(resource)))
		return false;
	for (i = 0; i < resource->nkeys; i++) {
		for (j = 0; j < keyed->nexprs; j++)
			if (keyed->exprs[j]->kind == CONSORT_EXPR_COLUMN &&
			    keyed->exprs[j]->index < scan->nattributes &&
			    scan->attributes[keyed->exprs[j]->index] == resource->keys[i])
				break;
		if (j == keyed->nexprs)
			return false;
	}
	return true;
}

/* The first of the key set's columns that is indexed; nexprs: none is. */
static uint32_t find_indexed(const struct consort_node *keyed)
{
	const struct consort_node *scan = keyed->inputs[0];
	struct redis_condition one = {.op = CONSORT_OP_IN};
	uint32_t i;

	for (i = 0; i < keyed->nexprs; i++) {
		if (keyed->exprs[i]->kind != CONSORT_EXPR_COLUMN ||
		    keyed->exprs[i]->index >= scan->nattributes)
			continue;
		one.attribute = scan->attributes[keyed->exprs[i]->index];
		if (condition_serves(scan, &one))
			break;
	}
	return i;
}

static void offer_node(const struct consort_node *node, struct consort_offer *answer)
{
	uint32_t i;

	if (node->ninputs == 1 && node->inputs[0]->kind == CONSORT_NODE_SCAN) {
		if (node->kind == CONSORT_NODE_FILTER)
			offer_filter(node, answer);
		if (node->kind == CONSORT_NODE_KEYED && is_keyed(node)) {
			answer->fidelity[node->number] = CONSORT_FIDELITY_EXACT;
			answer->reason[node->number] = NULL;
			answer->flags |= CONSORT_OFFER_KEYS_INDEXED;
		} else if (node->kind == CONSORT_NODE_KEYED && find_indexed(node) < node->nexprs) {
			answer->fidelity[node->number] = CONSORT_FIDELITY_SUPERSET;
			answer->reason[node->number] = by_index;
			answer->flags |= CONSORT_OFFER_KEYS_INDEXED;
		}
	}
	for (i = 0; i < node->ninputs; i++)
		offer_node(node->inputs[i], answer);
}

static uint32_t query_offer(void *database, const struct consort_node *tree, struct consort_offer *answer,
			    struct consort_error *error)
{
	(void)database;
	(void)error;
	consort_offer_scan(tree, answer, not_keys);
	offer_node(tree, answer);
	return CONSORT_OK;
}

/* --- compile --- */

static void query_compiled_free(void *database, void *context)
{
	struct redis_compiled *compiled = context;

	(void)database;
	redis_layout_free(compiled->layout);
	consort_buffer_clear(&compiled->words);
	consort_arena_clear(&compiled->arena);
	free(compiled);
}

static uint32_t take_conditions(struct redis_compiled *compiled, const struct consort_node *filter,
				struct consort_error *error)
{
	struct redis_condition *conditions =
		consort_arena_array(&compiled->arena, filter->nexprs, sizeof(*conditions));
	uint32_t i;

	if (!conditions)
		return consort_error_no_memory(error);
	for (i = 0; i < filter->nexprs; i++)
		if (!is_served(filter, i, &conditions[i]))
			return consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", not_keys);
	compiled->access = REDIS_ACCESS_INDEX;
	compiled->conditions = conditions;
	compiled->nconditions = filter->nexprs;
	return CONSORT_OK;
}

static uint32_t take_filter(struct redis_compiled *compiled, const struct consort_node *filter,
			    struct consort_error *error)
{
	const struct redis_layout *layout = compiled->layout;
	struct redis_choice *choices = consort_arena_array(&compiled->arena, layout->nkeys, sizeof(*choices));
	uint32_t i;

	if (!choices)
		return consort_error_no_memory(error);
	if (!count_lookups(filter))
		return take_conditions(compiled, filter, error);
	for (i = 0; i < layout->nkeys; i++)
		if (find_choice(filter, layout->keys[i], &choices[i]) == filter->nexprs)
			return consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", not_keys);
	compiled->access = REDIS_ACCESS_KEYS;
	compiled->choices = choices;
	return CONSORT_OK;
}

static uint32_t take_indexed(struct redis_compiled *compiled, const struct consort_node *keyed,
			     struct consort_error *error)
{
	struct redis_condition *condition = consort_arena_alloc(&compiled->arena, sizeof(*condition));
	uint32_t *from = consort_arena_alloc(&compiled->arena, sizeof(*from));

	if (!condition || !from)
		return consort_error_no_memory(error);
	*from = find_indexed(keyed);
	if (*from == keyed->nexprs)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", not_keys);
	condition->attribute = keyed->inputs[0]->attributes[keyed->exprs[*from]->index];
	condition->op = CONSORT_OP_IN;
	compiled->access = REDIS_ACCESS_INDEX_KEYED;
	compiled->conditions = condition;
	compiled->nconditions = 1;
	compiled->from = from;
	return CONSORT_OK;
}

static uint32_t take_keyed(struct redis_compiled *compiled, const struct consort_node *keyed,
			   struct consort_error *error)
{
	const struct consort_node *scan = keyed->inputs[0];
	const struct redis_layout *layout = compiled->layout;
	uint32_t *from = consort_arena_array(&compiled->arena, layout->nkeys, sizeof(*from)), i, j;

	if (!from)
		return consort_error_no_memory(error);
	if (!is_keyed(keyed))
		return take_indexed(compiled, keyed, error);
	for (i = 0; i < layout->nkeys; i++)
		for (j = 0; j < keyed->nexprs; j++)
			if (scan->attributes[keyed->exprs[j]->index] == layout->keys[i])
				from[i] = j;
	compiled->access = REDIS_ACCESS_KEYED;
	compiled->from = from;
	return CONSORT_OK;
}

/* HMGET's arguments behind the key, written once. */
static void write_words(struct redis_compiled *compiled)
{
	uint32_t i;

	for (i = 0; i < compiled->nfields; i++) {
		const struct redis_attribute *own = &compiled->layout->attributes[compiled->fields[i]];

		consort_buffer_printf(&compiled->words, "$%u\r\n%s\r\n", own->field_size, own->field);
	}
}

/* What has to be fetched for the columns: a key's parts stand in the key itself. */
static uint32_t take_columns(struct redis_compiled *compiled, const struct consort_node *scan,
			     struct consort_error *error)
{
	uint32_t *fields = consort_arena_array(&compiled->arena, scan->nattributes, sizeof(*fields));
	uint32_t *columns = consort_arena_array(&compiled->arena, scan->nattributes, sizeof(*columns));
	uint32_t *parts = consort_arena_array(&compiled->arena, scan->nattributes, sizeof(*parts)), i;

	if (!fields || !columns || !parts)
		return consort_error_no_memory(error);
	compiled->expires = -1;
	compiled->attributes = scan->attributes;
	compiled->ncolumns = scan->nattributes;
	for (i = 0; i < scan->nattributes; i++) {
		const struct redis_attribute *own = &compiled->layout->attributes[scan->attributes[i]];

		if (own->part >= 0) {
			parts[compiled->nparts++] = i;
		} else if (own->codec == REDIS_CODEC_EXPIRES) {
			compiled->expires = (int32_t)i;
		} else {
			fields[compiled->nfields] = scan->attributes[i];
			columns[compiled->nfields++] = i;
		}
	}
	compiled->fields = fields;
	compiled->columns = columns;
	compiled->parts = parts;
	write_words(compiled);
	return compiled->words.failed ? consort_error_no_memory(error) : CONSORT_OK;
}

static uint32_t compile(struct redis_compiled *compiled, const struct consort_node *root,
			struct consort_error *error)
{
	const struct consort_node *scan = root->ninputs ? root->inputs[0] : root;
	uint32_t status;

	if (scan->kind != CONSORT_NODE_SCAN)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", not_keys);
	status = redis_layout_make(scan->resource, &compiled->layout, error);
	if (!status)
		status = take_columns(compiled, scan, error);
	if (!status && root->kind == CONSORT_NODE_FILTER)
		return take_filter(compiled, root, error);
	if (!status && root->kind == CONSORT_NODE_KEYED)
		return take_keyed(compiled, root, error);
	if (!status && root != scan)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", not_keys);
	return status;
}

static uint32_t query_compile(void *database, const struct consort_statement *statement, void **out_compiled,
			      struct consort_error *error)
{
	struct redis_compiled *compiled;
	uint32_t status;

	if (statement->flags)
		return consort_error_set(error, CONSORT_EUNSUPPORTED, "unknown flags %#x of a statement",
					 (unsigned)statement->flags);
	compiled = calloc(1, sizeof(*compiled));
	if (!compiled)
		return consort_error_no_memory(error);
	consort_arena_init(&compiled->arena, 0);
	status = compile(compiled, statement->root, error);
	if (status) {
		query_compiled_free(database, compiled);
		return status;
	}
	*out_compiled = compiled;
	return CONSORT_OK;
}

/* --- explain --- */

static void explain_fetch(const struct redis_compiled *compiled, struct consort_buffer *out)
{
	const struct redis_layout *layout = compiled->layout;
	uint32_t i;

	if (!compiled->nfields)
		consort_buffer_text(out, layout->record == REDIS_JSON ? "STRLEN" : "HLEN");
	else
		consort_buffer_text(out, layout->record == REDIS_JSON ? "GET" : "HMGET");
	consort_buffer_printf(out, " %s<key>%s", layout->head, layout->tail);
	for (i = 0; layout->record == REDIS_HASH && i < compiled->nfields; i++)
		consort_buffer_printf(out, " %s", layout->attributes[compiled->fields[i]].field);
	if (compiled->expires >= 0)
		consort_buffer_printf(out, "; PEXPIRETIME %s<key>%s", layout->head, layout->tail);
}

/* The indexes that could be read. */
static void explain_indexes(const struct redis_compiled *compiled, struct consort_buffer *out)
{
	const struct redis_layout *layout = compiled->layout;
	const char *between = "ZRANGEBYLEX ";
	uint32_t i, j;

	for (i = 0; i < layout->nindexes; i++) {
		for (j = 0; j < compiled->nconditions; j++)
			if (compiled->conditions[j].attribute == layout->indexes[i].attribute)
				break;
		if (j == compiled->nconditions)
			continue;
		consort_buffer_printf(out, "%s%s", between, layout->indexes[i].entries);
		between = " or ";
	}
	consort_buffer_text(out, "; ");
}

static void explain_records(const struct redis_compiled *compiled, int64_t page, struct consort_buffer *out)
{
	bool scans = compiled->access == REDIS_ACCESS_SCAN;

	if (scans) {
		consort_buffer_text(out, "SCAN MATCH ");
		redis_key_pattern(compiled->layout, out);
		consort_buffer_printf(out, " COUNT %lld TYPE %s", (long long)page,
				      redis_record_noun(compiled->layout->record));
	}
	if (compiled->conditions)
		explain_indexes(compiled, out);
	if (scans && !compiled->nfields && compiled->expires < 0)
		return;
	consort_buffer_text(out, scans ? "; for each key " : "for each key ");
	explain_fetch(compiled, out);
}

static uint32_t query_explain(void *database, void *context, const struct consort_text_sink *sink,
			      struct consort_error *error)
{
	const struct redis_compiled *compiled = context;
	const struct redis_layout *layout = compiled->layout;
	int64_t page = ((const struct redis_database *)database)->page;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t status;

	if (redis_is_item(layout->record))
		redis_items_explain(compiled, page, &text);
	else
		explain_records(compiled, page, &text);
	status = text.failed ? consort_error_no_memory(error)
			     : sink->write(sink->context, text.data, text.size);
	consort_buffer_clear(&text);
	return status;
}

static uint32_t query_open(void *connection, const struct consort_call *call, void *compiled,
			   const struct consort_run *run, void **out_cursor, struct consort_error *error)
{
	struct redis_connection *conn = connection;
	bool items = redis_is_item(((const struct redis_compiled *)compiled)->layout->record);
	uint32_t status = redis_enter(conn, call, error);

	if (status)
		return status;
	status = (items ? redis_items_open : redis_cursor_open)(conn, compiled, run, out_cursor, error);
	redis_leave(conn);
	return status;
}

static uint32_t query_next(void *context, const struct consort_call *call, struct consort_batch *batch,
			   struct consort_error *error)
{
	struct redis_cursor *cursor = context;

	return cursor->next(cursor, call, batch, error);
}

static void query_close(void *context)
{
	struct redis_cursor *cursor = context;

	cursor->close(cursor);
}

const struct consort_query_ops redis_query_ops = {
	.struct_size = sizeof(redis_query_ops),
	.offer = query_offer,
	.compile = query_compile,
	.compiled_free = query_compiled_free,
	.open = query_open,
	.next = query_next,
	.close = query_close,
	.explain = query_explain,
};
