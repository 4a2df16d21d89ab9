/* SPDX-License-Identifier: Apache-2.0 */
/* Moves bytes through one connection of the proxy, under its fault. Each way has a queue of chunks with the
 * time when they are due; a connection's end is a chunk too, so that it is as late, or as silent, as bytes
 * are. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define QUEUE_MAX (1024 * 1024) /* then a sender has to wait, as with a network's window */
#define TRICKLE 1000		/* nanoseconds between two bytes */

enum chunk_kind { CHUNK_DATA, CHUNK_END, CHUNK_RESET };

struct chunk {
	struct chunk *next;
	enum chunk_kind kind;
	int64_t due;
	size_t size, sent;
	unsigned char data[];
};

struct link *link_new(int client, int server)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		abort();
	link->fds[0] = client;
	link->fds[1] = server;
	for (int i = 0; i < 2; i++)
		link->flows[i].last = &link->flows[i].first;
	return link;
}

static void drop_first(struct flow *flow)
{
	struct chunk *chunk = flow->first;

	flow->first = chunk->next;
	if (!flow->first)
		flow->last = &flow->first;
	flow->queued -= chunk->size;
	free(chunk);
}

/* Ends both ways of a socket, also where a child of the test holds it too; by a reset if asked for, which the
 * other side is told of as a broken connection. */
static void end_socket(int *fd, bool reset)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	if (*fd < 0)
		return;
	if (reset)
		connect(*fd, &nowhere, sizeof(nowhere));
	shutdown(*fd, SHUT_RDWR);
	close(*fd);
	*fd = -1;
}

void link_free(struct link *link, bool reset)
{
	for (int i = 0; i < 2; i++) {
		while (link->flows[i].first)
			drop_first(&link->flows[i]);
		end_socket(&link->fds[i], reset && !i);
	}
	free(link);
}

bool link_is_over(const struct link *link)
{
	return link->flows[0].closed && link->flows[1].closed;
}

/* When what comes now is to arrive. */
static int64_t due(const struct link *link, int i, const struct proxy_fault *fault, int64_t now)
{
	const struct flow *flow = &link->flows[i];
	const struct chunk *before = flow->first ? (const struct chunk *)(const void *)flow->last : NULL;

	if (!link->faulty)
		return 0;
	if (fault->kind == PROXY_LIE)
		return i ? LINK_NEVER : 0;
	if (!(fault->ways & (1U << i)))
		return 0;
	switch (fault->kind) {
	case PROXY_SILENT:
		return LINK_NEVER;
	case PROXY_DELAY:
		return now + (int64_t)fault->milliseconds * 1000000;
	case PROXY_TRICKLE:
		return (before && before->due > now ? before->due : now) + TRICKLE;
	default:
		return 0;
	}
}

/* Adds to a flow what is due under the fault that has begun, or at once. */
static void push(struct link *link, int i, const struct proxy_fault *fault, int64_t now, enum chunk_kind kind,
		 const void *data, size_t size)
{
	struct flow *flow = &link->flows[i];
	struct chunk *chunk;

	for (; link->faulty && fault->kind == PROXY_TRICKLE && (fault->ways & (1U << i)) && size > 1;
	     size--) {
		push(link, i, fault, now, kind, data, 1);
		data = (const unsigned char *)data + 1;
	}
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		abort();
	*chunk = (struct chunk){.kind = kind, .size = size};
	if (size)
		memcpy(chunk->data, data, size);
	chunk->due = due(link, i, fault, now);
	*flow->last = chunk;
	flow->last = &chunk->next;
	flow->queued += size;
	flow->ended = kind != CHUNK_DATA;
}

static void begin(struct link *link, const struct proxy_fault *fault)
{
	if (fault->kind == PROXY_LIE)
		push(link, 1, fault, 0, CHUNK_DATA, fault->lie, strlen(fault->lie));
	link->faulty = true;
	if (fault->kind != PROXY_CLOSE && fault->kind != PROXY_RESET)
		return;
	for (int i = 0; i < 2; i++)
		if (!link->flows[i].ended)
			push(link, i, fault, 0, i && fault->kind == PROXY_RESET ? CHUNK_RESET : CHUNK_END,
			     NULL, 0);
}

static bool has_trigger(const struct proxy_fault *fault)
{
	return fault->after_bytes || fault->after_text || fault->before_text;
}

void link_set(struct link *link, const struct proxy_fault *fault)
{
	link->faulty = false;
	link->seen = link->tail_size = 0;
	for (int i = 0; i < 2; i++)
		for (struct chunk *chunk = link->flows[i].first; chunk; chunk = chunk->next)
			chunk->due = 0;
	if (fault->kind != PROXY_PASS && !has_trigger(fault))
		begin(link, fault);
}

/* What was read one way, with the bytes before it that a text may have begun in. */
struct reading {
	unsigned char bytes[LINK_TEXT_MAX + READ_SIZE];
	size_t size;
};

/* Where a text ends in what was read; 0 if it does not. It is not in what was read before as a whole, or the
 * fault had begun there. */
static size_t find_text(const struct link *link, const struct reading *read, const char *text)
{
	const unsigned char *data = read->bytes + LINK_TEXT_MAX;
	const unsigned char *found =
		text ? memmem(data - link->tail_size, link->tail_size + read->size, text, strlen(text))
		     : NULL;

	return found ? (size_t)(found + strlen(text) - data) : 0;
}

/* How many bytes are passed before the fault begins; more than there are if it does not begin with them. */
static size_t begins_after(struct link *link, const struct proxy_fault *fault, struct reading *read)
{
	unsigned char *data = read->bytes + LINK_TEXT_MAX;
	size_t passed = read->size + 1, end;

	memcpy(data - link->tail_size, link->tail, link->tail_size);
	if (fault->after_bytes && fault->after_bytes - link->seen <= read->size)
		passed = fault->after_bytes - link->seen;
	if (passed > read->size && find_text(link, read, fault->after_text))
		passed = read->size;
	end = find_text(link, read, fault->before_text);
	if (end) {
		size_t length = strlen(fault->before_text), start = end > length ? end - length : 0;

		passed = start < passed ? start : passed;
	}
	link->seen += read->size;
	link->tail_size = link->tail_size + read->size;
	if (link->tail_size > LINK_TEXT_MAX)
		link->tail_size = LINK_TEXT_MAX;
	memcpy(link->tail, data + read->size - link->tail_size, link->tail_size);
	return passed;
}

static void take(struct link *link, int i, const struct proxy_fault *fault, int64_t now, struct reading *read)
{
	const unsigned char *data = read->bytes + LINK_TEXT_MAX;
	size_t passed = 0;

	if (!link->faulty && fault->kind != PROXY_PASS && fault->trigger == 1U << i) {
		passed = begins_after(link, fault, read);
		if (passed <= read->size) {
			if (passed)
				push(link, i, fault, now, CHUNK_DATA, data, passed);
			begin(link, fault);
		} else {
			passed = 0;
		}
	}
	if (passed < read->size && !link->flows[i].ended)
		push(link, i, fault, now, CHUNK_DATA, data + passed, read->size - passed);
}

static void read_flow(struct link *link, int i, const struct proxy_fault *fault, int64_t now)
{
	struct reading read;
	ssize_t size = recv(link->fds[i], read.bytes + LINK_TEXT_MAX, READ_SIZE, 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		push(link, i, fault, now, size ? CHUNK_RESET : CHUNK_END, NULL, 0);
		return;
	}
	read.size = (size_t)size;
	take(link, i, fault, now, &read);
}

/* Nothing more can be sent this way. */
static void close_flow(struct link *link, int i)
{
	struct flow *flow = &link->flows[i];

	while (flow->first)
		drop_first(flow);
	flow->ended = flow->closed = true;
}

/* Sends what is due; false when it has to wait. */
static bool send_first(struct link *link, int i)
{
	struct flow *flow = &link->flows[i];
	struct chunk *chunk = flow->first;
	int *to = &link->fds[!i];
	ssize_t sent;

	if (chunk->kind == CHUNK_END) {
		shutdown(*to, SHUT_WR);
		close_flow(link, i);
	} else if (chunk->kind == CHUNK_RESET) {
		end_socket(to, true);
		close_flow(link, i);
		if (!link->flows[!i].ended)
			close_flow(link, !i);
	} else {
		sent = send(*to, chunk->data + chunk->sent, chunk->size - chunk->sent, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (sent < 0) {
			close_flow(link, i);
			return true;
		}
		flow->sent += (size_t)sent;
		chunk->sent += (size_t)sent;
		if (chunk->sent == chunk->size)
			drop_first(flow);
	}
	return true;
}

void link_poll(const struct link *link, int64_t now, struct pollfd out_polls[2], int64_t *until)
{
	for (int i = 0; i < 2; i++)
		out_polls[i] = (struct pollfd){.fd = -1};
	for (int i = 0; i < 2; i++) {
		const struct flow *flow = &link->flows[i];

		if (!flow->ended && flow->queued < QUEUE_MAX)
			out_polls[i].events |= POLLIN;
		if (flow->first && flow->first->due <= now)
			out_polls[!i].events |= POLLOUT;
		else if (flow->first && flow->first->due < *until)
			*until = flow->first->due;
	}
	for (int i = 0; i < 2; i++)
		if (out_polls[i].events)
			out_polls[i].fd = link->fds[i];
}

void link_move(struct link *link, const struct proxy_fault *fault, int64_t now, const struct pollfd polls[2])
{
	for (int i = 0; i < 2; i++)
		if ((polls[i].events & POLLIN) && (polls[i].revents & (POLLIN | POLLHUP | POLLERR)))
			read_flow(link, i, fault, now);
	for (int i = 0; i < 2; i++)
		while (link->flows[i].first && link->flows[i].first->due <= now && send_first(link, i))
			;
}
