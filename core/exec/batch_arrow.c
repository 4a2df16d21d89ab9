/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches and the Arrow C data interface, both ways without copying: an adapter's array becomes a batch's
 * columns, and a batch's columns become an array that holds the same buffers. Arrow lets a consumer move
 * children out of an array and release them on their own, so every exported struct counts as one holder of
 * what they share.
 */
#include "exec/batches.h"

#include <inttypes.h>

/* --- taking an array over --- */

static int64_t buffers_of(uint16_t id)
{
	switch (id) {
	case CONSORT_TYPE_NULL:
		return 0;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return 3;
	default:
		return 2;
	}
}

/* Has the array the shape of a column of that type, with rows [first, first + count)? What is
 * wrong, or NULL. */
static const char *shape_error(const struct ArrowArray *array, uint16_t id, int64_t first, int64_t count)
{
	if (!array || !array->release)
		return "is missing or released";
	if (id == CONSORT_TYPE_NULL)
		return "has type null, which cannot be handed over";
	if (array->dictionary)
		return "is dictionary-encoded";
	if (array->n_buffers != buffers_of(id) || !array->buffers)
		return "has the wrong number of buffers";
	if (array->n_children != (id == CONSORT_TYPE_LIST) || (array->n_children && !array->children))
		return "has the wrong number of children";
	if (array->offset < 0 || array->length < 0 || array->length > INT32_MAX ||
	    array->offset > INT32_MAX || array->length - first < count)
		return "has the wrong length";
	if (count && !array->buffers[1])
		return "has no values";
	return NULL;
}

/* The array's rows as a column of *column's type, whose child, if it has one, is described too. */
static const char *describe(const struct ArrowArray *array, int64_t first, int64_t count,
			    struct consort_column *column)
{
	struct consort_type type = column->type;
	const char *wrong = shape_error(array, type.id, first, count);

	if (wrong)
		return wrong;
	column->offset = array->offset + first;
	column->length = column->capacity = count;
	column->validity = (uint8_t *)(uintptr_t)array->buffers[0];
	column->values = (void *)(uintptr_t)array->buffers[1];
	column->data = NULL;
	column->data_capacity = 0;
	column->null_count =
		column->validity ? consort_count_nulls(column->validity, column->offset, count) : 0;
	if (buffers_of(type.id) == 3) {
		int32_t end = count ? ((const int32_t *)column->values)[column->offset + count] : 0;

		column->data = (uint8_t *)(uintptr_t)array->buffers[2];
		column->data_capacity = end > 0 ? (uint64_t)end : 0;
		if (column->data_capacity && !column->data)
			return "has no data";
	}
	if (type.id != CONSORT_TYPE_LIST)
		return NULL;
	return describe(array->children[0], 0, array->children[0] ? array->children[0]->length : 0,
			column->child);
}

static enum consort_status check_root(const struct consort_batch *batch, const struct ArrowArray *array,
				      struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++)
		if (batch->columns[i].length)
			break;
	if (batch->nrows || i < batch->ncolumns)
		return consort_error_set(error, CONSORT_EINVAL,
					 "an array was handed over into a batch that has rows");
	if (!array || !array->release || array->n_children != batch->ncolumns ||
	    (array->n_children && !array->children))
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the adapter handed over an array that has not the batch's %" PRIu32
					 " columns", batch->ncolumns);
	if (array->length < 0 || array->offset < 0 || array->length >= INT32_MAX ||
	    array->offset >= INT32_MAX)
		return consort_error_set(error, CONSORT_EPROTOCOL,
					 "the adapter handed over an array of %" PRId64
					 " rows from row %" PRId64,
					 array->length, array->offset);
	if (array->n_buffers > 0 && array->buffers && array->buffers[0] &&
	    consort_count_nulls(array->buffers[0], array->offset, array->length))
		return consort_error_set(
			error, CONSORT_EPROTOCOL,
			"the adapter handed over an array with rows that are NULL as a whole");
	return CONSORT_OK;
}

/* Bytes that a described column refers to, about. */
static uint64_t column_bytes(const struct consort_column *column)
{
	return (uint64_t)column->length * 8 + column->data_capacity +
	       (column->child ? column_bytes(column->child) : 0);
}

uint32_t consort_batch_hand_over_array(struct consort_batch *batch, struct ArrowArray *array,
				       struct consort_error *error)
{
	struct ArrowArray taken;
	struct consort_storage *storage;
	uint64_t bytes = 0, variable = 0;
	uint32_t i, status = check_root(batch, array, error);

	for (i = 0; i < batch->ncolumns && !status; i++) {
		struct consort_column child = {0}, column = {0};
		const char *wrong;

		column.type = batch->columns[i].type;
		if (batch->columns[i].child) {
			child.type = batch->columns[i].child->type;
			column.child = &child;
		}
		wrong = describe(array->children[i], array->offset, array->length, &column);
		status = wrong ? consort_error_set(error, CONSORT_EPROTOCOL,
						   "column %" PRIu32
						   " of the array that the adapter handed over %s",
						   i + 1, wrong)
			       : consort_column_check(&column, i, array->length, error);
		bytes += column_bytes(&column);
		variable += column.data_capacity + child.data_capacity;
	}
	if (status)
		return status;
	taken = *array;
	storage = consort_storage_of_array(array, bytes);
	if (!storage)
		return consort_error_no_memory(error);
	for (i = 0; i < batch->ncolumns; i++) {
		struct consort_column column = batch->columns[i];

		describe(taken.children[i], taken.offset, taken.length, &column);
		consort_batch_lend(batch, i, &column, storage);
	}
	batch->nrows = taken.length;
	batch->bytes = variable;
	consort_storage_drop(storage);
	return CONSORT_OK;
}

/* --- exporting --- */

/* What the structs of one export share: their memory and the buffers they refer to. */
struct exported {
	uint32_t holders; /* atomic: structs that were not released yet */
	uint32_t nstorages;
	struct consort_arena arena;
	struct consort_storage *storages[];
};

static struct exported *exported_new(uint32_t nstorages)
{
	struct exported *shared = calloc(1, sizeof(*shared) + nstorages * sizeof(struct consort_storage *));

	if (shared)
		consort_arena_init(&shared->arena, 0);
	return shared;
}

static void exported_free(struct exported *shared)
{
	uint32_t i;

	for (i = 0; i < shared->nstorages; i++)
		consort_storage_drop(shared->storages[i]);
	consort_arena_clear(&shared->arena);
	free(shared);
}

static void exported_drop(struct exported *shared)
{
	if (!__atomic_sub_fetch(&shared->holders, 1, __ATOMIC_ACQ_REL))
		exported_free(shared);
}

static void release_array(struct ArrowArray *array)
{
	struct exported *shared = array->private_data;
	int64_t i;

	for (i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	array->release = NULL;
	exported_drop(shared);
}

/* The array's own parts; its children's are still to come. */
static bool begin_array(struct exported *shared, struct ArrowArray *array, int64_t length, int64_t nbuffers,
			uint32_t nchildren)
{
	uint32_t i;

	memset(array, 0, sizeof(*array));
	array->length = length;
	array->n_buffers = nbuffers;
	array->n_children = nchildren;
	array->buffers = consort_arena_array(&shared->arena, (size_t)nbuffers, sizeof(*array->buffers));
	array->children = consort_arena_array(&shared->arena, nchildren, sizeof(*array->children));
	if (!array->buffers || !array->children)
		return false;
	for (i = 0; i < nchildren; i++) {
		array->children[i] = consort_arena_alloc(&shared->arena, sizeof(**array->children));
		if (!array->children[i])
			return false;
	}
	array->release = release_array;
	array->private_data = shared;
	shared->holders++;
	return true;
}

static bool export_column(struct exported *shared, const struct consort_column *column,
			  struct ArrowArray *array)
{
	if (!begin_array(shared, array, column->length, buffers_of(column->type.id), column->child ? 1 : 0))
		return false;
	array->offset = column->offset;
	array->null_count = column->type.id == CONSORT_TYPE_NULL ? column->length : column->null_count;
	if (array->n_buffers) {
		array->buffers[0] = column->null_count ? column->validity : NULL;
		array->buffers[1] = column->values;
	}
	if (array->n_buffers == 3)
		array->buffers[2] = column->data;
	return !column->child || export_column(shared, column->child, array->children[0]);
}

enum consort_status consort_batch_take_array(struct consort_batch *batch, struct ArrowArray *out_array,
					     struct consort_error *error)
{
	struct exported *shared = exported_new(batch->ncolumns);
	struct ArrowArray array;
	uint32_t i;

	if (!shared)
		return consort_error_no_memory(error);
	if (!begin_array(shared, &array, batch->nrows, 1, batch->ncolumns))
		goto fail;
	for (i = 0; i < batch->ncolumns; i++) {
		if (!export_column(shared, &batch->columns[i], array.children[i]))
			goto fail;
		shared->storages[shared->nstorages++] = consort_storage_hold(consort_batch_storage(batch, i));
	}
	*out_array = array;
	return CONSORT_OK;
fail:
	exported_free(shared);
	return consort_error_no_memory(error);
}

/* --- schemas --- */

/* One pair, with lengths as 32-bit integers in the machine's order, as the specification has it. */
static const char json_metadata[] = "\1\0\0\0" "\x14\0\0\0" "ARROW:extension:name" "\x0a\0\0\0" "arrow.json";

static void release_schema(struct ArrowSchema *schema)
{
	struct exported *shared = schema->private_data;
	int64_t i;

	for (i = 0; i < schema->n_children; i++)
		if (schema->children[i]->release)
			schema->children[i]->release(schema->children[i]);
	schema->release = NULL;
	exported_drop(shared);
}

static const char *format_of(struct exported *shared, struct consort_type type)
{
	static const char *const formats[CONSORT_TYPE_COUNT] = {
		[CONSORT_TYPE_NULL] = "n",
		[CONSORT_TYPE_BOOL] = "b",
		[CONSORT_TYPE_INT64] = "l",
		[CONSORT_TYPE_FLOAT64] = "g",
		[CONSORT_TYPE_TEXT] = "u",
		[CONSORT_TYPE_BYTES] = "z",
		[CONSORT_TYPE_TIMESTAMP] = "tsu:UTC",
		[CONSORT_TYPE_DATE] = "tdD",
		[CONSORT_TYPE_TIME] = "ttu",
		[CONSORT_TYPE_UUID] = "w:16",
		[CONSORT_TYPE_OBJECTID] = "w:12",
		[CONSORT_TYPE_JSON] = "u",
		[CONSORT_TYPE_LIST] = "+l",
	};

	if (type.id == CONSORT_TYPE_DECIMAL)
		return consort_arena_printf(&shared->arena, "d:%u,%u", type.precision, type.scale);
	return formats[type.id];
}

static bool begin_schema(struct exported *shared, struct ArrowSchema *schema, const char *format,
			 const char *name, uint32_t nchildren)
{
	uint32_t i;

	memset(schema, 0, sizeof(*schema));
	schema->format = format;
	schema->name = consort_arena_text(&shared->arena, name);
	schema->n_children = nchildren;
	schema->children = consort_arena_array(&shared->arena, nchildren, sizeof(*schema->children));
	if (!schema->format || !schema->name || !schema->children)
		return false;
	for (i = 0; i < nchildren; i++) {
		schema->children[i] = consort_arena_alloc(&shared->arena, sizeof(**schema->children));
		if (!schema->children[i])
			return false;
	}
	schema->release = release_schema;
	schema->private_data = shared;
	shared->holders++;
	return true;
}

static bool export_field(struct exported *shared, struct consort_type type, const char *name, int64_t flags,
			 struct ArrowSchema *schema)
{
	bool list = type.id == CONSORT_TYPE_LIST;

	if (!begin_schema(shared, schema, format_of(shared, type), name, list))
		return false;
	schema->flags = flags;
	if (type.id == CONSORT_TYPE_JSON)
		schema->metadata = json_metadata;
	if (!list)
		return true;
	type.id = type.element;
	type.element = 0;
	return export_field(shared, type, "item", ARROW_FLAG_NULLABLE, schema->children[0]);
}

enum consort_status consort_fields_schema(const struct consort_field *const *fields, uint32_t nfields,
					  struct ArrowSchema *out_schema, struct consort_error *error)
{
	struct exported *shared = exported_new(0);
	struct ArrowSchema schema;
	uint32_t i;

	if (!shared)
		return consort_error_no_memory(error);
	if (!begin_schema(shared, &schema, "+s", "", nfields))
		goto fail;
	for (i = 0; i < nfields; i++)
		if (!export_field(shared, fields[i]->type, fields[i]->name,
				  fields[i]->flags & CONSORT_ATTRIBUTE_NOT_NULL ? 0 : ARROW_FLAG_NULLABLE,
				  schema.children[i]))
			goto fail;
	*out_schema = schema;
	return CONSORT_OK;
fail:
	exported_free(shared);
	return consort_error_no_memory(error);
}
