/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SQLITE_ADAPTER_H
#define SQLITE_ADAPTER_H

/* The SQLite adapter over the case's own t.db, beside SQLite itself. */
#include "adapter.h"

/* Opens t.db; `sql`, if not NULL, is run on it by SQLite itself before. Does not return without a connection.
 */
void sqlite_test_open(struct adapter_test *test, const char *sql, const char *const *options);
/* Opens any path; the status of connection.open. */
uint32_t sqlite_test_try(struct adapter_test *test, const char *path, const char *const *options);
/* The path of t.db. */
const char *sqlite_test_path(void);
/* SQL on t.db by SQLite itself, on a connection of its own; aborts on failure. The answer is the first cell
 * of the last row. */
const char *sqlite_test_raw(const char *sql);

#endif
