/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process a test. The child says how it went through a pipe and ends; one that crashes, exits or hangs is a
 * test that failed. What the adapter prints goes to a file in memory, so that it neither spoils the report
 * nor is lost.
 */
#include "conform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAID_SIZE 4096
#define PRINTED_SHOWN 2000 /* of what a test printed, at most so many bytes from its end */

/* What a child sends, at most one of each. */
enum word { SAYS_PASSED = 'p', SAYS_FAILED = 'f', SAYS_SKIPPED = 's', SAYS_ANSWER = 'a' };

static int to_parent = -1, printed = -1;
static pid_t tester; /* the child that may speak; not its own children */

int64_t conform_now(void)
{
	struct timespec now = {0, 0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* All of it, or false. */
static bool transfer(int fd, void *data, size_t size, bool writes)
{
	char *at = data;

	while (size) {
		ssize_t n = writes ? write(fd, at, size) : read(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

/* --- in the child --- */

static void say(char word, const void *data, size_t size)
{
	uint32_t length = (uint32_t)size;

	if (getpid() != tester)
		return;
	transfer(to_parent, &word, 1, true);
	transfer(to_parent, &length, sizeof(length), true);
	transfer(to_parent, (void *)(uintptr_t)data, size, true);
}

static void __attribute__((__noreturn__)) end(char word, const char *format, va_list arguments)
{
	char text[SAID_SIZE];

	vsnprintf(text, sizeof(text), format, arguments);
	say(word, text, strlen(text));
	if (getpid() != tester)
		dprintf(STDERR_FILENO, "%s\n", text);
	/* neither destructors nor buffers: what the test did to this process is of no more interest */
	_exit(word == SAYS_FAILED);
}

void conform_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	end(SAYS_FAILED, format, arguments);
}

void conform_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	end(SAYS_SKIPPED, format, arguments);
}

void conform_answer(const void *answer, size_t size)
{
	say(SAYS_ANSWER, answer, size);
}

/* The last bytes of a file, freed by the caller. */
static char *read_end(int fd, size_t most)
{
	off_t size = lseek(fd, 0, SEEK_END), from = size > (off_t)most ? size - (off_t)most : 0;
	char *text = calloc(1, most + 1);

	if (text && pread(fd, text, most, from) < 0)
		text[0] = '\0';
	return text;
}

const char *conform_printed(void)
{
	char *text;

	fflush(NULL);
	text = read_end(printed, PRINTED_SHOWN);
	return text ? text : "";
}

static void __attribute__((__noreturn__)) run_child(struct conform *conform, const struct conform_test *test)
{
	const struct rlimit none = {0, 0};
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0); /* so that its children go with it */
	setrlimit(RLIMIT_CORE, &none);
	dup2(nothing, STDIN_FILENO);
	dup2(printed, STDOUT_FILENO);
	dup2(printed, STDERR_FILENO);
	tester = getpid();
	test->run(conform);
	say(SAYS_PASSED, "", 0);
	_exit(0);
}

/* --- in the parent --- */

struct heard {
	char word; /* 0: it said nothing */
	char text[SAID_SIZE];
	void *answer;
	size_t answer_size;
	bool answered;
};

/* Takes in one word; false: there are no more. */
static bool hear(int fd, struct heard *heard)
{
	char word, text[SAID_SIZE] = "";
	uint32_t size;

	if (!transfer(fd, &word, 1, false) || !transfer(fd, &size, sizeof(size), false) ||
	    size >= sizeof(text) || !transfer(fd, text, size, false))
		return false;
	if (word == SAYS_ANSWER) {
		heard->answered = heard->answer && size == heard->answer_size;
		if (heard->answered)
			memcpy(heard->answer, text, size);
	} else {
		heard->word = word;
		memcpy(heard->text, text, sizeof(text));
	}
	return true;
}

/* Waits for words until the pipe closes or time is up; false: it is. */
static bool listen_until(int fd, int64_t end, struct heard *heard)
{
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left = (end - conform_now()) / 1000000;
		int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		if (!hear(fd, heard) || (heard->word && heard->word != SAYS_ANSWER))
			return true;
	}
}

static void explain_end(struct conform_outcome *out, int status, int64_t late)
{
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	out->result = CONFORM_FAILED;
	if (late)
		consort_buffer_printf(&out->detail, "did not end within %lld ms", (long long)late);
	else if (WIFSIGNALED(status))
		consort_buffer_printf(&out->detail, "crashed (SIG%s)", name ? name : "?");
	else
		consort_buffer_printf(&out->detail, "the process exited (status %d)", WEXITSTATUS(status));
}

/* What it printed, line by line behind the reason. */
static void add_printed(struct conform_outcome *out)
{
	char *text = read_end(printed, PRINTED_SHOWN), *line, *rest = NULL;

	for (line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		/* a crash report's bytes are shown, others are not worth it */
		if (consort_utf8_valid(line, strlen(line), NULL))
			consort_buffer_printf(&out->detail, "\n  | %s", line);
	}
	free(text);
}

/* late: after how many milliseconds it was ended, or 0 */
static void judge(const struct heard *heard, int status, int64_t late, struct conform_outcome *out)
{
	switch (heard->word) {
	case SAYS_PASSED:
		out->result = CONFORM_PASSED;
		return;
	case SAYS_SKIPPED:
		out->result = CONFORM_SKIPPED;
		break;
	case SAYS_FAILED:
		out->result = CONFORM_FAILED;
		break;
	default:
		explain_end(out, status, late);
		add_printed(out);
		return;
	}
	consort_buffer_text(&out->detail, heard->text);
}

void conform_run(struct conform *conform, const struct conform_test *test, void *answer, size_t answer_size,
		 struct conform_outcome *out)
{
	struct heard heard = {.answer = answer, .answer_size = answer_size};
	const int64_t limit = conform->timeout * (test->flags & CONFORM_LONG ? 10 : 1);
	int64_t begun = conform_now();
	int ends[2], status = 0;
	bool late = false;
	pid_t child;

	*out = (struct conform_outcome){.result = CONFORM_FAILED};
	printed = memfd_create("consort-conform", MFD_CLOEXEC);
	if (printed < 0 || pipe2(ends, O_CLOEXEC)) {
		consort_buffer_printf(&out->detail, "no pipe to a child process: %s", strerror(errno));
		return;
	}
	to_parent = ends[1];
	fflush(NULL);
	child = fork();
	if (!child) {
		close(ends[0]);
		run_child(conform, test);
	}
	close(ends[1]);
	if (child > 0) {
		setpgid(child, child);
		late = !listen_until(ends[0], begun + limit * 1000000, &heard);
		if (late || heard.word)
			kill(-child, SIGKILL); /* it has said all, and its children are not waited for */
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		kill(-child, SIGKILL);
		judge(&heard, status, late ? limit : 0, out);
	} else {
		consort_buffer_printf(&out->detail, "no child process: %s", strerror(errno));
	}
	close(ends[0]);
	close(printed);
	out->milliseconds = (conform_now() - begun) / 1000000;
}
