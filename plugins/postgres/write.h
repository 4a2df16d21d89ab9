/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_WRITE_H
#define CONSORT_POSTGRES_WRITE_H

/*
 * Writing records: write.c makes the statements of a shape and writes single rows, bulk.c writes many, row.c
 * makes fields of either.
 */

#include "cursor.h"

enum pg_write_kind { PG_INSERT, PG_UPDATE, PG_REMOVE, PG_UPSERT };

/* What a connection knows of a write's shape; in the statement's `own` arena. */
struct pg_write_plan {
	enum pg_write_kind kind;
	struct pg_source row;	 /* one row */
	struct pg_source arrays; /* INSERT: many, as arrays; sql NULL: a column cannot be one */
	const char *copy;	 /* INSERT: COPY … FROM STDIN; NULL: a column's type has no binary form */
	bool copy_known, copy_usable;	   /* may the table be copied into? */
	const struct pg_storage *storages; /* of the columns, as they are sent */
	const char *const *names;
	uint32_t first_key;	 /* columns from there on are looked up, not stored */
	struct pg_reader reader; /* of what is returned */
};

/* A write call. */
struct pg_write_call {
	struct pg_connection *conn;
	const struct consort_write *write;
	const struct consort_batch *rows;
	struct consort_write_result *result;
	struct pg_statement *statement;
	struct pg_write_plan *plan;
	int64_t affected;
};

/* Appends one row's fields. */
uint32_t pg_write_encode(struct pg_write_call *call, int64_t row, struct consort_error *error);
/* Is it the row's own fault, so that others may still be written? */
bool pg_write_is_row_failure(const struct consort_error *error);
void pg_write_row_failed(struct pg_write_call *call, int64_t row, const struct consort_error *error);
/* Takes what the statement for a row said: how many it changed, and what it returned. */
uint32_t pg_write_take(struct pg_write_call *call, int64_t row, const PGresult *result,
		       struct consort_error *error);
/* All rows. */
uint32_t pg_write_many(struct pg_write_call *call, struct consort_error *error);

#endif
