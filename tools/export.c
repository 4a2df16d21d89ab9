/* SPDX-License-Identifier: Apache-2.0 */
/* export: a query's records to a file, which appears whole or not at all; or to standard output. */
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
	"Usage: consort export RESOURCE [FILE] [OPTION]...\n"
	"The records that a query finds, to a file (.csv, .json, .jsonl). The file takes\n"
	"its name when all is written. Without FILE: to standard output.\n"
	"\n"
	"The options are those of 'consort find':\n"
	"  -s, --select COLUMNS   -w, --where EXPR    -g, --group EXPRS   --having EXPR\n"
	"  -o, --order ORDER      -n, --limit N       --offset N          --after VALUE\n"
	"  -p, --param VALUE      --null\n"
	"  -f, --format FORMAT    csv, json or jsonl, if the name does not tell\n"
	"\n"
	"What is exported as csv or jsonl can be imported again.\n"
	"\n"
	"Example: consort export flight late.csv -w 'delay_min > 60' -o id\n";

static const struct option options[] = {QUERY_OPTIONS, {NULL, 0, NULL, 0}};

/* --format, else the name's end. */
static enum consort_status find_format(const struct args *args, const char *file, uint32_t *out_format,
				       struct consort_error *error)
{
	const char *dot = strrchr(file, '.');

	*out_format = args->tool->format;
	if (!*out_format && dot)
		*out_format = output_format_find(!strcmp(dot, ".ndjson") ? "jsonl" : dot + 1);
	if (!*out_format)
		return args_usage(args, error, "'%s': is it -f csv, -f json or -f jsonl?", file);
	return CONSORT_OK;
}

/* The mode of the file that is replaced, or what the umask leaves. */
static mode_t mode_for(const char *file)
{
	struct stat status;
	mode_t mask;

	if (!stat(file, &status))
		return status.st_mode & 0777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

#define MOST_LINKS 40

/* The file that a name stands for, behind all symbolic links, also where the last one leads to nothing yet;
 * NULL: no memory, or links without an end. */
static char *behind_links(const char *name)
{
	char *file = strdup(name), *next;
	unsigned links;

	for (links = 0; file && links < MOST_LINKS; links++) {
		char target[PATH_MAX];
		ssize_t size = readlink(file, target, sizeof(target));
		const char *slash = strrchr(file, '/');
		int folder = slash && *target != '/' ? (int)(slash + 1 - file) : 0;

		if (size < 0)
			return file;
		if (asprintf(&next, "%.*s%.*s", folder, file, (int)size, target) < 0)
			next = NULL;
		free(file);
		file = next;
	}
	free(file);
	errno = links == MOST_LINKS ? ELOOP : ENOMEM;
	return NULL;
}

/* A pipe or device cannot be replaced. */
static enum consort_status write_device(struct tool *tool, const char *file, uint32_t format,
					struct consort_cursor *rows, uint64_t *out_count,
					struct consort_error *error)
{
	enum consort_status status;
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return report_file(error, file, "write");
	status = output_cursor(tool, fd, file, format, rows, out_count, error);
	if (close(fd) && !status)
		status = report_file(error, file, "write");
	return status;
}

/* Into a temporary file beside it, which then takes its name. */
static enum consort_status replace_file(struct tool *tool, const char *file, uint32_t format,
					struct consort_cursor *rows, uint64_t *out_count,
					struct consort_error *error)
{
	enum consort_status status;
	char *temporary = NULL;
	int fd;

	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		return consort_error_no_memory(error);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		status = report_file(error, file, "write");
		free(temporary);
		return status;
	}
	status = output_cursor(tool, fd, file, format, rows, out_count, error);
	if (!status && (fchmod(fd, mode_for(file)) || fsync(fd)))
		status = report_file(error, file, "write");
	if (close(fd) && !status)
		status = report_file(error, file, "write");
	if (!status && rename(temporary, file))
		status = report_file(error, file, "write");
	if (status)
		unlink(temporary);
	free(temporary);
	return status;
}

static enum consort_status write_file(struct tool *tool, const char *name, uint32_t format,
				      struct consort_cursor *rows, uint64_t *out_count,
				      struct consort_error *error)
{
	enum consort_status status;
	struct stat target;
	char *file;

	if (!stat(name, &target) && !S_ISREG(target.st_mode))
		return write_device(tool, name, format, rows, out_count, error);
	file = behind_links(name);
	if (!file)
		return report_file(error, name, "write");
	status = replace_file(tool, file, format, rows, out_count, error);
	free(file);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	char number[REPORT_NUMBER_SIZE];
	struct consort_cursor *rows = NULL;
	struct query_options query;
	const char *file = NULL;
	enum consort_status status;
	uint32_t format = 0;
	uint64_t count = 0;

	query_options_init(&query);
	status = query_options_read(&query, args, error);
	if (status || args->helped)
		goto out;
	status = args_count(args, 1, 2, "a resource is", error);
	if (!status && args->noperands == 2 && strcmp(args->operands[1], "-"))
		file = args->operands[1];
	if (!status && file)
		status = args_file(file, error);
	if (!status && file)
		status = find_format(args, file, &format, error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = query_run(tool, args->operands[0], &query, &rows, error);
	if (!status && file)
		status = write_file(tool, file, format, rows, &count, error);
	else if (!status)
		status = output_rows(tool, rows, &count, error);
	if (!status && file)
		report_note(tool, "exported %s to %s", report_records(count, number), file);
out:
	consort_cursor_close(rows);
	query_options_clear(&query);
	return status;
}

const struct command command_export = {
	.name = "export", .help = help, .letters = QUERY_LETTERS, .options = options, .run = run};
