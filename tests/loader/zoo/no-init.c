/* SPDX-License-Identifier: Apache-2.0 */
/* Cannot be initialised. */
#define ZOO_INIT NULL
#include "zoo.h"

ZOO_EXPORT;
