/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to standard output when it is loaded, which is no fault by itself. */
#include <stdio.h>

#include "zoo.h"

__attribute__((__constructor__)) static void talk(void)
{
	puts("here I am");
	fflush(stdout);
}

ZOO_EXPORT;
