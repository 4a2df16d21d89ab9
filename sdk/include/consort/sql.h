/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQL_H
#define CONSORT_SQL_H

/*
 * Plans to SQL, for adapters of engines that speak it. Part of the static SDK library.
 *
 * A relation is what a subtree of a plan has become so far: one SELECT whose clauses are still open. Each
 * node adds a clause; where SQL's order of clauses does not allow that, what is below becomes a subquery. The
 * same code answers offers, where nothing is kept but what could be said, and compiles; so the two agree.
 *
 * What differs between engines is a dialect: a table of functions that write names and expressions and say
 * what the engine does not do as the core does. A builder serves one offer or one compilation, on one thread;
 * what it makes lives in its arena. A function that returns false (or NULL) has either set builder->status
 * and filled the error, or builder->reason, a static text that says why the engine is not given this.
 */

#include <stdbool.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/plan.h>

CONSORT_BEGIN

struct consort_text_sink;

/* Texts, to be joined. */
struct consort_sql_texts {
	const char **items;
	uint32_t count, room;
};

/* A column that a relation delivers. An adapter's own struct starts with it. */
struct consort_sql_term {
	const char *sql; /* NULL: it has none, for `reason` */
	const char *reason;
	struct consort_type type;
	const struct consort_resource *resource; /* of a table's column, else NULL */
	uint32_t attribute;			 /* of it */
	bool nullable;
	bool unique; /* no two records of the table have the same value */
};

struct consort_sql_relation {
	const char *reason; /* not NULL: a part of it stays in the core, so nothing can stand on it */
	const char *from;
	struct consort_sql_texts where, group, order;
	const char *limit, *offset;
	struct consort_sql_term **terms;
	uint32_t nterms, ntables;
	bool aggregated;
	bool keyed;  /* its keys come when it runs */
	bool single; /* at most one row (keyed: for each key) */
	void *own;   /* the adapter's; NULL at first */
};

/* Where the value of a placeholder comes from. */
enum consort_sql_source { CONSORT_SQL_LITERAL, CONSORT_SQL_PARAMETER, CONSORT_SQL_KEY };

#define CONSORT_SQL_STORAGE 16

/* A placeholder; the one with number i stands for slots[i]. */
struct consort_sql_slot {
	const struct consort_value *literal;
	const char *attribute;		      /* for messages */
	uint8_t storage[CONSORT_SQL_STORAGE]; /* the adapter's: how the value is sent; aligned as a pointer */
	uint32_t index;			      /* of the parameter or key column */
	uint8_t source;			      /* enum consort_sql_source */
	uint8_t purpose;		      /* the adapter's */
};

struct consort_sql_dialect;

struct consort_sql_builder {
	const struct consort_sql_dialect *dialect;
	void *own; /* the adapter's */
	struct consort_arena *arena;
	struct consort_error *error;
	uint32_t status;	     /* not OK: *error is filled, nothing more is done */
	const char *reason;	     /* why the last expression was not taken */
	struct consort_offer *offer; /* NULL: compiling */
	struct consort_sql_slot *slots;
	uint32_t nslots, slot_room;
	uint32_t naliases;
	uint32_t depth; /* of the expression at work, for the dialect */
	bool joins;	/* columns need their table's name */
};

/* What an engine makes of the parts of a plan. Functions append to `out` and may leave it half written when
 * they return false. */
struct consort_sql_dialect {
	const char *engine; /* "SQLite" */
	const char
		*unlimited; /* what LIMIT says where there is only an OFFSET; NULL: there need not be one */
	const char *keys_apart;	  /* why nothing stands above a key set; NULL: anything may */
	size_t term_size;
	bool nulls_least; /* in an ORDER BY that does not say where NULLs go */
	/* the table of a resource */
	void (*table)(struct consort_sql_builder *builder, const struct consort_resource *resource,
		      struct consort_buffer *out);
	/* what the adapter itself knows of a table's column, whose other members are there; false: an error
	 */
	bool (*column)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       struct consort_sql_term *term);
	/* a condition that means the same */
	bool (*condition)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out);
	/* MAY: one that is true at least where the expression is, with the reason why it is not the same */
	bool (*loose_condition)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				const struct consort_expr *expr, struct consort_buffer *out);
	/* KEYED: a condition that the columns are in the key set */
	bool (*keys)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_node *node, struct consort_buffer *out);
	/* PROJECT: an expression that is no column; type, sql and whatever the adapter knows go to the term
	 */
	bool (*value)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *expr, struct consort_sql_term *term);
	/* AGGREGATE: a group, what it is called in GROUP BY, and an aggregate */
	bool (*group)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *expr, struct consort_sql_term *term,
		      struct consort_buffer *out);
	bool (*aggregate)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_aggregate *aggregate, struct consort_sql_term *term);
	/* SORT: what ORDER BY sorts by, which is no constant; the direction and NULLS follow */
	bool (*order)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *expr, struct consort_buffer *out);
	/* LIMIT: a parameter */
	bool (*limit)(struct consort_sql_builder *builder, const struct consort_expr *expr, bool offset,
		      struct consort_buffer *out);
	/* UPDATE: an expression as the attribute stores it */
	bool (*stored)(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_resource *resource, const struct consort_attribute *attribute,
		       const struct consort_expr *expr, struct consort_buffer *out);
	/* MAY: conditions behind all others, when the relation is written */
	void (*checks)(struct consort_sql_builder *builder, const struct consort_sql_relation *relation,
		       struct consort_sql_texts *out);
	/* MAY: `outer` is the relation as a subquery; its terms are copies with other names */
	bool (*wrapped)(struct consort_sql_builder *builder, const struct consort_sql_relation *relation,
			struct consort_sql_relation *outer);
	/* MAY: a condition of a FILTER says that the column is equal to a constant, or to one of some */
	void (*fixed)(struct consort_sql_term *term);
	/* MAY: `both` is a join of the two */
	void (*joined)(struct consort_sql_relation *left, struct consort_sql_relation *right,
		       struct consort_sql_relation *both);
};

/* A compiled plan; an adapter's own struct starts with it. Immutable. */
struct consort_sql_statement {
	struct consort_arena arena;
	uint64_t id;
	const char *sql;
	size_t size;
	const struct consort_sql_slot *slots;
	uint32_t nslots, nkeys;
	const struct consort_resource *resource; /* it is about, for messages */
	bool single;				 /* at most one row (keyed: for each key) */
	bool writes;				 /* an UPDATE or DELETE */
};

/* Answers an offer. own: the adapter's, for its functions. */
uint32_t consort_sql_offer(const struct consort_sql_dialect *dialect, void *own,
			   const struct consort_node *tree, struct consort_offer *answer,
			   struct consort_error *error);
/*
 * Compiles. *out, whose arena is to be cleared also after a failure, is all zero before. `columns` gets the
 * columns that are delivered, while what it makes may go into the arena, too; a status from it ends the
 * compilation.
 */
uint32_t consort_sql_compile(const struct consort_sql_dialect *dialect, void *own,
			     const struct consort_statement *statement,
			     uint32_t (*columns)(void *own, const struct consort_sql_relation *relation,
						 struct consort_sql_statement *out,
						 struct consort_error *error),
			     struct consort_sql_statement *out, struct consort_error *error);
/* Writes the statement for query.explain. */
uint32_t consort_sql_explain(const struct consort_sql_statement *statement,
			     const struct consort_text_sink *sink, struct consort_error *error);

/* --- for dialects --- */

/* Why the engine is not given this; false. */
static inline bool consort_sql_no(struct consort_sql_builder *builder, const char *reason)
{
	builder->reason = reason;
	return false;
}

/* The error is filled, or there is no memory; false. */
bool consort_sql_failed(struct consort_sql_builder *builder, uint32_t status);
bool consort_sql_no_memory(struct consort_sql_builder *builder);

static inline bool consort_sql_is_constant(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_LITERAL || expr->kind == CONSORT_EXPR_PARAMETER;
}

/* Appends an expression as the adapter's `want` says. */
typedef bool consort_sql_render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				const struct consort_expr *expr, const void *want,
				struct consort_buffer *out);
/* AND, OR, NOT, IS TRUE and IS FALSE over conditions of the dialect. */
bool consort_sql_logic(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out);
/* IS NULL and IS NOT NULL. */
bool consort_sql_null_test(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_expr *expr, consort_sql_render *render,
			   struct consort_buffer *out);
/* CASE and COALESCE; `want` goes to render() for each of the values. */
bool consort_sql_choice(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, consort_sql_render *render, const void *want,
			struct consort_buffer *out);
/* The positions of the arguments of CASE or COALESCE that may be its value: *at is UINT32_MAX before the
 * first; false: there are no more. */
bool consort_sql_next_value(const struct consort_expr *choice, uint32_t *at);
/* What a comparison is with its sides exchanged. */
uint32_t consort_sql_mirrored(uint32_t op);

/* The buffer's text in the arena, the buffer cleared; NULL: no memory. */
const char *consort_sql_take(struct consort_sql_builder *builder, struct consort_buffer *text);
bool consort_sql_add(struct consort_sql_builder *builder, struct consort_sql_texts *texts, const char *text);
/* Items with a word between them, nested so that no expression is deep. */
void consort_sql_join(const char *const *items, uint32_t count, const char *word, struct consort_buffer *out);
/* An identifier in double quotes. */
void consort_sql_quote(struct consort_buffer *out, const char *identifier);
/* The number of the placeholder for a value to come, from 1; one that is there already serves again. 0: no
 * memory. */
uint32_t consort_sql_placeholder(struct consort_sql_builder *builder, const struct consort_sql_slot *slot);
/* A term of the dialect's size; NULL: no memory. */
struct consort_sql_term *consort_sql_term_new(struct consort_sql_builder *builder);
/* The relation as a subquery, with nothing but columns; NULL with the status set. */
struct consort_sql_relation *consort_sql_wrap(struct consort_sql_builder *builder,
					      const struct consort_sql_relation *relation);

CONSORT_END

#endif
