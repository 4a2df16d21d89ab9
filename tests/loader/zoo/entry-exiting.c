/* SPDX-License-Identifier: Apache-2.0 */
/* Loads well, and ends the process when it is asked what it is. */
#include <stdlib.h>

#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	exit(4);
}

ZOO_NOTE(1, sizeof(struct consort_note));
