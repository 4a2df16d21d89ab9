/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for ever as soon as it is loaded. */
#include <unistd.h>

#include "zoo.h"

__attribute__((__constructor__)) static void hang(void)
{
	for (;;)
		pause();
}

ZOO_EXPORT;
