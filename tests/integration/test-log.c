/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves the library by way of an adapter: errors, log lines, the server's name; without secrets, to
 * every log. */
#include "api.h"
#include "loader/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <consort/convert.h>

#define PARROT "[database %s]\ntype = parrot\n"

/* Once: a file that is loaded must not be written to. */
static void place_parrot(void)
{
	if (access(testing_path("consort-parrot.so"), F_OK))
		keeper_place("parrot", "consort-parrot.so");
}

/* The zoo's parrot says what its option tells it to. */
static const char *manifest(const char *name, const char *options)
{
	place_parrot();
	return testing_write(keeper_text("%s.ini", name),
			     keeper_text("[consort]\nplugin_path = .\n" PARROT "%s", name, options));
}

/* Log lines "level origin: text\n". */
struct lines {
	char text[8192];
};

static void take_line(void *context, uint32_t level, const char *origin, const char *text)
{
	struct lines *lines = context;
	size_t used = strlen(lines->text);

	snprintf(lines->text + used, sizeof(lines->text) - used, "%u %s: %s\n", level, origin, text);
}

static enum consort_status open_logging(const char *path, struct lines *lines, uint32_t level,
					struct consort **out, struct consort_error *error)
{
	const struct consort_open_options options = {.struct_size = sizeof(options),
						     .path = path,
						     .log = take_line,
						     .log_context = lines,
						     .log_level = level};

	return consort_open_with(&options, out, error);
}

static enum consort_status keep_server(void *context, const struct consort_database_info *info)
{
	uint32_t i;

	consort_copy_text(context, 1024, info->server ? info->server : info->error->message);
	for (i = 0; i < info->noptions; i++) {
		const struct consort_setting *option = &info->options[i];

		if (!strcmp(option->name, "password"))
			TESTING_TEXT(option->value.as.view.data, "***");
		if (!strcmp(option->name, "dsn") && option->value.as.view.size)
			TESTING_TEXT(option->value.as.view.data, "parrot://me:***@cage/");
	}
	return CONSORT_OK;
}

static const char *connect_to(struct consort *c, const char *name)
{
	static char text[1024];
	struct consort_error error = CONSORT_ERROR_INIT;

	API_OK(consort_databases(c, name, 1, keep_server, text, &error));
	return text;
}

#define SECRETS "password = hush;hush\ndsn = parrot://me:p%40ss-word@cage/\n"

/* Listed ones, those from elsewhere, and those inside other options, in whatever an adapter says. */
static void test_secrets(void)
{
	static const char expected[] = "is it ***, '***', *** or ***?";
	struct consort_error error = CONSORT_ERROR_INIT;
	struct lines lines = {""};
	struct consort *c = NULL;
	const char *why;

	setenv("TOKEN", "abc'def", 1);
	API_OK(open_logging(manifest("a",
				     SECRETS "also = ${env:TOKEN}\nsay = \"is it hush%3Bhush, 'abc''def', "
					     "p@ss-word or p%40ss-word?\"\n"),
			    &lines, CONSORT_LOG_INFO, &c, &error));
	TESTING_TEXT(lines.text, keeper_text("3 a: %s\n", expected));
	TESTING_TEXT(connect_to(c, "a"), expected);
	TESTING_TEXT(lines.text, keeper_text("3 a: %s\n3 a: connected: %s\n", expected, expected));
	consort_close(c);
	API_OK(consort_open(manifest("b", SECRETS "fail = yes\nsay = no hush;hush!\n"), &c, &error));
	TESTING_TEXT(connect_to(c, "b"), "no ***!");
	CU_ASSERT_EQUAL(consort_supports(c, "b", CONSORT_FEATURE_READ, &why), 0);
	TESTING_TEXT(why, "no ***!");
	consort_close(c);
}

/* Also while the manifest is only being opened. */
static void test_failing_open(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct lines first = {""}, second = {""};
	struct consort *c = NULL, *failed = NULL;

	API_OK(open_logging(manifest("a", "say = hello\n"), &first, CONSORT_LOG_INFO, &c, &error));
	CU_ASSERT_EQUAL(open_logging(manifest("b", SECRETS "refuse = yes\nsay = it was hush;hush\n"), &second,
				     CONSORT_LOG_INFO, &failed, &error),
			CONSORT_EAUTH);
	CU_ASSERT_PTR_NULL(failed);
	TESTING_TEXT(error.message, keeper_text("%s:3: it was ***", testing_path("b.ini")));
	TESTING_TEXT(second.text, "3 b: it was ***\n");
	TESTING_TEXT(first.text, "3 a: hello\n3 b: it was ***\n");
	/* the one that is open has its log still */
	first.text[0] = '\0';
	TESTING_TEXT(connect_to(c, "a"), "hello");
	TESTING_TEXT(first.text, "3 a: connected: hello\n");
	TESTING_TEXT(second.text, "3 b: it was ***\n");
	consort_close(c);
}

/* Each gets every line up to its level, and none has a secret of another. */
static void test_two_manifests(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct lines first = {""}, second = {""};
	struct consort *a = NULL, *b = NULL;

	API_OK(open_logging(manifest("a", "password = secret-of-a\nsay = secret-of-a\n"), &first,
			    CONSORT_LOG_INFO, &a, &error));
	API_OK(open_logging(manifest("b", "password = secret-of-b\nsay = b says secret-of-a, secret-of-b\n"),
			    &second, CONSORT_LOG_DEBUG, &b, &error));
	connect_to(a, "a");
	connect_to(b, "b");
	TESTING_TEXT(
		first.text,
		"3 a: ***\n3 b: b says ***, ***\n3 a: connected: ***\n3 b: connected: b says ***, ***\n");
	TESTING_TEXT(second.text,
		     "3 b: b says ***, ***\n3 a: connected: ***\n3 b: connected: b says ***, ***\n");
	consort_close(b);
	first.text[0] = second.text[0] = '\0';
	API_OK(open_logging(manifest("c", "say = c says hello\n"), &second, CONSORT_LOG_WARNING, &b, &error));
	TESTING_TEXT(first.text, "3 c: c says hello\n");
	TESTING_TEXT(second.text, "");
	consort_close(a);
	consort_close(b);
}

/* A database that can be done without is left out with a warning. */
static void test_optional(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct lines lines = {""};
	struct consort *c = NULL;

	API_OK(open_logging(manifest("a", SECRETS "refuse = yes\noptional = yes\nsay = no hush;hush\n"),
			    &lines, CONSORT_LOG_WARNING, &c, &error));
	TESTING_TEXT(lines.text,
		     keeper_text("2 a: goes on without this database, which is optional: %s:3: no ***\n",
				 testing_path("a.ini")));
	TESTING_TEXT(connect_to(c, "a"), keeper_text("%s:3: no ***", testing_path("a.ini")));
	consort_close(c);
}

/* An adapter's error that its buffer cut inside a secret. */
static void test_cut(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char say[2048] = "", before[1100] = "";
	struct consort *c = NULL;
	const char *text;
	size_t i;

	for (i = 1010; i < 1026; i++) {
		memset(before, '.', i);
		before[i] = '\0';
		snprintf(say, sizeof(say),
			 "fail = yes\npassword = Hush-Hush-Hush\nsay = %sHush-Hush-Hush and more\n", before);
		API_OK(consort_open(manifest("a", say), &c, &error));
		text = connect_to(c, "a");
		CU_ASSERT_PTR_NULL(strpbrk(text, "Hush-"));
		CU_ASSERT_TRUE(strlen(text) >= 1010);
		consort_close(c);
	}
}

/* The manifest's own log: a line each, whatever is said. */
static void test_file(void)
{
	static const char *const databases[] = {"a=parrot:password=hush-hush,say=hush-hush\nis one line",
						NULL};
	const char *path = testing_write("c.ini", "[consort]\nplugin_path = .\nlog = lines.txt:info\n");
	const struct consort_open_options options = {
		.struct_size = sizeof(options), .path = path, .databases = databases};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	char text[1024] = "";
	FILE *file;

	place_parrot();
	API_OK(consort_open_with(&options, &c, &error));
	consort_close(c);
	file = fopen(testing_path("lines.txt"), "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	TESTING_CONTAINS(text, "Z info a: *** is one line\n");
}

/* A child goes on to log, whatever it closes. */
static void test_fork(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct lines lines = {""};
	struct consort *c = NULL, *own = NULL;
	int status = 1;
	pid_t child;

	API_OK(open_logging(manifest("a", "password = hush-hush\nsay = hello\n"), &lines, CONSORT_LOG_INFO,
			    &c, &error));
	manifest("b", "password = hush-hush\nsay = hush-hush\n");
	fflush(stdout);
	child = fork();
	if (!child) {
		lines.text[0] = '\0';
		if (consort_open(testing_path("b.ini"), &own, &error))
			_exit(2);
		consort_close(c);
		_exit(strcmp(connect_to(own, "b"), "***") ||
		      strcmp(lines.text, "3 b: ***\n3 b: connected: ***\n"));
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	TESTING_TEXT(connect_to(c, "a"), "hello");
	TESTING_TEXT(lines.text, "3 a: hello\n3 a: connected: hello\n");
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"secrets", test_secrets},
		{"failing_open", test_failing_open},
		{"two_manifests", test_two_manifests},
		{"optional", test_optional},
		{"cut", test_cut},
		{"file", test_file},
		{"fork", test_fork},
		{NULL, NULL},
	};

	return testing_main("log", cases, argc, argv);
}
