/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_KEEPER_H
#define CONSORT_KEEPER_H

/* What the loader's tests share: animals of the zoo, copied to where a test wants them, and exact errors. */

#include <consort/error.h>

#include <stddef.h>

/* The bytes of an animal's file, *out_size of them; live until the case ends. Ends the test if there is none. */
unsigned char *keeper_read(const char *animal, size_t *out_size);
/* Copies it to a name in the case's folder, whose parents are made; returns its path. */
const char *keeper_place(const char *animal, const char *name);
/* A folder in the case's folder; returns its path. */
const char *keeper_folder(const char *name);
/* The path with every symbolic link resolved, as messages give it. */
const char *keeper_canonical(const char *path);
/* Text by printf that lives until the case ends. */
const char *keeper_text(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* The status that came, and the error's status and text, are exactly these. */
#define KEEPER_FAILS(came, expected, error, ...)                                                               \
	do {                                                                                                   \
		CU_ASSERT_EQUAL(came, expected);                                                               \
		CU_ASSERT_EQUAL((error).status, expected);                                                     \
		TESTING_TEXT((error).message, keeper_text(__VA_ARGS__));                                       \
	} while (0)

#endif
