/* SPDX-License-Identifier: Apache-2.0 */
/* What the PostgreSQL adapter is: all that the library over libpq has, and nothing beside. */
#include "adapter.h"

#define ID "postgres"
#define VERSION "0.1.0"

static const struct consort_option *const options[] = {PG_OPTIONS, NULL};

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = ID,
	.version = VERSION,
	.licence = "Apache-2.0",
	.vendor = "Consort",
	.homepage = "https://www.postgresql.org/",
	.description = "PostgreSQL databases",
	.features = {{PG_FEATURES, 0}},
	.requires_host = {{PG_HOST_NEEDS, 0}},
	.options = options,
	.init = pg_plugin_init,
	.database = &pg_database_ops,
	.connection = &pg_connection_ops,
	.query = &pg_query_ops,
	.write = &pg_write_ops,
	.transaction = &pg_transaction_ops,
	.prepared = &pg_prepared_ops,
	.schema = &pg_schema_ops,
	.native = &pg_native_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, PG_FEATURES, 0);
