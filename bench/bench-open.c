/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: a manifest of 50 resources with one adapter, against dlopen of the client library and opening the
 * database by hand. Each run is a child process of its own, since a library is loaded once; what is timed lies
 * between the fork and the exit.
 *
 *     make bench-open && CONSORT_PLUGIN_PATH=.libs ./bench-open
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <consort/consort.h>

#define RUNS 41
#define RESOURCES 50
#define LIBRARY "libsqlite3.so.0"
#define OPEN_READWRITE_CREATE 6

static char folder[] = "/tmp/consort-bench-XXXXXX";
static char manifest[64], file[64];
static double *shared; /* where a child leaves its time */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

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

static int by_hand(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *handle = NULL;
	int (*open_v2)(const char *, void **, int, const char *);

	if (!library)
		return 1;
	*(void **)&open_v2 = dlsym(library, "sqlite3_open_v2");
	return !open_v2 || open_v2(file, &handle, OPEN_READWRITE_CREATE, NULL);
}

static int by_consort(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;

	if (!consort_open(manifest, &c, &error))
		return 0;
	fprintf(stderr, "%s\n", consort_error_text(&error));
	return 1;
}

/* Microseconds of fn in a child. */
static double timed(int (*fn)(void))
{
	pid_t pid = fork();
	int status = 1;

	if (!pid) {
		double start = now();

		status = fn();
		*shared = now() - start;
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		bench_die("a child failed");
	return *shared;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	double raw[RUNS], consort[RUNS], ratio[RUNS];
	int i;

	if (!mkdtemp(folder))
		bench_die("no folder in /tmp");
	snprintf(manifest, sizeof(manifest), "%s/consort.ini", folder);
	snprintf(file, sizeof(file), "%s/bench.db", folder);
	write_manifest();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bench_die("no shared memory");
	timed(by_hand); /* warms the files */
	timed(by_consort);
	for (i = 0; i < RUNS; i++) {
		raw[i] = timed(by_hand);
		consort[i] = timed(by_consort);
		ratio[i] = consort[i] / raw[i];
	}
	qsort(raw, RUNS, sizeof(*raw), ascending);
	qsort(consort, RUNS, sizeof(*consort), ascending);
	qsort(ratio, RUNS, sizeof(*ratio), ascending);
	printf("open 50 resources: by hand %.0f us, consort %.0f us, ratio %.2f (%.2f to %.2f), target 1.30\n",
	       raw[RUNS / 2], consort[RUNS / 2], ratio[RUNS / 2], ratio[RUNS / 10], ratio[RUNS - 1 - RUNS / 10]);
	remove(manifest);
	remove(file);
	remove(folder);
	return 0;
}
