/* SPDX-License-Identifier: Apache-2.0 */
/* AGGREGATE nodes to GROUP BY and SQLite's aggregate functions, or check.c's where SQLite's mean something
 * else. */
#include "sql.h"

static bool aggregate_sql(struct lite_builder *builder, struct lite_relation *relation,
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
		    relation->terms[input->index].sql) {
			consort_buffer_printf(out, "%s)", relation->terms[input->index].sql);
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
		builder->checks = true;
		collate = ")";
		break;
	default:
		reason = "SQLite has no such aggregate";
	}
	if (reason) {
		builder->reason = reason;
		return false;
	}
	if (!lite_render(builder, relation, input, storage, out))
		return false;
	consort_buffer_text(out, collate);
	return true;
}

static bool aggregate_term(struct lite_builder *builder, struct lite_relation *relation,
			   const struct consort_aggregate *aggregate, struct lite_term *term)
{
	const struct lite_storage *storage =
		aggregate->input ? lite_expr_storage(relation, aggregate->input) : NULL;
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	term->type = aggregate->type;
	term->storage = lite_plain_storage(aggregate->type);
	term->nullable = aggregate->kind != CONSORT_AGGREGATE_COUNT_ALL &&
			 aggregate->kind != CONSORT_AGGREGATE_COUNT &&
			 aggregate->kind != CONSORT_AGGREGATE_COUNT_DISTINCT;
	if (!aggregate_sql(builder, relation, aggregate, term, storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	term->storage.checked = term->storage.unique = 0;
	term->sql = lite_take_text(builder, &text);
	return term->sql != NULL;
}

/* What is grouped by, and delivered: -0 as 0. */
static bool group_term(struct lite_builder *builder, struct lite_relation *relation,
		       const struct consort_expr *expr, struct lite_term *term, struct lite_texts *groups)
{
	const struct lite_storage *storage = lite_expr_storage(relation, expr);
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const char *group;

	if (!storage || !storage->equality) {
		builder->reason = storage ? "SQLite cannot compare values of this type as they are stored"
					  : "SQLite does not group by constants";
		return false;
	}
	term->type = expr->type;
	term->storage = *storage;
	term->storage.checked = term->storage.unique = 0;
	term->nullable = expr->kind != CONSORT_EXPR_COLUMN || relation->terms[expr->index].nullable;
	if (storage->codec == LITE_FLOAT64)
		consort_buffer_char(&text, '(');
	if (!lite_render(builder, relation, expr, storage, &text)) {
		consort_buffer_clear(&text);
		return false;
	}
	if (storage->codec == LITE_FLOAT64)
		consort_buffer_text(&text, " + 0.0)");
	term->sql = lite_take_text(builder, &text);
	group = term->sql && storage->collated
			? consort_arena_printf(builder->arena, "%s COLLATE BINARY", term->sql)
			: term->sql;
	return group && lite_add_text(builder, groups, group);
}

struct lite_relation *lite_aggregate(struct lite_builder *builder, const struct consort_node *node,
				     struct lite_relation *relation)
{
	struct lite_texts groups = {0};
	struct lite_term *terms;
	bool depends = false;
	uint32_t i;

	if (relation->keyed)
		return lite_refuse(builder, node, relation, "keys are looked up one by one");
	relation = lite_open_where(builder, relation);
	terms = relation ? consort_arena_array(builder->arena, node->nexprs + node->naggregates,
					       sizeof(*terms))
			 : NULL;
	if (!terms)
		return lite_out_of_memory(builder);
	for (i = 0; i < node->nexprs; i++)
		if (!group_term(builder, relation, node->exprs[i], &terms[i], &groups))
			return builder->status ? NULL : lite_refuse(builder, node, relation, builder->reason);
	for (i = 0; i < node->naggregates; i++)
		if (!aggregate_term(builder, relation, node->aggregates[i], &terms[node->nexprs + i]))
			return builder->status ? NULL : lite_refuse(builder, node, relation, builder->reason);
	for (i = 0; i < node->naggregates; i++)
		depends |= (node->aggregates[i]->kind == CONSORT_AGGREGATE_SUM ||
			    node->aggregates[i]->kind == CONSORT_AGGREGATE_AVG) &&
			   node->aggregates[i]->input->type.id == CONSORT_TYPE_FLOAT64;
	relation->group = groups;
	relation->order.count = 0;
	relation->aggregated = true;
	relation->single = !node->nexprs;
	relation->terms = terms;
	relation->nterms = node->nexprs + node->naggregates;
	lite_answer(builder, node->number, CONSORT_FIDELITY_EXACT,
		    depends ? "a sum of doubles depends on the order of the rows" : NULL);
	return relation;
}
