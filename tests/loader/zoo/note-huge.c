/* SPDX-License-Identifier: Apache-2.0 */
/* A note that claims 2 GiB. */
#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	return &zoo_plugin;
}

ZOO_NOTE(1, 0x7fffffff);
