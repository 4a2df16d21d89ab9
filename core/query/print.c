/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions as SQL text, with as few parentheses as the grammar needs. */
#include "query/query.h"

#define LONGEST_TEXT 40

/* How tightly an operator binds, as in libpg_query's grammar. */
/* clang-format off */
enum binding {
	LOOSEST, BIND_OR, BIND_AND, BIND_NOT, BIND_IS, BIND_COMPARE, BIND_MATCH, BIND_OTHER, BIND_ADD,
	BIND_MULTIPLY, BIND_SIGN, BIND_CAST, TIGHTEST
};
/* clang-format on */

/* How an operator is written: between its arguments, in front, behind, or as a function. */
enum form { INFIX, PREFIX, POSTFIX, FUNCTION, SPECIAL };

static const struct spelling {
	const char *text;
	enum form form;
	enum binding binding;
} spellings[] = {
	[CONSORT_OP_EQ] = {" = ", INFIX, BIND_COMPARE},
	[CONSORT_OP_NE] = {" <> ", INFIX, BIND_COMPARE},
	[CONSORT_OP_LT] = {" < ", INFIX, BIND_COMPARE},
	[CONSORT_OP_LE] = {" <= ", INFIX, BIND_COMPARE},
	[CONSORT_OP_GT] = {" > ", INFIX, BIND_COMPARE},
	[CONSORT_OP_GE] = {" >= ", INFIX, BIND_COMPARE},
	[CONSORT_OP_NOT_DISTINCT] = {" is not distinct from ", INFIX, BIND_IS},
	[CONSORT_OP_DISTINCT] = {" is distinct from ", INFIX, BIND_IS},
	[CONSORT_OP_AND] = {" and ", INFIX, BIND_AND},
	[CONSORT_OP_OR] = {" or ", INFIX, BIND_OR},
	[CONSORT_OP_NOT] = {"not ", PREFIX, BIND_NOT},
	[CONSORT_OP_IS_NULL] = {" is null", POSTFIX, BIND_IS},
	[CONSORT_OP_NOT_NULL] = {" is not null", POSTFIX, BIND_IS},
	[CONSORT_OP_IS_TRUE] = {" is true", POSTFIX, BIND_IS},
	[CONSORT_OP_IS_FALSE] = {" is false", POSTFIX, BIND_IS},
	[CONSORT_OP_IN] = {" in ", SPECIAL, BIND_MATCH},
	[CONSORT_OP_LIKE] = {" like ", INFIX, BIND_MATCH},
	[CONSORT_OP_ILIKE] = {" ilike ", INFIX, BIND_MATCH},
	[CONSORT_OP_MATCH] = {"match", FUNCTION, TIGHTEST},
	[CONSORT_OP_ADD] = {" + ", INFIX, BIND_ADD},
	[CONSORT_OP_SUBTRACT] = {" - ", INFIX, BIND_ADD},
	[CONSORT_OP_MULTIPLY] = {" * ", INFIX, BIND_MULTIPLY},
	[CONSORT_OP_DIVIDE] = {" / ", INFIX, BIND_MULTIPLY},
	[CONSORT_OP_INTEGER_DIVIDE] = {" / ", INFIX, BIND_MULTIPLY},
	[CONSORT_OP_MODULO] = {" % ", INFIX, BIND_MULTIPLY},
	[CONSORT_OP_NEGATE] = {"-", PREFIX, BIND_SIGN},
	[CONSORT_OP_CONCAT] = {" || ", INFIX, BIND_OTHER},
	[CONSORT_OP_LOWER] = {"lower", FUNCTION, TIGHTEST},
	[CONSORT_OP_UPPER] = {"upper", FUNCTION, TIGHTEST},
	[CONSORT_OP_LENGTH] = {"length", FUNCTION, TIGHTEST},
	[CONSORT_OP_COALESCE] = {"coalesce", FUNCTION, TIGHTEST},
	[CONSORT_OP_CAST] = {"::", SPECIAL, BIND_CAST},
	[CONSORT_OP_CASE] = {"case", SPECIAL, TIGHTEST},
	[CONSORT_OP_PATH] = {" -> ", INFIX, BIND_OTHER},
	[CONSORT_OP_PATH_TEXT] = {" ->> ", SPECIAL, BIND_OTHER},
	[CONSORT_OP_TIME_BUCKET] = {"time_bucket", FUNCTION, TIGHTEST},
};

struct printer {
	const struct consort_field *const *fields;
	uint32_t nfields;
	struct consort_buffer *out;
};

static void print(const struct printer *p, const struct consort_expr *expr, enum binding outside);

/* --- leaves --- */

static bool is_plain(const char *name)
{
	return name[0] && !strchr("0123456789", name[0]) &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static void print_column(const struct printer *p, uint32_t index)
{
	const char *name = index < p->nfields ? p->fields[index]->name : NULL;

	if (!name)
		consort_buffer_printf(p->out, "#%u", index + 1);
	else if (is_plain(name))
		consort_buffer_text(p->out, name);
	else
		consort_buffer_quoted(p->out, name, strlen(name), '"');
}

/* A number with a sign, which binds less tightly than a cast. */
static bool is_negative(const struct consort_value *value)
{
	switch (value->type.id) {
	case CONSORT_TYPE_INT64:
		return value->as.int64 < 0;
	case CONSORT_TYPE_FLOAT64:
		return value->as.float64 < 0;
	case CONSORT_TYPE_DECIMAL:
		return value->as.decimal.high < 0;
	default:
		return false;
	}
}

static void print_literal(const struct printer *p, const struct consort_value *value)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	if (consort_value_is_null(value)) {
		consort_buffer_text(p->out, "null");
		return;
	}
	consort_value_print(value, &text);
	switch (value->type.id) {
	case CONSORT_TYPE_BOOL:
	case CONSORT_TYPE_INT64:
	case CONSORT_TYPE_FLOAT64:
	case CONSORT_TYPE_DECIMAL:
		consort_buffer_append(p->out, text.data, text.size);
		break;
	default:
		if (value->type.id != CONSORT_TYPE_TEXT) {
			consort_type_print(value->type, p->out);
			consort_buffer_char(p->out, ' ');
		}
		if (text.size > LONGEST_TEXT)
			consort_buffer_text(p->out, "'…'");
		else
			consort_buffer_quoted(p->out, text.data ? text.data : "", text.size, '\'');
	}
	if (text.failed)
		p->out->failed = 1;
	consort_buffer_clear(&text);
}

/* --- operators --- */

/* Arguments from…count with a separator between them; the first may bind as loosely as `first`. */
static void print_list(const struct printer *p, const struct consort_expr *call, uint32_t from,
		       const char *separator, enum binding first, enum binding rest)
{
	uint32_t i;

	for (i = from; i < call->nargs; i++) {
		if (i > from)
			consort_buffer_text(p->out, separator);
		print(p, call->args[i], i > from ? rest : first);
	}
}

static void print_infix(const struct printer *p, const struct consort_expr *call,
			const struct spelling *spelling)
{
	enum binding tighter = spelling->binding + 1;
	/* what groups to the left needs no parentheses there; comparisons do not group */
	bool groups = spelling->binding >= BIND_OTHER;

	print_list(p, call, 0, spelling->text, groups ? spelling->binding : tighter, tighter);
}

static void print_special(const struct printer *p, const struct consort_expr *call)
{
	uint32_t i;

	switch (call->op) {
	case CONSORT_OP_IN:
		print(p, call->args[0], BIND_MATCH + 1);
		consort_buffer_text(p->out, " in (");
		print_list(p, call, 1, ", ", LOOSEST, LOOSEST);
		consort_buffer_char(p->out, ')');
		break;
	case CONSORT_OP_CAST:
		print(p, call->args[0], BIND_CAST);
		consort_buffer_text(p->out, "::");
		consort_type_print(call->type, p->out);
		break;
	case CONSORT_OP_PATH_TEXT:
		print(p, call->args[0], BIND_OTHER);
		for (i = 1; i < call->nargs; i++) {
			consort_buffer_text(p->out, i + 1 < call->nargs ? " -> " : " ->> ");
			print(p, call->args[i], BIND_OTHER + 1);
		}
		break;
	default:
		consort_buffer_text(p->out, "case");
		for (i = 0; i + 1 < call->nargs; i += 2) {
			consort_buffer_text(p->out, " when ");
			print(p, call->args[i], LOOSEST);
			consort_buffer_text(p->out, " then ");
			print(p, call->args[i + 1], LOOSEST);
		}
		consort_buffer_text(p->out, " else ");
		print(p, call->args[call->nargs - 1], LOOSEST);
		consort_buffer_text(p->out, " end");
	}
}

static void print_call(const struct printer *p, const struct consort_expr *call, enum binding outside)
{
	size_t known = sizeof(spellings) / sizeof(spellings[0]);
	const struct spelling *spelling =
		call->op < known && spellings[call->op].text ? &spellings[call->op] : NULL;
	bool wrapped = spelling && spelling->binding < outside;

	if (!spelling) {
		consort_buffer_text(p->out, "?(");
		print_list(p, call, 0, ", ", LOOSEST, LOOSEST);
		consort_buffer_char(p->out, ')');
		return;
	}
	if (wrapped)
		consort_buffer_char(p->out, '(');
	switch (spelling->form) {
	case INFIX:
		print_infix(p, call, spelling);
		break;
	case PREFIX:
		consort_buffer_text(p->out, spelling->text);
		print(p, call->args[0], spelling->binding + 1);
		break;
	case POSTFIX:
		print(p, call->args[0], spelling->binding + 1);
		consort_buffer_text(p->out, spelling->text);
		break;
	case FUNCTION:
		consort_buffer_printf(p->out, "%s(", spelling->text);
		print_list(p, call, 0, ", ", LOOSEST, LOOSEST);
		consort_buffer_char(p->out, ')');
		break;
	default:
		print_special(p, call);
	}
	if (wrapped)
		consort_buffer_char(p->out, ')');
}

/* `outside`: what stands around it binds so tightly. */
static void print(const struct printer *p, const struct consort_expr *expr, enum binding outside)
{
	bool sign = expr->kind == CONSORT_EXPR_LITERAL && outside > BIND_SIGN && is_negative(&expr->value);

	switch (expr->kind) {
	case CONSORT_EXPR_LITERAL:
		consort_buffer_text(p->out, sign ? "(" : "");
		print_literal(p, &expr->value);
		consort_buffer_text(p->out, sign ? ")" : "");
		break;
	case CONSORT_EXPR_COLUMN:
		print_column(p, expr->index);
		break;
	case CONSORT_EXPR_PARAMETER:
		consort_buffer_printf(p->out, "$%u", expr->index + 1);
		break;
	default:
		print_call(p, expr, outside);
	}
}

void consort_expr_print(const struct consort_expr *expr, const struct consort_field *const *fields,
			uint32_t nfields, struct consort_buffer *out)
{
	struct printer printer = {fields, nfields, out};

	print(&printer, expr, LOOSEST);
}
