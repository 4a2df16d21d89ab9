/* SPDX-License-Identifier: Apache-2.0 */
/* Built for the next ABI, and says so. */
#include "zoo.h"

CONSORT_EXPORT const void *consort_plugin_entry_v2(void);

const void *consort_plugin_entry_v2(void)
{
	return &zoo_plugin;
}

ZOO_NOTE(2, sizeof(struct consort_note));
