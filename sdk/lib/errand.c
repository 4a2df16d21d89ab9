/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on a thread of its own. Caller and thread share what it is about, and the last one of them frees it:
 * so a caller goes when he likes, and a thread that is stuck holds nothing but its own.
 */
#include <consort/errand.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct consort_errand {
	uint32_t references; /* atomic */
	uint32_t ended;	     /* atomic */
	int done;	     /* an eventfd, written to then */
	struct consort_errands *kind;
	void (*run)(void *context);
	void (*clear)(void *context);
	void *context;
};

static void free_errand(struct consort_errand *errand)
{
	if (errand->done >= 0)
		close(errand->done);
	free(errand);
}

void consort_errand_drop(struct consort_errand *errand)
{
	if (!errand || __atomic_sub_fetch(&errand->references, 1, __ATOMIC_ACQ_REL))
		return;
	errand->clear(errand->context);
	free_errand(errand);
}

static void *run(void *argument)
{
	struct consort_errand *errand = argument;
	struct consort_errands *kind = errand->kind;

	errand->run(errand->context);
	__atomic_store_n(&errand->ended, 1, __ATOMIC_RELEASE);
	eventfd_write(errand->done, 1);
	consort_errand_drop(errand);
	__atomic_sub_fetch(&kind->running, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Without a signal that is meant for the program's own threads. */
static bool start_thread(struct consort_errand *errand)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	if (pthread_attr_init(&attributes))
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = !pthread_create(&thread, &attributes, run, errand);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

struct consort_errand *consort_errand_start(struct consort_errands *kind, void (*work)(void *context),
					    void (*clear)(void *context), void *context)
{
	struct consort_errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	*errand = (struct consort_errand){.references = 2,
					  .done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
					  .kind = kind,
					  .run = work,
					  .clear = clear,
					  .context = context};
	if (__atomic_add_fetch(&kind->running, 1, __ATOMIC_RELAXED) <= kind->most && errand->done >= 0 &&
	    start_thread(errand))
		return errand;
	__atomic_sub_fetch(&kind->running, 1, __ATOMIC_RELAXED);
	free_errand(errand);
	return NULL;
}

int consort_errand_is_done(const struct consort_errand *errand)
{
	return __atomic_load_n(&errand->ended, __ATOMIC_ACQUIRE) != 0;
}

int consort_errand_descriptor(const struct consort_errand *errand)
{
	return errand->done;
}
