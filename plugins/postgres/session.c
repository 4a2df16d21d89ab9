/* SPDX-License-Identifier: Apache-2.0 */
/* What every session of ours is set to, and what the server tells of itself: features and reasons. */
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_LEAST 120000
#define MILLISECOND INT64_C(1000000)

/* Nothing that this adapter sends depends on them, but what native statements and types without a counterpart
 * show. Cursors are read to their end. */
static const char settings[] =
	"SELECT set_config(s.name, s.value, false) FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, "
	"YMD'),"
	" ('IntervalStyle', 'postgres'), ('extra_float_digits', '1'), ('bytea_output', 'hex'),"
	" ('standard_conforming_strings', 'on'), ('cursor_tuple_fraction', '1')) AS s(name, value)";

/* The columns of `facts`. */
enum {
	FACT_STANDBY,
	FACT_READ_ONLY,
	FACT_PREPARED,
	FACT_SUPERUSER,
	FACT_ENCODING,
	FACT_BYTES,
	FACT_FSYNC,
	FACT_TIMEOUT,
	FACT_USER,
	FACT_DATABASE
};
static const char facts[] =
	"SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean,"
	" current_setting('max_prepared_transactions'), current_setting('is_superuser')::boolean,"
	" current_setting('server_encoding'),"
	/* a builtin provider's collations, and C, are by code point; datlocprovider came with PostgreSQL 15
	 */
	" (SELECT CASE coalesce(to_json(d)->>'datlocprovider', 'c') WHEN 'b' THEN true"
	" WHEN 'c' THEN datcollate IN ('C', 'POSIX') ELSE false END FROM pg_database AS d"
	" WHERE datname = current_database()), current_setting('fsync')::boolean,"
	" (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint, current_user, "
	"current_database()";

static bool is_true(const PGresult *result, int column)
{
	return *PQgetvalue(result, 0, column) == 't';
}

uint32_t pg_configure(struct pg_connection *conn, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status = pg_query(conn, settings, 0, NULL, &result, error);

	PQclear(result);
	return status;
}

/* The same for all ways to one database of one cluster; a standby is another store. */
static uint32_t identify(struct pg_connection *conn, const char *database, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status =
		pg_query(conn, "SELECT system_identifier FROM pg_control_system()", 0, NULL, &result, error);
	const char *standby = conn->standby ? " (standby)" : "";
	int size;

	if (status && status != CONSORT_EPERMISSION && status != CONSORT_ENAME)
		return status;
	if (!status)
		size = asprintf(&conn->identity, "postgres:%s/%s%s", PQgetvalue(result, 0, 0), database,
				standby);
	else
		size = asprintf(&conn->identity, "postgres:%s:%s/%s%s", PQhost(conn->pq), PQport(conn->pq),
				database, standby);
	PQclear(result);
	if (size < 0) {
		conn->identity = NULL;
		return consort_error_no_memory(error);
	}
	return CONSORT_OK;
}

static uint32_t take_facts(struct pg_connection *conn, const PGresult *result, struct consort_error *error)
{
	const char *encoding = PQgetvalue(result, 0, FACT_ENCODING);
	uint32_t known = PG_FACT_KNOWN;

	conn->standby = is_true(result, FACT_STANDBY);
	conn->default_read_only = is_true(result, FACT_READ_ONLY);
	conn->prepared_most = strtoll(PQgetvalue(result, 0, FACT_PREPARED), NULL, 10);
	conn->statement_timeout = strtoll(PQgetvalue(result, 0, FACT_TIMEOUT), NULL, 10) * MILLISECOND;
	conn->superuser = is_true(result, FACT_SUPERUSER);
	conn->fsync = is_true(result, FACT_FSYNC);
	conn->unchecked = conn->decoder.unchecked = !strcmp(encoding, "SQL_ASCII");
	if (!strcmp(encoding, "UTF8"))
		known |= PG_FACT_UTF8;
	if (is_true(result, FACT_BYTES))
		known |= PG_FACT_C_DEFAULT;
	__atomic_store_n(&conn->database->facts, known, __ATOMIC_RELAXED);
	conn->user = strdup(PQgetvalue(result, 0, FACT_USER));
	if (asprintf(&conn->server, "PostgreSQL %s", PQparameterStatus(conn->pq, "server_version")) < 0)
		conn->server = NULL;
	if (!conn->user || !conn->server)
		return consort_error_no_memory(error);
	return identify(conn, PQgetvalue(result, 0, FACT_DATABASE), error);
}

uint32_t pg_meet(struct pg_connection *conn, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;

	conn->version = PQserverVersion(conn->pq);
	if (conn->version < VERSION_LEAST) {
		consort_error_set(error, CONSORT_EUNSUPPORTED, "PostgreSQL 12 or newer is needed, this is %s",
				  PQparameterStatus(conn->pq, "server_version"));
		consort_copy_text(error->origin, sizeof(error->origin), conn->database->name);
		return error->status;
	}
	status = pg_configure(conn, error);
	if (!status)
		status = pg_query(conn, facts, 0, NULL, &result, error);
	if (!status)
		status = take_facts(conn, result, error);
	PQclear(result);
	return status;
}

/* --- features --- */

static void take_away(struct consort_features *mask, const struct consort_feature_sink *sink,
		      uint32_t feature, const char *why)
{
	if (!consort_features_has(mask, feature))
		return;
	consort_features_remove(mask, feature);
	sink->missing(sink->context, feature, why);
}

void pg_features(void *connection, struct consort_features *mask, const struct consort_feature_sink *sink)
{
	static const uint32_t writes[] = {
		CONSORT_FEATURE_CREATE,	       CONSORT_FEATURE_UPDATE,	   CONSORT_FEATURE_DELETE,
		CONSORT_FEATURE_UPSERT,	       CONSORT_FEATURE_BULK_WRITE, CONSORT_FEATURE_RETURNING,
		CONSORT_FEATURE_DEFINE,	       CONSORT_FEATURE_INDEXES,	   CONSORT_FEATURE_PREPARE_COMMIT,
		CONSORT_FEATURE_LAST_RESOURCE,
	};
	const struct pg_connection *conn = connection;
	const char *why = conn->standby		    ? "the server is a hot standby, which only reads"
			  : conn->default_read_only ? "transactions of this role only read "
						      "(default_transaction_read_only is on)"
						    : NULL;
	size_t i;

	for (i = 0; why && i < sizeof(writes) / sizeof(*writes); i++)
		take_away(mask, sink, writes[i], why);
	if (!conn->prepared_most)
		take_away(mask, sink, CONSORT_FEATURE_PREPARE_COMMIT,
			  "the server's max_prepared_transactions is 0");
	if (!conn->fsync) {
		take_away(mask, sink, CONSORT_FEATURE_LAST_RESOURCE,
			  "a crash of the machine can undo a commit: the server's fsync is off");
		take_away(
			mask, sink, CONSORT_FEATURE_PREPARE_COMMIT,
			"a crash of the machine can undo a prepared transaction: the server's fsync is off");
	}
}

void pg_info(void *connection, struct consort_connection_info *info)
{
	const struct pg_connection *conn = connection;

	info->server = conn->server;
	info->identity = conn->identity;
	info->user = conn->user;
}
