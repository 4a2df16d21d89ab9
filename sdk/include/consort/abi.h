/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_ABI_H
#define CONSORT_ABI_H

/*
 * What every header shares: the version of the contract between core and adapters, and the rules by
 * which its structs grow.
 *
 * Two kinds of struct cross the boundary. A *frozen* one has no size field and never changes. A *growing*
 * one starts with `uint32_t struct_size`, set by whoever fills it to sizeof as they compiled it; new fields
 * are added at the tail only, it is passed by pointer, never embedded, and a list of them is an array of
 * pointers. Before a field that is younger than ABI minor 0 is read, CONSORT_HAS tests that it is there.
 *
 * Only fixed-width integers and pointers cross: no enum, bool, long, bit-field, varargs, FILE or errno.
 * Enumerations below name the values; the fields that hold them are uint32_t or smaller.
 */

#include <stddef.h>
#include <stdint.h>

/* The major version is part of the entry symbol's name; the minor one counts what was added since. */
#define CONSORT_ABI_MAJOR 1
#define CONSORT_ABI_MINOR 0

/* Does *ptr, as its maker compiled it, reach to the end of this field? Works on either side's structs. */
#define CONSORT_HAS(ptr, field) \
	((size_t)((const char *)(&(ptr)->field + 1) - (const char *)(ptr)) <= (size_t)(ptr)->struct_size)

#ifdef __cplusplus
#define CONSORT_BEGIN extern "C" {
#define CONSORT_END }
#else
#define CONSORT_BEGIN
#define CONSORT_END
#endif

#if defined(__GNUC__)
#define CONSORT_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#define CONSORT_EXPORT __attribute__((__visibility__("default")))
/* Called when something failed: compilers keep what leads there apart from the usual way. */
#define CONSORT_COLD __attribute__((__cold__))
#define CONSORT_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define CONSORT_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define CONSORT_PRINTF(format, first)
#define CONSORT_EXPORT
#define CONSORT_COLD
#define CONSORT_LIKELY(condition) (condition)
#define CONSORT_UNLIKELY(condition) (condition)
#endif

#endif
