/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis over TLS: whom we trust and who trusts us, and that what is encrypted is cut, late and large like
 * everything else.
 */
#include "redis-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER "redis-tls@tls"

static const char notes[] = "[resource note]\ndatabase = db\nsource = %s\nkey = id\nattribute.id = int64\n"
			    "attribute.name = text\n";

/* A file of the server's folder, behind "NAME = ". */
static const char *file(const char *option, const char *name)
{
	char text[300];

	snprintf(text, sizeof(text), "%s = %s/%s\n", option, servers_get(SERVER, "FOLDER"), name);
	return testing_keep(strdup(text));
}

/* At a port of the server, or of a proxy, by a name of the host. */
static struct consort *open_at(const char *host, const char *port, const char *first, const char *second)
{
	char text[1500], resources[200];

	snprintf(resources, sizeof(resources), notes, testing_name());
	snprintf(text, sizeof(text), "[database db]\ntype = redis\nhost = %s\nport = %s\n%s%s%s", host, port,
		 first, second, resources);
	return api_open(text);
}

static struct consort *open_trusting(const char *port)
{
	return open_at("127.0.0.1", port, "tls = yes\n", file("tls_ca", "ca.crt"));
}

static enum consort_status create_note(struct consort *c, int64_t id, const char *name,
				       struct consort_error *error)
{
	struct consort_record *record = consort_record_new(c, "note");
	enum consort_status status;

	consort_record_set(record, "id", consort_int64(id));
	consort_record_set(record, "name", consort_text(name));
	status = consort_create(c, record, error);
	consort_record_free(record);
	return status;
}

static const char *find(struct consort *c)
{
	return api_find(c, "note", NULL, "id = 1", NULL);
}

static void test_trusted(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c;

	servers_start(SERVER);
	c = open_trusting(servers_get(SERVER, "TLS_PORT"));
	API_OK(create_note(c, 1, "encrypted", &error));
	TESTING_TEXT(find(c), "1,encrypted");
	TESTING_TEXT(redis_ask(SERVER, "hget %s:1 name", testing_name()), "encrypted;");
	consort_close(c);
	c = open_at("localhost", servers_get(SERVER, "TLS_PORT"), "tls = yes\n", file("tls_ca", "ca.crt"));
	TESTING_TEXT(find(c), "1,encrypted");
	consort_close(c);
}

/* What is said is not read on its way: the proxy meets none of it. */
static void test_nothing_in_plain(void)
{
	const struct proxy_fault fault = {
		.kind = PROXY_CLOSE, .trigger = PROXY_TO_SERVER, .after_text = "a secret"};
	struct consort_error error = CONSORT_ERROR_INIT;
	char address[64], port[16];
	struct proxy *proxy;
	struct consort *c;

	servers_start(SERVER);
	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(SERVER, "TLS_PORT"));
	proxy = proxy_start(address, NULL);
	snprintf(port, sizeof(port), "%u", proxy_port(proxy));
	proxy_set(proxy, &fault);
	c = open_trusting(port);
	API_OK(create_note(c, 1, "a secret", &error));
	TESTING_TEXT(find(c), "1,a secret");
	consort_close(c);
	proxy_stop(proxy);
}

/* --- refused --- */

static void refused(const char *host, const char *first, const char *second, const char *why)
{
	struct consort *c = open_at(host, servers_get(SERVER, "TLS_PORT"), first, second);
	const char *text = find(c);

	TESTING_CONTAINS(text, "status 12: ");
	TESTING_CONTAINS(text, why);
	consort_close(c);
}

static void test_refused(void)
{
	servers_start(SERVER);
	refused("127.0.0.1", "tls = yes\n", file("tls_ca", "other.crt"), "its certificate is not accepted");
	refused("127.0.0.1", "tls = yes\n", "",
		"its certificate is not accepted"); /* the system knows it not */
	refused("127.0.0.1", file("tls_ca", "ca.crt"), "tls = yes\ntls_name = elsewhere\n",
		"hostname mismatch");
	refused("127.0.0.2", "tls = yes\n", file("tls_ca", "ca.crt"), "cannot be reached");
	/* a client without TLS at its port */
	refused("127.0.0.1", "", "", "was lost");
}

/* The name that the certificate is for may be another than where the server is. */
static void test_other_name(void)
{
	struct consort *c;

	servers_start(SERVER);
	c = open_at("127.0.0.1", servers_get(SERVER, "TLS_PORT"), "tls = yes\ntls_name = localhost\n",
		    file("tls_ca", "ca.crt"));
	TESTING_TEXT(find(c), "");
	consort_close(c);
}

/* A server without TLS waits for the rest of a command. */
static void test_plain_port(void)
{
	struct consort *c;
	const char *text;

	servers_start(SERVER);
	c = open_at("127.0.0.1", servers_get(SERVER, "PORT"), "tls = yes\nconnect_timeout = 100ms\n",
		    file("tls_ca", "ca.crt"));
	text = find(c);
	TESTING_CONTAINS(text, "status 13: ");
	TESTING_CONTAINS(text, "is that a port for it?");
	consort_close(c);
}

static void bad_options(const char *first, const char *second, const char *why)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	FILE *out = fopen(testing_path("bad.ini"), "w");

	fprintf(out, "[database db]\ntype = redis\n%s%s", first, second);
	fclose(out);
	CU_ASSERT_EQUAL(consort_open(testing_path("bad.ini"), &c, &error), CONSORT_EVALUE);
	TESTING_CONTAINS(error.message, why);
}

static void test_options(void)
{
	servers_start(SERVER);
	bad_options(file("tls_ca", "ca.crt"), "", "nothing is encrypted without tls = yes");
	bad_options("tls_name = x\n", "tls = no\n", "nothing is encrypted without tls = yes");
	bad_options("tls = yes\n", file("tls_ca", "absent.crt"), "tls_ca cannot be read");
	bad_options("tls = yes\n", file("tls_ca", "ca.key"), "tls_ca cannot be read");
	bad_options("tls = yes\n", file("tls_cert", "absent.crt"), "tls_cert cannot be read");
	bad_options("tls = yes\n", file("tls_key", "absent.key"), "tls_key cannot be read");
}

/* --- a server that wants to know us --- */

static void test_client_certificate(void)
{
	struct consort *c;
	char both[700];

	servers_start(SERVER);
	redis_ask(SERVER, "config set tls-auth-clients yes");
	c = open_trusting(servers_get(SERVER, "TLS_PORT"));
	TESTING_CONTAINS(find(c), "status 12: ");
	consort_close(c);
	snprintf(both, sizeof(both), "tls = yes\n%s%s", file("tls_cert", "client.crt"),
		 file("tls_key", "client.key"));
	c = open_at("127.0.0.1", servers_get(SERVER, "TLS_PORT"), both, file("tls_ca", "ca.crt"));
	TESTING_TEXT(find(c), "");
	consort_close(c);
	redis_ask(SERVER, "config set tls-auth-clients optional");
}

/* --- much, cut and late --- */

/* More than all buffers hold, both ways. */
static void test_large(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	size_t size = 20 << 20, i;
	char *text = malloc(size + 1);
	struct consort_record *record = NULL;
	struct consort *c;

	servers_start(SERVER);
	for (i = 0; i < size; i++)
		text[i] = (char)('a' + i % 23);
	text[size] = '\0';
	c = open_trusting(servers_get(SERVER, "TLS_PORT"));
	API_OK(create_note(c, 1, text, &error));
	API_OK(consort_get(c, "note", CONSORT_ARGS(consort_int64(1)), &record, &error));
	CU_ASSERT(!strcmp(consort_record_text(record, "name"), text));
	consort_record_free(record);
	consort_close(c);
	free(text);
}

static void faulty(struct proxy_fault fault, int64_t milliseconds, const char *status)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char address[64], port[16];
	struct consort *c, *scope;
	struct proxy *proxy;

	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(SERVER, "TLS_PORT"));
	proxy = proxy_start(address, NULL);
	snprintf(port, sizeof(port), "%u", proxy_port(proxy));
	c = open_trusting(port);
	consort_delete(c, "note", CONSORT_ARGS(consort_int64(1)), &error);
	API_OK(create_note(c, 1, "x", &error));
	proxy_set(proxy, &fault);
	scope = redis_within(c, milliseconds);
	TESTING_CONTAINS(find(scope), status);
	consort_close(scope);
	proxy_pass(proxy);
	TESTING_TEXT(find(c), "1,x");
	consort_close(c);
	/* and in the handshake */
	proxy_set(proxy, &fault);
	c = open_trusting(port);
	scope = redis_within(c, milliseconds);
	TESTING_CONTAINS(find(scope), status);
	consort_close(scope);
	proxy_pass(proxy);
	TESTING_TEXT(find(c), "1,x");
	consort_close(c);
	proxy_stop(proxy);
}

static void test_faults(void)
{
	servers_start(SERVER);
	faulty((struct proxy_fault){.kind = PROXY_CLOSE, .trigger = PROXY_TO_CLIENT, .after_bytes = 20}, 5000,
	       "status 12: ");
	faulty((struct proxy_fault){.kind = PROXY_RESET, .trigger = PROXY_TO_SERVER, .after_bytes = 20}, 5000,
	       "status 12: ");
	faulty((struct proxy_fault){.kind = PROXY_SILENT, .ways = PROXY_TO_CLIENT}, 100, "status 13: ");
	faulty((struct proxy_fault){.kind = PROXY_LIE,
				    .trigger = PROXY_TO_SERVER,
				    .after_bytes = 1,
				    .lie = "+OK\r\n$3\r\nxyz\r\n"},
	       5000, "status 12: ");
	faulty((struct proxy_fault){.kind = PROXY_TRICKLE, .ways = PROXY_BOTH}, 20000, "1,x");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"trusted", test_trusted},
		{"nothing-in-plain", test_nothing_in_plain},
		{"refused", test_refused},
		{"other-name", test_other_name},
		{"plain-port", test_plain_port},
		{"options", test_options},
		{"client-certificate", test_client_certificate},
		{"large", test_large},
		{"faults", test_faults},
		{NULL, NULL},
	};
	int code = testing_main("redis-tls", cases, argc, argv);

	servers_remove(SERVER);
	return code;
}
