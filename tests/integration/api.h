/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTS_API_H
#define CONSORT_TESTS_API_H

/* For tests through the public API: a manifest in the case's folder, and short forms that fail the test. */

#include <consort/consort.h>

#include "testing.h"

/* Writes the text as consort.ini into the case's folder and opens it; ends the case if that fails. */
struct consort *api_open(const char *manifest);
/* Runs a query and gives its rows as text: "a,b;c,d" with values as consort_value_print has them, NULL as "-". On an
 * error: "status N: message". Valid until the case ends. */
const char *api_rows(struct consort_query *q, struct consort_args args);
/* The rows of a cursor in that form. */
const char *api_read(struct consort_cursor *rows, struct consort_error *error);
/* A query's of SELECT, WHERE, ORDER given as texts (NULL: none). */
const char *api_find(struct consort *c, const char *resource, const char *select, const char *where, const char *order);
/* "status N: message" of an error; valid until the case ends. */
const char *api_error(const struct consort_error *error);
/* Ends the case with the error unless the status is OK. */
#define API_OK(call) api_ok((call), &error, #call, __FILE__, __LINE__)
void api_ok(enum consort_status status, const struct consort_error *error, const char *call, const char *file,
	    int line);
/* Defines a resource and fills it from a CSV text whose columns are in the attributes' order. */
void api_import(struct consort *c, const char *resource, const char *csv);

#endif
