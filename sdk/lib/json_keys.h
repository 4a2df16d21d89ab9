/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_JSON_KEYS_H
#define CONSORT_JSON_KEYS_H

/* The keys of one object, to tell a repeated one, however many there are. Private to sdk/lib. */

#include <consort/buffer.h>
#include <consort/types.h>

struct consort_json_key {
	uint64_t hash;
	size_t start; /* in `bytes` */
	size_t size;
};

/* Its memory is kept from one object to the next. Zeroed: empty. */
struct consort_json_keys {
	struct consort_buffer bytes;     /* of all keys */
	struct consort_json_key *keys;   /* in order */
	uint32_t *table;                 /* open addressing: key + 1, or 0 */
	uint32_t count;
	uint32_t capacity;               /* of keys; the table has twice as many places, a power of two */
	uint32_t places;                 /* of the table that this object uses, a power of two */
};

enum consort_json_keys_result { CONSORT_JSON_KEYS_NEW, CONSORT_JSON_KEYS_OLD, CONSORT_JSON_KEYS_FAILED };

void consort_json_keys_clear(struct consort_json_keys *keys);
/* Empties it for the next object. */
void consort_json_keys_reset(struct consort_json_keys *keys);
/* FAILED: no memory. */
enum consort_json_keys_result consort_json_keys_add(struct consort_json_keys *keys, struct consort_view key);
/* The key that was added last; until the next one. */
struct consort_view consort_json_keys_last(const struct consort_json_keys *keys);

#endif
