/* SPDX-License-Identifier: Apache-2.0 */
/* Reading through the tables: batches, cursors, columns. */
#include "drive.h"

struct both {
	struct subject subject;
	struct world world;
	const struct consort_node *scan;
	char *whole; /* all records, printed and sorted */
};

static void begin(struct both *both, struct conform *conform, size_t nrows)
{
	world_open(&both->world, conform, NULL);
	world_fill(&both->world, nrows);
	subject_open(&both->subject, conform);
	world_lend(&both->world, &both->subject, true);
	both->scan = tree_scan(both->world.resource);
	both->whole = subject_rows(&both->subject, both->scan, NULL, 0);
	REQUIRE(both->whole, "reading all records failed: %s", consort_error_text(both->subject.error));
}

static void end(struct both *both)
{
	free(both->whole);
	subject_close(&both->subject);
	world_close(&both->world);
}

static void open_cursor(struct both *both, struct reading *reading, int64_t max_rows)
{
	subject_need(&both->subject, subject_read(&both->subject, both->scan, NULL, 0, NULL, reading),
		     "opening a cursor");
	if (max_rows)
		reading->batch->max_rows = max_rows;
}

static bool is_over(const struct reading *reading)
{
	return !reading->batch->nrows || (reading->batch->flags & CONSORT_BATCH_LAST);
}

static void need_next(struct both *both, struct reading *reading)
{
	subject_need(&both->subject, subject_next(&both->subject, reading), "query.next");
}

/* What a cursor gives from where it is, sorted. */
static char *rest_of(struct both *both, struct reading *reading)
{
	struct consort_buffer lines = CONSORT_BUFFER_INIT;

	subject_need(&both->subject, subject_collect(&both->subject, reading, &lines), "query.next");
	return conform_sorted(&lines);
}

/* --- batches --- */

static void test_whole(struct conform *conform)
{
	static const int64_t sizes[] = {1, 2, 3, 7, 16};
	struct reading reading;
	struct both both;
	size_t i;

	begin(&both, conform, WORLD_ROWS);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *rows;

		open_cursor(&both, &reading, sizes[i]);
		rows = rest_of(&both, &reading);
		REQUIRE(!strcmp(rows, both.whole),
			"in batches of %lld the records are others:\n%.1500sthan in large ones:\n%.1500s",
			(long long)sizes[i], rows, both.whole);
		subject_end(&both.subject, &reading);
		free(rows);
	}
	end(&both);
}

static void test_rows(struct conform *conform)
{
	static const int64_t sizes[] = {1, 2, 5, 256};
	struct reading reading;
	struct both both;
	size_t i;

	begin(&both, conform, WORLD_ROWS);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const char *fault;

		open_cursor(&both, &reading, sizes[i]);
		do {
			need_next(&both, &reading);
			fault = conform_batch_fault(reading.batch);
			REQUIRE(!fault, "a batch is not as it should be: %s", fault);
		} while (!is_over(&reading));
		subject_end(&both.subject, &reading);
	}
	end(&both);
}

/* Bytes of a row's variable-width values. */
static uint64_t row_bytes(const struct consort_batch *batch, int64_t row)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < batch->ncolumns; i++) {
		const struct consort_value value = conform_batch_value(batch, i, row);

		if (value.type.id == CONSORT_TYPE_LIST)
			bytes += value.as.list.count * 8;
		else if (value.type.id == CONSORT_TYPE_TEXT || value.type.id == CONSORT_TYPE_BYTES ||
			 value.type.id == CONSORT_TYPE_JSON)
			bytes += value.as.view.size;
	}
	return bytes;
}

static void test_bytes(struct conform *conform)
{
	static const uint64_t sizes[] = {1, 40, 1000};
	struct reading reading;
	struct both both;
	size_t i;

	begin(&both, conform, WORLD_ROWS);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		open_cursor(&both, &reading, 0);
		reading.batch->max_bytes = sizes[i];
		do {
			uint64_t before = 0;
			int64_t row;

			need_next(&both, &reading);
			for (row = 0; row + 1 < reading.batch->nrows; row++)
				before += row_bytes(reading.batch, row);
			REQUIRE(before < sizes[i], "a batch of at most %llu bytes goes on when it has %llu",
				(unsigned long long)sizes[i], (unsigned long long)before);
		} while (!is_over(&reading));
		subject_end(&both.subject, &reading);
	}
	end(&both);
}

static void test_reserve(struct conform *conform)
{
	struct reading reading;
	struct both both;
	char *rows;

	begin(&both, conform, WORLD_ROWS);
	open_cursor(&both, &reading, 0);
	conform_batch_meagre(reading.batch);
	rows = rest_of(&both, &reading);
	REQUIRE(!strcmp(rows, both.whole),
		"when buffers grow and move, the records are others:\n%.1500sthan before:\n%.1500s", rows,
		both.whole);
	subject_end(&both.subject, &reading);
	free(rows);
	end(&both);
}

/* --- columns --- */

/* What a cursor over some of the columns must give: those of each row, printed and sorted. */
static char *project(struct both *both, const uint32_t *columns, uint32_t count)
{
	struct consort_buffer lines = CONSORT_BUFFER_INIT;
	struct reading whole;
	int64_t row;
	uint32_t i;

	open_cursor(both, &whole, 0);
	do {
		need_next(both, &whole);
		for (row = 0; row < whole.batch->nrows; row++) {
			for (i = 0; i < count; i++) {
				const struct consort_value value =
					conform_batch_value(whole.batch, columns[i], row);

				consort_buffer_text(&lines, i ? "|" : "");
				conform_value_print(&value, &lines);
			}
			consort_buffer_char(&lines, '\n');
		}
	} while (!is_over(&whole));
	subject_end(&both->subject, &whole);
	return conform_sorted(&lines);
}

static void read_columns(struct both *both, const uint32_t *attributes, uint32_t count)
{
	char *expected = project(both, attributes, count), *rows;

	rows = subject_rows(&both->subject, tree_scan_of(both->world.resource, attributes, count), NULL, 0);
	REQUIRE(rows, "reading %u of the attributes failed: %s", count,
		consort_error_text(both->subject.error));
	REQUIRE(!strcmp(rows, expected), "read %s%s%s, the records are:\n%.1200sand not:\n%.1200s",
		count ? "from '" : "without attributes",
		count ? both->world.resource->attributes[attributes[0]]->name : "", count ? "' on" : "", rows,
		expected);
	free(expected);
	free(rows);
}

static void test_columns(struct conform *conform)
{
	uint32_t *attributes, i, n;
	struct both both;

	begin(&both, conform, 20);
	n = both.world.resource->nattributes;
	attributes = conform_frozen((n + 1) * sizeof(*attributes));
	read_columns(&both, attributes, 0);
	for (i = 0; i < n; i++) {
		attributes[0] = i;
		read_columns(&both, attributes, 1);
	}
	for (i = 0; i < n; i++)
		attributes[i] = n - 1 - i;
	read_columns(&both, attributes, n);
	end(&both);
}

/* --- cursors --- */

static void test_reopen(struct conform *conform)
{
	const struct consort_query_ops *query;
	struct reading reading;
	struct both both;
	void *other, *first;
	char *rows;

	begin(&both, conform, 20);
	query = both.subject.plugin->query;
	open_cursor(&both, &reading, 0);
	free(rest_of(&both, &reading));
	query->close(reading.cursor);
	reading.cursor = NULL;
	subject_need(&both.subject,
		     query->open(both.subject.connection, both.subject.call, reading.compiled,
				 STRUCT(struct consort_run), &reading.cursor, subject_error(&both.subject)),
		     "opening a compiled statement again");
	rows = rest_of(&both, &reading);
	REQUIRE(!strcmp(rows, both.whole), "a compiled statement, run again, gives other records");
	free(rows);
	query->close(reading.cursor);
	reading.cursor = NULL;
	other = subject_connect(&both.subject);
	first = both.subject.connection;
	subject_need(&both.subject,
		     query->open(other, both.subject.call, reading.compiled, STRUCT(struct consort_run),
				 &reading.cursor, subject_error(&both.subject)),
		     "opening a compiled statement on another connection");
	rows = rest_of(&both, &reading);
	REQUIRE(!strcmp(rows, both.whole), "a compiled statement gives other records on another connection");
	free(rows);
	subject_end(&both.subject, &reading);
	both.subject.connection = first;
	both.subject.plugin->connection->close(other, both.subject.call);
	end(&both);
}

static void test_close(struct conform *conform)
{
	struct reading reading;
	struct both both;
	char *rows;
	int i;

	begin(&both, conform, WORLD_ROWS);
	for (i = 0; i < 3; i++) {
		open_cursor(&both, &reading, 1);
		if (i)
			need_next(&both, &reading);
		subject_end(&both.subject, &reading);
	}
	rows = subject_rows(&both.subject, both.scan, NULL, 0);
	REQUIRE(rows, "after a cursor that was closed before its end, reading fails: %s",
		consort_error_text(both.subject.error));
	REQUIRE(!strcmp(rows, both.whole),
		"after a cursor that was closed before its end, other records are read");
	free(rows);
	end(&both);
}

/* What is written while cursors are open is not for them; in a resource of ours only, where it does no harm.
 */
static void write_beside(struct both *both)
{
	struct writing writing = {0};

	if (both->world.made && subject_has(&both->subject, CONSORT_FEATURE_CREATE))
		subject_need(&both->subject,
			     subject_write(&both->subject, both->subject.plugin->write->insert,
					   both->world.resource, &writing, world_new_row(&both->world, 700),
					   1),
			     "write.insert beside open cursors");
}

static void test_interleave(struct conform *conform)
{
	struct consort_buffer lines[2] = {CONSORT_BUFFER_INIT, CONSORT_BUFFER_INIT};
	struct reading readings[2];
	bool over[2] = {false, false};
	struct both both;
	int64_t row;
	char *rows;
	int i, turn;

	begin(&both, conform, 20);
	open_cursor(&both, &readings[0], 1);
	open_cursor(&both, &readings[1], 2);
	for (turn = 0; !over[0] || !over[1]; turn++) {
		for (i = 0; i < 2; i++) {
			if (over[i])
				continue;
			need_next(&both, &readings[i]);
			for (row = 0; row < readings[i].batch->nrows; row++)
				conform_print_row(readings[i].batch, row, &lines[i]);
			over[i] = is_over(&readings[i]);
			subject_need(&both.subject, CALL(&both.subject, connection, ping),
				     "ping beside open cursors");
		}
		if (turn == 1)
			write_beside(&both);
	}
	for (i = 0; i < 2; i++) {
		rows = conform_sorted(&lines[i]);
		REQUIRE(!strcmp(rows, both.whole), "of two cursors read in turns, one gives other records "
						   "than there were when it was opened");
		free(rows);
		subject_end(&both.subject, &readings[i]);
	}
	end(&both);
}

/* The run's values are not there any more when rows are asked for. */
static void test_parameters(struct conform *conform)
{
	struct consort_value *value = conform_frozen(sizeof(*value));
	struct both both;
	uint32_t i, tried = 0;

	begin(&both, conform, 20);
	for (i = 0; i < both.scan->nfields && both.world.nrows; i++) {
		struct consort_node *root =
			tree_filter(both.scan, tree_compare(both.scan, i, CONSORT_OP_EQ, 0));
		const struct consort_value *known = &both.world.rows[i];
		struct reading reading;
		char *expected, *rows, *bytes = NULL;

		if (known->type.id != both.scan->fields[i]->type.id || !tree_taken(&both.subject, root))
			continue;
		expected = subject_rows(&both.subject, root, known, 1);
		REQUIRE(expected, "reading with a condition failed: %s",
			consort_error_text(both.subject.error));
		*value = *known;
		if (value->type.id == CONSORT_TYPE_TEXT || value->type.id == CONSORT_TYPE_BYTES ||
		    value->type.id == CONSORT_TYPE_JSON) {
			bytes = conform_frozen((size_t)value->as.view.size + 1);
			memcpy(bytes, known->as.view.data, (size_t)known->as.view.size);
			value->as.view.data = bytes;
		}
		subject_need(&both.subject, subject_read(&both.subject, root, value, 1, NULL, &reading),
			     "opening a cursor");
		if (bytes)
			memset(bytes, 'x', (size_t)known->as.view.size);
		memset(&value->as, 0x5a, sizeof(value->as));
		rows = rest_of(&both, &reading);
		REQUIRE(!strcmp(rows, expected),
			"a cursor reads its parameters after open has returned: other records come, when"
			" they are overwritten");
		subject_end(&both.subject, &reading);
		free(rows);
		free(expected);
		tried++;
	}
	if (!tried)
		conform_skip("no condition with a parameter is taken exactly");
	end(&both);
}

static void test_explain(struct conform *conform)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const struct consort_text_sink sink = {&text, conform_append_text};
	struct reading reading;
	struct both both;

	begin(&both, conform, 5);
	open_cursor(&both, &reading, 0);
	subject_need(&both.subject,
		     both.subject.plugin->query->explain(both.subject.database, reading.compiled, &sink,
							 subject_error(&both.subject)),
		     "query.explain");
	REQUIRE(text.size && consort_utf8_valid(text.data, text.size, NULL), "query.explain writes no text");
	subject_end(&both.subject, &reading);
	end(&both);
}

/* --- memory of a long result --- */

#define LONG_ROWS 30000
#define LONG_BYTES ((int64_t)6 << 20)

/* Puts in as many records of much text as are taken. */
static int64_t fill_long(struct both *both)
{
	const struct consort_resource *resource = both->world.resource;
	const bool bulk = subject_has(&both->subject, CONSORT_FEATURE_BULK_WRITE);
	struct consort_value *rows =
		conform_frozen(((size_t)resource->nattributes * 500 + 1) * sizeof(*rows));
	static char filler[400];
	int64_t bytes = 0;
	size_t done, i;
	uint32_t a;

	memset(filler, 'x', sizeof(filler));
	for (done = 0; done < LONG_ROWS && bytes < 2 * LONG_BYTES; done += bulk ? 500 : 1) {
		struct writing writing = {0};

		for (i = 0; i < (bulk ? 500 : 1); i++) {
			struct consort_value *row = rows + i * resource->nattributes;

			world_row(&both->world, 100000 + done + i, row);
			for (a = 0; a < resource->nattributes; a++)
				if (row[a].type.id == CONSORT_TYPE_TEXT && !world_is_key(&both->world, a)) {
					row[a] = consort_text_n(filler, sizeof(filler));
					bytes += (int64_t)sizeof(filler);
				}
		}
		if (subject_write(&both->subject, both->subject.plugin->write->insert, resource, &writing,
				  rows, (int64_t)i))
			break;
	}
	return bytes;
}

static void test_streaming(struct conform *conform)
{
	struct reading reading;
	int64_t before, most, bytes;
	struct both both;

	if (!conform_memory_works())
		conform_skip("this kit is built with a sanitizer, whose allocator does not count");
	if (!consort_features_has(&conform->facts.features, CONSORT_FEATURE_DEFINE) || conform->nresources)
		conform_skip("without a resource of our own there is no long result");
	begin(&both, conform, 5);
	bytes = fill_long(&both);
	if (bytes < LONG_BYTES)
		conform_skip("it does not take enough records for a long result");
	open_cursor(&both, &reading, 100);
	before = conform_memory_peak(true);
	do
		need_next(&both, &reading);
	while (!is_over(&reading));
	most = conform_memory_peak(false) - before;
	REQUIRE(most < bytes / 2, "reading %lld bytes in batches of 100 records takes %lld bytes of memory",
		(long long)bytes, (long long)most);
	subject_end(&both.subject, &reading);
	end(&both);
}

const struct conform_test conform_read_tests[] = {
	TEST("read-whole", test_whole, READ, 0, 0, "All records come, each once, however large batches are."),
	TEST("read-columns", test_columns, READ, 0, 0,
	     "Attributes come in the order asked for, and only those."),
	TEST("batch-rows", test_rows, READ, 0, 0, "A batch has at most max_rows, and is well formed."),
	TEST("batch-bytes", test_bytes, READ, 0, 0, "A batch ends with the row that passes max_bytes."),
	TEST("batch-reserve", test_reserve, READ, 0, 0,
	     "Room in a batch is asked for, and nothing of its old place is used afterwards."),
	TEST("statement-reopen", test_reopen, READ, 0, 0,
	     "What is compiled runs any number of times, on any connection of its database."),
	TEST("cursor-close", test_close, READ, 0, 0, "A cursor may be closed before its end."),
	TEST("cursors-interleave", test_interleave, CONCURRENT_CURSORS, 0, 0,
	     "Several cursors of a connection are read in turns, between other calls."),
	TEST("parameters-kept", test_parameters, FILTER, 0, 0,
	     "A run's parameters are not looked at after open."),
	TEST("explain-text", test_explain, EXPLAIN, 0, 0, "explain writes what the engine is sent."),
	TEST("streaming-memory", test_streaming, STREAMING, 0, 0,
	     "A long result is read with memory of a batch."),
	CONFORM_END,
};
