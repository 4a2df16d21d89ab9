/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_FILE_H
#define CONSORT_FILE_H

/*
 * The insides of the file adapter, from the bottom up:
 *
 *     lines.c   the lines of one file: reading, UTF-8, deadline and cancel
 *     record.c  the columns that are known, and the values of the current record
 *     csv.c     lines to records, by libcsv         jsonl.c       the same, by consort/json.h
 *     source.c  options to a format, a source (a file or a glob) to files
 *     scan.c    one record after the other, from one file after the other
 *     types.c   a value as it stands in the file to a value of a type, and which type fits
 *     query.c   offer, compile and cursors          introspect.c  columns and types of a source
 *     conn.c    database and connection             plugin.c      the tables that the core sees
 *
 * A cursor owns its scan, a scan all that it reads with; nothing is shared but what never changes.
 */

#include <stdbool.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/json.h>
#include <consort/plugin.h>

#define FILE_BUFFER_SIZE ((size_t)64 << 10)
#define FILE_RECORD_MAX ((size_t)64 << 20) /* bytes; what is longer is taken for a quote that nobody closed */
#define FILE_COLUMNS_MAX 4096u

struct file_database {
	struct consort_arena arena;
	const struct consort_host *host;
	const char *name;
	const char *folder;
};

struct file_connection {
	const struct file_database *database;
	char *identity;             /* the folder's canonical path */
	_Atomic uint32_t cancelled; /* set by cancel, cleared by reset */
};

/* --- lines.c --- */

/* EUNSUPPORTED for unknown flags, ECANCELLED, ETIMEOUT; else OK. */
uint32_t file_check(const struct file_connection *connection, const struct consort_call *call,
		    struct consort_error *error);
/* ECONNECTION: "cannot open 'x': " and what errno says. */
uint32_t file_system_error(struct consort_error *error, const char *verb, const char *path);
/* Characters in the first `size` bytes, for positions in messages. */
int32_t file_characters(const char *text, size_t size);

/* An open file. Its content is what it held when it was opened: what is added later is not read, and a file
 * that was cut or rewritten meanwhile is an error. */
struct file_lines {
	const struct file_connection *connection;
	const char *name;    /* in the folder, for messages */
	int fd;              /* -1: none is open */
	uint64_t size, done; /* bytes it has, and those read so far */
	int64_t modified;    /* nanoseconds */
	char *buffer;
	size_t capacity, start, end;
	uint64_t number; /* of the line delivered last, from 1 */
};

uint32_t file_lines_open(struct file_lines *lines, const char *name, struct consort_error *error);
/* The next line with its line feed, checked to be UTF-8, valid until the next call; data NULL at the end. */
uint32_t file_lines_next(struct file_lines *lines, const struct consort_call *call,
			 struct consort_view *out_line, struct consort_error *error);
/* To the first line again. */
uint32_t file_lines_rewind(struct file_lines *lines, struct consort_error *error);
/* Closes the file, keeps the buffer; _clear frees that too. */
void file_lines_close(struct file_lines *lines);
void file_lines_clear(struct file_lines *lines);

/* --- record.c --- */

/* Kinds of values: those of JSON, and the one of CSV, whose text may be of any type. */
#define FILE_UNTYPED (CONSORT_JSON_ARRAY + 1u)

/* A value as it stands in the file. NONE and NULL are both NULL. */
struct file_cell {
	uint32_t kind;
	struct consort_view text;
};

struct file_column {
	const char *name;
	size_t name_size;
	struct consort_json_step *steps; /* a dotted path into a document; NULL: a plain name */
	uint32_t nsteps;
	uint32_t kind;   /* of the current record's value, which … */
	size_t at, size; /* … stands here in `text` */
};

struct file_record {
	struct consort_arena *arena; /* of columns and names */
	struct file_column *columns;
	uint32_t count, capacity;
	bool fixed; /* members of other names are left out, not added (JSON Lines) */
	bool paths; /* some column is a path */
	struct consort_buffer text;
};

#define FILE_NO_COLUMN UINT32_MAX

/* The column of that name; looks at `guess` first. FILE_NO_COLUMN if there is none. */
uint32_t file_record_find(const struct file_record *record, const char *name, size_t size, uint32_t guess);
/* Adds a column; `path`: its name is a path if it has dots. */
uint32_t file_record_add(struct file_record *record, const char *name, size_t size, bool path,
			 struct consort_error *error);
/* Forgets the values. */
void file_record_begin(struct file_record *record);
/* Copies a value into the record; text.failed if there is no memory. */
void file_record_put(struct file_record *record, uint32_t column, uint32_t kind, const void *data,
		     size_t size);
struct file_cell file_record_cell(const struct file_record *record, uint32_t column);

/* --- csv.c and jsonl.c: readers --- */

struct file_reader;

/* How a resource's files are written; from its options. */
struct file_format {
	const struct file_reader *reader; /* NULL: by each file's name */
	struct consort_view null;         /* the text that means NULL; size 0: none */
	uint64_t sample;                  /* records of each file that types are inferred from; 0: all */
	char delimiter;
	char quote; /* '\0': none */
	bool header;
};

struct file_scan {
	const struct file_connection *connection;
	struct consort_arena arena;
	struct file_format format;
	const char **files; /* in the folder, sorted */
	uint32_t nfiles, current;
	const struct file_reader *reader;
	void *state; /* the reader's */
	struct file_lines lines;
	struct file_record record;
	uint64_t line; /* where the current record starts */
};

/* What a format is to the scan. The state of a reader serves all files of a scan. */
struct file_reader {
	const char *name;
	const char *const *extensions; /* NULL-terminated */
	bool schemaless;               /* a column that was never seen is no mistake */
	uint32_t (*make)(struct file_scan *scan, struct consort_error *error);
	void (*free)(struct file_scan *scan);
	/* A file was opened: the first one of a scan gives the record its columns, the others must have the
	 * same. NULL where the format names no columns in front. */
	uint32_t (*start)(struct file_scan *scan, const struct consort_call *call,
			  struct consort_error *error);
	/* Fills the record; *out_more false: the file ended. */
	uint32_t (*next)(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			 struct consort_error *error);
};

extern const struct file_reader file_csv, file_jsonl;

/* --- source.c --- */

/* By the name's extension; NULL: it does not tell. */
const struct file_reader *file_reader_by_name(const char *name);
uint32_t file_format_read(const struct consort_setting *settings, uint32_t count, struct file_format *out,
			  struct consort_error *error);
/* Names of the files in the folder that a reader knows by their extension, sorted; they live in the arena. */
uint32_t file_list(const struct file_connection *connection, struct consort_arena *arena,
		   const char ***out_files, uint32_t *out_count, struct consort_error *error);
/* Fills scan->files: the one of that name, or those that match; never none. */
uint32_t file_find(struct file_scan *scan, const char *source, struct consort_error *error);

/* --- scan.c --- */

/* Finds the source's files and opens the first one. */
uint32_t file_scan_open(const struct file_connection *connection, const struct consort_call *call,
			const char *source, const struct consort_setting *settings, uint32_t nsettings,
			struct file_scan **out_scan, struct consort_error *error);
/* The next record of the source, whichever file it is in; *out_more false: there is none. */
uint32_t file_scan_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			struct consort_error *error);
/* Leaves the rest of the current file. */
void file_scan_skip(struct file_scan *scan);
void file_scan_close(struct file_scan *scan);
/* "file:line: …" */
uint32_t file_scan_error(const struct file_scan *scan, uint64_t line, struct consort_error *error,
			 uint32_t status, const char *format, ...) CONSORT_PRINTF(5, 6);

/* --- types.c --- */

/* What conversions work with; starts zeroed. */
struct file_convert {
	struct consort_arena scratch;
	struct consort_json_reader *json;
	struct consort_buffer text;
};

void file_convert_clear(struct file_convert *convert);
/*
 * The value of a type that a cell (not NULL) stands for, valid until the next one. `inferred`: only what
 * would have been inferred to be of that type; else, for a type that the manifest declares, all that
 * consort_value_parse takes.
 */
uint32_t file_value(struct file_convert *convert, struct consort_type type, bool inferred,
		    const struct file_cell *cell, struct consort_value *out_value,
		    struct consort_error *error);

/* The types that all values of a column so far fit; starts zeroed. */
struct file_guess {
	uint32_t ruled_out; /* bits by type id */
	bool seen;          /* a value that is not NULL */
};

void file_guess_add(struct file_guess *guess, struct file_convert *convert, const struct file_cell *cell);
/* The narrowest; text if there was no value. */
struct consort_type file_guess_type(const struct file_guess *guess);

/* --- conn.c, introspect.c, query.c --- */

extern const struct consort_database_ops file_database_ops;
extern const struct consort_connection_ops file_connection_ops;
extern const struct consort_schema_ops file_schema_ops;
extern const struct consort_query_ops file_query_ops;

#endif
