/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_MONGODB_DEFINE_H
#define CONSORT_MONGODB_DEFINE_H

/* Collections, validators and indexes, made and dropped. */

#include "mongodb.h"

uint32_t mongo_define(void *connection, const struct consort_call *call,
		      const struct consort_resource *resource, uint32_t flags,
		      const struct consort_text_sink *sink, struct consort_error *error);
uint32_t mongo_drop(void *connection, const struct consort_call *call,
		    const struct consort_resource *resource, uint32_t flags,
		    const struct consort_text_sink *sink, struct consort_error *error);

#endif
