/* SPDX-License-Identifier: Apache-2.0 */
/* Filling errors. Their texts are cut at a character, never inside one. */
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
