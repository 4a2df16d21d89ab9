/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in PostgreSQL's binary format to columns of a batch. What the attribute's type cannot hold
 * (infinity, NaN as a decimal, more digits, 24:00:00, arrays of several dimensions) is an error that shows
 * it.
 */
#include "types.h"

#include <stdio.h>

#include <consort/convert.h>

#define JSONB_VERSION 1
#define SHOWN 60 /* bytes of a wrong value */

/* --- errors --- */

static void name_column(const struct pg_column *from, struct consort_error *error)
{
	consort_copy_text(error->resource, sizeof(error->resource), from->resource);
	consort_copy_text(error->attribute, sizeof(error->attribute), from->attribute);
}

static uint32_t wrong_value(const struct pg_column *from, uint32_t status, const char *value, const char *why,
			    struct consort_error *error)
{
	if (*from->resource)
		consort_error_set(error, status, "resource '%s', attribute '%s': the table holds %s, %s",
				  from->resource, from->attribute, value, why);
	else
		consort_error_set(error, status, "column '%s' of the result holds %s, %s", from->attribute,
				  value, why);
	name_column(from, error);
	return status;
}

/* Says where, of an error that is there already. */
static uint32_t in_column(const struct pg_column *from, uint32_t status, struct consort_error *error)
{
	if (status == CONSORT_ENOMEM)
		return status;
	if (*from->resource)
		consort_error_prefix(error, "resource '%s', attribute '%s'", from->resource, from->attribute);
	else
		consort_error_prefix(error, "column '%s' of the result", from->attribute);
	name_column(from, error);
	return status;
}

static uint32_t wrong_size(const struct pg_column *from, size_t size, struct consort_error *error)
{
	char value[64];

	snprintf(value, sizeof(value), "a value of %zu bytes", size);
	return wrong_value(from, CONSORT_EPROTOCOL, value, "which its type does not have", error);
}

static uint32_t no_memory(struct consort_error *error)
{
	return consort_error_no_memory(error);
}

/* --- numeric --- */

static uint32_t wrong_numeric(struct pg_decoder *decoder, const struct pg_column *from,
			      const struct pg_numeric *numeric, struct consort_error *error)
{
	struct consort_buffer type = CONSORT_BUFFER_INIT, shown = CONSORT_BUFFER_INIT;
	char why[128];
	uint32_t status;

	consort_buffer_reset(&decoder->text);
	pg_numeric_print(numeric, &decoder->text);
	if (decoder->text.failed)
		return no_memory(error);
	consort_type_print(from->type, &type);
	snprintf(why, sizeof(why), "which does not fit %s; declare the attribute with another type",
		 type.data ? type.data : "its type");
	consort_buffer_append(&shown, decoder->text.data,
			      decoder->text.size < SHOWN ? decoder->text.size : SHOWN);
	consort_buffer_text(&shown, decoder->text.size > SHOWN ? "…" : "");
	status = wrong_value(from, CONSORT_ERANGE, shown.failed ? "a number" : shown.data, why, error);
	consort_buffer_clear(&type);
	consort_buffer_clear(&shown);
	return status;
}

static uint32_t append_numeric(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			       size_t size, struct consort_column *column, struct consort_error *error)
{
	struct consort_decimal value;
	struct pg_numeric numeric;

	if (!pg_numeric_read(data, size, &numeric))
		return wrong_size(from, size, error);
	if (!pg_numeric_scale(&numeric, from->type, &value))
		return wrong_numeric(decoder, from, &numeric, error);
	consort_append_decimal(column, value);
	return CONSORT_OK;
}

/* --- times --- */

static uint32_t append_timestamp(const struct pg_column *from, const char *data,
				 struct consort_column *column, struct consort_error *error)
{
	int64_t value = (int64_t)pg_get64(data);

	if (CONSORT_UNLIKELY(value == INT64_MAX || value == INT64_MIN ||
			     value > INT64_MAX - PG_EPOCH_MICROSECONDS))
		return wrong_value(from, CONSORT_ERANGE,
				   value == INT64_MIN	? "the timestamp -infinity"
				   : value == INT64_MAX ? "the timestamp infinity"
							: "a timestamp after the year 294246",
				   "which no timestamp is", error);
	consort_append_int64(column, value + PG_EPOCH_MICROSECONDS);
	return CONSORT_OK;
}

static uint32_t append_date(const struct pg_column *from, const char *data, struct consort_column *column,
			    struct consort_error *error)
{
	int32_t value = (int32_t)pg_get32(data);

	if (CONSORT_UNLIKELY(value == INT32_MAX || value == INT32_MIN))
		return wrong_value(from, CONSORT_ERANGE,
				   value == INT32_MIN ? "the date -infinity" : "the date infinity",
				   "which no date is", error);
	consort_append_int32(column, value + PG_EPOCH_DAYS);
	return CONSORT_OK;
}

static uint32_t append_time(const struct pg_column *from, const char *data, struct consort_column *column,
			    struct consort_error *error)
{
	int64_t value = (int64_t)pg_get64(data);

	if (CONSORT_UNLIKELY(value < 0 || value >= INT64_C(86400000000)))
		return wrong_value(from, CONSORT_ERANGE, "the time 24:00:00", "which is that of no clock",
				   error);
	consort_append_int64(column, value);
	return CONSORT_OK;
}

/* --- texts and documents --- */

static uint32_t append_view(const void *data, size_t size, struct consort_batch *batch,
			    struct consort_column *column, struct consort_error *error)
{
	uint32_t status = consort_append_view(batch, column, data, size);

	return status ? no_memory(error) : CONSORT_OK;
}

/* Without the blanks that fill character(n) up. */
static size_t text_size(const struct pg_column *from, const char *data, size_t size)
{
	if (from->storage.codec == PG_BPCHAR)
		while (size && data[size - 1] == ' ')
			size--;
	return size;
}

static uint32_t append_text(const struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			    size_t size, struct consort_batch *batch, struct consort_column *column,
			    struct consort_error *error)
{
	char value[64];
	uint64_t at;

	if (CONSORT_UNLIKELY(decoder->unchecked && !consort_utf8_valid(data, size, &at))) {
		snprintf(value, sizeof(value), "a text that is not UTF-8 (byte %llu)",
			 (unsigned long long)at + 1);
		return wrong_value(from, CONSORT_ERANGE, value,
				   "since the database has the encoding SQL_ASCII", error);
	}
	return append_view(data, size, batch, column, error);
}

/* What jsonb writes is compact but for a blank behind each comma and colon that stands in no string. */
static bool compact_jsonb(const char *data, size_t size, struct consort_buffer *out)
{
	const char *end = data + size, *start = data;
	bool string = false;

	for (; data < end; data++) {
		if (string && *data == '\\') {
			data++;
		} else if (*data == '"') {
			string = !string;
		} else if (*data == ' ' && !string) {
			consort_buffer_append(out, start, (size_t)(data - start));
			start = data + 1;
		}
	}
	consort_buffer_append(out, start, (size_t)(end - start));
	return !out->failed;
}

static uint32_t wrong_version(const struct pg_column *from, struct consort_error *error)
{
	return wrong_value(from, CONSORT_EPROTOCOL, "a document", "in a version of jsonb that is not known",
			   error);
}

static uint32_t compact(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			size_t size, struct consort_error *error)
{
	const struct consort_view document = {data, size};
	uint32_t status;

	consort_buffer_reset(&decoder->text);
	if (from->storage.codec == PG_JSONB) {
		if (!size || *data != JSONB_VERSION)
			return wrong_version(from, error);
		return compact_jsonb(data + 1, size - 1, &decoder->text) ? CONSORT_OK : no_memory(error);
	}
	if (!decoder->json)
		decoder->json = consort_json_reader_new();
	if (!decoder->json)
		return no_memory(error);
	status = consort_json_compact(decoder->json, document, &decoder->text, error);
	return status ? in_column(from, status, error) : CONSORT_OK;
}

/* What jsonb holds, as a value: a string's characters, or the JSON text. */
static uint32_t read_part(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			  size_t size, struct consort_json_value *out, struct consort_error *error)
{
	const struct consort_view document = {data + 1, size - 1}; /* behind jsonb's version */
	uint32_t status;

	if (!decoder->json)
		decoder->json = consort_json_reader_new();
	if (!decoder->json)
		return no_memory(error);
	if (!size || *data != JSONB_VERSION)
		return wrong_version(from, error);
	status = consort_json_at(decoder->json, document, NULL, 0, out, error);
	if (status)
		return in_column(from, status, error);
	if (out->kind == CONSORT_JSON_BOOL)
		out->text = (struct consort_view){out->boolean ? "true" : "false", out->boolean ? 4 : 5};
	return CONSORT_OK;
}

/* The text of what a path led to, which is delivered as its document. */
static uint32_t append_path_text(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
				 size_t size, struct consort_batch *batch, struct consort_column *column,
				 struct consort_error *error)
{
	struct consort_json_value value;
	uint32_t status = read_part(decoder, from, data, size, &value, error);

	return status ? status : append_view(value.text.data, value.text.size, batch, column, error);
}

static uint32_t append_json(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			    size_t size, struct consort_batch *batch, struct consort_column *column,
			    struct consort_error *error)
{
	uint32_t status;

	if (from->type.id == CONSORT_TYPE_TEXT)
		return append_path_text(decoder, from, data, size, batch, column, error);
	status = compact(decoder, from, data, size, error);
	return status ? status : append_view(decoder->text.data, decoder->text.size, batch, column, error);
}

/* --- arrays --- */

static uint32_t append_items(struct pg_decoder *decoder, const struct pg_column *item, const char *data,
			     const char *end, uint32_t count, struct consort_batch *batch,
			     struct consort_column *child, struct consort_error *error)
{
	for (; count; count--) {
		uint32_t status;
		int32_t size;

		if (end - data < 4)
			return wrong_size(item, (size_t)(end - data), error);
		size = (int32_t)pg_get32(data);
		data += 4;
		if (size < 0) {
			consort_append_null(child);
			continue;
		}
		if (size > end - data)
			return wrong_size(item, (size_t)size, error);
		status = pg_decode(decoder, item, data, (size_t)size, batch, child, error);
		if (status)
			return status;
		data += size;
	}
	return CONSORT_OK;
}

static uint32_t append_array(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			     size_t size, struct consort_batch *batch, struct consort_column *column,
			     struct consort_error *error)
{
	struct pg_column item = *from;
	uint32_t dimensions = size >= 12 ? pg_get32(data) : UINT32_MAX, count = 0, status;
	char value[64];

	if (dimensions > 1 && dimensions <= 6) {
		snprintf(value, sizeof(value), "an array of %u dimensions", dimensions);
		return wrong_value(from, CONSORT_ERANGE, value, "which is no list", error);
	}
	if (dimensions > 1 || (dimensions == 1 && size < 20))
		return wrong_size(from, size, error);
	if (dimensions)
		count = pg_get32(data + 12);
	if ((uint64_t)(column->child->capacity - column->child->length) < count &&
	    batch->reserve(batch, column, count))
		return no_memory(error);
	item.storage.codec = from->storage.element;
	item.type.id = from->type.element;
	item.type.element = 0;
	status = dimensions ? append_items(decoder, &item, data + 20, data + size, count, batch,
					   column->child, error)
			    : CONSORT_OK;
	if (status)
		return status;
	((int32_t *)column->values)[++column->length] = (int32_t)column->child->length;
	batch->bytes += (uint64_t)count * 8;
	return CONSORT_OK;
}

/* --- attributes of another type than their column --- */

static uint32_t convert(struct pg_decoder *decoder, const struct pg_column *from,
			const struct consort_value *value, struct consort_batch *batch,
			struct consort_column *column, struct consort_error *error)
{
	struct consort_value converted;
	uint32_t status = consort_value_convert(value, from->type, &decoder->arena, &converted, error);

	if (status)
		return in_column(from, status, error);
	return consort_append_value(batch, column, &converted) ? no_memory(error) : CONSORT_OK;
}

/* A numeric as an integer or a double, by the text of its value. */
static uint32_t convert_numeric(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
				size_t size, struct consort_batch *batch, struct consort_column *column,
				struct consort_error *error)
{
	struct consort_buffer *text = &decoder->text;
	struct consort_value value;
	struct pg_numeric numeric;
	uint32_t status;

	if (!pg_numeric_read(data, size, &numeric))
		return wrong_size(from, size, error);
	consort_buffer_reset(text);
	pg_numeric_print(&numeric, text);
	if (text->failed)
		return no_memory(error);
	if (numeric.scale && from->type.id == CONSORT_TYPE_INT64) {
		while (text->size && text->data[text->size - 1] == '0')
			text->size--;
		if (text->size && text->data[text->size - 1] == '.')
			text->size--;
	}
	status = consort_value_parse(from->type, text->data, text->size, NULL, &value, error);
	if (status)
		return status == CONSORT_ENOMEM ? status : wrong_numeric(decoder, from, &numeric, error);
	return consort_append_value(batch, column, &value) ? no_memory(error) : CONSORT_OK;
}

/* A part of a document, as the core reads what is found there. */
static uint32_t convert_part(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			     size_t size, struct consort_batch *batch, struct consort_column *column,
			     struct consort_error *error)
{
	struct consort_json_value part;
	struct consort_value value;
	uint32_t status = read_part(decoder, from, data, size, &part, error);

	if (status)
		return status;
	if ((part.kind == CONSORT_JSON_BOOL && from->type.id != CONSORT_TYPE_BOOL) ||
	    part.kind == CONSORT_JSON_OBJECT ||
	    (part.kind == CONSORT_JSON_ARRAY && from->type.id != CONSORT_TYPE_LIST)) {
		consort_error_set(error, CONSORT_ETYPE, "%s cannot be used as %s",
				  consort_json_noun(part.kind), consort_type_noun(from->type));
		return in_column(from, CONSORT_ETYPE, error);
	}
	status = consort_value_parse(from->type, part.text.data, part.text.size, &decoder->arena, &value,
				     error);
	if (status)
		return in_column(from, status, error);
	return consort_append_value(batch, column, &value) ? no_memory(error) : CONSORT_OK;
}

static int64_t integer_of(const char *data, uint8_t codec)
{
	switch (codec) {
	case PG_INT2:
		return (int16_t)pg_get16(data);
	case PG_INT4:
		return (int32_t)pg_get32(data);
	case PG_OID:
		return pg_get32(data);
	default:
		return (int64_t)pg_get64(data);
	}
}

static uint32_t append_converted(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
				 size_t size, struct consort_batch *batch, struct consort_column *column,
				 struct consort_error *error)
{
	struct consort_value value;

	consort_arena_reset(&decoder->arena);
	if (from->storage.nested)
		return convert_part(decoder, from, data, size, batch, column, error);
	switch (pg_codecs[from->storage.codec].family) {
	case PG_FAMILY_INTEGER:
		value = consort_int64(integer_of(data, from->storage.codec));
		break;
	case PG_FAMILY_DATE:
		value = consort_date((int32_t)pg_get32(data));
		if (value.as.int64 == INT32_MAX || value.as.int64 == INT32_MIN)
			return append_date(from, data, column, error);
		value.as.int64 += PG_EPOCH_DAYS;
		break;
	case PG_FAMILY_NUMERIC:
		return convert_numeric(decoder, from, data, size, batch, column, error);
	default:
		value = consort_text_n(data, text_size(from, data, size));
	}
	return convert(decoder, from, &value, batch, column, error);
}

/* --- any --- */

static double real_of(const char *data, uint8_t codec)
{
	union {
		uint32_t bits;
		float number;
	} single;
	union {
		uint64_t bits;
		double number;
	} twice;

	if (codec == PG_FLOAT4) {
		single.bits = pg_get32(data);
		return (double)single.number;
	}
	twice.bits = pg_get64(data);
	return twice.number;
}

uint32_t pg_decode(struct pg_decoder *decoder, const struct pg_column *from, const char *data, size_t size,
		   struct consort_batch *batch, struct consort_column *column, struct consort_error *error)
{
	const uint8_t codec = from->storage.codec, fixed = pg_codecs[codec].size;

	if (CONSORT_UNLIKELY(fixed && size != fixed))
		return wrong_size(from, size, error);
	if (CONSORT_UNLIKELY(from->storage.converts))
		return append_converted(decoder, from, data, size, batch, column, error);
	switch (codec) {
	case PG_BOOL:
		consort_append_bool(column, *data != 0);
		return CONSORT_OK;
	case PG_INT2:
	case PG_INT4:
	case PG_OID:
	case PG_INT8:
		consort_append_int64(column, integer_of(data, codec));
		return CONSORT_OK;
	case PG_FLOAT4:
	case PG_FLOAT8:
		consort_append_float64(column, real_of(data, codec));
		return CONSORT_OK;
	case PG_NUMERIC:
		return append_numeric(decoder, from, data, size, column, error);
	case PG_BYTEA:
		if (from->type.id == CONSORT_TYPE_BYTES)
			return append_view(data, size, batch, column, error);
		if (size != 12)
			return wrong_size(from, size, error);
		consort_append_fixed(column, (const uint8_t *)data);
		return CONSORT_OK;
	case PG_UUID:
		consort_append_fixed(column, (const uint8_t *)data);
		return CONSORT_OK;
	case PG_TIMESTAMP:
	case PG_TIMESTAMPTZ:
		return append_timestamp(from, data, column, error);
	case PG_DATE:
		return append_date(from, data, column, error);
	case PG_TIME:
		return append_time(from, data, column, error);
	case PG_JSON:
	case PG_JSONB:
		return append_json(decoder, from, data, size, batch, column, error);
	case PG_ARRAY:
		return append_array(decoder, from, data, size, batch, column, error);
	default:
		return append_text(decoder, from, data, text_size(from, data, size), batch, column, error);
	}
}

uint32_t pg_decode_text(struct pg_decoder *decoder, const struct pg_column *from, const char *data,
			size_t size, struct consort_batch *batch, struct consort_column *column,
			struct consort_error *error)
{
	struct consort_value value;
	uint32_t status;

	switch (from->type.id) {
	case CONSORT_TYPE_TEXT:
		return append_text(decoder, from, data, size, batch, column, error);
	case CONSORT_TYPE_BOOL:
		consort_append_bool(column, *data == 't');
		return CONSORT_OK;
	default:
		consort_arena_reset(&decoder->arena);
		status = consort_value_parse(from->type, data, size, &decoder->arena, &value, error);
	}
	if (status)
		return in_column(from, status, error);
	return consort_append_value(batch, column, &value) ? no_memory(error) : CONSORT_OK;
}

void pg_decoder_clear(struct pg_decoder *decoder)
{
	consort_json_reader_free(decoder->json);
	consort_buffer_clear(&decoder->text);
	consort_arena_clear(&decoder->arena);
	memset(decoder, 0, sizeof(*decoder));
}
