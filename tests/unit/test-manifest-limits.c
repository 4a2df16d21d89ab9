/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest's bounds: much text in little memory, too much of anything with a clear error, and no
 * memory at any allocation. The program is linked with --wrap, so that the allocations of the library come to
 * the functions below.
 */
#include <consort/plugin.h>

#include "manifest-helpers.h"

#include <stdio.h>
#include <sys/stat.h>

/* --- allocations that fail --- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static long allocations_left = -1; /* negative: no bound */
static size_t bytes_asked;

static bool fails(size_t size)
{
	bytes_asked += size;
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails(size) ? NULL : __real_realloc(memory, size);
}

static const char varied[] = "[consort]\n"
			     "plugin_path = a:b:/c\n"
			     "log = x.log:debug\n"
			     "state = here\n"
			     "include = more/*.ini\n"
			     "[plugin p]\n"
			     "library = ./p.so\n"
			     "features = -join\n"
			     "[database d]\n"
			     "type = t\n"
			     "resources = *\n"
			     "password = ${env:SECRET}${file:secret}\n"
			     "long = a\n"
			     "  b\n"
			     "[resource r]\n"
			     "database = d\n"
			     "key = a, b\n"
			     "attribute.a = decimal(5, 2) not null from \"x y\" codec z\n"
			     "relationship.x = r, a -> b, c -> d\n"
			     "relationship.y = d.r, a -> b\n"
			     "index.i = a, b unique\n";

/* One with a mistake in each place that makes a hint. */
static const char *const mistaken[] = {
	"[consrt]\n",
	"[consort]\nlogg = x\n",
	"[database d]\ntpye = x\n",
	"[database d]\ntype = t\npool.mx = 1\n",
	"[database d]\ntype = t\n[resource r]\ndatabase = e\n",
	"[consort]\ninclude = consort.ini\n",
};

/* Reads with the n-th allocation failing, for each n, until none fails any more; returns their number. */
static long sweep_read(enum consort_status expected)
{
	enum consort_status status;
	long n;

	for (n = 0;; n++) {
		struct consort_manifest *manifest = NULL;
		struct consort_error error = CONSORT_ERROR_INIT;

		allocations_left = n;
		status = consort_manifest_read("consort.ini", &manifest, &error);
		if (allocations_left >= 0) {
			allocations_left = -1;
			CU_ASSERT_EQUAL(status, expected);
			consort_manifest_free(manifest);
			return n;
		}
		CU_ASSERT_EQUAL_FATAL(status, CONSORT_ENOMEM);
		CU_ASSERT_PTR_NULL(manifest);
		TESTING_TEXT(error.message, "out of memory");
	}
}

static void test_no_memory(void)
{
	size_t i;

	manifest_enter();
	setenv("SECRET", "5ecret", 1);
	testing_write("secret", "more\n");
	testing_write("consort.ini", varied);
	CU_ASSERT_EQUAL(mkdir("more", 0700), 0);
	testing_write("more/a.ini", "[database e]\ntype = t\n");
	testing_write("more/b.ini", "[database f]\ntype = t\n");
	CU_ASSERT_TRUE(sweep_read(CONSORT_OK) > 20);
	for (i = 0; i < sizeof(mistaken) / sizeof(mistaken[0]); i++) {
		testing_write("consort.ini", mistaken[i]);
		CU_ASSERT_TRUE(sweep_read(CONSORT_EMANIFEST) > 1);
	}
}

/* Long texts, so that blocks of the arena end at different copies. */
static void test_no_memory_in_arena(void)
{
	static const char *const keys[] = {"source =", "key =", "x =", "attribute.a = text from",
					   "index.i ="};
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char name[128];
	size_t i, j;

	manifest_enter();
	memset(name, 'n', 127);
	name[127] = '\0';
	consort_buffer_printf(&text, "[database d]\ntype = t\nliteral = $${%04000d\n", 0);
	for (i = 0; i < 40; i++) {
		consort_buffer_printf(&text, "[resource r%zu]\ndatabase = d\n", i);
		for (j = 0; j < sizeof(keys) / sizeof(keys[0]); j++)
			consort_buffer_printf(&text, "%s %s\n", keys[j], name);
		consort_buffer_printf(&text, "relationship.%s = r0, %s -> %s\n", name, name, name);
	}
	testing_write("consort.ini", text.data);
	CU_ASSERT_TRUE(sweep_read(CONSORT_OK) > 20);
	consort_buffer_clear(&text);
}

static void test_no_memory_adding(void)
{
	static const char text[] = "x=t:a=1,b=${env:SECRET},c=\\,,pool.max=5";
	enum consort_status status;
	long n;

	setenv("SECRET", "5ecret", 1);
	for (n = 0;; n++) {
		struct consort_manifest *manifest = manifest_file(NULL);
		bool failed;

		allocations_left = n;
		status = consort_manifest_add(manifest, text, NULL);
		failed = allocations_left < 0;
		allocations_left = -1;
		CU_ASSERT_EQUAL(manifest->ndatabases, failed ? 0 : 1);
		consort_manifest_free(manifest);
		CU_ASSERT_EQUAL_FATAL(status, failed ? CONSORT_ENOMEM : CONSORT_OK);
		if (!failed)
			break;
	}
	CU_ASSERT_TRUE(n > 2);
}

/* The same for one option. */
static void sweep_option(uint32_t type, const char *text, enum consort_status expected)
{
	struct consort_option option = {.struct_size = sizeof(option), .type = type, .choices = "wal,delete"};
	struct consort_manifest_entry entry = {
		.key = "k", .value = text, .shown = text, .file = "f", .line = 1};
	enum consort_status status;
	long n;

	for (n = 0;; n++) {
		struct consort_manifest *manifest = manifest_file(NULL);
		struct consort_value value = consort_int64(42);
		bool failed;

		while (consort_arena_alloc(&manifest->arena, 1) && manifest->arena.used % 1024 != 0)
			; /* the next text needs a block of its own */
		allocations_left = n;
		status = consort_manifest_option(manifest, &entry, &option, &value, NULL);
		failed = allocations_left < 0;
		allocations_left = -1;
		consort_manifest_free(manifest);
		CU_ASSERT_EQUAL_FATAL(status, failed ? CONSORT_ENOMEM : expected);
		CU_ASSERT_TRUE(!status == (value.type.id == CONSORT_TYPE_TEXT));
		if (!failed)
			break;
	}
	CU_ASSERT_TRUE(n > 0);
}

static void test_no_memory_options(void)
{
	sweep_option(CONSORT_OPTION_PATH, "a/b.db", CONSORT_OK);
	sweep_option(CONSORT_OPTION_CHOICE, "delete", CONSORT_OK);
	sweep_option(CONSORT_OPTION_CHOICE, "delte", CONSORT_EVALUE);
}

/* --- size --- */

/* A manifest of that many resources, about 100 bytes each: its size, and the bytes that reading it asks for. */
static void read_many(uint32_t count, size_t *out_size, size_t *out_asked)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_manifest *manifest;
	uint32_t i;

	consort_buffer_text(&text, "[database d]\ntype = t\n");
	for (i = 0; i < count; i++)
		consort_buffer_printf(&text,
				      "[resource res%u]\ndatabase = d\nsource = table_%u\nkey = id\n"
				      "attribute.at = timestamp\nrelationship.next = res%u, next -> id\n",
				      i, i, (i + 1) % count);
	manifest_enter();
	testing_write_n("many.ini", text.data, text.size);
	*out_size = text.size;
	consort_buffer_clear(&text);
	bytes_asked = 0;
	manifest = manifest_file("many.ini");
	*out_asked = bytes_asked;
	CU_ASSERT_EQUAL_FATAL(manifest->nresources, count);
	TESTING_TEXT(manifest->resources[count - 1].relationships[0].target, "res0");
	CU_ASSERT_EQUAL(manifest->resources[count - 1].where->line, 3 + (count - 1) * 6);
	consort_manifest_free(manifest);
}

static void test_many_resources(void)
{
	size_t few_size, few_asked, size, asked;

	read_many(10000, &few_size, &few_asked);
	read_many(100000, &size, &asked);
	printf("  %zu KiB, %.1f bytes asked for a byte\n", size >> 10, (double)asked / (double)size);
	CU_ASSERT_TRUE(size > 10000000);
	CU_ASSERT_TRUE((double)asked / (double)size < 1.3 * (double)few_asked / (double)few_size);
}

/* Many keys of one section: a search among them for each would take minutes. */
static void test_many_keys(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	struct consort_manifest *manifest;
	uint32_t i;

	consort_buffer_text(&text, "[database d]\ntype = t\n[resource r]\ndatabase = d\nkey = a");
	for (i = 0; i < 50000; i++)
		consort_buffer_printf(&text, ", k%u", i);
	for (i = 0; i < 200000; i++)
		consort_buffer_printf(&text, "\nattribute.a%u = text", i);
	manifest_enter();
	testing_write_n("keys.ini", text.data, text.size);
	manifest = manifest_file("keys.ini");
	CU_ASSERT_EQUAL(manifest->resources[0].nattributes, 200000);
	CU_ASSERT_EQUAL(manifest->resources[0].nkeys, 50001);
	consort_manifest_free(manifest);
	consort_buffer_clear(&text);
}

/* --- too much --- */

static char *filled(const char *before, char filler, size_t size, const char *after)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char *fill = malloc(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(fill);
	memset(fill, filler, size);
	consort_buffer_text(&text, before);
	consort_buffer_append(&text, fill, size);
	consort_buffer_text(&text, after);
	free(fill);
	return consort_buffer_steal(&text);
}

static void test_long_value(void)
{
	char *text = filled("[database d]\ntype = t\nx = ", 'x', (1 << 20) - 2, "\n y\n");
	struct consort_manifest *manifest = manifest_text(text);

	CU_ASSERT_EQUAL(strlen(manifest->databases[0].options[0].value), 1 << 20);
	consort_manifest_free(manifest);
	free(text);
	text = filled("[database d]\ntype = t\nx = ", 'x', (1 << 20) - 1, "\n y\n");
	manifest_refuse(text, "consort.ini:4: a value of 1048577 bytes; the longest has 1048576");
	free(text);
}

/* What comes in by ${file:…} counts too. */
static void test_long_secret(void)
{
	struct consort_buffer text = CONSORT_BUFFER_INIT;
	char *secret = filled("", 's', 65536, "");
	int i;

	manifest_enter();
	testing_write("s", secret);
	consort_buffer_text(&text, "[database d]\ntype = t\nx = ");
	for (i = 0; i < 17; i++)
		consort_buffer_text(&text, "${file:s}");
	manifest_refuse(text.data, "consort.ini:3: x: a value of more than 1048576 bytes");
	consort_buffer_clear(&text);
	free(secret);
}

/* A sparse file of 64 MiB and a byte. */
static void test_large_file(void)
{
	const char *path;
	FILE *file;

	manifest_enter();
	path = testing_write("large.ini", "");
	file = fopen(path, "r+");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, 64 << 20, SEEK_SET), 0);
	CU_ASSERT_EQUAL(fputc('\n', file), '\n');
	CU_ASSERT_EQUAL(fclose(file), 0);
	manifest_refuse_file("large.ini", CONSORT_EMANIFEST,
			     "cannot read 'large.ini': a manifest has at most 67108864 bytes");
}

static void test_deep_includes(void)
{
	struct consort_manifest *manifest;
	char name[32], text[64];
	int i;

	manifest_enter();
	for (i = 0; i <= 17; i++) {
		snprintf(name, sizeof(name), "%d.ini", i);
		snprintf(text, sizeof(text), "[consort]\ninclude = %d.ini\n", i + 1);
		testing_write(name, i < 17 ? text : "");
	}
	manifest = manifest_file("1.ini");
	consort_manifest_free(manifest);
	manifest_refuse_file("0.ini", CONSORT_EMANIFEST,
			     "16.ini:2: includes are nested too deep, 16 files are allowed: 0.ini includes "
			     "1.ini includes 2.ini includes 3.ini includes 4.ini includes 5.ini includes "
			     "6.ini includes 7.ini includes 8.ini includes 9.ini includes 10.ini includes "
			     "11.ini includes 12.ini includes 13.ini includes 14.ini includes 15.ini "
			     "includes 16.ini includes 17.ini");
}

static void test_many_includes(void)
{
	struct consort_manifest *manifest;
	char name[32], text[64];
	int i;

	manifest_enter();
	CU_ASSERT_EQUAL(mkdir("d", 0700), 0);
	for (i = 0; i < 999; i++) {
		snprintf(name, sizeof(name), "d/%03d.ini", i);
		snprintf(text, sizeof(text), "[database d%d]\ntype = t\n", i);
		testing_write(name, text);
	}
	manifest = manifest_text("[consort]\ninclude = d/*\n");
	CU_ASSERT_EQUAL(manifest->ndatabases, 999);
	TESTING_TEXT(manifest->databases[998].name, "d998");
	consort_manifest_free(manifest);
	testing_write("d/zzz.ini", "");
	manifest_refuse("[consort]\ninclude = d/*\n", "consort.ini:2: too many files are included, 1000 are "
						      "allowed: consort.ini includes d/zzz.ini");
}

int main(int argc, char **argv)
{
	static const struct testing_case cases[] = {
		{"no_memory", test_no_memory},
		{"no_memory_in_arena", test_no_memory_in_arena},
		{"no_memory_adding", test_no_memory_adding},
		{"no_memory_options", test_no_memory_options},
		{"many_resources", test_many_resources},
		{"many_keys", test_many_keys},
		{"long_value", test_long_value},
		{"long_secret", test_long_secret},
		{"large_file", test_large_file},
		{"deep_includes", test_deep_includes},
		{"many_includes", test_many_includes},
		{NULL, NULL},
	};

	return testing_main("manifest-limits", cases, argc, argv);
}
