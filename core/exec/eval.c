/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions over batches: the walk over the tree, three-valued logic, and what evaluates some arguments for
 * some rows only. All else is in kernels, which see values and no rows.
 */
#include "exec/eval.h"

#include <inttypes.h>

/* Rows of the batch to evaluate for: rows[0…count), or count rows from `first` on. */
struct selection {
	const uint32_t *rows;
	uint32_t first;
	uint32_t count;
};

struct walk {
	struct consort_eval *eval;
	const struct consort_batch *batch;
	struct consort_error *error;
};

static inline uint32_t row_at(const struct selection *selection, uint32_t i)
{
	return selection->rows ? selection->rows[i] : selection->first + i;
}

/* --- life --- */

void consort_eval_init(struct consort_eval *eval, const struct consort_value *parameters,
		       uint32_t nparameters)
{
	memset(eval, 0, sizeof(*eval));
	eval->parameters = parameters;
	eval->nparameters = nparameters;
	consort_arena_init(&eval->scratch, 0);
}

void consort_eval_clear(struct consort_eval *eval)
{
	uint32_t i;

	for (i = 0; i < eval->nvectors; i++)
		free(eval->vectors[i]);
	free(eval->vectors);
	while (eval->sets) {
		struct consort_in_set *set = eval->sets;

		eval->sets = set->next;
		free(set);
	}
	consort_json_reader_free(eval->json);
	consort_buffer_clear(&eval->text);
	consort_arena_clear(&eval->scratch);
	memset(eval, 0, sizeof(*eval));
}

/* The next vector of the stack; whoever takes some puts eval->depth back. NULL, with the error set: no
 * memory. */
static struct consort_vector *take_vector(struct walk *walk)
{
	struct consort_eval *eval = walk->eval;
	struct consort_vector **vectors, *vector;

	if (eval->depth < eval->nvectors)
		return eval->vectors[eval->depth++];
	vectors = realloc(eval->vectors, (eval->nvectors + 1) * sizeof(struct consort_vector *));
	if (vectors)
		eval->vectors = vectors;
	vector = vectors ? malloc(sizeof(*vector)) : NULL;
	if (!vector) {
		consort_error_no_memory(walk->error);
		return NULL;
	}
	eval->vectors[eval->nvectors++] = vector;
	eval->depth++;
	return vector;
}

/* --- leaves --- */

/* The commonest columns, without NULL, in loops of their own. */
static bool load_whole(const struct consort_column *column, const struct selection *selection,
		       struct consort_value *out)
{
	uint32_t i;

	switch (column->type.id) {
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_TIMESTAMP:
	case CONSORT_TYPE_TIME:
		for (i = 0; i < selection->count; i++) {
			out[i].type = column->type;
			out[i].as.int64 = consort_column_int64(column, row_at(selection, i));
		}
		return true;
	case CONSORT_TYPE_FLOAT64:
		for (i = 0; i < selection->count; i++) {
			out[i].type = column->type;
			out[i].as.float64 = consort_column_float64(column, row_at(selection, i));
		}
		return true;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		for (i = 0; i < selection->count; i++) {
			out[i].type = column->type;
			out[i].as.view = consort_column_view(column, row_at(selection, i));
		}
		return true;
	default:
		return false;
	}
}

static enum consort_status load_column(struct walk *walk, const struct consort_expr *expr,
				       const struct selection *selection, struct consort_value *out)
{
	const struct consort_column *column;
	uint32_t i;

	if (!walk->batch || expr->index >= walk->batch->ncolumns)
		return consort_error_set(walk->error, CONSORT_EINTERNAL,
					 "an expression refers to column %" PRIu32
					 ", which its input has not",
					 expr->index + 1);
	column = &walk->batch->columns[expr->index];
	if (!column->null_count && load_whole(column, selection, out))
		return CONSORT_OK;
	if (column->type.id != CONSORT_TYPE_LIST) {
		for (i = 0; i < selection->count; i++)
			out[i] = consort_column_value(column, row_at(selection, i));
		return CONSORT_OK;
	}
	for (i = 0; i < selection->count; i++)
		if (consort_column_read(column, row_at(selection, i), &walk->eval->scratch, &out[i]))
			return consort_error_no_memory(walk->error);
	return CONSORT_OK;
}

static enum consort_status find_parameter(struct walk *walk, const struct consort_expr *expr,
					  struct consort_operand *out)
{
	if (expr->index >= walk->eval->nparameters)
		return consort_error_set(walk->error, CONSORT_EINVAL,
					 "the query needs a value for $%" PRIu32 ", and %" PRIu32
					 " were given",
					 expr->index + 1, walk->eval->nparameters);
	out->values = &walk->eval->parameters[expr->index];
	out->step = 0;
	return CONSORT_OK;
}

/* --- the walk --- */

static enum consort_status eval_call(struct walk *walk, const struct consort_expr *expr,
				     const struct selection *selection, struct consort_value *out,
				     uint32_t *out_step);

/* An argument's values, in a vector that is taken for them if need be. The selection is not empty. */
static enum consort_status eval_operand(struct walk *walk, const struct consort_expr *expr,
					const struct selection *selection, struct consort_operand *out)
{
	struct consort_vector *vector;

	switch (expr->kind) {
	case CONSORT_EXPR_LITERAL:
		out->values = &expr->value;
		out->step = 0;
		return CONSORT_OK;
	case CONSORT_EXPR_PARAMETER:
		return find_parameter(walk, expr, out);
	case CONSORT_EXPR_COLUMN:
	case CONSORT_EXPR_CALL:
		vector = take_vector(walk);
		if (!vector)
			return CONSORT_ENOMEM;
		out->values = vector->values;
		out->step = 1;
		if (expr->kind == CONSORT_EXPR_COLUMN)
			return load_column(walk, expr, selection, vector->values);
		return eval_call(walk, expr, selection, vector->values, &out->step);
	default:
		return consort_error_set(walk->error, CONSORT_EUNSUPPORTED,
					 "the core does not know expressions of kind %" PRIu32, expr->kind);
	}
}

/* --- what evaluates its arguments one after another, each for fewer rows --- */

/* Rows that are still open: selection's rows places[0…count) (NULL: all), whose numbers in the batch are in
 * `rest`. */
struct open_rows {
	struct selection rest;
	const uint32_t *places;
};

static inline uint32_t place_of(const struct open_rows *open, uint32_t i)
{
	return open->places ? open->places[i] : i;
}

/* Leaves open those rows i for which keep[i]; `vector`, which holds them then, may do so already. */
static void narrow(struct open_rows *open, const uint8_t *keep, struct consort_vector *vector)
{
	uint32_t i, count = 0;

	for (i = 0; i < open->rest.count; i++) {
		uint32_t row = row_at(&open->rest, i), place = place_of(open, i);

		vector->rows[count] = row;
		vector->places[count] = place;
		count += keep[i];
	}
	open->rest.rows = vector->rows;
	open->rest.count = count;
	open->places = vector->places;
}

/* AND and OR: `decisive` ends a row, NULL is remembered. */
static enum consort_status eval_logic(struct walk *walk, const struct consort_expr *expr,
				      const struct selection *selection, struct consort_value *out)
{
	const int64_t decisive = expr->op == CONSORT_OP_OR;
	struct consort_vector *vector = take_vector(walk);
	struct open_rows open = {*selection, NULL};
	uint32_t a, i, depth = walk->eval->depth;

	if (!vector)
		return CONSORT_ENOMEM;
	for (i = 0; i < selection->count; i++)
		out[i] = consort_bool(!decisive);
	for (a = 0; a < expr->nargs && open.rest.count; a++) {
		struct consort_operand operand;
		enum consort_status status = eval_operand(walk, expr->args[a], &open.rest, &operand);

		if (status)
			return status;
		for (i = 0; i < open.rest.count; i++) {
			const struct consort_value *value = consort_operand_at(&operand, i);
			bool is_null = consort_value_is_null(value);

			vector->keep[i] = is_null || value->as.int64 != decisive;
			if (is_null || !vector->keep[i])
				out[place_of(&open, i)] = *value;
		}
		narrow(&open, vector->keep, vector);
		walk->eval->depth = depth;
	}
	return CONSORT_OK;
}

static enum consort_status eval_coalesce(struct walk *walk, const struct consort_expr *expr,
					 const struct selection *selection, struct consort_value *out)
{
	struct consort_vector *vector = take_vector(walk);
	struct open_rows open = {*selection, NULL};
	uint32_t a, i, depth = walk->eval->depth;

	if (!vector)
		return CONSORT_ENOMEM;
	for (i = 0; i < selection->count; i++)
		out[i] = consort_null();
	for (a = 0; a < expr->nargs && open.rest.count; a++) {
		struct consort_operand operand;
		enum consort_status status = eval_operand(walk, expr->args[a], &open.rest, &operand);

		if (status)
			return status;
		for (i = 0; i < open.rest.count; i++) {
			const struct consort_value *value = consort_operand_at(&operand, i);

			vector->keep[i] = (uint8_t)consort_value_is_null(value);
			if (!vector->keep[i])
				out[place_of(&open, i)] = *value;
		}
		narrow(&open, vector->keep, vector);
		walk->eval->depth = depth;
	}
	return CONSORT_OK;
}

/* Gives the open rows the argument's values. */
static enum consort_status eval_result(struct walk *walk, const struct consort_expr *expr,
				       const struct open_rows *open, struct consort_value *out)
{
	struct consort_operand operand;
	enum consort_status status;
	uint32_t i;

	if (!open->rest.count)
		return CONSORT_OK;
	status = eval_operand(walk, expr, &open->rest, &operand);
	for (i = 0; i < open->rest.count && !status; i++)
		out[place_of(open, i)] = *consort_operand_at(&operand, i);
	return status;
}

static enum consort_status eval_when(struct walk *walk, const struct consort_expr *expr,
				     const struct selection *selection, struct consort_value *out)
{
	struct consort_vector *vector = take_vector(walk), *taken = take_vector(walk);
	struct open_rows open = {*selection, NULL};
	uint32_t a, i, depth = walk->eval->depth;
	enum consort_status status;

	if (!vector || !taken)
		return CONSORT_ENOMEM;
	for (i = 0; i < selection->count; i++)
		out[i] = consort_null();
	for (a = 0; a + 1 < expr->nargs && open.rest.count; a += 2) {
		struct open_rows then = open;
		struct consort_operand operand;

		status = eval_operand(walk, expr->args[a], &open.rest, &operand);
		if (status)
			return status;
		for (i = 0; i < open.rest.count; i++) {
			const struct consort_value *value = consort_operand_at(&operand, i);

			vector->keep[i] = !consort_value_is_null(value) && value->as.int64;
		}
		narrow(&then, vector->keep, taken);
		for (i = 0; i < open.rest.count; i++)
			vector->keep[i] = !vector->keep[i];
		narrow(&open, vector->keep, vector);
		walk->eval->depth = depth;
		status = eval_result(walk, expr->args[a + 1], &then, out);
		if (status)
			return status;
		walk->eval->depth = depth;
	}
	return expr->nargs % 2 ? eval_result(walk, expr->args[expr->nargs - 1], &open, out) : CONSORT_OK;
}

/* args[0] among the rest: what is known as a set, others one by one. */
static enum consort_status eval_in(struct walk *walk, const struct consort_expr *expr,
				   const struct selection *selection, struct consort_value *out)
{
	const struct consort_in_set *set = consort_eval_in_set(walk->eval, expr);
	struct consort_operand needle, operand;
	enum consort_status status;
	uint32_t a, i, depth;

	if (!set)
		return consort_error_no_memory(walk->error);
	status = eval_operand(walk, expr->args[0], selection, &needle);
	if (status)
		return status;
	for (i = 0; i < selection->count; i++) {
		const struct consort_value *value = consort_operand_at(&needle, i);

		if (consort_value_is_null(value))
			out[i] = consort_null();
		else if (consort_in_set_has(set, value))
			out[i] = consort_bool(1);
		else
			out[i] = set->has_null ? consort_null() : consort_bool(0);
	}
	depth = walk->eval->depth;
	for (a = 1; a < expr->nargs; a++) {
		if (consort_eval_known(walk->eval, expr->args[a]))
			continue;
		status = eval_operand(walk, expr->args[a], selection, &operand);
		if (status)
			return status;
		for (i = 0; i < selection->count; i++) {
			const struct consort_value *value = consort_operand_at(&needle, i);
			const struct consort_value *item = consort_operand_at(&operand, i);

			if (consort_value_is_null(value) ||
			    (!consort_value_is_null(&out[i]) && out[i].as.int64))
				continue;
			if (consort_value_is_null(item))
				out[i] = consort_null();
			else if (!consort_value_compare(value, item))
				out[i] = consort_bool(1);
		}
		walk->eval->depth = depth;
	}
	return CONSORT_OK;
}

/* --- calls --- */

static consort_kernel *const kernels[] = {
	[CONSORT_OP_EQ] = consort_eval_compare, [CONSORT_OP_NE] = consort_eval_compare,
	[CONSORT_OP_LT] = consort_eval_compare, [CONSORT_OP_LE] = consort_eval_compare,
	[CONSORT_OP_GT] = consort_eval_compare, [CONSORT_OP_GE] = consort_eval_compare,
	[CONSORT_OP_NOT_DISTINCT] = consort_eval_compare, [CONSORT_OP_DISTINCT] = consort_eval_compare,
	[CONSORT_OP_NOT] = consort_eval_test, [CONSORT_OP_IS_NULL] = consort_eval_test,
	[CONSORT_OP_NOT_NULL] = consort_eval_test, [CONSORT_OP_IS_TRUE] = consort_eval_test,
	[CONSORT_OP_IS_FALSE] = consort_eval_test,
	[CONSORT_OP_LIKE] = consort_eval_like, [CONSORT_OP_ILIKE] = consort_eval_like,
	[CONSORT_OP_ADD] = consort_eval_arithmetic, [CONSORT_OP_SUBTRACT] = consort_eval_arithmetic,
	[CONSORT_OP_MULTIPLY] = consort_eval_arithmetic, [CONSORT_OP_DIVIDE] = consort_eval_arithmetic,
	[CONSORT_OP_INTEGER_DIVIDE] = consort_eval_arithmetic, [CONSORT_OP_MODULO] = consort_eval_arithmetic,
	[CONSORT_OP_NEGATE] = consort_eval_negate,
	[CONSORT_OP_CONCAT] = consort_eval_concat, [CONSORT_OP_LOWER] = consort_eval_case,
	[CONSORT_OP_UPPER] = consort_eval_case, [CONSORT_OP_LENGTH] = consort_eval_length,
	[CONSORT_OP_CAST] = consort_eval_cast,
	[CONSORT_OP_PATH] = consort_eval_path, [CONSORT_OP_PATH_TEXT] = consort_eval_path,
	[CONSORT_OP_TIME_BUCKET] = consort_eval_time_bucket,
};

static enum consort_status eval_strict(struct walk *walk, const struct consort_expr *expr,
				       const struct selection *selection, struct consort_value *out,
				       uint32_t *out_step)
{
	consort_kernel *kernel = expr->op < sizeof(kernels) / sizeof(*kernels) ? kernels[expr->op] : NULL;
	struct consort_operand few[4], *args = few;
	uint32_t i, step = 0;

	if (!kernel)
		return consort_error_set(walk->error, CONSORT_EUNSUPPORTED,
					 "the core does not know this operator");
	if (expr->nargs > 4)
		args = consort_arena_array(&walk->eval->scratch, expr->nargs, sizeof(*args));
	if (!args)
		return consort_error_no_memory(walk->error);
	for (i = 0; i < expr->nargs; i++) {
		enum consort_status status = eval_operand(walk, expr->args[i], selection, &args[i]);

		if (status)
			return status;
		step |= args[i].step;
	}
	*out_step = step;
	return kernel(walk->eval, expr, args, step ? selection->count : 1, out, walk->error);
}

/* Leaves the stack of vectors as it found it, also on failure. */
static enum consort_status eval_call(struct walk *walk, const struct consort_expr *expr,
				     const struct selection *selection, struct consort_value *out,
				     uint32_t *out_step)
{
	uint32_t depth = walk->eval->depth;
	enum consort_status status;

	*out_step = 1;
	switch (expr->op) {
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
		status = eval_logic(walk, expr, selection, out);
		break;
	case CONSORT_OP_COALESCE:
		status = eval_coalesce(walk, expr, selection, out);
		break;
	case CONSORT_OP_CASE:
		status = eval_when(walk, expr, selection, out);
		break;
	case CONSORT_OP_IN:
		status = eval_in(walk, expr, selection, out);
		break;
	default:
		status = eval_strict(walk, expr, selection, out, out_step);
	}
	walk->eval->depth = depth;
	return status;
}

/* --- entries --- */

enum consort_status consort_eval_rows(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_batch *batch, const uint32_t *rows, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	struct walk walk = {eval, batch, error};
	enum consort_status status = CONSORT_OK;
	uint32_t done, i;

	for (done = 0; done < count && !status; done += CONSORT_VECTOR_ROWS) {
		uint32_t some = count - done < CONSORT_VECTOR_ROWS ? count - done : CONSORT_VECTOR_ROWS;
		struct selection selection = {rows ? rows + done : NULL, done, some};
		struct consort_operand operand = {out + done, 1};

		if (expr->kind == CONSORT_EXPR_COLUMN)
			status = load_column(&walk, expr, &selection, out + done);
		else if (expr->kind == CONSORT_EXPR_CALL)
			status = eval_call(&walk, expr, &selection, out + done, &operand.step);
		else
			status = eval_operand(&walk, expr, &selection, &operand);
		for (i = 0; !operand.step && i < some && !status; i++)
			out[done + i] = *operand.values;
	}
	return status;
}

enum consort_status consort_eval_constant(struct consort_eval *eval, const struct consort_expr *expr,
					  struct consort_value *out, struct consort_error *error)
{
	return consort_eval_rows(eval, expr, NULL, NULL, 1, out, error);
}
