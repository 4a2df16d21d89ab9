/* SPDX-License-Identifier: Apache-2.0 */
/* The stamp that tells a forked child: a counter that pthread_atfork raises (getpid would be a system call).
 */
#include "base/base.h"

#include <pthread.h>

uint32_t consort_fork_count;

static void count_fork(void)
{
	consort_fork_count++;
}

/* From when the library is there, so that no handle is older. */
__attribute__((__constructor__)) static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}
