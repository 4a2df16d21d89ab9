/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_SLOTS_H
#define CONSORT_SLOTS_H

/*
 * Which operations each feature needs, for those who look at an adapter from outside: the loader, and the kit that
 * proves adapters. Part of the static SDK library. All pure, from any thread.
 */

#include <consort/plugin.h>

CONSORT_BEGIN

/* Stands for what every adapter must have. */
#define CONSORT_FEATURE_ALWAYS 128u

/* A slot that a feature needs; a slot that serves several features comes once for each. */
struct consort_slot {
	uint32_t feature; /* enum consort_feature, or CONSORT_FEATURE_ALWAYS */
	uint32_t table;   /* offset of the table's pointer in struct consort_plugin */
	uint32_t offset;  /* of the slot in its table */
	const char *name; /* "write.insert" */
};

typedef void consort_operation(void);

/* NULL behind the last one. */
const struct consort_slot *consort_slot_at(uint32_t index);
/* Where the adapter has it; NULL if it has no such table, or one that ends before the slot. */
const void *consort_slot_place(const struct consort_plugin *plugin, const struct consort_slot *slot);
/* What is there, or NULL. A slot behind the end of its table, which its maker did not know, is as empty as any. */
consort_operation *consort_slot_operation(const struct consort_plugin *plugin, const struct consort_slot *slot);

CONSORT_END

#endif
