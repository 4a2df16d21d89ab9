/* SPDX-License-Identifier: Apache-2.0 */
/* define and drop: what a resource's declaration asks for, made or removed; or only told. */
#include "tools.h"

#include <unistd.h>

static const char help_define[] =
	"Usage: consort define [OPTION]... RESOURCE...\n"
	"Makes the table, collection, key and indexes that the resources' declarations\n"
	"in the manifest ask for.\n"
	"\n"
	"      --dry-run          only print what would be run, in the engine's language\n"
	"      --if-needed        leave alone what is there\n"
	"  -v, --verbose          print what is run\n"
	"\n"
	"Example: consort define --dry-run flight airport\n";

static const char help_drop[] =
	"Usage: consort drop [OPTION]... RESOURCE...\n"
	"Removes the table, collection and the like behind the resources, with all\n"
	"records. Asks before, on a terminal; without one, --yes is needed.\n"
	"\n"
	"      --dry-run          only print what would be run, in the engine's language\n"
	"      --if-needed        what is not there is no error\n"
	"  -y, --yes              do not ask\n"
	"  -v, --verbose          print what is run\n"
	"\n"
	"Exit status: 0, or 1 if the answer was no, or as in consort(1).\n"
	"\n"
	"Example: consort drop --if-needed --yes flight\n";

enum { DEFINE_DRY_RUN = 256, DEFINE_IF_NEEDED };

static const struct option options[] = {
	{"dry-run", no_argument, NULL, DEFINE_DRY_RUN}, {"if-needed", no_argument, NULL, DEFINE_IF_NEEDED},
	{"verbose", no_argument, NULL, 'v'}, {"yes", no_argument, NULL, 'y'}, {NULL, 0, NULL, 0},
};
static const struct option define_options[] = {
	{"dry-run", no_argument, NULL, DEFINE_DRY_RUN}, {"if-needed", no_argument, NULL, DEFINE_IF_NEEDED},
	{"verbose", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0},
};

typedef enum consort_status change(struct consort *c, const char *resource, uint32_t flags, char **out_script,
				   struct consort_error *error);

/* What the options say. */
struct choice {
	uint32_t flags;
	bool verbose, yes;
};

static enum consort_status read_options(struct args *args, struct choice *choice, struct consort_error *error)
{
	int option;

	while ((option = args_next(args, error)) > 0)
		switch (option) {
		case DEFINE_DRY_RUN:
			choice->flags |= CONSORT_DEFINE_DRY_RUN;
			break;
		case DEFINE_IF_NEEDED:
			choice->flags |= CONSORT_DEFINE_IF_NEEDED;
			break;
		case 'v':
			choice->verbose = true;
			break;
		default:
			choice->yes = true;
		}
	return args->status;
}

static enum consort_status print_script(struct tool *tool, const char *script, struct consort_error *error)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	enum consort_status status = CONSORT_OK;
	size_t size = strlen(script);

	consort_buffer_append(&text, script, size);
	if (size && script[size - 1] != '\n')
		consort_buffer_char(&text, '\n');
	if (size || text.failed)
		status = report_print(tool, &text, error);
	consort_buffer_clear(&text);
	return status;
}

/* The change of each resource, in the order given. */
static enum consort_status change_all(struct tool *tool, const struct args *args, const struct choice *choice,
				      change *function, const char *done, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	size_t i;

	for (i = 0; !status && i < args->noperands; i++) {
		char *script = NULL;

		status = function(tool->c, args->operands[i], choice->flags, &script, error);
		if (!status && (choice->verbose || (choice->flags & CONSORT_DEFINE_DRY_RUN)))
			status = print_script(tool, script ? script : "", error);
		if (!status && !(choice->flags & CONSORT_DEFINE_DRY_RUN))
			report_note(tool, script && *script ? "%s %s" : "%s %s: nothing to do", done,
				    args->operands[i]);
		consort_free(script);
	}
	return status;
}

/* Asks on the terminal. *out_yes: the answer. */
static enum consort_status confirm(const struct args *args, bool *out_yes, struct consort_error *error)
{
	struct consort_buffer question = CONSORT_BUFFER_INIT;
	enum consort_status status;
	char answer[64] = "";
	size_t size = 0, i;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return args_usage(args, error,
				  "this removes all records; say --yes where nobody can be asked");
	for (i = 0; i < args->noperands; i++)
		consort_buffer_printf(&question, "%s%s", i ? ", " : "", args->operands[i]);
	fprintf(stderr, "Remove %s with all records? [y/N] ", question.failed ? "" : question.data);
	consort_buffer_clear(&question);
	status = session_read(STDIN_FILENO, "standard input", answer, sizeof(answer), &size, error);
	/* An answer ends with a line; its end and Ctrl-C do not. */
	if (!size)
		fputc('\n', stderr);
	*out_yes = !status && size && (answer[0] == 'y' || answer[0] == 'Y');
	return status;
}

/* What define and drop do before they differ. As with args_next, args->helped ends the command, too. */
static enum consort_status start(struct tool *tool, struct args *args, struct choice *choice,
				 struct consort_error *error)
{
	enum consort_status status = read_options(args, choice, error);

	if (status || args->helped)
		return status;
	status = args_count(args, 1, SIZE_MAX, "a resource is", error);
	return status ? status : session_open(tool, error);
}

static enum consort_status run_define(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct choice choice = {0};
	enum consort_status status = start(tool, args, &choice, error);

	if (status || args->helped)
		return status;
	return change_all(tool, args, &choice, consort_define, "defined", error);
}

static enum consort_status run_drop(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct choice choice = {0};
	enum consort_status status = start(tool, args, &choice, error);

	if (status || args->helped)
		return status;
	choice.yes |= (choice.flags & CONSORT_DEFINE_DRY_RUN) != 0;
	if (!choice.yes)
		status = confirm(args, &choice.yes, error);
	if (status)
		return status;
	if (!choice.yes) {
		report_note(tool, "nothing was removed");
		tool->nothing = true;
		return CONSORT_OK;
	}
	return change_all(tool, args, &choice, consort_drop, "dropped", error);
}

const struct command command_define = {
	.name = "define", .help = help_define, .letters = "v", .options = define_options, .run = run_define};
const struct command command_drop = {
	.name = "drop", .help = help_drop, .letters = "vy", .options = options, .run = run_drop};
