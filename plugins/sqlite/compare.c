/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons. Two sides compare as they are stored, so both must be stored in the same way; and texts are
 * the same only if their bytes are, whatever collation a column has.
 */
#include "sql.h"

#define PATTERN_MOST 16000 /* SQLite takes GLOB patterns of 50000 bytes, and one of ours may become three */

static const struct lite_storage plain_text = {.codec = LITE_TEXT, .equality = true, .order = true};

static bool is_number(const struct lite_storage *storage)
{
	return storage->codec == LITE_INT64 || storage->codec == LITE_FLOAT64 || storage->codec == LITE_SUM;
}

/* What all of the expressions are compared as; NULL with the reason. */
static const struct lite_storage *common_storage(struct consort_sql_builder *builder,
						 struct consort_sql_relation *relation,
						 const struct consort_expr *const *exprs, uint32_t count,
						 bool ordered, struct lite_storage *out)
{
	const struct lite_storage *first = NULL;
	bool collated = false;
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct lite_storage *storage = lite_expr_storage(relation, exprs[i]);

		if (!storage)
			continue;
		if (!storage->equality) {
			builder->reason = "SQLite cannot compare values of this type as they are stored";
			return NULL;
		}
		if (first && first->codec != storage->codec && !(is_number(first) && is_number(storage))) {
			builder->reason = "the two sides are stored in different ways";
			return NULL;
		}
		collated |= storage->collated;
		if (!first)
			first = storage;
	}
	if (first) {
		*out = *first;
	} else {
		for (i = 0; i + 1 < count && exprs[i]->type.id == CONSORT_TYPE_NULL; i++)
			;
		*out = lite_plain_storage(exprs[i]->type);
	}
	out->collated = collated;
	if (ordered && !lite_orders(builder, out)) {
		builder->reason = "SQLite does not order values of this type as they are stored";
		return NULL;
	}
	return out;
}

void lite_render_equality(const struct lite_storage *storage, const char *left, const char *operation,
			  const char *right, struct consort_buffer *out)
{
	/* what is equal byte by byte is equal under any collation, whose index this uses */
	if (storage->collated)
		consort_buffer_printf(out, "(%s%s%s AND %s COLLATE BINARY%s%s)", left, operation, right, left,
				      operation, right);
	else
		consort_buffer_printf(out, "%s%s%s", left, operation, right);
}

/* An expression that stands beside an operator. */
static bool render_operand(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			   const struct consort_expr *expr, const struct lite_storage *want,
			   struct consort_buffer *out)
{
	if (expr->kind != CONSORT_EXPR_CALL)
		return lite_render(builder, relation, expr, want, out);
	consort_buffer_char(out, '(');
	if (!lite_render(builder, relation, expr, want, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

bool lite_render_compare(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, const char *operation, bool ordered,
			 struct consort_buffer *out)
{
	struct consort_buffer left = CONSORT_BUFFER_INIT, right = CONSORT_BUFFER_INIT;
	struct lite_storage both = {0};
	bool taken = false;

	if (expr->nargs != 2 || !common_storage(builder, relation, expr->args, 2, ordered, &both) ||
	    !render_operand(builder, relation, expr->args[0], &both, &left) ||
	    !render_operand(builder, relation, expr->args[1], &both, &right))
		goto out;
	taken = true;
	if (left.failed || right.failed)
		out->failed = 1;
	else if (expr->op == CONSORT_OP_EQ)
		lite_render_equality(&both, left.data, operation, right.data, out);
	else
		consort_buffer_printf(out, "%s%s%s%s", left.data, both.collated ? " COLLATE BINARY" : "",
				      operation, right.data);
out:
	consort_buffer_clear(&left);
	consort_buffer_clear(&right);
	return taken;
}

bool lite_render_in(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out)
{
	struct consort_buffer left = CONSORT_BUFFER_INIT, list = CONSORT_BUFFER_INIT;
	struct lite_storage all = {0};
	bool taken = false;
	uint32_t i;

	if (expr->nargs < 2 || !common_storage(builder, relation, expr->args, expr->nargs, false, &all) ||
	    !render_operand(builder, relation, expr->args[0], &all, &left))
		goto out;
	for (i = 1; i < expr->nargs; i++) {
		consort_buffer_text(&list, i == 1 ? "(" : ", ");
		if (!lite_render(builder, relation, expr->args[i], &all, &list))
			goto out;
	}
	consort_buffer_char(&list, ')');
	taken = true;
	if (left.failed || list.failed)
		out->failed = 1;
	else
		lite_render_equality(&all, left.data, " IN ", list.data, out);
out:
	consort_buffer_clear(&left);
	consort_buffer_clear(&list);
	return taken;
}

/* --- patterns --- */

/* A text whose characters count. */
bool lite_render_text(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *arg, struct consort_buffer *out)
{
	const struct lite_storage *storage = lite_expr_storage(relation, arg);

	if (storage && storage->codec != LITE_TEXT)
		return consort_sql_no(builder, "the column does not hold plain text");
	return lite_render(builder, relation, arg, &plain_text, out);
}

/* As GLOB, which neither folds case nor depends on a PRAGMA. */
bool lite_render_like(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		      const struct consort_expr *expr, struct consort_buffer *out)
{
	if (!consort_sql_is_constant(expr->args[1]) || expr->args[1]->type.id != CONSORT_TYPE_TEXT)
		return consort_sql_no(builder, "only a literal or parameter can be a pattern in SQLite");
	if (expr->args[1]->kind == CONSORT_EXPR_LITERAL && expr->args[1]->value.as.view.size > PATTERN_MOST)
		return consort_sql_no(builder, "the pattern is too long for SQLite");
	consort_buffer_char(out, '(');
	if (!lite_render_text(builder, relation, expr->args[0], out))
		return false;
	consort_buffer_text(out, " GLOB ");
	if (!lite_render_constant(builder, expr->args[1], &plain_text, LITE_GLOB, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

/* --- supersets --- */

static bool render_bound(struct consort_sql_builder *builder, const struct consort_expr *constant,
			 enum lite_purpose purpose, const struct lite_term *term, struct consort_buffer *out)
{
	consort_buffer_printf(out, "%s%s%s", term->base.sql, term->storage.collated ? " COLLATE BINARY" : "",
			      purpose == LITE_DAY_FROM ? " >= " : " < ");
	return lite_render_constant(builder, constant, &term->storage, purpose, out);
}

/*
 * Timestamps as text, in any of ISO 8601's forms, start with a date that is at most a day from their
 * instant's (a zone is less than a day). So a comparison of instants implies one of dates, as texts, with a
 * day to spare, which an index serves.
 */
bool lite_render_superset(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *column, *constant;
	const struct lite_term *term;
	bool swapped;
	uint32_t op;

	if (expr->kind != CONSORT_EXPR_CALL || expr->nargs != 2)
		return false;
	swapped = expr->args[0]->kind != CONSORT_EXPR_COLUMN;
	column = expr->args[swapped];
	constant = expr->args[!swapped];
	op = swapped ? consort_sql_mirrored(expr->op) : expr->op;
	if (column->kind != CONSORT_EXPR_COLUMN || column->index >= relation->nterms ||
	    !consort_sql_is_constant(constant) || constant->type.id != CONSORT_TYPE_TIMESTAMP)
		return false;
	term = lite_term_at(relation, column->index);
	if (!term->base.sql || term->storage.codec != LITE_ISO)
		return false;
	switch (op) {
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
		return render_bound(builder, constant, LITE_DAY_FROM, term, out);
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
		return render_bound(builder, constant, LITE_DAY_TO, term, out);
	case CONSORT_OP_EQ:
		if (!render_bound(builder, constant, LITE_DAY_FROM, term, out))
			return false;
		consort_buffer_text(out, " AND ");
		return render_bound(builder, constant, LITE_DAY_TO, term, out);
	default:
		return false;
	}
}
