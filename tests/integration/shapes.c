/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of queries, run both ways and compared. */
#include "shapes.h"

#include <stdio.h>
#include <string.h>

static struct consort_query *query_of(struct consort *c, const char *prefix, const struct shape *shape)
{
	struct consort_query *q;
	char resource[64];

	snprintf(resource, sizeof(resource), "%s%s", prefix, shape->resource);
	q = consort_query_new(c, resource);
	consort_query_select(q, shape->select);
	if (shape->where)
		consort_query_where(q, shape->where);
	consort_query_group(q, shape->group);
	if (shape->having)
		consort_query_having(q, shape->having);
	consort_query_order(q, shape->order);
	if (shape->limit)
		consort_query_limit(q, shape->limit);
	if (shape->offset)
		consort_query_offset(q, shape->offset);
	return q;
}

static void check_shape(struct consort *c, const struct shape *shape)
{
	const struct consort_args args =
		shape->parameter ? CONSORT_ARGS(consort_int64(shape->parameter)) : CONSORT_NO_ARGS;
	struct consort_query *q = query_of(c, "", shape), *plain = query_of(c, "plain_", shape);
	struct consort_error error = CONSORT_ERROR_INIT;
	unsigned failures = CU_get_number_of_failures();
	char *text = NULL;
	const char *rows;

	API_OK(consort_query_explain(q, CONSORT_EXPLAIN_TEXT, 0, args, &text, &error));
	CU_ASSERT_EQUAL(strncmp(text, "read on db (", strlen("read on db (")), 0);
	CU_ASSERT_PTR_NULL(strstr(text, "- not sent: "));
	CU_ASSERT_PTR_NULL(strstr(text, "- checked again: "));
	rows = api_rows(q, args);
	CU_ASSERT_NOT_EQUAL(rows[0], '\0');
	TESTING_TEXT(rows, api_rows(plain, args));
	if (CU_get_number_of_failures() > failures)
		fprintf(stderr, "  %s: select %s where %s group %s having %s order %s\n%s\n", shape->resource,
			shape->select ? shape->select : "-", shape->where ? shape->where : "-",
			shape->group ? shape->group : "-", shape->having ? shape->having : "-",
			shape->order ? shape->order : "-", text);
	consort_free(text);
	consort_query_free(q);
	consort_query_free(plain);
}

void shapes_check(struct consort *c, const struct shape *shapes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		check_shape(c, &shapes[i]);
}
