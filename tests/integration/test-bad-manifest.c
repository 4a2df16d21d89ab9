/* SPDX-License-Identifier: Apache-2.0 */
/* Names that need care, and what a program is told when its manifest or an adapter's file is wrong. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DATABASE "[database db]\ntype = sqlite\npath = things.db\n"
#define LONG_NAME "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg" /* 63 */

static void check(const char *what, const char *actual, const char *expected)
{
	int found = strstr(actual, expected) != NULL;

	if (!found)
		fprintf(stderr, "  %s:\n    actual:   %s\n    expected: %s\n", what, actual, expected);
	CU_ASSERT_TRUE(found);
}

/* --- names --- */

/* The name in double quotes, as expressions and sections have it. */
static void quote(const char *name, char *out)
{
	*out++ = '"';
	for (; *name; *out++ = *name++)
		if (*name == '"')
			*out++ = '"';
	strcpy(out, "\"");
}

static void check_name(struct consort *c, const char *name)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	char quoted[256], text[1024];
	struct consort_record *r = consort_record_new(c, name);
	struct consort_query *q = consort_query_new(c, name);
	struct consort_writer *w = NULL;
	int64_t affected = 0;

	quote(name, quoted);
	API_OK(consort_define(c, name, 0, NULL, &error));
	consort_record_set(r, "k", consort_int64(1));
	consort_record_set(r, name, consort_text("a"));
	API_OK(consort_create(c, r, &error));
	API_OK(consort_get(c, name, CONSORT_ARGS(consort_int64(1)), &r, &error));
	TESTING_TEXT(consort_record_text(r, name), "a");
	consort_record_set(r, name, consort_text("b"));
	API_OK(consort_update(c, r, &error));
	snprintf(text, sizeof(text), "k, %s", quoted);
	API_OK(consort_writer_open(c, name, text, CONSORT_WRITER_UPSERT, 0, &w, &error));
	consort_writer_close(w);
	snprintf(text, sizeof(text), "%s = %s || 'c'", quoted, quoted);
	API_OK(consort_update_where(q, text, CONSORT_NO_ARGS, &affected, &error));
	CU_ASSERT_EQUAL(affected, 1);
	snprintf(text, sizeof(text), "%s = 'bc' and %s.k = 1", quoted, quoted);
	consort_query_where(q, text);
	snprintf(text, sizeof(text), "%s, %s.%s, count(*)", quoted, quoted, quoted);
	consort_query_select(q, text);
	snprintf(text, sizeof(text), "%s, %s.%s", quoted, quoted, quoted);
	consort_query_group(q, text);
	snprintf(text, sizeof(text), "%s.%s", quoted, quoted);
	consort_query_order(q, text);
	TESTING_TEXT(api_rows(q, CONSORT_NO_ARGS), "bc,bc,1");
	API_OK(consort_delete(c, name, CONSORT_ARGS(consort_int64(1)), &error));
	API_OK(consort_drop(c, name, 0, NULL, &error));
	consort_query_free(q);
	consort_record_free(r);
}

/* Names as resource, table, attribute and relationship at once. */
static void test_names(void)
{
	static const char *const names[] = {
		"we\"ird",     "do.t.s",
		"select",      "Order By",
		"it's",	       LONG_NAME,
		LONG_NAME "h", LONG_NAME LONG_NAME,
		"x]y",	       "\xc3\xa9t\xc3\xa9",
		"$1",	       "--",
		"/*",	       "a;drop",
		"UPPER",       "null",
		"a\\b",	       "tab`le",
		"[x",	       "%s",
		"?1",
	};
	char text[16384], *at = stpcpy(text, DATABASE), quoted[256];
	struct consort *c;
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		quote(names[i], quoted);
		at += sprintf(
			at,
			"[resource %s]\ndatabase = db\nkey = k\nattribute.k = int64\nattribute.%s = text\n"
			"relationship.%s = %s, k -> k\n",
			quoted, names[i], names[i], *names[i] == '"' ? quoted : names[i]);
	}
	c = api_open(text);
	for (i = 0; i < COUNT(names); i++)
		check_name(c, names[i]);
	consort_close(c);
}

/* --- manifests --- */

static void check_open(const char *text, uint32_t status, const char *message)
{
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;

	CU_ASSERT_EQUAL(consort_open(testing_write("wrong.ini", text), &c, &error), status);
	check(text, error.message, message);
	CU_ASSERT_PTR_NULL(c);
	consort_close(c);
}

static void test_manifests(void)
{
	static const struct {
		const char *text;
		uint32_t status;
		const char *message;
	} cases[] = {
		{"[databse db]\ntype = sqlite\n", CONSORT_EMANIFEST,
		 "wrong.ini:1: unknown kind of section 'databse'; did you mean 'database'?"},
		{"[consort]\nplugn_path = x\n", CONSORT_EMANIFEST,
		 "wrong.ini:2: unknown key 'plugn_path' in [consort]; did you mean 'plugin_path'?"},
		{DATABASE "pth = x\n", CONSORT_EOPTION,
		 "wrong.ini:4: the adapter 'sqlite' has no option 'pth'"},
		{"[database db]\npath = a\ntype = sqlit\n", CONSORT_ENOPLUGIN,
		 "wrong.ini:3: database 'db': no adapter of type 'sqlit'"},
		{"[database db]\ntype = sqlit\npath = a\n", CONSORT_ENOPLUGIN, "did you mean 'sqlite'?"},
		{DATABASE "[plugin sqlite]\nlibrary = /no/such.so\n", CONSORT_ENOPLUGIN,
		 "wrong.ini:5: database 'db': /no/such.so: there is no such file"},
		{DATABASE "[resource t]\ndatabase = dc\n", CONSORT_EMANIFEST,
		 "wrong.ini:5: there is no [database dc]"},
		{DATABASE "[resource t]\ndatabase = db\nattribute.s = txt\n", CONSORT_EMANIFEST,
		 "wrong.ini:6: attribute.s: unknown type 'txt'; did you mean 'text'?"},
		{DATABASE "[resource t]\ndatabase = db\nrelationship.x = y, a -> b\n", CONSORT_EMANIFEST,
		 "wrong.ini:6: relationship.x: there is no resource 'y'"},
		{DATABASE "pool.max = many\n", CONSORT_EVALUE,
		 "wrong.ini:4: pool.max: 'many' must be an integer"},
		{DATABASE "timeout = 5 parsecs\n", CONSORT_EVALUE,
		 "wrong.ini:4: timeout: '5 parsecs' must be a duration"},
		{DATABASE "features = -fly\n", CONSORT_EMANIFEST, "wrong.ini:4: unknown feature 'fly'"},
		{DATABASE "features = -join\n  -filtr\n", CONSORT_EMANIFEST,
		 "wrong.ini:4: unknown feature 'filtr'; did you mean 'filter'?"},
		{DATABASE "[plugin sqlite]\nfeatures = filter\n", CONSORT_EMANIFEST,
		 "wrong.ini:5: features can only be taken away: write '-filter'"},
		{DATABASE "[plugin other]\nfeatures = -filtr\n", CONSORT_EMANIFEST,
		 "wrong.ini:5: unknown feature 'filtr'; did you mean 'filter'?"},
		{DATABASE "[consort]\nlog = /:debug\n", CONSORT_EMANIFEST,
		 "wrong.ini:5: log: '/:debug' cannot be written: Is a directory"},
		{"[consort]\nlog = none/such.log\n", CONSORT_EMANIFEST,
		 "wrong.ini:2: log: 'none/such.log' cannot be written: No such file or directory"},
		{DATABASE "timeout = ${env:CONSORT_NO_SUCH}\n", CONSORT_EMANIFEST,
		 "wrong.ini:4: timeout: the environment variable 'CONSORT_NO_SUCH' is not set"},
		{DATABASE "timeout = ${file:/no/such}\n", CONSORT_EMANIFEST,
		 "wrong.ini:4: timeout: cannot read '/no/such'"},
		{"[resource \xff]\ndatabase = db\n", CONSORT_EMANIFEST,
		 "wrong.ini:1: byte 11 of the line is 0xff"},
		{"[consort]\ninclude = wrong.ini\n", CONSORT_EMANIFEST, "a cycle of includes"},
		{"[consort]\ninclude = none.ini\n", CONSORT_EMANIFEST, "wrong.ini:2: cannot open"},
	};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort *c = NULL;
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		check_open(cases[i].text, cases[i].status, cases[i].message);
	CU_ASSERT_EQUAL(consort_open(testing_write_n("nul.ini", "[consort]\nlog = a\0b\n", 20), &c, &error),
			CONSORT_EMANIFEST);
	TESTING_CONTAINS(error.message,
			 "nul.ini:2: byte 8 of the line is 0x00: a NUL byte cannot stand in a manifest");
	CU_ASSERT_EQUAL(consort_open(testing_path("none.ini"), &c, &error), CONSORT_EMANIFEST);
	TESTING_CONTAINS(error.message, "none.ini': No such file or directory");
}

/* --- what only the database can tell --- */

#define TABLES                                                                                       \
	"create table flights (id integer primary key, delay_min int, dest text, \"or.igin\" text);" \
	"create table airports (iata text primary key, city text)"
#define FLIGHT "[resource flight]\ndatabase = db\nsource = flights\nkey = id\n" /* from line 4 */
#define AIRPORT "[resource airport]\ndatabase = db\nsource = airports\n"

static struct consort *open_tables(const char *resources)
{
	static const char *const tables[] = {TABLES};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_cursor *rows = NULL;
	char text[4096], *statement, *rest = NULL, *all = strdup(tables[0]);
	struct consort *c;

	remove(testing_path("things.db"));
	snprintf(text, sizeof(text), DATABASE "%s", resources);
	c = api_open(text);
	for (statement = strtok_r(all, ";", &rest); statement; statement = strtok_r(NULL, ";", &rest)) {
		API_OK(consort_native(c, "db", statement, CONSORT_NO_ARGS, &rows, NULL, &error));
		consort_cursor_close(rows);
		rows = NULL;
	}
	free(all);
	return c;
}

/* Declared attributes that the table does not have, and those that it has by other ways. */
static void test_missing_columns(void)
{
	struct consort *c = open_tables(FLIGHT "attribute.delay_mni = int64\n");

	check("declared", api_find(c, "flight", "id", NULL, NULL), "status 25: " /* EMANIFEST */);
	check("declared", api_find(c, "flight", NULL, NULL, NULL),
	      "consort.ini:8: flight.delay_mni: 'flights' has no column 'delay_mni'; did you mean "
	      "'delay_min'?");
	consort_close(c);
	c = open_tables(FLIGHT "attribute.late = int64 from nothing_like_it\n");
	check("source", api_find(c, "flight", "late", NULL, NULL),
	      "consort.ini:8: flight.late: 'flights' has no column 'nothing_like_it'");
	consort_close(c);
	c = open_tables(FLIGHT "attribute.number = int64 from rowid\nattribute.Dest = text\n"
			       "attribute.a = text from dest\nattribute.b = text from or.igin\n");
	TESTING_TEXT(api_find(c, "flight", "number, \"Dest\", a, b", "number > 1", NULL), "");
	check("one column", api_find(c, "flight", "dest", NULL, NULL), "flight: no attribute 'dest'");
	check("hidden", api_find(c, "flight", "oid", NULL, NULL), "flight: no attribute 'oid'");
	consort_close(c);
}

/* Relationships' attributes, as soon as both ends are known. */
static void test_missing_ends(void)
{
	static const char from[] =
		"consort.ini:8: relationship.there: flight has no attribute 'dset'; did you "
		"mean 'dest'?";
	static const char to[] =
		"consort.ini:8: relationship.there: airport has no attribute 'itaa'; did you "
		"mean 'iata'?";
	struct consort *c = open_tables(FLIGHT "relationship.there = airport, dset -> iata\n" AIRPORT);

	check("from", api_find(c, "flight", "id", NULL, NULL), from);
	TESTING_TEXT(api_find(c, "airport", "iata", NULL, NULL), "");
	consort_close(c);
	c = open_tables(FLIGHT "relationship.there = airport, dest -> itaa\n" AIRPORT);
	TESTING_TEXT(api_find(c, "flight", "id", NULL, NULL), "");
	check("to", api_find(c, "flight", "there.city", NULL, NULL), to);
	consort_close(c);
	c = open_tables(FLIGHT "relationship.there = airport, dest -> itaa\n" AIRPORT);
	TESTING_TEXT(api_find(c, "airport", "iata", NULL, NULL), "");
	check("to", api_find(c, "flight", "id", NULL, NULL), to);
	consort_close(c);
	c = open_tables(FLIGHT "relationship.self = flight, id -> idd\n");
	check("self", api_find(c, "flight", "id", NULL, NULL),
	      "consort.ini:8: relationship.self: flight has no attribute 'idd'; did you mean 'id'?");
	consort_close(c);
}

/* --- what a program can do without --- */

static enum consort_status print_database(void *context, const struct consort_database_info *info)
{
	char *text = context;

	snprintf(text + strlen(text), 2048 - strlen(text), "%s %s %u;", info->name, info->type,
		 info->error ? info->error->status : 0);
	return CONSORT_OK;
}

static void test_optional(void)
{
	static const char gone[] =
		"[database gone]\ntype = nowhere\npath = x\noptional = yes\nresources = *\n"
		"[resource g]\ndatabase = gone\nstrange = option\nkey = id\nattribute.id = int64\n";
	static const char reason[] = "status 28: /"; /* ENOPLUGIN */
	struct consort_error error = CONSORT_ERROR_INIT;
	char text[4096], listed[2048] = "";
	struct consort_record *r = NULL;
	struct consort *in = NULL, *c;
	const char *why = NULL;

	snprintf(text, sizeof(text), FLIGHT "relationship.g = g, id -> id\n%s" AIRPORT, gone);
	c = open_tables(text);
	API_OK(consort_databases(c, NULL, 0, print_database, listed, &error));
	TESTING_TEXT(listed, "db sqlite 0;gone nowhere 28;");
	TESTING_TEXT(api_find(c, "flight", "id", NULL, NULL), "");
	check("find", api_find(c, "g", "id", NULL, NULL), reason);
	check("find", api_find(c, "g", "id", NULL, NULL),
	      "/consort.ini:10: database 'gone': no adapter of type 'nowhere'");
	check("exposed", api_find(c, "gone.x", "id", NULL, NULL), reason);
	check("through a relationship", api_find(c, "flight", "g.id", NULL, NULL), "relationship flight.g: ");
	CU_ASSERT_EQUAL(consort_get(c, "g", CONSORT_ARGS(consort_int64(1)), &r, &error), CONSORT_ENOPLUGIN);
	CU_ASSERT_EQUAL(consort_begin(c, "gone", &in, &error), CONSORT_ENOPLUGIN);
	CU_ASSERT_FALSE(consort_supports(c, "gone", CONSORT_FEATURE_READ, &why));
	check("supports", why, "no adapter of type 'nowhere'");
	TESTING_TEXT(api_find(c, "flight", "id", NULL, NULL), "");
	consort_close(c);
	/* what is wrong in the manifest itself is told all the same */
	check_open(DATABASE "optional = yes\npth = x\n", CONSORT_EOPTION,
		   "wrong.ini:5: the adapter 'sqlite' has no option");
	check_open("[database x]\ntype = nowhere\n", CONSORT_ENOPLUGIN, "wrong.ini:2: database 'x'");
	check_open("[database x]\ntype = nowhere\noptional = perhaps\n", CONSORT_EVALUE,
		   "wrong.ini:3: optional: ");
	/* and features of what is not there */
	check_open("[database x]\ntype = nowhere\noptional = yes\nfeatures = -fly\n", CONSORT_EMANIFEST,
		   "wrong.ini:4: unknown feature 'fly'");
}

/* 10 MB are read, and one mistake behind them is found by its line. */
static void test_large_manifest(void)
{
	static const char section[] =
		"[resource r%u]\ndatabase = db\nsource = things\nkey = id\nattribute.id = int64\n";
	struct consort *c;
	size_t room = 11 << 20, at;
	char *text = malloc(room), last[32];
	unsigned count = 0;

	at = (size_t)snprintf(text, room, DATABASE);
	while (at < (size_t)10 << 20) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		at += (size_t)snprintf(text + at, room - at, section, count++);
#pragma GCC diagnostic pop
	}
	c = api_open(text);
	snprintf(last, sizeof(last), "r%u", count - 1);
	check("last", api_find(c, last, "nope", NULL, NULL), "status 3: r1");
	check("last", api_find(c, last, "nope", NULL, NULL), ": no attribute 'nope'");
	consort_close(c);
	snprintf(text + at, room - at, "kye = id\n");
	check_open(text, CONSORT_EOPTION, ": the adapter 'sqlite' has no option 'kye' for a resource");
	free(text);
}

/* --- adapters --- */

static const char *with_library(const char *path)
{
	static char text[4096];

	snprintf(text, sizeof(text), "[plugin sqlite]\nlibrary = %s\n" DATABASE, path);
	return text;
}

static void test_plugins(void)
{
	static char adapter[16 << 20];
	const char *folder = testing_path("plugins"), *file;
	char path[4096];
	struct stat status;
	struct consort *c;
	FILE *from;
	size_t size;

	snprintf(path, sizeof(path), "%s/consort-sqlite.so", testing_plugins());
	from = fopen(path, "rb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(from);
	size = fread(adapter, 1, sizeof(adapter), from);
	fclose(from);
	CU_ASSERT_FATAL(size > 5000 && size < sizeof(adapter));
	CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0755), 0);
	file = testing_write_n("plugins/consort-sqlite.so", adapter, size);
	CU_ASSERT_EQUAL_FATAL(chmod(folder, 0777), 0);
	check_open(with_library(file), CONSORT_EUNTRUSTED,
		   "plugins is writable by everyone (mode 0777); 'chmod go-w");
	CU_ASSERT_EQUAL_FATAL(chmod(folder, 0755), 0);
	CU_ASSERT_EQUAL_FATAL(chmod(file, 0666), 0);
	check_open(with_library(file), CONSORT_EUNTRUSTED, "it is writable by everyone (mode 0666)");
	CU_ASSERT_EQUAL_FATAL(chmod(file, 0644), 0);
	testing_write_n("plugins/consort-sqlite.so", adapter, 5000);
	check_open(with_library(file), CONSORT_EUNTRUSTED, "is truncated: ");
	testing_write_n("plugins/consort-sqlite.so", adapter, 60);
	check_open(with_library(file), CONSORT_EUNTRUSTED, "is truncated: 60 bytes hold no ELF header");
	testing_write("plugins/consort-sqlite.so", "#!/bin/sh\necho hello\n");
	check_open(with_library(file), CONSORT_EUNTRUSTED, "is no shared object: it is not an ELF file");
	testing_write("plugins/consort-sqlite.so", "");
	check_open(with_library(file), CONSORT_EUNTRUSTED, "consort-sqlite.so");
	CU_ASSERT_EQUAL_FATAL(unlink(file), 0);
	check_open(with_library(file), CONSORT_ENOPLUGIN, "consort-sqlite.so: there is no such file");
	testing_write_n("plugins/consort-sqlite.so", adapter, size);
	CU_ASSERT_EQUAL_FATAL(stat(file, &status), 0);
	c = api_open(with_library(file));
	CU_ASSERT_PTR_NOT_NULL(c);
	consort_close(c);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"names", test_names},
		{"manifests", test_manifests},
		{"missing-columns", test_missing_columns},
		{"missing-ends", test_missing_ends},
		{"optional", test_optional},
		{"large-manifest", test_large_manifest},
		{"plugins", test_plugins},
		{NULL, NULL},
	};

	return testing_main("bad-manifest", cases, argc, argv);
}
