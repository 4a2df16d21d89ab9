/* SPDX-License-Identifier: Apache-2.0 */
/* Values for a resource's attributes, from arguments and from JSON objects; nothing is changed silently. */
#include "tools.h"

enum consort_status row_init(struct row *row, const struct consort_resource *resource,
			     struct consort_error *error)
{
	memset(row, 0, sizeof(*row));
	consort_arena_init(&row->arena, 0);
	row->resource = resource;
	row->values = calloc(resource->nattributes + 1, sizeof(*row->values));
	row->set = calloc(resource->nattributes + 1, sizeof(*row->set));
	row->reader = consort_json_reader_new();
	if (row->values && row->set && row->reader)
		return CONSORT_OK;
	row_clear(row);
	return consort_error_no_memory(error);
}

void row_reset(struct row *row)
{
	uint32_t i;

	for (i = 0; i < row->resource->nattributes; i++) {
		row->values[i] = consort_null();
		row->set[i] = false;
	}
	consort_arena_reset(&row->arena);
}

void row_clear(struct row *row)
{
	free(row->values);
	free(row->set);
	consort_json_reader_free(row->reader);
	consort_buffer_clear(&row->scratch);
	consort_arena_clear(&row->arena);
	memset(row, 0, sizeof(*row));
}

int32_t row_find(struct row *row, const char *name, size_t size)
{
	uint32_t count = row->resource->nattributes, i, at;

	for (i = 0; i < count; i++) {
		const char *candidate;

		at = (row->last + 1 + i) % count;
		candidate = row->resource->attributes[at]->name;
		if (!strncmp(candidate, name, size) && !candidate[size]) {
			row->last = at;
			return (int32_t)at;
		}
	}
	return -1;
}

enum consort_status row_unknown(const struct row *row, const char *name, struct consort_error *error)
{
	struct consort_nearest_search search;
	char hint[192];
	uint32_t i;

	consort_nearest_begin(&search, name);
	for (i = 0; i < row->resource->nattributes; i++)
		consort_nearest_consider(&search, row->resource->attributes[i]->name);
	return consort_error_set(error, CONSORT_ENAME, "%s has no attribute '%s'%s", row->resource->name,
				 name, consort_hint(search.best, hint, sizeof(hint)));
}

/* "flight.delay_min: …" in front of what a conversion said */
static enum consort_status wrong_value(const struct row *row, uint32_t attribute, enum consort_status status,
				       struct consort_error *error)
{
	consort_error_prefix(error, "%s.%s", row->resource->name, row->resource->attributes[attribute]->name);
	return status;
}

enum consort_status row_set_text(struct row *row, uint32_t attribute, const char *text, size_t size,
				 struct consort_error *error)
{
	enum consort_status status;

	status = consort_value_parse(row->resource->attributes[attribute]->type, text, size, &row->arena,
				     &row->values[attribute], error);
	if (status)
		return wrong_value(row, attribute, status, error);
	row->set[attribute] = true;
	return CONSORT_OK;
}

/* Does a JSON value of that kind stand for a value of that type? */
static bool kind_fits(uint16_t type, uint32_t kind)
{
	switch (kind) {
	case CONSORT_JSON_BOOL:
		return type == CONSORT_TYPE_BOOL || type == CONSORT_TYPE_JSON;
	case CONSORT_JSON_NUMBER:
		return type == CONSORT_TYPE_INT64 || type == CONSORT_TYPE_FLOAT64 ||
		       type == CONSORT_TYPE_DECIMAL || type == CONSORT_TYPE_JSON;
	case CONSORT_JSON_STRING:
		return type != CONSORT_TYPE_BOOL && type != CONSORT_TYPE_LIST;
	case CONSORT_JSON_OBJECT:
		return type == CONSORT_TYPE_JSON;
	case CONSORT_JSON_ARRAY:
		return type == CONSORT_TYPE_JSON || type == CONSORT_TYPE_LIST;
	default:
		return false;
	}
}

static const char *kind_noun(uint32_t kind)
{
	static const char *const nouns[] = {
		[CONSORT_JSON_NONE] = "nothing",       [CONSORT_JSON_NULL] = "null",
		[CONSORT_JSON_BOOL] = "a truth value", [CONSORT_JSON_NUMBER] = "a number",
		[CONSORT_JSON_STRING] = "a string",    [CONSORT_JSON_OBJECT] = "an object",
		[CONSORT_JSON_ARRAY] = "an array",
	};

	return kind < sizeof(nouns) / sizeof(nouns[0]) ? nouns[kind] : "an unknown token";
}

/* The token as JSON again, for an attribute that keeps whole documents. */
static struct consort_view json_token(struct row *row, const struct consort_json_value *value)
{
	struct consort_view token = value->text;

	if (value->kind == CONSORT_JSON_BOOL) {
		token.data = value->boolean ? "true" : "false";
		token.size = strlen(token.data);
	} else if (value->kind == CONSORT_JSON_STRING) {
		consort_buffer_reset(&row->scratch);
		consort_json_quote(&row->scratch, value->text.data, value->text.size);
		token.data = row->scratch.failed ? NULL : row->scratch.data;
		token.size = row->scratch.size;
	}
	return token;
}

/* Copied where needed. */
static enum consort_status set_json(struct row *row, uint32_t attribute,
				    const struct consort_json_value *value, struct consort_error *error)
{
	struct consort_type type = row->resource->attributes[attribute]->type;
	struct consort_view text = value->text;
	char *copy;

	if (value->kind == CONSORT_JSON_NULL) {
		row->values[attribute] = consort_null();
		row->set[attribute] = true;
		return CONSORT_OK;
	}
	if (!kind_fits(type.id, value->kind))
		return consort_error_set(error, CONSORT_ETYPE, "%s.%s: %s is needed, not %s",
					 row->resource->name, row->resource->attributes[attribute]->name,
					 consort_type_noun(type), kind_noun(value->kind));
	if (value->kind == CONSORT_JSON_BOOL && type.id == CONSORT_TYPE_BOOL) {
		row->values[attribute] = consort_bool(value->boolean != 0);
		row->set[attribute] = true;
		return CONSORT_OK;
	}
	if (type.id == CONSORT_TYPE_JSON)
		text = json_token(row, value);
	copy = text.data || !text.size ? consort_arena_copy(&row->arena, text.data, text.size) : NULL;
	if (!copy)
		return consort_error_no_memory(error);
	return row_set_text(row, attribute, copy, text.size, error);
}

enum consort_status row_assign(struct row *row, const char *text, struct consort_error *error)
{
	const char *equals = strchr(text, '=');
	struct consort_json_value value;
	enum consort_status status;
	struct consort_view json;
	int32_t attribute;
	size_t size;
	char name[256];

	if (!equals || equals == text)
		return consort_error_set(
			error, CONSORT_EINVAL,
			"'%s' is no assignment: NAME=VALUE or NAME:=JSON (NAME:=null) is needed", text);
	size = (size_t)(equals - text) - (equals[-1] == ':');
	snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name) - 1), text);
	attribute = row_find(row, text, size);
	if (attribute < 0)
		return row_unknown(row, name, error);
	if (row->set[attribute])
		return consort_error_set(error, CONSORT_EINVAL, "%s.%s is given twice", row->resource->name,
					 name);
	if (equals[-1] != ':')
		return row_set_text(row, (uint32_t)attribute, equals + 1, strlen(equals + 1), error);
	json.data = equals + 1;
	json.size = strlen(json.data);
	status = consort_json_at(row->reader, json, NULL, 0, &value, error);
	if (status)
		return wrong_value(row, (uint32_t)attribute, status, error);
	return set_json(row, (uint32_t)attribute, &value, error);
}

/* What row_set_object hands to its callback. */
struct object {
	struct row *row;
	int32_t (*attribute_of)(void *context, const char *name, size_t size, struct consort_error *error);
	void *context;
	struct consort_error *error;
};

static uint32_t set_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct object *object = context;
	int32_t attribute;
	char name[256];

	if (object->attribute_of)
		attribute = object->attribute_of(object->context, key.data, key.size, object->error);
	else
		attribute = row_find(object->row, key.data, key.size);
	if (attribute == ROW_IGNORE)
		return CONSORT_OK;
	if (attribute >= 0 && object->row->set[attribute])
		return consort_error_set(object->error, CONSORT_ENAME, "%s.%s is given twice",
					 object->row->resource->name,
					 object->row->resource->attributes[attribute]->name);
	if (attribute >= 0)
		return set_json(object->row, (uint32_t)attribute, value, object->error);
	if (object->attribute_of)
		return CONSORT_ENAME;
	snprintf(name, sizeof(name), "%.*s", (int)(key.size < sizeof(name) ? key.size : sizeof(name) - 1),
		 key.data);
	return row_unknown(object->row, name, object->error);
}

enum consort_status row_set_object(struct row *row, struct consort_view text,
				   int32_t (*attribute_of)(void *context, const char *name, size_t size,
							   struct consort_error *error),
				   void *context, struct consort_error *error)
{
	struct consort_error local = CONSORT_ERROR_INIT, member = CONSORT_ERROR_INIT;
	struct object object = {row, attribute_of, context, &member};
	enum consort_status status;

	status = consort_json_members(row->reader, text, set_member, &object, &local);
	/* A member's own error says more than what the reader makes of its status. */
	if (status && error)
		*error = member.status ? member : local;
	return status;
}

void row_key_names(struct consort_buffer *out, const struct consort_resource *resource)
{
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++)
		consort_buffer_printf(out, "%s%s", i ? ", " : "",
				      resource->attributes[resource->keys[i]]->name);
	consort_buffer_append(out, "", 0);
}

static enum consort_status read_key(struct row *row, const char *const *operands, size_t noperands,
				    struct consort_args *out_key, struct consort_error *error)
{
	const struct consort_resource *resource = row->resource;
	struct consort_buffer names = CONSORT_BUFFER_INIT;
	struct consort_value *values;
	enum consort_status status;
	uint32_t i;

	if (!resource->nkeys)
		return consort_error_set(error, CONSORT_EINVAL, "%s has no key", resource->name);
	if (noperands != resource->nkeys) {
		row_key_names(&names, resource);
		status = consort_error_set(error, CONSORT_EINVAL,
					   "the key of %s is %s: %u value%s needed, not %zu", resource->name,
					   names.failed ? "" : names.data, resource->nkeys,
					   resource->nkeys == 1 ? " is" : "s are", noperands);
		consort_buffer_clear(&names);
		return status;
	}
	values = consort_arena_array(&row->arena, resource->nkeys, sizeof(*values));
	if (!values)
		return consort_error_no_memory(error);
	for (i = 0; i < resource->nkeys; i++) {
		status = row_set_text(row, resource->keys[i], operands[i], strlen(operands[i]), error);
		if (status)
			return status;
		values[i] = row->values[resource->keys[i]];
	}
	out_key->values = values;
	out_key->count = resource->nkeys;
	return CONSORT_OK;
}

enum consort_status row_init_key(struct row *row, struct tool *tool, const char *name,
				 const char *const *operands, size_t noperands, struct consort_args *out_key,
				 struct consort_error *error)
{
	const struct consort_resource *resource;
	enum consort_status status = consort_describe(tool->c, name, &resource, error);

	if (!status)
		status = row_init(row, resource, error);
	if (status)
		return status;
	status = read_key(row, operands, noperands, out_key, error);
	if (status)
		row_clear(row);
	return status;
}

enum consort_status row_parameter(struct consort_arena *arena, struct consort_type type, const char *text,
				  size_t number, struct consort_value *out_value, struct consort_error *error)
{
	enum consort_status status;

	if (!text) {
		*out_value = consort_null();
		return CONSORT_OK;
	}
	if (type.id == CONSORT_TYPE_NULL)
		type = consort_type_of(CONSORT_TYPE_TEXT);
	status = consort_value_parse(type, text, strlen(text), arena, out_value, error);
	if (status)
		consort_error_prefix(error, "parameter $%zu", number);
	return status;
}
