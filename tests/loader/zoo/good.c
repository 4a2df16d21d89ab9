/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the contract. */
#include "zoo.h"

ZOO_EXPORT;
