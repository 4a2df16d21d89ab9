/* SPDX-License-Identifier: Apache-2.0 */
/* What a resource's declaration means: how its keys are made, what a record is, and how each attribute is
 * stored. */
#include "index.h"
#include "items.h"

#include <stdlib.h>

#define ATTRIBUTES_MOST 3000 /* a script takes no more arguments than this lets through */
#define NANOSECONDS_PER_MILLISECOND 1000000

static const struct consort_codec_name names[] = {
	{CONSORT_TYPE_BOOL, REDIS_CODEC_PLAIN, "text"},
	{CONSORT_TYPE_BOOL, REDIS_CODEC_INT, "int"},
	{CONSORT_TYPE_DECIMAL, REDIS_CODEC_PLAIN, "text"},
	{CONSORT_TYPE_BYTES, REDIS_CODEC_RAW, "raw"},
	{CONSORT_TYPE_BYTES, REDIS_CODEC_PLAIN, "hex"},
	{CONSORT_TYPE_TIMESTAMP, REDIS_CODEC_PLAIN, "iso"},
	{CONSORT_TYPE_TIMESTAMP, REDIS_CODEC_US, "us"},
	{CONSORT_TYPE_TIMESTAMP, REDIS_CODEC_MS, "ms"},
	{CONSORT_TYPE_TIMESTAMP, REDIS_CODEC_S, "s"},
	{CONSORT_TYPE_TIMESTAMP, REDIS_CODEC_EXPIRES, "expires"},
	{CONSORT_TYPE_DATE, REDIS_CODEC_PLAIN, "iso"},
	{CONSORT_TYPE_DATE, REDIS_CODEC_DAYS, "days"},
	{CONSORT_TYPE_TIME, REDIS_CODEC_PLAIN, "iso"},
	{CONSORT_TYPE_TIME, REDIS_CODEC_US, "us"},
	{CONSORT_TYPE_UUID, REDIS_CODEC_PLAIN, "text"},
	{CONSORT_TYPE_UUID, REDIS_CODEC_RAW, "raw"},
	{CONSORT_TYPE_OBJECTID, REDIS_CODEC_PLAIN, "text"},
	{CONSORT_TYPE_OBJECTID, REDIS_CODEC_RAW, "raw"},
	{CONSORT_TYPE_JSON, REDIS_CODEC_PLAIN, "text"},
	{CONSORT_TYPE_LIST, REDIS_CODEC_PLAIN, "json"},
};

/* --- options --- */

static struct consort_view text_option(const struct consort_resource *resource, const char *name)
{
	const struct consort_value *value =
		consort_setting_find(resource->settings, resource->nsettings, name);

	return value && !consort_value_is_null(value) ? value->as.view : (struct consort_view){"", 0};
}

static bool is(struct consort_view view, const char *text)
{
	return view.size == strlen(text) && !memcmp(view.data, text, view.size);
}

enum redis_record redis_record_of(const struct consort_resource *resource)
{
	static const char *const words[] = {[REDIS_HASH] = "hash",
					    [REDIS_JSON] = "json",
					    [REDIS_LIST] = "list",
					    [REDIS_SET] = "set",
					    [REDIS_SORTED_SET] = "sorted_set",
					    [REDIS_STREAM] = "stream"};
	struct consort_view option = text_option(resource, "record");
	uint32_t record = REDIS_STREAM;

	while (record > REDIS_HASH && !is(option, words[record]))
		record--;
	return record;
}

static uint32_t bad_option(const struct redis_layout *layout, const char *why, struct consort_error *error)
{
	consort_error_set(error, CONSORT_EVALUE, "resource '%s': %s", layout->resource->name, why);
	consort_copy_text(error->resource, sizeof(error->resource), layout->resource->name);
	return CONSORT_EVALUE;
}

/* The source, and what divides it from the key's parts: "flight:" for the sources flight and flight:. */
static uint32_t take_key(struct redis_layout *layout, struct consort_error *error)
{
	const char *source = layout->resource->source;
	struct consort_view separator = text_option(layout->resource, "separator"),
			    tag = text_option(layout->resource, "hash_tag");
	size_t size = strlen(source);
	const char *between, *head;

	layout->separator = consort_arena_copy(&layout->arena, separator.data, (size_t)separator.size);
	if (!layout->separator)
		return consort_error_no_memory(error);
	if (!separator.size && layout->nkeys > 1)
		return bad_option(layout, "a key of several attributes needs a separator", error);
	if (strchr(layout->separator, '%'))
		return bad_option(layout,
				  "the separator cannot have a %, which stands in front of what is escaped",
				  error);
	if (size >= separator.size &&
	    !memcmp(source + size - separator.size, layout->separator, separator.size))
		size -= (size_t)separator.size;
	between = size ? layout->separator : "";
	layout->together = is(tag, "source");
	layout->tail = is(tag, "key") ? "}" : "";
	if (layout->together && (!size || memchr(source, '}', size)))
		return bad_option(layout, "hash_tag = source needs a source without a }", error);
	if (layout->together)
		head = consort_arena_printf(&layout->arena, "{%.*s}%s", (int)size, source, between);
	else
		head = consort_arena_printf(&layout->arena, "%.*s%s%s", (int)size, source, between,
					    *layout->tail ? "{" : "");
	if (!head)
		return consort_error_no_memory(error);
	layout->head = head;
	layout->head_size = strlen(head);
	layout->tail_size = strlen(layout->tail);
	return CONSORT_OK;
}

/* --- attributes --- */

static uint32_t bad_attribute(struct redis_layout *layout, uint32_t position, uint32_t status,
			      const char *why, struct consort_error *error)
{
	consort_error_set(error, status, "%s", why);
	return redis_blame(layout, position, error);
}

static uint32_t take_codec(struct redis_layout *layout, uint32_t position, struct consort_error *error)
{
	const struct consort_attribute *attribute = layout->resource->attributes[position];
	struct redis_attribute *own = &layout->attributes[position];
	bool bytes = attribute->type.id == CONSORT_TYPE_BYTES;

	own->codec = bytes && layout->record != REDIS_JSON ? REDIS_CODEC_RAW : REDIS_CODEC_PLAIN;
	if (attribute->codec && *attribute->codec &&
	    consort_codec_find(names, sizeof(names) / sizeof(*names), "Redis", layout->resource, attribute,
			       &own->codec, error))
		return error->status;
	if (own->codec == REDIS_CODEC_RAW && layout->record == REDIS_JSON)
		return bad_attribute(layout, position, CONSORT_EVALUE,
				     "a JSON document cannot hold codec raw", error);
	if (own->codec != REDIS_CODEC_EXPIRES)
		return CONSORT_OK;
	if (layout->expires >= 0)
		return bad_attribute(layout, position, CONSORT_EVALUE,
				     "another attribute has the codec expires already", error);
	layout->expires = (int32_t)position;
	return CONSORT_OK;
}

static uint32_t take_keys(struct redis_layout *layout, struct consort_error *error)
{
	uint32_t i;

	for (i = 0; i < layout->nkeys; i++) {
		struct redis_attribute *own = &layout->attributes[layout->keys[i]];

		own->part = (int32_t)i;
		if (own->type.id == CONSORT_TYPE_JSON || own->type.id == CONSORT_TYPE_LIST ||
		    own->codec == REDIS_CODEC_EXPIRES)
			return bad_attribute(
				layout, layout->keys[i], CONSORT_EUNSUPPORTED,
				"what a key in Redis is made of can be no json, list, or time of expiry",
				error);
	}
	return CONSORT_OK;
}

static uint32_t take_attributes(struct redis_layout *layout, struct consort_error *error)
{
	const struct consort_resource *resource = layout->resource;
	uint32_t i, status = CONSORT_OK;

	if (!resource->nkeys && !redis_is_item(layout->record))
		return bad_option(layout,
				  "records in Redis are found by their key: declare which attributes it has "
				  "(key = …)",
				  error);
	if (resource->nattributes > ATTRIBUTES_MOST)
		return bad_option(layout, "a record in Redis has at most 3000 attributes", error);
	layout->nattributes = resource->nattributes;
	layout->nkeys = resource->nkeys;
	layout->keys = resource->keys;
	layout->expires = -1;
	layout->attributes =
		consort_arena_array(&layout->arena, layout->nattributes, sizeof(*layout->attributes));
	if (!layout->attributes)
		return consort_error_no_memory(error);
	for (i = 0; !status && i < layout->nattributes; i++) {
		struct redis_attribute *own = &layout->attributes[i];

		own->field = resource->attributes[i]->source;
		own->field_size = (uint32_t)strlen(own->field);
		own->type = resource->attributes[i]->type;
		own->part = -1;
		status = take_codec(layout, i, error);
	}
	return status ? status : take_keys(layout, error);
}

uint32_t redis_layout_make(const struct consort_resource *resource, struct redis_layout **out_layout,
			   struct consort_error *error)
{
	struct redis_layout *layout = calloc(1, sizeof(*layout));
	const struct consort_value *ttl;
	uint32_t status;

	if (!layout)
		return consort_error_no_memory(error);
	consort_arena_init(&layout->arena, 0);
	layout->resource = resource;
	layout->record = redis_record_of(resource);
	ttl = consort_setting_find(resource->settings, resource->nsettings, "ttl");
	if (ttl && !consort_value_is_null(ttl) && ttl->as.int64)
		layout->ttl = ttl->as.int64 / NANOSECONDS_PER_MILLISECOND +
			      (ttl->as.int64 < NANOSECONDS_PER_MILLISECOND);
	status = take_attributes(layout, error);
	if (!status && redis_is_item(layout->record)) {
		layout->head = resource->source;
		layout->head_size = strlen(layout->head);
		layout->tail = "";
		status = redis_items_check(layout, error);
	} else if (!status) {
		status = take_key(layout, error);
		if (!status)
			status = redis_indexes_make(layout, error);
	}
	if (status) {
		redis_layout_free(layout);
		return status;
	}
	*out_layout = layout;
	return CONSORT_OK;
}

void redis_layout_free(struct redis_layout *layout)
{
	if (!layout)
		return;
	consort_arena_clear(&layout->arena);
	free(layout);
}
