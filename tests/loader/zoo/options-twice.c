/* SPDX-License-Identifier: Apache-2.0 */
/* Lists an option twice. */
#define ZOO_OPTIONS zoo_options
#include <consort/plugin.h>

static const struct consort_option path = {
	.struct_size = sizeof(path), .type = CONSORT_OPTION_PATH, .scope = CONSORT_OPTION_DATABASE, .name = "path",
	.help = "where it lies",
};
static const struct consort_option *const zoo_options[] = {&path, &path, NULL};

#include "zoo.h"

ZOO_EXPORT;
