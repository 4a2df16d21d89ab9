/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_ADAPTER_H
#define FILE_ADAPTER_H

/* The file adapter over a folder: a source is introspected, compiled as a bare scan and read to its end. */
#include "adapter.h"

/* Opens the folder (NULL: the case's own); the status of connection.open. */
uint32_t file_test_open(struct adapter_test *test, const char *folder);
/* text: "source: column type, column type\n" for the source, or for each of a listing (NULL). */
uint32_t file_test_describe(struct adapter_test *test, const char *source, const char *const *settings);
/* text: "a|b|c\n" for each record, NULL as it stands. The attributes are those introspected, or declared. */
uint32_t file_test_read(struct adapter_test *test, const char *source, const char *const *settings,
			const char *const *declared);
/* The same step by step; ended with adapter_end. */
uint32_t file_test_begin(struct adapter_test *test, const char *source, const char *const *settings,
			 const char *const *declared, struct adapter_cursor *cursor);

#endif
