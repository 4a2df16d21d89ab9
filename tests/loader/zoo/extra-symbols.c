/* SPDX-License-Identifier: Apache-2.0 */
/* Exports what another adapter may take for its own. */
#include "zoo.h"

__attribute__((__visibility__("default"))) int zoo_shared = 1;

ZOO_EXPORT;
