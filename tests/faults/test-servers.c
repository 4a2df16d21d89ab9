/* SPDX-License-Identifier: Apache-2.0 */
/* What tests do to servers: a PostgreSQL of this program's own, asked in the first bytes of its protocol. */
#include "servers.h"
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER "postgres@test-servers"

/* A connection that has asked for TLS, or -1 with errno. */
static int ask(void)
{
	static const unsigned char request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)atoi(servers_get(SERVER, "PORT")));
	inet_pton(AF_INET, servers_get(SERVER, "HOST"), &address.sin_addr);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    send(fd, request, sizeof(request), 0) != sizeof(request)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* The answer, which is S where the server speaks TLS. Waits for it. */
static char answer(int fd)
{
	char byte = '\0';

	CU_ASSERT_EQUAL(recv(fd, &byte, 1, 0), 1);
	close(fd);
	return byte;
}

/* The state of a process as /proc tells it: T for stopped. */
static char state_of(pid_t pid)
{
	char path[64], state = '\0';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '\0';
	if (file)
		fclose(file);
	return state;
}

static void test_start(void)
{
	pid_t pid;

	servers_start(SERVER);
	CU_ASSERT_EQUAL(answer(ask()), 'S');
	pid = servers_pid(SERVER);
	CU_ASSERT(!kill(pid, 0));
	servers_start(SERVER);
	CU_ASSERT_EQUAL(servers_pid(SERVER), pid);
	TESTING_CONTAINS(servers_get(SERVER, "DSN"), servers_get(SERVER, "PORT"));
}

static void test_kill(void)
{
	const char *port;

	servers_start(SERVER);
	port = servers_get(SERVER, "PORT");
	servers_kill(SERVER);
	CU_ASSERT_EQUAL(ask(), -1);
	CU_ASSERT_EQUAL(errno, ECONNREFUSED);
	servers_start(SERVER);
	TESTING_TEXT(servers_get(SERVER, "PORT"), port);
	CU_ASSERT_EQUAL(answer(ask()), 'S');
}

static void test_pause(void)
{
	struct pollfd waiting = {.events = POLLIN};
	pid_t pid;

	servers_start(SERVER);
	pid = servers_pid(SERVER);
	servers_pause(SERVER);
	CU_ASSERT_EQUAL(state_of(pid), 'T');
	waiting.fd = ask();
	CU_ASSERT(waiting.fd >= 0);
	CU_ASSERT_EQUAL(poll(&waiting, 1, 100), 0);
	servers_resume(SERVER);
	CU_ASSERT_EQUAL(answer(waiting.fd), 'S');
}

static void test_stop(void)
{
	servers_start(SERVER);
	servers_pause(SERVER);
	servers_stop(SERVER);
	CU_ASSERT_EQUAL(ask(), -1);
	servers_stop(SERVER);
	servers_start(SERVER);
	CU_ASSERT_EQUAL(answer(ask()), 'S');
}

/* What the environment says goes first: tests may be given a server. */
static void test_given(void)
{
	setenv("CONSORT_TEST_POSTGRES_GIVEN_DSN", "host=elsewhere", 1);
	TESTING_TEXT(servers_get("postgres@given", "DSN"), "host=elsewhere");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"start", test_start}, {"kill", test_kill},   {"pause", test_pause},
		{"stop", test_stop},   {"given", test_given}, {NULL, NULL},
	};
	int result = testing_main("servers", cases, argc, argv);

	servers_remove(SERVER);
	return result;
}
