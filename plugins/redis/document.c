/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that are JSON objects in strings. An update changes the members that it names and leaves all others
 * as they are, numbers digit by digit, so it is not left to Redis's scripts, whose JSON rounds.
 */
#include "redis.h"

/* --- writing --- */

static uint32_t append_value(const struct redis_layout *layout, uint32_t attribute,
			     const struct consort_value *value, struct consort_buffer *out,
			     struct consort_error *error)
{
	if (layout->attributes[attribute].codec != REDIS_CODEC_PLAIN)
		return redis_encode(layout, attribute, value, out, error);
	/* a string is read as the JSON that it holds: one that is JSON itself is a string in a string */
	if (value->type.id == CONSORT_TYPE_JSON && value->as.view.size && *value->as.view.data == '"')
		consort_json_quote(out, value->as.view.data, value->as.view.size);
	else
		consort_value_print_json(value, out);
	return CONSORT_OK;
}

struct merge {
	const struct redis_layout *layout;
	const uint32_t *attributes;
	const struct consort_value *values;
	uint32_t count;
	struct consort_buffer *out;
	bool *written; /* [count] */
	bool any;
	struct consort_error *error;
};

static void append_name(struct merge *merge, const char *name, uint64_t size)
{
	consort_buffer_char(merge->out, merge->any ? ',' : '{');
	merge->any = true;
	consort_json_quote(merge->out, name, size);
	consort_buffer_char(merge->out, ':');
}

static uint32_t set_member(struct merge *merge, uint32_t i)
{
	const struct redis_attribute *own = &merge->layout->attributes[merge->attributes[i]];

	merge->written[i] = true;
	if (consort_value_is_null(&merge->values[i]) || own->codec == REDIS_CODEC_EXPIRES)
		return CONSORT_OK;
	append_name(merge, own->field, own->field_size);
	return append_value(merge->layout, merge->attributes[i], &merge->values[i], merge->out, merge->error);
}

/* A member of the old document: as it was, or as it is to be. */
static uint32_t copy_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct merge *merge = context;
	uint32_t i;

	for (i = 0; i < merge->count; i++) {
		const struct redis_attribute *own = &merge->layout->attributes[merge->attributes[i]];

		if (own->field_size == key.size && !memcmp(own->field, key.data, (size_t)key.size))
			return set_member(merge, i);
	}
	append_name(merge, key.data, key.size);
	switch (value->kind) {
	case CONSORT_JSON_NULL:
		consort_buffer_text(merge->out, "null");
		break;
	case CONSORT_JSON_BOOL:
		consort_buffer_text(merge->out, value->boolean ? "true" : "false");
		break;
	case CONSORT_JSON_STRING:
		consort_json_quote(merge->out, value->text.data, value->text.size);
		break;
	default:
		consort_buffer_append(merge->out, value->text.data, (size_t)value->text.size);
	}
	return CONSORT_OK;
}

static uint32_t use_reader(struct redis_connection *conn, struct consort_error *error)
{
	if (!conn->json)
		conn->json = consort_json_reader_new();
	return conn->json ? CONSORT_OK : consort_error_no_memory(error);
}

static uint32_t no_document(const struct redis_layout *layout, struct consort_error *error)
{
	consort_error_prefix(error, "resource '%s': a record is no JSON object", layout->resource->name);
	consort_copy_text(error->resource, sizeof(error->resource), layout->resource->name);
	return error->status;
}

uint32_t redis_document_merge(struct redis_connection *conn, const struct redis_layout *layout,
			      struct consort_view old, const uint32_t *attributes,
			      const struct consort_value *values, uint32_t count, struct consort_buffer *out,
			      struct consort_error *error)
{
	struct merge merge = {.layout = layout,
			      .attributes = attributes,
			      .values = values,
			      .count = count,
			      .out = out,
			      .error = error};
	uint32_t i, status = use_reader(conn, error);

	merge.written = consort_arena_array(&conn->scratch, count, sizeof(*merge.written));
	if (!status && !merge.written)
		status = consort_error_no_memory(error);
	if (!status && old.size) {
		status = consort_json_members(conn->json, old, copy_member, &merge, error);
		if (status)
			return no_document(layout, error);
	}
	for (i = 0; !status && i < count; i++)
		if (!merge.written[i])
			status = set_member(&merge, i);
	consort_buffer_text(out, merge.any ? "}" : "{}");
	if (!status && out->failed)
		status = consort_error_no_memory(error);
	return status;
}

/* --- reading --- */

struct reading {
	const struct redis_layout *layout;
	const uint32_t *attributes;
	uint32_t count;
	redis_member_fn *take;
	void *context;
	struct consort_error *error;
};

/* What stands for the value: of a string its characters, so that one read as json has to hold JSON itself. */
static struct consort_view text_of(const struct consort_json_value *value)
{
	if (value->kind == CONSORT_JSON_BOOL)
		return value->boolean ? (struct consort_view){"true", 4} : (struct consort_view){"false", 5};
	return value->text;
}

/* May a JSON value of that kind be read as the type? */
static bool fits(uint32_t kind, uint16_t type)
{
	switch (type) {
	case CONSORT_TYPE_JSON:
		return true;
	case CONSORT_TYPE_LIST:
		return kind == CONSORT_JSON_ARRAY;
	case CONSORT_TYPE_BOOL:
		return kind == CONSORT_JSON_BOOL || kind == CONSORT_JSON_NUMBER;
	case CONSORT_TYPE_TEXT:
		return kind == CONSORT_JSON_STRING;
	default:
		return kind == CONSORT_JSON_STRING || kind == CONSORT_JSON_NUMBER;
	}
}

static uint32_t read_member(void *context, struct consort_view key, const struct consort_json_value *value)
{
	struct reading *reading = context;
	const struct redis_layout *layout = reading->layout;
	uint32_t i;

	if (value->kind == CONSORT_JSON_NULL)
		return CONSORT_OK;
	for (i = 0; i < reading->count; i++) {
		const struct redis_attribute *own = &layout->attributes[reading->attributes[i]];
		uint32_t status;

		if (own->field_size != key.size || memcmp(own->field, key.data, (size_t)key.size))
			continue;
		if (!fits(value->kind, own->type.id)) {
			consort_error_set(reading->error, CONSORT_ETYPE, "%s is not %s",
					  consort_json_noun(value->kind), consort_type_noun(own->type));
			return redis_blame(layout, reading->attributes[i], reading->error);
		}
		status = reading->take(reading->context, i, text_of(value), reading->error);
		if (status)
			return status;
	}
	return CONSORT_OK;
}

uint32_t redis_document_members(struct redis_connection *conn, const struct redis_layout *layout,
				struct consort_view document, const uint32_t *attributes, uint32_t count,
				redis_member_fn *take, void *context, struct consort_error *error)
{
	struct reading reading = {layout, attributes, count, take, context, error};
	uint32_t status = use_reader(conn, error);

	if (!status)
		status = consort_json_members(conn->json, document, read_member, &reading, error);
	return !status || *error->attribute ? status : no_document(layout, error);
}

struct row {
	struct redis_connection *conn;
	const struct redis_layout *layout;
	const uint32_t *attributes, *columns;
	struct consort_batch *batch;
};

static uint32_t append_member(void *context, uint32_t i, struct consort_view text,
			      struct consort_error *error)
{
	struct row *row = context;

	return redis_decode_into(row->layout, row->attributes[i], text.data, text.size, &row->conn->scratch,
				 row->batch, &row->batch->columns[row->columns[i]], error);
}

uint32_t redis_document_read(struct redis_connection *conn, const struct redis_layout *layout,
			     struct consort_view document, const uint32_t *attributes,
			     const uint32_t *columns, uint32_t count, struct consort_batch *batch,
			     struct consort_error *error)
{
	struct row row = {conn, layout, attributes, columns, batch};
	uint32_t i, status = redis_document_members(conn, layout, document, attributes, count, append_member,
						    &row, error);

	if (status)
		return status;
	for (i = 0; i < count; i++)
		if (batch->columns[columns[i]].length <= batch->nrows)
			consort_append_null(&batch->columns[columns[i]]);
	return CONSORT_OK;
}
