/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: a manifest of 50 resources with one adapter, against dlopen of the client library and opening the
 * database by hand. A library is loaded once, so each run is a child process of its own, and what is timed
 * lies between its fork and its exit.
 *
 *     make bench-open && CONSORT_PLUGIN_PATH=.libs ./bench-open --runs 41
 *
 * By hand is in Consort's program too, where the library that libsqlite3 needs is loaded already.
 */
#include "bench.h"

#include <consort/consort.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RESOURCES 50
#define LIBRARY "libsqlite3.so.0"
#define OPEN_READWRITE_CREATE 6

static char folder[] = "/tmp/consort-bench-XXXXXX";
static char manifest[64], file[64];

static void write_manifest(void)
{
	FILE *out = fopen(manifest, "w");
	int i;

	if (!out)
		bench_die("%s cannot be written", manifest);
	fprintf(out, "[database bench]\ntype = sqlite\npath = bench.db\n");
	for (i = 0; i < RESOURCES; i++)
		fprintf(out,
			"[resource r%d]\ndatabase = bench\nsource = t%d\nkey = id\nattribute.id = int64\n"
			"attribute.name = text\nattribute.at = timestamp\n",
			i, i);
	fclose(out);
}

static uint64_t by_hand(int64_t operations)
{
	/* what a program needs to read a row */
	static const char *const names[] = {
		"sqlite3_close_v2",	 "sqlite3_errmsg",	"sqlite3_prepare_v3",
		"sqlite3_bind_int64",	 "sqlite3_step",	"sqlite3_column_type",
		"sqlite3_column_int64",	 "sqlite3_column_text", "sqlite3_column_bytes",
		"sqlite3_column_double", "sqlite3_reset",	"sqlite3_finalize"};
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *handle = NULL;
	int (*open_v2)(const char *, void **, int, const char *);
	size_t i;

	if (!library)
		bench_die("%s", dlerror());
	*(void **)&open_v2 = dlsym(library, "sqlite3_open_v2");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!dlsym(library, names[i]))
			bench_die("%s", dlerror());
	if (!open_v2 || open_v2(file, &handle, OPEN_READWRITE_CREATE, NULL))
		bench_die("%s cannot be opened", file);
	return (uint64_t)operations;
}

static uint64_t by_consort(int64_t operations)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;

	if (consort_open(manifest, &c, &error))
		bench_die("%s", consort_error_text(&error));
	return (uint64_t)operations;
}

static void clear(void)
{
	remove(manifest);
	remove(file);
	remove(folder);
}

int main(int argc, char **argv)
{
	static const struct bench_measure measures[] = {
		{"open 50 resources", 1, {{"by hand", by_hand}}, by_consort, 1.30, NULL},
		{NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
	};

	if (!mkdtemp(folder))
		bench_die("no folder in /tmp");
	snprintf(manifest, sizeof(manifest), "%s/consort.ini", folder);
	snprintf(file, sizeof(file), "%s/bench.db", folder);
	write_manifest();
	atexit(clear);
	bench_run_apart("open", measures, argc, argv);
	return bench_end();
}
