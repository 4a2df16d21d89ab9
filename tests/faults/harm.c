/* SPDX-License-Identifier: Apache-2.0 */
#include "harm.h"

#include <pthread.h>
#include <stdlib.h>

#include "testing.h"

struct harm {
	pthread_t thread;
	struct proxy *proxy;
	const char *server;
	void (*harm)(const char *server);
	bool begun;
};

static void *wait_and_harm(void *context)
{
	struct harm *harm = context;

	harm->begun = proxy_wait(harm->proxy);
	harm->harm(harm->server);
	return NULL;
}

struct harm *harm_later(struct proxy *proxy, const char *server, void (*harm)(const char *server))
{
	struct harm *later = calloc(1, sizeof(*later));

	if (!later)
		abort();
	*later = (struct harm){.proxy = proxy, .server = server, .harm = harm};
	CU_ASSERT_EQUAL_FATAL(pthread_create(&later->thread, NULL, wait_and_harm, later), 0);
	return later;
}

void harm_done(struct harm *harm)
{
	pthread_join(harm->thread, NULL);
	CU_ASSERT(harm->begun);
	free(harm);
}
