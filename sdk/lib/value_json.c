/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the types whose texts are JSON: JSON itself, and lists. */
#include "values.h"

#include <consort/json.h>

#include <string.h>

/* Compact as it is: borrowed. Else a compact copy, if there is an arena for it. */
static uint32_t parse_json(struct consort_json_reader *reader, struct consort_view text,
			   struct consort_arena *scratch, struct consort_view *out_view,
			   struct consort_error *error)
{
	struct consort_buffer compact = CONSORT_BUFFER_INIT;
	uint32_t status = consort_json_compact(reader, text, &compact, error);

	if (!status && scratch && (compact.size != text.size || memcmp(compact.data, text.data, text.size))) {
		text.data = consort_arena_copy(scratch, compact.data, compact.size);
		text.size = compact.size;
		if (!text.data)
			status = consort_error_no_memory(error);
	}
	consort_buffer_clear(&compact);
	if (!status)
		*out_view = text;
	return status;
}

/* A list while its elements come. */
struct list {
	struct consort_type element;
	struct consort_arena *scratch;
	struct consort_value *items;
	uint64_t count;
	uint64_t capacity;
	struct consort_error *error;
};

static int add(struct list *list, struct consort_value value)
{
	if (list->count == list->capacity) {
		uint64_t capacity = list->capacity ? list->capacity * 2 : 8;
		struct consort_value *items = consort_arena_array(list->scratch, capacity, sizeof(*items));

		if (!items)
			return 0;
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = value;
	return 1;
}

/* The JSON text of a token, in the arena. */
static uint32_t keep_json(struct list *list, const struct consort_json_value *token,
			  struct consort_value *value)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char *copy = NULL;

	if (token->kind == CONSORT_JSON_STRING)
		consort_json_quote(&text, token->text.data, token->text.size);
	else if (token->kind == CONSORT_JSON_BOOL)
		consort_buffer_text(&text, token->boolean ? "true" : "false");
	else
		consort_buffer_append(&text, token->text.data, token->text.size);
	if (!text.failed)
		copy = consort_arena_copy(list->scratch, text.data, text.size);
	*value = consort_view_of(CONSORT_TYPE_JSON, copy, text.size);
	consort_buffer_clear(&text);
	return copy ? CONSORT_OK : consort_error_no_memory(list->error);
}

/* Numbers may come as strings, as int64 beyond 2^53 and non-finite doubles do; nothing else in disguise. */
static int kinds_agree(uint16_t type, uint32_t kind)
{
	switch (type) {
	case CONSORT_TYPE_BOOL:
		return kind == CONSORT_JSON_BOOL;
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_FLOAT64:
	case CONSORT_TYPE_DECIMAL:
		return kind == CONSORT_JSON_NUMBER || kind == CONSORT_JSON_STRING;
	default:
		return kind == CONSORT_JSON_STRING;
	}
}

static uint32_t element_value(struct list *list, const struct consort_json_value *token,
			      struct consort_value *value)
{
	struct consort_view text = token->text;

	if (token->kind == CONSORT_JSON_NULL) {
		*value = consort_null();
		return CONSORT_OK;
	}
	if (list->element.id == CONSORT_TYPE_JSON)
		return keep_json(list, token, value);
	if (!kinds_agree(list->element.id, token->kind))
		return consort_error_set(list->error, CONSORT_ETYPE, "%s is not %s",
					 consort_json_noun(token->kind), consort_type_noun(list->element));
	if (token->kind == CONSORT_JSON_BOOL) {
		*value = consort_bool((int)token->boolean);
		return CONSORT_OK;
	}
	if (list->element.id == CONSORT_TYPE_TEXT) {
		text.data = consort_arena_copy(list->scratch, text.data, text.size);
		if (!text.data)
			return consort_error_no_memory(list->error);
	}
	return consort_value_parse(list->element, text.data, text.size, list->scratch, value, list->error);
}

static uint32_t on_element(void *context, const struct consort_json_value *token)
{
	struct list *list = context;
	struct consort_value value;
	uint32_t status = element_value(list, token, &value);

	if (status) {
		consort_error_prefix(list->error, "element %llu", (unsigned long long)list->count + 1);
		return status;
	}
	return add(list, value) ? CONSORT_OK : consort_error_no_memory(list->error);
}

static uint32_t parse_list(struct consort_json_reader *reader, struct consort_type type,
			   struct consort_view text, struct consort_arena *scratch,
			   struct consort_items *out_items, struct consort_error *error)
{
	struct list list = {consort_type_of(type.element), scratch, NULL, 0, 0, error};
	uint32_t status;

	list.element.precision = type.precision;
	list.element.scale = type.scale;
	if (!scratch)
		return consort_error_set(error, CONSORT_EINVAL, "no arena to keep a list in");
	status = consort_json_elements(reader, text, on_element, &list, error);
	if (status)
		return status;
	out_items->items = list.items;
	out_items->count = list.count;
	return CONSORT_OK;
}

uint32_t consort_json_value_parse(struct consort_type type, const char *text, uint64_t size,
				  struct consort_arena *scratch, struct consort_value *out_value,
				  struct consort_error *error)
{
	struct consort_json_reader *reader = consort_json_reader_new();
	struct consort_view view = {text, size};
	uint32_t status;

	if (!reader)
		return consort_error_no_memory(error);
	if (type.id == CONSORT_TYPE_JSON)
		status = parse_json(reader, view, scratch, &out_value->as.view, error);
	else
		status = parse_list(reader, type, view, scratch, &out_value->as.list, error);
	consort_json_reader_free(reader);
	return status;
}
