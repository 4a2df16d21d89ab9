/* SPDX-License-Identifier: Apache-2.0 */
/* What the MongoDB adapter is: its features, options and tables of operations. */
#include "mongodb.h"

#define ID "mongodb"
#define VERSION "0.1.0"

/* README.md says for each why it may be missing on a connection. */
#define FEATURES                                                                                             \
	(MONGO_FEATURE(READ) | MONGO_FEATURE(CREATE) | MONGO_FEATURE(UPDATE) | MONGO_FEATURE(DELETE) |       \
	 MONGO_FEATURE(UPSERT) | MONGO_FEATURE(BULK_WRITE) | MONGO_FEATURE(RETURNING) |                      \
	 MONGO_FEATURE(FILTER) | MONGO_FEATURE(SORT) | MONGO_FEATURE(LIMIT) | MONGO_FEATURE(AGGREGATE) |     \
	 MONGO_FEATURE(GROUP) | MONGO_FEATURE(JOIN) | MONGO_FEATURE(KEY_LOOKUP) |                            \
	 MONGO_FEATURE(NESTED_PATHS) | MONGO_FEATURE(SCHEMALESS) | MONGO_FEATURE(TRANSACTIONS) |             \
	 MONGO_FEATURE(LAST_RESOURCE) | MONGO_FEATURE(INTROSPECT) | MONGO_FEATURE(DEFINE) |                  \
	 MONGO_FEATURE(INDEXES) | MONGO_FEATURE(NATIVE) | MONGO_FEATURE(CANCEL) | MONGO_FEATURE(STREAMING) | \
	 MONGO_FEATURE(EXPLAIN) | MONGO_FEATURE(READ_YOUR_WRITES) | MONGO_FEATURE(ATOMIC_COMMIT) |           \
	 MONGO_FEATURE(CHANGE_FEED))

#define OPTION(option_scope, option_type, option_name, ...)                                         \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_##option_scope, .name = option_name, __VA_ARGS__            \
	}

static const struct consort_option *const options[] = {
	OPTION(DATABASE, TEXT, "uri", .secret = 1,
	       .help = "mongodb://user@host:port/database?option=value; other options stand over it"),
	OPTION(DATABASE, TEXT, "dbname",
	       .help = "MongoDB's database; the one that the uri names if not given"),
	OPTION(DATABASE, TEXT, "user", .help = "who connects"),
	OPTION(DATABASE, TEXT, "password", .secret = 1, .help = "the user's password"),
	OPTION(DATABASE, TEXT, "auth_source", .help = "the database that knows the user; admin if not given"),
	OPTION(DATABASE, TEXT, "replica_set", .help = "the name of the replica set"),
	OPTION(DATABASE, PATH, "tls_ca_file",
	       .help = "certificates of authorities that the server's is verified with"),
	OPTION(DATABASE, PATH, "tls_certificate_file", .help = "our certificate, with its key"),
	OPTION(DATABASE, TEXT, "tls_certificate_password", .secret = 1, .help = "the password of that key"),
	OPTION(DATABASE, TEXT, "application_name",
	       .help = "what the server shows for our connections; default: consort"),
	OPTION(DATABASE, DURATION, "connect_timeout",
	       .help = "how long connecting to a server may take; 10s if not given"),
	OPTION(RESOURCE, INT, "sample",
	       .help = "documents that fields and types are told from; 1000 if not given"),
	OPTION(RESOURCE, TEXT, "expire.attribute",
	       .help = "a timestamp behind which define has MongoDB delete a document by itself"),
	OPTION(RESOURCE, DURATION, "expire.after", .help = "how long behind it; 0 if not given"),
	NULL,
};

static const struct consort_host *the_host; /* atomic: any of those that there are */

/* What libmongoc remarks would go to the program's standard error. */
static void log_handler(mongoc_log_level_t level, const char *domain, const char *message, void *context)
{
	(void)level;
	(void)context;
	__atomic_load_n(&the_host, __ATOMIC_RELAXED)->log(CONSORT_LOG_DEBUG, domain, message);
}

/* libmongoc is set up once in a process, and never taken down: the program may use it, too. */
static uint32_t set_up(void)
{
	mongoc_log_set_handler(log_handler, NULL);
	mongoc_init();
	return CONSORT_OK;
}

static uint32_t plugin_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	uint32_t status;

	__atomic_store_n(&the_host, host, __ATOMIC_RELAXED);
	status = host->once("org.mongodb.libmongoc", set_up);
	if (status)
		return consort_error_set(error, status, "libmongoc could not be set up");
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
	.homepage = "https://www.mongodb.com/",
	.description = "MongoDB databases",
	.features = {{FEATURES, 0}},
	.requires_host = {{CONSORT_FEATURE_BIT(CONSORT_HOST_LOG) | CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK) |
				   CONSORT_FEATURE_BIT(CONSORT_HOST_ONCE),
			   0}},
	.options = options,
	.init = plugin_init,
	.database = &mongo_database_ops,
	.connection = &mongo_connection_ops,
	.query = &mongo_query_ops,
	.write = &mongo_write_ops,
	.transaction = &mongo_transaction_ops,
	.schema = &mongo_schema_ops,
	.native = &mongo_native_ops,
	.changes = &mongo_changes_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
