/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SQL_BUILD_H
#define CONSORT_SQL_BUILD_H

/* What the files of the SQL builder share; <consort/sql.h> is for adapters. */

#include <consort/convert.h>
#include <consort/sql.h>

/* --- sql_build.c --- */

/* What the offer says of a node or conjunct; a NO while compiling is an error. */
void consort_sql_answer(struct consort_sql_builder *builder, uint32_t number, uint32_t fidelity,
			const char *reason);
/* The node is taken; it is not, so nothing can stand on it. */
struct consort_sql_relation *consort_sql_accept(struct consort_sql_builder *builder,
						const struct consort_node *node,
						struct consort_sql_relation *relation);
struct consort_sql_relation *consort_sql_refuse(struct consort_sql_builder *builder,
						const struct consort_node *node,
						struct consort_sql_relation *relation, const char *reason);
/* NULL, with the status set. */
struct consort_sql_relation *consort_sql_out_of_memory(struct consort_sql_builder *builder);
/* Without terms yet, but with room for them. */
struct consort_sql_relation *consort_sql_relation_new(struct consort_sql_builder *builder, uint32_t nterms);
/* A copy that can be changed; NULL: no memory. */
struct consort_sql_term *consort_sql_term_copy(struct consort_sql_builder *builder,
					       const struct consort_sql_term *term);

/* --- sql_select.c --- */

/* " WHERE …", if there is any condition. */
void consort_sql_render_where(struct consort_sql_builder *builder,
			      const struct consort_sql_relation *relation, struct consort_buffer *out);
/* The whole SELECT; named: columns are called c0, c1, … */
void consort_sql_render_select(struct consort_sql_builder *builder,
			       const struct consort_sql_relation *relation, bool named,
			       struct consort_buffer *out);
/* A relation that more conditions, or a join, can be added to. */
struct consort_sql_relation *consort_sql_open_where(struct consort_sql_builder *builder,
						    struct consort_sql_relation *relation);

/* --- sql_nodes.c, sql_join.c --- */

/* The relation of a tree; answers the offer on the way. NULL: the builder's status is set. */
struct consort_sql_relation *consort_sql_relation_of(struct consort_sql_builder *builder,
						     const struct consort_node *node);
/* Adds a condition that means the same to a list. */
bool consort_sql_add_condition(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			       const struct consort_expr *expr, struct consort_sql_texts *to);
struct consort_sql_relation *consort_sql_join_nodes(struct consort_sql_builder *builder,
						    const struct consort_node *node);

#endif
