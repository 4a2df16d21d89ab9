/* SPDX-License-Identifier: Apache-2.0 */
/* Introspection, define and drop, as texts. */
#include "adapter.h"

#include <stdio.h>

static void print_flags(struct adapter_test *test, uint32_t flags)
{
	static const char *const names[] = {"not-null", "generated", "read-only", "strict", "unknown"};
	uint32_t i;

	for (i = 0; i < 5; i++)
		if (flags & (1u << i))
			consort_buffer_printf(&test->text, " %s", names[i]);
}

static uint32_t print_resource(void *context, const struct consort_resource *resource)
{
	struct adapter_test *test = context;
	uint32_t i, j;

	consort_buffer_printf(&test->text, "%s%s:", resource->source,
			      resource->flags & CONSORT_RESOURCE_READ_ONLY ? " (read-only)" : "");
	for (i = 0; i < resource->nattributes; i++) {
		if (!test->show_hidden && resource->attributes[i]->flags & CONSORT_ATTRIBUTE_HIDDEN)
			continue;
		consort_buffer_printf(&test->text, "\n  %s ", resource->attributes[i]->name);
		consort_type_print(resource->attributes[i]->type, &test->text);
		consort_buffer_printf(&test->text, " '%s'", resource->attributes[i]->engine_type);
		print_flags(test, resource->attributes[i]->flags);
	}
	for (i = 0; i < resource->nkeys; i++)
		consort_buffer_printf(&test->text, "%s%s", i ? ", " : "\n  key ",
				      resource->attributes[resource->keys[i]]->name);
	for (i = 0; i < resource->nrelationships; i++) {
		const struct consort_relationship *link = resource->relationships[i];

		consort_buffer_printf(&test->text, "\n  link %s = %s", link->name, link->target);
		for (j = 0; j < link->nattributes; j++)
			consort_buffer_printf(&test->text, ", %s -> %s", link->from[j], link->to[j]);
	}
	for (i = 0; i < resource->nindexes; i++) {
		const struct consort_index *index = resource->indexes[i];

		consort_buffer_printf(&test->text, "\n  index '%s'%s", index->name,
				      index->flags & CONSORT_INDEX_UNIQUE ? " unique" : "");
		for (j = 0; j < index->nattributes; j++)
			consort_buffer_printf(&test->text, " %s",
					      resource->attributes[index->attributes[j]]->name);
	}
	consort_buffer_char(&test->text, '\n');
	return CONSORT_OK;
}

uint32_t adapter_describe(struct adapter_test *test, const char *source)
{
	struct consort_resource_sink sink = {test, print_resource};

	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	return test->plugin->schema->introspect(test->connection, &test->call, source, NULL, 0, &sink,
						&test->error);
}

/* --- define and drop --- */

static uint32_t show(void *context, const char *sql, uint64_t size)
{
	struct adapter_test *test = context;

	consort_buffer_append(&test->text, sql, size);
	return CONSORT_OK;
}

struct consort_resource *adapter_shape(struct adapter_test *test, struct adapter_shape *shape,
				       const char *name, const char *const *attributes, const uint32_t *keys,
				       uint32_t nkeys)
{
	uint32_t i;

	memset(shape, 0, sizeof(*shape));
	for (i = 0; attributes[i]; i++) {
		char attribute[128], type[64], codec[64] = "", more[64] = "";

		sscanf(attributes[i], "%127s %63s %63s %63[a-z ]", attribute, type, codec, more);
		shape->attributes[i].struct_size = sizeof(shape->attributes[i]);
		shape->attributes[i].name = shape->attributes[i].source =
			consort_arena_text(&test->arena, attribute);
		shape->attributes[i].engine_type = "";
		shape->attributes[i].codec =
			strcmp(codec, "-") ? consort_arena_text(&test->arena, codec) : "";
		shape->attributes[i].flags = *more ? CONSORT_ATTRIBUTE_NOT_NULL : 0;
		CU_ASSERT_EQUAL_FATAL(consort_type_parse(type, &shape->attributes[i].type, &test->error),
				      CONSORT_OK);
		shape->list[i] = &shape->attributes[i];
	}
	shape->resource.struct_size = sizeof(shape->resource);
	shape->resource.name = shape->resource.source = name;
	shape->resource.attributes = shape->list;
	shape->resource.nattributes = i;
	shape->resource.keys = keys;
	shape->resource.nkeys = nkeys;
	return &shape->resource;
}

uint32_t adapter_define(struct adapter_test *test, const struct consort_resource *resource, uint32_t flags)
{
	struct consort_text_sink sink = {test, show};

	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	return test->plugin->schema->define(test->connection, &test->call, resource, flags, &sink,
					    &test->error);
}

uint32_t adapter_drop(struct adapter_test *test, const struct consort_resource *resource, uint32_t flags)
{
	struct consort_text_sink sink = {test, show};

	memset(&test->error, 0, sizeof(test->error));
	consort_buffer_reset(&test->text);
	return test->plugin->schema->drop(test->connection, &test->call, resource, flags, &sink,
					  &test->error);
}
