/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_VALUE_HELPERS_H
#define CONSORT_VALUE_HELPERS_H

/* What the tests of values and their texts share. Each checks with CUnit what it is about. */

#include <consort/arena.h>
#include <consort/convert.h>

/* Where parsed values hold what they decode to; never freed, each case is a process. */
extern struct consort_arena scratch;

/* The text of a value; valid until the second next call. */
const char *shown(struct consort_value value);
const char *shown_json(struct consort_value value);
/* The value of a text, which must be one. */
struct consort_value parsed(struct consort_type type, const char *text);
struct consort_value parsed_n(struct consort_type type, const char *text, uint64_t size);
/* A number in its own type: 1 is int64, 1.5 decimal, 1e0 or nan float64. */
struct consort_value number(const char *text);
/* The text must be refused, with a message that holds this one, and the output left alone. */
void fails(struct consort_type type, const char *text, uint64_t size, uint32_t status, const char *message);
/* The same for a type by its id. */
void fails_as(uint16_t id, const char *text, uint32_t status, const char *message);
/* The text must be that of its value. */
void same_text(uint16_t id, const char *text);

#endif
