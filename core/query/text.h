/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_QUERY_TEXT_H
#define CONSORT_QUERY_TEXT_H

/* parse.c: a clause's text with libpg_query's tree of it, and the way back from the tree to the text. */

#include "query/query.h"

#include <pg_query/pg_query.pb-c.h>

enum consort_clause {
	CONSORT_CLAUSE_SELECT,
	CONSORT_CLAUSE_WHERE,
	CONSORT_CLAUSE_GROUP,
	CONSORT_CLAUSE_HAVING,
	CONSORT_CLAUSE_ORDER,
	CONSORT_CLAUSE_ASSIGNMENTS
};

struct consort_token {
	int32_t start, end; /* bytes in the text */
	int32_t kind;	    /* PgQuery__Token */
};

/* A text and what the parser made of it. Lives in the arena it was parsed with. */
struct consort_text {
	const char *text;
	int32_t size;
	int32_t prefix; /* bytes that the parser saw before the text: what to take from its locations */
	enum consort_clause clause;
	uint32_t ntokens;
	const struct consort_token *tokens; /* without comments */
	size_t nnodes;
	PgQuery__Node *const *nodes; /* the items of a list, or the one condition */
};

/* One of the words of a dotted name, as written. */
struct consort_word {
	const char *text;
	const char *folded; /* in lower case; NULL if that is the same, or if it was quoted */
	int32_t at;
};

#define CONSORT_QUERY_WORDS 32 /* in a dotted name */

enum consort_status consort_text_parse(enum consort_clause clause, const char *text,
				       struct consort_arena *arena, struct consort_text *out_text,
				       struct consort_error *error);
/* "where", "select", … */
const char *consort_text_clause(const struct consort_text *text);
/* Fills the error: the sentence, then (at N in "text"). `at`: bytes; negative: none. Returns status. */
enum consort_status consort_text_fail(const struct consort_text *text, int32_t at,
				      struct consort_error *error, enum consort_status status,
				      const char *sentence);
/* A location of the parser's in bytes of the text, -1 for none. */
int32_t consort_text_at(const struct consort_text *text, int32_t location);
/* The token that starts there, or the first one behind; ntokens if there is none. */
uint32_t consort_text_token(const struct consort_text *text, int32_t at);
/* What one token stands for as a name. False: no memory. */
bool consort_text_word(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *out_word);
/* The dotted name that starts at that token, as written; words behind a * or [ are left out. *out_count is 0
 * if it has more than CONSORT_QUERY_WORDS. False: no memory. */
bool consort_text_name(const struct consort_text *text, uint32_t token, struct consort_arena *arena,
		       struct consort_word *words, uint32_t *out_count);

#endif
