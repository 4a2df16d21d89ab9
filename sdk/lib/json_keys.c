/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of keys. The table starts small for every object and doubles as keys come, so that emptying it costs
 * what the object had and not what the greatest one before it had.
 */
#include "json_keys.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 32u

void consort_json_keys_clear(struct consort_json_keys *keys)
{
	consort_buffer_clear(&keys->bytes);
	free(keys->keys);
	free(keys->table);
	memset(keys, 0, sizeof(*keys));
}

void consort_json_keys_reset(struct consort_json_keys *keys)
{
	consort_buffer_reset(&keys->bytes);
	keys->count = 0;
	keys->places = 0;
}

/* FNV-1a */
static uint64_t hash_of(struct consort_view key)
{
	uint64_t hash = 14695981039346656037u, i;

	for (i = 0; i < key.size; i++)
		hash = (hash ^ (unsigned char)key.data[i]) * 1099511628211u;
	return hash ^ hash >> 32;
}

/* Where a key is, or belongs. */
static uint32_t *place_of(const struct consort_json_keys *keys, struct consort_view key, uint64_t hash)
{
	uint32_t mask = keys->places - 1, at = (uint32_t)hash & mask;

	for (; keys->table[at]; at = (at + 1) & mask) {
		const struct consort_json_key *other = &keys->keys[keys->table[at] - 1];

		if (other->hash == hash && other->size == key.size &&
		    (!key.size || !memcmp(keys->bytes.data + other->start, key.data, key.size)))
			break;
	}
	return &keys->table[at];
}

static int grow(struct consort_json_keys *keys)
{
	uint32_t capacity = keys->capacity ? keys->capacity * 2 : FIRST_PLACES / 2;
	struct consort_json_key *list;
	uint32_t *table;

	if (capacity > UINT32_MAX / 4)
		return 0;
	list = realloc(keys->keys, capacity * sizeof(*list));
	if (!list)
		return 0;
	keys->keys = list;
	table = realloc(keys->table, (size_t)capacity * 2 * sizeof(*table));
	if (!table)
		return 0;
	keys->table = table;
	keys->capacity = capacity;
	return 1;
}

/* Makes room for one more key; at most half of the places are taken. */
static int reserve(struct consort_json_keys *keys)
{
	uint32_t i;

	if (keys->count < keys->places / 2)
		return 1;
	if (keys->count == keys->capacity && !grow(keys))
		return 0;
	keys->places = keys->places ? keys->places * 2 : FIRST_PLACES;
	memset(keys->table, 0, keys->places * sizeof(*keys->table));
	for (i = 0; i < keys->count; i++) {
		uint32_t mask = keys->places - 1, at = (uint32_t)keys->keys[i].hash & mask;

		while (keys->table[at])
			at = (at + 1) & mask;
		keys->table[at] = i + 1;
	}
	return 1;
}

enum consort_json_keys_result consort_json_keys_add(struct consort_json_keys *keys, struct consort_view key)
{
	struct consort_json_key *added;
	uint64_t hash = hash_of(key);
	uint32_t *place;

	if (!reserve(keys))
		return CONSORT_JSON_KEYS_FAILED;
	place = place_of(keys, key, hash);
	if (*place)
		return CONSORT_JSON_KEYS_OLD;
	added = &keys->keys[keys->count];
	added->hash = hash;
	added->start = keys->bytes.size;
	added->size = key.size;
	consort_buffer_append(&keys->bytes, key.data, key.size);
	if (keys->bytes.failed)
		return CONSORT_JSON_KEYS_FAILED;
	*place = ++keys->count;
	return CONSORT_JSON_KEYS_NEW;
}

struct consort_view consort_json_keys_last(const struct consort_json_keys *keys)
{
	const struct consort_json_key *last = &keys->keys[keys->count - 1];
	struct consort_view view = {keys->bytes.data + last->start, last->size};

	return view;
}
