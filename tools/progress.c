/* SPDX-License-Identifier: Apache-2.0 */
/* The bar on a terminal: how much of a file is done, how fast, and how long it will take. */
#include "tools.h"

#include <time.h>
#include <unistd.h>

#define INTERVAL 100000000 /* nanoseconds between two pictures */
#define BAR 20
#define BAR_LEAST 5

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

/* "0:07": how long the rest takes at the speed so far. */
static void print_left(const struct progress *progress, uint64_t bytes, double seconds, char *out,
		       size_t size)
{
	*out = '\0';
	if (bytes > progress->first && bytes <= progress->total)
		print_time((double)(progress->total - bytes) * seconds / (double)(bytes - progress->first),
			   out, size);
}

/* How much is done, as a percentage and, where `room` is enough for one, a bar. */
static void print_part(double part, size_t room, struct consort_buffer *out)
{
	size_t length = room > BAR + 3 ? BAR : room > 3 ? room - 3 : 0, i;

	consort_buffer_printf(out, "%3d%% ", (int)(part * 100));
	if (length < BAR_LEAST)
		return;
	consort_buffer_char(out, '[');
	for (i = 0; i < length; i++)
		consort_buffer_char(out, (double)i < part * (double)length ? '#' : '.');
	consort_buffer_text(out, "] ");
}

void progress_show(struct progress *progress, uint64_t bytes, uint64_t rows)
{
	char text[256], left[32], number[REPORT_NUMBER_SIZE], rate[REPORT_NUMBER_SIZE];
	struct consort_buffer line = CONSORT_BUFFER_INIT;
	size_t columns, used;
	double seconds;
	int64_t time;

	if (!progress->shown)
		return;
	time = now();
	if (time - progress->last < INTERVAL)
		return;
	columns = text_terminal_width(STDERR_FILENO) - 1; /* a full line would scroll */
	progress->last = time;
	seconds = (double)(time - progress->started) / 1e9;
	report_records(rows, number);
	report_number((uint64_t)((double)rows / seconds), rate);
	print_left(progress, bytes, seconds, left, sizeof(left));
	if (progress->total) {
		snprintf(text, sizeof(text), "%s, %s/s%s%s%s", number, rate, *left ? ", " : "", left,
			 *left ? " left" : "");
		used = strlen(text) + 5;
		print_part(bytes < progress->total ? (double)bytes / (double)progress->total : 1,
			   columns > used ? columns - used : 0, &line);
	} else {
		snprintf(text, sizeof(text), "%s, %s/s, %.1f MiB", number, rate, (double)bytes / (1 << 20));
	}
	consort_buffer_printf(&line, "%s  ", text);
	text_escape(&line, progress->name, strlen(progress->name), false);
	if (!line.failed)
		fprintf(stderr, "\r\033[K%.*s", (int)text_fit(line.data, line.size, columns, &used),
			line.data);
	fflush(stderr);
	consort_buffer_clear(&line);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}
