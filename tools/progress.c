/* SPDX-License-Identifier: Apache-2.0 */
/* The bar on a terminal: how much of a file is done, how fast, and how long it will take. */
#include "tools.h"

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL 100000000 /* nanoseconds between two pictures */
#define BAR 20

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void progress_start(struct progress *progress, const struct tool *tool, const char *name, uint64_t total,
		    uint64_t first)
{
	progress->shown = isatty(STDERR_FILENO) && !tool->quiet && !tool->json;
	progress->name = name;
	progress->total = total;
	progress->first = first;
	progress->started = progress->last = now();
}

double progress_seconds(const struct progress *progress)
{
	return (double)(now() - progress->started) / 1e9;
}

/* "1:05", "12:40:07" */
static void print_time(double seconds, char *out, size_t size)
{
	unsigned long whole = seconds < 1e7 ? (unsigned long)(seconds + 0.5) : 9999999;

	if (whole >= 3600)
		snprintf(out, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
	else
		snprintf(out, size, "%lu:%02lu", whole / 60, whole % 60);
}

void progress_show(struct progress *progress, uint64_t bytes, uint64_t rows)
{
	char line[256], left[32] = "", number[REPORT_NUMBER_SIZE], rate[REPORT_NUMBER_SIZE], bar[BAR + 1];
	struct winsize size = {0};
	double seconds, part;
	int filled, length;
	int64_t time;

	if (!progress->shown)
		return;
	time = now();
	if (time - progress->last < INTERVAL)
		return;
	progress->last = time;
	seconds = (double)(time - progress->started) / 1e9;
	report_number(rows, number);
	report_number((uint64_t)((double)rows / seconds), rate);
	if (progress->total) {
		part = (double)bytes / (double)progress->total;
		part = part > 1 ? 1 : part;
		filled = (int)(part * BAR);
		memset(bar, '#', (size_t)filled);
		memset(bar + filled, '.', (size_t)(BAR - filled));
		bar[BAR] = '\0';
		if (bytes > progress->first)
			print_time((double)(progress->total -
					    (bytes < progress->total ? bytes : progress->total)) *
					   seconds / (double)(bytes - progress->first),
				   left, sizeof(left));
		length = snprintf(line, sizeof(line), "%3d%% [%s] %s records, %s/s%s%s%s  %s",
				  (int)(part * 100), bar, number, rate, *left ? ", " : "", left,
				  *left ? " left" : "", progress->name);
	} else {
		length = snprintf(line, sizeof(line), "%s records, %s/s, %.1f MiB  %s", number, rate,
				  (double)bytes / (1 << 20), progress->name);
	}
	/* A line longer than the terminal would scroll. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		size.ws_col = 80;
	if (length >= size.ws_col)
		length = size.ws_col - 1;
	fprintf(stderr, "\r\033[K%.*s", length, line);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}
