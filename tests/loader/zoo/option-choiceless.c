/* SPDX-License-Identifier: Apache-2.0 */
/* A choice without anything to choose from. */
#define ZOO_OPTIONS zoo_options
#include <consort/plugin.h>

static const struct consort_option mode = {
	.struct_size = sizeof(mode), .type = CONSORT_OPTION_CHOICE, .scope = CONSORT_OPTION_RESOURCE, .name = "mode",
	.help = "how it is written",
};
static const struct consort_option *const zoo_options[] = {&mode, NULL};

#include "zoo.h"

ZOO_EXPORT;
