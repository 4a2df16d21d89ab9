/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TOOLS_H
#define CONSORT_TOOLS_H

/*
 * The consort command: what its files share. One file a command (NAME.c, or a pair that belongs together),
 * and
 *
 *     main.c       global options, the table of commands
 *     args.c       options and operands of one command, usage errors with the nearest known word
 *     report.c     exit statuses, errors as text or JSON, notes
 *     session.c    opening the manifest; deadline and Ctrl-C
 *     lines.c      lines of a file, for import and records on standard input
 *     row.c        values for a resource's attributes, from texts and JSON
 *     query.c      what find, export, explain, update -w and delete -w have in common
 *     output.c     rows to a file descriptor; csv, json and jsonl
 *     screen.c     table and expanded
 *     text.c       text for people: widths, cutting, wrapping, escaping
 *     progress.c   the bar on a terminal
 *
 * A command's function returns a status and fills its error; main.c alone prints it and exits.
 */

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/consort.h>
#include <consort/convert.h>
#include <consort/json.h>
#include <consort/nearest.h>

struct args;

enum output_format {
	OUTPUT_DEFAULT = 0, /* table on a terminal, else csv */
	OUTPUT_TABLE,
	OUTPUT_CSV,
	OUTPUT_JSON,
	OUTPUT_JSONL,
	OUTPUT_EXPANDED
};

/* One run of the command. */
struct tool {
	const struct command *command; /* NULL before it is known */
	const char *manifest;          /* -c */
	const char **databases;        /* -d, NULL-terminated */
	size_t ndatabases;
	uint32_t format;               /* enum output_format */
	bool json;                     /* --json: format json, and errors as JSON */
	bool json_safe;
	bool quiet;
	int64_t timeout;               /* nanoseconds, 0: none */
	bool nothing;                  /* done, but nothing was found or a check said no: exit status 1 */
	bool broken_pipe;              /* the reader went away: end quietly */
	struct consort *root, *c;      /* open manifest, and the scope with deadline and cancel token */
	struct consort_cancel *cancel;
};

struct command {
	const char *name;
	const char *help;    /* all that --help prints: at most 24 lines of 80 columns, an example last */
	const char *letters; /* its own options as getopt takes them; they must not be those of main.c */
	const struct option *options; /* long ones, ended by a NULL name */
	enum consort_status (*run)(struct tool *tool, struct args *args, struct consort_error *error);
	bool hidden;                  /* not in help; its errors are not shown */
};

extern const struct command command_check_config, command_complete, command_create, command_databases,
	command_define, command_delete, command_describe, command_drop, command_explain, command_export,
	command_find, command_get, command_import, command_native, command_plugins, command_resources,
	command_update, command_upsert, command_version;

/* --- main.c --- */

extern const struct command *const commands[]; /* NULL-terminated, in the order of help */

/* --- args.c --- */

struct args {
	struct tool *tool;
	const struct command *command; /* NULL: the global options, up to the command's name */
	int argc;
	char **argv;                   /* argv[0] is the command's name */
	bool in_order;                 /* args_next returns ARGS_OPERAND for each operand, with its value */
	const char *value;             /* of what args_next returned */
	const char **operands;         /* [noperands], complete once args_next returned 0 */
	size_t noperands;
	enum consort_status status;    /* when args_next returned -1; OK after --help */
	bool started;
	bool helped;                   /* --help or --version was all that was wanted */
};

#define ARGS_OPERAND 1

/* The next option that is the command's own; 0 after the last one; -1: end the command with args->status.
 * Global options are dealt with. */
int args_next(struct args *args, struct consort_error *error);
/* That between min and max operands are there; `what` names them for the message. */
enum consort_status args_count(struct args *args, size_t min, size_t max, const char *what,
			       struct consort_error *error);
/* EINVAL: "find: … (see 'consort find --help')". */
enum consort_status args_usage(const struct args *args, struct consort_error *error, const char *format, ...)
	CONSORT_PRINTF(3, 4);
/* ECONNECTION if it is a folder. */
enum consort_status args_file(const char *name, struct consort_error *error);
/* A whole number from min up. `name` is the option's. */
enum consort_status args_number(const struct args *args, const char *name, int64_t min, int64_t *out_number,
				struct consort_error *error);
/* Appends to a NULL-terminated list that is freed by free(). */
enum consort_status args_push(const char ***list, size_t *count, const char *text,
			      struct consort_error *error);
/* The long options that every command takes. */
extern const struct option args_global[];

/* --- report.c --- */

/* enum consort_status → what command.md promises scripts: 0 to 8 */
int report_exit_status(uint32_t status);
/* To standard error, as text or JSON. */
void report_error(const struct tool *tool, const struct consort_error *error);
/* A line to standard error, unless --quiet, or --json, which keeps that for errors. */
void report_note(const struct tool *tool, const char *format, ...) CONSORT_PRINTF(2, 3);
/* Writes all of it. EPIPE ends the command quietly. `name` is for messages. */
enum consort_status report_write(struct tool *tool, int fd, const char *name, const char *text, size_t size,
				 struct consort_error *error);
/* A text to standard output; "No memory" if the buffer failed. */
enum consort_status report_print(struct tool *tool, const struct consort_buffer *text,
				 struct consort_error *error);
/* "20,000" */
#define REPORT_NUMBER_SIZE 48
const char *report_number(uint64_t number, char out[REPORT_NUMBER_SIZE]);
/* "1 record", "20,000 records" */
const char *report_records(uint64_t count, char out[REPORT_NUMBER_SIZE]);
/* "error":{…} members of one error, for documents that hold several. */
void report_error_json(struct consort_buffer *out, const struct consort_error *error);
/* Adds to the end of an error's message. */
void report_append(struct consort_error *error, const char *format, ...) CONSORT_PRINTF(2, 3);
/* "; 5 records were created", "; nothing was created" */
void report_append_count(struct consort_error *error, uint64_t count, const char *done);
/* A JSON string of bytes that may be no UTF-8: U+FFFD stands for what is wrong. */
void report_json_quote(struct consort_buffer *out, const char *text, size_t size);
/* `"name":"text"`, or null, behind `before`: "{" or ",". */
void report_json_text(struct consort_buffer *out, const char *before, const char *name, const char *text);
/* The same where there may be nothing to tell: the empty text is null, too. */
void report_json_known(struct consort_buffer *out, const char *before, const char *name, const char *text);
/* ECONNECTION: "name: cannot `action`: " and errno's text. */
enum consort_status report_file(struct consort_error *error, const char *name, const char *action);

/* --- session.c --- */

/* -c, else CONSORT_CONFIG, else ./consort.ini; NULL: there is none of that name. */
const char *session_manifest(const struct tool *tool);
/* Opens the manifest and databases of the command line into tool->c, once, and watches for Ctrl-C. */
enum consort_status session_open(struct tool *tool, struct consort_error *error);
void session_close(struct tool *tool);
/* Lets the first Ctrl-C only be seen by session_interrupted; the second one cancels calls. */
void session_interrupt_gently(void);
bool session_interrupted(void);
/* read(2) that Ctrl-C ends, with ECANCELLED. 0 at the end. */
enum consort_status session_read(int fd, const char *name, void *out, size_t size, size_t *out_size,
				 struct consort_error *error);

/* --- lines.c --- */

struct lines {
	int fd;
	const char *name;
	char *data;
	size_t start, end, scanned, capacity;
	uint64_t offset; /* in the file, of the next line */
	uint64_t number; /* of the line given last, from 1 */
	bool ended;
};

void lines_init(struct lines *lines, int fd, const char *name);
void lines_clear(struct lines *lines);
/* Goes on at a place that the descriptor was moved to. */
void lines_restart(struct lines *lines, uint64_t offset, uint64_t number);
/* The next line with its end, valid until the next call; size 0: the end. */
enum consort_status lines_next(struct lines *lines, struct consort_view *out_line,
			       struct consort_error *error);

/* Without its end, LF or CR LF; without the blanks before it, too. */
void lines_trim_end(struct consort_view *line);
void lines_trim(struct consort_view *line);

/* --- row.c --- */

/* Values for a resource's attributes. */
struct row {
	const struct consort_resource *resource;
	struct consort_value *values; /* [nattributes] */
	bool *set;                    /* [nattributes] */
	uint32_t last;                /* found by name last; the next one probably stands behind it */
	struct consort_arena arena;   /* what the values hold, until row_reset */
	struct consort_json_reader *reader;
	struct consort_buffer scratch;
};

enum consort_status row_init(struct row *row, const struct consort_resource *resource,
			     struct consort_error *error);
void row_reset(struct row *row);
void row_clear(struct row *row);
/* The attribute's position, or -1. */
int32_t row_find(struct row *row, const char *name, size_t size);
/* ENAME with the nearest attribute. */
enum consort_status row_unknown(const struct row *row, const char *name, struct consort_error *error);
/* The value that a text stands for; borrowed from the text. */
enum consort_status row_set_text(struct row *row, uint32_t attribute, const char *text, size_t size,
				 struct consort_error *error);
/* NAME=VALUE or NAME:=JSON */
enum consort_status row_assign(struct row *row, const char *text, struct consort_error *error);
/* Every member of a JSON object; *attribute_of (NULL: row_find, else an error) may give -2 to leave it out.
 */
enum consort_status row_set_object(struct row *row, struct consort_view object,
				   int32_t (*attribute_of)(void *context, const char *name, size_t size,
							   struct consort_error *error),
				   void *context, struct consort_error *error);
#define ROW_IGNORE (-2)
/* A row of that resource, with the key that operands stand for, which lives as long as the row. */
enum consort_status row_init_key(struct row *row, struct tool *tool, const char *name,
				 const char *const *operands, size_t noperands, struct consort_args *out_key,
				 struct consort_error *error);
/* "origin, date" */
void row_key_names(struct consort_buffer *out, const struct consort_resource *resource);
/* A text as a value of that type, "parameter $1: …" in front of what is wrong. */
enum consort_status row_parameter(struct consort_arena *arena, struct consort_type type, const char *text,
				  size_t number, struct consort_value *out_value,
				  struct consort_error *error);

/* --- query.c --- */

/* The options of find. */
struct query_options {
	const char *select, *where, *group, *having, *order;
	int64_t limit, offset;     /* -1: not given */
	const char **after;        /* key values */
	size_t nafter;
	const char **parameters;   /* texts; NULL for --null */
	size_t nparameters;
};

#define QUERY_LETTERS "s:w:g:o:n:p:"
enum {
	QUERY_HAVING = 256, QUERY_OFFSET, QUERY_AFTER, QUERY_NULL,
	QUERY_END /* the first number for a command's own options */
};
#define QUERY_OPTIONS                                               \
	{"select", required_argument, NULL, 's'},                   \
	{"where", required_argument, NULL, 'w'},                    \
	{"group", required_argument, NULL, 'g'},                    \
	{"having", required_argument, NULL, QUERY_HAVING},          \
	{"order", required_argument, NULL, 'o'},                    \
	{"limit", required_argument, NULL, 'n'},                    \
	{"offset", required_argument, NULL, QUERY_OFFSET},          \
	{"after", required_argument, NULL, QUERY_AFTER},            \
	{"param", required_argument, NULL, 'p'},                    \
	{"null", no_argument, NULL, QUERY_NULL}

void query_options_init(struct query_options *options);
void query_options_clear(struct query_options *options);
/* Takes one option of those above; EINVAL for another one. */
enum consort_status query_option(struct query_options *options, const struct args *args, int option,
				 struct consort_error *error);
/* All options of a command that has no others. As with args_next, args->helped ends the command, too. */
enum consort_status query_options_read(struct query_options *options, struct args *args,
				       struct consort_error *error);

/* What the options ask of a resource. */
struct query {
	struct consort_query *query;
	struct consort_plan *plan;
	struct consort_arena arena;
	struct consort_args parameters; /* by the types that the plan asks for */
};

/* bare: if no parameters are given, all are NULL. Always to be followed by query_end. */
enum consort_status query_begin(struct query *query, struct tool *tool, const char *resource,
				const struct query_options *options, bool bare, struct consort_error *error);
void query_end(struct query *query);
/* find and export: runs it. */
enum consort_status query_run(struct tool *tool, const char *resource, const struct query_options *options,
			      struct consort_cursor **out_rows, struct consort_error *error);

/* --- output.c, screen.c --- */

struct output_column {
	const char *name;
	struct consort_type type;
};

#define OUTPUT_TEXT(name) {name, {CONSORT_TYPE_TEXT, 0, 0, 0, 0}}
#define OUTPUT_INTEGER(name) {name, {CONSORT_TYPE_INT64, 0, 0, 0, 0}}
#define OUTPUT_BOOL(name) {name, {CONSORT_TYPE_BOOL, 0, 0, 0, 0}}

struct output;

/* A format. All write to o->text; output.c brings that out. */
struct output_ops {
	void (*begin)(struct output *o);
	enum consort_status (*row)(struct output *o, const struct consort_value *values);
	enum consort_status (*end)(struct output *o);
};

struct output {
	struct tool *tool;
	int fd;
	const char *name;             /* of the file, for messages */
	const struct output_ops *ops;
	struct output_column *columns;
	uint32_t ncolumns;
	uint64_t rows;
	bool utf8, colour;
	bool list;                    /* for people: NULL is left blank */
	size_t width;                 /* of the terminal; 0: nothing is cut */
	struct consort_buffer text;   /* not written yet */
	struct consort_buffer cell;   /* scratch */
	struct consort_arena arena;
	struct screen *screen;        /* table's rows that wait for the widths */
};

extern const struct output_ops output_table, output_expanded;

/* "csv" → OUTPUT_CSV; OUTPUT_DEFAULT if unknown. */
uint32_t output_format_find(const char *name);
/* What the command line asks for, or what fits the descriptor. */
uint32_t output_format_for(const struct tool *tool, int fd);
/* Starts rows. The columns' names must outlive o. Always to be followed by output_clear. */
enum consort_status output_open(struct output *o, struct tool *tool, int fd, const char *name,
				uint32_t format, const struct output_column *columns, uint32_t ncolumns,
				struct consort_error *error);
enum consort_status output_row(struct output *o, const struct consort_value *values,
			       struct consort_error *error);
/* NULL stands for what there is nothing of. */
struct consort_value output_text_or_null(const char *text);
/* The same for a list that people read: a table on standard output unless asked otherwise. */
enum consort_status output_open_list(struct output *o, struct tool *tool, const struct output_column *columns,
				     uint32_t ncolumns, struct consort_error *error);
/* Ends rows and writes what waits. */
enum consort_status output_close(struct output *o, struct consort_error *error);
void output_clear(struct output *o);
/* All of a cursor's rows. *out_rows may be NULL. */
enum consort_status output_cursor(struct tool *tool, int fd, const char *name, uint32_t format,
				  struct consort_cursor *rows, uint64_t *out_rows,
				  struct consort_error *error);
/* The same to standard output, in the format asked for. */
enum consort_status output_rows(struct tool *tool, struct consort_cursor *rows, uint64_t *out_rows,
				struct consort_error *error);
/* Records of one resource, to standard output. */
enum consort_status output_records(struct tool *tool, const struct consort_resource *resource,
				   struct consort_record *const *records, size_t count,
				   struct consort_error *error);
/* A value as JSON, with --json-safe's strings if so. */
void output_json_value(struct consort_buffer *out, const struct consort_value *value, bool safe);

/* --- text.c --- */

/* A text with control characters, bidirectional overrides and broken UTF-8 as escapes; returns its width. */
size_t text_escape(struct consort_buffer *out, const char *text, size_t size, bool newlines);
/* The longest part of an escaped text that is at most `width` wide, in bytes; *out_width is what it takes. */
size_t text_fit(const char *text, size_t size, size_t width, size_t *out_width);
/* An escaped text that starts at `column` and goes on there in the next lines where it is wider than the
 * terminal. Lines break at blanks, words that are longer than a line anywhere. */
void text_wrap(struct consort_buffer *out, const char *text, size_t size, size_t column, size_t width);
/* The same for any text, and the end of the line. */
void text_paragraph(struct consort_buffer *out, const char *text, size_t column, size_t width);
/* A line of a list for people: "  label       text"; an empty text gives none. */
void text_fact(struct consort_buffer *out, size_t width, const char *label, const char *text);
/* Below one, and indented deeper. */
void text_detail(struct consort_buffer *out, size_t width, const char *text);
/* Without blanks in front of it. */
void text_end_line(struct consort_buffer *out);
/* Columns of the terminal behind fd; 0 if it is none. */
size_t text_terminal_width(int fd);
/* For lists on standard output; 80 where that is no terminal. */
size_t text_width(void);
/* Sets the locale for widths; false: characters beyond ASCII are not for this terminal. */
bool text_locale(void);

/* --- progress.c --- */

struct progress {
	bool shown;            /* standard error is a terminal */
	const char *name;
	uint64_t total;        /* bytes, 0: unknown */
	uint64_t first;        /* bytes that were done before */
	int64_t started, last; /* nanoseconds */
};

void progress_start(struct progress *progress, const struct tool *tool, const char *name, uint64_t total,
		    uint64_t first);
/* Draws it, at most ten times a second. */
void progress_show(struct progress *progress, uint64_t bytes, uint64_t rows);
/* Wipes it. */
void progress_end(struct progress *progress);
double progress_seconds(const struct progress *progress);

#endif
