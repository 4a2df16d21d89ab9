/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest known word to a mistyped one. */
#include <consort/nearest.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_WORD 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int lower(char c)
{
	return tolower((unsigned char)c);
}

/* Restricted Damerau-Levenshtein distance (optimal string alignment: each pair is swapped at most once). */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t rows[3][LONGEST_WORD + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t i, j;

	for (j = 0; j <= b_size; j++)
		above[j] = j;
	for (i = 1; i <= a_size; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (j = 1; j <= b_size; j++) {
			size_t cost = lower(a[i - 1]) != lower(b[j - 1]);

			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_size];
}

void consort_nearest_begin(struct consort_nearest_search *search, const char *word)
{
	search->word = word;
	search->size = strlen(word);
	search->best = NULL;
	search->distance = SIZE_MAX;
}

void consort_nearest_consider(struct consort_nearest_search *search, const char *candidate)
{
	size_t size = strlen(candidate), longer = size > search->size ? size : search->size, d;

	if (longer > LONGEST_WORD || !size)
		return;
	d = distance(search->word, search->size, candidate, size);
	if (d * 3 <= longer && d < search->distance) {
		search->best = candidate;
		search->distance = d;
	}
}

const char *consort_nearest(const char *word, const char *const *words, size_t count)
{
	struct consort_nearest_search search;
	size_t i;

	consort_nearest_begin(&search, word);
	for (i = 0; i < count; i++)
		consort_nearest_consider(&search, words[i]);
	return search.best;
}

const char *consort_hint(const char *nearest, char *out, size_t size)
{
	if (nearest)
		snprintf(out, size, "; did you mean '%s'?", nearest);
	else
		out[0] = '\0';
	return out;
}
