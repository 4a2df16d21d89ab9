/* SPDX-License-Identifier: Apache-2.0 */
/* Has the next ABI's entry under a note of this one. */
#include "zoo.h"

CONSORT_EXPORT const void *consort_plugin_entry_v2(void);

const void *consort_plugin_entry_v2(void)
{
	return &zoo_plugin;
}

ZOO_NOTE(1, sizeof(struct consort_note));
