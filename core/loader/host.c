/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the core gives to adapters: memory, log, clocks, and what is done once in a process. */
#include "loader/loader.h"

#include <pthread.h>
#include <time.h>

static void *host_alloc(uint64_t size)
{
	return size <= SIZE_MAX ? malloc(size ? (size_t)size : 1) : NULL;
}

/* A size of 0 keeps an allocation, where libc's realloc would free it and answer as if it had failed. */
static void *host_realloc(void *memory, uint64_t size)
{
	return size <= SIZE_MAX ? realloc(memory, size ? (size_t)size : 1) : NULL;
}

static void host_free(void *memory)
{
	free(memory);
}

/* --- log --- */

/* Read-locked while a line is delivered, so that whoever replaces the sink may free the old one's context. */
static struct {
	pthread_rwlock_t lock;
	void (*fn)(void *context, uint32_t level, const char *origin, const char *text);
	void *context;
	uint32_t level; /* atomic: most lines are not wanted, and are dropped without the lock */
} sink = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static void host_log(uint32_t level, const char *origin, const char *text)
{
	if (!level || level > __atomic_load_n(&sink.level, __ATOMIC_RELAXED))
		return;
	pthread_rwlock_rdlock(&sink.lock);
	if (sink.fn && level <= sink.level)
		sink.fn(sink.context, level, origin ? origin : "", text ? text : "");
	pthread_rwlock_unlock(&sink.lock);
}

void consort_host_log_to(void (*fn)(void *context, uint32_t level, const char *origin, const char *text),
			 void *context, uint32_t level)
{
	pthread_rwlock_wrlock(&sink.lock);
	sink.fn = fn;
	sink.context = context;
	__atomic_store_n(&sink.level, fn ? level : 0, __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&sink.lock);
}

void consort_host_log_end(const void *context)
{
	pthread_rwlock_wrlock(&sink.lock);
	if (sink.context == context) {
		sink.fn = NULL;
		__atomic_store_n(&sink.level, 0, __ATOMIC_RELAXED);
	}
	pthread_rwlock_unlock(&sink.lock);
}

/* --- clocks --- */

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t host_clock(void)
{
	return nanoseconds(CLOCK_MONOTONIC);
}

static int64_t host_clock_coarse(void)
{
	return nanoseconds(CLOCK_MONOTONIC_COARSE);
}

/* --- once --- */

struct once {
	struct once *next;
	pthread_t runner;
	bool done;
	uint32_t status;
	char key[];
};

static struct once *onces; /* never shrinks */
static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t once_done = PTHREAD_COND_INITIALIZER;

static struct once *find_once(const char *key)
{
	struct once *once = onces;

	while (once && strcmp(once->key, key))
		once = once->next;
	return once;
}

static struct once *add_once(const char *key)
{
	size_t size = strlen(key) + 1;
	struct once *once = malloc(sizeof(*once) + size);

	if (!once)
		return NULL;
	once->next = onces;
	once->runner = pthread_self();
	once->done = false;
	once->status = CONSORT_OK;
	memcpy(once->key, key, size);
	onces = once;
	return once;
}

static uint32_t run_once(struct once *once, uint32_t (*fn)(void))
{
	uint32_t status = fn();

	pthread_mutex_lock(&once_lock);
	once->status = status;
	once->done = true;
	pthread_cond_broadcast(&once_done);
	pthread_mutex_unlock(&once_lock);
	return status;
}

static uint32_t host_once(const char *key, uint32_t (*fn)(void))
{
	struct once *once;
	uint32_t status;
	bool first;

	if (!key || !fn)
		return CONSORT_EINVAL;
	pthread_mutex_lock(&once_lock);
	once = find_once(key);
	first = !once;
	if (first)
		once = add_once(key);
	if (!once) {
		status = CONSORT_ENOMEM;
	} else if (first) {
		pthread_mutex_unlock(&once_lock);
		return run_once(once, fn);
	} else if (!once->done && pthread_equal(once->runner, pthread_self())) {
		status = CONSORT_EINTERNAL; /* fn asks for itself: to wait would be for ever */
	} else {
		while (!once->done)
			pthread_cond_wait(&once_done, &once_lock);
		status = once->status;
	}
	pthread_mutex_unlock(&once_lock);
	return status;
}

static const void *host_get_extension(const char *name)
{
	(void)name;
	return NULL; /* none yet */
}

const struct consort_host *consort_host_services(void)
{
	static const struct consort_host host = {
		.struct_size = sizeof(host),
		.abi_minor = CONSORT_ABI_MINOR,
		.version = PACKAGE_VERSION,
		.features = {{CONSORT_FEATURE_BIT(CONSORT_HOST_ONCE) | CONSORT_FEATURE_BIT(CONSORT_HOST_LOG) |
				      CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK) |
				      CONSORT_FEATURE_BIT(CONSORT_HOST_EXTENSIONS),
			      0}},
		.alloc = host_alloc,
		.realloc = host_realloc,
		.free = host_free,
		.log = host_log,
		.clock = host_clock,
		.clock_coarse = host_clock_coarse,
		.once = host_once,
		.get_extension = host_get_extension,
	};

	return &host;
}
