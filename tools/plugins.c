/* SPDX-License-Identifier: Apache-2.0 */
/* plugins: the adapters on the path, from their notes; and one of them, run. */
#include "tools.h"

#include <unistd.h>

static const char help[] =
	"Usage: consort plugins list\n"
	"       consort plugins info FILE|TYPE\n"
	"       consort plugins check FILE|TYPE\n"
	"       consort plugins explain TYPE\n"
	"The adapters on the plugin path.\n"
	"\n"
	"  list       all of them, by their notes alone: no adapter is run\n"
	"  info       one adapter: licence, vendor, features, options with their help\n"
	"  check      loads one in a process of its own, verifies it, says what is wrong\n"
	"  explain    each place searched for a type, and why each file was taken or not\n"
	"\n"
	"      --path FOLDERS     search these first, separated by ':'\n"
	"  -f, --format FORMAT    table, csv, json, jsonl or expanded; --json\n"
	"\n"
	"The path: the manifest's plugin_path, $CONSORT_PLUGIN_PATH, the user's folder\n"
	"(~/.local/share/consort/plugins), the system's. FILE has a '/' in it.\n"
	"Exit status: 0, or 1 if there is none or a check said no, or as in consort(1).\n"
	"\n"
	"Example: consort plugins check ./consort-acme.so\n";

enum { PLUGINS_PATH = 256 };

static const struct option options[] = {{"path", required_argument, NULL, PLUGINS_PATH}, {NULL, 0, NULL, 0}};

/* The names of features, separated by blanks. */
static void join_features(struct consort_buffer *out, const struct consort_features *mask)
{
	uint32_t i;

	for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
		if (consort_features_has(mask, i) && consort_feature_name(i))
			consort_buffer_printf(out, "%s%s", out->size ? " " : "", consort_feature_name(i));
	consort_buffer_append(out, "", 0);
}

/* "sqlite 0.1.0" */
static void print_title(struct consort_buffer *out, const char *type, const char *version)
{
	text_escape(out, type, strlen(type), false);
	consort_buffer_char(out, ' ');
	text_escape(out, version, strlen(version), false);
	consort_buffer_char(out, '\n');
}

/* --- list and explain --- */

struct listing {
	struct tool *tool;
	struct output *rows; /* NULL: for people, in text */
	struct consort_buffer text;
	struct consort_buffer features;
	struct consort_error failure; /* of the callback: the library only knows its status */
	uint64_t count;
	bool taken; /* explain: by a file above */
};

/* For JSON; `items` holds them. */
static struct consort_value feature_names(const struct consort_features *mask,
					  struct consort_value items[CONSORT_FEATURE_COUNT])
{
	struct consort_value list = {.type = {.id = CONSORT_TYPE_LIST, .element = CONSORT_TYPE_TEXT}};
	uint32_t i;

	list.as.list.items = items;
	for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
		if (consort_features_has(mask, i) && consort_feature_name(i))
			items[list.as.list.count++] = consort_text(consort_feature_name(i));
	return list;
}

static void list_for_people(struct listing *l, const struct consort_plugin_file *file, const char *abi)
{
	/* Those that would be refused are told apart from the list. */
	if (file->error) {
		report_note(l->tool, "%s", consort_error_text(file->error));
		return;
	}
	if (l->count++)
		consort_buffer_char(&l->text, '\n');
	print_title(&l->text, file->id, file->version);
	text_fact(&l->text, text_width(), "abi", abi);
	text_fact(&l->text, text_width(), "file", file->path);
	text_fact(&l->text, text_width(), "features", l->features.data);
}

static enum consort_status list_file(void *context, const struct consort_plugin_file *file)
{
	struct listing *l = context;
	struct consort_value values[6], items[CONSORT_FEATURE_COUNT];
	bool json = l->tool->format == OUTPUT_JSON || l->tool->format == OUTPUT_JSONL;
	char abi[16];

	consort_buffer_reset(&l->features);
	join_features(&l->features, &file->features);
	if (l->features.failed)
		return consort_error_no_memory(&l->failure);
	snprintf(abi, sizeof(abi), "%u.%u", file->abi_major, file->abi_minor);
	if (!l->rows) {
		list_for_people(l, file, abi);
		return CONSORT_OK;
	}
	values[0] = output_text_or_null(file->id);
	values[1] = output_text_or_null(file->version);
	values[2] = file->error && !*file->id ? consort_null() : consort_text(abi);
	values[3] = consort_text(file->path);
	values[4] = json ? feature_names(&file->features, items) : consort_text(l->features.data);
	values[5] = output_text_or_null(file->error ? consort_error_text(file->error) : NULL);
	l->count++;
	return output_row(l->rows, values, &l->failure);
}

static void explain_for_people(struct listing *l, const struct consort_plugin_file *file, const char *verdict)
{
	const char *problem = file->error ? consort_error_text(file->error) : NULL;
	struct consort_buffer line = CONSORT_BUFFER_INIT;

	/* A problem mostly begins with the file's name. */
	if (!problem)
		consort_buffer_printf(&line, "%s, version %s", file->path, file->version);
	else if (!strncmp(problem, file->path, strlen(file->path)))
		consort_buffer_text(&line, problem);
	else
		consort_buffer_printf(&line, "%s: %s", file->path, problem);
	l->text.failed |= line.failed;
	consort_buffer_printf(&l->text, "%-12s ", verdict);
	text_paragraph(&l->text, line.failed ? "" : line.data, 13, text_width());
	consort_buffer_clear(&line);
}

static enum consort_status explain_file(void *context, const struct consort_plugin_file *file)
{
	struct listing *l = context;
	const char *verdict = file->error ? "passed over" : l->taken ? "hidden" : "taken";
	struct consort_value values[4];

	l->taken |= !file->error;
	if (!l->rows) {
		explain_for_people(l, file, verdict);
		return CONSORT_OK;
	}
	values[0] = consort_text(file->path);
	values[1] = consort_text(verdict);
	values[2] = output_text_or_null(file->version);
	values[3] = output_text_or_null(file->error ? consort_error_text(file->error) : NULL);
	return output_row(l->rows, values, &l->failure);
}

/* list, or explain of a type. ENOPLUGIN comes with a list that is whole. */
static enum consort_status show_files(struct tool *tool, const char *path, const char *type,
				      struct listing *l, struct consort_error *error)
{
	static const struct output_column list_columns[] = {
		OUTPUT_TEXT("type"), OUTPUT_TEXT("version"), OUTPUT_TEXT("abi"),
		OUTPUT_TEXT("file"), OUTPUT_TEXT("features"), OUTPUT_TEXT("problem"),
	};
	static const struct output_column explain_columns[] = {
		OUTPUT_TEXT("file"), OUTPUT_TEXT("verdict"), OUTPUT_TEXT("version"), OUTPUT_TEXT("problem"),
	};
	enum consort_status status = CONSORT_OK, found;

	if (l->rows)
		status = output_open_list(l->rows, tool, type ? explain_columns : list_columns, type ? 4 : 6,
					  error);
	if (status)
		return status;
	found = type ? consort_plugins_explain(path, type, explain_file, l, error)
		     : consort_plugins_list(path, list_file, l, error);
	if (l->failure.status)
		*error = l->failure;
	if (found && found != CONSORT_ENOPLUGIN)
		return found;
	if (l->rows)
		status = output_close(l->rows, found ? NULL : error);
	else if (l->text.size || l->text.failed)
		status = report_print(tool, &l->text, found ? NULL : error);
	return status ? status : found;
}

static enum consort_status list(struct tool *tool, const char *path, const char *type,
				struct consort_error *error)
{
	struct output rows = {0};
	struct listing l = {.tool = tool, .rows = tool->format == OUTPUT_DEFAULT ? NULL : &rows};
	enum consort_status status = show_files(tool, path, type, &l, error);

	if (!status && !type && !l.count) {
		tool->nothing = true;
		report_note(tool,
			    "no adapter was found; 'consort plugins explain TYPE' tells where was looked");
	}
	output_clear(&rows);
	consort_buffer_clear(&l.text);
	consort_buffer_clear(&l.features);
	return status;
}

/* --- info --- */

static const char *option_type(const struct consort_option *option)
{
	static const char *const names[] = {
		[CONSORT_OPTION_TEXT] = "text", [CONSORT_OPTION_INT] = "int", [CONSORT_OPTION_BOOL] = "bool",
		[CONSORT_OPTION_DURATION] = "duration", [CONSORT_OPTION_SIZE] = "size",
		[CONSORT_OPTION_PATH] = "path", [CONSORT_OPTION_CHOICE] = "choice",
	};

	return option->type && option->type < sizeof(names) / sizeof(names[0]) ? names[option->type]
									       : "unknown";
}

/* The names of the operation tables that are there. */
static void join_tables(struct consort_buffer *out, const struct consort_plugin *plugin)
{
	const struct {
		const char *name;
		const void *table;
	} tables[] = {
		{"database", plugin->database},
		{"connection", plugin->connection},
		{"query", plugin->query},
		{"write", plugin->write},
		{"transaction", plugin->transaction},
		{"prepared", plugin->prepared},
		{"schema", plugin->schema},
		{"native", plugin->native},
		{"changes", plugin->changes},
		{"keyvalue", plugin->keyvalue},
	};
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].table)
			consort_buffer_printf(out, "%s%s", out->size ? " " : "", tables[i].name);
	consort_buffer_append(out, "", 0);
}

/* The plain facts, name by name. */
struct fact {
	const char *name, *text;
	bool words; /* a list, separated by blanks */
};

#define FACTS 10

/* ["read","create"] */
static void json_words(struct consort_buffer *out, const char *words)
{
	const char *before = "[";

	while (*words) {
		size_t size = strcspn(words, " ");

		consort_buffer_text(out, before);
		consort_json_quote(out, words, size);
		before = ",";
		words += size + (words[size] == ' ');
	}
	consort_buffer_text(out, *before == '[' ? "[]" : "]");
}

static void info_json(struct consort_buffer *out, const struct consort_plugin *plugin,
		      const struct fact *facts)
{
	const struct consort_option *const *option = plugin->options;
	const char *before = "";
	size_t i;

	for (i = 0; i < FACTS; i++) {
		if (!facts[i].words) {
			report_json_known(out, i ? "," : "{", facts[i].name, facts[i].text);
			continue;
		}
		consort_buffer_printf(out, ",\"%s\":", facts[i].name);
		json_words(out, facts[i].text);
	}
	consort_buffer_text(out, ",\"options\":[");
	for (; option && *option; option++) {
		consort_buffer_text(out, before);
		before = ",";
		report_json_text(out, "\n{", "name", (*option)->name);
		report_json_text(out, ",", "of",
				 (*option)->scope == CONSORT_OPTION_RESOURCE ? "resource" : "database");
		report_json_text(out, ",", "type", option_type(*option));
		report_json_text(out, ",", "default", (*option)->default_value);
		report_json_text(out, ",", "choices", (*option)->choices);
		consort_buffer_printf(out, ",\"required\":%s,\"secret\":%s",
				      (*option)->required ? "true" : "false",
				      (*option)->secret ? "true" : "false");
		report_json_text(out, ",", "help", (*option)->help);
		consort_buffer_char(out, '}');
	}
	consort_buffer_text(out, "]}\n");
}

/* "path, required", "ro, rw or rwc; default: rwc" */
static void print_option(struct consort_buffer *out, const struct consort_option *option)
{
	bool choice = option->type == CONSORT_OPTION_CHOICE && option->choices;
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	const char *c;

	for (c = choice ? option->choices : option_type(option); *c; c++)
		consort_buffer_append(&line, *c == ',' ? ", " : c, *c == ',' ? 2 : 1);
	if (option->required)
		consort_buffer_text(&line, "; required");
	else if (option->default_value)
		consort_buffer_printf(&line, "; default: %s", option->default_value);
	out->failed |= line.failed;
	text_fact(out, text_width(), option->name, line.failed ? "" : line.data);
	if (option->help)
		text_detail(out, text_width(), option->help);
	consort_buffer_clear(&line);
}

static void info_text(struct consort_buffer *out, const struct consort_plugin *plugin,
		      const struct fact *facts)
{
	static const struct {
		uint32_t scope;
		const char *title;
	} scopes[] = {
		{CONSORT_OPTION_DATABASE, "\noptions of a database\n"},
		{CONSORT_OPTION_RESOURCE, "\noptions of a resource\n"},
	};
	const struct consort_option *const *option;
	size_t i;

	print_title(out, facts[0].text, facts[1].text);
	for (i = 2; i < FACTS; i++)
		text_fact(out, text_width(), facts[i].name, facts[i].text);
	for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		const char *title = scopes[i].title;

		for (option = plugin->options; option && *option; option++) {
			if ((*option)->scope != scopes[i].scope)
				continue;
			consort_buffer_text(out, title);
			title = "";
			print_option(out, *option);
		}
	}
}

static enum consort_status info(struct tool *tool, const char *path, const char *what,
				struct consort_error *error)
{
	struct consort_buffer features = CONSORT_BUFFER_INIT, tables = CONSORT_BUFFER_INIT,
			      text = CONSORT_BUFFER_INIT;
	const struct consort_plugin *plugin;
	enum consort_status status;
	char *file = NULL, abi[16];

	status = consort_plugins_load(path, what, &file, &plugin, error);
	if (status)
		return status;
	snprintf(abi, sizeof(abi), "%d.%u", CONSORT_ABI_MAJOR, plugin->abi_minor);
	join_features(&features, &plugin->features);
	join_tables(&tables, plugin);
	if (features.failed || tables.failed) {
		status = consort_error_no_memory(error);
	} else {
		const struct fact facts[FACTS] = {
			{"type", plugin->id, false},
			{"version", plugin->version, false},
			{"description", plugin->description, false},
			{"licence", plugin->licence, false},
			{"vendor", plugin->vendor, false},
			{"homepage", plugin->homepage, false},
			{"abi", abi, false},
			{"file", file, false},
			{"features", features.data, true},
			{"tables", tables.data, true},
		};

		if (tool->format == OUTPUT_JSON)
			info_json(&text, plugin, facts);
		else
			info_text(&text, plugin, facts);
		status = report_print(tool, &text, error);
	}
	consort_free(file);
	consort_buffer_clear(&features);
	consort_buffer_clear(&tables);
	consort_buffer_clear(&text);
	return status;
}

/* --- check --- */

static enum consort_status check(struct tool *tool, const char *path, const char *what,
				 struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status = consort_plugins_check(path, what, error);

	if (status) {
		tool->nothing = true;
		return status;
	}
	if (tool->json) {
		report_json_text(&text, "{", "plugin", what);
		consort_buffer_text(&text, ",\"good\":true}\n");
	} else {
		consort_buffer_printf(&text, "%s is good\n", what);
	}
	status = report_print(tool, &text, error);
	consort_buffer_clear(&text);
	return status;
}

/* --path, then what the manifest says. A manifest that is wrong only matters to those who name it. */
static enum consort_status make_path(struct tool *tool, const char *first, char **out_path,
				     struct consort_error *error)
{
	const char *manifest = session_manifest(tool);
	struct consort_buffer path = CONSORT_BUFFER_INIT;
	enum consort_status status;
	char *more = NULL;

	status = manifest ? consort_plugins_path(manifest, &more, error) : CONSORT_OK;
	if (status && tool->manifest)
		return status == CONSORT_ECONNECTION ? CONSORT_EMANIFEST : status;
	if (status)
		report_note(tool, "%s; its plugin_path is left out", consort_error_text(error));
	consort_buffer_printf(&path, "%s%s%s", first ? first : "", first && more && *more ? ":" : "",
			      more ? more : "");
	consort_free(more);
	*out_path = consort_buffer_steal(&path);
	return *out_path ? CONSORT_OK : (enum consort_status)consort_error_no_memory(error);
}

static enum consort_status run_verb(struct tool *tool, const struct args *args, const char *path,
				    struct consort_error *error)
{
	static const char *const verbs[] = {"list", "info", "check", "explain"};
	const char *verb = args->operands[0], *what = args->noperands > 1 ? args->operands[1] : NULL;
	char hint[64];

	if (!strcmp(verb, "list"))
		return what ? args_usage(args, error, "'%s' is too much", what)
			    : list(tool, path, NULL, error);
	if (strcmp(verb, "info") && strcmp(verb, "check") && strcmp(verb, "explain"))
		return args_usage(args, error, "there is no '%s'%s", verb,
				  consort_hint(consort_nearest(verb, verbs, 4), hint, sizeof(hint)));
	if (!what)
		return args_usage(args, error, "%s needs an adapter's type%s", verb,
				  *verb == 'e' ? "" : " or file");
	if (!strcmp(verb, "explain"))
		return list(tool, path, what, error);
	return *verb == 'i' ? info(tool, path, what, error) : check(tool, path, what, error);
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	const char *first = NULL;
	enum consort_status status;
	char *path = NULL;
	int option;

	while ((option = args_next(args, error)) > 0)
		first = args->value;
	if (option < 0)
		return args->status;
	status = args_count(args, 1, 2, "list, info, check or explain is", error);
	if (!status)
		status = make_path(tool, first, &path, error);
	if (!status)
		status = run_verb(tool, args, path, error);
	free(path);
	return status;
}

const struct command command_plugins = {.name = "plugins", .help = help, .options = options, .run = run};
