/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open cursor shows the state at its start, also when its own connection writes, which SQLite's do not. So
 * before a write what the cursors have not delivered yet is put aside, into a private database that SQLite
 * keeps in memory while it is small and in an unnamed file when it is not. Values keep their types there, so
 * the cursor goes on as if nothing had happened.
 */
#include "sqlite.h"

static int make_table(sqlite3 *spill, uint32_t ncolumns, sqlite3_stmt **out_insert)
{
	struct consort_buffer create = CONSORT_BUFFER_INIT, insert = CONSORT_BUFFER_INIT;
	int code = SQLITE_NOMEM;
	uint32_t i;

	consort_buffer_text(&create,
			    "PRAGMA journal_mode=off; PRAGMA synchronous=off; BEGIN; CREATE TABLE s(");
	consort_buffer_text(&insert, "INSERT INTO s VALUES(");
	for (i = 0; i < ncolumns || i == 0; i++) {
		consort_buffer_printf(&create, "%sc%u", i ? ", " : "", i);
		consort_buffer_text(&insert, i ? ", ?" : "?");
	}
	consort_buffer_char(&create, ')');
	consort_buffer_char(&insert, ')');
	if (!create.failed && !insert.failed)
		code = sqlite3_exec(spill, create.data, NULL, NULL, NULL);
	if (!code)
		code = sqlite3_prepare_v2(spill, insert.data, -1, out_insert, NULL);
	consort_buffer_clear(&create);
	consort_buffer_clear(&insert);
	return code;
}

static int copy_row(struct lite_statement *cursor, sqlite3_stmt *insert)
{
	int code = SQLITE_OK;
	uint32_t i;

	for (i = 0; !code && i < cursor->ncolumns; i++)
		code = sqlite3_bind_value(insert, (int)i + 1, sqlite3_column_value(cursor->rows, (int)i));
	if (code)
		return code;
	sqlite3_step(insert);
	return sqlite3_reset(insert);
}

/* Puts the rest of one cursor aside. */
static uint32_t put_aside(struct lite_statement *cursor, struct consort_error *error)
{
	struct lite_connection *conn = cursor->conn;
	sqlite3_stmt *insert = NULL, *rows = NULL;
	sqlite3 *spill = NULL;
	uint32_t status = CONSORT_OK;
	int code, step = SQLITE_ROW;

	code = sqlite3_open_v2("", &spill,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				       SQLITE_OPEN_EXRESCODE,
			       NULL);
	if (!code)
		code = make_table(spill, cursor->ncolumns, &insert);
	while (!code && (step = lite_cursor_step(cursor)) == SQLITE_ROW)
		code = copy_row(cursor, insert);
	sqlite3_finalize(insert);
	if (!code && step != SQLITE_DONE)
		status = lite_fail(conn, step, cursor->resource, error);
	else if (!code)
		code = sqlite3_prepare_v2(spill, "SELECT * FROM s ORDER BY rowid", -1, &rows, NULL);
	if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
		status = consort_error_no_memory(error);
	else if (code)
		status = consort_error_set(error, CONSORT_EFULL,
					   "an open result could not be put aside before a write: %s",
					   spill ? sqlite3_errmsg(spill) : sqlite3_errstr(code));
	if (status) {
		sqlite3_close_v2(spill);
		return status;
	}
	sqlite3_reset(cursor->stmt);
	cursor->spill = spill;
	cursor->rows = rows;
	return CONSORT_OK;
}

void lite_unspill(struct lite_statement *cursor)
{
	sqlite3_finalize(cursor->rows);
	sqlite3_close(cursor->spill);
	cursor->rows = cursor->stmt;
	cursor->spill = NULL;
}

uint32_t lite_settle(struct lite_connection *conn, struct consort_error *error)
{
	struct lite_statement *cursor;
	uint32_t status = CONSORT_OK;

	for (cursor = conn->cursors; !status && cursor; cursor = cursor->next_cursor)
		if (!cursor->done && !cursor->spill)
			status = put_aside(cursor, error);
	return status;
}
