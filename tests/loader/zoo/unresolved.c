/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a function that no library has. */
#include "zoo.h"

const struct consort_plugin *zoo_nowhere(void);

const struct consort_plugin *consort_plugin_entry_v1(void)
{
	return zoo_nowhere();
}

ZOO_NOTE(1, sizeof(struct consort_note));
