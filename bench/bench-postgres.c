/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL: what Consort costs over libpq used well, on a table of a million rows of (bigint, text, double,
 * timestamptz), over a unix socket. The server's new processes run on the same core as this one: else the
 * figures are mostly about waking up.
 *
 *     scripts/servers start postgres-bench && eval "$(scripts/servers env postgres-bench)"
 *     make bench-postgres && CONSORT_PLUGIN_PATH=.libs ./bench-postgres
 */
#include "table.h"

#include <endian.h>
#include <libpq-fe.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIPELINE 100
#define FETCH 10000
#define EPOCH 946684800000000 /* 2000-01-01 in microseconds since 1970 */
#define SELECT "SELECT id, name, value, ts FROM t"
#define SELECT_WITH SELECT " WHERE value >= $1"
#define INSERT "INSERT INTO ins(id, name, value, ts) VALUES($1, $2, $3, $4)"

enum { INT8 = 20, TEXT = 25, FLOAT8 = 701, INT8_ARRAY = 1016, TIMESTAMPTZ = 1184 };

static PGconn *db;
static PGconn *admin; /* may ask for a checkpoint */

/* The result, which must be of that kind. */
static PGresult *must(PGresult *result, ExecStatusType wanted)
{
	if (PQresultStatus(result) != wanted)
		bench_die("%s: %s", PQresStatus(PQresultStatus(result)), PQerrorMessage(db));
	return result;
}

static void ok(int done)
{
	if (!done)
		bench_die("%s", PQerrorMessage(db));
}

static void run(const char *sql)
{
	PQclear(must(PQexec(db, sql), PGRES_COMMAND_OK));
}

/* --- numbers as the protocol has them --- */

static inline int64_t take_int64(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return (int64_t)be64toh(word);
}

static inline int32_t take_int32(const char *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return (int32_t)be32toh(word);
}

static inline double take_double(const char *bytes)
{
	int64_t word = take_int64(bytes);
	double value;

	memcpy(&value, &word, sizeof(value));
	return value;
}

static inline char *put_int16(char *to, uint16_t value)
{
	value = htobe16(value);
	return (char *)memcpy(to, &value, sizeof(value)) + sizeof(value);
}

static inline char *put_int32(char *to, uint32_t value)
{
	value = htobe32(value);
	return (char *)memcpy(to, &value, sizeof(value)) + sizeof(value);
}

static inline char *put_int64(char *to, int64_t value)
{
	uint64_t word = htobe64((uint64_t)value);

	return (char *)memcpy(to, &word, sizeof(word)) + sizeof(word);
}

static inline char *put_double(char *to, double value)
{
	int64_t word;

	memcpy(&word, &value, sizeof(word));
	return put_int64(to, word);
}

/* A row of a binary result. */
static inline uint64_t take_row(const PGresult *result, int row)
{
	return table_sum(take_int64(PQgetvalue(result, row, 0)), PQgetvalue(result, row, 1),
			 (uint64_t)PQgetlength(result, row, 1), take_double(PQgetvalue(result, row, 2)),
			 take_int64(PQgetvalue(result, row, 3)) + EPOCH);
}

/* All of them. */
static uint64_t take_result(PGresult *result)
{
	int count = PQntuples(result), row;
	uint64_t sum = 0;

	for (row = 0; row < count; row++)
		sum += take_row(result, row);
	PQclear(result);
	return sum;
}

/* --- by key --- */

static const int binary[] = {1, 1, 1, 1};
static const int eight[] = {8};

/* A parameter of eight bytes. */
static const char *const *parameter(const char *bytes)
{
	static const char *values[1];

	values[0] = bytes;
	return values;
}

static uint64_t raw_get(int64_t operations)
{
	uint64_t sum = 0;
	char key[8];

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		put_int64(key, table_key());
		sum += take_result(must(PQexecPrepared(db, "get", 1, parameter(key), eight, binary, 1),
					PGRES_TUPLES_OK));
	}
	return sum;
}

static uint64_t raw_get_in(int64_t operations)
{
	uint64_t sum;

	run("BEGIN READ ONLY");
	sum = raw_get(operations);
	run("COMMIT");
	return sum;
}

/* PIPELINE gets with one round trip. */
static uint64_t get_pipeline(void)
{
	uint64_t sum = 0;
	char key[8];
	int i;

	for (i = 0; i < PIPELINE; i++) {
		put_int64(key, table_key());
		ok(PQsendQueryPrepared(db, "get", 1, parameter(key), eight, binary, 1));
	}
	ok(PQpipelineSync(db));
	for (i = 0; i < PIPELINE; i++) {
		sum += take_result(must(PQgetResult(db), PGRES_TUPLES_OK));
		ok(!PQgetResult(db));
	}
	PQclear(must(PQgetResult(db), PGRES_PIPELINE_SYNC));
	return sum;
}

static uint64_t raw_keys(int64_t operations)
{
	int64_t pipelines = operations * TABLE_KEYS / PIPELINE;
	uint64_t sum = 0;

	bench_seed(TABLE_SEED);
	ok(PQenterPipelineMode(db));
	for (; pipelines; pipelines--)
		sum += get_pipeline();
	ok(PQexitPipelineMode(db));
	return sum;
}

static uint64_t raw_keys_join(int64_t operations)
{
	static char array[20 + 12 * TABLE_KEYS];
	static const int size[] = {sizeof(array)};
	uint64_t sum = 0;
	char *to;
	int i;

	bench_seed(TABLE_SEED);
	for (; operations; operations--) {
		to = put_int32(put_int32(put_int32(array, 1), 0), INT8);
		to = put_int32(put_int32(to, TABLE_KEYS), 1);
		for (i = 0; i < TABLE_KEYS; i++)
			to = put_int64(put_int32(to, 8), table_key());
		sum += take_result(must(PQexecPrepared(db, "keys", 1, parameter(array), size, binary, 1),
					PGRES_TUPLES_OK));
	}
	return sum;
}

/* --- all rows --- */

/* What was sent, row by row. */
static uint64_t take_rows(void)
{
	PGresult *result;
	uint64_t sum = 0;

	ok(PQsetSingleRowMode(db));
	while ((result = PQgetResult(db))) {
		if (PQresultStatus(result) != PGRES_SINGLE_TUPLE)
			must(result, PGRES_TUPLES_OK);
		sum += take_result(result);
	}
	return sum;
}

static const char *least(void)
{
	static char bytes[8];

	put_double(bytes, TABLE_LEAST_VALUE);
	return bytes;
}

static uint64_t scan_rows(int64_t operations)
{
	(void)operations;
	ok(PQsendQueryPrepared(db, "scan", 0, NULL, NULL, NULL, 1));
	return take_rows();
}

static uint64_t scan_with_rows(int64_t operations)
{
	(void)operations;
	ok(PQsendQueryPrepared(db, "scan-with", 1, parameter(least()), eight, binary, 1));
	return take_rows();
}

/* A cursor of the server's, many rows at a time. */
static uint64_t scan_with_cursor(int64_t operations)
{
	static const Oid type[] = {FLOAT8};
	PGresult *result;
	uint64_t sum = 0;
	int count;

	(void)operations;
	run("BEGIN READ ONLY");
	PQclear(must(PQexecParams(db, "DECLARE rows NO SCROLL CURSOR FOR " SELECT_WITH, 1, type,
				  parameter(least()), eight, binary, 1),
		     PGRES_COMMAND_OK));
	do {
		result = must(PQexecParams(db, "FETCH 10000 FROM rows", 0, NULL, NULL, NULL, NULL, 1),
			      PGRES_TUPLES_OK);
		count = PQntuples(result);
		sum += take_result(result);
	} while (count == FETCH);
	run("COMMIT");
	return sum;
}

/* All of it in memory. */
static uint64_t scan_with_whole(int64_t operations)
{
	(void)operations;
	return take_result(must(PQexecPrepared(db, "scan-with", 1, parameter(least()), eight, binary, 1),
				PGRES_TUPLES_OK));
}

/* A row of COPY: the number of fields, and each with its size in front. */
static inline uint64_t take_copied(const char *row)
{
	const char *id = row + 6, *name = id + 12, *value;
	int32_t size = take_int32(name - 4);

	value = name + size + 4;
	return table_sum(take_int64(id), name, (uint64_t)size, take_double(value),
			 take_int64(value + 12) + EPOCH);
}

static uint64_t scan_copy(int64_t operations)
{
	const int header = 19; /* in front of the first row; behind the last one is a -1 for its fields */
	PGresult *result;
	uint64_t sum = 0;
	char *row;
	int size, at = header;

	(void)operations;
	PQclear(must(PQexec(db, "COPY t(id, name, value, ts) TO STDOUT (FORMAT binary)"), PGRES_COPY_OUT));
	while ((size = PQgetCopyData(db, &row, 0)) > 0) {
		if (size - at > 2)
			sum += take_copied(row + at);
		at = 0;
		PQfreemem(row);
	}
	while ((result = PQgetResult(db)))
		PQclear(must(result, PGRES_COMMAND_OK));
	return sum;
}

/* --- writing --- */

/* Whoever writes next finds an empty table, and nothing to be written to disk that is of the way before. */
static void empty(void)
{
	run("TRUNCATE ins");
	PQclear(must(PQexec(admin, "CHECKPOINT"), PGRES_COMMAND_OK));
}

static uint64_t insert_each(int64_t operations)
{
	const struct table_row *made = table_made();
	char id[8], value[8], ts[8];
	const char *values[] = {id, NULL, value, ts};
	int sizes[] = {8, 0, 8, 8};
	int64_t i;

	run("BEGIN");
	for (i = 0; i < operations; i++) {
		put_int64(id, made[i].id);
		put_double(value, made[i].value);
		put_int64(ts, made[i].ts - EPOCH);
		values[1] = made[i].name;
		sizes[1] = made[i].size;
		PQclear(must(PQexecPrepared(db, "insert", 4, values, sizes, binary, 1), PGRES_COMMAND_OK));
	}
	run("COMMIT");
	return (uint64_t)operations;
}

static inline char *put_copied(char *to, const struct table_row *row)
{
	to = put_int64(put_int32(put_int16(to, 4), 8), row->id);
	to = put_int32(to, (uint32_t)row->size);
	to = (char *)memcpy(to, row->name, (size_t)row->size) + row->size;
	to = put_double(put_int32(to, 8), row->value);
	return put_int64(put_int32(to, 8), row->ts - EPOCH);
}

static uint64_t insert_copy(int64_t operations)
{
	static const char header[19] = "PGCOPY\n\377\r\n";
	const struct table_row *made = table_made();
	static char buffer[1 << 16];
	char *to = (char *)memcpy(buffer, header, sizeof(header)) + sizeof(header);
	PGresult *result;
	int64_t i;

	run("BEGIN");
	PQclear(must(PQexec(db, "COPY ins(id, name, value, ts) FROM STDIN (FORMAT binary)"), PGRES_COPY_IN));
	for (i = 0; i < operations; i++) {
		to = put_copied(to, &made[i]);
		if (to > buffer + sizeof(buffer) - 200) {
			ok(PQputCopyData(db, buffer, (int)(to - buffer)));
			to = buffer;
		}
	}
	to = put_int16(to, UINT16_MAX);
	ok(PQputCopyData(db, buffer, (int)(to - buffer)) && PQputCopyEnd(db, NULL));
	while ((result = PQgetResult(db)))
		PQclear(must(result, PGRES_COMMAND_OK));
	run("COMMIT");
	return (uint64_t)operations;
}

/* --- the server --- */

static const char *variable(const char *name)
{
	char full[64];
	const char *value;

	snprintf(full, sizeof(full), "CONSORT_TEST_POSTGRES_BENCH_%s", name);
	value = getenv(full);
	if (!value)
		bench_die("%s is not set: scripts/servers start postgres-bench && "
			  "eval \"$(scripts/servers env postgres-bench)\"",
			  full);
	return value;
}

static PGconn *connect_to(const char *dsn)
{
	PGconn *made = PQconnectdb(variable(dsn));

	if (PQstatus(made) != CONNECTION_OK)
		bench_die("%s", PQerrorMessage(made));
	return made;
}

static pid_t parent_of(pid_t process)
{
	char path[64];
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
		bench_die("%s tells no parent", path);
	fclose(file);
	return parent;
}

static pid_t postmaster;
static cpu_set_t before;

static void unpin_server(void)
{
	sched_setaffinity(postmaster, sizeof(before), &before);
}

/* Each connection's process is a child of one, from which it has its core. */
static void pin_server(void)
{
	db = connect_to("SOCKET_DSN");
	postmaster = parent_of(PQbackendPID(db));
	PQfinish(db);
	sched_getaffinity(postmaster, sizeof(before), &before);
	bench_pin(postmaster, bench_core());
	atexit(unpin_server);
	bench_server(postmaster);
}

static void make_table(void)
{
	PGresult *result;

	run("SET client_min_messages = warning");
	run("CREATE TABLE IF NOT EXISTS t(id bigint PRIMARY KEY, name text NOT NULL, value double precision "
	    "NOT NULL, ts timestamptz NOT NULL)");
	run("DROP TABLE IF EXISTS ins; CREATE TABLE ins(LIKE t INCLUDING ALL)");
	result = must(PQexec(db, "SELECT 1 FROM t LIMIT 1"), PGRES_TUPLES_OK);
	if (!PQntuples(result)) {
		run("INSERT INTO t SELECT i, 'user-name-' || lpad(i::text, 8, '0'), i * 0.1234567::float8, "
		    "timestamptz '2024-01-01 00:00:00+00' + (i * 1000000 + (i % 1000) * 1000) * interval "
		    "'1 microsecond' FROM generate_series(1::bigint, 1000000) i");
		run("VACUUM (ANALYZE, FREEZE) t");
	}
	PQclear(result);
}

static void prepare(const char *name, const char *sql, int nparameters, const Oid *types)
{
	PQclear(must(PQprepare(db, name, sql, nparameters, types), PGRES_COMMAND_OK));
}

static void prepare_all(void)
{
	prepare("get", SELECT " WHERE id = $1", 1, (const Oid[]){INT8});
	prepare("keys", SELECT " JOIN unnest($1) AS key ON id = key", 1, (const Oid[]){INT8_ARRAY});
	prepare("scan", SELECT, 0, NULL);
	prepare("scan-with", SELECT_WITH, 1, (const Oid[]){FLOAT8});
	prepare("insert", INSERT, 4, (const Oid[]){INT8, TEXT, FLOAT8, TIMESTAMPTZ});
}

static void open_table(void)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/tmp/consort-bench-%d.ini", (int)getpid());
	snprintf(text, sizeof(text),
		 "type = postgres\nhost = %s\nport = %s\ndbname = %s\nuser = %s\n"
		 "password = ${env:CONSORT_TEST_POSTGRES_BENCH_PASSWORD}",
		 variable("SOCKET"), variable("PORT"), variable("DBNAME"), variable("USER"));
	table_open(path, text, TABLE_ATTRIBUTES);
}

/* --- deadlines --- */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

#define LATE_CALLS 50
#define LATE_TIMEOUT 20000000 /* nanoseconds */

/* Runs a statement to its end; what its first value is. */
static int64_t ask(struct consort *c, const char *sql, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	int64_t value = 0;

	if (consort_native(c, "bench", sql, CONSORT_NO_ARGS, &rows, NULL, error))
		return 0;
	while (consort_cursor_next(rows, error))
		value = consort_cursor_int64(rows, 0);
	consort_cursor_close(rows);
	return value;
}

/* By how much a call with a deadline of 20 ms outlives it: its server process may be stopped meanwhile. */
static int64_t late_by(const char *sql, bool stopped)
{
	const struct consort_scope_options options = {.struct_size = sizeof(options),
						      .timeout = LATE_TIMEOUT};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *scope = NULL;
	pid_t process = (pid_t)ask(table_handle(), "SELECT pg_backend_pid()::bigint", &error);
	int64_t start;

	if (process < 2)
		bench_die("%s", consort_error_text(&error));
	if (stopped)
		kill(process, SIGSTOP);
	start = now();
	if (!consort_scope(table_handle(), &options, &scope, &error))
		ask(scope, sql, &error);
	start = now() - start - LATE_TIMEOUT;
	consort_close(scope);
	if (stopped)
		kill(process, SIGCONT);
	if (error.status != CONSORT_ETIMEOUT)
		bench_die("no deadline was met: %s", consort_error_text(&error));
	return start;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void note_late(const char *median, const char *most, const char *sql, bool stopped)
{
	int64_t late[LATE_CALLS];
	int i;

	for (i = 0; i < LATE_CALLS; i++)
		late[i] = late_by(sql, stopped);
	qsort(late, LATE_CALLS, sizeof(*late), ascending);
	bench_note(median, (double)late[LATE_CALLS / 2] / 1e6, "ms");
	bench_note(most, (double)late[LATE_CALLS - 1] / 1e6, "ms");
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"get", 10000, {{"prepared", raw_get}}, table_get, 1.05, NULL},
		{"get in transaction", 10000, {{"prepared", raw_get_in}}, table_get_in, 1.05, NULL},
		{"1,000 keys", 20, {{"pipelines", raw_keys}}, table_keys, 1.15, NULL},
		{"1,000 keys at once", 20, {{"join", raw_keys_join}}, table_keys, 0, NULL},
		{"scan", TABLE_ROWS, {{"copy", scan_copy}, {"rows", scan_rows}}, table_scan, 1.15, NULL},
		{"scan with parameter",
		 TABLE_ROWS,
		 {{"rows", scan_with_rows}, {"cursor", scan_with_cursor}, {"whole", scan_with_whole}},
		 table_scan_with,
		 1.05,
		 NULL},
		{"create one by one", 10000, {{"prepared", insert_each}}, table_create_each, 1.05, empty},
		{"create in bulk", TABLE_INSERTED, {{"copy", insert_copy}}, table_create_bulk, 1.10, empty},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};

	if (table_is_scan(argc, argv))
		return 0;
	pin_server();
	db = connect_to("SOCKET_DSN");
	admin = connect_to("ADMIN_DSN");
	make_table();
	prepare_all();
	open_table();
	if (bench_run("postgres", measures, argc, argv)) {
		table_note_memory();
		note_late("late, busy server", "late at most, busy", "SELECT pg_sleep(10)", false);
		note_late("late, stopped server", "late at most, stopped", "SELECT 1::bigint", true);
	}
	table_close();
	PQfinish(admin);
	PQfinish(db);
	return bench_end();
}
