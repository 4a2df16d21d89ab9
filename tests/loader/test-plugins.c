/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions for tools: list, explain, load, check. */
#include "loader/loader.h"
#include "loader/keeper.h"
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* No folder but the case's own. */
static void close_path(void)
{
	setenv("CONSORT_PLUGIN_PATH", "", 1);
	setenv("XDG_DATA_HOME", testing_path("nowhere"), 1);
}

/* Writes "path|id|version|error\n" for every file, the case's folder cut off. */
static enum consort_status write_line(void *context, const struct consort_plugin_file *file)
{
	const char *root = testing_folder();
	size_t skip = strncmp(file->path, root, strlen(root)) ? 0 : strlen(root) + 1;

	/* the system's folder may be there or not, and hold what it likes */
	if (!strncmp(file->path, CONSORT_PLUGIN_DIR, strlen(CONSORT_PLUGIN_DIR)))
		return CONSORT_OK;
	consort_buffer_printf(context, "%s|%s|%s|%s\n", file->path + skip, file->id, file->version,
			      file->error ? file->error->message : "");
	return CONSORT_OK;
}

static enum consort_status stop_at_once(void *context, const struct consort_plugin_file *file)
{
	(void)file;
	++*(int *)context;
	return CONSORT_ECANCELLED;
}

static void test_list(void)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *path, *open;
	int calls = 0;

	close_path();
	/* crashing shows that no plugin code runs */
	keeper_place("crashing", "b/consort-crashing.so");
	open = keeper_canonical(keeper_place("good", "b/consort-open.so"));
	CU_ASSERT_EQUAL_FATAL(chmod(open, 0666), 0);
	keeper_place("abi-2", "a/consort-later.so");
	testing_write("a/consort-text.so", "text");
	testing_write("a/libother.so", "not one of ours");
	CU_ASSERT_EQUAL_FATAL(symlink("later.so", testing_path("a/consort-dangling.so")), 0);
	path = keeper_text("%s:%s:%s", testing_path("b"), testing_path("missing"), testing_path("a"));
	CU_ASSERT_EQUAL(consort_plugins_list(path, write_line, &out, &error), CONSORT_OK);
	TESTING_TEXT(out.data, keeper_text("b/consort-crashing.so|zoo|1.2|\n"
					   "b/consort-open.so|zoo|1.2|%s: cannot be trusted: it is writable by "
					   "everyone (mode 0666); 'chmod go-w %s' puts it right\n"
					   "a/consort-dangling.so|||%s/consort-dangling.so: there is no such "
					   "file\n"
					   "a/consort-later.so|zoo|1.2|%s/consort-later.so: is built for ABI "
					   "2; this core supports 1\n"
					   "a/consort-text.so|||%s/consort-text.so: is no shared object: it is "
					   "not an ELF file\n",
					   open, open, testing_path("a"), testing_path("a"),
					   keeper_canonical(testing_path("a"))));
	consort_buffer_clear(&out);
	KEEPER_FAILS(consort_plugins_list(path, stop_at_once, &calls, &error), CONSORT_ECANCELLED, error,
		     "the caller ended the listing of adapters");
	CU_ASSERT_EQUAL(calls, 1);
}

static void test_explain(void)
{
	struct consort_buffer out = CONSORT_BUFFER_INIT;
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *path;

	close_path();
	keeper_place("good", "a/consort-other.so");
	keeper_place("good", "b/consort-zoo.so");
	path = keeper_text("%s:%s:%s", testing_path("a"), testing_path("missing"), testing_path("b"));
	CU_ASSERT_EQUAL(consort_plugins_explain(path, "zoo", write_line, &out, &error), CONSORT_OK);
	TESTING_TEXT(out.data, keeper_text("b/consort-zoo.so|zoo|1.2|\n"
					   "a/consort-other.so|zoo|1.2|\n"
					   "missing|||%s: there is no such folder\n"
					   "nowhere/consort/plugins|||%s/consort/plugins: there is no such "
					   "folder\n",
					   testing_path("missing"), testing_path("nowhere")));
	consort_buffer_reset(&out);
	KEEPER_FAILS(consort_plugins_explain(testing_path("b"), "ape", write_line, &out, &error),
		     CONSORT_ENOPLUGIN, error, "no adapter of type 'ape' can be taken from the plugin path");
	TESTING_TEXT(out.data, keeper_text("b/consort-zoo.so|zoo|1.2|%s/consort-zoo.so: is an adapter of "
					   "type 'zoo', not 'ape'\n"
					   "nowhere/consort/plugins|||%s/consort/plugins: there is no such "
					   "folder\n",
					   testing_path("b"), testing_path("nowhere")));
	consort_buffer_clear(&out);
	CU_ASSERT_EQUAL(consort_plugins_explain(path, NULL, write_line, &out, &error), CONSORT_EINVAL);
}

static void test_load(void)
{
	const struct consort_plugin *plugin = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *file = keeper_place("good", "consort-zoo.so");
	char *path = NULL;

	close_path();
	CU_ASSERT_EQUAL_FATAL(consort_plugins_load(NULL, file, &path, &plugin, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(file));
	TESTING_TEXT(plugin->vendor, "the zoo");
	free(path);
	path = NULL;
	CU_ASSERT_EQUAL(consort_plugins_load(testing_folder(), "zoo", NULL, NULL, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_plugins_load(testing_folder(), "ape", &path, &plugin, &error),
			CONSORT_ENOPLUGIN);
	CU_ASSERT_PTR_NULL(path);
}

/* --- check --- */

static enum consort_status check(const char *animal, struct consort_error *error)
{
	*error = (struct consort_error)CONSORT_ERROR_INIT;
	return consort_plugins_check(NULL, keeper_place(animal, keeper_text("%s.so", animal)), error);
}

static void test_check(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	close_path();
	CU_ASSERT_EQUAL(check("good", &error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_plugins_check(NULL, testing_path("good.so"), NULL), CONSORT_OK);
	KEEPER_FAILS(check("no-insert", &error), CONSORT_EABI, error,
		     "%s: sets feature 'create' but write.insert is NULL",
		     keeper_canonical(testing_path("no-insert.so")));
	KEEPER_FAILS(check("no-note", &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)",
		     keeper_canonical(testing_path("no-note.so")));
	CU_ASSERT_EQUAL(check("exiting", &error), CONSORT_ELOAD);
	TESTING_CONTAINS(error.message, keeper_canonical(testing_path("exiting.so")));
	/* ThreadSanitizer puts a status of its own in place of the plugin's 3 */
	TESTING_CONTAINS(error.message, ": ends the process while it is loaded (exit status ");
	CU_ASSERT_EQUAL(check("entry-exiting", &error), CONSORT_ELOAD);
	TESTING_CONTAINS(error.message, keeper_canonical(testing_path("entry-exiting.so")));
	TESTING_CONTAINS(error.message, ": ends the process while it is loaded (exit status ");
	keeper_place("good", "consort-zoo.so");
	CU_ASSERT_EQUAL(consort_plugins_check(testing_folder(), "zoo", &error), CONSORT_OK);
	CU_ASSERT_EQUAL(consort_plugins_check(testing_folder(), "ape", &error), CONSORT_ENOPLUGIN);
}

static void handle(int number)
{
	(void)number;
	_exit(0); /* a host's handler must not make a crash look like success */
}

static void test_check_crash(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	close_path();
	signal(SIGILL, handle);
	signal(SIGTRAP, handle);
	CU_ASSERT_EQUAL(check("crashing", &error), CONSORT_ELOAD);
#if defined(__x86_64__)
	TESTING_TEXT(error.message, keeper_text("%s: crashes while it is loaded (SIGILL)",
						keeper_canonical(testing_path("crashing.so"))));
	CU_ASSERT_EQUAL(check("entry-crashing", &error), CONSORT_ELOAD);
	TESTING_TEXT(error.message, keeper_text("%s: crashes while it is loaded (SIGILL)",
						keeper_canonical(testing_path("entry-crashing.so"))));
#else
	TESTING_CONTAINS(error.message, ": crashes while it is loaded (SIG");
#endif
	/* a host that does not wait for its children hears of it too */
	signal(SIGCHLD, SIG_IGN);
	KEEPER_FAILS(check("crashing", &error), CONSORT_ELOAD, error,
		     "%s: ends the process while it is loaded",
		     keeper_canonical(testing_path("crashing.so")));
	CU_ASSERT_EQUAL(check("good", &error), CONSORT_OK);
}

static void test_check_hang(void)
{
	struct consort_candidate candidate = {0};
	struct consort_search search = {.nfolders = 0};
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *path = keeper_place("hanging", "hanging.so");
	int64_t start = consort_host_services()->clock();

	CU_ASSERT_EQUAL_FATAL(consort_loader_find(&search, NULL, path, &candidate, &error), CONSORT_OK);
	KEEPER_FAILS(consort_loader_try(&candidate, 300, &error), CONSORT_ELOAD, error,
		     "%s: hangs while it is loaded (stopped after 300 ms)", keeper_canonical(path));
	CU_ASSERT_TRUE(consort_host_services()->clock() - start >= 300000000);
	consort_candidate_clear(&candidate);
}

static void test_check_closing(void)
{
	struct consort_candidate candidate = {0};
	struct consort_search search = {.nfolders = 0};
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *path = keeper_place("closing", "closing.so");

	CU_ASSERT_EQUAL_FATAL(consort_loader_find(&search, NULL, path, &candidate, &error), CONSORT_OK);
	KEEPER_FAILS(consort_loader_try(&candidate, 300, &error), CONSORT_ELOAD, error,
		     "%s: hangs while it is loaded (stopped after 300 ms)", keeper_canonical(path));
	consort_candidate_clear(&candidate);
}

static pid_t bystander;

/* Runs behind the fork of the check: another child that holds all its descriptors. */
static void fork_bystander(void)
{
	if (bystander)
		return;
	bystander = getpid(); /* no bystander of the bystander */
	bystander = fork();
	if (bystander)
		return;
	alarm(60);
	for (;;)
		pause();
}

/* A host with other threads forks at the same moment: that child has the pipe, too. */
static void test_check_beside_forks(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;

	close_path();
	bystander = 0;
	CU_ASSERT_EQUAL_FATAL(pthread_atfork(NULL, fork_bystander, NULL), 0);
	CU_ASSERT_EQUAL(check("crashing", &error), CONSORT_ELOAD);
	CU_ASSERT_TRUE_FATAL(bystander > 0);
	CU_ASSERT_EQUAL(kill(bystander, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(bystander, NULL, 0), bystander);
	TESTING_CONTAINS(error.message, ": crashes while it is loaded (SIG");
}

/* What a plugin prints while it is checked, and what the host had not printed yet, stays off the host's
 * output. */
static void test_check_output(void)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	const char *captured = testing_path("captured");
	int own = dup(STDOUT_FILENO);
	char text[64] = "";
	FILE *file;

	close_path();
	fflush(stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(freopen(captured, "w", stdout));
	fputs("buffered.", stdout);
	CU_ASSERT_EQUAL(check("talking", &error), CONSORT_OK);
	CU_ASSERT_EQUAL(check("exiting", &error), CONSORT_ELOAD);
	fflush(stdout);
	dup2(own, STDOUT_FILENO);
	close(own);
	file = fopen(captured, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), file));
	fclose(file);
	TESTING_TEXT(text, "buffered.");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"list", test_list},
		{"explain", test_explain},
		{"load", test_load},
		{"check", test_check},
		{"check_crash", test_check_crash},
		{"check_hang", test_check_hang},
		{"check_closing", test_check_closing},
		{"check_beside_forks", test_check_beside_forks},
		{"check_output", test_check_output},
		{NULL, NULL},
	};

	return testing_main("plugins", cases, argc, argv);
}
