/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_WORLD_H
#define CONSORT_TESTS_WORLD_H

/*
 * The same data in several places: files, STRICT tables of SQLite, and tables that hold the same in other
 * words (dates as text, texts that SQLite compares without case). A placement says which resource lives where
 * and what its databases may do; every query must give the same from each of them.
 *
 * The tables are filled by libsqlite3 from the files' lines and from the seeded values here, never by
 * Consort.
 */

#include <sqlite3.h>
#include <stdint.h>

#include <consort/buffer.h>
#include <consort/consort.h>

#include "testing.h"

/* Where each resource of world_resources lives, paper as edge does: f file, s strict.db, o other.db (the same
 * as strict.db), l loose.db, p and q the schemas of PostgreSQL, m and n the databases of MongoDB, and in
 * Redis r hashes, i hashes with indexes, j documents, c hashes in a cluster. */
struct world_placement {
	const char *name;
	const char *homes;
	const char *features; /* to do without, as in the manifest; NULL: none */
	int no_pushdown;      /* CONSORT_NO_PUSHDOWN is set */
};
extern const struct world_placement world_placements[];
extern const struct world_placement world_postgres_placements[];
extern const struct world_placement world_mongodb_placements[];
extern const struct world_placement world_redis_placements[];
extern const struct world_placement world_mixed_placements[];

/* Makes what the placements need, in the case's folder and in servers; skips the case where an adapter was
 * not built, or a server is not running. `seed` chooses the rows of edge and other;
 * servers need not have the first `skipped` resources. */
void world_make(const struct world_placement *placements, uint64_t seed, unsigned skipped);
/* Removes it from the servers. */
void world_drop(const struct world_placement *placements);
/* A handle to the data in that placement. Also sets or unsets CONSORT_NO_PUSHDOWN, which counts when a query
 * is planned. */
struct consort *world_open(const struct world_placement *placement);
/* strict.db itself, with LIKE that minds case, for the oracle. */
sqlite3 *world_oracle(void);

/* The seeded values, by column of edge and other. */
enum world_column {
	WORLD_I,
	WORLD_F,
	WORLD_S,
	WORLD_D,
	WORLD_AT,
	WORLD_DAY,
	WORLD_TM,
	WORLD_B,
	WORLD_U,
	WORLD_RAW,
	WORLD_COLUMNS
};
/* A value in the words of each place. */
struct world_value {
	const char *text;  /* in a CSV file and in Consort's literals; NULL: NULL */
	const char *sql;   /* in strict.db */
	const char *loose; /* in loose.db; NULL: as in strict.db */
};
struct world_pool {
	const char *name;
	const char *type;		  /* as the manifest names it */
	const struct world_value *values; /* the first is NULL */
	unsigned count;
};
extern const struct world_pool world_pools[WORLD_COLUMNS];
/* Rows of edge; other has half as many. */
#define WORLD_EDGES 240

/* The parts of world_make. `narrow`: no decimal has more than 34 digits. The others take their rows from
 * strict.db. */
void world_make_files(uint64_t seed, int narrow);
void world_make_postgres(uint64_t seed, unsigned skipped);
void world_drop_postgres(void);
void world_make_mongodb(uint64_t seed, unsigned skipped);
void world_drop_mongodb(void);
void world_make_redis(uint64_t seed, unsigned skipped);
void world_drop_redis(void);

struct world_attribute {
	const char *name;
	const char *type; /* as the manifest names it */
	int declared;	  /* also where the engine or the file tells */
};
/* The first attribute is the key. */
struct world_resource {
	const char *name, *table;
	const char *files; /* a file's source, and what else it needs */
	const struct world_attribute *attributes;
	const char *relationships;
};
#define WORLD_RESOURCES 7
#define WORLD_REAL 4 /* those that are not seeded, which come first */
extern const struct world_resource world_resources[WORLD_RESOURCES];
/* How an attribute is kept in that home; NULL: as its type is. */
const char *world_codec(char home, const struct world_resource *of, unsigned attribute);
/* Is it a member of the document `in`? */
int world_is_nested(char home, unsigned attribute);
/* Days since 1970 of "2001-12-31". */
int64_t world_days(const char *date);
/* A statement that reads the resource's attributes from strict.db. */
sqlite3_stmt *world_rows(sqlite3 *from, const struct world_resource *of);

/* A small generator of numbers, the same everywhere. */
uint64_t world_random(uint64_t *state);
unsigned world_below(uint64_t *state, unsigned limit);
/* CONSORT_TEST_SEED, or this. */
uint64_t world_seed(uint64_t otherwise);

/* Results as lines, one a row, in forms that do not depend on who delivers them: integers, times as numbers,
 * dates and decimals as text, doubles with `digits` digits and without the sign of a zero, bytes in
 * hexadecimal. An error is "status N". */
void world_print(const struct consort_value *value, int digits, struct consort_buffer *out);
char *world_read(struct consort_cursor *rows, int digits, struct consort_error *error);
/* The same from SQLite, with the types of the columns that Consort delivered. */
char *world_ask(sqlite3 *oracle, const char *sql, const struct consort_type *types, unsigned ntypes,
		int digits);
/* Sorts the lines of a result. */
void world_sort(char *lines);

#endif
