/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic: checked on int64 and decimals, IEEE 754 on float64; dividing by zero is an error for all. */
#include "exec/eval.h"

#include <inttypes.h>
#include <math.h>

static const char *symbol(uint32_t op)
{
	switch (op) {
	case CONSORT_OP_ADD:
		return "+";
	case CONSORT_OP_SUBTRACT:
		return "-";
	case CONSORT_OP_MULTIPLY:
		return "*";
	case CONSORT_OP_MODULO:
		return "%";
	default:
		return "/";
	}
}

/* "WHAT in A op B" */
static enum consort_status fail(const char *what, const struct consort_expr *expr,
				const struct consort_value *a, const struct consort_value *b,
				struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;

	consort_value_print(a, &text);
	consort_buffer_printf(&text, " %s ", symbol(expr->op));
	consort_value_print(b, &text);
	status = consort_error_set(error, CONSORT_ERANGE, "%s in %s", what,
				   text.failed ? "an expression" : text.data);
	consort_buffer_clear(&text);
	return status;
}

/* NULL, or what is wrong */
static const char *calculate_int64(uint32_t op, int64_t a, int64_t b, int64_t *out)
{
	static const char overflow[] = "integer overflow";

	switch (op) {
	case CONSORT_OP_ADD:
		return __builtin_add_overflow(a, b, out) ? overflow : NULL;
	case CONSORT_OP_SUBTRACT:
		return __builtin_sub_overflow(a, b, out) ? overflow : NULL;
	case CONSORT_OP_MULTIPLY:
		return __builtin_mul_overflow(a, b, out) ? overflow : NULL;
	case CONSORT_OP_MODULO:
		if (!b)
			return "division by zero";
		*out = b == -1 ? 0 : a % b;
		return NULL;
	default:
		if (!b)
			return "division by zero";
		if (b == -1)
			return __builtin_sub_overflow((int64_t)0, a, out) ? overflow : NULL;
		*out = a / b;
		return NULL;
	}
}

static const char *calculate_float64(uint32_t op, double a, double b, double *out)
{
	switch (op) {
	case CONSORT_OP_ADD:
		*out = a + b;
		return NULL;
	case CONSORT_OP_SUBTRACT:
		*out = a - b;
		return NULL;
	case CONSORT_OP_MULTIPLY:
		*out = a * b;
		return NULL;
	default:
		if (b == 0)
			return "division by zero";
		*out = op == CONSORT_OP_MODULO ? fmod(a, b) : a / b;
		return NULL;
	}
}

static const char *calculate_decimal(uint32_t op, struct consort_type type, const struct consort_value *a,
				     const struct consort_value *b, struct consort_decimal *out)
{
	const uint8_t scale = a->type.scale > b->type.scale ? a->type.scale : b->type.scale;
	struct consort_decimal x, y;
	uint32_t status;

	if (op >= CONSORT_OP_DIVIDE && !b->as.decimal.low && !b->as.decimal.high)
		return "division by zero";
	if (op == CONSORT_OP_MULTIPLY) {
		status = consort_decimal_multiply(a->as.decimal, b->as.decimal, out);
		if (!status)
			status = consort_decimal_rescale(*out, (uint8_t)(a->type.scale + b->type.scale),
							 type.scale, out);
	} else if (op == CONSORT_OP_DIVIDE) {
		status = consort_decimal_divide(a->as.decimal, b->as.decimal,
						type.scale + b->type.scale - a->type.scale, out);
	} else {
		status = consort_decimal_rescale(a->as.decimal, a->type.scale, scale, &x);
		if (!status)
			status = consort_decimal_rescale(b->as.decimal, b->type.scale, scale, &y);
		if (status)
			return "decimal overflow (more than 38 digits)";
		if (op == CONSORT_OP_ADD)
			status = consort_decimal_add(x, y, out);
		else if (op == CONSORT_OP_SUBTRACT)
			status = consort_decimal_subtract(x, y, out);
		else
			status = consort_decimal_modulo(x, y, out);
		if (!status)
			status = consort_decimal_rescale(*out, scale, type.scale, out);
	}
	return status ? "decimal overflow (more than 38 digits)" : NULL;
}

enum consort_status consort_eval_arithmetic(struct consort_eval *eval, const struct consort_expr *expr,
					    const struct consort_operand *args, uint32_t count,
					    struct consort_value *out, struct consort_error *error)
{
	const char *wrong;
	uint32_t i;

	(void)eval;
	for (i = 0; i < count; i++) {
		const struct consort_value *a = consort_operand_at(&args[0], i);
		const struct consort_value *b = consort_operand_at(&args[1], i);

		if (consort_value_is_null(a) || consort_value_is_null(b)) {
			out[i] = consort_null();
			continue;
		}
		out[i].type = expr->type;
		if (expr->type.id == CONSORT_TYPE_INT64)
			wrong = calculate_int64(expr->op, a->as.int64, b->as.int64, &out[i].as.int64);
		else if (expr->type.id == CONSORT_TYPE_FLOAT64)
			wrong = calculate_float64(expr->op, a->as.float64, b->as.float64, &out[i].as.float64);
		else
			wrong = calculate_decimal(expr->op, expr->type, a, b, &out[i].as.decimal);
		if (CONSORT_UNLIKELY(wrong))
			return fail(wrong, expr, a, b, error);
	}
	return CONSORT_OK;
}

enum consort_status consort_eval_negate(struct consort_eval *eval, const struct consort_expr *expr,
					const struct consort_operand *args, uint32_t count,
					struct consort_value *out, struct consort_error *error)
{
	uint32_t i;

	(void)eval;
	for (i = 0; i < count; i++) {
		const struct consort_value *value = consort_operand_at(args, i);

		out[i] = *value;
		switch (value->type.id) {
		case CONSORT_TYPE_INT64:
			if (value->as.int64 == INT64_MIN)
				return consort_error_set(error, CONSORT_ERANGE,
							 "integer overflow in -(%" PRId64 ")",
							 value->as.int64);
			out[i].as.int64 = -value->as.int64;
			break;
		case CONSORT_TYPE_FLOAT64:
			out[i].as.float64 = -value->as.float64;
			break;
		case CONSORT_TYPE_DECIMAL:
			/* 38 digits do not depend on the sign */
			consort_decimal_negate(value->as.decimal, &out[i].as.decimal);
			break;
		default:
			break;
		}
	}
	(void)expr;
	return CONSORT_OK;
}

enum consort_status consort_eval_time_bucket(struct consort_eval *eval, const struct consort_expr *expr,
					     const struct consort_operand *args, uint32_t count,
					     struct consort_value *out, struct consort_error *error)
{
	uint32_t i;

	(void)eval;
	for (i = 0; i < count; i++) {
		const struct consort_value *time = consort_operand_at(&args[0], i);
		const struct consort_value *width = consort_operand_at(&args[1], i);
		const struct consort_value *origin = consort_operand_at(&args[2], i);
		__int128 into, start;

		if (consort_value_is_null(time) || consort_value_is_null(width) ||
		    consort_value_is_null(origin)) {
			out[i] = consort_null();
			continue;
		}
		if (width->as.int64 <= 0)
			return consort_error_set(error, CONSORT_ERANGE,
						 "a time bucket is %" PRId64
						 " microseconds wide; it must be more than 0",
						 width->as.int64);
		into = ((__int128)time->as.int64 - origin->as.int64) % width->as.int64;
		start = time->as.int64 - (into < 0 ? into + width->as.int64 : into);
		if (start < INT64_MIN)
			return consort_error_set(error, CONSORT_ERANGE,
						 "the time bucket of %" PRId64
						 " microseconds begins before all timestamps",
						 time->as.int64);
		out[i].type = expr->type;
		out[i].as.int64 = (int64_t)start;
	}
	return CONSORT_OK;
}
