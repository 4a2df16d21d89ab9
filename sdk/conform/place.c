/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What adapters are given: structs whose end is where they say, and batches whose buffers show what was
 * written behind them. An adapter that goes by struct_size, max_rows and reserve notices nothing of it.
 */
#include "drive.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define TAIL 64		  /* bytes behind a struct, or behind a buffer */
#define UNKNOWN_BYTE 0xa5 /* of fields that the adapter cannot know */
#define CANARY_BYTE 0xc5  /* behind buffers */
#define STALE_BYTE 0xdd	  /* in buffers that have moved */
#define USUAL_DATA 256	  /* bytes a row of a variable-width column */

enum conform_layout conform_layout = CONFORM_USUAL;

#define CHUNK ((size_t)1 << 20)

/* Zeroed memory apart from malloc, whose blocks tests count. It stays until conform_places_release, or the
 * process's end: who keeps a pointer is to be found out, not to crash. */
struct region {
	struct region *older;
	size_t size;
};
static _Thread_local struct region *newest;
static _Thread_local char *chunk, *chunk_end;

static char *map(size_t size)
{
	struct region *region = mmap(NULL, size + sizeof(*region), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(region != MAP_FAILED);
	region->older = newest;
	region->size = size + sizeof(*region);
	newest = region;
	return (char *)(region + 1);
}

static void *need_memory(size_t count, size_t size)
{
	size_t bytes = (count * size + 15) & ~(size_t)15;
	char *memory;

	NEED(!size || count <= SIZE_MAX / 2 / size);
	if (bytes > CHUNK / 4)
		return map(bytes);
	if (bytes > (size_t)(chunk_end - chunk)) {
		chunk = map(CHUNK);
		chunk_end = chunk + CHUNK;
	}
	memory = chunk;
	chunk += bytes;
	return memory;
}

struct conform_places conform_places_mark(void)
{
	return (struct conform_places){newest, chunk, chunk_end};
}

void conform_places_release(struct conform_places mark)
{
	while (newest != mark.newest) {
		struct region *older = newest->older;

		munmap(newest, newest->size);
		newest = older;
	}
	if (mark.chunk)
		memset(mark.chunk, 0,
		       (size_t)((chunk_end == mark.chunk_end ? chunk : mark.chunk_end) - mark.chunk));
	chunk = mark.chunk;
	chunk_end = mark.chunk_end;
}

/* Its last byte is the last one of a page; the next page is not there. */
static void *at_end_of_page(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
	char *memory = map((pages + 2) * page); /* the region's own header is in front */

	memory = (char *)(((uintptr_t)memory + page - 1) & ~(uintptr_t)(page - 1));
	NEED(!mprotect(memory + pages * page, page, PROT_NONE));
	return memory + pages * page - size;
}

void *conform_frozen(size_t size)
{
	return conform_layout == CONFORM_TRUNCATED ? at_end_of_page(size) : need_memory(1, size + TAIL);
}

void *conform_struct(size_t size)
{
	const uint32_t said = (uint32_t)(conform_layout == CONFORM_OVERSIZED ? size + TAIL : size);
	char *memory = conform_frozen(size);

	if (conform_layout == CONFORM_OVERSIZED)
		memset(memory + size, UNKNOWN_BYTE, TAIL);
	memcpy(memory, &said, sizeof(said));
	return memory;
}

/* --- batches --- */

struct own {
	struct consort_batch *batch;
	struct consort_column *columns; /* the batch's, then the children of its lists */
	int64_t room;
	long reserved;
	bool meagre;
	struct ArrowArray array; /* what was handed over; release NULL: nothing */
};

static bool is_variable(struct consort_type type)
{
	return type.id == CONSORT_TYPE_TEXT || type.id == CONSORT_TYPE_BYTES || type.id == CONSORT_TYPE_JSON;
}

static size_t values_size(struct consort_type type, int64_t rows)
{
	switch (type.id) {
	case CONSORT_TYPE_NULL:
		return 0;
	case CONSORT_TYPE_BOOL:
		return ((size_t)rows + 7) / 8;
	case CONSORT_TYPE_DATE:
		return (size_t)rows * 4;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_LIST:
		return ((size_t)rows + 1) * 4;
	case CONSORT_TYPE_OBJECTID:
		return (size_t)rows * 12;
	case CONSORT_TYPE_DECIMAL:
	case CONSORT_TYPE_UUID:
		return (size_t)rows * 16;
	default:
		return (size_t)rows * 8;
	}
}

static uint8_t *buffer_new(size_t size, uint8_t byte)
{
	uint8_t *buffer = need_memory(1, size + TAIL);

	memset(buffer, byte, size);
	memset(buffer + size, CANARY_BYTE, TAIL);
	return buffer;
}

static bool buffer_is_whole(const void *buffer, size_t size)
{
	const uint8_t *tail = (const uint8_t *)buffer + size;
	size_t i;

	for (i = 0; i < TAIL; i++)
		if (tail[i] != CANARY_BYTE)
			return false;
	return true;
}

/* Buffers that moved stay where they were, so that what is written there afterwards is lost and nothing
 * worse. */
static void *buffer_move(void *old, size_t used, size_t old_size, size_t size, uint8_t byte)
{
	uint8_t *moved = buffer_new(size, byte);

	if (used)
		memcpy(moved, old, used);
	if (old_size)
		memset(old, STALE_BYTE, old_size);
	return moved;
}

static void column_init(struct consort_column *column, struct consort_type type, int64_t room, uint64_t data)
{
	column->type = type;
	column->capacity = room;
	column->validity = buffer_new(((size_t)room + 7) / 8, 0xff);
	column->values = buffer_new(values_size(type, room), 0);
	if (is_variable(type)) {
		column->data_capacity = data;
		column->data = buffer_new(data, 0);
	}
}

static uint32_t reserve(struct consort_batch *batch, struct consort_column *column, uint64_t more)
{
	struct own *own = batch->host;
	struct consort_column *child = column->child;
	uint64_t used, room;

	own->reserved++;
	if (is_variable(column->type)) {
		used = (uint64_t)((int32_t *)column->values)[column->length];
		if (more > INT32_MAX - used)
			return CONSORT_ENOMEM;
		room = own->meagre ? used + more : 2 * (used + more);
		column->data = buffer_move(column->data, used, column->data_capacity, room, 0);
		column->data_capacity = room;
		return CONSORT_OK;
	}
	if (!child || more > INT32_MAX)
		return CONSORT_EINVAL;
	used = (uint64_t)child->length;
	child->values = buffer_move(child->values, values_size(child->type, child->length),
				    values_size(child->type, child->capacity),
				    values_size(child->type, (int64_t)(used + more)), 0);
	child->validity = buffer_move(child->validity, (used + 7) / 8, ((size_t)child->capacity + 7) / 8,
				      (used + more + 7) / 8, 0xff);
	child->capacity = (int64_t)(used + more);
	return CONSORT_OK;
}

static void take_array(struct consort_column *column, const struct ArrowArray *array)
{
	column->length = array->length;
	column->null_count = array->null_count;
	column->offset = array->offset;
	column->validity = (uint8_t *)(uintptr_t)array->buffers[0];
	column->values = (void *)(uintptr_t)array->buffers[1];
	if (is_variable(column->type))
		column->data = (uint8_t *)(uintptr_t)array->buffers[2];
	if (column->type.id == CONSORT_TYPE_LIST)
		take_array(column->child, array->children[0]);
}

static uint32_t hand_over(struct consort_batch *batch, struct ArrowArray *array, struct consort_error *error)
{
	struct own *own = batch->host;
	uint32_t i;

	if (batch->nrows || array->n_children != (int64_t)batch->ncolumns)
		return consort_error_set(error, CONSORT_EINVAL,
					 "the batch is not empty, or has other columns");
	own->array = *array;
	array->release = NULL;
	for (i = 0; i < batch->ncolumns; i++)
		take_array(&batch->columns[i], own->array.children[i]);
	batch->nrows = own->array.length;
	return CONSORT_OK;
}

static void lay_out(struct own *own, const struct consort_type *types)
{
	const uint32_t n = own->batch->ncolumns;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct consort_type element = types[i];

		memset(&own->columns[i], 0, sizeof(own->columns[i]));
		column_init(&own->columns[i], types[i], own->room,
			    own->meagre ? 0 : (uint64_t)own->room * USUAL_DATA);
		if (types[i].id != CONSORT_TYPE_LIST)
			continue;
		element.id = types[i].element;
		element.element = 0;
		own->columns[i].child = &own->columns[n + i];
		memset(&own->columns[n + i], 0, sizeof(own->columns[n + i]));
		column_init(&own->columns[n + i], element, own->meagre ? 0 : own->room * 16,
			    own->meagre ? 0 : (uint64_t)own->room * USUAL_DATA);
	}
}

struct consort_batch *conform_batch(const struct consort_type *types, uint32_t ntypes, int64_t room)
{
	struct own *own = need_memory(1, sizeof(*own));

	own->batch = STRUCT(struct consort_batch);
	own->columns = need_memory(2 * (size_t)ntypes, sizeof(*own->columns));
	own->room = room;
	own->batch->ncolumns = ntypes;
	own->batch->columns = own->columns;
	own->batch->max_rows = room;
	own->batch->max_bytes = UINT64_MAX;
	own->batch->host = own;
	own->batch->reserve = reserve;
	own->batch->hand_over = hand_over;
	lay_out(own, types);
	return own->batch;
}

static void empty(struct consort_column *column)
{
	column->length = column->null_count = column->offset = 0;
	if (column->type.id != CONSORT_TYPE_NULL)
		memset(column->validity, 0xff, ((size_t)column->capacity + 7) / 8);
	if (column->child)
		empty(column->child);
}

void conform_batch_reset(struct consort_batch *batch)
{
	struct own *own = batch->host;
	struct consort_type *types = need_memory(batch->ncolumns, sizeof(*types));
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++)
		types[i] = batch->columns[i].type;
	for (i = 0; i < batch->ncolumns && !own->meagre && !own->array.release; i++)
		empty(&batch->columns[i]);
	/* buffers that were lent go back; meagre ones are others each time */
	if (own->meagre || own->array.release) {
		if (own->array.release)
			own->array.release(&own->array);
		own->array.release = NULL;
		lay_out(own, types);
	}
	batch->nrows = 0;
	batch->bytes = 0;
	batch->flags = 0;
}

void conform_batch_meagre(struct consort_batch *batch)
{
	((struct own *)batch->host)->meagre = true;
	conform_batch_reset(batch);
}

long conform_batch_reserved(const struct consort_batch *batch)
{
	return ((const struct own *)batch->host)->reserved;
}

void conform_batch_add(struct consort_batch *batch, const struct consort_value *row)
{
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++)
		NEED(consort_append_value(batch, &batch->columns[i], &row[i]) == CONSORT_OK);
	consort_batch_end_row(batch);
}

struct consort_value conform_batch_value(const struct consort_batch *batch, uint32_t column, int64_t row)
{
	const struct consort_column *from = &batch->columns[column];
	struct consort_value value = consort_column_value(from, row), *items;
	const int32_t *offsets = from->values;
	int32_t i;

	if (from->type.id != CONSORT_TYPE_LIST || consort_column_is_null(from, row))
		return value;
	offsets += from->offset + row;
	items = need_memory((size_t)(offsets[1] - offsets[0]), sizeof(*items));
	for (i = offsets[0]; i < offsets[1]; i++)
		items[i - offsets[0]] = consort_column_value(from->child, i);
	value.type = from->type;
	value.as.list.items = items;
	value.as.list.count = (uint64_t)(offsets[1] - offsets[0]);
	return value;
}

/* --- what is wrong with a batch --- */

static char fault[1200];

static const char *said(const char *format, uint32_t column, int64_t row)
{
	int n = snprintf(fault, sizeof(fault), "column %u, row %lld: ", column + 1, (long long)row + 1);

	snprintf(fault + n, sizeof(fault) - (size_t)n, "%s", format);
	return fault;
}

/* Rows of one column, or items of a list. */
static const char *column_fault(const struct consort_column *column, uint32_t number, int64_t rows)
{
	const int32_t *offsets = column->values;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t row, nulls = 0;

	for (row = 0; row < rows; row++) {
		const bool null = consort_column_is_null(column, row);
		struct consort_value value;

		nulls += null;
		if (is_variable(column->type) || column->type.id == CONSORT_TYPE_LIST)
			if (offsets[column->offset + row] > offsets[column->offset + row + 1] ||
			    offsets[column->offset + row] < 0)
				return said("its offsets do not ascend", number, row);
		value = consort_column_value(column, row);
		if (!null && column->type.id != CONSORT_TYPE_LIST && consort_value_check(&value, &error))
			return said(error.message, number, row);
	}
	if (column->null_count >= 0 && column->null_count != nulls)
		return said("null_count is not the number of NULLs", number, rows - 1);
	if (column->child)
		return column_fault(column->child, number, column->child->length);
	return NULL;
}

static bool is_whole(const struct consort_column *column)
{
	return buffer_is_whole(column->validity, ((size_t)column->capacity + 7) / 8) &&
	       buffer_is_whole(column->values, values_size(column->type, column->capacity)) &&
	       (!column->data || buffer_is_whole(column->data, column->data_capacity)) &&
	       (!column->child || is_whole(column->child));
}

const char *conform_batch_fault(const struct consort_batch *batch)
{
	const struct own *own = batch->host;
	const char *found = NULL;
	uint32_t i;

	if (batch->nrows > batch->max_rows) {
		snprintf(fault, sizeof(fault), "%lld rows in a batch of at most %lld",
			 (long long)batch->nrows, (long long)batch->max_rows);
		return fault;
	}
	for (i = 0; i < batch->ncolumns && !found; i++) {
		const struct consort_column *column = &batch->columns[i];

		if (column->length != batch->nrows)
			return said("it has another number of values than the batch has rows", i,
				    column->length - 1);
		if (!own->array.release && !is_whole(column))
			return said("something was written behind its buffers", i, batch->nrows - 1);
		found = column_fault(column, i, batch->nrows);
	}
	return found;
}
