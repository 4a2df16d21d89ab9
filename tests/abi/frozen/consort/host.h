/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONSORT_HOST_H
#define CONSORT_HOST_H

/*
 * What the core gives to adapters: the host's services, and the context of each call.
 */

#include <consort/error.h>
#include <consort/feature.h>
#include <consort/types.h>

CONSORT_BEGIN

enum consort_log_level {
	CONSORT_LOG_ERROR = 1,
	CONSORT_LOG_WARNING = 2,
	CONSORT_LOG_INFO = 3,
	CONSORT_LOG_DEBUG = 4
};

/* Host features that a plugin may name in `requires_host`: bit numbers of that mask. */
enum consort_host_feature {
	CONSORT_HOST_ONCE = 0,
	CONSORT_HOST_LOG = 1,
	CONSORT_HOST_CLOCK = 2,
	CONSORT_HOST_EXTENSIONS = 3,
	CONSORT_HOST_FEATURE_COUNT
};

/* The services. Growing; lives as long as the process. Every slot is set, and may be called from any thread. */
struct consort_host {
	uint32_t struct_size;
	uint32_t abi_minor;                /* the core's */
	const char *version;               /* the core's, for people */
	struct consort_features features;  /* enum consort_host_feature bits that this core has */
	/* Memory that counts against no limit; NULL when there is none. realloc(NULL, n) allocates. */
	void *(*alloc)(uint64_t size);
	void *(*realloc)(void *memory, uint64_t size);
	void (*free)(void *memory);
	/* One line, without a newline; the core adds time, database and plugin, and scrubs secrets. */
	void (*log)(uint32_t level, const char *origin, const char *text);
	/* CLOCK_MONOTONIC in nanoseconds, the clock of deadlines; coarse: some milliseconds old, a few ns to read */
	int64_t (*clock)(void);
	int64_t (*clock_coarse)(void);
	/* Runs fn once in the process for that key, whichever plugins and hosts ask; others wait until it is done.
	 * There is no counterpart at exit. Returns fn's status of that one run. */
	uint32_t (*once)(const char *key, uint32_t (*fn)(void));
	/* A vendor's extension of the host ("org.acme.thing/1"), or NULL. */
	const void *(*get_extension)(const char *name);
};

/* Bits of consort_call.flags */
#define CONSORT_CALL_NONBLOCK 1u /* reserved: refuse with EUNSUPPORTED, as every unknown bit */

/* The context of one call, made by the core, valid during the call. Growing. */
struct consort_call {
	uint32_t struct_size;
	uint32_t flags;
	int64_t deadline;               /* host->clock() time at which the call must be back; 0: none */
	const uint32_t *cancelled;      /* becomes not 0 when the caller cancels; atomic; NULL: cannot be */
	const char *trace_parent;       /* W3C traceparent, or NULL */
	uint64_t memory_limit;          /* bytes that the adapter should not pass; 0: none */
};

/* Has the caller cancelled? One relaxed load. */
static inline int consort_call_cancelled(const struct consort_call *call)
{
#if defined(__GNUC__)
	return call->cancelled && __atomic_load_n(call->cancelled, __ATOMIC_RELAXED) != 0;
#else
	return call->cancelled && *(const volatile uint32_t *)call->cancelled != 0;
#endif
}

/* Where an adapter writes text that it makes for the host (explain, define). Frozen. */
struct consort_text_sink {
	void *context;
	uint32_t (*write)(void *context, const char *text, uint64_t size);
};

CONSORT_END

#endif
