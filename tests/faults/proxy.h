/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_PROXY_H
#define CONSORT_PROXY_H

/*
 * A network that fails, for tests: a proxy between a client and a server, over TCP or unix sockets on either
 * side, that passes what it gets until it is told of a fault.
 *
 *     struct proxy *proxy = proxy_start("127.0.0.1:5432", NULL);
 *
 *     proxy_set(proxy, &(struct proxy_fault){.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT,
 *                                            .trigger = PROXY_TO_SERVER, .after_text = "COMMIT"});
 *
 * and a client that connected to proxy_port(proxy) never hears the answer to its COMMIT. The proxy runs in a
 * thread of the test's process; a child that is forked does not have it. All functions may be called from any
 * thread, and what they say is true when they return. What can only be the test's or the machine's fault ends
 * the process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits, for both ways at once. */
enum proxy_way {
	PROXY_TO_SERVER = 1,
	PROXY_TO_CLIENT = 2,
	PROXY_BOTH = 3,
};

enum proxy_kind {
	PROXY_PASS,
	/* Nothing arrives, neither bytes nor an end; when the fault is taken away it does, as TCP would. */
	PROXY_SILENT,
	/* Everything arrives `milliseconds` later. */
	PROXY_DELAY,
	/* The connection is closed, on both sides. */
	PROXY_CLOSE,
	/* The client's side is reset, the server's closed. Unix sockets know only closing. */
	PROXY_RESET,
	/* The client is told `lie`, and hears nothing else. */
	PROXY_LIE,
	/* Every byte arrives by itself, one after the other. */
	PROXY_TRICKLE,
};

/* A fault begins on each connection by itself, or on all at once if nothing of the second part is set. */
struct proxy_fault {
	enum proxy_kind kind;
	unsigned ways; /* enum proxy_way: what is silent, late or slow */
	unsigned milliseconds;
	const char *lie;

	enum proxy_way trigger;	 /* what is watched: one way */
	size_t after_bytes;	 /* that many more are passed before */
	const char *after_text;	 /* what was read together with the text is passed before */
	const char *before_text; /* what lies before the text is passed before */
};

struct proxy;

/* Listens for a server at "address:port" or "/path/of/socket": on 127.0.0.1 at a port that is free, or at the
 * path `listen_path`, if it is not NULL (for libpq: FOLDER/.s.PGSQL.PORT). */
struct proxy *proxy_start(const char *server, const char *listen_path);
void proxy_stop(struct proxy *proxy);
unsigned proxy_port(const struct proxy *proxy);

/* Replaces the fault of before; counting for its beginning starts now. The texts are copied. */
void proxy_set(struct proxy *proxy, const struct proxy_fault *fault);
/* No fault: what was held back arrives. */
void proxy_pass(struct proxy *proxy);
/* Waits until the fault has begun on a connection. False after a minute. */
bool proxy_wait(struct proxy *proxy);

/* New connections are refused, as if no server listened; or accepted again. Others are left as they are. */
void proxy_refuse(struct proxy *proxy, bool refuse);
/* Resets all connections; how many they were. */
unsigned proxy_reset(struct proxy *proxy);

/* Connections that are open, and that ever were. */
unsigned proxy_open(struct proxy *proxy);
unsigned proxy_accepted(struct proxy *proxy);
/* Bytes that were passed, one way or both. */
uint64_t proxy_bytes(struct proxy *proxy, enum proxy_way way);

#endif
