/* SPDX-License-Identifier: Apache-2.0 */
/* Values made from texts and back, for tests. */
#include "value-helpers.h"

#include "testing.h"

#include <stdio.h>
#include <string.h>

struct consort_arena scratch;

const char *shown(struct consort_value value)
{
	static struct consort_buffer buffers[2];
	static int turn;
	struct consort_buffer *buffer = &buffers[turn ^= 1];

	consort_buffer_reset(buffer);
	consort_value_print(&value, buffer);
	consort_buffer_text(buffer, "");
	return buffer->data;
}

const char *shown_json(struct consort_value value)
{
	static struct consort_buffer buffer;

	consort_buffer_reset(&buffer);
	consort_value_print_json(&value, &buffer);
	return buffer.data;
}

struct consort_value parsed_n(struct consort_type type, const char *text, uint64_t size)
{
	struct consort_value value = consort_null();
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t status = consort_value_parse(type, text, size, &scratch, &value, &error);

	if (status)
		fprintf(stderr, "%s\n", error.message);
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	return value;
}

struct consort_value parsed(struct consort_type type, const char *text)
{
	return parsed_n(type, text, strlen(text));
}

struct consort_value number(const char *text)
{
	struct consort_value value = consort_null();
	struct consort_decimal decimal;
	uint8_t precision, scale;

	if (strpbrk(text, "einf"))
		return parsed(consort_type_of(CONSORT_TYPE_FLOAT64), text);
	if (!strchr(text, '.') &&
	    !consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), text, strlen(text), NULL, &value, NULL))
		return value;
	CU_ASSERT_EQUAL(consort_decimal_parse(text, strlen(text), &decimal, &precision, &scale, NULL),
			CONSORT_OK);
	return consort_decimal_of(decimal, precision, scale);
}

void fails(struct consort_type type, const char *text, uint64_t size, uint32_t status, const char *message)
{
	struct consort_value value = consort_int64(42);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_value_parse(type, text, size, &scratch, &value, &error), status);
	CU_ASSERT_EQUAL(error.status, status);
	CU_ASSERT_EQUAL(value.as.int64, 42);
	TESTING_CONTAINS(error.message, message);
	CU_ASSERT_EQUAL(consort_value_parse(type, text, size, &scratch, &value, NULL), status);
}

void fails_as(uint16_t id, const char *text, uint32_t status, const char *message)
{
	fails(consort_type_of(id), text, strlen(text), status, message);
}

void same_text(uint16_t id, const char *text)
{
	TESTING_TEXT(shown(parsed(consort_type_of(id), text)), text);
}
