/* SPDX-License-Identifier: Apache-2.0 */
/* Databases added by text, and options by their types. */
#include <consort/plugin.h>

#include "manifest-helpers.h"

#include <stdio.h>
#include <sys/stat.h>

/* --- databases by text --- */

static struct consort_manifest *with_database(const char *text)
{
	struct consort_manifest *manifest = manifest_file(NULL);
	struct consort_error error = CONSORT_ERROR_INIT;

	consort_manifest_add(manifest, text, &error);
	TESTING_TEXT(error.message, "");
	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 1);
	return manifest;
}

static void test_add(void)
{
	struct consort_manifest *manifest;
	const struct consort_manifest_database *database;

	setenv("PW", "a,b=c", 1);
	manifest = with_database("x=sqlite:path=a\\,b.db,timeout=5s,password=${env:PW},c=\\d\\,,e=");
	database = manifest->databases;
	TESTING_TEXT(database->name, "x");
	TESTING_TEXT(database->type, "sqlite");
	CU_ASSERT_TRUE(database->expose_all);
	CU_ASSERT_EQUAL(database->timeout, 5000000000);
	TESTING_TEXT(database->where->file, "-d x");
	CU_ASSERT_EQUAL_FATAL(database->noptions, 4);
	TESTING_TEXT(database->options[0].key, "path");
	TESTING_TEXT(database->options[0].value, "a,b.db");
	TESTING_TEXT(database->options[0].file, "-d x");
	TESTING_TEXT(database->options[1].value, "a,b=c");
	TESTING_TEXT(database->options[1].shown, "${env:PW}");
	TESTING_TEXT(database->options[2].value, "\\d,");
	TESTING_TEXT(database->options[3].value, "");
	consort_manifest_free(manifest);
	manifest = with_database("größe=file");
	CU_ASSERT_EQUAL(manifest->databases[0].noptions, 0);
	consort_manifest_free(manifest);
	manifest = with_database("x=pg:dsn=host=a port=5:6");
	TESTING_TEXT(manifest->databases[0].options[0].value, "host=a port=5:6");
	consort_manifest_free(manifest);
}

static void test_add_many(void)
{
	struct consort_manifest *manifest = manifest_text("[database first]\ntype = t\n[resource "
							  "r]\ndatabase=first\n");
	char text[32];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "d%d=t:n=%d", i, i);
		CU_ASSERT_EQUAL_FATAL(consort_manifest_add(manifest, text, NULL), CONSORT_OK);
	}
	CU_ASSERT_EQUAL_FATAL(manifest->ndatabases, 101);
	TESTING_TEXT(manifest->databases[0].name, "first");
	TESTING_TEXT(manifest->databases[100].options[0].value, "99");
	consort_manifest_free(manifest);
}

/* --- options --- */

static struct consort_value option_of(struct consort_manifest *manifest, uint32_t type, const char *text)
{
	struct consort_option option = {
		.struct_size = sizeof(option), .type = type, .choices = "wal,delete,memory"};
	struct consort_manifest_entry entry = {
		.key = "k", .value = text, .shown = text, .file = "f", .line = 1};
	struct consort_error error = CONSORT_ERROR_INIT;
	struct consort_value value = consort_null();

	consort_manifest_option(manifest, &entry, &option, &value, &error);
	TESTING_TEXT(error.message, "");
	return value;
}

static void test_options(void)
{
	struct consort_manifest *manifest = manifest_text("");
	char expected[4200];

	TESTING_TEXT(option_of(manifest, CONSORT_OPTION_TEXT, " any ").as.view.data, " any ");
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_TEXT, "").as.view.size, 0);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_INT, "-9223372036854775808").as.int64, INT64_MIN);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_BOOL, "On").as.int64, 1);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_BOOL, "true").as.int64, 1);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_BOOL, "no").as.int64, 0);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_BOOL, "no").type.id, CONSORT_TYPE_BOOL);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_DURATION, "250ms").as.int64, 250000000);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_SIZE, "16MiB").as.int64, 16 << 20);
	CU_ASSERT_EQUAL(option_of(manifest, CONSORT_OPTION_SIZE, "16MiB").type.id, CONSORT_TYPE_INT64);
	TESTING_TEXT(option_of(manifest, CONSORT_OPTION_CHOICE, "delete").as.view.data, "delete");
	TESTING_TEXT(option_of(manifest, CONSORT_OPTION_PATH, ":memory:").as.view.data, ":memory:");
	TESTING_TEXT(option_of(manifest, CONSORT_OPTION_PATH, "/a/b").as.view.data, "/a/b");
	snprintf(expected, sizeof(expected), "%s/a b.db", manifest->folder);
	TESTING_TEXT(option_of(manifest, CONSORT_OPTION_PATH, "a b.db").as.view.data, expected);
	consort_manifest_free(manifest);
}

/* A path is relative to the manifest's folder; on the command line, to the working folder. */
static void test_paths(void)
{
	struct consort_manifest *manifest;
	struct consort_option option = {.struct_size = sizeof(option), .type = CONSORT_OPTION_PATH};
	struct consort_value value;
	char expected[4200];

	manifest_enter();
	CU_ASSERT_EQUAL(mkdir("sub", 0700), 0);
	testing_write("sub/consort.ini", "[database d]\ntype = t\npath = a.db\n");
	testing_write("sub/secret", "wrong");
	testing_write("secret", "right");
	manifest = manifest_file("sub/consort.ini");
	CU_ASSERT_EQUAL_FATAL(consort_manifest_add(manifest, "e=t:path=a.db,s=${file:secret}", NULL),
			      CONSORT_OK);
	CU_ASSERT_EQUAL(
		consort_manifest_option(manifest, manifest->databases[0].options, &option, &value, NULL), 0);
	snprintf(expected, sizeof(expected), "%s/sub/a.db", manifest->working);
	TESTING_TEXT(value.as.view.data, expected);
	CU_ASSERT_EQUAL(
		consort_manifest_option(manifest, manifest->databases[1].options, &option, &value, NULL), 0);
	snprintf(expected, sizeof(expected), "%s/a.db", manifest->working);
	TESTING_TEXT(value.as.view.data, expected);
	TESTING_TEXT(manifest->databases[1].options[1].value, "right");
	consort_manifest_free(manifest);
}

static void test_units(void)
{
	static const char *const wrong[] = {
		"",
		"5",
		"s",
		"5 s",
		" 5s",
		"-5s",
		"+5s",
		"1.5s",
		"5S",
		"5min",
		"9223372036854775808ms",
		"9223372036854775807s",
		"00",
		"5s ",
	};
	static const char *const wrong_sizes[] = {
		"", "KiB", "5KB", "5k", "-1", "5 KiB", "9223372036854775808", "9007199254740992KiB", "1e3",
	};
	int64_t number = 42;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CU_ASSERT_FALSE(consort_duration_parse(wrong[i], &number));
	for (i = 0; i < sizeof(wrong_sizes) / sizeof(wrong_sizes[0]); i++)
		CU_ASSERT_FALSE(consort_size_parse(wrong_sizes[i], &number));
	CU_ASSERT_EQUAL(number, 42);
	CU_ASSERT_TRUE(consort_duration_parse("0", &number) && number == 0);
	CU_ASSERT_TRUE(consort_duration_parse("1h", &number) && number == 3600000000000);
	CU_ASSERT_TRUE(consort_duration_parse("106751d", &number) && number == 106751 * 86400000000000);
	CU_ASSERT_FALSE(consort_duration_parse("106752d", &number));
	CU_ASSERT_TRUE(consort_size_parse("4096", &number) && number == 4096);
	CU_ASSERT_TRUE(consort_size_parse("9223372036854775807", &number) && number == INT64_MAX);
	CU_ASSERT_TRUE(consort_size_parse("2TiB", &number) && number == (int64_t)2 << 40);
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"add", test_add},     {"add_many", test_add_many}, {"options", test_options},
		{"paths", test_paths}, {"units", test_units},       {NULL, NULL},
	};

	return testing_main("manifest-options", cases, argc, argv);
}
