/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of batches: their buffers.
 *
 * A batch's columns lie over a storage, which is counted by reference: the batch holds one, each column of
 * another batch that borrows from it holds one, and so does each Arrow array it was exported to. A batch that
 * is reset writes over its storage only if nobody else holds it, and takes a fresh one otherwise. So a column
 * is shared, sliced or exported without a copy, and in a loop where nobody keeps anything nothing is
 * allocated.
 */
#include "exec/exec.h"

#include <assert.h>

#define ALIGNMENT ((size_t)64)
#define FIRST_DATA ((uint64_t)16)       /* bytes a row of a variable-width column, to begin with */
#define SMALLEST_DATA ((uint64_t)64)
#define LARGEST_FIRST_DATA ((uint64_t)1 << 20)
#define LARGEST_FIRST_ITEMS ((int64_t)1 << 16)
#define LARGEST_OFFSET ((uint64_t)INT32_MAX)

/* Buffers of one column that may outgrow the block they were first given room in. */
enum part { PART_VALIDITY, PART_VALUES, PART_DATA, PARTS };

struct consort_storage {
	uint32_t references;     /* atomic */
	uint32_t nparts;
	uint64_t bytes;
	struct ArrowArray array; /* what was handed over, or released from the start */
	void *parts[];           /* by column and enum part: a buffer outside of the block, or NULL */
};

/* What stands behind struct consort_batch. Columns [ncolumns, nall) are the children of LIST columns. */
struct host_batch {
	struct consort_batch batch;
	uint32_t nall;                   /* ncolumns, or twice as many if there is a LIST */
	struct consort_storage *storage; /* the batch's own; NULL before the first reset */
	struct consort_storage **lender; /* [ncolumns] what a borrowed column lies over, NULL: the own */
	struct consort_column *home;     /* [nall] the columns as they lie empty over the own storage */
	struct consort_column columns[];
};

static struct host_batch *host_of(const struct consort_batch *batch)
{
	return batch->host;
}

/* --- storage --- */

static size_t padded(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/* `extra` bytes behind the header, aligned. */
static struct consort_storage *storage_new(uint32_t nparts, size_t extra, unsigned char **out_block)
{
	size_t header = padded(sizeof(struct consort_storage) + nparts * sizeof(void *));
	struct consort_storage *storage =
		extra < SIZE_MAX / 2 ? aligned_alloc(ALIGNMENT, header + padded(extra)) : NULL;

	if (!storage)
		return NULL;
	memset(storage, 0, header);
	storage->references = 1;
	storage->nparts = nparts;
	storage->bytes = header + padded(extra);
	if (out_block)
		*out_block = (unsigned char *)storage + header;
	return storage;
}

struct consort_storage *consort_storage_of_array(struct ArrowArray *array, uint64_t bytes)
{
	struct consort_storage *storage = storage_new(0, 0, NULL);

	if (!storage)
		return NULL;
	storage->array = *array;
	storage->bytes += bytes;
	array->release = NULL;
	return storage;
}

struct consort_storage *consort_storage_hold(struct consort_storage *storage)
{
	__atomic_fetch_add(&storage->references, 1, __ATOMIC_RELAXED);
	return storage;
}

void consort_storage_drop(struct consort_storage *storage)
{
	uint32_t i;

	if (!storage || __atomic_sub_fetch(&storage->references, 1, __ATOMIC_ACQ_REL))
		return;
	for (i = 0; i < storage->nparts; i++)
		free(storage->parts[i]);
	if (storage->array.release)
		storage->array.release(&storage->array);
	free(storage);
}

/* Does nobody else read what the storage holds? Sees all that former holders did. */
static bool storage_is_ours(struct consort_storage *storage)
{
	return __atomic_load_n(&storage->references, __ATOMIC_ACQUIRE) == 1;
}

/* A buffer of `size` bytes instead of `old`, with the first `used` bytes of it. NULL: no memory, and `old`
 * stays. */
static void *storage_grow(struct consort_storage *storage, uint32_t part, const void *old, size_t old_size,
			  size_t used, size_t size)
{
	void *grown = aligned_alloc(ALIGNMENT, padded(size));

	if (!grown)
		return NULL;
	if (used)
		memcpy(grown, old, used);
	if (storage->parts[part]) {
		storage->bytes -= padded(old_size);
		free(storage->parts[part]);
	}
	storage->parts[part] = grown;
	storage->bytes += padded(size);
	return grown;
}

/* --- layout --- */

static bool is_variable(struct consort_type type)
{
	return type.id == CONSORT_TYPE_TEXT || type.id == CONSORT_TYPE_BYTES || type.id == CONSORT_TYPE_JSON;
}

static bool has_offsets(struct consort_type type)
{
	return is_variable(type) || type.id == CONSORT_TYPE_LIST;
}

static unsigned value_bits(struct consort_type type)
{
	switch (type.id) {
	case CONSORT_TYPE_NULL:
		return 0;
	case CONSORT_TYPE_BOOL:
		return 1;
	case CONSORT_TYPE_DATE:
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
	case CONSORT_TYPE_LIST:
		return 32;
	case CONSORT_TYPE_OBJECTID:
		return 96;
	case CONSORT_TYPE_DECIMAL:
	case CONSORT_TYPE_UUID:
		return 128;
	default:
		return 64;
	}
}

static size_t validity_size(int64_t rows)
{
	return ((size_t)rows + 7) / 8;
}

static size_t values_size(struct consort_type type, int64_t rows)
{
	return (((size_t)rows + has_offsets(type)) * value_bits(type) + 7) / 8;
}

/* Gives the column room for its capacity in the block from *at; without a block only counts. */
static void place_column(struct consort_column *column, unsigned char *block, size_t *at)
{
	size_t validity = padded(validity_size(column->capacity));
	size_t values = padded(values_size(column->type, column->capacity));

	if (block) {
		column->validity = block + *at;
		column->values = block + *at + validity;
		column->data = is_variable(column->type) ? block + *at + validity + values : NULL;
		memset(column->validity, 0xff, validity);
		if (column->type.id == CONSORT_TYPE_BOOL)
			memset(column->values, 0, values);
		if (has_offsets(column->type))
			*(int32_t *)column->values = 0;
	}
	*at += validity + values + padded((size_t)column->data_capacity);
}

/* What one large batch needed is not what each later one gets from the start. */
static void bound_capacity(struct consort_column *column, bool is_child)
{
	if (column->data_capacity > LARGEST_FIRST_DATA)
		column->data_capacity = LARGEST_FIRST_DATA;
	if (is_child && column->capacity > LARGEST_FIRST_ITEMS)
		column->capacity = LARGEST_FIRST_ITEMS;
}

/* A storage for the capacities that `home` names; home then lies over it. */
static bool take_storage(struct host_batch *host)
{
	unsigned char *block = NULL;
	struct consort_storage *storage;
	size_t size = 0;
	uint32_t i;

	for (i = 0; i < host->nall; i++) {
		bound_capacity(&host->home[i], i >= host->batch.ncolumns);
		place_column(&host->home[i], NULL, &size);
		if (size > SIZE_MAX / 4)
			return false;
	}
	storage = storage_new(host->nall * PARTS, size, &block);
	if (!storage)
		return false;
	size = 0;
	for (i = 0; i < host->nall; i++)
		place_column(&host->home[i], block, &size);
	consort_storage_drop(host->storage);
	host->storage = storage;
	return true;
}

/* --- growing: the batch's reserve --- */

static uint32_t grow_data(struct host_batch *host, uint32_t index, uint64_t more)
{
	struct consort_column *column = &host->batch.columns[index];
	uint64_t used = (uint64_t)((int32_t *)column->values)[column->length];
	uint64_t size = column->data_capacity * 2;
	void *grown;

	if (more > LARGEST_OFFSET - used)
		return CONSORT_ENOMEM;
	if (size < used + more)
		size = used + more;
	if (size < SMALLEST_DATA)
		size = SMALLEST_DATA;
	if (size > LARGEST_OFFSET)
		size = LARGEST_OFFSET;
	grown = storage_grow(host->storage, index * PARTS + PART_DATA, column->data,
			     (size_t)column->data_capacity, (size_t)used, (size_t)size);
	if (!grown)
		return CONSORT_ENOMEM;
	column->data = host->home[index].data = grown;
	column->data_capacity = host->home[index].data_capacity = size;
	return CONSORT_OK;
}

/* More rows for a LIST's child. */
static uint32_t grow_child(struct host_batch *host, uint32_t index, uint64_t more)
{
	struct consort_column *child = &host->batch.columns[index], *home = &host->home[index];
	size_t old_bits = validity_size(child->capacity),
	       old_values = values_size(child->type, child->capacity);
	int64_t capacity = child->capacity * 2;
	void *grown;

	if (more > LARGEST_OFFSET - (uint64_t)child->length)
		return CONSORT_ENOMEM;
	if (capacity < child->length + (int64_t)more)
		capacity = child->length + (int64_t)more;
	if (capacity > (int64_t)LARGEST_OFFSET)
		capacity = (int64_t)LARGEST_OFFSET;
	grown = storage_grow(host->storage, index * PARTS + PART_VALUES, child->values, old_values,
			     old_values, values_size(child->type, capacity));
	if (!grown)
		return CONSORT_ENOMEM;
	if (child->type.id == CONSORT_TYPE_BOOL)
		memset((unsigned char *)grown + old_values, 0,
		       values_size(child->type, capacity) - old_values);
	child->values = home->values = grown;
	grown = storage_grow(host->storage, index * PARTS + PART_VALIDITY, child->validity, old_bits,
			     old_bits, validity_size(capacity));
	if (!grown)
		return CONSORT_ENOMEM;
	memset((unsigned char *)grown + old_bits, 0xff, validity_size(capacity) - old_bits);
	child->validity = home->validity = grown;
	child->capacity = home->capacity = capacity;
	return CONSORT_OK;
}

static uint32_t reserve(struct consort_batch *batch, struct consort_column *column, uint64_t more)
{
	struct host_batch *host = host_of(batch);
	uint32_t index = (uint32_t)(column - batch->columns);

	if (column < batch->columns || index >= host->nall || host->lender[index % batch->ncolumns])
		return CONSORT_EINVAL;
	if (column->type.id == CONSORT_TYPE_LIST)
		return grow_child(host, index + batch->ncolumns, more);
	return is_variable(column->type) ? grow_data(host, index, more) : CONSORT_EINVAL;
}

/* --- the batch --- */

static void describe_column(struct host_batch *host, uint32_t index, struct consort_type type, int64_t rows)
{
	struct consort_column *home = &host->home[index];

	home->type = type;
	home->capacity = rows;
	if (is_variable(type)) {
		home->data_capacity = (uint64_t)rows * FIRST_DATA;
		if (home->data_capacity < SMALLEST_DATA)
			home->data_capacity = SMALLEST_DATA;
	}
	if (type.id == CONSORT_TYPE_LIST) {
		struct consort_type element = type;

		element.id = type.element;
		element.element = 0;
		home->child = &host->batch.columns[index + host->batch.ncolumns];
		describe_column(host, index + host->batch.ncolumns, element, rows);
	}
}

static struct host_batch *host_new(uint32_t ncolumns, uint32_t nall)
{
	size_t columns = (size_t)nall * sizeof(struct consort_column);
	struct host_batch *host =
		calloc(1, sizeof(*host) + 2 * columns + ncolumns * sizeof(struct consort_storage *));

	if (!host)
		return NULL;
	host->nall = nall;
	host->home = host->columns + nall;
	host->lender = (struct consort_storage **)(host->home + nall);
	host->batch.struct_size = sizeof(host->batch);
	host->batch.ncolumns = ncolumns;
	host->batch.columns = host->columns;
	host->batch.host = host;
	host->batch.reserve = reserve;
	host->batch.hand_over = consort_batch_hand_over_array;
	return host;
}

struct consort_batch *consort_batch_new(const struct consort_type *types, uint32_t ncolumns, int64_t max_rows,
					uint64_t max_bytes)
{
	struct host_batch *host;
	bool lists = false;
	uint32_t i;

	assert(max_rows >= 0 && max_rows < INT32_MAX && ncolumns < INT32_MAX);
	for (i = 0; i < ncolumns; i++)
		lists |= types[i].id == CONSORT_TYPE_LIST;
	host = host_new(ncolumns, lists ? 2 * ncolumns : ncolumns);
	if (!host)
		return NULL;
	host->batch.max_rows = max_rows;
	host->batch.max_bytes = max_bytes;
	for (i = 0; i < ncolumns; i++)
		describe_column(host, i, types[i], max_rows);
	if (consort_batch_reset(&host->batch)) {
		consort_batch_free(&host->batch);
		return NULL;
	}
	return &host->batch;
}

struct consort_batch *consort_batch_for_fields(const struct consort_field *const *fields, uint32_t nfields,
					       int64_t max_rows)
{
	struct consort_type *types = calloc(nfields ? nfields : 1, sizeof(*types));
	struct consort_batch *batch;
	uint32_t i;

	if (!types)
		return NULL;
	for (i = 0; i < nfields; i++)
		types[i] = fields[i]->type;
	batch = consort_batch_new(types, nfields, max_rows, CONSORT_BATCH_BYTES);
	free(types);
	return batch;
}

struct consort_batch *consort_batch_bounded(const struct consort_type *types, uint32_t ncolumns,
					    int64_t max_rows)
{
	uint64_t bits = 1;
	int64_t rows;
	uint32_t i;

	for (i = 0; i < ncolumns; i++)
		bits += value_bits(types[i]);
	rows = (int64_t)(CONSORT_BATCH_BYTES * 8 / bits);
	if (rows < CONSORT_BATCH_ROWS)
		rows = CONSORT_BATCH_ROWS;
	return consort_batch_new(types, ncolumns, rows < max_rows ? rows : max_rows, CONSORT_BATCH_BYTES);
}

/* Gives back what the batch's columns borrow. */
static void return_columns(struct host_batch *host)
{
	uint32_t i;

	for (i = 0; i < host->batch.ncolumns; i++) {
		if (!host->lender[i])
			continue;
		consort_storage_drop(host->lender[i]);
		host->lender[i] = NULL;
		host->columns[i].null_count = 0;
	}
}

enum consort_status consort_batch_reset(struct consort_batch *batch)
{
	struct host_batch *host = host_of(batch);
	uint32_t i;

	return_columns(host);
	batch->flags = 0;
	batch->nrows = 0;
	batch->bytes = 0;
	if (!host->storage || !storage_is_ours(host->storage)) {
		if (!take_storage(host))
			return CONSORT_ENOMEM;
	} else {
		for (i = 0; i < host->nall; i++)
			if (host->columns[i].null_count)
				memset(host->home[i].validity, 0xff, validity_size(host->home[i].capacity));
	}
	memcpy(host->columns, host->home, host->nall * sizeof(*host->columns));
	return CONSORT_OK;
}

void consort_batch_free(struct consort_batch *batch)
{
	if (!batch)
		return;
	return_columns(host_of(batch));
	consort_storage_drop(host_of(batch)->storage);
	free(host_of(batch));
}

uint64_t consort_batch_memory(const struct consort_batch *batch)
{
	const struct host_batch *host = host_of(batch);
	const struct consort_storage *handed = batch->ncolumns ? host->lender[0] : NULL;
	uint64_t bytes = sizeof(*host) + 2 * host->nall * sizeof(struct consort_column);

	if (host->storage)
		bytes += host->storage->bytes;
	/* what other batches lend is theirs to count */
	if (handed && handed->array.release)
		bytes += handed->bytes;
	return bytes;
}

struct consort_storage *consort_batch_storage(const struct consort_batch *batch, uint32_t column)
{
	const struct host_batch *host = host_of(batch);

	return host->lender[column] ? host->lender[column] : host->storage;
}

void consort_batch_lend(struct consort_batch *batch, uint32_t at, const struct consort_column *column,
			struct consort_storage *storage)
{
	struct host_batch *host = host_of(batch);

	assert(!batch->columns[at].length && !host->lender[at]);
	host->lender[at] = consort_storage_hold(storage);
	batch->columns[at] = *column;
}

void consort_batch_borrow(struct consort_batch *batch, uint32_t at, const struct consort_batch *source,
			  uint32_t from, int64_t first, int64_t count)
{
	struct consort_column column = source->columns[from];

	assert(first >= 0 && count >= 0 && first + count <= column.length);
	if (column.null_count && count != column.length)
		column.null_count = consort_count_nulls(column.validity, column.offset + first, count);
	column.offset += first;
	column.length = count;
	consort_batch_lend(batch, at, &column, consort_batch_storage(source, from));
}
