/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out, anywhere: what a program does from consort_open to consort_close is done again and again, each
 * time with a later allocation that fails, be it the library's, an adapter's or a client library's. Each time it must
 * succeed or say CONSORT_ENOMEM, and give everything back. The allocator below stands in the program, so that shared
 * objects that are loaded later find it too.
 */
#include "api.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static _Thread_local long fail_at; /* the allocation from now that finds none; 0: none */
static _Thread_local long asked;
static volatile long failing; /* for on_crash */

/* libpg_query takes what malloc gives without a look; nothing that its users do can change that. */
static bool asked_by_parser(void)
{
	void *frames[5] = {NULL};
	int count = backtrace(frames, 5), i;
	Dl_info where;

	for (i = 0; i < count; i++)
		if (dladdr(frames[i], &where) && where.dli_fname && strstr(where.dli_fname, "libpg_query"))
			return true;
	return false;
}

#ifndef SANITIZED
static long live; /* blocks that were not freed */

/* glibc's own, under the names that stay when the usual ones are taken */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static bool refuses(void)
{
	if (++asked != fail_at || asked_by_parser())
		return false;
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	if (memory)
		__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	return memory;
}

CONSORT_EXPORT void *malloc(size_t size)
{
	return refuses() ? NULL : counted(__libc_malloc(size));
}

CONSORT_EXPORT void *calloc(size_t count, size_t size)
{
	return refuses() ? NULL : counted(__libc_calloc(count, size));
}

CONSORT_EXPORT void *realloc(void *memory, size_t size)
{
	if (refuses())
		return NULL;
	return memory ? __libc_realloc(memory, size) : counted(__libc_malloc(size));
}

CONSORT_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	return refuses() ? NULL : counted(__libc_memalign(alignment, size));
}

CONSORT_EXPORT void *memalign(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

CONSORT_EXPORT int posix_memalign(void **out_memory, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);

	if (!memory)
		return ENOMEM;
	*out_memory = memory;
	return 0;
}

CONSORT_EXPORT void free(void *memory)
{
	if (memory)
		__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
	__libc_free(memory);
}
#else
static const long live = 0;
#endif

/* --- what programs do; each gives its first error and closes all that it has opened --- */

static enum consort_status read_all(struct consort_query *q, struct consort_args args, int64_t *out_rows,
				    struct consort_error *error)
{
	struct consort_cursor *rows = NULL;
	enum consort_status status = consort_query_run(q, args, &rows, error);

	*out_rows = 0;
	while (!status && consort_cursor_next(rows, error))
		++*out_rows;
	if (!status)
		status = consort_cursor_status(rows);
	consort_cursor_close(rows);
	return status;
}

static enum consort_status find(struct consort *c, const char *resource, const char *select, const char *where,
				const char *order, struct consort_args args, int64_t rows, struct consort_error *error)
{
	struct consort_query *q = consort_query_new(c, resource);
	enum consort_status status;
	int64_t found = 0;

	if (!q)
		return CONSORT_ENOMEM;
	consort_query_select(q, select);
	if (where)
		consort_query_where(q, where);
	if (order)
		consort_query_order(q, order);
	status = read_all(q, args, &found, error);
	if (!status)
		CU_ASSERT_EQUAL(found, rows);
	consort_query_free(q);
	return status;
}

static enum consort_status get(struct consort *c, const char *resource, struct consort_args key,
			       struct consort_error *error)
{
	struct consort_record *r = NULL;
	enum consort_status status = consort_get(c, resource, key, &r, error);

	consort_record_free(r);
	return status;
}

/* Each write is one that may be done again, for the sweep does. */
static enum consort_status write_in(struct consort *in, struct consort_error *error)
{
	struct consort_record *r = consort_record_new(in, "city");
	enum consort_status status = CONSORT_ENOMEM;

	if (!r)
		return status;
	consort_record_set(r, "id", consort_int64(7));
	consort_record_set(r, "name", consort_text("Reykjav\303\255k"));
	status = consort_upsert(in, r, error);
	if (!status) {
		consort_record_set(r, "people", consort_int64(140000));
		status = consort_update(in, r, error);
	}
	consort_record_free(r);
	if (!status)
		status = consort_delete(in, "city", CONSORT_ARGS(consort_int64(7)), error);
	return status;
}

static enum consort_status write_bulk(struct consort *in, struct consort_error *error)
{
	struct consort_writer *w = NULL;
	struct consort_batch *batch;
	enum consort_status status;

	status = consort_writer_open(in, "city", "id, name", CONSORT_WRITER_UPSERT, 0, &w, error);
	if (status)
		return status;
	batch = consort_writer_batch(w);
	consort_append_int64(&batch->columns[0], 3);
	status = (enum consort_status)consort_append_view(batch, &batch->columns[1], "Oslo", 4);
	if (!status) {
		consort_batch_end_row(batch);
		status = consort_writer_flush(w, error);
	}
	consort_writer_close(w);
	return status;
}

static enum consort_status in_transaction(struct consort *c, struct consort_error *error)
{
	struct consort *in = NULL;
	enum consort_status status = consort_begin(c, "local", &in, error);

	if (status)
		return status;
	status = write_in(in, error);
	if (!status)
		status = write_bulk(in, error);
	if (!status)
		return consort_commit(in, NULL, error);
	consort_rollback(in, NULL);
	return status;
}

static const char *manifest;

static enum consort_status use_files(struct consort_error *error)
{
	struct consort *c = NULL;
	enum consort_status status = consort_open(manifest, &c, error);

	if (!status)
		status = find(c, "town", "id, name", "name <> $1 and id < 100", "name desc, id",
			      CONSORT_ARGS(consort_text("Oslo")), 2, error);
	if (!status)
		status = find(c, "town", "count(*), max(name)", NULL, NULL, CONSORT_NO_ARGS, 1, error);
	if (!status)
		status = get(c, "town", CONSORT_ARGS(consort_int64(2)), error);
	consort_close(c);
	return status;
}

static enum consort_status use_both(struct consort_error *error)
{
	struct consort *c = NULL;
	enum consort_status status = consort_open(manifest, &c, error);

	if (!status)
		status = find(c, "city", "id, name, town.name", "people > $1 and id < 7",
			      "id", CONSORT_ARGS(consort_int64(1)), 2, error); /* 7: what a failed run left */
	if (!status)
		status = get(c, "city", CONSORT_ARGS(consort_int64(2)), error);
	if (!status)
		status = write_in(c, error);
	if (!status)
		status = in_transaction(c, error);
	consort_close(c);
	return status;
}

/* --- the sweep --- */

static int open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void on_crash(int signal)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "  signal %d; allocation %ld had failed\n", signal, failing);

	if (write(STDERR_FILENO, text, (size_t)size) != size)
		_exit(1);
	_exit(128 + signal);
}

/* Fails the allocation `at` in a run; returns how many were asked for. */
static long run(enum consort_status (*use)(struct consort_error *error), long at)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const long blocks = live;
	const int files = open_files();
	enum consort_status status;
	long needed, left;

	failing = at;
	asked = 0;
	fail_at = at;
	status = use(&error);
	fail_at = 0;
	needed = asked;
	left = live - blocks;
	if (status != CONSORT_OK && status != CONSORT_ENOMEM) {
		fprintf(stderr, "  allocation %ld: %s\n", at, api_error(&error));
		CU_FAIL("memory that has run out is told as another error");
	}
	if (left || open_files() != files) {
		fprintf(stderr, "  allocation %ld (%s): %ld blocks and %d files are left\n", at,
			consort_error_text(&error), left, open_files() - files);
		CU_FAIL("not everything was given back");
	}
	return needed;
}

static void sweep(enum consort_status (*use)(struct consort_error *error))
{
	struct consort_error error = CONSORT_ERROR_INIT;
	long at, needed;
	int i;

	/* What is made once in a process: adapters, their libraries' tables, what backtrace needs. */
	asked_by_parser();
	for (i = 0; i < 3; i++)
		API_OK(use(&error));
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	needed = run(use, 0);
	printf("%ld allocations\n", needed);
	CU_ASSERT(needed > 100);
	for (at = 1; at <= needed; at++)
		run(use, at);
	run(use, 0);
}

static void prepare(const char *text)
{
#ifdef SANITIZED
	testing_skip("the sanitizers bring their own allocator: configure without them");
#endif
	manifest = testing_write("consort.ini", text);
	testing_write("towns.csv", "id,name\n1,Bergen\n2,Oslo\n3,Trondheim\n");
}

static void test_files(void)
{
	prepare("[database data]\ntype = file\npath = .\n"
		"[resource town]\ndatabase = data\nsource = towns.csv\nkey = id\n");
	sweep(use_files);
}

static void test_writes_and_relationships(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/consort-sqlite.so", testing_plugins());
	if (access(path, R_OK))
		testing_skip("configure with --enable-sqlite");
	prepare("[database data]\ntype = file\npath = .\n"
		"[database local]\ntype = sqlite\npath = local.db\n"
		"[resource town]\ndatabase = data\nsource = towns.csv\nkey = id\n"
		"[resource city]\ndatabase = local\nkey = id\nattribute.id = int64 not null\nattribute.name = text\n"
		"attribute.people = int64\nrelationship.town = town, id -> id\n");
	API_OK(consort_open(manifest, &c, &error));
	api_import(c, "city", "1,Bergen,291940\n2,Oslo,709037\n");
	consort_close(c);
	sweep(use_both);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"files", test_files}, {"writes-and-relationships", test_writes_and_relationships}, {NULL, NULL}};

	return testing_main("memory", cases, argc, argv);
}
