/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_IMPORT_H
#define CONSORT_IMPORT_H

/*
 * The parts of import:
 *
 *     import.c         options, the loop
 *     import-input.c   records of a CSV or JSON Lines file
 *     import-batch.c   from records to batches of the writer; rejects
 *     import-state.c   the file that --resume reads
 */

#include "tools.h"

#include <consort/csv.h>

/* --- import-input.c --- */

enum input_kind {
	INPUT_CSV = 1,
	INPUT_JSONL
};

/* A place between records. */
struct place {
	uint64_t offset; /* bytes */
	uint64_t line;   /* lines before it */
	uint64_t record; /* records before it */
};

struct input {
	uint32_t kind;
	int fd;
	const char *name;
	struct lines lines;
	struct place next;            /* behind the last record */
	/* the record given last */
	uint64_t line;                /* where it starts, from 1 */
	struct consort_buffer text;   /* as it stands in the file */
	const struct consort_view *fields; /* CSV; data NULL: NULL */
	uint32_t nfields;
	struct consort_csv *csv;
};

enum consort_status input_open(struct input *in, uint32_t kind, int fd, const char *name,
			       struct consort_error *error);
void input_clear(struct input *in);
/*
 * The next record: *out_more is false at the end. header: the fields of the header, 0 for none yet. With a
 * failure, *out_broken tells a record that is no CSV, which can be passed over: `text` and `line` hold it.
 */
enum consort_status input_next(struct input *in, size_t header, bool *out_more, bool *out_broken,
			       struct consort_error *error);
/* Goes on at a place. */
enum consort_status input_seek(struct input *in, const struct place *place, struct consort_error *error);

/* --- import-state.c --- */

/* How far an import has come. */
struct state {
	char *path;              /* of the state's file; NULL: it cannot be resumed */
	const char *file;
	const char *resource;
	uint64_t size, inode, device;
	uint64_t modified;       /* nanoseconds */
	uint64_t fingerprint;    /* of both ends of the file */
	struct place done;       /* all before it is written, or rejected */
	uint64_t pending;        /* records behind it that may have been written */
	uint64_t rejects_size;   /* of --rejects' file at `done` */
};

/* Finds out about the file. */
enum consort_status state_init(struct state *state, int fd, const char *file, const char *resource,
			       struct consort_error *error);
void state_clear(struct state *state);
/* What an earlier run has left: *out_found is false if nothing, or of another state of the file without
 * `resume`; with it that is an error, and so is a state that nobody can read. */
enum consort_status state_load(struct state *state, bool resume, bool *out_found,
			       struct consort_error *error);
enum consort_status state_save(const struct state *state, struct tool *tool, struct consort_error *error);
void state_remove(const struct state *state);

/* --- import-batch.c --- */

/* Where a row of the batch comes from. */
struct origin {
	uint64_t line;
	size_t text_end; /* in `texts`, if rejects are kept */
};

struct import {
	struct tool *tool;
	const struct consort_resource *resource;
	struct input in;
	struct row row;
	struct state state;
	/* options */
	uint32_t kind;                 /* enum consort_writer_kind */
	const char **map, **ignore;    /* "a=b"; names, or "*" */
	size_t nmap, nignore;
	int64_t batch_rows, skip; /* skip: -1 if not given */
	int rejects;		  /* descriptor, or -1 */
	const char *rejects_name;
	/* CSV: for each field of the header an attribute, or ROW_IGNORE */
	int32_t *header;
	size_t nheader;
	/* the writer's columns, as attributes; a wider set opens a new writer */
	uint32_t *columns;
	uint32_t ncolumns;
	struct consort_writer *writer;
	struct consort_batch *batch;
	int64_t writer_written;        /* of it, counted already */
	struct origin *origins;        /* [batch->max_rows] */
	struct consort_buffer texts;
	/* how far it came */
	struct place start, end;       /* behind the last flush; behind the last record that was dealt with */
	uint64_t start_rejects;
	uint64_t pending_end; /* records up to this one may have been written by a run that was killed */
	uint64_t written, rejected, earlier;
	bool stuck;    /* a flush failed: what it held is not to be written again */
	bool at_fault; /* a record is to blame for the error */
	bool keyless;  /* a record has no key, by which it could be looked up */
	/* during a flush */
	uint64_t failed_line;          /* of the first row that failed; 0: none */
	enum consort_status reject_status;
	struct consort_error reject_error;
};

/* The attribute of a column or member: by --map, --ignore or its name; ROW_IGNORE; -1 with an error. */
int32_t import_attribute(void *context, const char *name, size_t size, struct consort_error *error);
/* Opens the writer for `columns`. */
enum consort_status import_open_writer(struct import *im, struct consort_error *error);
/* Takes the record that the input has; one that does not fit goes to the rejects, or is the error. */
enum consort_status import_record(struct import *im, struct consort_error *error);
/* A record that is none: to the rejects, or the error that came in. */
enum consort_status import_refuse(struct import *im, enum consort_status status, struct consort_error *error);
/* Writes what waits, and keeps how far it came. */
enum consort_status import_flush(struct import *im, struct consort_error *error);
/* Lets go of the writer. */
void import_close(struct import *im);
void import_clear(struct import *im);

#endif
