/* SPDX-License-Identifier: Apache-2.0 */
/* databases: what each one is, what it can do, and why it cannot do the rest. */
#include "tools.h"

static const char help[] =
	"Usage: consort databases [--offline] [NAME]...\n"
	"Connects to the databases of the manifest, or those named, and shows adapter,\n"
	"server, options, the features that are there, and why others are missing.\n"
	"\n"
	"      --offline          connect to nothing; what adapter and manifest say\n"
	"      --json             everything, as JSON\n"
	"  -f, --format FORMAT    a row for each database and feature\n"
	"\n"
	"Exit status: 0, or 5 if one could not be connected to, or as in consort(1).\n"
	"\n"
	"Example: consort databases core\n";

enum { DATABASES_OFFLINE = 256 };

static const struct option options[] = {{"offline", no_argument, NULL, DATABASES_OFFLINE},
					{NULL, 0, NULL, 0}};

/* What the callback works with. */
struct listing {
	struct tool *tool;
	bool connect;
	struct consort_buffer text;   /* for people, or JSON */
	struct output *rows;          /* or rows */
	size_t count;
	struct consort_error failure; /* of the callback: the library only knows its status */
	struct consort_error last;    /* of a database that could not be connected to */
};

/* The effective mask, and why a bit is missing. */
static bool available(const struct listing *l, const struct consort_database_info *info, uint32_t feature,
		      const char **out_why)
{
	*out_why = "";
	if (consort_features_has(&info->effective, feature))
		return true;
	if (!consort_features_has(&info->plugin, feature))
		*out_why = "the adapter does not have it";
	else if (!consort_features_has(&info->manifest, feature))
		*out_why = "the manifest takes it away";
	else if (l->connect)
		consort_supports(l->tool->c, info->name, feature, out_why);
	return false;
}

static void print_options(struct consort_buffer *out, const struct consort_database_info *info)
{
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	uint32_t i;

	for (i = 0; i < info->noptions; i++) {
		consort_buffer_reset(&line);
		consort_buffer_printf(&line, "%s = ", info->options[i].name);
		consort_value_print(&info->options[i].value, &line);
		out->failed |= line.failed;
		text_fact(out, text_width(), i ? "" : "options", line.failed ? "" : line.data);
	}
	consort_buffer_clear(&line);
}

/* Appends a name behind others. */
static void add_word(struct consort_buffer *words, uint32_t feature)
{
	consort_buffer_printf(words, "%s%s", words->size ? " " : "", consort_feature_name(feature));
}

/* The names of what is there; then those of what is not, below their reasons. */
static void print_features(const struct listing *l, struct consort_buffer *out,
			   const struct consort_database_info *info)
{
	struct consort_buffer words = CONSORT_BUFFER_INIT;
	bool told[CONSORT_FEATURE_COUNT], first = true;
	const char *why, *other;
	uint32_t i, j;

	for (i = 0; i < CONSORT_FEATURE_COUNT; i++) {
		told[i] = !consort_feature_name(i) || available(l, info, i, &why);
		if (told[i] && consort_feature_name(i))
			add_word(&words, i);
	}
	text_fact(out, text_width(), "features", words.failed ? "" : words.data);
	for (i = 0; i < CONSORT_FEATURE_COUNT; i++) {
		if (told[i])
			continue;
		available(l, info, i, &why);
		consort_buffer_reset(&words);
		for (j = i; j < CONSORT_FEATURE_COUNT; j++)
			if (!told[j] && !available(l, info, j, &other) && !strcmp(why, other)) {
				told[j] = true;
				add_word(&words, j);
			}
		text_fact(out, text_width(), first ? "missing" : "", why);
		text_detail(out, text_width(), words.failed ? "" : words.data);
		first = false;
	}
	out->failed |= words.failed;
	consort_buffer_clear(&words);
}

static enum consort_status print_database(struct listing *l, const struct consort_database_info *info)
{
	struct consort_buffer *out = &l->text;

	consort_buffer_printf(out, "%s%s: %s%s%s\n", l->count ? "\n" : "", info->name, info->type,
			      *info->plugin_version ? " " : "", info->plugin_version);
	text_fact(out, text_width(), "server", info->server);
	text_fact(out, text_width(), "user", info->user);
	if (info->error)
		text_fact(out, text_width(), "error", consort_error_text(info->error));
	text_fact(out, text_width(), "adapter", info->plugin_path);
	print_options(out, info);
	print_features(l, out, info);
	return CONSORT_OK;
}

static enum consort_status json_database(struct listing *l, const struct consort_database_info *info)
{
	struct consort_buffer *out = &l->text;
	const char *why, *separator = "";
	uint32_t i;

	report_json_text(out, l->count ? ",\n{" : "\n{", "name", info->name);
	report_json_text(out, ",", "type", info->type);
	report_json_text(out, ",", "version", info->plugin_version);
	report_json_text(out, ",", "adapter", info->plugin_path);
	report_json_known(out, ",", "server", info->server);
	report_json_known(out, ",", "user", info->user);
	consort_buffer_text(out, ",\"options\":{");
	for (i = 0; i < info->noptions; i++) {
		consort_buffer_text(out, i ? "," : "");
		consort_json_quote(out, info->options[i].name, strlen(info->options[i].name));
		consort_buffer_char(out, ':');
		consort_value_print_json(&info->options[i].value, out);
	}
	consort_buffer_text(out, "},\"features\":[");
	for (i = 0; i < CONSORT_FEATURE_COUNT; i++)
		if (consort_feature_name(i) && available(l, info, i, &why)) {
			consort_buffer_printf(out, "%s\"%s\"", separator, consort_feature_name(i));
			separator = ",";
		}
	consort_buffer_text(out, "],\"missing\":{");
	for (i = 0, separator = ""; i < CONSORT_FEATURE_COUNT; i++)
		if (consort_feature_name(i) && !available(l, info, i, &why)) {
			consort_buffer_printf(out, "%s\"%s\":", separator, consort_feature_name(i));
			consort_json_quote(out, why, strlen(why));
			separator = ",";
		}
	consort_buffer_char(out, '}');
	if (info->error) {
		consort_buffer_char(out, ',');
		report_error_json(out, info->error);
	}
	consort_buffer_char(out, '}');
	return CONSORT_OK;
}

static enum consort_status row_database(struct listing *l, const struct consort_database_info *info)
{
	enum consort_status status = CONSORT_OK;
	const char *why;
	uint32_t i;

	for (i = 0; !status && i < CONSORT_FEATURE_COUNT; i++) {
		struct consort_value values[6];

		if (!consort_feature_name(i))
			continue;
		values[0] = consort_text(info->name);
		values[1] = consort_text(info->type);
		values[2] = output_text_or_null(info->server);
		values[3] = consort_text(consort_feature_name(i));
		values[4] = consort_bool(available(l, info, i, &why));
		values[5] = output_text_or_null(why);
		status = output_row(l->rows, values, &l->failure);
	}
	return status;
}

static enum consort_status show(void *context, const struct consort_database_info *info)
{
	struct listing *l = context;
	enum consort_status status;

	if (info->error && l->connect)
		l->last = *info->error;
	if (l->rows)
		status = row_database(l, info);
	else if (l->tool->format == OUTPUT_JSON)
		status = json_database(l, info);
	else
		status = print_database(l, info);
	l->count++;
	return status;
}

static enum consort_status list(struct listing *l, const struct args *args, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	bool json = l->tool->format == OUTPUT_JSON;
	size_t i;

	if (json)
		consort_buffer_char(&l->text, '[');
	if (!args->noperands)
		status = consort_databases(l->tool->c, NULL, l->connect, show, l, error);
	for (i = 0; !status && i < args->noperands; i++)
		status = consort_databases(l->tool->c, args->operands[i], l->connect, show, l, error);
	if (l->failure.status)
		*error = l->failure;
	if (json)
		consort_buffer_text(&l->text, l->count ? "\n]\n" : "]\n");
	if (!status && l->rows)
		status = output_close(l->rows, error);
	else if (!status)
		status = report_print(l->tool, &l->text, error);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	static const struct output_column columns[] = {
		OUTPUT_TEXT("database"), OUTPUT_TEXT("type"), OUTPUT_TEXT("server"),
		OUTPUT_TEXT("feature"), OUTPUT_BOOL("available"), OUTPUT_TEXT("reason"),
	};
	struct listing l = {.tool = tool, .connect = true};
	enum consort_status status;
	struct output rows = {0};
	int option;

	while ((option = args_next(args, error)) > 0)
		l.connect = false;
	if (option < 0)
		return args->status;
	status = session_open(tool, error);
	if (!status && tool->format != OUTPUT_DEFAULT && tool->format != OUTPUT_JSON) {
		status = output_open_list(&rows, tool, columns, 6, error);
		l.rows = &rows;
	}
	if (!status)
		status = list(&l, args, error);
	if (!status && l.last.status) {
		*error = l.last;
		status = (enum consort_status)l.last.status;
	}
	output_clear(&rows);
	consort_buffer_clear(&l.text);
	return status;
}

const struct command command_databases = {.name = "databases", .help = help, .options = options, .run = run};
