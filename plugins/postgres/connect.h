/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_CONNECT_H
#define CONSORT_POSTGRES_CONNECT_H

/*
 * From options to a session: options.c makes keywords of libpq's, and the places to try, when a database is
 * opened; connect.c tries those. Several hosts are tried here and not by libpq, which would look names up
 * without a limit of time, and keeps connect_timeout only for callers that it may block.
 */

#include "postgres.h"

/* A host of the list. NULL: what libpq takes if nothing is said. */
struct pg_place {
	const char *host; /* a name, for certificates and password files too, an address, or a folder */
	const char *hostaddr;
	const char *port;
};

/* What a database is opened with. EVALUE, whose attribute is the option that is to be put right. */
uint32_t pg_take_options(struct pg_database *database, const struct consort_database_config *config,
			 struct consort_error *error);

/* Begins a connection with the database's keywords and these behind them, which count. NULL: no memory. */
PGconn *pg_start_connecting(const struct pg_database *database, const char *const (*more)[2], uint32_t nmore);

/* Makes the connection's session at the first place that will do. */
uint32_t pg_connect(struct pg_connection *conn, struct consort_error *error);

#endif
