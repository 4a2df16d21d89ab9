/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest says, in every form that it may be written in. */
#include <consort/host.h>

#include "manifest-helpers.h"

#include <stdio.h>
#include <sys/stat.h>

/* The value of the only database's option, in a manifest whose option has this text behind "x =". */
static char *option_value(const char *written)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_manifest *manifest;
	char *value;

	consort_buffer_printf(&text, "[database d]\ntype = t\nx =%s\ny = 1\n", written);
	manifest = manifest_text(text.data);
	consort_buffer_reset(&text);
	CU_ASSERT_EQUAL_FATAL(manifest->databases[0].noptions, 2);
	consort_buffer_text(&text, manifest->databases[0].options[0].value);
	consort_manifest_free(manifest);
	value = consort_buffer_steal(&text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	return value;
}

static void check_value(const char *written, const char *expected)
{
	char *value = option_value(written);

	TESTING_TEXT(value, expected);
	free(value);
}

/* --- all of it --- */

static const char example[] = "[consort]\n"
			      "plugin_path = /opt/acme/consort:more        ; added before the system's\n"
			      "log = stderr:debug\n"
			      "state = state/here\n"
			      "memory_limit = 64MiB\n"
			      "\n"
			      "[plugin postgres]                      ; optional\n"
			      "library = consort-postgres.so\n"
			      "features = -prepare_commit             ; may only take away\n"
			      "[plugin mine]\n"
			      "library = lib/mine.so\n"
			      "\n"
			      "# the first database\n"
			      "[database core]\n"
			      "type = postgres\n"
			      "host = localhost\n"
			      "password = ${env:CORE_PASSWORD}        ; or a file\n"
			      "pool.max = 20\n"
			      "pool.min = 2\n"
			      "pool.acquire_timeout = 250ms\n"
			      "pool.idle_timeout = 2m\n"
			      "pool.max_lifetime = 7d\n"
			      "pool.keepalive = 0\n"
			      "pool.leak_warn = 1h\n"
			      "timeout = 5s                           ; default deadline of a call\n"
			      "optional = yes\n"
			      "features = -join\n"
			      "\n"
			      "[database local]\n"
			      "type = sqlite\n"
			      "resources = *\n"
			      "path = local.db\n"
			      "\n"
			      "[resource flight]\n"
			      "database = core\n"
			      "source = flights\n"
			      "key = id, part\n"
			      "attribute.departed_at = timestamp not null from dep.at codec epoch_ms\n"
			      "attribute.tags = json\n"
			      "attribute.price = decimal(12, 2) Generated NOT NULL\n"
			      "attribute.words = list of text from \"the words\"\n"
			      "relationship.origin = airport, origin -> iata\n"
			      "relationship.order = local.orders, a->b , c -> d\n"
			      "index.by_tags = tags, departed_at unique\n"
			      "index.plain = tags\n"
			      "index.odd = id, unique\n"
			      "ttl = 5\n"
			      "\n"
			      "[resource airport]\n"
			      "database = local\n";

static void check_database(const struct consort_manifest_database *database)
{
	TESTING_TEXT(database->name, "core");
	TESTING_TEXT(database->type, "postgres");
	CU_ASSERT_EQUAL(database->where->line, 14);
	TESTING_TEXT(database->where->file, "consort.ini");
	CU_ASSERT_FALSE(database->expose_all);
	CU_ASSERT_TRUE(database->optional);
	CU_ASSERT_EQUAL(database->timeout, 5000000000);
	CU_ASSERT_EQUAL(database->pool.max, 20);
	CU_ASSERT_EQUAL(database->pool.min, 2);
	CU_ASSERT_EQUAL(database->pool.acquire_timeout, 250000000);
	CU_ASSERT_EQUAL(database->pool.idle_timeout, 120000000000);
	CU_ASSERT_EQUAL(database->pool.max_lifetime, 7 * 86400000000000);
	CU_ASSERT_EQUAL(database->pool.keepalive, 0);
	CU_ASSERT_EQUAL(database->pool.leak_warn, 3600000000000);
	TESTING_TEXT(database->features->value, "-join");
	CU_ASSERT_EQUAL_FATAL(database->noptions, 2);
	TESTING_TEXT(database->options[0].key, "host");
	CU_ASSERT_EQUAL(database->options[0].line, 16);
	TESTING_TEXT(database->options[1].value, "pass ;word\"#");
	TESTING_TEXT(database->options[1].shown, "${env:CORE_PASSWORD}");
	CU_ASSERT_TRUE(database->options[1].from_secret);
	CU_ASSERT_FALSE(database->options[0].from_secret);
}

static void check_attributes(const struct consort_manifest_resource *flight)
{
	const struct consort_manifest_attribute *attributes = flight->attributes;

	CU_ASSERT_EQUAL_FATAL(flight->nattributes, 4);
	TESTING_TEXT(attributes[0].name, "departed_at");
	TESTING_TEXT(attributes[0].source, "dep.at");
	TESTING_TEXT(attributes[0].codec, "epoch_ms");
	CU_ASSERT_EQUAL(attributes[0].type.id, CONSORT_TYPE_TIMESTAMP);
	CU_ASSERT_EQUAL(attributes[0].flags, CONSORT_ATTRIBUTE_DECLARED | CONSORT_ATTRIBUTE_NOT_NULL);
	CU_ASSERT_PTR_NULL(attributes[1].source);
	CU_ASSERT_PTR_NULL(attributes[1].codec);
	CU_ASSERT_EQUAL(attributes[1].flags, CONSORT_ATTRIBUTE_DECLARED);
	CU_ASSERT_TRUE(consort_type_equal(attributes[2].type, consort_type_decimal(12, 2)));
	CU_ASSERT_EQUAL(attributes[2].flags, CONSORT_ATTRIBUTE_DECLARED | CONSORT_ATTRIBUTE_NOT_NULL |
						     CONSORT_ATTRIBUTE_GENERATED);
	CU_ASSERT_EQUAL(attributes[3].type.id, CONSORT_TYPE_LIST);
	CU_ASSERT_EQUAL(attributes[3].type.element, CONSORT_TYPE_TEXT);
	TESTING_TEXT(attributes[3].source, "the words");
	CU_ASSERT_EQUAL(attributes[3].where->line, 41);
}

static void check_resource(const struct consort_manifest_resource *flight)
{
	TESTING_TEXT(flight->name, "flight");
	TESTING_TEXT(flight->database, "core");
	TESTING_TEXT(flight->source, "flights");
	CU_ASSERT_EQUAL(flight->where_database->line, 35);
	CU_ASSERT_EQUAL(flight->where_keys->line, 37);
	CU_ASSERT_EQUAL_FATAL(flight->nkeys, 2);
	TESTING_TEXT(flight->keys[1], "part");
	check_attributes(flight);
	CU_ASSERT_EQUAL_FATAL(flight->nrelationships, 2);
	TESTING_TEXT(flight->relationships[0].target, "airport");
	TESTING_TEXT(flight->relationships[1].target, "local.orders");
	CU_ASSERT_EQUAL_FATAL(flight->relationships[1].npairs, 2);
	TESTING_TEXT(flight->relationships[1].from[0], "a");
	TESTING_TEXT(flight->relationships[1].to[0], "b");
	TESTING_TEXT(flight->relationships[1].from[1], "c");
	TESTING_TEXT(flight->relationships[1].to[1], "d");
	CU_ASSERT_EQUAL_FATAL(flight->nindexes, 3);
	CU_ASSERT_TRUE(flight->indexes[0].unique);
	CU_ASSERT_EQUAL_FATAL(flight->indexes[0].nattributes, 2);
	TESTING_TEXT(flight->indexes[0].attributes[1], "departed_at");
	CU_ASSERT_FALSE(flight->indexes[1].unique);
	CU_ASSERT_FALSE(flight->indexes[2].unique);
	TESTING_TEXT(flight->indexes[2].attributes[1], "unique");
	CU_ASSERT_EQUAL_FATAL(flight->noptions, 1);
	TESTING_TEXT(flight->options[0].key, "ttl");
}

static void test_example(void)
{
	struct consort_manifest *manifest;
	char *folder = realpath(testing_folder(), NULL);
	char expected[4200];

	setenv("CORE_PASSWORD", "pass ;word\"#", 1);
	manifest = manifest_text(example);
	TESTING_TEXT(manifest->path, "consort.ini");
	TESTING_TEXT(manifest->folder, folder);
	snprintf(expected, sizeof(expected), "/opt/acme/consort:%s/more", folder);
	TESTING_TEXT(manifest->plugin_path, expected);
	CU_ASSERT_EQUAL(manifest->log_level, CONSORT_LOG_DEBUG);
	CU_ASSERT_PTR_NULL(manifest->log_file);
	snprintf(expected, sizeof(expected), "%s/state/here", folder);
	TESTING_TEXT(manifest->state, expected);
	CU_ASSERT_EQUAL(manifest->memory_limit, 64 << 20);
	CU_ASSERT_EQUAL_FATAL(manifest->nplugins, 2);
	TESTING_TEXT(manifest->plugins[0].library, "consort-postgres.so");
	TESTING_TEXT(manifest->plugins[0].features->value, "-prepare_commit");
	snprintf(expected, sizeof(expected), "%s/lib/mine.so", folder);
	TESTING_TEXT(manifest->plugins[1].library, expected);
	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 2);
	check_database(&manifest->databases[0]);
	CU_ASSERT_TRUE(manifest->databases[1].expose_all);
	CU_ASSERT_FALSE(manifest->databases[1].optional);
	CU_ASSERT_EQUAL_FATAL(manifest->nresources, 2);
	check_resource(&manifest->resources[0]);
	CU_ASSERT_PTR_NULL(manifest->resources[1].source);
	CU_ASSERT_EQUAL(manifest->resources[1].nkeys, 0);
	consort_manifest_free(manifest);
	free(folder);
}

static void test_none(void)
{
	struct consort_manifest *manifest;
	char *folder;

	manifest_enter();
	folder = realpath(".", NULL);
	manifest = manifest_file(NULL);
	TESTING_TEXT(manifest->path, "");
	TESTING_TEXT(manifest->folder, folder);
	CU_ASSERT_EQUAL(manifest->ndatabases + manifest->nresources + manifest->nplugins,
			0);
	consort_manifest_free(manifest);
	consort_manifest_free(NULL);
	manifest = manifest_text("");
	CU_ASSERT_EQUAL(manifest->ndatabases, 0);
	consort_manifest_free(manifest);
	free(folder);
}

/* --- how things may be written --- */

static void test_values(void)
{
	check_value(" plain ", "plain");
	check_value("", "");
	check_value(" a=b:c", "a=b:c");
	check_value(" a;b#c ; comment", "a;b#c");
	check_value(" a\t; comment ; more", "a");
	check_value(" # no comment", "# no comment");
	check_value(";q", ";q");
	check_value(" ; all comment", "");
	check_value(" \"  a ; b # c  \"", "  a ; b # c  ");
	check_value(" \"say \"\"hi\"\"\" ; comment", "say \"hi\"");
	check_value(" \"\"", "");
	check_value(" 5\" wide", "5\" wide");
	check_value(" \\\"x\\\"", "\\\"x\\\"");
	check_value(" a\r", "a");
	check_value(" é€\xf0\x9f\x98\x80", "é€\xf0\x9f\x98\x80");
	check_value(" ' OR 1=1 --", "' OR 1=1 --");
}

static void test_continuations(void)
{
	check_value(" a,\n  b ; comment\n\t c", "a, b c");
	check_value(" a\n# a comment\n  # another\n  b", "a b");
	check_value(" \"ab\"\n  \"cd\"\n  \"\"", "abcd");
	check_value(" ab\n  \" cd\"", "ab  cd");
	check_value("\n  late", "late");
	check_value(" host=a\n  port=5", "host=a port=5");
}

static void test_indentation(void)
{
	struct consort_manifest *manifest = manifest_text("  [database d]\n"
							  "   type = t\n"
							  "   x = 1\n"
							  "     2\n"
							  "\n"
							  "     y = 3\n"
							  "       4\n"
							  "       [database e]\n"
							  "z = 5\r\n"
							  "type : u\r\n");

	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 2);
	CU_ASSERT_EQUAL_FATAL(manifest->databases[0].noptions, 2);
	TESTING_TEXT(manifest->databases[0].options[0].value, "1 2");
	TESTING_TEXT(manifest->databases[0].options[1].key, "y");
	TESTING_TEXT(manifest->databases[0].options[1].value, "3 4");
	CU_ASSERT_EQUAL(manifest->databases[0].options[1].line, 6);
	TESTING_TEXT(manifest->databases[1].type, "u");
	CU_ASSERT_EQUAL(manifest->databases[1].where->line, 8);
	consort_manifest_free(manifest);
}

static void test_bom_and_ends(void)
{
	struct consort_manifest *manifest = manifest_text("\xef\xbb\xbf[database d]\r\ntype = t\r\nx = 1");

	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 1);
	TESTING_TEXT(manifest->databases[0].options[0].value, "1");
	consort_manifest_free(manifest);
}

static void test_names(void)
{
	static const char *const names[] = {
		"select",
		"Upper Case",
		"it's",
		"say \"hi\"",
		"a.b.c",
		"größe",
		"x;y",
		"drop table x; --",
		"a_name_of_more_than_sixty_three_characters_so_that_postgresql_would_cut_it",
	};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_manifest *manifest;
	char longest[128];
	size_t i, count = sizeof(names) / sizeof(names[0]);

	memset(longest, 'n', 127);
	longest[127] = '\0';
	consort_buffer_printf(&text, "[database %s]\ntype = t\n", longest);
	for (i = 0; i < count; i++)
		consort_buffer_printf(&text,
				      "[resource %s]\ndatabase = %s\nattribute.%s = int64\nkey = %s, %s\n",
				      names[i], longest, names[i], names[i], longest);
	consort_buffer_printf(&text, "[resource \"a]\"\"b\"] ; comment\ndatabase = %s\n", longest);
	consort_buffer_printf(&text,
			      "[ resource\t%s ]# comment\ndatabase = %s\nrelationship.%s = a.b.c, %s -> "
			      "a.b\n",
			      longest, longest, longest, longest);
	manifest = manifest_text(text.data);
	CU_ASSERT_EQUAL_FATAL(manifest->nresources, count + 2);
	for (i = 0; i < count; i++) {
		TESTING_TEXT(manifest->resources[i].name, names[i]);
		TESTING_TEXT(manifest->resources[i].attributes[0].name, names[i]);
		TESTING_TEXT(manifest->resources[i].keys[0], names[i]);
	}
	TESTING_TEXT(manifest->resources[count].name, "a]\"b");
	TESTING_TEXT(manifest->resources[count + 1].name, longest);
	TESTING_TEXT(manifest->resources[count + 1].relationships[0].name, longest);
	TESTING_TEXT(manifest->resources[count + 1].relationships[0].to[0], "a.b");
	consort_manifest_free(manifest);
	consort_buffer_clear(&text);
}

/* --- ${…} --- */

static void test_secrets(void)
{
	struct consort_manifest *manifest;
	const struct consort_manifest_entry *options;
	struct consort_buffer shown = CONSORT_BUFFER_INIT;

	setenv("ONE", "1 ; ${env:TWO} \"", 1);
	setenv("NONE", "", 1);
	testing_write("secret", "line\nline 2 ;\n");
	testing_write("windows", "abc\r\n");
	testing_write("bare", "\nx");
	manifest = manifest_text("[database d]\n"
				 "type = t\n"
				 "a = <${env:ONE}|${file:secret}>\n"
				 "b = \" ${env:NONE} ; \" ; comment\n"
				 "c = $${env:ONE} $$${file:bare}$\n"
				 "d = ${file:windows}\n"
				 "${env:e} = 5\n"
				 "f = ${env:ONE}\n"
				 "  ${env:ONE}\n");
	options = manifest->databases[0].options;
	TESTING_TEXT(options[0].value, "<1 ; ${env:TWO} \"|line\nline 2 ;>");
	TESTING_TEXT(options[0].shown, "<${env:ONE}|${file:secret}>");
	TESTING_TEXT(options[1].value, "  ; ");
	CU_ASSERT_TRUE(options[1].from_secret);
	TESTING_TEXT(options[2].value, "${env:ONE} $${file:bare}$");
	CU_ASSERT_FALSE(options[2].from_secret);
	TESTING_TEXT(options[3].value, "abc");
	TESTING_TEXT(options[4].key, "${env");
	TESTING_TEXT(options[5].value, "1 ; ${env:TWO} \" 1 ; ${env:TWO} \"");
	consort_scrub("(1 ; ${env:TWO} \"), (line\nline 2 ;), 'abc', <", &shown);
	TESTING_TEXT(shown.data, "(***), (***), '***', <");
	consort_manifest_free(manifest);
	consort_buffer_reset(&shown);
	consort_scrub("(line\nline 2 ;)", &shown);
	TESTING_TEXT(shown.data, "(line\nline 2 ;)");
	consort_buffer_clear(&shown);
}

/* A value of several KB, in one line, in many, and from a file. */
static void test_long_values(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[8192 + 1], file[65536 + 2];
	struct consort_buffer written = CONSORT_BUFFER_INIT;
	struct consort_manifest *manifest;
	size_t i;

	for (i = 0; i < 8192; i++)
		text[i] = alphabet[i % 61];
	text[8192] = '\0';
	memset(file, 'f', 65536);
	memcpy(file + 65536, "\n", 2);
	testing_write_n("big", file, 65536);
	consort_buffer_printf(&written, "[database d]\ntype = t\na = %s ; no\nb =", text);
	for (i = 0; i < 8192; i += 64)
		consort_buffer_printf(&written, "\n  \"%.64s\"", text + i);
	consort_buffer_printf(&written, "\nc = ${file:big}\n");
	manifest = manifest_text(written.data);
	TESTING_TEXT(manifest->databases[0].options[0].value, text);
	TESTING_TEXT(manifest->databases[0].options[1].value, text);
	CU_ASSERT_EQUAL(manifest->databases[0].options[1].line, 4);
	CU_ASSERT_EQUAL(manifest->databases[0].options[2].line, 133);
	CU_ASSERT_EQUAL(strlen(manifest->databases[0].options[2].value), 65536);
	consort_manifest_free(manifest);
	consort_buffer_clear(&written);
}

/* --- include --- */

static void test_include(void)
{
	struct consort_manifest *manifest;

	manifest_enter();
	CU_ASSERT_EQUAL(mkdir("a[1]", 0700) | mkdir("a[1]/conf.d", 0700) | mkdir("a[1]/empty", 0700), 0);
	testing_write("a[1]/conf.d/b.ini", "[consort]\nlog = x.log:warning\n[database b]\ntype = t\nfile = "
					   "${file:here}\n");
	testing_write("a[1]/conf.d/B.ini", "[consort]\ninclude = ../empty/*.ini\n[database c]\ntype = t\n");
	testing_write("a[1]/conf.d/c.txt", "nothing\n");
	testing_write("a[1]/here", "at the first manifest");
	testing_write("a[1]/main.ini", "[consort]\ninclude = conf.d/*.ini\n[resource r]\ndatabase = b\n"
				       "[database a]\ntype = t\n");
	manifest = manifest_file("a[1]/main.ini");
	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 3);
	TESTING_TEXT(manifest->databases[0].name, "a");
	TESTING_TEXT(manifest->databases[1].name, "c");
	TESTING_TEXT(manifest->databases[2].name, "b");
	TESTING_TEXT(manifest->databases[2].where->file, "a[1]/conf.d/b.ini");
	CU_ASSERT_EQUAL(manifest->databases[2].where->line, 3);
	TESTING_TEXT(manifest->databases[2].options[0].value, "at the first manifest");
	CU_ASSERT_EQUAL(manifest->log_level, CONSORT_LOG_WARNING);
	TESTING_CONTAINS(manifest->folder, "/a[1]");
	TESTING_CONTAINS(manifest->log_file, "/a[1]/x.log");
	consort_manifest_free(manifest);
}

/* The same file may be read twice, if it says nothing that may stand only once. */
static void test_include_twice(void)
{
	struct consort_manifest *manifest;

	manifest_enter();
	testing_write("a.ini", "[consort]\ninclude = common.ini\n");
	testing_write("b.ini", "[consort]\ninclude = common.ini\n");
	testing_write("common.ini", "# nothing\n");
	manifest = manifest_text("[consort]\ninclude = [ab].ini\n");
	CU_ASSERT_EQUAL(manifest->ndatabases, 0);
	consort_manifest_free(manifest);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"example", test_example},
		{"none", test_none},
		{"values", test_values},
		{"continuations", test_continuations},
		{"indentation", test_indentation},
		{"bom_and_ends", test_bom_and_ends},
		{"names", test_names},
		{"secrets", test_secrets},
		{"long_values", test_long_values},
		{"include", test_include},
		{"include_twice", test_include_twice},
		{NULL, NULL},
	};

	return testing_main("manifest", cases, argc, argv);
}
