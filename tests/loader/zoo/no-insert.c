/* SPDX-License-Identifier: Apache-2.0 */
/* Sets a feature over an empty slot. */
#define ZOO_INSERT NULL
#include "zoo.h"

ZOO_EXPORT;
