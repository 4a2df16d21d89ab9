/* SPDX-License-Identifier: Apache-2.0 */
/* AGGREGATE nodes to GROUP BY and aggregate functions, whose results are brought to what the core's are. */
#include "sql.h"

#include <string.h>

/* What is grouped by, and delivered: -0 as 0, and texts by their bytes. */
bool pg_render_group(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		     const struct consort_expr *expr, struct consort_sql_term *base,
		     struct consort_buffer *out)
{
	const struct pg_storage *storage = pg_expr_storage(relation, expr);
	struct pg_term *term = (struct pg_term *)base;
	bool real;

	if (!storage)
		return consort_sql_no(builder, "PostgreSQL does not group by constants");
	real = pg_codecs[storage->codec].family == PG_FAMILY_REAL;
	consort_buffer_text(out, real ? "(" : "");
	if (!pg_render_comparable(builder, relation, expr, false, out))
		return false;
	consort_buffer_text(out, real ? " + '0'::double precision)" : "");
	if (out->failed)
		return consort_sql_no_memory(builder);
	term->storage = *storage;
	if (real)
		term->storage.codec = PG_FLOAT8;
	/* as the expression makes them: plain texts, which compare in one way only */
	if (pg_codecs[storage->codec].family == PG_FAMILY_TEXT && storage->codec != PG_TEXT)
		term->storage =
			(struct pg_storage){.codec = PG_TEXT, .collation = PG_COLLATION_LOOSE, .limit = -1};
	base->sql = consort_arena_text(builder->arena, out->data);
	return base->sql || consort_sql_no_memory(builder);
}

/* Appends "function(argument)"; the argument as what is sent, or as it compares. */
static bool call(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		 const char *function, const struct consort_expr *input, bool ordered,
		 struct consort_buffer *out)
{
	consort_buffer_text(out, function);
	if (!pg_render_comparable(builder, relation, input, ordered, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

static bool sum(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		const struct consort_expr *input, struct consort_buffer *out)
{
	const struct pg_storage *storage = pg_expr_storage(relation, input);
	bool small = storage && (storage->codec == PG_INT4 || storage->codec == PG_INT2);

	consort_buffer_text(out, "sum(");
	if (!pg_render(builder, relation, input, small ? storage : NULL, out))
		return false;
	/* of bigint it is a numeric, which the cast takes back or refuses */
	consort_buffer_text(out, input->type.id == CONSORT_TYPE_INT64 ? ")::bigint" : ")");
	return true;
}

/* The core's own divisions: of the exact sum as a double by the count; of decimals half away from zero at the
 * result's last digit. */
static bool average(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_aggregate *aggregate, struct consort_buffer *out)
{
	struct consort_buffer input = CONSORT_BUFFER_INIT;
	uint8_t scale = aggregate->type.scale;
	bool taken = pg_render(builder, relation, aggregate->input, NULL, &input);
	const char *sql = input.data;

	if (input.failed)
		out->failed = 1;
	else if (taken && aggregate->input->type.id != CONSORT_TYPE_DECIMAL)
		consort_buffer_printf(out, "(sum(%s)::double precision / count(%s))", sql, sql);
	else if (taken)
		consort_buffer_printf(
			out, "(sign(sum(%s)) * div(abs(sum(%s)) * 2e%u + count(%s), 2 * count(%s)) * 1e-%u)",
			sql, sql, scale, sql, sql, scale);
	consort_buffer_clear(&input);
	return taken;
}

static bool extreme(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_aggregate *aggregate, struct pg_term *term,
		    struct consort_buffer *out)
{
	bool least = aggregate->kind == CONSORT_AGGREGATE_MIN;
	const struct pg_storage *storage = pg_expr_storage(relation, aggregate->input);
	struct pg_storage own = storage ? *storage : pg_plain_storage(aggregate->input->type);

	switch (pg_codecs[own.codec].family) {
	case PG_FAMILY_BOOL:
		return call(builder, relation, least ? "bool_and(" : "bool_or(", aggregate->input, false,
			    out);
	case PG_FAMILY_BYTES:
	case PG_FAMILY_UUID:
		return consort_sql_no(builder, "PostgreSQL has no least or greatest value of this type");
	case PG_FAMILY_TEXT:
		own = (struct pg_storage){.codec = PG_TEXT, .collation = PG_COLLATION_LOOSE, .limit = -1};
		break;
	default:
		break;
	}
	term->storage = own;
	return call(builder, relation, least ? "min(" : "max(", aggregate->input, true, out);
}

static bool render(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		   const struct consort_aggregate *aggregate, struct pg_term *term,
		   struct consort_buffer *out)
{
	const struct consort_expr *input = aggregate->input;
	const struct pg_term *column;

	switch (aggregate->kind) {
	case CONSORT_AGGREGATE_COUNT_ALL:
		consort_buffer_text(out, "count(*)");
		return true;
	case CONSORT_AGGREGATE_COUNT:
		column = input->kind == CONSORT_EXPR_COLUMN && input->index < relation->nterms
				 ? pg_term_at(relation, input->index)
				 : NULL;
		if (column && column->base.sql) {
			consort_buffer_printf(out, "count(%s)", column->raw ? column->raw : column->base.sql);
			return true;
		}
		consort_buffer_text(out, "count(");
		if (!pg_render(builder, relation, input, NULL, out))
			return false;
		consort_buffer_char(out, ')');
		return true;
	case CONSORT_AGGREGATE_COUNT_DISTINCT:
		return call(builder, relation, "count(DISTINCT ", input, false, out);
	case CONSORT_AGGREGATE_SUM:
		return sum(builder, relation, input, out);
	case CONSORT_AGGREGATE_AVG:
		return average(builder, relation, aggregate, out);
	case CONSORT_AGGREGATE_MIN:
	case CONSORT_AGGREGATE_MAX:
		return extreme(builder, relation, aggregate, term, out);
	default:
		return consort_sql_no(builder, "PostgreSQL has no such aggregate");
	}
}

bool pg_render_aggregate(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_aggregate *aggregate, struct consort_sql_term *base)
{
	struct pg_term *term = (struct pg_term *)base;
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	term->storage = pg_plain_storage(aggregate->type);
	if (!render(builder, relation, aggregate, term, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	base->sql = consort_sql_take(builder, &text);
	return base->sql != NULL;
}
