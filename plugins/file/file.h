/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_FILE_H
#define CONSORT_FILE_H

/*
 * The insides of the file adapter, from the bottom up:
 *
 *     lines.c       the lines of one file: reading, UTF-8, deadline and cancel
 *     record.c      the columns that are known, and the values of the current record
 *     csv.c         lines to records, by consort/csv.h  jsonl.c      the same, by consort/json.h
 *     source.c      options to a format, a source (a file or a glob) to files
 *     scan.c        one record after the other, from one file after the other
 *     types.c       a value as it stands in the file to a value of a type, and which type fits
 *     query.c       offer, compile and cursors        introspect.c  columns and types of a source
 *     database.c    database and connection           plugin.c      the tables that the core sees
 *
 * A connection is nothing but its database: each cursor opens its own files, and owns all that it reads with.
 */

#include <pthread.h>
#include <stdbool.h>

#include <consort/adapter.h>
#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/convert.h>
#include <consort/json.h>

#define FILE_BUFFER_SIZE ((size_t)64 << 10)
#define FILE_RECORD_MAX                                                                     \
	((size_t)64 << 20) /* bytes; what is longer is taken for a quote that nobody closed \
			    */
#define FILE_COLUMNS_MAX 4096u

struct file_database {
	const struct consort_host *host;
	char *name, *folder;
	char *identity; /* the folder's canonical path */
	pthread_mutex_t lock;
	void *samples; /* introspect.c's, under the lock */
};

/* --- lines.c --- */

/* ECONNECTION: "cannot open 'x': " and what errno says. */
uint32_t file_system_error(struct consort_error *error, const char *verb, const char *path);

/* An open file. Its content is what it held when it was opened: what is added later is not read, and a file
 * that was cut or rewritten meanwhile is an error. */
struct file_lines {
	const char *name;    /* in the folder, for messages */
	int fd;		     /* -1: none is open */
	uint64_t size, done; /* bytes it has, and those read so far */
	int64_t modified;    /* nanoseconds */
	char *buffer;
	size_t capacity, start, end;
	uint64_t number; /* of the line delivered last, from 1 */
};

uint32_t file_lines_open(struct file_lines *lines, const char *folder, const char *name,
			 struct consort_error *error);
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

/* The types that all values of a column so far fit; starts zeroed. */
struct file_guess {
	uint32_t ruled_out;   /* bits by type id */
	uint8_t whole, scale; /* the most digits in front of and behind the point */
	bool seen;	      /* a value that is not NULL */
};

struct file_column {
	const char *name;
	size_t name_size;
	struct consort_json_step *steps; /* a dotted path into a document; NULL: a plain name */
	uint32_t nsteps;
	uint32_t kind;		  /* of the current record's value; NONE and NULL are both NULL */
	struct consort_view text; /* that value, as it stands in the file */
	struct file_guess guess;
};

struct file_record {
	struct consort_arena *arena; /* of columns and names */
	struct file_column *columns;
	uint32_t count, capacity;
	bool fixed; /* members of other names are left out, not added (JSON Lines) */
	bool paths; /* some column is a path */
};

#define FILE_NO_COLUMN UINT32_MAX

/* The column of that name; looks at `guess` first. FILE_NO_COLUMN if there is none. */
uint32_t file_record_find(const struct file_record *record, const char *name, size_t size, uint32_t guess);
/* Adds a column; `path`: its name is a path if it has dots. */
uint32_t file_record_add(struct file_record *record, const char *name, size_t size, bool path,
			 struct consort_error *error);
/* Forgets the values. */
void file_record_begin(struct file_record *record);

/* --- source.c --- */

struct file_reader;

/* What a resource's section says: how its files are written, and which they are. */
struct file_source {
	const struct file_reader *reader; /* NULL: by each file's name */
	struct consort_view null;	  /* the text that means NULL; size 0: none */
	uint64_t sample;		  /* records of each file that types are inferred from; 0: all */
	char delimiter;
	char quote; /* '\0': none */
	bool header;
	const char **files; /* in the folder, sorted */
	uint32_t nfiles;
};

/* By the name's extension; NULL: it does not tell. */
const struct file_reader *file_reader_by_name(const char *name);
/* The file of that name, or those that match; never none. NULL: all that have a reader's extension. */
uint32_t file_source_find(const struct file_database *database, struct consort_arena *arena, const char *name,
			  const struct consort_setting *settings, uint32_t nsettings, struct file_source *out,
			  struct consort_error *error);

/* --- scan.c, with csv.c and jsonl.c: readers --- */

struct file_scan {
	const struct file_database *database;
	const struct file_source *source;
	struct consort_arena arena;
	uint32_t current; /* of the source's files: the next one */
	const struct file_reader *reader;
	void *state; /* the reader's */
	struct file_lines lines;
	struct file_record record;
	uint64_t line;			  /* where the current record starts */
	struct consort_arena values;	  /* of the current record */
	struct consort_json_reader *json; /* for values; what types.c makes compact goes to `text` */
	struct consort_buffer text;
};

/* What a format is to the scan. The state of a reader serves all files of a scan. */
struct file_reader {
	const char *name;
	const char *const *extensions; /* NULL-terminated */
	bool schemaless;	       /* a column that was never seen is no mistake */
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

/* Opens the source's first file; the source outlives the scan. */
uint32_t file_scan_open(const struct file_database *database, const struct file_source *source,
			const struct consort_call *call, struct file_scan **out_scan,
			struct consort_error *error);
/* The next record of the source, whichever file it is in; *out_more false: there is none. */
uint32_t file_scan_next(struct file_scan *scan, const struct consort_call *call, bool *out_more,
			struct consort_error *error);
void file_scan_close(struct file_scan *scan);
/* "file:line: …" */
uint32_t file_scan_error(const struct file_scan *scan, uint64_t line, struct consort_error *error,
			 uint32_t status, const char *format, ...) CONSORT_PRINTF(5, 6);

/* --- types.c --- */

/* The value of a type that a column's text (not NULL) stands for, valid until the next one. `inferred`: only
 * what would have been inferred to be of that type; else, for a type that the manifest declares, all that
 * consort_value_parse takes. */
uint32_t file_value(struct file_scan *scan, uint32_t column, struct consort_type type, bool inferred,
		    struct consort_value *out_value, struct consort_error *error);
/* Rules out what the column's value does not fit. */
void file_guess_add(struct file_scan *scan, uint32_t column);
/* The narrowest; text if there was no value. */
struct consort_type file_guess_type(const struct file_guess *guess);

/* --- database.c, introspect.c, query.c --- */

void file_samples_free(struct file_database *database);

extern const struct consort_database_ops file_database_ops;
extern const struct consort_connection_ops file_connection_ops;
extern const struct consort_schema_ops file_schema_ops;
extern const struct consort_query_ops file_query_ops;

#endif
