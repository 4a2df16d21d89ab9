/* SPDX-License-Identifier: Apache-2.0 */
/* resources and describe: what there is, as declared and introspected. */
#include "tools.h"

static const char help_resources[] =
	"Usage: consort resources [--declared]\n"
	"The resources of the manifest, and those of databases that are exposed whole.\n"
	"\n"
	"      --declared         only the manifest's; connects to nothing\n"
	"  -f, --format FORMAT    table, csv, json, jsonl or expanded\n"
	"\n"
	"Example: consort -d shop=sqlite:path=shop.db resources\n";

static const char help_describe[] =
	"Usage: consort describe RESOURCE\n"
	"A resource's attributes, key, relationships and indexes.\n"
	"\n"
	"      --json             everything, as JSON\n"
	"  -f, --format FORMAT    a row for each attribute\n"
	"\n"
	"Example: consort describe flight\n";

enum { RESOURCES_DECLARED = 256 };

static const struct option resources_options[] = {
	{"declared", no_argument, NULL, RESOURCES_DECLARED}, {NULL, 0, NULL, 0}};

/* --- resources --- */

struct listing {
	const struct tool *tool;
	struct output *rows;
	struct consort_buffer key;
	struct consort_error failure; /* of the callback: the library only knows its status */
	struct consort_error last;    /* of a resource that could not be described */
};

static enum consort_status list_resource(void *context, const struct consort_resource *resource,
					 const struct consort_error *error)
{
	struct listing *l = context;
	struct consort_value values[6];

	consort_buffer_reset(&l->key);
	row_key_names(&l->key, resource);
	if (l->key.failed)
		return consort_error_no_memory(&l->failure);
	values[0] = consort_text(resource->name);
	values[1] = consort_text(resource->database);
	values[2] = consort_text(resource->source);
	values[3] = output_text_or_null(l->key.data);
	values[4] = consort_int64(resource->nattributes);
	values[5] = output_text_or_null(error ? consort_error_text(error) : NULL);
	if (error) {
		l->last = *error;
		if (l->rows->ncolumns < 6)
			report_note(l->tool, "%s: %s", resource->name, consort_error_text(error));
	}
	return output_row(l->rows, values, &l->failure);
}

static enum consort_status run_resources(struct tool *tool, struct args *args, struct consort_error *error)
{
	static const struct output_column columns[] = {
		OUTPUT_TEXT("resource"), OUTPUT_TEXT("database"), OUTPUT_TEXT("source"),
		OUTPUT_TEXT("key"), OUTPUT_INTEGER("attributes"), OUTPUT_TEXT("error"),
	};
	struct output rows = {0};
	struct listing l = {.tool = tool, .rows = &rows};
	bool people;
	enum consort_status status;
	uint32_t which = 0;
	int option;

	while ((option = args_next(args, error)) > 0)
		which = CONSORT_RESOURCES_DECLARED;
	if (option < 0)
		return args->status;
	status = args_count(args, 0, 0, "nothing is", error);
	if (!status)
		status = session_open(tool, error);
	people = tool->format == OUTPUT_DEFAULT || tool->format == OUTPUT_TABLE;
	if (!status)
		status = output_open_list(&rows, tool, columns, people ? 5 : 6, error);
	if (!status)
		status = consort_resources(tool->c, which, list_resource, &l, error);
	if (l.failure.status)
		*error = l.failure;
	if (!status)
		status = output_close(&rows, error);
	if (!status && l.last.status) {
		*error = l.last;
		status = (enum consort_status)l.last.status;
	}
	output_clear(&rows);
	consort_buffer_clear(&l.key);
	return status;
}

/* --- describe --- */

static bool in_key(const struct consort_resource *resource, uint32_t attribute)
{
	uint32_t i;

	for (i = 0; i < resource->nkeys; i++)
		if (resource->keys[i] == attribute)
			return true;
	return false;
}

/* The flags in words, as the names of JSON members and for people. */
static const struct {
	uint32_t flag;
	const char *words;
} flags[] = {
	{CONSORT_ATTRIBUTE_NOT_NULL, "not null"},         {CONSORT_ATTRIBUTE_GENERATED, "generated"},
	{CONSORT_ATTRIBUTE_READ_ONLY, "read only"},       {CONSORT_ATTRIBUTE_STRICT, "strict"},
	{CONSORT_ATTRIBUTE_UNKNOWN_TYPE, "unknown type"}, {CONSORT_ATTRIBUTE_DECLARED, "declared"},
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))

static void join_flags(struct consort_buffer *out, const struct consort_resource *resource,
		       uint32_t attribute)
{
	const char *separator = "";
	size_t i;

	if (in_key(resource, attribute)) {
		consort_buffer_text(out, "key");
		separator = ", ";
	}
	for (i = 0; i < FLAGS; i++)
		if (resource->attributes[attribute]->flags & flags[i].flag) {
			consort_buffer_printf(out, "%s%s", separator, flags[i].words);
			separator = ", ";
		}
	consort_buffer_append(out, "", 0);
}

/* Which of the engine's own words say something: people are not shown columns of nothing. */
static void find_engine_words(const struct consort_resource *resource, bool *out_sources, bool *out_types)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++) {
		const struct consort_attribute *attribute = resource->attributes[i];

		*out_sources |= attribute->source && strcmp(attribute->source, attribute->name);
		*out_types |= attribute->engine_type && *attribute->engine_type;
	}
}

static enum consort_status attribute_row(struct output *rows, const struct consort_resource *resource,
					 uint32_t at, bool sources, bool types, struct consort_error *error)
{
	const struct consort_attribute *attribute = resource->attributes[at];
	struct consort_buffer type = CONSORT_BUFFER_INIT, words = CONSORT_BUFFER_INIT;
	struct consort_value values[5];
	enum consort_status status;
	uint32_t n = 0;

	consort_type_print(attribute->type, &type);
	join_flags(&words, resource, at);
	values[n++] = consort_text(attribute->name);
	values[n++] = consort_text(type.data);
	values[n++] = output_text_or_null(words.data);
	if (sources)
		values[n++] = output_text_or_null(attribute->source);
	if (types)
		values[n++] = output_text_or_null(attribute->engine_type);
	if (type.failed || words.failed)
		status = consort_error_no_memory(error);
	else
		status = output_row(rows, values, error);
	consort_buffer_clear(&type);
	consort_buffer_clear(&words);
	return status;
}

static enum consort_status attribute_rows(struct tool *tool, const struct consort_resource *resource,
					  struct consort_error *error)
{
	struct output_column columns[5] = {OUTPUT_TEXT("attribute"), OUTPUT_TEXT("type"),
					   OUTPUT_TEXT("flags")};
	bool sources = tool->format != OUTPUT_DEFAULT, types = sources;
	enum consort_status status;
	struct output rows = {0};
	uint32_t n = 3, i;

	find_engine_words(resource, &sources, &types);
	if (sources)
		columns[n++] = (struct output_column)OUTPUT_TEXT("source");
	if (types)
		columns[n++] = (struct output_column)OUTPUT_TEXT("engine_type");
	status = output_open_list(&rows, tool, columns, n, error);
	for (i = 0; !status && i < resource->nattributes; i++)
		status = attribute_row(&rows, resource, i, sources, types, error);
	if (!status)
		status = output_close(&rows, error);
	output_clear(&rows);
	return status;
}

/* "origin, date" */
static void join_names(struct consort_buffer *out, const char *const *names, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		consort_buffer_printf(out, "%s%s", i ? ", " : "", names[i]);
}

static void print_head(struct consort_buffer *out, const struct consort_resource *resource)
{
	consort_buffer_printf(out, "%s: %s in %s%s\n", resource->name, resource->source, resource->database,
			      resource->flags & CONSORT_RESOURCE_READ_ONLY ? ", read only" : "");
	if (resource->nkeys) {
		consort_buffer_text(out, "key: ");
		row_key_names(out, resource);
		consort_buffer_char(out, '\n');
	}
	consort_buffer_char(out, '\n');
}

static void print_tail(struct consort_buffer *out, const struct consort_resource *resource)
{
	uint32_t i, j;

	for (i = 0; i < resource->nrelationships; i++) {
		const struct consort_relationship *relationship = resource->relationships[i];

		consort_buffer_printf(out, "%s  %s: %s, ", i ? "" : "\nrelationships\n", relationship->name,
				      relationship->target);
		join_names(out, relationship->from, relationship->nattributes);
		consort_buffer_text(out, " -> ");
		join_names(out, relationship->to, relationship->nattributes);
		consort_buffer_char(out, '\n');
	}
	for (i = 0; i < resource->nindexes; i++) {
		const struct consort_index *index = resource->indexes[i];

		consort_buffer_printf(out, "%s  %s%s%s", i ? "" : "\nindexes\n", index->name,
				      *index->name ? ": " : "",
				      index->flags & CONSORT_INDEX_UNIQUE ? "unique on " : "on ");
		for (j = 0; j < index->nattributes; j++)
			consort_buffer_printf(out, "%s%s", j ? ", " : "",
					      resource->attributes[index->attributes[j]]->name);
		consort_buffer_char(out, '\n');
	}
}

/* Escapes what names might hold, and writes. */
static enum consort_status print_escaped(struct tool *tool, struct consort_buffer *text,
					 struct consort_error *error)
{
	struct consort_buffer shown = CONSORT_BUFFER_INIT;
	enum consort_status status = CONSORT_OK;

	if (text->size)
		text_escape(&shown, text->data, text->size, true);
	shown.failed |= text->failed;
	if (shown.size || shown.failed)
		status = report_print(tool, &shown, error);
	consort_buffer_clear(&shown);
	consort_buffer_reset(text);
	return status;
}

static enum consort_status describe_text(struct tool *tool, const struct consort_resource *resource,
					 struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;

	print_head(&text, resource);
	status = print_escaped(tool, &text, error);
	if (!status)
		status = attribute_rows(tool, resource, error);
	if (!status) {
		print_tail(&text, resource);
		status = print_escaped(tool, &text, error);
	}
	consort_buffer_clear(&text);
	return status;
}

static void json_names(struct consort_buffer *out, const char *name, const char *const *names, uint32_t count)
{
	uint32_t i;

	consort_buffer_printf(out, "\"%s\":[", name);
	for (i = 0; i < count; i++) {
		consort_buffer_text(out, i ? "," : "");
		consort_json_quote(out, names[i], strlen(names[i]));
	}
	consort_buffer_char(out, ']');
}

/* "key":["id"], by positions */
static void json_positions(struct consort_buffer *out, const char *name,
			   const struct consort_resource *resource, const uint32_t *positions, uint32_t count)
{
	uint32_t i;

	consort_buffer_printf(out, "\"%s\":[", name);
	for (i = 0; i < count; i++) {
		const char *attribute = resource->attributes[positions[i]]->name;

		consort_buffer_text(out, i ? "," : "");
		consort_json_quote(out, attribute, strlen(attribute));
	}
	consort_buffer_char(out, ']');
}

static void json_attribute(struct consort_buffer *out, const struct consort_attribute *attribute)
{
	struct consort_buffer type = CONSORT_BUFFER_INIT;
	size_t i;

	consort_type_print(attribute->type, &type);
	report_json_text(out, "{", "name", attribute->name);
	report_json_text(out, ",", "type", type.data);
	report_json_text(out, ",", "source", attribute->source);
	report_json_known(out, ",", "engine_type", attribute->engine_type);
	for (i = 0; i < FLAGS; i++) {
		const char *c;

		consort_buffer_text(out, ",\"");
		for (c = flags[i].words; *c; c++)
			consort_buffer_char(out, *c == ' ' ? '_' : *c);
		consort_buffer_text(out, attribute->flags & flags[i].flag ? "\":true" : "\":false");
	}
	consort_buffer_char(out, '}');
	out->failed |= type.failed;
	consort_buffer_clear(&type);
}

static void json_tail(struct consort_buffer *out, const struct consort_resource *resource)
{
	uint32_t i;

	consort_buffer_text(out, "],\"relationships\":[");
	for (i = 0; i < resource->nrelationships; i++) {
		const struct consort_relationship *relationship = resource->relationships[i];

		report_json_text(out, i ? ",{" : "{", "name", relationship->name);
		report_json_text(out, ",", "target", relationship->target);
		consort_buffer_char(out, ',');
		json_names(out, "from", relationship->from, relationship->nattributes);
		consort_buffer_char(out, ',');
		json_names(out, "to", relationship->to, relationship->nattributes);
		consort_buffer_char(out, '}');
	}
	consort_buffer_text(out, "],\"indexes\":[");
	for (i = 0; i < resource->nindexes; i++) {
		const struct consort_index *index = resource->indexes[i];

		report_json_text(out, i ? ",{" : "{", "name", index->name);
		consort_buffer_printf(out, ",\"unique\":%s,",
				      index->flags & CONSORT_INDEX_UNIQUE ? "true" : "false");
		json_positions(out, "attributes", resource, index->attributes, index->nattributes);
		consort_buffer_char(out, '}');
	}
	consort_buffer_text(out, "]}\n");
}

static enum consort_status describe_json(struct tool *tool, const struct consort_resource *resource,
					 struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status;
	uint32_t i;

	report_json_text(&text, "{", "name", resource->name);
	report_json_text(&text, ",", "database", resource->database);
	report_json_text(&text, ",", "source", resource->source);
	consort_buffer_printf(&text, ",\"read_only\":%s,",
			      resource->flags & CONSORT_RESOURCE_READ_ONLY ? "true" : "false");
	json_positions(&text, "key", resource, resource->keys, resource->nkeys);
	consort_buffer_text(&text, ",\"attributes\":[");
	for (i = 0; i < resource->nattributes; i++) {
		consort_buffer_text(&text, i ? ",\n" : "\n");
		json_attribute(&text, resource->attributes[i]);
	}
	json_tail(&text, resource);
	status = report_print(tool, &text, error);
	consort_buffer_clear(&text);
	return status;
}

static enum consort_status run_describe(struct tool *tool, struct args *args, struct consort_error *error)
{
	const struct consort_resource *resource;
	enum consort_status status;

	if (args_next(args, error))
		return args->status;
	status = args_count(args, 1, 1, "a resource is", error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = consort_describe(tool->c, args->operands[0], &resource, error);
	if (status)
		return status;
	if (tool->format == OUTPUT_JSON)
		return describe_json(tool, resource, error);
	if (tool->format == OUTPUT_DEFAULT || tool->format == OUTPUT_TABLE)
		return describe_text(tool, resource, error);
	return attribute_rows(tool, resource, error);
}

const struct command command_resources = {
	.name = "resources", .help = help_resources, .options = resources_options, .run = run_resources};
const struct command command_describe = {.name = "describe", .help = help_describe, .run = run_describe};
