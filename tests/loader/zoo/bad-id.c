/* SPDX-License-Identifier: Apache-2.0 */
/* An id that no manifest can name. */
#define ZOO_ID "Zoo!"
#include "zoo.h"

ZOO_EXPORT;
