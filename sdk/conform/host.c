/* SPDX-License-Identifier: Apache-2.0 */
/* The host's services, as consort/host.h describes them. */
#include "drive.h"

#include <pthread.h>
#include <time.h>

#define ONCES_MOST 64

static void *host_alloc(uint64_t size)
{
	return malloc(size ? (size_t)size : 1);
}

static void *host_realloc(void *memory, uint64_t size)
{
	return realloc(memory, size ? (size_t)size : 1);
}

static void host_free(void *memory)
{
	free(memory);
}

static void host_log(uint32_t level, const char *origin, const char *text)
{
	(void)level;
	(void)origin;
	(void)text;
}

static int64_t host_clock(void)
{
	return conform_now();
}

static int64_t host_clock_coarse(void)
{
	struct timespec now = {0, 0};

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A recursive lock is held meanwhile, so that others wait; a key that is being run is known already. */
static uint32_t host_once(const char *key, uint32_t (*fn)(void))
{
	static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	static struct {
		char key[128];
		uint32_t status;
	} onces[ONCES_MOST];
	static size_t count;
	uint32_t status = CONSORT_ENOMEM;
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < count && strcmp(onces[i].key, key); i++)
		;
	if (i == count && count < ONCES_MOST) {
		consort_copy_text(onces[count].key, sizeof(onces[count].key), key);
		onces[count++].status = CONSORT_EINTERNAL; /* fn that asks for itself */
		onces[i].status = fn();
	}
	if (i < count)
		status = onces[i].status;
	pthread_mutex_unlock(&lock);
	return status;
}

static const void *host_get_extension(const char *name)
{
	(void)name;
	return NULL;
}

const struct consort_host *conform_host(void)
{
	struct consort_host *host = STRUCT(struct consort_host);
	uint32_t need;

	host->abi_minor = CONSORT_ABI_MINOR;
	host->version = consort_version();
	for (need = 0; need < CONSORT_HOST_FEATURE_COUNT; need++)
		consort_features_add(&host->features, need);
	host->alloc = host_alloc;
	host->realloc = host_realloc;
	host->free = host_free;
	host->log = host_log;
	host->clock = host_clock;
	host->clock_coarse = host_clock_coarse;
	host->once = host_once;
	host->get_extension = host_get_extension;
	return host;
}
