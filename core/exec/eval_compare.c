/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons, the tests for NULL and truth, and the sets of IN. */
#include "exec/eval.h"

/* Which results of a comparison, less 0, equal 1 and greater 2, make an operator true: a bit each. */
static unsigned accepted(uint32_t op)
{
	static const uint8_t masks[] = {
		[CONSORT_OP_EQ] = 2, [CONSORT_OP_NE] = 5, [CONSORT_OP_LT] = 1,
		[CONSORT_OP_LE] = 3, [CONSORT_OP_GT] = 4, [CONSORT_OP_GE] = 6,
		[CONSORT_OP_NOT_DISTINCT] = 2, [CONSORT_OP_DISTINCT] = 5,
	};

	return masks[op];
}

static inline bool is_accepted(unsigned mask, int order)
{
	return (mask >> (order < 0 ? 0 : order > 0 ? 2 : 1)) & 1;
}

static inline bool either_null(const struct consort_value *a, const struct consort_value *b)
{
	return consort_value_is_null(a) || consort_value_is_null(b);
}

/* Types kept in as.int64. */
static inline bool is_integer(uint16_t id)
{
	return id == CONSORT_TYPE_INT64 || id == CONSORT_TYPE_TIMESTAMP || id == CONSORT_TYPE_DATE ||
	       id == CONSORT_TYPE_TIME || id == CONSORT_TYPE_BOOL;
}

/* Neither is NULL. The commonest pairs here, all others where the order of values is defined. */
static inline int compare(const struct consort_value *a, const struct consort_value *b)
{
	if (a->type.id == b->type.id && is_integer(a->type.id))
		return (a->as.int64 > b->as.int64) - (a->as.int64 < b->as.int64);
	if (a->type.id == CONSORT_TYPE_FLOAT64 && b->type.id == CONSORT_TYPE_FLOAT64) {
		if (a->as.float64 < b->as.float64)
			return -1;
		if (a->as.float64 > b->as.float64)
			return 1;
		if (a->as.float64 == b->as.float64)
			return 0;
	}
	return consort_value_compare(a, b);
}

enum consort_status consort_eval_compare(struct consort_eval *eval, const struct consort_expr *expr,
					 const struct consort_operand *args, uint32_t count,
					 struct consort_value *out, struct consort_error *error)
{
	const bool distinct = expr->op == CONSORT_OP_DISTINCT || expr->op == CONSORT_OP_NOT_DISTINCT;
	const unsigned mask = accepted(expr->op);
	uint32_t i;

	(void)eval, (void)error;
	for (i = 0; i < count; i++) {
		const struct consort_value *a = consort_operand_at(&args[0], i);
		const struct consort_value *b = consort_operand_at(&args[1], i);

		if (!either_null(a, b))
			out[i] = consort_bool(is_accepted(mask, compare(a, b)));
		else if (!distinct)
			out[i] = consort_null();
		else
			out[i] = consort_bool(
				is_accepted(mask, consort_value_is_null(a) - consort_value_is_null(b)));
	}
	return CONSORT_OK;
}

enum consort_status consort_eval_test(struct consort_eval *eval, const struct consort_expr *expr,
				      const struct consort_operand *args, uint32_t count,
				      struct consort_value *out, struct consort_error *error)
{
	uint32_t i;

	(void)eval, (void)error;
	for (i = 0; i < count; i++) {
		const struct consort_value *value = consort_operand_at(args, i);
		const bool is_null = consort_value_is_null(value);

		switch (expr->op) {
		case CONSORT_OP_NOT:
			out[i] = is_null ? consort_null() : consort_bool(!value->as.int64);
			break;
		case CONSORT_OP_IS_NULL:
			out[i] = consort_bool(is_null);
			break;
		case CONSORT_OP_NOT_NULL:
			out[i] = consort_bool(!is_null);
			break;
		case CONSORT_OP_IS_TRUE:
			out[i] = consort_bool(!is_null && value->as.int64);
			break;
		default:
			out[i] = consort_bool(!is_null && !value->as.int64);
		}
	}
	return CONSORT_OK;
}

/* --- sets --- */

static int by_value(const void *a, const void *b)
{
	return consort_value_compare(a, b);
}

const struct consort_value *consort_eval_known(const struct consort_eval *eval,
					       const struct consort_expr *expr)
{
	if (expr->kind == CONSORT_EXPR_LITERAL)
		return &expr->value;
	if (expr->kind == CONSORT_EXPR_PARAMETER && expr->index < eval->nparameters)
		return &eval->parameters[expr->index];
	return NULL;
}

const struct consort_in_set *consort_eval_in_set(struct consort_eval *eval, const struct consort_expr *expr)
{
	struct consort_in_set *set;
	uint32_t i;

	for (set = eval->sets; set; set = set->next)
		if (set->expr == expr)
			return set;
	set = malloc(sizeof(*set) + expr->nargs * sizeof(*set->values));
	if (!set)
		return NULL;
	set->expr = expr;
	set->count = set->has_null = 0;
	for (i = 1; i < expr->nargs; i++) {
		const struct consort_value *value = consort_eval_known(eval, expr->args[i]);

		if (value && consort_value_is_null(value))
			set->has_null = 1;
		else if (value)
			set->values[set->count++] = *value;
	}
	qsort(set->values, set->count, sizeof(*set->values), by_value);
	set->next = eval->sets;
	eval->sets = set;
	return set;
}

bool consort_in_set_has(const struct consort_in_set *set, const struct consort_value *value)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare(value, &set->values[middle]);

		if (!order)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
