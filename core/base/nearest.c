/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest known word to a mistyped one. */
#include "base/base.h"

#include <ctype.h>
#include <stdio.h>

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

struct search {
	const char *word;
	size_t size;
	const char *best;
	size_t best_distance;
};

static void consider(struct search *search, const char *candidate)
{
	size_t size = strlen(candidate), longer = size > search->size ? size : search->size, d;

	if (longer > LONGEST_WORD || !size)
		return;
	d = distance(search->word, search->size, candidate, size);
	if (d * 3 <= longer && d < search->best_distance) {
		search->best = candidate;
		search->best_distance = d;
	}
}

const char *consort_nearest(const char *word, const char *const *words, size_t count)
{
	struct search search = {word, strlen(word), NULL, SIZE_MAX};
	size_t i;

	for (i = 0; i < count; i++)
		consider(&search, words[i]);
	return search.best;
}

const char *consort_nearest_key(const char *word, const struct consort_map *map)
{
	struct search search = {word, strlen(word), NULL, SIZE_MAX};
	uint32_t i;

	for (i = 0; i < map->count; i++)
		consider(&search, map->slots[i].key);
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
