/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the clauses of a query: lines "s TEXT" (select), w, g, h, o (where, group, having, order), p
 * (one more value of a key to page after), u (assignments: an update), d (a delete). They are refused with a
 * message and a position, or become a tree whose expressions agree in columns, types and parameters with what
 * is around.
 */
#include "fuzz.h"
#include "query-helpers.h"

static bool is_number(struct consort_type type)
{
	return type.id == CONSORT_TYPE_INT64 || type.id == CONSORT_TYPE_FLOAT64 ||
	       type.id == CONSORT_TYPE_DECIMAL;
}

/* Arguments from, from + step, … have that type's id. */
static void check_args(const struct consort_expr *call, uint32_t from, uint32_t step, uint16_t id)
{
	uint32_t i;

	for (i = from; i < call->nargs; i += step)
		FUZZ_CHECK(call->args[i]->type.id == id);
}

static void check_call(const struct consort_expr *call)
{
	struct consort_type first = call->args[0]->type;

	FUZZ_CHECK(call->op && call->nargs);
	switch (call->op) {
	case CONSORT_OP_EQ:
	case CONSORT_OP_NE:
	case CONSORT_OP_LT:
	case CONSORT_OP_LE:
	case CONSORT_OP_GT:
	case CONSORT_OP_GE:
	case CONSORT_OP_NOT_DISTINCT:
	case CONSORT_OP_DISTINCT:
		FUZZ_CHECK(call->nargs == 2 && call->type.id == CONSORT_TYPE_BOOL);
		FUZZ_CHECK(first.id == call->args[1]->type.id ||
			   (is_number(first) && is_number(call->args[1]->type)));
		break;
	case CONSORT_OP_AND:
	case CONSORT_OP_OR:
		FUZZ_CHECK(call->nargs >= 2);
		check_args(call, 0, 1, CONSORT_TYPE_BOOL);
		break;
	case CONSORT_OP_IN:
		FUZZ_CHECK(call->nargs >= 2);
		check_args(call, 1, 1, first.id);
		break;
	case CONSORT_OP_COALESCE:
	case CONSORT_OP_ADD:
	case CONSORT_OP_SUBTRACT:
	case CONSORT_OP_MULTIPLY:
	case CONSORT_OP_DIVIDE:
	case CONSORT_OP_INTEGER_DIVIDE:
	case CONSORT_OP_MODULO:
	case CONSORT_OP_NEGATE:
	case CONSORT_OP_CONCAT:
		check_args(call, 0, 1, call->type.id);
		break;
	case CONSORT_OP_CASE:
		FUZZ_CHECK(call->nargs % 2 == 1);
		if (call->nargs > 1)
			check_args(call, 1, 2, call->type.id);
		check_args(call, call->nargs - 1, 1, call->type.id);
		break;
	case CONSORT_OP_PATH:
	case CONSORT_OP_PATH_TEXT:
		FUZZ_CHECK(first.id == CONSORT_TYPE_JSON);
		break;
	default:
		break;
	}
}

static void check_expr(const struct consort_logical *logical, const struct consort_node *input,
		       const struct consort_expr *expr)
{
	uint32_t i;

	FUZZ_CHECK(expr->struct_size == sizeof(*expr) && !(expr->flags & ~3u));
	switch (expr->kind) {
	case CONSORT_EXPR_LITERAL:
		FUZZ_CHECK(consort_value_is_null(&expr->value) ||
			   consort_type_equal(expr->value.type, expr->type));
		break;
	case CONSORT_EXPR_COLUMN:
		FUZZ_CHECK(expr->index < input->nfields);
		FUZZ_CHECK(consort_type_equal(expr->type, input->fields[expr->index]->type));
		FUZZ_CHECK(!(expr->flags & CONSORT_EXPR_NOT_NULL) ||
			   (input->fields[expr->index]->flags & CONSORT_ATTRIBUTE_NOT_NULL));
		break;
	case CONSORT_EXPR_PARAMETER:
		FUZZ_CHECK(expr->index < logical->nparameters);
		FUZZ_CHECK(consort_type_equal(expr->type, logical->parameters[expr->index]));
		break;
	default:
		FUZZ_CHECK(expr->kind == CONSORT_EXPR_CALL);
		check_call(expr);
	}
	for (i = 0; i < expr->nargs; i++)
		check_expr(logical, input, expr->args[i]);
}

static void check_node(const struct consort_logical *logical, const struct consort_node *node)
{
	const struct consort_node *input =
		node->kind == CONSORT_NODE_JOIN || !node->ninputs ? node : node->inputs[0];
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	uint32_t i;

	FUZZ_CHECK(!node->nfields == (node->kind >= CONSORT_NODE_UPDATE));
	for (i = 0; i < node->nexprs; i++) {
		check_expr(logical, input, node->exprs[i]);
		consort_expr_print(node->exprs[i], input->fields, input->nfields, &text);
	}
	FUZZ_CHECK(!text.failed && (!text.size || consort_utf8_valid(text.data, text.size, NULL)));
	consort_buffer_clear(&text);
	for (i = 0; i < node->naggregates; i++)
		if (node->aggregates[i]->input)
			check_expr(logical, input, node->aggregates[i]->input);
	for (i = 0; i < node->norders; i++)
		check_expr(logical, input, node->orders[i]->expr);
	for (i = 0; i < node->ninputs; i++)
		check_node(logical, node->inputs[i]);
}

#define MOST_CONDITIONS 4

/* Takes the text apart, at its newlines. */
static bool read_clauses(char *text, struct consort_clauses *clauses, const char **where)
{
	char *line, *rest = text;
	bool write = false;

	clauses->where = where;
	while ((line = strsep(&rest, "\n"))) {
		const char *value = line[0] && line[1] ? line + 2 : "";

		switch (line[0]) {
		case 's':
			clauses->select = value;
			break;
		case 'w':
			if (clauses->nwhere < MOST_CONDITIONS)
				where[clauses->nwhere++] = value;
			break;
		case 'g':
			clauses->group = value;
			break;
		case 'h':
			clauses->having = value;
			break;
		case 'o':
			clauses->order = value;
			break;
		case 'p':
			clauses->nafter++;
			break;
		case 'u':
			clauses->assignments = value;
			write = true;
			break;
		case 'd':
			write = true;
			break;
		default:
			break;
		}
	}
	return write;
}

static void check_failure(enum consort_status status, const struct consort_error *error, size_t size)
{
	FUZZ_CHECK(error->status == status && error->message[0]);
	FUZZ_CHECK(status == CONSORT_ESYNTAX || status == CONSORT_ENAME || status == CONSORT_ETYPE ||
		   status == CONSORT_ERANGE || status == CONSORT_EINVAL || status == CONSORT_EREADONLY);
	FUZZ_CHECK(consort_utf8_valid(error->message, strlen(error->message), NULL));
	FUZZ_CHECK(error->position >= 0 && (size_t)error->position <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct consort_clauses clauses = query_of(size && data[0] == 'l' ? "leg" : "flight");
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_logical logical = {0};
	const char *where[MOST_CONDITIONS];
	struct consort_arena arena;
	enum consort_status status;
	char *text = malloc(size + 1);

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	consort_arena_init(&arena, 0);
	if (read_clauses(text, &clauses, where))
		status = consort_query_resolve_write(&clauses, !clauses.assignments, &query_names, &arena,
						     &logical, &error);
	else
		status = consort_query_resolve(&clauses, &query_names, &arena, &logical, &error);
	FUZZ_CHECK(!status == (logical.root != NULL));
	if (status) {
		check_failure(status, &error, size);
	} else {
		check_node(&logical, logical.root);
		if (logical.after)
			check_node(&logical, logical.after);
	}
	consort_arena_clear(&arena);
	free(text);
	return 0;
}
