/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases: options as libpq names them. A dsn is taken apart first, and options of their own stand over
 * what it says. What libpq has to say of a dsn that it cannot read is not shown: it quotes it, password and
 * all.
 */
#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#define KEYWORDS_MOST 64
#define SECOND INT64_C(1000000000)
#define CONNECT_TIMEOUT (30 * SECOND)
#define STATEMENTS_LEAST 4
#define STATEMENTS_MOST 4096

/* What the adapter decides. */
static const char *const fixed[][2] = {
	{"client_encoding", "UTF8"},
	{"fallback_application_name", "consort"},
};

/* The options of this adapter that libpq knows nothing of, or in another unit. */
static bool is_own(const char *name)
{
	static const char *const own[] = {"dsn", "connect_timeout", "statement_cache"};
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(own[i], name))
			return true;
	return false;
}

/* A value that was given, NULL if none was. */
static const struct consort_value *option(const struct consort_database_config *config, const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	return value && !consort_value_is_null(value) ? value : NULL;
}

struct keywords {
	struct pg_database *database;
	uint32_t count;
	bool failed;
};

/* Sets a keyword, over what it was before. */
static void set(struct keywords *keywords, const char *keyword, const char *value, size_t size)
{
	struct pg_database *database = keywords->database;
	uint32_t i;

	for (i = 0; i < keywords->count && strcmp(database->keywords[i], keyword); i++)
		;
	if (i == KEYWORDS_MOST) {
		keywords->failed = true;
		return;
	}
	database->keywords[i] = consort_arena_text(&database->arena, keyword);
	database->values[i] = consort_arena_copy(&database->arena, value, size);
	if (!database->keywords[i] || !database->values[i])
		keywords->failed = true;
	else if (i == keywords->count)
		keywords->count++;
}

/* libpq's connect_timeout: whole seconds, of which none or less are no limit. */
static int64_t timeout_of(const char *text)
{
	long long seconds = strtoll(text, NULL, 10);

	return seconds > 0 && seconds <= INT32_MAX ? seconds * SECOND : 0;
}

static uint32_t take_dsn(struct keywords *keywords, const struct consort_value *dsn,
			 struct consort_error *error)
{
	struct pg_database *database = keywords->database;
	char *text = consort_arena_copy(&database->arena, dsn->as.view.data, (size_t)dsn->as.view.size);
	PQconninfoOption *options, *option;
	char *message = NULL;
	bool no_memory;

	if (!text)
		return consort_error_no_memory(error);
	options = PQconninfoParse(text, &message);
	no_memory = !options && (!message || strstr(message, "out of memory"));
	PQfreemem(message);
	if (no_memory)
		return consort_error_no_memory(error);
	if (!options)
		return consort_error_set(
			error, CONSORT_EVALUE,
			"database '%s': the dsn is neither a URI (postgresql://user@host/database) nor a "
			"list of libpq's keywords (host=… dbname=…)",
			database->name);
	for (option = options; option->keyword; option++) {
		if (!option->val)
			continue;
		if (!strcmp(option->keyword, "connect_timeout"))
			database->connect_timeout = timeout_of(option->val);
		else
			set(keywords, option->keyword, option->val, strlen(option->val));
	}
	PQconninfoFree(options);
	return CONSORT_OK;
}

/* An option's value as libpq wants it. */
static void take_option(struct keywords *keywords, const struct consort_setting *setting)
{
	const struct consort_value *value = &setting->value;
	char number[32];

	if (is_own(setting->name) || consort_value_is_null(value))
		return;
	if (value->type.id == CONSORT_TYPE_TEXT) {
		set(keywords, setting->name, value->as.view.data, (size_t)value->as.view.size);
	} else {
		snprintf(number, sizeof(number), "%lld", (long long)value->as.int64);
		set(keywords, setting->name, number, strlen(number));
	}
}

static uint32_t take_options(struct pg_database *database, const struct consort_database_config *config,
			     struct consort_error *error)
{
	const struct consort_value *dsn = option(config, "dsn"), *value;
	struct keywords keywords = {.database = database};
	uint32_t status = CONSORT_OK, i;

	database->keywords = consort_arena_array(&database->arena, KEYWORDS_MOST + 1, sizeof(char *));
	database->values = consort_arena_array(&database->arena, KEYWORDS_MOST + 1, sizeof(char *));
	if (!database->keywords || !database->values)
		return consort_error_no_memory(error);
	if (dsn)
		status = take_dsn(&keywords, dsn, error);
	if (status)
		return status;
	for (i = 0; i < config->noptions; i++)
		take_option(&keywords, &config->options[i]);
	for (i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		set(&keywords, fixed[i][0], fixed[i][1], strlen(fixed[i][1]));
	value = option(config, "connect_timeout");
	if (value)
		database->connect_timeout = value->as.int64;
	value = option(config, "statement_cache");
	if (value && value->as.int64 > 0)
		database->statements_most = value->as.int64 < STATEMENTS_LEAST	? STATEMENTS_LEAST
					    : value->as.int64 > STATEMENTS_MOST ? STATEMENTS_MOST
										: (uint32_t)value->as.int64;
	return keywords.failed ? consort_error_no_memory(error) : CONSORT_OK;
}

static void database_close(void *context)
{
	struct pg_database *database = context;

	consort_arena_clear(&database->arena);
	free(database);
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct pg_database *database = calloc(1, sizeof(*database));
	uint32_t status;

	if (!database)
		return consort_error_no_memory(error);
	consort_arena_init(&database->arena, 0);
	database->host = plugin;
	database->connect_timeout = CONNECT_TIMEOUT;
	database->name = consort_arena_text(&database->arena, config->name);
	status = database->name ? take_options(database, config, error) : consort_error_no_memory(error);
	if (status) {
		database_close(database);
		return status;
	}
	*out_database = database;
	return CONSORT_OK;
}

const struct consort_database_ops pg_database_ops = {
	.struct_size = sizeof(pg_database_ops),
	.open = database_open,
	.close = database_close,
};
