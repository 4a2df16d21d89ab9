/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_INTERNAL_H
#define CONSORT_QUERY_INTERNAL_H

/*
 * What the files of this layer share: a parsed text, and the resolver that turns it into expressions.
 *
 * Until the nodes are built, a COLUMN's index is a *slot* (an attribute of a source: the resource, or what a
 * path of relationships leads to), or an aggregate's number where CONSORT_QUERY_AGGREGATE is set. Building
 * copies expressions to their place in the tree, where indexes are columns of the node's input.
 *
 * Functions that return a pointer return NULL, with the error filled, when they fail.
 */

#include "query/query.h"

#include <pg_query/pg_query.pb-c.h>

/* --- parse.c --- */

enum consort_clause {
	CONSORT_CLAUSE_SELECT,
	CONSORT_CLAUSE_WHERE,
	CONSORT_CLAUSE_GROUP,
	CONSORT_CLAUSE_HAVING,
	CONSORT_CLAUSE_ORDER,
	CONSORT_CLAUSE_ASSIGNMENTS
};

struct consort_token {
	int32_t start, end; /* bytes in the text */
	int32_t kind;       /* PgQuery__Token */
};

/* A text and what the parser made of it. Lives in the arena it was parsed with. */
struct consort_text {
	const char *text;
	int32_t size;
	int32_t prefix;             /* bytes that the parser saw before the text: what to take from its locations */
	enum consort_clause clause;
	uint32_t ntokens;
	const struct consort_token *tokens; /* without comments */
	size_t nnodes;
	PgQuery__Node *const *nodes; /* the items of a list, or the one condition */
};

/* One of the words of a dotted name, as written. */
struct consort_word {
	const char *text;
	const char *folded; /* in lower case; NULL if that is the same, or if it was quoted */
	int32_t at;
};

#define CONSORT_QUERY_WORDS 32 /* in a dotted name */

enum consort_status consort_text_parse(enum consort_clause clause, const char *text, struct consort_arena *arena,
				       struct consort_text *out_text, struct consort_error *error);
/* "where", "select", … */
const char *consort_text_clause(const struct consort_text *text);
/* Fills the error: the sentence, then (at N in "text"). `at`: bytes; negative: no position. Returns status. */
enum consort_status consort_text_fail(const struct consort_text *text, int32_t at, struct consort_error *error,
				      enum consort_status status, const char *sentence);
/* A location of the parser's in bytes of the text, -1 for none. */
int32_t consort_text_at(const struct consort_text *text, int32_t location);
/* The token that starts there, or the first one behind; ntokens if there is none. */
uint32_t consort_text_token(const struct consort_text *text, int32_t at);
/* What one token stands for as a name. False: no memory. */
bool consort_text_word(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *out_word);
/* The dotted name that starts at that token, as written; words behind a * or [ are left out. *out_count is 0 if
 * it has more than CONSORT_QUERY_WORDS. False: no memory. */
bool consort_text_name(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *words, uint32_t *out_count);

/* --- resolve.c and what it consists of --- */

/* Bits of consort_expr.flags that never leave this layer */
#define CONSORT_QUERY_FLEXIBLE 0x80000000u  /* doc.a.b: becomes what it meets; json if it meets nothing */
#define CONSORT_QUERY_AGGREGATE 0x40000000u /* a COLUMN that stands for aggregate `index` */
#define CONSORT_QUERY_FLAGS (CONSORT_QUERY_FLEXIBLE | CONSORT_QUERY_AGGREGATE)

/* Where columns come from: source 0 is the query's resource, the others are what relationships lead to. */
struct consort_source {
	const struct consort_resource *resource;
	const struct consort_relationship *via; /* of the parent's resource */
	uint32_t parent;
	const char *path;  /* "origin_airport"; "" for source 0 */
	uint32_t *slots;   /* by attribute: its slot + 1, or 0 */
	uint32_t *from, *to; /* slots on both sides of `via` */
};

struct consort_slot {
	uint32_t source;
	uint32_t attribute;
};

/* A parameter and its first use. */
struct consort_parameter {
	struct consort_type type;         /* NULL type: not known yet */
	const struct consort_text *text;  /* NULL: not used */
	int32_t at;
};

struct consort_resolver {
	const struct consort_names *names;
	struct consort_arena *arena;   /* of the result */
	struct consort_arena *scratch; /* of parse trees and lists */
	struct consort_error *error;
	enum consort_status status;    /* of the first failure */
	const struct consort_text *text; /* being resolved; NULL: none */
	const char *aggregates_refused; /* where no aggregate may stand, or NULL */
	const char *alone;             /* who cannot follow relationships, or NULL */
	uint32_t nexprs;               /* written out as trees */
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
void *consort_query_fail(struct consort_resolver *r, int32_t at, enum consort_status status, const char *format, ...)
	CONSORT_PRINTF(4, 5);
void *consort_query_fail_for(struct consort_resolver *r, const struct consort_expr *expr, int32_t at,
			     enum consort_status status, const char *format, ...) CONSORT_PRINTF(5, 6);
void *consort_query_no_memory(struct consort_resolver *r);
/* Makes room for one more element in an array of the scratch arena. False: no memory. */
bool consort_query_grow(struct consort_resolver *r, void *array, uint32_t count, uint32_t *capacity, size_t size);

/* resolve.c: one node of the parser's; a condition; what stands in a list. */
struct consort_expr *consort_query_expr(struct consort_resolver *r, const PgQuery__Node *node);
struct consort_expr *consort_query_condition(struct consort_resolver *r, const PgQuery__Node *node);

/* operators.c */
struct consort_expr *consort_query_operation(struct consort_resolver *r, const PgQuery__AExpr *node);
/* left op right, one of the six comparisons or [NOT] DISTINCT */
struct consort_expr *consort_query_compare(struct consort_resolver *r, enum consort_op op, struct consort_expr *left,
					   struct consort_expr *right, int32_t at);

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
struct consort_expr *consort_query_column(struct consort_resolver *r, uint32_t source, uint32_t attribute, int32_t at);
/* ENAME for an attribute that is not there, with the nearest one that is. */
void *consort_query_unknown(struct consort_resolver *r, const struct consort_resource *resource, bool relationships,
			    const struct consort_word *word);
/* A document and a further step; a path grows instead of being nested. `text`: PATH_TEXT. */
struct consort_expr *consort_query_path(struct consort_resolver *r, struct consort_expr *document,
					struct consort_expr *step, bool text, int32_t at);

/* types.c */
enum consort_agreement {
	CONSORT_AGREE_COMPARE,   /* numbers may be of different types, which compare exactly */
	CONSORT_AGREE_SAME,      /* one type */
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
					  const struct consort_resource *resource, uint32_t attribute);
/* An explicit cast. */
struct consort_expr *consort_query_convert(struct consort_resolver *r, struct consort_expr *expr,
					   struct consort_type type, int32_t at);
/* Gives every use of a parameter its type; one without is an error. */
bool consort_query_settle(struct consort_resolver *r);

/* make.c: expressions, with NOT_NULL and CAN_FAIL computed */
struct consort_expr *consort_query_make(struct consort_resolver *r, enum consort_expr_kind kind,
					struct consort_type type, int32_t at);
struct consort_expr *consort_query_literal(struct consort_resolver *r, struct consort_value value, int32_t at);
struct consort_expr *consort_query_null(struct consort_resolver *r, struct consort_type type, int32_t at);
struct consort_expr *consort_query_parameter(struct consort_resolver *r, uint32_t index, int32_t at);
/* Takes over args (of the result's arena). */
struct consort_expr *consort_query_call_n(struct consort_resolver *r, enum consort_op op, struct consort_type type,
					  struct consort_expr **args, uint32_t nargs, int32_t at);
struct consort_expr *consort_query_call(struct consort_resolver *r, enum consort_op op, struct consort_type type,
					struct consort_expr *a, struct consort_expr *b, int32_t at);
/* The expression for whoever made it, and may still change it. */
static inline struct consort_expr *consort_query_own(const struct consort_expr *expr)
{
	return (struct consort_expr *)(uintptr_t)expr;
}
/* Counts an expression that is used once more: trees must not grow without bound. False: they did. */
bool consort_query_share(struct consort_resolver *r, const struct consort_expr *expr);
bool consort_query_equal(const struct consort_expr *a, const struct consort_expr *b);
/* --- clauses.c: the clauses of a query, resolved --- */

struct consort_exprs {
	struct consort_expr **items;
	uint32_t count, capacity;
};

/* A column of the select list. */
struct consort_column_item {
	struct consort_expr *expr;
	const char *name;
	const char *path; /* the name in full, for when the short one is another column's too; NULL: has none */
};

struct consort_sorting {
	struct consort_expr *expr;
	uint32_t item;  /* the column of the select list that it names, UINT32_MAX if it does not */
	uint32_t flags; /* of consort_order */
	int32_t at;
};

/* A query with its clauses resolved. */
struct consort_resolved {
	struct consort_resolver r;
	const struct consort_clauses *clauses;
	const struct consort_text *select, *having, *order; /* NULL: none */
	struct consort_column_item *columns;
	uint32_t ncolumns, columns_capacity;
	struct consort_exprs where;
	struct consort_exprs groups;
	struct consort_exprs having_conjuncts;
	struct consort_sorting *sortings;
	uint32_t nsortings, sortings_capacity;
};

bool consort_exprs_add(struct consort_resolver *r, struct consort_exprs *list, struct consort_expr *expr);
bool consort_resolve_where(struct consort_resolved *q);
bool consort_resolve_select(struct consort_resolved *q);
bool consort_resolve_group(struct consort_resolved *q);
bool consort_resolve_having(struct consort_resolved *q);
bool consort_resolve_order(struct consort_resolved *q);
/* build.c: the parameters' types, into the result */
bool consort_resolve_parameters(struct consort_resolver *r, struct consort_logical *logical);
/* Parses a clause's text and makes it the resolver's; NULL with an error. */
const struct consort_text *consort_resolve_text(struct consort_resolved *q, enum consort_clause clause,
						const char *text);


/* paging.c: completes the order by the key, and adds the condition of being behind the record with that key.
 * out_key: conditions that find that record. */
bool consort_resolve_after(struct consort_resolved *q, struct consort_exprs *out_key);

/* --- nodes.c --- */

struct consort_node *consort_node_make(struct consort_resolver *r, enum consort_node_kind kind,
				       const struct consort_node *left, const struct consort_node *right);
struct consort_node *consort_node_filter(struct consort_resolver *r, const struct consort_node *input,
					 const struct consort_exprs *conjuncts);
struct consort_field *consort_field_make(struct consort_resolver *r, const char *name, struct consort_type type,
					 uint32_t flags);
/* Gives a node an array of fields of its own, to be filled. */
bool consort_node_fields(struct consort_resolver *r, struct consort_node *node, uint32_t count,
			 struct consort_field ***out_fields);

/* Which columns scans and joins deliver, and where: first what is used, then the nodes. */
struct consort_layout {
	struct consort_resolver *r;
	uint32_t *columns; /* by slot: the column that has it, UINT32_MAX if none */
	bool *joined;      /* by source */
	uint32_t fallback; /* the slot to deliver if nothing is used */
};

bool consort_layout_init(struct consort_layout *layout, struct consort_resolver *r);
void consort_layout_use(struct consort_layout *layout, const struct consort_expr *expr);
void consort_layout_use_slot(struct consort_layout *layout, uint32_t slot);
/* The scans and joins, and the conjuncts as far down as they may go. No use afterwards. */
struct consort_node *consort_layout_build(struct consort_layout *layout, const struct consort_exprs *conjuncts);

/* Where expressions are evaluated: over a layout's columns, or over an aggregate's groups and results. */
struct consort_place {
	struct consort_layout *layout;
	bool grouped;
	const struct consort_exprs *groups;
};

/* Copies, with columns as they stand there. */
struct consort_expr *consort_place_expr(const struct consort_place *place, const struct consort_expr *expr);
bool consort_place_exprs(const struct consort_place *place, const struct consort_exprs *exprs,
			 struct consort_exprs *out);

#endif
