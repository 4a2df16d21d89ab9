/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTGRES_ADAPTER_H
#define POSTGRES_ADAPTER_H

/* The PostgreSQL adapter over a schema of the case's own, beside libpq itself. Skips the case where no server
 * is running. */
#include "adapter.h"

#include "servers.h"

/* Makes the schema, runs `sql` in it by libpq, and opens a connection whose search path it is. Does not
 * return without one. */
void postgres_test_open(struct adapter_test *test, const char *sql, const char *const *options);
/* Opens with these options and what connects to the test server's database; the status of connection.open.
 * "options=" stands behind the search path. */
uint32_t postgres_test_try(struct adapter_test *test, const char *const *options);
/* Closes, and drops the schema. */
void postgres_test_close(struct adapter_test *test);
/* SQL in the schema by libpq, on a connection of its own; aborts on failure. The answer is the first cell of
 * the last result's last row. */
const char *postgres_test_raw(const char *sql);
/* The schema's name. */
const char *postgres_test_schema(void);

#endif
