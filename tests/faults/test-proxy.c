/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy of faults, between a client and a server that sends back what it gets. */
#include "proxy.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LARGE (8 * 1024 * 1024) /* more than all buffers between the two together */

/* --- a server that echoes --- */

/* Ends a child, whose copy of the parent's memory nobody is to look for leaks in. */
static void end_child(void)
{
	raise(SIGKILL);
}

static void echo(int fd)
{
	static char buffer[65536];
	ssize_t size, sent;

	while ((size = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		for (ssize_t done = 0; done < size; done += sent)
			if ((sent = send(fd, buffer + done, (size_t)(size - done), MSG_NOSIGNAL)) < 0)
				end_child();
	end_child();
}

/* A child that serves until this process ends. Each connection has a child of its own. */
static void serve(int listener)
{
	pid_t parent = getpid();

	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	while (getppid() == parent) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0 && !fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			echo(fd);
		}
		close(fd);
	}
	end_child();
}

/* Starts one at a port or a path; its address for the proxy. */
static const char *start_echo(const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr *address = path ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t size = path ? sizeof(un) : sizeof(in);
	int listener = socket(address->sa_family, SOCK_STREAM, 0);
	char *name = malloc(sizeof("127.0.0.1:65535"));

	if (path)
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (bind(listener, address, size) || listen(listener, 128) || getsockname(listener, address, &size)) {
		perror("echo");
		exit(1);
	}
	serve(listener);
	close(listener);
	snprintf(name, sizeof("127.0.0.1:65535"), "127.0.0.1:%u", ntohs(in.sin_port));
	testing_keep(name);
	return path ? path : name;
}

/* --- a client --- */

/* A connection, or -1 with errno. */
static int try_connect(unsigned port, const char *path)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr *address = path ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	int fd = socket(address->sa_family, SOCK_STREAM, 0);

	in.sin_port = htons((uint16_t)port);
	if (path)
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, address, path ? sizeof(un) : sizeof(in))) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int connect_to(struct proxy *proxy)
{
	int fd = try_connect(proxy_port(proxy), NULL);

	if (fd < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What comes until the end, or until it is as long as expected; and how it ended. */
static void expect(int fd, const char *expected, int error)
{
	char got[256] = "";
	size_t size = 0;
	ssize_t n = 1;

	while (size < sizeof(got) - 1 && (error >= 0 || size < strlen(expected))) {
		n = recv(fd, got + size, sizeof(got) - 1 - size, 0);
		if (n <= 0)
			break;
		size += (size_t)n;
	}
	TESTING_TEXT(got, expected);
	if (error >= 0)
		CU_ASSERT_EQUAL(n ? errno : 0, error);
}

#define GOES_ON (-1)
#define ENDS 0

/* Is there something to read, within so many milliseconds? */
static bool hears(int fd, int milliseconds)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};

	return poll(&waiting, 1, milliseconds) == 1;
}

/* A connection that has worked. */
static int talk(struct proxy *proxy)
{
	int fd = connect_to(proxy);

	say(fd, "hello");
	expect(fd, "hello", GOES_ON);
	return fd;
}

/* Bytes that differ wherever one looks. */
static unsigned char byte_at(size_t i)
{
	return (unsigned char)((i * 2654435761U) >> 13);
}

/* Sends much, and ends behind it. */
static void *send_all(void *argument)
{
	int fd = *(int *)argument;
	unsigned char bytes[4096];

	for (size_t sent = 0; sent < LARGE; sent += sizeof(bytes)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = byte_at(sent + i);
		if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) != sizeof(bytes))
			break;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* The same, reading it back at the same time, to the end. */
static void exchange(int fd)
{
	unsigned char bytes[4096];
	size_t got = 0, wrong = 0;
	ssize_t size;
	pthread_t sender;

	CU_ASSERT_FATAL(!pthread_create(&sender, NULL, send_all, &fd));
	while ((size = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		for (ssize_t i = 0; i < size; i++)
			wrong += bytes[i] != byte_at(got++);
	CU_ASSERT_EQUAL(size, 0);
	CU_ASSERT_EQUAL(got, LARGE);
	CU_ASSERT_EQUAL(wrong, 0);
	pthread_join(sender, NULL);
	close(fd);
}

/* --- cases --- */

static void pass(const char *server_path, const char *listen_path)
{
	struct proxy *proxy = proxy_start(start_echo(server_path), listen_path);
	int fd = try_connect(proxy_port(proxy), listen_path);

	CU_ASSERT_FATAL(fd >= 0);
	exchange(fd);
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_TO_SERVER), LARGE);
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_TO_CLIENT), LARGE);
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_BOTH), 2 * LARGE);
	proxy_stop(proxy);
}

static void test_tcp(void)
{
	pass(NULL, NULL);
}

static void test_unix(void)
{
	pass(testing_path("server"), testing_path("listen"));
}

static void test_mixed(void)
{
	pass(testing_path("server"), NULL);
	pass(NULL, testing_path("listen"));
}

static void test_many(void)
{
	enum { MANY = 40 };
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	char text[32];
	int fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = connect_to(proxy);
		snprintf(text, sizeof(text), "number %d", i);
		say(fds[i], text);
	}
	for (int i = MANY - 1; i >= 0; i--) {
		snprintf(text, sizeof(text), "number %d", i);
		expect(fds[i], text, GOES_ON);
	}
	CU_ASSERT_EQUAL(proxy_open(proxy), MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	while (proxy_open(proxy))
		;
	CU_ASSERT_EQUAL(proxy_accepted(proxy), MANY);
	proxy_stop(proxy);
}

/* Nothing comes, not even the end; and all of it, once the network is there again. */
static void test_silent(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy), later;

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_SILENT, .ways = PROXY_BOTH});
	CU_ASSERT(proxy_wait(proxy));
	say(fd, "is anybody");
	say(fd, " there");
	shutdown(fd, SHUT_WR);
	later = connect_to(proxy);
	say(later, "later");
	CU_ASSERT(!hears(fd, 50));
	CU_ASSERT(!hears(later, 0));
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_TO_SERVER), strlen("hello"));
	proxy_pass(proxy);
	expect(fd, "is anybody there", ENDS);
	expect(later, "later", GOES_ON);
	proxy_stop(proxy);
}

static void test_silent_to_client(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT});
	say(fd, "heard");
	while (proxy_bytes(proxy, PROXY_TO_SERVER) < strlen("hello") + strlen("heard"))
		;
	CU_ASSERT(!hears(fd, 50));
	proxy_pass(proxy);
	expect(fd, "heard", GOES_ON);
	proxy_stop(proxy);
}

static int64_t milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void test_delay(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);
	int64_t start = milliseconds_now();

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_DELAY, .ways = PROXY_BOTH, .milliseconds = 60});
	say(fd, "slow");
	shutdown(fd, SHUT_WR);
	expect(fd, "slow", GOES_ON);
	CU_ASSERT(milliseconds_now() - start >= 120);
	expect(fd, "", ENDS);
	proxy_stop(proxy);
}

static void test_close_after_bytes(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy), other = talk(proxy);

	proxy_set(proxy,
		  &(struct proxy_fault){.kind = PROXY_CLOSE, .trigger = PROXY_TO_CLIENT, .after_bytes = 7});
	say(fd, "12345");
	expect(fd, "12345", GOES_ON);
	say(fd, "67890");
	expect(fd, "67", ENDS);
	CU_ASSERT(proxy_wait(proxy));
	/* each connection counts for itself */
	say(other, "123456");
	expect(other, "123456", GOES_ON);
	proxy_set(proxy,
		  &(struct proxy_fault){.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_bytes = 3});
	say(other, "abcdef");
	while (proxy_open(proxy))
		;
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_TO_SERVER), 2 * 5 + 10 + 6 + 3);
	proxy_stop(proxy);
}

static void test_reset_after_bytes(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);

	proxy_set(proxy,
		  &(struct proxy_fault){.kind = PROXY_RESET, .trigger = PROXY_TO_CLIENT, .after_bytes = 7});
	say(fd, "1234567890");
	expect(fd, "1234567", ECONNRESET);
	proxy_stop(proxy);
}

/* The server gets the text and what came with it, the client hears nothing of it. */
static void test_after_text(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_SILENT,
					       .ways = PROXY_TO_CLIENT,
					       .trigger = PROXY_TO_SERVER,
					       .after_text = "COMMIT"});
	say(fd, "insert; COMM");
	expect(fd, "insert; COMM", GOES_ON);
	say(fd, "IT; select");
	CU_ASSERT(proxy_wait(proxy));
	CU_ASSERT(!hears(fd, 50));
	proxy_pass(proxy);
	expect(fd, "IT; select", GOES_ON);
	proxy_stop(proxy);
}

static void test_before_text(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);

	proxy_set(proxy, &(struct proxy_fault){
				 .kind = PROXY_RESET, .trigger = PROXY_TO_SERVER, .before_text = "COMMIT"});
	say(fd, "insert; COMIT; COMMIT; select");
	CU_ASSERT(proxy_wait(proxy));
	while (proxy_open(proxy))
		;
	CU_ASSERT_EQUAL(proxy_bytes(proxy, PROXY_TO_SERVER), strlen("hello") + strlen("insert; COMIT; "));
	proxy_stop(proxy);
}

/* The client is told something else than the server says, which arrives when the fault is over. */
static void test_lie(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_LIE,
					       .trigger = PROXY_TO_SERVER,
					       .after_text = "COMMIT",
					       .lie = "a lie"});
	say(fd, "begin");
	expect(fd, "begin", GOES_ON);
	say(fd, "COMMIT");
	expect(fd, "a lie", GOES_ON);
	CU_ASSERT(!hears(fd, 50));
	proxy_pass(proxy);
	expect(fd, "COMMIT", GOES_ON);
	proxy_stop(proxy);
}

/* All of it arrives, each byte later than the one before. */
static void test_trickle(void)
{
	static const char text[] = "one by one, and in their order, to the end";
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int fd = talk(proxy);
	char got[sizeof(text)] = "";
	size_t size = 0;
	int times = 0;

	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_TRICKLE, .ways = PROXY_TO_CLIENT});
	say(fd, text);
	for (; size < strlen(text); times++)
		size += (size_t)recv(fd, got + size, sizeof(got) - size, 0);
	TESTING_TEXT(got, text);
	CU_ASSERT(times > 1);
	proxy_stop(proxy);
}

static void test_refuse(void)
{
	const char *path = testing_path("listen");
	struct proxy *tcp = proxy_start(start_echo(NULL), NULL);
	struct proxy *local = proxy_start(start_echo(NULL), path);
	int fd = talk(tcp);

	proxy_refuse(tcp, true);
	proxy_refuse(local, true);
	CU_ASSERT_EQUAL(try_connect(proxy_port(tcp), NULL), -1);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	CU_ASSERT_EQUAL(try_connect(0, path), -1);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	say(fd, "still here");
	expect(fd, "still here", GOES_ON);
	proxy_refuse(tcp, false);
	proxy_refuse(local, false);
	CU_ASSERT(talk(tcp) >= 0);
	CU_ASSERT(try_connect(0, path) >= 0);
	proxy_stop(tcp);
	proxy_stop(local);
	CU_ASSERT_EQUAL(try_connect(0, path), -1);
	CU_ASSERT_EQUAL(errno, ENOENT);
}

static void test_reset(void)
{
	struct proxy *proxy = proxy_start(start_echo(NULL), NULL);
	int one = talk(proxy), two = talk(proxy);

	CU_ASSERT_EQUAL(proxy_reset(proxy), 2);
	CU_ASSERT_EQUAL(proxy_open(proxy), 0);
	expect(one, "", ECONNRESET);
	expect(two, "", ECONNRESET);
	CU_ASSERT_EQUAL(proxy_reset(proxy), 0);
	CU_ASSERT(talk(proxy) >= 0);
	CU_ASSERT_EQUAL(proxy_accepted(proxy), 3);
	proxy_stop(proxy);
}

/* Where no server listens, a client is reset. */
static void test_no_server(void)
{
	struct proxy *proxy = proxy_start("127.0.0.1:1", NULL);
	int fd = connect_to(proxy);

	expect(fd, "", ECONNRESET);
	close(fd);
	proxy_stop(proxy);
	proxy = proxy_start(testing_path("nobody"), NULL);
	fd = connect_to(proxy);
	expect(fd, "", ECONNRESET);
	proxy_stop(proxy);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"tcp", test_tcp},
		{"unix", test_unix},
		{"mixed", test_mixed},
		{"many", test_many},
		{"silent", test_silent},
		{"silent-to-client", test_silent_to_client},
		{"delay", test_delay},
		{"close-after-bytes", test_close_after_bytes},
		{"reset-after-bytes", test_reset_after_bytes},
		{"after-text", test_after_text},
		{"before-text", test_before_text},
		{"lie", test_lie},
		{"trickle", test_trickle},
		{"refuse", test_refuse},
		{"reset", test_reset},
		{"no-server", test_no_server},
		{NULL, NULL},
	};

	return testing_main("proxy", cases, argc, argv);
}
