/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ZOO_H
#define CONSORT_ZOO_H

/*
 * A tiny adapter that does nothing and keeps the contract. Each animal of the zoo defines one macro below
 * differently, and so breaks it in one place, or ends with an export of its own.
 */

#include <consort/plugin.h>

#ifndef ZOO_STRUCT_SIZE
#define ZOO_STRUCT_SIZE sizeof(struct consort_plugin)
#endif
#ifndef ZOO_ABI_MINOR
#define ZOO_ABI_MINOR CONSORT_ABI_MINOR
#endif
#ifndef ZOO_ID
#define ZOO_ID "zoo"
#endif
#ifndef ZOO_VERSION
#define ZOO_VERSION "1.2"
#endif
#ifndef ZOO_FEATURES
#define ZOO_FEATURES CONSORT_FEATURE_BIT(CONSORT_FEATURE_CREATE)
#endif
#ifndef ZOO_NOTE_ID
#define ZOO_NOTE_ID ZOO_ID
#endif
#ifndef ZOO_NOTE_VERSION
#define ZOO_NOTE_VERSION ZOO_VERSION
#endif
#ifndef ZOO_NOTE_FEATURES
#define ZOO_NOTE_FEATURES ZOO_FEATURES
#endif
#ifndef ZOO_NEEDS
#define ZOO_NEEDS CONSORT_FEATURE_BIT(CONSORT_HOST_ONCE)
#endif
#ifndef ZOO_PING
#define ZOO_PING zoo_ping
#endif
#ifndef ZOO_INSERT
#define ZOO_INSERT zoo_insert
#endif
#ifndef ZOO_WRITE_SIZE
#define ZOO_WRITE_SIZE sizeof(struct consort_write_ops)
#endif
#ifndef ZOO_OPTIONS
#define ZOO_OPTIONS NULL
#endif
#ifndef ZOO_INIT
#define ZOO_INIT zoo_init
#endif
#ifndef ZOO_DATABASE_OPEN
#define ZOO_DATABASE_OPEN zoo_database_open
#endif
#ifndef ZOO_DATABASE_CLOSE
#define ZOO_DATABASE_CLOSE zoo_database_close
#endif
#ifndef ZOO_OPEN
#define ZOO_OPEN zoo_open
#endif
#ifndef ZOO_INFO
#define ZOO_INFO zoo_info
#endif

/* Every operation fails: none is ever called, unless an animal has its own. */
#define ZOO_OPERATION(name, ...)                                                                               \
	__attribute__((__unused__)) static uint32_t name(__VA_ARGS__)                                          \
	{                                                                                                      \
		return CONSORT_EINTERNAL;                                                                      \
	}
#define ZOO_PROCEDURE(name, ...)                                                                               \
	__attribute__((__unused__)) static void name(__VA_ARGS__)                                              \
	{                                                                                                      \
	}

#pragma GCC diagnostic ignored "-Wunused-parameter"
ZOO_OPERATION(zoo_init, const struct consort_host *host, void **out_plugin, struct consort_error *error)
ZOO_OPERATION(zoo_database_open, void *plugin, const struct consort_database_config *config, void **out_database,
	      struct consort_error *error)
ZOO_PROCEDURE(zoo_database_close, void *database)
ZOO_OPERATION(zoo_open, void *database, const struct consort_call *call, void **out_connection,
	      struct consort_error *error)
ZOO_PROCEDURE(zoo_close, void *connection, const struct consort_call *call)
ZOO_OPERATION(zoo_ping, void *connection, const struct consort_call *call, struct consort_error *error)
ZOO_OPERATION(zoo_reset, void *connection, const struct consort_call *call, struct consort_error *error)
ZOO_PROCEDURE(zoo_abandon, void *connection)
ZOO_PROCEDURE(zoo_features, void *connection, struct consort_features *mask, const struct consort_feature_sink *sink)
ZOO_PROCEDURE(zoo_info, void *connection, struct consort_connection_info *info)
ZOO_OPERATION(zoo_insert, void *connection, const struct consort_call *call, const struct consort_write *write,
	      const struct consort_batch *rows, struct consort_write_result *result, struct consort_error *error)

static const struct consort_database_ops zoo_database = {
	.struct_size = sizeof(zoo_database), .open = ZOO_DATABASE_OPEN, .close = ZOO_DATABASE_CLOSE,
};

static const struct consort_connection_ops zoo_connection = {
	.struct_size = sizeof(zoo_connection), .open = ZOO_OPEN, .close = zoo_close, .ping = ZOO_PING,
	.reset = zoo_reset, .abandon = zoo_abandon, .features = zoo_features, .info = ZOO_INFO,
};

static const struct consort_write_ops zoo_write = {.struct_size = ZOO_WRITE_SIZE, .insert = ZOO_INSERT};

__attribute__((__unused__)) static const struct consort_plugin zoo_plugin = {
	.struct_size = ZOO_STRUCT_SIZE,
	.abi_minor = ZOO_ABI_MINOR,
	.id = ZOO_ID,
	.version = ZOO_VERSION,
	.licence = "Apache-2.0",
	.vendor = "the zoo",
	.homepage = "",
	.description = "an adapter for the loader's tests",
	.features = {{ZOO_FEATURES, 0}},
	.requires_host = {{ZOO_NEEDS, 0}},
	.options = ZOO_OPTIONS,
	.init = ZOO_INIT,
	.database = &zoo_database,
	.connection = &zoo_connection,
	.write = &zoo_write,
};

#define ZOO_EXPORT CONSORT_PLUGIN_EXPORT(&zoo_plugin, ZOO_NOTE_ID, ZOO_NOTE_VERSION, ZOO_NOTE_FEATURES, 0)

/* A note by hand, for those that lie about its form. */
#define ZOO_NOTE(major, size)                                                                                  \
	const struct consort_note_image consort_note_ __attribute__((                                          \
		__section__(CONSORT_NOTE_SECTION), __used__, __aligned__(4), __visibility__("hidden"))) = {    \
		8, size, CONSORT_NOTE_TYPE, CONSORT_NOTE_NAME, major, 0, 0, {0, 0, 0, 0}, "zoo", "1.2"};       \
	extern const struct consort_note_image consort_note_

#endif
