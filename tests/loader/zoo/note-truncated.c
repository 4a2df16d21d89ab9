/* SPDX-License-Identifier: Apache-2.0 */
/* A note whose descriptor is shorter than it must be. */
#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	return &zoo_plugin;
}

ZOO_NOTE(1, 40);
