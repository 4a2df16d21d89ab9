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

static void join_features(struct consort_buffer *out, const struct consort_features *mask)
{
	uint32_t i;

	for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
		if (consort_features_has(mask, i) && consort_feature_name(i))
			consort_buffer_printf(out, "%s%s", out->size ? " " : "", consort_feature_name(i));
	consort_buffer_append(out, "", 0);
}

/* --- list and explain --- */

struct listing {
	const struct tool *tool;
	struct output *rows;
	struct consort_buffer features;
	struct consort_error failure; /* of the callback: the library only knows its status */
	bool explain, taken, people;
};

static enum consort_status list_file(void *context, const struct consort_plugin_file *file)
{
	struct listing *l = context;
	struct consort_value values[6];
	const char *problem = file->error ? consort_error_text(file->error) : "";
	char abi[16];
	uint32_t n = 0;

	consort_buffer_reset(&l->features);
	join_features(&l->features, &file->features);
	if (l->features.failed)
		return consort_error_no_memory(&l->failure);
	snprintf(abi, sizeof(abi), "%u.%u", file->abi_major, file->abi_minor);
	if (l->explain) {
		values[n++] = consort_text(file->path);
		values[n++] = consort_text(file->error ? "passed over"
					   : l->taken  ? "hidden by the one above"
						       : "taken");
		values[n++] = consort_text(file->version);
		values[n++] = consort_text(problem);
		l->taken = l->taken || !file->error;
		return output_row(l->rows, values, &l->failure);
	}
	/* For people, those that would be refused are told apart from the table. */
	if (l->people && file->error) {
		report_note(l->tool, "%s", problem);
		return CONSORT_OK;
	}
	values[n++] = consort_text(file->id);
	values[n++] = consort_text(file->version);
	values[n++] = file->error && !*file->id ? consort_null() : consort_text(abi);
	values[n++] = consort_text(file->path);
	values[n++] = consort_text(l->features.data);
	values[n++] = consort_text(problem);
	return output_row(l->rows, values, &l->failure);
}

static enum consort_status list(struct tool *tool, const char *path, const char *type,
				struct consort_error *error)
{
	static const struct output_column list_columns[] = {
		OUTPUT_TEXT("type"), OUTPUT_TEXT("version"), OUTPUT_TEXT("abi"),
		OUTPUT_TEXT("file"), OUTPUT_TEXT("features"), OUTPUT_TEXT("problem"),
	};
	static const struct output_column explain_columns[] = {
		OUTPUT_TEXT("file"), OUTPUT_TEXT("verdict"), OUTPUT_TEXT("version"), OUTPUT_TEXT("problem"),
	};
	struct output rows = {0};
	struct listing l = {.tool = tool, .rows = &rows, .explain = type != NULL};
	enum consort_status status, found = CONSORT_OK;

	l.people = tool->format == OUTPUT_DEFAULT || tool->format == OUTPUT_TABLE;
	if (type)
		status = output_open_list(&rows, tool, explain_columns, 4, error);
	else
		status = output_open_list(&rows, tool, list_columns, l.people ? 5 : 6, error);
	if (!status && type)
		found = consort_plugins_explain(path, type, list_file, &l, error);
	else if (!status)
		status = consort_plugins_list(path, list_file, &l, error);
	if (found && found != CONSORT_ENOPLUGIN)
		status = found;
	if (l.failure.status)
		*error = l.failure;
	if (!status && !type && !rows.rows) {
		tool->nothing = true;
		report_note(tool,
			    "no adapter was found; 'consort plugins explain TYPE' tells where was looked");
	}
	if (!status)
		status = output_close(&rows, found ? NULL : error);
	if (!status)
		status = found;
	output_clear(&rows);
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

static enum consort_status info_options(struct tool *tool, const struct consort_plugin *plugin,
					struct consort_error *error)
{
	static const struct output_column columns[] = {
		OUTPUT_TEXT("option"),	OUTPUT_TEXT("of"),   OUTPUT_TEXT("type"),
		OUTPUT_TEXT("default"), OUTPUT_TEXT("help"),
	};
	const struct consort_option *const *option = plugin->options;
	enum consort_status status;
	struct output rows = {0};

	status = output_open(&rows, tool, STDOUT_FILENO, "standard output", OUTPUT_TABLE, columns, 5, error);
	for (; !status && option && *option; option++) {
		struct consort_value values[5];

		values[0] = consort_text((*option)->name);
		values[1] =
			consort_text((*option)->scope == CONSORT_OPTION_RESOURCE ? "resource" : "database");
		values[2] = consort_text((*option)->type == CONSORT_OPTION_CHOICE && (*option)->choices
						 ? (*option)->choices
						 : option_type(*option));
		values[3] = consort_text((*option)->required	    ? "(required)"
					 : (*option)->default_value ? (*option)->default_value
								    : "");
		values[4] = consort_text((*option)->help ? (*option)->help : "");
		status = output_row(&rows, values, error);
	}
	if (!status && rows.rows)
		status = output_close(&rows, error);
	output_clear(&rows);
	return status;
}

/* The plain facts, name by name. */
struct fact {
	const char *name, *text;
};

#define FACTS 10

static void info_json(struct consort_buffer *out, const struct consort_plugin *plugin,
		      const struct fact *facts)
{
	const struct consort_option *const *option = plugin->options;
	const char *before = "";
	size_t i;

	for (i = 0; i < FACTS; i++)
		report_json_text(out, i ? "," : "{", facts[i].name, facts[i].text);
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

static void info_text(struct consort_buffer *out, const struct fact *facts)
{
	size_t i;

	for (i = 0; i < FACTS; i++) {
		const char *text = facts[i].text ? facts[i].text : "";

		if (!*text)
			continue;
		consort_buffer_printf(out, "%-12s ", facts[i].name);
		screen_escape(out, text, strlen(text), false);
		consort_buffer_char(out, '\n');
	}
}

static enum consort_status print_info(struct tool *tool, const struct consort_plugin *plugin,
				      const struct fact *facts, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	bool json = tool->format == OUTPUT_JSON, more = !json && plugin->options && *plugin->options;
	enum consort_status status;

	if (json)
		info_json(&text, plugin, facts);
	else
		info_text(&text, facts);
	if (more)
		consort_buffer_char(&text, '\n');
	status = report_print(tool, &text, error);
	if (!status && more)
		status = info_options(tool, plugin, error);
	consort_buffer_clear(&text);
	return status;
}

static enum consort_status info(struct tool *tool, const char *path, const char *what,
				struct consort_error *error)
{
	struct consort_buffer features = CONSORT_BUFFER_INIT, tables = CONSORT_BUFFER_INIT;
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
			{"type", plugin->id},
			{"version", plugin->version},
			{"description", plugin->description},
			{"licence", plugin->licence},
			{"vendor", plugin->vendor},
			{"homepage", plugin->homepage},
			{"abi", abi},
			{"file", file},
			{"features", features.data},
			{"tables", tables.data},
		};

		status = print_info(tool, plugin, facts, error);
	}
	consort_free(file);
	consort_buffer_clear(&features);
	consort_buffer_clear(&tables);
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
