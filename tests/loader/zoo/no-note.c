/* SPDX-License-Identifier: Apache-2.0 */
/* An entry without a note. */
#include "zoo.h"

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	return &zoo_plugin;
}
