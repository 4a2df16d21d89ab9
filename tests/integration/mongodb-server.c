/* SPDX-License-Identifier: Apache-2.0 */
#include "mongodb-server.h"

#include <stdio.h>
#include <string.h>

#include <consort/buffer.h>

const char *mongodb_manifest(const char *server, const struct proxy *proxy, const char *lines)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_text(&text, "[database db]\ntype = mongodb\n");
	if (proxy)
		consort_buffer_printf(
			&text, "uri = \"mongodb://127.0.0.1:%u/?directConnection=true&journal=true\"\n",
			proxy_port(proxy));
	else if (!lines || !strstr(lines, "uri ="))
		consort_buffer_printf(&text, "uri = \"%s\"\n", servers_get(server, "URI"));
	consort_buffer_printf(&text, "dbname = faults\n%s\n%s", lines ? lines : "", ITEMS_RESOURCES);
	return testing_keep(consort_buffer_steal(&text));
}

struct consort *mongodb_items(const char *server, const struct proxy *proxy, int count)
{
	servers_start(server);
	return items_open(mongodb_manifest(server, proxy, NULL), count);
}

struct proxy *mongodb_proxy(const char *server)
{
	char address[64];

	servers_start(server);
	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(server, "PORT"));
	return proxy_start(address, NULL);
}

const char *mongodb_ask(const char *server, const char *dbname, const char *command)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_buffer manifest = CONSORT_BUFFER_INIT;
	struct consort_cursor *rows = NULL;
	struct consort *c;
	const char *text;

	consort_buffer_printf(&manifest,
			      "[database own]\ntype = mongodb\nuri = "
			      "\"mongodb://127.0.0.1:%s/?directConnection=true\"\ndbname = %s\n",
			      servers_get(server, "PORT"), dbname);
	c = api_open(manifest.data);
	consort_buffer_clear(&manifest);
	API_OK(consort_native(c, "own", command, CONSORT_NO_ARGS, &rows, NULL, &error));
	text = api_read(rows, &error);
	API_OK(consort_cursor_status(rows));
	consort_cursor_close(rows);
	consort_close(c);
	return text;
}

void mongodb_make_user(const char *server, const char *name, const char *role)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "{\"createUser\": \"%s\", \"pwd\": \"s3cret\", \"roles\": [{\"role\": \"%s\", \"db\": "
		 "\"faults\"}]}",
		 name, role);
	mongodb_ask(server, "faults", command);
}
