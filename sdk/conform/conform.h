/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORM_H
#define CONFORM_H

/*
 * consort-conform: does an adapter keep the contract? Each test is about one clause of docs/contract.md,
 * bears its name, and runs in a process of its own. What is tested follows from the adapter's features alone.
 *
 *     main.c      the command line, and the list of tests
 *     run.c       a process a test: time limits, crashes, what a test says
 *     report.c    the outcome: for people, as TAP, as JSON
 *     memory.c    malloc and its kin: counted, and failing at will
 *     place.c     what adapters are given: structs and batches that show misuse
 *     host.c      the host's services
 *     subject.c   the adapter, driven through its tables
 *     stage.c     where tests write: a resource, and connections to its store
 *     scenario.c  everything once, as far as the features go
 *     manifest.c  what the library is told of the adapter
 *     world.c     the adapter, driven through the library: a resource and its records
 *     values.c    values of every type, from a seed
 *     tree.c      plans made by hand
 *     queries.c   queries made from a seed
 *     compare.c   results beside the library's own
 *     elf.c       the file: its symbols and its note
 *     t_*.c       tests
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <consort/arena.h>
#include <consort/buffer.h>
#include <consort/consort.h>
#include <consort/convert.h>
#include <consort/json.h>
#include <consort/plugin.h>
#include <consort/plugins.h>
#include <consort/slots.h>

/* What the first look at a living adapter found. */
struct conform_facts {
	struct consort_features features; /* the effective mask */
	uint32_t types;			  /* bits of type ids that `define` takes */
	bool shared;			  /* two databases of the same options are one store */
	bool found;			  /* the look has succeeded */
	char server[128];
};

struct conform {
	const char *path;	    /* the adapter's file, canonical */
	const char *const *options; /* "name=value" of the database */
	size_t noptions;
	const char *const *settings; /* "name=value" of each resource */
	size_t nsettings;
	const char *const *resources; /* sources; "source:name type, …" declares what it has, key first */
	size_t nresources;
	size_t which;	    /* of them is the one that tests are about */
	const char *peer;   /* an attribute of a table of our own that leads to its key, or NULL */
	const char *native; /* a statement in the engine's language, or NULL */
	const char
		*aggregate; /* what the option continuous_aggregate of a resource says over '%s', or NULL */
	bool client_aborts; /* the client library ends the process where memory runs out */
	uint64_t seed;
	uint64_t random;		/* the state that grows from it; a test has its own */
	int64_t timeout;		/* of a test, milliseconds */
	struct consort_features claims; /* the descriptor's */
	struct conform_facts facts;
	char prefix[32]; /* of the names of tables that tests make */
	char folder[64]; /* of this run, for manifests */
};

struct conform_test {
	const char *clause; /* its name in docs/contract.md */
	const char *says;   /* the clause in a sentence */
	void (*run)(struct conform *conform);
	uint32_t feature; /* that it is about, or CONSORT_FEATURE_ALWAYS; without it the test is skipped */
	uint32_t flags;
	uint64_t needs; /* bits of other features that it cannot do without */
};

#define TEST(clause, run, feature, needs, flags, says)                     \
	{                                                                  \
		clause, says, run, CONSORT_FEATURE_##feature, flags, needs \
	}
#define CONFORM_END                       \
	{                                 \
		NULL, NULL, NULL, 0, 0, 0 \
	}
#define NEED_FEATURE(feature) CONSORT_FEATURE_BIT(CONSORT_FEATURE_##feature)
#define CONFORM_FILE \
	1u /* about the file alone: nothing is loaded into our process before all of these passed */
#define CONFORM_FIRST 2u /* if it fails, no later test can be run */
#define CONFORM_LONG 4u	 /* does the same so often that it has ten times the time */

/* --- tests: NULL-terminated lists, in the order of the report --- */

extern const struct conform_test conform_file_tests[], conform_life_tests[], conform_call_tests[],
	conform_memory_tests[], conform_offer_tests[], conform_read_tests[], conform_write_tests[],
	conform_type_tests[], conform_agree_tests[], conform_schema_tests[], conform_transaction_tests[],
	conform_wait_tests[], conform_keyvalue_tests[], conform_change_tests[], conform_feature_tests[],
	conform_clear_tests[];

/* --- run.c: what a test says of itself; neither returns --- */

void conform_fail(const char *format, ...) __attribute__((__noreturn__, __format__(__printf__, 1, 2)));
void conform_skip(const char *format, ...) __attribute__((__noreturn__, __format__(__printf__, 1, 2)));
#define REQUIRE(condition, ...)                    \
	do {                                       \
		if (!(condition))                  \
			conform_fail(__VA_ARGS__); \
	} while (0)
/* What went wrong in the kit itself, not in the adapter. */
#define NEED(condition) \
	REQUIRE(condition, "the kit: %s does not hold (%s:%d)", #condition, __FILE__, __LINE__)

enum conform_result { CONFORM_PASSED, CONFORM_FAILED, CONFORM_SKIPPED };

struct conform_outcome {
	enum conform_result result;
	bool untried; /* skipped, since one that it builds on failed */
	int64_t milliseconds;
	struct consort_buffer detail; /* why, in a line; behind it what it printed */
};

/* Runs a test in a child process. `answer`, if any, receives what the child gave with conform_answer. */
void conform_run(struct conform *conform, const struct conform_test *test, void *answer, size_t answer_size,
		 struct conform_outcome *out);
void conform_answer(const void *answer, size_t size);
/* What this test's process has printed so far, NUL-terminated. */
const char *conform_printed(void);
int64_t conform_now(void); /* CLOCK_MONOTONIC, nanoseconds */

/* --- report.c --- */

enum conform_format { CONFORM_TEXT, CONFORM_TAP, CONFORM_JSON };

void conform_report_begin(enum conform_format format, const struct conform *conform, size_t ntests);
void conform_report_test(enum conform_format format, size_t number, const struct conform_test *test,
			 const struct conform_outcome *outcome);
/* counts: by enum conform_result */
void conform_report_end(enum conform_format format, const struct conform *conform, const size_t counts[3]);

/* --- memory.c: this thread's allocations, the adapter's and its client library's as well as ours --- */

bool conform_memory_works(void); /* not under a sanitizer, which has an allocator of its own */
/* The n-th allocation of this thread from now finds no memory; 0: none fails. Returns how many there were
 * before. */
long conform_memory_fail(long n);
bool conform_memory_failed(void); /* has it? */
/* From now on only what the code of the file that has this address allocates can fail. */
void conform_memory_only(const void *address);
/* While it is held, allocations of this thread neither count nor fail; nests. */
void conform_memory_hold(void);
void conform_memory_release(void);
int64_t conform_memory_blocks(void);	   /* live blocks of the process */
int64_t conform_memory_bytes(void);	   /* live bytes of the process */
int64_t conform_memory_peak(bool restart); /* the most bytes since the last restart */
uint64_t conform_memory_calls(void);	   /* of this thread: allocations and frees */

/* --- elf.c --- */

struct conform_note {
	bool found;
	uint16_t abi_major, abi_minor;
	struct consort_features features;
	char id[33], version[17];
};
/* The defined symbols that the file exports, a line each, and its note. False: *out_symbols says why not. */
bool conform_file_read(const char *path, struct consort_buffer *out_symbols, struct conform_note *out_note);

#endif
