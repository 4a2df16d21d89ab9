/* SPDX-License-Identifier: Apache-2.0 */
/* Its note promises a feature that the descriptor does not. */
#define ZOO_NOTE_FEATURES ZOO_FEATURES | CONSORT_FEATURE_BIT(CONSORT_FEATURE_CONTINUOUS_AGGREGATES)
#include "zoo.h"

ZOO_EXPORT;
