/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options and operands. The global options may stand in front of the command's name and behind it, so each
 * command's own ones are merged with them into one table for getopt_long, whose messages are replaced by
 * ours.
 */
#include "tools.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GLOBAL_JSON = 1024, GLOBAL_JSON_SAFE, GLOBAL_TIMEOUT, GLOBAL_VERSION };

#define GLOBAL_LETTERS "c:d:f:qh"

const struct option args_global[] = {
	{"config", required_argument, NULL, 'c'},
	{"database", required_argument, NULL, 'd'},
	{"format", required_argument, NULL, 'f'},
	{"json", no_argument, NULL, GLOBAL_JSON},
	{"json-safe", no_argument, NULL, GLOBAL_JSON_SAFE},
	{"timeout", required_argument, NULL, GLOBAL_TIMEOUT},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, GLOBAL_VERSION},
	{NULL, 0, NULL, 0},
};

#define GLOBAL_COUNT (sizeof(args_global) / sizeof(args_global[0]) - 1)
#define MOST_OPTIONS 64

enum consort_status args_usage(const struct args *args, struct consort_error *error, const char *format, ...)
{
	const struct tool *tool = args->tool;
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (!tool->command)
		return consort_error_set(error, CONSORT_EINVAL, "%s (see 'consort --help')", text);
	return consort_error_set(error, CONSORT_EINVAL, "%s: %s (see 'consort %s --help')",
				 tool->command->name, text, tool->command->name);
}

enum consort_status args_push(const char ***list, size_t *count, const char *text,
			      struct consort_error *error)
{
	const char **more = realloc(*list, (*count + 2) * sizeof(*more));

	if (!more)
		return consort_error_no_memory(error);
	more[*count] = text;
	more[*count + 1] = NULL;
	*list = more;
	(*count)++;
	return CONSORT_OK;
}

static size_t count_options(const struct option *options)
{
	size_t count = 0;

	while (options && options[count].name)
		count++;
	return count;
}

/* What getopt did not understand: argv[optind - 1], or a letter of it. */
static enum consort_status unknown_option(const struct args *args, const struct option *options,
					  struct consort_error *error)
{
	const char *text = args->argv[optind - 1];
	struct consort_nearest_search search;
	char hint[128], name[128];
	size_t i;

	if (optopt && !strncmp(text, "--", 2) && strchr(text, '='))
		return args_usage(args, error, "option '%.*s' takes no value", (int)strcspn(text, "="), text);
	if (optopt)
		return args_usage(args, error, "unknown option '-%c'%s", optopt,
				  optopt >= '0' && optopt <= '9'
					  ? "; '--' stands before operands that start with '-'"
					  : "");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 2, "="), text + 2);
	consort_nearest_begin(&search, name);
	for (i = 0; options[i].name; i++) {
		if (!strncmp(options[i].name, name, strlen(name)) && *name)
			return args_usage(args, error, "option '--%s' is not unique", name);
		consort_nearest_consider(&search, options[i].name);
	}
	if (search.best) {
		snprintf(name, sizeof(name), "--%s", search.best);
		search.best = name;
	}
	return args_usage(args, error, "unknown option '%s'%s", text,
			  consort_hint(search.best, hint, sizeof(hint)));
}

static enum consort_status set_format(struct args *args, const char *name, struct consort_error *error)
{
	static const char *const names[] = {"table", "csv", "json", "jsonl", "expanded"};
	char hint[128];

	args->tool->format = output_format_find(name);
	if (args->tool->format != OUTPUT_DEFAULT)
		return CONSORT_OK;
	return args_usage(args, error,
			  "unknown format '%s'%s; there are table, csv, json, jsonl and expanded", name,
			  consort_hint(consort_nearest(name, names, 5), hint, sizeof(hint)));
}

static enum consort_status print(struct args *args, const char *text, struct consort_error *error)
{
	return report_write(args->tool, STDOUT_FILENO, "standard output", text, strlen(text), error);
}

/* Deals with a global option. False: it ends the command, with args->status. */
static bool global_option(struct args *args, int option, struct consort_error *error)
{
	struct tool *tool = args->tool;
	char version[64];

	switch (option) {
	case 'c':
		tool->manifest = optarg;
		break;
	case 'd':
		args->status = args_push(&tool->databases, &tool->ndatabases, optarg, error);
		break;
	case 'f':
		args->status = set_format(args, optarg, error);
		break;
	case 'q':
		tool->quiet = true;
		break;
	case GLOBAL_JSON:
		tool->json = true;
		tool->format = OUTPUT_JSON;
		break;
	case GLOBAL_JSON_SAFE:
		tool->json_safe = true;
		break;
	case GLOBAL_TIMEOUT:
		if (!consort_duration_parse(optarg, &tool->timeout) || tool->timeout <= 0)
			args->status =
				args_usage(args, error,
					   "--timeout: '%s' is no duration like 250ms, 5s, 2m or 1h", optarg);
		break;
	case 'h':
		args->helped = true;
		args->status = print(args, args->command->help, error);
		return false;
	case GLOBAL_VERSION:
		snprintf(version, sizeof(version), "consort %s\n", consort_version());
		args->helped = true;
		args->status = print(args, version, error);
		return false;
	default:
		return true;
	}
	return !args->status;
}

static bool is_global(int option)
{
	return option >= GLOBAL_JSON || (option < 256 && strchr("cdfqh", option));
}

/* Keeps what stands behind `--`, too. */
static enum consort_status keep_rest(struct args *args, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;

	for (; !status && optind < args->argc; optind++)
		status = args_push(&args->operands, &args->noperands, args->argv[optind], error);
	return status;
}

int args_next(struct args *args, struct consort_error *error)
{
	struct option options[MOST_OPTIONS];
	size_t own = count_options(args->command->options);
	char letters[128];
	int option;

	if (own + GLOBAL_COUNT >= MOST_OPTIONS) {
		args->status = consort_error_set(error, CONSORT_EINTERNAL, "too many options");
		return -1;
	}
	if (own)
		memcpy(options, args->command->options, own * sizeof(*options));
	memcpy(options + own, args_global, sizeof(args_global));
	/* '+' ends the global options at the command's name; '-' gives a command its operands in order. */
	snprintf(letters, sizeof(letters), "%s:%s%s", args->tool->command ? "-" : "+", GLOBAL_LETTERS,
		 args->command->letters && args->tool->command ? args->command->letters : "");
	if (!args->started) {
		optind = 0;
		opterr = 0;
		args->started = true;
	}
	for (;;) {
		option = getopt_long(args->argc, args->argv, letters, options, NULL);
		args->value = optarg;
		if (option == ARGS_OPERAND && !args->in_order)
			args->status = args_push(&args->operands, &args->noperands, optarg, error);
		else if (option == '?')
			args->status = unknown_option(args, options, error);
		else if (option == ':')
			args->status =
				args_usage(args, error, "option '%s' needs a value", args->argv[optind - 1]);
		else if (option == -1)
			args->status = args->tool->command ? keep_rest(args, error) : CONSORT_OK;
		else if (option == ARGS_OPERAND || !is_global(option))
			return option;
		else if (!global_option(args, option, error))
			return -1;
		if (args->status)
			return -1;
		if (option == -1)
			return 0;
	}
}

enum consort_status args_count(struct args *args, size_t min, size_t max, const char *what,
			       struct consort_error *error)
{
	if (args->noperands < min)
		return args_usage(args, error, "%s needed", what);
	if (args->noperands > max)
		return args_usage(args, error, "'%s' is too much", args->operands[max]);
	return CONSORT_OK;
}

enum consort_status args_file(const char *name, struct consort_error *error)
{
	struct stat status;

	if (!stat(name, &status) && S_ISDIR(status.st_mode))
		return consort_error_set(error, CONSORT_ECONNECTION, "%s is a folder: name a file", name);
	return CONSORT_OK;
}

enum consort_status args_number(const struct args *args, const char *name, int64_t min, int64_t *out_number,
				struct consort_error *error)
{
	struct consort_value value;

	if (consort_value_parse(consort_type_of(CONSORT_TYPE_INT64), args->value, strlen(args->value), NULL,
				&value, NULL) ||
	    value.as.int64 < min)
		return args_usage(args, error, "%s: '%s' is no whole number from %lld up", name, args->value,
				  (long long)min);
	*out_number = value.as.int64;
	return CONSORT_OK;
}
