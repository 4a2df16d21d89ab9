/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines from the core and from adapters, with secrets taken out, to the program's function or to
 * where the manifest says. Nothing is written unless one of them asks for it.
 */
#include "handle/handle.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

struct consort_log {
	const struct consort_secrets *secrets;
	void (*fn)(void *context, uint32_t level, const char *origin, const char *text); /* the program's */
	void *context;
	FILE *file; /* else */
	bool owns_file;
};

static const char *level_name(uint32_t level)
{
	static const char *const names[] = {"?", "error", "warning", "info", "debug"};

	return level <= CONSORT_LOG_DEBUG ? names[level] : names[0];
}

static void write_line(void *context, uint32_t level, const char *origin, const char *text)
{
	const struct consort_log *log = context;
	struct timespec now;
	struct tm utc;
	char time[32], line[1024];

	consort_copy_text(line, sizeof(line), text);
	consort_secrets_scrub(log->secrets, line);
	if (log->fn) {
		log->fn(log->context, level, origin, line);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
	/* one call, so that lines of several threads stay whole */
	fprintf(log->file, "%s.%03ldZ %s %s%s%s\n", time, now.tv_nsec / 1000000, level_name(level), origin,
		*origin ? ": " : "", line);
	fflush(log->file);
}

enum consort_status consort_log_open(struct consort_root *root, const struct consort_open_options *options,
				     struct consort_error *error)
{
	const struct consort_manifest *manifest = root->manifest;
	struct consort_log *log;

	if (!options->log && !manifest->log_level)
		return CONSORT_OK;
	log = calloc(1, sizeof(*log));
	if (!log)
		return consort_error_no_memory(error);
	log->secrets = &root->secrets;
	log->fn = options->log;
	log->context = options->log_context;
	log->file = stderr;
	if (!log->fn && manifest->log_file) {
		log->file = fopen(manifest->log_file, "ae");
		log->owns_file = true;
	}
	if (!log->file) {
		free(log);
		return consort_error_set(error, CONSORT_EMANIFEST, "%s: the log '%s' cannot be written: %s",
					 manifest->path, manifest->log_file, strerror(errno));
	}
	root->log = log;
	consort_host_log_to(write_line, log, log->fn ? options->log_level : manifest->log_level);
	return CONSORT_OK;
}

void consort_log_close(struct consort_root *root)
{
	if (!root->log)
		return;
	if (root->stamp == consort_fork_count) {
		consort_host_log_end(root->log);
		if (root->log->owns_file)
			fclose(root->log->file);
	}
	free(root->log);
	root->log = NULL;
}
