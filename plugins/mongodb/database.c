/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases: options as libmongoc's URI has them; options of their own stand over what it says. What
 * libmongoc has to say of a URI that it cannot read is not shown: it quotes it, password and all.
 */
#include "mongodb.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000000)
#define CONNECT_TIMEOUT (10 * 1000) /* milliseconds, libmongoc's own */
#define SELECTION_TIMEOUT (30 * 1000)

/* The text of an option, or NULL. */
static const char *text_of(struct mongo_database *database, const struct consort_database_config *config,
			   const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	if (!value || consort_value_is_null(value))
		return NULL;
	return consort_arena_copy(&database->arena, value->as.view.data, (size_t)value->as.view.size);
}

static uint32_t wrong(const struct mongo_database *database, const char *option, const char *what,
		      struct consort_error *error)
{
	consort_error_set(error, CONSORT_EVALUE, "database '%s': %s", database->name, what);
	consort_copy_text(error->attribute, sizeof(error->attribute), option);
	return CONSORT_EVALUE;
}

/* Options that have a name of their own in libmongoc. */
static const struct {
	const char *name, *option;
} texts[] = {
	{"tls_ca_file", MONGOC_URI_TLSCAFILE},
	{"tls_certificate_file", MONGOC_URI_TLSCERTIFICATEKEYFILE},
	{"tls_certificate_password", MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD},
	{"replica_set", MONGOC_URI_REPLICASET},
};

static uint32_t take_name_and_password(struct mongo_database *database,
				       const struct consort_database_config *config,
				       struct consort_error *error)
{
	const char *user = text_of(database, config, "user"),
		   *password = text_of(database, config, "password");
	const char *source = text_of(database, config, "auth_source");

	if (user && !mongoc_uri_set_username(database->uri, user))
		return wrong(database, "user", "the user is no UTF-8 text", error);
	if (password && !mongoc_uri_get_username(database->uri))
		return wrong(database, "password", "there is a password, but no user", error);
	if (password && !mongoc_uri_set_password(database->uri, password))
		return wrong(database, "password", "the password is no UTF-8 text", error);
	if (source && !mongoc_uri_set_auth_source(database->uri, source))
		return wrong(database, "auth_source", "the auth_source is no name of a database", error);
	return CONSORT_OK;
}

static uint32_t take_dbname(struct mongo_database *database, const struct consort_database_config *config,
			    struct consort_error *error)
{
	const char *given = text_of(database, config, "dbname");
	const char *name = given ? given : mongoc_uri_get_database(database->uri);

	if (!name || !*name)
		return wrong(database, "dbname",
			     "name the MongoDB database: dbname = …, or mongodb://host/NAME", error);
	if (strpbrk(name, "/\\. \"$*<>:|?") || strlen(name) > 63)
		return wrong(database, "dbname", "the dbname is none that MongoDB takes", error);
	database->dbname = consort_arena_text(&database->arena, name);
	return database->dbname ? CONSORT_OK : consort_error_no_memory(error);
}

/* What this adapter does itself, since libmongoc's ways of waiting know no deadline: see stream.c and
 * command.c. */
static uint32_t take_times(struct mongo_database *database, const struct consort_database_config *config,
			   struct consort_error *error)
{
	const struct consort_value *given =
		consort_setting_find(config->options, config->noptions, "connect_timeout");
	mongoc_uri_t *uri = database->uri;
	int32_t connect = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_TIMEOUT);
	int32_t select =
		mongoc_uri_get_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECTION_TIMEOUT);
	bool set;

	if (given && !consort_value_is_null(given)) {
		int64_t milliseconds = given->as.int64 / MILLISECOND;

		if (milliseconds < 1 || milliseconds > INT32_MAX)
			return wrong(database, "connect_timeout",
				     "connect_timeout is not between 1ms and 24d", error);
		connect = (int32_t)milliseconds;
	}
	if (connect < 1 || select < 1)
		return wrong(database, "uri", "connectTimeoutMS and serverSelectionTimeoutMS are 1 or more",
			     error);
	database->connect_timeout = connect * MILLISECOND;
	database->selection_timeout = select * MILLISECOND;
	set = mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, connect) &&
	      mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false) &&
	      mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 1);
	return set ? CONSORT_OK : wrong(database, "uri", "its times cannot be set", error);
}

/* With what TLS is set up, when stream.c does it. */
static void take_tls(struct mongo_database *database)
{
	const mongoc_uri_t *uri = database->uri;
	bool insecure = mongoc_uri_get_option_as_bool(uri, MONGOC_URI_TLSINSECURE, false);

	database->tls = mongoc_uri_get_tls(uri);
	database->ssl = *mongoc_ssl_opt_get_default();
	database->ssl.pem_file = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, NULL);
	database->ssl.pem_pwd =
		mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD, NULL);
	database->ssl.ca_file = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCAFILE, NULL);
	database->ssl.weak_cert_validation =
		insecure || mongoc_uri_get_option_as_bool(uri, MONGOC_URI_TLSALLOWINVALIDCERTIFICATES, false);
	database->ssl.allow_invalid_hostname =
		insecure || mongoc_uri_get_option_as_bool(uri, MONGOC_URI_TLSALLOWINVALIDHOSTNAMES, false);
}

static uint32_t take_options(struct mongo_database *database, const struct consort_database_config *config,
			     struct consort_error *error)
{
	const char *uri = text_of(database, config, "uri"),
		   *application = text_of(database, config, "application_name");
	bson_error_t said = {0};
	uint32_t status;
	size_t i;

	database->uri = mongoc_uri_new_with_error(uri ? uri : "mongodb://127.0.0.1/", &said);
	if (!database->uri)
		return wrong(database, "uri",
			     "the uri is none of MongoDB's (mongodb://user@host:port/database?option=value)",
			     error);
	if (application || !mongoc_uri_get_appname(database->uri))
		if (!mongoc_uri_set_appname(database->uri, application ? application : "consort"))
			return wrong(database, "application_name",
				     "the application_name is longer than 128 bytes", error);
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = text_of(database, config, texts[i].name);

		if (text && !mongoc_uri_set_option_as_utf8(database->uri, texts[i].option, text))
			return wrong(database, texts[i].name, "an option is no UTF-8 text", error);
	}
	status = take_name_and_password(database, config, error);
	if (!status)
		status = take_dbname(database, config, error);
	if (!status)
		status = take_times(database, config, error);
	if (!status)
		take_tls(database);
	return status;
}

static void database_close(void *context)
{
	struct mongo_database *database = context;

	if (database->uri)
		mongoc_uri_destroy(database->uri);
	consort_arena_clear(&database->arena);
	free(database);
}

static uint32_t database_open(void *plugin, const struct consort_database_config *config, void **out_database,
			      struct consort_error *error)
{
	struct mongo_database *database = calloc(1, sizeof(*database));
	uint32_t status;

	if (!database)
		return consort_error_no_memory(error);
	consort_arena_init(&database->arena, 0);
	database->host = plugin;
	database->name = consort_arena_text(&database->arena, config->name);
	status = database->name ? take_options(database, config, error) : consort_error_no_memory(error);
	if (status) {
		database_close(database);
		return status;
	}
	*out_database = database;
	return CONSORT_OK;
}

const struct consort_database_ops mongo_database_ops = {
	.struct_size = sizeof(mongo_database_ops),
	.open = database_open,
	.close = database_close,
};
