/* SPDX-License-Identifier: Apache-2.0 */
/* The host's batches: filling, growing, reusing, sharing, and the way from and to Arrow. */
#include "exec/batches.h"
#include "testing.h"

#include <consort/convert.h>
#include <pthread.h>
#include <stdio.h>

#define NTYPES 14

static struct consort_type list_of(uint16_t element)
{
	struct consort_type type = consort_type_of(CONSORT_TYPE_LIST);

	type.element = element;
	return type;
}

/* A column of every type, lists of text and of bool among them. */
static void all_types(struct consort_type types[NTYPES])
{
	uint16_t id;

	for (id = CONSORT_TYPE_BOOL; id <= CONSORT_TYPE_JSON; id++)
		types[id - 1] = consort_type_of(id);
	types[CONSORT_TYPE_DECIMAL - 1] = consort_type_decimal(38, 2);
	types[12] = list_of(CONSORT_TYPE_TEXT);
	types[13] = list_of(CONSORT_TYPE_BOOL);
}

/* Values that tell rows and columns apart; row 3 of every 4 is NULL. Texts live as long as the process. */
static void make_row(int64_t row, struct consort_value values[NTYPES])
{
	static const struct consort_value flags[3] = {{{CONSORT_TYPE_BOOL, 0, 0, 0, 0}, {1}},
						      {{0, 0, 0, 0, 0}, {0}},
						      {{CONSORT_TYPE_BOOL, 0, 0, 0, 0}, {0}}};
	static struct consort_value words[2];
	static char texts[4096][32];
	uint8_t bytes[16];
	uint32_t i;

	snprintf(texts[row], sizeof(texts[row]), "text number %d", (int)row);
	memset(bytes, (int)row, sizeof(bytes));
	words[0] = consort_text("first");
	words[1] = consort_text("");
	values[0] = consort_bool(row % 3 == 0);
	values[1] = consort_int64(INT64_MIN + row);
	values[2] = consort_float64(-0.5 * (double)row);
	values[3] = consort_decimal_of((struct consort_decimal){(uint64_t)-row, row > 0 ? -1 : 0}, 38, 2);
	values[4] = consort_text(texts[row]);
	values[5] = consort_bytes("\0\xff", (uint64_t)(row % 3));
	values[6] = consort_timestamp(-row);
	values[7] = consort_date((int32_t)-row);
	values[8] = consort_time(row);
	values[9] = consort_uuid(bytes);
	values[10] = consort_objectid(bytes);
	values[11] = consort_json("{\"a\":1}");
	for (i = 12; i < NTYPES; i++) {
		values[i] = consort_null();
		values[i].type = list_of(i == 12 ? CONSORT_TYPE_TEXT : CONSORT_TYPE_BOOL);
		values[i].as.list.items = i == 12 ? words : flags;
		values[i].as.list.count = (uint64_t)(row % 3);
	}
	for (i = 0; row % 4 == 3 && i < NTYPES; i++)
		values[i] = consort_null();
}

static bool same_value(const struct consort_value *a, const struct consort_value *b)
{
	uint64_t i;

	if (!consort_type_equal(a->type, b->type))
		return false;
	switch (a->type.id) {
	case CONSORT_TYPE_NULL:
		return true;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return a->as.view.size == b->as.view.size &&
		       (!a->as.view.size || !memcmp(a->as.view.data, b->as.view.data, a->as.view.size));
	case CONSORT_TYPE_LIST:
		if (a->as.list.count != b->as.list.count)
			return false;
		for (i = 0; i < a->as.list.count; i++)
			if (!same_value(&a->as.list.items[i], &b->as.list.items[i]))
				return false;
		return true;
	case CONSORT_TYPE_DECIMAL:
	case CONSORT_TYPE_UUID:
		return !memcmp(a->as.uuid, b->as.uuid, 16);
	case CONSORT_TYPE_OBJECTID:
		return !memcmp(a->as.objectid, b->as.objectid, 12);
	default:
		return a->as.int64 == b->as.int64;
	}
}

/* Has the batch's row the values of make_row(expected)? */
static bool row_is(const struct consort_batch *batch, int64_t row, int64_t expected)
{
	struct consort_value wanted[NTYPES], value;
	struct consort_arena scratch;
	bool same = true;
	uint32_t i;

	consort_arena_init(&scratch, 0);
	make_row(expected, wanted);
	for (i = 0; i < NTYPES; i++) {
		value = consort_batch_value(batch, i, row, &scratch);
		if (!same_value(&value, &wanted[i])) {
			fprintf(stderr, "column %u of row %d is not that of row %d\n", i, (int)row,
				(int)expected);
			same = false;
		}
	}
	consort_arena_clear(&scratch);
	return same;
}

static struct consort_batch *new_batch(int64_t max_rows)
{
	struct consort_type types[NTYPES];
	struct consort_batch *batch;

	all_types(types);
	batch = consort_batch_new(types, NTYPES, max_rows, CONSORT_BATCH_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
	return batch;
}

static void fill(struct consort_batch *batch, int64_t first, int64_t count)
{
	struct consort_value values[NTYPES];
	int64_t i;

	for (i = 0; i < count; i++) {
		make_row(first + i, values);
		CU_ASSERT_EQUAL_FATAL(consort_batch_append_row(batch, values), CONSORT_OK);
	}
}

static void test_fill(void)
{
	struct consort_batch *batch = new_batch(CONSORT_BATCH_ROWS);
	int64_t round, i;

	for (round = 0; round < 3; round++) {
		fill(batch, round * 1000, 1000);
		CU_ASSERT_EQUAL(batch->nrows, 1000);
		CU_ASSERT_EQUAL(consort_batch_check(batch, NULL), CONSORT_OK);
		CU_ASSERT_EQUAL(batch->columns[4].null_count, 250);
		for (i = 0; i < 1000; i++)
			CU_ASSERT_TRUE_FATAL(row_is(batch, i, round * 1000 + i));
		CU_ASSERT_EQUAL(consort_batch_reset(batch), CONSORT_OK);
		CU_ASSERT_EQUAL(batch->nrows, 0);
		CU_ASSERT_EQUAL(batch->columns[4].length, 0);
	}
	consort_batch_free(batch);
	consort_batch_free(NULL);
}

static void test_alignment(void)
{
	struct consort_batch *batch = new_batch(7);
	uint32_t i;

	for (i = 0; i < NTYPES; i++) {
		CU_ASSERT_EQUAL((uintptr_t)batch->columns[i].values % 64, 0);
		CU_ASSERT_EQUAL((uintptr_t)batch->columns[i].validity % 64, 0);
		CU_ASSERT_EQUAL((uintptr_t)batch->columns[i].data % 64, 0);
	}
	consort_batch_free(batch);
}

static void test_full(void)
{
	struct consort_type types[2] = {consort_type_of(CONSORT_TYPE_INT64),
					consort_type_of(CONSORT_TYPE_TEXT)};
	struct consort_batch *batch = consort_batch_new(types, 2, 3, 10);
	uint64_t before = consort_batch_memory(batch);
	static char large[100000];
	int64_t i;

	memset(large, 'x', sizeof(large));
	for (i = 0; i < 3; i++) {
		consort_append_int64(&batch->columns[0], i);
		CU_ASSERT_EQUAL(consort_append_view(batch, &batch->columns[1], "", 0), CONSORT_OK);
		CU_ASSERT_EQUAL(consort_batch_end_row(batch), i == 2);
	}
	consort_batch_reset(batch);
	consort_append_int64(&batch->columns[0], 1);
	CU_ASSERT_EQUAL(consort_append_view(batch, &batch->columns[1], "12345678901", 11), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_batch_end_row(batch), 1);
	consort_append_int64(&batch->columns[0], 2);
	CU_ASSERT_EQUAL(consort_append_view(batch, &batch->columns[1], large, sizeof(large)), CONSORT_OK);
	consort_batch_end_row(batch);
	CU_ASSERT_TRUE(consort_batch_memory(batch) >= before + sizeof(large));
	CU_ASSERT_EQUAL((uintptr_t)batch->columns[1].data % 64, 0);
	CU_ASSERT_EQUAL(consort_column_view(&batch->columns[1], 0).size, 11);
	CU_ASSERT_EQUAL(memcmp(consort_column_view(&batch->columns[1], 0).data, "12345678901", 11), 0);
	CU_ASSERT_EQUAL(memcmp(consort_column_view(&batch->columns[1], 1).data, large, sizeof(large)), 0);
	/* more than offsets of 32 bits can tell */
	CU_ASSERT_EQUAL(batch->reserve(batch, &batch->columns[1], INT32_MAX), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(batch->reserve(batch, &batch->columns[0], 1), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(batch->reserve(batch, batch->columns + 2, 1), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_batch_check(batch, NULL), CONSORT_OK);
	consort_batch_free(batch);
}

static void test_no_columns(void)
{
	struct consort_batch *batch = consort_batch_new(NULL, 0, 10, 10);
	struct ArrowArray array;

	CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
	CU_ASSERT_EQUAL(consort_batch_append_row(batch, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_batch_check(batch, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_batch_take_array(batch, &array, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(array.length, 1);
	array.release(&array);
	consort_batch_free(batch);
}

static void test_copy(void)
{
	struct consort_batch *source = new_batch(CONSORT_BATCH_ROWS), *batch = new_batch(CONSORT_BATCH_ROWS);
	uint32_t rows[334], i;

	fill(source, 0, 1000);
	for (i = 0; i < 500; i++) {
		CU_ASSERT_EQUAL(consort_batch_copy_row(batch, 0, source, i * 2 + 1), CONSORT_OK);
		consort_batch_end_row(batch);
	}
	for (i = 0; i < 500; i++)
		CU_ASSERT_TRUE_FATAL(row_is(batch, i, i * 2 + 1));
	CU_ASSERT_EQUAL(consort_batch_check(batch, NULL), CONSORT_OK);
	consort_batch_reset(batch);
	for (i = 0; i < 334; i++)
		rows[i] = i * 3 > 999 ? 999 : i * 3;
	CU_ASSERT_EQUAL(consort_batch_gather(batch, source, rows, 334, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_batch_check(batch, NULL), CONSORT_OK);
	for (i = 0; i < 334; i++)
		CU_ASSERT_TRUE_FATAL(row_is(batch, i, rows[i]));
	consort_batch_free(source);
	consort_batch_free(batch);
}

/* A gather of columns without NULL takes other loops. */
static void test_gather_whole(void)
{
	struct consort_batch *source = new_batch(4), *batch = new_batch(8);
	const uint32_t rows[5] = {2, 0, 1, 1, 2};
	uint32_t i;

	fill(source, 0, 3);
	CU_ASSERT_EQUAL(consort_batch_gather(batch, source, rows, 5, NULL), CONSORT_OK);
	for (i = 0; i < 5; i++)
		CU_ASSERT_TRUE(row_is(batch, i, rows[i]));
	consort_batch_free(source);
	consort_batch_free(batch);
}

static void borrow_all(struct consort_batch *view, const struct consort_batch *source, int64_t first,
		       int64_t count)
{
	uint32_t i;

	CU_ASSERT_EQUAL_FATAL(consort_batch_reset(view), CONSORT_OK);
	for (i = 0; i < NTYPES; i++)
		consort_batch_borrow(view, i, source, i, first, count);
	view->nrows = count;
}

static void test_borrow(void)
{
	struct consort_batch *source = new_batch(CONSORT_BATCH_ROWS), *view = new_batch(0),
			     *slice = new_batch(0);
	void *values = source->columns[1].values;
	int64_t i;

	fill(source, 0, 100);
	borrow_all(view, source, 10, 50);
	borrow_all(slice, view, 3, 20);
	CU_ASSERT_PTR_EQUAL(slice->columns[1].values, values);
	CU_ASSERT_EQUAL(consort_batch_check(slice, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(slice->columns[1].null_count, 5);
	for (i = 0; i < 20; i++)
		CU_ASSERT_TRUE(row_is(slice, i, 13 + i));
	CU_ASSERT_EQUAL(slice->reserve(slice, &slice->columns[4], 1), CONSORT_EINVAL);
	consort_batch_reset(slice);
	consort_batch_reset(view);
	/* nobody holds the buffers any more: they are used again */
	consort_batch_reset(source);
	CU_ASSERT_PTR_EQUAL(source->columns[1].values, values);
	/* a view that outlives its source's reset keeps the buffers, so the source takes others */
	fill(source, 0, 100);
	borrow_all(view, source, 0, 100);
	consort_batch_reset(source);
	CU_ASSERT_PTR_NOT_EQUAL(source->columns[1].values, values);
	fill(source, 500, 100);
	CU_ASSERT_TRUE(row_is(source, 99, 599));
	consort_batch_free(source);
	CU_ASSERT_EQUAL(consort_column_int64(&view->columns[1], 42), INT64_MIN + 42);
	consort_batch_free(view);
	consort_batch_free(slice);
}

static void *release_later(void *array)
{
	((struct ArrowArray *)array)->release(array);
	return NULL;
}

static void test_take(void)
{
	struct consort_batch *batch = new_batch(CONSORT_BATCH_ROWS), *again = new_batch(CONSORT_BATCH_ROWS);
	void *values = batch->columns[1].values;
	struct ArrowArray array, child;
	pthread_t thread;
	int64_t i;

	fill(batch, 0, 1000);
	CU_ASSERT_EQUAL_FATAL(consort_batch_take_array(batch, &array, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(array.length, 1000);
	CU_ASSERT_EQUAL(array.n_children, NTYPES);
	CU_ASSERT_PTR_EQUAL(array.children[1]->buffers[1], values);
	CU_ASSERT_EQUAL(array.children[1]->null_count, 250);
	consort_batch_reset(batch);
	CU_ASSERT_PTR_NOT_EQUAL(batch->columns[1].values, values);
	fill(batch, 2000, 1000);
	/* the array comes back as a batch's rows, from an offset, and is exported once more */
	array.offset = 100;
	array.length = 700;
	CU_ASSERT_EQUAL_FATAL(again->hand_over(again, &array, NULL), CONSORT_OK);
	CU_ASSERT_PTR_NULL(array.release);
	CU_ASSERT_EQUAL(again->nrows, 700);
	CU_ASSERT_TRUE(consort_batch_memory(again) > consort_batch_memory(batch));
	CU_ASSERT_EQUAL(consort_batch_check(again, NULL), CONSORT_OK);
	for (i = 0; i < 700; i++)
		CU_ASSERT_TRUE_FATAL(row_is(again, i, 100 + i));
	CU_ASSERT_EQUAL(consort_batch_take_array(again, &array, NULL), CONSORT_OK);
	consort_batch_reset(again);
	fill(again, 0, 10);
	CU_ASSERT_TRUE(row_is(again, 9, 9));
	/* a child that was moved out lives on its own, and ends on another thread */
	child = *array.children[12];
	array.children[12]->release = NULL;
	array.release(&array);
	CU_ASSERT_PTR_NULL(array.release);
	CU_ASSERT_EQUAL(child.offset, 100);
	CU_ASSERT_EQUAL(memcmp(child.children[0]->buffers[2], "firstfirst", 10), 0);
	consort_batch_free(again);
	consort_batch_free(batch);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, release_later, &child), 0);
	pthread_join(thread, NULL);
	CU_ASSERT_PTR_NULL(child.release);
}

static void test_take_borrowed(void)
{
	struct consort_batch *source = new_batch(CONSORT_BATCH_ROWS), *view = new_batch(0);
	struct ArrowArray array;

	fill(source, 0, 100);
	borrow_all(view, source, 8, 8);
	CU_ASSERT_EQUAL_FATAL(consort_batch_take_array(view, &array, NULL), CONSORT_OK);
	consort_batch_reset(view);
	consort_batch_reset(source);
	fill(source, 1000, 100);
	CU_ASSERT_EQUAL(array.children[1]->offset, 8);
	CU_ASSERT_EQUAL(((const int64_t *)array.children[1]->buffers[1])[8 + 2], INT64_MIN + 10);
	consort_batch_free(view);
	consort_batch_free(source);
	array.release(&array);
}

static int releases;

static void count_release(struct ArrowArray *array)
{
	releases++;
	array->release = NULL;
}

/* An adapter's own array of one text and one int64 column. */
static void make_array(struct ArrowArray *array, struct ArrowArray children[2],
		       struct ArrowArray *pointers[2], const void **text, const void **integers,
		       const void **none)
{
	memset(array, 0, sizeof(*array));
	memset(children, 0, 2 * sizeof(*children));
	pointers[0] = &children[0];
	pointers[1] = &children[1];
	array->length = children[0].length = children[1].length = 3;
	array->n_buffers = 1;
	array->buffers = none;
	array->n_children = 2;
	array->children = pointers;
	array->release = children[0].release = children[1].release = count_release;
	children[0].n_buffers = 3;
	children[0].buffers = text;
	children[1].n_buffers = 2;
	children[1].buffers = integers;
	children[1].null_count = -1;
}

static void test_hand_over(void)
{
	static const int32_t offsets[] = {0, 1, 1, 4}, backwards[] = {0, 3, 1, 4}, negative[] = {-1, 0, 1, 4};
	static const int64_t numbers[] = {7, 8, 9};
	static const uint8_t validity[] = {5};
	struct consort_type types[2] = {consort_type_of(CONSORT_TYPE_TEXT),
					consort_type_of(CONSORT_TYPE_INT64)};
	struct consort_batch *batch = consort_batch_new(types, 2, 10, 100);
	const void *text[3] = {NULL, offsets, "abcd"}, *integers[2] = {validity, numbers}, *none[1] = {NULL};
	struct ArrowArray array, children[2], *pointers[2];
	struct consort_error error = CONSORT_ERROR_INIT;

#define REFUSED(change, part)                                                                                \
	do {                                                                                                 \
		make_array(&array, children, pointers, text, integers, none);                                \
		change;                                                                                      \
		CU_ASSERT_EQUAL(batch->hand_over(batch, &array, &error), CONSORT_EPROTOCOL);                 \
		TESTING_CONTAINS(error.message, part);                                                       \
		CU_ASSERT_EQUAL(batch->nrows, 0);                                                            \
	} while (0)
	REFUSED(array.n_children = 1, "2 columns");
	REFUSED(array.release = NULL, "2 columns");
	REFUSED(array.length = -1, "-1 rows");
	REFUSED(array.length = 4, "column 1 of the array");
	REFUSED(array.offset = 1, "wrong length");
	REFUSED(children[1].length = 2, "column 2");
	REFUSED(children[1].n_buffers = 3, "number of buffers");
	REFUSED(children[1].n_children = 1, "number of children");
	REFUSED(children[1].dictionary = &array, "dictionary");
	REFUSED(children[1].release = NULL, "released");
	REFUSED(none[0] = validity, "NULL as a whole");
	none[0] = NULL;
	REFUSED(integers[1] = NULL, "no values");
	integers[1] = numbers;
	REFUSED(text[2] = NULL, "no data");
	text[2] = "abcd";
	REFUSED(text[1] = backwards, "out of order");
	REFUSED(text[1] = negative, "out of order");
	text[1] = offsets;
	CU_ASSERT_EQUAL(releases, 0);

	make_array(&array, children, pointers, text, integers, none);
	CU_ASSERT_EQUAL_FATAL(batch->hand_over(batch, &array, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(batch->nrows, 3);
	CU_ASSERT_EQUAL(batch->bytes, 4);
	CU_ASSERT_EQUAL(batch->columns[1].null_count, 1);
	CU_ASSERT_TRUE(consort_column_is_null(&batch->columns[1], 1));
	CU_ASSERT_EQUAL(consort_column_view(&batch->columns[0], 2).size, 3);
	make_array(&array, children, pointers, text, integers, none);
	CU_ASSERT_EQUAL(batch->hand_over(batch, &array, &error), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(releases, 0);
	consort_batch_reset(batch);
	CU_ASSERT_EQUAL(releases, 1);
	consort_append_null(&batch->columns[0]);
	consort_append_int64(&batch->columns[1], 5);
	consort_batch_end_row(batch);
	CU_ASSERT_TRUE(consort_column_is_null(&batch->columns[0], 0));
	CU_ASSERT_EQUAL(consort_column_int64(&batch->columns[1], 0), 5);
	/* nothing at all is a fine array */
	consort_batch_reset(batch);
	text[1] = text[2] = integers[1] = integers[0] = NULL;
	make_array(&array, children, pointers, text, integers, none);
	array.length = children[0].length = children[1].length = 0;
	CU_ASSERT_EQUAL(batch->hand_over(batch, &array, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(batch->nrows, 0);
	consort_batch_free(batch);
	CU_ASSERT_EQUAL(releases, 2);
}

static void test_check(void)
{
	struct consort_type types[2] = {consort_type_of(CONSORT_TYPE_INT64), list_of(CONSORT_TYPE_TEXT)};
	struct consort_batch *batch = consort_batch_new(types, 2, 10, 100);
	struct consort_value word = consort_text("x"), values[2] = {consort_int64(1), consort_null()};
	struct consort_error error = CONSORT_ERROR_INIT;

	values[1].type = types[1];
	values[1].as.list.items = &word;
	values[1].as.list.count = 1;
	CU_ASSERT_EQUAL(consort_batch_append_row(batch, values), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_batch_check(batch, &error), CONSORT_OK);
	batch->columns[0].length++;
	CU_ASSERT_EQUAL(consort_batch_check(batch, &error), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(error.message, "column 1 has 2 values");
	batch->columns[0].length--;
	((int32_t *)batch->columns[1].child->values)[1] = 1000;
	CU_ASSERT_EQUAL(consort_batch_check(batch, &error), CONSORT_EPROTOCOL);
	((int32_t *)batch->columns[1].child->values)[1] = 1;
	((int32_t *)batch->columns[1].values)[1] = 2;
	CU_ASSERT_EQUAL(consort_batch_check(batch, &error), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(error.message, "column 2 has offsets");
	consort_batch_free(batch);
}

static void test_schema(void)
{
	static const char *const formats[NTYPES] = {"b",   "l", "g", "d:38,2", "u", "z",  "tsu:UTC",
						    "tdD", "ttu", "w:16", "w:12",   "u", "+l", "+l"};
	struct consort_type types[NTYPES];
	struct consort_field fields[NTYPES] = {{0}};
	const struct consort_field *pointers[NTYPES];
	struct ArrowSchema schema, child;
	uint32_t i;

	all_types(types);
	for (i = 0; i < NTYPES; i++) {
		fields[i].struct_size = sizeof(fields[i]);
		fields[i].type = types[i];
		fields[i].name = i ? "other" : "first";
		fields[i].flags = i == 1 ? CONSORT_ATTRIBUTE_NOT_NULL : 0;
		pointers[i] = &fields[i];
	}
	CU_ASSERT_EQUAL_FATAL(consort_fields_schema(pointers, NTYPES, &schema, NULL), CONSORT_OK);
	TESTING_TEXT(schema.format, "+s");
	TESTING_TEXT(schema.children[0]->name, "first");
	for (i = 0; i < NTYPES; i++) {
		TESTING_TEXT(schema.children[i]->format, formats[i]);
		CU_ASSERT_EQUAL(schema.children[i]->flags, i == 1 ? 0 : ARROW_FLAG_NULLABLE);
		CU_ASSERT_EQUAL(schema.children[i]->metadata != NULL, i == 11);
	}
	CU_ASSERT_EQUAL(memcmp(schema.children[11]->metadata + 8, "ARROW:extension:name\x0a\0\0\0arrow.json",
			       34),
			0);
	CU_ASSERT_EQUAL(schema.children[11]->metadata[4], 20);
	TESTING_TEXT(schema.children[12]->children[0]->format, "u");
	TESTING_TEXT(schema.children[13]->children[0]->name, "item");
	child = *schema.children[3];
	schema.children[3]->release = NULL;
	schema.release(&schema);
	TESTING_TEXT(child.format, "d:38,2");
	child.release(&child);
	CU_ASSERT_PTR_NULL(schema.release);
}

/* Every size around the short way's bounds, with something else than ASCII at every place. */
static void test_text(void)
{
	static const struct {
		const char *bytes;
		uint64_t size;
		uint32_t status;
	} odd[] = {{"x", 1, CONSORT_OK}, {"\0", 1, CONSORT_EVALUE}, {"\x80", 1, CONSORT_EVALUE},
		   {"\xff", 1, CONSORT_EVALUE}, {"\xc3\xa9", 2, CONSORT_OK}, {"\xed\xa0\x80", 3, CONSORT_EVALUE}};
	struct consort_type type = consort_type_of(CONSORT_TYPE_TEXT);
	struct consort_batch *batch = consort_batch_new(&type, 1, 1024, 1 << 20);
	char text[40];
	size_t kind;
	uint64_t size, at;

	CU_ASSERT_PTR_NOT_NULL_FATAL(batch);
	for (kind = 0; kind < sizeof(odd) / sizeof(*odd); kind++) {
		consort_batch_reset(batch);
		for (size = 0; size <= sizeof(text); size++) {
			for (at = 0; at + odd[kind].size <= size; at++) {
				struct consort_column *column = &batch->columns[0];
				int64_t row = column->length;
				uint32_t status;

				memset(text, 'a' + (int)(size % 26), sizeof(text));
				memcpy(text + at, odd[kind].bytes, odd[kind].size);
				status = consort_append_text(batch, column, text, size);
				CU_ASSERT_EQUAL_FATAL(status, odd[kind].status);
				CU_ASSERT_EQUAL_FATAL(column->length, row + !status);
				if (status)
					continue;
				CU_ASSERT_EQUAL(consort_column_view(column, row).size, size);
				CU_ASSERT_EQUAL(memcmp(consort_column_view(column, row).data, text, size), 0);
			}
		}
	}
	consort_batch_free(batch);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"fill", test_fill}, {"text", test_text}, {"alignment", test_alignment}, {"full", test_full},
		{"no-columns", test_no_columns}, {"copy", test_copy}, {"gather-whole", test_gather_whole},
		{"borrow", test_borrow}, {"take", test_take}, {"take-borrowed", test_take_borrowed},
		{"hand-over", test_hand_over}, {"check", test_check}, {"schema", test_schema}, {NULL, NULL},
	};

	return testing_main("batch", cases, argc, argv);
}
