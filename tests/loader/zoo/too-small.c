/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor from before the tables were all there. */
#define ZOO_STRUCT_SIZE offsetof(struct consort_plugin, write)
#include "zoo.h"

ZOO_EXPORT;
