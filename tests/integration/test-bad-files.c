/* SPDX-License-Identifier: Apache-2.0 */
/* Files and databases that are broken, busy, full or read-only: what came before is given, and nothing is
 * taken for the whole that is not. */
#include "api.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOURCE \
	"[resource t]\ndatabase = db\nsource = t\nkey = id\nattribute.id = int64\nattribute.s = text\n"

/* --- cursors that end with an error --- */

/* Reads to the end: the rows given, and the error in the cursor. */
static int64_t read_all(struct consort *c, const char *resource, const char *order, uint32_t *out_status,
			const char **out_text)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, resource);
	struct consort_cursor *rows = NULL;
	int64_t count = 0;

	if (order)
		consort_query_order(q, order);
	*out_status = consort_query_run(q, CONSORT_NO_ARGS, &rows, &error);
	*out_text = testing_keep(strdup(error.message));
	while (rows && consort_cursor_next(rows, &error))
		count++;
	if (rows && consort_cursor_status(rows)) {
		*out_status = consort_cursor_status(rows);
		*out_text = testing_keep(strdup(consort_cursor_error(rows)->message));
		/* it stays so */
		CU_ASSERT_EQUAL(error.status, *out_status);
		CU_ASSERT_FALSE(consort_cursor_next(rows, &error));
		CU_ASSERT_EQUAL(error.status, *out_status);
	}
	consort_cursor_close(rows);
	consort_query_free(q);
	return count;
}

/* `count` lines, the one of number `bad` another. */
static void write_lines(const char *name, const char *head, const char *line, const char *bad_line, int count,
			int bad)
{
	size_t room = (size_t)count * (strlen(line) + 12) + 256, at;
	char *text = malloc(room);
	int i;

	at = (size_t)snprintf(text, room, "%s", head);
	for (i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		at += (size_t)snprintf(text + at, room - at, i == bad ? bad_line : line, i);
#pragma GCC diagnostic pop
	}
	testing_write(name, text);
	free(text);
}

static void test_files(void)
{
	static const struct {
		const char *name, *head, *line, *bad;
		uint32_t status;
		const char *message;
	} cases[] = {
		{"width.csv", "id,v\n", "%d,x\n", "%d\n", CONSORT_EPROTOCOL,
		 "width.csv:2502: expected 2 columns, found 1"},
		{"wide.csv", "id,v\n", "%d,x\n", "%d,x,y\n", CONSORT_EPROTOCOL,
		 "wide.csv:2502: expected 2 columns, found 3"},
		{"utf.csv", "id,v\n", "%d,x\n", "%d,\xff\n", CONSORT_EPROTOCOL,
		 "utf.csv:2502: byte 0xff at character 6"},
		{"quote.csv", "id,v\n", "%d,x\n", "%d,\"x\n", CONSORT_EPROTOCOL,
		 "quote.csv:2502: a quote in this record is not closed"},
		{"type.csv", "id,v\n", "%d,x\n", "x%d,x\n", CONSORT_ETYPE,
		 "type.csv:2502: column 'id': 'x2500' is not an integer"},
		{"range.csv", "id,v\n", "%d,x\n", "%d99999999999999999999,x\n", CONSORT_ERANGE,
		 "range.csv:2502: column 'id'"},
		{"broken.jsonl", "", "{\"id\":%d}\n", "{\"id\":%d\n", CONSORT_EPROTOCOL,
		 "broken.jsonl:2501: invalid JSON"},
		{"array.jsonl", "", "{\"id\":%d}\n", "[%d]\n", CONSORT_EPROTOCOL,
		 "array.jsonl:2501: a JSON value that is no object"},
	};
	struct consort *c;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char manifest[512];
		const char *text;
		uint32_t status;

		write_lines(cases[i].name, cases[i].head, cases[i].line, cases[i].bad, 4000, 2500);
		snprintf(manifest, sizeof(manifest),
			 "[database drop]\ntype = file\npath = .\n[resource r]\ndatabase = drop\nsource = "
			 "%s\nsample = 100\n"
			 "attribute.id = int64\n",
			 cases[i].name);
		c = api_open(manifest);
		CU_ASSERT_EQUAL(read_all(c, "r", NULL, &status, &text), 2500);
		CU_ASSERT_EQUAL(status, cases[i].status);
		TESTING_CONTAINS(text, cases[i].message);
		/* what needs all of them has none */
		CU_ASSERT_EQUAL(read_all(c, "r", "id desc", &status, &text), 0);
		CU_ASSERT_EQUAL(status, cases[i].status);
		TESTING_CONTAINS(api_find(c, "r", "count(*)", NULL, NULL), cases[i].message);
		consort_close(c);
	}
}

/* A column that is declared and not there: a mistake in CSV; in JSON Lines a later record may have it. */
static void test_missing_columns(void)
{
	static const char manifest[] = "[database drop]\ntype = file\npath = .\n[resource r]\ndatabase = "
				       "drop\nsource = %s\nsample = 1\n"
				       "attribute.late = int64 from latr\n";
	char text[512];
	struct consort *c;

	testing_write("r.csv", "id,late\n1,2\n");
	testing_write("r.jsonl", "{\"id\":1}\n{\"id\":2,\"latr\":3}\n");
	snprintf(text, sizeof(text), manifest, "r.csv");
	c = api_open(text);
	TESTING_CONTAINS(api_find(c, "r", "id", NULL, NULL),
			 "consort.ini:8: r.late: 'r.csv' has no column 'latr'; did you "
			 "mean 'late'?");
	consort_close(c);
	snprintf(text, sizeof(text), manifest, "r.jsonl");
	c = api_open(text);
	TESTING_TEXT(api_find(c, "r", "id, late", NULL, "id"), "1,-;2,3");
	consort_close(c);
}

/* A limit that is reached before the mistake never sees it. */
static void test_limit(void)
{
	struct consort *c;
	struct consort_query *q;

	write_lines("r.csv", "id,v\n", "%d,x\n", "%d\n", 10, 5);
	c = api_open("[database drop]\ntype = file\npath = .\n[resource r]\ndatabase = drop\nsource = "
		     "r.csv\nsample = 2\n");
	q = consort_query_new(c, "r");
	consort_query_select(q, "id");
	consort_query_limit(q, 5);
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "0;1;2;3;4");
	consort_query_limit(q, 6);
	TESTING_CONTAINS(api_rows(q, CONSORT_NO_ARGS), "status 19: r.csv:7: expected 2 columns, found 1");
	consort_query_free(q);
	consort_close(c);
}

static void test_file_refuses_writes(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c, *in = NULL;
	struct consort_record *r;
	struct consort_query *q;

	testing_write("r.csv", "id,v\n1,x\n");
	c = api_open("[database drop]\ntype = file\npath = .\nresources = *\n");
	r = consort_record_new(c, "drop.r");
	consort_record_set(r, "id", consort_int64(1));
	CU_ASSERT_EQUAL(consort_create(c, r, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "database 'drop' does not support create");
	consort_record_free(r);
	q = consort_query_new(c, "drop.r");
	CU_ASSERT_EQUAL(consort_update_where(q, "v = 'y'", CONSORT_NO_ARGS, NULL, &error), CONSORT_EREADONLY);
	CU_ASSERT_EQUAL(consort_delete_where(q, CONSORT_NO_ARGS, NULL, &error), CONSORT_EREADONLY);
	CU_ASSERT_EQUAL(consort_begin(c, "drop", &in, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "transactions");
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "1,x");
	consort_query_free(q);
	TESTING_CONTAINS(api_find(c, "drop.s", NULL, NULL, NULL), "status 3: unknown resource 'drop.s'");
	consort_close(c);
}

/* --- databases --- */

static void run(sqlite3 *db, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &message)) {
		fprintf(stderr, "%s: %s\n", sql, message);
		abort();
	}
}

static sqlite3 *open_raw(const char *name)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(testing_path(name), &db))
		abort();
	return db;
}

static void make_table(const char *name)
{
	sqlite3 *db = open_raw(name);

	run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT NOT NULL UNIQUE CHECK (length(s) < 10));"
		"INSERT INTO t VALUES(1, 'x'), (2, 'y')");
	sqlite3_close(db);
}

/* Creates record `id`; its status, the message in *error. */
static uint32_t create(struct consort *c, int64_t id, const char *s, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "t");
	uint32_t status;

	*error = (struct consort_error)CONSORT_ERROR_INIT;
	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "s", consort_text(s));
	status = consort_create(c, r, error);
	consort_record_free(r);
	return status;
}

static void test_no_database(void)
{
	static const char text[] =
		"this is no database, though it is longer than the hundred bytes that a header of one "
		"has, and has its name\n";
	const struct {
		const char *path, *message;
	} cases[] = {
		{"text.db", "text.db' is not a SQLite database"},
		{"short.db", "short.db' is not a SQLite database"},
		{"folder", "folder' cannot be opened: Is a directory"},
		{"none/a.db", "none/a.db' cannot be created: the folder"},
		{"cut.db", "malformed"},
	};
	char manifest[512], bytes[5000];
	FILE *file;
	size_t i;

	testing_write("text.db", text);
	testing_write("short.db", "SQLite format 3");
	CU_ASSERT_EQUAL_FATAL(mkdir(testing_path("folder"), 0755), 0);
	make_table("whole.db");
	file = fopen(testing_path("whole.db"), "rb");
	CU_ASSERT_EQUAL_FATAL(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	testing_write_n("cut.db", bytes, sizeof(bytes));
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct consort_error error;
		struct consort *c;

		snprintf(manifest, sizeof(manifest), "[database db]\ntype = sqlite\npath = %s\n" RESOURCE,
			 cases[i].path);
		c = api_open(manifest);
		TESTING_CONTAINS(api_find(c, "t", NULL, NULL, NULL), "status 12: ");
		TESTING_CONTAINS(api_find(c, "t", NULL, NULL, NULL), cases[i].message);
		CU_ASSERT_EQUAL(create(c, 3, "z", &error), CONSORT_ECONNECTION);
		TESTING_TEXT(error.origin, "db");
		consort_close(c);
	}
}

static void test_constraints(void)
{
	struct consort_error error;
	struct consort *c;

	make_table("a.db");
	c = api_open("[database db]\ntype = sqlite\npath = a.db\n" RESOURCE);
	CU_ASSERT_EQUAL(create(c, 3, "x", &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.attribute, "s");
	TESTING_TEXT(error.resource, "t");
	TESTING_TEXT(error.sqlstate, "23505");
	CU_ASSERT_EQUAL(create(c, 1, "z", &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.attribute, "id");
	CU_ASSERT_EQUAL(create(c, 3, NULL, &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.sqlstate, "23502");
	CU_ASSERT_EQUAL(create(c, 3, "0123456789", &error), CONSORT_ECONSTRAINT);
	TESTING_TEXT(error.sqlstate, "23514");
	TESTING_TEXT(api_find(c, "t", NULL, NULL, "id"), "1,x;2,y");
	consort_close(c);
}

/* Another writer holds the lock: busy, which may be tried again; readers go on. */
static void test_locked(void)
{
	struct consort_error error;
	struct consort *c, *in = NULL;
	struct consort_query *q;
	sqlite3 *other;

	make_table("a.db");
	c = api_open("[database db]\ntype = sqlite\npath = a.db\nbusy_timeout = 50ms\n" RESOURCE);
	TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), "2");
	other = open_raw("a.db");
	run(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES(10, 'q')");
	CU_ASSERT_EQUAL(create(c, 3, "z", &error), CONSORT_ECONFLICT);
	TESTING_CONTAINS(error.message, "is locked by another writer");
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	q = consort_query_new(c, "t");
	CU_ASSERT_EQUAL(consort_update_where(q, "s = 'w'", CONSORT_NO_ARGS, NULL, &error), CONSORT_ECONFLICT);
	consort_query_free(q);
	TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), "2");
	if (!consort_begin(c, "db", &in, &error)) {
		CU_ASSERT_EQUAL(create(in, 3, "z", &error), CONSORT_ECONFLICT);
		consort_rollback(in, NULL);
	} else {
		CU_ASSERT_EQUAL(error.status, CONSORT_ECONFLICT);
	}
	run(other, "ROLLBACK");
	sqlite3_close(other);
	CU_ASSERT_EQUAL(create(c, 3, "z", &error), CONSORT_OK);
	TESTING_TEXT(api_find(c, "t", NULL, NULL, "id"), "1,x;2,y;3,z");
	consort_close(c);
}

static void test_read_only(void)
{
	struct consort_error error;
	struct consort *c;

	make_table("a.db");
	c = api_open("[database db]\ntype = sqlite\npath = a.db\nmode = ro\n" RESOURCE);
	TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), "2");
	CU_ASSERT_EQUAL(create(c, 3, "z", &error), CONSORT_EUNSUPPORTED);
	TESTING_TEXT(error.message,
		     "database 'db' does not support create: the database is opened with mode = ro");
	consort_close(c);
	if (!geteuid())
		return; /* modes mean nothing to root */
	CU_ASSERT_EQUAL(chmod(testing_path("a.db"), 0444), 0);
	c = api_open("[database db]\ntype = sqlite\npath = a.db\n" RESOURCE);
	TESTING_TEXT(api_find(c, "t", "count(*)", NULL, NULL), "2");
	CU_ASSERT_NOT_EQUAL(create(c, 3, "z", &error), CONSORT_OK);
	consort_close(c);
}

/* A value that is not of the declared type, between others. */
static void test_wrong_values(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	sqlite3 *db = open_raw("a.db");
	struct consort_cursor *rows = NULL;
	struct consort_query *q;
	struct consort *c;
	int64_t count = 0;

	run(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES(1, 5), (2, 6), (3, "
		"'seven'), (4, 8)");
	sqlite3_close(db);
	c = api_open("[database db]\ntype = sqlite\npath = a.db\nresources = *\n");
	q = consort_query_new(c, "db.t");
	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	while (consort_cursor_next(rows, &error))
		count += consort_cursor_int64(rows, 1);
	CU_ASSERT_EQUAL(count, 11);
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ETYPE);
	TESTING_TEXT(
		error.message,
		"resource 'db.t', attribute 'n': the table holds the text 'seven', which is not an integer");
	consort_cursor_close(rows);
	consort_query_free(q);
	TESTING_CONTAINS(api_find(c, "db.t", "sum(n)", NULL, NULL), "the table holds the text 'seven'");
	TESTING_CONTAINS(api_find(c, "db.t", "id", "n > 5", NULL), "the table holds the text 'seven'");
	TESTING_TEXT(api_find(c, "db.t", "sum(n)", "id < 3", NULL), "11");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"files", test_files},
		{"missing-columns", test_missing_columns},
		{"limit", test_limit},
		{"file-refuses-writes", test_file_refuses_writes},
		{"no-database", test_no_database},
		{"constraints", test_constraints},
		{"locked", test_locked},
		{"read-only", test_read_only},
		{"wrong-values", test_wrong_values},
		{NULL, NULL},
	};

	return testing_main("bad-files", cases, argc, argv);
}
