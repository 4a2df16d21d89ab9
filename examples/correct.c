/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes minutes off the delays of all flights that left an airport late, and notes each flight's delay before and
 * after as a correction: both for every flight, or nothing at all. A correction's key is its flight, so correcting
 * a flight a second time is refused by the database, and undoes what the program had done until then.
 *
 *     correct AIRPORT MINUTES
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <consort/consort.h>

struct correction {
	const char *airport;
	int64_t minutes;
	int64_t flights; /* how many were corrected */
};

/* The flights to correct, through the transaction's handle. */
static enum consort_status late_flights(struct consort *in, const struct correction *correction,
					struct consort_cursor **out_rows, struct consort_error *err)
{
	struct consort_query *q = consort_query_new(in, "flight");
	enum consort_status status;

	consort_query_select(q, "id, delay_min");
	consort_query_where(q, "origin = $1 and delay_min >= $2");
	status = consort_query_run(q, CONSORT_ARGS(consort_text(correction->airport),
						   consort_int64(correction->minutes)),
				   out_rows, err);
	consort_query_free(q);
	return status;
}

/* A correction for each flight, in columns, as many at a time as a batch holds. */
static enum consort_status note(struct consort *in, const struct correction *correction, struct consort_error *err)
{
	struct consort_cursor *rows = NULL;
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	enum consort_status status = late_flights(in, correction, &rows, err);

	if (!status)
		status = consort_writer_open(in, "correction", "flight, before_min, after_min",
					     CONSORT_WRITER_CREATE, 0, &w, err);
	if (status)
		goto out;
	batch = consort_writer_batch(w);
	while (!status && consort_cursor_next(rows, err)) {
		consort_append_int64(&batch->columns[0], consort_cursor_int64(rows, 0));
		consort_append_int64(&batch->columns[1], consort_cursor_int64(rows, 1));
		consort_append_int64(&batch->columns[2], consort_cursor_int64(rows, 1) - correction->minutes);
		if (consort_batch_end_row(batch))
			status = consort_writer_flush(w, err);
	}
	if (!status)
		status = consort_cursor_status(rows);
	if (!status)
		status = consort_writer_flush(w, err);
out:
	consort_writer_close(w);
	consort_cursor_close(rows);
	return status;
}

/* What the transaction does. Whatever it fails with undoes all of it. */
static enum consort_status correct(struct consort *in, void *arg, struct consort_error *err)
{
	struct correction *correction = arg;
	struct consort_query *q;
	enum consort_status status = note(in, correction, err);

	if (status)
		return status;
	q = consort_query_new(in, "flight");
	consort_query_where(q, "origin = $1 and delay_min >= $2");
	status = consort_update_where(q, "delay_min = delay_min - $2",
				      CONSORT_ARGS(consort_text(correction->airport),
						   consort_int64(correction->minutes)),
				      &correction->flights, err);
	consort_query_free(q);
	return status;
}

int main(int argc, char **argv)
{
	struct consort_error err = CONSORT_ERROR_INIT;
	struct correction correction = {NULL, 0, 0};
	struct consort *c = NULL;
	char *end = NULL;
	int status = 1;

	errno = 0;
	if (argc == 3) {
		correction.airport = argv[1];
		correction.minutes = strtoll(argv[2], &end, 10);
	}
	if (!end || *end || errno || correction.minutes < 1) {
		fprintf(stderr, "usage: correct AIRPORT MINUTES\n");
		return 2;
	}
	if (consort_open("consort.ini", &c, &err))
		goto out;
	if (consort_transaction(c, "travel", correct, &correction, NULL, &err)) {
		fprintf(stderr, "nothing was changed: ");
		goto out;
	}
	printf("corrected %" PRId64 " flights from %s by %" PRId64 " minutes\n", correction.flights, correction.airport,
	       correction.minutes);
	status = 0;
out:
	if (status)
		fprintf(stderr, "%s\n", consort_error_text(&err));
	consort_close(c);
	return status;
}
