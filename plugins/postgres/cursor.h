/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_POSTGRES_CURSOR_H
#define CONSORT_POSTGRES_CURSOR_H

/*
 * Cursors: cursor.c has their life and rows that stream, portal.c those of transactions, copy.c the statement
 * of a COPY, aside.c what happens to rows on their way when another statement is to run, reader.c makes
 * batches of all of them.
 */

#include "postgres.h"

struct pg_compiled {
	struct consort_sql_statement base;
	const struct pg_column *columns;
	const Oid *types; /* of the placeholders */
	uint32_t ncolumns;
	bool few;      /* its result is small */
	uint64_t hash; /* of its SQL */
};

/* Rows that were read before anybody asked for them: in memory, and in an unnamed file if they are many. A
 * row is its fields, as COPY has them. */
struct pg_aside {
	struct consort_buffer rows; /* in memory; else the row that was read last */
	size_t at;		    /* the next one in memory */
	FILE *file;
};

/* How a cursor gets its rows. */
enum pg_way {
	PG_WHOLE,  /* one result, in memory */
	PG_ROWS,   /* on their way, each a result */
	PG_COPY,   /* on their way, by COPY */
	PG_PORTAL, /* fetched from a cursor of the server's, in a transaction */
	PG_ASIDE   /* read already */
};

/* What rows are made of. */
struct pg_reader {
	struct pg_connection *conn;
	const struct pg_column *columns;
	uint32_t ncolumns;
	bool texts; /* values come in PostgreSQL's text format */
	struct pg_decoder *decoder;
};

struct pg_cursor {
	struct pg_connection *conn;
	struct pg_cursor *next, **link;	    /* in the connection's list of open ones */
	const struct pg_compiled *compiled; /* NULL: native */
	const struct consort_resource *resource;
	struct pg_reader reader;
	struct pg_decoder decoder;
	uint8_t way;  /* enum pg_way */
	bool started; /* the first answer was read */
	bool done;
	uint8_t portal;
	int fetch; /* rows asked for at once */
	int row;   /* the next one of the result */
	PGresult *result;
	int64_t delivered;
	struct pg_aside aside;
	struct consort_arena own;     /* native: columns and fields */
	struct consort_error failure; /* found while its rows were put aside; comes behind them */
};

/* An open cursor; its caller sends the statement. */
struct pg_cursor *pg_cursor_new(struct pg_connection *conn, enum pg_way way);
uint32_t pg_cursor_next(void *cursor, const struct consort_call *call, struct consort_batch *batch,
			struct consort_error *error);
void pg_cursor_close(void *cursor);

/* --- cursor.c, for the others --- */

/* What a statement of that hash gave when it last ran, on any connection. */
enum pg_yield { PG_UNKNOWN, PG_FEW, PG_MANY };
enum pg_yield pg_yield_of(struct pg_database *database, uint64_t hash);

/* The first result of what was sent; *out_result is to be cleared. */
uint32_t pg_first_result(struct pg_cursor *cursor, PGresult **out_result, struct consort_error *error);
uint32_t pg_check_columns(struct pg_cursor *cursor, const PGresult *result, struct consort_error *error);
/* The error that the statement ended with. Takes the result. */
uint32_t pg_fail_statement(struct pg_cursor *cursor, PGresult *result,
			   struct consort_error *error) CONSORT_COLD;
/* The cursor has what it needs; the server may have a last word. */
uint32_t pg_end_stream(struct pg_cursor *cursor, struct consort_error *error);
/* The one result of a cursor that has one. */
uint32_t pg_read_whole(struct pg_cursor *cursor, struct consort_error *error);
/* The next row's result; *out_result is NULL at the end. */
uint32_t pg_next_row(struct pg_cursor *cursor, PGresult **out_result, struct consort_error *error);
/* The next row of a COPY, to be freed by PQfreemem; *out_row is NULL at the end. */
uint32_t pg_next_copied(struct pg_cursor *cursor, char **out_row, int *out_size, struct consort_error *error);
/* Its fields: behind the header, which comes with the first row, and their number; false: the end of all. */
bool pg_copied_fields(char *row, int size, const char **out_fields, size_t *out_size);
/* Rows of the result that is there, until it or the batch ends. */
uint32_t pg_take_rows(struct pg_cursor *cursor, struct consort_batch *batch, bool *out_full,
		      struct consort_error *error);
void pg_clear_result(struct pg_cursor *cursor);
/* Reading on fails, and says why. */
void pg_cursor_lost(struct pg_cursor *cursor, const char *why);

/* --- copy.c --- */

/* Makes the COPY of the statement, with the parameters at hand, in conn->text. False: it cannot be. */
bool pg_make_copy(struct pg_connection *conn, const struct pg_compiled *compiled);

/* --- reader.c --- */

/* A row of a result; one whose fields lie behind each other. */
uint32_t pg_append_row(struct pg_reader *reader, const PGresult *result, int row, struct consort_batch *batch,
		       struct consort_error *error);
uint32_t pg_append_fields(struct pg_reader *reader, const char *row, size_t size, struct consort_batch *batch,
			  struct consort_error *error);

/* --- portal.c --- */

/* Declares a portal for the statement with the parameters at hand, and asks for its first rows. */
uint32_t pg_portal_open(struct pg_cursor *cursor, const struct pg_source *source,
			struct consort_error *error);
void pg_portal_close(struct pg_cursor *cursor);
/* May one more be open? */
bool pg_portal_is_free(const struct pg_connection *conn);
/* Takes the page that pg_portal_open, or a FETCH, asked for. */
uint32_t pg_read_page(struct pg_cursor *cursor, struct consort_error *error);
uint32_t pg_next_from_portal(struct pg_cursor *cursor, struct consort_batch *batch,
			     struct consort_error *error);

/* --- aside.c --- */

/* The same of rows that were put aside. */
uint32_t pg_next_from_aside(struct pg_cursor *cursor, struct consort_batch *batch,
			    struct consort_error *error);
void pg_aside_clear(struct pg_aside *aside);
/* Rows on their way that nobody will read. */
void pg_drop_stream(struct pg_connection *conn);

#endif
