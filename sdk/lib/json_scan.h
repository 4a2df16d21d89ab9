/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_JSON_SCAN_H
#define CONSORT_JSON_SCAN_H

/*
 * A JSON text as a row of events, over yajl, with what yajl leaves open settled: the text is UTF-8, is no
 * deeper than a bound, and its escapes stand for characters that a text can hold. Private to sdk/lib.
 */

#include <setjmp.h>

#include <consort/arena.h>
#include <consort/json.h>

#define CONSORT_JSON_DEPTH 512 /* objects and arrays within each other */

/* Beside enum consort_json_kind, whose OBJECT and ARRAY are beginnings here: */
enum consort_json_event_kind {
	CONSORT_JSON_KEY = 7,
	CONSORT_JSON_OBJECT_END = 8,
	CONSORT_JSON_ARRAY_END = 9
};

struct consort_json_event {
	uint32_t kind;
	uint32_t boolean;
	struct consort_view text; /* KEY, STRING: unescaped; other values: as written; until the next event */
	uint64_t end;             /* of its token in the document */
};

/* A status other than CONSORT_OK ends the scan; who returns it fills the error. */
typedef uint32_t consort_json_event_function(void *context, const struct consort_json_event *event);

struct consort_json_scan {
	struct consort_arena memory; /* all that yajl has */
	jmp_buf no_memory;
	/* of one run: */
	struct consort_view document;
	void *handle;
	consort_json_event_function *event;
	void *context;
	struct consort_error *error;
	uint64_t end;    /* of the last event's token */
	uint32_t depth;
	uint32_t status; /* of an event */
	int finishing;   /* yajl is beyond the document's end and counts from 0 again */
};

void consort_json_scan_init(struct consort_json_scan *scan);
void consort_json_scan_clear(struct consort_json_scan *scan);
/* For an event: what is wrong with the document at that byte, from 1. Returns status, with the error filled. */
uint32_t consort_json_scan_wrong(struct consort_json_scan *scan, uint32_t status, uint64_t at, const char *what);
/* ESYNTAX for a text that is no JSON, with error->position, ERANGE for one that is too deep or holds what a
 * text cannot, ENOMEM, or an event's status. */
uint32_t consort_json_scan_run(struct consort_json_scan *scan, struct consort_view document,
			       consort_json_event_function *event, void *context,
			       struct consort_error *error);

#endif
