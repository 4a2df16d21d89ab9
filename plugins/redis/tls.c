/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by OpenSSL, over a socket that is not waited for and raises no signal. The server's certificate and name are
 * verified. */
#include "redis.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tls {
	SSL_CTX *context;
	BIO_METHOD *socket;
	char *name; /* that the certificate is for; NULL: the host's */
};

/* --- a socket, as OpenSSL wants it --- */

static int socket_send(BIO *bio, const char *data, int size)
{
	ssize_t sent = send(*(const int *)BIO_get_data(bio), data, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)sent;
}

static int socket_receive(BIO *bio, char *out, int size)
{
	ssize_t got = recv(*(const int *)BIO_get_data(bio), out, (size_t)size, MSG_DONTWAIT);

	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static long socket_control(BIO *bio, int what, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return what == BIO_CTRL_FLUSH;
}

static int socket_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *new_socket(void)
{
	BIO_METHOD *method =
		BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");

	if (method && BIO_meth_set_write(method, socket_send) && BIO_meth_set_read(method, socket_receive) &&
	    BIO_meth_set_ctrl(method, socket_control) && BIO_meth_set_create(method, socket_create))
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* --- options --- */

static bool is_given(const struct consort_database_config *config, const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	return value && !consort_value_is_null(value) && value->as.view.size;
}

/* Is it on? Without it nothing is encrypted, so what belongs to it is refused. */
static uint32_t look(const struct redis_database *database, const struct consort_database_config *config,
		     bool *out_on, struct consort_error *error)
{
	static const char *const parts[] = {"tls_ca", "tls_cert", "tls_key", "tls_name"};
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, "tls");
	size_t i;

	*out_on = value && !consort_value_is_null(value) && value->as.int64;
	for (i = 0; !*out_on && i < sizeof(parts) / sizeof(*parts); i++)
		if (is_given(config, parts[i]))
			return consort_error_set(
				error, CONSORT_EVALUE,
				"database '%s': %s is given, but nothing is encrypted without tls = "
				"yes",
				database->name, parts[i]);
	return CONSORT_OK;
}

static const char *option(struct redis_database *database, const struct consort_database_config *config,
			  const char *name)
{
	const struct consort_value *value = consort_setting_find(config->options, config->noptions, name);

	if (!is_given(config, name))
		return NULL;
	return consort_arena_copy(&database->arena, value->as.view.data, (size_t)value->as.view.size);
}

/* OpenSSL tells of errors of this thread, also of those before. */
static void begin(void)
{
	errno = 0;
	ERR_clear_error();
}

const char *redis_tls_why(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : errno ? strerror(errno) : "";
}

static uint32_t fail_file(const struct redis_database *database, const char *name,
			  struct consort_error *error)
{
	consort_error_set(error, CONSORT_EVALUE, "database '%s': %s cannot be read or used: %s",
			  database->name, name, redis_tls_why());
	return error->status;
}

uint32_t redis_tls_new(struct redis_database *database, const struct consort_database_config *config,
		       struct consort_error *error)
{
	const char *ca = option(database, config, "tls_ca"), *cert = option(database, config, "tls_cert");
	const char *key = option(database, config, "tls_key"), *name = option(database, config, "tls_name");
	struct tls *tls;
	bool on;

	if (look(database, config, &on, error) || !on)
		return on ? CONSORT_OK : error->status;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return consort_error_no_memory(error);
	database->tls = tls;
	tls->context = SSL_CTX_new(TLS_client_method());
	tls->socket = new_socket();
	if (!tls->context || !tls->socket || (name && !(tls->name = strdup(name))))
		return consort_error_no_memory(error);
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	begin();
	if (ca ? !SSL_CTX_load_verify_locations(tls->context, ca, NULL)
	       : !SSL_CTX_set_default_verify_paths(tls->context))
		return fail_file(database, "tls_ca", error);
	if (cert && SSL_CTX_use_certificate_chain_file(tls->context, cert) != 1)
		return fail_file(database, "tls_cert", error);
	if (key && SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM) != 1)
		return fail_file(database, "tls_key", error);
	return CONSORT_OK;
}

void redis_tls_free(struct redis_database *database)
{
	struct tls *tls = database->tls;

	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->socket);
	free(tls->name);
	free(tls);
}

/* --- links --- */

static uint32_t fail_handshake(struct redis_link *link, struct consort_error *error)
{
	const char *reason = redis_tls_why();
	long verdict = SSL_get_verify_result(link->tls);
	char why[400];

	if (verdict != X509_V_OK)
		snprintf(why, sizeof(why), "its certificate is not accepted: %s (see tls_ca and tls_name)",
			 X509_verify_cert_error_string(verdict));
	else
		snprintf(why, sizeof(why), "TLS cannot begin: %s", *reason ? reason : "it refused us");
	redis_fail_lost(link, why, error);
	if (verdict != X509_V_OK)
		error->flags &= ~(uint32_t)CONSORT_ERROR_RETRYABLE;
	return error->status;
}

static uint32_t shake_hands(struct redis_link *link, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	int code;

	while (!status) {
		begin();
		code = SSL_connect(link->tls);
		if (code == 1)
			return CONSORT_OK;
		code = SSL_get_error(link->tls, code);
		if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE)
			return fail_handshake(link, error);
		link->conn->polls[0] = (struct pollfd){
			.fd = link->fd, .events = code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
		status = redis_wait(link->conn, 1, error);
	}
	if (status == CONSORT_ETIMEOUT)
		consort_error_prefix(error, "TLS with %s (is that a port for it?)", link->node);
	return status;
}

uint32_t redis_tls_start(struct redis_link *link, const char *host, struct consort_error *error)
{
	const struct tls *tls = link->conn->database->tls;
	const char *name = tls->name ? tls->name : host;
	BIO *bio = BIO_new(tls->socket);
	X509_VERIFY_PARAM *verify;

	link->tls = bio ? SSL_new(tls->context) : NULL;
	if (!link->tls) {
		BIO_free(bio);
		return consort_error_no_memory(error);
	}
	BIO_set_data(bio, &link->fd);
	SSL_set_bio(link->tls, bio, bio);
	/* an address is looked for among the certificate's addresses */
	verify = SSL_get0_param(link->tls);
	if (*name && !X509_VERIFY_PARAM_set1_ip_asc(verify, name) &&
	    (!SSL_set1_host(link->tls, name) || !SSL_set_tlsext_host_name(link->tls, name)))
		return consort_error_no_memory(error);
	return shake_hands(link, error);
}

void redis_tls_end(struct redis_link *link)
{
	SSL_free(link->tls);
	link->tls = NULL;
}

/* What send or recv would give, if it was not done. */
static ssize_t outcome(struct redis_link *link, int code)
{
	code = SSL_get_error(link->tls, code);
	if (code == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
		errno = EAGAIN;
	else if (!errno || errno == EAGAIN)
		errno = ECONNRESET;
	return -1;
}

ssize_t redis_tls_send(struct redis_link *link, const char *data, size_t size)
{
	size_t done = 0, sent;
	int code = 1;

	begin();
	while (done < size && (code = SSL_write_ex(link->tls, data + done, size - done, &sent)) == 1)
		done += sent;
	return done ? (ssize_t)done : outcome(link, code);
}

ssize_t redis_tls_receive(struct redis_link *link, char *out, size_t size)
{
	size_t got;
	int code;

	begin();
	code = SSL_read_ex(link->tls, out, size, &got);
	return code == 1 ? (ssize_t)got : outcome(link, code);
}
