/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_EXPR_H
#define CONSORT_EXPR_H

/*
 * Expressions as they cross to adapters: resolved, typed trees. Names are positions, types agree (the core
 * has put in every conversion), LIKE and ILIKE are apart, integer and floating division are apart.
 *
 * A new meaning is a new kind, operator or type, never a new field of an old node: an adapter answers
 * NO to whatever it does not know, anywhere in the tree. semantics.md is what each operator means.
 */

#include <consort/types.h>

CONSORT_BEGIN

/* @since 0.1 */
enum consort_expr_kind {
	CONSORT_EXPR_LITERAL = 1,   /* `value` */
	CONSORT_EXPR_COLUMN = 2,    /* column `index` of the node's input (JOIN: left's columns, then right's) */
	CONSORT_EXPR_PARAMETER = 3, /* `$index+1`; its type is part of the compile */
	CONSORT_EXPR_CALL = 4       /* `op` over args */
};

/* NULL in gives NULL out unless said otherwise. @since 0.1 */
enum consort_op {
	CONSORT_OP_NONE = 0,
	/* two sides of one type (int64, float64 and decimal also with each other, compared exactly) → bool */
	CONSORT_OP_EQ = 1,
	CONSORT_OP_NE = 2,
	CONSORT_OP_LT = 3,
	CONSORT_OP_LE = 4,
	CONSORT_OP_GT = 5,
	CONSORT_OP_GE = 6,
	CONSORT_OP_NOT_DISTINCT = 7, /* NULL equals NULL; never NULL */
	CONSORT_OP_DISTINCT = 8,
	/* three-valued logic; AND and OR of two or more */
	CONSORT_OP_AND = 10,
	CONSORT_OP_OR = 11,
	CONSORT_OP_NOT = 12,
	CONSORT_OP_IS_NULL = 13,  /* never NULL */
	CONSORT_OP_NOT_NULL = 14, /* never NULL */
	CONSORT_OP_IS_TRUE = 15,  /* never NULL */
	CONSORT_OP_IS_FALSE = 16, /* never NULL */
	/* args[0] among args[1…]; NULL when none is equal and one is NULL. NOT IN is NOT over IN. */
	CONSORT_OP_IN = 20,
	/* text, pattern: % and _ over characters, backslash escapes (ESYNTAX at the end); case counts */
	CONSORT_OP_LIKE = 21,
	/* the same after the core's simple case folding of both */
	CONSORT_OP_ILIKE = 22,
	/* full text: document, words */
	CONSORT_OP_MATCH = 23,
	/* arithmetic on int64 (checked), float64 or decimal, both sides of one kind; decimals may differ in precision
	 * and scale: the result is exact in the node's type, but DIVIDE rounds half away from zero to its scale */
	CONSORT_OP_ADD = 30,
	CONSORT_OP_SUBTRACT = 31,
	CONSORT_OP_MULTIPLY = 32,
	CONSORT_OP_DIVIDE = 33,         /* float64 or decimal; by zero is an error */
	CONSORT_OP_INTEGER_DIVIDE = 34, /* int64, towards zero; by zero is an error */
	CONSORT_OP_MODULO = 35,         /* sign of the dividend */
	CONSORT_OP_NEGATE = 36,
	/* text */
	CONSORT_OP_CONCAT = 40, /* of two or more */
	CONSORT_OP_LOWER = 41,  /* simple case mapping of the core */
	CONSORT_OP_UPPER = 42,
	CONSORT_OP_LENGTH = 43, /* characters → int64 */
	/* any */
	CONSORT_OP_COALESCE = 50, /* first that is not NULL, of one type */
	CONSORT_OP_CAST = 51,     /* args[0] to the node's type; what does not fit is an error */
	CONSORT_OP_CASE = 52,     /* when, then, when, then, …, else */
	/* documents: args[0] is json, each further arg a text or int64 literal, a step */
	CONSORT_OP_PATH = 60,      /* → json; NULL where there is none, or JSON null */
	CONSORT_OP_PATH_TEXT = 61, /* → text: a string's characters, else the value's JSON text */
	/* timestamp, width in microseconds, origin → timestamp */
	CONSORT_OP_TIME_BUCKET = 70
};

/* Bits of consort_expr.flags */
#define CONSORT_EXPR_NOT_NULL 1u /* never NULL */
#define CONSORT_EXPR_CAN_FAIL 2u /* evaluating it may be an error (division, overflow, cast), here or below */

/* Growing. Immutable; lives as long as the plan that holds it. */
struct consort_expr {
	uint32_t struct_size;
	uint32_t kind;  /* enum consort_expr_kind */
	uint32_t op;    /* enum consort_op, CALL only */
	uint32_t flags;
	struct consort_type type;
	uint32_t index; /* COLUMN, PARAMETER */
	uint32_t nargs;
	const struct consort_expr *const *args;
	struct consort_value value; /* LITERAL */
	int32_t position;           /* in the text it came from: bytes from 0, -1 if none */
	uint32_t reserved;
};

CONSORT_END

#endif
