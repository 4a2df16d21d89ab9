/* SPDX-License-Identifier: Apache-2.0 */
/* MongoDB over TLS: whom we trust and who trusts us, what is said of the rest, and that no error has a secret
 * in it. */
#include "mongodb-server.h"

#include <stdio.h>
#include <string.h>

#include <consort/buffer.h>

#define SERVER "mongodb-tls@mongotls"
#define STRICT "mongodb-mtls@mongotls" /* it wants a certificate of ours */
#define SECRETS "s3cret", "k3y-password", "k3y-wrong"

/* One option with a file of the server's folder. */
static const char *file(const char *server, const char *option, const char *name)
{
	char text[300];

	snprintf(text, sizeof(text), "%s = %s/%s\n", option, servers_get(server, "FOLDER"), name);
	return testing_keep(strdup(text));
}

static const char *authority(const char *server)
{
	return file(server, "tls_ca_file", "ca.crt");
}

/* At the server by a name of this machine, or at a proxy's port; the uri has a password, which nobody asks
 * for. */
static struct consort *open_at(const char *server, const char *host, const char *port, const char *how,
			       const char *first, const char *second)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort *c;

	servers_start(server);
	consort_buffer_printf(&text, "uri = \"mongodb://%s:%s/?serverSelectionTimeoutMS=1000%s\"\n%s%s", host,
			      port ? port : servers_get(server, "PORT"), how, first, second);
	c = api_open(mongodb_manifest(server, NULL, text.data));
	consort_buffer_clear(&text);
	return c;
}

static const char *ping(struct consort *c)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;

	if (consort_native(c, "db", "{\"ping\": 1}", CONSORT_NO_ARGS, &rows, NULL, &error))
		return api_error(&error);
	consort_cursor_close(rows);
	return "pong";
}

static void test_trusted(void)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct consort *c;

		servers_start(SERVER);
		c = open_at(SERVER, hosts[i], NULL, "&tls=true", authority(SERVER), "");
		TESTING_TEXT(ping(c), "pong");
		consort_close(c);
	}
}

/* Connecting again and again: what TLS says beside the data is no answer, and no lack of one. */
static void test_many_times(void)
{
	int i;

	servers_start(STRICT);
	for (i = 0; i < 20; i++) {
		struct consort *c = open_at(STRICT, "127.0.0.1", NULL, "&tls=true", authority(STRICT),
					    file(STRICT, "tls_certificate_file", "client.pem"));

		TESTING_TEXT(ping(c), "pong");
		consort_close(c);
	}
}

/* What is said is not read on its way, and arrives whole byte by byte. */
static void test_on_the_way(void)
{
	static const struct proxy_fault plain = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_text = "in plain words"};
	static const struct proxy_fault trickle = {.kind = PROXY_TRICKLE, .ways = PROXY_BOTH};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	struct proxy *proxy = mongodb_proxy(SERVER);
	struct consort *c;
	char port[16];

	snprintf(port, sizeof(port), "%u", proxy_port(proxy));
	proxy_set(proxy, &plain);
	c = open_at(SERVER, "127.0.0.1", port, "&tls=true", authority(SERVER), "");
	API_OK(consort_native(c, "db", "{\"find\": \"x\", \"filter\": {\"a\": \"in plain words\"}}",
			      CONSORT_NO_ARGS, &rows, NULL, &error));
	consort_cursor_close(rows);
	consort_close(c);
	proxy_set(proxy, &trickle);
	c = open_at(SERVER, "127.0.0.1", port, "&tls=true", authority(SERVER), "");
	TESTING_TEXT(ping(c), "pong");
	consort_close(c);
	proxy_stop(proxy);
}

/* --- refused --- */

static void refused(struct consort *c, const char *why)
{
	static const char *const secrets[] = {SECRETS};
	const char *text = ping(c);
	size_t i;

	TESTING_CONTAINS(text, "status 12: ");
	TESTING_CONTAINS(text, why);
	for (i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		CU_ASSERT_PTR_NULL(strstr(text, secrets[i]));
	consort_close(c);
}

static void test_server_refused(void)
{
	static const char how[] = "&tls=true";
	struct proxy *proxy;
	char port[16];

	servers_start(SERVER);
	refused(open_at(SERVER, "127.0.0.1", NULL, how, file(SERVER, "tls_ca_file", "other.crt"), ""),
		"certificate verify failed");
	refused(open_at(SERVER, "127.0.0.1", NULL, how, "", ""), "certificate verify failed");
	refused(open_at(SERVER, "127.0.0.1", NULL, how, file(SERVER, "tls_ca_file", "nothing.crt"), ""),
		"TLS could not be set up with these certificates");
	refused(open_at(SERVER, "127.0.0.1", NULL, "", "", ""), "the server may ask for TLS");
	/* the same server by a name that is not in its certificate */
	proxy = mongodb_proxy(SERVER);
	snprintf(port, sizeof(port), "%u", proxy_port(proxy));
	refused(open_at(SERVER, "127.1", port, how, authority(SERVER), ""), "mismatch");
	proxy_stop(proxy);
}

static void test_client_refused(void)
{
	static const char how[] = "&tls=true";

	servers_start(SERVER);
	servers_start(STRICT);
	refused(open_at(STRICT, "127.0.0.1", NULL, how, authority(STRICT), ""),
		"the server may ask for a certificate (tls_certificate_file)");
	refused(open_at(STRICT, "127.0.0.1", NULL, how, authority(STRICT),
			file(SERVER, "tls_certificate_file", "client.pem")),
		"the server may not accept the certificate");
	refused(open_at(STRICT, "127.0.0.1", NULL, how, authority(STRICT),
			file(STRICT, "tls_certificate_password = k3y-wrong\ntls_certificate_file",
			     "locked.pem")),
		"TLS could not be set up with these certificates");
	refused(open_at(STRICT, "127.0.0.1", NULL, "&tls=true&tlsCertificateKeyFilePassword=k3y-wrong",
			authority(STRICT), file(STRICT, "tls_certificate_file", "locked.pem")),
		"TLS could not be set up with these certificates");
}

static void test_client_trusted(void)
{
	static const char *const files[] = {"tls_certificate_file",
					    "tls_certificate_password = k3y-password\ntls_certificate_file"};
	struct consort *c;
	size_t i;

	servers_start(STRICT);
	for (i = 0; i < 2; i++) {
		c = open_at(STRICT, "127.0.0.1", NULL, "&tls=true", authority(STRICT),
			    file(STRICT, files[i], i ? "locked.pem" : "client.pem"));
		TESTING_TEXT(ping(c), "pong");
		consort_close(c);
	}
}

/* A password in the uri is in no error, of a server that is not there or of a user that it does not know. */
static void test_secrets(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *said;
	struct consort *c;

	servers_start(SERVER);
	consort_buffer_printf(&text, "uri = \"mongodb://somebody:s3cret@127.0.0.1:%s/?tls=true\"\n%s",
			      servers_get(SERVER, "PORT"), authority(SERVER));
	c = api_open(mongodb_manifest(SERVER, NULL, text.data));
	consort_buffer_clear(&text);
	said = ping(c);
	TESTING_CONTAINS(said, "uthentication");
	CU_ASSERT_PTR_NULL(strstr(said, "s3cret"));
	consort_close(c);
	refused(open_at(SERVER, "somebody:s3cret@127.0.0.1", NULL, "", "", ""), "the server may ask for TLS");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"trusted", test_trusted},
		{"many-times", test_many_times},
		{"on-the-way", test_on_the_way},
		{"server-refused", test_server_refused},
		{"client-refused", test_client_refused},
		{"client-trusted", test_client_trusted},
		{"secrets", test_secrets},
		{NULL, NULL},
	};
	int status = testing_main("mongodb-tls", cases, argc, argv);

	servers_remove(SERVER);
	servers_remove(STRICT);
	return status;
}
