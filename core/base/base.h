/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_BASE_H
#define CONSORT_BASE_H

/*
 * What every layer of the core stands on besides the SDK library: a map by name, secrets out of texts, the stamp that
 * tells a forked child, waiting, and the check of the pointers that programs give. list.h has lists.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/error.h>
#include <consort/nearest.h>

/* --- map.c: from texts to pointers, in the order of insertion. No lock. --- */

struct consort_map_slot {
	const char *key; /* borrowed */
	size_t size;	 /* of it */
	void *value;
	uint32_t hash;
};

struct consort_map {
	struct consort_map_slot *slots; /* in order */
	uint32_t *table;                /* open addressing: slot + 1, or 0; NULL while there are few */
	uint32_t count;
	uint32_t capacity;              /* of slots; a table has twice as many places, a power of two */
};

void consort_map_clear(struct consort_map *map);
/* Makes room for so many keys at once, or does so as they come. False: no memory. */
bool consort_map_reserve(struct consort_map *map, uint32_t count);
/* Empties it for more keys. */
void consort_map_reset(struct consort_map *map);
/* NULL if absent */
void *consort_map_get(const struct consort_map *map, const char *key);
void *consort_map_get_n(const struct consort_map *map, const char *key, size_t size);
/* Adds a key that is not there yet; it must outlive the map. False: no memory. */
bool consort_map_put(struct consort_map *map, const char *key, void *value);
/* consort_nearest over the keys. */
const char *consort_nearest_key(const char *word, const struct consort_map *map);

/* --- secrets.c: texts that must not be shown. From any thread. --- */

/* Adds one that `owner` (an open manifest) has. It counts for all texts of the process. False: no memory. */
bool consort_secret_add(const void *owner, const char *text);
/* Adds the passwords inside a text: in URIs, and behind words like "password=". */
bool consort_secret_add_within(const void *owner, const char *text);
/* Forgets the owner's. */
void consort_secrets_forget(const void *owner);
/* Appends a text as it may be shown: with *** for each secret, and for passwords in URIs and behind keywords. */
void consort_scrub(const char *text, struct consort_buffer *out);
/* The same for an error's texts, which may have been cut inside a secret. */
void consort_scrub_error(struct consort_error *error);

/* --- fork.c --- */

/* Counts the forks between the process that loaded the library and this one; one load. */
extern uint32_t consort_fork_count;

/* --- wait.c --- */

/* A condition that is waited for by the clock of deadlines. */
void consort_wake_init(pthread_cond_t *wake);
/* Waits until then at the longest; INT64_MAX: for ever. May come back early. */
void consort_wake_wait(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until);
/* This thread's number, as debuggers and `top` show it; never 0. */
int32_t consort_thread_number(void);
/* A number from 0 to bound - 1 that others cannot be in step with; not for secrets. */
uint64_t consort_random_below(uint64_t bound);
/* How long to wait before one tries again, after that many attempts: any time below `least`, which doubles with each
 * attempt up to `most`, so that those who met do not meet again. */
int64_t consort_random_pause(uint32_t attempts, int64_t least, int64_t most);

/* --- need.c: pointers that a public function cannot do without --- */

enum consort_status consort_need_failed(struct consort_error *error, const char *function, const char *names,
					size_t index) CONSORT_COLD;

static inline enum consort_status consort_need(struct consort_error *error, const char *function,
					       const char *names, const void *const *pointers, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (CONSORT_UNLIKELY(!pointers[i]))
			return consort_need_failed(error, function, names, i);
	return CONSORT_OK;
}

/* EINVAL that names the first of these pointers that is NULL, and the function that got it: "consort_open: path must
 * not be NULL". What may be NULL at times stands as CONSORT_GIVEN(args.values || !args.count). */
#define CONSORT_NEED(error, ...)                                                          \
	consort_need((error), __func__, #__VA_ARGS__, (const void *const[]){__VA_ARGS__}, \
		     sizeof((const void *const[]){__VA_ARGS__}) / sizeof(const void *))
#define CONSORT_GIVEN(condition) ((condition) ? "" : NULL)

/* --- errors --- */

/* For functions that may be called without an error: gives them one to fill. Only what tells that it is empty is set,
 * since clearing all of it would cost more than many a call. */
static inline void consort_error_need(struct consort_error **error, struct consort_error *spare)
{
	if (*error)
		return;
	*error = spare;
	spare->status = 0;
	spare->flags = 0;
	spare->origin[0] = '\0';
	spare->message[0] = '\0';
}

/* --- id.c --- */

/* A number that this process has not given before, from 1: for resources, statements and shapes of writes. */
uint64_t consort_next_id(void);

#endif
