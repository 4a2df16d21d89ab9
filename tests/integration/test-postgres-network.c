/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network between Consort and PostgreSQL that drops, delays, swallows and cuts, while connecting, in a
 * query, in a scan and in a bulk write. No row is wrong, no result that was cut is told as complete, no call
 * outlives its deadline, and nothing that was late is taken for the answer to something else.
 */
#include "postgres-server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVER "postgres@network"

/* "7", if all is well; else what went wrong */
static enum consort_status ask(struct consort *c, struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_native(c, "db", "SELECT 7", CONSORT_NO_ARGS, &rows, NULL, error);
	const char *text;

	if (status)
		return status;
	text = api_read(rows, error);
	status = consort_cursor_status(rows);
	if (!status)
		TESTING_TEXT(text, "7");
	consort_cursor_close(rows);
	return status;
}

/* After so many bytes to the client. */
static struct proxy_fault after(enum proxy_kind kind, size_t bytes)
{
	return (struct proxy_fault){
		.kind = kind, .ways = PROXY_BOTH, .trigger = PROXY_TO_CLIENT, .after_bytes = bytes};
}

/* --- while connecting --- */

/* Bytes that the server sends until it has answered a first statement. */
static size_t bytes_of_connecting(struct proxy *proxy, const char *lines)
{
	struct consort *c = api_open(postgres_manifest(SERVER, proxy, lines));
	uint64_t before = proxy_bytes(proxy, PROXY_TO_CLIENT);
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t bytes;

	API_OK(ask(c, &error));
	bytes = (size_t)(proxy_bytes(proxy, PROXY_TO_CLIENT) - before);
	consort_close(c);
	return bytes;
}

static void cut_connecting(enum proxy_kind kind, size_t step)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	size_t bytes, total = bytes_of_connecting(proxy, NULL);

	CU_ASSERT(total > 500);
	for (bytes = 0; bytes < total; bytes += step) {
		struct consort *c = api_open(postgres_manifest(SERVER, proxy, NULL));
		struct consort_error error = CONSORT_ERROR_INIT;
		const struct proxy_fault fault = after(kind, bytes);

		proxy_set(proxy, &fault);
		CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
		if (CU_get_number_of_failures()) {
			fprintf(stderr, "  cut after %zu of %zu bytes: %s\n", bytes, total,
				api_error(&error));
			break;
		}
		proxy_pass(proxy);
		API_OK(ask(c, &error));
		consort_close(c);
	}
	proxy_stop(proxy);
}

static void test_connecting_closed(void)
{
	cut_connecting(PROXY_CLOSE, 29);
}

static void test_connecting_reset(void)
{
	cut_connecting(PROXY_RESET, 97);
}

static void test_connecting_swallowed(void)
{
	static const size_t bytes[] = {0, 10, 100, 200, 600};
	struct proxy *proxy = postgres_proxy(SERVER);
	size_t i;

	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		struct consort *c = api_open(postgres_manifest(SERVER, proxy, NULL)), *scope;
		struct consort_error error = CONSORT_ERROR_INIT;
		const struct proxy_fault fault = after(PROXY_SILENT, bytes[i]);
		int64_t start = items_now();

		proxy_set(proxy, &fault);
		scope = items_within(c, 300);
		CU_ASSERT_EQUAL(ask(scope, &error), CONSORT_ETIMEOUT);
		CU_ASSERT(items_now() - start < SOON);
		consort_close(scope);
		proxy_pass(proxy);
		API_OK(ask(c, &error));
		consort_close(c);
	}
	proxy_stop(proxy);
}

/* The bytes of TLS are cut in the middle of its handshake. */
static void test_connecting_with_tls(void)
{
	static const size_t bytes[] = {0, 1, 60, 700};
	struct proxy *proxy = postgres_proxy(SERVER);
	size_t i;

	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		const struct proxy_fault fault = after(PROXY_CLOSE, bytes[i]);
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort *c;
		char manifest[512];

		snprintf(manifest, sizeof(manifest),
			 "[database db]\ntype = postgres\nhost = 127.0.0.1\nport = %u\nsslmode = require\n"
			 "dbname = consort\nuser = %s\npassword = %s\n",
			 proxy_port(proxy), servers_get(SERVER, "TLS_USER"), servers_get(SERVER, "PASSWORD"));
		c = api_open(manifest);
		proxy_set(proxy, &fault);
		CU_ASSERT_EQUAL(ask(c, &error), CONSORT_ECONNECTION);
		proxy_pass(proxy);
		API_OK(ask(c, &error));
		consort_close(c);
	}
	proxy_stop(proxy);
}

/* --- in a query --- */

#define ROWS "1,0,s1;2,0,s2;3,0,s3"

static const char *find_items(struct consort *c)
{
	return api_find(c, "item", NULL, NULL, "id");
}

static void cut_query(enum proxy_kind kind, size_t step)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	uint64_t before;
	size_t bytes, total;

	TESTING_TEXT(find_items(c), ROWS);
	before = proxy_bytes(proxy, PROXY_TO_CLIENT);
	TESTING_TEXT(find_items(c), ROWS);
	total = (size_t)(proxy_bytes(proxy, PROXY_TO_CLIENT) - before);
	CU_ASSERT(total > 50);
	for (bytes = 0; bytes < total; bytes += step) {
		const struct proxy_fault fault = after(kind, bytes);
		const char *text;

		proxy_set(proxy, &fault);
		text = find_items(c);
		/* an end that is only a formality may be missing */
		if (strcmp(text, ROWS)) {
			TESTING_CONTAINS(text, "status 12: ");
		} else {
			CU_ASSERT(bytes > 40);
		}
		proxy_pass(proxy);
		TESTING_TEXT(find_items(c), ROWS);
	}
	consort_close(c);
	proxy_stop(proxy);
}

static void test_query_closed(void)
{
	cut_query(PROXY_CLOSE, 7);
}

static void test_query_reset(void)
{
	cut_query(PROXY_RESET, 23);
}

/* What comes when nobody waits any more is not taken for the answer to the next question. */
static void swallow_query(unsigned ways)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = ways};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	int round;

	for (round = 0; round < 3; round++) {
		struct consort *scope = items_within(c, 200);
		int64_t start = items_now();

		proxy_set(proxy, &fault);
		if (round % 2) {
			CU_ASSERT_EQUAL(ask(scope, &error), CONSORT_ETIMEOUT);
		} else {
			TESTING_CONTAINS(find_items(scope), "status 13: ");
		}
		CU_ASSERT(items_now() - start < SOON);
		consort_close(scope);
		proxy_pass(proxy);
		if (round % 2)
			TESTING_TEXT(find_items(c), ROWS);
		else
			API_OK(ask(c, &error));
	}
	consort_close(c);
	proxy_stop(proxy);
}

static void test_query_swallowed(void)
{
	swallow_query(PROXY_TO_SERVER);
}

static void test_answer_swallowed(void)
{
	swallow_query(PROXY_TO_CLIENT);
}

static void *fire(void *context)
{
	const struct timespec pause = {0, 200 * MILLISECOND};

	nanosleep(&pause, NULL);
	consort_cancel_fire(context);
	return NULL;
}

/* A cancel reaches the caller also where it does not reach the server. */
static void test_cancel(void)
{
	const struct proxy_fault fault = {.kind = PROXY_SILENT, .ways = PROXY_BOTH};
	struct consort_scope_options options = {.struct_size = sizeof(options),
						.cancel = consort_cancel_new()};
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL), *scope = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	int64_t start;
	pthread_t thread;

	API_OK(consort_scope(c, &options, &scope, &error));
	proxy_set(proxy, &fault);
	start = items_now();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fire, options.cancel), 0);
	CU_ASSERT_EQUAL(ask(scope, &error), CONSORT_ECANCELLED);
	CU_ASSERT(items_now() - start < SOON);
	pthread_join(thread, NULL);
	consort_close(scope);
	consort_cancel_free(options.cancel);
	proxy_pass(proxy);
	TESTING_TEXT(find_items(c), ROWS);
	consort_close(c);
	proxy_stop(proxy);
}

/* --- in a scan --- */

/* Reads `many` under a fault; the second run of a plan may be read in another way than the first. */
static void scan_under(const struct proxy_fault *fault, enum consort_status expected)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort_plan *plan = postgres_plan_many(c, false);
	struct consort_error error = CONSORT_ERROR_INIT;
	int run;

	for (run = 0; run < 3; run++) {
		struct consort *scope = items_within(c, expected == CONSORT_ETIMEOUT ? 1500 : 600000);
		struct consort_cursor *rows = NULL;
		enum consort_status status;
		int64_t count = 0, start = items_now();

		if (run != 1)
			proxy_set(proxy, fault);
		status = consort_plan_run(scope, plan, CONSORT_NO_ARGS, &rows, &error);
		if (!status)
			status = postgres_read_many(rows, &count, &error);
		if (run != 1) {
			CU_ASSERT_EQUAL(status, expected);
		}
		CU_ASSERT_EQUAL(count == MANY, status == CONSORT_OK);
		CU_ASSERT(expected != CONSORT_ETIMEOUT || items_now() - start < SOON);
		consort_cursor_close(rows);
		consort_close(scope);
		proxy_pass(proxy);
		items_answer(c);
	}
	consort_plan_free(plan);
	consort_close(c);
	proxy_stop(proxy);
}

static void cut_scan(enum proxy_kind kind)
{
	static const size_t bytes[] = {0, 60, 500, 100000, 20000000};
	size_t i;

	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		const struct proxy_fault fault = after(kind, bytes[i]);

		scan_under(&fault, CONSORT_ECONNECTION);
	}
}

/* A connection that was lost while it waited: reading begins again, also where it shows with the first row
 * only, as of a statement that is prepared or copied. */
static void test_before_scan(void)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	int condition, round;

	for (condition = 0; condition < 2; condition++) {
		struct consort_plan *plan = postgres_plan_many(c, condition);

		for (round = 0; round < 3; round++) {
			int64_t count = condition ? MANY - 3 : 0;
			const struct consort_value first = consort_int64(count);
			const struct consort_args args = {&first, (uint64_t)condition};
			struct consort_cursor *rows = NULL;

			API_OK(consort_plan_run(c, plan, args, &rows, &error));
			API_OK(postgres_read_many(rows, &count, &error));
			CU_ASSERT_EQUAL(count, MANY);
			consort_cursor_close(rows);
			CU_ASSERT_EQUAL(proxy_reset(proxy), 1);
		}
		consort_plan_free(plan);
	}
	consort_close(c);
	proxy_stop(proxy);
}

static void test_scan_closed(void)
{
	cut_scan(PROXY_CLOSE);
}

static void test_scan_reset(void)
{
	cut_scan(PROXY_RESET);
}

static void test_scan_swallowed(void)
{
	const struct proxy_fault fault = after(PROXY_SILENT, 100000);

	scan_under(&fault, CONSORT_ETIMEOUT);
}

static void test_scan_delayed(void)
{
	const struct proxy_fault fault = {.kind = PROXY_DELAY, .ways = PROXY_BOTH, .milliseconds = 20};

	scan_under(&fault, CONSORT_OK);
}

/* --- in a bulk write --- */

/* Items of a kilobyte each, in one transaction, `count` of them. */
static enum consort_status write_items(struct consort *in, void *arg, struct consort_error *error)
{
	int64_t count = *(int64_t *)arg, id;
	struct consort_writer *w = NULL;
	enum consort_status status =
		consort_writer_open(in, "item", "id, s", CONSORT_WRITER_CREATE, 0, &w, error);
	struct consort_batch *batch = consort_writer_batch(w);
	char s[1024];

	memset(s, 'y', sizeof(s));
	for (id = 100; !status && id < 100 + count; id++) {
		consort_append_int64(&batch->columns[0], id);
		consort_append_view(batch, &batch->columns[1], s, sizeof(s));
		if (consort_batch_end_row(batch))
			status = consort_writer_flush(w, error);
	}
	if (!status)
		status = consort_writer_flush(w, error);
	consort_writer_close(w);
	return status;
}

static void write_under(const struct proxy_fault *fault, int64_t count, enum consort_status expected)
{
	struct proxy *proxy = postgres_proxy(SERVER);
	struct consort *c = postgres_items(SERVER, proxy, NULL);
	struct consort *scope = items_within(c, expected == CONSORT_ETIMEOUT ? 1500 : 600000);
	struct consort_outcome outcome = {.struct_size = sizeof(outcome)};
	struct consort_error error = CONSORT_ERROR_INIT;
	char all[32];

	proxy_set(proxy, fault);
	CU_ASSERT_EQUAL(consort_transaction(scope, "db", write_items, &count, &outcome, &error), expected);
	CU_ASSERT_EQUAL(outcome.kind == CONSORT_OUTCOME_COMMITTED, expected == CONSORT_OK);
	CU_ASSERT_NOT_EQUAL(outcome.kind, CONSORT_OUTCOME_UNKNOWN);
	consort_close(scope);
	proxy_pass(proxy);
	items_answer(c);
	snprintf(all, sizeof(all), "%lld", expected ? 3LL : 3LL + count);
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), all);
	consort_close(c);
	proxy_stop(proxy);
}

static void cut_write(enum proxy_kind kind)
{
	static const size_t bytes[] = {0, 60, 500, 5000, 1000000};
	size_t i;

	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		const struct proxy_fault fault = {
			.kind = kind, .trigger = PROXY_TO_SERVER, .after_bytes = bytes[i]};

		write_under(&fault, 2000, CONSORT_ECONNECTION);
	}
}

static void test_write_closed(void)
{
	cut_write(PROXY_CLOSE);
}

static void test_write_reset(void)
{
	cut_write(PROXY_RESET);
}

/* More than all buffers hold, so that sending waits. */
static void test_write_swallowed(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_SILENT, .ways = PROXY_BOTH, .trigger = PROXY_TO_SERVER, .after_bytes = 200000};

	write_under(&fault, 40000, CONSORT_ETIMEOUT);
}

static void test_write_delayed(void)
{
	const struct proxy_fault fault = {.kind = PROXY_DELAY, .ways = PROXY_BOTH, .milliseconds = 20};

	write_under(&fault, 2000, CONSORT_OK);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"connecting-closed", test_connecting_closed},
		{"connecting-reset", test_connecting_reset},
		{"connecting-swallowed", test_connecting_swallowed},
		{"connecting-with-tls", test_connecting_with_tls},
		{"query-closed", test_query_closed},
		{"query-reset", test_query_reset},
		{"query-swallowed", test_query_swallowed},
		{"answer-swallowed", test_answer_swallowed},
		{"cancel", test_cancel},
		{"before-scan", test_before_scan},
		{"scan-closed", test_scan_closed},
		{"scan-reset", test_scan_reset},
		{"scan-swallowed", test_scan_swallowed},
		{"scan-delayed", test_scan_delayed},
		{"write-closed", test_write_closed},
		{"write-reset", test_write_reset},
		{"write-swallowed", test_write_swallowed},
		{"write-delayed", test_write_delayed},
		{NULL, NULL},
	};
	int result = testing_main("postgres-network", cases, argc, argv);

	servers_remove(SERVER);
	return result;
}
