/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What indexes find. Conditions and sets of keys become ranges of entries; one script reads those of the
 * index that finds the fewest, all at one moment, so that no record is missed which moves from one range to
 * another meanwhile. The core looks at each record again, as it is when it is read.
 */
#include "index.h"
#include "query.h"

#include <stdio.h>

#define FOUND_MOST 100000 /* entries: how long the server does nothing else, and what we hold */
#define BEHIND '\2'	  /* in place of an entry's last byte: behind all entries of its value */

/* --- conditions --- */

/* The same comparison with the sides changed. */
static uint32_t turned(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_LT:
		return CONSORT_OP_GT;
	case CONSORT_OP_LE:
		return CONSORT_OP_GE;
	case CONSORT_OP_GT:
		return CONSORT_OP_LT;
	case CONSORT_OP_GE:
		return CONSORT_OP_LE;
	default:
		return op;
	}
}

static bool is_served(uint32_t op)
{
	return op == CONSORT_OP_EQ || op == CONSORT_OP_LT || op == CONSORT_OP_LE || op == CONSORT_OP_GT ||
	       op == CONSORT_OP_GE || op == CONSORT_OP_IN || op == CONSORT_OP_LIKE;
}

/* Constants of decimals may have other scales. */
static bool is_comparable(struct consort_type type, const struct consort_expr *constant)
{
	return redis_is_constant(constant) &&
	       (type.id == CONSORT_TYPE_DECIMAL ? constant->type.id == type.id
						: consort_type_equal(constant->type, type));
}

bool redis_condition_of(const struct consort_node *scan, const struct consort_expr *expr,
			struct redis_condition *out)
{
	uint32_t op = expr->op, first = 1, i;
	const struct consort_expr *column;

	if (expr->kind != CONSORT_EXPR_CALL || expr->nargs < 2 || !is_served(op))
		return false;
	column = expr->args[0];
	if (expr->nargs == 2 && op != CONSORT_OP_IN && op != CONSORT_OP_LIKE &&
	    column->kind != CONSORT_EXPR_COLUMN) {
		column = expr->args[1];
		first = 0;
		op = turned(op);
	}
	if (column->kind != CONSORT_EXPR_COLUMN || column->index >= scan->nattributes)
		return false;
	out->count = first ? expr->nargs - 1 : 1;
	for (i = 0; i < out->count; i++)
		if (!is_comparable(column->type, expr->args[first + i]))
			return false;
	out->attribute = scan->attributes[column->index];
	out->op = op;
	out->constants = expr->args + first;
	return true;
}

/* --- ranges --- */

/* A call of the script. */
struct seek {
	const struct redis_compiled *compiled;
	const struct consort_run *run;
	struct consort_buffer keys, args, ranges, entry;
	uint32_t nkeys, nargs, nranges;
	struct consort_error *error;
};

static void add_range(struct seek *seek, const struct consort_buffer *min, const struct consort_buffer *max)
{
	redis_append_arg(&seek->ranges, min->data, min->size);
	redis_append_arg(&seek->ranges, max->data, max->size);
	seek->nranges++;
}

/* "[" or "(" and where the entries of the value begin, or end. */
static void make_bound(char kind, const struct consort_buffer *entry, bool behind, struct consort_buffer *out)
{
	consort_buffer_reset(out);
	consort_buffer_char(out, kind);
	consort_buffer_append(out, entry->data, entry->size);
	if (behind && !out->failed)
		out->data[out->size - 1] = BEHIND;
}

/* The value as it stands in entries of the attribute; false: none is the same. */
static bool make_entry(struct seek *seek, uint32_t attribute, const struct consort_value *value)
{
	struct consort_type type = seek->compiled->layout->attributes[attribute].type;
	struct consort_value own = *value;

	if (type.id == CONSORT_TYPE_DECIMAL &&
	    consort_decimal_rescale(value->as.decimal, value->type.scale, type.scale, &own.as.decimal))
		return false;
	consort_buffer_reset(&seek->entry);
	redis_index_value(&own, &seek->entry);
	return true;
}

static void add_point(struct seek *seek, uint32_t attribute, const struct consort_value *value)
{
	struct consort_buffer min = CONSORT_BUFFER_INIT, max = CONSORT_BUFFER_INIT;

	if (consort_value_is_null(value) || !make_entry(seek, attribute, value))
		return;
	make_bound('[', &seek->entry, false, &min);
	make_bound('(', &seek->entry, true, &max);
	add_range(seek, &min, &max);
	seek->ranges.failed |= min.failed || max.failed;
	consort_buffer_clear(&min);
	consort_buffer_clear(&max);
}

static int compare(const struct consort_buffer *a, const struct consort_buffer *b)
{
	size_t size = a->size < b->size ? a->size : b->size;
	int order = size ? memcmp(a->data, b->data, size) : 0;

	return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* What a range is narrowed to. */
struct bounds {
	struct consort_buffer min, max, next;
	bool empty;
};

/* The next bound in place of `old`, if it is nearer: greater for the lower one. */
static void narrow(struct bounds *bounds, struct consort_buffer *old, int sign)
{
	struct consort_buffer spare = *old;

	if (bounds->next.failed || compare(&bounds->next, old) * sign <= 0)
		return;
	*old = bounds->next;
	bounds->next = spare;
}

/* The text that a pattern begins with. False: the pattern is an error, for every record. */
static bool take_prefix(struct consort_view pattern, struct consort_buffer *out)
{
	bool literal = true;
	uint64_t i;

	for (i = 0; i < pattern.size; i++) {
		char character = pattern.data[i];

		if (character == '\\' && ++i == pattern.size)
			return false;
		literal &= character != '%' && character != '_';
		if (literal)
			consort_buffer_char(out, pattern.data[i]);
	}
	return true;
}

static void narrow_to_prefix(struct seek *seek, const struct consort_value *pattern, struct bounds *bounds)
{
	struct consort_buffer prefix = CONSORT_BUFFER_INIT;

	if (take_prefix(pattern->as.view, &prefix) && prefix.size) {
		struct consort_value value = consort_text_n(prefix.data, prefix.size);

		consort_buffer_reset(&seek->entry);
		redis_index_value(&value, &seek->entry);
		seek->entry.size -= seek->entry.failed ? 0 : REDIS_INDEX_END;
		make_bound('[', &seek->entry, false, &bounds->next);
		narrow(bounds, &bounds->min, 1);
		make_bound('(', &seek->entry, false, &bounds->next);
		consort_buffer_char(&bounds->next, '\xff');
		narrow(bounds, &bounds->max, -1);
	}
	seek->entry.failed |= prefix.failed;
	consort_buffer_clear(&prefix);
}

static void narrow_to(struct seek *seek, const struct redis_condition *condition,
		      const struct consort_value *value, struct bounds *bounds)
{
	bool below = condition->op == CONSORT_OP_LT || condition->op == CONSORT_OP_LE;

	if (consort_value_is_null(value)) {
		bounds->empty = true;
	} else if (condition->op == CONSORT_OP_LIKE) {
		narrow_to_prefix(seek, value, bounds);
	} else if (make_entry(seek, condition->attribute, value)) {
		make_bound(below ? '(' : '[', &seek->entry,
			   condition->op == CONSORT_OP_LE || condition->op == CONSORT_OP_GT, &bounds->next);
		narrow(bounds, below ? &bounds->max : &bounds->min, below ? -1 : 1);
	}
}

static uint32_t value_of(struct seek *seek, const struct consort_expr *constant,
			 const struct consort_value **out)
{
	if (constant->kind == CONSORT_EXPR_PARAMETER && constant->index >= seek->run->nparameters)
		return consort_error_set(seek->error, CONSORT_EINVAL, "parameter $%u is missing",
					 constant->index + 1);
	*out = consort_run_value(seek->run, constant);
	return CONSORT_OK;
}

static uint32_t add_points(struct seek *seek, const struct redis_condition *condition)
{
	const struct consort_value *value = NULL;
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < condition->count; i++) {
		status = value_of(seek, condition->constants[i], &value);
		if (!status)
			add_point(seek, condition->attribute, value);
	}
	return status;
}

/* Where all comparisons with one attribute meet. */
static uint32_t add_bounds(struct seek *seek, uint32_t attribute)
{
	struct bounds bounds = {CONSORT_BUFFER_INIT, CONSORT_BUFFER_INIT, CONSORT_BUFFER_INIT, false};
	const struct consort_value *value = NULL;
	uint32_t i, status = CONSORT_OK;

	consort_buffer_text(&bounds.min, "[=");
	consort_buffer_text(&bounds.max, "(>");
	for (i = 0; !status && i < seek->compiled->nconditions; i++) {
		const struct redis_condition *condition = &seek->compiled->conditions[i];

		if (condition->attribute != attribute)
			continue;
		status = value_of(seek, condition->constants[0], &value);
		if (!status)
			narrow_to(seek, condition, value, &bounds);
	}
	if (!bounds.empty)
		add_range(seek, &bounds.min, &bounds.max);
	seek->ranges.failed |= bounds.min.failed || bounds.max.failed || bounds.next.failed;
	consort_buffer_clear(&bounds.min);
	consort_buffer_clear(&bounds.max);
	consort_buffer_clear(&bounds.next);
	return status;
}

/* The ranges of one index. One equality, or one list, is enough: the core looks at all others. */
static uint32_t add_conditions(struct seek *seek, uint32_t attribute, bool *out_any)
{
	uint32_t i;

	*out_any = false;
	for (i = 0; i < seek->compiled->nconditions; i++) {
		const struct redis_condition *condition = &seek->compiled->conditions[i];

		if (condition->attribute != attribute)
			continue;
		*out_any = true;
		if (condition->op == CONSORT_OP_EQ || condition->op == CONSORT_OP_IN)
			return add_points(seek, condition);
	}
	return *out_any ? add_bounds(seek, attribute) : CONSORT_OK;
}

static uint32_t add_key_set(struct seek *seek, uint32_t attribute, bool *out_any)
{
	const struct redis_compiled *compiled = seek->compiled;
	const struct consort_batch *keys = seek->run->keys;
	struct consort_value value;
	int64_t row;

	*out_any = compiled->conditions->attribute == attribute;
	if (!*out_any)
		return CONSORT_OK;
	if (!keys || keys->ncolumns <= *compiled->from)
		return consort_error_set(seek->error, CONSORT_EINVAL,
					 "the key set is missing or of another width");
	for (row = 0; row < keys->nrows; row++) {
		value = consort_column_value(&keys->columns[*compiled->from], row);
		add_point(seek, attribute, &value);
	}
	return CONSORT_OK;
}

/* --- the script --- */

static uint32_t add_index(struct seek *seek, const struct redis_index *index)
{
	uint32_t status;
	char count[16];
	bool any;

	consort_buffer_reset(&seek->ranges);
	seek->nranges = 0;
	status = seek->compiled->access == REDIS_ACCESS_INDEX ? add_conditions(seek, index->attribute, &any)
							      : add_key_set(seek, index->attribute, &any);
	if (status || !any)
		return status;
	redis_append_arg(&seek->keys, index->entries, strlen(index->entries));
	redis_append_arg(&seek->args, index->marker, strlen(index->marker));
	redis_append_arg(&seek->args, count, (size_t)snprintf(count, sizeof(count), "%u", seek->nranges));
	consort_buffer_append(&seek->args, seek->ranges.data, seek->ranges.size);
	seek->nkeys++;
	seek->nargs += 2 + 2 * seek->nranges;
	return CONSORT_OK;
}

static uint32_t ask(struct redis_connection *conn, struct seek *seek)
{
	const char *key = seek->compiled->layout->indexes->entries;

	redis_begin(conn);
	redis_add_script(conn, redis_slot(conn, key, strlen(key)),
			 REDIS_SCRIPT_ARGS + seek->nkeys + 1 + seek->nargs, REDIS_SCRIPT_FIND, seek->nkeys);
	redis_arg_bytes(conn, seek->keys.data, seek->keys.size);
	redis_arg_int(conn, FOUND_MOST);
	redis_arg_bytes(conn, seek->args.data, seek->args.size);
	conn->pipe.failed |=
		seek->keys.failed || seek->args.failed || seek->ranges.failed || seek->entry.failed;
	return redis_run(conn, seek->error);
}

uint32_t redis_seek(struct redis_connection *conn, const struct redis_compiled *compiled,
		    const struct consort_run *run, const struct redis_reply **out_entries,
		    struct consort_error *error)
{
	const struct redis_layout *layout = compiled->layout;
	struct seek seek = {.compiled = compiled, .run = run, .error = error};
	const struct redis_reply *reply = NULL;
	uint32_t i, status = redis_indexes_check(conn, layout, error);

	*out_entries = NULL;
	if (!status && conn->denied & 1u << REDIS_RIGHT_SCRIPTS)
		return CONSORT_OK;
	if (!status)
		status = redis_script_load(conn, REDIS_SCRIPT_FIND, error);
	if (status == CONSORT_EPERMISSION) /* to load scripts: as without the right to run them */
		return CONSORT_OK;
	for (i = 0; !status && i < layout->nindexes; i++)
		status = add_index(&seek, &layout->indexes[i]);
	if (!status)
		status = ask(conn, &seek);
	if (!status)
		reply = redis_reply(conn, 0);
	if (reply && reply->kind == REDIS_REPLY_ERROR)
		status = redis_fail(conn, reply, layout->resource, error);
	else if (reply && reply->kind == REDIS_REPLY_ARRAY)
		*out_entries = reply;
	consort_buffer_clear(&seek.keys);
	consort_buffer_clear(&seek.args);
	consort_buffer_clear(&seek.ranges);
	consort_buffer_clear(&seek.entry);
	return status;
}

/* --- what is gone --- */

uint32_t redis_forget(struct redis_connection *conn, const struct redis_layout *layout,
		      const struct consort_view *keys, uint32_t count, struct consort_error *error)
{
	uint32_t i, nkeys = count + 2 * layout->nindexes;
	uint32_t status = redis_script_load(conn, REDIS_SCRIPT_FORGET, error);

	if (status)
		return status;
	redis_begin(conn);
	redis_add_script(conn, redis_slot(conn, keys->data, (size_t)keys->size),
			 REDIS_SCRIPT_ARGS + nkeys + 1, REDIS_SCRIPT_FORGET, nkeys);
	for (i = 0; i < count; i++)
		redis_arg(conn, keys[i].data, (size_t)keys[i].size);
	redis_index_keys(layout, &conn->pipe.bytes);
	redis_arg_int(conn, count);
	return redis_run(conn, error);
}
