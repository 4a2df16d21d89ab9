/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nobody asks for: closing connections that were idle for long or are old, and telling who keeps one.
 * There is no thread for it: it is done by calls that give a connection back, at most once a second.
 */
#include "pool/queue.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>

#define MILLISECOND ((int64_t)1000000)
#define SECOND ((int64_t)1000000000)
#define FRAMES_SHOWN 4

bool consort_connection_stale(const struct consort_connection *connection, int64_t now)
{
	int64_t most = connection->database->pool.options.idle_timeout;

	return most && now - connection->released >= most;
}

static int64_t shorter(int64_t interval, int64_t span)
{
	return span && span / 4 < interval ? span / 4 : interval;
}

/* Often enough for the shortest time that is to be kept. */
static int64_t interval_of(const struct consort_pool_options *options)
{
	int64_t interval = shorter(SECOND, options->idle_timeout);

	interval = shorter(interval, options->max_lifetime);
	interval = shorter(interval, options->leak_warn);
	return interval < MILLISECOND ? MILLISECOND : interval;
}

/* Of those idle for long, the ones used last are kept if less than pool.min would be left. */
void consort_pool_sweep(struct consort_pool *pool, int64_t now, struct consort_connection **list)
{
	struct consort_connection **at, *connection;
	uint32_t stale = 0, surplus = pool->total > pool->options.min ? pool->total - pool->options.min : 0;

	__atomic_store_n(&pool->sweep, now + interval_of(&pool->options), __ATOMIC_RELAXED);
	for (connection = pool->idle; connection; connection = connection->next)
		stale += consort_connection_stale(connection, now);
	for (at = &pool->idle; (connection = *at);) {
		bool over = now >= connection->expires;

		if (consort_connection_stale(connection, now))
			over |= stale-- <= surplus;
		if (!over) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		connection->next = *list;
		*list = connection;
		pool->stats.idle--;
	}
}

/* --- who keeps one --- */

const char *consort_pool_duration(int64_t nanoseconds, char *out, size_t size)
{
	if (nanoseconds < SECOND)
		snprintf(out, size, "%d ms", (int)(nanoseconds / MILLISECOND));
	else
		snprintf(out, size, "%.1f s", (double)nanoseconds / (double)SECOND);
	return out;
}

const struct consort_connection *consort_pool_longest(const struct consort_pool *pool)
{
	const struct consort_connection *longest = NULL;
	const struct consort_link *link;

	CONSORT_EACH(link, &pool->all) {
		const struct consort_connection *connection =
			CONSORT_LINKED(link, const struct consort_connection, link);

		if (connection->thread && (!longest || connection->acquired < longest->acquired))
			longest = connection;
	}
	return longest;
}

void consort_leak_note(struct consort_connection *connection)
{
	struct consort_pool *pool = &connection->database->pool;
	void *frames[CONSORT_LEAK_FRAMES];
	int nframes = backtrace(frames, CONSORT_LEAK_FRAMES);

	pthread_mutex_lock(&pool->lock);
	memcpy(connection->frames, frames, sizeof(frames));
	connection->nframes = nframes;
	pthread_mutex_unlock(&pool->lock);
}

/* "main+0x1c (program) < …": the innermost functions of the program, or of the library if there are no
 * others. */
static void show_frames(void *const *frames, int nframes, char *out, size_t size)
{
	Dl_info own, info;
	size_t used = 0;
	int shown = 0, i;

	out[0] = '\0';
	if (!dladdr((void *)(uintptr_t)consort_leak_note, &own))
		own.dli_fbase = NULL;
	for (i = 0; i < nframes && shown < FRAMES_SHOWN && used < size; i++) {
		const char *file;
		uintptr_t start;

		if (!dladdr(frames[i], &info) || !info.dli_fname || info.dli_fbase == own.dli_fbase)
			continue;
		file = strrchr(info.dli_fname, '/');
		start = (uintptr_t)(info.dli_sname ? info.dli_saddr : info.dli_fbase);
		used += (size_t)snprintf(out + used, size - used, "%s%s+0x%lx (%s)",
					 shown++ ? " < " : ", at ", info.dli_sname ? info.dli_sname : "",
					 (uintptr_t)frames[i] - start, file ? file + 1 : info.dli_fname);
	}
}

/* The next one to tell of. */
static struct consort_connection *find_leak(struct consort_pool *pool, int64_t now)
{
	struct consort_link *link;

	CONSORT_EACH(link, &pool->all) {
		struct consort_connection *connection = CONSORT_LINKED(link, struct consort_connection, link);

		if (connection->thread && !connection->told &&
		    now - connection->acquired >= pool->options.leak_warn)
			return connection;
	}
	return NULL;
}

void consort_pool_tell_leaks(struct consort_database *database)
{
	struct consort_pool *pool = &database->pool;
	int64_t now = pool->clock();
	bool found = pool->options.leak_warn != 0;

	while (found) {
		struct consort_connection *connection;
		void *frames[CONSORT_LEAK_FRAMES];
		char where[512], held[32];
		int32_t thread = 0;
		int nframes = 0;

		pthread_mutex_lock(&pool->lock);
		connection = find_leak(pool, now);
		found = connection != NULL;
		if (found) {
			connection->told = true;
			pool->stats.leaks++;
			thread = connection->thread;
			nframes = connection->nframes;
			memcpy(frames, connection->frames, sizeof(frames));
			consort_pool_duration(now - connection->acquired, held, sizeof(held));
		}
		pthread_mutex_unlock(&pool->lock);
		if (!found)
			break;
		show_frames(frames, nframes, where, sizeof(where));
		consort_pool_log(
			database, CONSORT_LOG_WARNING,
			"a connection has not been given back for %s (pool.leak_warn): thread %d took it%s",
			held, thread, where);
	}
}
