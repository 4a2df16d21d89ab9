/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONGODB_SERVER_H
#define MONGODB_SERVER_H

/*
 * MongoDB through the public API, for tests of what goes wrong: manifests of items at a server of the test's
 * own, or at a proxy before it and with what is written in its journal, and commands that do not go through
 * what is tested.
 */
#include "api.h"
#include "harm.h"
#include "items.h"
#include "proxy.h"
#include "servers.h"

/* A manifest whose database 'db' is the server's `faults`, at its own port or at the proxy's, with items.
 * `lines` are options of the database, or NULL; a uri among them is the one. Valid until the case ends. */
const char *mongodb_manifest(const char *server, const struct proxy *proxy, const char *lines);
/* Starts the server, opens that manifest and makes so many items. */
struct consort *mongodb_items(const char *server, const struct proxy *proxy, int count);
/* A proxy before the server, which is started. */
struct proxy *mongodb_proxy(const char *server);
/* Runs a command on a connection of its own, to that server whatever it is in its replica set; its rows, as
 * api_read has them. */
const char *mongodb_ask(const char *server, const char *dbname, const char *command);
/* A user of the database `faults`, whose password is "s3cret". */
void mongodb_make_user(const char *server, const char *name, const char *role);

#endif
