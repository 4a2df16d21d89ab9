/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a table of CUnit tests, each in a child process. */
#include "testing.h"

#include <CUnit/Basic.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77
#define SECONDS_PER_CASE 300

static char folder[PATH_MAX];
static const char *current_topic = "", *current_name = "";

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void remove_folder(void)
{
	if (folder[0])
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
}

const char *testing_folder(void)
{
	const char *root = getenv("TMPDIR");

	if (folder[0])
		return folder;
	snprintf(folder, sizeof(folder), "%s/consort-%s-XXXXXX", root ? root : "/tmp", current_topic);
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
	return folder;
}

/* Texts that live until the process, which is one case, ends; reachable, so that they are no leak. */
struct kept {
	struct kept *next;
	char *text;
};

const char *testing_keep(char *text)
{
	static struct kept *all;
	struct kept *kept = malloc(sizeof(*kept));

	if (!kept || !text)
		abort();
	kept->text = text;
	kept->next = all;
	all = kept;
	return text;
}

static const char *keep(const char *root, const char *name)
{
	size_t size = strlen(root) + strlen(name) + 2;
	char *path = malloc(size);

	if (!path)
		abort();
	snprintf(path, size, "%s/%s", root, name);
	return testing_keep(path);
}

const char *testing_path(const char *name)
{
	return keep(testing_folder(), name);
}

const char *testing_write_n(const char *name, const void *data, size_t size)
{
	const char *path = testing_path(name);
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(1);
	}
	return path;
}

const char *testing_write(const char *name, const char *text)
{
	return testing_write_n(name, text, strlen(text));
}

const char *testing_source(const char *name)
{
	const char *root = getenv("CONSORT_TEST_SOURCE");

	return keep(root ? root : ".", name);
}

const char *testing_plugins(void)
{
	const char *root = getenv("CONSORT_TEST_BUILD");

	return keep(root ? root : ".", ".libs");
}

void testing_text(const char *actual, const char *expected, const char *file, int line)
{
	int same = actual && !strcmp(actual, expected);

	if (!same)
		fprintf(stderr, "%s:%d:\n  actual:   %s\n  expected: %s\n", file, line,
			actual ? actual : "(null)", expected);
	CU_assertImplementation(same ? CU_TRUE : CU_FALSE, (unsigned)line, "texts are equal", file, "", CU_FALSE);
}

void testing_contains(const char *actual, const char *part, const char *file, int line)
{
	int found = actual && strstr(actual, part);

	if (!found)
		fprintf(stderr, "%s:%d:\n  actual:   %s\n  has not:  %s\n", file, line,
			actual ? actual : "(null)", part);
	CU_assertImplementation(found ? CU_TRUE : CU_FALSE, (unsigned)line, "text contains", file, "", CU_FALSE);
}

const char *testing_name(void)
{
	return current_name;
}

void testing_skip(const char *how)
{
	fprintf(stderr, "  skipped: %s\n", how);
	fflush(NULL);
	remove_folder();
	_exit(EXIT_SKIPPED);
}

/* Runs one case under CUnit in this process; 0 if it passed. */
static int run_case(const char *topic, const struct testing_case *test)
{
	CU_pSuite suite;
	int failed = 1;

	current_name = test->name;
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(topic, NULL, NULL);
	if (suite && CU_add_test(suite, test->name, test->run)) {
		CU_basic_set_mode(CU_BRM_SILENT);
		CU_basic_run_tests();
		failed = CU_get_number_of_failures() > 0 || CU_get_number_of_tests_run() != 1 ||
			 CU_get_number_of_asserts() == 0;
		if (CU_get_number_of_asserts() == 0)
			fprintf(stderr, "  %s asserts nothing\n", test->name);
		if (CU_get_number_of_failures() > 0)
			CU_basic_show_failures(CU_get_failure_list());
	}
	CU_cleanup_registry();
	remove_folder();
	return failed;
}

/* Is the case in the list that CONSORT_TEST_SKIP names ("TOPIC CASE REASON", a line each)? It is told with its
 * reason then. */
static int is_listed(const char *topic, const char *name)
{
	const char *path = getenv("CONSORT_TEST_SKIP");
	FILE *list = path ? fopen(path, "r") : NULL;
	char line[256], wanted[128];
	int listed = 0;

	snprintf(wanted, sizeof(wanted), "%s %s ", topic, name);
	while (list && !listed && fgets(line, sizeof(line), list))
		listed = !strncmp(line, wanted, strlen(wanted));
	if (listed)
		fprintf(stderr, "  skipped: %s", line + strlen(wanted));
	if (list)
		fclose(list);
	return listed;
}

/* The same in a child; its exit status, or 128 + signal. */
static int run_in_child(const char *topic, const struct testing_case *test)
{
	pid_t pid;
	int status;

	if (is_listed(topic, test->name))
		return EXIT_SKIPPED;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		alarm(SECONDS_PER_CASE);
		exit(run_case(topic, test));
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int testing_main(const char *topic, const struct testing_case *cases, int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0;

	current_topic = topic;
	for (; cases->name; cases++) {
		int status;

		if (argc > 1 && strcmp(argv[1], cases->name))
			continue;
		status = argc > 1 ? run_case(topic, cases) : run_in_child(topic, cases);
		if (status == EXIT_SKIPPED) {
			skipped++;
			printf("skip %s: %s\n", topic, cases->name);
		} else if (!status) {
			passed++;
			printf("ok %s: %s\n", topic, cases->name);
		} else {
			failed++;
			printf("not ok %s: %s (status %d)\n", topic, cases->name, status);
		}
	}
	printf("%s: %d passed, %d failed, %d skipped\n", topic, passed, failed, skipped);
	return failed || !(passed + skipped);
}
