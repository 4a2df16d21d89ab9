/* SPDX-License-Identifier: Apache-2.0 */
/* The made-up catalogue, and resolved queries as texts. */
#include "query-helpers.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static __thread int position;

int query_position(void)
{
	return position;
}

/* --- the catalogue --- */

#define ATTRIBUTE(attribute_name, attribute_type, attribute_flags)                          \
	(&(const struct consort_attribute){.struct_size = sizeof(struct consort_attribute), \
					   .flags = (attribute_flags),                      \
					   .type = attribute_type,                          \
					   .name = (attribute_name),                        \
					   .source = (attribute_name),                      \
					   .engine_type = "",                               \
					   .codec = ""})
#define TYPE(type_id)                        \
	{                                    \
		.id = CONSORT_TYPE_##type_id \
	}
#define DECIMAL(p, s)                                                      \
	{                                                                  \
		.id = CONSORT_TYPE_DECIMAL, .precision = (p), .scale = (s) \
	}
#define LIST_OF_TEXT                                                  \
	{                                                             \
		.id = CONSORT_TYPE_LIST, .element = CONSORT_TYPE_TEXT \
	}
#define NOT_NULL CONSORT_ATTRIBUTE_NOT_NULL
#define RELATIONSHIP(link_name, link_target, link_from, link_to)                                  \
	(&(const struct consort_relationship){.struct_size = sizeof(struct consort_relationship), \
					      .name = (link_name),                                \
					      .target = (link_target),                            \
					      .nattributes = 1,                                   \
					      .from = (const char *const[]){link_from},           \
					      .to = (const char *const[]){link_to}})

static const struct consort_attribute *const flight_attributes[] = {
	ATTRIBUTE("id", TYPE(INT64), NOT_NULL | CONSORT_ATTRIBUTE_STRICT),
	ATTRIBUTE("origin", TYPE(TEXT), 0),
	ATTRIBUTE("destination", TYPE(TEXT), 0),
	ATTRIBUTE("delay_min", TYPE(INT64), 0),
	ATTRIBUTE("distance", TYPE(FLOAT64), 0),
	ATTRIBUTE("price", DECIMAL(10, 2), 0),
	ATTRIBUTE("departed_at", TYPE(TIMESTAMP), NOT_NULL),
	ATTRIBUTE("day", TYPE(DATE), 0),
	ATTRIBUTE("starts", TYPE(TIME), 0),
	ATTRIBUTE("cancelled", TYPE(BOOL), 0),
	ATTRIBUTE("doc", TYPE(JSON), 0),
	ATTRIBUTE("tags", LIST_OF_TEXT, 0),
	ATTRIBUTE("ref", TYPE(UUID), 0),
	ATTRIBUTE("oid", TYPE(OBJECTID), 0),
	ATTRIBUTE("raw", TYPE(BYTES), 0),
	ATTRIBUTE("carrier_id", TYPE(INT64), 0),
	ATTRIBUTE("tax", DECIMAL(12, 4), 0),
	ATTRIBUTE("seen", TYPE(INT64), CONSORT_ATTRIBUTE_READ_ONLY),
	ATTRIBUTE("Gate No", TYPE(TEXT), 0),
	ATTRIBUTE("Upper", TYPE(TEXT), 0),
	ATTRIBUTE("a_name_of_more_than_sixty_three_characters_that_the_parser_would_cut_off", TYPE(TEXT), 0),
	ATTRIBUTE("contact.phone", TYPE(TEXT), 0),
	ATTRIBUTE("order", TYPE(INT64), 0),
};

static const struct consort_relationship *const flight_relationships[] = {
	RELATIONSHIP("origin_airport", "airport", "origin", "iata"),
	RELATIONSHIP("destination_airport", "airport", "destination", "iata"),
	RELATIONSHIP("legs", "leg", "id", "flight_id"),
	RELATIONSHIP("mixed", "airport", "carrier_id", "iata"),
	RELATIONSHIP("lost", "nowhere", "carrier_id", "id"),
	RELATIONSHIP("wrong", "airport", "carrier_id", "icao"),
};

static const struct consort_resource flight = {
	.struct_size = sizeof(flight),
	.id = 1,
	.name = "flight",
	.database = "a",
	.source = "flights",
	.nattributes = COUNT(flight_attributes),
	.attributes = flight_attributes,
	.nkeys = 1,
	.keys = (const uint32_t[]){0},
	.nrelationships = COUNT(flight_relationships),
	.relationships = flight_relationships,
};

static const struct consort_attribute *const airport_attributes[] = {
	ATTRIBUTE("iata", TYPE(TEXT), NOT_NULL), ATTRIBUTE("city", TYPE(TEXT), NOT_NULL),
	ATTRIBUTE("country_id", TYPE(INT64), 0), ATTRIBUTE("latitude", TYPE(FLOAT64), 0),
	ATTRIBUTE("id", TYPE(INT64), NOT_NULL),	 ATTRIBUTE("doc", TYPE(JSON), 0),
};

static const struct consort_relationship *const airport_relationships[] = {
	RELATIONSHIP("country", "country", "country_id", "id"),
	RELATIONSHIP("self", "airport", "iata", "iata"),
};

static const struct consort_resource airport = {
	.struct_size = sizeof(airport),
	.id = 2,
	.name = "airport",
	.database = "b",
	.source = "airports",
	.nattributes = COUNT(airport_attributes),
	.attributes = airport_attributes,
	.nkeys = 1,
	.keys = (const uint32_t[]){0},
	.nrelationships = COUNT(airport_relationships),
	.relationships = airport_relationships,
};

static const struct consort_attribute *const country_attributes[] = {
	ATTRIBUTE("id", TYPE(INT64), NOT_NULL),
	ATTRIBUTE("name", TYPE(TEXT), 0),
};

static const struct consort_resource country = {
	.struct_size = sizeof(country),
	.flags = CONSORT_RESOURCE_READ_ONLY,
	.id = 3,
	.name = "country",
	.database = "b",
	.source = "countries",
	.nattributes = COUNT(country_attributes),
	.attributes = country_attributes,
	.nkeys = 0,
};

static const struct consort_attribute *const leg_attributes[] = {
	ATTRIBUTE("fuel", TYPE(FLOAT64), 0),
	ATTRIBUTE("flight_id", TYPE(INT64), NOT_NULL),
	ATTRIBUTE("no", TYPE(INT64), NOT_NULL),
};

static const struct consort_resource leg = {
	.struct_size = sizeof(leg),
	.id = 4,
	.name = "leg",
	.database = "c",
	.source = "legs",
	.nattributes = COUNT(leg_attributes),
	.attributes = leg_attributes,
	.nkeys = 2,
	.keys = (const uint32_t[]){1, 2},
};

static const struct consort_resource trip = {
	.struct_size = sizeof(trip),
	.id = 5,
	.name = "local.trip",
	.database = "local",
	.source = "trip",
	.nattributes = COUNT(country_attributes),
	.attributes = country_attributes,
	.nkeys = 1,
	.keys = (const uint32_t[]){0},
};

static const struct consort_resource empty = {.struct_size = sizeof(empty), .id = 6, .name = "empty"};

static enum consort_status find_resource(void *context, const char *name,
					 const struct consort_resource **out_resource,
					 struct consort_error *error)
{
	static const struct consort_resource *const resources[] = {&flight, &airport, &country,
								   &leg,    &trip,    &empty};
	size_t i;

	(void)context;
	for (i = 0; i < COUNT(resources); i++) {
		if (!strcmp(resources[i]->name, name)) {
			*out_resource = resources[i];
			return CONSORT_OK;
		}
	}
	return consort_error_set(error, CONSORT_ENAME, "no resource '%s'", name);
}

const struct consort_names query_names = {.resource = find_resource};

/* --- results as texts --- */

/* Texts that live as long as the process, reachable for who looks for leaks. */
static const char *keep(struct consort_buffer *text)
{
	static struct kept {
		struct kept *next;
		char *text;
	} * all;
	struct kept *kept = malloc(sizeof(*kept));

	if (!kept || !(kept->text = consort_buffer_steal(text)))
		abort();
	kept->next = all;
	all = kept;
	return kept->text;
}

static const char *failure(const struct consort_error *error)
{
	static const char *const names[CONSORT_STATUS_COUNT] = {
		[CONSORT_EINVAL] = "EINVAL",	   [CONSORT_ESYNTAX] = "ESYNTAX", [CONSORT_ENAME] = "ENAME",
		[CONSORT_ETYPE] = "ETYPE",	   [CONSORT_ERANGE] = "ERANGE",	  [CONSORT_ENOMEM] = "ENOMEM",
		[CONSORT_EREADONLY] = "EREADONLY",
	};
	struct consort_buffer text = CONSORT_BUFFER_INIT;

	position = error->position;
	consort_buffer_printf(&text, "%s %s", names[error->status] ? names[error->status] : "?",
			      error->message);
	return keep(&text);
}

static void print_exprs(const struct consort_node *node, const struct consort_node *input,
			const char *separator, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < node->nexprs; i++) {
		consort_buffer_text(out, i ? separator : "");
		consort_expr_print(node->exprs[i], input->fields, input->nfields, out);
	}
}

static void print_fields(const struct consort_node *node, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < node->nfields; i++)
		consort_buffer_printf(out, "%s%s%s%s", i ? ", " : "", node->fields[i]->name,
				      node->fields[i]->flags & CONSORT_ATTRIBUTE_NOT_NULL ? "!" : "",
				      node->fields[i]->flags & CONSORT_ATTRIBUTE_STRICT ? "=" : "");
}

static void print_node(const struct consort_node *node, struct consort_buffer *out);

static void print_sort(const struct consort_node *node, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < node->norders; i++) {
		uint32_t flags = node->orders[i]->flags;

		consort_buffer_text(out, i ? ", " : "sort ");
		consort_expr_print(node->orders[i]->expr, node->inputs[0]->fields, node->inputs[0]->nfields,
				   out);
		consort_buffer_printf(out, "%s nulls %s", flags & CONSORT_ORDER_DESCENDING ? " desc" : "",
				      flags & CONSORT_ORDER_NULLS_FIRST ? "first" : "last");
	}
}

static void print_assignments(const struct consort_node *node, struct consort_buffer *out)
{
	uint32_t i;

	for (i = 0; i < node->nexprs; i++) {
		consort_buffer_printf(out, "%s%s = ", i ? ", " : " set ",
				      node->resource->attributes[node->attributes[i]]->name);
		consort_expr_print(node->exprs[i], node->inputs[0]->fields, node->inputs[0]->nfields, out);
	}
}

/* A join's left side stands last, as the chain goes on there; its right side in parentheses. */
static void print_node(const struct consort_node *node, struct consort_buffer *out)
{
	const struct consort_node *input = node->ninputs ? node->inputs[0] : NULL;

	switch (node->kind) {
	case CONSORT_NODE_SCAN:
		consort_buffer_printf(out, "scan %s: ", node->resource->name);
		print_fields(node, out);
		break;
	case CONSORT_NODE_FILTER:
		consort_buffer_text(out, "filter ");
		print_exprs(node, input, " AND ", out);
		break;
	case CONSORT_NODE_PROJECT:
		consort_buffer_text(out, "project ");
		print_exprs(node, input, ", ", out);
		consort_buffer_text(out, " as ");
		print_fields(node, out);
		break;
	case CONSORT_NODE_AGGREGATE:
		consort_buffer_text(out, "aggregate ");
		print_fields(node, out);
		break;
	case CONSORT_NODE_SORT:
		print_sort(node, out);
		break;
	case CONSORT_NODE_LIMIT:
		consort_buffer_printf(out, "limit %d offset %d",
				      node->limit ? (int)node->limit->value.as.int64 : -1,
				      node->offset ? (int)node->offset->value.as.int64 : 0);
		break;
	case CONSORT_NODE_JOIN:
		consort_buffer_text(out, node->join == CONSORT_JOIN_LEFT ? "join " : "join? ");
		print_exprs(node, node, " AND ", out);
		consort_buffer_text(out, " (");
		print_node(node->inputs[1], out);
		consort_buffer_text(out, ")");
		break;
	case CONSORT_NODE_UPDATE:
		consort_buffer_printf(out, "update %s", node->resource->name);
		print_assignments(node, out);
		break;
	default:
		consort_buffer_printf(out, "delete %s", node->resource->name);
	}
	if (!input)
		return;
	consort_buffer_text(out, " | ");
	print_node(input, out);
}

/* --- queries --- */

struct consort_clauses query_of(const char *resource)
{
	return (struct consort_clauses){.resource = resource, .limit = -1};
}

/* A query that was resolved, or why not. */
struct result {
	struct consort_arena arena;
	struct consort_logical logical;
	const char *failure; /* NULL: none */
};

static struct result resolve(const struct consort_clauses *clauses)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct result result = {.failure = NULL};

	consort_arena_init(&result.arena, 0);
	if (consort_query_resolve(clauses, &query_names, &result.arena, &result.logical, &error))
		result.failure = failure(&error);
	return result;
}

/* The text that was made of it. */
static const char *done(struct result *result, struct consort_buffer *text)
{
	consort_arena_clear(&result->arena);
	return result->failure ? result->failure : keep(text);
}

const char *query_tree(const struct consort_clauses *clauses)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct result result = resolve(clauses);

	if (!result.failure)
		print_node(result.logical.root, &text);
	return done(&result, &text);
}

const char *query_where(const char *condition)
{
	struct consort_clauses clauses = query_of("flight");
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const struct consort_node *node;
	struct result result;

	clauses.select = "id";
	clauses.where = &condition;
	clauses.nwhere = 1;
	result = resolve(&clauses);
	node = result.logical.root;
	while (node && node->kind != CONSORT_NODE_FILTER)
		node = node->inputs[0];
	if (node)
		print_exprs(node, node->inputs[0], " AND ", &text);
	return done(&result, &text);
}

const char *query_select(const char *column)
{
	struct consort_clauses clauses = query_of("flight");
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	const struct consort_expr *expr;
	const struct consort_node *root;
	struct result result;

	clauses.select = column;
	result = resolve(&clauses);
	if (result.failure)
		return done(&result, &text);
	root = result.logical.root;
	expr = root->exprs[0];
	consort_expr_print(expr, root->inputs[0]->fields, root->inputs[0]->nfields, &text);
	consort_buffer_text(&text, ": ");
	consort_type_print(expr->type, &text);
	consort_buffer_text(&text, expr->flags & CONSORT_EXPR_NOT_NULL ? "!" : "");
	consort_buffer_text(&text, expr->flags & CONSORT_EXPR_CAN_FAIL ? "?" : "");
	if (expr->flags & ~(CONSORT_EXPR_NOT_NULL | CONSORT_EXPR_CAN_FAIL))
		consort_buffer_text(&text, " (unknown flags)");
	return done(&result, &text);
}

const char *query_parameters(const struct consort_clauses *clauses)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct result result = resolve(clauses);
	uint32_t i;

	consort_buffer_printf(&text, "%u+%u:", result.logical.nuser, result.logical.nafter_key);
	for (i = 0; i < result.logical.nparameters; i++) {
		consort_buffer_char(&text, ' ');
		if (result.logical.parameters[i].id)
			consort_type_print(result.logical.parameters[i], &text);
		else
			consort_buffer_char(&text, '-');
	}
	if (result.failure)
		consort_buffer_clear(&text);
	return done(&result, &text);
}

const char *query_after(const struct consort_clauses *clauses)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct result result = resolve(clauses);

	if (result.logical.after)
		print_node(result.logical.after, &text);
	if (!result.failure) {
		consort_buffer_text(&text, "\n");
		print_node(result.logical.root, &text);
	}
	return done(&result, &text);
}

const char *query_write(const struct consort_clauses *clauses, bool delete_records)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	struct result result = {.failure = NULL};

	consort_arena_init(&result.arena, 0);
	if (consort_query_resolve_write(clauses, delete_records, &query_names, &result.arena, &result.logical,
					&error))
		result.failure = failure(&error);
	else
		print_node(result.logical.root, &text);
	return done(&result, &text);
}
