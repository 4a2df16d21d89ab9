/* SPDX-License-Identifier: Apache-2.0 */
/* The map, the nearest word, arenas, buffers and errors. */
#include "base/base.h"
#include "testing.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_map(void)
{
	struct consort_map map = {0};
	static char keys[1000][8];
	size_t i;

	CU_ASSERT_PTR_NULL(consort_map_get(&map, "k0"));
	for (i = 0; i < 1000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		CU_ASSERT_TRUE_FATAL(consort_map_put(&map, keys[i], keys[i]));
	}
	for (i = 0; i < 1000; i++)
		CU_ASSERT_PTR_EQUAL(consort_map_get(&map, keys[i]), keys[i]);
	CU_ASSERT_PTR_NULL(consort_map_get(&map, "k1000"));
	CU_ASSERT_PTR_EQUAL(consort_map_get_n(&map, "k12345", 3), keys[12]);
	CU_ASSERT_PTR_EQUAL(map.slots[17].value, keys[17]);
	consort_map_clear(&map);
}

static void test_nearest(void)
{
	const char *words[] = {"delay_min", "departed_at", "origin", "id"};
	char hint[64];

	TESTING_TEXT(consort_nearest("dealy_min", words, 4), "delay_min");
	TESTING_TEXT(consort_nearest("ORIGN", words, 4), "origin");
	CU_ASSERT_PTR_NULL(consort_nearest("price", words, 4));
	CU_ASSERT_PTR_NULL(consort_nearest("", words, 4));
	TESTING_TEXT(consort_hint(consort_nearest("departed", words, 4), hint, sizeof(hint)),
		     "; did you mean 'departed_at'?");
	TESTING_TEXT(consort_hint(NULL, hint, sizeof(hint)), "");
}

static void test_arena(void)
{
	struct consort_arena arena;
	char *a;
	int i;

	consort_arena_init(&arena, 1 << 20);
	TESTING_TEXT(consort_arena_copy(&arena, "abcdef", 3), "abc");
	TESTING_TEXT(consort_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
	CU_ASSERT_PTR_NULL(consort_arena_alloc(&arena, 2 << 20));
	CU_ASSERT_PTR_NULL(consort_arena_array(&arena, SIZE_MAX / 2, 4));
	for (i = 0; i < 1000; i++) {
		a = consort_arena_alloc(&arena, 40);
		CU_ASSERT_TRUE_FATAL(a && !((uintptr_t)a & 15) && !a[0] && !a[39]);
		memset(a, 1, 40);
	}
	consort_arena_reset(&arena);
	CU_ASSERT_EQUAL(arena.used, 0);
	a = consort_arena_alloc(&arena, 40);
	CU_ASSERT_TRUE_FATAL(a && !a[0] && !a[39]);
	consort_arena_clear(&arena);
}

static void test_buffer(void)
{
	struct consort_buffer buffer = CONSORT_BUFFER_INIT;
	char *text;

	consort_buffer_quoted(&buffer, "a\"b", 3, '"');
	consort_buffer_printf(&buffer, " = %d", 42);
	TESTING_TEXT(buffer.data, "\"a\"\"b\" = 42");
	consort_buffer_reset(&buffer);
	TESTING_TEXT(buffer.data, "");
	text = consort_buffer_steal(&buffer);
	TESTING_TEXT(text, "");
	free(text);
	consort_buffer_append(&buffer, "x", SIZE_MAX / 2);
	CU_ASSERT_TRUE(buffer.failed);
	consort_buffer_text(&buffer, "more");
	CU_ASSERT_PTR_NULL(consort_buffer_steal(&buffer));
}

static void test_error(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char long_text[2100];
	size_t i;

	for (i = 0; i + 1 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "é", 2);
	long_text[2098] = '\0';
	CU_ASSERT_EQUAL(consort_error_set(&error, CONSORT_EINVAL, "x%s", long_text), CONSORT_EINVAL);
	CU_ASSERT_TRUE(consort_utf8_valid(error.message, strlen(error.message), NULL));
	CU_ASSERT_EQUAL(strlen(error.message), 1023);
	consort_error_set(&error, CONSORT_ENAME, "no such thing");
	consort_error_prefix(&error, "file.ini:%d", 3);
	TESTING_TEXT(error.message, "file.ini:3: no such thing");
	CU_ASSERT_EQUAL(consort_error_set(NULL, CONSORT_ENAME, "x"), CONSORT_ENAME);
}

static void test_utf8(void)
{
	uint64_t at = 0;

	CU_ASSERT_TRUE(consort_utf8_valid("plain text that is long", 23, NULL));
	CU_ASSERT_TRUE(consort_utf8_valid("é€\xf0\x9f\x98\x80", 9, NULL));
	CU_ASSERT_FALSE(consort_utf8_valid("abc\xc0\x80", 5, &at));
	CU_ASSERT_EQUAL(at, 3);
	CU_ASSERT_FALSE(consort_utf8_valid("\xed\xa0\x80", 3, NULL));
	CU_ASSERT_FALSE(consort_utf8_valid("\xf4\x90\x80\x80", 4, NULL));
	CU_ASSERT_FALSE(consort_utf8_valid("\xe2\x82", 2, NULL));
	CU_ASSERT_FALSE(consort_utf8_valid("12345678\0abcdefgh", 17, &at));
	CU_ASSERT_EQUAL(at, 8);
}

static void test_fork(void)
{
	uint32_t before = consort_fork_count;
	int status = 0;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(consort_fork_count == before + 1 ? 0 : 1);
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(consort_fork_count, before);
}

/* Pauses fill the whole of their range, which doubles up to a limit. */
static void test_pauses(void)
{
	static const int64_t ranges[] = {500, 1000, 2000, 4000, 4000, 4000};
	uint32_t attempts;
	int i;

	for (attempts = 1; attempts <= sizeof(ranges) / sizeof(*ranges); attempts++) {
		int64_t range = ranges[attempts - 1];
		int eighths[8] = {0};

		for (i = 0; i < 8000; i++) {
			int64_t pause = consort_random_pause(attempts, 500, 4000);

			CU_ASSERT_FATAL(pause >= 0 && pause < range);
			eighths[pause * 8 / range]++;
		}
		for (i = 0; i < 8; i++) /* a deviation of 20 standard ones is no chance */
			CU_ASSERT(eighths[i] > 400 && eighths[i] < 1600);
	}
	CU_ASSERT(consort_random_pause(UINT32_MAX, 1, 1000) < 1000);
}

/* Nor do processes go in step that were one. */
static void test_pauses_after_fork(void)
{
	uint64_t mine[4], theirs[4];
	int ends[2], status;
	size_t i;
	pid_t pid;

	consort_random_below(2);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	pid = fork();
	for (i = 0; i < 4; i++)
		mine[i] = consort_random_below(UINT64_MAX);
	if (!pid)
		_exit(write(ends[1], mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
	CU_ASSERT_EQUAL(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	for (i = 0; i < 4; i++)
		CU_ASSERT_NOT_EQUAL(mine[i], theirs[i]);
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"map", test_map},
		{"nearest", test_nearest},
		{"arena", test_arena},
		{"buffer", test_buffer},
		{"error", test_error},
		{"utf8", test_utf8},
		{"fork", test_fork},
		{"pauses", test_pauses},
		{"pauses-after-fork", test_pauses_after_fork},
		{NULL, NULL},
	};

	return testing_main("base", cases, argc, argv);
}
