/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query builder, which keeps texts until they are planned. A query that could not be made, NULL, goes
 * through the setters to what runs it, which tells that there was no memory; so does the first setter that
 * failed.
 */
#include "handle/handle.h"

/* --- the builder --- */

struct consort_query *consort_query_new(struct consort *c, const char *resource)
{
	struct consort_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	consort_arena_init(&q->arena, 0);
	q->limit = -1;
	q->status = CONSORT_NEED(&q->error, c, resource);
	if (q->status)
		return q;
	q->resource = consort_arena_text(&q->arena, resource);
	if (!q->resource) {
		free(q);
		return NULL;
	}
	q->handle = c;
	consort_handle_hold(c);
	return q;
}

/* The kept plan no longer fits. */
static void changed(struct consort_query *q)
{
	consort_plan_free(q->plan);
	q->plan = NULL;
}

void consort_query_free(struct consort_query *q)
{
	if (!q)
		return;
	changed(q);
	if (q->handle)
		consort_handle_drop(q->handle);
	consort_arena_clear(&q->arena);
	free(q);
}

/* The first error is kept. */
static void no_memory(struct consort_query *q)
{
	if (!q->status)
		q->status = consort_error_no_memory(&q->error);
}

static void set_text(struct consort_query *q, const char **place, const char *text)
{
	*place = consort_arena_text(&q->arena, text);
	if (text && !*place)
		no_memory(q);
	changed(q);
}

void consort_query_select(struct consort_query *q, const char *columns)
{
	if (q)
		set_text(q, &q->select, columns);
}

void consort_query_where(struct consort_query *q, const char *condition)
{
	const char **where;

	if (!q || q->status)
		return;
	q->status = CONSORT_NEED(&q->error, condition);
	if (q->status)
		return;
	where = consort_arena_array(&q->arena, q->nwhere + 1, sizeof(*where));
	if (!where) {
		no_memory(q);
		return;
	}
	if (q->nwhere)
		memcpy(where, q->where, q->nwhere * sizeof(*where));
	q->where = where;
	set_text(q, &q->where[q->nwhere++], condition);
}

void consort_query_group(struct consort_query *q, const char *expressions)
{
	if (q)
		set_text(q, &q->group, expressions);
}

void consort_query_having(struct consort_query *q, const char *condition)
{
	if (q)
		set_text(q, &q->having, condition);
}

void consort_query_order(struct consort_query *q, const char *orders)
{
	if (q)
		set_text(q, &q->order, orders);
}

static void set_number(struct consort_query *q, int64_t *place, int64_t records)
{
	if (records < 0 && !q->status)
		q->status =
			consort_error_set(&q->error, CONSORT_ERANGE, "limit and offset must not be negative");
	*place = records;
	changed(q);
}

void consort_query_limit(struct consort_query *q, int64_t records)
{
	if (q)
		set_number(q, &q->limit, records);
}

void consort_query_offset(struct consort_query *q, int64_t records)
{
	if (q)
		set_number(q, &q->offset, records);
}

void consort_query_after(struct consort_query *q, struct consort_args key)
{
	uint64_t i;

	if (!q || q->status)
		return;
	q->status = CONSORT_NEED(&q->error, CONSORT_GIVEN(key.values || !key.count));
	if (q->status)
		return;
	q->after = consort_arena_array(&q->arena, key.count, sizeof(*q->after));
	q->nafter = q->after ? (uint32_t)key.count : 0;
	if (!q->after)
		no_memory(q);
	for (i = 0; i < q->nafter; i++) {
		struct consort_value *value = &q->after[i];

		*value = key.values[i];
		if (value->type.id == CONSORT_TYPE_TEXT || value->type.id == CONSORT_TYPE_BYTES ||
		    value->type.id == CONSORT_TYPE_JSON) {
			value->as.view.data =
				consort_arena_copy(&q->arena, value->as.view.data, value->as.view.size);
			if (!value->as.view.data)
				no_memory(q);
		}
	}
	changed(q);
}

struct consort_clauses consort_query_clauses(const struct consort_query *q)
{
	const struct consort_clauses clauses = {.resource = q->resource,
						.select = q->select,
						.where = q->where,
						.nwhere = q->nwhere,
						.nafter = q->nafter,
						.group = q->group,
						.having = q->having,
						.order = q->order,
						.limit = q->limit,
						.offset = q->offset};

	return clauses;
}

enum consort_status consort_query_check(const struct consort_query *q, struct consort_error *error)
{
	if (!q)
		return consort_error_no_memory(error);
	if (!q->status)
		return consort_handle_check(q->handle, error);
	if (error)
		*error = q->error;
	return q->status;
}

/* --- running it --- */

enum consort_status consort_query_plan(struct consort_query *q, struct consort_plan **out_plan,
				       struct consort_error *error)
{
	enum consort_status status = consort_query_check(q, error);
	struct consort_clauses clauses;

	if (status)
		return status;
	if (q->plan && !consort_plan_is_current(q->plan))
		changed(q);
	if (!q->plan) {
		clauses = consort_query_clauses(q);
		status = consort_plan_of_clauses(q->handle, &clauses, q->after, &q->plan, error);
	}
	if (!status)
		*out_plan = q->plan;
	return status;
}

enum consort_status consort_query_run(struct consort_query *q, struct consort_args args,
				      struct consort_cursor **out_rows, struct consort_error *error)
{
	enum consort_status status = CONSORT_NEED(error, CONSORT_GIVEN(args.values || !args.count), out_rows);
	struct consort_plan *plan;

	if (!status)
		status = consort_query_plan(q, &plan, error);
	if (status)
		return status;
	return consort_plan_start(q->handle, plan, args, false, out_rows, NULL, error);
}
