/* SPDX-License-Identifier: Apache-2.0 */
/* A network before MongoDB that is slow, lies or loses: an answer is right or an error that says what is
 * known. */
#include "mongodb-server.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define ALONE "mongodb@mongonet"
#define SET "mongodb-rs@mongonet"
#define MANY 20000

/* Bytes that come one by one make the same answers. */
static void test_trickle(void)
{
	static const struct proxy_fault fault = {.kind = PROXY_TRICKLE, .ways = PROXY_BOTH};
	struct proxy *proxy = mongodb_proxy(SET);
	struct consort *c = mongodb_items(SET, proxy, 3), *fresh, *in = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	proxy_set(proxy, &fault);
	items_answer(c);
	fresh = api_open(mongodb_manifest(SET, proxy, NULL));
	items_answer(fresh);
	API_OK(consort_begin(fresh, "db", &in, &error));
	API_OK(items_create(in, 100, &error));
	API_OK(consort_commit(in, NULL, &error));
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "4");
	consort_close(fresh);
	consort_close(c);
	proxy_stop(proxy);
}

/* What is no answer at all is an error, to a read as to connecting. */
static void test_garbage(void)
{
	static const char *const lies[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x01",
					   "no message at all, but long enough"};
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const struct proxy_fault fault = {
			.kind = PROXY_LIE, .lie = lies[i], .trigger = PROXY_TO_SERVER, .after_text = "find"};
		const struct proxy_fault always = {.kind = PROXY_LIE, .lie = lies[i]};
		struct proxy *proxy = mongodb_proxy(ALONE);
		struct consort *c = mongodb_items(ALONE, proxy, 3), *scope = items_within(c, 1000);

		proxy_set(proxy, &fault);
		TESTING_CONTAINS(api_find(scope, "item", "id, s", NULL, NULL), "status 1");
		proxy_set(proxy, &always);
		consort_close(scope);
		scope = items_within(c, 1000);
		TESTING_CONTAINS(api_find(scope, "item", "id, s", NULL, NULL), "status 1");
		proxy_pass(proxy);
		items_answer(c);
		consort_close(scope);
		consort_close(c);
		proxy_stop(proxy);
	}
}

/* The answer to a write that makes no sense leaves it in doubt: it is there. */
static void test_garbage_after_write(void)
{
	static const struct proxy_fault fault = {.kind = PROXY_LIE,
						 .lie = "HTTP/1.1 400 Bad Request\r\n\r\n",
						 .trigger = PROXY_TO_SERVER,
						 .after_text = "insert"};
	struct proxy *proxy = mongodb_proxy(ALONE);
	struct consort *c = mongodb_items(ALONE, proxy, 3);
	struct consort_error error = CONSORT_ERROR_INIT;

	proxy_set(proxy, &fault);
	CU_ASSERT_EQUAL(items_create(c, 100, &error), CONSORT_EINDOUBT);
	CU_ASSERT_FALSE(error.flags & CONSORT_ERROR_RETRYABLE);
	proxy_pass(proxy);
	items_answer(c);
	TESTING_TEXT(api_find(c, "item", "count(*)", "id = 100", NULL), "1");
	consort_close(c);
	proxy_stop(proxy);
}

/* Connections that were lost while they waited in the pool, or whose server has been another since. */
static void test_lost_while_idle(void)
{
	struct proxy *proxy = mongodb_proxy(ALONE);
	struct consort *c = mongodb_items(ALONE, proxy, 3);
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT(proxy_reset(proxy) > 0);
	items_answer(c);
	servers_stop(ALONE);
	servers_start(ALONE);
	items_answer(c);
	API_OK(items_create(c, 100, &error));
	TESTING_TEXT(api_find(c, "item", "count(*)", NULL, NULL), "4");
	consort_close(c);
	proxy_stop(proxy);
}

/* --- stopped in a scan --- */

static void *cancel_soon(void *token)
{
	usleep(100 * 1000);
	consort_cancel_fire(token);
	return NULL;
}

/* Reads the rest; fewer than there are. */
static enum consort_status read_rest(struct consort_cursor *rows, struct consort_error *error)
{
	int count = 1;

	while (consort_cursor_next(rows, error))
		count++;
	CU_ASSERT(count < MANY);
	return consort_cursor_status(rows);
}

static struct consort_cursor *begin(struct consort *c, struct consort_query **out_query)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	*out_query = consort_query_new(c, "item");
	API_OK(consort_query_run(*out_query, CONSORT_NO_ARGS, &rows, &error));
	CU_ASSERT_FATAL(consort_cursor_next(rows, &error));
	return rows;
}

static void test_stopped_scan(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, MANY), *scope = items_within(c, 2000);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q;
	struct consort_cursor *rows = begin(scope, &q);
	int64_t start = items_now();

	servers_pause(ALONE);
	CU_ASSERT_EQUAL(read_rest(rows, &error), CONSORT_ETIMEOUT);
	CU_ASSERT(items_now() - start < SOON);
	servers_resume(ALONE);
	consort_cursor_close(rows);
	consort_query_free(q);
	items_answer(c);
	consort_close(scope);
	consort_close(c);
}

static void test_cancelled_scan(void)
{
	struct consort *c = mongodb_items(ALONE, NULL, MANY), *scope = NULL;
	struct consort_cancel *token = consort_cancel_new();
	const struct consort_scope_options options = {.struct_size = sizeof(options), .cancel = token};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows;
	struct consort_query *q;
	pthread_t thread;

	API_OK(consort_scope(c, &options, &scope, &error));
	rows = begin(scope, &q);
	servers_pause(ALONE);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, cancel_soon, token), 0);
	CU_ASSERT_EQUAL(read_rest(rows, &error), CONSORT_ECANCELLED);
	pthread_join(thread, NULL);
	servers_resume(ALONE);
	consort_cursor_close(rows);
	consort_query_free(q);
	items_answer(c);
	consort_close(scope);
	consort_close(c);
	consort_cancel_free(token);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"trickle", test_trickle},
		{"garbage", test_garbage},
		{"garbage-after-write", test_garbage_after_write},
		{"lost-while-idle", test_lost_while_idle},
		{"stopped-scan", test_stopped_scan},
		{"cancelled-scan", test_cancelled_scan},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-network", cases, argc, argv);

	servers_remove(ALONE);
	servers_remove(SET);
	return status;
}
