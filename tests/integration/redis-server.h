/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

/*
 * Redis through the public API: manifests at a server of the test's own, which may be a cluster, or at a
 * proxy before it; and commands that do not go through what is tested.
 */
#include "api.h"
#include "proxy.h"
#include "servers.h"

/* Starts the server and opens a manifest whose database 'db' is at it, or at the proxy: `lines` are options
 * of the database, `resources` what stands behind it. Every %s in `resources` is the name of the case, so
 * that cases have keys of their own. */
struct consort *redis_open(const char *server, const struct proxy *proxy, const char *lines,
			   const char *resources);
/* The same manifest as a text. */
const char *redis_manifest(const char *server, const struct proxy *proxy, const char *lines,
			   const char *resources);
/* A proxy before a server that is no cluster. */
struct proxy *redis_proxy(const char *server);
/* What redis-cli prints for a command, which has %s for the name of the case; lines end with ';'. In a
 * cluster it follows redirections. */
const char *redis_ask(const char *server, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* The same at one port. */
const char *redis_ask_at(unsigned port, const char *command);
/* A cluster's ports. */
void redis_ports(const char *server, unsigned ports[3]);

/* How the query is run, as explain has it. */
const char *redis_explain(struct consort *c, const char *resource, const char *select, const char *where);
/* A scope of so many milliseconds. */
struct consort *redis_within(struct consort *c, int64_t milliseconds);

#endif
