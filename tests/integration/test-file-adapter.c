/* SPDX-License-Identifier: Apache-2.0 */
/* The file adapter as an adapter: its tables, sources and globs, cursors, and files that change. */
#include "file-adapter.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/exec.h"
#include "loader/loader.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void folder(const char *name)
{
	CU_ASSERT_EQUAL_FATAL(mkdir(testing_path(name), 0700), 0);
}

static void test_descriptor(void)
{
	static const uint32_t expected[] = {
		CONSORT_FEATURE_READ,	CONSORT_FEATURE_STREAMING, CONSORT_FEATURE_INTROSPECT,
		CONSORT_FEATURE_CANCEL, CONSORT_FEATURE_EXPLAIN,   CONSORT_FEATURE_CONCURRENT_CURSORS,
	};
	struct consort_connection_info info = {.struct_size = sizeof(info)};
	struct consort_features features = {{0, 0}};
	struct consort_note_info note;
	char library[4096];
	struct adapter_test test;
	size_t i;

	file_test_open(&test, NULL);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		consort_features_add(&features, expected[i]);
	CU_ASSERT_EQUAL(test.plugin->features.word[0], features.word[0]);
	CU_ASSERT_EQUAL(test.plugin->features.word[1], 0);
	snprintf(library, sizeof(library), "%s/consort-file.so", testing_plugins());
	CU_ASSERT_EQUAL_FATAL(consort_note_read(library, &note, &test.error), CONSORT_OK);
	TESTING_TEXT(note.id, "file");
	CU_ASSERT_EQUAL(
		consort_loader_negotiate(test.plugin, library, &note, consort_host_services(), &test.error),
		CONSORT_OK);
	CU_ASSERT_PTR_NULL(test.plugin->write);
	test.plugin->connection->info(test.connection, &info);
	CU_ASSERT_PTR_NOT_NULL(strstr(testing_folder(), strrchr(info.identity, '/')));
	CU_ASSERT_EQUAL(test.plugin->connection->ping(test.connection, &test.call, &test.error), CONSORT_OK);
	adapter_close(&test);

	file_test_open(&test, "/nonexistent/folder");
	CU_ASSERT_PTR_NULL(test.connection);
	CU_ASSERT_EQUAL(test.error.status, CONSORT_ECONNECTION);
	TESTING_TEXT(test.error.message,
		     "cannot open the folder '/nonexistent/folder': No such file or directory");
	adapter_close(&test);
	file_test_open(&test, testing_write("plain", ""));
	CU_ASSERT_EQUAL(test.error.status, CONSORT_ECONNECTION);
	TESTING_CONTAINS(test.error.message, "is not a folder; path names the folder that the files are in");
	adapter_close(&test);
}

/* A bare scan is taken exactly; all above it is refused with a reason. */
static void test_offer(void)
{
	struct adapter_cursor cursor;
	const struct consort_node *scan;
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("a.csv", "x,y\n1,2\n");
	scan = adapter_scan(&test, adapter_resource(&test, "a.csv", NULL));
	CU_ASSERT_EQUAL(adapter_explain_tree(&test, scan, CONSORT_NO_ARGS), CONSORT_OK);
	TESTING_TEXT(test.text.data, "read a.csv: columns x, y");
	CU_ASSERT_EQUAL(
		adapter_offer(&test, (struct adapter_query){.resource = "a.csv", .where = "x > 1 and y < 2"}),
		CONSORT_OK);
	TESTING_TEXT(test.text.data, "1: files are only read; the core does the rest\n"
				     "2: files are only read; the core does the rest\n"
				     "3: files are only read; the core does the rest\n"
				     "4: files are only read; the core does the rest\n");
	CU_ASSERT_EQUAL(
		adapter_begin(&test, (struct adapter_query){.resource = "a.csv", .where = "x > 1"}, &cursor),
		CONSORT_EUNSUPPORTED);
	CU_ASSERT_PTR_NULL(cursor.compiled);
	adapter_end(&test, &cursor);
	adapter_close(&test);
}

static void test_sources(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("b.csv", "x\n1\n");
	testing_write("we[i]rd.CSV", "x\n2\n");
	testing_write("data.txt", "x\n3\n");
	testing_write("none", "x\n4\n");
	folder("sub");
	folder("is.csv");
	testing_write("sub/b.csv", "x\n5\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "we[i]rd.CSV", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "2\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "sub/b.csv", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "5\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "data.txt", LIST("format=csv"), NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(file_test_read(&test, "data.txt", LIST("format=auto"), NULL), CONSORT_EVALUE);
	TESTING_TEXT(test.error.message,
		     "the name of 'data.txt' does not tell its format; say format = csv or "
		     "format = jsonl");
	CU_ASSERT_EQUAL(file_test_read(&test, "none", NULL, NULL), CONSORT_EVALUE);
	CU_ASSERT_EQUAL(file_test_read(&test, "is.csv", NULL, NULL), CONSORT_ECONNECTION);
	TESTING_TEXT(test.error.message, "'is.csv' is not a regular file");
	CU_ASSERT_EQUAL(file_test_read(&test, "v.csv", NULL, NULL), CONSORT_ENOTFOUND);
	TESTING_CONTAINS(test.error.message, "no file 'v.csv' in '");
	TESTING_CONTAINS(test.error.message, "'; did you mean 'b.csv'?");
	CU_ASSERT_EQUAL(file_test_read(&test, "gone/*.csv", NULL, NULL), CONSORT_ENOTFOUND);
	TESTING_CONTAINS(test.error.message, "' matches 'gone/*.csv'");
	CU_ASSERT_EQUAL(file_test_read(&test, "/etc/passwd", NULL, NULL), CONSORT_EVALUE);
	CU_ASSERT_EQUAL(file_test_read(&test, "..", NULL, NULL), CONSORT_EVALUE);
	CU_ASSERT_EQUAL(file_test_read(&test, "sub/../../x.csv", NULL, NULL), CONSORT_EVALUE);
	TESTING_CONTAINS(test.error.message, "source 'sub/../../x.csv' leaves the folder '");
	CU_ASSERT_EQUAL(file_test_read(&test, "sub/*/../*.csv", NULL, NULL), CONSORT_EVALUE);
	CU_ASSERT_EQUAL(file_test_read(&test, "", NULL, NULL), CONSORT_ECONNECTION);
	CU_ASSERT_EQUAL_FATAL(mkfifo(testing_path("pipe.csv"), 0600), 0);
	CU_ASSERT_EQUAL(file_test_read(&test, "pipe.csv", NULL, NULL), CONSORT_ECONNECTION);
	if (geteuid()) {
		chmod(testing_path("b.csv"), 0);
		CU_ASSERT_EQUAL(file_test_read(&test, "b.csv", NULL, NULL), CONSORT_ECONNECTION);
		TESTING_TEXT(test.error.message, "cannot open 'b.csv': Permission denied");
	}
	adapter_close(&test);
}

static void test_globs(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("day-10.csv", "y,x\n30,3\n");
	testing_write("day-02.csv", "x,y\n1,10\n2,\"20\"");
	testing_write("day-03.csv", "x,y\n");
	folder("2024");
	testing_write("2024/a.jsonl", "{\"v\":1}\n");
	testing_write("2024/b.jsonl", "{\"w\":\"x\",\"v\":2.5}\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-*.csv", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1|10\n2|20\n3|30\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "20?4/*.jsonl", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1.0|NULL\n2.5|x\n");
	CU_ASSERT_EQUAL(file_test_describe(&test, "20?4/*.jsonl", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "20?4/*.jsonl: v float64, w text\n");
	testing_write("day-11.csv", "x,z,y\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-*.csv", NULL, NULL), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message,
		     "day-11.csv:1: column 'z' is not in 'day-02.csv'; the files of one source must "
		     "have the same columns");
	testing_write("day-11.csv", "y\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-*.csv", NULL, LIST("x = int64")), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message,
		     "day-11.csv:1: column 'x' of 'day-02.csv' is missing; the files of one source "
		     "must have the same columns");
	testing_write("day-11.csv", "1,2\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-1*.csv", LIST("header=no"), NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "y|x\n30|3\n1|2\n");
	testing_write("day-11.csv", "1\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-1*.csv", LIST("header=no"), NULL), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message, "day-11.csv:1: column 'c2' of 'day-10.csv' is missing; the files of "
					 "one source must have the same columns");
	testing_write("day-99.jsonl", "{}\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "day-[09]*", NULL, NULL), CONSORT_EVALUE);
	TESTING_TEXT(test.error.message,
		     "'day-99.jsonl' is jsonl, but 'day-02.csv' is csv; the files of one source have one "
		     "format");
	adapter_close(&test);
}

/* The folder's own name is no pattern. */
static void test_folder(void)
{
	struct adapter_test test;

	folder("o*[d]d \\ dir?");
	testing_write("o*[d]d \\ dir?/a1.csv", "x\n1\n");
	testing_write("o*[d]d \\ dir?/a2.csv", "x\n2\n");
	file_test_open(&test, testing_path("o*[d]d \\ dir?"));
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a1=a1.csv: x int64\na2=a2.csv: x int64\n");
	CU_ASSERT_EQUAL(file_test_read(&test, "a*.csv", NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "1\n2\n");
	adapter_close(&test);
}

static void test_listing(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	testing_write("b.csv", "x\n1\n");
	testing_write("a.jsonl", "{\"v\":1}\n");
	testing_write("b.ndjson", "{\"v\":1}\n");
	testing_write("c.d.csv", "x\ny\n");
	testing_write(".hidden.csv", "x\n");
	testing_write("readme.txt", "x\n");
	folder("z.csv");
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "a=a.jsonl: v int64\nb.csv: x int64\nb.ndjson: v int64\nc.d=c.d.csv: x text\n");
	/* a broken file does not hide the others, and tells what it is when it is read */
	testing_write("broken.csv", "x,y\n1,2\n3\n");
	testing_write("empty.csv", "");
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data,
		     "a=a.jsonl: v int64\nb.csv: x int64\nb.ndjson: v int64\n"
		     "broken=broken.csv: x int64, y int64\nc.d=c.d.csv: x text\nempty=empty.csv:\n");
	TESTING_TEXT(test.log, "2 local: 'empty.csv' is empty: nothing tells its columns");
	CU_ASSERT_EQUAL(file_test_read(&test, "broken.csv", NULL, LIST("x = int64")), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message, "broken.csv:3: expected 2 columns, found 1");
	adapter_close(&test);
}

/* Writes a file that was changed at that second. */
static void write_at(const char *name, const char *text, time_t second)
{
	struct timespec times[2] = {{second, 0}, {second, 0}};

	CU_ASSERT_EQUAL_FATAL(utimensat(AT_FDCWD, testing_write(name, text), times, 0), 0);
}

/* What a file told is known until its size or time changes, for each way of reading it. */
static void test_samples(void)
{
	struct adapter_test test;

	file_test_open(&test, NULL);
	write_at("a.csv", "x;y\n1;2\n", 1000);
	write_at("b.csv", "x\n1\n", 1000);
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a=a.csv: x;y text\nb=b.csv: x int64\n");
	/* another content of the same size and time: it is not read again */
	write_at("a.csv", "z;y\n1;2\n", 1000);
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a=a.csv: x;y text\nb=b.csv: x int64\n");
	CU_ASSERT_EQUAL(file_test_describe(&test, "a.csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a.csv: x;y text\n");
	CU_ASSERT_EQUAL(file_test_describe(&test, "a.csv", LIST("delimiter=;")), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a.csv: z int64, y int64\n");
	write_at("a.csv", "z;y\n1;2\n", 1001);
	CU_ASSERT_EQUAL(file_test_describe(&test, "a.csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "a.csv: z;y text\n");
	write_at("a.csv", "z;y\n1;2\nx", 1001);
	CU_ASSERT_EQUAL(file_test_describe(&test, "a.csv", LIST("delimiter=;")), CONSORT_EPROTOCOL);
	CU_ASSERT_EQUAL(file_test_describe(&test, "a.csv", LIST("delimiter=;")), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(test.error.message, "a.csv:3: expected 2 columns");
	/* of several files each counts, and so does a new one */
	CU_ASSERT_EQUAL(file_test_describe(&test, "[bc].csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "[bc].csv: x int64\n");
	write_at("c.csv", "x\n1.5\n", 1000);
	CU_ASSERT_EQUAL(file_test_describe(&test, "[bc].csv", NULL), CONSORT_OK);
	TESTING_TEXT(test.text.data, "[bc].csv: x float64\n");
	adapter_close(&test);
}

static uint32_t count_columns(void *context, const struct consort_resource *resource)
{
	*(uint32_t *)context += resource->nattributes;
	return CONSORT_OK;
}

/* A thread lists the folder again and again while a file changes. */
static void *list(void *context)
{
	struct adapter_test *test = context;
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t columns = 0;
	struct consort_resource_sink sink = {&columns, count_columns};
	void *connection = NULL;
	int i;

	if (test->plugin->connection->open(test->database, &test->call, &connection, &error))
		return "open";
	for (i = 0; i < 200; i++)
		if (test->plugin->schema->introspect(connection, &test->call, NULL, NULL, 0, &sink, &error))
			return "introspect";
	test->plugin->connection->close(connection, &test->call);
	return columns == 200 * 3 ? NULL : "columns";
}

static void test_threads(void)
{
	struct adapter_test test;
	pthread_t threads[4];
	void *failed;
	int i;

	file_test_open(&test, NULL);
	write_at("a.csv", "x,y\n1,2\n", 1000);
	write_at("b.jsonl", "{\"v\":1}\n", 1000);
	for (i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, list, &test), 0);
	for (i = 0; i < 100; i++) {
		struct timespec times[2] = {{i, 0}, {i, 0}};

		CU_ASSERT_EQUAL(utimensat(AT_FDCWD, testing_path("a.csv"), times, 0), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	adapter_close(&test);
}

/* Writes `name` with a column n that counts up; returns its size. */
static size_t write_numbers(const char *name, int rows)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	size_t size;
	int i;

	consort_buffer_text(&text, "n,rest\n");
	for (i = 0; i < rows; i++)
		consort_buffer_printf(&text, "%d,some text that makes the record longer\n", i);
	CU_ASSERT_FALSE_FATAL(text.failed);
	testing_write_n(name, text.data, text.size);
	size = text.size;
	consort_buffer_clear(&text);
	return size;
}

static void test_calls(void)
{
	struct adapter_cursor scan;
	struct adapter_test test;
	uint32_t cancelled = 1;

	file_test_open(&test, NULL);
	write_numbers("n.csv", 100000);
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &scan), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_OK);
	test.call.cancelled = &cancelled;
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_ECANCELLED);
	test.call.cancelled = NULL;
	test.call.deadline = 1;
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_ETIMEOUT);
	CU_ASSERT_EQUAL(file_test_describe(&test, NULL, NULL), CONSORT_ETIMEOUT);
	test.call.deadline = 0;
	test.call.flags = CONSORT_CALL_NONBLOCK;
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_EUNSUPPORTED);
	test.call.flags = 0;
	/* nothing waits that a cancel would have to wake */
	test.plugin->connection->cancel(test.connection);
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_OK);
	adapter_end(&test, &scan);
	CU_ASSERT_EQUAL(test.plugin->connection->reset(test.connection, &test.call, &test.error), CONSORT_OK);
	adapter_close(&test);
}

static void test_cursors(void)
{
	struct adapter_cursor a, b;
	struct adapter_test test;
	int64_t expected = 0, i;

	file_test_open(&test, NULL);
	write_numbers("n.csv", 1000);
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &a), CONSORT_OK);
	test.max_rows = 70;
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &b), CONSORT_OK);
	for (expected = 0; expected < 1000; expected += 100) {
		CU_ASSERT_EQUAL_FATAL(adapter_next(&test, &a), CONSORT_OK);
		CU_ASSERT_EQUAL_FATAL(a.batch->nrows, 100);
		for (i = 0; i < 100; i++)
			CU_ASSERT_EQUAL(consort_column_int64(&a.batch->columns[0], i), expected + i);
		CU_ASSERT_EQUAL_FATAL(adapter_next(&test, &b), CONSORT_OK);
		CU_ASSERT_EQUAL(consort_column_int64(&b.batch->columns[0], 0), expected / 100 * 70);
	}
	CU_ASSERT_EQUAL(adapter_next(&test, &a), CONSORT_OK);
	CU_ASSERT_TRUE(a.batch->nrows == 0 && a.batch->flags == CONSORT_BATCH_LAST);
	CU_ASSERT_EQUAL(adapter_next(&test, &a), CONSORT_OK);
	CU_ASSERT_EQUAL(a.batch->nrows, 0);
	adapter_end(&test, &a);
	adapter_end(&test, &b);
	adapter_close(&test);
}

/* What changes behind the reader's back is no whole result; what is only added is not part of it. */
static void test_changes(void)
{
	struct adapter_cursor scan;
	struct adapter_test test;
	size_t size;
	int64_t rows;
	FILE *file;

	file_test_open(&test, NULL);
	size = write_numbers("n.csv", 10000);
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &scan), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(truncate(testing_path("n.csv"), (off_t)size / 2), 0);
	CU_ASSERT_EQUAL(adapter_drain(&test, &scan, &rows), CONSORT_EPROTOCOL);
	TESTING_CONTAINS(test.error.message, "'n.csv' was cut to ");
	adapter_end(&test, &scan);

	write_numbers("n.csv", 10000);
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &scan), CONSORT_OK);
	usleep(20000); /* longer than a tick of the file system's clock */
	write_numbers("n.csv", 10000);
	CU_ASSERT_EQUAL(adapter_drain(&test, &scan, &rows), CONSORT_EPROTOCOL);
	TESTING_TEXT(test.error.message, "'n.csv' was changed while it was read");
	adapter_end(&test, &scan);

	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, NULL, &scan), CONSORT_OK);
	file = fopen(testing_path("n.csv"), "ab");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "not a number,and,too,wide\n");
	fclose(file);
	CU_ASSERT_EQUAL(adapter_drain(&test, &scan, &rows), CONSORT_OK);
	CU_ASSERT_EQUAL(rows, 10000);
	adapter_end(&test, &scan);
	adapter_close(&test);
}

/* However long the file is, reading it takes no more memory. */
static void test_memory(void)
{
	struct adapter_cursor scan;
	struct adapter_test test;
	struct rusage before, after;
	int64_t rows;

	file_test_open(&test, NULL);
	write_numbers("n.csv", 1000000);
	CU_ASSERT_EQUAL_FATAL(file_test_begin(&test, "n.csv", NULL, LIST("n = int64", "rest = text"), &scan),
			      CONSORT_OK);
	CU_ASSERT_EQUAL(adapter_next(&test, &scan), CONSORT_OK);
	getrusage(RUSAGE_SELF, &before);
	CU_ASSERT_EQUAL(adapter_drain(&test, &scan, &rows), CONSORT_OK);
	getrusage(RUSAGE_SELF, &after);
	CU_ASSERT_EQUAL(rows, 999900);
	CU_ASSERT_TRUE(after.ru_maxrss - before.ru_maxrss < 1024);
	adapter_end(&test, &scan);
	adapter_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"descriptor", test_descriptor},
		{"offer", test_offer},
		{"sources", test_sources},
		{"globs", test_globs},
		{"folder", test_folder},
		{"listing", test_listing},
		{"samples", test_samples},
		{"threads", test_threads},
		{"calls", test_calls},
		{"cursors", test_cursors},
		{"changes", test_changes},
		{"memory", test_memory},
		{NULL, NULL},
	};

	return testing_main("file-adapter", cases, argc, argv);
}
