/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQLITE_SQL_H
#define CONSORT_SQLITE_SQL_H

/*
 * Making SQL: a relation is what a subtree of a plan has become so far, one SELECT whose clauses are still
 * open. The same code answers offers (nothing is kept but what could be said) and compiles, so the two agree.
 */

#include "sqlite.h"

/* A column of a table or subquery that SQLite must check if the statement uses its value. */
struct lite_checked {
	const char *sql;
	enum lite_codec codec;
	const char *resource, *attribute;
	bool used;
	struct lite_checked *next;
};

/* A column that a relation delivers. */
struct lite_term {
	const char *sql; /* NULL: it has none, for `reason` */
	const char *reason;
	struct consort_type type;
	struct lite_storage storage;
	bool nullable;
	struct lite_checked *checked; /* it is such a column; NULL: it is computed, or cannot be wrong */
	const struct consort_resource *resource; /* of a table's column, else NULL */
	uint32_t attribute;			 /* of it */
};

/* Texts, to be joined. */
struct lite_texts {
	const char **items;
	uint32_t count, room;
};

struct lite_relation {
	const char *reason; /* not NULL: a part of it stays in the core, so nothing can stand on it */
	const char *from;
	uint32_t ntables;
	struct lite_texts where, group, order;
	const char *limit, *offset;
	bool aggregated, keyed, single;
	uint32_t nterms;
	struct lite_term *terms;
	struct lite_checked *checked;
};

struct lite_builder {
	struct consort_arena *arena;
	struct consort_error *error;
	uint32_t status;	     /* not OK: *error is filled, nothing more is done */
	const char *reason;	     /* why the last expression was not taken; static */
	struct consort_offer *offer; /* NULL: compiling */
	struct lite_slot *slots;
	uint32_t nslots, slot_room;
	uint32_t naliases;
	bool utf8;  /* texts are ordered as they must be */
	bool joins; /* columns need their table's name */
	bool checks;
	uint32_t depth;
};

/* --- expr.c --- */

/* Appends the value of an expression over the relation's columns, as `want` stores it (NULL: as it comes).
 * False: not taken, for builder->reason. */
bool lite_render(struct lite_builder *builder, struct lite_relation *relation,
		 const struct consort_expr *expr, const struct lite_storage *want,
		 struct consort_buffer *out);
/* Appends it as the attribute stores it, to be assigned. */
bool lite_render_stored(struct lite_builder *builder, struct lite_relation *relation,
			const struct consort_resource *resource, const struct consort_attribute *attribute,
			const struct consort_expr *expr, struct consort_buffer *out);
/* How its value is stored; NULL if it is a literal or parameter, which may be stored in any way. */
const struct lite_storage *lite_expr_storage(struct lite_relation *relation, const struct consort_expr *expr);
/* Is SQLite's order of such values ours? */
static inline bool lite_orders(const struct lite_builder *builder, const struct lite_storage *storage)
{
	return storage->order && (builder->utf8 || storage->codec != LITE_TEXT);
}
/* Values of that type that no column holds. */
struct lite_storage lite_plain_storage(struct consort_type type);
/* Is it known only when the statement runs, and could it be NaN? */
bool lite_may_be_nan(const struct consort_expr *expr);
/* Appends "?N" for a value to come. */
bool lite_render_slot(struct lite_builder *builder, const struct lite_slot *slot, struct consort_buffer *out);
/* Not taken, for that reason. */
bool lite_no(struct lite_builder *builder, const char *reason);
/* A literal or parameter, as `want` stores it if that is for its type. */
bool lite_render_constant(struct lite_builder *builder, const struct consort_expr *expr,
			  const struct lite_storage *want, enum lite_purpose purpose,
			  struct consort_buffer *out);
static inline bool lite_is_constant(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER;
}

/* Items with a word between them, nested so that no expression is deep. */
void lite_join_texts(const char *const *items, uint32_t count, const char *word, struct consort_buffer *out);
/* The buffer's text in the arena, the buffer cleared; NULL with the builder's status set. */
const char *lite_take_text(struct lite_builder *builder, struct consort_buffer *text);
bool lite_add_text(struct lite_builder *builder, struct lite_texts *texts, const char *text);

/* --- compare.c --- */

bool lite_render_compare(struct lite_builder *builder, struct lite_relation *relation,
			 const struct consort_expr *expr, const char *operation, bool ordered,
			 struct consort_buffer *out);
bool lite_render_in(struct lite_builder *builder, struct lite_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out);
/* "left = right", where texts are the same only if their bytes are. */
void lite_render_equality(const struct lite_term *term, const char *left, const char *operation,
			  const char *right, struct consort_buffer *out);
/* LIKE, as GLOB; a text whose characters count. */
bool lite_render_like(struct lite_builder *builder, struct lite_relation *relation,
		      const struct consort_expr *expr, struct consort_buffer *out);
bool lite_render_text(struct lite_builder *builder, struct lite_relation *relation,
		      const struct consort_expr *arg, struct consort_buffer *out);
/* A condition that is true wherever expr is, and perhaps elsewhere; false: there is none. */
bool lite_render_superset(struct lite_builder *builder, struct lite_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out);

/* --- select.c, aggregate.c, join.c --- */

struct lite_relation *lite_relation_new(struct lite_builder *builder, uint32_t nterms);
/* NULL, with the status set. */
struct lite_relation *lite_out_of_memory(struct lite_builder *builder);
/* Answers that the node is taken; that it is not, so that nothing can stand on it. */
struct lite_relation *lite_take(struct lite_builder *builder, const struct consort_node *node,
				struct lite_relation *relation);
struct lite_relation *lite_refuse(struct lite_builder *builder, const struct consort_node *node,
				  struct lite_relation *relation, const char *reason);
/* The relation as a subquery, with nothing but columns; if it must be one before conditions can be added. */
struct lite_relation *lite_wrap(struct lite_builder *builder, const struct lite_relation *relation);
struct lite_relation *lite_open_where(struct lite_builder *builder, struct lite_relation *relation);
/* Adds a condition to a list; false: not taken. */
bool lite_add_conjunct(struct lite_builder *builder, struct lite_relation *relation,
		       const struct consort_expr *expr, struct lite_texts *to);
struct lite_relation *lite_aggregate(struct lite_builder *builder, const struct consort_node *node,
				     struct lite_relation *relation);
struct lite_relation *lite_join(struct lite_builder *builder, const struct consort_node *node);

/* The relation of a tree; answers the offer on the way. NULL: the builder's status is set. */
struct lite_relation *lite_relation_of(struct lite_builder *builder, const struct consort_node *node);
/* What the offer says of a node or conjunct; a NO while compiling is an error. */
void lite_answer(struct lite_builder *builder, uint32_t number, uint32_t fidelity, const char *reason);
/* " WHERE …" with the checks, if there is any condition. */
void lite_render_where(struct lite_builder *builder, const struct lite_relation *relation,
		       struct consort_buffer *out);
/* The whole SELECT. */
void lite_render_select(struct lite_builder *builder, const struct lite_relation *relation, bool named,
			struct consort_buffer *out);

#endif
