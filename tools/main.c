/* SPDX-License-Identifier: Apache-2.0 */
/* The consort command: finds what is asked for, runs it, and turns what comes back into an exit status. */
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

const struct command *const commands[] = {
	&command_check_config, &command_plugins, &command_databases, &command_resources, &command_describe,
	&command_get, &command_find, &command_create, &command_update, &command_upsert, &command_delete,
	&command_import, &command_export, &command_define, &command_drop, &command_native, &command_explain,
	&command_version, &command_complete, NULL,
};

static const char help[] =
	"Usage: consort [-c FILE] [-d NAME=TYPE:OPTION=VALUE,...]... COMMAND ...\n"
	"Many databases as one, described by a manifest (consort.ini).\n"
	"\n"
	"  check-config         read and check the manifest; connects to nothing\n"
	"  plugins              list, describe and check adapters\n"
	"  databases            what each database is and can do\n"
	"  resources, describe  what there is to query\n"
	"  get, find, explain   one record by key; a query; how a query runs\n"
	"  create, update, upsert, delete\n"
	"  import, export       files of CSV and JSON Lines\n"
	"  define, drop         make or remove a table, collection and the like\n"
	"  native               the engine's own language\n"
	"  version\n"
	"\n"
	"  -c, --config FILE    the manifest; else $CONSORT_CONFIG, else ./consort.ini\n"
	"  -d, --database NAME=TYPE:OPTION=VALUE,...   one more database, exposed whole\n"
	"  -f, --format FORMAT  table, csv, json, jsonl or expanded\n"
	"      --json           the same as -f json; errors too    -q, --quiet\n"
	"      --json-safe      numbers that a reader may round, as strings\n"
	"      --timeout TIME   give up after 250ms, 5s, 2m, ...\n"
	"\n"
	"Example: consort -d shop=sqlite:path=shop.db find shop.orders -w 'total > 100'\n";

static const struct command command_global = {.name = "consort", .help = help, .letters = "+"};

/* The command of that name; ENAME-like usage error with the nearest one otherwise. */
static enum consort_status find_command(const struct args *args, const char *name,
					const struct command **out_command, struct consort_error *error)
{
	struct consort_nearest_search search;
	char hint[128];
	size_t i;

	consort_nearest_begin(&search, name);
	for (i = 0; commands[i]; i++) {
		if (!strcmp(commands[i]->name, name)) {
			*out_command = commands[i];
			return CONSORT_OK;
		}
		if (!commands[i]->hidden)
			consort_nearest_consider(&search, commands[i]->name);
	}
	return args_usage(args, error, "unknown command '%s'%s", name,
			  consort_hint(search.best, hint, sizeof(hint)));
}

/* `consort help [COMMAND]` */
static enum consort_status print_help(struct tool *tool, const struct args *args, struct consort_error *error)
{
	const struct command *command = &command_global;
	enum consort_status status = CONSORT_OK;

	if (args->argc > 2)
		return args_usage(args, error, "help: '%s' is too much", args->argv[2]);
	if (args->argc == 2 && strcmp(args->argv[1], "--help") && strcmp(args->argv[1], "-h"))
		status = find_command(args, args->argv[1], &command, error);
	if (!status)
		status = report_write(tool, STDOUT_FILENO, "standard output", command->help,
				      strlen(command->help), error);
	return status;
}

static enum consort_status run(struct tool *tool, int argc, char **argv, struct consort_error *error)
{
	struct args args = {.tool = tool, .command = &command_global, .argc = argc, .argv = argv};
	enum consort_status status;
	int option;

	option = args_next(&args, error);
	if (option < 0) {
		status = args.status;
		goto out;
	}
	/* The global options end in front of the command's name, where getopt stopped. */
	args.argc = argc - optind;
	args.argv = argv + optind;
	args.started = false;
	if (!args.argc) {
		status = args_usage(&args, error, "a command is missing");
		goto out;
	}
	if (!strcmp(args.argv[0], "help")) {
		status = print_help(tool, &args, error);
		goto out;
	}
	status = find_command(&args, args.argv[0], &tool->command, error);
	if (status)
		goto out;
	args.command = tool->command;
	status = tool->command->run(tool, &args, error);
out:
	free(args.operands);
	return status;
}

/* Where the caller closed a standard descriptor, the next file that is opened (a database!) would take its
 * number and get what is meant for it. One that can only fail takes it first. */
static void fill_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct tool tool = {0};
	enum consort_status status;

	fill_standard_descriptors();
	/* A reader that goes away, and a file that must not grow, are errors of write: see report_write. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	text_locale(); /* messages hold names and values, too */
	status = run(&tool, argc, argv, &error);
	session_close(&tool);
	free(tool.databases);
	if (tool.broken_pipe)
		return 0;
	if (!status)
		return tool.nothing ? 1 : 0;
	if (!tool.command || !tool.command->hidden)
		report_error(&tool, &error);
	return tool.nothing ? 1 : report_exit_status(status);
}
