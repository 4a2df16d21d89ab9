/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <consort/consort.h>

/* The ten worst delays out of San Francisco, with the city flown to: flights live in one database,
 * airports in another, and this program doesn't know which. */
int main(void)
{
	struct consort_error err = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	struct consort_query *q = NULL;
	struct consort_cursor *rows = NULL;
	int status = 1;

	if (consort_open("consort.ini", &c, &err))
		goto out;
	q = consort_query_new(c, "flight");
	consort_query_select(q, "id, delay_min, destination_airport.city");
	consort_query_where(q, "origin = $1 and delay_min > $2");
	consort_query_order(q, "delay_min desc nulls last, id");
	consort_query_limit(q, 10);
	if (consort_query_run(q, CONSORT_ARGS(consort_text("SFO"), consort_int64(60)), &rows, &err))
		goto out;
	while (consort_cursor_next(rows, &err))
		printf("%" PRId64 " %s\n", consort_cursor_int64(rows, 1), consort_cursor_text(rows, 2));
	status = consort_cursor_status(rows) ? 1 : 0;
out:
	if (status)
		fprintf(stderr, "%s\n", consort_error_text(&err));
	consort_cursor_close(rows);
	consort_query_free(q);
	consort_close(c);
	return status;
}
