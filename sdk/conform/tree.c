/* SPDX-License-Identifier: Apache-2.0 */
/* Plans made by hand, as the core would make them, and made up ones that no core makes yet. */
#include "drive.h"

#define OFFER_TAIL 16 /* places behind those of the tree's numbers */
#define OFFER_CANARY 0x77

static const void *list_of(const void *items, size_t count, size_t size)
{
	void *list = conform_frozen((count + 1) * size);

	if (count)
		memcpy(list, items, count * size);
	return list;
}

/* --- expressions --- */

static struct consort_expr *expr_new(uint32_t kind, struct consort_type type)
{
	struct consort_expr *expr = STRUCT(struct consort_expr);

	expr->kind = kind;
	expr->type = type;
	expr->position = -1;
	return expr;
}

const struct consort_expr *tree_column(const struct consort_node *input, uint32_t index)
{
	struct consort_expr *expr = expr_new(CONSORT_EXPR_COLUMN, input->fields[index]->type);

	expr->index = index;
	expr->flags = input->fields[index]->flags & CONSORT_ATTRIBUTE_NOT_NULL ? CONSORT_EXPR_NOT_NULL : 0;
	return expr;
}

const struct consort_expr *tree_parameter(uint32_t index, struct consort_type type)
{
	struct consort_expr *expr = expr_new(CONSORT_EXPR_PARAMETER, type);

	expr->index = index;
	return expr;
}

const struct consort_expr *tree_literal(struct consort_value value)
{
	struct consort_expr *expr = expr_new(CONSORT_EXPR_LITERAL, value.type);

	expr->value = value;
	return expr;
}

const struct consort_expr *tree_call_of(uint32_t op, struct consort_type type,
					const struct consort_expr *const *args, uint32_t nargs)
{
	struct consort_expr *expr = expr_new(CONSORT_EXPR_CALL, type);

	expr->op = op;
	expr->nargs = nargs;
	expr->args = list_of(args, nargs, sizeof(args[0]));
	return expr;
}

const struct consort_expr *tree_call(uint32_t op, struct consort_type type, const struct consort_expr *a,
				     const struct consort_expr *b)
{
	const struct consort_expr *args[] = {a, b};

	return tree_call_of(op, type, args, b ? 2 : 1);
}

const struct consort_expr *tree_compare(const struct consort_node *input, uint32_t column, uint32_t op,
					int number)
{
	const struct consort_expr *left = tree_column(input, column);

	return tree_call(op, consort_type_of(CONSORT_TYPE_BOOL), left,
			 number < 0 ? left : tree_parameter((uint32_t)number, left->type));
}

/* --- nodes --- */

static struct consort_node *node_new(uint32_t kind)
{
	struct consort_node *node = STRUCT(struct consort_node);

	node->kind = kind;
	return node;
}

static const struct consort_field *field_new(const char *name, struct consort_type type, uint32_t flags)
{
	struct consort_field *field = STRUCT(struct consort_field);

	field->name = name;
	field->type = type;
	field->flags = flags;
	return field;
}

struct consort_node *tree_scan_of(const struct consort_resource *resource, const uint32_t *attributes,
				  uint32_t count)
{
	const struct consort_field **fields = conform_frozen((count + 1) * sizeof(*fields));
	struct consort_node *node = node_new(CONSORT_NODE_SCAN);
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct consort_attribute *attribute = resource->attributes[attributes[i]];

		fields[i] =
			field_new(attribute->name, attribute->type,
				  attribute->flags & (CONSORT_ATTRIBUTE_NOT_NULL | CONSORT_ATTRIBUTE_STRICT));
	}
	node->resource = resource;
	node->nattributes = node->nfields = count;
	node->attributes = list_of(attributes, count, sizeof(*attributes));
	node->fields = fields;
	return node;
}

struct consort_node *tree_scan(const struct consort_resource *resource)
{
	uint32_t *all = conform_frozen((resource->nattributes + 1) * sizeof(*all)), i;

	for (i = 0; i < resource->nattributes; i++)
		all[i] = i;
	return tree_scan_of(resource, all, resource->nattributes);
}

struct consort_node *tree_over(uint32_t kind, const struct consort_node *input)
{
	struct consort_node *node = node_new(kind);

	node->ninputs = 1;
	node->inputs = list_of(&input, 1, sizeof(input));
	node->fields = input->fields;
	node->nfields = input->nfields;
	return node;
}

static void set_exprs(struct consort_node *node, const struct consort_expr *const *exprs, uint32_t count)
{
	node->exprs = list_of(exprs, count, sizeof(*exprs));
	node->nexprs = count;
}

struct consort_node *tree_filter(const struct consort_node *input, const struct consort_expr *condition)
{
	struct consort_node *node = tree_over(CONSORT_NODE_FILTER, input);

	set_exprs(node, &condition, 1);
	return node;
}

struct consort_node *tree_project(const struct consort_node *input, const struct consort_expr *expr,
				  const char *name)
{
	struct consort_node *node = tree_over(CONSORT_NODE_PROJECT, input);
	const struct consort_field *field = field_new(name, expr->type, 0);

	set_exprs(node, &expr, 1);
	node->fields = list_of(&field, 1, sizeof(field));
	node->nfields = 1;
	return node;
}

struct consort_node *tree_keyed(const struct consort_node *input, uint32_t column)
{
	struct consort_node *node = tree_over(CONSORT_NODE_KEYED, input);
	const struct consort_expr *expr = tree_column(input, column);

	set_exprs(node, &expr, 1);
	return node;
}

struct consort_node *tree_sort(const struct consort_node *input, uint32_t column, uint32_t flags)
{
	struct consort_node *node = tree_over(CONSORT_NODE_SORT, input);
	struct consort_order *order = STRUCT(struct consort_order);

	order->expr = tree_column(input, column);
	order->flags = flags;
	node->norders = 1;
	node->orders = list_of(&order, 1, sizeof(order));
	return node;
}

struct consort_node *tree_limit(const struct consort_node *input, int64_t limit)
{
	struct consort_node *node = tree_over(CONSORT_NODE_LIMIT, input);

	node->limit = tree_literal(consort_int64(limit));
	return node;
}

struct consort_node *tree_aggregate(const struct consort_node *input, uint32_t kind, int column, int group)
{
	struct consort_node *node = tree_over(CONSORT_NODE_AGGREGATE, input);
	struct consort_aggregate *aggregate = STRUCT(struct consort_aggregate);
	const struct consort_field *fields[2];
	uint32_t nfields = 0;

	if (group >= 0) {
		const struct consort_expr *expr = tree_column(input, (uint32_t)group);

		set_exprs(node, &expr, 1);
		fields[nfields++] = input->fields[group];
	}
	aggregate->kind = kind;
	aggregate->type = consort_type_of(CONSORT_TYPE_INT64);
	if (column >= 0) {
		aggregate->input = tree_column(input, (uint32_t)column);
		if (kind == CONSORT_AGGREGATE_MIN || kind == CONSORT_AGGREGATE_MAX)
			aggregate->type = aggregate->input->type;
	}
	fields[nfields++] = field_new("aggregate", aggregate->type, 0);
	node->naggregates = 1;
	node->aggregates = list_of(&aggregate, 1, sizeof(aggregate));
	node->fields = list_of(fields, nfields, sizeof(fields[0]));
	node->nfields = nfields;
	return node;
}

struct consort_node *tree_join(const struct consort_node *left, const struct consort_node *right,
			       uint32_t kind, uint32_t left_column, uint32_t right_column)
{
	const struct consort_node *inputs[] = {left, right};
	struct consort_node *node = node_new(CONSORT_NODE_JOIN);
	const struct consort_field **fields =
		conform_frozen((left->nfields + right->nfields + 1) * sizeof(*fields));
	struct consort_expr *there = expr_new(CONSORT_EXPR_COLUMN, right->fields[right_column]->type);
	const struct consort_expr *condition;

	memcpy(fields, left->fields, left->nfields * sizeof(*fields));
	memcpy(fields + left->nfields, right->fields, right->nfields * sizeof(*fields));
	there->index = left->nfields + right_column;
	condition = tree_call(CONSORT_OP_EQ, consort_type_of(CONSORT_TYPE_BOOL),
			      tree_column(left, left_column), there);
	set_exprs(node, &condition, 1);
	node->join = kind;
	node->ninputs = 2;
	node->inputs = list_of(inputs, 2, sizeof(inputs[0]));
	node->fields = fields;
	node->nfields = left->nfields + right->nfields;
	return node;
}

/* --- offers --- */

/* Numbers nodes and conjuncts as the core does: inputs first. */
static void number(struct consort_node *node, uint32_t *next)
{
	uint32_t i;

	for (i = 0; i < node->ninputs; i++)
		number((struct consort_node *)(uintptr_t)node->inputs[i], next);
	node->number = (*next)++;
	node->first_conjunct = *next;
	if (node->kind == CONSORT_NODE_FILTER || node->kind == CONSORT_NODE_JOIN)
		*next += node->nexprs;
}

uint32_t tree_offer(struct subject *subject, struct consort_node *root, struct consort_offer **out_offer)
{
	struct consort_offer *offer = STRUCT(struct consort_offer);
	uint32_t count = 0;

	number(root, &count);
	offer->count = count;
	offer->fidelity = conform_frozen(count + OFFER_TAIL);
	memset(offer->fidelity + count, OFFER_CANARY, OFFER_TAIL);
	offer->reason = conform_frozen((count + OFFER_TAIL) * sizeof(*offer->reason));
	offer->estimated_rows = offer->estimated_bytes = offer->start_cost = -1;
	*out_offer = offer;
	return subject->plugin->query->offer(subject->database, root, offer, subject_error(subject));
}

const char *tree_offer_fault(const struct consort_offer *offer)
{
	uint32_t i;

	for (i = 0; i < OFFER_TAIL; i++)
		if (offer->fidelity[offer->count + i] != OFFER_CANARY || offer->reason[offer->count + i])
			return "something is written behind the answer's numbers";
	for (i = 0; i < offer->count; i++) {
		const char *reason = offer->reason[i];

		if (offer->fidelity[i] > CONSORT_FIDELITY_EXACT)
			return "an answer is none of enum consort_fidelity";
		if (reason && (!*reason || !consort_utf8_valid(reason, strlen(reason), NULL)))
			return "a reason is no text";
	}
	return NULL;
}

bool tree_is_taken(const struct consort_offer *offer, const struct consort_node *root)
{
	const bool conjuncts = root->kind == CONSORT_NODE_FILTER || root->kind == CONSORT_NODE_JOIN;
	uint32_t i;

	/* a FILTER is its conjuncts */
	if (root->kind != CONSORT_NODE_FILTER && offer->fidelity[root->number] != CONSORT_FIDELITY_EXACT)
		return false;
	for (i = 0; conjuncts && i < root->nexprs; i++)
		if (offer->fidelity[root->first_conjunct + i] != CONSORT_FIDELITY_EXACT)
			return false;
	for (i = 0; i < root->ninputs; i++)
		if (!tree_is_taken(offer, root->inputs[i]))
			return false;
	return true;
}

bool tree_taken(struct subject *subject, struct consort_node *root)
{
	struct consort_offer *offer;

	subject_need(subject, tree_offer(subject, root, &offer), "query.offer");
	return tree_is_taken(offer, root);
}
