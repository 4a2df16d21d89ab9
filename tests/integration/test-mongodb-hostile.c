/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile values and names: by every way in they are stored literally or refused, and by every way out found
 * as what they are, and nothing else with them.
 */
#include "api.h"
#include "servers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>
#include <consort/json.h>

static const char *const hostile[] = {
	"$where",
	"{\"$gt\": \"\"}",
	"{\"$ne\":null}",
	"'; return true; //",
	"$name",
	"$$ROOT",
	"a.b",
	".",
	"$",
	"",
	" ",
	"\\A.*\\z",
	".*",
	"^",
	"(?s).",
	"a\\E.*",
	"\\",
	"\r\n",
	"a\nb",
	"\"}",
	"' or '1'='1",
	"%",
	"_",
	"__proto__",
	"\xef\xbb\xbf"
	"bom",
	"\xe2\x80\xae"
	"right",
	"{\"$oid\":\"000000000000000000000000\"}",
	"\x01\x7f",
};
#define HOSTILE (sizeof(hostile) / sizeof(*hostile))

static const char *number(size_t count)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", count);
	return testing_keep(strdup(text));
}

static void run(struct consort *c, const char *command)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	API_OK(consort_native(c, "db", command, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
}

/* Texts as keys and as values, of a database of the case's own. */
static struct consort *open_texts(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char text[1024];
	struct consort *c;

	snprintf(text, sizeof(text),
		 "[database db]\ntype = mongodb\nuri = \"%s\"\ndbname = hostile_%d\n"
		 "[resource t]\ndatabase = db\nkey = k\nattribute.k = text from _id\nattribute.s = text\n"
		 "attribute.doc = json\nattribute.n = int64\n",
		 servers_get("mongodb", "URI"), (int)getpid());
	c = api_open(text);
	run(c, "{\"dropDatabase\": 1}");
	API_OK(consort_define(c, "t", 0, NULL, &error));
	return c;
}

static void close_texts(struct consort *c)
{
	run(c, "{\"dropDatabase\": 1}");
	consort_close(c);
}

static struct consort_record *record(struct consort *c, const char *resource, struct consort_value k,
				     struct consort_value s)
{
	struct consort_record *r = consort_record_new(c, resource);

	consort_record_set(r, "k", k);
	consort_record_set(r, "s", s);
	return r;
}

/* What a query by a text finds: how many, and the text itself. */
static void check_found(struct consort *c, const char *where, const char *text)
{
	const struct consort_args args = CONSORT_ARGS(consort_text(text));
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "t");
	struct consort_cursor *rows = NULL;

	consort_query_select(q, "k");
	consort_query_where(q, where);
	API_OK(consort_query_run(q, args, &rows, &error));
	CU_ASSERT_FATAL(consort_cursor_next(rows, &error));
	TESTING_TEXT(consort_cursor_text(rows, 0), text);
	CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
	consort_cursor_close(rows);
	consort_query_free(q);
}

/* The text between quotes, with what LIKE takes for more than itself escaped. */
static const char *as_pattern(const char *text)
{
	struct consort_buffer pattern = CONSORT_BUFFER_INIT;

	consort_buffer_text(&pattern, "");
	for (; *text; text++)
		consort_buffer_printf(&pattern, "%s%c", strchr("%_\\", *text) ? "\\" : "", *text);
	return testing_keep(consort_buffer_steal(&pattern));
}

static void check_like(struct consort *c, const char *text)
{
	const struct consort_args args = CONSORT_ARGS(consort_text(as_pattern(text)));
	struct consort_query *q = consort_query_new(c, "t");

	consort_query_select(q, "count(*)");
	consort_query_where(q, "s like $1");
	TESTING_TEXT(api_rows(q, args), "1");
	consort_query_free(q);
}

/* As a literal within the text of a condition. */
static void check_literal(struct consort *c, const char *text)
{
	struct consort_buffer where = CONSORT_BUFFER_INIT;

	consort_buffer_text(&where, "s in (");
	consort_buffer_quoted(&where, text, strlen(text), '\'');
	consort_buffer_text(&where, ", 'nobody')");
	TESTING_TEXT(api_find(c, "t", "count(*)", where.data, NULL), "1");
	consort_buffer_clear(&where);
}

/* As a parameter of a native command, and of a pipeline. */
static void check_native(struct consort *c, const char *text)
{
	static const char *const commands[] = {
		"{\"count\": \"t\", \"query\": {\"s\": {\"$param\": 1}}}",
		"{\"count\": \"t\", \"query\": {\"s\": {\"$in\": [{\"$param\": 1}]}}}"};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	size_t i;

	for (i = 0; i < 2; i++) {
		API_OK(consort_native(c, "db", commands[i], CONSORT_ARGS(consort_text(text)), &rows, NULL,
				      &error));
		TESTING_CONTAINS(api_read(rows, &error), "\"n\":1");
		consort_cursor_close(rows);
	}
}

static void check_all(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < HOSTILE; i++) {
		struct consort_record *r = NULL;

		API_OK(consort_get(c, "t", CONSORT_ARGS(consort_text(hostile[i])), &r, &error));
		TESTING_TEXT(consort_record_text(r, "s"), hostile[i]);
		consort_record_free(r);
		check_found(c, "k = $1", hostile[i]);
		check_found(c, "s = $1", hostile[i]);
		check_found(c, "s in ($1, 'nobody')", hostile[i]);
		check_found(c, "doc ->> 's' = $1", hostile[i]);
		check_like(c, hostile[i]);
		check_literal(c, hostile[i]);
		check_native(c, hostile[i]);
	}
}

/* {"s": text} */
static const char *as_document(const char *text)
{
	struct consort_buffer json = CONSORT_BUFFER_INIT;

	consort_buffer_text(&json, "{\"s\":");
	consort_json_quote(&json, text, strlen(text));
	consort_buffer_text(&json, "}");
	return testing_keep(consort_buffer_steal(&json));
}

static void put_all(struct consort *c, enum consort_status (*put)(struct consort *c, struct consort_record *r,
								  struct consort_error *error))
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < HOSTILE; i++) {
		struct consort_record *r = record(c, "t", consort_text(hostile[i]), consort_text(hostile[i]));

		consort_record_set(r, "doc", consort_json(as_document(hostile[i])));
		API_OK(put(c, r, &error));
		consort_record_free(r);
	}
}

static void test_created(void)
{
	struct consort *c = open_texts();

	put_all(c, consort_create);
	check_all(c);
	close_texts(c);
}

static void test_upserted(void)
{
	struct consort *c = open_texts();

	put_all(c, consort_upsert);
	put_all(c, consort_upsert);
	check_all(c);
	close_texts(c);
}

static void test_updated(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	size_t i;

	for (i = 0; i < HOSTILE; i++) {
		struct consort_record *r = record(c, "t", consort_text(hostile[i]), consort_text("before"));

		API_OK(consort_create(c, r, &error));
		consort_record_free(r);
	}
	put_all(c, consort_update);
	check_all(c);
	close_texts(c);
}

static void test_in_bulk(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	size_t i;

	API_OK(consort_writer_open(c, "t", "k, s, doc", CONSORT_WRITER_CREATE, 0, &w, &error));
	batch = consort_writer_batch(w);
	for (i = 0; i < HOSTILE; i++) {
		const char *json = as_document(hostile[i]);

		consort_append_view(batch, &batch->columns[0], hostile[i], strlen(hostile[i]));
		consort_append_view(batch, &batch->columns[1], hostile[i], strlen(hostile[i]));
		consort_append_view(batch, &batch->columns[2], json, strlen(json));
		consort_batch_end_row(batch);
	}
	API_OK(consort_writer_flush(w, &error));
	consort_writer_close(w);
	check_all(c);
	close_texts(c);
}

/* Updates and deletes of what a text says touch the one record that has it. */
static void test_by_query(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	int64_t affected = -1;
	size_t i;

	put_all(c, consort_create);
	for (i = 0; i < HOSTILE; i++) {
		const struct consort_args args = CONSORT_ARGS(consort_text(hostile[i]));
		struct consort_query *q = consort_query_new(c, "t");

		consort_query_where(q, "s = $1");
		API_OK(consort_update_where(q, "n = 1", args, &affected, &error));
		CU_ASSERT_EQUAL(affected, 1);
		API_OK(consort_update_where(q, "s = $1", args, &affected, &error));
		CU_ASSERT_EQUAL(affected, 1);
		consort_query_free(q);
	}
	TESTING_TEXT(api_find(c, "t", "sum(n)", NULL, NULL), number(HOSTILE));
	check_all(c);
	for (i = 0; i < HOSTILE; i++) {
		struct consort_query *q = consort_query_new(c, "t");

		if (i % 2) {
			consort_query_where(q, "s = $1");
			API_OK(consort_delete_where(q, CONSORT_ARGS(consort_text(hostile[i])), &affected,
						    &error));
			CU_ASSERT_EQUAL(affected, 1);
		} else {
			API_OK(consort_delete(c, "t", CONSORT_ARGS(consort_text(hostile[i])), &error));
		}
		consort_query_free(q);
		TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), number(HOSTILE - i - 1));
	}
	close_texts(c);
}

/* --- refused --- */

static void test_no_texts(void)
{
	static const struct {
		const char *text;
		uint64_t size;
	} wrong[] = {{"a\0b", 3}, {"\xff", 1}, {"a\xc3", 2}, {"\xed\xa0\x80", 3}, {"\xc0\x80", 2}};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const struct consort_value text = consort_text_n(wrong[i].text, wrong[i].size);
		struct consort_record *r = record(c, "t", consort_text("k"), text), *found = NULL;
		struct consort_query *q = consort_query_new(c, "t");
		struct consort_cursor *rows = NULL;

		CU_ASSERT_NOT_EQUAL(consort_create(c, r, &error), CONSORT_OK);
		CU_ASSERT_NOT_EQUAL(consort_upsert(c, r, &error), CONSORT_OK);
		consort_record_free(r);
		CU_ASSERT_NOT_EQUAL(consort_get(c, "t", CONSORT_ARGS(text), &found, &error), CONSORT_OK);
		consort_query_where(q, "s = $1");
		CU_ASSERT_NOT_EQUAL(consort_query_run(q, CONSORT_ARGS(text), &rows, &error), CONSORT_OK);
		CU_ASSERT_NOT_EQUAL(consort_native(c, "db",
						   "{\"count\": \"t\", \"query\": {\"s\": {\"$param\": 1}}}",
						   CONSORT_ARGS(text), &rows, NULL, &error),
				    CONSORT_OK);
		consort_query_free(q);
	}
	TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), "0");
	close_texts(c);
}

/* Names of fields in documents are kept, or refused where they would come back as something else. */
static void test_documents(void)
{
	static const struct {
		const char *json;
		bool kept;
	} cases[] = {
		{"{\"$where\":\"1\"}", true},
		{"{\"a.b\":1,\"$set\":{\"$gt\":\"\"}}", true},
		{"{\"\":1}", true},
		{"{\"__proto__\":{}}", true},
		{"[{\"$ne\":null},\"$$ROOT\"]", true},
		{"{\"a\\u0000b\":1}", false},
		{"{\"a\":\"\\u0000\"}", false},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_record *r = record(c, "t", consort_text(cases[i].json), consort_text("s")),
				      *got = NULL;
		enum consort_status status;

		consort_record_set(r, "doc", consort_json(cases[i].json));
		status = consort_create(c, r, &error);
		CU_ASSERT_EQUAL(status == CONSORT_OK, cases[i].kept);
		consort_record_free(r);
		if (status)
			continue;
		API_OK(consort_get(c, "t", CONSORT_ARGS(consort_text(cases[i].json)), &got, &error));
		TESTING_TEXT(consort_record_text(got, "doc"), cases[i].json);
		consort_record_free(got);
	}
	close_texts(c);
}

/* The longest that MongoDB takes as a value, and beyond it; keys of any length. */
static void test_long(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = open_texts();
	const size_t size = 17 << 20;
	char *text = malloc(size + 1);
	struct consort_record *r, *found = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, '$', size);
	text[size] = '\0';
	r = record(c, "t", consort_text("long"), consort_text(text));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_ERANGE);
	consort_record_free(r);
	CU_ASSERT_EQUAL(consort_get(c, "t", CONSORT_ARGS(consort_text(text)), &found, &error),
			CONSORT_ERANGE);
	r = record(c, "t", consort_text_n(text, 100000), consort_text_n(text, 1 << 20));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
	API_OK(consort_get(c, "t", CONSORT_ARGS(consort_text_n(text, 100000)), &found, &error));
	CU_ASSERT_EQUAL(strlen(consort_record_text(found, "s")), 1 << 20);
	consort_record_free(found);
	free(text);
	close_texts(c);
}

/* Of fields, that MongoDB would take for operators or for no names. */
static void test_names(void)
{
	static const char *const sources[] = {"$where", "a..b", "a.$set", ".a"};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		struct consort_cursor *rows = NULL;
		struct consort_query *q;
		struct consort *c;

		consort_buffer_reset(&text);
		consort_buffer_printf(&text,
				      "[database db]\ntype = mongodb\nuri = \"%s\"\ndbname = hostile_%d\n"
				      "[resource r]\ndatabase = db\nkey = id\nattribute.id = int64 from _id\n"
				      "attribute.x = text from \"%s\"\n",
				      servers_get("mongodb", "URI"), (int)getpid(), sources[i]);
		c = api_open(text.data);
		API_OK(consort_native(c, "db", "{\"insert\": \"r\", \"documents\": [{\"_id\": 1}]}",
				      CONSORT_NO_ARGS, &rows, NULL, &error));
		consort_cursor_close(rows);
		rows = NULL;
		q = consort_query_new(c, "r");
		CU_ASSERT_EQUAL(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error), CONSORT_ENAME);
		TESTING_CONTAINS(error.message, "MongoDB takes it for something else");
		consort_query_free(q);
		API_OK(consort_native(c, "db", "{\"dropDatabase\": 1}", CONSORT_NO_ARGS, &rows, NULL,
				      &error));
		consort_cursor_close(rows);
		consort_close(c);
	}
	consort_buffer_clear(&text);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"created", test_created},     {"upserted", test_upserted},
		{"updated", test_updated},     {"in-bulk", test_in_bulk},
		{"by-query", test_by_query},   {"no-texts", test_no_texts},
		{"documents", test_documents}, {"long", test_long},
		{"names", test_names},	       {NULL, NULL},
	};

	return testing_main("mongodb-hostile", cases, argc, argv);
}
