/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_PATH_H
#define CONSORT_MONGODB_PATH_H

/*
 * Conditions on what a path into a document leads to: path.c has paths, null and which condition it is,
 * said.c what is said of a value that is read as text, or as another type.
 */

#include "match.h"

struct mongo_path {
	struct consort_buffer text; /* with dots */
	uint32_t type;		    /* that it is read as: TEXT, a CAST's, or JSON */
	bool positions;		    /* some of its steps are: MongoDB takes them for keys, too */
};

/* What a path is compared with. */
struct mongo_test {
	const struct mongo_matching *matching;
	struct mongo_path path;
	uint32_t op; /* a comparison with the path to its left, IN or LIKE */
	const struct consort_expr *const *constants;
	uint32_t nconstants;
};

/* Types that MongoDB tells apart, besides null. */
enum mongo_bson {
	MONGO_IS_DOUBLE,
	MONGO_IS_INT,
	MONGO_IS_LONG,
	MONGO_IS_DECIMAL,
	MONGO_IS_STRING,
	MONGO_IS_BOOL,
	MONGO_IS_ARRAY,
	MONGO_IS_SYMBOL,
	MONGO_IS_REGEX,
	MONGO_IS_UNDEFINED,
	MONGO_IS_OBJECT, /* and nine more, which JSON has as objects */
	MONGO_KINDS = 20
};
#define MONGO_KIND(name) (1u << MONGO_IS_##name)

/* Appends {path: {$type: […]}} to an array. */
void mongo_append_types(bson_t *list, uint32_t *at, const char *path, uint32_t kinds);
/* Appends for each document on the way that it is a list. */
void mongo_append_lists(bson_t *list, uint32_t *at, const struct mongo_path *path);

uint32_t mongo_match_as_text(const struct mongo_test *test, bool sense, bson_t *out);
uint32_t mongo_match_as_type(const struct mongo_test *test, bool sense, bson_t *out);

#endif
