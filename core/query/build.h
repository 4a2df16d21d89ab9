/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_BUILD_H
#define CONSORT_QUERY_BUILD_H

/* From resolved clauses to nodes. */

#include "query/resolver.h"

/* --- clauses.c: the clauses of a query, resolved --- */

struct consort_exprs {
	struct consort_expr **items;
	uint32_t count, capacity;
};

/* A column of the select list. */
struct consort_column_item {
	struct consort_expr *expr;
	const char *name;
	const char *path; /* the name in full, for when another column has the short one too; or NULL */
	bool alias;	  /* the name was given by AS */
};

struct consort_sorting {
	struct consort_expr *expr;
	uint32_t item;	/* the column of the select list that it names, UINT32_MAX if it does not */
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
struct consort_field *consort_field_make(struct consort_resolver *r, const char *name,
					 struct consort_type type, uint32_t flags);
/* Gives a node an array of fields of its own, to be filled. */
bool consort_node_fields(struct consort_resolver *r, struct consort_node *node, uint32_t count,
			 struct consort_field ***out_fields);

/* Which columns scans and joins deliver, and where: first what is used, then the nodes. */
struct consort_layout {
	struct consort_resolver *r;
	uint32_t *columns; /* by slot: the column that has it, UINT32_MAX if none */
	bool *joined;	   /* by source */
	uint32_t fallback; /* the slot to deliver if nothing is used */
};

bool consort_layout_init(struct consort_layout *layout, struct consort_resolver *r);
void consort_layout_use(struct consort_layout *layout, const struct consort_expr *expr);
void consort_layout_use_slot(struct consort_layout *layout, uint32_t slot);
/* The scans and joins, and the conjuncts as far down as they may go. No use afterwards. */
struct consort_node *consort_layout_build(struct consort_layout *layout,
					  const struct consort_exprs *conjuncts);

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
