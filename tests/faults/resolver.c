/* SPDX-License-Identifier: Apache-2.0 */
#include "resolver.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES_MOST 8
#define PATIENCE 60

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
	const char *name, *addresses;
} known[NAMES_MOST];
static bool silent;
static unsigned waiting;

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

void resolver_set(const char *name, const char *addresses)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; known[i].name && strcmp(known[i].name, name); i++)
		if (i + 1 == NAMES_MOST)
			abort();
	known[i].name = name;
	known[i].addresses = addresses;
	pthread_mutex_unlock(&lock);
}

void resolver_silent(bool on)
{
	pthread_mutex_lock(&lock);
	silent = on;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

unsigned resolver_waiting(void)
{
	unsigned count;

	pthread_mutex_lock(&lock);
	count = waiting;
	pthread_mutex_unlock(&lock);
	return count;
}

bool resolver_wait(void)
{
	struct timespec until;
	bool there;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&lock);
	while (!waiting && !pthread_cond_timedwait(&changed, &lock, &until))
		;
	there = waiting > 0;
	pthread_mutex_unlock(&lock);
	return there;
}

/* What the name has, or NULL; not before there is an answer. */
static const char *addresses_of(const char *name)
{
	const char *addresses = NULL;
	size_t i;

	pthread_mutex_lock(&lock);
	waiting++;
	pthread_cond_broadcast(&changed);
	while (silent)
		pthread_cond_wait(&changed, &lock);
	waiting--;
	for (i = 0; i < NAMES_MOST && known[i].name; i++)
		if (!strcmp(known[i].name, name))
			addresses = known[i].addresses;
	pthread_mutex_unlock(&lock);
	return addresses;
}

static int answer(look_up *ask, const char *addresses, const char *service, const struct addrinfo *hints,
		  struct addrinfo **out)
{
	char list[256], *address, *rest = list;
	struct addrinfo **end = out;
	int code;

	snprintf(list, sizeof(list), "%s", addresses);
	*out = NULL;
	while ((address = strsep(&rest, " "))) {
		code = ask(address, service, hints, end);
		if (code) {
			freeaddrinfo(*out);
			return code;
		}
		while (*end)
			end = &(*end)->ai_next;
	}
	return 0;
}

__attribute__((__visibility__("default"))) int getaddrinfo(const char *name, const char *service,
							   const struct addrinfo *hints,
							   struct addrinfo **out)
{
	const char *end = name ? strrchr(name, '.') : NULL, *addresses;
	look_up *ask;

	*(void **)&ask = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!end || strcmp(end, ".test") || (hints && hints->ai_flags & AI_NUMERICHOST))
		return ask(name, service, hints, out);
	addresses = addresses_of(name);
	return addresses ? answer(ask, addresses, service, hints, out) : EAI_NONAME;
}
