/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_BUFFER_H
#define CONSORT_BUFFER_H

/*
 * A growing text. Part of the static SDK library. An append that finds no memory marks the buffer as failed
 * and later appends do nothing, so that a caller checks once, at the end. One thread at a time.
 */

#include <consort/abi.h>

CONSORT_BEGIN

struct consort_buffer {
	char *data;      /* NUL-terminated once anything was appended, else NULL */
	size_t size;     /* without the NUL */
	size_t capacity;
	uint8_t failed;  /* out of memory */
};

#ifdef __cplusplus
#define CONSORT_BUFFER_INIT {}
#else
#define CONSORT_BUFFER_INIT {0}
#endif

void consort_buffer_clear(struct consort_buffer *buffer);
/* Empties it and keeps its memory. */
void consort_buffer_reset(struct consort_buffer *buffer);
/* Makes room for `more` bytes behind its size, to be written by the caller, who raises the size; 0: it failed. */
int consort_buffer_reserve(struct consort_buffer *buffer, size_t more);
void consort_buffer_append(struct consort_buffer *buffer, const void *data, size_t size);
void consort_buffer_text(struct consort_buffer *buffer, const char *text);
void consort_buffer_char(struct consort_buffer *buffer, char character);
void consort_buffer_printf(struct consort_buffer *buffer, const char *format, ...) CONSORT_PRINTF(2, 3);
/* The text between two quote characters, each quote inside doubled: SQL identifiers ('"') and texts ('\''). */
void consort_buffer_quoted(struct consort_buffer *buffer, const char *text, size_t size, char quote);
/* Takes the text out (the caller frees it); "" if empty; NULL if the buffer failed. The buffer is empty then. */
char *consort_buffer_steal(struct consort_buffer *buffer);

CONSORT_END

#endif
