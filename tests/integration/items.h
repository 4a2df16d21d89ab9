/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_ITEMS_H
#define CONSORT_TESTS_ITEMS_H

/* A resource with many equal records, in a database with a small pool. */

#include <consort/consort.h>

#define ITEMS_DATABASE "[database db]\ntype = sqlite\npath = items.db\npool.max = 4\n"
#define ITEMS_RESOURCES                                                                             \
	"[resource item]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.owner = int64\n" \
	"attribute.s = text\nrelationship.same = item, owner -> owner\n"                            \
	"[resource note]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.s = text\n"      \
	"[resource memo]\ndatabase = db\nkey = id\nattribute.id = int64\nattribute.s = text\n"
#define ITEMS ITEMS_DATABASE ITEMS_RESOURCES

#define MILLISECOND INT64_C(1000000)

/* Opens the manifest and makes items 1 to `count`, "s1", "s2", …, all of owner 0; no notes, and memo
 * undefined. */
struct consort *items_open(const char *manifest, int count);
/* Nanoseconds of a clock that only goes on. */
int64_t items_now(void);

#endif
