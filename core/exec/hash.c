/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct tuples of values, for groups, COUNT(DISTINCT) and keys of lookups. */
#include "exec/tables.h"

#define FIRST_CAPACITY 16u
#define LARGEST_CAPACITY ((uint32_t)1 << 30)

void consort_hash_init(struct consort_hash *hash, struct consort_exec *exec, uint32_t nkeys)
{
	memset(hash, 0, sizeof(*hash));
	hash->exec = exec;
	hash->nkeys = nkeys;
	consort_arena_init(&hash->arena, 0);
}

void consort_hash_clear(struct consort_hash *hash)
{
	if (!hash->exec)
		return;
	consort_exec_discharge(hash->exec, hash->charged);
	free(hash->table);
	free(hash->hashes);
	free(hash->keys);
	consort_arena_clear(&hash->arena);
	consort_hash_init(hash, hash->exec, hash->nkeys);
}

/* --- hashing --- */

/* The finalizer of splitmix64 (S. Vigna): every bit of the input changes every bit of the output. */
static inline uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t hash_bytes(const void *data, uint64_t size)
{
	const unsigned char *bytes = data;
	uint64_t hash = mix(size + 1), word;

	for (; size >= 8; size -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		hash = mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
	}
	word = 0;
	if (size)
		memcpy(&word, bytes, (size_t)size);
	return mix(hash ^ word);
}

/* 0 for -0, so that bits tell what is equal; NaN has one form. */
static uint64_t float64_bits(double number)
{
	uint64_t bits = UINT64_C(0x7ff8000000000000);

	if (number == 0)
		return 0;
	if (number == number)
		memcpy(&bits, &number, sizeof(bits));
	return bits;
}

static uint64_t hash_value(const struct consort_value *value)
{
	uint64_t hash, i;

	switch (value->type.id) {
	case CONSORT_TYPE_NULL:
		return 1;
	case CONSORT_TYPE_FLOAT64:
		return mix(float64_bits(value->as.float64));
	case CONSORT_TYPE_DECIMAL:
		return mix(mix(value->as.decimal.low) + (uint64_t)value->as.decimal.high);
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		return hash_bytes(value->as.view.data, value->as.view.size);
	case CONSORT_TYPE_UUID:
		return hash_bytes(value->as.uuid, sizeof(value->as.uuid));
	case CONSORT_TYPE_OBJECTID:
		return hash_bytes(value->as.objectid, sizeof(value->as.objectid));
	case CONSORT_TYPE_LIST:
		hash = mix(value->as.list.count + 1);
		for (i = 0; i < value->as.list.count; i++)
			hash = mix(hash + hash_value(&value->as.list.items[i]));
		return hash;
	default:
		return mix((uint64_t)value->as.int64 + UINT64_C(0x9e3779b97f4a7c15));
	}
}

static uint64_t hash_tuple(const struct consort_value *tuple, uint32_t count)
{
	uint64_t hash = 0;
	uint32_t i;

	for (i = 0; i < count; i++)
		hash = mix(hash + UINT64_C(0x9e3779b97f4a7c15)) ^ hash_value(&tuple[i]);
	return hash;
}

bool consort_value_copy(struct consort_arena *arena, const struct consort_value *value,
			struct consort_value *out)
{
	struct consort_value *items;
	uint64_t i;

	*out = *value;
	switch (value->type.id) {
	case CONSORT_TYPE_FLOAT64:
		if (value->as.float64 == 0)
			out->as.float64 = 0;
		return true;
	case CONSORT_TYPE_TEXT:
	case CONSORT_TYPE_BYTES:
	case CONSORT_TYPE_JSON:
		out->as.view.data =
			consort_arena_copy(arena, value->as.view.data, (size_t)value->as.view.size);
		return out->as.view.data != NULL;
	case CONSORT_TYPE_LIST:
		items = consort_arena_array(arena, (size_t)value->as.list.count, sizeof(*items));
		if (!items)
			return false;
		for (i = 0; i < value->as.list.count; i++)
			if (!consort_value_copy(arena, &value->as.list.items[i], &items[i]))
				return false;
		out->as.list.items = items;
		return true;
	default:
		return true;
	}
}

/* --- the table --- */

static bool tuples_equal(const struct consort_value *a, const struct consort_value *b, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (a[i].type.id != b[i].type.id)
			return false;
		if (!consort_value_is_null(&a[i]) && consort_value_compare(&a[i], &b[i]))
			return false;
	}
	return true;
}

/* The number, or CONSORT_HASH_NONE with *out_place where it would go. There is a table. */
static uint32_t look(const struct consort_hash *hash, const struct consort_value *tuple, uint64_t code,
		     uint32_t *out_place)
{
	uint32_t mask = hash->capacity * 2 - 1, place;

	for (place = (uint32_t)code & mask; hash->table[place]; place = (place + 1) & mask) {
		uint32_t number = hash->table[place] - 1;

		if (hash->hashes[number] == code &&
		    tuples_equal(&hash->keys[(size_t)number * hash->nkeys], tuple, hash->nkeys))
			return number;
	}
	*out_place = place;
	return CONSORT_HASH_NONE;
}

uint32_t consort_hash_find(const struct consort_hash *hash, const struct consort_value *tuple)
{
	uint32_t place;

	return hash->count ? look(hash, tuple, hash_tuple(tuple, hash->nkeys), &place) : CONSORT_HASH_NONE;
}

/* Bytes of the arrays for so many tuples. */
static uint64_t arrays_size(const struct consort_hash *hash, uint32_t capacity)
{
	return (uint64_t)capacity *
	       (2 * sizeof(*hash->table) + sizeof(*hash->hashes) + hash->nkeys * sizeof(*hash->keys));
}

static enum consort_status charge(struct consort_hash *hash, uint64_t bytes, struct consort_error *error)
{
	enum consort_status status = consort_exec_charge(hash->exec, bytes, error);

	if (!status)
		hash->charged += bytes;
	return status;
}

/* Twice the room. The arrays may have grown already when something fails; nothing is wrong then. */
static enum consort_status grow(struct consort_hash *hash, struct consort_error *error)
{
	uint32_t capacity = hash->capacity ? hash->capacity * 2 : FIRST_CAPACITY, mask = capacity * 2 - 1, i;
	struct consort_value *keys;
	enum consort_status status;
	uint32_t *table;
	uint64_t *hashes;

	if (capacity > LARGEST_CAPACITY)
		return consort_error_no_memory(error);
	status = charge(hash, arrays_size(hash, capacity) - arrays_size(hash, hash->capacity), error);
	if (status)
		return status;
	hashes = realloc(hash->hashes, capacity * sizeof(*hashes));
	if (hashes)
		hash->hashes = hashes;
	keys = realloc(hash->keys, ((size_t)capacity * hash->nkeys + 1) * sizeof(*keys));
	if (keys)
		hash->keys = keys;
	table = hashes && keys ? calloc((size_t)capacity * 2, sizeof(*table)) : NULL;
	if (!table)
		return consort_error_no_memory(error);
	for (i = 0; i < hash->count; i++) {
		uint32_t place = (uint32_t)hash->hashes[i] & mask;

		while (table[place])
			place = (place + 1) & mask;
		table[place] = i + 1;
	}
	free(hash->table);
	hash->table = table;
	hash->capacity = capacity;
	return CONSORT_OK;
}

enum consort_status consort_hash_put(struct consort_hash *hash, const struct consort_value *tuple,
				     uint32_t *out_number, struct consort_error *error)
{
	uint64_t code = hash_tuple(tuple, hash->nkeys), used = hash->arena.used;
	struct consort_value *keys;
	enum consort_status status;
	uint32_t place = 0, number, i;

	number = hash->count ? look(hash, tuple, code, &place) : CONSORT_HASH_NONE;
	if (number != CONSORT_HASH_NONE) {
		*out_number = number;
		return CONSORT_OK;
	}
	if (hash->count == hash->capacity) {
		status = grow(hash, error);
		if (status)
			return status;
		look(hash, tuple, code, &place);
	}
	keys = &hash->keys[(size_t)hash->count * hash->nkeys];
	for (i = 0; i < hash->nkeys; i++)
		if (!consort_value_copy(&hash->arena, &tuple[i], &keys[i]))
			return consort_error_no_memory(error);
	status = charge(hash, hash->arena.used - used, error);
	if (status)
		return status;
	hash->hashes[hash->count] = code;
	hash->table[place] = hash->count + 1;
	*out_number = hash->count++;
	return CONSORT_OK;
}
