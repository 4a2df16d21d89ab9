/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries under hard conditions: no memory at any allocation, a small stack, many threads. The program is
 * linked with --wrap, so that the core's allocations come to the functions below.
 */
#include "query-helpers.h"
#include "testing.h"

#include <pthread.h>
#include <stdio.h>

/* --- allocations that fail: of memory, and of arenas, which ask for memory rarely --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_consort_arena_alloc(struct consort_arena *arena, size_t size);
void *__real_consort_arena_array(struct consort_arena *arena, size_t count, size_t size);
char *__real_consort_arena_copy(struct consort_arena *arena, const void *data, size_t size);
char *__real_consort_arena_text(struct consort_arena *arena, const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_consort_arena_alloc(struct consort_arena *arena, size_t size);
void *__wrap_consort_arena_array(struct consort_arena *arena, size_t count, size_t size);
char *__wrap_consort_arena_copy(struct consort_arena *arena, const void *data, size_t size);
char *__wrap_consort_arena_text(struct consort_arena *arena, const char *text);

static __thread long allocations_left = -1; /* negative: no bound */

static bool fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_consort_arena_alloc(struct consort_arena *arena, size_t size)
{
	return fails() ? NULL : __real_consort_arena_alloc(arena, size);
}

void *__wrap_consort_arena_array(struct consort_arena *arena, size_t count, size_t size)
{
	return fails() ? NULL : __real_consort_arena_array(arena, count, size);
}

char *__wrap_consort_arena_copy(struct consort_arena *arena, const void *data, size_t size)
{
	return fails() ? NULL : __real_consort_arena_copy(arena, data, size);
}

char *__wrap_consort_arena_text(struct consort_arena *arena, const char *text)
{
	return fails() ? NULL : __real_consort_arena_text(arena, text);
}

static const char *const conditions[] = {
	"origin in ('a', 'b', $1) and delay_min / 2.5 > $2 and doc.a.b = 5",
	"origin_airport.self.city like 'x%' or departed_at > '2001-01-01' or raw = '\\x00'",
};

static const struct consort_clauses paged = {
	.resource = "flight",
	.select = "id, *, origin_airport.city, case when cancelled then 'x' end as label, id + 1, (doc).a[0]",
	.where = conditions,
	.nwhere = 2,
	.order = "label desc, 1, price",
	.limit = 5,
	.nafter = 1,
};

static const struct consort_clauses grouped = {
	.resource = "flight",
	.select = "origin_airport.city, count(*), sum(price) as s",
	.where = conditions,
	.nwhere = 2,
	.group = "1",
	.having = "count(*) > 1",
	.order = "s",
	.limit = -1,
};

static const struct consort_clauses update = {
	.resource = "flight",
	.assignments = "origin = 'x', price = price * 2 - 1.5, day = '2001-01-01'",
	.where = (const char *const[]){"id between 1 and 5"},
	.nwhere = 1,
	.limit = -1,
};

static enum consort_status resolve(const struct consort_clauses *clauses, struct consort_arena *arena,
				   struct consort_error *error)
{
	struct consort_logical logical = {0};
	enum consort_status status =
		clauses->assignments
			? consort_query_resolve_write(clauses, false, &query_names, arena, &logical, error)
			: consort_query_resolve(clauses, &query_names, arena, &logical, error);

	CU_ASSERT_EQUAL(status == CONSORT_OK, logical.root != NULL);
	return status;
}

/* Each allocation fails in turn, until one run needs no more. */
static void sweep(const struct consort_clauses *clauses)
{
	enum consort_status status = CONSORT_ENOMEM;
	struct consort_error error;
	struct consort_arena arena;
	long i;

	for (i = 0; status == CONSORT_ENOMEM && i < 100000; i++) {
		consort_arena_init(&arena, 0);
		memset(&error, 0, sizeof(error));
		allocations_left = i;
		status = resolve(clauses, &arena, &error);
		allocations_left = -1;
		CU_ASSERT_EQUAL(status, error.status);
		consort_arena_clear(&arena);
	}
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	CU_ASSERT_TRUE(i > 100);
}

static void test_memory(void)
{
	sweep(&paged);
	sweep(&grouped);
	sweep(&update);
}

/* The arena of the result has a limit of its own. */
static void test_limit(void)
{
	enum consort_status status = CONSORT_ENOMEM;
	struct consort_error error;
	struct consort_arena arena;
	uint64_t limit;

	for (limit = 64; status == CONSORT_ENOMEM && limit < (1 << 20); limit += 64) {
		consort_arena_init(&arena, limit);
		status = resolve(&paged, &arena, &error);
		consort_arena_clear(&arena);
	}
	CU_ASSERT_EQUAL(status, CONSORT_OK);
	CU_ASSERT_TRUE(limit > 4096);
	consort_arena_init(&arena, 0);
	CU_ASSERT_EQUAL(resolve(&grouped, &arena, NULL), CONSORT_OK);
	CU_ASSERT_EQUAL(
		consort_query_resolve(&update, &query_names, &arena, &(struct consort_logical){0}, NULL),
		CONSORT_OK);
	consort_arena_clear(&arena);
}

/* --- small stacks --- */

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define STACK (4 << 20) /* its red zones need more */
#else
#define STACK (512 << 10)
#endif

static void *where_of(void *text)
{
	return (void *)(uintptr_t)query_where(text);
}

/* The condition of query_where, resolved in a thread with a small stack. */
static const char *where_in_thread(const char *text)
{
	pthread_attr_t attributes;
	pthread_t thread;
	void *result = NULL;

	pthread_attr_init(&attributes);
	CU_ASSERT_EQUAL_FATAL(pthread_attr_setstacksize(&attributes, STACK), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, &attributes, where_of, (void *)(uintptr_t)text), 0);
	pthread_join(thread, &result);
	pthread_attr_destroy(&attributes);
	return result;
}

/* The deepest of each shape that is taken must not overflow, and one more level is refused. */
static void test_stack(void)
{
	static const struct {
		const char *before, *inside, *after, *end;
	} shapes[] = {
		{"", "id", " + id", " = 1"},
		{"", "id", "::decimal(20,0)", " = 1"},
		{"not ", "cancelled", "", ""},
		{"- ", "id", "", " = 1"},
		{"lower(", "origin", ")", " = 'x'"},
		{"(id = 1 or ", "cancelled", ")", ""},
		{"(((", "cancelled", ")))", ""},
		{"case when ", "cancelled", " then true end", ""},
		{"case cancelled when ", "cancelled", " then true end", ""},
		{"coalesce(1, ", "id", ")", " = 1"},
		{"id = 1 and not (id = 2 or ", "cancelled", ")", ""},
		{"", "doc", " -> 'a'", " is null"},
	};
	static char text[16384];
	size_t shape;
	int depth, i;

	for (shape = 0; shape < sizeof(shapes) / sizeof(shapes[0]); shape++) {
		const char *result = "";

		for (depth = 1; depth < 150; depth++) {
			int used = 0;

			for (i = 0; i < depth; i++)
				used += snprintf(text + used, sizeof(text) - (size_t)used, "%s",
						 shapes[shape].before);
			used += snprintf(text + used, sizeof(text) - (size_t)used, "%s",
					 shapes[shape].inside);
			for (i = 0; i < depth; i++)
				used += snprintf(text + used, sizeof(text) - (size_t)used, "%s",
						 shapes[shape].after);
			snprintf(text + used, sizeof(text) - (size_t)used, "%s", shapes[shape].end);
			result = where_in_thread(text);
			if (!strncmp(result, "ESYNTAX", 7))
				break;
		}
		TESTING_CONTAINS(result, "ESYNTAX nested deeper than 100 levels");
		CU_ASSERT_TRUE(depth > 30 && depth <= 101);
	}
}

/* --- threads --- */

#define THREADS 8

static void *resolve_often(void *failures)
{
	const struct consort_clauses *queries[] = {&paged, &grouped, &update};
	struct consort_arena arena;
	int i;

	for (i = 0; i < 150; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;
		struct consort_clauses wrong = {
			.resource = "flight", .select = "id, (select 1)", .limit = -1};

		consort_arena_init(&arena, 0);
		*(int *)failures += resolve(queries[i % 3], &arena, &error) != CONSORT_OK;
		*(int *)failures += resolve(&wrong, &arena, &error) != CONSORT_ESYNTAX || error.position != 6;
		consort_arena_clear(&arena);
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[THREADS];
	int failures[THREADS] = {0}, i;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, resolve_often, &failures[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(failures[i], 0);
	}
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"memory", test_memory},   {"limit", test_limit}, {"stack", test_stack},
		{"threads", test_threads}, {NULL, NULL},
	};

	return testing_main("query-limits", cases, argc, argv);
}
