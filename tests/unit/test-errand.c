/* SPDX-License-Identifier: Apache-2.0 */
/* Work on threads of their own, and names that are looked up so. */
#include "testing.h"

#include <consort/errand.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "resolver.h"

#define MOST 3

static struct consort_errands kind = {.most = MOST};

/* An errand that is stuck until it is told, and says where it was cleared. */
struct work {
	sem_t go, cleared;
	pthread_t runner, clearer;
	int signals; /* that its thread takes */
};

static void init(struct work *work)
{
	memset(work, 0, sizeof(*work));
	sem_init(&work->go, 0, 0);
	sem_init(&work->cleared, 0, 0);
}

static void run(void *context)
{
	struct work *work = context;
	sigset_t blocked;

	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	work->signals = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGUSR1) == 1 ? 0 : 1;
	work->runner = pthread_self();
	sem_wait(&work->go);
}

static void clear(void *context)
{
	struct work *work = context;

	work->clearer = pthread_self();
	sem_post(&work->cleared);
}

static bool is_done(int descriptor, int patience)
{
	struct pollfd fd = {.fd = descriptor, .events = POLLIN};

	return poll(&fd, 1, patience) == 1;
}

static void test_waited_for(void)
{
	struct consort_errand *errand;
	struct work work;

	init(&work);
	errand = consort_errand_start(&kind, run, clear, &work);
	CU_ASSERT_PTR_NOT_NULL_FATAL(errand);
	CU_ASSERT(!is_done(consort_errand_descriptor(errand), 0));
	sem_post(&work.go);
	CU_ASSERT(is_done(consort_errand_descriptor(errand), -1));
	CU_ASSERT(consort_errand_is_done(errand));
	CU_ASSERT_EQUAL(work.signals, 0);
	consort_errand_drop(errand);
	sem_wait(&work.cleared);
	CU_ASSERT(!pthread_equal(work.runner, pthread_self()));
	consort_errand_drop(NULL);
}

static void test_given_up(void)
{
	struct consort_errand *errand;
	struct work work;

	init(&work);
	errand = consort_errand_start(&kind, run, clear, &work);
	CU_ASSERT_PTR_NOT_NULL_FATAL(errand);
	consort_errand_drop(errand);
	sem_post(&work.go);
	sem_wait(&work.cleared);
	CU_ASSERT(pthread_equal(work.runner, work.clearer));
}

static void test_too_many(void)
{
	struct consort_errand *errands[MOST];
	struct work work[MOST + 1];
	size_t i;

	for (i = 0; i < MOST; i++) {
		init(&work[i]);
		errands[i] = consort_errand_start(&kind, run, clear, &work[i]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(errands[i]);
	}
	init(&work[MOST]);
	CU_ASSERT_PTR_NULL(consort_errand_start(&kind, run, clear, &work[MOST]));
	for (i = 0; i < MOST; i++) {
		sem_post(&work[i].go);
		consort_errand_drop(errands[i]);
		sem_wait(&work[i].cleared);
	}
	while (__atomic_load_n(&kind.running, __ATOMIC_ACQUIRE))
		sched_yield();
	sem_post(&work[MOST].go);
	errands[0] = consort_errand_start(&kind, run, clear, &work[MOST]);
	CU_ASSERT_PTR_NOT_NULL_FATAL(errands[0]);
	consort_errand_drop(errands[0]);
	sem_wait(&work[MOST].cleared);
}

/* --- names --- */

/* "ADDRESS ADDRESS", or what went wrong */
static const char *look_up(const char *host)
{
	static char text[1024];
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_lookup *lookup = NULL;
	const char *const *addresses;
	uint32_t count, i;
	size_t size = 0;

	CU_ASSERT_FATAL(!consort_lookup_start(host, &lookup, &error));
	if (consort_lookup_descriptor(lookup) >= 0)
		CU_ASSERT(is_done(consort_lookup_descriptor(lookup), -1));
	if (consort_lookup_answer(lookup, &addresses, &count, &error)) {
		CU_ASSERT_EQUAL(error.status, CONSORT_ECONNECTION);
		CU_ASSERT(error.flags & CONSORT_ERROR_RETRYABLE);
		snprintf(text, sizeof(text), "%s", error.message);
		count = 0;
	}
	for (i = 0; i < count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, i ? " %s" : "%s", addresses[i]);
	consort_lookup_close(lookup);
	return text;
}

/* An address needs no thread, and no resolver. */
static void test_addresses(void)
{
	static const char *const addresses[] = {"127.0.0.1", "::1", "2001:db8::7"};
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct consort_lookup *lookup = NULL;

		CU_ASSERT_FATAL(!consort_lookup_start(addresses[i], &lookup, &error));
		CU_ASSERT_EQUAL(consort_lookup_descriptor(lookup), -1);
		consort_lookup_close(lookup);
		TESTING_TEXT(look_up(addresses[i]), addresses[i]);
	}
}

static void test_names(void)
{
	resolver_set("one.test", "127.0.0.9");
	resolver_set("two.test", "::1 127.0.0.1 ::1");
	TESTING_TEXT(look_up("one.test"), "127.0.0.9");
	TESTING_TEXT(look_up("two.test"), "::1 127.0.0.1");
	TESTING_CONTAINS(look_up("localhost"), "1");
	TESTING_CONTAINS(look_up("none.test"), "host 'none.test' cannot be looked up: ");
}

/* Those who have gone leave nothing behind; while they wait, there is an end to how many. */
static void test_silent(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_lookup *lookup = NULL, *last = NULL;
	unsigned count = 0;

	resolver_set("one.test", "127.0.0.9");
	resolver_silent(true);
	while (!consort_lookup_start("one.test", &lookup, &error)) {
		CU_ASSERT(!is_done(consort_lookup_descriptor(lookup), 0));
		CU_ASSERT_EQUAL(consort_lookup_answer(lookup, NULL, NULL, &error), CONSORT_EINVAL);
		consort_lookup_close(last);
		last = lookup;
		CU_ASSERT_FATAL(++count < 1000);
	}
	CU_ASSERT_EQUAL(error.status, CONSORT_ECONNECTION);
	TESTING_CONTAINS(error.message, "'one.test'");
	/* an address can be had all the same */
	TESTING_TEXT(look_up("127.0.0.1"), "127.0.0.1");
	resolver_silent(false);
	CU_ASSERT(is_done(consort_lookup_descriptor(last), -1));
	consort_lookup_close(last);
	while (resolver_waiting())
		sched_yield();
	do
		error = (struct consort_error)CONSORT_ERROR_INIT;
	while (consort_lookup_start("one.test", &lookup, &error));
	CU_ASSERT(is_done(consort_lookup_descriptor(lookup), -1));
	consort_lookup_close(lookup);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"waited-for", test_waited_for},
		{"given-up", test_given_up},
		{"too-many", test_too_many},
		{"addresses", test_addresses},
		{"names", test_names},
		{"silent", test_silent},
		{NULL, NULL},
	};

	return testing_main("errand", cases, argc, argv);
}
