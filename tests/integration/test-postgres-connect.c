/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to PostgreSQL that cannot be made, each with the reason, and without the password in any text;
 * and the same handle when they can.
 */
#include "postgres-server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <consort/buffer.h>

#define SERVER "postgres@connect"
#define SMALL "postgres-noprepare@connect" /* without TLS, and five connections */
#define SECRET "Zx9-secret-7Qw"

/* A manifest with these lines for its database, at the server. */
static const char *manifest(const char *server, const char *lines)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	servers_start(server);
	consort_buffer_printf(&text, "[database db]\ntype = postgres\nhost = 127.0.0.1\nport = %s\n%s\n",
			      servers_get(server, "PORT"), lines);
	return testing_keep(consort_buffer_steal(&text));
}

static const char *lines_for(const char *server, const char *user, const char *more)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	servers_start(server);
	consort_buffer_printf(&text, "dbname = consort\nuser = %s\npassword = %s\n%s",
			      servers_get(server, user), servers_get(server, "PASSWORD"), more);
	return testing_keep(consort_buffer_steal(&text));
}

static enum consort_status ask(struct consort *c, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_native(c, "db", "SELECT 7", CONSORT_NO_ARGS, &rows, NULL, error);

	if (status) {
		TESTING_TEXT(error->origin, "db");
		return status;
	}
	TESTING_TEXT(api_read(rows, error), "7");
	consort_cursor_close(rows);
	return CONSORT_OK;
}

static void answers(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(ask(c, &error));
}

/* --- nobody there --- */

static void test_no_server(void)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = api_open(postgres_manifest(SERVER, proxy, NULL));
	struct consort_error error = CONSORT_ERROR_INIT;

	proxy_refuse(proxy, true);
	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	TESTING_CONTAINS(consort_error_text(&error), "127.0.0.1");
	TESTING_CONTAINS(consort_error_text(&error), "Connection refused");
	proxy_refuse(proxy, false);
	answers(c);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_no_socket(void)
{
	char lines[256];
	struct consort *c;
	struct consort_error error = CONSORT_ERROR_INIT;

	snprintf(lines, sizeof(lines), "[database db]\ntype = postgres\nhost = %s\nport = 5432\n",
		 testing_folder());
	c = api_open(lines);
	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
	TESTING_CONTAINS(consort_error_text(&error), testing_folder());
	consort_close(c);
}

static void test_unknown_database(void)
{
	const char *lines = lines_for(SERVER, "USER", "");
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c;

	consort_buffer_printf(&text, "dbname = elsewhere\n%s", lines + strlen("dbname = consort\n"));
	c = api_open(manifest(SERVER, text.data));
	consort_buffer_clear(&text);
	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.sqlstate, "3D000");
	TESTING_CONTAINS(consort_error_text(&error), "\"elsewhere\" does not exist");
	postgres_ask(SERVER, "ADMIN_DSN", "CREATE DATABASE elsewhere");
	answers(c);
	consort_close(c);
	postgres_ask(SERVER, "ADMIN_DSN", "DROP DATABASE elsewhere WITH (FORCE)");
}

/* --- not let in --- */

static struct {
	pthread_mutex_t lock;
	struct consort_buffer text;
} logged = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_log(void *context, uint32_t level, const char *origin, const char *text)
{
	(void)context;
	(void)level;
	pthread_mutex_lock(&logged.lock);
	consort_buffer_printf(&logged.text, "%s: %s\n", origin, text);
	pthread_mutex_unlock(&logged.lock);
}

static enum consort_status take_info(void *context, const struct consort_database_info *info)
{
	uint32_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(info->error);
	CU_ASSERT_EQUAL(info->error->status, *(uint32_t *)context);
	CU_ASSERT_PTR_NULL(memmem(info->error, sizeof(*info->error), SECRET, strlen(SECRET)));
	for (i = 0; i < info->noptions; i++) {
		const struct consort_view view = info->options[i].value.as.view;

		if (info->options[i].value.type.id == CONSORT_TYPE_TEXT)
			CU_ASSERT_PTR_NULL(memmem(view.data, view.size, SECRET, strlen(SECRET)));
	}
	return CONSORT_OK;
}

/* A password in whatever place, which is wrong until the server takes it. */
static void wrong_password(const char *lines)
{
	struct consort_open_options options = {
		.struct_size = sizeof(options), .log = take_log, .log_level = CONSORT_LOG_DEBUG};
	struct consort_error error = CONSORT_ERROR_INIT;
	uint32_t expected = CONSORT_EAUTH;
	struct consort *c = NULL;

	options.path = testing_write("consort.ini", manifest(SERVER, lines));
	postgres_ask(SERVER, "ADMIN_DSN", "DROP ROLE IF EXISTS guest");
	postgres_ask(SERVER, "ADMIN_DSN", "CREATE ROLE guest LOGIN PASSWORD 'another'");
	API_OK(consort_open_with(&options, &c, &error));
	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_EAUTH);
	TESTING_TEXT(error.sqlstate, "28P01");
	TESTING_CONTAINS(consort_error_text(&error), "guest");
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	CU_ASSERT_PTR_NULL(memmem(&error, sizeof(error), SECRET, strlen(SECRET)));
	API_OK(consort_databases(c, NULL, 1, take_info, &expected, &error));
	postgres_ask(SERVER, "ADMIN_DSN", "ALTER ROLE guest PASSWORD '" SECRET "'");
	answers(c);
	consort_close(c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(logged.text.data);
	CU_ASSERT_PTR_NULL(strstr(logged.text.data, SECRET));
	consort_buffer_clear(&logged.text);
}

static void test_wrong_password(void)
{
	wrong_password("dbname = consort\nuser = guest\npassword = " SECRET);
}

static void test_wrong_password_of_environment(void)
{
	setenv("CONSORT_TEST_SECRET", SECRET, 1);
	wrong_password("dbname = consort\nuser = guest\npassword = ${env:CONSORT_TEST_SECRET}");
}

static void test_wrong_password_in_keywords(void)
{
	wrong_password("dsn = dbname=consort user=guest password=" SECRET);
}

static void test_wrong_password_in_uri(void)
{
	wrong_password("dsn = postgresql://guest:" SECRET "@/consort");
}

/* What libpq reads by itself is no option of the manifest, and no text either. */
static void test_wrong_password_in_passfile(void)
{
	char lines[256];
	const char *path = testing_write("passfile", "*:*:*:*:" SECRET "\n");

	chmod(path, 0600);
	snprintf(lines, sizeof(lines), "dbname = consort\nuser = guest\npassfile = %s", path);
	wrong_password(lines);
}

static void test_no_password(void)
{
	struct consort *c = api_open(manifest(SERVER, "dbname = consort\nuser = consort"));
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_EAUTH);
	TESTING_CONTAINS(consort_error_text(&error), "password");
	consort_close(c);
}

/* A dsn that libpq cannot read is not shown, since it may hold a password. */
static void test_broken_dsn(void)
{
	const char *path = testing_write(
		"consort.ini", "[database db]\ntype = postgres\ndsn = postgresql://guest:" SECRET "@[::1\n");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;

	CU_ASSERT_EQUAL(consort_open(path, &c, &error), CONSORT_EVALUE);
	TESTING_CONTAINS(consort_error_text(&error), "dsn");
	CU_ASSERT_PTR_NULL(memmem(&error, sizeof(error), SECRET, strlen(SECRET)));
	consort_close(c);
}

/* --- options that libpq does not take --- */

/* They are told with the line, when the manifest is opened. */
static void refuse_option(const char *lines, const char *message)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort *c = NULL;
	const char *path;

	consort_buffer_printf(&text, "[database db]\ntype = postgres\n%s\n", lines);
	path = testing_write("consort.ini", text.data);
	consort_buffer_clear(&text);
	CU_ASSERT_EQUAL(consort_open(path, &c, &error), CONSORT_EVALUE);
	CU_ASSERT(!(error.flags & CONSORT_ERROR_RETRYABLE));
	TESTING_CONTAINS(consort_error_text(&error), message);
	CU_ASSERT_PTR_NULL(memmem(&error, sizeof(error), SECRET, strlen(SECRET)));
	consort_close(c);
}

static void test_broken_options(void)
{
	setenv("PGSERVICEFILE",
	       testing_write("services.conf", "[there]\nport=abc\n[broken]\nsslmode=never\n"), 1);
	refuse_option("host = 127.0.0.1\nport = abc", "consort.ini:4: database 'db': option 'port': 'abc' is "
						      "no port: give a number from 1 to 65535");
	refuse_option("port = 65536", "consort.ini:3: database 'db': option 'port': '65536' is no port");
	refuse_option("port = -1", "option 'port': '-1' is no port");
	refuse_option("host = a,b,c\nport = 1,2",
		      "consort.ini:4: database 'db': option 'port': could not match");
	refuse_option("host = a,b\nhostaddr = 127.0.0.1", "option 'host': ");
	refuse_option("service = nowhere", "consort.ini:3: database 'db': option 'service': ");
	refuse_option("service = nowhere", "\"nowhere\" not found");
	refuse_option("service = broken", "option 'service': invalid sslmode value: \"never\"");
	refuse_option("service = there", "port 'abc', of the environment or a service file, is no port");
	refuse_option("user = me\nssl_min_protocol_version = old",
		      "consort.ini:4: database 'db': option 'ssl_min_protocol_version': ");
	refuse_option("sslmode = verify-full\nsslrootcert = nowhere.pem",
		      "consort.ini:4: database 'db': option 'sslrootcert': '");
	setenv("PGPORT", "def", 1);
	refuse_option("host = 127.0.0.1", "consort.ini:1: database 'db': port 'def', of the environment");
}

/* What stands in a dsn is not told: one that is misspelt may have the password anywhere. */
static void test_broken_parts(void)
{
	refuse_option("dsn = host=127.0.0.1 port=" SECRET,
		      "consort.ini:3: database 'db': option 'dsn': its part 'port'");
	refuse_option("dsn = postgresql://" SECRET ":" SECRET "/x", "option 'dsn': its part 'port'");
	refuse_option("dsn = sslmode=" SECRET, "option 'dsn': its part 'sslmode'");
	refuse_option("dsn = service=" SECRET, "option 'dsn': its part 'service'");
	refuse_option("dsn = keepalives_idle=" SECRET, "option 'dsn': its part 'keepalives_idle'");
	refuse_option("dsn = connect_timeout=5s", "option 'dsn': its part 'connect_timeout'");
	refuse_option("dsn = target_session_attrs=" SECRET, "option 'dsn': its part 'target_session_attrs'");
}

/* --- nobody answers --- */

static void try_silent(struct proxy *proxy, const char *lines, int64_t within, const char *passed)
{
	struct consort *c = api_open(postgres_manifest(SERVER, proxy, lines));
	struct consort *scope = items_within(c, within);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(ask(scope, &error), CONSORT_ETIMEOUT);
	TESTING_CONTAINS(consort_error_text(&error), passed);
	consort_close(scope);
	consort_close(c);
}

/* An option stands over the dsn, and the dsn over what holds if neither says anything. */
static void test_connect_timeout(void)
{
	struct proxy *proxy = postgres_proxy(SERVER);

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_SILENT, .ways = PROXY_BOTH});
	try_silent(proxy, "dsn = connect_timeout=1", 20000, "the connect_timeout passed");
	try_silent(proxy, "connect_timeout = 50ms\ndsn = connect_timeout=60", 20000,
		   "the connect_timeout passed");
	try_silent(proxy, "dsn = connect_timeout=-1", 100, "the deadline passed");
	try_silent(proxy, "connect_timeout = 0\ndsn = connect_timeout=1", 1500, "the deadline passed");
	proxy_stop(proxy);
}

/* --- TLS --- */

static void try_tls(const char *server, const char *user, const char *lines, enum consort_status expected,
		    const char *message)
{
	struct consort *c = api_open(manifest(server, lines_for(server, user, lines)));
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(ask(c, &error), expected);
	if (message)
		TESTING_CONTAINS(consort_error_text(&error), message);
	consort_close(c);
}

static void test_tls_required(void)
{
	try_tls(SERVER, "TLS_USER", "sslmode = disable", CONSORT_EAUTH, "no encryption");
	try_tls(SERVER, "TLS_USER", "sslmode = require", CONSORT_OK, NULL);
	try_tls(SERVER, "TLS_USER", "sslmode = prefer", CONSORT_OK, NULL);
}

static void test_tls_refused(void)
{
	try_tls(SERVER, "PLAIN_USER", "sslmode = require", CONSORT_EAUTH, "SSL encryption");
	try_tls(SERVER, "PLAIN_USER", "sslmode = disable", CONSORT_OK, NULL);
	try_tls(SERVER, "PLAIN_USER", "sslmode = prefer", CONSORT_OK, NULL);
	try_tls(SMALL, "USER", "sslmode = require", CONSORT_ECONNECTION, "does not support SSL");
}

/* The other server's certificate is another one. */
static void test_tls_unverified(void)
{
	char lines[512];

	servers_start(SMALL);
	servers_start(SERVER);
	snprintf(lines, sizeof(lines), "sslmode = verify-full\nsslrootcert = %s",
		 servers_get(SMALL, "SSLROOTCERT"));
	try_tls(SERVER, "TLS_USER", lines, CONSORT_ECONNECTION, "certificate");
	snprintf(lines, sizeof(lines), "sslmode = verify-full\nsslrootcert = %s",
		 servers_get(SERVER, "SSLROOTCERT"));
	try_tls(SERVER, "TLS_USER", lines, CONSORT_OK, NULL);
}

/* --- no room --- */

static void test_too_many(void)
{
	struct consort *c = postgres_items(SMALL, NULL, "pool.acquire_timeout = 3s");
	struct consort *other = api_open(manifest(SMALL, lines_for(SMALL, "USER", "")));
	struct consort_plan *plan = postgres_plan_many(c, false);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows[5] = {NULL};
	size_t i;

	for (i = 0; i < 5; i++)
		API_OK(consort_plan_run(c, plan, CONSORT_NO_ARGS, &rows[i], &error));
	CU_ASSERT_EQUAL(ask(other, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.sqlstate, "53300");
	CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
	/* the pool is not full, and cannot grow */
	CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
	TESTING_TEXT(error.sqlstate, "53300");
	consort_cursor_close(rows[0]);
	answers(c);
	consort_close(c);
	for (i = 1; i < 5; i++)
		consort_cursor_close(rows[i]);
	consort_plan_free(plan);
	answers(other);
	consort_close(other);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"no-server", test_no_server},
		{"no-socket", test_no_socket},
		{"unknown-database", test_unknown_database},
		{"wrong-password", test_wrong_password},
		{"wrong-password-of-environment", test_wrong_password_of_environment},
		{"wrong-password-in-keywords", test_wrong_password_in_keywords},
		{"wrong-password-in-uri", test_wrong_password_in_uri},
		{"wrong-password-in-passfile", test_wrong_password_in_passfile},
		{"no-password", test_no_password},
		{"broken-dsn", test_broken_dsn},
		{"broken-options", test_broken_options},
		{"broken-parts", test_broken_parts},
		{"connect-timeout", test_connect_timeout},
		{"tls-required", test_tls_required},
		{"tls-refused", test_tls_refused},
		{"tls-unverified", test_tls_unverified},
		{"too-many", test_too_many},
		{NULL, NULL},
	};
	int result = testing_main("postgres-connect", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(SMALL);
	return result;
}
