/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_INDEX_H
#define CONSORT_REDIS_INDEX_H

/*
 * Indexes, one for each attribute that the declaration's indexes name. Two keys of Redis's make one:
 *
 *     consort.index:8:session:city    a sorted set of entries, all of score 0, and so in the order of their
 * bytes:
 *                                     "=", the value so that bytes are in the order of values, and the
 * record's key consort.value:8:session:city    a hash: the same value under each record's key, so that
 * whoever writes a record knows the entry that is to go
 *
 * The member "!" and the type's name says that define has entered all records: without it the index is
 * written, and not read. The number is that of the characters of what keys begin with, so that no two indexes
 * share keys.
 */

#include "redis.h"

struct redis_index {
	uint32_t attribute;
	const char *entries, *values; /* the keys */
	const char *marker;
};

/* What the declaration asks for, and the key that says that it was defined, into the layout. */
uint32_t redis_indexes_make(struct redis_layout *layout, struct consort_error *error);
/* The key of an index's part, in the layout's memory: "index" or "value"; NULL: no memory. */
char *redis_index_name(struct redis_layout *layout, const char *part, const char *field);
/* Does one of the resource's indexes name the attribute? */
bool redis_is_indexed(const struct consort_resource *resource, uint32_t attribute);
/* Indexes lie in one slot with the records, or the connection cannot keep them. */
uint32_t redis_indexes_check(const struct redis_connection *conn, const struct redis_layout *layout,
			     struct consort_error *error);
/* The keys of all, as arguments: of each its entries, then its values. */
void redis_index_keys(const struct redis_layout *layout, struct consort_buffer *out);

#define REDIS_INDEX_END 2 /* bytes behind the value */

/* How the value stands in an entry, appended: it is not NULL, and ends where the record's key begins. */
void redis_index_value(const struct consort_value *value, struct consort_buffer *out);
/* The record's key in an entry; *out_size 0: it is none. */
const char *redis_index_key(const char *entry, uint64_t size, uint64_t *out_size);

/* For each index the write's column of its attribute, or -1; NULL: no memory. */
const int32_t *redis_index_columns(const struct redis_layout *layout, const struct consort_write *write,
				   uint32_t ncolumns, struct consort_arena *arena);
/* What becomes of a row's entries, as arguments, one for each index: what the value is, '-' for none, nothing
 * to leave it. */
uint32_t redis_index_row(const struct redis_job *job, int64_t row, struct consort_buffer *out);

#endif
