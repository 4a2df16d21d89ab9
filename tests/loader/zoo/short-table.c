/* SPDX-License-Identifier: Apache-2.0 */
/* Its table of writes ends in front of the slot that its feature needs. */
#define ZOO_WRITE_SIZE offsetof(struct consort_write_ops, insert)
#include "zoo.h"

ZOO_EXPORT;
