/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQLite adapter is: its features, options and tables of operations. */
#include "sqlite.h"

#define ID "sqlite"
#define VERSION "0.1.0"

/* README.md says for each why it may be missing on a connection. */
#define FEATURES                                                                                            \
	(LITE_FEATURE(READ) | LITE_FEATURE(CREATE) | LITE_FEATURE(UPDATE) | LITE_FEATURE(DELETE) |          \
	 LITE_FEATURE(UPSERT) | LITE_FEATURE(BULK_WRITE) | LITE_FEATURE(RETURNING) | LITE_FEATURE(FILTER) | \
	 LITE_FEATURE(SORT) | LITE_FEATURE(LIMIT) | LITE_FEATURE(AGGREGATE) | LITE_FEATURE(GROUP) |         \
	 LITE_FEATURE(JOIN) | LITE_FEATURE(KEY_LOOKUP) | LITE_FEATURE(CONCURRENT_CURSORS) |                 \
	 LITE_FEATURE(TRANSACTIONS) | LITE_FEATURE(SAVEPOINTS) | LITE_FEATURE(LAST_RESOURCE) |              \
	 LITE_FEATURE(INTROSPECT) | LITE_FEATURE(DEFINE) | LITE_FEATURE(INDEXES) | LITE_FEATURE(NATIVE) |   \
	 LITE_FEATURE(CANCEL) | LITE_FEATURE(STREAMING) | LITE_FEATURE(EXPLAIN) |                           \
	 LITE_FEATURE(READ_YOUR_WRITES) | LITE_FEATURE(ATOMIC_COMMIT))

#define OPTION(option_type, option_name, ...)                                                       \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_DATABASE, .name = option_name, __VA_ARGS__                  \
	}

static const struct consort_option *const options[] = {
	OPTION(PATH, "path", .required = 1, .help = "the database file, or :memory:"),
	OPTION(CHOICE, "mode", .choices = "ro,rw,rwc", .default_value = "rwc",
	       .help = "ro: read only; rw: the file must exist; rwc: it is created"),
	OPTION(CHOICE, "journal", .choices = "wal,delete,truncate,persist,memory,off", .default_value = "wal",
	       .help = "how a transaction is kept until it ends"),
	OPTION(CHOICE, "synchronous", .choices = "off,normal,full,extra",
	       .help = "when the disk is waited for; default: normal with wal, else full"),
	OPTION(DURATION, "busy_timeout", .default_value = "5s",
	       .help = "how long to wait for the lock of another writer"),
	OPTION(SIZE, "cache_size", .help = "pages kept in memory, for each connection"),
	OPTION(BOOL, "foreign_keys", .default_value = "yes", .help = "enforce foreign keys"),
	&(const struct consort_option){.struct_size = sizeof(struct consort_option),
				       .type = CONSORT_OPTION_BOOL,
				       .scope = CONSORT_OPTION_RESOURCE,
				       .name = "strict",
				       .default_value = "yes",
				       .help = "define makes a STRICT table"},
	NULL,
};

static uint32_t plugin_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	if (sqlite3_libversion_number() < 3037000)
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "SQLite 3.37 or newer is needed, this is %s", sqlite3_libversion());
	if (!sqlite3_threadsafe())
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "this SQLite was built for one thread only");
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = ID,
	.version = VERSION,
	.licence = "Apache-2.0",
	.vendor = "Consort",
	.homepage = "https://www.sqlite.org/",
	.description = "SQLite databases: files and memory",
	.features = {{FEATURES, 0}},
	.requires_host = {{CONSORT_FEATURE_BIT(CONSORT_HOST_LOG) | CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK),
			   0}},
	.options = options,
	.init = plugin_init,
	.database = &lite_database_ops,
	.connection = &lite_connection_ops,
	.query = &lite_query_ops,
	.write = &lite_write_ops,
	.transaction = &lite_transaction_ops,
	.schema = &lite_schema_ops,
	.native = &lite_native_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
