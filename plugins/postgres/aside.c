/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection carries one statement's answer at a time. When another statement is to run while rows are on
 * their way, those are put aside: so an open cursor shows the state of its start, whatever is written
 * meanwhile, and memory stays bounded however long the result is.
 */
#include "cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MOST ((size_t)1 << 20)
#define FILE_BUFFER ((size_t)1 << 16)

static uint32_t failed(struct consort_error *error)
{
	int reason = errno;

	return consort_error_set(error, reason == ENOMEM ? CONSORT_ENOMEM : CONSORT_EFULL,
				 "an open result could not be put aside for another statement: %s",
				 reason ? strerror(reason) : "a file ends too early");
}

/* A file without a name. */
static FILE *open_file(void)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/consort-XXXXXX", folder && *folder ? folder : "/tmp");
	fd = mkostemp(path, 02000000 /* O_CLOEXEC */);
	if (fd < 0)
		return NULL;
	unlink(path);
	file = fdopen(fd, "w+");
	if (!file)
		close(fd);
	else
		setvbuf(file, NULL, _IOFBF, FILE_BUFFER);
	return file;
}

static bool add(struct consort_buffer *buffer, const void *data, size_t size)
{
	consort_buffer_append(buffer, data, size);
	return !buffer->failed;
}

/* Appends a row. */
static uint32_t put(struct pg_aside *aside, const char *row, size_t size, struct consort_error *error)
{
	const uint32_t length = (uint32_t)size;

	if (!aside->file && aside->rows.size + size < MEMORY_MOST) {
		if (!add(&aside->rows, &length, sizeof(length)) || !add(&aside->rows, row, size))
			return consort_error_no_memory(error);
		return CONSORT_OK;
	}
	errno = 0;
	if (!aside->file) {
		aside->file = open_file();
		if (!aside->file ||
		    fwrite(aside->rows.data, 1, aside->rows.size, aside->file) != aside->rows.size)
			return failed(error);
		consort_buffer_reset(&aside->rows);
	}
	if (fwrite(&length, sizeof(length), 1, aside->file) != 1 || fwrite(row, 1, size, aside->file) != size)
		return failed(error);
	return CONSORT_OK;
}

static uint32_t read_row(struct pg_aside *aside, const char **out_row, size_t *out_size,
			 struct consort_error *error)
{
	uint32_t length;

	errno = 0;
	if (!aside->at && fseek(aside->file, 0, SEEK_SET))
		return failed(error);
	aside->at = 1;
	if (fread(&length, sizeof(length), 1, aside->file) != 1) {
		*out_row = NULL;
		return ferror(aside->file) ? failed(error) : CONSORT_OK;
	}
	consort_buffer_reset(&aside->rows);
	if (!consort_buffer_reserve(&aside->rows, length))
		return consort_error_no_memory(error);
	if (fread(aside->rows.data, 1, length, aside->file) != length)
		return failed(error);
	*out_row = aside->rows.data;
	*out_size = length;
	return CONSORT_OK;
}

/* The next row; *out_row is NULL at the end. Nothing may be put after the first one is taken. */
static uint32_t take(struct pg_aside *aside, const char **out_row, size_t *out_size,
		     struct consort_error *error)
{
	uint32_t length;

	if (aside->file)
		return read_row(aside, out_row, out_size, error);
	if (aside->at >= aside->rows.size) {
		*out_row = NULL;
		return CONSORT_OK;
	}
	memcpy(&length, aside->rows.data + aside->at, sizeof(length));
	*out_row = aside->rows.data + aside->at + sizeof(length);
	*out_size = length;
	aside->at += sizeof(length) + length;
	return CONSORT_OK;
}

void pg_aside_clear(struct pg_aside *aside)
{
	if (aside->file)
		fclose(aside->file);
	consort_buffer_clear(&aside->rows);
	memset(aside, 0, sizeof(*aside));
}

/* --- rows on their way --- */

/* Rows that nobody will read: those that are here already are dropped; if the end is not among them, the
 * server is told to stop, unless that would end a transaction. */
void pg_drop_stream(struct pg_connection *conn)
{
	PGresult *result;
	char *row;
	int size;

	conn->stream = NULL;
	if (conn->unsettled)
		return;
	conn->discarding = true;
	if (PQflush(conn->pq) || !PQconsumeInput(conn->pq))
		goto stop;
	while (!PQisBusy(conn->pq)) {
		result = PQgetResult(conn->pq);
		if (!result && !conn->pipeline) {
			conn->discarding = false;
			return;
		}
		size = -1;
		if (PQresultStatus(result) == PGRES_COPY_OUT)
			while ((size = PQgetCopyData(conn->pq, &row, 1)) > 0)
				PQfreemem(row);
		PQclear(result);
		if (!result || !size) /* there is more to come */
			break;
	}
stop:
	if (conn->transaction == PG_TX_NONE)
		pg_cancel_start(conn);
}

uint32_t pg_next_from_aside(struct pg_cursor *cursor, struct consort_batch *batch,
			    struct consort_error *error)
{
	const char *row = NULL;
	uint32_t status;
	size_t size = 0;
	bool full = false;

	do {
		status = take(&cursor->aside, &row, &size, error);
		if (!status && !row) {
			cursor->done = true;
			return CONSORT_OK;
		}
		if (!status)
			status = pg_append_fields(&cursor->reader, row, size, batch, error);
		if (!status)
			full = consort_batch_end_row(batch);
	} while (!status && !full);
	return status;
}

/* A result's row as fields. */
static uint32_t put_row(struct pg_cursor *cursor, const PGresult *result, int row,
			struct consort_error *error)
{
	struct consort_buffer *fields = &cursor->conn->text;
	uint32_t i;

	consort_buffer_reset(fields);
	for (i = 0; i < cursor->reader.ncolumns; i++) {
		bool null = PQgetisnull(result, row, (int)i) != 0;
		int length = PQgetlength(result, row, (int)i);
		char size[4];

		pg_set32(size, null ? UINT32_MAX : (uint32_t)length);
		consort_buffer_append(fields, size, sizeof(size));
		consort_buffer_append(fields, PQgetvalue(result, row, (int)i), (size_t)length);
	}
	if (fields->failed)
		return consort_error_no_memory(error);
	return put(&cursor->aside, fields->data ? fields->data : "", fields->size, error);
}

static uint32_t put_rows(struct pg_cursor *cursor, struct consort_error *error)
{
	PGresult *result = NULL;
	uint32_t status;

	do {
		status = pg_next_row(cursor, &result, error);
		if (!status && result)
			status = put_row(cursor, result, 0, error);
		PQclear(result);
	} while (!status && result);
	return status;
}

static uint32_t put_copy(struct pg_cursor *cursor, struct consort_error *error)
{
	const char *fields;
	uint32_t status;
	char *row = NULL;
	size_t size;
	int length = 0;

	do {
		status = pg_next_copied(cursor, &row, &length, error);
		if (!status && row && pg_copied_fields(row, length, &fields, &size))
			status = put(&cursor->aside, fields, size, error);
		if (row)
			PQfreemem(row);
	} while (!status && row);
	return status;
}

/* A caller who is late or cancelled leaves the rows on their way: his own statement was not begun. Any other
 * failure is the cursor's, behind the rows that came before it. */
uint32_t pg_claim(struct pg_connection *conn, struct consort_error *error)
{
	struct pg_cursor *cursor = conn->stream;
	struct consort_error own;
	bool keeps = conn->keeps;
	uint32_t status;

	if (CONSORT_UNLIKELY(conn->statement_timeout))
		conn->started = conn->host->clock();
	if (CONSORT_LIKELY(!cursor))
		return CONSORT_OK;
	own = (struct consort_error)CONSORT_ERROR_INIT;
	conn->keeps = true;
	switch (cursor->way) {
	case PG_WHOLE:
		status = pg_read_whole(cursor, &own);
		break;
	case PG_PORTAL:
		status = pg_read_page(cursor, &own);
		break;
	case PG_ROWS:
		status = put_rows(cursor, &own);
		break;
	default:
		status = put_copy(cursor, &own);
	}
	conn->keeps = keeps;
	if (status == CONSORT_ETIMEOUT || status == CONSORT_ECANCELLED ||
	    PQstatus(conn->pq) == CONNECTION_BAD) {
		*error = own;
		return status;
	}
	if (cursor->way == PG_ROWS || cursor->way == PG_COPY) {
		cursor->way = PG_ASIDE;
		cursor->done = false;
	}
	if (status) {
		cursor->failure = own;
		cursor->done = cursor->way != PG_ASIDE;
	}
	if (conn->stream == cursor) /* it could not be put aside: what is left is not wanted any more */
		pg_drop_stream(conn);
	return conn->discarding ? pg_settle(conn, error) : CONSORT_OK;
}
