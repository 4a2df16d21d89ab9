/* SPDX-License-Identifier: Apache-2.0 */
/* What indexes there are, and what stands in them. */
#include "index.h"

#include <stdio.h>

#define END "\0\1" /* a byte 0 in a value is followed by 0xff */
#define SIGN (UINT64_C(1) << 63)

/* --- the declaration --- */

bool redis_is_indexed(const struct consort_resource *resource, uint32_t attribute)
{
	uint32_t i, j;

	for (i = 0; i < resource->nindexes; i++)
		for (j = 0; j < resource->indexes[i]->nattributes; j++)
			if (resource->indexes[i]->attributes[j] == attribute)
				return true;
	return false;
}

static uint32_t refuse(const struct redis_layout *layout, uint32_t attribute, const char *why,
		       struct consort_error *error)
{
	consort_error_set(error, CONSORT_EUNSUPPORTED, "%s", why);
	return redis_blame(layout, attribute, error);
}

static uint32_t check_declared(const struct redis_layout *layout, struct consort_error *error)
{
	const struct consort_resource *resource = layout->resource;
	uint32_t i;

	for (i = 0; i < resource->nindexes; i++)
		if (resource->indexes[i]->flags & CONSORT_INDEX_UNIQUE)
			return refuse(layout, resource->indexes[i]->attributes[0],
				      "an index in Redis cannot be unique", error);
	return CONSORT_OK;
}

char *redis_index_name(struct redis_layout *layout, const char *part, const char *field)
{
	return consort_arena_printf(&layout->arena, "consort.%s:%zu:%s%s", part, layout->head_size,
				    layout->head, field);
}

static uint32_t make_index(struct redis_layout *layout, uint32_t attribute, struct redis_index *index,
			   struct consort_error *error)
{
	const struct redis_attribute *own = &layout->attributes[attribute];
	struct consort_buffer type = CONSORT_BUFFER_INIT;

	if (own->type.id == CONSORT_TYPE_JSON || own->type.id == CONSORT_TYPE_LIST ||
	    own->codec == REDIS_CODEC_EXPIRES)
		return refuse(layout, attribute,
			      "what an index in Redis is of can be no json, list, or time of expiry", error);
	consort_type_print(own->type, &type);
	index->attribute = attribute;
	index->entries = redis_index_name(layout, "index", own->field);
	index->values = redis_index_name(layout, "value", own->field);
	index->marker = type.failed ? NULL : consort_arena_printf(&layout->arena, "!%s", type.data);
	consort_buffer_clear(&type);
	return index->entries && index->values && index->marker ? CONSORT_OK : consort_error_no_memory(error);
}

uint32_t redis_indexes_make(struct redis_layout *layout, struct consort_error *error)
{
	struct redis_index *indexes =
		consort_arena_array(&layout->arena, layout->nattributes, sizeof(*indexes));
	uint32_t i, status = check_declared(layout, error);

	layout->defined = redis_index_name(layout, "index", "");
	if (!indexes || !layout->defined)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < layout->nattributes; i++)
		if (redis_is_indexed(layout->resource, i))
			status = make_index(layout, i, &indexes[layout->nindexes++], error);
	layout->indexes = indexes;
	return status;
}

uint32_t redis_indexes_check(const struct redis_connection *conn, const struct redis_layout *layout,
			     struct consort_error *error)
{
	if (!layout->nindexes || !conn->map || layout->together)
		return CONSORT_OK;
	consort_error_set(
		error, CONSORT_EUNSUPPORTED,
		"resource '%s': in a cluster, indexes need hash_tag = source, by which they lie with "
		"the records",
		layout->resource->name);
	consort_copy_text(error->resource, sizeof(error->resource), layout->resource->name);
	return error->status;
}

void redis_index_keys(const struct redis_layout *layout, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < layout->nindexes; i++) {
		redis_append_arg(out, layout->indexes[i].entries, strlen(layout->indexes[i].entries));
		redis_append_arg(out, layout->indexes[i].values, strlen(layout->indexes[i].values));
	}
}

/* --- entries --- */

static void append_escaped(const void *data, size_t size, struct consort_buffer *out)
{
	const char *at = data, *end = at + size, *zero;

	while (at < end && (zero = memchr(at, 0, (size_t)(end - at)))) {
		consort_buffer_append(out, at, (size_t)(zero - at));
		consort_buffer_append(out, "\0\xff", 2);
		at = zero + 1;
	}
	consort_buffer_append(out, at, (size_t)(end - at));
}

/* The greatest byte first. */
static void append_word(uint64_t word, struct consort_buffer *out)
{
	word = __builtin_bswap64(word);
	append_escaped(&word, sizeof(word), out);
}

/* Bits of doubles, less the sign, are in the order of their values; those of NaN are above all. */
static uint64_t order_of(double number)
{
	uint64_t bits;

	if (number != number)
		return UINT64_MAX;
	if (number == 0)
		number = 0; /* -0 is 0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits & SIGN ? ~bits : bits | SIGN;
}

void redis_index_value(const struct consort_value *value, struct consort_buffer *out)
{
	consort_buffer_char(out, '=');
	switch (value->type.id) {
	case CONSORT_TYPE_FLOAT64:
		append_word(order_of(value->as.float64), out);
		break;
	case CONSORT_TYPE_DECIMAL:
		append_word((uint64_t)value->as.decimal.high ^ SIGN, out);
		append_word(value->as.decimal.low, out);
		break;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
		append_escaped(value->as.view.data, (size_t)value->as.view.size, out);
		break;
	case CONSORT_TYPE_UUID:
		append_escaped(value->as.uuid, sizeof(value->as.uuid), out);
		break;
	case CONSORT_TYPE_OBJECTID:
		append_escaped(value->as.objectid, sizeof(value->as.objectid), out);
		break;
	default:
		append_word((uint64_t)value->as.int64 ^ SIGN, out);
	}
	consort_buffer_append(out, END, REDIS_INDEX_END);
}

const char *redis_index_key(const char *entry, uint64_t size, uint64_t *out_size)
{
	const char *end = memmem(entry, (size_t)size, END, REDIS_INDEX_END);

	*out_size = end ? size - (uint64_t)(end + REDIS_INDEX_END - entry) : 0;
	return end ? end + REDIS_INDEX_END : NULL;
}

/* --- writing --- */

const int32_t *redis_index_columns(const struct redis_layout *layout, const struct consort_write *write,
				   uint32_t ncolumns, struct consort_arena *arena)
{
	int32_t *columns = consort_arena_array(arena, layout->nindexes, sizeof(*columns));
	uint32_t i, column;

	for (i = 0; columns && i < layout->nindexes; i++) {
		columns[i] = -1;
		for (column = 0; column < ncolumns; column++)
			if (write->attributes[column] == layout->indexes[i].attribute)
				columns[i] = (int32_t)column;
	}
	return columns;
}

uint32_t redis_index_row(const struct redis_job *job, int64_t row, struct consort_buffer *out)
{
	const struct redis_shape *shape = job->shape;
	struct consort_buffer entry = CONSORT_BUFFER_INIT;
	uint32_t i, status = CONSORT_OK;

	for (i = 0; !status && i < shape->layout->nindexes; i++) {
		struct consort_value value = consort_null();

		consort_buffer_reset(&entry);
		if (shape->indexed[i] >= 0) {
			status = consort_column_cell(&job->rows->columns[shape->indexed[i]], row,
						     &job->conn->scratch, &value, job->error);
			if (!consort_value_is_null(&value))
				redis_index_value(&value, &entry);
			else
				consort_buffer_char(&entry, '-');
		}
		redis_append_arg(out, entry.data, entry.size);
	}
	out->failed |= entry.failed;
	consort_buffer_clear(&entry);
	return status;
}
