/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_BENCH_TABLE_H
#define CONSORT_BENCH_TABLE_H

/*
 * Consort's side of a benchmark of tables, the same for every engine: a resource t of a million records of
 * (int64 id, text name, float64 value, timestamp ts) to read and one, ins, of the same attributes to write,
 * in a database `bench`. The engine's own side sees the same data, and adds it up by table_sum.
 */
#include "bench.h"

#include <consort/consort.h>
#include <stdbool.h>

#define TABLE_ROWS 1000000
#define TABLE_INSERTED 100000
#define TABLE_KEYS 1000

struct table_row {
	int64_t id, ts;
	double value;
	char name[24];
	int size;
};

/* The rows to write: [TABLE_INSERTED]. */
const struct table_row *table_made(void);
/* The key that the next read is of. */
static inline int64_t table_key(void)
{
	return (int64_t)bench_random(TABLE_ROWS) + 1;
}

/* A row's part of a checksum, which is the sum of these: rows have no order. */
static inline uint64_t table_sum(int64_t id, const char *name, uint64_t size, double value, int64_t ts)
{
	uint64_t sum = bench_mix(0, (uint64_t)id);

	sum = bench_mix(sum, size + (unsigned char)name[size - 1]);
	sum = bench_mix(sum, (uint64_t)value);
	return bench_mix(sum, (uint64_t)ts);
}

/* All that an engine with a schema need be told. */
#define TABLE_ATTRIBUTES "attribute.ts = timestamp\n"
/* Writes the manifest, with `text` for the database and `attributes` for both resources, and opens it; closes it and
 * removes the file. */
void table_open(const char *path, const char *text, const char *attributes);
void table_close(void);
struct consort *table_handle(void);

/* Ways, for struct bench_measure; seeds are those of their raw counterparts. */
#define TABLE_SEED 7
uint64_t table_get(int64_t operations);
uint64_t table_get_in(int64_t operations); /* a transaction */
uint64_t table_keys(int64_t operations);   /* each of TABLE_KEYS */
uint64_t table_scan(int64_t operations);   /* so many rows */
/* The same with a parameter that is true for all of them. */
#define TABLE_LEAST_VALUE (-1.0)
uint64_t table_scan_with(int64_t operations);
uint64_t table_create_each(int64_t operations);
uint64_t table_create_bulk(int64_t operations);

/* Lines that tell what memory a process needs that scans t. It is this program again, with arguments that
 * main gives to table_is_scan first: true when the scan is done. */
void table_note_memory(void);
bool table_is_scan(int argc, char **argv);

#endif
