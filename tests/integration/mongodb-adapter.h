/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONGODB_ADAPTER_H
#define MONGODB_ADAPTER_H

/* The MongoDB adapter over a database of the case's own, beside libmongoc itself. Skips the case where no
 * server is running. */
#include "adapter.h"

#include "servers.h"

/* Opens a connection to an empty database of the server ("mongodb" or "mongodb-rs"). Does not return without
 * one. */
void mongodb_test_open(struct adapter_test *test, const char *server, const char *const *options);
/* Opens with these options and what connects to the server; the status of connection.open. */
uint32_t mongodb_test_try(struct adapter_test *test, const char *server, const char *const *options);
/* Closes, and drops the database. */
void mongodb_test_close(struct adapter_test *test);
/* A command in extended JSON by libmongoc, on a connection of its own; aborts on failure. The answer is the
 * reply in relaxed extended JSON, without what it says of the cluster. */
const char *mongodb_test_raw(const char *command);
/* The documents of a collection, in the order of their ids, in canonical extended JSON, a line each. */
const char *mongodb_test_documents(const char *collection);

#endif
