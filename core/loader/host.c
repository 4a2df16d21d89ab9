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

/* Read-locked while a line is delivered, so that whoever ends a sink may free it. */
static struct {
	pthread_rwlock_t lock;
	struct consort_log_sink *first;
	uint32_t level; /* atomic: the most that any takes; most lines are dropped without the lock */
} sinks = {.lock = PTHREAD_RWLOCK_INITIALIZER};

/* One line, without secrets. */
static void print_line(const char *text, struct consort_buffer *out)
{
	char *at;

	consort_scrub(text, out);
	if (out->failed)
		return;
	for (at = out->data; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

static void host_log(uint32_t level, const char *origin, const char *text)
{
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	const struct consort_log_sink *sink;

	if (!level || level > __atomic_load_n(&sinks.level, __ATOMIC_RELAXED))
		return;
	print_line(text ? text : "", &line);
	pthread_rwlock_rdlock(&sinks.lock);
	for (sink = sinks.first; sink; sink = sink->next)
		if (level <= sink->level)
			sink->fn(sink->context, level, origin ? origin : "",
				 line.failed ? "(there is no memory for this line)" : line.data);
	pthread_rwlock_unlock(&sinks.lock);
	consort_buffer_clear(&line);
}

/* To be called with the lock held. */
static void set_level(void)
{
	const struct consort_log_sink *sink;
	uint32_t most = 0;

	for (sink = sinks.first; sink; sink = sink->next)
		if (sink->level > most)
			most = sink->level;
	__atomic_store_n(&sinks.level, most, __ATOMIC_RELAXED);
}

void consort_host_log_begin(struct consort_log_sink *sink)
{
	pthread_rwlock_wrlock(&sinks.lock);
	sink->next = sinks.first;
	sinks.first = sink;
	set_level();
	pthread_rwlock_unlock(&sinks.lock);
}

void consort_host_log_end(const struct consort_log_sink *sink)
{
	struct consort_log_sink **at = &sinks.first;

	pthread_rwlock_wrlock(&sinks.lock);
	while (*at && *at != sink)
		at = &(*at)->next;
	if (*at)
		*at = sink->next;
	set_level();
	pthread_rwlock_unlock(&sinks.lock);
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
