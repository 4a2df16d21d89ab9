/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON texts as events. yajl does the grammar; it sees the document in one piece, so that strings without
 * escapes and numbers are given where they lie in it. Its memory comes from an arena that is reset before
 * each run, since a yajl handle cannot be used twice; and since yajl does not look whether it got memory, a
 * run without leaves yajl by longjmp, which loses nothing that the arena does not have.
 */
#include "json_scan.h"

#include <consort/convert.h>

#include <string.h>
#include <yajl/yajl_parse.h>

/* --- memory for yajl: each piece has its size in front, for realloc --- */

#define PIECE_HEAD 16u

static void *piece_alloc(void *context, size_t size)
{
	struct consort_json_scan *scan = context;
	char *piece = NULL;

	if (size < SIZE_MAX - PIECE_HEAD)
		piece = consort_arena_alloc(&scan->memory, size + PIECE_HEAD);
	if (!piece)
		longjmp(scan->no_memory, 1);
	memcpy(piece, &size, sizeof(size));
	return piece + PIECE_HEAD;
}

static void *piece_realloc(void *context, void *old, size_t size)
{
	size_t old_size = 0;
	void *piece;

	if (old)
		memcpy(&old_size, (char *)old - PIECE_HEAD, sizeof(old_size));
	if (old && size <= old_size)
		return old;
	piece = piece_alloc(context, size);
	if (old_size)
		memcpy(piece, old, old_size);
	return piece;
}

static void piece_free(void *context, void *piece)
{
	(void)context;
	(void)piece;
}

/* --- errors --- */

/* `at` bytes of the document were read when it turned out to be wrong. */
uint32_t consort_json_scan_wrong(struct consort_json_scan *scan, uint32_t status, uint64_t at, const char *what)
{
	uint64_t i, characters = 0;

	consort_error_set(scan->error, status, "invalid JSON at byte %llu: %s", (unsigned long long)at, what);
	for (i = 0; i < at && i < scan->document.size; i++)
		characters += ((unsigned char)scan->document.data[i] & 0xc0) != 0x80;
	if (scan->error)
		scan->error->position = characters < INT32_MAX ? (int32_t)characters : INT32_MAX;
	return status;
}

static uint64_t bytes_read(const struct consort_json_scan *scan)
{
	return scan->finishing ? scan->document.size : yajl_get_bytes_consumed(scan->handle);
}

/* yajl's "parse error: trailing garbage\n" without what stands around the reason. */
static uint32_t wrong_syntax(struct consort_json_scan *scan)
{
	char *text = (char *)yajl_get_error(scan->handle, 0, NULL, 0), *colon = strstr(text, ": ");
	const char *reason = colon ? colon + 2 : text;
	size_t size = strlen(text);

	while (size && (text[size - 1] == '\n' || text[size - 1] == '.'))
		text[--size] = '\0';
	if (!strcmp(reason, "premature EOF"))
		reason = "the text ends too early";
	return consort_json_scan_wrong(scan, CONSORT_ESYNTAX, bytes_read(scan), reason);
}

/* --- events --- */

static int pass(struct consort_json_scan *scan, uint32_t kind, uint32_t boolean, const char *text,
		size_t size)
{
	struct consort_json_event event = {kind, boolean, {text, size}, bytes_read(scan)};

	scan->end = event.end;
	scan->status = scan->event(scan->context, &event);
	return !scan->status;
}

/* Four hexadecimal digits, which yajl has checked. */
static unsigned code_unit(const char *digits)
{
	unsigned unit = 0;
	int i;

	for (i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)digits[i];

		unit = unit * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return unit;
}

/* Checks the escapes from `start` to before `end`: yajl makes '?' or worse of half a surrogate pair. */
static int check_escapes(struct consort_json_scan *scan, uint64_t start, uint64_t end)
{
	const char *text = scan->document.data;
	uint64_t at = start;

	while (at < end) {
		unsigned unit;

		if (text[at] != '\\' || text[at + 1] != 'u') {
			at += text[at] == '\\' ? 2 : 1;
			continue;
		}
		unit = code_unit(text + at + 2);
		if (!unit) {
			scan->status = consort_json_scan_wrong(scan, CONSORT_ERANGE, at + 1,
						"a text cannot hold the NUL character");
			return 0;
		}
		if (unit >= 0xd800 && unit < 0xdc00 && end - at >= 12 && text[at + 6] == '\\' &&
		    text[at + 7] == 'u' && code_unit(text + at + 8) >> 10 == 0xdc00 >> 10) {
			at += 12;
			continue;
		}
		if (unit >= 0xd800 && unit < 0xe000) {
			scan->status = consort_json_scan_wrong(scan, CONSORT_ERANGE, at + 1,
						"half a surrogate pair is no character");
			return 0;
		}
		at += 6;
	}
	return 1;
}

/* A string or key. One with escapes is not given where it lies: between the last token and it there are only
 * blanks, a comma or a colon. */
static int pass_text(struct consort_json_scan *scan, uint32_t kind, const char *text, size_t size)
{
	uintptr_t from = (uintptr_t)scan->document.data, at = (uintptr_t)text;

	if (at < from || at >= from + scan->document.size) {
		const char *behind = scan->document.data + scan->end;
		const char *quote = memchr(behind, '"', scan->document.size - scan->end);
		uint64_t start = (uint64_t)(quote - scan->document.data);

		if (!check_escapes(scan, start + 1, bytes_read(scan) - 1))
			return 0;
	}
	return pass(scan, kind, 0, text, size);
}

static int on_null(void *context)
{
	return pass(context, CONSORT_JSON_NULL, 0, "null", 4);
}

static int on_boolean(void *context, int boolean)
{
	return pass(context, CONSORT_JSON_BOOL, boolean != 0, boolean ? "true" : "false", boolean ? 4 : 5);
}

static int on_number(void *context, const char *text, size_t size)
{
	return pass(context, CONSORT_JSON_NUMBER, 0, text, size);
}

static int on_string(void *context, const unsigned char *text, size_t size)
{
	return pass_text(context, CONSORT_JSON_STRING, (const char *)text, size);
}

static int on_key(void *context, const unsigned char *text, size_t size)
{
	return pass_text(context, CONSORT_JSON_KEY, (const char *)text, size);
}

static int open_container(struct consort_json_scan *scan, uint32_t kind)
{
	if (scan->depth == CONSORT_JSON_DEPTH) {
		scan->status = consort_json_scan_wrong(scan, CONSORT_ERANGE, bytes_read(scan),
					"objects and arrays are nested deeper than 512");
		return 0;
	}
	scan->depth++;
	return pass(scan, kind, 0, NULL, 0);
}

static int on_object(void *context)
{
	return open_container(context, CONSORT_JSON_OBJECT);
}

static int on_array(void *context)
{
	return open_container(context, CONSORT_JSON_ARRAY);
}

static int on_object_end(void *context)
{
	struct consort_json_scan *scan = context;

	scan->depth--;
	return pass(scan, CONSORT_JSON_OBJECT_END, 0, NULL, 0);
}

static int on_array_end(void *context)
{
	struct consort_json_scan *scan = context;

	scan->depth--;
	return pass(scan, CONSORT_JSON_ARRAY_END, 0, NULL, 0);
}

/* --- a run --- */

void consort_json_scan_init(struct consort_json_scan *scan)
{
	memset(scan, 0, sizeof(*scan));
	consort_arena_init(&scan->memory, 0);
}

void consort_json_scan_clear(struct consort_json_scan *scan)
{
	consort_arena_clear(&scan->memory);
}

/* yajl takes half a string behind the value for nothing. */
static uint32_t check_rest(struct consort_json_scan *scan)
{
	uint64_t at = scan->end;

	while (at < scan->document.size && strchr(" \t\r\n", scan->document.data[at]))
		at++;
	if (at < scan->document.size)
		return consort_json_scan_wrong(scan, CONSORT_ESYNTAX, at + 1, "trailing garbage");
	return CONSORT_OK;
}

static uint32_t run(struct consort_json_scan *scan)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null, .yajl_boolean = on_boolean, .yajl_number = on_number,
		.yajl_string = on_string, .yajl_start_map = on_object, .yajl_map_key = on_key,
		.yajl_end_map = on_object_end, .yajl_start_array = on_array, .yajl_end_array = on_array_end,
	};
	yajl_alloc_funcs functions = {piece_alloc, piece_realloc, piece_free, scan};
	yajl_status status;

	if (setjmp(scan->no_memory))
		return consort_error_no_memory(scan->error);
	scan->handle = yajl_alloc(&callbacks, &functions, scan);
	yajl_config(scan->handle, yajl_dont_validate_strings, 1); /* done, and more strictly */
	status = yajl_parse(scan->handle, (const unsigned char *)scan->document.data, scan->document.size);
	if (status == yajl_status_ok) {
		scan->finishing = 1;
		status = yajl_complete_parse(scan->handle);
	}
	if (status == yajl_status_ok)
		return check_rest(scan);
	return scan->status ? scan->status : wrong_syntax(scan);
}

uint32_t consort_json_scan_run(struct consort_json_scan *scan, struct consort_view document,
			       consort_json_event_function *event, void *context, struct consort_error *error)
{
	uint64_t at;

	scan->document = document;
	scan->event = event;
	scan->context = context;
	scan->error = error;
	scan->end = 0;
	scan->depth = 0;
	scan->status = CONSORT_OK;
	scan->finishing = 0;
	consort_arena_reset(&scan->memory);
	if (!consort_utf8_valid(document.data, document.size, &at))
		return consort_json_scan_wrong(scan, CONSORT_ESYNTAX, at + 1,
				document.data[at] ? "this is no UTF-8" : "a NUL byte");
	return run(scan);
}
