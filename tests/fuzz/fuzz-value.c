/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the text of a value: a type's name, a line's end, and the text. What parses must print as a
 * text that parses to the same value, and a conversion that succeeds must not change it.
 */
#include "fuzz.h"

#include <consort/arena.h>
#include <consort/convert.h>

#include <string.h>

static struct consort_arena arena;

static int is_number(uint16_t type)
{
	return type == CONSORT_TYPE_INT64 || type == CONSORT_TYPE_FLOAT64 || type == CONSORT_TYPE_DECIMAL;
}

/* A type's name reads back; returns false if it is none. */
static int parse_type(const char *name, struct consort_type *out_type)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_type again;

	if (consort_type_parse(name, out_type, &error)) {
		FUZZ_CHECK(error.status == CONSORT_ETYPE && error.message[0]);
		return 0;
	}
	consort_type_print(*out_type, &text);
	FUZZ_CHECK(!consort_type_parse(text.data, &again, NULL) && consort_type_equal(again, *out_type));
	consort_buffer_clear(&text);
	return 1;
}

static void convert(const struct consort_value *value)
{
	const struct consort_type types[] = {
		consort_type_of(CONSORT_TYPE_FLOAT64), consort_type_decimal(38, 0),
		consort_type_decimal(38, 19), consort_type_decimal(5, 5),
		consort_type_of(CONSORT_TYPE_TIMESTAMP),
	};
	struct consort_value out;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (consort_value_convert(value, types[i], &arena, &out, NULL))
			continue;
		FUZZ_CHECK(consort_type_equal(out.type, types[i]));
		if (is_number(value->type.id) && is_number(types[i].id))
			FUZZ_CHECK(!consort_value_compare(value, &out) &&
				   !consort_value_compare(&out, value));
	}
}

/* The printed text must stand for the same value, and be printed the same. */
static void print_and_parse(const struct consort_value *value)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT, again = CONSORT_BUFFER_INIT,
			      json = CONSORT_BUFFER_INIT;
	struct consort_value back;

	consort_value_print(value, &text);
	FUZZ_CHECK(!text.failed);
	FUZZ_CHECK(!consort_value_parse(value->type, text.data, text.size, &arena, &back, NULL));
	FUZZ_CHECK(!consort_value_compare(value, &back));
	consort_value_print(&back, &again);
	FUZZ_CHECK(text.size == again.size && (!text.size || !memcmp(text.data, again.data, text.size)));
	consort_value_print_json(value, &json);
	FUZZ_CHECK(!consort_value_parse(consort_type_of(CONSORT_TYPE_JSON), json.data, json.size, &arena,
					&back, NULL));
	consort_buffer_clear(&text);
	consort_buffer_clear(&again);
	consort_buffer_clear(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_type type;
	struct consort_value value = consort_null();
	const char *text;
	char name[64];
	uint64_t left;
	uint32_t status;

	if (!line || (size_t)(line - data) >= sizeof(name))
		return 0;
	memcpy(name, data, (size_t)(line - data));
	name[line - data] = '\0';
	if (!parse_type(name, &type))
		return 0;
	text = (const char *)line + 1;
	left = size - (uint64_t)(text - (const char *)data);
	status = consort_value_parse(type, text, left, &arena, &value, &error);
	if (status) {
		FUZZ_CHECK(error.status == status && error.message[0] && consort_value_is_null(&value));
		FUZZ_CHECK(consort_utf8_valid(error.message, strlen(error.message), NULL));
	} else {
		print_and_parse(&value);
		convert(&value);
	}
	consort_arena_clear(&arena);
	return 0;
}
