/* SPDX-License-Identifier: Apache-2.0 */
/* From the future: a later minor version, a field behind the known ones, a table with a slot more, a feature
 * that has no name yet. */
#include <consort/abi.h>
#undef CONSORT_ABI_MINOR
#define CONSORT_ABI_MINOR 7
#define ZOO_FEATURES CONSORT_FEATURE_BIT(CONSORT_FEATURE_CREATE) | (uint64_t)1 << 63
#include "zoo.h"

static const struct {
	struct consort_write_ops write;
	uint32_t (*merge)(void *connection);
} future_write = {.write = {.struct_size = sizeof(future_write), .insert = zoo_insert}};

static const struct {
	struct consort_plugin plugin;
	const char *motto;
} future_plugin = {
	.plugin = {
		.struct_size = sizeof(future_plugin), .abi_minor = CONSORT_ABI_MINOR, .id = ZOO_ID,
		.version = ZOO_VERSION, .licence = "Apache-2.0", .vendor = "the zoo", .homepage = "",
		.description = "an adapter of a later ABI", .features = {{ZOO_FEATURES, 0}}, .init = zoo_init,
		.database = &zoo_database, .connection = &zoo_connection, .write = &future_write.write,
	},
	.motto = "nobody reads this yet",
};

CONSORT_PLUGIN_EXPORT(&future_plugin.plugin, ZOO_ID, ZOO_VERSION, ZOO_FEATURES, 0);
