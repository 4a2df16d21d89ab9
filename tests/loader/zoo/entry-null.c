/* SPDX-License-Identifier: Apache-2.0 */
/* Its entry has nothing to say. */
#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	return NULL;
}

ZOO_NOTE(1, sizeof(struct consort_note));
