/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which keys a scan has met, so that those which SCAN gives twice are delivered once. A key is kept as 128
 * bits of a hash with a random seed, in a table that moves from the heap into a file without a name when it
 * grows: a scan of any length holds little memory of its own.
 */
#include "query.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define ROOM_FIRST 1024u
#define HEAP_MOST ((size_t)1 << 20)

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void hash(const struct redis_seen *seen, const char *key, size_t size, uint64_t out[2])
{
	uint64_t a = seen->seed[0] ^ size, b = seen->seed[1] + size;

	for (;;) {
		uint64_t words[2] = {0, 0};

		memcpy(words, key, size < 16 ? size : 16);
		a = fold(a ^ words[0] ^ UINT64_C(0x9e3779b97f4a7c15),
			 words[1] ^ b ^ UINT64_C(0xd6e8feb86659fd93));
		b = fold(b ^ words[1] ^ UINT64_C(0xa0761d6478bd642f),
			 words[0] ^ a ^ UINT64_C(0xe7037ed1a0b428db));
		if (size <= 16)
			break;
		key += 16;
		size -= 16;
	}
	out[0] = a | 1; /* never that of an empty slot */
	out[1] = b;
}

/* A place for so many bytes, zeroed; *out_mapped 0: on the heap. */
static void *make_table(size_t size, size_t *out_mapped)
{
	const char *folder = secure_getenv("TMPDIR");
	void *table;
	int fd;

	*out_mapped = 0;
	if (size <= HEAP_MOST)
		return calloc(1, size);
	fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	table = posix_fallocate(fd, 0, (off_t)size)
			? MAP_FAILED
			: mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (table == MAP_FAILED)
		return NULL;
	*out_mapped = size;
	return table;
}

static void free_table(uint64_t (*slots)[2], size_t mapped)
{
	if (mapped)
		munmap(slots, mapped);
	else
		free(slots);
}

/* The slot of that hash, or the empty one for it. */
static uint64_t *find(uint64_t (*slots)[2], uint64_t room, const uint64_t key[2])
{
	uint64_t at = key[1] & (room - 1);

	while (slots[at][0] && (slots[at][0] != key[0] || slots[at][1] != key[1]))
		at = (at + 1) & (room - 1);
	return slots[at];
}

static uint32_t grow(struct redis_seen *seen, struct consort_error *error)
{
	uint64_t room = seen->room ? 2 * seen->room : ROOM_FIRST, i;
	uint64_t(*slots)[2];
	size_t mapped;

	if (!seen->room && getrandom(seen->seed, sizeof(seen->seed), 0) != sizeof(seen->seed))
		return consort_error_set(error, CONSORT_EINTERNAL, "there is no randomness: %s",
					 strerror(errno));
	slots = make_table((size_t)room * sizeof(*slots), &mapped);
	if (!slots)
		return consort_error_set(
			error, CONSORT_ENOMEM,
			"no memory, or no room in the folder for temporary files, for the %llu keys "
			"that a scan has met",
			(unsigned long long)seen->count);
	for (i = 0; i < seen->room; i++)
		if (seen->slots[i][0])
			memcpy(find(slots, room, seen->slots[i]), seen->slots[i], sizeof(*slots));
	free_table(seen->slots, seen->mapped);
	seen->slots = slots;
	seen->room = room;
	seen->mapped = mapped;
	return CONSORT_OK;
}

uint32_t redis_seen_add(struct redis_seen *seen, const char *key, size_t size, bool *out_new,
			struct consort_error *error)
{
	uint64_t wanted[2], *slot;

	if (seen->count * 4 >= seen->room * 3) {
		uint32_t status = grow(seen, error);

		if (status)
			return status;
	}
	hash(seen, key, size, wanted);
	slot = find(seen->slots, seen->room, wanted);
	*out_new = !slot[0];
	if (*out_new) {
		memcpy(slot, wanted, sizeof(wanted));
		seen->count++;
	}
	return CONSORT_OK;
}

void redis_seen_clear(struct redis_seen *seen)
{
	free_table(seen->slots, seen->mapped);
	memset(seen, 0, sizeof(*seen));
}
