/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite: what Consort costs over prepared statements of the C API, on a table of a million rows of (bigint,
 * text, double, timestamp). Both ways use the same file in WAL mode with the same settings.
 *
 * The other side is a program that knows its table: its connection has no mutexes, its statement is prepared
 * once, it asks each column for the type it trusts to be there, and looks at a row where SQLite has it,
 * without a copy. It is spared what Consort does for every program: to see that a value is of its attribute's
 * type and a text is UTF-8, and to keep rows while the cursor goes on.
 */
#include "table.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/consort-bench-XXXXXX";
static sqlite3 *db;

static void must(int bad, const char *what)
{
	if (bad)
		bench_die("%s: %s", what, db ? sqlite3_errmsg(db) : "");
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

static void clear(void)
{
	unlink(file("bench.db"));
	unlink(file("bench.db-wal"));
	unlink(file("bench.db-shm"));
	rmdir(folder);
}

/* --- one record by its key --- */

static inline uint64_t take_raw(sqlite3_stmt *stmt)
{
	const unsigned char *name = sqlite3_column_text(stmt, 1);
	int size = sqlite3_column_bytes(stmt, 1);

	return table_sum(sqlite3_column_int64(stmt, 0), (const char *)name, (uint64_t)size,
			 sqlite3_column_double(stmt, 2), sqlite3_column_int64(stmt, 3));
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

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		sqlite3_bind_int64(stmt, 1, table_key());
		must(sqlite3_step(stmt) != SQLITE_ROW, "get");
		sum += take_raw(stmt);
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

/* --- a thousand keys --- */

static uint64_t raw_keys(int64_t operations)
{
	sqlite3_stmt *stmt = by_key();
	uint64_t sum = 0;
	int i;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		run("BEGIN");
		for (i = 0; i < TABLE_KEYS; i++) {
			sqlite3_bind_int64(stmt, 1, table_key());
			must(sqlite3_step(stmt) != SQLITE_ROW, "get");
			sum += take_raw(stmt);
			sqlite3_reset(stmt);
		}
		run("COMMIT");
	}
	return sum;
}

/* --- all rows --- */

static uint64_t raw_scan(int64_t operations)
{
	sqlite3_stmt *stmt = prepare("SELECT id, name, value, ts FROM t");
	uint64_t sum = 0;

	for (; operations && sqlite3_step(stmt) == SQLITE_ROW; operations--)
		sum += take_raw(stmt);
	sqlite3_finalize(stmt);
	return sum;
}

/* --- writing --- */

static void empty(void)
{
	run("DELETE FROM ins; PRAGMA wal_checkpoint(truncate)");
}

static uint64_t raw_insert(int64_t operations)
{
	sqlite3_stmt *stmt = prepare("INSERT INTO ins(id, name, value, ts) VALUES(?, ?, ?, ?)");
	const struct table_row *made = table_made();
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

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"get in transaction", 50000, {{"raw", raw_get_in}}, table_get_in, 1.25, NULL},
		{"get", 20000, {{"raw", raw_get}}, table_get, 1.15, NULL},
		{"1,000 keys", 20, {{"raw", raw_keys}}, table_keys, 0, NULL},
		{"scan", TABLE_ROWS, {{"raw", raw_scan}}, table_scan, 1.10, NULL},
		{"create one by one", 50000, {{"raw", raw_insert}}, table_create_each, 0, empty},
		{"create in bulk", TABLE_INSERTED, {{"raw", raw_insert}}, table_create_bulk, 1.10, empty},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};

	if (table_is_scan(argc, argv))
		return 0;
	if (!mkdtemp(folder))
		bench_die("no folder in /tmp");
	atexit(clear);
	make_file();
	table_open(file("consort.ini"),
		   "type = sqlite\npath = bench.db\nsynchronous = off\ncache_size = 200000KiB",
		   TABLE_ATTRIBUTES);
	if (bench_run("sqlite", measures, argc, argv)) {
		/* with a small cache of SQLite, which would grow to what it may have */
		table_close();
		table_open(file("consort.ini"), "type = sqlite\npath = bench.db\ncache_size = 1MiB",
			   TABLE_ATTRIBUTES);
		table_note_memory();
	}
	table_close();
	sqlite3_finalize(by_key());
	sqlite3_close(db);
	return bench_end();
}
