/* SPDX-License-Identifier: Apache-2.0 */
#include "file-adapter.h"

uint32_t file_test_open(struct adapter_test *test, const char *folder)
{
	char setting[4200];

	snprintf(setting, sizeof(setting), "path=%s", folder ? folder : testing_folder());
	return adapter_open(test, "file", ADAPTER_LIST(setting));
}

static uint32_t print_resource(void *context, const struct consort_resource *resource)
{
	struct adapter_test *test = context;
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

uint32_t file_test_describe(struct adapter_test *test, const char *source, const char *const *settings)
{
	struct consort_resource_sink sink = {test, print_resource};
	const struct consort_setting *list;
	uint32_t count;

	list = adapter_settings(test, settings, &count);
	consort_buffer_reset(&test->text);
	memset(&test->error, 0, sizeof(test->error));
	return test->plugin->schema->introspect(test->connection, &test->call, source, list, count, &sink,
						&test->error);
}

uint32_t file_test_begin(struct adapter_test *test, const char *source, const char *const *settings,
			 const char *const *declared, struct adapter_cursor *cursor)
{
	struct consort_resource *resource;

	memset(cursor, 0, sizeof(*cursor));
	memset(&test->error, 0, sizeof(test->error));
	resource = declared ? adapter_new_resource(test, source, settings)
			    : adapter_introspect(test, source, settings);
	if (!resource)
		return test->error.status;
	resource->name = "thing";
	adapter_declare(test, resource, declared);
	return adapter_begin_tree(test, adapter_scan(test, resource), CONSORT_NO_ARGS, NULL, cursor);
}

uint32_t file_test_read(struct adapter_test *test, const char *source, const char *const *settings,
			const char *const *declared)
{
	struct adapter_cursor cursor;
	uint32_t status = file_test_begin(test, source, settings, declared, &cursor);

	consort_buffer_reset(&test->text);
	if (!status)
		status = adapter_read(test, &cursor);
	adapter_end(test, &cursor);
	return status;
}
