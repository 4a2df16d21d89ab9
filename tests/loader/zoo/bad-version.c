/* SPDX-License-Identifier: Apache-2.0 */
/* A version that would not stay on its line. */
#define ZOO_VERSION "1.2\n3"
#include "zoo.h"

ZOO_EXPORT;
