/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_SHAPES_H
#define CONSORT_TESTS_SHAPES_H

/*
 * Shapes of queries that an engine must be given whole: explain tells one step over the database `db`, with
 * nothing left out and nothing checked again. The rows are those of the same query over the resources
 * "plain_…", which are the same records where the manifest allows the adapter nothing but to read them.
 */
#include <stddef.h>

#include "api.h"

struct shape {
	const char *resource, *select, *where, *group, *having, *order;
	int64_t limit, offset;
	int64_t parameter; /* $1, where one is used */
};

void shapes_check(struct consort *c, const struct shape *shapes, size_t count);

/* With the tests' own open_both and close_both, which have the customers and purchases that are meant. */
#define SHAPES(...)                                                                \
	do {                                                                       \
		static const struct shape shapes[] = {__VA_ARGS__};                \
		struct consort *shapes_of = open_both();                           \
                                                                                   \
		shapes_check(shapes_of, shapes, sizeof(shapes) / sizeof(*shapes)); \
		close_both(shapes_of);                                             \
	} while (0)
#define CUSTOMER(condition)                                                 \
	{                                                                   \
		"customer", "id, name", .where = (condition), .order = "id" \
	}
#define PURCHASE(condition)                                           \
	{                                                             \
		"purchase", "id", .where = (condition), .order = "id" \
	}

#endif
