/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_BENCH_H
#define CONSORT_BENCH_H

/*
 * Comparing Consort with the raw client library used well. Each measure does the same work both ways and
 * returns a checksum of what it saw; the two must agree. If the client library has several ways, the fastest
 * one counts. The ways run in turns, in one process pinned to one core; what is printed is the median of the
 * runs, the ratio's median and its spread, and processor time and allocations an operation.
 *
 *     static const struct bench_measure measures[] = {
 *             {"get", 20000, {{"raw", raw_get}}, consort_get_in, 1.25, NULL},
 *             {NULL, 0, {{NULL, NULL}}, NULL, 0, NULL},
 *     };
 *
 *     bench_run("sqlite", measures, argc, argv);
 *     return bench_end();
 *
 * Options of every benchmark: --runs N (default 11), --json FILE, --only NAME, --clock wall|cpu (which
 * one the ratio is of; cpu for a machine that has other things to do), --way NAME|consort (only that one,
 * without figures, for a profiler).
 */

#include <stdint.h>
#include <sys/types.h>

#define BENCH_WAYS 4

/* Does `operations` of them; the checksum. */
typedef uint64_t bench_fn(int64_t operations);

struct bench_way {
	const char *name;
	bench_fn *fn;
};

struct bench_measure {
	const char *name;
	int64_t operations;
	struct bench_way raw[BENCH_WAYS]; /* at least one */
	bench_fn *consort;
	double target;	      /* of the ratio; 0: none */
	void (*before)(void); /* each way, outside the time; may be NULL */
};

/* Were all of them run (no --only)? */
int bench_run(const char *topic, const struct bench_measure *measures, int argc, char **argv);
/* The same with each run in a child process, for what a process does once. */
int bench_run_apart(const char *topic, const struct bench_measure *measures, int argc, char **argv);
/* Ends the JSON file; the program's exit status. */
int bench_end(void);
/* The core of this process, which stays on it from the first call on. */
int bench_core(void);
void bench_pin(pid_t process, int core);
/* Prints a message and ends the program with 1. */
void bench_die(const char *format, ...) __attribute__((__format__(__printf__, 1, 2), __noreturn__));
/* A sequence of numbers from 0 to limit - 1 that starts anew with each seed. */
void bench_seed(uint64_t seed);
uint64_t bench_random(uint64_t limit);
/* Mixes a value into a checksum. */
static inline uint64_t bench_mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x9e3779b97f4a7c15u;
}
/* This process and its children are the server, whose time --clock cpu adds. */
void bench_server(pid_t process);
/* Runs this program again with these arguments, for which it prints its peak: that memory in MiB. */
double bench_peak(const char *arguments);
void bench_print_peak(void);
/* A line behind the table, also in the JSON file: a figure that is not a ratio. */
void bench_note(const char *name, double value, const char *unit);

#endif
