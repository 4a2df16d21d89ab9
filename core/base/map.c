/* SPDX-License-Identifier: Apache-2.0 */
/* A map from texts to pointers that keeps the order of insertion. */
#include "base/base.h"

#define FEW 8u

/* FNV-1a, 32 bits (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint32_t hash_of(const char *key, size_t size)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)key[i]) * 16777619u;
	return hash;
}

void consort_map_clear(struct consort_map *map)
{
	free(map->slots);
	free(map->table);
	memset(map, 0, sizeof(*map));
}

void consort_map_reset(struct consort_map *map)
{
	if (map->table)
		consort_map_clear(map); /* it would have to be emptied */
	map->count = 0;
}

static bool is_key(const struct consort_map_slot *slot, const char *key, size_t size)
{
	return slot->size == size && !memcmp(slot->key, key, size);
}

static void *get_from_table(const struct consort_map *map, const char *key, size_t size)
{
	uint32_t hash = hash_of(key, size), mask = map->capacity * 2 - 1, at;

	for (at = hash & mask; map->table[at]; at = (at + 1) & mask) {
		const struct consort_map_slot *slot = &map->slots[map->table[at] - 1];

		if (slot->hash == hash && is_key(slot, key, size))
			return slot->value;
	}
	return NULL;
}

void *consort_map_get_n(const struct consort_map *map, const char *key, size_t size)
{
	uint32_t i;

	if (map->table)
		return get_from_table(map, key, size);
	for (i = 0; i < map->count; i++)
		if (is_key(&map->slots[i], key, size))
			return map->slots[i].value;
	return NULL;
}

void *consort_map_get(const struct consort_map *map, const char *key)
{
	return consort_map_get_n(map, key, strlen(key));
}

static void insert(struct consort_map *map, uint32_t slot)
{
	uint32_t mask = map->capacity * 2 - 1, at;

	map->slots[slot].hash = hash_of(map->slots[slot].key, map->slots[slot].size);
	at = map->slots[slot].hash & mask;
	while (map->table[at])
		at = (at + 1) & mask;
	map->table[at] = slot + 1;
}

bool consort_map_reserve(struct consort_map *map, uint32_t count)
{
	uint32_t capacity = map->capacity ? map->capacity : FEW, i;
	struct consort_map_slot *slots;
	uint32_t *table;

	if (count <= map->capacity)
		return true;
	if (count > UINT32_MAX / 8)
		return false;
	while (capacity < count)
		capacity *= 2;
	slots = realloc(map->slots, capacity * sizeof(*slots));
	if (!slots)
		return false;
	map->slots = slots;
	if (capacity > FEW) { /* few keys are found as fast without a table */
		table = calloc((size_t)capacity * 2, sizeof(*table));
		if (!table)
			return false;
		free(map->table);
		map->table = table;
	}
	map->capacity = capacity;
	for (i = 0; i < map->count && map->table; i++)
		insert(map, i);
	return true;
}

bool consort_map_put(struct consort_map *map, const char *key, void *value)
{
	if (!consort_map_reserve(map, map->count + 1))
		return false;
	map->slots[map->count] = (struct consort_map_slot){.key = key, .size = strlen(key), .value = value};
	if (map->table)
		insert(map, map->count);
	map->count++;
	return true;
}

const char *consort_nearest_key(const char *word, const struct consort_map *map)
{
	struct consort_nearest_search search;
	uint32_t i;

	consort_nearest_begin(&search, word);
	for (i = 0; i < map->count; i++)
		consort_nearest_consider(&search, map->slots[i].key);
	return search.best;
}
