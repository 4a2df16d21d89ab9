/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping the case of texts, the same on every system and for every engine: Unicode's simple mappings, which
 * turn one character into one, and for ILIKE its simple case folding (status C and S of CaseFolding.txt).
 * Locales and the C library have no say.
 */
#include "exec/eval.h"

#include <utf8proc.h>

/*
 * utf8proc folds fully: to what a character's folding of status C is, or to the several characters of status
 * F. Those that have a simple folding too (status S) have it as their lower case; İ has none, and ß is one
 * already.
 */
static utf8proc_int32_t fold(utf8proc_int32_t character)
{
	utf8proc_int32_t folded[4];
	int last_class = 0;

	if (utf8proc_decompose_char(character, folded, 4, UTF8PROC_CASEFOLD, &last_class) == 1)
		return folded[0];
	return character == 0x130 ? character : utf8proc_tolower(character);
}

static utf8proc_int32_t map_character(enum consort_mapping mapping, utf8proc_int32_t character)
{
	switch (mapping) {
	case CONSORT_MAP_LOWER:
		return utf8proc_tolower(character);
	case CONSORT_MAP_UPPER:
		return character == 0xdf ? character : utf8proc_toupper(character); /* only fully, to two */
	default:
		return fold(character);
	}
}

static inline char map_ascii(enum consort_mapping mapping, char character)
{
	if (mapping == CONSORT_MAP_UPPER)
		return character >= 'a' && character <= 'z' ? (char)(character - 32) : character;
	return character >= 'A' && character <= 'Z' ? (char)(character + 32) : character;
}

/* Bytes from the start that the mapping leaves as they are, as far as they are ASCII. */
static uint64_t unchanged(enum consort_mapping mapping, struct consort_view text)
{
	uint64_t i = 0;

	while (i < text.size && !(text.data[i] & 0x80) && map_ascii(mapping, text.data[i]) == text.data[i])
		i++;
	return i;
}

bool consort_text_map(enum consort_mapping mapping, struct consort_view text, struct consort_arena *arena,
		      struct consort_view *out_text)
{
	uint64_t at = unchanged(mapping, text), size = at;
	char *mapped;

	if (at == text.size) {
		*out_text = text;
		return true;
	}
	/* a character of two bytes becomes one of three at most, and no other grows */
	mapped = text.size < SIZE_MAX / 2
			 ? consort_arena_alloc(arena, (size_t)(text.size + text.size / 2 + 4))
			 : NULL;
	if (!mapped)
		return false;
	memcpy(mapped, text.data, (size_t)at);
	while (at < text.size) {
		utf8proc_int32_t character;
		utf8proc_ssize_t used;

		if (!(text.data[at] & 0x80)) {
			mapped[size++] = map_ascii(mapping, text.data[at++]);
			continue;
		}
		used = utf8proc_iterate((const utf8proc_uint8_t *)text.data + at,
					(utf8proc_ssize_t)(text.size - at), &character);
		if (used <= 0) {
			/* no UTF-8, which no text should be: kept */
			mapped[size++] = text.data[at++];
			continue;
		}
		at += (uint64_t)used;
		size += (uint64_t)utf8proc_encode_char(map_character(mapping, character),
						       (utf8proc_uint8_t *)mapped + size);
	}
	out_text->data = mapped;
	out_text->size = size;
	return true;
}
