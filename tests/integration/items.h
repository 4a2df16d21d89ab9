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
/* What a call must not take that waits for nothing but its deadline. It is far more than it takes, and far
 * less than a server that is stopped would keep it waiting: that is for ever. */
#define SOON (30 * 1000 * MILLISECOND)

/* Opens the manifest and makes items 1 to `count`, "s1", "s2", …, all of owner 0; no notes, and memo
 * undefined. */
struct consort *items_open(const char *manifest, int count);
/* Nanoseconds of a clock that only goes on. */
int64_t items_now(void);

/* A scope of so many milliseconds. */
struct consort *items_within(struct consort *c, int64_t milliseconds);
/* Do the first three items answer? The pool heals by itself: this is to succeed as the first call after a
 * fault. */
void items_answer(struct consort *c);
/* An item by its number, created in a transaction or by itself. */
enum consort_status items_create(struct consort *c, int64_t id, struct consort_error *error);
/* A writer of new items' numbers and texts. */
struct consort_writer *items_writer(struct consort *c);
/* So many items from the number `first` on, by one flush. */
enum consort_status items_flush(struct consort_writer *w, int64_t first, int count,
				struct consort_error *error);

#endif
