/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_NEAREST_H
#define CONSORT_NEAREST_H

/*
 * The nearest known word to a mistyped one, for messages. Part of the static SDK library. All pure, from any
 * thread.
 */

#include <consort/abi.h>

CONSORT_BEGIN

/*
 * The word of words[0…count) nearest to `word` by restricted Damerau-Levenshtein distance without case, if it
 * is near enough to be meant (at most a third of the longer one's length); else NULL.
 */
const char *consort_nearest(const char *word, const char *const *words, size_t count);

/* The same over words that come one by one. */
struct consort_nearest_search {
	const char *word;
	size_t size;
	const char *best; /* the nearest so far, or NULL; borrowed */
	size_t distance;
};

void consort_nearest_begin(struct consort_nearest_search *search, const char *word);
void consort_nearest_consider(struct consort_nearest_search *search, const char *candidate);

/* "; did you mean 'x'?" or "" for NULL, in a buffer of the caller's; returns it. */
const char *consort_hint(const char *nearest, char *out, size_t size);

CONSORT_END

#endif
