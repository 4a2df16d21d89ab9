/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host is connected to: names that a resolver knows, does not know, or does not answer for; lists of
 * hosts of which some cannot be reached, do not answer, or are of another kind than is wanted.
 */
#include "postgres-server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <consort/buffer.h>

#include "resolver.h"

#define SERVER "postgres@hosts"
#define STANDBY "postgres-standby@hosts"

/* A manifest with a user who needs no TLS, and these lines for its database. */
static struct consort *open_with(const char *lines)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort *c;

	servers_start(SERVER);
	consort_buffer_printf(&text, "[database db]\ntype = postgres\nuser = %s\ndbname = consort\n%s\n",
			      servers_get(SERVER, "USER"), lines);
	c = api_open(text.data);
	consort_buffer_clear(&text);
	return c;
}

/* "host = HOST", the server's port and the password. */
static struct consort *open_host(const char *host, const char *more)
{
	char lines[512];

	servers_start(SERVER);
	snprintf(lines, sizeof(lines), "host = %s\nport = %s\npassword = %s\n%s", host,
		 servers_get(SERVER, "PORT"), servers_get(SERVER, "PASSWORD"), more);
	return open_with(lines);
}

/* Two places, which are proxies. */
static struct consort *open_two(const struct proxy *first, const struct proxy *second, const char *more)
{
	char lines[512];

	snprintf(lines, sizeof(lines), "host = 127.0.0.1,127.0.0.1\nport = %u,%u\npassword = %s\n%s",
		 proxy_port(first), proxy_port(second), servers_get(SERVER, "PASSWORD"), more);
	return open_with(lines);
}

/* The answer to a question, or "status N: …" */
static const char *ask(struct consort *c, const char *sql)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	const char *text;

	if (consort_native(c, "db", sql, CONSORT_NO_ARGS, &rows, NULL, &error))
		return api_error(&error);
	text = api_read(rows, &error);
	consort_cursor_close(rows);
	return text;
}

static void answers(struct consort *c)
{
	TESTING_TEXT(ask(c, "SELECT 7"), "7");
}

/* --- a resolver that does not answer --- */

/* The deadline passes while the resolver still thinks. */
static void times_out(struct consort *c)
{
	struct consort *scope = items_within(c, 100);

	resolver_set("db.test", "127.0.0.1");
	resolver_silent(true);
	TESTING_CONTAINS(ask(scope, "SELECT 7"), "looking up host 'db.test': the deadline passed");
	CU_ASSERT(resolver_waiting() > 0);
	consort_close(scope);
	resolver_silent(false);
	answers(c);
	consort_close(c);
}

static void test_silent(void)
{
	times_out(open_host("db.test", ""));
}

/* The name comes from where libpq looks for it. */
static void test_silent_in_dsn(void)
{
	char lines[256];

	servers_start(SERVER);
	snprintf(lines, sizeof(lines), "dsn = host=db.test port=%s password=%s", servers_get(SERVER, "PORT"),
		 servers_get(SERVER, "PASSWORD"));
	times_out(open_with(lines));
	snprintf(lines, sizeof(lines), "dsn = postgresql://:%s@db.test:%s/consort",
		 servers_get(SERVER, "PASSWORD"), servers_get(SERVER, "PORT"));
	times_out(open_with(lines));
}

static void test_silent_in_service(void)
{
	char text[256];

	servers_start(SERVER);
	snprintf(text, sizeof(text), "[here]\nhost=db.test\nport=%s\npassword=%s\n",
		 servers_get(SERVER, "PORT"), servers_get(SERVER, "PASSWORD"));
	setenv("PGSERVICEFILE", testing_write("services.conf", text), 1);
	times_out(open_with("service = here"));
}

static void test_silent_in_environment(void)
{
	servers_start(SERVER);
	setenv("PGHOST", "db.test", 1);
	setenv("PGPORT", servers_get(SERVER, "PORT"), 1);
	setenv("PGPASSWORD", servers_get(SERVER, "PASSWORD"), 1);
	times_out(open_with(""));
}

static void *cancel(void *token)
{
	CU_ASSERT(resolver_wait());
	consort_cancel_fire(token);
	return NULL;
}

static void test_silent_and_cancelled(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cancel *token = consort_cancel_new();
	struct consort_scope_options options = {.struct_size = sizeof(options)};
	struct consort *c = open_host("db.test", ""), *scope = NULL;
	pthread_t thread;

	CU_ASSERT_PTR_NOT_NULL_FATAL(token);
	options.cancel = token;
	API_OK(consort_scope(c, &options, &scope, &error));
	resolver_silent(true);
	pthread_create(&thread, NULL, cancel, token);
	TESTING_CONTAINS(ask(scope, "SELECT 7"), "cancelled");
	CU_ASSERT(resolver_waiting() > 0);
	pthread_join(thread, NULL);
	resolver_silent(false);
	consort_close(scope);
	consort_cancel_free(token);
	consort_close(c);
}

/* connect_timeout is for each host's name, too. */
static void test_silent_and_another(void)
{
	struct consort *c = open_host("db.test,127.0.0.1", "connect_timeout = 100ms");

	resolver_silent(true);
	answers(c);
	consort_close(c);
	c = open_host("127.0.0.1,db.test", ""); /* nobody asks for the second one */
	answers(c);
	consort_close(c);
	resolver_silent(false);
}

/* --- names --- */

static void test_unknown(void)
{
	struct consort *c = open_host("none.test", "");

	TESTING_CONTAINS(ask(c, "SELECT 7"), "status 12: ");
	TESTING_CONTAINS(ask(c, "SELECT 7"), "host 'none.test' cannot be looked up");
	consort_close(c);
	c = open_host("none.test,127.0.0.1", "");
	answers(c);
	consort_close(c);
}

/* The server listens at one address only. */
static void test_addresses(void)
{
	struct consort *c;

	resolver_set("db.test", "127.0.0.2 ::1 127.0.0.1");
	c = open_host("db.test", "");
	answers(c);
	consort_close(c);
	resolver_set("db.test", "127.0.0.2 127.0.0.3");
	c = open_host("db.test", "");
	TESTING_CONTAINS(ask(c, "SELECT 7"), "127.0.0.2");
	TESTING_CONTAINS(ask(c, "SELECT 7"), "127.0.0.3");
	consort_close(c);
}

/* Certificates are for names, and so are lines of a password file. */
static void test_name_is_kept(void)
{
	char lines[512], line[128];
	struct consort *c;
	const char *path;

	servers_start(SERVER);
	resolver_set("db.test", "127.0.0.1");
	snprintf(lines, sizeof(lines), "sslmode = verify-full\nsslrootcert = %s",
		 servers_get(SERVER, "SSLROOTCERT"));
	snprintf(line, sizeof(line), "db.test:*:*:*:%s\n", servers_get(SERVER, "PASSWORD"));
	path = testing_write("passfile", line);
	chmod(path, 0600);
	c = open_host("localhost", lines);
	answers(c);
	consort_close(c);
	c = open_host("db.test", lines);
	TESTING_CONTAINS(ask(c, "SELECT 7"), "\"db.test\"");
	consort_close(c);
	snprintf(lines, sizeof(lines), "host = db.test\nport = %s\npassfile = %s",
		 servers_get(SERVER, "PORT"), path);
	c = open_with(lines);
	answers(c);
	consort_close(c);
}

/* --- lists --- */

static void test_swallowed_and_another(void)
{
	const struct proxy_fault silent = {.kind = PROXY_SILENT, .ways = PROXY_BOTH};
	struct proxy *first = postgres_proxy(SERVER), *second = postgres_proxy(SERVER);
	struct consort *c = open_two(first, second, "connect_timeout = 200ms"), *scope;

	proxy_set(first, &silent);
	answers(c);
	CU_ASSERT(proxy_accepted(first) > 0);
	consort_close(c);
	/* a deadline is for all of them */
	c = open_two(first, second, "connect_timeout = 1m");
	scope = items_within(c, 200);
	TESTING_CONTAINS(ask(scope, "SELECT 7"), "the deadline passed");
	consort_close(scope);
	consort_close(c);
	/* each is told */
	c = open_two(first, second, "connect_timeout = 200ms");
	proxy_refuse(second, true);
	TESTING_CONTAINS(ask(c, "SELECT 7"), "the connect_timeout passed; then: ");
	TESTING_CONTAINS(ask(c, "SELECT 7"), "Connection refused");
	consort_close(c);
	proxy_stop(first);
	proxy_stop(second);
}

/* A server that refuses has spoken for all. */
static void test_refused(void)
{
	struct proxy *first = postgres_proxy(SERVER), *second = postgres_proxy(SERVER);
	struct consort *c = open_two(first, second, "options = -c nonsense=1");

	TESTING_CONTAINS(ask(c, "SELECT 7"), "nonsense");
	CU_ASSERT_EQUAL(proxy_accepted(second), 0);
	consort_close(c);
	c = open_two(first, second, "");
	proxy_refuse(first, true);
	answers(c);
	CU_ASSERT_EQUAL(proxy_accepted(second), 1);
	consort_close(c);
	proxy_stop(first);
	proxy_stop(second);
}

/* Does a session of that kind stand by? */
static void check_kind(const char *first, const char *second, const char *kind, const char *expected)
{
	char lines[512];
	struct consort *c;

	snprintf(lines, sizeof(lines), "host = 127.0.0.1,127.0.0.1\nport = %s,%s\npassword = %s\n%s%s",
		 servers_get(first, "PORT"), servers_get(second, "PORT"), servers_get(SERVER, "PASSWORD"),
		 *kind ? "target_session_attrs = " : "", kind);
	c = open_with(lines);
	TESTING_CONTAINS(ask(c, "SELECT pg_is_in_recovery()"), expected);
	consort_close(c);
}

static void test_kinds(void)
{
	servers_start(SERVER);
	servers_start(STANDBY);
	check_kind(STANDBY, SERVER, "", "true");
	check_kind(STANDBY, SERVER, "read-write", "false");
	check_kind(STANDBY, SERVER, "primary", "false");
	check_kind(SERVER, STANDBY, "standby", "true");
	check_kind(SERVER, STANDBY, "read-only", "true");
	check_kind(SERVER, STANDBY, "prefer-standby", "true");
	check_kind(SERVER, SERVER, "prefer-standby", "false");
	check_kind(SERVER, SERVER, "standby", "status 12: ");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"silent", test_silent},
		{"silent-in-dsn", test_silent_in_dsn},
		{"silent-in-service", test_silent_in_service},
		{"silent-in-environment", test_silent_in_environment},
		{"silent-and-cancelled", test_silent_and_cancelled},
		{"silent-and-another", test_silent_and_another},
		{"unknown", test_unknown},
		{"addresses", test_addresses},
		{"name-is-kept", test_name_is_kept},
		{"swallowed-and-another", test_swallowed_and_another},
		{"refused", test_refused},
		{"kinds", test_kinds},
		{NULL, NULL},
	};
	int result = testing_main("postgres-hosts", cases, argc, argv);

	servers_remove(STANDBY);
	servers_remove(SERVER);
	return result;
}
