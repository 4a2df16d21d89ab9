/* SPDX-License-Identifier: Apache-2.0 */
/* Cannot do without something that this core does not know. */
#define ZOO_NEEDS CONSORT_FEATURE_BIT(CONSORT_HOST_ONCE) | (uint64_t)1 << 37
#include "zoo.h"

ZOO_EXPORT;
