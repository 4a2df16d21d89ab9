/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_HELPERS_H
#define CONSORT_QUERY_HELPERS_H

/*
 * A made-up catalogue of resources, and queries of it as texts. What these functions return lives as long as
 * the process; an error comes back as its message with its status in front: "ENAME flight: no attribute …".
 */

#include "query/query.h"

extern const struct consort_names query_names;

/* The conjuncts of a query of `flight` with this condition, one after the other with " AND ". */
const char *query_where(const char *text);
/* An expression selected from `flight`, with its type, "!" if it is never NULL and "?" if it can fail. */
const char *query_select(const char *text);
/* The whole tree, the root first: "project id | filter delay_min > 60 | scan flight: id, delay_min". */
const char *query_tree(const struct consort_clauses *clauses);
/* The same of an update or delete by query. */
const char *query_write(const struct consort_clauses *clauses, bool delete_records);
/* Clauses of a query of a resource, with nothing else. */
struct consort_clauses query_of(const char *resource);
/* Resolves; the parameters' types: "int64, text, -". */
const char *query_parameters(const struct consort_clauses *clauses);
/* Two trees of a paged query: after, then root. */
const char *query_after(const struct consort_clauses *clauses);
/* The error's position of the last function that failed. */
int query_position(void);

#endif
