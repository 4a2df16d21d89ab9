/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQLITE_SQL_H
#define CONSORT_SQLITE_SQL_H

/* SQLite's dialect, for the builder of <consort/sql.h>. */

#include "sqlite.h"

/* A column of a table or subquery that SQLite must check if the statement uses its value. */
struct lite_checked {
	const char *sql;
	enum lite_codec codec;
	const char *resource, *attribute;
	bool used;
	bool sure; /* a condition lets only values of its form through */
	struct lite_checked *next;
};

/* A column that a relation delivers. The relation's `own` is the list of those to check. */
struct lite_term {
	struct consort_sql_term base;
	struct lite_storage storage;
	struct lite_checked *checked; /* it is such a column; NULL: it is computed, or cannot be wrong */
};

static inline struct lite_term *lite_term_at(const struct consort_sql_relation *relation, uint32_t i)
{
	return (struct lite_term *)relation->terms[i];
}

/* What a builder's `own` is. */
struct lite_build {
	bool utf8;   /* texts are ordered as they must be */
	bool checks; /* the statement calls functions of check.c */
};

static inline struct lite_build *lite_build(const struct consort_sql_builder *builder)
{
	return builder->own;
}

extern const struct consort_sql_dialect lite_dialect;

/* --- expr.c --- */

/* Appends the value of an expression over the relation's columns, as `want` stores it (NULL: as it comes).
 * False: not taken, for builder->reason. */
bool lite_render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		 const struct consort_expr *expr, const struct lite_storage *want,
		 struct consort_buffer *out);
/* As a truth value. */
bool lite_render_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_expr *expr, struct consort_buffer *out);
/* Appends it as the attribute stores it, to be assigned. */
bool lite_render_stored(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_resource *resource, const struct consort_attribute *attribute,
			const struct consort_expr *expr, struct consort_buffer *out);
/* How its value is stored; NULL if it is a literal or parameter, which may be stored in any way. */
const struct lite_storage *lite_expr_storage(struct consort_sql_relation *relation,
					     const struct consort_expr *expr);
/* Is SQLite's order of such values ours? */
static inline bool lite_orders(const struct consort_sql_builder *builder, const struct lite_storage *storage)
{
	return storage->order && (lite_build(builder)->utf8 || storage->codec != LITE_TEXT);
}
/* Values of that type that no column holds. */
struct lite_storage lite_plain_storage(struct consort_type type);
/* Is it known only when the statement runs, and could it be NaN? */
bool lite_may_be_nan(const struct consort_expr *expr);
/* Appends "?N" for a value to come. */
bool lite_render_slot(struct consort_sql_builder *builder, const struct consort_sql_slot *slot,
		      const struct lite_storage *storage, struct consort_buffer *out);
/* A literal or parameter, as `want` stores it if that is for its type. */
bool lite_render_constant(struct consort_sql_builder *builder, const struct consort_expr *expr,
			  const struct lite_storage *want, enum lite_purpose purpose,
			  struct consort_buffer *out);

/* --- compare.c --- */

bool lite_render_compare(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, const char *operation, bool ordered,
			 struct consort_buffer *out);
bool lite_render_in(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out);
/* "left = right", where texts are the same only if their bytes are. */
void lite_render_equality(const struct lite_storage *storage, const char *left, const char *operation,
			  const char *right, struct consort_buffer *out);
/* LIKE, as GLOB; a text whose characters count. */
bool lite_render_like(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *expr, struct consort_buffer *out);
bool lite_render_text(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *arg, struct consort_buffer *out);
/* A condition that is true wherever expr is, and perhaps elsewhere; false: there is none. */
bool lite_render_superset(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out);

/* --- aggregate.c --- */

bool lite_render_group(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_sql_term *base,
		       struct consort_buffer *out);
bool lite_render_aggregate(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_aggregate *aggregate, struct consort_sql_term *base);

#endif
