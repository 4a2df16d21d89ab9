/* SPDX-License-Identifier: Apache-2.0 */
/* check-config: reads the manifest, and says what is in it. */
#include "tools.h"

static const char help[] = "Usage: consort check-config\n"
			   "Reads the manifest, finds and loads its adapters, checks every name and option,\n"
			   "resolves the secrets that it names. Connects to nothing.\n"
			   "\n"
			   "      --json             what was found, as JSON\n"
			   "\n"
			   "Exit status: 0, or 3 if the manifest is wrong, 4 if an adapter is.\n"
			   "\n"
			   "Example: consort -c consort.ini check-config\n";

struct summary {
	struct consort_buffer text;
	size_t databases, resources;
	bool json;
};

static enum consort_status add_database(void *context, const struct consort_database_info *info)
{
	struct summary *s = context;

	if (s->json) {
		report_json_text(&s->text, s->databases ? ",{" : "{", "name", info->name);
		report_json_text(&s->text, ",", "type", info->type);
		report_json_text(&s->text, ",", "adapter", info->plugin_path);
		if (info->error)
			report_json_text(&s->text, ",", "error", consort_error_text(info->error));
		consort_buffer_char(&s->text, '}');
	} else if (info->error) {
		consort_buffer_printf(&s->text, "database %s: optional and left out: ", info->name);
		text_escape(&s->text, consort_error_text(info->error),
			    strlen(consort_error_text(info->error)), false);
		consort_buffer_char(&s->text, '\n');
	} else {
		consort_buffer_printf(&s->text, "database %s: %s %s, ", info->name, info->type,
				      info->plugin_version);
		text_escape(&s->text, info->plugin_path, strlen(info->plugin_path), false);
		consort_buffer_char(&s->text, '\n');
	}
	s->databases++;
	return CONSORT_OK;
}

static enum consort_status add_resource(void *context, const struct consort_resource *resource,
					const struct consort_error *error)
{
	struct summary *s = context;

	(void)error;
	if (s->json) {
		report_json_text(&s->text, s->resources ? ",{" : "{", "name", resource->name);
		report_json_text(&s->text, ",", "database", resource->database);
		consort_buffer_char(&s->text, '}');
	}
	s->resources++;
	return CONSORT_OK;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct summary s = {.json = tool->json};
	enum consort_status status;

	if (args_next(args, error))
		return args->status;
	s.json = tool->format == OUTPUT_JSON;
	status = args_count(args, 0, 0, "nothing is", error);
	if (!status)
		status = session_open(tool, error);
	if (s.json)
		consort_buffer_text(&s.text, "{\"databases\":[");
	if (!status)
		status = consort_databases(tool->c, NULL, 0, add_database, &s, error);
	if (s.json)
		consort_buffer_text(&s.text, "],\"resources\":[");
	if (!status)
		status = consort_resources(tool->c, CONSORT_RESOURCES_DECLARED, add_resource, &s, error);
	if (s.json)
		consort_buffer_text(&s.text, "]}\n");
	else
		consort_buffer_printf(&s.text, "good: %zu database%s, %zu resource%s declared\n", s.databases,
				      s.databases == 1 ? "" : "s", s.resources, s.resources == 1 ? "" : "s");
	if (!status)
		status = report_print(tool, &s.text, error);
	consort_buffer_clear(&s.text);
	return status;
}

const struct command command_check_config = {.name = "check-config", .help = help, .run = run};
