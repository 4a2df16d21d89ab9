/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complete: words for the shells' completion, one a line; not for people. It tells nothing but words: what
 * goes wrong is an empty answer.
 */
#include "tools.h"

static const char help[] =
	"Usage: consort complete commands|databases|resources|types\n"
	"       consort complete options COMMAND\n"
	"       consort complete attributes RESOURCE\n"
	"       consort complete settings TYPE\n"
	"Words for the completion of shells, one a line.\n"
	"\n"
	"Example: consort complete attributes flight\n";

/* A server that does not answer must not stop the shell. */
#define PATIENCE 2000000000

static void add_word(struct consort_buffer *out, const char *word)
{
	if (strpbrk(word, "\n\r"))
		return;
	consort_buffer_text(out, word);
	consort_buffer_char(out, '\n');
}

static enum consort_status add_database(void *context, const struct consort_database_info *info)
{
	add_word(context, info->name);
	return CONSORT_OK;
}

static enum consort_status add_resource(void *context, const struct consort_resource *resource,
					const struct consort_error *error)
{
	(void)error;
	add_word(context, resource->name);
	return CONSORT_OK;
}

static enum consort_status add_type(void *context, const struct consort_plugin_file *file)
{
	if (!file->error)
		add_word(context, file->id);
	return CONSORT_OK;
}

/* What can stand behind -d NAME=TYPE: */
static void add_settings(struct consort_buffer *out, const char *type)
{
	const struct consort_option *const *option;
	const struct consort_plugin *plugin;
	char *file = NULL;

	if (consort_plugins_load(NULL, type, &file, &plugin, NULL))
		return;
	for (option = plugin->options; option && *option; option++)
		if ((*option)->scope == CONSORT_OPTION_DATABASE)
			add_word(out, (*option)->name);
	consort_free(file);
}

static void add_options(struct consort_buffer *out, const struct option *options)
{
	for (; options && options->name; options++)
		consort_buffer_printf(out, "--%s\n", options->name);
}

static void add_commands(struct consort_buffer *out)
{
	size_t i;

	for (i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			add_word(out, commands[i]->name);
	add_word(out, "help");
}

/* What needs no manifest. False: it is none of that. */
static bool add_known(struct consort_buffer *out, const char *what, const char *of)
{
	size_t i;

	if (!strcmp(what, "commands")) {
		add_commands(out);
	} else if (!strcmp(what, "types")) {
		consort_plugins_list(NULL, add_type, out, NULL);
	} else if (!strcmp(what, "settings") && of) {
		add_settings(out, of);
	} else if (!strcmp(what, "options")) {
		for (i = 0; commands[i]; i++)
			if (of && !strcmp(commands[i]->name, of))
				add_options(out, commands[i]->options);
		add_options(out, args_global);
	} else {
		return false;
	}
	return true;
}

static enum consort_status add_declared(struct tool *tool, struct consort_buffer *out, const char *what,
					const char *of, struct consort_error *error)
{
	const struct consort_resource *resource;
	enum consort_status status;
	uint32_t i;

	if (!tool->timeout)
		tool->timeout = PATIENCE;
	status = session_open(tool, error);
	if (status)
		return status;
	if (!strcmp(what, "databases"))
		return consort_databases(tool->c, NULL, 0, add_database, out, error);
	if (!strcmp(what, "resources"))
		return consort_resources(tool->c, 0, add_resource, out, error);
	if (strcmp(what, "attributes") || !of)
		return consort_error_set(error, CONSORT_EINVAL, "complete: '%s' is unknown", what);
	status = consort_describe(tool->c, of, &resource, error);
	for (i = 0; !status && i < resource->nattributes; i++)
		add_word(out, resource->attributes[i]->name);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct consort_buffer words = CONSORT_BUFFER_INIT;
	const char *what, *of;
	enum consort_status status;

	if (args_next(args, error))
		return args->status;
	status = args_count(args, 1, 2, "what to complete is", error);
	if (status)
		return status;
	what = args->operands[0];
	of = args->noperands > 1 ? args->operands[1] : NULL;
	if (!add_known(&words, what, of))
		status = add_declared(tool, &words, what, of, error);
	if (!status && words.size)
		status = report_print(tool, &words, error);
	consort_buffer_clear(&words);
	return status;
}

const struct command command_complete = {.name = "complete", .help = help, .run = run, .hidden = true};
