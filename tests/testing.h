/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_TESTING_H
#define CONSORT_TESTING_H

/*
 * What every test program shares: running CUnit tests by a table, each in a child process of its own, so that a
 * crash is one failed test.
 *
 *     static void test_empty(void) { CU_ASSERT_EQUAL(…); }
 *     int main(int argc, char **argv)
 *     {
 *             static const struct testing_case cases[] = {{"empty", test_empty}, {NULL, NULL}};
 *             return testing_main("map", cases, argc, argv);
 *     }
 *
 * `test-map NAME` runs one case in this process, for a debugger. A case may call testing_skip.
 */

#include <CUnit/CUnit.h>

struct testing_case {
	const char *name;
	void (*run)(void);
};

/* Runs the cases, prints "ok/not ok/skip topic: name" lines and "N passed, N failed, N skipped". */
int testing_main(const char *topic, const struct testing_case *cases, int argc, char **argv);
/* The name of the case that runs. */
const char *testing_name(void);
/* Ends this case as skipped; `how` tells how to make it run. Does not return. */
void testing_skip(const char *how) __attribute__((__noreturn__));
/* A new empty folder for this case, removed when it ends; the same one on every call of a case. */
const char *testing_folder(void);
/* "FOLDER/name", valid until the case ends. */
const char *testing_path(const char *name);
/* Writes a file there; aborts the test on failure. Returns its path. */
const char *testing_write(const char *name, const char *text);
const char *testing_write_n(const char *name, const void *data, size_t size);
/* A file of the sources, "examples/data/airports.csv"; valid until the case ends. */
const char *testing_source(const char *name);
/* The folder with the built adapters. */
const char *testing_plugins(void);

/* Takes a text made by malloc, to live until the case ends. */
const char *testing_keep(char *text);

/* Fails with both texts printed. */
#define TESTING_TEXT(actual, expected) testing_text((actual), (expected), __FILE__, __LINE__)
/* `actual` must contain `part`. */
#define TESTING_CONTAINS(actual, part) testing_contains((actual), (part), __FILE__, __LINE__)
void testing_text(const char *actual, const char *expected, const char *file, int line);
void testing_contains(const char *actual, const char *part, const char *file, int line);

#endif
