/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files of its corpus (or those named as arguments): each as it is, each of its
 * beginnings, and each with one byte replaced by such as mean something to most parsers. This needs no fuzzer
 * and is the same every time.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

/* Larger inputs are not varied: the time grows with the square. */
#define LARGEST_VARIED 2048

static const uint8_t replacements[] = {0, '\n', ' ', '"', '\'', '$', '[', '=', '\\', 0x80, 0xff};

static size_t runs;

/* A copy of exactly that size, so that a sanitizer sees what is read behind it. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void vary(uint8_t *data, size_t size)
{
	size_t i, j;
	uint8_t before;

	for (i = 0; i < size; i++)
		run(data, i);
	for (i = 0; i < size; i++) {
		before = data[i];
		for (j = 0; j < sizeof(replacements); j++) {
			data[i] = replacements[j];
			run(data, size);
		}
		data[i] = before;
	}
}

static void replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	FUZZ_CHECK(file);
	size = fread(data, 1, sizeof(data), file);
	FUZZ_CHECK(!ferror(file) && size < sizeof(data));
	fclose(file);
	run(data, size);
	if (size <= LARGEST_VARIED)
		vary(data, size);
}

int main(int argc, char **argv)
{
	const char *source = getenv("CONSORT_TEST_SOURCE");
	char folder[4096], path[8192], *absolute;
	struct dirent *entry;
	DIR *corpus;
	int i, files = 0;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", source ? source : ".", FUZZ_CORPUS);
	for (i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc > 1)
		return 0;
	absolute = realpath(folder, NULL); /* a target may change the working folder */
	corpus = absolute ? opendir(absolute) : NULL;
	FUZZ_CHECK(corpus);
	while ((entry = readdir(corpus))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", absolute, entry->d_name);
		replay(path);
		printf("ok fuzz-%s: %s\n", FUZZ_CORPUS, entry->d_name);
		fflush(stdout); /* what comes behind the last of these is what crashed */
		files++;
	}
	closedir(corpus);
	free(absolute);
	printf("%zu inputs\n", runs);
	printf("fuzz-%s: %d passed, 0 failed, 0 skipped\n", FUZZ_CORPUS, files);
	return files ? 0 : 1;
}
