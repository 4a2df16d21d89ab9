/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, verifying and opening adapters: every way to be refused, with its exact words. */
#include "loader/loader.h"
#include "loader/keeper.h"
#include "testing.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The search over these folders alone, by names in the case's folder; NULL ends them. */
static void search_of(struct consort_search *search, const char *first, const char *second)
{
	static const char *folders[2];

	memset(search, 0, sizeof(*search));
	consort_arena_init(&search->arena, 0);
	search->folders = folders;
	folders[0] = first;
	folders[1] = second;
	search->nfolders = second ? 2 : first ? 1 : 0;
}

static enum consort_status load_file(const char *path, const struct consort_adapter **out_adapter,
				     struct consort_error *error)
{
	const struct consort_search search = {.nfolders = 0};

	memset(error, 0, sizeof(*error));
	return consort_loader_load(&search, NULL, path, out_adapter, error);
}

static void test_good(void)
{
	const char *path = keeper_place("good", "consort-zoo.so");
	const struct consort_adapter *adapter = NULL, *again = NULL;
	struct consort_error error;

	CU_ASSERT_EQUAL_FATAL(load_file(path, &adapter, &error), CONSORT_OK);
	TESTING_TEXT(adapter->path, keeper_canonical(path));
	TESTING_TEXT(adapter->plugin->id, "zoo");
	CU_ASSERT_EQUAL(load_file(path, &again, &error), CONSORT_OK);
	CU_ASSERT_PTR_EQUAL(adapter, again);
	/* the same file by another way is the same adapter */
	CU_ASSERT_EQUAL_FATAL(symlink(path, testing_path("link.so")), 0);
	CU_ASSERT_EQUAL(load_file(testing_path("link.so"), &again, &error), CONSORT_OK);
	CU_ASSERT_PTR_EQUAL(adapter, again);
}

static void test_future(void)
{
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;

	CU_ASSERT_EQUAL_FATAL(load_file(keeper_place("future", "f.so"), &adapter, &error), CONSORT_OK);
	CU_ASSERT_EQUAL(adapter->plugin->abi_minor, 7);
	CU_ASSERT_TRUE(adapter->plugin->struct_size > sizeof(struct consort_plugin));
	CU_ASSERT_TRUE(adapter->plugin->write->struct_size > sizeof(struct consort_write_ops));
}

/* Each animal that opening or negotiation refuses. */
static void test_animals(void)
{
	const struct {
		const char *animal;
		enum consort_status status;
		const char *message;
	} cases[] = {
		{"no-note", CONSORT_EUNTRUSTED,
		 "is no adapter: it has no Consort note (CONSORT_PLUGIN_EXPORT makes it)"},
		{"abi-2", CONSORT_EABI, "is built for ABI 2; this core supports 1"},
		{"abi-2-entry", CONSORT_EABI,
		 "has the entry of ABI 2, though its note tells of ABI 1; this core supports 1"},
		{"no-entry", CONSORT_EABI,
		 "exports no consort_plugin_entry_v1; is it linked with the SDK's plugin.map?"},
		{"entry-null", CONSORT_EABI, "its entry returned no descriptor"},
		{"too-small", CONSORT_EABI,
		 keeper_text("its descriptor has struct_size %zu; ABI 1.0 needs at least %zu",
			     offsetof(struct consort_plugin, write), sizeof(struct consort_plugin))},
		{"lying-id", CONSORT_EABI, "its note and its descriptor differ: id 'zebra' against 'zoo'"},
		{"lying-version", CONSORT_EABI,
		 "its note and its descriptor differ: version '1.3' against '1.2'"},
		{"lying-features", CONSORT_EABI,
		 "its note and its descriptor differ: only the note sets feature 'continuous_aggregates'"},
		{"lying-minor", CONSORT_EABI, "its note and its descriptor differ: ABI 1.0 against 1.3"},
		{"needs", CONSORT_EABI,
		 "needs the host feature 37, which this core (" PACKAGE_VERSION ") does not have; a newer one "
		 "may"},
		{"no-ping", CONSORT_EABI, "connection.ping is NULL; every adapter must have it"},
		{"no-insert", CONSORT_EABI, "sets feature 'create' but write.insert is NULL"},
		{"short-table", CONSORT_EABI,
		 keeper_text("its table 'write' has struct_size %zu; ABI 1.0 needs at least %zu",
			     offsetof(struct consort_write_ops, insert), sizeof(struct consort_write_ops))},
		{"no-init", CONSORT_EABI, "init is NULL; every adapter must have it"},
		{"options-twice", CONSORT_EABI, "its option 'path' is listed twice"},
		{"option-short", CONSORT_EABI,
		 keeper_text("option 1 has struct_size %zu; ABI 1.0 needs at least %zu",
			     offsetof(struct consort_option, type), sizeof(struct consort_option))},
		{"option-unnamed", CONSORT_EABI,
		 "option 1 has the name 'Max Rows', which is not of the form [a-z][a-z0-9_.-]*"},
		{"option-choiceless", CONSORT_EABI, "its option 'mode' is a choice without choices"},
		{"unresolved", CONSORT_ELOAD, "uses the symbol zoo_nowhere, which none of its libraries has"},
	};
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = keeper_place(cases[i].animal, keeper_text("%s.so", cases[i].animal));

		path = keeper_canonical(path);
		KEEPER_FAILS(load_file(path, &adapter, &error), cases[i].status, error, "%s: %s", path,
			     cases[i].message);
	}
	CU_ASSERT_PTR_NULL(adapter);
}

/* Overwrites each of these texts in the animal's file by another one of the same length. */
static const char *place_changed(const char *animal, const char *name, const char *text, const char *other)
{
	size_t size, length = strlen(text), n = 0;
	unsigned char *data = keeper_read(animal, &size), *at = data;

	while ((at = memmem(at, size - (size_t)(at - data), text, length))) {
		memcpy(at, other, length);
		n++;
	}
	CU_ASSERT_TRUE(n > 0 && strlen(other) == length);
	testing_write_n(name, data, size);
	CU_ASSERT_EQUAL(chmod(testing_path(name), 0644), 0);
	return keeper_canonical(testing_path(name));
}

static void test_missing_dependency(void)
{
	const char *path = place_changed("talking", "dependent.so", "libc.so.6", "libq.so.6");
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;

	KEEPER_FAILS(load_file(path, &adapter, &error), CONSORT_ELOAD, error,
		     "%s: the library libq.so.6 that it needs is not installed, or is not on the dynamic "
		     "linker's path (cannot open shared object file: No such file or directory)",
		     path);
	/* a program's language changes nothing */
	setlocale(LC_ALL, "");
	CU_ASSERT_EQUAL(load_file(path, &adapter, &error), CONSORT_ELOAD);
	TESTING_CONTAINS(error.message, "(cannot open shared object file: No such file or directory)");
}

static void test_no_file(void)
{
	const char *missing = testing_path("missing.so"), *beneath = testing_path("text.so/x.so");
	const char *loop = testing_path("loop.so"), *text = testing_write("text.so", "hello");
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;

	KEEPER_FAILS(load_file(missing, &adapter, &error), CONSORT_ENOPLUGIN, error,
		     "%s: there is no such file", missing);
	KEEPER_FAILS(load_file(beneath, &adapter, &error), CONSORT_ENOPLUGIN, error,
		     "%s: there is no such file", beneath);
	KEEPER_FAILS(load_file(text, &adapter, &error), CONSORT_EUNTRUSTED, error,
		     "%s: is no shared object: it is not an ELF file", keeper_canonical(text));
	CU_ASSERT_EQUAL_FATAL(symlink(loop, loop), 0);
	KEEPER_FAILS(load_file(loop, &adapter, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be reached: Too many levels of symbolic links", loop);
}

/* --- verify --- */

static void test_modes(void)
{
	const char *path = keeper_canonical(keeper_place("good", "a/b/consort-zoo.so"));
	const char *folder = keeper_canonical(testing_path("a"));
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_loader_verify(path, &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(chmod(path, 0646), 0);
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it is writable by everyone (mode 0646); 'chmod go-w %s' puts it "
		     "right",
		     path, path);
	CU_ASSERT_EQUAL_FATAL(chmod(path, 01664), 0); /* sticky helps folders only */
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it is writable by its group (mode 1664); 'chmod go-w %s' puts it "
		     "right",
		     path, path);
	CU_ASSERT_EQUAL_FATAL(chmod(path, 0600), 0);
	CU_ASSERT_EQUAL(consort_loader_verify(path, &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(chmod(folder, 0777), 0);
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: the folder %s is writable by everyone (mode 0777); 'chmod go-w "
		     "%s' puts it right",
		     path, folder, folder);
	CU_ASSERT_EQUAL_FATAL(chmod(folder, 0775), 0);
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: the folder %s is writable by its group (mode 0775); 'chmod go-w "
		     "%s' puts it right",
		     path, folder, folder);
	CU_ASSERT_EQUAL_FATAL(chmod(folder, 01777), 0); /* as /tmp */
	CU_ASSERT_EQUAL(consort_loader_verify(path, &error), CONSORT_OK);
}

static void test_kinds(void)
{
	const char *folder = keeper_canonical(keeper_folder("folder.so"));
	const char *missing = testing_path("missing.so");
	const char *target = keeper_place("good", "real/consort-zoo.so"), *link = testing_path("link.so");
	struct consort_error error = CONSORT_ERROR_INIT;

	KEEPER_FAILS(consort_loader_verify(folder, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it is no regular file", folder);
	KEEPER_FAILS(consort_loader_verify(missing, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it cannot be examined: No such file or directory", missing);
	CU_ASSERT_EQUAL_FATAL(symlink(target, link), 0);
	KEEPER_FAILS(consort_loader_verify(link, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it is no regular file", link);
	KEEPER_FAILS(consort_loader_verify("relative.so", &error), CONSORT_EINVAL, error,
		     "relative.so: is no canonical path");
}

static void test_owner(void)
{
	const char *path = keeper_canonical(keeper_place("good", "a/consort-zoo.so"));
	const char *folder = keeper_canonical(testing_path("a"));
	struct consort_error error = CONSORT_ERROR_INIT;

	if (geteuid())
		testing_skip("run as root, who can give a file away");
	CU_ASSERT_EQUAL_FATAL(chown(path, 1234, 0), 0);
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: it belongs to user 1234, neither root nor this process's user 0; "
		     "'chown root %s' if it is yours to trust",
		     path, path);
	CU_ASSERT_EQUAL_FATAL(chown(path, 0, 0), 0);
	CU_ASSERT_EQUAL_FATAL(chown(folder, 1234, 0), 0);
	KEEPER_FAILS(consort_loader_verify(path, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: the folder %s belongs to user 1234, neither root nor this "
		     "process's user 0; 'chown root %s' if it is yours to trust",
		     path, folder, folder);
	/* that user trusts it, and what is root's */
	CU_ASSERT_EQUAL_FATAL(chmod(testing_folder(), 0755), 0);
	CU_ASSERT_EQUAL_FATAL(seteuid(1234), 0);
	CU_ASSERT_EQUAL(consort_loader_verify(path, &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
}

/* A link from a safe place into an unsafe one does not help. */
static void test_link_target(void)
{
	const char *target = keeper_canonical(keeper_place("good", "open/consort-zoo.so"));
	const char *folder = keeper_canonical(testing_path("open")), *link = testing_path("link.so");
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;

	CU_ASSERT_EQUAL_FATAL(chmod(folder, 0777), 0);
	CU_ASSERT_EQUAL_FATAL(symlink(target, link), 0);
	KEEPER_FAILS(load_file(link, &adapter, &error), CONSORT_EUNTRUSTED, error,
		     "%s: cannot be trusted: the folder %s is writable by everyone (mode 0777); 'chmod go-w "
		     "%s' puts it right",
		     target, folder, folder);
}

/* --- search --- */

/* The canonical path of the file for a type or library, to be freed. */
static enum consort_status resolve(const struct consort_search *search, const char *type, const char *library,
				   char **out_path, struct consort_error *error)
{
	struct consort_candidate candidate = {0};
	enum consort_status status = consort_loader_find(search, type, library, &candidate, error);

	if (status)
		return status;
	*out_path = candidate.canonical;
	candidate.canonical = NULL;
	consort_candidate_clear(&candidate);
	return CONSORT_OK;
}

static void test_by_type(void)
{
	const char *first = keeper_folder("first"), *second = keeper_folder("second");
	const char *named = keeper_place("good", "second/consort-zoo.so");
	const char *other = keeper_place("good", "first/consort-renamed.so");
	struct consort_search search;
	struct consort_error error = CONSORT_ERROR_INIT;
	char *path = NULL;

	search_of(&search, first, second);
	/* by its name in any folder, before any other name */
	CU_ASSERT_EQUAL_FATAL(resolve(&search, "zoo", NULL, &path, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(named));
	free(path);
	/* else by its note */
	CU_ASSERT_EQUAL_FATAL(unlink(named), 0);
	CU_ASSERT_EQUAL_FATAL(resolve(&search, "zoo", NULL, &path, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(other));
	free(path);
	/* one that is not to be trusted is passed over for one that is */
	keeper_place("good", "second/consort-zoo.so");
	CU_ASSERT_EQUAL_FATAL(chmod(named, 0666), 0);
	CU_ASSERT_EQUAL_FATAL(resolve(&search, "zoo", NULL, &path, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(other));
	free(path);
	/* in the path's order */
	CU_ASSERT_EQUAL_FATAL(chmod(named, 0644), 0);
	keeper_place("good", "first/consort-zoo.so");
	CU_ASSERT_EQUAL_FATAL(resolve(&search, "zoo", NULL, &path, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(testing_path("first/consort-zoo.so")));
	free(path);
}

static void test_nothing_found(void)
{
	const char *first = keeper_folder("first"), *second = testing_path("second"), *text, *open;
	struct consort_search search;
	struct consort_error error = CONSORT_ERROR_INIT;
	char *path = NULL;

	search_of(&search, NULL, NULL);
	KEEPER_FAILS(resolve(&search, "zoo", NULL, &path, &error), CONSORT_ENOPLUGIN, error,
		     "no adapter of type 'zoo' can be taken from the plugin path ");
	search_of(&search, first, second);
	KEEPER_FAILS(resolve(&search, "zoo", NULL, &path, &error), CONSORT_ENOPLUGIN, error,
		     "no adapter of type 'zoo' can be taken from the plugin path %s:%s:\n  %s: there is no "
		     "such folder",
		     first, second, second);
	/* a mistyped type */
	keeper_place("good", "first/consort-zoo.so");
	KEEPER_FAILS(resolve(&search, "zooo", NULL, &path, &error), CONSORT_ENOPLUGIN, error,
		     "no adapter of type 'zooo' can be taken from the plugin path %s:%s; did you mean 'zoo'?\n"
		     "  %s/consort-zoo.so: is an adapter of type 'zoo', not 'zooo'\n  %s: there is no such folder",
		     first, second, first, second);
	/* candidates that are there but refused give the status */
	text = testing_write("first/consort-zoo.so", "no ELF");
	open = keeper_canonical(keeper_place("good", "first/consort-a.so"));
	testing_write("first/consort-.so", "a name without a type is no candidate");
	testing_write("first/consort-b.so.1", "nor is this");
	CU_ASSERT_EQUAL_FATAL(chmod(open, 0666), 0);
	search_of(&search, first, NULL);
	KEEPER_FAILS(resolve(&search, "zoo", NULL, &path, &error), CONSORT_EUNTRUSTED, error,
		     "no adapter of type 'zoo' can be taken from the plugin path %s:\n"
		     "  %s: is no shared object: it is not an ELF file\n"
		     "  %s: cannot be trusted: it is writable by everyone (mode 0666); 'chmod go-w %s' puts it "
		     "right",
		     first, keeper_canonical(text), open, open);
	KEEPER_FAILS(resolve(&search, "../zoo", NULL, &path, &error), CONSORT_ENOPLUGIN, error,
		     "no adapter of type '../zoo' can be taken from the plugin path %s:\n"
		     "  %s/consort-a.so: is an adapter of type 'zoo', not '../zoo'\n"
		     "  %s: is no shared object: it is not an ELF file",
		     first, first, keeper_canonical(text));
	CU_ASSERT_PTR_NULL(path);
}

/* More candidates than a message holds are counted. */
static void test_many_candidates(void)
{
	struct consort_search search;
	struct consort_error error = CONSORT_ERROR_INIT;
	char *path = NULL;
	int i;

	for (i = 0; i < 40; i++)
		keeper_place("good", keeper_text("many/consort-%02d.so", i));
	search_of(&search, testing_path("many"), NULL);
	CU_ASSERT_EQUAL(resolve(&search, "ape", NULL, &path, &error), CONSORT_ENOPLUGIN);
	TESTING_CONTAINS(error.message, "many/consort-00.so: is an adapter of type 'zoo', not 'ape'\n");
	TESTING_CONTAINS(error.message, " more");
	CU_ASSERT_TRUE(strlen(error.message) < sizeof(error.message) - 1);
}

static void test_by_library(void)
{
	const char *first = keeper_folder("first"), *second = keeper_folder("second"), *named;
	const struct consort_adapter *adapter = NULL;
	struct consort_search search;
	struct consort_error error = CONSORT_ERROR_INIT;
	char *path = NULL;

	named = keeper_place("good", "second/mine.so");
	search_of(&search, first, second);
	CU_ASSERT_EQUAL_FATAL(resolve(&search, "zoo", "mine.so", &path, &error), CONSORT_OK);
	TESTING_TEXT(path, keeper_canonical(named));
	free(path);
	path = NULL;
	/* a library of another type is refused, wherever it is */
	KEEPER_FAILS(consort_loader_load(&search, "ape", named, &adapter, &error), CONSORT_ENOPLUGIN, error,
		     "%s: is an adapter of type 'zoo', not 'ape'", named);
	KEEPER_FAILS(consort_loader_load(&search, "ape", "mine.so", &adapter, &error), CONSORT_ENOPLUGIN,
		     error,
		     "no library 'mine.so' can be taken from the plugin path %s:%s:\n"
		     "  %s: is an adapter of type 'zoo', not 'ape'",
		     first, second, named);
	KEEPER_FAILS(consort_loader_load(&search, "zoo", "libc.so.6", &adapter, &error), CONSORT_ENOPLUGIN,
		     error, "no library 'libc.so.6' can be taken from the plugin path %s:%s", first, second);
	KEEPER_FAILS(consort_loader_load(&search, NULL, NULL, &adapter, &error), CONSORT_EINVAL, error,
		     "neither a type nor a library is given");
	CU_ASSERT_EQUAL_FATAL(chmod(named, 0666), 0);
	CU_ASSERT_EQUAL(resolve(&search, "zoo", "mine.so", &path, &error), CONSORT_EUNTRUSTED);
}

static void test_path(void)
{
	struct consort_search search;
	struct consort_error error = CONSORT_ERROR_INIT;

	setenv("CONSORT_PLUGIN_PATH", "/env/one/:relative::/a", 1);
	setenv("HOME", "/home/me", 1);
	unsetenv("XDG_DATA_HOME");
	CU_ASSERT_EQUAL_FATAL(consort_search_init(&search, "/a:/b//:/a/", &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(search.nfolders, 6);
	TESTING_TEXT(search.folders[0], "/a");
	TESTING_TEXT(search.folders[1], "/b");
	TESTING_TEXT(search.folders[2], "/env/one");
	TESTING_TEXT(search.folders[3], "relative");
	TESTING_TEXT(search.folders[4], "/home/me/.local/share/consort/plugins");
	TESTING_TEXT(search.folders[5], CONSORT_PLUGIN_DIR);
	consort_search_clear(&search);

	unsetenv("CONSORT_PLUGIN_PATH");
	setenv("XDG_DATA_HOME", "/data", 1);
	CU_ASSERT_EQUAL_FATAL(consort_search_init(&search, NULL, &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(search.nfolders, 2);
	TESTING_TEXT(search.folders[0], "/data/consort/plugins");
	consort_search_clear(&search);

	setenv("XDG_DATA_HOME", "relative", 1);
	unsetenv("HOME");
	CU_ASSERT_EQUAL_FATAL(consort_search_init(&search, "", &error), CONSORT_OK);
	CU_ASSERT_EQUAL_FATAL(search.nfolders, 1);
	TESTING_TEXT(search.folders[0], CONSORT_PLUGIN_DIR);
	consort_search_clear(&search);
}

/* --- a privileged process --- */

/* This program, run with another effective group than its own: prints its path's folders. */
#define PRINT_FOLDERS "--print-folders"

static int print_folders(void)
{
	struct consort_search search;
	uint32_t i;

	if (!getauxval(AT_SECURE))
		return 77;
	if (consort_search_init(&search, "/given", NULL))
		return 1;
	for (i = 0; i < search.nfolders; i++)
		printf("%s:", search.folders[i]);
	consort_search_clear(&search);
	return 0;
}

/* Makes a set-group-id copy of this program. */
static const char *place_privileged(void)
{
	const char *path = testing_path("privileged");
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
	    to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char block[1 << 16];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			n = 0;
	close(from);
	if (n || fchown(to, 0, 1234) || fchmod(to, 02755) || close(to))
		testing_skip("a folder for temporary files that takes programs is needed");
	return path;
}

static void test_privileged(void)
{
	const char *path;
	char text[512] = "";
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	if (geteuid())
		testing_skip("run as root, who can make a set-group-id program");
	path = place_privileged();
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	setenv("CONSORT_PLUGIN_PATH", "/evil", 1);
	setenv("XDG_DATA_HOME", "/evil", 1);
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		execl(path, path, PRINT_FOLDERS, (char *)NULL);
		_exit(77);
	}
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		testing_skip("mount the folder for temporary files without nosuid and noexec");
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_TRUE(n > 0);
	TESTING_TEXT(text, "/given:" CONSORT_PLUGIN_DIR ":");
}

/* --- threads --- */

static void *load_in_thread(void *path)
{
	const struct consort_adapter *adapter = NULL;
	struct consort_error error;

	return load_file(path, &adapter, &error) ? NULL : (void *)adapter;
}

static void test_threads(void)
{
	char *path = strdup(keeper_place("good", "consort-zoo.so"));
	pthread_t threads[8];
	void *adapters[8];
	int i;

	for (i = 0; i < 8; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, load_in_thread, path), 0);
	for (i = 0; i < 8; i++)
		pthread_join(threads[i], &adapters[i]);
	CU_ASSERT_PTR_NOT_NULL(adapters[0]);
	for (i = 1; i < 8; i++)
		CU_ASSERT_PTR_EQUAL(adapters[i], adapters[0]);
	free(path);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"good", test_good},
		{"future", test_future},
		{"animals", test_animals},
		{"missing_dependency", test_missing_dependency},
		{"no_file", test_no_file},
		{"modes", test_modes},
		{"kinds", test_kinds},
		{"owner", test_owner},
		{"link_target", test_link_target},
		{"by_type", test_by_type},
		{"nothing_found", test_nothing_found},
		{"many_candidates", test_many_candidates},
		{"by_library", test_by_library},
		{"path", test_path},
		{"privileged", test_privileged},
		{"threads", test_threads},
		{NULL, NULL},
	};

	if (argc == 2 && !strcmp(argv[1], PRINT_FOLDERS))
		return print_folders();
	return testing_main("loader", cases, argc, argv);
}
