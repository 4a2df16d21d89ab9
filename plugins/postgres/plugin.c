/* SPDX-License-Identifier: Apache-2.0 */
/* What the PostgreSQL adapter is: its features, options and tables of operations. */
#include "postgres.h"

#define ID "postgres"
#define VERSION "0.1.0"

/* README.md says for each why it may be missing on a connection. */
#define FEATURES                                                                                        \
	(PG_FEATURE(READ) | PG_FEATURE(CREATE) | PG_FEATURE(UPDATE) | PG_FEATURE(DELETE) |              \
	 PG_FEATURE(UPSERT) | PG_FEATURE(BULK_WRITE) | PG_FEATURE(RETURNING) | PG_FEATURE(FILTER) |     \
	 PG_FEATURE(SORT) | PG_FEATURE(LIMIT) | PG_FEATURE(AGGREGATE) | PG_FEATURE(GROUP) |             \
	 PG_FEATURE(JOIN) | PG_FEATURE(KEY_LOOKUP) | PG_FEATURE(NESTED_PATHS) | PG_FEATURE(FULL_TEXT) | \
	 PG_FEATURE(CONCURRENT_CURSORS) | PG_FEATURE(TRANSACTIONS) | PG_FEATURE(SAVEPOINTS) |           \
	 PG_FEATURE(PREPARE_COMMIT) | PG_FEATURE(LAST_RESOURCE) | PG_FEATURE(SNAPSHOT_EXPORT) |         \
	 PG_FEATURE(INTROSPECT) | PG_FEATURE(DEFINE) | PG_FEATURE(INDEXES) | PG_FEATURE(NATIVE) |       \
	 PG_FEATURE(CANCEL) | PG_FEATURE(STREAMING) | PG_FEATURE(EXPLAIN))

#define OPTION(option_type, option_name, ...)                                                       \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_DATABASE, .name = option_name, __VA_ARGS__                  \
	}

static const struct consort_option *const options[] = {
	OPTION(TEXT, "dsn", .secret = 1,
	       .help = "a URI postgresql://…, or libpq's keywords; other options stand over it"),
	OPTION(TEXT, "host",
	       .help = "a name, an address, or the folder of a Unix socket; several with commas"),
	OPTION(TEXT, "hostaddr", .help = "an address, so that no name is looked up"),
	OPTION(TEXT, "port", .help = "5432 if not given"),
	OPTION(TEXT, "dbname", .help = "the database; the user's name if not given"),
	OPTION(TEXT, "user", .help = "who connects"),
	OPTION(TEXT, "password", .secret = 1, .help = "the user's password"),
	OPTION(PATH, "passfile", .help = "a file with passwords, instead of ~/.pgpass"),
	OPTION(TEXT, "service", .help = "a section of pg_service.conf"),
	OPTION(CHOICE, "sslmode", .choices = "disable,allow,prefer,require,verify-ca,verify-full",
	       .help = "whether TLS is used and what of the server is verified"),
	OPTION(PATH, "sslrootcert", .help = "certificates of authorities that the server's is verified with"),
	OPTION(PATH, "sslcert", .help = "our certificate"),
	OPTION(PATH, "sslkey", .help = "the key of our certificate"),
	OPTION(TEXT, "sslpassword", .secret = 1, .help = "the password of that key"),
	OPTION(PATH, "sslcrl", .help = "certificates that are revoked"),
	OPTION(TEXT, "ssl_min_protocol_version", .help = "the oldest version of TLS to use"),
	OPTION(CHOICE, "channel_binding", .choices = "disable,prefer,require",
	       .help = "whether the password is bound to the TLS connection"),
	OPTION(CHOICE, "gssencmode", .choices = "disable,prefer,require", .help = "whether GSSAPI encrypts"),
	OPTION(TEXT, "krbsrvname", .help = "the service name of Kerberos"),
	OPTION(CHOICE, "target_session_attrs",
	       .choices = "any,read-write,read-only,primary,standby,prefer-standby",
	       .help = "which of several hosts will do"),
	OPTION(TEXT, "application_name", .help = "what the server shows for our sessions; default: consort"),
	OPTION(TEXT, "options", .help = "settings of the session: -c search_path=sales,public"),
	OPTION(BOOL, "keepalives", .help = "whether TCP notices a peer that has gone"),
	OPTION(INT, "keepalives_idle", .help = "seconds of silence before it asks"),
	OPTION(INT, "keepalives_interval", .help = "seconds between asking"),
	OPTION(INT, "keepalives_count", .help = "questions without an answer before the connection is lost"),
	OPTION(INT, "tcp_user_timeout", .help = "milliseconds that sent data may wait to be acknowledged"),
	OPTION(DURATION, "connect_timeout",
	       .help = "how long connecting may take; 30s if not given, 0: no limit"),
	OPTION(INT, "statement_cache", .default_value = "256",
	       .help = "prepared statements that a connection keeps; 0: none, for poolers that take none"),
	NULL,
};

static uint32_t plugin_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	if (!PQisthreadsafe())
		return consort_error_set(error, CONSORT_EUNSUPPORTED,
					 "this libpq was built for one thread only");
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
	.homepage = "https://www.postgresql.org/",
	.description = "PostgreSQL databases",
	.features = {{FEATURES, 0}},
	.requires_host = {{CONSORT_FEATURE_BIT(CONSORT_HOST_LOG) | CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK),
			   0}},
	.options = options,
	.init = plugin_init,
	.database = &pg_database_ops,
	.connection = &pg_connection_ops,
	.query = &pg_query_ops,
	.write = &pg_write_ops,
	.transaction = &pg_transaction_ops,
	.prepared = &pg_prepared_ops,
	.schema = &pg_schema_ops,
	.native = &pg_native_ops,
};

CONSORT_PLUGIN_EXPORT(&plugin, ID, VERSION, FEATURES, 0);
