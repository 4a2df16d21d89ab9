/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MOST 101

/* --- counting allocations, those of libraries too: glibc lets a program replace malloc and use its own --- */

#define PUBLIC __attribute__((__visibility__("default")))
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static uint64_t allocations;

PUBLIC void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

PUBLIC void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

PUBLIC void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

PUBLIC void free(void *memory)
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

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int bench_core(void)
{
	static int core = -1;

	if (core < 0) {
		core = sched_getcpu();
		bench_pin(getpid(), core);
	}
	return core;
}

/* All its threads; those to come are made by one of them. */
void bench_pin(pid_t process, int core)
{
	const struct dirent *thread;
	char path[64];
	cpu_set_t set;
	DIR *threads;
	int pinned = 0;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
	threads = opendir(path);
	while (threads && (thread = readdir(threads)))
		if (*thread->d_name != '.' && !sched_setaffinity(atoi(thread->d_name), sizeof(set), &set))
			pinned++;
	if (!pinned)
		fprintf(stderr, "process %d is not pinned to one core: %s\n", (int)process, strerror(errno));
	if (threads)
		closedir(threads);
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

double bench_peak(const char *arguments)
{
	char command[256];
	double peak = 0;
	FILE *output;

	fflush(NULL);
	snprintf(command, sizeof(command), "/proc/%d/exe %s", (int)getpid(), arguments);
	output = popen(command, "re");
	if (!output || fscanf(output, "%lf", &peak) != 1 || pclose(output))
		bench_die("%s failed", command);
	return peak / 1024;
}

void bench_print_peak(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	long kilobytes;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1)
			printf("%ld\n", kilobytes);
	if (status)
		fclose(status);
}

/* --- measuring --- */

static FILE *json;
static int lines;
static bool by_cpu;	     /* the ratio is of the processor's time, */
static pid_t server;	     /* … also of this process and its children */
static bool apart;	     /* each run is in a child process */
static const char *way_only; /* for a profiler: only this way runs */

struct figures {
	/* microseconds an operation: elapsed, of this process, and of the server too */
	double wall[RUNS_MOST], cpu[RUNS_MOST], both[RUNS_MOST];
	uint64_t sum;
	uint64_t allocations; /* of the last run */
};

void bench_server(pid_t process)
{
	server = process;
}

/* What the server's processes have used so far. */
static double server_time(void)
{
	char path[64];
	FILE *children;
	double sum = 0;
	clockid_t clock;
	int child;

	if (!server)
		return 0;
	if (!clock_getcpuclockid(server, &clock))
		sum = now(clock);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)server, (int)server);
	children = fopen(path, "re");
	while (children && fscanf(children, "%d", &child) == 1)
		if (!clock_getcpuclockid(child, &clock))
			sum += now(clock);
	if (!children)
		bench_die("%s: %s", path, strerror(errno));
	fclose(children);
	return sum;
}

static void time_way(const struct bench_measure *measure, bench_fn *fn, struct figures *figures, int run)
{
	double wall, cpu, served, each = (double)measure->operations;
	uint64_t count;

	served = server_time();
	count = allocations;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	wall = now(CLOCK_MONOTONIC);
	figures->sum = fn(measure->operations);
	figures->wall[run] = (now(CLOCK_MONOTONIC) - wall) / each;
	figures->cpu[run] = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / each;
	figures->allocations = allocations - count;
	figures->both[run] = figures->cpu[run] + (server_time() - served) / each;
}

/* The same in a child, which leaves its figures in shared memory. */
static void time_apart(const struct bench_measure *measure, bench_fn *fn, struct figures *figures, int run)
{
	struct figures *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t child;

	if (shared == MAP_FAILED)
		bench_die("%s: %s", measure->name, strerror(errno));
	*shared = *figures;
	fflush(NULL);
	child = fork();
	if (!child) {
		time_way(measure, fn, shared, run);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		bench_die("%s: the child failed", measure->name);
	*figures = *shared;
	munmap(shared, sizeof(*shared));
}

static void run_way(const struct bench_measure *measure, bench_fn *fn, struct figures *figures, int run)
{
	if (measure->before)
		measure->before();
	if (apart)
		time_apart(measure, fn, figures, run);
	else
		time_way(measure, fn, figures, run);
}

static double median_of(const double *values, int runs)
{
	double sorted[RUNS_MOST];

	memcpy(sorted, values, (size_t)runs * sizeof(*sorted));
	return median(sorted, runs);
}

static double *chosen(struct figures *figures)
{
	return by_cpu ? figures->both : figures->wall;
}

static void report(const char *topic, const struct bench_measure *measure, const struct bench_way *way,
		   struct figures *raw, struct figures *consort, int runs)
{
	double ratios[RUNS_MOST], ratio, raw_time, time, raw_cpu, cpu, each = (double)measure->operations;
	int i;

	raw_time = median_of(chosen(raw), runs);
	time = median_of(chosen(consort), runs);
	raw_cpu = median_of(raw->cpu, runs);
	cpu = median_of(consort->cpu, runs);
	for (i = 0; i < runs; i++)
		ratios[i] = chosen(consort)[i] / chosen(raw)[i];
	ratio = median(ratios, runs);
	printf("%-22s %9.4f %9.4f   %5.3f  %5.3f…%5.3f", measure->name, raw_time, time, ratio, ratios[0],
	       ratios[runs - 1]);
	if (measure->target > 0)
		printf("  %4.2f %-4s", measure->target, ratio <= measure->target ? "ok" : "OVER");
	else
		printf("  %9s", "");
	printf("  %8.4f %8.4f  %8.4f %8.4f\n", raw_cpu, cpu, (double)raw->allocations / each,
	       (double)consort->allocations / each);
	if (json)
		fprintf(json,
			"%s\n  {\"topic\": \"%s\", \"name\": \"%s\", \"raw_way\": \"%s\", "
			"\"raw_us\": %.6f, \"consort_us\": %.6f, \"ratio\": %.4f, "
			"\"ratio_min\": %.4f, \"ratio_max\": %.4f, \"target\": %.2f, \"runs\": %d, "
			"\"operations\": %lld, \"raw_cpu_us\": %.6f, \"consort_cpu_us\": %.6f, "
			"\"raw_allocations\": %.4f, \"consort_allocations\": %.4f}",
			lines++ ? "," : "", topic, measure->name, way->name, raw_time, time, ratio, ratios[0],
			ratios[runs - 1], measure->target, runs, (long long)measure->operations, raw_cpu, cpu,
			(double)raw->allocations / each, (double)consort->allocations / each);
}

void bench_note(const char *name, double value, const char *unit)
{
	printf("%-22s %9.1f %s\n", name, value, unit);
	if (json)
		fprintf(json, "%s\n  {\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}",
			lines++ ? "," : "", name, value, unit);
}

/* The raw ways, of which there is at least one. */
static int raw_ways(const struct bench_measure *measure)
{
	int count = 1;

	while (count < BENCH_WAYS && measure->raw[count].fn)
		count++;
	return count;
}

/* Says how the raw ways compare, if there are several, and which is the fastest. */
static int fastest(const struct bench_measure *measure, struct figures *raw, int runs)
{
	double time, least = median_of(chosen(&raw[0]), runs);
	int count = raw_ways(measure), best = 0, i;

	for (i = 0; i < count; i++) {
		time = median_of(chosen(&raw[i]), runs);
		if (count > 1)
			printf("  raw: %-15s %9.4f\n", measure->raw[i].name, time);
		if (time < least) {
			least = time;
			best = i;
		}
	}
	return best;
}

/* All ways once, in one order and then in the other, so that none always has the caches of the one before. */
static void take_turn(const struct bench_measure *measure, struct figures *raw, struct figures *consort,
		      int run)
{
	int count = raw_ways(measure), i;

	if (run % 2)
		run_way(measure, measure->consort, consort, run);
	for (i = 0; i < count; i++)
		run_way(measure, measure->raw[i].fn, &raw[i], run);
	if (run % 2 == 0)
		run_way(measure, measure->consort, consort, run);
	for (i = 0; i < count; i++)
		if (raw[i].sum != consort->sum)
			bench_die("%s: the ways saw different data", measure->name);
}

static void measure_one(const char *topic, const struct bench_measure *measure, int runs)
{
	static struct figures raw[BENCH_WAYS], consort;
	int run, i;

	if (way_only) {
		for (i = 0; i < raw_ways(measure); i++)
			for (run = 0; run < runs && !strcmp(way_only, measure->raw[i].name); run++)
				run_way(measure, measure->raw[i].fn, &consort, run);
		for (run = 0; run < runs && !strcmp(way_only, "consort"); run++)
			run_way(measure, measure->consort, &consort, run);
		return;
	}
	take_turn(measure, raw, &consort, 0); /* does not count */
	for (run = 0; run < runs; run++)
		take_turn(measure, raw, &consort, run);
	i = fastest(measure, raw, runs);
	report(topic, measure, &measure->raw[i], &raw[i], &consort, runs);
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
			by_cpu = !strcmp(argv[i + 1], "cpu");
		else if (!strcmp(argv[i], "--way"))
			way_only = argv[i + 1];
		else if (!strcmp(argv[i], "--json"))
			json = fopen(argv[i + 1], "w");
		else
			bench_die("unknown option %s", argv[i]);
	}
	if (runs < 1 || runs > RUNS_MOST)
		bench_die("--runs is 1 to %d", RUNS_MOST);
	bench_core();
	if (json)
		fprintf(json, "[");
	printf("%-22s %9s  %9s   %5s  %13s  %9s  %8s %8s  %8s %8s\n", topic, "raw µs", "consort", "ratio",
	       "spread", "target", "raw cpu", "cpu/op", "raw al.", "al./op");
	for (; measures->name; measures++)
		if (!only || !strcmp(only, measures->name))
			measure_one(topic, measures, runs);
	return only == NULL;
}

int bench_run_apart(const char *topic, const struct bench_measure *measures, int argc, char **argv)
{
	apart = true;
	return bench_run(topic, measures, argc, argv);
}

int bench_end(void)
{
	if (!json)
		return 0;
	fprintf(json, "\n]\n");
	return fclose(json) != 0;
}
