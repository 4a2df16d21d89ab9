/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NULL for every pointer of every public function: refused with the pointer's name where it is needed,
 * harmless where the function cannot fail. What the library exports and no line here names fails the test.
 */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SYMBOLS 256

static const char manifest[] =
	"[database db]\ntype = sqlite\npath = things.db\n"
	"[resource thing]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.s = text\n"
	"attribute.above = int64\nrelationship.up = thing, above -> id\n";

static char *tried[MOST_SYMBOLS];
static size_t ntried;

static void note(const char *function)
{
	size_t i;

	for (i = 0; i < ntried; i++)
		if (!strcmp(tried[i], function))
			return;
	CU_ASSERT_FATAL(ntried < MOST_SYMBOLS);
	tried[ntried++] = strdup(function);
}

static void check_refused(const char *function, const char *missing, enum consort_status with,
			  enum consort_status without, const struct consort_error *error)
{
	char expected[160];

	note(function);
	snprintf(expected, sizeof(expected), "%s: %s must not be NULL", function, missing);
	TESTING_TEXT(consort_error_text(error), expected);
	CU_ASSERT_EQUAL(error->status, CONSORT_EINVAL);
	CU_ASSERT_EQUAL(with, CONSORT_EINVAL);
	CU_ASSERT_EQUAL(without, CONSORT_EINVAL);
}

/* EINVAL that names what is missing, with an error to fill and without. */
#define REFUSED(function, missing, ...)                                                      \
	do {                                                                                 \
		struct consort_error told = CONSORT_ERROR_INIT;                              \
		enum consort_status with = function(__VA_ARGS__, &told);                     \
                                                                                             \
		check_refused(#function, missing, with, function(__VA_ARGS__, NULL), &told); \
	} while (0)

/* A function that cannot fail: what it gives for NULL. */
#define GIVES(function, condition)         \
	do {                               \
		note(#function);           \
		CU_ASSERT_TRUE(condition); \
	} while (0)
#define HARMLESS(function, ...) (note(#function), function(__VA_ARGS__))

static const struct consort_args no_args, bad_args = {NULL, 3};

static enum consort_status ignore_file(void *context, const struct consort_plugin_file *file)
{
	(void)context, (void)file;
	return CONSORT_OK;
}

static enum consort_status ignore_database(void *context, const struct consort_database_info *info)
{
	(void)context, (void)info;
	return CONSORT_OK;
}

static enum consort_status ignore_resource(void *context, const struct consort_resource *resource,
					   const struct consort_error *error)
{
	(void)context, (void)resource, (void)error;
	return CONSORT_OK;
}

static enum consort_status do_nothing(struct consort *in, void *arg, struct consort_error *error)
{
	(void)in, (void)arg, (void)error;
	return CONSORT_OK;
}

static void try_handles(struct consort *c)
{
	const struct consort_open_options open_options = {.struct_size = sizeof(open_options)};
	const struct consort_scope_options scope_options = {.struct_size = sizeof(scope_options)};
	struct consort *made = NULL;

	REFUSED(consort_open, "path", NULL, &made);
	REFUSED(consort_open, "out_consort", "consort.ini", NULL);
	REFUSED(consort_open_with, "options", NULL, &made);
	REFUSED(consort_open_with, "out_consort", &open_options, NULL);
	REFUSED(consort_scope, "c", NULL, &scope_options, &made);
	REFUSED(consort_scope, "options", c, NULL, &made);
	REFUSED(consort_scope, "out_scope", c, &scope_options, NULL);
	CU_ASSERT_PTR_NULL(made);
	HARMLESS(consort_close, NULL);
	HARMLESS(consort_cancel_fire, NULL);
	HARMLESS(consort_cancel_reset, NULL);
	HARMLESS(consort_cancel_free, NULL);
	HARMLESS(consort_free, NULL);
	note("consort_cancel_new"); /* take nothing */
	note("consort_version");
}

static void try_plugins(void)
{
	const struct consort_plugin *plugin = NULL;
	char *text = NULL;

	REFUSED(consort_plugins_path, "manifest", NULL, &text);
	REFUSED(consort_plugins_path, "out_path", "consort.ini", NULL);
	REFUSED(consort_plugins_list, "fn", NULL, NULL, NULL);
	REFUSED(consort_plugins_explain, "type", NULL, NULL, ignore_file, NULL);
	REFUSED(consort_plugins_explain, "fn", NULL, "sqlite", NULL, NULL);
	REFUSED(consort_plugins_load, "file_or_type", NULL, NULL, &text, &plugin);
	REFUSED(consort_plugins_check, "file_or_type", NULL, NULL);
	GIVES(consort_feature_find, consort_feature_find(NULL) == -1);
	GIVES(consort_feature_name, consort_feature_name(UINT32_MAX) == NULL);
	CU_ASSERT_PTR_NULL(text);
	CU_ASSERT_PTR_NULL(plugin);
}

static void try_catalog(struct consort *c)
{
	const struct consort_resource *resource = NULL;
	struct consort_cursor *rows = NULL;
	struct consort_pool_stats stats = {.struct_size = sizeof(stats)};
	const char *why = NULL;

	REFUSED(consort_describe, "c", NULL, "thing", &resource);
	REFUSED(consort_describe, "resource", c, NULL, &resource);
	REFUSED(consort_describe, "out_resource", c, "thing", NULL);
	REFUSED(consort_resources, "c", NULL, 0, ignore_resource, NULL);
	REFUSED(consort_resources, "fn", c, 0, NULL, NULL);
	REFUSED(consort_define, "c", NULL, "thing", 0, NULL);
	REFUSED(consort_define, "resource", c, NULL, 0, NULL);
	REFUSED(consort_drop, "c", NULL, "thing", 0, NULL);
	REFUSED(consort_drop, "resource", c, NULL, 0, NULL);
	REFUSED(consort_databases, "c", NULL, NULL, 0, ignore_database, NULL);
	REFUSED(consort_databases, "fn", c, NULL, 0, NULL, NULL);
	REFUSED(consort_native, "c", NULL, "db", "select 1", no_args, &rows, NULL);
	REFUSED(consort_native, "database", c, NULL, "select 1", no_args, &rows, NULL);
	REFUSED(consort_native, "text", c, "db", NULL, no_args, &rows, NULL);
	REFUSED(consort_native, "args.values", c, "db", "select 1", bad_args, &rows, NULL);
	REFUSED(consort_native, "out_rows", c, "db", "select 1", no_args, NULL, NULL);
	CU_ASSERT_PTR_NULL(rows);
	REFUSED(consort_pool_read, "c", NULL, "db", &stats);
	REFUSED(consort_pool_read, "database", c, NULL, &stats);
	REFUSED(consort_pool_read, "out_stats", c, "db", NULL);
	GIVES(consort_supports, consort_supports(NULL, "db", CONSORT_FEATURE_READ, &why) == 0);
	TESTING_TEXT(why, "there is no handle");
	GIVES(consort_supports, consort_supports(c, NULL, CONSORT_FEATURE_READ, &why) == 0);
	TESTING_TEXT(why, "there is no database of that name");
	GIVES(consort_supports, consort_supports(NULL, NULL, CONSORT_FEATURE_READ, NULL) == 0);
}

/* What a builder that was given NULL tells when it is used. */
static void check_builder(struct consort_query *q, const char *expected)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	CU_ASSERT_EQUAL(consort_query_run(q, no_args, &rows, &error), CONSORT_EINVAL);
	TESTING_TEXT(consort_error_text(&error), expected);
	CU_ASSERT_EQUAL(consort_query_run(q, no_args, &rows, NULL), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_delete_where(q, no_args, NULL, NULL), CONSORT_EINVAL);
	CU_ASSERT_PTR_NULL(rows);
	consort_query_free(q);
}

static void try_builders(struct consort *c)
{
	struct consort_query *q = consort_query_new(c, "thing");

	note("consort_query_new");
	check_builder(consort_query_new(NULL, "thing"), "consort_query_new: c must not be NULL");
	check_builder(consort_query_new(c, NULL), "consort_query_new: resource must not be NULL");
	HARMLESS(consort_query_where, q, NULL);
	check_builder(q, "consort_query_where: condition must not be NULL");
	q = consort_query_new(c, "thing");
	HARMLESS(consort_query_after, q, bad_args);
	check_builder(q, "consort_query_after: key.values must not be NULL");
	HARMLESS(consort_query_select, NULL, "id");
	HARMLESS(consort_query_where, NULL, "id = 1");
	HARMLESS(consort_query_group, NULL, "id");
	HARMLESS(consort_query_having, NULL, "id = 1");
	HARMLESS(consort_query_order, NULL, "id");
	HARMLESS(consort_query_limit, NULL, 1);
	HARMLESS(consort_query_offset, NULL, 1);
	HARMLESS(consort_query_after, NULL, no_args);
	HARMLESS(consort_query_free, NULL);
}

static void try_queries(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "thing");
	struct consort_plan *plan = NULL;
	struct consort_cursor *rows = NULL;
	char *text = NULL;

	/* no clause: every attribute, in any order */
	consort_query_select(q, NULL);
	consort_query_group(q, NULL);
	consort_query_having(q, NULL);
	consort_query_order(q, NULL);
	API_OK(consort_query_prepare(q, &plan, &error));
	REFUSED(consort_query_run, "args.values", q, bad_args, &rows);
	REFUSED(consort_query_run, "out_rows", q, no_args, NULL);
	REFUSED(consort_query_prepare, "out_plan", q, NULL);
	REFUSED(consort_plan_run, "c", NULL, plan, no_args, &rows);
	REFUSED(consort_plan_run, "plan", c, NULL, no_args, &rows);
	REFUSED(consort_plan_run, "args.values", c, plan, bad_args, &rows);
	REFUSED(consort_plan_run, "out_rows", c, plan, no_args, NULL);
	REFUSED(consort_query_explain, "args.values", q, 0, 0, bad_args, &text);
	REFUSED(consort_query_explain, "out_text", q, 0, 0, no_args, NULL);
	REFUSED(consort_update_where, "assignments", q, NULL, no_args, NULL);
	REFUSED(consort_update_where, "args.values", q, "s = 'x'", bad_args, NULL);
	REFUSED(consort_delete_where, "args.values", q, bad_args, NULL);
	/* a query that could not be made is one there was no memory for */
	CU_ASSERT_EQUAL(consort_query_run(NULL, no_args, &rows, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_query_prepare(NULL, &plan, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_query_explain(NULL, 0, 0, no_args, &text, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_update_where(NULL, "s = 'x'", no_args, NULL, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_delete_where(NULL, no_args, NULL, NULL), CONSORT_ENOMEM);
	GIVES(consort_plan_parameters, consort_plan_parameters(NULL) == 0);
	GIVES(consort_plan_parameter_type, consort_plan_parameter_type(NULL, 0).id == CONSORT_TYPE_NULL);
	CU_ASSERT_PTR_NULL(rows);
	CU_ASSERT_PTR_NULL(text);
	consort_plan_free(plan);
	HARMLESS(consort_plan_free, NULL);
	consort_query_free(q);
}

static void try_cursors(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_batch *batch = NULL;
	struct ArrowArrayStream stream = {0};
	struct consort_query *q = consort_query_new(c, "thing");
	struct consort_cursor *rows = NULL;
	static const uint8_t zeroes[16];

	API_OK(consort_query_run(q, no_args, &rows, &error));
	REFUSED(consort_cursor_batch, "rows", NULL, &batch);
	REFUSED(consort_cursor_batch, "out_batch", rows, NULL);
	REFUSED(consort_cursor_take_stream, "rows", NULL, &stream);
	REFUSED(consort_cursor_take_stream, "out_stream", rows, NULL);
	GIVES(consort_cursor_next, consort_cursor_next(NULL, &error) == 0);
	TESTING_TEXT(consort_error_text(&error), "consort_cursor_next: rows must not be NULL");
	GIVES(consort_cursor_next, consort_cursor_next(NULL, NULL) == 0);
	GIVES(consort_cursor_status, consort_cursor_status(NULL) == CONSORT_EINVAL);
	GIVES(consort_cursor_error, consort_cursor_error(NULL) == NULL);
	GIVES(consort_cursor_columns, consort_cursor_columns(NULL) == 0);
	GIVES(consort_cursor_name, !strcmp(consort_cursor_name(NULL, 0), ""));
	GIVES(consort_cursor_type, consort_cursor_type(NULL, 0).id == CONSORT_TYPE_NULL);
	GIVES(consort_cursor_column, consort_cursor_column(NULL, "id") == -1);
	GIVES(consort_cursor_column, consort_cursor_column(rows, NULL) == -1);
	GIVES(consort_cursor_is_null, consort_cursor_is_null(NULL, 0) == 1);
	GIVES(consort_cursor_bool, consort_cursor_bool(NULL, 0) == 0);
	GIVES(consort_cursor_int64, consort_cursor_int64(NULL, 0) == 0);
	GIVES(consort_cursor_float64, !(consort_cursor_float64(NULL, 0) != 0));
	GIVES(consort_cursor_decimal, consort_cursor_decimal(NULL, 0).low == 0);
	GIVES(consort_cursor_text, !strcmp(consort_cursor_text(NULL, 0), ""));
	GIVES(consort_cursor_text_view, consort_cursor_text_view(NULL, 0).size == 0);
	GIVES(consort_cursor_bytes, consort_cursor_bytes(NULL, 0).size == 0);
	GIVES(consort_cursor_timestamp, consort_cursor_timestamp(NULL, 0) == 0);
	GIVES(consort_cursor_date, consort_cursor_date(NULL, 0) == 0);
	GIVES(consort_cursor_time, consort_cursor_time(NULL, 0) == 0);
	GIVES(consort_cursor_uuid, !memcmp(consort_cursor_uuid(NULL, 0), zeroes, 16));
	GIVES(consort_cursor_objectid, !memcmp(consort_cursor_objectid(NULL, 0), zeroes, 12));
	GIVES(consort_cursor_value, consort_cursor_value(NULL, 0).type.id == CONSORT_TYPE_NULL);
	consort_cursor_close(rows);
	HARMLESS(consort_cursor_close, NULL);
	consort_query_free(q);
}

/* A record that was given NULL is refused by what writes it. */
static void check_record(struct consort *c, struct consort_record *r, const char *expected)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_record_status(r, &error), CONSORT_EINVAL);
	TESTING_TEXT(consort_error_text(&error), expected);
	CU_ASSERT_EQUAL(consort_record_status(r, NULL), CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EINVAL);
	TESTING_TEXT(consort_error_text(&error), expected);
	CU_ASSERT_EQUAL(consort_create_many(c, &r, 1, 0, NULL, NULL), CONSORT_EINVAL);
	consort_record_free(r);
}

static void try_record_values(struct consort *c)
{
	struct consort_record *r = consort_record_new(c, "thing"), *none = NULL;

	note("consort_record_new");
	check_record(c, consort_record_new(NULL, "thing"), "consort_record_new: c must not be NULL");
	check_record(c, consort_record_new(c, NULL), "consort_record_new: resource must not be NULL");
	HARMLESS(consort_record_set, r, NULL, consort_int64(1));
	check_record(c, r, "consort_record_set: attribute must not be NULL");
	HARMLESS(consort_record_set, NULL, "id", consort_int64(1));
	HARMLESS(consort_record_clear, NULL);
	HARMLESS(consort_record_free, NULL);
	GIVES(consort_record_status, consort_record_status(NULL, NULL) == CONSORT_ENOMEM);
	GIVES(consort_record_attributes, consort_record_attributes(NULL) == 0);
	GIVES(consort_record_name, !strcmp(consort_record_name(NULL, 0), ""));
	GIVES(consort_record_value, consort_record_value(NULL, 0).type.id == CONSORT_TYPE_NULL);
	GIVES(consort_record_is_null, consort_record_is_null(NULL, "id") == 1);
	GIVES(consort_record_bool, consort_record_bool(NULL, "id") == 0);
	GIVES(consort_record_int64, consort_record_int64(NULL, "id") == 0);
	GIVES(consort_record_float64, !(consort_record_float64(NULL, "id") != 0));
	GIVES(consort_record_decimal, consort_record_decimal(NULL, "id").low == 0);
	GIVES(consort_record_text, !strcmp(consort_record_text(NULL, "id"), ""));
	GIVES(consort_record_bytes, consort_record_bytes(NULL, "id").size == 0);
	GIVES(consort_record_timestamp, consort_record_timestamp(NULL, "id") == 0);
	GIVES(consort_record_date, consort_record_date(NULL, "id") == 0);
	GIVES(consort_record_time, consort_record_time(NULL, "id") == 0);
	r = consort_record_new(c, "thing");
	GIVES(consort_record_int64, consort_record_int64(r, NULL) == 0);
	GIVES(consort_record_text, !strcmp(consort_record_text(r, NULL), ""));
	CU_ASSERT_EQUAL(consort_create(c, none, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_create_many(c, &none, 1, 0, NULL, NULL), CONSORT_ENOMEM);
	consort_record_free(r);
}

static void try_records(struct consort *c)
{
	const struct consort_args key = CONSORT_ARGS(consort_int64(1));
	struct consort_record *r = consort_record_new(c, "thing"), *found = NULL, *some[2] = {r, NULL};
	struct consort_cursor *rows = NULL;

	REFUSED(consort_get, "c", NULL, "thing", key, &found);
	REFUSED(consort_get, "resource", c, NULL, key, &found);
	REFUSED(consort_get, "key.values", c, "thing", bad_args, &found);
	REFUSED(consort_get, "out_record", c, "thing", key, NULL);
	REFUSED(consort_create, "c", NULL, r);
	REFUSED(consort_update, "c", NULL, r);
	REFUSED(consort_upsert, "c", NULL, r);
	REFUSED(consort_delete, "c", NULL, "thing", key);
	REFUSED(consort_delete, "resource", c, NULL, key);
	REFUSED(consort_delete, "key.values", c, "thing", bad_args);
	REFUSED(consort_create_many, "c", NULL, &r, 1, 0, NULL);
	REFUSED(consort_create_many, "records", c, NULL, 1, 0, NULL);
	REFUSED(consort_update_many, "c", NULL, &r, 1, 0, NULL);
	REFUSED(consort_update_many, "records", c, NULL, 1, 0, NULL);
	REFUSED(consort_upsert_many, "c", NULL, &r, 1, 0, NULL);
	REFUSED(consort_upsert_many, "records", c, NULL, 1, 0, NULL);
	REFUSED(consort_delete_many, "c", NULL, "thing", &key, 1, 0, NULL);
	REFUSED(consort_delete_many, "resource", c, NULL, &key, 1, 0, NULL);
	REFUSED(consort_delete_many, "keys", c, "thing", NULL, 1, 0, NULL);
	REFUSED(consort_get_many, "c", NULL, "thing", &key, 1, &rows);
	REFUSED(consort_get_many, "resource", c, NULL, &key, 1, &rows);
	REFUSED(consort_get_many, "keys", c, "thing", NULL, 1, &rows);
	REFUSED(consort_get_many, "out_rows", c, "thing", &key, 1, NULL);
	REFUSED(consort_load, "c", NULL, &r, 1, "up", &rows);
	REFUSED(consort_load, "records", c, NULL, 1, "up", &rows);
	REFUSED(consort_load, "relationship", c, &r, 1, NULL, &rows);
	REFUSED(consort_load, "out_rows", c, &r, 1, "up", NULL);
	/* a key or record in the middle */
	CU_ASSERT_EQUAL(consort_get_many(c, "thing", &(struct consort_args){NULL, 1}, 1, &rows, NULL),
			CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_delete_many(c, "thing", &(struct consort_args){NULL, 1}, 1, 0, NULL, NULL),
			CONSORT_EINVAL);
	CU_ASSERT_EQUAL(consort_load(c, some, 2, "up", &rows, NULL), CONSORT_ENOMEM);
	CU_ASSERT_EQUAL(consort_create_many(c, NULL, 0, 0, NULL, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_delete_many(c, "thing", NULL, 0, 0, NULL, NULL), CONSORT_OK);
	CU_ASSERT_PTR_NULL(found);
	CU_ASSERT_PTR_NULL(rows);
	consort_record_free(r);
}

static void try_transactions(struct consort *c)
{
	const struct consort_begin_options options = {.struct_size = sizeof(options)};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *in = NULL, *none = NULL;

	REFUSED(consort_begin, "c", NULL, "db", &none);
	REFUSED(consort_begin, "databases", c, NULL, &none);
	REFUSED(consort_begin, "out_in", c, "db", NULL);
	REFUSED(consort_begin_with, "c", NULL, "db", &options, &none);
	REFUSED(consort_begin_with, "databases", c, NULL, &options, &none);
	REFUSED(consort_begin_with, "options", c, "db", NULL, &none);
	REFUSED(consort_begin_with, "out_in", c, "db", &options, NULL);
	REFUSED(consort_commit, "in", NULL, NULL);
	REFUSED(consort_rollback, "in", NULL);
	REFUSED(consort_transaction_with, "c", NULL, "db", &options, do_nothing, NULL, NULL);
	REFUSED(consort_transaction_with, "databases", c, NULL, &options, do_nothing, NULL, NULL);
	REFUSED(consort_transaction_with, "options", c, "db", NULL, do_nothing, NULL, NULL);
	REFUSED(consort_transaction_with, "fn", c, "db", &options, NULL, NULL, NULL);
	REFUSED(consort_transaction, "c", NULL, "db", do_nothing, NULL, NULL);
	REFUSED(consort_transaction, "databases", c, NULL, do_nothing, NULL, NULL);
	REFUSED(consort_transaction, "fn", c, "db", NULL, NULL, NULL);
	REFUSED(consort_savepoint, "in", NULL, "a");
	REFUSED(consort_rollback_to, "in", NULL, "a");
	REFUSED(consort_release, "in", NULL, "a");
	API_OK(consort_begin(c, "db", &in, &error));
	REFUSED(consort_savepoint, "name", in, NULL);
	REFUSED(consort_rollback_to, "name", in, NULL);
	REFUSED(consort_release, "name", in, NULL);
	API_OK(consort_rollback(in, &error));
	CU_ASSERT_PTR_NULL(none);
}

static void try_writers(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;

	REFUSED(consort_writer_open, "c", NULL, "thing", NULL, CONSORT_WRITER_CREATE, 0, &w);
	REFUSED(consort_writer_open, "resource", c, NULL, NULL, CONSORT_WRITER_CREATE, 0, &w);
	REFUSED(consort_writer_open, "out_writer", c, "thing", NULL, CONSORT_WRITER_CREATE, 0, NULL);
	REFUSED(consort_writer_flush, "w", NULL);
	GIVES(consort_writer_batch, consort_writer_batch(NULL) == NULL);
	GIVES(consort_writer_written, consort_writer_written(NULL) == 0);
	HARMLESS(consort_writer_on_failure, NULL, NULL, NULL);
	API_OK(consort_writer_open(c, "thing", NULL, CONSORT_WRITER_CREATE, 0, &w, &error));
	consort_writer_on_failure(w, NULL, NULL);
	consort_writer_close(w);
	HARMLESS(consort_writer_close, NULL);
}

/* Every function that the library exports was tried. */
static void check_all_tried(void)
{
	FILE *symbols = fopen(testing_source("debian/libconsort0.symbols"), "r");
	char line[128];
	size_t i, count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(symbols);
	while (fgets(line, sizeof(line), symbols)) {
		if (strncmp(line, " consort_", 9) != 0)
			continue;
		line[strcspn(line, "@\n")] = '\0';
		for (i = 0; i < ntried && strcmp(tried[i], line + 1); i++)
			;
		if (i == ntried)
			fprintf(stderr, "  %s: no line of this test gives it NULL\n", line + 1);
		CU_ASSERT_TRUE(i < ntried);
		count++;
	}
	fclose(symbols);
	CU_ASSERT_EQUAL(count, ntried);
}

static void test_every_function(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	try_handles(c);
	try_plugins();
	try_catalog(c);
	try_builders(c);
	try_queries(c);
	try_cursors(c);
	try_record_values(c);
	try_records(c);
	try_transactions(c);
	try_writers(c);
	consort_close(c);
	check_all_tried();
	while (ntried)
		free(tried[--ntried]);
}

/* Values that point to nothing. */
static void test_values(void)
{
	const struct consort_value values[] = {
		consort_text_n(NULL, 5),
		consort_bytes(NULL, 5),
		consort_view_of(CONSORT_TYPE_JSON, NULL, 5),
		{.type = {.id = CONSORT_TYPE_LIST, .element = CONSORT_TYPE_INT64}, .as.list = {NULL, 5}},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = api_open(manifest);
	struct consort_query *q = consort_query_new(c, "thing");
	size_t i;

	API_OK(consort_define(c, "thing", 0, NULL, &error));
	consort_query_select(q, "id");
	consort_query_where(q, "s = $1");
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct consort_record *r = consort_record_new(c, "thing");
		struct consort_cursor *rows = NULL;

		consort_record_set(r, "s", values[i]);
		CU_ASSERT_EQUAL(consort_record_status(r, &error), CONSORT_EINVAL);
		TESTING_CONTAINS(consort_error_text(&error),
				 "thing.s: the value has a size, but points to NULL");
		CU_ASSERT_EQUAL(consort_query_run(q, CONSORT_ARGS(values[i]), &rows, &error), CONSORT_EINVAL);
		TESTING_CONTAINS(consort_error_text(&error), "$1: the value has a size, but points to NULL");
		consort_record_free(r);
	}
	consort_query_free(q);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"every-function", test_every_function}, {"values", test_values}, {NULL, NULL}};

	return testing_main("null", cases, argc, argv);
}
