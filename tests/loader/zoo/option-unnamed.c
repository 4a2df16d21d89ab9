/* SPDX-License-Identifier: Apache-2.0 */
/* An option that no manifest could name. */
#define ZOO_OPTIONS zoo_options
#include <consort/plugin.h>

static const struct consort_option unnamed = {
	.struct_size = sizeof(unnamed), .type = CONSORT_OPTION_INT, .scope = CONSORT_OPTION_DATABASE,
	.name = "Max Rows", .help = "how many",
};
static const struct consort_option *const zoo_options[] = {&unnamed, NULL};

#include "zoo.h"

ZOO_EXPORT;
