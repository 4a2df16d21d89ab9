/* SPDX-License-Identifier: Apache-2.0 */
/* Loads well, and crashes when it is asked what it is. */
#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	__builtin_trap();
}

ZOO_NOTE(1, sizeof(struct consort_note));
