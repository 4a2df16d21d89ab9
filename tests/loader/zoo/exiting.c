/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the process as soon as it is loaded. */
#include <stdlib.h>

#include "zoo.h"

__attribute__((__constructor__)) static void leave(void)
{
	exit(3);
}

ZOO_EXPORT;
