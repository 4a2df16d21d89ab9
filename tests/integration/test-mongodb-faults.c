/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong with a MongoDB server, or on the way to it: the error says what is known, waits end in
 * time, and the next call finds a connection that works.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <consort/buffer.h>

#include "api.h"
#include "items.h"
#include "proxy.h"
#include "servers.h"

#define ALONE "mongodb@mongofaults"
#define SET "mongodb-rs@mongofaults"
#define SOON (30 * 1000 * MILLISECOND) /* far more than it takes, and far less than for ever */
#define MANY 20000

/* A manifest with items at a server, or at a proxy before it; `lines` are options of the database. */
static struct consort *open_at(const char *server, const struct proxy *proxy, const char *lines, int count)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort *c;

	if (proxy)
		consort_buffer_printf(&text,
				      "[database db]\ntype = mongodb\nuri = "
				      "\"mongodb://127.0.0.1:%u/?directConnection=true\"\n",
				      proxy_port(proxy));
	else
		consort_buffer_printf(&text, "[database db]\ntype = mongodb\nuri = \"%s\"\n",
				      servers_get(server, "URI"));
	consort_buffer_printf(&text, "dbname = faults\n%s\n%s", lines ? lines : "", ITEMS_RESOURCES);
	c = count < 0 ? api_open(text.data) : items_open(text.data, count);
	consort_buffer_clear(&text);
	return c;
}

static struct consort *open_items(const char *server, const struct proxy *proxy, int count)
{
	servers_start(server);
	return open_at(server, proxy, NULL, count);
}

static struct proxy *open_proxy(const char *server)
{
	char address[64];

	servers_start(server);
	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(server, "PORT"));
	return proxy_start(address, NULL);
}

/* The pool heals by itself: this succeeds as the first call after a fault. */
static void works(struct consort *c)
{
	TESTING_TEXT(api_find(c, "item", "id, s", "id <= 3", "id"), "1,s1;2,s2;3,s3");
}

static enum consort_status create(struct consort *c, int64_t id, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(c, "item");
	enum consort_status status;

	consort_record_set(r, "id", consort_int64(id));
	consort_record_set(r, "s", consort_text("new"));
	status = consort_create(c, r, error);
	consort_record_free(r);
	return status;
}

static struct consort *within(struct consort *c, int64_t milliseconds)
{
	const struct consort_scope_options options = {.struct_size = sizeof(options),
						      .timeout = milliseconds * MILLISECOND};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *scope = NULL;

	API_OK(consort_scope(c, &options, &scope, &error));
	return scope;
}

static void run(struct consort *c, const char *command)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	API_OK(consort_native(c, "db", command, CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
}

/* --- killed --- */

static void test_killed_in_scan(void)
{
	struct consort *c = open_items(ALONE, NULL, MANY);
	struct consort_query *q = consort_query_new(c, "item");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	int64_t count = 0;

	API_OK(consort_query_run(q, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_TRUE(consort_cursor_next(rows, &error));
	servers_kill(ALONE);
	while (consort_cursor_next(rows, &error))
		count++;
	CU_ASSERT_EQUAL(consort_cursor_status(rows), CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(count < MANY - 1);
	consort_cursor_close(rows);
	consort_query_free(q);
	servers_start(ALONE);
	works(c);
	consort_close(c);
}

/* The server is gone before a write is sent, or while its answer is on the way. */
static void test_killed_in_write(void)
{
	static const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .ways = PROXY_BOTH, .trigger = PROXY_TO_SERVER, .after_text = "insert"};
	struct proxy *proxy = open_proxy(ALONE);
	struct consort *c = open_items(ALONE, proxy, 3);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	enum consort_status status;

	works(c);
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(create(c, 100, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	works(c);
	/* what became of it can be found out */
	status = consort_get(c, "item", CONSORT_ARGS(consort_int64(100)), &r, &error);
	CU_ASSERT_TRUE(status == CONSORT_OK || status == CONSORT_ENOTFOUND);
	consort_record_free(r);
	API_OK(create(c, 101, &error));
	consort_close(c);
	proxy_stop(proxy);
}

/* In a transaction everybody knows: nothing happened. */
static void test_killed_in_transaction(void)
{
	struct consort *c = open_items(SET, NULL, 3), *in = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(create(in, 100, &error));
	servers_kill(SET);
	CU_ASSERT_EQUAL(create(in, 101, &error), CONSORT_ECONNECTION);
	CU_ASSERT_TRUE(error.flags & CONSORT_ERROR_RETRYABLE);
	consort_rollback(in, &error);
	servers_start(SET);
	TESTING_TEXT(api_find(c, "item", "count(*)", "id >= 100", NULL), "0");
	consort_close(c);
}

static void test_killed_in_commit(void)
{
	static const struct proxy_fault fault = {.kind = PROXY_CLOSE,
						 .ways = PROXY_BOTH,
						 .trigger = PROXY_TO_SERVER,
						 .after_text = "commitTransaction"};
	struct proxy *proxy = open_proxy(SET);
	struct consort *c = open_items(SET, proxy, 3), *in = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_begin(c, "db", &in, &error));
	API_OK(create(in, 100, &error));
	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(consort_commit(in, NULL, &error), CONSORT_EINDOUBT);
	proxy_pass(proxy);
	works(c);
	consort_close(c);
	proxy_stop(proxy);
}

/* --- silent --- */

/* Nothing is heard of a server that is stopped; the deadline ends the wait. */
static void test_stopped(void)
{
	struct consort *c = open_items(ALONE, NULL, 3), *scope;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	int64_t start;

	works(c);
	servers_pause(ALONE);
	scope = within(c, 300);
	start = items_now();
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	CU_ASSERT_EQUAL(create(scope, 100, &error), CONSORT_ETIMEOUT);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	servers_resume(ALONE);
	works(c);
	consort_close(scope);
	consort_close(c);
}

static void *cancel_soon(void *token)
{
	usleep(100 * 1000);
	consort_cancel_fire(token);
	return NULL;
}

/* A cancel from another thread ends the wait too, though there is no deadline. */
static void test_cancelled(void)
{
	struct consort *c = open_items(ALONE, NULL, 3), *scope = NULL;
	struct consort_cancel *token = consort_cancel_new();
	struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = token};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;
	pthread_t thread;

	API_OK(consort_scope(c, &options, &scope, &error));
	works(scope);
	servers_pause(ALONE);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_soon, token), 0);
	CU_ASSERT_EQUAL(consort_get(scope, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	servers_resume(ALONE);
	works(c);
	consort_close(scope);
	consort_close(c);
	consort_cancel_free(token);
}

/* What a call that was given up does at the server ends there, too. */
static void test_ended_at_server(void)
{
	static const char slow[] =
		"{\"find\": \"item\", \"filter\": {\"$where\": \"sleep(100000) || true\"}}";
	static const char asked[] = "[{\"$currentOp\": {}}, {\"$match\": {\"command.find\": \"item\", "
				    "\"command.filter.$where\": {\"$exists\": true}}}]";
	struct consort *c = open_items(ALONE, NULL, 3), *scope = within(c, 300), *admin;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_cursor *rows = NULL;
	int64_t end = items_now() + SOON;
	bool found = true;

	CU_ASSERT_EQUAL(consort_native(scope, "db", slow, CONSORT_NO_ARGS, &rows, NULL, &error),
			CONSORT_ETIMEOUT);
	consort_buffer_printf(&text, "[database db]\ntype = mongodb\nuri = \"%s\"\ndbname = admin\n",
			      servers_get(ALONE, "URI"));
	admin = api_open(text.data);
	consort_buffer_clear(&text);
	while (found && items_now() < end) {
		API_OK(consort_native(admin, "db", asked, CONSORT_NO_ARGS, &rows, NULL, &error));
		found = consort_cursor_next(rows, &error);
		consort_cursor_close(rows);
	}
	CU_ASSERT_FALSE(found);
	works(c);
	consort_close(admin);
	consort_close(scope);
	consort_close(c);
}

/* --- the way --- */

/* An answer that is cut off is no answer. */
static void test_truncated(void)
{
	static const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .ways = PROXY_BOTH, .trigger = PROXY_TO_CLIENT, .after_bytes = 3000};
	struct proxy *proxy = open_proxy(ALONE);
	struct consort *c = open_items(ALONE, proxy, MANY);
	struct consort_query *q = consort_query_new(c, "item");

	works(c);
	proxy_set(proxy, &fault);
	TESTING_CONTAINS(api_rows(q, CONSORT_NO_ARGS), "status 12: ");
	proxy_pass(proxy);
	works(c);
	consort_query_free(q);
	consort_close(c);
	proxy_stop(proxy);
}

static void test_refused(void)
{
	struct proxy *proxy = open_proxy(ALONE);
	struct consort *c = open_items(ALONE, proxy, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	proxy_refuse(proxy, true);
	proxy_reset(proxy);
	other = within(c, 500);
	CU_ASSERT_NOT_EQUAL(consort_get(other, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			    CONSORT_OK);
	proxy_refuse(proxy, false);
	works(c);
	consort_close(other);
	consort_close(c);
	proxy_stop(proxy);
}

/* --- who we are --- */

static void make_user(struct consort *c, const char *name, const char *role)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "{\"createUser\": \"%s\", \"pwd\": \"s3cret\", \"roles\": [{\"role\": \"%s\", \"db\": "
		 "\"faults\"}]}",
		 name, role);
	run(c, command);
}

static void test_wrong_password(void)
{
	struct consort *c = open_items(ALONE, NULL, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_record *r = NULL;

	make_user(c, "somebody", "readWrite");
	other = open_at(ALONE, NULL, "user = somebody\npassword = s3cret-not\nauth_source = faults", -1);
	CU_ASSERT_EQUAL(consort_get(other, "item", CONSORT_ARGS(consort_int64(1)), &r, &error),
			CONSORT_EAUTH);
	CU_ASSERT_PTR_NULL(strstr(error.message, "s3cret"));
	consort_close(other);
	other = open_at(ALONE, NULL, "user = somebody\npassword = s3cret\nauth_source = faults", -1);
	works(other);
	consort_close(other);
	run(c, "{\"dropUser\": \"somebody\"}");
	consort_close(c);
}

/* A role that only reads has no writes to offer, and a reason. */
static void test_reader(void)
{
	struct consort *c = open_items(ALONE, NULL, 3), *other;
	struct consort_error error = CONSORT_ERROR_INIT;

	make_user(c, "reader", "read");
	other = open_at(ALONE, NULL, "user = reader\npassword = s3cret\nauth_source = faults", -1);
	works(other);
	CU_ASSERT_EQUAL(create(other, 100, &error), CONSORT_EUNSUPPORTED);
	TESTING_CONTAINS(error.message, "roles do not let it insert");
	consort_close(other);
	run(c, "{\"dropUser\": \"reader\"}");
	consort_close(c);
}

/* Without a primary nothing is written, and nothing is waited for beyond what the URI says. */
static void test_no_primary(void)
{
	struct consort *c = open_items(SET, NULL, 3), *admin, *scope = within(c, 500);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start = items_now();

	consort_buffer_printf(&text,
			      "[database db]\ntype = mongodb\nuri = "
			      "\"mongodb://127.0.0.1:%s/?directConnection=true\"\ndbname = admin\n",
			      servers_get(SET, "PORT"));
	admin = api_open(text.data);
	consort_buffer_clear(&text);
	run(admin, "{\"replSetStepDown\": 60, \"force\": true}");
	CU_ASSERT_NOT_EQUAL(create(scope, 100, &error), CONSORT_OK);
	CU_ASSERT_NOT_EQUAL(create(scope, 101, &error), CONSORT_OK);
	CU_ASSERT_TRUE(items_now() - start < SOON);
	run(admin, "{\"replSetFreeze\": 0}");
	TESTING_TEXT(api_find(c, "item", "count(*)", "id >= 100", NULL), "0");
	consort_close(admin);
	consort_close(scope);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"killed-in-scan", test_killed_in_scan},
		{"killed-in-write", test_killed_in_write},
		{"killed-in-transaction", test_killed_in_transaction},
		{"killed-in-commit", test_killed_in_commit},
		{"stopped", test_stopped},
		{"cancelled", test_cancelled},
		{"ended-at-server", test_ended_at_server},
		{"truncated", test_truncated},
		{"refused", test_refused},
		{"wrong-password", test_wrong_password},
		{"reader", test_reader},
		{"no-primary", test_no_primary},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-faults", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(SET);
	return status;
}
