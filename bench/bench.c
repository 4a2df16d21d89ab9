/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MOST 101

/* --- counting allocations: glibc lets a program replace malloc and keep using its own --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static uint64_t allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

void free(void *memory)
{
	__libc_free(memory);
}

/* --- helpers --- */

static uint64_t state;

void bench_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

void bench_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint64_t bench_random(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % limit;
}

static clockid_t chosen_clock = CLOCK_MONOTONIC;

static double now(void)
{
	struct timespec time;

	clock_gettime(chosen_clock, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "not pinned to one core: %s\n", strerror(errno));
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

long bench_peak(bench_fn *fn, int64_t operations)
{
	struct rusage usage;
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		bench_die("fork: %s", strerror(errno));
	if (!child) {
		fn(operations);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) != child || status)
		bench_die("a child failed");
	return usage.ru_maxrss;
}

/* --- measuring --- */

static FILE *json;
static int lines;
static const char *way_only; /* for a profiler: only this way runs */

struct way {
	double time[RUNS_MOST]; /* microseconds an operation */
	uint64_t sum;
	uint64_t allocations; /* of the last run */
};

static void run_way(const struct bench_measure *measure, bench_fn *fn, struct way *way, int run)
{
	uint64_t count;
	double start;

	if (measure->before)
		measure->before();
	count = allocations;
	start = now();
	way->sum = fn(measure->operations);
	way->time[run] = (now() - start) / (double)measure->operations;
	way->allocations = allocations - count;
}

static void report(const char *topic, const struct bench_measure *measure, struct way *raw,
		   struct way *consort, int runs)
{
	double ratios[RUNS_MOST], ratio, raw_time, time, each = (double)measure->operations;
	int i;

	for (i = 0; i < runs; i++)
		ratios[i] = consort->time[i] / raw->time[i];
	ratio = median(ratios, runs);
	raw_time = median(raw->time, runs);
	time = median(consort->time, runs);
	printf("%-20s %9.4f %9.4f   %5.3f  %5.3f…%5.3f", measure->name, raw_time, time, ratio, ratios[0],
	       ratios[runs - 1]);
	if (measure->target > 0)
		printf("  %4.2f %-4s", measure->target, ratio <= measure->target ? "ok" : "OVER");
	else
		printf("  %9s", "");
	printf("  %8.4f %8.4f\n", (double)raw->allocations / each, (double)consort->allocations / each);
	if (json)
		fprintf(json,
			"%s\n  {\"topic\": \"%s\", \"name\": \"%s\", \"raw_us\": %.6f, \"consort_us\": %.6f, "
			"\"ratio\": %.4f, "
			"\"ratio_min\": %.4f, \"ratio_max\": %.4f, \"target\": %.2f, \"runs\": %d, "
			"\"operations\": %lld, "
			"\"raw_allocations\": %.4f, \"consort_allocations\": %.4f}",
			lines++ ? "," : "", topic, measure->name, raw_time, time, ratio, ratios[0],
			ratios[runs - 1], measure->target, runs, (long long)measure->operations,
			(double)raw->allocations / each, (double)consort->allocations / each);
}

void bench_note(const char *name, double value, const char *unit)
{
	printf("%-20s %9.1f %s\n", name, value, unit);
	if (json)
		fprintf(json, "%s\n  {\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}",
			lines++ ? "," : "", name, value, unit);
}

static void measure_one(const char *topic, const struct bench_measure *measure, int runs)
{
	static struct way raw, consort;
	int run;

	if (way_only) {
		for (run = 0; run < runs; run++)
			run_way(measure, strcmp(way_only, "raw") ? measure->consort : measure->raw, &raw,
				run);
		return;
	}
	/* one of each that does not count; then in turns, each first every other time */
	run_way(measure, measure->raw, &raw, 0);
	run_way(measure, measure->consort, &consort, 0);
	for (run = 0; run < runs; run++) {
		if (run % 2)
			run_way(measure, measure->consort, &consort, run);
		run_way(measure, measure->raw, &raw, run);
		if (run % 2 == 0)
			run_way(measure, measure->consort, &consort, run);
		if (raw.sum != consort.sum)
			bench_die("%s: the two ways saw different data", measure->name);
	}
	report(topic, measure, &raw, &consort, runs);
}

int bench_run(const char *topic, const struct bench_measure *measures, int argc, char **argv)
{
	const char *only = NULL;
	int runs = 11, i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--runs"))
			runs = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--only"))
			only = argv[i + 1];
		else if (!strcmp(argv[i], "--clock"))
			chosen_clock =
				strcmp(argv[i + 1], "cpu") ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
		else if (!strcmp(argv[i], "--way"))
			way_only = argv[i + 1];
		else if (!strcmp(argv[i], "--json"))
			json = fopen(argv[i + 1], "w");
		else
			bench_die("unknown option %s", argv[i]);
	}
	if (runs < 1 || runs > RUNS_MOST)
		bench_die("--runs is 1 to %d", RUNS_MOST);
	pin();
	if (json)
		fprintf(json, "[");
	printf("%-20s %9s %9s   %5s  %13s  %9s  %8s %8s\n", topic, "raw µs", "consort", "ratio", "spread",
	       "target", "raw al.", "al./op");
	for (; measures->name; measures++)
		if (!only || !strcmp(only, measures->name))
			measure_one(topic, measures, runs);
	return only == NULL;
}

int bench_end(void)
{
	if (!json)
		return 0;
	fprintf(json, "\n]\n");
	return fclose(json) != 0;
}
