/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads an adapter in a child process, so that one that crashes, hangs or exits while it is loaded is only an
 * error. The child sends the outcome through a pipe; what it does not live to send, its end tells.
 */
#include "loader/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that crashes shall do so by itself: without the host's handlers, without leaving a core file,
 * without writing to the host's output (what the host has in its buffers, an exit would flush). */
static void isolate(void)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGPIPE,
	};
	const struct rlimit none = {0, 0};
	int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	if (quiet >= 0)
		dup2(quiet, STDOUT_FILENO);
	else
		close(STDOUT_FILENO);
}

__attribute__((__noreturn__)) static void run_child(const struct consort_candidate *candidate, int to_parent)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const struct consort_plugin *plugin;
	ssize_t sent;

	isolate();
	consort_loader_open(candidate, &plugin, &error);
	do
		sent = write(to_parent, &error, sizeof(error)); /* under PIPE_BUF: all or nothing */
	while (sent < 0 && errno == EINTR);
	_exit(sent == (ssize_t)sizeof(error) ? 0 : 1);
}

/* What is known of a child. Its end is told by a descriptor of its own, since others that the host forks may
 * hold the pipe open. */
struct trial {
	pid_t child;
	int process;	/* readable when it has ended; -1: it had ended at once */
	int from_child; /* does not block */
	struct consort_error outcome;
	bool received;
	int status; /* of waitpid, -1: not known, since the host ignores SIGCHLD */
};

/* Waits until it sends its outcome or ends. False: neither in `limit` milliseconds. */
static bool wait_for_child(struct trial *trial, int limit)
{
	const struct consort_host *host = consort_host_services();
	int64_t end = host->clock() + (int64_t)limit * 1000000, left;
	struct pollfd waits[] = {{.fd = trial->process, .events = POLLIN},
				 {.fd = trial->from_child, .events = POLLIN}};
	ssize_t size;
	int ready;

	for (;;) {
		left = (end - host->clock() + 999999) / 1000000;
		ready = trial->process < 0 || poll(waits, 2, left > 0 ? (int)left : 0);
		if (ready <= 0 && left <= 0)
			return false;
		size = read(trial->from_child, &trial->outcome, sizeof(trial->outcome));
		trial->received = size == (ssize_t)sizeof(trial->outcome);
		if (trial->received || trial->process < 0 || waits[0].revents)
			return true;
		if (!size)
			waits[1].fd = -1; /* closed, but it lives */
	}
}

/* Nothing of it is left behind. */
static void end_child(struct trial *trial)
{
	pid_t waited;

	if (trial->process >= 0)
		pidfd_send_signal(trial->process, SIGKILL, NULL, 0);
	do
		waited = waitpid(trial->child, &trial->status, 0);
	while (waited < 0 && errno == EINTR);
	if (waited != trial->child)
		trial->status = -1;
	if (trial->process >= 0)
		close(trial->process);
	close(trial->from_child);
}

/* What a child that sent nothing died of. */
static enum consort_status explain_end(const char *path, int status, struct consort_error *error)
{
	const char *name;

	if (status != -1 && WIFSIGNALED(status)) {
		name = sigabbrev_np(WTERMSIG(status));
		return consort_error_set(error, CONSORT_ELOAD, "%s: crashes while it is loaded (SIG%s)", path,
					 name ? name : "?");
	}
	if (status != -1 && WIFEXITED(status))
		return consort_error_set(error, CONSORT_ELOAD,
					 "%s: ends the process while it is loaded (exit status %d)", path,
					 WEXITSTATUS(status));
	return consort_error_set(error, CONSORT_ELOAD, "%s: ends the process while it is loaded", path);
}

static enum consort_status start_child(const struct consort_candidate *candidate, struct trial *trial,
				       struct consort_error *error)
{
	int ends[2], failed = 0;

	if (pipe2(ends, O_CLOEXEC))
		return consort_error_set(error, CONSORT_EINTERNAL, "no pipe to a child process: %s",
					 strerror(errno));
	trial->from_child = ends[0];
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK))
		failed = errno;
	trial->child = failed ? -1 : fork();
	if (!trial->child)
		run_child(candidate, ends[1]);
	if (trial->child < 0) {
		failed = failed ? failed : errno;
		close(ends[0]);
		close(ends[1]);
		return consort_error_set(error, CONSORT_EINTERNAL, "no child process: %s", strerror(failed));
	}
	close(ends[1]);
	trial->process = pidfd_open(trial->child, 0);
	if (trial->process >= 0 || errno == ESRCH)
		return CONSORT_OK;
	failed = errno;
	kill(trial->child, SIGKILL);
	end_child(trial);
	return consort_error_set(error, CONSORT_EINTERNAL, "a child process cannot be watched: %s",
				 strerror(failed));
}

enum consort_status consort_loader_try(const struct consort_candidate *candidate, int limit,
				       struct consort_error *error)
{
	struct trial trial = {.process = -1};
	enum consort_status status = start_child(candidate, &trial, error);
	bool in_time;

	if (status)
		return status;
	in_time = wait_for_child(&trial, limit);
	end_child(&trial);
	if (!in_time)
		return consort_error_set(error, CONSORT_ELOAD,
					 "%s: hangs while it is loaded (stopped after %d ms)",
					 candidate->canonical, limit);
	if (!trial.received)
		return explain_end(candidate->canonical, trial.status, error);
	if (trial.outcome.status && error)
		*error = trial.outcome;
	return trial.outcome.status;
}
