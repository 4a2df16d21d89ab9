/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session: the open manifest, under a scope with the deadline and a cancel token. A thread waits for
 * SIGINT, SIGTERM and SIGHUP, since a cancel token must not be fired from a signal handler. The first signal
 * cancels (in an import it is only seen at the next record, and the second one cancels); one more kills.
 */
#include "tools.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
	struct consort_cancel *cancel;
	atomic_bool gentle, interrupted;
	int wake; /* readable once interrupted */
	bool watching;
} session = {.wake = -1};

static void *watch(void *context)
{
	const sigset_t *signals = context;
	unsigned count = 0;

	for (;;) {
		bool gentle;
		int number;

		if (sigwait(signals, &number))
			continue;
		count++;
		gentle = atomic_load(&session.gentle);
		atomic_store(&session.interrupted, true);
		eventfd_write(session.wake, 1);
		if (count > (gentle ? 2u : 1u))
			_exit(128 + number);
		if (count > (gentle ? 1u : 0u))
			consort_cancel_fire(session.cancel);
	}
	return NULL;
}

/* Blocks the signals here, and so in the threads that libraries start, and has one thread wait for them. */
static enum consort_status start_watch(struct tool *tool, struct consort_error *error)
{
	static sigset_t signals;
	pthread_attr_t attributes;
	pthread_t thread;
	int failed;

	session.cancel = tool->cancel;
	session.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session.wake < 0)
		return report_file(error, "eventfd", "watch for signals");
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &attributes, watch, &signals);
	pthread_attr_destroy(&attributes);
	if (failed)
		return consort_error_set(error, CONSORT_EINTERNAL, "cannot start a thread: %s",
					 strerror(failed));
	session.watching = true;
	return CONSORT_OK;
}

const char *session_manifest(const struct tool *tool)
{
	const char *path = tool->manifest ? tool->manifest : getenv("CONSORT_CONFIG");

	if (path && *path)
		return path;
	return access("consort.ini", F_OK) && errno == ENOENT ? NULL : "consort.ini";
}

static enum consort_status open_manifest(struct tool *tool, struct consort_error *error)
{
	struct consort_open_options options = {
		.struct_size = sizeof(options),
		.path = session_manifest(tool),
		.databases = tool->databases,
	};
	enum consort_status status;

	if (!options.path && !tool->ndatabases)
		return consort_error_set(
			error, CONSORT_EMANIFEST,
			"there is no ./consort.ini; name a manifest with -c or CONSORT_CONFIG, or a "
			"database with -d");
	status = consort_open_with(&options, &tool->root, error);
	/* Opening connects to nothing: what cannot be read here is the manifest. */
	if (status == CONSORT_ECONNECTION) {
		status = CONSORT_EMANIFEST;
		error->status = CONSORT_EMANIFEST;
	}
	return status;
}

enum consort_status session_open(struct tool *tool, struct consort_error *error)
{
	struct consort_scope_options options = {.struct_size = sizeof(options), .timeout = tool->timeout};
	enum consort_status status;

	if (tool->c)
		return CONSORT_OK;
	status = open_manifest(tool, error);
	if (status)
		return status;
	tool->cancel = consort_cancel_new();
	if (!tool->cancel)
		return consort_error_no_memory(error);
	status = start_watch(tool, error);
	if (status)
		return status;
	options.cancel = tool->cancel;
	return consort_scope(tool->root, &options, &tool->c, error);
}

void session_close(struct tool *tool)
{
	consort_close(tool->c);
	consort_close(tool->root);
	tool->c = tool->root = NULL;
	/* The watching thread may fire the token until the process ends. */
	if (!session.watching)
		consort_cancel_free(tool->cancel);
	tool->cancel = NULL;
}

void session_interrupt_gently(void)
{
	atomic_store(&session.gentle, true);
}

bool session_interrupted(void)
{
	return atomic_load_explicit(&session.interrupted, memory_order_relaxed);
}

enum consort_status session_read(int fd, const char *name, void *out, size_t size, size_t *out_size,
				 struct consort_error *error)
{
	struct pollfd polls[2] = {{.fd = fd, .events = POLLIN}, {.fd = session.wake, .events = POLLIN}};

	for (;;) {
		ssize_t done;

		if (session_interrupted())
			return consort_error_set(error, CONSORT_ECANCELLED, "interrupted");
		if (poll(polls, session.wake < 0 ? 1 : 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return report_file(error, name, "read");
		}
		if (!polls[0].revents)
			continue;
		done = read(fd, out, size);
		if (done >= 0) {
			*out_size = (size_t)done;
			return CONSORT_OK;
		}
		if (errno != EINTR && errno != EAGAIN)
			return report_file(error, name, "read");
	}
}
