/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_MATCH_H
#define CONSORT_MONGODB_MATCH_H

/*
 * Conditions in the language of find and $match: match.c has logic and the whole, leaves are in compare.c
 * (null tests and comparisons) and list.c (IN and LIKE). Each appends a condition to an empty document and
 * says how exactly it is the expression's. path.c has all of them for paths into documents.
 */

#include "plan.h"

struct mongo_matching {
	struct mongo_render *render;
	struct mongo_term *const *terms;
	uint32_t nterms;
};

/* NO, for this reason. */
uint32_t mongo_refuse_match(const struct mongo_matching *matching, const char *reason);
bool mongo_is_constant(const struct consort_expr *expr);
/* A constant's value; NULL: it is not known yet. */
const struct consort_value *mongo_known(const struct mongo_matching *matching,
					const struct consort_expr *expr);
void mongo_append_placeholder(bson_t *out, const char *key, const struct consort_expr *expr);
/* Appends a constant under that key; *out_none if nothing can be equal to it. */
bool mongo_append_constant(const struct mongo_matching *matching, const struct mongo_term *term,
			   const struct consort_expr *expr, enum mongo_purpose purpose, bson_t *out,
			   const char *key, size_t key_size, bool *out_none);
/* Appends a constant pattern as a regular expression under that key; false: it is wrong. */
bool mongo_append_regex(const struct mongo_matching *matching, const struct consort_expr *pattern,
			bson_t *out, const char *key);
/* The comparison that is true where this one is false, and this one with its sides turned. */
uint32_t mongo_inverted(uint32_t op);
uint32_t mongo_mirrored(uint32_t op);
/* Do values of these types meet in MongoDB as they do in the core? */
bool mongo_go_together(const struct mongo_term *term, struct consort_type type);
/* The column of a condition whose values MongoDB compares as the core does; NULL with the reason. */
struct mongo_term *mongo_comparable(const struct mongo_matching *matching, const struct consort_expr *expr,
				    bool ordered);
/* A path that leads into a list meets each of its elements. */
uint32_t mongo_path_fidelity(const struct mongo_matching *matching, const struct mongo_term *term);

uint32_t mongo_match_null(const struct mongo_matching *matching, const struct consort_expr *expr, bool wanted,
			  bson_t *out);
uint32_t mongo_match_compare(const struct mongo_matching *matching, const struct consort_expr *expr,
			     bool sense, bson_t *out);
uint32_t mongo_match_distinct(const struct mongo_matching *matching, const struct consort_expr *expr,
			      bool same, bson_t *out);
uint32_t mongo_match_in(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			bson_t *out);
uint32_t mongo_match_like(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			  bson_t *out);
/* Is a CALL a condition on what a path into a document leads to? */
bool mongo_tests_path(const struct consort_expr *expr);
uint32_t mongo_match_path(const struct mongo_matching *matching, const struct consort_expr *expr, bool sense,
			  bson_t *out);

#endif
