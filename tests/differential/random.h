/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_RANDOM_H
#define CONSORT_TESTS_RANDOM_H

/* Random typed predicates over edge, and a relationship of it, in Consort's words and in SQLite's; and
 * queries around them. */

#include "world.h"

#define RANDOM_MOST_ARGS 12

struct random_query {
	struct consort_buffer where; /* Consort's */
	struct consort_buffer sql;   /* the same for SQLite, where `exact` */
	int exact;		     /* SQLite means the same */
	int via;		     /* enum world_column of the relationship that it follows, or -1 */
	unsigned nargs;
	struct consort_value args[RANDOM_MOST_ARGS]; /* borrowing from world_pools */
	/* what stands around the predicate */
	struct consort_buffer select, group, order, sql_select, sql_tail;
	int grouped;
	long limit, offset;
};

void random_make(struct random_query *q, uint64_t *seed);
void random_clear(struct random_query *q);
/* The tables that q's SQL is about. */
void random_from(const struct random_query *q, struct consort_buffer *sql);

/* A predicate over parts of paper's documents, of at most so many levels. */
void random_path(struct consort_buffer *out, uint64_t *seed, unsigned depth);

#endif
