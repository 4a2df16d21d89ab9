/* SPDX-License-Identifier: Apache-2.0 */
/* Its note tells of another minor version of the ABI. */
#define ZOO_ABI_MINOR 3
#include "zoo.h"

ZOO_EXPORT;
