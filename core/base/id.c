/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are given once in a process. */
#include "base/base.h"

uint64_t consort_next_id(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}
