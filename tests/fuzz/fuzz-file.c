/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a CSV or JSON Lines file, read through the adapter's table: rows, or an error that says why.
 * A first byte chooses format and options. What a whole sample was inferred from must always read.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/file-adapter.h"

static char folder[4096];
static struct adapter_test test;

static void leave(void)
{
	char path[sizeof(folder) + 16];

	adapter_close(&test);
	snprintf(path, sizeof(path), "%s/data", folder);
	unlink(path);
	rmdir(folder);
}

static void enter(void)
{
	const char *root = getenv("TMPDIR");

	if (test.plugin)
		return;
	snprintf(folder, sizeof(folder), "%s/fuzz-file-XXXXXX", root ? root : "/tmp");
	FUZZ_CHECK(mkdtemp(folder));
	file_test_open(&test, folder);
	FUZZ_CHECK(test.connection);
	atexit(leave);
}

static void write_file(const uint8_t *data, size_t size)
{
	static struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
	char path[sizeof(folder) + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/data", folder);
	unlink(path); /* some file systems flush a file that is written over, as if it were precious */
	file = fopen(path, "wb");
	FUZZ_CHECK(file && fwrite(data, 1, size, file) == size && !fclose(file));
	/* two files in one tick of the clock are not one */
	times[1].tv_sec++;
	FUZZ_CHECK(!utimensat(AT_FDCWD, path, times, 0));
}

static void check_error(uint32_t status)
{
	FUZZ_CHECK(status == test.error.status);
	FUZZ_CHECK(status != CONSORT_EINTERNAL && status != CONSORT_EINVAL && status != CONSORT_ECONNECTION);
	if (status)
		FUZZ_CHECK(*test.error.message &&
			   consort_utf8_valid(test.error.message, strlen(test.error.message), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice = size ? data[0] : 0;
	const char *settings[] = {
		"sample=0",
		choice & 1 ? "format=jsonl" : "format=csv",
		choice & 2 ? "header=no" : "header=yes",
		choice & 4 ? "delimiter=;" : "delimiter=,",
		choice & 8 ? "null=NA" : "null=",
		choice & 16 ? "quote=none" : "quote=\"",
		NULL,
	};
	uint32_t described, status;

	enter();
	adapter_forget(&test);
	write_file(data + (size > 0), size - (size > 0));
	test.max_rows = 1 + (choice >> 5);
	described = file_test_describe(&test, "data", settings);
	check_error(described);
	status = file_test_read(&test, "data", settings, NULL);
	check_error(status);
	FUZZ_CHECK(status == described);
	settings[0] = "sample=1";
	status = file_test_read(&test, "data", settings, NULL);
	check_error(status);
	FUZZ_CHECK(status || !described); /* a short sample hides no mistake */
	return 0;
}
