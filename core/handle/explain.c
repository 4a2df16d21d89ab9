/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans as text: each step becomes a node with named facts, which three printers show. What an engine is sent
 * is asked of its adapter; what stayed in the core is shown with the reason.
 */
#include "handle/handle.h"

#include <inttypes.h>

#include <consort/json.h>

#define FACTS_MOST 64

struct fact {
	const char *name;
	const char *text;
	bool number;
};

struct shown {
	const char *title;
	struct fact facts[FACTS_MOST];
	uint32_t nfacts;
	struct shown *inputs[2];
};

struct explain {
	struct consort_arena arena;
	bool analyze;
	bool failed; /* no memory */
	struct consort_error *error;
};

static void add(struct explain *explain, struct shown *shown, const char *name, bool number, const char *text)
{
	if (!text)
		explain->failed = true;
	else if (shown->nfacts < FACTS_MOST)
		shown->facts[shown->nfacts++] = (struct fact){name, text, number};
}

/* A buffer's text, kept and scrubbed. */
static const char *keep(struct explain *explain, struct consort_buffer *buffer)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	const char *text = NULL;

	consort_scrub(buffer->data ? buffer->data : "", &shown);
	if (!buffer->failed && !shown.failed)
		text = consort_arena_copy(&explain->arena, shown.data, shown.size);
	consort_buffer_clear(&shown);
	consort_buffer_clear(buffer);
	return text;
}

/* --- expressions --- */

static const char *print_list(struct explain *explain, const struct consort_expr *const *exprs,
			      uint32_t count, const struct consort_node *over, const char *between)
{
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (i)
			consort_buffer_text(&buffer, between);
		consort_expr_print(exprs[i], over->fields, over->nfields, &buffer);
	}
	return keep(explain, &buffer);
}

static const char *print_fields(struct explain *explain, const struct consort_field *const *fields,
				uint32_t count)
{
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	uint32_t i;

	for (i = 0; i < count; i++)
		consort_buffer_printf(&buffer, "%s%s", i ? ", " : "", fields[i]->name);
	return keep(explain, &buffer);
}

static const char *print_orders(struct explain *explain, const struct consort_node *sort)
{
	const struct consort_node *over = sort->inputs[0];
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	uint32_t i;

	for (i = 0; i < sort->norders; i++) {
		const struct consort_order *order = sort->orders[i];

		if (i)
			consort_buffer_text(&buffer, ", ");
		consort_expr_print(order->expr, over->fields, over->nfields, &buffer);
		consort_buffer_text(&buffer, order->flags & CONSORT_ORDER_DESCENDING ? " desc" : " asc");
		consort_buffer_text(&buffer, order->flags & CONSORT_ORDER_NULLS_FIRST ? " nulls first"
										      : " nulls last");
	}
	return keep(explain, &buffer);
}

static const char *print_aggregates(struct explain *explain, const struct consort_node *node)
{
	static const char *const names[] = {"?",   "count(*)", "count", "sum",
					    "avg", "min",      "max",	"count(distinct"};
	const struct consort_node *over = node->inputs[0];
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	uint32_t i;

	for (i = 0; i < node->naggregates; i++) {
		const struct consort_aggregate *aggregate = node->aggregates[i];
		uint32_t kind = aggregate->kind <= CONSORT_AGGREGATE_COUNT_DISTINCT ? aggregate->kind : 0;

		consort_buffer_printf(&buffer, "%s%s", i ? ", " : "", names[kind]);
		if (!aggregate->input)
			continue;
		consort_buffer_text(&buffer, kind == CONSORT_AGGREGATE_COUNT_DISTINCT ? " " : "(");
		consort_expr_print(aggregate->input, over->fields, over->nfields, &buffer);
		consort_buffer_char(&buffer, ')');
	}
	return keep(explain, &buffer);
}

static void add_limit(struct explain *explain, struct shown *shown, const struct consort_node *node)
{
	if (node->limit)
		add(explain, shown, "limit", false, print_list(explain, &node->limit, 1, node, ""));
	if (node->offset)
		add(explain, shown, "offset", false, print_list(explain, &node->offset, 1, node, ""));
}

/* --- remotes --- */

static uint32_t append(void *context, const char *text, uint64_t size)
{
	consort_buffer_append(context, text, size);
	return ((struct consort_buffer *)context)->failed ? CONSORT_ENOMEM : CONSORT_OK;
}

static const char *node_name(const struct consort_node *node)
{
	static const char *const names[] = {"?",    "scan",  "filter", "key sets", "project", "aggregate",
					    "sort", "limit", "join",   "update",   "delete",  "values"};

	return node->kind < sizeof(names) / sizeof(names[0]) ? names[node->kind] : "?";
}

static const char *print_node(struct explain *explain, const struct consort_node *node)
{
	switch (node->kind) {
	case CONSORT_NODE_AGGREGATE:
		return print_aggregates(explain, node);
	case CONSORT_NODE_SORT:
		return print_orders(explain, node);
	case CONSORT_NODE_LIMIT:
		return node->limit ? print_list(explain, &node->limit, 1, node, "") : "";
	default:
		return print_list(explain, node->exprs, node->nexprs, node->inputs[0], " and ");
	}
}

/* Where the adapter cannot tell what it sends: the nodes that it took, from the scans up. */
static void add_taken(struct explain *explain, struct shown *shown, const struct consort_node *node)
{
	const char *text;
	uint32_t i;

	for (i = 0; i < node->ninputs; i++)
		add_taken(explain, shown, node->inputs[i]);
	if (!node->ninputs)
		return;
	text = node->kind == CONSORT_NODE_JOIN ? "" : print_node(explain, node);
	if (text)
		text = consort_arena_printf(&explain->arena, "%s%s%s", node_name(node), *text ? " " : "",
					    text);
	add(explain, shown, "taken", false, text);
}

static void add_sent(struct explain *explain, struct shown *shown, const struct consort_step *step)
{
	const struct consort_query_ops *ops = step->database->plugin->query;
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	const struct consort_text_sink sink = {&buffer, append};
	struct consort_error local = CONSORT_ERROR_INIT;

	if (!consort_database_has(step->database, CONSORT_FEATURE_EXPLAIN) || !ops->explain) {
		add_taken(explain, shown, step->node);
		return;
	}
	if (ops->explain(step->database->context, step->compiled, &sink, &local))
		consort_buffer_printf(&buffer, "(the adapter cannot tell: %s)", consort_error_text(&local));
	add(explain, shown, "sent", false, keep(explain, &buffer));
}

static void add_kept(struct explain *explain, struct shown *shown, const struct consort_step *step)
{
	uint32_t i;

	for (i = 0; i < step->nkept; i++) {
		const struct consort_kept *kept = &step->kept[i];
		struct consort_buffer buffer = CONSORT_BUFFER_INIT;

		consort_buffer_text(&buffer, node_name(kept->node));
		if (kept->conjunct) {
			consort_buffer_char(&buffer, ' ');
			consort_expr_print(kept->conjunct, kept->node->fields, kept->node->nfields, &buffer);
		}
		consort_buffer_printf(&buffer, ": %s", kept->reason);
		add(explain, shown,
		    kept->fidelity == CONSORT_FIDELITY_SUPERSET ? "checked again" : "not sent", false,
		    keep(explain, &buffer));
	}
}

static const struct consort_resource *first_resource(const struct consort_node *node)
{
	while (node->kind != CONSORT_NODE_SCAN && node->ninputs)
		node = node->inputs[0];
	return node->resource;
}

static void show_remote(struct explain *explain, struct shown *shown, const struct consort_step *step)
{
	const struct consort_resource *resource = first_resource(step->node);

	shown->title = consort_arena_printf(
		&explain->arena, "%s on %s (%s)", step->keyed ? "look up" : "read", step->database->name,
		step->database->server ? step->database->server : step->database->plugin->id);
	if (resource)
		add(explain, shown, "resource", false, resource->name);
	add(explain, shown, "columns", false, print_fields(explain, step->fields, step->nfields));
	if (step->keyed)
		add(explain, shown, "keys at once", true,
		    consort_arena_printf(&explain->arena, "%u",
					 step->max_keys && step->max_keys < CONSORT_LOOKUP_KEYS
						 ? step->max_keys
						 : CONSORT_LOOKUP_KEYS));
	add_sent(explain, shown, step);
	add_kept(explain, shown, step);
	if (step->estimated_rows >= 0)
		add(explain, shown, "estimated rows", true,
		    consort_arena_printf(&explain->arena, "%.0f", step->estimated_rows));
}

static void show_lookup(struct explain *explain, struct shown *shown, const struct consort_step *step)
{
	const struct consort_step *outer = step->inputs[0], *inner = step->inputs[1];
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	uint32_t i;

	shown->title = step->join == CONSORT_JOIN_LEFT ? "left join" : "join";
	for (i = 0; i < step->nkeys; i++)
		consort_buffer_printf(&buffer, "%s%s = %s", i ? " and " : "",
				      outer->fields[step->outer_keys[i]]->name,
				      inner->fields[step->inner_keys[i]]->name);
	add(explain, shown, "on", false, keep(explain, &buffer));
	add(explain, shown, "how", false,
	    inner->keyed ? "by sets of keys" : "by reading the right side whole");
}

/* --- the tree --- */

static void add_figures(struct explain *explain, struct shown *shown, const struct consort_operator *op)
{
	add(explain, shown, "rows", true, consort_arena_printf(&explain->arena, "%" PRId64, op->rows));
	add(explain, shown, "batches", true, consort_arena_printf(&explain->arena, "%" PRId64, op->batches));
	add(explain, shown, "microseconds", true,
	    consort_arena_printf(&explain->arena, "%" PRId64, op->nanoseconds / 1000));
}

static struct shown *show(struct explain *explain, const struct consort_step *step,
			  const struct consort_operator *op)
{
	struct shown *shown = consort_arena_alloc(&explain->arena, sizeof(*shown));
	const struct consort_node *node = step->node;
	uint32_t i;

	if (!shown) {
		explain->failed = true;
		return NULL;
	}
	switch (step->kind) {
	case CONSORT_STEP_REMOTE:
		show_remote(explain, shown, step);
		break;
	case CONSORT_STEP_FILTER:
		shown->title = "filter";
		add(explain, shown, "where", false,
		    print_list(explain, step->exprs, step->nexprs, step->inputs[0]->node, " and "));
		break;
	case CONSORT_STEP_PROJECT:
		shown->title = "project";
		add(explain, shown, "columns", false,
		    print_list(explain, step->exprs, step->nexprs, node->inputs[0], ", "));
		break;
	case CONSORT_STEP_LOOKUP:
		show_lookup(explain, shown, step);
		break;
	case CONSORT_STEP_AGGREGATE:
		shown->title = "aggregate";
		if (step->nexprs)
			add(explain, shown, "group by", false,
			    print_list(explain, step->exprs, step->nexprs, node->inputs[0], ", "));
		add(explain, shown, "values", false, print_aggregates(explain, node));
		break;
	case CONSORT_STEP_SORT:
		shown->title = node->limit ? "sort, keeping the first" : "sort";
		add(explain, shown, "by", false, print_orders(explain, node));
		break;
	case CONSORT_STEP_LIMIT:
		shown->title = "limit";
		add_limit(explain, shown, node);
		break;
	default:
		shown->title = "values";
		break;
	}
	if (op)
		add_figures(explain, shown, op);
	if (!shown->title)
		explain->failed = true;
	for (i = 0; i < 2 && step->inputs[i]; i++)
		shown->inputs[i] = show(explain, step->inputs[i], op ? op->inputs[i] : NULL);
	return shown;
}

/* --- printers --- */

static void print_text(const struct shown *shown, uint32_t depth, struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_printf(out, "%*s%s\n", (int)depth * 2, "", shown->title);
	for (i = 0; i < shown->nfacts; i++)
		consort_buffer_printf(out, "%*s- %s: %s\n", (int)depth * 2 + 2, "", shown->facts[i].name,
				      shown->facts[i].text);
	for (i = 0; i < 2 && shown->inputs[i]; i++)
		print_text(shown->inputs[i], depth + 1, out);
}

static void quote(struct consort_buffer *out, const char *text)
{
	consort_json_quote(out, text, strlen(text));
}

/* `,"not_sent":` of "not sent" */
static void print_json_name(struct consort_buffer *out, const char *name)
{
	consort_buffer_text(out, ",\"");
	for (; *name; name++)
		consort_buffer_char(out, *name == ' ' ? '_' : *name);
	consort_buffer_text(out, "\":");
}

static bool repeated(const struct fact *fact)
{
	return !strcmp(fact->name, "taken") || !strcmp(fact->name, "not sent") ||
	       !strcmp(fact->name, "checked again");
}

/* The facts of one repeated name as a list. */
static void print_json_list(const struct shown *shown, const char *name, struct consort_buffer *out)
{
	const char *between = "";
	uint32_t i;

	print_json_name(out, name);
	consort_buffer_char(out, '[');
	for (i = 0; i < shown->nfacts; i++) {
		if (strcmp(shown->facts[i].name, name))
			continue;
		consort_buffer_text(out, between);
		quote(out, shown->facts[i].text);
		between = ",";
	}
	consort_buffer_char(out, ']');
}

static void print_json(const struct shown *shown, struct consort_buffer *out)
{
	uint32_t i;

	consort_buffer_text(out, "{\"step\":");
	quote(out, shown->title);
	for (i = 0; i < shown->nfacts; i++) {
		if (repeated(&shown->facts[i]))
			continue;
		print_json_name(out, shown->facts[i].name);
		if (shown->facts[i].number)
			consort_buffer_text(out, shown->facts[i].text);
		else
			quote(out, shown->facts[i].text);
	}
	print_json_list(shown, "taken", out);
	print_json_list(shown, "not sent", out);
	print_json_list(shown, "checked again", out);
	consort_buffer_text(out, ",\"inputs\":[");
	for (i = 0; i < 2 && shown->inputs[i]; i++) {
		if (i)
			consort_buffer_char(out, ',');
		print_json(shown->inputs[i], out);
	}
	consort_buffer_text(out, "]}");
}

/* Texts inside DOT's double quotes. */
static void dot_text(struct consort_buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			consort_buffer_char(out, '\\');
		consort_buffer_char(out, *text == '\n' ? ' ' : *text);
	}
}

static uint32_t print_dot(const struct shown *shown, uint32_t *next, struct consort_buffer *out)
{
	uint32_t self = (*next)++, i;

	consort_buffer_printf(out, "  n%u [shape=box, label=\"", self);
	dot_text(out, shown->title);
	for (i = 0; i < shown->nfacts; i++) {
		consort_buffer_text(out, "\\l");
		dot_text(out, shown->facts[i].name);
		consort_buffer_text(out, ": ");
		dot_text(out, shown->facts[i].text);
	}
	consort_buffer_text(out, "\\l\"];\n");
	for (i = 0; i < 2 && shown->inputs[i]; i++) {
		uint32_t input = print_dot(shown->inputs[i], next, out);

		consort_buffer_printf(out, "  n%u -> n%u;\n", input, self);
	}
	return self;
}

static void print(const struct shown *shown, uint32_t format, struct consort_buffer *out)
{
	uint32_t next = 0;

	if (format == CONSORT_EXPLAIN_TEXT) {
		print_text(shown, 0, out);
	} else if (format == CONSORT_EXPLAIN_JSON) {
		print_json(shown, out);
		consort_buffer_char(out, '\n');
	} else {
		consort_buffer_text(out, "digraph plan {\n  rankdir=BT;\n");
		print_dot(shown, &next, out);
		consort_buffer_text(out, "}\n");
	}
}

/* Runs the plan to its end, keeping the operators for their figures. */
static enum consort_status analyze(struct consort_query *q, struct consort_plan *plan,
				   struct consort_args args, struct consort_cursor **out_rows,
				   struct consort_operator **out_op, struct consort_error *error)
{
	const struct consort_batch *batch;
	enum consort_status status = consort_plan_start(q->handle, plan, args, true, out_rows, out_op, error);

	if (status)
		return status;
	do
		status = consort_cursor_batch(*out_rows, &batch, error);
	while (!status && batch);
	return status;
}

enum consort_status consort_query_explain(struct consort_query *q, uint32_t format, uint32_t flags,
					  struct consort_args args, char **out_text,
					  struct consort_error *error)
{
	struct explain explain = {.analyze = flags & CONSORT_EXPLAIN_ANALYZE};
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct consort_operator *op = NULL;
	struct consort_cursor *rows = NULL;
	struct consort_plan *plan;
	struct shown *shown;
	enum consort_status status = CONSORT_NEED(error, CONSORT_GIVEN(args.values || !args.count), out_text);

	if (!status)
		status = consort_query_plan(q, &plan, error);
	if (!status && (format > CONSORT_EXPLAIN_DOT || flags & ~CONSORT_EXPLAIN_ANALYZE))
		status = consort_error_set(error, CONSORT_EINVAL, "unknown format %u or flags 0x%x", format,
					   flags);
	if (!status && explain.analyze)
		status = analyze(q, plan, args, &rows, &op, error);
	if (!status) {
		consort_arena_init(&explain.arena, 0);
		shown = show(&explain, plan->step, op);
		if (!explain.failed)
			print(shown, format, &out);
		consort_arena_clear(&explain.arena);
		*out_text = explain.failed ? NULL : consort_buffer_steal(&out);
		if (!*out_text)
			status = consort_error_no_memory(error);
	}
	consort_cursor_close(rows);
	consort_buffer_clear(&out);
	return status;
}
