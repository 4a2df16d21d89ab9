/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_REDIS_ITEMS_H
#define CONSORT_REDIS_ITEMS_H

/*
 * Lists, sets, sorted sets and streams, which are read and not written: a resource is one key, named by its
 * source, and its rows are the items. What an attribute is of an item its own source tells: `position` and
 * `value` of a list, `member` of a set, and `score` of a sorted one, `id` of a stream; all others are fields
 * of a stream.
 */

#include "query.h"

enum redis_role {
	REDIS_POSITION,
	REDIS_VALUE,
	REDIS_MEMBER,
	REDIS_SCORE,
	REDIS_ID,
	REDIS_ID_TIME, /* a timestamp: what stands in front of the hyphen */
	REDIS_FIELD
};

/* "list" */
const char *redis_record_noun(enum redis_record record);
/* What the attribute is. */
enum redis_role redis_role_of(enum redis_record record, const struct consort_attribute *attribute);
/* Are the attributes those that items have? */
uint32_t redis_items_check(const struct redis_layout *layout, struct consort_error *error);
/* Items are only read. */
uint32_t redis_items_refuse(const struct redis_layout *layout, struct consort_error *error);
/* May this comparison be given to Redis? */
bool redis_items_serve(const struct consort_node *scan, const struct redis_condition *condition);
/* The condition that is followed, or NULL: one that tells single items before one that tells a range. */
const struct redis_condition *redis_items_condition(const struct redis_compiled *compiled, bool *out_one);
void redis_items_explain(const struct redis_compiled *compiled, int64_t page, struct consort_buffer *out);
uint32_t redis_items_open(struct redis_connection *conn, const struct redis_compiled *compiled,
			  const struct consort_run *run, void **out_cursor, struct consort_error *error);

#endif
