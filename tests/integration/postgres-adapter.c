/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres-adapter.h"

#include <libpq-fe.h>
#include <unistd.h>

const char *postgres_test_schema(void)
{
	static char name[32];

	snprintf(name, sizeof(name), "case_%d", (int)getpid());
	return name;
}

const char *postgres_test_raw(const char *sql)
{
	static char answer[4096];
	static PGconn *conn;
	PGresult *result;
	char path[128];
	int rows;

	if (!conn) {
		conn = PQconnectdb(servers_get("postgres", "SOCKET_DSN"));
		snprintf(path, sizeof(path),
			 "SET client_min_messages = warning; SET search_path = %s, public",
			 postgres_test_schema());
		PQclear(PQexec(conn, path));
	}
	result = PQexec(conn, sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
		abort();
	}
	rows = PQntuples(result);
	snprintf(answer, sizeof(answer), "%s",
		 !rows				    ? ""
		 : PQgetisnull(result, rows - 1, 0) ? "NULL"
						    : PQgetvalue(result, rows - 1, 0));
	PQclear(result);
	return answer;
}

uint32_t postgres_test_try(struct adapter_test *test, const char *const *options)
{
	const char *all[16], *more = "";
	char dsn[512], session[256];
	size_t count = 0;

	snprintf(dsn, sizeof(dsn), "dsn=%s", servers_get("postgres", "SOCKET_DSN"));
	all[count++] = dsn;
	all[count++] = session;
	for (; options && *options; options++) {
		if (!strncmp(*options, "options=", 8))
			more = *options + 8;
		else
			all[count++] = *options;
	}
	all[count] = NULL;
	snprintf(session, sizeof(session), "options=-csearch_path=%s,public %s", postgres_test_schema(),
		 more);
	return adapter_open(test, "postgres", all);
}

void postgres_test_open(struct adapter_test *test, const char *sql, const char *const *options)
{
	char schema[128];

	snprintf(schema, sizeof(schema), "DROP SCHEMA IF EXISTS %s CASCADE; CREATE SCHEMA %s",
		 postgres_test_schema(), postgres_test_schema());
	postgres_test_raw(schema);
	if (sql)
		postgres_test_raw(sql);
	ADAPTER_MUST(test, !postgres_test_try(test, options));
}

void postgres_test_close(struct adapter_test *test)
{
	char schema[128];

	adapter_close(test);
	snprintf(schema, sizeof(schema), "DROP SCHEMA %s CASCADE", postgres_test_schema());
	postgres_test_raw(schema);
}
