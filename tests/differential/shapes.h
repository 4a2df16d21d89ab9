/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_SHAPES_H
#define CONSORT_TESTS_SHAPES_H

/* Queries of every shape over the world's resources, beside the same as SQL over strict.db where SQLite means
 * the same by it. */

#define SHAPE_ORDERED 1u /* ordered by a unique key: the sequence counts */
#define SHAPE_ROUNDED 2u /* sums of doubles, compared to 12 digits */
#define SHAPE_FAILS 4u	 /* an error in every placement */

struct shape {
	const char *resource, *select, *where, *group, *having, *order;
	long limit, offset; /* 0: none */
	const char *args;   /* "i:5|t:SFO|f:1.5|n:" */
	const char *after;  /* the same, for the key to page after */
	unsigned flags;
	const char *sql; /* NULL: no oracle */
};
extern const struct shape shapes[];

#endif
