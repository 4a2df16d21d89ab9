/* SPDX-License-Identifier: Apache-2.0 */
/* The services that adapters are given. */
#include "loader/loader.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void test_table(void)
{
	const struct consort_host *host = consort_host_services();
	uint32_t feature;

	CU_ASSERT_PTR_EQUAL(host, consort_host_services());
	CU_ASSERT_EQUAL(host->struct_size, sizeof(*host));
	CU_ASSERT_EQUAL(host->abi_minor, CONSORT_ABI_MINOR);
	TESTING_TEXT(host->version, PACKAGE_VERSION);
	for (feature = 0; feature < 128; feature++)
		CU_ASSERT_EQUAL(consort_features_has(&host->features, feature),
				feature < CONSORT_HOST_FEATURE_COUNT);
	CU_ASSERT_PTR_NULL(host->get_extension("org.example.nothing/1"));
}

static void test_memory(void)
{
	const struct consort_host *host = consort_host_services();
	char *memory = host->realloc(NULL, 3), *grown;

	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	memcpy(memory, "ab", 3);
	grown = host->realloc(memory, 1 << 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(grown);
	TESTING_TEXT(grown, "ab");
	grown = host->realloc(grown, 0); /* is still an allocation */
	CU_ASSERT_PTR_NOT_NULL(grown);
	host->free(grown);
	memory = host->alloc(0);
	CU_ASSERT_PTR_NOT_NULL(memory);
	host->free(memory);
	host->free(NULL);
}

static void test_clocks(void)
{
	const struct consort_host *host = consort_host_services();
	struct timespec real;
	int64_t before = host->clock(), after, now;

	clock_gettime(CLOCK_MONOTONIC, &real);
	after = host->clock();
	now = (int64_t)real.tv_sec * 1000000000 + real.tv_nsec;
	CU_ASSERT_TRUE(before <= now && now <= after);
	now = host->clock_coarse();
	CU_ASSERT_TRUE(now <= host->clock());
	CU_ASSERT_TRUE(now > before - 100000000); /* a tick at most behind, which is 10 ms or less */
}

/* --- log --- */

struct lines {
	char text[256];
	uint32_t count;
};

static void take_line(void *context, uint32_t level, const char *origin, const char *text)
{
	struct lines *lines = context;
	size_t used = strlen(lines->text);

	snprintf(lines->text + used, sizeof(lines->text) - used, "%u %s %s;", level, origin, text);
	lines->count++;
}

static void test_log(void)
{
	const struct consort_host *host = consort_host_services();
	struct lines lines = {.count = 0}, all = {.count = 0};
	struct consort_log_sink sink = {.level = CONSORT_LOG_INFO, .fn = take_line, .context = &lines};
	struct consort_log_sink second = {.level = CONSORT_LOG_DEBUG, .fn = take_line, .context = &all};

	host->log(CONSORT_LOG_ERROR, "x", "nobody listens yet");
	consort_host_log_begin(&sink);
	host->log(CONSORT_LOG_ERROR, "core", "one");
	host->log(CONSORT_LOG_INFO, NULL, "two\nlines\r");
	host->log(CONSORT_LOG_DEBUG, "core", "too much");
	host->log(0, "core", "no level");
	consort_host_log_begin(&second);
	host->log(CONSORT_LOG_ERROR, "core", "both");
	host->log(CONSORT_LOG_DEBUG, "core", "more");
	consort_host_log_end(&sink);
	host->log(CONSORT_LOG_WARNING, "core", NULL);
	consort_host_log_end(&second);
	consort_host_log_end(&sink);
	host->log(CONSORT_LOG_ERROR, "core", "nobody listens any more");
	TESTING_TEXT(lines.text, "1 core one;3  two lines ;1 core both;");
	TESTING_TEXT(all.text, "1 core both;4 core more;2 core ;");
}

static void count_line(void *context, uint32_t level, const char *origin, const char *text)
{
	(void)level;
	(void)origin;
	(void)text;
	__atomic_add_fetch((uint32_t *)context, 1, __ATOMIC_RELAXED);
}

static void *log_much(void *unused)
{
	int i;

	for (i = 0; i < 20000; i++)
		consort_host_services()->log(CONSORT_LOG_ERROR, "t", "line");
	return unused;
}

/* A sink may be freed as soon as it has ended (ASan and TSan watch). */
static void test_log_threads(void)
{
	pthread_t threads[3];
	uint32_t total = 0;
	int i;

	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, log_much, NULL), 0);
	for (i = 0; i < 200; i++) {
		struct consort_log_sink *sink = calloc(1, sizeof(*sink));
		uint32_t *count = calloc(1, sizeof(*count));

		CU_ASSERT_TRUE_FATAL(sink && count);
		*sink = (struct consort_log_sink){.level = CONSORT_LOG_ERROR, .fn = count_line, .context = count};
		consort_host_log_begin(sink);
		consort_host_services()->log(CONSORT_LOG_ERROR, "t", "mine");
		consort_host_log_end(sink);
		CU_ASSERT_TRUE(*count >= 1);
		total += *count;
		free(count);
		free(sink);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_TRUE(total >= 200);
}

/* --- once --- */

static uint32_t runs;

static uint32_t run_slowly(void)
{
	const struct timespec pause = {0, 50000000};

	nanosleep(&pause, NULL);
	__atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED);
	return CONSORT_EENGINE;
}

static uint32_t run_quickly(void)
{
	__atomic_add_fetch(&runs, 100, __ATOMIC_RELAXED);
	return CONSORT_OK;
}

static void *ask_once(void *out)
{
	*(uint32_t *)out = consort_host_services()->once("slow", run_slowly);
	/* whoever comes back finds it done */
	if (!__atomic_load_n(&runs, __ATOMIC_RELAXED))
		*(uint32_t *)out = 0;
	return NULL;
}

static uint32_t run_itself(void)
{
	return consort_host_services()->once("itself", run_itself);
}

static uint32_t run_another(void)
{
	return consort_host_services()->once("another", run_quickly);
}

static void test_once(void)
{
	const struct consort_host *host = consort_host_services();
	uint32_t answers[8];
	pthread_t threads[8];
	int i;

	for (i = 0; i < 8; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_once, &answers[i]), 0);
	for (i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(answers[i], CONSORT_EENGINE);
	CU_ASSERT_EQUAL(runs, 1);
	CU_ASSERT_EQUAL(host->once("slow", run_quickly), CONSORT_EENGINE);
	CU_ASSERT_EQUAL(runs, 1);
	CU_ASSERT_EQUAL(host->once("quick", run_quickly), CONSORT_OK);
	CU_ASSERT_EQUAL(runs, 101);
	CU_ASSERT_EQUAL(host->once("nested", run_another), CONSORT_OK);
	CU_ASSERT_EQUAL(runs, 201);
	CU_ASSERT_EQUAL(host->once("itself", run_itself), CONSORT_EINTERNAL); /* rather than a deadlock */
	CU_ASSERT_EQUAL(host->once(NULL, run_quickly), CONSORT_EINVAL);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"table", test_table}, {"memory", test_memory},		  {"clocks", test_clocks},
		{"log", test_log},     {"log_threads", test_log_threads}, {"once", test_once},
		{NULL, NULL},
	};

	return testing_main("host", cases, argc, argv);
}
