/* SPDX-License-Identifier: Apache-2.0 */
/* Writes by query on few connections, and what writers, records and loads refuse before anything is sent. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THING "[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.n = int64\n"
/* what waits for a second connection, waits in vain */
#define ONE_CONNECTION \
	"[database db]\ntype = sqlite\npath = things.db\npool.max = 1\npool.acquire_timeout = 100ms\n"

static enum consort_status native_status(struct consort *c, const char *text, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_native(c, "db", text, CONSORT_NO_ARGS, &rows, NULL, error);

	consort_cursor_close(rows);
	return status;
}

static void native(struct consort *c, const char *text)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(native_status(c, text, &error));
}

/* The condition can fail, so the core checks it, and the records are written by key. */
static void write_by_keys(const char *manifest, int records)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);
	struct consort_query *q;
	int64_t affected = 0;
	char text[200];

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	snprintf(text, sizeof(text),
		 "with recursive i(i) as (select 1 union all select i + 1 from i where i < %d) insert into "
		 "thing select i, i %% 10 from i",
		 records);
	native(c, text);
	q = consort_query_new(c, "thing");
	consort_query_where(q, "100 / (n + 1) = 50");
	API_OK(consort_update_where(q, "n = n + $1", CONSORT_ARGS(consort_int64(100)), &affected, &error));
	CU_ASSERT_EQUAL(affected, records / 10);
	snprintf(text, sizeof(text), "%d", records / 10);
	TESTING_TEXT(api_find(c, "thing", "count(*)", "n = 101 and id % 10 = 1", NULL), text);
	TESTING_TEXT(api_find(c, "thing", "count(*)", "n = 101", NULL), text);
	consort_query_free(q);
	q = consort_query_new(c, "thing");
	consort_query_where(q, "100 / (n + 1) = 0");
	API_OK(consort_delete_where(q, CONSORT_NO_ARGS, &affected, &error));
	CU_ASSERT_EQUAL(affected, records / 10);
	TESTING_TEXT(api_find(c, "thing", "count(*)", "n = 101", NULL), "0");
	consort_query_free(q);
	consort_close(c);
}

static void test_by_query(void)
{
	write_by_keys(ONE_CONNECTION THING, 5000);
}

/* Keys are read and records written on one connection. */
static void test_by_query_without_transactions(void)
{
	write_by_keys(ONE_CONNECTION "features = -transactions\n" THING, 5000);
}

static void test_by_query_row_by_row(void)
{
	write_by_keys(ONE_CONNECTION "features = -transactions -bulk_write -concurrent_cursors\n" THING,
		      2500);
}

/* --- refused before anything is sent --- */

static struct consort *open_generated(void)
{
	struct consort *c = api_open("[database db]\ntype = sqlite\npath = things.db\nresources = *\n");

	native(c, "create table thing (id integer primary key, n integer, twice integer as (n * 2)) strict");
	native(c, "create view seen as select id, n from thing");
	return c;
}

static const char *writer_error(struct consort *c, const char *resource, const char *attributes,
				uint32_t kind)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;

	if (consort_writer_open(c, resource, attributes, kind, 0, &w, &error))
		return api_error(&error);
	consort_writer_close(w);
	return "OK";
}

static void test_computed_attributes(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_generated();
	struct consort_record *r = consort_record_new(c, "db.thing");
	const char *refused = "status 17: db.thing.twice: cannot be set: the database computes it";

	TESTING_TEXT(writer_error(c, "db.thing", NULL, CONSORT_WRITER_CREATE), "OK");
	TESTING_TEXT(writer_error(c, "db.thing", "id, n", CONSORT_WRITER_CREATE), "OK");
	TESTING_TEXT(writer_error(c, "db.thing", "id, twice", CONSORT_WRITER_CREATE), refused);
	TESTING_TEXT(writer_error(c, "db.thing", "twice, id", CONSORT_WRITER_UPDATE), refused);
	TESTING_TEXT(writer_error(c, "db.thing", "id, twice", CONSORT_WRITER_UPSERT), refused);
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "twice", consort_int64(4));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EREADONLY);
	TESTING_TEXT(api_error(&error), refused);
	TESTING_TEXT(error.attribute, "twice");
	TESTING_TEXT(api_find(c, "db.thing", "id", NULL, NULL), "");
	consort_record_clear(r);
	consort_record_set(r, "id", consort_int64(1));
	consort_record_set(r, "n", consort_int64(2));
	API_OK(consort_create(c, r, &error));
	CU_ASSERT_EQUAL(consort_record_int64(r, "twice"), 4);
	consort_record_free(r);
	consort_close(c);
}

/* A writer that could not write a row is not given. */
static void test_read_only(void)
{
	struct consort *c = open_generated();

	TESTING_TEXT(writer_error(c, "db.seen", NULL, CONSORT_WRITER_CREATE),
		     "status 17: db.seen: is read-only (a view, or a file)");
	consort_close(c);
	c = api_open("[database db]\ntype = sqlite\npath = things.db\nmode = ro\n" THING);
	TESTING_TEXT(
		writer_error(c, "thing", NULL, CONSORT_WRITER_CREATE),
		"status 6: database 'db' does not support create: the database is opened with mode = ro");
	TESTING_TEXT(
		writer_error(c, "thing", "n, id", CONSORT_WRITER_UPDATE),
		"status 6: database 'db' does not support update: the database is opened with mode = ro");
	TESTING_TEXT(
		writer_error(c, "thing", NULL, CONSORT_WRITER_UPSERT),
		"status 6: database 'db' does not support upsert: the database is opened with mode = ro");
	consort_close(c);
	c = api_open("[database db]\ntype = sqlite\npath = things.db\nfeatures = -upsert\n" THING);
	TESTING_TEXT(writer_error(c, "thing", NULL, CONSORT_WRITER_UPSERT),
		     "status 6: database 'db' does not support upsert: the manifest takes it away");
	consort_close(c);
}

/* --- a writer's batch that was handed over --- */

static void release_array(struct ArrowArray *array)
{
	array->release = NULL;
}

/* Rows [offset, 4) of texts "bad\xff", "one", "two", "bad\xff" cut to `length`. */
static enum consort_status write_texts(struct consort *c, int64_t offset, int64_t length,
				       struct consort_error *out_error)
{
	static int64_t ids[] = {0, 1, 2, 3};
	static int32_t offsets[] = {0, 4, 7, 10, 14};
	static char data[] = "bad\xffonetwobad\xff";
	const void *id_buffers[] = {NULL, ids}, *text_buffers[] = {NULL, offsets, data},
		   *root_buffers[] = {NULL};
	struct ArrowArray id = {.length = 4, .n_buffers = 2, .buffers = id_buffers, .release = release_array};
	struct ArrowArray text = {
		.length = 4, .n_buffers = 3, .buffers = text_buffers, .release = release_array};
	struct ArrowArray *children[] = {&id, &text};
	struct ArrowArray root = {.length = length,
				  .offset = offset,
				  .n_buffers = 1,
				  .buffers = root_buffers,
				  .n_children = 2,
				  .children = children,
				  .release = release_array};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	enum consort_status status;

	API_OK(consort_writer_open(c, "db.texts", "id, s", CONSORT_WRITER_CREATE, 0, &w, &error));
	batch = consort_writer_batch(w);
	API_OK(batch->hand_over(batch, &root, &error));
	status = consort_writer_flush(w, out_error);
	consort_writer_close(w);
	return status;
}

static void test_handed_over(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open("[database db]\ntype = sqlite\npath = things.db\nresources = *\n");

	native(c, "create table texts (id integer primary key, s text) strict");
	/* what stands before and behind the rows does not count */
	API_OK(write_texts(c, 1, 2, &error));
	TESTING_TEXT(api_find(c, "db.texts", "id, s", NULL, "id"), "1,one;2,two");
	CU_ASSERT_EQUAL(write_texts(c, 2, 2, &error), CONSORT_ERANGE);
	TESTING_CONTAINS(consort_error_text(&error), "db.texts.s: row 2: ");
	TESTING_TEXT(api_find(c, "db.texts", "count(*)", NULL, NULL), "2");
	consort_close(c);
}

/* --- records of others --- */

static void test_other_manifest(void)
{
	static const char manifest[] =
		"[database db]\ntype = sqlite\npath = things.db\n" THING "relationship.up = thing, n -> id\n";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest), *other = api_open(manifest);
	struct consort_record *r = consort_record_new(c, "thing"),
			      *theirs = consort_record_new(other, "thing");
	struct consort_record *both[2] = {r, theirs};
	struct consort_cursor *rows = NULL;

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	consort_record_set(r, "n", consort_int64(1));
	API_OK(consort_load(c, &r, 1, "up", &rows, &error));
	consort_cursor_close(rows);
	rows = NULL;
	CU_ASSERT_EQUAL(consort_load(other, &r, 1, "up", &rows, &error), CONSORT_EINVAL);
	TESTING_TEXT(consort_error_text(&error), "the records were made with another manifest's handle");
	CU_ASSERT_EQUAL(consort_load(c, both, 2, "up", &rows, &error), CONSORT_EINVAL);
	TESTING_TEXT(consort_error_text(&error), "the records are not all of one resource");
	CU_ASSERT_PTR_NULL(rows);
	consort_record_free(r);
	consort_record_free(theirs);
	consort_close(c);
	consort_close(other);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"by-query", test_by_query},
		{"by-query-without-transactions", test_by_query_without_transactions},
		{"by-query-row-by-row", test_by_query_row_by_row},
		{"computed-attributes", test_computed_attributes},
		{"read-only", test_read_only},
		{"handed-over", test_handed_over},
		{"other-manifest", test_other_manifest},
		{NULL, NULL},
	};

	return testing_main("writes", cases, argc, argv);
}
