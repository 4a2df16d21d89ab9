/* SPDX-License-Identifier: Apache-2.0 */
/* Lacks a slot that every adapter must have. */
#define ZOO_PING NULL
#include "zoo.h"

ZOO_EXPORT;
