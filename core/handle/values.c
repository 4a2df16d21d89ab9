/* SPDX-License-Identifier: Apache-2.0 */
/* Values that programs give, as the types that are asked for. */
#include "handle/handle.h"

/* Types whose values a program may write as text, as it does in an expression. */
static bool has_text_form(uint16_t type)
{
	return type == CONSORT_TYPE_TIMESTAMP || type == CONSORT_TYPE_DATE || type == CONSORT_TYPE_TIME ||
	       type == CONSORT_TYPE_UUID || type == CONSORT_TYPE_OBJECTID || type == CONSORT_TYPE_BYTES ||
	       type == CONSORT_TYPE_JSON;
}

/* Does it point to what its size says? */
static bool is_there(const struct consort_value *value)
{
	switch (value->type.id) {
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_BYTES:
		return value->as.view.data || !value->as.view.size;
	case CONSORT_TYPE_LIST:
		return value->as.list.items || !value->as.list.count;
	default:
		return true;
	}
}

static enum consort_status copy_list(struct consort_value *value, struct consort_arena *arena,
				     struct consort_error *error)
{
	uint64_t count = arena ? value->as.list.count : 0, i;
	struct consort_value *items = consort_arena_array(arena, count, sizeof(*items));

	if (!items)
		return consort_error_no_memory(error);
	for (i = 0; i < count; i++) {
		struct consort_type type = {.id = value->type.element,
					    .precision = value->type.precision,
					    .scale = value->type.scale};
		enum consort_status status =
			consort_value_accept(&value->as.list.items[i], type, arena, &items[i], error);

		if (status)
			return status;
	}
	value->as.list.items = items;
	return CONSORT_OK;
}

/* The value as that type, borrowing from it or from the arena. */
static enum consort_status convert(const struct consort_value *value, struct consort_type type,
				   struct consort_arena *arena, struct consort_value *out,
				   struct consort_error *error)
{
	if (type.id == CONSORT_TYPE_NULL || consort_type_equal(value->type, type)) {
		*out = *value;
		/* what is compared and stored is compact */
		if (value->type.id == CONSORT_TYPE_JSON)
			return consort_value_parse(value->type, value->as.view.data, value->as.view.size,
						   arena, out, error);
		return CONSORT_OK;
	}
	if (value->type.id == CONSORT_TYPE_TEXT && !has_text_form(type.id))
		return consort_error_set(error, CONSORT_ETYPE, "cannot use text as %s",
					 consort_type_noun(type));
	return consort_value_convert(value, type, arena, out, error);
}

void consort_error_blame(struct consort_error *error, const char *resource, const char *attribute)
{
	if (!error)
		return;
	consort_error_prefix(error, "%s.%s", resource, attribute);
	consort_copy_text(error->resource, sizeof(error->resource), resource);
	consort_copy_text(error->attribute, sizeof(error->attribute), attribute);
}

/* Does the type have all numbers, so that there is nothing to check or to copy? */
static bool is_any(uint16_t id)
{
	return id == CONSORT_TYPE_INT64 || id == CONSORT_TYPE_FLOAT64 || id == CONSORT_TYPE_TIMESTAMP;
}

enum consort_status consort_value_accept(const struct consort_value *value, struct consort_type type,
					 struct consort_arena *arena, struct consort_value *out_value,
					 struct consort_error *error)
{
	struct consort_value result;
	enum consort_status status;

	if (is_any(value->type.id) && consort_type_equal(value->type, type)) {
		*out_value = *value;
		return CONSORT_OK;
	}
	if (consort_value_is_null(value)) {
		*out_value = consort_null();
		return CONSORT_OK;
	}
	if (!is_there(value))
		return consort_error_set(error, CONSORT_EINVAL, "the value has a size, but points to NULL");
	status = convert(value, type, arena, &result, error);
	if (!status)
		status = consort_value_check(&result, error);
	if (status)
		return status;
	switch (result.type.id) {
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_BYTES:
		if (arena) {
			result.as.view.data =
				consort_arena_copy(arena, result.as.view.data, result.as.view.size);
			if (!result.as.view.data)
				return consort_error_no_memory(error);
		}
		break;
	case CONSORT_TYPE_LIST:
		status = copy_list(&result, arena, error);
		if (status)
			return status;
		break;
	default:
		break;
	}
	*out_value = result;
	return CONSORT_OK;
}

enum consort_status consort_args_convert(struct consort_args args, const struct consort_type *types,
					 uint32_t count, struct consort_arena *arena,
					 struct consort_value *out_values, struct consort_error *error)
{
	uint32_t i;

	if (args.count != count)
		return consort_error_set(error, CONSORT_EINVAL,
					 "the query takes %u parameter%s, but %llu %s given", count,
					 count == 1 ? "" : "s", (unsigned long long)args.count,
					 args.count == 1 ? "was" : "were");
	for (i = 0; i < count; i++) {
		enum consort_status status =
			consort_value_accept(&args.values[i], types[i], arena, &out_values[i], error);

		if (status) {
			consort_error_prefix(error, "$%u", i + 1);
			return status;
		}
	}
	return CONSORT_OK;
}
