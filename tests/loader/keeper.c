/* SPDX-License-Identifier: Apache-2.0 */
/* Hands the zoo's animals to tests. What it allocates lives as long as the case's process. */
#include "loader/keeper.h"

#include "testing.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Reachable for ever, so that a leak checker has nothing to say; volatile, since nothing reads it. */
static void *volatile kept[4096];
static size_t nkept;

static void *keep(void *memory)
{
	if (!memory || nkept == sizeof(kept) / sizeof(kept[0])) {
		fputs("keeper: no such file, or no memory\n", stderr);
		exit(1);
	}
	kept[nkept++] = memory;
	return memory;
}

const char *keeper_text(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return keep(text);
}

unsigned char *keeper_read(const char *animal, size_t *out_size)
{
	const char *build = getenv("CONSORT_TEST_BUILD");
	const char *path = keeper_text("%s/tests/loader/zoo/%s.so", build ? build : ".", animal);
	FILE *file = fopen(path, "rb");
	struct stat status;
	unsigned char *data;

	if (!file || fstat(fileno(file), &status)) {
		perror(path);
		exit(1);
	}
	data = keep(malloc((size_t)status.st_size));
	if (fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size || fclose(file)) {
		perror(path);
		exit(1);
	}
	*out_size = (size_t)status.st_size;
	return data;
}

const char *keeper_folder(const char *name)
{
	const char *path = testing_path(name);

	if (mkdir(path, 0755) && errno != EEXIST) {
		perror(path);
		exit(1);
	}
	return path;
}

const char *keeper_place(const char *animal, const char *name)
{
	const char *path, *slash;
	unsigned char *data;
	size_t size;

	for (slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/'))
		keeper_folder(keeper_text("%.*s", (int)(slash - name), name));
	data = keeper_read(animal, &size);
	path = testing_write_n(name, data, size);
	if (chmod(path, 0644)) {
		perror(path);
		exit(1);
	}
	return path;
}

const char *keeper_canonical(const char *path)
{
	return keep(realpath(path, NULL));
}
