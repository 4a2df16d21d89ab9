/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHDOWN_H
#define PUSHDOWN_H

/*
 * What an adapter takes must mean what the core means. Random conditions over a table of hard values are
 * offered: one that is taken exactly must find the very rows that the core's own evaluation finds, one that
 * is taken loosely at least those. A failing seed is printed; CONSORT_TEST_SEED runs that one alone.
 */
#include "adapter.h"

/* Columns of one type, and what they are compared with. */
struct pushdown_group {
	const char *columns[4];
	const char *literals[10];
};

/* A table with columns id and i (int64), j (int64), f and g (float64), b (bool), and those that are named
 * here. */
struct pushdown {
	const char *table;
	const struct pushdown_group *groups; /* the first of integers, the second of doubles */
	uint32_t ngroups;
	const char *const *texts; /* columns; the lists end with NULL */
	const char *const *patterns;
	const char *const *any;	 /* columns of every type */
	const char *const *more; /* conditions of the engine's own, besides */
	int conditions;
};

/* A number below the limit, from a sequence that pushdown_begin starts. */
uint32_t pushdown_pick(uint32_t limit);
void pushdown_begin(uint64_t seed);
#define PUSHDOWN_ANY(list) (list)[pushdown_pick(sizeof(list) / sizeof(*(list)))]

/* How many conditions were taken exactly, loosely, and not; how many of those taken found rows. */
struct pushdown_counts {
	int exact, loose, no, nonempty;
};

/* Tries them all. */
struct pushdown_counts pushdown_try(struct adapter_test *test, const struct pushdown *pushdown);

#endif
