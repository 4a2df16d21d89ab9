/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors, and the check of UTF-8 that keeps their texts whole. */
#include <consort/convert.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts a text that may have been cut inside a character back to the character's start. */
static void cut_at_character(char *text)
{
	uint64_t at;

	if (!consort_utf8_valid(text, strlen(text), &at) && strlen(text) - at < 4)
		text[at] = '\0';
}

uint32_t consort_error_set(struct consort_error *error, uint32_t status, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return status;
	memset(error, 0, offsetof(struct consort_error, message));
	error->status = status;
	va_start(arguments, format);
	if (vsnprintf(error->message, sizeof(error->message), format, arguments) >= (int)sizeof(error->message))
		cut_at_character(error->message);
	va_end(arguments);
	return status;
}

void consort_error_prefix(struct consort_error *error, const char *format, ...)
{
	char text[sizeof(error->message)], context[256];
	va_list arguments;

	if (!error)
		return;
	va_start(arguments, format);
	if (vsnprintf(context, sizeof(context), format, arguments) >= (int)sizeof(context))
		cut_at_character(context);
	va_end(arguments);
	memcpy(text, error->message, sizeof(text));
	if (snprintf(error->message, sizeof(error->message), "%s: %s", context, text) >= (int)sizeof(error->message))
		cut_at_character(error->message);
}

uint32_t consort_error_no_memory(struct consort_error *error)
{
	return consort_error_set(error, CONSORT_ENOMEM, "out of memory");
}

void consort_copy_text(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (!size)
		return;
	if (length < size) {
		memcpy(out, text, length + 1);
		return;
	}
	memcpy(out, text, size - 1);
	out[size - 1] = '\0';
	cut_at_character(out);
}

/* The length of the well-formed sequence at p (Unicode 15, table 3-7), or 0. */
static uint64_t sequence_length(const unsigned char *p, uint64_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	uint64_t length, i;

	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		length = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		length = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (length > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Eight ASCII bytes, none of them NUL? */
static int is_plain(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return !((word | (word - 0x0101010101010101u)) & 0x8080808080808080u);
}

int consort_utf8_valid(const char *text, uint64_t size, uint64_t *out_at)
{
	const unsigned char *p = (const unsigned char *)text;
	uint64_t at = 0, length;

	while (at < size) {
		if (size - at >= 8) {
			if (is_plain(p + at)) {
				at += 8;
				continue;
			}
		} else if (size >= 8 && is_plain(p + size - 8)) {
			return 1; /* what it overlaps was checked already */
		}
		if (p[at] - 1u < 0x7f) {
			at++;
			continue;
		}
		length = sequence_length(p + at, size - at);
		if (!length) {
			if (out_at)
				*out_at = at;
			return 0;
		}
		at += length;
	}
	return 1;
}
