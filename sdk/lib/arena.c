/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: blocks that double in size up to a bound; everything is freed together. */
#include <consort/arena.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK 1024u
#define LARGEST_BLOCK ((size_t)1 << 20)
#define ALIGNMENT 16u

struct consort_arena_block {
	struct consort_arena_block *next;
	size_t size; /* of data */
	size_t used;
	size_t padding;
	unsigned char data[];
};

void consort_arena_init(struct consort_arena *arena, uint64_t limit)
{
	arena->blocks = NULL;
	arena->used = 0;
	arena->limit = limit;
}

static void free_blocks(struct consort_arena_block *block)
{
	while (block) {
		struct consort_arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void consort_arena_clear(struct consort_arena *arena)
{
	free_blocks(arena->blocks);
	arena->blocks = NULL;
	arena->used = 0;
}

void consort_arena_reset(struct consort_arena *arena)
{
	if (arena->blocks) {
		free_blocks(arena->blocks->next);
		arena->blocks->next = NULL;
		arena->blocks->used = 0;
	}
	arena->used = 0;
}

static struct consort_arena_block *add_block(struct consort_arena *arena, size_t need)
{
	size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
	struct consort_arena_block *block;

	if (size > LARGEST_BLOCK)
		size = LARGEST_BLOCK;
	if (size < need)
		size = need;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->size = size;
	block->used = 0;
	arena->blocks = block;
	return block;
}

static void *take(struct consort_arena *arena, size_t size)
{
	struct consort_arena_block *block = arena->blocks;
	void *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (arena->limit && size > arena->limit - arena->used)
		return NULL;
	if (!block || size > block->size - block->used)
		block = add_block(arena, size);
	if (!block)
		return NULL;
	memory = block->data + block->used;
	block->used += size;
	arena->used += size;
	return memory;
}

void *consort_arena_alloc(struct consort_arena *arena, size_t size)
{
	void *memory = take(arena, size ? size : 1);

	return memory ? memset(memory, 0, size) : NULL;
}

void *consort_arena_array(struct consort_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return consort_arena_alloc(arena, bytes);
}

char *consort_arena_copy(struct consort_arena *arena, const void *data, size_t size)
{
	char *copy = size < SIZE_MAX ? take(arena, size + 1) : NULL;

	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

char *consort_arena_text(struct consort_arena *arena, const char *text)
{
	return text ? consort_arena_copy(arena, text, strlen(text)) : NULL;
}

char *consort_arena_join(struct consort_arena *arena, const char *first, ...)
{
	const char *text;
	va_list texts;
	size_t size = 0, length;
	char *joined;

	va_start(texts, first);
	for (text = first; text; text = va_arg(texts, const char *))
		size += strlen(text);
	va_end(texts);
	joined = take(arena, size + 1);
	if (!joined)
		return NULL;
	va_start(texts, first);
	for (size = 0, text = first; text; text = va_arg(texts, const char *), size += length) {
		length = strlen(text);
		memcpy(joined + size, text, length);
	}
	va_end(texts);
	joined[size] = '\0';
	return joined;
}

char *consort_arena_printf(struct consort_arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;
	int size;

	va_start(arguments, format);
	size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0)
		return NULL;
	text = take(arena, (size_t)size + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)size + 1, format, arguments);
	va_end(arguments);
	return text;
}
