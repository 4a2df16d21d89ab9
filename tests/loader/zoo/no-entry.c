/* SPDX-License-Identifier: Apache-2.0 */
/* A note without an entry. */
#include "zoo.h"

ZOO_NOTE(1, sizeof(struct consort_note));
