/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_SQL_H
#define CONSORT_POSTGRES_SQL_H

/*
 * PostgreSQL's dialect, for the builder of <consort/sql.h>. dialect.c has what is made of a plan's nodes,
 * expr.c, compare.c and document.c expressions, aggregate.c the rest.
 */

#include "postgres.h"

/* A column that a relation delivers. */
struct pg_term {
	struct consort_sql_term base;
	struct pg_storage storage;
	const char *raw; /* the column itself, where base.sql is its text */
};

static inline const struct pg_term *pg_term_at(const struct consort_sql_relation *relation, uint32_t i)
{
	return (const struct pg_term *)relation->terms[i];
}

/* The facts of a builder's database. */
static inline uint32_t pg_facts(const struct consort_sql_builder *builder)
{
	return *(const uint32_t *)builder->own;
}

extern const struct consort_sql_dialect pg_dialect;

/* A table or other name of one to two parts: schema.table, where a part may stand in double quotes.
 * Everything else is as it is written. */
void pg_quote_source(const char *source, struct consort_buffer *out);
/* The table alone, as it is called. */
void pg_append_last_part(const char *source, struct consort_buffer *out);

/* Appends what an attribute is read from, behind the alias ("t1." or ""): its column, or a part of a document
 * in one. */
void pg_append_attribute(const struct consort_resource *resource, const struct consort_attribute *attribute,
			 const char *alias, size_t alias_size, struct consort_buffer *out);

/* --- expr.c --- */

/* Appends the value of an expression as SQL of the very type that `want` travels as. False: not taken. */
bool pg_render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
	       const struct consort_expr *expr, const void *want, struct consort_buffer *out);
bool pg_render_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out);
/* How its value is kept; NULL if it is a literal or parameter, which may be sent in any way. */
const struct pg_storage *pg_expr_storage(struct consort_sql_relation *relation,
					 const struct consort_expr *expr);
/* Appends "$N" for a value to come. */
bool pg_render_slot(struct consort_sql_builder *builder, const struct consort_sql_slot *slot,
		    const struct pg_storage *storage, struct consort_buffer *out);
/* A literal or parameter as a value of that storage. */
bool pg_render_constant(struct consort_sql_builder *builder, const struct consort_expr *expr,
			const struct pg_storage *storage, enum pg_purpose purpose,
			struct consort_buffer *out);
/* How a placeholder's value is sent. */
static inline const struct pg_storage *pg_slot_storage(const struct consort_sql_slot *slot)
{
	return (const struct pg_storage *)(const void *)slot->storage;
}
/* Appends a text in quotes, whatever standard_conforming_strings is. */
void pg_quote_text(const char *text, size_t size, struct consort_buffer *out);
/* Is the value's text the same to PostgreSQL as it is to us? */
bool pg_is_plain(const struct consort_value *value);
/* Appends '…'::type. */
void pg_append_quoted(const struct consort_value *value, const struct pg_storage *storage,
		      struct consort_buffer *out);

/* --- compare.c --- */

bool pg_render_compare(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out);
bool pg_render_in(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_buffer *out);
bool pg_render_like(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out);
bool pg_render_null_test(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out);
/* A condition that is true wherever expr is, with the reason why it may be elsewhere. */
bool pg_render_loosely(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out);
/* An expression as what compares and sorts as the core does: numbers as they are, texts by their bytes. */
bool pg_render_comparable(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, bool ordered, struct consort_buffer *out);
/* Does PostgreSQL's idea of characters and their order serve? */
bool pg_knows_characters(struct consort_sql_builder *builder);
/* The text of a column, or what was computed, as its bytes are compared; ordered: sorted. */
void pg_append_text(struct consort_sql_builder *builder, const struct pg_storage *storage, const char *sql,
		    bool ordered, struct consort_buffer *out);

/* --- document.c --- */

/* PATH, as jsonb. */
bool pg_render_path(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out);
/* PATH_TEXT as a text, which for objects and arrays has other blanks than the core's; so only its comparison
 * with a literal that starts like neither is exact. */
bool pg_render_path_text(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out);
bool pg_starts_like_a_document(const struct consort_expr *literal);
bool pg_render_match(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, struct consort_buffer *out);

/* --- aggregate.c --- */

bool pg_render_group(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, struct consort_sql_term *base,
		     struct consort_buffer *out);
bool pg_render_aggregate(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_aggregate *aggregate, struct consort_sql_term *base);

#endif
