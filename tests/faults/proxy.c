/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy's thread, and how a test talks to it. All sockets are the thread's: a test changes what is
 * wanted, and waits until the thread has done it. */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SECONDS 60
#define SECOND 1000000000LL

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} at;
	socklen_t size;
};

struct proxy {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t done;
	int wake;
	struct address listen, server;

	/* what is wanted; the thread has seen all when `seen` is `asked` */
	uint64_t asked, seen;
	struct proxy_fault *new_fault;
	bool refuse, reset, stop;

	/* what is */
	int listener; /* -1 while it refuses */
	struct proxy_fault fault;
	bool begun;
	struct link *links;
	unsigned open, accepted, was_reset;
	uint64_t bytes[2]; /* of links that are gone */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static void set_address(struct address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";

	memset(address, 0, sizeof(*address));
	errno = EINVAL;
	if (*text == '/') {
		address->size = sizeof(address->at.un);
		address->at.un.sun_family = AF_UNIX;
		if (strlen(text) >= sizeof(address->at.un.sun_path))
			die(text);
		strcpy(address->at.un.sun_path, text);
		return;
	}
	address->size = sizeof(address->at.in);
	address->at.in.sin_family = AF_INET;
	if (!colon || (size_t)(colon - text) >= sizeof(host))
		die(text);
	memcpy(host, text, (size_t)(colon - text));
	address->at.in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &address->at.in.sin_addr) != 1)
		die(text);
}

static int new_socket(const struct address *address)
{
	int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* Listens, at the same port as before if there was one. */
static void open_listener(struct proxy *proxy)
{
	struct address *address = &proxy->listen;
	int yes = 1;

	proxy->listener = new_socket(address);
	setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->at.any.sa_family == AF_UNIX)
		unlink(address->at.un.sun_path);
	if (bind(proxy->listener, &address->at.any, address->size) || listen(proxy->listener, 128) ||
	    getsockname(proxy->listener, &address->at.any, &address->size))
		die("proxy");
}

/* --- the thread --- */

static void accept_link(struct proxy *proxy)
{
	int client = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), server;
	struct link *link;

	if (client < 0)
		return;
	server = new_socket(&proxy->server);
	link = link_new(client, server);
	proxy->accepted++;
	if (connect(server, &proxy->server.at.any, proxy->server.size) && errno != EINPROGRESS) {
		link_free(link, true);
		return;
	}
	link_set(link, &proxy->fault);
	proxy->begun |= link->faulty;
	link->next = proxy->links;
	proxy->links = link;
	proxy->open++;
}

/* Removes the links that are over, or all. */
static void remove_links(struct proxy *proxy, bool all)
{
	struct link **at = &proxy->links, *link;

	while ((link = *at)) {
		proxy->begun |= link->faulty;
		if (!all && !link_is_over(link)) {
			at = &link->next;
			continue;
		}
		*at = link->next;
		for (int i = 0; i < 2; i++)
			proxy->bytes[i] += link->flows[i].sent;
		link_free(link, all);
		proxy->open--;
	}
}

static void clear_fault(struct proxy_fault *fault)
{
	free((char *)fault->after_text);
	free((char *)fault->before_text);
	free((char *)fault->lie);
}

static void take_fault(struct proxy *proxy)
{
	clear_fault(&proxy->fault);
	proxy->fault = *proxy->new_fault;
	free(proxy->new_fault);
	proxy->new_fault = NULL;
	proxy->begun = false;
	for (struct link *link = proxy->links; link; link = link->next) {
		link_set(link, &proxy->fault);
		proxy->begun |= link->faulty;
	}
}

/* Does what is wanted. */
static void do_asked(struct proxy *proxy)
{
	if (proxy->new_fault)
		take_fault(proxy);
	if (proxy->reset) {
		proxy->was_reset = proxy->open;
		remove_links(proxy, true);
		proxy->reset = false;
	}
	if (proxy->refuse && proxy->listener >= 0) {
		shutdown(proxy->listener, SHUT_RDWR); /* a child of the test may hold it, too */
		close(proxy->listener);
		proxy->listener = -1;
	} else if (!proxy->refuse && proxy->listener < 0) {
		open_listener(proxy);
	}
	proxy->seen = proxy->asked;
	pthread_cond_broadcast(&proxy->done);
}

/* Waits for the listener, the test, and two sockets of each link. */
static struct pollfd *wait_for_work(struct proxy *proxy)
{
	nfds_t count = 2 + 2 * (nfds_t)proxy->open, at = 2;
	struct pollfd *polls = calloc(count, sizeof(*polls));
	int64_t now = now_ns(), until = LINK_NEVER, wait;
	struct timespec timeout;

	if (!polls)
		abort();
	polls[0] = (struct pollfd){.fd = proxy->wake, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
	for (struct link *link = proxy->links; link; link = link->next, at += 2)
		link_poll(link, now, polls + at, &until);
	wait = until > now ? until - now : 0;
	timeout = (struct timespec){.tv_sec = wait / SECOND, .tv_nsec = wait % SECOND};
	pthread_mutex_unlock(&proxy->lock);
	if (ppoll(polls, count, until == LINK_NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
		die("poll");
	pthread_mutex_lock(&proxy->lock);
	return polls;
}

static void *run(void *argument)
{
	struct proxy *proxy = argument;

	pthread_mutex_lock(&proxy->lock);
	while (!proxy->stop) {
		struct pollfd *polls;
		nfds_t at = 2;
		uint64_t woken;

		do_asked(proxy);
		polls = wait_for_work(proxy);
		if (polls[0].revents && read(proxy->wake, &woken, sizeof(woken)) < 0)
			die("eventfd");
		for (struct link *link = proxy->links; link; link = link->next, at += 2)
			link_move(link, &proxy->fault, now_ns(), polls + at);
		remove_links(proxy, false);
		if (polls[1].revents)
			accept_link(proxy);
		if (proxy->begun)
			pthread_cond_broadcast(&proxy->done);
		free(polls);
	}
	remove_links(proxy, true);
	pthread_mutex_unlock(&proxy->lock);
	return NULL;
}

/* --- the test's side --- */

static void wake(struct proxy *proxy)
{
	uint64_t one = 1;

	proxy->asked++;
	if (write(proxy->wake, &one, sizeof(one)) < 0)
		die("eventfd");
}

/* Has the thread do what was changed, and gives the lock back. */
static void settle(struct proxy *proxy)
{
	uint64_t mine;

	wake(proxy);
	mine = proxy->asked;
	while (proxy->seen < mine)
		pthread_cond_wait(&proxy->done, &proxy->lock);
	pthread_mutex_unlock(&proxy->lock);
}

struct proxy *proxy_start(const char *server, const char *listen_path)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	pthread_condattr_t monotonic;

	if (!proxy)
		abort();
	set_address(&proxy->server, server);
	set_address(&proxy->listen, listen_path ? listen_path : "127.0.0.1:0");
	open_listener(proxy);
	proxy->wake = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&proxy->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&proxy->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (proxy->wake < 0 || pthread_create(&proxy->thread, NULL, run, proxy))
		die("proxy");
	return proxy;
}

void proxy_stop(struct proxy *proxy)
{
	if (!proxy)
		return;
	pthread_mutex_lock(&proxy->lock);
	proxy->stop = true;
	wake(proxy);
	pthread_mutex_unlock(&proxy->lock);
	pthread_join(proxy->thread, NULL);
	if (proxy->listener >= 0)
		close(proxy->listener);
	if (proxy->listen.at.any.sa_family == AF_UNIX)
		unlink(proxy->listen.at.un.sun_path);
	close(proxy->wake);
	clear_fault(&proxy->fault);
	pthread_cond_destroy(&proxy->done);
	pthread_mutex_destroy(&proxy->lock);
	free(proxy);
}

unsigned proxy_port(const struct proxy *proxy)
{
	return proxy->listen.at.any.sa_family == AF_INET ? ntohs(proxy->listen.at.in.sin_port) : 0;
}

static char *copy_text(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	errno = EINVAL;
	if (text && (!*text || strlen(text) > LINK_TEXT_MAX))
		die("proxy: the text of a fault");
	return copy;
}

void proxy_set(struct proxy *proxy, const struct proxy_fault *fault)
{
	struct proxy_fault *copy = malloc(sizeof(*copy));

	if (!copy)
		abort();
	*copy = *fault;
	copy->after_text = copy_text(fault->after_text);
	copy->before_text = copy_text(fault->before_text);
	copy->lie = copy_text(fault->lie);
	pthread_mutex_lock(&proxy->lock);
	if (proxy->new_fault)
		clear_fault(proxy->new_fault);
	free(proxy->new_fault);
	proxy->new_fault = copy;
	settle(proxy);
}

void proxy_pass(struct proxy *proxy)
{
	proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_PASS});
}

bool proxy_wait(struct proxy *proxy)
{
	int64_t end = now_ns() + WAIT_SECONDS * SECOND;
	struct timespec until = {.tv_sec = end / SECOND, .tv_nsec = end % SECOND};
	bool begun;

	pthread_mutex_lock(&proxy->lock);
	while (!proxy->begun && pthread_cond_timedwait(&proxy->done, &proxy->lock, &until) != ETIMEDOUT)
		;
	begun = proxy->begun;
	pthread_mutex_unlock(&proxy->lock);
	return begun;
}

void proxy_refuse(struct proxy *proxy, bool refuse)
{
	pthread_mutex_lock(&proxy->lock);
	proxy->refuse = refuse;
	settle(proxy);
}

unsigned proxy_reset(struct proxy *proxy)
{
	unsigned count;

	pthread_mutex_lock(&proxy->lock);
	proxy->reset = true;
	settle(proxy);
	pthread_mutex_lock(&proxy->lock);
	count = proxy->was_reset;
	pthread_mutex_unlock(&proxy->lock);
	return count;
}

unsigned proxy_open(struct proxy *proxy)
{
	unsigned count;

	pthread_mutex_lock(&proxy->lock);
	count = proxy->open;
	pthread_mutex_unlock(&proxy->lock);
	return count;
}

unsigned proxy_accepted(struct proxy *proxy)
{
	unsigned count;

	pthread_mutex_lock(&proxy->lock);
	count = proxy->accepted;
	pthread_mutex_unlock(&proxy->lock);
	return count;
}

uint64_t proxy_bytes(struct proxy *proxy, enum proxy_way way)
{
	uint64_t bytes = 0;

	pthread_mutex_lock(&proxy->lock);
	for (int i = 0; i < 2; i++) {
		if (!((unsigned)way & (1U << i)))
			continue;
		bytes += proxy->bytes[i];
		for (const struct link *link = proxy->links; link; link = link->next)
			bytes += link->flows[i].sent;
	}
	pthread_mutex_unlock(&proxy->lock);
	return bytes;
}
