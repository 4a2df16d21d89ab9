/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments as programs write them, in C and in C++; compiled by test-headers.sh. */
#include <consort/consort.h>

struct consort_cursor *arguments(struct consort *c, struct consort_query *q, struct consort_plan *plan);

struct consort_cursor *arguments(struct consort *c, struct consort_query *q, struct consort_plan *plan)
{
	struct consort_args none = CONSORT_NO_ARGS;
	struct consort_cursor *rows = NULL;
	struct consort_record *r = NULL;
	struct consort_error err = CONSORT_ERROR_INIT;

	if (consort_get(c, "airport", CONSORT_ARGS(consort_text("SFO")), &r, &err))
		return NULL;
	consort_record_set(r, "city", consort_text("San Francisco"));
	consort_record_set(r, "opened", consort_null());
	consort_record_free(r);
	consort_query_after(q, CONSORT_ARGS(consort_int64(60), consort_float64(1.5), consort_bool(1)));
	if (!consort_query_run(q, none, &rows, &err))
		return rows;
	if (consort_plan_run(c, plan, CONSORT_NO_ARGS, &rows, &err))
		return NULL;
	return rows;
}
