/* SPDX-License-Identifier: Apache-2.0 */
/* Its note gives another version. */
#define ZOO_NOTE_VERSION "1.3"
#include "zoo.h"

ZOO_EXPORT;
