/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_ADAPTER_H
#define FILE_ADAPTER_H

/*
 * Drives the built consort-file.so through its plugin table, as the core does: a folder, a connection, and a
 * source that is introspected, compiled as a bare scan and read to its end, with everything as one text.
 */
#include <consort/plugin.h>

#include "base/base.h"
#include "testing.h"

struct file_test {
	const struct consort_plugin *plugin;
	void *context, *database, *connection;
	struct consort_call call;
	struct consort_error error;
	struct consort_buffer text; /* what the last function found */
	int64_t max_rows;           /* of a batch; 0: 100 */
	char log[1024];             /* the last line that the adapter logged */
};

/* Opens the folder (NULL: the case's own). */
void file_test_open(struct file_test *test, const char *folder);
void file_test_close(struct file_test *test);

/* A setting is "name=value"; a declaration is "name = type" or "name = type from source". Lists end with
 * NULL, and may be NULL. All return the status of the first call that failed, with test->error. */

/* text: "source: column type, column type\n" for the source, or for each of a listing (NULL). */
uint32_t file_test_describe(struct file_test *test, const char *source, const char *const *settings);
/* text: "a|b|c\n" for each record, NULL as it stands. The attributes are those introspected, or declared. */
uint32_t file_test_read(struct file_test *test, const char *source, const char *const *settings,
			const char *const *declared);

/* A cursor step by step. The scan is what introspection gives, with `declared` in front. */
struct file_scan_test {
	struct consort_arena arena;
	struct consort_resource resource;
	struct consort_node node;
	struct consort_statement statement;
	void *compiled, *cursor;
	struct consort_batch *batch;
};
uint32_t file_test_begin(struct file_test *test, struct file_scan_test *scan, const char *source,
			 const char *const *settings, const char *const *declared);
/* The next batch into scan->batch. */
uint32_t file_test_next(struct file_test *test, struct file_scan_test *scan);
void file_test_end(struct file_test *test, struct file_scan_test *scan);

#endif
