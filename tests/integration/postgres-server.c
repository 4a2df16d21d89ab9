/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/buffer.h>

const char *postgres_manifest(const char *server, const struct proxy *proxy, const char *lines)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	consort_buffer_printf(
		&text,
		"[database db]\ntype = postgres\nhost = 127.0.0.1\nsslmode = disable\nuser = %s\n"
		"dbname = %s\npassword = %s\n",
		servers_get(server, "USER"), servers_get(server, "DBNAME"), servers_get(server, "PASSWORD"));
	if (proxy)
		consort_buffer_printf(&text, "port = %u\n", proxy_port(proxy));
	else
		consort_buffer_printf(&text, "port = %s\n", servers_get(server, "PORT"));
	consort_buffer_printf(&text, "%s\n%s[resource many]\ndatabase = db\nkey = id\n", lines ? lines : "",
			      ITEMS_RESOURCES);
	return testing_keep(consort_buffer_steal(&text));
}

struct consort *postgres_items(const char *server, const struct proxy *proxy, const char *lines)
{
	char view[160];

	servers_start(server);
	snprintf(view, sizeof(view),
		 "CREATE OR REPLACE VIEW many AS SELECT id, repeat('x', 100) AS s FROM "
		 "generate_series(1::bigint, %d) AS id",
		 MANY);
	postgres_ask(server, "DSN", view);
	return items_open(postgres_manifest(server, proxy, lines), 3);
}

struct proxy *postgres_proxy(const char *server)
{
	char address[64];

	servers_start(server);
	snprintf(address, sizeof(address), "127.0.0.1:%s", servers_get(server, "PORT"));
	return proxy_start(address, NULL);
}

const char *postgres_ask(const char *server, const char *who, const char *sql)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	struct consort *c = NULL;
	char database[512];
	const char *databases[] = {database, NULL};
	const struct consort_open_options options = {.struct_size = sizeof(options), .databases = databases};
	const char *text;

	snprintf(database, sizeof(database), "own=postgres:dsn=%s", servers_get(server, who));
	API_OK(consort_open_with(&options, &c, &error));
	API_OK(consort_native(c, "own", sql, CONSORT_NO_ARGS, &rows, NULL, &error));
	text = api_read(rows, &error);
	API_OK(consort_cursor_status(rows));
	consort_cursor_close(rows);
	consort_close(c);
	return text;
}

struct consort_plan *postgres_plan_many(struct consort *c, bool condition)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_query *q = consort_query_new(c, "many");
	struct consort_plan *plan = NULL;

	if (condition)
		consort_query_where(q, "id > $1");
	API_OK(consort_query_prepare(q, &plan, &error));
	consort_query_free(q);
	return plan;
}

enum consort_status postgres_read_many(struct consort_cursor *rows, int64_t *count,
				       struct consort_error *error)
{
	while (consort_cursor_next(rows, error)) {
		*count += 1;
		if (consort_cursor_int64(rows, 0) != *count || strlen(consort_cursor_text(rows, 1)) != 100)
			CU_FAIL_FATAL("a row that is not there");
	}
	return consort_cursor_status(rows);
}
