/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the server to stop a statement. That takes a connection of its own, and libpq's function for it
 * blocks for as long as the server or the network likes: so a thread does it, which nobody waits for but who
 * wants to use the connection again. What both share is freed by the last one.
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define THREADS_MOST 32 /* that wait for servers which do not answer */

struct pg_cancel {
	uint32_t references; /* atomic */
	int done;	     /* an eventfd, written to at the end */
	PGcancel *request;
};

static uint32_t threads;

static void drop(struct pg_cancel *cancel)
{
	if (__atomic_sub_fetch(&cancel->references, 1, __ATOMIC_ACQ_REL))
		return;
	PQfreeCancel(cancel->request);
	close(cancel->done);
	free(cancel);
}

static void *deliver(void *context)
{
	struct pg_cancel *cancel = context;
	char message[256];

	PQcancel(cancel->request, message, sizeof(message));
	eventfd_write(cancel->done, 1);
	drop(cancel);
	__atomic_sub_fetch(&threads, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Without a signal that is meant for the program's own threads. */
static bool start(struct pg_cancel *cancel)
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
	started = !pthread_create(&thread, &attributes, deliver, cancel);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

void pg_cancel_start(struct pg_connection *conn)
{
	struct pg_cancel *cancel;

	if (conn->cancel || PQstatus(conn->pq) != CONNECTION_OK)
		return;
	if (__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED) > THREADS_MOST)
		goto no_thread;
	cancel = calloc(1, sizeof(*cancel));
	if (!cancel)
		goto no_thread;
	cancel->references = 2;
	cancel->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cancel->request = cancel->done < 0 ? NULL : PQgetCancel(conn->pq);
	if (cancel->request && start(cancel)) {
		conn->cancel = cancel;
		return;
	}
	if (cancel->request)
		PQfreeCancel(cancel->request);
	if (cancel->done >= 0)
		close(cancel->done);
	free(cancel);
no_thread:
	__atomic_sub_fetch(&threads, 1, __ATOMIC_RELAXED);
}

int pg_cancel_descriptor(const struct pg_connection *conn)
{
	return conn->cancel ? conn->cancel->done : -1;
}

void pg_cancel_end(struct pg_connection *conn)
{
	if (conn->cancel)
		drop(conn->cancel);
	conn->cancel = NULL;
}
