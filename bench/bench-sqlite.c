/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: what Consort costs over prepared statements of the C API, on a table of a million rows of (bigint,
 * text, double, timestamp). Both ways use the same file in WAL mode with the same settings.
 */
#include "bench.h"

#include <consort/consort.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROWS 1000000
#define INSERTED 100000
#define KEYS 1000

static char folder[] = "/tmp/consort-bench-XXXXXX";
static sqlite3 *db;
static struct consort *consort, *in;
static struct consort_record *record;
static struct {
	int64_t id, ts;
	double value;
	char name[24];
	int size;
} made[INSERTED];

static void must(int bad, const char *what)
{
	if (bad)
		bench_die("%s: %s", what, db ? sqlite3_errmsg(db) : "");
}

static void ok(enum consort_status status, const struct consort_error *error)
{
	if (status)
		bench_die("%s", consort_error_text(error));
}

static void run(const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *stmt;

	must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL), sql);
	return stmt;
}

/* --- the data --- */

static const char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_file(void)
{
	must(sqlite3_open_v2(file("bench.db"), &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
	     "open");
	run("PRAGMA journal_mode=wal; PRAGMA synchronous=off; PRAGMA cache_size=-200000");
	run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, value DOUBLE NOT NULL, ts BIGINT NOT "
	    "NULL);"
	    "CREATE TABLE ins(id INTEGER PRIMARY KEY, name TEXT NOT NULL, value DOUBLE NOT NULL, ts BIGINT "
	    "NOT NULL);"
	    "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i<1000000) INSERT INTO t "
	    "SELECT i,"
	    " printf('user-name-%08d',i), i*0.1234567, 1704067200000000 + i*1000000 + (i%1000)*1000 FROM g;"
	    "PRAGMA wal_checkpoint(truncate)");
}

static void make_rows(void)
{
	int i;

	for (i = 0; i < INSERTED; i++) {
		made[i].id = i + 1;
		made[i].size = snprintf(made[i].name, sizeof(made[i].name), "user-name-%08d", i + 1);
		made[i].value = (i + 1) * 0.1234567;
		made[i].ts = 1704067200000000 + (int64_t)i * 1000000;
	}
}

static void open_consort(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	FILE *manifest = fopen(file("consort.ini"), "w");

	must(!manifest, "manifest");
	fprintf(manifest, "[database bench]\ntype = sqlite\npath = bench.db\nsynchronous = off\ncache_size = "
			  "200000KiB\n"
			  "[resource t]\ndatabase = bench\nattribute.ts = timestamp\n"
			  "[resource ins]\ndatabase = bench\nattribute.ts = timestamp\n");
	fclose(manifest);
	ok(consort_open(file("consort.ini"), &consort, &error), &error);
}

static void clear(void)
{
	unlink(file("bench.db"));
	unlink(file("bench.db-wal"));
	unlink(file("bench.db-shm"));
	unlink(file("consort.ini"));
	rmdir(folder);
}

/* --- one record by its key --- */

static inline uint64_t take_raw(sqlite3_stmt *stmt, uint64_t sum)
{
	const unsigned char *name = sqlite3_column_text(stmt, 1);
	int size = sqlite3_column_bytes(stmt, 1);
	double value = sqlite3_column_double(stmt, 2);

	sum = bench_mix(sum, (uint64_t)sqlite3_column_int64(stmt, 0));
	sum = bench_mix(sum, (uint64_t)size + name[size - 1]);
	sum = bench_mix(sum, (uint64_t)value);
	return bench_mix(sum, (uint64_t)sqlite3_column_int64(stmt, 3));
}

static sqlite3_stmt *by_key(void)
{
	static sqlite3_stmt *stmt;

	if (!stmt)
		stmt = prepare("SELECT id, name, value, ts FROM t WHERE id = ?");
	return stmt;
}

static uint64_t raw_get(int64_t operations)
{
	sqlite3_stmt *stmt = by_key();
	uint64_t sum = 0;

	bench_seed(7);
	for (; operations; operations--) {
		sqlite3_bind_int64(stmt, 1, (int64_t)bench_random(ROWS) + 1);
		must(sqlite3_step(stmt) != SQLITE_ROW, "get");
		sum = take_raw(stmt, sum);
		sqlite3_reset(stmt);
	}
	return sum;
}

static uint64_t raw_get_in(int64_t operations)
{
	uint64_t sum;

	run("BEGIN");
	sum = raw_get(operations);
	run("COMMIT");
	return sum;
}

static uint64_t get(struct consort *c, int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	uint64_t sum = 0;

	bench_seed(7);
	for (; operations; operations--) {
		struct consort_value name;

		ok(consort_get(c, "t", CONSORT_ARGS(consort_int64((int64_t)bench_random(ROWS) + 1)), &record,
			       &error),
		   &error);
		name = consort_record_value(record, 1);
		sum = bench_mix(sum, (uint64_t)consort_record_value(record, 0).as.int64);
		sum = bench_mix(sum,
				name.as.view.size + (unsigned char)name.as.view.data[name.as.view.size - 1]);
		sum = bench_mix(sum, (uint64_t)consort_record_value(record, 2).as.float64);
		sum = bench_mix(sum, (uint64_t)consort_record_value(record, 3).as.int64);
	}
	return sum;
}

static uint64_t consort_get_out(int64_t operations)
{
	return get(consort, operations);
}

static void begin(void)
{
	static const struct consort_begin_options options = {.struct_size = sizeof(options),
							     .flags = CONSORT_TRANSACTION_READ_ONLY};
	struct consort_error error = CONSORT_ERROR_INIT;

	ok(consort_begin_with(consort, "bench", &options, &in, &error), &error);
}

static void commit(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	consort_record_free(record);
	record = NULL;
	ok(consort_commit(in, NULL, &error), &error);
}

static uint64_t consort_get_in(int64_t operations)
{
	uint64_t sum;

	begin();
	sum = get(in, operations);
	commit();
	return sum;
}

/* --- a thousand keys --- */

static uint64_t raw_keys(int64_t operations)
{
	sqlite3_stmt *stmt = by_key();
	uint64_t sum = 0;
	int i;

	bench_seed(9);
	for (; operations; operations--) {
		run("BEGIN");
		for (i = 0; i < KEYS; i++) {
			sqlite3_bind_int64(stmt, 1, (int64_t)bench_random(ROWS) + 1);
			must(sqlite3_step(stmt) != SQLITE_ROW, "get");
			sum += take_raw(stmt, 0);
			sqlite3_reset(stmt);
		}
		run("COMMIT");
	}
	return sum;
}

static uint64_t take_batch(const struct consort_batch *batch, uint64_t sum, int chained)
{
	int64_t row;

	for (row = 0; row < batch->nrows; row++) {
		struct consort_view name = consort_column_view(&batch->columns[1], row);
		uint64_t one = chained ? sum : 0;

		one = bench_mix(one, (uint64_t)consort_column_int64(&batch->columns[0], row));
		one = bench_mix(one, name.size + (unsigned char)name.data[name.size - 1]);
		one = bench_mix(one, (uint64_t)consort_column_float64(&batch->columns[2], row));
		one = bench_mix(one, (uint64_t)consort_column_int64(&batch->columns[3], row));
		sum = chained ? one : sum + one;
	}
	return sum;
}

static uint64_t take_rows(struct consort_cursor *rows, uint64_t sum, int chained)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_batch *batch;

	for (;;) {
		ok(consort_cursor_batch(rows, &batch, &error), &error);
		if (!batch)
			break;
		sum = take_batch(batch, sum, chained);
	}
	consort_cursor_close(rows);
	return sum;
}

static uint64_t consort_keys(int64_t operations)
{
	static struct consort_value values[KEYS];
	static struct consort_args keys[KEYS];
	struct consort_error error = CONSORT_ERROR_INIT;
	uint64_t sum = 0;
	int i;

	bench_seed(9);
	for (; operations; operations--) {
		struct consort_cursor *rows = NULL;

		for (i = 0; i < KEYS; i++) {
			values[i] = consort_int64((int64_t)bench_random(ROWS) + 1);
			keys[i].values = &values[i];
			keys[i].count = 1;
		}
		ok(consort_get_many(consort, "t", keys, KEYS, &rows, &error), &error);
		sum = take_rows(rows, sum, 0);
	}
	return sum;
}

/* --- all rows --- */

static uint64_t raw_scan(int64_t operations)
{
	sqlite3_stmt *stmt = prepare("SELECT id, name, value, ts FROM t");
	uint64_t sum = 0;

	for (; operations && sqlite3_step(stmt) == SQLITE_ROW; operations--)
		sum = take_raw(stmt, sum);
	sqlite3_finalize(stmt);
	return sum;
}

static uint64_t consort_scan(int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(consort, "t");
	struct consort_cursor *rows = NULL;

	consort_query_select(q, "id, name, value, ts");
	if (operations < ROWS)
		consort_query_limit(q, operations);
	ok(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error), &error);
	consort_query_free(q);
	return take_rows(rows, 0, 1);
}

/* --- writing --- */

static void empty(void)
{
	run("DELETE FROM ins; PRAGMA wal_checkpoint(truncate)");
}

static uint64_t raw_insert(int64_t operations)
{
	sqlite3_stmt *stmt = prepare("INSERT INTO ins(id, name, value, ts) VALUES(?, ?, ?, ?)");
	int64_t i;

	run("BEGIN IMMEDIATE");
	for (i = 0; i < operations; i++) {
		sqlite3_bind_int64(stmt, 1, made[i].id);
		sqlite3_bind_text(stmt, 2, made[i].name, made[i].size, SQLITE_STATIC);
		sqlite3_bind_double(stmt, 3, made[i].value);
		sqlite3_bind_int64(stmt, 4, made[i].ts);
		must(sqlite3_step(stmt) != SQLITE_DONE, "insert");
		sqlite3_reset(stmt);
	}
	run("COMMIT");
	sqlite3_finalize(stmt);
	return (uint64_t)operations;
}

static uint64_t consort_create_each(int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r;
	int64_t i;

	ok(consort_begin(consort, "bench", &in, &error), &error);
	r = consort_record_new(in, "ins");
	for (i = 0; i < operations; i++) {
		consort_record_clear(r);
		consort_record_set(r, "id", consort_int64(made[i].id));
		consort_record_set(r, "name", consort_text_n(made[i].name, (uint64_t)made[i].size));
		consort_record_set(r, "value", consort_float64(made[i].value));
		consort_record_set(r, "ts", consort_timestamp(made[i].ts));
		ok(consort_create(in, r, &error), &error);
	}
	consort_record_free(r);
	ok(consort_commit(in, NULL, &error), &error);
	return (uint64_t)operations;
}

static uint64_t consort_create_bulk(int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_writer *writer = NULL;
	struct consort_batch *batch;
	uint64_t written;
	int64_t i;

	ok(consort_begin(consort, "bench", &in, &error), &error);
	ok(consort_writer_open(in, "ins", "id, name, value, ts", CONSORT_WRITER_CREATE, 0, &writer, &error),
	   &error);
	batch = consort_writer_batch(writer);
	for (i = 0; i < operations; i++) {
		consort_append_int64(&batch->columns[0], made[i].id);
		consort_append_view(batch, &batch->columns[1], made[i].name, (uint64_t)made[i].size);
		consort_append_float64(&batch->columns[2], made[i].value);
		consort_append_int64(&batch->columns[3], made[i].ts);
		if (consort_batch_end_row(batch))
			ok(consort_writer_flush(writer, &error), &error);
	}
	ok(consort_writer_flush(writer, &error), &error);
	written = (uint64_t)consort_writer_written(writer);
	consort_writer_close(writer);
	ok(consort_commit(in, NULL, &error), &error);
	return written;
}

/* --- memory --- */

/* In a child, which needs a handle of its own. */
static uint64_t scan_alone(int64_t operations)
{
	open_consort();
	return consort_scan(operations);
}

static void note_memory(void)
{
	long tenth = bench_peak(scan_alone, ROWS / 10), all = bench_peak(scan_alone, ROWS);

	bench_note("peak 100,000 rows", (double)tenth / 1024, "MiB");
	bench_note("peak 1,000,000 rows", (double)all / 1024, "MiB");
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"get in transaction", 50000, raw_get_in, consort_get_in, 1.25, NULL},
		{"get", 20000, raw_get, consort_get_out, 1.15, NULL},
		{"1,000 keys", 20, raw_keys, consort_keys, 0, NULL},
		{"scan", ROWS, raw_scan, consort_scan, 1.10, NULL},
		{"create one by one", 50000, raw_insert, consort_create_each, 0, empty},
		{"create in bulk", INSERTED, raw_insert, consort_create_bulk, 1.10, empty},
		{NULL, 0, NULL, NULL, 0, NULL},
	};

	if (!mkdtemp(folder))
		bench_die("no folder in /tmp");
	atexit(clear);
	make_file();
	make_rows();
	open_consort();
	if (bench_run("sqlite", measures, argc, argv))
		note_memory();
	consort_record_free(record);
	consort_close(consort);
	sqlite3_finalize(by_key());
	sqlite3_close(db);
	return bench_end();
}
