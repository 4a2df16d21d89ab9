/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_ADAPTER_H
#define CONSORT_POSTGRES_ADAPTER_H

/*
 * What an adapter over this library puts into its descriptor: plugin.c does, and that of an extension does
 * with bits, options and operations of its own beside. An operation that it has another one for calls what is
 * here:
 *
 *     static void features(void *connection, struct consort_features *mask, const struct consort_feature_sink
 * *sink)
 *     {
 *             pg_features(connection, mask, sink);
 *             …
 *     }
 */

#include "postgres.h"

/* README.md says for each why it may be missing on a connection. */
#define PG_FEATURES                                                                                        \
	(PG_FEATURE(READ) | PG_FEATURE(CREATE) | PG_FEATURE(UPDATE) | PG_FEATURE(DELETE) |                 \
	 PG_FEATURE(UPSERT) | PG_FEATURE(BULK_WRITE) | PG_FEATURE(RETURNING) | PG_FEATURE(FILTER) |        \
	 PG_FEATURE(SORT) | PG_FEATURE(LIMIT) | PG_FEATURE(AGGREGATE) | PG_FEATURE(GROUP) |                \
	 PG_FEATURE(JOIN) | PG_FEATURE(KEY_LOOKUP) | PG_FEATURE(NESTED_PATHS) | PG_FEATURE(FULL_TEXT) |    \
	 PG_FEATURE(CONCURRENT_CURSORS) | PG_FEATURE(TRANSACTIONS) | PG_FEATURE(SAVEPOINTS) |              \
	 PG_FEATURE(PREPARE_COMMIT) | PG_FEATURE(LAST_RESOURCE) | PG_FEATURE(SNAPSHOT_EXPORT) |            \
	 PG_FEATURE(INTROSPECT) | PG_FEATURE(DEFINE) | PG_FEATURE(INDEXES) | PG_FEATURE(NATIVE) |          \
	 PG_FEATURE(CANCEL) | PG_FEATURE(STREAMING) | PG_FEATURE(EXPLAIN) | PG_FEATURE(READ_YOUR_WRITES) | \
	 PG_FEATURE(ATOMIC_COMMIT))

#define PG_OPTION(option_type, option_name, ...)                                                    \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_DATABASE, .name = option_name, __VA_ARGS__                  \
	}

/* Of libpq's those that a manifest may give by themselves; all others may stand in the dsn. */
/* clang-format off */
#define PG_OPTIONS \
	PG_OPTION(TEXT, "dsn", .secret = 1, \
	       .help = "a URI postgresql://…, or libpq's keywords; other options stand over it"), \
	PG_OPTION(TEXT, "host", \
	       .help = "a name, an address, or the folder of a Unix socket; several with commas"), \
	PG_OPTION(TEXT, "hostaddr", .help = "an address, so that no name is looked up"), \
	PG_OPTION(TEXT, "port", .help = "5432 if not given"), \
	PG_OPTION(TEXT, "dbname", .help = "the database; the user's name if not given"), \
	PG_OPTION(TEXT, "user", .help = "who connects"), \
	PG_OPTION(TEXT, "password", .secret = 1, .help = "the user's password"), \
	PG_OPTION(PATH, "passfile", .help = "a file with passwords, instead of ~/.pgpass"), \
	PG_OPTION(TEXT, "service", .help = "a section of pg_service.conf"), \
	PG_OPTION(CHOICE, "sslmode", .choices = "disable,allow,prefer,require,verify-ca,verify-full", \
	       .help = "whether TLS is used and what of the server is verified"), \
	PG_OPTION(PATH, "sslrootcert", .help = "certificates of authorities that the server's is verified with"), \
	PG_OPTION(PATH, "sslcert", .help = "our certificate"), \
	PG_OPTION(PATH, "sslkey", .help = "the key of our certificate"), \
	PG_OPTION(TEXT, "sslpassword", .secret = 1, .help = "the password of that key"), \
	PG_OPTION(PATH, "sslcrl", .help = "certificates that are revoked"), \
	PG_OPTION(TEXT, "ssl_min_protocol_version", .help = "the oldest version of TLS to use"), \
	PG_OPTION(CHOICE, "channel_binding", .choices = "disable,prefer,require", \
	       .help = "whether the password is bound to the TLS connection"), \
	PG_OPTION(CHOICE, "gssencmode", .choices = "disable,prefer,require", .help = "whether GSSAPI encrypts"), \
	PG_OPTION(TEXT, "krbsrvname", .help = "the service name of Kerberos"), \
	PG_OPTION(CHOICE, "target_session_attrs", \
	       .choices = "any,read-write,read-only,primary,standby,prefer-standby", \
	       .help = "which of several hosts will do"), \
	PG_OPTION(TEXT, "application_name", .help = "what the server shows for our sessions; default: consort"), \
	PG_OPTION(TEXT, "options", .help = "settings of the session: -c search_path=sales,public"), \
	PG_OPTION(BOOL, "keepalives", .help = "whether TCP notices a peer that has gone"), \
	PG_OPTION(INT, "keepalives_idle", .help = "seconds of silence before it asks"), \
	PG_OPTION(INT, "keepalives_interval", .help = "seconds between asking"), \
	PG_OPTION(INT, "keepalives_count", .help = "questions without an answer before the connection is lost"), \
	PG_OPTION(INT, "tcp_user_timeout", .help = "milliseconds that sent data may wait to be acknowledged"), \
	PG_OPTION(DURATION, "connect_timeout", \
	       .help = "how long a host may take; 30s if not given, 0: no limit"), \
	PG_OPTION(INT, "statement_cache", .default_value = "256", \
	       .help = "prepared statements that a connection keeps; 0: none, for poolers that take none")
/* clang-format on */

#define PG_HOST_NEEDS (CONSORT_FEATURE_BIT(CONSORT_HOST_LOG) | CONSORT_FEATURE_BIT(CONSORT_HOST_CLOCK))

uint32_t pg_plugin_init(const struct consort_host *host, void **out_plugin, struct consort_error *error);

/* pg_connection_ops but for features and info, which are pg_features and pg_info. */
#define PG_CONNECTION_OPERATIONS                                                                \
	.struct_size = sizeof(struct consort_connection_ops), .open = pg_connection_open,       \
	.close = pg_connection_close, .ping = pg_connection_ping, .reset = pg_connection_reset, \
	.abandon = pg_connection_abandon, .cancel = pg_connection_cancel

#endif
