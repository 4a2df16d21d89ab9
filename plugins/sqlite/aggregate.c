/* SPDX-License-Identifier: Apache-2.0 */
/* AGGREGATE nodes to GROUP BY and SQLite's aggregate functions, or check.c's where SQLite's mean something
 * else. */
#include "sql.h"

static bool aggregate_sql(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_aggregate *aggregate, struct lite_term *term,
			  const struct lite_storage *storage, struct consort_buffer *out)
{
	const struct consort_expr *input = aggregate->input;
	const char *collate = storage && storage->collated ? " COLLATE BINARY)" : ")";
	const char *reason = NULL;

	switch (aggregate->kind) {
	case CONSORT_AGGREGATE_COUNT_ALL:
		consort_buffer_text(out, "count(*)");
		return true;
	case CONSORT_AGGREGATE_COUNT:
		consort_buffer_text(out, "count(");
		if (input->kind == CONSORT_EXPR_COLUMN && input->index < relation->nterms &&
		    relation->terms[input->index]->sql) {
			consort_buffer_printf(out, "%s)", relation->terms[input->index]->sql);
			return true;
		}
		collate = ")";
		break;
	case CONSORT_AGGREGATE_COUNT_DISTINCT:
		if (!storage || !storage->equality)
			reason = "SQLite cannot compare values of this type as they are stored";
		consort_buffer_text(out, "count(DISTINCT ");
		break;
	case CONSORT_AGGREGATE_MIN:
	case CONSORT_AGGREGATE_MAX:
		if (!storage || !lite_orders(builder, storage))
			reason = "SQLite does not order values of this type as they are stored";
		else
			term->storage = *storage;
		consort_buffer_text(out, aggregate->kind == CONSORT_AGGREGATE_MIN ? "min(" : "max(");
		break;
	case CONSORT_AGGREGATE_SUM:
	case CONSORT_AGGREGATE_AVG:
		if (!storage || (storage->codec != LITE_INT64 && storage->codec != LITE_FLOAT64))
			reason = "SQLite sums no numbers that are stored as text";
		else
			consort_buffer_printf(out, "consort_%s_%s(",
					      aggregate->kind == CONSORT_AGGREGATE_SUM ? "sum" : "avg",
					      lite_codecs[storage->codec].name);
		if (term->storage.codec == LITE_FLOAT64)
			term->storage.codec = LITE_SUM;
		lite_build(builder)->checks = true;
		collate = ")";
		break;
	default:
		reason = "SQLite has no such aggregate";
	}
	if (reason)
		return consort_sql_no(builder, reason);
	if (!lite_render(builder, relation, input, storage, out))
		return false;
	consort_buffer_text(out, collate);
	return true;
}

bool lite_render_aggregate(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_aggregate *aggregate, struct consort_sql_term *base)
{
	const struct lite_storage *storage =
		aggregate->input ? lite_expr_storage(relation, aggregate->input) : NULL;
	struct lite_term *term = (struct lite_term *)base;
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	term->storage = lite_plain_storage(aggregate->type);
	if (!aggregate_sql(builder, relation, aggregate, term, storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	term->storage.checked = term->storage.unique = 0;
	base->sql = consort_sql_take(builder, &text);
	return base->sql != NULL;
}

/* What is grouped by, and delivered: -0 as 0. */
bool lite_render_group(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_sql_term *base,
		       struct consort_buffer *out)
{
	const struct lite_storage *storage = lite_expr_storage(relation, expr);
	struct lite_term *term = (struct lite_term *)base;
	bool real = storage && storage->codec == LITE_FLOAT64;

	if (!storage || !storage->equality)
		return consort_sql_no(builder,
				      storage ? "SQLite cannot compare values of this type as they are stored"
					      : "SQLite does not group by constants");
	term->storage = *storage;
	term->storage.checked = term->storage.unique = 0;
	consort_buffer_text(out, real ? "(" : "");
	if (!lite_render(builder, relation, expr, storage, out))
		return false;
	consort_buffer_text(out, real ? " + 0.0)" : "");
	if (out->failed)
		return consort_sql_no_memory(builder);
	base->sql = consort_arena_text(builder->arena, out->data);
	consort_buffer_text(out, storage->collated ? " COLLATE BINARY" : "");
	return base->sql || consort_sql_no_memory(builder);
}
