/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of records: the source, then the key's attributes as their codecs write them. A text that is the only
 * one stands there as it is; among several, what would be taken for the separator is escaped, as %3A.
 */
#include "redis.h"

static bool is_special(const struct redis_layout *layout, char character)
{
	return character == '%' || (character && strchr(layout->separator, character));
}

static void append_escaped(const struct redis_layout *layout, const struct consort_buffer *part,
			   struct consort_buffer *out)
{
	size_t i;

	for (i = 0; i < part->size; i++) {
		if (is_special(layout, part->data[i]))
			consort_buffer_printf(out, "%%%02X", (unsigned char)part->data[i]);
		else
			consort_buffer_char(out, part->data[i]);
	}
}

uint32_t redis_key_make(const struct redis_layout *layout, const struct consort_value *values,
			struct consort_buffer *out, struct consort_error *error)
{
	uint32_t i, status = CONSORT_OK;

	consort_buffer_append(out, layout->head, layout->head_size);
	if (layout->nkeys == 1) {
		status = redis_encode(layout, layout->keys[0], values, out, error);
	} else {
		struct consort_buffer part = CONSORT_BUFFER_INIT;

		for (i = 0; !status && i < layout->nkeys; i++) {
			consort_buffer_reset(&part);
			consort_buffer_text(out, i ? layout->separator : "");
			status = redis_encode(layout, layout->keys[i], &values[i], &part, error);
			append_escaped(layout, &part, out);
		}
		out->failed |= part.failed;
		consort_buffer_clear(&part);
	}
	consort_buffer_append(out, layout->tail, layout->tail_size);
	if (!status && out->failed)
		return consort_error_no_memory(error);
	return status;
}

/* --- and back --- */

static int hex_digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

/* Without its escapes; false: no key of ours is written so. */
static bool unescape(const char *text, size_t size, char *out, size_t *out_size)
{
	size_t i, used = 0;

	for (i = 0; i < size; i++) {
		int high, low;

		if (text[i] != '%') {
			out[used++] = text[i];
			continue;
		}
		if (i + 2 >= size)
			return false;
		high = hex_digit(text[i + 1]);
		low = hex_digit(text[i + 2]);
		if (high < 0 || low < 0)
			return false;
		out[used++] = (char)(high << 4 | low);
		i += 2;
	}
	*out_size = used;
	return true;
}

static uint32_t parse_parts(const struct redis_layout *layout, const char *text, size_t size,
			    struct consort_arena *scratch, struct consort_value *values, bool *out_ours,
			    struct consort_error *error)
{
	struct consort_error why = CONSORT_ERROR_INIT;
	const char *end = text + size;
	uint32_t i;

	for (i = 0; i < layout->nkeys; i++) {
		const char *stop = end;
		size_t part_size = size;
		char *part = NULL;

		if (layout->nkeys > 1) {
			if (i + 1 < layout->nkeys)
				stop = memmem(text, (size_t)(end - text), layout->separator,
					      strlen(layout->separator));
			if (!stop)
				return CONSORT_OK;
			part = consort_arena_alloc(scratch, (size_t)(stop - text) + 1);
			if (!part)
				return consort_error_no_memory(error);
			if (!unescape(text, (size_t)(stop - text), part, &part_size))
				return CONSORT_OK;
		}
		if (redis_decode(layout, layout->keys[i], part ? part : text, part_size, scratch, &values[i],
				 &why)) {
			if (why.status == CONSORT_ENOMEM)
				return consort_error_no_memory(error);
			return CONSORT_OK;
		}
		text = stop + (stop < end ? strlen(layout->separator) : 0);
	}
	*out_ours = true;
	return CONSORT_OK;
}

/* A key that is written in another way than we would is never found by its values: it is none of the
 * resource's. */
uint32_t redis_key_parse(const struct redis_layout *layout, const char *key, uint64_t size,
			 struct consort_arena *scratch, struct consort_buffer *again,
			 struct consort_value *values, bool *out_ours, struct consort_error *error)
{
	bool ours = false;
	uint32_t status;

	*out_ours = false;
	if (size < layout->head_size + layout->tail_size || memcmp(key, layout->head, layout->head_size) ||
	    memcmp(key + size - layout->tail_size, layout->tail, layout->tail_size))
		return CONSORT_OK;
	status = parse_parts(layout, key + layout->head_size,
			     (size_t)size - layout->head_size - layout->tail_size, scratch, values, &ours,
			     error);
	if (status || !ours)
		return status;
	if (again &&
	    (layout->nkeys > 1 || layout->attributes[layout->keys[0]].type.id != CONSORT_TYPE_TEXT)) {
		consort_buffer_reset(again);
		status = redis_key_make(layout, values, again, error);
		if (status)
			return status;
		ours = again->size == size && !memcmp(again->data, key, size);
	}
	*out_ours = ours;
	return CONSORT_OK;
}

static void append_literally(struct consort_buffer *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*?[]\\^-", *text))
			consort_buffer_char(out, '\\');
		consort_buffer_char(out, *text);
	}
}

void redis_key_pattern(const struct redis_layout *layout, struct consort_buffer *out)
{
	append_literally(out, layout->head);
	consort_buffer_char(out, '*');
	append_literally(out, layout->tail);
}
