/* SPDX-License-Identifier: Apache-2.0 */
/* Growing texts. */
#include <consort/buffer.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void consort_buffer_clear(struct consort_buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

void consort_buffer_reset(struct consort_buffer *buffer)
{
	buffer->size = 0;
	buffer->failed = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

int consort_buffer_reserve(struct consort_buffer *buffer, size_t more)
{
	size_t need, capacity;
	char *data;

	if (buffer->failed)
		return 0;
	if (more >= SIZE_MAX / 4 - buffer->size)
		goto fail;
	need = buffer->size + more + 1;
	if (need <= buffer->capacity)
		return 1;
	capacity = buffer->capacity ? buffer->capacity : 64;
	while (capacity < need)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		goto fail;
	buffer->data = data;
	buffer->capacity = capacity;
	return 1;
fail:
	buffer->failed = 1;
	return 0;
}

void consort_buffer_append(struct consort_buffer *buffer, const void *data, size_t size)
{
	if (!consort_buffer_reserve(buffer, size))
		return;
	if (size)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	buffer->data[buffer->size] = '\0';
}

void consort_buffer_text(struct consort_buffer *buffer, const char *text)
{
	consort_buffer_append(buffer, text, strlen(text));
}

void consort_buffer_char(struct consort_buffer *buffer, char character)
{
	consort_buffer_append(buffer, &character, 1);
}

void consort_buffer_printf(struct consort_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0) {
		buffer->failed = 1;
		return;
	}
	if (!consort_buffer_reserve(buffer, (size_t)size))
		return;
	va_start(arguments, format);
	vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, arguments);
	va_end(arguments);
	buffer->size += (size_t)size;
}

void consort_buffer_quoted(struct consort_buffer *buffer, const char *text, size_t size, char quote)
{
	size_t i;

	consort_buffer_char(buffer, quote);
	for (i = 0; i < size; i++) {
		if (text[i] == quote)
			consort_buffer_char(buffer, quote);
		consort_buffer_char(buffer, text[i]);
	}
	consort_buffer_char(buffer, quote);
}

char *consort_buffer_steal(struct consort_buffer *buffer)
{
	char *data;

	consort_buffer_append(buffer, "", 0);
	data = buffer->failed ? NULL : buffer->data;
	if (!data)
		free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
	return data;
}
