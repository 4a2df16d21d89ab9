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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that crashes shall do so by itself: without the host's handlers, without leaving a core file, without
 * writing to the host's output (what the host has in its buffers, an exit would flush). */
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

/* Waits for the child's outcome. False: it ended, or the time did (*out_late), before one came. */
static bool receive(int from_child, int limit, struct consort_error *out_outcome, bool *out_late)
{
	const struct consort_host *host = consort_host_services();
	int64_t end = host->clock() + (int64_t)limit * 1000000;
	struct pollfd wait = {.fd = from_child, .events = POLLIN};
	ssize_t n;
	int ready;

	do {
		int64_t left = (end - host->clock() + 999999) / 1000000;

		ready = poll(&wait, 1, left > 0 ? (int)left : 0);
	} while (ready < 0 && errno == EINTR);
	*out_late = ready == 0;
	if (ready <= 0)
		return false;
	do
		n = read(from_child, out_outcome, sizeof(*out_outcome));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*out_outcome);
}

/* What a child that sent nothing died of. ended: waitpid could tell. */
static enum consort_status explain_end(const char *path, bool ended, int status, struct consort_error *error)
{
	const char *name;

	if (ended && WIFSIGNALED(status)) {
		name = sigabbrev_np(WTERMSIG(status));
		return consort_error_set(error, CONSORT_ELOAD, "%s: crashes while it is loaded (SIG%s)", path,
					 name ? name : "?");
	}
	if (ended && WIFEXITED(status))
		return consort_error_set(error, CONSORT_ELOAD,
					 "%s: ends the process while it is loaded (exit status %d)", path,
					 WEXITSTATUS(status));
	return consort_error_set(error, CONSORT_ELOAD, "%s: ends the process while it is loaded", path);
}

enum consort_status consort_loader_try(const struct consort_candidate *candidate, int limit,
				       struct consort_error *error)
{
	struct consort_error outcome = CONSORT_ERROR_INIT;
	bool received, late, ended;
	int ends[2], status = 0;
	pid_t child, waited;

	if (pipe2(ends, O_CLOEXEC))
		return consort_error_set(error, CONSORT_EINTERNAL, "no pipe to a child process: %s",
					 strerror(errno));
	child = fork();
	if (!child)
		run_child(candidate, ends[1]);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return consort_error_set(error, CONSORT_EINTERNAL, "no child process: %s", strerror(errno));
	}
	received = receive(ends[0], limit, &outcome, &late);
	close(ends[0]);
	if (late || received)
		kill(child, SIGKILL); /* it has nothing more to tell, and must not hang in its end */
	do
		waited = waitpid(child, &status, 0);
	while (waited < 0 && errno == EINTR);
	ended = waited == child; /* not if the host ignores SIGCHLD */
	if (late)
		return consort_error_set(error, CONSORT_ELOAD,
					 "%s: hangs while it is loaded (stopped after %d ms)",
					 candidate->canonical, limit);
	if (!received)
		return explain_end(candidate->canonical, ended, status, error);
	if (outcome.status && error)
		*error = outcome;
	return outcome.status;
}
