/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats what it is told: its option `say` is logged, is an error when it is to fail, and is the server's
 * name. */
#define ZOO_ID "parrot"
#define ZOO_INIT parrot_init
#define ZOO_DATABASE_OPEN parrot_database_open
#define ZOO_DATABASE_CLOSE parrot_database_close
#define ZOO_OPEN parrot_open
#define ZOO_OPTIONS parrot_options
#define ZOO_INFO parrot_info
#include <stdio.h>
#include <stdlib.h>

#include <consort/plugin.h>

struct parrot {
	const struct consort_host *host;
	char name[64], say[4096];
	int64_t fails;
};

#define PARROT_OPTION(option_type, option_name, ...)                                                \
	&(const struct consort_option)                                                              \
	{                                                                                           \
		.struct_size = sizeof(struct consort_option), .type = CONSORT_OPTION_##option_type, \
		.scope = CONSORT_OPTION_DATABASE, .name = option_name, .help = "", __VA_ARGS__      \
	}

static const struct consort_option *const parrot_options[] = {
	PARROT_OPTION(TEXT, "say", .default_value = ""),
	PARROT_OPTION(BOOL, "fail", .default_value = "no"),
	PARROT_OPTION(BOOL, "refuse", .default_value = "no"),
	PARROT_OPTION(TEXT, "password", .secret = 1),
	PARROT_OPTION(TEXT, "dsn", .default_value = ""),
	PARROT_OPTION(TEXT, "also", .default_value = ""),
	NULL,
};

static uint32_t parrot_fail(const struct parrot *parrot, struct consort_error *error)
{
	error->status = CONSORT_EAUTH;
	memcpy(error->message, parrot->say, sizeof(error->message)); /* cut, if need be */
	error->message[sizeof(error->message) - 1] = '\0';
	return error->status;
}

static uint32_t parrot_init(const struct consort_host *host, void **out_plugin, struct consort_error *error)
{
	(void)error;
	*out_plugin = (void *)(uintptr_t)host;
	return CONSORT_OK;
}

static uint32_t parrot_database_open(void *plugin, const struct consort_database_config *config,
				     void **out_database, struct consort_error *error)
{
	struct parrot *parrot = calloc(1, sizeof(*parrot));
	const struct consort_setting *at = config->options, *end = at + config->noptions;
	int64_t refuses = 0;

	if (!parrot)
		abort();
	parrot->host = plugin;
	snprintf(parrot->name, sizeof(parrot->name), "%s", config->name);
	for (; at < end; at++) {
		if (!strcmp(at->name, "say"))
			snprintf(parrot->say, sizeof(parrot->say), "%s", at->value.as.view.data);
		else if (!strcmp(at->name, "fail"))
			parrot->fails = at->value.as.int64;
		else if (!strcmp(at->name, "refuse"))
			refuses = at->value.as.int64;
	}
	parrot->host->log(CONSORT_LOG_INFO, parrot->name, parrot->say);
	if (refuses) {
		parrot_fail(parrot, error);
		free(parrot);
		return CONSORT_EAUTH;
	}
	*out_database = parrot;
	return CONSORT_OK;
}

static void parrot_database_close(void *database)
{
	free(database);
}

static uint32_t parrot_open(void *database, const struct consort_call *call, void **out_connection,
			    struct consort_error *error)
{
	const struct parrot *parrot = database;

	(void)call;
	if (parrot->fails)
		return parrot_fail(parrot, error);
	*out_connection = database;
	return CONSORT_OK;
}

static void parrot_info(void *connection, struct consort_connection_info *info)
{
	const struct parrot *parrot = connection;

	info->server = parrot->say;
}

#include "zoo.h"

ZOO_EXPORT;
