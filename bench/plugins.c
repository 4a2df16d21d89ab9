/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing adapters from their notes against opening one of them:
 *
 *     bench-plugins FILE.so
 *
 * Copies the adapter 50 times into a folder of its own, and times consort_plugins_list over it and one dlopen,
 * each in a fresh process, in turns. Prints the medians of 15 runs; the list should cost less than the dlopen.
 */
#include <consort/consort.h>

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COPIES 50
#define RUNS 15

static char folder[] = "/tmp/consort-bench-XXXXXX";

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static const char *copy_path(int number)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/consort-copy%02d.so", folder, number);
	return path;
}

static int copy_all(const char *file)
{
	static char block[1 << 16];
	int number;

	for (number = 0; number < COPIES; number++) {
		FILE *from = fopen(file, "rb"), *to = fopen(copy_path(number), "wb");
		size_t n;

		if (!from || !to)
			return 0;
		while ((n = fread(block, 1, sizeof(block), from)) > 0)
			fwrite(block, 1, n, to);
		fclose(from);
		if (fclose(to))
			return 0;
	}
	return 1;
}

static void remove_all(void)
{
	int number;

	for (number = 0; number < COPIES; number++)
		unlink(copy_path(number));
	rmdir(folder);
}

static enum consort_status count_good(void *context, const struct consort_plugin_file *file)
{
	*(int *)context += !file->error;
	return CONSORT_OK;
}

static int list_all(void)
{
	int good = 0;

	return !consort_plugins_list(folder, count_good, &good, NULL) && good >= COPIES;
}

static int open_one(void)
{
	return dlopen(copy_path(0), RTLD_NOW | RTLD_LOCAL) != NULL;
}

/* Microseconds that the work takes in a process of its own; negative: it failed. */
static double measure(int (*work)(void))
{
	double took = -1;
	int ends[2];

	if (pipe(ends))
		return -1;
	if (!fork()) {
		double start = now();

		took = work() ? now() - start : -1;
		_exit(write(ends[1], &took, sizeof(took)) != sizeof(took));
	}
	if (read(ends[0], &took, sizeof(took)) != sizeof(took))
		took = -1;
	wait(NULL);
	close(ends[0]);
	close(ends[1]);
	return took;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	double lists[RUNS], opens[RUNS];
	int run, failed = 0;

	if (argc != 2 || !mkdtemp(folder)) {
		fprintf(stderr, "usage: bench-plugins FILE.so\n");
		return 2;
	}
	failed = !copy_all(argv[1]);
	for (run = 0; run < RUNS && !failed; run++) {
		lists[run] = measure(list_all);
		opens[run] = measure(open_one);
		failed = lists[run] < 0 || opens[run] < 0;
	}
	remove_all();
	if (failed) {
		fprintf(stderr, "bench-plugins: %s cannot be copied, listed or opened\n", argv[1]);
		return 1;
	}
	qsort(lists, RUNS, sizeof(lists[0]), by_size);
	qsort(opens, RUNS, sizeof(opens[0]), by_size);
	printf("list %d from notes  %8.1f us  (%.1f to %.1f)\n", COPIES, lists[RUNS / 2], lists[0], lists[RUNS - 1]);
	printf("dlopen one          %8.1f us  (%.1f to %.1f)\n", opens[RUNS / 2], opens[0], opens[RUNS - 1]);
	printf("ratio               %8.2f\n", lists[RUNS / 2] / opens[RUNS / 2]);
	return 0;
}
