/* SPDX-License-Identifier: Apache-2.0 */
/* Its note gives another id. */
#define ZOO_NOTE_ID "zebra"
#include "zoo.h"

ZOO_EXPORT;
