/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many records at once: by COPY, as arrays where generated values must come back, else by a pipeline of the
 * single row's statement. All of them are one transaction, or with CONTINUE each *run* of rows is: when one
 * of its rows fails the run is undone, the rows before that one are written again, and what follows begins
 * with the row behind.
 */
#include "write.h"

#include "sql.h"

#include <stdlib.h>
#include <string.h>

#define COPY_LEAST 16 /* rows that are worth a COPY */
#define ARRAYS_LEAST 4
#define RUN_ROWS 64 /* of a run, once a row has failed */
#define COPY_BUFFER (1 << 16)
#define UNKNOWN_ROW (-1)
#define ARRAYS_ID ((uint64_t)1 << 63) /* the statement with arrays beside that of a row */

enum how { BY_COPY, BY_ARRAYS, BY_PIPELINE };

/* Rows [first, end), all written or none. */
struct run {
	int64_t first, end;
	enum how how;
	int64_t failed; /* the row, or UNKNOWN_ROW */
};

/* --- savepoints around runs, inside of transactions --- */

static bool needs_savepoint(const struct pg_write_call *call, const struct run *run)
{
	return call->conn->transaction != PG_TX_NONE &&
	       ((call->write->flags & CONSORT_WRITE_CONTINUE) || run->how == BY_ARRAYS);
}

static uint32_t begin_run(struct pg_write_call *call, const struct run *run, struct consort_error *error)
{
	return needs_savepoint(call, run) ? pg_exec(call->conn, "SAVEPOINT consort_run", error) : CONSORT_OK;
}

/* Undoes the run if it failed. Returns its status, or why it could not be ended. */
static uint32_t end_run(struct pg_write_call *call, const struct run *run, uint32_t status,
			struct consort_error *error)
{
	struct consort_error own = CONSORT_ERROR_INIT;

	if (!needs_savepoint(call, run) || call->conn->unsettled ||
	    PQstatus(call->conn->pq) == CONNECTION_BAD)
		return status;
	if (!status)
		return pg_exec(call->conn, "RELEASE consort_run", error);
	if (pg_exec(call->conn, "ROLLBACK TO consort_run; RELEASE consort_run", &own)) {
		*error = own;
		return own.status;
	}
	error->flags &= ~(uint32_t)CONSORT_ERROR_TX_ABORTED;
	return status;
}

/* --- COPY --- */

/* Not into a view, a table with rules, or one whose rows are hidden from us by policies. */
static uint32_t ask_copy(struct pg_write_call *call, struct consort_error *error)
{
	static const char sql[] =
		"SELECT relkind IN ('r', 'p') AND NOT relhasrules AND NOT row_security_active(oid)"
		" FROM pg_class WHERE oid = to_regclass($1)";
	struct consort_buffer name = CONSORT_BUFFER_INIT;
	PGresult *result = NULL;
	const char *parameter;
	uint32_t status;

	pg_quote_source(call->write->resource->source, &name);
	parameter = name.data;
	status = name.failed ? consort_error_no_memory(error)
			     : pg_query(call->conn, sql, 1, &parameter, &result, error);
	if (!status) {
		call->plan->copy_known = true;
		call->plan->copy_usable = PQntuples(result) == 1 && *PQgetvalue(result, 0, 0) == 't';
	}
	PQclear(result);
	consort_buffer_clear(&name);
	return status;
}

static uint32_t put_data(struct pg_connection *conn, struct consort_error *error)
{
	int code = PQputCopyData(conn->pq, conn->cells.data, (int)conn->cells.size);

	conn->cells.size = 0;
	return code > 0 ? pg_flush(conn, error) : pg_fail_lost(conn, error);
}

/* The number of fields, and each of them. */
static uint32_t put_row(struct pg_write_call *call, int64_t row, struct consort_error *error)
{
	struct consort_buffer *out = &call->conn->cells;

	if (out->capacity - out->size <= 2 && !consort_buffer_reserve(out, 2))
		return consort_error_no_memory(error);
	pg_set16(out->data + out->size, (uint16_t)call->write->nattributes);
	out->size += 2;
	return pg_write_encode(call, row, error);
}

/* All rows of the run. A row that cannot be sent ends the COPY, which is undone then. */
static uint32_t put_rows(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	static const char header[19] = "PGCOPY\n\377\r\n";
	struct pg_connection *conn = call->conn;
	uint32_t status = CONSORT_OK;
	int64_t row;

	pg_parameters_begin(conn);
	consort_buffer_append(&conn->cells, header, sizeof(header));
	for (row = run->first; !status && row < run->end; row++) {
		status = put_row(call, row, error);
		if (status)
			run->failed = row;
		else if (conn->cells.size >= COPY_BUFFER)
			status = put_data(conn, error);
	}
	if (!status)
		consort_buffer_append(&conn->cells, "\377\377", 2);
	if (!status)
		status = conn->cells.failed ? consort_error_no_memory(error) : put_data(conn, error);
	return status;
}

/* "COPY t, line 12, column a": the number behind the table's name, in whatever language. */
static int64_t failed_line(const struct consort_resource *resource, const PGresult *result)
{
	const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
	const char *dot = strrchr(resource->source, '.'), *table = dot ? dot + 1 : resource->source;

	if (!context || strncmp(context, "COPY ", 5))
		return 0;
	context += 5;
	if (!strncmp(context, table, strlen(table)))
		context += strlen(table);
	context += strcspn(context, ",\n");
	context += strcspn(context, "0123456789\n");
	return strtoll(context, NULL, 10);
}

static uint32_t end_copy(struct pg_write_call *call, struct run *run, uint32_t status,
			 struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	struct consort_error ignored = CONSORT_ERROR_INIT;
	PGresult *result = NULL;
	uint32_t ended;
	int64_t line;

	if (conn->unsettled || PQstatus(conn->pq) == CONNECTION_BAD)
		return status;
	if (PQputCopyEnd(conn->pq, status ? "a row cannot be sent" : NULL) <= 0)
		return status ? status : pg_fail_lost(conn, error);
	ended = pg_read_result(conn, &result, status ? &ignored : error);
	if (!status)
		ended = pg_doubt(conn, ended, error);
	if (ended || status) {
		PQclear(result);
		if (status && conn->transaction != PG_TX_NONE)
			error->flags |= CONSORT_ERROR_TX_ABORTED;
		return status ? status : ended;
	}
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		call->affected += pg_affected(result);
		PQclear(result);
		return CONSORT_OK;
	}
	line = failed_line(call->write->resource, result);
	run->failed = line > 0 && line <= run->end - run->first ? run->first + line - 1 : UNKNOWN_ROW;
	return pg_fail(conn, result, call->write->resource, error);
}

static uint32_t run_copy(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	PGresult *result = NULL;
	uint32_t status;

	if (!PQsendQuery(conn->pq, call->plan->copy))
		return pg_fail_lost(conn, error);
	status = pg_flush(conn, error);
	if (!status)
		status = pg_next_result(conn, &result, error);
	if (status)
		return status;
	if (PQresultStatus(result) != PGRES_COPY_IN) {
		struct consort_error ignored = CONSORT_ERROR_INIT;

		pg_discard_results(conn, NULL, &ignored);
		return pg_fail(conn, result, call->write->resource, error);
	}
	PQclear(result);
	status = put_rows(call, run, error);
	return end_copy(call, run, status, error);
}

/* --- arrays --- */

static uint32_t encode_arrays(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	const struct pg_write_plan *plan = call->plan;
	uint32_t status = CONSORT_OK, i;
	int64_t row = 0;

	pg_parameters_begin(call->conn);
	for (i = 0; !status && i < call->write->nattributes; i++) {
		struct consort_column column = call->rows->columns[i];

		column.offset += run->first;
		status = pg_encode_array(&plan->storages[i], PG_STORE, &column, run->end - run->first,
					 plan->names[i], &call->conn->cells, &row, error);
	}
	if (status)
		run->failed = run->first + row;
	return status;
}

static uint32_t run_arrays(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	struct pg_statement *statement = NULL;
	PGresult *result = NULL;
	uint32_t status = pg_statement_get(conn, call->write->id | ARRAYS_ID, &statement, error);

	if (!status)
		status = encode_arrays(call, run, error);
	if (!status)
		status = pg_run(conn, statement, &call->plan->arrays, call->write->resource, &result, error);
	if (!status)
		status = pg_write_take(call, run->first, result, error);
	PQclear(result);
	return status;
}

/* --- pipelines --- */

/* All rows' parameters, one row's behind the other's: nothing is sent if one cannot be. */
static uint32_t encode_rows(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	int64_t row;

	pg_parameters_begin(call->conn);
	for (row = run->first; !status && row < run->end; row++) {
		status = pg_write_encode(call, row, error);
		if (status)
			run->failed = row;
	}
	return status;
}

static uint32_t send_rows(struct pg_write_call *call, const struct run *run, struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	uint32_t status = CONSORT_OK;
	size_t at = 0;
	int64_t row;

	if (!PQenterPipelineMode(conn->pq))
		return pg_fail_lost(conn, error);
	conn->pipeline = true;
	for (row = run->first; !status && row < run->end; row++) {
		if (call->write->nattributes)
			status = pg_parameters_at(conn, &at, call->write->nattributes, error);
		if (!status)
			status = pg_statement_send(conn, call->statement, &call->plan->row, error);
	}
	if (!PQpipelineSync(conn->pq))
		return pg_fail_lost(conn, error);
	return status;
}

/* What each row's statement said; results[i] is the run's row i. The last one may be the error that ended
 * them. */
static uint32_t read_rows(struct pg_write_call *call, struct run *run, PGresult **results,
			  struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	uint32_t status = pg_flush(conn, error);
	PGresult *result = NULL;
	int64_t row = run->first;

	while (!status && row < run->end && run->failed == UNKNOWN_ROW) {
		status = pg_next_result(conn, &result, error);
		if (status)
			break;
		if (!result) {
			row++;
			continue;
		}
		if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
			run->failed = row;
		results[row - run->first] = result;
	}
	return status;
}

/* The whole pipeline; results as read_rows has them. Without a transaction its end is a commit, which may
 * fail, too. */
static uint32_t pipeline(struct pg_write_call *call, struct run *run, PGresult **results,
			 struct consort_error *error)
{
	struct pg_connection *conn = call->conn;
	struct consort_error ignored = CONSORT_ERROR_INIT;
	PGresult *late = NULL;
	uint32_t status = send_rows(call, run, error);

	if (!status)
		status = read_rows(call, run, results, error);
	if (!status)
		status = pg_discard_results(conn, &late, error);
	else if (!conn->unsettled && PQstatus(conn->pq) == CONNECTION_OK)
		pg_discard_results(conn, NULL, &ignored);
	if (!status && late && run->failed == UNKNOWN_ROW)
		return pg_fail(conn, late, call->write->resource, error);
	PQclear(late);
	return pg_doubt(conn, status, error);
}

static void clear_results(PGresult **results, int64_t count)
{
	int64_t i;

	for (i = 0; i < count; i++) {
		PQclear(results[i]);
		results[i] = NULL;
	}
}

/* The error of the row that failed. Takes its result. */
static uint32_t fail_row(struct pg_write_call *call, PGresult **result, bool stale,
			 struct consort_error *error)
{
	PGresult *failed = *result;

	*result = NULL;
	return stale ? pg_fail_stale(call->conn, failed, call->write->resource, error)
		     : pg_fail(call->conn, failed, call->write->resource, error);
}

static uint32_t take_rows(struct pg_write_call *call, const struct run *run, PGresult *const *results,
			  struct consort_error *error)
{
	uint32_t status = CONSORT_OK;
	int64_t row;

	for (row = run->first; !status && row < run->end; row++)
		status = pg_write_take(call, row, results[row - run->first], error);
	return status;
}

static uint32_t run_pipeline(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	int64_t count = run->end - run->first;
	PGresult **results = calloc((size_t)count, sizeof(PGresult *)), **failed = NULL;
	uint32_t status = results ? encode_rows(call, run, error) : consort_error_no_memory(error);
	bool stale = false, again = false;

	while (!status) {
		status = pg_statement_prepare(call->conn, call->statement, &call->plan->row, error);
		if (!status)
			status = pipeline(call, run, results, error);
		if (status || run->failed == UNKNOWN_ROW)
			break;
		failed = &results[run->failed - run->first];
		stale = pg_statement_is_stale(call->statement, *failed);
		if (!stale || again || call->conn->transaction != PG_TX_NONE) {
			status = fail_row(call, failed, stale, error);
			break;
		}
		clear_results(results, count);
		run->failed = UNKNOWN_ROW;
		again = true;
	}
	if (!status)
		status = take_rows(call, run, results, error);
	if (results)
		clear_results(results, count);
	free(results);
	return status;
}

/* --- runs --- */

static uint32_t do_run(struct pg_write_call *call, struct run *run, struct consort_error *error)
{
	uint32_t status = begin_run(call, run, error);

	run->failed = UNKNOWN_ROW;
	if (status)
		return status;
	switch (run->how) {
	case BY_COPY:
		status = run_copy(call, run, error);
		break;
	case BY_ARRAYS:
		status = run_arrays(call, run, error);
		break;
	default:
		status = run_pipeline(call, run, error);
	}
	return end_run(call, run, status, error);
}

static uint32_t choose(struct pg_write_call *call, int64_t rows, enum how *out_how,
		       struct consort_error *error)
{
	uint32_t status = CONSORT_OK;

	*out_how = BY_PIPELINE;
	if (call->plan->copy && rows >= COPY_LEAST) {
		if (!call->plan->copy_known)
			status = ask_copy(call, error);
		if (!status && call->plan->copy_usable)
			*out_how = BY_COPY;
	} else if (call->plan->arrays.sql && rows >= ARRAYS_LEAST) {
		*out_how = BY_ARRAYS;
	}
	return status;
}

/* Can the rows be written again, to find out which of them failed? */
static bool can_repeat(const struct pg_write_call *call, const struct run *run)
{
	return call->conn->transaction == PG_TX_NONE || needs_savepoint(call, run);
}

/* All or none. */
static uint32_t write_all(struct pg_write_call *call, enum how how, struct consort_error *error)
{
	struct run run = {0, call->rows->nrows, how, UNKNOWN_ROW};
	uint32_t status = do_run(call, &run, error);

	if (!status || !pg_write_is_row_failure(error))
		return status;
	if (run.failed == UNKNOWN_ROW && how != BY_PIPELINE && can_repeat(call, &run)) {
		run.how = BY_PIPELINE;
		status = do_run(call, &run, error);
	}
	if (status && run.failed != UNKNOWN_ROW)
		pg_write_row_failed(call, run.failed, error);
	return status;
}

/* Each row that can be. */
static uint32_t write_each(struct pg_write_call *call, enum how how, struct consort_error *error)
{
	int64_t rows = call->rows->nrows, next = 0, end = rows, bad = UNKNOWN_ROW;
	struct consort_error failure;

	while (next < rows) {
		struct run run = {next, end, how, UNKNOWN_ROW};
		uint32_t status = next < end ? do_run(call, &run, error) : CONSORT_OK;

		if (status && !pg_write_is_row_failure(error))
			return status;
		if (status && run.failed == UNKNOWN_ROW && how != BY_PIPELINE) {
			how = BY_PIPELINE;
			continue;
		}
		if (status && run.failed == UNKNOWN_ROW &&
		    end - next > 1) { /* a deferred constraint: by halves */
			end = next + (end - next) / 2;
			continue;
		}
		if (status && run.failed == UNKNOWN_ROW)
			run.failed = next;
		if (status) { /* those before it again */
			failure = *error;
			end = bad = run.failed;
			continue;
		}
		next = end;
		if (next == bad) {
			pg_write_row_failed(call, bad, &failure);
			next++;
		}
		bad = UNKNOWN_ROW;
		end = rows - next < RUN_ROWS ? rows : next + RUN_ROWS;
	}
	return CONSORT_OK;
}

uint32_t pg_write_many(struct pg_write_call *call, struct consort_error *error)
{
	enum how how = BY_PIPELINE;
	uint32_t status = choose(call, call->rows->nrows, &how, error);

	if (status)
		return status;
	if (call->write->flags & CONSORT_WRITE_CONTINUE)
		return write_each(call, how, error);
	return write_all(call, how, error);
}
