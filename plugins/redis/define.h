/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_DEFINE_H
#define CONSORT_REDIS_DEFINE_H

/* Making and removing: define.c says what is done, enter.c goes through the records. */

#include "index.h"
#include "query.h"

/* A call of the schema table. */
struct redis_define {
	struct redis_connection *conn;
	struct redis_layout *layout;
	const struct consort_text_sink *sink;
	struct consort_error *error;
	struct consort_arena arena; /* of a page of keys */
	struct consort_view *keys;
	uint32_t nkeys;
	uint32_t *fields; /* [nfields] indexes whose attributes are in records, and not in their keys */
	uint32_t nfields;
	struct consort_buffer names, args, text;
	char token[32];
	uint64_t removed;
	bool dry, if_needed;
};

static inline int32_t redis_define_slot(const struct redis_define *define, const char *key)
{
	return redis_slot(define->conn, key, strlen(key));
}

/* Which indexes are of fields. */
uint32_t redis_define_fields(struct redis_define *define);
/* Does it for each page of the resource's keys. */
uint32_t redis_each_page(struct redis_define *define, uint32_t (*fn)(struct redis_define *define));
/* Enters a page's records into all indexes, as they are. */
uint32_t redis_enter_page(struct redis_define *define);
/* Removes what the index has of records that are gone. */
uint32_t redis_sweep(struct redis_define *define, const struct redis_index *index);

#endif
