/* SPDX-License-Identifier: Apache-2.0 */
/* An option from before options had types. */
#define ZOO_OPTIONS zoo_options
#include <consort/plugin.h>

static const struct consort_option old = {.struct_size = offsetof(struct consort_option, type)};
static const struct consort_option *const zoo_options[] = {&old, NULL};

#include "zoo.h"

ZOO_EXPORT;
