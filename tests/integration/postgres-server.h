/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_SERVER_H
#define POSTGRES_SERVER_H

/*
 * PostgreSQL through the public API, for tests of what goes wrong: manifests of items at a server of the
 * test's own or at a proxy before it, and statements that do not go through what is tested.
 */
#include "api.h"
#include "harm.h"
#include "items.h"
#include "proxy.h"
#include "servers.h"

/* A manifest whose database 'db' is the server's, as its ordinary user over TCP without TLS, at its port or
 * at the proxy's, with items and the view `many`. `lines` are options of the database. Valid until the case
 * ends. */
const char *postgres_manifest(const char *server, const struct proxy *proxy, const char *lines);
/* Starts the server, opens that manifest and makes three items. */
struct consort *postgres_items(const char *server, const struct proxy *proxy, const char *lines);
/* A proxy before the server's TCP port. */
struct proxy *postgres_proxy(const char *server);
/* Runs a statement on a connection of its own, as "DSN" or "ADMIN_DSN" says; its rows, as api_read has them.
 */
const char *postgres_ask(const char *server, const char *who, const char *sql);

/* More rows than all buffers on the way hold: postgres_items makes the view. */
#define MANY 300000
/* Reads `many` to its end, or to an error; rows from the one behind `count` on, which must be those. */
enum consort_status postgres_read_many(struct consort_cursor *rows, int64_t *count,
				       struct consort_error *error);
/* A plan that reads it, in order of nothing: with a condition that is true for all of them, or without. */
struct consort_plan *postgres_plan_many(struct consort *c, bool condition);

#endif
