/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEADOW_H
#define MEADOW_H

/*
 * meadow: tables in memory, for the features that no engine of this tree has: records with fields that nobody
 * declared, words, time buckets, retention, compression, continuous aggregates, changes. What it does it does
 * in the plainest way; the lines of `flaws` break it.
 *
 *     meadow.c  the adapter, its databases, tables as they lie in memory
 *     schema.c  what there is, define and drop, and what define keeps
 *     read.c    reading
 *     write.c   writing, and the feed of changes
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <consort/adapter.h>
#include <consort/convert.h>
#include <consort/plugin.h>
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define TABLES 64
#define COLUMNS 16
#define NAME_BYTES 128

/* A field that is not there is NULL. One block, texts behind the fields. */
struct record {
	int64_t id;
	uint32_t nfields;
	struct field {
		const char *name;
		struct consort_value value;
	} fields[];
};

struct table {
	char name[NAME_BYTES], columns[COLUMNS][NAME_BYTES];
	uint32_t ncolumns;
	struct consort_type types[COLUMNS];
	struct consort_value retention, compression; /* durations, or NULL */
	char aggregate[NAME_BYTES + 32];	     /* "count of TABLE", or empty */
	struct record **records;		     /* by id */
	size_t count;
};

struct change {
	struct change *next;
	uint32_t kind;
	int64_t id, position;
	char table[NAME_BYTES];
};

struct database {
	char identity[32];
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t changed;
	struct table *tables[TABLES];
	struct change *first, *last;
};

int64_t clock_of(clockid_t id); /* microseconds */
struct table **find_table(struct database *database, const char *name);
uint32_t need_table(struct database *database, const char *name, struct table **out,
		    struct consort_error *error);
void table_free(struct table *table);
/* Where the record with that id is, or would be; and is it there? */
size_t find_record(const struct table *table, int64_t id);
int is_there(const struct table *table, size_t at, int64_t id);
const struct consort_value *value_of(const struct record *record, const char *name);
void remove_at(struct table *table, size_t at);
/* Takes the record over where it succeeds. */
uint32_t insert_at(struct table *table, size_t at, struct record *record, struct consort_error *error);
int is_kept(uint16_t type);

extern const struct consort_query_ops query_ops;
extern const struct consort_write_ops write_ops;
extern const struct consort_schema_ops schema_ops;
extern const struct consort_changes_ops changes_ops;

#define OPS(table, ...)                                                          \
	{                                                                        \
		.struct_size = sizeof(struct consort_##table##_ops), __VA_ARGS__ \
	}

#endif
