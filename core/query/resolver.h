/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_RESOLVER_H
#define CONSORT_QUERY_RESOLVER_H

/*
 * The resolver: from the parser's nodes to expressions.
 *
 * Until the nodes are built, a COLUMN's index is a *slot* (an attribute of a source: the resource, or what a
 * path of relationships leads to), or an aggregate's number where CONSORT_QUERY_AGGREGATE is set. Building
 * copies expressions to their place in the tree, where indexes are columns of the node's input.
 *
 * Functions that return a pointer or bool return NULL or false, with the error filled, when they fail.
 */

#include "query/text.h"

/* Bits of consort_expr.flags that never leave this layer */
#define CONSORT_QUERY_FLEXIBLE 0x80000000u  /* a path: becomes what it meets, or json */
#define CONSORT_QUERY_AGGREGATE 0x40000000u /* a COLUMN that stands for aggregate `index` */
#define CONSORT_QUERY_CAST 0x20000000u	    /* a LITERAL whose type was written: it adapts no more */
#define CONSORT_QUERY_FLAGS (CONSORT_QUERY_FLEXIBLE | CONSORT_QUERY_AGGREGATE | CONSORT_QUERY_CAST)

/* Where columns come from: source 0 is the query's resource, the others are what relationships lead to. */
struct consort_source {
	const struct consort_resource *resource;
	const struct consort_relationship *via; /* of the parent's resource */
	uint32_t parent;
	const char *path;    /* "origin_airport"; "" for source 0 */
	uint32_t *slots;     /* by attribute: its slot + 1, or 0 */
	uint32_t *from, *to; /* slots on both sides of `via` */
};

struct consort_slot {
	uint32_t source;
	uint32_t attribute;
};

/* A parameter and its first use. */
struct consort_parameter {
	struct consort_type type;	 /* NULL type: not known yet */
	const struct consort_text *text; /* NULL: not used */
	int32_t at;
};

struct consort_resolver {
	const struct consort_names *names;
	struct consort_arena *arena;   /* of the result */
	struct consort_arena *scratch; /* of parse trees and lists */
	struct consort_error *error;
	enum consort_status status;	 /* of the first failure */
	const struct consort_text *text; /* being resolved; NULL: none */
	const char *aggregates_refused;	 /* where no aggregate may stand, or NULL */
	const char *alone;		 /* who cannot follow relationships, or NULL */
	uint32_t nexprs;		 /* written out as trees */
	uint32_t nsources, sources_capacity;
	struct consort_source *sources;
	uint32_t nslots, slots_capacity;
	struct consort_slot *slots;
	uint32_t nparameters, parameters_capacity;
	struct consort_parameter *parameters;
	uint32_t naggregates, aggregates_capacity;
	struct consort_aggregate **aggregates;
	uint32_t nunbound, unbound_capacity;
	struct consort_expr **unbound; /* PARAMETERs made before their type was known */
};

/* Fill the error, with position if `at` is not negative, and return NULL. `expr` may be NULL; where it has a
 * column, that stands in front: "flight.delay_min: …". */
void *consort_query_fail(struct consort_resolver *r, int32_t at, enum consort_status status,
			 const char *format, ...) CONSORT_PRINTF(4, 5);
void *consort_query_fail_for(struct consort_resolver *r, const struct consort_expr *expr, int32_t at,
			     enum consort_status status, const char *format, ...) CONSORT_PRINTF(5, 6);
void *consort_query_no_memory(struct consort_resolver *r);
/* Makes room for one more element in an array of the scratch arena. False: no memory. */
bool consort_query_grow(struct consort_resolver *r, void *array, uint32_t count, uint32_t *capacity,
			size_t size);

/* resolve.c: one node of the parser's; a condition; what stands in a list. */
struct consort_expr *consort_query_expr(struct consort_resolver *r, const PgQuery__Node *node);
struct consort_expr *consort_query_condition(struct consort_resolver *r, const PgQuery__Node *node);

/* operators.c */
struct consort_expr *consort_query_operation(struct consort_resolver *r, const PgQuery__AExpr *node);
/* left op right, one of the six comparisons or [NOT] DISTINCT */
struct consort_expr *consort_query_compare(struct consort_resolver *r, enum consort_op op,
					   struct consort_expr *left, struct consort_expr *right, int32_t at);

/* functions.c */
struct consort_expr *consort_query_function(struct consort_resolver *r, const PgQuery__FuncCall *node);
struct consort_expr *consort_query_case(struct consort_resolver *r, const PgQuery__CaseExpr *node);
struct consort_expr *consort_query_cast(struct consort_resolver *r, const PgQuery__TypeCast *node);

/* names.c */
bool consort_query_base(struct consort_resolver *r, const char *resource);
/* The position of an attribute of that name, or -1. */
int64_t consort_query_attribute(const struct consort_resource *resource, const struct consort_word *word);
/* The column, or path in a document, that a dotted name at this byte of the text stands for. */
struct consort_expr *consort_query_name(struct consort_resolver *r, int32_t at);
/* The source that the words before `.*` lead to; false: failed. */
bool consort_query_star(struct consort_resolver *r, int32_t at, uint32_t *out_source);
bool consort_query_slot(struct consort_resolver *r, uint32_t source, uint32_t attribute, uint32_t *out_slot);
struct consort_expr *consort_query_column(struct consort_resolver *r, uint32_t source, uint32_t attribute,
					  int32_t at);
/* ENAME for an attribute that is not there, with the nearest one that is. */
void *consort_query_unknown(struct consort_resolver *r, const struct consort_resource *resource,
			    bool relationships, const struct consort_word *word);
/* A step that is a position must not be negative, which others take for a place from the end. */
bool consort_query_check_step(struct consort_resolver *r, const struct consort_expr *step);
/* A document and a further step; a path grows instead of being nested. `text`: PATH_TEXT. */
struct consort_expr *consort_query_path(struct consort_resolver *r, struct consort_expr *document,
					struct consort_expr *step, bool text, int32_t at);

/* types.c */
enum consort_agreement {
	CONSORT_AGREE_COMPARE,	 /* numbers may be of different types, which compare exactly */
	CONSORT_AGREE_SAME,	 /* one type */
	CONSORT_AGREE_CALCULATE, /* numbers of one kind */
};
/* Brings expressions to types that go together, replacing those that convert. */
bool consort_query_agree(struct consort_resolver *r, enum consort_agreement how, struct consort_expr **exprs,
			 uint32_t count);
/* Brings one to a type that `who` needs: converts literals, binds parameters, reads documents. */
struct consort_expr *consort_query_need(struct consort_resolver *r, struct consort_expr *expr,
					struct consort_type type, const char *who);
/* The same with casts that lose nothing, for assigning to an attribute. */
struct consort_expr *consort_query_assign(struct consort_resolver *r, struct consort_expr *expr,
					  uint32_t attribute);
/* An explicit cast. */
struct consort_expr *consort_query_convert(struct consort_resolver *r, struct consort_expr *expr,
					   struct consort_type type, int32_t at);
/* Gives every use of a parameter its type; one without is an error. */
bool consort_query_settle(struct consort_resolver *r);

/* make.c: expressions, with NOT_NULL and CAN_FAIL computed */
struct consort_expr *consort_query_make(struct consort_resolver *r, enum consort_expr_kind kind,
					struct consort_type type, int32_t at);
struct consort_expr *consort_query_literal(struct consort_resolver *r, struct consort_value value,
					   int32_t at);
struct consort_expr *consort_query_null(struct consort_resolver *r, struct consort_type type, int32_t at);
struct consort_expr *consort_query_parameter(struct consort_resolver *r, uint32_t index, int32_t at);
/* Takes over args (of the result's arena). */
struct consort_expr *consort_query_call_n(struct consort_resolver *r, enum consort_op op,
					  struct consort_type type, struct consort_expr **args,
					  uint32_t nargs, int32_t at);
struct consort_expr *consort_query_call(struct consort_resolver *r, enum consort_op op,
					struct consort_type type, struct consort_expr *a,
					struct consort_expr *b, int32_t at);
/* The expression for whoever made it, and may still change it. */
static inline struct consort_expr *consort_query_own(const struct consort_expr *expr)
{
	return (struct consort_expr *)(uintptr_t)expr;
}
/* Counts an expression that is used once more: trees must not grow without bound. False: they did. */
bool consort_query_share(struct consort_resolver *r, const struct consort_expr *expr);
bool consort_query_equal(const struct consort_expr *a, const struct consort_expr *b);

#endif
