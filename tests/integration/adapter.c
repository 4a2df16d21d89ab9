/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins, databases and resources, with the core's own loader, host and reading of options. */
#include "adapter.h"

#include "loader/loader.h"
#include "pool/pool.h"
#include "resources/resources.h"

/* --- options --- */

/* "name=value" as the core reads them from a section of that scope. */
static const struct consort_setting *read_settings(struct adapter_test *test, uint32_t scope,
						   const char *const *texts, uint32_t *out_count)
{
	struct consort_manifest_entry entries[16] = {{0}},
				      where = {.key = "test", .value = "", .shown = "", .file = ""};
	struct consort_manifest manifest = {.folder = "/", .working = "/"};
	const struct consort_setting *settings = NULL;
	uint32_t count = 0;

	/* the arena is lent, so that the settings live as long as the test */
	manifest.arena = test->arena;
	for (; texts && texts[count]; count++) {
		const char *value = strchr(texts[count], '=');

		ADAPTER_MUST(test, value && count < 16);
		entries[count] = where;
		entries[count].key =
			consort_arena_copy(&manifest.arena, texts[count], (size_t)(value - texts[count]));
		entries[count].value = entries[count].shown = value + 1;
	}
	ADAPTER_MUST(test, !consort_settings_check(&manifest, test->plugin, scope, entries, count, &where,
						   &settings, NULL, out_count, &test->error));
	test->arena = manifest.arena;
	consort_secrets_forget(&manifest);
	return settings;
}

const struct consort_setting *adapter_settings(struct adapter_test *test, const char *const *texts,
					       uint32_t *out_count)
{
	return read_settings(test, CONSORT_OPTION_RESOURCE, texts, out_count);
}

/* --- databases --- */

static void take_log(void *context, uint32_t level, const char *origin, const char *text)
{
	struct adapter_test *test = context;

	snprintf(test->log, sizeof(test->log), "%u %s: %s", (unsigned)level, origin, text);
}

static void take_missing(void *context, uint32_t feature, const char *why)
{
	struct adapter_test *test = context;
	size_t used = strlen(test->missing);

	snprintf(test->missing + used, sizeof(test->missing) - used, "%u: %s\n", (unsigned)feature, why);
}

#ifdef ADAPTER_LINKED
static void load(struct adapter_test *test, const char *type)
{
	test->plugin = consort_plugin_entry_v1();
	ADAPTER_MUST(test, !strcmp(test->plugin->id, type));
}
#else
static void load(struct adapter_test *test, const char *type)
{
	const struct consort_adapter *adapter = NULL;
	struct consort_search search;

	ADAPTER_MUST(test, !consort_search_init(&search, testing_plugins(), &test->error));
	ADAPTER_MUST(test, !consort_loader_load(&search, type, NULL, &adapter, &test->error));
	consort_search_clear(&search);
	test->plugin = adapter->plugin;
}
#endif

uint32_t adapter_open(struct adapter_test *test, const char *type, const char *const *options)
{
	struct consort_database_config config = {.struct_size = sizeof(config), .name = "local"};
	struct consort_feature_sink sink = {test, take_missing};
	struct consort_features mask;

	memset(test, 0, sizeof(*test));
	consort_arena_init(&test->arena, 0);
	test->call.struct_size = sizeof(test->call);
	test->sink = calloc(1, sizeof(*test->sink));
	ADAPTER_MUST(test, test->sink);
	*test->sink = (struct consort_log_sink){.level = CONSORT_LOG_DEBUG, .fn = take_log, .context = test};
	consort_host_log_begin(test->sink);
	load(test, type);
	config.options = read_settings(test, CONSORT_OPTION_DATABASE, options, &config.noptions);
	ADAPTER_MUST(test, !test->plugin->init(consort_host_services(), &test->context, &test->error));
	ADAPTER_MUST(test,
		     !test->plugin->database->open(test->context, &config, &test->database, &test->error));
	if (test->plugin->connection->open(test->database, &test->call, &test->connection, &test->error))
		return test->error.status;
	mask = test->plugin->features;
	test->plugin->connection->features(test->connection, &mask, &sink);
	return CONSORT_OK;
}

void adapter_close(struct adapter_test *test)
{
	if (test->connection)
		test->plugin->connection->close(test->connection, &test->call);
	test->plugin->database->close(test->database);
	consort_host_log_end(test->sink);
	free(test->sink);
	consort_buffer_clear(&test->text);
	consort_arena_clear(&test->arena);
}

void *adapter_connect(struct adapter_test *test)
{
	void *connection = NULL;

	ADAPTER_MUST(test,
		     !test->plugin->connection->open(test->database, &test->call, &connection, &test->error));
	return connection;
}

void adapter_forget(struct adapter_test *test)
{
	test->nresources = 0;
	consort_arena_reset(&test->arena);
}

/* --- resources --- */

uint32_t adapter_attribute(const struct consort_resource *resource, const char *name, size_t size)
{
	uint32_t i;

	for (i = 0; i < resource->nattributes; i++)
		if (strlen(resource->attributes[i]->name) == size &&
		    !memcmp(resource->attributes[i]->name, name, size))
			return i;
	fprintf(stderr, "no attribute %.*s\n", (int)size, name);
	abort();
}

static void settle(struct adapter_test *test, struct consort_resource *resource, const char *source,
		   const char *const *settings)
{
	resource->struct_size = sizeof(*resource);
	resource->id = consort_next_id();
	resource->database = "local";
	resource->name = resource->source = consort_arena_text(&test->arena, source);
	resource->settings = adapter_settings(test, settings, &resource->nsettings);
}

struct consort_resource *adapter_new_resource(struct adapter_test *test, const char *source,
					      const char *const *settings)
{
	struct consort_resource *resource = consort_arena_alloc(&test->arena, sizeof(*resource));

	settle(test, resource, source, settings);
	return resource;
}

struct taker {
	struct adapter_test *test;
	struct consort_resource *resource;
};

static uint32_t take_resource(void *context, const struct consort_resource *found)
{
	struct taker *taker = context;

	taker->resource = consort_resource_copy(&taker->test->arena, found);
	while (taker->resource->nattributes &&
	       taker->resource->attributes[taker->resource->nattributes - 1]->flags &
		       CONSORT_ATTRIBUTE_HIDDEN)
		taker->resource->nattributes--;
	return CONSORT_OK;
}

struct consort_resource *adapter_introspect(struct adapter_test *test, const char *source,
					    const char *const *settings)
{
	struct taker taker = {test, NULL};
	struct consort_resource_sink sink = {&taker, take_resource};
	const struct consort_setting *list;
	uint32_t count;

	list = adapter_settings(test, settings, &count);
	if (test->plugin->schema->introspect(test->connection, &test->call, source, list, count, &sink,
					     &test->error))
		return NULL;
	settle(test, taker.resource, source, settings);
	return taker.resource;
}

/* What stands behind a word, cut off there; NULL if it does not occur. */
static const char *behind(char *text, const char *word)
{
	char *found = strstr(text, word);

	if (!found)
		return NULL;
	*found = '\0';
	return found + strlen(word);
}

static void declare(struct adapter_test *test, struct consort_resource *resource, const char *text)
{
	struct consort_attribute *attribute = consort_arena_alloc(&test->arena, sizeof(*attribute));
	const struct consort_attribute **list =
		consort_arena_array(&test->arena, resource->nattributes + 1, sizeof(*list));
	char *name = consort_arena_text(&test->arena, text);
	const char *codec = behind(name, " codec "), *source = behind(name, " from "),
		   *type = behind(name, " = ");
	uint32_t at = 0;

	if (!source)
		source = name;
	while (at < resource->nattributes && (strcmp(resource->attributes[at]->source, source) ||
					      (resource->attributes[at]->flags & CONSORT_ATTRIBUTE_DECLARED)))
		at++;
	if (at < resource->nattributes)
		*attribute = *resource->attributes[at];
	else
		*attribute = (struct consort_attribute){
			.struct_size = sizeof(*attribute), .source = source, .engine_type = "", .codec = ""};
	ADAPTER_MUST(test, type && !consort_type_parse(type, &attribute->type, &test->error));
	attribute->name = name;
	if (codec)
		attribute->codec = codec;
	attribute->flags &= ~CONSORT_ATTRIBUTE_UNKNOWN_TYPE;
	attribute->flags |= CONSORT_ATTRIBUTE_DECLARED;
	if (resource->nattributes)
		memcpy(list, resource->attributes, resource->nattributes * sizeof(*list));
	list[at] = attribute;
	resource->nattributes += at == resource->nattributes;
	resource->attributes = list;
}

void adapter_declare(struct adapter_test *test, struct consort_resource *resource,
		     const char *const *declared)
{
	for (; declared && *declared; declared++)
		declare(test, resource, *declared);
}

struct consort_resource *adapter_resource(struct adapter_test *test, const char *name,
					  const char *const *declared)
{
	struct consort_resource *resource;
	uint32_t i;

	for (i = 0; !declared && i < test->nresources; i++)
		if (!strcmp(test->resources[i]->name, name))
			return test->resources[i];
	resource = adapter_introspect(test, name, NULL);
	if (!resource)
		return NULL;
	adapter_declare(test, resource, declared);
	ADAPTER_MUST(test, test->nresources < 16);
	test->resources[test->nresources++] = resource;
	return resource;
}

enum consort_status adapter_find(void *context, const char *name,
				 const struct consort_resource **out_resource, struct consort_error *error)
{
	*out_resource = adapter_resource(context, name, NULL);
	return *out_resource ? CONSORT_OK : consort_error_set(error, CONSORT_ENAME, "no resource '%s'", name);
}
