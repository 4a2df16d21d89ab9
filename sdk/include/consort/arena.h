/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ARENA_H
#define CONSORT_ARENA_H

/*
 * An arena: many small allocations that are freed together. Part of the static SDK library.
 * One thread at a time. Every function returns NULL when there is no memory.
 */

#include <consort/abi.h>

CONSORT_BEGIN

struct consort_arena_block;

struct consort_arena {
	struct consort_arena_block *blocks; /* newest first */
	uint64_t used;                      /* bytes handed out since _init or _clear */
	uint64_t limit;                     /* of used; 0: none */
};

void consort_arena_init(struct consort_arena *arena, uint64_t limit);
/* Frees everything; the arena may be used again. */
void consort_arena_clear(struct consort_arena *arena);
/* Forgets everything but keeps the newest block, for use in a loop. */
void consort_arena_reset(struct consort_arena *arena);
/* Zeroed, aligned to 16 bytes. A size of 0 gives a pointer too. */
void *consort_arena_alloc(struct consort_arena *arena, size_t size);
/* The same for count * size, with the product checked. */
void *consort_arena_array(struct consort_arena *arena, size_t count, size_t size);
/* A copy of size bytes and a NUL behind them. */
char *consort_arena_copy(struct consort_arena *arena, const void *data, size_t size);
/* A copy of a NUL-terminated text; NULL gives NULL. */
char *consort_arena_text(struct consort_arena *arena, const char *text);
/* The texts behind each other; the last argument is NULL. */
char *consort_arena_join(struct consort_arena *arena, const char *first, ...) __attribute__((__sentinel__));
char *consort_arena_printf(struct consort_arena *arena, const char *format, ...) CONSORT_PRINTF(2, 3);

CONSORT_END

#endif
