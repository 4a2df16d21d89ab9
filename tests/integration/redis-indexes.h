/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_INDEXES_H
#define REDIS_INDEXES_H

/*
 * Records with indexes in Redis, of every type and at random, and whether the indexes agree with them. They
 * are declared twice: resource x has indexes, y is the same without; z leads to x.
 */
#include "redis-server.h"

#define REDIS_INDEX_COUNT 9

/* The declarations, of hashes and of documents. */
extern const char *const redis_index_variants[2];
/* The attributes with an index, and values for each; "" is none. */
extern const char *const redis_indexes[REDIS_INDEX_COUNT];
extern const char *const redis_index_values[REDIS_INDEX_COUNT][9];

/* A number below the limit, from a sequence that _begin starts. */
void redis_index_begin(uint64_t seed);
uint32_t redis_index_pick(uint32_t limit);
#define REDIS_INDEX_ANY(list) (list)[redis_index_pick(sizeof(list) / sizeof(*(list)))]

/* So many records for api_import. */
const char *redis_index_records(int count);
/* How many entries an index has. */
long redis_index_entries(const char *server, const char *attribute);
/* Every index has an entry for each record that has a value, and no other one. */
void redis_index_check(struct consort *c, const char *server);

#endif
