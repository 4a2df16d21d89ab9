/* SPDX-License-Identifier: Apache-2.0 */
/* import: records of a CSV or JSON Lines file into a resource, in batches; it can be resumed. */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
	"Usage: consort import RESOURCE FILE\n"
	"Creates a record for each line of a file (.csv, .jsonl; '-': standard input).\n"
	"In CSV the first line names the attributes, an empty field is NULL, \"\" the empty\n"
	"text. In JSON Lines a member that is missing is NULL, or generated.\n"
	"\n"
	"      --input csv|jsonl  what it is, if the name does not tell\n"
	"      --map NAME=ATTRIBUTE   a column of another name;  --ignore NAME  leave it\n"
	"                         out ('*': all that are not attributes)\n"
	"      --rejects FILE     keep records that are refused there, as JSON Lines with\n"
	"                         line and error, and go on; else the first one ends it\n"
	"      --resume           go on where an import of this file stopped\n"
	"      --skip N           leave the first N records out; 0 starts over\n"
	"      --upsert           change records whose key is there\n"
	"      --batch N          records written at once\n"
	"\n"
	"After Ctrl-C and the like, FILE.consort-resume keeps how far it came.\n"
	"Exit status: 0, or 1 if records were rejected, or as in consort(1).\n"
	"\n"
	"Example: consort import flight flights.csv --rejects rejects.jsonl\n";

enum {
	IMPORT_INPUT = 256,
	IMPORT_MAP,
	IMPORT_IGNORE,
	IMPORT_REJECTS,
	IMPORT_RESUME,
	IMPORT_SKIP,
	IMPORT_UPSERT,
	IMPORT_BATCH
};

static const struct option options[] = {
	{"input", required_argument, NULL, IMPORT_INPUT},
	{"map", required_argument, NULL, IMPORT_MAP},
	{"ignore", required_argument, NULL, IMPORT_IGNORE},
	{"rejects", required_argument, NULL, IMPORT_REJECTS},
	{"resume", no_argument, NULL, IMPORT_RESUME},
	{"skip", required_argument, NULL, IMPORT_SKIP},
	{"upsert", no_argument, NULL, IMPORT_UPSERT},
	{"batch", required_argument, NULL, IMPORT_BATCH},
	{NULL, 0, NULL, 0},
};

/* What the options say beside struct import's. */
struct choice {
	const char *input;
	bool resume;
};

static enum consort_status take_option(struct import *im, struct choice *choice, struct args *args,
				       int option, struct consort_error *error)
{
	switch (option) {
	case IMPORT_INPUT:
		choice->input = args->value;
		return CONSORT_OK;
	case IMPORT_MAP:
		if (!strchr(args->value, '=') || *args->value == '=')
			return args_usage(args, error, "--map needs NAME=ATTRIBUTE, not '%s'", args->value);
		return args_push(&im->map, &im->nmap, args->value, error);
	case IMPORT_IGNORE:
		return args_push(&im->ignore, &im->nignore, args->value, error);
	case IMPORT_REJECTS:
		im->rejects_name = args->value;
		return CONSORT_OK;
	case IMPORT_RESUME:
		choice->resume = true;
		return CONSORT_OK;
	case IMPORT_SKIP:
		return args_number(args, "--skip", 0, &im->skip, error);
	case IMPORT_UPSERT:
		im->kind = CONSORT_WRITER_UPSERT;
		return CONSORT_OK;
	default:
		return args_number(args, "--batch", 1, &im->batch_rows, error);
	}
}

/* CSV or JSON Lines, by --input or the name. */
static enum consort_status find_kind(const struct args *args, const char *input, const char *file,
				     uint32_t *out_kind, struct consort_error *error)
{
	const char *dot = strrchr(file, '.'), *kind = input ? input : dot ? dot + 1 : "";

	if (!strcasecmp(kind, "csv"))
		*out_kind = INPUT_CSV;
	else if (!strcasecmp(kind, "jsonl") || (!input && !strcasecmp(kind, "ndjson")))
		*out_kind = INPUT_JSONL;
	else if (input)
		return args_usage(args, error, "--input: '%s' is neither csv nor jsonl", input);
	else
		return args_usage(args, error, "'%s': is it --input csv or --input jsonl?", file);
	return CONSORT_OK;
}

/* --map's targets must be attributes. */
static enum consort_status check_map(struct import *im, struct consort_error *error)
{
	size_t i;

	for (i = 0; i < im->nmap; i++) {
		const char *target = strchr(im->map[i], '=') + 1;

		if (row_find(&im->row, target, strlen(target)) < 0)
			return row_unknown(&im->row, target, error);
	}
	return CONSORT_OK;
}

/* The header's fields as attributes, which are the writer's columns. */
static enum consort_status read_header(struct import *im, struct consort_error *error)
{
	enum consort_status status;
	bool more, broken;
	size_t i;

	status = input_next(&im->in, 0, &more, &broken, error);
	if (status && !broken)
		return status;
	if (!status && !more)
		status = consort_error_set(error, CONSORT_ESYNTAX,
					   "a line with the attributes' names is needed");
	im->nheader = im->in.nfields;
	im->header = calloc(im->nheader + 1, sizeof(*im->header));
	if (!status && !im->header)
		status = consort_error_no_memory(error);
	for (i = 0; !status && i < im->nheader; i++) {
		const struct consort_view *field = &im->in.fields[i];
		size_t j;

		im->header[i] = import_attribute(im, field->data ? field->data : "", (size_t)field->size,
						 error);
		if (im->header[i] == -1) {
			status = CONSORT_ENAME;
			break;
		}
		for (j = 0; im->header[i] >= 0 && j < i; j++)
			if (im->header[j] == im->header[i]) {
				status = consort_error_set(error, CONSORT_ENAME, "two columns are %s.%s",
							   im->resource->name,
							   im->resource->attributes[im->header[i]]->name);
				break;
			}
		if (im->header[i] >= 0 && !status)
			im->columns[im->ncolumns++] = (uint32_t)im->header[i];
	}
	if (status)
		consort_error_prefix(error, "%s: line %llu", im->in.name,
				     (unsigned long long)(im->in.line ? im->in.line : 1));
	im->in.next.record = 0;
	return status;
}

/* JSON Lines: all that can be given; what is generated joins when a record has it. */
static void choose_columns(struct import *im)
{
	uint32_t i;

	for (i = 0; i < im->resource->nattributes; i++)
		if (!(im->resource->attributes[i]->flags &
		      (CONSORT_ATTRIBUTE_READ_ONLY | CONSORT_ATTRIBUTE_GENERATED)))
			im->columns[im->ncolumns++] = i;
}

/* A run that goes on keeps the rejects of the one before; what that found behind its last batch is found
 * again. */
static enum consort_status open_rejects(struct import *im, bool resumed, struct consort_error *error)
{
	uint64_t keep = resumed ? im->state.rejects_size : im->skip > 0 ? UINT64_MAX : 0;
	struct stat status;

	if (!im->rejects_name)
		return CONSORT_OK;
	if (!strcmp(im->rejects_name, "-"))
		return consort_error_set(error, CONSORT_EINVAL,
					 "--rejects needs a file; /dev/stdout is standard output");
	im->rejects = open(im->rejects_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (im->rejects < 0 || fstat(im->rejects, &status))
		return report_file(error, im->rejects_name, "write");
	if (!S_ISREG(status.st_mode))
		return CONSORT_OK;
	if (status.st_ino == im->state.inode && status.st_dev == im->state.device)
		return consort_error_set(error, CONSORT_EINVAL,
					 "%s is what is imported: keep the rejects in another file",
					 im->rejects_name);
	if ((uint64_t)status.st_size > keep && ftruncate(im->rejects, (off_t)keep))
		return report_file(error, im->rejects_name, "write");
	im->start_rejects = (uint64_t)lseek(im->rejects, 0, SEEK_END);
	return CONSORT_OK;
}

/* To the first record that is to be taken. */
static enum consort_status find_start(struct import *im, bool resumed, struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	bool more = true, broken;

	if (resumed) {
		im->pending_end = im->state.done.record + im->state.pending;
		im->earlier = im->state.done.record;
		status = input_seek(&im->in, &im->state.done, error);
	}
	while (!status && more && im->skip > 0 && im->in.next.record < (uint64_t)im->skip) {
		status = input_next(&im->in, im->nheader, &more, &broken, error);
		if (broken)
			status = CONSORT_OK;
	}
	im->start = im->end = im->in.next;
	return status;
}

static enum consort_status read_records(struct import *im, struct progress *progress,
					struct consort_error *error)
{
	for (;;) {
		enum consort_status status;
		bool more, broken;

		if (session_interrupted())
			return consort_error_set(error, CONSORT_ECANCELLED, "interrupted");
		status = input_next(&im->in, im->nheader, &more, &broken, error);
		if (status && broken)
			status = import_refuse(im, status, error);
		else if (!status && more)
			status = import_record(im, error);
		if (status || !more)
			return status;
		progress_show(progress, im->in.next.offset, im->written + (uint64_t)im->batch->nrows);
	}
}

/* The records in front of what ended it are good. `status` and *error tell what did; they change if writing
 * these fails first. */
static enum consort_status write_rest(struct import *im, enum consort_status status,
				      struct consort_error *error)
{
	struct consort_error late = CONSORT_ERROR_INIT;
	enum consort_status flushed;

	if (im->stuck)
		return status;
	flushed = import_flush(im, &late);
	if (!flushed)
		return status;
	*error = late;
	return flushed;
}

/* What the next run can do, behind the message. */
static void advise(struct import *im, struct consort_error *error)
{
	unsigned long long done = im->state.done.record, pending = im->state.pending;
	bool saved;

	report_append_count(error, im->written, "imported");
	if (!im->written && !im->rejected && !pending && !im->earlier) {
		state_remove(&im->state);
		return;
	}
	saved = im->state.path && !state_save(&im->state, im->tool, NULL);
	if (pending && im->keyless)
		report_append(
			error,
			"; whether records %llu to %llu are there cannot be told without a key: look, and go "
			"on with --skip %llu if they are, with --skip %llu if not",
			done + 1, done + pending, done + pending, done);
	else if (!saved)
		report_append(error, ", go on with --skip %llu", done);
	else if (!im->at_fault)
		report_append(error, ", go on with --resume");
	else
		report_append(error, ", go on with --resume%s, or mend the file and --skip %llu",
			      im->rejects < 0 ? " --rejects FILE" : "", done);
}

static void summarize(const struct import *im, double seconds)
{
	char number[REPORT_NUMBER_SIZE], rate[REPORT_NUMBER_SIZE];

	report_records(im->written, number);
	report_number((uint64_t)((double)im->written / (seconds > 1e-6 ? seconds : 1e-6)), rate);
	report_note(im->tool, "imported %s of %s in %.2f s (%s/s)", number, im->resource->name, seconds,
		    rate);
	if (im->earlier)
		report_note(im->tool, "%s %s dealt with earlier", report_records(im->earlier, number),
			    im->earlier == 1 ? "was" : "were");
	if (im->rejected)
		report_note(im->tool, "rejected %s, see %s", report_records(im->rejected, number),
			    im->rejects_name);
}

/* Before anything is read: a database that cannot do it is not the fault of the first record. */
static enum consort_status check_database(const struct import *im, struct consort_error *error)
{
	bool create = im->kind == CONSORT_WRITER_CREATE;
	const char *why;

	if (consort_supports(im->tool->c, im->resource->database,
			     create ? CONSORT_FEATURE_CREATE : CONSORT_FEATURE_UPSERT, &why))
		return CONSORT_OK;
	return consort_error_set(error, CONSORT_EUNSUPPORTED, "database '%s' does not support %s: %s",
				 im->resource->database, create ? "create" : "upsert", why);
}

/* The state goes last: a run that is killed while the database is closed has nothing more to do, but nothing
 * is written twice if it is resumed. */
static void finish(struct import *im)
{
	import_close(im);
	session_close(im->tool);
	state_remove(&im->state);
}

/* Everything between the open file and the last record. */
static enum consort_status import(struct import *im, bool resume, struct consort_error *error)
{
	struct progress progress;
	enum consort_status status;
	bool resumed = false;

	im->keyless = !im->resource->nkeys;
	im->columns = calloc(im->resource->nattributes + 1, sizeof(*im->columns));
	if (!im->columns)
		return consort_error_no_memory(error);
	status = check_database(im, error);
	if (!status)
		status = check_map(im, error);
	/* --skip says where to start, whatever is kept about that. */
	if (!status && im->skip < 0)
		status = state_load(&im->state, resume, &resumed, error);
	if (!status && im->in.kind == INPUT_CSV)
		status = read_header(im, error);
	if (status)
		return status;
	if (im->in.kind == INPUT_JSONL)
		choose_columns(im);
	status = open_rejects(im, resumed, error);
	if (!status)
		status = import_open_writer(im, error);
	if (!status)
		status = find_start(im, resumed, error);
	if (status)
		return status;
	session_interrupt_gently();
	progress_start(&progress, im->tool, im->in.name, im->state.size, im->start.offset);
	status = read_records(im, &progress, error);
	if (!status)
		status = import_flush(im, error);
	else
		status = write_rest(im, status, error);
	progress_end(&progress);
	if (status) {
		advise(im, error);
		return status;
	}
	summarize(im, progress_seconds(&progress));
	im->tool->nothing = im->rejected > 0;
	finish(im);
	return CONSORT_OK;
}

static enum consort_status open_input(struct import *im, uint32_t kind, const char *file, int *out_fd,
				      struct consort_error *error)
{
	bool standard = !strcmp(file, "-");
	const char *name = standard ? "standard input" : file;
	enum consort_status status;

	*out_fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (*out_fd < 0)
		return report_file(error, name, "open");
	/* Two runs would take each other's state for their own. Where files cannot be locked, nobody is told.
	 */
	if (!standard && flock(*out_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return consort_error_set(error, CONSORT_ECONFLICT, "%s: another import of it is running",
					 file);
	status = state_init(&im->state, *out_fd, name, im->resource->name, error);
	if (standard) {
		/* Redirected or not: its name is not known, so there is no place to keep how far it came. */
		free(im->state.path);
		im->state.path = NULL;
	}
	if (!status)
		status = input_open(&im->in, kind, *out_fd, name, error);
	return status;
}

static enum consort_status run(struct tool *tool, struct args *args, struct consort_error *error)
{
	struct import im = {.tool = tool, .kind = CONSORT_WRITER_CREATE, .skip = -1, .rejects = -1};
	struct choice choice = {0};
	enum consort_status status;
	int option, fd = -1;
	uint32_t kind = 0;

	while ((option = args_next(args, error)) > 0) {
		status = take_option(&im, &choice, args, option, error);
		if (status)
			goto out;
	}
	status = args->status;
	if (option < 0)
		goto out;
	status = args_count(args, 2, 2, "a resource and a file are", error);
	if (!status && im.skip >= 0 && choice.resume)
		status = args_usage(args, error, "--skip and --resume exclude each other");
	if (!status)
		status = args_file(args->operands[1], error);
	if (!status)
		status = find_kind(args, choice.input, args->operands[1], &kind, error);
	if (!status)
		status = session_open(tool, error);
	if (!status)
		status = consort_describe(tool->c, args->operands[0], &im.resource, error);
	if (!status)
		status = row_init(&im.row, im.resource, error);
	if (!status)
		status = open_input(&im, kind, args->operands[1], &fd, error);
	if (!status)
		status = import(&im, choice.resume, error);
out:
	import_clear(&im);
	if (fd > STDIN_FILENO)
		close(fd);
	if (im.rejects >= 0 && close(im.rejects) && !status)
		status = report_file(error, im.rejects_name, "write");
	return status;
}

const struct command command_import = {.name = "import", .help = help, .options = options, .run = run};
