/* SPDX-License-Identifier: Apache-2.0 */
#include "file-adapter.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exec/exec.h"

static struct file_test *logging; /* the test that is running */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *host_alloc(uint64_t size)
{
	return malloc(size);
}

static void *host_realloc(void *memory, uint64_t size)
{
	return realloc(memory, size);
}

static void host_log(uint32_t level, const char *origin, const char *text)
{
	snprintf(logging->log, sizeof(logging->log), "%u %s: %s", (unsigned)level, origin, text);
}

static uint32_t host_once(const char *key, uint32_t (*fn)(void))
{
	(void)key;
	return fn();
}

static const void *host_extension(const char *name)
{
	(void)name;
	return NULL;
}

static const struct consort_host host = {
	.struct_size = sizeof(host),
	.version = "test",
	.alloc = host_alloc,
	.realloc = host_realloc,
	.free = free,
	.log = host_log,
	.clock = now,
	.clock_coarse = now,
	.once = host_once,
	.get_extension = host_extension,
};

void file_test_open(struct file_test *test, const char *folder)
{
	struct consort_setting path = {"path", consort_text(folder ? folder : testing_folder())};
	struct consort_database_config config = {sizeof(config), 1, "drop", &path};
	const struct consort_plugin *(*entry)(void) = NULL;
	char library[4096];
	void *handle;

	memset(test, 0, sizeof(*test));
	logging = test;
	snprintf(library, sizeof(library), "%s/consort-file.so", testing_plugins());
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	*(void **)&entry = dlsym(handle, "consort_plugin_entry_v1");
	test->plugin = entry();
	dlclose(handle);
	test->call.struct_size = sizeof(test->call);
	test->plugin->init(&host, &test->context, &test->error);
	if (test->plugin->database->open(test->context, &config, &test->database, &test->error))
		abort();
	if (test->plugin->connection->open(test->database, &test->call, &test->connection, &test->error))
		test->connection = NULL;
}

void file_test_close(struct file_test *test)
{
	if (test->connection)
		test->plugin->connection->close(test->connection, &test->call);
	test->plugin->database->close(test->database);
	consort_buffer_clear(&test->text);
}

/* --- settings and declarations --- */

static uint32_t count_texts(const char *const *texts)
{
	uint32_t count = 0;

	while (texts && texts[count])
		count++;
	return count;
}

static struct consort_setting *make_settings(struct consort_arena *arena, const char *const *texts)
{
	uint32_t count = count_texts(texts), i;
	struct consort_setting *settings = consort_arena_array(arena, count, sizeof(*settings));

	for (i = 0; i < count; i++) {
		const char *value = strchr(texts[i], '=') + 1;

		settings[i].name = consort_arena_copy(arena, texts[i], (size_t)(value - 1 - texts[i]));
		settings[i].value = consort_text(value);
		if (!strcmp(settings[i].name, "header"))
			settings[i].value = consort_bool(!strcmp(value, "yes"));
		else if (!strcmp(settings[i].name, "sample"))
			settings[i].value = consort_int64(strtol(value, NULL, 10));
	}
	return settings;
}

static void add_attribute(struct file_scan_test *scan, const struct consort_attribute *attribute)
{
	const struct consort_attribute **list =
		consort_arena_array(&scan->arena, scan->resource.nattributes + 1, sizeof(*list));
	struct consort_attribute *copy = consort_arena_alloc(&scan->arena, sizeof(*copy));

	*copy = *attribute;
	copy->name = consort_arena_text(&scan->arena, attribute->name);
	copy->source = consort_arena_text(&scan->arena, attribute->source);
	if (scan->resource.nattributes)
		memcpy(list, scan->resource.attributes, scan->resource.nattributes * sizeof(*list));
	list[scan->resource.nattributes++] = copy;
	scan->resource.attributes = list;
}

static void declare(struct file_scan_test *scan, const char *text)
{
	struct consort_attribute attribute = {.struct_size = sizeof(attribute),
					      .flags = CONSORT_ATTRIBUTE_DECLARED};
	char *name = consort_arena_text(&scan->arena, text), *type = strstr(name, " = "), *from;

	*type = '\0';
	type += 3;
	attribute.name = attribute.source = name;
	from = strstr(type, " from ");
	if (from) {
		*from = '\0';
		attribute.source = from + 6;
	}
	if (consort_type_parse(type, &attribute.type, NULL))
		abort();
	add_attribute(scan, &attribute);
}

static uint32_t take_resource(void *context, const struct consort_resource *resource)
{
	struct file_scan_test *scan = context;
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++)
		add_attribute(scan, resource->attributes[i]);
	return CONSORT_OK;
}

static uint32_t print_resource(void *context, const struct consort_resource *resource)
{
	struct file_test *test = context;
	uint32_t i;

	consort_buffer_printf(&test->text,
			      strcmp(resource->name, resource->source) ? "%s=%s:" : "%s:", resource->name,
			      resource->source);
	for (i = 0; i < resource->nattributes; i++) {
		consort_buffer_printf(&test->text, "%s %s ", i ? "," : "", resource->attributes[i]->name);
		consort_type_print(resource->attributes[i]->type, &test->text);
	}
	consort_buffer_char(&test->text, '\n');
	return CONSORT_OK;
}

uint32_t file_test_describe(struct file_test *test, const char *source, const char *const *settings)
{
	struct consort_resource_sink sink = {test, print_resource};
	struct consort_arena arena;
	uint32_t status;

	consort_arena_init(&arena, 0);
	consort_buffer_reset(&test->text);
	memset(&test->error, 0, sizeof(test->error));
	status = test->plugin->schema->introspect(test->connection, &test->call, source,
						  make_settings(&arena, settings), count_texts(settings),
						  &sink, &test->error);
	consort_arena_clear(&arena);
	return status;
}

/* --- scans --- */

static void make_scan(struct file_scan_test *scan)
{
	uint32_t count = scan->resource.nattributes, i;
	uint32_t *attributes = consort_arena_array(&scan->arena, count, sizeof(*attributes));
	struct consort_type *types = consort_arena_array(&scan->arena, count, sizeof(*types));

	for (i = 0; i < count; i++) {
		attributes[i] = i;
		types[i] = scan->resource.attributes[i]->type;
	}
	scan->node.struct_size = sizeof(scan->node);
	scan->node.kind = CONSORT_NODE_SCAN;
	scan->node.resource = &scan->resource;
	scan->node.nattributes = count;
	scan->node.attributes = attributes;
	scan->statement.struct_size = sizeof(scan->statement);
	scan->statement.root = &scan->node;
	scan->batch = consort_batch_new(types, count, 100, (uint64_t)1 << 20);
}

uint32_t file_test_begin(struct file_test *test, struct file_scan_test *scan, const char *source,
			 const char *const *settings, const char *const *declared)
{
	struct consort_resource_sink sink = {scan, take_resource};
	struct consort_run run = {.struct_size = sizeof(run)};
	uint32_t i, status = CONSORT_OK;

	memset(scan, 0, sizeof(*scan));
	memset(&test->error, 0, sizeof(test->error));
	consort_arena_init(&scan->arena, 0);
	scan->resource.struct_size = sizeof(scan->resource);
	scan->resource.name = "thing";
	scan->resource.source = source;
	scan->resource.settings = make_settings(&scan->arena, settings);
	scan->resource.nsettings = count_texts(settings);
	for (i = 0; declared && declared[i]; i++)
		declare(scan, declared[i]);
	if (!declared)
		status = test->plugin->schema->introspect(test->connection, &test->call, source,
							  scan->resource.settings, scan->resource.nsettings,
							  &sink, &test->error);
	if (status)
		return status;
	make_scan(scan);
	if (test->max_rows)
		scan->batch->max_rows = test->max_rows;
	status =
		test->plugin->query->compile(test->database, &scan->statement, &scan->compiled, &test->error);
	if (!status)
		status = test->plugin->query->open(test->connection, &test->call, scan->compiled, &run,
						   &scan->cursor, &test->error);
	return status;
}

uint32_t file_test_next(struct file_test *test, struct file_scan_test *scan)
{
	consort_batch_reset(scan->batch);
	return test->plugin->query->next(scan->cursor, &test->call, scan->batch, &test->error);
}

void file_test_end(struct file_test *test, struct file_scan_test *scan)
{
	if (scan->cursor)
		test->plugin->query->close(scan->cursor);
	if (scan->compiled)
		test->plugin->query->compiled_free(test->database, scan->compiled);
	consort_batch_free(scan->batch);
	consort_arena_clear(&scan->arena);
}

static void print_batch(struct file_test *test, const struct consort_batch *batch)
{
	struct consort_arena scratch;
	int64_t row;
	uint32_t i;

	consort_arena_init(&scratch, 0);
	for (row = 0; row < batch->nrows; row++) {
		for (i = 0; i < batch->ncolumns; i++) {
			struct consort_value value = consort_batch_value(batch, i, row, &scratch);

			if (i)
				consort_buffer_char(&test->text, '|');
			if (consort_value_is_null(&value))
				consort_buffer_text(&test->text, "NULL");
			consort_value_print(&value, &test->text);
		}
		consort_buffer_char(&test->text, '\n');
	}
	consort_arena_clear(&scratch);
}

uint32_t file_test_read(struct file_test *test, const char *source, const char *const *settings,
			const char *const *declared)
{
	struct file_scan_test scan;
	uint32_t status = file_test_begin(test, &scan, source, settings, declared);

	consort_buffer_reset(&test->text);
	while (!status) {
		status = file_test_next(test, &scan);
		if (!status)
			status = consort_batch_check(scan.batch, &test->error);
		if (status)
			break;
		print_batch(test, scan.batch);
		if (!scan.batch->nrows || (scan.batch->flags & CONSORT_BATCH_LAST))
			break;
	}
	file_test_end(test, &scan);
	return status;
}
