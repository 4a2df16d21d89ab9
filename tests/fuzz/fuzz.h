/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_FUZZ_H
#define CONSORT_FUZZ_H

/*
 * What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput. Configured with
 * --enable-fuzzer (and clang), it becomes a libFuzzer program; otherwise replay.c runs it over its corpus,
 * and over what comes of each of its files by cutting it and by changing a byte, in `make check`.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program if `condition` does not hold. */
#define FUZZ_CHECK(condition)                                                                                \
	((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

#endif
