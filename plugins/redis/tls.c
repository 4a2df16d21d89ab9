/* SPDX-License-Identifier: Apache-2.0 */
/* TLS, where hiredis has it (1.0 and newer, with its hiredis_ssl). The server's certificate and name are
 * verified. */
#include "redis.h"

#include <stdlib.h>

static bool is_on(const struct consort_database_config *config, const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	return value && !consort_value_is_null(value) && value->as.int64;
}

#ifdef HAVE_HIREDIS_SSL

#include <hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls {
	SSL_CTX *context;
	char *name; /* that the certificate is for; NULL: the host's */
};

static const char *option(struct redis_database *database, const struct consort_database_config *config,
			  const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	if (!value || consort_value_is_null(value) || !value->as.view.size)
		return NULL;
	return consort_arena_copy(&database->arena, value->as.view.data, (size_t)value->as.view.size);
}

static uint32_t fail_file(const struct redis_database *database, const char *name,
			  struct consort_error *error)
{
	return consort_error_set(error, CONSORT_EVALUE, "database '%s': %s cannot be read or used",
				 database->name, name);
}

uint32_t redis_tls_new(struct redis_database *database, const struct consort_database_config *config,
		       struct consort_error *error)
{
	const char *ca = option(database, config, "tls_ca"), *cert = option(database, config, "tls_cert");
	const char *key = option(database, config, "tls_key"), *name = option(database, config, "tls_name");
	struct tls *tls;

	if (!is_on(config, "tls"))
		return CONSORT_OK;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return consort_error_no_memory(error);
	database->tls = tls;
	tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls->context || (name && !(tls->name = strdup(name))))
		return consort_error_no_memory(error);
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	if (ca ? !SSL_CTX_load_verify_locations(tls->context, ca, NULL)
	       : !SSL_CTX_set_default_verify_paths(tls->context))
		return fail_file(database, "tls_ca", error);
	if (cert && !SSL_CTX_use_certificate_chain_file(tls->context, cert))
		return fail_file(database, "tls_cert", error);
	if (key && !SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM))
		return fail_file(database, "tls_key", error);
	return CONSORT_OK;
}

void redis_tls_free(struct redis_database *database)
{
	struct tls *tls = database->tls;

	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls->name);
	free(tls);
}

uint32_t redis_tls_start(struct redis_link *link, const char *host, struct consort_error *error)
{
	const struct tls *tls = link->conn->database->tls;
	const char *name = tls->name ? tls->name : host;
	SSL *ssl = SSL_new(tls->context);
	X509_VERIFY_PARAM *verify = ssl ? SSL_get0_param(ssl) : NULL;

	if (!verify)
		return consort_error_no_memory(error);
	/* an address is looked for among the certificate's addresses */
	if (*name && !X509_VERIFY_PARAM_set1_ip_asc(verify, name) &&
	    (!SSL_set1_host(ssl, name) || !SSL_set_tlsext_host_name(ssl, name))) {
		SSL_free(ssl);
		return consort_error_no_memory(error);
	}
	if (redisInitiateSSL(link->context, ssl) != REDIS_OK)
		return redis_fail_lost(link, link->context->errstr, error);
	return CONSORT_OK;
}

#else

uint32_t redis_tls_new(struct redis_database *database, const struct consort_database_config *config,
		       struct consort_error *error)
{
	if (!is_on(config, "tls"))
		return CONSORT_OK;
	return consort_error_set(
		error, CONSORT_EVALUE,
		"database '%s': tls = yes, but this adapter was built with a hiredis that has no TLS "
		"(1.0 or newer with hiredis_ssl has it)",
		database->name);
}

void redis_tls_free(struct redis_database *database)
{
	(void)database;
}

uint32_t redis_tls_start(struct redis_link *link, const char *host, struct consort_error *error)
{
	(void)host;
	return consort_error_set(error, CONSORT_EUNSUPPORTED, "database '%s': there is no TLS in this build",
				 link->conn->database->name);
}

#endif
