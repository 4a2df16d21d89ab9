/* SPDX-License-Identifier: Apache-2.0 */
/* What the Redis adapter is: its features, options and tables of operations. */
#include "tx.h"

#define ID "redis"
#define VERSION "0.1.0"

/* README.md says for each why it may be missing on a connection. */
#define FEATURES                                                                                       \
	(REDIS_FEATURE(READ) | REDIS_FEATURE(CREATE) | REDIS_FEATURE(UPDATE) | REDIS_FEATURE(DELETE) | \
	 REDIS_FEATURE(UPSERT) | REDIS_FEATURE(BULK_WRITE) | REDIS_FEATURE(FILTER) |                   \
	 REDIS_FEATURE(KEY_LOOKUP) | REDIS_FEATURE(DEFINE) | REDIS_FEATURE(INDEXES) |                  \
	 REDIS_FEATURE(SCHEMALESS) | REDIS_FEATURE(TRANSACTIONS) | REDIS_FEATURE(NATIVE) |             \
	 REDIS_FEATURE(KEY_VALUE) | REDIS_FEATURE(COUNTERS) | REDIS_FEATURE(TIME_TO_LIVE) |            \
	 REDIS_FEATURE(CANCEL) | REDIS_FEATURE(STREAMING) | REDIS_FEATURE(EXPLAIN))

#define OPTION(option_type, option_scope, option_name, ...)                                         \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_##option_scope, .name = option_name, __VA_ARGS__            \
	}

static const struct consort_option *const options[] = {
	OPTION(TEXT, DATABASE, "host", .help = "a name or an address; 127.0.0.1 if not given"),
	OPTION(INT, DATABASE, "port", .default_value = "6379", .help = "the port of host"),
	OPTION(PATH, DATABASE, "socket", .help = "a Unix socket, instead of host and port"),
	OPTION(TEXT, DATABASE, "nodes",
	       .help = "host:port, host:port, …: some nodes of a cluster, of which one leads to all others"),
	OPTION(TEXT, DATABASE, "user", .help = "a user of the server's ACL; default if not given"),
	OPTION(TEXT, DATABASE, "password", .secret = 1, .help = "the user's password"),
	OPTION(INT, DATABASE, "db", .default_value = "0",
	       .help = "the number of the database; a cluster has only 0"),
	OPTION(DURATION, DATABASE, "connect_timeout", .default_value = "10s",
	       .help = "how long connecting to a node may take; 0: the call's deadline"),
	OPTION(INT, DATABASE, "page", .default_value = "512",
	       .help = "about how many records are asked for at a time"),
	OPTION(BOOL, DATABASE, "tls", .default_value = "no",
	       .help = "encrypt, and verify the server's certificate"),
	OPTION(PATH, DATABASE, "tls_ca",
	       .help = "a file with the authorities to trust, instead of the system's"),
	OPTION(PATH, DATABASE, "tls_cert", .help = "our certificate"),
	OPTION(PATH, DATABASE, "tls_key", .help = "its key"),
	OPTION(TEXT, DATABASE, "tls_name", .help = "whom the server's certificate is for, if not for host"),
	OPTION(CHOICE, RESOURCE, "record", .default_value = "hash",
	       .choices = "hash,json,list,set,sorted_set,stream",
	       .help = "what a record is: a hash, a string that holds a JSON object, or an item of one key"),
	OPTION(TEXT, RESOURCE, "separator", .default_value = ":",
	       .help = "stands in a record's key behind the source, and between several attributes"),
	OPTION(CHOICE, RESOURCE, "hash_tag", .default_value = "none", .choices = "none,key,source",
	       .help = "what stands in { } in a record's key, and decides about its slot in a cluster"),
	OPTION(DURATION, RESOURCE, "ttl", .help = "how long a record lives after it was created or upserted"),
	NULL,
};

static const struct consort_plugin plugin = {
	.struct_size = sizeof(plugin),
	.abi_minor = CONSORT_ABI_MINOR,
	.id = ID,
	.version = VERSION,
	.licence = "Apache-2.0",
	.vendor = "Consort",
	.homepage = "https://redis.io/",
	.description = "Redis servers and clusters",
	.features = {{FEATURES, 0}},
	.requires_host = {{CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK), 0}},
	.options = options,
	.init = consort_plain_init,
	.database = &redis_database_ops,
	.connection = &redis_connection_ops,
	.query = &redis_query_ops,
	.write = &redis_write_ops,
	.schema = &redis_schema_ops,
	.transaction = &redis_transaction_ops,
	.native = &redis_native_ops,
	.keyvalue = &redis_keyvalue_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
