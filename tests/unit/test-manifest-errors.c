/* SPDX-License-Identifier: Apache-2.0 */
/* Every mistake in a manifest, with its exact message: what is wrong, where, what to do. */
#include <consort/plugin.h>

#include "manifest-helpers.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is in the file, and the message behind "consort.ini:". */
struct mistake {
	const char *text;
	const char *message;
};

static void check_all(const struct mistake *mistakes, enum consort_status status)
{
	char message[1024];

	for (; mistakes->text; mistakes++) {
		snprintf(message, sizeof(message), "consort.ini:%s", mistakes->message);
		manifest_enter();
		testing_write("consort.ini", mistakes->text);
		manifest_refuse_file("consort.ini", status, message);
	}
}

#define D "[database d]\ntype = t\n"
#define R D "[resource r]\ndatabase = d\n"

static void test_lines(void)
{
	static const struct mistake mistakes[] = {
		{"x = 1\n", "1: there is no [section] above this line"},
		{D "nothing\n", "3: neither 'name = value', nor a [section], nor a comment"},
		{D "\n# x\n= 1\n", "5: neither 'name = value', nor a [section], nor a comment"},
		{D "x ;= 1\n", "3: neither 'name = value', nor a [section], nor a comment"},
		{"[database d\n", "1: a section's line must read [KIND] or [KIND NAME]"},
		{"[]\n", "1: a section's line must read [KIND] or [KIND NAME]"},
		{"[database \"d]\n", "1: a section's line must read [KIND] or [KIND NAME]"},
		{"[database \"d\" e]\n", "1: a section's line must read [KIND] or [KIND NAME]"},
		{"[database a]b]\n",
		 "1: there is text behind the section's ']'; enclose a name that has one in double quotes"},
		{D "x = \"a\n y\"\n", "3: the double quote that begins the value is not closed here"},
		{D "x = a\n  \"b\n", "4: the double quote that begins the value is not closed here"},
		{D "x = \"a\"b\"\n",
		 "3: there is text behind the closing quote; enclose the whole value in double quotes and "
		 "write a quote inside twice"},
		{D "x = \"a\";b\n",
		 "3: there is text behind the closing quote; enclose the whole value in double quotes and "
		 "write a quote inside twice"},
		{D "x = 1\n  y = 2\n",
		 "4: this line is indented and so goes on with the value above; indent it like the other "
		 "keys, or enclose it in double quotes if it belongs to the value"},
		{D "x = a\n  b\nx = c\n", "5: 'x' stands twice in this section, first at line 3"},
		{"[consort]\nlog = stderr\nlog = stderr\n",
		 "3: 'log' stands twice in this section, first at line 2"},
		{D "x = \xff\n",
		 "3: byte 5 of the line is 0xff: this is not UTF-8; save the file in that encoding"},
		{"\xff\xfe[",
		 "1: byte 1 of the line is 0xff: this is not UTF-8; save the file in that encoding"},
		{D "\n x\xc3",
		 "4: byte 3 of the line is 0xc3: this is not UTF-8; save the file in that encoding"},
		{D "x = \x1b[31m\n",
		 "3: byte 5 of the line is 0x1b: a control character cannot stand in a manifest"},
		{D "x\r = 1\n",
		 "3: byte 2 of the line is 0x0d: a control character cannot stand in a manifest"},
		{NULL, NULL},
	};

	check_all(mistakes, CONSORT_EMANIFEST);
	manifest_enter();
	testing_write_n("nul.ini", D "x = a\0b\n", sizeof(D "x = a\0b\n") - 1);
	manifest_refuse_file("nul.ini", CONSORT_EMANIFEST,
			     "nul.ini:3: byte 6 of the line is 0x00: a NUL byte cannot stand in a manifest");
}

static void test_sections(void)
{
	static const struct mistake mistakes[] = {
		{"[databse d]\n", "1: unknown kind of section 'databse'; did you mean 'database'?"},
		{"[zebra d]\n", "1: unknown kind of section 'zebra'"},
		{"[Database d]\n", "1: unknown kind of section 'Database'; did you mean 'database'?"},
		{"[consort main]\n", "1: [consort] takes no name"},
		{"[consort]\n\n[consort]\n", "3: [consort] stands twice in this file, first at line 1"},
		{"[database]\n", "1: the database's name is missing"},
		{"[resource \"\"]\n", "1: the resource's name is missing"},
		{"[plugin \" x\"]\n", "1: the plugin's name has a control character, or a space at an end"},
		{"[plugin a\xc2\x85]\n",
		 "1: the plugin's name has a control character, or a space at an end"},
		{"[plugin a\tb]\n", "1: the plugin's name has a control character, or a space at an end"},
		{"[database a.b]\ntype = t\n",
		 "1: the database's name 'a.b' must not have a dot or comma: they stand behind it in "
		 "'database.table' and in lists"},
		{"[database a,b]\ntype = t\n",
		 "1: the database's name 'a,b' must not have a dot or comma: they stand behind it in "
		 "'database.table' and in lists"},
		{D "[plugin x]\n[plugin x]\n", "4: [plugin x] stands twice, first at consort.ini:3"},
		{D D, "3: [database d] stands twice, first at consort.ini:1"},
		{R "[resource \"r\"]\ndatabase = d\n",
		 "5: [resource r] stands twice, first at consort.ini:3"},
		{NULL, NULL},
	};

	check_all(mistakes, CONSORT_EMANIFEST);
}

static void test_keys(void)
{
	static const struct mistake mistakes[] = {
		{"[consort]\nplugn_path = x\n",
		 "2: unknown key 'plugn_path' in [consort]; did you mean 'plugin_path'?"},
		{"[consort]\nzzz = x\n", "2: unknown key 'zzz' in [consort]"},
		{"[plugin x]\nlibary = x\n",
		 "2: unknown key 'libary' in [plugin x]; did you mean 'library'?"},
		{D "pool.maxx = 3\n", "3: unknown key 'pool.maxx' in [database d]; did you mean 'pool.max'?"},
		{D "pool. = 3\n", "3: unknown key 'pool.' in [database d]"},
		{"[database d]\npath = x\n", "1: [database d] has no 'type'"},
		{"[database d]\ntpye = x\n", "2: unknown key 'tpye' in [database d]; did you mean 'type'?"},
		{D "[resource r]\n", "3: [resource r] has no 'database'"},
		{D "[resource r]\ndatbase = d\n",
		 "4: unknown key 'datbase' in [resource r]; did you mean 'database'?"},
		{NULL, NULL},
	};

	check_all(mistakes, CONSORT_EMANIFEST);
}

static void test_values(void)
{
	static const struct mistake mistakes[] = {
		{"[consort]\nlog = stderr:inof\n",
		 "2: log: 'stderr:inof' must end with :error, :warning, :info or :debug; did you mean "
		 "'info'?"},
		{"[consort]\nlog = :info\n", "2: log: 'stderr' or a file's path is missing"},
		{"[consort]\nlog =\n", "2: log: 'stderr' or a file's path is missing"},
		{"[consort]\nstate =\n", "2: state: '' must be a path"},
		{"[consort]\nplugin_path = /a::/b\n", "2: plugin_path: a folder is missing"},
		{"[consort]\nplugin_path = /a:\n", "2: plugin_path: a folder is missing"},
		{"[consort]\nmemory_limit = 64MB\n",
		 "2: memory_limit: '64MB' must be a size as 4096, 64KiB, 16MiB or 1GiB"},
		{"[plugin x]\nlibrary =\n", "2: library: a file's name or path is missing"},
		{D "timeout = 5\n", "3: timeout: '5' must be a duration as 250ms, 5s, 2m, 1h, 7d or 0"},
		{D "optional = maybe\n", "3: optional: 'maybe' must be yes or no"},
		{D "resources = all\n",
		 "3: resources: 'all' must be *; what is not exposed whole is declared by [resource NAME]"},
		{D "pool.max = ten\n", "3: pool.max: 'ten' must be an integer"},
		{D "pool.max = 65536\n", "3: pool.max: '65536' must be 0 to 65535"},
		{D "pool.min = -1\n", "3: pool.min: '-1' must be 0 to 65535"},
		{D "pool.min = 5\npool.max = 4\n", "1: pool.min (5) is more than pool.max (4)"},
		{"[database d]\ntype =\n", "2: type: '' must be letters, digits, '_' and '-'"},
		{"[database d]\ntype = ../x\n", "2: type: '../x' must be letters, digits, '_' and '-'"},
		{NULL, NULL},
	};

	check_all(mistakes, CONSORT_EVALUE);
}

static void test_resources(void)
{
	static const struct mistake mistakes[] = {
		{D "[resource r]\ndatabase = dd\n", "4: there is no [database dd] for resource 'r'"},
		{"[database metrics]\ntype = t\n[resource r]\ndatabase = metrcs\n",
		 "4: there is no [database metrcs] for resource 'r'; did you mean 'metrics'?"},
		{R "source =\n", "5: source: a name is missing"},
		{R "key = a,,b\n", "5: the attribute's name is missing"},
		{R "key =\n", "5: the attribute's name is missing"},
		{R "key = a, a\n", "5: key: 'a' stands twice in the list"},
		{R "attribute. = text\n", "5: the attribute's name is missing"},
		{R "relationship. = r, a -> b\n", "5: the relationship's name is missing"},
		{R "index. = a\n", "5: the index's name is missing"},
		{R "index.x = unique,\n", "5: the attribute's name is missing"},
		{R "attribute.a =\n", "5: attribute.a has no type"},
		{R "attribute.a = int64 generatd\n",
		 "5: attribute.a: 'generatd' is not 'not null', 'generated', 'from …', 'codec …'; did you "
		 "mean 'generated'?"},
		{R "attribute.a = int64 not\n", "5: attribute.a: 'not' must be followed by 'null'"},
		{R "attribute.a = int64 from\n", "5: attribute.a: a name is missing behind 'from'"},
		{R "attribute.a = int64 from x codec\n", "5: attribute.a: a name is missing behind 'codec'"},
		{R "attribute.a = int64 from x from y\n", "5: attribute.a: 'from' is given twice"},
		{R "attribute.a = int64 from \"x\n", "5: attribute.a: a double quote is not closed"},
		{R "relationship.x = r\n",
		 "5: relationship.x must read TARGET, ATTRIBUTE -> ATTRIBUTE OF TARGET[, …]"},
		{R "relationship.x = r, a\n",
		 "5: relationship.x must read TARGET, ATTRIBUTE -> ATTRIBUTE OF TARGET[, …]"},
		{R "relationship.x = , a -> b\n",
		 "5: relationship.x must read TARGET, ATTRIBUTE -> ATTRIBUTE OF TARGET[, …]"},
		{R "relationship.x = r, a -> b, c, d -> e\n",
		 "5: relationship.x must read TARGET, ATTRIBUTE -> ATTRIBUTE OF TARGET[, …]"},
		{R "relationship.x = r, -> b\n", "5: the attribute's name is missing"},
		{R "relationship.x = rr, a -> b\n", "5: relationship.x: there is no resource 'rr'"},
		{R "[resource airport]\ndatabase = d\nrelationship.x = airprt, a -> b\n",
		 "7: relationship.x: there is no resource 'airprt'; did you mean 'airport'?"},
		{R "relationship.x = d.orders, a -> b\n",
		 "5: relationship.x: 'd.orders' is no resource; it would be if [database d] had 'resources "
		 "= *'"},
		{R "relationship.x = e.orders, a -> b\n",
		 "5: relationship.x: there is no resource 'e.orders'"},
		{D "resources = *\n[resource r]\ndatabase = d\nrelationship.x = d., a -> b\n",
		 "6: relationship.x: there is no resource 'd.'"},
		{NULL, NULL},
	};

	check_all(mistakes, CONSORT_EMANIFEST);
}

/* The type's own sentence is that of consort_type_parse. */
static void test_types(void)
{
	struct consort_manifest *manifest = NULL;
	struct consort_error error = CONSORT_ERROR_INIT;

	manifest_enter();
	testing_write("consort.ini", R "attribute.when = timestmap\n");
	CU_ASSERT_EQUAL(consort_manifest_read("consort.ini", &manifest, &error), CONSORT_EMANIFEST);
	TESTING_CONTAINS(error.message, "consort.ini:5: attribute.when: ");
	TESTING_CONTAINS(error.message, "timestmap");
	TESTING_CONTAINS(error.message, "did you mean 'timestamp'?");
}

static void test_long_names(void)
{
	char name[201], text[300], message[200];

	memset(name, 'n', 200);
	name[200] = '\0';
	snprintf(text, sizeof(text), "[database %.128s]\n", name);
	manifest_refuse(text, "consort.ini:1: the database's name has 128 bytes, at most 127 are allowed");
	snprintf(text, sizeof(text), R "attribute.%.128s = text\n", name);
	manifest_refuse(text, "consort.ini:5: the attribute's name has 128 bytes, at most 127 are allowed");
	snprintf(text, sizeof(text), D "%.160s = text\nx\n", name);
	manifest_refuse(text, "consort.ini:4: neither 'name = value', nor a [section], nor a comment");
	snprintf(text, sizeof(text), D "%.161s = text\n", name);
	manifest_refuse(text, "consort.ini:3: a key of 161 bytes; the longest has 160");
	snprintf(text, sizeof(text), R "key = %.128s\n", name);
	manifest_refuse(text, "consort.ini:5: the attribute's name has 128 bytes, at most 127 are allowed");
	snprintf(text, sizeof(text), "[plugin x]\n%.100s = 1\n", name);
	snprintf(message, sizeof(message), "consort.ini:2: unknown key '%.100s' in [plugin x]", name);
	manifest_refuse(text, message);
}

static void test_secrets(void)
{
	static const struct mistake mistakes[] = {
		{D "password = hidden${env:CONSORT_NO_SUCH}\n",
		 "3: password: the environment variable 'CONSORT_NO_SUCH' is not set; set it before the "
		 "program starts"},
		{D "password = hidden${file:/none/x}\n",
		 "3: password: cannot read '/none/x': No such file or directory; make that file, or correct "
		 "the path"},
		{D "password = hidden${file:/}\n",
		 "3: password: cannot read '/': Is a directory; make that file, or correct the path"},
		{D "password = hidden${file:/dev/zero}\n",
		 "3: password: the file '/dev/zero' has more than 64 KiB; name the file that has only this "
		 "value"},
		{D "password = hidden${env:}\n",
		 "3: password: '${' begins neither ${env:NAME} nor ${file:PATH}; write $${ for the "
		 "characters themselves"},
		{D "password = hidden${hid}\n",
		 "3: password: '${' begins neither ${env:NAME} nor ${file:PATH}; write $${ for the "
		 "characters themselves"},
		{D "password = hidden${env:X\n",
		 "3: password: the '}' of a '${' is missing; write $${ for the characters themselves"},
		{D "password = ${env:CONSORT_BAD}\n",
		 "3: password: what ${env:CONSORT_BAD} stands for is not UTF-8, or holds a NUL byte"},
		{D "password = ${file:nul}\n",
		 "3: password: what ${file:nul} stands for is not UTF-8, or holds a NUL byte"},
		{NULL, NULL},
	};

	manifest_enter();
	setenv("CONSORT_BAD", "a\xff", 1);
	testing_write_n("nul", "a\0b", 3);
	check_all(mistakes, CONSORT_EMANIFEST);
}

/* What came in by ${…} is in no message, wherever it was used. */
static void test_secrets_hidden(void)
{
	static const char *const texts[] = {
		"[consort]\nlog = ${env:S}\nmemory_limit = ${env:S}\n",
		"[consort]\ninclude = ${env:S}\n",
		"[consort]\nlog = x:${env:S}\n",
		"[database d]\ntype = ${env:S}/\n",
		D "timeout = ${env:S}\n",
		D "optional = ${env:S}\n",
		D "resources = ${env:S}\n",
		D "pool.max = ${env:S}\n",
		D "[resource r]\ndatabase = ${env:S}\n",
		R "key = ${env:S}, ${env:S}\n",
		R "attribute.a = ${env:S}\n",
		R "attribute.a = text ${env:S}\n",
		R "relationship.a = ${env:S}, a -> b\n",
		R "relationship.a = d.${env:S}, a -> b\n",
		R "index.a = ${env:S}, ${env:S}\n",
		"[consort]\ninclude = ${env:S}/*[\n[databas x]\n",
	};
	struct consort_manifest *manifest = NULL;
	size_t i;

	setenv("S", "5ecret", 1);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct consort_error error = CONSORT_ERROR_INIT;

		manifest_enter();
		testing_write("consort.ini", texts[i]);
		CU_ASSERT_NOT_EQUAL(consort_manifest_read("consort.ini", &manifest, &error), CONSORT_OK);
		CU_ASSERT_PTR_NULL(strstr(error.message, "5ecret"));
		TESTING_CONTAINS(error.message, "consort.ini:");
	}
}

static void test_files(void)
{
	manifest_enter();
	manifest_refuse_file("none.ini", CONSORT_EMANIFEST,
			     "cannot open 'none.ini': No such file or directory");
	manifest_refuse_file("no/such.ini", CONSORT_EMANIFEST,
			     "cannot open 'no/such.ini': No such file or directory");
	manifest_refuse_file(".", CONSORT_EMANIFEST, "cannot open '.': Is a directory");
	testing_write("file", "");
	manifest_refuse_file("file/x.ini", CONSORT_EMANIFEST, "cannot open 'file/x.ini': Not a directory");
	if (!geteuid())
		return;
	testing_write("closed.ini", "");
	CU_ASSERT_EQUAL(chmod("closed.ini", 0), 0);
	manifest_refuse_file("closed.ini", CONSORT_EMANIFEST, "cannot open 'closed.ini': Permission denied");
}

/* Nothing waits for somebody to write: a pipe is no place for a secret, and a manifest in one that nobody has
 * open is empty. One that is being written is read to its end. */
static void test_pipes(void)
{
	char message[1024], *folder;
	struct consort_manifest *manifest;
	int ends[2];

	manifest_enter();
	folder = getcwd(NULL, 0);
	CU_ASSERT_EQUAL_FATAL(mkfifo("pipe", 0600), 0);
	snprintf(message, sizeof(message),
		 "consort.ini:3: password: '%s/pipe' is a pipe, not a file; write the value to a file",
		 folder);
	manifest_refuse(D "password = ${file:pipe}\n", message);
	manifest = manifest_text("[consort]\ninclude = pipe\n[database d]\ntype = t\n");
	CU_ASSERT_EQUAL(manifest->ndatabases, 1);
	consort_manifest_free(manifest);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	if (!fork()) {
		usleep(50000);
		_exit(write(ends[1], D, strlen(D)) != (ssize_t)strlen(D));
	}
	close(ends[1]);
	snprintf(message, sizeof(message), "/proc/self/fd/%d", ends[0]);
	manifest = manifest_file(message);
	CU_ASSERT_EQUAL(manifest->ndatabases, 1);
	consort_manifest_free(manifest);
	free(folder);
}

static void test_includes(void)
{
	manifest_refuse("[consort]\ninclude =\n", "consort.ini:2: 'include' names no file");
	manifest_refuse("[consort]\ninclude = none.ini\n",
			"consort.ini:2: cannot open 'none.ini': No such file or directory");
	manifest_refuse("[consort]\ninclude = /none/x.ini\n",
			"consort.ini:2: cannot open '/none/x.ini': No such file or directory");
	manifest_refuse("[consort]\ninclude = *.ini\n",
			"consort.ini:2: a cycle of includes: consort.ini includes consort.ini");
	CU_ASSERT_EQUAL(mkdir("sub", 0700), 0);
	testing_write("sub/a.ini", "\n[consort]\ninclude = ../b.ini\n");
	testing_write("b.ini", "[consort]\n\n\ninclude = ./consort.ini\n");
	manifest_refuse("[consort]\ninclude = sub/a.ini\n",
			"sub/../b.ini:4: a cycle of includes: consort.ini includes sub/a.ini includes "
			"sub/../b.ini includes sub/.././consort.ini");
	testing_write("b.ini", "[database x]\ntype = t\n[consort]\nstate = y\n");
	manifest_refuse("[database x]\ntype = t\n[consort]\ninclude = b.ini\n",
			"b.ini:1: [database x] stands twice, first at consort.ini:1");
	manifest_refuse("[consort]\nstate = x\ninclude = b.ini\n",
			"b.ini:4: 'state' of [consort] is given twice, first at consort.ini:2");
	testing_write("b.ini", "x = 1\n");
	manifest_refuse("[consort]\ninclude = b.ini\n[database d]\ntype = t\n",
			"b.ini:1: there is no [section] above this line");
}

/* --- databases by text --- */

static void test_add(void)
{
	static const struct mistake mistakes[] = {
		{"", "-d: '' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"foo", "-d: 'foo' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"=sqlite", "-d: '=sqlite' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"x=:password=hidden", "-d: 'x=' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"postgres:password=hidden", "-d: 'postgres' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"d:postgres:password=hidden", "-d: 'd' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"postgres:hidden", "-d: 'postgres' does not read NAME=TYPE:OPTION=VALUE,…"},
		{"x=t:path", "-d x: option 1 does not read OPTION=VALUE; write \\, for a comma in a value"},
		{"x=t:password=hidden,hidden",
		 "-d x: option 2 does not read OPTION=VALUE; write \\, for a comma in a value"},
		{"x=t:password=hidden,",
		 "-d x: option 2 does not read OPTION=VALUE; write \\, for a comma in a value"},
		{"x=t:=hidden",
		 "-d x: option 1 does not read OPTION=VALUE; write \\, for a comma in a value"},
		{"x=t:a=hidden,a=hidden", "-d x: 'a' is given twice"},
		{"x=t:type=u", "-d x: 'type' is given twice"},
		{"x=t:pool.mx=5", "-d x: unknown key 'pool.mx' in [database x]; did you mean 'pool.max'?"},
		{"x=t:a=${env:CONSORT_NO_SUCH}",
		 "-d x: a: the environment variable 'CONSORT_NO_SUCH' is not set; set it before the program "
		 "starts"},
		{"x.y=t",
		 "-d x.y: the database's name 'x.y' must not have a dot or comma: they stand behind it in "
		 "'database.table' and in lists"},
		{"d=t", "-d d: a database of that name stands at consort.ini:1"},
		{"e=t", "-d e: a database of that name is added twice"},
		{"\xff=t", "-d: the text is not UTF-8"},
		{"x\n=t", "-d x\n: the database's name has a control character, or a space at an end"},
		{NULL, NULL},
	};
	struct consort_manifest *manifest;
	size_t i;

	manifest_enter();
	testing_write("consort.ini", D);
	manifest = manifest_file("consort.ini");
	CU_ASSERT_EQUAL(consort_manifest_add(manifest, "e=t", NULL), CONSORT_OK);
	for (i = 0; mistakes[i].text; i++) {
		struct consort_error error = CONSORT_ERROR_INIT;

		CU_ASSERT_EQUAL(consort_manifest_add(manifest, mistakes[i].text, &error), CONSORT_EMANIFEST);
		TESTING_TEXT(error.message, mistakes[i].message);
		CU_ASSERT_EQUAL(manifest->ndatabases, 2);
	}
	CU_ASSERT_EQUAL(consort_manifest_add(manifest, "x=t:timeout=5", NULL), CONSORT_EVALUE);
	CU_ASSERT_EQUAL(consort_manifest_add(manifest, "x=../t", NULL), CONSORT_EVALUE);
	consort_manifest_free(manifest);
}

/* --- options --- */

static void refuse_option(uint32_t type, uint8_t secret, const char *text, const char *message)
{
	struct consort_option option = {.struct_size = sizeof(option),
					.type = type,
					.secret = secret,
					.choices = "wal,delete,memory"};
	struct consort_manifest_entry entry = {
		.key = "k", .value = text, .shown = text, .file = "f", .line = 7};
	struct consort_manifest *manifest = manifest_file(NULL);
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value = consort_int64(42);

	CU_ASSERT_EQUAL(consort_manifest_option(manifest, &entry, &option, &value, &error), CONSORT_EVALUE);
	TESTING_TEXT(error.message, message);
	CU_ASSERT_EQUAL(value.as.int64, 42);
	consort_manifest_free(manifest);
}

static void test_options(void)
{
	refuse_option(CONSORT_OPTION_INT, 0, "", "f:7: k: '' must be an integer");
	refuse_option(CONSORT_OPTION_INT, 0, "9223372036854775808",
		      "f:7: k: '9223372036854775808' must be an integer");
	refuse_option(CONSORT_OPTION_INT, 0, "1 ", "f:7: k: '1 ' must be an integer");
	refuse_option(CONSORT_OPTION_INT, 1, "hidden", "f:7: k: the value must be an integer");
	refuse_option(CONSORT_OPTION_BOOL, 0, "1", "f:7: k: '1' must be yes or no");
	refuse_option(CONSORT_OPTION_DURATION, 0, "1y",
		      "f:7: k: '1y' must be a duration as 250ms, 5s, 2m, 1h, 7d or 0");
	refuse_option(CONSORT_OPTION_SIZE, 0, "1KB",
		      "f:7: k: '1KB' must be a size as 4096, 64KiB, 16MiB or 1GiB");
	refuse_option(CONSORT_OPTION_PATH, 0, "", "f:7: k: '' must be a path");
	refuse_option(CONSORT_OPTION_CHOICE, 0, "delte",
		      "f:7: k: 'delte' must be one of wal,delete,memory; did you mean 'delete'?");
	refuse_option(CONSORT_OPTION_CHOICE, 0, "", "f:7: k: '' must be one of wal,delete,memory");
	refuse_option(CONSORT_OPTION_CHOICE, 1, "delte",
		      "f:7: k: the value must be one of wal,delete,memory");
}

/* A comment behind a secret might be a part of it. */
static void test_commented_secret(void)
{
	static const char *const kept[] = {"hidden;part", "\"hidden ;part\" ; comment", "${env:S} ; comment"};
	struct consort_option option = {
		.struct_size = sizeof(option), .type = CONSORT_OPTION_TEXT, .secret = 1};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_manifest *manifest;
	struct consort_value value;
	char text[100];
	size_t i;

	setenv("S", "from outside ;", 1);
	manifest = manifest_text(D "password = hidden ;part\nother = hidden${env:S} ;part\n");
	CU_ASSERT_EQUAL(
		consort_manifest_option(manifest, &manifest->databases[0].options[1], &option, &value, NULL),
		CONSORT_EVALUE);
	CU_ASSERT_EQUAL(
		consort_manifest_option(manifest, manifest->databases[0].options, &option, &value, &error),
		CONSORT_EVALUE);
	TESTING_TEXT(error.message, "consort.ini:3: password: ' ;' begins a comment, but may be meant as a "
				    "part of the secret; enclose the value in double quotes");
	consort_manifest_free(manifest);
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), D "password = %s\n", kept[i]);
		manifest = manifest_text(text);
		CU_ASSERT_EQUAL(consort_manifest_option(manifest, manifest->databases[0].options, &option,
							&value, NULL),
				0);
		TESTING_CONTAINS(value.as.view.data, i < 2 ? "part" : "from outside ;");
		consort_manifest_free(manifest);
	}
}

static void test_fail(void)
{
	const struct consort_manifest_entry where = {.file = "a.ini", .line = 3}, added = {.file = "-d x"};
	struct consort_error error = CONSORT_ERROR_INIT;

	CU_ASSERT_EQUAL(consort_manifest_fail(&error, CONSORT_EOPTION, &where, "%s %d", "no", 5),
			CONSORT_EOPTION);
	TESTING_TEXT(error.message, "a.ini:3: no 5");
	consort_manifest_fail(&error, CONSORT_EOPTION, &added, "no");
	TESTING_TEXT(error.message, "-d x: no");
	consort_manifest_fail(&error, CONSORT_EOPTION, NULL, "no");
	TESTING_TEXT(error.message, "no");
	CU_ASSERT_EQUAL(consort_manifest_fail(NULL, CONSORT_EOPTION, &where, "no"), CONSORT_EOPTION);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"lines", test_lines},
		{"sections", test_sections},
		{"keys", test_keys},
		{"values", test_values},
		{"resources", test_resources},
		{"types", test_types},
		{"long_names", test_long_names},
		{"secrets", test_secrets},
		{"secrets_hidden", test_secrets_hidden},
		{"files", test_files},
		{"pipes", test_pipes},
		{"includes", test_includes},
		{"add", test_add},
		{"options", test_options},
		{"commented_secret", test_commented_secret},
		{"fail", test_fail},
		{NULL, NULL},
	};

	return testing_main("manifest-errors", cases, argc, argv);
}
