/* SPDX-License-Identifier: Apache-2.0 */
#include "redis-server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/buffer.h>

#define MILLISECOND INT64_C(1000000)

static bool is_cluster(const char *server)
{
	return !strncmp(server, "redis-cluster", strlen("redis-cluster"));
}

/* With the case's name for every %s. */
static void append_named(struct consort_buffer *out, const char *text)
{
	const char *at;

	for (; (at = strstr(text, "%s")); text = at + 2) {
		consort_buffer_append(out, text, (size_t)(at - text));
		consort_buffer_text(out, testing_name());
	}
	consort_buffer_text(out, text);
}

const char *redis_manifest(const char *server, const struct proxy *proxy, const char *lines,
			   const char *resources)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_text(&text, "[database db]\ntype = redis\n");
	if (is_cluster(server))
		consort_buffer_printf(&text, "nodes = %s\n", servers_get(server, "NODES"));
	else if (proxy)
		consort_buffer_printf(&text, "port = %u\n", proxy_port(proxy));
	else
		consort_buffer_printf(&text, "port = %s\n", servers_get(server, "PORT"));
	consort_buffer_printf(&text, "%s\n", lines ? lines : "");
	append_named(&text, resources);
	return testing_keep(consort_buffer_steal(&text));
}

struct consort *redis_open(const char *server, const struct proxy *proxy, const char *lines,
			   const char *resources)
{
	servers_start(server);
	return api_open(redis_manifest(server, proxy, lines, resources));
}

struct proxy *redis_proxy(const char *server)
{
	char address[64];

	servers_start(server);
	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(server, "PORT"));
	return proxy_start(address, NULL);
}

void redis_ports(const char *server, unsigned ports[3])
{
	const char *at = servers_get(server, "NODES");
	int i;

	for (i = 0; i < 3; i++) {
		at = strchr(at, ':');
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		ports[i] = (unsigned)strtoul(++at, NULL, 10);
	}
}

static const char *ask(const char *options, const char *command)
{
	struct consort_buffer line = CONSORT_BUFFER_INIT, answer = CONSORT_BUFFER_INIT;
	char text[4096];
	FILE *pipe;

	consort_buffer_printf(&line, "redis-cli %s --raw %s", options, command);
	pipe = popen(line.data, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
	while (fgets(text, sizeof(text), pipe)) {
		char *end = strchr(text, '\n');

		if (end)
			*end = ';';
		consort_buffer_text(&answer, text);
	}
	pclose(pipe);
	consort_buffer_clear(&line);
	return testing_keep(consort_buffer_steal(&answer));
}

const char *redis_ask_at(unsigned port, const char *command)
{
	char options[32];

	snprintf(options, sizeof(options), "-p %u", port);
	return ask(options, command);
}

const char *redis_ask(const char *server, const char *format, ...)
{
	char command[8192], options[64];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (is_cluster(server)) {
		unsigned ports[3];

		redis_ports(server, ports);
		snprintf(options, sizeof(options), "-c -p %u", ports[0]);
	} else {
		snprintf(options, sizeof(options), "-p %s", servers_get(server, "PORT"));
	}
	return ask(options, command);
}

const char *redis_explain(struct consort *c, const char *resource, const char *select, const char *where)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, resource);
	char *text = NULL;

	if (select)
		consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	API_OK(consort_query_explain(q, CONSORT_EXPLAIN_TEXT, 0, CONSORT_NO_ARGS, &text, &error));
	consort_query_free(q);
	return testing_keep(text);
}

struct consort *redis_within(struct consort *c, int64_t milliseconds)
{
	const struct consort_scope_options options = {.struct_size = sizeof(options),
						      .timeout = milliseconds * MILLISECOND};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *scope = NULL;

	API_OK(consort_scope(c, &options, &scope, &error));
	return scope;
}
