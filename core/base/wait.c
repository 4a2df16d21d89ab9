/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: conditions by the clock of deadlines, a thread's number, and numbers that keep threads out of
 * step. */
#include "base/base.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define SECOND ((int64_t)1000000000)

void consort_wake_init(pthread_cond_t *wake)
{
	pthread_condattr_t attributes;

	/* on Linux none of these can fail */
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

void consort_wake_wait(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until)
{
	const struct timespec at = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND};

	if (until == INT64_MAX)
		pthread_cond_wait(wake, lock);
	else
		pthread_cond_timedwait(wake, lock, &at);
}

int32_t consort_thread_number(void)
{
	static _Thread_local int32_t number;
	static _Thread_local uint32_t stamp;

	if (CONSORT_UNLIKELY(!number || stamp != consort_fork_count)) {
		number = gettid();
		stamp = consort_fork_count;
	}
	return number;
}

/* splitmix64 (S. Vigna), whose state may be advanced by many threads; after a fork it is the same on both
 * sides, and the thread's number is not. */
uint64_t consort_random_below(uint64_t bound)
{
	static uint64_t state;
	uint64_t none = 0, z;
	struct timespec now = {0};

	if (CONSORT_UNLIKELY(!__atomic_load_n(&state, __ATOMIC_RELAXED))) {
		clock_gettime(CLOCK_REALTIME, &now);
		z = ((uint64_t)getpid() << 32 ^ (uint64_t)now.tv_nsec) | 1;
		__atomic_compare_exchange_n(&state, &none, z, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	z = __atomic_add_fetch(&state, UINT64_C(0x9e3779b97f4a7c15), __ATOMIC_RELAXED);
	z ^= (uint64_t)consort_thread_number() << 32;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return bound ? z % bound : 0;
}

int64_t consort_random_pause(uint32_t attempts, int64_t least, int64_t most)
{
	int64_t pause = least;

	for (; attempts > 1 && pause < most; attempts--)
		pause *= 2;
	return (int64_t)consort_random_below((uint64_t)(pause < most ? pause : most));
}
