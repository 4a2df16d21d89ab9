/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines from the core and from adapters, to the program's function or to where the manifest says.
 * Nothing is written unless one of them asks for it.
 */
#include "handle/handle.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

struct consort_log {
	struct consort_log_sink sink;
	FILE *file;
};

static const char *level_name(uint32_t level)
{
	static const char *const names[] = {"?", "error", "warning", "info", "debug"};

	return level <= CONSORT_LOG_DEBUG ? names[level] : names[0];
}

static void write_line(void *context, uint32_t level, const char *origin, const char *text)
{
	FILE *file = context;
	struct timespec now;
	struct tm utc;
	char time[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
	/* one call, so that lines of several threads stay whole */
	fprintf(file, "%s.%03ldZ %s %s%s%s\n", time, now.tv_nsec / 1000000, level_name(level), origin,
		*origin ? ": " : "", text);
	fflush(file);
}

/* Where the manifest says. */
static enum consort_status open_file(const struct consort_manifest *manifest, struct consort_log *log,
				     struct consort_error *error)
{
	log->file = manifest->log_file ? fopen(manifest->log_file, "ae") : stderr;
	if (!log->file)
		return consort_manifest_fail(error, CONSORT_EMANIFEST, manifest->where_log,
					     "log: '%s' cannot be written: %s", manifest->where_log->shown,
					     strerror(errno));
	log->sink.fn = write_line;
	log->sink.context = log->file;
	log->sink.level = manifest->log_level;
	return CONSORT_OK;
}

enum consort_status consort_log_open(struct consort_root *root, const struct consort_open_options *options,
				     struct consort_error *error)
{
	enum consort_status status = CONSORT_OK;
	struct consort_log *log;

	if (!options->log && !root->manifest->log_level)
		return CONSORT_OK;
	log = calloc(1, sizeof(*log));
	if (!log)
		return consort_error_no_memory(error);
	log->sink.fn = options->log;
	log->sink.context = options->log_context;
	log->sink.level = options->log_level;
	if (!options->log)
		status = open_file(root->manifest, log, error);
	if (status) {
		free(log);
		return status;
	}
	consort_host_log_begin(&log->sink);
	root->log = log;
	return CONSORT_OK;
}

void consort_log_close(struct consort_root *root)
{
	struct consort_log *log = root->log;

	/* in a forked child another thread may have held the lock: the log stays */
	if (!log || root->stamp != consort_fork_count)
		return;
	consort_host_log_end(&log->sink);
	if (log->file && log->file != stderr)
		fclose(log->file);
	free(log);
	root->log = NULL;
}
