/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_NOTES_H
#define REDIS_NOTES_H

/*
 * Records to try transactions on Redis with: `note` (id, name, size), `brief` (id, name, ends), which has a
 * time to live, and `close` (id, name), whose records are all in one slot and have an
 * index of names. They are documents where the
 * case's name begins with "json", else hashes.
 */
#include "redis-server.h"

/* The resources, for redis_open. */
const char *notes_resources(void);
struct consort *notes_open(const char *server, const struct proxy *proxy);
struct consort *notes_begin(struct consort *c);

typedef enum consort_status notes_write_fn(struct consort *c, struct consort_record *r,
					   struct consort_error *error);

/* Writes a note, or another record, by consort_create or the like. name NULL: it is not set. */
enum consort_status notes_put(notes_write_fn *fn, struct consort *c, int64_t id, const char *name,
			      struct consort_error *error);
enum consort_status notes_put_into(notes_write_fn *fn, struct consort *c, const char *resource, int64_t id,
				   const char *name, struct consort_error *error);
enum consort_status notes_drop(struct consort *c, int64_t id, struct consort_error *error);
/* "1,a;2,b": ids and names, by the key. */
const char *notes_all(struct consort *c);
/* Commits, and tells the outcome's kind. */
enum consort_status notes_commit(struct consort *in, uint32_t *out_kind, struct consort_error *error);

#endif
