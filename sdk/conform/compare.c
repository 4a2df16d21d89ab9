/* SPDX-License-Identifier: Apache-2.0 */
/* One query, over the database with all features and over the plain one: the library's own evaluation
 * decides. */
#include "drive.h"

#include <math.h>
#include <stdio.h>

struct result {
	enum consort_status status;
	struct consort_error error;
	struct consort_buffer lines;
	char *sorted; /* of lines, if the order is open */
	bool beyond;  /* an aggregate is no finite double */
};

static struct consort_query *make(struct world *world, const char *name, const struct query_made *made)
{
	struct consort_query *query = consort_query_new(world->c, name);

	if (made->select.size)
		consort_query_select(query, made->select.data);
	if (made->where.size)
		consort_query_where(query, made->where.data);
	if (made->group.size)
		consort_query_group(query, made->group.data);
	if (made->having.size)
		consort_query_having(query, made->having.data);
	if (made->order.size)
		consort_query_order(query, made->order.data);
	if (made->limit >= 0)
		consort_query_limit(query, made->limit);
	if (made->offset > 0)
		consort_query_offset(query, made->offset);
	return query;
}

/* What may be left of the greatest doubles that there are when they were added and taken off again. */
static double remainder_of(const struct world *world)
{
	const size_t nvalues = world->nrows * world->resource->nattributes;
	double most = 0;
	size_t i;

	for (i = 0; i < nvalues; i++)
		if (world->rows[i].type.id == CONSORT_TYPE_FLOAT64 && isfinite(world->rows[i].as.float64))
			most = fmax(most, fabs(world->rows[i].as.float64));
	return most * 1e-12;
}

static bool is_sum(const char *name)
{
	return !strncmp(name, "sum(", 4) || !strncmp(name, "avg(", 4);
}

/* Sums of doubles depend on the order in which they come: twelve digits of aggregates count, those of the
 * greatest addend; and -0 is 0. */
static void print_value(const struct consort_value *value, bool aggregated, double remainder,
			struct result *out)
{
	bool real = aggregated && value->type.id == CONSORT_TYPE_FLOAT64;

	if (real && fabs(value->as.float64) < remainder)
		consort_buffer_text(&out->lines, "little");
	else if (real && isfinite(value->as.float64))
		consort_buffer_printf(&out->lines, "%.11e", value->as.float64 + 0.0);
	else
		conform_value_print(value, &out->lines);
	out->beyond |= real && !isfinite(value->as.float64);
}

static void run(struct world *world, const char *name, const struct query_made *made, struct result *out)
{
	const struct consort_args args = {made->args, made->nargs};
	struct consort_query *query = make(world, name, made);
	const double remainder = remainder_of(world);
	struct consort_cursor *rows = NULL;
	uint32_t i;

	memset(out, 0, sizeof(*out));
	out->status = consort_query_run(query, args, &rows, &out->error);
	while (!out->status && consort_cursor_next(rows, &out->error)) {
		for (i = 0; i < consort_cursor_columns(rows); i++) {
			const struct consort_value value = consort_cursor_value(rows, i);

			consort_buffer_text(&out->lines, i ? "|" : "");
			print_value(&value, made->select.size > 0,
				    is_sum(consort_cursor_name(rows, i)) ? remainder : 0, out);
		}
		consort_buffer_char(&out->lines, '\n');
	}
	if (!out->status)
		out->status = consort_cursor_status(rows);
	consort_cursor_close(rows);
	consort_query_free(query);
	if (!made->ordered)
		out->sorted = conform_sorted(&out->lines);
}

static const char *text_of(const struct result *result)
{
	return result->sorted ? result->sorted : result->lines.data ? result->lines.data : "";
}

static void clear(struct result *result)
{
	consort_buffer_clear(&result->lines);
	free(result->sorted);
}

static void __attribute__((__noreturn__)) differ(struct world *world, const struct query_made *made,
						 const struct result *item, const struct result *plain)
{
	const struct consort_args args = {made->args, made->nargs};
	struct consort_query *query = make(world, world->item, made);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error;
	char *plan = NULL;

	query_print(made, &text);
	consort_query_explain(query, CONSORT_EXPLAIN_TEXT, 0, args, &plan, &error);
	if (item->status || plain->status)
		conform_fail("%s\nanswers '%s' with the adapter's features, and '%s' without\n%.800s",
			     text.data, item->status ? item->error.message : "rows",
			     plain->status ? plain->error.message : "rows", plan ? plan : "");
	conform_fail("%s\ngives with the adapter's features\n%.800sand without\n%.800sits plan\n%.800s",
		     text.data, text_of(item), text_of(plain), plan ? plan : "");
}

/* Where the library errs, an engine may err in words of its own; and it may refuse a sum that is beyond
 * doubles. */
static bool agree(const struct result *item, const struct result *plain)
{
	if (item->status)
		return plain->status || (item->status == CONSORT_ERANGE && plain->beyond);
	return !plain->status && !strcmp(text_of(item), text_of(plain));
}

bool query_compare(struct world *world, const struct query_made *made)
{
	struct result item, plain;
	bool ran;

	run(world, world->item, made, &item);
	run(world, world->plain, made, &plain);
	if (!agree(&item, &plain))
		differ(world, made, &item, &plain);
	ran = !item.status;
	clear(&item);
	clear(&plain);
	return ran;
}
