/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as Arrow C streams, read by a consumer that knows the specification of the C data and stream
 * interfaces and nothing of Consort: schemas, buffers, slices, errors, and who releases what when.
 */
#include "api.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/buffer.h>

static const char manifest[] =
	"[database db]\ntype = sqlite\npath = things.db\n"
	"[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64 not null\nattribute.b = bool\n"
	"attribute.f = float64\nattribute.p = decimal(20,4)\nattribute.s = text\nattribute.raw = bytes\n"
	"attribute.ts = timestamp\nattribute.day = date\nattribute.tm = time\nattribute.u = uuid\n"
	"attribute.o = objectid\nattribute.doc = json\nattribute.l = list of int64\n"
	"attribute.lt = list of text\n";

/* --- the consumer --- */

static int is_valid(const struct ArrowArray *array, int64_t row)
{
	const uint8_t *bits = array->n_buffers ? array->buffers[0] : NULL;
	int64_t at = array->offset + row;

	return !bits || (bits[at / 8] >> (at % 8) & 1);
}

/* What the specification asks of an array of that type, its children included. */
static void check_array(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
	char kind = schema->format[0];
	int variable = kind == 'u' || kind == 'z', list = !strcmp(schema->format, "+l"),
	    structure = !strcmp(schema->format, "+s");
	int64_t nulls = 0, i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(array->release);
	CU_ASSERT_FATAL(array->length >= 0 && array->offset >= 0);
	CU_ASSERT_EQUAL_FATAL(array->n_children, schema->n_children);
	CU_ASSERT_EQUAL_FATAL(array->n_buffers, structure ? 1 : variable ? 3 : 2);
	CU_ASSERT_PTR_NULL(array->dictionary);
	for (i = 0; i < array->length; i++)
		nulls += !is_valid(array, i);
	CU_ASSERT_TRUE(array->null_count == nulls || array->null_count == -1);
	if (!(schema->flags & ARROW_FLAG_NULLABLE))
		CU_ASSERT_EQUAL(nulls, 0);
	if (variable || list) {
		const int32_t *offsets = array->buffers[1];

		CU_ASSERT_PTR_NOT_NULL_FATAL(offsets);
		CU_ASSERT_TRUE(offsets[0] >= 0);
		for (i = 0; i < array->offset + array->length; i++)
			CU_ASSERT_TRUE(offsets[i] <= offsets[i + 1]);
		if (list)
			CU_ASSERT_TRUE(offsets[array->offset + array->length] <=
				       array->children[0]->offset + array->children[0]->length);
	} else if (!structure && array->length) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(array->buffers[1]);
	}
	for (i = 0; i < array->n_children; i++) {
		if (structure)
			CU_ASSERT_TRUE(array->children[i]->length >= array->offset + array->length);
		check_array(schema->children[i], array->children[i]);
	}
}

static void show(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row,
		 struct consort_buffer *out)
{
	int64_t at = array->offset + row, i;
	const char *format = schema->format;
	unsigned width;

	if (!is_valid(array, row)) {
		consort_buffer_char(out, '-');
	} else if (!strcmp(format, "b")) {
		consort_buffer_printf(out, "%d",
				      ((const uint8_t *)array->buffers[1])[at / 8] >> (at % 8) & 1);
	} else if (!strcmp(format, "l") || !strcmp(format, "tsu:UTC") || !strcmp(format, "ttu")) {
		consort_buffer_printf(out, "%" PRId64, ((const int64_t *)array->buffers[1])[at]);
	} else if (!strcmp(format, "tdD")) {
		consort_buffer_printf(out, "%" PRId32, ((const int32_t *)array->buffers[1])[at]);
	} else if (!strcmp(format, "g")) {
		consort_buffer_printf(out, "%g", ((const double *)array->buffers[1])[at]);
	} else if (!strncmp(format, "d:", 2)) {
		consort_buffer_printf(out, "%" PRId64, ((const int64_t *)array->buffers[1])[2 * at]);
	} else if (!strcmp(format, "u") || !strcmp(format, "z")) {
		const int32_t *offsets = array->buffers[1];

		for (i = offsets[at]; i < offsets[at + 1]; i++)
			consort_buffer_printf(out, format[0] == 'u' ? "%c" : "%02x",
					      ((const unsigned char *)array->buffers[2])[i]);
	} else if (sscanf(format, "w:%u", &width) == 1) {
		for (i = 0; i < width; i++)
			consort_buffer_printf(out, "%02x",
					      ((const unsigned char *)array->buffers[1])[at * width + i]);
	} else if (!strcmp(format, "+l")) {
		const int32_t *offsets = array->buffers[1];

		consort_buffer_char(out, '[');
		for (i = offsets[at]; i < offsets[at + 1]; i++) {
			if (i > offsets[at])
				consort_buffer_char(out, ' ');
			show(schema->children[0], array->children[0], i, out);
		}
		consort_buffer_char(out, ']');
	} else {
		CU_FAIL("unknown format");
	}
}

/* All that a stream gives, as "a,b;c,d", with ";" too between batches; what it fails with, in "!". Releases
 * it. */
static const char *read_stream(struct ArrowArrayStream *stream)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct ArrowSchema schema;
	int64_t row, i;
	int status;

	CU_ASSERT_EQUAL_FATAL(stream->get_schema(stream, &schema), 0);
	TESTING_TEXT(schema.format, "+s");
	for (;;) {
		struct ArrowArray array;

		memset(&array, 0xff, sizeof(array));
		status = stream->get_next(stream, &array);
		if (status || !array.release)
			break;
		check_array(&schema, &array);
		for (row = 0; row < array.length; row++) {
			if (out.size)
				consort_buffer_char(&out, ';');
			for (i = 0; i < array.n_children; i++) {
				if (i)
					consort_buffer_char(&out, ',');
				/* a struct's offset counts for its children */
				show(schema.children[i], array.children[i], array.offset + row, &out);
			}
		}
		array.release(&array);
		CU_ASSERT_PTR_NULL(array.release);
	}
	if (status) {
		const char *error = stream->get_last_error(stream);

		consort_buffer_printf(&out, "!%s", error ? error : "");
		/* it stays failed */
		CU_ASSERT_EQUAL(stream->get_next(stream, &(struct ArrowArray){0}), status);
	}
	schema.release(&schema);
	CU_ASSERT_PTR_NULL(schema.release);
	stream->release(stream);
	CU_ASSERT_PTR_NULL(stream->release);
	return testing_keep(consort_buffer_steal(&out));
}

/* --- results --- */

static struct consort *open_things(int count)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);
	struct consort_cursor *rows = NULL;

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	API_OK(consort_native(
		c, "db",
		"with recursive i(i) as (select 1 union all select i + 1 from i where i < ?1) "
		"insert into thing (id, s, b) select i, case when i % 3 then 's' || i end, i % 2 "
		"from i",
		CONSORT_ARGS(consort_int64(count)), &rows, NULL, &error));
	consort_cursor_close(rows);
	return c;
}

/* The stream of a query, after `skip` rows were read one by one. Everything else is closed before it is read.
 */
static void start(struct consort *c, const char *select, const char *where, int skip,
		  struct ArrowArrayStream *stream)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "thing");
	struct consort_cursor *rows = NULL;

	if (select)
		consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	consort_query_order(q, "id");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	for (; skip; skip--)
		CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	API_OK(consort_cursor_take_stream(rows, stream, &error));
	/* what is left of the cursor is at its end */
	CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_cursor_columns(rows), 0);
	consort_cursor_close(rows);
	consort_query_free(q);
}

static void test_types(void)
{
	static const char *const formats[] = {"l",   "b",   "g",    "d:20,4", "u", "z",	 "tsu:UTC",
					      "tdD", "ttu", "w:16", "w:12",   "u", "+l", "+l"};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value items[] = {consort_int64(5), consort_null(), consort_int64(-5)},
			     words[] = {consort_text(""), consort_text("w")}, list = consort_null();
	struct consort *c = open_things(1);
	struct consort_record *r = consort_record_new(c, "thing");
	uint8_t bytes[16] = {1, 2, 3};
	struct ArrowArrayStream stream;
	struct ArrowSchema schema;
	uint32_t i;

	consort_record_set(r, "id", consort_int64(2));
	consort_record_set(r, "b", consort_bool(1));
	consort_record_set(r, "f", consort_float64(-0.5));
	consort_record_set(r, "p", consort_decimal_of((struct consort_decimal){12345, 0}, 20, 4));
	consort_record_set(r, "s", consort_text("text"));
	consort_record_set(r, "raw", consort_bytes("\0\xff", 2));
	consort_record_set(r, "ts", consort_timestamp(-1));
	consort_record_set(r, "day", consort_date(-1));
	consort_record_set(r, "tm", consort_time(1));
	consort_record_set(r, "u", consort_uuid(bytes));
	consort_record_set(r, "o", consort_objectid(bytes));
	consort_record_set(r, "doc", consort_json("{\"a\": [1]}"));
	list.type = (struct consort_type){.id = CONSORT_TYPE_LIST, .element = CONSORT_TYPE_INT64};
	list.as.list = (struct consort_items){items, 3};
	consort_record_set(r, "l", list);
	list.type.element = CONSORT_TYPE_TEXT;
	list.as.list = (struct consort_items){words, 2};
	consort_record_set(r, "lt", list);
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
	start(c, NULL, NULL, 0, &stream);
	CU_ASSERT_EQUAL_FATAL(stream.get_schema(&stream, &schema), 0);
	CU_ASSERT_EQUAL_FATAL(schema.n_children, 14);
	for (i = 0; i < 14; i++) {
		TESTING_TEXT(schema.children[i]->format, formats[i]);
		CU_ASSERT_EQUAL(schema.children[i]->flags, i ? ARROW_FLAG_NULLABLE : 0);
	}
	TESTING_TEXT(schema.children[12]->children[0]->format, "l");
	TESTING_TEXT(schema.children[13]->children[0]->format, "u");
	/* one pair: ARROW:extension:name, arrow.json */
	CU_ASSERT_PTR_NULL(schema.children[4]->metadata);
	CU_ASSERT_EQUAL(memcmp(schema.children[11]->metadata,
			       "\1\0\0\0\x14\0\0\0ARROW:extension:name\x0a\0\0\0arrow.json", 42),
			0);
	schema.release(&schema);
	consort_close(c);
	TESTING_TEXT(read_stream(&stream),
		     "1,1,-,-,s1,-,-,-,-,-,-,-,-,-;"
		     "2,1,-0.5,12345,text,00ff,-1,-1,1,01020300000000000000000000000000,"
		     "010203000000000000000000,{\"a\":[1]},[5 - -5],[ w]");
}

/* Of many batches, from the middle of one, of none; computed columns beside borrowed ones. */
static void test_slices(void)
{
	static const int skips[] = {0, 1, 1023, 1024, 1025, 2999, 3000};
	struct consort *c = open_things(3000);
	struct consort_buffer expected = CONSORT_BUFFER_INIT;
	struct ArrowArrayStream stream;
	size_t i;
	int id;

	for (i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		consort_buffer_reset(&expected);
		consort_buffer_text(&expected, "");
		for (id = skips[i] + 1; id <= 3000; id++) {
			consort_buffer_printf(&expected, "%s%d,%d,", id > skips[i] + 1 ? ";" : "", id,
					      id % 2);
			consort_buffer_printf(&expected, id % 3 ? "s%d,%d" : "-,%d", id % 3 ? id : 2 * id,
					      2 * id);
		}
		start(c, "id, b, s, id * 2", NULL, skips[i], &stream);
		TESTING_TEXT(read_stream(&stream), expected.data);
		setenv("CONSORT_NO_PUSHDOWN", "1", 1);
		start(c, "id, b, s, id * 2", "id > 0", skips[i], &stream);
		TESTING_TEXT(read_stream(&stream), expected.data);
		unsetenv("CONSORT_NO_PUSHDOWN");
	}
	start(c, "id, l, lt", "false", 0, &stream);
	TESTING_TEXT(read_stream(&stream), "");
	consort_buffer_clear(&expected);
	consort_close(c);
}

/* Arrays, and children that were moved out of them, live on after their stream; in any order. */
static void test_life(void)
{
	struct consort *c = open_things(2000);
	struct ArrowArrayStream stream;
	struct ArrowArray arrays[3], moved;
	struct ArrowSchema schema;
	int count = 0;

	start(c, "id, s", NULL, 0, &stream);
	consort_close(c);
	CU_ASSERT_EQUAL_FATAL(stream.get_schema(&stream, &schema), 0);
	while (count < 3 && !stream.get_next(&stream, &arrays[count]) && arrays[count].release)
		count++;
	CU_ASSERT_EQUAL_FATAL(count, 2);
	stream.release(&stream);
	moved = *arrays[0].children[1];
	arrays[0].children[1]->release = NULL; /* as the specification has a move */
	arrays[0].release(&arrays[0]);
	check_array(&schema, &arrays[1]);
	check_array(schema.children[1], &moved);
	CU_ASSERT_EQUAL(memcmp((const char *)moved.buffers[2], "s1s2s4", 6), 0);
	moved.release(&moved);
	arrays[1].release(&arrays[1]);
	schema.release(&schema);
	/* one that is not read at all */
	c = api_open(manifest);
	start(c, "id", NULL, 0, &stream);
	stream.release(&stream);
	consort_close(c);
}

/* JSON's null is no value of another type, though its document is there. */
static void test_null_in_documents(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c =
		api_open("[database db]\ntype = sqlite\npath = things.db\n"
			 "[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64 not null\n"
			 "attribute.doc = json not null\n");
	struct consort_cursor *rows = NULL;
	struct ArrowArrayStream stream;

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	API_OK(consort_native(c, "db", "insert into thing values (1, 'null'), (2, '5')", CONSORT_NO_ARGS,
			      &rows, NULL, &error));
	consort_cursor_close(rows);
	start(c, "id, doc::int64", NULL, 0, &stream);
	TESTING_TEXT(read_stream(&stream), "1,-;2,5");
	consort_close(c);
}

/* What fails on the way is told with its reason. */
static void test_errors(void)
{
	struct consort *c = open_things(10);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "thing");
	struct consort_cursor *rows = NULL;
	struct ArrowArrayStream stream = {0};

	start(c, "id, 6 / (id - 5)", NULL, 0, &stream);
	CU_ASSERT_PTR_NULL(stream.get_last_error(&stream));
	TESTING_TEXT(read_stream(&stream), "!division by zero in 6 / 0");
	/* a cursor that has failed makes no stream */
	consort_query_select(q, "6 / (id - 5)");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	while (consort_cursor_next(rows, &error))
		;
	CU_ASSERT_EQUAL(consort_cursor_take_stream(rows, &stream, &error), CONSORT_ERANGE);
	CU_ASSERT_PTR_NULL(stream.release);
	consort_cursor_close(rows);
	consort_query_free(q);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"types", test_types},	 {"null-in-documents", test_null_in_documents},
		{"slices", test_slices}, {"life", test_life},
		{"errors", test_errors}, {NULL, NULL},
	};

	return testing_main("arrow", cases, argc, argv);
}
