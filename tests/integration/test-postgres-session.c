/* SPDX-License-Identifier: Apache-2.0 */
/* The PostgreSQL adapter: connecting, what servers lack, deadlines, cancel, reset, native statements. */
#include "postgres-adapter.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND INT64_C(1000000)
#define PATIENCE 30000 /* milliseconds; far more than anything takes that does not wait for the server */

static struct adapter_test test;

#define OK(call) ADAPTER_OK(&test, call)
#define FAILS(call, status) CU_ASSERT_EQUAL(call, status)

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t milliseconds_since(int64_t start)
{
	return (now() - start) / MILLISECOND;
}

static uint32_t reset(void)
{
	return test.plugin->connection->reset(test.connection, &test.call, &test.error);
}

/* --- connecting --- */

/* Opens with "name=value" over the server's own. */
static uint32_t try_with(const char *name, const char *value)
{
	static const char *const variables[][2] = {{"host", "HOST"},
						   {"port", "PORT"},
						   {"dbname", "DBNAME"},
						   {"user", "USER"},
						   {"password", "PASSWORD"}};
	const char *options[8];
	size_t count = 0, i;

	for (i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		char *option = NULL;

		if (name && !strcmp(variables[i][0], name))
			continue;
		if (asprintf(&option, "%s=%s", variables[i][0], servers_get("postgres", variables[i][1])) < 0)
			abort();
		options[count++] = testing_keep(option);
	}
	if (name) {
		char *option = NULL;

		if (asprintf(&option, "%s=%s", name, value) < 0)
			abort();
		options[count++] = testing_keep(option);
	}
	options[count] = NULL;
	return adapter_open(&test, "postgres", options);
}

static void test_connect(void)
{
	static const struct {
		const char *name, *value;
		uint32_t status;
		const char *sqlstate, *message;
	} cases[] = {
		{NULL, NULL, CONSORT_OK, "", ""},
		{"sslmode", "require", CONSORT_OK, "", ""},
		{"password", "not-the-password", CONSORT_EAUTH, "28P01",
		 "password authentication failed for user \"consort\""},
		{"password", "", CONSORT_EAUTH, "", "no password supplied"},
		{"user", "nobody", CONSORT_EAUTH, "28P01", "nobody"},
		{"dbname", "nowhere", CONSORT_ECONNECTION, "3D000", "\"nowhere\" does not exist"},
		{"port", "1", CONSORT_ECONNECTION, "", "refused"},
		{"host", "/nowhere", CONSORT_ECONNECTION, "", "/nowhere"},
		{"sslrootcert", "/nowhere/root.crt", CONSORT_OK, "", ""},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t status = try_with(cases[i].name, cases[i].value);

		CU_ASSERT_EQUAL(status, cases[i].status);
		if (status) {
			TESTING_TEXT(test.error.sqlstate, cases[i].sqlstate);
			TESTING_CONTAINS(test.error.message, cases[i].message);
			TESTING_TEXT(test.error.origin, "local");
			CU_ASSERT_PTR_NULL(strstr(test.error.message, "not-the-password"));
			CU_ASSERT_PTR_NULL(strstr(test.error.message, "LOCATION"));
		}
		adapter_close(&test);
	}
	CU_ASSERT_EQUAL(try_with("port", "1"), CONSORT_ECONNECTION);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	adapter_close(&test);
}

/* Neither a dsn that cannot be read, nor one whose server cannot be reached, is told. */
static void test_secrets(void)
{
	static const char *const texts[] = {
		"postgresql://u:s3cret@host:port/x",   "host=x password=s3cret nonsense",
		"postgresql://u:s3cret@127.0.0.1:1/x", "host=127.0.0.1 port=1 password='s3cret'",
		"password=s3cret unknown=1",	       "postgresql://u:s3cret",
	};
	struct consort_setting dsn = {.name = "dsn"};
	struct consort_database_config config = {
		.struct_size = sizeof(config), .name = "local", .noptions = 1, .options = &dsn};
	size_t i;

	postgres_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		void *database = NULL, *connection = NULL;
		uint32_t status;

		dsn.value = consort_text(texts[i]);
		memset(&test.error, 0, sizeof(test.error));
		status = test.plugin->database->open(test.context, &config, &database, &test.error);
		if (!status) {
			status =
				test.plugin->connection->open(database, &test.call, &connection, &test.error);
			CU_ASSERT_EQUAL(status, CONSORT_ECONNECTION);
			test.plugin->database->close(database);
		} else {
			CU_ASSERT_EQUAL(status, CONSORT_EVALUE);
			TESTING_CONTAINS(test.error.message, "database 'local': option 'dsn': it");
		}
		CU_ASSERT_PTR_NULL(strstr(test.error.message, "s3cret"));
	}
	postgres_test_close(&test);
}

static void test_info(void)
{
	struct consort_connection_info info = {.struct_size = sizeof(info)}, other = info;
	void *connection;

	postgres_test_open(&test, NULL, NULL);
	connection = adapter_connect(&test);
	test.plugin->connection->info(test.connection, &info);
	test.plugin->connection->info(connection, &other);
	CU_ASSERT(!strncmp(info.server, "PostgreSQL 1", 12));
	CU_ASSERT(!strncmp(info.identity, "postgres:", 9));
	TESTING_TEXT(info.identity, other.identity);
	TESTING_TEXT(info.user, "consort");
	test.plugin->connection->close(connection, &test.call);
	postgres_test_close(&test);
}

/* --- what a connection lacks --- */

static void test_read_only_role(void)
{
	postgres_test_open(&test, "CREATE TABLE x(a integer)", NULL);
	TESTING_TEXT(test.missing, "");
	adapter_close(&test);
	OK(postgres_test_try(&test, ADAPTER_LIST("options=-cdefault_transaction_read_only=on")));
	TESTING_CONTAINS(test.missing,
			 "transactions of this role only read (default_transaction_read_only is on)");
	FAILS(adapter_do(&test, "INSERT INTO x VALUES (1)"), CONSORT_EREADONLY);
	TESTING_TEXT(test.error.sqlstate, "25006");
	postgres_test_close(&test);
}

static void test_lesser_servers(void)
{
	char dsn[512];

	servers_start("postgres-noprepare@session");
	snprintf(dsn, sizeof(dsn), "dsn=%s", servers_get("postgres-noprepare@session", "SOCKET_DSN"));
	OK(adapter_open(&test, "postgres", ADAPTER_LIST(dsn)));
	TESTING_CONTAINS(test.missing, "the server's max_prepared_transactions is 0");
	adapter_close(&test);
	servers_remove("postgres-noprepare@session");
	servers_start("postgres-standby@session");
	snprintf(dsn, sizeof(dsn), "dsn=%s", servers_get("postgres-standby@session", "SOCKET_DSN"));
	OK(adapter_open(&test, "postgres", ADAPTER_LIST(dsn)));
	TESTING_CONTAINS(test.missing, "the server is a hot standby, which only reads");
	OK(adapter_do(&test, "SELECT pg_is_in_recovery()"));
	TESTING_TEXT(adapter_text(&test), "true\n");
	adapter_close(&test);
}

/* --- ending calls --- */

#define SLEEP "SELECT pg_sleep(60)"

static void test_deadline(void)
{
	int64_t start;

	postgres_test_open(&test, NULL, NULL);
	start = now();
	/* enough for a busy machine to send it */
	test.call.deadline = start + 2000 * MILLISECOND;
	FAILS(adapter_do(&test, SLEEP), CONSORT_ETIMEOUT);
	CU_ASSERT(milliseconds_since(start) < PATIENCE);
	test.call.deadline = start;
	FAILS(adapter_do(&test, "SELECT 1"), CONSORT_ETIMEOUT);
	/* it is not used again before it is reset, which finds the statement stopped */
	test.call.deadline = now() + 10000 * MILLISECOND;
	FAILS(adapter_do(&test, "SELECT 1"), CONSORT_ECONFLICT);
	TESTING_CONTAINS(test.error.message, "it must be reset before it is used again");
	start = now();
	OK(reset());
	CU_ASSERT(milliseconds_since(start) < PATIENCE);
	OK(adapter_do(&test, "SELECT 1"));
	postgres_test_close(&test);
}

static void *cancel_soon(void *token)
{
	usleep(50000);
	if (token)
		__atomic_store_n((uint32_t *)token, 1, __ATOMIC_RELAXED);
	test.plugin->connection->cancel(test.connection);
	return NULL;
}

static void test_cancel(void)
{
	uint32_t token = 0;
	pthread_t thread;
	int64_t start;

	postgres_test_open(&test, NULL, NULL);
	start = now();
	pthread_create(&thread, NULL, cancel_soon, NULL);
	FAILS(adapter_do(&test, SLEEP), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	CU_ASSERT(milliseconds_since(start) < PATIENCE);
	FAILS(adapter_do(&test, "SELECT 1"), CONSORT_ECANCELLED); /* until it is reset */
	OK(reset());
	OK(adapter_do(&test, "SELECT 1"));
	/* one that comes when nothing runs does not hit what comes after the reset */
	test.plugin->connection->cancel(test.connection);
	OK(reset());
	OK(adapter_do(&test, "SELECT 1"));
	test.call.cancelled = &token;
	pthread_create(&thread, NULL, cancel_soon, &token);
	FAILS(adapter_do(&test, SLEEP), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	token = 0;
	OK(reset());
	OK(adapter_do(&test, "SELECT 1"));
	/* in a transaction only a rollback goes on */
	OK(test.plugin->transaction->begin(test.connection, &test.call,
					   &(struct consort_transaction_options){.struct_size = 32},
					   &test.error));
	pthread_create(&thread, NULL, cancel_soon, NULL);
	FAILS(adapter_do(&test, SLEEP), CONSORT_ECANCELLED);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_TX_ABORTED);
	pthread_join(thread, NULL);
	OK(test.plugin->transaction->rollback(test.connection, &test.call, &test.error));
	OK(reset());
	OK(adapter_do(&test, "SELECT 1"));
	postgres_test_close(&test);
}

/* A server that answers nobody: no call outlives its deadline, and what it was told is not lost. */
static void test_stopped(void)
{
	struct adapter_cursor cursor;
	char dsn[512];
	int64_t start, rows;
	uint32_t status;
	void *connection;
	int i;

	servers_start("postgres@session");
	snprintf(dsn, sizeof(dsn), "dsn=%s", servers_get("postgres@session", "SOCKET_DSN"));
	OK(adapter_open(&test, "postgres", ADAPTER_LIST(dsn)));
	OK(adapter_do(&test, "DROP TABLE IF EXISTS x"));
	OK(adapter_do(&test, "CREATE TABLE x AS SELECT i AS id, repeat('x', 1000) AS t FROM "
			     "generate_series(1, 20000) AS i"));
	test.max_rows = 1;
	OK(adapter_begin(&test, ADAPTER_QUERY(.resource = "x"), &cursor));
	OK(adapter_next(&test, &cursor));
	servers_pause("postgres@session");
	for (i = 0; i < 4; i++) {
		start = now();
		test.call.deadline = start + 200 * MILLISECOND;
		if (i == 0)
			status = adapter_drain(&test, &cursor, &rows);
		else if (i == 1)
			status = reset();
		else if (i == 2)
			status = test.plugin->connection->open(test.database, &test.call, &connection,
							       &test.error);
		else
			status = test.plugin->transaction->rollback(test.connection, &test.call, &test.error);
		CU_ASSERT_EQUAL(status, CONSORT_ETIMEOUT);
		CU_ASSERT(milliseconds_since(start) >= 190 && milliseconds_since(start) < PATIENCE);
	}
	test.call.deadline = 0;
	servers_resume("postgres@session");
	adapter_end(&test, &cursor);
	OK(reset());
	OK(adapter_run(&test, ADAPTER_QUERY(.resource = "x", .select = "count(*)")));
	TESTING_TEXT(adapter_text(&test), "20000\n");
	adapter_close(&test);
}

/* An administrator's pg_terminate_backend. */
static void test_terminated(void)
{
	char sql[128];

	postgres_test_open(&test, NULL, NULL);
	OK(adapter_do(&test, "SELECT pg_backend_pid()"));
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%ld)", strtol(adapter_text(&test), NULL, 10));
	TESTING_TEXT(postgres_test_raw(sql), "t");
	FAILS(adapter_do(&test, "SELECT 1"), CONSORT_ECONNECTION);
	TESTING_TEXT(test.error.sqlstate, "57P01");
	CU_ASSERT(test.error.flags & CONSORT_ERROR_CONNECTION_DEAD);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_RETRYABLE);
	FAILS(reset(), CONSORT_ECONNECTION);
	CU_ASSERT(test.error.flags & CONSORT_ERROR_CONNECTION_DEAD);
	postgres_test_close(&test);
}

/* --- between users --- */

static void test_unknown_flags(void)
{
	postgres_test_open(&test, NULL, NULL);
	test.call.flags = CONSORT_CALL_NONBLOCK;
	FAILS(adapter_do(&test, "SELECT 1"), CONSORT_EUNSUPPORTED);
	test.call.flags = 0;
	OK(test.plugin->connection->ping(test.connection, &test.call, &test.error));
	postgres_test_close(&test);
}

/* A mess, and the connection as new. */
static void test_reset(void)
{
	struct adapter_cursor cursor;

	postgres_test_open(&test, "CREATE TABLE x(a integer)", NULL);
	OK(test.plugin->transaction->begin(test.connection, &test.call,
					   &(struct consort_transaction_options){
						   .struct_size = 32, .flags = CONSORT_TRANSACTION_READ_ONLY},
					   &test.error));
	OK(adapter_begin(&test, ADAPTER_QUERY(.resource = "x"), &cursor));
	OK(reset());
	adapter_end(&test, &cursor);
	OK(adapter_do(&test, "INSERT INTO x VALUES (1)"));
	OK(adapter_do(&test, "SELECT set_config('search_path', 'nowhere', false), set_config('timezone', "
			     "'Asia/Tokyo', false),"
			     " pg_advisory_lock(4711)"));
	OK(reset());
	OK(adapter_do(&test, "SELECT count(*), current_setting('timezone') FROM x"));
	TESTING_TEXT(adapter_text(&test), "1|UTC\n");
	TESTING_TEXT(postgres_test_raw("SELECT pg_try_advisory_lock(4711)"), "t");
	TESTING_TEXT(postgres_test_raw("SELECT pg_advisory_unlock(4711)"), "t");
	postgres_test_close(&test);
}

/* A child leaves the parent's session alone. */
static void test_fork(void)
{
	int status = 0;
	pid_t pid;

	postgres_test_open(&test, NULL, NULL);
	pid = fork();
	if (!pid) {
		test.plugin->connection->abandon(test.connection);
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	OK(adapter_do(&test, "SELECT 1"));
	postgres_test_close(&test);
}

/* What the server remarks goes to the log. */
static void test_notices(void)
{
	postgres_test_open(&test, NULL, NULL);
	OK(adapter_do(&test, "DO $$ BEGIN RAISE WARNING 'look here'; END $$"));
	TESTING_CONTAINS(test.log, "local: WARNING:  look here");
	postgres_test_close(&test);
}

/* --- native statements --- */

static void test_native(void)
{
	struct consort_args args = CONSORT_ARGS(consort_int64(7), consort_text("x"), consort_bool(1));
	int64_t affected = 77;

	postgres_test_open(
		&test,
		"CREATE TABLE x(id integer PRIMARY KEY, t text, at timestamptz, took interval);"
		"INSERT INTO x VALUES (1, 'a', '2024-01-01 00:00:00+00', '1 day'), (2, NULL, NULL, NULL)",
		NULL);
	OK(adapter_do(&test, "SELECT id, t, at, id * 1.5, count(*) OVER () AS n, NULL FROM x ORDER BY id  -- "
			     "and no more"));
	TESTING_TEXT(adapter_text(&test), "1|a|2024-01-01T00:00:00Z|1.50000000000000000000|2|NULL\n"
					  "2|NULL|NULL|3.00000000000000000000|2|NULL\n");
	/* with a type that has no counterpart all come as texts */
	OK(adapter_do(&test, "SELECT took, id, at, true, '\\x00ff'::bytea, 1.5::float8, '{\"a\":1}'::jsonb "
			     "FROM x ORDER BY id"));
	TESTING_TEXT(adapter_text(&test), "1 day|1|2024-01-01T00:00:00Z|true|\\x00ff|1.5|{\"a\":1}\n"
					  "NULL|2|NULL|true|\\x00ff|1.5|{\"a\":1}\n");
	OK(adapter_native(&test, "SELECT $2::text, $1::int, $1 + 1, NOT $3", args, &affected));
	TESTING_TEXT(adapter_text(&test), "x|7|8|false\n");
	OK(adapter_native(&test, "UPDATE x SET t = $2 WHERE id < $1", args, &affected));
	CU_ASSERT_EQUAL(affected, 2);
	OK(adapter_native(&test, "CREATE TABLE y(a integer)", CONSORT_NO_ARGS, &affected));
	OK(adapter_do(&test, "INSERT INTO x(id, t) VALUES (3, 'new') RETURNING id, t"));
	TESTING_TEXT(adapter_text(&test), "3|new\n");
	OK(adapter_do(&test, "WITH gone AS (DELETE FROM x WHERE id = 3 RETURNING id) SELECT * FROM gone"));
	TESTING_TEXT(adapter_text(&test), "3\n");
	OK(adapter_do(&test, "EXPLAIN SELECT 1"));
	OK(adapter_do(&test, "SHOW server_encoding"));
	TESTING_TEXT(adapter_text(&test), "UTF8\n");
	OK(adapter_native(&test, "SELECT $1::timestamptz",
			  CONSORT_ARGS(consort_text("2024-01-01T02:00:00+02:00")), &affected));
	TESTING_TEXT(adapter_text(&test), "2024-01-01T00:00:00Z\n");
	FAILS(adapter_native(&test, "SELECT $1::int", CONSORT_ARGS(consort_text("seven")), &affected),
	      CONSORT_ETYPE);
	TESTING_CONTAINS(test.error.message, "parameter $1");
	postgres_test_close(&test);
}

/* A statement that writes and returns rows has written when it is open, whatever is read of it. */
static void test_native_returning(void)
{
	struct consort_run run = {.struct_size = sizeof(run)};
	const struct consort_field *const *fields;
	uint32_t nfields;
	int64_t affected;
	void *cursor = NULL;

	postgres_test_open(&test, "CREATE TABLE x(id integer PRIMARY KEY)", NULL);
	OK(test.plugin->native->open(test.connection, &test.call,
				     "INSERT INTO x VALUES (1), (2), (3) RETURNING id", &run, &cursor,
				     &fields, &nfields, &affected, &test.error));
	TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "3");
	test.plugin->query->close(cursor);
	postgres_test_close(&test);
}

static void test_native_refused(void)
{
	static const struct {
		const char *sql, *message;
		uint32_t status;
	} cases[] = {
		{"SELECT 1; SELECT 2", "multiple commands", CONSORT_ESYNTAX},
		{"", "no statement", CONSORT_ESYNTAX},
		{" -- nothing", "no statement", CONSORT_ESYNTAX},
		{"SELECT $1::int", "parameter $1 is missing", CONSORT_EINVAL},
		{"BEGIN", "through Consort", CONSORT_EUNSUPPORTED},
		{"/* a /* b */ */ rollback", "through Consort", CONSORT_EUNSUPPORTED},
		{"SAVEPOINT a", "through Consort", CONSORT_EUNSUPPORTED},
		{"PREPARE TRANSACTION 'x'", "through Consort", CONSORT_EUNSUPPORTED},
		{"SET search_path = x", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"RESET ALL", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"CREATE TEMP TABLE x(a integer)", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"LISTEN x", "for whoever uses it next", CONSORT_EUNSUPPORTED},
		{"COPY x TO STDOUT", "COPY has no rows", CONSORT_EUNSUPPORTED},
		{"SELEC 1", "syntax error", CONSORT_ESYNTAX},
		{"SELECT a FROM nowhere", "does not exist", CONSORT_ENAME},
		{"SELECT 1 / 0", "division by zero", CONSORT_ERANGE},
		{"SELECT 'x'::integer", "invalid input syntax", CONSORT_ETYPE},
	};
	size_t i;

	postgres_test_open(&test, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CU_ASSERT_EQUAL(adapter_do(&test, cases[i].sql), cases[i].status);
		TESTING_CONTAINS(test.error.message, cases[i].message);
	}
	FAILS(adapter_do(&test, "SELECT a FROM nowhere"), CONSORT_ENAME);
	TESTING_TEXT(test.error.sqlstate, "42P01");
	CU_ASSERT_EQUAL(test.error.position, 15);
	OK(adapter_do(&test, "SELECT 1"));
	postgres_test_close(&test);
}

/* --- threads --- */

#define THREADS 4
#define ROUNDS 30

/* A connection of its own, over the same database: offers, compiles, reads and writes. */
static void *work(void *number)
{
	struct adapter_test own = test;
	char sql[128];
	int i;

	own.connection = NULL;
	memset(&own.text, 0, sizeof(own.text));
	consort_arena_init(&own.arena, 0);
	own.nresources = 0;
	if (own.plugin->connection->open(own.database, &own.call, &own.connection, &own.error))
		return "open";
	for (i = 0; i < ROUNDS; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO x VALUES (%d, 'a')", *(int *)number * 1000 + i);
		if (adapter_do(&own, sql) ||
		    adapter_run(&own, ADAPTER_QUERY(.resource = "x", .select = "count(*)",
						    .where = "id > 0 and t = 'a'")) ||
		    strtol(adapter_text(&own), NULL, 10) < i)
			return "round";
	}
	own.plugin->connection->close(own.connection, &own.call);
	consort_buffer_clear(&own.text);
	consort_arena_clear(&own.arena);
	return NULL;
}

static void test_threads(void)
{
	int numbers[THREADS], i;
	pthread_t ids[THREADS];
	void *failed;

	postgres_test_open(&test, "CREATE TABLE x(id integer PRIMARY KEY, t text)", NULL);
	for (i = 0; i < THREADS; i++) {
		numbers[i] = i + 1;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&ids[i], NULL, work, &numbers[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(ids[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	TESTING_TEXT(postgres_test_raw("SELECT count(*) FROM x"), "120");
	postgres_test_close(&test);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"connect", test_connect},
		{"secrets", test_secrets},
		{"info", test_info},
		{"read-only-role", test_read_only_role},
		{"lesser-servers", test_lesser_servers},
		{"deadline", test_deadline},
		{"cancel", test_cancel},
		{"stopped", test_stopped},
		{"terminated", test_terminated},
		{"unknown-flags", test_unknown_flags},
		{"reset", test_reset},
		{"fork", test_fork},
		{"notices", test_notices},
		{"native", test_native},
		{"native-returning", test_native_returning},
		{"native-refused", test_native_refused},
		{"threads", test_threads},
		{NULL, NULL},
	};
	int status = testing_main("postgres-session", cases, argc, argv);

	servers_remove("postgres-noprepare@session");
	servers_remove("postgres-standby@session");
	servers_remove("postgres@session");
	return status;
}
