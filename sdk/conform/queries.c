/* SPDX-License-Identifier: Apache-2.0 */
/* Queries over a resource's attributes, grown from the seed; what they ask for is often there. */
#include "drive.h"

#include <stdio.h>

static struct conform *maker_of(struct world *world)
{
	return world->conform;
}

static uint32_t below(struct world *world, uint32_t limit)
{
	return conform_below(maker_of(world), limit);
}

void query_clear(struct query_made *query)
{
	consort_buffer_clear(&query->select);
	consort_buffer_clear(&query->where);
	consort_buffer_clear(&query->group);
	consort_buffer_clear(&query->having);
	consort_buffer_clear(&query->order);
	memset(query, 0, sizeof(*query));
	query->limit = query->offset = -1;
}

/* --- parts of expressions --- */

void query_name(const char *name, struct consort_buffer *out)
{
	consort_buffer_quoted(out, name, strlen(name), '"');
}

static const struct consort_attribute *attribute_at(const struct world *world, uint32_t index)
{
	return world->resource->attributes[index];
}

/* A value of that attribute: one of a record, or any. */
static struct consort_value some_value(struct world *world, uint32_t index)
{
	const struct consort_type type = attribute_at(world, index)->type;

	if (world->nrows && below(world, 3)) {
		const struct consort_value *value =
			&world->rows[below(world, (uint32_t)world->nrows) * world->resource->nattributes +
				     index];

		if (!consort_value_is_null(value) && consort_type_equal(value->type, type))
			return *value;
	}
	return conform_value(maker_of(world), type, &world->arena);
}

static void add_constant(struct world *world, struct query_made *query, const struct consort_value *value,
			 struct consort_buffer *out)
{
	if ((query->nargs == QUERY_ARGS || below(world, 2)) && conform_value_literal(value, out))
		return;
	if (query->nargs == QUERY_ARGS) {
		consort_buffer_text(out, "null");
		return;
	}
	query->args[query->nargs++] = *value;
	consort_buffer_printf(out, "$%u", query->nargs);
}

static void add_value(struct world *world, struct query_made *query, uint32_t index,
		      struct consort_buffer *out)
{
	const struct consort_value value = some_value(world, index);

	add_constant(world, query, &value, out);
}

static bool has_order(uint16_t type)
{
	return type != CONSORT_TYPE_JSON && type != CONSORT_TYPE_LIST;
}

/* --- conditions --- */

static void add_comparison(struct world *world, struct query_made *query, uint32_t index)
{
	static const char *const operators[] = {
		"=", "<>", "is distinct from", "is not distinct from", "<", "<=", ">", ">="};
	const uint16_t type = attribute_at(world, index)->type.id;
	struct consort_buffer *out = &query->where;

	query_name(attribute_at(world, index)->name, out);
	consort_buffer_printf(out, " %s ", operators[below(world, has_order(type) ? 8 : 4)]);
	add_value(world, query, index, out);
}

static void add_between(struct world *world, struct query_made *query, uint32_t index)
{
	struct consort_buffer *out = &query->where;

	query_name(attribute_at(world, index)->name, out);
	consort_buffer_text(out, below(world, 4) ? " between " : " not between ");
	add_value(world, query, index, out);
	consort_buffer_text(out, " and ");
	add_value(world, query, index, out);
}

static void add_in(struct world *world, struct query_made *query, uint32_t index)
{
	struct consort_buffer *out = &query->where;
	uint32_t count = 1 + below(world, 4), i;

	query_name(attribute_at(world, index)->name, out);
	consort_buffer_text(out, below(world, 3) ? " in (" : " not in (");
	for (i = 0; i < count; i++) {
		consort_buffer_text(out, i ? ", " : "");
		if (below(world, 8))
			add_value(world, query, index, out);
		else
			consort_buffer_text(out, "null");
	}
	consort_buffer_char(out, ')');
}

static void add_null_test(struct world *world, struct query_made *query, uint32_t index)
{
	query_name(attribute_at(world, index)->name, &query->where);
	consort_buffer_text(&query->where, below(world, 2) ? " is null" : " is not null");
}

/* A pattern of a value's characters, some of which are wild. */
static void add_pattern(struct world *world, struct query_made *query, uint32_t index)
{
	static const char *const operators[] = {" like ", " not like ", " ilike ", " not ilike "};
	const struct consort_value value = some_value(world, index);
	struct consort_buffer pattern = CONSORT_BUFFER_INIT;
	uint64_t i;

	for (i = 0; i < value.as.view.size; i++) {
		const char character = value.as.view.data[i];

		if ((character & 0x80) == 0 && !below(world, 4))
			consort_buffer_char(&pattern, below(world, 2) ? '%' : '_');
		else if (character == '\\' || character == '%' || character == '_')
			consort_buffer_printf(&pattern, "\\%c", character);
		else
			consort_buffer_char(&pattern, character);
	}
	if (!below(world, 3))
		consort_buffer_char(&pattern, '%');
	query_name(attribute_at(world, index)->name, &query->where);
	consort_buffer_text(&query->where, operators[below(world, 4)]);
	consort_buffer_quoted(&query->where, pattern.data ? pattern.data : "", pattern.size, '\'');
	consort_buffer_clear(&pattern);
}

static void add_of_text(struct world *world, struct query_made *query, uint32_t index)
{
	static const char *const functions[] = {"lower(", "upper("};
	struct consort_buffer *out = &query->where;

	switch (below(world, 4)) {
	case 0:
		consort_buffer_text(out, functions[below(world, 2)]);
		query_name(attribute_at(world, index)->name, out);
		consort_buffer_text(out, ") = ");
		add_value(world, query, index, out);
		break;
	case 1:
		consort_buffer_text(out, "length(");
		query_name(attribute_at(world, index)->name, out);
		consort_buffer_printf(out, ") > %u", below(world, 5));
		break;
	default:
		add_pattern(world, query, index);
	}
}

static void add_of_integer(struct world *world, struct query_made *query, uint32_t index)
{
	struct consort_buffer *out = &query->where;

	query_name(attribute_at(world, index)->name, out);
	if (below(world, 2))
		consort_buffer_printf(out, " %% %u = %u", 2 + below(world, 5), below(world, 3));
	else
		consort_buffer_printf(out, " / %u < %u", 2 + below(world, 5), below(world, 9));
}

static void add_of_bool(struct world *world, struct query_made *query, uint32_t index)
{
	static const char *const forms[] = {"", " is true", " is not true", " is false", " is not false"};

	query_name(attribute_at(world, index)->name, &query->where);
	consort_buffer_text(&query->where, forms[below(world, 5)]);
}

/* Two attributes of one type; false: there is no other. */
static bool add_columns(struct world *world, struct query_made *query, uint32_t index)
{
	const uint32_t other = below(world, world->resource->nattributes);

	if (other == index || !has_order(attribute_at(world, index)->type.id) ||
	    !consort_type_equal(attribute_at(world, index)->type, attribute_at(world, other)->type))
		return false;
	query_name(attribute_at(world, index)->name, &query->where);
	consort_buffer_text(&query->where, below(world, 2) ? " < " : " = ");
	query_name(attribute_at(world, other)->name, &query->where);
	return true;
}

static void add_test(struct world *world, struct query_made *query)
{
	const uint32_t index = below(world, world->resource->nattributes);
	const uint16_t type = attribute_at(world, index)->type.id;
	const uint32_t how = below(world, 10);

	if (type == CONSORT_TYPE_LIST || !how)
		add_null_test(world, query, index);
	else if (how == 1 && has_order(type))
		add_between(world, query, index);
	else if (how == 2 && type != CONSORT_TYPE_JSON)
		add_in(world, query, index);
	else if (how == 3 && add_columns(world, query, index))
		return;
	else if (how <= 6 && type == CONSORT_TYPE_TEXT)
		add_of_text(world, query, index);
	else if (how <= 4 && type == CONSORT_TYPE_INT64)
		add_of_integer(world, query, index);
	else if (how <= 6 && type == CONSORT_TYPE_BOOL)
		add_of_bool(world, query, index);
	else
		add_comparison(world, query, index);
}

static void add_condition(struct world *world, struct query_made *query, uint32_t depth)
{
	const uint32_t how = depth ? below(world, 8) : 7;
	uint32_t count, i;

	if (how > 2) {
		add_test(world, query);
		return;
	}
	if (how == 2) {
		consort_buffer_text(&query->where, "not (");
		add_condition(world, query, depth - 1);
		consort_buffer_char(&query->where, ')');
		return;
	}
	count = 2 + below(world, 2);
	for (i = 0; i < count; i++) {
		consort_buffer_text(&query->where, i ? (how ? " and (" : " or (") : "(");
		add_condition(world, query, depth - 1);
		consort_buffer_char(&query->where, ')');
	}
}

void query_where(struct world *world, struct query_made *query)
{
	add_condition(world, query, 2);
}

/* --- orders --- */

void query_order(struct world *world, struct query_made *query, bool whole)
{
	static const char *const directions[] = {
		"", " desc", " nulls first", " nulls last", " desc nulls first", " desc nulls last"};
	uint32_t count = below(world, 3), i;

	for (i = 0; i < count; i++) {
		const uint32_t index = below(world, world->resource->nattributes);

		if (!has_order(attribute_at(world, index)->type.id))
			continue;
		consort_buffer_text(&query->order, query->order.size ? ", " : "");
		query_name(attribute_at(world, index)->name, &query->order);
		consort_buffer_text(&query->order, directions[below(world, 6)]);
	}
	for (i = 0; i < world->resource->nkeys && (whole || !query->order.size); i++) {
		consort_buffer_text(&query->order, query->order.size ? ", " : "");
		query_name(attribute_at(world, world->resource->keys[i])->name, &query->order);
	}
	query->ordered = whole && world->resource->nkeys;
}

/* --- for people --- */

void query_print(const struct query_made *query, struct consort_buffer *out)
{
	const struct {
		const char *word;
		const struct consort_buffer *text;
	} parts[] = {
		{"select", &query->select},  {" where", &query->where},	   {" group by", &query->group},
		{" having", &query->having}, {" order by", &query->order},
	};
	uint32_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].text->size)
			consort_buffer_printf(out, "%s %s", parts[i].word, parts[i].text->data);
		else if (!i)
			consort_buffer_text(out, "select *");
	if (query->limit >= 0)
		consort_buffer_printf(out, " limit %lld", (long long)query->limit);
	if (query->offset > 0)
		consort_buffer_printf(out, " offset %lld", (long long)query->offset);
	for (i = 0; i < query->nargs; i++) {
		consort_buffer_printf(out, "%s$%u = ", i ? ", " : "; ", i + 1);
		conform_value_print(&query->args[i], out);
	}
}
