/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_LINK_H
#define CONSORT_LINK_H

/*
 * One connection through the proxy: two sockets that do not block, and a flow each way. Only the proxy's
 * thread has anything to do with links.
 */

#include "proxy.h"

#include <poll.h>

#define LINK_TEXT_MAX 128
#define LINK_NEVER INT64_MAX

struct chunk;

struct flow {
	struct chunk *first, **last; /* what was read and not sent yet */
	size_t queued;
	uint64_t sent;
	bool ended;  /* nothing more is read */
	bool closed; /* nor sent */
};

/* Flow 0 goes to the server: it reads fds[0], the client's, and writes fds[1]. Flow 1 goes the other way. */
struct link {
	struct link *next;
	int fds[2]; /* -1 when it was reset */
	struct flow flows[2];
	/* of the fault's trigger: bytes seen, and the last ones for a text that comes in parts */
	size_t seen;
	unsigned char tail[LINK_TEXT_MAX];
	size_t tail_size;
	bool faulty; /* it has begun here */
};

/* Takes both sockets. */
struct link *link_new(int client, int server);
/* Closes; the client's side by a reset if `reset`. */
void link_free(struct link *link, bool reset);
/* Another fault is in force now. */
void link_set(struct link *link, const struct proxy_fault *fault);

/* What to wait for: of fds[0] and fds[1]; and until when at most. */
void link_poll(const struct link *link, int64_t now, struct pollfd out_polls[2], int64_t *until);
/* Reads and sends what can be. */
void link_move(struct link *link, const struct proxy_fault *fault, int64_t now, const struct pollfd polls[2]);
/* Nothing is left to do. */
bool link_is_over(const struct link *link);

#endif
