/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_JSON_H
#define CONSORT_JSON_H

/*
 * Reading JSON texts (RFC 8259, one value, UTF-8) without building a tree: numbers keep their digits, big
 * documents stay flat in memory. Over yajl. Part of the static SDK library. Of a key that an object has twice a path
 * takes the first; consort_json_compact keeps both.
 *
 * Each call reads the whole document, so that what is wrong with it is found wherever the value lies: ESYNTAX
 * if it is no JSON, ERANGE if it is nested deeper than 512 or has a string that no text can hold (\u0000,
 * half a surrogate pair); the message has the byte, error->position the character, both from 1. ENOMEM. A
 * document of size 0 may have NULL for its data.
 */

#include <consort/buffer.h>
#include <consort/error.h>
#include <consort/types.h>

CONSORT_BEGIN

enum consort_json_kind {
	CONSORT_JSON_NONE = 0, /* no such place */
	CONSORT_JSON_NULL = 1,
	CONSORT_JSON_BOOL = 2,   /* `boolean` */
	CONSORT_JSON_NUMBER = 3, /* `text`: its digits as written */
	CONSORT_JSON_STRING = 4, /* `text`: its characters, unescaped */
	CONSORT_JSON_OBJECT = 5, /* `text`: compact JSON */
	CONSORT_JSON_ARRAY = 6   /* `text`: compact JSON */
};

/* One step of a path: a key, or a position (from 0; negative from the end) */
struct consort_json_step {
	const char *key; /* NULL: a position */
	uint64_t key_size;
	int64_t index;
};

/* "a number", "an object", …: for messages. Static. */
const char *consort_json_noun(uint32_t kind);

/* A reader to use again and again; it owns what it delivers until its next use and keeps its memory. One
 * thread at a time, and not within its own callback (EINVAL). */
struct consort_json_reader;

struct consort_json_reader *consort_json_reader_new(void); /* NULL: no memory */
void consort_json_reader_free(struct consort_json_reader *reader);

/* What one reads. */
struct consort_json_value {
	uint32_t kind;  /* enum consort_json_kind */
	uint32_t boolean;
	struct consort_view text;
};

/* The value at a path, from one pass over the document (and one more over an array with a position from its
 * end). A step that does not lead on, such as a position in an object, ends at CONSORT_JSON_NONE. */
uint32_t consort_json_at(struct consort_json_reader *reader, struct consort_view document,
			 const struct consort_json_step *steps, uint32_t nsteps,
			 struct consort_json_value *out_value, struct consort_error *error);

/* The members of an object in order, values as consort_json_at gives them; key and value live until member()
 * returns. A status from member() ends it and is returned; member() fills the error then. ETYPE if the text is JSON
 * but no object, ERANGE for a key that stands twice in it: which of the two counts would be a guess. Members that
 * stand in front of what is wrong with a document were given before that is found. */
uint32_t consort_json_members(struct consort_json_reader *reader, struct consort_view document,
			      uint32_t (*member)(void *context, struct consort_view key,
						 const struct consort_json_value *value),
			      void *context, struct consort_error *error);

/* The elements of an array, likewise. */
uint32_t consort_json_elements(struct consort_json_reader *reader, struct consort_view document,
			       uint32_t (*element)(void *context, const struct consort_json_value *value),
			       void *context, struct consort_error *error);

/* Checks a text and appends it without white space between tokens; strings as JSON escapes them at least. */
uint32_t consort_json_compact(struct consort_json_reader *reader, struct consort_view document,
			      struct consort_buffer *out, struct consort_error *error);

/* Appends a JSON string with its quotes. */
void consort_json_quote(struct consort_buffer *out, const char *text, uint64_t size);

CONSORT_END

#endif
