/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes as soon as it is loaded. */
#include "zoo.h"

__attribute__((__constructor__)) static void crash(void)
{
	__builtin_trap();
}

ZOO_EXPORT;
