/* SPDX-License-Identifier: Apache-2.0 */
/* Documents to rows. What a value's type does not have, or what is of another type, is an error that names
 * it. */
#include "types.h"

#include <consort/convert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"

#define NONE UINT32_MAX
#define DAY INT64_C(86400000) /* milliseconds */
#define EXACT (INT64_C(1) << 53)

/* --- errors --- */

static uint32_t in_column(const struct mongo_column *from, struct consort_error *error)
{
	if (*from->resource)
		consort_error_prefix(error, "resource '%s', attribute '%s'", from->resource, from->attribute);
	else
		consort_error_prefix(error, "column '%s' of the result", from->attribute);
	consort_copy_text(error->resource, sizeof(error->resource), from->resource);
	consort_copy_text(error->attribute, sizeof(error->attribute), from->attribute);
	return error->status;
}

static uint32_t wrong_value(const struct mongo_column *from, const bson_iter_t *value, uint32_t status,
			    struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT, type = CONSORT_BUFFER_INIT;
	struct consort_error ignored = CONSORT_ERROR_INIT;
	char shown[CONSORT_SHOWN_SIZE];
	bool printed = !mongo_print(value, &text, &ignored) && text.data;

	consort_type_print(from->type, &type);
	consort_error_set(error, status, "the document holds %s, which is not %s (%s)",
			  printed ? consort_shown(text.data, text.size, shown) : ignored.message,
			  consort_type_noun(from->type), type.data ? type.data : "");
	consort_buffer_clear(&text);
	consort_buffer_clear(&type);
	return in_column(from, error);
}

static uint32_t is_missing(const struct mongo_column *from, struct consort_error *error)
{
	consort_error_set(error, CONSORT_ETYPE, "the document has no value, where there is always one");
	return in_column(from, error);
}

/* --- values --- */

/* A whole number of milliseconds or days, as microseconds. */
static uint32_t take_date(enum mongo_codec codec, int64_t milliseconds, struct consort_value *out)
{
	int64_t days = milliseconds / DAY;

	if (codec == MONGO_DAY) {
		if (milliseconds % DAY)
			return CONSORT_ETYPE;
		if (days < INT32_MIN || days > INT32_MAX)
			return CONSORT_ERANGE;
		*out = consort_date((int32_t)days);
		return consort_value_check(out, NULL) ? CONSORT_ERANGE : CONSORT_OK;
	}
	if (milliseconds < INT64_MIN / 1000 || milliseconds > INT64_MAX / 1000)
		return CONSORT_ERANGE;
	*out = consort_timestamp(milliseconds * 1000);
	return consort_value_check(out, NULL) ? CONSORT_ERANGE : CONSORT_OK;
}

static uint32_t take_number(const struct mongo_column *from, uint8_t codec, const bson_iter_t *value,
			    struct consort_value *out)
{
	bson_type_t type = bson_iter_type(value);
	bson_decimal128_t decimal;
	int64_t integer = type == BSON_TYPE_INT64   ? bson_iter_int64(value)
			  : type == BSON_TYPE_INT32 ? bson_iter_int32(value)
						    : 0;
	bool whole = type == BSON_TYPE_INT64 || type == BSON_TYPE_INT32;

	if (codec == MONGO_FLOAT64) {
		if (!whole && type != BSON_TYPE_DOUBLE)
			return CONSORT_ETYPE;
		if (whole && (integer > EXACT || integer < -EXACT))
			return CONSORT_ERANGE;
		*out = consort_float64(whole ? (double)integer : bson_iter_double(value));
		return CONSORT_OK;
	}
	if (codec == MONGO_DECIMAL) {
		struct consort_decimal scaled = consort_decimal_from_int64(integer);

		if (type == BSON_TYPE_DECIMAL128) {
			bson_iter_decimal128(value, &decimal);
			if (mongo_decimal_from(&decimal, from->type, &scaled))
				return CONSORT_ERANGE;
		} else if (!whole) {
			return CONSORT_ETYPE;
		} else if (consort_decimal_rescale(scaled, 0, from->type.scale, &scaled)) {
			return CONSORT_ERANGE;
		}
		*out = consort_decimal_of(scaled, from->type.precision, from->type.scale);
		return consort_value_check(out, NULL) ? CONSORT_ERANGE : CONSORT_OK;
	}
	if (!whole)
		return from->strict && type == BSON_TYPE_DOUBLE ? CONSORT_ERANGE : CONSORT_ETYPE;
	*out = consort_int64(integer);
	if (codec == MONGO_TIME)
		out->type = consort_type_of(CONSORT_TYPE_TIME);
	else if (codec == MONGO_MICROS)
		out->type = consort_type_of(CONSORT_TYPE_TIMESTAMP);
	return codec == MONGO_INT64 || !consort_value_check(out, NULL) ? CONSORT_OK : CONSORT_ERANGE;
}

static uint32_t take_binary(uint8_t codec, const bson_iter_t *value, struct consort_value *out)
{
	bson_subtype_t subtype;
	const uint8_t *data;
	uint32_t size;

	bson_iter_binary(value, &subtype, &size, &data);
	if (codec == MONGO_BYTES && subtype == BSON_SUBTYPE_BINARY) {
		*out = consort_bytes(data, size);
		return CONSORT_OK;
	}
	if (codec != MONGO_UUID || subtype != BSON_SUBTYPE_UUID || size != 16)
		return CONSORT_ETYPE;
	*out = consort_uuid(data);
	return CONSORT_OK;
}

static uint32_t take_text(const bson_iter_t *value, struct consort_value *out)
{
	uint32_t size;
	const char *text = bson_iter_utf8(value, &size);
	uint64_t at;

	*out = consort_text_n(text, size);
	return consort_utf8_valid(text, size, &at) ? CONSORT_OK : CONSORT_ERANGE;
}

static uint32_t keep_printed(struct mongo_reader *reader, uint16_t type, struct consort_value *out,
			     struct consort_error *error)
{
	const char *text = consort_arena_copy(&reader->scratch, reader->text.data, reader->text.size);

	*out = consort_view_of(type, text, reader->text.size);
	return text ? CONSORT_OK : consort_error_no_memory(error);
}

static uint32_t take_printed(struct mongo_reader *reader, const struct mongo_column *from,
			     const bson_iter_t *value, uint16_t type, struct consort_value *out,
			     struct consort_error *error)
{
	uint32_t status;

	consort_buffer_reset(&reader->text);
	status = mongo_print(value, &reader->text, error);
	if (status)
		return status == CONSORT_ENOMEM ? status : in_column(from, error);
	return keep_printed(reader, type, out, error);
}

static uint32_t take_value(struct mongo_reader *reader, const struct mongo_column *from, uint8_t codec,
			   const bson_iter_t *value, struct consort_value *out, struct consort_error *error);

static uint32_t take_list(struct mongo_reader *reader, const struct mongo_column *from,
			  const bson_iter_t *value, struct consort_value *out, struct consort_error *error)
{
	struct mongo_column item = *from;
	struct consort_value *items;
	uint64_t count = 0;
	bson_iter_t at;

	item.type = consort_type_of(from->type.element);
	item.type.precision = from->type.precision;
	item.type.scale = from->type.scale;
	bson_iter_recurse(value, &at);
	while (bson_iter_next(&at))
		count++;
	items = consort_arena_array(&reader->scratch, (size_t)count, sizeof(*items));
	if (!items)
		return consort_error_no_memory(error);
	bson_iter_recurse(value, &at);
	for (count = 0; bson_iter_next(&at); count++) {
		uint32_t status = take_value(reader, &item, from->storage.element, &at, &items[count], error);

		if (status)
			return status;
	}
	*out = consort_null();
	out->type = from->type;
	out->as.list = (struct consort_items){items, count};
	return CONSORT_OK;
}

static bool is_null(const bson_iter_t *value)
{
	return bson_iter_type(value) == BSON_TYPE_NULL || bson_iter_type(value) == BSON_TYPE_UNDEFINED;
}

/* The value, in memory that lasts until the next row; NULL too. */
static uint32_t take_value(struct mongo_reader *reader, const struct mongo_column *from, uint8_t codec,
			   const bson_iter_t *value, struct consort_value *out, struct consort_error *error)
{
	uint32_t status = CONSORT_ETYPE;

	*out = consort_null();
	if (is_null(value))
		return CONSORT_OK;
	switch (codec) {
	case MONGO_JSON:
		if (bson_iter_type(value) == BSON_TYPE_UTF8) /* it may be meant as JSON, and it may not */
			break;
		return take_printed(reader, from, value, CONSORT_TYPE_JSON, out, error);
	case MONGO_ANY:
		if (bson_iter_type(value) != BSON_TYPE_UTF8)
			return take_printed(reader, from, value, CONSORT_TYPE_TEXT, out, error);
		status = take_text(value, out);
		break;
	case MONGO_TEXT:
		if (bson_iter_type(value) == BSON_TYPE_UTF8)
			status = take_text(value, out);
		break;
	case MONGO_BOOL:
		if (bson_iter_type(value) != BSON_TYPE_BOOL)
			break;
		*out = consort_bool(bson_iter_bool(value));
		return CONSORT_OK;
	case MONGO_DATE:
	case MONGO_MILLIS:
	case MONGO_DAY:
		if (bson_iter_type(value) == BSON_TYPE_DATE_TIME)
			status = take_date(codec, bson_iter_date_time(value), out);
		break;
	case MONGO_BYTES:
	case MONGO_UUID:
		if (bson_iter_type(value) == BSON_TYPE_BINARY)
			status = take_binary(codec, value, out);
		break;
	case MONGO_OBJECTID:
		if (bson_iter_type(value) != BSON_TYPE_OID)
			break;
		*out = consort_objectid(bson_iter_oid(value)->bytes);
		return CONSORT_OK;
	case MONGO_LIST:
		if (bson_iter_type(value) == BSON_TYPE_ARRAY)
			return take_list(reader, from, value, out, error);
		break;
	default:
		status = take_number(from, codec, value, out);
	}
	return status ? wrong_value(from, value, status, error) : CONSORT_OK;
}

/* --- rows --- */

static uint32_t append(struct mongo_reader *reader, const struct mongo_column *from, const bson_iter_t *value,
		       struct consort_batch *batch, struct consort_error *error)
{
	struct consort_value taken;
	uint32_t status;

	if (from->required && is_null(value))
		return is_missing(from, error);
	status = take_value(reader, from, from->storage.codec, value, &taken, error);
	if (status || from->place == NONE)
		return status;
	if (from->storage.codec == MONGO_FLOAT64 && from->strict && taken.as.float64 == 0)
		taken.as.float64 = 0; /* a group of -0 and 0 */
	status = consort_append_value(batch, &batch->columns[from->place], &taken);
	return status ? consort_error_no_memory(error) : CONSORT_OK;
}

/* The element as the column has it: straight into the batch if it is of the commonest types. */
static inline uint32_t append_element(struct mongo_reader *reader, const struct mongo_column *from,
				      const bson_iter_t *value, struct consort_batch *batch,
				      struct consort_error *error)
{
	struct consort_column *column;
	struct consort_value taken;
	const char *text;
	uint32_t size;

	if (CONSORT_UNLIKELY(from->place == NONE || from->strict))
		return append(reader, from, value, batch, error);
	column = &batch->columns[from->place];
	switch (bson_iter_type_unsafe(value)) {
	case BSON_TYPE_INT64:
		if (from->storage.codec != MONGO_INT64)
			break;
		consort_append_int64(column, bson_iter_int64_unsafe(value));
		return CONSORT_OK;
	case BSON_TYPE_DOUBLE:
		if (from->storage.codec != MONGO_FLOAT64)
			break;
		consort_append_float64(column, bson_iter_double_unsafe(value));
		return CONSORT_OK;
	case BSON_TYPE_UTF8:
		if (from->storage.codec != MONGO_TEXT)
			break;
		text = bson_iter_utf8(value, &size);
		if (CONSORT_LIKELY(!consort_append_text(batch, column, text, size)))
			return CONSORT_OK;
		break;
	case BSON_TYPE_DATE_TIME:
		if (from->storage.codec != MONGO_DATE ||
		    CONSORT_UNLIKELY(take_date(MONGO_DATE, bson_iter_date_time(value), &taken)))
			break;
		consort_append_int64(column, taken.as.int64);
		return CONSORT_OK;
	default:
		break;
	}
	return append(reader, from, value, batch, error);
}

/* What a dotted path leads to, through documents alone. */
static bool follow(const bson_iter_t *from, const char *path, bson_iter_t *out)
{
	bson_iter_t at = *from, inside;

	for (;;) {
		size_t size = strcspn(path, ".");

		if (bson_iter_type(&at) != BSON_TYPE_DOCUMENT || !bson_iter_recurse(&at, &inside) ||
		    size > INT_MAX || !bson_iter_find_w_len(&inside, path, (int)size))
			return false;
		at = inside;
		if (!path[size])
			break;
		path += size + 1;
	}
	*out = at;
	return true;
}

/* The first column of that key, or NONE; most documents have their fields in the order of the last one. */
static inline uint32_t find_column(const struct mongo_reader *reader, const char *key, size_t size,
				   uint32_t guess)
{
	const struct mongo_column *columns = reader->columns;
	uint32_t i;

	if (CONSORT_LIKELY(guess < reader->ncolumns && columns[guess].first &&
			   columns[guess].key_size == size && !memcmp(columns[guess].key, key, size)))
		return guess;
	for (i = 0; i < reader->ncolumns; i++)
		if (columns[i].first && columns[i].key_size == size && !memcmp(columns[i].key, key, size))
			return i;
	return NONE;
}

static uint32_t read_element(struct mongo_reader *reader, uint32_t at, const bson_iter_t *value,
			     struct consort_batch *batch, struct consort_error *error)
{
	uint32_t status;

	for (; at != NONE; at = reader->columns[at].next) {
		const struct mongo_column *column = &reader->columns[at];
		bson_iter_t inside;

		if (reader->seen[at] == reader->row) /* a second field of that name */
			continue;
		if (CONSORT_UNLIKELY(column->path != NULL)) {
			if (!follow(value, column->path, &inside))
				continue;
			status = append_element(reader, column, &inside, batch, error);
		} else {
			status = append_element(reader, column, value, batch, error);
		}
		if (CONSORT_UNLIKELY(status))
			return status;
		reader->seen[at] = reader->row;
	}
	return CONSORT_OK;
}

static bool is_declared(const void *context, const char *key)
{
	return mongo_is_field(context, key, strlen(key));
}

/* The fields that no attribute is for, as JSON in reader->text. */
static uint32_t print_rest(struct mongo_reader *reader, const struct mongo_column *from, const uint8_t *data,
			   size_t size, struct consort_error *error)
{
	uint32_t status;

	consort_buffer_reset(&reader->text);
	status = mongo_print_rest(data, size, reader->resource ? is_declared : NULL, reader->resource,
				  &reader->text, error);
	return status && status != CONSORT_ENOMEM ? in_column(from, error) : status;
}

static uint32_t read_rest(struct mongo_reader *reader, const uint8_t *data, size_t size,
			  struct consort_batch *batch, struct consort_error *error)
{
	const struct mongo_column *from = &reader->columns[reader->rest];
	uint32_t status = print_rest(reader, from, data, size, error);

	if (status)
		return status;
	reader->seen[reader->rest] = reader->row;
	status = consort_append_view(batch, &batch->columns[from->place], reader->text.data,
				     reader->text.size);
	return status ? consort_error_no_memory(error) : CONSORT_OK;
}

uint32_t mongo_read_row(struct mongo_reader *reader, const uint8_t *data, size_t size,
			struct consort_batch *batch, struct consort_error *error)
{
	uint32_t status = CONSORT_OK, next = 0, i;
	bson_iter_t at;

	reader->row++;
	if (!bson_iter_init_from_data(&at, data, size))
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the server sent a document that is broken");
	if (CONSORT_UNLIKELY(reader->scratch.used))
		consort_arena_reset(&reader->scratch);
	while (bson_iter_next(&at)) {
		uint32_t column =
			find_column(reader, bson_iter_key_unsafe(&at), bson_iter_key_len(&at), next);

		if (CONSORT_UNLIKELY(column == NONE))
			continue;
		status = read_element(reader, column, &at, batch, error);
		if (CONSORT_UNLIKELY(status))
			return status;
		next = column + 1;
	}
	if (at.err_off)
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the server sent a document that is broken");
	if (CONSORT_UNLIKELY(reader->rest != NONE))
		status = read_rest(reader, data, size, batch, error);
	for (i = 0; !status && i < reader->ncolumns; i++) {
		const struct mongo_column *column = &reader->columns[i];

		if (CONSORT_LIKELY(reader->seen[i] == reader->row))
			continue;
		if (column->required)
			return is_missing(column, error);
		if (column->zero)
			consort_append_int64(&batch->columns[column->place], 0);
		else if (column->place != NONE)
			consort_append_null(&batch->columns[column->place]);
	}
	return status;
}

uint32_t mongo_read_field(struct mongo_reader *reader, const struct mongo_column *column,
			  const bson_t *document, bool *out_found, struct consort_value *out_value,
			  struct consort_error *error)
{
	bson_iter_t at;
	uint32_t status;

	*out_value = consort_null();
	*out_found = true;
	if (column->storage.codec == MONGO_REST) {
		status = print_rest(reader, column, bson_get_data(document), document->len, error);
		return status ? status : keep_printed(reader, CONSORT_TYPE_JSON, out_value, error);
	}
	*out_found = bson_iter_init(&at, document) &&
		     bson_iter_find_w_len(&at, column->key, (int)column->key_size) &&
		     (!column->path || follow(&at, column->path, &at));
	return *out_found ? take_value(reader, column, column->storage.codec, &at, out_value, error)
			  : CONSORT_OK;
}

/* --- readers --- */

void mongo_column_set(struct mongo_column *column, const char *source, struct mongo_storage storage,
		      struct consort_type type)
{
	size_t size = strcspn(source, ".");

	*column = (struct mongo_column){.key = source,
					.key_size = size,
					.path = source[size] ? source + size + 1 : NULL,
					.next = NONE,
					.storage = storage,
					.type = type,
					.resource = "",
					.attribute = source};
}

void mongo_columns_link(struct mongo_column *columns, uint32_t count)
{
	uint32_t i, j;

	for (i = 0; i < count; i++) {
		columns[i].first = true;
		columns[i].next = NONE;
		for (j = i; j--;) {
			if (columns[j].key_size != columns[i].key_size ||
			    memcmp(columns[j].key, columns[i].key, columns[i].key_size))
				continue;
			columns[j].next = i;
			columns[i].first = false;
			break;
		}
	}
}

bool mongo_reader_init(struct mongo_reader *reader, const struct mongo_column *columns, uint32_t count)
{
	uint32_t i;

	memset(reader, 0, sizeof(*reader));
	consort_arena_init(&reader->scratch, 0);
	reader->columns = columns;
	reader->ncolumns = count;
	reader->rest = NONE;
	reader->seen = calloc(count ? count : 1, sizeof(*reader->seen));
	for (i = 0; i < count; i++)
		if (columns[i].storage.codec == MONGO_REST && columns[i].place != NONE)
			reader->rest = i;
	return reader->seen != NULL;
}

void mongo_reader_clear(struct mongo_reader *reader)
{
	free(reader->seen);
	consort_arena_clear(&reader->scratch);
	consort_buffer_clear(&reader->text);
}
