/* SPDX-License-Identifier: Apache-2.0 */
/* Constraints that are looked at by the commit, with each engine: a writer that goes on tells the rows that
 * break one, and writes the others. */
#include "engines.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

#define ROWS 300
#define NODE \
	"CREATE TABLE %s(id bigint PRIMARY KEY, parent bigint REFERENCES %s DEFERRABLE INITIALLY DEFERRED)"

static const char *table(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "node_%ld", (long)getpid());
	return name;
}

static void native(struct consort *c, const char *format)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	char sql[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), format, table(), table());
#pragma GCC diagnostic pop
	API_OK(consort_native(c, "db", sql, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
}

static struct consort *open_nodes(void)
{
	char section[128];
	struct consort *c;

	snprintf(section, sizeof(section), "[resource node]\ndatabase = db\nsource = %s\nkey = id\n",
		 table());
	c = engines_open_with(ENGINES_DEFERS, "", section);
	native(c, NODE);
	return c;
}

static void close_nodes(struct consort *c)
{
	native(c, "DROP TABLE %s");
	engines_close(c);
}

static void take_failure(void *context, int64_t row, const struct consort_error *error)
{
	int *failures = context;

	CU_ASSERT_EQUAL(error->status, CONSORT_ECONSTRAINT);
	failures[row]++;
}

/* Rows 1 to ROWS below the last one, so that none is good without it; `bad` is below none, `twice` a
 * duplicate. */
static const char *write_chain(struct consort *c, int64_t bad, int64_t twice, int64_t *out_written)
{
	struct consort_buffer failed = CONSORT_BUFFER_INIT;
	int failures[ROWS] = {0};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	int64_t id;

	consort_buffer_text(&failed, "");
	API_OK(consort_writer_open(c, "node", "id, parent", CONSORT_WRITER_CREATE, CONSORT_WRITER_CONTINUE,
				   &w, &error));
	consort_writer_on_failure(w, take_failure, failures);
	batch = consort_writer_batch(w);
	for (id = 1; id <= ROWS; id++) {
		consort_append_int64(&batch->columns[0], id == twice ? 1 : id);
		if (id == ROWS)
			consort_append_null(&batch->columns[1]);
		else
			consort_append_int64(&batch->columns[1], id == bad ? 99999 : id == twice ? 1 : ROWS);
		consort_batch_end_row(batch);
	}
	API_OK(consort_writer_flush(w, &error));
	*out_written = consort_writer_written(w);
	consort_writer_close(w);
	for (id = 0; id < ROWS; id++)
		for (; failures[id]; failures[id]--)
			consort_buffer_printf(&failed, "%lld ", (long long)id);
	return testing_keep(consort_buffer_steal(&failed));
}

static void test_kept(void)
{
	struct consort *c = open_nodes();
	int64_t written = 0;

	TESTING_TEXT(write_chain(c, 0, 0, &written), "");
	CU_ASSERT_EQUAL(written, ROWS);
	close_nodes(c);
}

/* The row is found, though it is the commit that fails; a row that fails by itself is told once. */
static void test_broken(void)
{
	struct consort *c = open_nodes();
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t written = 0;
	struct consort_record *r = consort_record_new(c, "node");

	/* so that rows stand by themselves, in whatever pieces they are written */
	consort_record_set(r, "id", consort_int64(ROWS));
	API_OK(consort_create(c, r, &error));
	consort_record_free(r);
	TESTING_TEXT(write_chain(c, 41, 200, &written), "40 199 299 ");
	CU_ASSERT_EQUAL(written, ROWS - 3);
	TESTING_TEXT(api_find(c, "node", "count(*), min(id), max(id)", "id <> 41 and id <> 200", NULL),
		     "298,1,300");
	close_nodes(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"kept", test_kept}, {"broken", test_broken}, {NULL, NULL}};

	return engines_main("deferred", cases, argc, argv);
}
