/* SPDX-License-Identifier: Apache-2.0 */
/* The world in PostgreSQL, twice: tables as anybody would make them, and tables of other types whose texts
 * PostgreSQL compares in ways of its own. Filled by libpq from the files. */
#include "world.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers.h"

static PGconn *conn;

static const char *const plain[] = {
	"CREATE TABLE flights(id bigint PRIMARY KEY, departed_at timestamptz, delay_min bigint, distance_mi "
	"bigint,"
	" origin text, destination text); CREATE INDEX ON flights(origin)",
	"CREATE TABLE airports(iata text PRIMARY KEY, name text, city text, state text, country text,"
	" latitude double precision, longitude double precision)",
	"CREATE TABLE weather(observed_at timestamptz PRIMARY KEY, pressure_hpa double precision,"
	" temperature_c double precision, wind_ms double precision)",
	"CREATE TABLE strikes(id bigint PRIMARY KEY, airport text, state text, flight_date date, aircraft "
	"jsonb,"
	" phase text, damage text, wildlife jsonb, cost jsonb, speed_knots bigint)",
	"CREATE TABLE edge(id bigint PRIMARY KEY, i bigint, f double precision, s text, d numeric(38,4),"
	" moment timestamptz, day date, tm time, b boolean, u uuid, raw bytea)",
	"CREATE TABLE other (LIKE edge INCLUDING ALL); CREATE INDEX ON other(i); CREATE INDEX ON other(s)",
	"CREATE TABLE paper(id bigint PRIMARY KEY, doc jsonb)",
	NULL,
};

static const char *const folded[] = {
	"CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
	"CREATE TABLE flights(id integer PRIMARY KEY, departed_at timestamp, delay_min smallint, distance_mi "
	"integer,"
	" origin citext, destination character(5))",
	"CREATE TABLE airports(iata citext PRIMARY KEY, name varchar(60), city text COLLATE loose, state "
	"character(2),"
	" country text COLLATE \"C\", latitude double precision, longitude double precision)",
	"CREATE TABLE weather(observed_at timestamp PRIMARY KEY, pressure_hpa double precision,"
	" temperature_c double precision, wind_ms double precision)",
	"CREATE TABLE strikes(id integer PRIMARY KEY, airport text, state text COLLATE loose, flight_date "
	"date,"
	" aircraft json, phase varchar, damage citext, wildlife json, cost json, speed_knots integer)",
	"CREATE TABLE edge(id integer PRIMARY KEY, i bigint, f double precision, s text COLLATE loose, d "
	"numeric,"
	" moment timestamp, day date, tm time, b boolean, u uuid, raw bytea)",
	"CREATE TABLE other(LIKE edge INCLUDING ALL); CREATE INDEX ON other(s); CREATE INDEX ON edge(s)",
	"CREATE TABLE paper(id integer PRIMARY KEY, doc json)",
	NULL,
};

static void run(const char *sql)
{
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
		abort();
	}
	PQclear(result);
}

/* A file of the case's folder, as COPY reads it. */
static void copy(const char *sql, const char *name)
{
	FILE *file = fopen(testing_path(name), "rb");
	PGresult *result = PQexec(conn, sql);
	char block[4096];
	size_t size;

	if (!file || PQresultStatus(result) != PGRES_COPY_IN) {
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
		abort();
	}
	PQclear(result);
	while ((size = fread(block, 1, sizeof(block), file)) > 0)
		PQputCopyData(conn, block, (int)size);
	fclose(file);
	PQputCopyEnd(conn, NULL);
	result = PQgetResult(conn);
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQresultErrorMessage(result));
		abort();
	}
	PQclear(result);
	while ((result = PQgetResult(conn)))
		PQclear(result);
}

/* A schema of that name's tables, and an environment variable that says which. */
static void make(const char *name, const char *const *tables)
{
	char schema[64], sql[256];

	snprintf(schema, sizeof(schema), "world_%ld_%s", (long)getpid(), name);
	setenv(name, schema, 1);
	snprintf(sql, sizeof(sql), "CREATE SCHEMA %s; SET search_path = %s, public", schema, schema);
	run(sql);
	for (; *tables; tables++)
		run(*tables);
	copy("COPY flights FROM STDIN (FORMAT csv, HEADER)", "flights.csv");
	copy("COPY airports FROM STDIN (FORMAT csv, HEADER)", "airports.csv");
	copy("COPY weather FROM STDIN (FORMAT csv, HEADER)", "weather.csv");
	copy("COPY edge FROM STDIN (FORMAT csv, HEADER)", "edge.csv");
	copy("COPY other FROM STDIN (FORMAT csv, HEADER)", "other.csv");
	copy("COPY paper FROM STDIN (FORMAT csv, HEADER)", "paper.csv");
	run("CREATE TEMPORARY TABLE lines(line json)");
	copy("COPY lines FROM STDIN (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')", "strikes.jsonl");
	run("INSERT INTO strikes SELECT (line ->> '_id')::bigint, line ->> 'airport', line ->> 'state',"
	    " (line ->> 'flight_date')::date, line -> 'aircraft', line ->> 'phase', line ->> 'damage',"
	    " line -> 'wildlife', line -> 'cost', (line ->> 'speed_knots')::bigint FROM lines; DROP TABLE "
	    "lines");
	run("SET client_min_messages = error; ANALYZE");
}

void world_make_postgres(uint64_t seed, unsigned skipped)
{
	(void)seed, (void)skipped; /* the files have all of it */
	conn = PQconnectdb(servers_get("postgres", "SOCKET_DSN"));
	run("SET client_min_messages = warning; SET timezone = UTC;"
	    "SELECT pg_advisory_xact_lock(20260101); CREATE EXTENSION IF NOT EXISTS citext SCHEMA public");
	make("WORLD_PLAIN", plain);
	make("WORLD_FOLDED", folded);
}

void world_drop_postgres(void)
{
	static const char *const names[] = {"WORLD_PLAIN", "WORLD_FOLDED"};
	char sql[128];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(sql, sizeof(sql), "DROP SCHEMA %s CASCADE", getenv(names[i]));
		run(sql);
	}
	PQfinish(conn);
}
