/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons and patterns. Both sides must be of one family, so that PostgreSQL compares them by value as
 * the core does. Texts are the same only if their bytes are, which is so under every deterministic collation,
 * and an index of the column's own serves; they are ordered by their bytes, which COLLATE "C" says.
 */
#include "sql.h"

#include <math.h>
#include <string.h>

#include <consort/convert.h>

#define NUMBER_MOST 1e300 /* far from where a double ends */

/* --- texts --- */

bool pg_knows_characters(struct consort_sql_builder *builder)
{
	return (pg_facts(builder) & PG_FACT_UTF8) ||
	       consort_sql_no(builder, "the database's encoding is not UTF-8");
}

/* Does PostgreSQL order such texts by their bytes without being told? */
static bool is_by_bytes(const struct consort_sql_builder *builder, const struct pg_storage *storage)
{
	return storage->collation == PG_COLLATION_C ||
	       (storage->collation == PG_COLLATION_DEFAULT && (pg_facts(builder) & PG_FACT_C_DEFAULT));
}

void pg_append_text(struct consort_sql_builder *builder, const struct pg_storage *storage, const char *sql,
		    bool ordered, struct consort_buffer *out)
{
	bool cast = storage->codec == PG_BPCHAR || storage->codec == PG_CITEXT || storage->codec == PG_ENUM;
	bool collate =
		storage->collation == PG_COLLATION_LOOSE || (ordered && !is_by_bytes(builder, storage));

	consort_buffer_printf(out, cast ? "(%s)::text" : "%s", sql);
	consort_buffer_text(out, collate ? " COLLATE \"C\"" : "");
}

/* Do bytes that differ compare as equal there? */
static bool is_loose(const struct pg_storage *storage)
{
	return storage->collation == PG_COLLATION_LOOSE || storage->codec == PG_BPCHAR ||
	       storage->codec == PG_CITEXT || storage->codec == PG_ENUM;
}

/* --- what two sides have in common --- */

static uint8_t family_of_type(struct consort_type type)
{
	return pg_codecs[pg_plain_storage(type).codec].family;
}

/* What the sides are compared as. */
struct common {
	struct pg_storage storage; /* constants are sent as this */
	uint32_t columns;	   /* how many are no constants */
	bool loose, collated;	   /* of texts: see is_loose; of more than one collation, perhaps */
};

static bool add_side(struct consort_sql_builder *builder, struct common *common,
		     const struct pg_storage *storage)
{
	uint8_t family = pg_codecs[storage->codec].family, other = pg_codecs[common->storage.codec].family;

	if (storage->converts)
		return consort_sql_no(builder, "the column is of another type than the attribute");
	if (family == PG_NO_FAMILY)
		return consort_sql_no(builder,
				      "PostgreSQL does not compare values of this type as the core does");
	common->loose |= is_loose(storage);
	if (!common->columns++) {
		common->storage = *storage;
		if (family == PG_FAMILY_INTEGER)
			common->storage.codec = PG_INT8;
		else if (family == PG_FAMILY_REAL)
			common->storage.codec = PG_FLOAT8;
		else if (family == PG_FAMILY_TEXT) /* blanks and all */
			common->storage.codec = PG_TEXT;
		return true;
	}
	if (family == PG_FAMILY_TEXT)
		common->collated |= storage->collation != PG_COLLATION_DEFAULT ||
				    common->storage.collation != PG_COLLATION_DEFAULT;
	if (family == other) {
		if (storage->codec == PG_TIMESTAMPTZ)
			common->storage.codec = PG_TIMESTAMPTZ;
		return true;
	}
	if ((family == PG_FAMILY_INTEGER && other == PG_FAMILY_NUMERIC) ||
	    (family == PG_FAMILY_NUMERIC && other == PG_FAMILY_INTEGER)) {
		common->storage.codec = PG_NUMERIC;
		return true;
	}
	return consort_sql_no(builder, "PostgreSQL rounds one side to compare it with the other");
}

static bool add_constant(struct consort_sql_builder *builder, struct common *common, struct consort_type type)
{
	uint8_t family = family_of_type(type), other = pg_codecs[common->storage.codec].family;

	if (type.id >= CONSORT_TYPE_COUNT)
		return consort_sql_no(builder, "PostgreSQL has no such type");
	if (type.id == CONSORT_TYPE_NULL || family == other)
		return true;
	if ((family == PG_FAMILY_INTEGER && other == PG_FAMILY_NUMERIC) ||
	    (family == PG_FAMILY_NUMERIC && other == PG_FAMILY_INTEGER)) {
		common->storage.codec = PG_NUMERIC;
		return true;
	}
	return consort_sql_no(builder, "PostgreSQL rounds one side to compare it with the other");
}

/* A text literal that no text form of an object or array can be mistaken for lets PATH_TEXT be compared. */
static bool is_path_text(const struct consort_expr *expr)
{
	return expr->kind == CONSORT_EXPR_CALL && expr->op == CONSORT_OP_PATH_TEXT;
}

static bool check_paths(struct consort_sql_builder *builder, const struct consort_expr *const *args,
			uint32_t nargs)
{
	uint32_t paths = 0, plain = 0, i;

	for (i = 0; i < nargs; i++) {
		paths += is_path_text(args[i]);
		plain += args[i]->kind == CONSORT_EXPR_LITERAL && !pg_starts_like_a_document(args[i]);
	}
	return !paths || (paths == 1 && plain + 1 == nargs) ||
	       consort_sql_no(builder, "PostgreSQL puts blanks into objects and arrays");
}

static bool find_common(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *const *args, uint32_t nargs, struct common *out)
{
	const struct pg_storage *storage;
	uint32_t i, first = 0;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < nargs; i++) {
		storage = pg_expr_storage(relation, args[i]);
		if (storage && !add_side(builder, out, storage))
			return false;
	}
	while (!out->columns && first + 1 < nargs && args[first]->type.id == CONSORT_TYPE_NULL)
		first++;
	if (!out->columns)
		out->storage = pg_plain_storage(args[first]->type);
	for (i = 0; i < nargs; i++)
		if (consort_sql_is_constant(args[i]) && !add_constant(builder, out, args[i]->type))
			return false;
	return pg_codecs[out->storage.codec].family != PG_NO_FAMILY ||
	       consort_sql_no(builder, "PostgreSQL does not compare values of this type as the core does");
}

/* --- operands --- */

/* One side, as it is compared: numbers as they are, so that an index is used. */
static bool render_side(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			const struct consort_expr *expr, const struct pg_storage *common, bool ordered,
			struct consort_buffer *out)
{
	const struct pg_storage *storage = pg_expr_storage(relation, expr);
	struct consort_buffer sql = CONSORT_BUFFER_INIT;
	struct pg_storage want = *common;
	bool taken;

	if (is_path_text(expr))
		return pg_render_path_text(builder, relation, expr, out);
	if (!storage)
		return consort_sql_is_constant(expr)
			       ? pg_render_constant(builder, expr, common, PG_COMPARE, out)
			       : consort_sql_no(builder, "PostgreSQL has no such expression");
	if (pg_codecs[storage->codec].family != PG_FAMILY_TIMESTAMP)
		want = *storage;
	if (expr->kind == CONSORT_EXPR_COLUMN && pg_codecs[storage->codec].family == PG_FAMILY_TEXT) {
		pg_append_text(builder, storage, pg_term_at(relation, expr->index)->base.sql, ordered, out);
		return true;
	}
	taken = pg_render(builder, relation, expr, &want, &sql);
	if (sql.failed)
		out->failed = 1;
	else if (taken && pg_codecs[storage->codec].family == PG_FAMILY_TEXT)
		pg_append_text(builder, storage, sql.data, ordered, out);
	else if (taken) /* comparisons and tests do not stand beside each other bare */
		consort_buffer_printf(out, storage->codec == PG_BOOL ? "(%s)" : "%s", sql.data);
	consort_buffer_clear(&sql);
	return taken;
}

bool pg_render_comparable(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			  const struct consort_expr *expr, bool ordered, struct consort_buffer *out)
{
	struct common common;

	if (!find_common(builder, relation, &expr, 1, &common))
		return false;
	if (is_path_text(expr))
		return consort_sql_no(builder, "PostgreSQL puts blanks into objects and arrays");
	if (ordered && pg_codecs[common.storage.codec].family == PG_FAMILY_TEXT &&
	    !pg_knows_characters(builder))
		return false;
	return render_side(builder, relation, expr, &common.storage, ordered, out);
}

/* --- comparisons --- */

static const char *operation_of(uint32_t op)
{
	static const char *const operations[] = {
		[CONSORT_OP_EQ] = " = ",
		[CONSORT_OP_NE] = " <> ",
		[CONSORT_OP_LT] = " < ",
		[CONSORT_OP_LE] = " <= ",
		[CONSORT_OP_GT] = " > ",
		[CONSORT_OP_GE] = " >= ",
		[CONSORT_OP_NOT_DISTINCT] = " IS NOT DISTINCT FROM ",
		[CONSORT_OP_DISTINCT] = " IS DISTINCT FROM ",
	};

	return operations[op];
}

/*
 * What is equal byte by byte is equal in every sense, so the column's own equality, whose index can be used,
 * may stand in front: "column = value AND ".
 */
static bool render_index_helper(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				const struct consort_expr *expr, const struct common *common,
				struct consort_buffer *out)
{
	const struct consort_expr *column = expr->args[0], *constant = expr->args[1];
	struct consort_buffer type = CONSORT_BUFFER_INIT;
	const struct pg_term *term;

	if (consort_sql_is_constant(column)) {
		column = expr->args[1];
		constant = expr->args[0];
	}
	if (expr->op != CONSORT_OP_EQ || common->columns != 1 || !consort_sql_is_constant(constant) ||
	    column->kind != CONSORT_EXPR_COLUMN)
		return true;
	term = pg_term_at(relation, column->index);
	if (!term->base.resource || term->storage.codec == PG_ENUM || !term->base.sql)
		return true;
	consort_buffer_printf(out, "%s = ", term->base.sql);
	if (!pg_render_constant(builder, constant, &common->storage, PG_COMPARE, out))
		return false;
	if (term->storage.codec == PG_BPCHAR) {
		consort_buffer_text(out, "::bpchar");
	} else if (term->storage.codec == PG_CITEXT) {
		pg_base_type(term->base.resource->attributes[term->base.attribute]->engine_type, &type);
		consort_buffer_printf(out, "::%s", type.failed ? "" : type.data);
		out->failed |= type.failed;
		consort_buffer_clear(&type);
	}
	consort_buffer_text(out, " AND ");
	return true;
}

bool pg_render_compare(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out)
{
	bool ordered = expr->op == CONSORT_OP_LT || expr->op == CONSORT_OP_LE || expr->op == CONSORT_OP_GT ||
		       expr->op == CONSORT_OP_GE;
	struct common common;
	bool is_text, helped;

	if (expr->nargs != 2 || !find_common(builder, relation, expr->args, 2, &common) ||
	    !check_paths(builder, expr->args, 2))
		return false;
	is_text = pg_codecs[common.storage.codec].family == PG_FAMILY_TEXT;
	if (is_text && ordered && !pg_knows_characters(builder))
		return false;
	helped = is_text && common.loose && expr->op == CONSORT_OP_EQ;
	consort_buffer_text(out, helped ? "(" : "");
	if (helped && !render_index_helper(builder, relation, expr, &common, out))
		return false;
	if (!render_side(builder, relation, expr->args[0], &common.storage, ordered, out))
		return false;
	/* two collations that were not chosen here are an error to PostgreSQL */
	if (is_text && common.collated && !ordered && !common.loose)
		consort_buffer_text(out, " COLLATE \"C\"");
	consort_buffer_text(out, operation_of(expr->op));
	if (!render_side(builder, relation, expr->args[1], &common.storage, ordered, out))
		return false;
	consort_buffer_text(out, helped ? ")" : "");
	return true;
}

bool pg_render_in(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		  const struct consort_expr *expr, struct consort_buffer *out)
{
	struct common common;
	uint32_t i;

	if (expr->nargs < 2 || !find_common(builder, relation, expr->args, expr->nargs, &common) ||
	    !check_paths(builder, expr->args, expr->nargs) ||
	    !render_side(builder, relation, expr->args[0], &common.storage, false, out))
		return false;
	if (pg_codecs[common.storage.codec].family == PG_FAMILY_TEXT && common.collated && !common.loose)
		consort_buffer_text(out, " COLLATE \"C\"");
	for (i = 1; i < expr->nargs; i++) {
		consort_buffer_text(out, i == 1 ? " IN (" : ", ");
		if (!render_side(builder, relation, expr->args[i], &common.storage, false, out))
			return false;
	}
	consort_buffer_char(out, ')');
	return true;
}

bool pg_render_null_test(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			 const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *arg = expr->args[0];

	if (is_path_text(arg)) {
		if (!pg_render_path_text(builder, relation, arg, out))
			return false;
	} else if (arg->kind == CONSORT_EXPR_COLUMN && arg->index < relation->nterms &&
		   pg_term_at(relation, arg->index)->raw) {
		consort_buffer_text(out, pg_term_at(relation, arg->index)->raw);
	} else {
		return consort_sql_null_test(builder, relation, expr, pg_render, out);
	}
	consort_buffer_text(out, expr->op == CONSORT_OP_IS_NULL ? " IS NULL" : " IS NOT NULL");
	return true;
}

/* --- patterns --- */

/* Of a literal: nothing but ASCII, whose letters are folded alike. */
static bool is_ascii(const struct consort_expr *pattern)
{
	const struct consort_view text = pattern->value.as.view;
	uint64_t i;

	for (i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] >= 0x80)
			return false;
	return true;
}

/* Can no object's or array's text match it? */
static bool spares_documents(const struct consort_expr *pattern)
{
	const struct consort_view text = pattern->value.as.view;

	return pattern->kind == CONSORT_EXPR_LITERAL && !consort_value_is_null(&pattern->value) &&
	       (!text.size || !memchr("%_\\", *text.data, 3)) && !pg_starts_like_a_document(pattern);
}

static bool render_match_of(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
			    const struct consort_expr *expr, struct consort_buffer *out)
{
	bool folds = expr->op == CONSORT_OP_ILIKE;
	struct common common;

	if (!pg_knows_characters(builder) || !find_common(builder, relation, expr->args, 1, &common))
		return false;
	if (is_path_text(expr->args[0]) && !spares_documents(expr->args[1]))
		return consort_sql_no(builder, "PostgreSQL puts blanks into objects and arrays");
	consort_buffer_char(out, '(');
	if (!render_side(builder, relation, expr->args[0], &common.storage, false, out))
		return false;
	consort_buffer_text(out, folds ? " ~ " : " LIKE ");
	if (!pg_render_constant(builder, expr->args[1], &common.storage, folds ? PG_REGEX : PG_LIKE, out))
		return false;
	consort_buffer_char(out, ')');
	return true;
}

/* ILIKE as a regular expression that names both cases of each letter: PostgreSQL's own folds by its locale.
 */
bool pg_render_like(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		    const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *pattern = expr->args[1];

	if (!consort_sql_is_constant(pattern) || pattern->type.id != CONSORT_TYPE_TEXT)
		return consort_sql_no(builder, "only a literal or parameter can be a pattern");
	if (expr->op == CONSORT_OP_ILIKE && (pattern->kind != CONSORT_EXPR_LITERAL ||
					     consort_value_is_null(&pattern->value) || !is_ascii(pattern)))
		return consort_sql_no(builder, "PostgreSQL folds case as its locale does");
	return render_match_of(builder, relation, expr, out);
}

/* --- supersets --- */

/* PATH_TEXT beside what may be the text of an object or array: those are all let through. */
static bool render_path_loosely(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				const struct consort_expr *expr, struct consort_buffer *out)
{
	const struct consort_expr *path = expr->args[0], *constant = expr->args[1];
	const struct pg_storage want = pg_plain_storage(consort_type_of(CONSORT_TYPE_TEXT));

	if (!is_path_text(path)) {
		path = expr->args[1];
		constant = expr->args[0];
	}
	if (!is_path_text(path) || !consort_sql_is_constant(constant))
		return false;
	consort_buffer_char(out, '(');
	if (!pg_render_path_text(builder, relation, path, out))
		return false;
	consort_buffer_text(out, " = ");
	if (!pg_render_constant(builder, constant, &want, PG_COMPARE, out))
		return false;
	consort_buffer_text(out, " OR jsonb_typeof(");
	if (!pg_render_path(builder, relation, path, out))
		return false;
	consort_buffer_text(out, ") IN ('object', 'array'))");
	builder->reason = "PostgreSQL puts blanks into objects and arrays";
	return true;
}

/* The shortest text of the double below a literal, above it (up), or of itself. */
static bool append_bound(const struct consort_expr *literal, int up, struct consort_buffer *out)
{
	double number = literal->value.as.float64;
	char text[CONSORT_FLOAT64_SIZE];

	if (literal->kind != CONSORT_EXPR_LITERAL || consort_value_is_null(&literal->value) ||
	    literal->type.id != CONSORT_TYPE_FLOAT64 || !(fabs(number) < NUMBER_MOST))
		return false;
	if (up)
		number = nextafter(number, up > 0 ? INFINITY : -INFINITY);
	consort_float64_print(number, text);
	consort_buffer_printf(out, "'%s'::numeric", text);
	return true;
}

/*
 * A number in a document that is read as a double. The double is nearest to what jsonb writes out in full, so
 * where it must not be below a literal the number is above the double below that. What is no number, or
 * beyond the doubles, is an error that the core tells: it is let through.
 */
static bool render_number_loosely(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
				  const struct consort_expr *expr, struct consort_buffer *out)
{
	static const struct {
		const char *above, *below; /* bounds that the number lies between; NULL: none */
		int down, up;
	} bounds[] = {
		[CONSORT_OP_EQ] = {" > ", " < ", -1, 1}, [CONSORT_OP_LT] = {NULL, " < ", 0, 0},
		[CONSORT_OP_LE] = {NULL, " < ", 0, 1},	 [CONSORT_OP_GT] = {" > ", NULL, 0, 0},
		[CONSORT_OP_GE] = {" > ", NULL, -1, 0},
	};
	bool turned = consort_sql_is_constant(expr->args[0]);
	const struct consort_expr *cast = expr->args[turned], *literal = expr->args[!turned];
	uint32_t op = turned ? consort_sql_mirrored(expr->op) : expr->op;
	struct consort_buffer path = CONSORT_BUFFER_INIT;
	bool taken;

	if (cast->kind != CONSORT_EXPR_CALL || cast->op != CONSORT_OP_CAST ||
	    cast->type.id != CONSORT_TYPE_FLOAT64 || cast->args[0]->kind != CONSORT_EXPR_CALL ||
	    cast->args[0]->op != CONSORT_OP_PATH ||
	    !pg_render_path(builder, relation, cast->args[0], &path)) {
		consort_buffer_clear(&path);
		return false;
	}
	consort_buffer_printf(out, "CASE WHEN jsonb_typeof(%s) = 'number' THEN abs(%s::numeric) > 1e300 OR (",
			      path.data, path.data);
	taken = true;
	if (bounds[op].above) {
		consort_buffer_printf(out, "%s::numeric%s", path.data, bounds[op].above);
		taken = append_bound(literal, bounds[op].down, out);
	}
	consort_buffer_text(out, bounds[op].above && bounds[op].below ? " AND " : "");
	if (taken && bounds[op].below) {
		consort_buffer_printf(out, "%s::numeric%s", path.data, bounds[op].below);
		taken = append_bound(literal, bounds[op].up, out);
	}
	consort_buffer_printf(out, ") ELSE %s IS NOT NULL END", path.data);
	out->failed |= path.failed;
	consort_buffer_clear(&path);
	builder->reason = "what is no number there is an error, which the core tells";
	return taken;
}

bool pg_render_loosely(struct consort_sql_builder *builder, struct consort_sql_relation *relation,
		       const struct consort_expr *expr, struct consort_buffer *out)
{
	if (expr->kind != CONSORT_EXPR_CALL || expr->nargs != 2)
		return false;
	switch (expr->op) {
	case CONSORT_OP_EQ:
		return render_path_loosely(builder, relation, expr, out) ||
		       render_number_loosely(builder, relation, expr, out);
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
		return render_number_loosely(builder, relation, expr, out);
	case CONSORT_OP_ILIKE:
		if (!consort_sql_is_constant(expr->args[1]) || expr->args[1]->type.id != CONSORT_TYPE_TEXT ||
		    !render_match_of(builder, relation, expr, out))
			return false;
		builder->reason = "only letters of ASCII are folded alike";
		return true;
	default:
		return false;
	}
}
